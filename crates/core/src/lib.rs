//! Words and decisions of presence.
//!
//! Everything here is pure: no socket, no file, no clock, no randomness, no async runtime. Time is
//! an argument. What a change means is decided here ([`Presentity::decide`]), who may see it
//! ([`see`]) and who asked for it ([`subscription`]); storing and telling are done elsewhere.

pub mod audit;
pub mod calls;
pub mod changes;
pub mod claim;
pub mod compose;
pub mod directory;
pub mod document;
pub mod event;
pub mod ids;
pub mod presentity;
pub mod settings;
pub mod subscription;
pub mod time;
pub mod values;
pub mod visibility;

pub use calls::{ListedCalls, fold_telephony};
pub use changes::Changes;
pub use claim::{Call, Claim, Fact, Kind, Registration, SipData};
pub use compose::{Composed, Inputs, Policy, Rule, compose};
pub use document::{Document, Standing};
pub use event::{Act, Before, Cause, EndedCall, PresenceEvent};
pub use ids::{
    AccountId, AppId, ClaimId, Epoch, ExtensionId, ExtensionKey, IdError, Position, Sequence,
    SessionId, SourceId, SubscriptionId,
};
pub use presentity::{Command, Decision, Presentity, Refusal};
pub use settings::{Lists, Settings, SettingsPatch};
pub use time::{Clock, ManualClock, Timestamp};
pub use values::{
    CallerIdVisibility, Direction, DndStatus, ExtensionStatus, ExtensionType, MeetingStatus,
    PresenceStatus, TelephonyStatus, UserStatus,
};
pub use visibility::{Audience, View, Viewer, see};
