//! The types of columns, from values.

use arrow::datatypes::{DataType, TimeUnit};

use super::chunks::{Chunks, broken};
use super::file::CsvFile;
use super::options::{CsvOptions, Infer};
use super::parse::{self, Spelling};
use super::split::{Records, Splitter, unquoted};
use super::state::{Dialect, Ragged, State};
use super::time_format::{Formats, TimeFormat};
use super::widening::Widening;
use crate::base::{Error, Result};
use crate::io::store::Demand;
use crate::io::text::{at_line, line_of, lines_of};

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
    /// Dates, or dates and times, in one of these formats.
    Dated(Formats),
    /// Anything else.
    Text,
}

/// Which texts of a column are taken for dates and times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Times {
    /// None.
    Never,
    /// Those that can be nothing else.
    Tried,
    /// All that can be: the column is said to have them.
    Wanted,
    /// Those of this format.
    Given(TimeFormat),
}

impl Times {
    /// What the options say of a column.
    fn of(column: &str, options: &CsvOptions) -> Times {
        let typed = options.dtypes.get(column).is_some_and(DataType::is_temporal);
        let wanted = typed || options.parse_dates.iter().any(|c| c == column);
        if !wanted && !options.try_parse_dates {
            return Times::Never;
        }
        match options.given_format(column) {
            Some(format) => Times::Given(format),
            None if wanted => Times::Wanted,
            None => Times::Tried,
        }
    }
}

impl Guess {
    /// What this text, free of quotes, looks like. Of the formats of times only those in `known` are tried.
    pub fn of(text: &[u8], times: &Times, known: Formats, options: &CsvOptions) -> Guess {
        let trimmed = text.trim_ascii();
        if let Times::Given(format) = times {
            return match format.parse(trimmed) {
                _ if trimmed.is_empty() || options.is_null(trimmed, false) => Guess::Nothing,
                Some(instant) if instant.zoned => Guess::Zoned,
                Some(_) if format.has_time() => Guess::Local,
                Some(_) => Guess::Day,
                None => Guess::Text,
            };
        }
        let number = Guess::of_number(trimmed, options.numbers);
        if let (Some(number), false) = (number, options.spells_numbers()) {
            // digits may be a date where dates are wanted
            let date = if matches!(times, Times::Wanted) { known.fitting(trimmed) } else { None };
            // a number is one unless it was given as a spelling of something else; the spellings are slow to compare with
            return date.map_or(number, Guess::Dated);
        }
        let times = !matches!(times, Times::Never);
        if times && parse::short_instant(trimmed).is_some() && options.null_values.is_none() {
            return Guess::Local;
        }
        if trimmed.is_empty() || options.is_null(trimmed, false) {
            Guess::Nothing
        } else if options.truth(trimmed).is_some() {
            Guess::Truth
        } else if let Some(number) = number {
            number
        } else if respelled(trimmed, options.numbers, parse::real).is_some() {
            Guess::Real
        } else if times {
            Guess::of_time(trimmed, known)
        } else {
            Guess::Text
        }
    }

    fn of_time(text: &[u8], known: Formats) -> Guess {
        match parse::instant(text) {
            Some(_) if parse::date(text).is_some() => Guess::Day,
            Some(instant) if instant.zoned => Guess::Zoned,
            Some(_) => Guess::Local,
            None => known.fitting(text).map_or(Guess::Text, Guess::Dated),
        }
    }

    /// Whole numbers and decimals, but no words such as `nan`.
    fn of_number(text: &[u8], spelling: Spelling) -> Option<Guess> {
        respelled(text, spelling, |text| {
            if parse::short_whole(text).is_some() || parse::whole(text).is_some_and(|v| i64::try_from(v).is_ok()) {
                return Some(Guess::Whole);
            }
            parse::short_real(text).map(|_| Guess::Real)
        })
    }

    /// What values of both kinds look like together.
    pub fn join(self, other: Guess) -> Guess {
        use Guess::*;
        match (self, other) {
            (a, b) if a == b => a,
            (Nothing, other) | (other, Nothing) => other,
            (Whole, Real) | (Real, Whole) => Real,
            (Day, Local) | (Local, Day) => Local,
            (Dated(a), Dated(b)) => a.both(b).map_or(Text, Dated),
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
            Guess::Dated(formats) => match formats.chosen(false) {
                Some(format) if format.has_zone() => Guess::Zoned.data_type(),
                Some(format) if format.has_time() => Guess::Local.data_type(),
                _ => DataType::Date32,
            },
            Guess::Text => DataType::Utf8,
        }
    }
}

/// What `read` makes of a number that is spelled so.
fn respelled<T>(text: &[u8], spelling: Spelling, read: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
    if spelling == Spelling::PLAIN {
        return read(text);
    }
    read(spelling.plain(text, &mut Vec::new())?)
}

