//! The audit trail: whatever is administered shows up in it, with who did it and what changed.

use serde_json::{Value, json};

use crate::house::{ANNA, BEN, CLEO, House, PASSWORD, key, presence_of};
use crate::{ADMIN, BOUND, INGEST, READ, open, path, ring, send};

const HOUSE: &str = "/lampfield/v1/audit";

/// Newest first.
async fn trail(house: &House) -> Vec<Value> {
    let answer = house.get(ADMIN, &path("/audit")).await.expect(200).json();
    answer["records"].as_array().unwrap().clone()
}

async fn acts(house: &House) -> Vec<String> {
    let acts = trail(house).await;
    acts.iter().map(|it| it["act"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_entry_says_who_did_what_to_what_and_what_changed() {
    let house = open().await;
    let one = path("/extensions/n:102");
    house.call(ADMIN, "PUT", &one, r#"{"name":"Benjamin","number":"112"}"#).await.expect(200);

    let entry = &trail(&house).await[0];
    assert_eq!(entry["id"], "1");
    assert_eq!(entry["act"], "extension.update");
    assert_eq!(entry["object"], BEN.to_string());
    assert_eq!((&entry["actor"]["kind"], &entry["actor"]["name"]), (&json!("key"), &json!(ADMIN)));
    assert_eq!(
        entry["changes"],
        json!([
            { "member": "number", "before": "102", "after": "112" },
            { "member": "name", "before": "Person 1002", "after": "Benjamin" },
        ])
    );
    assert!(entry["requestId"].is_string() && entry["at"].is_string());
    house.call(ADMIN, "PUT", &path("/extensions/n:112"), r#"{"number":"112"}"#).await.expect(200);
    assert_eq!(trail(&house).await.len(), 1, "what changes nothing is nothing to tell");
}

#[tokio::test]
async fn everything_that_is_administered_shows_up() {
    let house = open().await;
    let extension = r#"{"number":"150","name":"Dora"}"#;
    house.call(BOUND, "POST", &path("/extensions"), extension).await.expect(201);
    house.call(BOUND, "PUT", &path("/extensions/n:150"), r#"{"admin":true}"#).await.expect(200);
    let lists = r#"{"lines":["n:101"]}"#;
    house.call(BOUND, "PUT", &path("/extensions/n:150/lists"), lists).await.expect(200);
    let jwt = r#"{"extension":"n:150","expiresInDays":1}"#;
    let made = house.call(BOUND, "POST", &path("/credentials/jwt"), jwt).await.expect(201).json();
    let one = path(&format!("/credentials/{}", made["id"].as_str().unwrap()));
    house.call(BOUND, "DELETE", &one, "").await.expect(204);
    let password = r#"{"extension":"n:150","password":"hush hush"}"#;
    house.call(BOUND, "POST", &path("/credentials/password"), password).await.expect(201);
    house.call(BOUND, "DELETE", &path("/extensions/n:150"), "").await.expect(204);
    let app = r#"{"id":"mine","name":"Mine","scopes":["ReadAccounts"]}"#;
    house.call(BOUND, "POST", "/lampfield/v1/apps", app).await.expect(201);
    let grown = r#"{"redirectUris":["https://a.example/"],"grants":["authorization_code"]}"#;
    house.call(BOUND, "PUT", "/lampfield/v1/apps/mine", grown).await.expect(200);
    house.call(BOUND, "DELETE", "/lampfield/v1/apps/mine", "").await.expect(204);
    let key = r#"{"name":"x","role":"read"}"#;
    let made = house.call(BOUND, "POST", "/lampfield/v1/keys", key).await.expect(201).json();
    let one = format!("/lampfield/v1/keys/{}", made["id"].as_str().unwrap());
    house.call(BOUND, "DELETE", &one, "").await.expect(204);
    let csv = "number,name\n160,Emil\n101,Anna\nx,y\n";
    send(&house, BOUND, "POST", &path("/extensions/import"), "text/csv", csv).await.expect(200);

    let mut acts = acts(&house).await;
    acts.reverse();
    assert_eq!(
        acts,
        [
            "extension.create",
            "extension.update",
            "presence.update",
            "credential.create",
            "credential.remove",
            "credential.create",
            "extension.remove",
            "app.create",
            "app.update",
            "app.remove",
            "key.create",
            "key.remove",
            "extension.create",
            "extension.update",
            "extension.import",
        ]
    );
    let whole = house.get(ADMIN, &path("/audit")).await.bytes;
    let whole = String::from_utf8(whole).unwrap();
    for secret in ["hush", made["key"].as_str().unwrap(), "argon2", "secret"] {
        assert!(!whole.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn what_is_of_the_whole_house_is_in_the_trail_of_the_house() {
    let house = open().await;
    let key = r#"{"name":"pbx","role":"ingest"}"#;
    house.call(ADMIN, "POST", "/lampfield/v1/keys", key).await.expect(201);
    let account = r#"{"name":"New","mainNumber":"+12025550999"}"#;
    let made = house.call(ADMIN, "POST", "/lampfield/v1/accounts", account).await.expect(201);

    let answer = house.get(ADMIN, HOUSE).await.expect(200).json();
    let records = answer["records"].as_array().unwrap();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["act"], "key.create");
    let of_new = format!("/lampfield/v1/accounts/{}/audit", made.json()["id"].as_str().unwrap());
    let answer = house.get(ADMIN, &of_new).await.expect(200).json();
    assert_eq!(answer["records"][0]["act"], "account.create");
    assert_eq!(acts(&house).await, Vec::<String>::new());
}

#[tokio::test]
async fn others_presence_is_told_and_ones_own_is_nobodys_business() {
    let house = open().await;
    let body = r#"{"userStatus":"Busy","message":"at the dentist"}"#;
    let (anna, cleo) = (house.log_in(ANNA).await, house.log_in(CLEO).await);
    house.call(&anna, "PUT", &presence_of(ANNA), body).await.expect(200);
    house.call(&anna, "PUT", &path("/extensions/n:101/presence"), body).await.expect(200);
    ring(&house, "pbx", ANNA, "c1", "Ringing").await;
    assert_eq!(acts(&house).await, Vec::<String>::new(), "nor what sources report");

    house.call(&cleo, "PUT", &presence_of(BEN), body).await.expect(200);
    house.call(&cleo, "PUT", &presence_of(BEN), body).await.expect(200);
    let permission = format!("{}/permission", presence_of(BEN));
    let list = r#"{"extensions":[{"id":"1001"}]}"#;
    house.call(&cleo, "PUT", &permission, list).await.expect(200);
    let timed = r#"{"dndStatus":"DoNotAcceptAnyCalls","forSeconds":60}"#;
    house.call(ADMIN, "PUT", &path("/extensions/n:102/presence"), timed).await.expect(200);

    let trail = trail(&house).await;
    let told: Vec<_> = trail.iter().map(|it| (&it["object"], &it["actor"]["kind"])).collect();
    let ben = json!(BEN.to_string());
    let (person, key) = (json!("extension"), json!("key"));
    assert_eq!(told, [(&ben, &key), (&ben, &person), (&ben, &person)], "{trail:?}");
    assert_eq!(trail[2]["actor"]["id"], CLEO.to_string());
    assert_eq!(
        trail[2]["changes"],
        json!([
            { "member": "userStatus", "before": "Available", "after": "Busy" },
            { "member": "message" },
        ]),
        "never the words of a message"
    );
    assert_eq!(trail[1]["changes"][0]["member"], "permitted");
    let after = trail[0]["changes"][0]["after"].as_str().unwrap();
    assert!(after.starts_with("DoNotAcceptAnyCalls until "), "{after}");
}

#[tokio::test]
async fn the_trail_is_for_administrators_and_each_sees_its_own_account() {
    let house = open().await;
    house.call(ADMIN, "PUT", &path("/extensions/n:102"), r#"{"name":"B"}"#).await.expect(200);
    let cleo = house.log_in(CLEO).await;
    for key in [READ, INGEST, &cleo] {
        house.get(key, &path("/audit")).await.expect(403);
        house.get(key, HOUSE).await.expect(403);
    }
    house.get("nobody", &path("/audit")).await.expect(401);
    house.get(BOUND, &path("/audit")).await.expect(200);
    house.get(BOUND, HOUSE).await.expect(403);
    house.get(BOUND, "/lampfield/v1/accounts/2000/audit").await.expect(404);
    let other = house.get(ADMIN, "/lampfield/v1/accounts/2000/audit").await.expect(200).json();
    assert_eq!(other["records"], json!([]));
}

#[tokio::test]
async fn the_trail_is_read_page_by_page_newest_first() {
    let house = open().await;
    for n in 0..5 {
        let body = format!(r#"{{"name":"Name {n}"}}"#);
        house.call(ADMIN, "PUT", &path("/extensions/n:102"), &body).await.expect(200);
    }
    let page = async |query: &str| {
        let answer = house.get(ADMIN, &path(&format!("/audit?{query}"))).await.expect(200).json();
        let ids: Vec<_> =
            answer["records"].as_array().unwrap().iter().map(|it| it["id"].clone()).collect();
        (ids, answer["paging"]["totalElements"].clone())
    };
    assert_eq!(page("perPage=2").await, (vec![json!("5"), json!("4")], json!(5)));
    assert_eq!(page("perPage=2&page=3").await, (vec![json!("1")], json!(5)));
    assert_eq!(page("perPage=2&page=4").await, (vec![], json!(5)));
    house.get(ADMIN, &path("/audit?page=0")).await.expect(400);
}

#[tokio::test]
async fn what_could_not_be_stored_has_no_entry() {
    let house = open().await;
    house.full(true);
    let body = r#"{"name":"B"}"#;
    house.call(ADMIN, "PUT", &path("/extensions/n:102"), body).await.expect(503);
    house.full(false);
    assert_eq!(acts(&house).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_changed_password_ends_every_log_in_and_a_first_one_none() {
    let house = open().await;
    let password =
        |user: &str, text: &str| format!(r#"{{"extension":"{user}","password":"{text}"}}"#);
    let at = path("/credentials/password");
    let (anna, ben) = (house.log_in(ANNA).await, house.log_in(BEN).await);
    let other = house.log_in_through(ANNA, "reader").await;

    house.call(ADMIN, "POST", &at, &password("n:102", "first one")).await.expect(201);
    house.get(&ben, &presence_of(BEN)).await.expect(200);
    house.call(ADMIN, "POST", &at, &password("n:101", "another one")).await.expect(201);
    for token in [&anna, &other] {
        assert_eq!(
            house.get(token, &presence_of(ANNA)).await.verdict(),
            (401, "OAU-211".to_owned())
        );
    }
    house.get(&ben, &presence_of(BEN)).await.expect(200);
    let form = format!(
        "grant_type=password&username=12025550100*101&password={}",
        PASSWORD.replace(' ', "+")
    );
    house.token("app", &form).await.expect(400);
}

#[tokio::test]
async fn a_removed_credential_ends_the_log_ins_that_it_began_and_no_others() {
    let house = open().await;
    let begun = house.log_in(ANNA).await;
    let form = format!(
        "grant_type=password&username=12025550100*101&password={}",
        PASSWORD.replace(' ', "+")
    );
    let by_password = house.token("app", &form).await.expect(200).json();
    let by_password = by_password["access_token"].as_str().unwrap();
    let jwt = crate::house::jwt_of(ANNA).id;

    house.call(ADMIN, "DELETE", &path(&format!("/credentials/{jwt}")), "").await.expect(204);

    house.get(&begun, &presence_of(ANNA)).await.expect(401);
    house.get(by_password, &presence_of(ANNA)).await.expect(200);
}

#[tokio::test]
async fn a_removed_application_leaves_no_session_behind() {
    let house = open().await;
    let token = house.log_in(ANNA).await;
    house.call(ADMIN, "DELETE", "/lampfield/v1/apps/app", "").await.expect(204);
    house.get(&token, &presence_of(ANNA)).await.expect(401);
    assert!(house.state.registry.sessions_of_user(key(ANNA)).is_empty());
}

#[tokio::test]
async fn addresses_and_grants_of_an_application_are_checked() {
    let house = open().await;
    let apps = "/lampfield/v1/apps";
    let body = r#"{"id":"w","name":"W","scopes":[],"redirectUris":["https://a.example/b","board:/x","https://a.example/b"],
                   "grants":["authorization_code","urn:ietf:params:oauth:grant-type:jwt-bearer"]}"#;
    let made = house.call(ADMIN, "POST", apps, body).await.expect(201).json();
    assert_eq!(made["redirectUris"], json!(["https://a.example/b", "board:/x"]));
    assert_eq!(made["grants"], json!(["authorization_code", "jwt-bearer"]));

    let one = "/lampfield/v1/apps/w";
    for (body, parameter) in [
        (r#"{"redirectUris":["http://a.example/"]}"#, "redirectUris"),
        (r#"{"redirectUris":["javascript:alert(1)"]}"#, "redirectUris"),
        (r#"{"redirectUris":"https://a.example/"}"#, "redirectUris"),
        (r#"{"grants":["implicit"]}"#, "grants"),
        (r#"{"name":""}"#, "name"),
        (r#"{"scopes":["Everything"]}"#, "scopes"),
    ] {
        let refused = house.call(ADMIN, "PUT", one, body).await.expect(400).json();
        assert_eq!(refused["parameterName"], parameter, "{body}");
    }
    let changed = house.call(ADMIN, "PUT", one, r#"{"redirectUris":[]}"#).await.expect(200).json();
    assert_eq!((&changed["redirectUris"], &changed["name"]), (&json!([]), &json!("W")));
    house.call(BOUND, "PUT", one, "{}").await.expect(404);
    house.call(READ, "PUT", one, "{}").await.expect(403);
}
