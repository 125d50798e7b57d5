//! Which columns of a file are read, and what is made of them.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};

use super::fields::{made_whole, needed};
use super::footer::Footer;
use crate::base::Result;
use crate::expr::fns::cast::convert;
use crate::io::Scan;
use crate::io::files::Columns;

/// Which columns are read of a file, and what is made of them.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The columns.
    pub columns: Columns,
    /// The leaves of those that are read.
    pub mask: ProjectionMask,
    /// At most so many rows are read.
    pub limit: u64,
}

impl Wanted {
    /// What `scan` wants of a file that has the columns of `schema` at `places`.
    pub fn new(scan: &Scan, schema: &SchemaRef, places: &[Option<usize>], footer: &Footer) -> Wanted {
        let columns = Columns::new(scan, schema, places);
        let mask = mask_of(scan, schema, places, footer, &columns.read);
        let limit = scan.limit.map_or(u64::MAX, |l| l as u64);
        Wanted { columns, mask, limit }
    }

    /// The same with the columns at these places in the file as codes.
    #[must_use]
    pub fn with_codes(mut self, coded: &[usize], footer: &Footer) -> Wanted {
        let Columns { schema, read, from } = &mut self.columns;
        let fields = schema.fields().iter().zip(&*from).map(|(field, from)| {
            match from.and_then(|k| read.get(k)).filter(|root| coded.contains(root)) {
                Some(&root) => {
                    let data_type = footer.reader.schema().field(root).data_type().clone();
                    Arc::new(field.as_ref().clone().with_data_type(data_type))
                }
                None => field.clone(),
            }
        });
        let fields: Vec<_> = fields.collect();
        *schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
        self
    }

    /// The columns of a row group that are read, below structs and lists.
    pub fn leaves<'a>(&self, group: &'a RowGroupMetaData) -> impl Iterator<Item = (usize, &'a ColumnChunkMetaData)> {
        group.columns().iter().enumerate().filter(|(leaf, _)| self.mask.leaf_included(*leaf))
    }

    /// About how many bytes a row of the columns that are read takes.
    pub fn row_bytes(&self, group: &RowGroupMetaData) -> u64 {
        let bytes: i64 =
            self.leaves(group).map(|(_, column)| column.uncompressed_size().max(0)).fold(0, i64::saturating_add);
        bytes.max(0) as u64 / group.num_rows().max(1) as u64
    }

    /// The columns wanted, from those read.
    pub fn assemble(&self, read: &RecordBatch) -> Result<RecordBatch> {
        self.columns.assemble_by(read, |column, field| widen(&made_whole(column, field)?, field.data_type()))
    }
}

/// The leaves of these columns, but for fields of structs that nobody looks at.
fn mask_of(
    scan: &Scan,
    schema: &SchemaRef,
    places: &[Option<usize>],
    footer: &Footer,
    roots: &[usize],
) -> ProjectionMask {
    let descriptor = footer.reader.parquet_schema();
    let mut left_out = Vec::new();
    for (column, paths) in &scan.fields {
        let Some(root) = places.get(*column).copied().flatten() else { continue };
        let stored = footer.reader.schema().field(root).data_type();
        // what is converted is converted whole
        if stored != schema.field(*column).data_type() {
            continue;
        }
        let paths: Vec<&[Arc<str>]> = paths.iter().map(Vec::as_slice).collect();
        let leaves = (0..descriptor.num_columns()).filter(|&leaf| descriptor.get_column_root_idx(leaf) == root);
        left_out.extend(leaves.zip(needed(stored, &paths)).filter(|(_, needed)| !needed).map(|(leaf, _)| leaf));
    }
    if left_out.is_empty() {
        return ProjectionMask::roots(descriptor, roots.iter().copied());
    }
    let read =
        |leaf: &usize| roots.binary_search(&descriptor.get_column_root_idx(*leaf)).is_ok() && !left_out.contains(leaf);
    ProjectionMask::leaves(descriptor, (0..descriptor.num_columns()).filter(read))
}

/// The column in the type that all files share. Null stays null.
fn widen(column: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if column.data_type() == to {
        return Ok(column.clone());
    }
    if to.is_integer() && column.logical_null_count() > 0 && !column.data_type().is_null() {
        // a conversion that was asked for: only values that are there are checked
        let options = arrow::compute::CastOptions { safe: false, ..Default::default() };
        return Ok(arrow::compute::cast_with_options(column, to, &options)?);
    }
    convert(column, to)
}
