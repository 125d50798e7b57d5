//! JSON lines as a source.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use arrow::json::reader::{Decoder, infer_json_schema};
use rustc_hash::FxHashMap;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::lines::Lines;
use super::options::JsonOptions;
use crate::base::{Error, ErrorKind, Result};
use crate::exec::{Budget, TaskContext};
use crate::io::files::{Columns, FileFormat, Looked, Piece};
use crate::io::portable::Format;
use crate::io::store::{Demand, Storage};
use crate::io::text::{Form, Letters, at_line, line_of};
use crate::io::{Batch, Batches, FileInfo, Origin, PortableSource, Rows};

/// How much of a file is looked at to see how it is packed.
const HEAD: u64 = 4 << 10;

/// What is known of a file.
#[derive(Debug)]
pub struct JsonFile {
    form: Form,
    schema: SchemaRef,
    /// Bytes of a part, but for the last.
    block: u64,
    parts: usize,
}

impl FileFormat for JsonOptions {
    type File = JsonFile;

    const NAME: &'static str = "json";
    const EXTENSIONS: &'static [&'static str] = &[
        ".jsonl",
        ".ndjson",
        ".json",
        ".jsonl.gz",
        ".ndjson.gz",
        ".json.gz",
        ".jsonl.zst",
        ".ndjson.zst",
        ".json.zst",
    ];

    fn storage(&self) -> &Storage {
        &self.storage
    }

    fn dtypes(&self) -> &BTreeMap<String, DataType> {
        &self.dtypes
    }

    fn portable(&self, files: Vec<&FileInfo>, schema: &SchemaRef, partitions: usize) -> Option<PortableSource> {
        // nothing is found out twice
        let dtypes = schema.fields().iter().map(|f| (f.name().clone(), f.data_type().clone())).collect();
        let options = JsonOptions { dtypes, infer_rows: Some(1), ..self.clone() };
        PortableSource::of(Format::Json, files.into_iter(), &options, partitions)
    }

    fn look(&self, info: &FileInfo) -> Result<Looked<JsonFile>> {
        let (form, _) = Form::of(info, &Letters::default(), HEAD)?;
        let inferred = infer_json_schema(BufReader::new(form.open(info, 0, &Demand::look(HEAD))?), self.infer_rows);
        let (inferred, _) = inferred.map_err(|e| self.not_inferred(info, form, e))?;
        let given = |field: &FieldRef| match self.dtypes.get(field.name()) {
            Some(given) => Arc::new(field.as_ref().clone().with_data_type(given.clone())),
            None => field.clone(),
        };
        let mut fields: Vec<FieldRef> = inferred.fields().iter().map(given).collect();
        let order = self.keys(info, form)?;
        fields.sort_by_key(|field| order.get(field.name()).copied().unwrap_or(usize::MAX));
        let known = |name: &String| inferred.field_with_name(name).is_ok();
        // one that is asked for may come later
        let later = self.dtypes.iter().filter(|(name, _)| !known(name));
        fields.extend(later.map(|(name, t)| Arc::new(Field::new(name, t.clone(), true))));
        let schema = Arc::new(Schema::new(fields));
        let parts = if form.is_plain() { info.size.div_ceil(self.block_size).max(1) } else { 1 };
        let block = if parts == 1 { info.size } else { self.block_size };
        let sizes = (0..parts).map(|part| (None, block.min(info.size - part * block))).collect();
        let file = JsonFile { form, schema: schema.clone(), block, parts: parts as usize };
        Ok(Looked { file, schema, parts: sizes })
    }

    fn read(&self, piece: Piece<'_, JsonFile>, columns: Columns, ctx: &TaskContext) -> Result<Batches> {
        let file = piece.file;
        let start = piece.part as u64 * file.block;
        let end = if piece.part + 1 == file.parts { u64::MAX } else { start + file.block };
        // the line that starts at the first byte of a part is of this part: look at the byte before
        let from = start.saturating_sub(1);
        let mut lines = Lines::new(
            file.form.open(piece.info, from, &Demand::of(end.saturating_sub(from), ctx))?,
            from,
            file.form.held(),
            &ctx.budget,
        );
        if start > 0 {
            lines.skip_line()?;
        }
        let read = Arc::new(file.schema.project(&columns.read)?);
        Ok(Box::new(Reading {
            info: piece.info.clone(),
            form: file.form,
            ordinal: piece.ordinal,
            lines,
            waiting: Vec::new(),
            end,
            decoder: decoder(&read, ctx.batch_rows)?,
            read,
            columns,
            left: piece.limit,
            ctx: ctx.clone(),
            done: false,
        }))
    }
}

impl JsonOptions {
    /// The keys of the lines that inference looks at, in the order in which they appear.
    fn keys(&self, info: &FileInfo, form: Form) -> Result<FxHashMap<String, usize>> {
        let mut lines = Lines::new(form.open(info, 0, &Demand::look(HEAD))?, 0, 0, &Budget::unlimited());
        let (mut keys, mut left) = (FxHashMap::default(), self.infer_rows.unwrap_or(usize::MAX));
        while left > 0 {
            let some = lines.next()?;
            if some.is_empty() {
                break;
            }
            for line in some.into_iter().take(left) {
                left -= 1;
                // what is no object was told before
                let mut text = serde_json::Deserializer::from_slice(&lines.bytes()[line]);
                let _ = Keys(&mut keys).deserialize(&mut text);
            }
        }
        Ok(keys)
    }

