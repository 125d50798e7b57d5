//! From a plan to a graph of tasks.
//!
//! Neighbouring operations become one task a partition: batches are pushed from the source through every stage into
//! the state of the reduction above, and a partition as a whole exists only where an operation says that it must.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::measure::{Meter, Part};
use super::node::Rewritten;
use super::partition::Gather;
use super::shape::{Chunk, Reduce, Shuffle, StageOf, Store};
use super::{Flow, Map, Out, Partition, Plan, Shape};
use crate::base::deep::deep;
use crate::base::{Error, Result, Token};
use crate::exec::{TaskContext, Work};
use crate::graph::{Held, Key, Label, Payload, TaskGraph, TaskId};
use crate::io::{Scan, Source};

/// How many states one task combines.
const SPLIT_EVERY: usize = 16;
/// How many operations a label names before it is cut short.
const NAMES_SHOWN: usize = 8;

/// A graph whose wanted results are the partitions of a plan.
pub struct Lowered {
    /// The tasks.
    pub graph: TaskGraph<Work>,
    /// The tasks that give the partitions, in order.
    pub wanted: Vec<TaskId>,
}

/// Turns a plan into tasks. With `fuse` off every operation is a task of its own: slower, and the same result.
///
/// # Errors
/// When a shape is found wrong; `Then` and `Rewrite` must have been resolved before.
pub fn lower(plan: &Plan, fuse: bool) -> Result<Lowered> {
    lower_with(plan, fuse, None)
}

/// As [`lower`]; with a meter, what each operation does is measured.
///
/// # Errors
/// As [`lower`].
pub fn lower_with(plan: &Plan, fuse: bool, meter: Option<&Meter>) -> Result<Lowered> {
    let mut users: FxHashMap<Token, usize> = FxHashMap::default();
    plan.visit(&mut |p| p.inputs().iter().for_each(|i| *users.entry(i.token()).or_default() += 1));
    let mut lowering = Lowering { graph: TaskGraph::new(), users, held: FxHashMap::default(), fuse, meter };
    let pipes = lowering.pipes(plan)?;
    let wanted = lowering.hold(plan.token(), pipes);
    Ok(Lowered { graph: lowering.graph, wanted })
}

/// The plan with operations that are other plans replaced by those.
///
/// # Errors
/// When an operation is found wrong only now.
pub fn expand(plan: &Plan) -> Result<Plan> {
    expand_but(plan, &|_| false)
}

/// As [`expand`], and those operations stay that are told something first.
///
/// # Errors
/// When an operation is found wrong only now.
pub fn expand_but(plan: &Plan, stays: &dyn Fn(&Plan) -> bool) -> Result<Plan> {
    plan.rewrite_up(&mut |node| {
        if stays(&node) {
            return Ok(Rewritten::Done(node));
        }
        match node.shape()? {
            Shape::Rewrite(other) => Ok(Rewritten::Again(other)),
            _ => Ok(Rewritten::Done(node)),
        }
    })
}

/// The plan with every operation that depends on a small result replaced by what follows from it. `run` gives the
/// results of all partitions of a plan.
///
/// # Errors
/// Of `run`, and when an operation is found wrong only now.
pub fn resolve(plan: &Plan, run: &mut dyn FnMut(&Plan) -> Result<Vec<Payload>>) -> Result<Plan> {
    plan.rewrite_up(&mut |node| match node.shape()? {
        Shape::Then(then) => {
            let results = run(&then.first)?;
            Ok(Rewritten::Again((then.next)(results)?))
        }
        Shape::Rewrite(other) => Ok(Rewritten::Again(other)),
        _ => Ok(Rewritten::Done(node)),
    })
}

/// For explain: what runs first, where that is known before anything has run.
///
/// # Errors
/// When an operation is found wrong only now.
pub fn first_of(plan: &Plan) -> Result<Plan> {
    let mut at = plan.clone();
    loop {
        let mut found = None;
        at.visit(&mut |node| {
            if found.is_none() {
                match node.shape() {
                    Ok(Shape::Then(then)) => found = Some(then.first),
                    Ok(Shape::Rewrite(other)) => found = Some(other),
                    _ => {}
                }
            }
        });
        match found {
            Some(next) => at = next,
            None => return Ok(at),
        }
    }
}

