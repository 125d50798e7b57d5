//! Estimators of linfa at the end of a pipeline.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;

use linfa::dataset::DatasetBase;
use linfa::traits::{Fit, PredictInplace};
use ndarray::{Array1, Array2};

use super::facts::Facts;
use super::labels::{Labels, Task};
use super::model::{Predicted, Predictor, expect_features};
use super::training::WholeEstimator;
use crate::base::{Error, Result, caught};
use crate::ml::design::{Design, Layout};

/// Cells of a dense matrix that is made to predict from.
const CELLS: usize = 1 << 20;

/// Bytes for each cell of the dense matrix, unless told: the cell, and what the estimator makes of it.
const BYTES: u64 = 24;

/// An estimator of linfa as the end of a pipeline: a classifier, which learns the numbers of the classes, or a regressor,
/// which learns values.
///
/// linfa's estimators want all rows in memory as a dense matrix, one-hot features as zeros and ones. It is made column by
/// column, which most of them are fastest on, and its memory is reserved within the session's limit before; a search fits
/// as many candidates and folds side by side as fit in there. What linfa refuses is an error in its own words, and so is
/// a panic within it. Such a model lives in memory only: it cannot be saved.
///
/// Its parameters are linfa's own, without names, so a grid cannot search them: fit a search with an empty
/// [`ParamGrid`](crate::ml::ParamGrid) for each value and compare the scores. The parameters of the steps before it can be
/// searched.
///
/// ```
/// # use std::sync::Arc;
/// use linfa_trees::DecisionTree;
/// use partita::ml::{LinfaEstimator, Pipeline, Step, Target, linfa::DatasetBase};
///
/// # let x = Arc::new(arrow::array::Int64Array::from(vec![1, 2, 3, 7, 8, 9])) as arrow::array::ArrayRef;
/// # let y = Arc::new(arrow::array::StringArray::from(vec!["low", "low", "low", "high", "high", "high"])) as _;
/// # let batch = arrow::array::RecordBatch::try_from_iter([("x", x), ("y", y)]).unwrap();
/// # let frame = partita::DataFrame::from_batches([batch])?;
/// let tree = LinfaEstimator::classifier(DecisionTree::params().max_depth(Some(3)));
/// let model = Pipeline::new().step("tree", Step::whole(tree)).fit(&DatasetBase::new(frame.clone(), Target::column("y")))?;
/// assert_eq!(model.predict(&frame)?.compute()?.value("y", 3)?.as_str(), Some("high"));
/// # Ok::<(), partita::Error>(())
/// ```
pub struct LinfaEstimator<P, L = usize, E = linfa::Error> {
    params: P,
    bytes: u64,
    takes_weights: bool,
    types: PhantomData<fn() -> (L, E)>,
}

/// What an estimator of linfa learns: `usize` for the numbers of classes, `f64` for values.
pub trait LinfaTarget: Clone + Send + Sync + sealed::Sealed + 'static {
    /// Whether it is a class or a value.
    const TASK: Task;

    /// The target of some rows.
    fn targets(labels: Labels<'_>) -> Array1<Self>;

    /// What was predicted for some rows.
    fn predicted(targets: Vec<Self>) -> Predicted;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for usize {}
    impl Sealed for f64 {}
}

impl LinfaTarget for usize {
    const TASK: Task = Task::Classification;

    fn targets(labels: Labels<'_>) -> Array1<usize> {
        labels.classes().iter().map(|class| *class as usize).collect()
    }

    fn predicted(targets: Vec<usize>) -> Predicted {
        Predicted::Classes(targets.into_iter().map(|class| class as u32).collect())
    }
}

impl LinfaTarget for f64 {
    const TASK: Task = Task::Regression;

    fn targets(labels: Labels<'_>) -> Array1<f64> {
        Array1::from(labels.values().to_vec())
    }

    fn predicted(targets: Vec<f64>) -> Predicted {
        Predicted::Values(targets)
    }
}

impl<P, E> LinfaEstimator<P, usize, E>
where
    P: Fit<Array2<f64>, Array1<usize>, E>,
    E: std::error::Error + From<linfa::Error>,
{
    /// A classifier with these parameters, as `linfa_trees::DecisionTree::params()`.
    pub fn classifier(params: P) -> Self {
        LinfaEstimator { params, bytes: BYTES, takes_weights: false, types: PhantomData }
    }
}

