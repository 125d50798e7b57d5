//! All rules, in their order.

use super::{
    fold_constants, forget_origins, merge, prune_columns, prune_partitions, push_filters, read_codes, read_fields,
};
use crate::base::{Error, ErrorKind, Result};
use crate::plan::Plan;
use crate::plan::lower::{expand, expand_but};

/// The plan made cheaper; it gives the same rows in the same order. `origins` says whether whoever gets them asks where they
/// came from.
///
/// # Errors
/// When an operation is found wrong only now.
pub fn optimise(written: &Plan, origins: bool) -> Result<Plan> {
    let plan = expand_but(written, &|node| node.op().unasked().is_some())?;
    let plan = forget_origins::apply(&plan, origins)?;
    let plan = expand(&plan)?;
    let plan = fold_constants::apply(&plan)?;
    let plan = merge::apply(&plan)?;
    let plan = prune_partitions::apply(&plan)?;
    let plan = push_filters::apply(&plan)?;
    let plan = merge::apply(&plan)?;
    let plan = prune_columns::apply(&plan)?;
    let plan = merge::apply(&plan)?;
    let plan = read_codes::apply(&plan)?;
    let plan = read_fields::apply(&plan)?;
    check(written, &plan)?;
    Ok(plan)
}

/// Rules must not change what a plan gives: its columns are looked at, always.
fn check(written: &Plan, optimised: &Plan) -> Result<()> {
    let columns = |p: &Plan| {
        let fields = p.schema().fields().iter();
        fields.map(|f| format!("{}: {}", f.name(), f.data_type())).collect::<Vec<_>>().join(", ")
    };
    let (before, after) = (columns(written), columns(optimised));
    if before == after {
        return Ok(());
    }
    let what = format!("the plan gives ({before}) and would give ({after}) when optimised");
    Err(Error::new(ErrorKind::Schema { what }).help("this is a bug, please report it with the plan"))
}
