//! The Arrow types in which the columns of a file are decoded.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, TimeUnit};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::Type;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::schema::types::SchemaDescriptor;

/// Gives columns types that do not depend on the writer's layout: strings and bytes in one layout, so that files agree and
/// nothing is converted per batch; INT96 as microseconds, as Spark and DuckDB have it, since its days reach beyond what
/// nanoseconds can count.
///
/// # Errors
/// When the file has types that Arrow has not.
pub fn read_as(metadata: ParquetMetaData) -> Result<ArrowReaderMetadata, ParquetError> {
    let metadata = Arc::new(metadata);
    // the Arrow schema that a writer noted is a hint; a file must not be lost for a wrong one
    let reader = ArrowReaderMetadata::try_new(metadata.clone(), ArrowReaderOptions::new()).or_else(|_| {
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        ArrowReaderMetadata::try_new(metadata.clone(), options)
    })?;
    let mut leaves = Leaves { schema: reader.parquet_schema(), next: 0 };
    let fields: Fields = reader.schema().fields().iter().map(|f| leaves.field(f)).collect();
    if fields == *reader.schema().fields() {
        return Ok(reader);
    }
    let schema = Arc::new(Schema::new_with_metadata(fields, reader.schema().metadata().clone()));
    Ok(ArrowReaderMetadata::try_new(metadata, ArrowReaderOptions::new().with_schema(schema)).unwrap_or(reader))
}

/// The leaves of a file, in the order in which the types of Arrow have theirs.
struct Leaves<'a> {
    schema: &'a SchemaDescriptor,
    next: usize,
}

impl Leaves<'_> {
    fn field(&mut self, field: &FieldRef) -> FieldRef {
        let data_type = self.data_type(field.data_type());
        if data_type == *field.data_type() {
            return field.clone();
        }
        Arc::new(Field::new(field.name(), data_type, field.is_nullable()).with_metadata(field.metadata().clone()))
    }

    fn data_type(&mut self, data_type: &DataType) -> DataType {
        match data_type {
            DataType::List(item) => DataType::List(self.field(item)),
            DataType::LargeList(item) => DataType::LargeList(self.field(item)),
            DataType::ListView(item) => DataType::ListView(self.field(item)),
            DataType::LargeListView(item) => DataType::LargeListView(self.field(item)),
            DataType::FixedSizeList(item, size) => DataType::FixedSizeList(self.field(item), *size),
            DataType::Struct(fields) => DataType::Struct(fields.iter().map(|f| self.field(f)).collect()),
            DataType::Map(entries, sorted) => DataType::Map(self.field(entries), *sorted),
            leaf => {
                let place = self.next;
                self.next += 1;
                let int96 = |i| i < self.schema.num_columns() && self.schema.column(i).physical_type() == Type::INT96;
                plain(leaf, int96(place))
            }
        }
    }
}

fn plain(leaf: &DataType, int96: bool) -> DataType {
    match leaf {
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView => DataType::Binary,
        DataType::Dictionary(_, value) => plain(value, int96),
        DataType::Timestamp(_, zone) if int96 => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
        other => other.clone(),
    }
}
