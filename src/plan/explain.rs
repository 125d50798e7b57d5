//! A plan for people.

use std::collections::BTreeMap;
use std::fmt::Write;

use rustc_hash::FxHashSet;

use super::lower::{count_partitions, first_of, lower};
use super::{Footprint, Plan};
use crate::base::deep::deep;
use crate::base::{ByteSize, Error, ErrorKind, Result};

/// The tree of operations, a line each, the last operation first.
pub fn tree(plan: &Plan) -> String {
    let mut out = String::new();
    for line in lines(plan) {
        let _ = writeln!(out, "{}{}   [{}]", line.branch, line.plan.op(), line.notes);
    }
    out
}

/// What a user may not expect of the rows that are read, as far as it is known by now: each sentence once.
pub fn notes(plan: &Plan) -> Vec<String> {
    let (mut todo, mut seen, mut found) = (vec![plan], FxHashSet::default(), Vec::new());
    while let Some(next) = todo.pop() {
        if seen.insert(next.token()) {
            let said = next.op().notes().into_iter().filter(|note| !found.contains(note)).collect::<Vec<_>>();
            found.extend(said);
            todo.extend(next.inputs().iter().rev());
        }
    }
    found
}

/// A line of a tree of operations.
#[derive(Clone, Debug)]
pub struct Line {
    /// What is drawn before it, so that one sees whose input it is.
    pub branch: String,
    /// The operation.
    pub plan: Plan,
    /// Whether it streams, spills or holds, and what.
    pub notes: String,
}

/// The lines of [`tree`].
pub fn lines(plan: &Plan) -> Vec<Line> {
    let mut out = Vec::new();
    add_lines(plan, "", "", &mut out);
    out
}

/// Operations one below the other; only branches are set in.
fn add_lines(plan: &Plan, head: &str, tail: &str, out: &mut Vec<Line>) {
    let about = |bytes: Option<u64>| bytes.map_or(String::new(), |bytes| format!(", about {}", ByteSize(bytes)));
    let notes = match plan.op().footprint() {
        Footprint::Streams => "streams".to_string(),
        Footprint::Spills(what) => format!("spills {what}{}", about(plan.inputs().iter().map(Plan::size).sum())),
        Footprint::Holds(what) => format!("holds {what}{}", about(held(plan))),
    };
    out.push(Line { branch: head.to_string(), plan: plan.clone(), notes });
    match plan.inputs() {
        [] => {}
        [only] => deep(|| add_lines(only, tail, tail, out)),
        inputs => {
            for (k, input) in inputs.iter().enumerate() {
                let last = k + 1 == inputs.len();
                let (branch, rest) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
                deep(|| add_lines(input, &format!("{tail}{branch}"), &format!("{tail}{rest}"), out));
            }
        }
    }
}

/// About how many bytes a task of the operation holds.
fn held(plan: &Plan) -> Option<u64> {
    let input = plan.inputs().first()?;
    plan.op().holds(input.size(), count_partitions(input).ok().flatten()?)
}

/// Fails when an operation would hold more than the memory limit.
///
/// # Errors
/// `Memory`, naming it.
pub fn refuse_beyond(plan: &Plan, limit: ByteSize, threads: usize) -> Result<()> {
    let mut refused = Ok(());
    plan.visit(&mut |node| {
        let needed = held(node).unwrap_or(0).saturating_mul(threads as u64);
        if needed > limit.0 && refused.is_ok() {
            let what = format!("`{}`", node.op());
            let error = Error::new(ErrorKind::Memory { what, needed, limit: limit.0 }).doing("plan");
            refused = Err(error.help("repartition() into smaller partitions first, or raise the memory limit"));
        }
    });
    refused
}

/// The kinds of tasks that run first, how many of each, in the order of their first.
///
/// # Errors
/// When an operation is found wrong only now.
pub fn tasks(optimised: &Plan, optimise: &dyn Fn(&Plan) -> Result<Plan>) -> Result<String> {
    let first = optimise(&first_of(optimised)?)?;
    let lowered = lower(&first, true)?;
    let mut kinds: BTreeMap<String, (u32, usize)> = BTreeMap::new();
    for id in 0..lowered.graph.len() as u32 {
        let name = lowered.graph.label(id).name.to_string();
        kinds.entry(name).or_insert((id, 0)).1 += 1;
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, (id, _))| *id);
    let mut out = String::new();
    for (name, (_, count)) in kinds {
        let _ = writeln!(out, "{count:>6} × {name}");
    }
    Ok(out)
}
