//! Steps on frames: fitted by one pass over all partitions, applied lazily.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use linfa::dataset::DatasetBase;
use linfa::traits::{Fit, Transformer};
use serde::Serialize;

use super::*;
use crate::base::{Error, Identity, Result, Token, Tokenizer};
use crate::exec::TaskContext;
use crate::frame::DataFrame;
use crate::graph::{Held, Payload};
use crate::io::Batch;
use crate::ml::apply::{Apply, content};
use crate::ml::pipeline::step::names;
use crate::plan::shape::Chunk;
use crate::plan::{Flow, Footprint, Op, Plan, Reduce, Shape};

/// Gathers the statistics of a step over all partitions. Its one result is that state and no rows.
#[derive(Clone)]
struct Gather<S> {
    step: Arc<S>,
    content: Token,
    schema: SchemaRef,
}

/// Statistics on their way; taken by whoever merges them.
struct Gathered<T>(Mutex<Option<T>>);

impl<T: Send + 'static> Held for Gathered<T> {
    fn bytes(&self) -> u64 {
        size_of::<T>() as u64
    }
}

impl<T: Send + 'static> Gathered<T> {
    fn payload(stats: T) -> Payload {
        Payload::new(Gathered(Mutex::new(Some(stats))))
    }

    fn take(payload: &Payload) -> Result<T> {
        let held = payload.get::<Gathered<T>>().map(|g| g.0.lock().unwrap_or_else(PoisonError::into_inner).take());
        held.flatten().ok_or_else(|| Error::invalid("the state of a fit is not what it should be"))
    }
}

/// The step fitted to all rows of a frame, with statistics merged in the order of the partitions.
pub(crate) fn fit_frame<S>(step: &S, frame: &DataFrame) -> Result<S::Fitted>
where
    S: OnePass + Clone + Serialize + Send + Sync + 'static,
    S::Stats: Send + 'static,
{
    if step.reads(frame.schema()).is_some_and(|columns| columns.is_empty()) {
        return step.finish(step.begin(frame.schema())?);
    }
    // what a later pass looks for is decided by the step and the frame
    let content = content(step);
    let mut fitting = Fitting::Again(step.clone());
    for pass in 0_u64.. {
        match fitting {
            Fitting::Fitted(fitted) => return Ok(fitted),
            Fitting::Again(step) => {
                let content = Token::of(|t| {
                    t.token(content);
                    t.u64(pass);
                });
                fitting = step.after_pass(gather(&step, content, frame)?)?;
            }
        }
    }
    Err(Error::invalid("a fit has no end"))
}

/// The statistics of a step over all rows of a frame.
fn gather<S>(step: &S, content: Token, frame: &DataFrame) -> Result<S::Stats>
where
    S: OnePass + Clone + Send + Sync + 'static,
    S::Stats: Send + 'static,
{
    // what is wrong with the columns is said before anything is read
    step.begin(frame.schema())?;
    let gather = Gather { step: Arc::new(step.clone()), content, schema: frame.schema().clone() };
    let plan = Plan::new(gather, vec![frame.plan().clone()])?;
    let results = frame.session().run(&plan)?;
    let state = results.first().ok_or_else(|| Error::invalid("a fit has no result"))?;
    Gathered::take(state)
}

impl<S> fmt::Debug for Gather<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl<S> fmt::Display for Gather<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("fit a step")
    }
}

impl<S: 'static> Identity for Gather<S> {
    fn token(&self, t: &mut Tokenizer) {
        t.str("fit");
        t.str(std::any::type_name::<S>());
        t.token(self.content);
    }
}

impl<S> Op for Gather<S>
where
    S: OnePass + Clone + Send + Sync + 'static,
    S::Stats: 'static,
{
    fn name(&self) -> &'static str {
        "fit"
    }

    fn schema(&self, _inputs: &[SchemaRef]) -> Result<SchemaRef> {
        Ok(Arc::new(Schema::empty()))
    }

    fn shape(&self, _inputs: &[Plan]) -> Result<Shape> {
        Ok(Shape::Reduce(Arc::new(self.clone())))
    }

    fn asks_origins(&self, _above: bool) -> bool {
        false
    }

    fn columns_needed(&self, _wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let (reads, input) = (self.step.reads(&self.schema)?, inputs.first()?);
        Some(vec![reads.iter().filter_map(|name| input.index_of(name).ok()).collect()])
    }

    fn footprint(&self) -> Footprint {
        Footprint::Holds("the statistics of a step".into())
    }
}

