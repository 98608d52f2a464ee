//! What Lampfield shows beyond RingCentral: pictures, streams, why a presence is what it is.

use lampfield_core::{
    Act, Direction, DndStatus, ExtensionType, MeetingStatus, PresenceStatus, Rule, TelephonyStatus,
    UserStatus,
};

use crate::openapi::operation::{JSON, Operation, get, own, put};
use crate::openapi::schema::{
    Member, Named, Schema, count, flag, id_either, id_text, list, may, moment, must, named, object,
    text, word,
};
use crate::openapi::subject::Subject;
use crate::openapi::subject::presence::choices;
use crate::own::bounds::TIMED_MAX;

pub(super) fn subject() -> Subject {
    Subject {
        tag: "Reading",
        about: "Lampfield's own: pictures of an account, streams, and why a presence is what it is.",
        operations: operations(),
        schemas: schemas(),
    }
}

fn operations() -> Vec<Operation> {
    const EXTENSION: &str = "/accounts/{account}/extensions/{extension}";
    vec![
        get(own("/accounts/{account}/snapshot"), "readSnapshot", "Everybody's presence at one moment")
            .key_or_token("read", &["ReadAccounts"])
            .query(&["detail"])
            .headers(&["If-None-Match"])
            .answers(200, "The picture.", "Snapshot")
            .with_header(200, "ETag")
            .answers_nothing(304, "No presence has changed.")
            .with_header(304, "ETag"),
        get(own("/accounts/{account}/stream"), "openStream", "Every change as it happens")
            .notes("Server-sent events, picture first, resumable; /asyncapi.json describes them.")
            .key_or_token("read", &["ReadAccounts"])
            .query(&["detail", "after", "snapshot"])
            .headers(&["Last-Event-ID"])
            .answers_as(200, "Events without end.", "text/event-stream", text()),
        get(own(&format!("{EXTENSION}/why")), "explainPresence", "Why a presence is what it is")
            .key_or_token("read", &["ReadAccounts"])
            .query(&["sequence"])
            .answers(200, "The rule that won, and what it rests on.", "Why"),
        put(own(&format!("{EXTENSION}/presence")), "putChoices", "Set what a person chooses")
            .notes("With `forSeconds` or `until`, userStatus and dndStatus of this request end by themselves.")
            .key_or_token("admin", &["EditPresence"])
            .takes_as(JSON, update())
            .or_nothing()
            .answers(200, "It is durable.", "Receipt")
            .refuses(&[409]),
    ]
}

fn update() -> Schema {
    object(choices().map(|(name, schema)| may(name, schema.or_null()))).and([
        may("forSeconds", count().between(1, TIMED_MAX.as_secs()).or_null()),
        may("until", moment().or_null()),
        may(
            "permitted",
            list(id_either()).or_null().about("Who may answer this one's calls; also `n:101`."),
        ),
    ])
}

fn schemas() -> Vec<Named> {
    vec![
        ("Body", object(body())),
        ("SnapshotRecord", record()),
        (
            "Snapshot",
            object([
                must("position", text()),
                must("sequence", count()),
                must("account", id_text()),
                must("records", list(named("SnapshotRecord"))),
            ]),
        ),
        ("Why", why()),
        ("ExplainedClaim", object(claim())),
    ]
}

/// The body of an event.
fn body() -> Vec<Member> {
    vec![
        must(
            "extensionId",
            id_either().about("A text, unless the server is configured otherwise."),
        ),
        must("telephonyStatus", word(TelephonyStatus::ALL)),
        may("activeCalls", list(named("ActiveCall"))),
        may("sequence", count().about("Absent in pictures while nothing has ever changed.")),
        must("presenceStatus", word(PresenceStatus::ALL)),
        must("userStatus", word(UserStatus::ALL)),
        must("meetingStatus", word(MeetingStatus::ALL)),
        must("dndStatus", word(DndStatus::ALL)),
        must("allowSeeMyPresence", flag()),
        must("ringOnMonitoredCall", flag()),
        must("pickUpCallsOnHold", flag()),
        may("totalActiveCalls", count()),
    ]
}

fn record() -> Schema {
    let extension = object([
        must("id", id_text()),
        must("number", text()),
        must("name", text()),
        must("type", word(ExtensionType::ALL)),
        must("groups", list(text())),
    ]);
    object([
        must("extension", extension),
        must("presence", named("Body")),
        may("message", text().or_null()),
        may("rule", rule()),
        may("presenceSince", moment()),
        may("telephonySince", moment()),
        may("stale", flag()),
    ])
}

/// The name of a rule of composition.
pub(in crate::openapi) fn rule() -> Schema {
    let rules: Vec<_> = Rule::ALL.iter().map(|rule| rule.as_str()).collect();
    word(&rules)
}

fn why() -> Schema {
    let acts: Vec<_> = Act::ALL.iter().map(|act| act.as_str()).collect();
    let settings = choices().map(|(name, schema)| {
        must(name, if name == "message" { text().or_null() } else { schema })
    });
    object([
        must(
            "extension",
            object([must("id", id_text()), must("number", text()), must("name", text())]),
        ),
        must("sequence", count().or_null()),
        must("position", text()),
        must("at", moment().or_null()),
        must("presence", named("Body")),
        must("rule", object([must("name", rule()), must("sentence", text())])),
        must(
            "since",
            object([must("presence", moment().or_null()), must("telephony", moment().or_null())]),
        ),
        must("until", moment().or_null()),
        must("claims", list(named("ExplainedClaim"))),
        must("settings", object(settings)),
        must(
            "cause",
            object([
                must("act", word(&acts)),
                must("source", text()),
                must("claim", text().or_null()),
            ])
            .or_null(),
        ),
        must(
            "visibleTo",
            object([
                must("everybody", flag()),
                must("callers", word(&["everybody", "nobody", "listed"])),
                must("permitted", list(id_text())),
            ]),
        ),
    ])
}

fn claim() -> Vec<Member> {
    vec![
        must("source", text()),
        must("id", text()),
        must("kind", word(&["call", "meeting", "registration", "dnd", "userStatus"])),
        must("value", text()),
        must("since", moment()),
        must("observedAt", moment()),
        must("expiresAt", moment()),
        must("stale", flag()),
        must("decides", flag().about("Whether the rule that won rests on it.")),
        may("direction", word(Direction::ALL)),
        may("from", text().or_null()),
        may("to", text().or_null()),
        may("fromName", text().or_null()),
        may("toName", text().or_null()),
    ]
}
