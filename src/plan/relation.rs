//! What an operation is in general terms, for an engine that runs elsewhere.

use std::fmt::{Debug, Display};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::Plan;
use crate::base::{Error, Result};
use crate::exec::TaskContext;
use crate::expr::folds::Fold;
use crate::expr::{Expr, SortKey};
use crate::io::{Batches, PortableSource};

/// An operation as data: what comes out of its inputs, and nothing of how. Expressions and aggregates are sent as
/// [`Expr::to_portable`] and [`Fold::portable`] write them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Relation {
    /// The rows of files, a partition after the other.
    Scan {
        /// The files.
        source: PortableSource,
        /// All their columns.
        schema: SchemaRef,
        /// The positions of the wanted columns, rising; absent: all.
        projection: Option<Arc<[usize]>>,
        /// Rows for which this is not true may be left out.
        prune: Option<Expr>,
    },
    /// The rows where a condition is true.
    Filter {
        /// The condition.
        condition: Expr,
        /// The columns that are passed on; absent: all.
        keep: Option<Vec<String>>,
    },
    /// Columns computed row by row, under their names.
    Project {
        /// The columns.
        exprs: Vec<Expr>,
    },
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
        /// The columns that are passed on; absent: all.
        keep: Option<Vec<String>>,
    },
    /// The first rows.
    Head {
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
        let inputs: Vec<SchemaRef> = plan.inputs().iter().map(|input| input.schema().clone()).collect();
        plan.op().relation(&inputs).ok_or_else(|| {
            Error::unsupported(format!("running `{}` elsewhere than in this process", plan.op()))
                .help("let what comes before it run there and go on here with persist(), or run all of it here with in_session(&session.here())")
        })
    }
}

/// Somebody who runs plans elsewhere than in this process.
pub trait Engine: Debug + Display + Send + Sync {
    /// The rows that a plan gives, batch by batch. The plan is optimised, and made of operations that have a
    /// [`Relation`]; if one has none, or has an expression that cannot be sent, nothing runs.
    ///
    /// # Errors
    /// `Unsupported` for what cannot run there, naming it; at the call or from the iterator what went wrong there.
    fn run(&self, plan: &Plan, ctx: &TaskContext) -> Result<Batches>;
}
