//! What can be a step of a pipeline.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use super::param::ParamValue;
use super::rows::Rows;
use crate::base::{Error, Result};
use crate::frame::DataFrame;
use crate::ml::estimator::training::Estimator;
use crate::ml::estimator::{Custom, PassEstimator, WholeEstimator};
use crate::ml::logistic::LogisticRegression;
use crate::ml::prepare::frames::fit_frame;
use crate::ml::prepare::{
    Categorizer, ColumnTransformer, DummyEncoder, FittedCategorizer, FittedColumnTransformer, FittedDummyEncoder,
    FittedStandardScaler, StandardScaler,
};

/// A step of a pipeline that is not fitted: one that prepares columns, or the model at the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Step {
    /// Columns to categorical columns.
    Categorizer(Categorizer),
    /// Categorical columns to one-hot features.
    DummyEncoder(DummyEncoder),
    /// All columns scaled.
    StandardScaler(StandardScaler),
    /// Steps for some columns.
    ColumnTransformer(ColumnTransformer),
    /// The model at the end.
    LogisticRegression(LogisticRegression),
    /// A model of one's own at the end.
    Model(Custom),
}

/// A fitted step that prepares columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FittedStep {
    /// Columns to categorical columns.
    Categorizer(FittedCategorizer),
    /// Categorical columns to one-hot features.
    DummyEncoder(FittedDummyEncoder),
    /// All columns scaled.
    StandardScaler(FittedStandardScaler),
    /// Steps for some columns.
    ColumnTransformer(FittedColumnTransformer),
}

impl From<Categorizer> for Step {
    fn from(step: Categorizer) -> Self {
        Step::Categorizer(step)
    }
}

impl From<DummyEncoder> for Step {
    fn from(step: DummyEncoder) -> Self {
        Step::DummyEncoder(step)
    }
}

impl From<StandardScaler> for Step {
    fn from(step: StandardScaler) -> Self {
        Step::StandardScaler(step)
    }
}

impl From<ColumnTransformer> for Step {
    fn from(step: ColumnTransformer) -> Self {
        Step::ColumnTransformer(step)
    }
}

impl From<LogisticRegression> for Step {
    fn from(step: LogisticRegression) -> Self {
        Step::LogisticRegression(step)
    }
}

impl From<FittedCategorizer> for FittedStep {
    fn from(step: FittedCategorizer) -> Self {
        FittedStep::Categorizer(step)
    }
}

impl From<FittedDummyEncoder> for FittedStep {
    fn from(step: FittedDummyEncoder) -> Self {
        FittedStep::DummyEncoder(step)
    }
}

impl From<FittedStandardScaler> for FittedStep {
    fn from(step: FittedStandardScaler) -> Self {
        FittedStep::StandardScaler(step)
    }
}

impl From<FittedColumnTransformer> for FittedStep {
    fn from(step: FittedColumnTransformer) -> Self {
        FittedStep::ColumnTransformer(step)
    }
}

impl Step {
    /// A model of one's own that is fitted in passes.
    pub fn passes(estimator: impl PassEstimator) -> Step {
        Step::Model(Custom::passes(estimator))
    }

    /// A model of one's own that wants all rows in memory.
    pub fn whole(estimator: impl WholeEstimator) -> Step {
        Step::Model(Custom::whole(estimator))
    }

    /// The names of its parameters.
    pub fn params(&self) -> &'static [&'static str] {
        match self {
            Step::DummyEncoder(_) => DummyEncoder::PARAMS,
            Step::StandardScaler(_) => StandardScaler::PARAMS,
            Step::LogisticRegression(_) => LogisticRegression::PARAMS,
            Step::Categorizer(_) | Step::ColumnTransformer(_) | Step::Model(_) => &[],
        }
    }

    /// The same with another value of a parameter; `None` if it has no parameter of this name.
    pub(crate) fn with_param(&self, name: &str, value: ParamValue) -> Option<Result<Step>> {
        match self {
            Step::DummyEncoder(step) => step.with_param(name, value).map(|s| s.map(Step::from)),
            Step::StandardScaler(step) => step.with_param(name, value).map(|s| s.map(Step::from)),
            Step::LogisticRegression(step) => step.with_param(name, value).map(|s| s.map(Step::from)),
            Step::Categorizer(_) | Step::ColumnTransformer(_) | Step::Model(_) => None,
        }
    }

    /// Fits to a frame.
    pub(crate) fn fit_frame(&self, frame: &DataFrame) -> Result<FittedStep> {
        Ok(match self {
            Step::Categorizer(step) => FittedStep::Categorizer(fit_frame(step, frame)?),
            Step::DummyEncoder(step) => FittedStep::DummyEncoder(fit_frame(step, frame)?),
            Step::StandardScaler(step) => FittedStep::StandardScaler(fit_frame(step, frame)?),
            Step::ColumnTransformer(step) => FittedStep::ColumnTransformer(fit_frame(step, frame)?),
            Step::LogisticRegression(_) | Step::Model(_) => return Err(is_no_preparation()),
        })
    }

    /// The model that it is; none if it prepares columns.
    ///
    /// # Errors
    /// `Invalid` for parameters out of range.
    pub(crate) fn estimator(&self) -> Result<Option<Arc<dyn Estimator>>> {
        Ok(match self {
            Step::LogisticRegression(model) => Some(Arc::new(model.check_ref()?.clone())),
            Step::Model(custom) => Some(custom.estimator()),
            _ => None,
        })
    }

    /// Whether it is a model.
    pub(crate) fn is_model(&self) -> bool {
        matches!(self, Step::LogisticRegression(_) | Step::Model(_))
    }
}

pub(super) fn is_no_preparation() -> Error {
    Error::invalid("a model can only be the last step of a pipeline")
}

impl FittedStep {
    /// The rows after this step; one-hot features stay codes.
    pub(crate) fn apply(&self, mut rows: Rows) -> Result<Rows> {
        match self {
            FittedStep::Categorizer(step) => rows.plain = step.transform_batch(&rows.plain)?,
            FittedStep::DummyEncoder(step) => {
                let encoded = step.encode(&rows.plain)?;
                rows.plain = encoded.rest;
                rows.blocks.extend(encoded.blocks.into_iter().filter(|(block, _)| !block.features.is_empty()));
            }
            FittedStep::StandardScaler(step) => rows.plain = step.transform_batch(&rows.plain)?,
            FittedStep::ColumnTransformer(step) => rows.plain = step.transform_batch(&rows.plain)?,
        }
        Ok(rows)
    }
}

/// A categorical field, for values of this type.
pub(crate) fn categorical(field: &Field) -> Field {
    let value = match crate::base::schema::logical(field.data_type()) {
        t if t.is_integer() => DataType::Int64,
        t if t.is_floating() => DataType::Float64,
        t => t,
    };
    Field::new(field.name(), DataType::Dictionary(Box::new(DataType::Int32), Box::new(value)), true)
}

/// What no step can do yet: look into one-hot features.
pub(crate) fn one_hot_is_closed(step: &str, what: &str) -> Error {
    Error::unsupported(format!("{what} in step `{step}`"))
        .help("name the columns to scale in a ColumnTransformer, or scale before the encoder")
}

/// The columns of a schema, by name.
pub(crate) fn names(schema: &Schema) -> Vec<String> {
    schema.fields().iter().map(|f| f.name().clone()).collect()
}
