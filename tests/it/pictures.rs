//! Pictures of frames.

use std::fs;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch};
use partita::{DataFrame, ErrorKind, Join, Session, View, col};

/// Three partitions of a key and a value.
fn trips(partitions: usize) -> DataFrame {
    let session = Session::builder().threads(1).build().unwrap();
    let key = Arc::new(Int64Array::from(vec![1, 2, 2])) as ArrayRef;
    let fare = Arc::new(Float64Array::from(vec![3.0, -1.0, 5.0])) as ArrayRef;
    let batch = RecordBatch::try_from_iter([("zone", key), ("fare", fare)]).unwrap();
    session.from_batches(vec![batch; partitions]).unwrap()
}

/// Labels and edges of a picture in DOT.
fn short(dot: &str) -> String {
    let line = |line: &str| match line.split_once(" [label=") {
        Some((name, rest)) => format!("{name} {}\n", rest.split(", shape").next().unwrap()),
        None => format!("{line}\n"),
    };
    dot.lines().filter(|l| l.starts_with("  n") && !l.starts_with("  node")).map(|l| line(l.trim())).collect()
}

#[test]
fn three_views_of_a_frame() {
    let frame = trips(3);
    let means = frame.groupby("zone").and_then(|g| g.agg([col("fare").mean().alias("mean")])).unwrap();
    let joined = frame
        .filter(col("fare").gt(0))
        .and_then(|t| t.filter(col("zone").eq(2)))
        .and_then(|t| t.join(&means, Join::left("zone")))
        .unwrap();
    let views = [View::Plan, View::Optimised, View::Tasks].map(|view| joined.visualize().view(view));
    let texts: Vec<String> = views.iter().map(|v| format!("{v}\n{}", short(&v.dot().unwrap()))).collect();
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn a_picture_of_many_tasks_is_refused_unless_collapsed_or_forced() {
    let counted = trips(600).describe().unwrap();
    let tasks = || counted.visualize().view(View::Tasks);
    let error = tasks().svg().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported { .. }) && error.to_string().contains("1,2"), "{error}");
    assert!(error.help_text().unwrap().contains("collapsed()") && error.help_text().unwrap().contains("force()"));
    let collapsed = tasks().collapsed().svg().unwrap();
    assert!(collapsed.contains("×\u{a0}600") && collapsed.len() < 12_000, "{}", collapsed.len());
    assert!(tasks().force().left_to_right().svg().unwrap().len() > 100_000);
    assert_eq!(counted.visualize().to_string(), "<Visualize: describe: plan as written, 3 nodes, 2 edges>");
}

#[test]
fn a_long_chain_of_operations_is_one_node_when_collapsed() {
    let mut frame = trips(1);
    for _ in 0..3_000 {
        frame = frame.filter(col("fare").gt(0)).unwrap();
    }
    assert!(frame.visualize().svg().unwrap_err().to_string().contains("3,002 nodes"));
    assert!(frame.visualize().collapsed().svg().unwrap().contains("after each other"));
}

#[test]
fn pictures_are_written_whole_by_their_ending() {
    let folder = tempfile::tempdir().unwrap();
    let (picture, at) = (trips(2).visualize().view(View::Tasks), |name: &str| folder.path().join(name));
    for (name, starts) in [("a.svg", "<svg "), ("a.DOT", "digraph "), ("a.svg", "<svg ")] {
        picture.write(at(name)).unwrap();
        assert!(fs::read_to_string(at(name)).unwrap().starts_with(starts));
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
    let error = picture.write(at("a.gif")).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Invalid { .. }));
    assert!(error.help_text().unwrap().contains(".svg") && error.help_text().unwrap().contains(".dot"));
    let error = picture.write(at("missing/a.svg")).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io { .. }), "{error}");
    assert!(trips(600).visualize().view(View::Tasks).write(at("b.svg")).is_err() && !at("b.svg").exists());
}
