//! What was read of files, and what was not: for tests, and for whoever wonders.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of a source. They grow with every read of it.
#[derive(Debug, Default)]
pub struct Counts {
    bytes: AtomicU64,
    skipped_groups: AtomicU64,
    skipped_rows: AtomicU64,
}

impl Counts {
    /// Bytes of pages and indexes that were read.
    pub fn bytes_read(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Row groups that were not read, because statistics or Bloom filters say that they have no row that is wanted.
    pub fn groups_skipped(&self) -> u64 {
        self.skipped_groups.load(Ordering::Relaxed)
    }

    /// Rows of the other row groups that were not read: by what is known of their pages, or because a condition does not
    /// hold for them.
    pub fn rows_skipped(&self) -> u64 {
        self.skipped_rows.load(Ordering::Relaxed)
    }

    pub(super) fn read(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn skip_groups(&self, groups: u64) {
        self.skipped_groups.fetch_add(groups, Ordering::Relaxed);
    }

    pub(super) fn skip_rows(&self, rows: u64) {
        self.skipped_rows.fetch_add(rows, Ordering::Relaxed);
    }
}
