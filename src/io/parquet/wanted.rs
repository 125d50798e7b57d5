//! Which columns of a file are read, and what is made of them.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};

use super::fields::{made_whole, needed};
use super::footer::Footer;
use crate::base::Result;
use crate::expr::fns::cast::convert;
use crate::io::Scan;

/// Which columns are read of a file, and what is made of them.
#[derive(Clone, Debug)]
pub struct Wanted {
    schema: SchemaRef,
    /// For each column that is wanted: the position among the columns read, if the file has it.
    from: Vec<Option<usize>>,
    /// The columns that are read, by their positions in the file, rising.
    pub roots: Vec<usize>,
    /// Their leaves.
    pub mask: ProjectionMask,
    /// At most so many rows are read.
    pub limit: u64,
}

impl Wanted {
    /// What `scan` wants of a file that has the columns of `schema` at `places`.
    pub fn new(scan: &Scan, schema: &SchemaRef, places: &[Option<usize>], footer: &Footer) -> Wanted {
        let columns: Vec<usize> = match &scan.projection {
            None => (0..places.len()).collect(),
            Some(keep) => keep.to_vec(),
        };
        let place = |c: &usize| places.get(*c).copied().flatten();
        let mut roots: Vec<usize> = columns.iter().filter_map(place).collect();
        roots.sort_unstable();
        roots.dedup();
        let from = columns.iter().map(|c| roots.binary_search(&place(c)?).ok()).collect();
        let mask = mask_of(scan, schema, places, footer, &roots);
        let limit = scan.limit.map_or(u64::MAX, |l| l as u64);
        Wanted { schema: scan.project(schema), from, roots, mask, limit }
    }

    /// The same with the columns at these places in the file as codes.
    #[must_use]
    pub fn with_codes(mut self, coded: &[usize], footer: &Footer) -> Wanted {
        let fields = self.schema.fields().iter().zip(&self.from).map(|(field, from)| {
            match from.and_then(|k| self.roots.get(k)).filter(|root| coded.contains(root)) {
                Some(&root) => {
                    let data_type = footer.reader.schema().field(root).data_type().clone();
                    Arc::new(field.as_ref().clone().with_data_type(data_type))
                }
                None => field.clone(),
            }
        });
        let fields: Vec<_> = fields.collect();
        self.schema = Arc::new(Schema::new_with_metadata(fields, self.schema.metadata().clone()));
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
        let rows = read.num_rows();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.from.len());
        for (field, from) in self.schema.fields().iter().zip(&self.from) {
            columns.push(match from {
                None => new_null_array(field.data_type(), rows),
                Some(k) => made_whole(read.column(*k), field)
                    .and_then(|column| widen(&column, field.data_type()))
                    .map_err(|e| e.at_column(field.name()))?,
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
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
