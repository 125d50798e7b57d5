//! Columns by their middle: scikit-learn's `RobustScaler`.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use super::columns::{map_floats, numeric, with_floats};
use super::min_max::divisor;
use super::one_pass::{Fitting, OnePass};
use super::order::{Found, OrderStats, Quantiles};
use super::transform::{FittedTransform, Transform};
use crate::base::{Error, Result};
use crate::ml::pipeline::outline::Outline;
use crate::ml::pipeline::param::params;
use crate::ml::pipeline::rows::Rows;

/// Takes the median of each column from its values and divides them by the distance of its quartiles, both exact: a few
/// values far off do not matter.
///
/// Null and NaN are skipped in fitting and stay what they are. Where the quartiles are the same, values are not divided; a
/// column without values is left as it is. Fitting takes one pass where columns have few distinct values, normally two,
/// never more than four.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RobustScaler {
    with_centering: bool,
    with_scaling: bool,
    low: f64,
    high: f64,
    #[serde(skip)]
    found: Found,
}

/// A [`RobustScaler`] that knows the quantiles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedRobustScaler {
    columns: Vec<(String, Middle)>,
}

/// Where most of a column is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Middle {
    /// What is taken from values: the median, or 0.
    pub center: f64,
    /// What they are divided by: the distance of the quantiles, or 1.
    pub scale: f64,
}

impl Default for RobustScaler {
    fn default() -> Self {
        RobustScaler::new()
    }
}

impl RobustScaler {
    /// By the median and the quartiles.
    pub fn new() -> Self {
        RobustScaler { with_centering: true, with_scaling: true, low: 25.0, high: 75.0, found: Found::default() }
    }

    /// Whether the median is taken away.
    #[must_use]
    pub fn with_centering(mut self, with_centering: bool) -> Self {
        self.with_centering = with_centering;
        self
    }

    /// Whether values are divided.
    #[must_use]
    pub fn with_scaling(mut self, with_scaling: bool) -> Self {
        self.with_scaling = with_scaling;
        self
    }

    /// The quantiles whose distance values are divided by, in percent; they are checked in fitting.
    #[must_use]
    pub fn quantile_range(mut self, low: f64, high: f64) -> Self {
        (self.low, self.high) = (low, high);
        self
    }
}

/// The quantiles of each column in the making.
pub struct RobustStats(OrderStats);

impl OnePass for RobustScaler {
    type Stats = RobustStats;
    type Fitted = FittedRobustScaler;

    fn begin(&self, schema: &Schema) -> Result<RobustStats> {
        if !(0.0 <= self.low && self.low < self.high && self.high <= 100.0) {
            let what = format!("quantile_range is from {} to {}", self.low, self.high);
            return Err(Error::invalid(what).doing("scale").help("give two percentages, the smaller one first"));
        }
        let quantiles = [self.low / 100.0, 0.5, self.high / 100.0];
        OrderStats::begin(numeric(schema, "scale", "scaled")?, &quantiles, &self.found).map(RobustStats)
    }

    fn update(&self, stats: &mut RobustStats, batch: &RecordBatch) -> Result<()> {
        stats.0.update(batch, "scale")
    }

    fn merge(&self, stats: &mut RobustStats, later: RobustStats) -> Result<()> {
        stats.0.merge(later.0)
    }

    fn finish(&self, stats: RobustStats) -> Result<FittedRobustScaler> {
        self.after_pass(stats)?.fitted()
    }

    fn after_pass(&self, stats: RobustStats) -> Result<Fitting<Self>> {
        let known = match stats.0.finish()? {
            Quantiles::Again(found) => return Ok(Fitting::Again(RobustScaler { found, ..self.clone() })),
            Quantiles::Known(known) => known,
        };
        let middle = |quantiles: &[f64]| match quantiles {
            [low, median, high] => Middle {
                center: if self.with_centering { *median } else { 0.0 },
                scale: if self.with_scaling { divisor(high - low) } else { 1.0 },
            },
            _ => Middle { center: 0.0, scale: 1.0 },
        };
        let columns = known.into_iter().map(|(name, quantiles)| (name, middle(&quantiles))).collect();
        Ok(Fitting::Fitted(FittedRobustScaler { columns }))
    }
}

