//! The functions, one a file.
//!
//! | module | what |
//! |---|---|
//! | [`arithmetic`] | `+ - * / %` |
//! | [`compare`] | `> >= < <= == !=` |
//! | [`logic`] | and, or, xor, not: three-valued |
//! | [`negate`] | `-x` |
//! | [`cast`] | conversion to another type |
//! | [`is_null`], [`is_nan`] | what is missing |
//! | [`fillna`] | a value for what is missing |

pub mod arithmetic;
pub mod cast;
pub mod compare;
pub mod dt;
pub mod fillna;
pub mod is_nan;
pub mod is_null;
pub mod logic;
pub mod negate;
pub mod one_column;
mod pairs;

pub use arithmetic::Arithmetic;
pub use cast::Cast;
pub use compare::Compare;
pub use fillna::FillNull;
pub use is_nan::IsNan;
pub use is_null::IsNull;
pub use logic::{Logic, Not};
pub use negate::Negate;
pub use one_column::{Domain, OneColumn};
