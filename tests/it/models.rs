//! Models of bad input: a typed error that names the place and the next step, or a fit that says it has not converged.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray};
use partita::ml::linfa::DatasetBase;
use partita::ml::{Note, Step};
use partita::{
    Categorizer, DataFrame, DummyEncoder, Error, ErrorKind, GridSearchCv, KFold, LogisticRegression, ParamGrid,
    Penalty, Pipeline, Scoring, SimpleImputer, Solver, StandardScaler, Target, col,
};

const ROWS: usize = 120;

fn number(of: impl Fn(usize) -> Option<f64>) -> ArrayRef {
    Arc::new((0..ROWS).map(of).collect::<Float64Array>())
}

/// Hours of days, and whether the tip was high; with further columns.
fn trips(more: Vec<(&str, ArrayRef)>) -> DatasetBase<DataFrame, Target> {
    let tip: BooleanArray = (0..ROWS).map(|i| Some((i * 7 + i / 5) % 24 > 9 + i % 8)).collect();
    let mut columns = vec![("hour", number(|i| Some((i * 7 % 24) as f64))), ("high_tip", Arc::new(tip) as ArrayRef)];
    columns.extend(more);
    let frame = DataFrame::from_batches([RecordBatch::try_from_iter(columns).unwrap()]).unwrap();
    DatasetBase::new(frame, Target::column("high_tip"))
}

fn scaled(model: impl Into<Step>) -> Pipeline {
    Pipeline::new().step("scale", StandardScaler::new()).step("clf", model)
}

fn solvers() -> Vec<Solver> {
    vec![Solver::Auto, Solver::ProxNewton, Solver::Fista, Solver::Saga { seed: 42 }, Solver::Linfa]
}

fn grid() -> ParamGrid {
    ParamGrid::new().values(LogisticRegression::C.of("clf"), [1.0])
}

/// The error is of a model or of a parameter, and its text has all of `words`.
fn says<T: std::fmt::Debug>(outcome: Result<T, Error>, words: &[&str]) {
    let error = outcome.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Model { .. } | ErrorKind::Invalid { .. }), "{error}");
    assert!(error.help_text().is_some(), "no next step: {error}");
    for word in words {
        assert!(error.to_string().contains(word), "`{word}` is not in: {error}");
    }
}

#[test]
fn constant_columns_have_no_coefficient() {
    let trips = trips(vec![("one", number(|_| Some(3.0)))]);
    let only = trips.records().select(["one", "high_tip"]).unwrap();
    let only = DatasetBase::new(only, Target::column("high_tip"));
    for solver in solvers() {
        let model = LogisticRegression::new().solver(solver).max_iter(2000);
        for pipeline in [scaled(model.clone()), Pipeline::new().step("clf", model.clone())] {
            let fitted = pipeline.fit(&trips).unwrap();
            let model = fitted.model().unwrap();
            assert!(model.converged() && model.coef().all(|(_, coef)| coef.is_finite()), "{solver:?}");
            // SAGA stops as scikit-learn does, by the change of an epoch
            assert!(matches!(solver, Solver::Saga { .. }) || model.coef_of("one").unwrap().abs() < 1e-6, "{solver:?}");
        }
        let fitted = scaled(model).fit(&only).unwrap();
        assert_eq!(fitted.model().unwrap().coef_values(), [0.0], "{solver:?}");
    }
}

#[test]
fn collinear_columns_converge_or_say_that_they_have_not() {
    let weekday = |i: usize| (i % 7) as f64;
    let trips = trips(vec![
        ("pickup_weekday", number(move |i| Some(weekday(i)))),
        ("pickup_week_hour", number(move |i| Some(24.0 * weekday(i) + (i * 7 % 24) as f64))),
    ]);
    for solver in solvers() {
        let model = LogisticRegression::new().solver(solver).max_iter(2000);
        for model in [model.clone(), model.clone().c(100.0), model.penalty(Penalty::None)] {
            for pipeline in [scaled(model.clone()), Pipeline::new().step("clf", model)] {
                let fitted = pipeline.fit(&trips).unwrap();
                let model = fitted.model().unwrap();
                assert!(model.coef().all(|(_, coef)| coef.is_finite()), "{solver:?}");
                let said = fitted.notes().iter().any(|note| matches!(note, Note::NotConverged { .. }));
                assert_eq!(model.converged(), !said, "{solver:?}");
                let exact = matches!(solver, Solver::Auto | Solver::ProxNewton);
                assert!(model.converged() || !exact, "{solver:?} {}", model.kkt());
            }
        }
    }
}

#[test]
fn fits_that_are_cut_short_say_so() {
    for solver in solvers() {
        let model = LogisticRegression::new().solver(solver).max_iter(1).tol(1e-14);
        let fitted = scaled(model.clone()).fit(&trips(vec![])).unwrap();
        let model_end = fitted.model().unwrap();
        assert!(!model_end.converged() && model_end.kkt() > 0.0, "{solver:?}");
        let text = fitted.notes()[0].to_string();
        assert!(text.contains("step `clf` to all rows has not converged") && text.contains("max_iter"), "{text}");
        let search = GridSearchCv::new(scaled(model), grid()).cv(3).fit(&trips(vec![])).unwrap();
        assert_eq!(search.notes().len(), 4, "{solver:?}: three folds and all rows, {:?}", search.notes());
        assert!(search.to_string().contains("candidate 0 (clf__C=1.0), fold 2"), "{search}");
    }
}

