//! Who watches: they see events and nothing else.
//!
//! | module | what |
//! |---|---|
//! | `progress` | a bar on the terminal |
//! | `record` | a bounded history of what has run |
//! | `clock` | what the operating system says of this process |

pub mod clock;
pub mod progress;
pub mod record;

pub use progress::ProgressBar;
pub use record::{Recorder, Sampler};
