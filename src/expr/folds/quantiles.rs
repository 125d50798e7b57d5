//! Where a quantile lies, and what it is between two order statistics: numpy's rule for `method="linear"`, to the bit.

use super::exact::Exact;
use super::number::Number;

/// What is known of a column, or of a group of it, in the end.
#[derive(Clone, Debug)]
pub struct Row {
    /// Count and exact sums.
    pub exact: Exact,
    /// Keys of the least and the greatest value.
    pub ends: Option<(u64, u64)>,
    /// The quantiles that were asked for; `None` where there are no values.
    pub spots: Vec<Option<Spot>>,
}

/// A quantile: the part `t` of the way from one order statistic to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    /// Key of the order statistic at or before it.
    pub lower: u64,
    /// Key of the next one.
    pub upper: u64,
    /// From 0 up to, but not including, 1.
    pub t: f64,
}

/// The ranks (from 0) of the two order statistics that quantile `q` of `n` values lies between, and the part of the way.
pub fn place(q: f64, n: u64) -> Option<(u64, u64, f64)> {
    let last = n.checked_sub(1)?;
    let index = last as f64 * q;
    if index >= last as f64 {
        return Some((last, last, 0.0));
    }
    let lower = index.floor();
    Some((lower as u64, (lower as u64 + 1).min(last), index - lower))
}

/// All ranks the quantiles need, in order, each once.
pub fn ranks_of(quantiles: &[f64], n: u64) -> Vec<u64> {
    let mut ranks: Vec<u64> =
        quantiles.iter().filter_map(|q| place(*q, n)).flat_map(|(lower, upper, _)| [lower, upper]).collect();
    ranks.sort_unstable();
    ranks.dedup();
    ranks
}

impl Spot {
    /// The quantile as a number: `a + (b − a)·t`, from t = ½ on `b − (b − a)·(1 − t)`; `b − a` in single precision where the
    /// column is. Next to an infinity that is NaN, as in pandas.
    pub fn float<N: Number>(&self, single: bool) -> f64 {
        let (a, b) = (N::of_key(self.lower), N::of_key(self.upper));
        let distance = if single { f64::from(b.float() as f32 - a.float() as f32) } else { N::distance(a, b) };
        if self.t >= 0.5 { b.float() - distance * (1.0 - self.t) } else { a.float() + distance * self.t }
    }

    /// The quantile of whole numbers (dates, times), without its fraction. Beyond 2⁵³, where pandas loses the last digits, they are
    /// kept.
    pub fn whole(&self) -> i64 {
        let (a, b) = (i64::of_key(self.lower), i64::of_key(self.upper));
        const EXACT: u64 = 1 << 53;
        if a.unsigned_abs() <= EXACT && b.unsigned_abs() <= EXACT {
            return self.float::<i64>(false) as i64;
        }
        let way = i64::distance(a, b) * self.t;
        (i128::from(a) + way as i128).min(i128::from(b)) as i64
    }
}

/// The label of a percentile: `25%`, `99.9%`.
pub fn label(q: f64) -> String {
    let percent = q * 100.0;
    (0..16)
        .map(|digits| format!("{percent:.digits$}"))
        .find(|text| text.parse::<f64>().is_ok_and(|p| (p - percent).abs() <= percent.abs() * 4.0 * f64::EPSILON))
        .unwrap_or_else(|| percent.to_string())
        + "%"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantile(values: &[f64], q: f64) -> f64 {
        let (lower, upper, t) = place(q, values.len() as u64).unwrap();
        Spot { lower: values[lower as usize].key(), upper: values[upper as usize].key(), t }.float::<f64>(false)
    }

    #[test]
    fn the_rule_is_that_of_numpy() {
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.25), 1.75);
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.5), 2.5);
        assert_eq!(quantile(&[7.0], 0.3), 7.0);
        // the lower form would give 0.7000000000000001 and 0.30000000000000004
        assert_eq!(quantile(&[0.1, 0.9], 0.75), 0.9 - 0.8 * 0.25);
        assert_eq!(quantile(&[1.0, 2.0, f64::INFINITY], 0.25), 1.5);
        assert_eq!(quantile(&[1.0, 2.0, f64::INFINITY], 0.6), f64::INFINITY);
        assert!(quantile(&[1.0, 2.0, f64::INFINITY], 0.5).is_nan());
        assert!(quantile(&[1.0, 2.0, f64::INFINITY], 1.0).is_nan());
        assert_eq!(place(0.5, 0), None);
    }

    #[test]
    fn bits_are_those_of_pandas() {
        let mut values = [-8.019, -13.244, -2.484, 4.204, 11.36, 1.097, -5.526, -7.848, 7.487, 16.348, 2.728];
        values.sort_by(f64::total_cmp);
        let wanted = [
            (0.07, -9.5865),
            (0.1, -8.019),
            (0.25, -6.686999999999999),
            (1.0 / 3.0, -4.5120000000000005),
            (0.5, 1.097),
            (0.9, 11.36),
            (0.95, 13.854),
        ];
        for (q, value) in wanted {
            assert_eq!(quantile(&values, q).to_bits(), f64::to_bits(value), "{q}");
        }
        let spot = Spot { lower: f64::from(0.1f32).key(), upper: f64::from(0.2f32).key(), t: 0.6 };
        assert_eq!(spot.float::<f64>(true), 0.1600000023841858);
    }

    #[test]
    fn whole_quantiles_keep_their_digits() {
        let spot = |a: i64, b: i64, t| Spot { lower: a.key(), upper: b.key(), t }.whole();
        assert_eq!(spot(10, 13, 0.5), 11);
        assert_eq!(spot(-13, -10, 0.5), -11);
        let late = 1_700_000_000_123_456_789;
        assert_eq!(spot(late, late, 0.25), late);
        assert_eq!(spot(late, late + 8, 0.25), late + 2);
    }

    #[test]
    fn labels_are_short() {
        let labels: Vec<String> = [0.25, 0.5, 0.07, 0.999, 0.0, 1.0, 1.0 / 3.0].iter().map(|q| label(*q)).collect();
        assert_eq!(labels[..6], ["25%", "50%", "7%", "99.9%", "0%", "100%"]);
        assert!(labels[6].starts_with("33.33333333"), "{}", labels[6]);
    }
}
