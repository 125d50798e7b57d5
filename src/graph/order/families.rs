//! Graphs as programs make them, for measuring orders: trees, stencils, shuffles, products of blocked matrices. The
//! hard small ones tell stories that Dask's tests of its order tell too.

/// A graph by its edges.
pub struct Sketch {
    /// What it is, and how large.
    pub name: String,
    /// The kind of each task.
    pub kinds: Vec<&'static str>,
    /// What each task needs.
    pub needs: Vec<Vec<u32>>,
    /// The results asked for.
    pub wanted: Vec<u32>,
}

impl Sketch {
    fn named(name: impl Into<String>) -> Sketch {
        Sketch { name: name.into(), kinds: Vec::new(), needs: Vec::new(), wanted: Vec::new() }
    }

    fn task(&mut self, kind: &'static str, needs: &[u32]) -> u32 {
        let mut needs = needs.to_vec();
        needs.dedup();
        self.kinds.push(kind);
        self.needs.push(needs);
        self.needs.len() as u32 - 1
    }

    fn level<N: AsRef<[u32]>>(&mut self, kind: &'static str, n: usize, needs: impl Fn(usize) -> N) -> Vec<u32> {
        (0..n).map(|i| self.task(kind, needs(i).as_ref())).collect()
    }

    fn map(&mut self, kind: &'static str, over: &[u32]) -> Vec<u32> {
        over.iter().map(|&one| self.task(kind, &[one])).collect()
    }

    /// A tree that combines so many at a time.
    fn tree(&mut self, kind: &'static str, parts: &[u32], arity: usize) -> u32 {
        let mut level = parts.to_vec();
        while level.len() > 1 {
            level = level.chunks(arity).map(|part| self.task(kind, part)).collect();
        }
        level[0]
    }

    /// The graph without the tasks that these do not need.
    fn wants(self, wanted: impl Into<Vec<u32>>) -> Sketch {
        let wanted = wanted.into();
        let mut needed = vec![false; self.needs.len()];
        wanted.iter().for_each(|&want| needed[want as usize] = true);
        for task in (0..needed.len()).rev() {
            if needed[task] {
                self.needs[task].iter().for_each(|&need| needed[need as usize] = true);
            }
        }
        let mut places = vec![0; needed.len()];
        let mut kept = Sketch::named(self.name);
        for task in (0..needed.len()).filter(|&t| needed[t]) {
            let needs: Vec<u32> = self.needs[task].iter().map(|&need| places[need as usize]).collect();
            places[task] = kept.task(self.kinds[task], &needs);
        }
        kept.wanted = wanted.iter().map(|&want| places[want as usize]).collect();
        kept
    }
}

/// Numbers that look random and are always the same.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) % n as u64) as usize
    }
}

fn chains(n: usize, length: usize, summed: bool) -> Sketch {
    let mut s = Sketch::named(format!("{n} chains of {length}{}", if summed { ", summed" } else { "" }));
    let mut ends = s.level("load", n, |_| []);
    for _ in 1..length {
        ends = s.map("map", &ends);
    }
    if summed {
        ends = vec![s.task("sum", &ends)];
    }
    s.wants(ends)
}

fn tree(n: usize, arity: usize, maps: usize) -> Sketch {
    let mut s = Sketch::named(format!("tree of {n} by {arity} over {maps} maps"));
    let mut leaves = s.level("load", n, |_| []);
    for _ in 0..maps {
        leaves = s.map("map", &leaves);
    }
    let root = s.tree("combine", &leaves, arity);
    s.wants([root])
}

/// Leaves come one by one to what was summed so far.
fn comb(n: usize, backwards: bool) -> Sketch {
    let mut s = Sketch::named(format!("comb of {n}{}", if backwards { ", the sum last" } else { "" }));
    let leaves = s.level("load", n, |_| []);
    let mut sum = leaves[0];
    for &leaf in &leaves[1..] {
        sum = s.task("add", &if backwards { [leaf, sum] } else { [sum, leaf] });
    }
    s.wants([sum])
}

/// Trees of unlike depth under one task, the shallow ones first.
fn uneven(depths: &[u32]) -> Sketch {
    let mut s = Sketch::named(format!("uneven trees of {depths:?}"));
    let roots: Vec<u32> = depths
        .iter()
        .map(|&depth| {
            let leaves = s.level("load", 1 << depth, |_| []);
            s.tree("combine", &leaves, 2)
        })
        .collect();
    let last = s.task("last", &roots);
    s.wants([last])
}

