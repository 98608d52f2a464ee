//! The log-in page as a browser uses it, and the codes that it gives (contract 4.6, RFC 6749, 7636).

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Request;
use lampfield_api::auth::hash_secret;
use lampfield_api::{ApiConfig, RateConfig, end_sessions};
use lampfield_core::directory::{App, Grants, Scopes};
use lampfield_core::{ExtensionStatus, ExtensionType, SessionId};
use lampfield_journal::DirectoryChange;
use serde_json::Value;

use crate::house::{
    ANNA, House, PASSWORD, REDIRECT, Reply, app, extension, key, presence_of, text,
};

const PAGE: &str = "/restapi/oauth/authorize";
/// The example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A browser: keeps the cookie, sends forms as they stand in the page.
struct Browser<'a> {
    house: &'a House,
    cookie: Option<String>,
    hidden: Vec<(String, String)>,
}

fn encoded(pairs: &[(impl AsRef<str>, impl AsRef<str>)]) -> String {
    let one = |(name, value): &(_, _)| {
        let encode = |text: &str| lampfield_api::edge::encode(text);
        let (name, value): (&_, &_) = (name, value);
        format!("{}={}", encode(AsRef::<str>::as_ref(name)), encode(AsRef::<str>::as_ref(value)))
    };
    pairs.iter().map(one).collect::<Vec<_>>().join("&")
}

/// A request that is in order, with more parameters.
fn query(client: &str, more: &[(&str, &str)]) -> String {
    let mut pairs =
        vec![("response_type", "code"), ("client_id", client), ("redirect_uri", REDIRECT)];
    pairs.extend(more);
    encoded(&pairs)
}

fn html(reply: &Reply) -> String {
    assert_eq!(reply.headers["content-type"], "text/html; charset=utf-8");
    String::from_utf8(reply.bytes.clone()).unwrap()
}

/// Undoes the escapes of the page.
fn unescaped(text: &str) -> String {
    let text = text.replace("&quot;", "\"").replace("&#39;", "'").replace("&lt;", "<");
    text.replace("&gt;", ">").replace("&amp;", "&")
}

impl<'a> Browser<'a> {
    const fn new(house: &'a House) -> Self {
        Self { house, cookie: None, hidden: Vec::new() }
    }

    async fn open(&mut self, query: &str) -> Reply {
        let request = Request::get(format!("{PAGE}?{query}")).body(Body::empty());
        self.send(request.unwrap()).await
    }

    async fn post(&mut self, form: &str, headers: &[(&str, &str)]) -> Reply {
        let mut request =
            Request::post(PAGE).header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(form.to_owned())).unwrap()).await
    }

    async fn send(&mut self, mut request: Request<Body>) -> Reply {
        if let Some(cookie) = &self.cookie {
            request.headers_mut().insert("cookie", cookie.parse().unwrap());
        }
        let reply = self.house.send(request).await;
        if let Some(cookie) = reply.headers.get("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
            self.cookie = Some(cookie.split(';').next().unwrap().to_owned());
        }
        if reply.headers.get("content-type").is_some_and(|kind| kind == "text/html; charset=utf-8")
        {
            self.hidden = hidden(&html(&reply));
        }
        reply
    }

    /// Sends what the page carries along and what a person enters.
    async fn enter(&mut self, entered: &[(&str, &str)]) -> Reply {
        let mut pairs = self.hidden.clone();
        pairs.extend(entered.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        self.post(&encoded(&pairs), &[]).await
    }

    async fn log_in(&mut self, extension: &str, password: &str) -> Reply {
        let username = ("username", "+1 (202) 555-0100");
        self.enter(&[username, ("extension", extension), ("password", password)]).await
    }

    /// Opens the page, logs Anna in and returns the code.
    async fn code(&mut self, query: &str) -> String {
        self.open(query).await.expect(200);
        let reply = self.log_in("101", PASSWORD).await.expect(302);
        value_of(&location(&reply), "code").expect("a code")
    }
}

