//! Arrays as somebody writes them who knows numpy: indices, scalars and types as they come.

use ndarray::{ArrayD, array};
use partita::ErrorKind;
use partita::array::shape::{Index, concatenate, step};
use partita::array::{
    Array, Chunks, DType, Element, arange, from_fn, from_ndarray, full, full_like, ones, ones_of, random, where_,
    zeros_of,
};
use partita::array::{from_chunks, reduce::Axes};

fn values<T: Element>(x: Array<T>) -> Vec<T> {
    x.compute().unwrap().into_iter().collect()
}

/// That it is an error of the argument, which says this.
fn refused<T>(made: Result<T, partita::Error>, says: &str) {
    let error = made.err().unwrap();
    assert!(matches!(error.kind(), ErrorKind::Invalid { .. }) && error.to_string().contains(says), "{error}");
}

#[test]
fn literals_have_the_types_that_one_expects() {
    // nothing here names a type
    assert_eq!(full([3], 1.0, 1).unwrap().sum().unwrap().item().unwrap(), 3.0);
    println!("{} {:?}", full([3], 1.0, 1).unwrap().sum().unwrap().item().unwrap(), arange(0, 3, 1, 2).unwrap().max());
    assert_eq!(arange(0, 5, 1, 2).unwrap().sum().unwrap().item().unwrap(), 10);
    assert_eq!(arange(0.0f64, 5.0, 1.0, 2).unwrap().mean().unwrap().item().unwrap().sqrt(), 2f64.sqrt());
    let mean: f64 = arange(0.0, 5.0, 1.0, 2).unwrap().mean().unwrap().item().unwrap();
    assert_eq!(mean.sqrt(), 2f64.sqrt());
    assert_eq!(from_ndarray(array![1.0, 2.0], 1).unwrap().median(Axes::all()).unwrap().item().unwrap(), 1.5);
    assert_eq!(full([2], 3, 1).unwrap().dtype(), DType::Int32);
    assert_eq!(arange(0, 5, 1, 2).unwrap().dtype(), DType::Int64);
    assert_eq!(arange(0.0f32, 5.0, 1.0, 2).unwrap().dtype(), DType::Float32);
    assert_eq!((ones([2], 1).unwrap() + 1).dtype(), DType::Float64);
    assert_eq!((ones_of::<i32>([2], 1).unwrap() + 1).dtype(), DType::Int32);
    assert_eq!(values(ones_of::<bool>([2], 1).unwrap()), [true, true]);
    assert_eq!(values(zeros_of::<u8>([2], 1).unwrap()), [0, 0]);
    let x = random::uniform(1, [4, 3], (2, 2)).unwrap();
    let like = full_like(&x, 7u8).unwrap();
    assert_eq!((like.shape(), like.chunks(), values(like.clone())), (x.shape(), x.chunks(), vec![7u8; 12]));
}

#[test]
fn whole_ranges_are_those_of_python() {
    let range = |start: i64, stop: i64, step: i64| values(arange(start, stop, step, 3).unwrap());
    assert_eq!((range(0, 10, 3), range(10, 0, -3), range(5, 5, 1)), (vec![0, 3, 6, 9], vec![10, 7, 4, 1], vec![]));
    assert_eq!((range(0, 9, 3), range(3, 0, 1), range(-7, 8, 5)), (vec![0, 3, 6], vec![], vec![-7, -2, 3]));
    let far = arange(i64::MIN, i64::MAX, i64::MAX, 2).unwrap();
    assert_eq!(values(far), [i64::MIN, -1, i64::MAX - 1]);
    refused(arange(0, 3, 0, 1), "no range from 0 to 3 in steps of 0");
    refused(arange(0.0, f64::NAN, 1.0, 1), "no range");
    refused(arange(i64::MIN, i64::MAX, 1, "auto"), "too big");
}

