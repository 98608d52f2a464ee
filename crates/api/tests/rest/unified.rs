//! Unified presence (contract 2.4).

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::house::{ANNA, BEN, CLEO, House, QUEUE, STRANGER, document, presence_of};

fn unified(user: impl std::fmt::Display) -> String {
    format!("/restapi/v1.0/account/~/extension/{user}/unified-presence")
}

#[tokio::test]
async fn the_same_presence_is_shown_in_four_words() {
    let house = House::new().await;
    let (anna, ben) = (house.log_in(ANNA).await, house.log_in(BEN).await);
    house.call_comes_in(ANNA, "+12025550199").await;
    let own = house.get(&anna, &unified("~")).await.expect(200).json();

    assert_eq!(
        own,
        json!({
            "status": "Available",
            "glip": { "status": "Online", "visibility": "Visible", "availability": "Available" },
            "telephony":
                { "status": "Ringing", "visibility": "Visible", "availability": "TakeAllCalls" },
            "meeting": { "status": "NoMeeting" },
        })
    );
    let seen = house.get(&ben, &unified(ANNA)).await.expect(200).json();
    assert_eq!(seen["telephony"], json!({ "status": "Ringing", "availability": "TakeAllCalls" }));
    assert!(!seen.to_string().contains("visibility"), "who may see is one's own matter");
    let queue = house.get(&ben, &unified(QUEUE)).await.expect(200).json();
    assert_eq!(queue, json!({ "status": "Offline" }));
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_the_phone_presence_with_it() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let patch = async |body: &str| {
        house.call(&token, "PATCH", &unified(ANNA), body).await.expect(200).json()
    };
    let example = r#"{"glip":{"visibility":"Visible","availability":"DND"},"telephony":{"availability":"DoNotAcceptQueueCalls"}}"#;
    let after = patch(example).await;
    assert_eq!(after["status"], "DND");
    assert_eq!(after["telephony"]["availability"], "DoNotAcceptQueueCalls");
    let phone = house.get(&token, &presence_of(ANNA)).await.json();
    assert_eq!(
        (&phone["userStatus"], &phone["dndStatus"]),
        (&json!("Busy"), &json!("DoNotAcceptDepartmentCalls"))
    );
    assert_eq!(patch(r#"{"glip":{"visibility":"Invisible"}}"#).await["status"], "Offline");
    assert_eq!(house.get(&token, &presence_of(ANNA)).await.json()["userStatus"], "Offline");
    assert_eq!(patch(r#"{"glip":{"availability":"Available"}}"#).await["status"], "Offline");
    let visible = patch(r#"{"glip":{"visibility":"Visible"}}"#).await;
    assert_eq!(visible["status"], "Available");
    assert_eq!(visible["telephony"]["availability"], "DoNotAcceptQueueCalls", "it was not named");
    assert_eq!(patch("{}").await, visible);
}

#[tokio::test]
async fn bad_patches_are_refused_by_path() {
    let house = House::new().await;
    let ben = house.log_in(BEN).await;
    for (body, path) in [
        (r#"{"glip":{"availability":"Busy"}}"#, "glip.availability"),
        (r#"{"glip":"x"}"#, "glip"),
        // Ben is in no queue.
        (r#"{"telephony":{"availability":"DoNotAcceptQueueCalls"}}"#, "telephony.availability"),
    ] {
        let refused = house.call(&ben, "PATCH", &unified("~"), body).await.expect(400).json();
        assert_eq!(refused["parameterName"], path, "{body}");
    }
    let busy = r#"{"glip":{"availability":"DND"}}"#;
    let refused = house.call(&ben, "PATCH", &unified(ANNA), busy).await;
    assert_eq!(refused.verdict(), (403, "CMN-404".to_owned()));
    let cleo = house.log_in(CLEO).await;
    house.call(&cleo, "PATCH", &unified(ANNA), busy).await.expect(200);
    let refused = house.call(&cleo, "PATCH", &unified(QUEUE), busy).await;
    assert_eq!(refused.verdict(), (403, "CMN-403".to_owned()));
    assert_eq!(house.call(&cleo, "PUT", &unified(ANNA), busy).await.status, 405);
}

#[tokio::test]
async fn who_hides_is_offline_and_nothing_more() {
    let house = House::new().await;
    let (anna, ben) = (house.log_in(ANNA).await, house.log_in(BEN).await);
    house.call_comes_in(ANNA, "+12025550199").await;
    let hide = r#"{"allowSeeMyPresence":false}"#;
    house.call(&anna, "PUT", &presence_of(ANNA), hide).await.expect(200);

    let seen = house.get(&ben, &unified(ANNA)).await.expect(200).json();
    assert_eq!(seen, json!({ "status": "Offline" }));
    let own = house.get(&anna, &unified(ANNA)).await.expect(200).json();
    assert_eq!(
        (&own["status"], &own["telephony"]["visibility"]),
        (&json!("Available"), &json!("Invisible"))
    );
}

#[tokio::test]
async fn several_come_and_change_as_one_array() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let path = unified(format!("{ANNA},{STRANGER},{BEN}"));
    let list = house.get(&token, &path).await.expect(207);
    assert_eq!(list.headers["content-type"], "application/json");
    let list = list.json();
    let statuses: Vec<_> = list.as_array().unwrap().iter().map(|it| it["status"].clone()).collect();
    assert_eq!(statuses, [json!(200), json!(404), json!(200)]);
    assert_eq!(list[0]["resourceId"], ANNA.to_string());
    assert_eq!(list[2]["body"]["status"], "Available");

    let body = r#"[{"glip":{"availability":"DND"}},{"resourceId":"1002","body":{"glip":{"availability":"DND"}}}]"#;
    let request = Request::patch(unified(format!("{ANNA},{BEN}")))
        .header("authorization", format!("bearer {token}"))
        .header("content-type", "application/json");
    let list = house.send(request.body(Body::from(body)).unwrap()).await.expect(207).json();
    assert_eq!(list[0]["body"]["status"], "DND");
    assert_eq!(list[1]["body"]["errorCode"], "CMN-404");
    assert_eq!(document(&house, ANNA).settings.user_status.as_str(), "Busy");
    let body = r#"[{"id":"1001","glip":{"availability":"Available"}},{"id":"2001"}]"#;
    let list = house.call(&token, "PATCH", &unified("*"), body).await.expect(207).json();
    assert_eq!(list[0]["body"]["status"], "Available");
    assert_eq!(list[1]["status"], 404);
    let many: Value = house.get(&token, &unified(vec!["1"; 31].join(","))).await.expect(400).json();
    assert_eq!(many["errorCode"], "InvalidMultipartRequest");
}
