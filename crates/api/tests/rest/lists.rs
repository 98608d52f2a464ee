//! Monitored lines and favorites (contract 1.10, 2.4, 2.6).

use lampfield_core::directory::Extension;
use lampfield_core::{Changes, ExtensionType};
use lampfield_journal::{DirectoryChange, Page};
use serde_json::{Value, json};

use crate::house::{ANNA, BEN, CLEO, House, QUEUE, SLOT, STRANGER, extension, key, presence_of};

fn lines_of(user: u64) -> String {
    format!("{}/line", presence_of(user))
}

fn favorites_of(user: u64) -> String {
    format!("/restapi/v1.0/account/~/extension/{user}/favorite")
}

fn line(extension: u64) -> String {
    format!(r#"{{"extension":{{"id":"{extension}"}}}}"#)
}

fn targets(list: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let records = list["records"].as_array().unwrap().iter();
    records.map(|it| (text(&it["id"]), text(&it["extension"]["id"]))).collect()
}

fn numbered(extensions: &[u64]) -> Vec<(String, String)> {
    (1..)
        .zip(extensions)
        .map(|(number, one): (u64, _)| (number.to_string(), one.to_string()))
        .collect()
}

#[tokio::test]
async fn the_first_two_lines_are_ones_own_whatever_was_set() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let list = house.get(&token, &lines_of(ANNA)).await.expect(200).json();

    let own = "http://lamp.example/restapi/v1.0/account/1000/extension/1001";
    let line = |number: &str| {
        json!({
            "id": number,
            "uri": format!("{own}/presence/line/{number}"),
            "extension": { "id": "1001", "uri": own, "extensionNumber": "101", "type": "User" },
        })
    };
    assert_eq!(list["records"], json!([line("1"), line("2")]));
    assert_eq!(list["uri"], format!("{own}/presence/line?page=1&perPage=100"));
    assert_eq!(list["paging"]["totalElements"], 2);
    assert!(list["navigation"]["firstPage"]["uri"].is_string());
}

#[tokio::test]
async fn lines_are_replaced_in_both_shapes_and_read_back_in_their_order() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let bare = format!(
        r#"[{{"id":"1","extension":{{"id":"{ANNA}"}}}},{{"id":"2","extension":{{"id":"{ANNA}"}}}},
            {{"id":"3","extension":{{"id":"{SLOT}"}}}},{{"id":"4","extension":{{"id":"{BEN}"}}}}]"#
    );
    let put = house.call(&token, "PUT", &lines_of(ANNA), &bare).await.expect(200).json();
    assert_eq!(targets(&put), numbered(&[ANNA, ANNA, SLOT, BEN]));
    assert_eq!(put["records"][2]["extension"]["type"], "ParkLocation");

    let object = format!(r#"{{"records":[{},{}]}}"#, line(QUEUE), line(CLEO));
    house.call(&token, "PUT", &lines_of(ANNA), &object).await.expect(200);
    let path = format!("{}?page=2&perPage=3", lines_of(ANNA));
    let page = house.get(&token, &path).await.expect(200).json();
    assert_eq!(targets(&page), [("4".to_owned(), CLEO.to_string())]);
    assert_eq!(page["paging"]["totalElements"], 4);

    let one = house.get(&token, &format!("{}/3", lines_of(ANNA))).await.expect(200).json();
    assert_eq!((&one["id"], &one["extension"]["id"]), (&json!("3"), &json!(QUEUE.to_string())));
    for nowhere in ["0", "5", "x", "+3", "03", "-1", "99999999999999999999999"] {
        let refused = house.get(&token, &format!("{}/{nowhere}", lines_of(ANNA))).await;
        assert_eq!(refused.verdict(), (404, "CMN-102".to_owned()), "{nowhere}");
        assert_eq!(refused.json()["parameterName"], "lineId");
    }
    let empty = house.call(&token, "PUT", &lines_of(ANNA), "[]").await.expect(200).json();
    assert_eq!(targets(&empty), numbered(&[ANNA, ANNA]));
}

#[tokio::test]
async fn a_changed_list_is_one_event_and_the_same_list_again_is_none() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let body = format!("[{}]", line(BEN));
    house.call(&token, "PUT", &lines_of(ANNA), &body).await.expect(200);
    house.call(&token, "PUT", &lines_of(ANNA), &body).await.expect(200);
    let favorite = format!(r#"[{{"extensionId":"{BEN}"}}]"#);
    house.call(&token, "PUT", &favorites_of(ANNA), &favorite).await.expect(200);
    house.call(&token, "PUT", &favorites_of(ANNA), &favorite).await.expect(200);

    let begin = lampfield_core::Position {
        offset: 0,
        ..house.state.journal.head(key(ANNA).account).position
    };
    let Page::Records(records) =
        house.state.journal.read(key(ANNA).account, begin, 9).await.unwrap()
    else {
        panic!("nothing was cut away");
    };
    let changes: Vec<_> = records.iter().map(|record| record.event.changes).collect();
    assert_eq!(changes, [Changes::LINES, Changes::FAVORITES]);
}

