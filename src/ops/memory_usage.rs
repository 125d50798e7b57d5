//! How many bytes the columns take.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, OffsetSizeTrait, RecordBatch, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::ScanOp;
use super::totals::Totals;
use crate::base::{Identity, Result, Tokenizer};
use crate::expr::Portable;
use crate::io::Batch;
use crate::plan::node::only;
use crate::plan::{Footprint, Op, Plan, Relation, Shape};

/// The bytes of each column, decoded: a row a column, with its name (`column`) and its size (`bytes`).
///
/// Numbers and times take the width of their type, missing ones too, and booleans a byte each (as in pandas). Texts take
/// the bytes of their UTF-8 and the four or eight of the offset to where they end, whether they are held whole, as views
/// or by a dictionary; lists the offset and what is in them. Bitmaps of what is missing are not counted. So the sizes do
/// not depend on how the rows are partitioned or held. Columns of a fixed width are not read.
#[derive(Debug, Clone)]
pub struct MemoryUsage {
    /// The columns and the bytes of a row where they are the same for all.
    columns: Arc<[(String, Option<u64>)]>,
}

impl MemoryUsage {
    /// The bytes of the columns of this schema.
    pub fn new(schema: &Schema) -> MemoryUsage {
        MemoryUsage { columns: schema.fields().iter().map(|f| (f.name().clone(), width(f.data_type()))).collect() }
    }

    /// What the portable form says.
    pub(super) fn of(columns: Vec<(String, Option<u64>)>) -> MemoryUsage {
        MemoryUsage { columns: columns.into() }
    }

    /// The result, from the sizes of the columns.
    fn rows(&self, bytes: impl IntoIterator<Item = u64>) -> Result<Batch> {
        let names: StringArray = self.columns.iter().map(|(name, _)| Some(name)).collect();
        let bytes: Int64Array = bytes.into_iter().map(|b| Some(b as i64)).collect();
        Ok(Batch::new(RecordBatch::try_new(self.schema(&[])?, vec![Arc::new(names), Arc::new(bytes)])?, 0, 0))
    }
}

impl fmt::Display for MemoryUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "memory_usage of {} columns", self.columns.len())
    }
}

impl Identity for MemoryUsage {
    fn token(&self, t: &mut Tokenizer) {
        t.str("memory_usage");
        t.debug(&self.columns);
    }
}

impl Op for MemoryUsage {
    fn name(&self) -> &'static str {
        "memory_usage"
    }

    fn schema(&self, _inputs: &[SchemaRef]) -> Result<SchemaRef> {
        Ok(Arc::new(Schema::new(vec![
            Field::new("column", DataType::Utf8, false),
            Field::new("bytes", DataType::Int64, false),
        ])))
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let fixed: Option<Vec<u64>> = self.columns.iter().map(|(_, width)| *width).collect();
        if let (Some(fixed), Some(rows)) = (fixed, only(inputs)?.known_rows()) {
            let rows: u64 = rows.iter().sum();
            let sizes = self.rows(fixed.into_iter().map(|width| width * rows))?;
            return Ok(Shape::Rewrite(ScanOp::values(self.schema(&[])?, vec![sizes])?));
        }
        let (columns, op) = (self.columns.clone(), self.clone());
        let add = move |batch: &Batch, totals: &mut [u64]| {
            for ((name, width), total) in columns.iter().zip(totals) {
                *total += match (width, batch.record.column_by_name(name)) {
                    (Some(width), _) => width * batch.rows() as u64,
                    (None, Some(column)) => bytes_of(column)?,
                    (None, None) => 0,
                };
            }
            Ok(())
        };
        Ok(Totals::shape(self.columns.len(), add, move |totals| op.rows(totals.iter().copied())))
    }

    fn columns_needed(&self, _wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let input = inputs.first()?;
        let measured = self.columns.iter().filter(|(_, width)| width.is_none());
        Some(vec![measured.filter_map(|(name, _)| input.index_of(name).ok()).collect()])
    }

    fn footprint(&self) -> Footprint {
        Footprint::Holds("a number for each column".into())
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("memory_usage", &self.columns.to_vec())
    }

    fn relation(&self, _inputs: &[Plan]) -> Option<Relation> {
        Some(Relation::Totals)
    }
}

