//! Functions of each element, alone or of several arrays at the same place.
//!
//! | module | what |
//! |---|---|
//! | [`nodes`] | how they are evaluated: tile by tile, in place where types allow it |
//! | [`kernels`] | sines, cosines, exponentials and logarithms of many numbers at once |
//! | [`promote`] | which type two types have together; what stands beside an array |
//! | [`number`] | what elements can do |
//! | [`operators`] | `+ - * / %`, `& \| ^ !` and the sign |
//! | [`compare`] | `eq ne lt le gt ge`, logic, and what is NaN |
//! | [`extreme`] | the smaller and the larger of two |
//! | [`power`] | powers, hypotenuses, angles, quotients rounded down |
//! | [`functions`] | functions of one number |
//! | [`rounding`] | to whole numbers and digits |
//! | [`select`] | `where_`, `clip`, `nan_to_num` |
//! | [`cast`] | other types of elements |
//! | [`failed`] | errors that wait until somebody may fail |

pub mod cast;
pub mod compare;
pub mod extreme;
pub mod failed;
pub mod functions;
pub mod kernels;
pub mod nodes;
pub mod number;
pub mod operators;
pub mod power;
pub mod promote;
pub mod rounding;
pub mod select;

pub use cast::Cast;
pub use number::{Additive, Bits, Number, Real};
pub use promote::{Operand, Promote};
pub use select::where_;
