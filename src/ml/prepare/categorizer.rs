//! Columns to categorical columns: dask-ml's `Categorizer`.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, DictionaryArray, Int32Array, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Int32Type, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use super::categories::{Categories, Vocabulary};
use super::dictionary::{Remembered, translate};
use super::one_pass::{OnePass, with_columns};
use super::transform::{FittedTransform, Transform};
use crate::base::schema::{index_of, logical};
use crate::base::{Error, Result};
use crate::ml::pipeline::outline::{Outline, Uses, Wanted};
use crate::ml::pipeline::param::params;
use crate::ml::pipeline::rows::Rows;
use crate::ml::pipeline::step::categorical;

/// Makes columns categorical: their sorted distinct values become the categories, the same in every partition. Null
/// and NaN are no category, and a value that was not there in fitting becomes null.
///
/// A categorical column is a dictionary array whose dictionary is the categories.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Categorizer {
    columns: Option<Vec<String>>,
    given: Vec<(String, Categories)>,
}

/// A [`Categorizer`] that knows the categories.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedCategorizer {
    columns: Vec<(String, Categories)>,
    #[serde(skip)]
    remembered: Remembered,
}

impl Categorizer {
    /// Makes all columns of strings categorical.
    pub fn new() -> Self {
        Categorizer::default()
    }

    /// Makes these columns categorical.
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

    /// The columns to make categorical in a frame of this schema.
    pub(crate) fn chosen(&self, schema: &Schema) -> Vec<String> {
        let texts = || schema.fields().iter().filter(|f| logical(f.data_type()) == DataType::Utf8);
        let mut columns = self.columns.clone().unwrap_or_else(|| texts().map(|f| f.name().clone()).collect());
        let more = self.given.iter().map(|(name, _)| name).filter(|name| !columns.contains(name)).cloned();
        columns.extend(more.collect::<Vec<_>>());
        columns
    }

    /// The same for fewer columns.
    pub(crate) fn limited_to(&self, columns: Vec<String>) -> Self {
        let given = self.given.iter().filter(|(name, _)| columns.contains(name)).cloned().collect();
        Categorizer { columns: Some(columns), given }
    }

    /// What is known of the columns before any row, as [`OnePass::begin`] gives it.
    pub(super) fn vocabularies(&self, schema: &Schema) -> Result<Vocabularies> {
        let vocabularies = self.chosen(schema).into_iter().map(|name| {
            let field = schema.field(index_of(schema, &name)?);
            let vocabulary = match self.given(&name) {
                Some(_) => None,
                None => Some(Vocabulary::for_type(field.data_type()).map_err(|e| e.at_column(&name))?),
            };
            Ok((name, vocabulary))
        });
        vocabularies.collect::<Result<_>>().map(Vocabularies)
    }

    fn given(&self, column: &str) -> Option<&Categories> {
        self.given.iter().find(|(name, _)| name == column).map(|(_, categories)| categories)
    }
}

/// The vocabulary of each column whose categories are not given.
#[derive(Clone, Debug)]
pub struct Vocabularies(Vec<(String, Option<Vocabulary>)>);

impl Vocabularies {
    /// Takes in rows.
    ///
    /// # Errors
    /// `UnknownColumn` if a column is missing.
    pub(super) fn update(&mut self, batch: &RecordBatch) -> Result<()> {
        for (name, vocabulary) in &mut self.0 {
            if let Some(vocabulary) = vocabulary {
                let column = batch.column(index_of(&batch.schema(), name)?);
                vocabulary.update(column).map_err(|e| e.at_column(name.as_str()))?;
            }
        }
        Ok(())
    }

    /// Takes in what other rows have.
    ///
    /// # Errors
    /// `TypeMismatch` for columns of other types.
    pub(super) fn merge(&mut self, later: Vocabularies) -> Result<()> {
        for ((name, a), (_, b)) in self.0.iter_mut().zip(later.0) {
            if let (Some(a), Some(b)) = (a, b) {
                a.merge(b).map_err(|e| e.at_column(name.as_str()))?;
            }
        }
        Ok(())
    }
}

impl OnePass for Categorizer {
    type Stats = Vocabularies;
    type Fitted = FittedCategorizer;

    fn begin(&self, schema: &Schema) -> Result<Vocabularies> {
        self.vocabularies(schema).map_err(|e| e.doing("categorize"))
    }

    fn reads(&self, schema: &Schema) -> Option<Vec<String>> {
        Some(self.chosen(schema))
    }

