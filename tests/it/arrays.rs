//! Chunked arrays against slow twins: slices by Python's rule, broadcasting, reductions for any chunks and threads.

use std::collections::BTreeSet;

use partita::Session;
use partita::array::map::Boundary;
use partita::array::shape::{Index, Pad, broadcast_shape, concatenate, step};
use partita::array::{
    Array, AxisChunks, ChunkSpec, Chunks, arange, eye, from_chunks, from_fn, from_ndarray, full, linspace, ones,
    random, reduce::Axes,
};
use proptest::prelude::*;

/// Python's `range(n)[start:stop:step]`, element by element.
fn sliced(n: isize, start: Option<isize>, stop: Option<isize>, step: isize) -> Vec<isize> {
    let clamp = |at: isize, low: isize, high: isize| if at < 0 { (at + n).max(low) } else { at.min(high) };
    let (mut at, end) = match step > 0 {
        true => (start.map_or(0, |s| clamp(s, 0, n)), stop.map_or(n, |s| clamp(s, 0, n))),
        false => (start.map_or(n - 1, |s| clamp(s, -1, n - 1)), stop.map_or(-1, |s| clamp(s, -1, n - 1))),
    };
    let mut all = Vec::new();
    while (step > 0 && at < end) || (step < 0 && at > end) {
        all.push(at);
        at += step;
    }
    all
}

/// Every start, stop and step from -12 to 12, or none.
fn slices() -> impl Iterator<Item = (Option<isize>, Option<isize>, isize)> {
    let bounds = || (-12..=12).map(Some).chain([None]);
    bounds().flat_map(move |a| bounds().flat_map(move |b| (-12..=12).map(move |c| (a, b, c))))
}

/// The elements of arrays of one axis, one after the other.
fn joined(parts: &[Array<i64>]) -> Vec<i64> {
    concatenate(parts, 0).unwrap().rechunk("auto").unwrap().compute().unwrap().into_iter().collect()
}

#[test]
fn every_slice_of_ten_elements() {
    let x = from_fn([10], ([3, 3, 3, 1],), |i| i[0] as i64).unwrap();
    let (mut parts, mut expected) = (Vec::new(), Vec::new());
    for (start, stop, step) in slices() {
        let part = x.slice((Index::Slice { start, stop, step },));
        if step == 0 {
            assert!(part.unwrap_err().to_string().contains("slice step cannot be zero"));
            continue;
        }
        let (part, twin) = (part.unwrap(), sliced(10, start, stop, step));
        assert_eq!((part.shape(), part.chunks().shape()), (&[twin.len()][..], vec![twin.len()]));
        parts.push(part);
        expected.extend(twin.iter().map(|&i| i as i64));
    }
    assert_eq!((parts.len(), joined(&parts) == expected), (26 * 26 * 24, true));
}

#[test]
fn every_slice_of_every_chunking_of_ten_elements() {
    // many slices are the same elements
    let distinct: BTreeSet<Vec<isize>> =
        slices().filter(|&(.., step)| step != 0).map(|(start, stop, step)| sliced(10, start, stop, step)).collect();
    assert_eq!(distinct.len(), 1 + 10 + 2 * 100);
    let expected: Vec<i64> = distinct.iter().flatten().map(|&i| i as i64).collect();
    for cuts in 0..1 << 9 {
        let mut sizes = vec![1];
        for at in 0..9 {
            match (cuts >> at & 1, sizes.last_mut()) {
                (0, Some(last)) => *last += 1,
                _ => sizes.push(1),
            }
        }
        // in blocks of their own, so that those which are needed must be there
        let x = from_chunks(Chunks::new([sizes.clone()]), {
            let starts: Vec<usize> = (0..sizes.len()).map(|i| sizes[..i].iter().sum()).collect();
            let sizes = sizes.clone();
            move |place| {
                let first = starts[place[0]] as i64;
                Ok((first..first + sizes[place[0]] as i64).collect::<ndarray::Array1<i64>>().into_dyn())
            }
        });
        let x = x.unwrap();
        let parts: Vec<Array<i64>> = distinct
            .iter()
            .map(|twin| {
                let (start, step) =
                    (twin.first().copied().unwrap_or(0), twin.get(1).map_or(1, |second| second - twin[0]));
                let stop = twin.last().map_or(0, |last| last + step);
                let stop = if stop < 0 { None } else { Some(stop) };
                let part = x.slice((Index::Slice { start: Some(start), stop, step },)).unwrap();
                // as many of each chunk as the slice takes, in its order
                let chunk = |element: isize| {
                    let mut end = 0;
                    sizes.iter().position(|size| {
                        end += size;
                        (element as usize) < end
                    })
                };
                let many = twin.chunk_by(|&a, &b| chunk(a) == chunk(b)).map(<[isize]>::len).collect::<Vec<_>>();
                assert_eq!(
                    part.chunks().axis(0),
                    if many.is_empty() { vec![0] } else { many },
                    "{twin:?} of {sizes:?}"
                );
                part
            })
            .collect();
        assert!(joined(&parts) == expected, "{sizes:?}");
    }
}

