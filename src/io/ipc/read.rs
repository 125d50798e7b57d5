//! Reading Arrow IPC files and streams.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::convert::try_fb_to_schema;
use arrow::ipc::reader::{FileDecoder, StreamDecoder, read_footer_length};
use arrow::ipc::{Block, MetadataVersion, root_as_footer};
use serde::{Deserialize, Serialize};

use super::message::{self, Messages, WHAT};
use crate::base::{self, Error, ErrorKind, Identity, Result, Tokenizer};
use crate::exec::{Budget, Reservation, TaskContext};
use crate::io::files::{Columns, FileFormat, Looked, Piece};
use crate::io::portable::Format;
use crate::io::store::{Demand, Input, Storage, stored};
use crate::io::{Batch, Batches, FileInfo, PortableSource};

/// What a file begins with.
const MAGIC: &[u8] = b"ARROW1";
/// What a file of Feather's first version begins with.
const FEATHER_1: &[u8] = b"FEA1";
/// What follows the footer: its length and the magic.
const TAIL: u64 = 10;
/// Neighbouring record batches up to about so many bytes make a partition.
const PART: u64 = 64 << 20;

/// How Arrow IPC files are read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IpcOptions {
    #[serde(with = "crate::expr::portable::typed_by_name")]
    dtypes: BTreeMap<String, DataType>,
    #[serde(skip)]
    storage: Storage,
}

impl IpcOptions {
    /// The usual options.
    pub fn new() -> Self {
        IpcOptions::default()
    }

    stored!();

    /// Gives column `name` a type, whatever the files say: the way out where their types do not go together.
    #[must_use]
    pub fn dtype(mut self, name: impl Into<String>, data_type: DataType) -> Self {
        self.dtypes.insert(name.into(), data_type);
        self
    }
}

impl Identity for IpcOptions {
    fn token(&self, t: &mut Tokenizer) {
        t.str("ipc options");
        t.debug(&self.dtypes);
    }
}

/// What is known of a file.
#[derive(Debug)]
pub enum IpcFile {
    /// One with a footer, whose record batches can be read in any order.
    Blocks {
        /// Its columns.
        schema: SchemaRef,
        /// Its version.
        version: MetadataVersion,
        /// Where its dictionaries are.
        dictionaries: Vec<Block>,
        /// Where its record batches are, those of each part together, and the number of the first.
        parts: Vec<(u64, Vec<Block>)>,
    },
    /// One that can be read from front to back only.
    Stream,
}

impl FileFormat for IpcOptions {
    type File = IpcFile;

    const NAME: &'static str = "ipc";
    const EXTENSIONS: &'static [&'static str] = &[".arrow", ".feather", ".ipc", ".arrows"];

    fn storage(&self) -> &Storage {
        &self.storage
    }

    fn dtypes(&self) -> &BTreeMap<String, DataType> {
        &self.dtypes
    }

    fn portable(&self, files: Vec<&FileInfo>, _schema: &SchemaRef, partitions: usize) -> Option<PortableSource> {
        PortableSource::of(Format::Ipc, files.into_iter(), self, partitions)
    }

    fn look(&self, info: &FileInfo) -> Result<Looked<IpcFile>> {
        look(info).map_err(|e| e.doing("read").at_path(&info.path))
    }

    fn read(&self, piece: Piece<'_, IpcFile>, columns: Columns, ctx: &TaskContext) -> Result<Batches> {
        let mut first = 0;
        let records: Box<dyn Iterator<Item = Result<RecordBatch>> + Send> = match &**piece.file {
            IpcFile::Blocks { parts, .. } => {
                let Some((start, _)) = parts.get(piece.part) else { return Ok(Box::new(std::iter::empty())) };
                // rows are told apart by the record batch that they are in
                first = *start << 32;
                Box::new(Blocks::open(&piece, &columns, ctx)?)
            }
            IpcFile::Stream => Box::new(Stream::open(piece.info, columns.read.clone(), ctx)?),
        };
        let (ordinal, cancel, step) = (piece.ordinal, ctx.cancel.clone(), ctx.batch_rows.max(1));
        let (mut left, stream) = (piece.limit, matches!(**piece.file, IpcFile::Stream));
        let pieces = records.map(move |record| -> Result<Vec<Batch>> {
            cancel.check()?;
            let record = columns.assemble(&record?)?;
            let rows = record.num_rows().min(left);
            left -= rows;
            let whole = Batch::new(record.slice(0, rows), ordinal, first);
            first += if stream { rows as u64 } else { 1 << 32 };
            Ok((0..rows).step_by(step).map(|start| whole.slice(start, step.min(rows - start))).collect())
        });
        let mut failed = false;
        let flat = pieces.take_while(move |piece| !std::mem::replace(&mut failed, piece.is_err()));
        Ok(Box::new(flat.flat_map(|piece| match piece {
            Ok(batches) => batches.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        })))
    }
}

