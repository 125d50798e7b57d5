//! The page in a real browser, if there is one: headless Chromium, spoken to by its DevTools protocol.
//!
//! It is looked for in `PARTITA_BROWSER` (which must hold one, then) and among the programs that are installed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use partita::Scheduler;
use serde_json::{Value, json};

use crate::http;
use crate::work::{naps, open, session};

const NAMES: [&str; 5] =
    ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

fn browser() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("PARTITA_BROWSER") {
        assert!(Path::new(&named).is_file(), "PARTITA_BROWSER is {named:?}, where no browser is");
        return Some(named.into());
    }
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    NAMES.iter().flat_map(|name| folders.iter().map(move |f| f.join(name))).find(|p| p.is_file())
}

/// A browser with one page. It ends when this is dropped.
struct Browser {
    child: Child,
    _profile: tempfile::TempDir,
    socket: BufReader<TcpStream>,
    asked: u64,
    complaints: Vec<String>,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // the program may be a script that has started the browser: all of its group ends
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Browser {
    fn open(program: &Path) -> Browser {
        let profile = tempfile::tempdir().unwrap();
        let mut child = Command::new(program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--remote-debugging-port=0",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let listens =
            lines.by_ref().map_while(Result::ok).find_map(|line| Some(line.split_once("ws://")?.1.to_string()));
        // who does not read what it says makes it wait
        std::thread::spawn(move || lines.for_each(drop));
        let at: SocketAddr = listens.expect("the browser does not listen").split('/').next().unwrap().parse().unwrap();
        let pages = http::get(at, "/json/list").json();
        let page = pages.as_array().unwrap().iter().find(|p| p["type"] == "page").expect("the browser has no page");
        let path = page["webSocketDebuggerUrl"].as_str().unwrap().split_once(&at.to_string()).unwrap().1.to_string();
        let mut browser =
            Browser { child, _profile: profile, socket: shake_hands(at, &path), asked: 0, complaints: vec![] };
        for domain in ["Runtime.enable", "Log.enable", "Page.enable"] {
            browser.call(domain, json!({}));
        }
        browser
    }

    /// Asks and waits for the answer; what the page complains of meanwhile is kept.
    fn call(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        send(self.socket.get_mut(), &json!({ "id": self.asked, "method": method, "params": params }).to_string());
        loop {
            let told: Value = serde_json::from_slice(&receive(&mut self.socket)).unwrap();
            if told["method"] == "Runtime.exceptionThrown" {
                self.complaints.push(told["params"]["exceptionDetails"].to_string());
            } else if told["method"] == "Log.entryAdded" && told["params"]["entry"]["level"] == "error" {
                self.complaints.push(told["params"]["entry"].to_string());
            } else if told["id"] == self.asked {
                assert!(told["error"].is_null(), "{method}: {told}");
                return told["result"].clone();
            }
        }
    }

    fn value(&mut self, expression: &str) -> Value {
        let told = self.call("Runtime.evaluate", json!({ "expression": expression, "returnByValue": true }));
        told["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    fn wait_for(&mut self, expression: &str) {
        let begun = Instant::now();
        while self.value(expression) != true {
            assert!(begun.elapsed() < Duration::from_secs(60), "never: {expression}; {:?}", self.complaints);
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn go(&mut self, address: &str, width: u32) {
        let metrics = json!({ "width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.call("Emulation.setDeviceMetricsOverride", metrics);
        self.call("Page.navigate", json!({ "url": address }));
        self.wait_for(
            "document.readyState === 'complete' && document.querySelector('#live')?.classList.contains('on') === true",
        );
    }
}

/// A web socket, as RFC 6455 says; who speaks to oneself need not check the answer to the key.
fn shake_hands(at: SocketAddr, path: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {at}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    .unwrap();
    let mut socket = BufReader::new(stream);
    let mut line = String::new();
    while socket.read_line(&mut line).unwrap() > 2 {
        line.clear();
    }
    socket
}

fn send(stream: &mut TcpStream, text: &str) {
    let mut frame = vec![0x81];
    match text.len() {
        n @ 0..126 => frame.push(0x80 | n as u8),
        n @ 126..65536 => {
            frame.push(0x80 | 126);
            frame.extend((n as u16).to_be_bytes());
        }
        n => {
            frame.push(0x80 | 127);
            frame.extend((n as u64).to_be_bytes());
        }
    }
    // a mask of zeros is a mask
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    stream.write_all(&frame).unwrap();
}

fn receive(socket: &mut impl Read) -> Vec<u8> {
    let mut message = Vec::new();
    loop {
        let mut head = [0u8; 2];
        socket.read_exact(&mut head).unwrap();
        let length = match head[1] & 0x7f {
            126 => u64::from(u16::from_be_bytes(bytes(socket))),
            127 => u64::from_be_bytes(bytes(socket)),
            n => u64::from(n),
        };
        let mut part = vec![0; length as usize];
        socket.read_exact(&mut part).unwrap();
        // 0 and 1 are parts of a text; others are no message
        if head[0] & 0x0f <= 1 {
            message.extend(part);
            if head[0] & 0x80 != 0 {
                return message;
            }
        }
    }
}

fn bytes<const N: usize>(socket: &mut impl Read) -> [u8; N] {
    let mut bytes = [0; N];
    socket.read_exact(&mut bytes).unwrap();
    bytes
}

#[test]
fn the_task_stream_grows_in_a_browser() {
    let Some(program) = browser() else {
        eprintln!("no browser is installed: the page is not looked at");
        return;
    };
    let session = session(Scheduler::Threads(2));
    let dashboard = open(&session);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                naps(&session, 40, Duration::from_millis(2), None).unwrap();
            }
        });
        let looked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| look(&program, &dashboard.link())));
        stop.store(true, Ordering::Relaxed);
        looked.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

/// Numbers that only come from what was drawn.
const DRAWN: &str = "Number(document.getElementById('stream').dataset.drawn || 0)";

fn look(program: &Path, link: &str) {
    let mut browser = Browser::open(program);
    browser.go(link, 1280);
    browser.wait_for(&format!("{DRAWN} > 0"));
    let first = browser.value(DRAWN).as_u64().unwrap();
    browser.wait_for(&format!("{DRAWN} > {first}"));
    browser.wait_for("document.querySelectorAll('#operations [role=progressbar]').length > 0");
    browser.wait_for("document.querySelectorAll('#log li').length > 0");

    // paused, it stands still; a key steps from task to task
    browser.value("document.getElementById('pause').click()");
    let key = "document.getElementById('stream').dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter' }))";
    browser.value(key);
    browser.wait_for("document.getElementById('detail').textContent.includes('map_partitions')");

    for panel in ["status", "tasks", "progress", "memory", "graph", "logs"] {
        browser.go(&link.replace("status", panel), 390);
        browser.wait_for("document.documentElement.scrollWidth <= 390");
        let current = browser.value("document.querySelector('nav [aria-current]').textContent.toLowerCase()");
        assert_eq!(current, *panel);
    }
    assert!(browser.complaints.is_empty(), "{:?}", browser.complaints);
}
