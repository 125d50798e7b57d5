//! The rules of the house that a compiler does not know: which way paths point, how long files are, what things are
//! called, what is absent where. Each complaint names the file and the line.
//!
//! Every rule is a function of a file's name and text, so that the rules themselves are tested on small strings.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use code::{Reference, Source, Token, references, tree};

#[path = "tidy/code.rs"]
mod code;
#[path = "tidy/rules.rs"]
mod rules;

/// The layers: paths only point to a lower one. Two parts of one layer do not see each other.
const LAYERS: [(&str, u8); 12] = [
    ("base", 0),
    ("graph", 1),
    ("expr", 1),
    ("io", 2),
    ("exec", 2),
    ("plan", 3),
    ("ops", 4),
    ("session", 5),
    ("frame", 6),
    ("array", 6),
    ("delayed", 7),
    ("ml", 7),
];
/// Reading respects the budget and the cancel token of the task it happens in, and batches go to its room on disk.
const IO_SEES_OF_EXEC: [&str; 8] =
    ["TaskContext", "Budget", "Reservation", "Reclaim", "Cancel", "Spill", "SpillFile", "Extent"];
/// Whoever watches is told events.
const WATCH_SEES_OF_EXEC: [&str; 3] = ["Event", "Observer", "event"];
/// The world is put together from this layer on: only here may somebody be chosen who watches.
const SEES_WATCH_FROM: u8 = 5;

const MOST_LINES: usize = 800;

/// Words that say nothing, in names of files, modules, types and functions.
const EMPTY_WORDS: [&str; 8] = ["util", "utils", "helper", "helpers", "manager", "managers", "handler", "handlers"];

/// Parts that are functions of values, and what they must not know.
const PURE: [&str; 15] = [
    "src/base/schema.rs",
    "src/graph/",
    "src/exec/schedule.rs",
    "src/plan/",
    "src/ops/",
    "src/io/csv/split.rs",
    "src/io/csv/loose.rs",
    "src/io/csv/state.rs",
    "src/io/csv/separator.rs",
    "src/io/csv/time_format.rs",
    "src/io/csv/window.rs",
    "src/io/csv/parse.rs",
    "src/io/csv/infer.rs",
    "src/io/parquet/prune.rs",
    "src/io/parquet/partition.rs",
];
const IMPURE: [&str; 6] = ["std::fs", "std::net", "std::env", "std::process", "std::thread", "std::time"];

/// A rule that was broken, and where.
#[derive(Debug, PartialEq, Eq)]
struct Complaint {
    file: String,
    line: usize,
    what: String,
}

impl Source<'_> {
    fn complain(&self, line: usize, what: impl Into<String>) -> Complaint {
        Complaint { file: self.file.to_string(), line, what: what.into() }
    }
}

/// The names that the root of the crate shows, and where they come from.
fn faces(lib: &Source<'_>) -> BTreeMap<String, Vec<String>> {
    let mut found = Vec::new();
    for at in 0..lib.tokens.len() {
        if lib.word(at) == "pub" && lib.word(at + 1) == "use" {
            tree(lib, at + 2, &[], &mut found);
        }
    }
    found.into_iter().filter_map(|r| Some((r.path.last()?.clone(), r.path))).collect()
}

fn layer(part: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == part).map(|(_, layer)| *layer)
}

/// Arrows only go down.
fn arrows(source: &Source<'_>, faces: &BTreeMap<String, Vec<String>>) -> Vec<Complaint> {
    let module = source.module();
    let Some(from) = module.first() else { return Vec::new() };
    let mut complaints = Vec::new();
    for Reference { path, line } in references(source) {
        let path = match path.first().and_then(|name| faces.get(name)) {
            Some(real) => real.clone(),
            None => path,
        };
        if let Some(what) = wrong(from, &path) {
            complaints.push(source.complain(line, format!("`{}` {what}", path.join("::"))));
        }
    }
    complaints
}

