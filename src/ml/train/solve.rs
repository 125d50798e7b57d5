//! All fits on the same passes over the rows.

use rayon::prelude::*;

use super::feed::{Feed, InMemory, Piece};
use super::history::Pass;
use super::memory::short;
use crate::base::{Error, Result, caught};
use crate::exec::{Budget, Cancel};
use crate::ml::design::{Block, Design};
use crate::ml::estimator::fitting::{Fitting, Sums};
use crate::ml::estimator::labels::Labels;
use crate::ml::estimator::pass::{Passed, Standing};
use crate::ml::estimator::training::{Estimator, Training};
use crate::ml::estimator::{Facts, FittedModel};

/// Bytes of sums of one fit that may wait to be merged.
const WAITING: u64 = 64 << 20;

const WHAT: &str = "the sums of the fits that ride on a pass";

/// A fit, and the view that it is fitted to.
pub(crate) struct Job {
    pub view: usize,
    pub fitting: Box<dyn Fitting>,
}

/// What became of a job.
pub(crate) type Outcome = Result<FittedModel>;

/// A job under way.
struct Live {
    place: usize,
    job: Job,
    outcome: Option<Result<()>>,
}

/// Fits all jobs. As many as memory allows ride on the same passes; says what came of each.
///
/// # Errors
/// When rows cannot be read, or memory does not suffice for one fit; what is wrong with one fit is its outcome.
pub(crate) fn solve(
    feed: &dyn Feed,
    jobs: Vec<Job>,
    budget: &Budget,
    cancel: &Cancel,
) -> Result<(Vec<Outcome>, Vec<Pass>)> {
    let mut outcomes: Vec<Option<Outcome>> = jobs.iter().map(|_| None).collect();
    let mut passes = Vec::new();
    let mut waiting: Vec<Live> =
        jobs.into_iter().enumerate().map(|(place, job)| Live { place, job, outcome: None }).collect();
    while !waiting.is_empty() {
        let mut reservation = budget.nothing();
        let mut riding = waiting.len();
        while !reservation.try_grow(needed(&waiting[..riding])) {
            if riding == 1 {
                let step = "raise the memory limit of the session, or put rare categories together";
                reservation.grow(WHAT, needed(&waiting[..1])).map_err(|e| short(e, step))?;
                break;
            }
            riding = riding.div_ceil(2);
        }
        let later = waiting.split_off(riding);
        ride(feed, &mut waiting, cancel, &mut passes)?;
        for Live { place, job, outcome } in std::mem::replace(&mut waiting, later) {
            outcomes[place] = outcome.map(|outcome| outcome.and_then(|()| caught(|| job.fitting.finish())));
        }
    }
    let lost = || Err(Error::invalid("a fit has no end"));
    Ok((outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(lost)).collect(), passes))
}

/// The bytes that fits riding together take.
fn needed(jobs: &[Live]) -> u64 {
    let bytes = |live: &Live| live.job.fitting.bytes();
    let sums: u64 = jobs.iter().map(|live| bytes(live).0 + live.job.fitting.kept()).sum();
    let at_work = |live: &Live| bytes(live).1 + bytes(live).0 * wave(bytes(live).0) as u64;
    let threads = rayon::current_num_threads().min(jobs.len()) as u64;
    sums + threads * jobs.iter().map(at_work).max().unwrap_or(0)
}

/// How many blocks of a fit are summed up before they are merged.
fn wave(bytes: u64) -> usize {
    (WAITING / bytes.max(1)).clamp(1, 16) as usize
}

/// Passes over all rows until every fit has ended.
fn ride(feed: &dyn Feed, jobs: &mut [Live], cancel: &Cancel, passes: &mut Vec<Pass>) -> Result<()> {
    loop {
        let mut live: Vec<&mut Live> = jobs.iter_mut().filter(|live| live.outcome.is_none()).collect();
        if live.is_empty() {
            return Ok(());
        }
        let sums = pass(feed, &live, cancel)?;
        live.par_iter_mut().zip(sums).for_each(|(live, sums)| match caught(|| live.job.fitting.step(sums)) {
            Ok(Passed::More) => {}
            Ok(Passed::Done) => live.outcome = Some(Ok(())),
            Err(error) => live.outcome = Some(Err(error)),
        });
        let standings: Vec<Standing> = live.iter().filter_map(|live| live.job.fitting.progress()).collect();
        let objectives: f64 = standings.iter().map(|standing| standing.objective).sum();
        let made = Pass {
            fits: live.len(),
            ended: live.iter().filter(|live| live.outcome.is_some()).count(),
            objective: (!standings.is_empty()).then(|| objectives / standings.len() as f64),
            residual: standings.iter().map(|standing| standing.residual).reduce(f64::max),
        };
        passes.push(made);
        tracing::info!("pass {} over the rows: {made}", passes.len());
    }
}

/// The sums of all rows for each fit.
fn pass(feed: &dyn Feed, live: &[&mut Live], cancel: &Cancel) -> Result<Vec<Sums>> {
    let mut wanted = vec![false; feed.views()];
    live.iter().for_each(|live| wanted[live.job.view] = true);
    let mut totals: Vec<Sums> = live.iter().map(|live| live.job.fitting.nothing()).collect();
    for window in 0..feed.windows() {
        cancel.check()?;
        let pieces = feed.load(window, &wanted)?;
        let add = |(live, total): (&&mut Live, &mut Sums)| {
            let rows: Vec<&Piece<'_>> = pieces.iter().filter_map(|chunk| chunk[live.job.view].as_ref()).collect();
            caught(|| sum_up(live.job.fitting.as_ref(), &rows, total))
        };
        live.par_iter().zip(&mut totals).try_for_each(add)?;
    }
    Ok(totals)
}

/// Adds the sums of rows to those of the rows before, block by block in their order.
fn sum_up(fitting: &dyn Fitting, pieces: &[&Piece<'_>], total: &mut Sums) -> Result<()> {
    let size = fitting.rows();
    let blocks: Vec<(Block<'_>, Labels<'_>)> = pieces
        .iter()
        .flat_map(|piece| {
            let (design, labels) = (piece.design(), piece.labels());
            (0..design.rows()).step_by(size).map(move |start| {
                let block = design.block(start, start + size);
                let labels = labels.slice(start..start + block.rows);
                (block, labels)
            })
        })
        .collect();
    for some in blocks.chunks(wave(fitting.bytes().0)) {
        let sums: Vec<Sums> = some.par_iter().map(|(block, labels)| fitting.accumulate(block, *labels)).collect();
        sums.into_iter().try_for_each(|later| fitting.merge(total, later))?;
    }
    Ok(())
}

/// Fits to rows in memory.
///
/// # Errors
/// Those of the estimator.
pub(crate) fn fit_in_memory(
    estimator: &dyn Estimator,
    design: &Design,
    labels: Labels<'_>,
    facts: &Facts,
) -> Result<FittedModel> {
    match estimator.begin(facts)? {
        Training::Whole(whole) => (whole.fit)(design, labels, facts),
        Training::Passes(fitting) => {
            let feed = InMemory { design, labels };
            let (outcomes, _) = solve(&feed, vec![Job { view: 0, fitting }], &Budget::unlimited(), &Cancel::new())?;
            outcomes.into_iter().next().unwrap_or_else(|| Err(Error::invalid("a fit has no end")))
        }
    }
}
