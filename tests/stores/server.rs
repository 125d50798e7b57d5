//! A server that speaks as much HTTP and S3 as is needed, and fails as it is told. Plain threads, a connection each.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// What the server does wrong. Each is asked for once for every request that it may concern.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// So many requests get the answer 503 first.
    pub busy: usize,
    /// This status, always.
    pub refuse: Option<u16>,
    /// Connections are closed behind so many bytes of an answer, its head included …
    pub drop_after: Option<usize>,
    /// … so many times.
    pub drops: usize,
    /// Answers are shorter than they say, without an end of the connection: the rest is missing, and the length fits.
    pub truncate: usize,
    /// Each answer waits.
    pub latency: Duration,
    /// A byte of the body at a time, with such pauses.
    pub drip: Option<Duration>,
    /// Requests for ranges are answered with the whole.
    pub no_ranges: bool,
    /// There is no HEAD.
    pub no_head: bool,
    /// Objects have no ETag.
    pub no_tags: bool,
    /// `If-Match` is not looked at.
    pub ignore_match: bool,
    /// Each part of an upload gets 500, so many times.
    pub bad_parts: usize,
    /// Uploads to names that end so are lost when they are to be completed.
    pub lost: Option<String>,
    /// Files appear, but the answer says that there is no such upload.
    pub denied: bool,
}

#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    /// With the query.
    pub path: String,
    pub headers: BTreeMap<String, String>,
}

type Upload = (String, BTreeMap<u32, Vec<u8>>);

pub struct World {
    /// By bucket/key.
    pub objects: BTreeMap<String, (Vec<u8>, u64)>,
    pub uploads: BTreeMap<String, Upload>,
    pub faults: Faults,
    pub asked: Vec<Asked>,
    versions: u64,
}

/// The server. It ends when this is dropped.
pub struct Server {
    pub at: SocketAddr,
    world: Arc<Mutex<World>>,
    stop: Arc<AtomicBool>,
    open: Arc<AtomicUsize>,
}

impl Server {
    pub fn new() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let world = World {
            objects: BTreeMap::new(),
            uploads: BTreeMap::new(),
            faults: Faults::default(),
            asked: Vec::new(),
            versions: 0,
        };
        let server = Server { at, world: Arc::new(Mutex::new(world)), stop: Arc::default(), open: Arc::default() };
        let (world, stop, open) = (server.world.clone(), server.stop.clone(), server.open.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(stream), world, open) = (stream, world.clone(), open.clone()) else { continue };
                std::thread::spawn(move || {
                    open.fetch_add(1, Ordering::Relaxed);
                    serve(stream, &world);
                    open.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
        server
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub fn fail(&self, faults: Faults) {
        self.world().faults = faults;
    }

    /// Puts an object there: `bucket/key`.
    pub fn put(&self, name: &str, bytes: impl Into<Vec<u8>>) {
        self.world().put(name, bytes.into());
    }

    /// The address of a file on the web server that this is, too.
    pub fn http(&self, name: &str) -> String {
        format!("http://{}/{name}", self.at)
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.at)
    }

    /// How often it was asked so, and forgets it.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.world().asked)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // wakes who waits for a connection
        let _ = TcpStream::connect(self.at);
    }
}

impl World {
    pub fn put(&mut self, name: &str, bytes: Vec<u8>) {
        self.versions += 1;
        self.objects.insert(name.to_string(), (bytes, self.versions));
    }

    pub fn names(&self) -> Vec<&str> {
        self.objects.keys().map(String::as_str).collect()
    }
}

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// What the length says, when it is not that of the body.
    length: Option<usize>,
}

impl Answer {
    fn new(status: u16, body: impl Into<Vec<u8>>) -> Answer {
        Answer { status, headers: Vec::new(), body: body.into(), length: None }
    }

    fn error(status: u16, code: &str) -> Answer {
        Answer::new(status, format!("<Error><Code>{code}</Code><Message>so it is</Message></Error>"))
    }

    fn with(mut self, name: &str, value: impl ToString) -> Answer {
        self.headers.push((name.into(), value.to_string()));
        self
    }
}

fn serve(stream: TcpStream, world: &Mutex<World>) {
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut out = stream;
    while let Some((asked, body)) = request(&mut reader) {
        let (answer, faults, dropped) = {
            let mut world = world.lock().unwrap();
            world.asked.push(asked.clone());
            let answer = answer(&mut world, &asked, body);
            let dropped = world.faults.drops > 0 && world.faults.drop_after.is_some();
            world.faults.drops -= usize::from(dropped);
            (answer, world.faults.clone(), dropped)
        };
        std::thread::sleep(faults.latency);
        let length = answer.length.unwrap_or(answer.body.len());
        let mut bytes = format!("HTTP/1.1 {} Said\r\nContent-Length: {length}\r\n", answer.status).into_bytes();
        for (name, value) in &answer.headers {
            bytes.extend(format!("{name}: {value}\r\n").bytes());
        }
        bytes.extend(b"\r\n");
        let head = bytes.len();
        if asked.method != "HEAD" {
            bytes.extend(&answer.body);
        }
        if let (true, Some(after)) = (dropped, faults.drop_after.filter(|n| *n < bytes.len())) {
            let _ = out.write_all(&bytes[..after]);
            return;
        }
        if let Some(pause) = faults.drip {
            let _ = out.write_all(&bytes[..head]);
            for byte in &bytes[head..] {
                if out.write_all(&[*byte]).is_err() {
                    return;
                }
                std::thread::sleep(pause);
            }
        } else if out.write_all(&bytes).is_err() {
            return;
        }
    }
}

