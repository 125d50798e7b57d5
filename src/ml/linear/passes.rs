//! A linear model as an estimator that is fitted in passes. The objective is a quadratic, so the sums of the first pass
//! give its optimum but for rounding; the passes that follow verify that with the rows themselves, and refine it.

use super::FittedLinearRegression;
use super::params::ValidLinearRegression;
use super::sums::Sums;
use super::terms::Terms;
use crate::base::{Error, Result};
use crate::ml::design::{Block, Layout};
use crate::ml::estimator::labels::Task;
use crate::ml::estimator::{Facts, Labels, PassEstimator, Passed, Standing};
use crate::ml::logistic::accumulate::{Geometry, Point};
use crate::ml::logistic::quadratic::Quadratic;
use crate::ml::logistic::square::Square;

/// A step is worth another one if it makes the residual smaller than this share.
const WORTH_IT: f64 = 0.9;

/// Least squares by passes.
#[derive(Debug)]
pub(crate) struct Squares(pub ValidLinearRegression);

/// A fit under way.
#[derive(Debug)]
pub(crate) struct Run {
    terms: Terms,
    layout: Layout,
    /// The point that the next pass sums up at.
    trial: Vec<f64>,
    point: Point,
    /// The Hessian of the objective without its penalty, once it is known.
    hessian: Option<Square>,
    /// The residual at which the fit has converged.
    tolerance: f64,
    report: Report,
}

/// The best point so far.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub beta: Vec<f64>,
    pub objective: f64,
    pub kkt: f64,
    pub steps: usize,
    pub converged: bool,
}

impl Run {
    /// Takes in the sums at the trial point; true if it is the best so far.
    fn judge(&mut self, sums: &Sums, gradient: &[f64]) -> bool {
        let penalties = &self.terms.penalties;
        let kkt = penalties.kkt(&self.trial, gradient, &self.terms.scale);
        let better = kkt < self.report.kkt;
        if better {
            self.report.objective = self.terms.c * sums.loss() + penalties.value(&self.trial);
            self.report.beta.clone_from(&self.trial);
            self.report.kkt = kkt;
        }
        better
    }

    /// The minimiser of the objective as the sums at the best point tell it.
    fn minimiser(&self, hessian: &Square, gradient: &[f64]) -> Vec<f64> {
        let (penalties, scale) = (self.terms.penalties, self.terms.scale.as_slice());
        let quadratic = Quadratic { gradient, hessian, penalties, scale };
        match penalties.l1 > 0.0 {
            true => quadratic.minimise(&self.report.beta, 0.1 * self.tolerance),
            false => quadratic.minimise_smooth(&self.report.beta),
        }
    }
}

impl PassEstimator for Squares {
    type State = Run;
    type Acc = Sums;
    type Fitted = FittedLinearRegression;

    fn task(&self) -> Task {
        Task::Regression
    }

    fn begin(&self, facts: &Facts) -> Result<Run> {
        let terms = Terms::new(facts, &self.0).map_err(|e| e.doing("fit a linear regression"))?;
        let trial = terms.start();
        let report =
            Report { beta: trial.clone(), objective: f64::INFINITY, kkt: f64::INFINITY, steps: 0, converged: false };
        let (point, layout) = (terms.point(&trial), facts.layout.clone());
        Ok(Run { terms, layout, trial, point, hessian: None, tolerance: 0.0, report })
    }

    fn nothing(&self, run: &Run) -> Sums {
        Sums::nothing(&run.terms.geometry, run.hessian.is_none())
    }

    fn accumulate(&self, run: &Run, block: &Block<'_>, labels: Labels<'_>) -> Sums {
        Sums::of(&run.terms.geometry, block, labels.values(), &run.point, run.hessian.is_none())
    }

    fn merge(&self, sums: &mut Sums, later: Sums) {
        sums.merge(&later);
    }

    fn step(&self, run: &mut Run, sums: Sums) -> Result<Passed> {
        let (before, gradient) = (run.report.kkt, sums.gradient(run.terms.c));
        let better = run.judge(&sums, &gradient);
        if let Sums::Moments(acc) = &sums {
            if !(run.report.kkt.is_finite() && run.report.objective.is_finite()) {
                let what = "the squares of the target and the weights are so large that they overflow";
                return Err(Error::model(what).doing("fit a linear regression"));
            }
            run.tolerance = (self.0.tol * run.report.kkt).max(run.terms.rounding(sums.loss()));
            run.hessian = Some(run.terms.hessian(acc.hessian(run.terms.c)));
        }
        run.report.converged = run.report.kkt <= run.tolerance;
        let worth_it = better && run.report.kkt <= WORTH_IT * before;
        if run.report.converged || !worth_it || run.report.steps == self.0.max_iter {
            return Ok(Passed::Done);
        }
        if let Some(hessian) = &run.hessian {
            run.trial = run.minimiser(hessian, &gradient);
        }
        run.report.steps += 1;
        run.point = run.terms.point(&run.trial);
        Ok(Passed::More)
    }

    fn finish(&self, run: Run) -> Result<FittedLinearRegression> {
        let (coef, intercept) = run.terms.outward(&run.report.beta);
        Ok(FittedLinearRegression::new(run.layout, coef, intercept, &run.report))
    }

    fn bytes(&self, layout: &Layout) -> (u64, u64) {
        let geometry = Geometry::new(layout);
        let parameters = geometry.parameters() as u64;
        // the Hessian, its active part, and the factor of that
        (8 * geometry.sums() as u64, 3 * 8 * parameters * parameters)
    }

    fn kept(&self, layout: &Layout) -> u64 {
        let parameters = Geometry::new(layout).parameters() as u64;
        8 * parameters * parameters
    }

    fn progress(&self, run: &Run) -> Option<Standing> {
        Some(Standing { objective: run.report.objective, residual: run.report.kkt })
    }
}
