//! How often rows were read, and what came of each pass.

use std::fmt;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// How often rows were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passes {
    /// Over the source: the files or batches of the frame, and all its operations.
    pub source: u64,
    /// Over the rows cached of it, in memory or on disk.
    pub cache: u64,
}

impl fmt::Display for Passes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} over the source, {} over the cache", self.source, self.cache)
    }
}

impl AddAssign for Passes {
    fn add_assign(&mut self, more: Passes) {
        self.source += more.source;
        self.cache += more.cache;
    }
}

/// A pass of solvers over the cached rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pass {
    /// Fits that rode on it.
    pub fits: usize,
    /// Those that ended with it.
    pub ended: usize,
    /// The mean of what they minimise, where they tell.
    pub objective: Option<f64>,
    /// The largest residual of those that tell: how far from optimal the worst is.
    pub residual: Option<f64>,
}

impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} fits, {} ended", self.fits, self.ended)?;
        if let (Some(objective), Some(residual)) = (self.objective, self.residual) {
            write!(f, ", mean objective {objective:.6}, largest residual {residual:.1e}")?;
        }
        Ok(())
    }
}
