//! Models for the eye: each picture is a [`Plot`](crate::Plot), saved as SVG, or as PNG with the feature `png`.
//!
//! | module | what |
//! |---|---|
//! | [`mod@roc`] | ROC curves of one model or several |
//! | [`mod@precision_recall`] | precision-recall curves |
//! | [`mod@calibration`] | reliability diagrams, with the rows behind them |
//! | [`mod@confusion`] | confusion matrices as heat maps |
//! | [`mod@validation`] | scores over a parameter of a search |
//! | [`mod@path`] | coefficients over a parameter |

pub mod calibration;
pub mod confusion;
pub mod path;
pub mod precision_recall;
pub mod roc;
#[cfg(test)]
mod tests;
pub mod validation;

pub use calibration::calibration;
pub use precision_recall::precision_recall;
pub use roc::roc;
