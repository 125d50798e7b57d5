//! SAGA, after Defazio, Bach and Lacoste-Julien (2014), with the random stream, the step and the stopping rule of
//! scikit-learn's `solver="saga"`: for results that equal its own, rounding apart, where the optimum is not what is
//! asked for. It visits rows at random, so they have to be in memory.
//!
//! The objective is divided by the number n of rows: α/2·‖w‖² + β·‖w‖₁ + Σ sᵢ·lossᵢ / n. The weights are kept as
//! `scale` times a vector, so that the ridge shrinks one number. What is left to do after a row, the step along the mean
//! gradient and the proximal step, is done just before the next: by the difference of two running sums, whose rounding is
//! part of the result.

use super::params::ValidLogisticRegression;
use super::problem::Problem;
use super::terms::Solution;
use super::weights::ClassTotals;
use crate::base::{Error, Result};
use crate::ml::design::Design;

/// The scale below which it is multiplied into the weights, so that they do not overflow.
const SMALLEST_SCALE: f64 = 1e-9;

/// Runs over all rows, in random order with repetition, until the weights settle. The residual and objective are those
/// of [`Problem::judge`]; converged means that the last epoch changed no weight by more than `tol` times the largest.
///
/// # Errors
/// `Model` if a weight grows beyond all bounds.
pub(super) fn solve(problem: &Problem<'_>, params: &ValidLogisticRegression, seed: u32) -> Result<Solution> {
    let (rows, classes) = (Rows::of(problem.design), problem.labels.classes());
    let y: Vec<bool> = classes.iter().map(|class| *class == 1).collect();
    let totals = ClassTotals::of(&params.class_weight, problem.facts)?;
    let weights = totals.row_weights(classes, problem.design.row_weights());
    let mut random = Xorshift::for_dataset(seed);
    let mut saga = Saga::begin(params, &rows, &y);
    if let Some((coef, intercepts)) = params.warm(problem.design.layout(), &problem.facts.classes) {
        (saga.weights, saga.intercept) = (coef, intercepts.first().copied().unwrap_or(0.0));
    }
    let mut before = saga.weights.clone();
    let (mut epochs, mut converged) = (0, false);
    while epochs < params.steps_of(params.solver) && !converged {
        for _ in 0..y.len() {
            let row = random.below(y.len());
            saga.visit(row, &rows, y[row], weights.as_ref().map_or(1.0, |w| w[row]));
        }
        saga.settle();
        epochs += 1;
        if !(saga.intercept.is_finite() && saga.weights.iter().all(|w| w.is_finite())) {
            return Err(Error::model("the coefficients grew beyond all bounds")
                .doing("fit a logistic regression with Saga")
                .help("scale the features first, with StandardScaler, or use Solver::ProxNewton"));
        }
        let largest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
        let size = largest(&mut saga.weights.iter().map(|w| w.abs()));
        let change = largest(&mut saga.weights.iter().zip(&before).map(|(w, b)| (w - b).abs()));
        converged = if size == 0.0 { change == 0.0 } else { change / size <= params.tolerance() };
        before.clone_from(&saga.weights);
    }
    let mut solution = problem.judge(params, &saga.weights, saga.intercept)?;
    (solution.iterations, solution.converged) = (Some(epochs), converged);
    Ok(solution)
}

/// The rows of a design matrix, row by row.
struct Rows {
    features: usize,
    numeric: Vec<f64>,
    numerics: usize,
    /// The feature that each categorical column sets to 1; `features` for none.
    ones: Vec<usize>,
    categoricals: usize,
}

