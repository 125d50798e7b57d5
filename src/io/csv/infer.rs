//! The types of columns, from values.

use std::io::{Read, Seek, SeekFrom};

use arrow::datatypes::{DataType, TimeUnit};

use super::chunks::{Chunks, Packing, at_line, broken, line_of};
use super::file::CsvFile;
use super::options::{CsvOptions, Infer};
use super::parse;
use super::split::{Records, Splitter, unquoted};
use super::state::State;
use crate::base::{Error, Result};
use crate::exec::Budget;

/// How many places of a file are looked at, its head aside, and how many bytes at each.
const SAMPLES: u64 = 16;
const SAMPLE: u64 = 16 * 1024;

/// What values look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    /// There are none.
    Nothing,
    /// Spellings of true and false.
    Truth,
    /// Whole numbers of 64 bits.
    Whole,
    /// Numbers.
    Real,
    /// Dates.
    Day,
    /// Dates and times without a zone.
    Local,
    /// Dates and times with a zone.
    Zoned,
    /// Anything else.
    Text,
}

impl Guess {
    /// What this text, free of quotes, looks like; times only if `times`.
    pub fn of(text: &[u8], times: bool, options: &CsvOptions) -> Guess {
        let trimmed = text.trim_ascii();
        let number = Guess::of_number(trimmed);
        // a number is one unless it was given as a spelling of something else; the spellings are slow to compare with
        if let (Some(number), false) = (number, options.spells_numbers()) {
            return number;
        }
        if times && parse::short_instant(trimmed).is_some() && options.null_values.is_none() {
            return Guess::Local;
        }
        if trimmed.is_empty() || options.is_null(trimmed, false) {
            Guess::Nothing
        } else if options.truth(trimmed).is_some() {
            Guess::Truth
        } else if let Some(number) = number {
            number
        } else if parse::real(trimmed).is_some() {
            Guess::Real
        } else if times && parse::date(trimmed).is_some() {
            Guess::Day
        } else {
            match parse::instant(trimmed).filter(|_| times) {
                Some(instant) if instant.zoned => Guess::Zoned,
                Some(_) => Guess::Local,
                None => Guess::Text,
            }
        }
    }

    /// Whole numbers and decimals, but no words such as `nan`.
    fn of_number(text: &[u8]) -> Option<Guess> {
        if parse::short_whole(text).is_some() || parse::whole(text).is_some_and(|v| i64::try_from(v).is_ok()) {
            return Some(Guess::Whole);
        }
        parse::short_real(text).map(|_| Guess::Real)
    }

    /// What values of both kinds look like together.
    pub fn join(self, other: Guess) -> Guess {
        use Guess::*;
        match (self, other) {
            (a, b) if a == b => a,
            (Nothing, other) | (other, Nothing) => other,
            (Whole, Real) | (Real, Whole) => Real,
            (Day, Local) | (Local, Day) => Local,
            _ => Text,
        }
    }

    /// The type for it. A column without any value is Float64, as in pandas: all null, and numbers may still come.
    pub fn data_type(self) -> DataType {
        match self {
            Guess::Truth => DataType::Boolean,
            Guess::Whole => DataType::Int64,
            Guess::Nothing | Guess::Real => DataType::Float64,
            Guess::Day => DataType::Date32,
            Guess::Local => DataType::Timestamp(TimeUnit::Microsecond, None),
            Guess::Zoned => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Guess::Text => DataType::Utf8,
        }
    }
}

/// A value at which [`Infer::All`] made a column wider than the values before it had it.
#[derive(Clone, Debug, PartialEq)]
pub struct Widening {
    /// The file.
    pub path: String,
    /// The line of the value, from 1.
    pub line: Option<u64>,
    /// The column.
    pub column: String,
    /// The type of the values before it.
    pub from: DataType,
    /// The type with it.
    pub to: DataType,
    /// The value.
    pub value: String,
}

