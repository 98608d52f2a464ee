//! Schemas that several subjects speak of; no operation of its own.

use crate::openapi::schema::{Named, count, list, may, must, named, object, text, uri};
use crate::openapi::subject::Subject;

pub(super) fn subject() -> Subject {
    Subject { tag: "", about: "", operations: Vec::new(), schemas: schemas() }
}

fn schemas() -> Vec<Named> {
    let item = || {
        [
            must("errorCode", text().such_as("CMN-101")),
            must("message", text().about("A sentence for people.")),
            may("parameterName", text().about("The parameter or member at fault.")),
        ]
    };
    vec![
        ("ErrorItem", object(item())),
        (
            "Error",
            object(item())
                .and([must("errors", list(named("ErrorItem")).at_least(1))])
                .about("The list of errors, and its first repeated on top for old clients."),
        ),
        (
            "OauthError",
            object([
                must("error", text().such_as("invalid_grant").about("A word of RFC 6749.")),
                must("error_description", text()),
                must("errors", list(named("ErrorItem")).at_least(1)),
                must("errorCode", text().such_as("OAU-140")),
                must("message", text()),
            ]),
        ),
        (
            "Paging",
            object([
                may(
                    "page",
                    count().about("Absent, with `pageStart` and `pageEnd`, of an empty page."),
                ),
                must("perPage", count()),
                may("pageStart", count()),
                may("pageEnd", count()),
                must("totalPages", count()),
                must("totalElements", count()),
            ]),
        ),
        ("Link", object([must("uri", uri())])),
        (
            "Navigation",
            object([
                must("firstPage", named("Link")),
                may("nextPage", named("Link")),
                may("previousPage", named("Link")),
                must("lastPage", named("Link")),
            ]),
        ),
        (
            "ExtensionReference",
            object([
                must("id", crate::openapi::schema::id_number()),
                must("uri", uri()),
                must("extensionNumber", text()),
            ]),
        ),
    ]
}
