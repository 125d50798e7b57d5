//! What each element is together with all before it: cumulative sums, products, extremes. Only what is known at every
//! hundredth element or so is held; elements are made from there for any region.
//!
//! | module | what |
//! |---|---|
//! | `scan` | how elements are put together: sums, products, extremes |
//! | `carry` | what is known before each panel of elements: held |
//! | `running` | the elements, from there on |
//! | `flat` | all elements of an array as one axis |

mod carry;
mod flat;
mod running;
mod scan;
