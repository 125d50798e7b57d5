//! Files and folders that are prepared beside their place and appear there in one step.
//!
//! What becomes `out` is written as `.out.0123456789abcdef.partial`, a folder in the same folder, synced, and then changes
//! places with `out`, so that whoever looks at any instant, after a crash or a power cut too, sees what was there or what
//! is there now, never a mixture:
//!
//! - where there was nothing, by a rename;
//! - where there was something, by an exchange of the two names (`renameat2` on Linux); what was there is then removed;
//! - where the file system cannot exchange names, what was there becomes `.out.….replaced` first; should the process end
//!   between the two renames, whoever reads or writes `out` next finishes the second one.
//!
//! The owner of such a folder holds a lock on it for as long as it lives, however it ends, so what a killed process has
//! left can be told from what is being written; the next that reads or writes the same place removes it. Where folders
//! cannot be locked (some network file systems, Windows) it stays: nobody's work is ever taken for left over.
//!
//! | module | what |
//! |---|---|
//! | [`claim`] | locks on folders, which end with their owner |
//! | [`prepare`] | [`Staging`]: prepared beside a place, put there in one step |
//! | [`leftovers`] | what killed processes have left |

pub mod claim;
pub mod leftovers;
pub mod prepare;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use leftovers::recover;
pub use prepare::Staging;
