//! A bar on the terminal.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use crate::base::shown;
use crate::exec::event::{Event, Observer};

/// Shows what is running as one line, as Dask's bar: `[####    ] | 37% Completed | 309.35 ms`, and the time that is left.
/// Runs at one time share the line; it is finished when the last of them is, or all tasks of a run that grows.
///
/// On a terminal the line is drawn again and again; elsewhere it is written once, at the end.
pub struct Bar {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    out: Box<dyn Write + Send>,
    look: Look,
    runs: FxHashMap<u64, Run>,
    /// Since when something has been running without a break.
    begun: Option<Instant>,
    /// Tasks of runs that have ended since then.
    past: Counts,
    /// What is on the terminal now, in letters.
    drawn: usize,
    clock: Clock,
}

/// How a bar looks.
#[derive(Clone, Copy, Debug)]
struct Look {
    minimum: Duration,
    interval: Duration,
    width: usize,
    /// Columns of the terminal, if it is one.
    terminal: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    planned: u64,
    ended: u64,
    /// Of those planned, the ones that ended without having run to their end.
    dropped: u64,
}

impl Counts {
    fn add(&mut self, other: Counts) {
        self.planned += other.planned;
        self.ended += other.ended;
        self.dropped += other.dropped;
    }

    /// How many have yet to end.
    fn left(&self) -> u64 {
        self.planned.saturating_sub(self.ended + self.dropped)
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Run {
    counts: Counts,
    /// It has no tasks of its own: they are added.
    grows: bool,
}

/// The thread that draws.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Clock {
    /// It is started with the first run.
    Absent,
    Ticking,
    /// Nothing is drawn any more.
    Stopped,
}

impl Default for Bar {
    fn default() -> Self {
        Bar::new()
    }
}

impl Bar {
    /// A bar on standard error.
    pub fn new() -> Bar {
        let terminal = io::stderr().is_terminal().then(columns);
        Bar::with(Box::new(io::stderr()), terminal)
    }

