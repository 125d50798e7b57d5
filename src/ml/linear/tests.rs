//! Coefficients of scikit-learn, and what must hold for any rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use linfa::ParamGuard;
use linfa::dataset::DatasetBase;
use linfa::traits::{Fit, Predict};
use ndarray::{Array1, Array2, array};
use proptest::prelude::*;

use super::*;
use crate::base::Result;
use crate::ml::design::{Design, OneHotBlock};
use crate::ml::{Categorizer, DummyEncoder, FittedPipeline, GridSearchCv, ParamGrid, Pipeline, Step, Target};
use crate::session::Session;

const ROWS: usize = 60;

/// Two numeric features, one of them far from 0, three one-hot ones, and a target that depends on them.
fn rows(weighted: bool) -> (Design, Vec<f64>) {
    let at = |f: fn(f64) -> f64| (0..ROWS).map(|i| f(i as f64)).collect::<Vec<f64>>();
    let a = at(|i| (1.7 * i).sin() * 2.0 + 0.3 * (i * i * 0.1).cos());
    let b = at(|i| (0.9 * i).cos() * 0.5 + 100.0);
    let c: Vec<u32> = (0..ROWS as u32).map(|i| (i * 7) % 4).collect();
    let y = (0..ROWS).map(|i| {
        let by_category = [-0.4, 2.0, 0.0, 0.0][c[i] as usize];
        1.5 * a[i] - 0.7 * (b[i] - 100.0) + by_category + 0.3 * (5.3 * i as f64).sin() + 10.0
    });
    let y = y.collect();
    let block = OneHotBlock { column: "c".into(), features: (0..3).map(|i| format!("c_{i}")).collect() };
    let design = Design::with_rows(ROWS).numeric("a", a).unwrap().numeric("b", b).unwrap();
    let design = design.one_hot(block, c, false).unwrap();
    let weights = (0..ROWS).map(|i| (i % 3) as f64 / 2.0 + 0.25).collect();
    (if weighted { design.weights(weights).unwrap() } else { design }, y)
}

fn valid(model: impl ParamGuard<Checked = ValidLinearRegression, Error = crate::Error>) -> ValidLinearRegression {
    model.check().unwrap()
}

fn expect(model: ValidLinearRegression, weighted: bool, coef: [f64; 5], intercept: f64) {
    let (design, y) = rows(weighted);
    let fitted = model.fit_design(&design, &y).unwrap();
    assert!(fitted.converged() && fitted.n_iter() <= 2, "{fitted:?}");
    for (found, known) in fitted.coef_values().iter().zip(coef) {
        assert!((found - known).abs() < 1e-10, "{:?} and not {coef:?}", fitted.coef_values());
    }
    let tolerance = 1e-11 * intercept.abs().max(1.0);
    assert!((fitted.intercept() - intercept).abs() < 10.0 * tolerance, "{} {intercept}", fitted.intercept());
}

#[test]
fn least_squares_is_that_of_scikit_learn() {
    let model = |fit_intercept| valid(LinearRegression::new().fit_intercept(fit_intercept));
    expect(
        model(true),
        false,
        [1.5045278027154385, -0.7944700909237423, -0.37963040737889664, 1.9863420113511638, -0.014560549982933322],
        89.44269959688539,
    );
    expect(
        model(true),
        true,
        [1.5055513134586536, -0.7860321404167319, -0.45011155574947276, 1.979482843751203, -0.0947851041809684],
        88.63332690814555,
    );
    expect(
        model(false),
        false,
        [1.4979935616015763, 0.09976403897438227, -0.3883484009380412, 2.030967859203481, 0.011596944766083223],
        0.0,
    );
    expect(
        model(false),
        true,
        [1.4982373070041939, 0.10028529573321147, -0.47401590933987614, 2.014325584823732, -0.08277417926461071],
        0.0,
    );
}

