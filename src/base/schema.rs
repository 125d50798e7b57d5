//! Columns by name, and types compared by what they mean.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};

use super::error::{Error, ErrorKind, Result};

/// The position of column `name`.
///
/// # Errors
/// `UnknownColumn` with the nearest name and all known ones.
pub fn index_of(schema: &Schema, name: &str) -> Result<usize> {
    schema.fields().iter().position(|f| f.name() == name).ok_or_else(|| unknown_column(schema, name))
}

/// The error for a column that `schema` does not have.
pub fn unknown_column(schema: &Schema, name: &str) -> Error {
    let known: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
    let nearest = nearest(name, known.iter().map(String::as_str)).map(str::to_string);
    Error::new(ErrorKind::UnknownColumn { name: name.to_string(), nearest, known })
}

/// The candidate most like `name`, if any is like it at all.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = name.to_lowercase();
    candidates
        .into_iter()
        .map(|c| (strsim::jaro_winkler(&folded, &c.to_lowercase()), c))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, c)| c)
}

/// What a type means, whatever its physical layout: `Utf8View`, `LargeUtf8` and dictionaries of strings are `Utf8`.
pub fn logical(data_type: &DataType) -> DataType {
    match data_type {
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView => DataType::Binary,
        DataType::Dictionary(_, value) => logical(value),
        other => other.clone(),
    }
}

/// Whether two types mean the same.
pub fn same_type(a: &DataType, b: &DataType) -> bool {
    a == b || logical(a) == logical(b)
}

/// The schema with the layouts that columns came in: strings may be codes.
pub fn in_layout(schema: &SchemaRef, columns: &[ArrayRef]) -> SchemaRef {
    let same = |(field, column): (&FieldRef, &ArrayRef)| field.data_type() == column.data_type();
    if schema.fields().iter().zip(columns).all(same) {
        return schema.clone();
    }
    let fields = schema.fields().iter().zip(columns).map(|(field, column)| match column.data_type() {
        other if other != field.data_type() && same_type(other, field.data_type()) => {
            Arc::new(field.as_ref().clone().with_data_type(other.clone()))
        }
        _ => field.clone(),
    });
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}

/// How the names of columns begin that an operation adds for itself. They are as wide as nothing: how many partitions there
/// are, and which side of a join is small, does not depend on them.
pub const HIDDEN: char = '\0';

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::Field;

    #[test]
    fn an_unknown_column_names_its_neighbour() {
        let schema = Schema::new(vec![
            Field::new("fare_amount", DataType::Float64, true),
            Field::new("tip_amount", DataType::Float64, true),
        ]);
        assert_eq!(index_of(&schema, "tip_amount").unwrap(), 1);
        let text = index_of(&schema, "fare_amout").unwrap_err().to_string();
        assert!(text.contains("fare_amout") && text.contains("did you mean `fare_amount`"), "{text}");
    }

    #[test]
    fn layouts_of_strings_mean_the_same() {
        let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8View));
        assert!(same_type(&dictionary, &DataType::LargeUtf8));
        assert!(!same_type(&DataType::Utf8, &DataType::Binary));
    }
}
