//! Messages of the Arrow IPC format, looked at before they are decoded: a damaged length must not make anybody allocate it.

use std::io::{ErrorKind as Kind, Read};

use arrow::buffer::Buffer;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::ipc::convert::try_fb_to_schema;
use arrow::ipc::{Message, MessageHeader, RecordBatch, root_as_message};

use super::read::{damaged, guarded};
use crate::base::{Error, Result};
use crate::exec::Reservation;

/// What memory is reserved for.
pub(super) const WHAT: &str = "a record batch of an Arrow IPC file";

/// What a message begins with, but for old ones.
const CONTINUATION: [u8; 4] = [0xff; 4];
/// No compression makes bytes this many times fewer (zstd of equal bytes comes near to it).
const MOST: u64 = 1 << 16;

/// Where the message proper begins, behind its length.
fn start(bytes: &[u8]) -> usize {
    if bytes.starts_with(&CONTINUATION) { 8 } else { 4 }
}

fn parsed(bytes: &[u8]) -> Result<Message<'_>, ArrowError> {
    let proper = bytes.get(start(bytes)..).unwrap_or_default();
    root_as_message(proper).map_err(|e| ArrowError::IpcError(e.to_string()))
}

/// Makes room for a message, whose body begins behind so many bytes, and for what becomes of it.
///
/// # Errors
/// `Corrupt` for lengths that cannot be; `Memory`.
pub(super) fn room_for(room: &mut Reservation, message: &[u8], body: usize) -> Result<()> {
    let size = message.len() as u64;
    // where buffers are not packed, those that do not lie at a multiple of their width are moved
    room.resize(WHAT, size.saturating_add(size.max(unpacked(message, body)?)))
}

/// How many bytes the packed buffers of a message say that they have when they are unpacked.
fn unpacked(message: &[u8], body: usize) -> Result<u64> {
    let body = message.get(body..).unwrap_or_default();
    guarded(|| {
        let parsed = parsed(message)?;
        let batch: Option<RecordBatch<'_>> = match parsed.header_type() {
            MessageHeader::RecordBatch => parsed.header_as_record_batch(),
            MessageHeader::DictionaryBatch => parsed.header_as_dictionary_batch().and_then(|d| d.data()),
            _ => None,
        };
        let Some(batch) = batch.filter(|batch| batch.compression().is_some()) else { return Ok(0) };
        let mut sum = 0_u64;
        for buffer in batch.buffers().into_iter().flatten().filter(|buffer| buffer.length() >= 8) {
            let said = usize::try_from(buffer.offset()).ok().and_then(|at| body.get(at..)?.first_chunk());
            let said = said.map(|bytes| i64::from_le_bytes(*bytes)).unwrap_or_default().max(0) as u64;
            if said > (buffer.length() as u64).saturating_mul(MOST) {
                return Err(ArrowError::IpcError(format!("a buffer cannot have {said} bytes")));
            }
            sum = sum.saturating_add(said);
        }
        Ok(sum)
    })
}

/// The messages of a stream, one after the other.
pub(super) struct Messages {
    input: Box<dyn Read + Send>,
    /// Bytes of the file that are left.
    left: u64,
}

impl Messages {
    /// Those of a file of so many bytes.
    pub fn new(input: Box<dyn Read + Send>, size: u64) -> Messages {
        Messages { input, left: size }
    }

    /// The next message with its body; none at the end. Memory for it is in `room`.
    ///
    /// # Errors
    /// `Corrupt` when the file ends before the message does; `Io`, `Memory`.
    pub fn next(&mut self, room: &mut Reservation) -> Result<Option<Buffer>> {
        if self.left == 0 {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        self.take(&mut bytes, 4)?;
        if bytes.starts_with(&CONTINUATION) {
            self.take(&mut bytes, 4)?;
        }
        let length = bytes.last_chunk().map_or(0, |length| u32::from_le_bytes(*length));
        if length == 0 {
            return Ok(None);
        }
        if u64::from(length) <= self.left {
            room.resize(WHAT, u64::from(length))?;
        }
        self.take(&mut bytes, u64::from(length))?;
        let body = bytes.len();
        let length = guarded(|| Ok(parsed(&bytes)?.bodyLength()))?;
        let length = u64::try_from(length).ok().filter(|length| *length <= self.left);
        let length = length.ok_or_else(|| damaged("a message is longer than the file"))?;
        room.resize(WHAT, 2 * (body as u64 + length))?;
        self.take(&mut bytes, length)?;
        room_for(room, &bytes, body)?;
        Ok(Some(Buffer::from_vec(bytes)))
    }

    fn take(&mut self, bytes: &mut Vec<u8>, length: u64) -> Result<()> {
        let short = || damaged("it ends before its content does");
        self.left = self.left.checked_sub(length).ok_or_else(short)?;
        let at = bytes.len();
        bytes.resize(at + length as usize, 0);
        self.input.read_exact(&mut bytes[at..]).map_err(|e| match e.kind() {
            Kind::UnexpectedEof => short(),
            _ => Error::system(e),
        })
    }
}

/// The columns that a message tells, which a stream begins with.
///
/// # Errors
/// `Corrupt` when it tells none.
pub(super) fn columns(message: &[u8]) -> Result<Schema> {
    guarded(|| {
        let parsed = parsed(message)?;
        let schema = parsed.header_as_schema();
        try_fb_to_schema(schema.ok_or_else(|| ArrowError::IpcError("it tells no columns".into()))?)
    })
}
