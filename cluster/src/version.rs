//! Of which build client, scheduler and workers are: plans travel as texts that only the same sources understand.

use std::fmt;
use std::time::{Duration, Instant};

use partita::{Error, ErrorKind, Result};
use serde::Deserialize;

use crate::rest;

/// What tells builds apart: the version, and the sources it was built from. A client, a scheduler and workers work
/// together only if it is the same for all.
pub const BUILD: &str = concat!(env!("CARGO_PKG_VERSION"), "+", env!("PARTITA_SOURCES"));

/// What comes before the build in the name of a scheduler.
const MARK: &str = "partita ";
/// How often somebody who waits for a scheduler asks.
const LOOK: Duration = Duration::from_millis(200);

/// The name of a scheduler of this build: whoever asks for its state reads it.
pub(crate) fn scheduler_name(address: impl fmt::Display) -> String {
    format!("{MARK}{BUILD} {address}")
}

#[derive(Deserialize)]
struct State {
    scheduler_id: String,
}

/// Finds out whether the scheduler at `address` is of the build of this program.
///
/// # Errors
/// `Io` when it does not answer, `Invalid` when it is of another build.
pub(crate) async fn check(address: &str) -> Result<()> {
    let State { scheduler_id } = rest::read(address, "/api/state").await?;
    same(&scheduler_id).map_err(|e| e.doing(format!("work with the scheduler at {address}")))
}

/// As [`check`], waiting for a scheduler that is not there yet.
///
/// # Errors
/// As [`check`].
pub(crate) async fn check_within(address: &str, patience: Duration) -> Result<()> {
    let begun = Instant::now();
    loop {
        match check(address).await {
            Err(e) if matches!(e.kind(), ErrorKind::Io { .. }) && begun.elapsed() < patience => {
                tokio::time::sleep(LOOK).await;
            }
            found => return found,
        }
    }
}

fn same(scheduler: &str) -> Result<()> {
    let build = scheduler.strip_prefix(MARK).and_then(|rest| rest.split(' ').next());
    match build {
        Some(BUILD) => Ok(()),
        Some(other) => Err(Error::invalid(format!("it is partita-cluster {other}, and this is {BUILD}"))
            .help("start client, scheduler and workers from one build")),
        None => Err(Error::invalid("it is a scheduler of Ballista, but none of partita-cluster")
            .help("start one with `partita-cluster scheduler`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_are_told_apart() {
        assert!(same(&scheduler_name("127.0.0.1:50050")).is_ok());
        let error = same("partita 0.0.9+00ff 127.0.0.1:50050").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Invalid { .. }));
        assert!(error.to_string().contains("0.0.9+00ff") && error.to_string().contains(BUILD), "{error}");
        let error = same("48ae9244-1df8-49b3-ad9e-5390f08e1ff7").unwrap_err();
        assert!(error.to_string().contains("none of partita-cluster"), "{error}");
    }
}
