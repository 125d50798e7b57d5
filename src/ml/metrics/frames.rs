//! Metrics of the columns of a frame, which is read partition by partition.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, Float64Type, Schema};
use serde::Serialize;

use super::brier::Brier;
use super::calibration::{Calibration, CalibrationCurve};
use super::confusion::{ConfusionMatrix, Counts};
use super::curves::{PrecisionRecallCurve, RocCurve};
use super::labels::{Named, positive_class, union};
use super::log_loss::LogLoss;
use super::ranking::{Ranked, Step, Sweep};
use super::regression::Residuals;
use super::report::ClassificationReport;
use super::sums::Tally;
use crate::base::schema::{index_of, logical};
use crate::base::{Error, Result};
use crate::expr::col;
use crate::frame::DataFrame;
use crate::ml::classes::Classes;
use crate::ml::pipeline::ParamValue;
use crate::ml::prepare::frames::fit_frame;
use crate::ml::prepare::{Categorizer, OnePass};

/// More classes than this are a mistake.
const MOST_CLASSES: usize = 1000;

/// The metrics of two columns of a frame: what is true and what is predicted. Each is computed when it is asked for, in
/// one pass over the partitions, in little memory; where the positive class has to be known, a pass over the column of the
/// truth goes before it.
#[derive(Clone, Debug)]
pub struct OnFrame {
    frame: DataFrame,
    truth: String,
    predicted: String,
    weights: Option<String>,
    positive: Named,
}

/// The metrics of a column of truth and a column of predictions (classes, probabilities, scores or numbers).
///
/// ```
/// use partita::ml::metrics;
/// # use std::sync::Arc;
/// # let tip = Arc::new(arrow::array::BooleanArray::from(vec![false, false, true, true])) as arrow::array::ArrayRef;
/// # let p = Arc::new(arrow::array::Float64Array::from(vec![0.1, 0.4, 0.35, 0.8])) as arrow::array::ArrayRef;
/// # let batch = arrow::array::RecordBatch::try_from_iter([("high_tip", tip), ("p", p)]).unwrap();
/// # let taxi = partita::DataFrame::from_batches([batch])?;
/// assert_eq!(metrics::on(&taxi, "high_tip", "p").roc_auc()?, 0.75);
/// # Ok::<(), partita::Error>(())
/// ```
pub fn on(frame: &DataFrame, truth: impl Into<String>, predicted: impl Into<String>) -> OnFrame {
    let (truth, predicted) = (truth.into(), predicted.into());
    OnFrame { frame: frame.clone(), truth, predicted, weights: None, positive: Named::Not }
}

/// What is gathered in a pass.
#[derive(Clone, Serialize)]
struct Pass {
    truth: String,
    predicted: String,
    weights: Option<String>,
    what: What,
}

#[derive(Clone, Serialize)]
enum What {
    Labels,
    Values,
    LogLoss(Positive),
    Brier(Positive),
    Calibration(Positive, usize),
}

/// The classes of the truth, and the number of the positive one.
#[derive(Clone, Serialize)]
struct Positive {
    classes: Classes,
    class: Option<u32>,
}

/// What has been gathered.
enum Gathered {
    Labels(Option<Labelled>),
    Values(Box<Residuals>),
    LogLoss(LogLoss),
    Brier(Brier),
    Calibration(Calibration),
}

struct Labelled {
    classes: Classes,
    counts: Counts,
}

impl OnFrame {
    /// The rows have weights, in this column.
    #[must_use]
    pub fn weights(mut self, column: impl Into<String>) -> Self {
        self.weights = Some(column.into());
        self
    }

