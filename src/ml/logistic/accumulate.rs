//! One pass over the data: loss, gradient and exact Hessian of the logistic loss, block by block.
//!
//! A row has its numeric values, the constant 1 of the intercept, and one code per categorical column. So its part of
//! the Hessian touches (p+1)²/2 + C·(p+1) + C²/2 cells however many one-hot features there are, about 2.5 times the work
//! of a gradient. The sums are additive: what blocks give is merged in the order of the blocks.

use std::ops::Range;

use super::kernel::{add_scaled, dot, logistic, sum, weighted_logistic};
use super::newton::Curved;
use super::square::Square;
use crate::ml::design::{Block, Layout};

/// Rows handled together in the cache.
pub(crate) const STRIP: usize = 512;

/// Where the sums of a layout stand in one long vector, and where its parameters stand in the solver's order: numeric
/// coefficients, intercept, coefficients of the one-hot features.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// Numeric features.
    pub numeric: usize,
    /// Features of each one-hot block.
    pub widths: Vec<usize>,
    /// Length of the row of sums that belongs to one category: w·x₁ … w·x_p, w, residual; filled up to whole vectors.
    stride: usize,
    /// Start of the sums of each one-hot block.
    crosses: Vec<usize>,
    /// Start of the co-occurrence table of each pair of one-hot blocks, as (first, second, start).
    pairs: Vec<(usize, usize, usize)>,
    /// Length of the whole vector.
    len: usize,
}

impl Geometry {
    /// The geometry of a layout.
    pub fn new(layout: &Layout) -> Self {
        let numeric = layout.numeric().len();
        let widths: Vec<usize> = layout.one_hot().iter().map(|b| b.features.len()).collect();
        let stride = (numeric + 2).next_multiple_of(4);
        let dense = numeric + 1;
        let mut len = dense + dense * dense;
        let mut place = |cells: usize| {
            len += cells;
            len - cells
        };
        // one category more than there are takes the rows that belong to none, so that the loops need no branch
        let crosses = widths.iter().map(|w| place((w + 1) * stride)).collect();
        let mut pairs = Vec::new();
        for b in 1..widths.len() {
            for a in 0..b {
                pairs.push((a, b, place((widths[a] + 1) * (widths[b] + 1))));
            }
        }
        Geometry { numeric, widths, stride, crosses, pairs, len }
    }

    /// The most features of a row that are not 0, the constant among them.
    pub fn entries(&self) -> usize {
        self.numeric + 1 + self.widths.len()
    }

    /// The number of parameters, with the intercept.
    pub fn parameters(&self) -> usize {
        self.numeric + 1 + self.widths.iter().sum::<usize>()
    }

    /// The number of sums.
    pub fn sums(&self) -> usize {
        self.len
    }

    /// Where the parameters of one-hot block `block` begin.
    fn first(&self, block: usize) -> usize {
        self.numeric + 1 + self.widths[..block].iter().sum::<usize>()
    }
}

/// A parameter vector, made ready for a pass.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    /// Subtracted from each numeric column, so that columns far from 0 do not spoil the Hessian.
    shift: Vec<f64>,
    /// Numeric coefficients.
    numeric: Vec<f64>,
    /// Intercept, for shifted columns.
    intercept: f64,
    /// Coefficients of each one-hot block, and a 0 for the rows that belong to no category.
    tables: Vec<Vec<f64>>,
    /// Multiplies the weights of the rows of each class.
    by_class: Option<[f64; 2]>,
}

impl Point {
    /// The point at `beta` (in the solver's order, for shifted columns).
    pub fn new(geometry: &Geometry, shift: &[f64], beta: &[f64]) -> Self {
        let (numeric, rest) = beta.split_at(geometry.numeric);
        let tables = (0..geometry.widths.len()).map(|b| {
            let first = geometry.first(b);
            let mut table = beta[first..first + geometry.widths[b]].to_vec();
            table.push(0.0);
            table
        });
        let (shift, numeric) = (shift.to_vec(), numeric.to_vec());
        Point { shift, numeric, intercept: rest[0], tables: tables.collect(), by_class: None }
    }

