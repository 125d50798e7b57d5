//! Arrow IPC files, which are Feather files of version 2, and streams.
//!
//! | module | what |
//! |---|---|
//! | `message` | messages, looked at before they are decoded |
//! | [`read`] | [`IpcOptions`]: files as a source |
//! | [`write`](mod@write) | [`IpcWriteOptions`]: record batches as files |

mod message;
pub mod read;
pub mod write;

pub use read::IpcOptions;
pub use write::IpcWriteOptions;
