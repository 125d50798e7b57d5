//! What an operation says of itself.

use std::collections::BTreeSet;
use std::fmt::{Debug, Display};
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::{Divisions, Plan, Relation, Shape};
use crate::base::{Identity, Result};
use crate::expr::fns::struct_field::Path;
use crate::expr::{Expr, Portable};

/// A relational operation. It carries its own facts; rules, lowering and explain ask for them and never look which
/// operation it is. Every default is the conservative answer: an operation that states nothing is slow, never wrong.
///
/// `Display` is one line for people, beginning with its name.
pub trait Op: Identity + Debug + Display + Send + Sync {
    /// Its name: the word that its file, its method and its tasks have.
    fn name(&self) -> &'static str;

    /// The columns that come out.
    ///
    /// # Errors
    /// Unknown columns, types that do not fit.
    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef>;

    /// How it runs.
    ///
    /// # Errors
    /// What can be found wrong only now.
    fn shape(&self, inputs: &[Plan]) -> Result<Shape>;

    /// Which columns of each input it needs when only the columns `wanted` of its output are: `None` if it needs all.
    fn columns_needed(&self, wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let _ = (wanted, inputs);
        None
    }

    /// The same operation giving only the columns `keep` of its output, over inputs that have only the columns that
    /// [`columns_needed`](Self::columns_needed) asked for.
    fn pruned(&self, keep: &[usize], inputs: &[SchemaRef]) -> Option<Arc<dyn Op>> {
        let _ = (keep, inputs);
        None
    }

    /// Which columns of each input may come as dictionary codes where the schema says strings, when the columns `may` of its
    /// output may leave so: `None` if none may. Whoever says so looks at what comes: codes are a layout, not a promise.
    fn takes_codes(&self, may: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let _ = (may, inputs);
        None
    }

    /// The same operation told that exactly these columns of its output may leave as dictionary codes.
    fn giving_codes(&self, may: &[usize]) -> Option<Arc<dyn Op>> {
        let _ = may;
        None
    }

    /// How far it looks into the columns of each input, when those above look into its output as far as `wanted` says:
    /// paths of fields for each column, the empty path for the whole of it. `None` if it may look at everything.
    fn fields_needed(&self, wanted: &[BTreeSet<Path>], inputs: &[SchemaRef]) -> Option<Vec<Vec<BTreeSet<Path>>>> {
        let _ = (wanted, inputs);
        None
    }

    /// The same operation told how far those above look into its output: the rest of a struct may be anything.
    fn giving_fields(&self, wanted: &[BTreeSet<Path>]) -> Option<Arc<dyn Op>> {
        let _ = wanted;
        None
    }

    /// Whether it asks its inputs where their rows came from, when those above ask it, or not. Only draws depend on that: an
    /// operation whose rows are new ones has no need to ask.
    fn asks_origins(&self, above: bool) -> bool {
        above
    }

    /// The same operation when nobody asks where its rows came from, if it is cheaper then.
    fn unasked(&self) -> Option<Arc<dyn Op>> {
        None
    }

    /// What a user may not expect of the rows that it reads, as far as it is known by now, a sentence each.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// The condition, if this operation keeps the rows where a condition is true and does nothing else.
    fn condition(&self) -> Option<&Expr> {
        None
    }

    /// A filter above it, rewritten for input `input`, if filtering that input first (and no other) gives the same.
    fn filter_through(&self, input: usize, predicate: &Expr) -> Option<Expr> {
        let _ = (input, predicate);
        None
    }

    /// The same operation told that rows for which `predicate` is not true are not wanted. It may skip them; a filter
    /// stays above it.
    fn skipping(&self, predicate: &Expr) -> Option<Arc<dyn Op>> {
        let _ = predicate;
        None
    }

    /// One operation that does what this one does on top of `below`.
    fn merge_below(&self, below: &dyn Op) -> Option<Arc<dyn Op>> {
        let _ = below;
        None
    }

    /// An operation that gives the first `rows` rows of what this one gives, over the same inputs, for less.
    fn first_rows(&self, rows: usize) -> Option<Arc<dyn Op>> {
        let _ = rows;
        None
    }

    /// The operation with `f` applied to its expressions.
    fn map_exprs(&self, f: &mut dyn FnMut(&Expr) -> Result<Expr>) -> Result<Option<Arc<dyn Op>>> {
        let _ = f;
        Ok(None)
    }

    /// Whether exactly as many rows come out as its only input has: nobody who only counts them needs it.
    fn keeps_rows(&self) -> bool {
        false
    }

    /// The rows of each output partition where those of the inputs are known.
    fn known_rows(&self, inputs: &[Option<Vec<u64>>]) -> Option<Vec<u64>> {
        let _ = inputs;
        None
    }

    /// The index of what comes out and its divisions, where those of the inputs are known.
    fn divisions(&self, inputs: &[Option<Divisions>]) -> Option<Divisions> {
        let _ = inputs;
        None
    }

    /// For an operation with a [`condition`](Self::condition): what to put below it so that it sees only the partitions
    /// `range` of the `all` that its input has, and nothing in the others.
    fn narrowing(&self, range: Range<usize>, all: usize) -> Option<Arc<dyn Op>> {
        let _ = (range, all);
        None
    }

    /// About how many bytes come out, decoded, from about how many come in; by default as many as come in, in proportion
    /// to the width of the columns.
    fn size(&self, inputs: &[Option<u64>]) -> Option<u64> {
        inputs.iter().copied().sum()
    }

    /// How many partitions come out, where that does not depend on the inputs.
    fn partitions(&self) -> Option<usize> {
        None
    }

    /// Which of its rows have to meet, for an engine that runs elsewhere; `None` if it can run in this process only.
    fn relation(&self, inputs: &[Plan]) -> Option<Relation> {
        let _ = inputs;
        None
    }

    /// The operation as a name and its settings, by which another process finds it; `None` if it cannot leave this one.
    fn portable(&self) -> Option<Portable> {
        None
    }

    /// What it holds in memory while it runs.
    fn footprint(&self) -> Footprint {
        Footprint::Streams
    }

    /// About how many bytes one task of it has to hold at once, where that can be said from the size of its inputs and
    /// their partitions.
    fn holds(&self, size: Option<u64>, partitions: usize) -> Option<u64> {
        let _ = (size, partitions);
        None
    }
}

/// What an operation holds in memory while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Footprint {
    /// A batch at a time.
    Streams,
    /// What is named, as far as memory allows, and the rest on disk.
    Spills(String),
    /// What is named.
    Holds(String),
}
