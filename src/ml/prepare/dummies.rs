//! Categorical columns to one-hot features: dask-ml's `DummyEncoder`, pandas' `get_dummies`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, DictionaryArray, Int32Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Int32Type, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use super::categories::{Categories, Vocabulary};
use super::dictionary::{Remembered, translate};
use super::one_pass::{OnePass, with_columns};
use super::transform::{FittedTransform, Transform};
use crate::base::schema::index_of;
use crate::base::{Error, Result};
use crate::ml::design::OneHotBlock;
use crate::ml::pipeline::outline::{Outline, Wanted};
use crate::ml::pipeline::param::{FromParam, ParamValue, params};
use crate::ml::pipeline::rows::Rows;

/// Replaces categorical columns by one boolean feature per category.
///
/// The other columns come first, in their order, then a block for each encoded column, in the order given; the features
/// are named `P_74.0`. A null is a row of zeros. The columns have to be categorical: [`Categorizer`](super::Categorizer)
/// makes them so.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DummyEncoder {
    columns: Option<Vec<String>>,
    drop_first: bool,
    unknown: Unknown,
}

/// What becomes of a value that has no category.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unknown {
    /// A row of zeros.
    #[default]
    Ignore,
    /// An error that names the column.
    Error,
}

/// A [`DummyEncoder`] that knows the categories.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedDummyEncoder {
    params: DummyEncoder,
    input: Vec<String>,
    columns: Vec<(String, Categories)>,
    #[serde(skip)]
    remembered: Remembered,
}

/// The columns of a batch, and the categories of those to encode as far as they have been seen.
#[derive(Clone, Debug)]
pub struct Seen {
    input: Vec<String>,
    columns: Vec<(String, Option<Categories>)>,
}

/// A batch whose one-hot features are still codes.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The other columns.
    pub rest: RecordBatch,
    /// For each encoded column its features and a code per row: the feature's place, or their number for none.
    pub blocks: Vec<(OneHotBlock, Vec<u32>)>,
}

impl DummyEncoder {
    /// Encodes all categorical columns.
    pub fn new() -> Self {
        DummyEncoder::default()
    }

    /// Encodes these columns.
    #[must_use]
    pub fn columns<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.columns = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// Whether the first category of each column has no feature, so that features are not dependent. A row of zeros is
    /// then the first category or none.
    #[must_use]
    pub fn drop_first(mut self, drop_first: bool) -> Self {
        self.drop_first = drop_first;
        self
    }

    /// What becomes of a value that has no category; a row of zeros if nothing is said.
    #[must_use]
    pub fn handle_unknown(mut self, unknown: Unknown) -> Self {
        self.unknown = unknown;
        self
    }

    /// The columns to encode in a frame of this schema.
    pub(crate) fn chosen(&self, schema: &Schema) -> Vec<String> {
        let categorical = || schema.fields().iter().filter(|f| is_categorical(f)).map(|f| f.name().clone());
        self.columns.clone().unwrap_or_else(|| categorical().collect())
    }
}

fn is_categorical(field: &Field) -> bool {
    matches!(field.data_type(), DataType::Dictionary(..))
}

impl OnePass for DummyEncoder {
    type Stats = Seen;
    type Fitted = FittedDummyEncoder;

    fn begin(&self, schema: &Schema) -> Result<Seen> {
        let input: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
        let columns = self.chosen(schema);
        for name in &columns {
            let field = schema.field(index_of(schema, name).map_err(|e| e.doing("encode"))?);
            if !is_categorical(field) {
                let what = format!("the column must be categorical and is {}", field.data_type());
                let help = format!("put Categorizer::new().columns([\"{name}\"]) before it");
                return Err(Error::types(what).at_column(name.as_str()).doing("encode").help(help));
            }
        }
        Ok(Seen { input, columns: columns.into_iter().map(|name| (name, None)).collect() })
    }

    fn reads(&self, schema: &Schema) -> Option<Vec<String>> {
        Some(self.chosen(schema))
    }

    fn changes(&self, schema: &Schema) -> Vec<String> {
        self.chosen(schema)
    }

    /// The categories are those of the dictionary, whatever rows there are.
    fn looks_at_rows(&self) -> bool {
        false
    }

    fn update(&self, stats: &mut Seen, batch: &RecordBatch) -> Result<()> {
        for (name, seen) in &mut stats.columns {
            let column = batch.column(index_of(&batch.schema(), name)?);
            let found = dictionary(column).map_err(|e| e.at_column(name.as_str()).doing("encode"))?;
            agree(name, seen, Some(found))?;
        }
        Ok(())
    }

    fn merge(&self, stats: &mut Seen, later: Seen) -> Result<()> {
        for ((name, seen), (_, found)) in stats.columns.iter_mut().zip(later.columns) {
            agree(name, seen, found)?;
        }
        Ok(())
    }

