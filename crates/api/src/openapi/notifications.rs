//! Schemas of what is told: the envelope, the bodies of every kind of event, the same as a CloudEvent,
//! and what streams say beside it.

use lampfield_core::{Changes, DndStatus};

use crate::openapi::schema::{
    Member, Named, Schema, any_of, count, flag, id_either, id_text, list, may, moment, must, named,
    object, text, uuid, word,
};
use crate::openapi::subject::rule;

/// Returns every schema of notifications.
pub(super) fn schemas() -> Vec<Named> {
    let mut all = vec![
        ("Notification", object(envelope(named("AnyBody")))),
        ("CloudEvent", cloud_event()),
        ("StreamNotification", object(envelope(named("Body"))).and([must("lampfield", beside())])),
        (
            "SnapshotPiece",
            object([
                must("position", text()),
                must("sequence", count()),
                must("records", list(named("SnapshotRecord"))),
                must("more", flag().about("Whether another piece follows.")),
            ]),
        ),
        ("Reset", object([must("position", text())])),
        ("ReceiverAlert", alert()),
    ];
    all.extend(bodies());
    all
}

fn envelope(body: Schema) -> Vec<Member> {
    vec![
        must("uuid", uuid().about("Repeated by every repeat.")),
        must("event", text().about("URI of what changed, with the filter's flags.")),
        must("timestamp", moment().about("When it was decided.")),
        must("subscriptionId", uuid()),
        must("ownerId", id_text().about("Of the subscription; `0` on an operator's stream.")),
        must("body", body),
    ]
}

fn cloud_event() -> Schema {
    object([
        must("specversion", word(&["1.0"])),
        must("id", uuid().about("The notification's uuid.")),
        must("source", text().about("The account's path.")),
        must("type", text().such_as("lampfield.extension.presence")),
        must("subject", text().about("The contract's `event`.")),
        must("time", moment()),
        must("datacontenttype", word(&["application/json"])),
        must("subscriptionid", uuid()),
        must("ownerid", id_text()),
        must("data", named("AnyBody")),
    ])
}

/// Bodies by what was subscribed to.
fn bodies() -> Vec<Named> {
    const ALL: [&str; 6] =
        ["Body", "LinesBody", "DndBody", "QueueBody", "ExtensionBody", "ReminderBody"];
    let extension = || must("extensionId", id_either());
    let member = object([must("id", id_text())]);
    let record = object([
        must("member", member),
        must("acceptQueueCalls", flag()),
        must("acceptCurrentQueueCalls", flag()),
    ]);
    vec![
        ("AnyBody", any_of(ALL.map(named)).about("What it is follows from `event`.")),
        (
            "LinesBody",
            object([
                must("extension", list(object([must("id", id_text())]))),
                must("sequence", count()),
            ])
            .about("`…/presence/line`: read the list again."),
        ),
        (
            "DndBody",
            object([extension(), must("dndStatus", word(DndStatus::ALL))])
                .about("`…/presence/dnd`."),
        ),
        (
            "QueueBody",
            object([
                must("records", list(record)),
                extension(),
                must("callQueueId", id_text()),
                must("acceptCalls", flag()),
            ])
            .about("`…/call-queues/{queue}/presence`."),
        ),
        (
            "ExtensionBody",
            object([
                extension(),
                may("eventType", word(&["Update"])),
                may("hints", list(word(&["ExtensionInfo"]))),
            ])
            .about("`…/favorite`, `…/extension/{extension}` and `…/extension`: read it again."),
        ),
        (
            "ReminderBody",
            object([must("expiresIn", count().about("Seconds that are left."))])
                .about("The reminder's own filter: renew the subscription."),
        ),
    ]
}

/// What a stream says beside the contract's payload.
fn beside() -> Schema {
    object([
        must("position", text()),
        may("number", text()),
        may("name", text()),
        may("changes", list(word(&every_change()))),
        may("coalesced", flag().about("Older changes of the extension were left out.")),
        may("message", text().or_null()),
        may("rule", rule()),
        may("presenceSince", moment()),
        may("telephonySince", moment()),
        may("stale", flag()),
    ])
}

/// Names of everything that may differ.
fn every_change() -> Vec<&'static str> {
    let shown = Changes::DETAILED | Changes::AUDIENCE | Changes::CALLER_DETAILS | Changes::SIP;
    let beside = Changes::MESSAGE | Changes::STANDING | Changes::STALE | Changes::REGISTRATION;
    (shown | beside | Changes::LISTS).names().collect()
}

fn alert() -> Schema {
    object([
        must("id", uuid()),
        must("account", id_text()),
        must("owner", id_text()),
        must("app", text()),
        must("state", word(&["failing", "recovered", "suspended", "reactivated", "ended"])),
        must("at", moment()),
        must("reason", text().or_null()),
        must("suspendedAt", moment().or_null()),
    ])
}
