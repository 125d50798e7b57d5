//! How tasks end, and who is told: what watches futures and delayed values, and what errors say.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use partita::watch::Recorder;
use partita::{
    Client, Delayed, Error, Future, LocalCluster, ProgressBar, Result, Scheduler, Session, delayed, wait_all,
};

use crate::page::Page;

/// How much was completed, a line for each end.
trait Parts {
    fn parts(&self) -> Vec<String>;
}

impl Parts for Page {
    fn parts(&self) -> Vec<String> {
        self.text().lines().map(|line| line.split(" | ").nth(1).unwrap().to_string()).collect()
    }
}

fn client() -> Client {
    Client::connect(&LocalCluster::builder().threads_per_worker(2).memory_limit("1GB").start().unwrap()).unwrap()
}

fn bar(client: &Client) -> (ProgressBar, Page) {
    let page = Page::default();
    let bar = ProgressBar::of(client.session()).minimum(Duration::ZERO).width(10).output(page.clone());
    (bar, page)
}

fn soon(what: &str, mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A call that waits until it is let go, and what lets it.
fn gated(client: &Client, result: Result<i64>) -> (Future<i64>, Arc<Barrier>) {
    let gate = Arc::new(Barrier::new(2));
    let inside = gate.clone();
    let wait = move || {
        inside.wait();
        inside.wait();
        result.as_ref().map(|x| *x).map_err(Error::again)
    };
    let future = client.task().pure(false).submit(wait, ());
    gate.wait();
    (future, gate)
}

#[test]
fn a_bar_goes_on_after_a_failure_with_all_that_needed_it() {
    let client = client();
    let (_bar, page) = bar(&client);
    let (bad, gate) = gated(&client, Err(Error::invalid("no")));
    let needs: Vec<_> = (0..9).map(|x| client.submit(|a: i64, b: i64| a + b, (&bad, x))).collect();
    gate.wait();
    wait_all(&needs);
    soon("a line for the failure", || page.parts() == ["10% Completed"]);
    let (good, gate) = gated(&client, Ok(1));
    let rest = client.map(|x: i64| x + 1, 100..109);
    gate.wait();
    assert_eq!(client.gather(&rest).unwrap().len() + good.result().unwrap() as usize, 10);
    soon("a line for the rest", || page.parts() == ["10% Completed", "100% Completed"]);
}

#[test]
fn a_bar_that_begins_while_tasks_run_shows_what_is_left_and_counts_a_retry_once() {
    let client = client();
    let (first, gate) = gated(&client, Ok(1));
    let five: Vec<_> = (0..4).map(|x| client.submit(|a: i64, b: i64| a + b, (&first, x))).collect();
    let (_bar, page) = bar(&client);
    let tries = Arc::new(AtomicUsize::new(0));
    let flaky = move |_: i64| match tries.fetch_add(1, Ordering::SeqCst) {
        3 => Ok(4i64),
        _ => Err(Error::invalid("not yet")),
    };
    let flaky = client.task().retries(3).submit(flaky, (&first,));
    gate.wait();
    wait_all(&five);
    assert_eq!(flaky.result().unwrap(), 4);
    soon("one line", || page.parts() == ["100% Completed"]);
}

#[test]
fn nothing_is_waited_for_that_was_dropped_or_failed() {
    let client = client();
    let recorder = Arc::new(Recorder::new());
    let _watching = client.session().watch(recorder.clone());
    let (first, gate) = gated(&client, Err(Error::invalid("no")));
    let slow = delayed(|a: i64, b: i64| a + b).named("slow");
    let slow = |range: std::ops::Range<i64>| -> Vec<Future<i64>> {
        range.map(|x| client.compute(&slow.call(first.clone(), x))).collect()
    };
    let dropped = slow(0..50);
    let failed = slow(50..60);
    let planned = || {
        let operations = recorder.operations();
        let slow = operations.iter().find(|o| &*o.operation == "slow").unwrap();
        (slow.planned, slow.done, slow.failed)
    };
    assert_eq!(planned(), (60, 0, 0));
    drop(dropped);
    assert_eq!(planned(), (10, 0, 0));
    gate.wait();
    wait_all(&failed);
    soon("nothing is left", || planned() == (0, 0, 0) && client.pending() == 0);
}

#[test]
fn equal_calls_from_many_threads_are_told_of_once() {
    let client = client();
    let recorder = Arc::new(Recorder::new());
    let watching = client.session().watch(recorder.clone());
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                let all = client.map(|x: i64| x * 2, 0..1000);
                assert_eq!(client.gather(&all).unwrap().len(), 1000);
            });
        }
    });
    drop(watching);
    let [double] = &recorder.operations()[..] else { panic!("{:?}", recorder.operations()) };
    assert_eq!(double.planned, double.done);
}