#[test]
fn ridge_is_that_of_scikit_learn() {
    let model = |fit_intercept| valid(Ridge::new().alpha(0.5).fit_intercept(fit_intercept));
    expect(
        model(true),
        false,
        [1.4938924354480665, -0.7498801690413901, -0.4140031463484617, 1.873474788196349, -0.06342900309231886],
        85.03238069431113,
    );
    expect(
        model(true),
        true,
        [1.4921781812145323, -0.7278489793526834, -0.4841638105386422, 1.8395851169073958, -0.147185451801244],
        82.87245272263394,
    );
    expect(
        model(false),
        false,
        [1.4875764006422156, 0.10027529539703045, -0.42345879026275846, 1.9130497772737, -0.04084216261455674],
        0.0,
    );
    expect(
        model(false),
        true,
        [1.4852807868837374, 0.10086570830907383, -0.506023349031973, 1.8702892079674462, -0.13691785597552905],
        0.0,
    );
}

#[test]
fn lasso_is_that_of_scikit_learn() {
    let model = |fit_intercept| valid(Lasso::new().alpha(0.1).fit_intercept(fit_intercept));
    expect(
        model(true),
        false,
        [1.4270453384638782, -0.038799389590745414, 0.0, 1.590005553935641, 0.0],
        13.872380909732284,
    );
    expect(
        model(true),
        true,
        [1.4284677619197548, -0.0411945411310663, -0.01400102145074445, 1.629616749587887, 0.0],
        14.111538730339968,
    );
    expect(model(false), false, [1.4259189901429667, 0.09987693591791909, 0.0, 1.5986504981407035, 0.0], 0.0);
    expect(
        model(false),
        true,
        [1.427303394625011, 0.09988788195991948, -0.01476164057955097, 1.6382073196545932, 0.0],
        0.0,
    );
}

#[test]
fn elastic_net_is_that_of_scikit_learn() {
    let model = |fit_intercept| valid(ElasticNet::new().alpha(0.2).l1_ratio(0.5).fit_intercept(fit_intercept));
    expect(
        model(true),
        false,
        [1.3455127325088048, -0.03261769845068874, -0.10335668113366069, 0.9955080695908438, 0.0],
        13.42690347094591,
    );
    expect(
        model(true),
        true,
        [1.3474191911827773, -0.03333216343621053, -0.12523830501462002, 1.0203236958237265, 0.0],
        13.508670832316149,
    );
    expect(
        model(false),
        false,
        [1.344386476506527, 0.10161043661579086, -0.10341873766941626, 1.0011159604475994, 0.0],
        0.0,
    );
    expect(
        model(false),
        true,
        [1.3462818759799338, 0.10172789458708881, -0.12610444861295972, 1.025843787847514, 0.0],
        0.0,
    );
}

/// The objective as scikit-learn writes it, from the rows.
fn objective(design: &Design, y: &[f64], model: &FittedLinearRegression, of: impl Fn(f64, f64, &[f64]) -> f64) -> f64 {
    let predicted = model.predict_values(design).unwrap();
    let ones = vec![1.0; y.len()];
    let weights = design.row_weights().unwrap_or(&ones);
    let squares = predicted.iter().zip(y).zip(weights).map(|((p, y), s)| s * (p - y) * (p - y)).sum();
    of(squares, weights.iter().sum(), model.coef_values())
}

