//! Arrow IPC files, which are Feather files of version 2, and streams.
//!
//! | module | what |
//! |---|---|
//! | [`read`] | [`IpcOptions`]: files as a source |
//! | [`write`](mod@write) | [`IpcWriteOptions`]: record batches as files |

pub mod read;
pub mod write;

pub use read::IpcOptions;
pub use write::IpcWriteOptions;
