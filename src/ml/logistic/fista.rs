//! FISTA (Beck and Teboulle 2009) with adaptive restart (O'Donoghue and Candès 2015) in a diagonal metric, as a machine
//! that is fed with passes, as [`newton`](super::newton) is: for so many parameters that their Hessian is too large.
//!
//! The metric is the mean curvature of the loss times the squares of each feature. How much steeper than that the loss
//! may be across features is learnt on the way: gradients of two points tell a lower bound, and the number of features
//! that a row can have is an upper one.

use super::gradient::Slopes;
use super::newton::{Aim, Progress};

/// What the machine needs to know of the loss beside the aim.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// The most features of a row that are not 0, the constant among them.
    pub entries: usize,
    /// The largest curvature along the margins: ¼ for one margin, ½ for one of each class.
    pub steepest: f64,
}

/// Where the method stands.
#[derive(Clone, Debug)]
pub(crate) struct State {
    aim: Aim,
    shape: Shape,
    /// c·mean curvature·Σ weight·x² of each parameter; empty before the first pass.
    metric: Vec<f64>,
    /// How many times the metric the Hessian may be, and the most that is possible.
    lipschitz: f64,
    ceiling: f64,
    /// The last proximal point, and the momentum.
    proximal: Vec<f64>,
    momentum: f64,
    /// The point to evaluate, and whether it is the proximal point itself.
    trial: Vec<f64>,
    settled: bool,
    /// The point evaluated before, and its gradient.
    before: Option<(Vec<f64>, Vec<f64>)>,
    best: Vec<f64>,
    objective: f64,
    kkt: f64,
    iterations: usize,
}

impl State {
    /// Begins at `start`, which is the first trial point.
    pub fn begin(aim: Aim, shape: Shape, start: Vec<f64>) -> Self {
        State {
            aim,
            shape,
            metric: Vec::new(),
            lipschitz: 1.0,
            ceiling: f64::INFINITY,
            proximal: start.clone(),
            momentum: 1.0,
            trial: start.clone(),
            settled: true,
            before: None,
            best: start,
            objective: f64::INFINITY,
            kkt: f64::INFINITY,
            iterations: 0,
        }
    }

    /// The point that the next pass has to evaluate.
    pub fn trial(&self) -> &[f64] {
        &self.trial
    }

    /// Whether the next pass has to gather the squares too: the first has.
    pub fn wants_squares(&self) -> bool {
        self.metric.is_empty()
    }

    /// The point of the lowest objective so far, or the one that has converged.
    pub fn best(&self) -> &[f64] {
        &self.best
    }

    /// The objective at the best point.
    pub fn objective(&self) -> f64 {
        self.objective
    }

    /// The residual at the best point.
    pub fn kkt(&self) -> f64 {
        self.kkt
    }

    /// Proximal steps taken.
    pub fn iterations(&self) -> usize {
        self.iterations
    }

    /// Takes in what a pass found at the trial point.
    pub fn step(&mut self, slopes: &Slopes) -> Progress {
        if let Some(squares) = slopes.squares().filter(|_| self.metric.is_empty()) {
            self.set_metric(&squares, slopes);
        }
        let objective = self.aim.c * slopes.loss + self.aim.penalties.value(&self.trial);
        let gradient = slopes.gradient(self.aim.c);
        let kkt = self.aim.penalties.kkt(&self.trial, &gradient, &self.aim.scale);
        let converged = self.settled && kkt <= self.aim.tolerance;
        if objective < self.objective || converged {
            self.best.clone_from(&self.trial);
            (self.objective, self.kkt) = (objective, kkt);
        }
        if converged {
            return Progress::Converged;
        }
        if self.iterations >= self.aim.max_iter || !self.objective.is_finite() {
            return Progress::Stopped;
        }
        self.iterations += 1;
        // far above the best: the steps were too long
        if objective.is_nan() || objective > self.objective + self.objective.abs() + 1.0 {
            self.lipschitz = self.ceiling;
            self.move_to(self.best.clone());
            self.before = None;
            return Progress::More;
        }
        self.learn_lipschitz(&gradient, self.aim.c * slopes.weight);
        let evaluated = self.trial.clone();
        self.advance(&gradient);
        self.before = Some((evaluated, gradient));
        Progress::More
    }

    fn set_metric(&mut self, squares: &[f64], slopes: &Slopes) {
        let mean = (slopes.curvature / slopes.weight).max(1e-3 * self.shape.steepest);
        let classes = self.trial.len() / squares.len();
        let metric = squares.iter().map(|square| self.aim.c * mean * square);
        self.metric = metric.collect::<Vec<f64>>().repeat(classes);
        self.ceiling = self.shape.entries as f64 * self.shape.steepest / mean;
    }

    /// How steep the loss must be at least for two gradients to differ as they do: for a convex function whose gradient
    /// d changes by no more than L times the metric over a step s, ⟨d, s⟩ ≥ ‖d‖² / L in the dual norm.
    fn learn_lipschitz(&mut self, gradient: &[f64], weight: f64) {
        let Some((point, before)) = &self.before else { return };
        let (mut product, mut square, mut largest) = (0.0, 0.0, 0.0_f64);
        for j in 0..point.len() {
            let (step, change) = (self.trial[j] - point[j], gradient[j] - before[j]);
            if step != 0.0 && self.metric[j] > 0.0 {
                product += change * step;
                square += change * change / self.metric[j];
                largest = largest.max(change.abs());
            }
        }
        // below that differences of gradients are rounding
        if product > 0.0 && largest > 1e4 * f64::EPSILON * weight && square > self.lipschitz * product {
            self.lipschitz = (1.05 * square / product).min(self.ceiling);
        }
    }

