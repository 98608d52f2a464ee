//! Bodies of the subscription interface (contract 6.2): what is asked for and what is shown.

use std::time::Duration;

use lampfield_core::Timestamp;
use lampfield_core::subscription::{
    Subscription, SubscriptionStatus, Transport, WEBHOOK_LIFETIME, WEBHOOK_LIFETIME_MAX,
    WEBSOCKET_LIFETIME,
};
use serde_json::{Map, Value, json};

use crate::error::ApiError;
use crate::filter::{FILTERS_MAX, write_filter};
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
    },
    /// Over the socket on which it is asked for.
    WebSocket,
}

/// Leaves the verification token out.
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
    json!({ "uri": format!("{base_uri}/restapi/v1.0/subscription"), "records": records })
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
        Transport::WebHook { address, .. } => {
            json!({ "transportType": "WebHook", "encryption": false, "address": address })
        }
        Transport::WebSocket => json!({ "transportType": "WebSocket", "encryption": false }),
    }
}