/// Looks at the end of a file, or at the beginning of a stream.
fn look(info: &FileInfo) -> Result<Looked<IpcFile>> {
    let file = info.open()?;
    let head = bytes(&file, 0, info.size.min(MAGIC.len() as u64))?;
    if head.starts_with(FEATHER_1) {
        let error = Error::unsupported("version 1 of the Feather format");
        return Err(error.help("read it with pyarrow and write it again: that makes version 2"));
    }
    if head != MAGIC {
        let first =
            Messages::new(file.from(0, &Demand::look(64 << 10)), info.size).next(&mut Budget::unlimited().nothing());
        let schema = first.and_then(|first| match first {
            Some(message) => message::columns(&message),
            None => Err(damaged("it is empty")),
        });
        let schema =
            schema.map_err(|e| e.help("is it an Arrow IPC file or stream? Parquet is read with read_parquet"))?;
        return Ok(Looked { file: IpcFile::Stream, schema: Arc::new(schema), parts: vec![(None, info.size)] });
    }
    let tail_at = info.size.checked_sub(TAIL).ok_or_else(|| damaged("it has no footer"))?;
    let tail: [u8; TAIL as usize] = bytes(&file, tail_at, TAIL)?.try_into().map_err(|_| damaged("it has no footer"))?;
    let length = guarded(|| read_footer_length(tail))? as u64;
    let at = tail_at.checked_sub(length).ok_or_else(|| damaged("its footer is longer than the file"))?;
    let footer = bytes(&file, at, length)?;
    guarded(|| {
        let footer = root_as_footer(&footer).map_err(|e| ArrowError::IpcError(e.to_string()))?;
        let schema = footer.schema().ok_or_else(|| ArrowError::IpcError("it tells no columns".into()))?;
        let schema = Arc::new(try_fb_to_schema(schema)?);
        let dictionaries: Vec<Block> = footer.dictionaries().map(|d| d.iter().copied().collect()).unwrap_or_default();
        let batches: Vec<Block> = footer.recordBatches().map(|b| b.iter().copied().collect()).unwrap_or_default();
        for block in dictionaries.iter().chain(&batches) {
            check(block, info.size)?;
        }
        let parts = parts(batches);
        let sizes = parts.iter().map(|(_, blocks)| (None, blocks.iter().map(size).sum())).collect();
        let file = IpcFile::Blocks { schema: schema.clone(), version: footer.version(), dictionaries, parts };
        Ok(Looked { file, schema, parts: sizes })
    })
}

/// Neighbouring record batches together, as long as they are small.
fn parts(blocks: Vec<Block>) -> Vec<(u64, Vec<Block>)> {
    let mut parts: Vec<(u64, Vec<Block>)> = Vec::new();
    let mut held = 0;
    for (number, block) in blocks.into_iter().enumerate() {
        held += size(&block);
        match parts.last_mut().filter(|_| held <= PART) {
            Some((_, last)) => last.push(block),
            None => {
                held = size(&block);
                parts.push((number as u64, vec![block]));
            }
        }
    }
    parts
}

fn size(block: &Block) -> u64 {
    (block.metaDataLength() as u64).saturating_add(block.bodyLength() as u64)
}

