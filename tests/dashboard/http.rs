//! A plain HTTP client, as small as it can be.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub struct Answer {
    pub status: u16,
    pub headers: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        let lines = self.headers.lines().filter_map(|l| l.split_once(':'));
        lines.filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim()).next().unwrap_or_default()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }
}

fn ask(at: SocketAddr, path: &str, host: &str, more: &str) -> TcpStream {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\n{more}Connection: close\r\n\r\n").unwrap();
    stream
}

pub fn get_as(at: SocketAddr, path: &str, host: &str) -> Answer {
    let mut stream = BufReader::new(ask(at, path, host, ""));
    let mut answer = Answer { status: 0, headers: String::new(), body: String::new() };
    while !answer.headers.ends_with("\r\n\r\n") {
        assert_ne!(stream.read_line(&mut answer.headers).unwrap(), 0, "{path}: {}", answer.headers);
    }
    answer.status = answer.headers.split(' ').nth(1).unwrap().parse().unwrap();
    // not every server closes the connection
    let length = answer.header("content-length").parse().unwrap_or(u64::MAX);
    stream.take(length).read_to_string(&mut answer.body).unwrap();
    answer
}

pub fn get(at: SocketAddr, path: &str) -> Answer {
    get_as(at, path, &at.to_string())
}

/// Server-sent events: their ids and what they say.
pub struct Events(BufReader<TcpStream>);

impl Events {
    pub fn open(at: SocketAddr, path: &str, last: Option<&str>) -> Events {
        let more = last.map_or(String::new(), |id| format!("Last-Event-ID: {id}\r\n"));
        Events(BufReader::new(ask(at, path, &at.to_string(), &more)))
    }
}

impl Iterator for Events {
    type Item = (String, serde_json::Value);

    fn next(&mut self) -> Option<Self::Item> {
        let (mut id, mut line) = (String::new(), String::new());
        loop {
            line.clear();
            if self.0.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(text) = line.trim_end().strip_prefix("id: ") {
                id = text.to_string();
            } else if let Some(text) = line.trim_end().strip_prefix("data: ") {
                return Some((id, serde_json::from_str(text).unwrap()));
            }
        }
    }
}
