//! Columns that nobody needs are not read or computed.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use rustc_hash::FxHashMap;

use crate::base::{Result, Token};
use crate::plan::{Op, Plan};

/// Asks every operation, from the top down, which columns of its inputs it needs, and drops the others as early as
/// operations can. Operations name their columns, so one that comes along unneeded does no harm.
///
/// # Errors
/// When a pruned operation does not fit, which would be a bug.
pub fn apply(plan: &Plan) -> Result<Plan> {
    let mut nodes = Vec::new();
    plan.visit(&mut |p| nodes.push(p.clone()));
    let mut needed: FxHashMap<Token, BTreeSet<usize>> = FxHashMap::default();
    needed.insert(plan.token(), (0..plan.schema().fields().len()).collect());
    for node in nodes.iter().rev() {
        let wanted: Vec<usize> = needed.entry(node.token()).or_default().iter().copied().collect();
        let schemas = input_schemas(node);
        let asked = node.op().columns_needed(&wanted, &schemas);
        for (k, input) in node.inputs().iter().enumerate() {
            let entry = needed.entry(input.token()).or_default();
            match asked.as_ref().and_then(|a| a.get(k)) {
                Some(columns) => entry.extend(columns),
                None => entry.extend(0..input.schema().fields().len()),
            }
        }
    }
    let mut done: FxHashMap<Token, Plan> = FxHashMap::default();
    for node in &nodes {
        let wanted: Vec<usize> = needed.get(&node.token()).into_iter().flatten().copied().collect();
        let inputs: Vec<Plan> = node.inputs().iter().map(|i| done.get(&i.token()).unwrap_or(i).clone()).collect();
        let all = wanted.len() == node.schema().fields().len();
        let op: Option<Arc<dyn Op>> = if all { None } else { node.op().pruned(&wanted, &input_schemas(node)) };
        let new = match op {
            Some(op) => Plan::of(op, inputs)?,
            None => node.with_inputs(inputs)?,
        };
        done.insert(node.token(), new);
    }
    Ok(done.remove(&plan.token()).unwrap_or_else(|| plan.clone()))
}

fn input_schemas(node: &Plan) -> Vec<SchemaRef> {
    node.inputs().iter().map(|i| i.schema().clone()).collect()
}
