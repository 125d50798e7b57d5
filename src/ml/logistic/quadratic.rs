//! The inner problem of a proximal Newton step: a quadratic model of the loss plus the elastic-net penalty, minimised
//! on the P × P Hessian, without the data.
//!
//! Coordinate descent finds which coefficients are zero; Cholesky on the others then ends what coordinate descent would
//! approach slowly (Friedman, Hastie, Tibshirani 2010; Yuan, Ho, Lin 2012).

use super::kernel::{add_scaled, dot};
use super::square::{Dependent, Square};

/// Sweeps of coordinate descent before the signs are tried by Cholesky.
const SWEEPS: usize = 12;
/// Rounds of coordinate descent and Cholesky at most.
const ROUNDS: usize = 60;

/// The elastic-net penalty of the coefficients, which the intercept does not have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Penalties {
    /// Factor of Σ|w|.
    pub l1: f64,
    /// Factor of ½·Σw².
    pub l2: f64,
    /// The place of the intercept among the parameters of a margin.
    pub intercept: usize,
    /// Whether there is an intercept to fit; if not, its parameter stays 0.
    pub fit_intercept: bool,
    /// Parameters of a margin.
    pub parameters: usize,
    /// How many margins a row has. Of several the last keeps its intercept, since only differences of them matter.
    pub margins: usize,
}

impl Penalties {
    /// (l1, l2) of parameter j.
    pub fn of(&self, j: usize) -> (f64, f64) {
        if self.is_intercept(j) { (0.0, 0.0) } else { (self.l1, self.l2) }
    }

    /// Whether parameter j stays as it is.
    pub fn frozen(&self, j: usize) -> bool {
        self.is_intercept(j) && (!self.fit_intercept || self.margins > 1 && j / self.parameters == self.margins - 1)
    }

    fn is_intercept(&self, j: usize) -> bool {
        j % self.parameters == self.intercept
    }

    /// The penalty of a parameter vector.
    pub fn value(&self, beta: &[f64]) -> f64 {
        let coefficients = || beta.iter().enumerate().filter(|(j, _)| !self.is_intercept(*j)).map(|(_, w)| *w);
        self.l1 * coefficients().map(f64::abs).sum::<f64>() + 0.5 * self.l2 * coefficients().map(|w| w * w).sum::<f64>()
    }

    /// How far parameter j, of value `w` and gradient `g` of the loss, is from optimal: the least |element| of the
    /// subgradient.
    fn residual(&self, j: usize, w: f64, g: f64) -> f64 {
        if self.frozen(j) {
            return 0.0;
        }
        let (l1, l2) = self.of(j);
        let g = g + l2 * w;
        if w == 0.0 { (g.abs() - l1).max(0.0) } else { (g + l1 * w.signum()).abs() }
    }

    /// The largest residual, each in units of `scale[j]`.
    pub fn kkt(&self, beta: &[f64], gradient: &[f64], scale: &[f64]) -> f64 {
        let residuals = beta.iter().zip(gradient).zip(scale).enumerate();
        // not f64::max, which forgets a NaN
        residuals
            .map(|(j, ((w, g), s))| self.residual(j, *w, *g) / s)
            .fold(0.0, |worst, r| if r > worst || r.is_nan() { r } else { worst })
    }
}

/// A quadratic model of the loss around a point, with its penalties.
pub(crate) struct Quadratic<'a> {
    pub gradient: &'a [f64],
    pub hessian: &'a Square,
    pub penalties: Penalties,
    pub scale: &'a [f64],
}

/// Where the minimisation stands.
struct Place {
    beta: Vec<f64>,
    /// The gradient of the quadratic part there.
    gradient: Vec<f64>,
}

