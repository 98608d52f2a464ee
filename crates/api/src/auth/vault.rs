//! Signing secrets of webhooks, sealed: the store alone gives none away.
//!
//! Every attempt needs the secret in clear, so that a hash would not do. Sealed is it with AES-256-GCM
//! under a key that is derived from the server's, bound to the subscription it belongs to.

use lampfield_contract::SigningSecret;
use lampfield_core::SubscriptionId;
use lampfield_core::subscription::SealedSecret;
use lampfield_delivery::Vault;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::auth::secrets::{NoChance, Secrets};

/// The only version of sealed secrets so far; it comes first.
const VERSION: u8 = 1;
/// Length of a secret that is made here, in bytes.
const MADE: usize = 32;

impl Secrets {
    /// Returns a new signing secret of 256 bits.
    ///
    /// # Errors
    /// [`NoChance`] when the system gives no random bytes.
    pub fn random_signing_secret(&self) -> Result<SigningSecret, NoChance> {
        SigningSecret::from_bytes(self.random::<MADE>()?).ok_or(NoChance)
    }

    /// Seals a signing secret for a subscription.
    ///
    /// # Errors
    /// [`NoChance`] when the system gives no random bytes.
    pub fn seal(
        &self,
        subscription: SubscriptionId,
        secret: &SigningSecret,
    ) -> Result<SealedSecret, NoChance> {
        let nonce = self.random::<NONCE_LEN>()?;
        let mut sealed = secret.as_bytes().to_vec();
        let (place, nonce_bytes) = (Aad::from(subscription.0.into_bytes()), nonce);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let key = self.sealing_key().ok_or(NoChance)?;
        key.seal_in_place_append_tag(nonce, place, &mut sealed).map_err(|_| NoChance)?;
        Ok(SealedSecret::new([&[VERSION][..], &nonce_bytes, &sealed].concat()))
    }

    /// There is always one: the derived key is as long as AES-256 wants it.
    fn sealing_key(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, self.signing_key()).ok().map(LessSafeKey::new)
    }
}

impl Vault for Secrets {
    fn open(&self, subscription: SubscriptionId, sealed: &SealedSecret) -> Option<SigningSecret> {
        let (version, rest) = sealed.as_bytes().split_first()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        let mut bytes = sealed.to_vec();
        let place = Aad::from(subscription.0.into_bytes());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let secret = self.sealing_key()?.open_in_place(nonce, place, &mut bytes).ok()?;
        (*version == VERSION).then(|| SigningSecret::from_bytes(&*secret)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn subscription(number: u128) -> SubscriptionId {
        SubscriptionId(Uuid::from_u128(number))
    }

    #[test]
    fn what_was_sealed_is_opened_after_a_restart_with_the_same_key() {
        let secret = Secrets::new(&[7; 32]).random_signing_secret().unwrap();
        let sealed = Secrets::new(&[7; 32]).seal(subscription(1), &secret).unwrap();

        assert_eq!(Secrets::new(&[7; 32]).open(subscription(1), &sealed), Some(secret));
    }

    #[test]
    fn it_opens_for_no_other_subscription_with_no_other_key_and_not_when_damaged() {
        let secrets = Secrets::new(&[7; 32]);
        let secret = secrets.random_signing_secret().unwrap();
        let sealed = secrets.seal(subscription(1), &secret).unwrap();

        assert_eq!(secrets.open(subscription(2), &sealed), None);
        assert_eq!(Secrets::new(&[8; 32]).open(subscription(1), &sealed), None);
        for place in 0..sealed.as_bytes().len() {
            let mut bytes = sealed.as_bytes().to_vec();
            bytes[place] ^= 1;
            assert_eq!(secrets.open(subscription(1), &SealedSecret::new(bytes)), None, "{place}");
        }
        for short in 0..29 {
            let bytes = sealed.as_bytes()[..short].to_vec();
            assert_eq!(secrets.open(subscription(1), &SealedSecret::new(bytes)), None);
        }
    }

    #[test]
    fn the_secret_does_not_stand_in_what_is_stored_and_no_two_sealings_are_alike() {
        let secrets = Secrets::new(&[7; 32]);
        let secret = secrets.random_signing_secret().unwrap();
        let sealed = secrets.seal(subscription(1), &secret).unwrap();

        let stored = sealed.as_bytes();
        assert!(!stored.windows(8).any(|part| part == &secret.as_bytes()[..8]));
        assert_ne!(sealed, secrets.seal(subscription(1), &secret).unwrap());
        assert_ne!(secret, secrets.random_signing_secret().unwrap());
    }
}
