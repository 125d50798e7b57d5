//! `rank`: the place of a value among those of its group.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};

use super::{Reach, Running, Window};
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::keys::missing;
use crate::expr::order::Encoder;
use crate::expr::{Arg, SortKey, col};

/// What rank equal values have (pandas' names).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RankMethod {
    /// The mean of the ranks that they take up.
    Average,
    /// The smallest of them.
    Min,
    /// The largest of them.
    Max,
    /// The smallest, and the next value has the next rank.
    Dense,
    /// Each its own, in the order of the rows.
    First,
}

/// The place of a value among those of its group, from 1; null and NaN have none (pandas' `rank`).
#[derive(Clone, Copy, Debug)]
pub struct Rank {
    /// What rank equal values have.
    pub method: RankMethod,
    /// Whether the largest value comes first.
    pub descending: bool,
}

impl fmt::Display for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = format!("{:?}", self.method).to_lowercase();
        write!(f, "rank({method}{})", if self.descending { ", descending" } else { "" })
    }
}

impl Identity for Rank {
    fn token(&self, t: &mut Tokenizer) {
        t.str("rank");
        t.debug(&(self.method, self.descending));
    }
}

const VALUE: &str = "value";

impl Rank {
    fn encoder(&self, data_type: &DataType) -> Result<Encoder> {
        let key = SortKey { descending: self.descending, ..SortKey::new(col(VALUE)) };
        Encoder::new(&[key], &Schema::new(vec![Field::new(VALUE, data_type.clone(), true)]))
    }

    /// The ranks of the rows of a group: `order` are those that have a value, in order; `same` says which equal the one
    /// before.
    fn give(&self, order: &[u32], same: impl Fn(u32, u32) -> bool, mut put: impl FnMut(u32, f64)) {
        let (mut from, mut dense) = (0, 0);
        while from < order.len() {
            let mut to = from + 1;
            while to < order.len() && same(order[to - 1], order[to]) {
                to += 1;
            }
            dense += 1;
            for (i, &row) in order[from..to].iter().enumerate() {
                put(
                    row,
                    match self.method {
                        RankMethod::Average => (from + 1 + to) as f64 / 2.0,
                        RankMethod::Min => (from + 1) as f64,
                        RankMethod::Max => to as f64,
                        RankMethod::Dense => f64::from(dense),
                        RankMethod::First => (from + i + 1) as f64,
                    },
                );
            }
            from = to;
        }
    }
}

impl Window for Rank {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        let [arg] = args else { return Err(Error::invalid("rank has one argument")) };
        self.encoder(arg.data_type())?;
        let data_type = if self.method == RankMethod::Average { DataType::Float64 } else { DataType::Int64 };
        Ok(Arc::new(Field::new(arg.field.name(), data_type, true)))
    }

    fn reach(&self) -> Reach {
        Reach::Group
    }

    fn start(&self, _args: &[DataType], _first: u64) -> Result<Box<dyn Running>> {
        Err(Error::unsupported(format!("`{self}` without all rows")))
    }

    fn grouped(&self, args: &[ArrayRef], starts: &[usize]) -> Result<ArrayRef> {
        let [values] = args else { return Err(Error::invalid("rank has one argument")) };
        let field = Field::new(VALUE, values.data_type().clone(), true);
        let record = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![values.clone()])?;
        let keys = self.encoder(values.data_type())?.encode(&record)?;
        let missing = missing(args)?;
        let mut ranks = vec![None; values.len()];
        for bounds in starts.windows(2) {
            let rows = bounds[0] as u32..bounds[1] as u32;
            let mut order: Vec<u32> =
                rows.filter(|&row| missing.as_ref().is_none_or(|m| !m.value(row as usize))).collect();
            order.sort_by(|&a, &b| keys.compare(a as usize, &keys, b as usize));
            let same = |a: u32, b: u32| keys.compare(a as usize, &keys, b as usize).is_eq();
            self.give(&order, same, |row, rank| ranks[row as usize] = Some(rank));
        }
        Ok(match self.method {
            RankMethod::Average => Arc::new(Float64Array::from(ranks)),
            _ => Arc::new(ranks.into_iter().map(|rank| rank.map(|r| r as i64)).collect::<Int64Array>()),
        })
    }
}
