//! The target of some rows.

use std::ops::Range;

/// What some rows are to be learnt from.
#[derive(Clone, Copy, Debug)]
pub enum Labels<'a> {
    /// The number of each row's class, the classes in rising order.
    Classes(&'a [u32]),
    /// A finite value for each row.
    Values(&'a [f64]),
}

/// Whether classes are learnt or values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Classes: the distinct labels of the target.
    Classification,
    /// Values.
    Regression,
}

/// The target of some rows, owned.
#[derive(Clone, Debug)]
pub(crate) enum Truth {
    Classes(Vec<u32>),
    Values(Vec<f64>),
}

impl<'a> Labels<'a> {
    /// Those of some of the rows.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Labels<'a> {
        match self {
            Labels::Classes(classes) => Labels::Classes(&classes[range]),
            Labels::Values(values) => Labels::Values(&values[range]),
        }
    }

    /// The numbers of the classes; none for values.
    pub fn classes(&self) -> &'a [u32] {
        match self {
            Labels::Classes(classes) => classes,
            Labels::Values(_) => &[],
        }
    }

    /// The values; none for classes.
    pub fn values(&self) -> &'a [f64] {
        match self {
            Labels::Classes(_) => &[],
            Labels::Values(values) => values,
        }
    }
}

impl Truth {
    pub fn borrowed(&self) -> Labels<'_> {
        match self {
            Truth::Classes(classes) => Labels::Classes(classes),
            Truth::Values(values) => Labels::Values(values),
        }
    }

    pub fn take(&self, rows: &[usize]) -> Truth {
        match self {
            Truth::Classes(classes) => Truth::Classes(rows.iter().map(|&i| classes[i]).collect()),
            Truth::Values(values) => Truth::Values(rows.iter().map(|&i| values[i]).collect()),
        }
    }

    pub fn extend(&mut self, other: &Truth) {
        match (self, other) {
            (Truth::Classes(own), Truth::Classes(other)) => own.extend(other),
            (Truth::Values(own), Truth::Values(other)) => own.extend(other),
            _ => {}
        }
    }
}
