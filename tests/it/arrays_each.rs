//! Functions of each element: numpy's types and special values, errors where numpy is silent, laws for chunks and threads.

use partita::array::{Array, arange, from_ndarray, full, ones, where_};
use partita::{ErrorKind, Session};
use proptest::prelude::*;

fn array<T: partita::array::Element>(values: &[T]) -> Array<T> {
    from_ndarray(ndarray::Array1::from(values.to_vec()), 2).unwrap()
}

fn values<T: partita::array::Element>(x: Array<T>) -> Vec<T> {
    x.compute().unwrap().into_iter().collect()
}

fn error<T: partita::array::Element>(x: Array<T>) -> String {
    let error = x.compute().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Value { .. }), "{error}");
    error.to_string()
}

#[test]
fn types_promote_as_in_numpy() {
    let (f, s, i, j) = (array(&[1.5f64, 2.0]), array(&[1.5f32, 2.0]), array(&[3i64, 4]), array(&[3i32, 4]));
    let (u, b) = (array(&[7u8, 8]), array(&[true, false]));
    let sums = [
        (&f + &s).dtype(),
        (&s + &u).dtype(),
        (&s + &j).dtype(),
        (&j + &i).dtype(),
        (&u + &j).dtype(),
        (&u + &b).dtype(),
        (&b + &b).dtype(),
        (&i / &j).dtype(),
        (&s / &u).dtype(),
        (&u / &b).dtype(),
        (&s + 1).dtype(),
        (&s * 0.5).dtype(),
        (&u + 1).dtype(),
        (&j + 1.5).dtype(),
        (&b + 1).dtype(),
        (1 - &j).dtype(),
        u.sin().dtype(),
        s.sin().dtype(),
    ];
    let names = sums.map(|dtype| dtype.to_string());
    let numpys = [
        "float64", "float32", "float64", "int64", "int32", "uint8", "bool", "float64", "float32", "float64", "float32",
        "float32", "uint8", "float64", "int64", "int32", "float64", "float32",
    ];
    assert_eq!(names, numpys);
}

#[test]
fn operators_take_arrays_and_numbers_on_both_sides() {
    let x = array(&[1.0, 2.0, 4.0]);
    assert_eq!(values((2.0 * &x - 1.0) / &x + x.clone()), [2.0, 3.5, 5.75]);
    assert_eq!(values(1 - &x), [0.0, -1.0, -3.0]);
    assert_eq!(values(8.0 / x.clone()), [8.0, 4.0, 2.0]);
    assert_eq!(values(-&x % 3.0), [2.0, 1.0, 2.0]);
    let n = array(&[7i64, -7, 6]);
    assert_eq!(values(&n % 4), [3, 1, 2]);
    assert_eq!(values(&n % -4), [-1, -3, -2]);
    assert_eq!(values(n.floor_divide(4)), [1, -2, 1]);
    assert_eq!(values(10 - &n), [3, 17, 4]);
    assert_eq!(values((&n & 3) | (&n ^ 1)), [7, -7 & 3 | (-7 ^ 1), 7]);
    assert_eq!(values(!(x.gt(1.0) & x.lt(4.0))), [true, false, true]);
    assert_eq!(values(n.power(2)), [49, 49, 36]);
}

#[test]
fn what_numpy_makes_up_is_an_error() {
    assert!(error(array(&[i64::MAX]) + 1).contains("add of 9223372036854775807 and 1 overflows int64"));
    assert!(error(array(&[200u8]) + array(&[100u8])).contains("add of 200 and 100 overflows uint8"));
    assert!(error(array(&[1u8]) - 2).contains("subtract of 1 and 2 overflows uint8"));
    assert!(error(1 - array(&[2u8])).contains("subtract of 1 and 2 overflows uint8"));
    assert!(error(array(&[1i32 << 20]).square()).contains("overflows int32"));
    assert!(error(array(&[5i64]) % 0).contains("5 % 0"));
    assert!(error(array(&[5i64]).floor_divide(0)).contains("5 cannot be divided by zero"));
    assert!(error(array(&[i32::MIN]).floor_divide(-1)).contains("overflows int32"));
    assert!(error(array(&[2i64]).power(-1)).contains("no negative powers"));
    assert!(error(-array(&[i32::MIN])).contains("overflows int32"));
    assert!(error(array(&[i64::MIN]).abs()).contains("overflows int64"));
    assert!(error(array(&[f64::NAN]).astype::<i64>()).contains("NaN cannot be converted to int64"));
    assert!(error(array(&[1e30]).astype::<i64>()).contains("cannot be converted to int64"));
    assert!(error(array(&[300i32]).astype::<u8>()).contains("300 cannot be converted to uint8"));
    // whole numbers divide to floating ones: no error there
    assert_eq!(values(array(&[1i64, -1]) / array(&[0i64, 0])), [f64::INFINITY, f64::NEG_INFINITY]);
    let minus_one: i64 = -1;
    assert_eq!(values(array(&[i64::MIN]) % minus_one), [0]);
}

