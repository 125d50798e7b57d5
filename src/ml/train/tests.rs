//! What is fitted does not depend on where rows lie, how they come, or who adds them up.

use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int32Type;
use linfa::dataset::DatasetBase;

use crate::base::{ErrorKind, Result};
use crate::exec::Cancel;
use crate::frame::DataFrame;
use crate::ml::design::{Block, Design, Layout};
use crate::ml::estimator::labels::Task;
use crate::ml::estimator::{Facts, Labels, PassEstimator, Passed, Predicted, Predictor, WholeEstimator};
use crate::ml::{
    Categorizer, ColumnTransformer, DummyEncoder, FittedPipeline, GridSearchCv, LinearRegression, LogisticRegression,
    OneHotEncoder, ParamGrid, Pipeline, Remainder, Solver, StandardScaler, Step, Target, TimeSeriesSplit,
};
use crate::session::{Session, SessionBuilder};

const ROWS: usize = 5_300;

/// Numbers, two texts of which one has rare values, weights, and a target that depends on some of them.
fn rows() -> RecordBatch {
    let mut state = 3_u64;
    let mut unit = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let x: Vec<f64> = (0..ROWS).map(|_| 4.0 * unit() - 2.0).collect();
    let far: Vec<f64> = (0..ROWS).map(|_| 1e4 + unit()).collect();
    let place: Vec<String> = (0..ROWS).map(|_| format!("p{}", (unit().powi(3) * 40.0) as u32)).collect();
    let kind: Vec<i64> = (0..ROWS).map(|_| (unit() * 3.0) as i64).collect();
    let y: Vec<f64> = (0..ROWS)
        .map(|i| {
            let z = 1.3 * x[i] + if place[i] == "p0" { 1.0 } else { -0.4 } + 0.2 * kind[i] as f64;
            f64::from(u8::from(unit() < 1.0 / (1.0 + (-z).exp())))
        })
        .collect();
    let weight: Vec<f64> = (0..ROWS).map(|i| (i % 4) as f64 / 2.0).collect();
    let columns: [(&str, ArrayRef); 6] = [
        ("x", Arc::new(Float64Array::from(x))),
        ("far", Arc::new(Float64Array::from(far))),
        ("place", Arc::new(StringArray::from(place))),
        ("kind", Arc::new(Int64Array::from(kind))),
        ("weight", Arc::new(Float64Array::from(weight))),
        ("y", Arc::new(Float64Array::from(y))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn frame(session: &Session, parts: usize) -> DataFrame {
    let (rows, size) = (rows(), ROWS.div_ceil(parts));
    let cut = |i: usize| rows.slice((i * size).min(ROWS), size.min(ROWS.saturating_sub(i * size)));
    session.from_batches((0..parts).map(cut)).unwrap()
}

fn pipeline() -> Pipeline {
    Pipeline::new()
        .step("categorize", Categorizer::new().columns(["place", "kind"]))
        .step("onehot", DummyEncoder::new().columns(["place", "kind"]))
        .step(
            "scale",
            ColumnTransformer::new().with("num", StandardScaler::new(), ["x", "far"]).remainder(Remainder::Passthrough),
        )
        .step("clf", LogisticRegression::new())
}

fn target() -> Target {
    Target::column("y").weighted_by("weight")
}

fn search(frame: DataFrame) -> Result<(Vec<Vec<f64>>, FittedPipeline, u64)> {
    let grid = ParamGrid::new().values(LogisticRegression::L1_RATIO.of("clf"), [0.2, 0.9]);
    let found = GridSearchCv::new(pipeline(), grid).cv(3).fit(&DatasetBase::new(frame, target()))?;
    Ok((found.split_test_scores().to_vec(), found.best_estimator()?.clone(), found.passes().cache))
}

fn session(change: impl Fn(SessionBuilder) -> SessionBuilder) -> Session {
    change(Session::builder()).build().unwrap()
}

#[test]
fn partitions_threads_and_memory_change_no_bit() {
    let known = search(frame(&session(|s| s.threads(1)), 1)).unwrap();
    for (parts, threads) in [(1, 3), (7, 1), (7, 2), (300, 3)] {
        let found = search(frame(&session(|s| s.threads(threads)), parts)).unwrap();
        assert_eq!(found, known, "{parts} partitions, {threads} threads");
    }
    let small = session(|s| s.threads(2).memory_limit(2_000_000_u64));
    let frame = frame(&small, 7);
    assert_eq!(search(frame).unwrap(), known, "little memory");
    let spilled = small.task_context().spill.written().0;
    assert!(spilled > 100_000, "{spilled} bytes were spilled");
    assert_eq!(small.budget().held(), 0);
}

#[test]
fn passes_do_not_grow_with_the_grid() {
    let passes = |values: Vec<f64>| {
        let grid = ParamGrid::new().values(LogisticRegression::C.of("clf"), values);
        let search = GridSearchCv::new(pipeline(), grid).cv(3).refit(false);
        let found = search.fit(&DatasetBase::new(frame(&session(|s| s), 3), target())).unwrap();
        assert_eq!(found.passes().source, 1);
        found.passes().cache
    };
    let few = passes(vec![1.0]);
    let many = passes((0..12).map(|i| 0.2 * 1.4_f64.powi(i)).collect());
    assert!(many <= few + 2, "{few} passes for a candidate, {many} for twelve");
}

#[test]
fn weights_are_repeated_rows() {
    let whole = rows();
    let times: Vec<u64> = (0..ROWS as u64).flat_map(|i| std::iter::repeat_n(i, i as usize % 4)).collect();
    let repeated = arrow::compute::take_record_batch(&whole, &arrow::array::UInt64Array::from(times)).unwrap();
    let fit = |batch: RecordBatch, target: Target, c: f64| {
        let steps =
            ["categorize", "onehot"].map(|name| pipeline().steps().iter().find(|s| s.0 == name).unwrap().clone());
        let mut pipeline = steps.into_iter().fold(Pipeline::new(), |p, (name, step)| p.step(name, step));
        pipeline = pipeline.step("clf", LogisticRegression::new().c(c).l1_ratio(0.3));
        let frame = DataFrame::from_batches([batch]).unwrap();
        pipeline.fit(&DatasetBase::new(frame, target)).unwrap()
    };
    let weighted = fit(whole, target(), 2.0);
    let written = fit(repeated.project(&[0, 1, 2, 3, 5]).unwrap(), Target::column("y"), 1.0);
    for ((name, a), (_, b)) in weighted.model().unwrap().coef().zip(written.model().unwrap().coef()) {
        assert!((a - b).abs() < 1e-5, "{name}: {a} and {b}");
    }
    let text = |column: ArrayRef| {
        let whole = rows();
        let mut columns = whole.columns().to_vec();
        columns[4] = column;
        let fields: Vec<_> = whole.schema().fields().iter().map(|f| f.as_ref().clone().with_nullable(true)).collect();
        let batch = RecordBatch::try_new(Arc::new(arrow::datatypes::Schema::new(fields)), columns).unwrap();
        pipeline().fit(&DatasetBase::new(DataFrame::from_batches([batch]).unwrap(), target())).unwrap_err().to_string()
    };
    let negative = text(Arc::new(Float64Array::from_iter_values((0..ROWS).map(|i| 1.0 - (i / 3_000) as f64 * 2.0))));
    assert!(negative.contains("column `weight`") && negative.contains("-1 in row 3000"), "{negative}");
}

#[test]
fn a_cancelled_session_stops_a_fit() {
    let cancel = Cancel::new();
    let session = session(|s| s.cancel(&cancel));
    let frame = frame(&session, 3);
    cancel.cancel();
    let error = pipeline().fit(&DatasetBase::new(frame, target())).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Cancelled), "{error}");
}

/// The mean of the target by passes, of which it takes three to check the engine.
#[derive(Debug)]
struct Means;

#[derive(Debug)]
struct FittedMeans(Layout, f64);

impl PassEstimator for Means {
    type State = (Layout, Vec<f64>);
    type Acc = (f64, f64);
    type Fitted = FittedMeans;

    fn task(&self) -> Task {
        Task::Regression
    }

    fn begin(&self, facts: &Facts) -> Result<Self::State> {
        assert_eq!((facts.rows, facts.classes.len()), (ROWS as u64, 0));
        Ok((facts.layout.clone(), Vec::new()))
    }

    fn nothing(&self, _: &Self::State) -> (f64, f64) {
        (0.0, 0.0)
    }

    fn accumulate(&self, _: &Self::State, block: &Block<'_>, labels: Labels<'_>) -> (f64, f64) {
        let weights = block.weights.unwrap();
        let sum = labels.values().iter().zip(weights).map(|(y, w)| w * y).sum();
        (sum, weights.iter().sum())
    }

    fn merge(&self, acc: &mut (f64, f64), later: (f64, f64)) {
        *acc = (acc.0 + later.0, acc.1 + later.1);
    }

    fn step(&self, state: &mut Self::State, acc: (f64, f64)) -> Result<Passed> {
        state.1.push(acc.0 / acc.1);
        Ok(if state.1.len() == 3 { Passed::Done } else { Passed::More })
    }

    fn finish(&self, state: Self::State) -> Result<FittedMeans> {
        assert!(state.1.iter().all(|mean| *mean == state.1[0]));
        Ok(FittedMeans(state.0, state.1[0]))
    }
}

impl Predictor for FittedMeans {
    fn layout(&self) -> &Layout {
        &self.0
    }

    fn predict(&self, design: &Design) -> Result<Predicted> {
        Ok(Predicted::Values(vec![self.1; design.rows()]))
    }
}

impl WholeEstimator for Means {
    type Fitted = FittedMeans;

    fn task(&self) -> Task {
        Task::Regression
    }

    fn fit(&self, design: &Design, labels: Labels<'_>, facts: &Facts) -> Result<FittedMeans> {
        let weights = design.row_weights().unwrap();
        let sum: f64 = labels.values().iter().zip(weights).map(|(y, w)| w * y).sum();
        Ok(FittedMeans(facts.layout.clone(), sum / facts.weight))
    }
}

#[test]
fn estimators_of_ones_own_are_fitted_in_passes_or_to_rows_in_memory() {
    let predicted = |step: Step| {
        let session = session(|s| s);
        let frame = frame(&session, 5);
        let pipeline = Pipeline::new().step("cat", Categorizer::new()).step("onehot", DummyEncoder::new());
        let fitted = pipeline.step("mean", step).fit(&DatasetBase::new(frame.clone(), target())).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let text = fitted.save(folder.path().join("model.json")).unwrap_err().to_string();
        assert!(text.contains("not one of this crate"), "{text}");
        let values = fitted.predict(&frame).unwrap().compute().unwrap().f64s("y").unwrap();
        assert_eq!(values.len(), ROWS);
        (values[0].unwrap(), fitted.passes().cache)
    };
    let (in_passes, three) = predicted(Step::passes(Means));
    let (in_memory, one) = predicted(Step::whole(Means));
    assert!((in_passes - in_memory).abs() < 1e-12, "{in_passes} {in_memory}");
    assert_eq!(three, one + 2);
    let whole = rows();
    let truth: f64 = {
        use arrow::array::AsArray;
        use arrow::datatypes::Float64Type;
        let (y, w) = (whole.column(5).as_primitive::<Float64Type>(), whole.column(4).as_primitive::<Float64Type>());
        (0..ROWS).map(|i| y.value(i) * w.value(i)).sum::<f64>() / w.values().iter().sum::<f64>()
    };
    assert!((in_passes - truth).abs() < 1e-12);
}

#[test]
fn solvers_that_want_all_rows_get_them() {
    let session = session(|s| s);
    let fit = |solver: Solver| {
        let pipeline = pipeline().with_params(&std::collections::BTreeMap::new()).unwrap();
        let steps = pipeline.steps()[..3].iter().cloned().fold(Pipeline::new(), |p, (name, step)| p.step(name, step));
        let clf = LogisticRegression::new().l1_ratio(0.0).solver(solver).max_iter(2_000).tol(1e-7);
        let frame = frame(&session, 4).drop(["weight"]).unwrap();
        steps.step("clf", clf).fit(&DatasetBase::new(frame, Target::column("y"))).unwrap()
    };
    let (newton, linfa) = (fit(Solver::ProxNewton), fit(Solver::Linfa));
    let (a, b) = (newton.model().unwrap(), linfa.model().unwrap());
    assert!((a.objective() - b.objective()).abs() < 1e-6 * a.objective(), "{} {}", a.objective(), b.objective());
    let little = Session::builder().memory_limit(700_000_u64).build().unwrap();
    let pipeline = Pipeline::new().step("c", Categorizer::new()).step("o", DummyEncoder::new());
    let pipeline = pipeline.step("clf", LogisticRegression::new().solver(Solver::Linfa));
    let error = pipeline.fit(&DatasetBase::new(frame_of(&little), Target::column("y"))).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Memory { .. }), "{error}");
    assert!(error.to_string().contains("works in passes"), "{error}");
}

