//! From a plan of frames to a logical plan of DataFusion.
//!
//! DataFusion says where rows go: which tasks there are, what is exchanged between them. What happens between two exchanges
//! is a [`Piece`]: operations of the library, run by the library in each task. How keys compare and how groups are folded
//! while they travel is the library's own code too. So a result is that of a session in one process, to the bit.

use std::ops::Range;
use std::sync::Arc;

use datafusion::common::Column;
use datafusion::datasource::provider_as_source;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr as Their, Extension, LogicalPlan, LogicalPlanBuilder, lit};
use partita::arrow::array::RecordBatch;
use partita::arrow::datatypes::{DataType, Schema, SchemaRef};
use partita::expr::Expr;
use partita::io::{Batch, MemorySource};
use partita::ops::portable::Given;
use partita::ops::window::Placed;
use partita::ops::{Filter, Project, ScanOp, SortBy};
use partita::plan::lower::count_partitions;
use partita::plan::node::Rewritten;
use partita::plan::relation::{Folded, Order};
use partita::plan::{Plan, Relation};
use partita::{Error, Result, SortKey, col, lit as ours, when};

use crate::bridge::to_theirs;
use crate::fold::Folding;
use crate::key::Key;
use crate::piece::{Files, Meeting, Need, Piece};
use crate::{describe, error};

/// What the tables of files are called; columns are always found by their own names.
const TABLE: &str = "files";
/// How columns are called that are there for one step only.
const HIDDEN: &str = "\u{1}";
/// How the column of places is called that is there for one step only.
const PLACE: &str = "\u{1}place";

/// Gives the rows of a plan whose rows are few and have to be known before others can run.
pub type Few<'a> = &'a mut dyn FnMut(&Plan) -> Result<Vec<RecordBatch>>;

/// The logical plan of a plan.
///
/// # Errors
/// `Unsupported`, naming it, for an operation, an expression or an aggregate that cannot run elsewhere; of `few`.
pub fn logical(plan: &Plan, few: Few<'_>) -> Result<LogicalPlan> {
    made(plan, few)?.closed()
}

/// That a plan can run elsewhere: all that it asks for is translated, also what asks for rows first, and nothing runs.
///
/// # Errors
/// As [`logical`].
pub fn can_travel(plan: &Plan) -> Result<()> {
    let mut first = |first: &Plan| {
        match Relation::of(first)? {
            Relation::Describe { columns, .. } => describe::numbers(first, &columns)?,
            relation if !is_few(&relation) => return can_travel(first).map(|()| Vec::new()),
            _ => {}
        }
        can_travel(first.only_input()?).map(|()| Vec::new())
    };
    logical(plan, &mut first).map(drop)
}

/// Whether an operation gives few rows, and needs several queries for them.
pub fn is_few(relation: &Relation) -> bool {
    matches!(relation, Relation::Head { .. } | Relation::Tail { .. } | Relation::Describe { .. } | Relation::Totals)
}

/// How many partitions a plan has that is made of files alone, each of its partitions by itself.
pub fn partitions_of_files(plan: &Plan) -> Option<usize> {
    let apart = matches!(Relation::of(plan).ok()?, Relation::Apart);
    let all = apart && plan.inputs().iter().all(|input| partitions_of_files(input).is_some());
    count_partitions(plan).ok().flatten().filter(|_| all)
}

/// The logical plan of some partitions of such a plan.
///
/// # Errors
/// As [`logical`].
pub fn of_partitions(plan: &Plan, partitions: Range<usize>) -> Result<LogicalPlan> {
    table(plan, partitions)
}

/// The logical plan of an operation that is done with each partition by itself, whatever it does with all of them.
///
/// # Errors
/// As [`logical`].
pub fn of_each(plan: &Plan, few: Few<'_>) -> Result<LogicalPlan> {
    let (closed, rows) = made(plan.only_input()?, few)?.given(0)?;
    Made { plan: plan.with_inputs(vec![rows])?, inputs: vec![(closed, Need::Apart)], rows: Rows::Anywhere }.closed()
}

