//! What is seen of a cluster while it works.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use partita::exec::event::Key;
use partita::{Event, Observer};
use partita_cluster::WorkerState;

use super::*;

/// What was told of runs whose tasks are added: those on the cluster.
#[derive(Default)]
struct Seen(Mutex<BTreeMap<u64, Told>>);

#[derive(Clone, Debug, Default)]
struct Told {
    added: Vec<Key>,
    finished: Vec<Key>,
    /// When the first of them was told.
    first: Option<Instant>,
    ended: Option<(Instant, bool)>,
}

impl Observer for Seen {
    fn notice(&self, event: &Event<'_>) {
        let mut runs = self.0.lock().unwrap();
        match event {
            Event::RunStarted { run, tasks: 0, .. } => drop(runs.insert(*run, Told::default())),
            Event::TaskAdded { run, key, .. } => runs.entry(*run).or_default().added.push(*key),
            Event::TaskFinished { run, key, .. } => {
                let Some(told) = runs.get_mut(run) else { return };
                told.finished.push(*key);
                told.first = told.first.or(Some(Instant::now()));
            }
            Event::RunFinished { run, failed } => {
                let Some(told) = runs.get_mut(run) else { return };
                told.ended = Some((Instant::now(), *failed));
            }
            _ => {}
        }
    }
}

#[test]
fn who_watches_the_session_sees_the_tasks_of_the_cluster() {
    let folder = tempfile::tempdir().unwrap();
    let path = long(folder.path());
    let (cluster, seen, recorder) = (cluster(), Arc::new(Seen::default()), Arc::new(partita::Recorder::new()));
    let here = Session::builder().threads(2).observer(seen.clone()).observer(recorder.clone()).build().unwrap();
    let there = here.engine(cluster.client().engine());
    let trips = there.read_csv_with(&path, CsvOptions::new().block_size(1_000_000u64)).unwrap();
    let line = Arc::new(Mutex::new(Vec::new()));
    let bar = partita::ProgressBar::of(&here).output(Written(line.clone()));
    trips.groupby("PULocationID").unwrap().agg([col("fare_amount").sum()]).unwrap().compute().unwrap();
    drop(bar);
    let line = String::from_utf8(line.lock().unwrap().clone()).unwrap();
    assert!(line.contains("100% Completed"), "{line}");
    let runs: Vec<Told> = seen.0.lock().unwrap().values().cloned().collect();
    let [told] = &runs[..] else { panic!("{runs:#?}") };
    // all tasks, each of them once, and the first of them long before the last
    let partitions = trips.in_session(&here).npartitions().unwrap();
    assert!(partitions > 10 && told.added.len() > partitions);
    let (mut added, mut finished) = (told.added.clone(), told.finished.clone());
    added.sort();
    finished.sort();
    assert_eq!(added, finished);
    added.dedup();
    assert_eq!(added.len(), finished.len());
    let (ended, failed) = told.ended.unwrap();
    assert!(!failed && ended - told.first.unwrap() > Duration::from_millis(400));
    // what dashboards and reports are made of
    let operations = recorder.operations();
    let scan = operations.iter().find(|o| o.done == partitions as u64).unwrap();
    assert_eq!((scan.done, scan.running, scan.failed), (partitions as u64, 0, 0), "{operations:?}");
    assert!(scan.busy > Duration::from_millis(500) && scan.rows > 0, "{scan:?}");
}

/// A text in memory.
struct Written(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Listens on a free port, and answers as a scheduler of this name would.
fn stranger(name: &str) -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let body = format!("{{\"scheduler_id\":\"{name}\"}}");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            use std::io::{Read, Write};
            let mut stream = stream.unwrap();
            // who only looks whether somebody is there says nothing
            if stream.read(&mut [0; 1024]).is_ok_and(|bytes| bytes > 0) {
                write!(stream, "HTTP/1.0 200 OK\r\n\r\n{body}").unwrap();
            }
        }
    });
    address
}

#[test]
fn builds_do_not_mix() {
    let error = Client::connect(stranger("partita 0.0.1+1234 127.0.0.1:1").to_string()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Invalid { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("0.0.1+1234") && text.contains(partita_cluster::BUILD) && text.contains("one build"),
        "{text}"
    );
    let error = Client::connect(stranger("48ae9244-1df8-49b3-ad9e-5390f08e1ff7").to_string()).unwrap_err().to_string();
    assert!(error.contains("none of partita-cluster"), "{error}");
    let address = stranger("partita 0.0.1+1234 127.0.0.1:1").to_string();
    let folder = tempfile::tempdir().unwrap();
    let worker = Command::new(env!("CARGO_BIN_EXE_partita-cluster"))
        .args(["worker", "--scheduler", &address, "--folder", folder.path().to_str().unwrap()])
        .output()
        .unwrap();
    let text = String::from_utf8(worker.stderr).unwrap();
    assert!(!worker.status.success() && text.contains("0.0.1+1234") && text.contains(partita_cluster::BUILD), "{text}");
}

#[test]
fn clients_may_be_used_in_a_foreign_runtime() {
    let cluster = cluster();
    let address = cluster.client().address().to_string();
    let foreign = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let expected = rows(&by_zone(&session()).unwrap().compute().unwrap());
    foreign().block_on(async {
        let client = Client::connect(&address).unwrap();
        client.wait_for_workers(2, Duration::from_secs(10)).unwrap();
        assert_eq!(client.workers().unwrap().len(), 2);
        // tasks run on the calling thread
        let here = Session::builder().scheduler(partita::Scheduler::Synchronous).build().unwrap();
        let there = here.engine(client.engine());
        assert_eq!(rows(&by_zone(&there).unwrap().compute().unwrap()), expected);
        assert!(features(&there).unwrap().describe().is_ok());
        assert!(client.jobs().unwrap().iter().any(|job| job.status == "Completed"));
    });
}

#[test]
fn a_worker_that_comes_while_a_query_runs_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = copies(folder.path(), 700);
    let builder = LocalCluster::builder().n_workers(1).threads_per_worker(1);
    let mut cluster = builder.program(env!("CARGO_BIN_EXE_partita-cluster")).start().unwrap();
    let here = session();
    let query = move |s: &Session| {
        let trips = s.read_csv_with(&path, CsvOptions::new().block_size(1_000_000u64))?;
        trips.groupby("PULocationID")?.agg([col("fare_amount").sum(), col("tip_amount").mean(), size()])
    };
    let there = here.engine(cluster.client().engine());
    let begun = Instant::now();
    let asked = query(&there).unwrap();
    let running = std::thread::spawn(move || rows(&asked.compute().unwrap()));
    std::thread::sleep(Duration::from_secs(2));
    cluster.scale(2).unwrap();
    let arrived = begun.elapsed();
    assert!(!running.is_finished());
    let found = running.join().unwrap();
    let tasks: Vec<usize> =
        cluster.logs().unwrap()[1..].iter().map(|(_, log)| log.matches("Finished task").count()).collect();
    println!("arrived after {arrived:?}, done after {:?}, tasks: {tasks:?}", begun.elapsed());
    assert!(tasks[0] > 0 && tasks[1] > 20, "{tasks:?}");
    assert_eq!(found, rows(&query(&here).unwrap().compute().unwrap()));
}