impl<P, E> LinfaEstimator<P, f64, E>
where
    P: Fit<Array2<f64>, Array1<f64>, E>,
    E: std::error::Error + From<linfa::Error>,
{
    /// A regressor with these parameters, as `linfa_elasticnet::ElasticNet::params()`.
    pub fn regressor(params: P) -> Self {
        LinfaEstimator { params, bytes: BYTES, takes_weights: false, types: PhantomData }
    }
}

impl<P, L, E> LinfaEstimator<P, L, E> {
    /// The estimator knows weights of rows, which linfa has as `f32`. Otherwise rows that have weights are refused, since
    /// most of linfa's estimators would not look at them.
    #[must_use]
    pub fn takes_weights(mut self) -> Self {
        self.takes_weights = true;
        self
    }

    /// About how many bytes a fit takes for each row and feature, the 8 of the matrix among them; 24 if not given.
    #[must_use]
    pub fn bytes_per_cell(mut self, bytes: u64) -> Self {
        self.bytes = bytes;
        self
    }
}

impl<P, L, E> fmt::Debug for LinfaEstimator<P, L, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinfaEstimator({})", type_name::<P>())
    }
}

impl<P, L, E> WholeEstimator for LinfaEstimator<P, L, E>
where
    L: LinfaTarget,
    P: Fit<Array2<f64>, Array1<L>, E> + Send + Sync + 'static,
    P::Object: PredictInplace<Array2<f64>, Array1<L>> + Send + Sync + 'static,
    E: std::error::Error + From<linfa::Error> + 'static,
{
    type Fitted = FittedLinfa<P::Object, L>;

    fn task(&self) -> Task {
        L::TASK
    }

    fn bytes(&self, layout: &Layout, rows: u64) -> u64 {
        self.bytes * rows * layout.len() as u64 + 16 * rows
    }

    fn fit(&self, design: &Design, labels: Labels<'_>, facts: &Facts) -> Result<Self::Fitted> {
        let mut dataset = DatasetBase::new(design.to_dense(), L::targets(labels))
            .with_feature_names(facts.layout.names().collect::<Vec<_>>());
        if let Some(weights) = design.row_weights() {
            if !self.takes_weights {
                return Err(Error::unsupported("weights of rows with an estimator of linfa")
                    .help("if it looks at them, say so with takes_weights()"));
            }
            dataset = dataset.with_weights(weights.iter().map(|weight| *weight as f32).collect());
        }
        let fit = || self.params.fit(&dataset).map_err(|e| Error::model(e.to_string()));
        let model = caught(fit).map_err(|e| e.doing("fit with linfa"))?;
        Ok(FittedLinfa { layout: facts.layout.clone(), model, target: PhantomData })
    }
}

/// A fitted model of linfa.
pub struct FittedLinfa<M, L = usize> {
    layout: Layout,
    model: M,
    target: PhantomData<fn() -> L>,
}

impl<M, L> FittedLinfa<M, L> {
    /// linfa's model.
    pub fn model(&self) -> &M {
        &self.model
    }
}

impl<M, L> fmt::Debug for FittedLinfa<M, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FittedLinfa({})", type_name::<M>())
    }
}

