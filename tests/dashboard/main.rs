//! The dashboard as others see it: over HTTP, and in a browser.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod addresses;
mod browser;
mod http;
mod work;