impl Quadratic<'_> {
    /// The minimiser, to a residual of `tolerance` if rounding allows, from the centre of the model.
    pub fn minimise(&self, centre: &[f64], tolerance: f64) -> Vec<f64> {
        let mut place = Place { beta: centre.to_vec(), gradient: self.gradient.to_vec() };
        let mut best = f64::INFINITY;
        let mut stalled = 0;
        for _ in 0..ROUNDS {
            self.descend(&mut place, tolerance);
            self.solve_active(&mut place, centre);
            let kkt = self.penalties.kkt(&place.beta, &place.gradient, self.scale);
            if kkt <= tolerance {
                break;
            }
            stalled = if kkt < 0.7 * best { 0 } else { stalled + 1 };
            best = best.min(kkt);
            // rounding keeps the residual from falling further
            if stalled == 4 {
                break;
            }
        }
        place.beta
    }

    /// The minimiser if there is no ℓ₁ penalty: one Newton step. A parameter of which the others before it take the place
    /// stays where it is.
    pub fn minimise_smooth(&self, centre: &[f64]) -> Vec<f64> {
        let mut place = Place { beta: centre.to_vec(), gradient: self.gradient.to_vec() };
        self.solve_active(&mut place, centre);
        place.beta
    }

    /// Sweeps of coordinate descent until the signs settle.
    fn descend(&self, place: &mut Place, tolerance: f64) {
        let mut settled = 0;
        for _ in 0..SWEEPS {
            let (worst, turned) = self.sweep(place);
            settled = if turned { 0 } else { settled + 1 };
            if settled == 2 || worst <= tolerance {
                break;
            }
        }
    }

    /// One sweep: the largest residual met, and whether a coefficient changed its sign or became zero or not zero.
    fn sweep(&self, place: &mut Place) -> (f64, bool) {
        let (mut worst, mut turned) = (0.0_f64, false);
        for j in 0..place.beta.len() {
            let (w, g) = (place.beta[j], place.gradient[j]);
            let residual = self.penalties.residual(j, w, g) / self.scale[j];
            let (l1, l2) = self.penalties.of(j);
            let curvature = self.hessian.diagonal(j) + l2;
            if residual == 0.0 || curvature <= 0.0 {
                continue;
            }
            worst = worst.max(residual);
            // the minimum along j of the smooth part is at u / curvature
            let u = curvature * w - (g + l2 * w);
            let moved = (u.abs() - l1).max(0.0).copysign(u) / curvature;
            turned |= (moved > 0.0) != (w > 0.0) || (moved < 0.0) != (w < 0.0);
            place.beta[j] = moved;
            add_scaled(&mut place.gradient, moved - w, self.hessian.row(j));
        }
        (worst, turned)
    }

    /// Minimises over the coefficients that are not zero, their signs kept: Newton steps, each cut where the first
    /// coefficient reaches zero. Afterwards the gradient is computed anew, so that rounding does not add up.
    fn solve_active(&self, place: &mut Place, centre: &[f64]) {
        for _ in 0..3 {
            let active: Vec<usize> = (0..place.beta.len())
                .filter(|&j| !self.penalties.frozen(j) && (place.beta[j] != 0.0 || self.penalties.of(j).0 == 0.0))
                .collect();
            let mut matrix = self.hessian.select(&active);
            let mut step: Vec<f64> = Vec::with_capacity(active.len());
            for (i, &j) in active.iter().enumerate() {
                let (l1, l2) = self.penalties.of(j);
                let w = place.beta[j];
                matrix.add_diagonal(i, l2);
                step.push(-(place.gradient[j] + l2 * w + if l1 > 0.0 { l1 * w.signum() } else { 0.0 }));
            }
            // where the loss is flat an ℓ₁ penalty still pulls, until a coefficient is zero
            let rule = if self.penalties.l1 > 0.0 { Dependent::Follow } else { Dependent::Drop };
            matrix.cholesky(rule).solve(&mut step);
            let length = self.step_to_zero(place, &active, &step);
            for (&j, step) in active.iter().zip(&step) {
                let (w, (l1, _)) = (place.beta[j], self.penalties.of(j));
                let moved = w + length * step;
                let reached = l1 > 0.0 && moved * w <= 0.0;
                place.beta[j] = if reached { 0.0 } else { moved };
            }
            self.refresh(place, centre);
            if length == 1.0 {
                break;
            }
        }
    }

    /// The part of a step, at most 1, that the first coefficient with an ℓ₁ penalty needs to reach zero.
    fn step_to_zero(&self, place: &Place, active: &[usize], step: &[f64]) -> f64 {
        active.iter().zip(step).fold(1.0, |length: f64, (&j, step)| {
            let w = place.beta[j];
            if self.penalties.of(j).0 > 0.0 && w * step < 0.0 { length.min(-w / step) } else { length }
        })
    }

    fn refresh(&self, place: &mut Place, centre: &[f64]) {
        let moved: Vec<f64> = place.beta.iter().zip(centre).map(|(b, c)| b - c).collect();
        for (j, gradient) in place.gradient.iter_mut().enumerate() {
            *gradient = self.gradient[j] + dot(self.hessian.row(j), &moved);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A Hessian with a nearly dependent pair, and a gradient.
    fn model(seed: &[f64]) -> (Square, Vec<f64>) {
        let n = 6;
        let mut rows: Vec<Vec<f64>> = seed.chunks(n).map(<[f64]>::to_vec).collect();
        rows.iter_mut().for_each(|r| r[5] = r[0] + r[1]);
        let mut hessian = Square::zeros(n);
        for i in 0..n {
            for j in 0..n {
                hessian.row_mut(i)[j] = rows.iter().map(|r| r[i] * r[j]).sum();
            }
        }
        (hessian, rows[0].iter().map(|v| 5.0 * v).collect())
    }

    proptest! {
        #[test]
        fn the_minimiser_is_optimal(seed in prop::collection::vec(-1.0..1.0f64, 60), l1 in 0.0..2.0f64, l2 in 0.0..1.0f64) {
            let (hessian, gradient) = model(&seed);
            let penalties = Penalties { l1, l2: l2 + 1e-3, intercept: 2, fit_intercept: true, parameters: 6, margins: 1 };
            let scale = [1.0; 6];
            let centre = [0.0, 0.3, 0.0, -1.0, 0.0, 0.1];
            let quadratic = Quadratic { gradient: &gradient, hessian: &hessian, penalties, scale: &scale };
            let beta = quadratic.minimise(&centre, 1e-10);
            let moved: Vec<f64> = beta.iter().zip(&centre).map(|(b, c)| b - c).collect();
            let there: Vec<f64> = (0..6).map(|j| gradient[j] + dot(hessian.row(j), &moved)).collect();
            prop_assert!(penalties.kkt(&beta, &there, &scale) <= 1e-9);
        }
    }

    #[test]
    fn an_intercept_that_is_not_fitted_stays() {
        let (hessian, gradient) = model(&[0.5; 60]);
        let penalties = Penalties { l1: 0.1, l2: 0.5, intercept: 2, fit_intercept: false, parameters: 6, margins: 1 };
        let quadratic = Quadratic { gradient: &gradient, hessian: &hessian, penalties, scale: &[1.0; 6] };
        assert_eq!(quadratic.minimise(&[0.0; 6], 1e-10)[2], 0.0);
    }
}
