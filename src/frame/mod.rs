//! Frames: documented methods that only build a plan.
//!
//! | module | what |
//! |---|---|
//! | [`data_frame`] | [`DataFrame`]: a plan and the session it runs in; its structure |
//! | [`columns`] | methods that compute columns |
//! | [`rows`] | methods that choose rows |
//! | [`reshape`] | methods that turn columns into rows and rows into columns |
//! | [`index`] | methods of frames whose partitions are ranges of a column |
//! | [`join`] | methods that bring two frames together |
//! | [`compute`] | methods that ask for results |
//! | [`later`] | results to be awaited |
//! | [`mod@arrow`] | rows from other Arrow programs, and to them |
//! | [`read`], [`mod@write`] | files |
//! | [`group_by`] | methods that aggregate by keys |
//! | [`statistics`] | methods that summarise columns |
//! | [`measure`] | methods that say how much there is: bytes, missing values |
//! | [`analysis`] | [`Analysis`]: what the operations of a frame do while it is computed |
//! | [`table`] | [`Table`]: a result, and how it is shown |
//! | [`mod@visualize`] | pictures of what is to be computed |
//! | [`structure`] | how a frame that is not computed is shown |

pub mod analysis;
pub mod arrow;
pub mod columns;
pub mod compute;
pub mod data_frame;
pub mod group_by;
pub mod index;
pub mod join;
pub mod later;
pub mod measure;
pub mod read;
pub mod reshape;
pub mod rows;
pub mod statistics;
pub mod structure;
pub mod table;
pub mod visualize;
pub mod write;

pub use crate::expr::names::{Cols, IntoColumns, cols};
pub use analysis::{AnalysedOperation, AnalysedPlan, Analysis};
pub use arrow::BatchReader;
pub use compute::wait;
pub use data_frame::DataFrame;
pub use group_by::GroupBy;
pub use later::{BatchStream, ComputeFuture};
pub use read::{
    IntoPaths, read_csv, read_csv_with, read_ipc, read_ipc_with, read_json, read_json_with, read_parquet,
    read_parquet_with, read_table,
};
pub use rows::concat;
pub use table::Table;
pub use visualize::View;