fn row_of(n: usize, i: usize, reach: usize) -> std::ops::Range<usize> {
    i.saturating_sub(reach)..(i + reach + 1).min(n)
}

fn stencil(n: usize, steps: usize, summed: bool) -> Sketch {
    let mut s = Sketch::named(format!("stencil of {n}, {steps} steps{}", if summed { ", summed" } else { "" }));
    let mut now = s.level("load", n, |_| []);
    for _ in 0..steps {
        now = s.level("step", n, |i| now[row_of(n, i, 1)].to_vec());
    }
    if summed {
        now = vec![s.tree("combine", &now, 4)];
    }
    s.wants(now)
}

fn stencil_2d(n: usize, steps: usize, summed: bool) -> Sketch {
    let mut s = Sketch::named(format!("stencil of {n} × {n}, {steps} steps{}", if summed { ", summed" } else { "" }));
    let mut now = s.level("load", n * n, |_| []);
    for _ in 0..steps {
        now = s.level("step", n * n, |at| {
            let rows = row_of(n, at / n, 1);
            rows.flat_map(|i| row_of(n, at % n, 1).map(move |j| i * n + j)).map(|at| now[at]).collect::<Vec<_>>()
        });
    }
    if summed {
        now = vec![s.tree("combine", &now, 4)];
    }
    s.wants(now)
}

/// As chunked arrays share their borders: both edges of a chunk are tasks of their own.
fn overlap(n: usize, steps: usize, summed: bool) -> Sketch {
    let mut s = Sketch::named(format!("overlap of {n}, {steps} steps{}", if summed { ", summed" } else { "" }));
    let mut now = s.level("load", n, |_| []);
    for _ in 0..steps {
        let (left, right) = (s.map("left", &now), s.map("right", &now));
        let padded = s.level("pad", n, |i| {
            let before = i.checked_sub(1).map(|i| right[i]);
            [before, Some(now[i]), left.get(i + 1).copied()].into_iter().flatten().collect::<Vec<_>>()
        });
        now = s.map("step", &padded);
    }
    if summed {
        now = vec![s.tree("combine", &now, 4)];
    }
    s.wants(now)
}

fn shuffle(n: usize, whole: bool, reduced: bool) -> Sketch {
    let splits = if whole { "" } else { ", split at once" };
    let mut s = Sketch::named(format!("shuffle of {n}{splits}{}", if reduced { ", reduced" } else { "" }));
    let mut loads = s.level("load", n, |_| []);
    if !whole {
        loads = s.map("split", &loads);
    }
    let pieces: Vec<Vec<u32>> = (0..n).map(|i| s.level("piece", n, |_| [loads[i]])).collect();
    let mut all = s.level("concat", n, |j| pieces.iter().map(|p| p[j]).collect::<Vec<_>>());
    if reduced {
        all = s.map("mean", &all);
        all = vec![s.tree("combine", &all, 8)];
    }
    s.wants(all)
}

/// A shuffle of `radix` to the power of `stages` partitions, digit by digit.
fn staged_shuffle(radix: usize, stages: u32) -> Sketch {
    let n = radix.pow(stages);
    let mut s = Sketch::named(format!("shuffle of {n} in {stages} stages"));
    let mut now = s.level("load", n, |_| []);
    for stage in 0..stages {
        let digit = radix.pow(stage);
        let groups = s.map("split", &now);
        let pieces: Vec<Vec<u32>> = (0..n).map(|i| s.level("piece", radix, |_| [groups[i]])).collect();
        now = s.level("concat", n, |i| {
            let (own, first) = (i / digit % radix, i - i / digit % radix * digit);
            (0..radix).map(|other| pieces[first + other * digit][own]).collect::<Vec<_>>()
        });
    }
    s.wants(now)
}

#[derive(Clone, Copy)]
enum Sum {
    Once,
    Tree,
    OneByOne,
}

