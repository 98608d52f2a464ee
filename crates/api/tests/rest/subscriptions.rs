//! Subscriptions over HTTP (contract section 6).

use std::collections::BTreeSet;

use lampfield_api::{ApiConfig, RateConfig};
use lampfield_core::directory::{Permissions, Scopes};
use lampfield_core::subscription::{BlacklistEntry, Subscription, SubscriptionStatus, Transport};
use lampfield_core::{ExtensionType, SubscriptionId, Timestamp};
use lampfield_journal::DirectoryChange;
use serde_json::{Value, json};

use crate::house::{
    ANNA, BEN, House, QUEUE, SLOT, STRANGER, app, extension, key, presence_of, text,
};
use crate::receiver::{Receiver, webhook};

const PATH: &str = "/restapi/v1.0/subscription";

fn account_filter() -> &'static str {
    "/restapi/v1.0/account/~/presence"
}

fn filter_of(user: u64) -> String {
    format!("/restapi/v1.0/account/~/extension/{user}/presence")
}

#[tokio::test]
async fn a_webhook_subscription_lives_from_handshake_to_delete() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let receiver = Receiver::new().await;
    let filters = [account_filter(), "/restapi/v1.0/account/~/extension/~/presence?sipData=true"];
    let made = house.call(&token, "POST", PATH, &receiver.body(&filters)).await.expect(200).json();

    assert_eq!(receiver.count(), 1, "the receiver was asked");
    assert_eq!(made["status"], "Active");
    assert_eq!(made["expiresIn"], 3599);
    assert_eq!(made["deliveryMode"]["transportType"], "WebHook");
    assert_eq!(
        made["eventFilters"],
        json!([
            "/restapi/v1.0/account/1000/presence",
            "/restapi/v1.0/account/1000/extension/1001/presence?detailedTelephonyState=true&sipData=true"
        ])
    );
    let one = format!("{PATH}/{}", text(&made, "id"));
    assert_eq!(made["uri"], format!("http://lamp.example{one}"));
    assert_eq!(house.get(&token, &one).await.expect(200).json(), made);
    assert_eq!(house.get(&token, PATH).await.expect(200).json()["records"], json!([made]));

    house.wait(1000);
    let body = json!({ "eventFilters": [filter_of(BEN)], "expiresIn": 600, "deliveryMode": {} });
    let changed = house.call(&token, "PUT", &one, &body.to_string()).await.expect(200).json();
    assert_eq!(changed["id"], made["id"]);
    assert_eq!(changed["expiresIn"], 599);
    assert_eq!(changed["eventFilters"].as_array().unwrap().len(), 1);
    house.wait(500);
    let renewed = house.call(&token, "POST", &format!("{one}/renew"), "").await.expect(200).json();
    assert_eq!(renewed["expiresIn"], 599, "the life that was chosen, once more");
    house.call(&token, "PUT", &one, "").await.expect(200);

    assert!(house.call(&token, "DELETE", &one, "{}").await.expect(204).bytes.is_empty());
    for method in ["GET", "PUT", "DELETE"] {
        let gone = house.call(&token, method, &one, "").await;
        assert_eq!(gone.verdict(), (404, "CMN-102".to_owned()), "{method}");
    }
}

#[tokio::test]
async fn it_is_told_from_the_moment_before_it_was_stored() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let receiver = Receiver::new().await;
    let busy = r#"{"userStatus":"Busy"}"#;
    house.call(&token, "PUT", &presence_of(ANNA), busy).await.expect(200);
    let made = house.call(&token, "POST", PATH, &receiver.body(&[account_filter()])).await;
    let id = text(&made.expect(200).json(), "id").parse().unwrap();

    assert_eq!(house.state.registry.subscription(id).unwrap().from.offset, 1);
}

#[tokio::test]
async fn nobody_else_sees_a_subscription() {
    let house = House::new().await;
    let anna = house.log_in(ANNA).await;
    let receiver = Receiver::new().await;
    let made = house.call(&anna, "POST", PATH, &receiver.body(&[account_filter()])).await;
    let one = format!("{PATH}/{}", text(&made.expect(200).json(), "id"));

    let others = [
        house.log_in(BEN).await,
        house.log_in(STRANGER).await,
        house.log_in_through(ANNA, "hooks").await,
    ];
    for token in others {
        for (method, path) in [
            ("GET", one.clone()),
            ("PUT", one.clone()),
            ("DELETE", one.clone()),
            ("POST", format!("{one}/renew")),
        ] {
            let refused = house.call(&token, method, &path, "").await;
            assert_eq!(refused.verdict(), (404, "CMN-102".to_owned()), "{method}");
        }
        assert_eq!(house.get(&token, PATH).await.expect(200).json()["records"], json!([]));
    }
    let later_session = house.log_in(ANNA).await;
    house.get(&later_session, &one).await.expect(200);
}

