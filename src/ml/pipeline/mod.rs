//! Steps one after the other, ending in a model.
//!
//! | module | what |
//! |---|---|
//! | [`chain`] | [`Pipeline`]: named steps, unfitted; fitting |
//! | [`step`] | what can be a step, unfitted and fitted |
//! | [`nested`] | a pipeline as a step of another |
//! | [`param`] | parameters of steps, by name and by type |
//! | `outline` | which columns flow between the steps, known before any row is read; what is never used |
//! | `rows` | rows in memory on their way through the steps |
//! | [`fitted`] | [`FittedPipeline`]: predictions on frames, file |
//! | [`note`] | what a user may not expect of a fit |
//! | `shown` | pipelines as text |

pub mod chain;
pub mod fitted;
pub mod nested;
pub mod note;
pub(crate) mod outline;
pub mod param;
pub(crate) mod rows;
mod shown;
pub mod step;
#[cfg(test)]
mod tests;

pub use chain::Pipeline;
pub use fitted::FittedPipeline;
pub use nested::FittedSteps;
pub use note::Note;
pub use param::{Param, ParamKey, ParamValue, StepParam};
pub use step::{FittedStep, Step};
