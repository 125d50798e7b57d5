//! Models of more than two classes.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, RecordBatch, StringArray};
use linfa::traits::{Fit, Predict};
use linfa::{DatasetBase, ParamGuard};
use ndarray::{Array1, Array2, array};

use super::tests::{Congruence, golden_rows, taxi};
use super::{ClassWeight, FittedLogisticRegression, LogisticRegression, Penalty, Solver};
use crate::frame::DataFrame;
use crate::ml::classes::Classes;
use crate::ml::design::Design;
use crate::ml::{GridSearchCv, ParamGrid, Pipeline, StandardScaler, Target};

/// The golden rows and three classes of them.
fn golden() -> (Array2<f64>, Array1<usize>) {
    let (x, p) = golden_rows();
    let class = |((p, u), row): ((&f64, f64), ndarray::ArrayView1<'_, f64>)| match u {
        u if u < p * 0.8 => 2,
        u if u < p * 0.8 + if row[3] > 0.0 { 0.3 } else { 0.0 } => 1,
        _ => 0,
    };
    let y = p.iter().zip(Congruence(11)).zip(x.rows()).map(class).collect();
    (x, y)
}

fn fit(params: LogisticRegression) -> FittedLogisticRegression {
    let (x, y) = golden();
    params.fit(&DatasetBase::new(x, y)).unwrap()
}

/// By both solvers against scikit-learn's optimum (newton-cholesky or saga at tolerances of 1e-13 and below).
fn expect(params: LogisticRegression, weighted: bool, coef: Array2<f64>, intercepts: [f64; 3]) {
    let (x, y) = golden();
    let weights = Array1::from_iter((0..600).map(|i| if weighted { (i % 4) as f32 } else { 1.0 }));
    for solver in [Solver::Auto, Solver::Fista] {
        let rows = DatasetBase::new(x.clone(), y.clone()).with_weights(weights.clone());
        let model = params.clone().solver(solver).tol(1e-9).fit(&rows).unwrap();
        assert!(model.converged() && model.kkt() <= 1e-9, "{model:?}");
        let apart = (&model.coef_matrix() - &coef).mapv(f64::abs).fold(0.0_f64, |a, b| a.max(*b));
        assert!(apart < 1e-8, "{solver:?}: {:?}", model.coef_matrix());
        assert!(model.intercepts().iter().zip(intercepts).all(|(a, b)| (a - b).abs() < 1e-8), "{model:?}");
        assert_eq!(model.coef_of_class(2, "x1"), Some(model.coef_matrix()[[2, 1]]));
    }
}

#[test]
fn the_optimum_is_that_of_scikit_learn() {
    let ridge = array![
        [-0.5877392102, 0.2720646240, 0.0069015828, -0.5064482057],
        [-0.0795205419, 0.0887668530, -0.0297792268, 0.5937940380],
        [0.6672597521, -0.3608314770, 0.0228776439, -0.0873458323]
    ];
    let base = LogisticRegression::new().c(0.05);
    expect(base.clone(), false, ridge, [0.4850156163, -0.8329302730, 0.3479146567]);
    let none = array![
        [-0.7026423015, 0.3189625616, 0.0031016083, -0.6472505810],
        [-0.0855077212, 0.1220833137, -0.0337829082, 0.7964085273],
        [0.7881500227, -0.4410458753, 0.0306812998, -0.1491579462]
    ];
    expect(base.clone().penalty(Penalty::None), false, none, [0.5330434705, -0.9213285821, 0.3882851116]);
    let half = array![
        [-0.4804683737, 0.1582157934, 0.0, -0.3946644852],
        [0.0, 0.0, 0.0, 0.6046780429],
        [0.7055406633, -0.3912212610, 0.0, 0.0]
    ];
    expect(base.clone().l1_ratio(0.5), false, half, [0.4737511014, -0.8137767686, 0.3400256673]);
    let lasso = array![
        [-0.3905419697, 0.0786264304, 0.0, -0.3420136256],
        [0.0, 0.0, 0.0, 0.5527419264],
        [0.7200066355, -0.3856391888, 0.0, 0.0]
    ];
    expect(base.clone().l1_ratio(1.0), false, lasso, [0.4746393714, -0.8073167436, 0.3326773723]);
    let without = array![
        [-0.6932897436, 0.2813343506, 0.0, -0.4851646404],
        [0.0, 0.0, 0.0, 0.2202763093],
        [0.8050351034, -0.4129972166, 0.0, 0.0]
    ];
    expect(base.l1_ratio(0.5).fit_intercept(false), false, without, [0.0; 3]);
}

#[test]
fn weights_of_rows_and_classes_are_those_of_scikit_learn() {
    let params = LogisticRegression::new().c(0.05).l1_ratio(0.5).class_weight(ClassWeight::Balanced);
    let coef = array![
        [-0.4772254718, 0.2978772066, 0.0100119977, -0.5040923901],
        [0.0, 0.0, 0.0, 0.7629793903],
        [0.5306278752, -0.2598495048, -0.0135793552, 0.0]
    ];
    expect(params, true, coef, [0.0811215584, -0.1450752298, 0.0639536714]);
}

/// The taxi rows in three classes.
fn three(rows: usize) -> (Design, Vec<u32>, Classes) {
    let (design, y) = taxi(rows);
    let y = y.iter().zip(Congruence(9)).map(|(y, u)| if u < 0.2 { 2 } else { *y }).collect();
    (design, y, Classes::Text(vec!["a".into(), "b".into(), "c".into()]))
}

