//! Bytes one after the other, asked for before they are needed, so that who takes them apart never waits for the network
//! when it is fast enough.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::coming::Joint;
use super::file::Distant;
use super::input::Demand;
use super::recent::{self, PIECE, Reader, Recent};
use crate::exec::{Budget, Cancel, Reservation};

/// What is asked for first: small, so that work begins soon.
const FIRST: u64 = 1 << 20;
/// What is asked for at a time at the most. The time of a request is well spent then.
const MOST: u64 = 8 << 20;
/// What is asked for where it is not sure to be needed, or there is no memory for more.
const LEAST: u64 = 64 << 10;
/// How much is under way at the most: at 50 ms a request, 600 MB/s.
const UNDER_WAY: u64 = 32 << 20;

/// Reads on from a position. What is under way is reserved, and there is less of it where there is no room.
pub struct Ahead {
    file: Arc<dyn Distant>,
    cancel: Cancel,
    /// The next byte to ask for, and the end of the file.
    rest: Range<u64>,
    /// Up to here bytes are wanted for sure.
    wanted: u64,
    /// How much to ask for next.
    step: u64,
    /// How much was asked for last beyond that.
    beyond: u64,
    /// How much may be under way.
    most: u64,
    coming: VecDeque<Asked>,
    now: Bytes,
    reservation: Reservation,
    /// Where others read the same bytes, whole pieces are asked for.
    beside: Option<Reader>,
    size: u64,
    budget: Budget,
}

/// Bytes that were asked for.
struct Asked {
    length: u64,
    /// How many of them lie before what is wanted.
    before: usize,
    answer: Joint<Bytes>,
}

impl Ahead {
    /// The bytes of `range`, as they are demanded.
    pub fn new(file: Arc<dyn Distant>, range: Range<u64>, demand: &Demand) -> Ahead {
        let Demand { about, budget, cancel, recent } = demand;
        let wanted = range.start.saturating_add(*about).min(range.end);
        let most = UNDER_WAY.min(budget.share() / 4);
        let beside = recent.as_ref().filter(|_| *about >= PIECE && Recent::fits(budget)).map(Recent::reader);
        let mut ahead = Ahead {
            file,
            cancel: cancel.clone(),
            rest: range.clone(),
            wanted,
            step: FIRST,
            beyond: 0,
            most,
            coming: VecDeque::new(),
            now: Bytes::new(),
            reservation: budget.nothing(),
            beside,
            size: range.end,
            budget: budget.clone(),
        };
        ahead.ask();
        ahead
    }

    /// Asks for what is wanted next, as far as there is room.
    fn ask(&mut self) {
        while self.rest.start < self.wanted {
            let length = match self.beside {
                Some(_) => self.in_piece().end - self.in_piece().start,
                None => self.step.min(self.most / 2).min(self.wanted - self.rest.start),
            };
            let room = length > 0 && self.under_way() + length <= self.most && self.reservation.try_take(length);
            if !room {
                return;
            }
            self.start(length);
            self.step = (self.step * 2).min(MOST);
        }
    }

    /// Asks for what is needed now. It may be more than there is room for: rows must be read.
    fn need(&mut self) {
        if self.rest.start >= self.wanted {
            // further than was said: a little, then more
            self.beyond = (self.beyond * 2).clamp(LEAST, MOST);
            self.wanted = (self.rest.start + self.beyond).min(self.rest.end);
            self.step = self.beyond;
        }
        self.ask();
        if self.coming.is_empty() {
            // alone, for there is no room for pieces
            self.beside = None;
            let length = LEAST.min(self.rest.end - self.rest.start);
            let _ = self.reservation.try_grow(length);
            self.start(length);
        }
    }

    /// What is needed next of the piece that it lies in, and a little more behind the end of what is wanted.
    fn in_piece(&self) -> Range<u64> {
        let end = self.wanted.max(self.rest.start + LEAST);
        self.rest.start..recent::piece(self.rest.start, self.size).end.min(end)
    }

    fn start(&mut self, length: u64) {
        let (range, answer) = match &self.beside {
            Some(reader) => reader.ask(&self.file, self.in_piece(), self.size, &self.budget),
            None => {
                let range = self.rest.start..self.rest.start + length;
                (range.clone(), Joint::new(self.file.fetch(range)))
            }
        };
        let before = (self.rest.start - range.start) as usize;
        self.rest.start = range.end;
        self.coming.push_back(Asked { length, before, answer });
    }

