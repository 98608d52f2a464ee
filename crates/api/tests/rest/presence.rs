//! Presence resources (contract 2.4, 2.5, 1.9).

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::house::{ANNA, BEN, CLEO, House, QUEUE, SLOT, STRANGER, document, presence_of};

#[tokio::test]
async fn an_extension_that_never_changed_is_available_and_idle() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let presence = house.get(&token, &presence_of(ANNA)).await.expect(200);

    assert_eq!(presence.headers["content-type"], "application/json");
    assert_eq!(
        presence.json(),
        json!({
            "uri": "http://lamp.example/restapi/v1.0/account/1000/extension/1001/presence",
            "extension": {
                "id": 1001,
                "uri": "http://lamp.example/restapi/v1.0/account/1000/extension/1001",
                "extensionNumber": "101"
            },
            "presenceStatus": "Available",
            "telephonyStatus": "NoCall",
            "userStatus": "Available",
            "dndStatus": "TakeAllCalls",
            "meetingStatus": "Disconnected",
            "allowSeeMyPresence": true,
            "callerIdVisibility": "All",
            "ringOnMonitoredCall": false,
            "pickUpCallsOnHold": false
        })
    );
}

#[tokio::test]
async fn a_put_changes_what_it_names_keeps_the_rest_and_answers_the_whole() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let path = "/restapi/v1.0/account/~/extension/~/presence";
    let body = r#"{"userStatus":"Busy","message":"At lunch"}"#;
    let changed = house.call(&token, "PUT", path, body).await.expect(200).json();
    assert_eq!(changed["presenceStatus"], "Busy");
    assert_eq!(changed["message"], "At lunch");

    let body =
        r#"{"dndStatus":"DoNotAcceptDepartmentCalls","presenceStatus":"Offline","unknown":1}"#;
    let changed = house.call(&token, "PUT", path, body).await.expect(200).json();
    assert_eq!(changed["userStatus"], "Busy");
    assert_eq!(changed["dndStatus"], "DoNotAcceptDepartmentCalls");
    assert_eq!(changed["presenceStatus"], "Busy", "read-only members are ignored");
    for nothing in ["", "{}", "null"] {
        house.call(&token, "PUT", path, nothing).await.expect(200);
    }
    assert_eq!(house.get(&token, path).await.expect(200).json(), changed);
    assert_eq!(house.state.journal.head(crate::house::key(ANNA).account).position.offset, 2);
}

