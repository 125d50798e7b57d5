//! Methods of expressions that belong together.
//!
//! | module | what |
//! |---|---|
//! | [`math`] | numbers: `col("x").round(2)`, [`min_of`], [`max_of`] |
//! | [`when`](mod@when) | `when(condition).then(value).otherwise(value)` |
//! | [`dt`] | times and durations: `col("t").dt().weekday()` |
//! | [`mod@str`] | text: `col("s").str().lower()` |

pub mod dt;
pub mod math;
pub mod str;
pub mod when;

pub use dt::Dt;
pub use math::{max_of, min_of};
pub use str::Str;
pub use when::{Choice, Condition, when};
