//! Chunked arrays, from the first block of ones to arrays that fit into no memory.
//!
//!     cargo run --release --example arrays                      # prints tables, keeps no pictures
//!     cargo run --release --example arrays -- --out pictures    # and writes drawings, plots and a page
//!     cargo run --release --example arrays -- --rows 200000     # of the size of the tutorial: 6 GB that never exist
//!     cargo run --release --example arrays -- --product 8000    # how fast matrices are multiplied
//!     cargo run --release --example arrays -- --huge            # 100,000 × 100,000 numbers (80 GB) in 1 GB

use std::path::{Path, PathBuf};
use std::time::Instant;

use ndarray::ArrayD;
use partita::array::map::Boundary;
use partita::array::shape::{Index, Pad, concatenate, step};
use partita::array::{Array, Element, ZarrOptions, from_npy_stack, from_zarr, ones, random};
use partita::{ByteSize, Error, ErrorKind, Result, Session};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Where pictures go, if anywhere, and the page of all of them.
struct Album {
    folder: Option<PathBuf>,
    page: String,
}

impl Album {
    fn new(folder: Option<PathBuf>) -> Result<Album> {
        if let Some(folder) = &folder {
            std::fs::create_dir_all(folder).map_err(|error| Error::io(folder.display(), error))?;
        }
        let head = "<!doctype html><meta charset=\"utf-8\"><title>Arrays</title>\
                    <style>body{font:15px system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;\
                    color-scheme:light dark}h2{margin-top:1.6em}</style><h1>Chunked arrays</h1>\n";
        Ok(Album { folder, page: head.to_string() })
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|error| Error::io(path.display(), error))
    }

    /// Shows an array as a table, and keeps its drawing.
    fn show<T: Element>(&mut self, name: &str, array: &Array<T>) -> Result<()> {
        println!("\n{name}\n{array}");
        self.page.push_str(&format!("<h2>{name}</h2>\n{}", array.to_html()));
        self.write(&format!("{}.svg", name.replace(' ', "-")), &array.to_svg())
    }

    /// Draws the elements of an array of one axis; as PNG too, where that can be.
    fn plot(&mut self, name: &str, array: &Array<f64>) -> Result<()> {
        let plot = array.plot()?.title(name);
        self.page.push_str(&format!("<h2>{name}</h2>\n{}", plot.to_svg()));
        let Some(folder) = &self.folder else { return Ok(()) };
        let path = folder.join(name.replace(' ', "-"));
        plot.write(path.with_extension("svg"))?;
        match plot.write(path.with_extension("png")) {
            Err(error) if matches!(error.kind(), ErrorKind::Unsupported { .. }) => println!("{error}"),
            written => written?,
        }
        Ok(())
    }

    /// Draws the tasks that compute an array.
    fn tasks<T: Element>(&mut self, name: &str, array: &Array<T>) -> Result<()> {
        let picture = array.visualize()?.svg()?;
        self.page.push_str(&format!("<h2>{name}</h2>\n{picture}"));
        self.write(&format!("{}.svg", name.replace(' ', "-")), &picture)
    }
}

/// How long something takes.
fn timed<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let begin = Instant::now();
    let result = work()?;
    println!("{what}: {:.2} s", begin.elapsed().as_secs_f64());
    Ok(result)
}

/// Blocks of ones: an array is a grid, and nothing exists yet but its shape.
fn ones_and_their_mean(album: &mut Album) -> Result<()> {
    let table = ones([1000, 4000], (1000, 1000))?;
    album.show("a table of ones", &table)?;
    album.tasks("the tasks of the table", &table)?;
    let mean = table.mean()?;
    album.tasks("the tasks of the mean", &mean)?;
    println!("its first element is {}, its mean {}", table.slice((0, 0))?.item()?, mean.item()?);
    Ok(())
}

/// Far more than one would like to hold: sizes are chosen so that a block is about 128 MiB.
fn larger_ones(album: &mut Album, rows: usize) -> Result<()> {
    let big = ones([rows, 4000], (1000, 1000))?;
    album.show("a big array", &big)?;
    album.show("the same in chunks of automatic size", &big.rechunk("auto")?)?;
    let product = &big * big.slice((step(-1), step(-1)))?;
    album.show("a product", &product)?;
    println!("the mean of big * big[::-1, ::-1] is {}", timed("product", || product.mean()?.item())?);
    // the last axis is one shorter: shapes that do not match are an error that names both
    let short = big.slice((step(-1), Index::Slice { start: None, stop: Some(-1), step: 1 }))?;
    if let Err(error) = (&big * &short).checked() {
        println!("big * big[::-1, :-1]: {error}");
    }
    let cosines = big.cos().powi(2).mean_axis(1)?;
    let means = timed("(cos(big) ** 2).mean(axis=1)", || cosines.compute())?;
    println!("{} means, the first is {:.15}", means.len(), means[[0]]);
    Ok(())
}

/// Numbers are random, and the same whatever the chunks.
fn random_numbers(album: &mut Album, rows: usize) -> Result<()> {
    let random = random::uniform(42, [rows, 4000], "auto")?;
    let means = random.cos().powi(2).mean_axis(1)?;
    album.show("means of rows", &means)?;
    timed("means of rows", || album.plot("means of squared cosines", &means))?;
    album.plot("a random walk", &random::normal(3, 0.0, 1.0, [1500], 500)?.cumsum(0)?)?;
    let order = random::permutation(5, 1_000_000, "auto")?;
    println!("some of a million numbers in another order: {}", order.slice((..5,))?.compute()?);
    println!("three of them: {}", random::choice(5, &[2, 3, 5, 7, 11], [3], "auto")?.compute()?);
    Ok(())
}

