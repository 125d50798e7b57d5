//! How often each class is taken for each.

use std::fmt;

use comfy_table::{CellAlignment, presets};

use super::labels::{Named, numbers, positive_class};
use super::sums::{Tally, expect_rows};
use crate::base::{Error, Result};
use crate::ml::classes::{Classes, Label};
use crate::ml::pipeline::ParamValue;

/// The rows, or their weight, of each true class (a row of the matrix) that were predicted to be of each class (a
/// column): `sklearn.metrics.confusion_matrix`. All scores of predicted classes are made from it.
///
/// Averages over classes count those that occur, in truth or among the predictions, as scikit-learn's do.
///
/// ```
/// use partita::ml::metrics::{Average, ConfusionMatrix};
/// let matrix = ConfusionMatrix::of(&[0, 1, 2, 0, 1, 2_i64], &[0, 2, 1, 0, 0, 1])?;
/// assert_eq!(matrix.to_rows(), [[2.0, 0.0, 0.0], [1.0, 0.0, 1.0], [0.0, 2.0, 0.0]]);
/// assert_eq!(matrix.precision(Average::Macro)?, 2.0 / 3.0 / 3.0);
/// println!("{matrix}\n{}", matrix.report());
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConfusionMatrix {
    classes: Classes,
    counts: Counts,
    positive: Named,
    zero_division: f64,
}

/// How the scores of the classes become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Average {
    /// The score of the positive class: the second of two, or the one that was named.
    Binary,
    /// The mean over the classes.
    Macro,
    /// One score from the sums of the counts of all classes.
    Micro,
    /// The mean over the classes, by the weight of their true rows.
    Weighted,
}

/// What a matrix is parted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Normalize {
    /// The rows of the true class: each row of the matrix adds up to 1.
    Truth,
    /// The rows of the predicted class: each column adds up to 1.
    Predicted,
    /// All rows.
    All,
}

/// Counts by true and by predicted class number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    classes: usize,
    cells: Vec<Tally>,
}

/// What is known of one class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct OfClass {
    /// Rows of the class that are predicted rightly.
    pub right: f64,
    /// Rows predicted to be of the class.
    pub predicted: f64,
    /// Rows of the class.
    pub support: f64,
    /// Whether it occurs at all.
    pub occurs: bool,
}

impl Counts {
    /// Counts of no rows.
    pub fn new(classes: usize) -> Counts {
        Counts { classes, cells: vec![Tally::default(); classes * classes] }
    }

    /// Counts rows.
    ///
    /// # Errors
    /// `Model` for a class number that is none; as [`expect_rows`].
    pub fn update(&mut self, truth: &[u32], predicted: &[u32], weights: Option<&[f64]>) -> Result<()> {
        expect_rows(truth.len(), predicted.len(), weights)?;
        for (row, (&truth, &predicted)) in truth.iter().zip(predicted).enumerate() {
            let cell = self.cell(truth as usize, predicted as usize).ok_or_else(|| {
                let classes = self.classes;
                Error::model(format!("class {truth} predicted as {predicted} in row {row}, of {classes} classes"))
            })?;
            match weights {
                None => self.cells[cell].count(1),
                Some(weights) => self.cells[cell].weigh(weights[row]),
            }
        }
        Ok(())
    }

    fn cell(&self, truth: usize, predicted: usize) -> Option<usize> {
        (truth.max(predicted) < self.classes).then_some(truth * self.classes + predicted)
    }

    /// Counts the rows of another state of the same classes.
    pub fn merge(&mut self, later: Counts) {
        for (ours, theirs) in self.cells.iter_mut().zip(later.cells) {
            ours.merge(theirs);
        }
    }

    /// The same counts where class i has number `numbers[i]` of `classes`.
    pub fn renumbered(self, numbers: &[u32], classes: usize) -> Counts {
        let mut counts = Counts::new(classes);
        let places = numbers.iter().flat_map(|truth| numbers.iter().map(move |predicted| (*truth, *predicted)));
        for ((truth, predicted), cell) in places.zip(self.cells) {
            if let Some(place) = counts.cell(truth as usize, predicted as usize) {
                counts.cells[place].merge(cell);
            }
        }
        counts
    }

