//! One schema for several files: columns by name, types widened, what is missing null.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use rustc_hash::FxHashMap;

use crate::base::schema::{same_type, unknown_column};
use crate::base::{Error, ErrorKind, Result};
use crate::expr::coerce::meet_types;

/// The schema of several files, and where each file has its columns.
#[derive(Clone, Debug)]
pub struct Unified {
    /// The columns of the first file, then what later ones add.
    pub schema: SchemaRef,
    /// For each file and each column, the position in the file, if the file has it. Files of the same schema share it.
    pub places: Vec<Arc<[Option<usize>]>>,
}

/// Brings the schemas of `files` (path and schema) together. A column that a file lacks is null there; types meet in
/// the smallest that holds all values (ints and floats in Float64, timestamps in the finer unit); `dtypes` wins over
/// whatever the files say.
///
/// # Errors
/// `Schema`, naming file, column and both types, when two types have nothing in common, and when a file has two columns
/// of one name; `UnknownColumn` for a name in `dtypes` that no file has.
pub fn unify(files: &[(&str, &SchemaRef)], dtypes: &BTreeMap<String, DataType>) -> Result<Unified> {
    let mut columns: Vec<Column> = Vec::new();
    let mut known: FxHashMap<String, usize> = FxHashMap::default();
    let mut seen_in: Vec<FxHashMap<usize, usize>> = Vec::with_capacity(files.len());
    for (file, (path, schema)) in files.iter().enumerate() {
        if file > 0 && same_fields(schema, files[file - 1].1) {
            let same = seen_in[file - 1].clone();
            same.keys().for_each(|&c| columns[c].files += 1);
            seen_in.push(same);
            continue;
        }
        let mut seen = FxHashMap::default();
        for (place, field) in schema.fields().iter().enumerate() {
            let column = *known.entry(field.name().clone()).or_insert(columns.len());
            if column == columns.len() {
                columns.push(Column { field: field.clone(), first: path, files: 0 });
            }
            if seen.insert(column, place).is_some() {
                let what = "two columns have this name".to_string();
                return Err(Error::new(ErrorKind::Schema { what }).doing("read").at_path(path).at_column(field.name()));
            }
            let fixed = dtypes.contains_key(field.name());
            columns[column].meet(path, field, fixed)?;
        }
        seen_in.push(seen);
    }
    let fields: Vec<FieldRef> = columns.iter().map(|c| c.finish(files.len(), dtypes)).collect();
    let schema = Arc::new(Schema::new(fields));
    if let Some(name) = dtypes.keys().find(|name| !known.contains_key(*name)) {
        return Err(unknown_column(&schema, name).doing("read"));
    }
    Ok(Unified { places: places(&seen_in, columns.len()), schema })
}

/// Files of the same schema share their places.
fn places(seen_in: &[FxHashMap<usize, usize>], columns: usize) -> Vec<Arc<[Option<usize>]>> {
    let mut places: Vec<Arc<[Option<usize>]>> = Vec::with_capacity(seen_in.len());
    for seen in seen_in {
        let of_file: Arc<[Option<usize>]> = (0..columns).map(|c| seen.get(&c).copied()).collect();
        match places.last() {
            Some(last) if *last == of_file => places.push(last.clone()),
            _ => places.push(of_file),
        }
    }
    places
}

fn same_fields(a: &SchemaRef, b: &SchemaRef) -> bool {
    Arc::ptr_eq(a, b) || a.fields() == b.fields()
}

struct Column<'a> {
    field: FieldRef,
    /// The first file that has it.
    first: &'a str,
    /// How many files have it.
    files: usize,
}

impl Column<'_> {
    fn meet(&mut self, path: &str, other: &FieldRef, fixed: bool) -> Result<()> {
        self.files += 1;
        let (a, b) = (self.field.data_type(), other.data_type());
        let nullable = self.field.is_nullable() || other.is_nullable();
        let met = if fixed { Some(a.clone()) } else { widened(a, b) };
        let Some(met) = met else {
            let what = format!("the column is {b} here, but {a} in {}", self.first);
            let help = format!("read it with dtype(\"{}\", …), or read these files apart", other.name());
            let error = Error::new(ErrorKind::Schema { what }).doing("read");
            return Err(error.at_path(path).at_column(other.name()).help(help));
        };
        if met != *a || nullable != self.field.is_nullable() {
            let field = self.field.as_ref().clone().with_data_type(met).with_nullable(nullable);
            self.field = Arc::new(field);
        }
        Ok(())
    }

    fn finish(&self, files: usize, dtypes: &BTreeMap<String, DataType>) -> FieldRef {
        let data_type = dtypes.get(self.field.name()).unwrap_or(self.field.data_type()).clone();
        let nullable = self.field.is_nullable() || self.files < files || data_type.is_null();
        Arc::new(self.field.as_ref().clone().with_data_type(data_type).with_nullable(nullable))
    }
}

