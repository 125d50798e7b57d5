//! Which columns flow between the steps of a pipeline. Known from the schema, before any row is read: so mistakes are
//! found at once, and work whose result is never used is left out.

use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema};
use rustc_hash::FxHashSet;

use super::note::Note;
use super::step::{Step, categorical, names, one_hot_is_closed};
use crate::base::Result;
use crate::ml::prepare::OnePass;

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
        let mut next = self.clone();
        let fields = self.plain.fields().iter();
        match step {
            Step::Categorizer(categorizer) => {
                categorizer.begin(&self.plain)?;
                let chosen = categorizer.chosen(&self.plain);
                let field = |f: &FieldRef| match chosen.contains(f.name()) {
                    true => Arc::new(categorical(f)),
                    false => f.clone(),
                };
                next.plain = Schema::new(fields.map(field).collect::<Vec<_>>());
            }
            Step::DummyEncoder(encoder) => {
                encoder.begin(&self.plain)?;
                let chosen = encoder.chosen(&self.plain);
                next.plain = Schema::new(fields.filter(|f| !chosen.contains(f.name())).cloned().collect::<Vec<_>>());
                next.one_hot.extend(chosen);
            }
            Step::StandardScaler(scaler) => {
                scaler.begin(&self.plain)?;
                if let Some(column) = self.one_hot.first() {
                    return Err(one_hot_is_closed(name, &format!("scaling the one-hot features of `{column}`")));
                }
            }
            Step::ColumnTransformer(transformer) => {
                for (column, _) in transformer.named() {
                    let of = |block: &&String| column.strip_prefix(block.as_str()).is_some_and(|c| c.starts_with('_'));
                    if self.plain.index_of(column).is_err()
                        && let Some(block) = self.one_hot.iter().find(of)
                    {
                        let what =
                            format!("the feature `{column}` by itself, one of the one-hot features of `{block}`");
                        return Err(one_hot_is_closed(name, &what));
                    }
                }
                transformer.begin(&self.plain)?;
                let mut columns: Vec<String> = transformer.named().map(|(column, _)| column.to_string()).collect();
                if transformer.keeps_remainder() {
                    columns.extend(transformer.others(&self.plain));
                } else {
                    next.one_hot.clear();
                }
                let places = columns.iter().filter_map(|column| self.plain.index_of(column).ok());
                next.plain = self.plain.project(&places.collect::<Vec<_>>())?;
            }
            Step::LogisticRegression(_) | Step::Model(_) => {}
        }
        Ok(next)
    }

    /// What of a step's doing here the user may not expect.
    pub fn note(&self, name: &str, step: &Step) -> Option<Note> {
        let Step::ColumnTransformer(transformer) = step else { return None };
        let columns = transformer.others(&self.plain);
        let others = !columns.is_empty() || !self.one_hot.is_empty();
        (others && !transformer.keeps_remainder()).then(|| Note::ColumnsDropped {
            step: name.to_string(),
            columns,
            one_hot: self.one_hot.clone(),
        })
    }

    /// The step without the work whose result is not wanted, and the columns that it wants here.
    pub fn prune(&self, step: &Step, mut wanted: Wanted) -> (Step, Wanted) {
        let step = match step {
            Step::Categorizer(categorizer) => {
                let mut chosen = categorizer.chosen(&self.plain);
                chosen.retain(|column| wanted.plain.contains(column));
                categorizer.limited_to(chosen).into()
            }
            Step::DummyEncoder(encoder) => {
                let mut chosen = encoder.chosen(&self.plain);
                chosen.retain(|column| wanted.one_hot.remove(column));
                wanted.plain.extend(chosen.iter().cloned());
                encoder.clone().columns(chosen).into()
            }
            Step::ColumnTransformer(transformer) => {
                transformer.limited_to(|column| wanted.plain.contains(column)).into()
            }
            Step::StandardScaler(_) | Step::LogisticRegression(_) | Step::Model(_) => step.clone(),
        };
        (step, wanted)
    }
}
