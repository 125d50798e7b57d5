//! The search and pipelines on frames, against fits made by hand.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Float64Type};
use linfa::ParamGuard;
use linfa::dataset::DatasetBase;
use linfa::traits::{Fit, Predict};

use super::*;
use crate::base::{ErrorKind, Result};
use crate::frame::DataFrame;
use crate::ml::pipeline::{FittedStep, Note};
use crate::ml::prepare::{ColumnStep, OnePass};
use crate::ml::{
    Categorizer, Classes, ColumnTransformer, Design, DummyEncoder, FittedPipeline, LogisticRegression, Pipeline,
    Remainder, StandardScaler, Target,
};
use crate::session::{Scheduler, Session};

const ROWS: usize = 600;
const RATIOS: [f64; 3] = [0.2, 0.5, 0.9];

/// Trips: numbers x0 to x2, places P and D with rare values, and a target that depends on some of them.
fn trips() -> RecordBatch {
    let mut state = 1_u64;
    let mut unit = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let x: Vec<Vec<f64>> = (0..3).map(|j| (0..ROWS).map(|_| 10.0 * j as f64 + 4.0 * unit()).collect()).collect();
    let place = |u: f64| (u * u * 12.0).floor() + 7.0;
    let p: Vec<f64> = (0..ROWS).map(|i| if i == 5 { 74.0 } else { place(unit()) }).collect();
    let d: Vec<f64> = (0..ROWS).map(|_| place(unit())).collect();
    let y: Vec<f64> = (0..ROWS)
        .map(|i| {
            let z = 1.5 * (x[0][i] - 2.0) - 0.8 * (x[1][i] - 12.0) + if p[i] < 9.0 { 1.0 } else { -0.5 };
            f64::from(unit() < 1.0 / (1.0 + (-z).exp()))
        })
        .collect();
    let column = |values: &[f64]| Arc::new(Float64Array::from(values.to_vec())) as ArrayRef;
    let columns = [("x0", &x[0]), ("x1", &x[1]), ("x2", &x[2]), ("P", &p), ("D", &d), ("y", &y)];
    RecordBatch::try_from_iter(columns.map(|(name, values)| (name, column(values)))).unwrap()
}

fn in_parts(session: &Session, parts: usize) -> DataFrame {
    let trips = trips();
    let size = ROWS.div_ceil(parts);
    let cut = |i: usize| trips.slice(i * size, size.min(ROWS - i * size));
    session.from_batches((0..parts).map(cut)).unwrap()
}

fn frame() -> DataFrame {
    in_parts(&Session::current().unwrap(), 4)
}

fn dataset(frame: DataFrame) -> DatasetBase<DataFrame, Target> {
    DatasetBase::new(frame, Target::column("y"))
}

fn pipeline(remainder: Remainder) -> Pipeline {
    Pipeline::new()
        .step("categorize", Categorizer::new().columns(["P", "D"]))
        .step("onehot", DummyEncoder::new().columns(["P", "D"]))
        .step(
            "scale",
            ColumnTransformer::new().with("num", StandardScaler::new(), ["x0", "x1", "x2"]).remainder(remainder),
        )
        .step("clf", LogisticRegression::new())
}

fn grid() -> ParamGrid {
    ParamGrid::new().values(LogisticRegression::L1_RATIO.of("clf"), RATIOS)
}

fn search(frame: DataFrame, remainder: Remainder) -> FittedGridSearchCv {
    GridSearchCv::new(pipeline(remainder), grid()).cv(3).fit(&dataset(frame)).unwrap()
}

