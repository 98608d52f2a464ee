//! What a receiver that is well gets.

use std::time::Duration;

use lampfield_core::subscription::{EventFilter, Subscription, Transport};
use lampfield_core::visibility::Detail;
use lampfield_journal::DirectoryChange;

use super::receiver::{Receiver, Reply};
use super::{assert_sound, loopback, pass, settled, start};
use crate::stage::{Stage, id, until};

#[tokio::test]
async fn an_event_arrives_as_the_contract_says() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    let subscription = stage.subscribe(&receiver.url()).await;
    let webhooks = start(&stage.house);

    let record = stage.toggle(7).await;
    until("it arrived", || !receiver.notifications().is_empty()).await;

    let got = &receiver.notifications()[0];
    assert_eq!(got.line, "POST /hook?a=b HTTP/1.1");
    assert_eq!(got.header("content-type"), Some("application/json; charset=UTF-8"));
    assert_eq!(got.header("accept"), Some("application/json"));
    assert_eq!(got.header("verification-token"), Some("secret-token"));
    assert_eq!(got.header("validation-token"), None);
    assert!(got.header("user-agent").unwrap().starts_with("RingCentral-Webhook/8.3"));
    assert_eq!(got.header("content-length"), Some(got.body.len().to_string().as_str()));
    let json = got.json();
    assert_eq!(json["event"], "/restapi/v1.0/account/~/extension/7/presence");
    assert_eq!(json["subscriptionId"], subscription.id.to_string());
    assert_eq!(json["ownerId"], "1");
    assert_eq!(json["timestamp"], "2026-01-01T00:00:00.000Z");
    assert_eq!(json["body"]["extensionId"], "7");
    assert_eq!(json["body"]["telephonyStatus"], "Ringing");
    assert_eq!(json["body"]["sequence"], record.event.sequence.0);
    assert_eq!(json["body"].as_object().unwrap().len(), 10);
    settled(&stage, &webhooks, subscription.id).await;
    webhooks.stop().await;
}

#[tokio::test]
async fn only_what_the_filters_ask_for_is_told_in_the_detail_they_ask_for() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    let mut subscription = stage.subscription(&receiver.url());
    subscription.filters =
        vec![EventFilter::Extension(id(7), Detail::Detailed), EventFilter::Foreign("/x".into())];
    stage.put(subscription.clone()).await;
    let webhooks = start(&stage.house);

    for extension in [6, 7, 8, 7] {
        stage.toggle(extension).await;
    }
    settled(&stage, &webhooks, subscription.id).await;

    assert_eq!(receiver.sequences(), [2, 4]);
    let last = receiver.notifications()[1].json();
    assert_eq!(last["body"]["activeCalls"][0]["terminationType"], "final");
    webhooks.stop().await;
}

#[tokio::test]
async fn a_subscription_begins_where_it_was_made() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    stage.toggle(2).await;
    let subscription = stage.subscription(&receiver.url());
    stage.toggle(3).await; // between the reading of its place and its storing
    stage.put(subscription.clone()).await;
    let webhooks = start(&stage.house);
    stage.toggle(4).await;

    settled(&stage, &webhooks, subscription.id).await;

    let mut sequences = receiver.sequences();
    sequences.sort_unstable();
    assert_eq!(sequences, [2, 3]);
    webhooks.stop().await;
}

#[tokio::test]
async fn the_window_is_kept_and_no_extension_overtakes_itself() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    receiver.answer(|_| Reply::Slow(Duration::from_millis(10)));
    let subscription = stage.subscribe(&receiver.url()).await;
    for _ in 0..5 {
        for extension in 1..=12 {
            stage.toggle(extension).await;
            stage.toggle(extension).await;
        }
    }
    let webhooks = start(&stage.house);

    settled(&stage, &webhooks, subscription.id).await;

    assert_eq!(receiver.notifications().len(), 120);
    assert_sound(&receiver.notifications());
    assert_eq!(receiver.clashes(), 0);
    assert_eq!(receiver.most_at_once(), stage.house.config.webhook.window_max);
    webhooks.stop().await;
}