    fn changes(&self, schema: &Schema) -> Vec<String> {
        self.chosen(schema)
    }

    fn looks_at_rows(&self) -> bool {
        self.columns.as_ref().is_none_or(|columns| columns.iter().any(|name| self.given(name).is_none()))
    }

    fn update(&self, stats: &mut Vocabularies, batch: &RecordBatch) -> Result<()> {
        stats.update(batch).map_err(|e| e.doing("categorize"))
    }

    fn merge(&self, stats: &mut Vocabularies, later: Vocabularies) -> Result<()> {
        stats.merge(later).map_err(|e| e.doing("categorize"))
    }

    fn finish(&self, stats: Vocabularies) -> Result<FittedCategorizer> {
        let columns = stats.0.into_iter().map(|(name, vocabulary)| {
            let found = vocabulary.map(Vocabulary::finish).or_else(|| self.given(&name).cloned());
            let categories = found.ok_or_else(|| Error::model("the column has no categories").at_column(&name))?;
            Ok((name, categories))
        });
        Ok(FittedCategorizer { columns: columns.collect::<Result<_>>()?, remembered: Remembered::default() })
    }
}

impl FittedCategorizer {
    /// The categorical columns and their categories.
    pub fn columns(&self) -> &[(String, Categories)] {
        &self.columns
    }

    /// The categories of a column.
    pub fn categories(&self, column: &str) -> Option<&Categories> {
        self.columns.iter().find(|(name, _)| name == column).map(|(_, categories)| categories)
    }

    /// The schema after [`transform_batch`](Self::transform_batch).
    ///
    /// # Errors
    /// `UnknownColumn` if a fitted column is missing.
    pub fn schema(&self, input: &Schema) -> Result<SchemaRef> {
        let mut fields: Vec<_> = input.fields().iter().cloned().collect();
        for (name, categories) in &self.columns {
            let value = Box::new(categories.data_type());
            let data_type = DataType::Dictionary(Box::new(DataType::Int32), value);
            fields[index_of(input, name)?] = Arc::new(Field::new(name, data_type, true));
        }
        Ok(Arc::new(Schema::new(fields)))
    }

    /// The batch with its columns made categorical.
    ///
    /// # Errors
    /// `UnknownColumn` if a fitted column is missing, `TypeMismatch` if its values cannot be compared with the
    /// categories.
    pub fn transform_batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let schema = self.schema(&batch.schema())?;
        let mut columns = batch.columns().to_vec();
        for (place, (name, _)) in self.columns.iter().enumerate() {
            let at = index_of(&schema, name)?;
            columns[at] =
                self.categorical(place, &columns[at]).map_err(|e| e.at_column(name.as_str()).doing("categorize"))?;
        }
        with_columns(batch, schema, columns)
    }

    /// The values of the fitted column at this place, as categories.
    fn categorical(&self, place: usize, column: &ArrayRef) -> Result<ArrayRef> {
        let (categories, dictionary) = (&self.columns[place].1, &self.remembered.dictionaries(&self.columns)[place]);
        let none = categories.len() as u32;
        let key = |code: u32| (code != none).then_some(code as i32);
        let keys: Int32Array = match column.as_any_dictionary_opt() {
            Some(column) => {
                let codes = self.remembered.codes(place, categories, column.values())?;
                let keys: Vec<Option<i32>> = codes.iter().map(|code| key(*code)).collect();
                translate(column, &keys, None)?.into()
            }
            None => categories.codes(column)?.into_iter().map(key).collect(),
        };
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, dictionary.clone())?))
    }
}

params! { Categorizer {} }

impl Transform for Categorizer {
    fn after(&self, _name: &str, at: &Outline) -> Result<Outline> {
        self.begin(&at.plain)?;
        let chosen = self.chosen(&at.plain);
        let field = |f: &FieldRef| if chosen.contains(f.name()) { Arc::new(categorical(f)) } else { f.clone() };
        let fields: Vec<FieldRef> = at.plain.fields().iter().map(field).collect();
        Ok(Outline { plain: Schema::new(fields), one_hot: at.one_hot.clone() })
    }

    fn uses(&self, at: &Outline) -> Uses {
        Uses { looked_up: self.chosen(&at.plain), otherwise: Vec::new() }
    }

    fn prune(&self, at: &Outline, wanted: Wanted) -> (Self, Wanted) {
        let mut chosen = self.chosen(&at.plain);
        chosen.retain(|column| wanted.plain.contains(column));
        (self.limited_to(chosen), wanted)
    }

