//! What a search and a pipeline say of what they are given, and what they show of themselves.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use linfa::dataset::DatasetBase;

use super::*;
use crate::frame::DataFrame;
use crate::ml::pipeline::Note;
use crate::ml::prepare::Unknown;
use crate::ml::{
    ClassWeight, ColumnTransformer, FittedPipeline, LinearRegression, LinfaEstimator, LogisticRegression,
    OneHotEncoder, Penalty, Pipeline, SimpleImputer, StandardScaler, Step, Target,
};

const ROWS: usize = 24;

/// Rows of a number, a word that is `odd` in the last row alone, and a class that is `rare` in so many of the first.
fn frame(rare: usize) -> DataFrame {
    let x = Float64Array::from_iter_values((0..ROWS).map(|i| (i * 7 % 11) as f64 + i as f64 / 100.0));
    let word =
        StringArray::from_iter_values((0..ROWS).map(|i| ["odd", "a", "b"][usize::from(i + 1 < ROWS) * (1 + i % 2)]));
    let class = |i: usize| if i < rare { "rare" } else { ["no", "yes"][usize::from(i * 7 % 11 + i % 3 > 5)] };
    let y = StringArray::from_iter_values((0..ROWS).map(class));
    let columns: [(&str, ArrayRef); 3] = [("x", Arc::new(x)), ("word", Arc::new(word)), ("y", Arc::new(y))];
    DataFrame::from_batches([RecordBatch::try_from_iter(columns).unwrap()]).unwrap()
}

fn dataset(rare: usize) -> DatasetBase<DataFrame, Target> {
    DatasetBase::new(frame(rare), Target::column("y"))
}

fn numbers() -> ColumnTransformer {
    ColumnTransformer::new().with("num", StandardScaler::new(), ["x"])
}

fn pipeline() -> Pipeline {
    Pipeline::new().step("scale", numbers()).step("clf", LogisticRegression::new())
}

fn search(pipeline: Pipeline) -> GridSearchCv {
    GridSearchCv::new(pipeline, ParamGrid::new())
}

fn failed(pipeline: Pipeline) -> String {
    pipeline.fit(&dataset(0)).unwrap_err().to_string()
}

#[test]
fn a_class_with_too_few_rows_is_named() {
    let text = search(pipeline()).fit(&dataset(1)).unwrap_err().to_string();
    assert!(text.contains("class `rare` has 1 row, fewer than the 3 folds; drop or merge it"), "{text}");
    assert!(text.contains("fold 0") && !text.contains("StratifiedKFold"), "{text}");
    let found = search(pipeline()).error_score(0.0).fit(&dataset(1)).unwrap();
    let scores = &found.split_test_scores()[0];
    assert!(scores[0] == 0.0 && scores[1] > 0.0 && scores[2] > 0.0, "{scores:?}");
    let found = search(pipeline()).cv(5).fit(&dataset(2)).unwrap();
    let rare = Note::RareClass { class: "`rare`".into(), rows: 2, folds: 5 };
    assert!(found.notes().contains(&rare), "{:?}", found.notes());
    assert!(found.to_string().contains("class `rare` has 2 rows, fewer than the 5 folds"), "{found}");
    assert!(!search(pipeline()).cv(2).fit(&dataset(2)).unwrap().to_string().contains("rare"));
    let text = search(pipeline()).cv(KFold::new(2)).fit(&dataset(6)).unwrap_err().to_string();
    assert!(text.contains("StratifiedKFold") && text.contains("fold 0"), "{text}");
}

#[test]
fn a_category_of_a_test_fold_alone_is_named_with_its_fold() {
    let encoder = |unknown| {
        let encode = ColumnTransformer::new().with("cat", OneHotEncoder::new().handle_unknown(unknown), ["word"]);
        Pipeline::new().step("prepare", encode).step("clf", LogisticRegression::new())
    };
    let text = search(encoder(Unknown::Error)).fit(&dataset(0)).unwrap_err().to_string();
    assert!(text.contains("failed to encode step `prepare__cat`, column `word`, fold 2"), "{text}");
    assert!(text.contains("`odd` was not there in fitting; use handle_unknown(Unknown::Ignore)"), "{text}");
    let found = search(encoder(Unknown::Error)).error_score(-1.0).fit(&dataset(0)).unwrap();
    assert!(found.split_test_scores()[0][2] == -1.0 && found.split_test_scores()[0][0] >= 0.0);
    assert!(found.to_string().contains("candidate 0, fold 2 failed"), "{found}");
    search(encoder(Unknown::Ignore)).fit(&dataset(0)).unwrap();
}

