//! The operation, and in which manner it runs.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use super::broadcast::Broadcast;
use super::exchange::Exchanged;
use super::layout::{From, Layout};
use super::{Join, JoinKind};
use crate::base::schema::{index_of, logical};
use crate::base::{Error, ErrorKind, Identity, Result, Tokenizer};
use crate::expr::Portable;
use crate::expr::coerce::meet_types;
use crate::expr::keys::flat::Form;
use crate::expr::{Expr, SortKey, col};
use crate::graph::Payload;
use crate::ops::origins::{FIRST, Mark, Restore, SECOND};
use crate::plan::lower::shuffled_partitions;
use crate::plan::relation::Order;
use crate::plan::{Footprint, Op, Partition, Plan, Relation, Shape, Shuffle, Then};

/// Rows of two frames side by side.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JoinOp {
    join: Join,
    /// The columns of the result. They are settled once: which names get a suffix does not depend on what is needed.
    columns: Vec<Column>,
    /// Whether rows of the result know which rows they were made of.
    origins: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Column {
    name: String,
    /// What it is called in the left and the right frame; a key may come from both.
    left: Option<String>,
    right: Option<String>,
}

/// A side of about this many bytes is small.
const SMALL: u64 = 10 << 20;

impl JoinOp {
    /// The join of frames with these columns.
    ///
    /// # Errors
    /// `UnknownColumn`, `TypeMismatch` for keys that do not meet in one type, `Schema` for two columns of one name,
    /// `Invalid` for keys that are not in pairs.
    pub fn new(join: Join, left: &Schema, right: &Schema) -> Result<JoinOp> {
        if join.left_on.len() != join.right_on.len() {
            let what = format!("{} keys on the left and {} on the right", join.left_on.len(), join.right_on.len());
            return Err(Error::invalid(what).help("give as many names to right_on() as there are keys"));
        }
        if join.left_on.is_empty() != (join.kind == JoinKind::Cross) {
            return Err(Error::invalid(format!("a {} join on {} keys", join.kind, join.left_on.len()))
                .help("name the keys, or use Join::cross() for every row with every row"));
        }
        for (side, on, name) in [(left, &join.left_on, "left"), (right, &join.right_on, "right")] {
            on.iter()
                .try_for_each(|key| index_of(side, key).map(drop))
                .map_err(|e| e.doing(format!("join the {name} frame")))?;
        }
        let columns = columns_of(&join, left, right);
        for (i, column) in columns.iter().enumerate() {
            if columns[..i].iter().any(|c| c.name == column.name) {
                let what = format!("two columns would be called `{}`", column.name);
                return Err(Error::new(ErrorKind::Schema { what }).help("give other suffixes() to the join"));
            }
        }
        Ok(JoinOp { join, columns, origins: true })
    }

    /// The same join when nobody asks where its rows came from.
    pub fn without_origins(self) -> JoinOp {
        JoinOp { origins: false, ..self }
    }

    /// The join with the origins of the rows of both sides as columns. A row of the result came from both of its rows, in
    /// whichever manner and order they met; one of a semi or anti join is the row that it was.
    fn marked(&self, left: &Plan, right: &Plan) -> Result<Plan> {
        let column = |name: &str, left: bool| {
            let own = |is: bool| is.then(|| name.to_string());
            Column { name: name.to_string(), left: own(left), right: own(!left) }
        };
        let mut columns = self.columns.clone();
        columns.push(column(FIRST, true));
        let (mut right, mut names) = (right.clone(), vec![FIRST]);
        if !self.gives_left_only() {
            columns.push(column(SECOND, false));
            names.push(SECOND);
            right = Mark::over(&right, SECOND)?;
        }
        let join = JoinOp { join: self.join.clone(), columns, origins: false };
        Plan::new(Restore::new(names), vec![Plan::new(join, vec![Mark::over(left, FIRST)?, right])?])
    }

    fn gives_left_only(&self) -> bool {
        matches!(self.join.kind, JoinKind::Semi | JoinKind::Anti)
    }

    fn types(&self, left: &Schema, right: &Schema) -> Result<Vec<arrow::datatypes::DataType>> {
        let pairs = self.join.left_on.iter().zip(&self.join.right_on);
        let types = pairs.map(|(l, r)| {
            let (a, b) = (left.field(index_of(left, l)?).data_type(), right.field(index_of(right, r)?).data_type());
            let met = meet_types(a, b).ok_or_else(|| {
                Error::types(format!("the keys `{l}` ({a}) and `{r}` ({b}) cannot be compared"))
                    .help("bring them to one type with astype() first")
            })?;
            Form::of(&met).map_err(|e| e.at_column(l))?;
            Ok(met)
        });
        types.collect()
    }

