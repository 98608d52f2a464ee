//! What is told to whom: filters, sight, changes of a subscription, slow readers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lampfield_core::SettingsPatch;
use lampfield_core::UserStatus;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::DeliveryConfig;
use crate::stage::{epoch, extension, says, until};
use crate::websocket::tests::gateway::SUBSCRIPTION;
use crate::websocket::tests::rig::{Rig, config, sequence, token};
use crate::websocket::tests::wire::{PATIENCE, Seen, Wire, masked};
use crate::websocket::token::RecoveryToken;

#[tokio::test]
async fn a_notification_has_the_contracts_form() {
    let rig = Rig::new().await;
    let (mut wire, id) = rig.subscriber().await;
    let record = rig.stage.toggle(2).await;

    let (meta, body) = wire.frame().await;

    assert_eq!(meta["type"], "ServerNotification");
    assert_eq!(meta["status"], 200);
    assert_eq!(meta["messageId"], body["uuid"]);
    assert!(meta["headers"]["RCRequestId"].is_string());
    assert_eq!(body["subscriptionId"], id);
    assert_eq!(body["ownerId"], "1");
    assert_eq!(
        body["event"],
        "/restapi/v1.0/account/~/extension/2/presence?detailedTelephonyState=true"
    );
    assert_eq!(body["timestamp"], "2026-01-01T00:00:00.000Z");
    assert_eq!(body["body"]["extensionId"], "2");
    assert_eq!(body["body"]["telephonyStatus"], "Ringing");
    assert_eq!(sequence(&body), record.event.sequence.0);
}

#[tokio::test]
async fn need_7_each_notification_bears_a_token_that_says_where_it_stands() {
    let rig = Rig::new().await;
    let (mut wire, id) = rig.subscriber().await;
    for offset in 1..=3 {
        rig.stage.toggle(2).await;
        let (meta, _) = wire.frame().await;

        let token = RecoveryToken::parse(&token(&meta)).unwrap();
        assert_eq!(token.position.offset, offset);
        assert_eq!(token.position.epoch, epoch(1));
        assert_eq!(token.subscription.map(|it| it.to_string()), Some(id.clone()));
    }
}

#[tokio::test]
async fn only_extensions_that_are_asked_for_are_told() {
    let rig = Rig::new().await;
    let (mut wire, _) = rig.subscriber_to("[2, 4]").await;
    for number in [2, 3, 4, 3, 2] {
        rig.stage.toggle(number).await;
    }

    let told = wire.notifications(3).await;
    let who: Vec<_> = told.iter().map(|(_, body)| body["body"]["extensionId"].clone()).collect();
    assert_eq!(who, ["2", "4", "2"]);
    assert_eq!(told[0].1["event"], "/restapi/v1.0/account/~/extension/2/presence");
    assert_eq!(wire.everything().await, []);
}

#[tokio::test]
async fn what_is_hidden_is_told_once_and_withheld_after_that() {
    let rig = Rig::new().await;
    let (mut wire, _) = rig.subscriber().await;
    rig.stage.toggle(2).await;
    rig.stage.allow_see(2, false).await;
    rig.stage.toggle(2).await;
    rig.stage.toggle(2).await;
    rig.stage.toggle(3).await;

    let told = wire.notifications(3).await;
    let seen: Vec<_> = told
        .iter()
        .map(|(_, body)| (sequence(body), body["body"]["telephonyStatus"].clone()))
        .collect();
    assert_eq!(seen, [(1, json!("Ringing")), (2, json!("NoCall")), (5, json!("Ringing"))]);
    assert_eq!(told[1].1["body"]["allowSeeMyPresence"], false);
}

#[tokio::test]
async fn a_changed_subscription_goes_on_with_its_new_filters() {
    let rig = Rig::new().await;
    let (mut wire, id) = rig.subscriber_to("[2]").await;
    rig.stage.toggle(2).await;
    wire.notifications(1).await;

    let path = format!("{SUBSCRIPTION}/{id}");
    assert_eq!(wire.ask("PUT", &path, "[3]").await.0["status"], 200);
    rig.stage.toggle(2).await;
    rig.stage.toggle(3).await;

    let (_, body) = wire.frame().await;
    assert_eq!((body["body"]["extensionId"].as_str(), sequence(&body)), (Some("3"), 3));
    assert_eq!(body["subscriptionId"], id);
    assert_eq!(wire.everything().await, []);
}

#[tokio::test]
async fn a_second_subscription_replaces_the_first() {
    let rig = Rig::new().await;
    let (mut wire, first) = rig.subscriber_to("[2]").await;
    let (_, body) = wire.ask("POST", SUBSCRIPTION, "[3]").await;
    assert!(matches!(wire.see().await, Seen::Ping(_)));
    rig.stage.toggle(2).await;
    rig.stage.toggle(3).await;

    let (_, told) = wire.frame().await;
    assert_eq!(told["subscriptionId"], body["id"]);
    assert_ne!(body["id"], first);
    assert_eq!(told["body"]["extensionId"], "3");
}

