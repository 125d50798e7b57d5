//! Each partition from a range of the index.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, UInt64Array};
use arrow::compute::{concat, take};
use arrow::datatypes::{Field, SchemaRef};

use crate::base::schema::index_of;
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::order::Encoder;
use crate::expr::{Expr, Scalar, col};
use crate::io::Batch;
use crate::ops::same_schema;
use crate::ops::set_index::keys_of;
use crate::plan::node::only;
use crate::plan::{Divisions, Feed, Flow, Footprint, Map, Op, Out, Plan, Shape, Stage};

/// The values as one array of the type of the index, when they rise.
///
/// # Errors
/// `Invalid` for fewer than two, or when they do not rise; `Value`, `TypeMismatch` when one is no value of this type.
pub(super) fn rising(values: &[Scalar], field: &Field) -> Result<ArrayRef> {
    let cast = values.iter().map(|value| Ok(value.cast(field.data_type())?.array().clone()));
    let cast = cast.collect::<Result<Vec<_>>>().map_err(|e| e.at_column(field.name()))?;
    if cast.len() < 2 {
        return Err(Error::invalid("divisions are at least two: where the first partition begins and the last ends"));
    }
    let values = concat(&cast.iter().map(AsRef::as_ref).collect::<Vec<_>>())?;
    let keys = keys_of(&values, &field.clone().with_nullable(true))?;
    let wrong = |row: &usize| !keys.compare(*row, &keys, *row - 1).is_gt();
    match (1..keys.len()).find(wrong) {
        _ if values.null_count() > 0 => Err(Error::invalid("a division is null")),
        Some(row) => {
            let [before, at] = [row - 1, row].map(|i| Scalar::of(&values, i));
            Err(Error::invalid(format!("divisions have to rise, and {at} comes behind {before}")))
        }
        None => Ok(values),
    }
}

/// The same rows in partitions that begin at other values of the index. Rows below the first go to the first partition
/// and those above the last to the last one: none is lost.
#[derive(Debug, Clone)]
pub(super) struct Recut {
    divisions: Divisions,
    /// The partitions of the input that can have rows of each partition.
    feeds: Arc<[std::ops::Range<usize>]>,
    /// The values between the partitions.
    cuts: ArrayRef,
}

impl Recut {
    /// From partitions that are divided as `now` to others that begin at `to`, which have to rise.
    pub(super) fn new(now: &Divisions, to: &ArrayRef, field: &Field) -> Result<Recut> {
        let bounds = now.bounds().ok_or_else(|| Error::invalid("it is not known how the rows are divided"))?;
        let field = field.clone().with_nullable(true);
        let (all, parts) = (bounds.len() - 1, to.len() - 1);
        let (own, new) = (keys_of(bounds, &field)?, keys_of(to, &field)?);
        let begins = |part: usize| match part {
            0 => 0,
            // the last one that begins at or before it: of those that touch, the first that can have it
            _ => {
                // and what has no value comes behind the last one that there is
                let ending = || (0..all).find(|&i| own.compare(i + 1, &own, all).is_ge());
                let reaching = (0..all).find(|&i| own.compare(i + 1, &new, part).is_ge());
                reaching.or_else(ending).unwrap_or(all - 1)
            }
        };
        let ends = |part: usize| match part + 1 {
            next if next == parts => all,
            next => (0..all).rev().find(|&i| own.compare(i, &new, next).is_lt()).map_or(0, |i| i + 1),
        };
        let feeds = (0..parts).map(|part| begins(part)..ends(part).max(begins(part))).collect();
        // the outer bounds hold for all rows
        let ordered = concat(&[bounds, to])?;
        let keys = keys_of(&ordered, &field)?;
        let mut rows: Vec<u64> = (0..to.len()).map(|i| (bounds.len() + i) as u64).collect();
        let valued = bounds.null_count() == 0;
        if valued && keys.compare(0, &keys, bounds.len()).is_lt() {
            rows[0] = 0;
        }
        if valued && keys.compare(all, &keys, bounds.len() + parts).is_gt() {
            rows[parts] = all as u64;
        }
        let outer = take(&ordered, &UInt64Array::from(rows), None)?;
        let divisions = Divisions::known(now.column(), outer, false);
        Ok(Recut { divisions, feeds, cuts: to.slice(1, parts - 1) })
    }
}