/// The guesses for each column of one file.
pub struct Guesses<'a> {
    file: &'a CsvFile,
    options: &'a CsvOptions,
    times: Vec<bool>,
    /// By column of the file.
    pub columns: Vec<Guess>,
    widened: Vec<(u64, usize, Guess, Guess, String)>,
}

impl<'a> Guesses<'a> {
    /// What the columns of a file look like, given the head of its data (all of it if `whole`).
    ///
    /// # Errors
    /// `Io`; with [`Infer::All`] also records that cannot be taken apart.
    pub fn of(
        file: &'a CsvFile,
        options: &'a CsvOptions,
        head: &[u8],
        whole: bool,
    ) -> Result<(Vec<Guess>, Vec<Widening>)> {
        let times = file.names.iter().map(|n| options.try_parse_dates || options.parse_dates.contains(n)).collect();
        let columns = vec![Guess::Nothing; file.names.len()];
        let mut guesses = Guesses { file, options, times, columns, widened: Vec::new() };
        if options.infer == Infer::All {
            guesses.all()?;
        } else {
            guesses.head(head, whole);
            if !whole && file.packing == Packing::Plain {
                guesses.samples(head.len() as u64)?;
            }
        }
        let widened = guesses.widened.drain(..).map(|(at, column, from, to, value)| Widening {
            path: file.info.path.to_string(),
            line: line_of(&file.info, file.packing, at),
            column: file.names[column].clone(),
            from: from.data_type(),
            to: to.data_type(),
            value,
        });
        let widened = widened.collect();
        Ok((guesses.columns, widened))
    }

    fn head(&mut self, head: &[u8], whole: bool) {
        // a record that cannot be taken apart ends the head; reading will tell of it
        let mut splitter = Splitter::new(self.options.dialect, self.columns.len());
        splitter.split(head, whole);
        self.look(&splitter.records(head), self.file.data);
    }

    /// Looks at places spread evenly. Whether such a place is inside quotes is not known; the first of the two ways to
    /// read it that gives whole records is taken. (That decides types only: records are cut exactly when they are read.)
    fn samples(&mut self, head: u64) -> Result<()> {
        let info = &self.file.info;
        let refused = |e| Error::io(&info.path, e).doing("read");
        let mut input = info.open()?;
        let (start, length) = (self.file.data + head, self.file.length.unwrap_or_default().saturating_sub(head));
        let mut splitter = Splitter::new(self.options.dialect, self.columns.len());
        for k in 0..SAMPLES {
            let at = start + (length.saturating_sub(SAMPLE) as u128 * u128::from(k + 1) / u128::from(SAMPLES)) as u64;
            input.seek(SeekFrom::Start(at)).map_err(refused)?;
            let mut bytes = Vec::new();
            input.by_ref().take(SAMPLE).read_to_end(&mut bytes).map_err(refused)?;
            let last = at + bytes.len() as u64 >= info.size;
            for state in [State::Text, State::Quoted] {
                let Ok(first) = state.first_start(&self.options.dialect, &bytes) else { continue };
                splitter.split(&bytes[first..], last);
                if splitter.fault().is_none() && !splitter.records(&bytes[first..]).is_empty() {
                    self.look(&splitter.records(&bytes[first..]), at + first as u64);
                    break;
                }
            }
        }
        Ok(())
    }

    fn all(&mut self) -> Result<()> {
        let (file, fields) = (self.file, self.columns.len());
        let place = (file.data, State::Record);
        let dialect = (self.options.dialect, fields);
        let mut chunks = Chunks::open((&file.info, file.packing), dialect, place, u64::MAX, &Budget::unlimited())?;
        while chunks.advance()? {
            self.look(&chunks.records(), chunks.at());
            if let Some(fault) = chunks.fault() {
                return Err(broken(&file.info, file.packing, fields, chunks.at() + fault.start() as u64, fault));
            }
        }
        Ok(())
    }

