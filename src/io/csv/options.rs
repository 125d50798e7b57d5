//! How a CSV file is written, and how it is to be read.

use std::collections::BTreeMap;

use arrow::datatypes::DataType;

use super::parse::Spelling;
use super::separator::Separator;
use super::state::{Dialect, Ragged};
use super::time_format::TimeFormat;
use crate::base::{ByteSize, Error, Identity, Result, Tokenizer};
use crate::io::FileInfo;
use crate::io::store::{Storage, stored};
use crate::io::text::{Charset, Letters};

/// How CSV files are to be read. Each method changes one thing and gives the options back.
///
/// ```
/// use partita::io::csv::CsvOptions;
/// let options = CsvOptions::new().delimiter(b';').assume_missing(true).parse_dates(["pickup"]);
/// ```
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct CsvOptions {
    pub(super) dialect: Dialect,
    pub(super) letters: Letters,
    pub(super) skip_rows: usize,
    pub(super) has_header: bool,
    pub(super) column_names: Option<Vec<String>>,
    pub(super) infer: Infer,
    pub(super) assume_missing: bool,
    pub(super) parse_dates: Vec<String>,
    pub(super) try_parse_dates: bool,
    /// The format of times in all columns, and in single ones: as they were given, and those that were found by inference.
    pub(super) date_format: Option<String>,
    pub(super) date_formats: BTreeMap<String, String>,
    #[serde(skip)]
    pub(super) found_formats: BTreeMap<String, TimeFormat>,
    pub(super) day_first: bool,
    pub(super) numbers: Spelling,
    #[serde(with = "crate::expr::portable::typed_by_name")]
    pub(super) dtypes: BTreeMap<String, DataType>,
    pub(super) null_values: Option<Vec<String>>,
    pub(super) true_values: Vec<String>,
    pub(super) false_values: Vec<String>,
    pub(super) block_size: Option<u64>,
    #[serde(skip)]
    pub(super) storage: Storage,
}

/// How the types of columns without a given type are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Infer {
    /// From the head of every file and samples spread evenly over it. A value further on that does not fit is an error
    /// which names it and the type to give.
    #[default]
    Sample,
    /// From all values: every file is read once more, before anything else.
    All,
}

/// The spellings of "nothing there" in columns of other types than strings: pandas' list.
pub(super) const NULL_VALUES: [&str; 18] = [
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL",
    "NaN", "None", "n/a", "nan", "null",
];

impl CsvOptions {
    /// Commas, double quotes, a header; types from samples; blocks of 64 MiB.
    pub fn new() -> Self {
        let words = |words: [&str; 3]| words.map(str::to_string).to_vec();
        CsvOptions {
            dialect: Dialect::new(Separator::from(b',')),
            letters: Letters::default(),
            skip_rows: 0,
            has_header: true,
            column_names: None,
            infer: Infer::Sample,
            assume_missing: false,
            parse_dates: Vec::new(),
            try_parse_dates: false,
            date_format: None,
            date_formats: BTreeMap::new(),
            found_formats: BTreeMap::new(),
            day_first: false,
            numbers: Spelling::PLAIN,
            dtypes: BTreeMap::new(),
            null_values: None,
            true_values: words(["true", "True", "TRUE"]),
            false_values: words(["false", "False", "FALSE"]),
            block_size: None,
            storage: Storage::default(),
        }
    }

    /// What stands between fields: a byte, a letter, a text such as `"||"`, or runs of blanks (`r"\s+"`); a comma if not
    /// said.
    #[must_use]
    pub fn delimiter(mut self, separator: impl Into<Separator>) -> Self {
        self.dialect = self.dialect.separated_by(separator.into());
        self
    }

    /// The byte around fields with special bytes in them, doubled inside; `"` if not said, `None` for none. It has its
    /// meaning at the start of a field only; further on it is a letter.
    #[must_use]
    pub fn quote(mut self, byte: Option<u8>) -> Self {
        self.dialect.quote = byte;
        self
    }

    /// The byte that makes the next one an ordinary letter, inside quotes and outside; none if not said.
    #[must_use]
    pub fn escape(mut self, byte: Option<u8>) -> Self {
        self.dialect.escape = byte;
        self
    }