#[test]
fn structure_and_collinear_columns_converge() {
    let (design, y, classes) = three(3_000);
    for ratio in [0.0, 0.5, 1.0] {
        let params = LogisticRegression::new().c(0.1).l1_ratio(ratio).check().unwrap();
        let newton = params.fit_design(&design, &classes, &y).unwrap();
        assert!(newton.converged() && newton.n_iter().unwrap() <= 9, "{:?} {}", newton.n_iter(), newton.kkt());
        let p = newton.probabilities(&design).unwrap();
        assert!(p.rows().into_iter().all(|p| (p.sum() - 1.0).abs() < 1e-14));
        let classes = newton.predict_class(&design).unwrap();
        let likely = |row: usize| (0..3).all(|k| p[[row, k]] <= p[[row, classes[row] as usize]]);
        assert!((0..design.rows()).all(likely));
    }
}

#[test]
fn the_model_is_the_same_bits_for_any_number_of_threads() {
    let (design, y, classes) = three(20_000);
    let params = LogisticRegression::new().c(0.1).l1_ratio(0.5).max_iter(1).check().unwrap();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| params.fit_design(&design, &classes, &y).unwrap())
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn labels_come_back_and_a_file_keeps_them() {
    let (x, y) = golden();
    let names = y.mapv(|class| ["none", "some", "much"][class].to_string());
    let model = LogisticRegression::new().fit(&DatasetBase::new(x.clone(), names.clone())).unwrap();
    let predicted: Array1<String> = model.predict(&x);
    let right = predicted.iter().zip(&names).filter(|(a, b)| a == b).count();
    assert!(right > 350, "{right}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.json");
    model.save(&path).unwrap();
    assert_eq!(FittedLogisticRegression::load(&path).unwrap(), model);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"version\": 2"), "{text}");
    std::fs::write(&path, text.replacen("\"coef\": [", "\"coef\": [1.0,", 1)).unwrap();
    assert!(FittedLogisticRegression::load(&path).unwrap_err().to_string().contains("do not fit"));
}

#[test]
fn a_pipeline_learns_and_tells_of_three_classes() {
    let (x, y) = golden();
    let column = |j: usize| Arc::new(Float64Array::from(x.column(j).to_vec())) as ArrayRef;
    let names: Vec<&str> = y.iter().map(|class| ["cash", "card", "free"][*class]).collect();
    let target = Arc::new(StringArray::from(names.clone())) as ArrayRef;
    let batch = RecordBatch::try_from_iter([("a", column(0)), ("b", column(1)), ("d", column(3)), ("paid", target)]);
    let frame = DataFrame::from_batches([batch.unwrap()]).unwrap();
    let pipeline = Pipeline::new().step("scale", StandardScaler::new()).step("clf", LogisticRegression::new());
    let grid = ParamGrid::new().values(LogisticRegression::C.of("clf"), [0.01, 1.0]);
    let search = GridSearchCv::new(pipeline, grid).cv(3);
    let search = search.fit(&DatasetBase::new(frame.clone(), Target::column("paid"))).unwrap();
    assert!(search.best_score() > 0.6, "{search}");
    let fitted = search.best_estimator().unwrap();
    let proba = fitted.predict_proba(&frame).unwrap();
    assert_eq!(proba.columns(), ["paid_card", "paid_cash", "paid_free"]);
    let margins = fitted.decision_function(&frame).unwrap();
    assert_eq!(margins.columns()[2], "decision_function_free");
    let (proba, margins) = (proba.compute().unwrap(), margins.compute().unwrap());
    let of = |table: &crate::Table, j: usize| table.f64s(&table.schema().field(j).name().clone()).unwrap();
    let predicted = fitted.predict(&frame).unwrap().compute().unwrap().to_batch().unwrap();
    let predicted = arrow::compute::cast(predicted.column(0), &arrow::datatypes::DataType::Utf8).unwrap();
    for row in 0..20 {
        let p = [0, 1, 2].map(|j| of(&proba, j)[row].unwrap());
        let z = [0, 1, 2].map(|j| of(&margins, j)[row].unwrap());
        let total: f64 = z.iter().map(|z| z.exp()).sum();
        assert!((0..3).all(|j| (p[j] - z[j].exp() / total).abs() < 1e-14));
        let likely = (0..3).max_by(|a, b| p[*a].total_cmp(&p[*b])).unwrap();
        assert_eq!(predicted.as_string::<i32>().value(row), ["card", "cash", "free"][likely]);
    }
}

#[test]
fn a_warm_start_needs_no_step() {
    let params = LogisticRegression::new().c(0.05).l1_ratio(0.5);
    let cold = fit(params.clone());
    assert_eq!(fit(params.clone().warm_start(&cold)).n_iter(), Some(0));
    assert_eq!(fit(params.solver(Solver::Fista).warm_start(&cold)).n_iter(), Some(0));
}

#[test]
fn what_knows_two_classes_only_says_so() {
    let (x, y) = golden();
    let text = LogisticRegression::new().solver(Solver::Linfa).fit(&DatasetBase::new(x, y)).unwrap_err().to_string();
    assert!(text.contains("Linfa") && text.contains("3 classes"), "{text}");
}
