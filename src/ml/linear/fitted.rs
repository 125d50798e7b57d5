//! A fitted linear regression: coefficients by feature, the report of the fit, predictions, and its file.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::passes::Report;
use crate::base::Result;
use crate::ml::design::{Design, Layout};
use crate::ml::estimator::model::expect_features;
use crate::ml::estimator::{Predicted, Predictor};
use crate::ml::file::Format;
use crate::ml::logistic::problem::margins;

const FORMAT: Format = Format { name: "partita.linear_regression", version: 1 };

/// The result of fitting [`LinearRegression`](super::LinearRegression), [`Ridge`](super::Ridge), [`Lasso`](super::Lasso) or
/// [`ElasticNet`](super::ElasticNet).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedLinearRegression {
    layout: Layout,
    coef: Vec<f64>,
    intercept: f64,
    n_iter: usize,
    converged: bool,
    kkt: f64,
    objective: f64,
}

impl FittedLinearRegression {
    pub(super) fn new(layout: Layout, coef: Vec<f64>, intercept: f64, report: &Report) -> Self {
        let Report { objective, kkt, steps, converged, .. } = *report;
        // what a penalty has taken away is 0 without a sign
        let coef = coef.into_iter().map(|w| w + 0.0).collect();
        FittedLinearRegression { layout, coef, intercept, n_iter: steps, converged, kkt, objective }
    }

    /// The name and coefficient of every feature, in the order of the design matrix.
    pub fn coef(&self) -> impl Iterator<Item = (&str, f64)> {
        self.layout.names().zip(self.coef.iter().copied())
    }

    /// The coefficient of a feature.
    pub fn coef_of(&self, feature: &str) -> Option<f64> {
        self.coef().find(|(name, _)| *name == feature).map(|(_, w)| w)
    }

    /// The coefficients alone, as scikit-learn's `coef_`.
    pub fn coef_values(&self) -> &[f64] {
        &self.coef
    }

    /// The features.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The intercept; 0 if none was fitted.
    pub fn intercept(&self) -> f64 {
        self.intercept
    }

    /// Steps taken: at most 1, unless rounding made more of them necessary.
    pub fn n_iter(&self) -> usize {
        self.n_iter
    }

    /// Whether [`kkt`](Self::kkt) is within the tolerance, or so small that it is only rounding.
    pub fn converged(&self) -> bool {
        self.converged
    }

    /// How far the result is from optimal, verified in a pass over the rows: the largest element of the least subgradient
    /// of the objective, where the element of a numeric feature is divided by its standard deviation.
    pub fn kkt(&self) -> f64 {
        self.kkt
    }

    /// The objective at the result, as the parameters define it.
    pub fn objective(&self) -> f64 {
        self.objective
    }

    /// The value x·w + b that is predicted for each row.
    ///
    /// # Errors
    /// `Model` if the features are not those of the fit; it names the first that differs.
    pub fn predict_values(&self, design: &Design) -> Result<Vec<f64>> {
        expect_features(&self.layout, design.layout())?;
        Ok(margins(design, &self.coef, self.intercept))
    }

    /// Writes the model as JSON, with the version of its format. The file appears whole or not at all.
    ///
    /// # Errors
    /// `Io` if the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        FORMAT.save(path.as_ref(), self)
    }

    /// Reads a model that [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// `Io` if the file cannot be read, `Corrupt` if it is not such a model, `Unsupported` if a later version wrote it.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        FORMAT.load(path.as_ref(), FittedLinearRegression::flaw)
    }

    /// What cannot be in a model that was read.
    pub(crate) fn flaw(&self) -> Option<&'static str> {
        (self.coef.len() != self.layout.len()).then_some("the coefficients do not fit the features")
    }
}

impl Predictor for FittedLinearRegression {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn predict(&self, design: &Design) -> Result<Predicted> {
        Ok(Predicted::Values(self.predict_values(design)?))
    }
}
