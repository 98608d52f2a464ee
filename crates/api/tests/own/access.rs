//! Who may what: roles, bound keys, people with access tokens, other accounts.

use lampfield_core::directory::Scopes;
use lampfield_journal::DirectoryChange;
use serde_json::json;

use crate::house::{A, ANNA, B, BEN, CLEO, House, STRANGER, app};
use crate::{ADMIN, BOUND, INGEST, READ, open, path, ring};

fn name(status: u16) -> &'static str {
    match status {
        200..=299 => "yes",
        401 => "who?",
        403 => "no",
        404 => "nothing",
        _ => "other",
    }
}

#[tokio::test]
async fn every_role_may_what_it_may_and_no_more() {
    let house = open().await;
    house.apply(DirectoryChange::PutApp(app("poorest", Scopes::READ_PRESENCE))).await;
    let anna = house.log_in(ANNA).await;
    let poor = house.log_in_through(ANNA, "poorest").await;
    let call = r#"{"telephonyStatus":"Ringing","direction":"Inbound"}"#;
    let rows = [
        ("GET", "/extensions", "", "yes yes yes yes yes no"),
        ("GET", "/extensions/1001", "", "yes yes yes yes yes no"),
        ("GET", "/extensions/1001/why", "", "yes yes yes yes yes no"),
        ("GET", "/snapshot", "", "yes yes yes yes yes no"),
        ("GET", "/sources", "", "yes yes yes yes yes no"),
        ("PUT", "/sources/pbx/extensions/1001/calls/1", call, "no yes yes yes no no"),
        ("DELETE", "/sources/pbx/extensions/1001/calls/1", "", "no yes yes yes no no"),
        ("PUT", "/sources/pbx/picture", r#"{"extensions":[]}"#, "no yes yes yes no no"),
        ("POST", "/sources/pbx/batch", "", "no yes yes yes no no"),
        ("POST", "/sources/pbx/lost", "", "no yes yes yes no no"),
        ("POST", "/extensions/import?dryRun=true", "number,name\n", "no no yes yes no no"),
        ("GET", "/extensions/export", "", "no no yes yes no no"),
        ("PUT", "/extensions/1002", "{}", "no no yes yes no no"),
        ("PUT", "/extensions/1002/presence", "{}", "no no yes yes no no"),
        ("GET", "/extensions/1001/lists", "", "yes yes yes yes yes no"),
        ("GET", "/extensions/1002/lists", "", "yes yes yes yes no no"),
        ("PUT", "/extensions/1001/lists", "{}", "no no yes yes no no"),
        ("GET", "/credentials", "", "no no yes yes no no"),
    ];
    for (method, rest, body, expected) in rows {
        let mut found = Vec::new();
        for token in [READ, INGEST, ADMIN, BOUND, &anna, &poor] {
            let reply = house.call(token, method, &path(rest), body).await;
            found.push(name(reply.status));
        }
        assert_eq!(found.join(" "), expected, "{method} {rest}");
    }
}

#[tokio::test]
async fn without_a_key_or_with_a_wrong_one_nobody_gets_in() {
    let house = open().await;
    let request = http::Request::builder().uri(path("/snapshot"));
    let reply = house.send(request.body(axum::body::Body::empty()).unwrap()).await;

    assert_eq!(reply.verdict(), (401, "OAU-123".to_owned()));
    let wrong = house.get("key-admin ", &path("/snapshot")).await;
    assert_eq!(wrong.status, 200, "white space around a key does not matter");
    let wrong = house.get("key-admIn", &path("/snapshot")).await;
    assert_eq!(wrong.verdict(), (401, "OAU-213".to_owned()));
}

#[tokio::test]
async fn another_account_does_not_exist_for_a_bound_key_and_for_people() {
    let house = open().await;
    let anna = house.log_in(ANNA).await;
    for token in [BOUND, &anna] {
        for account in [B, 4711] {
            for rest in ["/extensions", "/snapshot", "/sources", "/extensions/2001/why", "/stream"]
            {
                let other = format!("/lampfield/v1/accounts/{account}{rest}");
                let reply = house.get(token, &other).await;
                assert_eq!(reply.verdict(), (404, "CMN-102".to_owned()), "{other}");
            }
        }
        let foreign = path(&format!("/extensions/{STRANGER}/why"));
        assert_eq!(house.get(token, &foreign).await.verdict(), (404, "CMN-102".to_owned()));
    }
    let accounts = house.get(BOUND, "/lampfield/v1/accounts").await.expect(200).json();
    assert_eq!(accounts["records"].as_array().map(Vec::len), Some(1));
    let body = r#"{"name":"New","mainNumber":"+1"}"#;
    let made = house.call(BOUND, "POST", "/lampfield/v1/accounts", body).await;
    assert_eq!(made.verdict(), (403, "CMN-402".to_owned()));
}

#[tokio::test]
async fn a_tilde_stands_for_the_only_account_there_can_be() {
    let house = open().await;
    let anna = house.log_in(ANNA).await;
    let tilde = "/lampfield/v1/accounts/~/extensions/~";

    assert_eq!(house.get(&anna, tilde).await.expect(200).json()["id"], json!(ANNA.to_string()));
    let bound = house.get(BOUND, "/lampfield/v1/accounts/~").await.expect(200).json();
    assert_eq!(bound["id"], json!(A.to_string()));
    let several = house.get(ADMIN, "/lampfield/v1/accounts/~").await;
    assert_eq!(several.verdict(), (400, "CMN-101".to_owned()));
}

#[tokio::test]
async fn people_set_themselves_and_administrators_others() {
    let house = open().await;
    let body = r#"{"userStatus":"Busy"}"#;
    let of = |user: u64| path(&format!("/extensions/{user}/presence"));
    let (anna, cleo) = (house.log_in(ANNA).await, house.log_in(CLEO).await);

    house.call(&anna, "PUT", &of(ANNA), body).await.expect(200);
    house.call(&cleo, "PUT", &of(BEN), body).await.expect(200);
    let other = house.call(&anna, "PUT", &of(BEN), body).await;
    assert_eq!(other.verdict(), (403, "CMN-404".to_owned()));
    let reader = house.log_in_through(ANNA, "reader").await;
    let reader = house.call(&reader, "PUT", &of(ANNA), body).await;
    assert_eq!(reader.verdict(), (403, "CMN-401".to_owned()));
}

#[tokio::test]
async fn what_a_person_hides_is_hidden_from_others_and_not_from_keys() {
    let house = open().await;
    ring(&house, "pbx", BEN, "1", "CallConnected").await;
    let hide = r#"{"allowSeeMyPresence":false}"#;
    house.call(ADMIN, "PUT", &path("/extensions/1002/presence"), hide).await.expect(200);
    let anna = house.log_in(ANNA).await;
    let ben = house.log_in(BEN).await;
    let record = |snapshot: serde_json::Value| {
        let records = snapshot["records"].as_array().unwrap().clone();
        records.into_iter().find(|it| it["extension"]["id"] == json!("1002")).unwrap()
    };

    let hidden = record(house.get(&anna, &path("/snapshot")).await.expect(200).json());
    assert_eq!(hidden["presence"]["presenceStatus"], "Offline");
    assert_eq!(hidden["presence"]["telephonyStatus"], "NoCall");
    assert_eq!(hidden.get("rule"), None);
    for token in [READ, &ben] {
        let seen = record(house.get(token, &path("/snapshot")).await.expect(200).json());
        assert_eq!(seen["presence"]["presenceStatus"], "Busy");
    }
    let why = house.get(&anna, &path("/extensions/1002/why")).await;
    assert_eq!(why.verdict(), (403, "CMN-408".to_owned()));
    assert!(why.json()["message"].as_str().unwrap().contains("does not let others see"));
    house.get(&ben, &path("/extensions/1002/why")).await.expect(200);
}

#[tokio::test]
async fn a_key_that_is_removed_opens_nothing() {
    let house = open().await;
    let made = r#"{"name":"Board","role":"read"}"#;
    let made = house.call(ADMIN, "POST", "/lampfield/v1/keys", made).await.expect(201).json();
    let key = made["key"].as_str().unwrap().to_owned();
    house.get(&key, &path("/snapshot")).await.expect(200);

    let one = format!("/lampfield/v1/keys/{}", made["id"].as_str().unwrap());
    house.call(ADMIN, "DELETE", &one, "").await.expect(204);

    assert_eq!(house.get(&key, &path("/snapshot")).await.status, 401);
    assert_eq!(house.call(ADMIN, "DELETE", &one, "").await.status, 404);
}

#[tokio::test]
async fn people_are_counted_and_keys_are_not() {
    use lampfield_api::{ApiConfig, RateConfig};

    let rates = RateConfig { light: 2, ..RateConfig::default() };
    let house = House::with(ApiConfig { rates, ..ApiConfig::default() }).await;
    crate::give_keys(&house).await;
    let anna = house.log_in(ANNA).await;
    let mut found = Vec::new();
    for token in [&anna, &anna, &anna, READ, READ, READ] {
        found.push(house.get(token, &path("/sources")).await.status);
    }

    assert_eq!(found, [200, 200, 429, 200, 200, 200]);
}
