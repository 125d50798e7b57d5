//! Logistic regression as an estimator that is fitted in passes: by proximal Newton, or by FISTA.

use std::fmt::Debug;
use std::marker::PhantomData;

use super::FittedLogisticRegression;
use super::accumulate::Geometry;
use super::fista::{self, Shape};
use super::gradient::Slopes;
use super::newton::{self, Aim, MAX_PARAMETERS, Progress};
use super::params::{Solver, ValidLogisticRegression};
use super::quadratic::Penalties;
use super::softmax::{MarginAcc, Points, accumulate_margins, accumulate_slopes, pairs_of};
use super::terms::{Solution, Terms, margins_of};
use crate::base::{Error, Result};
use crate::ml::classes::Classes;
use crate::ml::design::{Block, Layout};
use crate::ml::estimator::labels::Task;
use crate::ml::estimator::{Facts, Labels, PassEstimator, Passed, Standing};

/// A method that names a point, is given sums there, and names the next.
pub(crate) trait Method: Debug + Send + Sync + 'static {
    const SOLVER: Solver;
    type Sums: Send + 'static;

    fn begin(terms: &Terms, aim: Aim, start: Vec<f64>) -> Result<Self>
    where
        Self: Sized;
    fn nothing(&self, terms: &Terms) -> Self::Sums;
    fn sums(&self, geometry: &Geometry, block: &Block<'_>, y: &[u32], points: &Points) -> Self::Sums;
    fn merge(sums: &mut Self::Sums, later: &Self::Sums);
    fn step(&mut self, sums: &Self::Sums) -> Progress;
    /// The next point, the best so far, and its objective and residual; steps taken.
    fn trial(&self) -> &[f64];
    fn best(&self) -> &[f64];
    fn objective(&self) -> f64;
    fn kkt(&self) -> f64;
    fn iterations(&self) -> usize;
    /// Bytes of the sums of so many margins, and of a step beside them.
    fn bytes(geometry: &Geometry, margins: usize) -> (u64, u64);
}

macro_rules! where_it_stands {
    () => {
        fn trial(&self) -> &[f64] {
            self.trial()
        }
        fn best(&self) -> &[f64] {
            self.best()
        }
        fn objective(&self) -> f64 {
            self.objective()
        }
        fn kkt(&self) -> f64 {
            self.kkt()
        }
        fn iterations(&self) -> usize {
            self.iterations()
        }
    };
}

impl Method for newton::State {
    const SOLVER: Solver = Solver::ProxNewton;
    type Sums = MarginAcc;

    fn begin(_: &Terms, aim: Aim, start: Vec<f64>) -> Result<Self> {
        if start.len() > MAX_PARAMETERS {
            return Err(Error::unsupported(format!("a Newton step in {} parameters", start.len()))
                .help(format!("at most {MAX_PARAMETERS} are possible: use Solver::Fista")));
        }
        Ok(newton::State::begin(aim, start))
    }

    fn nothing(&self, terms: &Terms) -> MarginAcc {
        MarginAcc::empty(&terms.geometry, terms.margins())
    }

    fn sums(&self, geometry: &Geometry, block: &Block<'_>, y: &[u32], points: &Points) -> MarginAcc {
        accumulate_margins(geometry, block, y, points)
    }

    fn merge(sums: &mut MarginAcc, later: &MarginAcc) {
        sums.merge(later);
    }

    fn step(&mut self, sums: &MarginAcc) -> Progress {
        self.step(sums)
    }

    where_it_stands!();

    fn bytes(geometry: &Geometry, margins: usize) -> (u64, u64) {
        let (sums, parameters) = (geometry.sums() * pairs_of(margins), (geometry.parameters() * margins) as u64);
        // the Hessian, its active part, and the factor of that
        (8 * sums as u64, 3 * 8 * parameters * parameters)
    }
}

impl Method for fista::State {
    const SOLVER: Solver = Solver::Fista;
    type Sums = Slopes;

    fn begin(terms: &Terms, aim: Aim, start: Vec<f64>) -> Result<Self> {
        let steepest = if terms.margins() == 1 { 0.25 } else { 0.5 };
        let shape = Shape { entries: terms.geometry.entries(), steepest };
        Ok(fista::State::begin(aim, shape, start))
    }

    fn nothing(&self, terms: &Terms) -> Slopes {
        Slopes::empty(&terms.geometry, terms.margins(), self.wants_squares())
    }

    fn sums(&self, geometry: &Geometry, block: &Block<'_>, y: &[u32], points: &Points) -> Slopes {
        accumulate_slopes(geometry, block, y, points, self.wants_squares())
    }

