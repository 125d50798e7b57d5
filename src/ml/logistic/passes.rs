//! Logistic regression by proximal Newton as an estimator that is fitted in passes.

use super::FittedLogisticRegression;
use super::accumulate::{Acc, Geometry, Point, accumulate};
use super::newton::{Aim, Progress, State};
use super::params::ValidLogisticRegression;
use super::terms::{Solution, Terms};
use crate::base::Result;
use crate::ml::classes::Classes;
use crate::ml::design::{Block, Layout};
use crate::ml::estimator::labels::Task;
use crate::ml::estimator::{Facts, Labels, PassEstimator, Passed};

/// Logistic regression by proximal Newton.
#[derive(Debug)]
pub(crate) struct ByNewton(pub ValidLogisticRegression);

/// A fit under way.
#[derive(Debug)]
pub(crate) struct Newton {
    terms: Terms,
    state: State,
    /// The trial point, ready for rows.
    point: Point,
    converged: bool,
    layout: Layout,
    classes: Classes,
}

impl Newton {
    /// Begins at `start`, in the solver's order.
    fn at(terms: Terms, aim: Aim, start: Vec<f64>, facts: &Facts) -> Newton {
        let point = terms.point(&start);
        let (layout, classes) = (facts.layout.clone(), facts.classes.clone());
        Newton { terms, state: State::begin(aim, start), point, converged: false, layout, classes }
    }

    /// Judges coefficients that another solver found: the fit takes one pass and no step.
    pub(super) fn judging(
        params: &ValidLogisticRegression,
        facts: &Facts,
        coef: &[f64],
        intercept: f64,
    ) -> Result<Newton> {
        let terms = Terms::new(facts, params)?;
        let (aim, start) = (Aim { max_iter: 0, ..terms.aim(params) }, terms.inward(coef, intercept));
        Ok(Newton::at(terms, aim, start, facts))
    }

    /// What it ended with.
    pub(super) fn solution(&self) -> Solution {
        let (coef, intercept) = self.terms.outward(self.state.best());
        Solution {
            coef,
            intercept,
            iterations: Some(self.state.iterations()),
            converged: self.converged,
            kkt: self.state.kkt(),
            objective: self.state.objective(),
        }
    }
}

impl PassEstimator for ByNewton {
    type State = Newton;
    type Acc = Acc;
    type Fitted = FittedLogisticRegression;

    fn task(&self) -> Task {
        Task::Classification
    }

    fn begin(&self, facts: &Facts) -> Result<Newton> {
        let terms = Terms::new(facts, &self.0).map_err(|e| e.doing("fit a logistic regression"))?;
        let start = match self.0.warm(&facts.layout) {
            Some((coef, intercept)) => terms.inward(&coef, intercept),
            None => terms.start(),
        };
        let aim = terms.aim(&self.0);
        Ok(Newton::at(terms, aim, start, facts))
    }

    fn nothing(&self, newton: &Newton) -> Acc {
        Acc::empty(&newton.terms.geometry)
    }

    fn accumulate(&self, newton: &Newton, block: &Block<'_>, labels: Labels<'_>) -> Acc {
        let y: Vec<bool> = labels.classes().iter().map(|class| *class == 1).collect();
        accumulate(&newton.terms.geometry, block, &y, &newton.point)
    }

    fn merge(&self, acc: &mut Acc, later: Acc) {
        acc.merge(&later);
    }

    fn step(&self, newton: &mut Newton, acc: Acc) -> Result<Passed> {
        match newton.state.step(&acc) {
            Progress::More => {
                newton.point = newton.terms.point(newton.state.trial());
                Ok(Passed::More)
            }
            ended => {
                newton.converged = ended == Progress::Converged;
                Ok(Passed::Done)
            }
        }
    }

    fn finish(&self, newton: Newton) -> Result<FittedLogisticRegression> {
        Ok(FittedLogisticRegression::new(newton.layout.clone(), newton.classes.clone(), &newton.solution()))
    }

    fn bytes(&self, layout: &Layout) -> (u64, u64) {
        let (sums, parameters) = (Geometry::new(layout).sums() as u64, layout.len() as u64 + 1);
        // the Hessian, its active part, and the factor of that
        (8 * sums, 3 * 8 * parameters * parameters)
    }

    fn progress(&self, newton: &Newton) -> Option<f64> {
        Some(newton.state.kkt())
    }
}
