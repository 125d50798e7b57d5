//! Aggregates, computed by the library's own states in whichever processes they run: exact, so that neither the order nor
//! the place of the rows matters.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::{ArrayRef as TheirArray, BooleanArray};
use datafusion::arrow::compute::filter;
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Result as Outcome, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};
use partita::arrow::array::{ArrayRef, new_empty_array};
use partita::arrow::datatypes::{DataType as OwnType, FieldRef as OwnField};
use partita::expr::folds::{Fold, FoldState, Groups, Scope};
use partita::expr::{Portable, registry};
use partita::{Error, Result};

use crate::bridge::{to_ours, to_theirs};
use crate::error;

/// How the names of aggregates begin in plans.
pub const NAME: &str = "partita_";

/// An aggregate of a column, as DataFusion sees it.
#[derive(Debug)]
pub struct Folding {
    fold: Arc<dyn Fold>,
    name: String,
    text: String,
    signature: Signature,
}

impl Folding {
    /// An aggregate whose state can travel.
    ///
    /// # Errors
    /// `Unsupported` for one whose state cannot.
    pub fn new(fold: &Arc<dyn Fold>) -> Result<Folding> {
        let sent = fold.portable().filter(|_| fold.bounded()).ok_or_else(|| {
            Error::unsupported(format!("the aggregate `{fold}` on a cluster"))
                .help("its state grows with its groups; compute it in this process")
        })?;
        Folding::of(fold.clone(), &sent)
    }

    fn of(fold: Arc<dyn Fold>, sent: &Portable) -> Result<Folding> {
        let text = serde_json::to_string(sent).map_err(Error::other)?;
        let signature = Signature::any(1, Volatility::Immutable);
        Ok(Folding { fold, name: format!("{NAME}{}", sent.name), text, signature })
    }

    /// What [`text`](Self::text) says.
    ///
    /// # Errors
    /// `Invalid` for a text that says nothing.
    pub fn read(text: &[u8]) -> Result<Folding> {
        let sent: Portable = serde_json::from_slice(text).map_err(Error::other)?;
        Folding::of(registry::fold(&sent)?, &sent)
    }

    /// All that it is, as text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// As a function of DataFusion.
    pub fn into_udaf(self) -> Arc<AggregateUDF> {
        Arc::new(AggregateUDF::new_from_impl(self))
    }

    fn result(&self, given: &[FieldRef]) -> Result<FieldRef> {
        let input: OwnField = Arc::new(to_ours::field(only(given)?)?);
        Ok(Arc::new(to_theirs::field(self.fold.return_field(&input)?.as_ref())?))
    }

    fn states(&self, args: &StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let input = to_ours::data_type(only(args.input_fields)?.data_type())?;
        let fields = self.fold.state_fields(&input)?.into_iter().enumerate();
        let named = fields.map(|(i, f)| Ok(Arc::new(to_theirs::field(&f.with_name(format!("{}.{i}", args.name)))?)));
        named.collect()
    }

    fn filling(&self, args: &AccumulatorArgs<'_>) -> Result<Filling> {
        let input = to_ours::data_type(only(args.expr_fields)?.data_type())?;
        let result = to_ours::data_type(args.return_field.data_type())?;
        let state = self.fold.start(&input, Scope::Groups)?;
        Ok(Filling { fold: self.fold.clone(), input, result, state, groups: 0 })
    }
}

fn only<T>(given: &[T]) -> Result<&T> {
    match given {
        [one] => Ok(one),
        _ => Err(Error::invalid("an aggregate has one argument")),
    }
}

impl PartialEq for Folding {
    fn eq(&self, other: &Folding) -> bool {
        self.text == other.text
    }
}

impl Eq for Folding {}

impl Hash for Folding {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl AggregateUDFImpl for Folding {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Outcome<DataType> {
        datafusion::common::internal_err!("the result of an aggregate is a field")
    }

    fn return_field(&self, arg_fields: &[FieldRef]) -> Outcome<FieldRef> {
        self.result(arg_fields).map_err(error::to_theirs)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Outcome<Vec<FieldRef>> {
        self.states(&args).map_err(error::to_theirs)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Outcome<Box<dyn Accumulator>> {
        let filling = self.filling(&args).map_err(error::to_theirs)?;
        Ok(Box::new(One(Mutex::new(filling))))
    }

    fn groups_accumulator_supported(&self, _args: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Outcome<Box<dyn GroupsAccumulator>> {
        let filling = self.filling(&args).map_err(error::to_theirs)?;
        Ok(Box::new(filling))
    }
}

/// The states of groups.
struct Filling {
    fold: Arc<dyn Fold>,
    input: OwnType,
    result: OwnType,
    state: Box<dyn FoldState>,
    groups: usize,
}

impl fmt::Debug for Filling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} groups", self.fold, self.groups)
    }
}

impl Filling {
    fn update(&mut self, values: &[TheirArray], ids: &[u32], groups: usize) -> Result<()> {
        let values = to_ours::array(only(values)?)?;
        self.groups = self.groups.max(groups);
        self.state.update(&values, Groups::Of { ids, count: self.groups })
    }

    fn absorb(&mut self, states: &[ArrayRef], ids: &[u32], groups: usize) -> Result<()> {
        self.groups = self.groups.max(groups);
        self.state.absorb(states, Groups::Of { ids, count: self.groups })
    }

