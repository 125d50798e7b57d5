//! The rules themselves, on small strings.

use super::code::*;
use super::*;

fn lines(complaints: Vec<Complaint>) -> Vec<usize> {
    complaints.into_iter().map(|c| c.line).collect()
}

fn arrows_of(file: &str, text: &str) -> Vec<usize> {
    let lib = Source::new("src/lib.rs", "pub use frame::{DataFrame, wait}; pub use base::Error;");
    lines(arrows(&Source::new(file, text), &faces(&lib)))
}

#[test]
fn comments_and_texts_are_not_code() {
    let text = "a // crate::frame\n/* x /* y */ crate::z \n*/ b \"crate::\\\"q\" r#\"crate::\"w\"# 'c' '\\'' &'a d b\"e\" 'ü' r#fn";
    let words: Vec<_> = tokens(&without_comments_and_texts(text)).into_iter().map(|t| (t.text, t.line)).collect();
    let expected = [("a", 1), ("b", 3), ("&", 3), ("'", 3), ("a", 3), ("d", 3), ("r", 3), ("#", 3), ("fn", 3)];
    assert_eq!(words, expected.map(|(t, l)| (t.to_string(), l)));
}

#[test]
fn groups_are_taken_apart() {
    let source = Source::new("src/ops/x.rs", "use crate::{a, b::{c as d, e::*, self}, f::g};\nlet x = crate::h::i();");
    let found: Vec<_> = references(&source).into_iter().map(|r| (r.path.join("::"), r.line)).collect();
    let expected = [("a", 1), ("b::c", 1), ("b::e::*", 1), ("b", 1), ("f::g", 1), ("h::i", 2)];
    assert_eq!(found, expected.map(|(p, l)| (p.to_string(), l)));
}

#[test]
fn super_is_followed_through_files_and_blocks() {
    let text = "use super::super::b;\nmod tests {\n use super::*; use super::super::c;\n}\nfn f() { super::d() }";
    let source = Source::new("src/ops/x/y.rs", text);
    let found: Vec<_> = references(&source).into_iter().map(|r| r.path.join("::")).collect();
    assert_eq!(found, ["ops::b", "ops::x::y::*", "ops::x::c", "ops::x::d"]);
    assert_eq!(Source::new("src/io/csv/split_tests.rs", "").module().join("::"), "io::csv::split::tests");
    assert_eq!(Source::new("src/io/csv/mod.rs", "").module().join("::"), "io::csv");
}

#[test]
fn an_arrow_that_points_up_is_seen() {
    assert_eq!(arrows_of("src/plan/x.rs", "use crate::base::Error;\nuse crate::ops::Filter;"), [2]);
    assert_eq!(arrows_of("src/plan/x.rs", "use crate::{io::Batch,\n ops::{\nFilter}};"), [3]);
    assert_eq!(arrows_of("src/plan/x.rs", "use super::super::ops::Filter;"), [1]);
    assert_eq!(arrows_of("src/session.rs", "use super::frame::DataFrame;"), [1]);
    assert_eq!(arrows_of("src/expr/x.rs", "fn f() { crate::graph::Key::new() }"), [1], "sideways");
    assert_eq!(arrows_of("src/expr/x.rs", "/// [`crate::frame`]\nfn f() {}"), [0usize; 0]);
    assert_eq!(arrows_of("src/ops/x.rs", "use crate::Error;\nuse crate::DataFrame;"), [2], "the public face");
    assert_eq!(arrows_of("src/ops/x.rs", "use crate::cellar::Wine;"), [1], "no layer");
}

#[test]
fn io_and_watch_see_little_of_exec() {
    assert_eq!(arrows_of("src/io/x.rs", "use crate::exec::TaskContext;\nuse crate::exec::Pool;"), [2]);
    assert_eq!(arrows_of("src/io/x.rs", "use crate::exec::{Budget,\n*};"), [2]);
    assert_eq!(arrows_of("src/exec/x.rs", "use crate::io::Batch;"), [1]);
    assert_eq!(arrows_of("src/watch/x.rs", "use crate::exec::{Event, Observer};\nuse crate::exec::Run;"), [2]);
    assert_eq!(arrows_of("src/watch/x.rs", "use crate::base::Error;\nuse crate::graph::Key;"), [2]);
    assert_eq!(arrows_of("src/session.rs", "use crate::watch::ProgressBar;"), [0usize; 0]);
    assert_eq!(arrows_of("src/ops/x.rs", "use crate::watch::ProgressBar;"), [1]);
}

