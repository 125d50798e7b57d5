//! Who may ask. A page from elsewhere could give its own name the address of this machine (DNS rebinding) and read along;
//! so on a loopback address, only names of this machine are answered.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The names that are answered to.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    /// Whether only this machine can ask, so that the name must be its own.
    pub loopback: bool,
    /// Other names that may be used, in lower case.
    pub names: Arc<[String]>,
}

impl Gate {
    /// Whether a `Host` is one of ours.
    pub fn admits(&self, host: &str) -> bool {
        let name = without_port(host).to_ascii_lowercase();
        if self.names.contains(&name) {
            return true;
        }
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        match bare.parse::<IpAddr>() {
            Ok(address) => !self.loopback || address.is_loopback(),
            Err(_) => name == "localhost" || (!self.loopback && self.names.is_empty() && !name.is_empty()),
        }
    }
}

/// `localhost:8787` is `localhost`, `[::1]:8787` is `[::1]`.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|b| b.is_ascii_digit()) && (name.ends_with(']') || !name.contains(':')) =>
        {
            name
        }
        _ => host,
    }
}

/// What the page may load, and what others may do with it.
const HEADERS: [(header::HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
    (header::VARY, "host"),
];

/// Whether the script of another page asks, instead of a person who follows a link. It could not read the answer, but take the
/// places of those who can. Browsers say so themselves; others do not ask on behalf of pages.
fn asked_by_another_page(request: &Request) -> bool {
    let header = |name: &str| request.headers().get(name).map(HeaderValue::as_bytes).unwrap_or_default();
    header("sec-fetch-site") == b"cross-site" && header("sec-fetch-mode") != b"navigate"
}

/// Lets through who may ask, and adds headers to what is answered.
pub(super) async fn keep(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|h| h.to_str().ok()).unwrap_or_default();
    let mut response = match gate.admits(host) {
        true if asked_by_another_page(&request) => {
            (StatusCode::FORBIDDEN, "pages from elsewhere are not answered\n").into_response()
        }
        true => next.run(request).await,
        false => {
            let text =
                "this name is not one of the dashboard's: use localhost or 127.0.0.1, or allow it when opening\n";
            (StatusCode::FORBIDDEN, text).into_response()
        }
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_loopback_only_names_of_this_machine_are_answered() {
        let gate = Gate { loopback: true, names: Arc::new(["proxy.example".to_string()]) };
        for host in
            ["localhost", "LOCALHOST:8787", "127.0.0.1:1", "127.8.0.1", "[::1]:8787", "[::1]", "proxy.example:80"]
        {
            assert!(gate.admits(host), "{host}");
        }
        for host in
            ["", "evil.example", "evil.example:8787", "localhost.evil.example", "10.0.0.1", "127.0.0.1.nip.io", ":80"]
        {
            assert!(!gate.admits(host), "{host}");
        }
    }

    #[test]
    fn scripts_of_other_pages_are_told_apart() {
        let asks = |site: &str, mode: &str| {
            let request = Request::builder().header("sec-fetch-site", site).header("sec-fetch-mode", mode);
            asked_by_another_page(&request.body(axum::body::Body::empty()).unwrap())
        };
        assert!(asks("cross-site", "cors") && asks("cross-site", "no-cors"));
        assert!(!asks("cross-site", "navigate") && !asks("same-origin", "cors") && !asks("none", "navigate"));
    }

    #[test]
    fn elsewhere_any_name_is_answered_unless_some_are_given() {
        let open = Gate { loopback: false, names: Arc::new([]) };
        assert!(open.admits("node7:8787") && open.admits("10.1.2.3:8787") && open.admits("localhost"));
        assert!(!open.admits(""));
        let named = Gate { loopback: false, names: Arc::new(["node7".to_string()]) };
        assert!(named.admits("node7:8787") && named.admits("10.1.2.3") && !named.admits("evil.example"));
    }
}
