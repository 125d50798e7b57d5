//! Memory and processor time over time.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::{Recorder, Sample};
use crate::exec::event::{Gauge, Usage};

/// Samples are taken by a thread of its own as long as this lives; one at the beginning, one at the end.
#[derive(Debug)]
pub struct Sampler {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// When there are more samples, every second one of the older half goes.
const MOST: usize = 4096;

impl Sampler {
    /// Samples `gauge` into `recorder` from now on. Where the system gives no thread, nothing is sampled in between.
    pub fn new(recorder: Arc<Recorder>, gauge: Gauge, every: Duration) -> Sampler {
        let stop: Arc<(Mutex<bool>, Condvar)> = Arc::default();
        let told = stop.clone();
        recorder.sample(gauge());
        let sample = move || {
            let (stopped, changed) = &*told;
            loop {
                let guard = stopped.lock().unwrap_or_else(PoisonError::into_inner);
                let waited = changed.wait_timeout_while(guard, every, |stopped| !*stopped);
                let stopped = *waited.unwrap_or_else(PoisonError::into_inner).0;
                recorder.sample(gauge());
                if stopped {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("partita-sampler".into()).spawn(sample).ok();
        Sampler { stop, thread }
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.1.notify_all();
        // the last sample is there when this returns
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

/// The moment between two samples at which more was reserved than ever before, if there was one. When exactly it was is not
/// known: it is put into the middle.
pub(super) fn between(before: &Sample, after: &Sample) -> Option<Sample> {
    let peak = after.usage.peak;
    if peak <= before.usage.peak || peak <= before.usage.held.max(after.usage.held) {
        return None;
    }
    let middle = |a: Duration, b: Duration| a + b.saturating_sub(a) / 2;
    Some(Sample {
        at: middle(before.at, after.at),
        usage: Usage { held: peak, peak, ..after.usage },
        cpu: before.cpu.zip(after.cpu).map(|(a, b)| middle(a, b)),
        resident: before.resident.zip(after.resident).map(|(a, b)| a.max(b)),
    })
}

/// Keeps a sample.
pub(super) fn keep(samples: &mut Vec<Sample>, sample: Sample) {
    if samples.len() >= MOST {
        let mut at = 0;
        samples.retain(|_| {
            at += 1;
            at > MOST / 2 || at % 2 == 1
        });
    }
    samples.push(sample);
}
