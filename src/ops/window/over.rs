//! Functions among rows with the same keys: rows meet by keys, and come back in their order.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::Call;
use super::call::Output;
use super::exchange::Exchanged;
use crate::base::schema::{index_of, logical};
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::keys::Grouper;
use crate::expr::{SortKey, col};
use crate::ops::{Project, SortBy, origins};
use crate::plan::lower::shuffled_partitions;
use crate::plan::node::only;
use crate::plan::{Footprint, Op, Plan, Shape, Shuffle};

/// All columns, and the results of functions that look at the rows with the same keys. Rows stay in their order.
#[derive(Clone, Debug)]
pub struct Over {
    calls: Vec<Call>,
    keys: Vec<String>,
    /// Whether rows keep where they came from.
    origins: bool,
}

impl Over {
    /// The results of these calls among rows with the same values in `keys`.
    pub fn new(calls: Vec<Call>, keys: Vec<String>) -> Over {
        Over { calls, keys, origins: true }
    }

    /// The same when nobody asks where its rows came from.
    pub(super) fn without_origins(self) -> Over {
        Over { origins: false, ..self }
    }
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<_> = self.calls.iter().map(Call::to_string).collect();
        write!(f, "over {}: {}", self.keys.join(", "), shown.join(", "))
    }
}

impl Identity for Over {
    fn token(&self, t: &mut Tokenizer) {
        t.str("over");
        t.list(&self.calls, |t, call| t.identity(call));
        t.list(&self.keys, |t, key| t.str(key));
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
        let mut place = "place".to_string();
        while schema.index_of(&place).is_ok() {
            place.push('\'');
        }
        let columns: Vec<_> = schema.fields().iter().map(|f| col(f.name())).collect();
        let output = schema.fields().iter().map(|f| f.name().clone()).chain([place.clone()]).collect();
        let Over { calls, keys, .. } = self.clone();
        let by_keys = ByKeys { calls, keys, place: place.clone(), output: Output::only(output) };
        let met = Plan::new(by_keys, vec![input.clone()])?;
        let back = Plan::new(SortBy::new([SortKey::from(place)])?, vec![met])?;
        Ok(Shape::Rewrite(Plan::new(Project::new(columns), vec![back])?))
    }

    fn unasked(&self) -> Option<Arc<dyn Op>> {
        self.origins.then(|| Arc::new(self.clone().without_origins()) as Arc<dyn Op>)
    }
}

/// The rows with their results and their places, in any order.
#[derive(Clone, Debug)]
struct ByKeys {
    calls: Vec<Call>,
    keys: Vec<String>,
    /// What the column of places is called.
    place: String,
    output: Output,
}

impl fmt::Display for ByKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<_> = self.calls.iter().map(Call::to_string).collect();
        write!(f, "over {}: {}", self.keys.join(", "), shown.join(", "))
    }
}

impl Identity for ByKeys {
    fn token(&self, t: &mut Tokenizer) {
        t.str("by_keys");
        t.list(&self.calls, |t, call| t.identity(call));
        t.list(&self.keys, |t, key| t.str(key));
        t.str(&self.place);
        self.output.token(t);
    }
}

impl ByKeys {
    /// The columns of the input and the place.
    fn placed(&self, input: &SchemaRef) -> SchemaRef {
        let mut fields: Vec<Field> = input.fields().iter().map(|f| f.as_ref().clone()).collect();
        fields.push(Field::new(&self.place, DataType::UInt64, false));
        Arc::new(Schema::new_with_metadata(fields, input.metadata().clone()))
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
        Ok(Shape::Shuffle(Shuffle { partitions, exchange: Arc::new(Arc::new(exchanged)) }))
    }

    fn columns_needed(&self, wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let input = inputs.first()?;
        let mut needed = self.output.needed(wanted, &self.calls, &self.placed(input)).ok()?;
        needed.retain(|&i| i < input.fields().len());
        for key in &self.keys {
            needed.push(index_of(input, key).ok()?);
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

    fn footprint(&self) -> Footprint {
        Footprint::Spills("rows in buckets by the hash of their keys".into())
    }
}
