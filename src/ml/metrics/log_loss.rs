//! How probable a model held what came true.

use super::labels::positives;
use super::sums::{Mean, expect_rows};
use crate::base::Result;
use crate::ml::classes::Label;

/// The mean of −ln of the probability that was given to the true class: `sklearn.metrics.log_loss`. Probabilities are
/// kept 2⁻⁵² away from 0 and 1, as there.
#[derive(Clone, Debug, Default)]
pub struct LogLoss(Mean);

/// [`LogLoss`] of two classes: their labels, of which the greater is the positive one, and the probabilities of that.
///
/// ```
/// use partita::ml::metrics::log_loss;
/// let loss = log_loss(&[true, false, false, true], &[0.9, 0.1, 0.2, 0.65])?;
/// assert!((loss - 0.21616187468057912).abs() < 1e-15);
/// # Ok::<(), partita::Error>(())
/// ```
///
/// # Errors
/// `Model` if there are not as many probabilities as rows, for no rows, for more than two labels or one that is none, and
/// where all are one label that is neither a truth value nor 0, 1 or −1: make such labels booleans.
pub fn log_loss<T: Label>(truth: &[T], probabilities: &[f64]) -> Result<f64> {
    expect_rows(truth.len(), probabilities.len(), None)?;
    let mut loss = LogLoss::default();
    let of_truth = positives(truth)?.into_iter().zip(probabilities).map(|(yes, p)| if yes { *p } else { 1.0 - p });
    loss.update(&of_truth.collect::<Vec<_>>(), None)?;
    Ok(loss.value())
}

impl LogLoss {
    /// Takes in rows: the probability that was given to the true class of each and, if they have them, their weights. A
    /// probability that is NaN or outside 0…1 makes the loss NaN.
    ///
    /// # Errors
    /// `Model` if there are not as many weights as rows, or for a weight that is negative or not finite.
    pub fn update(&mut self, of_truth: &[f64], weights: Option<&[f64]>) -> Result<()> {
        expect_rows(of_truth.len(), of_truth.len(), weights)?;
        let mut losses: Vec<f64> = of_truth.iter().copied().map(loss).collect();
        self.0.add_all(&mut losses, weights);
        Ok(())
    }

    /// Takes in the state of later rows.
    pub fn merge(&mut self, later: LogLoss) {
        self.0.merge(later.0);
    }

    /// The loss; NaN of no rows.
    pub fn value(&self) -> f64 {
        self.0.value()
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.0.bytes()
    }
}

fn loss(probability: f64) -> f64 {
    if (0.0..=1.0).contains(&probability) {
        -probability.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
    } else {
        f64::NAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certainty_is_bounded() {
        assert_eq!(log_loss(&[true, false], &[0.0, 1.0]).unwrap(), -f64::EPSILON.ln());
        assert!(log_loss(&[true, false], &[0.5, 1.5]).unwrap().is_nan());
        assert!(log_loss::<bool>(&[], &[]).is_err());
        assert!(LogLoss::default().value().is_nan());
        assert!(log_loss(&[true], &[1.0]).unwrap() < 1e-15);
    }
}