#[test]
fn who_comes_late_to_a_plain_run_sees_what_is_left_of_it() {
    for scheduler in [Scheduler::Synchronous, Scheduler::Threads(2)] {
        let session = Session::builder().scheduler(scheduler).build().unwrap();
        let recorder = Arc::new(Recorder::new());
        let (inner, late) = (session.clone(), recorder.clone());
        let step = delayed(move |x: i64| {
            if x == 10 {
                inner.observe(late.clone());
            }
            x + 1
        })
        .named("step");
        let mut last: Delayed<i64> = step.call(0);
        for _ in 1..400 {
            last = step.call(last);
        }
        assert_eq!(last.compute_with(&session).unwrap(), 400);
        let run = &recorder.runs()[0];
        let (planned, ended) = (run.planned(), run.ended());
        assert!(ended > 0 && ended < 400 && planned == ended, "{planned} {ended}");
        let done = recorder.graph(run.run).unwrap();
        assert_eq!(done.nodes.len(), 400, "the graph is whole");
    }
}

#[test]
fn a_panic_is_named_as_an_error_is() {
    for scheduler in [Scheduler::Synchronous, Scheduler::Threads(2)] {
        let session = Session::builder().scheduler(scheduler).build().unwrap();
        let p = delayed(|_: i64| -> i64 { panic!("q") }).named("p").call(1);
        let named = format!("the code panicked: q (task p, key {})", p.key());
        let (error, profile) = session.profile(|| p.compute_with(&session).unwrap_err());
        assert_eq!((error.to_string(), profile.failures[0].error.clone()), (named.clone(), named));
    }
    let client = client();
    let recorder = Arc::new(Recorder::new());
    let _watching = client.session().watch(recorder.clone());
    let p = client.task().key("p").submit(|| -> i64 { panic!("q") }, ());
    let error = p.exception().unwrap().to_string();
    assert!(error.starts_with(&format!("the code panicked: q (task p, key {}, worker ", p.key())), "{error}");
    assert_eq!(recorder.failures()[0].error, error);
}

#[test]
fn a_closed_client_says_so_whatever_it_is_asked_for() {
    let client = client();
    let (running, gate) = gated(&client, Ok(1));
    let inc = delayed(|x: i64| x + 1).named("inc");
    client.close();
    gate.wait();
    let help = "its client was closed, or its last handle dropped: connect a new one with Client::connect(&cluster)";
    let errors = [
        running.result().unwrap_err(),
        client.submit(|x: i64| x, (1,)).result().unwrap_err(),
        client.compute(&inc.call(1)).exception().unwrap(),
        client.scatter(5i64).result_timeout(Duration::ZERO).unwrap_err(),
        client.persist(&inc.call(1)).unwrap_err(),
    ];
    for error in errors {
        assert!(error.is_cancelled() && error.to_string().ends_with(help), "{error}");
    }
    let other = self::client();
    let (cancelled, gate) = gated(&other, Ok(1));
    cancelled.cancel();
    gate.wait();
    assert_eq!(cancelled.exception().unwrap().help_text(), None, "that client is open");
}