#[tokio::test]
async fn a_receiver_that_never_answers_delays_nobody_else() {
    let (stage, slow, quick) =
        (Stage::new(loopback()).await, Receiver::open().await, Receiver::open().await);
    slow.answer(|_| Reply::Silence);
    stage.subscribe(&slow.url()).await;
    let subscription = stage.subscribe(&quick.url()).await;
    let webhooks = start(&stage.house);

    for extension in 1..=20 {
        stage.toggle(extension).await;
    }
    let began = std::time::Instant::now();
    settled(&stage, &webhooks, subscription.id).await;

    assert!(began.elapsed() < stage.house.config.webhook.timeout, "waited for the other one");
    assert_eq!(quick.notifications().len(), 20);
    assert!(slow.most_at_once() <= stage.house.config.webhook.window_max);
    webhooks.stop().await;
}

#[tokio::test]
async fn many_dead_receivers_delay_no_living_one() {
    let stage = Stage::new(loopback()).await;
    let (living, dead) = (Receiver::open().await, Receiver::open().await);
    dead.answer(|_| Reply::Silence);
    let mut awake = Vec::new();
    for number in 0..200 {
        let receiver = if number % 3 == 0 { &dead } else { &living };
        let subscription = stage.subscribe(&receiver.url()).await;
        if number % 3 != 0 {
            awake.push(subscription.id);
        }
    }
    let webhooks = start(&stage.house);
    for extension in 1..=3 {
        stage.toggle(extension).await;
    }

    for id in &awake {
        settled(&stage, &webhooks, *id).await;
    }

    assert_eq!(living.notifications().len(), awake.len() * 3);
    let per_host = stage.house.config.webhook.per_host_max;
    assert!(dead.most_at_once() <= per_host && living.most_at_once() <= per_host);
    let lags = webhooks.lags();
    assert_eq!(lags.len(), 200);
    assert_eq!(lags.iter().filter(|(_, lag)| *lag == 0).count(), awake.len());
    webhooks.stop().await;
}

#[tokio::test]
async fn two_subscriptions_get_their_own_notifications_of_one_change() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    stage.subscribe(&receiver.url()).await;
    stage.subscribe(&receiver.url()).await;
    let webhooks = start(&stage.house);

    stage.toggle(7).await;
    until("both arrived", || receiver.notifications().len() == 2).await;

    let got = receiver.notifications();
    assert_ne!(got[0].uuid(), got[1].uuid());
    assert_ne!(got[0].json()["subscriptionId"], got[1].json()["subscriptionId"]);
    assert_eq!(got[0].sequence(), got[1].sequence());
    webhooks.stop().await;
}

#[tokio::test]
async fn after_a_deletion_nothing_is_sent() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    let subscription = stage.subscribe(&receiver.url()).await;
    let webhooks = start(&stage.house);
    stage.toggle(7).await;
    until("it arrived", || receiver.notifications().len() == 1).await;

    let gone = DirectoryChange::RemoveSubscription(subscription.id);
    stage.house.registry.apply(vec![gone]).await.unwrap();
    webhooks.subscription_changed(subscription.id);
    let other = stage.subscribe(&receiver.url()).await;
    webhooks.subscription_changed(other.id);
    for _ in 0..20 {
        stage.toggle(8).await;
    }
    settled(&stage, &webhooks, other.id).await;

    let of_the_deleted = receiver
        .notifications()
        .iter()
        .filter(|got| got.json()["subscriptionId"] == subscription.id.to_string())
        .count();
    assert_eq!(of_the_deleted, 1);
    until("its worker is gone", || webhooks.health(subscription.id).is_none()).await;
    webhooks.stop().await;
}