#[test]
fn columns_that_are_no_features_are_named() {
    let encode = |column: &str| {
        let encode = numbers().with("cat", OneHotEncoder::new(), [column]);
        Pipeline::new().step("prepare", encode).step("clf", LogisticRegression::new())
    };
    let text = search(encode("word")).cv(GroupKFold::by("word", 2)).fit(&dataset(0)).unwrap_err().to_string();
    assert!(
        text.contains("step `prepare__cat`") && text.contains("`word` groups the rows, and so is no feature"),
        "{text}"
    );
    let text = failed(encode("y"));
    assert!(text.contains("step `prepare__cat`") && text.contains("`y` is the target, and so no feature"), "{text}");
    let text = failed(encode("wodr"));
    assert!(text.contains("step `prepare__cat`") && text.contains("did you mean `word`"), "{text}");
    let by_feature = Pipeline::new()
        .step("encode", OneHotEncoder::new().columns(["word"]))
        .step("some", ColumnTransformer::new().with("one", StandardScaler::new(), ["word_a"]))
        .step("clf", LogisticRegression::new());
    assert!(failed(by_feature).contains("encode `word` by a part of its own"));
}

#[test]
fn parameters_are_guessed_within_their_step() {
    let text = |key: &str| {
        let grid = ParamGrid::new().values(key, [0.5]);
        GridSearchCv::new(pipeline(), grid).fit(&dataset(0)).unwrap_err().to_string()
    };
    let penalty = text("clf__penalty");
    assert!(penalty.contains("use `clf__l1_ratio`") && !penalty.contains("did you mean"), "{penalty}");
    assert!(text("clf__l1ratio").contains("did you mean `clf__l1_ratio`"));
    assert!(text("clff__tol").contains("did you mean `clf__tol`"));
    assert!(!text("clf__gamma").contains("did you mean"));
}

#[test]
fn values_out_of_range_are_named_with_their_candidate() {
    let text = |value: crate::ml::ParamValue| {
        let grid = ParamGrid::new().values("clf__C", [value]);
        GridSearchCv::new(pipeline(), grid).error_score(0.0).fit(&dataset(0)).unwrap_err().to_string()
    };
    assert!(text(0.0.into()).contains("failed to try clf__C=0.0, step `clf`: C is 0"), "{}", text(0.0.into()));
    assert!(text("1".into()).contains("the value \"1\" where a number is needed"), "{}", text("1".into()));
    let sampler = ParamSampler::new(3, 1).log_uniform("clf__C", 0.0, 1.0);
    let text = sampler.candidates().unwrap_err().to_string();
    assert!(text.contains("failed to draw `clf__C`: ") && !text.contains("::"), "{text}");
}

#[test]
fn steps_in_wrong_places_say_the_next_step() {
    let text = failed(Pipeline::new().step("clf", LogisticRegression::new()).step("scale", numbers()));
    assert!(text.contains("step `clf` is a model, and stands before step `scale`"), "{text}");
    let text = failed(Pipeline::new().step("scale", StandardScaler::new()).step("clf", LogisticRegression::new()));
    assert!(text.contains("column `word`") && text.contains("ColumnTransformer::new().with("), "{text}");
    let text = failed(Pipeline::new().step("fill", SimpleImputer::mean()).step("clf", LogisticRegression::new()));
    assert!(text.contains("column `word`") && text.contains("most_frequent()"), "{text}");
    let encoder = OneHotEncoder::new().columns(["wodr"]);
    let text = failed(Pipeline::new().step("e", encoder).step("clf", LogisticRegression::new()));
    assert!(text.contains("failed to encode step `e`"), "{text}");
}

#[test]
fn probabilities_are_asked_of_models_that_give_them() {
    let three = pipeline().fit(&dataset(6)).unwrap();
    let text = three.with_probability(&frame(6), "p").unwrap_err().to_string();
    assert!(text.contains("3 classes") && text.contains("use predict_proba"), "{text}");
    assert_eq!(three.predict_proba(&frame(6)).unwrap().columns(), ["y_no", "y_rare", "y_yes"]);
    let tree = LinfaEstimator::classifier(linfa_trees::DecisionTree::params());
    let tree = Pipeline::new().step("scale", numbers()).step("tree", Step::whole(tree));
    let fitted = tree.fit(&dataset(0)).unwrap();
    assert!(fitted.with_probability(&frame(0), "p").unwrap_err().to_string().contains("gives no probabilities"));
    assert!(fitted.predict_proba(&frame(0)).is_err() && fitted.decision_function(&frame(0)).is_err());
    assert!(fitted.with_prediction(&frame(0), "p").is_ok());
    let grid = ParamGrid::new().values("tree__max_depth", [3]);
    let text = GridSearchCv::new(tree, grid).fit(&dataset(0)).unwrap_err().to_string();
    assert!(text.contains("of linfa cannot be searched"), "{text}");
}

