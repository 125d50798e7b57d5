//! The distribution of a column: counted exactly while its distinct values are few, else summed up exactly and sketched.

use super::counts::Counts;
use super::exact::{Exact, Sums};
use super::number::Number;
use super::quantiles::{Row, Spot, place, ranks_of};
use super::search::{Bounds, Search};
use super::sketch::Sketch;
use super::state::Accumulator;

/// All that is needed for exact quantiles and, with `SUMS`, exact moments.
#[derive(Debug)]
pub struct Distribution<N: Number, const SUMS: bool> {
    form: Form<N>,
    bounds: Bounds,
}

#[derive(Debug)]
enum Form<N: Number> {
    /// Few distinct values: one pass is enough.
    Counted(Counts<N>),
    /// Many: Σx and Σx², and brackets of all quantiles, which later passes will find.
    Streamed(N::Sums, Sketch),
}

impl<N: Number, const SUMS: bool> Distribution<N, SUMS> {
    /// The distribution of nothing.
    pub fn new(bounds: Bounds) -> Self {
        Distribution { form: Form::Counted(Counts::default()), bounds }
    }

    /// Pours the counts into sums and sketch; the results stay the same, to the bit.
    fn pour(&mut self) {
        let Form::Counted(counts) = &self.form else { return };
        let (mut sums, mut sketch) = (N::Sums::default(), Sketch::learning(self.bounds.keys, N::DIVIDES));
        for (key, count) in counts.sorted() {
            sketch.add(key, count);
            if SUMS {
                sums.add_times(N::of_key(key), count);
            }
        }
        sketch.thin();
        self.form = Form::Streamed(sums, sketch);
    }

    fn pour_if_large(&mut self) {
        if matches!(&self.form, Form::Counted(counts) if counts.rare() > self.bounds.counted) {
            self.pour();
        }
    }

    /// What is known of the column (sums, and the keys of its ends), and the search for the order statistics of `quantiles`.
    pub fn finish(self, quantiles: &[f64]) -> (Exact, Option<(u64, u64)>, Search) {
        match self.form {
            Form::Counted(counts) => {
                let sorted = counts.sorted();
                let exact = exact_of_counts::<N, SUMS>(&sorted);
                let ends = sorted.first().zip(sorted.last()).map(|(a, b)| (a.0, b.0));
                let ranks = ranks_of(quantiles, exact.n);
                (exact, ends, Search::counted(ranks, &sorted))
            }
            Form::Streamed(sums, mut sketch) => {
                let exact = if SUMS { sums.exact() } else { Exact::of_count(sketch.n()) };
                let ranks = ranks_of(quantiles, sketch.n());
                (exact, sketch.ends(), Search::bracketed(ranks, &mut sketch, self.bounds))
            }
        }
    }
}

impl<N: Number, const SUMS: bool> Accumulator<N> for Distribution<N, SUMS> {
    fn add_all(&mut self, mut values: &[N]) {
        // so that a huge batch cannot grow the counts beyond their bound
        const PIECE: usize = 1 << 15;
        while !values.is_empty() {
            let (piece, rest) = values.split_at(values.len().min(PIECE));
            match &mut self.form {
                Form::Counted(counts) => counts.add_all(piece),
                Form::Streamed(sums, sketch) => {
                    if SUMS {
                        sums.add_all(piece);
                    }
                    sketch.extend(piece.iter().filter(|v| !v.is_nan()).map(|v| v.key()));
                }
            }
            self.pour_if_large();
            values = rest;
        }
    }

    fn merge(&mut self, mut later: Self) {
        if let (Form::Counted(ours), Form::Counted(theirs)) = (&mut self.form, &mut later.form) {
            ours.merge(std::mem::take(theirs));
            return self.pour_if_large();
        }
        self.pour();
        later.pour();
        if let (Form::Streamed(sums, sketch), Form::Streamed(their_sums, theirs)) = (&mut self.form, later.form) {
            sums.merge(their_sums);
            sketch.merge(theirs);
        }
    }

    fn bytes(&self) -> usize {
        match &self.form {
            Form::Counted(counts) => counts.bytes(),
            Form::Streamed(sums, sketch) => sums.bytes() + sketch.bytes(),
        }
    }
}

/// Exact sums of counted keys.
fn exact_of_counts<N: Number, const SUMS: bool>(sorted: &[(u64, u64)]) -> Exact {
    if !SUMS {
        return Exact::of_count(sorted.iter().map(|(_, count)| count).sum());
    }
    let mut sums = N::Sums::default();
    for (key, count) in sorted {
        sums.add_times(N::of_key(*key), *count);
    }
    sums.exact()
}

/// The row of a group from its counted keys, in order.
pub fn row_of_counts<N: Number, const SUMS: bool>(sorted: &[(u64, u64)], quantiles: &[f64]) -> Row {
    let exact = exact_of_counts::<N, SUMS>(sorted);
    let ends = sorted.first().zip(sorted.last()).map(|(a, b)| (a.0, b.0));
    let search = Search::counted(ranks_of(quantiles, exact.n), sorted);
    let spots = quantiles.iter().map(|q| spot(&search, *q, exact.n)).collect();
    Row { exact, ends, spots }
}

/// The two order statistics a quantile lies between, once they are found.
pub fn spot(search: &Search, quantile: f64, n: u64) -> Option<Spot> {
    let (lower, upper, t) = place(quantile, n)?;
    Some(Spot { lower: search.key(lower)?, upper: search.key(upper)?, t })
}
