//! Functions made lazy and run in the background: what SEMANTICS.md says of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use partita::{
    Client, Delayed, Error, ErrorKind, Future, LocalCluster, OnError, Result, Scheduler, Session, Status, Table,
    as_completed, col, compute_all, delayed, wait_all, wait_timeout,
};

fn increment(x: i64) -> i64 {
    x + 1
}

fn power2(x: i64) -> i64 {
    x ^ 2
}

fn add(x: i64, y: i64) -> i64 {
    x + y
}

fn sum(xs: Vec<i64>) -> i64 {
    xs.iter().sum()
}

fn sessions() -> Vec<Session> {
    let made = |scheduler| Session::builder().scheduler(scheduler).build().unwrap();
    vec![made(Scheduler::Synchronous), made(Scheduler::Threads(1)), made(Scheduler::Threads(3))]
}

/// The German tutorial's graph.
fn tutorial(rounds: std::ops::Range<i64>, second: fn(i64) -> i64) -> Delayed<i64> {
    let (increment, second, add) = (delayed(increment), delayed(second), delayed(add));
    let output: Vec<_> = rounds.map(|x| add.call(increment.call(x), second.call(x))).collect();
    delayed(sum).call(output)
}

#[test]
fn the_tutorials_graph() {
    for session in sessions() {
        let whole = tutorial(1..10_000, power2);
        assert_eq!((whole.num_tasks(), whole.compute_with(&session).unwrap()), (29_998, 99_999_997));
        assert_eq!(tutorial(1..10, power2).compute_with(&session).unwrap(), 101);
        assert_eq!(tutorial(1..10_000, |x| x * x).compute_with(&session).unwrap(), 333_333_339_999);
    }
}

#[test]
fn two_sleeps_at_once() {
    let slow = |x: i64, by: i64, pause: u64| {
        std::thread::sleep(Duration::from_millis(pause));
        x + by
    };
    let (slow, total) = (delayed(slow), delayed(add));
    let z = total.call(slow.call(1, 1, 100u64), slow.call(2, -1, 100u64));
    let session = Session::builder().threads(2).build().unwrap();
    let begun = Instant::now();
    assert_eq!(z.compute_with(&session).unwrap(), 3);
    assert!(begun.elapsed() < Duration::from_millis(195), "{:?}", begun.elapsed());
}

#[test]
fn keys_are_fresh_unless_pure() {
    let inc = delayed(increment);
    assert_ne!(inc.call(1).key(), inc.call(1).key());
    let inc = inc.pure();
    assert_eq!(inc.call(1).key(), inc.call(1).key());
    assert_ne!(inc.call(1).key(), inc.call(2).key());
    assert!(inc.call(1).key().starts_with("increment-"));
    // through other delayed values, and lists of them
    let (a, b) = (inc.call(1), inc.call(2));
    let sum = delayed(sum).pure();
    assert_eq!(sum.call(vec![a.clone(), b.clone()]).key(), sum.call(vec![inc.call(1), inc.call(2)]).key());
    assert_ne!(sum.call(vec![a.clone(), b.clone()]).key(), sum.call(vec![b, a]).key());
    // what a closure captures cannot be seen, unless it says what it is
    let by = 3;
    let plus = delayed(move |x: i64| x + by).named("plus");
    assert_ne!(plus.clone().pure().call(1).key(), plus.clone().pure().call(1).key());
    assert_eq!(plus.clone().version("3").call(1).key(), plus.version("3").call(1).key());
}

#[test]
fn equal_work_is_done_once() {
    for session in sessions() {
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = runs.clone();
        let slow = delayed(move |x: i64| {
            counted.fetch_add(1, Ordering::SeqCst);
            x * 2
        });
        let shared = slow.call(21);
        let all = [&shared + 1, &shared + 2, &shared + 1];
        let total = delayed(sum).call(all.to_vec()).compute_with(&session).unwrap();
        assert_eq!((total, runs.load(Ordering::SeqCst)), (43 + 44 + 43, 1));
        let slow = slow.version("1");
        assert_eq!((slow.call(1) + slow.call(1)).compute_with(&session).unwrap(), 4);
        assert_eq!(runs.load(Ordering::SeqCst), 2);
        let held = slow.call(5).persist_with(&session).unwrap();
        assert_eq!((held.compute_with(&session).unwrap(), (&held + 1).compute_with(&session).unwrap()), (10, 11));
        assert_eq!((held.key(), runs.load(Ordering::SeqCst)), (slow.call(5).key(), 3));
    }
}

