//! The columns that come out, known before any row is read; what is never used is left out.

use std::sync::Arc;

use arrow::datatypes::{Field, FieldRef, Schema};
use rustc_hash::FxHashSet;

use super::parts::{ColumnStep, ColumnTransformer, REMAINDER, check_parts};
use crate::base::{Error, Result};
use crate::ml::pipeline::note::Note;
use crate::ml::pipeline::outline::{Outline, Uses, Wanted};
use crate::ml::prepare::transform::Transform;

impl Transform for ColumnTransformer {
    fn after(&self, name: &str, at: &Outline) -> Result<Outline> {
        check_parts(&self.steps)?;
        let (mut fields, mut one_hot): (Vec<FieldRef>, Vec<String>) = (Vec::new(), Vec::new());
        for part in self.parts(&self.others(&at.plain)) {
            let Some(after) = part.after(at)? else { continue };
            let called = |name: &str| self.called(part.name, name);
            fields.extend(after.plain.fields().iter().map(|f| renamed(f, called(f.name()))));
            one_hot.extend(after.one_hot.iter().map(|column| called(column)));
        }
        match &self.remainder {
            ColumnStep::Passthrough => one_hot.extend(at.one_hot.iter().map(|column| self.called(REMAINDER, column))),
            ColumnStep::Drop => {}
            ColumnStep::Step(_) => at.without_one_hot(name, "a step for the remainder, which would look into")?,
        }
        expect_distinct(fields.iter().map(|f| f.name()))?;
        expect_distinct(one_hot.iter())?;
        Ok(Outline { plain: Schema::new(fields), one_hot })
    }

    fn uses(&self, at: &Outline) -> Uses {
        let (mut whole, mut passed) = (Uses::default(), Vec::new());
        let others = self.others(&at.plain);
        for part in self.parts(&others) {
            match (part.step, at.select(part.name, part.columns)) {
                (ColumnStep::Step(step), Ok(chosen)) => {
                    let uses = step.uses(&chosen);
                    whole.looked_up.extend(uses.looked_up);
                    whole.otherwise.extend(uses.otherwise);
                }
                // a column that one part looks up and another lets pass has to pass as it is
                (ColumnStep::Passthrough, _) => passed.extend(part.columns),
                _ => {}
            }
        }
        whole.looked_up.retain(|name| !passed.contains(&name));
        whole.settled()
    }

    fn prune(&self, at: &Outline, wanted: Wanted) -> (Self, Wanted) {
        let (mut needed, mut pruned) = (Wanted::nothing(), self.clone());
        for (place, part) in self.parts(&self.others(&at.plain)).enumerate() {
            let (after, chosen) = match (part.after(at), at.select(part.name, part.columns)) {
                (Ok(Some(after)), Ok(chosen)) => (after, chosen),
                (Ok(None), _) => continue,
                _ => return (self.clone(), at.all()),
            };
            let own = wanted.among(&after, |name| self.called(part.name, name));
            let (step, columns) = match part.step {
                ColumnStep::Step(step) => {
                    let (step, needed) = step.prune(&chosen, own);
                    (step.into(), needed.plain)
                }
                other => (other.clone(), own.plain),
            };
            match pruned.steps.get_mut(place) {
                Some(pruned) => {
                    pruned.columns.retain(|name| columns.contains(name));
                    pruned.step = step;
                }
                None => pruned.remainder = step,
            }
            needed.plain.extend(columns.into_iter().filter(|name| part.columns.contains(name)));
        }
        if self.remainder == ColumnStep::Passthrough {
            let kept = |block: &&String| wanted.one_hot.contains(&self.called(REMAINDER, block));
            needed.one_hot = at.one_hot.iter().filter(kept).cloned().collect();
        }
        (pruned, needed)
    }

    fn note(&self, name: &str, at: &Outline) -> Option<Note> {
        let columns = self.others(&at.plain);
        let others = !columns.is_empty() || !at.one_hot.is_empty();
        (others && self.remainder == ColumnStep::Drop).then(|| Note::ColumnsDropped {
            step: name.to_string(),
            columns,
            one_hot: at.one_hot.clone(),
        })
    }
}

/// The field under another name.
pub(super) fn renamed(field: &FieldRef, name: String) -> FieldRef {
    if *field.name() == name { field.clone() } else { Arc::new(Field::clone(field).with_name(name)) }
}

/// Succeeds for names that are there once each.
///
/// # Errors
/// `Invalid`, naming the column.
pub(super) fn expect_distinct<'a>(names: impl Iterator<Item = &'a String>) -> Result<()> {
    let mut seen = FxHashSet::default();
    for name in names {
        if !seen.insert(name) {
            let error = Error::invalid("two parts give a column of this name").at_column(name.as_str());
            return Err(error
                .doing("transform")
                .help("use verbose_feature_names_out(true), or one part for the column"));
        }
    }
    Ok(())
}
