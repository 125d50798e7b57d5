//! Axes by number, negative ones from the end: functions of values.

use crate::base::{Error, Result};

/// The axis that is meant: -1 is the last one.
///
/// # Errors
/// `Invalid`, in numpy's words, for one that is not there.
pub fn axis_of(axis: isize, ndim: usize) -> Result<usize> {
    let at = if axis < 0 { axis.saturating_add(ndim as isize) } else { axis };
    match usize::try_from(at) {
        Ok(at) if at < ndim => Ok(at),
        _ => Err(Error::invalid(format!("axis {axis} is out of bounds for array of dimension {ndim}"))),
    }
}

/// The element of an axis that is meant: -1 is the last one.
///
/// # Errors
/// `Invalid`, in numpy's words, for one that is not there.
pub fn element_of(at: isize, axis: usize, len: usize) -> Result<usize> {
    let element = if at < 0 { at.saturating_add(len as isize) } else { at };
    match usize::try_from(element) {
        Ok(element) if element < len => Ok(element),
        _ => Err(Error::invalid(format!("index {at} is out of bounds for axis {axis} with size {len}"))),
    }
}