    /// The positive class: the greater label of two if nothing is said. All others are negative, however many there are.
    /// It has to be said where rows may be of one class alone, as after a filter, unless labels are booleans or 0 and 1.
    ///
    /// ```
    /// use partita::{col, ml::metrics};
    /// # use std::sync::Arc;
    /// # let paid = Arc::new(arrow::array::StringArray::from(vec!["no", "yes", "yes"])) as arrow::array::ArrayRef;
    /// # let p = Arc::new(arrow::array::Float64Array::from(vec![0.5, 0.5, 1.0])) as arrow::array::ArrayRef;
    /// # let batch = arrow::array::RecordBatch::try_from_iter([("paid", paid), ("p", p)]).unwrap();
    /// # let taxi = partita::DataFrame::from_batches([batch])?;
    /// let certain = taxi.filter(col("p").gt(0.9))?;
    /// assert_eq!(metrics::on(&certain, "paid", "p").positive("yes").brier_score()?, 0.0);
    /// # Ok::<(), partita::Error>(())
    /// ```
    #[must_use]
    pub fn positive(mut self, label: impl Into<ParamValue>) -> Self {
        self.positive = Named::Label(label.into().into());
        self
    }

    /// The confusion matrix of true and predicted labels.
    ///
    /// # Errors
    /// `UnknownColumn`; `TypeMismatch` for columns that cannot be labels, or not both of one kind, as where probabilities
    /// are given for classes; `Model` for a null or NaN, for weights that are negative or not finite, and for more than 1000 classes; the first error of a task.
    pub fn confusion_matrix(&self) -> Result<ConfusionMatrix> {
        match self.gather(What::Labels)? {
            Gathered::Labels(Some(Labelled { classes, counts })) => {
                expect_labels(&classes, &counts).map_err(|e| e.at_column(&self.predicted))?;
                Ok(ConfusionMatrix::from_counts(classes, counts).named(self.positive.clone()))
            }
            _ => Err(no_rows()),
        }
    }

    /// The share of rows predicted rightly.
    ///
    /// # Errors
    /// As [`confusion_matrix`](Self::confusion_matrix).
    pub fn accuracy(&self) -> Result<f64> {
        Ok(self.confusion_matrix()?.accuracy())
    }

    /// Precision, recall and F₁ of each class.
    ///
    /// # Errors
    /// As [`confusion_matrix`](Self::confusion_matrix).
    pub fn classification_report(&self) -> Result<ClassificationReport> {
        Ok(self.confusion_matrix()?.report())
    }

    /// The errors of predicted numbers.
    ///
    /// # Errors
    /// `UnknownColumn`; `TypeMismatch` for columns that are no numbers; `Model` for no rows, a null, and weights that are
    /// negative or not finite; the first error of a task.
    pub fn residuals(&self) -> Result<Residuals> {
        match self.gather(What::Values)? {
            Gathered::Values(residuals) if residuals.rows() > 0 => Ok(*residuals),
            _ => Err(no_rows()),
        }
    }

    /// The log loss of probabilities of the positive class: the greater label of two.
    ///
    /// # Errors
    /// `UnknownColumn`; `TypeMismatch` for truth that cannot be labels and predictions that are no numbers; `Model` for no
    /// rows, more than two classes or one alone of which it is not known whether it is the positive one (see
    /// [`positive`](Self::positive)), a null, and weights that are negative or not finite; `Invalid` for a positive class
    /// that is none; the first error of a task.
    pub fn log_loss(&self) -> Result<f64> {
        match self.gather(What::LogLoss(self.signed()?))? {
            Gathered::LogLoss(loss) => Ok(loss.value()),
            _ => Err(no_rows()),
        }
    }

    /// The mean squared error of probabilities of the positive class.
    ///
    /// # Errors
    /// As [`log_loss`](Self::log_loss).
    pub fn brier_score(&self) -> Result<f64> {
        match self.gather(What::Brier(self.signed()?))? {
            Gathered::Brier(brier) => Ok(brier.value()),
            _ => Err(no_rows()),
        }
    }

    /// The calibration curve of probabilities of the positive class, of bins as wide as each other.
    ///
    /// # Errors
    /// As [`log_loss`](Self::log_loss); `Invalid` for no bins.
    pub fn calibration_curve(&self, bins: usize) -> Result<CalibrationCurve> {
        match self.gather(What::Calibration(self.signed()?, bins))? {
            Gathered::Calibration(calibration) => Ok(calibration.curve()),
            _ => Err(no_rows()),
        }
    }

    /// The area under the ROC curve, exact; the rows are sorted by their scores, on disk if need be.
    ///
    /// # Errors
    /// As [`log_loss`](Self::log_loss), and `Model` for a score that is NaN.
    pub fn roc_auc(&self) -> Result<f64> {
        Ok(self.sweep()?.roc_auc())
    }

