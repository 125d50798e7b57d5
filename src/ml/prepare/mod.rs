//! Preparing columns for a model: categories, one-hot features, scaling, and what applies to which column.
//!
//! | module | what |
//! |---|---|
//! | [`one_pass`] | a step that is fitted from one pass over mergeable statistics |
//! | [`categories`] | the sorted distinct values of a column, their names and codes |
//! | `dictionary` | categorical columns by their keys |
//! | [`categorizer`] | columns to categorical columns |
//! | [`dummies`] | categorical columns to one-hot features |
//! | [`one_hot`] | columns to one-hot features, whose categories it finds itself |
//! | [`ordinal`] | categories to their numbers |
//! | [`scaler`] | columns to mean 0 and variance 1 |
//! | [`min_max`], [`robust`] | columns into a range, or by their quartiles |
//! | [`imputer`] | values for what is missing |
//! | `order`, `tally` | quantiles on their way, the most frequent value |
//! | [`function`], `formula` | columns by expressions, expressions in files |
//! | [`column_transformer`] | steps for some columns, and what becomes of the rest |
//! | `columns` | columns by their names |
//! | `transform` | what a pipeline asks of a step beside its fit |
//! | `frames` | steps on frames: fitted by one pass, applied lazily; linfa's traits |
//!
//! A step holds parameters; fitting gives a `Fitted…` object that transforms frames, lazily, and record batches. Both are values that can be
//! cloned, compared and serialised.

pub mod categories;
pub mod categorizer;
pub mod column_transformer;
mod columns;
mod dictionary;
pub mod dummies;
mod formula;
pub(crate) mod frames;
pub mod function;
pub mod imputer;
pub mod min_max;
pub mod one_hot;
pub mod one_pass;
mod order;
pub mod ordinal;
pub mod robust;
pub mod scaler;
mod tally;
#[cfg(test)]
mod testing;
pub(crate) mod transform;

pub use categories::Categories;
pub use categorizer::{Categorizer, FittedCategorizer};
pub use column_transformer::{ColumnStep, ColumnTransformer, FittedColumnTransformer, Remainder};
pub use dummies::{DummyEncoder, FittedDummyEncoder, Unknown};
pub use function::{FittedFunctionTransformer, FunctionTransformer};
pub use imputer::{FittedSimpleImputer, SimpleImputer, Strategy};
pub use min_max::{FittedMaxAbsScaler, FittedMinMaxScaler, MaxAbsScaler, MinMaxScaler};
pub use one_hot::{Dropped, FittedOneHotEncoder, OneHotEncoder};
pub use one_pass::{Fitting, OnePass};
pub use ordinal::{FittedOrdinalEncoder, OrdinalEncoder};
pub use robust::{FittedRobustScaler, RobustScaler};
pub use scaler::{FittedStandardScaler, Moments, StandardScaler};
