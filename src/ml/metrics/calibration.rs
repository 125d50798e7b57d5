//! How often what is predicted with a probability comes true.

use super::labels::positives;
use super::sums::{Tally, Total, expect_rows};
use crate::base::{Error, Result};
use crate::ml::classes::Label;

/// Rows by the probability that was predicted for them, in the making; 8 bytes a bin and more.
#[derive(Clone, Debug)]
pub struct Calibration {
    /// The borders between bins: a probability belongs to the bin behind those that are below it.
    borders: Vec<f64>,
    bins: Vec<Bin>,
    nan: bool,
}

#[derive(Clone, Debug, Default)]
struct Bin {
    rows: Tally,
    positive: Tally,
    probability: Total,
}

/// The points of a calibration curve, by rising probability; bins without rows have none:
/// `sklearn.calibration.calibration_curve`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CalibrationCurve {
    /// The mean of the predicted probabilities of each bin.
    pub predicted: Vec<f64>,
    /// The share of positive rows of each bin.
    pub observed: Vec<f64>,
    /// The rows of each bin, or their weight.
    pub rows: Vec<f64>,
}

/// How wide the bins of a [`CalibrationCurve`] are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Bins {
    /// All the same.
    #[default]
    Uniform,
    /// So that there are about as many rows in each.
    Quantile,
}

/// The [`CalibrationCurve`] of labels, of which the greater is the positive one, and the probabilities of that.
///
/// ```
/// use partita::ml::metrics::{Bins, calibration_curve};
/// let truth = [0_i64, 0, 0, 0, 1, 1, 1, 1, 1];
/// let curve = calibration_curve(&truth, &[0.1, 0.2, 0.3, 0.4, 0.65, 0.7, 0.8, 0.9, 1.0], 3, Bins::Uniform)?;
/// assert_eq!(curve.observed, [0.0, 0.5, 1.0]);
/// assert_eq!(curve.rows, [3.0, 2.0, 4.0]);
/// # Ok::<(), partita::Error>(())
/// ```
///
/// # Errors
/// `Invalid` for no bins; `Model` if there are not as many probabilities as rows, for no rows, for a probability outside
/// 0…1, for more than two labels or one that is none, and as [`log_loss`](super::log_loss()) for one label alone.
pub fn calibration_curve<T: Label>(
    truth: &[T],
    probabilities: &[f64],
    bins: usize,
    widths: Bins,
) -> Result<CalibrationCurve> {
    expect_rows(truth.len(), probabilities.len(), None)?;
    if let Some(row) = probabilities.iter().position(|p| !(0.0..=1.0).contains(p)) {
        return Err(Error::model(format!("the probability {} in row {row}", probabilities[row])).doing("score"));
    }
    let mut calibration = match widths {
        Bins::Uniform => Calibration::new(bins)?,
        Bins::Quantile => {
            let mut sorted = probabilities.to_vec();
            sorted.sort_unstable_by(f64::total_cmp);
            Calibration::between((1..bins).map(|i| quantile(&sorted, i as f64 / bins as f64)).collect(), bins)?
        }
    };
    calibration.update(&positives(truth)?, probabilities, None)?;
    Ok(calibration.curve())
}

/// numpy's quantile, between the values next to it; 0 of no values.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let place = q * sorted.len().saturating_sub(1) as f64;
    let at = |i: usize| sorted.get(i).or(sorted.last()).copied().unwrap_or(0.0);
    let (a, b, t) = (at(place as usize), at(place as usize + 1), place.fract());
    if t >= 0.5 { b - (b - a) * (1.0 - t) } else { a + (b - a) * t }
}

impl Calibration {
    /// So many bins, all as wide.
    ///
    /// # Errors
    /// `Invalid` for no bins.
    pub fn new(bins: usize) -> Result<Calibration> {
        let width = 1.0 / bins as f64;
        Calibration::between((1..bins).map(|i| i as f64 * width).collect(), bins)
    }

    fn between(borders: Vec<f64>, bins: usize) -> Result<Calibration> {
        if bins == 0 {
            return Err(Error::invalid("a calibration curve of no bins").help("give 1 or more"));
        }
        Ok(Calibration { borders, bins: vec![Bin::default(); bins], nan: false })
    }

