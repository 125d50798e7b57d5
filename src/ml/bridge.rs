//! linfa's errors as ours.

use crate::base::Error;

impl From<linfa::Error> for Error {
    fn from(error: linfa::Error) -> Self {
        Error::model(error.to_string()).caused_by(error)
    }
}