/// The obvious way: everything dense, every step fitted for every candidate and fold.
fn twin(remainder: Remainder) -> Vec<Vec<f64>> {
    let trips = trips();
    let (_, y) = Classes::of_column(trips.column(5)).unwrap();
    let folds = StratifiedKFold::new(3).fold_ids(&y).unwrap();
    let features = trips.project(&[0, 1, 2, 3, 4]).unwrap();
    let fold_score = |ratio: f64, fold: u32| -> Result<f64> {
        let rows_of = |test: bool| -> Vec<usize> { (0..ROWS).filter(|i| (folds[*i] == fold) == test).collect() };
        let take = |test: bool| {
            let places: arrow::array::UInt64Array = rows_of(test).iter().map(|i| Some(*i as u64)).collect();
            arrow::compute::take_record_batch(&features, &places).unwrap()
        };
        let (train, test) = (take(false), take(true));
        let categorizer = Categorizer::new().columns(["P", "D"]).fit_batches(&train.schema(), [&train])?;
        let (train, test) = (categorizer.transform_batch(&train)?, categorizer.transform_batch(&test)?);
        let encoder = DummyEncoder::new().columns(["P", "D"]).fit_batches(&train.schema(), [&train])?;
        let (train, test) = (encoder.transform_batch(&train)?, encoder.transform_batch(&test)?);
        let step = ColumnTransformer::new().with("num", StandardScaler::new(), ["x0", "x1", "x2"]).remainder(remainder);
        let step = step.fit_batches(&train.schema(), [&train])?;
        let dense = |batch: &RecordBatch| {
            let batch = step.transform_batch(batch).unwrap();
            batch.schema().fields().iter().zip(batch.columns()).fold(
                Design::with_rows(batch.num_rows()),
                |d, (f, c)| {
                    let c = arrow::compute::cast(c, &DataType::Float64).unwrap();
                    d.numeric(f.name(), c.as_primitive::<Float64Type>().values().to_vec()).unwrap()
                },
            )
        };
        let of = |test: bool| rows_of(test).into_iter().map(|i| y[i]).collect::<Vec<u32>>();
        let model = LogisticRegression::new().l1_ratio(ratio).check()?;
        let model = model.fit_design(&dense(&train), &Classes::Float(vec![0.0, 1.0]), &of(false))?;
        let right = model.predict_class(&dense(&test))?.iter().zip(of(true)).filter(|(a, b)| **a == *b).count();
        Ok(right as f64 / of(true).len() as f64)
    };
    RATIOS.iter().map(|ratio| (0..3).map(|fold| fold_score(*ratio, fold).unwrap()).collect()).collect()
}

#[test]
fn the_scores_are_those_of_fits_by_hand() {
    for remainder in [Remainder::Drop, Remainder::Passthrough] {
        let search = search(frame(), remainder);
        assert_eq!(search.split_test_scores(), twin(remainder));
        assert!(search.best_score() > 0.7);
        let features = search.best_estimator().unwrap().model().unwrap().layout().len();
        assert_eq!(features == 3, remainder == Remainder::Drop);
    }
}

#[test]
fn partitions_and_threads_change_no_bit() {
    let session = |scheduler| Session::builder().scheduler(scheduler).build().unwrap();
    let schedulers = [Scheduler::Synchronous, Scheduler::Threads(1), Scheduler::Threads(3)];
    let one = search(in_parts(&session(schedulers[0]), 1), Remainder::Passthrough);
    for (scheduler, parts) in schedulers.into_iter().zip([7, 1, 20]) {
        assert_eq!(search(in_parts(&session(scheduler), parts), Remainder::Passthrough), one);
    }
}

#[test]
fn results_as_a_table() {
    let search = search(frame(), Remainder::Drop);
    let table = search.cv_results().unwrap();
    let names: Vec<_> = table.schema().fields().iter().map(|f| f.name().clone()).collect();
    assert_eq!(names[..3], ["params", "param_clf__l1_ratio", "split0_test_score"]);
    assert_eq!(names[5..], ["mean_test_score", "std_test_score", "rank_test_score"]);
    let (rank, mean) = (table.f64s("rank_test_score").unwrap(), table.f64s("mean_test_score").unwrap());
    assert_eq!(rank[search.best_index()], Some(1.0));
    assert_eq!(mean[search.best_index()], Some(search.best_score()));
    assert_eq!(search.best_params()["clf__l1_ratio"], RATIOS[search.best_index()].into());
}

