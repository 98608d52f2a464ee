//! CSV in and out.

use std::time::Instant;

use lampfield_core::PresenceStatus;
use serde_json::{Value, json};

use crate::house::{BEN, House, document};
use crate::{ADMIN, READ, open, path, send};

async fn import(house: &House, query: &str, text: &str) -> Value {
    let path = path(&format!("/extensions/import{query}"));
    send(house, ADMIN, "POST", &path, "text/csv", text).await.expect(200).json()
}

fn counts(report: &Value) -> (u64, u64, u64, usize) {
    let number = |name: &str| report[name].as_u64().unwrap();
    let rejected = report["rejected"].as_array().unwrap().len();
    (number("created"), number("updated"), number("unchanged"), rejected)
}

#[tokio::test]
async fn good_rows_are_taken_and_bad_ones_reported() {
    let house = open().await;
    let text = "number,name,type,status,queues\r\n\
                301,Ada,,,700\r\n302,Grace,Robot,,\r\n700,Sales,Department,,\r\n102,Ben,,Frozen,\r\n303,Alan\r\n";
    let report = import(&house, "", text).await;

    assert_eq!(counts(&report), (2, 1, 0, 2));
    let rejected = report["rejected"].as_array().unwrap();
    assert_eq!((&rejected[0]["line"], &rejected[0]["column"]), (&json!(3), &json!("type")));
    assert_eq!((&rejected[1]["line"], &rejected[1]["column"]), (&json!(6), &json!(null)));
    assert!(rejected[0]["reason"].as_str().unwrap().contains("one of User"));
    let ada = house.get(READ, &path("/extensions/n:301")).await.expect(200).json();
    let sales = house.get(READ, &path("/extensions/n:700")).await.expect(200).json();
    assert_eq!(ada["queues"], json!([sales["id"]]));
    assert_eq!(document(&house, BEN).presence, PresenceStatus::Offline, "presence follows");
}

#[tokio::test]
async fn a_dry_run_says_the_same_and_does_nothing() {
    let house = open().await;
    let text = "number,name\n301,Ada\n102,Ben\n101,\n";
    let before = house.get(ADMIN, &path("/extensions/export")).await.bytes;

    let rehearsed = import(&house, "?dryRun=true", text).await;

    assert_eq!(counts(&rehearsed), (1, 1, 0, 1));
    assert_eq!(house.get(ADMIN, &path("/extensions/export")).await.bytes, before);
    let done = import(&house, "", text).await;
    assert_eq!(done["rejected"], rehearsed["rejected"]);
    assert_eq!(counts(&done), (1, 1, 0, 1));
}

#[tokio::test]
async fn what_is_exported_imports_without_a_change() {
    let house = open().await;
    let tricky = r#"{"number":"301","name":"Say \"hi\", = ü","groups":["A","B C"],"admin":true,"queues":["1600"]}"#;
    house.call(ADMIN, "POST", &path("/extensions"), tricky).await.expect(201);
    let export = house.get(ADMIN, &path("/extensions/export")).await.expect(200);
    assert_eq!(export.headers["content-type"], "text/csv; charset=utf-8");
    let text = String::from_utf8(export.bytes).unwrap();
    assert!(text.starts_with("number,name,email,type,status,groups,queues,id,admin\n"), "{text}");

    let report = import(&house, "", &text).await;

    assert_eq!(counts(&report), (0, 0, 6, 0));
}

#[tokio::test]
async fn a_file_that_cannot_be_understood_is_refused_whole() {
    let house = open().await;
    for (text, words) in [
        ("", "no header row"),
        ("301,Ada\n", "\"301\" is not known"),
        ("name,email\nAda,\n", "no column \"number\""),
    ] {
        let path = path("/extensions/import");
        let reply = send(&house, ADMIN, "POST", &path, "text/csv", text).await.expect(400);
        let message = reply.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(words), "{message}");
    }
}

#[tokio::test]
async fn a_hundred_thousand_rows_take_seconds() {
    use std::fmt::Write;

    let house = open().await;
    let mut text = "number,name,groups\n".to_owned();
    for number in 0..100_000 {
        writeln!(text, "{},Person {number},Group {}", 100_000 + number, number % 40).unwrap();
    }
    let begun = Instant::now();

    let report = import(&house, "", &text).await;

    assert_eq!(counts(&report), (100_000, 0, 0, 0));
    assert_eq!(counts(&import(&house, "", &text).await), (0, 0, 100_000, 0));
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}
