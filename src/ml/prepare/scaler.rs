//! Columns to mean 0 and variance 1: scikit-learn's `StandardScaler`.

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use super::columns::{finite_values, floats, map_floats, numeric, with_floats};
use super::one_pass::OnePass;
use super::transform::{FittedTransform, Transform};
use crate::base::Result;
use crate::expr::folds::{Accumulator, FloatSums, Sums};
use crate::ml::pipeline::outline::Outline;
use crate::ml::pipeline::param::params;
use crate::ml::pipeline::rows::Rows;

/// Takes the mean of each column from its values and divides them by the standard deviation (ddof 0).
///
/// Null and NaN are skipped in fitting and stay what they are. A constant column (its variance is not more than its
/// rounding, as scikit-learn tests it) is not divided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StandardScaler {
    with_mean: bool,
    with_std: bool,
}

/// A [`StandardScaler`] that knows mean and variance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedStandardScaler {
    params: StandardScaler,
    columns: Vec<ScaledColumn>,
}

/// What a scaler knows of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScaledColumn {
    /// Its name.
    pub name: String,
    /// Values seen, without null and NaN.
    pub count: u64,
    /// Their mean; 0 of no values.
    pub mean: f64,
    /// Their variance (ddof 0); 0 of no values.
    pub var: f64,
    /// What values are divided by: √var, or 1 for a constant column.
    pub scale: f64,
}

/// The exact sums of a column: they are the same for any partitioning, and rounded once at the end.
#[derive(Clone, Debug, Default)]
pub struct Moments(FloatSums<true>);

impl Moments {
    /// Takes in values; NaN is skipped.
    pub fn update(&mut self, values: &[f64]) {
        self.0.add_all(values);
    }

    /// Takes in the values of another state.
    pub fn merge(&mut self, other: Moments) {
        self.0.merge(other.0);
    }

    /// What a scaler knows of a column of these values.
    pub fn column(&self, name: String) -> ScaledColumn {
        let exact = self.0.exact();
        let (count, mean, var) = (exact.n, exact.mean().unwrap_or(0.0), exact.var(0).unwrap_or(0.0));
        let n = count as f64;
        let rounding = n * f64::EPSILON * var + (n * mean * f64::EPSILON).powi(2);
        let scale = if var <= rounding { 1.0 } else { exact.std(0).unwrap_or(1.0) };
        ScaledColumn { name, count, mean, var, scale }
    }
}

impl Default for StandardScaler {
    fn default() -> Self {
        StandardScaler::new()
    }
}

impl StandardScaler {
    /// Shifts and scales.
    pub fn new() -> Self {
        StandardScaler { with_mean: true, with_std: true }
    }

    /// Whether the mean is taken away.
    #[must_use]
    pub fn with_mean(mut self, with_mean: bool) -> Self {
        self.with_mean = with_mean;
        self
    }

    /// Whether values are divided by the standard deviation.
    #[must_use]
    pub fn with_std(mut self, with_std: bool) -> Self {
        self.with_std = with_std;
        self
    }
}

impl OnePass for StandardScaler {
    type Stats = Vec<(String, Moments)>;
    type Fitted = FittedStandardScaler;

    fn begin(&self, schema: &Schema) -> Result<Self::Stats> {
        Ok(numeric(schema, "scale", "scaled")?.into_iter().map(|name| (name, Moments::default())).collect())
    }

    fn update(&self, stats: &mut Self::Stats, batch: &RecordBatch) -> Result<()> {
        for (name, moments) in stats {
            let column = floats(batch, name, "scale")?;
            let finite = finite_values(&column, name, "scale")?;
            match column.null_count() {
                0 => moments.update(column.values()),
                _ => moments.update(&finite.collect::<Vec<f64>>()),
            }
        }
        Ok(())
    }

    fn merge(&self, stats: &mut Self::Stats, later: Self::Stats) -> Result<()> {
        stats.iter_mut().zip(later).for_each(|((_, a), (_, b))| a.merge(b));
        Ok(())
    }

    fn finish(&self, stats: Self::Stats) -> Result<FittedStandardScaler> {
        let columns = stats.into_iter().map(|(name, moments)| moments.column(name));
        Ok(FittedStandardScaler { params: self.clone(), columns: columns.collect() })
    }
}

impl FittedStandardScaler {
    /// What is known of each column.
    pub fn columns(&self) -> &[ScaledColumn] {
        &self.columns
    }

    /// The schema after [`transform_batch`](Self::transform_batch): fitted columns are `Float64`.
    ///
    /// # Errors
    /// `UnknownColumn` if a fitted column is missing.
    pub fn schema(&self, input: &Schema) -> Result<SchemaRef> {
        with_floats(input, self.columns.iter().map(|column| column.name.as_str()))
    }