/// Why `from` must not see `path`, if it must not.
fn wrong(from: &str, path: &[String]) -> Option<String> {
    let to = path.first().map_or("", String::as_str);
    let seen = path.get(1).map_or("*", String::as_str);
    if to == from {
        return None;
    }
    match (from, to) {
        ("io", "exec") if IO_SEES_OF_EXEC.contains(&seen) => return None,
        ("io", "exec") => {
            return Some("is more of `exec` than `io` may see: a task's context, budget, room on disk, cancel".into());
        }
        ("watch", "exec") if WATCH_SEES_OF_EXEC.contains(&seen) => return None,
        ("watch", "base") => return None,
        ("watch", _) => return Some("is out of sight of `watch`: it sees events and `base`".into()),
        _ => {}
    }
    let Some(own) = layer(from) else { return Some(format!("is named by `{from}`, which is in no layer")) };
    match (to, layer(to)) {
        ("watch", _) if own >= SEES_WATCH_FROM => None,
        (_, Some(other)) if other < own => None,
        (_, Some(other)) if other == own => Some(format!("points sideways: `{from}` does not see `{to}`")),
        (_, Some(_)) => Some(format!("points up: `{from}` does not see `{to}`")),
        (_, None) => Some(format!("points to `{to}`, which is in no layer")),
    }
}

/// The parts of the house are those of the design, and no others.
fn rooms(file: &str) -> Option<Complaint> {
    let inside = file.strip_prefix("src/")?;
    let part = inside.split('/').next()?;
    let part = part.strip_suffix(".rs").unwrap_or(part);
    let known = layer(part).is_some() || ["lib", "watch"].contains(&part);
    let what = format!("`{part}` is in no layer: find it a place in one");
    (!known).then(|| Complaint { file: file.to_string(), line: 1, what })
}

fn length(source: &Source<'_>) -> Option<Complaint> {
    let lines = source.text.lines().count();
    (lines > MOST_LINES).then(|| source.complain(lines, format!("{lines} lines, more than {MOST_LINES}")))
}

/// Names that say nothing.
fn names(source: &Source<'_>) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let benches = source.file.starts_with("benches/");
    for part in source.file.trim_end_matches(".rs").split('/') {
        let fault = fault(part, false).filter(|_| !(benches && part == "common"));
        complaints.extend(fault.map(|what| source.complain(1, format!("the file name `{part}` {what}"))));
    }
    for at in 0..source.tokens.len() {
        let keyword = source.word(at);
        if matches!(keyword, "mod" | "fn" | "struct" | "enum" | "trait" | "type" | "union" | "macro_rules") {
            let at = at + 1 + usize::from(source.word(at + 1) == "!");
            let name = source.word(at);
            let fault = fault(name, true).filter(|_| !(benches && name == "common"));
            complaints.extend(fault.map(|what| source.complain(source.tokens[at].line, format!("`{name}` {what}"))));
        }
    }
    complaints
}

/// What is wrong with a name, if anything is.
fn fault(name: &str, is_item: bool) -> Option<&'static str> {
    let words = words(name);
    let is = |word: &str| words.iter().any(|w| w == word);
    if EMPTY_WORDS.iter().any(|w| is(w)) || name == "common" || name == "Common" {
        return Some("says nothing: name what it does");
    }
    if is_item && (name.ends_with("Impl") || name.ends_with("Exec")) {
        return Some("is named after how it is made: name what it is");
    }
    if name.starts_with("new_") || name.starts_with("old_") {
        return Some("is named after when it was written");
    }
    let numbered = |w: &String| w.strip_prefix("data").is_some_and(|n| n.parse::<u32>().is_ok());
    words.iter().any(numbered).then_some("is numbered: name the difference")
}

/// `TaskManager` and `task_manager` are `task`, `manager`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in name.chars() {
        if c == '_' || c == '-' || c == '.' || c.is_ascii_uppercase() {
            words.push(String::new());
        }
        if c.is_ascii_alphanumeric() {
            words.iter_mut().next_back().unwrap().push(c.to_ascii_lowercase());
        }
    }
    words.retain(|w| !w.is_empty());
    words
}

