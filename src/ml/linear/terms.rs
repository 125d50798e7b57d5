//! What a linear model is fitted by, whatever rows pass by: the places of its sums and parameters, and the units of both.

use super::params::{Objective, ValidLinearRegression};
use crate::base::{Error, Result};
use crate::ml::estimator::Facts;
use crate::ml::logistic::accumulate::{Geometry, Point, move_intercept};
use crate::ml::logistic::newton::MAX_PARAMETERS;
use crate::ml::logistic::quadratic::Penalties;
use crate::ml::logistic::square::Square;
use crate::ml::logistic::terms::{shifts, spreads};

/// What does not change from pass to pass.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub geometry: Geometry,
    pub penalties: Penalties,
    /// Factor of ½·Σ sᵢ(xᵢ·w + b − yᵢ)² in the objective.
    pub c: f64,
    /// The unit of the residual of each parameter: the spread of a numeric column, else 1.
    pub scale: Vec<f64>,
    /// The weight of all rows.
    weight: f64,
    /// The mean of the target, if there is an intercept.
    mean: f64,
    /// Means of the numeric columns if there is an intercept, else zeros.
    shift: Vec<f64>,
    /// Numeric columns that do not vary, rounding apart.
    constant: Vec<usize>,
}

impl Terms {
    /// # Errors
    /// `Model` if there are no rows that weigh anything, or for values that are too large; `Unsupported` for too many
    /// features.
    pub fn new(facts: &Facts, params: &ValidLinearRegression) -> Result<Terms> {
        let (rows, weight) = (facts.rows, facts.weight);
        if !(weight > 0.0 && weight.is_finite()) {
            let of_no_weight = format!("there are {rows} rows, and their weights add up to {weight}");
            let what = if rows == 0 { "there are no rows to fit to".to_string() } else { of_no_weight };
            return Err(Error::model(what));
        }
        let geometry = Geometry::new(&facts.layout);
        if geometry.parameters() > MAX_PARAMETERS {
            return Err(Error::unsupported(format!("a linear model of {} features", facts.layout.len()))
                .help(format!("at most {} are possible: put rare categories together", MAX_PARAMETERS - 1)));
        }
        let (mean, var) = facts.target;
        if !var.is_finite() {
            return Err(Error::model("the target has values so large that their squares overflow"));
        }
        let (c, l1, l2) = match params.objective {
            Objective::Sum { alpha } => (2.0, 0.0, 2.0 * alpha),
            Objective::Mean { alpha, l1_ratio } => (1.0 / weight, alpha * l1_ratio, alpha * (1.0 - l1_ratio)),
        };
        let fit_intercept = params.fit_intercept;
        let constant: Vec<usize> = (0..geometry.numeric)
            .filter(|&j| is_constant(facts.numeric[j]) && (fit_intercept || facts.numeric[j] == (0.0, 0.0)))
            .collect();
        let mut scale = spreads(facts, fit_intercept)?;
        constant.iter().for_each(|&j| scale[j] = 1.0);
        scale.resize(geometry.parameters(), 1.0);
        let penalties = Penalties {
            l1,
            l2,
            intercept: geometry.numeric,
            fit_intercept,
            parameters: geometry.parameters(),
            margins: 1,
        };
        let (mean, shift) = (if fit_intercept { mean } else { 0.0 }, shifts(facts, fit_intercept));
        Ok(Terms { geometry, penalties, c, scale, weight, mean, shift, constant })
    }

    /// The model that predicts the mean of the target, or 0 if there is no intercept.
    pub fn start(&self) -> Vec<f64> {
        let mut beta = vec![0.0; self.geometry.parameters()];
        beta[self.geometry.numeric] = self.mean;
        beta
    }

    /// The point to sum up at.
    pub fn point(&self, beta: &[f64]) -> Point {
        Point::new(&self.geometry, &self.shift, beta)
    }

    /// The residual below which a gradient is only rounding, where the squares add up to twice `loss` at the start.
    pub fn rounding(&self, loss: f64) -> f64 {
        4.0 * f64::EPSILON * self.c * ((2.0 * loss * self.weight).sqrt() + self.weight * self.mean.abs())
    }

    /// The Hessian, where a constant column is one of zeros: what is left of it after its mean is subtracted is rounding.
    pub fn hessian(&self, mut hessian: Square) -> Square {
        for &j in &self.constant {
            hessian.row_mut(j).fill(0.0);
            (0..hessian.size()).for_each(|i| hessian.row_mut(i)[j] = 0.0);
        }
        hessian
    }

    /// From the solver's parameters to coefficients in the order of the layout, and the intercept.
    pub fn outward(&self, beta: &[f64]) -> (Vec<f64>, f64) {
        let mut coef = beta.to_vec();
        move_intercept(&self.geometry, &self.shift, &mut coef, -1.0);
        let intercept = coef.remove(self.geometry.numeric);
        (coef, intercept)
    }
}

/// Whether the values of a column of this mean and variance differ by no more than the rounding of the mean.
fn is_constant((mean, var): (f64, f64)) -> bool {
    var.sqrt() <= 16.0 * f64::EPSILON * mean.abs()
}
