//! Requests for the log-in page (contract 4.6; RFC 6749 section 4.1, RFC 7636).
//!
//! Who asks and where the answer goes is read first: only when both are known, errors may be sent
//! there ([`AuthorizationWish::parse`]); before that they may only be shown.

use lampfield_core::directory::Scopes;

use crate::oauth::parse_scopes;
use crate::oauth_error::OauthError;

/// How long a code lives, in seconds; told as `expires_in` in the redirect.
pub const CODE_SECONDS: u32 = 60;
/// Longest `state` that is sent back, in bytes.
pub const STATE_MAX: usize = 4096;
/// Longest hint of whom to log in, in bytes; longer ones are ignored.
const HINT_MAX: usize = 256;

/// The decoded pairs of a request for the log-in page, from its query or its form.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizationRequest<'a>(pub &'a [(String, String)]);

/// What is asked for, once it is known who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationWish {
    /// What is asked for; none when nothing is (all that the application may).
    pub scopes: Option<Scopes>,
    /// PKCE: what the token request must prove.
    pub challenge: Option<Challenge>,
    /// Who is expected to log in (`login_hint`), for the form.
    pub login_hint: Option<String>,
}

/// What a token request must prove (RFC 7636).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// How the verifier becomes the challenge.
    pub method: ChallengeMethod,
    /// The challenge.
    pub value: String,
}

/// How a verifier becomes a challenge (`code_challenge_method`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChallengeMethod {
    /// Not at all; the default.
    Plain,
    /// Base64url of its SHA-256.
    S256,
}

impl<'a> AuthorizationRequest<'a> {
    /// Returns the one value of a parameter; an empty one is none.
    ///
    /// # Errors
    /// 400 `invalid_request` OAU-111 when it comes twice.
    fn one(&self, name: &str) -> Result<Option<&'a str>, OauthError> {
        let mut found = self.0.iter().filter(|(key, _)| key == name);
        let first = found.next().map(|(_, value)| value.as_str());
        match found.next() {
            Some(_) => Err(OauthError::duplicate_parameter()),
            None => Ok(first.filter(|value| !value.is_empty())),
        }
    }

    /// Returns who asks.
    ///
    /// # Errors
    /// 400 `invalid_request` when it is missing or comes twice.
    pub fn client_id(&self) -> Result<&'a str, OauthError> {
        self.one("client_id")?.ok_or_else(|| OauthError::missing_parameter("client_id"))
    }

    /// Returns where the answer shall go.
    ///
    /// # Errors
    /// 400 `invalid_request` when it comes twice.
    pub fn redirect_uri(&self) -> Result<Option<&'a str>, OauthError> {
        self.one("redirect_uri")
    }

    /// Returns what is to be sent back as it came, whatever else is wrong.
    #[must_use]
    pub fn state(&self) -> Option<&'a str> {
        self.one("state").ok().flatten().filter(|state| state.len() <= STATE_MAX)
    }
}

impl AuthorizationWish {
    /// Reads the rest of a request. `prompt`, `display`, `ui_locales`, `nonce` and brands are
    /// accepted and change nothing.
    ///
    /// # Errors
    /// An error to be sent to the application: `invalid_request`, `unsupported_response_type`,
    /// `request_not_supported`, `request_uri_not_supported`.
    pub fn parse(request: AuthorizationRequest<'_>) -> Result<Self, OauthError> {
        match request.one("response_type")? {
            Some("code") => {}
            Some(_) => return Err(OauthError::unsupported_response_type()),
            None => return Err(OauthError::missing_parameter("response_type")),
        }
        if request.one("state")?.is_some_and(|state| state.len() > STATE_MAX) {
            return Err(OauthError::missing_parameter("state"));
        }
        for (name, error) in
            [("request", "request_not_supported"), ("request_uri", "request_uri_not_supported")]
        {
            if request.one(name)?.is_some() {
                let message = format!("Parameter [{name}] is not supported");
                return Err(OauthError::new(400, error, "CMN-101", message));
            }
        }
        let scopes = request.one("scope")?.map(parse_scopes);
        let hint = request.one("login_hint")?.filter(|hint| hint.len() <= HINT_MAX);
        Ok(Self {
            scopes: scopes.filter(|scopes| !scopes.is_empty()),
            challenge: challenge(request)?,
            login_hint: hint.map(str::to_owned),
        })
    }
}

fn challenge(request: AuthorizationRequest<'_>) -> Result<Option<Challenge>, OauthError> {
    let method = match request.one("code_challenge_method")? {
        None => None,
        Some("plain") => Some(ChallengeMethod::Plain),
        Some("S256") => Some(ChallengeMethod::S256),
        Some(_) => return Err(OauthError::missing_parameter("code_challenge_method")),
    };
    let Some(value) = request.one("code_challenge")? else {
        return match method {
            None => Ok(None),
            Some(_) => Err(OauthError::missing_parameter("code_challenge")),
        };
    };
    let method = method.unwrap_or(ChallengeMethod::Plain);
    // Of SHA-256 it is always 43 characters long.
    if !is_verifier(value) || (method == ChallengeMethod::S256 && value.len() != 43) {
        return Err(OauthError::missing_parameter("code_challenge"));
    }
    Ok(Some(Challenge { method, value: value.to_owned() }))
}

