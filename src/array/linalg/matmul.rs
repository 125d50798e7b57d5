//! Products of matrices, and of many at once.

use std::sync::Arc;

use super::super::chunked::Array;
use super::super::chunks::Chunks;
use super::super::element::Element;
use super::super::elementwise::Promote;
use super::super::held::Held;
use super::super::shape::broadcast_shape;
use super::multiply::Multiply;
use super::product::Product;
use crate::base::{Error, Result};

impl<T: Element> Array<T> {
    /// The product of matrices, which are the last two axes; those before are broadcast (numpy's `matmul`, `@`). An array of one
    /// axis is a row on the left, a column on the right, and that axis goes. Types promote as with `*`.
    ///
    /// Elements of the factors are computed again for every block of 1,024 rows and columns of the result:
    /// [`persist`](Array) factors that are expensive.
    ///
    /// ```
    /// use partita::array::from_ndarray;
    /// let x = from_ndarray(ndarray::array![[1.0, 2.0], [3.0, 4.0]], 1)?;
    /// assert_eq!(x.matmul(&x.t())?.compute()?, ndarray::array![[5.0, 11.0], [11.0, 25.0]].into_dyn());
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid`, naming both shapes, when they do not fit; when it is computed, a whole number that does not fit its type.
    pub fn matmul<U: Element>(&self, other: &Array<U>) -> Result<Array<T::Promoted>>
    where
        T: Promote<U, Promoted: Multiply>,
    {
        self.converted(T::promoted).multiplied(&other.converted(T::other))
    }
}

impl<T: Multiply> Array<T> {
    pub(super) fn multiplied(&self, other: &Array<T>) -> Result<Array<T>> {
        let fail = || {
            let what =
                format!("matrices of the shapes {:?} and {:?} cannot be multiplied", self.shape(), other.shape());
            Err(Error::invalid(what).help("the last axis of the first is as long as the second last of the second"))
        };
        self.check()?;
        other.check()?;
        if self.ndim() == 0 || other.ndim() == 0 {
            return fail();
        }
        let left = if self.ndim() == 1 { self.expand_dims(0)? } else { self.clone() };
        let right = if other.ndim() == 1 { other.expand_dims(1)? } else { other.clone() };
        let (ls, rs) = (left.shape().to_vec(), right.shape().to_vec());
        let (&[ref lb @ .., rows, inner], &[ref rb @ .., rinner, columns]) = (&ls[..], &rs[..]) else { return fail() };
        let Ok(batch) = broadcast_shape(lb, rb) else { return fail() };
        if inner != rinner {
            return fail();
        }
        let chunks = products(&left, &right)?;
        let left = rows_of_matrices(&left, &batch, [rows, inner])?;
        let right = rows_of_matrices(&right, &batch, [inner, columns])?;
        let product = Arc::new(Product::new(left.lazy.clone(), right.lazy.clone()));
        let blocks = product.blocks().clone();
        let operations = 1 + left.lazy.operations().all + right.lazy.operations().all;
        let held = Held::<T>::new(Arc::new(product), blocks.clone(), "matmul", operations);
        let flat = self.then(held, blocks);
        let mut shape: Vec<isize> = batch.iter().map(|&len| len as isize).collect();
        shape.extend((self.ndim() > 1).then_some(rows as isize));
        shape.extend((other.ndim() > 1).then_some(columns as isize));
        let mut axes: Vec<Vec<usize>> = (0..chunks.ndim()).map(|axis| chunks.axis(axis).to_vec()).collect();
        if self.ndim() == 1 {
            axes.remove(batch.len());
        }
        if other.ndim() == 1 {
            axes.pop();
        }
        match shape == [rows as isize, columns as isize] {
            true => flat.squeeze_axis(0)?.rechunk(Chunks::new(axes)),
            false => flat.reshape(shape)?.rechunk(Chunks::new(axes)),
        }
    }
}

/// Chunks of the result: those of the factors.
fn products<T: Element>(left: &Array<T>, right: &Array<T>) -> Result<Chunks> {
    let batches = |of: &Array<T>| Chunks::new((0..of.ndim() - 2).map(|axis| of.chunks.axis(axis).to_vec()));
    let many = left.ndim().max(right.ndim()) - 2;
    let batch = batches(left).padded(many).unified(&batches(right).padded(many));
    let mut axes: Vec<Vec<usize>> = (0..many).map(|axis| batch.axis(axis).to_vec()).collect();
    axes.push(left.chunks.axis(left.ndim() - 2).to_vec());
    axes.push(right.chunks.axis(right.ndim() - 1).to_vec());
    Ok(Chunks::new(axes))
}

/// Broadcast to these axes, which become one.
fn rows_of_matrices<T: Element>(array: &Array<T>, batch: &[usize], matrix: [usize; 2]) -> Result<Array<T>> {
    if batch.is_empty() {
        return array.expand_dims(0);
    }
    let many: usize = batch.iter().product();
    let shape = [batch, &matrix].concat();
    array.broadcast_to(&shape)?.reshape([many as isize, matrix[0] as isize, matrix[1] as isize])
}
