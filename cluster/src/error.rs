//! Errors between both houses.

use std::fmt;

use datafusion::error::DataFusionError;
use partita::Error;

/// What surrounds the text of an error of ours wherever it is quoted: on its way from a worker it is, several times.
const OPEN: &str = "\u{2}";
const CLOSE: &str = "\u{3}";

/// An error of ours inside of one of DataFusion's.
struct Own(Error);

impl fmt::Display for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{OPEN}{}{CLOSE}", self.0)
    }
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::error::Error for Own {}

/// An error of ours on its way through DataFusion.
pub fn to_theirs(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(Own(error)))
}

/// An error of DataFusion. One of ours that went through it in this process comes out as it was, one from a worker with
/// its text.
pub fn to_ours(error: DataFusionError) -> Error {
    if let DataFusionError::External(inner) = error.find_root()
        && let Some(own) = inner.downcast_ref::<Own>()
    {
        return own.0.again();
    }
    let text = error.strip_backtrace();
    let quoted = text.split_once(OPEN).and_then(|(_, behind)| behind.split_once(CLOSE));
    Error::other(quoted.map_or(text.clone(), |(own, _)| own.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use partita::ErrorKind;

    #[test]
    fn errors_come_out_as_they_went_in() {
        let own = || Error::value("12,5 is no number").doing("read");
        let wrapped = to_theirs(own()).context("in a task");
        assert!(matches!(to_ours(wrapped).kind(), ErrorKind::Value { .. }));
        let told = DataFusionError::Execution(format!("Job 7 failed: {:?}", to_theirs(own())));
        assert_eq!(to_ours(told).to_string(), own().to_string());
        assert_eq!(
            to_ours(DataFusionError::Execution("out of order".into())).to_string(),
            "Execution error: out of order"
        );
    }
}
