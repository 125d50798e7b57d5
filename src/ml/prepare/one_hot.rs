//! Columns to one-hot features in one step: scikit-learn's `OneHotEncoder`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::is_null;
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use super::categories::{Categories, Vocabulary};
use super::categorizer::{Categorizer, Vocabularies};
use super::dictionary::{Remembered, translate};
use super::dummies::{Encoded, Unknown, decode};
use super::one_pass::{OnePass, with_columns};
use super::transform::{FittedTransform, Transform};
use crate::base::schema::index_of;
use crate::base::{Error, Result};
use crate::ml::design::OneHotBlock;
use crate::ml::pipeline::outline::{Outline, Uses, Wanted};
use crate::ml::pipeline::param::{FromParam, ParamValue, params};
use crate::ml::pipeline::rows::Rows;
use crate::ml::pipeline::step::names;

/// Replaces columns by one boolean feature per distinct value, which it finds itself, in one pass: columns of numbers,
/// strings and booleans, categorical or not. (A [`DummyEncoder`](super::DummyEncoder) wants a
/// [`Categorizer`] before it.)
///
/// All columns are encoded unless it is told which; the others then come first, in their order. A block follows for each
/// encoded column, its features in the order of the values, named `zone_74.0`. Null and NaN are no category: they are a
/// row of zeros (scikit-learn makes a category of them: fill them with a [`SimpleImputer`](super::SimpleImputer) to have
/// that). A value that was not there in fitting is an error, unless [`handle_unknown`](Self::handle_unknown) says that it
/// is a row of zeros too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OneHotEncoder {
    columns: Option<Vec<String>>,
    given: Vec<(String, Categories)>,
    unknown: Unknown,
    drop: Dropped,
}

/// Which category of a column has no feature, so that features do not depend on each other. A row of zeros then stands
/// for it too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Dropped {
    /// All categories have one.
    #[default]
    None,
    /// The first of each column has none.
    First,
    /// The first of columns with two categories has none.
    IfBinary,
}

/// A [`OneHotEncoder`] that knows the categories.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedOneHotEncoder {
    params: OneHotEncoder,
    columns: Vec<(String, Categories)>,
    #[serde(skip)]
    remembered: Remembered,
}

impl Default for OneHotEncoder {
    fn default() -> Self {
        OneHotEncoder::new()
    }
}

impl OneHotEncoder {
    /// Encodes all columns; values that were not there in fitting are an error.
    pub fn new() -> Self {
        OneHotEncoder { columns: None, given: Vec::new(), unknown: Unknown::Error, drop: Dropped::None }
    }

    /// Encodes these columns.
    #[must_use]
    pub fn columns<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.columns = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// Gives the categories of some columns, which are then not looked for. Their order is kept.
    #[must_use]
    pub fn categories<S: Into<String>>(mut self, given: impl IntoIterator<Item = (S, Categories)>) -> Self {
        self.given.extend(given.into_iter().map(|(column, categories)| (column.into(), categories)));
        self
    }

    /// What becomes of a value that was not there in fitting.
    #[must_use]
    pub fn handle_unknown(mut self, unknown: Unknown) -> Self {
        self.unknown = unknown;
        self
    }

    /// Which category has no feature.
    #[must_use]
    pub fn drop(mut self, drop: Dropped) -> Self {
        self.drop = drop;
        self
    }

    fn chosen(&self, schema: &Schema) -> Vec<String> {
        self.columns.clone().unwrap_or_else(|| names(schema))
    }

    /// What finds the categories.
    fn finder(&self, schema: &Schema) -> Categorizer {
        let chosen = self.chosen(schema);
        let given = self.given.iter().filter(|(name, _)| chosen.contains(name)).cloned();
        Categorizer::new().categories(given).columns(chosen)
    }
}

/// The vocabulary of each encoded column.
#[derive(Clone, Debug)]
pub struct OneHotStats {
    finder: Categorizer,
    vocabularies: Vocabularies,
}

impl OnePass for OneHotEncoder {
    type Stats = OneHotStats;
    type Fitted = FittedOneHotEncoder;

    fn begin(&self, schema: &Schema) -> Result<OneHotStats> {
        let finder = self.finder(schema);
        Ok(OneHotStats { vocabularies: finder.vocabularies(schema).map_err(|e| e.doing("encode"))?, finder })
    }

    fn reads(&self, schema: &Schema) -> Option<Vec<String>> {
        Some(self.chosen(schema))
    }

