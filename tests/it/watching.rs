//! Who watches: the bar, profiles, traces, reports.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use partita::exec::{Event, Executor, Observer, Observers, Pool, RunContext, TaskContext, Work};
use partita::graph::{Key, Label, TaskGraph};
use partita::watch::{About, Profile, Recorder};
use partita::{DataFrame, Error, ProgressBar, Result, Scheduler, Session, Token, col, wait};
use serde_json::Value;

use crate::page::Page;

fn numbers(session: &Session, partitions: i64) -> DataFrame {
    let part = |p: i64| {
        let x: ArrayRef = Arc::new(Int64Array::from_iter_values(p * 10..(p + 1) * 10));
        RecordBatch::try_from_iter([("x", x)]).unwrap()
    };
    session.from_batches((0..partitions).map(part)).unwrap()
}

fn sessions() -> [Session; 2] {
    [Scheduler::Synchronous, Scheduler::Threads(2)].map(|s| Session::builder().scheduler(s).build().unwrap())
}

/// What was written, without the time.
trait Lines {
    fn lines(&self) -> Vec<String>;
}

impl Lines for Page {
    fn lines(&self) -> Vec<String> {
        self.text().lines().map(|l| l.rsplit_once(" | ").unwrap().0.to_string()).collect()
    }
}

const WHOLE: &str = "[##########] | 100% Completed";

#[test]
fn the_bar_shows_every_scheduler_and_what_goes_on_in_the_background_until_it_is_dropped() {
    for session in sessions() {
        let page = Page::default();
        let df = numbers(&session, 4).with_column("y", col("x") * 2).unwrap();
        let bar = ProgressBar::of(&session).minimum(Duration::ZERO).width(10).output(page.clone());
        df.compute().unwrap();
        assert_eq!(page.lines(), [WHOLE], "{session}");
        let held = df.filter(col("x").gt(3)).unwrap().persist().unwrap();
        wait(&held).unwrap();
        assert_eq!(page.lines(), [WHOLE, WHOLE], "{session}");
        drop(bar);
        df.compute().unwrap();
        assert_eq!(page.lines().len(), 2, "{session}");
    }
}

#[test]
fn the_bar_stops_where_a_run_failed() {
    let session = Session::builder().scheduler(Scheduler::Synchronous).build().unwrap();
    let page = Page::default();
    let df = numbers(&session, 4);
    let broken = df.map_partitions(
        |batch| {
            let first = batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap().value(0);
            if first < 20 { Ok(batch) } else { Err(Error::invalid("no luck")) }
        },
        df.schema().clone(),
    );
    let _bar = ProgressBar::of(&session).minimum(Duration::ZERO).width(10).output(page.clone());
    assert!(broken.unwrap().compute().is_err());
    // two are done, and the third has ended too
    assert_eq!(page.lines(), ["[#######   ] | 75% Completed"]);
}

#[test]
fn a_profile_has_all_tasks_and_its_figures_agree() {
    for session in sessions() {
        let df = numbers(&session, 20).with_column("y", col("x") * 2).unwrap();
        let (result, profile) = session.profile(|| df.sum().unwrap().compute());
        assert_eq!(result.unwrap().value("y", 0).unwrap().as_i64(), Some(39_800));
        assert_eq!(profile.ended(), profile.tasks.len() as u64 + profile.left_out);
        assert_eq!(profile.ended(), profile.runs.iter().map(|r| r.ended()).sum::<u64>());
        let busy: Duration = profile.tasks.iter().filter(|t| t.depth == 0).map(|t| t.end - t.start).sum();
        assert_eq!(busy, profile.busy());
        assert!(profile.occupancy() > 0.0 && profile.occupancy() <= 1.0, "{}", profile.occupancy());
        assert!(profile.samples.len() >= 2 && profile.wall >= profile.tasks.last().unwrap().end);
        assert_eq!(profile.operations.iter().map(|o| o.done).sum::<u64>(), 24);
        df.compute().unwrap();
        assert_eq!(session.profile(|| ()).1.ended(), 0, "what ran before and between is not in it");
    }
}

