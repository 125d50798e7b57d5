//! Categories to their numbers: scikit-learn's and dask-ml's `OrdinalEncoder`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use super::categories::Categories;
use super::categorizer::{Categorizer, Vocabularies};
use super::columns::{floats, with_floats};
use super::dictionary::{Remembered, translate};
use super::one_hot::expect_known;
use super::one_pass::{OnePass, with_columns};
use super::transform::{FittedTransform, Transform};
use crate::base::schema::index_of;
use crate::base::{Error, Result};
use crate::ml::pipeline::outline::{Outline, Uses, Wanted};
use crate::ml::pipeline::param::params;
use crate::ml::pipeline::rows::Rows;
use crate::ml::pipeline::step::names;

/// Replaces the values of columns by their places among the distinct values, in rising order: numbers from 0 on, as
/// `Float64`. Columns of numbers, strings and booleans, categorical or not.
///
/// All columns are encoded unless it is told which. Null and NaN become null. A value that was not there in fitting is an
/// error, unless [`unknown_value`](Self::unknown_value) gives it a number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OrdinalEncoder {
    columns: Option<Vec<String>>,
    given: Vec<(String, Categories)>,
    unknown: Option<f64>,
}

/// An [`OrdinalEncoder`] that knows the categories.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedOrdinalEncoder {
    columns: Vec<(String, Categories)>,
    unknown: Option<f64>,
    #[serde(skip)]
    remembered: Remembered,
}

impl OrdinalEncoder {
    /// Encodes all columns; values that were not there in fitting are an error.
    pub fn new() -> Self {
        OrdinalEncoder::default()
    }

    /// Encodes these columns.
    #[must_use]
    pub fn columns<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.columns = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// Gives the categories of some columns, which are then not looked for, in the order of their numbers.
    #[must_use]
    pub fn categories<S: Into<String>>(mut self, given: impl IntoIterator<Item = (S, Categories)>) -> Self {
        self.given.extend(given.into_iter().map(|(column, categories)| (column.into(), categories)));
        self
    }

    /// The number of values that were not there in fitting: scikit-learn's `handle_unknown="use_encoded_value"`. It must
    /// not be the number of a category, which is checked in fitting.
    #[must_use]
    pub fn unknown_value(mut self, value: f64) -> Self {
        self.unknown = Some(value);
        self
    }

    fn chosen(&self, schema: &Schema) -> Vec<String> {
        self.columns.clone().unwrap_or_else(|| names(schema))
    }
}

/// The vocabulary of each encoded column.
#[derive(Clone, Debug)]
pub struct OrdinalStats {
    finder: Categorizer,
    vocabularies: Vocabularies,
}

impl OnePass for OrdinalEncoder {
    type Stats = OrdinalStats;
    type Fitted = FittedOrdinalEncoder;

    fn begin(&self, schema: &Schema) -> Result<OrdinalStats> {
        let chosen = self.chosen(schema);
        let given = self.given.iter().filter(|(name, _)| chosen.contains(name)).cloned();
        let finder = Categorizer::new().categories(given).columns(chosen);
        Ok(OrdinalStats { vocabularies: finder.vocabularies(schema).map_err(|e| e.doing("encode"))?, finder })
    }

    fn reads(&self, schema: &Schema) -> Option<Vec<String>> {
        Some(self.chosen(schema))
    }

    fn changes(&self, schema: &Schema) -> Vec<String> {
        self.chosen(schema)
    }

    fn update(&self, stats: &mut OrdinalStats, batch: &RecordBatch) -> Result<()> {
        stats.vocabularies.update(batch).map_err(|e| e.doing("encode"))
    }

    fn merge(&self, stats: &mut OrdinalStats, later: OrdinalStats) -> Result<()> {
        stats.vocabularies.merge(later.vocabularies).map_err(|e| e.doing("encode"))
    }

