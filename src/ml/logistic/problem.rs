//! Rows in memory for solvers that want them so, and what is made of their coefficients.

use rayon::prelude::*;

use super::accumulate::{Geometry, Point};
use super::fista;
use super::params::ValidLogisticRegression;
use super::passes::{By, Run};
use super::terms::Solution;
use crate::base::Result;
use crate::ml::design::{Block, Design};
use crate::ml::estimator::{Facts, Labels, PassEstimator};

/// Rows handled together by a thread.
const CHUNK: usize = 16_384;

/// Rows in memory, their labels, and what is known of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Problem<'a> {
    pub design: &'a Design,
    pub labels: Labels<'a>,
    pub facts: &'a Facts,
}

impl Problem<'_> {
    /// Judges coefficients of two classes that a solver found: objective, residual, and whether that is within the tolerance.
    ///
    /// # Errors
    /// As any fit.
    pub fn judge(&self, params: &ValidLogisticRegression, coef: &[f64], intercept: f64) -> Result<Solution> {
        // only the gradient is asked for
        let mut run = Run::<fista::State>::judging(params, self.facts, coef, intercept)?;
        let passes = By::<fista::State>::new(params, &self.facts.classes);
        let starts: Vec<usize> = (0..self.design.rows()).step_by(CHUNK).collect();
        let of_block = |start: &usize| {
            let block = self.design.block(*start, start + CHUNK);
            passes.accumulate(&run, &block, self.labels.slice(*start..start + block.rows))
        };
        let sums: Vec<_> = starts.par_iter().map(of_block).collect();
        let mut total = passes.nothing(&run);
        sums.into_iter().for_each(|later| passes.merge(&mut total, later));
        passes.step(&mut run, total)?;
        Ok(Solution { coef: coef.to_vec(), intercepts: vec![intercept], iterations: None, ..run.solution() })
    }
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
