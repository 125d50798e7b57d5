//! Errors between both houses.

use datafusion::error::DataFusionError;
use partita::Error;

/// An error of ours on its way through DataFusion.
pub fn to_theirs(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// An error of DataFusion; one of ours that went through it in this process comes out as it was.
pub fn to_ours(error: DataFusionError) -> Error {
    match error.find_root() {
        DataFusionError::External(inner) => match inner.downcast_ref::<Error>() {
            Some(own) => own.again(),
            None => Error::other(inner.to_string()),
        },
        root => Error::other(root.strip_backtrace()),
    }
}
