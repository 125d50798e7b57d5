//! Stores that fail: what was asked for, or an error that says what and where; never other rows.

use std::time::{Duration, Instant};

use partita::{Error, ErrorKind, Result, Session, StorageOptions};

use super::reading::{csv, parquet, session, shown, small};
use super::server::{Faults, Server};

fn read(session: &Session, path: &str) -> Result<String> {
    let frame =
        if path.ends_with(".csv") { session.read_csv_with(path, small())? } else { session.read_parquet(path)? };
    Ok(format!("{:?}", frame.compute()?.batches()))
}

fn both(server: &Server) -> [String; 2] {
    server.put("bucket/a.csv", csv(0..40));
    server.put("bucket/a.parquet", parquet(40));
    ["s3://bucket/a.csv".to_string(), server.http("bucket/a.parquet")]
}

#[test]
fn a_connection_that_breaks_after_any_byte_changes_nothing() {
    let server = Server::new();
    let session = session(&server);
    for path in both(&server) {
        server.fail(Faults::default());
        let expected = read(&session, &path).unwrap();
        let name = &path[path.find("bucket").unwrap()..];
        let bytes = server.world().objects[name].0.clone();
        for after in 0..bytes.len() + 250 {
            // another version, so that nothing is known of it
            server.put(name, bytes.clone());
            server.fail(Faults { drop_after: Some(after), drops: 2, ..Faults::default() });
            assert_eq!(read(&session, &path).unwrap(), expected, "{path}, after {after} bytes");
        }
        for after in [0, 10, 60] {
            server.fail(Faults { drop_after: Some(after), drops: usize::MAX, ..Faults::default() });
            let error = read(&session, &path).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Store { attempts: 5, .. }), "{error}");
            assert!(error.to_string().contains("bucket/a."), "{error}");
        }
    }
}

#[test]
fn a_server_that_is_busy_is_asked_again_but_not_for_ever() {
    let server = Server::new();
    let session = session(&server);
    for path in both(&server) {
        server.fail(Faults::default());
        let expected = read(&session, &path).unwrap();
        server.fail(Faults { busy: 4, ..Faults::default() });
        assert_eq!(read(&session, &path).unwrap(), expected);
        server.fail(Faults { busy: usize::MAX, ..Faults::default() });
        let error = read(&session, &path).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Store { attempts: 5, .. }), "{error}");
        let said = error.to_string();
        assert!(said.contains("503") && said.contains("5 times") && said.contains("bucket/a."), "{said}");
    }
}

#[test]
fn a_truncated_answer_is_completed() {
    let server = Server::new();
    let session = session(&server);
    for path in both(&server) {
        server.fail(Faults::default());
        let expected = read(&session, &path).unwrap();
        for truncate in 1..4 {
            server.fail(Faults { truncate, ..Faults::default() });
            assert_eq!(read(&session, &path).unwrap(), expected);
        }
    }
}

#[test]
fn a_file_that_changes_is_an_error_and_not_a_mixture() {
    let server = Server::new();
    let session = session(&server);
    for (faults, same_size) in [
        (Faults::default(), true),
        (Faults { ignore_match: true, ..Faults::default() }, true),
        (Faults { no_tags: true, ..Faults::default() }, false),
    ] {
        for path in both(&server) {
            server.fail(faults.clone());
            let csv_before = csv(0..40);
            let frame = match path.ends_with(".csv") {
                true => session.read_csv_with(&path, small()).unwrap(),
                false => session.read_parquet(&path).unwrap(),
            };
            let name = if path.ends_with(".csv") { "bucket/a.csv" } else { "bucket/a.parquet" };
            let mut other = server.world().objects[name].0.clone();
            assert!(!other.is_empty() && !csv_before.is_empty());
            if !same_size {
                other.extend(b"\n");
            }
            server.put(name, other);
            let error = frame.compute().unwrap_err().to_string();
            assert!(
                error.contains("has changed since it was listed") && error.contains("a."),
                "{error} with {faults:?}"
            );
        }
    }
}

#[test]
fn refusals_say_what_to_do() {
    let server = Server::new();
    let session = session(&server);
    let path = &both(&server)[0];
    let refused = |status: u16| -> Error {
        server.fail(Faults { refuse: Some(status), ..Faults::default() });
        read(&session, path).unwrap_err()
    };
    for (status, expected) in [(403, ".anon(true)"), (401, "credentials"), (400, ".region(\"eu-north-1\")")] {
        let error = refused(status);
        assert!(matches!(error.kind(), ErrorKind::Store { attempts: 1, .. }), "{error}");
        assert!(error.to_string().contains(expected) && error.to_string().contains(path.as_str()), "{error}");
    }
    server.fail(Faults::default());
    let missing = read(&session, "s3://bucket/b.csv").unwrap_err().to_string();
    assert!(missing.contains("s3://bucket/b.csv: no such file"), "{missing}");
    let nothing = session.read_csv("s3://bucket/no/*.csv").unwrap_err().to_string();
    assert!(nothing.contains("no file matches") && nothing.contains("looked in s3://bucket/no/"), "{nothing}");
    let nowhere = session.read_csv("s3://no-bucket/a/*.csv").unwrap_err().to_string();
    assert!(nowhere.contains("NoSuchBucket, so it is; check its name"), "{nowhere}");
    let spelled = StorageOptions::new().endpoint("localhost:9000").anon(true);
    let error = partita::read_csv_with("s3://bucket/a.csv", partita::CsvOptions::new().storage_options(spelled));
    assert!(error.unwrap_err().to_string().contains("`localhost:9000` is no endpoint"));
    let deaf = "http://127.0.0.1:9/a.csv";
    let error = session.read_csv(deaf).unwrap_err();
    assert!(error.to_string().contains("cannot be reached") && error.to_string().contains("refused"), "{error}");
}

#[test]
fn a_server_that_drips_ends_in_an_error_in_time() {
    let server = Server::new();
    server.put("bucket/a.csv", csv(0..40));
    let patience = StorageOptions::new().timeouts(Duration::from_millis(200), Duration::from_millis(200)).retries(
        2,
        Duration::from_secs(5),
        Duration::from_millis(1),
    );
    let session = Session::builder().storage_options("http", patience).build().unwrap();
    server.fail(Faults { drip: Some(Duration::from_millis(20)), ..Faults::default() });
    let begun = Instant::now();
    let error = read(&session, &server.http("bucket/a.csv")).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Store { attempts: 3, .. }), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    server.fail(Faults::default());
    assert!(shown(&session.read_csv(server.http("bucket/a.csv")).unwrap()).contains("39"));
}
