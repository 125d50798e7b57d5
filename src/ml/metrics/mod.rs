//! How good predictions are: scikit-learn's metrics.
//!
//! A metric is a small state that is fed with rows, weighted or not, and merged in the order of the rows, so that it can
//! ride along with any pass over the data. Counts are exact and sums are rounded once, so a result does not depend on how
//! rows are cut, to the bit.
//!
//! | module | what |
//! |---|---|
//! | [`accuracy`] | the share of rows predicted rightly |
//! | [`confusion`] | how often each class is taken for each: what most scores of classes are made from |
//! | [`precision`] | precision, recall, F-β as functions of labels |
//! | [`report`] | the scores of each class in a table |
//! | [`ranking`] | scores that order rows: ROC AUC, average precision |
//! | [`curves`] | the points of ROC and precision-recall curves |
//! | [`calibration`] | how often what is predicted with a probability comes true |
//! | [`mod@log_loss`] | how probable a model held what came true |
//! | [`brier`] | squared errors of probabilities |
//! | [`regression`] | errors of numbers |
//! | [`frames`] | all of them of the columns of a frame, in a pass over its partitions |
//! | `labels` | labels as class numbers |
//! | `sums` | sums without an error |

pub mod accuracy;
pub mod brier;
pub mod calibration;
pub mod confusion;
pub mod curves;
pub mod frames;
#[cfg(test)]
mod goldens;
mod labels;
pub mod log_loss;
pub mod precision;
pub mod ranking;
pub mod regression;
pub mod report;
pub(crate) mod sums;

pub use accuracy::{Accuracy, accuracy_score};
pub use brier::{Brier, brier_score_loss};
pub use calibration::{Bins, Calibration, CalibrationCurve, calibration_curve};
pub use confusion::{Average, ConfusionMatrix, Normalize};
pub use curves::{PrecisionRecallCurve, RocCurve, precision_recall_curve, roc_curve};
pub use frames::{OnFrame, on};
pub use log_loss::{LogLoss, log_loss};
pub use precision::{balanced_accuracy_score, f1_score, fbeta_score, precision_score, recall_score};
pub use ranking::{Ranked, Ranking, average_precision_score, roc_auc_score};
pub use regression::{
    Residuals, explained_variance_score, max_error, mean_absolute_error, mean_squared_error, r2_score,
    root_mean_squared_error,
};
pub use report::{ClassificationReport, ReportRow, classification_report};
