//! Parts and the remainder.

use super::*;
use crate::ml::pipeline::param::Parameters;
use crate::ml::{OnePass, Pipeline, StandardScaler};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{Float64Type, Schema};

fn batch() -> RecordBatch {
    let column = |v: Vec<i64>| Arc::new(Int64Array::from(v)) as ArrayRef;
    let columns = vec![("a", column(vec![1, 3])), ("b", column(vec![5, 6])), ("c", column(vec![7, 8]))];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn names(schema: &Schema) -> Vec<&str> {
    schema.fields().iter().map(|f| f.name().as_str()).collect()
}

#[test]
fn the_remainder_is_dropped_and_said_to_be() {
    let batch = batch();
    let step = ColumnTransformer::new().with("num", StandardScaler::new(), ["b", "a"]);
    let fitted = step.fit_batches(&batch.schema(), [&batch]).unwrap();
    let out = fitted.transform_batch(&batch).unwrap();
    assert_eq!(names(&out.schema()), ["b", "a"]);
    assert_eq!(out.column(1).as_primitive::<Float64Type>().values(), &[-1.0, 1.0]);
    assert_eq!(
        fitted.note().unwrap(),
        "ColumnTransformer drops 1 of 3 columns (`c`): keep them with remainder(Remainder::Passthrough)"
    );
}

#[test]
fn the_remainder_can_be_kept() {
    let batch = batch();
    let step = ColumnTransformer::new()
        .with("num", StandardScaler::new(), ["c"])
        .with("no", ColumnStep::Drop, ["a"])
        .remainder(Remainder::Passthrough);
    let fitted = step.fit_batches(&batch.schema(), [&batch]).unwrap();
    assert_eq!(names(&fitted.transform_batch(&batch).unwrap().schema()), ["c", "b"]);
    assert_eq!(fitted.note(), None);
}

#[test]
fn statistics_merge() {
    let batch = batch();
    let step = ColumnTransformer::new().with("num", StandardScaler::new(), ["a", "b"]);
    let mut stats = step.begin(&batch.schema()).unwrap();
    let mut later = step.begin(&batch.schema()).unwrap();
    step.update(&mut stats, &batch.slice(0, 1)).unwrap();
    step.update(&mut later, &batch.slice(1, 1)).unwrap();
    step.merge(&mut stats, later).unwrap();
    assert_eq!(step.finish(stats).unwrap(), step.fit_batches(&batch.schema(), [&batch]).unwrap());
}

#[test]
fn columns_are_checked() {
    let schema = batch().schema();
    let twice = ColumnTransformer::new().with("x", StandardScaler::new(), ["a", "a"]);
    assert!(twice.begin(&schema).unwrap_err().to_string().contains("column `a`"));
    let unknown = ColumnTransformer::new().with("x", StandardScaler::new(), ["z"]);
    assert!(unknown.begin(&schema).unwrap_err().to_string().contains("unknown column `z`"));
}

#[test]
fn the_parameters_of_parts_have_names() {
    let inner = Pipeline::new().step("scale", StandardScaler::new());
    let step = ColumnTransformer::new().with("num", inner, ["a"]).remainder(StandardScaler::new());
    let scaler = ["with_mean", "with_std"];
    let names = scaler.map(|n| format!("num__scale__{n}")).into_iter().chain(scaler.map(|n| format!("remainder__{n}")));
    assert_eq!(step.params(), names.collect::<Vec<_>>());
    let changed = step.with_param("num__scale__with_mean", &false.into()).unwrap().unwrap();
    let inner = Pipeline::new().step("scale", StandardScaler::new().with_mean(false));
    assert_eq!(changed, ColumnTransformer::new().with("num", inner, ["a"]).remainder(StandardScaler::new()));
    assert!(step.with_param("num__with_mean", &false.into()).is_none());
    assert!(step.with_param("remainder__with_std", &1.into()).unwrap().is_err());
}

#[test]
fn steps_inside_of_steps_are_fitted_to_what_those_before_make() {
    let batch = batch();
    let scaler = StandardScaler::new();
    let twice = Pipeline::new().step("one", scaler.clone().with_mean(false)).step("two", scaler.clone());
    let step = ColumnTransformer::new()
        .with("x", twice, ["b"])
        .with("y", ColumnTransformer::new().with("z", scaler.clone(), ["a"]), ["c", "a"])
        .verbose_feature_names_out(true);
    assert!(step.finish(step.begin(&batch.schema()).unwrap()).is_err());
    let fitted = step.fit_batches(&batch.schema(), [&batch.slice(0, 1), &batch.slice(1, 1)]).unwrap();
    let out = fitted.transform_batch(&batch).unwrap();
    assert_eq!(names(&out.schema()), ["x__b", "y__a"]);
    for column in out.columns() {
        assert_eq!(column.as_primitive::<Float64Type>().values(), &[-1.0, 1.0]);
    }
    let file = serde_json::to_string(&fitted).unwrap();
    assert_eq!(serde_json::from_str::<FittedColumnTransformer>(&file).unwrap(), fitted);
    let text = ColumnTransformer::new().with("x", Pipeline::new().step("s", scaler), ["q"]).begin(&batch.schema());
    assert!(text.unwrap_err().to_string().contains("unknown column `q`"));
}

#[test]
fn names_that_two_parts_give_are_refused() {
    let batch = batch();
    let step =
        ColumnTransformer::new().with("x", StandardScaler::new(), ["a"]).with("y", Remainder::Passthrough, ["a"]);
    let fit = |step: &ColumnTransformer| step.fit_batches(&batch.schema(), [&batch]).unwrap().transform_batch(&batch);
    assert!(fit(&step).unwrap_err().to_string().contains("column `a`"));
    assert_eq!(names(&fit(&step.verbose_feature_names_out(true)).unwrap().schema()), ["x__a", "y__a"]);
}

#[test]
fn files_of_scalers_alone_can_be_read() {
    let scaler = r#"{"Scale": {"params": {"with_mean": true, "with_std": true}, "columns": []}}"#;
    let file =
        format!(r#"{{"steps": [{{"name": "num", "columns": ["a"], "step": {scaler}}}], "kept": [], "dropped": []}}"#);
    assert!(serde_json::from_str::<FittedColumnTransformer>(&file).unwrap().step("num").is_some());
}
