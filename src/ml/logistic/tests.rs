use linfa::traits::{Fit, Predict};
use linfa::{DatasetBase, ParamGuard};
use ndarray::{Array1, Array2};

use super::*;
use crate::ml::classes::Classes;
use crate::ml::design::{Design, OneHotBlock};

/// The generator of the golden values: u = (x ≫ 11) / 2⁵³ of a linear congruence.
pub(super) struct Congruence(pub u64);

impl Iterator for Congruence {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Some((self.0 >> 11) as f64 / (1_u64 << 53) as f64)
    }
}

/// 600 rows of 4 standardised features, and a probability for each.
pub(super) fn golden_rows() -> (Array2<f64>, Vec<f64>) {
    let x: Vec<f64> = Congruence(1).take(2400).map(|u| (u - 0.5) * 4.0).collect();
    let mut x = Array2::from_shape_vec((600, 4), x).unwrap();
    let p = x.rows().into_iter().map(|row| {
        let z = 1.5 * row[0] - 0.8 * row[1] + 0.05 * row[2];
        1.0 / (1.0 + (-z).exp())
    });
    let p = p.collect();
    for mut column in x.columns_mut() {
        let mean = column.mean().unwrap();
        let deviation = column.mapv(|v| (v - mean) * (v - mean)).mean().unwrap().sqrt();
        column.mapv_inplace(|v| (v - mean) / deviation);
    }
    (x, p)
}

/// The rows and their labels.
fn golden() -> (Array2<f64>, Array1<bool>) {
    let (x, p) = golden_rows();
    (x, p.iter().zip(Congruence(7)).map(|(p, u)| u < *p).collect())
}

fn fit(params: LogisticRegression) -> FittedLogisticRegression {
    let (x, y) = golden();
    params.fit(&DatasetBase::new(x, y)).unwrap()
}

fn close(model: &FittedLogisticRegression, coef: [f64; 4], intercept: f64, within: f64) {
    assert!(model.converged() && model.kkt() <= 1e-6, "{model:?}");
    for (a, b) in model.coef_values().iter().zip(coef) {
        assert!((a - b).abs() < within, "{a} and {b}");
    }
    assert!((model.intercept() - intercept).abs() < within, "{} and {intercept}", model.intercept());
}

#[test]
fn the_golden_optimum_is_found() {
    let params = |ratio| LogisticRegression::new().c(0.05).l1_ratio(ratio);
    close(&fit(params(0.2)), [1.27840039, -0.53943840, 0.0, 0.0], 0.01036924, 1e-7);
    close(&fit(params(0.5)), [1.29135907, -0.51798597, 0.0, 0.0], 0.01027315, 1e-7);
}

#[test]
fn a_warm_start_ends_where_a_cold_one_does() {
    let cold = fit(LogisticRegression::new().c(0.05).l1_ratio(0.5));
    let far = fit(LogisticRegression::new().c(10.0).l1_ratio(0.1));
    let warm = fit(LogisticRegression::new().c(0.05).l1_ratio(0.5).warm_start(&far));
    let intercept = cold.intercept();
    close(&warm, cold.coef_values().try_into().unwrap(), intercept, 1e-7);
    let again = fit(LogisticRegression::new().c(0.05).l1_ratio(0.5).warm_start(&cold));
    assert_eq!(again.n_iter(), Some(0));
}

#[test]
fn linfa_finds_the_same_ridge() {
    for fit_intercept in [true, false] {
        let params = LogisticRegression::new().c(0.3).fit_intercept(fit_intercept);
        let own = fit(params.clone());
        let other = fit(params.clone().solver(Solver::Linfa).tol(1e-6));
        assert_eq!(own.intercept() == 0.0, !fit_intercept);
        assert!((own.objective() - other.objective()).abs() < 1e-8, "{own:?} {other:?}");
        for (a, b) in own.coef_values().iter().zip(other.coef_values()) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
        let warm = fit(params.solver(Solver::Linfa).warm_start(&own));
        assert!((warm.objective() - own.objective()).abs() < 1e-8);
    }
}

