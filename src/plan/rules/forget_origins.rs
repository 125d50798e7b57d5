//! Where rows came from is not kept where nobody asks.

use rustc_hash::FxHashMap;

use crate::base::{Result, Token};
use crate::plan::Plan;

/// Asks every operation, from the top down, whether it asks where rows came from, and tells those that nobody asks.
/// `above` says whether whoever gets the rows of the plan does.
///
/// # Errors
/// When an operation that is told does not fit, which would be a bug.
pub fn apply(plan: &Plan, above: bool) -> Result<Plan> {
    let mut nodes = Vec::new();
    plan.visit(&mut |p| nodes.push(p.clone()));
    let mut asked: FxHashMap<Token, bool> = FxHashMap::default();
    asked.insert(plan.token(), above);
    for node in nodes.iter().rev() {
        let own = asked.get(&node.token()).copied().unwrap_or(above);
        let asks = node.op().asks_origins(own);
        node.inputs().iter().for_each(|input| *asked.entry(input.token()).or_default() |= asks);
    }
    let mut done: FxHashMap<Token, Plan> = FxHashMap::default();
    for node in &nodes {
        let inputs: Vec<Plan> = node.inputs().iter().map(|i| done.get(&i.token()).unwrap_or(i).clone()).collect();
        let told = if asked.get(&node.token()).is_some_and(|asked| !asked) { node.op().unasked() } else { None };
        let new = match told {
            Some(op) => Plan::of(op, inputs)?,
            None => node.with_inputs(inputs)?,
        };
        done.insert(node.token(), new);
    }
    Ok(done.remove(&plan.token()).unwrap_or_else(|| plan.clone()))
}
