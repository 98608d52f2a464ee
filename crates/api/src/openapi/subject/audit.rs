//! The audit trail: who changed what.

use lampfield_core::audit::AuditAct;

use crate::openapi::operation::{Operation, get, own};
use crate::openapi::schema::{
    Named, Schema, list, may, moment, must, named, object, text, uri, word,
};
use crate::openapi::subject::Subject;

pub(super) fn subject() -> Subject {
    Subject {
        tag: "Audit",
        about: "Lampfield's own: who changed what in the directory, and who changed others' presence.",
        operations: operations(),
        schemas: schemas(),
    }
}

fn operations() -> Vec<Operation> {
    vec![
        get(own("/accounts/{account}/audit"), "listAudit", "Who changed what of an account")
            .key("admin")
            .query(&["page", "perPage"])
            .answers(200, "A page, newest first.", "AuditList"),
        get(own("/audit"), "listHouseAudit", "Who changed what of the whole house")
            .notes("What belongs to no single account. Needs a key that is bound to none.")
            .key("admin")
            .query(&["page", "perPage"])
            .answers(200, "A page, newest first.", "AuditList"),
    ]
}

fn schemas() -> Vec<Named> {
    vec![
        ("AuditEntry", entry()),
        (
            "AuditList",
            object([
                must("uri", uri()),
                must("records", list(named("AuditEntry"))),
                must("paging", named("Paging")),
                must("navigation", named("Navigation")),
            ]),
        ),
    ]
}

fn entry() -> Schema {
    let acts: Vec<_> = AuditAct::ALL.iter().map(|act| act.as_str()).collect();
    let actor = object([
        must("kind", word(&["key", "extension"])),
        must("id", text()),
        may("name", text().about("Of a key, at that time.")),
        may("app", text().about("Through which a person did it.")),
    ]);
    let change = object([
        must("member", text()),
        may("before", text().about("Absent where there was none, or where it is not told.")),
        may("after", text()),
    ]);
    object([
        must("id", text()),
        must("at", moment()),
        must("act", word(&acts)),
        must("object", text().about("Id of what it was done to.")),
        must("actor", actor),
        must("changes", list(change)),
        may("requestId", text()),
        may("address", text()),
    ])
}
