//! Who watches: they see events and nothing else.
//!
//! | module | what |
//! |---|---|
//! | [`progress`] | a bar on the terminal |

pub mod progress;

pub use progress::ProgressBar;