/// How many partitions a plan has; `None` where that depends on a result.
///
/// # Errors
/// When an operation is found wrong only now.
pub fn count_partitions(plan: &Plan) -> Result<Option<usize>> {
    if let Some(count) = plan.op().partitions() {
        return Ok(Some(count));
    }
    if let Some(known) = plan.partitions().get() {
        return Ok(*known);
    }
    let count = deep(|| match plan.shape()? {
        Shape::Scan(source, _) => Ok(Some(source.partitions().len())),
        Shape::Map(Map { partitions: Some(count), .. }) => Ok(Some(count)),
        Shape::Map(_) => plan.inputs().first().map_or(Ok(None), count_partitions),
        Shape::Reduce(_) => Ok(Some(1)),
        Shape::Shuffle(shuffle) => Ok(Some(shuffle.partitions)),
        Shape::Then(_) => Ok(None),
        Shape::Rewrite(other) => count_partitions(&other),
    })?;
    Ok(*plan.partitions().get_or_init(|| count))
}

/// Whether it costs more to compute a plan twice than to hold what it gives: rows are exchanged in it.
pub fn is_costly(plan: &Plan) -> bool {
    if let Some(known) = plan.costly().get() {
        return *known;
    }
    let exchanged = || matches!(plan.shape(), Ok(Shape::Shuffle(_) | Shape::Then(_)));
    let costly = deep(|| plan.inputs().iter().any(is_costly) || exchanged());
    *plan.costly().get_or_init(|| costly)
}

/// A partition that comes out of a shuffle should have about this many bytes.
const SHUFFLED: u64 = 32 << 20;
/// More partitions than this do not come out of a shuffle by themselves.
const MOST_SHUFFLED: u64 = 512;

/// How many partitions should come out of a shuffle of these plans: a power of two, so that ranges of buckets are the same
/// however many buckets there are. That depends on what they are, never on the memory or the threads that there are.
///
/// # Errors
/// When an operation is found wrong only now.
pub fn shuffled_partitions(inputs: &[Plan]) -> Result<usize> {
    let bytes: Option<u64> = inputs.iter().map(Plan::size).sum();
    if let Some(bytes) = bytes {
        return Ok(bytes.div_ceil(SHUFFLED).clamp(1, MOST_SHUFFLED).next_power_of_two() as usize);
    }
    let counts = inputs.iter().map(|i| Ok(count_partitions(i)?.unwrap_or(1))).collect::<Result<Vec<_>>>()?;
    Ok(counts.into_iter().max().unwrap_or(1).clamp(1, MOST_SHUFFLED as usize).next_power_of_two())
}

/// The batches of one partition, before it is known which task will pull them.
enum Pipe {
    /// The result of a task.
    Held(TaskId),
    /// A partition of a source.
    Scan(Arc<dyn Source>, Arc<Scan>, usize),
    /// A partition that comes out of the store that a task gave.
    Stored(TaskId, usize),
    /// Stages over what flows in, one feed after the other.
    Stages(Vec<Pipe>, Vec<(StageOf, usize)>),
    /// What a pipe does by itself is measured as this operation's.
    Measured(Arc<Part>, Box<Pipe>),
}

/// The partitions of a plan.
struct Pipes {
    pipes: Vec<Pipe>,
    /// The operations in them, for labels.
    names: Vec<&'static str>,
}

struct Lowering<'a> {
    meter: Option<&'a Meter>,
    graph: TaskGraph<Work>,
    users: FxHashMap<Token, usize>,
    /// The tasks of plans whose partitions are held.
    held: FxHashMap<Token, Vec<TaskId>>,
    fuse: bool,
}