#[test]
fn several_scorings_and_training_rows() {
    let several = || {
        GridSearchCv::new(pipeline(Remainder::Drop), grid())
            .scoring([Scoring::NegLogLoss, Scoring::RocAuc, Scoring::Accuracy])
            .return_train_score(true)
    };
    let search = several().refit(Scoring::RocAuc).fit(&dataset(frame())).unwrap();
    assert_eq!(search.by(Scoring::Accuracy).unwrap().split_test_scores(), twin(Remainder::Drop));
    assert_eq!(search.best_score(), search.by(Scoring::RocAuc).unwrap().mean_test_scores()[search.best_index()]);
    let train = search.by(Scoring::NegLogLoss).unwrap().mean_train_scores().unwrap().to_vec();
    assert!(train.iter().zip(search.by(Scoring::NegLogLoss).unwrap().mean_test_scores()).all(|(a, b)| a > b));
    let text = several().fit(&dataset(frame())).unwrap_err().to_string();
    assert!(text.contains("none that decides"), "{text}");
}

#[test]
fn every_way_to_divide_rows_can_be_searched() {
    let ways: [Cv; 3] = [
        KFold::new(3).shuffle(1).into_cv(),
        StratifiedKFold::new(3).shuffle(1).into_cv(),
        TimeSeriesSplit::new(3).into_cv(),
    ];
    for cv in ways {
        let search = GridSearchCv::new(pipeline(Remainder::Drop), grid()).cv(cv.clone());
        let found = search.fit(&dataset(frame())).unwrap();
        assert_eq!(found.fold_sizes().len(), 3);
        assert!(found.best_score() > 0.6, "{cv:?} {found}");
        let parts = in_parts(&Session::current().unwrap(), 7);
        assert_eq!(search.fit(&dataset(parts)).unwrap(), found);
    }
}

#[test]
fn candidates_can_be_drawn() {
    let sampler = ParamSampler::new(4, 7).log_uniform(LogisticRegression::C.of("clf"), 1e-2, 1e2);
    let search = RandomizedSearchCv::new(pipeline(Remainder::Drop), sampler.clone()).fit(&dataset(frame())).unwrap();
    assert_eq!(search.candidates(), sampler.candidates().unwrap());
}

#[test]
fn a_fit_that_fails_can_have_a_score() {
    // time: the first split has one class alone
    let trips = trips();
    let mut columns = trips.columns().to_vec();
    columns[5] = Arc::new(Float64Array::from_iter_values((0..ROWS).map(|i| f64::from(i > 200 && i % 3 == 0))));
    let frame = DataFrame::from_batches([RecordBatch::try_new(trips.schema(), columns).unwrap()]).unwrap();
    let search = GridSearchCv::new(pipeline(Remainder::Drop), grid()).cv(TimeSeriesSplit::new(3));
    assert!(search.fit(&dataset(frame.clone())).is_err());
    let found = search.clone().error_score(0.0).fit(&dataset(frame.clone())).unwrap();
    assert!(found.split_test_scores().iter().all(|scores| scores[0] == 0.0 && scores[2] > 0.0));
    assert_eq!(found.notes().iter().filter(|note| matches!(note, Note::FitFailed { .. })).count(), RATIOS.len());
    let text = search.error_score(f64::NAN).fit(&dataset(frame)).unwrap_err().to_string();
    assert!(text.contains("no candidate has a score"), "{text}");
}

