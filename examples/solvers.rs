//! Fits logistic regressions that a file describes, for comparison with other programs' answers (`tests/oracle/ml.py`).
//!
//!     cargo run --release --example solvers -- JOBS.json ANSWERS.json
//!
//! JOBS.json is a list. A fit is `{"rows": FILE.parquet, "numeric": [columns], "one_hot": [columns], "target": column,
//! "weights": column or null, "balanced": bool, "C", "l1_ratio", "solver": "newton" | "fista" | "saga", "seed", "tol",
//! "max_iter", "fit_intercept"}`; a search is `{"rows", "search": [l1_ratios], "numeric", "one_hot", "target", "drop": bool,
//! "seed"}`: the taxi program's pipeline with SAGA. Numbers that are left out have scikit-learn's defaults.

use std::fs;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use partita::ml::linfa::{DatasetBase, ParamGuard};
use partita::ml::{ClassWeight, Classes, Design, OneHotBlock, Solver};
use partita::{
    Categorizer, ColumnTransformer, DataFrame, DummyEncoder, Error, GridSearchCv, LogisticRegression, ParamGrid,
    Pipeline, Remainder, Result, StandardScaler, Target,
};
use serde_json::{Value, json};

fn main() -> Result<()> {
    let wrong = |what: String| Error::invalid(what).help("usage: solvers JOBS.json ANSWERS.json");
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let [jobs, answers] = paths.as_slice() else { return Err(wrong("two files are needed".into())) };
    let text = fs::read_to_string(jobs).map_err(|e| Error::io(jobs.as_str(), e))?;
    let jobs: Vec<Value> = serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
    let done = jobs.iter().map(|job| if job["search"].is_array() { search(job) } else { fit(job) });
    let done = Value::Array(done.collect::<Result<_>>()?);
    fs::write(answers, done.to_string()).map_err(|e| Error::io(answers.as_str(), e))
}

fn rows(job: &Value) -> Result<DataFrame> {
    partita::read_parquet(job["rows"].as_str().unwrap_or_default())
}

fn columns(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_string).collect()
}

fn params(job: &Value) -> LogisticRegression {
    let number = |key: &str, default: f64| job[key].as_f64().unwrap_or(default);
    let solver = match job["solver"].as_str() {
        Some("saga") => Solver::Saga { seed: job["seed"].as_u64().unwrap_or(42) as u32 },
        Some("fista") => Solver::Fista,
        Some("newton") => Solver::ProxNewton,
        _ => Solver::Auto,
    };
    let params = LogisticRegression::new().c(number("C", 1.0)).l1_ratio(number("l1_ratio", 0.0)).solver(solver);
    let params = if let Some(most) = job["max_iter"].as_u64() { params.max_iter(most as usize) } else { params };
    let params = params.fit_intercept(job["fit_intercept"].as_bool().unwrap_or(true));
    let balanced = if job["balanced"] == true { ClassWeight::Balanced } else { ClassWeight::None };
    let params = params.class_weight(balanced);
    if let Some(tol) = job["tol"].as_f64() { params.tol(tol) } else { params }
}

fn fit(job: &Value) -> Result<Value> {
    let table = rows(job)?.compute()?;
    let batch = table.to_batch()?;
    let column = |name: &str| {
        let found = batch.column_by_name(name);
        found.ok_or_else(|| Error::invalid(format!("there is no column `{name}`")))
    };
    let numbers = |name: &str| -> Result<Vec<f64>> {
        Ok(cast(column(name)?, &DataType::Float64)?.as_primitive::<Float64Type>().values().to_vec())
    };
    let mut design = Design::with_rows(batch.num_rows());
    for name in columns(&job["numeric"]) {
        design = design.numeric(name.as_str(), numbers(&name)?)?;
    }
    for name in columns(&job["one_hot"]) {
        let (classes, codes) = Classes::of_column(column(&name)?)?;
        let features = (0..classes.len()).map(|i| format!("{name}_{i}")).collect();
        design = design.one_hot(OneHotBlock { column: name, features }, codes, false)?;
    }
    if let Some(weights) = job["weights"].as_str() {
        design = design.weights(numbers(weights)?)?;
    }
    let (classes, y) = Classes::of_column(column(job["target"].as_str().unwrap_or_default())?)?;
    let model = params(job).check()?.fit_design(&design, &classes, &y)?;
    Ok(json!({
        "coef": model.coef_values(), "intercept": model.intercepts(), "objective": model.objective(), "kkt": model.kkt(),
        "converged": model.converged(), "n_iter": model.n_iter(),
    }))
}

fn search(job: &Value) -> Result<Value> {
    let (numeric, one_hot) = (columns(&job["numeric"]), columns(&job["one_hot"]));
    let target = job["target"].as_str().unwrap_or_default();
    let frame = rows(job)?.select([numeric.clone(), one_hot.clone(), vec![target.to_string()]].concat())?;
    let remainder = if job["drop"] == true { Remainder::Drop } else { Remainder::Passthrough };
    let scale = ColumnTransformer::new().with("num", StandardScaler::new(), numeric).remainder(remainder);
    let pipeline = Pipeline::new()
        .step("categorize", Categorizer::new().columns(one_hot.clone()))
        .step("onehot", DummyEncoder::new().columns(one_hot))
        .step("scale", scale)
        .step("clf", params(job));
    let ratios: Vec<f64> = job["search"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    let grid = ParamGrid::new().values(LogisticRegression::L1_RATIO.of("clf"), ratios);
    let search = GridSearchCv::new(pipeline, grid).cv(3).fit(&DatasetBase::new(frame, Target::column(target)))?;
    let model = search.best_estimator()?.model()?;
    let scores: Vec<Vec<f64>> = search.split_test_scores().to_vec();
    Ok(json!({
        "split_test_scores": scores, "best_score": search.best_score(), "best_index": search.best_index(),
        "coef": model.coef_values(), "intercept": model.intercept(), "n_iter": model.n_iter(),
    }))
}