    fn field(&self, column: &Column, left: &Schema, right: &Schema) -> Result<Field> {
        let of = |schema: &Schema, name: &Option<String>| -> Result<Option<Field>> {
            name.as_ref().map(|n| Ok(schema.field(index_of(schema, n)?).clone())).transpose()
        };
        let (l, r) = (of(left, &column.left)?, of(right, &column.right)?);
        let lonely = |kinds: [JoinKind; 2]| kinds.contains(&self.join.kind);
        let (no_left, no_right) =
            (lonely([JoinKind::Right, JoinKind::Outer]), lonely([JoinKind::Left, JoinKind::Outer]));
        let (data_type, nullable) = match (&l, &r) {
            (Some(l), Some(r)) => {
                let met = meet_types(l.data_type(), r.data_type()).unwrap_or_else(|| l.data_type().clone());
                (met, l.is_nullable() || r.is_nullable())
            }
            (Some(l), None) => (l.data_type().clone(), l.is_nullable() || no_left),
            (None, Some(r)) => (r.data_type().clone(), r.is_nullable() || no_right),
            (None, None) => return Err(Error::invalid("a column of a join comes from nowhere")),
        };
        Ok(Field::new(&column.name, data_type, nullable))
    }

    fn swaps(&self) -> bool {
        self.join.kind == JoinKind::Right
    }

    /// Whether every task has all of the side that is looked up.
    fn broadcasts(&self, build: &Plan) -> bool {
        let small = || build.size().is_some_and(|bytes| bytes <= SMALL);
        self.join.kind != JoinKind::Outer && self.join.broadcast.unwrap_or_else(small)
    }

    /// The columns in the sides as they run.
    fn layout(&self, left: &SchemaRef, right: &SchemaRef) -> Result<Layout> {
        let schema = self.schema(&[left.clone(), right.clone()])?;
        let places =
            |schema: &Schema, names: &[String]| names.iter().map(|n| index_of(schema, n)).collect::<Result<_>>();
        let (on_left, on_right) = (places(left, &self.join.left_on)?, places(right, &self.join.right_on)?);
        let columns = self.columns.iter().map(|column| {
            let at = |schema: &Schema, name: &Option<String>| name.as_ref().map(|n| index_of(schema, n)).transpose();
            let (l, r) = (at(left, &column.left)?, at(right, &column.right)?);
            let (probe, build) = if self.swaps() { (r, l) } else { (l, r) };
            match (probe, build) {
                (Some(p), Some(b)) => Ok(From::Either(p, b)),
                (Some(p), None) => Ok(From::Probe(p)),
                (None, Some(b)) => Ok(From::Build(b)),
                (None, None) => Err(Error::invalid("a column of a join comes from nowhere")),
            }
        });
        Ok(Layout {
            kind: if self.swaps() { JoinKind::Left } else { self.join.kind },
            nulls_equal: self.join.nulls_equal,
            keys: if self.swaps() { [on_right, on_left] } else { [on_left, on_right] },
            types: self.types(left, right)?,
            columns: columns.collect::<Result<_>>()?,
            schema,
        })
    }
}

/// The columns of the left frame, then those of the right one; keys of one name are one column.
fn columns_of(join: &Join, left: &Schema, right: &Schema) -> Vec<Column> {
    let shared = |name: &str| join.left_on.iter().zip(&join.right_on).any(|(l, r)| l == name && r == name);
    let of = |schema: &Schema| schema.fields().iter().map(|f| f.name().clone()).collect::<Vec<_>>();
    let (lefts, rights) = (of(left), of(right));
    let only_left = matches!(join.kind, JoinKind::Semi | JoinKind::Anti);
    let clash = |name: &String| !only_left && !shared(name) && lefts.contains(name) && rights.contains(name);
    let named = |name: &String, suffix: &str| if clash(name) { format!("{name}{suffix}") } else { name.clone() };
    let mut columns: Vec<Column> = lefts
        .iter()
        .map(|name| Column {
            name: named(name, &join.suffixes.0),
            left: Some(name.clone()),
            right: (shared(name) && !only_left).then(|| name.clone()),
        })
        .collect();
    if !only_left {
        columns.extend(rights.iter().filter(|name| !shared(name)).map(|name| Column {
            name: named(name, &join.suffixes.1),
            left: None,
            right: Some(name.clone()),
        }));
    }
    columns
}

impl fmt::Display for JoinOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.join)
    }
}

impl Identity for JoinOp {
    fn token(&self, t: &mut Tokenizer) {
        t.str("join");
        t.debug(&self.join);
        t.list(&self.columns, |t, c| t.debug(c));
        t.u64(self.origins.into());
    }
}

