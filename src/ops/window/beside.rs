//! Aggregates of the rows with the same keys, beside each of them.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::call::Output;
use super::{Call, Over};
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::col;
use crate::graph::Payload;
use crate::io::Batch;
use crate::ops::aggregate::Agg;
use crate::ops::group_by::Grouped;
use crate::ops::portable::Given;
use crate::ops::{Join, JoinOp, Project, ScanOp, origins};
use crate::plan::node::{only, width};
use crate::plan::{Footprint, Op, Partition, Plan, Relation, Shape, Then};

/// All columns, and aggregates of the rows with the same keys. Rows are grouped first; where groups are few each row
/// looks up its own, else rows meet by their keys.
#[derive(Clone, Debug)]
pub struct Beside {
    calls: Vec<Call>,
    keys: Vec<String>,
    output: Output,
    /// Whether rows keep where they came from.
    origins: bool,
}

/// Groups of about so many bytes are few.
const FEW: f64 = 4e6;

impl Beside {
    /// The aggregates that these calls are, of rows with the same values in `keys`.
    pub fn new(calls: Vec<Call>, keys: Vec<String>) -> Beside {
        Beside { calls, keys, output: Output::ALL, origins: true }
    }

    /// The groups; `None` if a call is no aggregate.
    fn groups(&self) -> Option<Grouped> {
        let first = self.keys.first()?;
        let aggs = self.calls.iter().map(|call| {
            let column = call.args.first().unwrap_or(first).clone();
            Some(Agg { column, fold: call.window.fold()?, name: call.name.clone() })
        });
        Some(Grouped::new(self.keys.clone(), aggs.collect::<Option<_>>()?, false))
    }

    fn columns(&self, input: &SchemaRef) -> Result<Vec<crate::expr::Expr>> {
        let (schema, _) = self.output.places(&self.calls, input)?;
        Ok(schema.fields().iter().map(|f| col(f.name())).collect())
    }

    fn exchanged(&self, input: &Plan) -> Result<Plan> {
        let over = Over::new(self.calls.clone(), self.keys.clone(), Vec::new()).without_origins();
        let over = Plan::new(over, vec![input.clone()])?;
        Plan::new(Project::new(self.columns(input.schema())?), vec![over])
    }

    /// Each row with its group.
    fn looked_up(&self, input: &Plan, schema: SchemaRef, groups: Vec<Batch>) -> Result<Plan> {
        let hidden = |key: &String| {
            let mut name = format!("{key} of the group");
            while input.schema().index_of(&name).is_ok() || self.calls.iter().any(|call| call.name == name) {
                name.push('\'');
            }
            name
        };
        let names: Vec<String> = self.keys.iter().map(hidden).collect();
        let mut columns: Vec<_> = self.keys.iter().zip(&names).map(|(key, name)| col(key).alias(name)).collect();
        columns.extend(self.calls.iter().map(|call| col(&call.name)));
        let groups = Plan::new(Project::new(columns), vec![ScanOp::values(schema, groups)?])?;
        let join = Join::left(self.keys.clone()).right_on(names).nulls_equal(true).broadcast(true);
        let join = JoinOp::new(join, input.schema(), groups.schema())?.without_origins();
        let joined = Plan::new(join, vec![input.clone(), groups])?;
        Plan::new(Project::new(self.columns(input.schema())?), vec![joined])
    }
}

impl fmt::Display for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<_> = self.calls.iter().map(Call::to_string).collect();
        write!(f, "over {}: {}", self.keys.join(", "), shown.join(", "))
    }
}

impl Identity for Beside {
    fn token(&self, t: &mut Tokenizer) {
        t.str("beside");
        t.list(&self.calls, |t, call| t.identity(call));
        t.list(&self.keys, |t, key| t.str(key));
        self.output.token(t);
        t.u64(self.origins.into());
    }
}

impl Op for Beside {
    fn name(&self) -> &'static str {
        "over"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let [input] = inputs else { return Err(Error::invalid("over has one input")) };
        Ok(self.output.places(&self.calls, input)?.0)
    }

    fn relation(&self, inputs: &[Plan]) -> Option<Relation> {
        let over = self.exchanged(&Given::plan(0, inputs.first()?.schema().clone()).ok()?).ok()?;
        Some(Relation::Plan(over))
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let input = only(inputs)?.clone();
        if self.calls.is_empty() {
            return Ok(Shape::Rewrite(Plan::new(Project::new(self.columns(input.schema())?), vec![input])?));
        }
        if self.origins {
            return Ok(Shape::Rewrite(origins::kept(Beside { origins: false, ..self.clone() }, &input)?));
        }
        let Some(groups) = self.groups() else { return Ok(Shape::Rewrite(self.exchanged(&input)?)) };
        let first = Plan::new(groups, vec![input.clone()])?;
        let (this, schema) = (self.clone(), first.schema().clone());
        let next = move |results: Vec<Payload>| {
            let parts = results.into_iter().map(Partition::from_payload).collect::<Result<Vec<_>>>()?;
            let rows: usize = parts.iter().map(Partition::rows).sum();
            if rows as f64 * width(&schema) > FEW {
                return this.exchanged(&input);
            }
            let groups = parts.into_iter().flat_map(Partition::read).collect::<Result<Vec<_>>>()?;
            this.looked_up(&input, schema.clone(), groups)
        };
        Ok(Shape::Then(Then { first, next: Arc::new(next) }))
    }

    fn columns_needed(&self, wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let input = inputs.first()?;
        let mut needed = self.output.needed(wanted, &self.calls, input).ok()?;
        for key in &self.keys {
            needed.push(input.index_of(key).ok()?);
        }
        Some(vec![needed])
    }

    fn pruned(&self, keep: &[usize], inputs: &[SchemaRef]) -> Option<Arc<dyn Op>> {
        let output = self.output.keep(keep, &self.calls, inputs.first()?).ok()?;
        Some(Arc::new(Beside { calls: output.calls(&self.calls), output, ..self.clone() }))
    }

    fn unasked(&self) -> Option<Arc<dyn Op>> {
        self.origins.then(|| Arc::new(Beside { origins: false, ..self.clone() }) as Arc<dyn Op>)
    }

    fn footprint(&self) -> Footprint {
        Footprint::Holds("few groups, or spills the rows by the hash of their keys".into())
    }
}