    /// Takes in rows: whether they are positive, the probability of that and, if they have them, their weights. A
    /// probability that is NaN or outside 0…1 makes all points NaN.
    ///
    /// # Errors
    /// `Model` if there are not as many of each, or for a weight that is negative or not finite.
    pub fn update(&mut self, positive: &[bool], probabilities: &[f64], weights: Option<&[f64]>) -> Result<()> {
        expect_rows(positive.len(), probabilities.len(), weights)?;
        for (row, (positive, &p)) in positive.iter().zip(probabilities).enumerate() {
            self.nan |= !(0.0..=1.0).contains(&p);
            let bin = &mut self.bins[self.borders.partition_point(|border| *border < p)];
            match weights {
                None => {
                    bin.rows.count(1);
                    bin.positive.count(u64::from(*positive));
                    bin.probability.add(p);
                }
                Some(weights) => {
                    bin.rows.weigh(weights[row]);
                    bin.positive.weigh(if *positive { weights[row] } else { 0.0 });
                    bin.probability.add(weights[row] * p);
                }
            }
        }
        Ok(())
    }

    /// Takes in the state of later rows.
    ///
    /// # Errors
    /// `Model` if it has other bins.
    pub fn merge(&mut self, later: Calibration) -> Result<()> {
        if later.borders != self.borders {
            return Err(Error::model(format!("{} bins here and {} there", self.bins.len(), later.bins.len())));
        }
        self.nan |= later.nan;
        for (ours, theirs) in self.bins.iter_mut().zip(later.bins) {
            ours.rows.merge(theirs.rows);
            ours.positive.merge(theirs.positive);
            ours.probability.merge(theirs.probability);
        }
        Ok(())
    }

    /// The points.
    pub fn curve(&self) -> CalibrationCurve {
        let mut curve = CalibrationCurve::default();
        for bin in self.bins.iter().filter(|bin| bin.rows.value() > 0.0) {
            let (rows, unknown) = (bin.rows.value(), if self.nan { f64::NAN } else { 1.0 });
            curve.predicted.push(bin.probability.value() / rows * unknown);
            curve.observed.push(bin.positive.value() / rows * unknown);
            curve.rows.push(rows);
        }
        curve
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_points_of_scikit_learn() {
        let truth = [0_i64, 0, 0, 0, 1, 1, 1, 1, 1];
        let p = [0.1, 0.2, 0.3, 0.4, 0.65, 0.7, 0.8, 0.9, 1.0];
        let curve = calibration_curve(&truth, &p, 3, Bins::Uniform).unwrap();
        let close = |a: &[f64], b: &[f64]| {
            assert!(a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-15), "{a:?} {b:?}");
        };
        close(&curve.predicted, &[0.2, 0.525, 0.85]);
        let curve = calibration_curve(&truth, &p, 4, Bins::Quantile).unwrap();
        close(&curve.predicted, &[0.20000000000000004, 0.525, 0.75, 0.95]);
        close(&curve.observed, &[0.0, 0.5, 1.0, 1.0]);
        assert!(calibration_curve(&truth, &p, 0, Bins::Uniform).is_err());
        assert!(calibration_curve(&truth, &[2.0; 9], 3, Bins::Uniform).is_err());
    }

    #[test]
    fn parts_are_the_whole() {
        let (truth, p, weights) = ([true, false, true], [0.2, 0.25, 0.9], [1.0, 3.0, 2.0]);
        let mut whole = Calibration::new(2).unwrap();
        whole.update(&truth, &p, Some(&weights)).unwrap();
        let mut parts = Calibration::new(2).unwrap();
        parts.update(&truth[..1], &p[..1], Some(&weights[..1])).unwrap();
        let mut later = Calibration::new(2).unwrap();
        later.update(&truth[1..], &p[1..], Some(&weights[1..])).unwrap();
        parts.merge(later).unwrap();
        assert_eq!(parts.curve(), whole.curve());
        assert_eq!(whole.curve().observed, [0.25, 1.0]);
        assert_eq!(whole.curve().rows, [4.0, 2.0]);
        assert!(parts.merge(Calibration::new(3).unwrap()).is_err());
        whole.update(&[true], &[f64::NAN], None).unwrap();
        assert!(whole.curve().observed[0].is_nan());
    }
}