    /// The rows of a true class predicted to be of another.
    pub fn value(&self, truth: usize, predicted: usize) -> f64 {
        self.cell(truth, predicted).map_or(0.0, |cell| self.cells[cell].value())
    }

    fn sum(&self, cells: impl Iterator<Item = usize>) -> Tally {
        cells.fold(Tally::default(), |mut sum, cell| {
            sum.merge(self.cells[cell].clone());
            sum
        })
    }

    /// Whether no row was counted.
    pub fn is_empty(&self) -> bool {
        self.cells.iter().all(|cell| cell.rows() == 0)
    }

    /// All rows.
    pub fn all(&self) -> f64 {
        self.sum(0..self.cells.len()).value()
    }

    /// Rows predicted rightly.
    pub fn right(&self) -> f64 {
        self.sum((0..self.classes).map(|c| c * (self.classes + 1))).value()
    }

    /// Whether a class has true rows, be it that they weigh nothing.
    pub fn has_truth(&self, class: usize) -> bool {
        (0..self.classes).filter_map(|predicted| self.cell(class, predicted)).any(|cell| self.cells[cell].rows() > 0)
    }

    /// What is known of a class.
    pub fn of_class(&self, class: usize) -> OfClass {
        let n = self.classes;
        let support = self.sum(class * n..(class + 1) * n);
        let predicted = self.sum((0..n).map(|truth| truth * n + class));
        OfClass {
            right: self.value(class, class),
            predicted: predicted.value(),
            support: support.value(),
            occurs: support.rows() + predicted.rows() > 0,
        }
    }

    /// What is known of the classes that occur.
    pub fn occurring(&self) -> impl Iterator<Item = OfClass> {
        (0..self.classes).map(|class| self.of_class(class)).filter(|class| class.occurs)
    }

    /// The mean of the recalls of the classes that have true rows.
    pub fn balanced_accuracy(&self) -> f64 {
        let recalls: Vec<f64> =
            self.occurring().map(|c| c.right / c.support).filter(|recall| !recall.is_nan()).collect();
        recalls.iter().sum::<f64>() / recalls.len() as f64
    }

    /// A score of classes, averaged; `of` gives dividend and divisor, `positive` is the class of [`Average::Binary`].
    pub fn averaged(
        &self,
        of: impl Fn(OfClass) -> (f64, f64),
        average: Average,
        positive: Option<usize>,
        zero_division: f64,
    ) -> f64 {
        let score = |class: OfClass| match of(class) {
            (_, 0.0) => zero_division,
            (above, below) => above / below,
        };
        match average {
            Average::Binary => {
                let none = OfClass { right: 0.0, predicted: 0.0, support: 0.0, occurs: false };
                score(positive.map_or(none, |class| self.of_class(class)))
            }
            Average::Micro => {
                let (right, all) = (self.right(), self.all());
                score(OfClass { right, predicted: all, support: all, occurs: true })
            }
            Average::Macro => mean(self.occurring().map(|class| (score(class), 1.0))),
            Average::Weighted => {
                let weighted = mean(self.occurring().map(|class| (score(class), class.support)));
                // nothing weighs anything
                if weighted.is_nan() { mean(self.occurring().map(|class| (score(class), 1.0))) } else { weighted }
            }
        }
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.cells.iter().map(|cell| size_of::<Tally>() + cell.bytes()).sum()
    }
}

/// The weighted mean of what is not NaN.
fn mean(values: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (sum, weight) = values
        .filter(|(value, _)| !value.is_nan())
        .fold((0.0, 0.0), |(sum, all), (value, weight)| (sum + value * weight, all + weight));
    sum / weight
}

/// Dividend and divisor of the precision.
pub(crate) fn precision(class: OfClass) -> (f64, f64) {
    (class.right, class.predicted)
}

/// Dividend and divisor of the recall.
pub(crate) fn recall(class: OfClass) -> (f64, f64) {
    (class.right, class.support)
}

