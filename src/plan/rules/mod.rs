//! What makes a plan cheaper, one rule a file. A rule asks operations for their facts and never looks which they are.
//!
//! | rule | what |
//! |---|---|
//! | [`fold_constants`] | parts of expressions that are the same for all rows are computed once |
//! | [`forget_origins`] | where rows came from is not kept where nobody asks |
//! | [`merge`] | neighbours that can be one operation become one |
//! | [`prune_partitions`] | filters on an index look at the partitions that can have what they ask for |
//! | [`push_filters`] | filters go down to the sources, which may skip by them |
//! | [`read_codes`] | strings that are only compared with each other come as dictionary codes |
//! | [`read_fields`] | fields of structs that nobody looks at are not read |
//! | [`prune_columns`] | columns that nobody needs are not read or computed |

pub mod fold_constants;
pub mod forget_origins;
pub mod merge;
pub mod optimise;
pub mod prune_columns;
pub mod prune_partitions;
pub mod push_filters;
pub mod read_codes;
pub mod read_fields;

pub use optimise::optimise;
