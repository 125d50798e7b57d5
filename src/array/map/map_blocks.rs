//! A function of each block.

use std::sync::Arc;

use ndarray::{ArrayD, ArrayViewD};

use super::super::chunked::Array;
use super::super::chunks::Chunks;
use super::super::element::Element;
use super::super::held::Held;
use super::super::region::Region;
use super::mapped::{BlockInfo, Cut, Mapped};
use crate::base::{Error, Result, Token};

impl<T: Element> Array<T> {
    /// What a function makes of each block, which it sees as a whole; its result has the same shape (Dask's `map_blocks`).
    /// The blocks are those of [`chunks`](Array::chunks), so what comes of it may depend on them.
    ///
    /// ```
    /// use partita::array::ones;
    /// let x = ones([6, 4], (2, 4))?;
    /// let y = x.map_blocks(|block, info| block.mapv(|v| v * info.number as f64))?;
    /// assert_eq!(y.sum()?.item()?, 8.0 * (0.0 + 1.0 + 2.0));
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// When it is computed: `Invalid` when the function gives a block of another shape, `Panicked` when it panics.
    pub fn map_blocks<U: Element>(
        &self,
        function: impl Fn(ArrayViewD<'_, T>, &BlockInfo) -> ArrayD<U> + Send + Sync + 'static,
    ) -> Result<Array<U>> {
        self.map_blocks_to(self.chunks.clone(), function)
    }

    /// The same for a function whose blocks have other shapes: `chunks` are those of the result, as many as there are blocks,
    /// in the same order; their number of axes may be another.
    ///
    /// # Errors
    /// `Invalid` when there are not as many chunks as blocks; otherwise as [`map_blocks`](Array::map_blocks).
    pub fn map_blocks_to<U: Element>(
        &self,
        chunks: Chunks,
        function: impl Fn(ArrayViewD<'_, T>, &BlockInfo) -> ArrayD<U> + Send + Sync + 'static,
    ) -> Result<Array<U>> {
        if chunks.count() != self.chunks.count() {
            let what = format!("{chunks} are {} chunks, there are {} blocks", chunks.count(), self.chunks.count());
            return Err(Error::invalid(what).doing("map_blocks"));
        }
        let blocks = Mapped {
            input: self.lazy.clone(),
            name: "map_blocks",
            function: Arc::new(function),
            blocks: self.chunks.clone(),
            results: chunks.clone(),
            cut: Box::new(|range| Cut { seen: Region::block(range), kept: None }),
            token: Token::fresh(),
        };
        let held =
            Held::<U>::new(Arc::new(Arc::new(blocks)), chunks.clone(), "map_blocks", 1 + self.lazy.operations().all);
        Ok(self.then(held, chunks))
    }
}
