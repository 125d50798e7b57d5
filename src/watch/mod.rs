//! Who watches: they see events and nothing else.
//!
//! | module | what |
//! |---|---|
//! | `progress` | a bar on the terminal |
//! | `record` | a bounded history of what has run |
//! | `profile` | what a piece of a program took |
//! | `trace` | tasks in Chrome's format |
//! | `report` | a profile as one page for a browser |
//! | `clock` | what the operating system says of this process |

pub mod clock;
pub mod profile;
pub mod progress;
pub mod record;
pub mod report;
mod trace;

pub use profile::Profile;
pub use progress::Bar;
pub use record::{Recorder, Sampler};
pub use report::About;