#[test]
fn the_objective_is_that_of_scikit_learn() {
    let (design, y) = rows(true);
    let ridge = valid(Ridge::new().alpha(0.5)).fit_design(&design, &y).unwrap();
    let l2 = |w: &[f64]| w.iter().map(|w| w * w).sum::<f64>();
    let known = objective(&design, &y, &ridge, |squares, _, w| squares + 0.5 * l2(w));
    assert!((ridge.objective() - known).abs() < 1e-11 * known);
    let net = valid(ElasticNet::new().alpha(0.2).l1_ratio(0.25)).fit_design(&design, &y).unwrap();
    let l1 = |w: &[f64]| w.iter().map(|w| w.abs()).sum::<f64>();
    let known =
        objective(&design, &y, &net, |squares, weight, w| squares / (2.0 * weight) + 0.05 * l1(w) + 0.075 * l2(w));
    assert!((net.objective() - known).abs() < 1e-11 * known);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_weight_is_how_often_a_row_is_there(
        rows in prop::collection::vec((-2.0..2.0f64, 5.0..9.0f64, 0..4u32, -3.0..3.0f64, 0..4u8), 12..300),
        alpha in 0.01..2.0f64,
        l1_ratio in 0.0..1.0f64,
    ) {
        prop_assume!(rows.iter().any(|row| row.4 > 0));
        let block = OneHotBlock { column: "c".into(), features: (0..4).map(|i| format!("c_{i}")).collect() };
        let design = Design::with_rows(rows.len())
            .numeric("x", rows.iter().map(|r| r.0).collect()).unwrap()
            .numeric("far", rows.iter().map(|r| r.1).collect()).unwrap()
            .one_hot(block, rows.iter().map(|r| r.2).collect(), false).unwrap();
        let y: Vec<f64> = rows.iter().map(|r| r.3 + r.0).collect();
        let times: Vec<usize> = (0..rows.len()).flat_map(|i| std::iter::repeat_n(i, rows[i].4.into())).collect();
        let repeated: Vec<f64> = times.iter().map(|i| y[*i]).collect();
        let weighted = design.clone().weights(rows.iter().map(|r| f64::from(r.4)).collect()).unwrap();
        for model in [valid(Ridge::new().alpha(alpha)), valid(ElasticNet::new().alpha(0.2 * alpha).l1_ratio(l1_ratio))] {
            let by_weight = model.fit_design(&weighted, &y).unwrap();
            let by_rows = model.fit_design(&design.take(&times), &repeated).unwrap();
            prop_assert!(by_weight.converged() && by_rows.converged());
            prop_assert!((by_weight.objective() - by_rows.objective()).abs() <= 1e-9 * by_rows.objective().max(1e-9));
            for (a, b) in by_weight.coef_values().iter().zip(by_rows.coef_values()) {
                prop_assert!((a - b).abs() < 1e-6, "{:?} {:?}", by_weight, by_rows);
            }
        }
    }
}

#[test]
fn features_that_depend_on_others_have_the_coefficient_0() {
    let (design, y) = rows(false);
    let free = valid(LinearRegression::new()).fit_design(&design, &y).unwrap();
    let dense = design.to_dense();
    let column = |j: usize| dense.column(j).to_vec();
    let sum: Vec<f64> = column(0).iter().zip(column(1)).map(|(a, b)| 24.0 * a + b).collect();
    // a sum of others, a constant that has no exact mean, and all categories of a column
    let block = OneHotBlock { column: "c".into(), features: (0..4).map(|i| format!("c_{i}")).collect() };
    let more = Design::with_rows(ROWS)
        .numeric("a", column(0))
        .unwrap()
        .numeric("b", column(1))
        .unwrap()
        .numeric("sum", sum)
        .unwrap()
        .numeric("constant", vec![0.1; ROWS])
        .unwrap()
        .one_hot(block, (0..ROWS as u32).map(|i| (i * 7) % 4).collect(), false)
        .unwrap();
    let model = valid(LinearRegression::new()).fit_design(&more, &y).unwrap();
    assert!(model.converged(), "{model:?}");
    for feature in ["sum", "constant", "c_3"] {
        assert_eq!(model.coef_of(feature), Some(0.0), "{feature}");
    }
    let predictions = model.predict_values(&more).unwrap().into_iter().zip(free.predict_values(&design).unwrap());
    predictions.for_each(|(a, b)| assert!((a - b).abs() < 1e-9, "{a} {b}"));
    // penalties choose among them
    for model in [valid(Ridge::new()), valid(Lasso::new().alpha(0.01))] {
        let model = model.fit_design(&more, &y).unwrap();
        assert!(model.converged() && model.coef_values().iter().all(|w| w.abs() < 10.0), "{model:?}");
        assert_eq!(model.coef_of("constant"), Some(0.0));
    }
    // fewer rows than features
    let few: Vec<usize> = (0..3).collect();
    let model = valid(LinearRegression::new()).fit_design(&design.take(&few), &y[..3]).unwrap();
    model.predict_values(&design.take(&few)).unwrap().iter().zip(&y).for_each(|(a, b)| assert!((a - b).abs() < 1e-9));
}

