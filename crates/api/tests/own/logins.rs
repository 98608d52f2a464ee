//! Applications, credentials and keys: what is made works, what is removed does not, secrets are
//! shown once.

use serde_json::json;

use crate::house::{ANNA, SECRET};
use crate::{ADMIN, BOUND, READ, open, path};

const APPS: &str = "/lampfield/v1/apps";
const KEYS: &str = "/lampfield/v1/keys";

#[tokio::test]
async fn a_jwt_and_an_app_made_here_log_in() {
    let house = open().await;
    let body = r#"{"name":"Board","scopes":["ReadAccounts","EditPresence"],"public":true}"#;
    let app = house.call(ADMIN, "POST", APPS, body).await.expect(201).json();
    assert_eq!((&app["secret"], &app["public"]), (&json!(null), &json!(true)));
    let app = app["id"].as_str().unwrap();
    let body = format!(r#"{{"extension":"n:101","app":"{app}","expiresInDays":1}}"#);
    let made = house.call(ADMIN, "POST", &path("/credentials/jwt"), &body).await.expect(201).json();
    let jwt = made["jwt"].as_str().unwrap();
    let log_in = async || {
        let grant = crate::house::JWT_BEARER;
        let form = format!("grant_type={grant}&assertion={jwt}&client_id={app}");
        let request = http::Request::post("/restapi/oauth/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(axum::body::Body::from(form));
        house.send(request.unwrap()).await
    };

    let token = log_in().await.expect(200).json();
    assert_eq!(token["owner_id"], json!(ANNA.to_string()));
    let list = house.get(ADMIN, &path("/credentials")).await.expect(200).json();
    let listed = list["records"].as_array().unwrap().iter().find(|it| it["id"] == made["id"]);
    let listed = listed.expect("it is listed");
    assert_eq!((&listed["kind"], &listed["app"]), (&json!("jwt"), &json!(app)));
    assert_eq!(listed.get("jwt"), None, "it is shown once");

    house.wait(86_400);
    assert_eq!(log_in().await.status, 400, "its day is over");
}

#[tokio::test]
async fn a_removed_credential_logs_nobody_in() {
    let house = open().await;
    let body = r#"{"extension":"1001"}"#;
    let made = house.call(ADMIN, "POST", &path("/credentials/jwt"), body).await.expect(201).json();
    let grant = crate::house::JWT_BEARER;
    let form = format!("grant_type={grant}&assertion={}", made["jwt"].as_str().unwrap());
    house.token("app", &form).await.expect(200);

    let one = path(&format!("/credentials/{}", made["id"].as_str().unwrap()));
    house.call(ADMIN, "DELETE", &one, "").await.expect(204);

    assert_eq!(house.token("app", &form).await.status, 400);
    assert_eq!(house.call(ADMIN, "DELETE", &one, "").await.status, 404);
}

#[tokio::test]
async fn a_password_replaces_the_one_before() {
    let house = open().await;
    let form = |password: &str| {
        format!("grant_type=password&username=%2B12025550100&extension=101&password={password}")
    };
    house.token("app", &form("correct%20horse%20battery")).await.expect(200);
    let body = r#"{"extension":"n:101","password":"new secret"}"#;
    let made = house.call(ADMIN, "POST", &path("/credentials/password"), body).await.expect(201);

    assert!(!String::from_utf8(made.bytes.clone()).unwrap().contains("new secret"));
    house.token("app", &form("new%20secret")).await.expect(200);
    assert_eq!(house.token("app", &form("correct%20horse%20battery")).await.status, 400);
    let list = house.get(ADMIN, &path("/credentials")).await.expect(200).json();
    let passwords = list["records"].as_array().unwrap().iter();
    assert_eq!(passwords.filter(|it| it["kind"] == "password").count(), 1);
}

#[tokio::test]
async fn bad_logins_are_refused() {
    let house = open().await;
    for (kind, body, parameter) in [
        ("jwt", r"{}", "extension"),
        ("jwt", r#"{"extension":"2001"}"#, "extension"),
        ("jwt", r#"{"extension":"1001","app":"none"}"#, "app"),
        ("jwt", r#"{"extension":"1001","expiresInDays":0}"#, "expiresInDays"),
        ("password", r#"{"extension":"1001"}"#, "password"),
        ("password", r#"{"extension":"1001","password":""}"#, "password"),
    ] {
        let reply = house.call(ADMIN, "POST", &path(&format!("/credentials/{kind}")), body).await;
        assert_eq!(
            (reply.status, &reply.json()["parameterName"]),
            (400, &json!(parameter)),
            "{body}"
        );
    }
}

#[tokio::test]
async fn an_app_keeps_its_id_and_is_removed_with_its_tokens() {
    let house = open().await;
    let body = r#"{"id":"mine","name":"Mine","scopes":["ReadAccounts"]}"#;
    let made = house.call(ADMIN, "POST", APPS, body).await.expect(201).json();
    assert_eq!(made["id"], "mine");
    assert_ne!(made["secret"], json!(SECRET));
    assert_eq!(house.call(ADMIN, "POST", APPS, body).await.status, 409);
    for (body, parameter) in [
        (r#"{"name":"x","scopes":["Everything"]}"#, "scopes"),
        (r#"{"scopes":[]}"#, "name"),
        (r#"{"name":"x","id":"a:b"}"#, "id"),
        (r#"{"name":"x","account":"4711"}"#, "account"),
    ] {
        let reply = house.call(ADMIN, "POST", APPS, body).await.expect(400);
        assert_eq!(reply.json()["parameterName"], parameter, "{body}");
    }
    let token = house.log_in(ANNA).await;
    house.get(&token, &path("/extensions")).await.expect(200);

    house.call(ADMIN, "DELETE", "/lampfield/v1/apps/app", "").await.expect(204);

    assert_eq!(house.get(&token, &path("/extensions")).await.status, 401);
}

#[tokio::test]
async fn a_bound_key_makes_and_sees_things_of_its_account_only() {
    let house = open().await;
    let app = r#"{"name":"Mine","scopes":[]}"#;
    let made = house.call(BOUND, "POST", APPS, app).await.expect(201).json();
    assert_eq!(made["account"], "1000");
    let listed = house.get(BOUND, APPS).await.expect(200).json();
    assert_eq!(listed["records"].as_array().map(Vec::len), Some(1));
    assert_eq!(house.call(BOUND, "DELETE", "/lampfield/v1/apps/app", "").await.status, 404);

    let made = house.call(BOUND, "POST", KEYS, r#"{"name":"x","role":"admin"}"#).await.expect(201);
    assert_eq!(made.json()["account"], "1000");
    let other = r#"{"name":"x","role":"read","account":"2000"}"#;
    let other = house.call(BOUND, "POST", KEYS, other).await.expect(400);
    assert_eq!(other.json()["parameterName"], "account");
    let listed = house.get(BOUND, KEYS).await.expect(200).json();
    assert_eq!(listed["records"].as_array().map(Vec::len), Some(2));
    assert!(!String::from_utf8(house.get(ADMIN, KEYS).await.bytes).unwrap().contains("\"key\""));
    assert_eq!(house.get(READ, KEYS).await.status, 403);
}

#[tokio::test]
async fn the_last_admin_key_stays() {
    let house = open().await;
    let keys = house.get(ADMIN, KEYS).await.expect(200).json();
    let records = keys["records"].as_array().unwrap().clone();
    let admin = records.iter().find(|it| it["name"] == ADMIN).unwrap();
    let one = format!("{KEYS}/{}", admin["id"].as_str().unwrap());

    assert_eq!(house.call(ADMIN, "DELETE", &one, "").await.status, 409);
    house.call(ADMIN, "POST", KEYS, r#"{"name":"second","role":"admin"}"#).await.expect(201);
    house.call(ADMIN, "DELETE", &one, "").await.expect(204);
}
