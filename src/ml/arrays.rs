//! Models and chunked arrays: fits to them, out of core, and the design matrix as one.

use arrow::datatypes::Schema;
use linfa::ParamGuard;
use linfa::dataset::DatasetBase;

use crate::array::Array;
use crate::array::shape::concatenate;
use crate::base::{Error, Result};
use crate::frame::DataFrame;
use crate::ml::dataset::Target;
use crate::ml::linear::{ElasticNet, FittedLinearRegression, Lasso, LinearRegression, Ridge};
use crate::ml::logistic::{FittedLogisticRegression, LogisticRegression};
use crate::ml::pipeline::step::names;
use crate::ml::pipeline::{FittedPipeline, Pipeline, Step};

const TARGET: &str = "y";

/// A pipeline of a model alone, fitted to a frame of the rows of `x` and `y`, chunk by chunk.
fn fit_array(model: impl Into<Step>, x: &Array<f64>, y: &Array<f64>) -> Result<FittedPipeline> {
    let fit = || {
        let (&[rows, features], &[values]) = (x.shape(), y.shape()) else {
            let what = format!("features of shape {:?} and a target of shape {:?}", x.shape(), y.shape());
            return Err(
                Error::invalid(what).help("two axes and one are needed: rows and features, and a value for each row")
            );
        };
        if rows != values {
            return Err(Error::model(format!("{values} values of the target for {rows} rows")));
        }
        let both = concatenate(&[x.clone(), y.expand_dims(1)?], 1)?;
        let columns = (0..features).map(|j| format!("x{j}")).chain([TARGET.to_string()]);
        let frame = both.to_frame(columns)?;
        Pipeline::new().step("model", model).fit(&DatasetBase::new(frame, Target::column(TARGET)))
    };
    fit().map_err(|e| e.doing("fit to an array"))
}

impl LogisticRegression {
    /// Fits to chunked arrays: the rows and columns of `x`, and the class of each row. The chunks are computed once, and
    /// neither they nor the rows have to fit into memory (see [`Pipeline::fit`]). Features are called x0, x1, …, and the
    /// classes are the distinct values of `y`.
    ///
    /// # Errors
    /// `Invalid` for arrays of other shapes than two axes and one, `Model` for a value that is not finite or a target
    /// that cannot be classes; the first error of a chunk.
    pub fn fit_array(&self, x: &Array<f64>, y: &Array<f64>) -> Result<FittedLogisticRegression> {
        self.check_ref()?;
        fit_array(self.clone(), x, y)?.model().cloned()
    }
}

/// The same of the linear models.
macro_rules! linear {
    ($($model:ident)*) => {$(
        impl $model {
            /// Fits to chunked arrays: the rows and columns of `x`, and the value of each row. The chunks are computed
            /// once, and neither they nor the rows have to fit into memory (see [`Pipeline::fit`]). Features are called
            /// x0, x1, …
            ///
            /// # Errors
            /// `Invalid` for arrays of other shapes than two axes and one, `Model` for a value that is not finite; the
            /// first error of a chunk.
            pub fn fit_array(&self, x: &Array<f64>, y: &Array<f64>) -> Result<FittedLinearRegression> {
                self.check_ref()?;
                fit_array(self.clone(), x, y)?.linear_model().cloned()
            }
        }
    )*};
}

linear! { LinearRegression Ridge Lasso ElasticNet }

impl FittedPipeline {
    /// The design matrix of a frame as a dense chunked array: a row for each row, a column for each feature, one-hot ones
    /// as zeros and ones; null is NaN. The chunks are the partitions, whose rows are counted now; their elements are
    /// computed when they are needed. The features in the order of the columns are those of
    /// [`transform`](Self::transform).
    ///
    /// # Errors
    /// As [`transform`](Self::transform); `TypeMismatch` for a feature that is no number; the first error of counting.
    pub fn to_array(&self, frame: &DataFrame) -> Result<Array<f64>> {
        let rows = self.transform(frame)?;
        let schema: &Schema = rows.schema();
        rows.to_array(names(schema))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};