/// Tells whether a text can be a PKCE verifier: 43 to 128 unreserved characters.
#[must_use]
pub fn is_verifier(text: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&text.len()) && text.bytes().all(unreserved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::parse_query;

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn wish(query: &str) -> Result<AuthorizationWish, OauthError> {
        AuthorizationWish::parse(AuthorizationRequest(&parse_query(query)))
    }

    fn verdict(query: &str) -> (&'static str, &'static str) {
        wish(query).map_or_else(|error| (error.error, error.code), |_| ("", ""))
    }

    #[test]
    fn who_asks_and_where_the_answer_goes_come_once() {
        let pairs = parse_query("client_id=a&redirect_uri=https%3A%2F%2Fa%2Fb&state=x%20y&state2=");
        let request = AuthorizationRequest(&pairs);
        assert_eq!(request.client_id(), Ok("a"));
        assert_eq!(request.redirect_uri(), Ok(Some("https://a/b")));
        assert_eq!(request.state(), Some("x y"));

        let pairs =
            parse_query("client_id=a&client_id=a&redirect_uri=a&redirect_uri=b&state=1&state=2");
        let request = AuthorizationRequest(&pairs);
        assert_eq!(request.client_id(), Err(OauthError::duplicate_parameter()));
        assert_eq!(request.redirect_uri(), Err(OauthError::duplicate_parameter()));
        assert_eq!(request.state(), None);
        let empty = parse_query("client_id=");
        let missing = OauthError::missing_parameter("client_id");
        assert_eq!(AuthorizationRequest(&empty).client_id(), Err(missing));
    }

    #[test]
    fn a_whole_request_is_read_and_what_changes_nothing_is_accepted() {
        let read = wish(&format!(
            "response_type=code&scope=ReadPresence+Faxes&code_challenge={CHALLENGE}&\
             code_challenge_method=S256&login_hint=%2B12025550100&prompt=login+consent&\
             display=touch&ui_locales=de&nonce=n&brandId=1210"
        ))
        .expect("a wish");

        assert_eq!(read.scopes, Some(Scopes::READ_PRESENCE));
        assert_eq!(read.login_hint.as_deref(), Some("+12025550100"));
        let challenge = read.challenge.expect("a challenge");
        assert_eq!(
            (challenge.method, challenge.value.as_str()),
            (ChallengeMethod::S256, CHALLENGE)
        );
        assert_eq!(wish("response_type=code").map(|wish| wish.scopes), Ok(None));
    }

    #[test]
    fn the_method_of_a_challenge_is_plain_unless_it_is_named() {
        let read = wish(&format!("response_type=code&code_challenge={CHALLENGE}")).expect("a wish");
        assert_eq!(read.challenge.map(|it| it.method), Some(ChallengeMethod::Plain));
    }

    #[test]
    fn what_cannot_be_done_has_the_words_of_the_standard() {
        let long = "x".repeat(STATE_MAX + 1);
        for (query, expected) in [
            ("", ("invalid_request", "CMN-101")),
            ("response_type=token", ("unsupported_response_type", "CMN-101")),
            ("response_type=code&response_type=code", ("invalid_request", "OAU-111")),
            ("response_type=code&request=x", ("request_not_supported", "CMN-101")),
            ("response_type=code&request_uri=x", ("request_uri_not_supported", "CMN-101")),
            ("response_type=code&code_challenge=short", ("invalid_request", "CMN-101")),
            ("response_type=code&code_challenge_method=S256", ("invalid_request", "CMN-101")),
            (
                "response_type=code&code_challenge_method=S512&code_challenge=x",
                ("invalid_request", "CMN-101"),
            ),
            (&format!("response_type=code&state={long}"), ("invalid_request", "CMN-101")),
            ("response_type=code&scope=a&scope=b", ("invalid_request", "OAU-111")),
        ] {
            assert_eq!(verdict(query), expected, "{query}");
        }
        let other = format!(
            "response_type=code&code_challenge_method=S256&code_challenge={}",
            "x".repeat(44)
        );
        assert_eq!(verdict(&other), ("invalid_request", "CMN-101"));
    }

    #[test]
    fn a_verifier_has_43_to_128_unreserved_characters() {
        assert!(is_verifier(&"a".repeat(43)) && is_verifier(&"~".repeat(128)));
        assert!(!is_verifier(&"a".repeat(42)) && !is_verifier(&"a".repeat(129)));
        assert!(!is_verifier(&"+".repeat(43)));
    }
}
