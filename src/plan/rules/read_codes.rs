//! Strings that are only compared with each other come as dictionary codes.

use std::collections::BTreeSet;

use arrow::datatypes::SchemaRef;
use rustc_hash::FxHashMap;

use crate::base::{Result, Token};
use crate::plan::Plan;

/// Asks every operation, from the top down, which strings it takes as codes, and tells the sources which of theirs nobody
/// minds. What a plan gives to its user has the layout of its schema, so nothing may leave the top as codes.
///
/// # Errors
/// When an operation does not fit, which would be a bug.
pub fn apply(plan: &Plan) -> Result<Plan> {
    let mut nodes = Vec::new();
    plan.visit(&mut |p| nodes.push(p.clone()));
    // what all users of a node allow
    let mut allowed: FxHashMap<Token, BTreeSet<usize>> = FxHashMap::default();
    allowed.insert(plan.token(), BTreeSet::new());
    for node in nodes.iter().rev() {
        let may: Vec<usize> = allowed.get(&node.token()).into_iter().flatten().copied().collect();
        let schemas: Vec<SchemaRef> = node.inputs().iter().map(|i| i.schema().clone()).collect();
        let taken = node.op().takes_codes(&may, &schemas);
        for (k, input) in node.inputs().iter().enumerate() {
            let own: BTreeSet<usize> = taken.as_ref().and_then(|t| t.get(k)).into_iter().flatten().copied().collect();
            let strings = |i: &usize| input.schema().fields().get(*i).is_some_and(|f| is_text(f.data_type()));
            let own: BTreeSet<usize> = own.into_iter().filter(strings).collect();
            match allowed.get_mut(&input.token()) {
                Some(others) => others.retain(|i| own.contains(i)),
                None => {
                    allowed.insert(input.token(), own);
                }
            }
        }
    }
    let mut done: FxHashMap<Token, Plan> = FxHashMap::default();
    for node in &nodes {
        let may: Vec<usize> = allowed.get(&node.token()).into_iter().flatten().copied().collect();
        let inputs: Vec<Plan> = node.inputs().iter().map(|i| done.get(&i.token()).unwrap_or(i).clone()).collect();
        let new = match node.op().giving_codes(&may) {
            Some(op) => Plan::of(op, inputs)?,
            None => node.with_inputs(inputs)?,
        };
        done.insert(node.token(), new);
    }
    Ok(done.remove(&plan.token()).unwrap_or_else(|| plan.clone()))
}

fn is_text(data_type: &arrow::datatypes::DataType) -> bool {
    *data_type == arrow::datatypes::DataType::Utf8
}