#[test]
fn collections_of_delayed_values_are_traversed() {
    let inc = delayed(increment);
    let lists = vec![vec![inc.call(1), inc.call(2)], vec![], vec![inc.call(3)]];
    let nested = delayed(|lists: Vec<Vec<i64>>| lists).call(lists);
    assert_eq!(nested.compute().unwrap(), vec![vec![2, 3], vec![], vec![4]]);
    let pair = delayed(|(a, b): (i64, i64), c: [i64; 2]| a * b + c[0] - c[1])
        .call((inc.call(1), inc.call(2)), [inc.call(9), inc.call(4)]);
    assert_eq!(pair.compute().unwrap(), 6 + 10 - 5);
    let map: BTreeMap<&'static str, Delayed<i64>> = [("a", inc.call(0)), ("b", inc.call(1))].into();
    let joined = delayed(|map: BTreeMap<&'static str, i64>, last: Option<i64>| format!("{map:?} {last:?}"))
        .call(map, Some(inc.call(8)));
    assert_eq!(joined.compute().unwrap(), r#"{"a": 1, "b": 2} Some(9)"#);
    let list: Delayed<Vec<i64>> = (0..4).map(|x| inc.call(x)).collect();
    assert_eq!(compute_all((list.clone(), list.get(3))).unwrap(), (vec![1, 2, 3, 4], 4));
    assert!(list.get(4).compute().unwrap_err().to_string().starts_with("the list has 4 items, there is no item 4"));
    let (small, large) = delayed(|x: i64| (x as i8, x * 1000)).call(7).split();
    assert_eq!(compute_all((small, large)).unwrap(), (7, 7000));
    let twelve = delayed(|a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8, i: u8, j: u8, k: u8, l: u8| {
        [a, b, c, d, e, f, g, h, i, j, k, l].iter().map(|x| u32::from(*x)).sum::<u32>()
    });
    assert_eq!(twelve.call(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12).compute().unwrap(), 78);
}

#[test]
fn an_error_names_its_task_and_stops_what_needs_it() {
    for session in sessions() {
        let after = Arc::new(AtomicUsize::new(0));
        let parse = delayed(|text: String| text.parse::<i64>().map_err(Error::other)).named("parse");
        let counted = after.clone();
        let next = delayed(move |x: i64| {
            counted.fetch_add(1, Ordering::SeqCst);
            x
        });
        let error = next.call(parse.call("many".to_string())).compute_with(&session).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("invalid digit found in string (task parse, key parse-"), "{text}");
        assert!(std::error::Error::source(&error).is_some_and(|e| e.is::<std::num::ParseIntError>()));
        assert_eq!(after.load(Ordering::SeqCst), 0);
        let panics = delayed(|x: i64| -> i64 { panic!("no {x}") }).named("bad").call(3);
        let error = panics.compute_with(&session).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Panicked { message } if message == "no 3"), "{error}");
    }
}

#[test]
fn a_failure_in_the_middle_of_many_and_a_task_that_computes() {
    for session in sessions() {
        let check = delayed(|x: i64| if x == 50_000 { Err(Error::invalid("fifty thousand")) } else { Ok(x) });
        let all: Vec<_> = (0..100_000).map(|x| check.call(x)).collect();
        let error = delayed(sum).call(all).compute_with(&session).unwrap_err();
        assert!(error.to_string().starts_with("fifty thousand"), "{error}");
        // nested: on one thread too
        let inner = session.clone();
        let outer = delayed(move |x: i64| tutorial(1..10, power2).compute_with(&inner).map(|y| x + y));
        let nested: Vec<_> = (0..50).map(|x| outer.call(x)).collect();
        assert_eq!(delayed(sum).call(nested).compute_with(&session).unwrap(), 49 * 50 / 2 + 50 * 101);
    }
}

#[test]
fn a_million_calls_in_a_row() {
    let inc = delayed(increment);
    let mut last = inc.call(0);
    for _ in 1..300_000 {
        last = inc.call(last);
    }
    assert_eq!(last.compute().unwrap(), 300_000);
}

