//! An aggregate of a group, beside each of its rows.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, FieldRef};

use super::{Reach, Running, Window};
use crate::base::{Deferred, Error, Identity, Result, Tokenizer};
use crate::expr::Arg;
use crate::expr::Portable;
use crate::expr::folds::{Fold, Groups, Outcome, Places, Scope};

/// What an aggregate makes of the rows of a group, in each of them (pandas' `transform`).
#[derive(Clone, Debug)]
pub struct Aggregated {
    /// The aggregate.
    pub fold: Deferred<Arc<dyn Fold>>,
}

impl fmt::Display for Aggregated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fold {
            Ok(fold) => write!(f, "{fold}()"),
            Err(error) => write!(f, "{error}"),
        }
    }
}

impl Identity for Aggregated {
    fn token(&self, t: &mut Tokenizer) {
        t.str("aggregated");
        match &self.fold {
            Ok(fold) => t.identity(fold.as_ref()),
            Err(error) => t.str(&error.to_string()),
        }
    }
}

impl Window for Aggregated {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        let rows: FieldRef = Arc::new(Field::new("rows", DataType::Boolean, false));
        let input = args.first().map_or(&rows, |arg| arg.field);
        let field = self.fold.clone()?.return_field(input)?;
        Ok(Arc::new(field.as_ref().clone().with_nullable(true)))
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("aggregated", &self.fold.as_ref().ok()?.portable()?)
    }

    fn reach(&self) -> Reach {
        Reach::Group
    }

    fn fold(&self) -> Option<Arc<dyn Fold>> {
        self.fold.clone().ok()
    }

    fn start(&self, _args: &[DataType], _first: u64) -> Result<Box<dyn Running>> {
        Err(Error::unsupported(format!("`{self}` without all rows")))
    }

    fn grouped(&self, args: &[ArrayRef], starts: &[usize]) -> Result<ArrayRef> {
        let count = starts.len().saturating_sub(1);
        let bounds = starts.windows(2).zip(0u32..);
        let ids: Vec<u32> = bounds.flat_map(|(b, group)| std::iter::repeat_n(group, b[1] - b[0])).collect();
        let values = match args.first() {
            Some(values) => values.clone(),
            None => Arc::new(BooleanArray::from(vec![true; ids.len()])),
        };
        let mut state = self.fold.clone()?.start(values.data_type(), Scope::Groups)?;
        state.update_at(&values, Groups::Of { ids: &ids, count }, Places::From(0))?;
        let results = state.finish().and_then(Outcome::value)?;
        Ok(take(&results, &UInt32Array::from(ids), None)? as Arc<dyn Array>)
    }
}
