//! The k-th smallest of more elements than fit into memory: as many passes as it takes to know 16 more bits of its key
//! each, four at the most, or until the elements that are left can be put into memory.

use std::fmt;
use std::sync::Arc;

use super::super::block::HeldBlock;
use super::super::lazy::{Barrier, Lazy, Needs};
use super::super::region::Region;
use super::super::tile::Tile;
use super::grid::Grid;
use super::number::Number;
use super::tree::{Grown, Subject, Tree};
use crate::base::{Error, Result, Token};
use crate::exec::{Reservation, TaskContext};
use crate::graph::{Held, Payload};

/// The bits that a pass finds.
const BITS: u32 = 16;
const PLACES: usize = 1 << BITS;
/// So many elements can be put into memory.
const FEW: u64 = 1 << 20;

/// What is known of one of the elements looked for: its first bits, and which of those with the same first bits it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Target {
    prefix: u64,
    known: u32,
    rank: u64,
    /// How many elements begin so.
    many: u64,
}

impl Target {
    const WORDS: usize = 4;

    fn words(self) -> [i64; Target::WORDS] {
        [self.prefix as i64, i64::from(self.known), self.rank as i64, self.many as i64]
    }

    fn of(words: &[i64; Target::WORDS]) -> Target {
        let [prefix, known, rank, many] = *words;
        Target { prefix: prefix as u64, known: known as u32, rank: rank as u64, many: many as u64 }
    }

    fn key(self, key: u64) -> Target {
        Target { prefix: key, known: 64, rank: 0, many: 1 }
    }
}

/// One pass over lanes, one at a time.
struct Pass<T> {
    subject: Subject<T>,
    start: Vec<Target>,
    before: Option<Arc<dyn Barrier>>,
}

impl<T> fmt::Debug for Pass<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a pass for {} elements", self.start.len())
    }
}

/// What a pass has found.
struct Seen {
    targets: Vec<Target>,
    found: Found,
    reservation: Reservation,
}

enum Found {
    /// All was known.
    Nothing,
    /// How many elements there are of each of the next bits, after each of the prefixes.
    Counts(Vec<u64>),
    /// The keys of all elements that begin so.
    Keys(Vec<u64>),
}

impl Held for Seen {
    fn bytes(&self) -> u64 {
        self.reservation.bytes()
    }
}

/// The prefixes that are still open, each once and in order, and how many elements begin so.
fn open(targets: &[Target]) -> (Vec<u64>, u32, u64) {
    let mut open: Vec<(u64, u64)> = targets.iter().filter(|t| t.known < 64).map(|t| (t.prefix, t.many)).collect();
    open.sort_unstable();
    open.dedup();
    let known = targets.iter().map(|t| t.known).filter(|&known| known < 64).min().unwrap_or(64);
    (open.iter().map(|(prefix, _)| *prefix).collect(), known, open.iter().map(|(_, many)| many).sum())
}

impl<T: Number> Pass<T> {
    /// Which block of the result a region belongs to: each lane has one.
    fn number(&self, region: &Region) -> usize {
        let kept = region.0.iter().zip(self.grid().mask()).map(|(span, reduced)| if *reduced { 0 } else { span.start });
        self.grid().blocks().number(&kept.collect::<Vec<_>>())
    }

    fn targets(&self, region: &Region, tile: &Tile<'_>) -> Result<Vec<Target>> {
        match &self.before {
            None => Ok(self.start.clone()),
            Some(before) => known(tile, before.token(), self.number(region)),
        }
    }
}

impl<T: Number> Tree for Pass<T> {
    type State = Seen;
    type Input = T;
    type Output = i64;