#[test]
fn linfa_with_the_rarer_class_either_way_keeps_its_signs() {
    for flip in [false, true] {
        let x = Array2::from_shape_vec((5, 1), vec![-2.0, -1.0, 0.5, 1.0, 2.0]).unwrap();
        let y = Array1::from_vec(vec![false, false, false, true, true]).mapv(|y| y != flip);
        let dataset = DatasetBase::new(x, y);
        let own = LogisticRegression::new().fit(&dataset).unwrap();
        let other = LogisticRegression::new().solver(Solver::Linfa).fit(&dataset).unwrap();
        assert!((own.coef_values()[0] - other.coef_values()[0]).abs() < 1e-5, "{own:?} {other:?}");
        let warm = LogisticRegression::new().solver(Solver::Linfa).warm_start(&own).fit(&dataset).unwrap();
        assert!((own.intercept() - warm.intercept()).abs() < 1e-5);
    }
}

/// Features as in the taxi program: the hour of the week is a sum of two others, and two columns are categorical.
pub(super) fn taxi(rows: usize) -> (Design, Vec<u32>) {
    let mut u = Congruence(3);
    let mut next = |n: f64| (u.next().unwrap() * n).floor();
    let day: Vec<f64> = (0..rows).map(|_| next(7.0)).collect();
    let hour: Vec<f64> = (0..rows).map(|_| next(24.0)).collect();
    let week_hour: Vec<f64> = day.iter().zip(&hour).map(|(d, h)| 24.0 * d + h).collect();
    let from: Vec<u32> = (0..rows).map(|_| (next(30.0) * next(30.0) / 30.0) as u32).collect();
    let to: Vec<u32> = (0..rows).map(|_| (next(20.0) * next(20.0) / 20.0) as u32).collect();
    let y = (0..rows).map(|i| {
        let z = 0.1 * (hour[i] - 12.0) + 0.2 * (day[i] - 3.0) + if from[i].is_multiple_of(3) { 1.0 } else { -0.5 };
        u32::from(u.next().unwrap() < 1.0 / (1.0 + (-z).exp()))
    });
    let y = y.collect();
    let block = |column: &str, width: usize| OneHotBlock {
        column: column.into(),
        features: (0..width).map(|i| format!("{column}_{i}.0")).collect(),
    };
    let design = Design::with_rows(rows).numeric("day", day).unwrap().numeric("hour", hour).unwrap();
    let design = design.numeric("week_hour", week_hour).unwrap();
    // 19 of 20 codes have a feature; the rest are rows of zeros
    (design.one_hot(block("from", 30), from, false).unwrap().one_hot(block("to", 19), to, false).unwrap(), y)
}

fn two() -> Classes {
    Classes::Float(vec![0.0, 1.0])
}

#[test]
fn collinear_features_and_categories_converge() {
    let (design, y) = taxi(20_000);
    for ratio in [0.0, 0.2, 0.5, 0.9, 1.0] {
        let params = LogisticRegression::new().l1_ratio(ratio).check().unwrap();
        let model = params.fit_design(&design, &two(), &y).unwrap();
        assert!(model.converged() && model.n_iter().unwrap() <= 8, "{ratio}: {:?} {}", model.n_iter(), model.kkt());
    }
    let params = LogisticRegression::new().penalty(Penalty::None).check().unwrap();
    let model = params.fit_design(&design, &two(), &y).unwrap();
    assert!(model.converged(), "{:?} {}", model.n_iter(), model.kkt());
}

#[test]
fn structure_and_dense_matrix_give_one_model() {
    let (design, y) = taxi(3_000);
    let params = LogisticRegression::new().l1_ratio(0.5).tol(1e-9).check().unwrap();
    let structured = params.fit_design(&design, &two(), &y).unwrap();
    let names: Vec<String> = design.layout().names().map(str::to_string).collect();
    let dense = Design::from_dense(&design.to_dense(), &names).unwrap();
    let plain = params.fit_design(&dense, &two(), &y).unwrap();
    for ((name, a), b) in structured.coef().zip(plain.coef_values()) {
        assert!((a - b).abs() < 1e-8, "{name}: {a} {b}");
    }
    let (a, b) = (structured.predict_proba(&design).unwrap(), plain.predict_proba(&dense).unwrap());
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-8));
}

#[test]
fn the_model_is_the_same_bits_for_any_number_of_threads() {
    let (design, y) = taxi(40_000);
    let params = LogisticRegression::new().l1_ratio(0.5).check().unwrap();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| params.fit_design(&design, &two(), &y).unwrap())
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn columns_far_from_zero_converge() {
    let (x, y) = golden();
    let near = LogisticRegression::new().l1_ratio(0.5).fit(&DatasetBase::new(x.clone(), y.clone())).unwrap();
    let far = LogisticRegression::new().l1_ratio(0.5).fit(&DatasetBase::new(x + 1.6e6, y)).unwrap();
    assert!(far.converged());
    for (a, b) in near.coef_values().iter().zip(far.coef_values()) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
}

