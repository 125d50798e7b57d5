//! What is told of work that others do elsewhere: tasks of a cluster show where tasks of this process do.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::event::{Audience, Nothing};
use super::run::next_run;
use super::{Event, Observers};
use crate::graph::{Key, Label};

/// A run elsewhere, told to those who watch this session as one that grows: whoever learns of its tasks reports them. It
/// ends with [`end`](Self::end), or as one that failed when it is dropped. Of a run without tasks nothing is told.
#[derive(Debug)]
pub struct Report {
    observers: Observers,
    run: u64,
    /// Tasks that have not ended.
    open: BTreeMap<Key, Label>,
    /// Observers that came before this number know of the run.
    introduced: u64,
}

impl Report {
    /// One of which nothing has been told yet. The observers are those of the task that waits for it
    /// ([`TaskContext::observers`](super::TaskContext::observers)).
    pub fn new(observers: &Observers) -> Report {
        Report { observers: observers.clone(), run: next_run(), open: BTreeMap::new(), introduced: 0 }
    }

    /// Whether somebody watches: otherwise nobody need ask how far it is.
    pub fn is_watched(&self) -> bool {
        !self.observers.is_empty()
    }

    /// It has a task more.
    pub fn add(&mut self, key: Key, label: Label) {
        self.audience().tell(&Event::TaskAdded { run: self.run, key, label: &label, needs: &[] });
        self.open.insert(key, label);
    }

    /// A task that was added has ended well at a time, after so long, with so many rows. One that is not open is nothing
    /// new.
    pub fn finish(&mut self, key: Key, at: Instant, took: Duration, rows: Option<u64>) {
        if !self.open.contains_key(&key) {
            return;
        }
        let audience = self.audience();
        let Some(label) = &self.open.remove(&key) else { return };
        let (run, worker) = (self.run, None);
        audience.tell(&Event::TaskFinished {
            run,
            key,
            label,
            worker,
            at,
            took,
            bytes: 0,
            rows,
            error: None,
            last: true,
        });
    }

    /// It has ended well.
    pub fn end(mut self) {
        self.close(false);
    }

    fn close(&mut self, failed: bool) {
        let audience = self.observers.audience().before(self.introduced);
        for (key, label) in std::mem::take(&mut self.open) {
            audience.tell(&Event::TaskDropped { run: self.run, key, label: &label });
        }
        audience.tell(&Event::RunFinished { run: self.run, failed });
        // who comes from now on is not told, and nobody twice
        self.introduced = 0;
    }

    /// Who watches now. Those who have come lately hear of the run first, and of what has not ended.
    fn audience(&mut self) -> Audience {
        let audience = self.observers.audience();
        if audience.until() > self.introduced {
            let (run, lately) = (self.run, audience.since(self.introduced));
            lately.tell(&Event::RunStarted { run, tasks: 0, graph: &Nothing });
            for (key, label) in &self.open {
                lately.tell(&Event::TaskAdded { run, key: *key, label, needs: &[] });
            }
            self.introduced = audience.until();
        }
        audience
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        self.close(true);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::base::Token;
    use crate::exec::Observer;

    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Observer for Heard {
        fn notice(&self, event: &Event<'_>) {
            let text = match event {
                Event::RunStarted { .. } => "run".into(),
                Event::TaskAdded { key, .. } => format!("task {}", key.index),
                Event::TaskFinished { key, rows, .. } => format!("{} has {rows:?} rows", key.index),
                Event::TaskDropped { key, .. } => format!("dropped {}", key.index),
                Event::RunFinished { failed, .. } => if *failed { "failed" } else { "end" }.into(),
                _ => "other".into(),
            };
            self.0.lock().unwrap().push(text);
        }
    }

    impl Heard {
        fn all(&self) -> String {
            self.0.lock().unwrap().join(", ")
        }
    }

    fn key(index: usize) -> Key {
        Key::new(Token(7), index)
    }

    fn label(partition: u32) -> Label {
        Label { name: "stage".into(), partition }
    }

    #[test]
    fn who_comes_late_hears_of_what_is_left() {
        let (early, late) = (Arc::new(Heard::default()), Arc::new(Heard::default()));
        let observers = Observers::new([early.clone() as Arc<dyn Observer>]);
        let mut report = Report::new(&observers);
        assert!(report.is_watched());
        let finish = |report: &mut Report, i| report.finish(key(i), Instant::now(), Duration::ZERO, Some(5));
        (0..3).for_each(|i| report.add(key(i), label(i as u32)));
        finish(&mut report, 0);
        finish(&mut report, 0);
        observers.add(late.clone());
        finish(&mut report, 1);
        finish(&mut report, 2);
        report.end();
        assert_eq!(
            early.all(),
            "run, task 0, task 1, task 2, 0 has Some(5) rows, 1 has Some(5) rows, 2 has Some(5) rows, end"
        );
        assert_eq!(late.all(), "run, task 1, task 2, 1 has Some(5) rows, 2 has Some(5) rows, end");
    }

    #[test]
    fn what_is_left_when_it_is_dropped_is_dropped() {
        let heard = Arc::new(Heard::default());
        let observers = Observers::new([heard.clone() as Arc<dyn Observer>]);
        let mut report = Report::new(&observers);
        report.add(key(4), label(4));
        drop(report);
        drop(Report::new(&observers));
        assert_eq!(heard.all(), "run, task 4, dropped 4, failed");
    }

    #[test]
    fn nobody_is_told_nothing() {
        let mut report = Report::new(&Observers::default());
        assert!(!report.is_watched());
        report.add(key(0), label(0));
        report.end();
    }
}
