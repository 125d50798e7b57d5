//! An array of one axis as a line.

use super::super::chunked::Array;
use super::super::element::Element;
use super::super::elementwise::Cast;
use crate::base::chart::{Axis, Mark, Panel, Plot, Series};
use crate::base::{Error, Result};

/// More elements than this are drawn as the range of those that share a pixel.
const POINTS: usize = 2048;

impl<T: Element> Array<T> {
    /// A picture of its elements, which are computed now: a line, or the range between the smallest and the largest
    /// where many share a pixel. NaN and infinities leave gaps.
    ///
    /// # Errors
    /// `Invalid` when it has not one axis; the first error of a task.
    pub fn plot(&self) -> Result<Plot>
    where
        T: Cast<f64>,
    {
        let &[len] = self.shape() else {
            let what = format!("only an array of one axis can be plotted, not one of shape {:?}", self.shape());
            return Err(Error::invalid(what).help("reduce it along the other axes first"));
        };
        let values = self.astype::<f64>();
        let mut points = Vec::new();
        if len <= POINTS {
            points.extend(values.compute()?.iter().enumerate().map(|(i, &value)| (i as f64, value, value)));
        } else {
            let each = len.div_ceil(POINTS / 2);
            let whole = len / each * each;
            let table = values.slice((0..whole as isize,))?.reshape([-1, each as isize])?;
            let (low, high) = (table.min_axis(1)?.compute()?, table.max_axis(1)?.compute()?);
            let places = low.iter().zip(&high).enumerate();
            points.extend(places.map(|(i, (&low, &high))| ((i * each + each / 2) as f64, low, high)));
            if whole < len {
                let rest = values.slice((whole as isize..len as isize,))?.compute()?;
                let range = rest.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
                points.push(((whole + (len - whole) / 2) as f64, range.0, range.1));
            }
        }
        let line = Series { marks: vec![Mark::Range(points)], ..Series::default() };
        Ok(Plot::new(Axis::places(len), vec![Panel::of(Axis::numbers(), vec![line])]))
    }
}