fn matmul(n: usize, sum: Sum, reduced: bool) -> Sketch {
    let how = match sum {
        Sum::Once => "",
        Sum::Tree => ", sums as trees",
        Sum::OneByOne => ", sums one by one",
    };
    let mut s = Sketch::named(format!("product of {n} × {n} blocks{how}{}", if reduced { ", reduced" } else { "" }));
    let (a, b) = (s.level("a", n * n, |_| []), s.level("b", n * n, |_| []));
    let mut wanted = Vec::new();
    for at in 0..n * n {
        let (i, j) = (at / n, at % n);
        let products = s.level("product", n, |k| [a[i * n + k], b[k * n + j]]);
        wanted.push(match sum {
            Sum::Once => s.task("sum", &products),
            Sum::Tree => s.tree("sum", &products, 2),
            Sum::OneByOne => products.into_iter().reduce(|sum, next| s.task("sum", &[sum, next])).unwrap(),
        });
    }
    if reduced {
        wanted = vec![s.tree("combine", &wanted, 4)];
    }
    s.wants(wanted)
}

/// `(x + x.T) - x.mean(axis=0)`
fn transposed(n: usize, reduced: bool) -> Sketch {
    let mut s = Sketch::named(format!("(x + x.T) - mean of {n} × {n}{}", if reduced { ", reduced" } else { "" }));
    let x = s.level("load", n * n, |_| []);
    let turned = s.level("transpose", n * n, |at| [x[at % n * n + at / n]]);
    let sums = s.level("add", n * n, |at| [x[at], turned[at]]);
    let parts = s.map("mean_chunk", &x);
    let means: Vec<u32> = (0..n)
        .map(|j| {
            let column: Vec<u32> = (0..n).map(|i| parts[i * n + j]).collect();
            s.tree("mean_combine", &column, 4)
        })
        .collect();
    let mut all = s.level("subtract", n * n, |at| [sums[at], means[at % n]]);
    if reduced {
        all = vec![s.tree("combine", &all, 4)];
    }
    s.wants(all)
}

fn cumulative(n: usize, reduced: bool) -> Sketch {
    let mut s = Sketch::named(format!("running sum of {n}{}", if reduced { ", reduced" } else { "" }));
    let x = s.level("load", n, |_| []);
    let sums = s.map("cumsum", &x);
    let lasts = s.map("last", &sums);
    let mut carry = lasts[0];
    let mut all = vec![sums[0]];
    for i in 1..n {
        all.push(s.task("add", &[sums[i], carry]));
        carry = s.task("carry", &[carry, lasts[i]]);
    }
    if reduced {
        all = vec![s.tree("combine", &all, 4)];
    }
    s.wants(all)
}

/// A running sum up and down a tree (Blelloch).
fn scan(levels: u32) -> Sketch {
    let n = 1usize << levels;
    let mut s = Sketch::named(format!("scan of {n}"));
    let x = s.level("load", n, |_| []);
    let mut up = vec![s.map("total", &x)];
    for _ in 0..levels {
        let below = up.last().unwrap().clone();
        up.push(below.chunks(2).map(|pair| s.task("up", pair)).collect());
    }
    let mut down = vec![s.task("zero", &[])];
    for level in (0..levels as usize).rev() {
        let totals = up[level].clone();
        down = (0..totals.len())
            .map(|i| {
                if i % 2 == 0 { s.task("down", &[down[i / 2]]) } else { s.task("down", &[down[i / 2], totals[i - 1]]) }
            })
            .collect();
    }
    let all = s.level("out", n, |i| [x[i], down[i]]);
    s.wants(all)
}

fn fan(n: usize, depth: usize, rounds: usize) -> Sketch {
    let mut s = Sketch::named(format!("fan of {n}, {depth} deep, {rounds} rounds"));
    let mut hub = s.task("load", &[]);
    for _ in 0..rounds {
        let mut out = s.level("out", n, |_| [hub]);
        for _ in 1..depth {
            out = s.map("map", &out);
        }
        hub = s.task("in", &out);
    }
    s.wants([hub])
}

/// The mean and the deviation of the same data, in one pass each.
fn mean_and_std(n: usize, arity: usize, together: bool) -> Sketch {
    let mut s = Sketch::named(format!("mean and std of {n} by {arity}{}", if together { ", subtracted" } else { "" }));
    let x = s.level("load", n, |_| []);
    let y = s.map("map", &x);
    let means = s.map("mean_chunk", &y);
    let mean = s.tree("mean_combine", &means, arity);
    let moments = s.map("std_chunk", &y);
    let std = s.tree("std_combine", &moments, arity);
    if together {
        let both = s.task("subtract", &[mean, std]);
        return s.wants([both]);
    }
    s.wants([mean, std])
}

