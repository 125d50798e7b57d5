//! A lazy, partitioned, out-of-core dataframe engine, with machine learning on the same scheduler: what Dask and dask-ml
//! are to Python, as one fast native library.
//!
//! A [`DataFrame`] is a plan over partitions of files. Every method checks columns and types at once, adds to the plan
//! and returns; nothing is read until a result is asked for. Then the plan is optimised, neighbouring operations become
//! one task a partition, and batches of some 32,000 rows are pushed from the file through all of them, on a pool of
//! threads, within a memory limit. Answers are exact, and the same for any number of threads and any partitioning.
//!
//! ```
//! use arrow::datatypes::DataType::Float64;
//! use partita::{col, read_parquet};
//!
//! # fn main() -> Result<(), partita::Error> {
//! let trips = read_parquet("data/*.parquet")?; // reads the footers only
//! let paid = trips
//!     .filter(col("fare_amount").gt(0))?
//!     .with_column("high_tip", (col("tip_amount") / col("fare_amount")).gt(0.2).fillna(false))?
//!     .with_column("hour", col("lpep_pickup_datetime").dt().hour())?
//!     .select(["hour", "passenger_count", "high_tip"])?
//!     .astype(Float64)?
//!     .fillna(-1)?;
//!
//! println!("{}", paid.explain()?); // four columns are read, one fused task a partition
//! let summary = paid.describe()?.compute()?; // exact quartiles, in bounded memory
//! println!("{}", summary.round(3)?.transpose()?);
//! assert_eq!(summary.value("hour", 7)?.as_f64(), Some(23.0)); // the latest hour
//! # Ok(())
//! # }
//! ```
//!
//! | for | see |
//! |---|---|
//! | reading files | [`read_parquet`], [`read_csv`], [`ParquetReadOptions`], [`CsvOptions`] |
//! | what to compute | [`col`], [`lit`], [`when`](fn@when), the methods of [`Expr`] |
//! | frames | [`DataFrame`], [`Join`], [`concat`](fn@concat), [`Sample`], [`Include`] |
//! | results | [`Table`], [`DataFrame::compute`], [`DataFrame::batches`], [`DataFrame::persist`] and [`wait`], [`DataFrame::to_parquet`] |
//! | functions as tasks | [`delayed`](fn@delayed), [`Delayed`], [`compute_all`]; [`LocalCluster`], [`Client`], [`Future`], [`as_completed`] |
//! | chunked arrays (begun) | [`array::Array`] and the module [`mod@array`] |
//! | pictures | [`DataFrame::visualize`], [`Visualize`], [`Drawing`]; [`Plot`] and [`ml::plots`] |
//! | threads, memory | [`Session`], [`Scheduler`], [`config`] |
//! | seeing what happens | [`ProgressBar`], [`DataFrame::explain_analyze`], [`profile`](fn@profile), [`performance_report`](fn@performance_report), `watch::Dashboard` (feature `dashboard`) |
//! | models | [`Pipeline`], [`GridSearchCv`], [`LogisticRegression`] and the module [`ml`] |
//! | what goes wrong | [`Error`], [`ErrorKind`], [`Location`] |
//!
//! `examples/taxi.rs` is the whole story in one program.

#![cfg_attr(doctest, doc = include_str!("../README.md"))]

pub mod array;
pub mod base;
pub mod delayed;
pub mod exec;
pub mod expr;
pub mod frame;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing {
    //! What the fuzzer calls.
    pub use crate::io::csv::fuzz as csv;
    pub use crate::io::fuzz as files;
}
pub mod graph;
pub mod io;
pub mod ml;
pub mod ops;
pub mod plan;
pub mod session;
pub mod watch;

pub use arrow;
pub use base::chart::Plot;
pub use base::{ByteSize, Error, ErrorKind, Identity, Location, Result, Token, config};
pub use delayed::{
    AsCompleted, Client, Collection, Delayed, Future, LocalCluster, OnError, as_completed, compute_all, delayed,
    wait_all, wait_timeout,
};
pub use exec::{Cancel, Event, Observer, Status};
pub use expr::{
    Agg, Expr, IntoSortKeys, RankMethod, Rolling, Scalar, SortKey, col, lit, max_of, min_of, row_number, size, when,
};
pub use frame::{
    AnalysedOperation, AnalysedPlan, Analysis, BatchReader, BatchStream, Cols, ComputeFuture, DataFrame, GroupBy,
    IntoColumns, IntoPaths, Table, View, cols, concat, read_csv, read_csv_with, read_ipc, read_ipc_with, read_json,
    read_json_with, read_parquet, read_parquet_with, read_table, wait,
};
pub use graph::draw::{Drawing, Visualize};
pub use io::csv::{CsvOptions, CsvWriteOptions, Infer, Ragged, Separator};
pub use io::sink::Compression;
pub use io::{
    IpcOptions, IpcWriteOptions, JsonOptions, JsonWriteOptions, ParquetReadOptions, ParquetWriteOptions, Receipt,
    StorageOptions, WriteMode,
};
pub use ml::{
    Categorizer, ClassWeight, ColumnTransformer, DummyEncoder, ElasticNet, FunctionTransformer, GridSearchCv,
    GroupKFold, KFold, Lasso, LinearRegression, LogisticRegression, MaxAbsScaler, MinMaxScaler, OneHotEncoder,
    OrdinalEncoder, ParamGrid, ParamSampler, Penalty, Pipeline, RandomizedSearchCv, Remainder, Ridge, RobustScaler,
    Scoring, SimpleImputer, Solver, StandardScaler, StratifiedKFold, Target, TimeSeriesSplit,
};
pub use ops::{DropNa, Include, Join, JoinKind, Keep, Repartition, Sample, SampleMode, SetIndex};
pub use session::{ProgressBar, Scheduler, Session, performance_report, profile};
pub use watch::{Profile, Recorder};
