//! Bodies of the subscription interface (contract 6.2): what is asked for and what is shown.

use std::time::Duration;

use lampfield_core::Timestamp;
use lampfield_core::subscription::{
    Subscription, SubscriptionStatus, Transport, WEBHOOK_LIFETIME, WEBHOOK_LIFETIME_MAX,
    WEBSOCKET_LIFETIME, WebhookFormat,
};
use serde_json::{Map, Value, json};

use crate::error::ApiError;
use crate::filter::{FILTERS_MAX, write_filter};
use crate::signing_secret::SigningSecret;
use crate::timestamp::format_timestamp;
use crate::update::parse_object;

/// The longest webhook address, in bytes.
pub const ADDRESS_MAX: usize = 2048;
/// The longest verification token, in bytes.
pub const VERIFICATION_TOKEN_MAX: usize = 1024;

/// The body of POST subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionRequest {
    /// Filters as sent, at least one.
    pub event_filters: Vec<String>,
    /// How it wants to be told.
    pub transport: TransportRequest,
    /// The life that was asked for, unclamped.
    pub expires_in: Option<Duration>,
}

/// How a subscription wants to be told.
#[derive(Clone, PartialEq, Eq)]
pub enum TransportRequest {
    /// By HTTP requests.
    WebHook {
        /// An http or https address.
        address: String,
        /// To be sent with each notification.
        verification_token: Option<String>,
        /// How the content is to be written.
        format: WebhookFormat,
        /// With what it is to be signed.
        signing_secret: Option<SigningSecret>,
    },
    /// Over the socket on which it is asked for.
    WebSocket,
}

/// Leaves verification token and signing secret out.
impl std::fmt::Debug for TransportRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::WebHook { address, .. } => {
                f.debug_struct("WebHook").field("address", address).finish_non_exhaustive()
            }
            Self::WebSocket => f.write_str("WebSocket"),
        }
    }
}

/// The body of PUT subscription.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SubscriptionUpdate {
    /// New filters as sent, at least one; `None` keeps them and only renews.
    pub event_filters: Option<Vec<String>>,
    /// The life that is asked for from now on, unclamped.
    pub expires_in: Option<Duration>,
}

impl SubscriptionRequest {
    /// Reads the body of POST subscription.
    ///
    /// # Errors
    /// 400 CMN-103 for what is no JSON object; 400 CMN-101 with the member's name for missing or
    /// unusable filters, transport (PubNub and mobile push among them), address or lifetime.
    pub fn parse(body: &[u8]) -> Result<Self, ApiError> {
        let members = parse_object(body)?;
        let event_filters =
            event_filters(&members)?.ok_or_else(|| ApiError::invalid_parameter("eventFilters"))?;
        let mode = members.get("deliveryMode").and_then(Value::as_object);
        let mode = mode.ok_or_else(|| ApiError::invalid_parameter("deliveryMode"))?;
        Ok(Self { event_filters, transport: transport(mode)?, expires_in: expires_in(&members)? })
    }

    /// Returns the life to grant: the wish, cut to what the transport allows.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        match self.transport {
            TransportRequest::WebHook { .. } => webhook_lifetime(self.expires_in),
            TransportRequest::WebSocket => WEBSOCKET_LIFETIME,
        }
    }
}

impl SubscriptionUpdate {
    /// Reads the body of PUT subscription; an empty one renews. Other members, such as
    /// `deliveryMode`, are ignored: an address cannot change.
    ///
    /// # Errors
    /// 400 CMN-103 for what is no JSON object; 400 CMN-101 with the member's name for unusable filters
    /// or lifetime.
    pub fn parse(body: &[u8]) -> Result<Self, ApiError> {
        let members = parse_object(body)?;
        Ok(Self { event_filters: event_filters(&members)?, expires_in: expires_in(&members)? })
    }

    /// Returns the life to grant: the wish, cut to what the transport allows; without a wish the
    /// default of the transport.
    #[must_use]
    pub fn lifetime(&self, transport: &Transport) -> Duration {
        match transport {
            Transport::WebHook { .. } => webhook_lifetime(self.expires_in),
            Transport::WebSocket => WEBSOCKET_LIFETIME,
        }
    }
}

