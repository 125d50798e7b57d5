//! Structure, products, blocks and random numbers of arrays against slow twins; inputs are held in blocks of their own, so
//! that what a region needs is tested too.

use ndarray::{ArrayD, Axis, IxDyn, Slice};
use partita::Session;
use partita::array::map::Boundary;
use partita::array::shape::{Index, Pad, block, concatenate, hstack, stack, step, vstack};
use partita::array::{Array, AxisChunks, ChunkSpec, Chunks, arange, from_fn, from_ndarray, random};
use proptest::prelude::*;

fn numbered(shape: &[usize]) -> ArrayD<i64> {
    let values = (0..shape.iter().product::<usize>() as i64).map(|i| (i * 7919) % 1000).collect();
    ArrayD::from_shape_vec(IxDyn(shape), values).unwrap()
}

/// The array held in these chunks, as results of tasks.
fn held(array: &ArrayD<i64>, sizes: &[usize]) -> Array<i64> {
    let spec = ChunkSpec::Axes(sizes.iter().map(|&size| AxisChunks::Size(size)).collect());
    from_ndarray(array.clone(), spec).unwrap().map_blocks(|block, _| block.to_owned()).unwrap()
}

fn flat(array: &Array<i64>) -> Vec<i64> {
    assert_eq!(array.chunks().shape(), array.shape());
    array.compute().unwrap().iter().copied().collect()
}

/// The elements along an axis with these numbers.
fn selected(array: &ArrayD<i64>, axis: usize, numbers: &[usize]) -> ArrayD<i64> {
    array.select(Axis(axis), numbers)
}

/// A shape, and the sizes of chunks.
fn cut(most: usize) -> impl Strategy<Value = (Vec<usize>, Vec<usize>)> {
    proptest::collection::vec((1usize..most, 1usize..most), 1..4).prop_map(|axes| axes.into_iter().unzip())
}