impl Op for JoinOp {
    fn name(&self) -> &'static str {
        "join"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let [left, right] = inputs else { return Err(Error::invalid("join has two inputs")) };
        self.types(left, right)?;
        let fields = self.columns.iter().map(|c| self.field(c, left, right));
        Ok(Arc::new(Schema::new(fields.collect::<Result<Vec<_>>>()?)))
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let [left, right] = inputs else { return Err(Error::invalid("join has two inputs")) };
        if self.origins {
            return Ok(Shape::Rewrite(self.marked(left, right)?));
        }
        let layout = Arc::new(self.layout(left.schema(), right.schema())?);
        let (probe, build, at) = if self.swaps() { (right, left, 1) } else { (left, right, 0) };
        if self.broadcasts(build) {
            let (schema, probe, shown) = (build.schema().clone(), probe.clone(), self.to_string());
            let content = build.token();
            let next = move |small: Vec<Payload>| {
                let small = small.into_iter().map(Partition::from_payload).collect::<Result<Vec<_>>>()?;
                let op = Broadcast::new(layout.clone(), schema.clone(), small, content, shown.clone());
                Plan::new(op, vec![probe.clone()])
            };
            return Ok(Shape::Then(Then { first: build.clone(), next: Arc::new(next) }));
        }
        let exchange = Arc::new(Exchanged {
            layout,
            schemas: [probe.schema().clone(), build.schema().clone()],
            partitions: shuffled_partitions(inputs)?,
            bytes: left.size().zip(right.size()).map(|(l, r)| l.max(r)),
            probe: at,
        });
        Ok(Shape::Shuffle(Shuffle { partitions: exchange.partitions, exchange: Arc::new(exchange) }))
    }

    fn columns_needed(&self, wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let [left, right] = inputs else { return None };
        let wanted: Vec<&Column> = wanted.iter().filter_map(|&i| self.columns.get(i)).collect();
        let places = |schema: &Schema, on: &[String], of: fn(&Column) -> &Option<String>| {
            let names = wanted.iter().filter_map(|c| of(c).as_ref()).chain(on);
            let mut places: Vec<usize> = names.filter_map(|n| schema.index_of(n).ok()).collect();
            places.sort_unstable();
            places.dedup();
            places
        };
        Some(vec![places(left, &self.join.left_on, |c| &c.left), places(right, &self.join.right_on, |c| &c.right)])
    }

    fn pruned(&self, keep: &[usize], _inputs: &[SchemaRef]) -> Option<Arc<dyn Op>> {
        let columns = keep.iter().filter_map(|&i| self.columns.get(i).cloned()).collect();
        Some(Arc::new(JoinOp { join: self.join.clone(), columns, origins: self.origins }))
    }

    fn unasked(&self) -> Option<Arc<dyn Op>> {
        self.origins.then(|| Arc::new(self.clone().without_origins()) as Arc<dyn Op>)
    }

    fn filter_through(&self, input: usize, predicate: &Expr) -> Option<Expr> {
        use JoinKind::{Anti, Cross, Inner, Left, Right, Semi};
        let passes = match input {
            0 => matches!(self.join.kind, Inner | Left | Semi | Anti | Cross),
            _ => matches!(self.join.kind, Inner | Right | Cross),
        };
        // a condition that can fail is only asked about rows that have a partner
        if !passes || predicate.can_fail() {
            return None;
        }
        let of = |name: &str| {
            let column = self.columns.iter().find(|c| c.name == name)?;
            let own = if input == 0 { &column.left } else { &column.right };
            own.as_ref().map(|own| (own.clone(), column.left.is_some() && column.right.is_some()))
        };
        // a key has its own type in each frame
        let known = predicate.columns().iter().all(|name| of(name).is_some_and(|(_, both)| !both));
        known.then(|| predicate.substitute(&|name| of(name).map(|(own, _)| col(own))))
    }

    fn size(&self, inputs: &[Option<u64>]) -> Option<u64> {
        // how often keys meet is not known; rows that are only kept or left out are those of one side
        match self.join.kind {
            JoinKind::Semi | JoinKind::Anti => inputs.first().copied().flatten(),
            _ => None,
        }
    }

    fn footprint(&self) -> Footprint {
        Footprint::Spills("both sides in buckets, or holds a small one".into())
    }

    fn relation(&self, inputs: &[Plan]) -> Option<Relation> {
        let [left, right] = inputs else { return None };
        if self.origins {
            return None;
        }
        let types = self.types(left.schema(), right.schema()).ok()?;
        let keys = |on: &[String]| {
            on.iter().zip(&types).map(|(key, t)| SortKey::new(col(key).cast(logical(t)))).collect::<Vec<_>>()
        };
        let keys = vec![keys(&self.join.left_on), keys(&self.join.right_on)];
        let (build, whole) = if self.swaps() { (left, 0) } else { (right, 1) };
        let cross = self.join.kind == JoinKind::Cross;
        if self.broadcasts(build) || cross {
            let join = Join { broadcast: Some(true), ..self.join.clone() };
            let op = Arc::new(JoinOp { join, ..self.clone() });
            return Some(Relation::Beside { whole, op, keys: (!cross).then_some(keys) });
        }
        Some(Relation::Together { keys, order: Order::Any })
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("join", self)
    }
}
