//! `GET /account/{accountId}/extension` and one of them.

use std::sync::Arc;

use axum::extract::{Path, State};
use http::HeaderMap;
use lampfield_contract::{ApiError, Page, PageRequest, extension_uri, list_resource};
use lampfield_core::directory::{Extension, Permissions, Scopes};
use lampfield_core::{AccountId, ExtensionStatus, ExtensionType};
use serde_json::{Map, Value, json};

use crate::auth::Caller;
use crate::directory::account::regional;
use crate::edge::{Answer, Base, Query, bulk, ok};
use crate::state::ApiState;

/// What a list may be narrowed to. Nothing named narrows nothing.
struct Sieve<'a> {
    numbers: Vec<&'a str>,
    emails: Vec<&'a str>,
    kinds: Vec<ExtensionType>,
    statuses: Vec<ExtensionStatus>,
}

/// Answers with a page of the caller's account, by id.
pub(super) async fn list(
    State(state): State<ApiState>,
    caller: Caller,
    Path(account): Path<String>,
    Base(base): Base,
    query: Query,
) -> Answer {
    let account = caller.resolve_account(&account)?;
    caller.need(Scopes::READ_ACCOUNTS, Permissions::READ_EXTENSIONS)?;
    let request = PageRequest::from_query(&query.0)?;
    let sieve = Sieve::from_query(&query)?;
    let (extensions, page) = sift(&state, account, &sieve, request);
    let records = extensions.iter().map(|one| Value::Object(record(&base, one))).collect();
    let filters: Vec<_> = ["extensionNumber", "email", "status", "type"]
        .into_iter()
        .flat_map(|name| query.all(name).map(move |value| (name, value)))
        .map(|(name, value)| format!("{name}={}", crate::edge::encode(value)))
        .collect();
    let query = if filters.is_empty() { String::new() } else { format!("?{}", filters.join("&")) };
    let uri = format!("{base}/restapi/v1.0/account/{account}/extension{query}");
    Ok(ok(&list_resource(&uri, records, &page)))
}

/// Answers with one extension of the caller's account; several ids parted by commas give a multipart
/// answer.
pub(super) async fn one_or_several(
    State(state): State<ApiState>,
    caller: Caller,
    Path((account, extension)): Path<(String, String)>,
    Base(base): Base,
    headers: HeaderMap,
) -> Answer {
    caller.resolve_account(&account)?;
    let one = |id: &str| {
        let extension = caller.resolve_extension(&state, id)?;
        Ok(whole(&base, &extension))
    };
    if extension.contains(',') {
        caller.need(Scopes::READ_ACCOUNTS, Permissions::READ_EXTENSIONS)?;
        let ids = bulk::split(&extension, "Extension Info")?;
        let items = ids.iter().map(|id| bulk::Item::of(id, "", &base, &caller, one(id)));
        return bulk::answer(&state, &headers, items.collect());
    }
    let body = one(&extension)?;
    caller.need(Scopes::READ_ACCOUNTS, Permissions::READ_EXTENSIONS)?;
    Ok(ok(&body))
}

/// The record of a list, and what only the single one shows.
fn whole(base: &str, extension: &Extension) -> Value {
    let account = extension.key.account;
    let mut body = record(base, extension);
    let mut member = |name: &str, value: Value| {
        body.insert(name.to_owned(), value);
    };
    let uri = format!("{base}/restapi/v1.0/account/{account}");
    member("account", json!({ "id": account.to_string(), "uri": uri }));
    member("regionalSettings", regional());
    let has_presence = extension.standing.kind.is_writable();
    let features =
        ["Presence", "DND"].map(|name| json!({ "featureName": name, "enabled": has_presence }));
    member("serviceFeatures", json!(features));
    Value::Object(body)
}

fn sift(
    state: &ApiState,
    account: AccountId,
    sieve: &Sieve<'_>,
    request: PageRequest,
) -> (Vec<Arc<Extension>>, Page) {
    if sieve.is_open() {
        let skip = (request.page - 1).saturating_mul(request.per_page);
        let (extensions, total) = state.registry.extensions(account, skip, request.per_page);
        return (extensions, Page { request, total });
    }
    let (mut extensions, _) = state.registry.extensions(account, 0, usize::MAX);
    extensions.retain(|extension| sieve.lets_pass(extension));
    let page = Page { request, total: extensions.len() };
    (extensions.get(page.range()).unwrap_or_default().to_vec(), page)
}

impl<'a> Sieve<'a> {
    fn from_query(query: &'a Query) -> Result<Self, ApiError> {
        fn words<T>(
            query: &Query,
            name: &str,
            parse: impl Fn(&str) -> Option<T>,
        ) -> Result<Vec<T>, ApiError> {
            let word = |text| parse(text).ok_or_else(|| ApiError::invalid_parameter(name));
            query.all(name).map(word).collect()
        }
        Ok(Self {
            numbers: query.all("extensionNumber").collect(),
            emails: query.all("email").collect(),
            kinds: words(query, "type", ExtensionType::parse)?,
            statuses: words(query, "status", ExtensionStatus::parse)?,
        })
    }

    const fn is_open(&self) -> bool {
        self.numbers.is_empty()
            && self.emails.is_empty()
            && self.kinds.is_empty()
            && self.statuses.is_empty()
    }

    fn lets_pass(&self, extension: &Extension) -> bool {
        fn in_or_open<T>(list: &[T], is: impl Fn(&T) -> bool) -> bool {
            list.is_empty() || list.iter().any(is)
        }
        in_or_open(&self.numbers, |one| *one == &*extension.number)
            && in_or_open(&self.emails, |one| one.eq_ignore_ascii_case(&extension.email))
            && in_or_open(&self.kinds, |one| *one == extension.standing.kind)
            && in_or_open(&self.statuses, |one| *one == extension.standing.status)
    }
}

fn record(base: &str, extension: &Extension) -> Map<String, Value> {
    let name = &*extension.name;
    let (first, last) = name.split_once(' ').unwrap_or((name, ""));
    let mut contact = Map::new();
    contact.insert("firstName".to_owned(), json!(first));
    if !last.is_empty() {
        contact.insert("lastName".to_owned(), json!(last));
    }
    if !extension.email.is_empty() {
        contact.insert("email".to_owned(), json!(extension.email));
    }
    let mut record = Map::new();
    let mut member = |name: &str, value: Value| {
        record.insert(name.to_owned(), value);
    };
    member("uri", json!(extension_uri(base, extension.key)));
    member("id", json!(extension.key.extension.get()));
    member("extensionNumber", json!(&*extension.number));
    member("contact", Value::Object(contact));
    member("name", json!(name));
    member("type", json!(extension.standing.kind.as_str()));
    member("status", json!(extension.standing.status.as_str()));
    let is_admin = extension.permissions.contains(Permissions::ADMIN);
    let permissions = json!({
        "admin": { "enabled": is_admin },
        "internationalCalling": { "enabled": false },
    });
    member("permissions", permissions);
    member("hidden", json!(false));
    record
}
