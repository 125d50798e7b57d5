//! Arrays for the eye.
//!
//! | file | what |
//! |---|---|
//! | `table` | what [`Display`](std::fmt::Display) shows: bytes, shape, count and type |
//! | `grid` | where the lines of a drawing of chunks stand: pure |
//! | `drawing` | [`to_svg`](super::Array::to_svg): the chunks as Dask draws them, in one, two or three directions |
//! | `page` | [`to_html`](super::Array::to_html): the table and the drawing |
//! | `plot` | [`plot`](super::Array::plot): an array of one axis as a line |

mod drawing;
mod grid;
mod page;
mod plot;
mod table;

pub use crate::base::chart::Plot;
