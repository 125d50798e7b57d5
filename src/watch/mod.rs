//! Who watches: they see events and nothing else.
//!
//! | module | what |
//! |---|---|
//! | `progress` | a bar on the terminal |
//! | `record` | a bounded history of what has run |
//! | `clock` | what the operating system says of this process |
//! | `dashboard` | a page that shows what runs (feature `dashboard`) |

pub mod clock;
#[cfg(feature = "dashboard")]
pub mod dashboard;
pub mod progress;
pub mod record;

#[cfg(feature = "dashboard")]
pub use dashboard::{Dashboard, DashboardBuilder, Draw, Watched};
pub use progress::ProgressBar;
pub use record::{Recorder, Sampler};
