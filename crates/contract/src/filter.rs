//! Event filters (contract 3.2, 3.3, 3.7): the grammar, in both directions.

use std::time::Duration;

use lampfield_core::subscription::{EventFilter, Reminder};
use lampfield_core::visibility::Detail;
use lampfield_core::{AccountId, ExtensionId};

use crate::event::detail_query;
use crate::foreign::{Reach, is_known_family};
use crate::query::{first, parse_flag, parse_query};

/// The longest filter that is read, in bytes.
pub const FILTER_MAX: usize = 1024;
/// The most filters of one subscription (contract 6.3).
pub const FILTERS_MAX: usize = 10_000;

const API: &str = "/restapi/v1.0";

/// Why a filter is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// It means nothing (SUB-508).
    #[error("{0:?} is not an event filter")]
    Invalid(String),
    /// It names another account (to be answered like an unknown one).
    #[error("{0:?} names another account")]
    OtherAccount(String),
    /// A renewal reminder whose threshold or interval is no positive number (SUB-516).
    #[error("{0:?} has a threshold or interval that is not a positive number of seconds")]
    BadReminder(String),
}

/// Reads a filter of a subscription that `extension` of `account` makes: `~` stands for them.
///
/// Absolute addresses and paths without `/restapi/v1.0` are read too, and parameters in any order.
/// Parameters of filters that know none are dropped. Reminders are kept as they are.
/// Filters of families that this server does not fire (messages, telephony sessions, …) become
/// [`EventFilter::Foreign`] with their canonical path: they are listed and never match.
pub fn parse_filter(
    text: &str,
    account: AccountId,
    extension: ExtensionId,
) -> Result<EventFilter, FilterError> {
    let invalid = || FilterError::Invalid(clip(text));
    let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
    if text.len() > FILTER_MAX || !printable {
        return Err(invalid());
    }
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    let path = without_host(path).ok_or_else(invalid)?;
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.strip_prefix(API).unwrap_or(path) == "/subscription/~" {
        return parse_reminder(text, query)
            .map(EventFilter::Reminder)
            .ok_or_else(|| FilterError::BadReminder(clip(text)));
    }
    let Some(rest) = account_path(path) else {
        return foreign(path, query, Reach::Platform, path).ok_or_else(invalid);
    };
    let (named, rest) = split_segment(rest);
    if resolve(named, account.get()).ok_or_else(invalid)? != account.get() {
        return Err(FilterError::OtherAccount(clip(text)));
    }
    let canonical = format!("{API}/account/{account}");
    match split_segment(rest) {
        ("presence", "") => parse_detail(query).map(EventFilter::Account).ok_or_else(invalid),
        ("extension", "") => Ok(EventFilter::Directory),
        ("call-queues", rest) if let Some(queue) = rest.strip_suffix("/presence") => {
            queue.parse().map(EventFilter::Queue).map_err(|_| invalid())
        }
        ("extension", rest) if !rest.is_empty() => {
            let (named, tail) = split_segment(rest);
            let id = resolve(named, extension.get()).and_then(|id| ExtensionId::new(id).ok());
            let id = id.ok_or_else(invalid)?;
            parse_extension_tail(&canonical, id, tail, query).ok_or_else(invalid)
        }
        _ => {
            foreign(&format!("{canonical}/{rest}"), query, Reach::Account, rest).ok_or_else(invalid)
        }
    }
}

/// Returns the canonical text of a filter, with real ids.
#[must_use]
pub fn write_filter(filter: &EventFilter, account: AccountId) -> String {
    match filter {
        EventFilter::Account(detail) => {
            format!("{API}/account/{account}/presence{}", detail_query(*detail))
        }
        EventFilter::Extension(extension, detail) => format!(
            "{API}/account/{account}/extension/{extension}/presence{}",
            detail_query(*detail)
        ),
        EventFilter::Lines(owner, detail) => format!(
            "{API}/account/{account}/extension/{owner}/presence/line/presence{}",
            detail_query(*detail)
        ),
        EventFilter::Favorites(owner, detail) => format!(
            "{API}/account/{account}/extension/{owner}/favorite/presence{}",
            detail_query(*detail)
        ),
        EventFilter::LineList(owner) => {
            format!("{API}/account/{account}/extension/{owner}/presence/line")
        }
        EventFilter::Dnd(extension) => {
            format!("{API}/account/{account}/extension/{extension}/presence/dnd")
        }
        EventFilter::Queue(queue) => {
            format!("{API}/account/{account}/call-queues/{queue}/presence")
        }
        EventFilter::FavoriteList(owner) => {
            format!("{API}/account/{account}/extension/{owner}/favorite")
        }
        EventFilter::Profile(extension) => {
            format!("{API}/account/{account}/extension/{extension}")
        }
        EventFilter::Directory => format!("{API}/account/{account}/extension"),
        EventFilter::Reminder(reminder) => reminder.text.to_string(),
        EventFilter::Foreign(text) => text.to_string(),
    }
}

