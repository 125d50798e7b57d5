//! Splits of cached rows, chunk by chunk.

use super::folds::splits::{Splits, Stretch};
use crate::ml::estimator::labels::Truth;
use crate::ml::train::cache::Chunk;
use crate::ml::train::views::Division;

impl Division for Splits {
    fn blocks(&self, chunk: &Chunk) -> Vec<u32> {
        let classes: &[u32] = match &chunk.truth {
            Truth::Classes(classes) => classes,
            Truth::Values(_) => &[],
        };
        let rows = Stretch {
            first: chunk.first,
            rows: chunk.features.num_rows(),
            before: &chunk.before,
            classes,
            groups: chunk.groups.as_deref().unwrap_or_default(),
        };
        let mut blocks = Vec::with_capacity(rows.rows);
        self.block_ids(&rows, &mut blocks);
        blocks
    }

    fn trains(&self, split: usize, block: u32) -> bool {
        Splits::trains(self, split, block as usize)
    }

    fn tests(&self, split: usize, block: u32) -> bool {
        Splits::tests(self, split, block as usize)
    }
}
