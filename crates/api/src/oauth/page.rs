//! The log-in page: plain HTML, no script, nothing from elsewhere, everything escaped.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, PRAGMA, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue, StatusCode};
use lampfield_core::directory::Scopes;
use ring::digest;

const STYLE: &str = "\
body{margin:0;font:16px/1.5 system-ui,sans-serif;color:#1c2430;background:#eef1f5}\
main{max-width:23rem;margin:8vh auto;padding:2rem;background:#fff;border-radius:.5rem;\
box-shadow:0 1px 4px #0003}h1{margin:0 0 .5rem;font-size:1.4rem}ul{padding-left:1.2rem}\
label{display:block;margin:.9rem 0 0;font-weight:600}\
input{box-sizing:border-box;width:100%;margin-top:.2rem;padding:.5rem;font:inherit;\
border:1px solid #8a94a3;border-radius:.3rem}\
button{margin:1.4rem .5rem 0 0;padding:.5rem 1.2rem;font:inherit;border:1px solid #1d5fa8;\
border-radius:.3rem;background:#1d5fa8;color:#fff;cursor:pointer}\
button.quiet{background:#fff;color:#1d5fa8}.trouble{padding:.6rem;background:#fdecea;\
border-left:4px solid #b3261e}.small{color:#55606f;font-size:.85rem}";

/// The policy names the style by its hash: no other one, and no script at all, is taken.
static STYLE_SOURCE: LazyLock<String> = LazyLock::new(|| {
    let hash = digest::digest(&digest::SHA256, STYLE.as_bytes());
    format!("'sha256-{}'", STANDARD.encode(hash))
});

/// What the log-in page shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct LoginPage<'a> {
    /// The application's name.
    pub(super) app: &'a str,
    /// What it would be granted.
    pub(super) scopes: Scopes,
    /// Where the form goes.
    pub(super) action: &'a str,
    /// What the form carries along unseen.
    pub(super) hidden: &'a [(&'a str, &'a str)],
    /// What stands in the two fields already.
    pub(super) username: &'a str,
    /// See `username`.
    pub(super) extension: &'a str,
    /// What went wrong, as a sentence.
    pub(super) trouble: Option<&'a str>,
    /// Where the answer will be sent, as a source of the policy.
    pub(super) target: &'a str,
}

impl LoginPage<'_> {
    /// Returns the page as an answer.
    pub(super) fn answer(&self, status: StatusCode) -> Response {
        let mut body = String::with_capacity(4096);
        push(&mut body, "<h1>Log in</h1><p><strong>");
        escape(&mut body, self.app);
        push(&mut body, "</strong> asks you to log in. It may then:</p><ul>");
        for word in self.scopes.words() {
            push(&mut body, "<li>");
            escape(&mut body, sentence(word));
            push(&mut body, "</li>");
        }
        push(&mut body, "</ul>");
        if let Some(trouble) = self.trouble {
            push(&mut body, "<p class=\"trouble\" role=\"alert\">");
            escape(&mut body, trouble);
            push(&mut body, "</p>");
        }
        push(&mut body, "<form method=\"post\" action=\"");
        escape(&mut body, self.action);
        push(&mut body, "\">");
        for (name, value) in self.hidden {
            push(&mut body, "<input type=\"hidden\" name=\"");
            escape(&mut body, name);
            push(&mut body, "\" value=\"");
            escape(&mut body, value);
            push(&mut body, "\">");
        }
        self.fields(&mut body);
        push(&mut body, "</form>");
        html(status, "Log in", &body, self.target)
    }

    fn fields(&self, body: &mut String) {
        push(body, "<label>Main number of your company<input name=\"username\" required ");
        push(body, "inputmode=\"tel\" autocomplete=\"username\" value=\"");
        escape(body, self.username);
        push(body, "\"></label><label>Your extension<input name=\"extension\" ");
        push(body, "inputmode=\"numeric\" autocomplete=\"off\" value=\"");
        escape(body, self.extension);
        push(body, "\"></label><label>Password<input name=\"password\" type=\"password\" ");
        push(body, "required autocomplete=\"current-password\"></label>");
        push(body, "<button name=\"answer\" value=\"log-in\">Log in</button>");
        push(body, "<button class=\"quiet\" name=\"answer\" value=\"cancel\" formnovalidate>");
        push(body, "Cancel</button>");
    }
}

/// Returns a page that says why there is nothing to log in to. It leads nowhere.
pub(super) fn refusal(status: StatusCode, sentence: &str) -> Response {
    let mut body = String::from("<h1>This link does not work</h1><p>");
    escape(&mut body, sentence);
    push(&mut body, "</p><p class=\"small\">Tell whoever gave it to you.</p>");
    html(status, "Log in", &body, "")
}

fn html(status: StatusCode, title: &str, body: &str, target: &str) -> Response {
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"robots\" content=\"noindex\"><title>{title} - Lampfield</title>\
         <style>{STYLE}</style></head><body><main>{body}</main></body></html>\n"
    );
    let policy = format!(
        "default-src 'none'; style-src {}; form-action 'self' {target}; base-uri 'none'; \
         frame-ancestors 'none'",
        *STYLE_SOURCE
    );
    let mut response = (status, page).into_response();
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(CONTENT_TYPE, "text/html; charset=utf-8");
    set(CACHE_CONTROL, "no-store");
    set(PRAGMA, "no-cache");
    set(REFERRER_POLICY, "no-referrer");
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(X_FRAME_OPTIONS, "DENY");
    // A registered address has no character that a header cannot have; were it otherwise, nothing at
    // all would be allowed.
    let strictest = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    let policy = HeaderValue::from_str(&policy).unwrap_or(strictest);
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    response
}

/// Says what a scope means.
fn sentence(word: &str) -> &str {
    match word {
        "ReadPresence" => "see who is available and who is on the phone",
        "EditPresence" => "change your status and your do-not-disturb",
        "ReadAccounts" => "see the people and queues of your company",
        "EditExtensions" => "change settings of your extension",
        "ReadContacts" => "see your contacts and favorites",
        "Contacts" => "see and change your contacts and favorites",
        "SubscriptionWebhook" => "be told of changes, at an address of its own",
        "WebSocketsSubscription" => "be told of changes as long as it is open",
        "EditAccounts" => "change settings of your company",
        other => other,
    }
}

fn push(out: &mut String, markup: &'static str) {
    out.push_str(markup);
}

/// Writes text so that it is nothing but text, between tags and in quoted attributes alike.
fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Not allowed in HTML, not even as a reference.
            '\0' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        let mut out = String::new();
        escape(&mut out, "</main>\"'&<script>\0");
        assert_eq!(out, "&lt;/main&gt;&quot;&#39;&amp;&lt;script&gt;\u{fffd}");
    }

    #[test]
    fn the_policy_allows_this_style_and_nothing_else() {
        let response = refusal(StatusCode::BAD_REQUEST, "x");
        let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        for never in ["unsafe", "script-src", "*", "data:"] {
            assert!(!policy.contains(never), "{policy}");
        }
    }

    #[test]
    fn every_scope_has_a_sentence() {
        for word in Scopes::ALL.words() {
            assert_ne!(sentence(word), word);
        }
    }
}
