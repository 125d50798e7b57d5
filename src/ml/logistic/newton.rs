//! The proximal Newton method as a machine that is fed with passes: it names a trial point, is given loss, gradient and
//! Hessian there, and names the next, until it is done. It never sees a row, so the rows may come from anywhere.

use super::quadratic::{Penalties, Quadratic};
use super::square::Square;

/// The most parameters: the Hessian is a square matrix of this size.
pub(crate) const MAX_PARAMETERS: usize = 8_193;
/// The share of the predicted decrease that a step has to give.
const SUFFICIENT: f64 = 1e-3;
/// Halvings of a step before the method gives up.
const HALVINGS: u32 = 40;

/// What a pass found at a point.
pub(crate) trait Curved {
    /// The sum of the losses of the rows, each times its weight.
    fn loss(&self) -> f64;

    /// The sum of the weights of the rows.
    fn weight(&self) -> f64;

    /// The gradient of the loss times `c`, in the solver's order.
    fn gradient(&self, c: f64) -> Vec<f64>;

    /// Its Hessian times `c`, both halves filled.
    fn hessian(&self, c: f64) -> Square;
}

/// What to minimise, and how well.
#[derive(Clone, Debug)]
pub(crate) struct Aim {
    /// Factor of the loss.
    pub c: f64,
    pub penalties: Penalties,
    /// The unit of the residual of each parameter.
    pub scale: Vec<f64>,
    /// The largest residual at which the method ends.
    pub tolerance: f64,
    /// Steps at most.
    pub max_iter: usize,
}

/// Where the method stands.
#[derive(Clone, Debug)]
pub(crate) struct State {
    aim: Aim,
    /// The best point so far, unless there is none.
    current: Vec<f64>,
    objective: f64,
    kkt: f64,
    /// The full step from the best point, and the decrease of the objective that the model promises for it.
    direction: Vec<f64>,
    promised: f64,
    length: f64,
    trial: Vec<f64>,
    iterations: usize,
    halvings: u32,
}

/// Whether another pass is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Evaluate the next trial point.
    More,
    /// Converged: the residual is within the tolerance.
    Converged,
    /// Out of steps, or no step makes the objective smaller.
    Stopped,
}

impl State {
    /// Begins at `start`, which is the first trial point.
    pub fn begin(aim: Aim, start: Vec<f64>) -> Self {
        State {
            aim,
            current: start.clone(),
            objective: f64::INFINITY,
            kkt: f64::INFINITY,
            direction: Vec::new(),
            promised: 0.0,
            length: 1.0,
            trial: start,
            iterations: 0,
            halvings: 0,
        }
    }

    /// The point that the next pass has to evaluate.
    pub fn trial(&self) -> &[f64] {
        &self.trial
    }

    /// The best point so far.
    pub fn best(&self) -> &[f64] {
        &self.current
    }

    /// The objective at the best point.
    pub fn objective(&self) -> f64 {
        self.objective
    }

    /// The residual at the best point.
    pub fn kkt(&self) -> f64 {
        self.kkt
    }

    /// Newton steps taken.
    pub fn iterations(&self) -> usize {
        self.iterations
    }

    /// Takes in what a pass found at the trial point.
    pub fn step(&mut self, acc: &impl Curved) -> Progress {
        let objective = self.aim.c * acc.loss() + self.aim.penalties.value(&self.trial);
        // near the optimum the true decrease is smaller than the rounding of the objective
        let rounding = f64::EPSILON * (64.0 * objective.abs() + self.aim.c * acc.weight());
        let wanted = self.objective + SUFFICIENT * self.length * self.promised + rounding;
        if objective <= wanted && objective.is_finite() { self.accept(acc, objective) } else { self.halve() }
    }

    fn halve(&mut self) -> Progress {
        self.halvings += 1;
        if self.halvings > HALVINGS || self.direction.is_empty() {
            return Progress::Stopped;
        }
        self.length *= 0.5;
        self.place_trial();
        Progress::More
    }

    fn accept(&mut self, acc: &impl Curved, objective: f64) -> Progress {
        self.current.clone_from(&self.trial);
        self.objective = objective;
        let gradient = acc.gradient(self.aim.c);
        self.kkt = self.aim.penalties.kkt(&self.current, &gradient, &self.aim.scale);
        if self.kkt <= self.aim.tolerance {
            return Progress::Converged;
        }
        if self.iterations == self.aim.max_iter {
            return Progress::Stopped;
        }
        let hessian = acc.hessian(self.aim.c);
        let penalties = self.aim.penalties;
        let quadratic = Quadratic { gradient: &gradient, hessian: &hessian, penalties, scale: &self.aim.scale };
        let target = quadratic.minimise(&self.current, (1e-4 * self.kkt).max(0.1 * self.aim.tolerance));
        self.direction = target.iter().zip(&self.current).map(|(t, c)| t - c).collect();
        let slope: f64 = gradient.iter().zip(&self.direction).map(|(g, d)| g * d).sum();
        self.promised = (slope + penalties.value(&target) - penalties.value(&self.current)).min(0.0);
        self.iterations += 1;
        self.halvings = 0;
        self.length = 1.0;
        self.trial = target;
        Progress::More
    }

    fn place_trial(&mut self) {
        let steps = self.current.iter().zip(&self.direction);
        self.trial = steps.map(|(c, d)| c + self.length * d).collect();
    }
}
