//! Files in stores: a server of S3 and HTTP on this machine that can do everything wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod faults;
mod reading;
mod server;
mod taxi;
mod writing;