struct Filling<S: OnePass> {
    step: Arc<S>,
    stats: S::Stats,
}

impl<S> Chunk for Filling<S>
where
    S: OnePass + Send + Sync + 'static,
    S::Stats: 'static,
{
    fn push(&mut self, batch: Batch) -> Result<Flow> {
        self.step.update(&mut self.stats, &batch.record)?;
        Ok(Flow::More)
    }

    fn end(self: Box<Self>) -> Result<Payload> {
        Ok(Gathered::payload(self.stats))
    }
}

impl<S> Reduce for Gather<S>
where
    S: OnePass + Send + Sync + 'static,
    S::Stats: 'static,
{
    fn start(&self, _ctx: &TaskContext) -> Result<Box<dyn Chunk>> {
        Ok(Box::new(Filling { step: self.step.clone(), stats: self.step.begin(&self.schema)? }))
    }

    fn combine(&self, states: Vec<Payload>) -> Result<Payload> {
        let mut states = states.iter().map(Gathered::<S::Stats>::take);
        let mut whole = states.next().unwrap_or_else(|| self.step.begin(&self.schema))?;
        for later in states {
            self.step.merge(&mut whole, later?)?;
        }
        Ok(Gathered::payload(whole))
    }

    fn finish(&self, state: Payload) -> Result<Payload> {
        Ok(state)
    }
}

/// The methods of a step on frames, and linfa's traits.
macro_rules! on_frames {
    ($step:ident, $fitted:ident, $name:literal) => {
        impl $step {
            /// Fits to all rows of a frame, in one pass over its partitions.
            ///
            /// # Errors
            /// If the columns are not such as the step works on, and the first error of a task.
            pub fn fit(&self, frame: &DataFrame) -> Result<$fitted> {
                fit_frame(self, frame)
            }
        }

        impl<T> Fit<DataFrame, T, Error> for $step {
            type Object = $fitted;

            /// Fits to the records; the targets are not looked at.
            fn fit(&self, dataset: &DatasetBase<DataFrame, T>) -> Result<$fitted> {
                fit_frame(self, dataset.records())
            }
        }

        impl $fitted {
            /// The columns of a frame with the step applied: scikit-learn's `get_feature_names_out`.
            ///
            /// # Errors
            /// If the columns are not such as the step was fitted to.
            pub fn feature_names(&self, frame: &DataFrame) -> Result<Vec<String>> {
                Ok(names(self.schema(frame.schema())?.as_ref()))
            }

            /// The frame with the step applied, lazily.
            ///
            /// # Errors
            /// If the columns are not such as the step was fitted to.
            pub fn transform(&self, frame: &DataFrame) -> Result<DataFrame> {
                let (fitted, schema) = (self.clone(), self.schema(frame.schema())?);
                Apply::new($name, self, schema, move |batch| fitted.transform_batch(batch))?.on(frame)
            }
        }

        impl Transformer<DataFrame, Result<DataFrame>> for $fitted {
            fn transform(&self, frame: DataFrame) -> Result<DataFrame> {
                $fitted::transform(self, &frame)
            }
        }
    };
}

/// The methods on frames of a fitted step that can be undone.
macro_rules! undone_on_frames {
    ($($fitted:ident, $name:literal;)*) => {$(
        impl $fitted {
            /// The frame before [`transform`](Self::transform), lazily.
            ///
            /// # Errors
            /// If the columns are not such as the step makes.
            pub fn inverse_transform(&self, frame: &DataFrame) -> Result<DataFrame> {
                let schema = self.inverse_transform_batch(&RecordBatch::new_empty(frame.schema().clone()))?.schema();
                let fitted = self.clone();
                Apply::new($name, self, schema, move |batch| fitted.inverse_transform_batch(batch))?.on(frame)
            }
        }
    )*};
}