#[test]
fn a_fit_that_does_not_converge_says_so() {
    let model = fit(LogisticRegression::new().max_iter(1));
    assert!(!model.converged() && model.n_iter() == Some(1) && model.kkt() > 1e-6);
    // separable rows without a penalty have no optimum
    let x = Array2::from_shape_vec((4, 1), vec![-2.0, -1.0, 1.0, 2.0]).unwrap();
    let y = Array1::from_vec(vec![false, false, true, true]);
    let params = LogisticRegression::new().penalty(Penalty::None).max_iter(5);
    assert!(!params.fit(&DatasetBase::new(x, y)).unwrap().converged());
}

#[test]
fn what_cannot_be_fitted_is_a_typed_error() {
    let x = Array2::from_shape_vec((2, 1), vec![0.0, 1.0]).unwrap();
    let only = Array1::from_vec(vec![1.0, 1.0]);
    let text = LogisticRegression::new().fit(&DatasetBase::new(x, only)).unwrap_err().to_string();
    assert!(text.contains("only one class, 1.0"), "{text}");
    let x = Array2::from_shape_vec((2, 1), vec![0.0, f64::INFINITY]).unwrap();
    let y = Array1::from_vec(vec![false, true]);
    let dataset = DatasetBase::new(x, y).with_feature_names(vec!["fare"]);
    let text = LogisticRegression::new().fit(&dataset).unwrap_err().to_string();
    assert!(text.contains("column `fare`") && text.contains("inf in row 1"), "{text}");
    let (design, y) = taxi(10);
    let valid = LogisticRegression::new().check().unwrap();
    assert!(valid.fit_design(&design, &two(), &y[1..]).is_err());
    let text = valid.fit_design(&design, &two(), &[0; 10]).unwrap_err().to_string();
    assert!(text.contains("all 10 rows are of the class 0.0"), "{text}");
}

#[test]
fn labels_come_back_as_they_were() {
    let (x, y) = golden();
    let names = y.mapv(|y| if y { "tip".to_string() } else { "none".to_string() });
    let model = LogisticRegression::new().fit(&DatasetBase::new(x.clone(), names)).unwrap();
    let predicted: Array1<String> = model.predict(&x);
    assert!(predicted.iter().all(|l| l == "tip" || l == "none"));
    let right = predicted.iter().zip(&y).filter(|(l, y)| (*l == "tip") == **y).count();
    assert!(right > 450, "{right}");
    let flags: Array1<bool> = model.predict(&x);
    assert_eq!(flags.iter().filter(|f| **f).count(), predicted.iter().filter(|l| *l == "tip").count());
    assert!(model.try_predict::<bool, _>(&x.slice(ndarray::s![.., ..2])).is_err());
}

#[test]
fn a_saved_model_is_the_same_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.json");
    let (design, y) = taxi(2_000);
    let valid = LogisticRegression::new().l1_ratio(0.3).check().unwrap();
    let model = valid.fit_design(&design, &two(), &y).unwrap();
    model.save(&path).unwrap();
    assert_eq!(FittedLogisticRegression::load(&path).unwrap(), model);

    let text = std::fs::read_to_string(&path).unwrap().replace("\"version\": 1", "\"version\": 9");
    std::fs::write(&path, text).unwrap();
    let text = FittedLogisticRegression::load(&path).unwrap_err().to_string();
    assert!(text.contains("version 9") && text.contains("model.json"), "{text}");
    std::fs::write(&path, "{}").unwrap();
    assert!(FittedLogisticRegression::load(&path).is_err());
    assert!(model.save(folder.path().join("no/such/folder.json")).is_err());
}

#[test]
fn a_model_of_the_first_version_is_read() {
    let file = r#"{"format": "partita.logistic_regression", "version": 1, "model": {
        "layout": {"numeric": ["x"], "one_hot": []}, "coef": [0.5], "intercept": -0.25, "classes": {"Bool": [false, true]},
        "n_iter": 4, "converged": true, "kkt": 1e-8, "objective": 3.5}}"#;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.json");
    std::fs::write(&path, file).unwrap();
    let model = FittedLogisticRegression::load(&path).unwrap();
    assert_eq!((model.coef_of("x"), model.intercept(), model.intercepts()), (Some(0.5), -0.25, &[-0.25][..]));
    assert_eq!((model.coef_of_class(0, "x"), model.coef_of_class(1, "x")), (Some(0.0), Some(0.5)));
    model.save(&path).unwrap();
    assert_eq!(FittedLogisticRegression::load(&path).unwrap(), model);
    assert!(std::fs::read_to_string(&path).unwrap().contains("\"version\": 1"));
}