impl<M, L> Predictor for FittedLinfa<M, L>
where
    L: LinfaTarget,
    M: PredictInplace<Array2<f64>, Array1<L>> + Send + Sync + 'static,
{
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn predict(&self, design: &Design) -> Result<Predicted> {
        expect_features(&self.layout, design.layout())?;
        let (rows, size) = (design.rows(), (CELLS / self.layout.len().max(1)).max(1));
        let mut targets = Vec::with_capacity(rows);
        for start in (0..rows).step_by(size) {
            let some: Vec<usize> = (start..(start + size).min(rows)).collect();
            let x = design.take(&some).to_dense();
            let predict = || {
                let mut y = self.model.default_target(&x);
                self.model.predict_inplace(&x, &mut y);
                Ok(y)
            };
            targets.extend(caught(predict).map_err(|e| e.doing("predict with linfa"))?);
        }
        Ok(L::predicted(targets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::classes::Classes;
    use ndarray::array;

    fn design() -> (Design, Vec<u32>, Classes) {
        let x: Vec<f64> = (0..40).map(f64::from).collect();
        let design = Design::with_rows(40).numeric("x", x).unwrap();
        let design = design.numeric("y", (0..40).map(|i| f64::from(i % 5)).collect()).unwrap();
        (design, (0..40).map(|i| u32::from(i >= 20) + u32::from(i >= 30)).collect(), Classes::Int(vec![3, 5, 9]))
    }

    fn fit<E: WholeEstimator>(estimator: &E, design: &Design, y: &[u32], classes: &Classes) -> Result<E::Fitted> {
        let labels = Labels::Classes(y);
        estimator.fit(design, labels, &Facts::of_design(design, labels, classes))
    }

    #[test]
    fn trees_and_bayes_learn_classes() {
        let (design, y, classes) = design();
        let tree = LinfaEstimator::classifier(linfa_trees::DecisionTree::params());
        assert_eq!(tree.bytes(design.layout(), 40), 24 * 80 + 16 * 40);
        let fitted = fit(&tree, &design, &y, &classes).unwrap();
        assert_eq!(fitted.predict(&design).unwrap(), Predicted::Classes(y.clone()));
        assert!(format!("{fitted:?}").contains("DecisionTree"));
        let bayes = LinfaEstimator::classifier(linfa_bayes::GaussianNb::params());
        let Predicted::Classes(found) = fit(&bayes, &design, &y, &classes).unwrap().predict(&design).unwrap() else {
            panic!("no classes")
        };
        assert!(found.iter().zip(&y).filter(|(a, b)| a == b).count() > 35, "{found:?}");
        let other = Design::with_rows(1).numeric("z", vec![1.0]).unwrap();
        assert!(fitted.predict(&other).unwrap_err().to_string().contains("`z` stands where"));
    }

    #[test]
    fn a_regressor_learns_values() {
        // linfa's intercept is the mean of the target, so features have to be centred
        let x = (0..40).map(|i| f64::from(i) - 19.5).collect();
        let design = Design::with_rows(40).numeric("x", x).unwrap();
        let y: Vec<f64> = (0..40).map(|i| 3.0 * f64::from(i) - 1.0).collect();
        let labels = Labels::Values(&y);
        let facts = Facts::of_design(&design, labels, &Classes::Float(Vec::new()));
        let net = LinfaEstimator::regressor(linfa_elasticnet::ElasticNet::params().penalty(0.0));
        let Predicted::Values(found) = net.fit(&design, labels, &facts).unwrap().predict(&design).unwrap() else {
            panic!("no values")
        };
        assert!(found.iter().zip(&y).all(|(a, b)| (a - b).abs() < 1e-2), "{found:?}");
    }

    #[test]
    fn weights_are_refused_unless_they_are_looked_at() {
        let (design, y, classes) = design();
        let design = design.weights((0..40).map(|i| f64::from(u8::from(i < 30))).collect()).unwrap();
        let tree = || LinfaEstimator::classifier(linfa_trees::DecisionTree::params());
        assert!(fit(&tree(), &design, &y, &classes).unwrap_err().to_string().contains("takes_weights()"));
        let fitted = fit(&tree().takes_weights(), &design, &y, &classes).unwrap();
        let Predicted::Classes(found) = fitted.predict(&design).unwrap() else { panic!("no classes") };
        assert_eq!(found[..30], y[..30]);
    }

    /// What linfa would do on rows that it did not expect.
    #[derive(Debug)]
    struct Moody;

    impl Fit<Array2<f64>, Array1<usize>, linfa::Error> for Moody {
        type Object = Moody;

        fn fit(&self, dataset: &DatasetBase<Array2<f64>, Array1<usize>>) -> std::result::Result<Moody, linfa::Error> {
            assert!(dataset.records().is_standard_layout() || dataset.records().t().is_standard_layout());
            match dataset.targets().iter().max() {
                Some(1) => Err(linfa::Error::NotEnoughSamples),
                Some(2) => Ok(Moody),
                _ => panic!("what are {} rows", dataset.records().nrows()),
            }
        }
    }

    impl PredictInplace<Array2<f64>, Array1<usize>> for Moody {
        fn predict_inplace(&self, _: &Array2<f64>, _: &mut Array1<usize>) {
            panic!("not today");
        }

        fn default_target(&self, _: &Array2<f64>) -> Array1<usize> {
            array![]
        }
    }

    #[test]
    fn what_goes_wrong_in_linfa_is_an_error_in_its_words() {
        let (design, y, classes) = design();
        let text = |y: &[u32]| fit(&LinfaEstimator::classifier(Moody), &design, y, &classes).unwrap_err().to_string();
        assert!(text(&[1; 40]).contains("not enough samples"), "{}", text(&[1; 40]));
        assert!(text(&[0; 40]).contains("panicked: what are 40 rows"), "{}", text(&[0; 40]));
        let fitted = fit(&LinfaEstimator::classifier(Moody), &design, &y, &classes).unwrap();
        assert!(fitted.predict(&design).unwrap_err().to_string().contains("not today"));
    }
}
