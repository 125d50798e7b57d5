//! A file of a store, its bytes by position.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::StreamExt;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectMeta};

use super::failure::{failed, refused};
use super::patience::Attempts;
use super::runtime::start;
use super::store::Store;
use crate::base::{Error, ErrorKind, Result};
use crate::io::store::Coming;
use crate::io::store::file::{Distant, FileInfo, changed};

/// An answer that broke off behind fewer bytes than this has brought nothing: it counts as a failure.
const SOME: usize = 64 << 10;
/// Whoever asks for so little of the beginning of a file wants to know what it is, and gets, when he asks again, so much.
const SMALL: u64 = 4 << 10;
const HEAD: u64 = 256 << 10;
/// A file of no more bytes is read whole, again and again, of a server that does not know ranges.
const WHOLE: u64 = 4 << 20;

/// A file of a store in the version that was listed.
pub struct Object(Arc<Known>);

struct Known {
    store: Arc<Store>,
    address: Arc<str>,
    path: Path,
    size: u64,
    /// As it came.
    tag: Option<String>,
    /// In seconds since 1970.
    modified: i64,
    version: String,
    /// The beginning of the file, until it is asked for a second time: whoever looks at the first bytes reads on.
    head: Mutex<Option<Bytes>>,
}

impl Object {
    /// What a store says of a file, as a file of ours.
    pub fn info(store: &Arc<Store>, address: String, meta: ObjectMeta) -> FileInfo {
        let address: Arc<str> = address.into();
        let modified = meta.last_modified.timestamp().max(0);
        let version = match &meta.e_tag {
            Some(tag) => format!("{} {}", store.endpoint, bare(tag)),
            None => format!("{} {} {modified}", store.endpoint, meta.size),
        };
        let known = Known {
            store: store.clone(),
            address: address.clone(),
            path: meta.location,
            size: meta.size,
            tag: meta.e_tag,
            modified,
            version,
            head: Mutex::default(),
        };
        FileInfo::elsewhere(address, meta.size, modified as u128 * 1_000_000_000, Arc::new(Object(Arc::new(known))))
    }
}

impl Known {
    /// The beginning of the file up to `end`, if it is there.
    fn known_head(&self, end: u64) -> Option<Bytes> {
        let mut head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        let known = head.clone().filter(|bytes| end <= bytes.len() as u64)?;
        if end >= SMALL.min(self.size) {
            *head = None;
        }
        Some(known.slice(..end as usize))
    }

    /// All bytes of a range. Where an answer breaks off, the rest is asked for.
    async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let length = (range.end - range.start) as usize;
        let mut bytes = Vec::with_capacity(length);
        let mut attempts = Attempts::new(self.store.patience);
        while bytes.len() < length {
            let before = bytes.len();
            attempts.made += 1;
            let said = match self.read_on(range.start + before as u64..range.end, &mut bytes).await {
                Ok(()) if bytes.len() == length => break,
                Ok(()) => Error::new(ErrorKind::Store {
                    what: format!("the answer ended after {} of {length} bytes", bytes.len()),
                    attempts: attempts.made,
                }),
                Err(Broken::Off(what)) => {
                    let what = format!("the answer broke off after {} of {length} bytes: {what}", bytes.len());
                    Error::new(ErrorKind::Store { what, attempts: attempts.made })
                }
                Err(Broken::For(error)) => return Err(*error),
                Err(Broken::Whole) if self.size <= WHOLE && range != (0..self.size) => {
                    let whole = Box::pin(self.read(0..self.size)).await?;
                    return Ok(whole.slice(range.start as usize..range.end as usize));
                }
                Err(Broken::Whole) => {
                    let error = Error::unsupported("a large file of a web server that gives files as a whole only");
                    return Err(error.help("download the file, or name a server that knows `Range`"));
                }
            };
            if bytes.len() - before >= SOME {
                attempts.forget();
            }
            tracing::debug!(target: "partita::store", attempt = attempts.made, "{}: {said}", self.address);
            match attempts.pause(None) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(said.help("try again later, or with more patience: .retries(..)")),
            }
        }
        Ok(bytes.into())
    }

    /// Adds what comes of a range.
    async fn read_on(&self, range: Range<u64>, bytes: &mut Vec<u8>) -> Result<(), Broken> {
        let most = bytes.len() + (range.end - range.start) as usize;
        // a file as a whole is given by servers that do not know ranges, too
        let whole = range == (0..self.size);
        let options = GetOptions {
            if_match: self.tag.as_deref().and_then(strong),
            range: (!whole).then_some(GetRange::Bounded(range)),
            ..GetOptions::default()
        };
        let answer = self.store.objects.get_opts(&self.path, options).await.map_err(|e| match broken_off(&e) {
            Some(what) => Broken::Off(what),
            None if knows_no_ranges(&e) => Broken::Whole,
            None => Broken::For(Box::new(failed(e, 0))),
        })?;
        self.is_same(&answer.meta)?;
        let mut stream = answer.into_stream();
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|e| match refused(&e) {
                Some(_) => Broken::For(Box::new(failed(e, 0))),
                None => Broken::Off(super::client::root_cause(&e)),
            })?;
            let room = most - bytes.len();
            bytes.extend_from_slice(&piece[..piece.len().min(room)]);
        }
        Ok(())
    }

    /// Whether an answer is of the version that was listed. Servers that do not know `If-Match` give any.
    fn is_same(&self, meta: &ObjectMeta) -> Result<(), Broken> {
        let (same, sure) = match (&self.tag, &meta.e_tag) {
            (Some(listed), Some(now)) => (bare(listed) == bare(now), true),
            _ => (self.modified == 0 || self.modified == meta.last_modified.timestamp().max(0), false),
        };
        match self.size == meta.size {
            true if same => Ok(()),
            // the same content cannot be shorter: somebody on the way has lost some of it
            false if same && sure => Err(Broken::Off(format!("of {} bytes the server names {}", self.size, meta.size))),
            _ => Err(Broken::For(Box::new(changed()))),
        }
    }
}

/// Why an answer has fewer bytes than were asked for.
enum Broken {
    /// It broke off: the rest may be asked for.
    Off(String),
    /// The server gives files as a whole only.
    Whole,
    /// For good.
    For(Box<Error>),
}

fn knows_no_ranges(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::NotSupported { source } if source.to_string().to_lowercase().contains("range"))
}

fn broken_off(error: &object_store::Error) -> Option<String> {
    super::store::is_broken(error).then(|| super::client::root_cause(error))
}

/// A tag without its quotes: lists give it without, where answers have them.
fn bare(tag: &str) -> &str {
    tag.trim_start_matches("W/").trim_matches('"')
}

/// The tag as `If-Match` has it. A weak one never matches there.
fn strong(tag: &str) -> Option<String> {
    (!tag.starts_with("W/")).then(|| format!("\"{}\"", bare(tag)))
}

impl Distant for Object {
    fn version(&self) -> &str {
        &self.0.version
    }

    fn fetch(&self, range: Range<u64>) -> Coming<Bytes> {
        let known = self.0.clone();
        if range.start == 0
            && let Some(head) = known.known_head(range.end)
        {
            return Coming::ready(Ok(head));
        }
        start(async move {
            let enough = if range.start == 0 && range.end < SMALL { 0..known.size.min(HEAD) } else { range.clone() };
            let mut bytes = known.read(enough.clone()).await.map_err(|e| e.doing("read").at_path(&known.address))?;
            if enough.end > range.end {
                *known.head.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes.clone());
                bytes.truncate(range.end as usize);
            }
            Ok(bytes)
        })
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0.address, self.0.version)
    }
}
