//! How many elements fall into each of several places.

use std::fmt;
use std::sync::Arc;

use super::super::element::Element;
use super::super::lazy::{Lazy, Needs};
use super::super::region::Region;
use super::super::tile::Tile;
use super::tree::{Subject, Tree};
use crate::base::Result;
use crate::exec::{Reservation, TaskContext};
use crate::graph::Held;

/// Where elements belong.
pub(super) trait Places<T>: Send + Sync + 'static {
    fn name(&self) -> &'static str;

    /// Counts a row of elements, each at its place.
    fn count(&self, edges: &[f64], row: &[T], counts: &mut [u64]);
}

/// The tree of counts.
pub(super) struct Tally<T, P> {
    pub subject: Subject<T>,
    pub places: P,
    pub many: usize,
    /// Numbers that decide where elements belong.
    pub edges: Option<Arc<dyn Lazy<f64>>>,
}

impl<T: Element, P: Places<T>> fmt::Debug for Tally<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {:?}", self.places.name(), self.subject.input)
    }
}

/// How many are at each place.
pub(super) struct Counts(Vec<u64>, Reservation);

impl Held for Counts {
    fn bytes(&self) -> u64 {
        self.1.bytes()
    }
}

impl<T: Element, P: Places<T>> Tree for Tally<T, P> {
    type State = Counts;
    type Input = T;
    type Output = i64;

    fn name(&self) -> &'static str {
        self.places.name()
    }

    fn subject(&self) -> &Subject<T> {
        &self.subject
    }

    fn needs(&self, region: &Region, needs: &mut Needs) {
        self.subject.input.needs(region, needs);
        if let Some(edges) = &self.edges {
            edges.needs(&Region::whole(edges.shape()), needs);
        }
    }

    fn part(&self, region: &Region, tile: &mut Tile<'_>, ctx: &TaskContext) -> Result<Counts> {
        let reservation = ctx.budget.reserve(self.places.name(), self.many as u64 * 8)?;
        let mut counts = vec![0; self.many];
        let edges = match &self.edges {
            Some(edges) => tile.with(edges.as_ref(), &Region::whole(edges.shape()), |edges, _| Ok(edges.to_vec()))?,
            None => Vec::new(),
        };
        self.subject.rows(region, tile, ctx, |_, row| self.places.count(&edges, row, &mut counts))?;
        Ok(Counts(counts, reservation))
    }

    fn merge(&self, state: &mut Counts, later: Counts, _ctx: &TaskContext) -> Result<()> {
        state.0.iter_mut().zip(&later.0).for_each(|(count, more)| *count += more);
        Ok(())
    }

    fn finish(&self, state: Counts, _: &[(usize, usize)], _: &TaskContext) -> Result<Vec<i64>> {
        Ok(state.0.into_iter().map(|count| count as i64).collect())
    }
}
