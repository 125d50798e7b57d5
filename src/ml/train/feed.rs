//! Where a pass gets its rows from: memory, or the cache.

use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use super::cache::Cached;
use super::memory::short;
use super::views::{Division, Part, Ready, View, Views};
use crate::base::{ErrorKind, Result};
use crate::exec::Reservation;
use crate::ml::design::Design;
use crate::ml::estimator::Facts;
use crate::ml::estimator::labels::Labels;

/// Rows for a pass, window by window.
pub(crate) trait Feed: Sync {
    fn views(&self) -> usize;

    fn windows(&self) -> usize;

    /// The rows of each chunk of a window, for each view that is wanted.
    fn load(&self, window: usize, wanted: &[bool]) -> Result<Vec<Vec<Option<Piece<'_>>>>>;
}

/// Rows of a view.
pub(crate) enum Piece<'a> {
    Shared(Arc<Ready>),
    Borrowed(&'a Design, Labels<'a>),
}

impl Piece<'_> {
    pub fn design(&self) -> &Design {
        match self {
            Piece::Shared(ready) => &ready.design,
            Piece::Borrowed(design, _) => design,
        }
    }

    pub fn labels(&self) -> Labels<'_> {
        match self {
            Piece::Shared(ready) => ready.truth.borrowed(),
            Piece::Borrowed(_, labels) => *labels,
        }
    }
}

/// Rows that are in memory, one view of them.
pub(crate) struct InMemory<'a> {
    pub design: &'a Design,
    pub labels: Labels<'a>,
}

impl Feed for InMemory<'_> {
    fn views(&self) -> usize {
        1
    }

    fn windows(&self) -> usize {
        1
    }

    fn load(&self, _window: usize, _wanted: &[bool]) -> Result<Vec<Vec<Option<Piece<'_>>>>> {
        Ok(vec![vec![Some(Piece::Borrowed(self.design, self.labels))]])
    }
}

/// Rows of the cache, prepared anew in each pass unless memory has room for them.
pub(crate) struct FromCache<'a> {
    cached: &'a Cached,
    division: &'a dyn Division,
    views: Vec<&'a View>,
    /// Chunks in a window.
    size: usize,
    /// By chunk and view, where memory has room.
    kept: Option<Vec<Vec<OnceLock<Arc<Ready>>>>>,
    _reservation: Reservation,
}

const WHAT: &str = "rows prepared for a pass";

/// The bytes of a prepared row.
pub(super) fn row_bytes(facts: &Facts) -> u64 {
    8 * (facts.layout.numeric().len() + 2) as u64 + 4 * facts.layout.one_hot().len() as u64
}

impl<'a> FromCache<'a> {
    /// The training rows of some views, as many of those that are wanted as memory has room for, and which they are.
    ///
    /// # Errors
    /// `Memory` when the limit does not leave room for a few chunks of one view.
    pub fn of_some(
        cached: &'a Cached,
        division: &'a dyn Division,
        views: &'a Views,
        wanted: impl Iterator<Item = usize>,
    ) -> Result<(FromCache<'a>, Vec<usize>)> {
        let mut chosen: Vec<usize> = wanted.collect();
        chosen.sort_unstable();
        chosen.dedup();
        loop {
            match FromCache::of(cached, division, views, &chosen, true) {
                Err(e) if chosen.len() > 1 && matches!(e.kind(), ErrorKind::Memory { .. }) => {
                    chosen.truncate(chosen.len().div_ceil(2));
                }
                feed => return Ok((feed?, chosen)),
            }
        }
    }

    /// The training rows of a view that are looked at once.
    ///
    /// # Errors
    /// As [`of_some`](Self::of_some).
    pub fn once(
        cached: &'a Cached,
        division: &'a dyn Division,
        views: &'a Views,
        view: usize,
    ) -> Result<FromCache<'a>> {
        FromCache::of(cached, division, views, &[view], false)
    }

    fn of(
        cached: &'a Cached,
        division: &'a dyn Division,
        views: &'a Views,
        chosen: &[usize],
        again: bool,
    ) -> Result<FromCache<'a>> {
        let budget = &cached.context().budget;
        let facts = || chosen.iter().map(|view| &views.facts[*view]);
        let all: u64 = facts().map(|facts| facts.rows * row_bytes(facts)).sum();
        let size = Cached::window();
        let ready = (size * chosen.len()) as u64 * cached.chunk_rows() * facts().map(row_bytes).max().unwrap_or(0);
        let mut reservation = cached.room(chosen.len())?;
        let keeps = again && all <= budget.free() / 3 && reservation.try_take(all);
        if !keeps {
            let step = "raise the memory limit of the session, or take fewer threads";
            reservation.grow(WHAT, ready).map_err(|e| short(e, step))?;
        }
        let kept = keeps.then(|| {
            let chunk = || chosen.iter().map(|_| OnceLock::new()).collect();
            (0..cached.chunks()).map(|_| chunk()).collect()
        });
        let views = chosen.iter().map(|view| &views.views[*view]).collect();
        Ok(FromCache { cached, division, views, size, kept, _reservation: reservation })
    }

    /// The rows of a chunk for each view that is wanted.
    fn chunk(&self, number: usize, wanted: &[bool]) -> Result<Vec<Option<Piece<'_>>>> {
        let known = |view: usize| self.kept.as_ref().and_then(|kept| kept[number][view].get().cloned());
        if (0..self.views.len()).all(|view| !wanted[view] || known(view).is_some()) {
            return Ok((0..self.views.len())
                .map(|view| known(view).filter(|_| wanted[view]).map(Piece::Shared))
                .collect());
        }
        let chunk = self.cached.chunk(number)?;
        let blocks = self.division.blocks(&chunk);
        let of_view = |view: usize| -> Result<Option<Piece<'_>>> {
            if !wanted[view] {
                return Ok(None);
            }
            if let Some(known) = known(view) {
                return Ok(Some(Piece::Shared(known)));
            }
            let ready = Arc::new(self.views[view].ready(&chunk, Part::Train, self.division, &blocks)?);
            if let Some(kept) = &self.kept {
                let _ = kept[number][view].set(ready.clone());
            }
            Ok(Some(Piece::Shared(ready)))
        };
        (0..self.views.len()).into_par_iter().map(of_view).collect()
    }
}

impl Feed for FromCache<'_> {
    fn views(&self) -> usize {
        self.views.len()
    }

    fn windows(&self) -> usize {
        match self.kept {
            Some(_) => 1,
            None => self.cached.chunks().div_ceil(self.size),
        }
    }

    fn load(&self, window: usize, wanted: &[bool]) -> Result<Vec<Vec<Option<Piece<'_>>>>> {
        let (from, to) = match self.kept {
            Some(_) => (0, self.cached.chunks()),
            None => (window * self.size, ((window + 1) * self.size).min(self.cached.chunks())),
        };
        (from..to).into_par_iter().map(|number| self.chunk(number, wanted)).collect()
    }
}
