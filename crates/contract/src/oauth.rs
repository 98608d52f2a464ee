//! Bodies of the OAuth endpoints (contract section 4): token requests, answers, errors.

use std::fmt;

use lampfield_core::directory::Scopes;
use serde_json::{Map, Value, json};

/// Shortest and longest life of an access token, in seconds, to which wishes are clamped.
pub const ACCESS_TTL: std::ops::RangeInclusive<u32> = 600..=3600;
/// Longest life of a refresh token, in seconds.
pub const REFRESH_TTL_MAX: u32 = 2_592_000;
/// Life of a refresh token when nothing else is asked, in seconds.
pub const REFRESH_TTL_DEFAULT: u32 = 604_800;

/// Other spellings of scopes in use (contract 4.3).
pub const SCOPE_ALIASES: &[(&str, Scopes)] = &[
    ("WebSocket", Scopes::WEBSOCKET),
    ("WebSocketsSubscriptions", Scopes::WEBSOCKET),
    ("WebSocketSubscription", Scopes::WEBSOCKET),
    ("SubscriptionWebSocket", Scopes::WEBSOCKET),
    ("Accounts", Scopes::EDIT_ACCOUNTS),
];

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A token request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRequest {
    /// What it is based on.
    pub grant: Grant,
    /// `client_id` in the body: public applications, and some SDKs beside the header.
    pub client_id: Option<String>,
    /// `client_secret` in the body.
    pub client_secret: Option<Secret>,
    /// What is asked for; `None` when nothing is (all that the application may).
    pub scopes: Option<Scopes>,
    /// `endpoint_id`, to be repeated in the answer.
    pub endpoint_id: Option<String>,
    /// Life of the access token in seconds, within [`ACCESS_TTL`].
    pub access_ttl: u32,
    /// Life of the refresh token in seconds, at most [`REFRESH_TTL_MAX`].
    pub refresh_ttl: u32,
}

/// What a token request is based on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// A JWT credential.
    JwtBearer {
        /// The JWT.
        assertion: Secret,
    },
    /// A refresh token.
    Refresh {
        /// The token.
        refresh_token: Secret,
    },
    /// A password.
    Password {
        /// The account's number, as typed.
        username: String,
        /// The extension's number; `None` for the main one.
        extension: Option<String>,
        /// The password.
        password: Secret,
    },
    /// A code from the authorization page.
    AuthorizationCode {
        /// The code.
        code: Secret,
        /// Must equal that of the authorization request.
        redirect_uri: Option<String>,
        /// PKCE.
        code_verifier: Option<Secret>,
    },
}

/// A text that no log shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text; the caller sees to it that it goes nowhere else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl TokenRequest {
    /// Reads the decoded pairs of a form.
    ///
    /// Lifetimes that do not parse are ignored, others clamped: after a 401, clients send `-1`.
    /// `username` may hold the extension behind `*`; an `extension` that is present but empty is none.
    ///
    /// # Errors
    /// 400 `invalid_request` with OAU-111 when a parameter comes twice, or for a missing one; 400
    /// `unsupported_grant_type`.
    pub fn parse(form: &[(String, String)]) -> Result<Self, OauthError> {
        let form = Form::of(form)?;
        Ok(Self {
            grant: grant(&form)?,
            client_id: form.text("client_id"),
            client_secret: form.secret("client_secret"),
            scopes: form.get("scope").map(parse_scopes).filter(|scopes| !scopes.is_empty()),
            endpoint_id: form.text("endpoint_id"),
            access_ttl: form
                .seconds("access_token_ttl")
                .unwrap_or(*ACCESS_TTL.end())
                .clamp(*ACCESS_TTL.start(), *ACCESS_TTL.end()),
            refresh_ttl: form
                .seconds("refresh_token_ttl")
                .filter(|seconds| *seconds > 0)
                .unwrap_or(REFRESH_TTL_DEFAULT)
                .min(REFRESH_TTL_MAX),
        })
    }
}

/// The pairs of a form, each name at most once.
struct Form<'a>(&'a [(String, String)]);

impl<'a> Form<'a> {
    fn of(pairs: &'a [(String, String)]) -> Result<Self, OauthError> {
        let repeated = pairs
            .iter()
            .enumerate()
            .any(|(at, (name, _))| pairs.iter().take(at).any(|(earlier, _)| earlier == name));
        if repeated { Err(OauthError::duplicate_parameter()) } else { Ok(Self(pairs)) }
    }

