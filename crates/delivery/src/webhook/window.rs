//! Which events of one subscription are under way: a bounded look-ahead behind a low-water mark.
//!
//! Pure. Everything up to the mark is settled; above it a few events wait or are under way, never two
//! of one extension, and each extension's in order.

use std::collections::{BTreeMap, BTreeSet};

use lampfield_core::ExtensionId;

/// The most events between the low-water mark and the furthest settled one: what a crash repeats.
pub(super) const LOOKAHEAD_MAX: usize = 64;

/// Which notification: one event may be told as several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The event.
    pub(super) offset: u64,
    /// Tells those of one event apart.
    pub(super) kind: u64,
}

/// Notifications of one subscription, by offset.
#[derive(Debug)]
pub(super) struct Window<T> {
    read: u64,
    slots: BTreeMap<Place, Slot<T>>,
    /// What is settled above the low-water mark.
    settled: BTreeSet<Place>,
}

#[derive(Debug)]
struct Slot<T> {
    extension: ExtensionId,
    is_under_way: bool,
    load: T,
}

impl<T: Clone> Window<T> {
    /// Makes the window of a reader that has settled everything up to `offset`.
    pub(super) const fn after(offset: u64) -> Self {
        Self { read: offset, slots: BTreeMap::new(), settled: BTreeSet::new() }
    }

    /// Returns up to where events were read.
    pub(super) const fn read(&self) -> u64 {
        self.read
    }

    /// Returns up to where everything is settled.
    pub(super) fn low_water(&self) -> u64 {
        self.slots.first_key_value().map_or(self.read, |(place, _)| place.offset.saturating_sub(1))
    }

    /// Returns how many more events may be read.
    pub(super) fn room(&self) -> usize {
        LOOKAHEAD_MAX.saturating_sub(self.slots.len() + self.settled.len())
    }

    pub(super) fn under_way(&self) -> usize {
        self.slots.values().filter(|slot| slot.is_under_way).count()
    }

    /// Takes up an event that was read, by what it is told as; what was settled before is passed.
    pub(super) fn admit(
        &mut self,
        offset: u64,
        extension: ExtensionId,
        loads: impl IntoIterator<Item = (u64, T)>,
    ) {
        for (kind, load) in loads {
            let place = Place { offset, kind };
            if offset > self.read && !self.settled.contains(&place) {
                self.slots.insert(place, Slot { extension, is_under_way: false, load });
            }
        }
        self.pass_to(offset);
    }

    /// Takes note that everything up to `offset` was read.
    pub(super) fn pass_to(&mut self, offset: u64) {
        self.read = self.read.max(offset);
        self.forget_settled();
    }

    /// Returns the next event to send, which is under way from now on: the earliest of an extension
    /// of which none is under way, while fewer than `under_way_max` are.
    pub(super) fn next(&mut self, under_way_max: usize) -> Option<(Place, T)> {
        if self.under_way() >= under_way_max {
            return None;
        }
        let mut earlier = BTreeSet::new();
        for (place, slot) in &mut self.slots {
            if earlier.insert(slot.extension) && !slot.is_under_way {
                slot.is_under_way = true;
                return Some((*place, slot.load.clone()));
            }
        }
        None
    }

    /// Takes note that an event was delivered, or need not be.
    pub(super) fn settle(&mut self, place: Place) {
        if self.slots.remove(&place).is_some() {
            self.settled.insert(place);
            self.forget_settled();
        }
    }

    /// Takes note that an event was not delivered: it waits again.
    pub(super) fn put_back(&mut self, place: Place) {
        if let Some(slot) = self.slots.get_mut(&place) {
            slot.is_under_way = false;
        }
    }

    /// Forgets what waits, so that it is read again from the low-water mark. To be called while
    /// nothing is under way. What is settled above the mark stays settled.
    pub(super) fn rewind(&mut self) {
        debug_assert_eq!(self.under_way(), 0, "what is under way would be sent twice at once");
        self.read = self.low_water();
        self.slots.clear();
    }