/// The logical plan as one that gives only its first rows, where it has an order of its own.
///
/// # Errors
/// Never in practice.
pub fn first(plan: LogicalPlan, rows: usize) -> Result<LogicalPlan> {
    done(LogicalPlanBuilder::from(plan).limit(0, Some(rows)))
}

/// A part of a plan in the making: operations of ours over files, or over other plans.
struct Made {
    plan: Plan,
    inputs: Vec<(LogicalPlan, Need)>,
    rows: Rows,
}

/// What is known of where rows are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// In the partitions of files, in their order; so many partitions.
    Files(usize),
    /// In one place, in their order.
    Whole,
    /// Anywhere.
    Anywhere,
}

fn made(plan: &Plan, few: Few<'_>) -> Result<Made> {
    match Relation::of(plan)? {
        Relation::Apart => apart(plan, few),
        Relation::InPartitions => {
            let made = apart(plan, few)?;
            if made.inputs.is_empty() { Ok(made) } else { Err(lost(plan, "the partitions that they had")) }
        }
        Relation::Together { keys, order } => together(plan, (keys, order), all(plan, few)?),
        Relation::Beside { whole, op, keys } => {
            beside(plan, (whole, &Plan::of(op, plan.inputs().to_vec())?, keys), few)
        }
        Relation::Whole { ordered } => {
            let input = made(plan.only_input()?, few)?;
            let whole = |given, logical, by| {
                Ok(Made {
                    plan: plan.with_inputs(vec![given])?,
                    inputs: vec![(logical, Need::All(by))],
                    rows: Rows::Whole,
                })
            };
            match (input.sorted(), ordered) {
                (Some((logical, by)), true) => whole(input.plan.clone(), logical.clone(), by),
                (_, true) => {
                    let (closed, rows) = input.placed(PLACE, plan)?.given(0)?;
                    whole(by_place(rows)?, closed, 0)
                }
                (_, false) => {
                    let (closed, rows) = input.given(0)?;
                    whole(rows, closed, 0)
                }
            }
        }
        Relation::Plan(same) => {
            let input = plan.only_input()?;
            let over = same.rewrite_up(&mut |node| match node.downcast::<Given>() {
                Some(_) => Ok(Rewritten::Done(input.clone())),
                None => Ok(Rewritten::Done(node)),
            })?;
            made(&partita::plan::rules::optimise(&over, false)?, few)
        }
        Relation::Aggregate { keys, folds, dropna, output } => {
            let below = made(plan.only_input()?, few)?;
            Made::over(
                aggregate(below, plan.only_input()?.schema(), (&keys, &folds, dropna, &output), plan.schema())?,
                plan,
                Rows::Anywhere,
            )
        }
        Relation::Sort { keys, rows } => {
            let below = made(plan.only_input()?, few)?;
            let (sorted, by) = sort(below, &keys, rows, plan.schema())?;
            let given = Given::plan(0, plan.schema().clone())?;
            Ok(Made { plan: given, inputs: vec![(sorted, Need::Sorted(by))], rows: Rows::Whole })
        }
        Relation::Count => {
            let below = LogicalPlanBuilder::from(made(plan.only_input()?, few)?.closed()?);
            let rows = below.aggregate(Vec::<Their>::new(), [count(lit(1i64)).alias("rows")]);
            Made::over(done(rows)?, plan, Rows::Whole)
        }
        few_rows if is_few(&few_rows) => Made::over(table(&values(plan, few)?.plan, 0..1)?, plan, Rows::Whole),
        _ => Err(Error::unsupported(format!("`{}` on a cluster", plan.op()))),
    }
}

fn all(plan: &Plan, few: Few<'_>) -> Result<Vec<Made>> {
    plan.inputs().iter().map(|input| made(input, few)).collect()
}

