//! `wsc.sequence`: numbers that rise over all sockets of a client and all runs of the server.
//!
//! A client adopts a recovery token only if its number is greater than that of the token before
//! (clients.md 8), also on a socket that begins anew after a long outage. So every socket begins
//! above every number that was ever given out: numbers begin at the seconds since 2024, blocks of
//! them are reserved in the directory before they are used, and a socket adds one for each frame.
//!
//! Limit: one client reads 31 bits. The numbers grow with the busiest socket only; at a steady
//! hundred notifications a second on one socket they last eight months more than the seconds do.
//! When they are used up, new sockets begin at the seconds again: a client that was away for longer
//! than the recovery window in that moment recovers once less.

use std::sync::atomic::{AtomicU32, Ordering};

use lampfield_core::Timestamp;
use lampfield_journal::{DirectoryChange, Registry, StoreError};

/// 2024-01-01T00:00:00Z, in milliseconds.
const BEGINNING: i64 = 1_704_067_200_000;
/// Numbers reserved at a time; so many are lost when the server stops without saying so.
const BLOCK: u32 = 1 << 16;
/// Fewer reserved numbers than this are not enough.
const MARGIN: u32 = BLOCK / 2;
/// The greatest number: what fits an int32.
const NUMBER_MAX: u32 = i32::MAX.unsigned_abs();
/// No socket begins above this: it would have too few left.
const BASE_MAX: u32 = NUMBER_MAX - (1 << 24);
/// Where the reserve is kept.
const HOUSE: &str = "wsc";

/// Gives out numbers.
#[derive(Debug)]
pub(crate) struct Numbering {
    /// The greatest number given out before this run.
    floor: AtomicU32,
    /// The greatest number used by each shard; written by it alone.
    used: Box<[AtomicU32]>,
    /// The greatest number that is safe to use.
    reserved: tokio::sync::Mutex<u32>,
}

impl Numbering {
    /// Goes on where the run before stopped.
    pub(crate) fn resume(registry: &Registry, shards: usize, now: Timestamp) -> Self {
        let kept = registry.house(HOUSE).and_then(|bytes| bytes.try_into().ok());
        let kept = kept.map_or(0, u32::from_be_bytes);
        let floor = match kept.max(seconds(now)) {
            used_up if used_up > BASE_MAX => seconds(now),
            floor => floor,
        };
        Self {
            floor: AtomicU32::new(floor),
            used: (0..shards).map(|_| AtomicU32::new(0)).collect(),
            reserved: tokio::sync::Mutex::new(0),
        }
    }

    /// Returns the number with which a new socket begins: greater than every one before.
    ///
    /// # Errors
    /// [`StoreError`] when a needed reserve cannot be made durable.
    pub(crate) async fn base(
        &self,
        registry: &Registry,
        now: Timestamp,
    ) -> Result<u32, StoreError> {
        let mut greatest = self.greatest();
        if greatest > BASE_MAX {
            greatest = seconds(now);
            self.floor.store(greatest, Ordering::Relaxed);
            self.used.iter().for_each(|used| used.store(0, Ordering::Relaxed));
        }
        self.reserve(registry).await?;
        Ok(greatest + 1)
    }

    /// Reserves more numbers if few are left. To be called now and then.
    ///
    /// # Errors
    /// [`StoreError`] when the reserve cannot be made durable.
    pub(crate) async fn reserve(&self, registry: &Registry) -> Result<(), StoreError> {
        let mut reserved = self.reserved.lock().await;
        let greatest = self.greatest();
        if greatest.saturating_add(MARGIN) <= *reserved && *reserved - greatest <= BLOCK {
            return Ok(());
        }
        let next = greatest.saturating_add(BLOCK).min(NUMBER_MAX);
        keep(registry, next).await?;
        *reserved = next;
        Ok(())
    }