on_frames!(Categorizer, FittedCategorizer, "categorize");
on_frames!(DummyEncoder, FittedDummyEncoder, "encode");
on_frames!(OneHotEncoder, FittedOneHotEncoder, "encode");
on_frames!(OrdinalEncoder, FittedOrdinalEncoder, "encode");
on_frames!(StandardScaler, FittedStandardScaler, "scale");
on_frames!(MinMaxScaler, FittedMinMaxScaler, "scale");
on_frames!(MaxAbsScaler, FittedMaxAbsScaler, "scale");
on_frames!(RobustScaler, FittedRobustScaler, "scale");
on_frames!(SimpleImputer, FittedSimpleImputer, "fill");
on_frames!(FunctionTransformer, FittedFunctionTransformer, "change columns");
on_frames!(ColumnTransformer, FittedColumnTransformer, "transform columns");

undone_on_frames! {
    FittedDummyEncoder, "decode";
    FittedFunctionTransformer, "change columns back";
    FittedOneHotEncoder, "decode";
    FittedOrdinalEncoder, "decode";
    FittedStandardScaler, "unscale";
    FittedMinMaxScaler, "unscale";
    FittedMaxAbsScaler, "unscale";
    FittedRobustScaler, "unscale";
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Float64Array, StringArray};

    fn frame(parts: usize) -> DataFrame {
        let n = 60;
        let x: Vec<Option<f64>> = (0..n).map(|i| (i % 7 != 3).then_some((i * i % 17) as f64 / 3.0)).collect();
        let flag: Vec<&str> = (0..n).map(|i| ["y", "n", "m"][i * i % 3]).collect();
        let columns: Vec<(&str, ArrayRef)> =
            vec![("x", Arc::new(Float64Array::from(x))), ("flag", Arc::new(StringArray::from(flag)))];
        let whole = RecordBatch::try_from_iter(columns).unwrap();
        let size = n / parts;
        DataFrame::from_batches((0..parts).map(|i| whole.slice(i * size, size))).unwrap()
    }

    #[test]
    fn a_frame_is_fitted_whatever_its_partitions() {
        let numbers = |parts| frame(parts).select("x").unwrap();
        let one = StandardScaler::new().fit(&numbers(1)).unwrap();
        for parts in [2, 5, 20] {
            assert_eq!(StandardScaler::new().fit(&numbers(parts)).unwrap(), one);
        }
        assert_eq!(Categorizer::new().fit(&frame(20)).unwrap(), Categorizer::new().fit(&frame(1)).unwrap());
    }

    #[test]
    fn transforming_is_lazy_and_can_be_undone() {
        let frame = frame(5);
        let categorical = Categorizer::new().fit(&frame).unwrap().transform(&frame).unwrap();
        let encoder = DummyEncoder::new().columns(["flag"]).fit(&categorical).unwrap();
        let encoded = Transformer::transform(&encoder, categorical.clone()).unwrap();
        assert_eq!(encoded.columns(), ["x", "flag_n", "flag_y"]);
        let back = encoder.inverse_transform(&encoded).unwrap();
        assert_eq!(back.compute().unwrap().batches()[0], categorical.compute().unwrap().batches()[0]);
        let numbers = frame.select("x").unwrap();
        let scaler = StandardScaler::new().fit(&numbers).unwrap();
        let back = scaler.inverse_transform(&scaler.transform(&numbers).unwrap()).unwrap();
        let (back, given) = (back.compute().unwrap().f64s("x").unwrap(), numbers.compute().unwrap().f64s("x").unwrap());
        assert!(back.iter().zip(&given).all(|(a, b)| match (a, b) {
            (Some(a), Some(b)) => (a - b).abs() < 1e-14,
            (a, b) => a == b,
        }));
    }

    #[test]
    fn columns_are_checked_before_anything_is_read() {
        let text = StandardScaler::new().fit(&frame(2)).unwrap_err().to_string();
        assert!(text.contains("column `flag`"), "{text}");
        let text = Categorizer::new().columns(["flg"]).fit(&frame(2)).unwrap_err().to_string();
        assert!(text.contains("did you mean `flag`"), "{text}");
        let other = frame(2).select("x").unwrap();
        let fitted = Categorizer::new().fit(&frame(2)).unwrap();
        assert!(fitted.transform(&other).unwrap_err().to_string().contains("unknown column `flag`"));
    }
}
