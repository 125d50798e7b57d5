//! The share of rows predicted rightly.

use super::sums::{Tally, expect_rows};
use crate::base::Result;

/// The share of rows, or of their weight, whose predicted class is the true one: `sklearn.metrics.accuracy_score`.
///
/// ```
/// use partita::ml::metrics::Accuracy;
/// let mut accuracy = Accuracy::default();
/// accuracy.update(&[true, false, true], &[true, true, true], None)?;
/// assert_eq!(accuracy.value(), 2.0 / 3.0);
/// accuracy.update(&[true, true], &[true, false], Some(&[9.0, 3.0]))?;
/// assert_eq!(accuracy.value(), 11.0 / 15.0);
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Accuracy {
    right: Tally,
    all: Tally,
}

/// [`Accuracy`] of the labels of some rows; NaN of none.
///
/// # Errors
/// `Model` if there are not as many predictions as rows.
pub fn accuracy_score<T: PartialEq>(truth: &[T], predicted: &[T]) -> Result<f64> {
    let mut accuracy = Accuracy::default();
    accuracy.update(truth, predicted, None)?;
    Ok(accuracy.value())
}

impl Accuracy {
    /// Counts rows, given the truth, the prediction and, if they have them, the weight of each.
    ///
    /// # Errors
    /// `Model` if there are not as many of each, or for a weight that is negative or not finite.
    pub fn update<T: PartialEq>(&mut self, truth: &[T], predicted: &[T], weights: Option<&[f64]>) -> Result<()> {
        expect_rows(truth.len(), predicted.len(), weights)?;
        let right = truth.iter().zip(predicted).map(|(truth, predicted)| truth == predicted);
        self.count(right, weights);
        Ok(())
    }

    /// Counts rows, given whether each was predicted rightly.
    pub(crate) fn count(&mut self, right: impl ExactSizeIterator<Item = bool>, weights: Option<&[f64]>) {
        match weights {
            None => {
                self.all.count(right.len() as u64);
                self.right.count(right.map(u64::from).sum());
            }
            Some(weights) => {
                self.all.weigh_all(weights);
                let right: Vec<f64> = right.zip(weights).map(|(right, w)| if right { *w } else { 0.0 }).collect();
                self.right.weigh_all(&right);
            }
        }
    }

    /// Takes in what a state of later rows has counted.
    pub fn merge(&mut self, later: Accuracy) {
        self.right.merge(later.right);
        self.all.merge(later.all);
    }

    /// Rows seen.
    pub fn rows(&self) -> u64 {
        self.all.rows()
    }

    /// The accuracy, from 0 to 1; NaN of no rows.
    pub fn value(&self) -> f64 {
        self.right.value() / self.all.value()
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.right.bytes() + self.all.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_is_counting_together() {
        let (mut a, mut b) = (Accuracy::default(), Accuracy::default());
        a.update(&[1, 2, 3], &[1, 2, 4], None).unwrap();
        b.update(&[5], &[5], None).unwrap();
        a.merge(b);
        assert_eq!((a.value(), a.rows()), (0.75, 4));
        assert!(Accuracy::default().value().is_nan());
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let text = accuracy_score(&[1, 2], &[1]).unwrap_err().to_string();
        assert!(text.contains("1 predictions for 2 rows"), "{text}");
        let mut accuracy = Accuracy::default();
        let text = accuracy.update(&[1, 2], &[1, 2], Some(&[1.0, -1.0])).unwrap_err().to_string();
        assert!(text.contains("the weight -1 in row 1"), "{text}");
        assert!(accuracy.update(&[1], &[1], Some(&[])).is_err());
    }
}
