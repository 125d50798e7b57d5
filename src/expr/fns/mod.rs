//! The functions, one a file.
//!
//! | module | what |
//! |---|---|
//! | [`one_column`] | what functions of one column have in common |
//! | [`arithmetic`] | `+ - * / %` of numbers, times and durations; `+` of text |
//! | [`compare`] | `> >= < <= == !=` |
//! | [`logic`] | and, or, xor, not: three-valued |
//! | [`negate`], [`abs`] | signs |
//! | [`round`] | round, floor, ceil |
//! | [`real`], [`pow`] | sqrt, exp, log, sin …; powers |
//! | [`extreme`] | the smallest and largest of several columns, bounds |
//! | [`cast`] | conversion to another type |
//! | [`is_null`], [`is_nan`] | what is missing |
//! | [`struct_field`] | a field of structs |
//! | [`fillna`] | a value for what is missing |
//! | [`is_in`] | one of a list |
//! | [`when`] | a value for each of several conditions |
//! | [`map`] | a function of one's own |
//! | [`pack`] | several values as one, and one of them back |
//! | [`dt`] | times and durations |
//! | [`mod@str`] | text |

pub mod abs;
pub mod arithmetic;
pub mod cast;
pub mod compare;
pub mod dt;
pub mod extreme;
pub mod fillna;
pub mod is_in;
pub mod is_nan;
pub mod is_null;
pub mod logic;
pub mod map;
pub mod negate;
pub mod one_column;
pub mod pack;
mod pairs;
pub mod pow;
pub mod real;
pub mod round;
pub mod str;
pub mod struct_field;
#[cfg(test)]
mod tests;
pub mod when;

pub use abs::Abs;
pub use arithmetic::Arithmetic;
pub use cast::Cast;
pub use compare::Compare;
pub use extreme::{Clip, Extreme};
pub use fillna::FillNull;
pub use is_in::IsIn;
pub use is_nan::IsNan;
pub use is_null::IsNull;
pub use logic::{Logic, Not};
pub use map::Map;
pub use negate::Negate;
pub use one_column::{Domain, OneColumn};
pub use pow::Pow;
pub use real::Real;
pub use round::Round;
pub use struct_field::StructField;
pub use when::When;
