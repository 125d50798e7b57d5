//! Futures among themselves: many clients, tasks that wait for tasks, frames and shared work, and what must not happen.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use partita::{
    Client, DataFrame, Delayed, ErrorKind, Future, LocalCluster, Result, Scheduler, Session, Status, Table,
    as_completed, compute_all, delayed, wait_timeout,
};

fn cluster(threads: usize) -> LocalCluster {
    LocalCluster::builder().threads_per_worker(threads).memory_limit("500MB").start().unwrap()
}

fn client(threads: usize) -> Client {
    Client::connect(&cluster(threads)).unwrap()
}

fn inc(x: i64) -> i64 {
    x + 1
}

fn sum(xs: Vec<i64>) -> i64 {
    xs.iter().sum()
}

fn rows(table: Table) -> usize {
    table.num_rows()
}

/// A door that a task waits at, and how often one did.
#[derive(Clone, Default)]
struct Door(Arc<(Mutex<bool>, std::sync::Condvar, AtomicUsize)>);

impl Door {
    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        self.0.2.fetch_add(1, Ordering::SeqCst);
        let shut = self.0.0.lock().unwrap();
        drop(self.0.1.wait_while(shut, |open| !*open).unwrap());
    }

    fn count(&self) -> usize {
        self.0.2.load(Ordering::SeqCst)
    }
}

fn behind(client: &Client, door: &Door) -> Future<i64> {
    let door = door.clone();
    client.task().pure(false).submit(
        move |x: i64| {
            door.pass();
            x
        },
        (41,),
    )
}

