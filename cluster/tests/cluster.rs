//! What runs on a cluster gives what runs in this process, to the bit; and what happens when processes die.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::process::Command;
use std::time::{Duration, Instant};

use partita::arrow::compute::concat_batches;
use partita::arrow::datatypes::DataType;
use partita::expr::fns::Map;
use partita::ml::linfa::DatasetBase;
use partita::{
    ColumnTransformer, CsvOptions, DataFrame, ErrorKind, GridSearchCv, Include, Join, JoinKind, Keep,
    LogisticRegression, ParamGrid, ParquetWriteOptions, Pipeline, RankMethod, Remainder, Result, Sample, Session,
    StandardScaler, Table, Target, WriteMode, col, cols, concat, lit, size, when,
};
use partita_cluster::{Client, LocalCluster, WorkerState};

#[path = "cluster/large.rs"]
mod large;
#[path = "cluster/watching.rs"]
mod watching;

const TRIPS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/trips.parquet");
const TRIPS_CSV: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/trips.csv");

fn cluster() -> LocalCluster {
    LocalCluster::builder().n_workers(2).program(env!("CARGO_BIN_EXE_partita-cluster")).start().unwrap()
}

fn session() -> Session {
    Session::builder().threads(2).build().unwrap()
}

/// All rows in the order in which they came, to be compared by their bits.
fn rows(table: &Table) -> partita::arrow::array::RecordBatch {
    concat_batches(table.schema(), table.batches()).unwrap()
}

/// Computes a frame in both places, and says how long the cluster took.
fn same(name: &str, frame: impl Fn(&Session) -> Result<DataFrame>, here: &Session, there: &Session) {
    let own = rows(&frame(here).unwrap().compute().unwrap());
    let begun = Instant::now();
    let other = frame(there).unwrap().compute().unwrap_or_else(|e| panic!("{name}: {e}"));
    println!("{name}: {} rows, {:?}", own.num_rows(), begun.elapsed());
    let other = rows(&other);
    assert_eq!(own.schema(), other.schema(), "{name}");
    for (i, field) in own.schema().fields().iter().enumerate() {
        let (a, b) = (own.column(i), other.column(i));
        assert_eq!(a.to_data(), b.to_data(), "{name}, column {}:\n{a:?}\n{b:?}", field.name());
    }
}

/// Files as they are on the machine where this runs: several by `PARTITA_TRIPS`, separated by colons. By default the
/// sample, three times, so that there are several tasks.
fn trips(session: &Session) -> Result<DataFrame> {
    match std::env::var("PARTITA_TRIPS") {
        Ok(paths) => session.read_parquet(paths.split(':').collect::<Vec<_>>()),
        Err(_) => session.read_parquet([TRIPS; 3]),
    }
}

/// The preparation of the taxi program.
fn prepare(trips: &DataFrame) -> Result<DataFrame> {
    let pickup = || col("lpep_pickup_datetime").dt();
    trips
        .filter(col("fare_amount").gt(0))?
        .with_column("tip_fraction", col("tip_amount") / col("fare_amount"))?
        .with_column("high_tip", col("tip_fraction").gt(0.2).fillna(false))?
        .with_column("pickup_weekday", pickup().weekday())?
        .with_column("pickup_hour", pickup().hour())?
        .with_column("pickup_week_hour", col("pickup_weekday") * 24 + col("pickup_hour"))?
        .with_column("pickup_minute", pickup().minute())
}

fn features(session: &Session) -> Result<DataFrame> {
    let names = ["pickup_weekday", "pickup_hour", "pickup_week_hour", "pickup_minute", "passenger_count"];
    let all = cols(names).and(["PULocationID", "DOLocationID", "high_tip"]);
    prepare(&trips(session)?)?.select(all)?.astype(DataType::Float64)?.fillna(-1.0)
}

fn by_zone(session: &Session) -> Result<DataFrame> {
    let fare = || col("fare_amount");
    prepare(&trips(session)?)?.groupby("PULocationID")?.agg([
        fare().sum().alias("sum"),
        fare().mean().alias("mean"),
        fare().std(1).alias("std"),
        fare().min().alias("min"),
        fare().max().alias("max"),
        col("tip_fraction").mean().alias("tip"),
        col("passenger_count").count().alias("count"),
        size().alias("size"),
    ])
}

