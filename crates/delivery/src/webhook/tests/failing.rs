//! What a receiver that is not well gets: patience, then silence, then everything it missed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::Duration;

use lampfield_core::subscription::SubscriptionStatus;
use lampfield_journal::memory::MemoryJournal;

use super::receiver::{Got, Receiver, Reply, status as answer};
use super::{assert_sound, loopback, pass, settled, start, status};
use crate::stage::{Stage, epoch, says, until};
use crate::webhook::{ReactivateError, Webhooks};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_receiver_that_comes_back_gets_everything_in_order() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    let is_down = Arc::new(AtomicBool::new(true));
    let down = Arc::clone(&is_down);
    receiver.answer(move |_| if down.load(Ordering::SeqCst) { answer(500) } else { answer(200) });
    let subscription = stage.subscribe(&receiver.url()).await;
    let webhooks = start(&stage.house);
    for round in 0..6 {
        for extension in 1..=10 {
            stage.toggle(extension).await;
        }
        failed(&webhooks, &stage, round).await;
    }

    is_down.store(false, Ordering::SeqCst);
    pass(&stage, &webhooks, subscription.id, MINUTE * 2);
    settled(&stage, &webhooks, subscription.id).await;

    let got = receiver.notifications();
    assert_sound(&got);
    let all: BTreeSet<u64> = receiver.sequences().into_iter().collect();
    assert_eq!(all, (1..=60).collect());
    let health = webhooks.health(subscription.id).unwrap();
    assert_eq!((health.failures_in_a_row, health.lag), (0, 0));
    assert_eq!(
        health.last_error.as_deref(),
        Some("Webhook responses with code: [500], reason: [Internal Server Error]")
    );
    assert!(health.recent.len() == 20 && health.next_attempt.is_none());
    webhooks.stop().await;
}

#[tokio::test]
async fn while_it_fails_only_the_earliest_event_is_tried() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    receiver.answer(|_| answer(503));
    let subscription = stage.subscribe(&receiver.url()).await;
    for extension in 1..=5 {
        stage.toggle(extension).await;
    }
    let webhooks = start(&stage.house);
    until("the window failed", || {
        webhooks.health(subscription.id).is_some_and(|health| health.failures_in_a_row == 5)
    })
    .await;
    // What fails together is one failure for the schedule: 1 s, give or take a fifth.
    let wait = next_attempt(&webhooks, &stage).unwrap().since(stage.house.now());
    assert!(wait <= Duration::from_millis(1200), "{wait:?}");

    for attempt in 1..=3_usize {
        until("it waits", || next_attempt(&webhooks, &stage).is_some()).await;
        pass(&stage, &webhooks, subscription.id, MINUTE * 2);
        until("the next attempt was made", || receiver.notifications().len() == 5 + attempt).await;
    }

    let tried: Vec<_> = receiver.sequences().split_off(5);
    assert_eq!(tried, [1, 1, 1]);
    webhooks.stop().await;
}

#[tokio::test]
async fn an_attempt_is_made_no_sooner_than_the_receiver_asked() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    receiver.answer(|_| Reply::Status(429, vec![("Retry-After", "60".to_owned())]));
    let subscription = stage.subscribe(&receiver.url()).await;
    let webhooks = start(&stage.house);
    stage.toggle(7).await;
    until("it waits", || next_attempt(&webhooks, &stage).is_some()).await;

    assert_eq!(next_attempt(&webhooks, &stage), Some(stage.house.now().after(MINUTE)));
    pass(&stage, &webhooks, subscription.id, MINUTE.saturating_sub(Duration::from_millis(1)));
    let other = Receiver::open().await;
    let beside = stage.subscribe(&other.url()).await;
    webhooks.subscription_changed(beside.id);
    stage.toggle(8).await;
    settled(&stage, &webhooks, beside.id).await;
    assert_eq!(receiver.notifications().len(), 1);

    pass(&stage, &webhooks, subscription.id, Duration::from_millis(1));
    until("it was tried again", || receiver.notifications().len() == 2).await;
    webhooks.stop().await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_given_up_at_once() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    receiver.answer(|_| answer(410));
    let subscription = stage.subscribe(&receiver.url()).await;
    let webhooks = start(&stage.house);

    stage.toggle(7).await;
    until("it is blacklisted", || status(&stage, subscription.id) != SubscriptionStatus::Active)
        .await;

    let SubscriptionStatus::Blacklisted(entry) = status(&stage, subscription.id) else { panic!() };
    assert_eq!(entry.at, stage.house.now());
    assert_eq!(entry.reason, "Webhook responses with code: [410], reason: [Gone]");
    assert_eq!(receiver.notifications().len(), 1);
    webhooks.stop().await;
}