#[test]
fn errors_of_operators_wait_and_stay() {
    let (x, y) = (ones([3, 4], "auto").unwrap(), ones([3, 5], "auto").unwrap());
    let sum = (&x + &y).cos() * 2.0;
    let named = |error: partita::Error| {
        let error = error.to_string();
        assert!(error.contains("failed to add") && error.contains("[3, 4] and [3, 5]"), "{error}");
    };
    named(sum.sum().unwrap_err());
    named(sum.compute().unwrap_err());
    named(sum.sum_axis(7).unwrap_err());
    named(sum.t().item().unwrap_err());
    named((&x * &sum).checked().unwrap_err());
    named(where_(&sum.gt(0.0), &x, 0.0).checked().unwrap_err());
    named((ones([0, 4], "auto").unwrap() * (&x + &y)).sum().unwrap_err());
}

#[test]
fn special_numbers() {
    let nan = f64::NAN;
    let x = array(&[1.0, nan, -2.0, nan]);
    let y = array(&[nan, 2.0, -1.0, nan]);
    let text = |x: Array<f64>| format!("{:?}", values(x));
    assert_eq!(text(x.minimum(&y)), "[NaN, NaN, -2.0, NaN]");
    assert_eq!(text(x.maximum(&y)), "[NaN, NaN, -1.0, NaN]");
    assert_eq!(text(x.fmin(&y)), "[1.0, 2.0, -2.0, NaN]");
    assert_eq!(text(x.fmax(&y)), "[1.0, 2.0, -1.0, NaN]");
    assert_eq!(text(x.clip(-1.0, 0.5)), "[0.5, NaN, -1.0, NaN]");
    let far = values(array(&[f64::MAX, -f64::MAX, 1e299]).arcsinh());
    assert!((far[0] - 710.475860073944).abs() < 1e-12 && far[1] == -far[0] && (far[2] - 689.16608998).abs() < 1e-7);
    assert_eq!(values(array(&[f64::MAX, f64::INFINITY]).arccosh()), [far[0], f64::INFINITY]);
    assert_eq!(text(array(&[0.5, 1.5, 2.5, -0.5]).rint()), "[0.0, 2.0, 2.0, -0.0]");
    assert_eq!(text(array(&[1.005, 2.675, -1234.5]).round(2)), "[1.0, 2.68, -1234.5]");
    assert_eq!(text(array(&[1250.0, 1350.0]).round(-2)), "[1200.0, 1400.0]");
    let most = f64::MAX;
    assert_eq!(values(array(&[nan, f64::INFINITY, f64::NEG_INFINITY, 1.0]).nan_to_num()), [0.0, most, -most, 1.0]);
    assert_eq!(values(x.isnan()), [false, true, false, true]);
    assert_eq!(values(x.eq(&x)), [true, false, true, false]);
    assert_eq!(values(x.logical_and(1.0)), [true; 4]);
    assert_eq!(text(array(&[1.0, -1.0, 0.0]) % 0.0), "[NaN, NaN, NaN]");
    assert_eq!(text(array(&[-1.0, 1.0]) % f64::INFINITY), "[inf, 1.0]");
    assert_eq!(text(array(&[-1.0, 7.0]).floor_divide(2.0)), "[-1.0, 3.0]");
    assert_eq!(values(x.isnan().choose(1, 0)), [0, 1, 0, 1]);
    assert_eq!(values(where_(&array(&[true, false]), &array(&[1u8, 2]), &array(&[-1i32, -2]))), [1, -2]);
    assert_eq!(where_(&full([3, 1], true, "auto").unwrap(), &array(&[1.0, 2.0]), 0.0).shape(), [3, 2]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn nothing_depends_on_chunks_or_threads(
        len in 1usize..700, cut in 1usize..300, threads in 1usize..4, scale in prop_oneof![Just(1.0), Just(1e3), Just(1e6), Just(1e300)]
    ) {
        let session = Session::builder().threads(threads).memory_limit("64MB").build().unwrap();
        let formula = |x: &Array<f64>| {
            let x = (x - 100.5) * scale;
            let mask = x.sin().gt(0.0);
            where_(&mask, &(x.cos().powi(2) + (-x.abs()).exp()), x.abs().log()) % 0.75
        };
        let whole = formula(&arange(0.0, len as f64, 1.0, "auto").unwrap()).compute().unwrap();
        let other = formula(&arange(0.0, len as f64, 1.0, cut).unwrap().in_session(&session)).compute().unwrap();
        prop_assert!(whole.iter().zip(&other).all(|(a, b)| a.to_bits() == b.to_bits()));
        // the same of the same elements turned around
        let table = arange(0.0, len as f64, 1.0, cut).unwrap();
        let turned = table.slice((partita::array::shape::step(-1),)).unwrap();
        let back = formula(&turned).slice((partita::array::shape::step(-1),)).unwrap().compute().unwrap();
        prop_assert!(whole.iter().zip(&back).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}
