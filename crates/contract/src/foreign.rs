//! Families of event filters that clients subscribe to beside presence and that this server never
//! fires. They are accepted, since a refusal would cost such clients their presence events too
//! (contract 3.7).

/// What a filter is about, by where its path stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Below `/restapi/v1.0/account/{id}/extension/{id}`.
    Extension,
    /// Below `/restapi/v1.0/account/{id}`.
    Account,
    /// A whole path outside of any account.
    Platform,
}

/// Tails below an extension. An entry that ends with `/` stands for everything below it.
const EXTENSION: &[&str] = &[
    "address-book-sync",
    "answering-rule",
    "call-log",
    "call-log-sync",
    "call-queue-presence",
    "caller-blocking",
    "device",
    "fax",
    "features",
    "grant",
    "greeting",
    "incoming-call-pickup",
    "message-store",
    "message-store/",
    "message-sync",
    "message-threads/",
    "missed-calls",
    "notification-settings",
    "start-ring",
    "stop-ring",
    "telephony",
    "telephony/sessions",
    "telephony/sessions/",
    "unified-presence",
    "video-configuration",
    "voicemail",
];

/// Tails below an account.
const ACCOUNT: &[&str] = &[
    "a2p-sms/",
    "call-log",
    "call-monitoring-groups/",
    "call-queues",
    "call-queues/",
    "call-recording",
    "device",
    "device/",
    "directory/",
    "incoming-call-pickup",
    "message-store/",
    "message-threads/",
    "presence/dnd",
    "recordings",
    "service-info",
    "telephony/sessions",
    "telephony/sessions/",
];

/// Paths outside of accounts.
const PLATFORM: &[&str] = &[
    "/restapi/v1.0/glip/",
    "/restapi/v1.0/push-to-talk/",
    "/restapi/v1.0/uns/",
    "/rcvideo/",
    "/team-messaging/",
    "/webinar/",
];

/// Tells whether `tail` (of an extension or account) or the whole path is a known family.
pub(crate) fn is_known_family(reach: Reach, tail: &str) -> bool {
    let families = match reach {
        Reach::Extension => EXTENSION,
        Reach::Account => ACCOUNT,
        Reach::Platform => PLATFORM,
    };
    let is_plain = tail.bytes().all(|byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~')
    });
    is_plain && !tail.contains("//") && families.iter().any(|family| is_in(family, tail))
}

fn is_in(family: &str, tail: &str) -> bool {
    match family.strip_suffix('/') {
        Some(_) => tail.strip_prefix(family).is_some_and(|below| !below.is_empty()),
        None => family == tail,
    }
}