fn hidden(page: &str) -> Vec<(String, String)> {
    let inputs = page.split("<input type=\"hidden\" name=\"").skip(1);
    let one = |input: &str| {
        let (name, rest) = input.split_once("\" value=\"").unwrap();
        let (value, _) = rest.split_once('"').unwrap();
        (unescaped(name), unescaped(value))
    };
    inputs.map(one).collect()
}

fn location(reply: &Reply) -> String {
    reply.headers["location"].to_str().unwrap().to_owned()
}

fn value_of(location: &str, name: &str) -> Option<String> {
    let (_, query) = location.split_once('?')?;
    let pairs = lampfield_contract::parse_query(query);
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

fn exchange(code: &str, more: &[(&str, &str)]) -> String {
    let mut pairs =
        vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT)];
    pairs.extend(more);
    encoded(&pairs)
}

/// Exchanges a code as the public application does.
async fn as_public(house: &House, form: &str) -> Reply {
    let request = Request::post("/restapi/oauth/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(format!("{form}&client_id=public")));
    house.send(request.unwrap()).await
}

fn error(reply: &Reply) -> (u16, Value, Value) {
    let body = reply.json();
    (reply.status, body["error"].clone(), body["errorCode"].clone())
}

fn refusal(code: &str) -> (u16, Value, Value) {
    (400, "invalid_grant".into(), code.into())
}

#[tokio::test]
async fn a_person_logs_in_and_the_application_gets_tokens_for_the_code() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    let page = browser.open(&query("app", &[("state", "a b&c=\"é"), ("prompt", "login")])).await;
    let shown = html(&page.expect(200));
    assert!(shown.contains("<strong>app</strong>"), "{shown}");
    assert!(!shown.contains("<script"), "it works without");

    let reply = browser.log_in("101", PASSWORD).await.expect(302);
    let back = location(&reply);
    assert!(back.starts_with(&format!("{REDIRECT}&code=")), "{back}");
    assert_eq!(value_of(&back, "state").as_deref(), Some("a b&c=\"é"));
    assert_eq!(value_of(&back, "expires_in").as_deref(), Some("60"));
    assert_eq!(reply.headers["cache-control"], "no-store");

    let code = value_of(&back, "code").unwrap();
    let tokens = house.token("app", &exchange(&code, &[])).await.expect(200).json();
    assert_eq!(tokens["owner_id"], ANNA.to_string());
    assert_eq!(tokens["token_type"], "bearer");
    house.get(&text(&tokens, "access_token"), &presence_of(ANNA)).await.expect(200);
    let refresh =
        format!("grant_type=refresh_token&refresh_token={}", text(&tokens, "refresh_token"));
    house.token("app", &refresh).await.expect(200);
}

#[tokio::test]
async fn a_public_application_proves_with_pkce_that_the_code_is_its_own() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    let proof = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    let code = browser.code(&query("public", &proof)).await;

    for wrong in [vec![], vec![("code_verifier", CHALLENGE)], vec![("code_verifier", "short")]] {
        let refused = as_public(&house, &exchange(&code, &wrong)).await;
        assert_eq!(error(&refused), refusal("OAU-106"), "{wrong:?}");
    }
    let right = exchange(&code, &[("code_verifier", VERIFIER)]);
    as_public(&house, &right).await.expect(200);

    // Plain is the default of the standard.
    let plain = browser.code(&query("public", &[("code_challenge", VERIFIER)])).await;
    as_public(&house, &exchange(&plain, &[("code_verifier", VERIFIER)])).await.expect(200);
    let reply = browser.open(&query("public", &[("state", "s")])).await.expect(302);
    let back = location(&reply);
    assert_eq!(value_of(&back, "error").as_deref(), Some("invalid_request"), "{back}");
    assert_eq!(value_of(&back, "state").as_deref(), Some("s"));
}

