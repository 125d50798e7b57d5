//! The operation.

use std::fmt;
use std::sync::{Arc, OnceLock};

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;

use super::bounds::bounds;
use super::check::{Check, joined};
use super::divided::Divided;
use super::sample::SampleKeys;
use crate::base::schema::index_of;
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::col;
use crate::expr::order::Encoder;
use crate::ops::SortBy;
use crate::plan::lower::count_partitions;
use crate::plan::node::only;
use crate::plan::{Divisions, Footprint, Op, Plan, Shape, Then};

/// Which column becomes the index, and how. A column's name is enough.
///
/// ```
/// use partita::SetIndex;
/// let index = SetIndex::new("pickup").partitions(100);
/// assert_eq!(index.to_string(), "set_index pickup in at most 100 partitions");
/// ```
#[derive(Debug, Clone)]
pub struct SetIndex {
    column: String,
    partitions: Option<usize>,
    sorted: bool,
    /// Where the partitions begin, when that was asked for. All clones that rules make share it: they only ever put one
    /// over rows with the same keys. A frame begins anew.
    known: Arc<OnceLock<ArrayRef>>,
}

impl SetIndex {
    /// The same for another frame: nothing is known of its rows.
    pub(crate) fn anew(self) -> SetIndex {
        SetIndex { known: Arc::default(), ..self }
    }

    /// By this column.
    pub fn new(column: impl Into<String>) -> SetIndex {
        SetIndex { column: column.into(), partitions: None, sorted: false, known: Arc::default() }
    }

    /// In at most so many partitions of about as many rows each, instead of as many as there were. There are fewer where
    /// there are not so many different keys, because equal keys stay together.
    #[must_use]
    pub fn partitions(self, partitions: usize) -> SetIndex {
        SetIndex { partitions: Some(partitions), known: Arc::default(), ..self }
    }

    /// The rows are in this order already: that is checked, and they stay in their partitions.
    #[must_use]
    pub fn sorted(self) -> SetIndex {
        SetIndex { sorted: true, known: Arc::default(), ..self }
    }

    /// What the operation is when it is known where the partitions begin.
    fn decided(&self, bounds: &ArrayRef, input: &Plan) -> Result<Plan> {
        let divisions = Divisions::known(&self.column, bounds.clone(), self.sorted);
        let inputs = vec![input.clone()];
        if self.sorted {
            Plan::new(Divided::new(divisions), inputs)
        } else {
            Plan::new(SortBy::ranges(divisions), inputs)
        }
    }
}

impl From<&str> for SetIndex {
    fn from(column: &str) -> SetIndex {
        SetIndex::new(column)
    }
}

impl From<String> for SetIndex {
    fn from(column: String) -> SetIndex {
        SetIndex::new(column)
    }
}

impl From<&String> for SetIndex {
    fn from(column: &String) -> SetIndex {
        SetIndex::new(column.as_str())
    }
}

impl fmt::Display for SetIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "set_index {}", self.column)?;
        match (self.sorted, self.partitions) {
            (true, _) => f.write_str(", sorted already"),
            (false, Some(partitions)) => write!(f, " in at most {partitions} partitions"),
            (false, None) => Ok(()),
        }
    }
}

impl Identity for SetIndex {
    fn token(&self, t: &mut Tokenizer) {
        t.str("set_index");
        t.str(&self.column);
        t.debug(&(self.partitions, self.sorted));
    }
}

impl Op for SetIndex {
    fn name(&self) -> &'static str {
        "set_index"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let [input] = inputs else { return Err(Error::invalid("set_index has one input")) };
        if self.partitions == Some(0) {
            return Err(Error::invalid("a frame has at least one partition, not 0"));
        }
        Encoder::new(&[col(&self.column).asc()], input)?;
        Ok(input.clone())
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let input = only(inputs)?.clone();
        if let Some(known) = self.known.get() {
            return Ok(Shape::Rewrite(self.decided(known, &input)?));
        }
        let (op, column) = (self.clone(), self.column.clone());
        let field = input.schema().field(index_of(input.schema(), &column)?).clone();
        if self.sorted {
            let first = Plan::new(Check { column }, vec![input.clone()])?;
            return Ok(Then::rows(first, move |batches| {
                let bounds = joined(&field, &batches)?;
                op.decided(op.known.get_or_init(|| bounds), &input)
            }));
        }
        let most = self.partitions.or(count_partitions(&input)?).unwrap_or(1);
        let first = Plan::new(SampleKeys { column }, vec![input.clone()])?;
        Ok(Then::rows(first, move |batches| {
            let bounds = bounds(&field, &batches, most)?;
            op.decided(op.known.get_or_init(|| bounds), &input)
        }))
    }

    fn columns_needed(&self, wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let mut needed = wanted.to_vec();
        needed.push(inputs.first()?.index_of(&self.column).ok()?);
        Some(vec![needed])
    }

    fn divisions(&self, _inputs: &[Option<Divisions>]) -> Option<Divisions> {
        Some(Divisions::unknown(&self.column))
    }

    fn footprint(&self) -> Footprint {
        if self.sorted { Footprint::Streams } else { Footprint::Spills("sorted runs".into()) }
    }
}