fn frame_of(session: &Session) -> DataFrame {
    frame(session, 4).drop(["weight"]).unwrap()
}

fn fitted_linear(columns: Vec<(&str, ArrayRef)>, target: Target) -> Result<FittedPipeline> {
    let frame = DataFrame::from_batches([RecordBatch::try_from_iter(columns).unwrap()])?;
    Pipeline::new().step("reg", LinearRegression::new()).fit(&DatasetBase::new(frame, target))
}

#[test]
fn rows_of_no_weight_are_as_good_as_not_there() {
    let floats = |values: [f64; 4]| Arc::new(Float64Array::from(values.to_vec())) as ArrayRef;
    for far in [1e8, 1e12, 1e200] {
        let columns = vec![
            ("x", floats([1.0, 2.0, 3.0, far])),
            ("y", floats([1.0, 2.0, 3.0, -far])),
            ("w", floats([1.0, 1.0, 1.0, 0.0])),
        ];
        let fitted = fitted_linear(columns, Target::column("y").weighted_by("w")).unwrap();
        let slope = fitted.linear_model().unwrap().coef_of("x").unwrap();
        assert!((slope - 1.0).abs() < 1e-9, "{far:e}: {slope}");
    }
}

#[test]
fn targets_may_be_dictionaries_but_not_null_in_them() {
    let keys = || arrow::array::Int32Array::from(vec![0, 1, 0, 1, 1, 0]);
    let x: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0, 1.5, 1.2, 3.0, 0.5]));
    let target = |values: ArrayRef| {
        let y = DictionaryArray::<Int32Type>::try_new(keys(), values).unwrap();
        DataFrame::from_batches([
            RecordBatch::try_from_iter([("x", x.clone()), ("y", Arc::new(y) as ArrayRef)]).unwrap()
        ])
    };
    let fit = |values: ArrayRef| {
        let pipeline = Pipeline::new().step("clf", LogisticRegression::new());
        pipeline.fit(&DatasetBase::new(target(values).unwrap(), Target::column("y")))
    };
    let flags = fit(Arc::new(arrow::array::BooleanArray::from(vec![false, true]))).unwrap();
    assert_eq!(flags.model().unwrap().classes(), &crate::ml::Classes::Bool(vec![false, true]));
    let text = fit(Arc::new(StringArray::from(vec![Some("a"), None]))).unwrap_err().to_string();
    assert!(text.contains("column `y`") && text.contains("null in row 1"), "{text}");
}

