//! A plan as a drawing.

use std::fmt::Write;

use rustc_hash::FxHashMap;

use super::lower::count_partitions;
use super::{Footprint, Plan};
use crate::base::{ByteSize, Token};
use crate::graph::draw::{Detail, Drawing, Kind, Node, NodeId, Tasks};
use crate::graph::{Key, Label, TaskId};

/// A tooltip names at most so many columns.
const COLUMNS: usize = 16;

/// The drawing of a plan: a node for each operation with the text that `explain` has, sources as drums, and what comes
/// out as a result. Operations that are used twice are one node. Collapsed, operations of one name that follow each
/// other are one node too.
pub fn drawing(plan: &Plan, title: &str, detail: Detail) -> Drawing {
    match detail {
        Detail::Whole => whole(plan, title),
        Detail::Collapsed => collapsed(plan, title),
    }
}

/// How many nodes the whole drawing has.
pub fn nodes(plan: &Plan) -> usize {
    let mut nodes = 1;
    plan.visit(&mut |_| nodes += 1);
    nodes
}

fn whole(plan: &Plan, title: &str) -> Drawing {
    let mut drawing = Drawing::new(title);
    let mut known: FxHashMap<Token, NodeId> = FxHashMap::default();
    plan.visit(&mut |node| {
        let op = node.op();
        let kind = if node.inputs().is_empty() { Kind::Source } else { Kind::Function };
        let mut shown = Node::new(kind, op.to_string()).class(op.name()).tooltip(told(node));
        match op.footprint() {
            Footprint::Streams => {}
            Footprint::Spills(what) => shown = shown.note(format!("spills {what}")),
            Footprint::Holds(what) => shown = shown.note(format!("holds {what}")),
        }
        let id = drawing.add(shown);
        let mut times: FxHashMap<Token, u64> = FxHashMap::default();
        node.inputs().iter().for_each(|i| *times.entry(i.token()).or_default() += 1);
        for input in node.inputs() {
            if let (Some(&from), Some(times)) = (known.get(&input.token()), times.remove(&input.token())) {
                drawing.connect_times(from, id, times);
            }
        }
        known.insert(node.token(), id);
    });
    let result = drawing.add(Node::new(Kind::Result, extent(plan)).tooltip(columns(plan)));
    if let Some(&last) = known.get(&plan.token()) {
        drawing.connect(last, result);
    }
    drawing
}

fn collapsed(plan: &Plan, title: &str) -> Drawing {
    let mut tasks = Tasks::new();
    let mut known: FxHashMap<Token, TaskId> = FxHashMap::default();
    plan.visit(&mut |node| {
        let needs: Vec<TaskId> = node.inputs().iter().filter_map(|i| known.get(&i.token()).copied()).collect();
        let label = Label { name: node.op().name().into(), partition: 0 };
        known.insert(node.token(), tasks.add(Key::new(node.token(), 0), &label, &needs));
    });
    let last: Vec<TaskId> = known.get(&plan.token()).copied().into_iter().collect();
    tasks.want(&last);
    tasks.collapsed(title)
}

/// `5 columns, 2 partitions`, as far as that is known.
fn extent(plan: &Plan) -> String {
    let count = |n: usize, what: &str| if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") };
    let mut out = count(plan.schema().fields().len(), "column");
    if let Ok(Some(partitions)) = count_partitions(plan) {
        let _ = write!(out, ", {}", count(partitions, "partition"));
    }
    if let Some(rows) = plan.known_rows() {
        let _ = write!(out, ", {} rows", rows.iter().sum::<u64>());
    }
    out
}

fn columns(plan: &Plan) -> String {
    let fields = plan.schema().fields();
    let mut out: Vec<String> =
        fields.iter().take(COLUMNS).map(|f| format!("{}: {}", f.name(), f.data_type())).collect();
    if fields.len() > COLUMNS {
        out.push(format!("and {} more", fields.len() - COLUMNS));
    }
    out.join("\n")
}

/// What an operation is, what it holds, and what comes out.
fn told(plan: &Plan) -> String {
    let mut out = format!("{}\n{}", plan.op(), extent(plan));
    if let Some(bytes) = plan.size() {
        let _ = write!(out, ", about {}", ByteSize(bytes));
    }
    let _ = match plan.op().footprint() {
        Footprint::Streams => write!(out, "\nstreams"),
        Footprint::Spills(what) => write!(out, "\nspills {what}"),
        Footprint::Holds(what) => write!(out, "\nholds {what}"),
    };
    out + "\n" + &columns(plan)
}