    fn finish(&self, stats: Seen) -> Result<FittedDummyEncoder> {
        let columns = stats.columns.into_iter().map(|(name, seen)| {
            let categories = seen.ok_or_else(|| {
                Error::model("no rows were seen, so the categories are not known").at_column(&name).doing("encode")
            })?;
            Ok((name, categories))
        });
        let columns = columns.collect::<Result<_>>()?;
        Ok(FittedDummyEncoder { params: self.clone(), input: stats.input, columns, remembered: Remembered::default() })
    }
}

fn agree(name: &str, seen: &mut Option<Categories>, found: Option<Categories>) -> Result<()> {
    match (&seen, found) {
        (Some(a), Some(b)) if *a != b => Err(Error::model("the categories are not the same in every partition")
            .at_column(name)
            .doing("encode")
            .help("make the column categorical with Categorizer, which gives all partitions the same")),
        (None, found) => {
            *seen = found;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The categories of a categorical column.
fn dictionary(column: &ArrayRef) -> Result<Categories> {
    match column.as_any_dictionary_opt() {
        Some(column) => Categories::of_dictionary(column.values()),
        None => Err(Error::types(format!("the column must be categorical and is {}", column.data_type()))),
    }
}

impl FittedDummyEncoder {
    /// The encoded columns and their categories.
    pub fn columns(&self) -> &[(String, Categories)] {
        &self.columns
    }

    /// The block of features of each encoded column.
    pub fn blocks(&self) -> Vec<OneHotBlock> {
        let features = |name: &str, categories: &Categories| -> Vec<String> {
            let names = categories.names().into_iter().skip(usize::from(self.params.drop_first));
            names.map(|category| format!("{name}_{category}")).collect()
        };
        let blocks = self.columns.iter();
        blocks.map(|(name, c)| OneHotBlock { column: name.clone(), features: features(name, c) }).collect()
    }

    /// The schema after [`transform_batch`](Self::transform_batch).
    ///
    /// # Errors
    /// `Model` if the columns are not those of the fit.
    pub fn schema(&self, input: &Schema) -> Result<SchemaRef> {
        self.expect_columns(input)?;
        let rest = input.fields().iter().filter(|f| !self.encodes(f.name())).cloned();
        let features = self.blocks().into_iter().flat_map(|block| block.features);
        let features = features.map(|name| Arc::new(Field::new(name, DataType::Boolean, false)));
        Ok(Arc::new(Schema::new(rest.chain(features).collect::<Vec<FieldRef>>())))
    }

    /// The batch with codes for its features: what a structured design matrix is made of.
    ///
    /// # Errors
    /// `Model` if the columns are not those of the fit, or for a value without a category under [`Unknown::Error`].
    pub fn encode(&self, batch: &RecordBatch) -> Result<Encoded> {
        let schema = batch.schema();
        self.expect_columns(&schema)?;
        let rest: Vec<usize> = (0..schema.fields().len()).filter(|&i| !self.encodes(schema.field(i).name())).collect();
        let codes = self.columns.iter().zip(self.blocks()).enumerate().map(|(place, ((name, _), block))| {
            let column = batch.column(index_of(&schema, name)?);
            let codes = self.codes(place, column).map_err(|e| e.at_column(name.as_str()).doing("encode"))?;
            Ok((block, codes))
        });
        Ok(Encoded { blocks: codes.collect::<Result<_>>()?, rest: batch.project(&rest)? })
    }

    /// The batch with a boolean column per feature.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn transform_batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let Encoded { rest, blocks } = self.encode(batch)?;
        let mut columns = rest.columns().to_vec();
        for (block, codes) in &blocks {
            for feature in 0..block.features.len() as u32 {
                columns.push(Arc::new(codes.iter().map(|code| Some(*code == feature)).collect::<BooleanArray>()));
            }
        }
        with_columns(batch, self.schema(&batch.schema())?, columns)
    }

    /// The batch before [`transform_batch`](Self::transform_batch), with its categorical columns in their places. A row of zeros
    /// is null, or the first category if that has no feature.
    ///
    /// # Errors
    /// `UnknownColumn` if a column or feature is missing, `TypeMismatch` if a feature is not boolean or numeric.
    pub fn inverse_transform_batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let schema = batch.schema();
        let blocks = self.blocks();
        let columns = self.input.iter().map(|name| {
            let Some(place) = self.columns.iter().position(|(n, _)| n == name) else {
                let place = index_of(&schema, name)?;
                return Ok((schema.field(place).clone(), batch.column(place).clone()));
            };
            let column = self.decode(batch, &blocks[place], &self.columns[place].1)?;
            Ok((Field::new(name, column.data_type().clone(), true), column))
        });
        let (fields, columns): (Vec<Field>, Vec<ArrayRef>) = columns.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        with_columns(batch, Arc::new(Schema::new(fields)), columns)
    }

    fn decode(&self, batch: &RecordBatch, block: &OneHotBlock, categories: &Categories) -> Result<ArrayRef> {
        let keys = Int32Array::from(decode(batch, block, i32::from(self.params.drop_first))?);
        let values = categories.column(0..categories.len());
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, values)?))
    }

    /// A code for each row of the encoded column at this place: the place of the feature, or their number for none.
    fn codes(&self, place: usize, column: &ArrayRef) -> Result<Vec<u32>> {
        let Some(dictionary) = column.as_any_dictionary_opt() else {
            return Err(Error::types(format!("the column must be categorical and is {}", column.data_type())));
        };
        let categories = &self.columns[place].1;
        let none = categories.len() as u32;
        // a dictionary of its own is translated, value by value
        let translation = self.remembered.codes(place, categories, dictionary.values())?;
        if self.params.unknown == Unknown::Error
            && let Some(row) = translate(dictionary, &translation, none)?.iter().position(|code| *code == none)
        {
            let value = Vocabulary::of_row(column, row)?;
            let what = match value.len() {
                0 => "a row has no value".to_string(),
                _ => format!("the value {value} is no category"),
            };
            return Err(Error::model(what).help("use handle_unknown(Unknown::Ignore) to make it a row of zeros"));
        }
        let shift = u32::from(self.params.drop_first);
        let features = none.saturating_sub(shift);
        let features_of: Vec<u32> = translation.iter().map(|code| code.wrapping_sub(shift).min(features)).collect();
        translate(dictionary, &features_of, features)
    }

    fn encodes(&self, name: &str) -> bool {
        self.columns.iter().any(|(encoded, _)| encoded == name)
    }

    fn expect_columns(&self, schema: &Schema) -> Result<()> {
        let given = || schema.fields().iter().map(|f| f.name());
        if given().eq(self.input.iter()) {
            return Ok(());
        }
        let missing: Vec<_> = self.input.iter().filter(|name| !given().any(|g| g == *name)).collect();
        let extra: Vec<_> = given().filter(|name| !self.input.contains(name)).collect();
        let what = if missing.is_empty() && extra.is_empty() {
            "the columns stand in another order than in the fit".to_string()
        } else {
            format!("the columns are not those of the fit: missing {missing:?}, not expected {extra:?}")
        };
        Err(Error::model(what).doing("encode"))
    }
}

