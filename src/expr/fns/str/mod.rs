//! Functions of text: the methods of [`Str`](crate::expr::namespaces::Str).
//!
//! | module | what |
//! |---|---|
//! | [`find`] | contains, starts_with, ends_with, matches |
//! | [`measure`] | lengths |
//! | [`rewrite`] | lower, upper, trim, slice, replace |
//! | [`pattern`] | regular expressions, read once |
//! | `text` | walking over strings of any layout |
//!
//! Text may lie in `Utf8`, `LargeUtf8` or `Utf8View`, and keeps its layout; of a dictionary each value is seen once.

pub mod find;
pub mod measure;
pub mod pattern;
pub mod rewrite;
pub(super) mod text;

pub use find::Find;
pub use measure::Measure;
pub use pattern::Pattern;
pub use rewrite::Rewrite;
