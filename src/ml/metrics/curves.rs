//! The points of ROC and precision-recall curves.

use super::ranking::{Ranked, Ranking};
use crate::base::Result;
use crate::ml::classes::Label;

/// The points of a ROC curve, from (0, 0) to (1, 1): `sklearn.metrics.roc_curve`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RocCurve {
    /// Of the negative rows, the share whose score is not below the threshold; NaN without any.
    pub false_positive_rate: Vec<f64>,
    /// Of the positive rows, the share whose score is not below the threshold; NaN without any.
    pub true_positive_rate: Vec<f64>,
    /// The thresholds, falling; the first is infinite.
    pub thresholds: Vec<f64>,
}

/// The points of a precision-recall curve, from recall 1 to 0: `sklearn.metrics.precision_recall_curve`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PrecisionRecallCurve {
    /// Of the rows whose score is not below the threshold, the share that is positive; at the end 1.
    pub precision: Vec<f64>,
    /// Of the positive rows, the share whose score is not below the threshold (1 without positive rows); at the end 0.
    pub recall: Vec<f64>,
    /// The thresholds, rising; there is none for the last point.
    pub thresholds: Vec<f64>,
}

/// The [`RocCurve`] of labels, of which the greater is the positive one, and scores. Points between others on one line are
/// left out.
///
/// ```
/// use partita::ml::metrics::roc_curve;
/// let curve = roc_curve(&[0_i64, 0, 1, 1], &[0.1, 0.4, 0.35, 0.8])?;
/// assert_eq!(curve.false_positive_rate, [0.0, 0.0, 0.5, 0.5, 1.0]);
/// assert_eq!(curve.true_positive_rate, [0.0, 0.5, 0.5, 1.0, 1.0]);
/// # Ok::<(), partita::Error>(())
/// ```
///
/// # Errors
/// As [`roc_auc_score`](super::roc_auc_score).
pub fn roc_curve<T: Label>(truth: &[T], scores: &[f64]) -> Result<RocCurve> {
    Ok(Ranking::of(truth, scores)?.into_ranked().roc_curve())
}

/// The [`PrecisionRecallCurve`] of labels, of which the greater is the positive one, and scores.
///
/// # Errors
/// As [`roc_auc_score`](super::roc_auc_score).
pub fn precision_recall_curve<T: Label>(truth: &[T], scores: &[f64]) -> Result<PrecisionRecallCurve> {
    Ok(Ranking::of(truth, scores)?.into_ranked().precision_recall_curve())
}

/// Rows at and above a threshold.
#[derive(Clone, Copy, PartialEq)]
struct Above {
    positive: f64,
    negative: f64,
    threshold: f64,
}

impl Ranked {
    /// The points of the ROC curve, without those between others on one line. No points without rows.
    pub fn roc_curve(&self) -> RocCurve {
        let mut points = vec![Above { positive: 0.0, negative: 0.0, threshold: f64::INFINITY }];
        let all = self.above();
        for (i, point) in all.iter().enumerate() {
            // the second differences, as scikit-learn looks at them
            let bends = |of: fn(&Above) -> f64| match (i.checked_sub(1), all.get(i + 1)) {
                (Some(before), Some(after)) => of(after) - of(point) != of(point) - of(&all[before]),
                _ => true,
            };
            if bends(|above| above.positive) || bends(|above| above.negative) {
                points.push(*point);
            }
        }
        let Some(last) = all.last() else { return RocCurve::default() };
        let rate = |value: f64, all: f64| if all > 0.0 { value / all } else { f64::NAN };
        RocCurve {
            false_positive_rate: points.iter().map(|point| rate(point.negative, last.negative)).collect(),
            true_positive_rate: points.iter().map(|point| rate(point.positive, last.positive)).collect(),
            thresholds: points.iter().map(|point| point.threshold).collect(),
        }
    }

    /// The points of the precision-recall curve. No points without rows.
    pub fn precision_recall_curve(&self) -> PrecisionRecallCurve {
        let all = self.above();
        let Some(last) = all.last() else { return PrecisionRecallCurve::default() };
        let recall = |point: &Above| if last.positive > 0.0 { point.positive / last.positive } else { 1.0 };
        let precision = |point: &Above| point.positive / (point.positive + point.negative);
        PrecisionRecallCurve {
            precision: all.iter().rev().map(precision).chain([1.0]).collect(),
            recall: all.iter().rev().map(recall).chain([0.0]).collect(),
            thresholds: all.iter().rev().map(|point| point.threshold).collect(),
        }
    }

    fn above(&self) -> Vec<Above> {
        let mut so_far = Above { positive: 0.0, negative: 0.0, threshold: f64::INFINITY };
        let add = |step: &super::ranking::Step| {
            so_far.positive += step.positive;
            so_far.negative += step.negative;
            so_far.threshold = step.score;
            so_far
        };
        self.steps().iter().map(add).collect()
    }
}

impl RocCurve {
    /// The area under it, by trapezoids.
    pub fn auc(&self) -> f64 {
        let points: Vec<(f64, f64)> =
            self.false_positive_rate.iter().copied().zip(self.true_positive_rate.iter().copied()).collect();
        points.windows(2).map(|p| (p[1].0 - p[0].0) * (p[0].1 + p[1].1) / 2.0).sum()
    }
}

impl PrecisionRecallCurve {
    /// The average precision: the area under it, by steps.
    pub fn average_precision(&self) -> f64 {
        self.recall.windows(2).zip(&self.precision).map(|(recall, precision)| (recall[0] - recall[1]) * precision).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_points_of_scikit_learn() {
        let curve = roc_curve(&[0_i64, 0, 1, 1], &[0.1, 0.4, 0.35, 0.8]).unwrap();
        assert_eq!(curve.thresholds, [f64::INFINITY, 0.8, 0.4, 0.35, 0.1]);
        let curve = precision_recall_curve(&[0_i64, 0, 1, 1], &[0.1, 0.4, 0.35, 0.8]).unwrap();
        assert_eq!(curve.precision, [0.5, 2.0 / 3.0, 0.5, 1.0, 1.0]);
        assert_eq!(curve.recall, [1.0, 1.0, 0.5, 0.5, 0.0]);
        assert_eq!(curve.thresholds, [0.1, 0.35, 0.4, 0.8]);
        let one_class = roc_curve(&[true, true, true], &[0.1, 0.3, 0.2]).unwrap();
        assert_eq!(one_class.true_positive_rate, [0.0, 1.0 / 3.0, 1.0]);
        assert!(one_class.false_positive_rate.iter().all(|rate| rate.is_nan()));
        let none = precision_recall_curve(&[false, false], &[0.1, 0.3]).unwrap();
        assert_eq!((none.precision, none.recall), (vec![0.0, 0.0, 1.0], vec![1.0, 1.0, 0.0]));
        assert_eq!(Ranking::default().into_ranked().roc_curve(), RocCurve::default());
    }

    proptest! {
        #[test]
        fn the_area_is_that_of_the_pairs(rows in prop::collection::vec((any::<bool>(), -9..9_i32), 2..80)) {
            let (truth, scores): (Vec<bool>, Vec<f64>) = rows.into_iter().map(|(y, s)| (y, f64::from(s))).unzip();
            let curve = roc_curve(&truth, &scores).unwrap();
            let area = super::super::roc_auc_score(&truth, &scores).unwrap();
            prop_assert!((curve.auc() - area).abs() < 1e-12 || area.is_nan());
        }
    }
}
