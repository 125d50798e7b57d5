//! How much is drawn, by which seed, in which mode.

use std::fmt;

use arrow::datatypes::SchemaRef;

use super::by_place::{Keep, Repeat};
use super::dask::Whole;
use super::draw::Poisson;
use crate::base::{Error, Identity, Result, Token, Tokenizer};
use crate::expr::Portable;
use crate::ops::same_schema;
use crate::plan::{Footprint, Map, Op, Plan, Relation, Shape};

/// A random part of the rows, in their order.
///
/// Every row is drawn by itself, with a probability of `fraction`: a fixed hash of the seed and of where the row came
/// from (its file and its place in it) decides. So the same rows are drawn for any partitioning, batch size and number
/// of threads, sampling and filtering may change places, and a smaller fraction gives a part of what a larger one gives
/// with the same seed. A row of a join came from both of its rows, a group of a group-by from its keys, a row that was sorted
/// from its place in the order, so neither the columns that are asked for nor the manner in which they are computed play a
/// part. The number of rows varies as the binomial distribution says: about `fraction · n`, give or take
/// `√(fraction · n)`. Two samples one after the other are independent, even with one seed.
///
/// It is a value: used twice, it draws the same rows twice.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    fraction: f64,
    seed: u64,
    /// Whether the seed is a fresh one.
    drawn: bool,
    replace: bool,
    mode: SampleMode,
}

/// What decides which rows are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SampleMode {
    /// Where each row came from: independent of partitions, batches and threads.
    #[default]
    Place,
    /// Exactly the rows, and their order, of Dask's `sample(frac, replace, random_state=seed)`: they depend on the
    /// partitions, of which each is held whole. Seeds go up to 2³² − 1.
    Dask,
}

impl Sample {
    /// This part of the rows, by a fresh seed (which [`explain`](crate::DataFrame::explain) shows), without replacement.
    pub fn fraction(fraction: f64) -> Sample {
        let seed = u64::from(Token::fresh().0 as u32);
        Sample { fraction, seed, drawn: true, replace: false, mode: SampleMode::Place }
    }

    /// By this seed: the same rows every time.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Sample {
        (self.seed, self.drawn) = (seed, false);
        self
    }

    /// Whether a row may be drawn several times: each is repeated as often as a Poisson draw with mean `fraction` says
    /// (the limit of drawing from all rows). Fractions above 1 are possible then.
    #[must_use]
    pub fn replace(mut self, replace: bool) -> Sample {
        self.replace = replace;
        self
    }

    /// What decides which rows are drawn.
    #[must_use]
    pub fn mode(mut self, mode: SampleMode) -> Sample {
        self.mode = mode;
        self
    }

    /// What the portable form says.
    pub(in crate::ops) fn of_settings((fraction, seed, replace, dask): (u64, u64, bool, bool)) -> Sample {
        let mode = if dask { SampleMode::Dask } else { SampleMode::Place };
        Sample { fraction: f64::from_bits(fraction), seed, drawn: false, replace, mode }
    }

    fn check(&self) -> Result<()> {
        let Sample { fraction, seed, replace, mode, .. } = *self;
        if !(fraction >= 0.0 && fraction.is_finite()) {
            return Err(Error::invalid(format!("a fraction of {fraction} of the rows"))
                .help("give a number from 0 to 1, or above 1 with replace(true)"));
        }
        if fraction > 1.0 && !replace {
            return Err(Error::invalid(format!("a fraction of {fraction} is more than all rows"))
                .help("let rows be drawn several times with replace(true)"));
        }
        if mode == SampleMode::Dask && seed > u64::from(u32::MAX) {
            return Err(Error::invalid(format!("Dask knows no seed {seed}")).help("give one from 0 to 4294967295"));
        }
        Ok(())
    }
}

impl From<f64> for Sample {
    fn from(fraction: f64) -> Sample {
        Sample::fraction(fraction)
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sample {} of the rows, seed {}", self.fraction, self.seed)?;
        if self.replace {
            f.write_str(", with replacement")?;
        }
        match self.mode {
            SampleMode::Place => Ok(()),
            SampleMode::Dask => f.write_str(", as Dask"),
        }
    }
}

impl Identity for Sample {
    fn token(&self, t: &mut Tokenizer) {
        t.str("sample");
        t.f64(self.fraction);
        t.u64(self.seed);
        if self.drawn {
            t.unstable();
        }
        t.debug(&(self.replace, self.mode));
    }
}

impl Op for Sample {
    fn name(&self) -> &'static str {
        "sample"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        self.check()?;
        same_schema(inputs)
    }

    fn shape(&self, _inputs: &[Plan]) -> Result<Shape> {
        let Sample { fraction, seed, replace, mode, .. } = *self;
        Ok(match (mode, replace) {
            (SampleMode::Place, false) => Map::each(move |_| Ok(Box::new(Keep::new(seed, fraction)))),
            (SampleMode::Place, true) => {
                let poisson = Poisson::new(fraction);
                Map::each(move |_| Ok(Box::new(Repeat::new(seed, poisson.clone()))))
            }
            (SampleMode::Dask, _) => Map::each(move |i| Ok(Box::new(Whole::new(seed as u32, fraction, replace, i)))),
        })
    }

    fn portable(&self) -> Option<Portable> {
        // bits, for a text may be read as the number beside
        Portable::of("sample", &(self.fraction.to_bits(), self.seed, self.replace, self.mode == SampleMode::Dask))
    }

    fn asks_origins(&self, _above: bool) -> bool {
        // rows that Dask would draw have a new place: the one in the output
        self.mode == SampleMode::Place
    }

    fn columns_needed(&self, wanted: &[usize], _inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        Some(vec![wanted.to_vec()])
    }

    fn holds(&self, size: Option<u64>, partitions: usize) -> Option<u64> {
        let size = size.filter(|_| self.mode == SampleMode::Dask);
        size.map(|bytes| bytes / partitions.max(1) as u64)
    }

    fn footprint(&self) -> Footprint {
        match self.mode {
            SampleMode::Place => Footprint::Streams,
            SampleMode::Dask => Footprint::Holds("one partition a thread".into()),
        }
    }

    fn relation(&self, _inputs: &[Plan]) -> Option<Relation> {
        Some(if self.mode == SampleMode::Dask { Relation::InPartitions } else { Relation::Apart })
    }
}
