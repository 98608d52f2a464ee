//! A notification as a CloudEvent (CloudEvents 1.0, structured mode). RingCentral has no such form.
//!
//! The contract's envelope holds everything that a CloudEvent needs; this is the same content under
//! the names of that specification.

use lampfield_core::{AccountId, ExtensionId, SubscriptionId};
use uuid::Uuid;

use crate::json::{write_number, write_uuid};
use crate::shared::SharedEnvelope;

/// The content type of a CloudEvent.
pub const CLOUD_EVENT_TYPE: &str = "application/cloudevents+json; charset=UTF-8";

/// Segments of paths that say where, not what.
const PLACES: [&[u8]; 3] = [b"restapi", b"v1.0", b"account"];

/// Appends a notification for one receiver as a CloudEvent.
///
/// `id` is the uuid, `source` the account, `type` says what the event is about
/// (`lampfield.extension.presence`), `subject` is the contract's `event`, `data` its `body`;
/// subscription and owner are extension attributes.
pub fn write_cloud_event(
    out: &mut Vec<u8>,
    envelope: &SharedEnvelope,
    uuid: Uuid,
    account: AccountId,
    subscription: SubscriptionId,
    owner: ExtensionId,
) {
    const OWN_PARTS_MAX: usize = 384;
    let (event, body) = (envelope.event(), envelope.body());
    out.reserve(OWN_PARTS_MAX + 2 * event.len() + body.len());
    out.extend_from_slice(b"{\"specversion\":\"1.0\",\"id\":\"");
    write_uuid(out, uuid);
    out.extend_from_slice(b"\",\"source\":\"/restapi/v1.0/account/");
    write_number(out, account.get());
    out.extend_from_slice(b"\",\"type\":\"");
    write_type(out, event);
    out.extend_from_slice(b"\",\"subject\":\"");
    out.extend_from_slice(event);
    out.extend_from_slice(b"\",\"time\":\"");
    out.extend_from_slice(envelope.timestamp());
    out.extend_from_slice(b"\",\"datacontenttype\":\"application/json\",\"subscriptionid\":\"");
    write_uuid(out, subscription.0);
    out.extend_from_slice(b"\",\"ownerid\":\"");
    write_number(out, owner.get());
    out.extend_from_slice(b"\",\"data\":");
    out.extend_from_slice(body);
    out.push(b'}');
}

/// Appends what an event is about: the words of its path without places, ids and flags.
fn write_type(out: &mut Vec<u8>, event: &[u8]) {
    out.extend_from_slice(b"lampfield");
    let path = event.split(|byte| *byte == b'?').next().unwrap_or_default();
    for segment in path.split(|byte| *byte == b'/') {
        let is_id = segment == b"~" || segment.iter().all(u8::is_ascii_digit);
        if !is_id && !PLACES.contains(&segment) {
            out.push(b'.');
            out.extend_from_slice(segment);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_says_what_happened_and_not_to_whom() {
        for (event, expected) in [
            ("/restapi/v1.0/account/~/extension/7/presence", "lampfield.extension.presence"),
            (
                "/restapi/v1.0/account/37/extension/7/presence?detailedTelephonyState=true",
                "lampfield.extension.presence",
            ),
            (
                "/restapi/v1.0/account/~/extension/7/presence/line/presence",
                "lampfield.extension.presence.line.presence",
            ),
            ("/restapi/v1.0/account/~/extension/7/favorite", "lampfield.extension.favorite"),
            ("/restapi/v1.0/account/~/call-queues/9/presence", "lampfield.call-queues.presence"),
            ("/restapi/v1.0/account/~/extension/7", "lampfield.extension"),
        ] {
            let mut out = Vec::new();
            write_type(&mut out, event.as_bytes());
            assert_eq!(String::from_utf8(out).as_deref(), Ok(expected));
        }
    }
}
