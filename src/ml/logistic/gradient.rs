//! One pass for a first-order method: loss and gradient of the logistic loss, and on request the squares of the features,
//! which say how far a step along each may go. The work of a row does not depend on how many one-hot features there are,
//! nor do the sums of pairs of them exist.

use std::ops::Range;

use super::accumulate::{Geometry, Point};
use super::kernel::{logistic, sum, weighted_logistic};
use crate::ml::design::Block;

/// Rows handled together in the cache.
const STRIP: usize = 512;

/// What such a pass gathers. Merged in the order of the blocks.
#[derive(Clone, Debug)]
pub(crate) struct Slopes {
    /// Rows seen.
    pub rows: u64,
    /// The sum of their weights.
    pub weight: f64,
    /// The sum of their losses, each times its weight.
    pub loss: f64,
    /// The sum of the curvatures of the loss along a margin, p·(1 − p), each times the row's weight.
    pub curvature: f64,
    /// Of each class whose margin has parameters of its own, in the solver's order.
    gradient: Vec<Sums>,
    /// Σ weight·x² of each parameter, if they were asked for.
    squares: Option<Sums>,
}

/// A number for each parameter, and one for the rows of each one-hot block that belong to none of its features.
#[derive(Clone, Debug)]
struct Sums {
    dense: Vec<f64>,
    tables: Vec<Vec<f64>>,
}

impl Sums {
    fn zeros(geometry: &Geometry) -> Self {
        let tables = geometry.widths.iter().map(|width| vec![0.0; width + 1]).collect();
        Sums { dense: vec![0.0; geometry.numeric + 1], tables }
    }

    fn merge(&mut self, other: &Sums) {
        self.dense.iter_mut().zip(&other.dense).for_each(|(a, b)| *a += b);
        for (own, other) in self.tables.iter_mut().zip(&other.tables) {
            own.iter_mut().zip(other).for_each(|(a, b)| *a += b);
        }
    }

    /// Adds `values` of the rows to the constant and to the features they have.
    fn add_categories(&mut self, block: &Block<'_>, range: Range<usize>, values: &[f64]) {
        if let Some(constant) = self.dense.last_mut() {
            *constant += sum(values);
        }
        for (codes, table) in block.codes.iter().zip(&mut self.tables) {
            codes[range.clone()].iter().zip(values).for_each(|(code, value)| table[*code as usize] += value);
        }
    }

    fn extend_into(&self, out: &mut Vec<f64>, factor: f64) {
        let features = self.tables.iter().flat_map(|table| table.iter().take(table.len().saturating_sub(1)));
        out.extend(self.dense.iter().chain(features).map(|value| factor * value));
    }
}

impl Slopes {
    /// Nothing seen yet, of `margins` margins a row; `squares` asks for the squares.
    pub fn empty(geometry: &Geometry, margins: usize, squares: bool) -> Self {
        let gradient = vec![Sums::zeros(geometry); margins];
        let squares = squares.then(|| Sums::zeros(geometry));
        Slopes { rows: 0, weight: 0.0, loss: 0.0, curvature: 0.0, gradient, squares }
    }

    /// Takes in the rows that follow.
    pub fn merge(&mut self, other: &Slopes) {
        self.rows += other.rows;
        self.weight += other.weight;
        self.loss += other.loss;
        self.curvature += other.curvature;
        self.gradient.iter_mut().zip(&other.gradient).for_each(|(a, b)| a.merge(b));
        self.squares.iter_mut().zip(&other.squares).for_each(|(a, b)| a.merge(b));
    }

    /// The gradient times `c`, in the solver's order, class after class.
    pub fn gradient(&self, c: f64) -> Vec<f64> {
        let mut gradient = Vec::new();
        self.gradient.iter().for_each(|sums| sums.extend_into(&mut gradient, c));
        gradient
    }

    /// Σ weight·x² of the parameters of one class, in the solver's order.
    pub fn squares(&self) -> Option<Vec<f64>> {
        let mut squares = Vec::new();
        self.squares.as_ref()?.extend_into(&mut squares, 1.0);
        Some(squares)
    }

    /// Adds the residuals of margin `margin` of some rows.
    pub fn add(&mut self, margin: usize, block: &Block<'_>, range: Range<usize>, shift: &[f64], residual: &[f64]) {
        let sums = &mut self.gradient[margin];
        for ((column, shift), cell) in block.numeric.iter().zip(shift).zip(&mut sums.dense) {
            *cell += shifted(&column[range.clone()], *shift, residual, |x| x);
        }
        sums.add_categories(block, range, residual);
    }

    /// Adds the squares of the features of some rows, if they were asked for.
    pub fn add_squares(&mut self, block: &Block<'_>, range: Range<usize>, shift: &[f64], weights: &[f64]) {
        let Some(sums) = &mut self.squares else { return };
        for ((column, shift), cell) in block.numeric.iter().zip(shift).zip(&mut sums.dense) {
            *cell += shifted(&column[range.clone()], *shift, weights, |x| x * x);
        }
        sums.add_categories(block, range, weights);
    }
}

