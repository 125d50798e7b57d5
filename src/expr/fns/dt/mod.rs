//! Functions of timestamps, dates, times of day and durations: the methods of [`Dt`](crate::expr::namespaces::Dt).
//!
//! | module | what |
//! |---|---|
//! | [`part`] | year … nanosecond, week, quarter, first and last days |
//! | [`date`] | the date, the time of day |
//! | [`step`] | floor, ceil and round to steps of time |
//! | [`every`] | steps of time as people write them |
//! | [`strftime`] | times as text |
//! | [`zoned`] | from one time zone to another, into one and out of it |
//! | [`epoch`] | the number of units since 1970, the length of a duration |
//! | `calendar` | the proleptic Gregorian calendar on day numbers |
//! | `wall` | columns as counts of ticks on the clock on the wall |
//! | `zone` | offsets of time zones, looked up once a day |
//!
//! Timestamps with a zone are seen as the clock on the wall of that zone shows them.

mod calendar;
pub mod date;
pub mod epoch;
pub mod every;
pub mod part;
pub mod step;
pub mod strftime;
#[cfg(test)]
mod tests;
mod wall;
mod zone;
pub mod zoned;

pub use date::{Date, TimeOfDay};
pub use epoch::{Epoch, Total};
pub use part::Part;
pub use step::{Direction, Step};
pub use strftime::Strftime;
pub use zoned::{Localize, ToTimezone, Unclear, WallTime};
