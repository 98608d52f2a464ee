//! What people keep lists of, and call queues: lines, favorites, whose calls they take.

use lampfield_core::settings::{FAVORITES_MAX, LINES_MAX};
use lampfield_core::{ExtensionStatus, ExtensionType, TelephonyStatus};

use crate::openapi::operation::{JSON, Operation, get, own, patch, put, rest};
use crate::openapi::schema::{
    Member, Named, Schema, any_of, anything, count, flag, id_either, id_text, list, may, must,
    named, object, text, uri, word,
};
use crate::openapi::subject::Subject;
use crate::openapi::subject::presence::SEVERAL_SENTENCE;

pub(super) fn subject() -> Subject {
    Subject {
        tag: "Lines and queues",
        about: "Whom people monitor and keep at hand, and who takes the calls of which queue.",
        operations: operations(),
        schemas: schemas(),
    }
}

const EXTENSION: &str = "/account/{account}/extension/{extension}";
const LISTS: &str = "/accounts/{account}/extensions/{extension}/lists";

fn operations() -> Vec<Operation> {
    let mut all = lines();
    all.extend(queues());
    all.extend(unified());
    all
}

fn lines() -> Vec<Operation> {
    let at = |tail: &str| rest(&format!("{EXTENSION}{tail}"));
    vec![
        get(at("/presence/line"), "listLines", "Whom a user monitors")
            .token(&["ReadPresence"])
            .query(&["page", "perPage"])
            .answers(200, "A page, by number; the first two lines are the own ones.", "LineList")
            .refuses(&[404]),
        put(at("/presence/line"), "replaceLines", "Replace whom a user monitors")
            .notes("A bare list of the same records is taken as well.")
            .token(&["EditPresence"])
            .takes_as(JSON, either("LineUpdate", line_record()))
            .or_nothing()
            .answers(200, "The list after it.", "LineList")
            .refuses(&[404, 409]),
        get(at("/presence/line/{line}"), "readLine", "One line")
            .token(&["ReadPresence"])
            .answers(200, "The line.", "Line")
            .refuses(&[404]),
        get(at("/favorite"), "listFavorites", "Whom a user keeps at hand")
            .token(&["ReadContacts"])
            .answers(200, "The list.", "FavoriteList")
            .refuses(&[404]),
        put(at("/favorite"), "replaceFavorites", "Replace whom a user keeps at hand")
            .token(&["Contacts"])
            .takes_as(JSON, either("FavoriteUpdate", favorite_record()))
            .or_nothing()
            .answers(200, "The list after it.", "FavoriteList")
            .refuses(&[404, 409]),
        get(own(LISTS), "readLists", "All lists of an extension")
            .key_or_token("read", &["ReadAccounts"])
            .answers(200, "The lists.", "Lists"),
        put(own(LISTS), "putLists", "Replace lists of an extension")
            .notes(
                "Each list that is named replaces the one before. Extensions by id or as `n:101`.",
            )
            .key_or_token("admin", &["EditPresence"])
            .takes("ListsChange")
            .or_nothing()
            .answers(200, "The lists after it.", "Lists")
            .refuses(&[409]),
    ]
}

fn queues() -> Vec<Operation> {
    const QUEUE: &str = "/account/{account}/call-queues/{queue}";
    let agent = rest(&format!("{EXTENSION}/call-queue-presence"));
    let members = rest(&format!("{QUEUE}/presence"));
    vec![
        get(rest("/account/{account}/call-queues"), "listQueues", "Call queues")
            .token(&["ReadAccounts"])
            .query(&["page", "perPage", "memberExtensionId"])
            .answers(200, "A page, by id.", "QueueList")
            .refuses(&[404]),
        get(rest(QUEUE), "readQueue", "A call queue")
            .token(&["ReadAccounts"])
            .answers(200, "The queue.", "Queue")
            .refuses(&[404]),
        get(members.clone(), "readQueuePresence", "Who takes a queue's calls")
            .token(&["ReadPresence"])
            .answers(200, "Every member, by id.", "QueuePresence")
            .refuses(&[404]),
        put(members, "updateQueuePresence", "Say who takes a queue's calls")
            .notes("Members that are not named stay as they are. All wishes take effect, or none.")
            .token(&["EditPresence"])
            .takes_as(JSON, either("QueuePresenceUpdate", member_choice()))
            .or_nothing()
            .answers(200, "Every member after it.", "QueuePresence")
            .refuses(&[404, 409]),
        get(agent.clone(), "readAgentPresence", "Which queues' calls someone takes")
            .token(&["ReadPresence"])
            .query(&["editableMemberStatus"])
            .answers(200, "Every queue, by id.", "AgentPresence")
            .refuses(&[404]),
        put(agent, "updateAgentPresence", "Say which queues' calls someone takes")
            .token(&["EditPresence"])
            .takes_as(JSON, either("AgentPresenceUpdate", queue_choice()))
            .or_nothing()
            .answers(200, "Every queue after it.", "AgentPresence")
            .refuses(&[404, 409]),
    ]
}

