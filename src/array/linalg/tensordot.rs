//! Sums of products along any axes.

use super::super::chunked::Array;
use super::super::chunks::Chunks;
use super::super::element::Element;
use super::super::elementwise::Promote;
use super::super::shape::axis_of;
use super::multiply::Multiply;
use crate::base::{Error, Result};

/// Along which axes of two arrays products are summed: so many, the last of the first array and the first of the second; or
/// named, those of one array and those of the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contraction {
    /// So many.
    Last(usize),
    /// These of both, matched in their order.
    Named(Vec<isize>, Vec<isize>),
}

impl From<usize> for Contraction {
    fn from(many: usize) -> Contraction {
        Contraction::Last(many)
    }
}

impl<A: AsRef<[isize]>, B: AsRef<[isize]>> From<(A, B)> for Contraction {
    fn from((own, other): (A, B)) -> Contraction {
        Contraction::Named(own.as_ref().to_vec(), other.as_ref().to_vec())
    }
}

impl<T: Element> Array<T> {
    /// Products summed along axes of both arrays, which are matched in their order; the others stay, those of this array first
    /// (numpy's `tensordot`). Types promote as with `*`.
    ///
    /// ```
    /// use partita::array::ones;
    /// let (x, y) = (ones([2, 3, 4], "auto")?, ones([3, 4, 5], "auto")?);
    /// assert_eq!(x.tensordot(&y, 2)?.shape(), [2, 5]); // the last two of x, the first two of y
    /// assert_eq!(x.tensordot(&y, ([2], [1]))?.shape(), [2, 3, 3, 5]);
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid`, naming both shapes, when the axes are not there, named twice, or not of one length.
    pub fn tensordot<U: Element>(&self, other: &Array<U>, axes: impl Into<Contraction>) -> Result<Array<T::Promoted>>
    where
        T: Promote<U, Promoted: Multiply>,
    {
        self.check()?;
        other.check()?;
        self.converted(T::promoted).contracted(&other.converted(T::other), axes.into())
    }
}

impl<T: Multiply> Array<T> {
    fn contracted(&self, other: &Array<T>, axes: Contraction) -> Result<Array<T>> {
        let fail = |axes: &str| {
            let (left, right) = (self.shape(), other.shape());
            let what = format!("shape-mismatch for sum: {axes} of the shapes {left:?} and {right:?}");
            Err(Error::invalid(what).doing("tensordot"))
        };
        let (axes, other_axes) = match axes {
            Contraction::Named(own, other) => (own, other),
            Contraction::Last(many) if many > self.ndim().min(other.ndim()) => return fail(&format!("{many} axes")),
            Contraction::Last(many) => {
                ((0..many as isize).map(|i| i - many as isize).collect(), (0..many as isize).collect())
            }
        };
        let own = axes.iter().map(|&axis| axis_of(axis, self.ndim())).collect::<Result<Vec<usize>>>()?;
        let theirs = other_axes.iter().map(|&axis| axis_of(axis, other.ndim())).collect::<Result<Vec<usize>>>()?;
        let twice = |axes: &[usize]| axes.iter().enumerate().any(|(i, axis)| axes[..i].contains(axis));
        let fit = own.iter().zip(&theirs).all(|(&a, &b)| self.shape()[a] == other.shape()[b]);
        if own.len() != theirs.len() || twice(&own) || twice(&theirs) || !fit {
            return fail(&format!("axes {axes:?} and {other_axes:?}"));
        }
        let free = |ndim: usize, axes: &[usize]| (0..ndim).filter(|axis| !axes.contains(axis)).collect::<Vec<_>>();
        let (mine, others) = (free(self.ndim(), &own), free(other.ndim(), &theirs));
        let inner: usize = own.iter().map(|&axis| self.shape()[axis]).product();
        let size =
            |of: &Array<T>, axes: &[usize]| axes.iter().map(|&axis| of.shape()[axis]).product::<usize>() as isize;
        let left = self.transpose(&[mine.clone(), own].concat())?.reshape([size(self, &mine), inner as isize])?;
        let right =
            other.transpose(&[theirs, others.clone()].concat())?.reshape([inner as isize, size(other, &others)])?;
        let of = |array: &Array<T>, axes: &[usize]| -> Vec<Vec<usize>> {
            axes.iter().map(|&axis| array.chunks.axis(axis).to_vec()).collect()
        };
        let chunks = Chunks::new([of(self, &mine), of(other, &others)].concat());
        let shape: Vec<isize> = chunks.shape().iter().map(|&len| len as isize).collect();
        left.multiplied(&right)?.reshape(shape)?.rechunk(chunks)
    }
}
