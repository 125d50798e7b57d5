//! Fitted models and their predictions.

use std::fmt::Debug;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::{Error, Result};
use crate::ml::design::{Design, Layout};
use crate::ml::linear::FittedLinearRegression;
use crate::ml::logistic::FittedLogisticRegression;

/// A model that predicts from the rows of a design matrix.
pub trait Predictor: Debug + Send + Sync + 'static {
    /// The features that it was fitted to.
    fn layout(&self) -> &Layout;

    /// What it predicts for each row.
    ///
    /// # Errors
    /// `Model` if the features are not those of the fit.
    fn predict(&self, design: &Design) -> Result<Predicted>;
}

/// Checks that features are those that a model was fitted to.
///
/// # Errors
/// `Model`, naming the first that differs.
pub(crate) fn expect_features(fitted: &Layout, given: &Layout) -> Result<()> {
    if fitted == given {
        return Ok(());
    }
    let differs = fitted.names().zip(given.names()).find(|(fitted, given)| fitted != given);
    let what = match differs {
        Some((fitted, given)) => format!("the feature `{given}` stands where the model has `{fitted}`"),
        None => format!("{} features are given and the model has {}", given.len(), fitted.len()),
    };
    Err(Error::model(what).doing("predict").help("prepare the rows with the steps that were fitted with the model"))
}

/// What a model predicts for some rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Predicted {
    /// Values.
    Values(Vec<f64>),
    /// Class numbers alone.
    Classes(Vec<u32>),
    /// The probability of each class, row by row, and the margins that they come from.
    Probabilities {
        /// Classes there are.
        classes: usize,
        /// `classes` numbers for each row, which add up to 1.
        probabilities: Vec<f64>,
        /// For two classes one for each row: above 0 speaks for the second. For more one for each class, row by row: the
        /// largest speaks for its class.
        margins: Option<Vec<f64>>,
    },
}

impl Predicted {
    /// The number of each row's class: the most probable one, of equally probable ones the first; none of values.
    pub fn classes(&self) -> Option<Vec<u32>> {
        match self {
            Predicted::Values(_) => None,
            Predicted::Classes(classes) => Some(classes.clone()),
            Predicted::Probabilities { classes: 2, margins: Some(margins), .. } => {
                Some(margins.iter().map(|z| u32::from(*z > 0.0)).collect())
            }
            Predicted::Probabilities { classes, probabilities, .. } => {
                let most = |row: &[f64]| (0..row.len()).fold(0, |most, i| if row[i] > row[most] { i } else { most });
                Some(probabilities.chunks(*classes).map(|row| most(row) as u32).collect())
            }
        }
    }
}

/// A fitted model at the end of a pipeline.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FittedModel {
    /// Logistic regression.
    Logistic(FittedLogisticRegression),
    /// Linear regression, with any penalty.
    Linear(FittedLinearRegression),
    /// A model of one's own, or of linfa. It lives in memory only: it cannot be saved.
    Other(Arc<dyn Predictor>),
}

#[derive(Serialize, Deserialize)]
enum Saved {
    Logistic(FittedLogisticRegression),
    Linear(FittedLinearRegression),
}

impl FittedModel {
    /// What it predicts for each row.
    ///
    /// # Errors
    /// `Model` if the features are not those of the fit.
    pub fn predict(&self, design: &Design) -> Result<Predicted> {
        self.predictor().predict(design)
    }

    /// The features that it was fitted to.
    pub fn layout(&self) -> &Layout {
        self.predictor().layout()
    }

    fn predictor(&self) -> &dyn Predictor {
        match self {
            FittedModel::Logistic(model) => model,
            FittedModel::Linear(model) => model,
            FittedModel::Other(model) => model.as_ref(),
        }
    }

    /// The residual that a fit ended with that has not converged.
    pub(crate) fn unconverged(&self) -> Option<f64> {
        match self {
            FittedModel::Logistic(model) => (!model.converged()).then(|| model.kkt()),
            FittedModel::Linear(model) => (!model.converged()).then(|| model.kkt()),
            FittedModel::Other(_) => None,
        }
    }

    /// Whether it can be saved.
    ///
    /// # Errors
    /// `Unsupported` for a model that lives in memory only.
    pub(crate) fn expect_saved(&self) -> Result<()> {
        match self {
            FittedModel::Other(_) => Err(Error::unsupported("saving a model that is not one of this crate")
                .help("keep what it has learnt in a file of your own")),
            FittedModel::Logistic(_) | FittedModel::Linear(_) => Ok(()),
        }
    }

    /// What cannot be in a model that was read.
    pub(crate) fn flaw(&self) -> Option<&'static str> {
        match self {
            FittedModel::Logistic(model) => model.flaw(),
            FittedModel::Linear(model) => model.flaw(),
            FittedModel::Other(_) => None,
        }
    }
}

impl PartialEq for FittedModel {
    fn eq(&self, other: &FittedModel) -> bool {
        match (self, other) {
            (FittedModel::Logistic(a), FittedModel::Logistic(b)) => a == b,
            (FittedModel::Linear(a), FittedModel::Linear(b)) => a == b,
            (FittedModel::Other(a), FittedModel::Other(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Serialize for FittedModel {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            FittedModel::Logistic(model) => Saved::Logistic(model.clone()).serialize(serializer),
            FittedModel::Linear(model) => Saved::Linear(model.clone()).serialize(serializer),
            // so that nothing takes it for another: what has no content is like nothing else
            FittedModel::Other(_) => Err(serde::ser::Error::custom("a model of one's own cannot be saved")),
        }
    }
}

impl<'de> Deserialize<'de> for FittedModel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<FittedModel, D::Error> {
        Ok(match Saved::deserialize(deserializer)? {
            Saved::Logistic(model) => FittedModel::Logistic(model),
            Saved::Linear(model) => FittedModel::Linear(model),
        })
    }
}
