//! Columns into a range: scikit-learn's `MinMaxScaler` and `MaxAbsScaler`.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use super::columns::{finite_values, floats, map_floats, numeric, with_floats};
use super::one_pass::OnePass;
use super::transform::{FittedTransform, Transform};
use crate::base::{Error, Result};
use crate::ml::pipeline::outline::Outline;
use crate::ml::pipeline::param::params;
use crate::ml::pipeline::rows::Rows;

/// Moves and stretches each column, so that its smallest value becomes the low end of a range and its greatest the high
/// end: 0 and 1 if nothing is said.
///
/// Null and NaN are skipped in fitting and stay what they are. A constant column becomes the low end; one without values
/// is taken for one of zeros. Values beyond those of the fit end up beyond the range, unless [`clip`](Self::clip)ped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MinMaxScaler {
    low: f64,
    high: f64,
    clip: bool,
}

/// Divides each column by its greatest magnitude, so that values are between −1 and 1 and zeros stay zeros.
///
/// Null and NaN are skipped in fitting and stay what they are. A column of zeros, or without values, is not divided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaxAbsScaler {}

/// A [`MinMaxScaler`] that knows the ends of the columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedMinMaxScaler {
    params: MinMaxScaler,
    columns: Vec<(String, Ends)>,
}

/// A [`MaxAbsScaler`] that knows the ends of the columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedMaxAbsScaler {
    columns: Vec<(String, Ends)>,
}

/// The smallest and the greatest value of a column; 0 for one without values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ends {
    /// The smallest.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

/// The ends of each column, as far as values were seen.
pub type SeenEnds = Vec<(String, Option<Ends>)>;

impl Default for MinMaxScaler {
    fn default() -> Self {
        MinMaxScaler::new()
    }
}

impl MinMaxScaler {
    /// Into the range from 0 to 1.
    pub fn new() -> Self {
        MinMaxScaler { low: 0.0, high: 1.0, clip: false }
    }

    /// The ends of the range, scikit-learn's `feature_range`; they are checked in fitting.
    #[must_use]
    pub fn feature_range(mut self, low: f64, high: f64) -> Self {
        (self.low, self.high) = (low, high);
        self
    }

    /// Whether values beyond those of the fit become the ends of the range.
    #[must_use]
    pub fn clip(mut self, clip: bool) -> Self {
        self.clip = clip;
        self
    }
}

impl MaxAbsScaler {
    /// Between −1 and 1.
    pub fn new() -> Self {
        MaxAbsScaler {}
    }
}

impl Ends {
    fn both(a: Option<Ends>, b: Option<Ends>) -> Option<Ends> {
        match (a, b) {
            (Some(a), Some(b)) => Some(Ends { min: a.min.min(b.min), max: a.max.max(b.max) }),
            (a, b) => a.or(b),
        }
    }
}

/// A length to divide by: 1 where there is none, as scikit-learn's `_handle_zeros_in_scale`.
pub(super) fn divisor(length: f64) -> f64 {
    if length < 10.0 * f64::EPSILON { 1.0 } else { length }
}

fn update_ends(stats: &mut SeenEnds, batch: &RecordBatch) -> Result<()> {
    for (name, ends) in stats {
        let column = floats(batch, name, "scale")?;
        let of_batch = finite_values(&column, name, "scale")?
            .fold(None, |ends, value| Ends::both(ends, Some(Ends { min: value, max: value })));
        *ends = Ends::both(*ends, of_batch);
    }
    Ok(())
}

