//! One pass over the data for any number of classes. Of two classes a row has one margin. Of more each class has a margin
//! of its own, and the probabilities are their softmax; the Hessian is a block for each pair of classes (k, l): the structured sums of the rows with the curvature
//! pₖ·(δₖₗ − pₗ) in place of p·(1 − p).

use std::ops::Range;

use super::accumulate::{Acc, Geometry, Point, Strip, accumulate};
use super::gradient::{Slopes, accumulate_gradient};
use super::kernel::{exp_of_negative, log_from_one, sum};
use super::newton::Curved;
use super::square::Square;
use crate::ml::design::Block;

/// Rows handled together in the cache.
const STRIP: usize = 512;

/// A parameter vector of each margin, made ready for a pass.
#[derive(Clone, Debug)]
pub(crate) struct Points {
    /// Of each margin.
    points: Vec<Point>,
    /// Multiplies the weights of the rows of each class.
    by_class: Option<Vec<f64>>,
}

impl Points {
    /// The points at `beta`: margin after margin, each in the solver's order.
    pub fn new(geometry: &Geometry, shift: &[f64], beta: &[f64], by_class: Option<&[f64]>) -> Self {
        let two = by_class.and_then(|factors| <[f64; 2]>::try_from(factors).ok());
        let point = |beta| Point::new(geometry, shift, beta).weighing(two);
        let points = beta.chunks(geometry.parameters()).map(point).collect();
        Points { points, by_class: by_class.map(<[f64]>::to_vec) }
    }

    fn shift(&self) -> &[f64] {
        self.points.first().map_or(&[], Point::shift)
    }
}

/// Weights, probabilities and residuals of a strip of rows.
struct Softmax {
    /// Class after class, `STRIP` rows each.
    p: Vec<f64>,
    residual: Vec<f64>,
    weights: Vec<f64>,
    /// The largest margin of each row, then the logarithm of Σ exp(margin).
    top: Vec<f64>,
    z: Vec<f64>,
}

impl Softmax {
    fn new(classes: usize) -> Self {
        let cells = || vec![0.0; classes * STRIP];
        Softmax { p: cells(), residual: cells(), weights: vec![0.0; STRIP], top: vec![0.0; STRIP], z: Vec::new() }
    }

    /// Takes in rows `range` of a block; their loss is returned.
    fn fill(&mut self, block: &Block<'_>, y: &[u32], range: Range<usize>, points: &Points) -> f64 {
        let (rows, y) = (range.len(), &y[range.clone()]);
        let top = &mut self.top[..rows];
        top.fill(f64::NEG_INFINITY);
        for (point, p) in points.points.iter().zip(self.p.chunks_mut(STRIP)) {
            point.margins(block, range.clone(), &mut self.z);
            p[..rows].copy_from_slice(&self.z);
            top.iter_mut().zip(&self.z).for_each(|(top, z)| *top = if z > top { *z } else { *top });
        }
        let weights = &mut self.weights[..rows];
        match block.weights {
            Some(own) => weights.copy_from_slice(&own[range]),
            None => weights.fill(1.0),
        }
        if let Some(factors) = &points.by_class {
            weights.iter_mut().zip(y).for_each(|(weight, class)| *weight *= factors[*class as usize]);
        }
        let mut loss = 0.0;
        for (i, class) in y.iter().enumerate() {
            loss += weights[i] * (top[i] - self.p[*class as usize * STRIP + i]);
        }
        let total = &mut self.z[..];
        total.fill(0.0);
        for p in self.p.chunks_mut(STRIP) {
            for i in 0..rows {
                p[i] = exp_of_negative(p[i] - top[i]);
                total[i] += p[i];
            }
        }
        for i in 0..rows {
            top[i] = weights[i] * log_from_one(total[i]);
            total[i] = 1.0 / total[i];
        }
        for (p, residual) in self.p.chunks_mut(STRIP).zip(self.residual.chunks_mut(STRIP)) {
            for i in 0..rows {
                p[i] *= total[i];
                residual[i] = weights[i] * p[i];
            }
        }
        for (i, class) in y.iter().enumerate() {
            self.residual[*class as usize * STRIP + i] -= weights[i];
        }
        loss + sum(top)
    }

    /// weight·pₖ·(δₖₗ − pₗ) of the rows.
    fn curvature(&self, k: usize, l: usize, out: &mut [f64]) {
        let (pk, pl) = (&self.p[k * STRIP..], &self.p[l * STRIP..]);
        let own = f64::from(u8::from(k == l));
        for (i, cell) in out.iter_mut().enumerate() {
            *cell = self.weights[i] * pk[i] * (own - pl[i]);
        }
    }
}