    fn forget_settled(&mut self) {
        let low_water = self.low_water();
        let first_above = Place { offset: low_water.saturating_add(1), kind: 0 };
        self.settled = self.settled.split_off(&first_above);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_two_of_one_extension_and_each_in_order() {
        let mut window = window(&[(1, 10), (2, 10), (3, 11), (4, 10), (5, 12)]);

        assert_eq!(started(&mut window, 8), [1, 3, 5]);
        window.settle(place(1));
        assert_eq!(started(&mut window, 8), [2]);
        window.put_back(place(2));
        assert_eq!(started(&mut window, 8), [2]);
        window.settle(place(2));
        assert_eq!(started(&mut window, 8), [4]);
    }

    #[test]
    fn no_more_than_allowed_are_under_way() {
        let mut window = window(&[(1, 10), (2, 11), (3, 12), (4, 13)]);

        assert_eq!(started(&mut window, 2), [1, 2]);
        window.settle(place(2));
        assert_eq!(started(&mut window, 2), [3]);
    }

    #[test]
    fn the_mark_waits_for_the_earliest_open_event() {
        let mut window = window(&[(3, 10), (5, 11), (7, 12)]);
        window.pass_to(9);
        assert_eq!(window.low_water(), 2);
        started(&mut window, 8);

        window.settle(place(5));
        window.settle(place(7));
        assert_eq!(window.low_water(), 2);
        window.settle(place(3));
        assert_eq!(window.low_water(), 9);
        assert_eq!(window.room(), LOOKAHEAD_MAX);
    }

    #[test]
    fn after_a_rewind_only_open_events_come_again() {
        let mut window = window(&[(1, 10), (2, 11), (3, 12), (4, 11)]);
        started(&mut window, 8);
        window.settle(place(2));
        window.settle(place(3));
        window.put_back(place(1));

        window.rewind();
        assert_eq!((window.read(), window.low_water()), (0, 0));
        for (offset, extension) in [(1, 10), (2, 11), (3, 12), (4, 11)] {
            window.admit(offset, id(extension), [(0, ())]);
        }

        assert_eq!(started(&mut window, 8), [1, 4]);
        window.settle(place(1));
        assert_eq!(window.low_water(), 3);
    }

    #[test]
    fn the_look_ahead_is_bounded_even_behind_a_stuck_event() {
        let mut window = Window::after(0);
        let mut offset = 0;
        while window.room() > 0 {
            offset += 1;
            window.admit(offset, id(offset), [(0, ())]);
        }
        assert_eq!(offset, LOOKAHEAD_MAX as u64);
        started(&mut window, usize::MAX);

        (2..=offset).for_each(|offset| window.settle(place(offset)));

        assert_eq!((window.room(), window.low_water()), (0, 0));
        window.settle(place(1));
        assert_eq!((window.room(), window.low_water()), (LOOKAHEAD_MAX, offset));
    }

    #[test]
    fn events_that_were_superseded_leave_no_hole_in_the_mark() {
        let mut window: Window<()> = Window::after(10);
        window.admit(500, id(1), [(0, ())]);
        window.admit(900, id(2), [(0, ())]);
        assert_eq!(window.low_water(), 499);
        started(&mut window, 8);

        window.settle(place(500));
        assert_eq!(window.low_water(), 899);
        window.settle(place(900));
        assert_eq!(window.low_water(), 900);
    }

    #[test]
    fn an_event_is_settled_when_everything_that_it_is_told_as_is() {
        let mut window = Window::after(0);
        window.admit(1, id(10), [(0, "presence"), (7, "lines")]);
        window.admit(2, id(10), [(7, "lines")]);
        window.admit(3, id(11), []);
        let next = |window: &mut Window<&'static str>| window.next(8).map(|(place, _)| place);
        let (presence, lines) = (place(1), Place { offset: 1, kind: 7 });

        assert_eq!(next(&mut window), Some(presence));
        assert_eq!(next(&mut window), None, "one of an extension at a time");
        window.settle(presence);
        assert_eq!(window.low_water(), 0);
        assert_eq!(next(&mut window), Some(lines));
        window.put_back(lines);
        window.rewind();
        window.admit(1, id(10), [(0, "presence"), (7, "lines")]);
        assert_eq!(next(&mut window), Some(lines), "what was settled is not sent again");
        window.settle(lines);
        assert_eq!(window.low_water(), 1);
    }

    proptest::proptest! {
        /// Whatever succeeds, fails, is rewound or crashes in whatever order: every event is
        /// settled, each extension's in order, and the mark never passes an open one.
        #[test]
        fn nothing_is_missed_and_no_extension_overtakes_itself(
            extensions in proptest::collection::vec(1_u64..6, 1..150),
            choices in proptest::collection::vec(0_u8..100, 600),
        ) {
            let mut window: Window<()> = Window::after(0);
            let mut under_way: Vec<u64> = Vec::new();
            let mut settled: BTreeSet<u64> = BTreeSet::new();
            let mut choices = choices.into_iter().chain(std::iter::repeat(0));
            let head = extensions.len() as u64;
            let extension_of = |offset: u64| {
                extensions[usize::try_from(offset - 1).unwrap()]
            };
            while window.low_water() < head {
                while window.room() > 0 && window.read() < head {
                    let offset = window.read() + 1;
                    window.admit(offset, id(extension_of(offset)), [(0, ())]);
                }
                while let Some((Place { offset, .. }, ())) = window.next(4) {
                    let extension = extension_of(offset);
                    assert!(under_way.iter().all(|other| extension_of(*other) != extension));
                    assert!((1..offset).all(|earlier| {
                        extension_of(earlier) != extension || settled.contains(&earlier)
                    }));
                    assert!(!settled.contains(&offset), "sent again without a crash");
                    under_way.push(offset);
                }
                let choice = choices.next().unwrap();
                if under_way.is_empty() {
                    continue;
                }
                let offset = under_way.remove(usize::from(choice) % under_way.len());
                match choice {
                    0..70 => {
                        settled.insert(offset);
                        window.settle(place(offset));
                    }
                    70..95 => window.put_back(place(offset)),
                    _ => {
                        window.put_back(place(offset));
                        under_way.drain(..).for_each(|offset| window.put_back(place(offset)));
                        window.rewind();
                    }
                }
                assert!((1..=window.low_water()).all(|offset| settled.contains(&offset)));
            }
        }
    }

    fn window(events: &[(u64, u64)]) -> Window<()> {
        let mut window = Window::after(0);
        for (offset, extension) in events {
            window.admit(*offset, id(*extension), [(0, ())]);
        }
        window
    }

    fn started(window: &mut Window<()>, max: usize) -> Vec<u64> {
        std::iter::from_fn(|| window.next(max)).map(|(place, ())| place.offset).collect()
    }

    const fn place(offset: u64) -> Place {
        Place { offset, kind: 0 }
    }

    fn id(number: u64) -> ExtensionId {
        ExtensionId::new(number).unwrap()
    }
}