#[test]
fn any_whole_number_is_an_index() {
    let x = from_fn([6, 4], (4, 3), |i| (i[0] * 10 + i[1]) as i64).unwrap();
    let n = 4usize;
    let same = |a: Array<i64>, b: Array<i64>| assert_eq!(a.compute().unwrap(), b.compute().unwrap());
    let rows =
        |start: isize, stop: isize| x.slice((Index::Slice { start: Some(start), stop: Some(stop), step: 1 },)).unwrap();
    same(x.slice((1..n,)).unwrap(), rows(1, 4));
    same(x.slice(1..n).unwrap(), rows(1, 4));
    same(x.slice((n..,)).unwrap(), rows(4, 6));
    same(x.slice(..n).unwrap(), rows(0, 4));
    same(x.slice(1u8..4).unwrap(), rows(1, 4));
    same(x.slice(-2i64..).unwrap(), rows(4, 6));
    same(x.slice(..-1).unwrap(), rows(0, 5));
    same(x.slice(1..=3).unwrap(), rows(1, 4));
    same(x.slice(-3..=-1).unwrap(), rows(3, 6));
    same(x.slice(..=-1).unwrap(), x.clone());
    same(x.slice(..=n).unwrap(), rows(0, 5));
    same(x.slice(0..u64::MAX).unwrap(), x.clone());
    same(x.slice(i64::MIN..2).unwrap(), rows(0, 2));
    same(x.slice(..).unwrap(), x.clone());
    same(x.slice((.., ..)).unwrap(), x.clone());
    assert_eq!(x.slice((n, 2u8)).unwrap().item().unwrap(), 42);
    assert_eq!(x.slice(-1).unwrap().shape(), [4]);
    assert_eq!(x.slice(step(-1)).unwrap().slice((0, 0)).unwrap().item().unwrap(), 50);
    refused(x.slice(u64::MAX), "out of bounds for axis 0 with size 6");
    refused(x.slice((0, 4usize)), "index 4 is out of bounds for axis 1 with size 4");
}

#[test]
fn elements_by_their_places() {
    let shape = [5, 4, 3];
    let whole = ArrayD::from_shape_fn(shape.to_vec(), |i| (i[0] * 100 + i[1] * 10 + i[2]) as i64);
    for x in [
        from_ndarray(whole.clone(), (2, 3, 2)).unwrap(),
        // in blocks of their own, so that those which are needed must be there
        from_chunks(Chunks::new([vec![2, 3], vec![4], vec![1, 2]]), {
            let whole = whole.clone();
            move |place| {
                let (rows, last) =
                    (if place[0] == 0 { 0..2 } else { 2..5 }, if place[1 + 1] == 0 { 0..1 } else { 1..3 });
                Ok(whole.slice(ndarray::s![rows, .., last]).to_owned().into_dyn())
            }
        })
        .unwrap(),
    ] {
        let (a, b, c) = ([4isize, -5, 0, 2, 2, 4], [0isize, -1, 3, 1, 1, 0], [2isize, 0, 0, -1, 1, 2]);
        let at = |axis: usize, i: isize| if i < 0 { (i + shape[axis] as isize) as usize } else { i as usize };
        let all = x.vindex(&[&a, &b, &c]).unwrap();
        let twin: Vec<i64> = (0..6).map(|i| whole[[at(0, a[i]), at(1, b[i]), at(2, c[i])]]).collect();
        assert_eq!((all.shape(), values(all.clone())), (&[6][..], twin));
        // the axes behind stay whole, and one number is for all
        let rows = x.vindex(&[&a[..], &[3]]).unwrap().compute().unwrap();
        assert_eq!(rows.shape(), [6, 3]);
        (0..6).for_each(|i| (0..3).for_each(|j| assert_eq!(rows[[i, j]], whole[[at(0, a[i]), 3, j]])));
        assert_eq!(x.vindex(&[[1, 1]]).unwrap().compute().unwrap(), x.take([1, 1], 0).unwrap().compute().unwrap());
        // numpy's x[:, [0, 1], [2, 0]], the places in front
        let inner = x.moveaxis(0, -1).unwrap().vindex(&[[0, 1], [2, 0]]).unwrap();
        assert_eq!((inner.shape(), inner.compute().unwrap()[[1, 4]]), (&[2, 5][..], whole[[4, 1, 0]]));
        let none: [[isize; 0]; 2] = [[], []];
        assert_eq!(x.vindex(&none).unwrap().shape(), [0, 3]);
        refused(x.vindex(&[&[0isize, 1][..], &[0, 1, 2]]), "shape mismatch");
        refused(x.vindex(&[[0, 1], [0, 4]]), "index 4 is out of bounds for axis 1 with size 4");
        refused(x.vindex::<[isize; 1]>(&[]), "0 lists");
        refused(x.vindex(&[[0], [0], [0], [0]]), "4 lists of numbers do not index an array of 3 axes");
    }
}

