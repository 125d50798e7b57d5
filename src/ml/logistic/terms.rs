//! What a logistic regression is fitted by, whatever rows pass by: the places of its sums and parameters, and the units
//! of both.

use super::accumulate::{Geometry, Point, move_intercept};
use super::newton::Aim;
use super::params::{Solver, ValidLogisticRegression};
use super::quadratic::Penalties;
use super::weights::ClassTotals;
use crate::base::{Error, Result};
use crate::ml::estimator::Facts;

/// What does not change from pass to pass.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub geometry: Geometry,
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
}

impl Terms {
    /// # Errors
    /// `Model` if there are not two classes with rows that weigh anything, or for values that are too large.
    pub fn new(facts: &Facts, params: &ValidLogisticRegression) -> Result<Terms> {
        facts.classes.expect_two()?;
        let totals = ClassTotals::of(&params.class_weight, facts)?;
        let geometry = Geometry::new(&facts.layout);
        // without an intercept columns cannot be shifted, and their spread is that around 0
        let spread =
            |(mean, var): &(f64, f64)| if params.fit_intercept { var.sqrt() } else { (var + mean * mean).sqrt() };
        let spreads: Vec<f64> = facts.numeric.iter().map(spread).collect();
        if let Some(at) = spreads.iter().position(|spread| !spread.is_finite()) {
            return Err(Error::model("the values are so large that their squares overflow")
                .at_column(facts.layout.numeric()[at].as_str())
                .help("scale the feature first, with StandardScaler"));
        }
        let mut scale: Vec<f64> = spreads.into_iter().map(|spread| spread.max(1.0)).collect();
        scale.resize(geometry.parameters(), 1.0);
        let shift = facts.numeric.iter().map(|(mean, _)| if params.fit_intercept { *mean } else { 0.0 }).collect();
        let two = |of: &[f64]| [of[0], of[1]];
        let (by_class, totals) = (totals.factors.as_deref().map(two), two(&totals.totals));
        Ok(Terms { geometry, fit_intercept: params.fit_intercept, by_class, totals, shift, scale })
    }

    /// A point to sum up at.
    pub fn point(&self, beta: &[f64]) -> Point {
        Point::new(&self.geometry, &self.shift, beta).weighing(self.by_class)
    }

    /// What is to be minimised.
    pub fn aim(&self, params: &ValidLogisticRegression, solver: Solver) -> Aim {
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
    pub fn start(&self) -> Vec<f64> {
        let mut beta = vec![0.0; self.geometry.parameters()];
        if self.fit_intercept {
            beta[self.geometry.numeric] = (self.totals[1] / self.totals[0]).ln();
        }
        beta
    }

    /// From the user's coefficients to the solver's parameters.
    pub fn inward(&self, coef: &[f64], intercept: f64) -> Vec<f64> {
        let (numeric, one_hot) = coef.split_at(self.geometry.numeric);
        let mut beta = [numeric, &[intercept], one_hot].concat();
        move_intercept(&self.geometry, &self.shift, &mut beta, 1.0);
        beta
    }

    /// From the solver's parameters to the user's coefficients and intercept.
    pub fn outward(&self, beta: &[f64]) -> (Vec<f64>, f64) {
        let mut beta = beta.to_vec();
        move_intercept(&self.geometry, &self.shift, &mut beta, -1.0);
        let intercept = beta.remove(self.geometry.numeric);
        (beta, intercept)
    }
}