    /// The batch with its fitted columns scaled.
    ///
    /// # Errors
    /// `UnknownColumn` if a fitted column is missing, `TypeMismatch` if it is not numeric.
    pub fn transform_batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        self.map(batch, |value, shift, scale| (value - shift) / scale)
    }

    /// The values before [`transform_batch`](Self::transform_batch).
    ///
    /// # Errors
    /// As [`transform_batch`](Self::transform_batch).
    pub fn inverse_transform_batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        self.map(batch, |value, shift, scale| value * scale + shift)
    }

    fn map(&self, batch: &RecordBatch, f: impl Fn(f64, f64, f64) -> f64) -> Result<RecordBatch> {
        let f = &f;
        let columns = self.columns.iter().map(|column| {
            let shift = if self.params.with_mean { column.mean } else { 0.0 };
            let scale = if self.params.with_std { column.scale } else { 1.0 };
            (column.name.as_str(), move |value| f(value, shift, scale))
        });
        map_floats(batch, columns, "scale")
    }
}

params! { StandardScaler {
    WITH_MEAN: bool = "with_mean" => with_mean;
    WITH_STD: bool = "with_std" => with_std;
} }

impl Transform for StandardScaler {
    fn after(&self, name: &str, at: &Outline) -> Result<Outline> {
        self.begin(&at.plain)?;
        at.without_one_hot(name, "scaling")?;
        Ok(at.with_types(|_| Some(DataType::Float64)))
    }
}

impl FittedTransform for FittedStandardScaler {
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
    use arrow::array::{ArrayRef, AsArray, Float64Array};
    use arrow::datatypes::Float64Type;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn batch(columns: Vec<(&str, Vec<Option<f64>>)>) -> RecordBatch {
        let columns = columns.into_iter().map(|(n, v)| (n, Arc::new(Float64Array::from(v)) as ArrayRef));
        RecordBatch::try_from_iter(columns).unwrap()
    }

    #[test]
    fn the_golden_values() {
        let part = batch(vec![
            ("a", vec![Some(1.0), Some(2.0), Some(3.0), None, Some(f64::NAN)]),
            ("b", vec![Some(5.0), Some(5.0), Some(5.0), Some(5.0), None]),
        ]);
        let fitted = StandardScaler::new().fit_batches(&part.schema(), [&part]).unwrap();
        let [a, b] = fitted.columns() else { panic!() };
        assert_eq!((a.mean, b.mean, a.count), (2.0, 5.0, 3));
        assert_eq!((a.var, b.var), (2.0 / 3.0, 0.0));
        assert_eq!((a.scale, b.scale), ((2.0_f64 / 3.0).sqrt(), 1.0));
        let out = fitted.transform_batch(&part).unwrap();
        let column = out.column(0).as_primitive::<Float64Type>();
        assert!((column.value(0) + 1.224744871391589).abs() < 1e-15);
        assert!(column.is_null(3) && column.value(4).is_nan());
        assert_eq!(fitted.inverse_transform_batch(&out).unwrap().column(1).as_primitive::<Float64Type>().value(0), 5.0);
    }

    #[test]
    fn a_column_constant_but_for_rounding_is_not_blown_up() {
        let part = batch(vec![("a", vec![Some(0.1 + 0.2), Some(0.3), Some(0.3)])]);
        let fitted = StandardScaler::new().fit_batches(&part.schema(), [&part]).unwrap();
        assert_eq!(fitted.columns()[0].scale, 1.0);
        let part = batch(vec![("a", vec![Some(f64::INFINITY)])]);
        assert!(StandardScaler::new().fit_batches(&part.schema(), [&part]).is_err());
    }

    #[test]
    fn shift_and_scale_can_be_left_out() {
        let part = batch(vec![("a", vec![Some(1.0), Some(3.0)])]);
        let value = |step: StandardScaler| {
            let fitted = step.fit_batches(&part.schema(), [&part]).unwrap();
            fitted.transform_batch(&part).unwrap().column(0).as_primitive::<Float64Type>().value(1)
        };
        assert_eq!(value(StandardScaler::new().with_mean(false)), 3.0);
        assert_eq!(value(StandardScaler::new().with_std(false)), 1.0);
    }

    proptest! {
        #[test]
        fn what_is_known_does_not_depend_on_cuts(values in prop::collection::vec(-1e3..1e3f64, 1..60), cut in 0..60usize) {
            let cut = cut.min(values.len());
            let of = |values: &[f64]| {
                let mut moments = Moments::default();
                moments.update(values);
                moments
            };
            let mut parts = of(&values[cut..]);
            parts.merge(of(&values[..cut]));
            let (parts, whole) = (parts.column("a".into()), of(&values).column("a".into()));
            prop_assert_eq!(&parts, &whole);
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            let var = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
            prop_assert!((whole.mean - mean).abs() < 1e-10 && (whole.var - var).abs() < 1e-6);
        }
    }
}
