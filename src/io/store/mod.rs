//! Which files are meant, wherever they are, and reading their bytes.
//!
//! A path is a file of this machine, and so is `file://…`. Addresses of object stores (`s3://`, `gs://`, `az://`,
//! `abfs://`), of web servers (`http://`, `https://`) and of this process (`memory://`) need the feature `cloud`.
//!
//! | module | what |
//! |---|---|
//! | [`address`] | addresses, taken apart |
//! | [`ahead`] | bytes one after the other, asked for before they are needed |
//! | [`coming`] | an answer that is on its way |
//! | [`mod@file`] | a file as it was when it was listed |
//! | [`input`] | its bytes by position |
//! | [`mod@list`] | the files that paths, folders, patterns and addresses mean |
//! | [`local`] | those of this machine |
//! | [`many`] | looking into many files at once |
//! | [`options`] | how stores are reached |
//! | [`planned`] | bytes of which it is known which will be read |
//! | [`ranges`] | ranges of bytes, asked for together |
//! | [`recent`] | pieces of a file that were asked for a moment ago |
//! | [`stores`] | the stores of a session |
//! | `remote` | object stores and web servers (feature `cloud`): the only part that knows tokio |

pub mod address;
pub mod ahead;
pub mod coming;
pub mod file;
pub mod input;
pub mod list;
pub mod local;
pub mod many;
pub mod options;
pub mod planned;
pub mod ranges;
pub mod recent;
#[cfg(feature = "cloud")]
pub mod remote;
pub mod stores;

pub use coming::Coming;
pub use file::{Distant, FileInfo, Listed};
pub use input::{Demand, Input};
pub use list::list;
pub use options::StorageOptions;
pub use recent::Recent;
pub(crate) use stores::stored;
pub use stores::{Storage, Stores};