/// Returns a subscription as it is shown (`SubscriptionInfo`). Over HTTP `base_uri` is scheme and
/// host; over a socket there is none and `uri` is relative.
///
/// A WebSocket subscription renews itself, so that its end is always a day ahead.
#[must_use]
pub fn subscription_info(
    base_uri: Option<&str>,
    subscription: &Subscription,
    now: Timestamp,
) -> Value {
    let expires_at = if subscription.is_socket() {
        now.after(WEBSOCKET_LIFETIME)
    } else {
        subscription.expires_at
    };
    let filters =
        subscription.filters.iter().map(|filter| write_filter(filter, subscription.account));
    let mut info = Map::new();
    let mut member = |name: &str, value: Value| {
        info.insert(name.to_owned(), value);
    };
    let base_uri = base_uri.unwrap_or_default();
    member("uri", json!(format!("{base_uri}/restapi/v1.0/subscription/{}", subscription.id)));
    member("id", json!(subscription.id.to_string()));
    member("creationTime", json!(format_timestamp(subscription.created_at)));
    member("status", json!(status(&subscription.status)));
    member("eventFilters", filters.collect());
    if !subscription.disabled.is_empty() {
        member("disabledFilters", disabled(subscription));
    }
    member("expirationTime", json!(format_timestamp(expires_at)));
    member("expiresIn", json!(seconds_left(expires_at, now)));
    member("deliveryMode", delivery_mode(&subscription.transport));
    if let SubscriptionStatus::Blacklisted(entry) = &subscription.status {
        let data = json!({ "blacklistedAt": format_timestamp(entry.at), "reason": entry.reason });
        member("blacklistedData", data);
    }
    Value::Object(info)
}

/// Returns the list of a user's subscriptions; `records` are [`subscription_info`]s.
#[must_use]
pub fn subscription_list(base_uri: Option<&str>, records: Vec<Value>) -> Value {
    let base_uri = base_uri.unwrap_or_default();
    let members = [
        ("uri", Value::String(format!("{base_uri}/restapi/v1.0/subscription"))),
        ("records", Value::Array(records)),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn event_filters(members: &Map<String, Value>) -> Result<Option<Vec<String>>, ApiError> {
    let invalid = || ApiError::invalid_parameter("eventFilters");
    let list = match members.get("eventFilters") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(list)) if (1..=FILTERS_MAX).contains(&list.len()) => list,
        Some(_) => return Err(invalid()),
    };
    let texts = list.iter().map(|filter| filter.as_str().map(str::to_owned));
    texts.collect::<Option<_>>().map(Some).ok_or_else(invalid)
}

fn expires_in(members: &Map<String, Value>) -> Result<Option<Duration>, ApiError> {
    match members.get("expiresIn") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_u64()
            .filter(|seconds| *seconds > 0)
            .map(|seconds| Some(Duration::from_secs(seconds)))
            .ok_or_else(|| ApiError::invalid_parameter("expiresIn")),
    }
}

fn transport(mode: &Map<String, Value>) -> Result<TransportRequest, ApiError> {
    let kind = mode.get("transportType").and_then(Value::as_str).unwrap_or_default();
    if kind.eq_ignore_ascii_case("WebSocket") {
        return Ok(TransportRequest::WebSocket);
    }
    if !kind.eq_ignore_ascii_case("WebHook") {
        return Err(ApiError::invalid_parameter("deliveryMode.transportType"));
    }
    let address = mode.get("address").and_then(Value::as_str).filter(|text| is_address(text));
    let address = address.ok_or_else(|| ApiError::invalid_parameter("deliveryMode.address"))?;
    Ok(TransportRequest::WebHook {
        address: address.to_owned(),
        verification_token: verification_token(mode)?,
        format: format(mode)?,
        signing_secret: signing_secret(mode)?,
    })
}

/// `format` is Lampfield's own; `RingCentral` is the name of what holds without it.
fn format(mode: &Map<String, Value>) -> Result<WebhookFormat, ApiError> {
    let Some(value) = mode.get("format").filter(|value| !value.is_null()) else {
        return Ok(WebhookFormat::default());
    };
    match value.as_str() {
        Some(name) if name.eq_ignore_ascii_case("CloudEvents") => Ok(WebhookFormat::CloudEvents),
        Some(name) if name.eq_ignore_ascii_case("RingCentral") => Ok(WebhookFormat::Contract),
        _ => Err(ApiError::invalid_parameter("deliveryMode.format").with_message(
            "Parameter [deliveryMode.format] value is invalid: it must be RingCentral or CloudEvents",
        )),
    }
}

/// `signingSecret` is Lampfield's own, and never shown again.
fn signing_secret(mode: &Map<String, Value>) -> Result<Option<SigningSecret>, ApiError> {
    let Some(value) = mode.get("signingSecret").filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let secret = value.as_str().and_then(SigningSecret::parse);
    secret.map(Some).ok_or_else(|| {
        ApiError::invalid_parameter("deliveryMode.signingSecret").with_message(
            "Parameter [deliveryMode.signingSecret] value is invalid: it must be whsec_ and base64 of 24 to 64 bytes",
        )
    })
}

