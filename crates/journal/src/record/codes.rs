//! The bytes of the closed sets of words. A byte, once given, is never given to another word.

use lampfield_core::{
    Act, CallerIdVisibility, Direction, DndStatus, ExtensionStatus, ExtensionType, MeetingStatus,
    PresenceStatus, Rule, TelephonyStatus, UserStatus,
};

/// A word with a byte of its own.
pub(super) trait Coded: Copy {
    /// Returns the byte.
    fn code(self) -> u8;
    /// Returns the word of a byte.
    fn of(code: u8) -> Option<Self>;
}

macro_rules! codes {
    ($($name:ident { $($variant:ident = $code:literal),+ $(,)? })+) => {
        $(impl Coded for $name {
            fn code(self) -> u8 {
                match self { $(Self::$variant => $code),+ }
            }

            fn of(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        })+
    };
}

codes! {
    TelephonyStatus { NoCall = 0, CallConnected = 1, Ringing = 2, OnHold = 3, ParkedCall = 4 }
    PresenceStatus { Offline = 0, Busy = 1, Available = 2 }
    UserStatus { Offline = 0, Busy = 1, Available = 2 }
    MeetingStatus { Connected = 0, Disconnected = 1 }
    DndStatus { TakeAllCalls = 0, DoNotAcceptAnyCalls = 1, DoNotAcceptDepartmentCalls = 2 }
    CallerIdVisibility { All = 0, None = 1, PermittedUsers = 2 }
    Direction { Inbound = 0, Outbound = 1 }
    ExtensionStatus { Enabled = 0, Disabled = 1, Frozen = 2, NotActivated = 3, Unassigned = 4 }
    ExtensionType {
        User = 0, Department = 1, Announcement = 2, Voicemail = 3, DigitalUser = 4,
        VirtualUser = 5, FaxUser = 6, PagingOnly = 7, SharedLinesGroup = 8,
        DelegatedLinesGroup = 9, GroupCallPickup = 10, IvrMenu = 11, ApplicationExtension = 12,
        ProxyAdmin = 13, RoomConnector = 14, ParkLocation = 15, Limited = 16, Bot = 17, Site = 18,
        Room = 19, FlexibleUser = 20, TieLine = 21, Unknown = 22,
    }
    Rule {
        NoPresence = 0, UserOffline = 1, UserBusy = 2, OnCall = 3, Parked = 4, InMeeting = 5,
        DoNotDisturb = 6, Otherwise = 7,
    }
    Act {
        Published = 0, Withdrawn = 1, Pictured = 2, Expired = 3, Lost = 4, Configured = 5,
        Directory = 6,
    }
}