macro_rules! by_ends {
    ($step:ident, $fitted:ident, |$me:ident, $schema:ident| $check:expr, |$self:ident, $columns:ident| $made:expr) => {
        impl OnePass for $step {
            type Stats = SeenEnds;
            type Fitted = $fitted;

            fn begin(&self, $schema: &Schema) -> Result<SeenEnds> {
                let $me = self;
                $check
            }

            fn update(&self, stats: &mut SeenEnds, batch: &RecordBatch) -> Result<()> {
                update_ends(stats, batch)
            }

            fn merge(&self, stats: &mut SeenEnds, later: SeenEnds) -> Result<()> {
                stats.iter_mut().zip(later).for_each(|((_, a), (_, b))| *a = Ends::both(*a, b));
                Ok(())
            }

            fn finish(&self, stats: SeenEnds) -> Result<$fitted> {
                // −0 is 0: which of them came first is no property of the column
                let ends =
                    |ends: Option<Ends>| ends.map_or(Ends::default(), |e| Ends { min: e.min + 0.0, max: e.max + 0.0 });
                let ($self, $columns) = (self, stats.into_iter().map(|(name, seen)| (name, ends(seen))).collect());
                Ok($made)
            }
        }

        impl Transform for $step {
            fn after(&self, name: &str, at: &Outline) -> Result<Outline> {
                self.begin(&at.plain)?;
                at.without_one_hot(name, "scaling")?;
                Ok(at.with_types(|_| Some(DataType::Float64)))
            }
        }

        impl $fitted {
            /// The smallest and the greatest value of each column.
            pub fn columns(&self) -> &[(String, Ends)] {
                &self.columns
            }

            /// The schema after [`transform_batch`](Self::transform_batch): fitted columns are `Float64`.
            ///
            /// # Errors
            /// `UnknownColumn` if a fitted column is missing.
            pub fn schema(&self, input: &Schema) -> Result<SchemaRef> {
                with_floats(input, self.columns.iter().map(|(name, _)| name.as_str()))
            }
        }

        impl FittedTransform for $fitted {
            fn apply(&self, rows: Rows) -> Result<Rows> {
                Ok(Rows { plain: self.transform_batch(&rows.plain)?, ..rows })
            }

            fn undo(&self, batch: &RecordBatch) -> Result<RecordBatch> {
                self.inverse_transform_batch(batch)
            }
        }
    };
}

fn begin_ends(schema: &Schema) -> Result<SeenEnds> {
    Ok(numeric(schema, "scale", "scaled")?.into_iter().map(|name| (name, None)).collect())
}

by_ends! { MinMaxScaler, FittedMinMaxScaler,
    |me, schema| {
        if me.low < me.high && me.low.is_finite() && me.high.is_finite() {
            begin_ends(schema)
        } else {
            let what = format!("feature_range is from {} to {}", me.low, me.high);
            Err(Error::invalid(what).doing("scale").help("give a low end and a greater high one"))
        }
    },
    |me, columns| FittedMinMaxScaler { params: me.clone(), columns }
}
by_ends! { MaxAbsScaler, FittedMaxAbsScaler, |_me, schema| begin_ends(schema), |_me, columns| FittedMaxAbsScaler { columns } }

params! { MinMaxScaler {
    CLIP: bool = "clip" => clip;
} }
params! { MaxAbsScaler {} }

impl FittedMinMaxScaler {
    /// The batch with its fitted columns in the range.
    ///
    /// # Errors
    /// `UnknownColumn` if a fitted column is missing, `TypeMismatch` if it is not numeric.
    pub fn transform_batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let MinMaxScaler { low, high, clip } = self.params;
        let columns = self.columns.iter().map(|(name, ends)| {
            let (scale, shift) = self.line(ends);
            let into = move |value: f64| match (value * scale + shift, clip) {
                (value, false) => value,
                (value, true) => {
                    if value.is_nan() {
                        value
                    } else {
                        value.clamp(low, high)
                    }
                }
            };
            (name.as_str(), into)
        });
        map_floats(batch, columns, "scale")
    }

    /// The values before [`transform_batch`](Self::transform_batch).
    ///
    /// # Errors
    /// As [`transform_batch`](Self::transform_batch).
    pub fn inverse_transform_batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let columns = self.columns.iter().map(|(name, ends)| {
            let (scale, shift) = self.line(ends);
            (name.as_str(), move |value: f64| (value - shift) / scale)
        });
        map_floats(batch, columns, "scale")
    }

    /// What values are multiplied by, and what is added then.
    fn line(&self, ends: &Ends) -> (f64, f64) {
        let scale = (self.params.high - self.params.low) / divisor(ends.max - ends.min);
        (scale, self.params.low - ends.min * scale)
    }
}

