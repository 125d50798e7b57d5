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
//! | `dashboard` | a page that shows what runs (feature `dashboard`) |

pub mod clock;
#[cfg(feature = "dashboard")]
pub mod dashboard;
pub mod profile;
pub mod progress;
pub mod record;
pub mod report;
mod trace;

#[cfg(feature = "dashboard")]
pub use dashboard::{Dashboard, DashboardBuilder, Draw, Watched};
pub use profile::Profile;
pub use progress::Bar;
pub use record::{Recorder, Sampler};
pub use report::About;
