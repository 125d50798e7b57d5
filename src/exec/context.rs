//! What a task may use.

use super::{Budget, Cancel, Observers, Spill};

/// The surroundings of a task: memory, room on disk, cancellation, the size of a batch, who watches.
#[derive(Clone, Debug)]
pub struct TaskContext {
    /// The memory of the session.
    pub budget: Budget,
    /// Room on disk for what does not fit into it.
    pub spill: Spill,
    /// Stops the task between batches.
    pub cancel: Cancel,
    /// About how many rows a batch should have, so that a column of it stays in the cache.
    pub batch_rows: usize,
    /// Who watches the session: to be told of what the task has others do (see [`Report`](super::Report)).
    pub observers: Observers,
}

impl TaskContext {
    /// The usual number of rows in a batch.
    pub const BATCH_ROWS: usize = 32 * 1024;
    /// A batch has no more bytes than this, but for a single row.
    const BATCH_BYTES: u64 = 16 << 20;

    /// How many rows a batch should have whose rows take so many bytes each.
    pub fn rows_of(&self, row_bytes: u64) -> usize {
        let most = Self::BATCH_BYTES.min(self.budget.share() / 4).max(1);
        let rows = usize::try_from(most / row_bytes.max(1)).unwrap_or(usize::MAX);
        rows.clamp(1, self.batch_rows.max(1))
    }
}

impl Default for TaskContext {
    fn default() -> Self {
        TaskContext {
            budget: Budget::unlimited(),
            spill: Spill::default(),
            cancel: Cancel::new(),
            batch_rows: Self::BATCH_ROWS,
            observers: Observers::default(),
        }
    }
}
