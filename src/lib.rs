//! **partita**: a lazy, partitioned, out-of-core dataframe engine, with machine learning on the same scheduler.

#![cfg_attr(doctest, doc = include_str!("../README.md"))]

pub mod base;
pub mod exec;
pub mod expr;
pub mod frame;
pub mod graph;
pub mod io;
pub mod ml;
pub mod ops;
pub mod plan;
pub mod session;
pub mod watch;

pub use base::{ByteSize, Error, ErrorKind, Identity, Location, Result, Token};
pub use expr::{Expr, col, lit, max_of, min_of, when};
pub use frame::{
    Cols, DataFrame, IntoColumns, IntoPaths, Table, cols, concat, read_csv, read_csv_with, read_parquet,
    read_parquet_with, wait,
};
pub use io::csv::{CsvOptions, CsvWriteOptions, Infer};
pub use io::{ParquetReadOptions, ParquetWriteOptions};
pub use ml::{
    Categorizer, ColumnTransformer, DummyEncoder, GridSearchCv, KFold, LogisticRegression, OneHotEncoder, ParamGrid,
    Penalty, Pipeline, Remainder, Scoring, Solver, StandardScaler, StratifiedKFold, Target,
};
pub use ops::{Include, Sample, SampleMode};
pub use session::{Scheduler, Session};
