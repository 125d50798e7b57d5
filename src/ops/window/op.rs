//! The operation for rows in their order.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::Call;
use super::call::{Bound, Output};
use super::once::Once;
use super::run::{Around, RunStage, Runs};
use super::summary::{Summaries, Summarise};
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::Portable;
use crate::graph::Payload;
use crate::plan::lower::{count_partitions, is_costly};
use crate::plan::node::only;
use crate::plan::{Footprint, Map, Op, Plan, Relation, Shape, Shuffle, Then};

/// All columns, and the results of functions that look at other rows, in their order.
#[derive(Clone, Debug)]
pub struct Window {
    calls: Vec<Call>,
    output: Output,
    /// What a first pass has found.
    around: Option<Arc<Around>>,
}

impl Window {
    /// The results of these calls.
    pub fn new(calls: Vec<Call>) -> Window {
        Window { calls, output: Output::ALL, around: None }
    }

    /// What the portable form says.
    pub(in crate::ops) fn of_settings((calls, output): (Vec<Call>, Output)) -> Window {
        Window { calls, output, around: None }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<_> = self.calls.iter().map(Call::to_string).collect();
        write!(f, "window {}", shown.join(", "))
    }
}

impl Identity for Window {
    fn token(&self, t: &mut Tokenizer) {
        t.str("window");
        t.list(&self.calls, |t, call| t.identity(call));
        self.output.token(t);
        t.u64(self.around.is_some().into());
    }
}

impl Op for Window {
    fn name(&self) -> &'static str {
        "window"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let [input] = inputs else { return Err(Error::invalid("window has one input")) };
        Ok(self.output.places(&self.calls, input)?.0)
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let input = only(inputs)?;
        let bound = self.calls.iter().map(|call| Bound::new(call, input.schema())).collect::<Result<Vec<_>>>()?;
        let alone = count_partitions(input)? == Some(1);
        let around = match &self.around {
            Some(around) => around.clone(),
            None if alone || self.calls.is_empty() => Arc::new(Around::nothing()),
            None if is_costly(input) => return self.held(bound, input),
            None => return self.first_pass(bound, input),
        };
        let (schema, places) = self.output.places(&self.calls, input.schema())?;
        let runs = Arc::new(Runs { bound, schema, places, around });
        Ok(Map::each(move |partition| Ok(Box::new(RunStage::new(&runs, partition)?))))
    }

    fn columns_needed(&self, wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let input = inputs.first()?;
        let mut needed = self.output.needed(wanted, &self.calls, input).ok()?;
        if self.around.is_some() {
            // what was found belongs to all calls, so all stay
            needed.extend(self.calls.iter().flat_map(|call| &call.args).filter_map(|arg| input.index_of(arg).ok()));
        }
        Some(vec![needed])
    }

    fn pruned(&self, keep: &[usize], inputs: &[SchemaRef]) -> Option<Arc<dyn Op>> {
        let output = self.output.keep(keep, &self.calls, inputs.first()?).ok()?;
        // what was found belongs to all calls
        let calls = if self.around.is_some() { self.calls.clone() } else { output.calls(&self.calls) };
        Some(Arc::new(Window { calls, output, around: self.around.clone() }))
    }

    fn known_rows(&self, inputs: &[Option<Vec<u64>>]) -> Option<Vec<u64>> {
        inputs.first().cloned().flatten()
    }

    fn relation(&self, _inputs: &[Plan]) -> Option<Relation> {
        self.around.is_none().then_some(Relation::Whole { ordered: true })
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("window", &(&self.calls, &self.output))
    }

    fn footprint(&self) -> Footprint {
        Footprint::Holds("the rows around each border of partitions that functions look at".into())
    }
}

impl Window {
    fn held(&self, bound: Vec<Bound>, input: &Plan) -> Result<Shape> {
        let (schema, places) = self.output.places(&self.calls, input.schema())?;
        let partitions = count_partitions(input)?.unwrap_or(1);
        let exchange = Arc::new(Once { bound, schema, places, partitions });
        Ok(Shape::Shuffle(Shuffle { partitions, exchange }))
    }

    fn first_pass(&self, bound: Vec<Bound>, input: &Plan) -> Result<Shape> {
        let first = Plan::new(Summarise { calls: self.calls.clone() }, vec![input.clone()])?;
        let (this, input) = (self.clone(), input.clone());
        let next = move |results: Vec<Payload>| {
            let summaries = results.into_iter().next().map(Payload::take::<Summaries>);
            let Some(Ok(summaries)) = summaries else { return Err(Error::invalid("the first pass found nothing")) };
            let around = Arc::new(Around::new(&bound, summaries.into_parts())?);
            Plan::new(Window { around: Some(around), ..this.clone() }, vec![input.clone()])
        };
        Ok(Shape::Then(Then { first, next: Arc::new(next) }))
    }
}