/// Dividend and divisor of F-β.
pub(crate) fn f_beta(beta: f64) -> impl Fn(OfClass) -> (f64, f64) {
    move |class| match beta * beta {
        f64::INFINITY => recall(class),
        0.0 => precision(class),
        squared => ((1.0 + squared) * class.right, squared * class.support + class.predicted),
    }
}

impl ConfusionMatrix {
    /// The matrix of no rows, for these classes.
    pub fn new(classes: Classes) -> ConfusionMatrix {
        let counts = Counts::new(classes.len());
        ConfusionMatrix::from_counts(classes, counts)
    }

    pub(super) fn from_counts(classes: Classes, counts: Counts) -> ConfusionMatrix {
        ConfusionMatrix { classes, counts, positive: Named::Not, zero_division: 0.0 }
    }

    /// The matrix of true and predicted labels; their classes are those of both.
    ///
    /// # Errors
    /// `Model` if there are not as many predictions as rows, or for a label that is none, as NaN.
    pub fn of<T: Label>(truth: &[T], predicted: &[T]) -> Result<ConfusionMatrix> {
        let (classes, truth, predicted) = numbers(truth, predicted)?;
        let mut matrix = ConfusionMatrix::new(classes);
        matrix.update(&truth, &predicted, None)?;
        Ok(matrix)
    }

    /// As [`of`](Self::of), of rows with weights.
    ///
    /// # Errors
    /// As [`of`](Self::of), and `Model` for a weight that is negative or not finite.
    pub fn weighted<T: Label>(truth: &[T], predicted: &[T], weights: &[f64]) -> Result<ConfusionMatrix> {
        let (classes, truth, predicted) = numbers(truth, predicted)?;
        let mut matrix = ConfusionMatrix::new(classes);
        matrix.update(&truth, &predicted, Some(weights))?;
        Ok(matrix)
    }

    /// Takes in rows: the numbers of their true and predicted classes and, if they have them, their weights.
    ///
    /// # Errors
    /// `Model` if there are not as many of each, for a number that is no class, and for a weight that is negative or not
    /// finite.
    pub fn update(&mut self, truth: &[u32], predicted: &[u32], weights: Option<&[f64]>) -> Result<()> {
        self.counts.update(truth, predicted, weights)
    }

    /// Takes in the matrix of later rows.
    ///
    /// # Errors
    /// `Model` if it has other classes.
    pub fn merge(&mut self, later: ConfusionMatrix) -> Result<()> {
        if later.classes != self.classes {
            return Err(Error::model(format!("the classes are {} here and {} there", self.classes, later.classes)));
        }
        self.counts.merge(later.counts);
        Ok(())
    }

    /// The class that [`Average::Binary`] looks at, by its number from 0; it is the second of two if nothing is said.
    /// All others are negative, however many there are.
    #[must_use]
    pub fn positive(mut self, class: usize) -> ConfusionMatrix {
        self.positive = Named::Number(class);
        self
    }

    /// The same by its label, as `positive_label("yes")`.
    #[must_use]
    pub fn positive_label(mut self, label: impl Into<ParamValue>) -> ConfusionMatrix {
        self.positive = Named::Label(label.into().into());
        self
    }

    pub(super) fn named(mut self, positive: Named) -> ConfusionMatrix {
        self.positive = positive;
        self
    }

    /// What a score is where it would be divided by zero: 0 if nothing is said; classes whose score is NaN are left
    /// out of means.
    #[must_use]
    pub fn zero_division(mut self, score: f64) -> ConfusionMatrix {
        self.zero_division = score;
        self
    }

    /// The classes.
    pub fn classes(&self) -> &Classes {
        &self.classes
    }

    /// The rows, or their weight, of a true class that were predicted to be of another, by their numbers.
    pub fn count(&self, truth: usize, predicted: usize) -> f64 {
        self.counts.value(truth, predicted)
    }

    /// The matrix, by true class, then by predicted one.
    pub fn to_rows(&self) -> Vec<Vec<f64>> {
        let n = self.classes.len();
        (0..n).map(|truth| (0..n).map(|predicted| self.count(truth, predicted)).collect()).collect()
    }

