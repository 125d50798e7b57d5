//! How often each number occurs.

use super::super::chunked::Array;
use super::super::chunks::Chunks;
use super::grid::Grid;
use super::number::Number;
use super::tally::{Places, Tally};
use super::tree::Subject;
use crate::base::{Error, Result, Token};

/// At the place of its number.
struct Own;

impl<T: Number + Into<i64>> Places<T> for Own {
    fn name(&self) -> &'static str {
        "bincount"
    }

    #[inline]
    fn place(&self, _edges: &[f64], value: T) -> Option<usize> {
        usize::try_from(value.into()).ok()
    }
}

impl<T: Number + Into<i64>> Array<T> {
    /// How often each number from 0 to the largest one occurs, at least for so many numbers (numpy's `bincount`). The
    /// largest one is computed at once, since the shape depends on it.
    ///
    /// ```
    /// use partita::array::from_ndarray;
    /// let x = from_ndarray(ndarray::array![1, 1, 4], 2)?;
    /// assert_eq!(x.bincount(0)?.compute()?.as_slice(), Some(&[0i64, 2, 0, 0, 1][..]));
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid` when there is more than one axis, and for negative numbers; those of the tasks.
    pub fn bincount(&self, minlength: usize) -> Result<Array<i64>> {
        self.check()?;
        if self.ndim() != 1 {
            let what = format!("numbers are counted along one axis, the shape is {:?}", self.shape());
            return Err(Error::invalid(what).doing("bincount"));
        }
        let mut many = minlength;
        if self.size() > 0 {
            if self.min()?.item()?.into() < 0 {
                return Err(Error::invalid("negative numbers cannot be counted by their place").doing("bincount"));
            }
            many = many.max(usize::try_from(self.max()?.item()?.into()).map_or(usize::MAX, |largest| largest + 1));
        }
        let token = Token::of(|t| {
            t.str("bincount");
            t.u64(many as u64);
            t.identity(self.lazy.as_ref());
        });
        let grid = Grid::new(self.shape(), &[true]);
        let subject = Subject { input: self.lazy.clone(), grid, token };
        let tally = Tally { subject, places: Own, many, edges: None };
        let chunks = Chunks::new([vec![many]]);
        Ok(self.grown(tally, chunks.clone(), chunks))
    }
}