#[test]
fn parameters_out_of_range() {
    for (c, l1_ratio, words) in [
        (0.0, 0.5, ["C is 0", "above 0"]),
        (-1.0, 0.5, ["C is -1", "above 0"]),
        (f64::NAN, 0.5, ["C is NaN", "Penalty::None"]),
        (1.0, -0.1, ["l1_ratio is -0.1", "from 0 to 1"]),
        (1.0, 1.1, ["l1_ratio is 1.1", "ℓ₁"]),
        (1.0, f64::NAN, ["l1_ratio is NaN", "from 0 to 1"]),
    ] {
        for solver in solvers() {
            let model = LogisticRegression::new().solver(solver).c(c).l1_ratio(l1_ratio);
            says(scaled(model).fit(&trips(vec![])), &[words[0], words[1], "step `clf`"]);
        }
        let grid = ParamGrid::new().values("clf__C", [1.0, c]).values("clf__l1_ratio", [0.5, l1_ratio]);
        let search = GridSearchCv::new(scaled(LogisticRegression::new()), grid).cv(3).fit(&trips(vec![]));
        says(search, &[words[0], words[1], "step `clf`", "try clf__C="]);
    }
    says(scaled(LogisticRegression::new().tol(-1.0)).fit(&trips(vec![])), &["tol is -1", "step `clf`"]);
}

#[test]
fn values_that_cannot_be_fitted() {
    let with =
        |value: Option<f64>| trips(vec![("fare", number(move |i| if i == 77 { value } else { Some(i as f64) }))]);
    let alone = Pipeline::new().step("clf", LogisticRegression::new());
    for (value, word) in [(Some(f64::NAN), "NaN"), (Some(f64::INFINITY), "inf"), (None, "null")] {
        says(alone.fit(&with(value)), &["column `fare`", word, "77", "fillna"]);
        says(GridSearchCv::new(alone.clone(), grid()).cv(3).fit(&with(value)), &["column `fare`", word, "fillna"]);
        says(scaled(LogisticRegression::new()).fit(&with(value)), &["column `fare`", word]);
    }
    let filled = Pipeline::new().step("fill", SimpleImputer::new()).step("clf", LogisticRegression::new());
    assert!(filled.fit(&with(None)).unwrap().model().unwrap().converged());
    let nothing = trips(vec![("fare", number(|_| None))]);
    says(filled.fit(&nothing), &["step `fill`", "column `fare`", "no values", "SimpleImputer::constant"]);
}

#[test]
fn a_categorical_column_without_values() {
    let zones: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>; ROWS]));
    let trips = trips(vec![("zone", zones)]);
    let encoded = Pipeline::new()
        .step("categorize", Categorizer::new().columns(["zone"]))
        .step("onehot", DummyEncoder::new().columns(["zone"]))
        .step("clf", LogisticRegression::new());
    let fitted = encoded.fit(&trips).unwrap();
    assert_eq!(fitted.model().unwrap().coef().map(|(name, _)| name).collect::<Vec<_>>(), ["hour"]);
    let text = fitted.notes()[0].to_string();
    assert!(text.contains("step `categorize` found no value in `zone`"), "{text}");
    let alone = trips.records().select(["zone", "high_tip"]).unwrap();
    let alone = DatasetBase::new(alone, Target::column("high_tip"));
    says(encoded.fit(&alone), &["column `zone`", "no feature is left"]);
    says(GridSearchCv::new(encoded, grid()).cv(3).fit(&alone), &["column `zone`", "no feature is left"]);
}

#[test]
fn no_rows_after_a_filter() {
    let none = trips(vec![]).records().filter(col("hour").gt(100)).unwrap();
    let none = DatasetBase::new(none, Target::column("high_tip"));
    let pipeline = scaled(LogisticRegression::new());
    says(pipeline.fit(&none), &["column `high_tip`", "no rows", "filters"]);
    says(GridSearchCv::new(pipeline, grid()).cv(3).fit(&none), &["0 rows cannot be divided into 3 folds", "filters"]);
}

/// Trips of which the first have high tips.
fn high_first(high: usize) -> DatasetBase<DataFrame, Target> {
    let tip: ArrayRef = Arc::new((0..ROWS).map(|i| Some(i < high)).collect::<BooleanArray>());
    let columns = [("hour", number(|i| Some((i * 7 % 24) as f64))), ("high_tip", tip)];
    let frame = DataFrame::from_batches([RecordBatch::try_from_iter(columns).unwrap()]).unwrap();
    DatasetBase::new(frame, Target::column("high_tip"))
}

#[test]
fn a_class_absent_from_a_fold() {
    let pipeline = scaled(LogisticRegression::new());
    says(pipeline.fit(&high_first(0)), &["column `high_tip`", "only one class, false"]);
    let search = GridSearchCv::new(pipeline, grid()).cv(KFold::new(3));
    // the first fold has all high tips, so that none is left to train on
    let words = ["column `high_tip`", "all 80 rows are of the class false", "fold 0", "StratifiedKFold"];
    says(search.clone().fit(&high_first(40)), &words);
    says(search.clone().error_score(f64::NAN).fit(&high_first(40)), &["fold 0 failed", "all 80 rows"]);
    let scored = search.clone().error_score(0.0).fit(&high_first(40)).unwrap();
    assert_eq!(scored.split_test_scores()[0][0], 0.0);
    assert!(matches!(scored.notes()[0], Note::FitFailed { .. }), "{:?}", scored.notes());
    // the last fold has no high tip to rank
    says(search.clone().scoring(Scoring::RocAuc).fit(&high_first(50)), &["roc_auc", "NaN", "StratifiedKFold"]);
    // divided by classes all have some
    let stratified = search.cv(3).scoring(Scoring::RocAuc).fit(&high_first(40)).unwrap();
    assert!(stratified.split_test_scores()[0].iter().all(|score| score.is_finite()));
}