    /// Gives unused numbers back; nobody may use any after this.
    ///
    /// # Errors
    /// [`StoreError`] when that cannot be made durable; then a block of numbers is lost.
    pub(crate) async fn give_back(&self, registry: &Registry) -> Result<(), StoreError> {
        let mut reserved = self.reserved.lock().await;
        *reserved = self.greatest();
        keep(registry, *reserved).await
    }

    /// Takes note of the greatest number that a shard is about to use.
    pub(crate) fn note(&self, shard: usize, number: u32) {
        if let Some(used) = self.used.get(shard)
            && used.load(Ordering::Relaxed) < number
        {
            used.store(number, Ordering::Release);
        }
    }

    fn greatest(&self) -> u32 {
        let used = self.used.iter().map(|used| used.load(Ordering::Acquire)).max();
        used.unwrap_or(0).max(self.floor.load(Ordering::Relaxed))
    }
}

/// Returns the number after `number` on one socket.
pub(crate) const fn next(number: u32) -> u32 {
    if number < NUMBER_MAX { number + 1 } else { NUMBER_MAX }
}

async fn keep(registry: &Registry, reserved: u32) -> Result<(), StoreError> {
    let value = reserved.to_be_bytes().to_vec();
    registry.apply(vec![DirectoryChange::PutHouse(HOUSE, value)]).await
}

fn seconds(now: Timestamp) -> u32 {
    u32::try_from((now.0 - BEGINNING) / 1000).unwrap_or(0).min(BASE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DeliveryConfig;
    use crate::stage::{BEGINNING, Stage};

    async fn stage() -> Stage {
        Stage::new(DeliveryConfig::default()).await
    }

    #[tokio::test]
    async fn a_number_is_greater_than_any_that_was_used() {
        let stage = stage().await;
        let registry = &stage.house.registry;
        let numbering = Numbering::resume(registry, 2, BEGINNING);
        let first = numbering.base(registry, BEGINNING).await.unwrap();
        numbering.note(0, first + 5);
        numbering.note(1, first + 900);
        numbering.note(1, first + 7);

        assert_eq!(numbering.base(registry, BEGINNING).await.unwrap(), first + 901);
    }

    #[tokio::test]
    async fn a_run_that_crashed_is_followed_by_greater_numbers() {
        let stage = stage().await;
        let registry = &stage.house.registry;
        let crashed = Numbering::resume(registry, 1, BEGINNING);
        let mut number = crashed.base(registry, BEGINNING).await.unwrap();
        for _ in 0..3 {
            number += MARGIN;
            crashed.note(0, number);
            crashed.reserve(registry).await.unwrap();
        }

        // The clock went back meanwhile.
        let next = Numbering::resume(registry, 1, Timestamp(BEGINNING.0 - 1_000_000_000));
        let base = next.base(registry, BEGINNING).await.unwrap();
        assert!(base > number, "{base} {number}");
    }

    #[tokio::test]
    async fn a_run_that_ended_in_order_loses_no_numbers() {
        let stage = stage().await;
        let registry = &stage.house.registry;
        let before = Numbering::resume(registry, 1, BEGINNING);
        let number = before.base(registry, BEGINNING).await.unwrap();
        before.note(0, number);
        before.give_back(registry).await.unwrap();

        let next = Numbering::resume(registry, 1, BEGINNING);
        assert_eq!(next.base(registry, BEGINNING).await.unwrap(), number + 1);
    }

    #[tokio::test]
    async fn used_up_numbers_begin_again_and_never_exceed_31_bits() {
        let stage = stage().await;
        let registry = &stage.house.registry;
        let numbering = Numbering::resume(registry, 1, BEGINNING);
        numbering.note(0, NUMBER_MAX);

        let base = numbering.base(registry, BEGINNING).await.unwrap();
        assert_eq!(base, seconds(BEGINNING) + 1);
        assert_eq!(next(NUMBER_MAX), NUMBER_MAX);
        let kept = registry.house(HOUSE).unwrap();
        assert!(u32::from_be_bytes(kept.try_into().unwrap()) < NUMBER_MAX);
    }
}