#[test]
fn nearly_dependent_features_are_refined() {
    let x: Vec<f64> = (0..2_000).map(|i| (f64::from(i) * 0.37).sin()).collect();
    let close: Vec<f64> = x.iter().enumerate().map(|(i, x)| x + 1e-6 * (i as f64 * 1.9).cos()).collect();
    let y: Vec<f64> = x.iter().zip(&close).map(|(x, close)| 3.0 * x - 2.0 * close + 5e5).collect();
    let design = Design::with_rows(2_000).numeric("x", x).unwrap().numeric("close", close).unwrap();
    let model = valid(LinearRegression::new()).fit_design(&design, &y).unwrap();
    assert!(model.converged(), "{model:?}");
    let coef = model.coef_values();
    // the target has ten digits behind the point
    assert!((coef[0] - 3.0).abs() < 1e-3 && (coef[1] + 2.0).abs() < 1e-3, "{model:?}");
}

#[test]
fn rows_that_cannot_be_fitted_are_errors() {
    let model = valid(LinearRegression::new());
    let design = Design::with_rows(2).numeric("x", vec![1.0, 2.0]).unwrap();
    let text = |design: &Design, y: &[f64]| model.fit_design(design, y).unwrap_err().to_string();
    assert!(text(&design, &[1.0]).contains("1 values for 2 rows"));
    assert!(text(&design, &[1.0, f64::NAN]).contains("NaN in row 1"));
    assert!(text(&design, &[1e300, -1e300]).contains("squares overflow"));
    assert!(text(&Design::with_rows(0).numeric("x", vec![]).unwrap(), &[]).contains("no rows"));
    assert!(text(&design.clone().weights(vec![0.0, 0.0]).unwrap(), &[1.0, 2.0]).contains("add up to 0"));
    let large = Design::with_rows(2).numeric("x", vec![1e300, -1e300]).unwrap();
    assert!(text(&large, &[1.0, 2.0]).contains("column `x`"));
    // a target that does not vary, and one row
    let constant = model.fit_design(&design, &[4.0, 4.0]).unwrap();
    assert!(constant.converged() && constant.coef_values() == [0.0] && constant.intercept() == 4.0);
    assert!(model.fit_design(&design.take(&[1]), &[4.0]).unwrap().converged());
}

#[test]
fn arrays_are_fitted_by_the_traits_of_linfa() {
    let x = array![[1.0, 0.5], [2.0, -1.0], [3.0, 0.0], [4.0, 2.0]];
    let y: Array1<f64> = x.column(0).mapv(|x| 2.0 * x) - x.column(1) + 7.0;
    let dataset = DatasetBase::new(x.clone(), y.clone()).with_feature_names(vec!["u", "v"]);
    let model = LinearRegression::new().fit(&dataset).unwrap();
    assert!((model.coef_of("v").unwrap() + 1.0).abs() < 1e-12);
    let predicted: Array1<f64> = model.predict(&x);
    assert!((predicted - y).iter().all(|d| d.abs() < 1e-12));
    assert!(model.try_predict(&Array2::zeros((1, 3))).unwrap_err().to_string().contains("3 columns"));
    let through = LinearRegression::new().fit_intercept(false).fit(&dataset).unwrap();
    assert_eq!(through.intercept(), 0.0);
}