    fn finish(&self, stats: OrdinalStats) -> Result<FittedOrdinalEncoder> {
        let columns = stats.finder.finish(stats.vocabularies)?.columns().to_vec();
        for (name, categories) in &columns {
            if let Some(value) = self.unknown.filter(|value| (0..categories.len()).any(|code| code as f64 == *value)) {
                let what = format!("unknown_value is {value}, which is the number of a category");
                return Err(Error::invalid(what).at_column(name).doing("encode").help("use -1, or NaN"));
            }
        }
        Ok(FittedOrdinalEncoder { columns, unknown: self.unknown, remembered: Remembered::default() })
    }
}

params! { OrdinalEncoder {
    UNKNOWN_VALUE: f64 = "unknown_value" => unknown_value;
} }

impl Transform for OrdinalEncoder {
    fn after(&self, name: &str, at: &Outline) -> Result<Outline> {
        self.begin(&at.plain)?;
        let chosen = self.chosen(&at.plain);
        if self.columns.is_none() {
            at.without_one_hot(name, "encoding")?;
        }
        Ok(at.with_types(|field| chosen.contains(field.name()).then_some(DataType::Float64)))
    }

    fn uses(&self, at: &Outline) -> Uses {
        Uses { looked_up: self.chosen(&at.plain), otherwise: Vec::new() }
    }

    fn prune(&self, at: &Outline, wanted: Wanted) -> (Self, Wanted) {
        let mut chosen = self.chosen(&at.plain);
        chosen.retain(|column| wanted.plain.contains(column));
        (self.clone().columns(chosen), wanted)
    }
}

impl FittedOrdinalEncoder {
    /// The encoded columns and their categories, in the order of their numbers.
    pub fn columns(&self) -> &[(String, Categories)] {
        &self.columns
    }

    /// The schema after [`transform_batch`](Self::transform_batch): encoded columns are `Float64`.
    ///
    /// # Errors
    /// `UnknownColumn` if a fitted column is missing.
    pub fn schema(&self, input: &Schema) -> Result<SchemaRef> {
        with_floats(input, self.columns.iter().map(|(name, _)| name.as_str())).map_err(|e| e.doing("encode"))
    }

    /// The batch with numbers in its encoded columns.
    ///
    /// # Errors
    /// `UnknownColumn` if a fitted column is missing, `TypeMismatch` if its values cannot be compared with the categories;
    /// `Model` for a value that was not there in fitting, if it has no number.
    pub fn transform_batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let schema = self.schema(&batch.schema())?;
        let mut columns = batch.columns().to_vec();
        for (place, (name, _)) in self.columns.iter().enumerate() {
            let at = index_of(&schema, name)?;
            columns[at] = self.numbers(place, &columns[at]).map_err(|e| e.at_column(name).doing("encode"))?;
        }
        let fields: Vec<FieldRef> = schema.fields().iter().zip(&columns).map(|(f, c)| nullable(f, c)).collect();
        with_columns(batch, Arc::new(Schema::new(fields)), columns)
    }

    fn numbers(&self, place: usize, column: &ArrayRef) -> Result<ArrayRef> {
        let categories = &self.columns[place].1;
        let none = categories.len() as u32;
        let codes = match column.as_any_dictionary_opt() {
            Some(dictionary) => {
                translate(dictionary, &self.remembered.codes(place, categories, dictionary.values())?, none)?
            }
            None => categories.codes(column)?,
        };
        let number = |code: &u32| (*code != none).then_some(f64::from(*code));
        let Some(unknown) = self.unknown else {
            expect_known(column, categories, &codes, "use unknown_value(-1.0) to give such values a number")?;
            return Ok(Arc::new(codes.iter().map(number).collect::<Float64Array>()));
        };
        let missing = super::one_hot::without_value(column)?;
        let known = codes.iter().zip(missing.iter());
        let number =
            |(code, missing): (&u32, Option<bool>)| number(code).or((missing != Some(true)).then_some(unknown));
        Ok(Arc::new(known.map(number).collect::<Float64Array>()))
    }

    /// The values before [`transform_batch`](Self::transform_batch); null for a number that is none of a category.
    ///
    /// # Errors
    /// `UnknownColumn` if a fitted column is missing, `TypeMismatch` if it is not numeric.
    pub fn inverse_transform_batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let schema = batch.schema();
        let (mut fields, mut columns) = (schema.fields().to_vec(), batch.columns().to_vec());
        for (name, categories) in &self.columns {
            let codes = floats(batch, name, "decode")?;
            let place = |code: Option<f64>| {
                code.filter(|code| *code >= 0.0 && code.fract() == 0.0).map_or(usize::MAX, |code| code as usize)
            };
            let at = index_of(&schema, name)?;
            columns[at] = categories.column(codes.iter().map(place));
            fields[at] = Arc::new(Field::new(name, categories.data_type(), true));
        }
        with_columns(batch, Arc::new(Schema::new(fields)), columns)
    }
}

