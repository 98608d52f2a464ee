//! Log-in, refresh, revocation (contract section 4).

use axum::body::Body;
use http::Request;
use lampfield_api::{ApiConfig, RateConfig, TokenConfig};
use lampfield_core::directory::Proof;
use lampfield_core::{AppId, ExtensionStatus, ExtensionType, Timestamp};
use lampfield_journal::DirectoryChange;

use crate::house::{
    ANNA, BEN, House, JWT_BEARER, PASSWORD, STRANGER, extension, jwt_of, key, presence_of, text,
};

#[tokio::test]
async fn a_jwt_gives_tokens_of_the_shape_that_clients_read() {
    let house = House::new().await;
    let answer = house.log_in_with(ANNA, "app").await;

    assert_eq!(answer["token_type"], "bearer");
    assert_eq!(answer["expires_in"], 3600);
    assert_eq!(answer["refresh_token_expires_in"], 604_800);
    assert_eq!(answer["owner_id"], "1001");
    let scope = text(&answer, "scope");
    for word in ["ReadPresence", "ReadAccounts", "WebSocketsSubscription", "SubscriptionWebSocket"]
    {
        assert!(scope.split(' ').any(|one| one == word), "{word} in {scope}");
    }
    house.get(&text(&answer, "access_token"), &presence_of(ANNA)).await.expect(200);
}

#[tokio::test]
async fn a_password_logs_in_however_the_extension_is_spelt() {
    let house = House::new().await;
    let password = PASSWORD.replace(' ', "+");
    for user in [
        "username=%2B12025550100*101",
        "username=12025550100*101",
        "username=%2B12025550100&extension=101",
        "username=%2B1%20(202)%20555-0100&extension=101",
        "username=%2B12025550100*101&extension=",
    ] {
        let form = format!("grant_type=password&{user}&password={password}");
        let answer = house.token("app", &form).await.expect(200).json();
        assert_eq!(answer["owner_id"], "1001", "{user}");
    }
}

#[tokio::test]
async fn wrong_credentials_are_refused_without_a_word_of_what_was_wrong() {
    let house = House::new().await;
    let foreign = house.jwt(STRANGER).replace('.', "x");
    for form in [
        "grant_type=password&username=%2B12025550100*101&password=wrong".to_owned(),
        "grant_type=password&username=%2B12025550100*999&password=wrong".to_owned(),
        "grant_type=password&username=%2B19999999999*101&password=wrong".to_owned(),
        "grant_type=password&username=%2B12025550100*102&password=wrong".to_owned(),
        format!("grant_type={JWT_BEARER}&assertion={foreign}"),
        format!("grant_type={JWT_BEARER}&assertion=a.b.c"),
    ] {
        let refused = house.token("app", &form).await.expect(400).json();
        assert_eq!(refused["error"], "invalid_grant", "{form}");
        assert_eq!(refused["errorCode"], "OAU-140", "{form}");
        assert_eq!(refused["message"], refused["error_description"]);
    }
}

#[tokio::test]
async fn a_jwt_ends_with_its_credential_its_time_or_its_application() {
    let house = House::new().await;
    let form = format!("grant_type={JWT_BEARER}&assertion={}", house.jwt(ANNA));
    house.token("app", &form).await.expect(200);

    let mut bound = jwt_of(ANNA);
    bound.proof = Proof::Jwt { app: AppId::new("public").ok(), expires_at: None };
    house.apply(DirectoryChange::PutCredential(bound.clone())).await;
    house.token("app", &form).await.expect(400);
    bound.proof = Proof::Jwt { app: None, expires_at: Some(Timestamp(1)) };
    house.apply(DirectoryChange::PutCredential(bound.clone())).await;
    house.token("app", &form).await.expect(400);
    bound.proof = Proof::Jwt { app: None, expires_at: None };
    house.apply(DirectoryChange::PutCredential(bound.clone())).await;
    house.token("app", &form).await.expect(200);
    house.apply(DirectoryChange::RemoveCredential(bound.id)).await;
    house.token("app", &form).await.expect(400);
}

