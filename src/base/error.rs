//! The one error type: what kind, at which place, and what to do next.

use std::fmt;
use std::sync::Arc;

/// The result of everything that can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A value, or what was wrong with it, which is said where it is used: for builders that do not return `Result`.
pub type Deferred<T> = Result<T, Arc<Error>>;

/// What went wrong, where, and the next step. One word wide.
///
/// It travels from a task to everything that depends on it unchanged, as copies made by [`again`](Error::again). It is
/// not `Clone`: that tells a task which may fail (it returns `Result`) from one that returns a value, see
/// [`delayed`](fn@crate::delayed).
///
/// Its text reads "failed to *do something* *place*: *what* (partition, task); *next step*".
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    doing: Option<String>,
    location: Location,
    task: Option<Arc<str>>,
    help: Option<String>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// Where an error happened, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Location {
    /// The file or address.
    pub path: Option<String>,
    /// The row group of a Parquet file, from 0.
    pub row_group: Option<usize>,
    /// The line of a text file, from 1.
    pub line: Option<u64>,
    /// The step of a pipeline, as `scale__num` where one is inside of another.
    pub step: Option<String>,
    /// The column.
    pub column: Option<String>,
    /// The fold of a search, from 0.
    pub fold: Option<usize>,
    /// The expression, as it prints.
    pub expr: Option<String>,
    /// The partition, from 0.
    pub partition: Option<usize>,
    /// The key of a task, as `name-hash`.
    pub key: Option<String>,
    /// The worker thread, from 0.
    pub worker: Option<usize>,
}

/// The kinds of failure. New ones may be added.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No column has this name.
    UnknownColumn {
        /// The name asked for.
        name: String,
        /// The known name most like it.
        nearest: Option<String>,
        /// All known names.
        known: Vec<String>,
    },
    /// A type does not fit the operation, or two types do not fit each other.
    TypeMismatch {
        /// What was found and what is needed, as a sentence fragment.
        what: String,
    },
    /// A text is not a value of the type of its column.
    Parse {
        /// The text.
        value: String,
        /// The type it should have.
        expected: String,
    },
    /// A value cannot be converted to the type asked for.
    Value {
        /// What is wrong with it.
        what: String,
    },
    /// Schemas that cannot be brought together.
    Schema {
        /// What does not fit.
        what: String,
    },
    /// An argument that makes no sense.
    Invalid {
        /// What is wrong with it.
        what: String,
    },
    /// The operating system refused to read or write.
    Io {
        /// What it said.
        what: String,
    },
    /// An object store or a web server refused, or could not be reached.
    Store {
        /// What it said, or what went wrong on the way to it.
        what: String,
        /// How often it was asked.
        attempts: u32,
    },
    /// A file is not what it claims to be, or is damaged.
    Corrupt {
        /// What is wrong with it.
        what: String,
    },
    /// A record of a text file does not fit its header.
    Ragged {
        /// Fields found.
        found: usize,
        /// Fields expected.
        expected: usize,
    },
    /// A panic in a task, caught.
    Panicked {
        /// The panic's message.
        message: String,
    },
    /// Something that cannot be divided does not fit into the memory limit.
    Memory {
        /// What needs the memory.
        what: String,
        /// Bytes needed.
        needed: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The run was cancelled.
    Cancelled,
    /// A model cannot be fitted or applied.
    Model {
        /// Why.
        what: String,
    },
    /// Rows were lost or doubled: a bug in this library, caught.
    Conservation {
        /// The operation.
        what: String,
        /// Rows that went in.
        rows_in: u64,
        /// Rows that came out.
        rows_out: u64,
    },
    /// What was waited for did not come in time.
    Timeout {
        /// What came instead.
        what: String,
    },
    /// What a user's own function says.
    Other {
        /// Its text.
        what: String,
    },
    /// Not (yet) possible.
    Unsupported {
        /// What.
        what: String,
    },
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorKind::UnknownColumn { name, nearest, known } => {
                write!(f, "unknown column `{name}`")?;
                match nearest {
                    Some(near) => write!(f, ", did you mean `{near}`?"),
                    None if known.is_empty() => write!(f, ": there are no columns"),
                    None => {
                        let shown: Vec<_> = known.iter().take(12).map(|k| format!("`{k}`")).collect();
                        let more = if known.len() > 12 { ", …" } else { "" };
                        write!(f, "; known are {}{more}", shown.join(", "))
                    }
                }
            }
            ErrorKind::TypeMismatch { what }
            | ErrorKind::Value { what }
            | ErrorKind::Schema { what }
            | ErrorKind::Invalid { what }
            | ErrorKind::Io { what }
            | ErrorKind::Corrupt { what }
            | ErrorKind::Model { what }
            | ErrorKind::Timeout { what }
            | ErrorKind::Other { what } => f.write_str(what),
            ErrorKind::Store { what, attempts: 0 | 1 } => f.write_str(what),
            ErrorKind::Store { what, attempts } => write!(f, "{what}, {attempts} times"),
            ErrorKind::Parse { value, expected } => {
                let shown: String = value.chars().take(80).collect();
                let more = if shown.len() < value.len() { "…" } else { "" };
                write!(f, "`{shown}{more}` is not a {expected}")
            }
            ErrorKind::Ragged { found, expected } => {
                let (s, are) = if *found == 1 { ("", if *expected == 1 { "is" } else { "are" }) } else { ("s", "are") };
                write!(f, "the record has {found} field{s} where {expected} {are} expected")
            }
            ErrorKind::Panicked { message } => write!(f, "the code panicked: {message}"),
            ErrorKind::Memory { what, needed, limit } => write!(
                f,
                "{what} needs {}, more than the memory limit of {} leaves",
                super::ByteSize(*needed),
                super::ByteSize(*limit)
            ),
            ErrorKind::Cancelled => f.write_str("the run was cancelled"),
            ErrorKind::Conservation { what, rows_in, rows_out } => {
                write!(f, "{what} took {rows_in} rows and gave {rows_out}: a bug, please report it")
            }
            ErrorKind::Unsupported { what } => write!(f, "{what} is not supported"),
        }
    }
}

