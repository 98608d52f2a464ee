//! HTTP to a running server.

use anyhow::Context;
use axum::body::Body;
use http::uri::{Authority, Scheme, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::exit::{Code, Failure};

/// A client of one server, over HTTP or HTTPS.
pub(super) struct Client {
    scheme: Scheme,
    authority: Authority,
    client: legacy::Client<HttpsConnector<HttpConnector>, Body>,
}

impl Client {
    /// Makes the client of a server's address.
    ///
    /// # Errors
    /// [`Failure`] for an address that is none.
    pub(super) fn new(server: &str) -> anyhow::Result<Self> {
        let wrong = || {
            let message =
                format!("{server:?} is not a server's address, such as http://127.0.0.1:8650");
            Failure::new(Code::Usage, message)
        };
        let uri: Uri = server.trim_end_matches('/').parse().map_err(|_| wrong())?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(wrong().into());
        };
        if uri.path() != "/" || ![Scheme::HTTP, Scheme::HTTPS].contains(scheme) {
            return Err(wrong().into());
        }
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(std::time::Duration::from_secs(10)));
        let https = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())
            .context("TLS cannot be set up")?
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = legacy::Client::builder(TokioExecutor::new()).build(https);
        Ok(Self { scheme: scheme.clone(), authority: authority.clone(), client })
    }

    /// Sends a request to a path of the server.
    pub(super) async fn send(
        &self,
        request: http::request::Builder,
        path: &str,
        body: Body,
    ) -> anyhow::Result<http::Response<Body>> {
        let uri = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path)
            .build()
            .context("a part of the command cannot stand in an address")?;
        let request = request.uri(uri).body(body)?;
        let response = self.client.request(request).await.map_err(|error| {
            let cause =
                std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source());
            let deepest = cause.last().map(ToString::to_string).unwrap_or_default();
            let server = format!("{}://{}", self.scheme, self.authority);
            Failure::new(Code::Unavailable, format!("{server} cannot be reached: {deepest}"))
        })?;
        Ok(response.map(Body::new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_is_scheme_and_host() {
        for good in ["http://127.0.0.1:8650", "https://presence.example.org/", "http://[::1]:1"] {
            assert!(Client::new(good).is_ok(), "{good}");
        }
        for wrong in ["127.0.0.1:8650", "ftp://x", "http://x/y", "", "http://"] {
            assert!(Client::new(wrong).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_unavailable() {
        // Port 9 of this machine's own address: nobody listens there.
        let client = Client::new("http://127.0.0.1:9").unwrap();
        let asked = client.send(http::Request::builder(), "/healthz", Body::empty()).await;
        let error = asked.unwrap_err();
        assert_eq!(crate::exit::code_of(&error), Code::Unavailable);
        assert!(error.to_string().starts_with("http://127.0.0.1:9 cannot be reached: "), "{error}");
    }
}
