//! Files on their way into a store, which appear together when all are there.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Write};
use std::mem::take;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{MultipartUpload, ObjectStoreExt};

use super::failure::failed;
use super::listing;
use super::object::Object;
use super::runtime::start;
use super::store::Store;
use crate::base::disk::DiskFile;
use crate::base::{Error, Result};
use crate::exec::{Budget, Cancel, Reservation};
use crate::io::FileInfo;
use crate::io::store::Coming;
use crate::io::store::address::Address;

/// A part of an upload. S3 takes ten thousand of them, so later ones of a large file are larger.
const PART: usize = 8 << 20;
/// So many parts of a file are under way at once.
const UNDER_WAY: usize = 2;
/// So many files appear or go at once.
const AT_ONCE: usize = 16;

/// The files that are written below an address. Nobody sees one before [`commit`](Self::commit); what is not committed is
/// given up.
pub struct Uploads {
    store: Arc<Store>,
    address: Address,
    /// Those that are complete, and wait for the others.
    waiting: Mutex<Vec<Waiting>>,
}

struct Waiting {
    key: String,
    upload: Box<dyn MultipartUpload>,
    /// The bytes that have arrived.
    size: u64,
}

impl Uploads {
    /// Files below an address.
    pub fn new(store: Arc<Store>, address: Address) -> Arc<Uploads> {
        Arc::new(Uploads { store, address, waiting: Mutex::default() })
    }

    /// Where they will be.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// All files that are there, whatever their names.
    ///
    /// # Errors
    /// `Store`.
    pub fn there(&self) -> Result<Vec<FileInfo>> {
        listing::everything(&self.store, &self.address)
    }

    /// The very file, if it is there.
    ///
    /// # Errors
    /// `Store`.
    pub fn before(&self) -> Result<Option<FileInfo>> {
        listing::this_one(&self.store, &self.address)
    }

    /// Begins the file `key`. It waits for the others when it is synced.
    ///
    /// # Errors
    /// `Store`, `Memory`.
    pub fn begin(self: &Arc<Self>, key: &str, budget: &Budget) -> Result<Box<dyn DiskFile>> {
        let placed = |e: Error| e.doing("write").at_path(self.address.with_key(key));
        let path = self.store.path(&self.address.with_key(key))?;
        let store = self.store.clone();
        let begun = start(async move {
            let upload = || store.objects.put_multipart(&path);
            store.patiently(upload).await
        });
        let upload = Some(begun.wait(&Cancel::new()).map_err(placed)?);
        Ok(Box::new(Writing {
            to: self.clone(),
            key: key.to_string(),
            upload,
            part: Vec::new(),
            most: PART,
            sent: 0,
            size: 0,
            coming: VecDeque::new(),
            held: budget.nothing(),
        }))
    }

    /// Lets all files appear, at places where there is nothing, but for the one file `before`. If that fails for one of
    /// them, those that have appeared are removed again.
    ///
    /// # Errors
    /// `Store`.
    pub fn commit(&self, before: Option<FileInfo>) -> Result<()> {
        let waiting = take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        let (store, address) = (self.store.clone(), self.address.clone());
        let work = async move {
            let done = stream::iter(waiting.into_iter().map(|one| appear(&store, &address, one, before.as_ref())));
            let done: Vec<(String, Result<()>)> = done.buffer_unordered(AT_ONCE).collect().await;
            let (mut appeared, mut error) = (Vec::new(), None);
            for (key, result) in done {
                match result {
                    Ok(()) => appeared.push(key),
                    Err(e) => error = Some(e.at_path(address.with_key(&key))),
                }
            }
            match error {
                None => Ok(()),
                Some(error) => {
                    // best effort: the error says that something is wrong
                    let _ = remove(&store, &address, appeared).await;
                    Err(error.help("no file of this write is left, as far as the store could be reached"))
                }
            }
        };
        start(work).wait(&Cancel::new()).map_err(|e| e.doing("write"))
    }

    /// Removes files.
    ///
    /// # Errors
    /// `Store`.
    pub fn remove(&self, keys: Vec<String>) -> Result<()> {
        let (store, address) = (self.store.clone(), self.address.clone());
        let removed = start(async move { remove(&store, &address, keys).await });
        removed.wait(&Cancel::new()).map_err(|e| e.doing("remove what was").at_path(&self.address))
    }

    /// Gives up all files that wait.
    pub fn abort(&self) {
        let waiting = take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if waiting.is_empty() {
            return;
        }
        let given_up = start(async move {
            stream::iter(waiting)
                .for_each_concurrent(AT_ONCE, |mut one| async move { give_up(&mut *one.upload).await })
                .await;
            Ok(())
        });
        let _ = given_up.wait(&Cancel::new());
    }
}

