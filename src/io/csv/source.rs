//! CSV files as a source: one schema for all of them, and their partitions.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::file::CsvFile;
use super::infer::{Guess, Guesses, written};
use super::options::{CsvOptions, Infer};
use super::read::{Batches as Partition, Reading};
use super::time_format::{Formats, TimeFormat};
use super::widening::Widening;
use crate::base::schema::unknown_column;
use crate::base::shown::count;
use crate::base::{ByteSize, Error, ErrorKind, Identity, Result, Tokenizer};
use crate::exec::TaskContext;
use crate::io::hive::columns::HiveTexts;
use crate::io::portable::Format;
use crate::io::text::line_of;
use crate::io::{Batches, FileInfo, HiveSource, PartitionInfo, PortableSource, Scan, Source, store};

/// The endings of CSV files in a folder.
pub(super) const EXTENSIONS: [&str; 6] = [".csv", ".csv.gz", ".csv.zst", ".csv.bz2", ".csv.xz", ".csv.zip"];

/// How many files are looked into at once.
const FILES_AT_ONCE: usize = 256;

/// CSV files that are read together, in partitions of about [`block_size`](CsvOptions::block_size) bytes that start and
/// end with whole records. A packed file (gzip, Zstandard, bzip2, xz, a zip archive of one file) is one partition, and so is
/// one in another encoding than UTF-8.
///
/// Files may have different columns: a file without a column has nulls in it, further columns come behind those of
/// the first file, and Int64 and Float64 make Float64.
#[derive(Debug)]
pub struct CsvSource {
    files: Vec<Arc<CsvFile>>,
    options: Arc<CsvOptions>,
    schema: SchemaRef,
    /// File and block of each partition.
    blocks: Vec<(usize, usize)>,
    partitions: Vec<PartitionInfo>,
    widened: Vec<Widening>,
    notes: Vec<String>,
}

impl CsvSource {
    /// Opens files, folders and patterns (see [`store::list`](fn@store::list)): reads their headers and finds the types of the columns.
    ///
    /// # Errors
    /// `Io` for missing files; `Invalid` for options that make no sense; `UnknownColumn` for a column that is named in
    /// the options only; `Schema` for files that do not fit together; `Corrupt` for a file without a header.
    pub fn open(paths: &[String], options: CsvOptions) -> Result<CsvSource> {
        let listed = store::list(paths, &EXTENSIONS, &options.storage)?;
        CsvSource::of_files(listed.into_iter().map(|l| l.info).collect(), options)
    }

    /// As [`open`](Self::open), and behind the columns of the files those that the names of their folders say, below the
    /// folder that was named or where a pattern starts (see [`hive`](crate::io::hive)).
    ///
    /// # Errors
    /// As [`open`](Self::open); `Value` when the name of a folder is not of the type given to its column.
    pub fn open_hive(paths: &[String], options: CsvOptions) -> Result<Arc<dyn Source>> {
        let listed = store::list(paths, &EXTENSIONS, &options.storage)?;
        let mut texts = HiveTexts::of(&listed);
        let mut of_files = options.clone();
        of_files.dtypes.retain(|name, _| !texts.names().contains(name));
        let files = || listed.iter().map(|l| l.info.clone()).collect();
        let mut source = CsvSource::of_files(files(), of_files.clone())?;
        texts.remove(&source.schema);
        let wanted = options.dtypes.iter().filter(|(name, _)| !texts.names().contains(name));
        let dtypes: BTreeMap<_, _> = wanted.map(|(name, data_type)| (name.clone(), data_type.clone())).collect();
        if dtypes != of_files.dtypes {
            source = CsvSource::of_files(files(), CsvOptions { dtypes, ..of_files })?;
        }
        if texts.is_empty() {
            return Ok(Arc::new(source));
        }
        let hive = texts.typed(&listed, &options.dtypes, &BTreeMap::new())?;
        Ok(Arc::new(HiveSource::new(Arc::new(source), hive)))
    }