    fn changes(&self, schema: &Schema) -> Vec<String> {
        self.chosen(schema)
    }

    fn update(&self, stats: &mut OneHotStats, batch: &RecordBatch) -> Result<()> {
        stats.vocabularies.update(batch).map_err(|e| e.doing("encode"))
    }

    fn merge(&self, stats: &mut OneHotStats, later: OneHotStats) -> Result<()> {
        stats.vocabularies.merge(later.vocabularies).map_err(|e| e.doing("encode"))
    }

    fn finish(&self, stats: OneHotStats) -> Result<FittedOneHotEncoder> {
        let columns = stats.finder.finish(stats.vocabularies)?.columns().to_vec();
        Ok(FittedOneHotEncoder { params: self.clone(), columns, remembered: Remembered::default() })
    }
}

impl Dropped {
    const ALL: [Dropped; 3] = [Dropped::None, Dropped::First, Dropped::IfBinary];

    /// scikit-learn's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Dropped::None => "none",
            Dropped::First => "first",
            Dropped::IfBinary => "if_binary",
        }
    }
}

impl From<Dropped> for ParamValue {
    fn from(drop: Dropped) -> Self {
        drop.name().into()
    }
}

impl FromParam for Dropped {
    fn from_param(value: &ParamValue) -> Result<Dropped> {
        let ParamValue::Text(name) = value else { return Err(value.is_no("word")) };
        let named = Dropped::ALL.into_iter().find(|drop| drop.name() == name);
        named.ok_or_else(|| value.is_no("category to drop").help("it is none, first or if_binary"))
    }
}

params! { OneHotEncoder {
    DROP: Dropped = "drop" => drop;
    HANDLE_UNKNOWN: Unknown = "handle_unknown" => handle_unknown;
} }

impl Transform for OneHotEncoder {
    fn after(&self, name: &str, at: &Outline) -> Result<Outline> {
        self.begin(&at.plain)?;
        if self.columns.is_none() {
            at.without_one_hot(name, "encoding")?;
        }
        Ok(at.encoded(&self.chosen(&at.plain)))
    }

    fn uses(&self, at: &Outline) -> Uses {
        Uses { looked_up: self.chosen(&at.plain), otherwise: Vec::new() }
    }

    fn prune(&self, at: &Outline, mut wanted: Wanted) -> (Self, Wanted) {
        let mut chosen = self.chosen(&at.plain);
        chosen.retain(|column| wanted.one_hot.remove(column));
        wanted.plain.extend(chosen.iter().cloned());
        (self.clone().columns(chosen), wanted)
    }
}

impl FittedOneHotEncoder {
    /// The encoded columns and their categories.
    pub fn columns(&self) -> &[(String, Categories)] {
        &self.columns
    }

    /// How many of the first categories of these have no feature.
    fn first(&self, categories: &Categories) -> u32 {
        match self.params.drop {
            Dropped::None => 0,
            Dropped::First => 1,
            Dropped::IfBinary => u32::from(categories.len() == 2),
        }
    }

    /// The block of features of each encoded column.
    pub fn blocks(&self) -> Vec<OneHotBlock> {
        let block = |(name, categories): &(String, Categories)| {
            let named = categories.names().into_iter().skip(self.first(categories) as usize);
            OneHotBlock { column: name.clone(), features: named.map(|value| format!("{name}_{value}")).collect() }
        };
        self.columns.iter().map(block).collect()
    }

    /// The schema after [`transform_batch`](Self::transform_batch).
    ///
    /// # Errors
    /// `UnknownColumn` if a fitted column is missing.
    pub fn schema(&self, input: &Schema) -> Result<SchemaRef> {
        Ok(self.transform_batch(&RecordBatch::new_empty(Arc::new(input.clone())))?.schema())
    }

    /// The batch with codes for its features: what a structured design matrix is made of.
    ///
    /// # Errors
    /// `UnknownColumn` if a fitted column is missing, `TypeMismatch` if its values cannot be compared with the categories;
    /// `Model` for a value that was not there in fitting, under [`Unknown::Error`].
    pub fn encode(&self, batch: &RecordBatch) -> Result<Encoded> {
        let schema = batch.schema();
        let blocks = self.blocks().into_iter().enumerate().map(|(place, block)| {
            let column = batch.column(index_of(&schema, &block.column).map_err(|e| e.doing("encode"))?);
            let codes = self.codes(place, column).map_err(|e| e.at_column(&block.column).doing("encode"))?;
            Ok((block, codes))
        });
        let blocks = blocks.collect::<Result<_>>()?;
        let encoded = |name: &str| self.columns.iter().any(|(column, _)| column == name);
        let rest: Vec<usize> = (0..schema.fields().len()).filter(|i| !encoded(schema.field(*i).name())).collect();
        Ok(Encoded { rest: batch.project(&rest)?, blocks })
    }

