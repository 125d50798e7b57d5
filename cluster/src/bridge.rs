//! Columns between the version of Arrow that the frames have and the one that DataFusion has, without copying them.
//!
//! Both versions lay columns out in the same way, so a buffer of one is handed to the other as bytes that keep their owner
//! alive. The other version checks what it is given as it would check a file.

use std::collections::HashMap;

/// Types, fields, schemas, columns and batches of one version as those of the other.
macro_rules! bridge {
    ($direction:ident, $what:literal, $from:path, $to:path) => {
        #[doc = $what]
        pub mod $direction {
            use std::sync::Arc;

            use $from as from;
            use $to as to;

            use from::array::Array as _;

            use super::metadata;

            /// A type.
            ///
            /// # Errors
            /// For unions, which frames do not have.
            pub fn data_type(given: &from::datatypes::DataType) -> partita::Result<to::datatypes::DataType> {
                use from::datatypes::DataType as A;
                use to::datatypes::DataType as B;
                let of = |f: &from::datatypes::FieldRef| Ok::<_, partita::Error>(Arc::new(field(f)?));
                Ok(match given {
                    A::Null => B::Null,
                    A::Boolean => B::Boolean,
                    A::Int8 => B::Int8,
                    A::Int16 => B::Int16,
                    A::Int32 => B::Int32,
                    A::Int64 => B::Int64,
                    A::UInt8 => B::UInt8,
                    A::UInt16 => B::UInt16,
                    A::UInt32 => B::UInt32,
                    A::UInt64 => B::UInt64,
                    A::Float16 => B::Float16,
                    A::Float32 => B::Float32,
                    A::Float64 => B::Float64,
                    A::Timestamp(u, zone) => B::Timestamp(unit(u), zone.clone()),
                    A::Date32 => B::Date32,
                    A::Date64 => B::Date64,
                    A::Time32(u) => B::Time32(unit(u)),
                    A::Time64(u) => B::Time64(unit(u)),
                    A::Duration(u) => B::Duration(unit(u)),
                    A::Interval(from::datatypes::IntervalUnit::YearMonth) => {
                        B::Interval(to::datatypes::IntervalUnit::YearMonth)
                    }
                    A::Interval(from::datatypes::IntervalUnit::DayTime) => {
                        B::Interval(to::datatypes::IntervalUnit::DayTime)
                    }
                    A::Interval(from::datatypes::IntervalUnit::MonthDayNano) => {
                        B::Interval(to::datatypes::IntervalUnit::MonthDayNano)
                    }
                    A::Binary => B::Binary,
                    A::FixedSizeBinary(n) => B::FixedSizeBinary(*n),
                    A::LargeBinary => B::LargeBinary,
                    A::BinaryView => B::BinaryView,
                    A::Utf8 => B::Utf8,
                    A::LargeUtf8 => B::LargeUtf8,
                    A::Utf8View => B::Utf8View,
                    A::List(f) => B::List(of(f)?),
                    A::ListView(f) => B::ListView(of(f)?),
                    A::FixedSizeList(f, n) => B::FixedSizeList(of(f)?, *n),
                    A::LargeList(f) => B::LargeList(of(f)?),
                    A::LargeListView(f) => B::LargeListView(of(f)?),
                    A::Struct(fields) => B::Struct(fields.iter().map(of).collect::<partita::Result<_>>()?),
                    A::Dictionary(k, v) => B::Dictionary(Box::new(data_type(k)?), Box::new(data_type(v)?)),
                    A::Decimal32(p, s) => B::Decimal32(*p, *s),
                    A::Decimal64(p, s) => B::Decimal64(*p, *s),
                    A::Decimal128(p, s) => B::Decimal128(*p, *s),
                    A::Decimal256(p, s) => B::Decimal256(*p, *s),
                    A::Map(f, sorted) => B::Map(of(f)?, *sorted),
                    A::RunEndEncoded(ends, values) => B::RunEndEncoded(of(ends)?, of(values)?),
                    other => return Err(partita::Error::unsupported(format!("a column of type {other} on a cluster"))),
                })
            }

            fn unit(given: &from::datatypes::TimeUnit) -> to::datatypes::TimeUnit {
                match given {
                    from::datatypes::TimeUnit::Second => to::datatypes::TimeUnit::Second,
                    from::datatypes::TimeUnit::Millisecond => to::datatypes::TimeUnit::Millisecond,
                    from::datatypes::TimeUnit::Microsecond => to::datatypes::TimeUnit::Microsecond,
                    from::datatypes::TimeUnit::Nanosecond => to::datatypes::TimeUnit::Nanosecond,
                }
            }

            /// A field.
            ///
            /// # Errors
            /// As [`data_type`].
            pub fn field(given: &from::datatypes::Field) -> partita::Result<to::datatypes::Field> {
                let made = to::datatypes::Field::new(given.name(), data_type(given.data_type())?, given.is_nullable());
                Ok(made.with_metadata(metadata(given.metadata())))
            }

            /// The columns of a table.
            ///
            /// # Errors
            /// As [`data_type`].
            pub fn schema(given: &from::datatypes::Schema) -> partita::Result<to::datatypes::SchemaRef> {
                let fields = given.fields().iter().map(|f| field(f)).collect::<partita::Result<Vec<_>>>()?;
                Ok(Arc::new(to::datatypes::Schema::new_with_metadata(fields, metadata(given.metadata()))))
            }

            struct Owned(from::buffer::Buffer);

            impl AsRef<[u8]> for Owned {
                fn as_ref(&self) -> &[u8] {
                    self.0.as_slice()
                }
            }

            fn buffer(given: &from::buffer::Buffer) -> to::buffer::Buffer {
                if given.is_empty() {
                    // nothing has no address, and the address of nothing may not be aligned
                    return to::buffer::Buffer::from_vec(Vec::<u128>::new());
                }
                to::buffer::Buffer::from(bytes::Bytes::from_owner(Owned(given.clone())))
            }

            fn data(given: &from::array::ArrayData) -> partita::Result<to::array::ArrayData> {
                let nulls = given.nulls().map(|n| {
                    let bits = to::buffer::BooleanBuffer::new(buffer(n.buffer()), n.offset(), n.len());
                    to::buffer::NullBuffer::new(bits)
                });
                let built = to::array::ArrayData::builder(data_type(given.data_type())?)
                    .len(given.len())
                    .offset(given.offset())
                    .nulls(nulls)
                    .buffers(given.buffers().iter().map(buffer).collect())
                    .child_data(given.child_data().iter().map(data).collect::<partita::Result<_>>()?)
                    .align_buffers(true)
                    .build();
                built.map_err(partita::Error::other)
            }

            /// A column.
            ///
            /// # Errors
            /// As [`data_type`].
            pub fn array(given: &from::array::ArrayRef) -> partita::Result<to::array::ArrayRef> {
                Ok(to::array::make_array(data(&given.to_data())?))
            }

            /// Columns.
            ///
            /// # Errors
            /// As [`data_type`].
            pub fn arrays(given: &[from::array::ArrayRef]) -> partita::Result<Vec<to::array::ArrayRef>> {
                given.iter().map(array).collect()
            }

            /// A batch whose columns have the types of `schema`.
            ///
            /// # Errors
            /// As [`data_type`]; when the columns have other types.
            pub fn record(
                given: &from::array::RecordBatch,
                schema: &to::datatypes::SchemaRef,
            ) -> partita::Result<to::array::RecordBatch> {
                let options = to::array::RecordBatchOptions::new().with_row_count(Some(given.num_rows()));
                let columns = arrays(given.columns())?;
                let made = to::array::RecordBatch::try_new_with_options(schema.clone(), columns, &options);
                made.map_err(partita::Error::other)
            }
        }
    };
}