#[tokio::test]
async fn a_verifier_where_no_challenge_was_sent_is_refused() {
    let house = House::new().await;
    let code = Browser::new(&house).code(&query("app", &[])).await;
    let refused = house.token("app", &exchange(&code, &[("code_verifier", VERIFIER)])).await;
    assert_eq!(error(&refused), refusal("OAU-106"));
}

#[tokio::test]
async fn a_code_that_comes_twice_ends_what_it_began() {
    let house = House::new().await;
    let code = Browser::new(&house).code(&query("app", &[])).await;
    let tokens = house.token("app", &exchange(&code, &[])).await.expect(200).json();
    let access = text(&tokens, "access_token");
    house.get(&access, &presence_of(ANNA)).await.expect(200);

    let again = house.token("app", &exchange(&code, &[])).await;
    assert_eq!(error(&again), refusal("OAU-106"));
    let dead = house.get(&access, &presence_of(ANNA)).await;
    assert_eq!(dead.verdict(), (401, "OAU-211".to_owned()));
    let third = house.token("app", &exchange(&code, &[])).await;
    assert_eq!(error(&third), refusal("OAU-106"), "not even now");
}

#[tokio::test]
async fn of_codes_that_come_twice_at_once_one_begins_a_session_at_most() {
    let house = House::new().await;
    let code = Browser::new(&house).code(&query("app", &[])).await;
    let form = exchange(&code, &[]);
    let all = futures_util::future::join_all((0..8).map(|_| house.token("app", &form))).await;

    let good = all.iter().filter(|reply| reply.status == 200).count();
    assert!(good <= 1, "{good}");
    assert!(house.state.registry.sessions_of_user(key(ANNA)).len() <= 1);
}

#[tokio::test]
async fn a_code_whose_session_was_ended_begins_no_other_not_even_after_a_restart() {
    let house = House::new().await;
    let code = Browser::new(&house).code(&query("app", &[])).await;
    let tokens = house.token("app", &exchange(&code, &[])).await.expect(200).json();
    let session: SessionId = text(&tokens, "session_id").parse().unwrap();
    end_sessions(&house.state, &[session]).await.unwrap();

    let config = ApiConfig { rates: RateConfig::off(), ..ApiConfig::default() };
    let again = House::on(house.journal.clone(), house.clock.clone(), config);
    for house in [&house, &again] {
        let refused = house.token("app", &exchange(&code, &[])).await;
        assert_eq!(error(&refused), refusal("OAU-106"));
    }
}

#[tokio::test]
async fn a_code_lives_for_a_minute_also_over_a_restart() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    let (kept, late) =
        (browser.code(&query("app", &[])).await, browser.code(&query("app", &[])).await);
    house.wait(59);
    let config = ApiConfig { rates: RateConfig::off(), ..ApiConfig::default() };
    let again = House::on(house.journal.clone(), house.clock.clone(), config);
    again.token("app", &exchange(&kept, &[])).await.expect(200);
    house.wait(1);
    assert_eq!(error(&house.token("app", &exchange(&late, &[])).await), refusal("OAU-108"));
}

#[tokio::test]
async fn a_code_is_good_for_its_application_and_its_address_only() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    let code = browser.code(&query("app", &[])).await;

    let other = house.token("reader", &exchange(&code, &[])).await;
    assert_eq!(error(&other), refusal("OAU-110"));
    let without = format!("grant_type=authorization_code&code={code}");
    for form in [
        format!("{without}&redirect_uri=https%3A%2F%2Fevil.example%2F"),
        format!("{without}&redirect_uri={REDIRECT}%2F"),
        without,
    ] {
        assert_eq!(error(&house.token("app", &form).await), refusal("OAU-109"), "{form}");
    }
    for wrong in ["x", "", &code[1..], &"A".repeat(400)] {
        let reply = house.token("app", &exchange(wrong, &[])).await;
        assert_eq!(reply.status, 400, "{wrong}");
    }
    house.token("app", &exchange(&code, &[])).await.expect(200);
}

