//! Arrays in files: what others wrote, and what is no array.

use std::fs;
use std::path::Path;

use partita::array::{Element, ZarrOptions, from_npy_stack, from_zarr, random};
use partita::{ErrorKind, Session};

/// A description of version 2, with parts that are told.
fn describe(folder: &Path, dtype: &str, fill: &str, compressor: &str, order: &str) {
    let text = format!(
        r#"{{"zarr_format": 2, "shape": [3], "chunks": [2], "dtype": "{dtype}", "fill_value": {fill},
            "compressor": {compressor}, "filters": null, "order": "{order}"}}"#
    );
    fs::write(folder.join(".zarray"), text).unwrap();
}

#[test]
fn fill_values_fit_or_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fn filled<T: Element>(at: &Path, dtype: &str, fill: &str) -> Result<Vec<T>, String> {
        describe(at, dtype, fill, "null", "C");
        let array = from_zarr::<T>(at).map_err(|error| error.to_string())?;
        Ok(array.compute().unwrap().into_iter().collect())
    }
    assert_eq!(filled::<u8>(at, "|u1", "7"), Ok(vec![7; 3]));
    assert_eq!(filled::<i64>(at, "<i8", "-9007199254740993"), Ok(vec![-9_007_199_254_740_993; 3]));
    assert_eq!(filled::<i32>(at, "<i4", "4.0"), Ok(vec![4; 3]));
    assert_eq!(filled::<f32>(at, "<f4", "-7.5"), Ok(vec![-7.5; 3]));
    assert_eq!(filled::<f64>(at, "<f8", "null"), Ok(vec![0.0; 3]));
    assert!(filled::<f64>(at, "<f8", "\"NaN\"").unwrap().iter().all(|x| x.is_nan()));
    let infinite = |fill| filled::<f32>(at, "<f4", fill).unwrap()[0];
    assert_eq!((infinite("\"Infinity\""), infinite("\"-Infinity\"")), (f32::INFINITY, f32::NEG_INFINITY));
    // as bits, which version 3 of Zarr allows
    assert!(filled::<f32>(at, "<f4", "\"0x7fc00000\"").unwrap().iter().all(|x| x.is_nan()));
    assert_eq!(filled::<f32>(at, "<f4", "\"0xc0f00000\""), Ok(vec![-7.5; 3]));
    assert_eq!(filled::<f64>(at, "<f8", "\"0x7FF0000000000000\""), Ok(vec![f64::INFINITY; 3]));
    for fill in ["\"0x7fc0\"", "\"0x7fc00000\"", "\"0x+ff0000000000000\"", "\"nan\"", "\"\""] {
        let error = filled::<f64>(at, "<f8", fill).unwrap_err();
        assert!(error.contains("is not read"), "{error}");
    }
    assert!(filled::<i32>(at, "<i4", "\"NaN\"").unwrap_err().contains("does not fit"));
    assert!(filled::<i32>(at, "<i4", "\"0x40e00000\"").unwrap_err().contains("is not read"));
    for (dtype, fill) in [("|u1", "-7.5"), ("|u1", "256"), ("<i4", "99999999999")] {
        let error = match dtype {
            "|u1" => filled::<u8>(at, dtype, fill).unwrap_err(),
            _ => filled::<i32>(at, dtype, fill).unwrap_err(),
        };
        assert!(error.contains(&format!("the fill value {fill} does not fit")) && error.contains(".zarray"), "{error}");
    }
}

#[test]
fn chunks_that_are_not_there_are_filled() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("x");
    random::uniform(1, [4, 3], (2, 3)).unwrap().to_zarr(&at, ZarrOptions::default()).unwrap();
    fs::remove_file(at.join("c/1/0")).unwrap();
    let text = fs::read_to_string(at.join("zarr.json")).unwrap();
    for fill in ["\"NaN\"", "\"0x7ff8000000000000\""] {
        let with = text.replace("\"fill_value\":0", &format!("\"fill_value\":{fill}"));
        assert_ne!(with, text);
        fs::write(at.join("zarr.json"), with).unwrap();
        let x = from_zarr::<f64>(&at).unwrap().isnan().compute().unwrap();
        assert_eq!(x.iter().copied().collect::<Vec<_>>(), [[false; 6], [true; 6]].concat());
    }
}

