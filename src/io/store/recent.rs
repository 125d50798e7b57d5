//! Pieces of a file that were asked for a moment ago, for others who read the same file.
//!
//! Partitions of a CSV file start where a reading from the front says so: while one thread takes the bytes before a
//! partition apart, another looks through them for quotes. What the first of them asked a store for, the other gets too.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::coming::Joint;
use super::file::Distant;
use crate::exec::{Budget, Reservation};

/// A file is asked for in pieces that begin at multiples of this.
pub const PIECE: u64 = 4 << 20;
/// So much is kept at the most.
const MOST: u64 = 64 << 20;

/// The pieces of a file that somebody who reads it may want again. They are kept within the memory limit as long as
/// anybody reads.
#[derive(Debug, Default)]
pub struct Recent(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    pieces: VecDeque<(Range<u64>, Joint<Bytes>)>,
    room: Option<Reservation>,
    readers: usize,
}

impl Recent {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is room for pieces.
    pub fn fits(budget: &Budget) -> bool {
        most(budget) >= 2 * PIECE
    }

    /// Somebody reads, until this is dropped.
    pub fn reader(self: &Arc<Recent>) -> Reader {
        self.kept().readers += 1;
        Reader(self.clone())
    }
}

fn most(budget: &Budget) -> u64 {
    MOST.min(budget.share() / 4)
}

/// The piece of a file of so many bytes that a position lies in.
pub fn piece(at: u64, size: u64) -> Range<u64> {
    let start = at - at % PIECE;
    start..(start + PIECE).min(size)
}

/// Somebody who reads. With the last one, all is forgotten.
#[derive(Debug)]
pub struct Reader(Arc<Recent>);

impl Reader {
    /// Bytes that lie in one piece, and which they are: the piece, if it is kept, or if much of it is needed and there is
    /// room to keep it; else no more than what is needed.
    pub fn ask(
        &self,
        file: &Arc<dyn Distant>,
        needed: Range<u64>,
        size: u64,
        budget: &Budget,
    ) -> (Range<u64>, Joint<Bytes>) {
        let piece = piece(needed.start, size);
        let mut kept = self.0.kept();
        if let Some((_, answer)) = kept.pieces.iter().find(|(range, _)| *range == piece) {
            return (piece, answer.clone());
        }
        let much = needed == piece || needed.end - needed.start >= PIECE / 4;
        if !(much && kept.has_room(piece.end - piece.start, budget)) {
            return (needed.clone(), Joint::new(file.fetch(needed)));
        }
        let answer = Joint::new(file.fetch(piece.clone()));
        kept.pieces.push_back((piece.clone(), answer.clone()));
        (piece, answer)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut kept = self.0.kept();
        kept.readers -= 1;
        if kept.readers == 0 {
            *kept = Kept::default();
        }
    }
}

impl Kept {
    /// Takes room for one more piece, in place of the oldest ones if need be; whether there is any.
    fn has_room(&mut self, length: u64, budget: &Budget) -> bool {
        let room = self.room.get_or_insert_with(|| budget.nothing());
        while room.bytes() + length > most(budget) || !room.try_take(length) {
            let Some((oldest, _)) = self.pieces.pop_front() else { return false };
            room.shrink_to(room.bytes() - (oldest.end - oldest.start));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Cancel;
    use crate::io::store::ahead::tests::Slow;

    #[test]
    fn a_piece_is_asked_for_once_while_somebody_reads() {
        let slow = Slow::new(vec![7; 10 << 20]);
        let file: Arc<dyn Distant> = slow.clone();
        let (recent, budget) = (Arc::new(Recent::default()), Budget::new(1 << 30));
        let (one, other) = (recent.reader(), recent.reader());
        assert_eq!((piece(PIECE - 1, 10 << 20), piece(9 << 20, 10 << 20)), (0..PIECE, 2 * PIECE..10 << 20));
        for reader in [&one, &other] {
            for at in [0, 4 << 20, 9 << 20] {
                let piece = piece(at, 10 << 20);
                let (range, answer) = reader.ask(&file, piece.clone(), 10 << 20, &budget);
                assert_eq!(
                    (range, answer.wait(&Cancel::new()).unwrap().len() as u64),
                    (piece.clone(), piece.end - piece.start)
                );
            }
        }
        assert_eq!((slow.asked.lock().unwrap().len(), budget.held()), (3, 10 << 20));
        drop(one);
        assert_eq!(budget.held(), 10 << 20);
        drop(other);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn what_has_no_room_is_not_kept() {
        let slow = Slow::new(vec![7; 20 << 20]);
        let file: Arc<dyn Distant> = slow.clone();
        let (recent, budget) = (Arc::new(Recent::default()), Budget::new(64 << 20));
        assert!(Recent::fits(&budget) && !Recent::fits(&Budget::new(32 << 20)));
        let reader = recent.reader();
        for at in [0, 4 << 20, 8 << 20, 0] {
            reader.ask(&file, piece(at, 20 << 20), 20 << 20, &budget);
        }
        assert_eq!((slow.asked.lock().unwrap().len(), budget.held()), (4, 8 << 20), "the oldest gave way");
        let full = budget.reserve("all", 56 << 20).unwrap();
        let asked = |range: Range<u64>| reader.ask(&file, range, 20 << 20, &budget).0;
        assert_eq!(asked(12 << 20..16 << 20), 12 << 20..16 << 20);
        assert_eq!(budget.held(), 64 << 20, "again");
        assert_eq!(asked((4 << 20) - 9..4 << 20), 0..4 << 20, "kept");
        assert_eq!(asked((8 << 20) - 9..8 << 20), (8 << 20) - 9..8 << 20, "little is asked for alone");
        drop(full);
    }
}
