//! What is read from a store is what is read from a folder.

use partita::{CsvOptions, DataFrame, ParquetReadOptions, Session, StorageOptions, col};

use super::server::{Faults, Server};

/// The same session wherever the files are: blocks are small, so that there are many.
pub fn session(server: &Server) -> Session {
    let options = StorageOptions::new().endpoint(server.endpoint()).anon(true).retries(
        4,
        std::time::Duration::from_secs(20),
        std::time::Duration::from_millis(1),
    );
    let web = StorageOptions::new().retries(4, std::time::Duration::from_secs(20), std::time::Duration::from_millis(1));
    Session::builder().threads(2).storage_options("s3", options).storage_options("http", web).build().unwrap()
}

pub fn csv(rows: std::ops::Range<u32>) -> String {
    let mut text = String::from("id,name,fare\n");
    for i in rows {
        text += &format!("{i},\"a, {}\",{}.25\n", i % 7, i % 100);
    }
    text
}

pub fn parquet(rows: u32) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("a.csv"), folder.path().join("a.parquet"));
    std::fs::write(&source, csv(0..rows)).unwrap();
    let options = partita::ParquetWriteOptions::new().row_group_rows(1_000);
    let frame = partita::read_csv(&source).unwrap();
    let few = if rows < 100 { frame.select(["id"]).unwrap() } else { frame };
    few.write_file(&target, &options).unwrap();
    std::fs::read(target).unwrap()
}

pub fn shown(frame: &DataFrame) -> String {
    format!("{:?}", frame.compute().unwrap().batches())
}

pub fn small() -> CsvOptions {
    CsvOptions::new().block_size(3_000u64)
}

#[test]
fn csv_files_are_read_from_stores_and_web_servers() {
    let server = Server::new();
    let folder = tempfile::tempdir().unwrap();
    for (name, rows) in [("trips-1.csv", 0..500), ("trips-2.csv", 500..1500), ("trips-10.csv", 1500..1600)] {
        std::fs::write(folder.path().join(name), csv(rows.clone())).unwrap();
        server.put(&format!("bucket/trip data/{name}"), csv(rows));
    }
    server.put("bucket/trip data/_hidden.csv", "x\n1\n");
    server.put("bucket/trip data/below/other.txt", "x\n1\n");
    let session = session(&server);
    let local = session.read_csv_with(folder.path(), small()).unwrap();
    let expected = shown(&local);
    for paths in [
        vec!["s3://bucket/trip data/trips-*.csv".to_string()],
        vec!["s3://bucket/trip data".to_string()],
        vec!["s3://bucket/trip data/".to_string()],
        ["trips-1.csv", "trips-10.csv", "trips-2.csv"]
            .map(|n| server.http(&format!("bucket/trip%20data/{n}")))
            .to_vec(),
    ] {
        let frame = session.read_csv_with(&paths, small()).unwrap();
        assert_eq!(frame.npartitions().unwrap(), local.npartitions().unwrap(), "{paths:?}");
        assert_eq!(shown(&frame), expected, "{paths:?}");
    }
    let explained = session.read_csv("s3://bucket/trip data/trips-2.csv").unwrap().explain().unwrap();
    assert!(explained.contains("s3://bucket/trip data/trips-2.csv"), "{explained}");
}

#[test]
fn parquet_files_are_read_from_stores_and_web_servers() {
    let server = Server::new();
    let bytes = parquet(5_500);
    let folder = tempfile::tempdir().unwrap();
    for month in [1, 2] {
        let below = folder.path().join(format!("month={month}"));
        std::fs::create_dir(&below).unwrap();
        std::fs::write(below.join("part.parquet"), &bytes).unwrap();
        server.put(&format!("bucket/trips/month={month}/part.parquet"), bytes.clone());
    }
    let session = session(&server);
    let rules = |frame: DataFrame| {
        let some = frame.filter(col("fare").gt(50).and(col("month").eq(2))).unwrap();
        [shown(&frame), shown(&some), shown(&frame.select(["name"]).unwrap())]
    };
    for rows in [1_000, 10_000, 300] {
        let options = || ParquetReadOptions::new().partition_rows(rows);
        let expected = rules(session.read_parquet_with(folder.path(), options()).unwrap());
        for path in ["s3://bucket/trips", "s3://bucket/trips/*/part.parquet"] {
            server.asked();
            let frame = session.read_parquet_with(path, options()).unwrap();
            assert_eq!(rules(frame), expected, "{path}");
        }
    }
    let one = session.read_parquet(server.http("bucket/trips/month=1/part.parquet")).unwrap();
    assert_eq!(one.len().unwrap(), 5_500);
}

#[test]
fn a_row_group_is_one_question() {
    let server = Server::new();
    server.put("bucket/a.parquet", parquet(5_000));
    let session = session(&server);
    let frame = session.read_parquet_with("s3://bucket/a.parquet", ParquetReadOptions::new()).unwrap();
    let opened: Vec<_> = server.asked().into_iter().map(|a| a.method).collect();
    assert_eq!(opened, ["HEAD", "GET"], "where it is, and its end");
    assert_eq!(frame.compute().unwrap().num_rows(), 5_000);
    let asked = server.asked();
    assert!(asked.len() <= 5, "{asked:#?}");
    assert!(asked.iter().all(|a| a.headers.contains_key("if-match")), "{asked:#?}");
}

#[test]
fn servers_that_know_little_are_read_too() {
    let server = Server::new();
    server.put("bucket/a.csv", csv(0..300));
    server.put("bucket/large.csv", "id\n".to_string() + &"12345\n".repeat(1_000_000));
    let session = session(&server);
    let expected = shown(&session.read_csv(server.http("bucket/a.csv")).unwrap());
    for faults in [
        Faults { no_head: true, ..Faults::default() },
        Faults { no_tags: true, ..Faults::default() },
        Faults { no_ranges: true, ..Faults::default() },
    ] {
        server.fail(faults.clone());
        let frame = session.read_csv(server.http("bucket/a.csv")).unwrap();
        assert_eq!(shown(&frame), expected, "{faults:?}");
    }
    let error = session.read_csv(server.http("bucket/large.csv")).unwrap_err().to_string();
    assert!(error.contains("gives files as a whole only") && error.contains("large.csv"), "{error}");
}

#[test]
fn threads_that_read_a_csv_file_side_by_side_ask_once_for_most_of_it() {
    let server = Server::new();
    let text = csv(0..1_500_000);
    let size = text.len() as u64;
    server.put("bucket/trips.csv", text);
    let options = CsvOptions::new().block_size(5u64 << 20);
    let frame = session(&server).read_csv_with("s3://bucket/trips.csv", options).unwrap();
    assert!(frame.npartitions().unwrap() >= 4);
    server.asked();
    assert_eq!(
        frame.select(["id"]).unwrap().sum().unwrap().compute().unwrap().f64s("id").unwrap(),
        [Some(1_124_999_250_000.0)]
    );
    let asked: u64 = server.asked().iter().map(|asked| length(&asked.headers["range"])).sum();
    assert!(asked >= size && asked < size * 3 / 2, "{asked} of {size}");
}

/// How many bytes a range names.
fn length(range: &str) -> u64 {
    let (from, to) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
    to.parse::<u64>().unwrap() + 1 - from.parse::<u64>().unwrap()
}
