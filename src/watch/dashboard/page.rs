//! The page: plain files, in the binary.

/// A file of the page.
pub(super) struct Asset {
    pub name: &'static str,
    pub content_type: &'static str,
    pub text: &'static str,
}

/// The panels that have an address of their own; `/status` shows most of them.
pub(super) const PANELS: [&str; 6] = ["status", "tasks", "progress", "memory", "graph", "logs"];

/// The page is the same for all panels: its script shows the one that the address names.
pub(super) const INDEX: &str = include_str!("page/index.html");

const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! asset {
    ($name:literal, $content_type:expr) => {
        Asset { name: $name, content_type: $content_type, text: include_str!(concat!("page/", $name)) }
    };
}

pub(super) const ASSETS: [Asset; 9] = [
    asset!("style.css", "text/css; charset=utf-8"),
    asset!("icon.svg", "image/svg+xml"),
    asset!("app.js", SCRIPT),
    asset!("chart.js", SCRIPT),
    asset!("colors.js", SCRIPT),
    asset!("feed.js", SCRIPT),
    asset!("format.js", SCRIPT),
    asset!("panels.js", SCRIPT),
    asset!("stream.js", SCRIPT),
];