bridge!(to_theirs, "From frames to DataFusion.", partita::arrow, datafusion::arrow);
bridge!(to_ours, "From DataFusion to frames.", datafusion::arrow, partita::arrow);

/// One version has a type of its own for metadata, made of what the other has.
fn metadata<'a>(given: impl IntoIterator<Item = (&'a String, &'a String)>) -> HashMap<String, String> {
    given.into_iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use partita::arrow::array::{
        Array, ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, ListArray, NullArray, StringArray,
        StringViewArray, StructArray, TimestampMicrosecondArray, new_empty_array,
    };
    use partita::arrow::datatypes::{DataType, Field, Int32Type};

    use super::*;

    #[test]
    fn columns_go_there_and_back_without_being_copied() {
        let text = || Arc::new(StringArray::from(vec![Some("a"), None, Some("ä long text, longer than twelve bytes")]));
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None, Some(vec![])]);
        let field = Arc::new(Field::new("t", DataType::Utf8, true));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Float64Array::from(vec![Some(f64::NAN), None, Some(-0.0)])),
            Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
            Arc::new(TimestampMicrosecondArray::from(vec![1, 2, 3]).with_timezone("Europe/Paris")),
            text(),
            Arc::new(StringViewArray::from(vec![Some("a"), None, Some("longer than twelve bytes")])),
            Arc::new(DictionaryArray::<Int32Type>::from_iter([Some("x"), None, Some("x")])),
            Arc::new(list),
            Arc::new(StructArray::from(vec![(field, text() as ArrayRef)])),
            Arc::new(NullArray::new(3)),
        ];
        for column in &columns {
            for part in [column.clone(), column.slice(1, 2), column.slice(3, 0)] {
                let there = to_theirs::array(&part).unwrap();
                assert_eq!(to_ours::array(&there).unwrap().to_data(), part.to_data());
            }
        }
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
        let there = to_theirs::array(&numbers).unwrap();
        assert_eq!(there.to_data().buffers()[0].as_ptr(), numbers.to_data().buffers()[0].as_ptr());
        let empty = new_empty_array(&DataType::Int64);
        assert_eq!(to_ours::array(&to_theirs::array(&empty).unwrap()).unwrap().len(), 0);
    }
}