/// The category of each row, by its features; `first` categories have none, and a row of zeros is the first of them.
///
/// # Errors
/// `UnknownColumn` if a feature is missing, `TypeMismatch` if it is not boolean or numeric.
pub(super) fn decode(batch: &RecordBatch, block: &OneHotBlock, first: i32) -> Result<Vec<Option<i32>>> {
    let mut codes = vec![(first > 0).then_some(0); batch.num_rows()];
    for (feature, code) in block.features.iter().zip(first..) {
        let column = batch.column(index_of(&batch.schema(), feature).map_err(|e| e.doing("decode"))?);
        let flags = cast(column, &DataType::Boolean)?;
        let set = codes.iter_mut().zip(flags.as_boolean().iter()).filter(|(_, flag)| *flag == Some(true));
        set.for_each(|(known, _)| *known = Some(code));
    }
    Ok(codes)
}

impl Unknown {
    /// scikit-learn's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Unknown::Ignore => "ignore",
            Unknown::Error => "error",
        }
    }
}

impl From<Unknown> for ParamValue {
    fn from(unknown: Unknown) -> Self {
        unknown.name().into()
    }
}

impl FromParam for Unknown {
    fn from_param(value: &ParamValue) -> Result<Unknown> {
        let ParamValue::Text(name) = value else { return Err(value.is_no("word")) };
        let named = [Unknown::Ignore, Unknown::Error].into_iter().find(|unknown| unknown.name() == name);
        named.ok_or_else(|| value.is_no("way to handle unknown values").help("it is ignore or error"))
    }
}

params! { DummyEncoder {
    HANDLE_UNKNOWN: Unknown = "handle_unknown" => handle_unknown;
    DROP_FIRST: bool = "drop_first" => drop_first;
} }

impl Transform for DummyEncoder {
    fn after(&self, _name: &str, at: &Outline) -> Result<Outline> {
        self.begin(&at.plain)?;
        Ok(at.encoded(&self.chosen(&at.plain)))
    }

    fn prune(&self, at: &Outline, mut wanted: Wanted) -> (Self, Wanted) {
        let mut chosen = self.chosen(&at.plain);
        chosen.retain(|column| wanted.one_hot.remove(column));
        wanted.plain.extend(chosen.iter().cloned());
        (self.clone().columns(chosen), wanted)
    }