/// Whether a block lies in the file.
fn check(block: &Block, file: u64) -> Result<(), ArrowError> {
    let start = u64::try_from(block.offset()).ok();
    let lengths = u64::try_from(block.metaDataLength()).ok().zip(u64::try_from(block.bodyLength()).ok());
    let end = start.zip(lengths).and_then(|(start, (head, body))| start.checked_add(head)?.checked_add(body));
    match end {
        Some(end) if end <= file => Ok(()),
        _ => Err(ArrowError::IpcError("a record batch lies beyond the end of the file".into())),
    }
}

/// The record batches of a part.
struct Blocks {
    file: Input,
    decoder: FileDecoder,
    blocks: std::vec::IntoIter<Block>,
    reservation: Reservation,
}

impl Blocks {
    fn open(piece: &Piece<'_, IpcFile>, columns: &Columns, ctx: &TaskContext) -> Result<Blocks> {
        let IpcFile::Blocks { schema, version, dictionaries, parts } = &**piece.file else {
            return Err(Error::invalid("a stream has no blocks"));
        };
        let decoder = FileDecoder::new(schema.clone(), *version).with_projection(columns.read.clone());
        let blocks = parts.get(piece.part).map(|(_, blocks)| blocks.clone()).unwrap_or_default().into_iter();
        let mut open = Blocks { file: piece.info.open()?, decoder, blocks, reservation: ctx.budget.nothing() };
        for block in dictionaries {
            let buffer = open.bytes(block)?;
            guarded(|| open.decoder.read_dictionary(block, &buffer))?;
        }
        Ok(open)
    }

    /// The bytes of a block, and memory for what they become.
    fn bytes(&mut self, block: &Block) -> Result<Buffer> {
        self.reservation.resize(WHAT, 2 * size(block))?;
        let bytes = bytes(&self.file, block.offset() as u64, size(block))?;
        message::room_for(&mut self.reservation, &bytes, block.metaDataLength() as usize)?;
        Ok(Buffer::from_vec(bytes))
    }

    fn block(&mut self, block: &Block) -> Result<RecordBatch> {
        let buffer = self.bytes(block)?;
        let record = guarded(|| self.decoder.read_record_batch(block, &buffer))?;
        record.ok_or_else(|| damaged("a record batch is missing"))
    }
}

/// The record batches of a stream.
struct Stream {
    messages: Messages,
    decoder: StreamDecoder,
    columns: Vec<usize>,
    reservation: Reservation,
}

impl Stream {
    fn open(info: &FileInfo, columns: Vec<usize>, ctx: &TaskContext) -> Result<Stream> {
        let messages = Messages::new(info.open()?.from(0, &Demand::of(info.size, ctx)), info.size);
        Ok(Stream { messages, decoder: StreamDecoder::new(), columns, reservation: ctx.budget.nothing() })
    }

    fn advance(&mut self) -> Result<Option<RecordBatch>> {
        while let Some(mut message) = self.messages.next(&mut self.reservation)? {
            if let Some(record) = guarded(|| self.decoder.decode(&mut message))? {
                return Ok(Some(record.project(&self.columns)?));
            }
        }
        Ok(None)
    }
}

impl Iterator for Stream {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}

impl Iterator for Blocks {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let block = self.blocks.next()?;
        Some(self.block(&block))
    }
}

/// Bytes that lie inside the file.
fn bytes(file: &Input, at: u64, length: u64) -> Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length).map_err(|_| damaged("it is larger than memory"))?];
    file.read_exact_at(&mut bytes, at).map_err(|e| match e.kind() {
        std::io::ErrorKind::UnexpectedEof => damaged("it ends before its content does"),
        _ => Error::system(e),
    })?;
    Ok(bytes)
}

pub(super) fn damaged(what: &str) -> Error {
    Error::new(ErrorKind::Corrupt { what: format!("the Arrow IPC file is damaged: {what}") })
}

/// Runs Arrow's code over bytes that may be damaged: its errors become ours, and so does a panic.
pub(super) fn guarded<T>(read: impl FnOnce() -> Result<T, ArrowError>) -> Result<T> {
    base::guarded(|| read().map_err(translate), damaged)
}

fn translate(error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(what, error) => {
            let ours = error.get_ref().is_some_and(|inner| inner.is::<Error>());
            if ours || error.raw_os_error().is_some() { Error::system(error) } else { damaged(&what) }
        }
        error => damaged(&error.to_string()),
    }
}
