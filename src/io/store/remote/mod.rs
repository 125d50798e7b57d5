//! Object stores and web servers, asked from threads of their own: whoever waits for an answer waits on a channel, so that
//! all of this may be used inside of a program that runs tokio itself.
//!
//! | module | what |
//! |---|---|
//! | [`client`] | requests, repeated when they fail for a passing reason |
//! | [`failure`] | what went wrong, as our errors |
//! | [`listing`] | the files that an address means |
//! | [`object`] | a file, its bytes by position |
//! | [`open`] | stores, made from an address and options |
//! | [`patience`] | how often and how long |
//! | [`profile`] | the profiles of AWS |
//! | [`runtime`] | the threads |
//! | [`store`] | a store |
//! | [`tls`] | who is trusted |
//! | [`uploads`] | files on their way into a store |

pub mod client;
pub mod failure;
pub mod listing;
pub mod object;
pub mod open;
pub mod patience;
pub mod profile;
pub mod runtime;
pub mod store;
pub mod tls;
pub mod uploads;

pub use store::Store;