fn cluster(threads: usize) -> LocalCluster {
    LocalCluster::builder().threads_per_worker(threads).memory_limit("2GB").start().unwrap()
}

#[test]
fn a_cluster_shows_itself() {
    let cluster = LocalCluster::builder().n_workers(2).threads_per_worker(3).memory_limit("2GB").start().unwrap();
    let client = Client::connect(&cluster).unwrap();
    let address = cluster.address();
    assert!(address.starts_with("inproc://"));
    assert_eq!(cluster.to_string(), format!("LocalCluster('{address}', workers=2, threads=6, memory=3.73 GiB)"));
    assert_eq!(client.to_string(), format!("<Client: '{address}' workers=2 threads=6, memory=3.73 GiB>"));
    assert!(client.to_html().contains("<td>1.86 GiB</td>"));
    assert_eq!(
        cluster.session().budget().share() / (1 << 20),
        (4_000_000_000u64 * 7 / 8 - (32 << 20)) / 12 / (1 << 20)
    );
    client.wait_for_workers(2, Duration::ZERO).unwrap();
    // nobody waits for workers that never come
    let error = client.wait_for_workers(3, Duration::MAX).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout { .. }), "{error}");
    let error = client.wait_for_workers(3, Duration::from_millis(500)).unwrap_err();
    assert!(error.to_string().starts_with("Only 2/3 workers arrived after 0.5"), "{error}");
    assert!(LocalCluster::builder().n_workers(0).start().is_err());
    assert!(LocalCluster::builder().memory_limit(0u64).start().unwrap_err().to_string().contains("0 bytes"));
    assert!(LocalCluster::builder().memory_limit("many").start().unwrap_err().to_string().contains("many"));
}

#[test]
fn submit_map_gather() {
    for threads in [1, 4] {
        let client = Client::connect(&cluster(threads)).unwrap();
        let x = client.submit(increment, (10,));
        let y = client.submit(add, (&x, 1));
        assert_eq!((x.result().unwrap(), y.result().unwrap()), (11, 12));
        let all = client.map(increment, 0..1000);
        let total = client.submit(sum, (all.clone(),));
        assert_eq!((total.result().unwrap(), client.gather(&all[..5]).unwrap()), (500_500, vec![1, 2, 3, 4, 5]));
        // a delayed value as an argument, a future in what is delayed
        let mixed = client.submit(add, (delayed(increment).call(1), &x));
        let lazy = delayed(add).call(mixed.clone(), 100);
        assert_eq!(
            (mixed.result().unwrap(), client.compute(&lazy).result().unwrap(), lazy.compute().unwrap()),
            (13, 113, 113)
        );
        assert_eq!(Delayed::from(x).compute().unwrap(), 11);
    }
}

#[test]
fn equal_calls_have_equal_keys_and_run_once() {
    let client = Client::connect(&cluster(2)).unwrap();
    static RUNS: AtomicI64 = AtomicI64::new(0);
    fn counted(x: i64) -> i64 {
        RUNS.fetch_add(x, Ordering::SeqCst)
    }
    let (a, b) = (client.submit(counted, (1,)), client.submit(counted, (1,)));
    assert_eq!((a.key(), a.result().unwrap(), b.result().unwrap()), (b.key(), 0, 0));
    assert!(a.key().starts_with("counted-"));
    let fresh = client.task().pure(false).submit(counted, (1,));
    assert_ne!(fresh.key(), a.key());
    assert_eq!((fresh.result().unwrap(), RUNS.load(Ordering::SeqCst)), (1, 2));
    assert_eq!(client.scatter(5i64).key(), client.scatter(5i64).key());
    assert_eq!(client.submit(add, (client.scatter(5i64), 2)).result().unwrap(), 7);
}

