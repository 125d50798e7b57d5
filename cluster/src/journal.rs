//! What processes write about their work: lines on standard error, which somebody may keep.

use std::io::Write;

use log::{Level, LevelFilter, Log, Metadata, Record};

/// The variable that says how much is written: `off`, `error`, `warn`, `info`, `debug` or `trace`; by default `warn`.
pub(crate) const VARIABLE: &str = "PARTITA_LOG";

struct Lines;

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // below them, what carries bytes writes about each of them
        metadata.level() <= Level::Info || metadata.target().starts_with("ballista")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            // who does not read it does not need it
            let _ = writeln!(std::io::stderr().lock(), "{} {}: {}", record.level(), record.target(), record.args());
        }
    }

    fn flush(&self) {}
}

/// From now on this process writes what its libraries say, if nobody else does.
pub(crate) fn keep() {
    static LINES: Lines = Lines;
    let level = std::env::var(VARIABLE).ok().and_then(|text| text.parse().ok()).unwrap_or(LevelFilter::Warn);
    if log::set_logger(&LINES).is_ok() {
        log::set_max_level(level);
    }
}