#[test]
fn a_split_looks_at_its_own_rows_alone() {
    let places = (0..ROWS).map(|i| if i > ROWS * 9 / 10 { "late" } else { ["a", "b", "c"][i % 3] });
    let rows = rows();
    let columns: Vec<(&str, ArrayRef)> =
        vec![("place", Arc::new(StringArray::from_iter_values(places))), ("y", rows.column(5).clone())];
    let frame = DataFrame::from_batches([RecordBatch::try_from_iter(columns).unwrap()]).unwrap();
    let pipeline = Pipeline::new().step("onehot", OneHotEncoder::new()).step("clf", LogisticRegression::new());
    let search = GridSearchCv::new(pipeline, ParamGrid::new()).cv(TimeSeriesSplit::new(3)).error_score(f64::NAN);
    let text = search.refit(false).fit(&DatasetBase::new(frame.clone(), Target::column("y"))).unwrap_err().to_string();
    // the last split tests on rows of a category that none of its training rows has: only that is an error
    assert!(text.contains("column `place`") && text.contains("late"), "{text}");
    let pipeline = Pipeline::new().step("onehot", OneHotEncoder::new()).step("clf", LogisticRegression::new());
    let early = TimeSeriesSplit::new(2).test_size(500);
    let frame = frame.head(4_700).unwrap();
    let search = GridSearchCv::new(pipeline, ParamGrid::new()).cv(early).refit(false);
    search.fit(&DatasetBase::new(frame, Target::column("y"))).unwrap();
}

