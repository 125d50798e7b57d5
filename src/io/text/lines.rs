//! The lines of a text, for errors and notes.

use std::io::Read;

use super::form::Form;
use crate::base::Error;
use crate::io::FileInfo;
use crate::io::store::Demand;

/// What is read of a text at a time, so that it stays in the cache with what is known of it.
pub const CHUNK: usize = 256 * 1024;

/// The line of position `at` of a file, from 1. Reads all that is before it: for errors only.
pub fn line_of(info: &FileInfo, form: Form, at: u64) -> Option<u64> {
    lines_of(info, form, &[at])[0]
}

/// The lines of these positions of a file, which rise, as far as they can be told. Reads all that is before them.
pub fn lines_of(info: &FileInfo, form: Form, places: &[u64]) -> Vec<Option<u64>> {
    let mut found = vec![None; places.len()];
    let Some(last) = places.last() else { return found };
    let Ok(input) = form.open(info, 0, &Demand::look(*last)) else { return found };
    let mut input = input.take(*last);
    let (mut buffer, mut lines, mut returned) = (vec![0; CHUNK], 1, false);
    let (mut at, mut next) = (0, 0);
    loop {
        let n = match input.read(&mut buffer) {
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => return found,
        };
        for &byte in &buffer[..n] {
            while places.get(next) == Some(&at) {
                found[next] = Some(lines);
                next += 1;
            }
            lines += u64::from(byte == b'\r' || (byte == b'\n' && !returned));
            returned = byte == b'\r';
            at += 1;
        }
        if n == 0 {
            found[next..].fill(Some(lines));
            return found;
        }
    }
}

/// Names the line if it is known.
pub fn at_line(error: Error, line: Option<u64>) -> Error {
    match line {
        Some(line) => error.at_line(line),
        None => error,
    }
}