#[test]
fn pipelines_are_scored_and_shown() {
    let model = pipeline().fit(&dataset(0)).unwrap();
    let found = search(pipeline()).fit(&dataset(0)).unwrap();
    assert_eq!(found.best_estimator().unwrap(), &model);
    let predicted = found.predict(&frame(0)).unwrap().compute().unwrap();
    assert_eq!(predicted.num_rows(), ROWS);
    let right = (0..ROWS).filter(|row| {
        predicted.value("y", *row).unwrap().as_str() == frame(0).compute().unwrap().value("y", *row).unwrap().as_str()
    });
    assert_eq!(model.score(&dataset(0)).unwrap(), right.count() as f64 / ROWS as f64);
    let values = DatasetBase::new(frame(0).select(["x"]).unwrap(), Target::column("x"));
    let twice = values.records().with_column("twice", crate::expr::col("x") * 2).unwrap();
    let values = DatasetBase::new(twice, Target::column("x"));
    let line = Pipeline::new().step("line", LinearRegression::new()).fit(&values).unwrap();
    assert!(line.score(&values).unwrap() > 1.0 - 1e-12);
    insta::assert_snapshot!(pipeline(), @r"
    pipeline of 2 steps
      scale: ColumnTransformer(num: StandardScaler of x; others: dropped)
      clf: LogisticRegression
    ");
    let shown = model.to_string();
    assert!(
        shown.starts_with("fitted pipeline that predicts `y` from `x`\n  scale: ColumnTransformer\n  clf: "),
        "{shown}"
    );
    assert!(shown.contains("logistic regression on 1 feature, of the classes `no`, `yes`\n    intercept "), "{shown}");
    assert!(shown.contains(", x ") && shown.contains("note: step `scale`"), "{shown}");
    assert!(!format!("{model:?}").contains("Array"), "{model:?}");
}

#[test]
fn separable_rows_without_a_penalty_are_noted() {
    let x = Float64Array::from_iter_values((0..ROWS).map(|i| i as f64));
    let y = StringArray::from_iter_values((0..ROWS).map(|i| if i < 9 { "no" } else { "yes" }));
    let columns: [(&str, ArrayRef); 2] = [("x", Arc::new(x)), ("y", Arc::new(y))];
    let frame = DataFrame::from_batches([RecordBatch::try_from_iter(columns).unwrap()]).unwrap();
    let noted = |frame: &DataFrame, model: LogisticRegression| {
        let data = DatasetBase::new(frame.clone(), Target::column("y"));
        let fitted = Pipeline::new().step("clf", model).fit(&data).unwrap();
        fitted.notes().iter().any(|note| matches!(note, Note::Separable { .. }))
    };
    let free = || LogisticRegression::new().penalty(Penalty::None);
    assert!(noted(&frame, free()) && !noted(&frame, LogisticRegression::new()));
    assert!(!noted(&self::frame(0).select(["x", "y"]).unwrap(), free()));
}

#[test]
fn solvers_and_weights_of_classes_are_searched() {
    let grid = ParamGrid::new()
        .values(LogisticRegression::CLASS_WEIGHT.of("clf"), [ClassWeight::None, ClassWeight::Balanced])
        .values("clf__solver", ["prox_newton", "fista"]);
    let found = GridSearchCv::new(pipeline(), grid).fit(&dataset(0)).unwrap();
    let shown: Vec<String> = found.candidates().iter().map(grid::shown).collect();
    assert_eq!(shown[3], "clf__class_weight=balanced, clf__solver=fista");
    assert_eq!(found.split_test_scores()[0], found.split_test_scores()[1]);
}

#[test]
fn a_file_of_no_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.json");
    pipeline().fit(&dataset(0)).unwrap().save(&path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let version = text.lines().find(|line| line.contains("\"version\"")).unwrap();
    std::fs::write(&path, text.replace(version, "  \"version\": 0,")).unwrap();
    let error = FittedPipeline::load(&path).unwrap_err();
    assert!(matches!(error.kind(), crate::base::ErrorKind::Corrupt { .. }), "{error}");
}