/// What is absent where: threads, clocks and files from what is pure, data from who watches, tokio from nearly
/// everywhere.
fn absences(source: &Source<'_>) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let pure = PURE.iter().any(|p| source.file.starts_with(p));
    let watch = source.file.starts_with("src/watch/");
    let speaks_async = ["src/io/store", "src/watch/dashboard"].iter().any(|p| source.file.starts_with(p));
    for (at, token) in source.tokens.iter().enumerate() {
        if pure && token.text == "std" && source.word(at + 1) == "::" {
            let mut paths = Vec::new();
            tree(source, at + 2, &["std".to_string()], &mut paths);
            let impure = paths.into_iter().filter(|r| {
                // a length of time is a value; to look at a clock is not
                let is_value = r.path[1..] == ["time", "Duration"];
                IMPURE.contains(&r.path[..r.path.len().min(2)].join("::").as_str()) && !is_value
            });
            let what = |r: &Reference| format!("`{}` in a part that is pure", r.path.join("::"));
            complaints.extend(impure.map(|r| source.complain(r.line, what(&r))));
        }
        match token.text.as_str() {
            "arrow" | "parquet" if watch => complaints.push(source.complain(token.line, "who watches sees no data")),
            "rayon" if pure => complaints.push(source.complain(token.line, "threads in a part that is pure")),
            "tokio" | "axum" | "futures_util" if !speaks_async => {
                complaints.push(source.complain(token.line, "only stores and the dashboard know tokio"));
            }
            _ => {}
        }
    }
    complaints
}

/// Operations are open: nothing that goes over plans asks which operation it sees. Shapes are closed: they are told
/// apart in one file.
fn openness(source: &Source<'_>) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let walks_plans =
        source.file.starts_with("src/plan/") && !["src/plan/node.rs", "src/plan/partition.rs"].contains(&source.file);
    let knows_shapes = ["src/plan/lower.rs", "src/plan/shape.rs"].contains(&source.file);
    for (at, token) in source.tokens.iter().enumerate() {
        let line = token.line;
        match token.text.as_str() {
            "downcast" | "downcast_ref" if walks_plans => {
                complaints.push(source.complain(line, "a plan is walked without asking which operation it is"));
            }
            "name" if walks_plans && called(source, at) == Some("==") => {
                complaints.push(source.complain(line, "an operation is asked for its facts, not for its name"));
            }
            "Shape" if source.word(at + 1) == "::" && !knows_shapes && is_pattern(source, at + 3) => {
                complaints.push(source.complain(line, "shapes are told apart in one file, src/plan/lower.rs"));
            }
            _ => {}
        }
    }
    complaints
}

/// What follows `name()`.
fn called<'a>(source: &'a Source<'_>, at: usize) -> Option<&'a str> {
    (source.word(at + 1) == "(" && source.word(at + 2) == ")").then(|| source.word(at + 3))
}

/// Whether the variant that ends before `at` is matched against.
fn is_pattern(source: &Source<'_>, mut at: usize) -> bool {
    let mut open = 0usize;
    while at < source.tokens.len() {
        match source.word(at) {
            "(" | "{" => open += 1,
            ")" | "}" if open == 0 => return false,
            ")" | "}" => open -= 1,
            "=>" | "=" if open == 0 => return true,
            "|" | "if" if open == 0 => {}
            _ if open == 0 => return false,
            _ => {}
        }
        at += 1;
    }
    false
}

/// `mod.rs` is a table of contents.
fn contents(source: &Source<'_>) -> Vec<Complaint> {
    if !source.file.ends_with("/mod.rs") && source.file != "src/lib.rs" {
        return Vec::new();
    }
    let logic = |t: &&Token| matches!(t.text.as_str(), "fn" | "impl" | "struct" | "enum" | "trait" | "macro_rules");
    let found = source.tokens.iter().filter(logic);
    found.map(|t| source.complain(t.line, format!("`{}` in a table of contents", t.text))).collect()
}