#[tokio::test]
async fn the_only_address_need_not_be_named() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    browser.open("response_type=code&client_id=app").await.expect(200);
    let back = location(&browser.log_in("101", PASSWORD).await.expect(302));
    assert!(back.starts_with(REDIRECT), "{back}");
    let code = value_of(&back, "code").unwrap();
    house.token("app", &format!("grant_type=authorization_code&code={code}")).await.expect(200);

    let uris = [REDIRECT.into(), "https://board.example/other".into()];
    let two = App { redirect_uris: Box::new(uris), ..app("app", Scopes::ALL) };
    house.apply(DirectoryChange::PutApp(two)).await;
    browser.open("response_type=code&client_id=app").await.expect(400);
}

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_registered() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    let good = encoded(&[("redirect_uri", REDIRECT)]);
    for query in [
        "response_type=code&client_id=app&redirect_uri=https%3A%2F%2Fevil.example%2F".to_owned(),
        format!("response_type=code&client_id=app&{good}%2F"),
        format!("response_type=code&client_id=app&{good}%26x%3Dy"),
        format!("response_type=code&client_id=app&{good}&{good}"),
        format!("response_type=code&client_id=app&client_id=app&{good}"),
        format!("response_type=code&client_id=nobody&{good}"),
        format!("response_type=code&client_id=%00%0d%0a&{good}"),
        format!("response_type=code&{good}"),
        format!("response_type=token&client_id=nobody&{good}"),
        String::new(),
    ] {
        let reply = browser.open(&query).await.expect(400);
        assert!(reply.headers.get("location").is_none(), "{query}");
        assert!(html(&reply).contains("does not work"), "{query}");
    }
}