params! { RobustScaler {
    WITH_CENTERING: bool = "with_centering" => with_centering;
    WITH_SCALING: bool = "with_scaling" => with_scaling;
} }

impl Transform for RobustScaler {
    fn after(&self, name: &str, at: &Outline) -> Result<Outline> {
        self.begin(&at.plain)?;
        at.without_one_hot(name, "scaling")?;
        Ok(at.with_types(|_| Some(DataType::Float64)))
    }
}

impl FittedRobustScaler {
    /// What is known of each column.
    pub fn columns(&self) -> &[(String, Middle)] {
        &self.columns
    }

    /// The schema after [`transform_batch`](Self::transform_batch): fitted columns are `Float64`.
    ///
    /// # Errors
    /// `UnknownColumn` if a fitted column is missing.
    pub fn schema(&self, input: &Schema) -> Result<SchemaRef> {
        with_floats(input, self.columns.iter().map(|(name, _)| name.as_str()))
    }

    /// The batch with its fitted columns scaled.
    ///
    /// # Errors
    /// `UnknownColumn` if a fitted column is missing, `TypeMismatch` if it is not numeric.
    pub fn transform_batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let columns = self
            .columns
            .iter()
            .map(|(name, Middle { center, scale })| (name.as_str(), move |value: f64| (value - center) / scale));
        map_floats(batch, columns, "scale")
    }

    /// The values before [`transform_batch`](Self::transform_batch).
    ///
    /// # Errors
    /// As [`transform_batch`](Self::transform_batch).
    pub fn inverse_transform_batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let columns = self
            .columns
            .iter()
            .map(|(name, Middle { center, scale })| (name.as_str(), move |value: f64| value * scale + center));
        map_floats(batch, columns, "scale")
    }
}

impl FittedTransform for FittedRobustScaler {
    fn apply(&self, rows: Rows) -> Result<Rows> {
        Ok(Rows { plain: self.transform_batch(&rows.plain)?, ..rows })
    }

    fn undo(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        self.inverse_transform_batch(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::prepare::testing::{batch, fit_in_parts, law, values};

    #[test]
    fn the_values_of_the_documentation() {
        let part = batch([("a", vec![1.0, -2.0, 4.0]), ("b", vec![-2.0, 1.0, 1.0]), ("c", vec![2.0, 3.0, -2.0])]);
        let fitted = RobustScaler::new().fit_batches(&part.schema(), [&part]).unwrap();
        let out = fitted.transform_batch(&part).unwrap();
        assert_eq!(values(&out, 0), [0.0, -1.0, 1.0]);
        assert_eq!(values(&out, 1), [-2.0, 0.0, 0.0]);
        assert_eq!(values(&out, 2), [0.0, 0.4, -1.6]);
        assert_eq!(fitted.inverse_transform_batch(&out).unwrap(), part);
    }

    #[test]
    fn cuts_and_passes_do_not_matter() {
        law(&RobustScaler::new());
        // more distinct values than are counted: the first pass only brackets the quartiles
        let n = 70_001;
        let part = batch([("a", (0..n).map(|i| f64::from(i * 7919 % n) / 8.0).collect())]);
        let step = RobustScaler::new();
        let mut stats = step.begin(&part.schema()).unwrap();
        step.update(&mut stats, &part).unwrap();
        assert!(matches!(step.after_pass(stats).unwrap(), Fitting::Again(_)));
        let fitted = fit_in_parts(&step, &part, 20_000);
        assert_eq!(fitted.columns()[0].1, Middle { center: 35_000.0 / 8.0, scale: 35_000.0 / 8.0 });
    }

    #[test]
    fn a_range_of_quantiles_is_checked() {
        let part = batch([("a", vec![f64::NAN])]);
        let text = RobustScaler::new().quantile_range(75.0, 25.0).fit_batches(&part.schema(), [&part]).unwrap_err();
        assert!(text.to_string().contains("quantile_range is from 75 to 25"), "{text}");
        let fitted = RobustScaler::new().fit_batches(&part.schema(), [&part]).unwrap();
        assert_eq!(fitted.columns()[0].1, Middle { center: 0.0, scale: 1.0 });
    }
}