fn same(lazy: &Array<i64>, twin: &ArrayD<i64>) -> std::result::Result<(), TestCaseError> {
    prop_assert_eq!(lazy.chunks().shape(), lazy.shape());
    prop_assert_eq!(&lazy.compute().unwrap(), twin);
    // and as a part of something that reads it otherwise
    let turned = lazy.slice(vec![step(-1); lazy.ndim()]).unwrap().t();
    let mut back = twin.clone();
    (0..twin.ndim()).for_each(|axis| back.invert_axis(Axis(axis)));
    prop_assert_eq!(turned.compute().unwrap(), back.reversed_axes());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn along_an_axis((shape, sizes) in cut(9), turn in 0usize..3, picks in proptest::collection::vec(any::<u16>(), 0..30), shift in -20isize..20) {
        let twin = numbered(&shape);
        let x = held(&twin, &sizes);
        let axis = turn % shape.len();
        let (at, len) = (axis as isize, shape[axis]);
        let numbers: Vec<usize> = picks.iter().map(|&p| p as usize % len).collect();
        let signed: Vec<isize> = picks.iter().zip(&numbers).map(|(p, &n)| if p & 256 == 0 { n as isize } else { n as isize - len as isize }).collect();
        same(&x.take(&signed, at).unwrap(), &selected(&twin, axis, &numbers))?;
        let rolled: Vec<usize> = (0..len as isize).map(|i| (i - shift).rem_euclid(len as isize) as usize).collect();
        same(&x.roll(shift, at).unwrap(), &selected(&twin, axis, &rolled))?;
        let flipped: Vec<usize> = (0..len).rev().collect();
        same(&x.flip(at).unwrap(), &selected(&twin, axis, &flipped))?;
        let times = turn + 1;
        let repeated: Vec<usize> = (0..len * times).map(|i| i / times).collect();
        same(&x.repeat(times, at).unwrap(), &selected(&twin, axis, &repeated))?;
        let tiled: Vec<usize> = (0..len * times).map(|i| i % len).collect();
        let mut all = vec![1; shape.len()];
        all[axis] = times;
        same(&x.tile(&all).unwrap(), &selected(&twin, axis, &tiled))?;
        let marks: Vec<bool> = (0..len).map(|i| picks.get(i).is_some_and(|p| p % 2 == 0)).collect();
        let mask = from_ndarray(ndarray::Array1::from_vec(marks.clone()), 3).unwrap();
        let marked: Vec<usize> = (0..len).filter(|&i| marks[i]).collect();
        same(&x.compress(&mask, at).unwrap(), &selected(&twin, axis, &marked))?;
        // what is put together again is what it was
        let middle = (len / 2) as isize;
        let part = |range| { let mut i = vec![step(1); shape.len()]; i[axis] = range; x.slice(i).unwrap() };
        let (front, back) = (part(Index::from(..middle as i32)), part(Index::from(middle as i32..)));
        same(&concatenate(&[front, back], at).unwrap(), &twin)?;
        let both = stack(&[&x, &x.flip(at).unwrap()], at).unwrap();
        let views = [twin.view(), selected(&twin, axis, &flipped).view().to_owned().view()].map(|v| v.to_owned());
        same(&both, &ndarray::stack(Axis(axis), &[views[0].view(), views[1].view()]).unwrap())?;
    }

    #[test]
    fn padding((shape, sizes) in cut(7), before in 0usize..9, after in 0usize..9, turn in 0usize..3) {
        let twin = numbered(&shape);
        let x = held(&twin, &sizes);
        let axis = turn % shape.len();
        let mut widths = vec![(0, 0); shape.len()];
        widths[axis] = (before, after);
        let n = shape[axis] as isize;
        let mirrored = |at: isize| if n == 1 { 0 } else { let r = at.rem_euclid(2 * (n - 1)); r.min(2 * (n - 1) - r) };
        let twice = |at: isize| { let r = at.rem_euclid(2 * n); r.min(2 * n - 1 - r) };
        let numbers = |of: &dyn Fn(isize) -> isize| (-(before as isize)..n + after as isize).map(|at| of(at) as usize).collect::<Vec<_>>();
        same(&x.pad(&widths, Pad::Edge).unwrap(), &selected(&twin, axis, &numbers(&|at| at.clamp(0, n - 1))))?;
        same(&x.pad(&widths, Pad::Wrap).unwrap(), &selected(&twin, axis, &numbers(&|at| at.rem_euclid(n))))?;
        same(&x.pad(&widths, Pad::Reflect).unwrap(), &selected(&twin, axis, &numbers(&mirrored)))?;
        same(&x.pad(&widths, Pad::Symmetric).unwrap(), &selected(&twin, axis, &numbers(&twice)))?;
        let padded = x.pad(&widths, Pad::Constant(-1)).unwrap();
        prop_assert_eq!(padded.shape()[axis], before + shape[axis] + after);
        let mut expected = selected(&twin, axis, &numbers(&|at| at.clamp(0, n - 1)));
        expected.slice_axis_mut(Axis(axis), Slice::from(..before)).fill(-1);
        expected.slice_axis_mut(Axis(axis), Slice::from(before + shape[axis]..)).fill(-1);
        same(&padded, &expected)?;
    }

    #[test]
    fn other_axes((shape, sizes) in cut(9), parts in proptest::collection::vec(1usize..9, 0..4), turn in 0usize..3) {
        let twin = numbered(&shape);
        let x = held(&twin, &sizes);
        let size = twin.len();
        // a shape of as many elements
        let mut left = size;
        let mut wanted: Vec<usize> = Vec::new();
        for part in parts {
            if left.is_multiple_of(part) {
                wanted.push(part);
                left /= part;
            }
        }
        wanted.push(left);
        let mut signed: Vec<isize> = wanted.iter().map(|&len| len as isize).collect();
        let open = turn % signed.len();
        signed[open] = -1;
        let reshaped = x.reshape(&signed).unwrap();
        same(&reshaped, &twin.to_shape(wanted.clone()).unwrap().to_owned())?;
        same(&x.ravel().unwrap(), &twin.to_shape(vec![size]).unwrap().to_owned())?;
        // other chunks, and back again by way of them
        let cut = |size: usize| ChunkSpec::Axes(vec![AxisChunks::Size(size); shape.len()]);
        let other = x.rechunk(cut(turn + 2)).unwrap();
        same(&other, &twin)?;
        same(&other.map_blocks(|block, _| block.to_owned()).unwrap().rechunk(cut(turn + 1)).unwrap(), &twin)?;
        let axis = turn % shape.len();
        same(&x.moveaxis(axis as isize, -1).unwrap().moveaxis(-1, axis as isize).unwrap(), &twin)?;
        let mut swapped = twin.clone();
        swapped.swap_axes(0, axis);
        same(&x.swapaxes(0, axis as isize).unwrap(), &swapped.as_standard_layout().to_owned())?;
        same(&x.expand_dims(axis as isize).unwrap().squeeze_axis(axis as isize).unwrap(), &twin)?;
        // marked elements, by a mask in other chunks
        let mask = twin.mapv(|v| v % 3 == 0);
        let marked: Vec<i64> = twin.iter().copied().filter(|v| v % 3 == 0).collect();
        let lazy = x.mask(&from_ndarray(mask, "auto").unwrap()).unwrap();
        same(&lazy, &ArrayD::from_shape_vec(vec![marked.len()], marked).unwrap())?;
    }

    #[test]
    fn diagonals(rows in 1usize..40, columns in 1usize..40, size in 1usize..20, k in -45isize..45) {
        let twin = numbered(&[rows, columns]);
        let x = held(&twin, &[size, size + 3]);
        let on = |i: usize, j: usize| j as isize - i as isize;
        let kept = |keep: &dyn Fn(isize) -> bool| ArrayD::from_shape_fn(vec![rows, columns], |i| if keep(on(i[0], i[1])) { twin[&i] } else { 0 });
        same(&x.tril(k).unwrap(), &kept(&|away| away <= k))?;
        same(&x.triu(k).unwrap(), &kept(&|away| away >= k))?;
        let diagonal: Vec<i64> = twin.indexed_iter().filter(|(i, _)| on(i[0], i[1]) == k).map(|(_, v)| *v).collect();
        let lazy = x.diag(k).unwrap();
        same(&lazy, &ArrayD::from_shape_vec(vec![diagonal.len()], diagonal.clone()).unwrap())?;
        let square = lazy.diag(k).unwrap();
        let side = diagonal.len() + k.unsigned_abs();
        let expected = ArrayD::from_shape_fn(vec![side, side], |i| if on(i[0], i[1]) == k { diagonal[i[0].min(i[1])] } else { 0 });
        same(&square, &expected)?;
    }

    #[test]
    fn products(m in 1usize..30, k in 1usize..30, n in 1usize..30, batch in 1usize..4, size in 1usize..20) {
        let (a, b) = (numbered(&[batch, m, k]), numbered(&[batch, k, n]));
        let twin = ArrayD::from_shape_fn(vec![batch, m, n], |i| (0..k).map(|j| a[[i[0], i[1], j]] * b[[i[0], j, i[2]]]).sum());
        let (x, y) = (held(&a, &[1, size, size + 1]), held(&b, &[2, size + 2, size]));
        same(&x.matmul(&y).unwrap(), &twin)?;
        let first = |x: &Array<i64>| x.slice((0,)).unwrap();
        let flat_twin = twin.index_axis(Axis(0), 0).to_owned();
        same(&first(&x).matmul(&first(&y)).unwrap(), &flat_twin)?;
        same(&first(&x).dot(&first(&y)).unwrap(), &flat_twin)?;
        same(&first(&x).slice((0,)).unwrap().matmul(&first(&y)).unwrap(), &flat_twin.index_axis(Axis(0), 0).to_owned())?;
        same(&x.tensordot(&y, ([2, 0], [1, 0])).unwrap(), &twin.sum_axis(Axis(0)))?;
        let floats = |x: &Array<i64>| x.astype::<f64>();
        prop_assert_eq!(floats(&x).matmul(&floats(&y)).unwrap().compute().unwrap(), twin.mapv(|v| v as f64));
    }

    #[test]
    fn neighbourhoods((shape, sizes) in cut(9), depth in 0usize..5) {
        let twin = numbered(&shape);
        let x = held(&twin, &sizes);
        let depths = vec![depth; shape.len()];
        for (boundary, pad) in [(Boundary::Periodic, Pad::Wrap), (Boundary::Nearest, Pad::Edge), (Boundary::Constant(5), Pad::Constant(5))] {
            let wide = x.pad(&[(depth, depth)], pad).unwrap().compute().unwrap();
            let starts = shape.clone();
            // the element `depth` before, along every axis
            let shifted = x.map_overlap(&depths, boundary, move |block, _| {
                ArrayD::from_shape_fn(block.shape(), |i| {
                    let before: Vec<usize> = (0..starts.len()).map(|a| i[a].saturating_sub(depth)).collect();
                    block[&before[..]]
                })
            }).unwrap();
            let expected = ArrayD::from_shape_fn(shape.clone(), |i| wide[i]);
            same(&shifted, &expected)?;
        }
        let untouched = x.map_overlap(&depths, Boundary::None, |block, _| block.to_owned()).unwrap();
        same(&untouched, &twin)?;
    }
}

