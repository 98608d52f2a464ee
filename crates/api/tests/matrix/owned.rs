//! Every request of Lampfield's own paths for every kind of key and for people.

use axum::body::Body;
use http::Request;
use lampfield_api::auth::hash_secret;
use lampfield_core::directory::{ApiKey, App, Credential, Permissions, Role, Scopes};
use lampfield_core::subscription::{EventFilter, Subscription, SubscriptionStatus, Transport};
use lampfield_core::visibility::Detail;
use lampfield_core::{AccountId, AppId, ExtensionType, SessionId, SubscriptionId};
use lampfield_journal::DirectoryChange;
use uuid::Uuid;

use crate::house::{A, ANNA, B, BEN, CLEO, Reply, app, extension, jwt_of, key};
use crate::keys::{ADMIN, BOUND, INGEST, READ, give_keys};
use crate::requests::shape;
use crate::server::Server;
use crate::table::Table;
use crate::tokens::{Bad, refused, take_from_ben, verdict, without_scope};

/// An admin key of the other account.
const ELSEWHERE: &str = "key-elsewhere";
/// An extension that may be lost.
const VICTIM: u64 = 1900;

const NO_ROLE: &str = "403 CMN-402";
const NOWHERE: &str = "404 CMN-102 accountId";

/// Who is answered.
enum Who {
    /// Every key, and people who may read accounts.
    Read,
    /// Keys of sources and administrators.
    Ingest,
    /// Keys of administrators.
    Admin,
    /// Keys of administrators that are bound to no account.
    House,
    /// As said, column by column.
    Said([&'static str; 8]),
}

use Who::{Admin, House, Ingest, Read, Said};

struct Rule {
    method: &'static str,
    /// Below `/lampfield/v1`.
    path: &'static str,
    body: &'static str,
    good: u16,
    who: Who,
}

const COLUMNS: [&str; 11] = [
    "request",
    "read key",
    "ingest key",
    "admin key",
    "admin key of the account",
    "admin key of another",
    "person",
    "person, scope missing",
    "person, permission missing",
    "administrator",
    "no good token",
];

/// What makes sense for administrators of any account.
const fn anywhere(good: &'static str) -> Who {
    Said([NO_ROLE, NO_ROLE, good, good, good, NO_ROLE, NO_ROLE, NO_ROLE])
}

/// What belongs to an account without naming it.
const fn of_account(good: &'static str, nowhere: &'static str) -> Who {
    Said([NO_ROLE, NO_ROLE, good, good, nowhere, NO_ROLE, NO_ROLE, NO_ROLE])
}

/// What belongs to the person and application that made it.
const fn of_maker(good: &'static str) -> Who {
    const NONE: &str = "404 CMN-102 subscriptionId";
    Said([NO_ROLE, NO_ROLE, good, good, NONE, good, NONE, NONE])
}

const fn rule(
    method: &'static str,
    path: &'static str,
    body: &'static str,
    good: u16,
    who: Who,
) -> Rule {
    Rule { method, path, body, good, who }
}

/// People read and set of themselves what the contract lets them; Ben looks at Anna here.
const LISTS: Who = Said([
    "200",
    "200",
    "200",
    "200",
    NOWHERE,
    "200",
    "403 CMN-401 ReadAccounts",
    "403 CMN-408 ReadAccounts",
]);
const CHOICES: Who = Said([
    NO_ROLE,
    NO_ROLE,
    "200",
    "200",
    NOWHERE,
    "200",
    "403 CMN-401 EditPresence",
    "403 CMN-404",
]);
const RECEIVERS: Who = Said([NO_ROLE, NO_ROLE, "200", "200", "200", "200", "200", "200"]);

const RULES: &[Rule] = &[
    rule("GET", "/accounts/{a}/snapshot", "", 200, Read),
    rule("GET", "/accounts/{a}/stream", "", 200, Read),
    rule("GET", "/accounts/{a}/sources", "", 200, Read),
    rule("GET", "/accounts/{a}/extensions", "", 200, Read),
    rule("GET", "/accounts/{a}/extensions/1001", "", 200, Read),
    rule("GET", "/accounts/{a}/extensions/1001/why", "", 200, Read),
    rule(
        "PUT",
        "/accounts/{a}/sources/pbx/extensions/1001/calls/1",
        r#"{"telephonyStatus":"Ringing","direction":"Inbound"}"#,
        200,
        Ingest,
    ),
    rule("DELETE", "/accounts/{a}/sources/pbx/extensions/1001/calls/1", "", 200, Ingest),
    rule("PUT", "/accounts/{a}/sources/pbx/picture", r#"{"extensions":[]}"#, 200, Ingest),
    rule("POST", "/accounts/{a}/sources/pbx/batch", "", 200, Ingest),
    rule("POST", "/accounts/{a}/sources/pbx/lost", "", 200, Ingest),
    rule("GET", "/accounts", "", 200, anywhere("200")),
    rule("POST", "/accounts", r#"{"name":"New","mainNumber":"{n}"}"#, 201, House),
    rule("GET", "/accounts/{a}", "", 200, Admin),
    rule("POST", "/accounts/{a}/extensions", r#"{"number":"{n}","name":"New"}"#, 201, Admin),
    rule("POST", "/accounts/{a}/extensions/import", "number,name\n", 200, Admin),
    rule("GET", "/accounts/{a}/extensions/export", "", 200, Admin),
    rule("PUT", "/accounts/{a}/extensions/1900", "{}", 200, Admin),
    rule("DELETE", "/accounts/{a}/extensions/1900", "", 204, Admin),
    rule("PUT", "/accounts/{a}/extensions/1001/presence", "{}", 200, CHOICES),
    rule("GET", "/accounts/{a}/extensions/1001/lists", "", 200, LISTS),
    rule("PUT", "/accounts/{a}/extensions/1001/lists", "{}", 200, Admin),
    rule("GET", "/accounts/{a}/credentials", "", 200, Admin),
    rule("POST", "/accounts/{a}/credentials/jwt", r#"{"extension":"1900"}"#, 201, Admin),
    rule(
        "POST",
        "/accounts/{a}/credentials/password",
        r#"{"extension":"1900","password":"long enough a word"}"#,
        201,
        Admin,
    ),
    rule("DELETE", "/accounts/{a}/credentials/{credential}", "", 204, Admin),
    rule("GET", "/accounts/{a}/audit", "", 200, Admin),
    rule("GET", "/audit", "", 200, House),
    rule("GET", "/apps", "", 200, anywhere("200")),
    rule("POST", "/apps", r#"{"name":"New","scopes":["ReadPresence"]}"#, 201, anywhere("201")),
    rule("PUT", "/apps/victim", "{}", 200, of_account("200", "404 CMN-102 appId")),
    rule("DELETE", "/apps/victim", "", 204, of_account("204", "404 CMN-102 appId")),
    rule("GET", "/keys", "", 200, anywhere("200")),
    rule("POST", "/keys", r#"{"name":"New","role":"read"}"#, 201, anywhere("201")),
    rule("DELETE", "/keys/{key}", "", 204, of_account("204", "404 CMN-102 keyId")),
    rule("GET", "/subscriptions", "", 200, RECEIVERS),
    rule("GET", "/subscriptions/{s}/health", "", 200, of_maker("200")),
    rule("POST", "/subscriptions/{s}/signing-secret", "", 200, of_maker("200")),
    rule("DELETE", "/subscriptions/{s}/signing-secret", "", 204, of_maker("204")),
];

/// Returns every request of the table, with stars for what names one of many.
pub(crate) fn requests() -> Vec<String> {
    let one = |rule: &Rule| format!("{} {}", rule.method, shape(&whole(rule)));
    RULES.iter().map(one).collect()
}

fn whole(rule: &Rule) -> String {
    let named = rule.path.replace("/victim", "/{app}").replace("/pbx", "/{source}");
    format!("/lampfield/v1{}", named.replace("/calls/", "/{list}/"))
}

impl Rule {
    /// What a person is answered who may administer presence, not the house.
    fn administrator(&self) -> String {
        let sets = ["/presence", "/lists"].iter().any(|end| self.path.ends_with(end));
        let is_maker = self.path.contains("{s}");
        match self.who {
            _ if sets => self.good.to_string(),
            _ if is_maker => "404 CMN-102 subscriptionId".to_owned(),
            _ if self.path == "/subscriptions" => self.good.to_string(),
            Read => self.good.to_string(),
            _ => NO_ROLE.to_owned(),
        }
    }

    fn expected(&self) -> Vec<String> {
        let good = self.good.to_string();
        let good = good.as_str();
        let place = if self.path.contains("{a}") { NOWHERE } else { good };
        let cells = match &self.who {
            Read => {
                let (scope, permission) = ("403 CMN-401 ReadAccounts", "403 CMN-408 ReadAccounts");
                [good, good, good, good, place, good, scope, permission]
            }
            Ingest => [NO_ROLE, good, good, good, place, NO_ROLE, NO_ROLE, NO_ROLE],
            Admin => [NO_ROLE, NO_ROLE, good, good, place, NO_ROLE, NO_ROLE, NO_ROLE],
            House => [NO_ROLE, NO_ROLE, good, NO_ROLE, NO_ROLE, NO_ROLE, NO_ROLE, NO_ROLE],
            Said(cells) => *cells,
        };
        let name = format!("{} {}", self.method, self.path);
        let rest = [self.administrator(), "401".to_owned()];
        [name].into_iter().chain(cells.map(str::to_owned)).chain(rest).collect()
    }
}

struct Desk {
    server: Server,
    asked: u32,
}

impl Desk {
    async fn ask(&mut self, rule: &Rule, token: &str) -> Reply {
        self.restore().await;
        self.asked += 1;
        let path = rule
            .path
            .replace("{a}", &A.to_string())
            .replace("{credential}", &Uuid::from_u128(991).to_string())
            .replace("{key}", &Uuid::from_u128(990).to_string())
            .replace("{s}", &Uuid::from_u128(7).to_string());
        let body = rule.body.replace("{n}", &(50_000 + self.asked).to_string());
        let mut request = Request::builder()
            .method(rule.method)
            .uri(format!("/lampfield/v1{path}"))
            .header("host", &self.server.address)
            .header("content-type", "application/json");
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Body::from(body)).unwrap();
        if !rule.path.ends_with("/stream") {
            return self.server.send(request).await;
        }
        // A stream never ends: its head is the answer.
        let (parts, body) = self.server.ask(request).await.into_parts();
        let bytes = if parts.status == 200 {
            Vec::new()
        } else {
            http_body_util::BodyExt::collect(body).await.unwrap().to_bytes().to_vec()
        };
        Reply { status: parts.status.as_u16(), headers: parts.headers, bytes }
    }

    /// Puts back what a request may have removed.
    async fn restore(&self) {
        let house = &self.server.house;
        let (now, account) = (house.state.now(), AccountId::new(A).ok());
        let lifetime = std::time::Duration::from_secs(3600);
        let victim = App { account, ..app("victim", Scopes::READ_PRESENCE) };
        let key_of = |number, name: &str, account| ApiKey {
            id: Uuid::from_u128(number),
            name: name.into(),
            hash: hash_secret(name),
            account,
            role: Role::Admin,
            created_at: now,
        };
        let subscription = Subscription {
            id: SubscriptionId(Uuid::from_u128(7)),
            account: key(ANNA).account,
            owner: key(ANNA).extension,
            app: AppId::new("app").unwrap(),
            session: SessionId(Uuid::nil()),
            filters: vec![EventFilter::Extension(key(BEN).extension, Detail::Plain)],
            disabled: Vec::new(),
            transport: Transport::webhook("http://127.0.0.1:9/", None),
            created_at: now,
            lifetime,
            expires_at: now.after(lifetime),
            status: SubscriptionStatus::Active,
            from: house.state.journal.head(key(ANNA).account).position,
        };
        for change in [
            DirectoryChange::PutExtension(extension(VICTIM, ExtensionType::User)),
            DirectoryChange::PutApp(victim),
            DirectoryChange::PutKey(key_of(990, "key-victim", account)),
            DirectoryChange::PutKey(key_of(989, ELSEWHERE, AccountId::new(B).ok())),
            DirectoryChange::PutCredential(Credential {
                id: Uuid::from_u128(991),
                ..jwt_of(VICTIM)
            }),
            DirectoryChange::PutSubscription(subscription),
        ] {
            house.apply(change).await;
        }
    }
}

#[tokio::test]
async fn every_own_request_is_answered_to_those_who_may_and_refused_to_everybody_else() {
    let server = Server::new().await;
    give_keys(&server.house).await;
    let bad = Bad::new(&server.house).await;
    let anna = server.house.log_in(ANNA).await;
    let (_, poor) = without_scope(&server.house, Scopes::READ_ACCOUNTS).await;
    let (_, reader) = without_scope(&server.house, Scopes::EDIT_PRESENCE).await;
    let (ben, cleo) = (server.house.log_in(BEN).await, server.house.log_in(CLEO).await);
    take_from_ben(&server.house, Permissions::READ_ACCOUNTS).await;
    let mut desk = Desk { server, asked: 0 };
    let mut table = Table::new(&COLUMNS);
    let mut wrong = Vec::new();
    for rule in RULES {
        let writes = rule.method != "GET";
        let without = if writes && rule.path.contains("/1001/") { &reader } else { &poor };
        let people = [anna.as_str(), without, &ben, &cleo];
        let tokens = [READ, INGEST, ADMIN, BOUND, ELSEWHERE].into_iter().chain(people);
        let mut found = vec![format!("{} {}", rule.method, rule.path)];
        for token in tokens {
            found.push(verdict(&desk.ask(rule, token).await));
        }
        let mut refusals = Vec::new();
        for (token, code) in bad.each() {
            refusals.push((verdict(&desk.ask(rule, token).await), code));
        }
        found.push(refused(&refusals));
        let expected = rule.expected();
        let differ = found.iter().zip(&expected).zip(COLUMNS).filter(|((one, two), _)| one != two);
        wrong.extend(differ.map(|((found, expected), column)| {
            format!("{} {}, {column}: {found}, not {expected}", rule.method, rule.path)
        }));
        table.row(found);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    insta::assert_snapshot!("own_requests", table.text());
}
