//! The service itself: versions, status, these very documents.

use crate::openapi::operation::{JSON, Operation, get, rest};
use crate::openapi::schema::{
    Named, anything, flag, list, may, moment, must, named, object, text, uri,
};
use crate::openapi::subject::Subject;

pub(super) fn subject() -> Subject {
    Subject {
        tag: "Service",
        about: "Versions, status, and the documents that describe this server.",
        operations: operations(),
        schemas: schemas(),
    }
}

fn operations() -> Vec<Operation> {
    let page = |path: &str, id, summary, kind| {
        get(path, id, summary).answers_as(200, "The page.", kind, text())
    };
    vec![
        get("/restapi", "listVersions", "Versions of the API").answers(
            200,
            "The versions.",
            "VersionList",
        ),
        get("/restapi/v1.0", "readVersion", "This version of the API").answers(
            200,
            "The version.",
            "Version",
        ),
        get(rest("/status"), "readStatus", "Whether the server is there")
            .notes("Answers 200 whatever the token is.")
            .answers(200, "It is.", "Status"),
        get(rest("/client-info"), "readClientInfo", "Who the client is").token(&[]).answers(
            200,
            "What is known of it.",
            "ClientInfo",
        ),
        get("/openapi.json", "readOpenapi", "The document of all requests").answers_as(
            200,
            "OpenAPI 3.1.",
            JSON,
            anything(),
        ),
        get("/asyncapi.json", "readAsyncapi", "The document of all events").answers_as(
            200,
            "AsyncAPI 3.0.",
            JSON,
            anything(),
        ),
        page("/docs", "readDocs", "Both documents as a page", "text/html"),
        page("/docs/page.js", "readDocsScript", "The page's script", "text/javascript"),
        page("/docs/page.css", "readDocsStyle", "The page's looks", "text/css"),
    ]
}

fn schemas() -> Vec<Named> {
    vec![
        (
            "Version",
            object([
                must("uri", uri()),
                must("versionString", text()),
                must("releaseDate", moment()),
                must("uriString", text()),
            ]),
        ),
        (
            "VersionList",
            object([
                must("uri", uri()),
                must("apiVersions", list(named("Version"))),
                must("serverVersion", text()),
                must("serverRevision", text()),
            ]),
        ),
        ("Status", object([must("uri", uri()), must("status", text())])),
        (
            "ClientInfo",
            object([
                must("uri", uri()),
                must(
                    "client",
                    object([
                        must("detected", flag()),
                        must("userAgent", text()),
                        must("appId", text()),
                        must("appName", text()),
                        must("appVersion", text()),
                    ]),
                ),
                may("provisioning", anything()),
            ]),
        ),
    ]
}