#[test]
fn what_does_not_fit_is_said_as_numpy_does() {
    let x = from_ndarray(numbered(&[3, 4]), 2).unwrap();
    let error = |result: partita::Result<Array<i64>>| result.unwrap_err().to_string();
    assert!(error(x.take([4], 1)).contains("index 4 is out of bounds for axis 1 with size 4"));
    assert!(error(x.take([-4], 0)).contains("index -4 is out of bounds for axis 0 with size 3"));
    assert!(error(x.reshape([5, 2])).contains("cannot reshape array of size 12 into shape [5, 2]"));
    assert!(error(x.reshape([-1, -1])).contains("can only specify one unknown dimension"));
    assert!(error(x.reshape([-1, 5])).contains("cannot reshape array of size 12"));
    let y = from_ndarray(numbered(&[3, 5]), 2).unwrap();
    assert!(
        error(concatenate(&[&x, &y], 0))
            .contains("the array at index 0 has size 4 and the array at index 1 has size 5")
    );
    assert!(error(concatenate::<i64, Array<i64>>(&[], 0)).contains("need at least one array"));
    assert!(error(stack(&[&x, &y], 0)).contains("[3, 4] and [3, 5]"));
    assert!(error(x.matmul(&y)).contains("[3, 4] and [3, 5]"));
    assert!(error(x.tensordot(&y, ([1], [1]))).contains("[3, 5]"));
    assert!(error(x.squeeze_axis(0)).contains("axis 0 of the shape [3, 4]"));
    assert!(error(x.roll(1, 2)).contains("axis 2 is out of bounds for array of dimension 2"));
    assert!(
        error(x.mask(&from_ndarray(numbered(&[4, 3]).mapv(|v| v > 3), 2).unwrap())).contains("[3, 4], the mask [4, 3]")
    );
    assert!(error(x.ravel().unwrap().fliplr()).contains(">= 2-d"));
    let wrong = x.map_blocks(|block, _| block.to_owned().remove_axis(Axis(0)).into_dyn()).unwrap();
    assert!(wrong.compute().unwrap_err().to_string().contains("not [2, 2]"));
    let empty = x.slice((..0,)).unwrap();
    assert!(error(empty.pad(&[(1, 1)], Pad::Edge)).contains("can't extend empty axis 0"));
    assert_eq!(flat(&empty.reshape([4, 0]).unwrap()), Vec::<i64>::new());
    assert_eq!(concatenate(&[&empty, &x], 0).unwrap().compute().unwrap(), numbered(&[3, 4]));
}