impl FittedMaxAbsScaler {
    /// The batch with its fitted columns divided.
    ///
    /// # Errors
    /// `UnknownColumn` if a fitted column is missing, `TypeMismatch` if it is not numeric.
    pub fn transform_batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let columns = self.columns.iter().map(|(name, ends)| {
            let scale = divisor(ends.max.max(-ends.min));
            (name.as_str(), move |value: f64| value / scale)
        });
        map_floats(batch, columns, "scale")
    }

    /// The values before [`transform_batch`](Self::transform_batch).
    ///
    /// # Errors
    /// As [`transform_batch`](Self::transform_batch).
    pub fn inverse_transform_batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let columns = self.columns.iter().map(|(name, ends)| {
            let scale = divisor(ends.max.max(-ends.min));
            (name.as_str(), move |value: f64| value * scale)
        });
        map_floats(batch, columns, "scale")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::prepare::testing::{batch, law, values};

    #[test]
    fn the_values_of_the_documentation() {
        let part = batch([("a", vec![-1.0, -0.5, 0.0, 1.0]), ("b", vec![2.0, 6.0, 10.0, 18.0])]);
        let fitted = MinMaxScaler::new().fit_batches(&part.schema(), [&part]).unwrap();
        assert_eq!(fitted.columns()[1].1, Ends { min: 2.0, max: 18.0 });
        let out = fitted.transform_batch(&part).unwrap();
        assert_eq!((values(&out, 0), values(&out, 1)), (vec![0.0, 0.25, 0.5, 1.0], vec![0.0, 0.25, 0.5, 1.0]));
        assert_eq!(fitted.inverse_transform_batch(&out).unwrap(), part);
        let other = batch([("a", vec![2.0]), ("b", vec![2.0])]);
        assert_eq!(values(&fitted.transform_batch(&other).unwrap(), 0), [1.5]);
        let clipped = MinMaxScaler::new().clip(true).fit_batches(&part.schema(), [&part]).unwrap();
        assert_eq!(values(&clipped.transform_batch(&other).unwrap(), 0), [1.0]);
        let part = batch([("a", vec![1.0, 2.0, 4.0]), ("b", vec![-1.0, 0.0, 1.0]), ("c", vec![2.0, 0.0, -1.0])]);
        let fitted = MaxAbsScaler::new().fit_batches(&part.schema(), [&part]).unwrap();
        let out = fitted.transform_batch(&part).unwrap();
        assert_eq!((values(&out, 0), values(&out, 2)), (vec![0.25, 0.5, 1.0], vec![1.0, 0.0, -0.5]));
        assert_eq!(fitted.inverse_transform_batch(&out).unwrap(), part);
    }

    #[test]
    fn columns_that_are_constant_or_without_values() {
        let nan = f64::NAN;
        let part = batch([("a", vec![5.0, 5.0, nan]), ("b", vec![nan, nan, nan]), ("c", vec![0.0, -0.0, 0.0])]);
        let fitted = MinMaxScaler::new().feature_range(-1.0, 2.0).fit_batches(&part.schema(), [&part]).unwrap();
        let out = fitted.transform_batch(&part).unwrap();
        assert_eq!((values(&out, 0)[0], values(&out, 2)[1]), (-1.0, -1.0));
        assert!(values(&out, 0)[2].is_nan() && values(&out, 1)[0].is_nan());
        let fitted = MaxAbsScaler::new().fit_batches(&part.schema(), [&part]).unwrap();
        assert_eq!(values(&fitted.transform_batch(&part).unwrap(), 2), [0.0, 0.0, 0.0]);
    }

    #[test]
    fn what_cannot_be_scaled_is_named() {
        let part = batch([("a", vec![f64::NEG_INFINITY])]);
        let text = MinMaxScaler::new().fit_batches(&part.schema(), [&part]).unwrap_err().to_string();
        assert!(text.contains("column `a`") && text.contains("-inf"), "{text}");
        let text = MinMaxScaler::new().feature_range(1.0, 1.0).begin(&part.schema()).unwrap_err().to_string();
        assert!(text.contains("feature_range is from 1 to 1"), "{text}");
    }

    #[test]
    fn cuts_do_not_matter() {
        law(&MinMaxScaler::new());
        law(&MaxAbsScaler::new());
    }
}