#[tokio::test]
async fn bad_requests_are_refused_by_name() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let socket = r#"{"eventFilters":["/restapi/v1.0/account/~/presence"],"deliveryMode":{"transportType":"WebSocket"}}"#;
    let pubnub = socket.replace("WebSocket", "PubNub");
    let expires = r#"{"eventFilters":["/restapi/v1.0/account/~/presence"],"deliveryMode":{"transportType":"WebHook","address":"https://a.example/"},"expiresIn":0}"#;
    for (body, code, parameter) in [
        ("{", "CMN-103", None),
        ("{}", "CMN-101", Some("eventFilters")),
        (socket, "CMN-101", Some("deliveryMode.transportType")),
        (&pubnub, "CMN-101", Some("deliveryMode.transportType")),
        (&webhook("ftp://x/", &[account_filter()]), "CMN-101", Some("deliveryMode.address")),
        (
            &webhook("http://u:p@127.0.0.1/", &[account_filter()]),
            "CMN-101",
            Some("deliveryMode.address"),
        ),
        (expires, "CMN-101", Some("expiresIn")),
        (&webhook("http://127.0.0.1:9/", &["garbage"]), "SUB-508", None),
        (&webhook("http://127.0.0.1:9/", &[account_filter(), "!x"]), "SUB-508", None),
        (&webhook("http://127.0.0.1:1/", &[account_filter()]), "SUB-521", None),
    ] {
        let refused = house.call(&token, "POST", PATH, body).await;
        assert_eq!(refused.verdict(), (400, code.to_owned()), "{body}");
        assert_eq!(
            refused.json().get("parameterName").and_then(Value::as_str),
            parameter,
            "{body}"
        );
    }
    let huge = format!("{{\"x\":\"{}\"}}", "y".repeat(1 << 20));
    house.call(&token, "POST", PATH, &huge).await.expect(413);
    assert!(house.state.registry.subscriptions().is_empty());
}

#[tokio::test]
async fn filters_are_judged_each_for_itself() {
    let house = House::new().await;
    let anna = house.log_in(ANNA).await;
    let receiver = Receiver::new().await;
    let hide = r#"{"allowSeeMyPresence":false}"#;
    let ben = house.log_in(BEN).await;
    house.call(&ben, "PUT", &presence_of(BEN), hide).await.expect(200);
    for (filter, code) in [
        (filter_of(QUEUE), "SUB-402"),
        (filter_of(BEN), "SUB-403"),
        ("/restapi/v1.0/account/2000/presence".to_owned(), "SUB-406"),
        ("/restapi/v1.0/account/3000/presence".to_owned(), "SUB-406"),
        (filter_of(STRANGER), "SUB-408"),
        (filter_of(4711), "SUB-408"),
    ] {
        let refused = house.call(&anna, "POST", PATH, &receiver.body(&[&filter])).await;
        assert_eq!(refused.verdict(), (403, code.to_owned()), "{filter}");

        let mixed = receiver.body(&[account_filter(), &filter, account_filter()]);
        let made = house.call(&anna, "POST", PATH, &mixed).await.expect(200).json();
        assert_eq!(made["eventFilters"], json!(["/restapi/v1.0/account/1000/presence"]));
        assert_eq!(made["disabledFilters"][0]["reason"], code, "{filter}");
    }
    let foreign = "/restapi/v1.0/account/~/extension/~/message-store";
    let slot = filter_of(SLOT);
    let made = house.call(&anna, "POST", PATH, &receiver.body(&[foreign, &slot])).await.expect(200);
    assert_eq!(made.json()["eventFilters"].as_array().unwrap().len(), 2);
    assert!(made.json().get("disabledFilters").is_none());
}