    /// A bar that is written to `out`: a terminal with so many columns, or none.
    pub fn with(out: Box<dyn Write + Send>, terminal: Option<usize>) -> Bar {
        let (minimum, interval) = (Duration::from_millis(100), Duration::from_millis(100));
        let state = State {
            out,
            look: Look { minimum, interval, width: 40, terminal },
            runs: FxHashMap::default(),
            begun: None,
            past: Counts::default(),
            drawn: 0,
            clock: Clock::Absent,
        };
        Bar { shared: Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() }) }
    }

    /// What takes less time than this is not shown; 100 ms by default.
    pub fn set_minimum(&self, minimum: Duration) {
        self.shared.lock().look.minimum = minimum;
    }

    /// How often it is drawn; every 100 ms by default.
    pub fn set_interval(&self, interval: Duration) {
        self.shared.lock().look.interval = interval.max(Duration::from_millis(1));
    }

    /// How many columns the bar itself has; 40 by default. On a narrow terminal it has fewer.
    pub fn set_width(&self, width: usize) {
        self.shared.lock().look.width = width.clamp(1, 400);
    }

    /// Where it is written: not a terminal, so that there is a line at each end only.
    pub fn set_output(&self, out: Box<dyn Write + Send>) {
        let mut state = self.shared.lock();
        state.out = out;
        state.look.terminal = None;
    }

    /// Nothing is shown any more; a line that is being drawn is left as it is.
    pub fn close(&self) {
        let mut state = self.shared.lock();
        if state.drawn > 0 {
            state.draw(true);
        }
        state.clock = Clock::Stopped;
        self.shared.changed.notify_all();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something runs from now on, if nothing did before.
    fn begin(self: &Arc<Self>, state: &mut State) {
        if state.begun.is_none() {
            state.begun = Some(Instant::now());
            state.past = Counts::default();
            self.changed.notify_all();
        }
        if state.clock == Clock::Absent && state.look.terminal.is_some() {
            state.clock = Clock::Ticking;
            let shared = self.clone();
            // without a thread the line is written at the end
            let _ = std::thread::Builder::new().name("partita-progress".into()).spawn(move || shared.tick());
        }
    }

    /// Draws for as long as there is somebody who could see it.
    fn tick(&self) {
        let mut state = self.lock();
        while state.clock != Clock::Stopped {
            state = match state.begun {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(begun) => {
                    let early = state.look.minimum.saturating_sub(begun.elapsed());
                    if early.is_zero() {
                        state.draw(false);
                    }
                    let pause = if early.is_zero() { state.look.interval } else { early };
                    self.changed.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

impl State {
    fn counts(&self) -> Counts {
        let mut sum = self.past;
        self.runs.values().for_each(|run| sum.add(run.counts));
        sum
    }

    /// A task is over.
    fn over(&mut self, run: u64, count: impl FnOnce(&mut Counts)) {
        let Some(run) = self.runs.get_mut(&run) else { return };
        count(&mut run.counts);
        if run.grows && run.counts.left() == 0 {
            self.end_if_idle();
        }
    }

    /// Finishes the line if nothing is running any more.
    fn end_if_idle(&mut self) {
        let busy = |run: &Run| !run.grows || run.counts.left() > 0;
        let Some(begun) = self.begun.filter(|_| !self.runs.values().any(busy)) else { return };
        if begun.elapsed() >= self.look.minimum || self.drawn > 0 {
            self.draw(true);
        }
        self.begun = None;
        self.runs.values_mut().for_each(|run| run.counts = Counts::default());
    }

    fn draw(&mut self, last: bool) {
        let (Some(begun), true) = (self.begun, self.clock != Clock::Stopped) else { return };
        if !last && self.look.terminal.is_none() {
            return;
        }
        let text = line(self.counts(), begun.elapsed(), last, self.look);
        let letters = text.chars().count();
        let rest = " ".repeat(self.drawn.saturating_sub(letters));
        let (start, end) = (if self.look.terminal.is_some() { "\r" } else { "" }, if last { "\n" } else { "" });
        // who does not see the bar still wants the result
        let _ = write!(self.out, "{start}{text}{rest}{end}").and_then(|()| self.out.flush());
        self.drawn = if last { 0 } else { letters };
    }
}

/// The line: `[####    ] | 37% Completed | 309.35 ms, 520.10 ms left`.
fn line(counts: Counts, elapsed: Duration, last: bool, look: Look) -> String {
    let Counts { planned, ended, .. } = counts;
    let part = if planned == 0 { 1.0 } else { (ended as f64 / planned as f64).min(1.0) };
    let percent = (part * 100.0) as u64;
    let mut after = format!("| {percent}% Completed | {}", shown::duration(elapsed));
    if let Some(left) = left(counts, elapsed).filter(|_| !last) {
        after.push_str(&format!(", {} left", shown::duration(left)));
    }
    let room = look.terminal.map_or(usize::MAX, |columns| columns.saturating_sub(after.chars().count() + 4));
    let width = look.width.min(room.max(1));
    let full = (part * width as f64) as usize;
    format!("[{:<width$}] {after}", "#".repeat(full))
}

/// How long it will take, if what is left goes as fast as what is done.
fn left(counts: Counts, elapsed: Duration) -> Option<Duration> {
    let (ended, left) = (counts.ended, counts.left());
    if ended == 0 || left == 0 {
        return None;
    }
    let seconds = elapsed.as_secs_f64() * left as f64 / ended as f64;
    Duration::try_from_secs_f64(seconds).ok()
}

impl Observer for Bar {
    fn notice(&self, event: &Event<'_>) {
        let mut state = self.shared.lock();
        match event {
            Event::RunStarted { run, tasks, .. } => {
                let counts = Counts { planned: *tasks as u64, ..Counts::default() };
                if *tasks > 0 {
                    self.shared.begin(&mut state);
                }
                state.runs.insert(*run, Run { counts, grows: *tasks == 0 });
            }
            Event::TaskAdded { run, .. } => {
                self.shared.begin(&mut state);
                state.runs.entry(*run).or_insert(Run { grows: true, ..Run::default() }).counts.planned += 1;
            }
            Event::TaskFinished { run, last: true, .. } => state.over(*run, |counts| counts.ended += 1),
            Event::TaskDropped { run, .. } => state.over(*run, |counts| counts.dropped += 1),
            Event::RunFinished { run, failed } => {
                let Some(mut run) = state.runs.remove(run) else { return };
                if !(run.grows || *failed) {
                    // who came late was not told of all
                    run.counts.ended = run.counts.planned;
                }
                state.past.add(run.counts);
                state.end_if_idle();
            }
            _ => {}
        }
    }
}

impl fmt::Debug for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.shared.lock().counts();
        write!(f, "Bar({} of {} tasks)", counts.ended, counts.planned)
    }
}

/// The columns of the terminal that standard error is.
#[cfg(unix)]
fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stderr());
    size.map_or(80, |size| usize::from(size.ws_col).max(1))
}

/// The columns that any terminal has.
#[cfg(not(unix))]
fn columns() -> usize {
    80
}

#[cfg(test)]
#[path = "progress_tests.rs"]
mod tests;