fn request(reader: &mut BufReader<TcpStream>) -> Option<(Asked, Vec<u8>)> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_string(), words.next()?.to_string());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_string());
    }
    let mut body = Vec::new();
    if let Some(length) = headers.get("content-length").and_then(|l| l.parse().ok()) {
        body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
    } else if headers.get("transfer-encoding").is_some_and(|t| t == "chunked") {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size).ok()?;
            let size = usize::from_str_radix(size.trim(), 16).ok()?;
            let mut piece = vec![0; size + 2];
            reader.read_exact(&mut piece).ok()?;
            body.extend(&piece[..size]);
            if size == 0 {
                break;
            }
        }
    }
    Some((Asked { method, path, headers }, body))
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        if *first == b'%' && after.len() >= 2 {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&after[..2]).unwrap(), 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(if *first == b'+' { b' ' } else { *first });
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn answer(world: &mut World, asked: &Asked, body: Vec<u8>) -> Answer {
    if let Some(status) = world.faults.refuse {
        return Answer::error(status, "AccessDenied").with("x-amz-bucket-region", "eu-north-1");
    }
    if world.faults.busy > 0 {
        world.faults.busy -= 1;
        return Answer::error(503, "SlowDown");
    }
    let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
    let name = decoded(path.trim_start_matches('/'));
    let query: BTreeMap<String, String> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(k, v)| (decoded(k), decoded(v)))
        .collect();
    match asked.method.as_str() {
        "HEAD" if world.faults.no_head => Answer::new(405, ""),
        "GET" if query.contains_key("list-type") && name.starts_with("no-bucket") => Answer::error(404, "NoSuchBucket"),
        "GET" if query.contains_key("list-type") => listing(world, &name, &query),
        "GET" | "HEAD" => object(world, &name, asked),
        "PUT" if query.contains_key("partNumber") => part(world, &query, body),
        "PUT" => put(world, &name, asked, body),
        "POST" if query.contains_key("uploads") => {
            let id = format!("upload-{}", world.uploads.len() + 1);
            world.uploads.insert(id.clone(), (name.clone(), BTreeMap::new()));
            let (bucket, key) = name.split_once('/').unwrap();
            Answer::new(
                200,
                format!(
                    "<InitiateMultipartUploadResult><Bucket>{bucket}</Bucket><Key>{key}</Key><UploadId>{id}</UploadId>\
                     </InitiateMultipartUploadResult>"
                ),
            )
        }
        "POST" if query.contains_key("uploadId") => complete(world, &query, asked),
        "POST" if query.contains_key("delete") => delete_many(world, &name, &body),
        "DELETE" if query.contains_key("uploadId") => {
            world.uploads.remove(&query["uploadId"]);
            Answer::new(204, "")
        }
        "DELETE" => {
            world.objects.remove(&name);
            Answer::new(204, "")
        }
        _ => Answer::error(501, "NotImplemented"),
    }
}

fn put(world: &mut World, name: &str, asked: &Asked, body: Vec<u8>) -> Answer {
    if asked.headers.get("if-none-match").is_some_and(|m| m == "*") && world.objects.contains_key(name) {
        return Answer::error(412, "PreconditionFailed");
    }
    let body = match asked.headers.get("x-amz-copy-source") {
        Some(source) => match world.objects.get(decoded(source).trim_start_matches('/')) {
            Some((bytes, _)) => bytes.clone(),
            None => return Answer::error(404, "NoSuchKey"),
        },
        None => body,
    };
    world.put(name, body);
    let tag = world.versions;
    let text = format!("<CopyObjectResult><ETag>\"v{tag}\"</ETag></CopyObjectResult>");
    Answer::new(200, if asked.headers.contains_key("x-amz-copy-source") { text } else { String::new() })
        .with("ETag", format!("\"v{tag}\""))
}

fn part(world: &mut World, query: &BTreeMap<String, String>, body: Vec<u8>) -> Answer {
    if world.faults.bad_parts > 0 {
        world.faults.bad_parts -= 1;
        return Answer::error(500, "InternalError");
    }
    let number: u32 = query["partNumber"].parse().unwrap();
    match world.uploads.get_mut(&query["uploadId"]) {
        Some((_, parts)) => {
            parts.insert(number, body);
            Answer::new(200, "").with("ETag", format!("\"p{number}\""))
        }
        None => Answer::error(404, "NoSuchUpload"),
    }
}