#[test]
fn dropped_columns_are_noted_and_cost_nothing() {
    let dropped = search(frame(), Remainder::Drop);
    let one_hot = vec!["P".to_string(), "D".to_string()];
    assert_eq!(dropped.notes(), [Note::ColumnsDropped { step: "scale".into(), columns: Vec::new(), one_hot }]);
    assert!(dropped.to_string().contains("drops all one-hot features of `P`, `D`"), "{dropped}");
    let best = dropped.best_estimator().unwrap();
    assert_eq!(best.inputs(), ["x0", "x1", "x2"]);
    let FittedStep::Categorizer(categorizer) = &best.steps()[0].1 else { panic!() };
    assert!(categorizer.columns().is_empty());
    assert!(search(frame(), Remainder::Passthrough).notes().is_empty());
    let explicit = ColumnTransformer::new().with("num", StandardScaler::new(), ["x0", "x1"]).with(
        "no",
        ColumnStep::Drop,
        ["P", "D", "x2"],
    );
    let fitted = Pipeline::new().step("scale", explicit).step("clf", LogisticRegression::new()).fit(&dataset(frame()));
    assert!(fitted.unwrap().notes().is_empty());
}

#[test]
fn the_best_estimator_is_the_pipeline_fitted_to_all_rows() {
    let search = search(frame(), Remainder::Passthrough);
    let best = pipeline(Remainder::Passthrough).with_params(search.best_params()).unwrap();
    assert_eq!(search.best_estimator().unwrap(), &Fit::fit(&best, &dataset(frame())).unwrap());
    let none = GridSearchCv::new(best, grid()).refit(false).fit(&dataset(frame())).unwrap();
    assert!(none.best_estimator().unwrap_err().to_string().contains("refit(false)"));
}

#[test]
fn predictions_are_lazy_columns() {
    let fitted = pipeline(Remainder::Passthrough).fit(&dataset(frame())).unwrap();
    let names: Vec<&str> = fitted.model().unwrap().layout().names().collect();
    assert!(names.contains(&"P_74.0") && names[..3] == ["x0", "x1", "x2"], "{names:?}");
    let predicted: DataFrame = Predict::predict(&fitted, &frame()).unwrap();
    assert_eq!(predicted.dtypes(), [("y".to_string(), DataType::Float64)]);
    let labels = predicted.compute().unwrap().f64s("y").unwrap();
    let margins = fitted.decision_function(&frame()).unwrap().compute().unwrap().f64s("decision_function").unwrap();
    let proba = fitted.predict_proba(&frame()).unwrap();
    assert_eq!(proba.columns(), ["y_0.0", "y_1.0"]);
    let proba = proba.compute().unwrap().f64s("y_1.0").unwrap();
    for ((label, margin), p) in labels.iter().zip(&margins).zip(&proba) {
        let (margin, p) = (margin.unwrap(), p.unwrap());
        assert_eq!(*label, Some(f64::from(margin > 0.0)));
        assert!((p - 1.0 / (1.0 + (-margin).exp())).abs() < 1e-14);
    }
    let beside = fitted.with_probability(&frame(), "p").unwrap();
    assert_eq!(beside.columns().last().map(String::as_str), Some("p"));
    assert_eq!(beside.compute().unwrap().f64s("p").unwrap(), proba);
    assert!(fitted.with_prediction(&frame(), "y").is_err());
    let seen = fitted.transform(&frame()).unwrap();
    assert_eq!(seen.columns(), names);
}

#[test]
fn an_unknown_category_is_a_row_of_zeros() {
    let fitted = pipeline(Remainder::Passthrough).fit(&dataset(frame())).unwrap();
    let model = fitted.model().unwrap();
    let zero = |p: Option<f64>| {
        let column = |v: f64| Arc::new(Float64Array::from(vec![v])) as ArrayRef;
        let p = Arc::new(Float64Array::from(vec![p])) as ArrayRef;
        let row = [("x0", column(2.0)), ("x1", column(12.0)), ("x2", column(22.0)), ("P", p), ("D", column(-1.0))];
        let frame = DataFrame::from_batches([RecordBatch::try_from_iter(row).unwrap()]).unwrap();
        fitted.decision_function(&frame).unwrap().compute().unwrap().f64s("decision_function").unwrap()[0].unwrap()
    };
    assert_eq!(zero(None), zero(Some(1e6)));
    assert!((zero(Some(7.0)) - zero(None) - model.coef_of("P_7.0").unwrap()).abs() < 1e-12);
}

