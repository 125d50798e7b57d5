//! The taxi program, wherever the trips are.

use std::path::{Path, PathBuf};

use partita::{CsvOptions, ParquetWriteOptions, StorageOptions, concat, lit, read_csv_with};
use serde_json::Value;

use super::server::Server;

#[path = "../../examples/taxi.rs"]
#[allow(dead_code, reason = "its `main` is not called")]
mod program;

/// Three months of trips as the public files are named.
fn months(folder: &Path) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/data/trips.csv")).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    let rows: Vec<&str> = rows.lines().collect();
    let months = rows.chunks(rows.len().div_ceil(3)).zip(1..).map(|(rows, month)| {
        let path = folder.join(format!("yellow_tripdata_2019-{month:02}.csv"));
        std::fs::write(&path, format!("{}\n{}\n", header.replace("lpep", "tpep"), rows.join("\n"))).unwrap();
        path
    });
    months.collect()
}

/// What the program answers, but for times and sizes.
fn answers(folder: &Path, paths: &[String], storage: &[&str]) -> Value {
    let json = folder.join("answers.json");
    let fixed = ["--no-progress", "--all-rows", "--json", json.to_str().unwrap(), "--output", folder.to_str().unwrap()];
    let storage = storage.iter().flat_map(|option| ["--storage", option]);
    let args = fixed.into_iter().chain(storage).map(String::from).chain(paths.iter().cloned());
    program::run(args).unwrap();
    let mut answers: Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    for differs in ["seconds", "peak_rss_bytes", "memory_bytes"] {
        answers.as_object_mut().unwrap().remove(differs).unwrap();
    }
    answers
}

#[test]
fn the_answers_are_the_same_from_a_store_the_web_and_what_was_written_back() {
    let (server, folder) = (Server::new(), tempfile::tempdir().unwrap());
    let months = months(folder.path());
    let local = answers(folder.path(), &months.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(), &[]);
    assert_eq!(local["rows_raw"], 2_000);
    assert!(local["search"]["best_score"].as_f64().unwrap() > 0.5, "{local}");

    let mut web = Vec::new();
    for path in &months {
        let name = format!("nyc-tlc/trip data/{}", path.file_name().unwrap().to_str().unwrap());
        server.put(&name, std::fs::read(path).unwrap());
        web.push(server.http(&name.replace(' ', "%20")));
    }
    let endpoint = format!("endpoint={}", server.endpoint());
    let anonymous = ["anon=true", &endpoint];
    let trips = "s3://nyc-tlc/trip data/yellow_tripdata_2019-*.csv".to_string();
    server.asked();
    assert_eq!(answers(folder.path(), &[trips], &anonymous), local);
    let asked = server.asked();
    assert!(asked.len() > 3 && asked.iter().all(|asked| !asked.headers.contains_key("authorization")));
    assert_eq!(answers(folder.path(), &web, &[]), local);

    let csv = CsvOptions::new().assume_missing(true).try_parse_dates(true);
    let read = months
        .iter()
        .zip(1..)
        .map(|(path, month)| read_csv_with(path, csv.clone()).unwrap().with_column("month", lit(month)).unwrap());
    let options = StorageOptions::new().endpoint(server.endpoint()).anon(true);
    let by_month = ParquetWriteOptions::new().partition_by(["month"]).storage_options(options);
    concat(&read.collect::<Vec<_>>()).unwrap().to_parquet_with("s3://nyc-tlc/by month", by_month).unwrap();
    assert!(
        server.world().names().contains(&"nyc-tlc/by month/month=3/part-00002.parquet"),
        "{:?}",
        server.world().names()
    );
    assert_eq!(answers(folder.path(), &["s3://nyc-tlc/by month".into()], &anonymous), local);
}
