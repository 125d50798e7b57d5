//! What can be a step of a pipeline: the table of all of them.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use super::chain::Pipeline;
use super::nested::FittedSteps;
use super::note::Note;
use super::outline::{Outline, Uses, Wanted};
use super::param::{ParamValue, Parameters};
use super::rows::Rows;
use crate::base::{Error, Result};
use crate::frame::DataFrame;
use crate::ml::estimator::training::Estimator;
use crate::ml::estimator::{Custom, PassEstimator, WholeEstimator};
use crate::ml::linear::{ElasticNet, Lasso, LinearRegression, Ridge};
use crate::ml::logistic::LogisticRegression;
use crate::ml::prepare::frames::fit_frame;
use crate::ml::prepare::one_pass::Fitting;
use crate::ml::prepare::transform::{FittedTransform, Transform};
use crate::ml::prepare::*;

/// The steps: those that prepare columns and what they are when fitted, and the models.
macro_rules! steps {
    (
        prepare { $($(#[$what:meta])* $step:ident => $fitted:ident;)* }
        model { $($(#[$learns:meta])* $model:ident;)* }
    ) => {
        /// A step of a pipeline that is not fitted: one that prepares columns, or the model at the end.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum Step {
            $($(#[$what])* $step($step),)*
            /// A step that is fitted already, and stays as it is.
            Fitted(Box<FittedStep>),
            $($(#[$learns])* $model($model),)*
        }

        /// A fitted step that prepares columns.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum FittedStep {
            $($(#[$what])* $step($fitted),)*
        }

        /// What a step that prepares columns has gathered of the rows it is fitted to.
        pub struct StepStats(Stats);

        enum Stats {
            $($step(<$step as OnePass>::Stats),)*
            None,
        }

        $(
            impl From<$step> for Step {
                fn from(step: $step) -> Self {
                    Step::$step(step)
                }
            }

            impl From<$step> for ColumnStep {
                fn from(step: $step) -> Self {
                    ColumnStep::Step(Box::new(Step::$step(step)))
                }
            }

            impl From<$fitted> for FittedStep {
                fn from(step: $fitted) -> Self {
                    FittedStep::$step(step)
                }
            }
        )*

        impl Step {
            /// The name of its type.
            pub(crate) fn kind(&self) -> &'static str {
                match self {
                    $(Step::$step(_) => stringify!($step),)*
                    Step::Fitted(step) => step.kind(),
                    $(Step::$model(_) => stringify!($model),)*
                }
            }

            /// Whether it is a model, which needs a target.
            pub(crate) fn is_model(&self) -> bool {
                matches!(self, $(Step::$model(_))|*)
            }
        }

        $(
            impl From<$model> for Step {
                fn from(step: $model) -> Self {
                    Step::$model(step)
                }
            }
        )*

        impl OnePass for Step {
            type Stats = StepStats;
            type Fitted = FittedStep;

            fn begin(&self, schema: &Schema) -> Result<StepStats> {
                Ok(StepStats(match self {
                    $(Step::$step(step) => Stats::$step(step.begin(schema)?),)*
                    Step::Fitted(_) => Stats::None,
                    $(Step::$model(_) => return Err(is_no_preparation()),)*
                }))
            }

            fn reads(&self, schema: &Schema) -> Option<Vec<String>> {
                match self {
                    $(Step::$step(step) => step.reads(schema),)*
                    Step::Fitted(_) => Some(Vec::new()),
                    $(Step::$model(_) => None,)*
                }
            }

            fn changes(&self, schema: &Schema) -> Vec<String> {
                match self {
                    $(Step::$step(step) => step.changes(schema),)*
                    Step::Fitted(step) => step.changes(schema),
                    $(Step::$model(_) => names(schema),)*
                }
            }

            fn looks_at_rows(&self) -> bool {
                match self {
                    $(Step::$step(step) => step.looks_at_rows(),)*
                    Step::Fitted(_) => false,
                    $(Step::$model(_) => true,)*
                }
            }

            fn update(&self, stats: &mut StepStats, batch: &RecordBatch) -> Result<()> {
                match (self, &mut stats.0) {
                    $((Step::$step(step), Stats::$step(stats)) => step.update(stats, batch),)*
                    (Step::Fitted(_), Stats::None) => Ok(()),
                    _ => Err(of_another()),
                }
            }

            fn merge(&self, stats: &mut StepStats, later: StepStats) -> Result<()> {
                match (self, &mut stats.0, later.0) {
                    $((Step::$step(step), Stats::$step(stats), Stats::$step(later)) => step.merge(stats, later),)*
                    (Step::Fitted(_), Stats::None, Stats::None) => Ok(()),
                    _ => Err(of_another()),
                }
            }

            fn finish(&self, stats: StepStats) -> Result<FittedStep> {
                self.after_pass(stats)?.fitted()
            }

            fn after_pass(&self, stats: StepStats) -> Result<Fitting<Step>> {
                match (self, stats.0) {
                    $((Step::$step(step), Stats::$step(stats)) => Ok(match step.after_pass(stats)? {
                        Fitting::Fitted(fitted) => Fitting::Fitted(FittedStep::$step(fitted)),
                        Fitting::Again(step) => Fitting::Again(Step::$step(step)),
                    }),)*
                    (Step::Fitted(step), Stats::None) => Ok(Fitting::Fitted((**step).clone())),
                    _ => Err(of_another()),
                }
            }
        }

        impl Parameters for Step {
            fn params(&self) -> Vec<String> {
                match self {
                    $(Step::$step(step) => Parameters::params(step),)*
                    $(Step::$model(step) => Parameters::params(step),)*
                    Step::Fitted(_) => Vec::new(),
                }
            }

            fn with_param(&self, name: &str, value: &ParamValue) -> Option<Result<Step>> {
                match self {
                    $(Step::$step(step) => step.with_param(name, value).map(|step| step.map(Step::$step)),)*
                    $(Step::$model(step) => step.with_param(name, value).map(|step| step.map(Step::$model)),)*
                    Step::Fitted(_) => None,
                }
            }
        }

        impl Transform for Step {
            fn after(&self, name: &str, at: &Outline) -> Result<Outline> {
                match self {
                    $(Step::$step(step) => Transform::after(step, name, at),)*
                    Step::Fitted(step) => at.after_fitted(step),
                    $(Step::$model(_) => Ok(at.clone()),)*
                }
            }

            fn prune(&self, at: &Outline, wanted: Wanted) -> (Step, Wanted) {
                match self {
                    $(Step::$step(step) => {
                        let (step, wanted) = Transform::prune(step, at, wanted);
                        (Step::$step(step), wanted)
                    })*
                    Step::Fitted(_) => (self.clone(), at.all()),
                    $(Step::$model(_) => (self.clone(), wanted),)*
                }
            }

            fn uses(&self, at: &Outline) -> Uses {
                match self {
                    $(Step::$step(step) => Transform::uses(step, at),)*
                    _ => Uses { looked_up: Vec::new(), otherwise: names(&at.plain) },
                }
            }

            fn note(&self, name: &str, at: &Outline) -> Option<Note> {
                match self {
                    $(Step::$step(step) => Transform::note(step, name, at),)*
                    Step::Fitted(_) => None,
                    $(Step::$model(_) => None,)*
                }
            }

            fn for_columns(self, columns: &[String]) -> Step {
                match self {
                    $(Step::$step(step) => Step::$step(step.for_columns(columns)),)*
                    other => other,
                }
            }
        }

        impl FittedStep {
            /// The name of its type, before it was fitted.
            pub(crate) fn kind(&self) -> &'static str {
                match self {
                    $(FittedStep::$step(_) => stringify!($step),)*
                }
            }
        }

        impl FittedTransform for FittedStep {
            fn apply(&self, rows: Rows) -> Result<Rows> {
                match self {
                    $(FittedStep::$step(step) => FittedTransform::apply(step, rows),)*
                }
            }

            fn undo(&self, batch: &RecordBatch) -> Result<RecordBatch> {
                match self {
                    $(FittedStep::$step(step) => FittedTransform::undo(step, batch),)*
                }
            }
        }
    };
}

steps! {
    prepare {
        /// Columns to categorical columns.
        Categorizer => FittedCategorizer;
        /// Categorical columns to one-hot features.
        DummyEncoder => FittedDummyEncoder;
        /// Columns to one-hot features.
        OneHotEncoder => FittedOneHotEncoder;
        /// Categories to their numbers.
        OrdinalEncoder => FittedOrdinalEncoder;
        /// All columns to mean 0 and variance 1.
        StandardScaler => FittedStandardScaler;
        /// All columns into a range.
        MinMaxScaler => FittedMinMaxScaler;
        /// All columns between −1 and 1.
        MaxAbsScaler => FittedMaxAbsScaler;
        /// All columns by their median and quartiles.
        RobustScaler => FittedRobustScaler;
        /// Values for what is missing.
        SimpleImputer => FittedSimpleImputer;
        /// Columns by expressions.
        FunctionTransformer => FittedFunctionTransformer;
        /// Steps for some columns.
        ColumnTransformer => FittedColumnTransformer;
        /// Steps one after the other.
        Pipeline => FittedSteps;
    }
    model {
        /// The model at the end.
        LogisticRegression;
        /// Least squares at the end.
        LinearRegression;
        /// Least squares with an ℓ₂ penalty at the end.
        Ridge;
        /// Least squares with an ℓ₁ penalty at the end.
        Lasso;
        /// Least squares with both penalties at the end.
        ElasticNet;
        /// A model of one's own at the end.
        Custom;
    }
}

impl From<FittedStep> for Step {
    fn from(step: FittedStep) -> Self {
        Step::Fitted(Box::new(step))
    }
}

impl Step {
    /// A model of one's own that is fitted in passes.
    pub fn passes(estimator: impl PassEstimator) -> Step {
        Step::Custom(Custom::passes(estimator))
    }

    /// A model of one's own that wants all rows in memory.
    pub fn whole(estimator: impl WholeEstimator) -> Step {
        Step::Custom(Custom::whole(estimator))
    }

    /// The model that it is; none if it prepares columns.
    ///
    /// # Errors
    /// `Invalid` for parameters out of range.
    pub(crate) fn estimator(&self) -> Result<Option<Arc<dyn Estimator>>> {
        Ok(match self {
            Step::LogisticRegression(model) => Some(Arc::new(model.check_ref()?.clone())),
            Step::LinearRegression(model) => Some(Arc::new(model.check_ref()?.clone())),
            Step::Ridge(model) => Some(Arc::new(model.check_ref()?.clone())),
            Step::Lasso(model) => Some(Arc::new(model.check_ref()?.clone())),
            Step::ElasticNet(model) => Some(Arc::new(model.check_ref()?.clone())),
            Step::Custom(model) => Some(model.estimator()),
            _ => None,
        })
    }

    /// The names of its parameters.
    pub fn params(&self) -> Vec<String> {
        Parameters::params(self)
    }

    /// Fits to a frame.
    pub(crate) fn fit_frame(&self, frame: &DataFrame) -> Result<FittedStep> {
        fit_frame(self, frame)
    }
}

impl fmt::Debug for StepStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StepStats")
    }
}

fn is_no_preparation() -> Error {
    Error::invalid("a model can only be the last step of a pipeline")
}

fn of_another() -> Error {
    Error::invalid("the statistics of a fit are of another step")
}

impl FittedStep {
    /// The columns in which it has found no category.
    pub(crate) fn without_categories(&self) -> Vec<String> {
        let columns = match self {
            FittedStep::Categorizer(step) => step.columns(),
            FittedStep::OneHotEncoder(step) => step.columns(),
            FittedStep::OrdinalEncoder(step) => step.columns(),
            _ => &[],
        };
        columns.iter().filter(|(_, categories)| categories.is_empty()).map(|(name, _)| name.clone()).collect()
    }

    /// The rows after this step; one-hot features stay codes.
    pub(crate) fn apply(&self, rows: Rows) -> Result<Rows> {
        FittedTransform::apply(self, rows)
    }

    /// The batch with the step applied; one-hot features are boolean columns.
    ///
    /// # Errors
    /// If the columns are not such as the step was fitted to; those of its values.
    pub fn transform_batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        self.apply(Rows { plain: batch.clone(), blocks: Vec::new() })?.dense()
    }

    /// The batch before [`transform_batch`](Self::transform_batch).
    ///
    /// # Errors
    /// `Unsupported` for a step that cannot be undone; otherwise as [`transform_batch`](Self::transform_batch).
    pub fn inverse_transform_batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        self.undo(batch)
    }

    /// All columns there are, before it and after it.
    fn changes(&self, schema: &Schema) -> Vec<String> {
        let mut all = names(schema);
        if let Ok(after) = Outline::of(schema).after_fitted(self) {
            all.extend(names(&after.plain));
        }
        all
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

/// What no step can do: look into one-hot features.
pub(crate) fn one_hot_is_closed(step: &str, what: &str) -> Error {
    Error::unsupported(format!("{what} in step `{step}`"))
        .help("name the columns to scale in a ColumnTransformer, or scale before the encoder")
}

/// The columns of a schema, by name.
pub(crate) fn names(schema: &Schema) -> Vec<String> {
    schema.fields().iter().map(|f| f.name().clone()).collect()
}
