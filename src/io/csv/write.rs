//! Record batches as CSV.

use std::io::Write;

use arrow::array::cast::AsArray;
use arrow::array::types::*;
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Schema, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::CsvWriteOptions;
use crate::base::{Error, Result};

/// Writes record batches as CSV (RFC 4180): a header, a line for each row, ended by `\n`.
///
/// Fields are quoted where they hold the delimiter, a quote or the end of a line. Null is an empty field and an empty
/// string is `""`, so that reading gives both back; in a frame of a single column of strings null is `""` too, for an
/// empty line is no record. Floats have the fewest digits that give the same number back (`1.0`, `1e21`, `NaN`,
/// `inf`), times are `2023-01-01 00:26:10` with as many digits behind the second as they need, and `+00:00` if they
/// are instants.
#[derive(Debug)]
pub struct CsvWriter<W: Write> {
    out: W,
    delimiter: u8,
    buffer: Vec<u8>,
    header: bool,
    rows: u64,
}

impl<W: Write> CsvWriter<W> {
    /// A writer of CSV with the delimiter and the header that the options say.
    pub fn new(out: W, options: &CsvWriteOptions) -> Self {
        CsvWriter { out, delimiter: options.delimiter, buffer: Vec::new(), header: options.header, rows: 0 }
    }

    /// How many rows were written.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Writes the header, if one is wanted and not yet written. [`write`](Self::write) does it by itself; call it
    /// where there may be no rows.
    ///
    /// # Errors
    /// `Io`.
    pub fn begin(&mut self, schema: &Schema) -> Result<()> {
        if std::mem::take(&mut self.header) {
            for (i, field) in schema.fields().iter().enumerate() {
                if i > 0 {
                    self.buffer.push(self.delimiter);
                }
                text(&mut self.buffer, field.name().as_bytes(), self.delimiter);
            }
            self.buffer.push(b'\n');
            self.flush_buffer()?;
        }
        Ok(())
    }

    /// Writes the rows of a batch.
    ///
    /// # Errors
    /// `Io` (with the caller to name the file); `Unsupported` for nested columns.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.begin(&batch.schema())?;
        let format = FormatOptions::new();
        let mut cells = Vec::with_capacity(batch.num_columns());
        for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
            cells.push(Cells::new(array, &format).map_err(|e| e.doing("write CSV").at_column(field.name()))?);
        }
        for row in 0..batch.num_rows() {
            for (i, cell) in cells.iter().enumerate() {
                if i > 0 {
                    self.buffer.push(self.delimiter);
                }
                if cell.array.is_valid(row) && !matches!(cell.kind, Kind::Nothing) {
                    cell.write(row, &mut self.buffer, self.delimiter)?;
                } else if cells.len() == 1 {
                    self.buffer.extend_from_slice(b"\"\"");
                }
            }
            self.buffer.push(b'\n');
            self.rows += 1;
            if self.buffer.len() > 1 << 16 {
                self.flush_buffer()?;
            }
        }
        self.flush_buffer()
    }

    /// Gives back what was written to.
    ///
    /// # Errors
    /// `Io`.
    pub fn finish(mut self) -> Result<W> {
        self.flush_buffer()?;
        self.out.flush().map_err(refused)?;
        Ok(self.out)
    }

    fn flush_buffer(&mut self) -> Result<()> {
        self.out.write_all(&self.buffer).map_err(refused)?;
        self.buffer.clear();
        Ok(())
    }
}

fn refused(error: std::io::Error) -> Error {
    let what = match error.kind() {
        std::io::ErrorKind::StorageFull => "the disk is full".to_string(),
        _ => error.to_string(),
    };
    Error::new(crate::base::ErrorKind::Io { what }).doing("write CSV").caused_by(error)
}

/// A column whose cells can be written.
struct Cells<'a> {
    array: &'a ArrayRef,
    kind: Kind<'a>,
}

