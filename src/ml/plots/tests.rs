//! Pictures of searches and paths on a small frame.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, RecordBatch};
use linfa::dataset::DatasetBase;

use crate::DataFrame;
use crate::ml::select::ParamGrid;
use crate::ml::{
    GridSearchCv, Lasso, LogisticRegression, Pipeline, Scoring, SearchCv, StandardScaler, Target, coefficient_path,
};

fn taxi() -> DatasetBase<DataFrame, Target> {
    let of = |f: &dyn Fn(usize) -> f64| Arc::new((0..60).map(|i| Some(f(i))).collect::<Float64Array>()) as ArrayRef;
    let tip: BooleanArray = (0..60).map(|i| Some((i * 7 + i / 5) % 60 > 25 + i % 9)).collect();
    let columns: [(&str, ArrayRef); 3] = [
        ("hour", of(&|i| (i * 7 % 60) as f64)),
        ("minute", of(&|i| (i * 13 % 11) as f64)),
        ("high_tip", Arc::new(tip)),
    ];
    let frame = DataFrame::from_batches([RecordBatch::try_from_iter(columns).unwrap()]).unwrap();
    DatasetBase::new(frame, Target::column("high_tip"))
}

fn pipeline() -> Pipeline {
    Pipeline::new().step("scale", StandardScaler::new()).step("clf", LogisticRegression::new().l1_ratio(1.0).tol(1e-8))
}

fn search(grid: ParamGrid) -> SearchCv<ParamGrid> {
    GridSearchCv::new(pipeline(), grid)
        .cv(3)
        .scoring([Scoring::Accuracy, Scoring::RocAuc])
        .refit(Scoring::Accuracy)
        .return_train_score(true)
}

/// The places of the dots of a series.
fn dots(svg: &str, hue: usize) -> Vec<(f64, f64)> {
    let group = svg.split("<g class=\"").find(|g| g.starts_with(&format!("hue{hue}\""))).unwrap();
    let number = |text: &str, name: &str| text.split(&format!("{name}=\"")).nth(1)?.split('"').next()?.parse().ok();
    let circles = group.split("<circle").skip(1);
    circles.map(|circle| (number(circle, "cx").unwrap(), number(circle, "cy").unwrap())).collect()
}

#[test]
fn scores_are_shown_over_one_parameter() {
    let grid = ParamGrid::new()
        .values(LogisticRegression::C.of("clf"), [100.0, 0.01, 1.0])
        .values("clf__fit_intercept", [true, false]);
    let search = search(grid).fit(&taxi()).unwrap();
    let svg = search.validation_plot(LogisticRegression::C.of("clf")).unwrap().title("C").to_svg();
    let (test, train) = (dots(&svg, 0), dots(&svg, 1));
    // 0.01, 1 and 100 are as far from each other
    assert_eq!((test.len(), train.len()), (3, 3), "{svg}");
    assert!((test[2].0 - test[1].0 - (test[1].0 - test[0].0)).abs() < 0.2, "{test:?}");
    let best = search.best_params();
    let score = |c: f64| {
        let with = |p: &&crate::ml::select::Params| {
            p["clf__C"] == c.into() && p["clf__fit_intercept"] == best["clf__fit_intercept"]
        };
        let place = search.candidates().iter().position(|p| with(&p)).unwrap();
        search.mean_test_scores()[place]
    };
    let (rise, sink) = (score(1.0) - score(0.01), test[0].1 - test[1].1);
    assert_eq!(rise > 0.0, sink > 0.0, "{rise} {sink}");
    assert!(svg.contains("test rows, mean ± std of 3 folds; training rows") && svg.contains(">accuracy<"), "{svg}");
    let names = search.validation_plot("clf__fit_intercept").unwrap().to_svg();
    assert!(names.contains(">true<") && names.contains(">false<"));
    assert!(search.validation_plot_by(Scoring::RocAuc, "clf__C").unwrap().to_svg().contains(">roc_auc<"));
    let error = search.validation_plot("clf__c").unwrap_err().to_string();
    assert!(error.contains("did you mean `clf__C`?") && error.contains("clf__fit_intercept"), "{error}");
    assert!(search.validation_plot_by(Scoring::F1, "clf__C").is_err());
}

#[test]
fn a_path_is_the_fits_alone_on_fewer_passes() {
    let (taxi, values) = (taxi(), [0.001, 0.05, 10.0, 0.3]);
    let path = coefficient_path(&pipeline(), LogisticRegression::C.of("clf"), values, &taxi).unwrap();
    let (mut alone, all) = (0, path.coefficients().unwrap());
    for (i, value) in values.into_iter().enumerate() {
        let params = [("clf__C".to_string(), value.into())].into();
        let fitted = pipeline().with_params(&params).unwrap().fit(&taxi).unwrap();
        alone += fitted.passes().cache;
        assert_eq!(path.models()[i].model().unwrap().coef_values(), fitted.model().unwrap().coef_values());
        assert_eq!(all[0].1[i], fitted.model().unwrap().coef_of("hour").unwrap());
    }
    assert!(path.passes().cache < alone && path.passes().source == 1, "{} {alone}", path.passes());
    assert_eq!((all[0].0.as_str(), all[0].1[0], path.key(), path.notes().len()), ("hour", 0.0, "clf__C", 0));
    let table = path.table().unwrap();
    assert_eq!(table.f64s("clf__C").unwrap()[..3], [Some(0.001), Some(0.001), Some(0.05)]);
    assert_eq!(table.f64s("coefficient").unwrap()[6], Some(all[0].1[3]));
    // the lines go from the smallest value to the largest; nothing at first, upwards is larger
    let svg = path.plot().unwrap().to_svg();
    let hour = dots(&svg, 0);
    assert!(hour.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 >= pair[1].1), "{hour:?}");
    assert!(svg.contains("<title>hour</title>") && svg.contains("<title>minute</title>"), "{svg}");
    let none: [f64; 0] = [];
    assert!(coefficient_path(&pipeline(), "clf__C", none, &taxi).is_err());
    let wrong = coefficient_path(&pipeline(), "clf__gamma", [1.0], &taxi).unwrap_err().to_string();
    assert!(wrong.contains("clf__C"), "{wrong}");
}

#[test]
fn values_have_paths_too() {
    let taxi = DatasetBase::new(taxi().records().select(["hour", "minute"]).unwrap(), Target::column("minute"));
    let lasso = Pipeline::new().step("scale", StandardScaler::new()).step("reg", Lasso::new());
    let path = coefficient_path(&lasso, Lasso::ALPHA.of("reg"), [10.0, 0.001], &taxi).unwrap();
    let coefs = &path.coefficients().unwrap()[0].1;
    assert!(coefs[0] == 0.0 && coefs[1] != 0.0, "{coefs:?}");
    assert!(path.plot().unwrap().to_svg().contains("reg__alpha"));
}