impl Error {
    /// An error of this kind, at no known place yet.
    pub fn new(kind: ErrorKind) -> Self {
        Error(Box::new(Inner {
            kind,
            doing: None,
            location: Location::default(),
            task: None,
            help: None,
            source: None,
        }))
    }

    /// The same error once more, for another who waited for the same result.
    #[must_use]
    pub fn again(&self) -> Self {
        Error(self.0.clone())
    }

    /// What a user's own function says; it stays the [`source`](std::error::Error::source).
    ///
    /// ```
    /// use partita::Error;
    /// fn port(text: &str) -> partita::Result<u16> {
    ///     text.parse().map_err(Error::other)
    /// }
    /// assert_eq!(port("many").unwrap_err().to_string(), "invalid digit found in string");
    /// ```
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let error = error.into();
        let mut own = Error::new(ErrorKind::Other { what: error.to_string() });
        own.0.source = Some(Arc::from(error));
        own
    }

    /// An argument that makes no sense.
    pub fn invalid(what: impl Into<String>) -> Self {
        Error::new(ErrorKind::Invalid { what: what.into() })
    }

    /// Types that do not fit.
    pub fn types(what: impl Into<String>) -> Self {
        Error::new(ErrorKind::TypeMismatch { what: what.into() })
    }

    /// A value that cannot be converted.
    pub fn value(what: impl Into<String>) -> Self {
        Error::new(ErrorKind::Value { what: what.into() })
    }

    /// A model that cannot be fitted or applied.
    pub fn model(what: impl Into<String>) -> Self {
        Error::new(ErrorKind::Model { what: what.into() })
    }

    /// Something that is not supported.
    pub fn unsupported(what: impl Into<String>) -> Self {
        Error::new(ErrorKind::Unsupported { what: what.into() })
    }

    /// What the operating system said about `path`.
    pub fn io(path: impl fmt::Display, error: std::io::Error) -> Self {
        Error::system(error).at_path(path)
    }

    /// What the operating system said, of a path that is named later. An error of ours that went through a reader of
    /// somebody else's as an [`io::Error`](std::io::Error) comes out as it was.
    pub fn system(error: std::io::Error) -> Self {
        if let Some(own) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            return own.again();
        }
        let what = match error.kind() {
            std::io::ErrorKind::NotFound => "no such file or folder".to_string(),
            std::io::ErrorKind::PermissionDenied => "permission denied".to_string(),
            std::io::ErrorKind::StorageFull => "the disk is full".to_string(),
            _ => error.to_string(),
        };
        Error::new(ErrorKind::Io { what }).caused_by(error)
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Where it happened, as far as it is known.
    pub fn location(&self) -> &Location {
        &self.0.location
    }

    /// The task it happened in, as "scan → filter".
    pub fn task(&self) -> Option<&str> {
        self.0.task.as_deref()
    }

    /// The next step, if one is known.
    pub fn help_text(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// Whether the run was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Cancelled)
    }

    /// Says what was being done: a verb for "failed to …". The first to say it wins, being nearest to the cause.
    #[must_use]
    pub fn doing(mut self, doing: impl Into<String>) -> Self {
        self.0.doing.get_or_insert_with(|| doing.into());
        self
    }

    /// Says what to do next; the first to say it wins.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help.get_or_insert_with(|| help.into());
        self
    }

    /// Names the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source.get_or_insert_with(|| Arc::new(source));
        self
    }

    /// Names the file; like all places, only if none is named yet.
    #[must_use]
    pub fn at_path(mut self, path: impl fmt::Display) -> Self {
        self.0.location.path.get_or_insert_with(|| path.to_string());
        self
    }

    /// Names the row group, from 0.
    #[must_use]
    pub fn at_row_group(mut self, row_group: usize) -> Self {
        self.0.location.row_group.get_or_insert(row_group);
        self
    }

    /// Names the line, from 1.
    #[must_use]
    pub fn at_line(mut self, line: u64) -> Self {
        self.0.location.line.get_or_insert(line);
        self
    }

    /// Names the step of a pipeline. A step that is named already is inside of this one.
    #[must_use]
    pub fn at_step(mut self, step: &str) -> Self {
        let inner = self.0.location.step.take();
        self.0.location.step = Some(inner.map_or_else(|| step.to_string(), |inner| format!("{step}__{inner}")));
        self
    }

    /// Names the column.
    #[must_use]
    pub fn at_column(mut self, column: impl Into<String>) -> Self {
        self.0.location.column.get_or_insert_with(|| column.into());
        self
    }

    /// Names the fold of a search, from 0.
    #[must_use]
    pub fn at_fold(mut self, fold: usize) -> Self {
        self.0.location.fold.get_or_insert(fold);
        self
    }

    /// Names the expression.
    #[must_use]
    pub fn at_expr(mut self, expr: impl fmt::Display) -> Self {
        self.0.location.expr.get_or_insert_with(|| expr.to_string());
        self
    }

    /// Names the key of the task, its function, and the worker thread it ran on.
    #[must_use]
    pub fn at_key(mut self, key: impl fmt::Display, task: &Arc<str>, worker: Option<usize>) -> Self {
        if self.0.location.key.is_none() {
            self.0.location.key = Some(key.to_string());
            self.0.location.worker = worker;
        }
        self.0.task.get_or_insert_with(|| task.clone());
        self
    }

    /// Names the partition and the task, unless it has a key.
    #[must_use]
    pub fn at_task(mut self, partition: usize, task: &Arc<str>) -> Self {
        if self.0.location.key.is_none() {
            self.0.location.partition.get_or_insert(partition);
        }
        self.0.task.get_or_insert_with(|| task.clone());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, doing, location, task, help, .. } = &*self.0;
        let mut place = Vec::new();
        place.extend(location.path.clone());
        place.extend(location.row_group.map(|g| format!("row group {g}")));
        place.extend(location.line.map(|l| format!("line {l}")));
        place.extend(location.step.as_ref().map(|s| format!("step `{s}`")));
        place.extend(location.column.as_ref().map(|c| format!("column `{c}`")));
        place.extend(location.fold.map(|fold| format!("fold {fold}")));
        let place = place.join(", ");
        match (doing, place.is_empty()) {
            (Some(doing), true) => write!(f, "failed to {doing}: ")?,
            (Some(doing), false) => write!(f, "failed to {doing} {place}: ")?,
            (None, false) => write!(f, "{place}: ")?,
            (None, true) => {}
        }
        write!(f, "{kind}")?;
        if let Some(expr) = &location.expr {
            write!(f, " in `{expr}`")?;
        }
        let mut task_place = Vec::new();
        task_place.extend(location.partition.map(|p| format!("partition {p}")));
        if let (Some(task), true) = (task, location.partition.is_some() || location.key.is_some()) {
            task_place.push(format!("task {task}"));
        }
        task_place.extend(location.key.as_ref().map(|k| format!("key {k}")));
        task_place.extend(location.worker.map(|w| format!("worker {w}")));
        if !task_place.is_empty() {
            write!(f, " ({})", task_place.join(", "))?;
        }
        match help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|e| e as _)
    }
}