/// The edge of the house: what gets through is sent requests later, so that it must at least be an
/// http address in printable ASCII. Which hosts may be dialled is decided when it is dialled.
fn is_address(text: &str) -> bool {
    let rest = ["https://", "http://"].iter().find_map(|scheme| {
        let (head, rest) = text.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then_some(rest)
    });
    text.len() <= ADDRESS_MAX
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && rest.is_some_and(|rest| !rest.starts_with(['/', '?', '#']) && !rest.is_empty())
}

/// Both spellings that the sources give (contract 7.2). It becomes a header value, so that only
/// printable ASCII may stand in it.
fn verification_token(mode: &Map<String, Value>) -> Result<Option<String>, ApiError> {
    let named = ["verificationToken", "validationToken"]
        .into_iter()
        .find_map(|name| Some((name, mode.get(name).filter(|value| !value.is_null())?)));
    let Some((name, value)) = named else { return Ok(None) };
    let is_header = |text: &&str| {
        text.len() <= VERIFICATION_TOKEN_MAX
            && text.trim() == *text
            && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
    };
    let token = value.as_str().filter(is_header);
    let token =
        token.ok_or_else(|| ApiError::invalid_parameter(&format!("deliveryMode.{name}")))?;
    Ok((!token.is_empty()).then(|| token.to_owned()))
}

fn webhook_lifetime(wish: Option<Duration>) -> Duration {
    wish.unwrap_or(WEBHOOK_LIFETIME).min(WEBHOOK_LIFETIME_MAX)
}

/// Whole seconds that are surely left: at the moment of creation one less than was granted, as the
/// contract shows it.
fn seconds_left(expires_at: Timestamp, now: Timestamp) -> u64 {
    let millis = expires_at.0.saturating_sub(now.0).saturating_sub(1);
    u64::try_from(millis).unwrap_or(0) / 1000
}

const fn status(status: &SubscriptionStatus) -> &'static str {
    match status {
        SubscriptionStatus::Active => "Active",
        SubscriptionStatus::Blacklisted(_) => "Blacklisted",
    }
}

fn disabled(subscription: &Subscription) -> Value {
    let filters = subscription.disabled.iter().map(|disabled| {
        json!({
            "filter": disabled.filter.as_str(),
            "reason": disabled.reason.as_str(),
            "message": disabled.message,
        })
    });
    filters.collect()
}

fn delivery_mode(transport: &Transport) -> Value {
    match transport {
        Transport::WebHook { address, format, signing, .. } => {
            let mut mode =
                json!({ "transportType": "WebHook", "encryption": false, "address": address });
            if let Some(format) = format.name() {
                mode["format"] = json!(format);
            }
            if !signing.is_empty() {
                mode["signed"] = json!(true);
            }
            mode
        }
        Transport::WebSocket => json!({ "transportType": "WebSocket", "encryption": false }),
    }
}

#[cfg(test)]
mod tests {
    use lampfield_core::subscription::{
        BlacklistEntry, DisabledFilter, EventFilter, SealedSecret, SigningKeys,
    };
    use lampfield_core::visibility::Detail;
    use lampfield_core::{AppId, Epoch, Position, SessionId, SubscriptionId};
    use uuid::Uuid;

    use super::*;

    const NOW: Timestamp = Timestamp(1_767_607_200_000);

    fn parse(body: &str) -> Result<SubscriptionRequest, ApiError> {
        SubscriptionRequest::parse(body.as_bytes())
    }

    fn subscription(transport: Transport) -> Subscription {
        Subscription {
            id: SubscriptionId(Uuid::from_u128(1)),
            account: "400100200".parse().expect("an id"),
            owner: "900200300".parse().expect("an id"),
            app: AppId::new("app").expect("a name"),
            session: SessionId(Uuid::nil()),
            filters: vec![EventFilter::Account(Detail::Detailed)],
            disabled: Vec::new(),
            transport,
            created_at: NOW,
            lifetime: WEBHOOK_LIFETIME,
            expires_at: NOW.after(WEBHOOK_LIFETIME),
            status: SubscriptionStatus::Active,
            from: Position { epoch: Epoch(std::num::NonZeroU64::MIN), offset: 0 },
        }
    }

    fn webhook() -> Transport {
        Transport::webhook("https://receiver.example/hook", Some("hush".to_owned()))
    }