/// Each request was made while the socket had no subscription, so that none knows of another one.
#[tokio::test]
async fn of_subscriptions_that_are_asked_for_at_once_one_is_left() {
    let rig = Rig::new().await;
    let ask = |id: &str| {
        let meta = format!(
            r#"{{"type":"ClientRequest","messageId":"{id}","method":"POST","path":"{SUBSCRIPTION}"}}"#
        );
        masked(0x81, format!(r#"[{meta},["account"]]"#).as_bytes())
    };
    let early = ["1", "2", "3"].map(ask).concat();
    let mut wire = Wire::open_with(rig.address, "access_token=a", &early).await;
    let mut last = json!(null);
    for _ in 0..3 {
        last = wire.frame_of("ClientRequest").await.1["id"].clone();
    }

    let registry = &rig.stage.house.registry;
    until("the others are removed", || registry.subscriptions().len() == 1).await;
    rig.stage.toggle(2).await;
    let (_, body) = wire.frame_of("ServerNotification").await;
    assert_eq!(body["subscriptionId"], last);
    assert_eq!(json!(registry.subscriptions()[0].id.to_string()), last);
}

#[tokio::test]
async fn who_loses_the_permission_is_not_told_any_more() {
    let rig = Rig::new().await;
    let (mut wire, id) = rig.subscriber().await;
    let mut owner = extension(1);
    owner.permissions = lampfield_core::directory::Permissions::NONE;
    let put = lampfield_journal::DirectoryChange::PutExtension(owner);
    rig.stage.house.registry.apply(vec![put]).await.unwrap();
    rig.sockets.subscription_changed(id.parse().unwrap());
    assert_eq!(wire.everything().await, []);

    rig.stage.toggle(2).await;
    assert_eq!(wire.everything().await, []);
}

#[tokio::test]
async fn another_implementation_of_websockets_is_served() {
    use futures_util::{SinkExt, StreamExt};
    let rig = Rig::new().await;
    let stream = tokio::net::TcpStream::connect(rig.address).await.unwrap();
    let url = format!("ws://{}/ws?access_token=a", rig.address);
    let (mut client, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    assert!(client.next().await.unwrap().unwrap().is_text());
    let request = format!(
        r#"[{{"type":"ClientRequest","messageId":"1","method":"POST","path":"{SUBSCRIPTION}"}},["account"]]"#
    );
    client.send(Message::text(request)).await.unwrap();
    assert!(client.next().await.unwrap().unwrap().is_text());
    assert!(client.next().await.unwrap().unwrap().is_ping());
    rig.stage.toggle(2).await;

    let told = timeout(PATIENCE, client.next()).await.unwrap().unwrap().unwrap();
    assert!(told.to_text().unwrap().contains(r#""type":"ServerNotification""#));
    client.close(None).await.unwrap();
    while let Some(Ok(last)) = client.next().await {
        assert!(last.is_close(), "{last}");
    }
}

/// Makes `count` changes of extensions 2 to 20, in turn, from the `first` on.
async fn storm(rig: &Rig, first: usize, count: usize) {
    for at in first..first + count {
        let busy = (at / 19) % 2 == 0;
        let user_status = if busy { UserStatus::Busy } else { UserStatus::Available };
        let patch = SettingsPatch { user_status: Some(user_status), ..SettingsPatch::default() };
        let number = 2 + u64::try_from(at % 19).unwrap();
        rig.stage.configure(number, patch).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_slows_nobody_and_gets_every_newest_state_at_last() {
    // More than the kernel keeps for a socket.
    const CHANGES: usize = 19_000;
    const STEP: usize = 50;
    let rig = Rig::with(DeliveryConfig { ring_max: 64, coalesce_after: 100, ..config() }).await;
    let (mut slow, _) = rig.subscriber().await;
    let (mut quick, _) = rig.subscriber().await;
    for first in (0..CHANGES).step_by(STEP) {
        storm(&rig, first, STEP).await;
        let told = quick.notifications(STEP).await;
        assert_eq!(sequence(&told[0].1), first as u64 + 1);
        assert_eq!(sequence(&told[STEP - 1].1), (first + STEP) as u64);
    }

    let mut newest = BTreeMap::new();
    let mut last = 0;
    let mut count = 0;
    while last < CHANGES as u64 {
        let (_, body) = slow.frame().await;
        assert!(sequence(&body) > last, "in order, nothing twice");
        last = sequence(&body);
        count += 1;
        let state = body["body"]["userStatus"].as_str().unwrap().to_owned();
        newest.insert(body["body"]["extensionId"].as_str().unwrap().to_owned(), state);
    }
    assert!(count < CHANGES, "older states gave way to newer ones");
    assert_eq!(newest.len(), 19);
    for (number, state) in newest {
        let key = crate::stage::key(number.parse().unwrap());
        let record = rig.stage.house.journal.newest().get(key).unwrap();
        assert_eq!(record.event.document.user.as_str(), state, "{number}");
    }
    rig.stage.toggle(2).await;
    assert_eq!(sequence(&slow.frame().await.1), CHANGES as u64 + 1, "it is live again");
}

/// Each extension first rings and then changes its message, which nobody is told of: who gets only
/// the newest event of each must be told of it nevertheless, on every page.
#[tokio::test]
async fn the_newest_events_tell_what_earlier_ones_would_have_told_on_every_page() {
    let rig = Rig::with(DeliveryConfig { ring_max: 16, coalesce_after: 100, ..config() }).await;
    let (mut wire, _, _) = rig.open("a").await;
    wire.answers = false;
    wire.ask("POST", SUBSCRIPTION, r#"["account"]"#).await;
    let Seen::Ping(ping) = wire.see().await else { panic!("no ping") };
    let extensions = 2..302;
    for number in extensions.clone() {
        rig.stage.toggle(number).await;
    }
    for number in extensions.clone() {
        rig.stage.configure(number, says("back soon")).await;
    }
    assert_eq!(wire.everything().await, []);

    wire.send(0x8a, &ping).await;

    for number in extensions {
        let (_, body) = wire.frame().await;
        assert_eq!(body["body"]["extensionId"], number.to_string());
        assert_eq!(body["body"]["telephonyStatus"], "Ringing");
    }
    assert_eq!(wire.everything().await, []);
}

/// As above, but the client is cut off amid the newest events: what it has not got of them stood for
/// earlier ones, and must not be taken for itself when it comes back.
#[tokio::test]
async fn who_is_cut_off_amid_the_newest_events_is_told_of_the_rest_after_coming_back() {
    let rig = Rig::with(DeliveryConfig { ring_max: 16, coalesce_after: 100, ..config() }).await;
    let (mut wire, _, _) = rig.open("a").await;
    wire.answers = false;
    wire.ask("POST", SUBSCRIPTION, r#"["account"]"#).await;
    let Seen::Ping(ping) = wire.see().await else { panic!("no ping") };
    let extensions = 2..302;
    for number in extensions.clone() {
        rig.stage.toggle(number).await;
    }
    for number in extensions.clone() {
        rig.stage.configure(number, says("back soon")).await;
    }
    assert_eq!(wire.everything().await, []);
    wire.send(0x8a, &ping).await;
    let mut told: BTreeSet<String> = BTreeSet::new();
    let mut note = |body: &Value| {
        assert_eq!(body["body"]["telephonyStatus"], "Ringing");
        told.insert(body["body"]["extensionId"].as_str().unwrap().to_owned());
        told.len()
    };
    let processed = wire.notifications(100).await;
    for (_, body) in &processed {
        note(body);
    }
    drop(wire);

    let (mut wire, _, details) = rig.come_back("a", &token(&processed[99].0)).await;
    assert_eq!(details["recoveryState"], "Successful");
    while note(&wire.frame_of("ServerNotification").await.1) < extensions.clone().count() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_misses_anything_when_subscribing_while_presence_changes() {
    let rig = std::sync::Arc::new(Rig::new().await);
    let changing = {
        let rig = std::sync::Arc::clone(&rig);
        tokio::spawn(async move {
            for round in 0..200 {
                storm(&rig, round * 2, 2).await;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
    };
    let mut watchers = Vec::new();
    for _ in 0..20 {
        let (mut wire, _, _) = rig.open("a").await;
        let (meta, _) = wire.ask("POST", SUBSCRIPTION, r#"["account"]"#).await;
        let from = RecoveryToken::parse(&token(&meta)).unwrap().position.offset;
        watchers.push((wire, from));
    }
    changing.await.unwrap();
    for (mut wire, from) in watchers {
        for expected in from + 1..=400 {
            assert_eq!(sequence(&wire.frame().await.1), expected);
        }
        assert!(wire.everything().await.is_empty());
    }
}

#[tokio::test]
async fn more_than_a_round_is_told_whole_and_in_order() {
    let rig = Rig::new().await;
    let (mut wide, _) = rig.subscriber().await;
    let (mut named, _) = rig.subscriber_to("[2]").await;
    for _ in 0..1000 {
        rig.stage.toggle(2).await;
    }
    for wire in [&mut wide, &mut named] {
        for expected in 1..=1000 {
            assert_eq!(sequence(&wire.frame().await.1), expected);
        }
        assert_eq!(wire.everything().await, []);
    }
}

#[tokio::test]
async fn many_sockets_on_an_account_are_told_each_and_may_leave_in_any_order() {
    let rig = Rig::with(config()).await;
    let mut wires = Vec::new();
    for at in 0..30 {
        let filters = if at % 3 == 0 { "[2]" } else { r#"["account"]"# };
        wires.push(rig.subscriber_to(filters).await.0);
    }
    for leaving in [0, 7, 7, 20, 3] {
        let gone: Wire = wires.remove(leaving);
        drop(gone);
        // Takes the place that was left, sooner or later.
        wires.push(rig.subscriber().await.0);
        rig.stage.toggle(2).await;
        let head = rig.stage.house.journal.head(crate::stage::account()).position.offset;
        for wire in &mut wires {
            assert_eq!(sequence(&wire.frame().await.1), head);
        }
    }
    for wire in &mut wires {
        assert_eq!(wire.everything().await, [], "nobody is told twice");
    }
}