    /// An empty value is none.
    fn get(&self, name: &str) -> Option<&'a str> {
        let pair = self.0.iter().find(|(key, _)| key == name);
        pair.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    fn secret(&self, name: &str) -> Option<Secret> {
        self.get(name).map(Secret::new)
    }

    fn needed(&self, name: &'static str) -> Result<&'a str, OauthError> {
        self.get(name).ok_or_else(|| OauthError::missing_parameter(name))
    }

    /// Whole seconds; negative ones count as 0, what is no number as not given.
    fn seconds(&self, name: &str) -> Option<u32> {
        let number: i64 = self.get(name)?.parse().ok()?;
        Some(u32::try_from(number.max(0)).unwrap_or(u32::MAX))
    }
}

fn grant(form: &Form<'_>) -> Result<Grant, OauthError> {
    match form.needed("grant_type")? {
        JWT_BEARER => Ok(Grant::JwtBearer { assertion: Secret::new(form.needed("assertion")?) }),
        "refresh_token" => {
            Ok(Grant::Refresh { refresh_token: Secret::new(form.needed("refresh_token")?) })
        }
        "password" => password(form),
        "authorization_code" => Ok(Grant::AuthorizationCode {
            code: Secret::new(form.needed("code")?),
            redirect_uri: form.text("redirect_uri"),
            code_verifier: form.secret("code_verifier"),
        }),
        _ => Err(OauthError::unsupported_grant()),
    }
}

fn password(form: &Form<'_>) -> Result<Grant, OauthError> {
    let username = form.needed("username")?;
    let (username, in_username) = match username.rsplit_once('*') {
        Some((username, extension)) => (username, Some(extension)),
        None => (username, None),
    };
    let extension = form.get("extension").or(in_username).map(str::trim);
    Ok(Grant::Password {
        username: username.trim().to_owned(),
        extension: extension.filter(|number| !number.is_empty()).map(str::to_owned),
        password: Secret::new(form.needed("password")?),
    })
}

/// Returns the digits of a phone number as typed, by which two spellings compare:
/// `+1 (202) 555-0100` and `12025550100` are the same.
#[must_use]
pub fn number_digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Reads a list of scopes separated by spaces or commas; unknown words are ignored.
#[must_use]
pub fn parse_scopes(text: &str) -> Scopes {
    let alias = |word: &str| {
        SCOPE_ALIASES.iter().find(|(name, _)| *name == word).map(|(_, scopes)| *scopes)
    };
    text.split([' ', ',', '+'])
        .filter_map(|word| Scopes::parse(word).or_else(|| alias(word)))
        .fold(Scopes::NONE, Scopes::with)
}

/// Returns scopes as the token answer lists them; the WebSocket scope under both names that clients
/// look for.
#[must_use]
pub fn scope_text(scopes: Scopes) -> String {
    let mut words: Vec<_> = scopes.words().collect();
    if scopes.contains(Scopes::WEBSOCKET) {
        words.push("SubscriptionWebSocket");
    }
    words.join(" ")
}

/// What a token answer tells.
#[derive(Clone, Copy)]
pub struct IssuedTokens<'a> {
    /// The access token.
    pub access_token: &'a str,
    /// Its life, in seconds.
    pub expires_in: u64,
    /// The refresh token.
    pub refresh_token: &'a str,
    /// Its life, in seconds.
    pub refresh_token_expires_in: u64,
    /// What was granted.
    pub scopes: Scopes,
    /// Who is logged in.
    pub owner: lampfield_core::ExtensionId,
    /// The log-in.
    pub session: lampfield_core::SessionId,
    /// As sent by the client.
    pub endpoint_id: Option<&'a str>,
}

/// Leaves the tokens out.
impl fmt::Debug for IssuedTokens<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedTokens")
            .field("owner", &self.owner)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

/// Returns the answer to a token request (contract 4.2).
#[must_use]
pub fn token_response(issued: &IssuedTokens<'_>) -> Value {
    let mut answer = Map::new();
    let mut member = |name: &str, value: Value| {
        answer.insert(name.to_owned(), value);
    };
    member("access_token", json!(issued.access_token));
    member("token_type", json!("bearer"));
    member("expires_in", json!(issued.expires_in));
    member("refresh_token", json!(issued.refresh_token));
    member("refresh_token_expires_in", json!(issued.refresh_token_expires_in));
    member("scope", json!(scope_text(issued.scopes)));
    member("owner_id", json!(issued.owner.to_string()));
    if let Some(endpoint) = issued.endpoint_id {
        member("endpoint_id", json!(endpoint));
    }
    member("session_id", json!(issued.session.to_string()));
    Value::Object(answer)
}