#[tokio::test]
async fn clients_prove_themselves_in_the_header_or_the_body() {
    let house = House::new().await;
    let grant = format!("grant_type={JWT_BEARER}&assertion={}", house.jwt(ANNA));
    let body = |client: &str| {
        Request::builder()
            .method("POST")
            .uri("/restapi/oauth/token")
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .body(Body::from(format!("{grant}&{client}")))
            .unwrap()
    };

    house.send(body("client_id=app&client_secret=app-secret")).await.expect(200);
    house.send(body("client_id=public")).await.expect(200);
    for client in ["client_id=app", "client_id=app&client_secret=x", "client_id=none", "x=y"] {
        let refused = house.send(body(client)).await.expect(401).json();
        assert_eq!(
            (&refused["error"], &refused["errorCode"]),
            (&"invalid_client".into(), &"OAU-146".into())
        );
    }
    house.token("app", &format!("{grant}&client_id=app")).await.expect(200);
    house.token("app", &format!("{grant}&client_id=public")).await.expect(401);
    house.token("nobody", &grant).await.expect(401);
}

#[tokio::test]
async fn requests_that_are_no_token_requests_are_told_why() {
    let house = House::new().await;
    let json = Request::builder()
        .method("POST")
        .uri("/restapi/oauth/token")
        .header("content-type", "application/json")
        .body(Body::from("{}"))
        .unwrap();
    house.send(json).await.expect(415);
    for (form, error, code) in [
        ("", "invalid_request", "CMN-101"),
        ("grant_type=magic", "unsupported_grant_type", "OAU-112"),
        ("grant_type=password&grant_type=password", "invalid_request", "OAU-111"),
        ("grant_type=authorization_code&code=x", "invalid_grant", "OAU-106"),
        ("grant_type=refresh_token&refresh_token=x", "invalid_grant", "OAU-213"),
    ] {
        let refused = house.token("app", form).await.expect(400).json();
        assert_eq!(
            (&refused["error"], &refused["errorCode"]),
            (&error.into(), &code.into()),
            "{form}"
        );
    }
}

#[tokio::test]
async fn a_refresh_kills_the_access_token_and_its_repeat_gives_the_same_pair() {
    let house = House::new().await;
    let first = house.log_in_with(ANNA, "app").await;
    let form = format!(
        "grant_type=refresh_token&refresh_token={}&access_token_ttl=-1&refresh_token_ttl=NaN",
        text(&first, "refresh_token")
    );
    let second = house.token("app", &form).await.expect(200).json();

    assert_eq!(second["session_id"], first["session_id"]);
    assert_eq!(second["expires_in"], 600, "garbage is clamped, not refused");
    let old = house.get(&text(&first, "access_token"), &presence_of(ANNA)).await;
    assert_eq!(old.verdict(), (401, "OAU-211".to_owned()));
    house.wait(30);
    let again = house.token("app", &form).await.expect(200).json();
    assert_eq!(again["access_token"], second["access_token"]);
    assert_eq!(again["refresh_token"], second["refresh_token"]);
    assert_eq!(again["expires_in"], 570, "time goes on");
}

#[tokio::test]
async fn refreshes_at_the_same_moment_all_get_the_same_pair() {
    let house = House::new().await;
    let first = house.log_in_with(ANNA, "app").await;
    let form = format!("grant_type=refresh_token&refresh_token={}", text(&first, "refresh_token"));
    let all = futures_util::future::join_all((0..8).map(|_| house.token("app", &form))).await;

    let pairs: std::collections::BTreeSet<_> = all
        .into_iter()
        .map(|reply| reply.expect(200).json())
        .map(|answer| (text(&answer, "access_token"), text(&answer, "refresh_token")))
        .collect();
    assert_eq!(pairs.len(), 1);
}

#[tokio::test]
async fn once_the_new_token_was_used_the_old_one_lasts_ten_seconds_and_is_then_theft() {
    let house = House::new().await;
    let first = house.log_in_with(ANNA, "app").await;
    let form = format!("grant_type=refresh_token&refresh_token={}", text(&first, "refresh_token"));
    let second = house.token("app", &form).await.expect(200).json();
    let access = text(&second, "access_token");
    house.get(&access, &presence_of(ANNA)).await.expect(200);

    house.wait(9);
    house.token("app", &form).await.expect(200);
    house.get(&access, &presence_of(ANNA)).await.expect(200);
    house.wait(2);
    assert_eq!(house.token("app", &form).await.expect(400).json()["error"], "invalid_grant");
    let after = house.get(&access, &presence_of(ANNA)).await;
    assert_eq!(after.verdict(), (401, "OAU-211".to_owned()), "the whole session is gone");
    let form = format!("grant_type=refresh_token&refresh_token={}", text(&second, "refresh_token"));
    house.token("app", &form).await.expect(400);
}

