//! How good predictions are. A metric is a small state fed with rows and merged in any order, so that it can ride
//! along with any pass over the data.

use serde::{Deserialize, Serialize};

/// The share of rows whose predicted class is the true one: `sklearn.metrics.accuracy_score`.
///
/// ```
/// use partita::ml::metrics::Accuracy;
/// let mut accuracy = Accuracy::default();
/// accuracy.update([true, false, true], [true, true, true]);
/// assert_eq!(accuracy.value(), 2.0 / 3.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Rows predicted rightly.
    pub right: u64,
    /// Rows seen.
    pub rows: u64,
}

impl Accuracy {
    /// Counts rows, given the truth and the prediction of each.
    pub fn update<T: PartialEq>(&mut self, truth: impl IntoIterator<Item = T>, predicted: impl IntoIterator<Item = T>) {
        for (truth, predicted) in truth.into_iter().zip(predicted) {
            self.right += u64::from(truth == predicted);
            self.rows += 1;
        }
    }

    /// Takes in what another state has counted.
    pub fn merge(&mut self, other: &Accuracy) {
        self.right += other.right;
        self.rows += other.rows;
    }

    /// The accuracy, from 0 to 1; NaN of no rows.
    pub fn value(&self) -> f64 {
        self.right as f64 / self.rows as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_is_counting_together() {
        let (mut a, mut b) = (Accuracy::default(), Accuracy::default());
        a.update([1, 2, 3], [1, 2, 4]);
        b.update([5], [5]);
        a.merge(&b);
        assert_eq!(a.value(), 0.75);
        assert!(Accuracy::default().value().is_nan());
    }
}
