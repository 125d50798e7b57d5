//! Columns to mean 0 and variance 1: scikit-learn's `StandardScaler`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use super::one_pass::{OnePass, with_columns};
use crate::base::schema::{index_of, logical};
use crate::base::{Error, Result};

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

/// Count, mean and sum of squared distances from the mean, merged by the rule of Chan, Golub and LeVeque (1983).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    /// Values seen.
    pub count: u64,
    /// Their mean.
    pub mean: f64,
    /// Σ(x − mean)².
    pub squares: f64,
}

impl Moments {
    /// Of these values.
    pub fn of(values: &[f64]) -> Self {
        if values.is_empty() {
            return Moments::default();
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let (sum, squares) = values.iter().map(|v| v - mean).fold((0.0, 0.0), |(s, q), d| (s + d, q + d * d));
        // the rounding of the mean is put right: Σ(x − m)² = Σ(x − mean)² + n·(mean − m)²
        Moments { count: values.len() as u64, mean: mean + sum / n, squares: squares - sum * sum / n }
    }

    /// Takes in the values of another state.
    pub fn merge(&mut self, other: &Moments) {
        if other.count == 0 {
            return;
        }
        let (a, b) = (self.count as f64, other.count as f64);
        let distance = other.mean - self.mean;
        self.count += other.count;
        self.mean += distance * (b / (a + b));
        self.squares += other.squares + distance * distance * (a * b / (a + b));
    }

    /// The variance with ddof 0; 0 of no values.
    pub fn variance(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.squares / self.count as f64 }
    }

    /// What to divide by: the standard deviation, or 1 where the variance is not more than rounding.
    pub fn scale(&self) -> f64 {
        let (n, var) = (self.count as f64, self.variance());
        let rounding = n * f64::EPSILON * var + (n * self.mean * f64::EPSILON).powi(2);
        if var <= rounding { 1.0 } else { var.sqrt() }
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
        let columns = schema.fields().iter().map(|field| {
            let t = logical(field.data_type());
            if !(t.is_numeric() || t == DataType::Boolean) {
                let error = Error::types(format!("values of type {t} cannot be scaled"));
                return Err(error.at_column(field.name().as_str()).doing("scale"));
            }
            Ok((field.name().clone(), Moments::default()))
        });
        columns.collect()
    }

    fn update(&self, stats: &mut Self::Stats, batch: &RecordBatch) -> Result<()> {
        for (name, moments) in stats {
            let column = floats(batch, name)?;
            let known: Vec<f64> = column.iter().flatten().filter(|v| !v.is_nan()).collect();
            if let Some(value) = known.iter().find(|v| v.is_infinite()) {
                let error = Error::model(format!("the value {value} has no place on a scale"));
                return Err(error.at_column(name.as_str()).doing("scale").help("replace infinite values first"));
            }
            moments.merge(&Moments::of(&known));
        }
        Ok(())
    }

    fn merge(&self, stats: &mut Self::Stats, later: Self::Stats) -> Result<()> {
        stats.iter_mut().zip(later).for_each(|((_, a), (_, b))| a.merge(&b));
        Ok(())
    }

    fn finish(&self, stats: Self::Stats) -> Result<FittedStandardScaler> {
        let columns = stats.into_iter().map(|(name, moments)| ScaledColumn {
            name,
            count: moments.count,
            mean: moments.mean,
            var: moments.variance(),
            scale: moments.scale(),
        });
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
        let mut fields: Vec<_> = input.fields().iter().cloned().collect();
        for column in &self.columns {
            let place = index_of(input, &column.name)?;
            fields[place] = Arc::new(Field::new(&column.name, DataType::Float64, fields[place].is_nullable()));
        }
        Ok(Arc::new(Schema::new(fields)))
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
        let schema = self.schema(&batch.schema())?;
        let mut columns = batch.columns().to_vec();
        for column in &self.columns {
            let shift = if self.params.with_mean { column.mean } else { 0.0 };
            let scale = if self.params.with_std { column.scale } else { 1.0 };
            let values = floats(batch, &column.name)?;
            columns[index_of(&schema, &column.name)?] =
                Arc::new(values.unary::<_, Float64Type>(|v| f(v, shift, scale))) as ArrayRef;
        }
        with_columns(batch, schema, columns)
    }
}

/// A numeric column as floats.
fn floats(batch: &RecordBatch, name: &str) -> Result<Float64Array> {
    let column = batch.column(index_of(&batch.schema(), name)?);
    match column.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            Err(Error::types("text cannot be scaled").at_column(name).doing("scale"))
        }
        _ => Ok(cast(column, &DataType::Float64)?.as_primitive::<Float64Type>().clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        fn moments_merge(values in prop::collection::vec(-1e3..1e3f64, 1..60), cut in 0..60usize) {
            let cut = cut.min(values.len());
            let mut parts = Moments::of(&values[..cut]);
            parts.merge(&Moments::of(&values[cut..]));
            let whole = Moments::of(&values);
            prop_assert_eq!(parts.count, whole.count);
            prop_assert!((parts.mean - whole.mean).abs() < 1e-10);
            prop_assert!((parts.squares - whole.squares).abs() < 1e-6);
        }
    }
}
