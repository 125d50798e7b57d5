//! The scores of each class in a table.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};

use super::confusion::{Average, ConfusionMatrix, OfClass, f_beta, precision, recall};
use crate::base::Result;
use crate::frame::Table;
use crate::ml::classes::Label;

/// Precision, recall, F₁ and support of each class, the accuracy, and the means over the classes:
/// `sklearn.metrics.classification_report`. It prints as there.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassificationReport {
    classes: Vec<ReportRow>,
    accuracy: f64,
    /// `macro avg` and `weighted avg`.
    averages: [ReportRow; 2],
    digits: usize,
}

/// A row of a [`ClassificationReport`].
#[derive(Clone, Debug, PartialEq)]
pub struct ReportRow {
    /// The class, or which mean it is.
    pub name: String,
    /// Of the rows predicted to be of the class, the share that is.
    pub precision: f64,
    /// Of the rows of the class, the share predicted to be.
    pub recall: f64,
    /// The harmonic mean of both.
    pub f1: f64,
    /// The rows of the class, or their weight.
    pub support: f64,
}

/// The [`ClassificationReport`] of some labels.
///
/// ```
/// use partita::ml::metrics::classification_report;
/// let report = classification_report(&[0, 1, 2, 2, 2_i64], &[0, 0, 2, 2, 1])?;
/// assert_eq!(report.to_string().lines().nth(4).unwrap(), "           2       1.00      0.67      0.80         3");
/// # Ok::<(), partita::Error>(())
/// ```
///
/// # Errors
/// `Model` if there are not as many predictions as rows, or for a label that is none, as NaN.
pub fn classification_report<T: Label>(truth: &[T], predicted: &[T]) -> Result<ClassificationReport> {
    Ok(ConfusionMatrix::of(truth, predicted)?.report())
}

impl ConfusionMatrix {
    /// The scores of each class that occurs.
    pub fn report(&self) -> ClassificationReport {
        let (counts, zero) = (self.counts(), self.score_at_zero());
        let score = |(above, below): (f64, f64)| if below == 0.0 { zero } else { above / below };
        let row = |(name, class): (String, OfClass)| ReportRow {
            name,
            precision: score(precision(class)),
            recall: score(recall(class)),
            f1: score(f_beta(1.0)(class)),
            support: class.support,
        };
        let named = self.classes().names().into_iter().enumerate().map(|(i, name)| (name, counts.of_class(i)));
        let all = counts.all();
        let mean = |name: &str, average| ReportRow {
            name: name.into(),
            precision: counts.averaged(precision, average, None, zero),
            recall: counts.averaged(recall, average, None, zero),
            f1: counts.averaged(f_beta(1.0), average, None, zero),
            support: all,
        };
        ClassificationReport {
            classes: named.filter(|(_, class)| class.occurs).map(row).collect(),
            accuracy: self.accuracy(),
            averages: [mean("macro avg", Average::Macro), mean("weighted avg", Average::Weighted)],
            digits: 2,
        }
    }
}

impl ClassificationReport {
    /// So many digits are printed behind the point, at most 17, by which all numbers differ; 2 if nothing is said.
    #[must_use]
    pub fn digits(mut self, digits: usize) -> Self {
        self.digits = digits.min(17);
        self
    }

    /// A row for each class.
    pub fn classes(&self) -> &[ReportRow] {
        &self.classes
    }

    /// The share predicted rightly.
    pub fn accuracy(&self) -> f64 {
        self.accuracy
    }

    /// The means over the classes.
    pub fn macro_average(&self) -> &ReportRow {
        &self.averages[0]
    }

    /// The means over the classes, by the weight of their rows.
    pub fn weighted_average(&self) -> &ReportRow {
        &self.averages[1]
    }