/// What is done with each partition by itself goes on where the rows are.
fn apart(plan: &Plan, few: Few<'_>) -> Result<Made> {
    let mut inputs = all(plan, few)?;
    if inputs.iter().all(|input| input.inputs.is_empty()) {
        let partitions = partitions_over(plan, &inputs)?;
        let plan = plan.with_inputs(inputs.into_iter().map(|input| input.plan).collect())?;
        return Ok(Made { plan, inputs: Vec::new(), rows: Rows::Files(partitions) });
    }
    if inputs.len() == 1
        && let Some(input) = inputs.pop()
    {
        return Ok(Made { plan: plan.with_inputs(vec![input.plan])?, ..input });
    }
    // frames one after the other, some of which were exchanged: any rows of them may meet
    let keyed = inputs.into_iter().map(|input| {
        let flat = input.plan.schema().fields().iter().filter(|f| !f.data_type().is_nested());
        let mut keys: Vec<SortKey> = flat.map(|f| SortKey::new(col(f.name()))).collect();
        if keys.is_empty() {
            keys.push(SortKey::new(ours(0)));
        }
        (input, keys)
    });
    let (met, given) = meet(keyed.collect())?;
    Ok(Made { plan: plan.with_inputs(given)?, inputs: met, rows: Rows::Anywhere })
}

/// What inputs give whose rows are exchanged by keys, and the rows of each that have met.
type Met = (Vec<(LogicalPlan, Need)>, Vec<Plan>);

/// Exchanges the rows of inputs by their keys.
fn meet(inputs: Vec<(Made, Vec<SortKey>)>) -> Result<Met> {
    let (mut met, mut given) = (Vec::new(), Vec::new());
    for (i, (input, keys)) in inputs.into_iter().enumerate() {
        let (closed, rows) = input.opaque()?.given(i)?;
        let key = call(Key::new(keys)?).alias(HIDDEN);
        let columns = rows.schema().fields().iter().map(|f| named(f.name())).chain([key]).collect::<Vec<_>>();
        met.push((done(LogicalPlanBuilder::from(closed).project(columns))?, Need::Keys));
        given.push(rows);
    }
    Ok((met, given))
}

/// How many partitions an operation gives over plans of files, of which one may say of itself only when it runs.
fn partitions_over(plan: &Plan, inputs: &[Made]) -> Result<usize> {
    let like = |input: &Made| {
        let Rows::Files(partitions) = input.rows else { return Ok(input.plan.clone()) };
        let empty = MemorySource::new(input.plan.schema().clone(), vec![Vec::new(); partitions]);
        Plan::new(ScanOp::new(Arc::new(empty)), Vec::new())
    };
    let over = plan.with_inputs(inputs.iter().map(like).collect::<Result<_>>()?)?;
    count_partitions(&over)?.ok_or_else(|| Error::invalid("it is not known how many partitions there are"))
}

type Beside<'a> = (usize, &'a Plan, Option<Vec<Vec<SortKey>>>);

/// Each row of one side meets all rows of the other: whoever has the one reads the other itself. What would have to be
/// exchanged for that is exchanged by keys instead, on both sides, or fetched first where there are no keys.
fn beside(plan: &Plan, (whole, op, keys): Beside<'_>, few: Few<'_>) -> Result<Made> {
    let mut sides = all(plan, few)?;
    if !sides[whole].inputs.is_empty() {
        if let Some(keys) = keys {
            return together(plan, (keys, Order::Any), sides);
        }
        sides[whole] = values(&plan.inputs()[whole], few)?;
    }
    let plans: Vec<Plan> = sides.iter().map(|side| side.plan.clone()).collect();
    let other = sides.into_iter().enumerate().find(|(i, _)| *i != whole).map(|(_, side)| side);
    let other = other.ok_or_else(|| Error::invalid("there is only one side"))?;
    Ok(Made { plan: op.with_inputs(plans)?, ..other })
}

