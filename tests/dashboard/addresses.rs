//! Every address, who may ask, the port, the end.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use partita::watch::Dashboard;
use partita::{Client, LocalCluster, Scheduler, Session};

use crate::http::{Events, get, get_as};
use crate::work::{naps, open, session};

const NO_TIME: Duration = Duration::ZERO;

#[test]
fn every_panel_has_an_address_and_needs_nothing_from_elsewhere() {
    let session = session(Scheduler::Threads(2));
    let dashboard = open(&session);
    let at = dashboard.address();
    assert_eq!(dashboard.link(), format!("http://{at}/status"));
    let root = get(at, "/");
    assert_eq!((root.status, root.header("location")), (307, "/status"));
    for panel in ["status", "tasks", "progress", "memory", "graph", "logs"] {
        let page = get(at, &format!("/{panel}"));
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"), "{panel}");
        assert!(page.header("content-security-policy").starts_with("default-src 'none'; script-src 'self'"));
        assert!(!page.body.contains("://"), "the page names an address elsewhere");
    }
    for name in
        ["app.js", "chart.js", "colors.js", "feed.js", "format.js", "panels.js", "stream.js", "style.css", "icon.svg"]
    {
        let asset = get(at, &format!("/assets/{name}"));
        assert_eq!(asset.status, 200, "{name}");
        assert!(!asset.body.replace("http://www.w3.org/2000/svg", "").contains("://"), "{name}");
    }
    for nowhere in ["/assets/no.js", "/assets/..%2fmod.rs", "/api/v2", "/nothing"] {
        assert_eq!(get(at, nowhere).status, 404, "{nowhere}");
    }
}

#[test]
fn all_schedulers_are_seen() {
    for scheduler in [Scheduler::Synchronous, Scheduler::Threads(1), Scheduler::Threads(3)] {
        let session = session(scheduler);
        let dashboard = open(&session);
        let at = dashboard.address();
        assert_eq!(naps(&session, 20, NO_TIME, None).unwrap(), 20);

        let operations = get(at, "/api/v1/operations").json();
        let done: u64 = operations.as_array().unwrap().iter().map(|o| o["done"].as_u64().unwrap()).sum();
        let tasks = get(at, "/api/v1/tasks?since=0&limit=7").json();
        assert_eq!(tasks["tasks"].as_array().unwrap().len(), 7);
        let rest = get(at, &format!("/api/v1/tasks?since={}", tasks["next"])).json();
        assert_eq!(rest["tasks"].as_array().unwrap().len() as u64 + 7, done, "{scheduler:?}");
        assert_eq!(rest["tasks"][0]["number"], 7);
        let runs = get(at, "/api/v1/runs").json();
        assert_eq!((&runs[0]["state"], &runs[0]["failed"]), (&"done".into(), &0.into()));
        let graph = get(at, "/api/v1/graph").json();
        assert_eq!(graph["nodes"].as_array().unwrap().len() as u64, runs[0]["tasks"].as_u64().unwrap());
        assert!(graph["nodes"].as_array().unwrap().iter().all(|n| n["state"] == "done"));
        let summary = get(at, "/api/v1/summary").json();
        assert_eq!(summary["about"]["threads"], session.threads());
        assert_eq!((&summary["memory"]["limit"], &summary["totals"]["done"]), (&200_000_000.into(), &done.into()));
        assert_eq!(get(at, "/api/v1/running").json().as_array().unwrap().len(), 0);
        assert!(get(at, "/api/v1").json()["/metrics"].is_string());
        let drawing = get(at, "/api/v1/graph.svg");
        assert!(matches!(drawing.status, 200 | 204), "{}", drawing.status);
    }
}

