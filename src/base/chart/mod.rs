//! Pictures of numbers: lines, ranges, bars and cells along axes, as SVG for light and dark paper.
//!
//! | file | what |
//! |---|---|
//! | `plot` | [`Plot`], what users hold: panels above each other on one horizontal axis, and a legend |
//! | `marks` | what stands in a panel: lines, ranges, areas, bars, cells |
//! | `axis` | from values to pixels: numbers, powers of ten, names |
//! | `ticks` | round numbers along an axis: pure |
//! | `paper` | the beginning of a picture: its size, style and title |

mod axis;
mod marks;
mod paper;
mod plot;
mod ticks;

pub(crate) use axis::Axis;
pub(crate) use marks::{Hue, Mark, Series};
pub use plot::Plot;
pub(crate) use plot::{HEIGHT, Panel};
