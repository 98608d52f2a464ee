//! The form of the log-in page: what it carries along, and how a form that this server wrote for this
//! browser is told from any other.
//!
//! The page sets a cookie that no other site can set or send along; the form carries a signature over
//! it, over the request and over the time.

use std::time::Duration;

use http::HeaderMap;
use http::header::COOKIE;
use lampfield_core::Timestamp;

use crate::auth::NoChance;
use crate::state::ApiState;

/// Name of the cookie.
const COOKIE_NAME: &str = "lampfield_log_in";
/// How long a page may stay open.
const OPEN_MAX: Duration = Duration::from_secs(3600);
/// What the form repeats of the request.
const KEPT: [&str; 7] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "state",
    "scope",
    "code_challenge",
    "code_challenge_method",
];

/// A form as it was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form<'a> {
    token: &'a str,
    /// Main number of the account, or number and extension parted by `*`.
    pub(super) username: &'a str,
    /// Number of the extension; none for the main one.
    pub(super) extension: Option<&'a str>,
    /// The password.
    pub(super) password: &'a str,
    /// Which button was pressed.
    pub(super) answer: LoginAnswer,
}

/// What a person decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoginAnswer {
    /// To log in.
    LogIn,
    /// Not to.
    Cancel,
}

impl<'a> Form<'a> {
    /// Name of the member with the signature.
    pub(super) const TOKEN: &'static str = "form_token";

    /// Reads a form; none when the pairs are a request for the page.
    pub(super) fn of(pairs: &'a [(String, String)]) -> Option<Self> {
        let token = get(pairs, Self::TOKEN)?;
        let username = get(pairs, "username").unwrap_or("").trim();
        let (username, in_username) = match username.rsplit_once('*') {
            Some((username, extension)) => (username, Some(extension)),
            None => (username, None),
        };
        let extension = get(pairs, "extension").map(str::trim).filter(|it| !it.is_empty());
        Some(Self {
            token,
            username: username.trim(),
            extension: extension.or(in_username).filter(|number| !number.is_empty()),
            password: get(pairs, "password").unwrap_or(""),
            answer: match get(pairs, "answer") {
                Some("cancel") => LoginAnswer::Cancel,
                _ => LoginAnswer::LogIn,
            },
        })
    }

    /// Returns what the form carries along of a request.
    pub(super) fn kept(pairs: &'a [(String, String)]) -> Vec<(&'a str, &'a str)> {
        KEPT.iter().filter_map(|name| Some((*name, get(pairs, name)?))).collect()
    }

    /// Makes the signature of a form that is shown now, in the browser of `jar`.
    pub(super) fn token(state: &ApiState, jar: &Jar, pairs: &[(String, String)]) -> String {
        let at = state.now();
        let signature = state.secrets.sign_form(&signed(jar, at, pairs));
        format!("{}.{signature}", at.0)
    }

    /// Tells whether the form was written here, for this browser and request, not too long ago.
    pub(super) fn is_genuine(
        &self,
        state: &ApiState,
        jar: &Jar,
        pairs: &[(String, String)],
    ) -> bool {
        let Some((at, signature)) = self.token.split_once('.') else { return false };
        let Ok(at) = at.parse().map(Timestamp) else { return false };
        let now = state.now();
        jar.0.is_some()
            && at <= now
            && now < at.after(OPEN_MAX)
            && state.secrets.is_form_signed(&signed(jar, at, pairs), signature)
    }
}

/// The browser's cookie.
#[derive(Debug, Clone)]
pub(super) struct Jar(Option<String>);

impl Jar {
    /// Finds the cookie of the page.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let found = cookies
            .flat_map(|line| line.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .find(|(name, value)| *name == COOKIE_NAME && is_plausible(value));
        Self(found.map(|(_, value)| value.to_owned()))
    }

    /// Keeps the cookie, so that pages in several tabs are all good, or makes one.
    pub(super) fn or_new(self, state: &ApiState) -> Result<Self, NoChance> {
        match self.0 {
            Some(_) => Ok(self),
            None => Ok(Self(Some(state.secrets.random_secret()?.0))),
        }
    }

    /// Writes the cookie for the page's path.
    pub(super) fn cookie(&self, path: &str, is_secure: bool) -> String {
        let value = self.0.as_deref().unwrap_or("");
        let seconds = OPEN_MAX.as_secs();
        let secure = if is_secure { "; Secure" } else { "" };
        format!(
            "{COOKIE_NAME}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
        )
    }
}

fn is_plausible(value: &str) -> bool {
    value.len() == 43 && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Everything that a signature is about; lengths keep one text from passing for two.
fn signed(jar: &Jar, at: Timestamp, pairs: &[(String, String)]) -> Vec<u8> {
    let mut out = at.0.to_be_bytes().to_vec();
    let mut add = |text: &str| {
        out.extend_from_slice(&text.len().to_be_bytes());
        out.extend_from_slice(text.as_bytes());
    };
    add(jar.0.as_deref().unwrap_or(""));
    for (name, value) in Form::kept(pairs) {
        add(name);
        add(value);
    }
    out
}

fn get<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use lampfield_contract::parse_query;

    use super::*;

    #[test]
    fn the_cookie_is_found_among_others_and_only_when_it_could_be_ours() {
        let ours = "a".repeat(43);
        let mut headers = HeaderMap::new();
        let line = format!("x=y; {COOKIE_NAME}={ours}; z");
        headers.insert(COOKIE, line.parse().unwrap());
        assert_eq!(Jar::of(&headers).0, Some(ours));
        for bad in ["", "short", &"\"".repeat(43), &"a".repeat(44)] {
            headers.insert(COOKIE, format!("{COOKIE_NAME}={bad}").parse().unwrap());
            assert_eq!(Jar::of(&headers).0, None, "{bad}");
        }
    }

    #[test]
    fn the_cookie_is_for_the_page_alone() {
        let jar = Jar(Some("v".to_owned()));
        assert_eq!(
            jar.cookie("/p", true),
            "lampfield_log_in=v; Path=/p; Max-Age=3600; HttpOnly; SameSite=Strict; Secure"
        );
        assert!(!jar.cookie("/p", false).contains("Secure"));
    }

    #[test]
    fn the_extension_may_stand_behind_the_number() {
        for (form, expected) in [
            ("form_token=t&username=1*101&password=p", ("1", Some("101"))),
            ("form_token=t&username=+1+&extension=+101+", ("1", Some("101"))),
            ("form_token=t&username=1*101&extension=102", ("1", Some("102"))),
            ("form_token=t&username=1", ("1", None)),
        ] {
            let pairs = parse_query(form);
            let form = Form::of(&pairs).unwrap();
            assert_eq!((form.username, form.extension), expected);
        }
        assert!(Form::of(&parse_query("username=1&password=p")).is_none());
    }

    #[test]
    fn no_two_requests_are_signed_alike() {
        let jar = Jar(Some("a".to_owned()));
        let text = |query: &str| signed(&jar, Timestamp(1), &parse_query(query));
        assert_ne!(text("client_id=a&state=b"), text("client_id=a&state=bc"));
        assert_ne!(text("client_id=ab&state="), text("client_id=a&state=b"));
        assert_ne!(text("state=a"), text("scope=a"));
        assert_eq!(text("client_id=a&username=x"), text("client_id=a&username=y"));
        assert_ne!(text("state=a"), signed(&jar, Timestamp(2), &parse_query("state=a")));
        let other = Jar(Some("b".to_owned()));
        assert_ne!(text("state=a"), signed(&other, Timestamp(1), &parse_query("state=a")));
    }
}