impl Lowering<'_> {
    fn pipes(&mut self, plan: &Plan) -> Result<Pipes> {
        if let Some(tasks) = self.held.get(&plan.token()) {
            return Ok(Pipes { pipes: tasks.iter().map(|&t| Pipe::Held(t)).collect(), names: vec![plan.op().name()] });
        }
        let (mut pipes, is_scan) = match plan.shape()? {
            Shape::Scan(source, scan) => {
                let scan = Arc::new(scan);
                let pipes =
                    (0..source.partitions().len()).map(|i| Pipe::Scan(source.clone(), scan.clone(), i)).collect();
                (Pipes { pipes, names: Vec::new() }, true)
            }
            Shape::Map(map) => (self.map(plan, map)?, false),
            Shape::Reduce(reduce) => (self.reduce(plan, reduce)?, false),
            Shape::Shuffle(shuffle) => (self.shuffle(plan, shuffle)?, false),
            Shape::Then(_) | Shape::Rewrite(_) => {
                return Err(Error::invalid(format!("`{}` was not resolved before lowering", plan.op())));
            }
        };
        pipes.names.push(plan.op().name());
        self.measure(plan, &mut pipes);
        let shared = self.users.get(&plan.token()).is_some_and(|&n| n > 1) && !is_scan;
        if shared || !self.fuse {
            let names = pipes.names.clone();
            let tasks = self.hold(plan.token(), pipes);
            return Ok(Pipes { pipes: tasks.into_iter().map(Pipe::Held).collect(), names });
        }
        Ok(pipes)
    }

    fn map(&mut self, plan: &Plan, map: Map) -> Result<Pipes> {
        let mut inputs = plan.inputs().iter().map(|i| deep(|| self.pipes(i))).collect::<Result<Vec<_>>>()?;
        let names = inputs.first_mut().map(|p| std::mem::take(&mut p.names)).unwrap_or_default();
        let made = match self.part(plan) {
            Some(part) => part.around(map.stage),
            None => map.stage,
        };
        let Some(feeds) = map.feeds else {
            let Some(first) = inputs.into_iter().next() else {
                return Err(Error::invalid(format!("`{}` has no input", plan.op())));
            };
            let stage = |i: usize| (made.clone(), i);
            let pipes = first.pipes.into_iter().enumerate().map(|(i, pipe)| match pipe {
                Pipe::Stages(feeds, mut stages) => {
                    stages.push(stage(i));
                    Pipe::Stages(feeds, stages)
                }
                other => Pipe::Stages(vec![other], vec![stage(i)]),
            });
            return Ok(Pipes { pipes: pipes.collect(), names });
        };
        let count = map.partitions.unwrap_or_else(|| inputs.first().map_or(0, |p| p.pipes.len()));
        let fed: Vec<_> = (0..count).map(|i| feeds(i)).collect();
        let mut uses: FxHashMap<(usize, usize), usize> = FxHashMap::default();
        fed.iter().flatten().for_each(|f| *uses.entry((f.input, f.partition)).or_default() += 1);
        for (k, input) in inputs.iter_mut().enumerate() {
            // what several partitions need is computed once and held
            let token = Token::of(|t| {
                t.token(plan.token());
                t.u64(k as u64);
            });
            let (label, held) = (label_of(&names), plan.inputs().get(k).and_then(|i| self.part(i)));
            for (i, pipe) in input.pipes.iter_mut().enumerate() {
                if uses.get(&(k, i)).is_some_and(|&n| n > 1) {
                    let whole = std::mem::replace(pipe, Pipe::Stages(Vec::new(), Vec::new()));
                    *pipe = Pipe::Held(self.hold_one(Key::new(token, i), &label, whole, held.clone()));
                }
            }
        }
        let mut inputs: Vec<Vec<Option<Pipe>>> =
            inputs.into_iter().map(|p| p.pipes.into_iter().map(Some).collect()).collect();
        let mut pipes = Vec::with_capacity(count);
        for (i, feeds) in fed.into_iter().enumerate() {
            let mut from = Vec::with_capacity(feeds.len());
            for f in feeds {
                let slot = inputs.get_mut(f.input).and_then(|p| p.get_mut(f.partition));
                let slot = slot.ok_or_else(|| Error::invalid(format!("`{}` has no partition {f:?}", plan.op())))?;
                from.extend(match slot {
                    Some(Pipe::Held(task)) => Some(Pipe::Held(*task)),
                    other => other.take(),
                });
            }
            pipes.push(Pipe::Stages(from, vec![(made.clone(), i)]));
        }
        Ok(Pipes { pipes, names })
    }

    fn reduce(&mut self, plan: &Plan, reduce: Arc<dyn Reduce>) -> Result<Pipes> {
        let mut input = match plan.inputs() {
            [] => Pipes { pipes: Vec::new(), names: Vec::new() },
            inputs => deep(|| self.pipes(super::node::only(inputs)?))?,
        };
        if input.pipes.is_empty() {
            input.pipes.push(Pipe::Stages(Vec::new(), Vec::new()));
        }
        input.names.push(plan.op().name());
        let label = label_of(&input.names);
        let stage_token = |stage: &str, level: u64| stage_of(plan, stage, level);
        let mut states = Vec::with_capacity(input.pipes.len());
        let (chunk_token, part) = (stage_token("chunk", 0), self.part(plan));
        for (i, pipe) in input.pipes.into_iter().enumerate() {
            let (needs, pipe) = pipe.bind();
            let (reduce, part) = (reduce.clone(), part.clone());
            let work: Work = Box::new(move |inputs, ctx| {
                during(&part, ctx, |ctx| run_chunk(&pipe, inputs, ctx, counting(&part, reduce.start(ctx)?)))
            });
            let label = Label { name: label.clone(), partition: i as u32 };
            states.push(self.graph.add(Key::new(chunk_token, i), label, &needs, work));
        }
        let name: Arc<str> = format!("{}-combine", plan.op().name()).into();
        let mut level = 0;
        while states.len() > SPLIT_EVERY {
            level += 1;
            let token = stage_token("combine", level);
            states = states
                .chunks(SPLIT_EVERY)
                .enumerate()
                .map(|(i, some)| {
                    let (reduce, part) = (reduce.clone(), part.clone());
                    let work: Work = Box::new(move |inputs, ctx| during(&part, ctx, |_| reduce.combine(inputs)));
                    self.graph.add(Key::new(token, i), Label { name: name.clone(), partition: i as u32 }, some, work)
                })
                .collect();
        }
        let work: Work = Box::new(move |inputs, ctx| {
            let result = during(&part, ctx, |_| reduce.finish(reduce.combine(inputs)?));
            if let Some(part) = &part { part.gave(result) } else { result }
        });
        let label = Label { name: format!("{}-finish", plan.op().name()).into(), partition: 0 };
        let last = self.graph.add(Key::new(stage_token("finish", 0), 0), label, &states, work);
        Ok(Pipes { pipes: vec![Pipe::Held(last)], names: Vec::new() })
    }

    /// A task opens the store, the partitions of all inputs go into it, a task seals it, and what reads an output
    /// partition is part of the task that follows.
    fn shuffle(&mut self, plan: &Plan, shuffle: Shuffle) -> Result<Pipes> {
        let name = plan.op().name();
        let label = |what: &str, partition| Label { name: format!("{name}-{what}").into(), partition };
        let (exchange, part) = (shuffle.exchange, self.part(plan));
        let opens = part.clone();
        let work: Work =
            Box::new(move |_, ctx| Ok(Payload::new(Stored(during(&opens, ctx, |ctx| exchange.open(ctx))?))));
        let open = self.graph.add(Key::new(stage_of(plan, "open", 0), 0), label("open", 0), &[], work);
        let mut receipts = vec![open];
        for (k, input) in plan.inputs().iter().enumerate() {
            let mut input = deep(|| self.pipes(input))?;
            input.names.push(name);
            let label = label_of(&input.names);
            let token = stage_of(plan, "store", k as u64);
            for (i, pipe) in input.pipes.into_iter().enumerate() {
                let (mut needs, pipe) = pipe.bind();
                needs.push(open);
                let part = part.clone();
                let work: Work = Box::new(move |mut inputs, ctx| {
                    let store = store_of(inputs.pop())?;
                    during(&part, ctx, |ctx| run_chunk(&pipe, inputs, ctx, counting(&part, store.start(k, i, ctx)?)))
                });
                let label = Label { name: label.clone(), partition: i as u32 };
                receipts.push(self.graph.add(Key::new(token, i), label, &needs, work));
            }
        }
        let work: Work = Box::new(move |mut inputs, ctx| {
            let receipts = inputs.split_off(1);
            let store = store_of(inputs.pop())?;
            during(&part, ctx, |ctx| store.seal(receipts, ctx))?;
            Ok(Payload::new(Stored(store)))
        });
        let sealed = self.graph.add(Key::new(stage_of(plan, "seal", 0), 0), label("seal", 0), &receipts, work);
        let pipes = (0..shuffle.partitions).map(|i| Pipe::Stored(sealed, i)).collect();
        Ok(Pipes { pipes, names: Vec::new() })
    }

    fn part(&self, plan: &Plan) -> Option<Arc<Part>> {
        self.meter.map(|meter| meter.part(plan.token()))
    }

    /// Where it is asked for, what comes out of an operation is counted, and what it takes to read it is measured.
    fn measure(&self, plan: &Plan, pipes: &mut Pipes) {
        let Some(part) = self.part(plan) else { return };
        for (i, pipe) in pipes.pipes.iter_mut().enumerate() {
            let exit = (part.exit(), i);
            match pipe {
                // counted when it was made
                Pipe::Held(_) => {}
                Pipe::Stages(_, stages) => stages.push(exit),
                Pipe::Scan(..) | Pipe::Stored(..) | Pipe::Measured(..) => {
                    let inner = std::mem::replace(pipe, Pipe::Stages(Vec::new(), Vec::new()));
                    let feed = Pipe::Measured(part.clone(), Box::new(inner));
                    *pipe = Pipe::Stages(vec![feed], vec![exit]);
                }
            }
        }
    }

    /// Tasks that hold the partitions.
    fn hold(&mut self, token: Token, pipes: Pipes) -> Vec<TaskId> {
        let label = label_of(&pipes.names);
        let part = self.meter.map(|m| m.part(token));
        let mut tasks = Vec::with_capacity(pipes.pipes.len());
        for (i, pipe) in pipes.pipes.into_iter().enumerate() {
            tasks.push(self.hold_one(Key::new(token, i), &label, pipe, part.clone()));
        }
        self.held.insert(token, tasks.clone());
        tasks
    }

    /// The task that holds one partition.
    fn hold_one(&mut self, key: Key, label: &Arc<str>, pipe: Pipe, part: Option<Arc<Part>>) -> TaskId {
        if let Pipe::Held(task) = pipe {
            return task;
        }
        let (needs, pipe) = pipe.bind();
        let work: Work = Box::new(move |inputs, ctx| during(&part, ctx, |ctx| run_gather(&pipe, inputs, ctx)));
        self.graph.add(key, Label { name: label.clone(), partition: key.index }, &needs, work)
    }
}

