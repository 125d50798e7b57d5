//! A result, and how it is shown.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Float64Type, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use comfy_table::{CellAlignment, ContentArrangement, presets};

use crate::base::schema::index_of;
use crate::base::{Error, Result};
use crate::exec::Reservation;
use crate::expr::{Expr, Program, Scalar, col};

/// Rows in memory: what [`DataFrame::compute`](super::DataFrame::compute) gives. Printed, it shows its first and last
/// rows.
#[derive(Clone, Debug)]
pub struct Table {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    /// The memory that is spoken for by them, until the last handle is gone.
    _held: Option<Arc<Reservation>>,
}

/// Rows and columns shown before some are left out.
const SHOWN_ROWS: usize = 10;
const SHOWN_COLUMNS: usize = 16;
/// Letters of a value; what is longer is cut, as in pandas.
const SHOWN_LETTERS: usize = 50;

impl Table {
    /// A table of batches with this schema.
    pub fn new(schema: SchemaRef, batches: Vec<RecordBatch>) -> Table {
        Table { schema, batches, _held: None }
    }

    /// A table whose memory is reserved.
    pub(crate) fn held(schema: SchemaRef, batches: Vec<RecordBatch>, held: Reservation) -> Table {
        Table { schema, batches, _held: Some(Arc::new(held)) }
    }

    /// The columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The number of rows.
    pub fn num_rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// The number of columns.
    pub fn num_columns(&self) -> usize {
        self.schema.fields().len()
    }

    /// The rows as record batches.
    pub fn batches(&self) -> &[RecordBatch] {
        &self.batches
    }

    /// The rows as record batches, which no longer count against the memory limit.
    pub fn into_batches(self) -> Vec<RecordBatch> {
        self.batches
    }

    /// All rows as one record batch.
    ///
    /// # Errors
    /// When a column would be larger than Arrow can hold.
    pub fn to_batch(&self) -> Result<RecordBatch> {
        Ok(concat_batches(&self.schema, &self.batches)?)
    }

    /// One column, whole.
    ///
    /// # Errors
    /// `UnknownColumn`.
    pub fn column(&self, name: &str) -> Result<ArrayRef> {
        let index = index_of(&self.schema, name)?;
        let parts: Vec<&dyn Array> = self.batches.iter().map(|b| b.column(index).as_ref()).collect();
        match parts.as_slice() {
            [] => Ok(arrow::array::new_empty_array(self.schema.field(index).data_type())),
            parts => Ok(arrow::compute::concat(parts)?),
        }
    }

    /// One column as floating numbers; null is `None`.
    ///
    /// # Errors
    /// `UnknownColumn`; when it does not convert to Float64.
    pub fn f64s(&self, name: &str) -> Result<Vec<Option<f64>>> {
        let column = crate::expr::fns::cast::convert(&self.column(name)?, &DataType::Float64)?;
        Ok(column.as_primitive::<Float64Type>().iter().collect())
    }

    /// One value.
    ///
    /// # Errors
    /// `UnknownColumn`; `Invalid` when there is no such row.
    pub fn value(&self, column: &str, row: usize) -> Result<Scalar> {
        let index = index_of(&self.schema, column)?;
        let mut left = row;
        for batch in &self.batches {
            if left < batch.num_rows() {
                return Ok(Scalar::of(batch.column(index), left));
            }
            left -= batch.num_rows();
        }
        Err(Error::invalid(format!("there is no row {row}: the table has {}", self.num_rows())))
    }

    /// Floating columns rounded to so many decimals, half to even as numpy rounds; the others as they are.
    ///
    /// # Errors
    /// Never in practice.
    pub fn round(&self, decimals: i32) -> Result<Table> {
        let program = Program::new(&rounded(&self.schema, decimals), &self.schema)?;
        let batches = self.batches.iter().map(|b| program.run(b)).collect::<Result<Vec<_>>>()?;
        Ok(Table::new(program.schema().clone(), batches))
    }

    /// Rows and columns exchanged: the values of `names` (the first column, when it is text, as after `describe`) become
    /// the names of the columns, and the names of the other columns become a column called `column`.
    ///
    /// # Errors
    /// `TypeMismatch` when the columns do not meet in one type, `Schema` when two rows have one name.
    pub fn transpose(&self) -> Result<Table> {
        super::structure::transpose(self)
    }

