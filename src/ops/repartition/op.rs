//! The operation.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::join::Join;
use super::measure::{Measure, sized};
use super::recut::{Recut, rising};
use super::split::{Split, even, part};
use crate::base::schema::index_of;
use crate::base::{ByteSize, Deferred, Error, Identity, Result, Tokenizer};
use crate::expr::Scalar;
use crate::ops::same_schema;
use crate::plan::lower::count_partitions;
use crate::plan::node::only;
use crate::plan::{Divisions, Op, Plan, Shape, Then};

/// Into which partitions the same rows go: a number of them is enough.
///
/// ```
/// use partita::Repartition;
/// assert_eq!(Repartition::from(8).to_string(), "repartition to 8");
/// assert_eq!(Repartition::size("100MiB").to_string(), "repartition to 100.00 MiB each");
/// assert_eq!(Repartition::divisions([0, 10, 20]).to_string(), "repartition at 0, 10, 20");
/// ```
#[derive(Debug, Clone)]
pub struct Repartition {
    to: To,
}

#[derive(Debug, Clone)]
enum To {
    Count(usize),
    /// What was written, if it is a size.
    Size(Deferred<ByteSize>),
    Divisions(Arc<[Scalar]>),
}

impl Repartition {
    /// So many. Fewer than there are: neighbouring partitions are joined. More: each takes an even range of all rows;
    /// where it is not known how many there are, they are counted first.
    pub fn count(partitions: usize) -> Repartition {
        Repartition { to: To::Count(partitions) }
    }

    /// Of about so many bytes at most (a text such as `"100MB"`, or a number), as
    /// [`memory_usage`](crate::DataFrame::memory_usage) counts them: they are measured first, then large partitions are
    /// cut into even ranges of rows and small neighbours are joined.
    pub fn size(bytes: impl fmt::Display) -> Repartition {
        Repartition { to: To::Size(bytes.to_string().parse().map_err(Arc::new)) }
    }

    /// Beginning at these values of the index, the last of which is the end of the last one. Rows below the first are in
    /// the first partition, and those above the last in the last one.
    pub fn divisions<S: Into<Scalar>>(values: impl IntoIterator<Item = S>) -> Repartition {
        Repartition { to: To::Divisions(values.into_iter().map(Into::into).collect()) }
    }

    /// Whether the divisions fit the index.
    ///
    /// # Errors
    /// `Invalid` without an index or when they do not rise; `Value`, `TypeMismatch` when one is no value of its type.
    pub fn check(&self, schema: &SchemaRef, index: impl FnOnce() -> Result<Option<Divisions>>) -> Result<()> {
        let To::Divisions(values) = &self.to else { return Ok(()) };
        let Some(index) = index()? else {
            let error = Error::invalid("only rows with an index can be divided at values of it");
            return Err(error.doing("repartition").help("call set_index first"));
        };
        rising(values, schema.field(index_of(schema, index.column())?)).map(drop)
    }
}

impl From<usize> for Repartition {
    fn from(partitions: usize) -> Repartition {
        Repartition::count(partitions)
    }
}

impl fmt::Display for Repartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.to {
            To::Count(partitions) => write!(f, "repartition to {partitions}"),
            To::Size(Ok(bytes)) => write!(f, "repartition to {bytes} each"),
            To::Size(Err(_)) => write!(f, "repartition to no size"),
            To::Divisions(values) => {
                let shown: Vec<String> = values.iter().take(8).map(Scalar::to_string).collect();
                let more = if values.len() > shown.len() { ", …" } else { "" };
                write!(f, "repartition at {}{more}", shown.join(", "))
            }
        }
    }
}

impl Identity for Repartition {
    fn token(&self, t: &mut Tokenizer) {
        t.str("repartition");
        match &self.to {
            To::Count(partitions) => t.u64(*partitions as u64),
            To::Size(bytes) => t.debug(&bytes.as_ref().ok()),
            To::Divisions(values) => t.list(values, |t, value| t.identity(value)),
        }
    }
}

