//! Pipelines whose steps are inside of steps, against fits made by hand.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use linfa::dataset::DatasetBase;

use super::*;
use crate::base::{Error, ErrorKind};
use crate::expr::col;
use crate::frame::DataFrame;
use crate::ml::prepare::*;
use crate::ml::{GridSearchCv, LogisticRegression, ParamGrid, Target};

const ROWS: usize = 240;

/// Trips: a fare that is sometimes missing, a distance, a zone, and whether the tip was high.
fn trips() -> RecordBatch {
    let mut state = 5_u64;
    let mut unit = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let fare: Vec<Option<f64>> = (0..ROWS).map(|i| (i % 11 != 4).then(|| 2.0 + 30.0 * unit())).collect();
    let miles: Vec<f64> = (0..ROWS).map(|_| 9.0 * unit()).collect();
    let zone: Vec<String> = (0..ROWS).map(|_| ["a", "b", "c", "d"][(unit() * unit() * 4.0) as usize].into()).collect();
    let high: BooleanArray =
        (0..ROWS).map(|i| Some(miles[i] / 4.0 - fare[i].unwrap_or(10.0) / 15.0 + unit() > 0.8)).collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("fare", Arc::new(Float64Array::from(fare))),
        ("miles", Arc::new(Float64Array::from(miles))),
        ("zone", Arc::new(StringArray::from(zone))),
        ("none", Arc::new(Int64Array::from(vec![None; ROWS]))),
        ("high", Arc::new(high)),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn in_parts(parts: usize) -> DataFrame {
    let (trips, size) = (trips(), ROWS / parts);
    DataFrame::from_batches((0..parts).map(|i| trips.slice(i * size, size))).unwrap()
}

fn dataset(frame: DataFrame) -> DatasetBase<DataFrame, Target> {
    DatasetBase::new(frame, Target::column("high"))
}

fn preparation() -> ColumnTransformer {
    let numbers = Pipeline::new().step("fill", SimpleImputer::median()).step("scale", StandardScaler::new());
    ColumnTransformer::new()
        .with("cat", OneHotEncoder::new(), ["zone"])
        .with("num", numbers, ["fare", "miles"])
        .with("log", FunctionTransformer::new().with("ratio", (col("miles") + 1).log()), ["miles"])
        .verbose_feature_names_out(true)
}

fn with_model(preparation: ColumnTransformer) -> Pipeline {
    Pipeline::new().step("prepare", preparation).step("clf", LogisticRegression::new())
}

#[test]
fn parts_of_all_kinds_give_the_model_of_steps_by_hand() {
    let frame = in_parts(1);
    let model = with_model(preparation()).fit(&dataset(frame.clone())).unwrap();
    let names = [
        "num__fare",
        "num__miles",
        "log__miles",
        "log__ratio",
        "cat__zone_a",
        "cat__zone_b",
        "cat__zone_c",
        "cat__zone_d",
    ];
    assert_eq!(model.model().unwrap().layout().names().collect::<Vec<_>>(), names);
    // the same by hand, each step on a frame of its own
    let filled = frame.select(["fare", "miles", "zone", "high"]).unwrap();
    let numbers = filled.select(["fare", "miles"]).unwrap();
    let median = SimpleImputer::median().fit(&numbers).unwrap();
    let numbers = median.transform(&numbers).unwrap();
    let scaler = StandardScaler::new().fit(&numbers).unwrap();
    let numbers = scaler.transform(&numbers).unwrap().compute().unwrap().batches()[0].clone();
    let trips = trips();
    let logs = crate::expr::Program::new(&[(col("miles") + 1).log()], &trips.schema()).unwrap().run(&trips).unwrap();
    let column = |name: &str| trips.column_by_name(name).unwrap().clone();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("num__fare", numbers.column(0).clone()),
        ("num__miles", numbers.column(1).clone()),
        ("log__miles", column("miles")),
        ("log__ratio", logs.column(0).clone()),
        ("zone", column("zone")),
        ("high", column("high")),
    ];
    let by_hand = DataFrame::from_batches([RecordBatch::try_from_iter(columns).unwrap()]).unwrap();
    let pipeline = Pipeline::new()
        .step("cat", Categorizer::new())
        .step("dummies", DummyEncoder::new())
        .step("clf", LogisticRegression::new());
    let twin = pipeline.fit(&dataset(by_hand.clone())).unwrap();
    assert_eq!(probabilities(&twin, &by_hand), probabilities(&model, &frame));
}