fn parse_extension_tail(
    canonical: &str,
    id: ExtensionId,
    tail: &str,
    query: &str,
) -> Option<EventFilter> {
    let detailed = |filter: fn(ExtensionId, Detail) -> EventFilter| {
        parse_detail(query).map(|detail| filter(id, detail))
    };
    match tail {
        "presence" => detailed(EventFilter::Extension),
        "presence/line/presence" => detailed(EventFilter::Lines),
        "favorite/presence" => detailed(EventFilter::Favorites),
        "presence/line" => Some(EventFilter::LineList(id)),
        "presence/dnd" => Some(EventFilter::Dnd(id)),
        "favorite" => Some(EventFilter::FavoriteList(id)),
        "" => Some(EventFilter::Profile(id)),
        tail => {
            foreign(&format!("{canonical}/extension/{id}/{tail}"), query, Reach::Extension, tail)
        }
    }
}

fn foreign(path: &str, query: &str, reach: Reach, tail: &str) -> Option<EventFilter> {
    if !is_known_family(reach, tail) {
        return None;
    }
    let text = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    Some(EventFilter::Foreign(text.into()))
}

/// Reads the flags of a presence filter. Unknown ones (`totalActiveCalls`) are ignored; a known one
/// with a value that is no boolean makes the filter invalid.
fn parse_detail(query: &str) -> Option<Detail> {
    let query = parse_query(query);
    let flag = |name| first(&query, name).map_or(Some(false), parse_flag);
    let (detailed, sip) = (flag("detailedTelephonyState")?, flag("sipData")?);
    Some(match (detailed, sip) {
        (_, true) => Detail::Sip,
        (true, false) => Detail::Detailed,
        (false, false) => Detail::Plain,
    })
}

/// Reads a renewal reminder (contract 7.7), whose threshold and interval must be positive numbers.
fn parse_reminder(text: &str, query: &str) -> Option<Reminder> {
    let query = parse_query(query);
    let seconds = |name| {
        let seconds = first(&query, name)?.parse::<u32>().ok()?;
        (seconds > 0).then(|| Duration::from_secs(seconds.into()))
    };
    let (threshold, interval) = (seconds("threshold")?, seconds("interval")?);
    Some(Reminder { threshold, interval, text: text.into() })
}

/// Takes scheme and host away from an absolute address.
fn without_host(path: &str) -> Option<&str> {
    let Some((scheme, rest)) = path.split_once("://") else {
        return path.starts_with('/').then_some(path);
    };
    matches!(scheme, "https" | "http").then_some(())?;
    rest.find('/').filter(|at| *at > 0).and_then(|at| rest.get(at..))
}

/// Returns what stands after `/account/`, in the long or the short form.
fn account_path(path: &str) -> Option<&str> {
    path.strip_prefix(API).unwrap_or(path).strip_prefix("/account/")
}

fn split_segment(path: &str) -> (&str, &str) {
    path.split_once('/').unwrap_or((path, ""))
}

fn resolve(segment: &str, own: u64) -> Option<u64> {
    match segment {
        "~" => Some(own),
        digits => digits.parse::<ExtensionId>().ok().map(ExtensionId::get),
    }
}

