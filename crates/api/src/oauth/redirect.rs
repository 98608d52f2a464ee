//! Where people are sent back to after the log-in page: which addresses may be registered, and how
//! an answer is added to one.

use crate::edge::encode;

/// Longest address that can be registered, in bytes.
pub(crate) const REDIRECT_URI_MAX: usize = 2048;

/// Schemes that browsers take for their own: never a place to send a person to.
const NEVER: [&str; 11] = [
    "javascript",
    "data",
    "vbscript",
    "file",
    "blob",
    "about",
    "filesystem",
    "view-source",
    "ws",
    "wss",
    "ftp",
];

/// Where an answer goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// The registered address.
    pub(super) uri: String,
    /// Whether the application named it, or it is its only one.
    pub(super) is_named: bool,
}

/// Checks an address that an application wants to register.
///
/// # Errors
/// A fragment that completes "it must be …".
pub(crate) fn check_redirect_uri(uri: &str) -> Result<(), &'static str> {
    if uri.is_empty() || uri.len() > REDIRECT_URI_MAX {
        return Err("a list of addresses of at most 2048 bytes each");
    }
    // It is written into headers and a page: nothing that ends a word there may stand in it.
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"'<>\\^`{|};,".contains(&byte);
    if !uri.bytes().all(plain) {
        return Err("a list of addresses without spaces, quotes, commas and semicolons");
    }
    if uri.contains('#') {
        return Err("a list of addresses without a fragment (#)");
    }
    let (scheme, rest) = uri.split_once(':').ok_or("a list of absolute addresses")?;
    let is_scheme = scheme.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let lower = scheme.to_ascii_lowercase();
    if !is_scheme || NEVER.contains(&lower.as_str()) || rest.is_empty() {
        return Err("a list of absolute addresses: https, http on this machine, or an app's own");
    }
    if lower != "https" && lower != "http" {
        return Ok(());
    }
    let host = host_of(rest).ok_or("a list of addresses with a host and without a user")?;
    let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    if lower == "https" || is_here {
        return Ok(());
    }
    Err("a list of addresses with https; http only on localhost, 127.0.0.1 or [::1]")
}

/// Returns the host of what stands behind `http:`; none where there is none, or with a user.
fn host_of(rest: &str) -> Option<&str> {
    let authority = rest.strip_prefix("//")?.split(['/', '?']).next()?;
    let host = match authority.rfind(':').filter(|_| !authority.ends_with(']')) {
        Some(at) => {
            let (host, port) = authority.split_at(at);
            port[1..].parse::<u16>().ok()?;
            host
        }
        None => authority,
    };
    (!host.is_empty() && !host.contains('@')).then_some(host)
}

/// Returns the source that a `Content-Security-Policy` names for an address: forms are sent to this
/// server, which answers with a redirect there.
pub(crate) fn source_of(uri: &str) -> String {
    let (scheme, rest) = uri.split_once(':').unwrap_or((uri, ""));
    let is_web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    match rest.strip_prefix("//").filter(|_| is_web) {
        Some(rest) => {
            let authority = rest.split(['/', '?']).next().unwrap_or(rest);
            format!("{scheme}://{authority}")
        }
        None => format!("{scheme}:"),
    }
}

/// Returns an address with an answer added to its query.
pub(crate) fn with_answer(uri: &str, answer: &[(&str, &str)]) -> String {
    let mut out = uri.to_owned();
    let mut separator = match uri.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some((_, query)) if query.ends_with('&') => "",
        Some(_) => "&",
    };
    for (name, value) in answer {
        out.push_str(separator);
        out.push_str(name);
        out.push('=');
        out.push_str(&encode(value));
        separator = "&";
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secure_local_and_private_addresses_can_be_registered() {
        for good in [
            "https://board.example/back",
            "https://board.example:8443/back?from=lamp",
            "HTTPS://board.example",
            "http://localhost:3000/back",
            "http://127.0.0.1/back",
            "http://[::1]:8080/",
            "com.example.board:/back",
            "board://back",
        ] {
            assert_eq!(check_redirect_uri(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn everything_else_cannot() {
        for bad in [
            "",
            "/back",
            "board.example/back",
            "http://board.example/back",
            "http://localhost.evil.example/",
            "http://127.0.0.1@evil.example/",
            "https://user@board.example/",
            "https:///back",
            "https://board.example:port/",
            "https://board.example/#back",
            "https://board.example/a b",
            "https://board.example/\"onload=",
            "https://board.example/;script-src",
            "https://board.example/\r\nset-cookie:a=b",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "1a:b",
            ":b",
            "a:",
            &format!("https://board.example/{}", "x".repeat(2048)),
        ] {
            assert!(check_redirect_uri(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_answer_is_added_to_whatever_query_there_is() {
        let answer = [("code", "a b&c"), ("state", "x")];
        for (uri, expected) in [
            ("https://a/b", "https://a/b?code=a%20b%26c&state=x"),
            ("https://a/b?", "https://a/b?code=a%20b%26c&state=x"),
            ("https://a/b?c=d", "https://a/b?c=d&code=a%20b%26c&state=x"),
            ("app:/b", "app:/b?code=a%20b%26c&state=x"),
        ] {
            assert_eq!(with_answer(uri, &answer), expected);
        }
    }

    #[test]
    fn a_policy_names_the_origin_or_the_scheme() {
        assert_eq!(source_of("https://a.example:8443/b?c"), "https://a.example:8443");
        assert_eq!(source_of("http://[::1]:80?x"), "http://[::1]:80");
        assert_eq!(source_of("com.example.board:/back"), "com.example.board:");
        assert_eq!(source_of("board://back"), "board:");
    }
}
