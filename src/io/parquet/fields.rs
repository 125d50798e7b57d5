//! Structs of which only some fields are read: which leaves these are, and the structs made whole again. Pure.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StructArray, new_null_array};
use arrow::datatypes::{DataType, Field, Fields};

use crate::base::Result;

/// For each leaf below a column, in their order, whether it is needed when only the fields at `paths` are looked at.
/// Fields that cannot be null are needed always, since nothing could stand for them.
pub fn needed(data_type: &DataType, paths: &[&[Arc<str>]]) -> Vec<bool> {
    let mut found = Vec::new();
    mark(data_type, paths, &mut found);
    found
}

fn mark(data_type: &DataType, paths: &[&[Arc<str>]], found: &mut Vec<bool>) {
    let whole = paths.iter().any(|path| path.is_empty());
    match data_type {
        DataType::Struct(fields) if !whole && names_differ(fields) => {
            for field in fields {
                let inner: Vec<&[Arc<str>]> =
                    paths.iter().filter(|path| *path[0] == **field.name()).map(|path| &path[1..]).collect();
                match (inner.is_empty(), field.is_nullable()) {
                    (true, true) => found.extend(vec![false; leaves(field.data_type())]),
                    (true, false) => found.extend(vec![true; leaves(field.data_type())]),
                    (false, _) => mark(field.data_type(), &inner, found),
                }
            }
        }
        other => found.extend(vec![true; leaves(other)]),
    }
}

fn names_differ(fields: &Fields) -> bool {
    let mut names: Vec<&String> = fields.iter().map(|f| f.name()).collect();
    names.sort_unstable();
    names.windows(2).all(|pair| pair[0] != pair[1])
}

/// How many leaves a type has.
fn leaves(data_type: &DataType) -> usize {
    use DataType::{FixedSizeList, LargeList, LargeListView, List, ListView, Map, Struct};
    match data_type {
        Struct(fields) => fields.iter().map(|f| leaves(f.data_type())).sum(),
        List(item) | LargeList(item) | ListView(item) | LargeListView(item) => leaves(item.data_type()),
        FixedSizeList(item, _) | Map(item, _) => leaves(item.data_type()),
        _ => 1,
    }
}

/// The column with the fields that were not read, as nulls.
///
/// # Errors
/// When it is not a part of such structs.
pub fn made_whole(column: &ArrayRef, field: &Field) -> Result<ArrayRef> {
    let (DataType::Struct(fields), Some(read)) = (field.data_type(), column.as_struct_opt()) else {
        return Ok(column.clone());
    };
    if column.data_type() == field.data_type() {
        return Ok(column.clone());
    }
    let columns = fields.iter().map(|inner| match read.column_by_name(inner.name()) {
        Some(column) => made_whole(column, inner),
        None => Ok(new_null_array(inner.data_type(), read.len())),
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), columns, read.nulls().cloned(), read.len())?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Int32Array;

    use crate::expr::fns::struct_field::Path;

    fn structs() -> DataType {
        let field = |name: &str, to: DataType, nullable| Field::new(name, to, nullable);
        let inner = Fields::from(vec![field("x", DataType::Int32, true), field("y", DataType::Int32, true)]);
        let list = DataType::List(Arc::new(field("item", DataType::Struct(inner.clone()), true)));
        DataType::Struct(Fields::from(vec![
            field("a", DataType::Int32, true),
            field("inner", DataType::Struct(inner), true),
            field("id", DataType::Int32, false),
            field("list", list, true),
        ]))
    }

    fn asked(paths: &[&str]) -> Vec<u8> {
        let paths: Vec<Path> =
            paths.iter().map(|p| p.split('.').filter(|n| !n.is_empty()).map(Arc::from).collect()).collect();
        let paths: Vec<&[Arc<str>]> = paths.iter().map(Vec::as_slice).collect();
        needed(&structs(), &paths).into_iter().map(u8::from).collect()
    }

    #[test]
    fn leaves_are_those_of_the_paths() {
        assert_eq!(asked(&["a"]), [1, 0, 0, 1, 0, 0]);
        assert_eq!(asked(&["inner.y"]), [0, 0, 1, 1, 0, 0]);
        assert_eq!(asked(&["inner", "inner.y"]), [0, 1, 1, 1, 0, 0]);
        assert_eq!(asked(&["list"]), [0, 0, 0, 1, 1, 1]);
        assert_eq!(asked(&[""]), [1; 6]);
    }

    #[test]
    fn what_was_not_read_is_null() {
        let x: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
        let read = StructArray::try_from(vec![("id", x.clone())]).unwrap();
        let whole = made_whole(&(Arc::new(read) as ArrayRef), &Field::new("s", structs(), true)).unwrap();
        assert_eq!(whole.data_type(), &structs());
        assert_eq!((whole.as_struct().column(2), whole.as_struct().column(0).null_count()), (&x, 2));
    }
}
