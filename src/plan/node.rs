//! The immutable tree of operations.

use std::fmt;
use std::sync::{Arc, OnceLock};

use arrow::datatypes::{DataType, Schema, SchemaRef};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Divisions, Op, Shape};
use crate::base::deep::deep;
use crate::base::schema::HIDDEN;
use crate::base::{Error, Result, Token};

/// An operation over plans. Cheap to clone; its schema and token are computed once. Equal content has an equal token,
/// and equal work is done once.
#[derive(Clone)]
pub struct Plan(Arc<Node>);

/// What a node becomes.
pub enum Rewritten {
    /// This.
    Done(Plan),
    /// This, and its parts that were not seen yet are to be rewritten too.
    Again(Plan),
}

struct Node {
    op: Arc<dyn Op>,
    inputs: Vec<Plan>,
    schema: SchemaRef,
    token: Token,
    /// What was asked before: chains of operations ask for the facts of the same plan again and again.
    rows: OnceLock<Option<Vec<u64>>>,
    size: OnceLock<Option<u64>>,
    partitions: OnceLock<Option<usize>>,
    costly: OnceLock<bool>,
    divisions: OnceLock<Option<Divisions>>,
}

impl Plan {
    /// The plan of `op` over `inputs`; its schema is checked here.
    ///
    /// # Errors
    /// What the operation says of its inputs: unknown columns, types that do not fit.
    pub fn new(op: impl Op, inputs: Vec<Plan>) -> Result<Plan> {
        Plan::of(Arc::new(op), inputs)
    }

