//! Bytes of which it is known before which will be read: streams side by side, each from its beginning to its end, as the
//! columns of a row group are.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};

use super::coming::Coming;
use super::file::Distant;
use super::input::Demand;
use super::ranges::{GAP, together};
use crate::base::Result;
use crate::exec::{Cancel, Reservation};

/// A stream is asked for in pieces of this size.
const PIECE: u64 = 4 << 20;
/// What is asked for together is no longer.
const MOST: u64 = 8 << 20;
/// How much is held or under way at the most.
const HELD: u64 = 64 << 20;

/// Streams of a file, asked for in the order in which they will be read, as far as the budget has room, and forgotten when
/// they were.
pub struct Planned {
    file: Arc<dyn Distant>,
    cancel: Cancel,
    /// How much may be held.
    most: u64,
    streams: Vec<Range<u64>>,
    state: Mutex<State>,
}

struct State {
    /// By where they begin.
    parts: Vec<Part>,
    /// The parts that were not asked for yet, the next one last.
    later: Vec<usize>,
    /// How far each stream was read.
    read: Vec<u64>,
    held: u64,
    reservation: Reservation,
}

struct Part {
    range: Range<u64>,
    /// Which streams are in it, up to where.
    users: Vec<(usize, u64)>,
    bytes: Bytewise,
}

enum Bytewise {
    Later,
    Coming(Coming<Bytes>),
    Here(Bytes),
    Gone,
}

impl Planned {
    /// The bytes of `streams`, which rise.
    pub fn new(file: Arc<dyn Distant>, streams: Vec<Range<u64>>, demand: &Demand) -> Planned {
        let Demand { budget, cancel, .. } = demand;
        let mut pieces = Vec::new();
        for (stream, range) in streams.iter().enumerate() {
            let count = (range.end - range.start).div_ceil(PIECE).max(1);
            for k in 0..count {
                let piece = range.start + k * PIECE..(range.start + (k + 1) * PIECE).min(range.end);
                pieces.push((piece, stream, k as f64 / count as f64));
            }
        }
        let wanted: Vec<_> = pieces.iter().map(|(range, ..)| range.clone()).collect();
        let mut order = Vec::new();
        let mut parts = Vec::new();
        for one in together(&wanted, GAP, MOST) {
            let inside = one.wanted.iter().filter_map(|&i| pieces.get(i));
            order.push(inside.clone().map(|(.., when)| *when).fold(1.0, f64::min));
            let users = inside.map(|(piece, stream, _)| (*stream, piece.end)).collect();
            parts.push(Part { range: one.range, users, bytes: Bytewise::Later });
        }
        let mut later: Vec<usize> = (0..parts.len()).collect();
        later.sort_by(|&a, &b| order[b].total_cmp(&order[a]).then(b.cmp(&a)));
        let read = streams.iter().map(|range| range.start).collect();
        let state = State { parts, later, read, held: 0, reservation: budget.nothing() };
        let most = HELD.min(budget.share() / 4);
        let planned = Planned { file, cancel: cancel.clone(), most, streams, state: Mutex::new(state) };
        planned.ask(&mut planned.lock());
        planned
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for what comes next, as far as there is room.
    fn ask(&self, state: &mut State) {
        while let Some(&next) = state.later.last() {
            let length = state.parts[next].length();
            if !matches!(state.parts[next].bytes, Bytewise::Later) {
                state.later.pop();
                continue;
            }
            if state.held + length > self.most || !state.reservation.try_take(length) {
                return;
            }
            self.start(state, next);
        }
    }

    fn start(&self, state: &mut State, part: usize) {
        state.held += state.parts[part].length();
        state.parts[part].bytes = Bytewise::Coming(self.file.fetch(state.parts[part].range.clone()));
    }

    /// The bytes from `start` on, `length` of them: what a stream has next, or any other. `peek` is for looking ahead: the
    /// stream is not read so far yet.
    ///
    /// # Errors
    /// Of the store.
    pub fn read(&self, start: u64, length: usize, peek: bool) -> io::Result<Bytes> {
        let end = start + length as u64;
        let mut state = self.lock();
        let mut found: Vec<Bytes> = Vec::new();
        let mut at = start;
        while at < end {
            let piece = match self.part_at(&mut state, at)? {
                Some((range, bytes)) => {
                    bytes.slice((at - range.start) as usize..(end.min(range.end) - range.start) as usize)
                }
                None => {
                    // not planned, or read before: asked for as it is
                    let next =
                        state.parts.iter().find(|p| p.range.start > at && p.is_held()).map_or(end, |p| p.range.start);
                    self.file.fetch(at..next.min(end)).wait(&self.cancel)?
                }
            };
            at += piece.len() as u64;
            found.push(piece);
        }
        self.forget(&mut state, start, if peek { start } else { end });
        self.ask(&mut state);
        Ok(match found.len() {
            1 => found.swap_remove(0),
            _ => found
                .iter()
                .fold(BytesMut::with_capacity(length), |mut all, piece| {
                    all.extend_from_slice(piece);
                    all
                })
                .freeze(),
        })
    }

    /// The part that position `at` is in, waited for; none if it is in none, or in one that was read.
    fn part_at(&self, state: &mut State, at: u64) -> Result<Option<(Range<u64>, Bytes)>> {
        let i = state.parts.partition_point(|part| part.range.start <= at);
        let Some(i) = i.checked_sub(1).filter(|&i| at < state.parts[i].range.end) else { return Ok(None) };
        if matches!(state.parts[i].bytes, Bytewise::Later) {
            // it is needed now: it may be more than is left
            let length = state.parts[i].length();
            let _ = state.reservation.try_grow(length);
            self.start(state, i);
            self.ask(state);
        }
        let part = &mut state.parts[i];
        let bytes = match std::mem::replace(&mut part.bytes, Bytewise::Gone) {
            Bytewise::Coming(coming) => coming.wait(&self.cancel)?,
            Bytewise::Here(bytes) => bytes,
            Bytewise::Later | Bytewise::Gone => return Ok(None),
        };
        part.bytes = Bytewise::Here(bytes.clone());
        Ok(Some((part.range.clone(), bytes)))
    }

    /// Notes how far a stream was read, and drops what all have read.
    fn forget(&self, state: &mut State, start: u64, end: u64) {
        let stream = self.streams.partition_point(|range| range.start <= start);
        let Some(stream) = stream.checked_sub(1) else { return };
        let State { parts, read, held, reservation, .. } = state;
        read[stream] = read[stream].max(end);
        for part in parts.iter_mut() {
            let touched = part.range.start < end && part.users.iter().any(|(user, _)| *user == stream);
            if touched && part.is_held() && part.users.iter().all(|(user, upto)| read[*user] >= *upto) {
                part.bytes = Bytewise::Gone;
                *held -= part.length();
            }
        }
        reservation.shrink_to(*held);
    }

    /// The ranges that are held or under way.
    #[cfg(test)]
    fn held(&self) -> std::collections::BTreeSet<u64> {
        self.lock().parts.iter().filter(|p| p.is_held()).map(|p| p.range.start).collect()
    }
}

impl Part {
    fn length(&self) -> u64 {
        self.range.end - self.range.start
    }