#[test]
fn the_taxi_program_is_the_same_on_two_workers() {
    let (cluster, here) = (cluster(), session());
    let there = here.engine(cluster.client().engine());
    // several tasks have something to do
    assert!(trips(&here).unwrap().npartitions().unwrap() > 1);
    same("features", features, &here, &there);
    same("by zone", by_zone, &here, &there);
    same("describe", |s| features(s)?.describe(), &here, &there);
    same("head", |s| features(s)?.head(5), &here, &there);
    same("head beyond a partition", |s| features(s)?.head(7000), &here, &there);
    same("top", |s| by_zone(s)?.sort_by([col("sum").desc()])?.head(10), &here, &there);
    same("sums", |s| features(s)?.sum(), &here, &there);
    same("count", |s| trips(s)?.filter(col("tip_amount").gt(2))?.count(), &here, &there);
    let paid = |s: &Session| trips(s).unwrap().filter(col("tip_amount").gt(2)).unwrap().len().unwrap();
    assert_eq!(paid(&here), paid(&there));
    // what is persisted there goes on there, without a shared folder it goes on here
    let files = || listing(cluster.folder()).iter().filter(|name| name.ends_with(".parquet")).count();
    let held = by_zone(&there).unwrap().persist().unwrap();
    assert!(!held.session().is_here() && files() > 0);
    same("persisted", |s| Ok(if s.is_here() { by_zone(s)? } else { held.clone() }), &here, &there);
    same("after that", |s| if s.is_here() { by_zone(s)?.tail(3) } else { held.tail(3) }, &here, &there);
    drop(held);
    assert_eq!(files(), 0);
    let apart = here.engine(Client::connect(cluster.client().address()).unwrap().engine());
    let held = by_zone(&apart).unwrap().persist().unwrap();
    assert!(held.session().is_here());
    assert_eq!(held.len().unwrap(), by_zone(&here).unwrap().len().unwrap());
}

#[test]
fn values_mean_there_what_they_mean_here() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.csv").to_str().unwrap().to_string();
    let text = "x,y,n,s,at\n1.5,0,1,a,2023-01-01 00:00:00\nNaN,-0.0,,b,2020-12-31 23:59:59\n,0.0,3,,2021-01-03 12:00:00\n\
                -0.0,5,4,\"q,\n\"\"uoted\",2018-12-31 00:15:00\n0.0,NaN,5,ä,\n7,2,6,a,2024-02-29 08:00:00\n";
    std::fs::write(&path, text).unwrap();
    let (cluster, here) = (cluster(), session());
    let there = here.engine(cluster.client().engine());
    let read = |s: &Session| s.read_csv_with(&path, CsvOptions::new().parse_dates(["at"]).block_size(40u64));
    let (x, y, n) = (|| col("x"), || col("y"), || col("n"));
    same("read", read, &here, &there);
    same(
        "expressions",
        |s| {
            read(s)?.select([
                (x() / y()).alias("divided"),
                (n() / n()).alias("whole"),
                (n() % 2).alias("rest"),
                x().gt(y()).alias("gt"),
                x().ne(y()).alias("ne"),
                x().gt(0).or(n().is_null()).alias("or"),
                (!x().is_nan().and(y().eq(0))).alias("and"),
                x().fillna(-1).alias("filled"),
                n().cast(DataType::Float64).alias("cast"),
                when(x().gt(1)).then(lit("big")).when(x().lt(1)).then(lit("small")).otherwise(col("s")).alias("when"),
                col("at").dt().weekday().alias("weekday"),
                col("at").dt().iso_week().alias("week"),
                col("at").dt().floor("1h").alias("hour"),
                col("at").dt().strftime("%d.%m.%y").alias("text"),
                col("s").str().contains("a").alias("a"),
                n().is_in([1i64, 3]).alias("in"),
                x().abs().sqrt().round(1).alias("root"),
                lit(3.5).alias("constant"),
            ])
        },
        &here,
        &there,
    );
    same("filter", |s| read(s)?.filter(x().ge(0).and(col("s").ne("b"))), &here, &there);
    for sorted in [x().asc(), x().desc(), y().asc().nulls_first(), col("s").desc(), col("at").asc()] {
        same("sort", |s| read(s)?.filter(n().is_not_null())?.sort_by([sorted.clone(), n().asc()]), &here, &there);
    }
    for dropna in [true, false] {
        let grouped = |s: &Session| {
            let all = [n().sum().alias("sum"), x().mean().alias("mean"), col("s").max().alias("max"), size()];
            read(s)?.groupby("y")?.dropna(dropna).agg(all)
        };
        same("group by a float", grouped, &here, &there);
        let short = |s: &Session| {
            let short = read(s)?.astype(vec![("y".to_string(), DataType::Float16)])?;
            short.groupby("y")?.dropna(dropna).agg([size()])
        };
        same("group by a short float", short, &here, &there);
    }
    same("no rows", |s| read(s)?.filter(lit(false))?.sum(), &here, &there);
    let numbers = Include::Columns(vec!["x".into(), "n".into()]);
    same("describe", |s| read(s)?.describe_with(numbers.clone(), &[0.0, 0.1, 0.5, 0.9, 1.0]), &here, &there);
    same("no groups", |s| read(s)?.filter(lit(false))?.groupby("s")?.agg([x().sum()]), &here, &there);
    same("moved and renamed", |s| read(s)?.rename([("x", "X y"), ("n", "N.n")])?.select(["N.n", "X y"]), &here, &there);
}