#[tokio::test]
async fn lines_that_cannot_be_are_refused_by_name_and_change_nothing() {
    let house = House::new().await;
    let menu = extension(1800, ExtensionType::IvrMenu);
    house.apply(DirectoryChange::PutExtension(menu)).await;
    let token = house.log_in(ANNA).await;
    let many: Vec<_> = (5000..5101).map(line).collect();
    for (body, parameter) in [
        (format!("[{}]", line(STRANGER)), Some("extension.id")),
        (format!("[{}]", line(4711)), Some("extension.id")),
        (format!("[{}]", line(1800)), Some("extension.id")),
        (format!(r#"[{{"id":"2","extension":{{"id":"{BEN}"}}}}]"#), Some("id")),
        (format!("[{}]", many.join(",")), Some("records")),
        ("{}".to_owned(), Some("records")),
        ("[".to_owned(), None),
    ] {
        let refused = house.call(&token, "PUT", &lines_of(ANNA), &body).await.expect(400).json();
        assert_eq!(refused.get("parameterName").and_then(Value::as_str), parameter, "{body}");
    }
    assert_eq!(house.state.journal.head(key(ANNA).account).position.offset, 0);
}

#[tokio::test]
async fn a_hundred_lines_fit() {
    let house = House::new().await;
    let people = (2500..2600).map(|user| {
        let one = Extension {
            key: lampfield_core::ExtensionKey { account: key(ANNA).account, ..key(user) },
            ..extension(user, ExtensionType::User)
        };
        DirectoryChange::PutExtension(Extension { number: user.to_string().into(), ..one })
    });
    house.state.registry.apply(people.collect()).await.unwrap();
    let token = house.log_in(ANNA).await;
    let body = format!("[{}]", (2500..2600).map(line).collect::<Vec<_>>().join(","));
    let whole = house.call(&token, "PUT", &lines_of(ANNA), &body).await.expect(200).json();

    assert_eq!(whole["records"].as_array().unwrap().len(), 102, "all of them, not a first page");
}

#[tokio::test]
async fn whoever_is_removed_is_on_no_line_and_no_favorite_any_more() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let body = format!("[{},{}]", line(BEN), line(CLEO));
    house.call(&token, "PUT", &lines_of(ANNA), &body).await.expect(200);
    let body = format!(r#"[{{"extensionId":"{BEN}"}},{{"extensionId":"{CLEO}"}}]"#);
    house.call(&token, "PUT", &favorites_of(ANNA), &body).await.expect(200);
    house.apply(DirectoryChange::RemoveExtension(key(BEN))).await;

    let lines = house.get(&token, &lines_of(ANNA)).await.expect(200).json();
    assert_eq!(targets(&lines), numbered(&[ANNA, ANNA, CLEO]));
    let favorites = house.get(&token, &favorites_of(ANNA)).await.expect(200).json();
    assert_eq!(favorites["records"][0]["extensionId"], CLEO.to_string());
    assert_eq!(favorites["records"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn lists_of_others_are_for_administrators() {
    let house = House::new().await;
    let (anna, cleo) = (house.log_in(ANNA).await, house.log_in(CLEO).await);
    let body = format!("[{}]", line(CLEO));
    let favorite = format!(r#"[{{"extensionId":"{CLEO}"}}]"#);
    for (path, body) in [(lines_of(BEN), &body), (favorites_of(BEN), &favorite)] {
        for (method, body) in [("GET", ""), ("PUT", body.as_str())] {
            let refused = house.call(&anna, method, &path, body).await;
            assert_eq!(refused.verdict(), (403, "CMN-404".to_owned()), "{method} {path}");
            house.call(&cleo, method, &path, body).await.expect(200);
        }
        let changed = house.get(&house.log_in(BEN).await, &path).await.expect(200).json();
        assert!(changed.to_string().contains("1003"), "{path}");
    }
    let refused = house.get(&anna, &format!("{}/1", lines_of(BEN))).await;
    assert_eq!(refused.verdict(), (403, "CMN-404".to_owned()));
    for path in [lines_of(QUEUE), favorites_of(QUEUE)] {
        let refused = house.call(&cleo, "PUT", &path, "[]").await;
        assert_eq!(refused.verdict(), (403, "CMN-403".to_owned()), "a queue monitors nobody");
    }
}

#[tokio::test]
async fn favorites_are_replaced_and_read_back() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let body =
        format!(r#"{{"records":[{{"id":9,"extensionId":"{CLEO}"}},{{"extensionId":{BEN}}}]}}"#);
    let put = house.call(&token, "PUT", &favorites_of(ANNA), &body).await.expect(200).json();

    assert_eq!(
        put,
        json!({
            "uri": "http://lamp.example/restapi/v1.0/account/1000/extension/1001/favorite",
            "records": [
                { "id": 1, "extensionId": "1003", "accountId": "1000" },
                { "id": 2, "extensionId": "1002", "accountId": "1000" },
            ],
        })
    );
    let tilde = "/restapi/v1.0/account/~/extension/~/favorite/";
    assert_eq!(house.get(&token, tilde).await.expect(200).json(), put);
    for (body, parameter) in [
        (format!(r#"[{{"extensionId":"{STRANGER}"}}]"#), "extensionId"),
        (r#"[{"contactId":"7"}]"#.to_owned(), "contactId"),
        (format!(r#"[{{"extensionId":"{BEN}","accountId":"2000"}}]"#), "accountId"),
    ] {
        let refused =
            house.call(&token, "PUT", &favorites_of(ANNA), &body).await.expect(400).json();
        assert_eq!(refused["parameterName"], parameter, "{body}");
    }
    assert_eq!(house.get(&token, tilde).await.expect(200).json(), put);
}