#[test]
fn a_pipeline_is_saved_whole() {
    let fitted = pipeline(Remainder::Passthrough).fit(&dataset(frame())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.json");
    fitted.save(&path).unwrap();
    assert_eq!(FittedPipeline::load(&path).unwrap(), fitted);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("\"version\": 2", "\"version\": 9", 1)).unwrap();
    assert!(matches!(FittedPipeline::load(&path).unwrap_err().kind(), ErrorKind::Unsupported { .. }));
    std::fs::write(&path, "{}").unwrap();
    assert!(matches!(FittedPipeline::load(&path).unwrap_err().kind(), ErrorKind::Corrupt { .. }));
}

#[test]
fn wrong_parameters_are_named() {
    let fit = |grid: ParamGrid| GridSearchCv::new(pipeline(Remainder::Drop), grid).fit(&dataset(frame()));
    let text = fit(ParamGrid::new().values("clf__l1ratio", [0.5])).unwrap_err().to_string();
    assert!(text.contains("did you mean `clf__l1_ratio`") && text.contains("scale__num__with_std, clf__C"), "{text}");
    let text = fit(ParamGrid::new().values(LogisticRegression::C.of("model"), [1.0])).unwrap_err().to_string();
    assert!(text.contains("no parameter `model__C`"), "{text}");
    let text = fit(ParamGrid::new().values("clf__max_iter", [0.5])).unwrap_err().to_string();
    assert!(text.contains("set clf__max_iter") && text.contains("whole number"), "{text}");
    let text = fit(ParamGrid::new().values("clf__l1_ratio", [1.5])).unwrap_err().to_string();
    assert!(text.contains("l1_ratio is 1.5"), "{text}");
}

#[test]
fn a_target_that_cannot_be_learnt_is_named() {
    let fit = |y: Vec<Option<f64>>| {
        let trips = trips().slice(0, y.len());
        let mut columns = trips.columns().to_vec();
        columns[5] = Arc::new(Float64Array::from(y));
        let fields: Vec<_> = trips.schema().fields().iter().map(|f| f.as_ref().clone().with_nullable(true)).collect();
        let batch = RecordBatch::try_new(Arc::new(arrow::datatypes::Schema::new(fields)), columns).unwrap();
        search_of(batch).unwrap_err().to_string()
    };
    let text = fit(vec![Some(1.0); 30]);
    assert!(text.contains("column `y`") && text.contains("only one class, 1"), "{text}");
    let text = fit([vec![None], vec![Some(1.0); 30]].concat());
    assert!(text.contains("column `y`") && text.contains("null in row 0"), "{text}");
    let text = fit([vec![Some(1.0); 30], vec![Some(f64::NAN)]].concat());
    assert!(text.contains("column `y`") && text.contains("NaN in row 30"), "{text}");
}

fn search_of(batch: RecordBatch) -> Result<FittedGridSearchCv> {
    GridSearchCv::new(pipeline(Remainder::Drop), grid()).fit(&dataset(DataFrame::from_batches([batch])?))
}

