//! What `explain_analyze` says: rows exactly, times that add up, memory and spill where they happen.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use partita::{Analysis, DataFrame, Join, Session, col};

/// `0..rows` in `x`, its remainder by 7 in `k`, in partitions of 1000.
fn frame(session: &Session, rows: i64) -> DataFrame {
    let part = |from: i64| {
        let x: Vec<i64> = (from..(from + 1000).min(rows)).collect();
        let k = Int64Array::from_iter_values(x.iter().map(|x| x % 7));
        let columns: [(&str, ArrayRef); 2] = [("x", Arc::new(Int64Array::from(x.clone()))), ("k", Arc::new(k))];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    session.from_batches((0..rows).step_by(1000).map(part)).unwrap()
}

fn session(threads: usize) -> Session {
    Session::builder().threads(threads).batch_rows(100).build().unwrap()
}

fn flow(analysis: &Analysis, name: &str) -> (u64, u64) {
    let figures = analysis.operation(name).unwrap_or_else(|| panic!("no {name} in\n{analysis}")).figures;
    (figures.rows_in, figures.rows_out)
}

#[test]
fn rows_of_fused_operations_are_exact() {
    for threads in [1, 2] {
        let df = frame(&session(threads), 10_000);
        let plan = df.map_partitions(Ok, df.schema().clone()).unwrap().filter(col("x").lt(2500)).unwrap();
        let analysis = plan.with_column("y", col("x") * 2).unwrap().sum().unwrap().explain_analyze().unwrap();
        assert_eq!(flow(&analysis, "scan"), (0, 10_000));
        assert_eq!(flow(&analysis, "map_partitions"), (10_000, 10_000));
        assert_eq!(flow(&analysis, "filter"), (10_000, 2500));
        assert_eq!(analysis.operation("aggregate").unwrap().figures.rows_in, 2500);
        // the sums are known after the first pass
        let top = &analysis.steps.last().unwrap().operations[0];
        assert_eq!((top.figures.rows_out, analysis.steps.len()), (1, 2), "{analysis}");
        let sum: Duration = analysis.operations().map(|o| o.figures.time).sum();
        assert_eq!(sum, analysis.time());
        assert!(sum <= analysis.wall * threads as u32, "{analysis}");
    }
}

#[test]
fn what_goes_in_is_what_came_out_below() {
    let session = session(2);
    let left = frame(&session, 5000);
    let right = left.filter(col("x").lt(20)).unwrap().rename([("x", "z")]).unwrap();
    let joined = left.join(&right, Join::inner("k")).unwrap();
    let grouped = joined.groupby(["k"]).unwrap().agg([col("x").sum()]).unwrap();
    let frame = grouped.sort_by(["k"]).unwrap().head(3).unwrap();
    let analysis = frame.explain_analyze().unwrap();
    for step in &analysis.steps {
        for (i, operation) in step.operations.iter().enumerate() {
            // in a chain the operation below is the next line
            let Some(below) = step.operations.get(i + 1) else { continue };
            let single = !below.branch.contains(['├', '└']) && operation.figures.rows_in > 0;
            if single {
                assert_eq!(operation.figures.rows_in, below.figures.rows_out, "{}\n{analysis}", operation.name);
            }
        }
    }
    assert_eq!(frame.compute().unwrap().num_rows(), 3);
    assert!(analysis.steps.len() > 1, "a sort looks first\n{analysis}");
}

#[test]
fn a_shared_frame_is_counted_once() {
    let session = session(2);
    let shared = frame(&session, 3000).map_partitions(Ok, frame(&session, 10).schema().clone()).unwrap();
    let both = partita::concat([&shared.filter(col("x").lt(5)).unwrap(), &shared.filter(col("x").ge(2990)).unwrap()]);
    let analysis = both.unwrap().explain_analyze().unwrap();
    assert_eq!(flow(&analysis, "map_partitions"), (3000, 3000), "{analysis}");
    let shown = analysis.operations().filter(|o| o.name == "map_partitions").count();
    assert_eq!(shown, 2);
    assert!(analysis.time() < analysis.operations().map(|o| o.figures.time).sum());
}

#[test]
fn memory_and_spill_are_those_of_the_operation() {
    let session = Session::builder().threads(2).memory_limit(400_000).batch_rows(500).build().unwrap();
    let df = frame(&session, 60_000);
    let sorted = df.sort_by([-col("x")]).unwrap().sum().unwrap();
    let analysis = sorted.explain_analyze().unwrap();
    let sort = analysis.operations().filter(|o| o.name == "sort_by").max_by_key(|o| o.figures.spilled);
    let sort = sort.unwrap_or_else(|| panic!("no sort in\n{analysis}"));
    assert!(sort.figures.spilled > 100_000 && sort.figures.memory > 10_000, "{analysis}");
    assert!(sort.figures.memory <= session.budget().peak());
    let all: u64 = analysis.steps.iter().flat_map(|s| &s.operations).map(|o| o.figures.spilled).sum();
    assert_eq!(all, session.task_context().spill.written().0, "{analysis}");
    crate::memory::given_back(&session);
}

#[test]
fn errors_are_those_of_the_frame() {
    let df = frame(&session(2), 3000);
    let broken = df.map_partitions(|_| Err(partita::Error::invalid("no luck")), df.schema().clone()).unwrap();
    let analysed = broken.explain_analyze().unwrap_err().to_string();
    assert_eq!(analysed, broken.compute().unwrap_err().to_string());
}

#[test]
fn it_is_shown_as_a_plan_with_figures() {
    let df = frame(&session(1), 3000);
    let top = df.filter(col("x").gt(99)).unwrap().groupby(["k"]).unwrap().agg([col("x").sum()]).unwrap();
    let shown = top.explain_analyze().unwrap().to_string();
    // what differs from run to run
    let masked = |text: &str| -> String {
        let units = ["ms", "s", "B", "KiB", "MiB"];
        let mut out = String::new();
        for line in text.lines() {
            let mut words: Vec<&str> = Vec::new();
            for word in line.split_whitespace() {
                match words.last_mut() {
                    Some(number) if units.contains(&word) => *number = "#",
                    _ => words.push(if word.ends_with('%') { "#" } else { word }),
                }
            }
            out.push_str(&words.join(" "));
            out.push('\n');
        }
        out
    };
    insta::assert_snapshot!(masked(&shown), @r"
    rows in rows out batches time share memory spilled operation
    7 7 1 # # # - sort_by k
    2,900 7 1 # # # - group_by k: sum(x)
    2,900 2,900 29 # # - - project k, x
    3,000 2,900 29 # # - - filter (x > 99)
    0 3,000 30 # # - - scan memory, 3 partitions, 2 columns; skips unless (x > 99)
    # of work in #
    ");
}
