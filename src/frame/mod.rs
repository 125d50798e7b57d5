//! Frames: documented methods that only build a plan.
//!
//! | module | what |
//! |---|---|
//! | [`data_frame`] | [`DataFrame`]: a plan and the session it runs in; its structure |
//! | [`names`] | [`cols`] and what can name columns |
//! | [`columns`] | methods that compute columns |
//! | [`rows`] | methods that choose rows |
//! | [`compute`] | methods that ask for results |
//! | [`table`] | [`Table`]: a result, and how it is shown |
//! | [`structure`] | how a frame that is not computed is shown |

pub mod columns;
pub mod compute;
pub mod data_frame;
pub mod names;
pub mod rows;
pub mod structure;
pub mod table;

pub use compute::wait;
pub use data_frame::DataFrame;
pub use names::{Cols, IntoColumns, cols};
pub use rows::concat;
pub use table::Table;
