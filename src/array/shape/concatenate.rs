//! Arrays one after another.

use std::borrow::Borrow;

use super::super::chunked::Array;
use super::super::chunks::Chunks;
use super::super::element::Element;
use super::super::region::Span;
use super::axis::axis_of;
use super::pieces::{Piece, Pieces};
use crate::base::{Error, Result};

/// Arrays one after another along an axis (numpy's `concatenate`).
///
/// ```
/// use partita::array::{arange, shape::concatenate};
/// let x = arange(0.0, 4.0, 1.0, 2)?;
/// let y = concatenate(&[&x, &x.slice((..2,))?], 0)?;
/// assert_eq!(y.chunks().axis(0), [2, 2, 2]);
/// assert_eq!(y.compute()?.as_slice(), Some(&[0.0, 1.0, 2.0, 3.0, 0.0, 1.0][..]));
/// # Ok::<(), partita::Error>(())
/// ```
///
/// # Errors
/// `Invalid` for no arrays, for an axis that is not there, and for shapes that differ along another axis.
pub fn concatenate<T: Element, A: Borrow<Array<T>>>(arrays: &[A], axis: isize) -> Result<Array<T>> {
    let fail = |what: String| Err(Error::invalid(what).doing("concatenate"));
    let Some(first) = arrays.first().map(Borrow::borrow) else {
        return fail("need at least one array to concatenate".to_string());
    };
    if first.ndim() == 0 {
        return fail("zero-dimensional arrays cannot be concatenated".to_string());
    }
    let axis = axis_of(axis, first.ndim())?;
    let (mut chunks, mut sizes) = (first.chunks.clone(), Vec::new());
    for (number, array) in arrays.iter().map(Borrow::borrow).enumerate() {
        array.check()?;
        let (shape, expected) = (array.shape(), first.shape());
        if shape.len() != expected.len() {
            return fail(format!(
                "all the input arrays must have same number of dimensions, but the array at index 0 has {} dimension(s) \
                 and the array at index {number} has {} dimension(s)",
                expected.len(),
                shape.len()
            ));
        }
        if let Some(other) = (0..shape.len()).find(|&other| other != axis && shape[other] != expected[other]) {
            return fail(format!(
                "all the input array dimensions except for the concatenation axis must match exactly, but along \
                 dimension {other}, the array at index 0 has size {} and the array at index {number} has size {}",
                expected[other], shape[other]
            ));
        }
        let own: Vec<Vec<usize>> = (0..shape.len())
            .map(|at| if at == axis { vec![first.shape()[axis]] } else { array.chunks.axis(at).to_vec() })
            .collect();
        chunks = chunks.unified(&Chunks::new(own));
        sizes.extend(array.chunks.axis(axis).iter().copied().filter(|&size| size > 0));
    }
    if sizes.is_empty() {
        sizes.push(0);
    }
    let cut = (0..first.ndim()).map(|at| if at == axis { sizes.clone() } else { chunks.axis(at).to_vec() });
    let cut = Chunks::new(cut.collect::<Vec<_>>());
    let pieces = arrays.iter().map(Borrow::borrow).enumerate();
    let pieces = pieces.map(|(input, array)| Piece { input, span: Span::new(0, array.shape()[axis]) });
    let inputs = arrays.iter().map(|array| array.borrow().lazy.clone()).collect();
    Ok(first.then(Pieces::new("concatenate", inputs, axis, pieces), cut))
}

/// Arrays of one shape along a new axis at this place of the result (numpy's `stack`).
///
/// # Errors
/// `Invalid` for no arrays, for shapes that differ, and for an axis that the result does not have.
pub fn stack<T: Element, A: Borrow<Array<T>>>(arrays: &[A], axis: isize) -> Result<Array<T>> {
    let Some(first) = arrays.first().map(Borrow::borrow) else {
        return Err(Error::invalid("need at least one array to stack"));
    };
    if let Some(other) = arrays.iter().map(Borrow::borrow).find(|other| other.shape() != first.shape()) {
        let what = format!("arrays of the shapes {:?} and {:?} cannot be stacked", first.shape(), other.shape());
        return Err(Error::invalid(what).help("all must have the same shape"));
    }
    let axis = axis_of(axis, first.ndim() + 1)? as isize;
    let each = arrays.iter().map(|array| array.borrow().expand_dims(axis)).collect::<Result<Vec<_>>>()?;
    concatenate(&each, axis)
}

/// Arrays side by side: along the second axis, arrays of one axis along that (numpy's `hstack`).
///
/// # Errors
/// As [`concatenate`].
pub fn hstack<T: Element, A: Borrow<Array<T>>>(arrays: &[A]) -> Result<Array<T>> {
    let each = arrays.iter().map(|array| at_least(array.borrow(), 1)).collect::<Result<Vec<_>>>()?;
    let flat = each.first().is_some_and(|array| array.ndim() == 1);
    concatenate(&each, isize::from(!flat))
}

/// Arrays one below the other: along the first axis, an array of one axis being a row (numpy's `vstack`).
///
/// # Errors
/// As [`concatenate`].
pub fn vstack<T: Element, A: Borrow<Array<T>>>(arrays: &[A]) -> Result<Array<T>> {
    let each = arrays.iter().map(|array| at_least(array.borrow(), 2)).collect::<Result<Vec<_>>>()?;
    concatenate(&each, 0)
}

/// A table of arrays as one: those of a row are put together along the last axis, the rows along the one before it
/// (numpy's `block`).
///
/// # Errors
/// As [`concatenate`].
pub fn block<T: Element, A: Borrow<Array<T>>>(rows: &[Vec<A>]) -> Result<Array<T>> {
    let rows = rows.iter().map(|row| {
        let each = row.iter().map(|array| at_least(array.borrow(), 2)).collect::<Result<Vec<_>>>()?;
        concatenate(&each, -1)
    });
    concatenate(&rows.collect::<Result<Vec<_>>>()?, -2)
}

/// With axes in front, so that there are so many (numpy's `atleast_2d`).
fn at_least<T: Element>(array: &Array<T>, ndim: usize) -> Result<Array<T>> {
    (array.ndim()..ndim).try_fold(array.clone(), |array, _| array.expand_dims(0))
}
