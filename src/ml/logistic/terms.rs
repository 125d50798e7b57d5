//! What a logistic regression is fitted by, whatever rows pass by: the places of its sums and parameters, and the units
//! of both.

use super::accumulate::{Geometry, move_intercept};
use super::newton::Aim;
use super::params::{Solver, ValidLogisticRegression};
use super::quadratic::Penalties;
use super::softmax::Points;
use super::weights::ClassTotals;
use crate::base::{Error, Result};
use crate::ml::estimator::Facts;

/// What does not change from pass to pass.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub geometry: Geometry,
    fit_intercept: bool,
    /// What the rows of each class weigh.
    totals: ClassTotals,
    /// Means of the numeric columns if there is an intercept, else zeros.
    shift: Vec<f64>,
    /// The unit of the residual of each parameter of a margin: 1, or the spread of a numeric column if that is more.
    scale: Vec<f64>,
}

/// What a solver ended with.
#[derive(Clone, Debug)]
pub(crate) struct Solution {
    /// Coefficients in the order of the layout, margin after margin.
    pub coef: Vec<f64>,
    pub intercepts: Vec<f64>,
    pub iterations: Option<usize>,
    pub converged: bool,
    pub kkt: f64,
    pub objective: f64,
}

/// The margins of a row of so many classes: one for two, else one for each.
pub(crate) fn margins_of(classes: usize) -> usize {
    if classes == 2 { 1 } else { classes }
}

/// What is subtracted from each numeric column: its mean if there is an intercept that can take it up.
pub(crate) fn shifts(facts: &Facts, fit_intercept: bool) -> Vec<f64> {
    facts.numeric.iter().map(|(mean, _)| if fit_intercept { *mean } else { 0.0 }).collect()
}

/// How far the values of each numeric column lie from what is subtracted.
///
/// # Errors
/// `Model` for values that are too large.
pub(crate) fn spreads(facts: &Facts, fit_intercept: bool) -> Result<Vec<f64>> {
    let spread = |(mean, var): &(f64, f64)| if fit_intercept { var.sqrt() } else { (var + mean * mean).sqrt() };
    let spreads: Vec<f64> = facts.numeric.iter().map(spread).collect();
    match spreads.iter().position(|spread| !spread.is_finite()) {
        Some(at) => Err(Error::model("the values are so large that their squares overflow")
            .at_column(facts.layout.numeric()[at].as_str())
            .help("scale the feature first, with StandardScaler")),
        None => Ok(spreads),
    }
}

impl Terms {
    /// # Errors
    /// `Model` if there are not at least two classes, all with rows that weigh anything, or for values that are too
    /// large.
    pub fn new(facts: &Facts, params: &ValidLogisticRegression) -> Result<Terms> {
        if facts.classes.len() < 2 {
            facts.classes.expect_two()?;
        }
        let totals = ClassTotals::of(&params.class_weight, facts)?;
        let geometry = Geometry::new(&facts.layout);
        let spreads = spreads(facts, params.fit_intercept)?;
        let mut scale: Vec<f64> = spreads.into_iter().map(|spread| spread.max(1.0)).collect();
        scale.resize(geometry.parameters(), 1.0);
        let shift = shifts(facts, params.fit_intercept);
        Ok(Terms { geometry, fit_intercept: params.fit_intercept, totals, shift, scale })
    }

    /// The margins of a row: one for two classes, else one for each class.
    pub fn margins(&self) -> usize {
        margins_of(self.totals.totals.len())
    }

    /// The points to sum up at.
    pub fn points(&self, beta: &[f64]) -> Points {
        Points::new(&self.geometry, &self.shift, beta, self.totals.factors.as_deref())
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
                parameters: self.geometry.parameters(),
                margins: self.margins(),
            },
            scale: self.scale.repeat(self.margins()),
            tolerance: params.tolerance().max(self.rounding(params.c)),
            max_iter: params.steps_of(solver),
        }
    }

    /// The residual below which a gradient of rows of this weight is only rounding.
    fn rounding(&self, c: f64) -> f64 {
        4.0 * f64::EPSILON * c * self.totals.totals.iter().sum::<f64>()
    }

    /// The log odds of the labels without any feature; of more than two classes the logarithms of their shares.
    pub fn start(&self) -> Vec<f64> {
        let (totals, parameters) = (&self.totals.totals, self.geometry.parameters());
        let all: f64 = totals.iter().sum();
        let mut beta = vec![0.0; parameters * self.margins()];
        let intercepts = beta.iter_mut().skip(self.geometry.numeric).step_by(parameters);
        match totals[..] {
            _ if !self.fit_intercept => {}
            [first, second] => intercepts.for_each(|intercept| *intercept = (second / first).ln()),
            _ => intercepts.zip(totals).for_each(|(intercept, total)| *intercept = (total / all).ln()),
        }
        beta
    }

    /// From the user's coefficients to the solver's parameters.
    pub fn inward(&self, coef: &[f64], intercepts: &[f64]) -> Vec<f64> {
        let (features, mut whole) = (self.geometry.parameters() - 1, Vec::new());
        for (margin, intercept) in intercepts.iter().enumerate() {
            let (numeric, one_hot) = coef[margin * features..(margin + 1) * features].split_at(self.geometry.numeric);
            let mut beta = [numeric, &[*intercept], one_hot].concat();
            move_intercept(&self.geometry, &self.shift, &mut beta, 1.0);
            whole.append(&mut beta);
        }
        whole
    }

    /// From the solver's parameters to the user's coefficients and intercepts. Those of several classes are given with
    /// mean 0 where adding one number to all changes nothing: the intercepts, and without a penalty the coefficients of
    /// each feature.
    pub fn outward(&self, beta: &[f64], penalties: &Penalties) -> (Vec<f64>, Vec<f64>) {
        let (mut coef, mut intercepts) = (Vec::new(), Vec::new());
        for beta in beta.chunks(self.geometry.parameters()) {
            let mut beta = beta.to_vec();
            move_intercept(&self.geometry, &self.shift, &mut beta, -1.0);
            intercepts.push(beta.remove(self.geometry.numeric));
            coef.append(&mut beta);
        }
        if self.margins() > 1 && penalties.l1 == 0.0 && penalties.l2 == 0.0 {
            centre(&mut coef, self.margins());
        }
        if self.margins() > 1 && self.fit_intercept {
            centre(&mut intercepts, self.margins());
        }
        (coef, intercepts)
    }
}

/// Takes the mean off the values of each feature, which stand margin after margin.
fn centre(values: &mut [f64], margins: usize) {
    let features = values.len() / margins;
    let mut means = vec![0.0; features];
    for of_margin in values.chunks(features.max(1)) {
        means.iter_mut().zip(of_margin).for_each(|(mean, value)| *mean += value / margins as f64);
    }
    for of_margin in values.chunks_mut(features.max(1)) {
        of_margin.iter_mut().zip(&means).for_each(|(value, mean)| *value -= mean);
    }
}
