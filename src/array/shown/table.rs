//! Arrays as tables.

use std::fmt;

use super::super::chunked::Array;
use super::super::element::Element;
use crate::base::{ByteSize, config};

/// A row: what it is of, of the array, of a chunk.
pub(super) type Row = (&'static str, String, String);

/// Of an array of more chunks only the tasks as they are written are shown.
const MOST_COUNTED: usize = 10_000;

impl<T: Element> Array<T> {
    /// What is shown of an array.
    pub(super) fn facts(&self) -> [Row; 4] {
        let largest = self.chunks().largest();
        let chunk_bytes = largest.iter().product::<usize>() as u64 * size_of::<T>() as u64;
        let (written, fused) = match self.npartitions() {
            // of very many it takes long to count them one by one
            many if many > MOST_COUNTED => (self.lazy.operations().all.saturating_mul(many), usize::MAX),
            _ => self.counted().unwrap_or_default(),
        };
        let tasks = match written > fused {
            true => format!("{written} Tasks, {fused} fused"),
            false => format!("{written} Tasks"),
        };
        [
            ("Bytes", bytes(self.nbytes()), bytes(chunk_bytes)),
            ("Shape", tuple(self.shape()), tuple(&largest)),
            ("Count", tasks, format!("{} Chunks", self.npartitions())),
            ("Type", T::DTYPE.to_string(), self.lazy.name().to_string()),
        ]
    }
}

/// Bytes in the units of the setting `array_bytes`: binary ones, or decimal ones.
fn bytes(bytes: u64) -> String {
    match config::get("array_bytes") {
        Ok(Some(units)) if units == "decimal" => ByteSize(bytes).decimal(),
        _ => ByteSize(bytes).to_string(),
    }
}

/// A shape as Python writes it.
pub(super) fn tuple(shape: &[usize]) -> String {
    match shape {
        [one] => format!("({one},)"),
        many => format!("({})", many.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// Bytes, shape, count and type, of the whole and of a chunk, as Dask shows them. The tasks are counted as they are written
/// down, an operation of a chunk each (below a reduction, of the part that a task takes in), and as they are run: what lies
/// between two exchanges of data is one.
///
/// ```
/// use partita::{array::ones, config};
/// let _decimal = config::set([("array_bytes", "decimal")])?;
/// let shown = ones([1000, 4000], (1000, 1000))?.to_string();
/// let rows: Vec<Vec<&str>> = shown.lines().map(|line| line.split("  ").filter(|c| !c.is_empty()).collect()).collect();
/// let rows: Vec<Vec<&str>> = rows.into_iter().map(|row| row.into_iter().map(str::trim).collect()).collect();
/// assert_eq!(rows[1], ["Bytes", "32.00 MB", "8.00 MB"]);
/// assert_eq!(rows[2], ["Shape", "(1000, 4000)", "(1000, 1000)"]);
/// assert_eq!(rows[3], ["Count", "4 Tasks", "4 Chunks"]);
/// # Ok::<(), partita::Error>(())
/// ```
impl<T: Element> fmt::Display for Array<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ("", "Array".to_string(), "Chunk".to_string());
        let rows: Vec<Row> = std::iter::once(head).chain(self.facts()).collect();
        let width = |column: fn(&Row) -> usize| rows.iter().map(column).max().unwrap_or(0);
        let (first, second) = (width(|r| r.0.len()), width(|r| r.1.chars().count()));
        for (i, (name, array, chunk)) in rows.iter().enumerate() {
            let line = format!("{name:<first$}  {array:<second$}  {chunk}");
            let end = if i + 1 < rows.len() { "\n" } else { "" };
            write!(f, "{}{end}", line.trim_end())?;
        }
        Ok(())
    }
}
