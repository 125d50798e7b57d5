//! Aggregates of whole columns.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use super::ScanOp;
use crate::base::schema::index_of;
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::exec::{Reservation, TaskContext};
use crate::expr::Portable;
use crate::expr::folds::{Fold, FoldState, Groups, Outcome, Scope};
use crate::graph::{Held, Payload};
use crate::io::Batch;
use crate::plan::node::only;
use crate::plan::relation::Folded;
use crate::plan::shape::Chunk;
use crate::plan::{Flow, Footprint, Op, Plan, Reduce, Relation, Shape, Then};

/// An aggregate of a column.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Agg {
    /// The column.
    pub column: String,
    /// What is made of it.
    #[serde(with = "crate::expr::portable::folded")]
    pub fold: Arc<dyn Fold>,
    /// What the result is called.
    pub name: String,
}

impl Agg {
    /// The same in general terms.
    pub(in crate::ops) fn folded(&self) -> Folded {
        Folded { column: self.column.clone(), fold: self.fold.clone(), name: self.name.clone() }
    }
}

impl fmt::Display for Agg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.fold, self.column)
    }
}

/// Aggregates of whole columns, as one row. An aggregate that has not seen enough in one pass (an order statistic of
/// many distinct values) reads its column again; the others are done by then.
#[derive(Clone, Debug)]
pub struct Aggregate {
    aggs: Vec<Agg>,
    /// What is known of each from earlier passes.
    done: Vec<Option<ArrayRef>>,
    /// The fields of the result.
    schema: Option<SchemaRef>,
}

impl Aggregate {
    /// These aggregates.
    pub fn new(aggs: Vec<Agg>) -> Aggregate {
        let done = vec![None; aggs.len()];
        Aggregate { aggs, done, schema: None }
    }

    fn pending(&self) -> impl Iterator<Item = &Agg> {
        self.aggs.iter().zip(&self.done).filter(|(_, done)| done.is_none()).map(|(agg, _)| agg)
    }

    /// What follows from the outcomes of a pass.
    fn next(&self, schema: SchemaRef, input: Plan, outcomes: Vec<Outcome>) -> Result<Plan> {
        let mut next = self.clone();
        let mut outcomes = outcomes.into_iter();
        for (agg, done) in next.aggs.iter_mut().zip(&mut next.done).filter(|(_, done)| done.is_none()) {
            match outcomes.next() {
                Some(Outcome::Value(array)) => *done = Some(array),
                Some(Outcome::Again(fold)) => agg.fold = fold,
                None => return Err(Error::invalid("a pass gave fewer results than it has aggregates")),
            }
        }
        let known: Option<Vec<ArrayRef>> = next.done.iter().cloned().collect();
        match known {
            Some(columns) => {
                let record = RecordBatch::try_new(schema.clone(), columns)?;
                ScanOp::values(schema, vec![Batch::new(record, 0, 0)])
            }
            None => {
                next.schema = Some(schema);
                Plan::new(next, vec![input])
            }
        }
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<_> = self.pending().map(Agg::to_string).collect();
        write!(f, "aggregate {}", shown.join(", "))
    }
}

impl Identity for Aggregate {
    fn token(&self, t: &mut Tokenizer) {
        t.str("aggregate");
        t.list(&self.aggs, |t, agg| {
            t.str(&agg.column);
            t.identity(agg.fold.as_ref());
            t.str(&agg.name);
        });
        t.u64(self.done.iter().filter(|d| d.is_some()).count() as u64);
    }
}

impl Op for Aggregate {
    fn name(&self) -> &'static str {
        "aggregate"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        if let Some(known) = &self.schema {
            return Ok(known.clone());
        }
        let [input] = inputs else { return Err(Error::invalid("aggregate has one input")) };
        let fields = self.aggs.iter().map(|agg| {
            let field = &input.fields()[index_of(input, &agg.column)?];
            Ok(agg.fold.return_field(field)?.as_ref().clone().with_name(&agg.name))
        });
        Ok(Arc::new(Schema::new(fields.collect::<Result<Vec<_>>>()?)))
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let input = only(inputs)?.clone();
        let schema = self.schema(std::slice::from_ref(input.schema()))?;
        let first = Plan::new(Pass { aggs: self.pending().cloned().collect() }, vec![input.clone()])?;
        let this = self.clone();
        let next = move |results: Vec<Payload>| {
            let outcomes = results.into_iter().next().map(Payload::take::<Outcomes>);
            let Some(Ok(outcomes)) = outcomes else { return Err(Error::invalid("a pass gave no outcomes")) };
            let outcomes = outcomes.0.into_inner().unwrap_or_else(PoisonError::into_inner);
            this.next(schema.clone(), input.clone(), outcomes)
        };
        Ok(Shape::Then(Then { first, next: Arc::new(next) }))
    }

    fn asks_origins(&self, _above: bool) -> bool {
        false
    }

    fn columns_needed(&self, _wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        columns_of(self.pending(), inputs)
    }

    fn relation(&self, _inputs: &[Plan]) -> Option<Relation> {
        // in the middle of its passes it has states of its own
        let fresh = self.schema.is_none() && self.done.iter().all(Option::is_none);
        let rows_travel = self.aggs.iter().any(|agg| !agg.fold.bounded() || agg.fold.placed());
        if rows_travel {
            let ordered = self.aggs.iter().any(|agg| agg.fold.placed());
            return fresh.then_some(Relation::Whole { ordered });
        }
        let folds = self.aggs.iter().map(Agg::folded).collect();
        fresh.then(|| Relation::Aggregate {
            keys: Vec::new(),
            folds,
            dropna: false,
            output: (0..self.aggs.len()).collect(),
        })
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("aggregate", &self.aggs)
    }

    fn footprint(&self) -> Footprint {
        Footprint::Holds(
            "a state a partition; an order statistic of many distinct values reads its column again".into(),
        )
    }
}