    /// The shares that the matrix stands for; 0 where there are no rows.
    pub fn normalized(&self, by: Normalize) -> Vec<Vec<f64>> {
        let mut rows = self.to_rows();
        let all = self.counts.all();
        for (truth, row) in rows.iter_mut().enumerate() {
            let support = self.counts.of_class(truth).support;
            for (predicted, cell) in row.iter_mut().enumerate() {
                *cell /= match by {
                    Normalize::Truth => support,
                    Normalize::Predicted => self.counts.of_class(predicted).predicted,
                    Normalize::All => all,
                };
                if cell.is_nan() {
                    *cell = 0.0;
                }
            }
        }
        rows
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.counts.bytes()
    }

    /// The share predicted rightly; NaN of no rows.
    pub fn accuracy(&self) -> f64 {
        self.counts.right() / self.counts.all()
    }

    /// The mean of the recalls of the classes that have true rows: `sklearn.metrics.balanced_accuracy_score`.
    pub fn balanced_accuracy(&self) -> f64 {
        self.counts.balanced_accuracy()
    }

    /// Of the rows predicted to be of a class, the share that is.
    ///
    /// # Errors
    /// For [`Average::Binary`]: `Model` of more than two classes, and of one alone that is neither a truth value nor 0, 1 or
    /// −1, unless [`positive`](Self::positive) or [`positive_label`](Self::positive_label) names one; `Invalid` or
    /// `TypeMismatch` for a name that is none.
    pub fn precision(&self, average: Average) -> Result<f64> {
        self.averaged(precision, average)
    }

    /// Of the rows of a class, the share predicted to be.
    ///
    /// # Errors
    /// As [`precision`](Self::precision).
    pub fn recall(&self, average: Average) -> Result<f64> {
        self.averaged(recall, average)
    }

    /// The harmonic mean of precision and recall.
    ///
    /// # Errors
    /// As [`precision`](Self::precision).
    pub fn f1(&self, average: Average) -> Result<f64> {
        self.f_beta(1.0, average)
    }

    /// The harmonic mean of precision and recall, the recall β times as important; β = 0 is the precision, β = ∞ the
    /// recall.
    ///
    /// # Errors
    /// As [`precision`](Self::precision); `Invalid` for a β that is negative or NaN.
    pub fn f_beta(&self, beta: f64, average: Average) -> Result<f64> {
        if beta.is_nan() || beta < 0.0 {
            return Err(Error::invalid(format!("F-beta with the beta {beta}")).help("give 0 or more"));
        }
        self.averaged(f_beta(beta), average)
    }

    fn averaged(&self, of: impl Fn(OfClass) -> (f64, f64), average: Average) -> Result<f64> {
        let binary = average == Average::Binary && !self.classes.is_empty();
        if binary && self.positive == Named::Not && self.classes.len() > 2 {
            let what = format!("there are {} classes, {}, and no positive one", self.classes.len(), self.classes);
            return Err(Error::model(what)
                .doing("score")
                .help("average by Average::Macro, Micro or Weighted, or name one with positive_label(..)"));
        }
        let positive = if binary { positive_class(&self.classes, &self.positive)? } else { None };
        Ok(self.counts.averaged(of, average, positive.map(|class| class as usize), self.zero_division))
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(super) fn score_at_zero(&self) -> f64 {
        self.zero_division
    }
}

impl fmt::Display for ConfusionMatrix {
    /// A table of a row for each true class and a column for each predicted one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.classes.names();
        let mut grid = comfy_table::Table::new();
        let header = std::iter::once("true \\ predicted".to_string()).chain(names.iter().cloned());
        grid.load_style(presets::UTF8_FULL_CONDENSED).set_header(header);
        for (name, row) in names.iter().zip(self.to_rows()) {
            grid.add_row(std::iter::once(name.clone()).chain(row.iter().map(f64::to_string)));
        }
        grid.column_iter_mut().for_each(|column| column.set_cell_alignment(CellAlignment::Right));
        write!(f, "{grid}")
    }
}
