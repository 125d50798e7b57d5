//! `rank`: the place of a value among all, or those of its group.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use serde::{Deserialize, Serialize};

use super::window::same_carry;
use super::{Carry, Reach, Running, Window};
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::Portable;
use crate::expr::keys::missing;
use crate::expr::order::{Encoder, Keys};
use crate::expr::{Arg, SortKey, col};

/// What rank equal values have (pandas' names).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RankMethod {
    /// The mean of the ranks that they take up.
    Average,
    /// The smallest of them.
    Min,
    /// The largest of them.
    Max,
    /// The smallest, and the next value has the next rank.
    Dense,
    /// Each its own, in the order of the rows (Polars' `ordinal`).
    First,
}

/// The place of a value in the order of all, from 1; null and NaN have none (pandas' `rank`). Rows come to it in that
/// order.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
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

fn schema_of(data_type: &DataType) -> Schema {
    Schema::new(vec![Field::new(VALUE, data_type.clone(), true)])
}

impl Rank {
    fn passing(&self, args: &[DataType]) -> Result<Passing> {
        let [data_type] = args else { return Err(Error::invalid("rank has one argument")) };
        let key = SortKey { descending: self.descending, ..SortKey::new(col(VALUE)) };
        let encoder = Encoder::new(&[key], &schema_of(data_type))?;
        Ok(Passing { method: self.method, encoder, seen: Seen::default(), after: Seen::default(), waiting: 0 })
    }
}

impl Window for Rank {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        let [arg] = args else { return Err(Error::invalid("rank has one argument")) };
        self.passing(&[arg.data_type().clone()])?;
        let data_type = if self.method == RankMethod::Average { DataType::Float64 } else { DataType::Int64 };
        Ok(Arc::new(Field::new(arg.field.name(), data_type, true)))
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("rank", self)
    }

    fn reach(&self) -> Reach {
        Reach::All
    }

    fn sorted(&self) -> Option<bool> {
        Some(self.descending)
    }

    fn start(&self, args: &[DataType], _first: u64) -> Result<Box<dyn Running>> {
        Ok(Box::new(self.passing(args)?))
    }

    fn carry(&self, args: &[DataType]) -> Result<Option<Box<dyn Carry>>> {
        Ok(Some(Box::new(Ranked {
            rank: *self,
            args: args.to_vec(),
            encoder: self.passing(args)?.encoder,
            seen: Seen::default(),
        })))
    }

    fn grouped(&self, args: &[ArrayRef], starts: &[usize]) -> Result<ArrayRef> {
        let types: Vec<DataType> = args.iter().map(|a| a.data_type().clone()).collect();
        let mut passing = self.passing(&types)?;
        let values = Values::of(&passing.encoder, args)?;
        let mut ranks = Ranks::new(self.method, values.rows);
        for bounds in starts.windows(2) {
            passing.seen = Seen::default();
            passing.pass(&values, bounds[0]..bounds[1], &mut ranks)?;
            passing.settle(&mut ranks);
        }
        Ok(ranks.array())
    }
}

/// The values of some rows, with their keys in the order.
struct Values {
    keys: Keys,
    missing: Option<BooleanArray>,
    rows: usize,
}

impl Values {
    fn of(encoder: &Encoder, args: &[ArrayRef]) -> Result<Values> {
        let [values] = args else { return Err(Error::invalid("rank has one argument")) };
        let record = RecordBatch::try_new(Arc::new(schema_of(values.data_type())), vec![values.clone()])?;
        let missing = missing(args)?.map(|m| BooleanArray::new(m, None));
        Ok(Values { keys: encoder.encode(&record)?, missing, rows: values.len() })
    }

    fn has(&self, row: usize) -> bool {
        self.missing.as_ref().is_none_or(|m| !m.value(row))
    }

    fn key(&self, row: usize) -> Result<Vec<u8>> {
        Ok(self.keys.pick(&[row as u32])?.pop().unwrap_or_default())
    }
}

/// What is known of some values in order.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// How many there are.
    values: u64,
    /// How many different ones.
    distinct: u64,
    /// How many equal the first one, and the last one.
    like_first: u64,
    like_last: u64,
    /// The keys of the first and the last one.
    first: Vec<u8>,
    last: Vec<u8>,
}

impl Seen {
    fn follow(&mut self, later: &Seen) {
        if self.values == 0 || later.values == 0 {
            if later.values > 0 {
                *self = later.clone();
            }
            return;
        }
        let joined = self.last == later.first;
        if joined && self.distinct == 1 {
            self.like_first += later.like_first;
        }
        self.like_last = later.like_last + if joined && later.distinct == 1 { self.like_last } else { 0 };
        self.values += later.values;
        self.distinct += later.distinct - u64::from(joined);
        self.last.clone_from(&later.last);
    }