/// Shortens hostile input before it stands in an error message.
fn clip(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: u64 = 400_100_200;
    const EXTENSION: u64 = 900_200_300;

    fn account() -> AccountId {
        AccountId::new(ACCOUNT).expect("positive")
    }

    fn extension(number: u64) -> ExtensionId {
        ExtensionId::new(number).expect("positive")
    }

    fn parse(text: &str) -> Result<EventFilter, FilterError> {
        parse_filter(text, account(), extension(EXTENSION))
    }

    /// Returns what a filter is listed as.
    fn listed(text: &str) -> Option<String> {
        parse(text).ok().map(|filter| write_filter(&filter, account()))
    }

    #[test]
    fn the_founding_documents_filter_and_its_detailed_forms_are_read() {
        let of = EventFilter::Account;
        for (text, filter) in [
            ("/restapi/v1.0/account/~/presence", of(Detail::Plain)),
            ("/restapi/v1.0/account/400100200/presence", of(Detail::Plain)),
            ("/restapi/v1.0/account/~/presence?detailedTelephonyState=true", of(Detail::Detailed)),
            ("/restapi/v1.0/account/~/presence?sipData=true", of(Detail::Sip)),
        ] {
            assert_eq!(parse(text), Ok(filter), "{text}");
        }
    }

    #[test]
    fn extension_filters_are_read_in_every_spelling_that_clients_use() {
        let own = |detail| EventFilter::Extension(extension(EXTENSION), detail);
        let path = "/restapi/v1.0/account/~/extension/~/presence";
        for (text, filter) in [
            (path.to_owned(), own(Detail::Plain)),
            (format!("{path}/"), own(Detail::Plain)),
            (format!("https://platform.example{path}"), own(Detail::Plain)),
            (format!("http://127.0.0.1:8080{path}?sipData=true"), own(Detail::Sip)),
            ("/account/~/extension/~/presence".to_owned(), own(Detail::Plain)),
            (format!("{path}?detailedTelephonyState"), own(Detail::Detailed)),
            (format!("{path}?detailedTelephonyState=True"), own(Detail::Detailed)),
            (format!("{path}?detailedTelephonyState=false"), own(Detail::Plain)),
            (format!("{path}?detailedTelephonyState=true&sipData=false"), own(Detail::Detailed)),
            (
                format!("{path}?totalActiveCalls&sipData=true&detailedTelephonyState=true"),
                own(Detail::Sip),
            ),
            (format!("{path}?totalActiveCalls"), own(Detail::Plain)),
            (
                "/restapi/v1.0/account/400100200/extension/7/presence".to_owned(),
                EventFilter::Extension(extension(7), Detail::Plain),
            ),
        ] {
            assert_eq!(parse(&text), Ok(filter), "{text}");
        }
    }

    #[test]
    fn filters_are_listed_with_real_ids_and_flags_in_the_order_that_clients_match() {
        assert_eq!(
            listed("/account/~/extension/~/presence?totalActiveCalls&sipData=true").as_deref(),
            Some(
                "/restapi/v1.0/account/400100200/extension/900200300/presence?detailedTelephonyState=true&sipData=true"
            )
        );
        assert_eq!(
            listed("/restapi/v1.0/account/~/presence").as_deref(),
            Some("/restapi/v1.0/account/400100200/presence")
        );
    }

    #[test]
    fn what_widgets_subscribe_to_beside_presence_is_accepted_and_listed() {
        let own = "/restapi/v1.0/account/~/extension/~";
        for tail in [
            "/fax?direction=Inbound",
            "/grant",
            "/message-store",
            "/message-store/instant?type=SMS",
            "/message-store?type=Pager&direction=Inbound",
            "/missed-calls",
            "/start-ring",
            "/stop-ring",
            "/telephony/sessions",
            "/telephony?action=call-answered-elsewhere",
            "/voicemail",
        ] {
            let expected = format!("/restapi/v1.0/account/400100200/extension/900200300{tail}");
            assert_eq!(parse(&format!("{own}{tail}")), Ok(EventFilter::Foreign(expected.into())));
        }
        for tail in [
            "/a2p-sms/opt-outs",
            "/call-queues/7/members",
            "/directory/contacts",
            "/message-threads/entries/sync",
            "/telephony/sessions",
        ] {
            let expected = format!("/restapi/v1.0/account/400100200{tail}");
            assert_eq!(
                parse(&format!("/restapi/v1.0/account/~{tail}")),
                Ok(EventFilter::Foreign(expected.into()))
            );
        }
        for text in
            ["/restapi/v1.0/glip/posts", "/restapi/v1.0/glip/groups", "/team-messaging/v1/posts"]
        {
            assert_eq!(parse(text), Ok(EventFilter::Foreign(text.into())));
        }
    }

    #[test]
    fn lists_queues_and_the_directory_are_read_and_listed_with_real_ids() {
        let own = extension(EXTENSION);
        for (tail, filter) in [
            ("/extension/~/presence/line/presence", EventFilter::Lines(own, Detail::Plain)),
            (
                "/extension/~/presence/line/presence?sipData=true",
                EventFilter::Lines(own, Detail::Sip),
            ),
            (
                "/extension/7/favorite/presence?detailedTelephonyState=true",
                EventFilter::Favorites(extension(7), Detail::Detailed),
            ),
            ("/extension/~/presence/line", EventFilter::LineList(own)),
            ("/extension/7/presence/dnd", EventFilter::Dnd(extension(7))),
            ("/extension/~/favorite", EventFilter::FavoriteList(own)),
            ("/extension/~", EventFilter::Profile(own)),
            ("/extension", EventFilter::Directory),
            ("/call-queues/7/presence", EventFilter::Queue(extension(7))),
        ] {
            assert_eq!(parse(&format!("/restapi/v1.0/account/~{tail}")), Ok(filter), "{tail}");
            let own = tail.replace('~', "900200300");
            let own = own.replace("?sip", "?detailedTelephonyState=true&sip");
            assert_eq!(
                listed(&format!("/account/~{tail}")),
                Some(format!("/restapi/v1.0/account/400100200{own}"))
            );
        }
    }

    #[test]
    fn garbage_is_invalid() {
        let long = format!("/restapi/v1.0/account/~/presence?{}", "x".repeat(1100));
        for text in [
            "",
            "/",
            "presence",
            "~",
            "/restapi/v1.0/account/~",
            "/restapi/v1.0/account//presence",
            "/restapi/v1.0/account/~/presences",
            "/restapi/v1.0/account/~/presence/x",
            "/restapi/v1.0/account/~/extension/~/presence/x",
            "/restapi/v1.0/account/~/extension/x/presence",
            "/restapi/v1.0/account/~/extension/0/presence",
            "/restapi/v1.0/account/~/extension/1,2/presence",
            "/restapi/v1.0/account/x/presence",
            "/restapi/v2.0/account/~/presence",
            "/restapi/v1.0/account/~/call-queues/~/presence",
            "/restapi/v1.0/account/~/call-queues/7/8/presence",
            "/restapi/v1.0/account/~/extension/~/presence/line/presence?sipData=perhaps",
            "/restapi/v1.0/account/~/presence?detailedTelephonyState=maybe",
            "!/restapi/v1.0/account/~/presence",
            "/restapi/v1.0/account/~/presence ",
            "/restapi/v1.0/account/~/directory/",
            "/restapi/v1.0/account/~/directory/\"x\"",
            "/restapi/v1.0/nothing",
            "ftp://h/restapi/v1.0/account/~/presence",
            "https://",
            "https:///restapi/v1.0/account/~/presence",
            "/restapi/v1.0/account/~/presencé",
            long.as_str(),
        ] {
            assert!(matches!(parse(text), Err(FilterError::Invalid(_))), "{text:?}");
        }
    }

    #[test]
    fn another_account_is_told_apart_from_garbage() {
        for text in [
            "/restapi/v1.0/account/7/presence",
            "/restapi/v1.0/account/7/extension/~/presence",
            "/restapi/v1.0/account/7/extension/~/missed-calls",
        ] {
            assert_eq!(parse(text), Err(FilterError::OtherAccount(text.to_owned())));
        }
    }

    #[test]
    fn a_renewal_reminder_is_kept_verbatim_and_its_figures_are_checked() {
        let good = "/restapi/v1.0/subscription/~?threshold=60&interval=15";
        let reminder = Reminder {
            threshold: Duration::from_secs(60),
            interval: Duration::from_secs(15),
            text: good.into(),
        };
        assert_eq!(parse(good), Ok(EventFilter::Reminder(reminder)));
        for text in [
            "/subscription/~?interval=5&threshold=9",
            "https://h/restapi/v1.0/subscription/~?threshold=1&interval=1",
        ] {
            assert_eq!(listed(text).as_deref(), Some(text));
        }
        for query in [
            "",
            "?threshold=60",
            "?threshold=0&interval=15",
            "?threshold=-1&interval=1",
            "?threshold=60&interval=x",
        ] {
            let text = format!("/restapi/v1.0/subscription/~{query}");
            assert_eq!(parse(&text), Err(FilterError::BadReminder(text.clone())));
        }
    }
}
