//! Administering lists, permissions and queues of extensions.

use lampfield_core::ExtensionType;
use lampfield_core::directory::{Extension, Permissions};
use lampfield_journal::DirectoryChange;
use serde_json::json;

use crate::house::{ANNA, BEN, CLEO, QUEUE, SLOT, STRANGER, extension, key, presence_of};
use crate::{ADMIN, READ, open, path};

const LISTS: &str = "/extensions/n:101/lists";

#[tokio::test]
async fn lists_are_replaced_one_by_one_and_shown_to_their_owner() {
    let house = open().await;
    let empty = json!({ "lines": [], "favorites": [], "declinedQueues": [], "permitted": [] });
    assert_eq!(house.get(READ, &path(LISTS)).await.expect(200).json(), empty);
    let body = r#"{"lines":["n:102","1701"],"favorites":["1003"],"declinedQueues":["n:600"]}"#;
    let shown = house.call(ADMIN, "PUT", &path(LISTS), body).await.expect(200).json();

    let full = json!({
        "lines": [BEN.to_string(), SLOT.to_string()],
        "favorites": [CLEO.to_string()],
        "declinedQueues": [QUEUE.to_string()],
        "permitted": [],
    });
    assert_eq!(shown, full);
    let body = r#"{"favorites":[],"permitted":["n:102"]}"#;
    let shown = house.call(ADMIN, "PUT", &path(LISTS), body).await.expect(200).json();
    assert_eq!(shown["lines"], full["lines"], "what is not named is kept");
    assert_eq!((&shown["favorites"], &shown["permitted"]), (&json!([]), &json!([BEN.to_string()])));

    let anna = house.log_in(ANNA).await;
    let lines = house.get(&anna, &format!("{}/line", presence_of(ANNA))).await.expect(200).json();
    assert_eq!(lines["records"][2]["extension"]["id"], BEN.to_string());
    assert_eq!(house.get(&anna, &path(LISTS)).await.expect(200).json(), shown);
    let members = format!("/restapi/v1.0/account/~/call-queues/{QUEUE}/presence");
    let members = house.get(&anna, &members).await.expect(200).json();
    assert_eq!(members["records"][0]["acceptCurrentQueueCalls"], false);
    // Out of the queue, the choice is not shown any more.
    house.call(ADMIN, "PUT", &path("/extensions/n:101"), r#"{"queues":[]}"#).await.expect(200);
    let shown = house.get(READ, &path(LISTS)).await.expect(200).json();
    assert_eq!(shown["declinedQueues"], json!([]));
}

#[tokio::test]
async fn what_cannot_be_on_a_list_is_named_and_nothing_changes() {
    let house = open().await;
    house.apply(DirectoryChange::PutExtension(extension(1800, ExtensionType::IvrMenu))).await;
    let many: Vec<_> = (1..=101).map(|id| id.to_string()).collect();
    for (body, parameter) in [
        (json!({ "lines": ["n:101"] }), "lines"),
        (json!({ "lines": ["1800"] }), "lines"),
        (json!({ "lines": [STRANGER.to_string()] }), "lines"),
        (json!({ "lines": many }), "lines"),
        (json!({ "favorites": ["n:999"] }), "favorites"),
        (json!({ "favorites": "n:102" }), "favorites"),
        (json!({ "declinedQueues": ["n:102"] }), "declinedQueues"),
        (json!({ "lines": ["n:102"], "permitted": [7] }), "permitted"),
    ] {
        let refused = house.call(ADMIN, "PUT", &path(LISTS), &body.to_string()).await;
        assert_eq!(refused.verdict(), (400, "CMN-101".to_owned()), "{body}");
        assert_eq!(refused.json()["parameterName"], parameter, "{body}");
    }
    assert_eq!(house.state.journal.head(key(ANNA).account).position.offset, 0);
    let queue = path("/extensions/n:600/lists");
    let refused = house.call(ADMIN, "PUT", &queue, r#"{"favorites":["n:101"]}"#).await;
    assert_eq!(refused.verdict(), (403, "CMN-403".to_owned()));
}

#[tokio::test]
async fn a_person_reads_their_own_lists_and_an_administrator_changes_those_of_others() {
    let house = open().await;
    let (anna, ben, cleo) =
        (house.log_in(ANNA).await, house.log_in(BEN).await, house.log_in(CLEO).await);

    house.get(&anna, &path(LISTS)).await.expect(200);
    let other = house.get(&ben, &path(LISTS)).await;
    assert_eq!(other.verdict(), (403, "CMN-404".to_owned()));
    for token in [&anna, &ben] {
        let refused = house.call(token, "PUT", &path(LISTS), "{}").await;
        assert_eq!(refused.verdict(), (403, "CMN-402".to_owned()));
    }
    let changed = r#"{"lines":["n:102"]}"#;
    house.call(&cleo, "PUT", &path(LISTS), changed).await.expect(200);
    let reader = house.log_in_through(CLEO, "reader").await;
    assert_eq!(house.call(&reader, "PUT", &path(LISTS), changed).await.status, 403);
}

#[tokio::test]
async fn permissions_are_set_by_name_beside_being_an_administrator() {
    let house = open().await;
    let cleo = path("/extensions/n:103");
    let body = r#"{"permissions":["ReadPresenceStatus","ReadExtensions"]}"#;
    let shown = house.call(ADMIN, "PUT", &cleo, body).await.expect(200).json();
    assert_eq!(shown["permissions"], json!(["ReadPresenceStatus", "ReadExtensions"]));
    assert_eq!(shown["admin"], true, "it was not named");

    let both = r#"{"permissions":[],"admin":false}"#;
    let shown = house.call(ADMIN, "PUT", &cleo, both).await.expect(200).json();
    assert_eq!((&shown["permissions"], &shown["admin"]), (&json!([]), &json!(false)));
    let held = house.state.registry.extension(key(CLEO)).map(|it| it.permissions);
    assert_eq!(held, Some(Permissions::NONE));
    let token = house.log_in(CLEO).await;
    let refused = house.get(&token, &presence_of(CLEO)).await;
    assert_eq!(refused.verdict(), (403, "CMN-408".to_owned()));
}

#[tokio::test]
async fn a_queue_says_whether_its_members_choose_and_anything_else_does_not() {
    let house = open().await;
    let queue = path("/extensions/n:600");
    let fixed = r#"{"editableMemberStatus":false}"#;
    let shown = house.call(ADMIN, "PUT", &queue, fixed).await.expect(200).json();
    assert_eq!(shown["editableMemberStatus"], false);
    let anna = house.log_in(ANNA).await;
    let list = house.get(&anna, "/restapi/v1.0/account/~/call-queues").await.expect(200).json();
    assert_eq!(list["records"][0]["editableMemberStatus"], false);

    let other = house.call(ADMIN, "PUT", &path("/extensions/n:102"), fixed).await;
    assert_eq!(other.json()["parameterName"], "editableMemberStatus");
    house.call(ADMIN, "PUT", &queue, r#"{"type":"User"}"#).await.expect(200);
    let held = house.state.registry.extension(key(QUEUE)).unwrap();
    assert!(Extension::clone(&held).editable_member_status, "no queue, nothing to choose");
}

#[tokio::test]
async fn who_may_not_change_their_settings_may_not_permit_others_either() {
    let house = open().await;
    let words = r#"{"permissions":["ReadPresenceStatus","EditPresenceStatus","ReadAccounts"]}"#;
    house.call(ADMIN, "PUT", &path("/extensions/1001"), words).await.expect(200);
    let anna = house.log_in(ANNA).await;
    let put =
        async |body: &str| house.call(&anna, "PUT", &path("/extensions/~/presence"), body).await;

    assert_eq!(put(r#"{"userStatus":"Busy"}"#).await.status, 200);
    assert_eq!(put(r#"{"permitted":["1002"]}"#).await.verdict(), (403, "CMN-408".to_owned()));
}
