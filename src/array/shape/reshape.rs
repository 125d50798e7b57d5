//! Other axes for the same elements in the same order.

use std::fmt;
use std::sync::Arc;

use super::super::chunked::Array;
use super::super::chunks::Chunks;
use super::super::element::Element;
use super::super::held::within;
use super::super::lazy::{Lazy, Needs, Operations};
use super::super::region::{Region, Span};
use super::super::tile::Tile;
use super::pieces::like;
use crate::base::{Error, Identity, Result, Tokenizer};

/// The elements in the order of the last axis, under other axes.
struct Reshaped<T> {
    input: Arc<dyn Lazy<T>>,
    shape: Vec<usize>,
}

/// A run of elements by their numbers in the order of the last axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    first: usize,
    step: isize,
    len: usize,
}

/// The elements of a region as runs that are as long as may be, in the order of the region.
fn runs_of(shape: &[usize], region: &Region, mut each: impl FnMut(Run) -> Result<()>) -> Result<()> {
    if region.is_empty() {
        return Ok(());
    }
    // axes that are taken whole, at the end, and one more, are a single run
    let mut outer = shape.len();
    let mut inner = 1;
    let whole = |axis: usize| region.0[axis] == Span::new(0, shape[axis]);
    while outer > 0 && whole(outer - 1) {
        outer -= 1;
        inner *= shape[outer];
    }
    let mut run = Run { first: 0, step: 1, len: inner };
    if outer > 0 {
        let span = region.0[outer - 1];
        if span.step == 1 || span.len == 1 {
            outer -= 1;
            run = Run { first: span.start * inner, step: 1, len: span.len * inner };
        } else if inner == 1 {
            outer -= 1;
            run = Run { first: span.start, step: span.step, len: span.len };
        }
    }
    let strides: Vec<usize> = (0..outer).map(|axis| shape[axis + 1..].iter().product()).collect();
    let rows = Region(region.0[..outer].iter().copied().chain([Span::new(0, 1)]).collect());
    let mut failed = Ok(());
    rows.rows(|index| {
        let first: usize = index.iter().zip(&strides).map(|(i, stride)| i * stride).sum();
        if failed.is_ok() {
            failed = each(Run { first: run.first + first, ..run });
        }
    });
    failed
}

/// The boxes of a shape that hold a run of neighbours, in its order.
fn boxes(shape: &[usize], first: usize, len: usize, axes: &mut Vec<Span>, each: &mut dyn FnMut(&[Span])) {
    let Some((_, rest)) = shape.split_first().filter(|(_, rest)| !rest.is_empty()) else {
        axes.push(Span::new(first, len));
        each(axes);
        axes.pop();
        return;
    };
    let stride: usize = rest.iter().product();
    let (mut at, mut left) = (first, len);
    while left > 0 {
        let (row, inside) = (at / stride, at % stride);
        let rows = if inside == 0 { left / stride } else { 0 };
        let done = match rows {
            0 => {
                let part = left.min(stride - inside);
                axes.push(Span::new(row, 1));
                boxes(rest, inside, part, axes, each);
                axes.pop();
                part
            }
            rows => {
                let many = axes.len();
                axes.push(Span::new(row, rows));
                axes.extend(rest.iter().map(|&len| Span::new(0, len)));
                each(axes);
                axes.truncate(many);
                rows * stride
            }
        };
        at += done;
        left -= done;
    }
}

/// The regions of a shape that a run passes, in its order: boxes of neighbours, and parts of rows where it has steps.
fn passed(shape: &[usize], run: Run, mut each: impl FnMut(&[Span])) {
    if run.step == 1 || run.len == 1 {
        return boxes(shape, run.first, run.len, &mut Vec::with_capacity(shape.len()), &mut each);
    }
    let Some((&last, outer)) = shape.split_last() else { return };
    let mut done = 0;
    while done < run.len {
        let at = run.first.wrapping_add_signed(run.step.wrapping_mul(done as isize));
        let (row, inside) = (at / last, at % last);
        let many = within(inside, run.step, 0, last).min(run.len - done);
        let mut axes = vec![Span::new(0, 1); shape.len()];
        let mut left = row;
        for axis in (0..outer.len()).rev() {
            axes[axis] = Span::new(left % outer[axis], 1);
            left /= outer[axis];
        }
        axes[outer.len()] = Span { start: inside, step: run.step, len: many };
        each(&axes);
        done += many;
    }
}

impl<T: Element> Identity for Reshaped<T> {
    fn token(&self, t: &mut Tokenizer) {
        t.str("reshape");
        t.debug(&self.shape);
        t.identity(self.input.as_ref());
    }
}

impl<T> fmt::Debug for Reshaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reshape to {:?}", self.shape)
    }
}

impl<T: Element> Lazy<T> for Reshaped<T> {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn operations(&self) -> Operations {
        Operations::ONE + self.input.operations()
    }

    fn needs(&self, region: &Region, needs: &mut Needs) {
        let shape = self.input.shape();
        let noted = runs_of(&self.shape, region, |run| {
            passed(shape, run, |axes| self.input.needs(&Region(axes.to_vec()), needs));
            Ok(())
        });
        debug_assert!(noted.is_ok());
    }

