//! One pass over the data: the squares of the residuals, their gradient, and the second moments of the features, which
//! are the Hessian at every point.

use std::ops::Range;

use crate::ml::design::Block;
use crate::ml::logistic::accumulate::{Acc, Geometry, Point, STRIP, Strip};
use crate::ml::logistic::gradient::Slopes;
use crate::ml::logistic::kernel::{dot, sum};

/// What a pass gathers of ½·Σ sᵢ(xᵢ·w + b − yᵢ)² at a point.
#[derive(Clone, Debug)]
pub(crate) enum Sums {
    /// With the Hessian, which is the same at every point: for the first pass.
    Moments(Acc),
    /// The gradient alone: for the passes that verify.
    Gradient(Slopes),
}

/// Predictions and residuals of the rows of a strip.
struct Residuals {
    /// Predictions, then what they are above the target.
    above: Vec<f64>,
}

impl Residuals {
    /// Writes weight·(prediction − y) of rows `range` of a block, and gives the weight of the rows and half the weighted
    /// sum of the squares.
    fn of(
        &mut self,
        point: &Point,
        block: &Block<'_>,
        y: &[f64],
        range: Range<usize>,
        residual: &mut [f64],
    ) -> (f64, f64) {
        point.margins(block, range.clone(), &mut self.above);
        self.above.iter_mut().zip(&y[range.clone()]).for_each(|(above, y)| *above -= y);
        residual.copy_from_slice(&self.above);
        let mut weight = range.len() as f64;
        if let Some(weights) = block.weights.map(|weights| &weights[range]) {
            residual.iter_mut().zip(weights).for_each(|(residual, weight)| *residual *= weight);
            weight = sum(weights);
        }
        (weight, 0.5 * dot(residual, &self.above))
    }
}

/// Squares, gradient and Hessian of the rows of one block.
fn moments(geometry: &Geometry, block: &Block<'_>, y: &[f64], point: &Point) -> Acc {
    let mut acc = Acc::empty(geometry);
    acc.rows = block.rows as u64;
    let (mut strip, mut residuals) = (Strip::new(geometry), Residuals { above: Vec::with_capacity(STRIP) });
    for start in (0..block.rows).step_by(STRIP) {
        let range = start..(start + STRIP).min(block.rows);
        let rows = range.len();
        let (weight, loss) = residuals.of(point, block, y, range.clone(), &mut strip.residual[..rows]);
        acc.weight += weight;
        acc.loss += loss;
        match block.weights {
            Some(weights) => strip.curvature[..rows].copy_from_slice(&weights[range.clone()]),
            None => strip.curvature[..rows].fill(1.0),
        }
        acc.add(block, range, point.shift(), &mut strip);
    }
    acc
}

/// Squares and gradient of the rows of one block.
fn gradient(geometry: &Geometry, block: &Block<'_>, y: &[f64], point: &Point) -> Slopes {
    let mut slopes = Slopes::empty(geometry, 1, false);
    slopes.rows = block.rows as u64;
    let (mut residual, mut residuals) = ([0.0; STRIP], Residuals { above: Vec::with_capacity(STRIP) });
    for start in (0..block.rows).step_by(STRIP) {
        let range = start..(start + STRIP).min(block.rows);
        let residual = &mut residual[..range.len()];
        let (weight, loss) = residuals.of(point, block, y, range.clone(), residual);
        slopes.weight += weight;
        slopes.loss += loss;
        slopes.add(0, block, range, point.shift(), residual);
    }
    slopes
}

impl Sums {
    /// Nothing seen yet.
    pub fn nothing(geometry: &Geometry, with_hessian: bool) -> Sums {
        if with_hessian {
            Sums::Moments(Acc::empty(geometry))
        } else {
            Sums::Gradient(Slopes::empty(geometry, 1, false))
        }
    }

