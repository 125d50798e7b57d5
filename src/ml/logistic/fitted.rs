//! A fitted logistic regression: coefficients by feature, the report of the fit, predictions, and its file.

use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::kernel::exp_of_negative;
use super::problem::margins;
use super::terms::Solution;
use crate::base::{Error, Result};
use crate::ml::classes::Classes;
use crate::ml::design::{Design, Layout};
use crate::ml::estimator::{Predicted, Predictor};
use crate::ml::file::Format;

/// Its file.
const FORMAT: Format = Format { name: "partita.logistic_regression", version: 1 };

/// The result of fitting [`LogisticRegression`](super::LogisticRegression).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedLogisticRegression {
    layout: Layout,
    coef: Vec<f64>,
    intercept: f64,
    classes: Classes,
    n_iter: Option<usize>,
    converged: bool,
    kkt: f64,
    objective: f64,
}

impl FittedLogisticRegression {
    pub(crate) fn new(layout: Layout, classes: Classes, solution: &Solution) -> Self {
        FittedLogisticRegression {
            layout,
            coef: solution.coef.clone(),
            intercept: solution.intercept,
            classes,
            n_iter: solution.iterations,
            converged: solution.converged,
            kkt: solution.kkt,
            objective: solution.objective,
        }
    }

    /// The name and coefficient of every feature, in the order of the design matrix.
    pub fn coef(&self) -> impl Iterator<Item = (&str, f64)> {
        self.layout.names().zip(self.coef.iter().copied())
    }

    /// The coefficient of a feature.
    pub fn coef_of(&self, feature: &str) -> Option<f64> {
        self.coef().find(|(name, _)| *name == feature).map(|(_, w)| w)
    }

    /// The coefficients alone.
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

    /// The two classes; a margin above 0 speaks for the second.
    pub fn classes(&self) -> &Classes {
        &self.classes
    }

    /// Newton steps or epochs taken; `None` for a solver that does not tell.
    pub fn n_iter(&self) -> Option<usize> {
        self.n_iter
    }

    /// Whether [`kkt`](Self::kkt) is within the tolerance, or so small that it is only rounding; with
    /// [`Solver::Saga`](super::Solver::Saga) whether its last epoch changed the coefficients by no more than the tolerance.
    pub fn converged(&self) -> bool {
        self.converged
    }

    /// How far the result is from optimal: the largest element of the least subgradient of the objective, where the
    /// element of a numeric feature is divided by its standard deviation if that is above 1.
    pub fn kkt(&self) -> f64 {
        self.kkt
    }

    /// The objective at the result, not divided by the number of rows.
    pub fn objective(&self) -> f64 {
        self.objective
    }

    /// The margin x·w + b of each row, as scikit-learn's `decision_function`.
    ///
    /// # Errors
    /// `Model` if the features are not those of the fit; it names the first that differs.
    pub fn decision_function(&self, design: &Design) -> Result<Vec<f64>> {
        self.expect_features(design.layout())?;
        Ok(margins(design, &self.coef, self.intercept))
    }

    /// The probability of the second class for each row.
    ///
    /// # Errors
    /// As [`decision_function`](Self::decision_function).
    pub fn predict_proba(&self, design: &Design) -> Result<Vec<f64>> {
        let mut z = self.decision_function(design)?;
        z.par_chunks_mut(16_384).for_each(|z| z.iter_mut().for_each(|z| *z = probability(*z)));
        Ok(z)
    }

    /// The number, 0 or 1, of each row's class.
    ///
    /// # Errors
    /// As [`decision_function`](Self::decision_function).
    pub fn predict_class(&self, design: &Design) -> Result<Vec<u32>> {
        Ok(self.decision_function(design)?.into_iter().map(|z| u32::from(z > 0.0)).collect())
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
        FORMAT.load(path.as_ref(), FittedLogisticRegression::flaw)
    }

    /// What cannot be in a model that was read.
    pub(crate) fn flaw(&self) -> Option<&'static str> {
        let fits = self.coef.len() == self.layout.len() && self.classes.len() == 2;
        (!fits).then_some("the coefficients do not fit the features or the classes")
    }

    fn expect_features(&self, layout: &Layout) -> Result<()> {
        if *layout == self.layout {
            return Ok(());
        }
        let differs = self.layout.names().zip(layout.names()).find(|(fitted, given)| fitted != given);
        let what = match differs {
            Some((fitted, given)) => format!("the feature `{given}` stands where the model has `{fitted}`"),
            None => format!("{} features are given and the model has {}", layout.len(), self.layout.len()),
        };
        Err(Error::model(what).doing("predict").help("prepare the rows with the steps that were fitted with the model"))
    }
}

/// 1 / (1 + e⁻ᶻ).
pub(crate) fn probability(z: f64) -> f64 {
    let e = exp_of_negative(-z.abs());
    if z > 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) }
}

impl Predictor for FittedLogisticRegression {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn predict(&self, design: &Design) -> Result<Predicted> {
        let margins = self.decision_function(design)?;
        let both = |z: &f64| {
            let second = probability(*z);
            [1.0 - second, second]
        };
        let probabilities = margins.par_chunks(16_384).flat_map_iter(|z| z.iter().flat_map(both)).collect();
        Ok(Predicted::Probabilities { classes: 2, probabilities, margins: Some(margins) })
    }
}