    /// States know of groups that had no row yet only when they are told.
    fn tell(&mut self, groups: usize) -> Result<()> {
        if self.groups < groups {
            self.groups = groups;
            let none = new_empty_array(&self.input);
            self.state.update(&none, Groups::Of { ids: &[], count: groups })?;
        }
        Ok(())
    }

    fn fresh(&mut self) -> Result<Box<dyn FoldState>> {
        let fresh = self.fold.start(&self.input, Scope::Groups)?;
        self.groups = 0;
        Ok(std::mem::replace(&mut self.state, fresh))
    }

    /// The states of all groups, or of the first ones: then the others count from 0.
    fn emit(&mut self, which: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = self.groups;
        let states = self.fresh()?.emit()?;
        let EmitTo::First(first) = which else { return Ok(states) };
        let first = first.min(groups);
        let rest: Vec<ArrayRef> = states.iter().map(|s| s.slice(first, groups - first)).collect();
        let ids: Vec<u32> = (0..(groups - first) as u32).collect();
        self.absorb(&rest, &ids, groups - first)?;
        Ok(states.iter().map(|s| s.slice(0, first)).collect())
    }

    fn finish(&mut self, which: EmitTo) -> Result<ArrayRef> {
        let state = match which {
            EmitTo::All => self.fresh()?,
            EmitTo::First(_) => {
                let states = self.emit(which)?;
                let groups = states.first().map_or(0, |s| s.len());
                let ids: Vec<u32> = (0..groups as u32).collect();
                let mut first = self.fold.start(&self.input, Scope::Groups)?;
                first.absorb(&states, Groups::Of { ids: &ids, count: groups })?;
                first
            }
        };
        partita::expr::fns::cast::convert(&state.finish()?.value()?, &self.result)
    }
}

fn ids(group_indices: &[usize]) -> Vec<u32> {
    group_indices.iter().map(|&i| i as u32).collect()
}

impl GroupsAccumulator for Filling {
    fn update_batch(
        &mut self,
        values: &[TheirArray],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Outcome<()> {
        let Some(kept) = opt_filter else {
            return self.update(values, &ids(group_indices), total_num_groups).map_err(error::to_theirs);
        };
        let values = values.iter().map(|v| filter(v, kept)).collect::<Result<Vec<_>, _>>()?;
        let ids: Vec<u32> =
            group_indices.iter().zip(kept).filter(|(_, k)| *k == Some(true)).map(|(&i, _)| i as u32).collect();
        self.update(&values, &ids, total_num_groups).map_err(error::to_theirs)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Outcome<TheirArray> {
        self.finish(emit_to).and_then(|array| to_theirs::array(&array)).map_err(error::to_theirs)
    }

    fn state(&mut self, emit_to: EmitTo) -> Outcome<Vec<TheirArray>> {
        self.emit(emit_to).and_then(|arrays| to_theirs::arrays(&arrays)).map_err(error::to_theirs)
    }

    fn merge_batch(&mut self, values: &[TheirArray], group_indices: &[usize], total_num_groups: usize) -> Outcome<()> {
        let merge = |states: Vec<ArrayRef>| self.absorb(&states, &ids(group_indices), total_num_groups);
        to_ours::arrays(values).and_then(merge).map_err(error::to_theirs)
    }

    fn convert_to_state(&self, values: &[TheirArray], opt_filter: Option<&BooleanArray>) -> Outcome<Vec<TheirArray>> {
        let rows = values.first().map_or(0, |v| v.len());
        let start = self.fold.start(&self.input, Scope::Groups).map_err(error::to_theirs)?;
        let (fold, input, result) = (self.fold.clone(), self.input.clone(), self.result.clone());
        let mut alone = Filling { fold, input, result, state: start, groups: 0 };
        alone.update_batch(values, &(0..rows).collect::<Vec<_>>(), opt_filter, rows)?;
        alone.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        self.state.bytes()
    }
}

/// The state of all rows: that of a single group.
#[derive(Debug)]
struct One(Mutex<Filling>);

impl One {
    fn own(&mut self) -> &mut Filling {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Accumulator for One {
    fn update_batch(&mut self, values: &[TheirArray]) -> Outcome<()> {
        let ids = vec![0; values.first().map_or(0, |v| v.len())];
        self.own().update(values, &ids, 1).map_err(error::to_theirs)
    }

    fn evaluate(&mut self) -> Outcome<ScalarValue> {
        self.own().tell(1).map_err(error::to_theirs)?;
        let array = self.own().evaluate(EmitTo::All)?;
        ScalarValue::try_from_array(&array, 0)
    }

    fn size(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).state.bytes()
    }

    fn state(&mut self) -> Outcome<Vec<ScalarValue>> {
        self.own().tell(1).map_err(error::to_theirs)?;
        let states = self.own().state(EmitTo::All)?;
        states.iter().map(|state| ScalarValue::try_from_array(state, 0)).collect()
    }

    fn merge_batch(&mut self, states: &[TheirArray]) -> Outcome<()> {
        let ids = vec![0; states.first().map_or(0, |s| s.len())];
        self.own().merge_batch(states, &ids, 1)
    }
}
