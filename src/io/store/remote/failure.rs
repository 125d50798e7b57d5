//! What went wrong, as our errors.

use super::client::{Refused, root_cause};
use crate::base::{Error, ErrorKind};
use crate::io::store::file::changed;

/// What a store said, after `before` requests that failed before this one.
pub fn failed(error: object_store::Error, before: u32) -> Error {
    use object_store::Error as Said;
    match &error {
        Said::NotFound { .. } => return Error::system(std::io::ErrorKind::NotFound.into()),
        Said::Precondition { .. } => return changed(),
        Said::AlreadyExists { .. } => return Error::invalid("there is something already"),
        Said::NotSupported { source } => return Error::unsupported(source.to_string()),
        Said::NotImplemented { operation, .. } => return Error::unsupported(operation.clone()),
        Said::InvalidPath { source } => return Error::unsupported(format!("an object of this name ({source})")),
        _ => {}
    }
    match refused(&error) {
        Some(Refused { status: Some(416), .. }) => changed(),
        Some(refused) => {
            let what = match refused.status {
                Some(_) => refused.what.clone(),
                None => format!("the server cannot be reached: {}", refused.what),
            };
            let error = Error::new(ErrorKind::Store { what, attempts: before + refused.attempts });
            match help(refused) {
                Some(help) => error.help(help),
                None => error,
            }
        }
        None => {
            let what = root_cause(&error);
            let error = Error::new(ErrorKind::Store { what, attempts: before + 1 });
            error.help("if this bucket is public, say .anon(true); else check the credentials and the endpoint")
        }
    }
}

/// The refusal inside of an error.
pub fn refused(error: &object_store::Error) -> Option<&Refused> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(refused) = error.downcast_ref::<Refused>() {
            return Some(refused);
        }
        next = error.source();
    }
    None
}

fn help(refused: &Refused) -> Option<String> {
    if let Some(region) = &refused.region
        && matches!(refused.status, Some(301 | 307 | 400))
    {
        return Some(format!("the bucket is in another region: .region(\"{region}\")"));
    }
    let text = match refused.status {
        Some(401 | 403) => {
            "give other credentials, or, if this is public, none: .anon(true); a store hides what is not there in this way too"
        }
        Some(404) => "check its name and the endpoint",
        Some(400) => "check the region, the endpoint and the credentials",
        Some(301 | 307) => "check the region and the endpoint",
        Some(_) => "try again later, or with more patience: .retries(..)",
        None if refused.what.contains("URL scheme is not allowed") => "plain http has to be allowed: .allow_http(true)",
        None if refused.what.to_lowercase().contains("certificate") => {
            "if you know the server: .set(\"allow_invalid_certificates\", true)"
        }
        None => "check the address and the endpoint, and whether there is a network",
    };
    Some(text.to_string())
}