/// What a pass gathers: weight of the rows, loss, gradient and Hessian. Merged in the order of the blocks.
#[derive(Clone, Debug)]
pub(crate) struct MarginAcc {
    margins: usize,
    /// The sum of the weights of the rows.
    weight: f64,
    /// The sum of their losses, each times its weight.
    loss: f64,
    /// The sums of each pair of margins k ≤ l, by k, then l; the gradient in those of k = l.
    pairs: Vec<Acc>,
}

impl MarginAcc {
    /// Nothing seen yet.
    pub fn empty(geometry: &Geometry, margins: usize) -> Self {
        let pairs = vec![Acc::empty(geometry); pairs_of(margins)];
        MarginAcc { margins, weight: 0.0, loss: 0.0, pairs }
    }

    /// Takes in the rows that follow.
    pub fn merge(&mut self, other: &MarginAcc) {
        self.weight += other.weight;
        self.loss += other.loss;
        self.pairs.iter_mut().zip(&other.pairs).for_each(|(a, b)| a.merge(b));
    }

    fn pairs(margins: usize) -> impl Iterator<Item = (usize, usize)> {
        (0..margins).flat_map(move |k| (k..margins).map(move |l| (k, l)))
    }
}

/// The number of pairs of margins, those of one with itself among them.
pub(crate) fn pairs_of(margins: usize) -> usize {
    margins * (margins + 1) / 2
}

impl Curved for MarginAcc {
    fn loss(&self) -> f64 {
        self.loss
    }

    fn weight(&self) -> f64 {
        self.weight
    }

    fn gradient(&self, c: f64) -> Vec<f64> {
        let own = MarginAcc::pairs(self.margins).zip(&self.pairs).filter(|((k, l), _)| k == l);
        own.flat_map(|(_, acc)| acc.gradient(c)).collect()
    }

    fn hessian(&self, c: f64) -> Square {
        if let [only] = self.pairs.as_slice() {
            return only.hessian(c);
        }
        let mut whole: Option<Square> = None;
        for ((k, l), acc) in MarginAcc::pairs(self.margins).zip(&self.pairs) {
            let block = acc.hessian(c);
            let size = block.size();
            let whole = whole.get_or_insert_with(|| Square::zeros(self.margins * size));
            for i in 0..size {
                whole.row_mut(k * size + i)[l * size..(l + 1) * size].copy_from_slice(block.row(i));
                whole.row_mut(l * size + i)[k * size..(k + 1) * size].copy_from_slice(block.row(i));
            }
        }
        whole.unwrap_or_else(|| Square::zeros(0))
    }
}

/// Loss, gradient and Hessian of the rows of one block, whose class numbers are `y`.
pub(crate) fn accumulate_margins(geometry: &Geometry, block: &Block<'_>, y: &[u32], points: &Points) -> MarginAcc {
    if let [point] = points.points.as_slice() {
        let acc = accumulate(geometry, block, &second(y), point);
        return MarginAcc { margins: 1, weight: acc.weight, loss: acc.loss, pairs: vec![acc] };
    }
    let classes = points.points.len();
    let mut acc = MarginAcc::empty(geometry, classes);
    let (mut softmax, mut strip) = (Softmax::new(classes), Strip::new(geometry));
    for start in (0..block.rows).step_by(STRIP) {
        let range = start..(start + STRIP).min(block.rows);
        let rows = range.len();
        acc.loss += softmax.fill(block, y, range.clone(), points);
        acc.weight += sum(&softmax.weights[..rows]);
        for ((k, l), pair) in MarginAcc::pairs(classes).zip(&mut acc.pairs) {
            softmax.curvature(k, l, &mut strip.curvature[..rows]);
            match k == l {
                true => strip.residual[..rows].copy_from_slice(&softmax.residual[k * STRIP..k * STRIP + rows]),
                false => strip.residual[..rows].fill(0.0),
            }
            pair.add(block, range.clone(), points.shift(), &mut strip);
        }
    }
    acc
}

