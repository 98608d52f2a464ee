//! Logging in and going on, as clients do it.

use axum::body::Body;
use http::Request;
use serde_json::Value;

use crate::ACCOUNT;
use crate::house::{ANNA, JWT_BEARER, PASSWORD, text};
use crate::server::Server;

/// Sends a form to the token endpoint over the listener.
async fn token(server: &Server, form: &str) -> (u16, Value) {
    use base64::Engine as _;
    let secret = format!("app:{}", crate::house::SECRET);
    let basic = base64::engine::general_purpose::STANDARD.encode(secret);
    let request = Request::post("/restapi/oauth/token")
        .header("host", &server.address)
        .header("authorization", format!("Basic {basic}"))
        .header("content-type", "application/x-www-form-urlencoded");
    let reply = server.send(request.body(Body::from(form.to_owned())).unwrap()).await;
    (reply.status, reply.json())
}

async fn log_in(server: &Server) -> Value {
    let form = format!("grant_type={JWT_BEARER}&assertion={}", server.house.jwt(ANNA));
    let (status, answer) = token(server, &form).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

#[tokio::test]
async fn checklist_21_and_need_11_the_type_of_a_token_comes_back_as_scheme_in_any_case() {
    let server = Server::new().await;
    let login = log_in(&server).await;
    let scheme = text(&login, "token_type");
    assert_eq!(scheme, "bearer");
    for scheme in [scheme.as_str(), "Bearer", "BEARER", "bEaReR"] {
        let request = Request::get(ACCOUNT)
            .header("host", &server.address)
            .header("authorization", format!("{scheme} {}", text(&login, "access_token")));
        server.send(request.body(Body::empty()).unwrap()).await.expect(200);
    }
}

#[tokio::test]
async fn checklist_21_and_need_10_odd_lives_are_clamped_and_never_refused() {
    let server = Server::new().await;
    let mut login = log_in(&server).await;
    for (asked, granted) in [
        ("access_token_ttl=-1&refresh_token_ttl=604801", (600, 604_801)),
        ("access_token_ttl=1&refresh_token_ttl=604801", (600, 604_801)),
        ("access_token_ttl=3601", (3600, 604_800)),
        ("access_token_ttl=3599&refresh_token_ttl=604799", (3599, 604_799)),
        ("access_token_ttl=NaN&refresh_token_ttl=NaN", (3600, 604_800)),
        ("access_token_ttl=&refresh_token_ttl=99999999999", (3600, 2_592_000)),
    ] {
        let refresh = text(&login, "refresh_token");
        let form = format!("grant_type=refresh_token&refresh_token={refresh}&{asked}");
        let (status, answer) = token(&server, &form).await;
        assert_eq!(status, 200, "{asked}: {answer}");
        let lives =
            ["expires_in", "refresh_token_expires_in"].map(|it| answer[it].as_u64().unwrap());
        assert_eq!((lives[0], lives[1]), granted, "{asked}");
        login = answer;
    }
}

#[tokio::test]
async fn need_18_a_password_logs_in_in_each_of_the_three_spellings() {
    let server = Server::new().await;
    let password = PASSWORD.replace(' ', "+");
    for user in [
        "username=%2B12025550100*101",
        "username=%2B12025550100&extension=101",
        "username=%2B12025550100*101&extension=",
    ] {
        let form = format!("grant_type=password&{user}&password={password}");
        let (status, answer) = token(&server, &form).await;
        assert_eq!((status, text(&answer, "owner_id")), (200, ANNA.to_string()), "{user}");
    }
}

#[tokio::test]
async fn need_19_lives_are_numbers_and_both_are_there() {
    let server = Server::new().await;
    let mut answer = log_in(&server).await;
    for _ in 0..2 {
        for name in ["expires_in", "refresh_token_expires_in"] {
            assert!(answer[name].is_u64(), "{name} in {answer}");
        }
        for name in ["access_token", "refresh_token", "scope", "owner_id", "session_id"] {
            assert!(answer[name].is_string(), "{name} in {answer}");
        }
        let refresh = text(&answer, "refresh_token");
        answer =
            token(&server, &format!("grant_type=refresh_token&refresh_token={refresh}")).await.1;
    }
    let access = text(&answer, "access_token");
    assert!(server.wstoken(&access).await["expires_in"].is_u64());
}

#[tokio::test]
async fn need_21_errors_have_a_message_and_those_of_log_ins_a_description_too() {
    let server = Server::new().await;
    for form in ["", "grant_type=magic", "grant_type=refresh_token&refresh_token=x"] {
        let (status, refused) = token(&server, form).await;
        assert_eq!(status, 400);
        for name in ["error", "error_description", "message", "errorCode"] {
            assert!(!text(&refused, name).is_empty(), "{name} in {refused}");
        }
        assert_eq!(refused["message"], refused["error_description"]);
        assert!(refused["errors"][0]["errorCode"].is_string());
    }
    let login = log_in(&server).await;
    for (token, path) in [("x", ACCOUNT), (&text(&login, "access_token"), "/restapi/v1.0/no")] {
        let refused = server.get(token, path).await.json();
        assert!(!text(&refused, "message").is_empty());
        assert_eq!(refused["errors"][0]["message"], refused["message"], "and the same inside");
    }
}