#[tokio::test]
async fn an_ancestor_of_the_present_refresh_token_ends_the_session_too() {
    let house = House::new().await;
    let first = house.log_in_with(ANNA, "app").await;
    let refresh = |token: String| format!("grant_type=refresh_token&refresh_token={token}");
    let oldest = refresh(text(&first, "refresh_token"));
    let second = house.token("app", &oldest).await.expect(200).json();
    let third =
        house.token("app", &refresh(text(&second, "refresh_token"))).await.expect(200).json();

    house.token("app", &oldest).await.expect(400);
    house.get(&text(&third, "access_token"), &presence_of(ANNA)).await.expect(401);
}

#[tokio::test]
async fn a_refresh_token_is_only_good_for_its_own_application() {
    let house = House::new().await;
    let first = house.log_in_with(ANNA, "app").await;
    let form = format!("grant_type=refresh_token&refresh_token={}", text(&first, "refresh_token"));

    house.token("reader", &form).await.expect(400);
    house.token("app", &form).await.expect(200);
}

#[tokio::test]
async fn tokens_that_are_expired_unknown_forged_or_missing_are_told_apart() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let path = presence_of(ANNA);
    let anonymous = Request::get(&path).body(Body::empty()).unwrap();
    let garbled =
        Request::get(&path).header("authorization", "Basic x").body(Body::empty()).unwrap();

    assert_eq!(house.send(anonymous).await.verdict(), (401, "OAU-123".to_owned()));
    assert_eq!(house.send(garbled).await.verdict(), (401, "OAU-134".to_owned()));
    assert_eq!(house.get("nonsense", &path).await.verdict(), (401, "OAU-213".to_owned()));
    let forged = format!("A{}", &token[1..]);
    if forged != token {
        assert_eq!(house.get(&forged, &path).await.verdict(), (401, "OAU-213".to_owned()));
    }
    house.wait(3600);
    let expired = house.get(&token, &path).await;
    assert_eq!(expired.verdict(), (401, "OAU-128".to_owned()));
    assert!(expired.headers.contains_key("www-authenticate"));
    house.get(&token, "/restapi/v1.0/status").await.expect(200);
}

#[tokio::test]
async fn the_scheme_has_any_case_and_the_token_may_stand_in_the_query() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let path = presence_of(ANNA);
    for scheme in ["bearer", "Bearer", "BEARER"] {
        let header = format!("{scheme} {token}");
        let request = Request::get(&path).header("authorization", header);
        house.send(request.body(Body::empty()).unwrap()).await.expect(200);
    }
    let query = Request::get(format!("{path}?access_token={token}")).body(Body::empty()).unwrap();
    house.send(query).await.expect(200);
}

#[tokio::test]
async fn revoking_either_token_ends_the_session_and_unknown_tokens_are_as_good_as_revoked() {
    let house = House::new().await;
    for kind in ["access_token", "refresh_token"] {
        let answer = house.log_in_with(ANNA, "app").await;
        let form = format!("token={}", text(&answer, kind));
        house.form("/restapi/oauth/revoke", "reader", &form).await.expect(200);
        house.get(&text(&answer, "access_token"), &presence_of(ANNA)).await.expect(200);

        house.form("/restapi/oauth/revoke", "app", &form).await.expect(200);
        let dead = house.get(&text(&answer, "access_token"), &presence_of(ANNA)).await;
        assert_eq!(dead.verdict(), (401, "OAU-211".to_owned()), "{kind}");
    }
    house.form("/restapi/oauth/revoke", "app", "token=unknown").await.expect(200);
    house.form("/restapi/oauth/revoke", "app", "").await.expect(400);
    house.form("/restapi/oauth/revoke", "nobody", "token=x").await.expect(401);
}

#[tokio::test]
async fn the_sixth_session_of_a_user_and_application_closes_the_oldest() {
    let house = House::new().await;
    let mut tokens = Vec::new();
    for _ in 0..6 {
        tokens.push(house.log_in(ANNA).await);
        house.wait(1);
    }

    house.get(&tokens[0], &presence_of(ANNA)).await.expect(401);
    for token in &tokens[1..] {
        house.get(token, &presence_of(ANNA)).await.expect(200);
    }
}

