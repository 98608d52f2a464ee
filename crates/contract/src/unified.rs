//! `unified-presence`: the same presence in four words, for clients that know only those
//! (contract 2.4).
//!
//! RingCentral keeps a messaging presence of its own beside the phone's. Here both are one:
//! `userStatus` Offline is invisible, `userStatus` Busy is messaging in do-not-disturb.

use lampfield_core::values::Capability;
use lampfield_core::{
    DndStatus, Document, MeetingStatus, PresenceStatus, SettingsPatch, UserStatus, View,
};
use serde_json::{Map, Value, json};

use crate::error::ApiError;
use crate::update::{given, parse_object, word};

/// Whether the one who looks looks at themselves: only then is it shown who may see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beholder {
    /// The extension itself.
    Oneself,
    /// Anybody else.
    Another,
}

/// Returns the unified presence of one extension as `view` allows it to be seen.
///
/// What is hidden, or of a type without presence, is Offline and nothing more.
#[must_use]
pub fn unified_presence(document: &Document, view: View, beholder: Beholder) -> Value {
    if view == View::Hidden || document.capability() != Capability::Presence {
        return json!({ "status": "Offline" });
    }
    let visibility = |is_visible| match beholder {
        Beholder::Oneself => Some(if is_visible { "Visible" } else { "Invisible" }),
        Beholder::Another => None,
    };
    let is_invisible = document.user == UserStatus::Offline;
    let connection = match beholder {
        Beholder::Another if is_invisible => None,
        Beholder::Oneself | Beholder::Another => {
            Some(if is_invisible { "Offline" } else { "Online" })
        }
    };
    let messaging = part(
        connection,
        visibility(!is_invisible),
        Some(if document.user == UserStatus::Busy { "DND" } else { "Available" }),
    );
    let telephony = part(
        Some(document.telephony.as_str()),
        visibility(document.settings.allow_see_my_presence),
        Some(phone_word(document.dnd)),
    );
    let meeting = match document.meeting {
        MeetingStatus::Connected => "InMeeting",
        MeetingStatus::Disconnected => "NoMeeting",
    };
    json!({
        "status": status(document),
        "glip": messaging,
        "telephony": telephony,
        "meeting": part(Some(meeting), None, None),
    })
}

fn part(
    status: Option<&str>,
    visibility: Option<&str>,
    availability: Option<&str>,
) -> Map<String, Value> {
    let members = [("status", status), ("visibility", visibility), ("availability", availability)];
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))).collect()
}

/// What a person chose by hand stands above what the system found out.
fn status(document: &Document) -> &'static str {
    let is_undisturbed =
        document.user == UserStatus::Busy || document.dnd == DndStatus::DoNotAcceptAnyCalls;
    match document.presence {
        PresenceStatus::Offline => "Offline",
        PresenceStatus::Busy | PresenceStatus::Available if is_undisturbed => "DND",
        PresenceStatus::Busy => "Busy",
        PresenceStatus::Available => "Available",
    }
}

const fn phone_word(dnd: DndStatus) -> &'static str {
    match dnd {
        DndStatus::TakeAllCalls => "TakeAllCalls",
        DndStatus::DoNotAcceptAnyCalls => "DoNotAcceptAnyCalls",
        DndStatus::DoNotAcceptDepartmentCalls => "DoNotAcceptQueueCalls",
    }
}

/// A partial update of a unified presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UnifiedUpdate {
    /// `glip.visibility`: `Visible`, or not.
    pub is_visible: Option<bool>,
    /// `glip.availability`: `DND`, or not.
    pub is_undisturbed: Option<bool>,
    /// `telephony.availability`.
    pub dnd: Option<DndStatus>,
}

/// Reads `{"glip": {"visibility", "availability"}, "telephony": {"availability"}}`; what is not named
/// keeps its value, other members are ignored.
///
/// # Errors
/// 400 CMN-103 for what is no JSON object; 400 CMN-101 with the path of a wrong member.
pub fn parse_unified_update(body: &[u8]) -> Result<UnifiedUpdate, ApiError> {
    let members = parse_object(body)?;
    let visible = |text: &str| match text {
        "Visible" => Some(true),
        "Invisible" => Some(false),
        _ => None,
    };
    let undisturbed = |text: &str| match text {
        "DND" => Some(true),
        "Available" => Some(false),
        _ => None,
    };
    let phone = |text: &str| DndStatus::ALL.iter().copied().find(|dnd| phone_word(*dnd) == text);
    Ok(UnifiedUpdate {
        is_visible: inner(&members, "glip", "visibility", visible)?,
        is_undisturbed: inner(&members, "glip", "availability", undisturbed)?,
        dnd: inner(&members, "telephony", "availability", phone)?,
    })
}

fn inner<T>(
    members: &Map<String, Value>,
    object: &str,
    name: &str,
    parse: fn(&str) -> Option<T>,
) -> Result<Option<T>, ApiError> {
    let Some(value) = given(members, object) else { return Ok(None) };
    let inner = value.as_object().ok_or_else(|| ApiError::invalid_parameter(object))?;
    word(inner, name, parse).map_err(|_| ApiError::invalid_parameter(&format!("{object}.{name}")))
}