/// The bytes of a value, where they are the same for all values of the type.
pub(in crate::ops) fn width(data_type: &DataType) -> Option<u64> {
    match data_type {
        DataType::Null => Some(0),
        DataType::Boolean => Some(1),
        DataType::FixedSizeBinary(n) => Some(*n as u64),
        DataType::FixedSizeList(item, n) => Some(width(item.data_type())? * *n as u64),
        DataType::Struct(fields) => fields.iter().map(|f| width(f.data_type())).sum(),
        other => other.primitive_width().map(|n| n as u64),
    }
}

/// The bytes of the values of an array.
pub(in crate::ops) fn bytes_of(array: &ArrayRef) -> Result<u64> {
    let rows = array.len() as u64;
    if let Some(width) = width(array.data_type()) {
        return Ok(width * rows);
    }
    Ok(match array.data_type() {
        DataType::Utf8 => 4 * rows + spanned(array.as_string::<i32>().offsets()),
        DataType::LargeUtf8 => 8 * rows + spanned(array.as_string::<i64>().offsets()),
        DataType::Binary => 4 * rows + spanned(array.as_binary::<i32>().offsets()),
        DataType::LargeBinary => 8 * rows + spanned(array.as_binary::<i64>().offsets()),
        DataType::Utf8View => 4 * rows + array.as_string_view().lengths().map(u64::from).sum::<u64>(),
        DataType::BinaryView => 4 * rows + array.as_binary_view().lengths().map(u64::from).sum::<u64>(),
        DataType::Dictionary(_, value) => bytes_of(&cast(array, value)?)?,
        DataType::Struct(_) => array.as_struct().columns().iter().map(bytes_of).sum::<Result<u64>>()?,
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            4 * rows + within(list.values(), list.offsets())?
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            8 * rows + within(list.values(), list.offsets())?
        }
        DataType::FixedSizeList(..) => bytes_of(array.as_fixed_size_list().values())?,
        _ => array.to_data().get_slice_memory_size()? as u64,
    })
}

/// From the first to the last offset.
fn spanned<O: OffsetSizeTrait>(offsets: &OffsetBuffer<O>) -> u64 {
    (offsets.last().as_usize() - offsets.first().as_usize()) as u64
}

/// The bytes of the values between the first and the last offset.
fn within<O: OffsetSizeTrait>(values: &ArrayRef, offsets: &OffsetBuffer<O>) -> Result<u64> {
    bytes_of(&values.slice(offsets.first().as_usize(), spanned(offsets) as usize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{DictionaryArray, ListArray, StringViewArray, TimestampMicrosecondArray};
    use arrow::datatypes::Int32Type;

    #[test]
    fn texts_take_their_bytes_however_they_are_held() {
        let texts = [Some("a"), None, Some("fünf"), Some("longer than what a view has room for")];
        let length: usize = texts.iter().flatten().map(|t| t.len()).sum();
        let whole: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
        let views: ArrayRef = Arc::new(StringViewArray::from(texts.to_vec()));
        let coded: ArrayRef = Arc::new(texts.into_iter().collect::<DictionaryArray<Int32Type>>());
        for array in [whole, views, coded] {
            assert_eq!(bytes_of(&array).unwrap(), 4 * 4 + length as u64);
            let parts = bytes_of(&array.slice(0, 1)).unwrap() + bytes_of(&array.slice(1, 3)).unwrap();
            assert_eq!(parts, 4 * 4 + length as u64);
        }
    }

    #[test]
    fn other_types_take_their_width() {
        let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![Some(1), None, Some(3)]));
        assert_eq!(bytes_of(&times).unwrap(), 24);
        let lists = [Some(vec![Some(1), None]), None, Some(vec![Some(4); 5])];
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists));
        assert_eq!(bytes_of(&lists).unwrap(), 3 * 4 + 7 * 4);
        assert_eq!(bytes_of(&lists.slice(1, 2)).unwrap(), 2 * 4 + 5 * 4);
        assert_eq!((width(&DataType::Boolean), width(&DataType::Utf8)), (Some(1), None));
    }
}
