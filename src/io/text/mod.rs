//! From the bytes of a file to text, and back: what CSV and JSON lines share.
//!
//! | module | what |
//! |---|---|
//! | [`form`] | [`Form`]: how the bytes of a file become text, packing and encoding; [`Letters`]: what is said of it |
//! | [`packing`] | [`Packing`]: gzip, Zstandard, bzip2, xz, zip |
//! | [`window`](mod@window) | what unpacking holds (pure) |
//! | [`zip`] | the one file of a zip archive |
//! | [`charset`] | encodings other than UTF-8 |
//! | [`lines`] | the lines of a text, for errors |
//! | [`packed`] | [`Packed`]: text on its way into a file |

pub mod charset;
pub mod form;
pub mod lines;
pub mod packed;
pub mod packing;
pub mod window;
pub mod zip;

pub use charset::Charset;
pub use form::{Form, Letters, NOT_UTF8};
pub use lines::{CHUNK, at_line, line_of, lines_of};
pub use packed::Packed;
pub use packing::Packing;
