//! Bodies of the OAuth endpoints (contract section 4): token requests and answers.

use std::fmt;

use lampfield_core::directory::Scopes;
use lampfield_core::{ExtensionId, SessionId};
use serde_json::{Map, Value, json};

use crate::oauth_error::OauthError;

/// Shortest and longest life of an access token, in seconds, to which wishes are clamped.
pub const ACCESS_TTL: std::ops::RangeInclusive<u32> = 600..=3600;
/// Shortest and longest life of a refresh token, in seconds, to which wishes are clamped. Shorter ones
/// are what clients make of a failed request; granting them would log people out.
pub const REFRESH_TTL: std::ops::RangeInclusive<u32> = 600..=2_592_000;
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
    /// Life of the refresh token in seconds, within [`REFRESH_TTL`].
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
    /// `unsupported_grant_type`; 401 `invalid_client` for a `client_assertion`.
    pub fn parse(form: &[(String, String)]) -> Result<Self, OauthError> {
        let form = Form::of(form)?;
        let is_asserted = |name| form.get(name).is_some();
        if is_asserted("client_assertion") || is_asserted("client_assertion_type") {
            return Err(OauthError::unsupported_client_authentication());
        }
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
                .clamp(*REFRESH_TTL.start(), *REFRESH_TTL.end()),
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
    /// The refresh token and its life, in seconds; none for an application that gets none.
    pub refresh: Option<(&'a str, u64)>,
    /// What was granted.
    pub scopes: Scopes,
    /// Who is logged in.
    pub owner: ExtensionId,
    /// The log-in.
    pub session: SessionId,
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
    if let Some((token, expires_in)) = issued.refresh {
        member("refresh_token", json!(token));
        member("refresh_token_expires_in", json!(expires_in));
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::parse_query;

    fn parse(form: &str) -> Result<TokenRequest, OauthError> {
        TokenRequest::parse(&parse_query(form))
    }

    fn grant_of(form: &str) -> Grant {
        parse(form).expect("a token request").grant
    }

    #[test]
    fn each_grant_is_read() {
        assert_eq!(
            grant_of(
                "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=a.b.c"
            ),
            Grant::JwtBearer { assertion: Secret::new("a.b.c") }
        );
        assert_eq!(
            grant_of("grant_type=refresh_token&refresh_token=r"),
            Grant::Refresh { refresh_token: Secret::new("r") }
        );
        assert_eq!(
            grant_of("grant_type=authorization_code&code=c&redirect_uri=https%3A%2F%2Fa%2Fb"),
            Grant::AuthorizationCode {
                code: Secret::new("c"),
                redirect_uri: Some("https://a/b".to_owned()),
                code_verifier: None,
            }
        );
    }

    #[test]
    fn a_user_name_has_three_spellings() {
        let password = |username: &str, extension: Option<&str>| Grant::Password {
            username: username.to_owned(),
            extension: extension.map(str::to_owned),
            password: Secret::new("p"),
        };
        for (form, grant) in [
            ("username=%2B12025550100*101", password("+12025550100", Some("101"))),
            ("username=%2B12025550100&extension=101", password("+12025550100", Some("101"))),
            ("username=%2B12025550100&extension=", password("+12025550100", None)),
            ("username=%2B12025550100*101&extension=", password("+12025550100", Some("101"))),
            ("username=12025550100", password("12025550100", None)),
            ("username=12025550100*", password("12025550100", None)),
        ] {
            assert_eq!(
                grant_of(&format!("grant_type=password&password=p&{form}")),
                grant,
                "{form}"
            );
        }
    }

    #[test]
    fn lifetimes_are_clamped_and_garbage_in_them_is_ignored() {
        let ttls = |form: &str| {
            let form = format!("grant_type=refresh_token&refresh_token=r&{form}");
            parse(&form).map(|request| (request.access_ttl, request.refresh_ttl))
        };
        assert_eq!(ttls(""), Ok((3600, 604_800)));
        assert_eq!(ttls("access_token_ttl=-1&refresh_token_ttl=604799"), Ok((600, 604_799)));
        assert_eq!(ttls("access_token_ttl=1&refresh_token_ttl=-1"), Ok((600, 604_800)));
        assert_eq!(ttls("access_token_ttl=1&refresh_token_ttl=1"), Ok((600, 600)));
        assert_eq!(ttls("access_token_ttl=3601&refresh_token_ttl=604801"), Ok((3600, 604_801)));
        assert_eq!(ttls("access_token_ttl=NaN&refresh_token_ttl=NaN"), Ok((3600, 604_800)));
        assert_eq!(
            ttls("access_token_ttl=99999999999999&refresh_token_ttl=99999999999999"),
            Ok((3600, 2_592_000))
        );
        assert_eq!(ttls("access_token_ttl=1800"), Ok((1800, 604_800)));
    }

    #[test]
    fn a_form_that_is_no_token_request_says_why() {
        for (form, error) in [
            ("", OauthError::missing_parameter("grant_type")),
            ("grant_type=", OauthError::missing_parameter("grant_type")),
            ("grant_type=partner_jwt&assertion=x", OauthError::unsupported_grant()),
            (
                "grant_type=password&client_assertion=a.b.c",
                OauthError::unsupported_client_authentication(),
            ),
            ("grant_type=password&password=p", OauthError::missing_parameter("username")),
            ("grant_type=password&username=u", OauthError::missing_parameter("password")),
            ("grant_type=refresh_token", OauthError::missing_parameter("refresh_token")),
            (
                "grant_type=refresh_token&refresh_token=a&refresh_token=b",
                OauthError::duplicate_parameter(),
            ),
            ("grant_type=password&grant_type=password", OauthError::duplicate_parameter()),
        ] {
            assert_eq!(parse(form), Err(error), "{form}");
        }
    }

    #[test]
    fn no_secret_shows_in_a_log() {
        let request = parse("grant_type=password&username=u&password=hush&client_secret=hush")
            .expect("valid");

        assert!(!format!("{request:?}").contains("hush"));
    }

    #[test]
    fn scopes_have_aliases_and_unknown_ones_are_ignored() {
        for word in [
            "WebSocket",
            "WebSocketsSubscription",
            "WebSocketsSubscriptions",
            "SubscriptionWebSocket",
        ] {
            assert_eq!(parse_scopes(word), Scopes::WEBSOCKET, "{word}");
        }
        assert_eq!(
            parse_scopes("ReadPresence, Faxes ReadAccounts"),
            Scopes::READ_PRESENCE.with(Scopes::READ_ACCOUNTS)
        );
        let request = parse("grant_type=refresh_token&refresh_token=r&scope=Faxes").expect("valid");
        assert_eq!(request.scopes, None);
    }

    #[test]
    fn a_token_answer_has_numbers_where_clients_calculate() {
        let answer = token_response(&IssuedTokens {
            access_token: "A",
            expires_in: 3600,
            refresh: Some(("R", 604_800)),
            scopes: Scopes::READ_ACCOUNTS.with(Scopes::WEBSOCKET),
            owner: "900200300".parse().expect("an id"),
            session: SessionId(uuid::Uuid::nil()),
            endpoint_id: None,
        });

        assert_eq!(
            answer.to_string(),
            concat!(
                r#"{"access_token":"A","token_type":"bearer","expires_in":3600,"refresh_token":"R","#,
                r#""refresh_token_expires_in":604800,"#,
                r#""scope":"ReadAccounts WebSocketsSubscription SubscriptionWebSocket","#,
                r#""owner_id":"900200300","session_id":"00000000-0000-0000-0000-000000000000"}"#
            )
        );
        assert_eq!(
            wstoken_response("wss://h/ws", "T", 2).to_string(),
            r#"{"uri":"wss://h/ws","ws_access_token":"T","expires_in":2}"#
        );
    }

    #[test]
    fn numbers_compare_by_their_digits() {
        assert_eq!(number_digits("+1 (202) 555-0100"), "12025550100");
    }
}