    fn is_held(&self) -> bool {
        matches!(self.bytes, Bytewise::Coming(_) | Bytewise::Here(_))
    }
}

impl fmt::Debug for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Planned({} streams of {:?})", self.streams.len(), self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Budget;
    use crate::io::store::ahead::tests::Slow;
    use proptest::prelude::*;

    #[test]
    fn small_streams_come_together_and_large_ones_piece_by_piece() {
        let file = Slow::new(vec![1; 24 << 20]);
        let streams = vec![4..1000, 1000..5000, 6000..(20 << 20) + 6000];
        let planned = Planned::new(file.clone(), streams, &Demand::look(0));
        assert_eq!(planned.read(4, 900, false).unwrap().len(), 900);
        let first: Vec<_> = file.asked.lock().unwrap().iter().map(|r| r.end - r.start).collect();
        assert_eq!(
            first,
            [(4 << 20) + 5996, 8 << 20, 8 << 20],
            "the header of the large one comes with the small ones"
        );
        for at in 0..20 {
            planned.read(6000 + (at << 20), 1 << 20, false).unwrap();
        }
        assert_eq!(planned.held().len(), 1, "two small streams are not read to their end");
        planned.read(904, 96, false).unwrap();
        planned.read(1000, 4000, false).unwrap();
        assert_eq!((planned.held().len(), planned.lock().reservation.bytes()), (0, 0));
        assert_eq!(file.asked.lock().unwrap().len(), 3);
        assert_eq!(planned.read(1000, 10, false).unwrap().len(), 10, "again, for somebody who looks for an error");
        assert_eq!(file.asked.lock().unwrap().len(), 4);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn it_gives_the_bytes(
            lengths in prop::collection::vec((0u64..3_000_000, 1u64..9_000_000), 1..5),
            reads in prop::collection::vec((0usize..5, 1u64..2_000_000, any::<bool>()), 0..40),
            limit in 0u64..100_000_000,
        ) {
            let (mut streams, mut end) = (Vec::new(), 0);
            for (gap, length) in lengths {
                streams.push(end + gap..end + gap + length);
                end += gap + length;
            }
            let pattern: Vec<u8> = (0..251).collect();
            let content = pattern.repeat(end as usize / 251 + 1);
            let file = Slow::new(content.clone());
            let demand = Demand { budget: Budget::new(limit), ..Demand::look(0) };
            let planned = Planned::new(file, streams.clone(), &demand);
            let mut at: Vec<_> = streams.iter().map(|s| s.start).collect();
            for (stream, length, peek) in reads {
                let stream = stream % streams.len();
                let (start, stop) = (at[stream], (at[stream] + length).min(end));
                let found = planned.read(start, (stop - start) as usize, peek).unwrap();
                prop_assert_eq!(&found[..], &content[start as usize..stop as usize]);
                if !peek {
                    at[stream] = stop.min(streams[stream].end);
                }
            }
            let held = planned.lock().held;
            let parts: u64 = planned.lock().parts.iter().filter(|p| p.is_held()).map(Part::length).sum();
            prop_assert_eq!(held, parts);
        }
    }
}