fn columns_of<'a>(aggs: impl Iterator<Item = &'a Agg>, inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
    let input = inputs.first()?;
    Some(vec![aggs.filter_map(|agg| input.index_of(&agg.column).ok()).collect()])
}

/// One pass over the columns; its result is not rows but [`Outcomes`].
#[derive(Clone, Debug)]
struct Pass {
    aggs: Vec<Agg>,
}

impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<_> = self.aggs.iter().map(Agg::to_string).collect();
        write!(f, "aggregate {}", shown.join(", "))
    }
}

impl Identity for Pass {
    fn token(&self, t: &mut Tokenizer) {
        t.str("pass");
        t.list(&self.aggs, |t, agg| {
            t.str(&agg.column);
            t.identity(agg.fold.as_ref());
        });
    }
}

impl Op for Pass {
    fn name(&self) -> &'static str {
        "aggregate"
    }

    fn schema(&self, _inputs: &[SchemaRef]) -> Result<SchemaRef> {
        Ok(Arc::new(Schema::empty()))
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let input = only(inputs)?.schema();
        let columns = self.aggs.iter().map(|agg| {
            let index = index_of(input, &agg.column)?;
            Ok((index, input.field(index).data_type().clone(), agg.fold.clone()))
        });
        Ok(Shape::Reduce(Arc::new(Folding { columns: columns.collect::<Result<_>>()? })))
    }

    fn columns_needed(&self, _wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        columns_of(self.aggs.iter(), inputs)
    }

    fn footprint(&self) -> Footprint {
        Footprint::Holds("a state a partition".into())
    }
}

struct Folding {
    columns: Vec<(usize, DataType, Arc<dyn Fold>)>,
}

type States = Vec<Box<dyn FoldState>>;

/// States on their way between tasks. They are only ever taken by the one task that needs them.
struct HeldStates {
    states: Mutex<States>,
    reservation: Mutex<Reservation>,
    bytes: u64,
}

impl Held for HeldStates {
    fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// What a pass has found.
struct Outcomes(Mutex<Vec<Outcome>>);

impl Held for Outcomes {
    fn bytes(&self) -> u64 {
        0
    }
}

const WHAT: &str = "the state of an aggregate";

fn bytes_of(states: &States) -> u64 {
    states.iter().map(|s| s.bytes() as u64).sum()
}

fn hold(states: States, mut reservation: Reservation) -> Result<Payload> {
    let bytes = bytes_of(&states);
    reservation.resize(WHAT, bytes)?;
    Ok(Payload::new(HeldStates { states: Mutex::new(states), reservation: Mutex::new(reservation), bytes }))
}

fn take(payload: Payload) -> Result<(States, Reservation)> {
    match payload.take::<HeldStates>() {
        Ok(held) => Ok((
            held.states.into_inner().unwrap_or_else(PoisonError::into_inner),
            held.reservation.into_inner().unwrap_or_else(PoisonError::into_inner),
        )),
        Err(_) => Err(Error::invalid("the states of an aggregate are held elsewhere")),
    }
}

struct Filling {
    columns: Vec<usize>,
    states: States,
    reservation: Reservation,
}

impl Chunk for Filling {
    fn push(&mut self, batch: Batch) -> Result<Flow> {
        for (state, &column) in self.states.iter_mut().zip(&self.columns) {
            state.update(batch.record.column(column), Groups::One)?;
        }
        self.reservation.resize(WHAT, bytes_of(&self.states))?;
        Ok(Flow::More)
    }

    fn end(self: Box<Self>) -> Result<Payload> {
        hold(self.states, self.reservation)
    }
}

impl Reduce for Folding {
    fn start(&self, ctx: &TaskContext) -> Result<Box<dyn Chunk>> {
        let states = self.columns.iter().map(|(_, data_type, fold)| fold.start(data_type, Scope::Column));
        Ok(Box::new(Filling {
            columns: self.columns.iter().map(|(index, ..)| *index).collect(),
            states: states.collect::<Result<_>>()?,
            reservation: ctx.budget.reserve(WHAT, 0)?,
        }))
    }

    fn combine(&self, states: Vec<Payload>) -> Result<Payload> {
        let mut states = states.into_iter().map(take);
        let first = states.next().unwrap_or_else(|| Err(Error::invalid("there are no states to combine")));
        let (mut merged, mut reservation) = first?;
        for later in states {
            let (later, _reserved) = later?;
            for (state, later) in merged.iter_mut().zip(later) {
                state.merge(later, Groups::One)?;
            }
            reservation.resize(WHAT, bytes_of(&merged))?;
        }
        hold(merged, reservation)
    }

    fn finish(&self, state: Payload) -> Result<Payload> {
        let (states, _reserved) = take(state)?;
        let outcomes = states.into_iter().map(FoldState::finish).collect::<Result<Vec<_>>>()?;
        Ok(Payload::new(Outcomes(Mutex::new(outcomes))))
    }
}
