//! Scores that order rows: how well the positive ones come first.

use super::labels::positives;
use super::sums::{Total, expect_rows};
use crate::base::Result;
use crate::ml::classes::Label;

/// Scores of rows that are positive or not, gathered: 8 bytes a row, 16 with weights.
///
/// ```
/// use partita::ml::metrics::Ranking;
/// let mut ranking = Ranking::default();
/// ranking.update(&[false, false, true, true], &[0.1, 0.4, 0.35, 0.8], None)?;
/// assert_eq!(ranking.into_ranked().roc_auc(), 0.75);
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Ranking {
    positive: Side,
    negative: Side,
}

/// The scores of one kind of rows, in the order of the rows until they are sorted.
#[derive(Clone, Debug, Default)]
struct Side {
    scores: Vec<f64>,
    /// Nothing if all weigh 1.
    weights: Option<Vec<f64>>,
}

/// A [`Ranking`] in falling order of the scores, rows of equal score together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranked {
    /// Where the score falls.
    steps: Vec<Step>,
    weighted: bool,
    nan: bool,
}

/// The rows of one score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    pub score: f64,
    /// Positive rows of the score, or their weight.
    pub positive: f64,
    /// Negative rows of the score, or their weight.
    pub negative: f64,
}

/// The area under the ROC curve: the probability that a positive row has a greater score than a negative one, ties
/// counted half (`sklearn.metrics.roc_auc_score`). The greater of the two labels is the positive one. NaN if all rows
/// have the same label.
///
/// # Errors
/// `Model` if there are not as many scores as rows, for no rows, for more than two labels or one that is none, and for a
/// score that is NaN; as [`log_loss`](super::log_loss()) for one label alone.
pub fn roc_auc_score<T: Label>(truth: &[T], scores: &[f64]) -> Result<f64> {
    Ok(Ranking::of(truth, scores)?.into_ranked().roc_auc())
}

/// The mean of the precisions where the score falls, by how much the recall rises there:
/// `sklearn.metrics.average_precision_score`. The greater of the two labels is the positive one. 0 without positive
/// rows.
///
/// # Errors
/// As [`roc_auc_score`].
pub fn average_precision_score<T: Label>(truth: &[T], scores: &[f64]) -> Result<f64> {
    Ok(Ranking::of(truth, scores)?.into_ranked().average_precision())
}

impl Side {
    fn push(&mut self, score: f64, weight: Option<f64>) {
        if let Some(weight) = weight {
            let rows = self.scores.len();
            self.weights.get_or_insert_with(|| vec![1.0; rows]).push(weight);
        } else if let Some(weights) = &mut self.weights {
            weights.push(1.0);
        }
        // −0 and 0 are one score
        self.scores.push(score + 0.0);
    }

    fn merge(&mut self, later: Side) {
        if self.weights.is_some() || later.weights.is_some() {
            let (rows, more) = (self.scores.len(), later.scores.len());
            let weights = self.weights.get_or_insert_with(|| vec![1.0; rows]);
            weights.extend(later.weights.unwrap_or_else(|| vec![1.0; more]));
        }
        self.scores.extend(later.scores);
    }

    fn bytes(&self) -> usize {
        8 * (self.scores.capacity() + self.weights.as_ref().map_or(0, Vec::capacity))
    }

    /// Falling; rows of one score stay in their order.
    fn sort(&mut self) {
        let Some(weights) = &mut self.weights else {
            self.scores.sort_unstable_by(|a, b| b.total_cmp(a));
            return;
        };
        let mut rows: Vec<(f64, f64)> = self.scores.iter().copied().zip(weights.iter().copied()).collect();
        rows.sort_by(|a, b| b.0.total_cmp(&a.0));
        (self.scores, *weights) = rows.into_iter().unzip();
    }

    /// How much has this score, of the sorted rows from `at` on, which is moved behind them.
    fn take(&self, score: f64, at: &mut usize) -> f64 {
        let first = *at;
        while self.scores.get(*at) == Some(&score) {
            *at += 1;
        }
        match &self.weights {
            None => (*at - first) as f64,
            Some(weights) => {
                let mut total = Total::default();
                total.add_all(&weights[first..*at]);
                total.value()
            }
        }
    }
}