    /// The average precision, exact; the rows are sorted by their scores, on disk if need be.
    ///
    /// # Errors
    /// As [`roc_auc`](Self::roc_auc).
    pub fn average_precision(&self) -> Result<f64> {
        Ok(self.sweep()?.average_precision())
    }

    /// The points of the ROC curve. 24 bytes are held for each score that occurs.
    ///
    /// # Errors
    /// As [`roc_auc`](Self::roc_auc).
    pub fn roc_curve(&self) -> Result<RocCurve> {
        Ok(self.ranked()?.roc_curve())
    }

    /// The points of the precision-recall curve. 24 bytes are held for each score that occurs.
    ///
    /// # Errors
    /// As [`roc_auc`](Self::roc_auc).
    pub fn precision_recall_curve(&self) -> Result<PrecisionRecallCurve> {
        Ok(self.ranked()?.precision_recall_curve())
    }

    /// The rows by their scores. 24 bytes are held for each score that occurs.
    ///
    /// # Errors
    /// As [`roc_auc`](Self::roc_auc).
    pub fn ranked(&self) -> Result<Ranked> {
        let mut steps = Vec::new();
        self.steps(|step| steps.push(step))?;
        Ok(Ranked::of_steps(steps, self.weights.is_some()))
    }

    fn sweep(&self) -> Result<Sweep> {
        let mut sweep = Sweep::new(self.weights.is_some());
        self.steps(|step| sweep.push(&step))?;
        Ok(sweep)
    }

    /// The columns that are read, alone.
    fn columns(&self) -> Result<DataFrame> {
        let mut columns = vec![self.truth.clone(), self.predicted.clone()];
        columns.extend(self.weights.clone());
        columns.dedup();
        self.frame.select(columns)
    }

    fn gather(&self, what: What) -> Result<Gathered> {
        let OnFrame { truth, predicted, weights, .. } = self.clone();
        fit_frame(&Pass { truth, predicted, weights, what }, &self.columns()?)
    }

    /// The classes of the truth, and which is positive.
    fn signed(&self) -> Result<Positive> {
        let place = index_of(self.frame.schema(), &self.truth)?;
        let classes = if logical(self.frame.schema().field(place).data_type()) == DataType::Boolean {
            Classes::Bool(vec![false, true])
        } else {
            let fitted = Categorizer::new().columns([&self.truth]).fit(&self.frame.select([self.truth.as_str()])?)?;
            fitted.categories(&self.truth).cloned().ok_or_else(no_rows)?
        };
        if self.positive == Named::Not && classes.len() > 2 && !classes.are_whole() {
            let what = format!("the column has {} values that are not whole, and labels are needed", classes.len());
            return Err(Error::types(what).at_column(&self.truth).doing("score").help("is the truth named first?"));
        }
        let class = positive_class(&classes, &self.positive).map_err(|e| e.at_column(&self.truth))?;
        Ok(Positive { classes, class })
    }

    /// What there is of each score, from the greatest on.
    fn steps(&self, mut each: impl FnMut(Step)) -> Result<()> {
        let positive = self.signed()?;
        let columns = self.columns()?;
        numeric(columns.schema(), &self.predicted)?;
        let mut at: Option<(f64, [Tally; 2])> = None;
        let mut give = |(score, [negative, positive]): (f64, [Tally; 2])| {
            let step = Step { score, positive: positive.value(), negative: negative.value() };
            // rows that weigh nothing are none
            if step.positive + step.negative > 0.0 {
                each(step);
            }
        };
        for batch in columns.sort_by([col(self.predicted.as_str()).desc()])?.batches()? {
            let batch = batch?;
            let truth = positive.of(&batch, &self.truth)?;
            let scores = floats(&batch, &self.predicted)?;
            let weights = self.weights.as_ref().map(|column| floats(&batch, column)).transpose()?;
            super::sums::expect_rows(truth.len(), scores.len(), weights.as_deref())?;
            for (row, (&score, &truth)) in scores.iter().zip(&truth).enumerate() {
                if score.is_nan() {
                    return Err(Error::model("a score is NaN").at_column(&self.predicted).doing("score"));
                }
                // −0 and 0 are one score
                if at.as_ref().is_none_or(|(of, _)| *of != score)
                    && let Some(last) = at.replace((score + 0.0, Default::default()))
                {
                    give(last);
                }
                if let Some((_, tallies)) = &mut at {
                    match &weights {
                        None => tallies[usize::from(truth)].count(1),
                        Some(weights) => tallies[usize::from(truth)].weigh(weights[row]),
                    }
                }
            }
        }
        at.into_iter().for_each(give);
        Ok(())
    }
}

