//! What of the books is told to those who watch: that there is a task, before it can start, and that it has ended, once.

use super::{Books, Entry, Id, State};
use crate::base::Result;
use crate::graph::{Key, Label, Payload};

impl Books {
    /// Whether this task is to be announced.
    pub fn is_unannounced(&self, id: Id) -> bool {
        self.entry(id).is_some_and(|entry| entry.unannounced)
    }

    /// Who watches was told of this task, to which there is still the handle that came of adding it.
    pub fn announced(&mut self, id: Id) {
        let Some(entry) = self.entry_mut(id) else { return };
        entry.unannounced = false;
        if entry.has_ended() {
            self.note_dropped(id);
        } else {
            self.provide(id);
        }
    }

    /// Notes that a task has ended, unless who watches knows or need not know.
    pub(super) fn note_dropped(&mut self, id: Id) {
        let watched = self.watched;
        let Some(entry) = self.entry_mut(id).filter(|entry| !entry.told && !entry.unannounced) else { return };
        entry.told = true;
        if watched {
            let dropped = (entry.key, entry.label.clone());
            self.trash.dropped.push(dropped);
        }
    }

    /// Whether this result of a task is its end, which is told then: not when it will be tried again, or was cancelled
    /// while it ran.
    pub fn concludes(&mut self, id: Id, turn: u64, result: &Result<Payload>) -> bool {
        let Some(entry) = self.entry_mut(id).filter(|entry| entry.turn == turn) else { return false };
        let last = matches!(entry.state, State::Running(_)) && !entry.tries_again(result);
        entry.told |= last;
        last
    }

    /// Calls `see` with the tasks that have not ended, and with those that they need, in the order in which they were added.
    pub fn open_tasks(&self, mut see: impl FnMut(Key, &Label, &[Key])) {
        let mut open: Vec<&Entry> = self.entries.iter().flatten().filter(|e| !e.has_ended() && !e.told).collect();
        open.sort_unstable_by_key(|entry| entry.turn);
        for entry in open {
            let needs: Vec<Key> = entry.needs.iter().filter_map(|&need| Some(self.entry(need)?.key)).collect();
            see(entry.key, &entry.label, &needs);
        }
    }
}
