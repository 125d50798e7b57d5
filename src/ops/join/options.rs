//! How two frames are joined.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which rows a join gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum JoinKind {
    /// Each pair of rows with the same keys.
    Inner,
    /// And the rows of the left frame that have no partner, with nulls on the right.
    Left,
    /// Each pair, and the rows of the right frame that have no partner, with nulls on the left.
    Right,
    /// Each pair, and the rows of both frames that have no partner.
    Outer,
    /// The rows of the left frame that have a partner, each once; no columns of the right one.
    Semi,
    /// The rows of the left frame that have none; no columns of the right one.
    Anti,
    /// Every row of the left frame with every row of the right one.
    Cross,
}

impl fmt::Display for JoinKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            JoinKind::Inner => "inner",
            JoinKind::Left => "left",
            JoinKind::Right => "right",
            JoinKind::Outer => "outer",
            JoinKind::Semi => "semi",
            JoinKind::Anti => "anti",
            JoinKind::Cross => "cross",
        })
    }
}

/// How two frames are joined: the kind, the keys, what to call columns that both have.
///
/// A key that is null has no partner, as in SQL and Polars; [`nulls_equal`](Self::nulls_equal) makes two nulls partners,
/// as pandas does. NaN is the same as NaN, and −0.0 the same as 0.0.
///
/// ```
/// use partita::Join;
/// let join = Join::left("PULocationID").right_on("LocationID").suffixes("", "_zone");
/// assert_eq!(join.to_string(), "left join on PULocationID = LocationID");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    pub(super) kind: JoinKind,
    pub(super) left_on: Vec<String>,
    pub(super) right_on: Vec<String>,
    pub(super) suffixes: (String, String),
    pub(super) nulls_equal: bool,
    pub(super) broadcast: Option<bool>,
}

impl Join {
    /// A join of this kind on columns that both frames have.
    pub fn new(kind: JoinKind, on: impl Names) -> Join {
        let on = on.names();
        let suffixes = (String::new(), "_right".to_string());
        Join { kind, left_on: on.clone(), right_on: on, suffixes, nulls_equal: false, broadcast: None }
    }

    /// Each pair of rows with the same keys.
    pub fn inner(on: impl Names) -> Join {
        Join::new(JoinKind::Inner, on)
    }

    /// All rows of the left frame, with their partners or nulls.
    pub fn left(on: impl Names) -> Join {
        Join::new(JoinKind::Left, on)
    }

    /// All rows of the right frame, with their partners or nulls.
    pub fn right(on: impl Names) -> Join {
        Join::new(JoinKind::Right, on)
    }

    /// All rows of both frames, with their partners or nulls.
    pub fn outer(on: impl Names) -> Join {
        Join::new(JoinKind::Outer, on)
    }

    /// The rows of the left frame that have a partner.
    pub fn semi(on: impl Names) -> Join {
        Join::new(JoinKind::Semi, on)
    }

    /// The rows of the left frame that have no partner.
    pub fn anti(on: impl Names) -> Join {
        Join::new(JoinKind::Anti, on)
    }

    /// Every row with every row.
    pub fn cross() -> Join {
        Join::new(JoinKind::Cross, Vec::<String>::new())
    }

    /// The keys are called otherwise in the right frame. Both key columns are kept then, as pandas does.
    #[must_use]
    pub fn right_on(mut self, on: impl Names) -> Join {
        self.right_on = on.names();
        self
    }

    /// What is added to the names of columns, other than keys, that both frames have; by default nothing on the left
    /// and `_right` on the right.
    #[must_use]
    pub fn suffixes(mut self, left: impl Into<String>, right: impl Into<String>) -> Join {
        self.suffixes = (left.into(), right.into());
        self
    }

    /// Whether two null keys are the same.
    #[must_use]
    pub fn nulls_equal(mut self, equal: bool) -> Join {
        self.nulls_equal = equal;
        self
    }

    /// Whether one side is small enough to be held, and shared by all tasks: the right one, or the left one of a right
    /// join. By default that is guessed from the sizes of the files and of the columns that are needed. Rows then come in the
    /// order of the other side, also where the memory limit turns out to be too low for it, which takes longer; else in the
    /// order of a fixed hash of their keys.
    #[must_use]
    pub fn broadcast(mut self, broadcast: bool) -> Join {
        self.broadcast = Some(broadcast);
        self
    }
}

impl fmt::Display for Join {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} join", self.kind)?;
        for (i, (left, right)) in self.left_on.iter().zip(&self.right_on).enumerate() {
            write!(f, "{}{left}", if i == 0 { " on " } else { ", " })?;
            if left != right {
                write!(f, " = {right}")?;
            }
        }
        Ok(())
    }
}

impl<N: Names> From<N> for Join {
    /// An inner join on these columns.
    fn from(on: N) -> Join {
        Join::inner(on)
    }
}

/// Names of columns: one, or a list.
pub trait Names {
    /// The names.
    fn names(self) -> Vec<String>;
}

impl Names for &str {
    fn names(self) -> Vec<String> {
        vec![self.to_string()]
    }
}

impl Names for String {
    fn names(self) -> Vec<String> {
        vec![self]
    }
}

impl<S: Into<String>, const N: usize> Names for [S; N] {
    fn names(self) -> Vec<String> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<S: Into<String>> Names for Vec<S> {
    fn names(self) -> Vec<String> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<S: Into<String> + Clone> Names for &[S] {
    fn names(self) -> Vec<String> {
        self.iter().cloned().map(Into::into).collect()
    }
}