    /// Lines that start with this byte are left out; none if not said. (Unlike pandas, it means nothing further on in
    /// a line.)
    #[must_use]
    pub fn comment(mut self, byte: Option<u8>) -> Self {
        self.dialect.comment = byte;
        self
    }

    /// Whether blanks and tabs at the start of a field are left out, before a quote too; not if not said. (Numbers, truth
    /// values and times are read without the blanks around them in any case.)
    #[must_use]
    pub fn skip_initial_space(mut self, skip: bool) -> Self {
        self.dialect.skip_initial_space = skip;
        self
    }

    /// Whether blanks and tabs around fields do not belong to them, inside quotes excepted; they do if not said.
    #[must_use]
    pub fn trim(mut self, trim: bool) -> Self {
        self.dialect.skip_initial_space = trim;
        self.dialect.trim = trim;
        self
    }

    /// What to do with a record that has not as many fields as the header; an error if not said.
    #[must_use]
    pub fn ragged(mut self, ragged: Ragged) -> Self {
        self.dialect.ragged = ragged;
        self
    }

    /// How letters are written as bytes: UTF-8 if not said, or what a mark at the start of a file says (UTF-8, UTF-16),
    /// which counts in any case. Names are those of the WHATWG standard (`windows-1252`, `shift_jis`, `utf-16le`, `gbk`, …)
    /// and Python's (`latin1`, `cp932`, …); `latin1` is ISO 8859-1, as in Python. A file that is not UTF-8 is one
    /// partition.
    #[must_use]
    pub fn encoding(mut self, name: impl Into<String>) -> Self {
        self.letters.encoding = Some(name.into());
        self
    }

    /// Whether bytes that are no letters become �. If not said, they are an error.
    #[must_use]
    pub fn lossy(mut self, lossy: bool) -> Self {
        self.letters.lossy = lossy;
        self
    }

    /// So many lines at the head of each file are left out, before the header.
    #[must_use]
    pub fn skip_rows(mut self, lines: usize) -> Self {
        self.skip_rows = lines;
        self
    }

    /// So many lines at the end of each file are left out. Lines inside quotes count too, and empty ones.
    #[must_use]
    pub fn skip_footer(mut self, lines: usize) -> Self {
        self.letters.skip_footer = lines;
        self
    }

    /// The names of the columns, in place of those in the header, if there is one.
    #[must_use]
    pub fn column_names<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.column_names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Whether the first record names the columns. If not, they are `column_0`, `column_1`, …
    #[must_use]
    pub fn has_header(mut self, has: bool) -> Self {
        self.has_header = has;
        self
    }

    /// How types are found.
    #[must_use]
    pub fn infer(mut self, infer: Infer) -> Self {
        self.infer = infer;
        self
    }

    /// Whether whole numbers found by inference become Float64, since nulls may come later (as in Dask). A type given
    /// with [`dtype`](Self::dtype) wins.
    #[must_use]
    pub fn assume_missing(mut self, assume: bool) -> Self {
        self.assume_missing = assume;
        self
    }