#[test]
fn numbers_stand_on_either_side_of_where() {
    let x = from_ndarray(array![-1.0, 0.0, f64::NAN, 2.0], 3).unwrap();
    let above = x.gt(0.0);
    assert_eq!(values(where_(&above, 1.0, &x).isnan()), [false, false, true, false]);
    assert_eq!(values(where_(&above, 1.5, &x).nan_to_num()), [-1.0, 0.0, 0.0, 1.5]);
    assert_eq!(values(where_(&above, 1, &x).nan_to_num()), [-1.0, 0.0, 0.0, 1.0]);
    assert_eq!(values(where_(&above, 1, 0)), [0i64, 0, 0, 1]);
    assert_eq!(values(where_(&above, 1.0, 0.0)), [0.0, 0.0, 0.0, 1.0]);
    assert_eq!(values(where_(&above, 1, 0.5)), [0.5, 0.5, 0.5, 1.0]);
    assert_eq!(values(where_(&above, true, false)), [false, false, false, true]);
    assert_eq!(values(where_(&above, 1.0, x.clone() * 0.0 + 3.0).nan_to_num()), [3.0, 3.0, 0.0, 1.0]);
    let whole = arange(0, 4, 1, 2).unwrap();
    assert_eq!(
        (where_(&above, 9, &whole).dtype(), values(where_(&above, 9, &whole))),
        (DType::Int64, vec![0, 1, 2, 9])
    );
    assert_eq!(values(where_(&above, 0.5, &whole)), [0.0, 1.0, 2.0, 0.5]);
    assert_eq!(where_(&above, 7, whole.astype::<u8>()).dtype(), DType::UInt8);
    assert_eq!(values(where_(&above, whole, 9)), [9, 9, 9, 3]);
    assert_eq!(where_(&full([3, 1], true, 1).unwrap(), 1.0, &x).shape(), [3, 4]);
    let wrong = where_(&full([3], true, 1).unwrap(), 1.0, &x).checked();
    assert!(wrong.unwrap_err().to_string().contains("cannot be broadcast together"));
}

#[test]
fn whole_numbers_have_powers() {
    let x = arange(-2, 4, 1, 4).unwrap();
    assert_eq!((values(x.powi(3)), values(x.powi(0))), (vec![-8, -1, 0, 1, 8, 27], vec![1; 6]));
    assert_eq!(values(x.astype::<f32>().powi(2)), [4.0, 1.0, 0.0, 1.0, 4.0, 9.0]);
    assert_eq!(x.slice(3..).unwrap().astype::<u8>().powi(5).dtype(), DType::UInt8);
    let error = x.slice(3..).unwrap().astype::<u8>().powi(6).compute().unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Value { .. })
            && error.to_string().contains("3 to the power of 6 overflows uint8")
    );
    let error = x.powi(-1).compute().unwrap_err().to_string();
    assert!(error.contains("whole numbers have no negative powers"), "{error}");
}

