//! Which axes are reduced.

use crate::base::{Error, Result};

/// Along which axes to reduce, and whether they stay, with one element each. Negative axes count from the last one.
///
/// ```
/// use partita::array::{ones, reduce::Axes};
/// let x = ones([4, 3, 2], "auto")?;
/// assert_eq!(x.sum_axis([0, -1])?.shape(), [3]);
/// assert_eq!(x.sum_axis(Axes::from(1).keepdims())?.shape(), [4, 1, 2]);
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Axes {
    /// Absent: all.
    axes: Option<Vec<isize>>,
    keepdims: bool,
    split_every: Option<usize>,
}

impl Axes {
    /// All axes.
    pub fn all() -> Axes {
        Axes::default()
    }

    /// The axes stay, with one element each, so that the result can be broadcast against the array.
    #[must_use]
    pub fn keepdims(mut self) -> Axes {
        self.keepdims = true;
        self
    }

    /// How many states a task merges at the most (Dask's `split_every`), rounded down to a power of two; 16 where it is not
    /// said. Results are the same for all.
    #[must_use]
    pub fn split_every(mut self, states: usize) -> Axes {
        self.split_every = Some(states);
        self
    }

    /// Whether no axis is named.
    pub(in crate::array) fn is_all(&self) -> bool {
        self.axes.is_none()
    }

    pub(super) fn keeps_dims(&self) -> bool {
        self.keepdims
    }

    pub(super) fn most_at_once(&self) -> Option<usize> {
        self.split_every
    }

    /// The axes in the order in which they were named.
    pub(in crate::array) fn named(&self, ndim: usize) -> Result<Vec<usize>> {
        let Some(axes) = &self.axes else { return Ok((0..ndim).collect()) };
        let mut named = Vec::with_capacity(axes.len());
        for &axis in axes {
            let place = one(axis, ndim)?;
            if named.contains(&place) {
                return Err(Error::invalid(format!("axis {axis} is named twice")));
            }
            named.push(place);
        }
        Ok(named)
    }

    /// Which axes are reduced.
    pub(super) fn mask(&self, ndim: usize) -> Result<Vec<bool>> {
        let mut mask = vec![false; ndim];
        self.named(ndim)?.into_iter().for_each(|axis| mask[axis] = true);
        Ok(mask)
    }
}

/// An axis of so many, counted from the last one if it is negative.
///
/// # Errors
/// `Invalid`, in numpy's words, when it is not there.
pub(in crate::array) fn one(axis: isize, ndim: usize) -> Result<usize> {
    let at = if axis < 0 { axis + ndim as isize } else { axis };
    let place = usize::try_from(at).ok().filter(|&at| at < ndim);
    place.ok_or_else(|| Error::invalid(format!("axis {axis} is out of bounds for array of dimension {ndim}")))
}

impl From<isize> for Axes {
    fn from(axis: isize) -> Axes {
        Axes { axes: Some(vec![axis]), ..Axes::default() }
    }
}

impl From<i32> for Axes {
    fn from(axis: i32) -> Axes {
        Axes::from(axis as isize)
    }
}

impl From<usize> for Axes {
    fn from(axis: usize) -> Axes {
        Axes::from(isize::try_from(axis).unwrap_or(isize::MAX))
    }
}

impl<const N: usize> From<[isize; N]> for Axes {
    fn from(axes: [isize; N]) -> Axes {
        Axes::from(&axes[..])
    }
}

impl<const N: usize> From<[i32; N]> for Axes {
    fn from(axes: [i32; N]) -> Axes {
        Axes::from(&axes.map(|axis| axis as isize)[..])
    }
}

impl From<&[isize]> for Axes {
    fn from(axes: &[isize]) -> Axes {
        Axes { axes: Some(axes.to_vec()), ..Axes::default() }
    }
}
