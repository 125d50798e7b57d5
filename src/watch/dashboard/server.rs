//! Opens the dashboard, and shuts it.

use std::any::Any;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::sync::oneshot;

use super::gate::Gate;
use super::journal::Level;
use super::routes::routes;
use super::subject::Subject;
use super::watched::{Draw, Watched};
use crate::base::{Error, Result};

/// Where a dashboard is unless somebody says otherwise: on this machine only.
const ADDRESS: &str = "127.0.0.1:8787";

/// How often pages are told and memory is looked at.
pub(super) const TICK: Duration = Duration::from_millis(200);

/// An open dashboard: a web page that shows what runs. It is shut when this is dropped.
///
/// It is served by one thread of its own at `http://127.0.0.1:8787/status`, or another port if that is taken, and can be
/// reached from this machine only, unless another address is asked for: whoever reaches it sees what runs (names of
/// operations, texts of errors), and can change nothing.
///
/// ```
/// use partita::{Session, watch::Dashboard};
/// let session = Session::builder().threads(2).build()?;
/// let dashboard = Dashboard::builder().address("127.0.0.1:0").start(&session)?; // port 0: any free one
/// assert!(dashboard.link().ends_with("/status"));
/// # Ok::<(), partita::Error>(())
/// ```
pub struct Dashboard {
    address: SocketAddr,
    warning: Option<String>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    /// From here on nothing is told any more when it is dropped.
    lent: Option<Box<dyn Any + Send + Sync>>,
}

/// How a [`Dashboard`] is opened.
#[derive(Clone)]
pub struct DashboardBuilder {
    address: String,
    names: Vec<String>,
    draw: Option<Draw>,
}

impl Default for DashboardBuilder {
    fn default() -> Self {
        DashboardBuilder { address: ADDRESS.to_string(), names: Vec::new(), draw: None }
    }
}

impl DashboardBuilder {
    /// Where it listens: `127.0.0.1:8787` by default. `0.0.0.0:8787` lets everybody in who reaches this machine; port 0 is any
    /// free port; a number alone is a port of this machine.
    #[must_use]
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = address.into();
        self
    }

    /// Answers to this name too, for example that of a proxy before it.
    #[must_use]
    pub fn allow_host(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into().to_ascii_lowercase());
        self
    }

    /// Who draws the graph, instead of who is watched.
    #[must_use]
    pub fn draw(mut self, draw: Draw) -> Self {
        self.draw = Some(draw);
        self
    }

    /// Opens a dashboard for a session or a cluster: it shows what starts from now on, and what is left of what goes on.
    ///
    /// When the port is taken a free one is used instead, and a warning says so: to subscribers of `tracing`, or else on
    /// standard error, and in [`Dashboard::warning`].
    ///
    /// # Errors
    /// `Invalid` for an address that is none, `Io` when the system does not let it listen there or gives no thread.
    pub fn start(&self, watched: &(impl Watched + ?Sized)) -> Result<Dashboard> {
        let (listener, warning) = listen(&self.address).map_err(|e| e.doing("open the dashboard"))?;
        let failed = |e: std::io::Error| Error::io(&self.address, e).doing("open the dashboard");
        let address = listener.local_addr().map_err(failed)?;
        let gate = Gate { loopback: address.ip().is_loopback(), names: self.names.clone().into() };
        let subject = Arc::new(Subject::new(watched, self.draw.clone()));
        if let Some(warning) = &warning {
            // who subscribes to such events is told there, who does not still has to know where to look
            if tracing::event_enabled!(tracing::Level::WARN) {
                tracing::warn!("{warning}");
            } else {
                eprintln!("{warning}");
            }
            subject.journal.write(Level::Warning, warning.clone());
        }
        let (stop, stopped) = oneshot::channel();
        let lent = watched.lend(subject.journal.clone());
        let thread = serve(listener, subject, gate, stopped).map_err(failed)?;
        Ok(Dashboard { address, warning, stop: Some(stop), thread: Some(thread), lent: Some(lent) })
    }
}

impl Dashboard {
    /// How to open one.
    pub fn builder() -> DashboardBuilder {
        DashboardBuilder::default()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What to open in a browser: `http://127.0.0.1:8787/status`.
    pub fn link(&self) -> String {
        // every address of this machine is also this one
        let ip = match self.address {
            SocketAddr::V4(a) if a.ip().is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(a) if a.ip().is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            address => address.ip(),
        };
        format!("http://{}/status", SocketAddr::new(ip, self.address.port()))
    }

    /// What is to be said about how it was opened: that the port asked for was taken.
    pub fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        drop(self.lent.take());
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl fmt::Debug for Dashboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dashboard({})", self.link())
    }
}

/// Listens at an address, or at a free port beside it, and says so.
fn listen(address: &str) -> Result<(TcpListener, Option<String>)> {
    let places = places(address)?;
    let taken = match TcpListener::bind(&places[..]) {
        Ok(listener) => return Ok((listener, None)),
        Err(e) if e.kind() == std::io::ErrorKind::AddrInUse => e,
        Err(e) => return Err(Error::io(address, e).help("give an address of this machine, for example 127.0.0.1:8787")),
    };
    let beside: Vec<SocketAddr> = places.iter().map(|p| SocketAddr::new(p.ip(), 0)).collect();
    let listener = TcpListener::bind(&beside[..]).map_err(|_| Error::io(address, taken))?;
    let free = listener.local_addr().map_err(|e| Error::io(address, e))?.port();
    let port = places.first().map_or(0, SocketAddr::port);
    let warning = format!(
        "Port {port} is already in use.\nPerhaps you already have a cluster running?\n\
         Hosting the HTTP server on port {free} instead"
    );
    Ok((listener, Some(warning)))
}

fn places(address: &str) -> Result<Vec<SocketAddr>> {
    let trimmed = address.trim().trim_start_matches("http://").trim_end_matches('/');
    let port_only = trimmed.strip_prefix(':').unwrap_or(trimmed).parse::<u16>().ok();
    let found: Vec<SocketAddr> = match port_only {
        Some(port) => vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))],
        None => trimmed.to_socket_addrs().map(Iterator::collect).unwrap_or_default(),
    };
    match found.is_empty() {
        true => Err(Error::invalid(format!("`{address}` is no address to listen at"))
            .help("give an address and a port, for example 127.0.0.1:8787")),
        false => Ok(found),
    }
}

/// Serves until it is stopped, on one thread of its own.
fn serve(
    listener: TcpListener,
    subject: Arc<Subject>,
    gate: Gate,
    stopped: oneshot::Receiver<()>,
) -> std::io::Result<JoinHandle<()>> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let listener = {
        let _inside = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    let work = move || {
        runtime.block_on(async move {
            let router = routes(subject.clone(), gate);
            tokio::spawn(sample(subject));
            let serving = std::pin::pin!(async move { axum::serve(listener, router).await });
            if let Either::Left((Err(error), _)) = select(serving, stopped).await {
                tracing::warn!("the dashboard has stopped: {error}");
            }
        });
        // open connections end with the runtime
    };
    std::thread::Builder::new().name("partita-dashboard".into()).spawn(work)
}

async fn sample(subject: Arc<Subject>) {
    let mut clock = tokio::time::interval(TICK);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        clock.tick().await;
        subject.sample();
    }
}
