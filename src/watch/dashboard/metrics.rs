//! What is known, for Prometheus: text format 0.0.4.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::subject::{Subject, waiting};
use crate::watch::clock;
use crate::watch::record::OperationTotals;

/// The address's type of content.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// So many operations have lines of their own; the rest is summed as `operation=""`.
const MOST_OPERATIONS: usize = 200;

struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push_str(name);
        for (i, (label, text)) in labels.iter().enumerate() {
            self.0.push(if i == 0 { '{' } else { ',' });
            let _ = write!(self.0, "{label}=\"{}\"", escaped(text));
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{end} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.head(name, kind, help);
        self.line(name, &[], value);
    }

    fn operations(&mut self, all: &[OperationTotals], name: &str, help: &str, value: fn(&OperationTotals) -> f64) {
        self.head(name, "counter", help);
        all.iter().for_each(|o| self.line(name, &[("operation", &o.operation)], value(o)));
    }
}

/// Backslash, quote and line end are written as the format wants them.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

pub(super) fn page(subject: &Subject) -> String {
    let mut page = Page(String::with_capacity(4096));
    let operations = shortened(subject.recorder().operations());
    tasks(&mut page, &operations);
    runs(&mut page, subject);
    memory(&mut page, subject);
    process(&mut page, subject);
    page.0
}

/// The first operations, and what is left as one.
fn shortened(mut operations: Vec<OperationTotals>) -> Vec<OperationTotals> {
    // a stable order keeps an operation among the first, once it is there
    let rest = operations.split_off(operations.len().min(MOST_OPERATIONS));
    if !rest.is_empty() {
        let mut sum = OperationTotals { operation: "".into(), ..OperationTotals::default() };
        for o in rest {
            sum.planned += o.planned;
            sum.running += o.running;
            sum.done += o.done;
            sum.failed += o.failed;
            sum.busy += o.busy;
            sum.bytes = sum.bytes.saturating_add(o.bytes);
            sum.rows = sum.rows.saturating_add(o.rows);
        }
        operations.push(sum);
    }
    operations
}

fn tasks(page: &mut Page, operations: &[OperationTotals]) {
    page.head("partita_tasks", "gauge", "Tasks that have not ended, by operation and state.");
    for o in operations {
        for (state, value) in [("running", o.running), ("planned", waiting(o))] {
            page.line("partita_tasks", &[("operation", &o.operation), ("state", state)], value as f64);
        }
    }
    page.head("partita_tasks_total", "counter", "Tasks that have ended, by operation and state.");
    for o in operations {
        for (state, value) in [("done", o.done), ("failed", o.failed)] {
            page.line("partita_tasks_total", &[("operation", &o.operation), ("state", state)], value as f64);
        }
    }
    let help = "Time that tasks took, summed over threads.";
    page.operations(operations, "partita_task_seconds_total", help, |o| o.busy.as_secs_f64());
    page.operations(operations, "partita_result_bytes_total", "Bytes of results.", |o| o.bytes as f64);
    page.operations(operations, "partita_result_rows_total", "Rows of results.", |o| o.rows as f64);
}

fn runs(page: &mut Page, subject: &Subject) {
    let counts = &subject.journal.runs;
    let [finished, failed, started] =
        [&counts.finished, &counts.failed, &counts.started].map(|c| c.load(Ordering::Relaxed));
    page.head(
        "partita_runs_total",
        "counter",
        "Runs that have ended, by state; failed are those that were stopped, too.",
    );
    page.line("partita_runs_total", &[("state", "done")], finished as f64);
    page.line("partita_runs_total", &[("state", "failed")], failed as f64);
    page.one("partita_runs", "gauge", "Runs that go on.", started.saturating_sub(finished + failed) as f64);
}

fn memory(page: &mut Page, subject: &Subject) {
    let usage = subject.usage();
    page.one("partita_memory_held_bytes", "gauge", "Memory reserved.", usage.held as f64);
    page.one("partita_memory_peak_bytes", "gauge", "The most memory that was reserved at once.", usage.peak as f64);
    page.one("partita_memory_limit_bytes", "gauge", "The memory limit.", subject.about.limit as f64);
    let help = "How much of the limit can be reserved; the rest is left to allocators.";
    page.one("partita_memory_reservable_bytes", "gauge", help, usage.limit as f64);
    let help = "Bytes written to disk because memory was short.";
    page.one("partita_spilled_bytes_total", "counter", help, usage.spilled as f64);
    page.one("partita_spill_read_bytes_total", "counter", "Bytes of them read back.", usage.read_back as f64);
}

fn process(page: &mut Page, subject: &Subject) {
    page.one("partita_threads", "gauge", "Threads that tasks run on.", subject.about.threads as f64);
    if let Some(time) = clock::processor_time() {
        let help = "Processor time of the process, user and system.";
        page.one("process_cpu_seconds_total", "counter", help, time.as_secs_f64());
    }
    if let Some(bytes) = clock::resident_bytes() {
        page.one("process_resident_memory_bytes", "gauge", "Memory of the process.", bytes as f64);
    }
    let up: Duration = subject.recorder().now();
    page.one("partita_dashboard_seconds", "gauge", "For how long the dashboard is open.", up.as_secs_f64());
    page.head("partita_build_info", "gauge", "Always 1; the label is what is meant.");
    page.line("partita_build_info", &[("version", subject.about.version)], 1.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let mut page = Page(String::new());
        page.line("m", &[("operation", "a\"b\\c\nd"), ("state", "done")], 2.0);
        assert_eq!(page.0, "m{operation=\"a\\\"b\\\\c\\nd\",state=\"done\"} 2\n");
    }

    #[test]
    fn many_operations_are_summed() {
        let one = |i: usize| OperationTotals { operation: format!("o{i}").into(), done: 1, ..Default::default() };
        let short = shortened((0..MOST_OPERATIONS + 7).map(one).collect());
        assert_eq!(short.len(), MOST_OPERATIONS + 1);
        assert_eq!(short.last().map(|o| (&*o.operation, o.done)), Some(("", 7)));
    }
}