#[tokio::test]
async fn ten_minutes_of_failure_blacklist_and_a_probe_brings_back_everything() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    let code = Arc::new(AtomicU16::new(500));
    let now = Arc::clone(&code);
    receiver.answer(move |got| match now.load(Ordering::SeqCst) {
        200 if got.header("validation-token").is_some() => Reply::Echo,
        code => answer(code),
    });
    let subscription = stage.subscribe(&receiver.url()).await;
    let webhooks = start(&stage.house);
    stage.toggle(7).await;
    give_up(&stage, &webhooks, &receiver, subscription.id).await;
    for extension in 8..=12 {
        stage.toggle(extension).await;
    }

    // The first probe fails, the second finds the receiver well.
    let is_probed = |probes: usize| {
        receiver.requests().iter().filter(|got| got.header("validation-token").is_some()).count()
            == probes
    };
    until("a probe is planned", || next_attempt(&webhooks, &stage).is_some()).await;
    pass(&stage, &webhooks, subscription.id, MINUTE * 15);
    until("it was probed", || is_probed(1)).await;
    assert_ne!(status(&stage, subscription.id), SubscriptionStatus::Active);
    let before = stage.house.now();
    until("the next probe is planned", || next_attempt(&webhooks, &stage) > Some(before)).await;
    code.store(200, Ordering::SeqCst);
    pass(&stage, &webhooks, subscription.id, MINUTE * 15);
    settled(&stage, &webhooks, subscription.id).await;

    assert_eq!(status(&stage, subscription.id), SubscriptionStatus::Active);
    assert!(is_probed(2));
    let delivered: BTreeSet<u64> = receiver.sequences().into_iter().collect();
    assert_eq!(delivered, (1..=6).collect());
    assert_sound(&receiver.notifications());
    webhooks.stop().await;
}

#[tokio::test]
async fn a_renewal_shakes_hands_and_takes_up_again_from_the_cursor() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    let is_well = Arc::new(AtomicBool::new(false));
    let well = Arc::clone(&is_well);
    receiver.answer(move |got| match well.load(Ordering::SeqCst) {
        false => answer(500),
        true if got.header("validation-token").is_some() => Reply::Echo,
        true => answer(200),
    });
    let subscription = stage.subscribe(&receiver.url()).await;
    let webhooks = start(&stage.house);
    stage.toggle(7).await;
    give_up(&stage, &webhooks, &receiver, subscription.id).await;
    stage.toggle(8).await;

    let refused = webhooks.reactivate(subscription.id).await;
    assert!(matches!(refused, Err(ReactivateError::Handshake(_))), "{refused:?}");
    assert_ne!(status(&stage, subscription.id), SubscriptionStatus::Active);
    is_well.store(true, Ordering::SeqCst);
    webhooks.reactivate(subscription.id).await.unwrap();
    settled(&stage, &webhooks, subscription.id).await;

    let delivered: BTreeSet<u64> = receiver.sequences().into_iter().collect();
    assert_eq!(delivered, BTreeSet::from([1, 2]));
    webhooks.stop().await;
}

#[tokio::test]
async fn a_blacklisted_subscription_stays_so_over_a_restart() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    receiver.answer(|_| answer(410));
    let subscription = stage.subscribe(&receiver.url()).await;
    let webhooks = start(&stage.house);
    stage.toggle(7).await;
    until("it is blacklisted", || status(&stage, subscription.id) != SubscriptionStatus::Active)
        .await;
    webhooks.stop().await;

    let house = stage.again();
    let webhooks = start(&house);
    stage.toggle(8).await;
    until("a probe is planned", || {
        webhooks.health(subscription.id).is_some_and(|health| health.next_attempt.is_some())
    })
    .await;
    webhooks.stop().await;

    assert_eq!(receiver.notifications().len(), 1);
}

