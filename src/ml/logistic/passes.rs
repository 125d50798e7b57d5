//! Logistic regression as an estimator that is fitted in passes: by proximal Newton, or by FISTA.

use std::fmt::Debug;
use std::marker::PhantomData;

use super::FittedLogisticRegression;
use super::accumulate::{Acc, Geometry, Point, accumulate};
use super::fista::{self, Shape};
use super::gradient::{Slopes, accumulate_gradient};
use super::newton::{self, Aim, Progress};
use super::params::{Solver, ValidLogisticRegression};
use super::terms::{Solution, Terms};
use crate::base::{Error, Result};
use crate::ml::classes::Classes;
use crate::ml::design::{Block, Layout};
use crate::ml::estimator::labels::Task;
use crate::ml::estimator::{Facts, Labels, PassEstimator, Passed};

/// The most parameters for Newton: the Hessian is a square matrix of this size.
const MAX_PARAMETERS: usize = 8_193;

/// A method that names a point, is given sums there, and names the next.
pub(crate) trait Method: Debug + Send + Sync + 'static {
    const SOLVER: Solver;
    type Sums: Send + 'static;

    fn begin(terms: &Terms, aim: Aim, start: Vec<f64>) -> Result<Self>
    where
        Self: Sized;
    fn nothing(&self, geometry: &Geometry) -> Self::Sums;
    fn sums(&self, geometry: &Geometry, block: &Block<'_>, y: &[bool], point: &Point) -> Self::Sums;
    fn merge(sums: &mut Self::Sums, later: &Self::Sums);
    fn step(&mut self, sums: &Self::Sums) -> Progress;
    /// The next point, the best so far, and its objective and residual; steps taken.
    fn trial(&self) -> &[f64];
    fn best(&self) -> &[f64];
    fn objective(&self) -> f64;
    fn kkt(&self) -> f64;
    fn iterations(&self) -> usize;
    /// Bytes of the sums, and of a step beside them.
    fn bytes(geometry: &Geometry) -> (u64, u64);
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
    type Sums = Acc;

    fn begin(_: &Terms, aim: Aim, start: Vec<f64>) -> Result<Self> {
        if start.len() > MAX_PARAMETERS {
            return Err(Error::unsupported(format!("a Newton step in {} coefficients", start.len() - 1))
                .help(format!("at most {} are possible: use Solver::Fista", MAX_PARAMETERS - 1)));
        }
        Ok(newton::State::begin(aim, start))
    }

    fn nothing(&self, geometry: &Geometry) -> Acc {
        Acc::empty(geometry)
    }

    fn sums(&self, geometry: &Geometry, block: &Block<'_>, y: &[bool], point: &Point) -> Acc {
        accumulate(geometry, block, y, point)
    }

    fn merge(sums: &mut Acc, later: &Acc) {
        sums.merge(later);
    }

    fn step(&mut self, sums: &Acc) -> Progress {
        self.step(sums)
    }

    where_it_stands!();

    fn bytes(geometry: &Geometry) -> (u64, u64) {
        let (sums, parameters) = (geometry.sums() as u64, geometry.parameters() as u64);
        // the Hessian, its active part, and the factor of that
        (8 * sums, 3 * 8 * parameters * parameters)
    }
}

impl Method for fista::State {
    const SOLVER: Solver = Solver::Fista;
    type Sums = Slopes;

    fn begin(terms: &Terms, aim: Aim, start: Vec<f64>) -> Result<Self> {
        let shape = Shape { entries: terms.geometry.entries(), steepest: 0.25 };
        Ok(fista::State::begin(aim, shape, start))
    }

    fn nothing(&self, geometry: &Geometry) -> Slopes {
        Slopes::empty(geometry, 1, self.wants_squares())
    }

    fn sums(&self, geometry: &Geometry, block: &Block<'_>, y: &[bool], point: &Point) -> Slopes {
        accumulate_gradient(geometry, block, y, point, self.wants_squares())
    }

    fn merge(sums: &mut Slopes, later: &Slopes) {
        sums.merge(later);
    }

    fn step(&mut self, sums: &Slopes) -> Progress {
        self.step(sums)
    }

    where_it_stands!();

    fn bytes(geometry: &Geometry) -> (u64, u64) {
        let parameters = geometry.parameters() as u64;
        (2 * 8 * parameters, 6 * 8 * parameters)
    }
}

/// Logistic regression by a method.
#[derive(Debug)]
pub(crate) struct By<M>(pub ValidLogisticRegression, PhantomData<fn() -> M>);

/// A fit under way.
#[derive(Debug)]
pub(crate) struct Run<M> {
    terms: Terms,
    method: M,
    /// The trial point, ready for rows.
    point: Point,
    converged: bool,
    layout: Layout,
    classes: Classes,
}

impl<M: Method> By<M> {
    pub fn new(params: &ValidLogisticRegression) -> By<M> {
        By(params.clone(), PhantomData)
    }
}

impl<M: Method> Run<M> {
    fn at(terms: Terms, aim: Aim, start: Vec<f64>, facts: &Facts) -> Result<Run<M>> {
        let point = terms.point(&start);
        let (layout, classes) = (facts.layout.clone(), facts.classes.clone());
        Ok(Run { method: M::begin(&terms, aim, start)?, terms, point, converged: false, layout, classes })
    }

    /// Judges coefficients that another solver found: the fit takes one pass and no step.
    pub fn judging(params: &ValidLogisticRegression, facts: &Facts, coef: &[f64], intercept: f64) -> Result<Run<M>> {
        let terms = Terms::new(facts, params)?;
        let (aim, start) = (Aim { max_iter: 0, ..terms.aim(params, params.solver) }, terms.inward(coef, intercept));
        Run::at(terms, aim, start, facts)
    }

    /// What it ended with.
    pub fn solution(&self) -> Solution {
        let (coef, intercept) = self.terms.outward(self.method.best());
        Solution {
            coef,
            intercept,
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
            let start = match self.0.warm(&facts.layout) {
                Some((coef, intercept)) => terms.inward(&coef, intercept),
                None => terms.start(),
            };
            let aim = terms.aim(&self.0, M::SOLVER);
            Run::at(terms, aim, start, facts)
        };
        begin().map_err(|e| e.doing("fit a logistic regression"))
    }

    fn nothing(&self, run: &Run<M>) -> M::Sums {
        run.method.nothing(&run.terms.geometry)
    }

    fn accumulate(&self, run: &Run<M>, block: &Block<'_>, labels: Labels<'_>) -> M::Sums {
        let y: Vec<bool> = labels.classes().iter().map(|class| *class == 1).collect();
        run.method.sums(&run.terms.geometry, block, &y, &run.point)
    }

    fn merge(&self, sums: &mut M::Sums, later: M::Sums) {
        M::merge(sums, &later);
    }

    fn step(&self, run: &mut Run<M>, sums: M::Sums) -> Result<Passed> {
        match run.method.step(&sums) {
            Progress::More => {
                run.point = run.terms.point(run.method.trial());
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
        M::bytes(&Geometry::new(layout))
    }

    fn progress(&self, run: &Run<M>) -> Option<f64> {
        Some(run.method.kkt())
    }
}
