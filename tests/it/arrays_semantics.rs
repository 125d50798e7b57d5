//! What arrays mean, line by line and clause by clause; the numbers are those of numpy and Dask.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::{ArrayD, array};
use partita::array::map::Boundary;
use partita::array::random::{choice, exponential, integers, normal, permutation, poisson, uniform};
use partita::array::reduce::{Axes, Norm};
use partita::array::shape::{Index, concatenate, stack, step};
use partita::array::{
    Array, AxisChunks, ChunkSpec, Chunks, Element, ZarrOptions, arange, eye, from_chunks, from_fn, from_ndarray,
    from_npy_stack, from_zarr, full, linspace, ones, where_, zeros,
};
use partita::{ErrorKind, Session};

fn values<T: Element>(x: Array<T>) -> Vec<T> {
    x.compute().unwrap().into_iter().collect()
}

fn item<T: Element>(x: partita::Result<Array<T>>) -> T {
    x.unwrap().item().unwrap()
}

/// That it is an error of the argument, which says this.
fn refused<T>(made: partita::Result<T>, says: &str) {
    let error = made.err().unwrap();
    assert!(matches!(error.kind(), ErrorKind::Invalid { .. }) && error.to_string().contains(says), "{error}");
}

#[test]
fn creation() {
    assert_eq!(values(ones([2], 1).unwrap()), [1.0, 1.0]);
    assert_eq!(values(zeros([2], 1).unwrap()), [0.0, 0.0]);
    assert_eq!(values(full([2], 7u8, 1).unwrap()), [7, 7]);
    assert_eq!(values(arange(1, 8, 3, 2).unwrap()), [1, 4, 7]);
    assert_eq!(values(linspace(0.0, 1.0, 3, 2).unwrap()), [0.0, 0.5, 1.0]);
    assert_eq!(values(eye(2, 3, -1, 1).unwrap()), [0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    assert_eq!(values(from_ndarray(array![[1, 2], [3, 4]], 1).unwrap()), [1, 2, 3, 4]);
    assert_eq!(values(from_fn([2, 2], 1, |i| i[0] * 2 + i[1] > 1).unwrap()), [false, false, true, true]);
}

#[test]
fn chunks() {
    let axes = |shape: [usize; 2], spec: ChunkSpec| {
        let x = ones(shape, spec).unwrap();
        [0, 1].map(|axis| x.chunks().axis(axis).to_vec())
    };
    let (shape, whole) = ([10, 4], [vec![10], vec![4]]);
    assert_eq!(axes(shape, 3.into()), [vec![3, 3, 3, 1], vec![3, 1]]);
    assert_eq!(axes(shape, (4, 2).into()), [vec![4, 4, 2], vec![2, 2]]);
    assert_eq!(axes(shape, ([3, 7], [1, 3]).into()), [vec![3, 7], vec![1, 3]]);
    assert_eq!(axes(shape, (5, -1).into()), [vec![5, 5], vec![4]]);
    assert_eq!(
        [axes(shape, (-1).into()), axes(shape, "auto".into()), axes(shape, ChunkSpec::default())],
        [whole.clone(), whole.clone(), whole]
    );
    assert_eq!(axes(shape, ChunkSpec::Axes(vec![AxisChunks::Size(6), AxisChunks::Auto]))[0], [6, 4]);
    // 128 MiB
    let auto = ones([200_000, 4000], "auto").unwrap();
    let rows = auto.chunks().axis(0);
    assert_eq!((rows[0], rows.last(), auto.chunks().axis(1)), (4194, Some(&2882), &[4000][..]));
    let huge = ones([100_000, 100_000], "100 MiB").unwrap();
    let rows = huge.chunks().axis(0);
    assert_eq!((rows[0], rows.last(), huge.npartitions()), (3620, Some(&2260), 784));
    assert!(huge.to_string().contains("99.98 MiB"), "{huge}");
    assert_eq!(ones([100_000, 100_000], "100MB").unwrap().chunks().axis(0)[0], 3535);
    refused(ones(shape, (3, [4, 4])), "[4, 4] of axis 1 add up to 8, the shape has 4");
}

#[test]
fn shown() {
    // in decimal units: the example of the table
    let x = ones([1000, 4000], (1000, 1000)).unwrap();
    let lines =
        ["Bytes  30.52 MiB", "7.63 MiB", "Shape  (1000, 4000)", "(1000, 1000)", "4 Tasks", "4 Chunks", "float64"];
    assert!(lines.iter().all(|part| x.to_string().contains(part)), "{x}");
    assert!(x.to_svg().starts_with("<svg") && x.to_html().contains("<svg") && x.to_html().contains("4 Chunks"));
    // below a reduction operations are counted for the parts that it takes in, and at its end
    let far = (x.rechunk("auto").unwrap() + 1.0).cos();
    let mean = far.mean_axis(0).unwrap();
    assert!(mean.to_string().contains("Type   float64"), "{mean}");
    assert!(mean.to_string().lines().last().unwrap().ends_with("mean"), "{mean}");
    let tasks = |x: &Array<f64>| {
        let text = x.to_string();
        let count = text.lines().find(|line| line.starts_with("Count")).unwrap().to_string();
        let numbers = count.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse::<usize>().ok());
        numbers.collect::<Vec<_>>()
    };
    assert_eq!(tasks(&far), [3, 1, 1]);
    let (written, fused) = (tasks(&mean)[0], mean.num_tasks().unwrap());
    assert_eq!(tasks(&mean)[1], fused);
    // full, add, cos and mean of each part, a merge, and the mean that is read
    assert!(fused >= 3 && written > 4 + 1, "{mean}");
    let long = ones([40_000_000], "auto").unwrap();
    let parts = long.sum().unwrap().num_tasks().unwrap() - 2;
    assert_eq!(tasks(&long.sum().unwrap())[0], 2 * parts + 1 + 2, "{}", long.sum().unwrap());
    assert_eq!(
        x.squeeze().unwrap().expand_dims(0).unwrap().to_string().lines().last().unwrap().split(' ').next_back(),
        Some("expand_dims")
    );
}

#[test]
fn slices() {
    let x = arange(0, 10, 1, ([3, 3, 3, 1],)).unwrap();
    let by = |step_by: isize| x.slice(step(step_by)).unwrap().chunks().axis(0).to_vec();
    assert_eq!((by(-1), by(-2)), (vec![1, 3, 3, 3], vec![1, 1, 2, 1]));
    let from =
        |start, stop, step| values(x.slice(Index::Slice { start: Some(start), stop: Some(stop), step }).unwrap());
    assert_eq!((from(7, 1, -2), from(20, 5, -1)), (vec![7, 5, 3], vec![9, 8, 7, 6]));
    refused(x.slice(step(0)), "slice step cannot be zero");
    refused(x.slice(10), "index 10 is out of bounds for axis 0 with size 10");
    refused(x.slice(-11), "index -11 is out of bounds for axis 0 with size 10");
    assert_eq!(values(x.take([7, -1, 7], 0).unwrap()), [7, 9, 7]);
    refused(x.take([10], 0), "index 10 is out of bounds");
    let even = (&x % 2).eq(0);
    assert_eq!(values(x.mask(&even).unwrap()), [0, 2, 4, 6, 8]);
    refused(x.mask(&even.slice(1..).unwrap()), "boolean index did not match");
    let table = x.reshape([2, 5]).unwrap();
    assert_eq!(values(table.compress(&even.slice(..5).unwrap(), 1).unwrap()), [0, 2, 4, 5, 7, 9]);
    assert_eq!(values(table.vindex(&[[0, 1], [4, 0]]).unwrap()), [4, 5]);
    let part = table.slice((Index::Ellipsis, -1, Index::NewAxis)).unwrap();
    assert_eq!((part.shape(), values(part.clone())), (&[2, 1][..], vec![4, 9]));
    refused(table.slice((Index::Ellipsis, Index::Ellipsis)), "can have only one ellipsis");
}

#[test]
fn elementwise() {
    // lazy: nothing is computed before it is asked for, and then once
    let made = Arc::new(AtomicUsize::new(0));
    let seen = made.clone();
    let x = from_chunks(Chunks::new([vec![3, 3, 3, 1]]), move |place| {
        seen.fetch_add(1, Ordering::Relaxed);
        let len = if place[0] == 3 { 1 } else { 3 };
        Ok(ArrayD::from_shape_fn(vec![len], |i| (place[0] * 3 + i[0]) as f64))
    })
    .unwrap();
    let y = (&x + ones([10], ([4, 4, 2],)).unwrap()).sqrt().clip(1.0, 3.0);
    assert_eq!((y.chunks().axis(0), made.load(Ordering::Relaxed)), (&[3, 1, 2, 2, 1, 1][..], 0));
    let twin: Vec<f64> = (0..10).map(|i| f64::from(i + 1).sqrt().clamp(1.0, 3.0)).collect();
    assert_eq!((values(y), made.load(Ordering::Relaxed)), (twin, 4));
    let one = |made: Array<f64>| made.item().unwrap();
    let half = from_ndarray(ndarray::arr0(0.5f64), "auto").unwrap();
    assert!((one(half.sin().powi(2) + half.cos().powi(2)) - 1.0).abs() < 1e-15);
    assert!((one(half.exp().log()) - 0.5).abs() < 1e-15);
    assert_eq!((one((-&half).abs()), one(half.sqrt().powf(2.0)), one(half.powi(-1))), (0.5, 0.5000000000000001, 2.0));
    assert_eq!(
        (one(where_(&half.gt(0.0), &half, 9.0)), values(half.isnan()), values(half.eq(0.5))),
        (0.5, vec![false], vec![true])
    );
    assert_eq!(
        [&half.lt(1.0), &half.le(0.5), &half.ge(0.6), &half.ne(0.5)].map(|x| x.item().unwrap()),
        [true, true, false, false]
    );
    // types: the table of `types_promote_as_in_numpy`
    assert_eq!((arange(0, 2, 1, 1).unwrap() + full([2], 1u8, 1).unwrap()).dtype().to_string(), "int64");
    // broadcast, and the notebook's product that cannot be
    let table = arange(0, 3, 1, 2).unwrap() + arange(0, 20, 10, 1).unwrap().reshape([2, 1]).unwrap();
    assert_eq!(values(table), [0, 1, 2, 10, 11, 12]);
    let big = ones([20, 10], 5).unwrap();
    let short = &big * big.slice((step(-1), ..-1)).unwrap();
    refused(short.checked(), "[20, 10] and [20, 9]");
    assert_eq!(item((&big * big.slice((step(-1), step(-1))).unwrap()).mean()), 1.0);
}

#[test]
fn reductions() {
    let x = from_ndarray(array![[3.0, -1.0, 2.0], [0.0, 5.0, -4.0]], (1, 2)).unwrap();
    let all = [x.sum(), x.mean(), x.min(), x.max(), x.prod(), x.var(0), x.median(Axes::all())].map(item);
    assert_eq!(all, [5.0, 5.0 / 6.0, -4.0, 5.0, 0.0, 8.472222222222221, 1.0]);
    assert_eq!((item(x.any()), item(x.all()), item(x.argmin()), item(x.argmax())), (true, false, 5, 4));
    let down =
        [x.sum_axis(0), x.mean_axis(0), x.min_axis(0), x.max_axis(0), x.prod_axis(0), x.std_axis(0, 0), x.median(0)];
    let numpy: [[f64; 3]; 7] = [
        [3.0, 4.0, -2.0],
        [1.5, 2.0, -1.0],
        [0.0, -1.0, -4.0],
        [3.0, 5.0, 2.0],
        [0.0, -5.0, -8.0],
        [1.5, 3.0, 3.0],
        [1.5, 2.0, -1.0],
    ];
    assert_eq!(down.map(|x| values(x.unwrap())), numpy.map(|row| row.to_vec()));
    assert_eq!(values(x.var_axis(1, 1).unwrap()), [4.333333333333333, 20.333333333333336]);
    assert!((item(x.std(1)) / 3.1885210782848317 - 1.0).abs() < 1e-15);
    assert_eq!((values(x.argmin_axis(0).unwrap()), values(x.argmax_axis(1).unwrap())), (vec![1, 0, 1], vec![0, 1]));
    assert_eq!(
        (values(x.any_axis(0).unwrap()), values(x.all_axis(0).unwrap())),
        (vec![true; 3], vec![false, true, true])
    );
    assert_eq!(values(x.cumsum(1).unwrap()), [3.0, 2.0, 4.0, 0.0, 5.0, 1.0]);
    let percentiles = values(x.percentile(30.0, 0).unwrap());
    assert!(percentiles.iter().zip([0.9, 0.8, -2.2]).all(|(a, b)| (a - b).abs() < 1e-15));
    assert_eq!(values(x.topk(2, 1).unwrap()), [3.0, 2.0, 5.0, 0.0]);
    let (counts, edges) = x.histogram(3, None).unwrap();
    assert_eq!((values(counts), values(edges)), (vec![1, 2, 3], vec![-4.0, -1.0, 2.0, 5.0]));
    // without NaN
    let holes = where_(&x.lt(0.0), f64::NAN, &x);
    let skipped = [holes.nansum(0), holes.nanmean(0), holes.nanmin(0), holes.nanmax(0), holes.nanprod(0)];
    assert_eq!(skipped.map(|x| values(x.unwrap())[1..].to_vec()), [[5.0, 2.0]; 5].map(|row| row.to_vec()));
    assert_eq!(
        (values(holes.nanvar(1, 0).unwrap()), values(holes.nanstd(1, 0).unwrap())),
        (vec![0.25, 6.25], vec![0.5, 2.5])
    );
    assert!(item(holes.sum()).is_nan() && item(holes.max()).is_nan());
    assert_eq!((item(holes.nanargmin()), item(holes.nanargmax())), (3, 4));
    // several axes, those that stay, and trees of any width
    let cube = from_fn([3, 4, 5], 2, |i| (i[0] * 20 + i[1] * 5 + i[2]) as i64).unwrap();
    assert_eq!(values(cube.sum_axis([0, -1]).unwrap()), [330, 405, 480, 555]);
    assert_eq!(cube.sum_axis(Axes::from([0, 2]).keepdims()).unwrap().shape(), [1, 4, 1]);
    let free = uniform(1, [300, 70], (11, 70)).unwrap();
    let sums =
        [2, 3, 16].map(|many| item(free.reduce(partita::array::reduce::Sum, Axes::all().split_every(many))).to_bits());
    assert_eq!(sums, [item(free.sum()).to_bits(); 3]);
    // what is taken off and what is added make up for each other
    let square = uniform(2, [200, 200], 33).unwrap();
    let moved = &square + square.t() - square.mean_axis(0).unwrap();
    assert!((item(moved.sum()) / item(square.sum()) - 1.0).abs() < 1e-12);
    // of nothing: numpy's meaning
    let nothing = zeros([0, 3], "auto").unwrap();
    refused(nothing.max(), "no identity");
    refused(nothing.argmin(), "empty sequence");
    refused(zeros([0, 0], "auto").unwrap().min_axis(1), "no identity");
    assert_eq!(values(zeros([2, 0], 1).unwrap().norm_axis(Norm::Inf, 1).unwrap()), [0.0, 0.0]);
    refused(zeros([2, 0], 1).unwrap().norm_axis(Norm::NegInf, 1), "minimum which has no identity");
    let few = from_ndarray(array![[1.0, f64::NAN, 4.0], [1.0, 2.0, 4.0]], 1).unwrap();
    let spread = values(few.nanvar(1, 2).unwrap());
    assert!(spread[0].is_nan() && (spread[1] - 14.0 / 3.0).abs() < 1e-14);
    assert_eq!((values(nothing.sum_axis(0).unwrap()), nothing.min_axis(1).unwrap().shape()), (vec![0.0; 3], &[0][..]));
    assert!(item(nothing.mean()).is_nan());
}

#[test]
fn more_of_the_face_of_numpy() {
    let x = arange(0, 6, 1, 4).unwrap().reshape([2, 3]).unwrap();
    assert_eq!(values(x.t()), [0, 3, 1, 4, 2, 5]);
    assert_eq!(values(x.transpose(&[1, 0]).unwrap()), values(x.t()));
    assert_eq!(
        (values(x.reshape([3, -1]).unwrap()), x.rechunk((1, 2)).unwrap().numblocks()),
        ((0..6).collect(), vec![2, 2])
    );
    assert_eq!(concatenate(&[&x, &x], 1).unwrap().shape(), [2, 6]);
    assert_eq!(stack(&[&x, &x], 0).unwrap().shape(), [2, 2, 3]);
    let gram = [5, 14, 14, 50];
    assert_eq!([values(x.dot(&x.t()).unwrap()), values(x.matmul(&x.t()).unwrap())], [gram.to_vec(), gram.to_vec()]);
    assert_eq!(values(x.tensordot(&x, ([1], [1])).unwrap()), gram);
    assert_eq!(item(x.astype::<f64>().norm_axis(Norm::Fro, [0, 1])), 55f64.sqrt());
    assert_eq!(values(x.map_blocks(|block, _| block.mapv(|v| v * 2)).unwrap()), [0, 2, 4, 6, 8, 10]);
    let line = arange(0, 6, 1, 2).unwrap();
    let sums = line.map_overlap(&[1], Boundary::Constant(0), |block, _| {
        let sum = |i: usize| (i.saturating_sub(1)..(i + 2).min(block.len())).map(|j| block[[j]]).sum::<i64>();
        ArrayD::from_shape_fn(block.shape(), |i| sum(i[0]))
    });
    assert_eq!(values(sums.unwrap()), [1, 3, 6, 9, 12, 9]);
    assert_eq!(values(x.astype::<bool>()), [false, true, true, true, true, true]);
    let folder = tempfile::tempdir().unwrap();
    x.to_zarr(folder.path().join("z"), ZarrOptions::default()).unwrap();
    x.to_npy_stack(folder.path().join("n"), 0).unwrap();
    let read = [from_zarr::<i64>(folder.path().join("z")).unwrap(), from_npy_stack(folder.path().join("n")).unwrap()];
    assert_eq!(read.map(values), [values(x.clone()), values(x.clone())]);
    let held = x.persist().unwrap();
    held.wait().unwrap();
    assert_eq!(held.compute().unwrap(), x.compute().unwrap());
    let picture = x.sum().unwrap().visualize().unwrap();
    assert!(picture.dot().unwrap().contains("->") && picture.svg().unwrap().contains("<svg"));
}

#[test]
fn random_numbers() {
    fn alike<T: Element>(of: impl Fn(u64, ChunkSpec) -> partita::Result<Array<T>>) {
        let whole = of(42, "auto".into()).unwrap();
        for cut in [1usize, 7, 64] {
            assert_eq!(of(42, cut.into()).unwrap().compute().unwrap(), whole.compute().unwrap());
        }
        assert!(of(43, "auto".into()).unwrap().compute().unwrap() != whole.compute().unwrap());
        // a number is that of its place in whatever is made of it
        let part = of(42, 5.into()).unwrap().slice((step(-3),)).unwrap();
        assert_eq!(values(part), values(whole.slice((step(-3),)).unwrap()));
    }
    alike(|seed, cut| uniform(seed, [100], cut));
    alike(|seed, cut| normal(seed, 1.0, 2.0, [100], cut));
    alike(|seed, cut| exponential(seed, 1.0, [100], cut));
    alike(|seed, cut| poisson(seed, 4.0, [100], cut));
    alike(|seed, cut| integers(seed, 0, 1000, [100], cut));
    alike(|seed, cut| choice(seed, &[1, 2, 3, 4], [100], cut));
    alike(|seed, cut| permutation(seed, 100, cut));
    let table = |cut: ChunkSpec| uniform(1, [30, 20], cut).unwrap().compute().unwrap();
    assert_eq!(table((7, 3).into()), table((30, 1).into()));
}

#[test]
fn huge() {
    // 72 MB in 8: blocks (i, j) and (j, i) are made together, and made again rather than held
    let session = Session::builder().threads(2).memory_limit("8MB").build().unwrap();
    let x = uniform(7, [3000, 3000], 500).unwrap().in_session(&session);
    let y = &x + x.t() - x.mean_axis(0).unwrap();
    let (sum, expected) = (item(y.sum()), item(x.sum()));
    assert!((sum / expected - 1.0).abs() < 1e-12, "{sum} {expected}");
    assert!(session.budget().peak() <= 8_000_000 && session.task_context().spill.written().0 == 0);
    // and the notebook's, whose elements would be 6.4 GB
    let big = ones([200_000, 4000], "auto").unwrap();
    assert_eq!((big.nbytes(), big.npartitions()), (6_400_000_000, 48));
    let corner = big.slice((step(-1000), step(-100))).unwrap();
    assert_eq!(item((&corner * corner.slice((step(-1), step(-1))).unwrap()).mean()), 1.0);
    assert_eq!(corner.cos().powi(2).mean_axis(1).unwrap().shape(), [200]);
}