#[test]
fn prometheus_reads_the_figures() {
    let session = session(Scheduler::Threads(2));
    let dashboard = open(&session);
    naps(&session, 5, NO_TIME, None).unwrap();
    naps(&session, 5, NO_TIME, Some(3)).unwrap_err();
    let page = get(dashboard.address(), "/metrics");
    assert_eq!(page.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let value = |name: &str| {
        let line = page.body.lines().find(|l| l.strip_prefix(name).is_some_and(|l| l.starts_with(' ')));
        line.and_then(|l| l.rsplit(' ').next()).and_then(|v| v.parse::<f64>().ok())
    };
    let failed = page.body.lines().filter(|l| l.contains("state=\"failed\"}") && l.starts_with("partita_tasks_total"));
    assert_eq!(failed.filter(|l| l.ends_with(" 1")).count(), 1, "{}", page.body);
    assert_eq!(value("partita_runs_total{state=\"done\"}"), Some(1.0));
    assert_eq!(value("partita_runs_total{state=\"failed\"}"), Some(1.0));
    assert_eq!(value("partita_runs"), Some(0.0));
    assert_eq!(value("partita_memory_limit_bytes"), Some(2e8));
    assert_eq!(value("partita_memory_held_bytes"), Some(session.budget().held() as f64));
    assert!(value("process_cpu_seconds_total").is_none_or(|s| s > 0.0));
    // each name is explained once, before its lines
    for line in page.body.lines().filter(|l| !l.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        assert_eq!(page.body.matches(&format!("# TYPE {name} ")).count(), 1, "{name}");
    }
}

#[test]
fn errors_are_in_the_logs_with_their_text() {
    let session = session(Scheduler::Threads(1));
    let dashboard = open(&session);
    naps(&session, 5, NO_TIME, Some(3)).unwrap_err();
    let logs = get(dashboard.address(), "/api/v1/logs").json();
    let texts: Vec<String> = logs["logs"].as_array().unwrap().iter().map(|l| format!("{} {}", l[1], l[2])).collect();
    assert!(texts.iter().any(|t| t.starts_with("\"error\"") && t.contains("<b>not</b> wanted")), "{texts:?}");
    assert!(texts.iter().any(|t| t.contains("failed after")), "{texts:?}");
    let later = get(dashboard.address(), &format!("/api/v1/logs?since={}", logs["next"])).json();
    assert_eq!(later["logs"].as_array().unwrap().len(), 0);
}

#[test]
fn changes_come_as_they_happen_and_go_on_after_a_break() {
    let session = session(Scheduler::Threads(2));
    let dashboard = open(&session);
    let at = dashboard.address();
    let number = |told: &serde_json::Value| told["tasks"].as_array().map_or(0, Vec::len);
    let mut events = Events::open(at, "/api/v1/stream", None);
    let (_, first) = events.next().unwrap();
    assert_eq!((number(&first), &first["about"]["threads"]), (0, &2.into()));
    naps(&session, 30, NO_TIME, None).unwrap();
    let all = session_tasks(at);
    let (mut seen, mut last) = (0, String::new());
    for (id, told) in events.by_ref() {
        seen += number(&told);
        last = id;
        if seen >= all {
            break;
        }
    }
    assert_eq!(seen, all);
    drop(events);
    naps(&session, 10, NO_TIME, None).unwrap();
    let (_, told) = Events::open(at, "/api/v1/stream", Some(&last)).next().unwrap();
    assert_eq!(number(&told), session_tasks(at) - all, "only what is not known yet");
    let once = get(at, &format!("/api/v1/changes?since={last}")).json();
    assert_eq!(number(&once), session_tasks(at) - all);
}

fn session_tasks(at: std::net::SocketAddr) -> usize {
    get(at, "/api/v1/summary").json()["totals"]["done"].as_u64().unwrap() as usize
}

#[test]
fn names_of_others_are_not_answered() {
    let session = session(Scheduler::Synchronous);
    let dashboard = Dashboard::builder().address("127.0.0.1:0").allow_host("Lab.Example").start(&session).unwrap();
    let at = dashboard.address();
    for path in ["/status", "/metrics", "/api/v1/stream", "/assets/app.js"] {
        assert_eq!(get_as(at, path, "evil.example").status, 403, "{path}");
        assert_eq!(get_as(at, path, &format!("evil.example:{}", at.port())).status, 403, "{path}");
    }
    for host in ["localhost", "127.0.0.1", "[::1]:80", "lab.example:443"] {
        assert_eq!(get_as(at, "/status", host).status, 200, "{host}");
    }
}

#[test]
fn a_taken_port_is_a_warning() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let session = session(Scheduler::Synchronous);
    let dashboard = Dashboard::builder().address(format!("127.0.0.1:{port}")).start(&session).unwrap();
    let free = dashboard.address().port();
    assert_ne!(free, port);
    let text = format!(
        "Port {port} is already in use.\nPerhaps you already have a cluster running?\n\
         Hosting the HTTP server on port {free} instead"
    );
    assert_eq!(dashboard.warning(), Some(text.as_str()));
    assert!(get(dashboard.address(), "/api/v1/logs").json().to_string().contains("is already in use"));
    let error = Dashboard::builder().address("nonsense").start(&session).unwrap_err().to_string();
    assert_eq!(
        error,
        "failed to open the dashboard: `nonsense` is no address to listen at; give an address and a port, for example \
         127.0.0.1:8787"
    );
}