/// Orders, some of whose zones are not known, and the zones, both in several partitions.
fn joined(s: &Session, folder: &std::path::Path) -> Result<(DataFrame, DataFrame)> {
    let zones = folder.join("zones.csv").to_str().unwrap().to_string();
    if !std::path::Path::new(&zones).exists() {
        let rows = (1..=200)
            .map(|i| format!("{i},zone {},{}\n", i % 37, if i % 9 == 0 { "NaN".into() } else { (i % 5).to_string() }));
        std::fs::write(&zones, format!("LocationID,name,rank\n,nowhere,1\n{}", rows.collect::<String>())).unwrap();
    }
    let zones = s.read_csv_with(&zones, CsvOptions::new().block_size(500u64))?;
    Ok((trips(s)?, zones))
}

/// As [`same`] for rows in any order.
fn alike(name: &str, frame: impl Fn(&Session) -> Result<DataFrame>, here: &Session, there: &Session) {
    let ordered = |s: &Session| {
        let frame = frame(s)?;
        let keys: Vec<_> = frame.schema().fields().iter().map(|f| col(f.name()).asc()).collect();
        frame.sort_by(keys)
    };
    let own = frame(here).unwrap().len().unwrap();
    assert_eq!(own, frame(there).unwrap().len().unwrap(), "{name}");
    same(name, ordered, here, there);
}