#[test]
fn empty_partitions_and_numbers_without_sign_are_no_trouble() {
    let place: ArrayRef = Arc::new(
        DictionaryArray::<Int32Type>::try_new(
            arrow::array::Int32Array::from(vec![0, 1, 0, 1]),
            Arc::new(StringArray::from(vec!["a", "b"])),
        )
        .unwrap(),
    );
    let y: ArrayRef = Arc::new(arrow::array::UInt64Array::from(vec![0, 1, 1, 1]));
    let batch = RecordBatch::try_from_iter([("place", place.clone()), ("y", y)]).unwrap();
    let fit = |batch: RecordBatch| {
        let frame = DataFrame::from_batches([RecordBatch::new_empty(batch.schema()), batch]).unwrap();
        let pipeline = Pipeline::new().step("o", DummyEncoder::new()).step("clf", LogisticRegression::new());
        pipeline.fit(&DatasetBase::new(frame, Target::column("y")))
    };
    assert_eq!(fit(batch).unwrap().model().unwrap().layout().len(), 2);
    let large: ArrayRef = Arc::new(arrow::array::UInt64Array::from(vec![0, u64::MAX, u64::MAX - 1, 1]));
    assert!(fit(RecordBatch::try_from_iter([("place", place), ("y", large)]).unwrap()).is_err());
}

#[test]
fn an_estimator_that_panics_is_an_error() {
    #[derive(Debug)]
    struct Panics;

    impl WholeEstimator for Panics {
        type Fitted = FittedMeans;

        fn task(&self) -> Task {
            Task::Regression
        }

        fn fit(&self, _: &Design, _: Labels<'_>, _: &Facts) -> Result<FittedMeans> {
            panic!("no such luck")
        }
    }

    let pipeline = Pipeline::new().step("m", Step::whole(Panics));
    let numbers = frame(&session(|s| s), 2).select(["x", "y"]).unwrap();
    let error = pipeline.fit(&DatasetBase::new(numbers, Target::column("y"))).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Panicked { .. }) && error.to_string().contains("no such luck"),
        "{error}"
    );
}