/// `x - x.mean()`
fn centred(n: usize, reduced: bool) -> Sketch {
    let mut s = Sketch::named(format!("x - mean of {n}{}", if reduced { ", reduced" } else { "" }));
    let x = s.level("load", n, |_| []);
    let parts = s.map("mean_chunk", &x);
    let mean = s.tree("mean_combine", &parts, 8);
    let mut all = s.level("subtract", n, |i| [x[i], mean]);
    if reduced {
        all = s.map("square", &all);
        all = vec![s.tree("combine", &all, 8)];
    }
    s.wants(all)
}

/// `x - x.mean()` within each of the groups that take turns in the data, then the mean.
fn climatology(n: usize, groups: usize) -> Sketch {
    let mut s = Sketch::named(format!("climatology of {n} in {groups} groups"));
    let x = s.level("load", n, |_| []);
    let means: Vec<u32> = (0..groups)
        .map(|g| {
            let own: Vec<u32> = x.iter().skip(g).step_by(groups).copied().collect();
            let parts = s.map("mean_chunk", &own);
            s.tree("mean_combine", &parts, 4)
        })
        .collect();
    let anomalies = s.level("subtract", n, |i| [x[i], means[i % groups]]);
    let parts = s.map("chunk", &anomalies);
    let all = s.tree("combine", &parts, 4);
    s.wants([all])
}

/// The means of u², v² and u·v.
fn quadratic_means(n: usize, arity: usize) -> Sketch {
    let mut s = Sketch::named(format!("quadratic means of {n} by {arity}"));
    let (u, v) = (s.level("u", n, |_| []), s.level("v", n, |_| []));
    let (uu, uv, vv) = (s.map("u²", &u), s.level("uv", n, |i| [u[i], v[i]]), s.map("v²", &v));
    let wanted = [uu, uv, vv].map(|parts| {
        let parts = s.map("mean_chunk", &parts);
        s.tree("mean_combine", &parts, arity)
    });
    s.wants(wanted)
}

/// The normal equations: XᵀX and Xᵀy over blocks of rows, then the solution.
fn regression(n: usize, arity: usize, solved: bool) -> Sketch {
    let mut s = Sketch::named(format!("regression of {n} by {arity}{}", if solved { ", solved" } else { "" }));
    let (x, y) = (s.level("x", n, |_| []), s.level("y", n, |_| []));
    let turned = s.map("transpose", &x);
    let squares = s.level("xtx", n, |i| [turned[i], x[i]]);
    let left = s.tree("sum", &squares, arity);
    let products = s.level("xty", n, |i| [turned[i], y[i]]);
    let right = s.tree("sum", &products, arity);
    if solved {
        let both = s.task("solve", &[left, right]);
        return s.wants([both]);
    }
    s.wants([left, right])
}

/// Steps of gradient descent over the same blocks.
fn descent(n: usize, steps: usize) -> Sketch {
    let mut s = Sketch::named(format!("descent over {n}, {steps} steps"));
    let (x, y) = (s.level("x", n, |_| []), s.level("y", n, |_| []));
    let mut beta = s.task("start", &[]);
    for _ in 0..steps {
        let parts = s.level("gradient", n, |i| [x[i], y[i], beta]);
        let sum = s.tree("sum", &parts, 8);
        beta = s.task("step", &[beta, sum]);
    }
    s.wants([beta])
}

/// The QR decomposition of a tall matrix: both factors.
fn tall_qr(n: usize) -> Sketch {
    let mut s = Sketch::named(format!("tall qr of {n}"));
    let x = s.level("load", n, |_| []);
    let qr = s.map("qr", &x);
    let (q, r) = (s.map("q", &qr), s.map("r", &qr));
    let stacked = s.task("stack", &r);
    let second = s.task("qr", &[stacked]);
    let pieces = s.level("piece", n, |_| [second]);
    let mut wanted = s.level("dot", n, |i| [q[i], pieces[i]]);
    wanted.push(s.task("r", &[second]));
    s.wants(wanted)
}

