//! From the columns of a file to those that are wanted.

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::{FieldRef, SchemaRef};

use crate::base::Result;
use crate::expr::fns::cast::convert;
use crate::io::Scan;

/// Which columns are read of a file, and what is made of them.
#[derive(Clone, Debug)]
pub struct Columns {
    /// The columns that come out.
    pub schema: SchemaRef,
    /// The columns that are read, by their positions in the file, rising.
    pub read: Vec<usize>,
    /// For each column that comes out: its position among those that are read, if the file has it.
    pub from: Vec<Option<usize>>,
}

impl Columns {
    /// What `scan` wants of a file that has the columns of `schema` at `places`.
    pub fn new(scan: &Scan, schema: &SchemaRef, places: &[Option<usize>]) -> Columns {
        let wanted: Vec<usize> = match &scan.projection {
            None => (0..places.len()).collect(),
            Some(keep) => keep.to_vec(),
        };
        let place = |c: &usize| places.get(*c).copied().flatten();
        let mut read: Vec<usize> = wanted.iter().filter_map(place).collect();
        read.sort_unstable();
        read.dedup();
        let from = wanted.iter().map(|c| read.binary_search(&place(c)?).ok()).collect();
        Columns { schema: scan.project(schema), read, from }
    }

    /// The columns that are wanted, from those that were read.
    ///
    /// # Errors
    /// `Value` for a value that has no counterpart in the type that all files share.
    pub fn assemble(&self, record: &RecordBatch) -> Result<RecordBatch> {
        self.assemble_by(record, |column, field| convert(column, field.data_type()))
    }

    /// The columns that are wanted, from those that were read: each is made what its field says.
    ///
    /// # Errors
    /// Those of `made`, with the column.
    pub fn assemble_by(
        &self,
        record: &RecordBatch,
        made: impl Fn(&ArrayRef, &FieldRef) -> Result<ArrayRef>,
    ) -> Result<RecordBatch> {
        let rows = record.num_rows();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.from.len());
        for (field, from) in self.schema.fields().iter().zip(&self.from) {
            columns.push(match from {
                None => new_null_array(field.data_type(), rows),
                Some(at) => made(record.column(*at), field).map_err(|e| e.at_column(field.name()))?,
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }
}
