//! Errors of predicted numbers.

use super::sums::{Mean, Spread, expect_rows};
use crate::base::{Error, Result};

/// What all scores of predicted numbers are made from: scikit-learn's regression metrics in one state.
///
/// A truth or a prediction that is NaN makes all of them NaN.
///
/// ```
/// use partita::ml::metrics::Residuals;
/// let residuals = Residuals::of(&[3.0, -0.5, 2.0, 7.0], &[2.5, 0.0, 2.0, 8.0])?;
/// assert_eq!(residuals.mean_absolute_error(), 0.5);
/// assert_eq!(residuals.mean_squared_error(), 0.375);
/// assert!((residuals.r2() - 0.9486081370449679).abs() < 1e-15);
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Residuals {
    absolute: Mean,
    squared: Mean,
    max: f64,
    /// Of the truth, and of what prediction leaves of it.
    spreads: [Spread; 2],
}

/// The share of the variance that the predictions explain, measured by the squared errors: `sklearn.metrics.r2_score`.
/// NaN of fewer than two rows. Of constant truth it is 1 if it is predicted exactly, else 0.
///
/// # Errors
/// `Model` if there are not as many predictions as rows, or none, or one is not finite.
pub fn r2_score(truth: &[f64], predicted: &[f64]) -> Result<f64> {
    Ok(Residuals::of(truth, predicted)?.r2())
}

/// The share of the variance that the predictions explain, but for a constant error:
/// `sklearn.metrics.explained_variance_score`.
///
/// # Errors
/// As [`r2_score`].
pub fn explained_variance_score(truth: &[f64], predicted: &[f64]) -> Result<f64> {
    Ok(Residuals::of(truth, predicted)?.explained_variance())
}

/// The mean of the absolute errors.
///
/// # Errors
/// As [`r2_score`].
pub fn mean_absolute_error(truth: &[f64], predicted: &[f64]) -> Result<f64> {
    Ok(Residuals::of(truth, predicted)?.mean_absolute_error())
}

/// The mean of the squared errors.
///
/// # Errors
/// As [`r2_score`].
pub fn mean_squared_error(truth: &[f64], predicted: &[f64]) -> Result<f64> {
    Ok(Residuals::of(truth, predicted)?.mean_squared_error())
}

/// The root of the mean of the squared errors.
///
/// # Errors
/// As [`r2_score`].
pub fn root_mean_squared_error(truth: &[f64], predicted: &[f64]) -> Result<f64> {
    Ok(Residuals::of(truth, predicted)?.root_mean_squared_error())
}

/// The greatest absolute error.
///
/// # Errors
/// As [`r2_score`].
pub fn max_error(truth: &[f64], predicted: &[f64]) -> Result<f64> {
    Ok(Residuals::of(truth, predicted)?.max_error())
}

impl Residuals {
    /// The state of some rows.
    ///
    /// # Errors
    /// As [`r2_score`].
    pub fn of(truth: &[f64], predicted: &[f64]) -> Result<Residuals> {
        Residuals::checked(truth, predicted, None)
    }

    /// The state of some rows with weights.
    ///
    /// # Errors
    /// As [`r2_score`], and for a weight that is negative or not finite.
    pub fn weighted(truth: &[f64], predicted: &[f64], weights: &[f64]) -> Result<Residuals> {
        Residuals::checked(truth, predicted, Some(weights))
    }

    fn checked(truth: &[f64], predicted: &[f64], weights: Option<&[f64]>) -> Result<Residuals> {
        if truth.is_empty() {
            return Err(Error::model("there are no rows").doing("score"));
        }
        for (what, values) in [("truth", truth), ("prediction", predicted)] {
            if let Some(row) = values.iter().position(|v| !v.is_finite()) {
                return Err(Error::model(format!("the {what} is {} in row {row}", values[row])).doing("score"));
            }
        }
        let mut residuals = Residuals::default();
        residuals.update(truth, predicted, weights)?;
        Ok(residuals)
    }

    /// Takes in rows: truth, prediction and, if they have them, their weights.
    ///
    /// # Errors
    /// `Model` if there are not as many of each, or for a weight that is negative or not finite.
    pub fn update(&mut self, truth: &[f64], predicted: &[f64], weights: Option<&[f64]>) -> Result<()> {
        expect_rows(truth.len(), predicted.len(), weights)?;
        let left: Vec<f64> = truth.iter().zip(predicted).map(|(truth, predicted)| truth - predicted).collect();
        self.spreads[0].add_all(truth, weights);
        self.spreads[1].add_all(&left, weights);
        let mut errors: Vec<f64> = left.iter().map(|left| left.abs()).collect();
        self.max = errors.iter().copied().fold(self.max, greater);
        self.absolute.add_all(&mut errors, weights);
        errors.iter_mut().zip(&left).for_each(|(error, left)| *error = left * left);
        self.squared.add_all(&mut errors, weights);
        Ok(())
    }

