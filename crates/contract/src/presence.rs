//! The presence resource of the REST interface (contract 1.2, 2.4).

use lampfield_core::values::Capability;
use lampfield_core::visibility::Detail;
use lampfield_core::{AccountId, Document, ExtensionKey, ListedCalls, PresenceStatus, View};
use serde_json::{Map, Value, json};

use crate::event::{call_lines, write_call};
use crate::paging::Page;
use crate::query::{first, parse_flag};

/// What the query of a presence resource asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceFlags {
    /// `detailedTelephonyState`, `sipData` (which implies it).
    pub detail: Detail,
    /// `totalActiveCalls`, with or without value.
    pub total_active_calls: bool,
}

impl Default for ResourceFlags {
    fn default() -> Self {
        Self { detail: Detail::Plain, total_active_calls: false }
    }
}

impl ResourceFlags {
    /// Reads the flags; other parameters are ignored, and so is a value that is no boolean.
    #[must_use]
    pub fn from_query(query: &[(String, String)]) -> Self {
        let is_on = |name| first(query, name).and_then(parse_flag).unwrap_or(false);
        let detail = match (is_on("detailedTelephonyState"), is_on("sipData")) {
            (_, true) => Detail::Sip,
            (true, false) => Detail::Detailed,
            (false, false) => Detail::Plain,
        };
        Self { detail, total_active_calls: is_on("totalActiveCalls") }
    }

    /// Returns the flags as a query with `?`, empty when none is set.
    fn query(self) -> String {
        let detail = match self.detail {
            Detail::Plain => &[] as &[&str],
            Detail::Detailed => &["detailedTelephonyState=true"],
            Detail::Sip => &["detailedTelephonyState=true", "sipData=true"],
        };
        let total = self.total_active_calls.then_some("totalActiveCalls=true");
        let flags: Vec<_> = detail.iter().copied().chain(total).collect();
        if flags.is_empty() { String::new() } else { format!("?{}", flags.join("&")) }
    }
}

/// Whose presence a resource shows.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Account and extension.
    pub key: ExtensionKey,
    /// `extensionNumber`.
    pub number: &'a str,
}

/// Returns the presence resource of one extension as `view` allows it to be seen.
///
/// `base_uri` is scheme, host and what may stand before `/restapi`, without a slash at its end.
/// Extensions whose type has no presence have three members; hidden ones those three and
/// `allowSeeMyPresence: false`.
#[must_use]
pub fn presence_resource(
    base_uri: &str,
    subject: Subject<'_>,
    document: &Document,
    view: View,
    flags: ResourceFlags,
) -> Value {
    let is_masked = view == View::Hidden || document.capability() != Capability::Presence;
    let presence = if is_masked { PresenceStatus::Offline } else { document.presence };
    let extension_uri = extension_uri(base_uri, subject.key);
    let mut resource = Map::new();
    let mut member = |name: &str, value: Value| {
        resource.insert(name.to_owned(), value);
    };
    member("uri", json!(format!("{extension_uri}/presence")));
    member(
        "extension",
        json!({
            "id": subject.key.extension.get(),
            "uri": extension_uri,
            "extensionNumber": subject.number,
        }),
    );
    member("presenceStatus", json!(presence.as_str()));
    if view == View::Hidden {
        member("allowSeeMyPresence", json!(false));
    }
    if is_masked {
        return Value::Object(resource);
    }
    let settings = &document.settings;
    member("telephonyStatus", json!(document.telephony.as_str()));
    member("userStatus", json!(document.user.as_str()));
    member("dndStatus", json!(document.dnd.as_str()));
    member("meetingStatus", json!(document.meeting.as_str()));
    if let Some(message) = &settings.message {
        member("message", json!(message));
    }
    member("allowSeeMyPresence", json!(settings.allow_see_my_presence));
    member("callerIdVisibility", json!(settings.caller_id_visibility.as_str()));
    member("ringOnMonitoredCall", json!(settings.ring_on_monitored_call));
    member("pickUpCallsOnHold", json!(settings.pick_up_calls_on_hold));
    let calls = ListedCalls::of(&document.claims, &[]);
    if flags.detail != Detail::Plain {
        member("activeCalls", active_calls(&calls, flags.detail, view));
    }
    if flags.total_active_calls {
        member("totalActiveCalls", json!(calls.total));
    }
    Value::Object(resource)
}

/// Returns the presence list of an account: `records` are the resources of this page.
#[must_use]
pub fn account_presence(
    base_uri: &str,
    account: AccountId,
    records: Vec<Value>,
    page: &Page,
    flags: ResourceFlags,
) -> Value {
    let uri = format!("{base_uri}/restapi/v1.0/account/{account}/presence{}", flags.query());
    list_resource(&uri, records, page)
}

/// Returns a list resource: `uri` of this page, `records`, `paging`, `navigation`. `uri` is that of
/// the whole list, possibly with a query.
#[must_use]
pub fn list_resource(uri: &str, records: Vec<Value>, page: &Page) -> Value {
    let members = [
        ("uri", Value::String(page.uri(uri))),
        ("records", Value::Array(records)),
        ("paging", page.paging()),
        ("navigation", page.navigation(uri)),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Returns the address of an extension.
#[must_use]
pub fn extension_uri(base_uri: &str, key: ExtensionKey) -> String {
    format!("{base_uri}/restapi/v1.0/account/{}/extension/{}", key.account, key.extension)
}

/// The same writer as for events, so that a call looks the same in both.
fn active_calls(calls: &ListedCalls<'_>, detail: Detail, view: View) -> Value {
    let mut list = Vec::with_capacity(calls.live.len());
    for line in call_lines(calls) {
        let mut text = Vec::with_capacity(256);
        write_call(&mut text, &line, detail, view);
        list.push(serde_json::from_slice(&text).expect("the event writer writes JSON"));
    }
    Value::Array(list)
}