/// Parts, axes, several as one.
fn structure(album: &mut Album) -> Result<()> {
    let cube = random::integers(7, 0, 100, [60, 50, 40], (20, 25, 40))?;
    album.show("a cube", &cube)?;
    album.show("a cube with its axes moved", &cube.moveaxis(0, -1)?)?;
    album.show("a cube as a table", &cube.reshape([-1, 40])?)?;
    album.show("some of its layers", &cube.take([3, -1, 3], 0)?)?;
    album.show("a cube on a cube", &concatenate(&[&cube, &cube.flip(0)?], 0)?)?;
    album.show("a cube with a border", &cube.pad(&[(5, 5)], Pad::Reflect)?)?;
    album.show("the even ones", &cube.mask(&(&cube % 2).eq(0))?)?;
    // the mean of each element and its neighbours
    let blurred = cube.astype::<f64>().map_overlap(&[0, 0, 1], Boundary::Nearest, |block, _| {
        let last = block.shape()[2] - 1;
        ArrayD::from_shape_fn(block.shape(), |i| {
            let near = i[2].saturating_sub(1)..=(i[2] + 1).min(last);
            let many = near.clone().count() as f64;
            near.map(|k| block[[i[0], i[1], k]]).sum::<f64>() / many
        })
    })?;
    println!("the deviation of the cube is {:.3}, blurred {:.3}", cube.std(0)?.item()?, blurred.std(0)?.item()?);
    Ok(())
}

/// Products of matrices, and their norms.
fn products(side: usize) -> Result<()> {
    let square = random::normal(1, 0.0, 1.0, [side, side], side.div_ceil(3))?;
    let gram = square.t().matmul(&square)?;
    let trace = timed("product of matrices", || gram.diag(0)?.sum()?.item())?;
    println!("the trace of XᵀX is {trace:.3}, the square of the norm of X {:.3}", square.norm()?.item()?.powi(2));
    Ok(())
}

/// The product of two matrices of random numbers, which are held, as one would hold them for numpy.
fn product(side: usize) -> Result<()> {
    let matrix = |seed: u64| random::uniform(seed, [side, side], (1024, 1024))?.persist();
    let (a, b) = (matrix(1)?, matrix(2)?);
    a.wait()?;
    b.wait()?;
    let begin = Instant::now();
    let c = a.matmul(&b)?.persist()?;
    c.wait()?;
    let seconds = begin.elapsed().as_secs_f64();
    let speed = 2.0 * (side as f64).powi(3) / seconds / 1e9;
    println!("a product of {side} × {side} numbers: {seconds:.2} s, {speed:.1} GFlop/s, mean {:.4}", c.mean()?.item()?);
    Ok(())
}

/// To files and back, to frames and back.
fn elsewhere(folder: &Path) -> Result<()> {
    let table = random::uniform(9, [4000, 3], (1000, 3))?;
    let (stack, zarr) = (folder.join("stack"), folder.join("table.zarr"));
    table.to_npy_stack(&stack, 0)?;
    table.to_zarr(&zarr, ZarrOptions::default())?;
    let apart = (from_npy_stack::<f64>(&stack)? - from_zarr::<f64>(&zarr)?).abs().max()?;
    println!("\nas .npy files and as Zarr it is the same up to {}", apart.item()?);
    let frame = table.to_frame(["a", "b", "c"])?;
    println!("as a frame:\n{}", frame.describe()?.compute()?);
    let back = frame.to_array(["c", "a"])?;
    println!("and two of its columns as an array again:\n{back}");
    let blocks = table.to_delayed()?;
    println!("its second block has the sum {:.3}", blocks[1].map(|block: ArrayD<f64>| block.sum()).compute()?);
    Ok(())
}

fn tutorial(album: &mut Album, rows: usize) -> Result<()> {
    ones_and_their_mean(album)?;
    larger_ones(album, rows)?;
    random_numbers(album, rows)?;
    structure(album)?;
    products(300)?;
    let folder = tempfile::tempdir().map_err(|error| Error::io("a temporary folder", error))?;
    elsewhere(folder.path())
}

/// `(x + x.T - x.mean(axis=0)).sum()` of an array that may be far larger than memory.
fn transposed(side: usize) -> Result<()> {
    let session = Session::builder().memory_limit("1GB").build()?;
    let x = random::uniform(1, [side, side], "100 MiB")?.in_session(&session);
    println!("\n{x}\n\n{session}");
    let y = &x + x.t() - x.mean_axis(0)?;
    let sum = timed("(x + x.T - x.mean(axis=0)).sum()", || y.sum()?.item())?;
    let expected = (side as f64).powi(2) / 2.0;
    println!(
        "the sum is {sum:.3}: {:.2e} from what is expected of it, with {}",
        (sum - expected) / expected,
        ByteSize(x.nbytes())
    );
    Ok(())
}

fn main() -> Result<()> {
    let (mut out, mut side, mut matrices, mut rows) = (None, None, None, 2_000);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--out" => out = arguments.next().map(PathBuf::from),
            "--huge" => side = Some(100_000),
            "--rows" => rows = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(rows),
            "--product" => matrices = arguments.next().and_then(|n| n.parse().ok()),
            "--side" => side = arguments.next().and_then(|n| n.parse().ok()),
            other => {
                return Err(Error::invalid(format!(
                    "`{other}` is none of --out FOLDER, --huge, --rows N, --side N, --product N"
                )));
            }
        }
    }
    if let Some(side) = side {
        return transposed(side);
    }
    if let Some(side) = matrices {
        return product(side);
    }
    let mut album = Album::new(out)?;
    tutorial(&mut album, rows)?;
    transposed(1000)?;
    album.write("index.html", &album.page)
}
