//! Resources as clients read and write them.

use axum::body::Body;
use serde_json::{Value, json};

use crate::ACCOUNT;
use crate::house::{A, ANNA, BEN, CLEO, QUEUE, STRANGER, presence_of};
use crate::server::Server;

/// Takes an answer of several parts to pieces as the JavaScript client does.
fn parts(kind: &str, body: &str) -> Vec<Value> {
    let boundary = kind.split("boundary=").nth(1).unwrap().split(';').next().unwrap();
    assert!(boundary.starts_with("Boundary_"), "unquoted, and known by its name: {kind}");
    let body = body.replace('\r', "");
    let mut sections: Vec<&str> = body.split(&format!("--{boundary}")).collect();
    assert_eq!(sections.first().map(|it| it.trim()), Some(""));
    sections.remove(0);
    assert_eq!(sections.pop().map(str::trim), Some("--"), "nothing behind the end");
    let read = |section: &str| {
        let (head, json) = section.split_once("\n\n").expect("a blank line");
        assert!(head.to_lowercase().contains("content-type: application/json"), "{head}");
        serde_json::from_str(json).unwrap()
    };
    sections.into_iter().map(read).collect()
}

#[tokio::test]
async fn checklist_17_several_come_in_parts_with_a_status_for_each() {
    let server = Server::new().await;
    let token = server.house.log_in(ANNA).await;
    let path = format!("/restapi/v1.0/account/~/extension/{BEN},{STRANGER},{ANNA}/presence");
    let reply = server.get(&token, &path).await.expect(207);
    let kind = reply.headers["content-type"].to_str().unwrap().to_owned();
    let parts = parts(&kind, &String::from_utf8(reply.bytes).unwrap());

    let statuses: Vec<_> =
        parts[0]["response"].as_array().unwrap().iter().map(|it| &it["status"]).collect();
    assert_eq!(statuses, [&json!(200), &json!(404), &json!(200)]);
    assert_eq!(parts.len(), 1 + statuses.len(), "exactly one part a status");
    assert_eq!(parts[1]["extension"]["id"], BEN);
    assert_eq!(parts[2]["errorCode"], "CMN-102");
    assert_eq!(parts[3]["extension"]["id"], ANNA);
    let request = server
        .request(&token, "GET", &path)
        .header("accept", "application/vnd.ringcentral.multipart+json");
    let array = server.send(request.body(Body::empty()).unwrap()).await.expect(207).json();
    let ids: Vec<_> = array.as_array().unwrap().iter().map(|it| it["resourceId"].clone()).collect();
    assert_eq!(ids, [BEN, STRANGER, ANNA].map(|id| json!(id.to_string())));
}

#[tokio::test]
async fn checklist_18_a_put_changes_what_it_names_and_answers_the_whole() {
    let server = Server::new().await;
    let token = server.house.log_in(ANNA).await;
    let put = async |body: &str| {
        server.call(&token, "PUT", &presence_of(ANNA), body).await.expect(200).json()
    };
    let first =
        put(r#"{"userStatus":"Busy","message":"At lunch","ringOnMonitoredCall":true}"#).await;
    let second = put(r#"{"dndStatus":"DoNotAcceptDepartmentCalls"}"#).await;

    let mut wanted = first.clone();
    wanted["dndStatus"] = json!("DoNotAcceptDepartmentCalls");
    assert_eq!(second, wanted, "the rest is kept");
    let members: Vec<_> = second.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        members,
        [
            "uri",
            "extension",
            "presenceStatus",
            "telephonyStatus",
            "userStatus",
            "dndStatus",
            "meetingStatus",
            "message",
            "allowSeeMyPresence",
            "callerIdVisibility",
            "ringOnMonitoredCall",
            "pickUpCallsOnHold"
        ]
    );
    assert_eq!(put("{}").await, second);
    assert_eq!(put("").await, second, "nothing changes nothing");
    assert_eq!(put(&second.to_string()).await, second, "what was read may be written back");
    assert_eq!(server.get(&token, &presence_of(ANNA)).await.expect(200).json(), second);
}

#[tokio::test]
async fn checklist_19_the_features_that_clients_wait_for_are_available() {
    let server = Server::new().await;
    let token = server.house.log_in(ANNA).await;
    let path = "/restapi/v1.0/account/~/extension/~/features";
    for query in
        ["", "?availableOnly=true", "?featureId=ReadPresenceStatus&featureId=EditPresenceStatus"]
    {
        let features = server.get(&token, &format!("{path}{query}")).await.expect(200).json();
        for id in ["ReadPresenceStatus", "EditPresenceStatus"] {
            let feature = features["records"].as_array().unwrap().iter().find(|it| it["id"] == id);
            assert_eq!(feature.unwrap_or_else(|| panic!("{id} {query}"))["available"], true);
        }
    }
}

#[tokio::test]
async fn checklist_25_ids_are_numbers_where_typed_clients_expect_them_and_texts_elsewhere() {
    let server = Server::new().await;
    let token = server.house.log_in(CLEO).await;
    let person = format!("/restapi/v1.0/account/~/extension/{ANNA}");
    let list = format!(r#"{{"extensions":[{{"id":"{BEN}"}}]}}"#);
    server.call(&token, "PUT", &format!("{person}/presence/permission"), &list).await.expect(200);
    for (path, pointer, id) in [
        ("/restapi/v1.0/account/~".to_owned(), "/id", json!(A)),
        ("/restapi/v1.0/account/~/extension".to_owned(), "/records/0/id", json!(ANNA)),
        (person.clone(), "/id", json!(ANNA)),
        (person.clone(), "/account/id", json!(A.to_string())),
        (format!("{person}/presence"), "/extension/id", json!(ANNA)),
        (ACCOUNT.to_owned(), "/records/0/extension/id", json!(ANNA)),
        (format!("{person}/presence/permission"), "/records/0/id", json!(BEN.to_string())),
        (format!("{person}/presence/line"), "/records/0/id", json!("1")),
        (format!("{person}/presence/line"), "/records/0/extension/id", json!(ANNA.to_string())),
        (
            "/restapi/v1.0/account/~/call-queues".to_owned(),
            "/records/0/id",
            json!(QUEUE.to_string()),
        ),
        (
            format!("/restapi/v1.0/account/~/call-queues/{QUEUE}/presence"),
            "/records/0/member/id",
            json!(ANNA.to_string()),
        ),
        (
            format!("{person}/call-queue-presence"),
            "/records/0/callQueue/id",
            json!(QUEUE.to_string()),
        ),
    ] {
        let shown = server.get(&token, &path).await.expect(200).json();
        assert_eq!(shown.pointer(pointer), Some(&id), "{path} {pointer}: {shown}");
    }
    let number = server.get(&token, &person).await.json()["extensionNumber"].clone();
    assert_eq!(number, "101", "numbers that people dial are texts");
}
