//! A running sum of floating numbers without an error.

use crate::expr::folds::{Accumulator, FloatSums, Sums};

/// The exact sum of all numbers so far, as few numbers that do not overlap, from the smallest to the largest: their sum
/// is that of all, and it is rounded whenever it is asked for. (J. R. Shewchuk, *Adaptive precision floating-point
/// arithmetic and fast robust geometric predicates*, 1997; Python's `math.fsum` is the same.)
#[derive(Clone, Debug, Default)]
pub struct Partials {
    parts: Vec<f64>,
    infinite: (bool, bool),
    /// Where numbers came near the largest there are: sums that go beyond them and may come back.
    wide: Option<Box<FloatSums<false>>>,
}

/// Below this nothing overflows on the way.
const NEAR_THE_END: f64 = f64::MAX / 8.0;

/// a + b as the nearest number and what is missing to the sum.
#[inline]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let from_b = sum - a;
    (sum, (a - (sum - from_b)) + (b - from_b))
}

impl Partials {
    /// Goes on from exact sums.
    pub fn after(sums: &FloatSums<false>) -> Partials {
        let mut rest = sums.clone();
        let exact = rest.exact();
        let mut partials = Partials { infinite: exact.infinite, ..Partials::default() };
        // the sum of the finite numbers, part by part
        let finite = |sums: &FloatSums<false>| {
            let exact = crate::expr::folds::Exact { infinite: (false, false), ..sums.exact() };
            exact.sum()
        };
        let mut part = finite(&rest);
        if part.abs() > NEAR_THE_END {
            partials.wide = Some(Box::new(sums.clone()));
            return partials;
        }
        while part != 0.0 {
            partials.parts.push(part);
            rest.add_times(-part, 1);
            part = finite(&rest);
        }
        partials.parts.reverse();
        partials
    }

    /// Adds a number that is not NaN.
    #[inline]
    pub fn add(&mut self, value: f64) {
        if value.is_infinite() {
            self.infinite.0 |= value > 0.0;
            self.infinite.1 |= value < 0.0;
            return;
        }
        let top = self.parts.last().copied().unwrap_or(0.0);
        if self.wide.is_some() || value.abs() > NEAR_THE_END || top.abs() > NEAR_THE_END {
            return self.add_wide(value);
        }
        let (mut carried, mut kept) = (value, 0);
        for i in 0..self.parts.len() {
            let (sum, rest) = two_sum(carried, self.parts[i]);
            if rest != 0.0 {
                self.parts[kept] = rest;
                kept += 1;
            }
            carried = sum;
        }
        self.parts.truncate(kept);
        self.parts.push(carried);
    }

    #[cold]
    fn add_wide(&mut self, value: f64) {
        let parts = std::mem::take(&mut self.parts);
        let wide = self.wide.get_or_insert_default();
        wide.add_all(&parts);
        wide.add_times(value, 1);
    }

    /// The sum, rounded once.
    #[inline]
    pub fn value(&self) -> f64 {
        match self.infinite {
            (true, true) => return f64::NAN,
            (true, false) => return f64::INFINITY,
            (false, true) => return f64::NEG_INFINITY,
            (false, false) => {}
        }
        if let Some(wide) = &self.wide {
            return wide.exact().sum();
        }
        let mut below = self.parts.iter().rev();
        let mut sum = below.next().copied().unwrap_or(0.0);
        while let Some(&part) = below.next() {
            let (rounded, rest) = two_sum(sum, part);
            sum = rounded;
            if rest != 0.0 {
                // half of the last bit was rounded to even, and there is more in that direction
                if below.next().is_some_and(|more| (*more < 0.0) == (rest < 0.0)) {
                    let twice = rest * 2.0;
                    let up = sum + twice;
                    if up - sum == twice {
                        sum = up;
                    }
                }
                break;
            }
        }
        // −0.0 is 0.0
        sum + 0.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_value() -> impl Strategy<Value = f64> {
        prop_oneof![
            8 => -1e3..1e3f64,
            2 => any::<f64>().prop_filter("not NaN", |v| !v.is_nan()),
            1 => prop::sample::select(vec![0.0, -0.0, 5e-324, -1e-310, f64::MAX, f64::MIN, 1e16, 1.0, -1e16]),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn every_prefix_has_the_bits_of_the_exact_sum(values in prop::collection::vec(any_value(), 0..60), cut in 0usize..60) {
            let mut sums = FloatSums::<false>::default();
            let mut partials = Partials::default();
            for (i, &value) in values.iter().enumerate() {
                if i == cut {
                    partials = Partials::after(&sums);
                }
                sums.add_times(value, 1);
                partials.add(value);
                let (a, b) = (partials.value(), sums.exact().sum());
                prop_assert!(a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(), "{a} {b} {values:?}");
            }
        }
    }
}
