//! The taxi program: from trip records to a model of generous tips.
//!
//!     cargo run --release --example taxi                            # the sample in data/
//!     cargo run --release --example taxi -- 'trips/*.parquet' --all-rows
//!
//! It reads trip records lazily, cleans them and derives columns partition by partition, describes and samples them,
//! then searches for the best elastic-net logistic regression. Read it from the top: `tutorial` is the whole story.

#[path = "taxi/options.rs"]
mod options;
#[path = "taxi/report.rs"]
mod report;

use arrow::datatypes::DataType::Float64;
use options::Options;
use partita::ml::linfa::DatasetBase;
use partita::{
    Categorizer, ColumnTransformer, CsvOptions, DataFrame, DummyEncoder, GridSearchCv, LogisticRegression, ParamGrid,
    Penalty, Pipeline, Remainder, Result, Sample, Scoring, Session, StandardScaler, Target, col, cols, wait,
};
use report::Report;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const NUMERIC: [&str; 5] = ["pickup_weekday", "pickup_hour", "pickup_week_hour", "pickup_minute", "passenger_count"];
const CATEGORICAL: [&str; 2] = ["PULocationID", "DOLocationID"];
const TARGET: &str = "high_tip";
const RATIOS: [f64; 5] = [0.2, 0.3, 0.5, 0.7, 0.9];

fn tutorial(options: &Options, report: &mut Report) -> Result<()> {
    let session = options.session()?;
    println!("{session}\n");

    // a frame is a plan: nothing is read yet but what the files say of themselves
    let raw = report.step("read", || read(&session, options))?;
    println!("{raw}\n");
    let rows = report.step("len", || raw.len())?;
    let memory = report.step("memory", || raw.memory_total())?;
    println!("{rows} rows, {memory} when decoded\n");

    let trips = prepare(&raw)?;
    let features = trips.select(cols(NUMERIC).and(CATEGORICAL).and([TARGET]))?.astype(Float64)?.fillna(-1.0)?;
    if options.explain {
        println!("{}", features.describe()?.explain()?);
    }

    // persisted partitions are computed in the background; wait until they are there
    let taxi = report.step("prepare", || {
        let taxi = features.persist()?;
        wait(&taxi)?;
        Ok(taxi)
    })?;
    println!("{}\n", taxi.head(5)?.compute()?);
    let described = report.step("describe", || taxi.describe()?.compute())?;
    println!("{}\n", described.round(3)?.transpose()?);

    let sample = match options.all_rows {
        true => taxi.clone(),
        false => taxi.sample(Sample::fraction(options.sample_frac).seed(options.seed))?.persist()?,
    };
    println!("searching over {} of {} rows", sample.len()?, taxi.len()?);

    let scale = ColumnTransformer::new().with("num", StandardScaler::new(), NUMERIC).remainder(match options.one_hot {
        true => Remainder::Passthrough,
        false => Remainder::Drop,
    });
    let pipeline = Pipeline::new()
        .step("categorize", Categorizer::new().columns(CATEGORICAL))
        .step("onehot", DummyEncoder::new().columns(CATEGORICAL))
        .step("scale", scale)
        .step("clf", LogisticRegression::new().penalty(Penalty::ElasticNet { l1_ratio: 0.5 }).max_iter(100));
    let grid = ParamGrid::new().values(LogisticRegression::L1_RATIO.of("clf"), RATIOS);
    let search = GridSearchCv::new(pipeline, grid).cv(3).scoring(Scoring::Accuracy);
    let search = report.step("search", || search.fit(&DatasetBase::new(sample.clone(), Target::column(TARGET))))?;
    println!("{search}\n");

    report.rows(rows, memory, &taxi, &described)?;
    report.search(&sample, &RATIOS, &search)
}

/// Keeps paid trips and derives what the model looks at.
fn prepare(trips: &DataFrame) -> Result<DataFrame> {
    let pickup = || col("lpep_pickup_datetime").dt();
    trips
        .filter(col("fare_amount").gt(0))?
        .with_column("tip_fraction", col("tip_amount") / col("fare_amount"))?
        .with_column(TARGET, col("tip_fraction").gt(0.2).fillna(false))?
        .with_column("pickup_weekday", pickup().weekday())?
        .with_column("pickup_weekofyear", pickup().iso_week())? // never used, so never computed
        .with_column("pickup_hour", pickup().hour())?
        .with_column("pickup_week_hour", col("pickup_weekday") * 24 + col("pickup_hour"))?
        .with_column("pickup_minute", pickup().minute())
}

/// Parquet or CSV by extension; green (`lpep_`) or yellow (`tpep_`) trips.
fn read(session: &Session, options: &Options) -> Result<DataFrame> {
    let paths = &options.paths;
    let is_csv = paths.iter().all(|p| [".csv", ".csv.gz", ".csv.zst"].iter().any(|e| p.ends_with(e)));
    let mut csv = CsvOptions::new().assume_missing(true).try_parse_dates(true);
    if let Some(size) = options.block_size {
        csv = csv.block_size(size);
    }
    let trips = if is_csv { session.read_csv_with(paths, csv)? } else { session.read_parquet(paths)? };
    match trips.dtype("tpep_pickup_datetime") {
        Ok(_) => trips.rename([("tpep_pickup_datetime", "lpep_pickup_datetime")]),
        Err(_) => Ok(trips),
    }
}

fn main() {
    let outcome = Options::parse(std::env::args().skip(1)).and_then(|options| {
        let mut report = Report::new();
        tutorial(&options, &mut report)?;
        report.finish(options.json.as_deref())
    });
    if let Err(error) = outcome {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}
