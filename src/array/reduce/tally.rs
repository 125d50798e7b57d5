//! How many elements fall into each of several places, or how much they weigh.

use std::fmt;
use std::sync::Arc;

use super::super::element::Element;
use super::super::lazy::{Lazy, Needs};
use super::super::region::Region;
use super::super::tile::{Tile, tiles};
use super::compensated::Compensated;
use super::tree::{Subject, Tree};
use crate::base::Result;
use crate::exec::{Reservation, TaskContext};
use crate::graph::Held;

/// Where elements belong.
pub(super) trait Places<T>: Send + Sync + 'static {
    fn name(&self) -> &'static str;

    /// The place of an element, by numbers that decide about it.
    fn place(&self, edges: &[f64], value: T) -> Option<usize>;
}

/// The tree of counts.
pub(super) struct Tally<T, P> {
    pub subject: Subject<T>,
    pub places: P,
    pub many: usize,
    /// Numbers that decide where elements belong.
    pub edges: Option<Arc<dyn Lazy<f64>>>,
}

impl<T: Element, P: Places<T>> Tally<T, P> {
    fn edges(&self, tile: &mut Tile<'_>) -> Result<Vec<f64>> {
        match &self.edges {
            Some(edges) => tile.with(edges.as_ref(), &Region::whole(edges.shape()), |edges, _| Ok(edges.to_vec())),
            None => Ok(Vec::new()),
        }
    }
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
        let edges = self.edges(tile)?;
        self.subject.rows(region, tile, ctx, |_, row| {
            for &value in row {
                if let Some(count) = self.places.place(&edges, value).and_then(|at| counts.get_mut(at)) {
                    *count += 1;
                }
            }
        })?;
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

/// The tree of weights: those of the elements at each place, summed in an order that the shape decides.
pub(super) struct Weighed<T, P> {
    pub tally: Tally<T, P>,
    pub weights: Arc<dyn Lazy<f64>>,
}

impl<T: Element, P: Places<T>> fmt::Debug for Weighed<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} by {:?}", self.tally, self.weights)
    }
}

/// How much is at each place.
pub(super) struct Weights(Vec<Compensated>, Reservation);

impl Held for Weights {
    fn bytes(&self) -> u64 {
        self.1.bytes()
    }
}

impl<T: Element, P: Places<T>> Tree for Weighed<T, P> {
    type State = Weights;
    type Input = T;
    type Output = f64;

    fn name(&self) -> &'static str {
        self.tally.places.name()
    }

    fn subject(&self) -> &Subject<T> {
        &self.tally.subject
    }

    fn needs(&self, region: &Region, needs: &mut Needs) {
        self.tally.needs(region, needs);
        self.weights.needs(region, needs);
    }

    fn operations(&self) -> usize {
        self.tally.operations() + self.weights.operations().fused
    }

    fn part(&self, region: &Region, tile: &mut Tile<'_>, ctx: &TaskContext) -> Result<Weights> {
        let bytes = (self.tally.many * size_of::<Compensated>()) as u64;
        let reservation = ctx.budget.reserve(self.name(), bytes)?;
        let mut sums = vec![Compensated::default(); self.tally.many];
        let edges = self.tally.edges(tile)?;
        tiles(&region.shape(), |spans| {
            ctx.cancel.check()?;
            let part = Region(region.0.iter().zip(spans).map(|(whole, part)| whole.of(*part)).collect());
            tile.with(self.subject().input.as_ref(), &part, |values, tile| {
                tile.with(self.weights.as_ref(), &part, |weights, _| {
                    for (&value, &weight) in values.iter().zip(weights) {
                        let place = self.tally.places.place(&edges, value);
                        if let Some(sum) = place.and_then(|at| sums.get_mut(at)) {
                            sum.add(weight);
                        }
                    }
                    Ok(())
                })
            })
        })?;
        Ok(Weights(sums, reservation))
    }

    fn merge(&self, state: &mut Weights, later: Weights, _ctx: &TaskContext) -> Result<()> {
        state.0.iter_mut().zip(&later.0).for_each(|(sum, more)| sum.merge(more));
        Ok(())
    }

    fn finish(&self, state: Weights, _: &[(usize, usize)], _: &TaskContext) -> Result<Vec<f64>> {
        Ok(state.0.iter().map(Compensated::value).collect())
    }
}
