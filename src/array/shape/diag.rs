//! Diagonals, and what lies on one side of them.

use std::fmt;
use std::sync::Arc;

use super::super::chunked::Array;
use super::super::chunks::Chunks;
use super::super::element::Element;
use super::super::lazy::{Lazy, Needs, Operations};
use super::super::region::{Region, Span};
use super::super::tile::Tile;
use super::pieces::like;
use crate::base::{Error, Identity, Result, Tokenizer};

/// An array of one axis on a diagonal of a square.
struct OnDiagonal<T> {
    input: Arc<dyn Lazy<T>>,
    shape: [usize; 2],
    k: isize,
}

impl<T: Element> OnDiagonal<T> {
    /// The elements that stand in a region: the place in it and the number of each.
    fn hits(&self, region: &Region) -> Vec<(usize, usize)> {
        let &[rows, columns] = region.0.as_slice() else { return Vec::new() };
        let on = |row: usize| {
            let i = rows.at(row);
            let j = i.checked_add_signed(self.k).filter(|&j| j < self.shape[1])?;
            let away = j as isize - columns.start as isize;
            let column = match columns.step {
                0 => (away == 0).then_some(0)?,
                step if away % step == 0 => usize::try_from(away / step).ok()?,
                _ => return None,
            };
            (column < columns.len).then_some((row * columns.len + column, i.min(j)))
        };
        (0..rows.len).filter_map(on).collect()
    }

    fn below(hits: &[(usize, usize)]) -> Option<Region> {
        let numbers = || hits.iter().map(|(_, number)| *number);
        let (low, high) = (numbers().min()?, numbers().max()?);
        Some(Region(vec![Span::new(low, high + 1 - low)]))
    }
}

/// The diagonal of an array of two axes.
struct Diagonal<T> {
    input: Arc<dyn Lazy<T>>,
    shape: [usize; 1],
    /// The first element.
    from: [usize; 2],
}

/// Elements of the diagonal that are read together, with the square around them.
const SQUARE: usize = 8;

/// What lies on one side of a diagonal, and zeros.
struct Triangle<T> {
    input: Arc<dyn Lazy<T>>,
    k: isize,
    lower: bool,
}

macro_rules! named {
    ($($machine:ident $name:literal ($own:ident, $t:ident) $token:block;)*) => {$(
        impl<T: Element> Identity for $machine<T> {
            fn token(&self, $t: &mut Tokenizer) {
                $t.str($name);
                let $own = self;
                $token
                $t.identity(self.input.as_ref());
            }
        }

        impl<T: Element> fmt::Debug for $machine<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} to {:?}", $name, Lazy::shape(self))
            }
        }
    )*};
}

named! {
    OnDiagonal "diag" (own, t) { t.debug(&(own.shape, own.k)) };
    Diagonal "diagonal" (own, t) { t.debug(&(own.shape, own.from)) };
    Triangle "triangle" (own, t) { t.debug(&(own.k, own.lower)) };
}

impl<T: Element> Lazy<T> for OnDiagonal<T> {
    fn name(&self) -> &'static str {
        "diag"
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn operations(&self) -> Operations {
        Operations::ONE + self.input.operations()
    }

    fn needs(&self, region: &Region, needs: &mut Needs) {
        if let Some(below) = Self::below(&self.hits(region)) {
            self.input.needs(&below, needs);
        }
    }

    fn read(&self, region: &Region, out: &mut [T], tile: &mut Tile<'_>) -> Result<()> {
        out.fill(T::default());
        let hits = self.hits(region);
        let Some(below) = Self::below(&hits) else { return Ok(()) };
        let first = below.last().start;
        tile.with(self.input.as_ref(), &below, |values, _| {
            hits.iter().for_each(|&(place, number)| out[place] = values[number - first]);
            Ok(())
        })
    }
}

impl<T: Element> Diagonal<T> {
    /// The square around some elements of the diagonal.
    fn square(&self, first: usize, last: usize) -> Region {
        let (low, high) = (first.min(last), first.max(last));
        Region(self.from.iter().map(|from| Span::new(from + low, high + 1 - low)).collect())
    }
}

impl<T: Element> Lazy<T> for Diagonal<T> {
    fn name(&self) -> &'static str {
        "diagonal"
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn operations(&self) -> Operations {
        Operations::ONE + self.input.operations()
    }