    /// What is subtracted from each numeric column.
    pub fn shift(&self) -> &[f64] {
        &self.shift
    }

    /// The same point, where each row's weight is multiplied by the factor of its class.
    pub fn weighing(mut self, by_class: Option<[f64; 2]>) -> Self {
        self.by_class = by_class;
        self
    }

    /// The weights of rows `range` of a block; `None` if all are 1.
    pub fn weights<'a>(
        &self,
        block: &Block<'a>,
        y: &[bool],
        range: Range<usize>,
        buffer: &'a mut [f64],
    ) -> Option<&'a [f64]> {
        let own = block.weights.map(|w| &w[range.clone()]);
        let Some(factors) = self.by_class else { return own };
        let buffer = &mut buffer[..range.len()];
        let labels = &y[range];
        buffer.iter_mut().zip(labels).for_each(|(weight, y)| *weight = factors[usize::from(*y)]);
        if let Some(own) = own {
            buffer.iter_mut().zip(own).for_each(|(weight, own)| *weight *= own);
        }
        Some(buffer)
    }

    /// The margins x·w + b of rows `range` of a block.
    pub fn margins(&self, block: &Block<'_>, range: Range<usize>, z: &mut Vec<f64>) {
        z.clear();
        z.resize(range.len(), self.intercept);
        for ((x, shift), w) in block.numeric.iter().zip(&self.shift).zip(&self.numeric) {
            if *w != 0.0 {
                z.iter_mut().zip(&x[range.clone()]).for_each(|(z, x)| *z += w * (x - shift));
            }
        }
        for (codes, table) in block.codes.iter().zip(&self.tables) {
            for (z, code) in z.iter_mut().zip(&codes[range.clone()]) {
                *z += table[*code as usize];
            }
        }
    }
}

/// What a pass gathers: number and weight of the rows, loss, gradient and Hessian at a point. Merged in the order of the
/// blocks.
#[derive(Clone, Debug)]
pub(crate) struct Acc {
    geometry: Geometry,
    /// Rows seen.
    pub rows: u64,
    /// The sum of their weights.
    pub weight: f64,
    /// Σ log(1 + eᶻ) − y·z, each row times its weight.
    pub loss: f64,
    sums: Vec<f64>,
}

/// Buffers of one strip of at most [`STRIP`] rows.
pub(crate) struct Strip {
    z: Vec<f64>,
    pub residual: Vec<f64>,
    pub curvature: Vec<f64>,
    weights: Vec<f64>,
    /// Shifted numeric columns, one after the other.
    x: Vec<f64>,
    /// One numeric column times the curvature.
    wx: Vec<f64>,
    /// Row by row: w·x₁ … w·x_p, w, residual.
    by_row: Vec<f64>,
}

/// Loss, gradient and Hessian of the rows of one block at a point.
pub(crate) fn accumulate(geometry: &Geometry, block: &Block<'_>, y: &[bool], point: &Point) -> Acc {
    let mut acc = Acc { rows: block.rows as u64, ..Acc::empty(geometry) };
    let mut strip = Strip::new(geometry);
    for start in (0..block.rows).step_by(STRIP) {
        let range = start..(start + STRIP).min(block.rows);
        let rows = range.len();
        point.margins(block, range.clone(), &mut strip.z);
        let (residual, curvature) = (&mut strip.residual[..rows], &mut strip.curvature[..rows]);
        match point.weights(block, y, range.clone(), &mut strip.weights) {
            None => {
                acc.weight += rows as f64;
                acc.loss += logistic(&strip.z, &y[range.clone()], residual, curvature);
            }
            Some(weights) => {
                acc.weight += sum(weights);
                acc.loss += weighted_logistic(&strip.z, &y[range.clone()], weights, residual, curvature);
            }
        }
        acc.add(block, range, &point.shift, &mut strip);
    }
    acc
}

impl Strip {
    /// Buffers for rows of a geometry.
    pub fn new(geometry: &Geometry) -> Self {
        Strip {
            z: Vec::with_capacity(STRIP),
            residual: vec![0.0; STRIP],
            curvature: vec![0.0; STRIP],
            weights: vec![0.0; STRIP],
            x: vec![0.0; STRIP * geometry.numeric],
            wx: vec![0.0; STRIP],
            by_row: vec![0.0; if geometry.widths.is_empty() { 0 } else { STRIP * geometry.stride }],
        }
    }
}

