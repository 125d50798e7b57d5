//! Scores of predicted classes as functions of labels.

use super::confusion::{Average, ConfusionMatrix};
use crate::base::Result;
use crate::ml::classes::Label;

/// Of the rows predicted to be of a class, the share that is: `sklearn.metrics.precision_score`. It is 0 where no row is
/// predicted to be ([`ConfusionMatrix::zero_division`] changes that).
///
/// ```
/// use partita::ml::metrics::{Average, f1_score, precision_score, recall_score};
/// let (truth, predicted) = ([false, true, true, true], [true, true, true, false]);
/// assert_eq!(precision_score(&truth, &predicted, Average::Binary)?, 2.0 / 3.0);
/// assert_eq!(recall_score(&truth, &predicted, Average::Macro)?, 1.0 / 3.0);
/// assert_eq!(f1_score(&truth, &predicted, Average::Micro)?, 0.5);
/// # Ok::<(), partita::Error>(())
/// ```
///
/// # Errors
/// `Model` if there are not as many predictions as rows, for a label that is none, as NaN, and for [`Average::Binary`] of
/// more than two classes, or of one alone that is neither a truth value nor 0, 1 or −1
/// ([`ConfusionMatrix::positive_label`] names it).
pub fn precision_score<T: Label>(truth: &[T], predicted: &[T], average: Average) -> Result<f64> {
    ConfusionMatrix::of(truth, predicted)?.precision(average)
}

/// Of the rows of a class, the share predicted to be: `sklearn.metrics.recall_score`.
///
/// # Errors
/// As [`precision_score`].
pub fn recall_score<T: Label>(truth: &[T], predicted: &[T], average: Average) -> Result<f64> {
    ConfusionMatrix::of(truth, predicted)?.recall(average)
}

/// The harmonic mean of precision and recall: `sklearn.metrics.f1_score`.
///
/// # Errors
/// As [`precision_score`].
pub fn f1_score<T: Label>(truth: &[T], predicted: &[T], average: Average) -> Result<f64> {
    ConfusionMatrix::of(truth, predicted)?.f1(average)
}

/// The harmonic mean of precision and recall, the recall β times as important: `sklearn.metrics.fbeta_score`.
///
/// # Errors
/// As [`precision_score`]; `Invalid` for a β that is negative or NaN.
pub fn fbeta_score<T: Label>(truth: &[T], predicted: &[T], beta: f64, average: Average) -> Result<f64> {
    ConfusionMatrix::of(truth, predicted)?.f_beta(beta, average)
}

/// The mean of the recalls of the classes: `sklearn.metrics.balanced_accuracy_score`; NaN of no rows.
///
/// # Errors
/// `Model` if there are not as many predictions as rows, or for a label that is none, as NaN.
pub fn balanced_accuracy_score<T: Label>(truth: &[T], predicted: &[T]) -> Result<f64> {
    Ok(ConfusionMatrix::of(truth, predicted)?.balanced_accuracy())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-15, "{a} {b}");
    }

    /// The examples of scikit-learn's documentation.
    #[test]
    fn averages_over_classes() {
        let (truth, predicted) = ([0_i64, 1, 2, 0, 1, 2], [0_i64, 2, 1, 0, 0, 1]);
        for (average, precision, f_half) in [
            (Average::Macro, 0.2222222222222222, 0.23809523809523805),
            (Average::Micro, 0.3333333333333333, 0.3333333333333333),
            (Average::Weighted, 0.2222222222222222, 0.23809523809523805),
        ] {
            close(precision_score(&truth, &predicted, average).unwrap(), precision);
            close(fbeta_score(&truth, &predicted, 0.5, average).unwrap(), f_half);
        }
        let text = f1_score(&truth, &predicted, Average::Binary).unwrap_err().to_string();
        assert!(text.contains("3 classes") && text.contains("Average::Macro"), "{text}");
        assert!(fbeta_score(&truth, &predicted, -1.0, Average::Macro).is_err());
        assert_eq!(balanced_accuracy_score(&[0_i64, 1, 0, 0, 1, 0], &[0, 1, 0, 0, 0, 1]).unwrap(), 0.625);
        assert!(balanced_accuracy_score::<i64>(&[], &[]).unwrap().is_nan());
    }

    #[test]
    fn division_by_zero_is_as_asked() {
        let matrix = |zero: f64| ConfusionMatrix::of(&[0_i64, 1, 2], &[0, 0, 0]).unwrap().zero_division(zero);
        assert_eq!(matrix(0.0).precision(Average::Macro).unwrap(), 1.0 / 9.0);
        close(matrix(1.0).precision(Average::Macro).unwrap(), (1.0 / 3.0 + 2.0) / 3.0);
        assert_eq!(matrix(f64::NAN).precision(Average::Macro).unwrap(), 1.0 / 3.0);
        assert_eq!(f1_score(&[false], &[false], Average::Binary).unwrap(), 0.0);
        assert_eq!(f1_score(&[true], &[true], Average::Binary).unwrap(), 1.0);
        let matrix = ConfusionMatrix::of(&[0_i64, 1, 1], &[0, 1, 0]).unwrap();
        assert_eq!(matrix.f_beta(0.0, Average::Binary).unwrap(), matrix.precision(Average::Binary).unwrap());
        assert_eq!(matrix.f_beta(f64::INFINITY, Average::Binary).unwrap(), matrix.recall(Average::Binary).unwrap());
        assert_eq!(matrix.positive(0).recall(Average::Binary).unwrap(), 1.0);
    }

    #[test]
    fn the_positive_class_is_one_there_is() {
        let words = |words: &[&str]| words.iter().map(|word| word.to_string()).collect::<Vec<_>>();
        let yes = || ConfusionMatrix::of(&words(&["yes", "yes"]), &words(&["yes", "yes"])).unwrap();
        let text = |matrix: ConfusionMatrix| matrix.precision(Average::Binary).unwrap_err().to_string();
        assert!(text(yes()).contains("positive_label(\"yes\")"), "{}", text(yes()));
        assert_eq!(yes().positive_label("yes").precision(Average::Binary).unwrap(), 1.0);
        assert_eq!(yes().positive_label("no").precision(Average::Binary).unwrap(), 0.0);
        assert_eq!(yes().positive(0).precision(Average::Binary).unwrap(), 1.0);
        assert!(text(yes().positive(1)).contains("class number 1"), "{}", text(yes().positive(1)));
        let three = || ConfusionMatrix::of(&[0_i64, 1, 2, 2], &[0, 2, 2, 1]).unwrap();
        assert_eq!(three().positive(2).precision(Average::Binary).unwrap(), 0.5);
        assert_eq!(three().positive_label(0).recall(Average::Binary).unwrap(), 1.0);
        assert!(text(three().positive(9)).contains("class number 9 is to be the positive one, of 3 classes: 0, 1, 2"));
        assert!(text(three().positive_label(9)).contains("no row is of the class 9"));
    }
}