#[tokio::test]
async fn what_is_wrong_otherwise_is_told_to_the_application() {
    let house = House::new().await;
    let only_jwt = App { grants: Grants::JWT_BEARER, ..app("jwt", Scopes::ALL) };
    house.apply(DirectoryChange::PutApp(only_jwt)).await;
    let mut browser = Browser::new(&house);
    let base = |client: &str| encoded(&[("client_id", client), ("redirect_uri", REDIRECT)]);
    for (query, expected) in [
        (format!("{}&response_type=token", base("app")), "unsupported_response_type"),
        (base("app"), "invalid_request"),
        (format!("{}&response_type=code&scope=a&scope=b", base("app")), "invalid_request"),
        (format!("{}&response_type=code&request=x", base("app")), "request_not_supported"),
        (format!("{}&response_type=code", base("jwt")), "unauthorized_client"),
        (format!("{}&response_type=code&scope=EditAccounts", base("reader")), "invalid_scope"),
        (
            format!("{}&response_type=code&code_challenge=x&code_challenge_method=S9", base("app")),
            "invalid_request",
        ),
    ] {
        let back = location(&browser.open(&format!("{query}&state=s")).await.expect(302));
        assert!(back.starts_with(REDIRECT), "{back}");
        assert_eq!(value_of(&back, "error").as_deref(), Some(expected), "{query}");
        assert_eq!(value_of(&back, "state").as_deref(), Some("s"), "{query}");
        assert_eq!(value_of(&back, "code"), None);
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_on_the_page_and_tells_nothing_of_who_exists() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    let mut pages = Vec::new();
    for (extension, password) in [("101", "wrong"), ("102", "wrong"), ("999", "wrong")] {
        browser.open(&query("app", &[])).await.expect(200);
        let page = html(&browser.log_in(extension, password).await.expect(400));
        assert!(page.contains("is wrong"), "{page}");
        assert!(page.contains(&format!("value=\"{extension}\"")), "what was typed stays");
        assert!(!page.contains("wrong\""), "but not the password");
        let token = browser.hidden.iter().find(|(name, _)| name == "form_token");
        pages.push(page.replace(&token.unwrap().1, "").replace(extension, ""));
    }
    assert_eq!(pages[0], pages[1]);
    assert_eq!(pages[0], pages[2]);
    browser.log_in("101", PASSWORD).await.expect(302);
}

#[tokio::test]
async fn who_may_not_log_in_is_told_so_and_a_cancelled_log_in_is_told_to_the_application() {
    let house = House::new().await;
    let mut frozen = extension(ANNA, ExtensionType::User);
    frozen.standing.status = ExtensionStatus::Frozen;
    house.apply(DirectoryChange::PutExtension(frozen)).await;
    let mut browser = Browser::new(&house);
    browser.open(&query("app", &[("state", "s")])).await.expect(200);
    let page = html(&browser.log_in("101", PASSWORD).await.expect(400));
    assert!(page.contains("may not log in"), "{page}");

    let back = location(&browser.enter(&[("answer", "cancel")]).await.expect(302));
    assert_eq!(value_of(&back, "error").as_deref(), Some("access_denied"));
    assert_eq!(value_of(&back, "state").as_deref(), Some("s"));
}

#[tokio::test]
async fn guessing_passwords_on_the_page_is_slowed_down() {
    let house = House::with(ApiConfig { rates: RateConfig::off(), ..ApiConfig::default() }).await;
    let mut browser = Browser::new(&house);
    browser.open(&query("app", &[])).await.expect(200);
    for _ in 0..5 {
        browser.log_in("101", "wrong").await.expect(400);
    }
    let refused = browser.log_in("101", PASSWORD).await.expect(429);
    assert_eq!(refused.headers["retry-after"], "60");
    assert!(html(&refused).contains("wait 60 seconds"));
    house.wait(60);
    browser.log_in("101", PASSWORD).await.expect(302);
}

#[tokio::test]
async fn log_ins_on_the_page_count_for_each_user() {
    let rates = RateConfig { auth: 2, ..RateConfig::off() };
    let house = House::with(ApiConfig { rates, ..ApiConfig::default() }).await;
    let mut browser = Browser::new(&house);
    for status in [302, 302, 429] {
        browser.open(&query("app", &[])).await.expect(200);
        browser.log_in("101", PASSWORD).await.expect(status);
    }
    browser.log_in("102", "wrong").await.expect(400);
}

#[tokio::test]
async fn a_form_from_elsewhere_logs_nobody_in() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    browser.open(&query("app", &[("state", "mine")])).await.expect(200);
    let good = browser.hidden.clone();
    let entered = "username=%2B12025550100&extension=101";
    let password = encoded(&[("password", PASSWORD)]);
    let form = |pairs: &[(String, String)]| format!("{}&{entered}&{password}", encoded(pairs));
    let cookie = browser.cookie.clone();

    browser.cookie = None;
    browser.post(&form(&good), &[]).await.expect(403);
    browser.cookie = Some(format!("lampfield_log_in={}", "A".repeat(43)));
    browser.post(&form(&good), &[]).await.expect(403);
    browser.cookie.clone_from(&cookie);
    for site in ["cross-site", "same-site"] {
        browser.post(&form(&good), &[("sec-fetch-site", site)]).await.expect(403);
    }
    for (name, value) in [("form_token", "1.x"), ("state", "yours"), ("scope", "ReadPresence")] {
        let mut forged: Vec<_> = good.iter().filter(|(one, _)| one != name).cloned().collect();
        forged.push((name.to_owned(), value.to_owned()));
        let page = browser.post(&form(&forged), &[]).await.expect(403);
        assert!(html(&page).contains("enter everything again"), "{name}");
    }
    let same = [("sec-fetch-site", "same-origin")];
    browser.post(&form(&good), &same).await.expect(302);
    house.wait(3600);
    browser.post(&form(&good), &same).await.expect(403);
    browser.log_in("101", PASSWORD).await.expect(302);
}

#[tokio::test]
async fn credentials_without_the_pages_form_only_show_the_page() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    let entered =
        encoded(&[("username", "+12025550100"), ("extension", "101"), ("password", PASSWORD)]);
    let page = browser.post(&format!("{}&{entered}", query("app", &[])), &[]).await.expect(200);
    assert!(!html(&page).contains(PASSWORD));
    browser.open(&format!("{}&{entered}&form_token=1.x", query("app", &[]))).await.expect(200);
    browser.log_in("101", PASSWORD).await.expect(302);
}

