//! Fitting: a design matrix and labels in, a model with its report out; and linfa's traits for arrays.

use std::sync::Arc;

use linfa::dataset::{AsSingleTargets, DatasetBase};
use linfa::traits::{Fit, PredictInplace};
use ndarray::{Array1, ArrayBase, Data, Ix2};

use rustc_hash::FxHashMap;

use super::fitted::class_of;
use super::params::{Solver, ValidLogisticRegression};
use super::passes::{By, Method};
use super::problem::Problem;
use super::terms::{Solution, Terms, margins_of};
use super::{ClassWeight, FittedLogisticRegression, fista, lbfgs, newton, saga};
use crate::base::{Error, Result};
use crate::ml::classes::{Classes, Label};
use crate::ml::design::{Design, Layout};
use crate::ml::estimator::fitting::begin;
use crate::ml::estimator::labels::Task;
use crate::ml::estimator::training::{Estimator, Training, Whole};
use crate::ml::estimator::{Facts, FittedModel, Labels};
use crate::ml::train::solve::fit_in_memory;

impl ValidLogisticRegression {
    /// Fits to a design matrix and the class number of each row.
    ///
    /// # Errors
    /// `Model` if there are not at least two classes, naming those there are, if a class has no rows that weigh anything,
    /// or if labels and rows are not as many; `Unsupported` for more features than the solver can hold, or a solver that
    /// knows two classes only.
    pub fn fit_design(&self, design: &Design, classes: &Classes, y: &[u32]) -> Result<FittedLogisticRegression> {
        if y.len() != design.rows() {
            return Err(Error::model(format!("{} labels for {} rows", y.len(), design.rows())));
        }
        if let Some(row) = y.iter().position(|class| *class as usize >= classes.len()) {
            let what = format!("row {row} is of class number {}, and the classes are {classes}", y[row]);
            return Err(Error::model(what).doing("fit a logistic regression"));
        }
        let labels = Labels::Classes(y);
        match fit_in_memory(self, design, labels, &Facts::of_design(design, labels, classes))? {
            FittedModel::Logistic(model) => Ok(model),
            _ => Err(Error::invalid("a logistic regression gave another model")),
        }
    }

    /// The coefficients and intercepts to begin with, margin after margin; those of a model of other classes are none.
    pub(super) fn warm(&self, layout: &Layout, classes: &Classes) -> Option<(Vec<f64>, Vec<f64>)> {
        let fits = |model: &&FittedLogisticRegression| model.classes() == classes || classes.len() == 2;
        let model = self.warm_start.as_deref().filter(fits).filter(|model| model.classes().len() == classes.len())?;
        let places: FxHashMap<&str, usize> = model.layout().names().zip(0..).collect();
        let coef = model.coef_matrix();
        let known = |margin: usize, name: &str| places.get(name).map_or(0.0, |place| coef[[margin, *place]]);
        let of_margin = |margin: usize| layout.names().map(move |name| known(margin, name)).collect::<Vec<f64>>();
        let coef = (0..coef.nrows()).flat_map(of_margin).collect();
        let intercept = |intercept: &f64| if self.fit_intercept { *intercept } else { 0.0 };
        Some((coef, model.intercepts().iter().map(intercept).collect()))
    }
}

impl Estimator for ValidLogisticRegression {
    fn task(&self) -> Task {
        Task::Classification
    }

    fn tells_all_apart(&self, facts: &Facts, fitted: &FittedModel) -> bool {
        let FittedModel::Logistic(model) = fitted else { return false };
        let mut classes = facts.class_weight.iter().zip(&facts.counts);
        let unweighted =
            self.class_weight == ClassWeight::None && classes.all(|(weight, rows)| *weight == *rows as f64);
        // a single row that is taken for another class costs ln 2 or more
        let cost = self.c * std::f64::consts::LN_2;
        unweighted && self.l1() == 0.0 && self.l2() == 0.0 && model.objective() < cost
    }

    fn begin(&self, facts: &Facts) -> Result<Training> {
        let classes = facts.classes.len();
        match self.solver_for((facts.layout.len() + 1) * margins_of(classes)) {
            Solver::Auto | Solver::ProxNewton => self.in_passes::<newton::State>(facts),
            Solver::Fista => self.in_passes::<fista::State>(facts),
            solver @ (Solver::Linfa | Solver::Saga { .. }) if classes > 2 => {
                Err(Error::unsupported(format!("the solver {solver:?} for {classes} classes"))
                    .help("use Solver::ProxNewton or Solver::Fista"))
            }
            Solver::Linfa => self.in_memory(facts, lbfgs::solve),
            Solver::Saga { seed } => self.in_memory(facts, move |problem, params| saga::solve(problem, params, seed)),
        }
    }
}

impl ValidLogisticRegression {
    /// A fit by a method that works in passes.
    fn in_passes<M: Method>(&self, facts: &Facts) -> Result<Training> {
        Ok(Training::Passes(begin(&Arc::new(By::<M>::new(self, &facts.classes)), facts, FittedModel::Logistic)?))
    }

    /// A fit by a solver that wants all rows in memory, as a dense matrix.
    fn in_memory(
        &self,
        facts: &Facts,
        solve: impl Fn(&Problem<'_>, &ValidLogisticRegression) -> Result<Solution> + Send + Sync + 'static,
    ) -> Result<Training> {
        Terms::new(facts, self).map_err(|e| e.doing("fit a logistic regression"))?;
        let params = self.clone();
        let fit = move |design: &Design, labels: Labels<'_>, facts: &Facts| {
            let solution = solve(&Problem { design, labels, facts }, &params)?;
            let (layout, classes) = (facts.layout.clone(), facts.classes.clone());
            Ok(FittedModel::Logistic(FittedLogisticRegression::new(layout, classes, &solution)))
        };
        Ok(Training::Whole(Whole { bytes: 8 * facts.rows * facts.layout.len() as u64, fit: Box::new(fit) }))
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
    /// `Model` for a value that is not finite (naming the feature), a label that is none, or fewer than two classes.
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
        let coef = self.coef_matrix();
        if x.ncols() != coef.ncols() {
            let what = format!("{} columns are given and the model has {}", x.ncols(), coef.ncols());
            return Err(Error::model(what).doing("predict"));
        }
        let z = x.dot(&coef.t()) + ndarray::ArrayView1::from(self.intercepts());
        Ok(z.rows().into_iter().map(|z| L::of_class(self.classes(), class_of(&z.to_vec()))).collect())
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
        assert_eq!(x.ncols(), self.layout().len(), "one column for each feature of the model is needed");
        if let Ok(labels) = self.try_predict(x) {
            y.assign(&labels);
        }
    }

    fn default_target(&self, x: &ArrayBase<D, Ix2>) -> Array1<L> {
        Array1::from_elem(x.nrows(), L::of_class(self.classes(), 0))
    }
}
