//! What can be watched.

use std::any::Any;
use std::sync::Arc;

use crate::exec::event::{Gauge, Observer};
use crate::watch::Recorder;

/// Draws the graph of what ran last as SVG, from what was recorded of it; `None` when there is nothing to draw.
pub type Draw = Arc<dyn Fn(&Recorder) -> Option<String> + Send + Sync>;

/// Something that runs tasks and can be looked at: a session, a cluster.
pub trait Watched {
    /// How it is called on the page.
    fn title(&self) -> String;

    /// How many threads work at once.
    fn threads(&self) -> usize;

    /// The memory limit in bytes, as it was given.
    fn memory_limit(&self) -> u64;

    /// Tells what memory is used. It must not keep what is watched alive.
    fn gauge(&self) -> Gauge;

    /// Lets somebody watch until the returned guard is dropped: also what is left of runs that go on.
    fn lend(&self, observer: Arc<dyn Observer>) -> Box<dyn Any + Send + Sync>;

    /// Who draws its graphs; nobody by default.
    fn draw(&self) -> Option<Draw> {
        None
    }
}
