//! A session can be looked at in a browser.

use std::any::Any;
use std::sync::Arc;

use super::{Session, SessionBuilder};
use crate::base::Result;
use crate::exec::{Gauge, Observer};
use crate::watch::{DashboardBuilder, Draw, Watched};

impl Watched for Session {
    fn title(&self) -> String {
        self.to_string()
    }

    fn threads(&self) -> usize {
        Session::threads(self)
    }

    fn memory_limit(&self) -> u64 {
        Session::memory_limit(self).0
    }

    fn gauge(&self) -> Gauge {
        Session::gauge(self)
    }

    fn lend(&self, observer: Arc<dyn Observer>) -> Box<dyn Any + Send + Sync> {
        Box::new(self.watch(observer))
    }

    fn draw(&self) -> Option<Draw> {
        Some(Arc::new(super::graph::draw))
    }
}

/// A session whose dashboard is a part of it: that must not keep it alive.
struct Own<'a>(&'a Session);

impl Watched for Own<'_> {
    fn title(&self) -> String {
        self.0.title()
    }

    fn threads(&self) -> usize {
        self.0.threads()
    }

    fn memory_limit(&self) -> u64 {
        Watched::memory_limit(self.0)
    }

    fn gauge(&self) -> Gauge {
        self.0.gauge()
    }

    fn lend(&self, observer: Arc<dyn Observer>) -> Box<dyn Any + Send + Sync> {
        self.0.observe(observer);
        Box::new(())
    }

    fn draw(&self) -> Option<Draw> {
        self.0.draw()
    }
}

impl Session {
    pub(super) fn open_dashboard(&self, how: Option<DashboardBuilder>) -> Result<()> {
        if let Some(how) = how {
            let _ = self.0.dashboard.set(how.start(&Own(self))?);
        }
        Ok(())
    }

    /// The dashboard, if this session was built with one: its address, and what is to be said about how it was opened.
    pub fn dashboard(&self) -> Option<&crate::watch::Dashboard> {
        self.0.dashboard.get()
    }

    /// What to open in a browser, if this session was built with a [`dashboard`](SessionBuilder::dashboard).
    pub fn dashboard_link(&self) -> Option<String> {
        self.dashboard().map(crate::watch::Dashboard::link)
    }
}

impl SessionBuilder {
    /// Opens a dashboard for as long as the session is there. [`Dashboard::builder`](crate::watch::Dashboard::builder)
    /// opens one for a shorter time.
    #[must_use]
    pub fn dashboard(mut self, how: DashboardBuilder) -> Self {
        self.dashboard = Some(how);
        self
    }
}
