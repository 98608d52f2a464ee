//! The question to a new receiver: do you want this (contract 7.1)?

use std::net::Ipv6Addr;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{StatusCode, Uri};
use uuid::Uuid;

use crate::webhook::client::{AnswerEnd, Client, PostError, Route};

const VALIDATION_TOKEN: HeaderName = HeaderName::from_static("validation-token");

/// Why a receiver is not accepted. The message is for whoever makes the subscription; it tells
/// nothing of the operator's network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// The address is no absolute http or https URL without a user name (CMN-101,
    /// `deliveryMode.address`).
    #[error("Parameter [deliveryMode.address] value is invalid")]
    InvalidAddress,
    /// The answer lacks the token, or has another (SUB-520).
    #[error("Validation Token is not returned")]
    TokenNotReturned,
    /// No connection, no answer in time, or an address that is not dialled (SUB-521).
    #[error("WebHook is not reachable")]
    NotReachable,
    /// Plain http is not allowed (SUB-523).
    #[error("HTTPS is required")]
    HttpsRequired,
    /// The certificate is not good (SUB-524).
    #[error("HTTPS certificate is not valid")]
    InvalidCertificate,
    /// Not 200, too long, or broken off (SUB-525).
    #[error("WebHook server response is invalid")]
    InvalidAnswer,
}

impl HandshakeError {
    /// Returns the contract's code; the status is 400 with each.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidAddress => "CMN-101",
            Self::TokenNotReturned => "SUB-520",
            Self::NotReachable => "SUB-521",
            Self::HttpsRequired => "SUB-523",
            Self::InvalidCertificate => "SUB-524",
            Self::InvalidAnswer => "SUB-525",
        }
    }
}

/// Takes the address of a receiver apart.
///
/// # Errors
/// [`HandshakeError::InvalidAddress`].
pub fn parse_address(text: &str) -> Result<Uri, HandshakeError> {
    let uri: Uri = text.parse().map_err(|_| HandshakeError::InvalidAddress)?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    let authority = uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
    // A user name would be dropped silently on the way.
    let is_plain = uri.host().is_some_and(is_host) && !authority.contains('@');
    if is_web && is_plain { Ok(uri) } else { Err(HandshakeError::InvalidAddress) }
}

/// A zone in an IPv6 literal (RFC 6874) would choose one of this machine's own networks; a name with a
/// percent sign in it is none.
fn is_host(host: &str) -> bool {
    let literal = host.strip_prefix('[').map(|rest| rest.strip_suffix(']').unwrap_or(rest));
    match literal {
        Some(literal) => literal.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && !host.contains('%'),
    }
}

/// Asks the receiver at `address` whether it wants to be one.
pub(super) async fn shake_hands(client: &Client, address: &str) -> Result<(), HandshakeError> {
    let uri = parse_address(address)?;
    let token = Uuid::new_v4().hyphenated().to_string();
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_str(&token).map_err(|_| HandshakeError::InvalidAnswer)?;
    headers.insert(VALIDATION_TOKEN, value);
    let host = uri.host().unwrap_or_default();
    let answer = client.post(&uri, headers, Bytes::new(), Route::Fresh).await.map_err(|error| {
        tracing::info!(webhook.host = host, reason = %error, "webhook handshake failed");
        HandshakeError::from(&error)
    })?;
    let judged = judge(answer.status, answer.end, answer.headers.get(VALIDATION_TOKEN), &token);
    if let Err(error) = &judged {
        let status = answer.status.as_u16();
        tracing::info!(webhook.host = host, http.status = status, reason = %error, "webhook handshake refused");
    }
    judged
}

fn judge(
    status: StatusCode,
    end: AnswerEnd,
    returned: Option<&HeaderValue>,
    token: &str,
) -> Result<(), HandshakeError> {
    if status != StatusCode::OK || end != AnswerEnd::Complete {
        return Err(HandshakeError::InvalidAnswer);
    }
    match returned {
        Some(returned) if returned.as_bytes() == token.as_bytes() => Ok(()),
        Some(_) | None => Err(HandshakeError::TokenNotReturned),
    }
}

impl From<&PostError> for HandshakeError {
    fn from(error: &PostError) -> Self {
        match error {
            PostError::Timeout(_) | PostError::Dial(_) => Self::NotReachable,
            PostError::HttpsRequired(_) => Self::HttpsRequired,
            PostError::Certificate(_) => Self::InvalidCertificate,
            PostError::Broken(_) | PostError::Sealed => Self::InvalidAnswer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_absolute_web_address_without_a_user() {
        for good in [
            "https://hooks.example.com/in?a=b",
            "http://127.0.0.1:8080",
            "https://[2606:4700::1111]:8443/x",
        ] {
            assert!(parse_address(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/in",
            "hooks.example.com",
            "ftp://example.com/",
            "https://",
            "https:///in",
            "https://user:secret@example.com/",
            "javascript:alert(1)",
            "https://exa mple.com/",
            "file:///etc/passwd",
        ] {
            assert_eq!(parse_address(bad), Err(HandshakeError::InvalidAddress), "{bad}");
        }
    }

    #[test]
    fn each_flaw_of_an_answer_has_its_code() {
        let right = HeaderValue::from_static("t-1");
        let wrong = HeaderValue::from_static("t-2");
        let table = [
            (200, AnswerEnd::Complete, Some(&right), None),
            (200, AnswerEnd::Complete, Some(&wrong), Some("SUB-520")),
            (200, AnswerEnd::Complete, None, Some("SUB-520")),
            (204, AnswerEnd::Complete, Some(&right), Some("SUB-525")),
            (302, AnswerEnd::Complete, Some(&right), Some("SUB-525")),
            (500, AnswerEnd::Complete, Some(&right), Some("SUB-525")),
            (200, AnswerEnd::Overlong, Some(&right), Some("SUB-525")),
            (200, AnswerEnd::Cut, Some(&right), Some("SUB-525")),
        ];
        for (status, end, returned, code) in table {
            let judged = judge(StatusCode::from_u16(status).unwrap(), end, returned, "t-1");
            assert_eq!(judged.err().map(|error| error.code()), code, "{status} {end:?}");
        }
    }
}
