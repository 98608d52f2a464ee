//! Signatures of notifications (Standard Webhooks 1.0). RingCentral has none.
//!
//! What is signed is `webhook-id.webhook-timestamp.body`, once with each secret that is in force. The
//! id is the notification's uuid and stays the same over all attempts; the time is the attempt's.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use lampfield_core::Timestamp;
use lampfield_core::subscription::{Subscription, Transport};
use ring::hmac;
use uuid::Uuid;

use crate::vault::Vault;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// With what the notifications of a subscription are signed.
#[derive(Debug, Clone)]
pub(super) enum Signing {
    /// Nothing is signed.
    No,
    /// Each key signs until its end, newest first.
    With(Vec<(hmac::Key, Option<Timestamp>)>),
    /// They must be signed, and the present secret cannot be opened: better not sent than unsigned.
    Sealed,
}

impl Signing {
    /// Opens the secrets of a subscription.
    pub(super) fn of(vault: &dyn Vault, subscription: &Subscription) -> Self {
        let Transport::WebHook { signing, .. } = &subscription.transport else { return Self::No };
        let Some(present) = signing.all().first() else { return Self::No };
        if vault.open(subscription.id, &present.secret).is_none() {
            return Self::Sealed;
        }
        let keys = signing.all().iter().filter_map(|key| {
            let secret = vault.open(subscription.id, &key.secret)?;
            Some((hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), key.until))
        });
        Self::With(keys.collect())
    }

    /// Signs one attempt; does nothing where nothing is signed.
    pub(super) fn sign(&self, headers: &mut HeaderMap, uuid: Uuid, at: Timestamp, body: &[u8]) {
        let Self::With(keys) = self else { return };
        let (id, seconds) = (uuid.hyphenated().to_string(), at.0.div_euclid(1000).to_string());
        let content = [id.as_bytes(), b".", seconds.as_bytes(), b".", body].concat();
        let in_force = keys.iter().filter(|(_, until)| until.is_none_or(|until| at < until));
        let signatures: Vec<String> = in_force
            .map(|(key, _)| format!("v1,{}", STANDARD.encode(hmac::sign(key, &content))))
            .collect();
        let values = [(ID, id), (TIMESTAMP, seconds), (SIGNATURE, signatures.join(" "))];
        for (name, value) in values {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(secret: &str) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(secret).unwrap())
    }

    /// The example that the specification's own libraries are tested with: id, time and body.
    #[test]
    fn the_specifications_content_is_signed() {
        let content = b"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}";
        let key = key("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");

        let signature = STANDARD.encode(hmac::sign(&key, content));

        assert_eq!(signature, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn each_secret_in_force_signs_id_time_and_body() {
        let (new, old) = (key("bmV3bmV3bmV3bmV3bmV3bmV3bmV3"), key("b2xkb2xkb2xkb2xkb2xkb2xkb2xk"));
        let signing =
            Signing::With(vec![(new.clone(), None), (old.clone(), Some(Timestamp(20_000)))]);
        let uuid = Uuid::from_u128(7);
        let signed = |at| {
            let mut headers = HeaderMap::new();
            signing.sign(&mut headers, uuid, Timestamp(at), b"{}");
            let text = |name| headers[name].to_str().unwrap().to_owned();
            (text(ID), text(TIMESTAMP), text(SIGNATURE))
        };
        let by = |key: &hmac::Key, seconds: u32| {
            let content = format!("{}.{seconds}.{{}}", uuid.hyphenated());
            format!("v1,{}", STANDARD.encode(hmac::sign(key, content.as_bytes())))
        };

        let (id, seconds, signature) = signed(19_999);
        assert_eq!((id.as_str(), seconds.as_str()), (uuid.to_string().as_str(), "19"));
        assert_eq!(signature, format!("{} {}", by(&new, 19), by(&old, 19)));
        assert_eq!(signed(20_000).2, by(&new, 20), "the old secret's overlap is over");
    }

    #[test]
    fn a_key_is_never_printed() {
        let shown = format!("{:?}", Signing::With(vec![(key("aHVzaGh1c2hodXNoaHVzaA=="), None)]));
        assert!(!shown.contains("hush") && !shown.contains("104"), "{shown}");
    }
}