#[test]
fn a_dashboard_of_a_session_or_a_cluster_tells_its_warning_too() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let how = || Dashboard::builder().address(taken.local_addr().unwrap().to_string());
    let session = Session::builder().threads(1).dashboard(how()).build().unwrap();
    assert!(session.dashboard().unwrap().warning().unwrap().contains("is already in use"));
    let cluster = LocalCluster::builder().threads_per_worker(1).dashboard(how()).start().unwrap();
    let dashboard = cluster.dashboard().unwrap();
    assert!(dashboard.warning().unwrap().contains("is already in use"));
    let shown = format!("', dashboard='{}', workers=1, threads=1, memory=", dashboard.link());
    assert!(cluster.to_string().contains(&shown), "{cluster}");
}

#[test]
fn the_warning_is_on_standard_error_where_nobody_subscribes() {
    // in a process of its own, whose standard error can be read
    const INSIDE: &str = "PARTITA_TEST_TAKEN_PORT";
    if let Ok(address) = std::env::var(INSIDE) {
        drop(Dashboard::builder().address(address).start(&session(Scheduler::Synchronous)).unwrap());
        return;
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut inside = std::process::Command::new(std::env::current_exe().unwrap());
    let name = "addresses::the_warning_is_on_standard_error_where_nobody_subscribes";
    let inside = inside.args([name, "--exact", "--nocapture"]).env(INSIDE, taken.local_addr().unwrap().to_string());
    let said = String::from_utf8(inside.output().unwrap().stderr).unwrap();
    assert_eq!(said.matches("is already in use.").count(), 1, "{said}");
}

#[test]
fn it_is_gone_when_it_is_dropped() {
    let session = session(Scheduler::Threads(1));
    let dashboard = open(&session);
    let at = dashboard.address();
    let mut listening = TcpStream::connect(at).unwrap();
    let events = Events::open(at, "/api/v1/stream", None);
    let begun = Instant::now();
    drop(dashboard);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(TcpStream::connect(at).is_err());
    assert!(matches!(listening.read(&mut [0; 8]), Ok(0) | Err(_)), "open connections end");
    assert!(events.count() < 10);
    naps(&session, 3, NO_TIME, None).unwrap();
}

#[test]
fn a_cluster_says_where_its_dashboard_is() {
    let cluster = LocalCluster::builder().dashboard(Dashboard::builder().address("127.0.0.1:0")).start().unwrap();
    let link = cluster.dashboard_link().unwrap();
    assert!(cluster.to_html().contains(&link), "{}", cluster.to_html());
    let client = Client::connect(&cluster).unwrap();
    assert_eq!(client.submit(|x: i64| x + 1, (10,)).result().unwrap(), 11);
    let at = link.strip_prefix("http://").unwrap().strip_suffix("/status").unwrap().parse().unwrap();
    assert_eq!(session_tasks(at), 1);
}

#[test]
fn a_session_can_have_one_of_its_own() {
    let builder = Dashboard::builder().address("127.0.0.1:0");
    let session = Session::builder().threads(1).dashboard(builder).build().unwrap();
    let link = session.dashboard_link().unwrap();
    let at = link.strip_prefix("http://").unwrap().strip_suffix("/status").unwrap().parse().unwrap();
    naps(&session, 3, NO_TIME, None).unwrap();
    assert_eq!(get(at, "/api/v1/runs").json().as_array().unwrap().len(), 1);
    drop(session);
    assert!(TcpStream::connect(at).is_err(), "it must not keep the session alive");
    assert_eq!(Session::builder().threads(1).build().unwrap().dashboard_link(), None);
}
