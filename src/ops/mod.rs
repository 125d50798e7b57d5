//! Relational operations, one a file. An operation states its facts and its shape; adding one touches its file, a line
//! here and a method in `frame/`.
//!
//! | module | what |
//! |---|---|
//! | [`scan`] | reads a source |
//! | [`filter`] | keeps the rows where a condition is true |
//! | [`project`] | computes columns |
//! | [`columns`] | operations that are a projection written shorter |
//! | [`select`], [`with_columns`], [`mod@drop`], [`rename`], [`astype`], [`fillna`] | those |
//! | [`limit`], [`head`], [`tail`], [`partitions`] | some of the rows |
//! | [`narrow`] | the partitions that a filter on the index looks at |
//! | [`sort_by`], [`top_k`] | rows in order, and the first of them |
//! | [`mod@concat`] | frames one after the other |
//! | [`categorize`] | columns of text as categories |
//! | [`dropna`] | rows without missing values |
//! | [`melt`], [`explode`] | columns and lists turned into rows |
//! | [`join`] | rows of two frames side by side |
//! | [`window`] | functions that look at other rows |
//! | [`count`] | the number of rows |
//! | [`map_partitions`] | a closure over whole partitions |
//! | [`mod@write`] | partitions to files |
//! | [`aggregate`], [`describe`] | summaries of columns |
//! | [`drop_duplicates`] | one row of those that are equal |
//! | [`group_by`] | aggregates of rows by their keys |
//! | [`sample`] | a random part of the rows |
//! | `origins` | where rows came from, as a column |
//! | [`repartition`] | the same rows in other partitions |
//! | [`set_index`] | rows in the order of a column, in partitions that are known ranges of it |
//! | [`memory_usage`], [`null_count`] | what is counted for each column, added up by [`totals`] |
//! | [`checkpoint`] | results that are on disk, for the next run too |
//! | [`persist`] | results that are held |
//! | [`mod@portable`] | plans as plain data |
//! | [`elsewhere`] | results of an engine that runs elsewhere |
//! | [`gathered`] | rows that came once and are kept |

pub mod aggregate;
pub mod astype;
pub mod categorize;
pub mod checkpoint;
pub mod columns;
pub mod concat;
pub mod count;
pub mod describe;
pub mod drop;
pub mod drop_duplicates;
pub mod dropna;
pub mod elsewhere;
pub mod explode;
pub mod fillna;
pub mod filter;
pub mod gathered;
pub mod group_by;
pub mod head;
pub mod join;
pub mod limit;
pub mod map_partitions;
pub mod melt;
pub mod memory_usage;
pub mod narrow;
pub mod null_count;
mod origins;
pub mod partitions;
pub mod persist;
pub mod portable;
pub mod project;
pub mod rename;
pub mod repartition;
pub mod sample;
pub mod scan;
pub mod select;
pub mod set_index;
pub mod sort_by;
pub mod tail;
pub mod top_k;
pub mod totals;
pub mod window;
pub mod with_columns;
pub mod write;

pub use astype::Astype;
pub use categorize::Categorize;
pub use checkpoint::Checkpoint;
pub use concat::Concat;
pub use count::Count;
pub use describe::{Describe, Include};
pub use drop::Drop;
pub use drop_duplicates::{DropDuplicates, Keep};
pub use dropna::DropNa;
pub use elsewhere::Elsewhere;
pub use explode::Explode;
pub use fillna::Fillna;
pub use filter::Filter;
pub use gathered::Gathered;
pub use group_by::GroupBy;
pub use head::Head;
pub use join::{Join, JoinKind, JoinOp, Names};
pub use limit::Limit;
pub use map_partitions::MapPartitions;
pub use melt::Melt;
pub use memory_usage::MemoryUsage;
pub use narrow::Narrow;
pub use null_count::NullCount;
pub use partitions::Partitions;
pub use persist::Persisted;
pub use project::Project;
pub use rename::Rename;
pub use repartition::Repartition;
pub use sample::{Sample, SampleMode};
pub use scan::ScanOp;
pub use select::Select;
pub use set_index::{Divided, SetIndex};
pub use sort_by::SortBy;
pub use tail::Tail;
pub use top_k::TopK;
pub use window::Window;
pub use with_columns::WithColumns;
pub use write::Write;

pub use filter::same_schema;