    /// These columns are Timestamp(µs): dates and times as ISO 8601 writes them, with a blank or `T` between, or in one of
    /// the usual formats (`%m/%d/%Y %I:%M:%S %p`, `%d.%m.%Y`, `%d-%b-%y`, `%Y%m%d`, …) that fits all samples, or in the one
    /// that is given. Where the samples have zones, in UTC.
    #[must_use]
    pub fn parse_dates<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.parse_dates.extend(columns.into_iter().map(Into::into));
        self
    }

    /// Whether inference tries dates (Date32) and times (Timestamp(µs)) too. Off if not said, as in pandas, Dask and
    /// Polars: then they are strings.
    #[must_use]
    pub fn try_parse_dates(mut self, try_them: bool) -> Self {
        self.try_parse_dates = try_them;
        self
    }

    /// The format of dates and times in all columns that have them, as `strftime` writes it: `"%d/%m/%Y %H:%M"` (see
    /// Python's `datetime`; `%.f` is a point and the digits of a second, or nothing). Months and weekdays are English.
    #[must_use]
    pub fn date_format(mut self, format: impl Into<String>) -> Self {
        self.date_format = Some(format.into());
        self
    }

    /// The format of dates and times in this column, which is one of [`parse_dates`](Self::parse_dates) thereby unless it
    /// is given a type.
    #[must_use]
    pub fn date_format_of(mut self, column: impl Into<String>, format: impl Into<String>) -> Self {
        let column = column.into();
        if !self.parse_dates.contains(&column) {
            self.parse_dates.push(column.clone());
        }
        self.date_formats.insert(column, format.into());
        self
    }

    /// Whether `01/02/2023` is the first of February where all values of a column could be read both ways; if not said,
    /// it is the second of January, as in pandas, and a note of the source says so.
    #[must_use]
    pub fn day_first(mut self, first: bool) -> Self {
        self.day_first = first;
        self
    }

    /// What stands before the digits of a fraction; a point if not said.
    #[must_use]
    pub fn decimal(mut self, letter: char) -> Self {
        self.numbers.decimal = letter;
        self
    }

    /// What may stand between the digits of a whole number; nothing if not said.
    #[must_use]
    pub fn thousands(mut self, letter: impl Into<Option<char>>) -> Self {
        self.numbers.thousands = letter.into();
        self
    }

    /// The type of a column: Utf8, Int8 to Int64, UInt8 to UInt64, Float32, Float64, Boolean, Date32, Timestamp or
    /// Null.
    #[must_use]
    pub fn dtype(mut self, column: impl Into<String>, data_type: DataType) -> Self {
        self.dtypes.insert(column.into(), data_type);
        self
    }

    /// The spellings of null, in all columns. If not said: the spellings that pandas knows (`NA`, `NaN`, `null`, …),
    /// but in strings none of them, for there `N/A` may be a name. An empty field is null in any case; an empty field
    /// in quotes is an empty string.
    #[must_use]
    pub fn null_values<S: Into<String>>(mut self, spellings: impl IntoIterator<Item = S>) -> Self {
        self.null_values = Some(spellings.into_iter().map(Into::into).collect());
        self
    }

    /// The spellings of true; `true`, `True` and `TRUE` if not said.
    #[must_use]
    pub fn true_values<S: Into<String>>(mut self, spellings: impl IntoIterator<Item = S>) -> Self {
        self.true_values = spellings.into_iter().map(Into::into).collect();
        self
    }

    /// The spellings of false; `false`, `False` and `FALSE` if not said.
    #[must_use]
    pub fn false_values<S: Into<String>>(mut self, spellings: impl IntoIterator<Item = S>) -> Self {
        self.false_values = spellings.into_iter().map(Into::into).collect();
        self
    }

    /// About how many bytes of a file make a partition; 64 MiB if not said, and 16 MiB where the file is in a store, so that
    /// threads that read it side by side are near each other (above 4 MiB it is a multiple of that there). Any size from one byte up gives the same frame; below a
    /// hundred-thousandth of the file it counts as that.
    #[must_use]
    pub fn block_size(mut self, bytes: impl Into<ByteSize>) -> Self {
        self.block_size = Some(bytes.into().0);
        self
    }

    stored!();

    /// About how many bytes of this file make a partition.
    pub(super) fn block_of(&self, info: &FileInfo) -> u64 {
        self.block_size.unwrap_or(if info.is_elsewhere() { 16 << 20 } else { 64 << 20 })
    }

    /// Whether the options make sense together.
    pub(super) fn check(&self) -> Result<()> {
        let Dialect { separator, quote, escape, comment, .. } = self.dialect;
        if separator.is_too_long() {
            return Err(Error::invalid("a separator of more than 15 bytes").doing("read CSV"));
        }
        let mut special: Vec<u8> = [quote, escape, comment].into_iter().flatten().collect();
        special.extend_from_slice(separator.bytes());
        if separator.is_blanks() {
            special.extend(b" \t");
        }
        let singles = special.len() - separator.bytes().len().max(1);
        let twice = (0..singles).find(|&i| special[i + 1..].contains(&special[i])).map(|i| special[i]);
        if let Some(byte) = special.iter().find(|b| matches!(b, b'\n' | b'\r')) {
            return Err(Error::invalid(format!("byte {byte} ends lines and can mean nothing else")).doing("read CSV"));
        }
        if let Some(byte) = twice {
            let what = format!("`{}` cannot be two of delimiter, quote, escape and comment", byte.escape_ascii());
            return Err(Error::invalid(what).doing("read CSV"));
        }
        if let Some(name) = self.letters.encoding.as_deref().filter(|name| Charset::named(name).is_none()) {
            let what = format!("there is no encoding `{name}`");
            return Err(Error::invalid(what).doing("read CSV").help("see the labels of encoding.spec.whatwg.org"));
        }
        let Spelling { decimal, thousands } = self.numbers;
        let means_number = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '\n' | '\r');
        if means_number(decimal) || thousands.is_some_and(|c| means_number(c) || c == decimal) {
            let what = format!("`{decimal}` before a fraction and {thousands:?} between thousands");
            return Err(Error::invalid(what).doing("read CSV").help("give two letters that are no part of numbers"));
        }
        for format in self.date_format.iter().chain(self.date_formats.values()) {
            TimeFormat::new(format).map_err(|e| e.doing("read CSV").help("such as %d/%m/%Y %H:%M:%S"))?;
        }
        let mut seen = std::collections::HashSet::new();
        if let Some(name) = self.column_names.iter().flatten().find(|name| !seen.insert(*name)) {
            return Err(Error::invalid(format!("two columns are named `{name}`")).doing("read CSV"));
        }
        if self.block_size == Some(0) {
            return Err(Error::invalid("a block of no bytes").doing("read CSV").help("give one byte or more"));
        }
        Ok(())
    }

    /// Whether `text` spells null; `string` says that it is in a column of strings.
    pub(super) fn is_null(&self, text: &[u8], string: bool) -> bool {
        match &self.null_values {
            Some(spellings) => spellings.iter().any(|s| s.as_bytes() == text),
            None => !string && NULL_VALUES.iter().any(|s| s.as_bytes() == text),
        }
    }

    /// The format of times in a column, if one was given.
    pub(super) fn given_format(&self, column: &str) -> Option<TimeFormat> {
        // it was checked before
        TimeFormat::new(self.date_formats.get(column).or(self.date_format.as_ref())?).ok()
    }

    /// The format of times in a column, if one was given or found.
    pub(super) fn format(&self, column: &str) -> Option<TimeFormat> {
        self.given_format(column).or_else(|| self.found_formats.get(column).cloned())
    }

    /// Whether digits may spell null or a truth value.
    pub(super) fn spells_numbers(&self) -> bool {
        let digits = |s: &String| s.bytes().any(|b| b.is_ascii_digit());
        self.null_values.is_some() || self.true_values.iter().chain(&self.false_values).any(digits)
    }

    /// The truth value that `text` spells.
    pub(super) fn truth(&self, text: &[u8]) -> Option<bool> {
        let any = |spellings: &[String]| spellings.iter().any(|s| s.as_bytes() == text);
        if any(&self.true_values) { Some(true) } else { any(&self.false_values).then_some(false) }
    }
}

impl Default for CsvOptions {
    fn default() -> Self {
        CsvOptions::new()
    }
}

impl Identity for CsvOptions {
    fn token(&self, t: &mut Tokenizer) {
        t.str("csv options");
        t.debug(self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senseless_options_are_refused() {
        assert!(CsvOptions::new().check().is_ok());
        for options in [
            CsvOptions::new().delimiter(b'"'),
            CsvOptions::new().delimiter(b'\n'),
            CsvOptions::new().comment(Some(b',')),
            CsvOptions::new().block_size(0u64),
        ] {
            assert!(options.check().is_err(), "{options:?}");
        }
    }

    #[test]
    fn names_that_look_like_nothing_stay_names() {
        let options = CsvOptions::new();
        assert!(options.is_null(b"N/A", false) && options.is_null(b"null", false));
        assert!(!options.is_null(b"N/A", true));
        assert!(CsvOptions::new().null_values(["-"]).is_null(b"-", true));
    }
}
