//! A function of each block and what lies around it.

use std::sync::Arc;

use ndarray::{ArrayD, ArrayViewD};

use super::super::chunked::Array;
use super::super::element::Element;
use super::super::held::Held;
use super::super::region::{Region, Span};
use super::super::shape::Pad;
use super::mapped::{BlockInfo, Cut, Mapped};
use crate::base::{Error, Result, Token};

/// What lies beyond the ends of an array.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Boundary<T> {
    /// Nothing: blocks at the ends are smaller.
    None,
    /// The other end, as if the axis were a ring.
    Periodic,
    /// The elements mirrored; the first and the last one come twice.
    Reflect,
    /// The first, and the last element.
    Nearest,
    /// This element everywhere.
    Constant(T),
}

impl<T: Element> Array<T> {
    /// What a function makes of each block together with `depth` elements of its neighbours along each axis; its result has
    /// the shape of what it saw, of which the part that belongs to the block is kept (Dask's `map_overlap`). A function
    /// that looks no further than `depth` elements gives the same for any chunks.
    ///
    /// ```
    /// use partita::array::{arange, map::Boundary};
    /// let x = arange(0.0, 100.0, 1.0, 30)?;
    /// let differences = x.map_overlap(&[1], Boundary::Nearest, |block, _| {
    ///     let before = |i: usize| if i == 0 { 0.0f64 } else { block[[i]] - block[[i - 1]] };
    ///     ndarray::Array1::from_iter((0..block.len()).map(before)).into_dyn()
    /// })?;
    /// assert_eq!(differences.sum()?.item()?, 99.0);
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid` when there are not as many depths as axes; when it is computed, as [`map_blocks`](Array::map_blocks).
    pub fn map_overlap<U: Element>(
        &self,
        depth: &[usize],
        boundary: Boundary<T>,
        function: impl Fn(ArrayViewD<'_, T>, &BlockInfo) -> ArrayD<U> + Send + Sync + 'static,
    ) -> Result<Array<U>> {
        if depth.len() != self.ndim() {
            let what = format!("a depth is given for {} axes, the array has {}", depth.len(), self.ndim());
            return Err(Error::invalid(what).doing("map_overlap"));
        }
        let around = |with: Pad<T>| self.pad(&depth.iter().map(|&depth| (depth, depth)).collect::<Vec<_>>(), with);
        let padded = match boundary {
            Boundary::None => self.clone(),
            Boundary::Periodic => around(Pad::Wrap)?,
            Boundary::Reflect => around(Pad::Symmetric)?,
            Boundary::Nearest => around(Pad::Edge)?,
            Boundary::Constant(value) => around(Pad::Constant(value))?,
        };
        let (depth, shape, clipped) = (depth.to_vec(), self.shape().to_vec(), boundary == Boundary::None);
        let cut = move |range: &[(usize, usize)]| {
            let axes =
                range.iter().zip(depth.iter().zip(&shape)).map(|(&(start, len), (&depth, &all))| match clipped {
                    true => {
                        let (first, end) = (start.saturating_sub(depth), (start + len).saturating_add(depth).min(all));
                        (Span::new(first, end - first), (start - first, len))
                    }
                    false => (Span::new(start, len + 2 * depth), (depth, len)),
                });
            let (seen, kept): (Vec<Span>, Vec<(usize, usize)>) = axes.unzip();
            Cut { seen: Region(seen), kept: Some(kept) }
        };
        let blocks = Mapped {
            input: padded.lazy,
            name: "map_overlap",
            function: Arc::new(function),
            blocks: self.chunks.clone(),
            results: self.chunks.clone(),
            cut: Box::new(cut),
            token: Token::fresh(),
        };
        let chunks = self.chunks.clone();
        let held =
            Held::<U>::new(Arc::new(Arc::new(blocks)), chunks.clone(), "map_overlap", 1 + self.lazy.operations().all);
        Ok(self.then(held, chunks))
    }
}
