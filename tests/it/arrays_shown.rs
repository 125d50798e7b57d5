//! Arrays in files, and for the eye.

use std::path::Path;

use ndarray::{ArrayD, IxDyn};
use partita::array::random::normal;
use partita::array::{
    Array, ChunkSpec, Element, ZarrCompression, ZarrOptions, ZarrVersion, from_fn, from_ndarray, from_npy_stack,
    from_zarr, full, linspace, ones,
};
use roxmltree::Document;

fn cube<T: Element>(of: impl Fn(usize) -> T + Send + Sync + 'static) -> Array<T> {
    from_fn([7, 5, 3], (3, 2, 3), move |i| of(i[0] * 15 + i[1] * 3 + i[2])).unwrap()
}

fn there_and_back<T: Element>(folder: &Path, array: &Array<T>) {
    let expected = array.compute().unwrap();
    for axis in 0..3 {
        let to = folder.join(format!("npy-{}-{axis}", array.dtype()));
        array.to_npy_stack(&to, axis).unwrap();
        let read = from_npy_stack::<T>(&to).unwrap();
        assert_eq!(read.compute().unwrap(), expected);
        assert_eq!(read.chunks().axis(axis as usize), array.chunks().axis(axis as usize));
        assert!(array.to_npy_stack(&to, axis).unwrap_err().to_string().contains("holds arrays already"));
    }
    for version in [ZarrVersion::V2, ZarrVersion::V3] {
        for compression in [ZarrCompression::None, ZarrCompression::Zstd(3), ZarrCompression::Gzip(1)] {
            let to = folder.join(format!("zarr-{}-{version:?}-{compression:?}", array.dtype()));
            array.to_zarr(&to, ZarrOptions { version, compression }).unwrap();
            let read = from_zarr::<T>(&to).unwrap();
            assert_eq!(read.compute().unwrap(), expected, "{version:?} {compression:?}");
            assert!(
                array.to_zarr(&to, ZarrOptions::default()).unwrap_err().to_string().contains("holds an array already")
            );
        }
    }
}

#[test]
fn files_give_back_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    there_and_back(folder.path(), &cube(|i| i as f64 / 7.0));
    there_and_back(folder.path(), &cube(|i| i as f32 / 7.0));
    there_and_back(folder.path(), &cube(|i| i as i64 - 50));
    there_and_back(folder.path(), &cube(|i| i as i32 * 1_000_003));
    there_and_back(folder.path(), &cube(|i| (i * 7) as u8));
    there_and_back(folder.path(), &cube(|i| i % 3 == 0));
}

#[test]
fn files_of_others_are_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let x = cube(|i| i as f64);
    x.to_zarr(at("z"), ZarrOptions::default()).unwrap();
    assert!(from_zarr::<f32>(at("z")).unwrap_err().to_string().contains("`<f8`, not float32"));
    // a chunk that is not there is full of the fill value
    std::fs::remove_file(at("z").join("c/0/1/0")).unwrap();
    let holes = from_zarr::<f64>(at("z")).unwrap().compute().unwrap();
    assert_eq!((holes[[0, 2, 0]], holes[[2, 3, 2]], holes[[3, 2, 0]]), (0.0, 0.0, 51.0));
    // one that is broken is an error that names it
    std::fs::write(at("z").join("c/1/1/0"), b"nonsense").unwrap();
    let error = from_zarr::<f64>(at("z")).unwrap().compute().unwrap_err().to_string();
    assert!(error.contains("c/1/1/0"), "{error}");
    x.to_npy_stack(at("n"), 0).unwrap();
    std::fs::write(at("n").join("1.npy"), b"\x93NUMPY\x01\x00").unwrap();
    let error = from_npy_stack::<f64>(at("n")).unwrap().compute().unwrap_err().to_string();
    assert!(error.contains("1.npy") && error.contains("no .npy file"), "{error}");
    assert!(from_npy_stack::<f64>(at("nothing")).unwrap_err().to_string().contains("info.json"));
    // the last part only is read
    let last = from_zarr::<f64>(at("z")).unwrap().slice((6,)).unwrap();
    assert_eq!(last.compute().unwrap()[[4, 2]], 104.0);
}

fn texts(svg: &str) -> Vec<String> {
    let page = Document::parse(svg).unwrap();
    page.descendants().filter(|n| n.has_tag_name("text")).filter_map(|n| n.text()).map(String::from).collect()
}

