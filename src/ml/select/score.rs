//! A score in the making: fed chunk by chunk, in the order of the rows.

use super::scoring::{Asks, Scoring};
use crate::base::{Error, Result};
use crate::ml::estimator::Labels;
use crate::ml::metrics::confusion::{Counts, f_beta, precision, recall};
use crate::ml::metrics::{Accuracy, Average, Brier, LogLoss, Ranking, Residuals};

/// What a model says of rows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Predicted<'a> {
    /// The numbers of their classes.
    Classes(&'a [u32]),
    /// The probabilities of all classes, row after row; or, of two classes, that of the second alone.
    Probabilities(&'a [f64]),
    /// The margins of all classes, row after row; or, of two classes, one margin, which speaks for the second if it is
    /// above 0.
    Margins(&'a [f64]),
    /// Numbers.
    Values(&'a [f64]),
}

/// The state of a [`Scoring`]. Its value does not depend on how rows are cut into chunks, nor on how states are merged, as
/// long as rows keep their order.
#[derive(Clone, Debug)]
pub(crate) struct Score {
    scoring: Scoring,
    classes: usize,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Accuracy(Accuracy),
    Counts(Counts),
    Ranking(Ranking),
    LogLoss(LogLoss),
    Brier(Brier),
    Residuals(Box<Residuals>),
}

impl Scoring {
    /// The score of no rows; `classes` says how many classes there are, nothing if numbers are learnt.
    ///
    /// # Errors
    /// `Model` if the target is not such as can be judged so.
    pub(crate) fn begin(self, classes: Option<usize>) -> Result<Score> {
        let unfit = |what: String, help: &str| Err(Error::model(what).doing("score").help(help.to_string()));
        match (self.asks(), classes) {
            (Asks::Value, Some(_)) => return unfit(format!("`{self}` judges numbers, not classes"), "use accuracy"),
            (Asks::Value, None) => {}
            (_, None) => return unfit(format!("`{self}` judges classes, not numbers"), "use r2"),
            (_, Some(n)) if n != 2 && self.is_binary() => {
                let help = "use accuracy, neg_log_loss, or an average, as f1_macro";
                return unfit(format!("`{self}` is of two classes, and there are {n}"), help);
            }
            _ => {}
        }
        let classes = classes.unwrap_or(0);
        let state = match self.asks() {
            Asks::Class if self == Scoring::Accuracy => State::Accuracy(Accuracy::default()),
            Asks::Class => State::Counts(Counts::new(classes)),
            Asks::Rank => State::Ranking(Ranking::default()),
            Asks::Probability if self == Scoring::NegBrier => State::Brier(Brier::default()),
            Asks::Probability => State::LogLoss(LogLoss::default()),
            Asks::Value => State::Residuals(Box::default()),
        };
        Ok(Score { scoring: self, classes, state })
    }
}

impl Score {
    /// Takes in the rows that follow.
    ///
    /// # Errors
    /// `Model` if the predictions are not such as the score can be made from, if there are not as many of each, or for a
    /// weight that is negative or not finite.
    pub fn update(&mut self, truth: Labels<'_>, predicted: &Predicted<'_>, weights: Option<&[f64]>) -> Result<()> {
        let classes = self.classes;
        match (&mut self.state, truth) {
            (State::Residuals(state), Labels::Values(truth)) => match predicted {
                Predicted::Values(values) => state.update(truth, values, weights),
                _ => Err(self.unfit(predicted)),
            },
            (State::Accuracy(state), Labels::Classes(truth)) => match predicted {
                Predicted::Margins(z) if z.len() == truth.len() && weights.is_none() => {
                    state.count(truth.iter().zip(*z).map(|(truth, z)| (*truth == 1) == (*z > 0.0)), None);
                    Ok(())
                }
                _ => match predicted.classes(truth.len(), classes) {
                    Some(predicted) => state.update(truth, &predicted, weights),
                    None => Err(self.unfit(predicted)),
                },
            },
            (State::Counts(state), Labels::Classes(truth)) => match predicted.classes(truth.len(), classes) {
                Some(predicted) => state.update(truth, &predicted, weights),
                None => Err(self.unfit(predicted)),
            },
            (State::Ranking(state), Labels::Classes(truth)) => match predicted.rank(truth.len()) {
                Some(scores) => state.update(&second(truth), &scores, weights),
                None => Err(self.unfit(predicted)),
            },
            (State::LogLoss(state), Labels::Classes(truth)) => match predicted.probabilities(truth.len(), classes) {
                Some(p) => {
                    let of_truth = p
                        .chunks(classes)
                        .zip(truth)
                        .map(|(of_row, class)| of_row.get(*class as usize).copied().unwrap_or(f64::NAN));
                    state.update(&of_truth.collect::<Vec<_>>(), weights)
                }
                None => Err(self.unfit(predicted)),
            },
            (State::Brier(state), Labels::Classes(truth)) => match predicted.probabilities(truth.len(), classes) {
                Some(p) => state.update_classes(truth, &p, weights),
                None => Err(self.unfit(predicted)),
            },
            _ => Err(self.unfit(predicted)),
        }
    }

    fn unfit(&self, predicted: &Predicted<'_>) -> Error {
        Error::model(format!("`{}` cannot be made from {}", self.scoring, predicted.what())).doing("score")
    }

    /// Takes in the score of the rows that follow.
    pub fn merge(&mut self, later: Score) {
        match (&mut self.state, later.state) {
            (State::Accuracy(ours), State::Accuracy(theirs)) => ours.merge(theirs),
            (State::Counts(ours), State::Counts(theirs)) => ours.merge(theirs),
            (State::Ranking(ours), State::Ranking(theirs)) => ours.merge(theirs),
            (State::LogLoss(ours), State::LogLoss(theirs)) => ours.merge(theirs),
            (State::Brier(ours), State::Brier(theirs)) => ours.merge(theirs),
            (State::Residuals(ours), State::Residuals(theirs)) => ours.merge(*theirs),
            // scores of one scoring have one kind of state
            _ => {}
        }
    }

    /// The score; NaN where it is not defined, as of no rows.
    pub fn value(self) -> f64 {
        match self.state {
            State::Accuracy(state) => state.value(),
            State::Counts(counts) => of_counts(self.scoring, &counts),
            State::Ranking(ranking) => match self.scoring {
                Scoring::RocAuc => ranking.into_ranked().roc_auc(),
                _ => ranking.into_ranked().average_precision(),
            },
            State::LogLoss(loss) => -loss.value(),
            State::Brier(brier) => -brier.value(),
            State::Residuals(residuals) => match self.scoring {
                Scoring::R2 => residuals.r2(),
                Scoring::ExplainedVariance => residuals.explained_variance(),
                Scoring::NegMaxError => -residuals.max_error(),
                Scoring::NegMeanAbsoluteError => -residuals.mean_absolute_error(),
                Scoring::NegMeanSquaredError => -residuals.mean_squared_error(),
                _ => -residuals.root_mean_squared_error(),
            },
        }
    }

    /// Bytes on the heap. Scores that order rows hold 8 bytes for each, 16 with weights.
    pub fn bytes(&self) -> usize {
        match &self.state {
            State::Accuracy(state) => state.bytes(),
            State::Counts(state) => state.bytes(),
            State::Ranking(state) => state.bytes(),
            State::LogLoss(state) => state.bytes(),
            State::Brier(state) => state.bytes(),
            State::Residuals(state) => size_of::<Residuals>() + state.bytes(),
        }
    }
}

fn of_counts(scoring: Scoring, counts: &Counts) -> f64 {
    use Average::{Binary, Macro, Micro, Weighted};
    if counts.all().is_nan() || counts.is_empty() {
        return f64::NAN;
    }
    let averaged = |average| match scoring {
        Scoring::Precision | Scoring::PrecisionMacro | Scoring::PrecisionMicro | Scoring::PrecisionWeighted => {
            counts.averaged(precision, average, Some(1), 0.0)
        }
        Scoring::Recall | Scoring::RecallMacro | Scoring::RecallMicro | Scoring::RecallWeighted => {
            counts.averaged(recall, average, Some(1), 0.0)
        }
        _ => counts.averaged(f_beta(1.0), average, Some(1), 0.0),
    };
    match scoring {
        Scoring::BalancedAccuracy => counts.balanced_accuracy(),
        Scoring::PrecisionMacro | Scoring::RecallMacro | Scoring::F1Macro => averaged(Macro),
        Scoring::PrecisionMicro | Scoring::RecallMicro | Scoring::F1Micro => averaged(Micro),
        Scoring::PrecisionWeighted | Scoring::RecallWeighted | Scoring::F1Weighted => averaged(Weighted),
        _ => averaged(Binary),
    }
}

/// Whether each row is of the second class.
fn second(truth: &[u32]) -> Vec<bool> {
    truth.iter().map(|class| *class == 1).collect()
}

type Numbers<'a, T> = std::borrow::Cow<'a, [T]>;

impl<'a> Predicted<'a> {
    fn what(&self) -> &'static str {
        match self {
            Predicted::Classes(_) => "predicted classes",
            Predicted::Probabilities(_) => "these probabilities",
            Predicted::Margins(_) => "these margins",
            Predicted::Values(_) => "predicted numbers",
        }
    }

    /// The predicted classes: the most probable one, of equal ones the first.
    fn classes(&self, rows: usize, classes: usize) -> Option<Numbers<'a, u32>> {
        let (numbers, border) = match *self {
            Predicted::Classes(numbers) => return Some(numbers.into()),
            Predicted::Values(_) => return None,
            Predicted::Probabilities(p) => (p, 0.5),
            Predicted::Margins(z) => (z, 0.0),
        };
        if classes == 2 && numbers.len() == rows {
            return Some(numbers.iter().map(|number| u32::from(*number > border)).collect());
        }
        let best = |of_row: &[f64]| (1..classes).fold(0, |best, c| if of_row[c] > of_row[best] { c } else { best });
        (numbers.len() == rows * classes).then(|| numbers.chunks_exact(classes).map(|row| best(row) as u32).collect())
    }

    /// What rises with the probability of the second of two classes.
    fn rank(&self, rows: usize) -> Option<Numbers<'a, f64>> {
        let (numbers, margins) = match *self {
            Predicted::Probabilities(p) => (p, false),
            Predicted::Margins(z) => (z, true),
            _ => return None,
        };
        if numbers.len() == rows {
            return Some(numbers.into());
        }
        let of_row = |row: &[f64; 2]| if margins { row[1] - row[0] } else { row[1] };
        (numbers.len() == 2 * rows).then(|| numbers.as_chunks().0.iter().map(of_row).collect())
    }

    /// The probabilities of all classes, row after row.
    fn probabilities(&self, rows: usize, classes: usize) -> Option<Numbers<'a, f64>> {
        match *self {
            Predicted::Probabilities(p) if p.len() == rows * classes => Some(p.into()),
            Predicted::Probabilities(p) if classes == 2 && p.len() == rows => {
                Some(p.iter().flat_map(|p| [1.0 - p, *p]).collect())
            }
            Predicted::Margins(z) if z.len() == rows * classes => {
                Some(z.chunks_exact(classes).flat_map(softmax).collect())
            }
            Predicted::Margins(z) if classes == 2 && z.len() == rows => {
                Some(z.iter().flat_map(|z| [probability(-z), probability(*z)]).collect())
            }
            _ => None,
        }
    }
}

