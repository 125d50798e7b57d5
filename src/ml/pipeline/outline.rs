//! Which columns flow between the steps of a pipeline. Known from the schema, before any row is read: so mistakes are
//! found at once, and work whose result is never used is left out.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use rustc_hash::FxHashSet;

use super::note::Note;
use super::rows::Rows;
use super::step::{FittedStep, Step, names, one_hot_is_closed};
use crate::base::schema::index_of;
use crate::base::{Error, Result};
use crate::ml::prepare::OnePass;
use crate::ml::prepare::transform::Transform;

/// The columns at one place of a pipeline.
#[derive(Clone, Debug)]
pub(crate) struct Outline {
    /// Columns that are columns.
    pub plain: Schema,
    /// Encoded columns, each standing for its one-hot features.
    pub one_hot: Vec<String>,
}

/// The columns that later steps use.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub plain: FxHashSet<String>,
    pub one_hot: FxHashSet<String>,
}

/// How steps use the columns that go into them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Uses {
    /// Columns whose values are only looked up among categories: their codes in a dictionary will do.
    pub looked_up: Vec<String>,
    /// Columns whose values are used otherwise.
    pub otherwise: Vec<String>,
}

impl Uses {
    /// Those of steps one after the other, each with the columns before it.
    pub fn in_turn<'a>(steps: impl Iterator<Item = (&'a Step, &'a Outline)>) -> Uses {
        let (mut whole, mut changed) = (Uses::default(), FxHashSet::default());
        for (step, at) in steps {
            let Uses { looked_up, otherwise } = step.uses(at);
            // what an earlier step has changed did not go in
            whole.otherwise.extend(otherwise.into_iter().filter(|name| !changed.contains(name)));
            whole.looked_up.extend(looked_up.into_iter().filter(|name| !changed.contains(name)));
            changed.extend(step.changes(&at.plain));
        }
        whole.settled()
    }

    /// The same, with a column that is also used otherwise not among those that are looked up.
    pub fn settled(mut self) -> Uses {
        self.looked_up.retain(|name| !self.otherwise.contains(name));
        self
    }
}

impl Outline {
    /// The columns before the first step.
    pub fn of(schema: &Schema) -> Self {
        Outline { plain: schema.clone(), one_hot: Vec::new() }
    }

    /// All columns.
    pub fn all(&self) -> Wanted {
        Wanted { plain: names(&self.plain).into_iter().collect(), one_hot: self.one_hot.iter().cloned().collect() }
    }

    /// The columns after a step.
    ///
    /// # Errors
    /// If the step does not fit the columns: unknown names, types it cannot work on.
    pub fn after(&self, name: &str, step: &Step) -> Result<Outline> {
        step.after(name, self)
    }

    /// The columns after a fitted step: what it makes of no rows.
    ///
    /// # Errors
    /// If the columns are not those it was fitted to.
    pub fn after_fitted(&self, step: &FittedStep) -> Result<Outline> {
        let rows = Rows { plain: RecordBatch::new_empty(Arc::new(self.plain.clone())), blocks: Vec::new() };
        let Rows { plain, blocks } = step.apply(rows)?;
        let one_hot = self.one_hot.iter().cloned().chain(blocks.into_iter().map(|(block, _)| block.column));
        Ok(Outline { plain: plain.schema().as_ref().clone(), one_hot: one_hot.collect() })
    }

    /// What of a step's doing here the user may not expect.
    pub fn note(&self, name: &str, step: &Step) -> Option<Note> {
        step.note(name, self)
    }

    /// The step without the work whose result is not wanted, and the columns that it wants here.
    pub fn prune(&self, step: &Step, wanted: Wanted) -> (Step, Wanted) {
        step.prune(self, wanted)
    }

    /// These columns alone, for a part called `step`.
    ///
    /// # Errors
    /// `UnknownColumn`, which says if it is one of the one-hot features that cannot be named by themselves.
    pub fn select(&self, step: &str, columns: &[String]) -> Result<Outline> {
        let place = |column: &String| {
            let of = |block: &&String| column.strip_prefix(block.as_str()).is_some_and(|c| c.starts_with('_'));
            match (index_of(&self.plain, column), self.one_hot.iter().find(of)) {
                (Err(_), Some(block)) => {
                    let what = format!("the feature `{column}` by itself, one of the one-hot features of `{block}`");
                    let help = format!(
                        "encode `{block}` by a part of its own instead, as .with(\"cat\", OneHotEncoder::new(), \
                         [\"{block}\"]), or keep all its features with remainder(Remainder::Passthrough)"
                    );
                    Err(Error::unsupported(format!("{what}, in part `{step}`")).help(help))
                }
                (place, _) => place.map_err(|e| e.at_step(step).doing("transform")),
            }
        };
        let places = columns.iter().map(place).collect::<Result<Vec<_>>>()?;
        Ok(Outline { plain: self.plain.project(&places)?, one_hot: Vec::new() })
    }

    /// The same with other types for those columns for which `of` gives one.
    pub fn with_types(&self, of: impl Fn(&Field) -> Option<DataType>) -> Outline {
        let field = |f: &FieldRef| match of(f) {
            Some(t) => Arc::new(f.as_ref().clone().with_data_type(t)),
            None => f.clone(),
        };
        let fields: Vec<FieldRef> = self.plain.fields().iter().map(field).collect();
        Outline { plain: Schema::new(fields), one_hot: self.one_hot.clone() }
    }

    /// The same with these columns encoded.
    pub fn encoded(&self, columns: &[String]) -> Outline {
        let rest: Vec<FieldRef> = self.plain.fields().iter().filter(|f| !columns.contains(f.name())).cloned().collect();
        Outline { plain: Schema::new(rest), one_hot: [self.one_hot.as_slice(), columns].concat() }
    }

    /// Succeeds where there are no one-hot features, into which no step looks.
    ///
    /// # Errors
    /// `Unsupported`, naming the step and what it would do to them.
    pub fn without_one_hot(&self, step: &str, doing: &str) -> Result<()> {
        match self.one_hot.first() {
            Some(column) => Err(one_hot_is_closed(step, &format!("{doing} the one-hot features of `{column}`"))),
            None => Ok(()),
        }
    }
}

impl Wanted {
    /// Nothing.
    pub fn nothing() -> Self {
        Wanted { plain: FxHashSet::default(), one_hot: FxHashSet::default() }
    }

    /// What of these columns is wanted, if they are called so by those that want them.
    pub fn among(&self, outline: &Outline, called: impl Fn(&str) -> String) -> Wanted {
        let plain = names(&outline.plain).into_iter().filter(|name| self.plain.contains(&called(name)));
        let one_hot = outline.one_hot.iter().filter(|name| self.one_hot.contains(&called(name)));
        Wanted { plain: plain.collect(), one_hot: one_hot.cloned().collect() }
    }
}
