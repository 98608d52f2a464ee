//! Every filter of the contract by webhook, and reminders.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lampfield_contract::parse_filter;
use lampfield_core::subscription::Subscription;
use serde_json::Value;

use super::receiver::{Receiver, Reply, status};
use super::{loopback, pass, settled, start};
use crate::stage::{EVERY_KIND, Stage, account, change_everything, furnish, id, lines, until};

const ACCOUNT: &str = "/restapi/v1.0/account/~";

async fn subscribe(stage: &Stage, receiver: &Receiver, filters: &[&str]) -> Subscription {
    let mut subscription = stage.subscription(&receiver.url());
    let parse = |text: &&str| parse_filter(text, account(), id(1)).unwrap();
    subscription.filters = filters.iter().map(parse).collect();
    stage.put(subscription.clone()).await;
    subscription
}

fn names(receiver: &Receiver) -> Vec<String> {
    let mut names: Vec<_> = receiver
        .notifications()
        .iter()
        .map(|got| got.json()["event"].as_str().unwrap().to_owned())
        .collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn every_filter_is_told_its_own_changes_and_nothing_else() {
    for (filter, expected) in EVERY_KIND {
        let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
        furnish(&stage).await;
        let subscription = subscribe(&stage, &receiver, &[filter]).await;
        let webhooks = start(&stage.house);
        change_everything(&stage).await;
        settled(&stage, &webhooks, subscription.id).await;

        let mut expected: Vec<_> = expected.iter().map(|tail| format!("{ACCOUNT}{tail}")).collect();
        expected.sort_unstable();
        assert_eq!(names(&receiver), expected, "{filter}");
        webhooks.stop().await;
    }
}

#[tokio::test]
async fn what_failed_comes_again_alone_with_the_same_identity() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    furnish(&stage).await;
    let filters: Vec<_> = EVERY_KIND.iter().map(|(filter, _)| *filter).collect();
    let subscription = subscribe(&stage, &receiver, &filters).await;
    let failures = AtomicUsize::new(0);
    receiver.answer(move |got| {
        // The second notification of an event with three fails once.
        let is_dnd = got.body.contains("/presence/dnd");
        let first = is_dnd && failures.fetch_add(1, Ordering::SeqCst) == 0;
        status(if first { 500 } else { 200 })
    });
    let webhooks = start(&stage.house);
    change_everything(&stage).await;
    until("one failed", || names(&receiver).iter().any(|name| name.ends_with("/dnd"))).await;
    let head = stage.house.journal.head(account()).position;
    until("everything is settled", || {
        pass(&stage, &webhooks, subscription.id, Duration::from_secs(2));
        webhooks.health(subscription.id).is_some_and(|health| health.cursor == head)
    })
    .await;

    let got = receiver.notifications();
    let of_dnd: Vec<_> = got.iter().filter(|it| it.body.contains("/presence/dnd")).collect();
    assert_eq!(of_dnd.len(), 2);
    assert_eq!(of_dnd[0].body, of_dnd[1].body);
    let uuids: BTreeSet<_> = got.iter().map(super::receiver::Got::uuid).collect();
    assert_eq!(uuids.len(), 11, "{:#?}", names(&receiver));
    assert_eq!(got.len(), 12, "what had arrived does not come again");
    webhooks.stop().await;
}

#[tokio::test]
async fn lists_are_followed_in_mid_flight() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    let filter = "/account/~/extension/~/presence/line/presence";
    let subscription = subscribe(&stage, &receiver, &[filter]).await;
    stage.toggle(3).await;
    stage.configure(1, lines(&[3])).await;
    stage.toggle(3).await;
    stage.configure(1, lines(&[4])).await;
    stage.toggle(3).await;
    stage.toggle(4).await;
    let webhooks = start(&stage.house);
    settled(&stage, &webhooks, subscription.id).await;
    stage.configure(1, lines(&[])).await;
    stage.toggle(4).await;
    stage.configure(1, lines(&[5])).await;
    stage.toggle(5).await;
    settled(&stage, &webhooks, subscription.id).await;

    let mut sequences = receiver.sequences();
    sequences.sort_unstable();
    assert_eq!(sequences, [3, 6, 10]);
    webhooks.stop().await;
}

#[tokio::test]
async fn a_reminder_comes_when_it_is_due_until_the_subscription_is_renewed() {
    const FILTER: &str = "/restapi/v1.0/subscription/~?threshold=60&interval=20";
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    let mut subscription = subscribe(&stage, &receiver, &[FILTER]).await;
    subscription.lifetime = Duration::from_secs(600);
    subscription.expires_at = stage.house.now().after(subscription.lifetime);
    stage.put(subscription.clone()).await;
    let webhooks = start(&stage.house);
    let subscription_id = subscription.id;
    let wait = |seconds| pass(&stage, &webhooks, subscription_id, Duration::from_secs(seconds));

    wait(539);
    settled(&stage, &webhooks, subscription.id).await;
    assert!(receiver.notifications().is_empty());
    receiver.answer(|_| status(500));
    wait(1);
    until("the first attempt failed", || receiver.notifications().len() == 1).await;
    receiver.answer(|_| -> Reply { status(200) });
    until("it came again", || {
        wait(1);
        receiver.notifications().len() >= 2
    })
    .await;
    let reminders = |from: usize| -> Vec<Value> {
        receiver.notifications()[from..].iter().map(super::receiver::Got::json).collect()
    };
    let first = reminders(0);
    assert_eq!(first[0]["event"], FILTER);
    assert_eq!(first[0]["body"]["expiresIn"], 60);
    assert_eq!(first[0]["uuid"], first[1]["uuid"]);
    assert_eq!(first[0]["subscriptionId"], subscription.id.to_string());

    wait(20);
    until("the next one came", || receiver.notifications().len() >= 3).await;
    let next = reminders(2);
    assert_ne!(next[0]["uuid"], first[0]["uuid"]);

    subscription.renew(stage.house.now());
    stage.put(subscription.clone()).await;
    let count = receiver.notifications().len();
    wait(100);
    stage.toggle(2).await;
    settled(&stage, &webhooks, subscription.id).await;
    assert_eq!(receiver.notifications().len(), count, "renewed: nothing to remind of");
    webhooks.stop().await;
}
