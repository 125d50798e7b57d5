//! Reductions and cumulative operations against slow twins, for any chunks, threads and memory.

use ndarray::{ArrayD, Axis, IxDyn};
use partita::array::reduce::{Axes, Folded, Norm};
use partita::array::{Array, AxisChunks, ChunkSpec, Element, arange, from_fn, from_ndarray, full, ones, random, zeros};
use partita::{ErrorKind, Session};
use proptest::prelude::*;

fn spec(sizes: &[usize]) -> ChunkSpec {
    ChunkSpec::Axes(sizes.iter().map(|&size| AxisChunks::Size(size)).collect())
}

fn values<T: Element>(x: Array<T>) -> Vec<T> {
    x.compute().unwrap().iter().copied().collect()
}

fn item<T: Element>(x: partita::Result<Array<T>>) -> T {
    x.unwrap().item().unwrap()
}

fn row(x: &[f64]) -> Array<f64> {
    from_ndarray(ndarray::Array1::from(x.to_vec()), 2).unwrap()
}

/// What a function makes of every lane along an axis, element by element.
fn lanes<T: Clone, U: Clone>(x: &ArrayD<T>, axis: usize, each: impl Fn(Vec<T>) -> U) -> Vec<U> {
    x.lanes(Axis(axis)).into_iter().map(|lane| each(lane.to_vec())).collect()
}

fn bits(x: &[f64]) -> Vec<u64> {
    x.iter().map(|v| v.to_bits()).collect()
}

#[test]
fn goldens_of_numpy() {
    let nan = f64::NAN;
    let x = row(&[3.0, 1.0, nan, 1.0]);
    assert!(item(x.min()).is_nan() && item(x.max()).is_nan() && item(x.median(0)).is_nan());
    assert_eq!((item(x.argmin()), item(x.argmax()), item(x.nanargmin()), item(x.nanargmax())), (2, 2, 1, 0));
    assert_eq!((item(x.nansum(0)), item(x.nanprod(0)), item(x.nanmin(0)), item(x.nanmax(0))), (5.0, 3.0, 1.0, 3.0));
    assert_eq!((item(x.nanmean(0)), item(x.nanvar(0, 1)), item(x.count_nonzero())), (5.0 / 3.0, 1.3333333333333335, 4));
    let nothing = row(&[nan, nan, nan]);
    assert!(item(nothing.nanmax(0)).is_nan() && item(nothing.nanmean(0)).is_nan());
    assert_eq!(item(nothing.nansum(0)), 0.0);
    assert!(nothing.nanargmin().unwrap().item().unwrap_err().to_string().contains("All-NaN slice encountered"));

    let x = row(&[1.0, 2.0, 4.0, 8.0]);
    assert_eq!((item(x.var(0)), item(x.var(1)), item(x.median(0))), (7.1875, 115.0 / 12.0, 3.0));
    assert_eq!(item(x.std(0)), 7.1875f64.sqrt());
    assert_eq!(values(x.percentiles(&[25.0, 75.0, 100.0], Axes::all()).unwrap()), [1.75, 5.0, 8.0]);
    assert_eq!((item(x.prod()), item(x.norm())), (64.0, 85f64.sqrt()));
    assert!(item(row(&[1.0]).var(1)).is_nan());
    let (counts, edges) = x.histogram([1.0, 2.0, 4.0, 8.0], None).unwrap();
    assert_eq!((values(counts), edges.size()), (vec![1, 1, 2], 4));
    let (counts, edges) = row(&[2.0, 2.0]).histogram(2, None).unwrap();
    assert_eq!((values(counts), values(edges)), (vec![0, 2], vec![1.5, 2.0, 2.5]));
    let found = row(&[2.0, nan, -0.0, 2.0, nan, 0.0]).unique().unwrap();
    assert!(found.values[2].is_nan() && found.counts.to_vec() == [2, 2, 2] && found.values.len() == 3);
    assert_eq!(values(row(&[1.0, nan, 3.0, 2.0]).topk(3, 0).unwrap())[1..], [3.0, 2.0]);
    assert_eq!(values(row(&[1.0, 3.0]).topk(-5, 0).unwrap()), [1.0, 3.0]);
    let truth = from_ndarray(ndarray::array![[true, false], [true, true]], 1).unwrap();
    assert_eq!(
        (values(truth.all_axis(0).unwrap()), values(truth.any_axis(1).unwrap())),
        (vec![true, false], vec![true; 2])
    );
    assert_eq!((item(truth.sum()), item(truth.mean()), item(truth.argmin())), (3, 0.75, 1));
}