/// Σ factor·f(x − shift), in eight partial sums added in a fixed order.
fn shifted(x: &[f64], shift: f64, factors: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    let mut sums = [0.0; 8];
    let ((x, x_rest), (factors, factors_rest)) = (x.as_chunks::<8>(), factors.as_chunks::<8>());
    for (x, factors) in x.iter().zip(factors) {
        for i in 0..8 {
            sums[i] += factors[i] * f(x[i] - shift);
        }
    }
    sum(&sums) + x_rest.iter().zip(factors_rest).map(|(x, factor)| factor * f(x - shift)).sum::<f64>()
}

/// Loss and gradient of the rows of one block at a point, and the squares of their features on request.
pub(crate) fn accumulate_gradient(
    geometry: &Geometry,
    block: &Block<'_>,
    y: &[bool],
    point: &Point,
    squares: bool,
) -> Slopes {
    let mut slopes = Slopes { rows: block.rows as u64, ..Slopes::empty(geometry, 1, squares) };
    let (mut z, mut residual, mut curvature) = (Vec::with_capacity(STRIP), [0.0; STRIP], [0.0; STRIP]);
    let (mut buffer, ones) = ([0.0; STRIP], [1.0; STRIP]);
    for start in (0..block.rows).step_by(STRIP) {
        let range = start..(start + STRIP).min(block.rows);
        let rows = range.len();
        point.margins(block, range.clone(), &mut z);
        let (residual, curvature) = (&mut residual[..rows], &mut curvature[..rows]);
        let weights = point.weights(block, y, range.clone(), &mut buffer);
        slopes.loss += match weights {
            None => logistic(&z, &y[range.clone()], residual, curvature),
            Some(weights) => weighted_logistic(&z, &y[range.clone()], weights, residual, curvature),
        };
        slopes.weight += weights.map_or(rows as f64, sum);
        slopes.curvature += sum(curvature);
        slopes.add_squares(block, range.clone(), point.shift(), weights.unwrap_or(&ones[..rows]));
        slopes.add(0, block, range, point.shift(), residual);
    }
    slopes
}

#[cfg(test)]
mod tests {
    use super::super::accumulate::accumulate;
    use super::*;
    use crate::ml::design::{Design, OneHotBlock};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_gradient_is_that_of_the_pass_with_a_hessian(
            rows in prop::collection::vec((5.0..9.0f64, 0..4u32, 0..3u32, 0.0..2.0f64), 1..1200),
            beta in prop::collection::vec(-1.0..1.0f64, 7),
            weighted in any::<bool>(),
        ) {
            let block = |name: &str, width: u32| OneHotBlock {
                column: name.into(),
                features: (0..width).map(|i| format!("{name}_{i}")).collect(),
            };
            let design = Design::with_rows(rows.len()).numeric("x", rows.iter().map(|r| r.0).collect()).unwrap();
            let design = design.one_hot(block("a", 3), rows.iter().map(|r| r.1).collect(), false).unwrap();
            let mut design = design.one_hot(block("b", 2), rows.iter().map(|r| r.2).collect(), false).unwrap();
            if weighted {
                design = design.weights(rows.iter().map(|r| r.3).collect()).unwrap();
            }
            let y: Vec<bool> = (0..rows.len()).map(|i| i.is_multiple_of(3)).collect();
            let geometry = Geometry::new(design.layout());
            let point = Point::new(&geometry, &[7.0], &beta).weighing(weighted.then_some([1.0, 2.0]));
            let whole = accumulate(&geometry, &design.block(0, rows.len()), &y, &point);
            let mut slopes = Slopes::empty(&geometry, 1, true);
            for (i, block) in design.blocks(700).enumerate() {
                slopes.merge(&accumulate_gradient(&geometry, &block, &y[i * 700..], &point, true));
            }
            prop_assert_eq!(slopes.rows, whole.rows);
            prop_assert!((slopes.weight - whole.weight).abs() < 1e-9 && (slopes.loss - whole.loss).abs() < 1e-9);
            for (a, b) in slopes.gradient(2.0).iter().zip(whole.gradient(2.0)) {
                prop_assert!((a - b).abs() < 1e-9);
            }
            let hessian = accumulate(&geometry, &design.block(0, rows.len()), &y, &Point::new(&geometry, &[7.0], &[0.0; 7]));
            let diagonal: Vec<f64> = (0..7).map(|j| 4.0 * hessian.hessian(1.0).diagonal(j)).collect();
            if !weighted {
                for (a, b) in slopes.squares().unwrap().iter().zip(diagonal) {
                    prop_assert!((a - b).abs() < 1e-8);
                }
            }
        }
    }
}
