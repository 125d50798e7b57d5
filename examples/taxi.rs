//! The taxi program: from trip records to a model of generous tips.
//!
//!     cargo run --release --example taxi                            # the sample in data/
//!     cargo run --release --example taxi -- 'trips/*.parquet' --all-rows
//!
//! It reads trip records lazily, cleans them and derives columns partition by partition, describes and samples them,
//! then searches for the best elastic-net logistic regression, saves it and judges it by other rows. Read it from the top: `tutorial` is the whole story.

#[path = "taxi/options.rs"]
mod options;
#[path = "taxi/report.rs"]
mod report;

use arrow::datatypes::DataType::Float64;
use options::Options;
use partita::ml::linfa::DatasetBase;
use partita::ml::{FittedGridSearchCv, FittedPipeline, metrics, plots};
use partita::{
    Categorizer, ColumnTransformer, CsvOptions, DataFrame, DummyEncoder, Error, GridSearchCv, LogisticRegression,
    ParamGrid, Penalty, Pipeline, Remainder, Result, Sample, Scoring, Session, StandardScaler, Target, col, cols, wait,
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

    let training = DatasetBase::new(sample.clone(), Target::column(TARGET));
    let grid = ParamGrid::new().values(LogisticRegression::L1_RATIO.of("clf"), RATIOS);
    let search = GridSearchCv::new(pipeline(options.one_hot), grid)
        .cv(3)
        .scoring([Scoring::Accuracy, Scoring::RocAuc])
        .refit(Scoring::Accuracy);
    let search = report.step("search", || search.fit(&training))?;
    println!("{search}\npasses: {}\n", search.passes());

    // the same without the one-hot features that the model saw, or with those that it did not see
    let other = pipeline(!options.one_hot).with_params(search.best_params())?;
    let other = report.step("fit", || other.fit(&training))?;
    report.step("judge", || judge(options, &taxi, &search, &other))?;

    report.rows(rows, memory, &taxi, &described)?;
    report.search(&sample, &RATIOS, &search)
}

/// As the tutorial writes it, the scaler drops the one-hot features, and the model does not see them.
fn pipeline(one_hot: bool) -> Pipeline {
    let remainder = if one_hot { Remainder::Passthrough } else { Remainder::Drop };
    Pipeline::new()
        .step("categorize", Categorizer::new().columns(CATEGORICAL))
        .step("onehot", DummyEncoder::new().columns(CATEGORICAL))
        .step("scale", ColumnTransformer::new().with("num", StandardScaler::new(), NUMERIC).remainder(remainder))
        .step("clf", LogisticRegression::new().penalty(Penalty::ElasticNet { l1_ratio: 0.5 }).max_iter(100))
}

/// Saves the best model, and scores other rows by what was saved and by another model.
fn judge(options: &Options, taxi: &DataFrame, search: &FittedGridSearchCv, other: &FittedPipeline) -> Result<()> {
    let at = |name: &str| options.output.join(name);
    std::fs::create_dir_all(&options.output).map_err(|e| Error::io(options.output.display(), e).doing("create"))?;
    search.best_estimator()?.save(at("high_tip.json"))?;
    let best = FittedPipeline::load(at("high_tip.json"))?;

    // predictions are lazy columns: they are computed where metrics ask for them
    let rows = taxi.sample(Sample::fraction(options.sample_frac).seed(options.seed + 1))?;
    let rows = best.with_prediction(&best.with_probability(&rows, "best")?, "predicted")?;
    let rows = other.with_probability(&rows, "other")?.persist()?;
    let on = |column: &str| metrics::on(&rows, TARGET, column);
    println!("{}", on("predicted").classification_report()?);

    let (best, other) = (on("best").roc_curve()?, on("other").roc_curve()?);
    let (best_sees, other_sees) =
        if options.one_hot { ("with one-hot", "numbers") } else { ("numbers", "with one-hot") };
    plots::roc([(best_sees, &best), (other_sees, &other)]).title("Generous tips").write(at("roc.svg"))?;
    search.validation_plot(LogisticRegression::L1_RATIO.of("clf"))?.write(at("l1_ratio.svg"))?;
    println!("the model and pictures are in {}", options.output.display());
    Ok(())
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

/// The program with these arguments.
pub fn run(args: impl Iterator<Item = String>) -> Result<()> {
    let options = Options::parse(args)?;
    let mut report = Report::new();
    tutorial(&options, &mut report)?;
    report.finish(options.json.as_deref())
}

fn main() {
    if let Err(error) = run(std::env::args().skip(1)) {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}
