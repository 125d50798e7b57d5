//! Many threads do at random what can be done to a graph that grows: every result must be the right one, and in the end
//! nothing may be left. Goes on for longer with `PARTITA_STRESS_SECONDS`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::*;
use crate::base::{Error, ErrorKind, Token};
use crate::exec::{Executor, Observers, Pool, TaskContext};
use crate::graph::{Held, Key, Payload};

/// A value that knows how many of its kind there are.
struct Counted {
    value: u64,
    there: Arc<AtomicI64>,
}

impl Counted {
    fn payload(value: u64, there: &Arc<AtomicI64>) -> Payload {
        there.fetch_add(1, Ordering::SeqCst);
        Payload::new(Counted { value, there: there.clone() })
    }
}

impl Held for Counted {
    fn bytes(&self) -> u64 {
        8
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.there.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) % n as u64) as usize
    }
}

fn mix(number: u64, inputs: u64) -> u64 {
    (number ^ inputs).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31)
}

/// A task, and the result that it has if it comes to one.
#[derive(Clone)]
struct Known {
    task: LiveTask,
    number: u64,
    result: u64,
}

/// What the threads share.
struct World {
    /// Two of the same pool: a task of one may need those of the other.
    graphs: [LiveGraph; 2],
    there: Arc<AtomicI64>,
    numbers: AtomicU64,
    checked: AtomicUsize,
}

/// Every so many tasks one fails.
const FAILS: u64 = 37;

impl World {
    /// A task that needs those, and adds so many tasks itself, for which it waits.
    fn add(&self, needs: &[Known], nested: u64, priority: i32) -> Known {
        let number = self.numbers.fetch_add(1, Ordering::SeqCst);
        let own_graph = &self.graphs[number as usize / 3 % 2];
        let (there, graph) = (self.there.clone(), own_graph.clone());
        let inner = move |n: u64| {
            let (there, own) = (there.clone(), mix(number, n));
            let work: LiveWork = Arc::new(move |_, _| Ok(Counted::payload(own, &there)));
            let key = Key::new(Token(u128::from(own) << 64), 0);
            graph.add(key, &"inner".into(), &[], work, LiveOptions::default())
        };
        let there = self.there.clone();
        let work: LiveWork = Arc::new(move |inputs, _| {
            let added: Vec<LiveTask> = (0..nested).map(&inner).collect();
            let mut sum = 0u64;
            for task in &added {
                sum = sum.wrapping_add(task.wait(None)?.get::<Counted>().unwrap().value);
            }
            if number.is_multiple_of(FAILS) {
                return Err(Error::invalid("every so often"));
            }
            let values = inputs.iter().map(|input| input.get::<Counted>().unwrap().value);
            Ok(Counted::payload(mix(number, values.fold(sum, u64::wrapping_add)), &there))
        });
        let sum = (0..nested).fold(0, |sum: u64, n| sum.wrapping_add(mix(number, n)));
        let result = mix(number, needs.iter().fold(sum, |sum, need| sum.wrapping_add(need.result)));
        let tasks: Vec<LiveTask> = needs.iter().map(|need| own_graph.adopt(&need.task)).collect();
        let tasks: Vec<&LiveTask> = tasks.iter().collect();
        let options = LiveOptions { priority, retries: (number % 3) as u32 };
        let key = Key::new(Token(u128::from(number)), 0);
        Known { task: own_graph.add(key, &"stressed".into(), &tasks, work, options), number, result }
    }

    /// The task ends in one of the ways in which it may.
    fn check(&self, known: &Known, until: Option<Instant>) {
        match known.task.wait(until) {
            Ok(payload) => {
                assert_eq!(payload.get::<Counted>().unwrap().value, known.result, "task {}", known.number);
                self.checked.fetch_add(1, Ordering::SeqCst);
            }
            Err(error) => match error.kind() {
                ErrorKind::Timeout { .. } => assert!(until.is_some()),
                ErrorKind::Cancelled => {}
                _ => assert!(error.to_string().contains("every so often"), "{error}"),
            },
        }
    }
}

/// One thread: keeps some tasks and does something to them again and again.
fn meddle(world: &World, seed: u64, until: Instant) {
    let mut dice = Dice(seed);
    let mut kept: Vec<Known> = Vec::new();
    while Instant::now() < until {
        let count = dice.below(4).min(kept.len());
        let some: Vec<Known> = (0..count).map(|_| kept[dice.below(kept.len())].clone()).collect();
        match dice.below(16) {
            0..6 => kept.push(world.add(&some, dice.below(8).saturating_sub(5) as u64, dice.below(3) as i32)),
            6 => some.iter().take(1).for_each(|known| known.task.cancel()),
            7 => {
                let soon = Instant::now() + Duration::from_micros(dice.below(300) as u64);
                some.iter().for_each(|known| world.check(known, Some(soon)));
            }
            8 => {
                let mailbox = Mailbox::new();
                some.iter().enumerate().for_each(|(i, known)| known.task.listen(&mailbox, i));
                some.iter().for_each(|_| world.check(&some[mailbox.take(None).unwrap()], None));
            }
            9 => some.iter().for_each(|known| world.check(known, None)),
            _ if !kept.is_empty() => drop(kept.swap_remove(dice.below(kept.len()))),
            _ => {}
        }
        if kept.len() > 40 {
            kept.drain(..20);
        }
    }
}

/// So many threads of a pool, sixteen that meddle; half the time is over when the graph is closed, if it is.
fn stress(threads: usize, time: Duration, seed: u64, close: bool) {
    let pool: Arc<dyn Executor> = Arc::new(Pool::new(threads).unwrap());
    let graphs = [(); 2].map(|()| pool.live(TaskContext::default(), Observers::default()));
    let world = World { graphs, there: Arc::default(), numbers: AtomicU64::new(1), checked: AtomicUsize::new(0) };
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let world = &world;
            scope.spawn(move || meddle(world, seed * 100 + thread, begun + time));
        }
        if close {
            std::thread::sleep(time / 2);
            world.graphs[0].close();
        }
    });
    let left = || (world.graphs.each_ref().map(LiveGraph::counts), world.there.load(Ordering::SeqCst));
    while left() != ([(0, 0); 2], 0) {
        assert!(begun.elapsed() < time + Duration::from_secs(20), "left: {:?}", left());
        std::thread::yield_now();
    }
    let (added, checked) = (world.numbers.load(Ordering::SeqCst), world.checked.load(Ordering::SeqCst));
    println!("{threads} threads: {added} tasks added, {checked} results right");
    assert!(close || checked > 0);
}

#[test]
fn nothing_is_lost_mixed_up_or_left() {
    let seconds = std::env::var("PARTITA_STRESS_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(0.6);
    let time = Duration::from_secs_f64(seconds / 4.0);
    for (seed, (threads, close)) in [(1, false), (2, false), (5, false), (3, true)].into_iter().enumerate() {
        stress(threads, time, seed as u64 + 1, close);
    }
}