    fn needs(&self, region: &Region, needs: &mut Needs) {
        let span = region.last();
        // squares may be divided otherwise when they are read: each of these covers its neighbours
        for first in (0..span.len).step_by(SQUARE) {
            let last = (first + 2 * SQUARE).min(span.len) - 1;
            self.input.needs(&self.square(span.at(first), span.at(last)), needs);
        }
    }

    fn read(&self, region: &Region, out: &mut [T], tile: &mut Tile<'_>) -> Result<()> {
        let span = region.last();
        let many = if span.step.unsigned_abs() <= 1 { SQUARE } else { 1 };
        for (part, out) in out.chunks_mut(many).enumerate() {
            let (first, last) = (span.at(part * many), span.at(part * many + out.len() - 1));
            let square = self.square(first, last);
            let (low, side) = (first.min(last), square.0[0].len);
            tile.with(self.input.as_ref(), &square, |values, _| {
                for (i, value) in out.iter_mut().enumerate() {
                    *value = values[(span.at(part * many + i) - low) * (side + 1)];
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

impl<T: Element> Lazy<T> for Triangle<T> {
    fn name(&self) -> &'static str {
        if self.lower { "tril" } else { "triu" }
    }

    fn shape(&self) -> &[usize] {
        self.input.shape()
    }

    fn operations(&self) -> Operations {
        Operations::ONE + self.input.operations()
    }

    fn needs(&self, region: &Region, needs: &mut Needs) {
        self.input.needs(region, needs);
    }

    fn read(&self, region: &Region, out: &mut [T], tile: &mut Tile<'_>) -> Result<()> {
        self.input.read(region, out, tile)?;
        let columns = region.last();
        let mut rows = out.chunks_mut(columns.len.max(1));
        region.rows(|index| {
            let (Some(row), Some(&i)) = (rows.next(), index.iter().rev().nth(1)) else { return };
            let last = (i as isize).saturating_add(self.k);
            for (column, value) in row.iter_mut().enumerate() {
                let j = columns.at(column) as isize;
                if (self.lower && j > last) || (!self.lower && j < last) {
                    *value = T::default();
                }
            }
        });
        Ok(())
    }
}

impl<T: Element> Array<T> {
    /// An array of one axis on the diagonal of a square of zeros, or the diagonal of an array of two axes, `k` places to the
    /// right of the main one (numpy's `diag`).
    ///
    /// # Errors
    /// `Invalid` for other numbers of axes.
    pub fn diag(&self, k: isize) -> Result<Array<T>> {
        match *self.shape() {
            [len] => {
                let side = len.saturating_add(k.unsigned_abs());
                let mut sizes = self.chunks.axis(0).to_vec();
                sizes.extend((k != 0).then_some(k.unsigned_abs()));
                let chunks = Chunks::new([sizes.clone(), sizes]);
                Ok(self.then(OnDiagonal { input: self.lazy.clone(), shape: [side, side], k }, chunks))
            }
            [rows, columns] => {
                let from = [k.min(0).unsigned_abs(), k.max(0).unsigned_abs()];
                let len = rows.saturating_sub(from[0]).min(columns.saturating_sub(from[1]));
                let sizes = like(self.chunks.axis(0), len);
                let chunks = Chunks::new([sizes]);
                Ok(self.then(Diagonal { input: self.lazy.clone(), shape: [len], from }, chunks))
            }
            _ => Err(Error::invalid(format!("input must be 1- or 2-d, not {}-d", self.ndim())).doing("diag")),
        }
    }

    /// With zeros above the diagonal that is `k` places to the right of the main one, of the last two axes (numpy's `tril`).
    ///
    /// # Errors
    /// `Invalid` for an array of fewer than two axes.
    pub fn tril(&self, k: isize) -> Result<Array<T>> {
        self.triangle(k, true)
    }

    /// With zeros below the diagonal that is `k` places to the right of the main one, of the last two axes (numpy's `triu`).
    ///
    /// # Errors
    /// `Invalid` for an array of fewer than two axes.
    pub fn triu(&self, k: isize) -> Result<Array<T>> {
        self.triangle(k, false)
    }

    fn triangle(&self, k: isize, lower: bool) -> Result<Array<T>> {
        if self.ndim() < 2 {
            return Err(Error::invalid("a triangle has two axes").doing(if lower { "tril" } else { "triu" }));
        }
        Ok(self.then(Triangle { input: self.lazy.clone(), k, lower }, self.chunks.clone()))
    }
}
