//! From columns to models: linfa's traits, encoders, scaler, solver and model selection.
//!
//! | module | what |
//! |---|---|
//! | [`logistic`] | logistic regression with an elastic-net penalty |
//! | [`linear`] | linear regression, alone or with a ridge, lasso or elastic-net penalty |
//! | [`design`] | the design matrix as its structure: numeric columns and codes |
//! | [`classes`] | the classes of a target |
//! | [`estimator`] | what can stand at the end of a pipeline, and how it is fitted |
//! | [`metrics`] | how good predictions are |
//! | [`plots`] | pictures of models: curves, matrices, paths |
//! | [`prepare`] | categories, one-hot features, scaling |
//! | [`dataset`] | frames as linfa's records, targets |
//! | [`pipeline`] | steps one after the other, ending in a model |
//! | [`select`] | folds, candidates, scorings, the search |
//! | `train` | training on rows that need not fit into memory |
//! | `arrays` | chunked arrays to models, and frames to the design matrix as one |
//! | `apply` | fitted things as operations on frames |
//! | `file` | the files of models |
//!
//! linfa and its version of ndarray are part of the interface, and re-exported.

mod apply;
mod arrays;
mod bridge;
pub mod classes;
pub mod dataset;
pub mod design;
pub mod estimator;
mod file;
pub mod linear;
pub mod logistic;
pub mod metrics;
pub mod pipeline;
pub mod plots;
pub mod prepare;
pub mod select;
mod train;

pub use linfa;
pub use ndarray;

pub use classes::{Classes, Label};
pub use dataset::Target;
pub use design::{Design, Layout, OneHotBlock};
pub use estimator::{FittedLinfa, LinfaEstimator};
pub use linear::{ElasticNet, FittedLinearRegression, Lasso, LinearRegression, Ridge, ValidLinearRegression};
pub use logistic::{
    ClassWeight, FittedLogisticRegression, LogisticRegression, Penalty, Solver, ValidLogisticRegression,
};
pub use pipeline::{FittedPipeline, Note, Param, ParamKey, ParamValue, Pipeline, Step};
pub use prepare::{
    Categorizer, ColumnTransformer, Dropped, DummyEncoder, FunctionTransformer, MaxAbsScaler, MinMaxScaler,
    OneHotEncoder, OnePass, OrdinalEncoder, Remainder, RobustScaler, SimpleImputer, StandardScaler, Strategy, Unknown,
};
pub use select::{
    CoefficientPath, Cv, ErrorScore, FittedGridSearchCv, GridSearchCv, GroupKFold, KFold, ParamGrid, ParamSampler,
    RandomizedSearchCv, Scoring, SearchCv, StratifiedKFold, TimeSeriesSplit, coefficient_path,
    stratified_train_test_split, train_test_split,
};
pub use train::{Pass, Passes};