impl Positive {
    /// Whether each row of a batch is positive.
    fn of(&self, batch: &RecordBatch, column: &str) -> Result<Vec<bool>> {
        let codes = self.classes.codes(batch.column(index_of(&batch.schema(), column)?))?;
        if codes.iter().any(|code| *code as usize >= self.classes.len()) {
            return Err(Error::model("a label is null or NaN").at_column(column).doing("score"));
        }
        Ok(codes.into_iter().map(|code| Some(code) == self.class).collect())
    }
}

impl OnePass for Pass {
    type Stats = Gathered;
    type Fitted = Gathered;

    fn begin(&self, schema: &Schema) -> Result<Gathered> {
        if let Some(weights) = &self.weights {
            numeric(schema, weights)?;
        }
        match self.what {
            What::Labels => {
                label_type(schema, &self.truth, &self.predicted)?;
            }
            What::Values => {
                numeric(schema, &self.truth)?;
                numeric(schema, &self.predicted)?;
            }
            _ => numeric(schema, &self.predicted)?,
        }
        Ok(match self.what {
            What::Labels => Gathered::Labels(None),
            What::Values => Gathered::Values(Box::default()),
            What::LogLoss(_) => Gathered::LogLoss(LogLoss::default()),
            What::Brier(_) => Gathered::Brier(Brier::default()),
            What::Calibration(_, bins) => Gathered::Calibration(Calibration::new(bins)?),
        })
    }

    fn update(&self, stats: &mut Gathered, batch: &RecordBatch) -> Result<()> {
        let weights = self.weights.as_ref().map(|column| floats(batch, column)).transpose()?;
        let (weights, predicted) = (weights.as_deref(), || floats(batch, &self.predicted));
        match (stats, &self.what) {
            (Gathered::Labels(all), _) => {
                let labelled = self.labelled(batch, weights)?;
                Labelled::merge(all, labelled)
            }
            (Gathered::Values(state), _) => state.update(&floats(batch, &self.truth)?, &predicted()?, weights),
            (Gathered::LogLoss(state), What::LogLoss(positive)) => {
                let positive = positive.of(batch, &self.truth)?;
                let of_truth = positive.iter().zip(predicted()?).map(|(yes, p)| if *yes { p } else { 1.0 - p });
                state.update(&of_truth.collect::<Vec<_>>(), weights)
            }
            (Gathered::Brier(state), What::Brier(positive)) => {
                state.update(&positive.of(batch, &self.truth)?, &predicted()?, weights)
            }
            (Gathered::Calibration(state), What::Calibration(positive, _)) => {
                state.update(&positive.of(batch, &self.truth)?, &predicted()?, weights)
            }
            _ => Ok(()),
        }
    }

    fn merge(&self, stats: &mut Gathered, later: Gathered) -> Result<()> {
        match (stats, later) {
            (Gathered::Labels(ours), Gathered::Labels(Some(theirs))) => Labelled::merge(ours, theirs)?,
            (Gathered::Values(ours), Gathered::Values(theirs)) => ours.merge(*theirs),
            (Gathered::LogLoss(ours), Gathered::LogLoss(theirs)) => ours.merge(theirs),
            (Gathered::Brier(ours), Gathered::Brier(theirs)) => ours.merge(theirs),
            (Gathered::Calibration(ours), Gathered::Calibration(theirs)) => ours.merge(theirs)?,
            _ => {}
        }
        Ok(())
    }

    fn finish(&self, stats: Gathered) -> Result<Gathered> {
        Ok(stats)
    }
}