/// Loss and gradient of the rows of one block, and the squares of their features on request.
pub(crate) fn accumulate_slopes(
    geometry: &Geometry,
    block: &Block<'_>,
    y: &[u32],
    points: &Points,
    squares: bool,
) -> Slopes {
    if let [point] = points.points.as_slice() {
        return accumulate_gradient(geometry, block, &second(y), point, squares);
    }
    let classes = points.points.len();
    let mut slopes = Slopes::empty(geometry, classes, squares);
    slopes.rows = block.rows as u64;
    let mut softmax = Softmax::new(classes);
    let mut curvature = [0.0; STRIP];
    for start in (0..block.rows).step_by(STRIP) {
        let range = start..(start + STRIP).min(block.rows);
        let rows = range.len();
        slopes.loss += softmax.fill(block, y, range.clone(), points);
        slopes.weight += sum(&softmax.weights[..rows]);
        for k in 0..classes {
            softmax.curvature(k, k, &mut curvature[..rows]);
            slopes.curvature += sum(&curvature[..rows]) / classes as f64;
            slopes.add(k, block, range.clone(), points.shift(), &softmax.residual[k * STRIP..k * STRIP + rows]);
        }
        slopes.add_squares(block, range, points.shift(), &softmax.weights[..rows]);
    }
    slopes
}

/// Whether each row is of the second class.
fn second(y: &[u32]) -> Vec<bool> {
    y.iter().map(|class| *class == 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::design::{Design, OneHotBlock};
    use proptest::prelude::*;

    const SHIFT: f64 = 7.0;
    const FACTORS: [f64; 3] = [1.0, 0.5, 2.0];

    /// A row as features in the solver's order: the number, the constant, three categories.
    fn features(x: f64, code: u32) -> [f64; 5] {
        let one = |c| f64::from(u8::from(code == c));
        [x - SHIFT, 1.0, one(0), one(1), one(2)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn the_structured_sums_are_the_dense_ones(
            rows in prop::collection::vec((5.0..9.0f64, 0..4u32, 0..3u32, 0.0..2.0f64), 1..900),
            beta in prop::collection::vec(-1.0..1.0f64, 15),
        ) {
            let block = OneHotBlock { column: "a".into(), features: (0..3).map(|i| format!("a_{i}")).collect() };
            let design = Design::with_rows(rows.len()).numeric("x", rows.iter().map(|r| r.0).collect()).unwrap();
            let design = design.one_hot(block, rows.iter().map(|r| r.1).collect(), false).unwrap();
            let design = design.weights(rows.iter().map(|r| r.3).collect()).unwrap();
            let y: Vec<u32> = rows.iter().map(|r| r.2).collect();
            let geometry = Geometry::new(design.layout());
            let points = Points::new(&geometry, &[SHIFT], &beta, Some(&FACTORS));
            let mut acc = MarginAcc::empty(&geometry, 3);
            let mut slopes = Slopes::empty(&geometry, 3, true);
            for (i, block) in design.blocks(600).enumerate() {
                acc.merge(&accumulate_margins(&geometry, &block, &y[i * 600..], &points));
                slopes.merge(&accumulate_slopes(&geometry, &block, &y[i * 600..], &points, true));
            }
            let (mut loss, mut weight) = (0.0, 0.0);
            let (mut gradient, mut hessian) = (vec![0.0; 15], vec![vec![0.0; 15]; 15]);
            for (x, code, class, own) in &rows {
                let (x, w) = (features(*x, *code), own * FACTORS[*class as usize]);
                let z: Vec<f64> = beta.chunks(5).map(|b| x.iter().zip(b).map(|(x, b)| x * b).sum()).collect();
                let total: f64 = z.iter().map(|z| z.exp()).sum();
                let p: Vec<f64> = z.iter().map(|z| z.exp() / total).collect();
                loss += w * (total.ln() - z[*class as usize]);
                weight += w;
                for i in 0..15 {
                    let k = i / 5;
                    gradient[i] += 3.0 * w * (p[k] - f64::from(u8::from(k == *class as usize))) * x[i % 5];
                    for j in 0..15 {
                        let own = f64::from(u8::from(k == j / 5));
                        hessian[i][j] += 3.0 * w * p[k] * (own - p[j / 5]) * x[i % 5] * x[j % 5];
                    }
                }
            }
            for (l, w) in [(acc.loss, acc.weight), (slopes.loss, slopes.weight)] {
                prop_assert!((l - loss).abs() < 1e-9 && (w - weight).abs() < 1e-9);
            }
            let whole = acc.hessian(3.0);
            for (i, ((a, b), want)) in acc.gradient(3.0).iter().zip(slopes.gradient(3.0)).zip(&gradient).enumerate() {
                prop_assert!((a - want).abs() < 1e-8 && (b - want).abs() < 1e-8);
                for (a, want) in whole.row(i).iter().zip(&hessian[i]) {
                    prop_assert!((a - want).abs() < 1e-8, "row {}", i);
                }
            }
        }
    }
}