    fn read(&self, region: &Region, out: &mut [T], tile: &mut Tile<'_>) -> Result<()> {
        let (shape, mut done) = (self.input.shape(), 0);
        runs_of(&self.shape, region, |run| {
            let mut result = Ok(());
            passed(shape, run, |axes| {
                let below = Region(axes.to_vec());
                let many = below.len();
                if result.is_ok() {
                    result = self.input.read(&below, &mut out[done..done + many], tile);
                }
                done += many;
            });
            result
        })
    }
}

impl<T: Element> Array<T> {
    /// The same elements, in the order of the last axis, with other axes (numpy's `reshape`); one length may be -1, and is
    /// what is left.
    ///
    /// ```
    /// use partita::array::arange;
    /// let x = arange(0.0, 12.0, 1.0, 5)?.reshape([3, -1])?;
    /// assert_eq!((x.shape(), x.compute()?[[2, 1]]), (&[3, 4][..], 9.0));
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid` when the shape has not as many elements, or more than one length is -1.
    pub fn reshape(&self, shape: impl AsRef<[isize]>) -> Result<Array<T>> {
        self.check()?;
        let shape = self.complete(shape.as_ref())?;
        if shape == self.shape() {
            return Ok(self.clone());
        }
        let chunks = self.reshaped_chunks(&shape);
        Ok(self.reshaped(shape, chunks))
    }

    /// All elements along one axis, the last axis running fastest (numpy's `ravel` and `flatten`).
    ///
    /// # Errors
    /// None that is known.
    pub fn ravel(&self) -> Result<Array<T>> {
        self.reshape([-1])
    }

    pub(super) fn reshaped(&self, shape: Vec<usize>, chunks: Vec<Vec<usize>>) -> Array<T> {
        self.then(Reshaped { input: self.lazy.clone(), shape }, Chunks::new(chunks))
    }

    /// The shape with the length that was left open.
    fn complete(&self, wanted: &[isize]) -> Result<Vec<usize>> {
        let fail = |what: String| Err(Error::invalid(what).doing("reshape"));
        if wanted.iter().filter(|&&len| len < 0).count() > 1 {
            return fail("can only specify one unknown dimension".to_string());
        }
        let known: Option<usize> = wanted
            .iter()
            .filter_map(|&len| usize::try_from(len).ok())
            .try_fold(1usize, |all, len| all.checked_mul(len));
        let size = self.size();
        let open = known.filter(|&known| known > 0 && size.is_multiple_of(known)).map(|known| size / known);
        let lengths = wanted.iter().map(|&len| usize::try_from(len).ok().or(open));
        let shape: Option<Vec<usize>> = lengths.collect();
        match shape.filter(|shape| shape.iter().try_fold(1usize, |all, len| all.checked_mul(*len)) == Some(size)) {
            Some(shape) => Ok(shape),
            None => fail(format!("cannot reshape array of size {size} into shape {wanted:?}")),
        }
    }

    /// Chunks of about as many elements as those of this array, each one run of it: leading axes that stay are cut as they
    /// were, of the others the last ones are whole.
    fn reshaped_chunks(&self, shape: &[usize]) -> Vec<Vec<usize>> {
        let same = shape.iter().zip(self.shape()).take_while(|(a, b)| a == b).count();
        let largest = self.chunks.largest();
        let mut left = largest[same..].iter().product::<usize>().max(1);
        let mut chunks: Vec<Vec<usize>> = (0..same).map(|axis| self.chunks.axis(axis).to_vec()).collect();
        let mut last: Vec<Vec<usize>> = Vec::new();
        for &len in shape[same..].iter().rev() {
            let size = left.clamp(1, len.max(1));
            left = if size < len { 1 } else { left / size };
            last.push(like(&[size], len));
        }
        chunks.extend(last.into_iter().rev());
        chunks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regions(shape: &[usize], run: Run) -> Vec<Vec<Span>> {
        let mut all = Vec::new();
        passed(shape, run, |axes| all.push(axes.to_vec()));
        all
    }

    #[test]
    fn runs_pass_boxes_in_order() {
        let shape = [4, 3, 5];
        for first in 0..60 {
            for len in 1..=60 - first {
                let all = regions(&shape, Run { first, step: 1, len });
                let mut seen = Vec::new();
                for axes in &all {
                    let region = Region(axes.clone());
                    let last = region.last();
                    region.rows(|i| seen.extend((0..last.len).map(|j| (i[0] * 3 + i[1]) * 5 + last.at(j))));
                }
                assert_eq!(seen, (first..first + len).collect::<Vec<_>>());
                assert!(all.len() <= 5, "{first} {len}: {all:?}");
            }
        }
        let stepped = regions(&shape, Run { first: 58, step: -3, len: 4 });
        assert_eq!(stepped[0], [Span::new(3, 1), Span::new(2, 1), Span { start: 3, step: -3, len: 2 }]);
    }
}
