//! Rows by their keys, and aggregates of each group.
//!
//! | module | what |
//! |---|---|
//! | `op` | [`GroupBy`]: what a user writes; it is rewritten to a projection and [`Grouped`] |
//! | `grouped` | [`Grouped`]: aggregates of columns by columns, as a shuffle |
//! | `spec` | which columns are what |
//! | `categories` | the categories that occur among keys |
//! | `partial` | groups and their states, as far as one task has come |
//! | `store` | what lies between the rows that come and the groups that go |
//! | `ordered` | aggregates that need the values of a group in order |
//! | `finish` | the groups of one bucket |
//!
//! Each task folds its rows into groups of its own. When those are small, they are put together at the end; when they
//! outgrow the cache or the memory, they go as columns into buckets by the hash of their keys; and when groups are
//! nearly as many as rows, the rows go there themselves. Every state is exact, or keeps the place of its row, so that
//! none of this can be seen in the result.
//!
//! An aggregate whose state grows with its group (a median) always has the rows travel. In its bucket their values are
//! sorted by group and value, on disk where they do not fit, so that not even one group has to fit into memory.

mod categories;
mod finish;
mod grouped;
mod op;
mod ordered;
mod partial;
mod spec;
mod store;

pub use grouped::Grouped;
pub use op::GroupBy;
