//! CSV, read in partitions that are cut at the true ends of records, and written.
//!
//! | module | what |
//! |---|---|
//! | `options` | [`CsvOptions`]: how files are written and are to be read |
//! | `source` | [`CsvSource`]: several files, one schema, partitions |
//! | `file` | one file: its header, and the places where partitions start |
//! | `infer` | types from values |
//! | `read` | the batches of a partition |
//! | `chunks` | bytes, a chunk of whole records at a time; line numbers |
//! | `split` | where records and fields end (pure) |
//! | `state` | what surrounds a byte: inside quotes or not (pure) |
//! | `parse` | numbers, truth values, dates and times from bytes (pure) |
//! | `column` | typed columns out of fields |
//! | `write` | record batches as CSV |
//! | `format` | [`CsvWriteOptions`]: CSV as a format that partitions are written in |

pub(crate) mod chunks;
mod column;
mod file;
pub(crate) mod format;
mod infer;
mod options;
mod parse;
mod read;
mod source;
mod split;
mod state;
mod write;

pub use format::CsvWriteOptions;
pub use infer::Widening;
pub use options::{CsvOptions, Infer};
pub use source::CsvSource;
pub use write::CsvWriter;