impl Acc {
    /// Nothing seen yet.
    pub fn empty(geometry: &Geometry) -> Self {
        Acc { geometry: geometry.clone(), rows: 0, weight: 0.0, loss: 0.0, sums: vec![0.0; geometry.len] }
    }

    /// Takes in the rows that follow.
    pub fn merge(&mut self, other: &Acc) {
        self.rows += other.rows;
        self.weight += other.weight;
        self.loss += other.loss;
        self.sums.iter_mut().zip(&other.sums).for_each(|(a, b)| *a += b);
    }

    /// Gradient and Hessian of rows `range` of a block, whose residuals and curvatures are in `strip`.
    pub(crate) fn add(&mut self, block: &Block<'_>, range: Range<usize>, shift: &[f64], strip: &mut Strip) {
        self.add_dense(block, range.clone(), shift, strip);
        if !self.geometry.widths.is_empty() {
            self.add_categories(block, range, strip);
        }
    }

    /// Numeric features and intercept among themselves.
    fn add_dense(&mut self, block: &Block<'_>, range: Range<usize>, shift: &[f64], strip: &mut Strip) {
        let (p, rows, stride) = (self.geometry.numeric, range.len(), self.geometry.stride);
        let residual = &strip.residual[..rows];
        let curvature = &strip.curvature[..rows];
        for (j, (column, shift)) in block.numeric.iter().zip(shift).enumerate() {
            let x = &mut strip.x[j * STRIP..j * STRIP + rows];
            x.iter_mut().zip(&column[range.clone()]).for_each(|(x, value)| *x = value - shift);
        }
        let (gradient, hessian) = self.sums.split_at_mut(p + 1);
        for j in 0..p {
            let x = &strip.x[j * STRIP..j * STRIP + rows];
            let wx = &mut strip.wx[..rows];
            wx.iter_mut().zip(x).zip(curvature).for_each(|((wx, x), w)| *wx = w * x);
            gradient[j] += dot(residual, x);
            let line = &mut hessian[j * (p + 1)..(j + 1) * (p + 1)];
            for (k, cell) in line[j..p].iter_mut().enumerate() {
                *cell += dot(wx, &strip.x[(j + k) * STRIP..][..rows]);
            }
            line[p] += sum(wx);
            strip.by_row.iter_mut().skip(j).step_by(stride).zip(wx).for_each(|(cell, wx)| *cell = *wx);
        }
        gradient[p] += sum(residual);
        hessian[p * (p + 1) + p] += sum(curvature);
        let constants = curvature.iter().zip(residual);
        strip.by_row.chunks_exact_mut(stride).zip(constants).for_each(|(row, (w, r))| {
            row[p] = *w;
            row[p + 1] = *r;
        });
    }

    /// Categories with the numeric features and among themselves. The sums of a category with the constant are its
    /// diagonal.
    fn add_categories(&mut self, block: &Block<'_>, range: Range<usize>, strip: &Strip) {
        let Acc { geometry, sums, .. } = self;
        let stride = geometry.stride;
        for ((codes, start), width) in block.codes.iter().zip(&geometry.crosses).zip(&geometry.widths) {
            let table = &mut sums[*start..start + (width + 1) * stride];
            for (code, row) in codes[range.clone()].iter().zip(strip.by_row.chunks_exact(stride)) {
                let cell = &mut table[*code as usize * stride..][..stride];
                for (cells, values) in cell.as_chunks_mut::<4>().0.iter_mut().zip(row.as_chunks::<4>().0) {
                    for i in 0..4 {
                        cells[i] += values[i];
                    }
                }
            }
        }
        for (a, b, start) in &geometry.pairs {
            let width = geometry.widths[*b] + 1;
            let table = &mut sums[*start..start + (geometry.widths[*a] + 1) * width];
            let codes = block.codes[*a][range.clone()].iter().zip(&block.codes[*b][range.clone()]);
            for ((a, b), w) in codes.zip(&strip.curvature) {
                table[*a as usize * width + *b as usize] += w;
            }
        }
    }