fn probabilities(model: &FittedPipeline, frame: &DataFrame) -> Vec<Option<f64>> {
    let table = model.predict_proba(frame).unwrap().compute().unwrap();
    table.f64s("high_True").unwrap()
}

#[test]
fn partitions_and_files_change_nothing() {
    let fit = |parts| with_model(preparation()).fit(&dataset(in_parts(parts))).unwrap();
    let model = fit(1);
    assert_eq!(fit(8), model);
    assert_eq!(model.inputs(), ["fare", "miles", "zone"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.json");
    model.save(&path).unwrap();
    let loaded = FittedPipeline::load(&path).unwrap();
    assert_eq!(loaded, model);
    let predict =
        |m: &FittedPipeline| m.predict_proba(&in_parts(3)).unwrap().compute().unwrap().f64s("high_True").unwrap();
    assert_eq!(predict(&loaded), predict(&model));
    // what is fitted lazily on a frame is what the pipeline fits
    for parts in [1, 8] {
        let fitted = preparation().fit(&in_parts(parts)).unwrap();
        assert_eq!(fitted, preparation().fit(&in_parts(1)).unwrap());
        let names = fitted.feature_names(&in_parts(1)).unwrap();
        assert_eq!(names[..2], ["cat__zone_a", "cat__zone_b"]);
        assert_eq!(fitted.transform(&in_parts(parts)).unwrap().compute().unwrap().num_rows(), ROWS);
    }
}

#[test]
fn parameters_inside_of_steps_can_be_searched() {
    let grid = ParamGrid::new()
        .values(StandardScaler::WITH_MEAN.of("prepare__num__scale"), [true, false])
        .values("prepare__num__fill__strategy", ["mean", "median"]);
    let search = GridSearchCv::new(with_model(preparation()), grid).cv(3).fit(&dataset(in_parts(4))).unwrap();
    let shown: Vec<String> = search.candidates().iter().map(|params| format!("{params:?}")).collect();
    assert_eq!(shown.len(), 4);
    assert!(shown[1].contains("mean") && search.best_score() > 0.6, "{shown:?}");
    let wrong = ParamGrid::new().values("prepare__num__fill__strategie", ["mean"]);
    let text = GridSearchCv::new(with_model(preparation()), wrong).fit(&dataset(in_parts(1))).unwrap_err().to_string();
    assert!(text.contains("did you mean `prepare__num__fill__strategy`"), "{text}");
}

fn failed(preparation: ColumnTransformer, frame: DataFrame) -> Error {
    with_model(preparation).fit(&dataset(frame)).unwrap_err()
}

#[test]
fn an_error_names_step_and_column() {
    let text = |step: ColumnTransformer| failed(step, in_parts(2)).to_string();
    let num = |step: Step, column: &str| ColumnTransformer::new().with("num", step, [column]);
    let said = text(num(StandardScaler::new().into(), "zone"));
    assert!(said.contains("step `prepare__num`, column `zone`") && said.contains("cannot be scaled"), "{said}");
    let said = text(num(StandardScaler::new().into(), "zon"));
    assert!(said.contains("unknown column `zon`") && said.contains("did you mean `zone`"), "{said}");
    let said = text(num(Pipeline::new().step("fill", SimpleImputer::median()).into(), "none"));
    assert!(said.contains("step `prepare__num__fill`, column `none`: the column has no values"), "{said}");
    let said = text(num(LogisticRegression::new().into(), "fare"));
    assert!(said.contains("`num`") && said.contains("model"), "{said}");
    // a scaler leaves nulls what they are, and a model refuses them
    let error = failed(num(StandardScaler::new().into(), "fare"), in_parts(2));
    assert!(matches!(error.kind(), ErrorKind::Model { .. }) && error.to_string().contains("`fare`"), "{error}");
}

#[test]
fn no_rows_and_constant_columns() {
    let frame = in_parts(2);
    let none = frame.filter(col("miles").gt(100)).unwrap();
    for step in [preparation(), ColumnTransformer::new().with("num", StandardScaler::new(), ["miles"])] {
        let error = failed(step, none.clone());
        assert!(matches!(error.kind(), ErrorKind::Model { .. }), "{error}");
    }
    assert!(preparation().fit(&none).unwrap_err().to_string().contains("column `fare`: the column has no values"));
    // null in the only category: no features; a constant column: no spread
    let step = ColumnTransformer::new()
        .with("cat", OneHotEncoder::new(), ["none"])
        .with("num", Pipeline::new().step("zero", SimpleImputer::constant(0)).step("s", RobustScaler::new()), ["none"])
        .with("x", MinMaxScaler::new(), ["miles"])
        .verbose_feature_names_out(true);
    let model = with_model(step).fit(&dataset(frame.clone())).unwrap();
    assert_eq!(model.model().unwrap().layout().names().collect::<Vec<_>>(), ["num__none", "x__miles"]);
}

#[test]
fn a_category_only_in_other_rows() {
    let frame = in_parts(1);
    let known = frame.filter(col("zone").ne("d")).unwrap();
    let strict = ColumnTransformer::new().with("cat", OneHotEncoder::new(), ["zone"]);
    let model = with_model(strict).fit(&dataset(known.clone())).unwrap();
    let text = model.predict(&frame).unwrap().compute().unwrap_err().to_string();
    assert!(text.contains("column `zone`") && text.contains("the value `d` was not there"), "{text}");
    let lenient = OneHotEncoder::new().handle_unknown(Unknown::Ignore);
    let model = with_model(ColumnTransformer::new().with("cat", lenient, ["zone"])).fit(&dataset(known)).unwrap();
    assert_eq!(model.predict(&frame).unwrap().compute().unwrap().num_rows(), ROWS);
}

#[test]
fn a_closure_cannot_be_saved() {
    let twice = FunctionTransformer::each(|x| x.map("same", arrow::datatypes::DataType::Float64, |x| Ok(x.clone())));
    let model = with_model(ColumnTransformer::new().with("f", twice, ["miles"])).fit(&dataset(in_parts(2))).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.json");
    let error = model.save(&path).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Model { .. }) && error.to_string().contains("cannot be saved"),
        "{error}"
    );
    assert!(!path.exists());
    assert_eq!(model.predict(&in_parts(1)).unwrap().compute().unwrap().num_rows(), ROWS);
}