#[test]
fn several_as_one() {
    let (a, b) = (arange(0.0, 3.0, 1.0, 2).unwrap(), arange(10.0, 13.0, 1.0, 2).unwrap());
    let values =
        |x: Array<f64>| (x.shape().to_vec(), x.compute().unwrap().iter().map(|v| *v as i64).collect::<Vec<_>>());
    assert_eq!(values(hstack(&[&a, &b]).unwrap()), (vec![6], vec![0, 1, 2, 10, 11, 12]));
    assert_eq!(values(vstack(&[&a, &b]).unwrap()), (vec![2, 3], vec![0, 1, 2, 10, 11, 12]));
    assert_eq!(values(block(&[vec![&a, &b], vec![&b, &a]]).unwrap()).0, [2, 6]);
    assert_eq!(values(a.outer(&b).unwrap()), (vec![3, 3], vec![0, 0, 0, 10, 11, 12, 20, 22, 24]));
    assert_eq!(a.matmul(&b).unwrap().item().unwrap(), 35.0);
    assert_eq!(a.vdot(&b).unwrap().item().unwrap(), 35.0);
    let tall = from_fn([6, 2], (2, 2), |i| (i[0] + i[1]) as i64).unwrap();
    let sums =
        tall.map_blocks_to(Chunks::new([vec![1; 3]]), |block, _| ndarray::arr1(&[block.sum()]).into_dyn()).unwrap();
    assert_eq!(flat(&sums), [4, 12, 20]);
    assert!(tall.map_blocks_to(Chunks::new([vec![1; 2]]), |b, _| b.to_owned()).is_err());
}

