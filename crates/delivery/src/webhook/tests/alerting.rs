//! What operators are told of receivers: before they are suspended, when they are, when they are back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use lampfield_core::SubscriptionId;
use lampfield_core::subscription::SubscriptionStatus;
use lampfield_journal::DirectoryChange;

use super::receiver::{Receiver, Reply, status as answer};
use super::{loopback, pass, settled, start, status};
use crate::alerts::{Alert, AlertReader, AlertState};
use crate::stage::{Stage, account, until};
use crate::webhook::Webhooks;

const MINUTE: Duration = Duration::from_secs(60);

/// A stage with one receiver whose answers can be chosen.
struct Scene {
    stage: Stage,
    receiver: Receiver,
    code: Arc<AtomicU16>,
    id: SubscriptionId,
    webhooks: Webhooks,
    reader: AlertReader,
}

impl Scene {
    async fn open() -> Self {
        let (stage, receiver) = (Stage::new(loopback()).await, Receiver::open().await);
        let code = Arc::new(AtomicU16::new(500));
        let now = Arc::clone(&code);
        receiver.answer(move |got| match now.load(Ordering::SeqCst) {
            200 if got.header("validation-token").is_some() => Reply::Echo,
            code => answer(code),
        });
        let id = stage.subscribe(&receiver.url()).await.id;
        let webhooks = start(&stage.house);
        stage.toggle(7).await;
        let reader = stage.house.alerts.reader(account());
        Self { stage, receiver, code, id, webhooks, reader }
    }

    fn news(&mut self) -> Vec<Alert> {
        self.reader.news(&self.stage.house.alerts)
    }

    /// Lets attempts fail until `is_so`, a minute at a time; returns after how many.
    async fn fail_until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) -> u64 {
        for minutes in 0..30 {
            let attempts = self.receiver.requests().len() as u64;
            until("the attempt was noted", || {
                let health = self.webhooks.health(self.id);
                health.is_some_and(|health| {
                    health.attempts >= attempts.max(1) && health.next_attempt.is_some()
                }) || self.is_suspended()
            })
            .await;
            if is_so(self) {
                return minutes;
            }
            pass(&self.stage, &self.webhooks, self.id, MINUTE * 6 / 5);
            until("it was tried", || self.receiver.requests().len() as u64 > attempts).await;
        }
        panic!("never: {what}");
    }

    fn is_suspended(&self) -> bool {
        status(&self.stage, self.id) != SubscriptionStatus::Active
    }

    fn state(&self) -> Option<AlertState> {
        self.webhooks.alert(self.id).map(|alert| alert.state)
    }
}

#[tokio::test]
async fn operators_are_warned_once_before_a_suspension_and_told_when_it_comes() {
    let mut scene = Scene::open().await;
    let began = scene.stage.house.now();
    scene.fail_until("a warning", |scene| scene.state().is_some()).await;

    let news = scene.news();
    assert_eq!(news.len(), 1);
    assert_eq!((news[0].state, news[0].subscription), (AlertState::Failing, scene.id));
    assert_eq!(news[0].suspended_at, Some(began.after(MINUTE * 10)));
    let reason = news[0].reason.as_deref().unwrap();
    assert!(reason.contains("[500]"), "{reason}");
    assert!(!scene.is_suspended(), "before, not after");
    assert!(scene.stage.house.now().since(began) >= MINUTE * 5);

    scene.fail_until("a suspension", Scene::is_suspended).await;
    until("it is told", || scene.state() == Some(AlertState::Suspended)).await;
    let news = scene.news();
    assert_eq!(news.len(), 1, "{news:?}");
    assert_eq!(news[0].suspended_at, None);
    scene.webhooks.stop().await;
}

#[tokio::test]
async fn a_receiver_that_recovers_in_time_is_told_as_recovered() {
    let mut scene = Scene::open().await;
    scene.fail_until("a warning", |scene| scene.state().is_some()).await;
    scene.news();

    scene.code.store(200, Ordering::SeqCst);
    pass(&scene.stage, &scene.webhooks, scene.id, MINUTE * 2);
    settled(&scene.stage, &scene.webhooks, scene.id).await;
    scene.stage.toggle(7).await;
    settled(&scene.stage, &scene.webhooks, scene.id).await;

    let news = scene.news();
    assert_eq!(news.len(), 1, "{news:?}");
    assert_eq!((news[0].state, news[0].reason.clone()), (AlertState::Recovered, None));
    scene.webhooks.stop().await;
}

#[tokio::test]
async fn a_short_failure_is_nobodys_business() {
    let mut scene = Scene::open().await;
    until("it waits", || {
        scene.webhooks.health(scene.id).is_some_and(|health| health.next_attempt.is_some())
    })
    .await;
    scene.code.store(200, Ordering::SeqCst);
    pass(&scene.stage, &scene.webhooks, scene.id, MINUTE);
    settled(&scene.stage, &scene.webhooks, scene.id).await;

    assert!(scene.news().is_empty());
    scene.webhooks.stop().await;
}

#[tokio::test]
async fn a_receiver_that_says_gone_is_told_as_suspended_at_once_and_as_reactivated_when_back() {
    let mut scene = Scene::open().await;
    scene.code.store(410, Ordering::SeqCst);
    pass(&scene.stage, &scene.webhooks, scene.id, MINUTE);
    until("it is told", || scene.state() == Some(AlertState::Suspended)).await;
    let news = scene.news();
    assert_eq!(news.iter().map(|alert| alert.state).collect::<Vec<_>>(), [AlertState::Suspended]);

    scene.code.store(200, Ordering::SeqCst);
    scene.webhooks.reactivate(scene.id).await.unwrap();
    settled(&scene.stage, &scene.webhooks, scene.id).await;

    let news = scene.news();
    assert_eq!(news.iter().map(|alert| alert.state).collect::<Vec<_>>(), [AlertState::Reactivated]);
    scene.webhooks.stop().await;
}

#[tokio::test]
async fn a_suspension_is_told_again_after_a_restart_since_when_it_holds() {
    let mut scene = Scene::open().await;
    scene.code.store(410, Ordering::SeqCst);
    pass(&scene.stage, &scene.webhooks, scene.id, MINUTE);
    until("it is suspended", || scene.is_suspended()).await;
    until("it is told", || !scene.news().is_empty()).await;
    let since = scene.stage.house.now();
    scene.webhooks.stop().await;
    scene.stage.clock.advance(MINUTE);

    let house = scene.stage.again();
    let webhooks = start(&house);
    until("it is told again", || house.alerts.of(scene.id).is_some()).await;

    let news = house.alerts.reader(account()).news(&house.alerts);
    assert_eq!((news[0].state, news[0].at), (AlertState::Suspended, since));
    webhooks.stop().await;
}

#[tokio::test]
async fn a_suspended_subscription_that_is_removed_is_told_as_ended() {
    let mut scene = Scene::open().await;
    scene.code.store(410, Ordering::SeqCst);
    pass(&scene.stage, &scene.webhooks, scene.id, MINUTE);
    until("it is told", || scene.state() == Some(AlertState::Suspended)).await;
    scene.news();

    let gone = DirectoryChange::RemoveSubscription(scene.id);
    scene.stage.house.registry.apply(vec![gone]).await.unwrap();
    scene.webhooks.subscription_changed(scene.id);
    until("its end is told", || scene.state() == Some(AlertState::Ended)).await;

    assert_eq!(scene.news().len(), 1);
    scene.webhooks.stop().await;
}