#[test]
fn a_future_shows_how_far_it_is() {
    let client = Client::connect(&cluster(1)).unwrap();
    let gate = Arc::new(std::sync::Barrier::new(2));
    let inside = gate.clone();
    let waits = client.submit(
        move || {
            inside.wait();
            2.5
        },
        (),
    );
    let after = client.submit(|x: f64| x * 2.0, (&waits,));
    let error = client.submit(|_: f64| -> Result<f64> { Err(Error::invalid("no")) }, (&waits,));
    let next = client.submit(|x: f64| x, (&error,));
    assert_eq!(
        (waits.status(), waits.to_string()),
        (Status::Pending, format!("<Future: pending, key: {}>", waits.key()))
    );
    let late = after.result_timeout(Duration::from_millis(10)).unwrap_err();
    assert!(matches!(late.kind(), ErrorKind::Timeout { .. }), "{late}");
    gate.wait();
    assert_eq!(
        (after.result().unwrap(), after.to_string()),
        (5.0, format!("<Future: finished, type: f64, key: {}>", after.key()))
    );
    let text = next.exception().unwrap().to_string();
    assert_eq!(text, format!("no (task closure, key {}, worker 0)", error.key()));
    assert_eq!((next.status(), next.to_string()), (Status::Error, format!("<Future: error, key: {}>", next.key())));
    assert_eq!(client.gather_with([&after, &next, &waits], OnError::Skip).unwrap(), [5.0, 2.5]);
    assert!(client.gather([&after, &next, &waits]).is_err());
    assert!(after.to_html().contains("<td>finished</td>") && after.to_html().contains("<td>f64</td>"));
    let twice = delayed(increment).call(delayed(increment).call(1));
    assert!(twice.to_html().contains("<td>2</td>") && twice.to_string().starts_with("Delayed('increment-"));
    assert_eq!((after.exception().map(|e| e.to_string()), after.done()), (None, true));
}

#[test]
fn cancelling_closing_and_dropping() {
    let client = Client::connect(&cluster(1)).unwrap();
    let gate = Arc::new(std::sync::Barrier::new(2));
    let inside = gate.clone();
    let blocks = client.submit(
        move || {
            inside.wait();
            1i64
        },
        (),
    );
    let (cancelled, kept) = (client.submit(add, (&blocks, 1)), client.submit(add, (&blocks, 2)));
    let after = client.submit(increment, (&cancelled,));
    cancelled.cancel();
    assert!(cancelled.cancelled() && after.cancelled() && !kept.done());
    assert!(after.result().unwrap_err().is_cancelled());
    gate.wait();
    assert_eq!(kept.result().unwrap(), 3);
    // what is cancelled may be asked for again
    assert_eq!(client.submit(add, (&blocks, 1)).result().unwrap(), 2);
    // a large result is spoken for until its last handle is gone
    let budget = client.session().budget().clone();
    let large = client.submit(|| vec![0u8; 10 << 20], ());
    wait_all([&large]);
    wait_timeout([&large], Duration::ZERO).unwrap();
    assert!(budget.held() >= 10 << 20);
    drop(large);
    crate::memory::given_back(client.session());
    let pending = client.submit(|| std::thread::sleep(Duration::from_millis(20)), ());
    client.close();
    assert_eq!((pending.status(), kept.status()), (Status::Cancelled, Status::Cancelled));
    assert!(client.submit(increment, (1,)).cancelled());
}

/// Calls until it is so, for at most this long.
fn soon(what: &str, within: Duration, mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < within, "{what} takes longer than {within:?}");
        std::thread::sleep(Duration::from_micros(200));
    }
}

#[test]
fn a_hundred_thousand_tasks_are_cancelled_at_once() {
    static AT_WORK: AtomicUsize = AtomicUsize::new(0);
    let client = Client::connect(&cluster(4)).unwrap();
    let slow = delayed(|x: i64| {
        AT_WORK.fetch_add(1, Ordering::SeqCst);
        let block = vec![x; 10_000];
        std::thread::sleep(Duration::from_millis(1));
        AT_WORK.fetch_sub(1, Ordering::SeqCst);
        block
    });
    let length = delayed(|blocks: Vec<Vec<i64>>| blocks.len());
    let all: Vec<_> = (0..100_000).map(|x| slow.call(x)).collect();
    let total = client.compute(&length.call(all));
    let budget = client.session().budget().clone();
    soon("the beginning", Duration::from_secs(20), || budget.held() > 1 << 20);
    total.cancel();
    let idle = || AT_WORK.load(Ordering::SeqCst) == 0 && client.pending() == 0 && budget.held() == 0;
    // a slow machine may take its time to schedule four threads; what is dropped is counted in tasks, not in time
    soon("cancelling", Duration::from_millis(1000), idle);
    assert!(total.cancelled());
    // the threads are free for others
    assert_eq!(client.submit(increment, (1,)).result().unwrap(), 2);
}

