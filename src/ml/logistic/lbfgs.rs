//! The solver of `linfa-logistic`: L-BFGS on the dense matrix, for pure L2 penalties.

use linfa::ParamGuard;
use linfa::dataset::DatasetBase;
use linfa::traits::Fit;
use ndarray::Array1;

use super::params::{Solver, ValidLogisticRegression};
use super::problem::Problem;
use super::terms::Solution;
use crate::base::{Error, Result};

/// The optimum of (c, L2) by L-BFGS, judged by the optimality conditions here, since linfa does not tell whether it has
/// converged.
///
/// # Errors
/// `Model` with linfa's own words if its line search fails, `Unsupported` if rows have weights.
pub(super) fn solve(problem: &Problem<'_>, params: &ValidLogisticRegression) -> Result<Solution> {
    let design = problem.design;
    let y: Vec<bool> = problem.labels.classes().iter().map(|class| *class == 1).collect();
    if design.row_weights().is_some() {
        return Err(Error::unsupported("weights of rows with the solver Linfa").help("use Solver::ProxNewton"));
    }
    // column by column, which its products want: they are many times slower on rows
    let dense = design.to_dense();
    let mut solver = linfa_logistic::LogisticRegression::default()
        // its objective is the loss + α/2·‖w‖², ours C times the loss + ½·‖w‖²
        .alpha(params.l2() / params.c)
        .with_intercept(params.fit_intercept)
        .max_iterations(params.steps_of(Solver::Linfa) as u64)
        .gradient_tolerance(params.tolerance() / params.c);
    if let Some((coef, intercepts)) = params.warm(design.layout(), &problem.facts.classes) {
        let intercept = intercepts.into_iter().filter(|_| params.fit_intercept);
        // its positive class is the more frequent one, whatever the labels
        let sign = if majority(&y) { 1.0 } else { -1.0 };
        solver = solver.initial_params(coef.into_iter().chain(intercept).map(|w| sign * w).collect());
    }
    let failed = |e: linfa_logistic::error::Error| {
        Error::model(e.to_string()).doing("fit a logistic regression with linfa").help("use Solver::ProxNewton")
    };
    let solver = solver.check().map_err(failed)?;
    let model = solver.fit(&DatasetBase::new(dense, Array1::from(y))).map_err(failed)?;
    let sign = if model.labels().pos.class { 1.0 } else { -1.0 };
    let coef: Vec<f64> = model.params().iter().map(|w| sign * w).collect();
    problem.judge(params, &coef, sign * model.intercept())
}

/// Whether `true` is the more frequent class, or as frequent and first.
fn majority(y: &[bool]) -> bool {
    let twice = 2 * y.iter().filter(|y| **y).count();
    twice > y.len() || (twice == y.len() && y.first() == Some(&true))
}
