//! Squared errors of probabilities.

use super::labels::positives;
use super::sums::{Mean, expect_rows};
use crate::base::Result;
use crate::ml::classes::Label;

/// The mean of (p − y)², where p is the probability of the positive class and y is 1 for positive rows, else 0:
/// `sklearn.metrics.brier_score_loss`. Of more than two classes it is the sum of that over the classes.
#[derive(Clone, Debug, Default)]
pub struct Brier(Mean);

/// [`Brier`] of two classes: their labels, of which the greater is the positive one, and the probabilities of that.
///
/// ```
/// use partita::ml::metrics::brier_score_loss;
/// assert_eq!(brier_score_loss(&[false, true], &[0.5, 1.0])?, 0.125);
/// # Ok::<(), partita::Error>(())
/// ```
///
/// # Errors
/// `Model` if there are not as many probabilities as rows, for no rows, for more than two labels or one that is none, and
/// where all are one label that is neither a truth value nor 0, 1 or −1: make such labels booleans.
pub fn brier_score_loss<T: Label>(truth: &[T], probabilities: &[f64]) -> Result<f64> {
    expect_rows(truth.len(), probabilities.len(), None)?;
    let mut brier = Brier::default();
    brier.update(&positives(truth)?, probabilities, None)?;
    Ok(brier.value())
}

impl Brier {
    /// Takes in rows of two classes: whether they are positive, the probability of that and, if they have them, their
    /// weights. A probability that is NaN or outside 0…1 makes the score NaN.
    ///
    /// # Errors
    /// `Model` if there are not as many of each, or for a weight that is negative or not finite.
    pub fn update(&mut self, positive: &[bool], probabilities: &[f64], weights: Option<&[f64]>) -> Result<()> {
        expect_rows(positive.len(), probabilities.len(), weights)?;
        let squared = |(yes, p): (&bool, &f64)| square(*p, *yes);
        let mut squares: Vec<f64> = positive.iter().zip(probabilities).map(squared).collect();
        self.0.add_all(&mut squares, weights);
        Ok(())
    }

    /// Takes in rows of any classes: the number of their class, the probabilities of all classes of one row after the
    /// other and, if they have them, their weights.
    ///
    /// # Errors
    /// `Model` if there are not as many of each, or for a weight that is negative or not finite.
    pub fn update_classes(&mut self, truth: &[u32], probabilities: &[f64], weights: Option<&[f64]>) -> Result<()> {
        let classes = probabilities.len().checked_div(truth.len()).unwrap_or(0).max(1);
        expect_rows(truth.len(), probabilities.chunks(classes).len(), weights)?;
        let share = if classes == 2 { 0.5 } else { 1.0 };
        let mut squares: Vec<f64> = truth
            .iter()
            .zip(probabilities.chunks(classes))
            .map(|(truth, of_row)| {
                share * of_row.iter().zip(0..).map(|(p, class)| square(*p, class == *truth)).sum::<f64>()
            })
            .collect();
        self.0.add_all(&mut squares, weights);
        Ok(())
    }

    /// Takes in the state of later rows.
    pub fn merge(&mut self, later: Brier) {
        self.0.merge(later.0);
    }

    /// The score, 0 for certain truth; NaN of no rows.
    pub fn value(&self) -> f64 {
        self.0.value()
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.0.bytes()
    }
}

fn square(probability: f64, truth: bool) -> f64 {
    if (0.0..=1.0).contains(&probability) { (f64::from(truth) - probability).powi(2) } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_classes_are_one() {
        let (mut one, mut both) = (Brier::default(), Brier::default());
        one.update(&[true, false], &[0.25, 0.5], None).unwrap();
        both.update_classes(&[1, 0], &[0.75, 0.25, 0.5, 0.5], None).unwrap();
        assert_eq!((one.value(), both.value()), (0.40625, 0.40625));
        let mut three = Brier::default();
        three.update_classes(&[2], &[0.25, 0.25, 0.5], Some(&[3.0])).unwrap();
        assert_eq!(three.value(), 0.375);
        assert!(Brier::default().value().is_nan());
        assert!(brier_score_loss(&[true], &[-0.1]).unwrap().is_nan());
    }
}