impl Op for Repartition {
    fn name(&self) -> &'static str {
        "repartition"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        match &self.to {
            To::Count(0) => return Err(Error::invalid("a frame has at least one partition, not 0")),
            To::Size(Ok(ByteSize(0))) => return Err(Error::invalid("a partition has some bytes, not 0")),
            To::Size(size) => drop(size.clone()?),
            _ => {}
        }
        same_schema(inputs)
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let input = only(inputs)?.clone();
        match &self.to {
            To::Count(to) => counted(input, *to),
            To::Size(size) => {
                let size = size.clone()?.0;
                let measured = Plan::new(Measure::bytes(input.schema()), vec![input.clone()])?;
                Ok(Then::rows(measured, move |batches| {
                    let parts = Measure::read(&batches);
                    let rows: Vec<u64> = parts.iter().map(|(rows, _)| *rows).collect();
                    Plan::new(Split::new(&rows, sized(&parts, size)), vec![input.clone()])
                }))
            }
            To::Divisions(values) => divided(input, values.clone()),
        }
    }

    fn columns_needed(&self, wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        match self.to {
            To::Count(_) => Some(vec![wanted.to_vec()]),
            // the sizes of all columns count, and the index may be any
            _ => Some(inputs.iter().map(|input| (0..input.fields().len()).collect()).collect()),
        }
    }

    fn known_rows(&self, inputs: &[Option<Vec<u64>>]) -> Option<Vec<u64>> {
        let (rows, To::Count(to)) = (inputs.first()?.as_ref()?, &self.to) else { return None };
        Some(if rows.len() >= *to {
            (0..*to).map(|i| rows[part(i, rows.len(), *to)].iter().sum()).collect()
        } else {
            even(rows, *to).iter().map(|r| r.end - r.start).collect()
        })
    }

    fn partitions(&self) -> Option<usize> {
        match &self.to {
            To::Count(partitions) => Some(*partitions),
            To::Size(_) => None,
            To::Divisions(values) => Some(values.len().saturating_sub(1)),
        }
    }

    fn divisions(&self, inputs: &[Option<Divisions>]) -> Option<Divisions> {
        Some(Divisions::unknown(inputs.first()?.as_ref()?.column()))
    }
}

fn counted(input: Plan, to: usize) -> Result<Shape> {
    match (count_partitions(&input)?, input.known_rows()) {
        (Some(from), _) if from >= to => Ok(Shape::Rewrite(joined(input, from, to)?)),
        (Some(_), Some(rows)) => Ok(Shape::Rewrite(split(input, &rows, to)?)),
        _ => Ok(Then::rows(Plan::new(Measure::rows(), vec![input.clone()])?, move |batches| {
            let rows: Vec<u64> = Measure::read(&batches).iter().map(|(rows, _)| *rows).collect();
            if rows.len() >= to { joined(input.clone(), rows.len(), to) } else { split(input.clone(), &rows, to) }
        })),
    }
}

/// At these values of the index. What the input depends on is decided before this is asked again.
fn divided(input: Plan, values: Arc<[Scalar]>) -> Result<Shape> {
    let recut = |now: &Divisions, input: &Plan| {
        let field = input.schema().field(index_of(input.schema(), now.column())?);
        Plan::new(Recut::new(now, &rising(&values, field)?, field)?, vec![input.clone()])
    };
    if let Some(now) = input.divisions().filter(|now| now.bounds().is_some()) {
        return Ok(Shape::Rewrite(recut(&now, &input)?));
    }
    let lost = "the rows lost their order in the index on the way here";
    let error = move || Error::invalid(lost).doing("repartition").help("set the index again after what changed it");
    Ok(Then::rows(Plan::new(Measure::rows(), vec![input])?, move |_| Err(error())))
}

fn joined(input: Plan, from: usize, to: usize) -> Result<Plan> {
    if from == to { Ok(input) } else { Plan::new(Join { from, to }, vec![input]) }
}

fn split(input: Plan, rows: &[u64], to: usize) -> Result<Plan> {
    Plan::new(Split::new(rows, even(rows, to)), vec![input])
}
