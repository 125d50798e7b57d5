//! A bar for as long as a guard lives.

use std::fmt;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use super::{Session, Watching};
use crate::watch::Bar;

/// A progress bar on standard error for what runs in a session, until it is dropped, as Dask's `ProgressBar`:
/// `[####    ] | 37% Completed | 309.35 ms`, and while it runs the time that is left. It shows runs of every scheduler, also
/// those that go on in the background (`persist`) while the bar lives. Where standard error is no terminal, there is a line at
/// the end of each run.
///
/// ```
/// use partita::ProgressBar;
/// let bar = ProgressBar::new();
/// let table = partita::read_parquet("data/*.parquet")?.describe()?.compute()?;
/// drop(bar); // nothing is shown from now on
/// # Ok::<(), partita::Error>(())
/// ```
#[must_use = "the bar is gone when this is dropped"]
pub struct ProgressBar {
    bar: Arc<Bar>,
    _watching: Option<Watching>,
}

impl ProgressBar {
    /// A bar for the current session.
    #[expect(clippy::new_without_default, reason = "it begins to watch")]
    pub fn new() -> ProgressBar {
        match Session::current() {
            Ok(session) => ProgressBar::of(&session),
            // whoever computes something is told why there is no session
            Err(_) => ProgressBar { bar: Arc::default(), _watching: None },
        }
    }

    /// A bar for this session.
    pub fn of(session: &Session) -> ProgressBar {
        let bar = Arc::new(Bar::new());
        let watching = session.watch(bar.clone());
        ProgressBar { bar, _watching: Some(watching) }
    }

    /// What takes less time than this is not shown; 100 ms by default.
    pub fn minimum(self, minimum: Duration) -> ProgressBar {
        self.bar.set_minimum(minimum);
        self
    }

    /// How often it is drawn; every 100 ms by default.
    pub fn interval(self, interval: Duration) -> ProgressBar {
        self.bar.set_interval(interval);
        self
    }

    /// How many columns the bar itself has; 40 by default.
    pub fn width(self, width: usize) -> ProgressBar {
        self.bar.set_width(width);
        self
    }

    /// Writes a line at the end of each run to `out` instead.
    pub fn output(self, out: impl Write + Send + 'static) -> ProgressBar {
        self.bar.set_output(Box::new(out));
        self
    }
}

impl Drop for ProgressBar {
    fn drop(&mut self) {
        self.bar.close();
    }
}

impl fmt::Debug for ProgressBar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.bar)
    }
}