    fn for_columns(mut self, columns: &[String]) -> Self {
        self.columns.get_or_insert_with(|| columns.to_vec());
        self
    }
}

impl FittedTransform for FittedCategorizer {
    fn apply(&self, rows: Rows) -> Result<Rows> {
        Ok(Rows { plain: self.transform_batch(&rows.plain)?, ..rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array, Float64Array, StringArray};

    fn batch(place: Vec<Option<f64>>, flag: Vec<&str>) -> RecordBatch {
        let columns: Vec<(&str, ArrayRef)> =
            vec![("place", Arc::new(Float64Array::from(place))), ("flag", Arc::new(StringArray::from(flag)))];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    #[test]
    fn partitions_share_their_categories() {
        let parts = [batch(vec![Some(74.0), None], vec!["y", "n"]), batch(vec![Some(7.0), Some(74.0)], vec!["n", "n"])];
        let step = Categorizer::new().columns(["place"]);
        let fitted = step.fit_batches(&parts[0].schema(), &parts).unwrap();
        assert_eq!(fitted.categories("place"), Some(&Categories::Float(vec![7.0, 74.0])));
        let out = fitted.transform_batch(&batch(vec![Some(8.0), Some(74.0)], vec!["", ""])).unwrap();
        let column = out.column(0).as_dictionary::<Int32Type>();
        assert_eq!((column.is_null(0), column.key(1)), (true, Some(1)));
        assert_eq!(out.schema().field(1).data_type(), &DataType::Utf8);
    }

    #[test]
    fn strings_are_the_default_and_categories_can_be_given() {
        let part = batch(vec![Some(1.0)], vec!["b"]);
        let fitted = Categorizer::new().fit_batches(&part.schema(), [&part]).unwrap();
        assert_eq!(fitted.columns().len(), 1);
        let given = Categories::Text(vec!["c".into(), "b".into()]);
        let fitted = Categorizer::new().categories([("flag", given.clone())]).fit_batches(&part.schema(), [&part]);
        assert_eq!(fitted.unwrap().categories("flag"), Some(&given));
        let text = Categorizer::new().columns(["plac"]).begin(&part.schema()).unwrap_err().to_string();
        assert!(text.contains("did you mean `place`"), "{text}");
    }

    #[test]
    fn statistics_merge() {
        let parts = [batch(vec![Some(2.0)], vec!["y"]), batch(vec![Some(1.0)], vec!["n"])];
        let step = Categorizer::new().columns(["place", "flag"]);
        let mut stats = step.begin(&parts[0].schema()).unwrap();
        let mut later = stats.clone();
        step.update(&mut stats, &parts[0]).unwrap();
        step.update(&mut later, &parts[1]).unwrap();
        step.merge(&mut stats, later).unwrap();
        assert_eq!(step.finish(stats).unwrap(), step.fit_batches(&parts[0].schema(), &parts).unwrap());
    }

    #[test]
    fn a_categorical_column_is_told_by_its_keys() {
        let plain = batch(vec![Some(74.0), None, Some(7.0), Some(3.0)], vec!["b", "a", "c", "b"]);
        let step = Categorizer::new().columns(["place", "flag"]);
        let whole = step.fit_batches(&plain.schema(), [&plain]).unwrap().transform_batch(&plain).unwrap();
        for (start, rows) in [(0, 4), (0, 2), (2, 2), (1, 0)] {
            let (plain, coded) = (plain.slice(start, rows), whole.slice(start, rows));
            let fitted = step.fit_batches(&coded.schema(), [&coded]).unwrap();
            assert_eq!(fitted, step.fit_batches(&plain.schema(), [&plain]).unwrap());
            for _ in 0..2 {
                assert_eq!(fitted.transform_batch(&whole).unwrap(), fitted.transform_batch(&plain_of(&whole)).unwrap());
            }
        }
        assert!(step.looks_at_rows() && !Categorizer::new().columns(["a"; 0]).looks_at_rows());
    }

    fn plain_of(batch: &RecordBatch) -> RecordBatch {
        let values = |c: &ArrayRef| arrow::compute::cast(c, c.as_any_dictionary().values().data_type()).unwrap();
        let schema = batch.schema();
        let columns = schema.fields().iter().map(|f| f.name().clone()).zip(batch.columns().iter().map(values));
        RecordBatch::try_from_iter(columns.collect::<Vec<_>>()).unwrap()
    }
}
