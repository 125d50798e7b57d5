//! Slices: some of the elements along each axis.

use super::super::chunked::Array;
use super::super::element::Element;
use super::axis::element_of;
use super::index::{Index, IntoIndices, slice_span, sliced_chunks};
use super::view::From;
use crate::base::{Error, Result};

impl<T: Element> Array<T> {
    /// Some of the elements, with Python's rules for each axis: `x.slice((2, .., Index::NewAxis))`, `x.slice(step(-1))`.
    /// Axes that are not named are taken whole.
    ///
    /// ```
    /// use partita::array::{arange, shape::{Index, step}};
    /// let x = arange(0.0, 10.0, 1.0, ([3, 3, 3, 1],))?;
    /// assert_eq!(x.slice((step(-1),))?.chunks().axis(0), [1, 3, 3, 3]);
    /// let part = x.slice((Index::Slice { start: Some(7), stop: Some(1), step: -2 },))?;
    /// assert_eq!(part.compute()?.as_slice(), Some(&[7.0, 5.0, 3.0][..]));
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid` for an index out of range, a step of zero, or more indices than axes.
    pub fn slice(&self, indices: impl IntoIndices) -> Result<Array<T>> {
        self.sliced("slice", &indices.into_indices())
    }

    /// The same, by another name.
    pub(in crate::array) fn sliced(&self, name: &'static str, indices: &[Index]) -> Result<Array<T>> {
        self.check()?;
        let named = indices.iter().filter(|i| !matches!(i, Index::NewAxis | Index::Ellipsis)).count();
        let dots = indices.iter().filter(|i| matches!(i, Index::Ellipsis)).count();
        if named > self.ndim() || dots > 1 {
            let what = match dots {
                0 | 1 => format!("too many indices: the array has {} axes, {named} were indexed", self.ndim()),
                _ => "an index can have only one ellipsis".to_string(),
            };
            return Err(Error::invalid(what));
        }
        let all = Index::Slice { start: None, stop: None, step: 1 };
        let rest = std::iter::repeat_n(all, self.ndim() - named);
        let at = indices.iter().position(|i| matches!(i, Index::Ellipsis)).unwrap_or(indices.len());
        let after = indices.get(at + 1..).unwrap_or_default();
        let whole: Vec<Index> = indices[..at].iter().copied().chain(rest).chain(after.iter().copied()).collect();
        let (mut axes, mut chunks, mut fixed) = (Vec::new(), Vec::new(), vec![0; self.ndim()]);
        let mut axis = 0;
        for index in whole {
            match index {
                Index::NewAxis => {
                    axes.push(From::New);
                    chunks.push(vec![1]);
                    continue;
                }
                Index::At(at) => fixed[axis] = element_of(at, axis, self.shape()[axis])?,
                Index::Slice { start, stop, step } => {
                    let span = slice_span(start, stop, step, self.shape()[axis])?;
                    chunks.push(sliced_chunks(self.chunks.axis(axis), span));
                    axes.push(From::Axis(axis, span));
                }
                Index::Ellipsis => continue,
            }
            axis += 1;
        }
        Ok(self.view(name, axes, fixed, chunks))
    }
}