#[test]
fn a_profile_is_a_table() {
    let session = Session::builder().threads(2).memory_limit("100MiB").build().unwrap();
    let df = numbers(&session, 20).with_column("y", col("x") * 2).unwrap();
    let (_, profile) = session.profile(|| df.sum().unwrap().compute().unwrap());
    let text = profile.to_string();
    let mut counts: Vec<String> = text
        .lines()
        .skip(3)
        .filter(|line| line.starts_with('│'))
        .map(|line| line.split(['│', '┆']).skip(1).take(2).map(str::trim).collect::<Vec<_>>().join(" "))
        .collect();
    counts.sort();
    insta::assert_snapshot!(counts.join("\n"), @r"
    aggregate-combine 2
    aggregate-finish 1
    operation tasks
    scan 1
    scan → project → aggregate 20
    ");
    assert!(text.contains("on 2 threads: 24 tasks in 2 runs, threads busy"), "{text}");
    assert!(text.contains(" reserved at most of 100.00 MiB"), "{text}");
}

/// What Perfetto asks of a trace.
fn check(trace: &str, tasks: u64) {
    let trace: Value = serde_json::from_str(trace).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let (mut spans, mut named) = (Vec::new(), Vec::new());
    for event in events {
        assert!(event["name"].is_string() && event["pid"].is_u64(), "{event}");
        match event["ph"].as_str().unwrap() {
            "X" => {
                let (ts, dur) = (event["ts"].as_f64().unwrap(), event["dur"].as_f64().unwrap());
                assert!(
                    ts >= 0.0 && dur >= 0.0 && event["args"]["partition"].is_u64() && event["args"]["bytes"].is_u64()
                );
                spans.push((event["tid"].as_u64().unwrap(), ts, ts + dur));
            }
            "M" if event["name"] == "thread_name" => named.push(event["tid"].as_u64().unwrap()),
            "M" => {}
            "C" => assert!(event["args"].as_object().unwrap().values().all(Value::is_number), "{event}"),
            other => panic!("{other}"),
        }
    }
    assert_eq!(spans.len() as u64, tasks);
    assert!(spans.iter().all(|(thread, ..)| named.contains(thread)));
    // what runs on a thread is one after the other, or one inside the other
    spans.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(b.2.total_cmp(&a.2)));
    for pair in spans.windows(2) {
        let ((t, _, end), (u, from, to)) = (pair[0], pair[1]);
        assert!(t != u || from >= end - 0.01 || to <= end + 0.01, "{pair:?}");
    }
}

#[test]
fn a_trace_is_valid_and_nests() {
    for session in sessions() {
        let (df, inner) = (numbers(&session, 6), numbers(&session, 3));
        let schema = df.schema().clone();
        let nested = df.map_partitions(
            move |batch| {
                inner.max()?.compute()?;
                Ok(batch)
            },
            schema,
        );
        let (_, profile) = session.profile(|| nested.unwrap().compute().unwrap());
        check(&profile.chrome_trace(), profile.ended());
        assert!(profile.tasks.iter().any(|t| t.depth > 0));
        assert!(profile.busy() <= profile.wall * profile.threads as u32, "{profile}");
    }
}

#[test]
fn traces_and_reports_are_written_or_say_why_not() {
    let folder = tempfile::tempdir().unwrap();
    let [session, _] = sessions();
    let df = numbers(&session, 3);
    let (_, profile) = session.profile(|| df.compute().unwrap());
    let path = folder.path().join("trace.json");
    profile.to_chrome_trace(&path).unwrap();
    check(&std::fs::read_to_string(&path).unwrap(), 3);
    let rows = session.performance_report(folder.path().join("page.html"), || df.compute()).unwrap().unwrap();
    assert_eq!(rows.num_rows(), 30);
    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && !page.contains("{{") && !page.contains("http://"));
    let lost = session.performance_report(folder.path().join("no/such/page.html"), || ()).unwrap_err().to_string();
    assert!(lost.contains("failed to write a report to") && lost.contains("page.html"), "{lost}");
}

#[test]
fn names_of_tasks_are_no_markup() {
    let evil = "</script><script>alert(1)</script><img src=x>\u{2028}";
    let mut graph: TaskGraph<Work> = TaskGraph::new();
    let label = Label { name: evil.into(), partition: 0 };
    let work: Work = Box::new(move |_, _| Err(Error::invalid(evil)));
    let task = graph.add(Key::new(Token(1), 0), label, &[], work);
    let recorder = Arc::new(Recorder::new());
    let observers = Observers::new([recorder.clone() as Arc<dyn Observer>]);
    let context = RunContext { observers, ..RunContext::new(TaskContext::default()) };
    let run = Pool::new(1).unwrap().submit(graph, vec![task], context);
    assert!(run.wait().is_err());
    let profile = Profile::of(&recorder, 1);
    let about = About {
        title: evil.into(),
        program: evil.into(),
        settings: vec![(evil.into(), evil.into())],
        ..About::default()
    };
    let page = profile.to_html(&about);
    assert!(!page.contains("<script>alert") && !page.contains("<img"), "{page}");
    assert_eq!(page.matches("</script>").count(), 2);
    assert_eq!((profile.failures.len(), profile.operations[0].failed), (1, 1));
    check(&profile.chrome_trace(), 1);
}

/// The rows that tasks gave, as events tell.
#[derive(Default)]
struct Rows(Mutex<u64>);

impl Observer for Rows {
    fn notice(&self, event: &Event<'_>) {
        if let Event::TaskFinished { rows, .. } = event {
            *self.0.lock().unwrap() += rows.unwrap_or(0);
        }
    }
}

#[test]
fn watching_ends_with_its_guard() -> Result<()> {
    for session in sessions() {
        let rows = Arc::new(Rows::default());
        let watching = session.watch(rows.clone());
        numbers(&session, 3).compute()?;
        drop(watching);
        numbers(&session, 4).compute()?;
        assert_eq!(*rows.0.lock().unwrap(), 30);
    }
    Ok(())
}