impl fmt::Display for Recut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "repartition to {} ranges of {}", self.feeds.len(), self.divisions.column())
    }
}

impl Identity for Recut {
    fn token(&self, t: &mut Tokenizer) {
        t.str("repartition_recut");
        t.str(self.divisions.column());
        t.debug(&self.feeds);
        t.list(&self.divisions.values().unwrap_or_default(), |t, bound| t.identity(bound));
        t.list(&(0..self.cuts.len()).collect::<Vec<_>>(), |t, &i| t.identity(&Scalar::of(&self.cuts, i)));
    }
}

impl Op for Recut {
    fn name(&self) -> &'static str {
        "repartition"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        same_schema(inputs)
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let schema = only(inputs)?.schema();
        let encoder = Encoder::new(&[col(self.divisions.column()).asc()], schema)?;
        let field = schema.field(index_of(schema, self.divisions.column())?);
        let keys = keys_of(&self.cuts, field)?;
        let cuts: Arc<[Vec<u8>]> = (0..keys.len()).map(|row| keys.whole(row).to_vec()).collect();
        let feeds = self.feeds.clone();
        Ok(Shape::Map(Map {
            partitions: Some(feeds.len()),
            feeds: Some(Arc::new(move |i| feeds[i].clone().map(|partition| Feed { input: 0, partition }).collect())),
            stage: Arc::new(move |i| {
                let from = i.checked_sub(1).and_then(|before| cuts.get(before)).cloned();
                Ok(Box::new(Within { encoder: encoder.clone(), from, to: cuts.get(i).cloned() }))
            }),
        }))
    }

    fn columns_needed(&self, wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let mut needed = wanted.to_vec();
        needed.push(inputs.first()?.index_of(self.divisions.column()).ok()?);
        Some(vec![needed])
    }

    fn filter_through(&self, _input: usize, predicate: &Expr) -> Option<Expr> {
        Some(predicate.clone())
    }

    fn divisions(&self, _inputs: &[Option<Divisions>]) -> Option<Divisions> {
        Some(self.divisions.clone())
    }

    fn footprint(&self) -> Footprint {
        Footprint::Spills("partitions that several others need".into())
    }
}

/// Passes on the rows whose key lies in a range.
struct Within {
    encoder: Encoder,
    from: Option<Vec<u8>>,
    to: Option<Vec<u8>>,
}

impl Stage for Within {
    fn push(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        let keys = self.encoder.encode(&batch.record)?;
        let lies = |row: usize| {
            let key = keys.whole(row);
            self.from.as_ref().is_none_or(|from| key >= from.as_slice())
                && self.to.as_ref().is_none_or(|to| key < to.as_slice())
        };
        let mask: BooleanArray = (0..keys.len()).map(|row| Some(lies(row))).collect();
        match mask.true_count() {
            0 => Ok(Flow::More),
            all if all == batch.rows() => out.push(batch),
            _ => out.push(batch.filter(&mask)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Int64Array;
    use arrow::datatypes::DataType;

    use super::*;

    #[test]
    fn feeds_are_the_partitions_that_can_have_rows() {
        let wholes = |v: Vec<i64>| Arc::new(Int64Array::from(v)) as ArrayRef;
        let field = Field::new("k", DataType::Int64, false);
        let now = Divisions::known("k", wholes(vec![0, 10, 20, 30]), false);
        let feeds = |to: Vec<i64>| Recut::new(&now, &wholes(to), &field).unwrap().feeds.to_vec();
        assert_eq!(feeds(vec![0, 15, 30]), [0..2, 1..3]);
        assert_eq!(feeds(vec![5, 20, 25]), [0..2, 1..3]);
        assert_eq!(feeds(vec![0, 2, 4, 30]), [0..1, 0..1, 0..3]);
        assert_eq!(feeds(vec![-9, -5, 99]), [0..0, 0..3]);
        assert_eq!(feeds(vec![0, 50, 99]), [0..3, 2..3]);
        let bounds = Recut::new(&now, &wholes(vec![5, 15, 99]), &field).unwrap().divisions.values().unwrap();
        assert_eq!(bounds.iter().filter_map(Scalar::as_i64).collect::<Vec<_>>(), [0, 15, 99]);
    }
}
