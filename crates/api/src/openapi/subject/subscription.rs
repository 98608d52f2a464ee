//! Subscriptions, and the socket on which events may come.

use lampfield_contract::{ADDRESS_MAX, FILTERS_MAX, VERIFICATION_TOKEN_MAX};

use crate::openapi::operation::{Operation, delete, get, post, put, rest};
use crate::openapi::schema::{
    Named, Schema, count, flag, list, may, moment, must, named, object, text, uri, uuid, word,
};
use crate::openapi::subject::Subject;

pub(super) fn subject() -> Subject {
    Subject {
        tag: "Subscriptions",
        about: "Who is told what, and how. The events themselves are described in /asyncapi.json.",
        operations: operations(),
        schemas: schemas(),
    }
}

fn operations() -> Vec<Operation> {
    const ONE: &str = "/subscription/{subscription}";
    vec![
        get(rest("/subscription"), "listSubscriptions", "One's subscriptions")
            .notes("Those of the same user through the same application.")
            .token(&[])
            .answers(200, "All of them.", "SubscriptionList"),
        post(rest("/subscription"), "createSubscription", "Subscribe to events")
            .notes(
                "With transport `WebHook` the receiver is asked first and must give the header \
                 `Validation-Token` back. Transport `WebSocket` works over a socket only. Each filter \
                 needs its scope: ReadPresence for an extension, ReadAccounts for the account.",
            )
            .token(&[])
            .takes("SubscriptionRequest")
            .answers(200, "The subscription.", "Subscription")
            .refuses(&[404])
            .leads(200, "/id", &[
                ("readSubscription", "subscription"),
                ("updateSubscription", "subscription"),
                ("renewSubscription", "subscription"),
                ("readHealth", "subscription"),
                ("endSubscription", "subscription"),
            ]),
        get(rest(ONE), "readSubscription", "A subscription")
            .token(&[])
            .answers(200, "The subscription.", "Subscription")
            .refuses(&[404]),
        put(rest(ONE), "updateSubscription", "Replace the filters, or renew")
            .token(&[])
            .takes("SubscriptionUpdate")
            .or_nothing()
            .answers(200, "The subscription after it.", "Subscription")
            .refuses(&[404]),
        delete(rest(ONE), "endSubscription", "End a subscription")
            .token(&[])
            .answers_nothing(204, "It is over.")
            .refuses(&[404]),
        post(rest("/subscription/{subscription}/renew"), "renewSubscription", "Renew")
            .notes("Grants the life that was chosen at first once more.")
            .token(&[])
            .answers(200, "The subscription after it.", "Subscription")
            .refuses(&[400, 404, 408, 413]),
        socket(),
    ]
}

fn socket() -> Operation {
    get("/ws", "openSocket", "Open a WebSocket")
        .notes(
            "The handshake of RFC 6455. What is wrong with the token is told on the socket. Frames: \
             /asyncapi.json.",
        )
        .query(&["access_token", "wsc"])
        .answers_nothing(101, "The socket is open.")
        .refuses(&[426, 501])
}

fn schemas() -> Vec<Named> {
    vec![
        ("Subscription", subscription()),
        (
            "SubscriptionList",
            object([must("uri", uri()), must("records", list(named("Subscription")))]),
        ),
        (
            "SubscriptionRequest",
            object([
                must("eventFilters", filters()),
                must("deliveryMode", named("DeliveryModeRequest")),
                may("expiresIn", expires_in().or_null()),
            ]),
        ),
        (
            "DeliveryModeRequest",
            object([
                must("transportType", word(&["WebHook", "WebSocket"])),
                may(
                    "address",
                    text()
                        .at_most(ADDRESS_MAX)
                        .pattern("^https?://[!-~]+$")
                        .about("Needed for WebHook.")
                        .such_as("https://receiver.example/hook"),
                ),
                may("verificationToken", secret()),
                may("validationToken", secret().about("Another name of `verificationToken`.")),
                may("encryption", flag().about("Ignored.")),
                may(
                    "format",
                    word(&["RingCentral", "CloudEvents"])
                        .or_null()
                        .about("Lampfield's own: how notifications are written."),
                ),
                may(
                    "signingSecret",
                    text()
                        .pattern("^whsec_[A-Za-z0-9+/]{32,88}={0,2}$")
                        .or_null()
                        .write_only()
                        .about("Lampfield's own: signs as Standard Webhooks have it."),
                ),
            ]),
        ),
        (
            "SubscriptionUpdate",
            object([
                may("eventFilters", filters().or_null()),
                may("expiresIn", expires_in().or_null()),
            ]),
        ),
    ]
}

fn subscription() -> Schema {
    let disabled =
        object([must("filter", text()), must("reason", text()), must("message", text())]);
    object([
        must("uri", text().about("Over a socket without scheme and host.")),
        must("id", uuid()),
        must("creationTime", moment()),
        must("status", word(&["Active", "Blacklisted"])),
        must("eventFilters", list(text())),
        may("disabledFilters", list(disabled).about("Filters that could not become active.")),
        must("expirationTime", moment()),
        must("expiresIn", count().about("Seconds that are left.")),
        must(
            "deliveryMode",
            object([
                must("transportType", word(&["WebHook", "WebSocket"])),
                must("encryption", flag()),
                may("address", text()),
                may("format", word(&["CloudEvents"])),
                may("signed", flag()),
            ]),
        ),
        may("blacklistedData", object([must("blacklistedAt", moment()), must("reason", text())])),
    ])
}

fn filters() -> Schema {
    let filter = text().such_as("/restapi/v1.0/account/~/extension/~/presence");
    list(filter).at_least(1).at_most(FILTERS_MAX)
}

fn expires_in() -> Schema {
    count().between(1, 4_000_000_000).about("Seconds; cut to what the transport allows.")
}

fn secret() -> Schema {
    text().at_most(VERIFICATION_TOKEN_MAX).write_only().about("Sent along with each notification.")
}
