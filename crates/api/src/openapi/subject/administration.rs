//! Accounts and extensions as administrators see them.

use lampfield_core::directory::Permissions;
use lampfield_core::{ExtensionStatus, ExtensionType};

use crate::openapi::operation::{Operation, delete, get, own, post, put};
use crate::openapi::schema::{
    Member, Named, Schema, count, flag, id_either, id_text, list, may, moment, must, named, object,
    text, word,
};
use crate::openapi::subject::Subject;
use crate::own::bounds::{EMAIL_MAX, GROUP_MAX, GROUPS_MAX, NAME_MAX, NUMBER_MAX, QUEUES_MAX};

const CSV: &str = "text/csv";

pub(super) fn subject() -> Subject {
    Subject {
        tag: "Administration",
        about: "Lampfield's own: accounts and extensions.",
        operations: operations(),
        schemas: schemas(),
    }
}

fn operations() -> Vec<Operation> {
    const LIST: &str = "/accounts/{account}/extensions";
    const ONE: &str = "/accounts/{account}/extensions/{extension}";
    let at = |tail: &str| own(&format!("{LIST}{tail}"));
    vec![
        get(own("/accounts"), "listOwnAccounts", "Accounts that the key reaches")
            .key("admin")
            .answers(200, "The accounts.", "OwnAccountList"),
        post(own("/accounts"), "createAccount", "Make an account")
            .notes("Needs a key that is bound to no account.")
            .key("admin")
            .takes("NewAccount")
            .answers(201, "The account.", "OwnAccount")
            .refuses(&[409])
            .leads(201, "/id", &[("readOwnAccount", "account"), ("createExtension", "account")]),
        get(own("/accounts/{account}"), "readOwnAccount", "An account").key("admin").answers(
            200,
            "The account.",
            "OwnAccount",
        ),
        get(at(""), "listOwnExtensions", "Extensions of an account")
            .key_or_token("read", &["ReadAccounts"])
            .query(&["page", "perPage", "q"])
            .answers(200, "A page, by id.", "OwnExtensionList"),
        post(at(""), "createExtension", "Make an extension")
            .key("admin")
            .takes("NewExtension")
            .answers(201, "The extension.", "OwnExtension")
            .refuses(&[409])
            .leads(
                201,
                "/id",
                &[
                    ("readOwnExtension", "extension"),
                    ("changeExtension", "extension"),
                    ("removeExtension", "extension"),
                ],
            ),
        post(at("/import"), "importExtensions", "Make and change many extensions")
            .notes("Good rows are taken, bad ones reported, all of them.")
            .key("admin")
            .query(&["dryRun"])
            .takes_as(CSV, text().about("The first row names the columns."))
            .answers(200, "What became of the rows.", "ImportReport"),
        get(at("/export"), "exportExtensions", "All extensions as a file")
            .notes("Importing it changes nothing.")
            .key("admin")
            .answers_as(200, "The file.", CSV, text()),
        get(own(ONE), "readOwnExtension", "An extension")
            .key_or_token("read", &["ReadAccounts"])
            .answers(200, "The extension.", "OwnExtension"),
        put(own(ONE), "changeExtension", "Change an extension")
            .notes("What is not named keeps its value.")
            .key("admin")
            .takes("ExtensionChange")
            .or_nothing()
            .answers(200, "The extension after it.", "OwnExtension")
            .refuses(&[409]),
        delete(own(ONE), "removeExtension", "Remove an extension")
            .notes("It goes offline first; its log-ins and subscriptions end.")
            .key("admin")
            .answers_nothing(204, "It is gone."),
    ]
}

fn schemas() -> Vec<Named> {
    vec![
        (
            "OwnAccount",
            object([
                must("id", id_text()),
                must("name", text()),
                must("mainNumber", text()),
                must("createdAt", moment()),
                must("extensions", count()),
            ]),
        ),
        ("OwnAccountList", object([must("records", list(named("OwnAccount")))])),
        (
            "NewAccount",
            object([
                may("id", id_either().or_null()),
                must("name", name()),
                must("mainNumber", text().pattern("^\\+?[0-9]{1,16}$")),
            ]),
        ),
        ("OwnExtension", object(extension())),
        (
            "OwnExtensionList",
            object([
                must("uri", text()),
                must("records", list(named("OwnExtension"))),
                must("paging", named("Paging")),
                must("navigation", named("Navigation")),
            ]),
        ),
        (
            "NewExtension",
            object([
                may("id", id_either().or_null()),
                must("number", number()),
                must("name", name()),
            ])
            .and(choices()),
        ),
        (
            "ExtensionChange",
            object([may("number", number().or_null()), may("name", name().or_null())])
                .and(choices()),
        ),
        ("ImportReport", report()),
    ]
}

fn extension() -> Vec<Member> {
    vec![
        must("id", id_text()),
        must("account", id_text()),
        must("number", text()),
        must("name", text()),
        must("email", text()),
        must("type", word(ExtensionType::ALL)),
        must("status", word(ExtensionStatus::ALL)),
        must("groups", list(text())),
        must("queues", list(id_text())),
        must("admin", flag()),
        must("permissions", list(permission())),
        must("editableMemberStatus", flag().about("Of a call queue: whether members choose.")),
    ]
}

/// What need not be said of an extension.
fn choices() -> Vec<Member> {
    vec![
        may("email", text().at_most(EMAIL_MAX).or_null().such_as("ada@example.org")),
        may("type", word(ExtensionType::ALL).or_null()),
        may("status", word(ExtensionStatus::ALL).or_null()),
        may("groups", list(text().at_most(GROUP_MAX)).at_most(GROUPS_MAX).or_null()),
        may(
            "queues",
            list(text()).at_most(QUEUES_MAX).or_null().about("Call queues, by id or as `n:700`."),
        ),
        may("admin", flag().or_null()),
        may("permissions", list(permission()).or_null()),
        may("editableMemberStatus", flag().or_null()),
    ]
}

fn permission() -> Schema {
    word(&Permissions::ordinary().words().collect::<Vec<_>>())
}

fn number() -> Schema {
    text().pattern(&format!("^[0-9]{{1,{NUMBER_MAX}}}$")).such_as("101")
}

/// A name of an account, an application, a key.
pub(super) fn name() -> Schema {
    text().at_least(1).at_most(NAME_MAX)
}

fn report() -> Schema {
    let rejected = object([
        must("line", count()),
        must("number", text().or_null()),
        must("column", text().or_null()),
        must("reason", text()),
    ]);
    object([
        must("dryRun", flag()),
        must("created", count()),
        must("updated", count()),
        must("unchanged", count()),
        must("rejected", list(rejected)),
    ])
}