impl Drop for Uploads {
    fn drop(&mut self) {
        self.abort();
    }
}

impl fmt::Debug for Uploads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uploads({})", self.address)
    }
}

/// Completes an upload. An answer that was lost may have been a yes: then the file is there, and is not the one before.
async fn appear(
    store: &Arc<Store>,
    address: &Address,
    mut one: Waiting,
    before: Option<&FileInfo>,
) -> (String, Result<()>) {
    let error = match one.upload.complete().await {
        Ok(_) => return (one.key, Ok(())),
        Err(error) => error,
    };
    let address = address.with_key(&one.key);
    if matches!(error, object_store::Error::NotFound { .. })
        && let Ok(path) = store.path(&address)
        && let Ok(meta) = store.objects.head(&path).await
    {
        let now = Object::info(store, address.to_string(), meta);
        if now.size == one.size && before != Some(&now) {
            return (one.key, Ok(()));
        }
    }
    give_up(&mut *one.upload).await;
    (one.key, Err(failed(error, 0)))
}

async fn give_up(upload: &mut dyn MultipartUpload) {
    // what a store keeps of uploads that were given up is removed by its own rules, too
    let _ = upload.abort().await;
}

async fn remove(store: &Arc<Store>, address: &Address, keys: Vec<String>) -> Result<()> {
    let paths = keys.iter().map(|key| store.path(&address.with_key(key))).collect::<Result<Vec<_>>>()?;
    let paths = stream::iter(paths.into_iter().map(Ok)).boxed();
    let gone = store.objects.delete_stream(paths).map(|gone| match gone {
        Err(object_store::Error::NotFound { .. }) => Ok(()),
        other => other.map(|_| ()),
    });
    gone.try_collect::<Vec<()>>().await.map_err(|e| failed(e, 0))?;
    Ok(())
}

/// A file that is being written.
struct Writing {
    to: Arc<Uploads>,
    key: String,
    /// Gone when it waits with the others.
    upload: Option<Box<dyn MultipartUpload>>,
    /// What is not sent yet.
    part: Vec<u8>,
    /// How much of it is sent at once.
    most: usize,
    sent: u32,
    /// The bytes so far.
    size: u64,
    coming: VecDeque<(usize, Coming<()>)>,
    held: Reservation,
}

impl Writing {
    /// Sends what is held.
    fn send(&mut self) -> Result<()> {
        while self.coming.len() >= UNDER_WAY {
            self.arrived()?;
        }
        let bytes = Bytes::from(take(&mut self.part));
        let length = bytes.len();
        self.size += length as u64;
        let Some(upload) = &mut self.upload else { return Err(Error::invalid("the file is closed")) };
        let part = upload.put_part(bytes.into());
        self.coming.push_back((length, start(async move { part.await.map_err(|e| failed(e, 0)) })));
        self.sent += 1;
        if self.sent.is_multiple_of(1000) {
            self.most *= 2;
        }
        Ok(())
    }

    /// Waits until the first part that is under way has arrived.
    fn arrived(&mut self) -> Result<()> {
        if let Some((_, coming)) = self.coming.pop_front() {
            coming.wait(&Cancel::new())?;
        }
        let held: usize = self.coming.iter().map(|(length, _)| length).sum::<usize>() + self.part.capacity();
        self.held.shrink_to(held as u64);
        Ok(())
    }
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = self.most - self.part.len();
            let (now, later) = rest.split_at(rest.len().min(room));
            if self.part.len() + now.len() > self.part.capacity() {
                let wanted = (2 * self.part.capacity()).clamp(now.len() + self.part.len(), self.most);
                self.held.grow("a part of a file that is sent to a store", (wanted - self.part.capacity()) as u64)?;
                self.part.reserve_exact(wanted - self.part.len());
            }
            self.part.extend_from_slice(now);
            rest = later;
            if self.part.len() == self.most {
                self.send()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for Writing {
    /// Returns when all bytes have arrived. Nobody sees them yet.
    fn sync(&mut self) -> io::Result<()> {
        if self.upload.is_none() {
            return Ok(());
        }
        // a file of no bytes has a part, too
        if !self.part.is_empty() || self.sent == 0 {
            self.send()?;
        }
        while !self.coming.is_empty() {
            self.arrived()?;
        }
        if let Some(upload) = self.upload.take() {
            let waiting = Waiting { key: self.key.clone(), upload, size: self.size };
            self.to.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(waiting);
        }
        Ok(())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.coming.clear();
        if let Some(mut upload) = self.upload.take() {
            let given_up = start(async move {
                give_up(&mut *upload).await;
                Ok(())
            });
            let _ = given_up.wait(&Cancel::new());
        }
    }
}
