//! A page that shows what runs, served by this process: feature `dashboard`.
//!
//! | module | what |
//! |---|---|
//! | `server` | `Dashboard`: opened for whatever can be watched, gone when it is dropped |
//! | `watched` | what can be watched: a session, a cluster |
//! | `journal` | what happened, in words; it passes events on to a recorder |
//! | `subject` | what is watched, its journal, numbers for names |
//! | `changes` | what a page has not seen yet |
//! | `shapes` | what is said, as JSON |
//! | `metrics` | the same for Prometheus |
//! | `routes` | which address says what |
//! | `gate` | who may ask: against pages of others that rebind their name |
//! | `page` | the page: plain files, written here |
//!
//! The only part of `watch` that knows an async runtime: one thread of its own, while a dashboard is open.

mod changes;
mod gate;
mod journal;
mod metrics;
mod page;
mod routes;
mod server;
mod shapes;
mod subject;
mod watched;

pub use server::{Dashboard, DashboardBuilder};
pub use watched::{Draw, Watched};