fn frame(session: &Session, parts: usize) -> crate::DataFrame {
    let rows = 4_000;
    let x: Vec<f64> = (0..rows).map(|i| (f64::from(i) * 0.7).sin()).collect();
    let place: Vec<String> = (0..rows).map(|i| format!("p{}", (i * i) % 23)).collect();
    let y: Vec<f64> = (0..rows as usize).map(|i| 3.0 * x[i] + place[i].len() as f64 + (i as f64 * 2.9).cos()).collect();
    let weight: Vec<f64> = (0..rows).map(|i| f64::from(i % 3)).collect();
    let columns: [(&str, ArrayRef); 4] = [
        ("x", Arc::new(Float64Array::from(x))),
        ("place", Arc::new(StringArray::from(place))),
        ("weight", Arc::new(Float64Array::from(weight))),
        ("y", Arc::new(Float64Array::from(y))),
    ];
    let (rows, size) = (RecordBatch::try_from_iter(columns).unwrap(), 4_000_usize.div_ceil(parts));
    let cut = |i: usize| rows.slice((i * size).min(4_000), size.min(4_000_usize.saturating_sub(i * size)));
    session.from_batches((0..parts).map(cut)).unwrap()
}

fn pipeline(model: impl Into<Step>) -> Pipeline {
    Pipeline::new()
        .step("categorize", Categorizer::new().columns(["place"]))
        .step("onehot", DummyEncoder::new().columns(["place"]))
        .step("reg", model)
}

fn fit(parts: usize, threads: usize, limit: Option<u64>) -> Result<FittedPipeline> {
    let builder = Session::builder().threads(threads);
    let session = limit.map_or(builder.clone(), |limit| builder.memory_limit(limit)).build()?;
    let target = Target::column("y").weighted_by("weight");
    pipeline(ElasticNet::new().alpha(0.01)).fit(&DatasetBase::new(frame(&session, parts), target))
}

#[test]
fn partitions_threads_and_memory_change_no_bit() {
    let known = fit(1, 1, None).unwrap();
    assert_eq!(fit(7, 2, None).unwrap(), known);
    assert_eq!(fit(300, 3, None).unwrap(), known);
    assert_eq!(fit(7, 2, Some(2_000_000)).unwrap(), known);
    assert!(known.linear_model().unwrap().converged() && known.model().is_err());
}

#[test]
fn a_search_knows_its_parameters_and_its_score() {
    let session = Session::builder().threads(2).build().unwrap();
    let frame = frame(&session, 3);
    let dataset = DatasetBase::new(frame.clone(), Target::column("y"));
    let typed = ParamGrid::new().values(Ridge::ALPHA.of("reg"), [0.1, 10_000.0]);
    let named = ParamGrid::new().values("reg__alpha", [0.1, 10_000.0]);
    let found = [typed, named].map(|grid| GridSearchCv::new(pipeline(Ridge::new()), grid).cv(3).fit(&dataset).unwrap());
    assert_eq!(found[0].split_test_scores(), found[1].split_test_scores());
    assert!(found[0].best_score() > 0.8, "R² {:?}", found[0].best_score());
    assert_eq!(found[0].best_index(), 0);
    let best = found[0].best_estimator().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.json");
    best.save(&path).unwrap();
    let read = FittedPipeline::load(&path).unwrap();
    assert_eq!(read, *best);
    let values = |model: &FittedPipeline| model.predict(&frame).unwrap().compute().unwrap().f64s("y").unwrap();
    assert_eq!(values(&read), values(best));
    assert!(best.predict_proba(&frame).is_err());
    let alone = folder.path().join("regression.json");
    best.linear_model().unwrap().save(&alone).unwrap();
    assert_eq!(FittedLinearRegression::load(&alone).unwrap(), *best.linear_model().unwrap());
}
