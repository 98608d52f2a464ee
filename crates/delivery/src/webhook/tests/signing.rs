//! Signatures and CloudEvents: what a receiver gets beyond RingCentral's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lampfield_contract::SigningSecret;
use lampfield_core::SubscriptionId;
use lampfield_core::subscription::{
    SealedSecret, SigningKeys, Subscription, Transport, WebhookFormat,
};
use ring::hmac;

use super::receiver::{Got, Receiver, status as answer};
use super::{loopback, pass, settled, start};
use crate::config::DeliveryConfig;
use crate::stage::{Stage, until};
use crate::vault::Vault;

const DAY: Duration = Duration::from_secs(86_400);
const OLD: [u8; 32] = [1; 32];
const NEW: [u8; 32] = [2; 32];

/// Opens what is not sealed, but nothing that begins with 0.
#[derive(Debug)]
struct Open;

impl Vault for Open {
    fn open(&self, _: SubscriptionId, sealed: &SealedSecret) -> Option<SigningSecret> {
        SigningSecret::from_bytes(sealed.as_bytes()).filter(|it| it.as_bytes()[0] != 0)
    }
}

fn config() -> DeliveryConfig {
    DeliveryConfig { vault: Arc::new(Open), ..loopback() }
}

async fn subscribe(stage: &Stage, receiver: &Receiver, signing: SigningKeys) -> Subscription {
    let transport = Transport::WebHook {
        address: receiver.url(),
        verification_token: None,
        format: WebhookFormat::Contract,
        signing,
    };
    let subscription = Subscription { transport, ..stage.subscription(&receiver.url()) };
    stage.put(subscription.clone()).await;
    subscription
}

/// Verifies a request as Standard Webhooks tells receivers to: one good signature is enough.
fn is_signed_by(got: &Got, secret: &[u8]) -> bool {
    let header = |name| got.header(name).unwrap_or_default();
    let (id, at) = (header("webhook-id"), header("webhook-timestamp"));
    let content = format!("{id}.{at}.{}", got.body);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    header("webhook-signature").split(' ').filter_map(|one| one.strip_prefix("v1,")).any(|one| {
        STANDARD.decode(one).is_ok_and(|tag| hmac::verify(&key, content.as_bytes(), &tag).is_ok())
    })
}

#[tokio::test]
async fn a_notification_is_signed_with_id_time_and_body() {
    let (stage, receiver) = (Stage::new(config()).await, Receiver::open().await);
    let subscription = subscribe(&stage, &receiver, SigningKeys::of(SealedSecret::new(OLD))).await;
    let webhooks = start(&stage.house);

    stage.toggle(7).await;
    settled(&stage, &webhooks, subscription.id).await;

    let got = &receiver.notifications()[0];
    assert_eq!(got.header("webhook-id"), Some(got.uuid().as_str()));
    assert_eq!(got.header("webhook-timestamp"), Some("1767225600"));
    assert!(is_signed_by(got, &OLD) && !is_signed_by(got, &NEW));
    let forged = Got { body: got.body.replace("Ringing", "NoCall"), ..got.clone() };
    assert!(!is_signed_by(&forged, &OLD), "the body is part of what is signed");
    webhooks.stop().await;
}

#[tokio::test]
async fn without_a_secret_nothing_is_signed() {
    let (stage, receiver) = (Stage::new(config()).await, Receiver::open().await);
    let subscription = stage.subscribe(&receiver.url()).await;
    let webhooks = start(&stage.house);

    stage.toggle(7).await;
    settled(&stage, &webhooks, subscription.id).await;

    let got = &receiver.notifications()[0];
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        assert_eq!(got.header(name), None);
    }
    webhooks.stop().await;
}

#[tokio::test]
async fn a_repeat_keeps_its_id_and_is_signed_anew_with_its_own_time() {
    let (stage, receiver) = (Stage::new(config()).await, Receiver::open().await);
    let is_down = Arc::new(AtomicBool::new(true));
    let down = Arc::clone(&is_down);
    receiver.answer(move |_| if down.load(Ordering::SeqCst) { answer(500) } else { answer(200) });
    let subscription = subscribe(&stage, &receiver, SigningKeys::of(SealedSecret::new(OLD))).await;
    let webhooks = start(&stage.house);
    stage.toggle(7).await;
    until("it waits", || {
        webhooks.health(subscription.id).is_some_and(|health| health.next_attempt.is_some())
    })
    .await;

    is_down.store(false, Ordering::SeqCst);
    pass(&stage, &webhooks, subscription.id, Duration::from_secs(90));
    settled(&stage, &webhooks, subscription.id).await;

    let got = receiver.notifications();
    assert_eq!(got.len(), 2);
    assert_eq!(got[0].header("webhook-id"), got[1].header("webhook-id"));
    assert_eq!(got[0].body, got[1].body);
    assert_eq!(got[1].header("webhook-timestamp"), Some("1767225690"));
    assert!(got.iter().all(|got| is_signed_by(got, &OLD)));
    webhooks.stop().await;
}