#[tokio::test]
async fn filters_need_their_permission_of_the_application_and_of_the_user() {
    let house = House::new().await;
    let receiver = Receiver::new().await;
    let hooks = house.log_in_through(ANNA, "hooks").await;
    let refused = house.call(&hooks, "POST", PATH, &receiver.body(&[account_filter()])).await;
    assert_eq!(refused.verdict(), (403, "CMN-401".to_owned()));
    assert!(refused.json()["message"].as_str().unwrap().contains("[ReadAccounts]"));
    house.call(&hooks, "POST", PATH, &receiver.body(&[&filter_of(ANNA)])).await.expect(200);

    let reader = house.log_in_through(ANNA, "reader").await;
    let refused = house.call(&reader, "POST", PATH, &receiver.body(&[&filter_of(ANNA)])).await;
    assert!(
        refused.expect(403).json()["message"].as_str().unwrap().contains("[SubscriptionWebhook]")
    );
    let accounts = Scopes::READ_ACCOUNTS.with(Scopes::SUBSCRIPTION_WEBHOOK);
    house.apply(DirectoryChange::PutApp(app("reader", accounts))).await;
    let reader = house.log_in_through(ANNA, "reader").await;
    let refused = house.call(&reader, "POST", PATH, &receiver.body(&[&filter_of(ANNA)])).await;
    assert!(refused.expect(403).json()["message"].as_str().unwrap().contains("[ReadPresence]"));

    let token = house.log_in(BEN).await;
    let mut ben = extension(BEN, ExtensionType::User);
    ben.permissions = Permissions::READ_PRESENCE_STATUS;
    house.apply(DirectoryChange::PutExtension(ben)).await;
    let refused = house.call(&token, "POST", PATH, &receiver.body(&[account_filter()])).await;
    assert_eq!(refused.verdict(), (403, "CMN-408".to_owned()));
    house.call(&token, "POST", PATH, &receiver.body(&[&filter_of(ANNA)])).await.expect(200);
}

#[tokio::test]
async fn there_is_a_limit_for_a_user_and_application_and_ended_ones_do_not_count() {
    let config =
        ApiConfig { subscriptions_max: 2, rates: RateConfig::off(), ..ApiConfig::default() };
    let house = House::with(config).await;
    let anna = house.log_in(ANNA).await;
    let receiver = Receiver::new().await;
    let body = receiver.body(&[account_filter()]);
    let mut ids = BTreeSet::new();
    for _ in 0..2 {
        ids.insert(text(&house.call(&anna, "POST", PATH, &body).await.expect(200).json(), "id"));
    }
    assert_eq!(ids.len(), 2, "the same request makes another one");
    let refused = house.call(&anna, "POST", PATH, &body).await;
    assert_eq!(refused.verdict(), (403, "SUB-505".to_owned()));
    let hooks = house.log_in_through(ANNA, "hooks").await;
    house.call(&hooks, "POST", PATH, &receiver.body(&[&filter_of(ANNA)])).await.expect(200);

    house.wait(3601);
    let anna = house.log_in(ANNA).await;
    for id in ids {
        house.get(&anna, &format!("{PATH}/{id}")).await.expect(404);
    }
    house.call(&anna, "POST", PATH, &body).await.expect(200);
}

#[tokio::test]
async fn a_receiver_that_was_given_up_is_asked_again_by_a_renewal() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let receiver = Receiver::new().await;
    let made = house.call(&token, "POST", PATH, &receiver.body(&[account_filter()])).await;
    let id: SubscriptionId = text(&made.expect(200).json(), "id").parse().unwrap();
    let present = house.state.registry.subscription(id).unwrap();
    let entry = BlacklistEntry { at: Timestamp(0), reason: "Read timed out".to_owned() };
    let given_up =
        Subscription { status: SubscriptionStatus::Blacklisted(entry), ..(*present).clone() };
    house.apply(DirectoryChange::PutSubscription(given_up.clone())).await;
    let one = format!("{PATH}/{id}");
    let shown = house.get(&token, &one).await.expect(200).json();
    assert_eq!(shown["status"], "Blacklisted");
    assert_eq!(shown["blacklistedData"]["reason"], "Read timed out");

    let renewed = house.call(&token, "POST", &format!("{one}/renew"), "").await.expect(200).json();
    assert_eq!(renewed["status"], "Active");
    assert_eq!(receiver.count(), 2, "asked twice");

    let dead = Transport::webhook("http://127.0.0.1:1/", None);
    house
        .apply(DirectoryChange::PutSubscription(Subscription { transport: dead, ..given_up }))
        .await;
    let refused = house.call(&token, "PUT", &one, "").await;
    assert_eq!(refused.verdict(), (400, "SUB-521".to_owned()));
    assert_eq!(house.get(&token, &one).await.json()["status"], "Blacklisted");
}

#[tokio::test]
async fn webhooks_outlive_the_log_in_that_made_them() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let receiver = Receiver::new().await;
    house.call(&token, "POST", PATH, &receiver.body(&[account_filter()])).await.expect(200);
    house.form("/restapi/oauth/revoke", "app", &format!("token={token}")).await.expect(200);

    assert_eq!(
        house.state.registry.subscriptions_of(key(ANNA), &app("app", Scopes::ALL).id).len(),
        1
    );
}