/// The field, nullable where nulls have come in: a NaN has become one.
fn nullable(field: &FieldRef, column: &ArrayRef) -> FieldRef {
    match column.null_count() > 0 && !field.is_nullable() {
        true => Arc::new(Field::clone(field).with_nullable(true)),
        false => field.clone(),
    }
}

impl FittedTransform for FittedOrdinalEncoder {
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
    use crate::ml::prepare::testing::{law, of_columns, values};
    use arrow::array::{Int64Array, StringArray};

    fn documented() -> RecordBatch {
        of_columns([
            ("gender", Arc::new(StringArray::from(vec!["Male", "Female", "Female"]))),
            ("group", Arc::new(Int64Array::from(vec![1, 3, 2]))),
        ])
    }

    #[test]
    fn the_values_of_the_documentation() {
        let part = documented();
        let fitted = OrdinalEncoder::new().fit_batches(&part.schema(), [&part]).unwrap();
        let out = fitted.transform_batch(&part).unwrap();
        assert_eq!((values(&out, 0), values(&out, 1)), (vec![1.0, 0.0, 0.0], vec![0.0, 2.0, 1.0]));
        assert_eq!(fitted.inverse_transform_batch(&out).unwrap(), part);
        law(&OrdinalEncoder::new());
    }

    #[test]
    fn unknown_values_are_an_error_or_a_number() {
        let part = documented();
        let other = of_columns([("gender", Arc::new(StringArray::from(vec![Some("Other"), None, Some("Male")])))]);
        let step = OrdinalEncoder::new().columns(["gender"]);
        let text = step.fit_batches(&part.schema(), [&part]).unwrap().transform_batch(&other).unwrap_err().to_string();
        assert!(text.contains("column `gender`: the value `Other` was not there"), "{text}");
        let fitted = step.clone().unknown_value(-1.0).fit_batches(&part.schema(), [&part]).unwrap();
        let out = fitted.transform_batch(&other).unwrap();
        assert_eq!(floats(&out, "gender", "").unwrap(), Float64Array::from(vec![Some(-1.0), None, Some(1.0)]));
        assert_eq!(fitted.inverse_transform_batch(&out).unwrap().column(0).null_count(), 2);
        assert!(step.unknown_value(1.0).fit_batches(&part.schema(), [&part]).is_err());
    }

    #[test]
    fn an_order_can_be_given() {
        let sizes = of_columns([("size", Arc::new(StringArray::from(vec!["L", "S", "M"])))]);
        let order = Categories::Text(["S", "M", "L"].map(String::from).to_vec());
        let step = OrdinalEncoder::new().categories([("size", order)]);
        let fitted = step.fit_batches(&sizes.schema(), [&sizes]).unwrap();
        assert_eq!(values(&fitted.transform_batch(&sizes).unwrap(), 0), [2.0, 0.0, 1.0]);
    }
}
