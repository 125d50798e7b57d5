//! What is to be computed: an immutable tree of operations, and how it becomes tasks.
//!
//! | module | what |
//! |---|---|
//! | [`node`] | [`Plan`]: an operation over plans; schema and token computed once |
//! | [`op`] | [`Op`]: what an operation says of itself |
//! | [`divisions`] | [`Divisions`]: how the values of a column lie in the partitions |
//! | [`relation`] | [`Relation`]: which rows an operation brings together; [`Engine`]: somebody who runs plans elsewhere |
//! | [`shape`] | [`Shape`]: the ways an operation can run |
//! | [`stage`] | [`Stage`]: what an operation does with the batches of one partition |
//! | [`partition`] | [`Partition`]: batches held as a task's result |
//! | [`rules`] | what makes a plan cheaper, one rule a file |
//! | [`mod@lower`] | from a plan to a graph of tasks |
//! | [`measure`] | what each operation does while it runs, where that is asked for |
//! | [`explain`] | a plan for people |
//! | [`draw`] | a plan as a drawing |
//!
//! Operations are open, shapes are closed: nothing here knows a particular operation. This layer never sees a thread,
//! a clock or a file.

pub mod divisions;
pub mod draw;
pub mod explain;
pub mod lower;
pub mod measure;
pub mod node;
pub mod op;
pub mod partition;
pub mod relation;
pub mod rules;
pub mod shape;
pub mod stage;

pub use divisions::Divisions;
pub use lower::{Lowered, lower};
pub use measure::{Figures, Meter};
pub use node::Plan;
pub use op::{Footprint, Op};
pub use partition::{Gather, Partition};
pub use relation::{Engine, Relation};
pub use shape::{Exchange, Feed, Map, Reduce, Shape, Shuffle, Store, Then};
pub use stage::{Flow, Out, Stage};