#[test]
fn what_is_wrong_is_said_in_the_words_of_numpy() {
    let nothing = zeros([0, 3], "auto").unwrap();
    let error = |x: partita::Result<Array<f64>>| x.and_then(|x| x.item()).unwrap_err();
    let text = |x: partita::Result<Array<i64>>| x.and_then(|x| x.item()).unwrap_err().to_string();
    assert!(text(nothing.argmin()).contains("attempt to get argmin of an empty sequence"));
    assert!(text(nothing.argmax_axis(0)).contains("attempt to get argmax of an empty sequence"));
    assert!(error(nothing.max()).to_string().contains("maximum which has no identity"));
    assert_eq!(nothing.min_axis(1).unwrap().shape(), [0]);
    assert!(item(nothing.mean()).is_nan() && item(nothing.median(Axes::all())).is_nan());
    assert_eq!(
        (item(nothing.sum()), item(nothing.prod()), item(nothing.all()), item(nothing.any())),
        (0.0, 1.0, true, false)
    );
    let x = ones([4, 3], 2).unwrap();
    assert!(error(x.sum_axis(2)).to_string().contains("axis 2 is out of bounds for array of dimension 2"));
    assert!(error(x.cumsum(-3)).to_string().contains("axis -3 is out of bounds"));
    assert!(error(x.sum_axis([0, -2])).to_string().contains("named twice"));
    assert!(matches!(error(x.quantile(1.5, 0)).kind(), ErrorKind::Invalid { .. }));
    assert!(matches!(error(x.norm_axis(Norm::Two, [0, 1])).kind(), ErrorKind::Unsupported { .. }));
    assert!(error(x.norm_axis(Norm::Fro, 0)).to_string().contains("invalid norm order"));
    assert!(x.argmin_axis([0, 1]).is_ok() && x.histogram(0, None).is_err());
    let bad = row(&[f64::NAN, 1.0]).histogram(3, None).unwrap();
    assert!(bad.0.compute().unwrap_err().to_string().contains("not finite"));
    let big = full([3], i64::MAX, 1).unwrap();
    assert!(text(big.sum()).contains("is no int64") && text(big.prod()).contains("no int64"));
    let sums = big.cumsum(0).unwrap();
    assert!(sums.compute().is_err());
    assert_eq!(values(sums.slice((0..1,)).unwrap()), [i64::MAX]);
    assert!(from_ndarray(ndarray::array![1, -1], 1).unwrap().bincount(0).is_err());
}

/// A shape and chunks for it.
fn cut() -> impl Strategy<Value = (Vec<usize>, Vec<usize>)> {
    proptest::collection::vec((1usize..24, 1usize..30), 1..4).prop_map(|axes| axes.into_iter().unzip())
}

/// Numbers that repeat, with NaN among them if so.
fn some(shape: &[usize], seed: u64, nan: bool) -> ArrayD<f64> {
    let mut state = seed.wrapping_mul(2) + 1;
    let numbers = (0..shape.iter().product::<usize>()).map(|_| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        match state >> 40 {
            n if nan && n % 11 == 0 => f64::NAN,
            n => (n % 37) as f64 * 0.37 - 5.0,
        }
    });
    ArrayD::from_shape_vec(IxDyn(shape), numbers.collect()).unwrap()
}

fn near(a: &[f64], b: &[f64]) -> bool {
    let same = |a: f64, b: f64| a.is_nan() && b.is_nan() || (a - b).abs() <= 1e-12 * (1.0 + b.abs());
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(*a, *b))
}