enum Kind<'a> {
    Nothing,
    Whole(&'a arrow::array::Int64Array),
    Real(&'a arrow::array::Float64Array),
    Real32(&'a arrow::array::Float32Array),
    Text(&'a arrow::array::StringArray),
    /// Counts since 1970, how many make a second, and whether they are instants.
    Time(arrow::array::Int64Array, i64, bool),
    /// Any other type, by its usual text.
    Other(ArrayFormatter<'a>),
}

impl<'a> Cells<'a> {
    fn new(array: &'a ArrayRef, format: &FormatOptions<'a>) -> Result<Cells<'a>> {
        let kind = match array.data_type() {
            DataType::Null => Kind::Nothing,
            DataType::Int64 => Kind::Whole(array.as_primitive::<Int64Type>()),
            DataType::Float64 => Kind::Real(array.as_primitive::<Float64Type>()),
            DataType::Float32 => Kind::Real32(array.as_primitive::<Float32Type>()),
            DataType::Utf8 => Kind::Text(array.as_string::<i32>()),
            DataType::Timestamp(unit, zone) => {
                let per_second = match unit {
                    TimeUnit::Second => 1,
                    TimeUnit::Millisecond => 1_000,
                    TimeUnit::Microsecond => 1_000_000,
                    TimeUnit::Nanosecond => 1_000_000_000,
                };
                let counts = arrow::compute::cast(array, &DataType::Int64)?;
                Kind::Time(counts.as_primitive::<Int64Type>().clone(), per_second, zone.is_some())
            }
            nested if nested.is_nested() => {
                let error = Error::unsupported(format!("writing {nested} as CSV"));
                return Err(error.help("write Parquet, or take the column apart first"));
            }
            _ => Kind::Other(ArrayFormatter::try_new(array.as_ref(), format)?),
        };
        Ok(Cells { array, kind })
    }

    fn write(&self, row: usize, out: &mut Vec<u8>, delimiter: u8) -> Result<()> {
        // writing into memory cannot fail
        let _ = match &self.kind {
            Kind::Nothing => Ok(()),
            Kind::Whole(array) => write!(out, "{}", array.value(row)),
            Kind::Real(array) => write!(out, "{:?}", array.value(row)),
            Kind::Real32(array) => write!(out, "{:?}", array.value(row)),
            Kind::Text(array) => {
                text(out, array.value(row).as_bytes(), delimiter);
                Ok(())
            }
            Kind::Time(counts, per_second, instants) => time(out, counts.value(row), *per_second, *instants),
            Kind::Other(formatter) => {
                let shown = formatter.value(row).try_to_string()?;
                text(out, shown.as_bytes(), delimiter);
                Ok(())
            }
        };
        Ok(())
    }
}

/// Writes a text, in quotes where it would not be read back otherwise.
fn text(out: &mut Vec<u8>, text: &[u8], delimiter: u8) {
    let special = |b: &u8| *b == delimiter || matches!(b, b'"' | b'\n' | b'\r');
    if !text.is_empty() && !text.iter().any(special) {
        out.extend_from_slice(text);
        return;
    }
    out.push(b'"');
    for part in text.split_inclusive(|&b| b == b'"') {
        out.extend_from_slice(part);
        if part.ends_with(b"\"") {
            out.push(b'"');
        }
    }
    out.push(b'"');
}

/// Writes a point in time; years outside 0 to 9999 have a sign or more digits and are not read back.
fn time(out: &mut Vec<u8>, count: i64, per_second: i64, instant: bool) -> std::io::Result<()> {
    let (seconds, fraction) = (count.div_euclid(per_second), count.rem_euclid(per_second));
    let (day, clock) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, date) = civil(day);
    let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
    write!(out, "{year:04}-{month:02}-{date:02} {hour:02}:{minute:02}:{second:02}")?;
    if fraction != 0 {
        let digits = per_second.ilog10() as usize;
        write!(out, ".{fraction:0digits$}")?;
    }
    if instant { out.write_all(b"+00:00") } else { Ok(()) }
}

/// Year, month and day of a day since 1970-01-01 (Hinnant, as in reading).
fn civil(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (year + era * 400 + later, month, date)
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
