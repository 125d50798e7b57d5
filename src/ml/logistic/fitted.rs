//! A fitted logistic regression: coefficients by feature, the report of the fit, predictions, and its file.

use std::path::Path;

use ndarray::{Array2, ArrayView2, aview2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::kernel::exp_of_negative;
use super::problem::margins;
use super::terms::{Solution, margins_of};
use crate::base::{Error, Result};
use crate::ml::classes::Classes;
use crate::ml::design::{Design, Layout};
use crate::ml::estimator::model::expect_features;
use crate::ml::estimator::{Predicted, Predictor};
use crate::ml::file::Format;

/// Its file, and that of two classes, which the first version has.
const FORMAT: Format = Format { name: "partita.logistic_regression", version: 2 };
const TWO_CLASSES: Format = Format { version: 1, ..FORMAT };

/// The result of fitting [`LogisticRegression`](super::LogisticRegression).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedLogisticRegression {
    layout: Layout,
    /// Class after class, if there are more than two.
    coef: Vec<f64>,
    #[serde(rename = "intercept", with = "one_or_many")]
    intercepts: Vec<f64>,
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
            // what a penalty has taken away is 0 without a sign
            coef: solution.coef.iter().map(|w| w + 0.0).collect(),
            intercepts: solution.intercepts.clone(),
            classes,
            n_iter: solution.iterations,
            converged: solution.converged,
            kkt: solution.kkt,
            objective: solution.objective,
        }
    }

    /// The name and coefficient of every feature, in the order of the design matrix. Of more than two classes those of
    /// the first; [`coef_matrix`](Self::coef_matrix) has all.
    pub fn coef(&self) -> impl Iterator<Item = (&str, f64)> {
        self.layout.names().zip(self.coef.iter().copied())
    }

    /// The coefficient of a feature; of more than two classes that of the first.
    pub fn coef_of(&self, feature: &str) -> Option<f64> {
        self.coef().find(|(name, _)| *name == feature).map(|(_, w)| w)
    }

    /// The coefficient of a feature for class number `class`: what it adds to the margin of that class. Of two classes
    /// the second has the margin x·w + b and the first none.
    pub fn coef_of_class(&self, class: usize, feature: &str) -> Option<f64> {
        let place = self.layout.names().position(|name| name == feature)?;
        match (self.classes.len(), class) {
            (2, 0) => Some(0.0),
            (2, 1) => self.coef.get(place).copied(),
            _ => self.coef_matrix().get([class, place]).copied(),
        }
    }

    /// The coefficients alone: of two classes one for each feature, of more those of the first class, then of the next.
    pub fn coef_values(&self) -> &[f64] {
        &self.coef
    }

    /// The coefficients as scikit-learn's `coef_`: a column for each feature, and one row for two classes, a row for each
    /// class for more.
    pub fn coef_matrix(&self) -> ArrayView2<'_, f64> {
        // a model whose numbers do not fit is refused when it is read
        ArrayView2::from_shape((self.intercepts.len(), self.layout.len()), &self.coef)
            .unwrap_or_else(|_| aview2::<f64, 0>(&[]))
    }

    /// The features.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The intercept; 0 if none was fitted. Of more than two classes that of the first.
    pub fn intercept(&self) -> f64 {
        self.intercepts.first().copied().unwrap_or(0.0)
    }

    /// The intercepts as scikit-learn's `intercept_`: one for two classes, one for each class for more.
    pub fn intercepts(&self) -> &[f64] {
        &self.intercepts
    }

    /// The classes. Of two a margin above 0 speaks for the second, of more the largest margin for its own.
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

    /// The margin x·w + b of each row, as scikit-learn's `decision_function`; of more than two classes row by row the
    /// margins of all classes.
    ///
    /// # Errors
    /// `Model` if the features are not those of the fit; it names the first that differs.
    pub fn decision_function(&self, design: &Design) -> Result<Vec<f64>> {
        expect_features(&self.layout, design.layout())?;
        let columns: Vec<Vec<f64>> = self
            .coef_matrix()
            .rows()
            .into_iter()
            .zip(&self.intercepts)
            .map(|(w, b)| margins(design, &w.to_vec(), *b))
            .collect();
        match <[Vec<f64>; 1]>::try_from(columns) {
            Ok([margins]) => Ok(margins),
            Err(columns) => Ok((0..design.rows()).flat_map(|row| columns.iter().map(move |z| z[row])).collect()),
        }
    }

    /// The probability of the second class for each row; of more than two classes row by row the probabilities of all.
    ///
    /// # Errors
    /// As [`decision_function`](Self::decision_function).
    pub fn predict_proba(&self, design: &Design) -> Result<Vec<f64>> {
        Ok(self.chances(self.decision_function(design)?))
    }

    /// Probabilities from margins.
    fn chances(&self, mut z: Vec<f64>) -> Vec<f64> {
        match self.intercepts.len() {
            1 => z.par_chunks_mut(16_384).for_each(|z| z.iter_mut().for_each(|z| *z = probability(*z))),
            classes => z.par_chunks_mut(classes << 12).for_each(|z| z.chunks_mut(classes).for_each(softmax)),
        }
        z
    }

    /// The probability of each class for each row, as scikit-learn's `predict_proba`: a row for each row, a column for
    /// each class.
    ///
    /// # Errors
    /// As [`decision_function`](Self::decision_function).
    pub fn probabilities(&self, design: &Design) -> Result<Array2<f64>> {
        let mut p = self.predict_proba(design)?;
        if self.intercepts.len() == 1 {
            p = p.into_iter().flat_map(|second| [1.0 - second, second]).collect();
        }
        let shape = (design.rows(), self.classes.len());
        Array2::from_shape_vec(shape, p).map_err(|e| Error::model(e.to_string()).doing("predict"))
    }

    /// The number of each row's class.
    ///
    /// # Errors
    /// As [`decision_function`](Self::decision_function).
    pub fn predict_class(&self, design: &Design) -> Result<Vec<u32>> {
        let z = self.decision_function(design)?;
        Ok(z.chunks(self.intercepts.len().max(1)).map(|z| class_of(z) as u32).collect())
    }

    /// Writes the model as JSON, with the version of its format: 1 for two classes, 2 for more. The file appears whole or not at all.
    ///
    /// # Errors
    /// `Io` if the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let format = if self.classes.len() == 2 { TWO_CLASSES } else { FORMAT };
        format.save(path.as_ref(), self)
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
        let margins = margins_of(self.classes.len());
        let fits = self.coef.len() == self.layout.len() * margins && self.intercepts.len() == margins && margins != 0;
        (!fits).then_some("the coefficients do not fit the features or the classes")
    }
}