impl Rows {
    fn of(design: &Design) -> Rows {
        let layout = design.layout();
        let (numerics, categoricals) = (layout.numeric().len(), layout.one_hot().len());
        let block = design.block(0, design.rows());
        let mut numeric = vec![0.0; design.rows() * numerics];
        for (j, column) in block.numeric.iter().enumerate() {
            numeric.iter_mut().skip(j).step_by(numerics).zip(*column).for_each(|(cell, value)| *cell = *value);
        }
        let mut ones = vec![0; design.rows() * categoricals];
        let mut first = numerics;
        for (j, (codes, features)) in block.codes.iter().zip(layout.one_hot()).enumerate() {
            let width = features.features.len();
            let feature = |code: u32| if (code as usize) < width { first + code as usize } else { layout.len() };
            ones.iter_mut().skip(j).step_by(categoricals).zip(*codes).for_each(|(one, code)| *one = feature(*code));
            first += width;
        }
        Rows { features: layout.len(), numeric, numerics, ones, categoricals }
    }

    /// The features of a row that may not be 0, and their values.
    fn entries(&self, row: usize) -> impl Iterator<Item = (usize, f64)> {
        let numeric = &self.numeric[row * self.numerics..(row + 1) * self.numerics];
        let ones = &self.ones[row * self.categoricals..(row + 1) * self.categoricals];
        let ones = ones.iter().filter(|feature| **feature < self.features).map(|feature| (*feature, 1.0));
        numeric.iter().copied().enumerate().chain(ones)
    }

    fn largest_square(&self, rows: usize) -> f64 {
        (0..rows).map(|row| self.entries(row).map(|(_, x)| x * x).sum::<f64>()).fold(0.0, f64::max)
    }
}

/// Where the method stands.
struct Saga {
    /// The step length, and what it takes off the scale and the weights for the penalties.
    step: f64,
    shrink: f64,
    beta: f64,
    fit_intercept: bool,
    /// The coefficients are `scale` times these.
    weights: Vec<f64>,
    scale: f64,
    intercept: f64,
    /// The loss's derivative by the margin of each row at its last visit; and the sums of the gradients from them.
    memory: Vec<f64>,
    sums: Vec<f64>,
    intercept_sum: f64,
    seen: Vec<bool>,
    visited: f64,
    /// The running sums of steps and of ℓ₁ thresholds in this epoch, in units of the scale, and what of them is still
    /// to be applied.
    running: (f64, f64),
    pending: Option<(f64, f64)>,
}

impl Saga {
    fn begin(params: &ValidLogisticRegression, rows: &Rows, y: &[bool]) -> Saga {
        let n = y.len() as f64;
        let strength = 1.0 / params.c;
        let (alpha, beta) = (strength * params.l2() / n, strength * params.l1() / n);
        let constant = f64::from(u8::from(params.fit_intercept));
        // the largest curvature of a row, and the step that the paper proves for it
        let lipschitz = 0.25 * (rows.largest_square(y.len()) + constant) + alpha;
        let step = 1.0 / (2.0 * lipschitz + (2.0 * n * alpha).min(lipschitz));
        Saga {
            step,
            shrink: 1.0 - step * alpha,
            beta,
            fit_intercept: params.fit_intercept,
            weights: vec![0.0; rows.features],
            scale: 1.0,
            intercept: 0.0,
            memory: vec![0.0; y.len()],
            sums: vec![0.0; rows.features],
            intercept_sum: 0.0,
            seen: vec![false; y.len()],
            visited: 0.0,
            running: (0.0, 0.0),
            pending: None,
        }
    }

    /// One random row.
    fn visit(&mut self, row: usize, rows: &Rows, y: bool, weight: f64) {
        if !self.seen[row] {
            self.seen[row] = true;
            self.visited += 1.0;
        }
        self.catch_up();
        let product = rows.entries(row).fold(0.0, |sum, (j, x)| sum + self.weights[j] * x);
        let slope = slope(self.scale * product + self.intercept, y) * weight;
        let change = slope - self.memory[row];
        self.memory[row] = slope;
        self.scale *= self.shrink;
        let fresh = 1.0 - 1.0 / self.visited;
        for (j, x) in rows.entries(row) {
            let correction = x * change;
            self.weights[j] -= correction * self.step * fresh / self.scale;
            self.sums[j] += correction;
        }
        if self.fit_intercept {
            self.intercept_sum += change;
            self.intercept -= self.step * self.intercept_sum / self.visited + change * (self.step * fresh);
        }
        let before = self.running;
        self.running.0 += self.step / (self.scale * self.visited);
        self.running.1 += self.step * self.beta / self.scale;
        self.pending = Some((self.running.0 - before.0, self.running.1 - before.1));
        if self.scale < SMALLEST_SCALE {
            self.settle();
        }
    }

