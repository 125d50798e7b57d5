//! Rows of two frames side by side, where their keys are the same.
//!
//! | module | what |
//! |---|---|
//! | `options` | [`Join`]: which kind, on which keys |
//! | `op` | the operation, and in which manner it runs |
//! | `layout` | which columns go where |
//! | `table` | rows to be found by their keys |
//! | `broadcast` | a small side is held, and shared by all tasks |
//! | `apart` | a small side that is too large for the memory that there is |
//! | `exchange` | two big sides meet in buckets |
//! | `heavy` | keys with more rows than memory |

mod apart;
mod broadcast;
mod exchange;
mod heavy;
mod layout;
mod op;
mod options;
mod table;

pub use op::JoinOp;
pub use options::{Join, JoinKind, Names};