#[test]
fn a_feature_that_is_no_number_is_named() {
    let trips = trips();
    let fit = |column: ArrayRef, pipeline: Pipeline| {
        let batch = RecordBatch::try_from_iter([("f", column), ("y", trips.column(5).clone())]).unwrap();
        pipeline.fit(&dataset(DataFrame::from_batches([batch]).unwrap())).unwrap_err().to_string()
    };
    let clf = || Pipeline::new().step("clf", LogisticRegression::new());
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["a"; ROWS]));
    let text = fit(texts.clone(), clf());
    assert!(text.contains("column `f`") && text.contains("Utf8"), "{text}");
    let text =
        fit(texts.clone(), Pipeline::new().step("cat", Categorizer::new()).step("clf", LogisticRegression::new()));
    assert!(text.contains("column `f`") && text.contains("encode it with DummyEncoder"), "{text}");
    let text = fit(texts, Pipeline::new().step("s", StandardScaler::new()).step("clf", LogisticRegression::new()));
    assert!(text.contains("column `f`") && text.contains("cannot be scaled"), "{text}");
    let nulls: ArrayRef = Arc::new(Float64Array::from_iter((0..ROWS).map(|i| (i != 3).then_some(1.0))));
    let text = fit(nulls, clf());
    assert!(text.contains("column `f`") && text.contains("null in row 3"), "{text}");
    let nans: ArrayRef =
        Arc::new(Float64Array::from_iter_values((0..ROWS).map(|i| if i == 3 { f64::NAN } else { 1.0 })));
    let text = fit(nans, clf());
    assert!(text.contains("column `f`") && text.contains("NaN"), "{text}");
}

#[test]
fn steps_are_checked_against_the_columns() {
    let prepare = |p: Pipeline| p.fit(&dataset(frame())).unwrap_err().to_string();
    let clf = LogisticRegression::new;
    let text = prepare(Pipeline::new().step("onehot", DummyEncoder::new().columns(["P"])).step("clf", clf()));
    assert!(text.contains("column `P`") && text.contains("must be categorical"), "{text}");
    assert!(prepare(Pipeline::new().step("s", StandardScaler::new())).contains("has to be a model"));
    assert!(prepare(Pipeline::new().step("a__b", StandardScaler::new()).step("clf", clf())).contains("a__b"));
    assert!(prepare(Pipeline::new().step("clf", clf()).step("clf", clf())).contains("two steps"));
    let base = || Pipeline::new().step("c", Categorizer::new().columns(["P"])).step("o", DummyEncoder::new());
    let text = prepare(base().step("s", StandardScaler::new()).step("clf", clf()));
    assert!(text.contains("scaling the one-hot features of `P`"), "{text}");
    let one = ColumnTransformer::new().with("x", StandardScaler::new(), ["P_7.0"]);
    let text = prepare(base().step("s", one).step("clf", clf()));
    assert!(text.contains("`P_7.0`"), "{text}");
    let text = Pipeline::new().step("clf", clf()).fit(&DatasetBase::new(frame(), Target::column("tip"))).unwrap_err();
    assert!(text.to_string().contains("unknown column `tip`"), "{text}");
}

#[test]
fn too_little_memory_is_an_error() {
    let session = Session::builder().memory_limit(50_000_u64).build().unwrap();
    let error = GridSearchCv::new(pipeline(Remainder::Drop), grid()).fit(&dataset(in_parts(&session, 3))).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Memory { .. }), "{error}");
    assert!(error.to_string().contains("failed to fit a model to all rows"), "{error}");
    assert_eq!(session.budget().held(), 0);
}

#[test]
fn a_pipeline_without_a_model_prepares_frames() {
    let steps =
        Pipeline::new().step("categorize", Categorizer::new().columns(["P"])).step("onehot", DummyEncoder::new()).step(
            "scale",
            ColumnTransformer::new().with("num", StandardScaler::new(), ["x0"]).remainder(Remainder::Passthrough),
        );
    let fitted = steps.fit_frame(&frame()).unwrap();
    let out = fitted.transform(&frame()).unwrap().compute().unwrap();
    let x0 = out.f64s("x0").unwrap();
    assert!(x0.iter().flatten().sum::<f64>().abs() < 1e-9);
    assert_eq!(out.column("P_74.0").unwrap().as_boolean().true_count(), 1);
    assert!(fitted.predict(&frame()).unwrap_err().to_string().contains("no model"));
    assert!(pipeline(Remainder::Drop).fit_frame(&frame()).unwrap_err().to_string().contains("needs a target"));
}
