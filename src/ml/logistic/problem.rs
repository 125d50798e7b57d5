//! A design matrix in memory and its labels as a problem to solve: passes over fixed ranges of rows in parallel, and the
//! solver driven by them.

use rayon::prelude::*;

use super::accumulate::{Acc, Geometry, Point, accumulate, move_intercept};
use super::fista::{self, Shape};
use super::gradient::{Slopes, accumulate_gradient};
use super::kernel::{dot, sum};
use super::newton::{Aim, Progress, State};
use super::params::{Solver, ValidLogisticRegression};
use super::quadratic::Penalties;
use super::weights::ClassTotals;
use crate::base::{Error, Result};
use crate::ml::design::{Block, Design};

/// Rows whose sums are added up one by one, unless the sums are so many that merging them would weigh more.
const CHUNK: usize = 16_384;
/// Bytes of sums that may wait to be merged.
const WAITING: usize = 64 << 20;
/// The most parameters for Newton: the Hessian is a square matrix of this size.
const MAX_PARAMETERS: usize = 8_193;

/// Rows, labels, and what every fit to them shares.
pub(crate) struct Problem<'a> {
    design: &'a Design,
    y: &'a [bool],
    geometry: Geometry,
    fit_intercept: bool,
    /// Multiplies the weights of the rows of each class.
    by_class: Option<[f64; 2]>,
    /// The weight of the rows of each class.
    totals: [f64; 2],
    /// Means of the numeric columns if there is an intercept, else zeros.
    shift: Vec<f64>,
    /// The unit of the residual of each parameter: 1, or the spread of a numeric column if that is more.
    scale: Vec<f64>,
}

/// What a solver ended with.
#[derive(Clone, Debug)]
pub(crate) struct Solution {
    /// Coefficients in the order of the layout.
    pub coef: Vec<f64>,
    pub intercept: f64,
    pub iterations: Option<usize>,
    pub converged: bool,
    pub kkt: f64,
    pub objective: f64,
    /// In the solver's order and for shifted columns, with the sums there: what the next fit of a path begins with.
    end: Option<(Vec<f64>, Acc)>,
}

impl Solution {
    /// Coefficients to begin with, not judged yet.
    pub fn at(coef: Vec<f64>, intercept: f64) -> Self {
        let (kkt, objective) = (f64::INFINITY, f64::INFINITY);
        Solution { coef, intercept, iterations: None, converged: false, kkt, objective, end: None }
    }
}

impl<'a> Problem<'a> {
    /// # Errors
    /// `Model` for values that are too large.
    pub fn new(design: &'a Design, y: &'a [bool], fit_intercept: bool, weights: &ClassTotals) -> Result<Self> {
        let geometry = Geometry::new(design.layout());
        let whole = design.block(0, design.rows());
        let of_column = |x: &&[f64]| match whole.weights {
            None => moments(x, fit_intercept),
            Some(weights) => weighted_moments(x, weights, fit_intercept),
        };
        let moments: Vec<(f64, f64)> = whole.numeric.par_iter().map(of_column).collect();
        for (name, (_, spread)) in design.layout().numeric().iter().zip(&moments) {
            if !spread.is_finite() {
                return Err(Error::model("the values are so large that their squares overflow")
                    .at_column(name.as_str())
                    .help("scale the feature first, with StandardScaler"));
            }
        }
        let mut scale: Vec<f64> = moments.iter().map(|(_, spread)| spread.max(1.0)).collect();
        scale.resize(geometry.parameters(), 1.0);
        let shift = moments.into_iter().map(|(mean, _)| mean).collect();
        let two = |of: &[f64]| [of[0], of[1]];
        let (by_class, totals) = (weights.factors.as_deref().map(two), two(&weights.totals));
        Ok(Problem { design, y, geometry, fit_intercept, by_class, totals, shift, scale })
    }

    /// The sums of all rows at a point.
    fn pass(&self, beta: &[f64]) -> Acc {
        let point = self.point(beta);
        let of = |block: &Block<'_>, y: &[bool]| accumulate(&self.geometry, block, y, &point);
        self.sum(self.geometry.sums(), Acc::empty(&self.geometry), of, Acc::merge)
    }

    /// The same without the Hessian.
    fn slopes(&self, beta: &[f64], squares: bool) -> Slopes {
        let point = self.point(beta);
        let of = |block: &Block<'_>, y: &[bool]| accumulate_gradient(&self.geometry, block, y, &point, squares);
        self.sum(2 * self.geometry.parameters(), Slopes::empty(&self.geometry, 1, squares), of, Slopes::merge)
    }

