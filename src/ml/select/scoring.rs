//! What candidates are judged by.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::base::schema::nearest;
use crate::base::{Error, Result};

/// What a candidate is judged by; more is better, so errors and losses are negative. The names are scikit-learn's.
///
/// Scores of classes that are named without an average look at the second of two classes.
///
/// ```
/// use partita::ml::Scoring;
/// let scoring: Scoring = "roc_auc".parse()?;
/// assert_eq!((scoring, scoring.to_string()), (Scoring::RocAuc, "roc_auc".to_string()));
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
#[non_exhaustive]
pub enum Scoring {
    /// `accuracy`: the share of rows whose class is predicted rightly.
    #[default]
    Accuracy,
    /// `balanced_accuracy`: the mean of the recalls of the classes.
    BalancedAccuracy,
    /// `precision`: of the rows predicted to be of the second class, the share that is.
    Precision,
    /// `precision_macro`: the mean over the classes.
    PrecisionMacro,
    /// `precision_micro`: of the counts of all classes.
    PrecisionMicro,
    /// `precision_weighted`: the mean over the classes, by their rows.
    PrecisionWeighted,
    /// `recall`: of the rows of the second class, the share predicted to be.
    Recall,
    /// `recall_macro`: the mean over the classes.
    RecallMacro,
    /// `recall_micro`: of the counts of all classes.
    RecallMicro,
    /// `recall_weighted`: the mean over the classes, by their rows.
    RecallWeighted,
    /// `f1`: the harmonic mean of precision and recall.
    F1,
    /// `f1_macro`: the mean over the classes.
    F1Macro,
    /// `f1_micro`: of the counts of all classes.
    F1Micro,
    /// `f1_weighted`: the mean over the classes, by their rows.
    F1Weighted,
    /// `roc_auc`: the area under the ROC curve. It holds the score of every row.
    RocAuc,
    /// `average_precision`: the mean of the precisions, by how much the recall rises. It holds the score of every row.
    AveragePrecision,
    /// `neg_log_loss`: the mean of the logarithm of the probability of the true class.
    NegLogLoss,
    /// `neg_brier_score`: the mean squared error of probabilities.
    NegBrier,
    /// `r2`: the share of the variance that is explained.
    R2,
    /// `explained_variance`: the same, but for a constant error.
    ExplainedVariance,
    /// `neg_max_error`: the greatest absolute error.
    NegMaxError,
    /// `neg_mean_absolute_error`.
    NegMeanAbsoluteError,
    /// `neg_mean_squared_error`.
    NegMeanSquaredError,
    /// `neg_root_mean_squared_error`.
    NegRootMeanSquaredError,
}

/// What a score has to know of a row beside the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// The predicted class.
    Class,
    /// Anything that rises with the probability of the second class: margins will do.
    Rank,
    /// The probabilities of the classes, or the margins that they come from.
    Probability,
    /// The predicted number.
    Value,
}

const NAMES: [(Scoring, &str); 24] = [
    (Scoring::Accuracy, "accuracy"),
    (Scoring::BalancedAccuracy, "balanced_accuracy"),
    (Scoring::Precision, "precision"),
    (Scoring::PrecisionMacro, "precision_macro"),
    (Scoring::PrecisionMicro, "precision_micro"),
    (Scoring::PrecisionWeighted, "precision_weighted"),
    (Scoring::Recall, "recall"),
    (Scoring::RecallMacro, "recall_macro"),
    (Scoring::RecallMicro, "recall_micro"),
    (Scoring::RecallWeighted, "recall_weighted"),
    (Scoring::F1, "f1"),
    (Scoring::F1Macro, "f1_macro"),
    (Scoring::F1Micro, "f1_micro"),
    (Scoring::F1Weighted, "f1_weighted"),
    (Scoring::RocAuc, "roc_auc"),
    (Scoring::AveragePrecision, "average_precision"),
    (Scoring::NegLogLoss, "neg_log_loss"),
    (Scoring::NegBrier, "neg_brier_score"),
    (Scoring::R2, "r2"),
    (Scoring::ExplainedVariance, "explained_variance"),
    (Scoring::NegMaxError, "neg_max_error"),
    (Scoring::NegMeanAbsoluteError, "neg_mean_absolute_error"),
    (Scoring::NegMeanSquaredError, "neg_mean_squared_error"),
    (Scoring::NegRootMeanSquaredError, "neg_root_mean_squared_error"),
];

impl Scoring {
    /// All there are.
    pub fn all() -> impl Iterator<Item = Scoring> {
        NAMES.iter().map(|(scoring, _)| *scoring)
    }

    /// scikit-learn's name.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(scoring, _)| *scoring == self).map_or("", |(_, name)| name)
    }

    pub(crate) fn asks(self) -> Asks {
        match self {
            Scoring::RocAuc | Scoring::AveragePrecision => Asks::Rank,
            Scoring::NegLogLoss | Scoring::NegBrier => Asks::Probability,
            Scoring::R2
            | Scoring::ExplainedVariance
            | Scoring::NegMaxError
            | Scoring::NegMeanAbsoluteError
            | Scoring::NegMeanSquaredError
            | Scoring::NegRootMeanSquaredError => Asks::Value,
            _ => Asks::Class,
        }
    }

    /// Whether it looks at the second of two classes, and knows nothing to do with more.
    pub(crate) fn is_binary(self) -> bool {
        matches!(self, Scoring::Precision | Scoring::Recall | Scoring::F1 | Scoring::RocAuc | Scoring::AveragePrecision)
    }
}

impl fmt::Display for Scoring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<Scoring> for &'static str {
    fn from(scoring: Scoring) -> &'static str {
        scoring.name()
    }
}

impl FromStr for Scoring {
    type Err = Error;

    fn from_str(name: &str) -> Result<Scoring> {
        let found = NAMES.iter().find(|(_, known)| *known == name);
        found.map(|(scoring, _)| *scoring).ok_or_else(|| {
            let known = || NAMES.iter().map(|(_, name)| *name);
            let near = nearest(name, known()).map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
            Error::invalid(format!("there is no scoring `{name}`{near}"))
                .help(format!("there are {}", known().collect::<Vec<_>>().join(", ")))
        })
    }
}

impl TryFrom<String> for Scoring {
    type Error = Error;

    fn try_from(name: String) -> Result<Scoring> {
        name.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for scoring in Scoring::all() {
            assert_eq!(scoring.to_string().parse::<Scoring>().unwrap(), scoring);
            let text = serde_json::to_string(&scoring).unwrap();
            assert_eq!(text, format!("\"{scoring}\""));
            assert_eq!(serde_json::from_str::<Scoring>(&text).unwrap(), scoring);
        }
        let text = "roc-auc".parse::<Scoring>().unwrap_err().to_string();
        assert!(text.contains("did you mean `roc_auc`") && text.contains("neg_log_loss"), "{text}");
    }
}