    /// A code for each row of the encoded column at this place: the place of the feature, or their number for none.
    fn codes(&self, place: usize, column: &ArrayRef) -> Result<Vec<u32>> {
        let categories = &self.columns[place].1;
        let none = categories.len() as u32;
        let codes = match column.as_any_dictionary_opt() {
            Some(dictionary) => {
                translate(dictionary, &self.remembered.codes(place, categories, dictionary.values())?, none)?
            }
            None => categories.codes(column)?,
        };
        if self.params.unknown == Unknown::Error {
            expect_known(
                column,
                categories,
                &codes,
                "use handle_unknown(Unknown::Ignore) to encode such values as zeros",
            )?;
        }
        let first = self.first(categories);
        let features = none.saturating_sub(first);
        Ok(codes.into_iter().map(|code| code.wrapping_sub(first).min(features)).collect())
    }

    /// The batch with a boolean column per feature.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn transform_batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let Encoded { rest, blocks } = self.encode(batch)?;
        Rows { plain: rest, blocks }.dense()
    }

    /// The batch with its encoded columns again, after the others. A row of zeros is null, or the category that has no
    /// feature.
    ///
    /// # Errors
    /// `UnknownColumn` if a feature is missing, `TypeMismatch` if one is not boolean or numeric.
    pub fn inverse_transform_batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let (schema, blocks) = (batch.schema(), self.blocks());
        let feature = |name: &String| blocks.iter().any(|block| block.features.contains(name));
        let rest: Vec<usize> = (0..schema.fields().len()).filter(|i| !feature(schema.field(*i).name())).collect();
        let rest = batch.project(&rest)?;
        let (mut fields, mut columns): (Vec<FieldRef>, Vec<ArrayRef>) =
            (rest.schema().fields().to_vec(), rest.columns().to_vec());
        for (block, (name, categories)) in blocks.iter().zip(&self.columns) {
            let codes = decode(batch, block, self.first(categories) as i32)?;
            let places = codes.into_iter().map(|code| code.map_or(usize::MAX, |code| code as usize));
            fields.push(Arc::new(Field::new(name, categories.data_type(), true)));
            columns.push(categories.column(places));
        }
        with_columns(batch, Arc::new(Schema::new(fields)), columns)
    }
}

/// Succeeds where all values that are there are categories.
///
/// # Errors
/// `Model`, naming the first value that is none; `help` says which setting would allow it.
pub(super) fn expect_known(column: &ArrayRef, categories: &Categories, codes: &[u32], help: &str) -> Result<()> {
    let none = categories.len() as u32;
    if codes.iter().all(|code| *code != none) {
        return Ok(());
    }
    let missing = without_value(column)?;
    let Some(row) = codes.iter().zip(missing.iter()).position(|(code, missing)| *code == none && missing != Some(true))
    else {
        return Ok(());
    };
    let what = format!("the value {} was not there in fitting", Vocabulary::of_row(column, row)?);
    Err(Error::model(what).help(help))
}

/// Where a column is null or NaN.
pub(super) fn without_value(column: &ArrayRef) -> Result<BooleanArray> {
    let plain = match column.as_any_dictionary_opt() {
        Some(dictionary) => arrow::compute::cast(column, dictionary.values().data_type())?,
        None => column.clone(),
    };
    if plain.data_type().is_floating() {
        let values = arrow::compute::cast(&plain, &DataType::Float64)?;
        let values = values.as_primitive::<Float64Type>();
        return Ok(values.iter().map(|value| Some(value.is_none_or(f64::is_nan))).collect());
    }
    Ok(is_null(&plain)?)
}

impl FittedTransform for FittedOneHotEncoder {
    fn apply(&self, mut rows: Rows) -> Result<Rows> {
        let Encoded { rest, blocks } = self.encode(&rows.plain)?;
        rows.plain = rest;
        rows.blocks.extend(blocks.into_iter().filter(|(block, _)| !block.features.is_empty()));
        Ok(rows)
    }

