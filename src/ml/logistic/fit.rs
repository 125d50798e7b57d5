//! Fitting: a design matrix and labels in, a model with its report out; and linfa's traits for arrays.

use linfa::dataset::{AsSingleTargets, DatasetBase};
use linfa::traits::{Fit, PredictInplace};
use ndarray::{Array1, ArrayBase, Data, Ix2};

use super::lbfgs;
use super::params::{Solver, ValidLogisticRegression};
use super::problem::{Problem, Solution, solve_path};
use super::weights::ClassTotals;
use super::{FittedLogisticRegression, Penalty, saga};
use crate::base::{Error, Result};
use crate::ml::classes::{Classes, Label};
use crate::ml::design::Design;

impl ValidLogisticRegression {
    /// Fits to a design matrix and the class number of each row.
    ///
    /// # Errors
    /// `Model` if there are not two classes, naming those there are, if a class has no rows that weigh anything, or if
    /// labels and rows are not as many;
    /// `Unsupported` for more features than the solver can hold.
    pub fn fit_design(&self, design: &Design, classes: &Classes, y: &[u32]) -> Result<FittedLogisticRegression> {
        let models = fit_path(std::slice::from_ref(self), design, classes, y)?;
        models.into_iter().next().ok_or_else(|| Error::model("nothing was fitted"))
    }

    pub(super) fn warm(&self, design: &Design) -> Option<Solution> {
        let model = self.warm_start.as_deref()?;
        let known: rustc_hash::FxHashMap<&str, f64> = model.coef().collect();
        let coef = design.layout().names().map(|name| known.get(name).copied().unwrap_or(0.0)).collect();
        Some(Solution::at(coef, if self.fit_intercept { model.intercept() } else { 0.0 }))
    }
}

/// Fits each of these parameters to the same rows, each beginning where the one before ended: the path of a grid search.
///
/// # Errors
/// As [`ValidLogisticRegression::fit_design`].
pub(crate) fn fit_path(
    path: &[ValidLogisticRegression],
    design: &Design,
    classes: &Classes,
    y: &[u32],
) -> Result<Vec<FittedLogisticRegression>> {
    classes.expect_two().map_err(|e| e.doing("fit a logistic regression"))?;
    if y.len() != design.rows() {
        return Err(Error::model(format!("{} labels for {} rows", y.len(), design.rows())));
    }
    let labels: Vec<bool> = y.iter().map(|y| *y == 1).collect();
    let mut models = Vec::with_capacity(path.len());
    let alike = |a: &ValidLogisticRegression, b: &ValidLogisticRegression| {
        a.plain() && b.plain() && a.fit_intercept == b.fit_intercept && a.class_weight == b.class_weight
    };
    for run in path.chunk_by(alike) {
        let totals = ClassTotals::of(&run[0].class_weight, classes, y, design.row_weights())
            .map_err(|e| e.doing("fit a logistic regression"))?;
        let problem = Problem::new(design, &labels, run[0].fit_intercept, &totals)?;
        let solutions = match run {
            [one] if one.solver == Solver::Linfa => vec![lbfgs::solve(&problem, one, design, &labels)?],
            [ValidLogisticRegression { solver: Solver::Saga { seed }, .. }] => {
                let weights = totals.row_weights(y, design.row_weights());
                vec![saga::solve(&problem, &run[0], *seed, design, &labels, weights.as_deref())?]
            }
            [one] if one.solver_for(problem.parameters()) == Solver::Fista => {
                vec![problem.solve_wide(one, one.warm(design).as_ref())]
            }
            [one] => vec![problem.solve(one, one.warm(design).as_ref())?],
            run => solve_path(&problem, run)?,
        };
        models.extend(
            solutions.iter().map(|s| FittedLogisticRegression::new(design.layout().clone(), classes.clone(), s)),
        );
    }
    Ok(models)
}

impl ValidLogisticRegression {
    /// Whether a fit may begin where another ended.
    fn plain(&self) -> bool {
        matches!(self.solver, Solver::Auto | Solver::ProxNewton)
            && self.warm_start.is_none()
            && self.penalty != Penalty::None
    }
}

impl<L: Label, D: Data<Elem = f64>, T: AsSingleTargets<Elem = L>> Fit<ArrayBase<D, Ix2>, T, Error>
    for ValidLogisticRegression
{
    type Object = FittedLogisticRegression;

    /// Fits to the rows of a matrix, their labels, and their weights if the dataset has any. Features have the
    /// dataset's names, or x0, x1, …
    ///
    /// # Errors
    /// `Model` for a value that is not finite (naming the feature), a label that is none, or not two classes.
    fn fit(&self, dataset: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<FittedLogisticRegression> {
        let mut design = Design::from_dense(dataset.records(), dataset.feature_names())?;
        if let Some(weights) = dataset.weights() {
            design = design.weights(weights.iter().map(|w| f64::from(*w)).collect())?;
        }
        let labels = dataset.targets().as_single_targets();
        let (classes, y) = L::encode(labels.iter())?;
        self.fit_design(&design, &classes, &y)
    }
}

impl FittedLogisticRegression {
    /// The label of each row of a matrix.
    ///
    /// # Errors
    /// `Model` if the matrix has not one column for each feature.
    pub fn try_predict<L: Label, D: Data<Elem = f64>>(&self, x: &ArrayBase<D, Ix2>) -> Result<Array1<L>> {
        if x.ncols() != self.coef_values().len() {
            let what = format!("{} columns are given and the model has {}", x.ncols(), self.coef_values().len());
            return Err(Error::model(what).doing("predict"));
        }
        let z = x.dot(&ndarray::ArrayView1::from(self.coef_values())) + self.intercept();
        Ok(z.mapv(|z| L::of_class(self.classes(), usize::from(z > 0.0))))
    }
}

impl<L: Label, D: Data<Elem = f64>> PredictInplace<ArrayBase<D, Ix2>, Array1<L>> for FittedLogisticRegression {
    /// Predicts labels, of any type that labels a class.
    ///
    /// # Panics
    /// As linfa's own models, if the matrix has not one column for each feature, or `y` not one cell for each row;
    /// [`try_predict`](FittedLogisticRegression::try_predict) gives an error instead.
    fn predict_inplace(&self, x: &ArrayBase<D, Ix2>, y: &mut Array1<L>) {
        assert_eq!(x.nrows(), y.len(), "the number of rows and of predictions must be the same");
        assert_eq!(x.ncols(), self.coef_values().len(), "one column for each feature of the model is needed");
        if let Ok(labels) = self.try_predict(x) {
            y.assign(&labels);
        }
    }

    fn default_target(&self, x: &ArrayBase<D, Ix2>) -> Array1<L> {
        Array1::from_elem(x.nrows(), L::of_class(self.classes(), 0))
    }
}
