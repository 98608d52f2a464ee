//! Which notification it is: the same `uuid` however often it is told.

use lampfield_core::subscription::Notice;
use lampfield_core::{AccountId, Sequence, SubscriptionId, Timestamp};
use uuid::Uuid;

/// Returns the `uuid` of the notification that tells `subscription` of the account's `sequence`.
///
/// A pure function with the looks of a random (version 4) UUID: each retry, recovery and restart
/// repeats it. Two sequences below 2^62 of one subscription and account never share one.
#[must_use]
pub fn notification_uuid(
    subscription: SubscriptionId,
    account: AccountId,
    sequence: Sequence,
) -> Uuid {
    uuid_of(subscription, account, sequence.0, PRESENCE)
}

/// Returns the `uuid` of the notification that tells `subscription` of the account's `sequence` as a
/// notice: another one than that of the presence event of the same sequence.
#[must_use]
pub fn notice_uuid(
    subscription: SubscriptionId,
    account: AccountId,
    sequence: Sequence,
    notice: Notice,
) -> Uuid {
    uuid_of(subscription, account, sequence.0, notice.kind())
}

/// Returns the `uuid` of the reminder to renew `subscription` that was due at `due_at`.
#[must_use]
pub fn reminder_uuid(subscription: SubscriptionId, account: AccountId, due_at: Timestamp) -> Uuid {
    uuid_of(subscription, account, due_at.0.cast_unsigned(), REMINDER)
}

/// The kind of presence events.
const PRESENCE: u64 = 0;
/// The kind of reminders; no [`Notice::kind`].
const REMINDER: u64 = u64::MAX;

fn uuid_of(subscription: SubscriptionId, account: AccountId, number: u64, kind: u64) -> Uuid {
    let (high, low) = subscription.0.as_u64_pair();
    // The low 62 bits are a permutation of the number, keyed by subscription, account and kind.
    let mut key = stir(low ^ stir(account.get() ^ high));
    if kind != PRESENCE {
        key = stir(key ^ stir(kind));
    }
    let low = permute_62(number.wrapping_add(key) & LOW_62);
    let high = stir(high ^ low ^ key.rotate_left(32));
    let version_4 = high & !0xf000 | 0x4000;
    let rfc_variant = low | 1 << 63;
    Uuid::from_u64_pair(version_4, rfc_variant)
}

const LOW_62: u64 = (1 << 62) - 1;

/// Permutes the numbers below 2^62: each step (odd multiplication, right shift and xor) can be undone.
const fn permute_62(mut x: u64) -> u64 {
    x = (x ^ x >> 31).wrapping_mul(0x7fb5_d329_728e_a185) & LOW_62;
    x = (x ^ x >> 27).wrapping_mul(0x81da_def4_bc2d_d44d) & LOW_62;
    x ^ x >> 33
}

/// The finaliser of SplitMix64.
const fn stir(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use lampfield_core::ExtensionId;
    use proptest::prelude::*;

    use super::*;

    fn uuid(subscription: u128, account: u64, sequence: u64) -> Uuid {
        let account = AccountId::new(account).expect("positive");
        let subscription = SubscriptionId(Uuid::from_u128(subscription));
        notification_uuid(subscription, account, Sequence(sequence))
    }

    #[test]
    fn the_function_never_changes() {
        let subscription = 0x9d38_419f_645f_4ee3_a053_8cf1_368c_21c4;

        assert_eq!(uuid(subscription, 1, 2698).to_string(), "11936628-9ca2-4417-aaad-99d00da08127");
    }

    #[test]
    fn neighbours_differ_in_every_argument() {
        let mut seen = BTreeSet::new();
        for subscription in 0..20 {
            for account in 1..20 {
                for sequence in 0..50 {
                    assert!(seen.insert(uuid(subscription, account, sequence)));
                }
            }
        }
    }

    #[test]
    fn notices_and_reminders_of_one_sequence_never_share_a_uuid() {
        let subscription = SubscriptionId(Uuid::from_u128(7));
        let account = AccountId::new(1).expect("positive");
        let queue = |number| Notice::Queue(ExtensionId::new(number).expect("positive"));
        let mut notices =
            vec![Notice::Lines, Notice::Dnd, Notice::Favorites, Notice::Profile, Notice::Directory];
        notices.extend((1..500).map(queue));
        let mut seen = BTreeSet::new();
        for sequence in 1..200 {
            let sequence = Sequence(sequence);
            assert!(seen.insert(notification_uuid(subscription, account, sequence)));
            for notice in &notices {
                let uuid = notice_uuid(subscription, account, sequence, *notice);
                assert!(seen.insert(uuid), "{notice:?} {sequence}");
                assert_eq!(uuid, notice_uuid(subscription, account, sequence, *notice));
                assert_eq!(uuid.get_version_num(), 4);
            }
            let due_at = Timestamp(sequence.0.cast_signed());
            assert!(seen.insert(reminder_uuid(subscription, account, due_at)));
        }
    }

    proptest! {
        #[test]
        fn it_looks_like_version_4_and_tells_sequences_apart(
            subscription: u128,
            account in 1..=i64::MAX.unsigned_abs(),
            one in 0..1_u64 << 62,
            other in 0..1_u64 << 62,
        ) {
            let first = uuid(subscription, account, one);

            prop_assert_eq!(first.get_version_num(), 4);
            prop_assert_eq!(first.get_variant(), ::uuid::Variant::RFC4122);
            prop_assert_eq!(first == uuid(subscription, account, other), one == other);
        }
    }
}