    /// A row for each class, then `accuracy` (as its F₁, as it is printed; its precision and recall are null),
    /// `macro avg` and `weighted avg`; the columns are `class`, `precision`, `recall`, `f1_score` and `support`.
    ///
    /// # Errors
    /// Never in practice.
    pub fn to_table(&self) -> Result<Table> {
        let accuracy = ReportRow { name: "accuracy".into(), f1: self.accuracy, ..self.averages[0].clone() };
        let plain = self.classes.len();
        let rows: Vec<&ReportRow> = self.classes.iter().chain([&accuracy]).chain(&self.averages).collect();
        let floats = |of: fn(&ReportRow) -> f64| -> ArrayRef {
            Arc::new(rows.iter().map(|row| Some(of(row))).collect::<Float64Array>())
        };
        let but_accuracy = |of: fn(&ReportRow) -> f64| -> ArrayRef {
            Arc::new(rows.iter().enumerate().map(|(i, row)| (i != plain).then(|| of(row))).collect::<Float64Array>())
        };
        let names: ArrayRef = Arc::new(rows.iter().map(|row| Some(&row.name)).collect::<StringArray>());
        let batch = RecordBatch::try_from_iter([
            ("class", names),
            ("precision", but_accuracy(|row| row.precision)),
            ("recall", but_accuracy(|row| row.recall)),
            ("f1_score", floats(|row| row.f1)),
            ("support", floats(|row| row.support)),
        ])?;
        Ok(Table::new(batch.schema(), vec![batch]))
    }
}

impl fmt::Display for ClassificationReport {
    /// As scikit-learn prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest = self.classes.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        let (width, digits) = (longest.max("weighted avg".len()), self.digits);
        let line = |f: &mut fmt::Formatter<'_>, row: &ReportRow| {
            let ReportRow { name, precision, recall, f1, support } = row;
            let scores = format!("{precision:>9.digits$} {recall:>9.digits$} {f1:>9.digits$}");
            writeln!(f, "{name:>width$}  {scores} {support:>9}")
        };
        let head = ["precision", "recall", "f1-score", "support"].map(|head| format!(" {head:>9}")).concat();
        writeln!(f, "{:>width$} {head}\n", "")?;
        self.classes.iter().try_for_each(|row| line(f, row))?;
        let (accuracy, all) = (self.accuracy, self.averages[0].support);
        let blank = " ".repeat(19);
        writeln!(f, "\n{:>width$}  {blank} {accuracy:>9.digits$} {all:>9}", "accuracy")?;
        self.averages.iter().try_for_each(|row| line(f, row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::classes::Classes;

    #[test]
    fn it_prints_as_in_scikit_learn() {
        let report = classification_report(&[0_i64, 1, 2, 2, 2], &[0, 0, 2, 2, 1]).unwrap();
        insta::assert_snapshot!(report.to_string(), @r"
              precision    recall  f1-score   support

           0       0.50      1.00      0.67         1
           1       0.00      0.00      0.00         1
           2       1.00      0.67      0.80         3

    accuracy                           0.60         5
   macro avg       0.50      0.56      0.49         5
weighted avg       0.70      0.60      0.61         5
");
        let matrix = ConfusionMatrix::of(&[0_i64, 1, 2, 2, 2], &[0, 0, 2, 2, 1]).unwrap();
        insta::assert_snapshot!(matrix.to_string(), @r"
┌──────────────────┬───┬───┬───┐
│ true \ predicted ┆ 0 ┆ 1 ┆ 2 │
╞══════════════════╪═══╪═══╪═══╡
│                0 ┆ 1 ┆ 0 ┆ 0 │
│                1 ┆ 1 ┆ 0 ┆ 0 │
│                2 ┆ 0 ┆ 1 ┆ 2 │
└──────────────────┴───┴───┴───┘
");
    }

    #[test]
    fn as_a_table() {
        let words = |words: [&str; 3]| words.map(str::to_string);
        let report = classification_report(&words(["no", "yes", "yes"]), &words(["no", "no", "yes"])).unwrap();
        let table = report.to_table().unwrap();
        assert_eq!(table.f64s("precision").unwrap(), [Some(0.5), Some(1.0), None, Some(0.75), Some(5.0 / 6.0)]);
        assert_eq!(table.f64s("f1_score").unwrap()[2], Some(2.0 / 3.0));
        assert_eq!(table.f64s("support").unwrap(), [1.0, 2.0, 3.0, 3.0, 3.0].map(Some));
        // classes that do not occur have no row
        let none = ConfusionMatrix::new(Classes::Bool(vec![false, true])).report();
        assert!(none.classes().is_empty() && none.accuracy().is_nan());
        assert_eq!(report.clone().digits(70_000).to_string(), report.digits(17).to_string());
    }
}
