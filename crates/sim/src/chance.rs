//! Chance that can be repeated: the same seed gives the same throws on every machine.

use std::time::Duration;

/// A small generator of pseudo-random numbers (splitmix64). Not for secrets.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// Makes the generator of a seed.
    #[must_use]
    pub const fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `bound`; 0 when there is none.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The high half of the product: fair enough for any bound that a play uses.
        let wide = u128::from(self.bits()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// Returns a number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// Says yes in `percent` of a hundred cases.
    pub fn yes(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Picks one of `things`.
    pub fn pick<'a, T>(&mut self, things: &'a [T]) -> Option<&'a T> {
        things.get(self.index(things.len()))
    }

    /// Returns a duration from `low` to `high` milliseconds.
    pub fn span(&mut self, low_ms: u64, high_ms: u64) -> Duration {
        Duration::from_millis(self.between(low_ms, high_ms))
    }

    /// Shuffles `things`.
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            let other = self.index(last + 1);
            things.swap(last, other);
        }
    }

    fn index(&mut self, length: usize) -> usize {
        let bound = u64::try_from(length).unwrap_or(u64::MAX);
        usize::try_from(self.below(bound)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_splitmix64() {
        // First values of the reference implementation for seed 1234567.
        let mut chance = Chance::of(1_234_567);
        assert_eq!(chance.bits(), 6_457_827_717_110_365_317);
        assert_eq!(chance.bits(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn bounds_hold_and_every_value_comes() {
        let mut chance = Chance::of(7);
        let mut seen = [false; 6];
        for _ in 0..1000 {
            let throw = chance.between(1, 6);
            assert!((1..=6).contains(&throw));
            seen[usize::try_from(throw - 1).unwrap()] = true;
        }
        assert_eq!(seen, [true; 6]);
        assert_eq!(chance.below(0), 0);
        assert_eq!(chance.pick::<u8>(&[]), None);
    }

    #[test]
    fn a_shuffle_keeps_everything() {
        let mut things: Vec<u32> = (0..40).collect();
        Chance::of(3).shuffle(&mut things);
        assert_ne!(things, (0..40).collect::<Vec<_>>());
        things.sort_unstable();
        assert_eq!(things, (0..40).collect::<Vec<_>>());
    }
}