    /// The gradient times `c`, in the solver's order.
    pub fn gradient(&self, c: f64) -> Vec<f64> {
        let g = &self.geometry;
        let mut gradient: Vec<f64> = self.sums[..=g.numeric].iter().map(|s| c * s).collect();
        for (start, width) in g.crosses.iter().zip(&g.widths) {
            let table = &self.sums[*start..start + width * g.stride];
            gradient.extend(table.chunks_exact(g.stride).map(|row| c * row[g.numeric + 1]));
        }
        gradient
    }

    /// The Hessian times `c`, in the solver's order, both halves filled.
    pub fn hessian(&self, c: f64) -> Square {
        let g = &self.geometry;
        let dense = g.numeric + 1;
        let mut hessian = Square::zeros(g.parameters());
        let mut set = |i: usize, j: usize, value: f64| {
            hessian.row_mut(i)[j] = value;
            hessian.row_mut(j)[i] = value;
        };
        for i in 0..dense {
            for j in i..dense {
                set(i, j, c * self.sums[dense + i * dense + j]);
            }
        }
        for (block, (start, width)) in g.crosses.iter().zip(&g.widths).enumerate() {
            let first = g.first(block);
            for (category, row) in self.sums[*start..start + width * g.stride].chunks_exact(g.stride).enumerate() {
                for (j, value) in row[..dense].iter().enumerate() {
                    set(j, first + category, c * value);
                }
                set(first + category, first + category, c * row[g.numeric]);
            }
        }
        for (a, b, start) in &g.pairs {
            let (first_a, first_b, width) = (g.first(*a), g.first(*b), g.widths[*b]);
            let table = &self.sums[*start..start + g.widths[*a] * (width + 1)];
            for (i, row) in table.chunks_exact(width + 1).enumerate() {
                for (j, value) in row[..width].iter().enumerate() {
                    set(first_a + i, first_b + j, c * value);
                }
            }
        }
        hessian
    }
}

impl Curved for Acc {
    fn loss(&self) -> f64 {
        self.loss
    }

    fn weight(&self) -> f64 {
        self.weight
    }

    fn gradient(&self, c: f64) -> Vec<f64> {
        Acc::gradient(self, c)
    }

    fn hessian(&self, c: f64) -> Square {
        Acc::hessian(self, c)
    }
}