    fn point(&self, beta: &[f64]) -> Point {
        Point::new(&self.geometry, &self.shift, beta).weighing(self.by_class)
    }

    /// What blocks give, `sums` numbers each, merged in the order of the rows.
    fn sum<A: Send>(
        &self,
        sums: usize,
        nothing: A,
        of: impl Fn(&Block<'_>, &[bool]) -> A + Sync,
        merge: impl Fn(&mut A, &A),
    ) -> A {
        // both depend on the layout alone, never on the number of threads: the sums are the same bits everywhere
        let size = CHUNK.max((sums / 4).next_multiple_of(CHUNK));
        let wave = (WAITING / (8 * sums)).clamp(1, 64);
        let chunks: Vec<usize> = (0..self.design.rows()).step_by(size).collect();
        let of_chunk = |start: &usize| {
            let block = self.design.block(*start, start + size);
            of(&block, &self.y[*start..start + block.rows])
        };
        let mut total = nothing;
        for starts in chunks.chunks(wave) {
            let parts: Vec<A> = starts.par_iter().map(of_chunk).collect();
            parts.iter().for_each(|part| merge(&mut total, part));
        }
        total
    }

    fn aim(&self, params: &ValidLogisticRegression, solver: Solver) -> Aim {
        Aim {
            c: params.c,
            penalties: Penalties {
                l1: params.l1(),
                l2: params.l2(),
                intercept: self.geometry.numeric,
                fit_intercept: self.fit_intercept,
            },
            scale: self.scale.clone(),
            tolerance: params.tolerance().max(self.rounding(params.c)),
            max_iter: params.steps_of(solver),
        }
    }

    /// The residual below which a gradient of rows of this weight is only rounding.
    fn rounding(&self, c: f64) -> f64 {
        4.0 * f64::EPSILON * c * (self.totals[0] + self.totals[1])
    }

    /// The log odds of the labels without any feature.
    fn start(&self) -> Vec<f64> {
        let mut beta = vec![0.0; self.geometry.parameters()];
        if self.fit_intercept {
            beta[self.geometry.numeric] = (self.totals[1] / self.totals[0]).ln();
        }
        beta
    }

    /// The number of parameters, with the intercept.
    pub fn parameters(&self) -> usize {
        self.geometry.parameters()
    }

    /// The optimum by proximal Newton, from `warm` if there is an earlier solution of this very problem with other
    /// penalties, or from coefficients in the order of the layout and an intercept.
    ///
    /// # Errors
    /// `Unsupported` for too many features.
    pub fn solve(&self, params: &ValidLogisticRegression, warm: Option<&Solution>) -> Result<Solution> {
        if self.parameters() > MAX_PARAMETERS {
            return Err(Error::unsupported(format!("a Newton step in {} coefficients", self.parameters() - 1))
                .help(format!("at most {} are possible: use Solver::Fista", MAX_PARAMETERS - 1)));
        }
        let (start, known) = match warm {
            Some(Solution { end: Some((beta, acc)), .. }) => (beta.clone(), Some(acc)),
            Some(Solution { coef, intercept, .. }) => (self.inward(coef, *intercept), None),
            None => (self.start(), None),
        };
        let mut state = State::begin(self.aim(params, Solver::ProxNewton), start);
        let mut acc = known.cloned().unwrap_or_else(|| self.pass(state.trial()));
        let mut progress = state.step(&acc);
        while progress == Progress::More {
            acc = self.pass(state.trial());
            progress = state.step(&acc);
        }
        let (coef, intercept) = self.outward(state.best());
        Ok(Solution {
            coef,
            intercept,
            iterations: Some(state.iterations()),
            converged: progress == Progress::Converged,
            kkt: state.kkt(),
            objective: state.objective(),
            end: (state.best() == state.trial()).then(|| (state.best().to_vec(), acc)),
        })
    }

    /// The optimum by FISTA.
    pub fn solve_wide(&self, params: &ValidLogisticRegression, warm: Option<&Solution>) -> Solution {
        let start = warm.map_or_else(|| self.start(), |warm| self.inward(&warm.coef, warm.intercept));
        self.descend(self.aim(params, Solver::Fista), start)
    }

    fn descend(&self, aim: Aim, start: Vec<f64>) -> Solution {
        let shape = Shape { entries: self.geometry.entries(), steepest: 0.25 };
        let mut state = fista::State::begin(aim, shape, start);
        let mut progress = Progress::More;
        while progress == Progress::More {
            progress = state.step(&self.slopes(state.trial(), state.wants_squares()));
        }
        let (coef, intercept) = self.outward(state.best());
        Solution {
            iterations: Some(state.iterations()),
            converged: progress == Progress::Converged,
            kkt: state.kkt(),
            objective: state.objective(),
            ..Solution::at(coef, intercept)
        }
    }

    /// Judges coefficients that another solver found.
    pub fn judge(&self, params: &ValidLogisticRegression, coef: &[f64], intercept: f64) -> Solution {
        let aim = Aim { max_iter: 0, ..self.aim(params, params.solver) };
        let judged = self.descend(aim, self.inward(coef, intercept));
        Solution { coef: coef.to_vec(), intercept, iterations: None, ..judged }
    }

    /// From the user's coefficients to the solver's parameters.
    fn inward(&self, coef: &[f64], intercept: f64) -> Vec<f64> {
        let (numeric, one_hot) = coef.split_at(self.geometry.numeric);
        let mut beta = [numeric, &[intercept], one_hot].concat();
        move_intercept(&self.geometry, &self.shift, &mut beta, 1.0);
        beta
    }

    /// From the solver's parameters to the user's coefficients and intercept.
    fn outward(&self, beta: &[f64]) -> (Vec<f64>, f64) {
        let mut beta = beta.to_vec();
        move_intercept(&self.geometry, &self.shift, &mut beta, -1.0);
        let intercept = beta.remove(self.geometry.numeric);
        (beta, intercept)
    }
}

/// The optimum for each of these parameters, each fit beginning where the one before ended. All have to agree on
/// `fit_intercept`.
///
/// # Errors
/// `Unsupported` for too many features.
pub(crate) fn solve_path(problem: &Problem<'_>, path: &[ValidLogisticRegression]) -> Result<Vec<Solution>> {
    let mut solutions: Vec<Solution> = Vec::with_capacity(path.len());
    for params in path {
        let solution = match params.solver_for(problem.parameters()) {
            Solver::Fista => problem.solve_wide(params, solutions.last()),
            _ => problem.solve(params, solutions.last())?,
        };
        solutions.push(solution);
    }
    Ok(solutions)
}

/// The mean, or 0 if columns are not to be shifted, and the root mean square distance from it.
fn moments(x: &[f64], shifted: bool) -> (f64, f64) {
    let n = x.len().max(1) as f64;
    let mean = if shifted { x.chunks(CHUNK).map(sum).sum::<f64>() / n } else { 0.0 };
    let squares = |x: &[f64]| x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
    (mean, (x.chunks(CHUNK).map(squares).sum::<f64>() / n).sqrt())
}

/// As [`moments`], each value counted as often as its weight says.
fn weighted_moments(x: &[f64], weights: &[f64], shifted: bool) -> (f64, f64) {
    let n = weights.chunks(CHUNK).map(sum).sum::<f64>();
    let chunks = || x.chunks(CHUNK).zip(weights.chunks(CHUNK));
    let mean = if shifted { chunks().map(|(x, w)| dot(x, w)).sum::<f64>() / n } else { 0.0 };
    let squares = |(x, w): (&[f64], &[f64])| x.iter().zip(w).map(|(x, w)| w * (x - mean) * (x - mean)).sum::<f64>();
    (mean, (chunks().map(squares).sum::<f64>() / n).sqrt())
}

/// The margins x·w + b of every row, for coefficients in the order of the layout.
pub(crate) fn margins(design: &Design, coef: &[f64], intercept: f64) -> Vec<f64> {
    let geometry = Geometry::new(design.layout());
    let (numeric, one_hot) = coef.split_at(geometry.numeric);
    let point = Point::new(&geometry, &vec![0.0; geometry.numeric], &[numeric, &[intercept], one_hot].concat());
    let starts: Vec<usize> = (0..design.rows()).step_by(CHUNK).collect();
    let of_block = |block: Block<'_>| {
        let mut z = Vec::new();
        point.margins(&block, 0..block.rows, &mut z);
        z
    };
    let parts: Vec<Vec<f64>> = starts.par_iter().map(|&s| of_block(design.block(s, s + CHUNK))).collect();
    parts.concat()
}
