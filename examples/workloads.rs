//! The programs that are measured beside other engines, written as a user would write them.
//!
//!     workloads W1 --data FOLDER [--out FOLDER] [--mem 1GB] [--threads N]
//!
//! The last line it prints is one JSON object: the answer in a few numbers, and the seconds it took.

use std::collections::BTreeMap;
use std::time::Instant;

use arrow::array::AsArray;
use arrow::datatypes::DataType::Float64;
use arrow::datatypes::{Float64Type, Int64Type};
use partita::array::shape::step;
use partita::array::{Array, ones, random};
use partita::ml::linfa::DatasetBase;
use partita::{
    Categorizer, Client, ColumnTransformer, CsvOptions, DataFrame, DummyEncoder, Error, GridSearchCv,
    LogisticRegression, ParamGrid, Pipeline, Remainder, Result, Sample, Session, StandardScaler, Target, col, delayed,
    lit, read_csv_with, read_parquet,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const COLUMNS: [&str; 8] = [
    "pickup_weekday",
    "pickup_hour",
    "pickup_week_hour",
    "pickup_minute",
    "passenger_count",
    "PULocationID",
    "DOLocationID",
    "high_tip",
];

/// The preparation of the trip records, as in the tutorial.
fn prepare(trips: &DataFrame) -> Result<DataFrame> {
    let pickup = || col("lpep_pickup_datetime").dt();
    trips
        .filter(col("fare_amount").gt(0))?
        .with_column("tip_fraction", col("tip_amount") / col("fare_amount"))?
        .with_column("high_tip", col("tip_fraction").gt(0.2))?
        .with_column("pickup_weekday", pickup().weekday())?
        .with_column("pickup_weekofyear", pickup().iso_week())?
        .with_column("pickup_hour", pickup().hour())?
        .with_column("pickup_week_hour", col("pickup_weekday") * 24 + col("pickup_hour"))?
        .with_column("pickup_minute", pickup().minute())
}

/// Prepared, as floats without gaps.
fn features(trips: &DataFrame) -> Result<DataFrame> {
    prepare(trips)?.select(COLUMNS)?.astype(Float64)?.fillna(-1)
}

/// Prepared and described.
fn describe(trips: &DataFrame) -> Result<BTreeMap<String, f64>> {
    let table = features(trips)?.describe()?.compute()?;
    let mut answer = BTreeMap::new();
    for (row, statistic) in ["count", "mean", "std", "min", "25%", "50%", "75%", "max"].iter().enumerate() {
        for column in COLUMNS {
            answer.insert(format!("{column}.{statistic}"), table.value(column, row)?.as_f64().unwrap_or(f64::NAN));
        }
    }
    Ok(answer)
}

/// What of the tutorial's search for the best model is run.
struct Search {
    /// All files, not held in memory; else the first, persisted.
    all: bool,
    /// The share of rows drawn from it.
    sample: Option<f64>,
    /// Whether the model sees the places one-hot, or only the five numbers.
    one_hot: bool,
    /// Values of C beside the five of the tutorial's ℓ₁ ratio.
    c: Vec<f64>,
}

/// The tutorial's search for the best model.
fn search(data: &str, what: &Search) -> Result<BTreeMap<String, f64>> {
    let mut files: Vec<_> = std::fs::read_dir(data).map_err(|e| Error::io(data, e))?.flatten().collect();
    files.sort_by_key(|f| f.path());
    let first = files.iter().map(|f| f.path()).find(|p| p.extension().is_some_and(|e| e == "parquet"));
    let first = first.ok_or_else(|| Error::invalid(format!("there is no Parquet file in {data}")))?;
    let source = if what.all { read_parquet(format!("{data}/*.parquet"))? } else { read_parquet(&first)? };
    let mut rows = features(&source)?;
    if let Some(fraction) = what.sample {
        rows = rows.sample(Sample::fraction(fraction).seed(42))?;
    }
    if !what.all {
        rows = rows.persist()?;
    }

    let numeric = COLUMNS.into_iter().take(5);
    let categorical = ["PULocationID", "DOLocationID"];
    let remainder = if what.one_hot { Remainder::Passthrough } else { Remainder::Drop };
    let pipeline = Pipeline::new()
        .step("categorize", Categorizer::new().columns(categorical))
        .step("onehot", DummyEncoder::new().columns(categorical))
        .step("scale", ColumnTransformer::new().with("num", StandardScaler::new(), numeric).remainder(remainder))
        .step("clf", LogisticRegression::new().max_iter(100));
    let ratios = [0.2, 0.3, 0.5, 0.7, 0.9];
    let mut grid = ParamGrid::new().values(LogisticRegression::L1_RATIO.of("clf"), ratios);
    if !what.c.is_empty() {
        grid = grid.values(LogisticRegression::C.of("clf"), what.c.clone());
    }
    let dataset = DatasetBase::new(rows.clone(), Target::column("high_tip"));
    let begun = Instant::now();
    let found = GridSearchCv::new(pipeline, grid).cv(3).fit(&dataset)?;
    let passes = found.passes();
    found.history().iter().for_each(|pass| eprintln!("{pass}"));

    let model = found.best_estimator()?.model()?;
    let mut answer = BTreeMap::from([
        ("rows".to_string(), found.fold_sizes().iter().sum::<u64>() as f64),
        ("best_score".to_string(), found.best_score()),
        ("best_l1_ratio".to_string(), ratios[found.best_index() % ratios.len()]),
        ("search_s".to_string(), begun.elapsed().as_secs_f64()),
        ("passes.source".to_string(), passes.source as f64),
        ("passes.cache".to_string(), passes.cache as f64),
        ("intercept".to_string(), model.intercept()),
        ("objective".to_string(), model.objective()),
        ("converged".to_string(), f64::from(model.converged())),
    ]);
    answer.extend(ratios.iter().zip(found.mean_test_scores()).map(|(r, s)| (format!("score.{r}"), *s)));
    answer.extend(model.coef().take(5).enumerate().map(|(i, (_, c))| (format!("coef.{i}"), c)));
    Ok(answer)
}

/// Ten million rows joined with another table: how many pairs there are, and two sums over them.
fn join(data: &str, right: &str, key: &str) -> Result<BTreeMap<String, f64>> {
    let left = read_parquet(format!("{data}/x/*.parquet"))?;
    let right = read_parquet(format!("{data}/{right}"))?.select([key, "v2"])?;
    let pairs = left.select([key, "v1"])?.join(&right, key)?;
    let sums = pairs.with_column("rows", lit(1))?.select(["rows", "v1", "v2"])?.sum()?.compute()?;
    let sum = |name: &str| Ok((name.to_string(), sums.value(name, 0)?.as_f64().unwrap_or(f64::NAN)));
    ["rows", "v1", "v2"].into_iter().map(sum).collect()
}

/// The keys and the aggregates of a question of db-benchmark.
fn question(name: &str, data: &str) -> Result<DataFrame> {
    let sum = |c: &str| col(c).sum().alias(format!("{c}_sum"));
    let mean = |c: &str| col(c).mean().alias(format!("{c}_mean"));
    let (keys, aggs) = match name {
        "q1" => (vec!["id1"], vec![sum("v1")]),
        "q2" => (vec!["id1", "id2"], vec![sum("v1")]),
        "q3" => (vec!["id3"], vec![sum("v1"), mean("v3")]),
        "q4" => (vec!["id4"], vec![mean("v1"), mean("v2"), mean("v3")]),
        "q5" => (vec!["id6"], vec![sum("v1"), sum("v2"), sum("v3")]),
        "q10" => {
            let keys = vec!["id1", "id2", "id3", "id4", "id5", "id6"];
            (keys, vec![sum("v3"), col("v1").count().alias("v1_count")])
        }
        other => return Err(Error::invalid(format!("there is no question {other}"))),
    };
    read_parquet(format!("{data}/*.parquet"))?.groupby(keys)?.sort(false).agg(aggs)
}

fn grouped(name: &str, data: &str) -> Result<BTreeMap<String, f64>> {
    let table = question(name, data)?.compute()?;
    let mut answer = BTreeMap::from([("rows".to_string(), table.num_rows() as f64)]);
    for (i, field) in table.schema().fields().iter().enumerate().filter(|(_, f)| f.name().contains('_')) {
        let sums = table.batches().iter().map(|batch| match batch.column(i).as_primitive_opt::<Int64Type>() {
            Some(wholes) => wholes.values().iter().map(|&v| v as f64).sum::<f64>(),
            None => batch.column(i).as_primitive::<Float64Type>().values().iter().sum(),
        });
        answer.insert(field.name().clone(), sums.sum());
    }
    Ok(answer)
}

/// The tutorial's graph: `rounds` times increment, power2 and add, and the sum of all.
fn delayed_graph(rounds: i64) -> Result<BTreeMap<String, f64>> {
    let increment = delayed(|x: i64| x + 1).named("increment");
    let power2 = delayed(|x: i64| x ^ 2).named("power2");
    let add = delayed(|x: i64, y: i64| x + y).named("add");
    let output: Vec<_> = (1..=rounds).map(|x| add.call(increment.call(x), power2.call(x))).collect();
    let total = delayed(|xs: Vec<i64>| xs.iter().sum::<i64>()).named("sum").call(output);
    Ok([("sum".into(), total.compute()? as f64), ("tasks".into(), (3 * rounds + 1) as f64)].into())
}

/// The same as futures, which run while others are submitted.
fn futures(rounds: i64) -> Result<BTreeMap<String, f64>> {
    let client = Client::local()?;
    let task = client.task().pure(false);
    let round = |x: i64| {
        let (a, b) = (task.submit(|x: i64| x + 1, (x,)), task.submit(|x: i64| x ^ 2, (x,)));
        task.submit(|a: i64, b: i64| a + b, (a, b))
    };
    let output: Vec<_> = (1..=rounds).map(round).collect();
    let total = client.submit(|xs: Vec<i64>| xs.iter().sum::<i64>(), (output,));
    Ok([("sum".into(), total.result()? as f64), ("tasks".into(), (3 * rounds + 1) as f64)].into())
}

/// One call after the other: submitted, and its result waited for.
fn round_trips(calls: i64) -> Result<BTreeMap<String, f64>> {
    let client = Client::local()?;
    let task = client.task().pure(false);
    let begun = Instant::now();
    let mut sum = 0;
    for x in 0..calls {
        sum += task.submit(|x: i64| x + 1, (x,)).result()?;
    }
    let microseconds = begun.elapsed().as_secs_f64() / calls as f64 * 1e6;
    Ok([("sum".into(), sum as f64), ("round_trip_us".into(), microseconds)].into())
}

/// The transposed example: a matrix larger than its parts ever are in memory.
fn transposed(n: usize) -> Result<BTreeMap<String, f64>> {
    let x = random::uniform(42, [n, n], (1000, 1000))?;
    let sum = (&x + x.t() - x.mean_axis(0)?).sum()?.item()?;
    Ok([("mean".into(), (sum / n as f64 / n as f64 * 1e3).round() / 1e3), ("sum".into(), sum)].into())
}

/// Blocks of ones, reversed and multiplied.
fn ones_reversed() -> Result<BTreeMap<String, f64>> {
    let x = ones([200_000, 4_000], (1000, 1000))?;
    let mean = (&x * x.slice((step(-1), step(-1)))?).mean()?.item()?;
    Ok([("mean".into(), mean)].into())
}

/// The mean of the squared cosine of each row.
fn cosines(x: &Array<f64>, digits: i32) -> Result<BTreeMap<String, f64>> {
    let means = x.cos().powi(2).mean_axis(1)?.compute()?;
    let (scale, mean) = (10f64.powi(digits), means.mean().unwrap_or(f64::NAN));
    Ok([("len".into(), means.len() as f64), ("mean".into(), (mean * scale).round() / scale)].into())
}

/// All rows and columns, as a table in memory.
fn scanned(frame: &DataFrame) -> Result<BTreeMap<String, f64>> {
    let table = frame.compute()?;
    Ok([("rows".into(), table.num_rows() as f64), ("columns".into(), table.schema().fields().len() as f64)].into())
}

/// All rows and columns, a batch after the other.
fn streamed(frame: &DataFrame) -> Result<BTreeMap<String, f64>> {
    let mut rows = 0;
    for batch in frame.batches()? {
        rows += batch?.num_rows();
    }
    Ok([("rows".into(), rows as f64), ("columns".into(), frame.columns().len() as f64)].into())
}

/// An hour of trips that are in the order of their time.
fn an_hour(data: &str) -> Result<BTreeMap<String, f64>> {
    let pickup = || col("lpep_pickup_datetime");
    let noon = chrono::NaiveDateTime::parse_from_str("2023-01-15 12:00", "%Y-%m-%d %H:%M").map_err(Error::other)?;
    let hour = pickup().ge(noon) & pickup().lt(noon + chrono::TimeDelta::hours(1));
    scanned(&read_parquet(format!("{data}/*.parquet"))?.filter(hour)?)
}

/// Bytes that this process has read, where the system tells.
fn bytes_read() -> u64 {
    let counts = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    counts.lines().find_map(|line| line.strip_prefix("rchar: ")?.parse().ok()).unwrap_or(0)
}

fn run(workload: &str, data: &str, out: &str) -> Result<BTreeMap<String, f64>> {
    match workload {
        "W1" => describe(&read_parquet(format!("{data}/*.parquet"))?),
        "W2" => {
            let options = CsvOptions::new().try_parse_dates(true);
            describe(&read_csv_with(format!("{data}/*.csv"), options)?)
        }
        "scan.csv" => scanned(&read_csv_with(format!("{data}/*.csv"), CsvOptions::new().try_parse_dates(true))?),
        "scan.parquet" => scanned(&read_parquet(format!("{data}/part-0[0-4].parquet"))?),
        "scan.stream" => streamed(&read_parquet(format!("{data}/*.parquet"))?),
        "scan.sort" => {
            read_parquet(format!("{data}/*.parquet"))?.sort_by(["lpep_pickup_datetime"])?.to_parquet(out)?;
            Ok(BTreeMap::new())
        }
        "scan.hour" => an_hour(data),
        "W3" => {
            prepare(&read_parquet(format!("{data}/*.parquet"))?)?.to_parquet(out)?;
            Ok(BTreeMap::new())
        }
        "W4ooc.q10" => {
            question("q10", data)?.to_parquet(out)?;
            Ok(BTreeMap::new())
        }
        "W4.join-small" => join(data, "small.parquet", "id1"),
        "W4.join-medium" => join(data, "medium.parquet", "id2"),
        "W4.join-mediumstr" => join(data, "medium.parquet", "id5"),
        "W4.join-big" | "W4ooc.join-big" => join(data, "big/*.parquet", "id3"),
        name if name.starts_with("W4.q") => grouped(&name[3..], data),
        "W4.sort" | "W4ooc.sort" => {
            let rows = read_parquet(format!("{data}/*.parquet"))?;
            rows.sort_by([col("id3").asc(), col("v3").desc()])?.to_parquet(out)?;
            Ok(BTreeMap::new())
        }
        name if name.starts_with("W5.") => search(
            data,
            &Search {
                all: name.contains("20m"),
                sample: name.contains("2pct").then_some(0.02),
                one_hot: name.contains("onehot"),
                c: if name.contains("wide") { vec![0.01, 0.1, 1.0, 10.0, 100.0] } else { Vec::new() },
            },
        ),
        "W6.transpose" => transposed(20_000),
        "W6.huge" => transposed(100_000),
        "W6.ones" => ones_reversed(),
        "W6.cos" => cosines(&ones([200_000, 4_000], (1000, 1000))?, 12),
        "W6.cosrandom" => cosines(&random::uniform(42, [200_000, 4_000], (1000, 1000))?, 3),
        "W7.10k" => delayed_graph(9_999),
        "W7.100k" => delayed_graph(33_333),
        "W7.1m" => delayed_graph(333_333),
        "W7.futures" => futures(9_999),
        "W7.round-trips" => round_trips(100_000),
        other => Err(Error::invalid(format!("there is no workload {other}"))),
    }
}

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let workload = args.next().unwrap_or_default();
    let options: BTreeMap<String, String> = std::iter::from_fn(|| Some((args.next()?, args.next()?))).collect();
    let option = |name: &str, default: &str| options.get(name).cloned().unwrap_or_else(|| default.to_string());

    let begun = Instant::now();
    let mut session = Session::builder();
    if let Some(threads) = options.get("--threads").and_then(|t| t.parse().ok()) {
        session = session.threads(threads);
    }
    if let Some(limit) = options.get("--mem") {
        session = session.memory_limit(limit.as_str());
    }
    let session = session.build()?;
    session.make_current();
    let checksum = run(&workload, &option("--data", "benchdata"), &option("--out", "out"))?;
    let fields: Vec<String> = checksum.iter().map(|(k, v)| format!("\"{k}\": {v:?}")).collect();
    let (seconds, spilled) = (begun.elapsed().as_secs_f64(), session.task_context().spill.written().0);
    let (checksum, read) = (fields.join(", "), bytes_read());
    println!("{{\"checksum\": {{{checksum}}}, \"inner_s\": {seconds}, \"spilled\": {spilled}, \"read\": {read}}}");
    Ok(())
}