/// A table of chunks summed along both axes.
fn both_axes(n: usize) -> Sketch {
    let mut s = Sketch::named(format!("sums along both axes of {n} × {n}"));
    let x = s.level("load", n * n, |_| []);
    let mut wanted = Vec::new();
    for along in [0, 1] {
        let parts = s.map("chunk", &x);
        for line in 0..n {
            let own: Vec<u32> = (0..n).map(|k| parts[if along == 0 { k * n + line } else { line * n + k }]).collect();
            wanted.push(s.tree("combine", &own, 4));
        }
    }
    s.wants(wanted)
}

/// Rows of chunks are made to columns of chunks, and those reduced.
fn rechunked(n: usize, wide: usize) -> Sketch {
    let mut s = Sketch::named(format!("rechunk of {n} to {}", n / wide));
    let x = s.level("load", n, |_| []);
    let pieces: Vec<Vec<u32>> = x.iter().map(|&one| s.level("piece", 2, |_| [one])).collect();
    let merged: Vec<u32> = (0..2)
        .flat_map(|half| (0..n / wide).map(move |group| (half, group)))
        .map(|(half, group)| {
            let own: Vec<u32> = pieces[group * wide..(group + 1) * wide].iter().map(|p| p[half]).collect();
            s.task("merge", &own)
        })
        .collect();
    let means = s.map("mean", &merged);
    let halves: Vec<u32> = means.chunks(n / wide).map(|half| s.tree("combine", half, 4)).collect();
    s.wants(halves)
}

/// Running sums of running sums, along the same axis.
fn sums_of_sums(n: usize) -> Sketch {
    let mut s = Sketch::named(format!("sums of sums of {n}"));
    let mut x = s.level("load", n, |_| []);
    let mut y = x.clone();
    for _ in 0..2 {
        let squares = s.level("square", n, |i| [x[i]]);
        let running = |s: &mut Sketch, x: &[u32]| {
            let mut sums = vec![x[0]];
            for i in 1..n {
                sums.push(s.task("running", &[sums[i - 1], x[i]]));
            }
            sums
        };
        y = running(&mut s, &squares);
        x = running(&mut s, &x);
    }
    let w = s.level("times", n, |i| [y[i], x[i]]);
    let all = s.map("sum", &w);
    s.wants(all)
}

/// Each of several chunked arrays against every other.
fn crossed(n: usize) -> Sketch {
    let mut s = Sketch::named(format!("{n} crossed with {n}"));
    let x = s.level("load", n, |_| []);
    let top = s.map("max", &x);
    let (left, right) = (s.map("left", &x), s.map("right", &top));
    let mut wanted = Vec::new();
    for at in 0..n * n {
        let cross = s.task("cross", &[left[at / n], right[at % n]]);
        let both = s.task("fold", &[cross]);
        for kind in ["maximum", "argument"] {
            let one = s.task(kind, &[both]);
            wanted.push(s.task("get", &[one]));
        }
    }
    s.wants(wanted)
}

/// One array that all others need, and a step for each.
fn broadcast(n: usize, summed: bool) -> Sketch {
    let mut s = Sketch::named(format!("broadcast to {n}{}", if summed { ", summed" } else { "" }));
    let shared = s.task("shared", &[]);
    let x = s.level("load", n, |_| []);
    let once = s.level("times", n, |i| [x[i], shared]);
    let twice = s.level("times", n, |i| [once[i], shared]);
    let mut all = s.map("sum", &twice);
    if summed {
        all = vec![s.tree("combine", &all, 4)];
    }
    s.wants(all)
}

/// Every second difference of neighbours, in two directions, multiplied.
fn differences(n: usize) -> Sketch {
    let mut s = Sketch::named(format!("differences of {n} × {n}"));
    let (u, v) = (s.level("u", n * n, |_| []), s.level("v", n * n, |_| []));
    let shifted = s.map("shift", &u);
    let dx = s.level("dx", n * n, |at| {
        let next = at / n * n + (at % n + 1) % n;
        [u[at], shifted[next]]
    });
    let turned = s.map("shift", &v);
    let dy = s.level("dy", n * n, |at| [v[at], turned[(at + n) % (n * n)]]);
    let both = s.level("subtract", n * n, |at| [dx[at], dy[at]]);
    let parts = s.map("chunk", &both);
    let all = s.tree("combine", &parts, 8);
    s.wants([all])
}

