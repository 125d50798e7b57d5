//! Arrays as tables.

use std::fmt;

use super::chunked::Array;
use super::element::Element;
use crate::base::ByteSize;

/// What FR shows of an array: bytes, shape, count and type, of the whole and of a chunk.
impl<T: Element> fmt::Display for Array<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tuple = |shape: &[usize]| match shape {
            [one] => format!("({one},)"),
            many => format!("({})", many.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
        };
        let largest = self.chunks().largest();
        let chunk_bytes = largest.iter().product::<usize>() as u64 * size_of::<T>() as u64;
        let tasks = self.num_tasks().unwrap_or(0);
        let rows = [
            ("", "Array".to_string(), "Chunk".to_string()),
            ("Bytes", ByteSize(self.nbytes()).to_string(), ByteSize(chunk_bytes).to_string()),
            ("Shape", tuple(self.shape()), tuple(&largest)),
            ("Count", format!("{tasks} Tasks"), format!("{} Chunks", self.npartitions())),
            ("Type", T::DTYPE.to_string(), self.lazy.name().to_string()),
        ];
        let width = |column: fn(&(&str, String, String)) -> usize| rows.iter().map(column).max().unwrap_or(0);
        let (first, second) = (width(|r| r.0.len()), width(|r| r.1.chars().count()));
        for (i, (name, array, chunk)) in rows.iter().enumerate() {
            let line = format!("{name:<first$}  {array:<second$}  {chunk}");
            let end = if i + 1 < rows.len() { "\n" } else { "" };
            write!(f, "{}{end}", line.trim_end())?;
        }
        Ok(())
    }
}