    /// The next trial point: a proximal step from this one, and the momentum on top of it.
    fn advance(&mut self, gradient: &[f64]) {
        let next: Vec<f64> = (0..gradient.len()).map(|j| self.proximal_step(j, gradient[j])).collect();
        let (mut uphill, mut residual) = (0.0, 0.0_f64);
        for (j, next) in next.iter().enumerate() {
            let pull = self.metric[j] * (self.trial[j] - next);
            uphill += pull * (next - self.proximal[j]);
            residual = residual.max(self.lipschitz * pull.abs() / self.aim.scale[j]);
        }
        let ends = residual <= 0.5 * self.aim.tolerance || self.iterations == self.aim.max_iter;
        if ends || uphill > 0.0 {
            return self.move_to(next);
        }
        let momentum = 0.5 * (1.0 + (1.0 + 4.0 * self.momentum * self.momentum).sqrt());
        let share = (self.momentum - 1.0) / momentum;
        self.settled = share == 0.0;
        self.trial = next.iter().zip(&self.proximal).map(|(next, last)| next + share * (next - last)).collect();
        self.proximal = next;
        self.momentum = momentum;
    }

    /// Evaluates a point next that no momentum carried away.
    fn move_to(&mut self, point: Vec<f64>) {
        self.proximal.clone_from(&point);
        self.trial = point;
        self.momentum = 1.0;
        self.settled = true;
    }

    /// The minimum along parameter j of the penalty and the parabola that the metric lays over the loss.
    fn proximal_step(&self, j: usize, gradient: f64) -> f64 {
        let (l1, l2) = self.aim.penalties.of(j);
        let curvature = self.lipschitz * self.metric[j];
        if self.aim.penalties.frozen(j) || curvature + l2 <= 0.0 {
            return self.trial[j];
        }
        let pull = curvature * self.trial[j] - gradient;
        (pull.abs() - l1).max(0.0).copysign(pull) / (curvature + l2)
    }
}

#[cfg(test)]
mod tests {
    use super::super::accumulate::{Geometry, Point};
    use super::super::gradient::{Slopes, accumulate_gradient};
    use super::super::quadratic::Penalties;
    use super::*;
    use crate::ml::design::Design;

    /// Two features, one of them 1,000 times the other's size, and labels.
    fn rows() -> (Design, Vec<bool>) {
        let x: Vec<f64> = (0..200).map(|i| f64::from(i * 37 % 101) / 50.0 - 1.0).collect();
        let big: Vec<f64> = (0..200).map(|i| f64::from(i * 53 % 97) * 20.0 - 1000.0).collect();
        let y = (0..200).map(|i| x[i] + big[i] / 1000.0 + f64::from(i as u32 * 29 % 31) / 31.0 > 0.5).collect();
        (Design::with_rows(200).numeric("x", x).unwrap().numeric("big", big).unwrap(), y)
    }

    fn aim(l1: f64, l2: f64, max_iter: usize) -> Aim {
        let penalties = Penalties { l1, l2, intercept: 2, fit_intercept: true, parameters: 3, margins: 1 };
        Aim { c: 1.0, penalties, scale: vec![1.0, 500.0, 1.0], tolerance: 1e-8, max_iter }
    }

    fn run(aim: Aim) -> (State, Progress, Vec<f64>) {
        let (design, y) = rows();
        let geometry = Geometry::new(design.layout());
        let mut state = State::begin(aim, Shape { entries: 3, steepest: 0.25 }, vec![0.0; 3]);
        let mut objectives = Vec::new();
        loop {
            let point = Point::new(&geometry, &[0.0; 2], state.trial());
            let block = design.block(0, 200);
            let slopes: Slopes = accumulate_gradient(&geometry, &block, &y, &point, state.wants_squares());
            objectives.push(slopes.loss + state.aim.penalties.value(state.trial()));
            match state.step(&slopes) {
                Progress::More => {}
                ended => return (state, ended, objectives),
            }
        }
    }

    #[test]
    fn it_converges_whatever_the_units() {
        for (l1, l2) in [(0.0, 1.0), (1.0, 0.0), (0.5, 0.5), (0.0, 0.0), (1e6, 0.0)] {
            let (state, ended, objectives) = run(aim(l1, l2, 1000));
            assert_eq!(ended, Progress::Converged, "{l1} {l2}: {} {}", state.kkt(), state.iterations());
            assert!(state.kkt() <= 1e-8 && state.lipschitz <= state.ceiling);
            let lowest = objectives.iter().copied().fold(f64::INFINITY, f64::min);
            assert!(state.objective() <= lowest + 1e-12 * lowest);
            assert_eq!(l1 == 1e6, state.best()[..2] == [0.0, 0.0]);
        }
    }

    #[test]
    fn it_stops_when_it_may_not_go_on() {
        let (state, ended, objectives) = run(aim(0.5, 0.5, 4));
        assert_eq!((ended, state.iterations(), objectives.len()), (Progress::Stopped, 4, 5));
        assert!(state.kkt() > 1e-8 && state.kkt().is_finite());
    }

    #[test]
    fn an_optimum_needs_one_pass() {
        let (found, _, _) = run(aim(0.5, 0.5, 1000));
        let (design, y) = rows();
        let geometry = Geometry::new(design.layout());
        let mut state = State::begin(aim(0.5, 0.5, 9), Shape { entries: 3, steepest: 0.25 }, found.best().to_vec());
        let point = Point::new(&geometry, &[0.0; 2], state.trial());
        assert_eq!(
            state.step(&accumulate_gradient(&geometry, &design.block(0, 200), &y, &point, true)),
            Progress::Converged
        );
        assert_eq!(state.iterations(), 0);
    }
}
