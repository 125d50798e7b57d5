//! What a piece of a program took: tasks by operation, threads, memory, processor time.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use comfy_table::{CellAlignment, presets};

use super::record::{Failure, OperationTotals, Recorder, RunRecord, Sample, TaskSpan};
use super::trace;
use crate::base::{ByteSize, Error, Result, shown};

/// What a piece of a program took. Printed, it is a table of the operations.
#[derive(Clone, Debug)]
pub struct Profile {
    /// How long it took on the clock.
    pub wall: Duration,
    /// How many tasks could run at once.
    pub threads: usize,
    /// Tasks by operation; what took longest comes first.
    pub operations: Vec<OperationTotals>,
    /// The runs, in their order, as far as they are remembered.
    pub runs: Vec<RunRecord>,
    /// The tasks, in the order of their ends, as far as they are remembered: a hundred thousand and more.
    pub tasks: Vec<TaskSpan>,
    /// How many tasks are left out of `tasks`, the oldest ones; totals have them.
    pub left_out: u64,
    /// Memory and processor time over time: one sample at the beginning, one at the end.
    pub samples: Vec<Sample>,
    /// The first tasks that failed.
    pub failures: Vec<Failure>,
}

/// Operations shown before the rest is summed.
const SHOWN: usize = 20;

impl Profile {
    /// What has been recorded.
    pub fn of(recorder: &Recorder, threads: usize) -> Profile {
        let spans = recorder.spans(0);
        let samples = recorder.samples();
        Profile {
            wall: samples.last().map_or_else(|| recorder.now(), |s| s.at),
            threads: threads.max(1),
            operations: recorder.operations(),
            runs: recorder.runs(),
            tasks: spans.tasks,
            left_out: spans.missed,
            samples,
            failures: recorder.failures(),
        }
    }

    /// How many tasks have ended.
    pub fn ended(&self) -> u64 {
        self.operations.iter().map(|o| o.done + o.failed).sum()
    }

    /// How long tasks took, summed over threads.
    pub fn busy(&self) -> Duration {
        self.operations.iter().map(|o| o.busy).sum()
    }

    /// Which part of the time the threads had a task, from 0 to 1; more where tasks ran on other threads too.
    pub fn occupancy(&self) -> f64 {
        self.busy().as_secs_f64() / (self.wall.as_secs_f64() * self.threads as f64).max(f64::MIN_POSITIVE)
    }

    /// Processor time of the whole process meanwhile, user and system; absent where it cannot be told.
    pub fn cpu(&self) -> Option<Duration> {
        self.samples.last()?.cpu?.checked_sub(self.samples.first()?.cpu?)
    }

    /// The most bytes that were reserved at once. Exact where it was more than ever before in the session, else what
    /// samples saw.
    pub fn peak(&self) -> u64 {
        let (Some(first), Some(last)) = (self.samples.first(), self.samples.last()) else { return 0 };
        if last.usage.peak > first.usage.peak {
            return last.usage.peak;
        }
        self.samples.iter().map(|s| s.usage.held).max().unwrap_or(0)
    }

    /// The most bytes that samples saw the process have; absent where it cannot be told.
    pub fn resident(&self) -> Option<u64> {
        self.samples.iter().filter_map(|s| s.resident).max()
    }

    /// Bytes written to disk because memory was short.
    pub fn spilled(&self) -> u64 {
        self.grown(|s| s.usage.spilled)
    }

    /// Bytes of them read back.
    pub fn read_back(&self) -> u64 {
        self.grown(|s| s.usage.read_back)
    }

    fn grown(&self, count: impl Fn(&Sample) -> u64) -> u64 {
        let (first, last) = (self.samples.first().map_or(0, &count), self.samples.last().map_or(0, &count));
        last.saturating_sub(first)
    }

    /// The tasks as a trace in Chrome's Trace Event Format: a row for each thread, a curve of the memory. It opens in
    /// `chrome://tracing`, Perfetto and Speedscope.
    pub fn chrome_trace(&self) -> String {
        trace::chrome(self)
    }

    /// Writes [`chrome_trace`](Self::chrome_trace) to a file.
    ///
    /// # Errors
    /// `Io`.
    pub fn to_chrome_trace(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        std::fs::write(path, self.chrome_trace()).map_err(|e| Error::io(path.display(), e).doing("write a trace to"))
    }

    fn table(&self) -> comfy_table::Table {
        let busy = self.busy().as_secs_f64().max(f64::MIN_POSITIVE);
        let mut table = comfy_table::Table::new();
        let head = ["operation", "tasks", "time", "share", "mean", "longest", "rows", "bytes"];
        table.load_style(presets::UTF8_FULL_CONDENSED).set_header(head);
        let mut add = |name: String, o: &OperationTotals| {
            let tasks = o.done + o.failed;
            let failed = if o.failed > 0 { format!(" ({} failed)", shown::count(o.failed)) } else { String::new() };
            table.add_row([
                name,
                format!("{}{failed}", shown::count(tasks)),
                shown::duration(o.busy),
                format!("{:.1}%", o.busy.as_secs_f64() / busy * 100.0),
                shown::duration(o.busy / u32::try_from(tasks.max(1)).unwrap_or(u32::MAX)),
                shown::duration(o.longest),
                shown::count(o.rows),
                ByteSize(o.bytes).to_string(),
            ]);
        };
        let most = if self.operations.len() > SHOWN + 1 { SHOWN } else { self.operations.len() };
        let (first, rest) = self.operations.split_at(most);
        first.iter().for_each(|o| add(o.operation.to_string(), o));
        if !rest.is_empty() {
            let mut sum = OperationTotals::default();
            rest.iter().for_each(|o| sum.add(o));
            add(format!("{} more", rest.len()), &sum);
        }
        for column in 1..head.len() {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |n: u64, what: &str| format!("{} {what}{}", shown::count(n), if n == 1 { "" } else { "s" });
        let (threads, runs) = (plural(self.threads as u64, "thread"), plural(self.runs.len() as u64, "run"));
        write!(f, "{} on {threads}: {} in {runs}", shown::duration(self.wall), plural(self.ended(), "task"))?;
        write!(f, ", threads busy {:.0}%", self.occupancy() * 100.0)?;
        match self.cpu() {
            Some(cpu) => writeln!(f, ", processor time {}", shown::duration(cpu))?,
            None => writeln!(f)?,
        }
        let limit = self.samples.last().map_or(0, |s| s.usage.limit);
        write!(f, "memory: {} reserved at most", ByteSize(self.peak()))?;
        if limit > 0 && limit < u64::MAX {
            write!(f, " of {}", ByteSize(limit))?;
        }
        if let Some(resident) = self.resident() {
            write!(f, ", the process {}", ByteSize(resident))?;
        }
        writeln!(f, "; {} spilled, {} read back", ByteSize(self.spilled()), ByteSize(self.read_back()))?;
        write!(f, "{}", self.table())
    }
}