#[test]
fn rows_meet_there_as_they_do_here() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (cluster, here) = (cluster(), session());
    let there = here.engine(cluster.client().engine());
    let some = |s: &Session| trips(s)?.select(["PULocationID", "fare_amount", "tip_amount", "lpep_pickup_datetime"]);
    for kind in [JoinKind::Inner, JoinKind::Left, JoinKind::Right, JoinKind::Outer, JoinKind::Semi, JoinKind::Anti] {
        for broadcast in [true, false] {
            let join = Join::new(kind, "PULocationID").right_on("LocationID").broadcast(broadcast);
            let frame = |s: &Session| {
                let (_, zones) = joined(s, folder)?;
                some(s)?.join(&zones, join.clone())
            };
            alike(&format!("{kind} join, {broadcast}"), frame, &here, &there);
        }
    }
    let sorted_groups = |s: &Session| {
        let fare = || col("fare_amount");
        let (trips, zones) = joined(s, folder)?;
        let met = trips.join(&zones, Join::left("PULocationID").right_on("LocationID").broadcast(false))?;
        met.groupby("name")?.agg([
            fare().median().alias("median"),
            fare().nunique().alias("n"),
            fare().sum().alias("sum"),
            fare().quantile(0.1).alias("q"),
        ])
    };
    same("aggregates of a join", sorted_groups, &here, &there);
    let holistic = |s: &Session| {
        let fare = || col("fare_amount");
        trips(s)?.groupby("PULocationID")?.agg([
            fare().first().alias("first"),
            fare().last().alias("last"),
            fare().median().alias("median"),
            fare().sum().alias("sum"),
            col("passenger_count").nunique().alias("n"),
        ])
    };
    same("aggregates that need rows", holistic, &here, &there);
    let whole = |s: &Session| trips(s)?.select(["fare_amount", "tip_amount"])?.median();
    same("medians", whole, &here, &there);
    same("nunique", |s| trips(s)?.select(["PULocationID", "fare_amount"])?.nunique(), &here, &there);
    for keep in [Keep::First, Keep::Last, Keep::Neither] {
        let frame = |s: &Session| some(s)?.drop_duplicates(["PULocationID", "fare_amount"], keep);
        same("drop_duplicates", frame, &here, &there);
    }
    alike(
        "drop_duplicates of all",
        |s| some(s)?.select(["PULocationID"])?.drop_duplicates(["PULocationID"], Keep::Any),
        &here,
        &there,
    );
    same("sample", |s| some(s)?.sample(Sample::fraction(0.1).seed(42)), &here, &there);
    same(
        "sample of filtered",
        |s| some(s)?.filter(col("fare_amount").gt(10))?.sample(Sample::fraction(0.1).seed(7)),
        &here,
        &there,
    );
    let sampled = |s: &Session| {
        let (trips, zones) = joined(s, folder)?;
        trips
            .join(&zones, Join::inner("PULocationID").right_on("LocationID").broadcast(false))?
            .sample(Sample::fraction(0.1).seed(42))
    };
    alike("sample of a join", sampled, &here, &there);
    let both = ["fare_amount", "tip_amount"];
    same("melt of sorted", |s| some(s)?.sort_by(["fare_amount"])?.melt(["PULocationID"], both), &here, &there);
    same("melt", |s| some(s)?.melt(["PULocationID"], ["fare_amount", "tip_amount"]), &here, &there);
    same("concat", |s| concat([&some(s)?, &some(s)?.filter(col("tip_amount").gt(3))?]), &here, &there);
    let mixed =
        |s: &Session| concat([&by_zone(s)?.select(["PULocationID", "sum"])?, &some(s)?.select(["PULocationID"])?]);
    alike("concat of groups and rows", mixed, &here, &there);
    same("tail", |s| some(s)?.tail(5), &here, &there);
    same("tail beyond a partition", |s| some(s)?.tail(30_000), &here, &there);
    same("tail of sorted", |s| some(s)?.sort_by(["fare_amount"])?.tail(7), &here, &there);
    same("sorted, ties in their order", |s| some(s)?.sort_by(["PULocationID"]), &here, &there);
    same("head inside", |s| some(s)?.head(100)?.groupby("PULocationID")?.agg([size()]), &here, &there);
    same("describe inside", |s| features(s)?.describe()?.select(["high_tip"]), &here, &there);
    same("null counts", |s| trips(s)?.null_count(), &here, &there);
    let memory = |s: &Session| {
        let zones = here.from_batches(joined(&here, folder)?.1.head(150)?.compute()?.batches().to_vec())?;
        some(s)?.join(&zones.in_session(s), Join::inner("PULocationID").right_on("LocationID"))
    };
    same("join with a table in memory", memory, &here, &there);
    same("cross join", |s| some(s)?.head(50)?.join(&joined(s, folder)?.1, Join::cross()), &here, &there);
}

#[test]
fn functions_of_other_rows_are_the_same_there() {
    let (cluster, here) = (cluster(), session());
    let there = here.engine(cluster.client().engine());
    let some = |s: &Session| trips(s)?.select(["PULocationID", "fare_amount", "lpep_pickup_datetime"]);
    let fare = || col("fare_amount");
    let windows = |s: &Session| {
        some(s)?.with_columns([
            fare().shift(1).alias("before"),
            fare().cum_sum().alias("so far"),
            fare().rolling_mean(5).alias("rolling"),
        ])
    };
    same("in their order", windows, &here, &there);
    let over = |s: &Session| {
        some(s)?.with_columns([
            fare().shift(1).over("PULocationID").alias("before"),
            fare().cum_max().over("PULocationID").alias("highest"),
            fare().rank(RankMethod::Average).over("PULocationID").alias("rank"),
        ])
    };
    same("over keys", over, &here, &there);
    let beside = |s: &Session| some(s)?.with_column("mean", fare().mean().over("PULocationID"));
    same("aggregates beside rows", beside, &here, &there);
    let ranked = |s: &Session| some(s)?.with_column("rank", fare().rank(RankMethod::First))?.filter(col("rank").lt(50));
    same("ranks of all", ranked, &here, &there);
}

