//! Supporting resources (contract 2.6).

use axum::body::Body;
use http::Request;
use lampfield_core::ExtensionType;
use lampfield_core::directory::Permissions;
use lampfield_journal::DirectoryChange;
use serde_json::json;

use crate::house::{A, ANNA, BEN, CLEO, House, QUEUE, STRANGER, extension};

#[tokio::test]
async fn versions_and_status_need_no_token() {
    let house = House::new().await;
    for (path, member) in [
        ("/restapi", "apiVersions"),
        ("/restapi/v1.0", "versionString"),
        ("/restapi/v1.0/", "uriString"),
        ("/restapi/v1.0/status", "status"),
    ] {
        let answer = house.send(Request::get(path).body(Body::empty()).unwrap()).await.expect(200);
        assert!(answer.json().get(member).is_some(), "{path}");
    }
}

#[tokio::test]
async fn the_account_and_its_extensions_have_numeric_ids_where_the_contract_says_so() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let account = house.get(&token, "/restapi/v1.0/account/~").await.expect(200).json();
    assert_eq!(account["id"], A);
    assert_eq!(account["mainNumber"], "+12025550100");
    assert_eq!(account["operator"]["id"], CLEO);
    assert_eq!(account["status"], "Confirmed");

    let one = house.get(&token, "/restapi/v1.0/account/~/extension/~").await.expect(200).json();
    assert_eq!(one["id"], ANNA);
    assert_eq!(one["account"]["id"], "1000");
    assert_eq!(one["contact"]["email"], "p1001@example.org");
    let list = house.get(&token, "/restapi/v1.0/account/~/extension").await.expect(200).json();
    assert_eq!(list["paging"]["totalElements"], 5);
    assert_eq!(list["records"][0]["extensionNumber"], "101");
}

#[tokio::test]
async fn several_extensions_come_in_one_answer() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let path = format!("/restapi/v1.0/account/~/extension/{ANNA},{STRANGER}");
    let request = Request::get(path)
        .header("authorization", format!("bearer {token}"))
        .header("accept", "application/vnd.ringcentral.multipart+json");
    let list = house.send(request.body(Body::empty()).unwrap()).await.expect(207).json();
    assert_eq!(list[0]["body"]["id"], ANNA);
    assert_eq!(
        (&list[1]["status"], &list[1]["body"]["errorCode"]),
        (&json!(404), &json!("CMN-102"))
    );
}

#[tokio::test]
async fn extensions_are_narrowed_by_number_mail_type_and_status() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    for (query, count) in [
        ("extensionNumber=101", 1),
        ("extensionNumber=101&extensionNumber=102", 2),
        ("email=P1001@EXAMPLE.ORG", 1),
        ("type=User", 3),
        ("type=Department&type=ParkLocation", 2),
        ("type=User&status=Disabled", 0),
        ("status=Enabled&perPage=2", 2),
    ] {
        let path = format!("/restapi/v1.0/account/~/extension?{query}");
        let list = house.get(&token, &path).await.expect(200).json();
        assert_eq!(list["records"].as_array().unwrap().len(), count, "{query}");
    }
    let bad = house.get(&token, "/restapi/v1.0/account/~/extension?type=Robot").await;
    assert_eq!(bad.json()["parameterName"], "type");
}

#[tokio::test]
async fn features_tell_what_a_client_may_offer() {
    let house = House::new().await;
    let token = house.log_in(BEN).await;
    let mut ben = extension(BEN, ExtensionType::User);
    ben.permissions = Permissions::READ_PRESENCE_STATUS.with(Permissions::READ_EXTENSIONS);
    house.apply(DirectoryChange::PutExtension(ben)).await;
    let path =
        "/restapi/v1.0/account/~/extension/~/features?featureId=ReadPresenceStatus&featureId=HUD";
    let features = house.get(&token, path).await.expect(200).json();

    assert_eq!(features["records"][0], json!({"id":"ReadPresenceStatus","available":true}));
    assert_eq!(features["records"][1]["available"], false);
    assert_eq!(
        features["records"][1]["reason"],
        json!({
            "code": "InsufficientPermissions",
            "message": "The user lacks a permission",
            "permission": "ReadPresenceSettings",
        })
    );
    let only = house.get(&token, &format!("{path}&availableOnly=true")).await.expect(200).json();
    assert_eq!(only["records"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_ordinary_user_has_all_features_and_the_lines_tell_their_limit() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let path = "/restapi/v1.0/account/~/extension/~/features";
    let features = house.get(&token, path).await.expect(200).json();
    let find = |id: &str| {
        features["records"].as_array().unwrap().iter().find(|it| it["id"] == id).cloned()
    };

    for id in
        ["ReadPresenceStatus", "EditPresenceStatus", "CallQueuePresence", "EditCallQueuePresence"]
    {
        assert_eq!(find(id), Some(json!({ "id": id, "available": true })), "{id}");
    }
    let hud = json!({
        "id": "HUD", "available": true, "params": [{ "name": "limitMax", "value": "100" }],
    });
    assert_eq!(find("HUD"), Some(hud));
    let cleo = house.log_in(CLEO).await;
    let path = format!("/restapi/v1.0/account/~/extension/{QUEUE}/features?availableOnly=true");
    let queue = house.get(&cleo, &path).await.expect(200).json();
    assert_eq!(queue["records"], json!([]), "a queue does nothing by itself");
    let account = house.get(&token, "/restapi/v1.0/account/~").await.expect(200).json();
    assert_eq!(account["limits"], json!({ "maxMonitoredExtensionsPerUser": 100 }));
}

#[tokio::test]
async fn the_client_is_told_who_it_is() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let info = house.get(&token, "/restapi/v1.0/client-info").await.expect(200).json();
    assert_eq!(info["client"]["appId"], "app");
}
