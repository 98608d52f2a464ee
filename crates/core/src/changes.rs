//! What differs between two documents.

use std::ops::{BitOr, BitOrAssign};

/// A set of parts of a document that differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Changes(u32);

macro_rules! parts {
    ($($(#[$meta:meta])* $name:ident = $bit:literal, $word:literal;)+) => {
        impl Changes {
            $($(#[$meta])* pub const $name: Self = Self(1 << $bit);)+

            /// Returns the names of the parts, in wire spelling.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                [$((Self::$name, $word)),+]
                    .into_iter()
                    .filter(move |(part, _)| self.touches(*part))
                    .map(|(_, word)| word)
            }
        }
    };
}

parts! {
    /// `telephonyStatus`.
    TELEPHONY = 0, "telephonyStatus";
    /// `presenceStatus`.
    PRESENCE = 1, "presenceStatus";
    /// `userStatus`.
    USER = 2, "userStatus";
    /// `meetingStatus`.
    MEETING = 3, "meetingStatus";
    /// `dndStatus`.
    DND = 4, "dndStatus";
    /// `allowSeeMyPresence`.
    ALLOW_SEE = 5, "allowSeeMyPresence";
    /// `ringOnMonitoredCall`.
    RING_ON_MONITORED = 6, "ringOnMonitoredCall";
    /// `pickUpCallsOnHold`.
    PICK_UP = 7, "pickUpCallsOnHold";
    /// Calls came, went or changed state.
    CALLS = 8, "activeCalls";
    /// Numbers and names of a call.
    CALLER_DETAILS = 9, "callerDetails";
    /// SIP dialogs of a call.
    SIP = 10, "sipData";
    /// `message`.
    MESSAGE = 11, "message";
    /// `callerIdVisibility`, or the permission list.
    CALLER_ID_VISIBILITY = 12, "callerIdVisibility";
    /// Type or status in the directory.
    STANDING = 13, "standing";
    /// A claim became stale, or fresh again.
    STALE = 14, "stale";
    /// A device registered or went.
    REGISTRATION = 15, "registration";
    /// Which extensions it monitors.
    LINES = 16, "lines";
    /// Its favorites.
    FAVORITES = 17, "favorites";
    /// From which queues it takes calls now (`acceptCurrentQueueCalls`).
    QUEUES = 18, "queues";
}

impl Changes {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Everything: what differs is not known.
    pub const ALL: Self = Self(u32::MAX);
    /// What the plain event body shows (contract 1.1).
    pub const PLAIN: Self = Self(0x00ff);
    /// What the detailed body shows without callers.
    pub const DETAILED: Self = Self(0x01ff);
    /// What decides who may see it.
    pub const AUDIENCE: Self = Self(Self::ALLOW_SEE.0 | Self::CALLER_ID_VISIBILITY.0);
    /// What somebody keeps a list of.
    pub const LISTS: Self = Self(Self::LINES.0 | Self::FAVORITES.0 | Self::QUEUES.0);

    /// Tells whether nothing differs.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Tells whether any part is in both sets.
    #[must_use]
    pub const fn touches(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Adds `part` when `differs`.
    pub fn note(&mut self, differs: bool, part: Self) {
        if differs {
            self.0 |= part.0;
        }
    }

    /// Returns the bits, for storage.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Returns the set of stored bits.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}

impl BitOr for Changes {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Changes {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}