    /// The plan of a shared operation.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of(op: Arc<dyn Op>, inputs: Vec<Plan>) -> Result<Plan> {
        let schemas: Vec<SchemaRef> = inputs.iter().map(|p| p.schema().clone()).collect();
        let schema = op.schema(&schemas).map_err(|e| e.doing(format!("plan {}", op.name())))?;
        let token = Token::of(|t| {
            t.identity(op.as_ref());
            t.list(&inputs, |t, input| t.token(input.token()));
        });
        let (rows, size, partitions, costly, divisions) = Default::default();
        Ok(Plan(Arc::new(Node { op, inputs, schema, token, rows, size, partitions, costly, divisions })))
    }

    /// The operation.
    pub fn op(&self) -> &dyn Op {
        self.0.op.as_ref()
    }

    /// The operation, shared.
    pub fn shared_op(&self) -> &Arc<dyn Op> {
        &self.0.op
    }

    /// What it works on.
    pub fn inputs(&self) -> &[Plan] {
        &self.0.inputs
    }

    /// The columns that come out.
    pub fn schema(&self) -> &SchemaRef {
        &self.0.schema
    }

    /// The identity of its content.
    pub fn token(&self) -> Token {
        self.0.token
    }

    /// How it runs.
    ///
    /// # Errors
    /// What the operation finds wrong only now.
    pub fn shape(&self) -> Result<Shape> {
        self.op().shape(self.inputs())
    }

    /// The operation if it is a `T`.
    pub fn downcast<T: Op>(&self) -> Option<&T> {
        (self.op() as &dyn std::any::Any).downcast_ref()
    }

    /// The same operation over other inputs; itself if they are the same.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_inputs(&self, inputs: Vec<Plan>) -> Result<Plan> {
        let same = inputs.len() == self.inputs().len()
            && inputs.iter().zip(self.inputs()).all(|(a, b)| Arc::ptr_eq(&a.0, &b.0));
        if same { Ok(self.clone()) } else { Plan::of(self.0.op.clone(), inputs) }
    }

    /// The rows of each partition, where they are known without computing anything.
    pub fn known_rows(&self) -> Option<Vec<u64>> {
        let rows = self.0.rows.get_or_init(|| {
            deep(|| {
                let inputs: Vec<_> = self.inputs().iter().map(Plan::known_rows).collect();
                self.op().known_rows(&inputs)
            })
        });
        rows.clone()
    }

    /// About how many bytes its rows take, decoded, where that can be said from the sources: what filters and
    /// aggregates leave out is counted.
    pub fn size(&self) -> Option<u64> {
        let size = self.0.size.get_or_init(|| {
            deep(|| {
                let inputs: Vec<_> = self.inputs().iter().map(Plan::size).collect();
                let bytes = self.op().size(&inputs)?;
                Some(match self.inputs() {
                    [input] => (bytes as f64 * width(&self.0.schema) / width(input.schema()).max(1.0)) as u64,
                    _ => bytes,
                })
            })
        });
        *size
    }

    /// The index of its rows, if they have one, and its divisions as far as they are known without computing anything.
    pub fn divisions(&self) -> Option<Divisions> {
        let divisions = self.0.divisions.get_or_init(|| {
            deep(|| {
                let inputs: Vec<_> = self.inputs().iter().map(Plan::divisions).collect();
                self.op().divisions(&inputs)
            })
        });
        divisions.clone()
    }

    /// The number of partitions, if it was asked for before.
    pub(super) fn partitions(&self) -> &OnceLock<Option<usize>> {
        &self.0.partitions
    }

    /// Whether it is costly to compute twice, if that was asked before.
    pub(super) fn costly(&self) -> &OnceLock<bool> {
        &self.0.costly
    }

    /// The plan with `f` applied to every node, inputs first. Each distinct node is seen once.
    ///
    /// # Errors
    /// The first error of `f`.
    pub fn rewrite_up(&self, f: &mut dyn FnMut(Plan) -> Result<Rewritten>) -> Result<Plan> {
        fn walk(
            plan: &Plan,
            done: &mut FxHashMap<Token, Plan>,
            f: &mut dyn FnMut(Plan) -> Result<Rewritten>,
        ) -> Result<Plan> {
            if let Some(known) = done.get(&plan.token()) {
                return Ok(known.clone());
            }
            let inputs = plan.inputs().iter().map(|i| deep(|| walk(i, done, f))).collect::<Result<Vec<_>>>()?;
            let new = match f(plan.with_inputs(inputs)?)? {
                Rewritten::Done(new) => new,
                Rewritten::Again(new) => deep(|| walk(&new, done, f))?,
            };
            done.insert(plan.token(), new.clone());
            done.insert(new.token(), new.clone());
            Ok(new)
        }
        walk(self, &mut FxHashMap::default(), f)
    }

    /// Calls `see` for every distinct node, inputs first.
    pub fn visit(&self, see: &mut dyn FnMut(&Plan)) {
        fn walk(plan: &Plan, seen: &mut FxHashSet<Token>, see: &mut dyn FnMut(&Plan)) {
            if seen.insert(plan.token()) {
                plan.inputs().iter().for_each(|i| deep(|| walk(i, seen, see)));
                see(plan);
            }
        }
        walk(self, &mut FxHashSet::default(), see);
    }

    /// The only input.
    ///
    /// # Errors
    /// When there are none or several.
    pub fn only_input(&self) -> Result<&Plan> {
        only(self.inputs())
    }
}

/// About how many bytes a row of these columns takes.
pub fn width(schema: &Schema) -> f64 {
    let seen = schema.fields().iter().filter(|f| !f.name().starts_with(HIDDEN));
    let widths = seen.map(|f| match f.data_type() {
        DataType::Boolean => 0.125,
        DataType::Null => 0.0,
        fixed => fixed.primitive_width().map_or(16.0, |w| w as f64),
    });
    widths.sum()
}

/// The only one of an operation's inputs.
///
/// # Errors
/// When there are none or several.
pub fn only(inputs: &[Plan]) -> Result<&Plan> {
    match inputs {
        [input] => Ok(input),
        _ => Err(Error::invalid(format!("the operation has {} inputs where it needs one", inputs.len()))),
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plan({})", self.op())
    }
}

impl Drop for Node {
    /// Long chains are taken apart with a growing stack.
    fn drop(&mut self) {
        if self.inputs.iter().any(|i| Arc::strong_count(&i.0) == 1) {
            let inputs = std::mem::take(&mut self.inputs);
            deep(|| drop(inputs));
        }
    }
}
