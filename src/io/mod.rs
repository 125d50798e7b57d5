//! Where batches come from and go to.
//!
//! | module | what |
//! |---|---|
//! | [`batch`] | a record batch and the origin of its rows |
//! | [`spill`] | batches moved to scratch files and read back |
//! | [`buckets`] | rows by the hash of their keys, in memory and on disk: what lies in the middle of an exchange |
//! | [`source`] | [`Source`]: partitions that can be read; [`Scan`]: what is wanted of them |
//! | [`checkpoint`] | partitions on disk that outlive the process |
//! | [`csv`] | CSV files: reading and writing |
//! | [`files`] | files of a format as one source: what formats share |
//! | `fuzz` | what must hold for any bytes (for tests and the fuzzer) |
//! | [`ipc`] | Arrow IPC (Feather) files and streams |
//! | [`hive`] | columns whose values are the names of folders |
//! | [`json`] | JSON lines |
//! | [`memory`] | batches that are already there |
//! | [`parquet`] | Parquet files |
//! | [`portable`] | [`PortableSource`]: files as plain data, for another process |
//! | [`mod@shared`] | files that somebody else has written for this process |
//! | [`sink`] | [`Sink`]: partitions become files, whole or not at all |
//! | [`staging`] | prepared beside their place, put there in one step |
//! | [`store`] | which files are meant, here and in object stores, and opening them |
//! | [`text`] | from the bytes of a file to text, and back |

pub mod batch;
pub mod buckets;
pub mod checkpoint;
pub mod csv;
pub mod files;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod hive;
pub mod ipc;
pub mod json;
pub mod memory;
pub mod parquet;
pub mod portable;
pub mod shared;
pub mod sink;
pub mod source;
pub mod spill;
pub mod staging;
pub mod store;
pub mod text;

pub use batch::{Batch, Batches, Origin, Rows};
pub use buckets::{BucketWriter, Buckets, Hashed};
pub use hive::HiveSource;
pub use ipc::{IpcOptions, IpcWriteOptions};
pub use json::{JsonOptions, JsonWriteOptions};
pub use memory::MemorySource;
pub use parquet::{ParquetReadOptions, ParquetSource, ParquetWriteOptions};
pub use portable::PortableSource;
pub use shared::Shared;
pub use sink::{FolderSink, Format, Part, Placement, Receipt, Sink, WriteMode};
pub use source::{PartitionInfo, Scan, Source};
pub use spill::SpilledBatch;
pub use store::{FileInfo, StorageOptions};