    /// The steps that the last row has left.
    fn catch_up(&mut self) {
        if let Some((step, threshold)) = self.pending.take() {
            for (weight, sum) in self.weights.iter_mut().zip(&self.sums) {
                let moved = *weight - sum * step;
                *weight = (moved - threshold).max(0.0) - (-moved - threshold).max(0.0);
            }
        }
    }

    /// Multiplies the scale into the weights.
    fn settle(&mut self) {
        self.catch_up();
        self.weights.iter_mut().for_each(|weight| *weight *= self.scale);
        self.scale = 1.0;
        self.running = (0.0, 0.0);
    }
}

/// The derivative of the logistic loss by the margin. The exponential function is the system's, as in scikit-learn.
fn slope(z: f64, y: bool) -> f64 {
    let y = f64::from(u8::from(y));
    if z > -37.0 {
        let e = (-z).exp();
        ((1.0 - y) - y * e) / (1.0 + e)
    } else {
        z.exp() - y
    }
}

/// The random rows: Marsaglia's xorshift of 32 bits with the shifts 13, 17 and 5.
struct Xorshift(u32);

impl Xorshift {
    /// The stream for a `random_state`: it begins at a number from 1 to 2³¹ − 2 that NumPy's `RandomState` draws.
    fn for_dataset(seed: u32) -> Self {
        Xorshift(
            1 + mersenne_twister(seed).map(|word| word & 0x7FFF_FFFF).find(|word| *word <= 0x7FFF_FFFD).unwrap_or(0),
        )
    }

    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        (self.0 & 0x7FFF_FFFF) as usize % n
    }
}

/// The first words of MT19937 (Matsumoto and Nishimura 1998): as many as come from the seeded state alone.
fn mersenne_twister(seed: u32) -> impl Iterator<Item = u32> {
    const WORDS: usize = 624;
    const MIDDLE: usize = 397;
    let mut state = vec![seed; WORDS];
    for i in 1..WORDS {
        let last = state[i - 1];
        state[i] = 1_812_433_253_u32.wrapping_mul(last ^ (last >> 30)).wrapping_add(i as u32);
    }
    (0..WORDS - MIDDLE).map(move |i| {
        let joined = (state[i] & 0x8000_0000) | (state[i + 1] & 0x7FFF_FFFF);
        let mut word = state[i + MIDDLE] ^ (joined >> 1) ^ if joined & 1 == 1 { 0x9908_B0DF } else { 0 };
        word ^= word >> 11;
        word ^= (word << 7) & 0x9D2C_5680;
        word ^= (word << 15) & 0xEFC6_0000;
        word ^ (word >> 18)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_random_stream_is_that_of_numpy_and_scikit_learn() {
        // the first words of the reference program for seed 5489, and numpy.random.RandomState(42)
        assert_eq!(mersenne_twister(5489).take(3).collect::<Vec<_>>(), [3_499_211_612, 581_869_302, 3_890_346_734]);
        assert_eq!(mersenne_twister(42).next(), Some(1_608_637_542));
        assert_eq!(Xorshift::for_dataset(42).0, 1_608_637_543);
    }

    #[test]
    fn the_slope_is_probability_minus_label() {
        for z in [-800.0, -40.0, -1.5, 0.0, 3.0, 800.0_f64] {
            let p = 1.0 / (1.0 + (-z).exp());
            assert!((slope(z, true) - (p - 1.0)).abs() < 1e-15 && (slope(z, false) - p).abs() < 1e-15, "{z}");
        }
    }
}