#[tokio::test]
async fn an_answer_cut_before_its_status_is_tried_again_with_the_same_uuid() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    receiver.answer(|_| Reply::Raw(b"HTTP/1.1 20".to_vec()));
    let subscription = stage.subscribe(&receiver.url()).await;
    let webhooks = start(&stage.house);
    stage.toggle(7).await;
    until("it waits", || next_attempt(&webhooks, &stage).is_some()).await;

    receiver.answer(|_| answer(200));
    pass(&stage, &webhooks, subscription.id, Duration::from_secs(2));
    settled(&stage, &webhooks, subscription.id).await;

    let got = receiver.notifications();
    assert_eq!(got.len(), 2);
    assert_eq!(got[0].body, got[1].body);
    webhooks.stop().await;
}

#[tokio::test]
async fn an_endless_answer_to_a_notification_is_cut_and_counts_as_taken() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    receiver.answer(|_| Reply::Endless("HTTP/1.1 200 OK\r\n\r\n"));
    let subscription = stage.subscribe(&receiver.url()).await;
    let webhooks = start(&stage.house);

    let began = std::time::Instant::now();
    for _ in 0..3 {
        stage.toggle(7).await;
    }
    settled(&stage, &webhooks, subscription.id).await;

    assert!(began.elapsed() < stage.house.config.webhook.timeout);
    assert_eq!(receiver.sequences(), [1, 2, 3]);
    webhooks.stop().await;
}

#[tokio::test]
async fn a_redirect_of_a_notification_is_a_failure_and_is_not_followed() {
    let (stage, receiver, elsewhere) =
        (Stage::new(loopback()).await, Receiver::open().await, Receiver::open().await);
    let url = elsewhere.url();
    receiver.answer(move |_| Reply::Status(308, vec![("Location", url.clone())]));
    let subscription = stage.subscribe(&receiver.url()).await;
    let webhooks = start(&stage.house);

    stage.toggle(7).await;
    until("it waits", || next_attempt(&webhooks, &stage).is_some()).await;

    assert_eq!(elsewhere.connections(), 0);
    assert_eq!(webhooks.health(subscription.id).unwrap().failures_in_a_row, 1);
    webhooks.stop().await;
}

#[tokio::test]
async fn what_is_no_longer_kept_is_told_by_the_newest_event_of_each_extension() {
    let stage = Stage::with(loopback(), MemoryJournal::with(epoch(1), 10)).await;
    let receiver = Receiver::open().await;
    let subscription = stage.subscribe(&receiver.url()).await;
    for _ in 0..5 {
        for extension in 1..=4 {
            stage.toggle(extension).await;
        }
    }
    let house = stage.again(); // with an empty ring
    let webhooks = start(&house);

    settled(&stage, &webhooks, subscription.id).await;

    let mut sequences = receiver.sequences();
    sequences.sort_unstable();
    assert_eq!(sequences, [17, 18, 19, 20]);
    stage.toggle(1).await;
    until("the next comes by itself", || receiver.sequences().contains(&21)).await;
    webhooks.stop().await;
}

/// Two extensions rang, which is not kept any more; since then nothing happened that a webhook is told
/// of. The first is told, the second fails.
async fn half_told() -> (Stage, Receiver, Arc<AtomicBool>, lampfield_core::SubscriptionId, Webhooks)
{
    let stage = Stage::with(loopback(), MemoryJournal::with(epoch(1), 10)).await;
    let (receiver, is_down) = (Receiver::open().await, Arc::new(AtomicBool::new(true)));
    let down = Arc::clone(&is_down);
    receiver.answer(move |got| {
        let fails = got.extension() == "3" && down.load(Ordering::SeqCst);
        answer(if fails { 500 } else { 200 })
    });
    let subscription = stage.subscribe(&receiver.url()).await;
    for extension in [2, 3] {
        stage.toggle(extension).await;
    }
    for round in 0..12 {
        for extension in [2, 3] {
            stage.configure(extension, says(&round.to_string())).await;
        }
    }
    let webhooks = start(&stage.again()); // with an empty ring
    until("one is told and one waits", || {
        let told = receiver.notifications();
        told.iter().any(|got| got.extension() == "2") && next_attempt(&webhooks, &stage).is_some()
    })
    .await;
    is_down.store(false, Ordering::SeqCst);
    (stage, receiver, is_down, subscription.id, webhooks)
}

fn is_told_again(receiver: &Receiver) -> bool {
    let got = receiver.notifications();
    let last = got.iter().filter(|got| got.extension() == "3").nth(1);
    last.is_some_and(|got| got.json()["body"]["telephonyStatus"] == "Ringing")
}

