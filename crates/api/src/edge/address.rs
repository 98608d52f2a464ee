//! Under which address the client sees this server, and from where the client comes.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, header::HOST};

use crate::config::ApiConfig;
use crate::over_socket::SocketContext;
use crate::state::ApiState;

/// The other end of the connection; the accept loop puts it into each request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// The [`base_uri`] of a request.
#[derive(Debug, Clone)]
pub struct Base(pub String);

impl FromRequestParts<ApiState> for Base {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Infallible> {
        Ok(Self(base_uri(&state.config, parts)))
    }
}

/// Returns the address in front of `/restapi/…` in answers, without a slash at its end. Empty inside a
/// socket without a configured address: paths stay relative there.
#[must_use]
pub fn base_uri(config: &ApiConfig, parts: &Parts) -> String {
    if let Some(url) = &config.public_url {
        return url.trim_end_matches('/').to_owned();
    }
    if parts.extensions.get::<SocketContext>().is_some() {
        return String::new();
    }
    let host = host(config, &parts.headers).unwrap_or("localhost");
    format!("{}://{host}", scheme(config, &parts.headers))
}

/// Returns the address at which WebSockets are opened.
#[must_use]
pub fn socket_uri(config: &ApiConfig, parts: &Parts) -> String {
    let base = base_uri(config, parts);
    let base = match base.split_once("://") {
        Some(("https", rest)) => format!("wss://{rest}"),
        Some((_, rest)) => format!("ws://{rest}"),
        None => base,
    };
    format!("{base}{}", crate::socket::PATH)
}

/// Returns from where a request comes.
#[must_use]
pub fn client_address(config: &ApiConfig, parts: &Parts) -> Option<IpAddr> {
    let forwarded = || {
        // The last entry is the proxy's own; what stands before it, anybody could have written.
        let list = parts.headers.get_all("x-forwarded-for").iter().next_back()?;
        list.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
    };
    let forwarded = config.trust_forwarded.then(forwarded).flatten();
    forwarded.or_else(|| parts.extensions.get::<Peer>().map(|peer| peer.0.ip()))
}

fn host<'a>(config: &ApiConfig, headers: &'a HeaderMap) -> Option<&'a str> {
    let forwarded = config.trust_forwarded.then(|| headers.get("x-forwarded-host")).flatten();
    let host = forwarded.or_else(|| headers.get(HOST))?.to_str().ok()?;
    // It is written into answers: nothing but a name, an address and a port may stand in it.
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
    (!host.is_empty() && host.len() <= 255 && host.bytes().all(plain)).then_some(host)
}

fn scheme(config: &ApiConfig, headers: &HeaderMap) -> &'static str {
    let forwarded = config.trust_forwarded.then(|| headers.get("x-forwarded-proto")).flatten();
    match forwarded.map(http::HeaderValue::as_bytes) {
        Some(b"https") => "https",
        _ => "http",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(headers: &[(&'static str, &'static str)]) -> Parts {
        let mut builder = http::Request::builder().uri("/");
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(()).unwrap().into_parts().0
    }

    #[test]
    fn the_configured_address_wins_over_the_host() {
        let config = ApiConfig {
            public_url: Some("https://presence.example.org/".to_owned()),
            ..ApiConfig::default()
        };
        let parts = parts(&[("host", "10.0.0.1:8650")]);

        assert_eq!(base_uri(&config, &parts), "https://presence.example.org");
        assert_eq!(socket_uri(&config, &parts), "wss://presence.example.org/ws");
    }

    #[test]
    fn forwarded_headers_count_only_when_they_are_trusted() {
        let headers = [
            ("host", "inner:1"),
            ("x-forwarded-host", "outer.example.org"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-for", "203.0.113.9, 198.51.100.7"),
        ];
        let trusting = ApiConfig { trust_forwarded: true, ..ApiConfig::default() };

        assert_eq!(base_uri(&ApiConfig::default(), &parts(&headers)), "http://inner:1");
        assert_eq!(base_uri(&trusting, &parts(&headers)), "https://outer.example.org");
        assert_eq!(client_address(&ApiConfig::default(), &parts(&headers)), None);
        assert_eq!(client_address(&trusting, &parts(&headers)), "198.51.100.7".parse().ok());
    }

    #[test]
    fn a_host_that_is_no_host_is_not_repeated() {
        let config = ApiConfig::default();
        for bad in ["", "a b", "x\"y", "a/b", "a?b", "a@b"] {
            let parts = parts(&[("host", Box::leak(bad.to_owned().into_boxed_str()))]);
            assert_eq!(base_uri(&config, &parts), "http://localhost", "{bad:?}");
        }
    }
}