/// Numpy's rule, on a sorted lane.
fn quantile(mut lane: Vec<f64>, at: f64) -> f64 {
    if lane.iter().any(|v| v.is_nan()) {
        return f64::NAN;
    }
    lane.sort_by(f64::total_cmp);
    let place = (lane.len() - 1) as f64 * at;
    let (low, t) = (place as usize, place.fract());
    let (a, b) = (lane[low], lane[(low + 1).min(lane.len() - 1)]);
    if t >= 0.5 { b - (b - a) * (1.0 - t) } else { a + (b - a) * t }
}

fn best(lane: &[f64], smaller: bool) -> usize {
    let beats = |a: f64, b: f64| if smaller { a < b } else { a > b };
    let wins = |a: f64, b: f64| !b.is_nan() && (a.is_nan() || beats(a, b));
    (1..lane.len()).fold(0, |best, i| if wins(lane[i], lane[best]) { i } else { best })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn reductions_are_their_twins((shape, chunks) in cut(), seed in 0u64..1000, turn in 0usize..3, nan in any::<bool>(), at in 0.0f64..=1.0) {
        let axis = turn % shape.len();
        let data = some(&shape, seed, nan);
        let x = from_ndarray(data.clone(), spec(&chunks)).unwrap();
        let along = axis as isize - if seed % 2 == 0 { shape.len() as isize } else { 0 };
        let sum = |lane: Vec<f64>| lane.iter().sum::<f64>();
        prop_assert!(near(&values(x.sum_axis(along).unwrap()), &lanes(&data, axis, sum)));
        prop_assert!(near(&values(x.nansum(along).unwrap()), &lanes(&data, axis, |l| sum(l.into_iter().filter(|v| !v.is_nan()).collect()))));
        let var = |lane: Vec<f64>| {
            let mean = sum(lane.clone()) / lane.len() as f64;
            lane.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (lane.len() as f64 - 1.0).max(0.0)
        };
        prop_assert!(near(&values(x.var_axis(along, 1).unwrap()), &lanes(&data, axis, var)));
        let without = |l: Vec<f64>| {
            let some: Vec<f64> = l.into_iter().filter(|v| !v.is_nan()).collect();
            if some.is_empty() { f64::NAN } else { var(some) }
        };
        prop_assert!(near(&values(x.nanvar(along, 1).unwrap()), &lanes(&data, axis, without)));
        let places = |smaller| lanes(&data, axis, |lane| best(&lane, smaller) as i64);
        prop_assert_eq!(values(x.argmin_axis(along).unwrap()), places(true));
        prop_assert_eq!(values(x.argmax_axis(along).unwrap()), places(false));
        let flat: Vec<f64> = data.iter().copied().collect();
        prop_assert_eq!(item(x.argmin()), best(&flat, true) as i64);
        prop_assert_eq!(bits(&values(x.max_axis(along).unwrap())), bits(&lanes(&data, axis, |lane| lane[best(&lane, false)])));
        prop_assert_eq!(bits(&values(x.quantile(at, along).unwrap())), bits(&lanes(&data, axis, |lane| quantile(lane, at))));
        prop_assert_eq!(bits(&[item(x.quantile(at, Axes::all()))]), bits(&[quantile(flat.clone(), at)]));
        let k = 1 + (seed % 5) as usize;
        let sorted = |mut lane: Vec<f64>| {
            lane.sort_by(|a, b| b.partial_cmp(a).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan())));
            lane.truncate(k);
            lane
        };
        let top = x.topk(k as isize, along).unwrap().compute().unwrap();
        prop_assert!(near(&lanes(&top, axis, |l| l).concat(), &lanes(&data, axis, sorted).concat()));
    }

    #[test]
    fn running_sums_are_their_twins((shape, chunks) in cut(), seed in 0u64..1000, turn in 0usize..3, reverse in any::<bool>()) {
        let axis = turn % shape.len();
        let data = some(&shape, seed, false);
        let whole = data.mapv(|v| (v * 100.0) as i64 % 3);
        let (x, n) = (from_ndarray(data.clone(), spec(&chunks)).unwrap(), from_ndarray(whole.clone(), spec(&chunks)).unwrap());
        let mut twin = data.clone();
        twin.accumulate_axis_inplace(Axis(axis), |before, v| *v += before);
        let mut sums = x.cumsum(axis).unwrap();
        if reverse {
            let indices: Vec<_> = shape.iter().map(|_| partita::array::shape::step(-1)).collect();
            sums = sums.slice(indices).unwrap();
            twin.invert_axis(Axis(0));
            (1..shape.len()).for_each(|axis| twin.invert_axis(Axis(axis)));
        }
        let twin: Vec<f64> = twin.iter().copied().collect();
        prop_assert!(near(&values(sums), &twin));
        let mut twin = whole.clone();
        twin.accumulate_axis_inplace(Axis(axis), |before, v| *v = *v.max(&mut before.clone()));
        prop_assert_eq!(n.cummax(axis).unwrap().compute().unwrap(), twin);
        let flat: Vec<i64> = whole.iter().scan(0, |sum, v| { *sum += v; Some(*sum) }).collect();
        prop_assert_eq!(values(n.cumsum(Axes::all()).unwrap()), flat);
        let mut twin = whole;
        twin.accumulate_axis_inplace(Axis(axis), |before, v| *v *= before);
        prop_assert_eq!(n.cumprod(axis).unwrap().compute().unwrap(), twin);
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]
    #[test]
    fn nothing_depends_on_chunks_threads_or_splits(rows in 1usize..200, columns in 1usize..300, chunk in 1usize..300, threads in 1usize..4, seed in 0u64..99) {
        let session = Session::builder().threads(threads).memory_limit("64MB").build().unwrap();
        let all = |chunk: usize, split: usize, session: &Session| {
            let x = random::uniform(seed, [rows, columns], chunk).unwrap().in_session(session);
            let axes = |axis: i32| Axes::from(axis).split_every(split);
            [
                x.sum_axis(axes(0)), x.mean_axis(axes(1)), x.var_axis(axes(0), 0), x.std(1), x.prod_axis(axes(1)),
                x.cumsum(0), x.cumsum(1), x.cumsum(Axes::all()), x.cumprod(Axes::all()), x.norm_axis(Norm::Two, 0),
                x.quantile(0.3, 0),
            ].map(|result| bits(&values(result.unwrap())))
        };
        prop_assert_eq!(all(chunk, 2, &session), all(1000, 16, &Session::current().unwrap()));
    }
}

