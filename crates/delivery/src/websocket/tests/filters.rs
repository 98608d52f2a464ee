//! Every filter of the contract on sockets: what is told, under which name, live and on coming back.

use std::collections::BTreeSet;

use lampfield_core::SettingsPatch;
use serde_json::{Value, json};

use crate::stage::{EVERY_KIND, change_everything, favorites, furnish, lines};
use crate::websocket::tests::rig::{Rig, sequence, token};
use crate::websocket::tests::wire::Wire;

const ACCOUNT: &str = "/restapi/v1.0/account/~";

/// An extension that every subscription here asks for: what is told of it ends what came before.
const MARK: u64 = 20;

/// Everything that was told up to now.
async fn all(rig: &Rig, wire: &mut Wire) -> Vec<(Value, Value)> {
    rig.stage.toggle(MARK).await;
    up_to_mark(wire).await
}

async fn up_to_mark(wire: &mut Wire) -> Vec<(Value, Value)> {
    let mut told = Vec::new();
    loop {
        let (meta, body) = wire.frame().await;
        let event = body["event"].as_str().expect("a notification");
        if event.contains(&format!("/extension/{MARK}/")) {
            return told;
        }
        told.push((meta, body));
    }
}

async fn subscribe(rig: &Rig, filters: &[&str]) -> (Wire, String) {
    let mut all: Vec<Value> = filters.iter().map(|filter| json!(filter)).collect();
    all.push(json!(MARK));
    rig.subscriber_to(&json!(all).to_string()).await
}

fn names(told: &[(Value, Value)]) -> Vec<String> {
    told.iter().map(|(_, body)| body["event"].as_str().expect("a path").to_owned()).collect()
}

fn every_filter() -> Vec<&'static str> {
    EVERY_KIND.iter().map(|(filter, _)| *filter).collect()
}

#[tokio::test]
async fn every_filter_is_told_its_own_changes_and_nothing_else() {
    let rig = Rig::new().await;
    furnish(&rig.stage).await;
    let mut wires = Vec::new();
    for (filter, expected) in EVERY_KIND {
        let (wire, _) = subscribe(&rig, &[filter]).await;
        wires.push((filter, expected, wire));
    }
    change_everything(&rig.stage).await;
    rig.stage.toggle(MARK).await;

    let mut uuids = BTreeSet::new();
    for (filter, expected, mut wire) in wires {
        let told = up_to_mark(&mut wire).await;
        let expected: Vec<_> = expected.iter().map(|tail| format!("{ACCOUNT}{tail}")).collect();
        assert_eq!(names(&told), expected, "{filter}");
        for (_, body) in told {
            assert!(uuids.insert(body["uuid"].to_string()), "{body}");
        }
    }
}

#[tokio::test]
async fn one_subscription_to_everything_gets_one_presence_event_a_change_and_the_rest_beside_it() {
    let rig = Rig::new().await;
    furnish(&rig.stage).await;
    let (mut wire, id) = subscribe(&rig, &every_filter()).await;
    change_everything(&rig.stage).await;

    let told = all(&rig, &mut wire).await;
    let expected = [
        "/extension/2/presence?detailedTelephonyState=true",
        "/extension/2/presence?detailedTelephonyState=true",
        "/extension/2/presence/dnd",
        "/call-queues/400/presence",
        "/call-queues/400/presence",
        "/extension/1/presence/line",
        "/extension/1/favorite",
        "/extension/3/presence?detailedTelephonyState=true",
        "/extension/2/presence?detailedTelephonyState=true",
        "/extension/2",
        "/extension",
    ];
    assert_eq!(names(&told), expected.map(|tail| format!("{ACCOUNT}{tail}")));
    let uuids: BTreeSet<_> = told.iter().map(|(_, body)| body["uuid"].to_string()).collect();
    assert_eq!(uuids.len(), told.len());
    for (_, body) in &told {
        assert_eq!(
            (body["subscriptionId"].as_str(), body["ownerId"].as_str()),
            (Some(&*id), Some("1"))
        );
    }
    let bodies: Vec<_> = told.iter().map(|(_, body)| &body["body"]).collect();
    let dnd = "DoNotAcceptDepartmentCalls";
    assert_eq!(*bodies[2], json!({"extensionId": "2", "dndStatus": dnd}));
    assert_eq!(bodies[3]["records"][0]["acceptQueueCalls"], false);
    assert_eq!(bodies[3]["acceptCalls"], true);
    assert_eq!(bodies[4]["acceptCalls"], false);
    assert_eq!(bodies[5]["extension"], json!([{"id": "2"}, {"id": "3"}]));
    assert_eq!(*bodies[6], json!({"extensionId": "1"}));
}