/// The guesses for each column of one file.
pub struct Guesses<'a> {
    file: &'a CsvFile,
    options: &'a CsvOptions,
    times: Vec<Times>,
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
        let times = file.names.iter().map(|name| Times::of(name, options)).collect();
        let columns = vec![Guess::Nothing; file.names.len()];
        let mut guesses = Guesses { file, options, times, columns, widened: Vec::new() };
        if options.infer == Infer::All {
            guesses.all()?;
        } else {
            guesses.head(head, whole);
            if !whole && file.form.is_plain() {
                guesses.samples(head.len() as u64)?;
            }
        }
        let widened = guesses.told();
        Ok((guesses.columns, widened))
    }

    /// What was found wider, with the lines, which are counted in one reading.
    fn told(&mut self) -> Vec<Widening> {
        self.widened.sort_by_key(|(at, ..)| *at);
        let places: Vec<u64> = self.widened.iter().map(|(at, ..)| *at).collect();
        let lines = lines_of(&self.file.info, self.file.form, &places);
        let found = self.widened.drain(..).zip(lines).map(|((_, column, from, to, value), line)| Widening {
            path: self.file.info.path.to_string(),
            line,
            column: self.file.names[column].clone(),
            from: from.data_type(),
            to: to.data_type(),
            value: Some(value),
        });
        found.collect()
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
        let (start, length) = (self.file.data + head, self.file.length.unwrap_or_default().saturating_sub(head));
        // a record of another length says that the way to read is wrong
        let strict = Dialect { ragged: Ragged::Error, ..self.options.dialect };
        let mut splitter = Splitter::new(strict, self.columns.len());
        let end = start + length;
        let wanted = (1..=SAMPLES).map(|k| {
            let before = length.saturating_sub(SAMPLE) as u128 * u128::from(k) / u128::from(SAMPLES);
            let at = start + before as u64;
            at..(at + SAMPLE).min(end)
        });
        let wanted: Vec<_> = wanted.collect();
        let samples = info.open()?.read_ranges(&wanted).map_err(refused)?;
        for (at, bytes) in wanted.iter().map(|range| range.start).zip(samples) {
            let last = at + bytes.len() as u64 >= end;
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
        let mut chunks = Chunks::open((&file.info, file.form), dialect, place, &Demand::look(u64::MAX))?;
        while chunks.advance()? {
            self.look(&chunks.records(), chunks.at());
            if let Some(fault) = chunks.fault() {
                return Err(broken(&file.info, file.form, fields, chunks.at() + fault.start() as u64, fault));
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
                let known = if let Guess::Dated(known) = before { known } else { Formats::ALL };
                let after = before.join(Guess::of(text, &self.times[field], known, self.options));
                let told = self.options.infer == Infer::All && before != Guess::Nothing && after != before;
                if told && after.data_type() != before.data_type() {
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
    let error = Error::new(crate::base::ErrorKind::Parse {
        value: String::from_utf8_lossy(text).into_owned(),
        expected: data_type.to_string(),
    });
    let error = error.doing("read").at_path(&file.info.path).at_column(column);
    let error = at_line(error, line_of(&file.info, file.form, at));
    let timed = matches!(own, Guess::Day | Guess::Local | Guess::Zoned);
    if let Some(format) = options.format(column).filter(|_| timed) {
        let format = format.text();
        return error
            .help(format!("times are read as {format} here; say .date_format_of(\"{column}\", …) for another"));
    }
    let times = if timed { Times::Wanted } else { Times::Never };
    let looks = Guess::of(text, &times, Formats::ALL, options);
    if let Guess::Dated(formats) = looks {
        let format = formats.chosen(options.day_first).map_or("", TimeFormat::text);
        return error.help(format!("it looks like {format}; say .date_format_of(\"{column}\", \"{format}\")"));
    }
    let joined = own.join(looks).data_type();
    let fits = if joined == *data_type { DataType::Utf8 } else { joined };
    let looks = looks.data_type();
    error.help(format!(
        "it looks like {looks}; give the column a type that fits: .dtype(\"{column}\", {})",
        written(&fits)
    ))
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
            assert_eq!(Guess::of(text.as_bytes(), &Times::Tried, Formats::ALL, &options), guess, "{text}");
        }
        let of = |text: &str, times| Guess::of(text.as_bytes(), &times, Formats::ALL, &options);
        assert_eq!(of("2023-01-01", Times::Never), Guess::Text);
        assert!(matches!(of("31/12/2023", Times::Tried), Guess::Dated(_)));
        assert_eq!(of("20231231", Times::Tried), Guess::Whole);
        assert!(matches!(of("20231231", Times::Wanted), Guess::Dated(_)));
        let given = || Times::Given(TimeFormat::new("%d/%m/%Y").unwrap());
        assert_eq!((of("31/12/2023", given()), of("12/31/2023", given())), (Guess::Day, Guess::Text));
        let european = CsvOptions::new().decimal(',').thousands('.');
        let of = |text: &str| Guess::of(text.as_bytes(), &Times::Never, Formats::ALL, &european);
        assert_eq!([of("1.234"), of("1.234,5"), of("1,5e3")], [Guess::Whole, Guess::Real, Guess::Real]);
        assert_eq!([of("1.5."), of("1,5,0"), of(".5")], [Guess::Text; 3]);
    }

    #[test]
    fn joining_is_a_lattice() {
        use Guess::*;
        let dated = |text: &str| Formats::ALL.fitting(text.as_bytes()).map(Dated).unwrap();
        let (both, day_first, month_first) = (dated("01/02/2023"), dated("13/02/2023"), dated("02/13/2023"));
        let all = [Nothing, Truth, Whole, Real, Day, Local, Zoned, Text, both, day_first, month_first];
        assert_eq!((both.join(day_first), day_first.join(month_first)), (day_first, Text));
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
