//! Symmetric square matrices, and their Cholesky factor.

use super::kernel::{add_scaled, dot, subtract_four};

/// A square matrix, row by row.
#[derive(Clone, Debug)]
pub(crate) struct Square {
    size: usize,
    cells: Vec<f64>,
}

/// What becomes of a row that depends on earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dependent {
    /// It is left out: its part of a solution is 0.
    Drop,
    /// It is taken as nearly dependent: a solution may go very far in the direction in which the matrix is flat.
    Follow,
}

/// Rows of the factor that are subtracted together.
const PANEL: usize = 4;

/// The upper triangle U of A = Uᵀ·U.
#[derive(Debug)]
pub(crate) struct Cholesky {
    factor: Square,
    dependent: Vec<bool>,
}

impl Square {
    /// All zeros.
    pub fn zeros(size: usize) -> Self {
        Square { size, cells: vec![0.0; size * size] }
    }

    /// The number of rows.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Row i.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.cells[i * self.size..(i + 1) * self.size]
    }

    /// Row i, to be written.
    pub fn row_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.cells[i * self.size..(i + 1) * self.size]
    }

    /// The cell of row i and column i.
    pub fn diagonal(&self, i: usize) -> f64 {
        self.cells[i * self.size + i]
    }

    /// The rows and columns at these positions.
    pub fn select(&self, at: &[usize]) -> Square {
        let mut selected = Square::zeros(at.len());
        for (i, &from) in at.iter().enumerate() {
            let row = self.row(from);
            selected.row_mut(i).iter_mut().zip(at).for_each(|(cell, &j)| *cell = row[j]);
        }
        selected
    }

    /// Adds to a cell of the diagonal.
    pub fn add_diagonal(&mut self, i: usize, value: f64) {
        self.cells[i * self.size + i] += value;
    }

    /// The factor of this matrix, which has to be symmetric and positive semidefinite; only its upper half is read.
    /// A row whose pivot is lost in the rounding of its diagonal depends on the earlier ones.
    pub fn cholesky(mut self, rule: Dependent) -> Cholesky {
        let n = self.size;
        let diagonal: Vec<f64> = (0..n).map(|i| self.diagonal(i)).collect();
        let mut dependent = vec![false; n];
        for first in (0..n).step_by(PANEL) {
            let (panel, below) = self.cells[first * n..].split_at_mut(n * PANEL.min(n - first));
            for i in 0..panel.len() / n {
                let (earlier, rows) = panel.split_at_mut(i * n);
                let (row, place) = (&mut rows[..n], first + i);
                for earlier in earlier.chunks_exact(n) {
                    add_scaled(&mut row[place..], -earlier[place], &earlier[place..]);
                }
                dependent[place] = close(row, place, diagonal[place], rule);
            }
            let mut rows = panel.chunks_exact(n);
            let (Some(a), Some(b), Some(c), Some(d)) = (rows.next(), rows.next(), rows.next(), rows.next()) else {
                break;
            };
            for (row, i) in below.chunks_exact_mut(n).zip(first + PANEL..) {
                subtract_four(&mut row[i..], [a[i], b[i], c[i], d[i]], [&a[i..], &b[i..], &c[i..], &d[i..]]);
            }
        }
        Cholesky { factor: self, dependent }
    }
}

/// Divides what is left of row i by the root of its pivot, and says whether the row is left out.
fn close(row: &mut [f64], i: usize, diagonal: f64, rule: Dependent) -> bool {
    let lost = 4.0 * f64::EPSILON * (row.len() as f64 + 8.0) * diagonal;
    let flat = row[i] <= lost || row[i].is_nan();
    if flat && (rule == Dependent::Drop || lost <= 0.0 || row[i].is_nan()) {
        row[i..].fill(0.0);
        return true;
    }
    let root = row[i].max(lost).sqrt();
    row[i] = root;
    row[i + 1..].iter_mut().for_each(|cell| *cell /= root);
    false
}

impl Cholesky {
    /// Solves A·x = b in place; x is 0 where a row depends on earlier ones.
    pub fn solve(&self, b: &mut [f64]) {
        let n = self.factor.size;
        for i in 0..n {
            let row = self.factor.row(i);
            let (done, rest) = b.split_at_mut(i + 1);
            done[i] = if self.dependent[i] { 0.0 } else { done[i] / row[i] };
            add_scaled(rest, -done[i], &row[i + 1..]);
        }
        for i in (0..n).rev() {
            let row = self.factor.row(i);
            b[i] = if self.dependent[i] { 0.0 } else { (b[i] - dot(&row[i + 1..], &b[i + 1..])) / row[i] };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// AᵀA + ridge·I of a matrix with these rows.
    fn gram(rows: &[Vec<f64>], ridge: f64) -> Square {
        let n = rows[0].len();
        let mut square = Square::zeros(n);
        for i in 0..n {
            for j in 0..n {
                square.row_mut(i)[j] = rows.iter().map(|r| r[i] * r[j]).sum::<f64>();
            }
            square.add_diagonal(i, ridge);
        }
        square
    }

    proptest! {
        #[test]
        fn the_solution_solves(
            rows in prop::collection::vec(prop::collection::vec(-1.0..1.0f64, 12), 20),
            b in prop::collection::vec(-1.0..1.0f64, 12),
        ) {
            let a = gram(&rows, 0.1);
            let mut x = b.clone();
            a.clone().cholesky(Dependent::Drop).solve(&mut x);
            for (i, b) in b.iter().enumerate() {
                prop_assert!((dot(a.row(i), &x) - b).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn dependent_rows_are_left_out() {
        // the third column is the sum of the other two
        let rows: Vec<Vec<f64>> = [(1.0, 2.0), (0.5, -1.0), (3.0, 0.25)].map(|(a, b)| vec![a, b, a + b]).to_vec();
        let a = gram(&rows, 0.0);
        let b = [dot(a.row(0), &[1.0, -2.0, 0.0]), dot(a.row(1), &[1.0, -2.0, 0.0]), dot(a.row(2), &[1.0, -2.0, 0.0])];
        let mut x = b;
        a.cholesky(Dependent::Drop).solve(&mut x);
        assert!((x[0] - 1.0).abs() < 1e-12 && (x[1] + 2.0).abs() < 1e-12 && x[2] == 0.0, "{x:?}");
    }
}