/// What files of a folder say, by their names below it.
fn listing(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        match entry.path().is_dir() {
            true => found.extend(listing(&entry.path()).into_iter().map(|below| format!("{name}/{below}"))),
            false => found.push(name),
        }
    }
    found.sort();
    found
}

#[test]
fn workers_write_what_is_written_here() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let (cluster, here) = (cluster(), session());
    let there = here.engine(cluster.client().engine());
    let some = |s: &Session| trips(s)?.select(["PULocationID", "fare_amount", "payment_type", "lpep_pickup_datetime"]);
    for (format, write) in [
        ("parquet", (|f: &DataFrame, to: String| f.to_parquet(to)) as fn(&DataFrame, String) -> _),
        ("csv", |f, to| f.to_csv(to)),
        ("json", |f, to| f.to_json(to)),
        ("ipc", |f, to| f.to_ipc(to)),
    ] {
        let (own, other) = (at(&format!("own {format}")), at(&format!("other {format}")));
        let here_written: Vec<_> = write(&some(&here).unwrap(), own.clone()).unwrap();
        let there_written: Vec<_> = write(&some(&there).unwrap(), other.clone()).unwrap();
        let facts = |all: &[partita::Receipt]| all.iter().map(|r| (r.rows, r.bytes)).collect::<Vec<_>>();
        assert_eq!(facts(&here_written), facts(&there_written), "{format}");
        assert_eq!(listing(own.as_ref()), listing(other.as_ref()));
        let read = |s: &Session| match format {
            "parquet" => s.read_parquet(&other),
            "csv" => s.read_csv(&other),
            "json" => s.read_json(&other),
            _ => s.read_ipc(&other),
        };
        same(&format!("{format} again"), read, &here, &there);
        assert_eq!(read(&here).unwrap().len().unwrap(), some(&here).unwrap().len().unwrap());
    }
    // folders by value, after an exchange
    let options = || ParquetWriteOptions::new().partition_by(["payment_type"]);
    let groups = |s: &Session| some(s)?.drop_duplicates(["PULocationID", "payment_type"], Keep::First);
    let hive = at("hive");
    groups(&there).unwrap().to_parquet_with(&hive, options()).unwrap();
    assert!(
        listing(hive.as_ref()).iter().all(|name| name.starts_with("payment_type=")),
        "{:?}",
        listing(hive.as_ref())
    );
    alike("folders by value", |s| s.read_parquet(&hive), &here, &there);
    let rows = groups(&here).unwrap().len().unwrap();
    assert_eq!(here.read_parquet(&hive).unwrap().len().unwrap(), rows);
    groups(&there).unwrap().to_parquet_with(&hive, options().mode(WriteMode::Append)).unwrap();
    assert_eq!(here.read_parquet(&hive).unwrap().len().unwrap(), 2 * rows);
    groups(&there).unwrap().to_parquet_with(&hive, options().mode(WriteMode::Overwrite)).unwrap();
    assert_eq!(there.read_parquet(&hive).unwrap().len().unwrap(), rows);
    // what is in the way stays, and an error leaves nothing
    let error = some(&there).unwrap().to_parquet(&hive).unwrap_err().to_string();
    assert!(error.contains("something at this place"), "{error}");
    let text = col("store_and_fwd_flag").fillna("?").cast(DataType::Int64);
    let failing = trips(&there).unwrap().select([text]).unwrap();
    assert!(failing.to_parquet(at("nothing")).is_err());
    assert!(!std::path::Path::new(&at("nothing")).exists());
    assert_eq!(listing(folder.path()).iter().filter(|name| name.starts_with('.')).count(), 0);
    // one file comes here row by row
    let one = at("one.parquet");
    some(&there).unwrap().write_table(&one).unwrap();
    same("one file", |s| s.read_parquet(&one), &here, &there);
}

