//! Elements by their places: a number along each of several axes.

use super::super::chunked::Array;
use super::super::element::Element;
use super::axis::element_of;
use crate::base::{Error, Result};

impl<T: Element> Array<T> {
    /// Elements by their places: the numbers of the first one along each axis are the first of each list, and so on (Dask's
    /// `vindex`, numpy's `x[[0, 1], [2, 3]]`). The lists are for the first axes, and as long as each other, or of one number
    /// for all; negative numbers count from the end. The axes after them stay whole, behind the one that the places make;
    /// bring others to the front first, with [`moveaxis`](Array::moveaxis). For all combinations of numbers along two
    /// axes, [`take`](Array::take) twice.
    ///
    /// ```
    /// use partita::array::from_fn;
    /// let x = from_fn([3, 4], 2, |i| (i[0] * 10 + i[1]) as i64)?;
    /// assert_eq!(x.vindex(&[[0, 1, -1], [2, 3, 0]])?.compute()?.as_slice(), Some(&[2, 13, 20][..]));
    /// assert_eq!(x.vindex(&[[2, 0]])?.shape(), [2, 4]);
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid` for no lists, or more of them than axes, for lists of different lengths, and for a number out of range.
    pub fn vindex<I: AsRef<[isize]>>(&self, indices: &[I]) -> Result<Array<T>> {
        self.check()?;
        let lists: Vec<&[isize]> = indices.iter().map(AsRef::as_ref).collect();
        let many = lists.len();
        if many == 0 || many > self.ndim() {
            let what = format!("{many} lists of numbers do not index an array of {} axes by place", self.ndim());
            return Err(Error::invalid(what).doing("vindex"));
        }
        let len = lists.iter().map(|list| list.len()).find(|&len| len != 1).unwrap_or(1);
        if lists.iter().any(|list| list.len() != len && list.len() != 1) {
            let lengths: Vec<usize> = lists.iter().map(|list| list.len()).collect();
            let what = format!("shape mismatch: lists of {lengths:?} numbers cannot be broadcast together");
            return Err(Error::invalid(what).doing("vindex"));
        }
        // the number of each place when the indexed axes are one
        let mut places = vec![0; len];
        for (axis, list) in lists.iter().enumerate() {
            let along = self.shape()[axis];
            let numbers = list.iter().map(|&at| element_of(at, axis, along)).collect::<Result<Vec<usize>>>()?;
            for (place, number) in places.iter_mut().zip(numbers.iter().cycle()) {
                *place = *place * along as isize + *number as isize;
            }
        }
        let (indexed, rest) = self.shape().split_at(many);
        let shape = [&[indexed.iter().product()], rest].concat();
        self.reshape(shape.iter().map(|&len| len as isize).collect::<Vec<_>>())?.take(places, 0)
    }
}