/// Places that only one machine has.
fn places(file: &str, text: &str) -> Vec<Complaint> {
    let machine = [
        concat!("/", "home/"),
        concat!("/", "work/"),
        concat!("/", "root/"),
        concat!("/", "Users/"),
        concat!("/", "tmp/"),
        concat!("/", "mnt/"),
        concat!("C:", "\\"),
    ];
    let mut complaints = Vec::new();
    for (i, line) in text.lines().enumerate() {
        for place in machine {
            let starts = |at: usize| {
                let before = line[..at].chars().next_back();
                // in the middle of a path or an address it is another place
                !before.is_some_and(|c| c.is_alphanumeric() || "._-/})*".contains(c))
            };
            if line.match_indices(place).any(|(at, _)| starts(at)) {
                let what = format!("`{place}…` is a place on one machine");
                complaints.push(Complaint { file: file.to_string(), line: i + 1, what });
            }
        }
    }
    complaints
}

/// The files of the package below `folder` that end in one of `endings`, by their paths from its root.
fn files(folder: &str, endings: &[&str]) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut left, mut found) = (vec![root.join(folder)], Vec::new());
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if endings.iter().any(|e| path.to_string_lossy().ends_with(e)) {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    found.sort();
    found
}

const ALL: [&str; 5] = ["src", "tests", "benches", "examples", "cluster"];

/// All Rust files, read once.
static FILES: LazyLock<Vec<(String, String)>> =
    LazyLock::new(|| ALL.iter().flat_map(|folder| files(folder, &[".rs"])).collect());
static SOURCES: LazyLock<Vec<Source<'static>>> =
    LazyLock::new(|| FILES.iter().map(|(file, text)| Source::new(file, text)).collect());

/// Fails with all complaints of a rule about all Rust files below the folders.
fn holds(folders: &[&str], rule: impl Fn(&Source<'_>) -> Vec<Complaint>) {
    let below = |s: &&Source<'_>| folders.iter().any(|f| s.file.split('/').next() == Some(f));
    let sources: Vec<_> = SOURCES.iter().filter(below).collect();
    assert!(sources.len() > 100, "{} files were found below {folders:?}", sources.len());
    show(sources.into_iter().flat_map(rule).collect());
}

fn show(complaints: Vec<Complaint>) {
    let mut shown = String::new();
    for Complaint { file, line, what } in &complaints {
        writeln!(shown, "{file}:{line}: {what}").unwrap();
    }
    assert!(complaints.is_empty(), "\n{shown}");
}

#[test]
fn arrows_only_go_down() {
    let lib = files("src/lib.rs", &[".rs"]);
    let faces = faces(&Source::new("src/lib.rs", &lib[0].1));
    assert!(faces.contains_key("DataFrame"), "the public face was not read: {faces:?}");
    holds(&["src"], |source| arrows(source, &faces));
}

#[test]
fn every_part_has_a_layer() {
    holds(&["src"], |source| rooms(source.file).into_iter().collect());
}

#[test]
fn no_file_is_too_long() {
    holds(&ALL, |source| length(source).into_iter().collect());
}

#[test]
fn names_say_something() {
    holds(&ALL, names);
}

#[test]
fn what_is_absent_stays_absent() {
    holds(&["src"], absences);
}

#[test]
fn operations_are_open_and_shapes_closed() {
    holds(&["src"], openness);
}

#[test]
fn tables_of_contents_have_no_logic() {
    holds(&["src"], contents);
}

#[test]
fn no_place_of_one_machine_is_named() {
    let endings = [".rs", ".md", ".toml", ".snap", "run", "justfile"];
    let top = ["Cargo.toml", "README.md", "ARCHITECTURE.md", "CHANGELOG.md", "justfile", ".ci/run", "data"];
    let all: Vec<_> = ALL.iter().chain(&top).flat_map(|f| files(f, &endings)).collect();
    assert!(all.len() > 100);
    show(all.iter().flat_map(|(file, text)| places(file, text)).collect());
}
