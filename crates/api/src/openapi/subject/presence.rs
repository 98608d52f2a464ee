//! Presence over RingCentral's paths.

use lampfield_core::settings::MESSAGE_MAX;
use lampfield_core::{
    CallerIdVisibility, Direction, DndStatus, MeetingStatus, PresenceStatus, TelephonyStatus,
    UserStatus,
};

use crate::openapi::operation::{Operation, get, put, rest};
use crate::openapi::schema::{
    Member, Named, Schema, any_of, anything, count, flag, id_either, id_text, list, may, moment,
    must, named, object, text, uri, word,
};
use crate::openapi::subject::Subject;

/// One JSON array in place of parts.
pub(super) const SEVERAL: &str = "application/vnd.ringcentral.multipart+json";
/// Parts.
pub(super) const MIXED: &str = "multipart/mixed";

const FLAGS: &[&str] = &["detailedTelephonyState", "sipData", "totalActiveCalls"];

pub(super) fn subject() -> Subject {
    Subject {
        tag: "Presence",
        about: "Whether people are there, on the phone, in a meeting; and what they choose about it.",
        operations: operations(),
        schemas: schemas(),
    }
}

fn operations() -> Vec<Operation> {
    const EXTENSION: &str = "/account/{account}/extension/{extension}/presence";
    let below = |rest_of: &str| rest(&format!("{EXTENSION}{rest_of}"));
    vec![
        get(rest("/account/{account}/presence"), "readAccountPresence", "Presence of an account")
            .notes("A page of all extensions, by id. Those whose type has no presence have three members.")
            .token(&["ReadPresence"])
            .query(&["page", "perPage", "detailedTelephonyState", "sipData", "totalActiveCalls"])
            .answers(200, "A page.", "AccountPresence")
            .refuses(&[404]),
        several(get(below(""), "readPresence", "Presence of an extension"))
            .notes("Several ids parted by commas give 207.")
            .token(&["ReadPresence"])
            .query(FLAGS)
            .answers(200, "The presence.", "Presence")
            .refuses(&[404]),
        several(put(below(""), "updatePresence", "Change what a person chooses"))
            .notes(
                "What is not named keeps its value; read-only members are ignored. Several ids \
                 parted by commas take a body each, and give 207.",
            )
            .token(&["EditPresence"])
            .query(FLAGS)
            .takes_as(crate::openapi::operation::JSON, update())
            .takes_as(MIXED, text().about("A part for each id, in their order."))
            .or_nothing()
            .answers(200, "The presence after it.", "Presence")
            .refuses(&[404, 409]),
        several(get(below("/line/presence"), "readLinePresence", "Presence of the only line"))
            .notes("The same as the extension's presence; clients that monitor one line ask here.")
            .token(&["ReadPresence"])
            .query(FLAGS)
            .answers(200, "The presence.", "Presence")
            .refuses(&[404]),
        get(below("/permission"), "readPermissions", "Who may answer someone's calls")
            .token(&["ReadPresence"])
            .query(&["page", "perPage"])
            .answers(200, "A page.", "PermissionList")
            .refuses(&[404]),
        put(below("/permission"), "updatePermissions", "Replace who may answer someone's calls")
            .token(&["EditPresence"])
            .takes("PermissionUpdate")
            .answers(200, "The list after it.", "PermissionList")
            .refuses(&[404, 409]),
    ]
}

/// What is said of an answer about several.
pub(super) const SEVERAL_SENTENCE: &str = "Several extensions, each for itself.";

/// An operation that can be about several extensions.
pub(super) fn several(operation: Operation) -> Operation {
    let parts = text().about("A part with the list of statuses, then a part for each.");
    operation.answers_as(207, SEVERAL_SENTENCE, MIXED, parts).answers_as(
        207,
        SEVERAL_SENTENCE,
        SEVERAL,
        list(named("OneOfSeveral")),
    )
}

fn update() -> Schema {
    any_of([named("PresenceUpdate"), list(anything()).about("A body for each of several ids.")])
}

fn schemas() -> Vec<Named> {
    vec![
        ("Presence", object(resource())),
        (
            "AccountPresence",
            object([
                must("uri", uri()),
                must("records", list(named("Presence"))),
                must("paging", named("Paging")),
                must("navigation", named("Navigation")),
            ]),
        ),
        ("PresenceUpdate", object(choices().map(|(name, schema)| may(name, schema.or_null())))),
        ("ActiveCall", object(call())),
        (
            "SipData",
            object(
                ["callId", "toTag", "fromTag", "remoteUri", "localUri"]
                    .map(|name| may(name, text())),
            ),
        ),
        (
            "OneOfSeveral",
            object([
                must("resourceId", text()),
                must("status", count()),
                must(
                    "body",
                    anything().about("What a request for this one alone is answered with."),
                ),
            ]),
        ),
        (
            "PermissionList",
            object([
                must("uri", uri()),
                must(
                    "records",
                    list(object([
                        must("uri", uri()),
                        must("id", id_text()),
                        must("extensionNumber", text()),
                    ])),
                ),
                must("paging", named("Paging")),
                must("navigation", named("Navigation")),
            ]),
        ),
        ("PermissionUpdate", object([must("extensions", list(object([must("id", id_either())])))])),
    ]
}

/// What people choose.
pub(super) fn choices() -> [(&'static str, Schema); 7] {
    [
        ("userStatus", word(UserStatus::ALL)),
        ("dndStatus", word(DndStatus::ALL)),
        ("message", text().at_most(MESSAGE_MAX).about("An empty one removes it.")),
        ("allowSeeMyPresence", flag()),
        ("callerIdVisibility", word(CallerIdVisibility::ALL)),
        ("ringOnMonitoredCall", flag()),
        ("pickUpCallsOnHold", flag()),
    ]
}

fn resource() -> Vec<Member> {
    vec![
        must("uri", uri()),
        must("extension", named("ExtensionReference")),
        must("presenceStatus", word(PresenceStatus::ALL)),
        may("telephonyStatus", word(TelephonyStatus::ALL)),
        may("userStatus", word(UserStatus::ALL)),
        may("dndStatus", word(DndStatus::ALL)),
        may("meetingStatus", word(MeetingStatus::ALL)),
        may("message", text()),
        may("allowSeeMyPresence", flag()),
        may("callerIdVisibility", word(CallerIdVisibility::ALL)),
        may("ringOnMonitoredCall", flag()),
        may("pickUpCallsOnHold", flag()),
        may("activeCalls", list(named("ActiveCall"))),
        may("totalActiveCalls", count()),
    ]
}

/// A call as events and resources list it.
fn call() -> Vec<Member> {
    vec![
        must("id", text()),
        must("direction", word(Direction::ALL)),
        must("queueCall", flag()),
        may("from", text()),
        may("fromName", text()),
        may("to", text()),
        may("toName", text()),
        must("startTime", moment()),
        must("telephonyStatus", word(TelephonyStatus::ALL)),
        may(
            "terminationType",
            word(&["final"]).about("Only of a call that ended with this event."),
        ),
        must("sessionId", text()),
        may("telephonySessionId", text()),
        may("partyId", text()),
        may("sipData", named("SipData")),
    ]
}