#[tokio::test]
async fn who_is_disabled_neither_logs_in_nor_goes_on() {
    let house = House::new().await;
    let token = house.log_in(BEN).await;
    let mut ben = extension(BEN, ExtensionType::User);
    ben.standing.status = ExtensionStatus::Disabled;
    house.apply(DirectoryChange::PutExtension(ben)).await;

    assert_eq!(house.get(&token, &presence_of(BEN)).await.verdict(), (401, "OAU-141".to_owned()));
    let form = format!("grant_type={JWT_BEARER}&assertion={}", house.jwt(BEN));
    assert_eq!(house.token("app", &form).await.expect(400).code(), "OAU-141");
    house.apply(DirectoryChange::RemoveExtension(key(BEN))).await;
    assert_eq!(house.get(&token, &presence_of(BEN)).await.verdict(), (401, "OAU-211".to_owned()));
}

#[tokio::test]
async fn guessing_is_slowed_down_for_the_client_that_guesses() {
    let house = House::with(ApiConfig { rates: RateConfig::off(), ..ApiConfig::default() }).await;
    let wrong = "grant_type=password&username=%2B12025550100*101&password=wrong";
    for _ in 0..5 {
        house.token("app", wrong).await.expect(400);
    }
    let right = format!("grant_type={JWT_BEARER}&assertion={}", house.jwt(ANNA));
    let refused = house.token("app", &right).await.expect(429);

    assert_eq!(refused.headers["retry-after"], "60");
    assert_eq!(refused.json()["message"], "Request rate exceeded");
    house.token("reader", &right).await.expect(200);
    house.wait(60);
    house.token("app", &right).await.expect(200);
}

#[tokio::test]
async fn stale_refresh_tokens_of_one_client_lock_nobody_out() {
    let house = House::with(ApiConfig { rates: RateConfig::off(), ..ApiConfig::default() }).await;
    for _ in 0..6 {
        house.token("app", "grant_type=refresh_token&refresh_token=stale").await.expect(400);
    }
    house.log_in(ANNA).await;
}

#[tokio::test]
async fn log_ins_are_limited_for_each_user_of_an_application() {
    let rates = RateConfig { auth: 2, ..RateConfig::off() };
    let house = House::with(ApiConfig { rates, ..ApiConfig::default() }).await;
    let form = |user| format!("grant_type={JWT_BEARER}&assertion={}", house.jwt(user));
    let first = house.token("app", &form(ANNA)).await.expect(200);
    assert_eq!(first.headers["x-rate-limit-group"], "auth");
    assert_eq!(first.headers["x-rate-limit-remaining"], "1");
    house.token("app", &form(ANNA)).await.expect(200);

    let refused = house.token("app", &form(ANNA)).await.expect(429);
    assert_eq!(refused.json()["message"], "Request rate exceeded");
    assert_eq!(refused.headers["retry-after"], "60");
    house.token("app", &form(BEN)).await.expect(200);
}

#[tokio::test]
async fn asked_scopes_narrow_and_lives_are_clamped() {
    let tokens =
        TokenConfig { access_max: std::time::Duration::from_secs(900), ..TokenConfig::default() };
    let config = ApiConfig { rates: RateConfig::off(), tokens, ..ApiConfig::default() };
    let house = House::with(config).await;
    let form = format!("grant_type={JWT_BEARER}&assertion={}", house.jwt(ANNA));

    let narrow = house.token("app", &format!("{form}&scope=EditPresence")).await.expect(200).json();
    assert_eq!(narrow["scope"], "ReadPresence EditPresence");
    assert_eq!(narrow["expires_in"], 900);
    let beyond =
        house.token("reader", &format!("{form}&scope=EditAccounts")).await.expect(400).json();
    assert_eq!(beyond["error"], "invalid_scope");
}

#[tokio::test]
async fn a_socket_token_needs_its_scope_and_names_an_address_without_query() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let path = "/restapi/oauth/wstoken";
    let answer = house.call(&token, "POST", path, "").await.expect(200).json();

    assert_eq!(answer["uri"], "ws://lamp.example/ws");
    assert_eq!(answer["expires_in"], 2);
    let socket = text(&answer, "ws_access_token");
    assert!(socket.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
    house.call(&token, "POST", path, "{}").await.expect(200);
    let poor = house.log_in_through(ANNA, "reader").await;
    let refused = house.call(&poor, "POST", path, "").await;
    assert_eq!(refused.verdict(), (403, "CMN-401".to_owned()));
    assert!(refused.json()["message"].as_str().unwrap().contains("[WebSocketsSubscription]"));
}
