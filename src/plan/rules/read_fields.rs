//! Fields of structs that nobody looks at are not read.

use std::collections::BTreeSet;

use arrow::datatypes::{DataType, SchemaRef};
use rustc_hash::FxHashMap;

use crate::base::{Result, Token};
use crate::expr::fns::struct_field::Path;
use crate::plan::Plan;

/// How far the columns of a node are looked into, by all who use it.
type Looks = Vec<BTreeSet<Path>>;

/// Asks every operation, from the top down, how far it looks into the structs of its inputs, and tells the sources. What a
/// plan gives to its user is whole.
///
/// # Errors
/// When an operation does not fit, which would be a bug.
pub fn apply(plan: &Plan) -> Result<Plan> {
    let mut nodes = Vec::new();
    plan.visit(&mut |p| nodes.push(p.clone()));
    let structs = |schema: &SchemaRef| schema.fields().iter().any(|f| matches!(f.data_type(), DataType::Struct(_)));
    if !nodes.iter().any(|node| node.inputs().is_empty() && structs(node.schema())) {
        return Ok(plan.clone());
    }
    let mut looks: FxHashMap<Token, Looks> = FxHashMap::default();
    looks.insert(plan.token(), whole(plan.schema()));
    for node in nodes.iter().rev() {
        let wanted = looks.get(&node.token()).cloned().unwrap_or_else(|| whole(node.schema()));
        let schemas: Vec<SchemaRef> = node.inputs().iter().map(|i| i.schema().clone()).collect();
        let needed = node.op().fields_needed(&wanted, &schemas);
        for (k, input) in node.inputs().iter().enumerate() {
            let own = needed.as_ref().and_then(|n| n.get(k)).cloned().unwrap_or_else(|| whole(input.schema()));
            let all = looks.entry(input.token()).or_insert_with(|| vec![BTreeSet::new(); own.len()]);
            all.iter_mut().zip(own).for_each(|(all, own)| all.extend(own));
        }
    }
    let mut done: FxHashMap<Token, Plan> = FxHashMap::default();
    for node in &nodes {
        let inputs: Vec<Plan> = node.inputs().iter().map(|i| done.get(&i.token()).unwrap_or(i).clone()).collect();
        let new = match looks.get(&node.token()).and_then(|wanted| node.op().giving_fields(wanted)) {
            Some(op) => Plan::of(op, inputs)?,
            None => node.with_inputs(inputs)?,
        };
        done.insert(node.token(), new);
    }
    Ok(done.remove(&plan.token()).unwrap_or_else(|| plan.clone()))
}

fn whole(schema: &SchemaRef) -> Looks {
    vec![BTreeSet::from([Path::new()]); schema.fields().len()]
}
