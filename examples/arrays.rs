//! Chunked arrays, from the first block of ones to arrays that fit into no memory.
//!
//!     cargo run --release --example arrays                      # prints tables, keeps no pictures
//!     cargo run --release --example arrays -- --out pictures    # and writes drawings, plots and a page
//!     cargo run --release --example arrays -- --huge            # 100,000 × 100,000 numbers (80 GB) in 1 GB

use std::path::PathBuf;
use std::time::Instant;

use partita::array::shape::{Index, step};
use partita::array::{Array, Element, from_ndarray, ones, random};
use partita::{ByteSize, Error, Result, Session};

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

    fn plot(&mut self, name: &str, array: &Array<f64>) -> Result<()> {
        let picture = array.plot()?.title(name).to_svg();
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

fn tutorial(album: &mut Album, rows: usize) -> Result<()> {
    // an array is a grid of blocks; nothing exists yet but its shape
    let table = ones([1000, 4000], (1000, 1000))?;
    album.show("a table of ones", &table)?;
    let mean = table.mean()?;
    println!("the mean of it is {}", mean.item()?);
    album.write("the-tasks.svg", &mean.visualize()?.svg()?)?;

    // far more than one would like to hold: sizes are chosen so that a block is about 128 MiB
    let big = ones([rows, 4000], "auto")?;
    album.show("a big array", &big)?;
    let turned = big.slice((step(-1), step(-1)))?;
    let product = &big * &turned;
    println!("the mean of big * big[::-1, ::-1] is {}", timed("product", || product.mean()?.item())?);
    // the last axis is one shorter: shapes that do not match are an error that names both
    let short = big.slice((step(-1), Index::Slice { start: None, stop: Some(-1), step: 1 }))?;
    if let Err(error) = (&big * &short).checked() {
        println!("big * big[::-1, :-1]: {error}");
    }

    // numbers are random, and the same whatever the chunks
    let random = random::uniform(42, [rows, 4000], "auto")?;
    let rows_of = random.cos().powi(2).mean_axis(1)?;
    album.show("means of rows", &rows_of)?;
    timed("means of rows", || album.plot("means of the rows of cos(x)²", &rows_of))?;
    album.plot("a random walk", &walk()?)?;

    // structure: parts, axes, several as one
    let cube = random::integers(7, 0, 100, [300, 200, 100], (100, 100, 50))?;
    album.show("a cube", &cube)?;
    album.show("a cube with its axes moved", &cube.moveaxis(0, -1)?)?;
    album.show("a cube as a table", &cube.reshape([-1, 100])?)?;
    let even = cube.mask(&cube.map_blocks(|block, _| block.mapv(|v| v % 2 == 0))?)?;
    album.show("the even ones", &even)?;

    // products of matrices
    let square = random::normal(1, 0.0, 1.0, [1500, 1500], 500)?;
    let gram = square.t().matmul(&square)?;
    let trace = timed("product of matrices", || gram.diag(0)?.sum()?.item())?;
    println!("the trace of XᵀX is {trace:.3}, the sum of squares {:.3}", square.powi(2).sum()?.item()?);
    Ok(())
}

/// A walk of random steps, for a curve worth a look.
fn walk() -> Result<Array<f64>> {
    let steps = random::normal(3, 0.0, 1.0, [1500], "auto")?.compute()?;
    let mut at = 0.0;
    let places = steps.iter().map(|step| {
        at += step;
        at
    });
    from_ndarray(places.collect::<ndarray::Array1<f64>>(), "auto")
}

/// `(x + x.T - x.mean(axis=0)).sum()` of an array of 80 GB.
fn huge(side: usize) -> Result<()> {
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
    let (mut out, mut side, mut rows) = (None, None, 200_000);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--out" => out = arguments.next().map(PathBuf::from),
            "--huge" => side = Some(100_000),
            "--rows" => rows = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(rows),
            "--side" => side = arguments.next().and_then(|n| n.parse().ok()),
            other => {
                return Err(Error::invalid(format!("`{other}` is none of --out FOLDER, --huge, --rows N, --side N")));
            }
        }
    }
    if let Some(side) = side {
        return huge(side);
    }
    let mut album = Album::new(out)?;
    tutorial(&mut album, rows)?;
    album.write("index.html", &album.page)
}
