//! Functions among rows with the same keys, or in another order: rows meet by keys, and come back in their order.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};

use super::call::Output;
use super::exchange::Exchanged;
use super::place::Placed;
use super::{Call, Window};
use crate::base::schema::{index_of, logical};
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::keys::Grouper;
use crate::expr::{Portable, SortKey, col};
use crate::ops::sort_by::{self, SortBy};
use crate::ops::{Project, origins};
use crate::plan::lower::shuffled_partitions;
use crate::plan::node::only;
use crate::plan::relation::Order;
use crate::plan::{Footprint, Op, Plan, Relation, Shape, Shuffle};

/// All columns, and the results of functions that look at the rows with the same keys, in an order of their own. Rows
/// stay where they are.
#[derive(Clone, Debug)]
pub struct Over {
    calls: Vec<Call>,
    /// None: all rows.
    keys: Vec<String>,
    /// None: as rows are.
    order: Vec<SortKey>,
    /// Whether rows keep where they came from.
    origins: bool,
}

impl Over {
    /// The results of these calls among rows with the same values in `keys`, or among all if there are none, in an order
    /// by columns.
    pub fn new(calls: Vec<Call>, keys: Vec<String>, order: Vec<SortKey>) -> Over {
        Over { calls, keys, order, origins: true }
    }

    /// The same when nobody asks where its rows came from.
    pub(super) fn without_origins(self) -> Over {
        Over { origins: false, ..self }
    }

    /// The rows with their results and, as the last column, their places.
    fn anywhere(&self, input: &Plan, place: String, output: Output) -> Result<Plan> {
        let Over { calls, keys, order, .. } = self.clone();
        if !keys.is_empty() {
            return Plan::new(ByKeys { calls, keys, order, place, output }, vec![input.clone()]);
        }
        let mut plan = Plan::new(Placed::new(&place), vec![input.clone()])?;
        if !order.is_empty() {
            plan = Plan::new(SortBy::new(order)?, vec![plan])?;
        }
        Plan::new(Window::new(calls), vec![plan])
    }
}

fn show(f: &mut fmt::Formatter<'_>, calls: &[Call], keys: &[String], order: &[SortKey]) -> fmt::Result {
    let shown: Vec<_> = calls.iter().map(Call::to_string).collect();
    match (keys, order) {
        (keys, []) => write!(f, "over {}: ", keys.join(", "))?,
        ([], order) => write!(f, "by {}: ", sort_by::shown(order))?,
        (keys, order) => write!(f, "over {} by {}: ", keys.join(", "), sort_by::shown(order))?,
    }
    f.write_str(&shown.join(", "))
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, &self.calls, &self.keys, &self.order)
    }
}

impl Identity for Over {
    fn token(&self, t: &mut Tokenizer) {
        t.str("over");
        t.list(&self.calls, |t, call| t.identity(call));
        t.list(&self.keys, |t, key| t.str(key));
        t.list(&self.order, |t, key| t.identity(key));
        t.u64(self.origins.into());
    }
}

impl Op for Over {
    fn name(&self) -> &'static str {
        "over"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let [input] = inputs else { return Err(Error::invalid("over has one input")) };
        Ok(Output::ALL.places(&self.calls, input)?.0)
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let input = only(inputs)?;
        if self.origins {
            return Ok(Shape::Rewrite(origins::kept(self.clone().without_origins(), input)?));
        }
        let schema = self.schema(std::slice::from_ref(input.schema()))?;
        let place = Placed::name_beside(&schema);
        let columns: Vec<_> = schema.fields().iter().map(|f| col(f.name())).collect();
        let output = schema.fields().iter().map(|f| f.name().clone()).chain([place.clone()]).collect();
        let met = self.anywhere(input, place.clone(), Output::only(output))?;
        let back = Plan::new(SortBy::new([SortKey::from(place)])?, vec![met])?;
        Ok(Shape::Rewrite(Plan::new(Project::new(columns), vec![back])?))
    }

    fn unasked(&self) -> Option<Arc<dyn Op>> {
        self.origins.then(|| Arc::new(self.clone().without_origins()) as Arc<dyn Op>)
    }
}

/// The rows with their results and their places, in any order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ByKeys {
    calls: Vec<Call>,
    keys: Vec<String>,
    order: Vec<SortKey>,
    /// What the column of places is called.
    place: String,
    output: Output,
}

impl fmt::Display for ByKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, &self.calls, &self.keys, &self.order)
    }
}

impl Identity for ByKeys {
    fn token(&self, t: &mut Tokenizer) {
        t.str("by_keys");
        t.list(&self.calls, |t, call| t.identity(call));
        t.list(&self.keys, |t, key| t.str(key));
        t.list(&self.order, |t, key| t.identity(key));
        t.str(&self.place);
        self.output.token(t);
    }
}

impl ByKeys {
    /// The columns of the input and the place.
    fn placed(&self, input: &SchemaRef) -> SchemaRef {
        Placed::schema_over(&self.place, input)
    }
}

impl Op for ByKeys {
    fn name(&self) -> &'static str {
        "over"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let [input] = inputs else { return Err(Error::invalid("over has one input")) };
        let types = self.keys.iter().map(|key| Ok(logical(input.field(index_of(input, key)?).data_type())));
        Grouper::new(&types.collect::<Result<Vec<_>>>()?)?;
        Ok(self.output.places(&self.calls, &self.placed(input))?.0)
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let input = only(inputs)?;
        let partitions = shuffled_partitions(inputs)?;
        let placed = self.placed(input.schema());
        let exchanged = Exchanged::new(&self.calls, &self.keys, &self.output, placed, partitions, input.size())?;
        let exchanged = exchanged.in_order(&self.order)?;
        Ok(Shape::Shuffle(Shuffle { partitions, exchange: Arc::new(Arc::new(exchanged)) }))
    }

    fn columns_needed(&self, wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let input = inputs.first()?;
        let mut needed = self.output.needed(wanted, &self.calls, &self.placed(input)).ok()?;
        needed.retain(|&i| i < input.fields().len());
        for key in self
            .keys
            .iter()
            .cloned()
            .chain(self.order.iter().flat_map(|key| key.expr.columns().into_iter().map(|c| c.to_string())))
        {
            needed.push(index_of(input, &key).ok()?);
        }
        Some(vec![needed])
    }

    fn pruned(&self, keep: &[usize], inputs: &[SchemaRef]) -> Option<Arc<dyn Op>> {
        let output = self.output.keep(keep, &self.calls, &self.placed(inputs.first()?)).ok()?;
        Some(Arc::new(ByKeys { calls: output.calls(&self.calls), output, ..self.clone() }))
    }

    fn asks_origins(&self, _above: bool) -> bool {
        false
    }

    fn relation(&self, inputs: &[Plan]) -> Option<Relation> {
        // places are those among all rows, not among those that have met
        let mut own = self.place.clone();
        while inputs.first()?.schema().index_of(&own).is_ok()
            || own == self.place
            || self.calls.iter().any(|c| c.name == own)
        {
            own.push('\'');
        }
        let op = Arc::new(ByKeys { place: own, ..self.clone() });
        let keys = vec![self.keys.iter().map(|key| SortKey::new(col(key))).collect()];
        Some(Relation::Together { keys, order: Order::Placed { place: self.place.clone(), op } })
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("by_keys", self)
    }

    fn footprint(&self) -> Footprint {
        Footprint::Spills("rows in buckets by the hash of their keys".into())
    }
}
