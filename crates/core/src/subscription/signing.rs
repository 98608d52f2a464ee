//! With what a webhook is signed, and how one key follows another.

use std::fmt;
use std::time::Duration;

use crate::time::Timestamp;

/// Keys of one subscription that may be in force at a time.
pub const SIGNING_KEYS_MAX: usize = 4;

/// A signing secret as it is kept: sealed, so that the store alone does not give it away.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret(Box<[u8]>);

impl SealedSecret {
    /// Takes over sealed bytes.
    #[must_use]
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// Returns the sealed bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedSecret").field("bytes", &self.0.len()).finish()
    }
}

/// One key that signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// What it is made of.
    pub secret: SealedSecret,
    /// When it signs no more; none for the present key.
    pub until: Option<Timestamp>,
}

impl SigningKey {
    /// Tells whether it signs at `now`.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// The keys of one webhook, newest first. All that are in force sign each notification, so that a
/// receiver can change over at any moment between.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SigningKeys(Vec<SigningKey>);

/// So many keys are in force that one more has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{SIGNING_KEYS_MAX} signing secrets are in force already; wait until one ends, or rotate without overlap"
)]
pub struct TooManySigningKeys;

impl SigningKeys {
    /// Signs with one secret.
    #[must_use]
    pub fn of(secret: SealedSecret) -> Self {
        Self(vec![SigningKey { secret, until: None }])
    }

    /// Takes over keys as they were stored, newest first.
    #[must_use]
    pub const fn restored(keys: Vec<SigningKey>) -> Self {
        Self(keys)
    }

    /// Tells whether nothing is signed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns all keys, newest first, those included that are over.
    #[must_use]
    pub fn all(&self) -> &[SigningKey] {
        &self.0
    }

    /// Returns the keys that sign at `now`, newest first.
    pub fn in_force(&self, now: Timestamp) -> impl Iterator<Item = &SigningKey> {
        self.0.iter().filter(move |key| key.is_in_force(now))
    }

    /// Puts a new secret in front. The one before it signs on for `overlap`; without overlap all
    /// older ones end at once. Keys that are over are dropped.
    ///
    /// # Errors
    /// [`TooManySigningKeys`] when [`SIGNING_KEYS_MAX`] would be in force; nothing is changed then.
    pub fn rotate(
        &mut self,
        secret: SealedSecret,
        now: Timestamp,
        overlap: Duration,
    ) -> Result<(), TooManySigningKeys> {
        if overlap.is_zero() {
            *self = Self::of(secret);
            return Ok(());
        }
        if self.in_force(now).count() >= SIGNING_KEYS_MAX {
            return Err(TooManySigningKeys);
        }
        self.0.retain(|key| key.is_in_force(now));
        for key in &mut self.0 {
            key.until.get_or_insert(now.after(overlap));
        }
        self.0.insert(0, SigningKey { secret, until: None });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn secret(number: u8) -> SealedSecret {
        SealedSecret::new([number])
    }

    fn signing(keys: &SigningKeys, now: i64) -> Vec<u8> {
        keys.in_force(Timestamp(now)).map(|key| key.secret.as_bytes()[0]).collect()
    }

    #[test]
    fn the_old_secret_signs_beside_the_new_one_for_the_overlap() {
        let mut keys = SigningKeys::of(secret(1));
        keys.rotate(secret(2), Timestamp(1000), DAY).expect("room");

        assert_eq!(signing(&keys, 1000), [2, 1]);
        assert_eq!(signing(&keys, 86_400_999), [2, 1]);
        assert_eq!(signing(&keys, 86_401_000), [2]);
    }

    #[test]
    fn a_second_rotation_leaves_the_first_ones_end_where_it_was() {
        let mut keys = SigningKeys::of(secret(1));
        keys.rotate(secret(2), Timestamp(0), DAY).expect("room");
        keys.rotate(secret(3), Timestamp(10), DAY).expect("room");

        assert_eq!(signing(&keys, 86_399_999), [3, 2, 1]);
        assert_eq!(signing(&keys, 86_400_000), [3, 2]);
        assert_eq!(signing(&keys, 86_400_010), [3]);
    }

    #[test]
    fn without_overlap_a_secret_that_leaked_ends_at_once() {
        let mut keys = SigningKeys::of(secret(1));
        keys.rotate(secret(2), Timestamp(0), DAY).expect("room");
        keys.rotate(secret(3), Timestamp(1), Duration::ZERO).expect("always room");

        assert_eq!(signing(&keys, 1), [3]);
        assert_eq!(keys.all().len(), 1);
    }

    #[test]
    fn the_number_of_secrets_in_force_is_bounded_and_those_that_are_over_do_not_count() {
        let mut keys = SigningKeys::of(secret(1));
        for number in 2..=4 {
            keys.rotate(secret(number), Timestamp(0), DAY).expect("room");
        }
        let before = keys.clone();
        assert_eq!(keys.rotate(secret(5), Timestamp(1), DAY), Err(TooManySigningKeys));
        assert_eq!(keys, before);
        keys.rotate(secret(5), Timestamp(86_400_000), DAY).expect("the old ones are over");
        assert_eq!(signing(&keys, 86_400_000), [5, 4]);
    }

    #[test]
    fn a_secret_is_never_printed() {
        assert_eq!(format!("{:?}", SealedSecret::new([1, 2])), "SealedSecret { bytes: 2 }");
    }
}
