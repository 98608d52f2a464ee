//! What sources report: claims, pictures, batches.

use lampfield_core::{Direction, DndStatus, MeetingStatus, TelephonyStatus};

use crate::openapi::operation::{Operation, delete, get, own, post, put};
use crate::openapi::schema::{
    Member, Named, Schema, any_of, count, flag, list, may, moment, must, named, object, text, word,
};
use crate::openapi::subject::Subject;
use crate::own::bounds::{CALL_TEXT_MAX, LEASE_MAX, SIP_TEXT_MAX};

const NDJSON: &str = "application/x-ndjson";

pub(super) fn subject() -> Subject {
    Subject {
        tag: "Reporting",
        about: "Lampfield's own: how sources report calls, meetings, registrations, do-not-disturb.",
        operations: operations(),
        schemas: schemas(),
    }
}

fn operations() -> Vec<Operation> {
    const SOURCE: &str = "/accounts/{account}/sources/{source}";
    let at = |tail: &str| own(&format!("{SOURCE}{tail}"));
    let report = ["CallReport", "MeetingReport", "RegistrationReport", "DndReport"].map(named);
    vec![
        put(at("/extensions/{extension}/{list}/{id}"), "putClaim", "Say that something is so")
            .notes("The same again changes nothing but its lease. The body's shape follows `list`.")
            .key("ingest")
            .takes_as(crate::openapi::operation::JSON, any_of(report))
            .answers(200, "It is durable.", "Receipt")
            .refuses(&[409]),
        delete(at("/extensions/{extension}/{list}/{id}"), "withdrawClaim", "Take it back")
            .notes("What is not there is gone already.")
            .key("ingest")
            .answers(200, "It is durable.", "Receipt")
            .refuses(&[409]),
        put(at("/picture"), "putPicture", "Show everything that a source knows")
            .notes("What is not repeated is withdrawn. Extensions that do not exist harm no other.")
            .key("ingest")
            .takes("Picture")
            .answers(200, "It is durable.", "PictureReceipt")
            .refuses(&[409]),
        post(at("/batch"), "postBatch", "Many claims, one a line")
            .notes("A bad line harms no other; the answer has a line for each.")
            .key("ingest")
            .takes_as(NDJSON, text().about("A `BatchLine` a line."))
            .answers_as(200, "A `BatchReceipt` a line.", NDJSON, Schema::any()),
        post(at("/lost"), "loseSource", "Say that a source is lost")
            .notes("Its claims are stale from now on, and end soon unless it comes back.")
            .key("ingest")
            .answers(200, "The source after it.", "Source"),
        get(own("/accounts/{account}/sources"), "listSources", "How the sources are doing")
            .key_or_token("read", &["ReadAccounts"])
            .answers(200, "The sources.", "SourceList"),
    ]
}

fn schemas() -> Vec<Named> {
    vec![
        ("CallReport", object(call()).and(leased())),
        ("MeetingReport", object(meeting()).and(leased())),
        ("RegistrationReport", object(registration()).and(leased())),
        ("DndReport", object(dnd()).and(leased())),
        ("Receipt", receipt()),
        ("Picture", picture()),
        (
            "PictureReceipt",
            object([
                must("changed", count()),
                must("withdrawn", count()),
                must("sequence", count()),
                must("refused", list(object([must("extension", text()), must("reason", text())]))),
            ]),
        ),
        ("BatchLine", batch_line()),
        (
            "BatchReceipt",
            object([
                must("line", count()),
                may("changed", flag()),
                may("sequence", count()),
                may("errorCode", text()),
                may("message", text()),
            ]),
        ),
        ("Source", source()),
        ("SourceList", object([must("records", list(named("Source")))])),
    ]
}

fn call() -> Vec<Member> {
    let short = || text().at_most(CALL_TEXT_MAX).or_null();
    let sip = ["callId", "toTag", "fromTag", "remoteUri", "localUri"];
    let sip = sip.map(|name| may(name, text().at_most(SIP_TEXT_MAX).or_null()));
    vec![
        must("telephonyStatus", word(TelephonyStatus::ALL).about("`NoCall` ends it.")),
        may("direction", word(Direction::ALL).about("Needed unless the call is over.")),
        may("from", short()),
        may("to", short()),
        may("fromName", short()),
        may("toName", short()),
        may("startTime", moment().or_null()),
        may("queueCall", flag().or_null()),
        may("sessionId", short()),
        may("telephonySessionId", short()),
        may("partyId", short()),
        may("sipData", object(sip).or_null()),
    ]
}

fn meeting() -> Vec<Member> {
    vec![must("meetingStatus", word(MeetingStatus::ALL))]
}

fn registration() -> Vec<Member> {
    vec![must("registered", flag())]
}

fn dnd() -> Vec<Member> {
    vec![must("dndStatus", word(DndStatus::ALL))]
}

/// What every claim may say of itself.
fn leased() -> Vec<Member> {
    vec![may("leaseSeconds", lease()), may("observedAt", moment().or_null())]
}

fn lease() -> Schema {
    count().between(1, LEASE_MAX.as_secs()).or_null()
}

/// What a change of presence is answered with.
fn receipt() -> Schema {
    object([
        must("changed", flag()),
        must("sequence", count()),
        must("position", text().about("A place in the account's log.")),
        must("presence", named("Presence")),
    ])
}

fn picture() -> Schema {
    let claims = |members: Vec<Member>| {
        let whole = object([must("id", id())]).and(members).and(leased());
        list(whole).or_null()
    };
    let extension = object([
        must("extension", id_of_extension()),
        may("calls", claims(call())),
        may("meetings", claims(meeting())),
        may("registrations", claims(registration())),
        may("dnd", claims(dnd())),
    ]);
    object([
        must("extensions", list(extension).about("An empty list withdraws everything.")),
        may("leaseSeconds", lease().about("The lease of claims that name none.")),
        may("observedAt", moment().or_null()),
    ])
}

fn batch_line() -> Schema {
    let claim = |members: Vec<Member>| object([must("id", id())]).and(members).and(leased());
    object([
        must("extension", id_of_extension()),
        may("call", claim(call())),
        may("meeting", claim(meeting())),
        may("registration", claim(registration())),
        may("dnd", claim(dnd())),
        may("withdraw", flag().about("Takes it back; nothing but `id` is needed then.")),
    ])
}

fn id() -> Schema {
    any_of([text().at_least(1), crate::openapi::schema::id_number()])
        .about("The source's own id of the claim.")
}

fn id_of_extension() -> Schema {
    any_of([text().at_least(1), crate::openapi::schema::id_number()]).about("An id, or `n:101`.")
}

fn source() -> Schema {
    object([
        must("source", text()),
        must("phase", word(&["live", "awaited", "lost"])),
        must("lostSince", moment().or_null()),
        must("awaitedUntil", moment().or_null()),
        must("lastSeen", moment()),
        must("lastPicture", moment().or_null()),
        must("claims", count()),
    ])
}
