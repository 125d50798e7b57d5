//! What the taxi program reports: a time for each step, and all answers as JSON.

use std::path::Path;
use std::time::Instant;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Float64Type;
use partita::ml::FittedGridSearchCv;
use partita::{ByteSize, DataFrame, Error, Result, Table};
use serde_json::{Map, Value, json};

/// Times and answers, as they come.
pub struct Report {
    begun: Instant,
    seconds: Map<String, Value>,
    answers: Map<String, Value>,
}

impl Report {
    /// Begins now.
    pub fn new() -> Report {
        Report { begun: Instant::now(), seconds: Map::new(), answers: Map::new() }
    }

    /// Does `work`, and prints and keeps how long it took.
    pub fn step<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let begun = Instant::now();
        let result = work()?;
        let took = begun.elapsed();
        println!("[{name}: {:.1} ms]", took.as_secs_f64() * 1e3);
        self.seconds.insert(name.to_string(), json!(took.as_secs_f64()));
        Ok(result)
    }

    /// Keeps what is known of the rows.
    pub fn rows(&mut self, rows_raw: u64, memory: ByteSize, taxi: &DataFrame, described: &Table) -> Result<()> {
        self.answers.insert("rows_raw".into(), json!(rows_raw));
        self.answers.insert("memory_bytes".into(), json!(memory.0));
        self.answers.insert("rows".into(), json!(taxi.len()?));
        self.answers.insert("columns".into(), json!(taxi.columns()));
        self.answers.insert("describe".into(), summary(described)?);
        self.answers.insert("head".into(), head(&taxi.head(5)?.compute()?)?);
        Ok(())
    }

    /// Keeps what the search found.
    pub fn search(&mut self, sample: &DataFrame, ratios: &[f64], search: &FittedGridSearchCv) -> Result<()> {
        let model = search.best_estimator()?.model()?;
        let (names, coef): (Vec<_>, Vec<_>) = model.coef().map(|(name, value)| (name.to_string(), value)).unzip();
        self.answers.insert("sample_rows".into(), json!(sample.len()?));
        let found = json!({
            "l1_ratio": ratios,
            "split_test_score": search.split_test_scores(),
            "mean_test_score": search.mean_test_scores(),
            "best_index": search.best_index(),
            "best_score": search.best_score(),
            "features": names,
            "coef": coef,
            "intercept": model.intercept(),
            "objective": model.objective(),
            "converged": model.converged(),
        });
        self.answers.insert("search".into(), found);
        Ok(())
    }

    /// Prints the last times, and writes everything to `path`, if there is one.
    pub fn finish(mut self, path: Option<&Path>) -> Result<()> {
        let total = self.begun.elapsed().as_secs_f64();
        let peak = peak_rss();
        println!("[total: {:.1} ms, peak memory {}]", total * 1e3, ByteSize(peak));
        self.seconds.insert("total".into(), json!(total));
        self.answers.insert("seconds".into(), Value::Object(self.seconds));
        self.answers.insert("peak_rss_bytes".into(), json!(peak));
        let Some(path) = path else { return Ok(()) };
        let text = serde_json::to_string_pretty(&self.answers).map_err(|e| Error::invalid(e.to_string()))?;
        std::fs::write(path, text + "\n").map_err(|e| Error::io(path.display(), e).doing("write"))
    }
}

/// The statistics of each column, by name.
fn summary(described: &Table) -> Result<Value> {
    let names = described.column("statistic")?;
    let names = names.as_string::<i32>();
    let mut columns = Map::new();
    for field in described.schema().fields().iter().skip(1) {
        let values = described.f64s(field.name())?;
        let stats = names.iter().zip(values).map(|(name, value)| (name.unwrap_or("").to_string(), json!(value)));
        columns.insert(field.name().clone(), Value::Object(stats.collect()));
    }
    Ok(Value::Object(columns))
}

/// The rows, each a list.
fn head(table: &Table) -> Result<Value> {
    let batch = table.to_batch()?;
    let columns: Vec<_> = batch.columns().iter().map(|c| c.as_primitive::<Float64Type>()).collect();
    let row = |i: usize| columns.iter().map(|c| c.is_valid(i).then(|| c.value(i))).collect::<Vec<_>>();
    Ok(json!((0..batch.num_rows()).map(row).collect::<Vec<_>>()))
}

/// The most memory that this process has held, in bytes, where the system tells.
fn peak_rss() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM:"));
    line.and_then(|l| l.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0) * 1024
}