/// A random graph: each task needs some of those shortly before it. What nobody needs is wanted.
fn random(n: usize, most: usize, reach: usize, seed: u64) -> Sketch {
    let mut s = Sketch::named(format!("random of {n}, {most} needs within {reach}, seed {seed}"));
    let mut dice = Dice(seed);
    let mut used = vec![false; n];
    for i in 0..n {
        let count = dice.below(most + 1).min(i);
        let mut needs: Vec<u32> = (0..count).map(|_| (i - 1 - dice.below(reach.min(i))) as u32).collect();
        needs.sort_unstable();
        needs.dedup();
        needs.iter().for_each(|&need| used[need as usize] = true);
        s.task(if needs.is_empty() { "load" } else { "task" }, &needs);
    }
    let wanted: Vec<u32> = (0..n as u32).filter(|&i| !used[i as usize]).collect();
    s.wants(wanted)
}

/// A random graph in layers, summed at the end.
fn layered(width: usize, layers: usize, most: usize, seed: u64) -> Sketch {
    let mut s = Sketch::named(format!("random layers of {width}, {layers} deep, {most} needs, seed {seed}"));
    let mut dice = Dice(seed);
    let mut now = s.level("load", width, |_| []);
    for _ in 0..layers {
        now = (0..width)
            .map(|_| {
                let mut needs: Vec<u32> = (0..=dice.below(most)).map(|_| now[dice.below(width)]).collect();
                needs.sort_unstable();
                needs.dedup();
                s.task("task", &needs)
            })
            .collect();
    }
    let last = s.task("sum", &now);
    s.wants([last])
}

/// All of them.
pub fn all() -> Vec<Sketch> {
    use Sum::{Once, OneByOne, Tree};
    let mut all = vec![];
    for (n, length) in [(4, 3), (16, 10), (100, 4)] {
        all.extend([true, false].map(|summed| chains(n, length, summed)));
    }
    for (n, arity, maps) in [(16, 2, 0), (256, 2, 0), (100, 2, 1), (64, 8, 0), (512, 8, 0), (100, 8, 2), (1000, 8, 3)] {
        all.push(tree(n, arity, maps));
    }
    all.extend([comb(20, false), comb(20, true), comb(200, true), uneven(&[0, 1, 2, 3]), uneven(&[1, 4, 2, 4, 3])]);
    for (n, steps) in [(8, 2), (20, 4), (40, 10), (100, 3), (20, 20)] {
        for summed in [false, true] {
            all.extend([stencil(n, steps, summed), overlap(n, steps, summed)]);
        }
    }
    for (n, steps) in [(4, 2), (8, 2), (10, 4), (20, 1)] {
        all.extend([false, true].map(|summed| stencil_2d(n, steps, summed)));
    }
    for n in [4, 8, 16, 30] {
        for (whole, reduced) in [(true, false), (false, false), (true, true), (false, true)] {
            all.push(shuffle(n, whole, reduced));
        }
    }
    all.extend([staged_shuffle(2, 3), staged_shuffle(4, 2), staged_shuffle(3, 3), staged_shuffle(8, 2)]);
    for n in [3, 5, 8] {
        for sum in [Once, Tree, OneByOne] {
            all.extend([false, true].map(|reduced| matmul(n, sum, reduced)));
        }
    }
    for n in [3, 5, 10] {
        all.extend([false, true].map(|reduced| transposed(n, reduced)));
        all.extend([both_axes(n), differences(n), crossed(n)]);
    }
    for n in [10, 50] {
        all.extend([false, true].map(|reduced| cumulative(n, reduced)));
        all.extend([false, true].map(|reduced| centred(n, reduced)));
        all.extend([false, true].map(|summed| broadcast(n, summed)));
        all.extend([false, true].map(|solved| regression(n, 8, solved)));
        all.extend([false, true].map(|together| mean_and_std(n, 4, together)));
        all.extend([quadratic_means(n, 4), regression(n, 2, true), tall_qr(n), sums_of_sums(n), descent(n, 3)]);
    }
    all.extend([
        scan(3),
        scan(5),
        scan(7),
        climatology(24, 4),
        climatology(60, 12),
        rechunked(16, 4),
        rechunked(60, 6),
    ]);
    all.extend([fan(10, 1, 1), fan(10, 3, 1), fan(20, 2, 3), fan(100, 1, 2)]);
    for seed in 1..=6 {
        all.extend([random(60, 2, 60, seed), random(200, 3, 20, seed), random(300, 2, 300, seed)]);
        all.extend([layered(10, 4, 2, seed), layered(20, 6, 3, seed)]);
    }
    all
}
