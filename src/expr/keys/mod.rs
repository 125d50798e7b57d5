//! Rows by their keys: hashes, groups, and how keys are kept.
//!
//! | module | what |
//! |---|---|
//! | [`mix`] | the mixers that hashes are made of |
//! | [`flat`] | a key column of a batch, whatever its layout |
//! | [`mod@hash`] | [`hash_rows`]: the fixed hash of the keys of each row |
//! | [`store`] | distinct keys, kept in growing columns |
//! | [`table`] | open addressing over group numbers |
//! | [`codes`] | groups looked up by small codes, without a hash |
//! | [`order`] | groups in the order of their hashes |
//! | [`grouper`] | [`Grouper`]: the group of each row, the keys of each group |
//!
//! Two keys are the same when they mean the same: null is null, NaN is NaN, −0.0 is 0.0, and a string is its characters
//! in every layout. Keys that are the same have the same hash, in every process, for ever: the order of unsorted
//! results hangs on it.

pub mod codes;
pub mod flat;
pub mod grouper;
pub mod hash;
#[cfg(test)]
mod laws;
pub mod mix;
pub mod order;
pub mod store;
pub mod table;

pub use flat::missing;
pub use grouper::Grouper;
pub use hash::hash_rows;
