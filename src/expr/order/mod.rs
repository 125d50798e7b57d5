//! The order of rows by several keys: how it is written, keys as bytes that compare like the rows, sorting, merging.
//!
//! | module | what |
//! |---|---|
//! | [`sort_key`] | [`SortKey`]: `col("a").desc().nulls_first()` |
//! | [`encode`] | [`Encoder`] and [`Keys`]: keys as bytes, the first 16 of them as a number |
//! | `lane` | one key column as codes of bytes |
//! | [`sort`] | the order of the rows of some batches |
//! | [`merge`] | the order of the rows of sorted runs |
//!
//! Orders are total and stable: rows with equal keys stay in the order in which they came. Null and NaN are equal to
//! each other and stand last (or first, if asked for), whatever the direction, as with pandas' `na_position`; -0.0
//! equals 0.0; text is compared by its bytes.

pub mod encode;
mod lane;
pub mod merge;
pub mod sort;
pub mod sort_key;
#[cfg(test)]
mod tests;

pub use encode::{Encoder, Keys};
pub use merge::{Merge, Step};
pub use sort::{Place, shared_bytes, sorted};
pub use sort_key::{IntoSortKeys, SortKey};
