//! A closure over whole partitions.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;

use crate::base::schema::same_type;
use crate::base::{Error, ErrorKind, Identity, Result, Token, Tokenizer};
use crate::io::{Batch, Origin};
use crate::plan::node::only;
use crate::plan::{Flow, Footprint, Gather, Map, Op, Out, Plan, Shape, Stage};

/// What is called with each partition.
pub type PartitionFn = Arc<dyn Fn(RecordBatch) -> Result<RecordBatch> + Send + Sync>;

/// A closure over each partition as one record batch, giving one with the declared schema.
#[derive(Clone)]
pub struct MapPartitions {
    function: PartitionFn,
    schema: SchemaRef,
    identity: Token,
}

impl MapPartitions {
    /// A closure; nothing is known of its content, so it is equal to no other.
    pub fn new(function: PartitionFn, schema: SchemaRef) -> MapPartitions {
        MapPartitions { function, schema, identity: Token::fresh() }
    }

    /// The promise that any closure of this name and version gives the same results, so that work on it is shared and
    /// found again.
    #[must_use]
    pub fn named(mut self, name: &str, version: &str) -> MapPartitions {
        self.identity = Token::of(|t| {
            t.str("named");
            t.str(name);
            t.str(version);
            t.debug(&self.schema.fields());
        });
        self
    }
}

impl fmt::Debug for MapPartitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for MapPartitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("map_partitions")
    }
}

impl Identity for MapPartitions {
    fn token(&self, t: &mut Tokenizer) {
        t.str("map_partitions");
        t.token(self.identity);
    }
}

impl Op for MapPartitions {
    fn name(&self) -> &'static str {
        "map_partitions"
    }

    fn schema(&self, _inputs: &[SchemaRef]) -> Result<SchemaRef> {
        Ok(self.schema.clone())
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let input = only(inputs)?.schema().clone();
        let (function, schema, identity) = (self.function.clone(), self.schema.clone(), self.identity);
        Ok(Map::each(move |i| {
            Ok(Box::new(Whole {
                input: input.clone(),
                schema: schema.clone(),
                function: function.clone(),
                partition: i,
                identity,
                held: Gather::default(),
            }))
        }))
    }

    fn holds(&self, size: Option<u64>, partitions: usize) -> Option<u64> {
        size.map(|bytes| bytes / partitions.max(1) as u64)
    }

    fn footprint(&self) -> Footprint {
        Footprint::Holds("one partition a thread".into())
    }
}

/// Holds a partition until it is whole.
struct Whole {
    input: SchemaRef,
    schema: SchemaRef,
    function: PartitionFn,
    partition: usize,
    identity: Token,
    held: Gather,
}

impl Stage for Whole {
    fn push(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        self.held.push(batch, out.context())?;
        Ok(Flow::More)
    }

    fn end(&mut self, out: &mut Out<'_>) -> Result<()> {
        let (what, budget) = ("a whole partition for map_partitions", &out.context().budget);
        let held = std::mem::take(&mut self.held).end(out.context());
        let (held, reservation) = held.load(what, budget)?;
        // one batch is passed on as it is, several are copied into one
        let _copy = budget.reserve(what, if held.len() > 1 { reservation.bytes() } else { 0 })?;
        let whole = concat_batches(&self.input, held.iter().map(|b| &b.record))?;
        let rows_in = whole.num_rows();
        let given = (self.function)(whole)?;
        let record = declared(given, &self.schema)?;
        // rows that are still one for one keep their places; others have that in the output
        let origin = if record.num_rows() == rows_in {
            Origin::join(held.into_iter().map(|b| (b.origin, b.record.num_rows())))
        } else {
            Origin::made(self.identity, self.partition as u64)
        };
        out.push(Batch { record, origin })?;
        Ok(())
    }
}

/// The batch under the declared schema.
fn declared(given: RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let fits = given.num_columns() == schema.fields().len()
        && given
            .schema()
            .fields()
            .iter()
            .zip(schema.fields())
            .all(|(a, b)| a.name() == b.name() && same_type(a.data_type(), b.data_type()));
    if !fits {
        let shown = |s: &SchemaRef| {
            s.fields().iter().map(|f| format!("{}: {}", f.name(), f.data_type())).collect::<Vec<_>>().join(", ")
        };
        let what = format!(
            "the closure of map_partitions gave ({}) where ({}) was declared",
            shown(&given.schema()),
            shown(schema)
        );
        return Err(Error::new(ErrorKind::Schema { what }).help("declare the schema that the closure gives"));
    }
    let columns =
        given.columns().iter().zip(schema.fields()).map(|(c, f)| crate::expr::fns::cast::convert(c, f.data_type()));
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(given.num_rows()));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}
