//! Runs of elements one after another along an axis: what concatenation, rolling, padding and integer indices are made of.

use std::fmt;
use std::sync::Arc;

use super::super::chunked::Array;
use super::super::chunks::Chunks;
use super::super::element::Element;
use super::super::held::within;
use super::super::lazy::{Lazy, Needs, Operations};
use super::super::region::{Region, Span};
use super::super::tile::Tile;
use crate::base::{Identity, Result, Tokenizer};

/// Elements of one of several arrays along the axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) input: usize,
    pub(super) span: Span,
}

/// Pieces one after another along an axis.
pub(super) struct Pieces<T> {
    inputs: Vec<Arc<dyn Lazy<T>>>,
    name: &'static str,
    shape: Vec<usize>,
    axis: usize,
    pieces: Vec<Piece>,
    /// Where each piece ends.
    ends: Vec<usize>,
    /// Many short pieces of one array: neighbours are read together, whatever their order.
    scattered: bool,
}

/// Elements that are nearer to each other are read together, and what lies between is read in vain.
const NEAR: usize = 8;

impl<T: Element> Pieces<T> {
    /// These pieces of the inputs, which have the same shape but for this axis.
    pub(super) fn new(
        name: &'static str,
        inputs: Vec<Arc<dyn Lazy<T>>>,
        axis: usize,
        pieces: impl IntoIterator<Item = Piece>,
    ) -> Pieces<T> {
        let pieces: Vec<Piece> = pieces.into_iter().filter(|piece| piece.span.len > 0).collect();
        let sums = pieces.iter().scan(0, |sum, piece| {
            *sum += piece.span.len;
            Some(*sum)
        });
        let ends: Vec<usize> = sums.collect();
        let len = ends.last().copied().unwrap_or(0);
        let mut shape = inputs.first().map(|input| input.shape().to_vec()).unwrap_or_default();
        if let Some(axis) = shape.get_mut(axis) {
            *axis = len;
        }
        let scattered = inputs.len() == 1 && pieces.len() > 2 && pieces.len() * NEAR > len;
        Pieces { inputs, name, shape, axis, pieces, ends, scattered }
    }

    /// The pieces that some places pass, each with the first of the places.
    fn passed(&self, part: Span) -> Vec<(Piece, usize)> {
        let mut passed = Vec::new();
        let mut done = 0;
        while done < part.len {
            let place = part.at(done);
            let number = self.ends.partition_point(|&end| end <= place);
            let Some((&piece, &end)) = self.pieces.get(number).zip(self.ends.get(number)) else { break };
            let begin = end - piece.span.len;
            let many = within(place, part.step, begin, end).min(part.len - done);
            let inside = Span { start: place - begin, step: part.step, len: many };
            passed.push((Piece { span: piece.span.of(inside), ..piece }, done));
            done += many;
        }
        passed
    }

    /// The elements that some places mean, each with its place among them, sorted, and in runs of neighbours. Of fewer places these are parts of the
    /// runs of more.
    fn neighbours(&self, part: Span) -> (Vec<(usize, usize)>, Vec<Span>) {
        let each = |(piece, _): (Piece, usize)| (0..piece.span.len).map(move |i| piece.span.at(i));
        let elements = self.passed(part).into_iter().flat_map(each);
        let mut sorted: Vec<(usize, usize)> = elements.enumerate().map(|(place, element)| (element, place)).collect();
        sorted.sort_unstable();
        let mut runs: Vec<Span> = Vec::new();
        for &(element, _) in &sorted {
            match runs.last_mut() {
                Some(run) if element - (run.start + run.len - 1) <= NEAR => run.len = element + 1 - run.start,
                _ => runs.push(Span::new(element, 1)),
            }
        }
        (sorted, runs)
    }

    fn at(&self, region: &Region, span: Span) -> Region {
        let mut below = region.clone();
        if let Some(axis) = below.0.get_mut(self.axis) {
            *axis = span;
        }
        below
    }