#[test]
fn models_are_fitted_to_frames_of_a_cluster() {
    let (cluster, here) = (cluster(), session());
    let there = here.engine(cluster.client().engine());
    let fitted = |s: &Session| -> Result<_> {
        let rows = features(s)?.sample(Sample::fraction(0.2).seed(42))?;
        let names = ["pickup_hour", "passenger_count", "PULocationID"];
        let scaled = ColumnTransformer::new().with("num", StandardScaler::new(), names).remainder(Remainder::Drop);
        let pipeline = Pipeline::new().step("scale", scaled).step("clf", LogisticRegression::new());
        let grid = ParamGrid::new().values(LogisticRegression::L1_RATIO.of("clf"), [0.2, 0.8]);
        let search =
            GridSearchCv::new(pipeline, grid).cv(3).fit(&DatasetBase::new(rows, Target::column("high_tip")))?;
        Ok((search.best_score(), search.passes().to_string()))
    };
    let (own, other) = (fitted(&here).unwrap(), fitted(&there).unwrap());
    println!("{own:?}");
    assert_eq!(own, other);
}

#[test]
fn what_cannot_travel_says_so() {
    let (cluster, here) = (cluster(), session());
    let there = here.engine(cluster.client().engine());
    let trips = trips(&there).unwrap();
    let refused = |frame: Result<DataFrame>, named: &str| {
        let error = frame.unwrap().compute().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains(named), "{error}");
    };
    let own_of_fare = || Map::new("own", DataType::Float64, |a| Ok(a[0].clone())).of([col("fare_amount")]);
    refused(trips.filter(own_of_fare().gt(1)), "`own`");
    let lost = trips.groupby("PULocationID").unwrap().sort(false).agg([size()]).unwrap();
    refused(lost.with_column("before", col("size").shift(1)), "lost their order");
    let many = vec![trips.in_session(&here).compute().unwrap().batches().to_vec(); 20].concat();
    refused(there.from_batches(many), "to files that all machines see");
    // nothing runs before that is known, not even the queries of other parts of the plan
    let ran = || cluster.client().jobs().unwrap().len();
    let before = ran();
    refused(trips.head(5).unwrap().with_column("own", own_of_fare()), "`own`");
    refused(concat([&trips.head(5).unwrap(), &trips.select([own_of_fare()]).unwrap().head(5).unwrap()]), "`own`");
    refused(
        concat([
            &trips.head(5).unwrap().describe().unwrap(),
            &trips.select(["store_and_fwd_flag"]).unwrap().describe().unwrap(),
        ]),
        "describe of",
    );
    assert_eq!(ran(), before);
    // an error of a worker says what was wrong there
    let text = col("store_and_fwd_flag").fillna("?").cast(DataType::Int64);
    let error = trips.select([text]).unwrap().compute().unwrap_err().to_string();
    assert!(error.contains("is not a Int64") && !error.contains("External"), "{error}");
    // a condition guards those behind it
    let flag = || col("store_and_fwd_flag");
    let guarded = flag().eq("9").and(flag().cast(DataType::Int64).gt(0));
    assert_eq!(trips.filter(guarded).unwrap().len().unwrap(), 0);
}

/// A file that takes some seconds to read, in many partitions.
fn long(folder: &std::path::Path) -> String {
    copies(folder, 300)
}

fn copies(folder: &std::path::Path, times: usize) -> String {
    let text = std::fs::read_to_string(TRIPS_CSV).unwrap();
    let (header, body) = text.split_once('\n').unwrap();
    let path = folder.join("long.csv");
    std::fs::write(&path, format!("{header}\n{}", body.repeat(times))).unwrap();
    path.to_str().unwrap().to_string()
}

fn kill(process: u32) {
    assert!(Command::new("kill").args(["-9", &process.to_string()]).status().unwrap().success());
}

