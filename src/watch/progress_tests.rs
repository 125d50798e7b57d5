//! What a bar writes.

use super::*;
use crate::base::Token;
use crate::exec::event::{GraphView, Key, Label};

const LOOK: Look = Look { minimum: Duration::ZERO, interval: Duration::from_secs(9), width: 8, terminal: None };

fn text(ended: u64, planned: u64, ms: u64, last: bool, look: Look) -> String {
    line(Counts { planned, ended, dropped: 0 }, Duration::from_micros(ms * 1000 + 350), last, look)
}

#[test]
fn the_line_is_that_of_dask() {
    let lines = [
        text(0, 100, 0, false, LOOK),
        text(37, 100, 309, false, LOOK),
        text(99, 100, 900, false, LOOK),
        text(100, 100, 909, true, LOOK),
        text(37, 100, 309, true, LOOK),
        text(0, 0, 1, true, LOOK),
    ];
    insta::assert_snapshot!(lines.join("\n"), @r"
    [        ] | 0% Completed | 0.35 ms
    [##      ] | 37% Completed | 309.35 ms, 526.73 ms left
    [####### ] | 99% Completed | 900.35 ms, 9.09 ms left
    [########] | 100% Completed | 909.35 ms
    [##      ] | 37% Completed | 309.35 ms
    [########] | 100% Completed | 1.35 ms
    ");
}

#[test]
fn it_fits_the_terminal() {
    for columns in 1..120 {
        let look = Look { width: 40, terminal: Some(columns), ..LOOK };
        let text = text(50, 100, 309, false, look);
        assert!(text.chars().count() < columns.max(49), "{columns}: {text}");
    }
}

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Page {
    /// What was written, with times as `#`.
    fn text(&self) -> String {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let mut out = String::new();
        for (i, part) in text.split("Completed | ").enumerate() {
            let end = part.find(" ms").map_or(0, |at| at + 3);
            out.push_str(if i > 0 { "Completed | #" } else { "" });
            out.push_str(if i > 0 { &part[end..] } else { part });
        }
        out
    }
}

struct Nothing;

impl GraphView for Nothing {
    fn len(&self) -> usize {
        0
    }
    fn is_needed(&self, _: u32) -> bool {
        false
    }
    fn key(&self, _: u32) -> Key {
        Key { token: Token(0), index: 0 }
    }
    fn label(&self, _: u32) -> &Label {
        unreachable!()
    }
    fn needs(&self, _: u32) -> &[u32] {
        &[]
    }
}

fn bar(terminal: Option<usize>) -> (Bar, Page) {
    let page = Page::default();
    let bar = Bar::with(Box::new(page.clone()), terminal);
    bar.set_minimum(Duration::ZERO);
    bar.set_width(4);
    (bar, page)
}

fn begin(bar: &Bar, run: u64, tasks: usize) {
    bar.notice(&Event::RunStarted { run, tasks, graph: &Nothing });
}

fn end(bar: &Bar, run: u64) {
    attempt(bar, run, true);
}

fn attempt(bar: &Bar, run: u64, last: bool) {
    let (key, label) = (Nothing.key(0), Label { name: "t".into(), partition: 0 });
    let (at, took, worker) = (Instant::now(), Duration::ZERO, None);
    let (bytes, rows, error) = (0, None, None);
    bar.notice(&Event::TaskFinished { run, key, label: &label, worker, at, took, bytes, rows, error, last });
}

fn added(bar: &Bar, run: u64, tasks: usize) {
    let (key, label) = (Nothing.key(0), Label { name: "t".into(), partition: 0 });
    (0..tasks).for_each(|_| bar.notice(&Event::TaskAdded { run, key, label: &label, needs: &[] }));
}

fn dropped(bar: &Bar, run: u64) {
    let (key, label) = (Nothing.key(0), Label { name: "t".into(), partition: 0 });
    bar.notice(&Event::TaskDropped { run, key, label: &label });
}

fn over(bar: &Bar, run: u64, failed: bool) {
    bar.notice(&Event::RunFinished { run, failed });
}

#[test]
fn without_a_terminal_there_is_a_line_at_the_end() {
    let (bar, page) = bar(None);
    begin(&bar, 1, 2);
    end(&bar, 1);
    begin(&bar, 2, 2);
    end(&bar, 1);
    over(&bar, 1, false);
    assert_eq!(page.text(), "", "another one runs still");
    end(&bar, 2);
    over(&bar, 2, true);
    begin(&bar, 3, 1);
    end(&bar, 3);
    over(&bar, 3, false);
    assert_eq!(page.text(), "[### ] | 75% Completed | #\n[####] | 100% Completed | #\n");
}

#[test]
fn what_is_short_is_not_shown() {
    let (bar, page) = bar(None);
    bar.set_minimum(Duration::from_secs(60));
    begin(&bar, 1, 1);
    end(&bar, 1);
    over(&bar, 1, false);
    assert_eq!(page.text(), "");
}

#[test]
fn a_run_that_grows_has_a_line_whenever_its_tasks_are_done() {
    let (bar, page) = bar(None);
    begin(&bar, 1, 0);
    for _ in 0..2 {
        added(&bar, 1, 1);
        end(&bar, 1);
    }
    assert_eq!(page.text(), "[####] | 100% Completed | #\n".repeat(2));
    over(&bar, 1, false);
    assert_eq!(page.text().lines().count(), 2);
}

#[test]
fn tasks_that_end_without_running_are_not_waited_for() {
    let (bar, page) = bar(None);
    begin(&bar, 1, 0);
    added(&bar, 1, 4);
    end(&bar, 1);
    dropped(&bar, 1);
    dropped(&bar, 1);
    assert_eq!(page.text(), "", "one goes on");
    dropped(&bar, 1);
    added(&bar, 1, 2);
    end(&bar, 1);
    end(&bar, 1);
    assert_eq!(page.text(), "[#   ] | 25% Completed | #\n[####] | 100% Completed | #\n");
}

#[test]
fn attempts_are_not_ends_and_nothing_is_more_than_whole() {
    let (bar, page) = bar(None);
    begin(&bar, 1, 0);
    added(&bar, 1, 2);
    (0..3).for_each(|_| attempt(&bar, 1, false));
    assert_eq!((page.text(), format!("{bar:?}")), (String::new(), "Bar(0 of 2 tasks)".to_string()));
    (0..5).for_each(|_| end(&bar, 1));
    assert!(page.text().lines().all(|line| line.contains("| 100% ")), "{}", page.text());
}

#[test]
fn a_run_that_ends_well_is_whole_for_who_came_late() {
    let (bar, page) = bar(None);
    begin(&bar, 1, 9);
    end(&bar, 1);
    over(&bar, 1, false);
    assert_eq!(page.text(), "[####] | 100% Completed | #\n");
}

#[test]
fn on_a_terminal_it_is_drawn_again_and_closed_where_it_is() {
    let (bar, page) = bar(Some(80));
    bar.set_interval(Duration::from_millis(1));
    begin(&bar, 1, 2);
    end(&bar, 1);
    let begun = Instant::now();
    while !page.text().contains("left") && begun.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(1));
    }
    bar.close();
    let text = page.text();
    assert!(text.starts_with('\r') && text.contains("[##  ] | 50% Completed | #, "), "{text:?}");
    assert!(text.trim_end_matches(' ').ends_with('\n') || text.ends_with('\n'), "{text:?}");
    end(&bar, 1);
    over(&bar, 1, false);
    assert_eq!(page.text(), text, "closed is closed");
}
