//! Pictures of graphs: layered layouts as SVG and DOT text, made without any program.
//!
//! | module | what |
//! |---|---|
//! | [`drawing`] | [`Drawing`]: nodes and edges, how they look, how far they are |
//! | [`tasks`] | [`Tasks`]: a graph of tasks as a drawing, whole or collapsed |
//! | [`visualize`] | [`Visualize`]: what `visualize()` gives: choices, then SVG, DOT or a file |
//! | [`layout`] | [`Layout`]: where nodes stand and how edges run |
//! | `layers` | which layer each node is in; places where long edges pass |
//! | `crossings` | the order in the layers that lets few edges cross |
//! | `coordinates` | where in its layer each node stands, so that edges are straight |
//! | `face` | how big a node is, and its lines of text |
//! | `collapse` | tasks that do the same as one |
//! | `svg`, `dot` | the texts |
//! | `palette` | colours that everybody can tell apart |
//! | `text` | widths, line breaks, escapes |

mod collapse;
mod coordinates;
mod crossings;
mod dot;
pub mod drawing;
mod face;
mod layers;
pub mod layout;
mod palette;
mod svg;
pub mod tasks;
#[cfg(test)]
mod testing;
mod text;
pub mod visualize;

pub use drawing::{Drawing, Kind, Node, NodeId, Progress, State};
pub use layout::{Direction, Layout};
pub use tasks::Tasks;
pub use visualize::{Detail, Visualize};