#[test]
fn drawings_show_lengths_and_cuts() {
    let drawn = |shape: &[usize], chunks: ChunkSpec| full(shape, 0u8, chunks).unwrap().to_svg();
    assert_eq!(texts(&drawn(&[1000, 4000], (1000, 1000).into())), ["4,000", "1,000"]);
    assert_eq!(texts(&drawn(&[12], 5.into())), ["12"]);
    assert_eq!(texts(&drawn(&[30, 20, 10], 10.into())), ["30", "20", "10"]);
    assert_eq!(texts(&drawn(&[2, 3, 30, 20, 10], "auto".into())), ["30", "20", "10", "2 × 3 × this"]);
    assert_eq!(texts(&drawn(&[], "auto".into())), Vec::<String>::new());
    let cuts = |svg: &str| svg.matches("class=\"cut\"").count();
    assert_eq!(cuts(&drawn(&[1000, 4000], (1000, 1000).into())), 3);
    assert_eq!(cuts(&drawn(&[30, 20, 10], (10, 10, 5).into())), 2 * (2 + 1 + 1));
    // thousands of chunks are as many lines as can be told apart
    assert!(drawn(&[1_000_000, 1_000_000], 100.into()).len() < 30_000);
    let page = ones([1000, 4000], (1000, 1000)).unwrap().to_html();
    Document::parse(&page).unwrap();
    assert!(page.contains("30.52 MiB") && page.contains("(1000, 4000)") && page.contains("<svg"));
    let shown = ones([1000, 4000], (1000, 1000)).unwrap();
    assert!((&(&shown * 2.0) + 1.0).to_string().contains("12 Tasks, 4 fused"));
}

#[test]
fn plots_are_lines_ranges_and_gaps() {
    let paths = |svg: &str, class: &str| svg.matches(&format!("class=\"{class}\" ")).count();
    let short = linspace(0.0, 1.0, 11, 4).unwrap().plot().unwrap().title("a < b").to_svg();
    assert!(texts(&short).contains(&"a < b".to_string()) && texts(&short).contains(&"0.4".to_string()));
    assert_eq!((paths(&short, "line"), paths(&short, "band")), (1, 0));
    let long = normal(1, 0.0, 1.0, [100_001], 5000).unwrap().plot().unwrap().to_svg();
    assert_eq!((paths(&long, "line"), paths(&long, "band")), (0, 1));
    assert!(texts(&long).contains(&"100,000".to_string()), "{:?}", texts(&long));
    let gaps = ArrayD::from_shape_vec(IxDyn(&[6]), vec![1.0, 2.0, f64::NAN, 4.0, f64::INFINITY, 1.0]).unwrap();
    let gaps = from_ndarray(gaps, 2).unwrap().plot().unwrap().to_svg();
    assert_eq!((paths(&gaps, "line"), paths(&gaps, "dot")), (1, 2));
    for flat in [ones([5], 2).unwrap(), ones([0], 2).unwrap(), ones([1], 2).unwrap()] {
        texts(&flat.plot().unwrap().to_svg());
    }
    assert!(ones([2, 2], 2).unwrap().plot().unwrap_err().to_string().contains("one axis"));
    // the largest numbers that there are, and the smallest
    for far in [1.7e308, f64::MAX, 5e-324, f64::MIN_POSITIVE] {
        for values in [vec![-far, 0.0, far], vec![far, far], vec![far, far * 0.5, -far]] {
            let svg = from_ndarray(ndarray::Array1::from(values), 2).unwrap().plot().unwrap().to_svg();
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            let dots = svg.split("class=\"line\" d=\"M").nth(1).unwrap().split('"').next().unwrap().to_string();
            let inside = |y: &str| (40.0..=358.0).contains(&y.parse::<f64>().unwrap());
            assert!(dots.split('L').all(|dot| inside(dot.split(',').nth(1).unwrap())), "{far}: {dots}");
        }
    }
    let far = from_ndarray(ndarray::array![-1.7e308, 1.7e308], 2).unwrap().plot().unwrap().to_svg();
    assert!(texts(&far).contains(&"1e308".to_string()), "{:?}", texts(&far));
    let folder = tempfile::tempdir().unwrap();
    ones([5], 2).unwrap().plot().unwrap().write(folder.path().join("p.svg")).unwrap();
    assert!(ones([5], 2).unwrap().plot().unwrap().write(folder.path().join("no/p.svg")).is_err());
    let png = folder.path().join("p.png");
    match ones([5], 2).unwrap().plot().unwrap().title("ones").write(&png) {
        Ok(()) => assert!(std::fs::read(&png).unwrap().starts_with(b"\x89PNG")),
        // without the feature, and where there are no fonts
        Err(error) => assert!(matches!(error.kind(), partita::ErrorKind::Unsupported { .. }), "{error}"),
    }
}