/// For readers that are given to others; [`Error::system`] is the way back.
impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        std::io::Error::other(error)
    }
}

impl From<Arc<Error>> for Error {
    fn from(error: Arc<Error>) -> Self {
        error.again()
    }
}

impl From<arrow::error::ArrowError> for Error {
    fn from(error: arrow::error::ArrowError) -> Self {
        use arrow::error::ArrowError as A;
        match error {
            A::ExternalError(inner) => match inner.downcast::<Error>() {
                Ok(own) => *own,
                Err(other) => Error::value(other.to_string()),
            },
            A::IoError(_, inner) => Error::system(inner),
            A::MemoryError(what) | A::CastError(what) | A::ComputeError(what) | A::InvalidArgumentError(what) => {
                Error::value(what)
            }
            A::SchemaError(what) => Error::new(ErrorKind::Schema { what }),
            A::NotYetImplemented(what) => Error::unsupported(what),
            other => Error::value(other.to_string()),
        }
    }
}

impl From<Error> for arrow::error::ArrowError {
    fn from(error: Error) -> Self {
        arrow::error::ArrowError::ExternalError(Box::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_kind_place_and_next_step() {
        let error = Error::new(ErrorKind::Parse { value: "12,5".into(), expected: "Float64".into() })
            .doing("read")
            .at_path("trips-03.csv")
            .at_line(881)
            .at_column("fare")
            .at_task(3, &Arc::from("scan → filter"))
            .help("give the column a type with dtype(\"fare\", DataType::Utf8)");
        assert_eq!(
            error.to_string(),
            "failed to read trips-03.csv, line 881, column `fare`: `12,5` is not a Float64 \
             (partition 3, task scan → filter); give the column a type with dtype(\"fare\", DataType::Utf8)"
        );
        assert_eq!(std::mem::size_of::<Error>(), 8);
    }

    #[test]
    fn an_error_goes_through_a_reader_and_stays_what_it_was() {
        let store = Error::new(ErrorKind::Store { what: "503 Slow Down".into(), attempts: 3 }).at_path("s3://a/b");
        let back = Error::io("elsewhere", store.into());
        assert_eq!(back.to_string(), "s3://a/b: 503 Slow Down, 3 times");
    }

    #[test]
    fn the_first_place_wins() {
        let error = Error::invalid("x").at_column("near").at_column("far");
        assert_eq!(error.location().column.as_deref(), Some("near"));
    }
}
