//! Accounts and extensions.

use lampfield_core::PresenceStatus;
use serde_json::{Value, json};

use crate::house::{A, ANNA, BEN, QUEUE, STRANGER, document, key};
use crate::{ADMIN, READ, open, path, ring};

#[tokio::test]
async fn accounts_are_made_listed_and_shown() {
    let house = open().await;
    let body = r#"{"name":" Works ","mainNumber":"+12025550300"}"#;
    let made = house.call(ADMIN, "POST", "/lampfield/v1/accounts", body).await.expect(201).json();

    assert_eq!(made["name"], "Works");
    assert_eq!(made["id"], "100000001");
    let one = house.get(ADMIN, "/lampfield/v1/accounts/100000001").await.expect(200).json();
    assert_eq!(one, made);
    let all = house.get(ADMIN, "/lampfield/v1/accounts").await.expect(200).json();
    let ids: Vec<_> = all["records"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
    assert_eq!(ids, ["1000", "2000", "100000001"]);
    assert_eq!(all["records"][0]["extensions"], 5);

    for (body, status, parameter) in [
        (r#"{"mainNumber":"1"}"#, 400, "name"),
        (r#"{"name":"  ","mainNumber":"1"}"#, 400, "name"),
        (r#"{"name":"x"}"#, 400, "mainNumber"),
        (r#"{"name":"x","mainNumber":"1a"}"#, 400, "mainNumber"),
        (r#"{"name":"x","mainNumber":"12025550300"}"#, 409, "mainNumber"),
        (r#"{"name":"x","mainNumber":"2","id":"1000"}"#, 409, "id"),
        (r#"{"name":"x","mainNumber":"2","id":"0"}"#, 400, "id"),
    ] {
        let reply = house.call(ADMIN, "POST", "/lampfield/v1/accounts", body).await;
        assert_eq!(reply.status, status, "{body}");
        assert_eq!(reply.json()["parameterName"], parameter, "{body}");
    }
    let broken = house.call(ADMIN, "POST", "/lampfield/v1/accounts", "{").await;
    assert_eq!(broken.verdict(), (400, "CMN-103".to_owned()));
}

#[tokio::test]
async fn an_extension_is_made_with_an_id_that_nobody_had() {
    let house = open().await;
    let make = async |number: &str| {
        let body = format!(r#"{{"number":"{number}","name":"New","groups":["Sales"]}}"#);
        house.call(ADMIN, "POST", &path("/extensions"), &body).await.expect(201).json()
    };
    let first = make("201").await;

    assert_eq!(
        first,
        json!({
            "id": "200000001", "account": "1000", "number": "201", "name": "New", "email": "",
            "type": "User", "status": "Enabled", "groups": ["Sales"], "queues": [], "admin": false,
            "permissions": [
                "ReadPresenceStatus", "EditPresenceStatus", "ReadAccounts", "ReadExtensions",
                "ReadCompanyInfo", "ReadPresenceSettings", "EditPresenceSettings",
                "ReadPersonalContacts", "EditPersonalContacts",
            ],
            "editableMemberStatus": true,
        })
    );
    house.call(ADMIN, "DELETE", &path("/extensions/200000001"), "").await.expect(204);
    assert_eq!(make("201").await["id"], "200000002", "ids are not used twice");
    let by_number = house.get(READ, &path("/extensions/n:201")).await.expect(200).json();
    assert_eq!(by_number["id"], "200000002");
}

#[tokio::test]
async fn bad_fields_are_named() {
    let house = open().await;
    let taken = format!(r#"{{"number":"301","name":"x","id":"{STRANGER}"}}"#);
    for (body, status, parameter) in [
        (r#"{"name":"x"}"#, 400, "number"),
        (r#"{"number":"30x","name":"x"}"#, 400, "number"),
        (r#"{"number":"101","name":"x"}"#, 409, "number"),
        (r#"{"number":"301"}"#, 400, "name"),
        (r#"{"number":"301","name":"x","type":"Robot"}"#, 400, "type"),
        (r#"{"number":"301","name":"x","status":"asleep"}"#, 400, "status"),
        (r#"{"number":"301","name":"x","email":"nowhere"}"#, 400, "email"),
        (r#"{"number":"301","name":"x","groups":"Sales"}"#, 400, "groups"),
        (r#"{"number":"301","name":"x","queues":["n:101"]}"#, 400, "queues"),
        (r#"{"number":"301","name":"x","admin":"yes"}"#, 400, "admin"),
        (r#"{"number":"301","name":"x","permissions":["Admin"]}"#, 400, "permissions"),
        (r#"{"number":"301","name":"x","permissions":"ReadAccounts"}"#, 400, "permissions"),
        (
            r#"{"number":"301","name":"x","editableMemberStatus":false}"#,
            400,
            "editableMemberStatus",
        ),
        (&taken, 409, "id"),
    ] {
        let reply = house.call(ADMIN, "POST", &path("/extensions"), body).await;
        assert_eq!(reply.status, status, "{body}");
        assert_eq!(reply.json()["parameterName"], parameter, "{body}");
    }
}

#[tokio::test]
async fn a_partial_put_keeps_the_rest_and_presence_follows_the_status() {
    let house = open().await;
    let one = path("/extensions/n:102");
    let changed = r#"{"name":"Ben B.","queues":["n:700","1600"],"admin":true}"#;
    // The queue of the house has number 600.
    let refused = house.call(ADMIN, "PUT", &one, changed).await;
    assert_eq!(refused.json()["parameterName"], "queues");

    let changed = r#"{"name":"Ben B.","queues":["n:600"],"admin":true}"#;
    let shown = house.call(ADMIN, "PUT", &one, changed).await.expect(200).json();
    assert_eq!((&shown["name"], &shown["admin"]), (&json!("Ben B."), &json!(true)));
    assert_eq!(shown["queues"], json!([QUEUE.to_string()]));
    assert_eq!(shown["email"], "p1002@example.org");
    assert_eq!(house.state.journal.newest().get(key(BEN)), None, "presence is not touched");

    house.call(ADMIN, "PUT", &one, r#"{"status":"Frozen"}"#).await.expect(200);
    assert_eq!(document(&house, BEN).presence, PresenceStatus::Offline);
    house.call(ADMIN, "PUT", &one, r#"{"status":"Enabled"}"#).await.expect(200);
    assert_eq!(document(&house, BEN).presence, PresenceStatus::Available);
}

#[tokio::test]
async fn a_removed_extension_goes_offline_first_and_leaves_nothing_behind() {
    let house = open().await;
    let anna = house.log_in(ANNA).await;
    ring(&house, "pbx", ANNA, "1", "CallConnected").await;
    let before = house.state.journal.head(key(ANNA).account).position;

    house.call(ADMIN, "DELETE", &path("/extensions/1001"), "").await.expect(204);

    let last = match house.state.journal.read(before_account(), before, 9).await.unwrap() {
        lampfield_journal::Page::Records(records) => records.last().unwrap().event.clone(),
        page @ lampfield_journal::Page::Unrecoverable { .. } => panic!("{page:?}"),
    };
    assert_eq!(last.document.presence, PresenceStatus::Offline);
    assert!(last.document.claims.is_empty());
    assert_eq!(house.get(&anna, &path("/extensions")).await.status, 401, "logged out");
    let gone = house.get(READ, &path("/extensions/1001")).await;
    assert_eq!(gone.verdict(), (404, "CMN-102".to_owned()));

    // The queue falls out of its members.
    let member = r#"{"queues":["1600"]}"#;
    house.call(ADMIN, "PUT", &path("/extensions/1002"), member).await.expect(200);
    house.call(ADMIN, "DELETE", &path("/extensions/1600"), "").await.expect(204);
    let ben = house.get(READ, &path("/extensions/1002")).await.expect(200).json();
    assert_eq!(ben["queues"], json!([]));
}

fn before_account() -> lampfield_core::AccountId {
    key(ANNA).account
}

#[tokio::test]
async fn the_list_is_paged_and_narrowed() {
    let house = open().await;
    let ids = |page: &Value| -> Vec<String> {
        let records = page["records"].as_array().unwrap();
        records.iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
    };
    let list = async |query: &str| {
        house.get(READ, &path(&format!("/extensions{query}"))).await.expect(200).json()
    };

    let page = list("?page=2&perPage=2").await;
    assert_eq!(ids(&page), ["1003", "1600"]);
    assert_eq!(page["paging"]["totalElements"], 5);
    assert_eq!(
        page["navigation"]["nextPage"]["uri"],
        format!("http://lamp.example/lampfield/v1/accounts/{A}/extensions?page=3&perPage=2")
    );
    assert_eq!(ids(&list("?q=PERSON%201002").await), ["1002"]);
    assert_eq!(ids(&list("?q=10").await), ["1001", "1002", "1003"]);
    assert_eq!(ids(&list("?q=60").await), ["1600"]);
    assert!(ids(&list("?q=nobody").await).is_empty());
    let wrong = house.get(READ, &path("/extensions?page=0")).await;
    assert_eq!(wrong.verdict(), (400, "CMN-101".to_owned()));
}

#[tokio::test]
async fn a_full_store_refuses_and_changes_nothing() {
    let house = open().await;
    house.full(true);
    let reply = house.call(ADMIN, "PUT", &path("/extensions/1002"), r#"{"name":"New"}"#).await;

    assert_eq!(reply.verdict(), (503, "CMN-201".to_owned()));
    assert!(reply.headers.contains_key("retry-after"));
    house.full(false);
    let ben = house.get(READ, &path("/extensions/1002")).await.expect(200).json();
    assert_eq!(ben["name"], "Person 1002");
}

/// Ids that are made up come after the greatest one: whoever could ask for the last would leave none
/// to anybody.
#[tokio::test]
async fn nobody_can_ask_for_the_last_id_of_all() {
    let house = open().await;
    let (accounts, extensions) = ("/lampfield/v1/accounts".to_owned(), path("/extensions"));
    let post = async |path: &str, id: &str, number: u64| {
        let id = if id.is_empty() { String::new() } else { format!(r#","id":"{id}""#) };
        let body = format!(r#"{{"name":"x","number":"{number}","mainNumber":"{number}"{id}}}"#);
        house.call(ADMIN, "POST", path, &body).await
    };
    for path in [&accounts, &extensions] {
        for id in ["4503599627370497", "9223372036854775807"] {
            let reply = post(path, id, 301).await;
            assert_eq!(reply.verdict(), (400, "CMN-101".to_owned()), "{path} {id}");
            assert_eq!(reply.json()["parameterName"], "id");
        }
        post(path, "4503599627370496", 302).await.expect(201);
        let next = post(path, "", 303).await.expect(201).json();
        assert_eq!(next["id"], "4503599627370497", "{path}");
    }
}

/// The directory took a status and the journal was full: whoever sends it again must not be told that
/// all is well.
#[tokio::test]
async fn a_status_that_presence_has_not_followed_yet_is_made_up_for_by_the_next_put() {
    let house = open().await;
    ring(&house, "pbx", BEN, "c1", "CallConnected").await;
    let before = house.state.registry.extension(key(BEN)).unwrap();
    let mut after = lampfield_core::directory::Extension::clone(&before);
    after.standing.status = lampfield_core::ExtensionStatus::Disabled;
    house.apply(lampfield_journal::DirectoryChange::PutExtension(after)).await;
    assert_eq!(document(&house, BEN).presence, PresenceStatus::Busy);

    let put = r#"{"status":"Disabled"}"#;
    house.call(ADMIN, "PUT", &path("/extensions/1002"), put).await.expect(200);

    assert_eq!(document(&house, BEN).presence, PresenceStatus::Offline);
}