#[test]
fn large_lanes_are_selected_in_passes() {
    // the last ones agree in 36 bits, the middle ones in all
    let x = from_fn([3, 700_000], "auto", |i| match i[0] {
        0 => ((i[1] * 7919) % 700_000) as f64 - 350_000.0,
        1 => 0.5,
        _ => 1e6 + ((i[1] * 104_729) % 700_000) as f64 * 2f64.powi(-33),
    });
    let x = x.unwrap();
    let sorted = |k: usize| match k {
        k if k < 350_000 => k as f64 - 350_000.0,
        350_000 => 0.0,
        k if k <= 1_050_000 => 0.5,
        k if k < 1_400_000 => (k - 1_050_000) as f64,
        k => 1e6 + (k - 1_400_000) as f64 * 2f64.powi(-33),
    };
    for at in [0.0, 0.25, 0.5, 0.9, 1.0] {
        let place: f64 = 2_099_999.0 * at;
        let (low, t) = (place as usize, place.fract());
        let (a, b) = (sorted(low), sorted((low + 1).min(2_099_999)));
        let expected = if t >= 0.5 { b - (b - a) * (1.0 - t) } else { a + (b - a) * t };
        assert_eq!(item(x.quantile(at, Axes::all())), expected, "{at}");
    }
    let nan = from_fn([1_100_000], "auto", |i| if i[0] == 77 { f64::NAN } else { i[0] as f64 }).unwrap();
    assert!(item(nan.median(0)).is_nan());
    let whole = from_fn([1_100_000], "auto", |i| (i[0] as i64 % 1000) - 500).unwrap();
    assert_eq!(item(whole.median(0)), -0.5);
}

