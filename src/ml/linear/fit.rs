//! Fitting: a design matrix and values in, a model with its report out; and linfa's traits for arrays.

use std::sync::Arc;

use linfa::dataset::{AsSingleTargets, DatasetBase};
use linfa::traits::{Fit, PredictInplace};
use ndarray::{Array1, ArrayBase, Data, Ix2};

use super::passes::Squares;
use super::{FittedLinearRegression, ValidLinearRegression};
use crate::base::{Error, Result};
use crate::ml::classes::Classes;
use crate::ml::design::Design;
use crate::ml::estimator::fitting::begin;
use crate::ml::estimator::labels::Task;
use crate::ml::estimator::training::{Estimator, Training};
use crate::ml::estimator::{Facts, FittedModel, Labels};
use crate::ml::train::solve::fit_in_memory;

impl ValidLinearRegression {
    /// Fits to a design matrix and the value of each row.
    ///
    /// # Errors
    /// `Model` if no row weighs anything, for a value that is not finite, or if values and rows are not as many;
    /// `Unsupported` for more features than a fit can hold.
    pub fn fit_design(&self, design: &Design, y: &[f64]) -> Result<FittedLinearRegression> {
        let refuse = |what: String| Err(Error::model(what).doing("fit a linear regression"));
        if y.len() != design.rows() {
            return refuse(format!("{} values for {} rows", y.len(), design.rows()));
        }
        if let Some(row) = y.iter().position(|value| !value.is_finite()) {
            return refuse(format!("the target is {} in row {row}", y[row]));
        }
        let (labels, none) = (Labels::Values(y), Classes::Float(Vec::new()));
        match fit_in_memory(self, design, labels, &Facts::of_design(design, labels, &none))? {
            FittedModel::Linear(model) => Ok(model),
            _ => Err(Error::invalid("a linear regression gave another model")),
        }
    }
}

impl Estimator for ValidLinearRegression {
    fn task(&self) -> Task {
        Task::Regression
    }

    fn begin(&self, facts: &Facts) -> Result<Training> {
        Ok(Training::Passes(begin(&Arc::new(Squares(self.clone())), facts, FittedModel::Linear)?))
    }
}

impl<D: Data<Elem = f64>, T: AsSingleTargets<Elem = f64>> Fit<ArrayBase<D, Ix2>, T, Error> for ValidLinearRegression {
    type Object = FittedLinearRegression;

    /// Fits to the rows of a matrix, their values, and their weights if the dataset has any. Features have the dataset's
    /// names, or x0, x1, …
    ///
    /// # Errors
    /// `Model` for a value that is not finite (naming the feature), or if no row weighs anything.
    fn fit(&self, dataset: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<FittedLinearRegression> {
        let mut design = Design::from_dense(dataset.records(), dataset.feature_names())?;
        if let Some(weights) = dataset.weights() {
            design = design.weights(weights.iter().map(|w| f64::from(*w)).collect())?;
        }
        self.fit_design(&design, &dataset.targets().as_single_targets().to_vec())
    }
}

impl FittedLinearRegression {
    /// The value that is predicted for each row of a matrix.
    ///
    /// # Errors
    /// `Model` if the matrix has not one column for each feature.
    pub fn try_predict<D: Data<Elem = f64>>(&self, x: &ArrayBase<D, Ix2>) -> Result<Array1<f64>> {
        let coef = ndarray::ArrayView1::from(self.coef_values());
        if x.ncols() != coef.len() {
            let what = format!("{} columns are given and the model has {}", x.ncols(), coef.len());
            return Err(Error::model(what).doing("predict"));
        }
        Ok(x.dot(&coef) + self.intercept())
    }
}

impl<D: Data<Elem = f64>> PredictInplace<ArrayBase<D, Ix2>, Array1<f64>> for FittedLinearRegression {
    /// Predicts values.
    ///
    /// # Panics
    /// As linfa's own models, if the matrix has not one column for each feature, or `y` not one cell for each row;
    /// [`try_predict`](FittedLinearRegression::try_predict) gives an error instead.
    fn predict_inplace(&self, x: &ArrayBase<D, Ix2>, y: &mut Array1<f64>) {
        assert_eq!(x.nrows(), y.len(), "the number of rows and of predictions must be the same");
        assert_eq!(x.ncols(), self.layout().len(), "one column for each feature of the model is needed");
        if let Ok(values) = self.try_predict(x) {
            y.assign(&values);
        }
    }

    fn default_target(&self, x: &ArrayBase<D, Ix2>) -> Array1<f64> {
        Array1::zeros(x.nrows())
    }
}