fn soon(what: &str, mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn partitions_of_a_frame_are_told_apart() {
    let client = client(2);
    let frame = partita::read_parquet("data/trips.parquet").unwrap().repartition(3).unwrap();
    let parts = frame.to_delayed().unwrap();
    let each: Vec<usize> = frame.map_partition_sizes();
    assert!(each.windows(2).any(|two| two[0] != two[1]), "{each:?}");
    assert_eq!(client.gather(&client.map(rows, &parts)).unwrap(), each);
    let futures: Vec<Future<Table>> = client.compute_all(&parts);
    assert_eq!(client.gather(&client.map(rows, &futures)).unwrap(), each);
    let calls: Vec<_> = parts.iter().map(|part| delayed(rows).pure().call(part)).collect();
    assert_eq!(compute_all(calls).unwrap(), each);
    assert_ne!(parts[0].key(), parts[1].key());
    // the whole is something else than its first part
    let (whole, first) = (client.compute(&frame), client.compute(&parts[0]));
    assert_eq!((rows(first.result().unwrap()), rows(whole.result().unwrap())), (each[0], each.iter().sum()));
}

/// The rows of each partition, computed another way.
trait PartitionSizes {
    fn map_partition_sizes(&self) -> Vec<usize>;
}

impl PartitionSizes for DataFrame {
    fn map_partition_sizes(&self) -> Vec<usize> {
        let part = |i| self.partitions(i..i + 1).unwrap().compute().unwrap().num_rows();
        (0..self.npartitions().unwrap()).map(part).collect()
    }
}

#[test]
fn names_do_not_make_different_calls_one() {
    let client = client(2);
    let keyed = client.task().key("k");
    assert_eq!(client.gather(&keyed.map(inc, 0..5i64)).unwrap(), [1, 2, 3, 4, 5]);
    let (k, m) = (10i64, 100i64);
    let plus = delayed(move |x: i64| x + k).version("1").named("plus");
    let times = delayed(move |x: i64| x * m).version("1").named("times");
    assert_eq!(compute_all((plus.call(5), times.call(5))).unwrap(), (15, 500));
    let plus = delayed(move |x: i64| x + k).version("1");
    let times = delayed(move |x: i64| x * m).version("1");
    assert_eq!(compute_all((plus.call(5), times.call(5))).unwrap(), (15, 500));
    // one key for results of two types
    let _text = client.task().key("same").submit(|| "text", ());
    let error = client.task().key("same").submit(|| 1i64, ()).result().unwrap_err().to_string();
    assert!(error.contains("a task gave no i64") && error.contains("other keys"), "{error}");
}

#[test]
fn waiting_for_another_client_takes_no_thread() {
    let (one, other) = (client(1), client(2));
    let door = Door::default();
    let blocked = behind(&one, &door);
    let waiting = [(); 2].map(|()| other.task().pure(false).submit(|x: i64, y: i64| x + y, (&blocked, 1)));
    assert_eq!(other.submit(inc, (77,)).result().unwrap(), 78);
    waiting[0].cancel();
    door.open();
    assert_eq!(waiting[1].result().unwrap(), 42);
    assert_eq!(waiting[0].status(), Status::Cancelled);
    // what has ended already, and what has failed
    assert_eq!(other.submit(inc, (&blocked,)).result().unwrap(), 42);
    let failed = one.submit(|x: i64| Err::<i64, _>(partita::Error::invalid(format!("not {x}"))), (3,));
    assert!(other.submit(inc, (&failed,)).result().unwrap_err().to_string().contains("not 3"));
    drop((waiting, blocked, failed));
    soon("forgotten", || one.pending() + other.pending() == 0);
}

#[test]
fn tasks_of_two_clients_help_each_other_on_one_thread() {
    let cluster = cluster(1);
    let (one, other) = (Client::connect(&cluster).unwrap(), Client::connect(&cluster).unwrap());
    let inner = (one.clone(), other.clone());
    let outer = one.submit(
        move |x: i64| {
            let (one, other) = &inner;
            let first = one.submit(inc, (x,));
            let second = other.submit(inc, (&first,));
            one.submit(inc, (&second,)).result()
        },
        (1,),
    );
    assert_eq!(outer.result_timeout(Duration::from_secs(20)).unwrap(), 4);
}

#[test]
fn a_run_that_waits_for_a_future_can_be_dropped() {
    let session = Session::builder().scheduler(Scheduler::Threads(1)).build().unwrap();
    let client = client(1);
    let door = Door::default();
    let blocked = behind(&client, &door);
    let later = delayed(inc).call(&blocked).persist_with(&session).unwrap();
    drop(later);
    assert_eq!(delayed(inc).call(1).compute_with(&session).unwrap(), 2);
    let whole: Delayed<i64> = blocked.clone().into();
    door.open();
    assert_eq!(whole.compute_with(&session).unwrap(), 41);
}

#[test]
fn cancelling_the_session_wakes_who_waits() {
    let client = client(1);
    let door = Door::default();
    let running = behind(&client, &door);
    let dependant = client.submit(inc, (&running,));
    soon("runs", || door.count() == 1);
    let late = wait_timeout([&running, &dependant], Duration::from_millis(1)).unwrap_err();
    assert!(late.to_string().contains("2 of 2 futures have not ended in 1"), "{late}");
    client.session().cancel_token().cancel();
    let error = dependant.result().unwrap_err();
    assert!(error.is_cancelled(), "{error}");
    assert_eq!(running.status(), Status::Cancelled);
    assert!(as_completed([running, dependant]).all(|future| future.cancelled()));
    door.open();
}

#[test]
fn no_time_is_no_time_inside_a_task_too() {
    let client = client(1);
    let inner = client.clone();
    let outer = client.submit(
        move |x: i64| {
            let ran = Arc::new(AtomicUsize::new(0));
            let runs = ran.clone();
            let slow =
                inner.task().pure(false).submit(move |x: i64| runs.fetch_add(1, Ordering::SeqCst) as i64 + x, (x,));
            let late = slow.result_timeout(Duration::ZERO).unwrap_err();
            assert!(matches!(late.kind(), ErrorKind::Timeout { .. }), "{late}");
            assert_eq!(ran.load(Ordering::SeqCst), 0);
            slow.result()
        },
        (5,),
    );
    assert_eq!(outer.result().unwrap(), 5);
}

#[test]
fn what_is_done_comes_first_inside_a_task_too() {
    for threads in [1, 2] {
        let client = client(threads);
        let door = Door::default();
        let (inner, at) = (client.clone(), door.clone());
        let outer = client.submit(
            move |many: i64| {
                let slow = (threads > 1).then(|| behind(&inner, &at));
                let all = slow.into_iter().chain(inner.map(inc, 0..many));
                let mut came = Vec::new();
                for future in as_completed(all) {
                    came.push(future.result()?);
                    if came.len() as i64 == many {
                        at.open();
                    }
                }
                Ok::<_, partita::Error>(came)
            },
            (20,),
        );
        let mut came = outer.result_timeout(Duration::from_secs(30)).unwrap();
        if threads > 1 {
            assert_eq!(came.pop(), Some(41));
        }
        came.sort_unstable();
        assert_eq!(came, (1..=20).collect::<Vec<i64>>());
    }
}

#[test]
fn a_task_that_iterates_over_itself_ends() {
    let client = client(1);
    let own: Arc<Mutex<Option<Future<i64>>>> = Arc::default();
    let known = own.clone();
    let task = client.task().pure(false).submit(
        move |x: i64| {
            let own = loop {
                if let Some(own) = known.lock().unwrap().take() {
                    break own;
                }
                std::thread::yield_now();
            };
            let error = as_completed([own]).next().unwrap().result().unwrap_err();
            assert!(error.to_string().contains("needs its own"), "{error}");
            x
        },
        (3,),
    );
    *own.lock().unwrap() = Some(task.clone());
    assert_eq!(task.result().unwrap(), 3);
}

#[test]
fn waiting_inside_a_task_is_linear() {
    let client = client(1);
    let inner = client.clone();
    let many = 20_000;
    let outer = client.submit(move |n: i64| inner.submit(sum, (inner.map(inc, 0..n),)).result(), (many,));
    assert_eq!(outer.result().unwrap(), many * (many + 1) / 2);
    // ended ones, many at once
    let futures = client.map(inc, 0..40_000i64);
    client.gather(&futures).unwrap();
    assert_eq!(as_completed(futures).count(), 40_000);
    // a graph that is shared by many
    let chain = (0..1500).fold(delayed(|| 0i64).call(), |last, _| delayed(inc).call(last));
    let calls: Vec<Delayed<i64>> = (0..1500).map(|_| chain.clone()).collect();
    assert_eq!(client.gather(&client.map(inc, &calls)).unwrap(), vec![1501; 1500]);
}

fn counted(calls: &Arc<AtomicUsize>) -> Delayed<Table> {
    let calls = calls.clone();
    let load = move || {
        calls.fetch_add(1, Ordering::SeqCst);
        partita::read_parquet("data/trips.parquet")?.head(60)?.compute()
    };
    delayed(load).named("load").call()
}

#[test]
fn what_is_shared_is_computed_once() {
    let client = client(2);
    let calls = Arc::new(AtomicUsize::new(0));
    let base = counted(&calls);
    let rows: Vec<Delayed<usize>> = (0..6).map(|_| base.map(rows)).collect();
    assert_eq!(client.gather(&client.compute_all(&rows)).unwrap(), [60; 6]);
    assert_eq!(calls.load(Ordering::SeqCst), 1);

    calls.store(0, Ordering::SeqCst);
    let base = counted(&calls);
    let part = |i: usize| {
        base.map(move |table: Table| -> Result<Table> {
            Ok(Table::new(table.schema().clone(), vec![table.to_batch()?.slice(0, 10 * (i + 1))]))
        })
    };
    let frame = DataFrame::from_delayed((0..6).map(part)).unwrap();
    assert_eq!((frame.len().unwrap(), frame.len().unwrap()), (210, 210));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[test]
fn clients_close_in_any_order() {
    let _guard = CURRENT.lock().unwrap();
    let first = Session::current().unwrap();
    let (one, other) = (client(1), client(1));
    assert!(Session::current().unwrap().is_same(other.session()));
    one.close();
    assert!(Session::current().unwrap().is_same(other.session()));
    other.close();
    let now = Session::current().unwrap();
    assert!(!now.is_same(one.session()) && !now.is_same(other.session()));
    drop(first);
}

/// Other tests open clients too.
static CURRENT: Mutex<()> = Mutex::new(());

#[test]
fn partitions_are_computed_where_they_are_asked_for() {
    let elsewhere = Session::builder().scheduler(Scheduler::Threads(1)).build().unwrap();
    let frame = elsewhere.read_parquet("data/trips.parquet").unwrap().repartition(4).unwrap();
    let client = client(2);
    let parts = frame.to_delayed().unwrap();
    let before = elsewhere.budget().peak();
    assert_eq!(client.gather(&client.map(rows, &parts)).unwrap().iter().sum::<usize>(), 20_000);
    assert!(client.session().budget().peak() > 0);
    assert_eq!(elsewhere.budget().peak(), before);
}

#[test]
fn scattered_values_count() {
    let small = LocalCluster::builder().threads_per_worker(1).memory_limit("20MB").start().unwrap();
    let client = Client::connect(&small).unwrap();
    let large = client.scatter(vec![0u8; 50_000_000]);
    let error = large.result().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Memory { .. }), "{error}");
    let fits = client.scatter(vec![1u8; 5_000_000]);
    assert!(client.session().budget().held() >= 5_000_000);
    assert_eq!(client.submit(|v: Vec<u8>| v.len() as i64, (&fits,)).result().unwrap(), 5_000_000);
    drop((fits, large));
    soon("given back", || client.session().budget().held() == 0);
}

#[test]
fn a_task_may_hold_its_client() {
    let one = client(1);
    let inner = one.clone();
    let future = one.submit(move |x: i64| inner.submit(inc, (x,)).result(), (1,));
    drop(one);
    assert_eq!(future.result().unwrap(), 2);
}