#[test]
fn products_promote_as_in_numpy() {
    let whole = arange(0, 6, 1, 2).unwrap().astype::<i32>().reshape([2, 3]).unwrap();
    let (half, bytes) = (full([3, 2], 0.5f32, 2).unwrap(), full([3], 2u8, 2).unwrap());
    let product = whole.matmul(&half).unwrap();
    assert_eq!((product.dtype(), values(product)), (DType::Float64, vec![1.5, 1.5, 6.0, 6.0]));
    assert_eq!(whole.dot(&bytes).unwrap().dtype(), DType::Int32);
    assert_eq!(values(whole.dot(&bytes).unwrap()), [6, 24]);
    assert_eq!(bytes.vdot(&half.slice((.., 0)).unwrap()).unwrap().item().unwrap(), 3.0f32);
    assert_eq!(values(whole.tensordot(&half.t(), 2).unwrap()), [7.5]);
    // by a scalar: each element
    let two = from_ndarray(ndarray::arr0(2.5), "auto").unwrap();
    assert_eq!(values(two.dot(&bytes).unwrap()), [5.0; 3]);
    assert_eq!(values(whole.dot(&two).unwrap()), [0.0, 2.5, 5.0, 7.5, 10.0, 12.5]);
    assert_eq!(two.dot(&two).unwrap().item().unwrap(), 6.25);
    refused(two.matmul(&bytes), "[] and [3]");
    let (x, y) = (ones([2, 3], 2).unwrap(), ones([4, 3], 2).unwrap());
    assert_eq!(x.tensordot(&y, 0).unwrap().shape(), [2, 3, 4, 3]);
    refused(x.tensordot(&y, 1), "shapes [2, 3] and [4, 3]");
    refused(x.tensordot(&y, 3), "3 axes of the shapes [2, 3] and [4, 3]");
}

#[test]
fn everything_rolls() {
    let x = from_fn([3, 4], (2, 3), |i| (i[0] * 4 + i[1]) as i64).unwrap();
    let flat = |shift: i64| (0..12).map(|i: i64| (i - shift).rem_euclid(12)).collect::<Vec<_>>();
    for shift in [-13, -1, 0, 5, 12] {
        let rolled = x.roll(shift, Axes::all()).unwrap();
        assert_eq!(
            (rolled.shape(), rolled.chunks(), values(rolled.clone())),
            (x.shape(), x.chunks(), flat(shift as i64))
        );
    }
    let both = x.roll(1, 0).unwrap().roll(1, 1).unwrap();
    assert_eq!(values(x.roll(1, [0, 1]).unwrap()), values(both));
    refused(x.roll(1, [0, 0]), "named twice");
    refused(x.roll(1, 2), "axis 2 is out of bounds for array of dimension 2");
    assert_eq!(values(from_ndarray(ndarray::arr0(7), "auto").unwrap().roll(3, Axes::all()).unwrap()), [7]);
}

#[test]
fn histograms_by_weight_and_density() {
    let x = from_ndarray(array![1.0, 2.0, 3.0, 7.0, f64::NAN, 99.0], 4).unwrap();
    let range = Some((1.0, 7.0));
    let (sums, edges) = x.histogram_weighted(3, range, &arange(1, 7, 1, 3).unwrap()).unwrap();
    assert_eq!((values(sums), values(edges)), (vec![3.0, 3.0, 4.0], vec![1.0, 3.0, 5.0, 7.0]));
    assert_eq!(values(x.histogram_density(3, range, None).unwrap().0), [0.25, 0.125, 0.125]);
    let (part, weights) = (x.slice(..3).unwrap(), from_ndarray(array![0.1, 0.2, 0.3], 2).unwrap());
    let (density, _) = part.histogram_density([1.0, 2.0, 2.5, 5.0], None, Some(&weights)).unwrap();
    let numpy = [1.0 / 6.0, 2.0 / 3.0, 0.2];
    assert!(values(density).iter().zip(numpy).all(|(a, b)| (a - b).abs() < 1e-15));
    refused(x.histogram_weighted(3, range, &weights), "weights have the shape of the elements, [6], not [3]");
    let nothing = ones([0], 1).unwrap();
    assert!(values(nothing.histogram_density(2, None, None).unwrap().0).iter().all(|v| v.is_nan()));
    assert_eq!(values(nothing.histogram_weighted(2, None, &nothing).unwrap().0), [0.0, 0.0]);
    // not a matter of chunks, however large
    let (u, w) =
        (random::uniform(3, [300, 700], "auto").unwrap(), random::normal(4, 1e6, 1.0, [300, 700], "auto").unwrap());
    let whole = u.histogram_weighted(7, None, &w).unwrap().0;
    let cut = u.rechunk((37, 100)).unwrap().histogram_weighted(7, None, &w.rechunk((300, 11)).unwrap()).unwrap().0;
    assert_eq!(values(whole.clone()), values(cut));
    let twin = u.lt(2.0).astype::<f64>() * &w;
    assert!((whole.sum().unwrap().item().unwrap() / twin.sum().unwrap().item().unwrap() - 1.0).abs() < 1e-14);
}