fn complete(world: &mut World, query: &BTreeMap<String, String>, asked: &Asked) -> Answer {
    let Some((name, parts)) = world.uploads.get(&query["uploadId"]).cloned() else {
        return Answer::error(404, "NoSuchUpload");
    };
    if asked.headers.get("if-none-match").is_some_and(|m| m == "*") && world.objects.contains_key(&name) {
        return Answer::error(412, "PreconditionFailed");
    }
    world.uploads.remove(&query["uploadId"]);
    if world.faults.lost.as_ref().is_some_and(|end| name.ends_with(end)) {
        return Answer::error(404, "NoSuchUpload");
    }
    world.put(&name, parts.into_values().flatten().collect());
    if world.faults.denied {
        return Answer::error(404, "NoSuchUpload");
    }
    let (bucket, key) = name.split_once('/').unwrap();
    let tag = world.versions;
    Answer::new(
        200,
        format!(
            "<CompleteMultipartUploadResult><Bucket>{bucket}</Bucket><Key>{key}</Key><ETag>\"v{tag}\"</ETag>\
             </CompleteMultipartUploadResult>"
        ),
    )
}

fn delete_many(world: &mut World, bucket: &str, body: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(body);
    let mut said = String::from("<DeleteResult>");
    for piece in text.split("<Key>").skip(1) {
        let key = piece.split("</Key>").next().unwrap();
        world.objects.remove(&format!("{}/{key}", bucket.trim_end_matches('/')));
        said += &format!("<Deleted><Key>{key}</Key></Deleted>");
    }
    Answer::new(200, said + "</DeleteResult>")
}

/// Lists of two objects a page, so that pages are turned.
fn listing(world: &World, bucket: &str, query: &BTreeMap<String, String>) -> Answer {
    let bucket = format!("{}/", bucket.trim_end_matches('/'));
    let empty = String::new();
    let prefix = query.get("prefix").unwrap_or(&empty);
    let after = query.get("continuation-token").or(query.get("start-after")).unwrap_or(&empty);
    let (mut keys, mut folders, mut truncated) = (Vec::new(), Vec::new(), false);
    for (name, (bytes, version)) in &world.objects {
        let Some(key) = name.strip_prefix(&bucket).filter(|k| k.starts_with(prefix.as_str())) else { continue };
        if !after.is_empty() && key <= after.as_str() {
            continue;
        }
        let rest = &key[prefix.len()..];
        if let (Some(delimiter), true) = (query.get("delimiter"), rest.contains('/')) {
            let folder = format!("{prefix}{}{delimiter}", rest.split('/').next().unwrap());
            if !folders.contains(&folder) {
                folders.push(folder);
            }
            continue;
        }
        if keys.len() == 2 {
            truncated = true;
            break;
        }
        keys.push((key.to_string(), bytes.len(), *version));
    }
    let mut text = format!("<ListBucketResult><IsTruncated>{truncated}</IsTruncated>");
    if let (true, Some((last, ..))) = (truncated, keys.last()) {
        text += &format!("<NextContinuationToken>{last}</NextContinuationToken>");
    }
    for (key, size, version) in keys {
        let escaped = key.replace('&', "&amp;");
        text += &format!(
            "<Contents><Key>{escaped}</Key><Size>{size}</Size><ETag>\"v{version}\"</ETag>\
             <LastModified>2023-01-01T00:00:00.000Z</LastModified></Contents>"
        );
    }
    for folder in folders {
        text += &format!("<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>");
    }
    Answer::new(200, text + "</ListBucketResult>")
}

fn object(world: &mut World, name: &str, asked: &Asked) -> Answer {
    let faults = world.faults.clone();
    let Some((bytes, version)) = world.objects.get(name) else { return Answer::error(404, "NoSuchKey") };
    let tag = format!("\"v{version}\"");
    if !faults.ignore_match && asked.headers.get("if-match").is_some_and(|m| *m != tag) {
        return Answer::error(412, "PreconditionFailed");
    }
    let range = asked.headers.get("range").filter(|_| !faults.no_ranges).and_then(|r| {
        let (start, end) = r.strip_prefix("bytes=")?.split_once('-')?;
        let (start, end): (usize, usize) = (start.parse().ok()?, end.parse().unwrap_or(bytes.len() - 1));
        Some((start, (end + 1).min(bytes.len())))
    });
    let mut answer = match range {
        Some((start, end)) if start >= end => Answer::error(416, "InvalidRange"),
        Some((start, end)) => Answer::new(206, &bytes[start..end])
            .with("Content-Range", format!("bytes {start}-{}/{}", end - 1, bytes.len())),
        None => Answer::new(200, &bytes[..]),
    };
    if !faults.no_tags {
        answer = answer.with("ETag", tag);
    }
    if asked.method == "GET" && faults.truncate > 0 && answer.body.len() > 1 {
        world.faults.truncate -= 1;
        let half = answer.body.len() / 2;
        answer.body.truncate(half);
    }
    if asked.method == "HEAD" {
        answer.length = Some(answer.body.len());
    }
    answer.with("Last-Modified", "Sun, 01 Jan 2023 00:00:00 GMT").with("Accept-Ranges", "bytes")
}
