//! Random numbers that depend on the seed and the place alone, never on chunks or threads.
//!
//! | file | what |
//! |---|---|
//! | `draws` | random bits by seed and place, and the machine of all distributions |
//! | `uniform` | [`uniform`]: numbers from 0 to 1 |
//! | `normal` | [`normal`]: the bell curve, by the inverse of its distribution function |
//! | `exponential` | [`exponential`]: times between events |
//! | `poisson` | [`poisson`]: numbers of events |
//! | `integers` | [`integers`]: whole numbers, all equally likely |
//! | `choice` | [`choice`], [`choice_by`], [`choice_without`]: elements of a list |
//! | `permutation` | [`permutation`]: the numbers 0 to n, each once, in any order |

mod choice;
mod draws;
mod exponential;
mod integers;
mod normal;
mod permutation;
mod poisson;
mod uniform;

pub use choice::{choice, choice_by, choice_without};
pub use exponential::exponential;
pub use integers::integers;
pub use normal::normal;
pub use permutation::permutation;
pub use poisson::poisson;
pub use uniform::uniform;
