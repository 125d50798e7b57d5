//! How a frame that is not computed is shown, and a table turned on its side.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use comfy_table::presets;

use super::table::short;
use super::{DataFrame, Table};
use crate::base::{Error, ErrorKind, Result};
use crate::expr::coerce::meet_types;
use crate::expr::fns::cast::convert;

impl fmt::Display for DataFrame {
    /// The structure: partitions, columns, types, and the last operation.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_header(["column", "type", "nulls"]);
        for field in self.schema().fields() {
            let nulls = if field.is_nullable() { "yes" } else { "no" };
            table.add_row([field.name().as_str(), &short(field.data_type()), nulls]);
        }
        let partitions = match self.npartitions() {
            Ok(1) => "1 partition".to_string(),
            Ok(n) => format!("{n} partitions"),
            Err(_) => "unknown partitions".to_string(),
        };
        let rows = match self.plan.known_rows() {
            Some(rows) => format!(", {} rows", rows.iter().sum::<u64>()),
            None => String::new(),
        };
        let columns = self.schema().fields().len();
        writeln!(f, "DataFrame: {columns} columns, {partitions}{rows} (not computed)")?;
        writeln!(f, "{table}")?;
        write!(f, "by: {}", self.plan.op())
    }
}

impl fmt::Debug for DataFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// See [`Table::transpose`].
pub(super) fn transpose(table: &Table) -> Result<Table> {
    let batch = table.to_batch()?;
    let schema = batch.schema();
    let named = schema.fields().first().is_some_and(|f| crate::base::schema::logical(f.data_type()) == DataType::Utf8);
    let skip = usize::from(named);
    let names: Vec<String> = match named {
        false => (0..batch.num_rows()).map(|i| i.to_string()).collect(),
        true => {
            let options = FormatOptions::default();
            let texts = ArrayFormatter::try_new(batch.column(0).as_ref(), &options)?;
            (0..batch.num_rows()).map(|i| texts.value(i).to_string()).collect()
        }
    };
    let mut met = DataType::Null;
    for field in schema.fields().iter().skip(skip) {
        met = meet_types(&met, field.data_type()).ok_or_else(|| {
            Error::types(format!("`{}`, a {}, does not go together with {met}", field.name(), field.data_type()))
        })?;
    }
    let columns: Vec<ArrayRef> =
        batch.columns().iter().skip(skip).map(|c| convert(c, &met)).collect::<Result<Vec<_>>>()?;
    let refs: Vec<&dyn arrow::array::Array> = columns.iter().map(AsRef::as_ref).collect();
    let mut fields = vec![Field::new("column", DataType::Utf8, false)];
    let mut out: Vec<ArrayRef> =
        vec![Arc::new(schema.fields().iter().skip(skip).map(|f| Some(f.name().as_str())).collect::<StringArray>())];
    for (row, name) in names.iter().enumerate() {
        if fields.iter().any(|f| f.name() == name) {
            let what = format!("two rows are called `{name}`");
            return Err(Error::new(ErrorKind::Schema { what }));
        }
        fields.push(Field::new(name, met.clone(), true));
        let indices: Vec<(usize, usize)> = (0..refs.len()).map(|c| (c, row)).collect();
        out.push(interleave(&refs, &indices)?);
    }
    let schema = Arc::new(Schema::new(fields));
    Ok(Table::new(schema.clone(), vec![RecordBatch::try_new(schema, out)?]))
}