    /// Opens files that were listed.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn of_files(infos: Vec<FileInfo>, options: CsvOptions) -> Result<CsvSource> {
        options.check()?;
        let look = |info: &FileInfo| {
            let (file, head, whole) = CsvFile::open(info, &options)?;
            let (guesses, found) = Guesses::of(&file, &options, &head, whole)?;
            Ok((file, guesses, found))
        };
        let mut unified = Unified::default();
        let mut files = Vec::with_capacity(infos.len());
        // some at a time, so that of many files not all heads wait for the first bad one
        for some in infos.chunks(FILES_AT_ONCE) {
            for (file, guesses, found) in store::many::each(some, look)? {
                unified.widened.extend(found);
                unified.add(&file, &guesses, &options)?;
                files.push(Arc::new(file));
            }
        }
        let schema = unified.schema(&options)?;
        let notes = unified.notes(&options);
        notes.iter().for_each(|note| tracing::warn!("{note}"));
        let (widened, options) = (unified.widened, CsvOptions { found_formats: unified.formats, ..options });
        let (mut blocks, mut partitions) = (Vec::new(), Vec::new());
        for (i, file) in files.iter().enumerate() {
            for block in 0..file.blocks() {
                let (start, end) = file.range(block);
                let end = end.min(file.data + file.length.unwrap_or(file.info.size));
                let origin = format!("{}, bytes {start} to {end}", file.info.path);
                blocks.push((i, block));
                partitions.push(PartitionInfo { rows: None, bytes: end.saturating_sub(start), origin });
            }
        }
        Ok(CsvSource { files, options: Arc::new(options), schema, blocks, partitions, widened, notes })
    }

    /// Where a column's type became wider than it was before: at values that [`Infer::All`] met, and at files whose column
    /// is of another type than in those before.
    pub fn widened(&self) -> &[Widening] {
        &self.widened
    }
}

/// The columns of several files, as they come together.
#[derive(Default)]
struct Unified {
    columns: Vec<(String, Guess)>,
    /// The place of each column, by name.
    places: HashMap<String, usize>,
    widened: Vec<Widening>,
    /// The formats that were found of times.
    formats: BTreeMap<String, TimeFormat>,
}

impl Unified {
    fn add(&mut self, file: &CsvFile, guesses: &[Guess], options: &CsvOptions) -> Result<()> {
        for (name, &guess) in file.names.iter().zip(guesses) {
            let Some(&place) = self.places.get(name) else {
                self.places.insert(name.clone(), self.columns.len());
                self.columns.push((name.clone(), guess));
                continue;
            };
            let before = self.columns[place].1;
            let after = before.join(guess);
            self.columns[place].1 = after;
            if options.dtypes.contains_key(name) || after == before || before == Guess::Nothing {
                continue;
            }
            if after == Guess::Text {
                self.apart(file, name, (before, guess), options)?;
            }
            let (from, to) = (before.data_type(), after.data_type());
            let path = file.info.path.to_string();
            let told = self.widened.iter().any(|w| w.path == path && w.column == *name && w.to == to);
            if from != to && !told {
                self.widened.push(Widening { path, line: None, column: name.clone(), from, to, value: None });
            }
        }
        Ok(())
    }

    /// The error for a column whose types in several files have nothing in common, unless all were read to find that out.
    fn apart(&self, file: &CsvFile, name: &str, (before, here): (Guess, Guess), options: &CsvOptions) -> Result<()> {
        let error = |what: String| {
            let error = Error::new(ErrorKind::Schema { what }).doing("read").at_path(&file.info.path);
            error.at_column(name)
        };
        if let (Guess::Dated(there), Guess::Dated(here)) = (before, here) {
            let text = |formats: Formats| formats.chosen(options.day_first).map_or("", TimeFormat::text);
            let what = format!("times are written as {} here and as {} in the files before", text(here), text(there));
            return Err(error(what).help("read these files apart"));
        }
        if options.infer == Infer::All || options.parse_dates.iter().any(|c| c == name) {
            return Ok(());
        }
        let (here, there) = (here.data_type(), before.data_type());
        let help = format!("give it one type: .dtype(\"{name}\", {})", written(&DataType::Utf8));
        Err(error(format!("the column is {here} here and {there} in the files before")).help(help))
    }