impl Pass {
    /// The confusion of a batch.
    fn labelled(&self, batch: &RecordBatch, weights: Option<&[f64]>) -> Result<Labelled> {
        let schema = batch.schema();
        let common = label_type(&schema, &self.truth, &self.predicted)?;
        let column = |name: &str| -> Result<ArrayRef> {
            let column = cast(batch.column(index_of(&schema, name)?), &common)?;
            let nan =
                common == DataType::Float64 && column.as_primitive::<Float64Type>().values().iter().any(|v| v.is_nan());
            if column.null_count() > 0 || nan {
                return Err(Error::model("a label is null or NaN").at_column(name).doing("score"));
            }
            Ok(column)
        };
        let both = concat(&[&column(&self.truth)?, &column(&self.predicted)?])?;
        let (classes, mut truth) = Classes::of_column(&both).map_err(|e| e.at_column(&self.truth))?;
        let predicted = truth.split_off(batch.num_rows());
        let truth_type = logical(schema.field(index_of(&schema, &self.truth)?).data_type());
        if !truth_type.is_floating() && !classes.are_whole() {
            return Err(no_classes().at_column(&self.predicted));
        }
        expect_few(&classes)?;
        let mut counts = Counts::new(classes.len());
        counts.update(&truth, &predicted, weights)?;
        Ok(Labelled { classes, counts })
    }
}

impl Labelled {
    fn merge(all: &mut Option<Labelled>, later: Labelled) -> Result<()> {
        let Some(ours) = all.take() else {
            *all = Some(later);
            return Ok(());
        };
        let (classes, of_ours, of_later) = union(&ours.classes, &later.classes)?;
        expect_few(&classes)?;
        let mut counts = ours.counts.renumbered(&of_ours, classes.len());
        counts.merge(later.counts.renumbered(&of_later, classes.len()));
        *all = Some(Labelled { classes, counts });
        Ok(())
    }
}

fn expect_few(classes: &Classes) -> Result<()> {
    if classes.len() <= MOST_CLASSES {
        return Ok(());
    }
    let help = "judge numbers by residuals(), probabilities by roc_auc() or log_loss(); with_prediction gives classes";
    Err(Error::model(format!("there are more than {MOST_CLASSES} classes")).doing("score").help(help))
}

/// Succeeds unless the true labels are whole numbers and others were predicted, that are probabilities most likely.
///
/// # Errors
/// `TypeMismatch`.
fn expect_labels(classes: &Classes, counts: &Counts) -> Result<()> {
    let Classes::Float(labels) = classes else { return Ok(()) };
    let whole_truth = labels.iter().enumerate().all(|(c, label)| label.fract() == 0.0 || !counts.has_truth(c));
    if whole_truth && !classes.are_whole() { Err(no_classes()) } else { Ok(()) }
}

fn no_classes() -> Error {
    Error::types("the truth is of classes, and what is predicted are numbers that are not whole")
        .doing("score")
        .help("use with_prediction, not with_probability; or judge probabilities by roc_auc() and log_loss()")
}

fn no_rows() -> Error {
    Error::model("there are no rows").doing("score")
}

/// The type in which labels of two columns can be compared.
fn label_type(schema: &Schema, truth: &str, predicted: &str) -> Result<DataType> {
    let of = |name: &str| Ok::<_, Error>(logical(schema.field(index_of(schema, name)?).data_type()));
    let (a, b) = (of(truth)?, of(predicted)?);
    let number = |t: &DataType| t.is_numeric() || *t == DataType::Boolean;
    match (&a, &b) {
        (DataType::Boolean, DataType::Boolean) => Ok(DataType::Boolean),
        (DataType::Utf8, DataType::Utf8) => Ok(DataType::Utf8),
        (a, b) if a.is_integer() && b.is_integer() => Ok(DataType::Int64),
        (a, b) if number(a) && number(b) => Ok(DataType::Float64),
        _ => Err(Error::types(format!("the truth is {a} and what is predicted is {b}"))
            .at_column(predicted)
            .doing("score")),
    }
}

fn numeric(schema: &Schema, name: &str) -> Result<()> {
    let t = logical(schema.field(index_of(schema, name)?).data_type());
    if t.is_numeric() || t == DataType::Boolean {
        return Ok(());
    }
    Err(Error::types(format!("the column is {t}, and numbers are needed"))
        .at_column(name)
        .doing("score")
        .help("is the truth named first, and a column of probabilities or numbers behind it?"))
}