#[test]
fn zeros_keep_their_sign_where_numpy_does() {
    let of = |values: &[f64]| from_ndarray(ndarray::arr1(values), 2).unwrap();
    let signs = |x: Array<f64>| values(x).iter().map(|v| v.is_sign_negative()).collect::<Vec<_>>();
    let below = of(&[-0.0, -0.0, -0.0]);
    assert_eq!((signs(below.topk(2, 0).unwrap()), signs(below.topk(-1, 0).unwrap())), (vec![true; 2], vec![true]));
    assert_eq!(signs(of(&[-0.0, 0.0, -0.0]).topk(3, 0).unwrap()), [false, true, true]);
    // a median is a mean, which begins with 0
    assert_eq!(signs(below.median(0).unwrap()), [false]);
    assert_eq!(signs(of(&[-0.0, -0.0]).median(0).unwrap()), [false]);
    // numpy: 0, -0, 0, -0, 0
    let at = [0.0, 0.25, 0.5, 0.75, 1.0];
    assert_eq!(signs(below.quantiles(&at, 0).unwrap()), [false, true, false, true, false]);
    assert_eq!(signs(of(&[-0.0]).quantile(0.5, 0).unwrap()), [true]);
    let unique = |x: &[f64]| {
        let found = of(x).unique().unwrap();
        (found.values.iter().map(|v| v.is_sign_negative()).collect::<Vec<_>>(), found.counts.to_vec())
    };
    assert_eq!(unique(&[-0.0, -0.0, 1.0]), (vec![true, false], vec![2, 1]));
    assert_eq!(unique(&[0.0, -0.0, -1.0, -0.0]), (vec![true, false], vec![1, 3]));
}

#[test]
fn none_of_the_largest() {
    let x = ones([3, 4], (2, 2)).unwrap();
    assert_eq!((x.topk(0, 0).unwrap().shape(), x.topk(0, -1).unwrap().shape()), (&[0, 4][..], &[3, 0][..]));
    assert_eq!(x.topk(0, 1).unwrap().sum().unwrap().item().unwrap(), 0.0);
}

#[test]
fn an_axis_has_chunks() {
    let empty = || Chunks::new([vec![], vec![2]]);
    refused(ones([0, 2], empty()), "axis 0 has no chunks");
    refused(ones([3, 2], empty()), "axis 0 has no chunks");
    refused(from_chunks::<f64>(empty(), |_| Ok(ArrayD::zeros(vec![0, 2]))), "no chunks");
    refused(Array::<f64>::from_delayed(Vec::new(), empty()), "no chunks");
    // differently cut, nothing is nothing
    let (a, b) = (ones([0], Chunks::new([vec![0, 0]])).unwrap(), ones([0], Chunks::new([vec![0]])).unwrap());
    let both = &a + &b;
    assert_eq!((both.chunks().axis(0), both.sum().unwrap().item().unwrap()), (&[0][..], 0.0));
    assert_eq!(concatenate(&[a, b], 0).unwrap().shape(), [0]);
}