    use super::*;
    use crate::ml::{Categorizer, ColumnTransformer, DummyEncoder, Remainder, StandardScaler};
    use crate::session::Session;

    const ROWS: usize = 1_500;

    fn frame(session: &Session) -> DataFrame {
        let x: Vec<f64> = (0..ROWS).map(|i| (i as f64 * 0.7).sin() * 3.0 + 1.0).collect();
        let place: Vec<String> = (0..ROWS).map(|i| format!("p{}", (i * i) % 7)).collect();
        let value: Vec<f64> = (0..ROWS).map(|i| 2.0 * x[i] + place[i].len() as f64 + (i as f64 * 2.9).cos()).collect();
        let class: Vec<f64> = value.iter().map(|v| f64::from(u8::from(*v > 3.5))).collect();
        let columns: [(&str, ArrayRef); 4] = [
            ("x", Arc::new(Float64Array::from(x))),
            ("place", Arc::new(StringArray::from(place))),
            ("value", Arc::new(Float64Array::from(value))),
            ("class", Arc::new(Float64Array::from(class))),
        ];
        let rows = RecordBatch::try_from_iter(columns).unwrap();
        session.from_batches((0..5).map(|i| rows.slice(i * 300, 300))).unwrap()
    }

    fn pipeline(model: impl Into<Step>) -> Pipeline {
        let scale =
            ColumnTransformer::new().with("num", StandardScaler::new(), ["x"]).remainder(Remainder::Passthrough);
        let encode = DummyEncoder::new().columns(["place"]);
        Pipeline::new()
            .step("cat", Categorizer::new().columns(["place"]))
            .step("onehot", encode)
            .step("scale", scale)
            .step("model", model)
    }

    fn expect_close(a: &[f64], b: &[f64]) {
        assert_eq!(a.len(), b.len());
        a.iter().zip(b).for_each(|(a, b)| assert!((a - b).abs() < 1e-7, "{a} {b}"));
    }

    #[test]
    fn codes_and_the_dense_array_give_the_same_model() {
        let session = Session::builder().threads(2).build().unwrap();
        let frame = frame(&session);
        let fit = |model: Step, target: &str, other: &str| {
            let rows = frame.drop([other]).unwrap();
            pipeline(model).fit(&DatasetBase::new(rows, Target::column(target))).unwrap()
        };
        let y = |target: &str| {
            let column = frame.to_array([target]).unwrap();
            column.squeeze().unwrap()
        };

        let by_codes = fit(Ridge::new().into(), "value", "class");
        let x = by_codes.to_array(&frame).unwrap();
        assert_eq!((x.shape(), x.npartitions()), (&[ROWS, 5][..], 5));
        let dense = Ridge::new().fit_array(&x, &y("value")).unwrap();
        expect_close(dense.coef_values(), by_codes.linear_model().unwrap().coef_values());
        // other chunks, the same bits
        let cut = x.rechunk([170, 2]).unwrap();
        assert_eq!(Ridge::new().fit_array(&cut, &y("value")).unwrap(), dense);

        let logistic = LogisticRegression::new().l1_ratio(0.5).tol(1e-10);
        let by_codes = fit(logistic.clone().into(), "class", "value");
        let dense = logistic.fit_array(&x, &y("class")).unwrap();
        expect_close(dense.coef_values(), by_codes.model().unwrap().coef_values());
        assert_eq!(dense.classes().len(), 2);
    }

    #[test]
    fn arrays_that_do_not_fit_together_are_errors() {
        let x = crate::array::ones([10, 2], [4, 2]).unwrap();
        let text = |y: &Array<f64>| LinearRegression::new().fit_array(&x, y).unwrap_err().to_string();
        assert!(text(&crate::array::ones([9], [4]).unwrap()).contains("9 values of the target for 10 rows"));
        assert!(text(&x).contains("a target of shape [10, 2]"));
        let little = Session::builder().memory_limit(1_u64).build().unwrap();
        let error = LinearRegression::new().fit_array(&x.in_session(&little), &crate::array::ones([10], [4]).unwrap());
        assert!(matches!(error.unwrap_err().kind(), crate::base::ErrorKind::Memory { .. }));
    }
}