#[test]
fn a_cluster_says_how_it_is() {
    let builder = LocalCluster::builder().n_workers(2).threads_per_worker(3).memory_limit("1GB");
    let mut cluster = builder.program(env!("CARGO_BIN_EXE_partita-cluster")).start().unwrap();
    let address = cluster.client().address().to_string();
    let expected =
        format!("LocalCluster('{address}', jobs='http://{address}/api/jobs', workers=2, threads=6, memory=1.86 GiB)");
    assert_eq!(cluster.to_string(), expected);
    let html = cluster.to_html();
    assert!(
        html.contains("<td>953.67 MiB</td>") && html.contains("<td>1.86 GiB</td>") && html.contains(&address),
        "{html}"
    );
    assert_eq!(cluster.client().workers().unwrap()[0].threads, 3);
    let by_zone = by_zone(&session().engine(cluster.client().engine())).unwrap().compute().unwrap();
    assert!(by_zone.num_rows() > 0);
    kill(cluster.worker_processes()[1]);
    let begun = Instant::now();
    let status = loop {
        let status = cluster.status().unwrap();
        if status.workers[1].state == WorkerState::Ended && status.workers[0].memory.0 > 1 << 20 {
            break status;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{status}");
        std::thread::sleep(Duration::from_millis(100));
    };
    println!("{status}");
    assert_eq!(status.workers[0].state, WorkerState::Ready);
    assert!(status.jobs.len() == 1 && !status.jobs[0].is_open());
    let text = status.to_string();
    assert!(text.contains("worker-1") && text.contains("ready") && text.contains("ended"), "{text}");
    let logs = cluster.logs().unwrap();
    assert_eq!(logs.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), ["scheduler", "worker-1", "worker-2"]);
    for (name, text) in &logs {
        assert!(text.contains("INFO ballista"), "{name}: {text}");
    }
}

#[test]
fn what_a_process_said_before_it_ended_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    // a scheduler that starts, and workers that do not
    let real = env!("CARGO_BIN_EXE_partita-cluster");
    let script =
        format!("#!/bin/sh\nif [ $1 = worker ]; then echo no room for it >&2; exit 3; fi\nexec {real} \"$@\"\n");
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let error = LocalCluster::builder().program(&program).start().unwrap_err().to_string();
    assert!(error.contains("worker-1 has ended") && error.contains("no room for it"), "{error}");
    std::fs::write(&program, "#!/bin/sh\necho no port >&2\n").unwrap();
    let error = LocalCluster::builder().program(&program).start().unwrap_err().to_string();
    assert!(error.contains("the scheduler did not start: no port"), "{error}");
}

#[test]
fn a_worker_that_dies_after_a_stage_was_finished_costs_time_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("numbers.csv");
    // many groups: folding them takes longer than reading
    let lines: String = (0..400_000u64).map(|i| format!("{},{}\n", i * 7919 % 300_000, i % 100)).collect();
    std::fs::write(&path, format!("k,v\n{lines}")).unwrap();
    let path = path.to_str().unwrap().to_string();
    let (cluster, here) = (cluster(), session());
    let query = move |s: &Session| {
        let numbers = s.read_csv_with(&path, CsvOptions::new().block_size(500_000u64))?;
        numbers.groupby("k")?.agg([col("v").sum().alias("sum"), col("v").std(1).alias("std")])?.sum()
    };
    let asked = query(&here.engine(cluster.client().engine())).unwrap();
    let running = std::thread::spawn(move || rows(&asked.compute().unwrap()));
    // until what was read is folded
    let log = cluster.folder().join("worker-1.log");
    while !std::fs::read_to_string(&log).unwrap().contains("/1.0/") {
        assert!(!running.is_finished());
        std::thread::sleep(Duration::from_millis(5));
    }
    let begun = Instant::now();
    kill(cluster.worker_processes()[0]);
    let found = running.join().unwrap();
    println!("killed after a stage: {:?}, {:?}", begun.elapsed(), cluster.client().jobs().unwrap());
    assert!(begun.elapsed() < Duration::from_secs(60));
    assert_eq!(found, rows(&query(&here).unwrap().compute().unwrap()));
}