/// The number of the class that one margin of two classes, or those of several, speak for; of equal ones the first.
pub(super) fn class_of(z: &[f64]) -> usize {
    match z {
        [z] => usize::from(*z > 0.0),
        z => (1..z.len()).fold(0, |best, class| if z[class] > z[best] { class } else { best }),
    }
}

/// exp(zₖ) / Σ exp(zₗ), in place.
fn softmax(z: &mut [f64]) {
    let top = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    z.iter_mut().for_each(|z| *z = exp_of_negative(*z - top));
    let total: f64 = z.iter().sum();
    z.iter_mut().for_each(|z| *z /= total);
}

/// One number, or a list of several.
mod one_or_many {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Read {
        One(f64),
        Many(Vec<f64>),
    }

    pub fn serialize<S: Serializer>(values: &Vec<f64>, to: S) -> Result<S::Ok, S::Error> {
        match values.as_slice() {
            [one] => one.serialize(to),
            _ => values.serialize(to),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
        Ok(match Read::deserialize(from)? {
            Read::One(one) => vec![one],
            Read::Many(many) => many,
        })
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
        let classes = self.classes.len();
        let margins = self.decision_function(design)?;
        if classes > 2 {
            let probabilities = self.chances(margins.clone());
            return Ok(Predicted::Probabilities { classes, probabilities, margins: Some(margins) });
        }
        let both = |z: &f64| {
            let second = probability(*z);
            [1.0 - second, second]
        };
        let probabilities = margins.par_chunks(16_384).flat_map_iter(|z| z.iter().flat_map(both)).collect();
        Ok(Predicted::Probabilities { classes, probabilities, margins: Some(margins) })
    }
}
