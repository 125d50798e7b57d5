//! Whether a place is on this machine or in a store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::{FolderSink, Format, Receipt, Sink, write_file};
#[cfg(not(feature = "cloud"))]
use crate::base::Error;
use crate::base::Result;
use crate::exec::TaskContext;
use crate::io::Batch;
use crate::io::store::address::{Address, Meant, meant};
use crate::io::store::{Storage, Stores};

/// Begins a folder of files at a path or an address.
///
/// # Errors
/// As [`FolderSink::open`]; `Store`, and `Unsupported` for an address without the feature `cloud`, and for a web server.
pub fn open(target: &Path, format: Arc<dyn Format>, schema: SchemaRef, stores: &Stores) -> Result<Arc<dyn Sink>> {
    match place(target, stores)? {
        Place::Here(path) => Ok(Arc::new(FolderSink::open(path, format, schema)?)),
        Place::Store(address) => in_store(&address, &storage(&*format, stores), format, schema),
    }
}

/// Writes `batches` to one file at a path or an address, which appears whole or not at all.
///
/// # Errors
/// As [`write_file`]; as [`open`].
pub fn write(
    target: &Path,
    format: &dyn Format,
    schema: &SchemaRef,
    batches: &mut dyn Iterator<Item = Result<Batch>>,
    (stores, ctx): (&Stores, &TaskContext),
) -> Result<Receipt> {
    match place(target, stores)? {
        Place::Here(path) => write_file(path, format, schema, batches, ctx),
        Place::Store(address) => file_in_store(&address, &storage(format, stores), format, schema, batches, ctx),
    }
}

enum Place {
    Here(PathBuf),
    Store(Address),
}

fn place(target: &Path, stores: &Stores) -> Result<Place> {
    // what is no Unicode is no address
    let Some(text) = target.to_str() else { return Ok(Place::Here(target.to_path_buf())) };
    match meant(text, &stores.mounted())? {
        Meant::Path(path) => Ok(Place::Here(path.into())),
        Meant::Address(address) => address.writable().map(Place::Store),
    }
}

fn storage(format: &dyn Format, stores: &Stores) -> Storage {
    Storage { options: format.placement().storage, stores: stores.clone() }
}

#[cfg(feature = "cloud")]
fn in_store(address: &Address, storage: &Storage, format: Arc<dyn Format>, schema: SchemaRef) -> Result<Arc<dyn Sink>> {
    Ok(Arc::new(super::stored::StoredSink::open(address, storage, format, schema)?))
}

#[cfg(feature = "cloud")]
use super::stored::write_stored as file_in_store;

#[cfg(not(feature = "cloud"))]
fn in_store(address: &Address, _: &Storage, _: Arc<dyn Format>, _: SchemaRef) -> Result<Arc<dyn Sink>> {
    Err(without_stores(address))
}

#[cfg(not(feature = "cloud"))]
fn file_in_store(
    address: &Address,
    _: &Storage,
    _: &dyn Format,
    _: &SchemaRef,
    _: &mut dyn Iterator<Item = Result<Batch>>,
    _: &TaskContext,
) -> Result<Receipt> {
    Err(without_stores(address))
}

#[cfg(not(feature = "cloud"))]
fn without_stores(address: &Address) -> Error {
    crate::io::store::stores::without_stores(address).doing("write")
}
