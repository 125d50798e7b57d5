//! Which rows an operation brings together, for an engine that runs elsewhere.

use std::fmt::{Debug, Display};
use std::path::PathBuf;
use std::sync::Arc;

use super::{Op, Plan};
use crate::base::{Error, Result};
use crate::exec::TaskContext;
use crate::expr::SortKey;
use crate::expr::folds::Fold;
use crate::io::Batches;

/// What an operation asks of an engine: which rows have to meet. What it does with them when they have is its own
/// business, and travels as [`Op::portable`] writes it; an engine does itself what has a variant of its own here.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Relation {
    /// No row has to meet another: partitions are worked on apart, those of several inputs one after the other.
    Apart,
    /// As [`Apart`](Relation::Apart), and what comes out depends on which partitions there are.
    InPartitions,
    /// Rows with the same keys, of all inputs, have to meet.
    Together {
        /// The keys of each input.
        keys: Vec<Vec<SortKey>>,
        /// Whether they come in their order.
        order: Order,
    },
    /// All rows of one of two inputs have to meet each row of the other.
    Beside {
        /// Which input is wanted as a whole.
        whole: usize,
        /// What is done with them.
        op: Arc<dyn Op>,
        /// The keys of each input, if it is enough that rows with the same keys meet: then that may be done instead.
        keys: Option<Vec<Vec<SortKey>>>,
    },
    /// All rows have to meet, and may be read several times.
    Whole {
        /// Whether they come in their order.
        ordered: bool,
    },
    /// The same as this plan, in which [`Given`](crate::ops::portable::Given) stands for the input.
    Plan(Plan),
    /// Each partition gives a row of numbers for each name, which is its first column; the numbers of a name are added.
    Totals,
    /// Keys and aggregates of the rows of each group, in any order; without keys one row.
    Aggregate {
        /// The columns that groups share. Null equals null, NaN equals NaN, -0 equals 0.
        keys: Vec<String>,
        /// The aggregates.
        folds: Vec<Folded>,
        /// Whether rows whose key is null or NaN are left out.
        dropna: bool,
        /// Which of keys and aggregates come out, by their positions in this order.
        output: Vec<usize>,
    },
    /// The rows in an order, or the first of them.
    Sort {
        /// What they are ordered by.
        keys: Vec<SortKey>,
        /// Only so many; absent: all.
        rows: Option<usize>,
    },
    /// The first rows.
    Head {
        /// How many.
        rows: usize,
    },
    /// The last rows.
    Tail {
        /// How many.
        rows: usize,
    },
    /// The number of rows, as the one column `rows` of one row.
    Count,
    /// Count, mean, standard deviation, minimum, quantiles and maximum, a row for each.
    Describe {
        /// The columns.
        columns: Vec<String>,
        /// The quantiles, rising.
        percentiles: Vec<f64>,
    },
}

/// In which order rows meet that have the same keys.
#[derive(Clone, Debug)]
pub enum Order {
    /// In any.
    Any,
    /// In that of the input.
    Kept,
    /// In that of the input, whose places are a column of this name, and this operation has to do what is done with them.
    Placed {
        /// What the column is called.
        place: String,
        /// What is done with columns and place.
        op: Arc<dyn Op>,
    },
}

/// An aggregate of a column.
#[derive(Clone, Debug)]
pub struct Folded {
    /// The column.
    pub column: String,
    /// What is made of it.
    pub fold: Arc<dyn Fold>,
    /// What the result is called.
    pub name: String,
}

impl Relation {
    /// What the operation of `plan` is.
    ///
    /// # Errors
    /// `Unsupported`, naming the operation, when it can run in this process only.
    pub fn of(plan: &Plan) -> Result<Relation> {
        plan.op().relation(plan.inputs()).ok_or_else(|| only_here(plan))
    }
}

/// The error for an operation that can run in this process only.
pub(crate) fn only_here(plan: &Plan) -> Error {
    let help = match plan.inputs() {
        [] => {
            "write its rows to files that all machines see and read those, or run all of it with in_session(&session.here())"
        }
        _ => {
            "persist() what comes before it there and go on with in_session(&session.here()), or run all of it in that"
        }
    };
    Error::unsupported(format!("running `{}` elsewhere than in this process", plan.op())).help(help)
}

/// Somebody who runs plans elsewhere than in this process.
pub trait Engine: Debug + Display + Send + Sync {
    /// The rows that a plan gives, batch by batch. The plan is optimised, and made of operations that have a
    /// [`Relation`]; if one has none, or has an expression that cannot be sent, nothing runs.
    ///
    /// # Errors
    /// `Unsupported` for what cannot run there, naming it; at the call or from the iterator what went wrong there.
    fn run(&self, plan: &Plan, ctx: &TaskContext) -> Result<Batches>;

    /// A folder that whoever computes there and this process see at the same path: what is persisted is written into it.
    fn shared_folder(&self) -> Option<PathBuf> {
        None
    }
}
