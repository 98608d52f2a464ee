//! Which application asks: its id and, unless it is public, its secret.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use lampfield_contract::{OauthError, parse_query};
use lampfield_core::AppId;
use lampfield_core::directory::App;

use crate::auth::{Knocker, is_secret};
use crate::state::ApiState;

/// What the client says of itself, in the header or in the body; nothing is checked yet.
pub(super) struct Claimed {
    id: String,
    secret: Option<String>,
}

/// Reads the form of a token request.
///
/// # Errors
/// 415 for another type of body, 400 for one that is no text.
pub(super) fn read_form(
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Vec<(String, String)>, OauthError> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(OauthError::not_a_form());
    }
    let unreadable = || OauthError::new(400, "invalid_request", "CMN-104", "Cannot parse request");
    Ok(parse_query(std::str::from_utf8(body).map_err(|_| unreadable())?))
}

impl Claimed {
    /// Finds what the client says of itself. Some SDKs say it twice: then both must agree.
    ///
    /// # Errors
    /// 401 `invalid_client`.
    pub(super) fn of(
        headers: &HeaderMap,
        body_id: Option<&str>,
        body_secret: Option<&str>,
    ) -> Result<Self, OauthError> {
        let Some(header) = headers.get(AUTHORIZATION) else {
            let id = body_id.ok_or_else(OauthError::invalid_client)?.to_owned();
            return Ok(Self { id, secret: body_secret.map(str::to_owned) });
        };
        let (id, secret) =
            header.to_str().ok().and_then(basic).ok_or_else(OauthError::invalid_client)?;
        if body_id.is_some_and(|other| other != id) {
            return Err(OauthError::invalid_client());
        }
        let secret = if secret.is_empty() { body_secret.map(str::to_owned) } else { Some(secret) };
        Ok(Self { id, secret })
    }

    /// Names the client for the guard against guessing.
    pub(super) fn knocker(&self, address: Option<IpAddr>) -> Knocker {
        Knocker::new(&self.id, address)
    }

    /// Returns the id as sent.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Checks id and secret.
    ///
    /// # Errors
    /// 401 `invalid_client`.
    pub(super) fn check(&self, state: &ApiState) -> Result<Arc<App>, OauthError> {
        let app = AppId::new(&self.id).ok().and_then(|id| state.registry.app(&id));
        let app = app.ok_or_else(OauthError::invalid_client)?;
        let is_right = match (&app.secret, &self.secret) {
            (None, None) => true,
            (Some(kept), Some(secret)) => is_secret(secret, kept),
            // A public application has no secret to send.
            (None, Some(_)) | (Some(_), None) => false,
        };
        if is_right { Ok(app) } else { Err(OauthError::invalid_client()) }
    }
}

fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn claimed(header: Option<&str>, id: Option<&str>) -> Option<(String, Option<String>)> {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(AUTHORIZATION, HeaderValue::from_str(header).unwrap());
        }
        Claimed::of(&headers, id, None).ok().map(|claimed| (claimed.id, claimed.secret))
    }

    #[test]
    fn a_client_names_itself_in_the_header_or_the_body_or_both_alike() {
        // YTpi is a:b, YTo= is "a:".
        let app = |secret: Option<&str>| Some(("a".to_owned(), secret.map(str::to_owned)));
        assert_eq!(claimed(Some("Basic YTpi"), None), app(Some("b")));
        assert_eq!(claimed(Some("basic YTpi"), Some("a")), app(Some("b")));
        assert_eq!(claimed(Some("Basic YTo="), None), app(None));
        assert_eq!(claimed(None, Some("a")), app(None));
        for (header, id) in [
            (Some("Basic YTpi"), Some("other")),
            (Some("Bearer YTpi"), Some("a")),
            (Some("Basic !!!"), None),
            (Some("Basic"), None),
            (None, None),
        ] {
            assert_eq!(claimed(header, id), None, "{header:?} {id:?}");
        }
    }
}