#[tokio::test]
async fn after_a_rotation_both_secrets_sign_until_the_overlap_is_over() {
    let (stage, receiver) = (Stage::new(config()).await, Receiver::open().await);
    let mut keys = SigningKeys::of(SealedSecret::new(OLD));
    let subscription = subscribe(&stage, &receiver, keys.clone()).await;
    let webhooks = start(&stage.house);
    stage.toggle(7).await;
    settled(&stage, &webhooks, subscription.id).await;

    keys.rotate(SealedSecret::new(NEW), stage.house.now(), DAY).unwrap();
    let Transport::WebHook { address, .. } = subscription.transport.clone() else { panic!() };
    let transport = Transport::WebHook {
        address,
        verification_token: None,
        format: WebhookFormat::Contract,
        signing: keys,
    };
    stage.put(Subscription { transport, ..subscription.clone() }).await;
    webhooks.subscription_changed(subscription.id);
    stage.toggle(7).await;
    settled(&stage, &webhooks, subscription.id).await;
    stage.clock.advance(DAY);
    stage.toggle(7).await;
    settled(&stage, &webhooks, subscription.id).await;

    let got = receiver.notifications();
    let signers: Vec<_> =
        got.iter().map(|got| (is_signed_by(got, &OLD), is_signed_by(got, &NEW))).collect();
    assert_eq!(signers, [(true, false), (true, true), (false, true)]);
    webhooks.stop().await;
}

#[tokio::test]
async fn what_cannot_be_signed_is_kept_back_and_told_and_sent_once_it_can() {
    let (stage, receiver) = (Stage::new(config()).await, Receiver::open().await);
    let sealed = SigningKeys::of(SealedSecret::new([0; 32]));
    let subscription = subscribe(&stage, &receiver, sealed).await;
    let webhooks = start(&stage.house);
    stage.toggle(7).await;
    until("it is told", || {
        webhooks.health(subscription.id).is_some_and(|health| health.last_error.is_some())
    })
    .await;

    let health = webhooks.health(subscription.id).unwrap();
    assert_eq!(
        health.last_error.as_deref(),
        Some("The signing secret cannot be used; set a new one")
    );
    assert!(health.last_error_inside.unwrap().contains("another server key"));
    assert!(receiver.requests().is_empty(), "better late than unsigned");

    let Transport::WebHook { address, .. } = subscription.transport.clone() else { panic!() };
    let transport = Transport::WebHook {
        address,
        verification_token: None,
        format: WebhookFormat::Contract,
        signing: SigningKeys::of(SealedSecret::new(NEW)),
    };
    stage.put(Subscription { transport, ..subscription.clone() }).await;
    pass(&stage, &webhooks, subscription.id, Duration::from_secs(2));
    settled(&stage, &webhooks, subscription.id).await;
    assert_eq!(receiver.sequences(), [1]);
    assert!(is_signed_by(&receiver.notifications()[0], &NEW));
    webhooks.stop().await;
}

#[tokio::test]
async fn a_cloud_event_is_sent_where_it_was_asked_for() {
    let (stage, receiver) = (Stage::new(config()).await, Receiver::open().await);
    let transport = Transport::WebHook {
        address: receiver.url(),
        verification_token: Some("hush".to_owned()),
        format: WebhookFormat::CloudEvents,
        signing: SigningKeys::of(SealedSecret::new(OLD)),
    };
    let subscription = Subscription { transport, ..stage.subscription(&receiver.url()) };
    stage.put(subscription.clone()).await;
    let webhooks = start(&stage.house);

    let record = stage.toggle(7).await;
    until("it arrived", || !receiver.requests().is_empty()).await;

    let got = &receiver.requests()[0];
    let event = got.json();
    assert_eq!(got.header("content-type"), Some("application/cloudevents+json; charset=UTF-8"));
    assert_eq!(got.header("verification-token"), Some("hush"));
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["id"].as_str(), got.header("webhook-id"));
    assert_eq!(event["source"], "/restapi/v1.0/account/1");
    assert_eq!(event["type"], "lampfield.extension.presence");
    assert_eq!(event["subject"], "/restapi/v1.0/account/~/extension/7/presence");
    assert_eq!(event["time"], "2026-01-01T00:00:00.000Z");
    assert_eq!(event["subscriptionid"], subscription.id.to_string());
    assert_eq!(event["data"]["sequence"], record.event.sequence.0);
    assert_eq!(event["data"]["telephonyStatus"], "Ringing");
    assert!(is_signed_by(got, &OLD), "signed like any other");
    settled(&stage, &webhooks, subscription.id).await;
    webhooks.stop().await;
}