#[test]
fn large_sums_of_products_are_divided_the_same_way_always() {
    let x = random::uniform(1, [3, 40_000], 1000).unwrap();
    let y = random::uniform(2, [40_000, 2], (7_777, 1)).unwrap();
    let product = x.matmul(&y).unwrap().compute().unwrap();
    let other = x.rechunk((3, 333)).unwrap().matmul(&y.rechunk("auto").unwrap()).unwrap().compute().unwrap();
    assert_eq!(product, other);
    let (a, b) = (x.compute().unwrap(), y.compute().unwrap());
    let expected: f64 = (0..40_000).map(|k| a[[1, k]] * b[[k, 1]]).sum();
    assert!((product[[1, 1]] - expected).abs() < 1e-8);
}

#[test]
fn rows_become_columns_in_little_memory() {
    // 8 MB in 1,000 rows, which become 1,000 columns: a million pieces of one element, were they moved at once
    let session = Session::builder().threads(2).memory_limit("2MB").build().unwrap();
    let x = random::integers(3, 0, 1_000_000, [1000, 1000], (1, 1000)).unwrap().in_session(&session);
    let rows = x.persist().unwrap();
    let columns = rows.rechunk((1000, 1)).unwrap();
    assert_eq!((columns.numblocks(), columns.chunks().axis(0)), (vec![1, 1000], &[1000][..]));
    // two steps lie between
    assert_eq!(columns.num_tasks().unwrap(), 4000);
    let mut twins = x.rechunk((1000, 1)).unwrap().blocks();
    for column in columns.blocks() {
        assert_eq!(column.unwrap(), twins.next().unwrap().unwrap());
    }
    assert!(twins.next().is_none() && session.budget().peak() <= 2_000_000);
    // and where pieces are large they move at once: a task a chunk
    let few = rows.rechunk((100, 1000)).unwrap();
    assert_eq!(few.num_tasks().unwrap(), 1000 + 10);
    assert_eq!(few.sum().unwrap().item().unwrap(), x.sum().unwrap().item().unwrap());
}