/// The rows of a plan whose rows are few, as a part of the plan.
fn values(plan: &Plan, few: Few<'_>) -> Result<Made> {
    let mut start = 0;
    let batch = |record: RecordBatch| {
        let batch = Batch::new(record, 0, start);
        start += batch.rows() as u64;
        batch
    };
    let values = ScanOp::values(plan.schema().clone(), few(plan)?.into_iter().map(batch).collect())?;
    Ok(Made { plan: values, inputs: Vec::new(), rows: Rows::Files(1) })
}

/// Rows with the same keys meet, and the operation is done where they have.
fn together(plan: &Plan, (keys, order): (Vec<Vec<SortKey>>, Order), inputs: Vec<Made>) -> Result<Made> {
    let keyed = inputs.into_iter().zip(keys).map(|(below, keys)| {
        let below = match &order {
            Order::Any => below,
            Order::Kept => below.placed(PLACE, plan)?,
            Order::Placed { place, .. } => below.placed(place, plan)?,
        };
        Ok((below, keys))
    });
    let (met, given) = meet(keyed.collect::<Result<_>>()?)?;
    let given = given.into_iter().map(|rows| match &order {
        Order::Any => Ok(rows),
        Order::Kept => by_place(rows),
        Order::Placed { place, .. } => Plan::new(SortBy::new([SortKey::from(place.as_str())])?, vec![rows]),
    });
    let given = given.collect::<Result<Vec<_>>>()?;
    let plan = match order {
        Order::Placed { op, .. } => Plan::of(op, given)?,
        _ => plan.with_inputs(given)?,
    };
    Ok(Made { plan, inputs: met, rows: Rows::Anywhere })
}

/// The rows in the order of their places, which are left out.
fn by_place(rows: Plan) -> Result<Plan> {
    let columns = rows.schema().fields().iter().filter(|f| f.name() != PLACE).map(|f| col(f.name())).collect();
    let sorted = Plan::new(SortBy::new([SortKey::from(PLACE)])?, vec![rows])?;
    Plan::new(Project::new(columns), vec![sorted])
}

impl Made {
    /// The rows of a plan of DataFusion, which are those of `plan`.
    fn over(logical: LogicalPlan, plan: &Plan, rows: Rows) -> Result<Made> {
        Ok(Made { plan: Given::plan(0, plan.schema().clone())?, inputs: vec![(logical, Need::Apart)], rows })
    }

    /// The plan as one of DataFusion.
    fn closed(self) -> Result<LogicalPlan> {
        if let Rows::Files(partitions) = self.rows
            && self.inputs.is_empty()
        {
            return table(&self.plan, 0..partitions);
        }
        if let Some((sorted, _)) = self.sorted() {
            let columns = self.plan.schema().fields().iter().map(|f| named(f.name()));
            return done(LogicalPlanBuilder::from(sorted.clone()).project(columns.collect::<Vec<_>>()));
        }
        if let (Some(_), [(only, Need::Apart)]) = (self.plan.downcast::<Given>(), self.inputs.as_slice()) {
            return Ok(only.clone());
        }
        if let Some(asking) = asking(&self.plan, None) {
            let help = "draw the sample before, or persist() the rows, which gives them places of their own";
            return Err(lost(&asking, "where they came from").help(help));
        }
        let (inputs, needs): (Vec<_>, Vec<_>) = self.inputs.into_iter().unzip();
        let piece = Piece::new(&self.plan, needs)?;
        let meeting = Meeting::new(piece, inputs, &to_theirs::schema(self.plan.schema())?)?;
        Ok(LogicalPlan::Extension(Extension { node: Arc::new(meeting) }))
    }