#[tokio::test]
async fn nothing_that_is_sent_becomes_markup() {
    const ATTACK: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>";
    let house = House::new().await;
    let named = App { name: ATTACK.into(), ..app("app", Scopes::ALL) };
    house.apply(DirectoryChange::PutApp(named)).await;
    let mut browser = Browser::new(&house);
    let all = [
        "state",
        "scope",
        "login_hint",
        "display",
        "prompt",
        "ui_locales",
        "nonce",
        "brandId",
        "code_challenge",
        "code_challenge_method",
        "client_id",
        "redirect_uri",
        "response_type",
        "username",
        "form_token",
        ATTACK,
    ];
    for name in all {
        let pairs: Vec<(&str, &str)> =
            [("response_type", "code"), ("client_id", "app"), ("redirect_uri", REDIRECT)]
                .into_iter()
                .filter(|(one, _)| *one != name)
                .chain([(name, ATTACK)])
                .collect();
        let form = encoded(&pairs);
        for reply in [browser.open(&form).await, browser.post(&form, &[]).await] {
            let body = String::from_utf8(reply.bytes).unwrap();
            assert!(!body.contains("<script") && !body.contains("<img"), "{name}: {body}");
            assert!(!body.contains("=x onerror=\""), "{name}");
        }
    }
    browser.open(&query("app", &[("state", ATTACK)])).await.expect(200);
    let username = ("username", ATTACK);
    let page = browser.enter(&[username, ("extension", ATTACK), ("password", ATTACK)]).await;
    let page = html(&page.expect(400));
    assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
    let reply = browser.log_in("101", PASSWORD).await.expect(302);
    assert_eq!(
        value_of(&location(&reply), "state").as_deref(),
        Some(ATTACK),
        "and nothing is lost"
    );
}

#[tokio::test]
async fn the_page_is_kept_by_nobody_framed_by_nobody_and_read_by_no_other_origin() {
    let house = House::new().await;
    for path in [PAGE.to_owned(), format!("/{PAGE}/")] {
        let request = Request::get(format!("{path}?{}", query("app", &[])))
            .header("origin", "https://evil.example")
            .body(Body::empty());
        let reply = house.send(request.unwrap()).await.expect(200);
        let header = |name: &str| reply.headers.get(name).map(|it| it.to_str().unwrap().to_owned());
        assert_eq!(header("access-control-allow-origin"), None, "{path}");
        assert_eq!(header("cache-control").as_deref(), Some("no-store"));
        assert_eq!(header("x-frame-options").as_deref(), Some("DENY"));
        assert_eq!(header("referrer-policy").as_deref(), Some("no-referrer"));
        let policy = header("content-security-policy").unwrap();
        assert!(policy.contains("form-action 'self' https://board.example;"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    }
}

#[tokio::test]
async fn a_code_dies_with_the_password_that_earned_it() {
    let house = House::new().await;
    let code = Browser::new(&house).code(&query("app", &[])).await;
    let kept = house.state.registry.password(key(ANNA)).unwrap();
    house.apply(DirectoryChange::RemoveCredential(kept.id)).await;
    assert_eq!(error(&house.token("app", &exchange(&code, &[])).await), refusal("OAU-106"));
}

#[tokio::test]
async fn the_page_narrows_scopes_like_every_other_grant() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    let code = browser.code(&query("app", &[("scope", "EditPresence Faxes")])).await;
    let tokens = house.token("app", &exchange(&code, &[])).await.expect(200).json();
    assert_eq!(tokens["scope"], "ReadPresence EditPresence");
}

#[test]
fn the_challenge_of_the_tests_is_that_of_the_verifier() {
    assert_eq!(URL_SAFE_NO_PAD.encode(hash_secret(VERIFIER)), CHALLENGE);
}
