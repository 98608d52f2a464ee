//! Supporting resources over RingCentral's paths: account, extensions, features.

use lampfield_core::{ExtensionStatus, ExtensionType};

use crate::openapi::operation::{Operation, get, rest};
use crate::openapi::schema::{
    Member, Named, Schema, anything, count, flag, id_number, id_text, list, may, must, named,
    object, text, uri, word,
};
use crate::openapi::subject::Subject;
use crate::openapi::subject::presence::several;

pub(super) fn subject() -> Subject {
    Subject {
        tag: "Directory",
        about: "The account and its extensions, as RingCentral shows them.",
        operations: operations(),
        schemas: schemas(),
    }
}

fn operations() -> Vec<Operation> {
    vec![
        get(rest("/account/{account}"), "readAccount", "The account")
            .token(&["ReadAccounts"])
            .answers(200, "The account.", "Account")
            .refuses(&[404]),
        get(rest("/account/{account}/extension"), "listExtensions", "Extensions of the account")
            .token(&["ReadAccounts"])
            .query(&["page", "perPage", "extensionNumber", "email", "status", "type"])
            .answers(200, "A page, by id.", "ExtensionList")
            .refuses(&[404]),
        several(get(
            rest("/account/{account}/extension/{extension}"),
            "readExtension",
            "An extension",
        ))
        .notes("Several ids parted by commas give 207.")
        .token(&["ReadAccounts"])
        .answers(200, "The extension.", "Extension")
        .refuses(&[400, 404]),
        get(
            rest("/account/{account}/extension/{extension}/features"),
            "listFeatures",
            "What a client may offer",
        )
        .token(&["ReadAccounts"])
        .query(&["featureId", "availableOnly"])
        .answers(200, "The features.", "FeatureList")
        .refuses(&[404]),
        missing("/account/{account}/active-calls", "listActiveCalls"),
        missing("/account/{account}/extension/{extension}/active-calls", "listExtensionCalls"),
        missing("/account/{account}/directory/entries", "listEntries"),
    ]
}

/// A path of RingCentral's that this server does not have.
fn missing(path: &str, id: &'static str) -> Operation {
    get(rest(path), id, "Not here")
        .notes("RingCentral has it; this server answers 501.")
        .deprecated()
        .refuses(&[501])
}

fn schemas() -> Vec<Named> {
    vec![
        ("Account", account()),
        ("Extension", object(record()).and(whole())),
        (
            "ExtensionList",
            object([
                must("uri", uri()),
                must("records", list(object(record()))),
                must("paging", named("Paging")),
                must("navigation", named("Navigation")),
            ]),
        ),
        ("RegionalSettings", regional()),
        (
            "FeatureList",
            object([must(
                "records",
                list(object([
                    must("id", text()),
                    must("available", flag()),
                    may("params", list(object([must("name", text()), must("value", text())]))),
                    may(
                        "reason",
                        object([
                            must("code", text()),
                            must("message", text()),
                            may("permission", text()),
                        ]),
                    ),
                ])),
            )]),
        ),
    ]
}

fn account() -> Schema {
    let idea = || object([must("id", text()), must("name", text())]);
    object([
        must("id", id_number()),
        must("uri", uri()),
        must("name", text()),
        must("mainNumber", text()),
        may("operator", named("ExtensionReference")),
        must(
            "serviceInfo",
            object([must("uri", uri()), must("brand", idea()), must("servicePlan", idea())]),
        ),
        must("setupWizardState", text()),
        must("status", text()),
        must("regionalSettings", named("RegionalSettings")),
        must("limits", object([must("maxMonitoredExtensionsPerUser", count())])),
    ])
}

fn record() -> Vec<Member> {
    let enabled = || object([must("enabled", flag())]);
    vec![
        must("uri", uri()),
        must("id", id_number()),
        must("extensionNumber", text()),
        must(
            "contact",
            object([must("firstName", text()), may("lastName", text()), may("email", text())]),
        ),
        must("name", text()),
        must("type", word(ExtensionType::ALL)),
        must("status", word(ExtensionStatus::ALL)),
        must(
            "permissions",
            object([must("admin", enabled()), must("internationalCalling", enabled())]),
        ),
        must("hidden", flag()),
    ]
}

fn whole() -> Vec<Member> {
    let feature =
        object([must("featureName", text()), must("enabled", flag()), may("reason", text())]);
    vec![
        must("account", object([must("id", id_text()), must("uri", uri())])),
        must("regionalSettings", named("RegionalSettings")),
        must("serviceFeatures", list(feature)),
    ]
}

fn regional() -> Schema {
    object([
        must("timezone", object([must("id", text()), must("name", text())])),
        must(
            "language",
            object([must("id", text()), must("name", text()), must("localeCode", text())]),
        ),
        must("timeFormat", text()),
        may("homeCountry", anything()),
    ])
}