    fn undo(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        self.inverse_transform_batch(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::prepare::testing::{fit_in_parts, law, names, of_columns};
    use crate::ml::prepare::{Categorizer, DummyEncoder};
    use arrow::array::{Float64Array, Int64Array, StringArray};

    /// scikit-learn's example: X = [['Male', 1], ['Female', 3], ['Female', 2]].
    fn documented() -> RecordBatch {
        of_columns([
            ("gender", Arc::new(StringArray::from(vec!["Male", "Female", "Female"]))),
            ("group", Arc::new(Int64Array::from(vec![1, 3, 2]))),
        ])
    }

    fn flags(batch: &RecordBatch) -> Vec<Vec<u8>> {
        let row = |i| batch.columns().iter().map(|c| u8::from(c.as_boolean().value(i))).collect();
        (0..batch.num_rows()).map(row).collect()
    }

    fn fit(step: &OneHotEncoder) -> FittedOneHotEncoder {
        step.fit_batches(&documented().schema(), [&documented()]).unwrap()
    }

    #[test]
    fn the_values_of_the_documentation() {
        let fitted = fit(&OneHotEncoder::new().handle_unknown(Unknown::Ignore));
        let other = of_columns([
            ("gender", Arc::new(StringArray::from(vec!["Female", "Male"]))),
            ("group", Arc::new(Int64Array::from(vec![1, 4]))),
        ]);
        let out = fitted.transform_batch(&other).unwrap();
        assert_eq!(names(&out), ["gender_Female", "gender_Male", "group_1", "group_2", "group_3"]);
        assert_eq!(flags(&out), [[1, 0, 1, 0, 0], [0, 1, 0, 0, 0]]);
        let back = fitted.inverse_transform_batch(&out).unwrap();
        assert_eq!(back.column(0).as_string::<i32>().value(1), "Male");
        assert!(back.column(1).is_null(1));
        let text = fit(&OneHotEncoder::new()).transform_batch(&other).unwrap_err().to_string();
        assert!(text.contains("column `group`: the value 4 was not there"), "{text}");
    }

    #[test]
    fn a_category_can_be_dropped() {
        let fitted = fit(&OneHotEncoder::new().drop(Dropped::First));
        let out = fitted.transform_batch(&documented()).unwrap();
        assert_eq!(names(&out), ["gender_Male", "group_2", "group_3"]);
        assert_eq!(flags(&out), [[1, 0, 0], [0, 0, 1], [0, 1, 0]]);
        assert_eq!(fitted.inverse_transform_batch(&out).unwrap(), documented());
        let fitted = fit(&OneHotEncoder::new().drop(Dropped::IfBinary));
        let out = fitted.transform_batch(&documented()).unwrap();
        assert_eq!(names(&out), ["gender_Male", "group_1", "group_2", "group_3"]);
        assert_eq!(fitted.inverse_transform_batch(&out).unwrap(), documented());
    }

    #[test]
    fn missing_values_are_no_category_and_no_error() {
        let part = of_columns([("x", Arc::new(Float64Array::from(vec![Some(2.0), None, Some(f64::NAN), Some(1.5)])))]);
        let fitted = OneHotEncoder::new().fit_batches(&part.schema(), [&part]).unwrap();
        let blocks = fitted.encode(&part).unwrap().blocks;
        assert_eq!(blocks[0].0.features, ["x_1.5", "x_2.0"]);
        assert_eq!(blocks[0].1, [1, 2, 2, 0]);
    }

    #[test]
    fn it_is_a_categorizer_and_a_dummy_encoder() {
        let part = documented();
        let categorizer = Categorizer::new().columns(["gender", "group"]);
        let categorical = categorizer.fit_batches(&part.schema(), [&part]).unwrap().transform_batch(&part).unwrap();
        let dummies = DummyEncoder::new().fit_batches(&categorical.schema(), [&categorical]).unwrap();
        let twin = dummies.transform_batch(&categorical).unwrap();
        for part in [&part, &categorical] {
            assert_eq!(fit(&OneHotEncoder::new()).transform_batch(part).unwrap(), twin);
            assert_eq!(fit_in_parts(&OneHotEncoder::new(), part, 2).columns(), fit(&OneHotEncoder::new()).columns());
        }
        law(&OneHotEncoder::new());
    }
}