    /// Reads runs of neighbours, and places their elements.
    fn gather(&self, region: &Region, out: &mut [T], tile: &mut Tile<'_>) -> Result<()> {
        let (sorted, runs) = self.neighbours(region.0[self.axis]);
        let (many, mut left) = (sorted.len(), sorted.as_slice());
        let inner: usize = region.0[self.axis + 1..].iter().map(|span| span.len).product();
        for run in runs {
            let input = self.inputs[0].as_ref();
            let here = left.partition_point(|&(element, _)| element < run.start + run.len);
            let (wanted, later) = left.split_at(here);
            left = later;
            tile.with(input, &self.at(region, run), |values, _| {
                for (from, to) in values.chunks(run.len * inner).zip(out.chunks_mut(many * inner)) {
                    for &(element, place) in wanted {
                        let at = element - run.start;
                        to[place * inner..(place + 1) * inner].copy_from_slice(&from[at * inner..(at + 1) * inner]);
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

impl<T: Element> Identity for Pieces<T> {
    fn token(&self, t: &mut Tokenizer) {
        t.str("pieces");
        t.u64(self.axis as u64);
        t.list(&self.pieces, |t, piece| {
            [piece.input, piece.span.start, piece.span.step as usize, piece.span.len]
                .into_iter()
                .for_each(|n| t.u64(n as u64));
        });
        t.list(&self.inputs, |t, input| t.identity(input.as_ref()));
    }
}

impl<T> fmt::Debug for Pieces<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {:?}", self.name, self.shape)
    }
}

impl<T: Element> Lazy<T> for Pieces<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn operations(&self) -> Operations {
        Operations::ONE + self.inputs.iter().map(|input| input.operations()).sum::<Operations>()
    }

    fn needs(&self, region: &Region, needs: &mut Needs) {
        if region.is_empty() {
            return;
        }
        let part = region.0[self.axis];
        if self.scattered {
            let runs = self.neighbours(part).1;
            runs.into_iter().for_each(|run| self.inputs[0].needs(&self.at(region, run), needs));
            return;
        }
        for (piece, _) in self.passed(part) {
            self.inputs[piece.input].needs(&self.at(region, piece.span), needs);
        }
    }

    fn read(&self, region: &Region, out: &mut [T], tile: &mut Tile<'_>) -> Result<()> {
        if region.is_empty() {
            return Ok(());
        }
        let part = region.0[self.axis];
        let passed = self.passed(part);
        if let [(piece, _)] = passed.as_slice() {
            return self.inputs[piece.input].read(&self.at(region, piece.span), out, tile);
        }
        if self.scattered {
            return self.gather(region, out, tile);
        }
        let inner: usize = region.0[self.axis + 1..].iter().map(|span| span.len).product();
        let (whole, single) = (part.len * inner, out.len() == part.len * inner);
        for (piece, first) in passed {
            let (input, below) = (self.inputs[piece.input].as_ref(), self.at(region, piece.span));
            let (first, many) = (first * inner, piece.span.len * inner);
            if single {
                input.read(&below, &mut out[first..first + many], tile)?;
                continue;
            }
            tile.with(input, &below, |values, _| {
                let rows = values.chunks(many).zip(out.chunks_mut(whole));
                rows.for_each(|(from, to)| to[first..first + many].copy_from_slice(from));
                Ok(())
            })?;
        }
        Ok(())
    }
}

impl<T: Element> Array<T> {
    /// These pieces of it along an axis; `sizes` are the chunks of that axis.
    pub(super) fn rearranged(&self, name: &'static str, axis: usize, spans: Vec<Span>, sizes: Vec<usize>) -> Array<T> {
        let pieces = spans.into_iter().map(|span| Piece { input: 0, span });
        let mut chunks: Vec<Vec<usize>> = (0..self.ndim()).map(|axis| self.chunks.axis(axis).to_vec()).collect();
        chunks[axis] = sizes;
        self.then(Pieces::new(name, vec![self.lazy.clone()], axis, pieces), Chunks::new(chunks))
    }
}

/// Elements as runs, each of them one step after another.
pub(super) fn runs(elements: &[usize]) -> Vec<Span> {
    let mut runs: Vec<Span> = Vec::new();
    for &element in elements {
        match runs.last_mut() {
            Some(run) if run.len == 1 => *run = Span { step: element as isize - run.start as isize, len: 2, ..*run },
            Some(run) if run.at(run.len) == element => run.len += 1,
            _ => runs.push(Span::new(element, 1)),
        }
    }
    runs
}

/// Chunks of an axis of this length, of the size of the largest of these.
pub(in crate::array) fn like(sizes: &[usize], len: usize) -> Vec<usize> {
    let size = sizes.iter().copied().max().unwrap_or(1).max(1);
    match len {
        0 => vec![0],
        len => (0..len.div_ceil(size)).map(|i| size.min(len - i * size)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_the_elements() {
        for elements in [vec![], vec![3], vec![1, 2, 3, 7, 5, 3, 3, 3, 0], vec![5, 5, 4], vec![0, 9, 1, 8]] {
            let again: Vec<usize> = runs(&elements).iter().flat_map(|run| (0..run.len).map(|i| run.at(i))).collect();
            assert_eq!(again, elements);
        }
        assert_eq!(runs(&[1, 2, 3, 9]), [Span::new(1, 3), Span::new(9, 1)]);
        assert_eq!((like(&[2, 4, 1], 10), like(&[], 0)), (vec![4, 4, 2], vec![0]));
    }
}