    /// Takes in the state of later rows.
    pub fn merge(&mut self, later: Residuals) {
        self.absolute.merge(later.absolute);
        self.squared.merge(later.squared);
        self.max = greater(self.max, later.max);
        for (ours, theirs) in self.spreads.iter_mut().zip(later.spreads) {
            ours.merge(theirs);
        }
    }

    /// Rows seen.
    pub fn rows(&self) -> u64 {
        self.spreads[0].rows()
    }

    /// The mean of the absolute errors; NaN of no rows.
    pub fn mean_absolute_error(&self) -> f64 {
        self.absolute.value()
    }

    /// The mean of the squared errors; NaN of no rows.
    pub fn mean_squared_error(&self) -> f64 {
        self.squared.value()
    }

    /// The root of the mean of the squared errors; NaN of no rows.
    pub fn root_mean_squared_error(&self) -> f64 {
        self.squared.value().sqrt()
    }

    /// The greatest absolute error, whatever the rows weigh; NaN of no rows.
    pub fn max_error(&self) -> f64 {
        if self.rows() == 0 { f64::NAN } else { self.max }
    }

    /// R²; NaN of fewer than two rows. Of constant truth it is 1 if it is predicted exactly, else 0.
    pub fn r2(&self) -> f64 {
        if self.rows() < 2 {
            return f64::NAN;
        }
        explained(self.squared.sum(), self.spreads[0].value())
    }

    /// The explained variance; NaN of no rows. Of constant truth it is 1 if it is predicted but for a constant, else 0.
    pub fn explained_variance(&self) -> f64 {
        explained(self.spreads[1].value(), self.spreads[0].value())
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.absolute.bytes() + self.squared.bytes() + self.spreads.iter().map(Spread::bytes).sum::<usize>()
    }
}

/// The greater of two, NaN above all.
fn greater(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

fn explained(left: f64, all: f64) -> f64 {
    match (left, all) {
        (0.0, 0.0) => 1.0,
        (left, 0.0) if !left.is_nan() => 0.0,
        _ => 1.0 - left / all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_values_of_scikit_learn() {
        let (truth, predicted) = ([3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0]);
        assert!((explained_variance_score(&truth, &predicted).unwrap() - 0.9571734475374732).abs() < 1e-15);
        assert_eq!(max_error(&truth, &predicted).unwrap(), 1.0);
        assert_eq!(root_mean_squared_error(&truth, &predicted).unwrap(), 0.375_f64.sqrt());
        let weighted = Residuals::weighted(&truth, &predicted, &[1.0, 2.0, 3.0, 4.0]).unwrap();
        assert!((weighted.r2() - 0.9459613196814562).abs() < 1e-14, "{}", weighted.r2());
        assert_eq!(weighted.mean_absolute_error(), 0.55);
    }

    #[test]
    fn constant_truth_and_few_rows() {
        assert_eq!(r2_score(&[2.0; 3], &[2.0; 3]).unwrap(), 1.0);
        assert_eq!(r2_score(&[2.0; 3], &[2.0, 2.0, 3.0]).unwrap(), 0.0);
        assert_eq!(explained_variance_score(&[2.0; 3], &[3.0; 3]).unwrap(), 1.0);
        assert!(r2_score(&[2.0], &[2.0]).unwrap().is_nan());
        assert!(r2_score(&[], &[]).unwrap_err().to_string().contains("no rows"));
        assert!(
            max_error(&[1.0, f64::NAN], &[1.0, 1.0]).unwrap_err().to_string().contains("the truth is NaN in row 1")
        );
        let mut residuals = Residuals::default();
        assert!(residuals.max_error().is_nan() && residuals.mean_absolute_error().is_nan());
        residuals.update(&[1.0, f64::NAN], &[1.0, 1.0], None).unwrap();
        assert!(residuals.max_error().is_nan() && residuals.r2().is_nan() && residuals.mean_squared_error().is_nan());
    }

    proptest! {
        #[test]
        fn cuts_change_no_bit(
            rows in prop::collection::vec((-1e3..1e3f64, -1e3..1e3f64, 0.0..3f64), 2..40),
            cut in 0..40usize,
            weighted in any::<bool>(),
        ) {
            let cut = cut.min(rows.len());
            let part = |from: usize, to: usize| {
                let column = |f: fn(&(f64, f64, f64)) -> f64| rows[from..to].iter().map(f).collect::<Vec<_>>();
                let mut part = Residuals::default();
                let weights = column(|r| r.2);
                part.update(&column(|r| r.0), &column(|r| r.1), weighted.then_some(&weights)).unwrap();
                part
            };
            let (mut parts, whole) = (part(0, cut), part(0, rows.len()));
            parts.merge(part(cut, rows.len()));
            let scores = |r: &Residuals| {
                [r.r2(), r.explained_variance(), r.mean_absolute_error(), r.mean_squared_error(), r.max_error()]
                    .map(f64::to_bits)
            };
            prop_assert_eq!(scores(&parts), scores(&whole));
        }
    }
}
