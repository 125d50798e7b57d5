//! Sums of products along any axes.

use super::super::chunked::Array;
use super::super::chunks::Chunks;
use super::super::shape::axis_of;
use super::multiply::Multiply;
use crate::base::{Error, Result};

impl<T: Multiply> Array<T> {
    /// Products summed along these axes of both arrays, which are matched in their order; the others stay, those of this
    /// array first (numpy's `tensordot`).
    ///
    /// # Errors
    /// `Invalid`, naming both shapes, when the axes are not there, named twice, or not of one length.
    pub fn tensordot(&self, other: &Array<T>, axes: &[isize], other_axes: &[isize]) -> Result<Array<T>> {
        let own = axes.iter().map(|&axis| axis_of(axis, self.ndim())).collect::<Result<Vec<usize>>>()?;
        let theirs = other_axes.iter().map(|&axis| axis_of(axis, other.ndim())).collect::<Result<Vec<usize>>>()?;
        let twice = |axes: &[usize]| axes.iter().enumerate().any(|(i, axis)| axes[..i].contains(axis));
        let fit = own.iter().zip(&theirs).all(|(&a, &b)| self.shape()[a] == other.shape()[b]);
        if own.len() != theirs.len() || twice(&own) || twice(&theirs) || !fit {
            let (left, right) = (self.shape(), other.shape());
            let what = format!(
                "shape-mismatch for sum: axes {axes:?} of the shape {left:?} and axes {other_axes:?} of the shape {right:?}"
            );
            return Err(Error::invalid(what).doing("tensordot"));
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
        left.matmul(&right)?.reshape(shape)?.rechunk(chunks)
    }
}
