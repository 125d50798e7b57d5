//! An array as a piece of a page.

use std::fmt::Write;

use super::super::chunked::Array;
use super::super::element::Element;
use crate::base::shown::markup;

impl<T: Element> Array<T> {
    /// The table and the drawing side by side, as HTML (what Dask shows in notebooks).
    pub fn to_html(&self) -> String {
        let mut out = String::from(
            "<table class=\"partita-array-page\" style=\"border-collapse:collapse\"><tr><td style=\"padding-right:1.5em\">\
             <table style=\"border-collapse:collapse;font-variant-numeric:tabular-nums\">\n\
             <thead><tr><td></td><th style=\"text-align:right;padding:.2em .7em\">Array</th>\
             <th style=\"text-align:right;padding:.2em .7em\">Chunk</th></tr></thead><tbody>\n",
        );
        for (name, array, chunk) in self.facts() {
            let cell = |text: &str| format!("<td style=\"text-align:right;padding:.2em .7em\">{}</td>", markup(text));
            let _ = writeln!(
                out,
                "<tr><th style=\"text-align:left;padding:.2em .7em\">{name}</th>{}{}</tr>",
                cell(&array),
                cell(&chunk)
            );
        }
        let _ = writeln!(out, "</tbody></table></td><td>{}</td></tr></table>", self.to_svg());
        out
    }
}