    fn under_way(&self) -> u64 {
        self.coming.iter().map(|asked| asked.length).sum::<u64>() + self.now.len() as u64
    }
}

impl Read for Ahead {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        while self.now.is_empty() {
            self.now = Bytes::new();
            self.reservation.shrink_to(self.under_way());
            self.ask();
            if self.coming.is_empty() {
                if self.rest.start >= self.rest.end {
                    return Ok(0);
                }
                self.need();
            }
            if let Some(asked) = self.coming.pop_front() {
                self.now = asked.answer.wait(&self.cancel)?;
                self.now = self.now.split_off(asked.before.min(self.now.len()));
            }
        }
        let count = self.now.len().min(out.len());
        out[..count].copy_from_slice(&self.now.split_to(count));
        Ok(count)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::base::Result;
    use crate::io::store::coming::Coming;
    use proptest::prelude::*;
    use std::sync::Mutex;

    /// A file that notes what it is asked for.
    #[derive(Debug)]
    pub struct Slow {
        content: Bytes,
        pub asked: Mutex<Vec<Range<u64>>>,
    }

    impl Slow {
        pub fn new(content: Vec<u8>) -> Arc<Slow> {
            Arc::new(Slow { content: content.into(), asked: Mutex::default() })
        }
    }

    impl Distant for Slow {
        fn version(&self) -> &str {
            "1"
        }

        fn fetch(&self, range: Range<u64>) -> Coming<Bytes> {
            self.asked.lock().unwrap().push(range.clone());
            Coming::ready(Ok(self.content.slice(range.start as usize..range.end as usize)))
        }
    }

    fn read(file: &Arc<Slow>, range: Range<u64>, about: u64, budget: &Budget) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let demand = Demand { about, budget: budget.clone(), cancel: Cancel::new(), recent: None };
        let mut ahead = Ahead::new(file.clone(), range, &demand);
        ahead.read_to_end(&mut bytes).map_err(crate::base::Error::system)?;
        Ok(bytes)
    }

    #[test]
    fn little_is_asked_for_first_and_then_more() {
        let file = Slow::new(vec![7; 30 << 20]);
        let mut ahead = Ahead::new(file.clone(), 0..30 << 20, &Demand::look(20 << 20));
        assert_eq!(file.asked.lock().unwrap().len(), 5, "1 + 2 + 4 + 8 + 5 MiB, before anything is read");
        std::io::copy(&mut ahead.by_ref().take(20 << 20), &mut std::io::sink()).unwrap();
        assert_eq!(file.asked.lock().unwrap().len(), 5, "nothing more than was wanted");
        std::io::copy(&mut ahead, &mut std::io::sink()).unwrap();
        let asked: Vec<_> = file.asked.lock().unwrap()[5..].iter().map(|r| (r.end - r.start) >> 10).collect();
        assert_eq!(asked, [64, 128, 256, 512, 1024, 2048, 4096, 2112]);
    }

    #[test]
    fn without_room_it_reads_on_all_the_same() {
        let file = Slow::new(vec![7; 3 << 20]);
        let budget = Budget::new(10 << 20);
        let full = budget.reserve("all", 10 << 20).unwrap();
        assert_eq!(read(&file, 0..3 << 20, 3 << 20, &budget).unwrap().len(), 3 << 20);
        assert!(file.asked.lock().unwrap().iter().all(|r| r.end - r.start == LEAST));
        drop(full);
        assert_eq!((read(&file, 0..3 << 20, 3 << 20, &budget).unwrap().len(), budget.held()), (3 << 20, 0));
        assert!(budget.peak() <= 10 << 20);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn it_gives_the_bytes(size in 0usize..400_000, start in 0usize..400_000, about in 0u64..800_000, limit in 0u64..4_000_000) {
            let content: Vec<u8> = (0..size).map(|i| (i * 31 % 251) as u8).collect();
            let start = start.min(size);
            let file = Slow::new(content.clone());
            let found = read(&file, start as u64..size as u64, about, &Budget::new(limit)).unwrap();
            prop_assert_eq!(&found, &content[start..]);
        }
    }
}
