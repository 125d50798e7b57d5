//! Methods of expressions that belong together.
//!
//! | module | what |
//! |---|---|
//! | [`dt`] | times and durations: `col("t").dt().weekday()` |

pub mod dt;

pub use dt::Dt;
