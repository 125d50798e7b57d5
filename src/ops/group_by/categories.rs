//! The categories that occur among keys.

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;

use super::spec::Spec;
use crate::base::Result;
use crate::exec::{Reservation, TaskContext};
use crate::expr::keys::Grouper;
use crate::ops::categorize::Categories;

/// The texts that occur in keys that are categories. Which ones a dictionary holds beside them says nothing: that depends on
/// how batches have travelled.
pub struct Seen {
    /// The keys, by their places in the rows, and their distinct texts.
    texts: Vec<(usize, Grouper)>,
    ids: Vec<u32>,
    reservation: Reservation,
}

const WHAT: &str = "the categories of keys";

impl Seen {
    /// Nothing yet.
    pub fn new(spec: &Spec, ctx: &TaskContext) -> Result<Seen> {
        let texts = spec.categorical.iter().map(|&key| Ok((spec.keys[key], Grouper::new(&[DataType::Utf8])?)));
        Ok(Seen { texts: texts.collect::<Result<_>>()?, ids: Vec::new(), reservation: ctx.budget.nothing() })
    }

    /// Looks at rows.
    pub fn see(&mut self, record: &RecordBatch) -> Result<()> {
        for (at, texts) in &mut self.texts {
            texts.group(std::slice::from_ref(record.column(*at)), &mut self.ids)?;
        }
        self.settle()
    }

    /// Takes in what another has seen.
    pub fn merge(&mut self, other: Seen) -> Result<()> {
        for ((_, own), (_, texts)) in self.texts.iter_mut().zip(other.texts) {
            own.group(&texts.keys(None)?, &mut self.ids)?;
        }
        self.settle()
    }

    fn settle(&mut self) -> Result<()> {
        let bytes = self.texts.iter().map(|(_, texts)| texts.bytes() as u64).sum();
        self.reservation.resize(WHAT, bytes)
    }

    /// The categories of each of these keys: what occurs, in order.
    pub fn categories(&self) -> Result<Vec<Categories>> {
        self.texts.iter().map(|(_, texts)| Categories::new(texts)).collect()
    }
}