impl Ranking {
    /// Takes in rows: whether they are positive, their score and, if they have them, their weight.
    ///
    /// # Errors
    /// `Model` if there are not as many of each, or for a weight that is negative or not finite.
    pub fn update(&mut self, positive: &[bool], scores: &[f64], weights: Option<&[f64]>) -> Result<()> {
        expect_rows(positive.len(), scores.len(), weights)?;
        self.extend(positive.iter().copied(), scores.iter().copied(), weights);
        Ok(())
    }

    /// As [`update`](Self::update), of as many of each.
    pub(crate) fn extend(
        &mut self,
        positive: impl Iterator<Item = bool>,
        scores: impl Iterator<Item = f64>,
        weights: Option<&[f64]>,
    ) {
        for (row, (positive, score)) in positive.zip(scores).enumerate() {
            let side = if positive { &mut self.positive } else { &mut self.negative };
            side.push(score, weights.and_then(|weights| weights.get(row).copied()));
        }
    }

    /// Takes in the rows of another ranking, which follow.
    pub fn merge(&mut self, later: Ranking) {
        self.positive.merge(later.positive);
        self.negative.merge(later.negative);
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.positive.bytes() + self.negative.bytes()
    }

    /// Sorted. A score that is NaN has no place: everything made of it is NaN.
    pub fn into_ranked(mut self) -> Ranked {
        let (positive, negative) = (&mut self.positive, &mut self.negative);
        let weighted = positive.weights.is_some() || negative.weights.is_some();
        if positive.scores.iter().chain(&negative.scores).any(|score| score.is_nan()) {
            return Ranked { steps: Vec::new(), weighted, nan: true };
        }
        positive.sort();
        negative.sort();
        let (mut p, mut n) = (0, 0);
        let mut steps = Vec::new();
        loop {
            let score = match (positive.scores.get(p), negative.scores.get(n)) {
                (Some(a), Some(b)) => a.max(*b),
                (Some(score), None) | (None, Some(score)) => *score,
                (None, None) => return Ranked { steps, weighted, nan: false },
            };
            let step = Step { score, positive: positive.take(score, &mut p), negative: negative.take(score, &mut n) };
            // rows that weigh nothing are none
            if step.positive + step.negative > 0.0 {
                steps.push(step);
            }
        }
    }

    /// The ranking of labels and scores.
    pub(super) fn of<T: Label>(truth: &[T], scores: &[f64]) -> Result<Ranking> {
        expect_rows(truth.len(), scores.len(), None)?;
        if let Some(row) = scores.iter().position(|score| score.is_nan()) {
            return Err(crate::base::Error::model(format!("the score is NaN in row {row}")).doing("score"));
        }
        let mut ranking = Ranking::default();
        ranking.update(&positives(truth)?, scores, None)?;
        Ok(ranking)
    }
}

impl Ranked {
    /// Of steps in falling order.
    pub(super) fn of_steps(steps: Vec<Step>, weighted: bool) -> Ranked {
        Ranked { steps, weighted, nan: false }
    }

    /// The area under the ROC curve; NaN unless there are positive and negative rows.
    pub fn roc_auc(&self) -> f64 {
        if self.nan { f64::NAN } else { self.sweep().roc_auc() }
    }

    /// The average precision; 0 without positive rows, NaN without rows.
    pub fn average_precision(&self) -> f64 {
        if self.nan { f64::NAN } else { self.sweep().average_precision() }
    }

    fn sweep(&self) -> Sweep {
        let mut sweep = Sweep::new(self.weighted);
        self.steps.iter().for_each(|step| sweep.push(step));
        sweep
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }
}

/// The scores of a ranking whose steps go by, from the greatest score on.
#[derive(Clone, Debug, Default)]
pub(super) struct Sweep {
    weighted: bool,
    positive: f64,
    negative: f64,
    /// Twice the pairs of a positive and a negative row that are in their order, of rows that weigh 1.
    pairs: u128,
    /// The same of rows with weights.
    area: Total,
    precisions: Total,
}

impl Sweep {
    /// No rows, which have weights or not.
    pub fn new(weighted: bool) -> Sweep {
        Sweep { weighted, ..Sweep::default() }
    }