#[test]
fn rooms_and_lengths() {
    assert!(rooms("src/cellar/wine.rs").is_some() && rooms("src/shared.rs").is_some());
    assert!(rooms("src/ops/filter.rs").is_none() && rooms("src/lib.rs").is_none());
    assert!(length(&Source::new("src/x.rs", &"\n".repeat(MOST_LINES + 1))).is_some());
    assert!(length(&Source::new("src/x.rs", &"\n".repeat(MOST_LINES))).is_none());
}

#[test]
fn empty_names_are_seen() {
    let found = |file: &str, text: &str| lines(names(&Source::new(file, text)));
    for text in [
        "fn parse_helper() {}",
        "struct TaskManager;",
        "enum Handler {}",
        "trait Utils {}",
        "struct ScanExec;",
        "struct SinkImpl;",
        "fn common() {}",
        "mod common {}",
        "fn new_reader() {}",
        "fn old_reader() {}",
        "mod data2;",
        "macro_rules! helper {}",
    ] {
        assert_eq!(found("src/x.rs", text), [1], "{text}");
    }
    for text in
        ["fn new() {}", "struct Executor;", "mod exec;", "fn f(helper: u8) {}", "// fn helper()", "struct Data;"]
    {
        assert_eq!(found("src/x.rs", text), [0usize; 0], "{text}");
    }
    assert_eq!(found("src/csv/utils.rs", ""), [1]);
    assert_eq!(found("benches/common/mod.rs", ""), [0usize; 0]);
    assert_eq!(found("tests/common/mod.rs", ""), [1]);
}

#[test]
fn absences_are_seen() {
    let found = |file: &str, text: &str| lines(absences(&Source::new(file, text)));
    assert_eq!(found("src/plan/x.rs", "use std::sync::Arc;\nuse std::fs::File;\nstd::time::Instant::now();"), [2, 3]);
    assert_eq!(found("src/plan/x.rs", "use std::{sync::Arc, fmt,\nthread};\nrayon::join();"), [2, 3]);
    assert_eq!(found("src/plan/x.rs", "use std::time::Duration;\nuse std::time::{Duration, Instant};"), [2]);
    assert_eq!(found("src/session.rs", "use std::fs::File;"), [0usize; 0]);
    assert_eq!(found("src/watch/x.rs", "use arrow::array::Array;"), [1]);
    assert_eq!(found("src/exec/x.rs", "use tokio::spawn;"), [1]);
}

#[test]
fn asking_which_operation_it_is_is_seen() {
    let found = |file: &str, text: &str| lines(openness(&Source::new(file, text)));
    assert_eq!(found("src/plan/rules/x.rs", "plan.downcast::<Thing>();\nif plan.op().name() == n {}"), [1, 2]);
    assert_eq!(found("src/plan/node.rs", "any.downcast_ref()"), [0usize; 0]);
    assert_eq!(
        found("src/session.rs", "match s {\nShape::Scan(a, b) => {}\n_ => {} }\nif let Shape::Then(t) = s {}"),
        [2, 4]
    );
    assert_eq!(found("src/ops/x.rs", "Ok(Shape::Scan(a, b))\n}"), [0usize; 0]);
    assert_eq!(found("src/plan/lower.rs", "match s { Shape::Scan(..) => {} }"), [0usize; 0]);
}

#[test]
fn logic_in_a_table_of_contents_is_seen() {
    let found = |file: &str| lines(contents(&Source::new(file, "//! fn\nmod a;\npub fn f() {}")));
    assert_eq!((found("src/ops/mod.rs"), found("src/ops/a.rs")), (vec![3], vec![]));
}

#[test]
fn places_of_one_machine_are_seen() {
    let home = concat!("see /", "home/me/x\nhttps://example.org/", "home/x and a/", "tmp/b\n\"/", "tmp/x\"");
    assert_eq!(lines(places("README.md", home)), [1, 3]);
}
