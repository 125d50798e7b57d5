//! What the operations of a frame do while it is computed.

use std::fmt;
use std::time::{Duration, Instant};

use rustc_hash::FxHashSet;

use super::DataFrame;
use crate::base::{ByteSize, Result, Token, shown};
use crate::plan::Figures;
use crate::plan::explain::lines;

/// What the operations of a frame did: what [`DataFrame::explain_analyze`] gives. Printed, it shows the plan with a line
/// of figures for each operation.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// The plans that ran, one after the other: what the frame depends on (first passes, small sides of joins, bounds of a
    /// sort), and last the frame itself.
    pub steps: Vec<AnalysedPlan>,
    /// How long all of it took.
    pub wall: Duration,
}

/// A plan that ran.
#[derive(Clone, Debug)]
pub struct AnalysedPlan {
    /// Its operations, the last one first, as [`DataFrame::explain`] shows them.
    pub operations: Vec<AnalysedOperation>,
    /// How long it took.
    pub wall: Duration,
}

/// An operation that ran.
#[derive(Clone, Debug)]
pub struct AnalysedOperation {
    /// Its name, for example `filter`.
    pub name: &'static str,
    /// What it does, in a line.
    pub text: String,
    /// What is drawn before it, so that one sees whose input it is.
    pub branch: String,
    /// The identity of what it computes: equal work is done once, and stands wherever it is needed.
    pub token: Token,
    /// What it did.
    pub figures: Figures,
}

impl DataFrame {
    /// Computes the frame without keeping its rows, and says what each operation did: rows in and out, batches, the time
    /// that threads worked for it, the most memory it had reserved, and what it spilled. As DuckDB's `EXPLAIN ANALYZE`
    /// and Polars' `profile`, but for each operation also where several are one task.
    ///
    /// Times are those of threads, summed: on two threads they may be twice the time on the clock. Operations are those of
    /// the plan as it runs, so what was merged or moved by a rule is shown as it was done.
    ///
    /// ```
    /// use partita::{col, read_parquet};
    /// let trips = read_parquet("data/*.parquet")?;
    /// let analysis = trips.filter(col("fare_amount").gt(0))?.describe()?.explain_analyze()?;
    /// let scan = analysis.operation("scan").unwrap();
    /// assert_eq!(scan.figures.rows_out, trips.len()?);
    /// println!("{analysis}");
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of the computation.
    pub fn explain_analyze(&self) -> Result<Analysis> {
        let begun = Instant::now();
        let steps = self.session.analyse(&self.plan)?;
        let wall = begun.elapsed();
        let steps = steps.into_iter().map(|step| {
            let operations = lines(&step.plan).into_iter().map(|line| AnalysedOperation {
                name: line.plan.op().name(),
                text: line.plan.op().to_string(),
                branch: line.branch,
                token: line.plan.token(),
                figures: step.meter.figures(&line.plan),
            });
            AnalysedPlan { operations: operations.collect(), wall: step.wall }
        });
        Ok(Analysis { steps: steps.collect(), wall })
    }
}

impl Analysis {
    /// The operations of all plans that ran, in the order in which they are shown.
    pub fn operations(&self) -> impl Iterator<Item = &AnalysedOperation> {
        self.steps.iter().flat_map(|step| &step.operations)
    }

    /// The first operation of this name.
    pub fn operation(&self, name: &str) -> Option<&AnalysedOperation> {
        self.operations().find(|o| o.name == name)
    }

    /// How long threads worked for all operations, summed.
    pub fn time(&self) -> Duration {
        self.steps.iter().map(AnalysedPlan::time).sum()
    }
}

impl AnalysedPlan {
    /// How long threads worked for all its operations, summed. An operation that is shown twice is counted once.
    pub fn time(&self) -> Duration {
        self.distinct().map(|o| o.figures.time).sum()
    }

    fn distinct(&self) -> impl Iterator<Item = &AnalysedOperation> {
        let mut seen = FxHashSet::default();
        self.operations.iter().filter(move |o| seen.insert(o.token))
    }
}

const HEADS: [&str; 7] = ["rows in", "rows out", "batches", "time", "share", "memory", "spilled"];

impl fmt::Display for Analysis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.time();
        for (k, step) in self.steps.iter().enumerate() {
            if self.steps.len() > 1 {
                writeln!(f, "step {} of {}, {}", k + 1, self.steps.len(), shown::duration(step.wall))?;
            }
            let cells: Vec<[String; 7]> = step.operations.iter().map(|o| cells(&o.figures, all)).collect();
            let width =
                |c: usize| cells.iter().map(|row| row[c].chars().count()).max().unwrap_or(0).max(HEADS[c].len());
            let widths: [usize; 7] = std::array::from_fn(width);
            for (head, width) in HEADS.iter().zip(widths) {
                write!(f, "{head:>width$}  ")?;
            }
            writeln!(f, " operation")?;
            for (row, operation) in cells.iter().zip(&step.operations) {
                for (cell, width) in row.iter().zip(widths) {
                    write!(f, "{cell:>width$}  ")?;
                }
                writeln!(f, " {}{}", operation.branch, operation.text)?;
            }
        }
        write!(f, "{} of work in {}", shown::duration(all), shown::duration(self.wall))
    }
}

fn cells(figures: &Figures, all: Duration) -> [String; 7] {
    let bytes = |n: u64| if n == 0 { "-".to_string() } else { ByteSize(n).to_string() };
    let share = figures.time.as_secs_f64() / all.as_secs_f64().max(f64::MIN_POSITIVE) * 100.0;
    [
        shown::count(figures.rows_in),
        shown::count(figures.rows_out),
        shown::count(figures.batches),
        shown::duration(figures.time),
        format!("{share:.1}%"),
        bytes(figures.memory),
        bytes(figures.spilled),
    ]
}