/// How far the drawn numbers are from a distribution function: Kolmogorov and Smirnov's statistic times the root of how
/// many there are; 1.95 is passed once in a thousand.
fn distance(mut drawn: Vec<f64>, up_to: impl Fn(f64) -> f64) -> f64 {
    drawn.sort_unstable_by(f64::total_cmp);
    let n = drawn.len() as f64;
    let away = drawn
        .iter()
        .enumerate()
        .map(|(i, &x)| (up_to(x) - i as f64 / n).abs().max((up_to(x) - (i + 1) as f64 / n).abs()));
    away.fold(0.0, f64::max) * n.sqrt()
}

#[test]
fn numbers_have_their_distributions() {
    let numbers = |x: Array<f64>| x.compute().unwrap().iter().copied().collect::<Vec<_>>();
    // the distribution function of the normal one by adding up its density
    let normal = |x: f64| {
        let steps = 2000;
        let width = (x + 8.5) / f64::from(steps);
        let density = |at: f64| (-at * at / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
        (0..steps).map(|i| density(-8.5 + (f64::from(i) + 0.5) * width)).sum::<f64>() * width
    };
    let drawn = numbers(random::normal(11, 3.0, 2.0, [20_000], 999).unwrap());
    let (n, mean) = (drawn.len() as f64, drawn.iter().sum::<f64>() / drawn.len() as f64);
    let variance = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    assert!((mean - 3.0).abs() < 3.3 * 2.0 / n.sqrt() && (variance / 4.0 - 1.0).abs() < 3.3 * (2.0 / n).sqrt());
    let some = drawn.into_iter().take(4000).map(|x| (x - 3.0) / 2.0).collect();
    assert!(distance(some, normal) < 1.95);
    assert!(
        distance(numbers(random::exponential(5, 0.5, [20_000], "auto").unwrap()), |x| 1.0 - (-2.0 * x).exp()) < 1.95
    );
    assert!(distance(numbers(random::uniform(5, [20_000], "auto").unwrap()), |x| x) < 1.95);
    let dice = random::integers(3, 1, 7, [100, 600], (7, 11)).unwrap().compute().unwrap();
    let chi: f64 = (1..=6)
        .map(|side| dice.iter().filter(|&&d| d == side).count() as f64)
        .map(|seen| (seen - 1e4).powi(2) / 1e4)
        .sum();
    assert!(chi < 20.5, "{chi}"); // five degrees of freedom, once in a thousand
    let wide = random::integers(3, i64::MIN, i64::MAX, [1000], "auto").unwrap().compute().unwrap();
    assert!(wide.iter().any(|&v| v < -(1 << 62)) && wide.iter().any(|&v| v > 1 << 62));
    assert!(random::integers(3, 5, 5, [1], "auto").unwrap_err().to_string().contains("low >= high"));
    let weighted = random::choice_by(9, &[1i32, 2, 3], &[0.5, 0.0, 0.5], [10_000], 77).unwrap().compute().unwrap();
    let ones = weighted.iter().filter(|&&v| v == 1).count();
    assert!(weighted.iter().all(|&v| v != 2) && (4800..5200).contains(&ones), "{ones}");
    assert!(random::choice_by(9, &[1, 2], &[0.5, 0.6], [1], "auto").unwrap_err().to_string().contains("sum to 1"));
    let mut without: Vec<i64> =
        random::choice_without(9, &[5, 6, 7, 8], 4, 1).unwrap().compute().unwrap().into_iter().collect();
    without.sort_unstable();
    assert_eq!(without, [5, 6, 7, 8]);
    let order = random::permutation(4, 200_000, 10_000).unwrap();
    assert_eq!(order.sum().unwrap().item().unwrap(), 200_000 * 199_999 / 2);
    assert_eq!(
        flat(&order.slice((step(-7777),)).unwrap()),
        flat(&order.rechunk("auto").unwrap().slice((step(-7777),)).unwrap())
    );
}