/// A numeric column without nulls.
fn floats(batch: &RecordBatch, name: &str) -> Result<Vec<f64>> {
    let column = batch.column(index_of(&batch.schema(), name)?);
    if column.null_count() > 0 {
        return Err(Error::model("a value is null").at_column(name).doing("score"));
    }
    Ok(cast(column, &DataType::Float64)?.as_primitive::<Float64Type>().values().to_vec())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{BooleanArray, Float64Array, Int64Array, StringArray};

    use super::*;
    use crate::ml::metrics::{self, Average};

    const ROWS: usize = 400;

    fn rows() -> (Vec<i64>, Vec<i64>, Vec<f64>, Vec<f64>) {
        let unit = |i: usize, k: u64| (crate::base::mixed(k, i as u64) >> 11) as f64 / (1_u64 << 53) as f64;
        let p: Vec<f64> = (0..ROWS).map(|i| (unit(i, 1) * 20.0).floor() / 20.0).collect();
        let truth = p.iter().enumerate().map(|(i, p)| i64::from(unit(i, 2) < *p)).collect();
        let predicted = p.iter().map(|p| i64::from(*p > 0.5)).collect();
        (truth, predicted, p, (0..ROWS).map(|i| 0.1 + unit(i, 3)).collect())
    }

    fn frame(parts: usize) -> DataFrame {
        let (truth, predicted, p, w) = rows();
        let name = |c: &i64| if *c == 1 { "yes" } else { "no" };
        let columns: [(&str, ArrayRef); 7] = [
            ("y", Arc::new(Int64Array::from(truth.clone()))),
            ("c", Arc::new(Float64Array::from_iter_values(predicted.iter().map(|c| *c as f64)))),
            ("p", Arc::new(Float64Array::from(p))),
            ("w", Arc::new(Float64Array::from(w))),
            ("n", Arc::new(truth.iter().enumerate().map(|(i, c)| (i != 77).then_some(*c)).collect::<Int64Array>())),
            ("word", Arc::new(StringArray::from_iter_values(truth.iter().map(name)))),
            ("flag", Arc::new(truth.iter().map(|c| Some(*c == 1)).collect::<BooleanArray>())),
        ];
        let whole = RecordBatch::try_from_iter(columns).unwrap();
        let size = ROWS / parts;
        DataFrame::from_batches((0..parts).map(|i| whole.slice(i * size, size))).unwrap()
    }

    #[test]
    fn frames_are_scored_as_slices() {
        let (truth, predicted, p, w) = rows();
        let matrix = ConfusionMatrix::of(&truth, &predicted).unwrap();
        for parts in [1, 8, 40] {
            let frame = frame(parts);
            let labels = on(&frame, "y", "c");
            assert_eq!(labels.confusion_matrix().unwrap().to_rows(), matrix.to_rows());
            assert_eq!(labels.accuracy().unwrap(), matrix.accuracy());
            assert_eq!(labels.classification_report().unwrap().macro_average(), matrix.report().macro_average());
            let weighted = labels.weights("w").confusion_matrix().unwrap().f1(Average::Binary).unwrap();
            let slices = ConfusionMatrix::weighted(&truth, &predicted, &w).unwrap();
            assert_eq!(weighted, slices.f1(Average::Binary).unwrap());
            for truth_column in ["y", "word", "flag"] {
                let scores = on(&frame, truth_column, "p");
                assert_eq!(scores.roc_auc().unwrap(), metrics::roc_auc_score(&truth, &p).unwrap());
                assert_eq!(scores.log_loss().unwrap(), metrics::log_loss(&truth, &p).unwrap());
                assert_eq!(scores.brier_score().unwrap(), metrics::brier_score_loss(&truth, &p).unwrap());
                let average = metrics::average_precision_score(&truth, &p).unwrap();
                assert_eq!(scores.average_precision().unwrap(), average);
                assert_eq!(scores.roc_curve().unwrap(), metrics::roc_curve(&truth, &p).unwrap());
                let curve = metrics::calibration_curve(&truth, &p, 5, metrics::Bins::Uniform).unwrap();
                assert_eq!(scores.calibration_curve(5).unwrap(), curve);
            }
            let mut ranking = metrics::Ranking::default();
            let positive: Vec<bool> = truth.iter().map(|c| *c == 1).collect();
            ranking.update(&positive, &p, Some(&w)).unwrap();
            let weighted = on(&frame, "y", "p").weights("w");
            assert_eq!(weighted.roc_auc().unwrap(), ranking.clone().into_ranked().roc_auc());
            assert_eq!(weighted.ranked().unwrap(), ranking.into_ranked());
            let values: Vec<f64> = truth.iter().map(|c| *c as f64).collect();
            assert_eq!(on(&frame, "y", "p").residuals().unwrap().r2(), metrics::r2_score(&values, &p).unwrap());
        }
    }

    #[test]
    fn one_label_alone_is_named() {
        let yes = frame(4).filter(col("flag")).unwrap();
        let p = |label: &str| on(&yes, label, "p");
        assert!(p("word").log_loss().unwrap_err().to_string().contains("all labels are `yes`"));
        let expected = p("flag").log_loss().unwrap();
        assert_eq!(p("y").log_loss().unwrap(), expected);
        assert_eq!(p("word").positive("yes").log_loss().unwrap(), expected);
        assert!(p("word").positive("no").log_loss().unwrap() != expected);
        assert_eq!(p("word").positive("yes").average_precision().unwrap(), 1.0);
        assert!(p("word").positive(1).brier_score().is_err());
        let matrix = |named: &str| on(&yes, "word", "word").positive(named).confusion_matrix().unwrap();
        assert_eq!(matrix("yes").precision(Average::Binary).unwrap(), 1.0);
        assert_eq!(matrix("no").precision(Average::Binary).unwrap(), 0.0);
        let whole = frame(4);
        let one_of_two = on(&whole, "word", "p").positive("no").roc_auc().unwrap();
        assert!((one_of_two + on(&whole, "word", "p").roc_auc().unwrap() - 1.0).abs() < 1e-12);
        assert!(on(&whole, "word", "p").positive("yess").roc_auc().unwrap_err().to_string().contains("`yess`"));
    }

    #[test]
    fn probabilities_are_no_classes() {
        let frame = frame(4);
        for truth in ["y", "flag", "c"] {
            let error = on(&frame, truth, "p").accuracy().unwrap_err();
            assert!(matches!(error.kind(), crate::base::ErrorKind::TypeMismatch { .. }), "{error}");
            assert!(error.to_string().contains("use with_prediction, not with_probability"), "{error}");
        }
        assert!(on(&frame, "flag", "c").accuracy().unwrap() > 0.5);
        assert_eq!(on(&frame, "p", "p").accuracy().unwrap(), 1.0);
    }

    #[test]
    fn what_cannot_be_scored_is_named() {
        let frame = frame(2);
        let text = |error: Error| error.to_string();
        assert!(text(on(&frame, "yy", "p").roc_auc().unwrap_err()).contains("yy"));
        let mixed = text(on(&frame, "word", "c").accuracy().unwrap_err());
        assert!(mixed.contains("the truth is Utf8 and what is predicted is Float64"), "{mixed}");
        assert!(text(on(&frame, "y", "word").roc_auc().unwrap_err()).contains("column `word`"));
        let swapped = text(on(&frame, "p", "flag").roc_auc().unwrap_err());
        assert!(swapped.contains("20 values that are not whole") && swapped.contains("truth named first"), "{swapped}");
        let none = frame.filter(col("p").gt(5)).unwrap();
        assert!(text(on(&none, "y", "c").accuracy().unwrap_err()).contains("no rows"));
        assert!(text(on(&none, "y", "p").log_loss().unwrap_err()).contains("no rows"));
        assert!(text(on(&frame, "y", "n").roc_auc().unwrap_err()).contains("null"));
        assert!(text(on(&frame, "n", "y").accuracy().unwrap_err()).contains("a label is null or NaN"));
        assert!(text(on(&frame, "n", "p").residuals().unwrap_err()).contains("null"));
    }
}
