//! The contract's closed sets of words. Their order means nothing: precedence is a named function
//! ([`fold_telephony`](crate::fold_telephony), [`compose`](crate::compose())).

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vmeta])* $variant),+ }

        impl $name {
            /// Every value, in the contract's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the word on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant)),+ }
            }

            /// Returns the value of a word on the wire; exact, case included.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $(stringify!($variant) => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// State of the phone (`telephonyStatus`).
    TelephonyStatus {
        /// The line is idle.
        NoCall,
        /// Talking.
        CallConnected,
        /// An inbound call alerts, or an outbound call is not yet answered.
        Ringing,
        /// This side holds the call.
        OnHold,
        /// A call sits in a park location.
        ParkedCall,
    }
}
words! {
    /// The aggregate (`presenceStatus`).
    PresenceStatus {
        /// Not to be reached, or hidden.
        Offline,
        /// Busy.
        Busy,
        /// Free.
        Available,
    }
}
words! {
    /// What the person chose (`userStatus`).
    UserStatus {
        /// Invisible.
        Offline,
        /// Busy.
        Busy,
        /// Free.
        Available,
    }
}
words! {
    /// In a meeting or not (`meetingStatus`).
    MeetingStatus {
        /// In a meeting.
        Connected,
        /// Not in a meeting.
        Disconnected,
    }
}
words! {
    #[expect(clippy::enum_variant_names, reason = "the contract's words")]
    /// Do not disturb (`dndStatus`); the closed set of the founding document.
    DndStatus {
        /// Direct and queue calls are taken.
        TakeAllCalls,
        /// No call is taken.
        DoNotAcceptAnyCalls,
        /// Queue ("department") calls are refused, direct ones taken.
        DoNotAcceptDepartmentCalls,
    }
}
words! {
    /// Who sees with whom one talks (`callerIdVisibility`).
    CallerIdVisibility {
        /// Everybody.
        All,
        /// Nobody else.
        None,
        /// The extensions on the permission list.
        PermittedUsers,
    }
}
words! {
    /// Direction of a call, seen from the extension.
    Direction {
        /// Towards the extension.
        Inbound,
        /// From the extension.
        Outbound,
    }
}
words! {
    /// What an extension is (`type`).
    ExtensionType {
        /// A person with a phone.
        User,
        /// A call queue.
        Department,
        /// Plays an announcement.
        Announcement,
        /// A voicemail box.
        Voicemail,
        /// A person with a phone and a number.
        DigitalUser,
        /// A person without a phone of their own.
        VirtualUser,
        /// A fax box.
        FaxUser,
        /// A paging group.
        PagingOnly,
        /// A group that shares lines.
        SharedLinesGroup,
        /// A group with delegated lines.
        DelegatedLinesGroup,
        /// A group that may pick up each other's calls.
        GroupCallPickup,
        /// A menu.
        IvrMenu,
        /// An application.
        ApplicationExtension,
        /// A proxy administrator.
        ProxyAdmin,
        /// A connector of meeting rooms.
        RoomConnector,
        /// A park slot.
        ParkLocation,
        /// A common-area phone.
        Limited,
        /// A bot.
        Bot,
        /// A site.
        Site,
        /// A meeting room.
        Room,
        /// A person with a flexible plan.
        FlexibleUser,
        /// A tie line.
        TieLine,
        /// Anything else.
        Unknown,
    }
}
words! {
    /// State of an extension in the directory (`status`).
    ExtensionStatus {
        /// In use.
        Enabled,
        /// Switched off.
        Disabled,
        /// Frozen.
        Frozen,
        /// Not yet activated; monitored all the same.
        NotActivated,
        /// Without a person.
        Unassigned,
    }
}

/// What an extension of a type can show (contract 1.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// Full presence.
    Presence,
    /// Telephony state and calls only; `presenceStatus` stays Offline (park slots, pick-up groups).
    TelephonyOnly,
    /// Nothing: always Offline.
    Nothing,
}

impl ExtensionType {
    /// Returns what extensions of this type can show.
    #[must_use]
    pub const fn capability(self) -> Capability {
        match self {
            Self::User
            | Self::DigitalUser
            | Self::VirtualUser
            | Self::FlexibleUser
            | Self::Limited
            | Self::Room => Capability::Presence,
            Self::ParkLocation | Self::GroupCallPickup => Capability::TelephonyOnly,
            Self::Department
            | Self::Announcement
            | Self::Voicemail
            | Self::FaxUser
            | Self::PagingOnly
            | Self::SharedLinesGroup
            | Self::DelegatedLinesGroup
            | Self::IvrMenu
            | Self::ApplicationExtension
            | Self::ProxyAdmin
            | Self::RoomConnector
            | Self::Bot
            | Self::Site
            | Self::TieLine
            | Self::Unknown => Capability::Nothing,
        }
    }

    /// Tells whether people may set this presence by hand (contract: "regular User" types only).
    #[must_use]
    pub const fn is_writable(self) -> bool {
        matches!(self, Self::User | Self::DigitalUser | Self::VirtualUser | Self::FlexibleUser)
    }
}

impl ExtensionStatus {
    /// Tells whether an extension in this state is watched at all.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Enabled | Self::NotActivated)
    }
}