    /// Takes in the rows of the next lower score.
    pub fn push(&mut self, step: &Step) {
        if self.weighted {
            self.area.add(step.negative * (2.0 * self.positive + step.positive));
        } else {
            self.pairs += step.negative as u128 * (2 * self.positive as u128 + step.positive as u128);
        }
        self.positive += step.positive;
        self.negative += step.negative;
        if step.positive > 0.0 {
            self.precisions.add(step.positive * (self.positive / (self.positive + self.negative)));
        }
    }

    /// The area under the ROC curve; NaN unless there are positive and negative rows.
    pub fn roc_auc(&self) -> f64 {
        let pairs = if self.weighted { self.area.value() } else { self.pairs as f64 };
        pairs / (2.0 * self.positive * self.negative)
    }

    /// The average precision; 0 without positive rows, NaN without rows.
    pub fn average_precision(&self) -> f64 {
        match (self.positive, self.negative) {
            (0.0, 0.0) => f64::NAN,
            (0.0, _) => 0.0,
            (positive, _) => self.precisions.value() / positive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_values_of_scikit_learn() {
        assert_eq!(roc_auc_score(&[0_i64, 0, 1, 1], &[0.1, 0.4, 0.35, 0.8]).unwrap(), 0.75);
        let average = average_precision_score(&[0_i64, 0, 1, 1], &[0.1, 0.4, 0.35, 0.8]).unwrap();
        assert!((average - 0.8333333333333333).abs() < 1e-15);
        assert_eq!(roc_auc_score(&[true, false, true], &[0.5, 0.5, 0.5]).unwrap(), 0.5);
        assert!(roc_auc_score(&[1_i64, 1], &[0.5, 0.1]).unwrap().is_nan());
        assert_eq!(average_precision_score(&[1_i64, 1], &[0.5, 0.1]).unwrap(), 1.0);
        assert_eq!(average_precision_score(&[0_i64, 0], &[0.5, 0.1]).unwrap(), 0.0);
        assert!(roc_auc_score::<bool>(&[], &[]).is_err());
        assert!(roc_auc_score(&[true, false], &[0.5, f64::NAN]).unwrap_err().to_string().contains("NaN in row 1"));
        assert!(Ranking::default().into_ranked().average_precision().is_nan());
    }

    proptest! {
        #[test]
        fn pairs_are_counted_one_by_one(
            rows in prop::collection::vec((any::<bool>(), -3..3_i32, 0..4_u32), 1..60),
            cut in 0..60_usize,
            weighted in any::<[bool; 2]>(),
        ) {
            let cut = cut.min(rows.len());
            let part = |from: usize, to: usize, weighted: bool| {
                let positive: Vec<bool> = rows[from..to].iter().map(|r| r.0).collect();
                let scores: Vec<f64> = rows[from..to].iter().map(|r| 0.1 * f64::from(r.1)).collect();
                let weights: Vec<f64> = rows[from..to].iter().map(|r| 0.3 * f64::from(r.2)).collect();
                let mut ranking = Ranking::default();
                ranking.update(&positive, &scores, weighted.then_some(&weights)).unwrap();
                ranking
            };
            let mut ranking = part(0, cut, weighted[0]);
            ranking.merge(part(cut, rows.len(), weighted[1]));
            let ranked = ranking.into_ranked();
            let weight = |i: usize| if weighted[usize::from(i >= cut)] { 0.3 * f64::from(rows[i].2) } else { 1.0 };
            let (mut pairs, mut all) = (0.0, 0.0);
            for i in (0..rows.len()).filter(|i| rows[*i].0) {
                for j in (0..rows.len()).filter(|j| !rows[*j].0) {
                    let w = weight(i) * weight(j);
                    all += w;
                    pairs += w * match rows[i].1.cmp(&rows[j].1) {
                        std::cmp::Ordering::Greater => 1.0,
                        std::cmp::Ordering::Equal => 0.5,
                        std::cmp::Ordering::Less => 0.0,
                    };
                }
            }
            let auc = ranked.roc_auc();
            prop_assert!((auc - pairs / all).abs() < 1e-12 || (auc.is_nan() && (pairs / all).is_nan()));
            if weighted[0] == weighted[1] {
                let whole = part(0, rows.len(), weighted[0]).into_ranked();
                prop_assert_eq!(whole.roc_auc().to_bits(), auc.to_bits());
                prop_assert_eq!(whole.average_precision().to_bits(), ranked.average_precision().to_bits());
            }
        }
    }
}