    fn for_columns(mut self, columns: &[String]) -> Self {
        self.columns.get_or_insert_with(|| columns.to_vec());
        self
    }
}

impl FittedTransform for FittedDummyEncoder {
    fn apply(&self, mut rows: Rows) -> Result<Rows> {
        let encoded = self.encode(&rows.plain)?;
        rows.plain = encoded.rest;
        rows.blocks.extend(encoded.blocks.into_iter().filter(|(block, _)| !block.features.is_empty()));
        Ok(rows)
    }

    fn undo(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        self.inverse_transform_batch(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::prepare::Categorizer;
    use arrow::array::Float64Array;

    fn raw() -> RecordBatch {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("P", Arc::new(Float64Array::from(vec![Some(74.0), Some(7.0), None, Some(74.0)]))),
            ("x", Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0, 4.0]))),
            ("D", Arc::new(Float64Array::from(vec![1.0, 1.0, 2.0, 3.0]))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    fn categorical() -> RecordBatch {
        let raw = raw();
        let step = Categorizer::new().columns(["P", "D"]);
        step.fit_batches(&raw.schema(), [&raw]).unwrap().transform_batch(&raw).unwrap()
    }

    fn names(batch: &RecordBatch) -> Vec<String> {
        batch.schema().fields().iter().map(|f| f.name().clone()).collect()
    }

    fn flags(batch: &RecordBatch, name: &str) -> Vec<bool> {
        batch.column_by_name(name).unwrap().as_boolean().values().iter().collect()
    }

    #[test]
    fn other_columns_first_then_blocks_in_the_order_given() {
        let batch = categorical();
        let fitted = DummyEncoder::new().columns(["D", "P"]).fit_batches(&batch.schema(), [&batch]).unwrap();
        let out = fitted.transform_batch(&batch).unwrap();
        assert_eq!(names(&out), ["x", "D_1.0", "D_2.0", "D_3.0", "P_7.0", "P_74.0"]);
        assert_eq!(flags(&out, "P_74.0"), [true, false, false, true]);
        assert_eq!(flags(&out, "P_7.0"), [false, true, false, false]);
        assert_eq!(fitted.inverse_transform_batch(&out).unwrap(), batch);
    }

    #[test]
    fn the_first_category_can_be_dropped() {
        let batch = categorical();
        let fitted = DummyEncoder::new().drop_first(true).fit_batches(&batch.schema(), [&batch]).unwrap();
        let out = fitted.transform_batch(&batch).unwrap();
        assert_eq!(names(&out), ["x", "P_74.0", "D_2.0", "D_3.0"]);
        assert_eq!(flags(&out, "P_74.0"), [true, false, false, true]);
        let codes = fitted.encode(&batch).unwrap().blocks;
        assert_eq!((codes[0].1.as_slice(), codes[1].1.as_slice()), (&[0, 1, 1, 0][..], &[2, 2, 0, 1][..]));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let raw = raw();
        let text = DummyEncoder::new().columns(["P"]).begin(&raw.schema()).unwrap_err().to_string();
        assert!(text.contains("column `P`") && text.contains("must be categorical"), "{text}");
        let batch = categorical();
        let fitted = DummyEncoder::new().fit_batches(&batch.schema(), [&batch]).unwrap();
        let text = fitted.transform_batch(&batch.project(&[0, 2]).unwrap()).unwrap_err().to_string();
        assert!(text.contains("missing [\"x\"]"), "{text}");
        let strict = DummyEncoder::new().handle_unknown(Unknown::Error);
        let strict = strict.fit_batches(&batch.schema(), [&batch]).unwrap();
        assert!(strict.transform_batch(&batch).unwrap_err().to_string().contains("a row has no value"));
    }

    #[test]
    fn partitions_with_other_categories_are_refused_in_fitting_and_translated_after() {
        let batch = categorical();
        let step = Categorizer::new().columns(["P", "D"]);
        let part = raw().slice(0, 2);
        let other = step.fit_batches(&part.schema(), [&part]).unwrap().transform_batch(&part).unwrap();
        assert!(DummyEncoder::new().fit_batches(&batch.schema(), [&batch, &other]).is_err());
        let fitted = DummyEncoder::new().fit_batches(&batch.schema(), [&batch]).unwrap();
        assert_eq!(fitted.encode(&other).unwrap().blocks[1].1, [0, 0]);
    }

    #[test]
    fn a_batch_without_rows_tells_the_categories() {
        let batch = categorical();
        let step = DummyEncoder::new();
        let fitted = step.fit_batches(&batch.schema(), [&batch.slice(0, 0)]).unwrap();
        assert!(!step.looks_at_rows());
        assert_eq!(fitted, step.fit_batches(&batch.schema(), [&batch]).unwrap());
    }
}