    /// Takes in some rows that have values.
    fn see(&mut self, values: &Values, rows: std::ops::Range<usize>) -> Result<()> {
        let mut own = Seen::default();
        let mut before = None;
        for row in rows.filter(|&row| values.has(row)) {
            let same = before.is_some_and(|before| values.keys.compare(before, &values.keys, row).is_eq());
            if before.is_none() {
                own.first = values.key(row)?;
            }
            own.values += 1;
            own.distinct += u64::from(!same);
            own.like_last = if same { own.like_last + 1 } else { 1 };
            own.like_first += u64::from(own.distinct == 1);
            before = Some(row);
        }
        if let Some(last) = before {
            own.last = values.key(last)?;
        }
        self.follow(&own);
        Ok(())
    }
}

/// What some rows mean to those around them.
struct Ranked {
    rank: Rank,
    args: Vec<DataType>,
    encoder: Encoder,
    seen: Seen,
}

impl Carry for Ranked {
    fn push(&mut self, args: &[ArrayRef], rows: usize) -> Result<()> {
        self.seen.see(&Values::of(&self.encoder, args)?, 0..rows)
    }

    fn follow(&mut self, later: &dyn Carry) -> Result<()> {
        self.seen.follow(&same_carry::<Ranked>(later)?.seen);
        Ok(())
    }

    fn again(&self) -> Box<dyn Carry> {
        let (args, encoder) = (self.args.clone(), self.encoder.clone());
        Box::new(Ranked { rank: self.rank, args, encoder, seen: self.seen.clone() })
    }

    fn start(&self, after: Option<&dyn Carry>) -> Result<Box<dyn Running>> {
        let after = after.map(same_carry::<Ranked>).transpose()?;
        let after = after.map(|after| after.seen.clone()).unwrap_or_default();
        Ok(Box::new(Passing { seen: self.seen.clone(), after, ..self.rank.passing(&self.args)? }))
    }
}

/// Ranks row by row. Those that depend on how many equal values follow wait for the next value.
struct Passing {
    method: RankMethod,
    encoder: Encoder,
    /// All values so far.
    seen: Seen,
    /// All that come after the last row.
    after: Seen,
    /// How many rows wait: the last ones, of one value.
    waiting: u64,
}

impl Passing {
    /// Takes in rows that follow; gives the last one that has a value.
    fn pass(&mut self, values: &Values, rows: std::ops::Range<usize>, ranks: &mut Ranks) -> Result<Option<usize>> {
        let mut before: Option<usize> = None;
        for row in rows {
            if !values.has(row) {
                self.settle(ranks);
                ranks.put(None);
                continue;
            }
            let same = match before {
                Some(before) => values.keys.compare(before, &values.keys, row).is_eq(),
                None => self.seen.values > 0 && self.seen.last == values.key(row)?,
            };
            if !same {
                self.settle(ranks);
                self.seen.distinct += 1;
                self.seen.like_last = 0;
            }
            self.seen.values += 1;
            self.seen.like_last += 1;
            before = Some(row);
            match self.method {
                RankMethod::Average | RankMethod::Max => self.waiting += 1,
                RankMethod::Min => ranks.put(Some((self.seen.values - self.seen.like_last + 1) as f64)),
                RankMethod::Dense => ranks.put(Some(self.seen.distinct as f64)),
                RankMethod::First => ranks.put(Some(self.seen.values as f64)),
            }
        }
        Ok(before)
    }

    /// The value of the rows that wait does not come again.
    fn settle(&mut self, ranks: &mut Ranks) {
        let (last, first) = (self.seen.values, self.seen.values - self.seen.like_last.min(self.seen.values) + 1);
        let rank = if self.method == RankMethod::Max { last as f64 } else { (first + last) as f64 / 2.0 };
        for _ in 0..std::mem::take(&mut self.waiting) {
            ranks.put(Some(rank));
        }
    }
}

impl Running for Passing {
    fn push(&mut self, args: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let values = Values::of(&self.encoder, args)?;
        let mut ranks = Ranks::new(self.method, rows);
        if let Some(last) = self.pass(&values, 0..rows, &mut ranks)? {
            self.seen.last = values.key(last)?;
        }
        Ok(ranks.array())
    }

    fn end(&mut self) -> Result<ArrayRef> {
        if self.waiting > 0 && self.after.first == self.seen.last && self.after.values > 0 {
            self.seen.values += self.after.like_first;
            self.seen.like_last += self.after.like_first;
        }
        let mut ranks = Ranks::new(self.method, self.waiting as usize);
        self.settle(&mut ranks);
        Ok(ranks.array())
    }
}

/// Ranks in the making.
enum Ranks {
    Whole(Vec<Option<i64>>),
    Mean(Vec<Option<f64>>),
}

impl Ranks {
    fn new(method: RankMethod, rows: usize) -> Ranks {
        match method {
            RankMethod::Average => Ranks::Mean(Vec::with_capacity(rows)),
            _ => Ranks::Whole(Vec::with_capacity(rows)),
        }
    }

    fn put(&mut self, rank: Option<f64>) {
        match self {
            Ranks::Whole(ranks) => ranks.push(rank.map(|r| r as i64)),
            Ranks::Mean(ranks) => ranks.push(rank),
        }
    }

    fn array(self) -> ArrayRef {
        match self {
            Ranks::Whole(ranks) => Arc::new(Int64Array::from(ranks)),
            Ranks::Mean(ranks) => Arc::new(Float64Array::from(ranks)),
        }
    }
}