/// The token of the tasks of one stage of an operation.
fn stage_of(plan: &Plan, stage: &str, level: u64) -> Token {
    Token::of(|t| {
        t.token(plan.token());
        t.str(stage);
        t.u64(level);
    })
}

/// A store on its way between tasks. What it holds is in the budget; as a result it holds nothing.
struct Stored(Arc<dyn Store>);

impl Held for Stored {
    fn bytes(&self) -> u64 {
        0
    }
}

fn store_of(payload: Option<Payload>) -> Result<Arc<dyn Store>> {
    let stored = payload.as_ref().and_then(Payload::get::<Stored>).map(|s| s.0.clone());
    stored.ok_or_else(|| Error::invalid("a task was run without its store"))
}

fn label_of(names: &[&'static str]) -> Arc<str> {
    if names.len() <= NAMES_SHOWN {
        return names.join(" → ").into();
    }
    let half = NAMES_SHOWN / 2;
    let (head, tail) = (names[..half].join(" → "), names[names.len() - half..].join(" → "));
    format!("{head} → … {} more … → {tail}", names.len() - NAMES_SHOWN).into()
}

impl Pipe {
    /// The tasks it needs, and the pipe with their ids replaced by places among them.
    fn bind(mut self) -> (Vec<TaskId>, Pipe) {
        fn walk(pipe: &mut Pipe, needs: &mut Vec<TaskId>) {
            match pipe {
                Pipe::Held(task) | Pipe::Stored(task, _) => {
                    needs.push(*task);
                    *task = needs.len() as TaskId - 1;
                }
                Pipe::Scan(..) => {}
                Pipe::Stages(feeds, _) => feeds.iter_mut().for_each(|f| deep(|| walk(f, needs))),
                Pipe::Measured(_, inner) => walk(inner, needs),
            }
        }
        let mut needs = Vec::new();
        walk(&mut self, &mut needs);
        (needs, self)
    }

    /// Pushes its batches into `out`.
    fn run(&self, inputs: &mut [Option<Payload>], ctx: &TaskContext, out: &mut Out<'_>) -> Result<Flow> {
        match self {
            Pipe::Held(at) => {
                let payload = inputs.get_mut(*at as usize).and_then(Option::take);
                let payload = payload.ok_or_else(|| Error::invalid("a task was run without what it needs"))?;
                for batch in Partition::from_payload(payload)?.read() {
                    ctx.cancel.check()?;
                    if out.push(batch?)? == Flow::Enough {
                        return Ok(Flow::Enough);
                    }
                }
                Ok(Flow::More)
            }
            Pipe::Scan(source, scan, i) => {
                for batch in source.read(*i, scan, ctx)? {
                    ctx.cancel.check()?;
                    if out.push(batch?)? == Flow::Enough {
                        return Ok(Flow::Enough);
                    }
                }
                Ok(Flow::More)
            }
            Pipe::Stored(at, i) => {
                let store = store_of(inputs.get_mut(*at as usize).and_then(Option::take))?;
                store.read(*i, ctx, out)
            }
            Pipe::Measured(part, inner) => part.during(ctx, |ctx| inner.run(inputs, ctx, out)),
            Pipe::Stages(feeds, stages) => {
                let mut made = stages.iter().map(|(make, i)| make(*i)).collect::<Result<Vec<_>>>()?;
                let mut flow = Flow::More;
                let mut sink = |batch| {
                    flow = out.push(batch)?;
                    Ok(flow)
                };
                let mut own = Out::new(&mut made, &mut sink, ctx);
                for feed in feeds {
                    if deep(|| feed.run(inputs, ctx, &mut own))? == Flow::Enough {
                        break;
                    }
                }
                own.end()?;
                Ok(flow)
            }
        }
    }
}

/// Does work, measured where that is asked for.
fn during<R>(part: &Option<Arc<Part>>, ctx: &TaskContext, work: impl FnOnce(&TaskContext) -> R) -> R {
    match part {
        Some(part) => part.during(ctx, work),
        None => work(ctx),
    }
}

/// A state that counts what goes into it, where that is asked for.
fn counting(part: &Option<Arc<Part>>, chunk: Box<dyn Chunk>) -> Box<dyn Chunk> {
    match part {
        Some(part) => part.counting(chunk),
        None => chunk,
    }
}

fn run_gather(pipe: &Pipe, inputs: Vec<Payload>, ctx: &TaskContext) -> Result<Payload> {
    let mut inputs: Vec<_> = inputs.into_iter().map(Some).collect();
    let mut gather = Gather::default();
    let mut sink = |batch| gather.push(batch, ctx).map(|()| Flow::More);
    pipe.run(&mut inputs, ctx, &mut Out::new(&mut [], &mut sink, ctx))?;
    Ok(Payload::new(gather.end(ctx)))
}

fn run_chunk(pipe: &Pipe, inputs: Vec<Payload>, ctx: &TaskContext, mut chunk: Box<dyn Chunk>) -> Result<Payload> {
    let mut inputs: Vec<_> = inputs.into_iter().map(Some).collect();
    let mut sink = |batch| chunk.push(batch);
    pipe.run(&mut inputs, ctx, &mut Out::new(&mut [], &mut sink, ctx))?;
    chunk.end()
}