#[test]
fn another_layout_is_refused() {
    let (design, y) = taxi(2_000);
    let model = LogisticRegression::new().check().unwrap().fit_design(&design, &two(), &y).unwrap();
    let other = Design::with_rows(1).numeric("fare", vec![1.0]).unwrap();
    let text = model.predict_proba(&other).unwrap_err().to_string();
    assert!(text.contains("`fare` stands where the model has `day`"), "{text}");
    assert_eq!(model.coef_of("hour"), Some(model.coef_values()[1]));
}

/// The taxi rows with weights 0 to 3, and the same rows each written as often as its weight says.
fn weighted(rows: usize) -> ((Design, Vec<u32>), (Design, Vec<u32>)) {
    let (design, y) = taxi(rows);
    let times: Vec<usize> = (0..rows).flat_map(|i| std::iter::repeat_n(i, i % 4)).collect();
    let repeated = (design.take(&times), times.iter().map(|i| y[*i]).collect());
    let weights = (0..rows).map(|i| (i % 4) as f64).collect();
    ((design.weights(weights).unwrap(), y), repeated)
}

#[test]
fn a_weight_is_how_often_a_row_is_written() {
    let ((design, y), (repeated, y_repeated)) = weighted(2_000);
    for class_weight in [ClassWeight::None, ClassWeight::Balanced, ClassWeight::of([(1.0, 2.5)])] {
        let params = LogisticRegression::new().l1_ratio(0.4).tol(1e-9).class_weight(class_weight).check().unwrap();
        let one = params.fit_design(&design, &two(), &y).unwrap();
        let other = params.fit_design(&repeated, &two(), &y_repeated).unwrap();
        assert!(one.converged() && other.converged());
        assert!((one.objective() - other.objective()).abs() < 1e-9 * one.objective());
        for ((name, a), b) in one.coef().zip(other.coef_values()) {
            assert!((a - b).abs() < 1e-8, "{name}: {a} {b}");
        }
    }
}

#[test]
fn weights_of_an_array_and_of_classes_multiply() {
    let (x, y) = golden();
    let factor = y.mapv(|y| if y { 2.5_f32 } else { 1.0 });
    let by_row = LogisticRegression::new().fit(&DatasetBase::new(x.clone(), y.clone()).with_weights(factor)).unwrap();
    let by_class = LogisticRegression::new().class_weight(ClassWeight::of([(true, 2.5)]));
    let by_class = by_class.fit(&DatasetBase::new(x, y)).unwrap();
    // the numeric columns are centred without the factors of classes, so the last bits differ
    close(&by_row, by_class.coef_values().try_into().unwrap(), by_class.intercept(), 1e-9);
}

/// scikit-learn's coefficients, intercept and epochs, for weights 0, 1, 2, 3, 0, … of the golden rows or none.
fn expect_saga(params: LogisticRegression, weighted: bool, coef: [f64; 4], intercept: f64, epochs: usize) {
    let (x, y) = golden();
    let rows = DatasetBase::new(x, y);
    let weights = Array1::from_iter((0..600).map(|i| (i % 4) as f32));
    let model = params.fit(&if weighted { rows.with_weights(weights) } else { rows }).unwrap();
    assert_eq!((model.n_iter(), model.converged()), (Some(epochs), ![3, 50].contains(&epochs)));
    for (a, b) in model.coef_values().iter().chain([&model.intercept()]).zip(coef.iter().chain([&intercept])) {
        assert!((a - b).abs() <= 1e-14 * coef[0], "{model:?} is not {coef:?} {intercept}");
    }
}

