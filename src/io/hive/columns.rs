//! What the folders of files say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::names::parsed;
use crate::base::schema::logical;
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::Scalar;
use crate::io::store::Listed;

/// Under which key the schema of a file keeps the names and types of the columns that its folders say.
pub const TYPES: &str = "partita:partition_by";

/// The texts that the folders of some files say, before their types are known.
#[derive(Clone, Debug, Default)]
pub struct HiveTexts {
    names: Vec<String>,
    /// For each name and file; `None` where it is null, or the file is in no such folder.
    texts: Vec<Vec<Option<String>>>,
}

impl HiveTexts {
    /// What the folders between the root of each file, the folder that was named, and the file say.
    pub fn of(files: &[Listed]) -> HiveTexts {
        let mut found = HiveTexts::default();
        for (at, file) in files.iter().enumerate() {
            let Some(below) = file.root.as_deref().and_then(|root| Path::new(&*file.info.path).strip_prefix(root).ok())
            else {
                continue;
            };
            for part in below.parent().into_iter().flat_map(Path::components) {
                let Component::Normal(part) = part else { continue };
                if let Some((name, value)) = part.to_str().and_then(parsed) {
                    let column = found.column(name, files.len());
                    found.texts[column][at] = value;
                }
            }
        }
        found
    }

    fn column(&mut self, name: String, files: usize) -> usize {
        if let Some(known) = self.names.iter().position(|n| *n == name) {
            return known;
        }
        self.names.push(name);
        self.texts.push(vec![None; files]);
        self.names.len() - 1
    }

    /// Whether no folder says anything.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Without columns that the files have themselves: theirs are the values.
    pub fn remove(&mut self, schema: &Schema) {
        let keep: Vec<bool> = self.names.iter().map(|n| schema.column_with_name(n).is_none()).collect();
        let mut kept = keep.iter();
        self.names.retain(|_| kept.next() != Some(&false));
        let mut kept = keep.iter();
        self.texts.retain(|_| kept.next() != Some(&false));
    }

    /// The values, of the types that are `given` by name; else of those that the writer has `recorded`, if all texts are
    /// of them; else whole numbers, dates or texts, whatever all of them are.
    ///
    /// # Errors
    /// `Value` when a text is not of the type given, naming the file.
    pub fn typed(
        &self,
        files: &[Listed],
        given: &BTreeMap<String, DataType>,
        recorded: &BTreeMap<String, DataType>,
    ) -> Result<HiveColumns> {
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for (name, texts) in self.names.iter().zip(&self.texts) {
            let column: ArrayRef = Arc::new(StringArray::from_iter(texts));
            let column = match given.get(name) {
                Some(to) => cast(&column, to).map_err(|e| {
                    let fails =
                        |text: &&Option<String>| cast(&(Arc::new(StringArray::from_iter([*text])) as _), to).is_err();
                    let file = texts.iter().position(|t| fails(&t)).map_or("", |i| &*files[i].info.path);
                    e.doing("read").at_path(file).at_column(name)
                })?,
                None => {
                    recorded.get(name).and_then(|to| cast(&column, &logical(to)).ok()).unwrap_or_else(|| guess(column))
                }
            };
            fields.push(Field::new(name, column.data_type().clone(), column.null_count() > 0));
            columns.push(column);
        }
        Ok(HiveColumns { schema: Arc::new(Schema::new(fields)), columns })
    }
}

fn cast(texts: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let cast = cast_with_options(texts, to, &CastOptions { safe: false, ..Default::default() })?;
    if cast.null_count() > texts.null_count() {
        return Err(Error::value(format!("not all texts are {to}")));
    }
    Ok(cast)
}

/// Whole numbers, dates, or what they are: texts.
fn guess(texts: ArrayRef) -> ArrayRef {
    let strings: BTreeSet<&str> = arrow::array::AsArray::as_string::<i32>(&texts).iter().flatten().collect();
    let whole = |t: &&str| t.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit()) && t.parse::<i64>().is_ok();
    let date = |t: &&str| t.len() == 10 && t.bytes().enumerate().all(|(i, b)| matches!(i, 4 | 7) == (b == b'-'));
    let to = match () {
        () if strings.is_empty() => DataType::Utf8,
        () if strings.iter().all(whole) => DataType::Int64,
        () if strings.iter().all(date) => DataType::Date32,
        () => DataType::Utf8,
    };
    cast(&texts, &to).unwrap_or(texts)
}

/// The types that a writer has recorded.
pub fn recorded(metadata: Option<&String>) -> BTreeMap<String, DataType> {
    let pairs: Vec<(String, String)> = metadata.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    pairs.into_iter().filter_map(|(name, data_type)| Some((name, data_type.parse().ok()?))).collect()
}

/// The values that the folders of some files say.
#[derive(Clone, Debug)]
pub struct HiveColumns {
    schema: SchemaRef,
    /// A row for each file.
    columns: Vec<ArrayRef>,
}

impl HiveColumns {
    /// These columns, which have a row for each file.
    pub fn of(record: &RecordBatch) -> HiveColumns {
        HiveColumns { schema: record.schema(), columns: record.columns().to_vec() }
    }

    /// The columns, with a row for each file.
    pub fn record(&self) -> Option<RecordBatch> {
        RecordBatch::try_new(self.schema.clone(), self.columns.clone()).ok()
    }

    /// The columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The value that column `column` has in all of file `file`.
    pub fn value(&self, column: usize, file: usize) -> Scalar {
        Scalar::of(&self.columns[column], file)
    }

    /// The values of a file as a row.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn row(&self, file: usize) -> Result<RecordBatch> {
        let there = self.columns.first().is_some_and(|c| file < c.len());
        if !there {
            return Err(Error::invalid(format!("there is no file {file}")));
        }
        let columns = self.columns.iter().map(|c| c.slice(file, 1)).collect();
        Ok(RecordBatch::try_new(self.schema.clone(), columns)?)
    }
}

impl Identity for HiveColumns {
    fn token(&self, t: &mut Tokenizer) {
        // the values are in the paths of the files
        t.str("hive");
        t.debug(&self.schema.fields());
    }
}