    fn merge(sums: &mut Slopes, later: &Slopes) {
        sums.merge(later);
    }

    fn step(&mut self, sums: &Slopes) -> Progress {
        self.step(sums)
    }

    where_it_stands!();

    fn bytes(geometry: &Geometry, margins: usize) -> (u64, u64) {
        let parameters = (geometry.parameters() * margins) as u64;
        (2 * 8 * parameters, 6 * 8 * parameters)
    }
}

/// Logistic regression of rows with so many margins by a method.
#[derive(Debug)]
pub(crate) struct By<M>(ValidLogisticRegression, usize, PhantomData<fn() -> M>);

/// A fit under way.
#[derive(Debug)]
pub(crate) struct Run<M> {
    terms: Terms,
    penalties: Penalties,
    method: M,
    /// The trial point, ready for rows.
    points: Points,
    converged: bool,
    layout: Layout,
    classes: Classes,
}

impl<M: Method> By<M> {
    pub fn new(params: &ValidLogisticRegression, classes: &Classes) -> By<M> {
        By(params.clone(), margins_of(classes.len()), PhantomData)
    }
}

impl<M: Method> Run<M> {
    fn at(terms: Terms, aim: Aim, start: Vec<f64>, facts: &Facts) -> Result<Run<M>> {
        let (points, penalties) = (terms.points(&start), aim.penalties);
        let (layout, classes) = (facts.layout.clone(), facts.classes.clone());
        Ok(Run { method: M::begin(&terms, aim, start)?, terms, penalties, points, converged: false, layout, classes })
    }

    /// Judges coefficients that another solver found: the fit takes one pass and no step.
    pub fn judging(params: &ValidLogisticRegression, facts: &Facts, coef: &[f64], intercept: f64) -> Result<Run<M>> {
        let terms = Terms::new(facts, params)?;
        let (aim, start) = (Aim { max_iter: 0, ..terms.aim(params, params.solver) }, terms.inward(coef, &[intercept]));
        Run::at(terms, aim, start, facts)
    }

    /// What it ended with.
    pub fn solution(&self) -> Solution {
        let (coef, intercepts) = self.terms.outward(self.method.best(), &self.penalties);
        Solution {
            coef,
            intercepts,
            iterations: Some(self.method.iterations()),
            converged: self.converged,
            kkt: self.method.kkt(),
            objective: self.method.objective(),
        }
    }
}

impl<M: Method> PassEstimator for By<M> {
    type State = Run<M>;
    type Acc = M::Sums;
    type Fitted = FittedLogisticRegression;

    fn task(&self) -> Task {
        Task::Classification
    }

    fn begin(&self, facts: &Facts) -> Result<Run<M>> {
        let begin = || {
            let terms = Terms::new(facts, &self.0)?;
            let start = match self.0.warm(&facts.layout, &facts.classes) {
                Some((coef, intercepts)) => terms.inward(&coef, &intercepts),
                None => terms.start(),
            };
            let aim = terms.aim(&self.0, M::SOLVER);
            Run::at(terms, aim, start, facts)
        };
        begin().map_err(|e| e.doing("fit a logistic regression"))
    }

    fn nothing(&self, run: &Run<M>) -> M::Sums {
        run.method.nothing(&run.terms)
    }

    fn accumulate(&self, run: &Run<M>, block: &Block<'_>, labels: Labels<'_>) -> M::Sums {
        run.method.sums(&run.terms.geometry, block, labels.classes(), &run.points)
    }

    fn merge(&self, sums: &mut M::Sums, later: M::Sums) {
        M::merge(sums, &later);
    }

    fn step(&self, run: &mut Run<M>, sums: M::Sums) -> Result<Passed> {
        match run.method.step(&sums) {
            Progress::More => {
                run.points = run.terms.points(run.method.trial());
                Ok(Passed::More)
            }
            ended => {
                run.converged = ended == Progress::Converged;
                Ok(Passed::Done)
            }
        }
    }

    fn finish(&self, run: Run<M>) -> Result<FittedLogisticRegression> {
        Ok(FittedLogisticRegression::new(run.layout.clone(), run.classes.clone(), &run.solution()))
    }

    fn bytes(&self, layout: &Layout) -> (u64, u64) {
        M::bytes(&Geometry::new(layout), self.1)
    }

    fn progress(&self, run: &Run<M>) -> Option<Standing> {
        Some(Standing { objective: run.method.objective(), residual: run.method.kkt() })
    }
}