#[test]
fn what_is_only_looked_up_is_coded() {
    let coded = |pipeline: Pipeline| {
        let schema = trips().project(&[0, 1, 2]).unwrap().schema();
        pipeline.step("clf", LogisticRegression::new()).prepare(&schema).unwrap().coded
    };
    let encoder = || OneHotEncoder::new().columns(["zone", "miles"]);
    assert_eq!(coded(Pipeline::new().step("e", encoder())), ["zone", "miles"]);
    assert_eq!(coded(Pipeline::new().step("p", preparation())), ["zone"]);
    // miles are read as numbers before they are looked up
    let function = FunctionTransformer::new().with("more", col("miles") + 1);
    let pipeline = Pipeline::new().step("f", function).step("e", encoder());
    assert_eq!(coded(pipeline.clone()), ["zone"]);
    let fit = |parts| with_steps(pipeline.clone()).fit(&dataset(in_parts(parts).fillna(1.0).unwrap())).unwrap();
    assert_eq!(fit(1), fit(6));
    let twice =
        ColumnTransformer::new().with("e", encoder(), ["zone", "miles"]).with("s", StandardScaler::new(), ["miles"]);
    assert_eq!(coded(Pipeline::new().step("t", twice)), ["zone"]);
    let passed =
        ColumnTransformer::new().with("e", encoder(), ["zone", "miles"]).with("p", Remainder::Passthrough, ["miles"]);
    assert_eq!(coded(Pipeline::new().step("t", passed)), ["zone"]);
}

fn with_steps(pipeline: Pipeline) -> Pipeline {
    pipeline.step("clf", LogisticRegression::new())
}