    /// What was sorted, and by how many last columns, where nothing was done since.
    fn sorted(&self) -> Option<(&LogicalPlan, usize)> {
        match (self.plan.downcast::<Given>(), self.inputs.as_slice()) {
            (Some(_), [(logical, Need::Sorted(by))]) => Some((logical, *by)),
            _ => None,
        }
    }

    /// The plan as one of DataFusion that does not know by what its rows were exchanged before: it would take that for the
    /// exchange that is asked for now.
    fn opaque(self) -> Result<Made> {
        let schema = self.plan.schema().clone();
        if self.plan.downcast::<Given>().is_none() {
            return Ok(self);
        }
        let columns = schema.fields().iter().map(|f| col(f.name())).collect();
        self.then(Project::new(columns))
    }

    /// The plan as one of DataFusion, and its rows as the `at`-th that are given to a piece.
    fn given(self, at: usize) -> Result<(LogicalPlan, Plan)> {
        let given = Given::plan(at, self.plan.schema().clone())?;
        Ok((self.closed()?, given))
    }

    /// With the places of the rows among all as a column, for `wanting`.
    fn placed(self, name: &str, wanting: &Plan) -> Result<Made> {
        if self.rows == Rows::Anywhere {
            let help = "give them one with sort_by(), or persist() them, which keeps the one that they have then";
            return Err(lost(wanting, "their order").help(help));
        }
        Ok(Made { plan: Plan::new(Placed::new(name), vec![self.plan])?, ..self })
    }

    /// With more columns computed, or fewer.
    fn then(self, op: impl partita::plan::Op) -> Result<Made> {
        Ok(Made { plan: Plan::new(op, vec![self.plan])?, ..self })
    }
}

/// Whoever asks, in a piece, where rows came from that were exchanged, which they do not know.
fn asking(plan: &Plan, above: Option<&Plan>) -> Option<Plan> {
    if plan.downcast::<Given>().is_some() {
        return above.cloned();
    }
    // rows that are put back into their order are not new ones
    let back = plan.downcast::<SortBy>().is_some() && plan.schema().field_with_name(PLACE).is_ok();
    let above = match (back || plan.op().asks_origins(above.is_some()), above) {
        (true, None) if !back => Some(plan),
        (true, above) => above,
        (false, _) => None,
    };
    plan.inputs().iter().find_map(|input| asking(input, above))
}

fn lost(wanting: &Plan, what: &str) -> Error {
    Error::unsupported(format!("`{}` on a cluster of rows that have lost {what}", wanting.op()))
}

fn table(plan: &Plan, partitions: Range<usize>) -> Result<LogicalPlan> {
    let files = Files::new(plan, partitions)?;
    done(LogicalPlanBuilder::scan(TABLE, provider_as_source(Arc::new(files)), None))
}

fn done(builder: datafusion::common::Result<LogicalPlanBuilder>) -> Result<LogicalPlan> {
    builder.and_then(LogicalPlanBuilder::build).map_err(error::to_ours)
}

/// A column by exactly this name.
fn named(name: &str) -> Their {
    Their::Column(Column::new_unqualified(name))
}

fn call(function: Key) -> Their {
    let args = function.columns().iter().map(|name| named(name)).collect();
    function.into_udf().call(args)
}

type Groups<'a> = (&'a [String], &'a [Folded], bool, &'a [usize]);