#[tokio::test]
async fn bad_bodies_are_refused_by_name_and_change_nothing() {
    let house = House::new().await;
    let anna = house.log_in(ANNA).await;
    let long = format!(r#"{{"message":"{}"}}"#, "x".repeat(76));
    let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
    for (body, code, parameter) in [
        (r#"{"userStatus":"Away"}"#, "CMN-101", Some("userStatus")),
        (r#"{"dndStatus":"TakeDepartmentCallsOnly"}"#, "CMN-101", Some("dndStatus")),
        (r#"{"allowSeeMyPresence":"yes"}"#, "CMN-101", Some("allowSeeMyPresence")),
        (&long, "CMN-101", Some("message")),
        ("{", "CMN-103", None),
        ("[]", "CMN-103", None),
        (&deep, "CMN-103", None),
    ] {
        let refused = house.call(&anna, "PUT", &presence_of(ANNA), body).await;
        assert_eq!(refused.verdict(), (400, code.to_owned()), "{body}");
        assert_eq!(refused.json().get("parameterName").and_then(Value::as_str), parameter);
    }
    let ben = house.log_in(BEN).await;
    let queue = r#"{"dndStatus":"DoNotAcceptDepartmentCalls"}"#;
    let refused = house.call(&ben, "PUT", &presence_of(BEN), queue).await;
    assert_eq!(refused.json()["parameterName"], "dndStatus", "Ben is in no queue");
    let huge = " ".repeat((64 << 10) + 1);
    house.call(&anna, "PUT", &presence_of(ANNA), &huge).await.expect(413);
    assert_eq!(house.state.journal.head(crate::house::key(ANNA).account).position.offset, 0);
}

#[tokio::test]
async fn who_hides_looks_offline_to_others_and_real_to_themselves() {
    let house = House::new().await;
    let (anna, ben) = (house.log_in(ANNA).await, house.log_in(BEN).await);
    let body = r#"{"allowSeeMyPresence":false,"userStatus":"Busy"}"#;
    house.call(&anna, "PUT", &presence_of(ANNA), body).await.expect(200);

    assert_eq!(house.get(&anna, &presence_of(ANNA)).await.json()["presenceStatus"], "Busy");
    for path in [presence_of(ANNA), format!("{}?sipData=true", presence_of(ANNA))] {
        let seen = house.get(&ben, &path).await.expect(200).json();
        let members: Vec<_> = seen.as_object().unwrap().keys().cloned().collect();
        assert_eq!(members.len(), 4, "{members:?}");
        assert_eq!(seen["presenceStatus"], "Offline");
        assert_eq!(seen["allowSeeMyPresence"], false);
    }
    let list = house.get(&ben, "/restapi/v1.0/account/~/presence").await.expect(200).json();
    assert_eq!(list["records"][0]["presenceStatus"], "Offline");
    assert!(list["records"][0].get("userStatus").is_none());
    let cleo = house.log_in(CLEO).await;
    let seen = house.get(&cleo, &presence_of(ANNA)).await.json();
    assert_eq!(seen["presenceStatus"], "Offline", "an administrator sees no more by default");
}

#[tokio::test]
async fn callers_are_shown_to_those_whom_the_settings_name() {
    let house = House::new().await;
    let [anna, ben, cleo] =
        [house.log_in(ANNA).await, house.log_in(BEN).await, house.log_in(CLEO).await];
    house.call_comes_in(ANNA, "+12025550199").await;
    let body = r#"{"callerIdVisibility":"PermittedUsers"}"#;
    house.call(&anna, "PUT", &presence_of(ANNA), body).await.expect(200);
    let list = format!(r#"{{"extensions":[{{"id":"{BEN}"}}]}}"#);
    let permission = format!("{}/permission", presence_of(ANNA));
    house.call(&anna, "PUT", &permission, &list).await.expect(200);

    for (token, sees) in [(&anna, true), (&ben, true), (&cleo, false)] {
        for path in [presence_of(ANNA), format!("{}/line/presence", presence_of(ANNA))] {
            let path = format!("{path}?detailedTelephonyState=true&totalActiveCalls");
            let seen = house.get(token, &path).await.expect(200).json();
            assert_eq!(
                (&seen["telephonyStatus"], &seen["totalActiveCalls"]),
                (&json!("Ringing"), &json!(1))
            );
            let call = &seen["activeCalls"][0];
            assert_eq!(call["telephonyStatus"], "Ringing");
            assert_eq!(call.get("from"), sees.then(|| json!("+12025550199")).as_ref(), "{call}");
        }
    }
}

#[tokio::test]
async fn an_account_is_listed_in_pages_by_id() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let path = "/restapi/v1.0/account/~/presence?perPage=2&page=2&detailedTelephonyState=True";
    let page = house.get(&token, path).await.expect(200).json();

    let ids: Vec<_> =
        page["records"].as_array().unwrap().iter().map(|it| &it["extension"]["id"]).collect();
    assert_eq!(ids, [&json!(CLEO), &json!(QUEUE)]);
    assert_eq!(page["records"][0]["activeCalls"], json!([]));
    assert_eq!(page["records"][1].as_object().unwrap().len(), 3, "a queue has no presence");
    assert_eq!(
        page["paging"],
        json!({"page":2,"perPage":2,"pageStart":2,"pageEnd":3,"totalPages":3,"totalElements":5})
    );
    assert!(page["navigation"]["nextPage"]["uri"].as_str().unwrap().ends_with("page=3&perPage=2"));
    let refused = house.get(&token, "/restapi/v1.0/account/~/presence?page=0").await;
    assert_eq!(refused.json()["parameterName"], "page");
    let beyond = house.get(&token, "/restapi/v1.0/account/~/presence?page=99").await.expect(200);
    assert_eq!(beyond.json()["records"], json!([]));
}

#[tokio::test]
async fn several_extensions_come_as_parts_each_with_its_own_status() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let path = format!("/restapi/v1.0/account/~/extension/{ANNA},{STRANGER},{BEN}/presence");
    let parts = house.get(&token, &path).await.expect(207);
    let kind = parts.headers["content-type"].to_str().unwrap().to_owned();
    let boundary = kind.strip_prefix("multipart/mixed; boundary=").unwrap();
    assert!(boundary.starts_with("Boundary_"));

    let body = String::from_utf8(parts.bytes).unwrap();
    let sections: Vec<Value> = body
        .split(&format!("--{boundary}"))
        .filter_map(|part| part.split_once("\r\n\r\n"))
        .map(|(_, json)| serde_json::from_str(json.trim()).unwrap())
        .collect();
    let statuses: Vec<_> =
        sections[0]["response"].as_array().unwrap().iter().map(|it| it["status"].clone()).collect();
    assert_eq!(statuses, [json!(200), json!(404), json!(200)]);
    assert_eq!(sections[1]["extension"]["id"], ANNA);
    assert_eq!(sections[2]["errorCode"], "CMN-102");
    assert_eq!(sections[3]["extension"]["id"], BEN);

    let request = Request::get(&path)
        .header("authorization", format!("bearer {token}"))
        .header("accept", "application/vnd.ringcentral.multipart+json");
    let array = house.send(request.body(Body::empty()).unwrap()).await.expect(207).json();
    assert_eq!(array[1]["resourceId"], STRANGER.to_string());
    assert_eq!(array[1]["status"], 404);
    assert_eq!(array[2]["body"]["extension"]["id"], BEN);
    let many = format!("/restapi/v1.0/account/~/extension/{}/presence", vec!["1"; 31].join(","));
    assert_eq!(house.get(&token, &many).await.expect(400).code(), "InvalidMultipartRequest");
}

#[tokio::test]
async fn several_extensions_are_changed_each_for_itself() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let path = format!("/restapi/v1.0/account/~/extension/{ANNA},{BEN}/presence");
    let body =
        "--B\r\n\r\n{\"userStatus\":\"Busy\"}\r\n--B\r\n\r\n{\"userStatus\":\"Busy\"}\r\n--B--";
    let request = Request::put(&path)
        .header("authorization", format!("bearer {token}"))
        .header("content-type", "multipart/mixed; boundary=B")
        .header("accept", "application/vnd.ringcentral.multipart+json");
    let array = house.send(request.body(Body::from(body)).unwrap()).await.expect(207).json();

    assert_eq!(array[0]["body"]["userStatus"], "Busy");
    assert_eq!(
        (&array[1]["status"], &array[1]["body"]["errorCode"]),
        (&json!(403), &json!("CMN-404"))
    );
    assert_eq!(document(&house, ANNA).settings.user_status.as_str(), "Busy");
    let body = r#"[{"resourceId":"1001","body":{"userStatus":"Available"}},{"id":1002,"userStatus":"Busy"}]"#;
    let star = house.call(&token, "PUT", &presence_of(ANNA).replace("1001", "*"), body).await;
    let text = String::from_utf8(star.expect(207).bytes).unwrap();
    assert!(text.contains(r#""userStatus":"Available""#) && text.contains("CMN-404"), "{text}");
}

#[tokio::test]
async fn the_permission_list_is_replaced_and_shown() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let path = format!("{}/permission", presence_of(ANNA));
    let body = format!(r#"{{"extensions":[{{"id":"{BEN}"}},{{"id":{CLEO}}}]}}"#);
    let shown = house.call(&token, "PUT", &path, &body).await.expect(200).json();

    let ids: Vec<_> = shown["records"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
    assert_eq!(ids, [&json!(BEN.to_string()), &json!(CLEO.to_string())]);
    assert_eq!(house.get(&token, &path).await.expect(200).json(), shown);
    for bad in [r#"{"extensions":[{"id":"2001"}]}"#, r#"{"extensions":1}"#, "{}"] {
        let refused = house.call(&token, "PUT", &path, bad).await.expect(400).json();
        assert_eq!(refused["parameterName"], "extensions", "{bad}");
    }
    let ben = house.log_in(BEN).await;
    assert_eq!(house.get(&ben, &path).await.verdict(), (403, "CMN-404".to_owned()));
}

#[tokio::test]
async fn a_full_store_is_told_with_a_wait_and_nothing_changes() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    house.full(true);
    let refused = house.call(&token, "PUT", &presence_of(ANNA), r#"{"userStatus":"Busy"}"#).await;

    assert_eq!(refused.verdict(), (503, "CMN-201".to_owned()));
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 1);
    assert_eq!(house.get(&token, &presence_of(ANNA)).await.json()["userStatus"], "Available");
    house.full(false);
    house.call(&token, "PUT", &presence_of(ANNA), r#"{"userStatus":"Busy"}"#).await.expect(200);
}

#[tokio::test]
async fn types_without_writable_presence_refuse_a_put_even_of_an_administrator() {
    let house = House::new().await;
    let token = house.log_in(CLEO).await;
    for user in [QUEUE, SLOT] {
        let refused =
            house.call(&token, "PUT", &presence_of(user), r#"{"userStatus":"Busy"}"#).await;
        assert_eq!(refused.verdict(), (403, "CMN-403".to_owned()));
    }
}