/// The type that holds the values of both, where a column may be widened to it without a word: unlike expressions,
/// a bool does not become a number. Inside lists and structs fields meet as columns do.
fn widened(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType::{Boolean, LargeList, List, Struct};
    match (a, b) {
        _ if a == b => Some(a.clone()),
        (Boolean, other) | (other, Boolean) if other.is_numeric() => None,
        (List(x), List(y)) => widened_field(x, y).map(List),
        (LargeList(x), LargeList(y)) => widened_field(x, y).map(LargeList),
        (Struct(x), Struct(y)) if x.len() == y.len() && x.iter().zip(y).all(|(x, y)| x.name() == y.name()) => {
            let fields: Option<Fields> = x.iter().zip(y).map(|(x, y)| widened_field(x, y)).collect();
            fields.map(Struct)
        }
        _ if same_type(a, b) => Some(a.clone()),
        _ => meet_types(a, b),
    }
}

fn widened_field(a: &FieldRef, b: &FieldRef) -> Option<FieldRef> {
    let data_type = widened(a.data_type(), b.data_type())?;
    let nullable = a.is_nullable() || b.is_nullable();
    Some(Arc::new(Field::new(a.name(), data_type, nullable).with_metadata(a.metadata().clone())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::TimeUnit;

    fn schema(fields: &[(&str, DataType)]) -> SchemaRef {
        Arc::new(Schema::new(fields.iter().map(|(n, t)| Field::new(*n, t.clone(), false)).collect::<Vec<_>>()))
    }

    fn unified(schemas: &[SchemaRef]) -> Result<Unified> {
        let names: Vec<String> = (0..schemas.len()).map(|i| format!("{i}.parquet")).collect();
        let files: Vec<_> = names.iter().map(String::as_str).zip(schemas).collect();
        unify(&files, &BTreeMap::new())
    }

    #[test]
    fn columns_meet_by_name_and_types_are_widened() {
        let stamp = |unit| DataType::Timestamp(unit, None);
        let result = unified(&[
            schema(&[
                ("id", DataType::Int64),
                ("n", DataType::Float64),
                ("fee", DataType::Null),
                ("gone", DataType::Utf8),
            ]),
            schema(&[
                ("t", stamp(TimeUnit::Second)),
                ("fee", DataType::Float64),
                ("n", DataType::Int64),
                ("id", DataType::Int32),
            ]),
            schema(&[("t", stamp(TimeUnit::Microsecond)), ("id", DataType::Int32)]),
        ])
        .unwrap();
        let shown: Vec<_> = result
            .schema
            .fields()
            .iter()
            .map(|f| (f.name().as_str(), f.data_type().clone(), f.is_nullable()))
            .collect();
        assert_eq!(
            shown,
            [
                ("id", DataType::Int64, false),
                ("n", DataType::Float64, true),
                ("fee", DataType::Float64, true),
                ("gone", DataType::Utf8, true),
                ("t", stamp(TimeUnit::Microsecond), true),
            ]
        );
        assert_eq!(*result.places[1], [Some(3), Some(2), Some(1), None, Some(0)]);
    }

    #[test]
    fn what_does_not_go_together_is_named() {
        let files = [schema(&[("zone", DataType::Int64)]), schema(&[("zone", DataType::Utf8)])];
        insta::assert_snapshot!(
            unified(&files).unwrap_err(),
            @"failed to read 1.parquet, column `zone`: the column is Utf8 here, but Int64 in 0.parquet; read it with dtype(\"zone\", …), or read these files apart"
        );
        let dtypes = BTreeMap::from([("zone".to_string(), DataType::Utf8)]);
        let result = unify(&[("a", &files[0]), ("b", &files[1])], &dtypes).unwrap();
        assert_eq!(result.schema.field(0).data_type(), &DataType::Utf8);
        let wrong = BTreeMap::from([("zones".to_string(), DataType::Utf8)]);
        assert!(unify(&[("a", &files[0])], &wrong).unwrap_err().to_string().contains("did you mean `zone`"));
        assert!(unified(&[schema(&[("a", DataType::Boolean)]), schema(&[("a", DataType::Int64)])]).is_err());
    }

    #[test]
    fn files_of_one_schema_share_their_places() {
        let same = schema(&[("a", DataType::Int64)]);
        let result = unified(&[same.clone(), same.clone(), same]).unwrap();
        assert!(Arc::ptr_eq(&result.places[0], &result.places[2]));
        assert!(!result.schema.field(0).is_nullable());
    }
}