#[test]
fn saga_ends_where_scikit_learn_does() {
    let saga = |seed, ratio| LogisticRegression::new().c(0.05).l1_ratio(ratio).solver(Solver::Saga { seed });
    let w = [1.2705926781604786, -0.5521451371017332, -0.01480243836422875, -0.0009644066106552417];
    expect_saga(saga(42, 0.0), false, w, 0.01056001635034174, 15);
    expect_saga(saga(42, 0.5), false, [1.291857050273476, -0.5181712477131447, 0.0, 0.0], 0.010816357942659303, 11);
    expect_saga(saga(42, 1.0), false, [1.3168630667838943, -0.4772795091946277, 0.0, 0.0], 0.01006321624960113, 15);
    expect_saga(saga(7, 0.5), true, [1.3861534713330086, -0.47680426321973124, 0.0, 0.0], 0.0827015724976145, 15);
    let balanced = saga(7, 0.5).class_weight(ClassWeight::Balanced).max_iter(3);
    let w = [1.438273236837, -0.6658411727899058, 0.03690811097031515, -0.05259826802161629];
    expect_saga(balanced, true, w, 0.15567691448406343, 3);
    let strong = saga(7, 0.0).c(1e-4).fit_intercept(false).tol(1e-9);
    let w = [0.017118116837857793, -0.006712714301039779, -0.0003316292046779692, 0.00041512795527533637];
    expect_saga(strong, false, w, 0.0, 19);
}

#[test]
fn saga_survives_a_penalty_that_shrinks_the_scale_to_nothing() {
    let params = LogisticRegression::new().c(1e-7).solver(Solver::Saga { seed: 7 }).max_iter(50).tol(1e-9);
    let w = [1.7372543490138808e-5, -6.8088980264013085e-6, -3.379634878306627e-7, 4.290458724871905e-7];
    expect_saga(params, false, w, 0.001301643434360823, 50);
}

#[test]
fn saga_converges_to_the_optimum_and_from_it() {
    let newton = fit(LogisticRegression::new().c(0.05).l1_ratio(0.5));
    let saga = LogisticRegression::new().c(0.05).l1_ratio(0.5).solver(Solver::Saga { seed: 1 });
    let far = fit(saga.clone().tol(1e-10).max_iter(1000));
    close(&far, newton.coef_values().try_into().unwrap(), newton.intercept(), 1e-7);
    let none = fit(saga.max_iter(0).warm_start(&newton));
    assert!(none.coef_values() == newton.coef_values() && !none.converged());
}

#[test]
fn fista_finds_the_optimum_of_newton() {
    let (design, y) = taxi(2_000);
    let design = design.weights((0..2_000).map(|i| f64::from(i % 3)).collect()).unwrap();
    for ratio in [0.0, 0.5, 1.0] {
        let params = LogisticRegression::new().c(0.1).l1_ratio(ratio).class_weight(ClassWeight::Balanced);
        let newton = params.clone().check().unwrap().fit_design(&design, &two(), &y).unwrap();
        let fista = params.solver(Solver::Fista).check().unwrap().fit_design(&design, &two(), &y).unwrap();
        assert!(fista.converged() && fista.kkt() <= 1e-6, "{ratio}: {:?} {}", fista.n_iter(), fista.kkt());
        assert!(fista.n_iter().unwrap() < 600, "{ratio}: {:?}", fista.n_iter());
        assert!((newton.objective() - fista.objective()).abs() < 1e-9 * newton.objective());
        for ((name, a), b) in newton.coef().zip(fista.coef_values()) {
            assert!((a - b).abs() < 1e-5, "{ratio} {name}: {a} {b}");
        }
    }
}

#[test]
fn a_wide_design_is_fitted_without_a_hessian() {
    let (rows, width) = (20_000, 9_000);
    let mut u = Congruence(5);
    let codes: Vec<u32> = (0..rows).map(|_| (u.next().unwrap().powi(3) * f64::from(width)) as u32).collect();
    let y: Vec<u32> = codes.iter().map(|c| u32::from(u.next().unwrap() < if c % 2 == 0 { 0.7 } else { 0.2 })).collect();
    let features = (0..width).map(|i| format!("c_{i}")).collect();
    let design = Design::with_rows(rows).one_hot(OneHotBlock { column: "c".into(), features }, codes, false).unwrap();
    let params = LogisticRegression::new().l1_ratio(0.5);
    let model = params.clone().check().unwrap().fit_design(&design, &two(), &y).unwrap();
    assert!(model.converged() && model.kkt() <= 1e-6, "{:?} {}", model.n_iter(), model.kkt());
    let text = params.solver(Solver::ProxNewton).check().unwrap().fit_design(&design, &two(), &y).unwrap_err();
    assert!(text.to_string().contains("use Solver::Fista"), "{text}");
}
