//! What has to hold of memory.

use std::time::{Duration, Instant};

use partita::Session;

/// All memory of a session is given back. A thread may be about to let go of its last task.
pub fn given_back(session: &Session) {
    let begun = Instant::now();
    while session.budget().held() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(10), "{} bytes are still held", session.budget().held());
        std::thread::yield_now();
    }
}
