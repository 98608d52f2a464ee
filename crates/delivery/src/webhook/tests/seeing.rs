//! What a webhook's owner may see, at the moment of sending.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lampfield_core::directory::{App, Extension, Grants, Permissions, Scopes};
use lampfield_core::subscription::EventFilter;
use lampfield_core::visibility::Detail;
use lampfield_core::{AppId, CallerIdVisibility, SettingsPatch};
use lampfield_journal::DirectoryChange;

use super::receiver::{Receiver, status as answer};
use super::{loopback, pass, settled, start};
use crate::config::DeliveryConfig;
use crate::stage::{Stage, extension, key, says, until};

#[tokio::test]
async fn what_is_hidden_is_told_once_and_then_withheld() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    let subscription = stage.subscribe(&receiver.url()).await;
    let webhooks = start(&stage.house);

    stage.toggle(7).await;
    settled(&stage, &webhooks, subscription.id).await;
    stage.allow_see(7, false).await;
    stage.toggle(7).await;
    stage.toggle(7).await;
    stage.toggle(8).await;
    stage.allow_see(7, true).await;
    settled(&stage, &webhooks, subscription.id).await;

    let mut told = receiver.sequences();
    told.sort_unstable();
    assert_eq!(told, [1, 2, 5, 6]);
    webhooks.stop().await;
}

#[tokio::test]
async fn the_event_that_hides_shows_nothing_else() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    let subscription = stage.subscribe(&receiver.url()).await;
    let webhooks = start(&stage.house);
    stage.toggle(7).await;
    settled(&stage, &webhooks, subscription.id).await;

    stage.allow_see(7, false).await;
    settled(&stage, &webhooks, subscription.id).await;

    let got = receiver.notifications();
    assert_eq!(got[1].json()["body"]["allowSeeMyPresence"], false);
    assert_eq!(got[1].json()["body"]["telephonyStatus"], "NoCall");
    assert_eq!(got[1].json()["body"]["presenceStatus"], "Offline");
    webhooks.stop().await;
}

#[tokio::test]
async fn what_waited_for_a_retry_and_was_hidden_meanwhile_is_not_sent_again() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    let is_down = Arc::new(AtomicBool::new(true));
    let down = Arc::clone(&is_down);
    receiver.answer(move |_| if down.load(Ordering::SeqCst) { answer(500) } else { answer(200) });
    let subscription = stage.subscribe(&receiver.url()).await;
    let webhooks = start(&stage.house);
    stage.toggle(7).await;
    until("it waits", || {
        webhooks.health(subscription.id).is_some_and(|health| health.next_attempt.is_some())
    })
    .await;

    stage.allow_see(7, false).await;
    is_down.store(false, Ordering::SeqCst);
    pass(&stage, &webhooks, subscription.id, Duration::from_secs(2));
    settled(&stage, &webhooks, subscription.id).await;

    assert_eq!(receiver.sequences(), [1, 2], "the ring event came a second time");
    webhooks.stop().await;
}

#[tokio::test]
async fn one_sees_oneself_though_hidden_from_others() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    let subscription = stage.subscribe(&receiver.url()).await;
    let webhooks = start(&stage.house);

    stage.allow_see(1, false).await;
    stage.toggle(1).await;
    settled(&stage, &webhooks, subscription.id).await;

    assert_eq!(receiver.notifications()[1].json()["body"]["telephonyStatus"], "Ringing");
    webhooks.stop().await;
}

#[tokio::test]
async fn administrators_see_all_only_where_the_house_says_so() {
    for (sees_all, told) in [(false, vec![1]), (true, vec![1, 2])] {
        let config = DeliveryConfig { administrators_see_all: sees_all, ..loopback() };
        let (stage, receiver) = (Stage::new(config).await, Receiver::open().await);
        let subscription = stage.subscribe(&receiver.url()).await;
        let permissions = Permissions::ordinary().with(Permissions::ADMIN);
        permit(&stage, permissions).await;
        let webhooks = start(&stage.house);

        stage.allow_see(7, false).await;
        settled(&stage, &webhooks, subscription.id).await;
        stage.toggle(7).await;
        settled(&stage, &webhooks, subscription.id).await;

        assert_eq!(receiver.sequences(), told);
        webhooks.stop().await;
    }
}

#[tokio::test]
async fn callers_are_shown_only_to_those_who_may_see_them() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    let mut subscription = stage.subscription(&receiver.url());
    subscription.filters = vec![EventFilter::Account(Detail::Detailed)];
    stage.put(subscription.clone()).await;
    let patch = SettingsPatch {
        caller_id_visibility: Some(CallerIdVisibility::None),
        ..SettingsPatch::default()
    };
    stage.configure(8, patch).await;
    let webhooks = start(&stage.house);

    stage.toggle(7).await;
    settled(&stage, &webhooks, subscription.id).await;
    stage.toggle(8).await;
    settled(&stage, &webhooks, subscription.id).await;

    let got = receiver.notifications();
    assert_eq!(got[0].json()["body"]["activeCalls"][0]["from"], "+12025550199");
    assert_eq!(got[1].json()["body"]["activeCalls"][0]["telephonyStatus"], "Ringing");
    assert!(!got[1].body.contains("+12025550199") && !got[1].body.contains("A Caller"));
    webhooks.stop().await;
}

#[tokio::test]
async fn a_message_alone_is_nothing_to_tell() {
    let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
    let subscription = stage.subscribe(&receiver.url()).await;
    let webhooks = start(&stage.house);

    stage.configure(7, says("back at noon")).await;
    settled(&stage, &webhooks, subscription.id).await;

    assert!(receiver.sequences().is_empty());
    webhooks.stop().await;
}

#[tokio::test]
async fn whoever_lost_the_permission_is_told_nothing_more() {
    let take_scope = DirectoryChange::PutApp(App {
        id: AppId::new("app").unwrap(),
        name: "app".into(),
        secret: None,
        scopes: Scopes::READ_PRESENCE,
        account: None,
        grants: Grants::ALL,
        redirect_uris: Box::default(),
    });
    let take_permission = DirectoryChange::PutExtension(Extension {
        permissions: Permissions::READ_PRESENCE_STATUS,
        ..extension(1)
    });
    let take_owner = DirectoryChange::RemoveExtension(key(1));
    for loss in [take_scope, take_permission, take_owner] {
        let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
        let subscription = stage.subscribe(&receiver.url()).await;
        let webhooks = start(&stage.house);
        stage.toggle(7).await;
        settled(&stage, &webhooks, subscription.id).await;

        stage.house.registry.apply(vec![loss]).await.unwrap();
        stage.toggle(7).await;
        settled(&stage, &webhooks, subscription.id).await;

        assert_eq!(receiver.sequences(), [1]);
        webhooks.stop().await;
    }
}

async fn permit(stage: &Stage, permissions: Permissions) {
    let owner = Extension { permissions, ..extension(1) };
    stage.house.registry.apply(vec![DirectoryChange::PutExtension(owner)]).await.unwrap();
}