impl UnifiedUpdate {
    /// Returns what the update comes to for one whose `userStatus` is `present`. Being invisible
    /// stands above availability, and ends only with `Visible`.
    #[must_use]
    pub fn patch(self, present: UserStatus) -> SettingsPatch {
        let chosen = self.is_undisturbed.map(|is_undisturbed| {
            if is_undisturbed { UserStatus::Busy } else { UserStatus::Available }
        });
        let user_status = match (self.is_visible, present) {
            (Some(false), _) => Some(UserStatus::Offline),
            (Some(true), UserStatus::Offline) => Some(chosen.unwrap_or(UserStatus::Available)),
            (None, UserStatus::Offline) => None,
            (Some(true) | None, UserStatus::Busy | UserStatus::Available) => chosen,
        };
        SettingsPatch { user_status, dnd_status: self.dnd, ..SettingsPatch::default() }
    }
}

#[cfg(test)]
mod tests {
    use lampfield_core::{ExtensionStatus, ExtensionType, Policy, Settings, Standing, Timestamp};

    use super::*;

    fn document(user_status: UserStatus, dnd_status: DndStatus) -> Document {
        let standing = Standing { kind: ExtensionType::User, status: ExtensionStatus::Enabled };
        let settings = Settings { user_status, dnd_status, ..Settings::default() };
        Document::of(standing, settings, Vec::new(), Policy::default(), Timestamp(0))
    }

    #[test]
    fn the_aggregate_has_four_words() {
        use DndStatus::{DoNotAcceptAnyCalls, DoNotAcceptDepartmentCalls, TakeAllCalls};
        let mut table = Vec::new();
        for user in UserStatus::ALL {
            for dnd in [TakeAllCalls, DoNotAcceptDepartmentCalls, DoNotAcceptAnyCalls] {
                table.push(status(&document(*user, dnd)));
            }
        }
        let invisible = ["Offline"; 3];
        let busy = ["DND"; 3];
        let free = ["Available", "Available", "DND"];
        assert_eq!(table, [invisible, busy, free].concat());
    }

    #[test]
    fn only_oneself_is_told_who_may_see_it() {
        let own = unified_presence(
            &document(UserStatus::Available, DndStatus::DoNotAcceptDepartmentCalls),
            View::Full,
            Beholder::Oneself,
        );
        assert_eq!(
            own.to_string(),
            concat!(
                r#"{"status":"Available","#,
                r#""glip":{"status":"Online","visibility":"Visible","availability":"Available"},"#,
                r#""telephony":{"status":"NoCall","visibility":"Visible","availability":"DoNotAcceptQueueCalls"},"#,
                r#""meeting":{"status":"NoMeeting"}}"#
            )
        );
        let document = document(UserStatus::Offline, DndStatus::TakeAllCalls);
        let seen = unified_presence(&document, View::WithoutCallers, Beholder::Another);
        assert_eq!(
            seen.to_string(),
            concat!(
                r#"{"status":"Offline","glip":{"availability":"Available"},"#,
                r#""telephony":{"status":"NoCall","availability":"TakeAllCalls"},"#,
                r#""meeting":{"status":"NoMeeting"}}"#
            )
        );
        let hidden = unified_presence(&document, View::Hidden, Beholder::Another);
        assert_eq!(hidden.to_string(), r#"{"status":"Offline"}"#);
    }

    #[test]
    fn the_contracts_example_of_a_patch_comes_to_do_not_disturb() {
        let body = br#"{"glip":{"visibility":"Visible","availability":"DND"},
            "telephony":{"availability":"DoNotAcceptQueueCalls"}}"#;
        let patch = parse_unified_update(body).expect("valid").patch(UserStatus::Offline);

        let settings = Settings::default().patched(&patch);
        let after = document(settings.user_status, settings.dnd_status);
        let shown = unified_presence(&after, View::Full, Beholder::Oneself);
        assert_eq!(shown["status"], "DND");
        assert_eq!(shown["glip"]["availability"], "DND");
        assert_eq!(shown["telephony"]["availability"], "DoNotAcceptQueueCalls");
    }

    #[test]
    fn every_update_of_every_state_comes_to_what_it_says() {
        use UserStatus::{Available, Busy, Offline};
        for (visible, undisturbed, [offline, busy, available]) in [
            (None, None, [None, None, None]),
            (None, Some(true), [None, Some(Busy), Some(Busy)]),
            (None, Some(false), [None, Some(Available), Some(Available)]),
            (Some(true), None, [Some(Available), None, None]),
            (Some(true), Some(true), [Some(Busy); 3]),
            (Some(true), Some(false), [Some(Available); 3]),
            (Some(false), None, [Some(Offline); 3]),
            (Some(false), Some(true), [Some(Offline); 3]),
        ] {
            let update =
                UnifiedUpdate { is_visible: visible, is_undisturbed: undisturbed, dnd: None };
            let found = [Offline, Busy, Available].map(|user| update.patch(user).user_status);
            assert_eq!(found, [offline, busy, available], "{update:?}");
        }
    }

    #[test]
    fn what_is_outside_the_contract_names_its_path() {
        for (body, path) in [
            (r#"{"glip":7}"#, "glip"),
            (r#"{"glip":{"visibility":"Hidden"}}"#, "glip.visibility"),
            (r#"{"glip":{"availability":"Busy"}}"#, "glip.availability"),
            (
                r#"{"telephony":{"availability":"DoNotAcceptDepartmentCalls"}}"#,
                "telephony.availability",
            ),
            (r#"{"telephony":{"availability":true}}"#, "telephony.availability"),
        ] {
            let error = parse_unified_update(body.as_bytes()).expect_err(body);
            assert_eq!(error, ApiError::invalid_parameter(path), "{body}");
        }
        for nothing in
            ["", "{}", r#"{"glip":null}"#, r#"{"glip":{"status":"Online"},"status":"Busy"}"#]
        {
            assert_eq!(parse_unified_update(nothing.as_bytes()), Ok(UnifiedUpdate::default()));
        }
    }
}
