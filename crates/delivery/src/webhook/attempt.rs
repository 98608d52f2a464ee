//! One attempt to deliver one event: what is sent, and what the answer means.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http::{StatusCode, Uri};
use lampfield_contract::CLOUD_EVENT_TYPE;
use lampfield_core::subscription::{Failure, Subscription, Transport, WebhookFormat};
use lampfield_core::{Sequence, Timestamp};
use uuid::Uuid;

use crate::vault::Vault;
use crate::webhook::client::{Answer, Client, PostError, Route};
use crate::webhook::handshake::parse_address;
use crate::webhook::health::{FailureWords, WebhookAttempt};
use crate::webhook::signature::Signing;
use crate::webhook::window::Place;

const VERIFICATION_TOKEN: HeaderName = HeaderName::from_static("verification-token");
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=UTF-8");
const CLOUD_EVENT: HeaderValue = HeaderValue::from_static(CLOUD_EVENT_TYPE);

/// Where the notifications of a subscription go, and with which headers.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) format: WebhookFormat,
    pub(super) signing: Signing,
}

impl Target {
    /// Returns the target of a webhook subscription; none if it is none, or its address is not one.
    pub(super) fn of(vault: &dyn Vault, subscription: &Subscription) -> Option<Self> {
        let Transport::WebHook { address, verification_token, format, .. } =
            &subscription.transport
        else {
            return None;
        };
        let uri = parse_address(address).ok()?;
        let mut headers = HeaderMap::new();
        let content_type = match format {
            WebhookFormat::Contract => JSON,
            WebhookFormat::CloudEvents => CLOUD_EVENT,
        };
        headers.insert(CONTENT_TYPE, content_type);
        // Never `Validation-Token`: receivers that echo it would swallow the event (contract 7.2).
        let token =
            verification_token.as_deref().map(|token| HeaderValue::from_bytes(token.as_bytes()));
        match token {
            Some(Ok(mut value)) => {
                value.set_sensitive(true);
                headers.insert(VERIFICATION_TOKEN, value);
            }
            Some(Err(_)) => {
                tracing::warn!(subscription.id = %subscription.id, "verification token is no header value; webhooks go without it");
            }
            None => {}
        }
        Some(Self { uri, headers, format: *format, signing: Signing::of(vault, subscription) })
    }
}

/// Returns where the notifications of a webhook subscription go.
pub(super) fn address_of(subscription: &Subscription) -> Option<&str> {
    match &subscription.transport {
        Transport::WebHook { address, .. } => Some(address),
        Transport::WebSocket => None,
    }
}

/// What is sent.
#[derive(Debug)]
pub(super) struct Parcel {
    /// Its place in the window; none of what is not told of an event.
    pub(super) place: Option<Place>,
    pub(super) sequence: Sequence,
    pub(super) uuid: Uuid,
    pub(super) body: Bytes,
    /// When the event was committed; none if it was read again.
    pub(super) committed: Option<Instant>,
}

/// What became of it.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) place: Option<Place>,
    pub(super) committed: Option<Instant>,
    pub(super) attempt: WebhookAttempt,
    pub(super) failure: Option<(Failure, FailureWords)>,
}

/// Sends a parcel once.
pub(super) async fn send(
    client: &Client,
    target: &Target,
    parcel: Parcel,
    route: Route,
    at: Timestamp,
) -> Report {
    let began = Instant::now();
    let answer = match target.signing {
        Signing::Sealed => Err(PostError::Sealed),
        Signing::No | Signing::With(_) => {
            let mut headers = target.headers.clone();
            target.signing.sign(&mut headers, parcel.uuid, at, &parcel.body);
            client.post(&target.uri, headers, parcel.body, route).await
        }
    };
    let failure = weigh(&answer);
    let attempt = WebhookAttempt {
        at,
        took: began.elapsed(),
        uuid: parcel.uuid,
        sequence: parcel.sequence,
        status: answer.as_ref().ok().map(|answer| answer.status.as_u16()),
        error: failure.as_ref().map(|(_, words)| words.outside.clone()),
    };
    Report { place: parcel.place, committed: parcel.committed, attempt, failure }
}

/// Any 2xx is a success, whatever follows it; everything else may succeed later, but 410.
fn weigh(answer: &Result<Answer, PostError>) -> Option<(Failure, FailureWords)> {
    let answer = match answer {
        Ok(answer) if answer.status.is_success() => return None,
        Ok(answer) => answer,
        Err(error) => {
            let words = FailureWords { outside: error.outside(), inside: error.to_string() };
            return Some((Failure::Retry(None), words));
        }
    };
    let reason = answer.status.canonical_reason().unwrap_or("Unknown");
    let code = answer.status.as_u16();
    let text = format!("Webhook responses with code: [{code}], reason: [{reason}]");
    let failure = match answer.status {
        StatusCode::GONE => Failure::Gone,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            Failure::Retry(retry_after(&answer.headers))
        }
        _ => Failure::Retry(None),
    };
    Some((failure, FailureWords { outside: text.clone(), inside: text }))
}

/// Returns the wait that a receiver asks for in seconds. A date is not understood: it would be
/// measured against a foreign clock, and the usual schedule is as good.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::client::AnswerEnd;

    #[test]
    fn any_success_counts_whatever_its_body_does() {
        for status in [200, 201, 202, 204, 299] {
            for end in [AnswerEnd::Complete, AnswerEnd::Overlong, AnswerEnd::Cut] {
                assert_eq!(weigh(&Ok(answer(status, end, None))), None);
            }
        }
    }

    #[test]
    fn failures_are_told_in_the_contracts_words() {
        let table = [
            (404, None, Failure::Retry(None), "code: [404], reason: [Not Found]"),
            (302, Some("9"), Failure::Retry(None), "code: [302], reason: [Found]"),
            (410, Some("9"), Failure::Gone, "code: [410], reason: [Gone]"),
            (429, Some("60"), wait(60), "code: [429], reason: [Too Many Requests]"),
            (503, Some(" 7 "), wait(7), "code: [503], reason: [Service Unavailable]"),
            (503, Some("0"), wait(1), "code: [503], reason: [Service Unavailable]"),
            (503, Some("soon"), Failure::Retry(None), "code: [503]"),
            (503, None, Failure::Retry(None), "code: [503]"),
        ];
        for (status, header, failure, text) in table {
            let weighed = weigh(&Ok(answer(status, AnswerEnd::Complete, header)));
            let (found, words) = weighed.unwrap();
            assert_eq!(found, failure, "{status}");
            assert!(words.outside.starts_with("Webhook responses with "), "{}", words.outside);
            assert!(words.outside.contains(text), "{}", words.outside);
        }
    }

    #[test]
    fn what_is_blocked_and_what_does_not_answer_read_the_same_outside() {
        let blocked = PostError::Dial("169.254.169.254 is a link-local address".to_owned());
        let refused = PostError::Dial("1.2.3.4:443 cannot be connected to".to_owned());

        assert_eq!(blocked.outside(), refused.outside());
        assert_eq!(
            weigh(&Err(PostError::Timeout(Duration::from_secs(3)))).unwrap().1.outside,
            "I/O operation is failed. Details: [Read timed out]"
        );
    }

    const fn wait(seconds: u64) -> Failure {
        Failure::Retry(Some(Duration::from_secs(seconds)))
    }

    fn answer(status: u16, end: AnswerEnd, retry_after: Option<&str>) -> Answer {
        let mut headers = HeaderMap::new();
        if let Some(text) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from_str(text).unwrap());
        }
        Answer { status: StatusCode::from_u16(status).unwrap(), headers, end }
    }
}
