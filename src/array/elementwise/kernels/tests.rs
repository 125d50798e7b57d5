//! The kernels against the standard library.

use super::*;

type Kernel = fn(&mut [f64]);
type Twin = fn(f64) -> f64;
const ALL: [(&str, Kernel, Twin); 4] =
    [("sin", sin, f64::sin), ("cos", cos, f64::cos), ("exp", exp, f64::exp), ("log", log, f64::ln)];

/// The distance in units of the last place.
fn apart(a: f64, b: f64) -> f64 {
    if a == b || (a.is_nan() && b.is_nan()) {
        return 0.0;
    }
    (a - b).abs() / (f64::from_bits(b.abs().to_bits() + 1) - b.abs())
}

/// Numbers of every size, many near multiples of π/2, and near 1.
fn numbers() -> Vec<f64> {
    let mut state = 88_172_645_463_325_252u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let number = |i: usize| {
        let bits = next();
        let unit = (bits >> 11) as f64 / (1u64 << 53) as f64 - 0.5;
        match i % 6 {
            0 => f64::from_bits(bits),
            1 => unit * 10.0,
            2 => unit * 1430.0,
            3 => unit * 60_000.0,
            4 => (bits % 30_000) as f64 * std::f64::consts::FRAC_PI_2 * (1.0 + unit * 1e-9),
            _ => 1.0 + unit * 0.1,
        }
    };
    (0..60_000).map(number).collect()
}

#[test]
fn close_to_the_standard_library() {
    let numbers = numbers();
    for (name, kernel, twin) in ALL {
        let mut made = numbers.clone();
        kernel(&mut made);
        for (&made, &x) in made.iter().zip(&numbers) {
            assert!(apart(made, twin(x)) <= 1.0, "{name} of {x:e}: {made:e}, not {:e}", twin(x));
        }
    }
}

#[test]
fn special_numbers_are_exact() {
    let special = [
        0.0,
        -0.0,
        1.0,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        f64::MIN_POSITIVE,
        5e-324,
        f64::MAX,
        -745.2,
        709.9,
    ];
    for (name, kernel, twin) in ALL {
        let mut made = special;
        kernel(&mut made);
        for (&made, &x) in made.iter().zip(&special) {
            let same = made.to_bits() == twin(x).to_bits() || (made.is_nan() && twin(x).is_nan());
            assert!(same || (x.is_normal() && apart(made, twin(x)) <= 1.0), "{name} of {x:e}: {made:e}");
        }
    }
}

#[test]
fn places_do_not_matter() {
    let numbers = &numbers()[..600];
    for (name, kernel, _) in ALL {
        let mut together = numbers.to_vec();
        kernel(&mut together);
        for offset in [0, 1, 3, 63, 65, 597] {
            let mut part = numbers[offset..].to_vec();
            kernel(&mut part);
            assert!(
                part.iter().zip(&together[offset..]).all(|(a, b)| a.to_bits() == b.to_bits()),
                "{name} from {offset}"
            );
        }
        let mut alone = [numbers[7]];
        kernel(&mut alone);
        assert_eq!(alone[0].to_bits(), together[7].to_bits(), "{name}");
    }
}
