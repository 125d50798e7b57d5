//! Columns of fixed width, encoded by ourselves: writing is bound by building dictionaries, and knowing that a value is
//! a word of 4 or 8 bytes makes that several times faster than the general writer, which does all other columns.
//!
//! | module | what |
//! |---|---|
//! | [`rle`] | runs and bit-packed numbers, the encoding of indices and of nulls (pure) |
//! | [`dictionary`] | distinct words and their numbers |
//! | [`codec`] | compression of pages |
//! | [`word`] | values of fixed width as words, and their ranges |
//! | [`fixed`] | a column of words, from arrays to the bytes of a column chunk |

pub mod codec;
pub mod dictionary;
pub mod fixed;
pub mod rle;
pub mod word;