    #[test]
    fn a_webhook_is_asked_for_with_either_name_of_its_token() {
        for name in ["verificationToken", "validationToken"] {
            let request = parse(&format!(
                r#"{{"eventFilters":["/a","/b"],"expiresIn":60,"deliveryMode":{{
                    "transportType":"WebHook","address":"https://h/x","{name}":"hush"}}}}"#
            ));
            let expected = SubscriptionRequest {
                event_filters: vec!["/a".to_owned(), "/b".to_owned()],
                transport: TransportRequest::WebHook {
                    address: "https://h/x".to_owned(),
                    verification_token: Some("hush".to_owned()),
                    format: WebhookFormat::Contract,
                    signing_secret: None,
                },
                expires_in: Some(Duration::from_secs(60)),
            };
            assert_eq!(request, Ok(expected));
            assert!(!format!("{request:?}").contains("hush"));
        }
    }

    #[test]
    fn a_webhook_may_ask_for_cloud_events_and_a_signature_and_never_shows_the_secret() {
        let secret = SigningSecret::from_bytes([9; 32]).expect("a good length");
        let request = parse(&format!(
            r#"{{"eventFilters":["/a"],"deliveryMode":{{"transportType":"WebHook",
                "address":"https://h/x","format":"cloudevents","signingSecret":"{}"}}}}"#,
            secret.to_text()
        ));
        let request = request.expect("valid");
        assert!(!format!("{request:?}").contains(&secret.to_text()));
        let TransportRequest::WebHook { format, signing_secret, .. } = request.transport else {
            panic!("a webhook");
        };
        assert_eq!((format, signing_secret), (WebhookFormat::CloudEvents, Some(secret)));

        let transport = Transport::WebHook {
            address: "https://h/x".to_owned(),
            verification_token: None,
            format: WebhookFormat::CloudEvents,
            signing: SigningKeys::of(SealedSecret::new([1, 2, 3])),
        };
        let info = subscription_info(None, &subscription(transport), NOW);
        assert_eq!(
            info["deliveryMode"].to_string(),
            r#"{"transportType":"WebHook","encryption":false,"address":"https://h/x","format":"CloudEvents","signed":true}"#
        );
    }

    #[test]
    fn a_socket_is_asked_for_as_the_sdk_does() {
        let request =
            parse(r#"{"deliveryMode":{"transportType":"WebSocket"},"eventFilters":["/a"]}"#);

        let request = request.expect("valid");
        assert_eq!(request.transport, TransportRequest::WebSocket);
        assert_eq!(request.lifetime(), WEBSOCKET_LIFETIME);
    }

    #[test]
    fn what_is_no_subscription_names_its_member() {
        let hook = |more: &str| {
            format!(
                r#"{{"eventFilters":["/a"],"deliveryMode":{{"transportType":"WebHook"{more}}}}}"#
            )
        };
        let socket = |members: &str| {
            format!(r#"{{{members},"deliveryMode":{{"transportType":"WebSocket"}}}}"#)
        };
        for (body, name) in [
            ("{}".to_owned(), "eventFilters"),
            (socket(r#""eventFilters":[]"#), "eventFilters"),
            (socket(r#""eventFilters":"/a""#), "eventFilters"),
            (socket(r#""eventFilters":[1]"#), "eventFilters"),
            (socket(r#""eventFilters":["/a"],"expiresIn":0"#), "expiresIn"),
            (socket(r#""eventFilters":["/a"],"expiresIn":-5"#), "expiresIn"),
            (socket(r#""eventFilters":["/a"],"expiresIn":1.5"#), "expiresIn"),
            (socket(r#""eventFilters":["/a"],"expiresIn":"60""#), "expiresIn"),
            (r#"{"eventFilters":["/a"]}"#.to_owned(), "deliveryMode"),
            (hook("").replace("WebHook", "PubNub"), "deliveryMode.transportType"),
            (hook("").replace("WebHook", "RC/APNS"), "deliveryMode.transportType"),
            (hook(""), "deliveryMode.address"),
            (hook(r#","address":"receiver.example""#), "deliveryMode.address"),
            (hook(r#","address":"ftp://h/x""#), "deliveryMode.address"),
            (hook(r#","address":"https://""#), "deliveryMode.address"),
            (hook(r#","address":"https://h/\r\nX: y""#), "deliveryMode.address"),
            (hook(r#","address":"https://h/ü""#), "deliveryMode.address"),
            (
                hook(r#","address":"https://h","verificationToken":"a\r\nb""#),
                "deliveryMode.verificationToken",
            ),
            (hook(r#","address":"https://h","validationToken":7"#), "deliveryMode.validationToken"),
            // Lampfield's own members.
            (hook(r#","address":"https://h","format":"XML""#), "deliveryMode.format"),
            (hook(r#","address":"https://h","format":1"#), "deliveryMode.format"),
            (
                hook(r#","address":"https://h","signingSecret":"hush""#),
                "deliveryMode.signingSecret",
            ),
        ] {
            let refused = parse(&body).expect_err(&body);
            let expected = ApiError::invalid_parameter(name);
            assert_eq!(
                (refused.status, refused.code, &refused.parameter),
                (expected.status, expected.code, &expected.parameter),
                "{body}"
            );
            assert!(refused.message.starts_with(&expected.message), "{body}");
        }
        assert_eq!(parse("["), Err(ApiError::bad_json()));
    }

    #[test]
    fn an_update_without_body_only_renews() {
        for body in ["", "{}", r#"{"deliveryMode":{"transportType":"WebHook","address":"x"}}"#] {
            let update = SubscriptionUpdate::parse(body.as_bytes());
            assert_eq!(update, Ok(SubscriptionUpdate::default()), "{body}");
        }
        let update = SubscriptionUpdate::parse(br#"{"eventFilters":["/a"],"expiresIn":90}"#);
        let update = update.expect("valid");
        assert_eq!(update.event_filters, Some(vec!["/a".to_owned()]));
        assert_eq!(update.lifetime(&webhook()), Duration::from_secs(90));
        assert!(SubscriptionUpdate::parse(br#"{"eventFilters":[]}"#).is_err());
    }

    #[test]
    fn a_webhooks_life_is_a_week_or_what_was_asked_for_up_to_ten_years() {
        let lifetime =
            |wish: Option<u64>| webhook_lifetime(wish.map(Duration::from_secs)).as_secs();

        assert_eq!(lifetime(None), 604_800);
        assert_eq!(lifetime(Some(500_000_000)), 315_360_000);
        assert_eq!(lifetime(Some(1)), 1);
    }

    #[test]
    fn a_webhook_is_shown_without_its_token() {
        let info = subscription_info(Some("https://h"), &subscription(webhook()), NOW);

        assert_eq!(
            info.to_string(),
            concat!(
                r#"{"uri":"https://h/restapi/v1.0/subscription/00000000-0000-0000-0000-000000000001","#,
                r#""id":"00000000-0000-0000-0000-000000000001","creationTime":"2026-01-05T10:00:00.000Z","#,
                r#""status":"Active","eventFilters":["#,
                r#""/restapi/v1.0/account/400100200/presence?detailedTelephonyState=true"],"#,
                r#""expirationTime":"2026-01-12T10:00:00.000Z","expiresIn":604799,"#,
                r#""deliveryMode":{"transportType":"WebHook","encryption":false,"#,
                r#""address":"https://receiver.example/hook"}}"#
            )
        );
    }

    #[test]
    fn a_sockets_subscription_is_relative_and_always_a_day_ahead() {
        let later = NOW.after(Duration::from_secs(1_000_000));
        let info = subscription_info(None, &subscription(Transport::WebSocket), later);

        assert_eq!(info["uri"], "/restapi/v1.0/subscription/00000000-0000-0000-0000-000000000001");
        assert_eq!(info["expiresIn"], 86_399);
        assert_eq!(
            info["deliveryMode"].to_string(),
            r#"{"transportType":"WebSocket","encryption":false}"#
        );
    }

    #[test]
    fn trouble_is_shown_only_where_there_is_some() {
        let mut subscription = subscription(webhook());
        subscription.disabled.push(DisabledFilter {
            filter: "/f".into(),
            reason: "SUB-403".into(),
            message: "no".to_owned(),
        });
        subscription.status = SubscriptionStatus::Blacklisted(BlacklistEntry {
            at: NOW,
            reason: "Read timed out".to_owned(),
        });
        let info = subscription_info(None, &subscription, NOW.after(Duration::from_secs(1 << 40)));

        assert_eq!(info["status"], "Blacklisted");
        assert_eq!(info["expiresIn"], 0);
        assert_eq!(
            info["disabledFilters"].to_string(),
            r#"[{"filter":"/f","reason":"SUB-403","message":"no"}]"#
        );
        assert_eq!(
            info["blacklistedData"].to_string(),
            r#"{"blacklistedAt":"2026-01-05T10:00:00.000Z","reason":"Read timed out"}"#
        );
    }
}