#[test]
fn more_than_the_limit_is_an_error_and_not_a_crash() {
    let cluster = LocalCluster::builder().threads_per_worker(1).memory_limit("64MB").start().unwrap();
    let client = Client::connect(&cluster).unwrap();
    let large = client.submit(|| vec![0u8; 100 << 20], ());
    let error = large.result().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Memory { .. }), "{error}");
}

#[test]
fn futures_in_the_order_in_which_they_end() {
    for threads in [1, 3] {
        let client = Client::connect(&cluster(threads)).unwrap();
        let squares = client.map(|x: i64| x * x, 0..200);
        let mut results: Vec<i64> = as_completed(squares).map(|square| square.result().unwrap()).collect();
        results.sort();
        assert_eq!(results, (0..200).map(|x| x * x).collect::<Vec<i64>>());
    }
    let cluster =
        LocalCluster::builder().session(|s| s.scheduler(Scheduler::Synchronous)).threads_per_worker(2).start().unwrap();
    let client = Client::connect(&cluster).unwrap();
    let slow = client.submit(|| std::thread::sleep(Duration::from_millis(60)), ());
    let quick = client.submit(|| std::thread::sleep(Duration::from_millis(1)), ());
    let keys: Vec<String> = as_completed([slow.clone(), quick.clone()]).map(|f| f.key()).collect();
    assert_eq!(keys, [quick.key(), slow.key()]);
}

#[test]
fn a_task_submits_and_waits_on_one_thread() {
    let client = Client::connect(&cluster(1)).unwrap();
    let inner = client.clone();
    let outer = client.submit(
        move |n: i64| {
            let parts: Vec<Future<i64>> = inner.map(increment, 0..n);
            let completed: i64 = as_completed(parts.clone()).map(|part| part.result().unwrap_or(0)).sum();
            inner.submit(sum, (parts,)).result().map(|total| total + completed)
        },
        (100,),
    );
    assert_eq!(outer.result_timeout(Duration::from_secs(20)).unwrap(), 2 * 5050);
}

#[test]
fn frames_and_delayed_values() {
    let trips = partita::read_parquet("data/*.parquet").unwrap();
    let fares = trips.select(["fare_amount", "VendorID"]).unwrap().filter(col("fare_amount").gt(10)).unwrap();
    let parts = fares.to_delayed().unwrap();
    assert_eq!(parts.len(), fares.npartitions().unwrap());
    let back = DataFrameLike::from(parts);
    assert_eq!(back.0.compute().unwrap().to_string(), fares.compute().unwrap().to_string());
    // rows that come from everywhere are computed once
    let groups = fares.groupby(["VendorID"]).unwrap().agg([partita::size()]).unwrap();
    let tables = compute_all(groups.to_delayed().unwrap()).unwrap();
    assert_eq!(tables.iter().map(Table::num_rows).sum::<usize>() as u64, groups.len().unwrap());
    let client = Client::connect(&cluster(2)).unwrap();
    let table = client.compute(&groups);
    let rows = client.submit(|table: Table| table.num_rows(), (&table,));
    assert_eq!(rows.result().unwrap() as u64, groups.len().unwrap());
    assert_eq!(table.to_string(), format!("<Future: finished, type: Table, key: {}>", table.key()));
    assert_eq!(client.persist(&groups).unwrap().len().unwrap(), groups.len().unwrap());
    let empty = partita::DataFrame::from_delayed([]).unwrap_err();
    assert!(empty.to_string().contains("at least one partition"), "{empty}");
}

/// A frame made of delayed tables, each changed by a function.
struct DataFrameLike(partita::DataFrame);

impl From<Vec<Delayed<Table>>> for DataFrameLike {
    fn from(parts: Vec<Delayed<Table>>) -> Self {
        let same = delayed(|table: Table| table).named("same");
        DataFrameLike(partita::DataFrame::from_delayed(parts.iter().map(|part| same.call(part))).unwrap())
    }
}