/// Adds `factor` times the shift of the numeric columns to the intercept: from shifted columns to the user's (−1) and
/// back (+1).
pub(crate) fn move_intercept(geometry: &Geometry, shift: &[f64], beta: &mut [f64], factor: f64) {
    let offset = dot(&beta[..geometry.numeric], shift);
    add_scaled(&mut beta[geometry.numeric..=geometry.numeric], factor, &[offset]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::design::{Design, OneHotBlock};
    use proptest::prelude::*;

    fn design(rows: &[(f64, f64, u32, u32)]) -> Design {
        let block = |name: &str, width: u32| OneHotBlock {
            column: name.into(),
            features: (0..width).map(|i| format!("{name}_{i}")).collect(),
        };
        Design::with_rows(rows.len())
            .numeric("x", rows.iter().map(|r| r.0).collect())
            .unwrap()
            .numeric("y", rows.iter().map(|r| r.1).collect())
            .unwrap()
            .one_hot(block("a", 3), rows.iter().map(|r| r.2).collect(), false)
            .unwrap()
            .one_hot(block("b", 2), rows.iter().map(|r| r.3).collect(), false)
            .unwrap()
    }

    /// The sums of all rows at a point, two blocks.
    fn sums_of(design: &Design, y: &[bool], beta: &[f64], by_class: Option<[f64; 2]>) -> Acc {
        let geometry = Geometry::new(design.layout());
        let point = Point::new(&geometry, &[0.25, 7.0], beta).weighing(by_class);
        let mut acc = Acc::empty(&geometry);
        for (i, block) in design.blocks(700).enumerate() {
            acc.merge(&accumulate(&geometry, &block, &y[i * 700..], &point));
        }
        acc
    }

    fn expect_close(a: &Acc, b: &Acc) {
        assert!((a.weight - b.weight).abs() < 1e-9 && (a.loss - b.loss).abs() < 1e-9, "{a:?} {b:?}");
        assert!(a.sums.iter().zip(&b.sums).all(|(a, b)| (a - b).abs() < 1e-8), "{a:?} {b:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_weight_is_how_often_a_row_is_there(
            rows in prop::collection::vec((-2.0..2.0f64, 5.0..9.0f64, 0..4u32, 0..3u32, 0..4u8), 1..900),
            beta in prop::collection::vec(-1.0..1.0f64, 8),
        ) {
            let plain: Vec<_> = rows.iter().map(|r| (r.0, r.1, r.2, r.3)).collect();
            let label = |i: usize| i.is_multiple_of(3);
            let times: Vec<usize> = (0..rows.len()).flat_map(|i| std::iter::repeat_n(i, rows[i].4.into())).collect();
            let y: Vec<bool> = (0..rows.len()).map(label).collect();
            let repeated: Vec<bool> = times.iter().map(|i| label(*i)).collect();
            let weighted = design(&plain).weights(rows.iter().map(|r| f64::from(r.4)).collect()).unwrap();
            let written = design(&plain).take(&times);
            expect_close(&sums_of(&weighted, &y, &beta, None), &sums_of(&written, &repeated, &beta, None));
            // factors of classes multiply the weights
            let factors = [0.5, 3.0];
            let both = rows.iter().zip(&y).map(|(r, y)| f64::from(r.4) * factors[usize::from(*y)]).collect();
            let all = sums_of(&design(&plain).weights(both).unwrap(), &y, &beta, None);
            expect_close(&sums_of(&weighted, &y, &beta, Some(factors)), &all);
        }

        #[test]
        fn the_structured_sums_are_the_dense_ones(
            rows in prop::collection::vec((-2.0..2.0f64, 5.0..9.0f64, 0..4u32, 0..3u32), 1..1200),
            beta in prop::collection::vec(-1.0..1.0f64, 8),
        ) {
            let design = design(&rows);
            let y: Vec<bool> = (0..rows.len()).map(|i| i % 3 == 0).collect();
            let shift = [0.25, 7.0];
            let geometry = Geometry::new(design.layout());
            let point = Point::new(&geometry, &shift, &beta);
            let mut acc = Acc::empty(&geometry);
            for (i, block) in design.blocks(700).enumerate() {
                acc.merge(&accumulate(&geometry, &block, &y[i * 700..], &point));
            }
            // the slow twin: dense rows in the solver's order
            let dense = design.to_dense();
            let (mut loss, mut gradient, mut hessian) = (0.0, vec![0.0; 8], vec![vec![0.0; 8]; 8]);
            for (row, y) in dense.rows().into_iter().zip(&y) {
                let x: Vec<f64> = [row[0] - 0.25, row[1] - 7.0, 1.0].into_iter().chain(row.iter().skip(2).copied()).collect();
                let z: f64 = x.iter().zip(&beta).map(|(x, b)| x * b).sum();
                let p = 1.0 / (1.0 + (-z).exp());
                let t = f64::from(u8::from(*y));
                loss += z.exp().ln_1p() - t * z;
                for (i, line) in hessian.iter_mut().enumerate() {
                    gradient[i] += 2.0 * (p - t) * x[i];
                    line.iter_mut().zip(&x).for_each(|(cell, xj)| *cell += 2.0 * p * (1.0 - p) * x[i] * xj);
                }
            }
            prop_assert_eq!(acc.rows, rows.len() as u64);
            prop_assert!((acc.loss - loss).abs() < 1e-9);
            let (g, h) = (acc.gradient(2.0), acc.hessian(2.0));
            for (i, line) in hessian.iter().enumerate() {
                prop_assert!((g[i] - gradient[i]).abs() < 1e-9);
                for (a, b) in h.row(i).iter().zip(line) {
                    prop_assert!((a - b).abs() < 1e-9, "row {}", i);
                }
            }
        }
    }
}