#[tokio::test]
async fn a_newest_event_that_failed_still_stands_for_what_is_no_longer_kept() {
    let (stage, receiver, _, id, webhooks) = half_told().await;

    pass(&stage, &webhooks, id, MINUTE * 2);

    until("it is told", || is_told_again(&receiver)).await;
    webhooks.stop().await;
}

#[tokio::test]
async fn a_newest_event_still_stands_for_what_is_no_longer_kept_after_a_restart() {
    let (stage, receiver, _, _, webhooks) = half_told().await;
    webhooks.stop().await;

    let webhooks = start(&stage.again());

    until("it is told", || is_told_again(&receiver)).await;
    webhooks.stop().await;
}

#[tokio::test]
async fn newest_events_are_taken_up_page_by_page_however_many_there_are() {
    let stage = Stage::with(loopback(), MemoryJournal::with(epoch(1), 10)).await;
    let receiver = Receiver::open().await;
    let subscription = stage.subscribe(&receiver.url()).await;
    for extension in 2..302 {
        stage.toggle(extension).await;
    }
    for extension in 2..302 {
        stage.configure(extension, says("back soon")).await;
    }
    let webhooks = start(&stage.again()); // with an empty ring

    settled(&stage, &webhooks, subscription.id).await;

    let told: BTreeSet<_> = receiver.notifications().iter().map(Got::extension).collect();
    assert_eq!((told.len(), receiver.notifications().len()), (300, 300));
    webhooks.stop().await;
    let saved = stage.again().registry.cursor(subscription.id).unwrap();
    assert_eq!(saved.offset, 600);
}

#[tokio::test]
async fn a_cursor_of_another_log_begins_anew_with_the_newest_of_each_extension() {
    let stage = Stage::with(loopback(), MemoryJournal::with(epoch(2), 1000)).await;
    let receiver = Receiver::open().await;
    let mut subscription = stage.subscription(&receiver.url());
    subscription.from.epoch = epoch(1);
    subscription.from.offset = 777;
    stage.put(subscription.clone()).await;
    for _ in 0..3 {
        for extension in 1..=3 {
            stage.toggle(extension).await;
        }
    }
    let webhooks = start(&stage.house);

    settled(&stage, &webhooks, subscription.id).await;

    let mut sequences = receiver.sequences();
    sequences.sort_unstable();
    assert_eq!(sequences, [7, 8, 9]);
    webhooks.stop().await;
    let saved = stage.house.registry.cursor(subscription.id).unwrap();
    assert_eq!((saved.epoch, saved.offset), (epoch(2), 9));
}

/// Fails until the receiver is blacklisted; each failure is waited for.
async fn give_up(
    stage: &Stage,
    webhooks: &Webhooks,
    receiver: &Receiver,
    id: lampfield_core::SubscriptionId,
) {
    let mut minutes = 0;
    while status(stage, id) == SubscriptionStatus::Active {
        let count = receiver.requests().len();
        until("it waits or is given up", || {
            next_attempt(webhooks, stage).is_some()
                || status(stage, id) != SubscriptionStatus::Active
        })
        .await;
        if status(stage, id) != SubscriptionStatus::Active {
            break;
        }
        pass(stage, webhooks, id, MINUTE * 2);
        minutes += 2;
        until("it was tried", || receiver.requests().len() > count).await;
        until("the failure was noted", || {
            let noted = webhooks.health(id).unwrap().attempts;
            noted >= receiver.notifications().len() as u64
        })
        .await;
    }
    assert!((10..=14).contains(&minutes), "given up after {minutes} minutes");
}

fn next_attempt(webhooks: &Webhooks, stage: &Stage) -> Option<lampfield_core::Timestamp> {
    let subscription = stage.house.registry.subscriptions().first()?.id;
    webhooks.health(subscription)?.next_attempt
}

/// Lets one round of failures happen, and time pass until the next.
async fn failed(webhooks: &Webhooks, stage: &Stage, round: u32) {
    let id = stage.house.registry.subscriptions()[0].id;
    until("the round failed", || next_attempt(webhooks, stage) > Some(stage.house.now())).await;
    if round < 5 {
        let wait = next_attempt(webhooks, stage).unwrap().since(stage.house.now());
        pass(stage, webhooks, id, wait);
        until("it was tried again", || {
            next_attempt(webhooks, stage).is_some_and(|at| at > stage.house.now())
        })
        .await;
    }
}