#[test]
fn a_worker_that_dies_costs_time_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = long(folder.path());
    let (cluster, here) = (cluster(), session());
    let there = here.engine(cluster.client().engine());
    let query = |s: &Session| {
        let trips = s.read_csv_with(&path, CsvOptions::new().block_size(1_000_000u64))?;
        trips.groupby("PULocationID")?.agg([col("fare_amount").sum(), col("tip_amount").mean(), size()])
    };
    let own = rows(&query(&here).unwrap().compute().unwrap());
    let begun = Instant::now();
    let whole = rows(&query(&there).unwrap().compute().unwrap());
    let unharmed = begun.elapsed();
    assert_eq!(own, whole);
    let victim = cluster.worker_processes()[0];
    let killed = std::thread::spawn(move || {
        std::thread::sleep(unharmed / 2);
        kill(victim);
    });
    let begun = Instant::now();
    let other = rows(&query(&there).unwrap().compute().unwrap());
    println!("unharmed {unharmed:?}, with a worker killed {:?}", begun.elapsed());
    killed.join().unwrap();
    assert_eq!(own, other);
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn what_is_cancelled_here_stops_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = long(folder.path());
    let (cluster, cancel) = (cluster(), partita::Cancel::new());
    let here = Session::builder().threads(2).cancel(&cancel).build().unwrap();
    let there = here.engine(cluster.client().engine());
    let trips = there.read_csv_with(&path, CsvOptions::new().block_size(1_000_000u64)).unwrap();
    let client = cluster.client().clone();
    let cancelled = std::thread::spawn(move || {
        while !client.jobs().unwrap().iter().any(|job| job.status == "Running") {
            std::thread::sleep(Duration::from_millis(20));
        }
        cancel.cancel();
        Instant::now()
    });
    let error = trips.groupby("PULocationID").unwrap().agg([size()]).unwrap().compute().unwrap_err();
    assert!(error.is_cancelled(), "{error}");
    let cancelled = cancelled.join().unwrap();
    assert!(cancelled.elapsed() < Duration::from_secs(2));
    let runs = || cluster.client().jobs().unwrap().iter().any(|job| ["Queued", "Running"].contains(&&*job.status));
    while runs() {
        assert!(cancelled.elapsed() < Duration::from_secs(10), "{:?}", cluster.client().jobs());
        std::thread::sleep(Duration::from_millis(50));
    }
    println!("{:?} after {:?}", cluster.client().jobs().unwrap(), cancelled.elapsed());
}

#[test]
fn a_scheduler_that_is_gone_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = long(folder.path());
    let (cluster, here) = (cluster(), session());
    let there = here.engine(cluster.client().engine());
    let trips = there.read_csv_with(&path, CsvOptions::new().block_size(1_000_000u64)).unwrap();
    let victim = cluster.scheduler_process();
    let killed = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(700));
        kill(victim);
        Instant::now()
    });
    let error = trips.groupby("PULocationID").unwrap().agg([size()]).unwrap().compute().unwrap_err();
    let dead = killed.join().unwrap();
    assert!(matches!(error.kind(), ErrorKind::Io { .. }), "{error}");
    assert!(error.to_string().contains("the scheduler is not there"), "{error}");
    assert!(dead.elapsed() < Duration::from_secs(20));
    println!("{error} after {:?}", dead.elapsed());
    let error = Client::connect(cluster.client().address()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io { .. }), "{error}");
    assert!(Client::connect("nowhere").is_err());
}

#[test]
fn workers_come_and_go() {
    let (mut cluster, here) = (cluster(), session());
    let client = cluster.client().clone();
    let error = client.wait_for_workers(3, Duration::from_millis(500)).unwrap_err();
    assert_eq!(error.to_string(), "Only 2/3 workers arrived after 0.5");
    cluster.scale(3).unwrap();
    assert_eq!(client.workers().unwrap().len(), 3);
    let begun = Instant::now();
    cluster.scale(1).unwrap();
    println!("two workers ended after {:?}", begun.elapsed());
    // those that ended in order have said so, unless that came before they could listen to anybody
    while client.workers().unwrap().len() > 1 {
        assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", client.workers());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(client.workers().unwrap()[0].id, "worker-1");
    let there = here.engine(client.engine());
    same("one worker", by_zone, &here, &there);
    // another one comes in place of one that is gone
    let victim = cluster.worker_processes()[0];
    kill(victim);
    while cluster.status().unwrap().workers[0].state != WorkerState::Ended {
        std::thread::sleep(Duration::from_millis(20));
    }
    cluster.scale(1).unwrap();
    assert_ne!(cluster.worker_processes(), [victim]);
    same("another worker", by_zone, &here, &there);
}
