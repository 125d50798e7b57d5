//! How an estimator wants to be fitted.

use std::fmt::Debug;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::facts::Facts;
use super::fitting::{Fitting, begin};
use super::labels::{Labels, Task};
use super::model::{FittedModel, Predictor};
use super::pass::PassEstimator;
use crate::base::Result;
use crate::ml::design::{Design, Layout};
use crate::ml::pipeline::param::{ParamValue, Parameters};

/// An estimator that is fitted to rows that are all in memory. In a search, candidates and folds are fitted side by side
/// as far as memory allows.
pub trait WholeEstimator: Debug + Send + Sync + 'static {
    /// The fitted model.
    type Fitted: Predictor;

    /// Whether classes are learnt or values.
    fn task(&self) -> Task;

    /// About how many bytes a fit takes beside the rows.
    fn bytes(&self, layout: &Layout, rows: u64) -> u64 {
        8 * rows * layout.len() as u64
    }

    /// Fits.
    ///
    /// # Errors
    /// When the rows do not suffice, or the fit fails.
    fn fit(&self, design: &Design, labels: Labels<'_>, facts: &Facts) -> Result<Self::Fitted>;
}

/// An estimator at the end of a pipeline, whatever it is.
pub(crate) trait Estimator: Debug + Send + Sync {
    /// Whether classes are learnt or values.
    fn task(&self) -> Task;

    /// Begins a fit.
    ///
    /// # Errors
    /// When the rows do not suffice, or the features are too many.
    fn begin(&self, facts: &Facts) -> Result<Training>;

    /// Whether what was fitted to these rows is known to tell all of them apart with nothing that bounds its coefficients.
    fn tells_all_apart(&self, facts: &Facts, fitted: &FittedModel) -> bool {
        let _ = (facts, fitted);
        false
    }
}

/// A fit that has begun.
pub(crate) enum Training {
    /// In passes.
    Passes(Box<dyn Fitting>),
    /// With all rows in memory.
    Whole(Whole),
}

type Fit = Box<dyn Fn(&Design, Labels<'_>, &Facts) -> Result<FittedModel> + Send + Sync>;

/// A fit to rows in memory.
pub(crate) struct Whole {
    /// Bytes beside the rows.
    pub bytes: u64,
    pub fit: Fit,
}

/// A [`PassEstimator`] as the end of a pipeline.
#[derive(Debug)]
struct InPasses<E>(Arc<E>);

/// A [`WholeEstimator`] as the end of a pipeline.
#[derive(Debug)]
struct InMemory<E>(Arc<E>);

/// An estimator of one's own as the end of a pipeline. It lives in memory only: such a pipeline cannot be saved.
#[derive(Clone, Debug)]
pub struct Custom(Arc<dyn Estimator>);

impl Custom {
    /// One that is fitted in passes.
    pub fn passes(estimator: impl PassEstimator) -> Custom {
        Custom(Arc::new(InPasses(Arc::new(estimator))))
    }

    /// One that wants all rows in memory.
    pub fn whole(estimator: impl WholeEstimator) -> Custom {
        Custom(Arc::new(InMemory(Arc::new(estimator))))
    }

    pub(crate) fn estimator(&self) -> Arc<dyn Estimator> {
        self.0.clone()
    }
}

impl Parameters for Custom {
    fn params(&self) -> Vec<String> {
        Vec::new()
    }

    fn with_param(&self, _name: &str, _value: &ParamValue) -> Option<Result<Custom>> {
        None
    }
}

impl PartialEq for Custom {
    fn eq(&self, other: &Custom) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Serialize for Custom {
    fn serialize<S: Serializer>(&self, _: S) -> std::result::Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("an estimator of one's own cannot be saved"))
    }
}

impl<'de> Deserialize<'de> for Custom {
    fn deserialize<D: Deserializer<'de>>(_: D) -> std::result::Result<Custom, D::Error> {
        Err(serde::de::Error::custom("an estimator of one's own cannot be read"))
    }
}

impl<E: PassEstimator> Estimator for InPasses<E> {
    fn task(&self) -> Task {
        self.0.task()
    }

    fn begin(&self, facts: &Facts) -> Result<Training> {
        Ok(Training::Passes(begin(&self.0, facts, |model| FittedModel::Other(Arc::new(model)))?))
    }
}

impl<E: WholeEstimator> Estimator for InMemory<E> {
    fn task(&self) -> Task {
        self.0.task()
    }

    fn begin(&self, facts: &Facts) -> Result<Training> {
        let (estimator, bytes) = (self.0.clone(), self.0.bytes(&facts.layout, facts.rows));
        let fit: Fit = Box::new(move |design, labels, facts| {
            Ok(FittedModel::Other(Arc::new(estimator.fit(design, labels, facts)?)))
        });
        Ok(Training::Whole(Whole { bytes, fit }))
    }
}