/// Returns the answer to a request for a WebSocket token (contract 4.6). `uri` has no query: clients
/// append theirs; `token` is URL-safe.
#[must_use]
pub fn wstoken_response(uri: &str, token: &str, expires_in: u64) -> Value {
    json!({ "uri": uri, "ws_access_token": token, "expires_in": expires_in })
}

/// An error of an OAuth endpoint (contract 4.5).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error} ({code}): {description}")]
pub struct OauthError {
    /// HTTP status.
    pub status: u16,
    /// RFC 6749 word such as `invalid_grant`.
    pub error: &'static str,
    /// Code such as `OAU-140`.
    pub code: &'static str,
    /// A sentence.
    pub description: String,
    /// Seconds for `Retry-After`.
    pub retry_after: Option<u32>,
}

impl OauthError {
    /// Makes an error.
    #[must_use]
    pub fn new(
        status: u16,
        error: &'static str,
        code: &'static str,
        description: impl Into<String>,
    ) -> Self {
        Self { status, error, code, description: description.into(), retry_after: None }
    }

    /// Returns the JSON body: in OAuth's words and in the contract's.
    #[must_use]
    pub fn body(&self) -> Value {
        json!({
            "error": self.error,
            "error_description": self.description,
            "errors": [{ "errorCode": self.code, "message": self.description }],
            "errorCode": self.code,
            "message": self.description,
        })
    }

    /// 400 OAU-111: a parameter came twice.
    #[must_use]
    pub fn duplicate_parameter() -> Self {
        Self::new(400, "invalid_request", "OAU-111", "Request parameter duplication detected")
    }

    /// 400 CMN-101: a parameter is missing.
    #[must_use]
    pub fn missing_parameter(name: &str) -> Self {
        let message = format!("Parameter [{name}] value is invalid");
        Self::new(400, "invalid_request", "CMN-101", message)
    }

    /// 400 OAU-112: a grant that this server does not know.
    #[must_use]
    pub fn unsupported_grant() -> Self {
        Self::new(400, "unsupported_grant_type", "OAU-112", "Unsupported grant type")
    }

    /// 400 OAU-112: a grant that this application may not use.
    #[must_use]
    pub fn unauthorized_client() -> Self {
        let message = "The client is not authorized to use this grant type";
        Self::new(400, "unauthorized_client", "OAU-112", message)
    }

    /// 401 OAU-146: unknown application or wrong secret.
    #[must_use]
    pub fn invalid_client() -> Self {
        Self::new(401, "invalid_client", "OAU-146", "Invalid client credentials")
    }

    /// 400 OAU-140: wrong JWT, user name or password; which of them is not told.
    #[must_use]
    pub fn invalid_credentials() -> Self {
        let message = "Invalid resource owner credentials";
        Self::new(400, "invalid_grant", "OAU-140", message)
    }

    /// 400 OAU-213: a refresh token that is unknown, used or expired.
    #[must_use]
    pub fn invalid_refresh_token() -> Self {
        Self::new(400, "invalid_grant", "OAU-213", "Token not found")
    }

    /// 400 OAU-141: the extension may not log in in its present state.
    #[must_use]
    pub fn extension_state() -> Self {
        let message = "Extension state does not allow to log in";
        Self::new(400, "invalid_grant", "OAU-141", message)
    }

    /// 415: the body is no form.
    #[must_use]
    pub fn not_a_form() -> Self {
        let message = "Content-Type must be application/x-www-form-urlencoded";
        Self::new(415, "invalid_request", "CMN-104", message)
    }

    /// 429 CMN-301: too many attempts; try again after `retry_after` seconds.
    #[must_use]
    pub fn rate_exceeded(retry_after: u32) -> Self {
        let error = Self::new(429, "invalid_request", "CMN-301", "Request rate exceeded");
        Self { retry_after: Some(retry_after), ..error }
    }

    /// 503 CMN-201: too much to do at present; try again after `retry_after` seconds.
    #[must_use]
    pub fn overloaded(retry_after: u32) -> Self {
        let message = "Service Temporary Unavailable";
        let error = Self::new(503, "temporarily_unavailable", "CMN-201", message);
        Self { retry_after: Some(retry_after), ..error }
    }

    /// 500 CMN-203: our fault.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(500, "server_error", "CMN-203", "Internal Server Error")
    }
}
