//! Which rows are held out together in cross-validation: scikit-learn's splitters, for rows that stream.
//!
//! What has to be known of all rows (`splits::Totals`) is counted first; from then on each row's block is known
//! from its place, its class or its group alone, so that rows may come in chunks of any size. A split trains on some
//! blocks and tests on others.
//!
//! | module | what |
//! |---|---|
//! | [`cv`] | any of the following, chosen |
//! | [`k_fold`] | contiguous rows |
//! | [`stratified`] | the classes in the proportions of the whole |
//! | [`group`] | rows of one group stay together |
//! | [`time_series`] | what comes later is predicted from what came before |
//! | `splits` | the splits of rows that are counted |

pub mod cv;
pub mod group;
pub mod k_fold;
pub(crate) mod splits;
pub mod stratified;
pub mod time_series;

pub use cv::{Cv, IntoCv};
pub use group::GroupKFold;
pub use k_fold::KFold;
pub use stratified::StratifiedKFold;
pub use time_series::TimeSeriesSplit;