#[test]
fn variance_is_as_good_as_in_two_passes() {
    let x = from_fn([1000, 1000], 300, |i| 1e9 + ((i[0] * 1000 + i[1]) % 3) as f64).unwrap();
    let (n, ones, twos) = (1e6, 333_333.0, 333_333.0);
    let mean = (ones + 2.0 * twos) / n;
    let exact = (ones + 4.0 * twos) / n - mean * mean;
    assert!((item(x.var(0)) / exact - 1.0).abs() < 1e-15, "{} {exact}", item(x.var(0)));
    // a first element that lies far off
    let x = from_fn([100_000], 999, |i| if i[0] == 0 { 1e8 } else { (i[0] % 2) as f64 }).unwrap();
    let mean: f64 = (1e8 + 50_000.0) / 1e5;
    let about = (1e8 - mean).powi(2) + 49_999.0 * mean * mean + 50_000.0 * (1.0 - mean).powi(2);
    assert!((item(x.var(0)) / (about / 1e5) - 1.0).abs() < 1e-14, "{:e} {about:e}", item(x.var(0)));
}

#[test]
fn what_is_held_may_be_larger_than_memory() {
    let session = Session::builder().threads(2).memory_limit("24MB").build().unwrap();
    let free = random::uniform(5, [2500, 2000], (100, 2000)).unwrap(); // 40 MB
    let x = free.in_session(&session).persist().unwrap();
    x.wait().unwrap();
    let spilled = session.task_context().spill.written().0;
    assert!(spilled > 10_000_000, "{spilled}");
    assert_eq!(item(x.sum()).to_bits(), item(free.sum()).to_bits());
    assert_eq!(bits(&values(x.t().max_axis(0).unwrap())), bits(&values(free.max_axis(1).unwrap())));
    assert_eq!(bits(&values(x.quantile(0.3, 0).unwrap())), bits(&values(free.quantile(0.3, 0).unwrap())));
    let mut rows = 0;
    for (block, twin) in x.blocks().zip(free.blocks()) {
        let block = block.unwrap();
        rows += block.shape()[0];
        assert_eq!(block, twin.unwrap());
    }
    assert_eq!(rows, 2500);
    let error = x.compute().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Memory { .. }), "{error}");
    assert!(error.to_string().contains("the array persisted of shape [2500, 2000]"), "{error}");
    assert!(session.budget().peak() <= 24_000_000);

    // the result of a reduction, and what is known before each panel
    let wide = random::uniform(6, [2, 2_000_000], "8MB").unwrap();
    let sums = wide.in_session(&session).sum_axis(0).unwrap().persist().unwrap();
    let more = &sums + &sums;
    assert_eq!(item(more.max()).to_bits(), item((&wide.sum_axis(0).unwrap() * 2.0).max()).to_bits());
    drop((sums, more, x));
    crate::memory::given_back(&session);
}

#[test]
fn persisted_blocks_are_made_once() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let made = Arc::new(AtomicUsize::new(0));
    let count = made.clone();
    let x = from_fn([100, 10], 10, move |i| {
        count.fetch_add(1, Ordering::Relaxed);
        (i[0] * i[1]) as i64
    });
    let x = x.unwrap().persist().unwrap();
    x.wait().unwrap();
    assert_eq!((item(x.sum()), item(x.max()), made.load(Ordering::Relaxed)), (4950 * 45, 891, 1000));
    let failing = full([4], i64::MAX, 2).unwrap().cumsum(0).unwrap().persist().unwrap();
    assert!(failing.wait().is_err() && failing.sum().unwrap().item().is_err());
    let errors: Vec<_> = failing.blocks().map(|block| block.is_err()).collect();
    assert_eq!(errors, [true]);
}

#[test]
fn reductions_of_functions() {
    let longest = Folded::new(
        (0u64, 0u64),
        |(best, now): &mut (u64, u64), row: &[f64]| {
            for value in row {
                *now = if *value > 0.5 { *now + 1 } else { 0 };
                *best = (*best).max(*now);
            }
        },
        |state, later| *state = (state.0.max(later.0), later.1),
        |state, _| state.0 as i64,
    );
    let x = arange(0.0, 100.0, 1.0, 7).unwrap();
    assert_eq!(item(x.reduce(longest.clone(), 0)), 99);
    assert_eq!(values(ones([3, 4], 2).unwrap().reduce(longest, 0).unwrap()), [3; 4]);
}