#[test]
fn slices_are_those_of_python() {
    let x = arange(0.0, 10.0, 1.0, ([3, 3, 3, 1],)).unwrap();
    let chunks = |step_by: isize| x.slice((step(step_by),)).unwrap().chunks().axis(0).to_vec();
    assert_eq!((chunks(-1), chunks(-2)), (vec![1, 3, 3, 3], vec![1, 1, 2, 1]));
    let values = |start, stop, step| {
        let part = x.slice((Index::Slice { start: Some(start), stop: Some(stop), step },)).unwrap();
        part.compute().unwrap().iter().map(|v| *v as i64).collect::<Vec<_>>()
    };
    assert_eq!((values(7, 1, -2), values(20, 5, -1)), (vec![7, 5, 3], vec![9, 8, 7, 6]));
    let error = x.slice((10,)).unwrap_err().to_string();
    assert!(error.contains("index 10 is out of bounds for axis 0 with size 10"), "{error}");
    assert!(x.slice((0, 0)).unwrap_err().to_string().contains("too many indices"));
    let table = from_fn([4, 5, 6], (2, 3, 4), |i| (i[0] * 100 + i[1] * 10 + i[2]) as i64).unwrap();
    let part = table.slice((Index::NewAxis, -1, Index::Ellipsis, step(-5))).unwrap();
    assert_eq!((part.shape(), part.compute().unwrap()[[0, 2, 1]]), (&[1, 5, 2][..], 320));
}

#[test]
fn shapes_that_do_not_match_are_both_named() {
    let big = ones([40, 30], "auto").unwrap();
    let short =
        big.slice((step(-1), partita::array::shape::Index::Slice { start: None, stop: Some(-1), step: 1 })).unwrap();
    let error = (&big * &short).sum().unwrap_err().to_string();
    assert!(error.contains("[40, 30] and [40, 29]"), "{error}");
    assert_eq!((&big * big.slice((step(-1), step(-1))).unwrap()).mean().unwrap().item().unwrap(), 1.0);
    assert!(ones([3, 0], "auto").unwrap().min().unwrap_err().to_string().contains("no identity"));
    assert_eq!(ones([3, 0], "auto").unwrap().sum_axis(1).unwrap().compute().unwrap().sum(), 0.0);
    assert!(big.sum_axis(2).unwrap_err().to_string().contains("axis 2 is out of bounds for array of dimension 2"));
}