    fn schema(&mut self, options: &CsvOptions) -> Result<SchemaRef> {
        let named = |(name, guess): &(String, Guess)| {
            let guessed = guess.data_type();
            let zoned = matches!(guessed, DataType::Timestamp(_, Some(_)));
            let data_type = if let Some(given) = options.dtypes.get(name) {
                given.clone()
            } else if options.parse_dates.contains(name) && !zoned {
                DataType::Timestamp(TimeUnit::Microsecond, None)
            } else if options.assume_missing && guessed == DataType::Int64 {
                DataType::Float64
            } else {
                guessed
            };
            Field::new(name, data_type, true)
        };
        let schema = Schema::new(self.columns.iter().map(named).collect::<Vec<_>>());
        for name in options.dtypes.keys().chain(&options.parse_dates) {
            if !self.places.contains_key(name) {
                return Err(unknown_column(&schema, name).doing("read CSV"));
            }
        }
        for (name, guess) in &self.columns {
            if let Guess::Dated(formats) = guess
                && let Some(format) = formats.chosen(options.day_first)
            {
                self.formats.insert(name.clone(), format.clone());
            }
        }
        let all = Arc::new(options.clone());
        for field in schema.fields() {
            super::column::column(field, &all, 0).map_err(|e| e.at_column(field.name()))?;
        }
        Ok(Arc::new(schema))
    }

    /// What a user may not expect of the types.
    fn notes(&self, options: &CsvOptions) -> Vec<String> {
        let ambiguous = |(name, guess): &(String, Guess)| match guess {
            Guess::Dated(formats) if formats.is_ambiguous() && !options.day_first => {
                let format = formats.chosen(false)?.text();
                Some(format!(
                    "column {name}: days and months could be either, and are read as {format}: say .day_first(true) if the day is first"
                ))
            }
            _ => None,
        };
        self.widened.iter().map(Widening::to_string).chain(self.columns.iter().filter_map(ambiguous)).collect()
    }
}

impl Identity for CsvSource {
    fn token(&self, t: &mut Tokenizer) {
        t.str("csv");
        t.list(&self.files, |t, file| t.identity(&file.info));
        t.identity(&*self.options);
    }
}

impl Source for CsvSource {
    fn describe(&self) -> String {
        let bytes = ByteSize(self.files.iter().map(|f| f.info.size).sum());
        let first = self.files.first().map_or("", |f| &f.info.path);
        match self.files.len() {
            1 => format!("csv {first}, {bytes}"),
            n => format!("csv {first} and {} more, {bytes}", n - 1),
        }
    }

    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn partitions(&self) -> &[PartitionInfo] {
        &self.partitions
    }

    fn read(&self, i: usize, scan: &Scan, ctx: &TaskContext) -> Result<Batches> {
        let Some(&(file, block)) = self.blocks.get(i) else {
            return Err(Error::invalid(format!("there is no partition {i}")).doing("read CSV"));
        };
        let reading = Reading {
            file: self.files[file].clone(),
            ordinal: file as u64,
            block,
            schema: scan.project(&self.schema),
            options: self.options.clone(),
            limit: scan.limit.unwrap_or(usize::MAX),
        };
        Ok(Box::new(Partition::open(reading, ctx)?))
    }

    fn portable(&self) -> Option<PortableSource> {
        let mut options = self.options.as_ref().clone();
        options.dtypes = self.schema.fields().iter().map(|f| (f.name().clone(), f.data_type().clone())).collect();
        let found = options.found_formats.iter().map(|(name, format)| (name.clone(), format.text().to_string()));
        let found: Vec<_> = found.filter(|(name, _)| options.given_format(name).is_none()).collect();
        options.date_formats.extend(found);
        options.infer = Infer::Sample;
        let files = self.files.iter().map(|file| &file.info);
        PortableSource::of(Format::Csv, files, &options, self.partitions.len())
    }

    fn file_of(&self, i: usize) -> Option<usize> {
        self.blocks.get(i).map(|(file, _)| *file)
    }

    fn notes(&self) -> Vec<String> {
        let skipped = |file: &Arc<CsvFile>| {
            let (skipped, first) = file.skipped()?;
            let line = line_of(&file.info, file.form, first).map_or("?".to_string(), count);
            let (path, fields, skipped) = (&file.info.path, file.names.len(), count(skipped));
            Some(format!(
                "{path}: {skipped} records have not {fields} fields and are left out, the first at line {line}"
            ))
        };
        self.notes.iter().cloned().chain(self.files.iter().filter_map(skipped)).collect()
    }
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