#[tokio::test]
async fn whoever_comes_back_gets_every_kind_again_with_the_same_identity() {
    let rig = Rig::new().await;
    furnish(&rig.stage).await;
    let (mut wire, _) = subscribe(&rig, &every_filter()).await;
    change_everything(&rig.stage).await;
    let told = all(&rig, &mut wire).await;
    drop(wire);

    // From each frame on: what is behind it comes, and of its own event at most what came before.
    for at in 0..told.len() {
        let (mut wire, _, details) = rig.come_back("a", &token(&told[at].0)).await;
        assert_eq!(details["recoveryState"], "Successful");
        let again: Vec<_> = up_to_mark(&mut wire).await.into_iter().map(|(_, body)| body).collect();
        let behind: Vec<_> = told[at + 1..].iter().map(|(_, body)| body.clone()).collect();
        assert!(again.ends_with(&behind), "{at}: {again:#?}");
        let repeated = &again[..again.len() - behind.len()];
        for body in repeated {
            assert!(told[..=at].iter().any(|(_, before)| before == body));
            assert_eq!(body["timestamp"], told[at].1["timestamp"]);
        }
        assert!(repeated.len() <= 3, "{repeated:#?}");
    }
}

/// Whoever is on the list at the moment of the change is told of, neither before nor after.
async fn move_lines(rig: &Rig) {
    rig.stage.toggle(3).await;
    rig.stage.configure(1, lines(&[3])).await;
    rig.stage.toggle(3).await;
    rig.stage.configure(1, lines(&[4])).await;
    rig.stage.toggle(3).await;
    rig.stage.toggle(4).await;
    rig.stage.configure(1, lines(&[])).await;
    rig.stage.toggle(4).await;
}

#[tokio::test]
async fn lists_are_followed_in_mid_flight() {
    for list in ["presence/line", "favorite"] {
        let rig = Rig::new().await;
        let filter = format!("/account/~/extension/~/{list}/presence");
        let (mut wire, _) = subscribe(&rig, &[&filter]).await;
        if list == "favorite" {
            rig.stage.configure(1, favorites(&[3])).await;
            rig.stage.toggle(3).await;
            rig.stage.configure(1, favorites(&[])).await;
            rig.stage.toggle(3).await;
        } else {
            move_lines(&rig).await;
        }
        let told: Vec<_> =
            all(&rig, &mut wire).await.iter().map(|(_, body)| sequence(body)).collect();
        let expected: &[u64] = if list == "favorite" { &[2] } else { &[3, 6] };
        assert_eq!(told, expected, "{list}");
    }
}

#[tokio::test]
async fn lists_are_followed_through_what_was_missed() {
    let rig = Rig::new().await;
    let (mut wire, _) = subscribe(&rig, &["/account/~/extension/~/presence/line/presence"]).await;
    rig.stage.toggle(MARK).await;
    let (last, _) = wire.frame().await;
    drop(wire);
    move_lines(&rig).await;

    let (mut wire, _, _) = rig.come_back("a", &token(&last)).await;
    let told: Vec<_> = all(&rig, &mut wire).await.iter().map(|(_, body)| sequence(body)).collect();
    assert_eq!(told, [4, 7]);
    rig.stage.configure(1, lines(&[5])).await;
    rig.stage.toggle(4).await;
    rig.stage.toggle(5).await;
    assert_eq!(sequence(&wire.frame().await.1), 13, "live again, by the list of now");
}

#[tokio::test]
async fn who_hides_is_told_of_once_in_every_kind() {
    let rig = Rig::new().await;
    furnish(&rig.stage).await;
    let dnd_status = Some(lampfield_core::DndStatus::DoNotAcceptAnyCalls);
    let dnd = SettingsPatch { dnd_status, ..SettingsPatch::default() };
    rig.stage.configure(2, dnd).await;
    let filters = [
        "/account/~/extension/~/presence/line/presence",
        "/account/~/extension/2/presence/dnd",
        "/account/~/call-queues/400/presence",
    ];
    let (mut wire, _) = subscribe(&rig, &filters).await;
    rig.stage.allow_see(2, false).await;
    let told = all(&rig, &mut wire).await;
    assert_eq!(told.len(), 3, "{told:#?}");
    assert_eq!(told[0].1["body"]["presenceStatus"], "Offline");
    assert_eq!(told[1].1["body"]["dndStatus"], "TakeAllCalls");
    assert_eq!(told[2].1["body"]["records"][0]["acceptQueueCalls"], true);

    rig.stage.toggle(2).await;
    let declined_queues = Some(vec![crate::stage::id(400)]);
    rig.stage.configure(2, SettingsPatch { declined_queues, ..SettingsPatch::default() }).await;
    assert!(all(&rig, &mut wire).await.is_empty());
    rig.stage.allow_see(2, true).await;
    assert_eq!(all(&rig, &mut wire).await.len(), 3);
}