fn unified() -> Vec<Operation> {
    let path = rest(&format!("{EXTENSION}/unified-presence"));
    let many = || list(named("OneOfSeveral"));
    vec![
        get(path.clone(), "readUnifiedPresence", "The same presence in four words")
            .notes("Several ids parted by commas give 207.")
            .token(&["ReadPresence"])
            .answers(200, "The presence.", "UnifiedPresence")
            .answers_as(207, SEVERAL_SENTENCE, JSON, many())
            .refuses(&[400, 404]),
        patch(path, "updateUnifiedPresence", "Change it")
            .notes("What is not named keeps its value. Several ids take a body each, and give 207.")
            .token(&["EditPresence"])
            .takes_as(JSON, any_of([named("UnifiedUpdate"), list(anything())]))
            .or_nothing()
            .answers(200, "The presence after it.", "UnifiedPresence")
            .answers_as(207, SEVERAL_SENTENCE, JSON, many())
            .refuses(&[404, 409]),
    ]
}

/// Records in an object, or bare.
fn either(name: &str, record: Schema) -> Schema {
    any_of([named(name), list(record)])
}

fn records(record: Schema) -> Schema {
    object([must("records", list(record))])
}

fn page_of(record: Schema) -> Schema {
    records(record).and([
        must("uri", uri()),
        must("paging", named("Paging")),
        must("navigation", named("Navigation")),
    ])
}

fn line_record() -> Schema {
    object([
        may("id", text().or_null().about("The first two lines cannot change.")),
        must("extension", object([must("id", id_either())])),
    ])
}

fn favorite_record() -> Schema {
    object([must("extensionId", id_either()), may("accountId", id_either().or_null())])
}

fn member_choice() -> Schema {
    object([
        must("member", object([must("id", id_either())])),
        may("acceptCurrentQueueCalls", flag().or_null()),
    ])
}

fn queue_choice() -> Schema {
    object([
        must("callQueue", object([must("id", id_either())])),
        may("acceptCalls", flag().or_null()),
    ])
}

fn schemas() -> Vec<Named> {
    let favorite =
        object([must("id", count()), must("extensionId", id_text()), must("accountId", id_text())]);
    vec![
        ("Line", line()),
        ("LineList", page_of(named("Line"))),
        ("LineUpdate", records(line_record())),
        ("FavoriteList", records(favorite).and([must("uri", uri())])),
        ("FavoriteUpdate", records(favorite_record())),
        ("Lists", object(lists(id_text, Schema::same))),
        ("ListsChange", object(lists(text, Schema::or_null))),
        ("Queue", object(queue())),
        ("QueueList", page_of(named("Queue"))),
        (
            "QueuePresence",
            records(object([
                must("member", object(name_of())),
                must(
                    "acceptQueueCalls",
                    flag().about("Mirrors do-not-disturb; cannot be set here."),
                ),
                must("acceptCurrentQueueCalls", flag()),
            ])),
        ),
        ("QueuePresenceUpdate", records(member_choice())),
        (
            "AgentPresence",
            records(object([
                must("callQueue", object(name_of()).and([must("editableMemberStatus", flag())])),
                must("acceptCalls", flag()),
            ])),
        ),
        ("AgentPresenceUpdate", records(queue_choice())),
        ("UnifiedPresence", unified_presence()),
        ("UnifiedUpdate", unified_update()),
    ]
}

fn line() -> Schema {
    let extension = object([
        must("id", id_text()),
        must("uri", uri()),
        must("extensionNumber", text()),
        must("type", word(ExtensionType::ALL)),
    ]);
    object([must("id", text()), must("uri", uri()), must("extension", extension)])
}

fn name_of() -> Vec<Member> {
    vec![must("id", id_text()), must("name", text()), must("extensionNumber", text())]
}

fn queue() -> Vec<Member> {
    let mut members = vec![must("uri", uri())];
    members.extend(name_of());
    members.push(must("status", word(ExtensionStatus::ALL)));
    members.push(must("editableMemberStatus", flag().about("Whether members choose.")));
    members
}

/// The lists that an extension has; shown all, changed one by one.
fn lists(item: fn() -> Schema, finish: fn(Schema) -> Schema) -> Vec<Member> {
    let bounded = |name, max| may(name, finish(list(item()).at_most(max)));
    vec![
        bounded("lines", LINES_MAX),
        bounded("favorites", FAVORITES_MAX),
        may("declinedQueues", finish(list(item()))),
        may("permitted", finish(list(item()))),
    ]
}

fn unified_presence() -> Schema {
    let visibility =
        || may("visibility", word(&["Visible", "Invisible"]).about("On one's own only."));
    object([
        must("status", word(&["Available", "Busy", "DND", "Offline"])),
        may(
            "glip",
            object([
                must("status", word(&["Offline", "Online"])),
                visibility(),
                may("availability", word(&["Available", "DND"])),
            ]),
        ),
        may(
            "telephony",
            object([
                must("status", word(TelephonyStatus::ALL)),
                visibility(),
                may("availability", word(&PHONE)),
            ]),
        ),
        may("meeting", object([must("status", word(&["NoMeeting", "InMeeting"]))])),
    ])
}

const PHONE: [&str; 3] = ["TakeAllCalls", "DoNotAcceptAnyCalls", "DoNotAcceptQueueCalls"];

fn unified_update() -> Schema {
    let glip = object([
        may("visibility", word(&["Visible", "Invisible"]).or_null()),
        may("availability", word(&["Available", "DND"]).or_null()),
    ]);
    let telephony = object([may("availability", word(&PHONE).or_null())]);
    object([may("glip", glip.or_null()), may("telephony", telephony.or_null())])
}