#[test]
fn arrays_from_nothing() {
    let numbers = |x: Array<f64>| x.compute().unwrap().iter().copied().collect::<Vec<_>>();
    assert_eq!(numbers(arange(1.0, 2.0, 0.25, 3).unwrap()), [1.0, 1.25, 1.5, 1.75]);
    assert_eq!(numbers(linspace(0.0, 1.0, 5, 2).unwrap()), [0.0, 0.25, 0.5, 0.75, 1.0]);
    assert_eq!(numbers(eye(2, 3, 1, 1).unwrap()), [0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    assert_eq!(full([2], 7u8, "auto").unwrap().sum().unwrap().item().unwrap(), 14);
    assert!(full([3], i64::MAX, "auto").unwrap().sum().unwrap().item().is_err());
    let shown = ones([1000, 4000], (1000, 1000)).unwrap().to_string();
    assert_eq!(
        shown,
        "       Array         Chunk\nBytes  30.52 MiB     7.63 MiB\nShape  (1000, 4000)  (1000, 1000)\nCount  4 Tasks       4 Chunks\nType   float64       full"
    );
}

/// A shape and chunks for it.
fn cut() -> impl Strategy<Value = (Vec<usize>, Vec<usize>)> {
    proptest::collection::vec((1usize..40, 1usize..45), 1..4).prop_map(|axes| axes.into_iter().unzip())
}

fn spec(sizes: &[usize]) -> ChunkSpec {
    ChunkSpec::Axes(sizes.iter().map(|&size| AxisChunks::Size(size)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn nothing_depends_on_chunks_or_threads((shape, chunks) in cut(), seed in 0u64..1000, threads in 1usize..4, turn in 0usize..3) {
        let session = Session::builder().threads(threads).memory_limit("64MB").build().unwrap();
        let whole = random::uniform(seed, &shape, "auto").unwrap();
        let other = random::uniform(seed, &shape, spec(&chunks)).unwrap().in_session(&session);
        prop_assert_eq!(whole.compute().unwrap(), other.compute().unwrap());
        let axis = turn % shape.len();
        let sums = [whole.sum_axis(axis).unwrap(), other.sum_axis(axis).unwrap()].map(|x| x.compute().unwrap());
        prop_assert_eq!(&sums[0], &sums[1]);
        let twin = whole.compute().unwrap().sum_axis(ndarray::Axis(axis));
        prop_assert!(sums[0].iter().zip(&twin).all(|(a, b)| (a - b).abs() < 1e-12));
        // (x + x.T) - x.mean(0) has the sum of x, where it is square
        let n = shape[0];
        let x = random::uniform(seed, [n, n], chunks[0]).unwrap();
        let y = &x + x.t() - x.mean_axis(0).unwrap();
        let (a, b) = (y.sum().unwrap().item().unwrap(), x.sum().unwrap().item().unwrap());
        prop_assert!((a - b).abs() <= 1e-12 * (n * n) as f64, "{a} {b}");
        let kept = x.max_axis(Axes::from(1).keepdims()).unwrap();
        prop_assert_eq!(kept.shape(), [n, 1]);
    }

    #[test]
    fn broadcasting_is_numpys(left in proptest::collection::vec(1usize..4, 0..4), right in proptest::collection::vec(1usize..4, 0..4)) {
        let numbered = |shape: &[usize]| ndarray::ArrayD::from_shape_vec(shape, (0..shape.iter().product::<usize>()).map(|i| i as i64).collect()).unwrap();
        let (a, b) = (numbered(&left), numbered(&right));
        let lazy = &from_ndarray(a.clone(), "auto").unwrap() + &from_ndarray(b.clone(), 1).unwrap();
        match broadcast_shape(&left, &right) {
            Err(_) => prop_assert!(lazy.checked().is_err()),
            Ok(shape) => {
                let twin = &a.broadcast(shape.as_slice()).unwrap() + &b.broadcast(shape.as_slice()).unwrap();
                prop_assert_eq!(lazy.compute().unwrap(), twin);
            }
        }
    }
}

#[test]
fn infinities_spread_alike_in_any_direction() {
    let x = from_ndarray(ndarray::array![[1.0, 10.0], [f64::INFINITY, 20.0], [2.0, 30.0]], 1).unwrap();
    let down = x.var_axis(0, 0).unwrap().compute().unwrap();
    let across = x.t().var_axis(1, 0).unwrap().compute().unwrap();
    assert!(down[0].is_nan() && across[0].is_nan() && x.std(0).unwrap().item().unwrap().is_nan());
    assert_eq!((down[1], across[1]), (200.0 / 3.0, 200.0 / 3.0));
}

#[test]
fn very_many_chunks_are_counted_in_time() {
    let x = partita::array::zeros([40_000], 1).unwrap();
    assert_eq!(x.num_tasks().unwrap(), 40_000);
    assert!(x.to_string().contains("40000 Chunks"));
    let wide = ones([100_000, 100_000], (10, 10)).unwrap();
    assert!(wide.to_string().contains("100000000 Chunks"));
}

#[test]
fn what_is_too_large_is_an_error() {
    let large = |error: partita::Error| assert!(error.to_string().contains("too big"), "{error}");
    large(ones([1 << 33, 1 << 33], (1usize << 32, 1usize << 32)).unwrap_err());
    let one = ones([1, 1], "auto").unwrap();
    large(one.broadcast_to(&[1 << 40, 1 << 40]).and_then(|x| x.sum()).unwrap_err());
    large(one.repeat(usize::MAX, 0).and_then(|x| x.sum()).unwrap_err());
    assert!(one.reshape([isize::MAX, 4]).unwrap_err().to_string().contains("cannot reshape"));
    large(one.pad(&[(usize::MAX, 1)], Pad::Constant(0.0)).unwrap_err());
    assert!(one.pad(&[(1 << 30, 0)], Pad::Edge).unwrap_err().to_string().contains("larger than"));
    large(one.reshape([-1]).and_then(|x| x.diag(isize::MIN)).and_then(|x| x.sum()).unwrap_err());
    let none = |x: Array<f64>| assert_eq!(x.sum().unwrap().item().unwrap(), 0.0);
    none(eye(2, 2, isize::MAX, "auto").unwrap());
    none(one.triu(isize::MAX).unwrap());
    none(one.tril(isize::MIN).unwrap());
    let deep = |boundary| one.map_overlap(&[usize::MAX, 0], boundary, |block, _| block.to_owned());
    assert_eq!(deep(Boundary::None).unwrap().sum().unwrap().item().unwrap(), 1.0);
    large(deep(Boundary::Nearest).unwrap_err());
    let many = ones([1 << 40], 1).unwrap_err().to_string();
    assert!(many.contains("more than 268435456 chunks"), "{many}");
    assert!(
        ones([1], ChunkSpec::Axes(vec![AxisChunks::Sizes(vec![usize::MAX, 1])]))
            .unwrap_err()
            .to_string()
            .contains("add up to")
    );
}

#[test]
fn scattered_elements_are_taken_in_time() {
    let x = from_fn([3_000_000], "auto", |at| at[0] as i64).unwrap();
    let wanted: Vec<isize> = (0..30_000).map(|i| (i * 7_919 + 13) % 3_000_000).collect();
    let taken = x.take(&wanted, 0).unwrap().compute().unwrap();
    assert!(taken.iter().zip(&wanted).all(|(&taken, &wanted)| taken == wanted as i64));
}

#[test]
fn numbers_of_one_seed_do_not_depend_on_each_other() {
    use partita::array::random::{integers, normal, uniform};
    let (u, n) = (uniform(42, [100_000], "auto").unwrap(), normal(42, 0.0, 1.0, [100_000], "auto").unwrap());
    let product = ((&u - 0.5) * &n).mean().unwrap().item().unwrap();
    assert!(product.abs() < 0.01, "{product}");
    let whole = integers(42, 0, 1000, [100_000], "auto").unwrap();
    let same = (u * 1000.0).floor().eq(whole.astype::<f64>()).astype::<i64>().sum().unwrap().item().unwrap();
    assert!(same < 300, "{same}");
}

#[test]
fn what_is_made_of_itself_twice_stays_linear() {
    // the logistic map, 60 times: written out it would be 2⁶⁰ operations
    let (mut x, mut twin) = (full([10], 0.3, 4).unwrap(), 0.3f64);
    for _ in 0..60 {
        x = (&x * 3.7) * (1.0 - &x);
        twin = (twin * 3.7) * (1.0 - twin);
    }
    assert!(x.num_tasks().unwrap() < 60 && x.to_string().contains("Tasks"));
    assert_eq!(x.compute().unwrap().iter().copied().collect::<Vec<_>>(), [twin; 10]);
    let sums: f64 = (x.clone() + x.sum().unwrap()).sum().unwrap().item().unwrap();
    assert!((sums - twin * 110.0).abs() < 1e-12 * 110.0, "{sums}");
    let session = Session::builder().threads(2).memory_limit("4MB").build().unwrap();
    let mut wide = random::uniform(1, [1000, 1000], (100, 1000)).unwrap().in_session(&session);
    let expected = wide.sum().unwrap().item().unwrap() * 1024.0 * 1024.0;
    for _ in 0..20 {
        wide = &wide + &wide;
    }
    assert_eq!(wide.sum().unwrap().item().unwrap(), expected);
    assert!(session.budget().peak() <= 4_000_000);
}
