//! CSV, read in partitions that are cut at the true ends of records, and written.
//!
//! | module | what |
//! |---|---|
//! | `options` | [`CsvOptions`]: how files are written and are to be read |
//! | `source` | [`CsvSource`]: several files, one schema, partitions |
//! | `file` | one file: its header, and the places where partitions start |
//! | `infer` | types from values |
//! | `widening` | [`Widening`]: where a type became wider |
//! | `time_format` | dates and times in any format (pure) |
//! | `read` | the batches of a partition |
//! | `chunks` | bytes, a chunk of whole records at a time; line numbers |
//! | `split` | where records and fields end (pure) |
//! | `loose` | where they end, one byte after the other: for other separators, escapes, comments, ragged records (pure) |
//! | `state` | what surrounds a byte: inside quotes or not (pure) |
//! | `separator` | [`Separator`]: what stands between fields |
//! | `parse` | numbers, truth values, dates and times from bytes (pure) |
//! | `column` | typed columns out of fields |
//! | `fuzz` | what must hold for any bytes (for tests and the fuzzer) |
//! | `write` | record batches as CSV |
//! | `format` | [`CsvWriteOptions`]: CSV as a format that partitions are written in |

mod chunks;
mod column;
mod file;
mod format;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod infer;
mod loose;
mod options;
mod parse;
mod read;
mod separator;
mod source;
mod split;
mod state;
mod time_format;
mod widening;
mod write;

pub use format::CsvWriteOptions;
pub use options::{CsvOptions, Infer};
pub use separator::Separator;
pub use source::CsvSource;
pub use state::Ragged;
pub use widening::Widening;
pub use write::CsvWriter;