    fn name(&self) -> &'static str {
        "select"
    }

    fn subject(&self) -> &Subject<T> {
        &self.subject
    }

    fn needs(&self, region: &Region, needs: &mut Needs) {
        self.subject.input.needs(region, needs);
        if let Some(before) = &self.before {
            needs.block(before, self.number(region));
        }
    }

    fn part(&self, region: &Region, tile: &mut Tile<'_>, ctx: &TaskContext) -> Result<Seen> {
        let targets = self.targets(region, tile)?;
        let (prefixes, known, many) = open(&targets);
        let mut reservation = ctx.budget.nothing();
        if prefixes.is_empty() {
            return Ok(Seen { targets, found: Found::Nothing, reservation });
        }
        let at = |key: u64| match known {
            0 => Some(0),
            known => prefixes.binary_search(&(key >> (64 - known))).ok(),
        };
        let found = if many <= FEW {
            let mut keys = Vec::new();
            self.subject.rows(region, tile, ctx, |_, row| {
                keys.extend(row.iter().map(|value| value.key()).filter(|key| at(*key).is_some()));
            })?;
            reservation.grow("quantiles", keys.len() as u64 * 8)?;
            Found::Keys(keys)
        } else {
            reservation.grow("quantiles", (prefixes.len() * PLACES * 8) as u64)?;
            let mut counts = vec![0u64; prefixes.len() * PLACES];
            let shift = 64 - BITS - known;
            self.subject.rows(region, tile, ctx, |_, row| {
                for key in row.iter().map(|value| value.key()) {
                    if let Some(prefix) = at(key) {
                        counts[prefix * PLACES + ((key >> shift) as usize & (PLACES - 1))] += 1;
                    }
                }
            })?;
            Found::Counts(counts)
        };
        Ok(Seen { targets, found, reservation })
    }

    fn merge(&self, state: &mut Seen, later: Seen, _ctx: &TaskContext) -> Result<()> {
        match (&mut state.found, later.found) {
            (Found::Counts(counts), Found::Counts(more)) => {
                counts.iter_mut().zip(more).for_each(|(count, more)| *count += more);
            }
            (Found::Keys(keys), Found::Keys(more)) => {
                keys.extend(more);
                state.reservation.join(later.reservation);
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(&self, state: Seen, _: &[(usize, usize)], _: &TaskContext) -> Result<Vec<i64>> {
        let Seen { mut targets, found, .. } = state;
        let (prefixes, known, _) = open(&targets);
        match found {
            Found::Nothing => {}
            Found::Counts(counts) => {
                // where there is NaN, nothing else matters
                let nan = known == 0 && T::from_key(u64::MAX).is_nan() && counts[PLACES - 1] > 0;
                for target in targets.iter_mut().filter(|target| target.known < 64) {
                    let at = prefixes.binary_search(&target.prefix).unwrap_or(0) * PLACES;
                    *target = if nan { target.key(u64::MAX) } else { further(*target, &counts[at..at + PLACES]) };
                }
            }
            Found::Keys(mut keys) => {
                keys.sort_unstable();
                for target in targets.iter_mut().filter(|target| target.known < 64) {
                    let first = match known {
                        0 => 0,
                        known => keys.partition_point(|key| key >> (64 - known) < target.prefix),
                    };
                    let key = keys.get(first + target.rank as usize).copied();
                    *target = target.key(key.ok_or_else(|| Error::invalid("elements changed between two passes"))?);
                }
            }
        }
        Ok(targets.into_iter().flat_map(Target::words).collect())
    }
}

/// With the bits that the counts tell.
fn further(target: Target, counts: &[u64]) -> Target {
    let mut below = 0;
    for (bits, &many) in counts.iter().enumerate() {
        if target.rank < below + many {
            let prefix = target.prefix << BITS | bits as u64;
            return Target { prefix, known: target.known + BITS, rank: target.rank - below, many };
        }
        below += many;
    }
    target
}

/// The targets in a block of a pass.
fn known(tile: &Tile<'_>, pass: Token, number: usize) -> Result<Vec<Target>> {
    let block = tile.block(pass, number).and_then(Payload::get::<HeldBlock<i64>>);
    let block = block.ok_or_else(|| Error::invalid("a pass gave no block"))?;
    let mut words = vec![0; block.len()];
    block.pin()?.copy(0, 1, &mut words)?;
    let (targets, _) = words.as_chunks::<{ Target::WORDS }>();
    Ok(targets.iter().map(Target::of).collect())
}

/// The keys of the elements looked for, from the block of the last pass.
pub(super) fn found(tile: &Tile<'_>, last: Token, number: usize) -> Result<Vec<u64>> {
    Ok(known(tile, last, number)?.into_iter().map(|target| target.prefix).collect())
}

/// The last of the passes that find these elements of each lane, counted from the smallest. The grid takes one lane at a
/// time.
pub(super) fn passes<T: Number>(input: &Arc<dyn Lazy<T>>, grid: &Grid, ranks: &[u64]) -> Arc<dyn Barrier> {
    let many = grid.count();
    let start: Vec<Target> = ranks.iter().map(|&rank| Target { prefix: 0, known: 0, rank, many }).collect();
    let pass = |before: Option<Arc<dyn Barrier>>, level: u32| -> Arc<dyn Barrier> {
        let token = Token::of(|t| {
            t.str("select");
            t.debug(&(level, ranks, grid.mask()));
            t.identity(input.as_ref());
        });
        let subject = Subject { input: input.clone(), grid: grid.clone(), token };
        Arc::new(Grown(Arc::new(Pass { subject, start: start.clone(), before })))
    };
    (1..64 / BITS).fold(pass(None, 0), |before, level| pass(Some(before), level))
}