fn aggregate(
    below: Made,
    input: &SchemaRef,
    (keys, folds, dropna, kept): Groups<'_>,
    output: &SchemaRef,
) -> Result<LogicalPlan> {
    let hidden = |i: usize| format!("{HIDDEN}{i}");
    let mut below = below;
    if let Some(present) = keys.iter().filter(|_| dropna).map(|key| is_there(input, key)).reduce(Expr::and) {
        below = below.then(Filter::new(present))?;
    }
    let by = keys.iter().enumerate().map(|(i, key)| one_of_each(input, key).alias(hidden(i)));
    let mut wanted: Vec<&String> = folds.iter().map(|f| &f.column).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let below = below.then(Project::new(by.chain(wanted.into_iter().map(col)).collect()))?;
    let below = LogicalPlanBuilder::from(below.closed()?);
    let by: Vec<Their> = (0..keys.len()).map(|i| named(&hidden(i))).collect();
    let fold = |(i, f): (usize, &Folded)| {
        let call = Folding::new(&f.fold)?.into_udaf().call(vec![named(&f.column)]);
        Ok(call.alias(hidden(keys.len() + i)))
    };
    let folded = folds.iter().enumerate().map(fold).collect::<Result<Vec<_>>>()?;
    let groups = match folded.is_empty() {
        true => below.project(by).and_then(LogicalPlanBuilder::distinct),
        false => below.aggregate(by, folded),
    };
    let columns = kept.iter().zip(output.fields()).map(|(&i, field)| named(&hidden(i)).alias(field.name()));
    done(groups.and_then(|b| b.project(columns)))
}

fn is_float(schema: &Schema, column: &str) -> bool {
    schema.field_with_name(column).is_ok_and(|f| f.data_type().is_floating())
}

/// Whether a key is neither null nor NaN.
fn is_there(schema: &Schema, key: &str) -> Expr {
    let there = col(key).is_not_null();
    if is_float(schema, key) { there.and(!col(key).is_nan()) } else { there }
}

/// A key with one zero and one NaN, for DataFusion tells them apart by their bits.
fn one_of_each(schema: &Schema, key: &str) -> Expr {
    let Ok(field) = schema.field_with_name(key) else { return col(key) };
    let constant = |value: f64| ours(value).cast(field.data_type().clone());
    match field.data_type() {
        DataType::Float16 | DataType::Float32 | DataType::Float64 => when(col(key).eq(0.0))
            .then(constant(0.0))
            .when(col(key).is_nan())
            .then(constant(f64::NAN))
            .otherwise(col(key)),
        _ => col(key),
    }
}

/// Rows in order, equal ones in the order in which they came, where they have one; and how many columns behind those that
/// are asked for say so.
fn sort(below: Made, keys: &[SortKey], rows: Option<usize>, output: &SchemaRef) -> Result<(LogicalPlan, usize)> {
    let below = match below.rows {
        Rows::Anywhere => below,
        _ => Made { plan: Plan::new(Placed::new(PLACE), vec![below.plan])?, ..below },
    };
    let place = below.plan.schema().field_with_name(PLACE).is_ok().then(|| named(PLACE));
    let order = call(Key::new(keys.to_vec())?).alias(HIDDEN);
    let columns = || output.fields().iter().map(|f| named(f.name()));
    let with_keys = LogicalPlanBuilder::from(below.closed()?).project(columns().chain([order]).chain(place.clone()));
    let by: Vec<_> = [Some(named(HIDDEN)), place].into_iter().flatten().map(|by| by.sort(true, true)).collect();
    let behind = by.len();
    Ok((done(with_keys.and_then(|b| b.sort_with_limit(by, rows)))?, behind))
}

/// That DataFusion has understood the plan: its columns have the types that the frame promises.
///
/// # Errors
/// `Schema` when they have not.
pub fn check(logical: &LogicalPlan, plan: &Plan) -> Result<()> {
    let wanted = to_theirs::schema(plan.schema())?;
    let shown = |schema: &datafusion::arrow::datatypes::Schema| {
        let fields = schema.fields().iter().map(|f| format!("{}: {}", f.name(), f.data_type()));
        fields.collect::<Vec<_>>().join(", ")
    };
    let (found, wanted) = (shown(logical.schema().as_arrow()), shown(&wanted));
    if found == wanted {
        return Ok(());
    }
    let what = format!("the plan gives ({wanted}) and would give ({found}) on the cluster");
    Err(Error::new(partita::ErrorKind::Schema { what }).help("this is a bug, please report it with the plan"))
}