    /// The error for a file whose columns cannot be told: at the first line that is no object.
    fn not_inferred(&self, info: &FileInfo, form: Form, error: ArrowError) -> Error {
        let found = || -> Result<Option<(u64, String)>> {
            let mut lines = Lines::new(form.open(info, 0, &Demand::look(HEAD))?, 0, 0, &Budget::unlimited());
            loop {
                let some = lines.next()?;
                if some.is_empty() {
                    return Ok(None);
                }
                for line in some {
                    let text = &lines.bytes()[line.clone()];
                    if let Err(error) = infer_json_schema(text, None) {
                        return Ok(Some((lines.place(line.start), reason(error))));
                    }
                }
            }
        };
        match found() {
            Ok(Some((place, what))) => broken(info, form, place, what),
            _ => Error::new(ErrorKind::Schema { what: reason(error) })
                .doing("read")
                .at_path(&info.path)
                .help("give the column one type with dtype()"),
        }
    }
}

/// Numbers the keys of an object that are not known yet.
struct Keys<'a>(&'a mut FxHashMap<String, usize>);

impl<'de> DeserializeSeed<'de> for Keys<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while let Some((key, _)) = object.next_entry::<String, IgnoredAny>()? {
            let next = self.0.len();
            self.0.entry(key).or_insert(next);
        }
        Ok(())
    }
}

fn decoder(schema: &SchemaRef, rows: usize) -> Result<Decoder> {
    Ok(ReaderBuilder::new(schema.clone()).with_batch_size(rows.max(1)).with_coerce_primitive(true).build_decoder()?)
}

/// What Arrow says, without what kind of error it takes it for and without lines of its own count.
fn reason(error: ArrowError) -> String {
    let what = match error {
        ArrowError::JsonError(what) | ArrowError::ParseError(what) | ArrowError::InvalidArgumentError(what) => what,
        other => other.to_string(),
    };
    what.split(" at line 1 column ").collect::<Vec<_>>().join(" at character ")
}

fn broken(info: &FileInfo, form: Form, place: u64, what: String) -> Error {
    let error = Error::new(ErrorKind::Corrupt { what }).doing("read").at_path(&info.path);
    let error = at_line(error, line_of(info, form, place));
    error.help("each line has to be a whole JSON object; give a column another type with dtype()")
}

/// A part that is being read.
struct Reading {
    info: FileInfo,
    form: Form,
    ordinal: u64,
    lines: Lines,
    /// Lines that are not decoded yet, the next one last.
    waiting: Vec<std::ops::Range<usize>>,
    /// Lines that start here are of the next part.
    end: u64,
    decoder: Decoder,
    /// The columns that are read.
    read: SchemaRef,
    columns: Columns,
    left: usize,
    ctx: TaskContext,
    done: bool,
}

impl Reading {
    fn advance(&mut self) -> Result<Option<Batch>> {
        self.ctx.cancel.check()?;
        let most = self.ctx.batch_rows.max(1).min(self.left);
        let mut places: Vec<u64> = Vec::new();
        while places.len() < most {
            if self.waiting.is_empty() {
                // a batch is of lines that are read together, so that one that does not fit can be found
                if !places.is_empty() {
                    break;
                }
                self.waiting = self.lines.next()?;
                self.waiting.reverse();
            }
            let Some(line) = self.waiting.pop() else { break };
            let place = self.lines.place(line.start);
            if place >= self.end {
                self.left = 0;
                break;
            }
            places.push(place);
            self.feed(line).map_err(|what| broken(&self.info, self.form, place, what))?;
        }
        if places.is_empty() {
            return Ok(None);
        }
        self.left = self.left.saturating_sub(places.len());
        let record = self.flush(&places)?;
        let record = self.columns.assemble(&record)?;
        Ok(Some(Batch { record, origin: Origin { file: self.ordinal, rows: Rows::List(places.into()) } }))
    }

    /// Gives a line to the decoder, which has to find one object in it.
    fn feed(&mut self, line: std::ops::Range<usize>) -> Result<(), String> {
        let text = self.lines.bytes()[line].trim_ascii();
        let had = self.decoder.len();
        let taken = self.decoder.decode(text).map_err(reason)?;
        match self.decoder.len() - had {
            1 if taken == text.len() && !self.decoder.has_partial_record() => Ok(()),
            0 | 1 if self.decoder.has_partial_record() => Err("the object does not end in its line".into()),
            _ => Err("the line holds more than one object".into()),
        }
    }

    /// The rows that the decoder has; looks for the line that is not of the types of the columns if there is one.
    fn flush(&mut self, places: &[u64]) -> Result<RecordBatch> {
        let empty = || RecordBatch::new_empty(self.read.clone());
        if self.read.fields().is_empty() {
            let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(places.len()));
            self.decoder = decoder(&self.read, self.ctx.batch_rows)?;
            return Ok(RecordBatch::try_new_with_options(self.read.clone(), Vec::new(), &options)?);
        }
        match self.decoder.flush() {
            Ok(record) => Ok(record.unwrap_or_else(empty)),
            Err(error) => {
                let (place, what) = self.misfit(places).unwrap_or((places[0], reason(error)));
                Err(broken(&self.info, self.form, place, what))
            }
        }
    }

    /// The first of these lines that does not fit, and why.
    fn misfit(&self, places: &[u64]) -> Option<(u64, String)> {
        let first = self.lines.place(0);
        places.iter().find_map(|&place| {
            let rest = self.lines.bytes().get((place - first) as usize..)?;
            let line = rest.split(|byte| *byte == b'\n').next()?;
            let mut alone = decoder(&self.read, 1).ok()?;
            let fits = alone.decode(line.trim_ascii()).and_then(|_| alone.flush());
            fits.err().map(|error| (place, reason(error)))
        })
    }
}

impl Iterator for Reading {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let next = self.advance();
        self.done = !matches!(next, Ok(Some(_)));
        next.transpose()
    }
}