#[tokio::test]
async fn a_subscription_that_is_over_is_removed() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    let subscription = stage.subscribe(&receiver.url()).await;
    let webhooks = start(&stage.house);
    stage.toggle(7).await;
    settled(&stage, &webhooks, subscription.id).await;

    pass(
        &stage,
        &webhooks,
        subscription.id,
        subscription.lifetime.saturating_sub(Duration::from_millis(1)),
    );
    stage.toggle(7).await;
    settled(&stage, &webhooks, subscription.id).await;
    pass(&stage, &webhooks, subscription.id, Duration::from_millis(1));
    until("it is removed", || stage.house.registry.subscription(subscription.id).is_none()).await;
    stage.toggle(7).await;
    webhooks.stop().await;

    assert_eq!(receiver.sequences(), [1, 2]);
}

#[tokio::test]
async fn a_changed_subscription_goes_on_with_its_new_filters() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    let subscription = stage.subscribe(&receiver.url()).await;
    let webhooks = start(&stage.house);
    stage.toggle(7).await;
    settled(&stage, &webhooks, subscription.id).await;

    let filters = vec![EventFilter::Extension(id(8), Detail::Plain)];
    let transport = Transport::webhook(receiver.url(), Some("another".to_owned()));
    stage.put(Subscription { filters, transport, ..subscription.clone() }).await;
    webhooks.subscription_changed(subscription.id);
    stage.toggle(7).await;
    stage.toggle(8).await;
    settled(&stage, &webhooks, subscription.id).await;

    assert_eq!(receiver.sequences(), [1, 3]);
    assert_eq!(receiver.notifications()[1].header("verification-token"), Some("another"));
    webhooks.stop().await;
}

#[tokio::test]
async fn after_a_stop_nothing_is_repeated_and_nothing_is_missed() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    let subscription = stage.subscribe(&receiver.url()).await;
    let webhooks = start(&stage.house);
    for extension in 1..=9 {
        stage.toggle(extension).await;
    }
    until("some arrived", || !receiver.notifications().is_empty()).await;
    webhooks.stop().await;
    for extension in 1..=9 {
        stage.toggle(extension).await;
    }

    let house = stage.again();
    let webhooks = start(&house);
    settled(&stage, &webhooks, subscription.id).await;
    webhooks.stop().await;

    let mut sequences = receiver.sequences();
    sequences.sort_unstable();
    assert_eq!(sequences, (1..=18).collect::<Vec<_>>());
    assert_sound(&receiver.notifications());
}

#[tokio::test]
async fn a_crash_before_the_cursor_is_saved_repeats_with_the_same_uuid_and_loses_nothing() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    let subscription = stage.subscribe(&receiver.url()).await;
    let webhooks = start(&stage.house);
    for extension in 1..=20 {
        stage.toggle(extension).await;
    }
    until("all arrived", || receiver.notifications().len() == 20).await;
    webhooks.crew.lock().tasks.abort_all(); // no stop: nothing more is saved
    let saved = stage.house.registry.cursor(subscription.id);
    assert!(saved.is_none_or(|cursor| cursor.offset < 20), "{saved:?}");
    stage.toggle(5).await;

    let house = stage.again();
    let webhooks = start(&house);
    settled(&stage, &webhooks, subscription.id).await;
    webhooks.stop().await;

    let got = receiver.notifications();
    assert_sound(&got);
    let mut sequences = receiver.sequences();
    sequences.sort_unstable();
    sequences.dedup();
    assert_eq!(sequences, (1..=21).collect::<Vec<_>>());
    assert!(got.len() <= 21 + 64, "more repeated than promised: {}", got.len());
}

#[tokio::test]
async fn the_cursor_is_saved_without_a_stop_soon_after_it_moved() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    let subscription = stage.subscribe(&receiver.url()).await;
    let webhooks = start(&stage.house);

    stage.toggle(3).await;

    until("the cursor is saved", || {
        stage.house.registry.cursor(subscription.id).is_some_and(|cursor| cursor.offset == 1)
    })
    .await;
    webhooks.stop().await;
}
