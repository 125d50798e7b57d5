//! Errors that wait until somebody may fail.
//!
//! Operators return arrays, not results, so that formulas read as formulas: `(&x + &x.t() - x.mean_axis(0)?).sum()?`.
//! Where shapes do not match, the array that comes of it holds the error, and so does everything made of it; the next
//! method that returns a `Result` gives it. [`Array::checked`] asks for it at once.

use std::fmt;
use std::sync::Arc;

use crate::array::chunked::Array;
use crate::array::chunks::Chunks;
use crate::array::element::Element;
use crate::array::lazy::{Lazy, Needs, Operations};
use crate::array::region::Region;
use crate::array::tile::Tile;
use crate::base::{Error, Identity, Result, Token, Tokenizer};

/// What should have been an array.
struct Failed {
    error: Arc<Error>,
    shape: Vec<usize>,
    token: Token,
}

impl Identity for Failed {
    fn token(&self, t: &mut Tokenizer) {
        t.str("failed");
        t.token(self.token);
    }
}

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)
    }
}

impl<T: Element> Lazy<T> for Failed {
    fn name(&self) -> &'static str {
        "failed"
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn operations(&self) -> Operations {
        Operations::ONE
    }

    fn needs(&self, _region: &Region, _needs: &mut Needs) {}

    fn read(&self, _region: &Region, _out: &mut [T], _tile: &mut Tile<'_>) -> Result<()> {
        Err(self.error.again())
    }

    fn failure(&self) -> Option<&Arc<Error>> {
        Some(&self.error)
    }
}

impl<T: Element> Array<T> {
    /// An array of this shape that is nothing but an error. It has elements whatever the shape says, so that nobody can
    /// do without reading one.
    pub(in crate::array) fn failed<U: Element>(&self, error: Arc<Error>, shape: &[usize]) -> Array<U> {
        let shape: Vec<usize> = shape.iter().map(|&len| len.max(1)).collect();
        let chunks = Chunks::new(shape.iter().map(|&len| vec![len]).collect::<Vec<_>>());
        let lazy = Arc::new(Failed { error, shape, token: Token::fresh() });
        Array { lazy, chunks, session: self.session.clone() }
    }

    /// What an operator found wrong.
    ///
    /// # Errors
    /// The error that this array stands for.
    pub(in crate::array) fn check(&self) -> Result<()> {
        self.lazy.failure().map_or(Ok(()), |error| Err(error.again()))
    }

    /// This array, or what was wrong when an operator made it. Methods that return a `Result` give it as well: this asks
    /// for it now.
    ///
    /// ```
    /// use partita::array::ones;
    /// let sum = ones([3, 4], "auto")? + ones([3, 5], "auto")?;
    /// let error = sum.checked().unwrap_err().to_string();
    /// assert!(error.contains("[3, 4] and [3, 5]"), "{error}");
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid`, naming both shapes, when they could not be broadcast together.
    pub fn checked(self) -> Result<Array<T>> {
        self.check().map(|()| self)
    }
}