#[test]
fn what_is_not_read_says_the_next_step() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for (compressor, order) in [(r#"{"id": "blosc", "cname": "lz4"}"#, "C"), ("null", "F")] {
        describe(at, "<f8", "0", compressor, order);
        let error = from_zarr::<f64>(at).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unsupported { .. }), "{error}");
        assert!(error.help_text().is_some_and(|help| help.contains("zstd")), "{error}");
    }
    // a chunk that is cut off
    describe(at, "<f8", "0", r#"{"id": "zstd", "level": 1}"#, "C");
    fs::write(at.join("0"), [0x28, 0xb5, 0x2f, 0xfd, 0x00]).unwrap();
    let error = from_zarr::<f64>(at).unwrap().compute().unwrap_err();
    assert!(error.help_text().is_some_and(|help| help.contains("damaged")), "{error}");
    // chunks that claim to be larger than any memory
    describe(at, "<f8", "0", "null", "C");
    let text = fs::read_to_string(at.join(".zarray")).unwrap().replace("[2]", "[1099511627776]");
    fs::write(at.join(".zarray"), text).unwrap();
    assert!(from_zarr::<f64>(at).and_then(|x| x.compute()).is_err());
    let stack = at.join("stack");
    random::uniform(1, [4, 3], (2, 3)).unwrap().to_npy_stack(&stack, 0).unwrap();
    let file = fs::read(stack.join("1.npy")).unwrap();
    let at = file.windows(5).position(|word| word == b"False").unwrap();
    fs::write(stack.join("1.npy"), [&file[..at], b"True ", &file[at + 5..]].concat()).unwrap();
    // elements of another type, and of one that there is not here
    let error = from_npy_stack::<i32>(&stack).unwrap_err();
    assert_eq!(error.help_text(), Some("read them as Array<f64>, and convert with astype::<i32>()"), "{error}");
    let swapped: Vec<u8> = file.iter().map(|&byte| if byte == b'<' { b'>' } else { byte }).collect();
    fs::write(stack.join("0.npy"), swapped).unwrap();
    let error = from_npy_stack::<f64>(&stack).unwrap().slice((..2,)).unwrap().compute().unwrap_err();
    assert!(error.to_string().contains("the elements are `>f8`"), "{error}");
    assert!(error.help_text().is_some_and(|help| help.contains("x.astype('<f8')")), "{error}");
    fs::write(stack.join("0.npy"), &file).unwrap();
    let error = from_npy_stack::<f64>(&stack).unwrap().compute().unwrap_err();
    assert!(error.to_string().contains("Fortran") && error.to_string().contains("1.npy"), "{error}");
}

#[test]
fn chunks_are_counted_with_what_they_take_in_files() {
    let folder = tempfile::tempdir().unwrap();
    let x = random::uniform(1, [1000, 100], (1000, 100)).unwrap();
    let small = Session::builder().threads(1).memory_limit("1.5MB").build().unwrap();
    let error = x.in_session(&small).to_zarr(folder.path().join("a"), ZarrOptions::default()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Memory { .. }), "{error}");
    let enough = Session::builder().threads(1).memory_limit("4MB").build().unwrap();
    x.in_session(&enough).to_zarr(folder.path().join("b"), ZarrOptions::default()).unwrap();
    assert!(enough.budget().peak() >= 2_400_000);
    let back = from_zarr::<f64>(folder.path().join("b")).unwrap();
    assert!(back.in_session(&small).sum().and_then(|sum| sum.item()).is_err());
    assert_eq!(
        back.in_session(&enough).sum().unwrap().item().unwrap().to_bits(),
        x.sum().unwrap().item().unwrap().to_bits()
    );
}