    /// Those of some rows.
    pub fn of(geometry: &Geometry, block: &Block<'_>, y: &[f64], point: &Point, with_hessian: bool) -> Sums {
        if with_hessian {
            Sums::Moments(moments(geometry, block, y, point))
        } else {
            Sums::Gradient(gradient(geometry, block, y, point))
        }
    }

    /// Takes in those of later rows of the same pass.
    pub fn merge(&mut self, later: &Sums) {
        match (self, later) {
            (Sums::Moments(own), Sums::Moments(later)) => own.merge(later),
            (Sums::Gradient(own), Sums::Gradient(later)) => own.merge(later),
            _ => {}
        }
    }

    /// Half the weighted sum of the squares.
    pub fn loss(&self) -> f64 {
        match self {
            Sums::Moments(acc) => acc.loss,
            Sums::Gradient(slopes) => slopes.loss,
        }
    }

    /// Its gradient times `c`, in the solver's order.
    pub fn gradient(&self, c: f64) -> Vec<f64> {
        match self {
            Sums::Moments(acc) => acc.gradient(c),
            Sums::Gradient(slopes) => slopes.gradient(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::design::{Design, OneHotBlock};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn the_structured_sums_are_the_dense_ones(
            rows in prop::collection::vec((-2.0..2.0f64, 0..4u32, -3.0..3.0f64, 0.0..2.0f64), 1..1200),
            beta in prop::collection::vec(-1.0..1.0f64, 5),
            weighted in any::<bool>(),
        ) {
            let block = OneHotBlock { column: "c".into(), features: (0..3).map(|i| format!("c_{i}")).collect() };
            let mut design = Design::with_rows(rows.len())
                .numeric("x", rows.iter().map(|r| r.0).collect())
                .unwrap()
                .one_hot(block, rows.iter().map(|r| r.1).collect(), false)
                .unwrap();
            if weighted {
                design = design.weights(rows.iter().map(|r| r.3).collect()).unwrap();
            }
            let y: Vec<f64> = rows.iter().map(|r| r.2).collect();
            let geometry = Geometry::new(design.layout());
            let point = Point::new(&geometry, &[0.25], &beta);
            let of = |with_hessian| {
                let mut sums = Sums::nothing(&geometry, with_hessian);
                for (i, block) in design.blocks(700).enumerate() {
                    sums.merge(&Sums::of(&geometry, &block, &y[i * 700..], &point, with_hessian));
                }
                sums
            };
            // the slow twin: dense rows in the solver's order
            let (mut loss, mut gradient, mut hessian) = (0.0, vec![0.0; 5], vec![vec![0.0; 5]; 5]);
            for (row, (y, r)) in design.to_dense().rows().into_iter().zip(y.iter().zip(&rows)) {
                let weight = if weighted { r.3 } else { 1.0 };
                let x: Vec<f64> = [row[0] - 0.25, 1.0].into_iter().chain(row.iter().skip(1).copied()).collect();
                let above = x.iter().zip(&beta).map(|(x, b)| x * b).sum::<f64>() - y;
                loss += 0.5 * weight * above * above;
                for (i, line) in hessian.iter_mut().enumerate() {
                    gradient[i] += 3.0 * weight * above * x[i];
                    line.iter_mut().zip(&x).for_each(|(cell, xj)| *cell += 3.0 * weight * x[i] * xj);
                }
            }
            for sums in [of(true), of(false)] {
                prop_assert!((sums.loss() - loss).abs() < 1e-8);
                for (a, b) in sums.gradient(3.0).iter().zip(&gradient) {
                    prop_assert!((a - b).abs() < 1e-8);
                }
                let Sums::Moments(acc) = sums else { continue };
                let square = acc.hessian(3.0);
                for (i, line) in hessian.iter().enumerate() {
                    for (a, b) in square.row(i).iter().zip(line) {
                        prop_assert!((a - b).abs() < 1e-8);
                    }
                }
            }
        }
    }
}