/// 1 / (1 + e⁻ᶻ).
fn probability(z: f64) -> f64 {
    let e = (-z.abs()).exp();
    if z > 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) }
}

fn softmax(margins: &[f64]) -> Vec<f64> {
    let most = margins.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = margins.iter().map(|z| (z - most).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::metrics::{ConfusionMatrix, accuracy_score, brier_score_loss, log_loss, roc_auc_score};
    use proptest::prelude::*;

    fn score(scoring: Scoring, truth: &[u32], predicted: Predicted<'_>, classes: usize) -> f64 {
        let mut score = scoring.begin(Some(classes)).unwrap();
        score.update(Labels::Classes(truth), &predicted, None).unwrap();
        score.value()
    }

    #[test]
    fn margins_and_probabilities_say_the_same() {
        let truth = [0, 1, 1, 0, 1];
        let margins = [-2.0, 0.5, -0.25, 1.0, 3.0];
        let both: Vec<f64> = margins.iter().flat_map(|z| [0.0, *z]).collect();
        let one: Vec<f64> = margins.iter().copied().map(probability).collect();
        let two: Vec<f64> = one.iter().flat_map(|p| [1.0 - p, *p]).collect();
        for scoring in Scoring::all().filter(|s| s.asks() != Asks::Value) {
            let of = |predicted| score(scoring, &truth, predicted, 2);
            let expected = of(Predicted::Margins(&margins));
            assert!(expected.is_finite(), "{scoring}");
            for other in [Predicted::Margins(&both), Predicted::Probabilities(&one), Predicted::Probabilities(&two)] {
                assert!((of(other) - expected).abs() < 1e-14, "{scoring}");
            }
        }
        let labels: Vec<i64> = truth.iter().map(|c| i64::from(*c)).collect();
        let predicted = [0_i64, 1, 0, 1, 1];
        let of = |scoring| score(scoring, &truth, Predicted::Probabilities(&one), 2);
        assert_eq!(of(Scoring::Accuracy), accuracy_score(&labels, &predicted).unwrap());
        assert_eq!(of(Scoring::RocAuc), roc_auc_score(&labels, &one).unwrap());
        assert_eq!(of(Scoring::NegLogLoss), -log_loss(&labels, &one).unwrap());
        assert_eq!(of(Scoring::NegBrier), -brier_score_loss(&labels, &one).unwrap());
        let matrix = ConfusionMatrix::of(&labels, &predicted).unwrap();
        assert_eq!(of(Scoring::F1), matrix.f1(Average::Binary).unwrap());
        assert_eq!(of(Scoring::RecallMacro), matrix.recall(Average::Macro).unwrap());
        assert_eq!(of(Scoring::BalancedAccuracy), matrix.balanced_accuracy());
    }

    #[test]
    fn more_classes_are_averaged() {
        let margins = [1.0, 2.0, 0.5, 3.0, 0.0, 3.0, 0.1, 0.2, 0.3];
        assert_eq!(score(Scoring::Accuracy, &[1, 0, 1], Predicted::Margins(&margins), 3), 2.0 / 3.0);
        let loss = score(Scoring::NegLogLoss, &[1, 0, 1], Predicted::Margins(&margins), 3);
        assert!(loss < 0.0 && loss > -2.0);
        assert!(Scoring::F1.begin(Some(3)).is_err());
        assert!(Scoring::F1Macro.begin(Some(3)).is_ok());
        let text = Scoring::Accuracy.begin(None).unwrap_err().to_string();
        assert!(text.contains("`accuracy` judges classes"), "{text}");
        assert!(Scoring::R2.begin(Some(2)).is_err());
    }

    #[test]
    fn numbers_are_judged_by_their_errors() {
        let mut score = Scoring::NegMeanAbsoluteError.begin(None).unwrap();
        score.update(Labels::Values(&[1.0, 2.0]), &Predicted::Values(&[2.0, 4.0]), None).unwrap();
        assert_eq!(score.value(), -1.5);
    }

    #[test]
    fn what_cannot_be_judged_is_said() {
        let mut score = Scoring::RocAuc.begin(Some(2)).unwrap();
        let text = score.update(Labels::Classes(&[0]), &Predicted::Classes(&[0]), None).unwrap_err().to_string();
        assert!(text.contains("`roc_auc` cannot be made from predicted classes"), "{text}");
        assert!(score.update(Labels::Classes(&[0, 1]), &Predicted::Margins(&[0.0]), None).is_err());
        assert!(score.update(Labels::Values(&[0.0]), &Predicted::Values(&[0.0]), None).is_err());
        for scoring in Scoring::all() {
            let classes = (scoring.asks() != Asks::Value).then_some(2);
            assert!(scoring.begin(classes).unwrap().value().is_nan(), "{scoring}");
        }
    }

    proptest! {
        #[test]
        fn cuts_change_no_bit(
            rows in prop::collection::vec((0..2_u32, -2..3_i32, 0.0..2f64), 1..60),
            cut in 0..60_usize,
            weighted in any::<bool>(),
        ) {
            let cut = cut.min(rows.len());
            let truth: Vec<u32> = rows.iter().map(|r| r.0).collect();
            let margins: Vec<f64> = rows.iter().map(|r| 0.7 * f64::from(r.1)).collect();
            let weights: Vec<f64> = rows.iter().map(|r| r.2).collect();
            let values: Vec<f64> = truth.iter().map(|c| f64::from(*c) + 0.3).collect();
            for scoring in Scoring::all() {
                let part = |from: usize, to: usize, into: Option<Score>| {
                    let learnt = scoring.asks() == Asks::Value;
                    let mut score = into.unwrap_or_else(|| scoring.begin((!learnt).then_some(2)).unwrap());
                    let weights = weighted.then_some(&weights[from..to]);
                    if learnt {
                        let predicted = Predicted::Values(&margins[from..to]);
                        score.update(Labels::Values(&values[from..to]), &predicted, weights).unwrap();
                    } else {
                        let predicted = Predicted::Margins(&margins[from..to]);
                        score.update(Labels::Classes(&truth[from..to]), &predicted, weights).unwrap();
                    }
                    score
                };
                let whole = part(0, rows.len(), None).value();
                let mut merged = part(0, cut, None);
                merged.merge(part(cut, rows.len(), None));
                prop_assert_eq!(merged.value().to_bits(), whole.to_bits(), "{}", scoring);
                let fed = part(cut, rows.len(), Some(part(0, cut, None)));
                prop_assert_eq!(fed.value().to_bits(), whole.to_bits(), "{}", scoring);
            }
        }
    }
}