    fn look(&mut self, records: &Records<'_>, base: u64) {
        let mut scratch = Vec::new();
        for field in 0..self.columns.len() {
            for record in 0..records.len() {
                let before = self.columns[field];
                if before == Guess::Text {
                    break;
                }
                let text = unquoted(records.dialect(), records.field(record, field), &mut scratch);
                let after = before.join(Guess::of(text, self.times[field], self.options));
                if after != before && before != Guess::Nothing && self.options.infer == Infer::All {
                    let at = base + records.place(record, field).0 as u64;
                    self.widened.push((at, field, before, after, String::from_utf8_lossy(text).into_owned()));
                }
                self.columns[field] = after;
            }
        }
    }
}

/// The error for a value that is not of its column's type: names the type that it has and what to write.
pub fn misfit(file: &CsvFile, column: &str, data_type: &DataType, text: &[u8], at: u64, options: &CsvOptions) -> Error {
    let own = match data_type {
        DataType::Int64 => Guess::Whole,
        DataType::Float64 => Guess::Real,
        DataType::Boolean => Guess::Truth,
        DataType::Date32 => Guess::Day,
        DataType::Timestamp(_, None) => Guess::Local,
        DataType::Timestamp(_, Some(_)) => Guess::Zoned,
        DataType::Null => Guess::Nothing,
        _ => Guess::Text,
    };
    let times = matches!(own, Guess::Day | Guess::Local | Guess::Zoned);
    let looks = Guess::of(text, times, options).data_type();
    let joined = own.join(Guess::of(text, times, options)).data_type();
    let fits = if joined == *data_type { DataType::Utf8 } else { joined };
    let error = Error::new(crate::base::ErrorKind::Parse {
        value: String::from_utf8_lossy(text).into_owned(),
        expected: data_type.to_string(),
    });
    let error = error.doing("read").at_path(&file.info.path).at_column(column);
    let help =
        format!("it looks like {looks}; give the column a type that fits: .dtype(\"{column}\", {})", written(&fits));
    at_line(error, line_of(&file.info, file.packing, at)).help(help)
}

/// A type as it is written in a program.
pub fn written(data_type: &DataType) -> String {
    match data_type {
        DataType::Timestamp(unit, zone) => {
            let zone = zone.as_ref().map_or("None".to_string(), |z| format!("Some(\"{z}\".into())"));
            format!("DataType::Timestamp(TimeUnit::{unit:?}, {zone})")
        }
        other => format!("DataType::{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_look_like_their_types() {
        let options = CsvOptions::new();
        for (text, guess) in [
            ("", Guess::Nothing),
            ("NA", Guess::Nothing),
            ("true", Guess::Truth),
            ("-7", Guess::Whole),
            ("9223372036854775807", Guess::Whole),
            ("9223372036854775808", Guess::Real),
            ("1e5", Guess::Real),
            ("inf", Guess::Real),
            ("2023-01-01", Guess::Day),
            ("2023-01-01 10:00:00", Guess::Local),
            ("2023-01-01T10:00:00Z", Guess::Zoned),
            ("12,5", Guess::Text),
            ("Queens", Guess::Text),
        ] {
            assert_eq!(Guess::of(text.as_bytes(), true, &options), guess, "{text}");
        }
        assert_eq!(Guess::of(b"2023-01-01", false, &options), Guess::Text);
    }

    #[test]
    fn joining_is_a_lattice() {
        use Guess::*;
        let all = [Nothing, Truth, Whole, Real, Day, Local, Zoned, Text];
        for a in all {
            assert_eq!(a.join(a), a);
            assert_eq!(a.join(Nothing), a);
            assert_eq!(a.join(Text), Text);
            for b in all {
                assert_eq!(a.join(b), b.join(a));
                for c in all {
                    assert_eq!(a.join(b).join(c), a.join(b.join(c)));
                }
            }
        }
    }
}
