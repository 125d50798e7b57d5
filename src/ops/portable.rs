//! Plans as plain data, for an engine that runs elsewhere: what each operation is called and how it is set, and which
//! files it reads.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::aggregate::Aggregate;
use super::group_by::Grouped;
use super::join::JoinOp;
use super::origins::{Mark, Restore};
use super::window::{ByKeys, Placed, Window};
use super::{
    Concat, Explode, Filter, Head, Limit, Melt, MemoryUsage, NullCount, Project, Sample, ScanOp, SortBy, TopK, Write,
};
use crate::base::{Error, Identity, Result, Token, Tokenizer};
use crate::expr::{Expr, Portable};
use crate::io::sink::PortableSink;
use crate::io::{PortableSource, Scan, Source};
use crate::plan::relation::only_here;
use crate::plan::{Op, Plan, Shape};

/// A plan of operations that can travel, as plain data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PortablePlan(Vec<Node>);

/// An operation over earlier ones, by their positions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Node {
    Scan { source: PortableSource, projection: Option<Vec<usize>>, prune: Option<String>, limit: Option<usize> },
    Given(usize),
    Op(Portable, Vec<usize>),
}

impl PortablePlan {
    /// The plan as plain data.
    ///
    /// # Errors
    /// `Unsupported`, naming it, for an operation, a function or a source that cannot leave this process; `Io` for files that
    /// have changed since they were listed.
    pub fn of(plan: &Plan) -> Result<PortablePlan> {
        let (mut nodes, mut known) = (Vec::new(), FxHashMap::default());
        write(plan, &mut nodes, &mut known)?;
        Ok(PortablePlan(nodes))
    }

    /// The plan again, over `given` plans; `open` opens its sources.
    ///
    /// # Errors
    /// Of `open`; `Invalid` and `Unsupported` for what this version does not understand.
    pub fn plan(
        &self,
        given: &[Plan],
        open: &mut dyn FnMut(&PortableSource) -> Result<Arc<dyn Source>>,
    ) -> Result<Plan> {
        let damaged = || Error::invalid("the text is not a plan").doing("read a plan");
        let mut done: Vec<Plan> = Vec::with_capacity(self.0.len());
        for node in &self.0 {
            let plan = match node {
                Node::Given(at) => given.get(*at).cloned().ok_or_else(damaged)?,
                Node::Scan { source, projection, prune, limit } => {
                    let scan = Scan {
                        projection: projection.as_ref().map(|keep| keep.as_slice().into()),
                        prune: prune.as_deref().map(Expr::from_portable).transpose()?,
                        limit: *limit,
                        ..Scan::default()
                    };
                    Plan::new(ScanOp::of(open(source)?, scan), Vec::new())?
                }
                Node::Op(op, inputs) => {
                    let inputs = inputs.iter().map(|&at| done.get(at).cloned().ok_or_else(damaged));
                    Plan::of(operation(op)?, inputs.collect::<Result<_>>()?)?
                }
            };
            done.push(plan);
        }
        done.pop().ok_or_else(damaged)
    }
}

fn write(plan: &Plan, nodes: &mut Vec<Node>, known: &mut FxHashMap<Token, usize>) -> Result<usize> {
    if let Some(at) = known.get(&plan.token()) {
        return Ok(*at);
    }
    let node = if let Some(given) = plan.downcast::<Given>() {
        Node::Given(given.at)
    } else if let Some(scan) = plan.downcast::<ScanOp>() {
        let (source, scan) = (scan.source().portable().ok_or_else(|| only_here(plan))?, scan.scan());
        source.unchanged()?;
        // it may only leave rows out: what cannot be sent is not needed
        let prune = scan.prune.as_ref().and_then(|prune| prune.to_portable().ok());
        Node::Scan { source, projection: scan.projection.as_ref().map(|p| p.to_vec()), prune, limit: scan.limit }
    } else {
        // which function it is that cannot travel is better known than which operation
        plan.op().map_exprs(&mut |expr| expr.to_portable().map(|_| expr.clone()))?;
        let op = plan.op().portable().ok_or_else(|| only_here(plan))?;
        Node::Op(op, plan.inputs().iter().map(|input| write(input, nodes, known)).collect::<Result<_>>()?)
    };
    nodes.push(node);
    known.insert(plan.token(), nodes.len() - 1);
    Ok(nodes.len() - 1)
}

/// The operation that this stands for.
fn operation(given: &Portable) -> Result<Arc<dyn Op>> {
    Ok(match given.name.as_str() {
        "aggregate" => Arc::new(Aggregate::new(given.settings()?)),
        "by_keys" => Arc::new(given.settings::<ByKeys>()?),
        "concat" => Arc::new(Concat),
        "explode" => Arc::new(Explode { column: given.settings()? }),
        "filter" => Arc::new(given.settings::<Filter>()?),
        "group_by" => Arc::new(given.settings::<Grouped>()?),
        "head" => Arc::new(Head { rows: given.settings()? }),
        "join" => Arc::new(given.settings::<JoinOp>()?),
        "limit" => Arc::new(Limit { rows: given.settings()? }),
        "mark" => Arc::new(Mark::of(given.settings()?)),
        "melt" => Arc::new(given.settings::<Melt>()?),
        "memory_usage" => Arc::new(MemoryUsage::of(given.settings()?)),
        "null_count" => Arc::new(NullCount),
        "place" => Arc::new(Placed::new(given.settings::<String>()?)),
        "project" => Arc::new(Project::new(given.settings()?)),
        "restore" => Arc::new(Restore::of(given.settings()?)),
        "sample" => Arc::new(Sample::of_settings(given.settings()?)),
        "sort_by" => Arc::new(SortBy::of_settings(given.settings()?)?),
        "top_k" => {
            let (rows, keys) = given.settings::<(usize, Vec<crate::expr::SortKey>)>()?;
            Arc::new(TopK::new(rows, keys)?)
        }
        "window" => Arc::new(Window::of_settings(given.settings()?)),
        "write" => Arc::new(Write::new(given.settings::<PortableSink>()?.open()?)),
        other => return Err(Error::unsupported(format!("`{other}` in this version")).doing("read a plan")),
    })
}

/// Rows that whoever runs a plan has from elsewhere: a place in a plan, not an operation.
#[derive(Clone, Debug)]
pub struct Given {
    at: usize,
    schema: SchemaRef,
}

impl Given {
    /// The `at`-th of the rows that are given; they have this schema.
    ///
    /// # Errors
    /// Never in practice.
    pub fn plan(at: usize, schema: SchemaRef) -> Result<Plan> {
        Plan::new(Given { at, schema }, Vec::new())
    }
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rows from elsewhere {}", self.at)
    }
}

impl Identity for Given {
    fn token(&self, t: &mut Tokenizer) {
        t.str("given");
        t.u64(self.at as u64);
        t.debug(&self.schema.fields());
    }
}

impl Op for Given {
    fn name(&self) -> &'static str {
        "given"
    }

    fn schema(&self, _inputs: &[SchemaRef]) -> Result<SchemaRef> {
        Ok(self.schema.clone())
    }

    fn shape(&self, _inputs: &[Plan]) -> Result<Shape> {
        Err(Error::invalid("rows from elsewhere are not there"))
    }
}
