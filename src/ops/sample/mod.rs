//! A random part of the rows.
//!
//! | module | what |
//! |---|---|
//! | [`op`] | [`Sample`]: how much, by which seed, in which mode |
//! | [`draw`] | the draws: a hash of the seed and of the place a row came from |
//! | [`by_place`] | keeps or repeats rows by those draws |
//! | [`dask`] | the rows that Dask would draw |
//! | [`mt19937`] | numpy's generator, which those need |

pub mod by_place;
pub mod dask;
pub mod draw;
pub mod mt19937;
pub mod op;

pub use op::{Sample, SampleMode};