    /// The texts of the rows in `range`, a list for each column.
    fn texts(&self, column: usize, rows: &[usize]) -> Vec<String> {
        let options = FormatOptions::default().with_null("null");
        let mut texts = Vec::with_capacity(rows.len());
        for &row in rows {
            let mut left = row;
            for batch in &self.batches {
                if left < batch.num_rows() {
                    let array = batch.column(column);
                    let text = match ArrayFormatter::try_new(array.as_ref(), &options) {
                        Ok(formatter) => Clipped::of(&formatter.value(left)),
                        Err(_) => "?".to_string(),
                    };
                    texts.push(text);
                    break;
                }
                left -= batch.num_rows();
            }
        }
        texts
    }
}

/// All columns, the floating ones rounded.
pub(super) fn rounded(schema: &SchemaRef, decimals: i32) -> Vec<Expr> {
    let fields = schema.fields().iter();
    fields
        .map(|f| match f.data_type() {
            DataType::Float64 | DataType::Float32 => col(f.name()).round(decimals).alias(f.name()),
            _ => col(f.name()),
        })
        .collect()
}

/// The first letters of a text, which may be of any length.
struct Clipped {
    text: String,
    left: usize,
}

impl Clipped {
    fn of(value: &impl fmt::Display) -> String {
        let mut clipped = Clipped { text: String::new(), left: SHOWN_LETTERS };
        let whole = fmt::Write::write_fmt(&mut clipped, format_args!("{value}")).is_ok();
        if !whole && clipped.left == 0 {
            clipped.text.pop();
            clipped.text.push('…');
        }
        clipped.text
    }
}

impl fmt::Write for Clipped {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(letter);
        }
        Ok(())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, columns) = (self.num_rows(), self.num_columns());
        let half = SHOWN_ROWS / 2;
        let (shown, cut): (Vec<usize>, bool) = if rows <= SHOWN_ROWS + 2 {
            ((0..rows).collect(), false)
        } else {
            ((0..half).chain(rows - half..rows).collect(), true)
        };
        let picked: Vec<usize> = if columns <= SHOWN_COLUMNS {
            (0..columns).collect()
        } else {
            (0..SHOWN_COLUMNS / 2).chain(columns - SHOWN_COLUMNS / 2..columns).collect()
        };
        let mut table = comfy_table::Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
        let mut cells: Vec<Vec<String>> = Vec::new();
        for (k, &c) in picked.iter().enumerate() {
            if columns > SHOWN_COLUMNS && k == SHOWN_COLUMNS / 2 {
                cells.push(vec!["…".to_string(); shown.len() + usize::from(cut) + 1]);
            }
            let field = self.schema.field(c);
            let mut column = vec![format!("{}\n{}", field.name(), short(field.data_type()))];
            column.extend(self.texts(c, &shown));
            if cut {
                column.insert(1 + half, "…".to_string());
            }
            cells.push(column);
        }
        let row = |i: usize| cells.iter().map(|c| c.get(i).cloned().unwrap_or_default()).collect::<Vec<_>>();
        table.set_header(row(0));
        (1..=shown.len() + usize::from(cut)).for_each(|i| {
            table.add_row(row(i));
        });
        for (k, &c) in picked.iter().enumerate() {
            if self.schema.field(c).data_type().is_numeric() {
                let shift = usize::from(columns > SHOWN_COLUMNS && k >= SHOWN_COLUMNS / 2);
                if let Some(column) = table.column_mut(k + shift) {
                    column.set_cell_alignment(CellAlignment::Right);
                }
            }
        }
        if rows > shown.len() || columns > SHOWN_COLUMNS {
            writeln!(f, "{table}")?;
            return write!(f, "[{rows} rows × {columns} columns]");
        }
        write!(f, "{table}")
    }
}

/// A type in few letters, as numpy and Polars write it.
pub(super) fn short(data_type: &DataType) -> String {
    match data_type {
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => data_type.to_string().to_lowercase(),
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
            data_type.to_string().to_lowercase()
        }
        DataType::Float32 | DataType::Float64 => data_type.to_string().to_lowercase(),
        DataType::Boolean => "bool".into(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".into(),
        DataType::Timestamp(unit, None) => format!("timestamp[{}]", format!("{unit:?}").to_lowercase()),
        DataType::Timestamp(_, Some(zone)) => format!("timestamp[{zone}]"),
        other => other.to_string(),
    }
}
