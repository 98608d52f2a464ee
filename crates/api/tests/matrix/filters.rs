//! Every filter for every kind of subscriber (contract 3.3, 6.4).

use lampfield_core::directory::{Permissions, Scopes};
use serde_json::{Value, json};

use crate::house::{ANNA, B, BEN, CLEO, House, Reply, STRANGER, presence_of};
use crate::receiver::Receiver;
use crate::server::Server;
use crate::table::Table;
use crate::tokens::{Bad, refused, take_from_ben, verdict, without_scope};

const PATH: &str = "/restapi/v1.0/subscription";
/// A filter that anybody may have.
const FREE: &str = "/restapi/v1.0/account/~/extension/~/message-store";

/// What the contract says of a filter.
struct Rule {
    number: &'static str,
    /// Below `/restapi/v1.0`.
    filter: &'static str,
    needs: Option<(Scopes, Permissions)>,
    /// Whether it is for oneself and administrators only.
    is_private: bool,
}

fn rules() -> Vec<Rule> {
    let accounts = (Scopes::READ_ACCOUNTS, Permissions::READ_ACCOUNTS);
    let presence = (Scopes::READ_PRESENCE, Permissions::READ_PRESENCE_STATUS);
    let settings = (Scopes::READ_PRESENCE, Permissions::READ_PRESENCE_SETTINGS);
    let contacts = (Scopes::READ_CONTACTS, Permissions::READ_PERSONAL_CONTACTS);
    let people = (Scopes::READ_ACCOUNTS, Permissions::READ_EXTENSIONS);
    let rule = |number, filter, needs, is_private| Rule { number, filter, needs, is_private };
    let open = |number, filter, needs| rule(number, filter, Some(needs), false);
    vec![
        open("F1", "/account/{a}/presence", accounts),
        open("F2", "/account/{a}/presence?detailedTelephonyState=true", accounts),
        open("F3", "/account/{a}/extension/{e}/presence", presence),
        open("F4", "/account/{a}/extension/{e}/presence?detailedTelephonyState=true", presence),
        open(
            "F5",
            "/account/{a}/extension/{e}/presence?detailedTelephonyState=true&sipData=true",
            presence,
        ),
        open("F6", "/account/{a}/extension/{e}/presence/line/presence", presence),
        open(
            "F6+",
            "/account/{a}/extension/{e}/presence/line/presence?detailedTelephonyState=true&sipData=true",
            presence,
        ),
        open("F7", "/account/{a}/extension/{e}/favorite/presence", presence),
        rule("F8", "/account/{a}/extension/{e}/presence/line", Some(settings), true),
        open("F9", "/account/{a}/extension/{e}/presence/dnd", accounts),
        open("F10", "/account/{a}/call-queues/1600/presence", presence),
        rule("F11", "/account/{a}/extension/{e}/favorite", Some(contacts), true),
        open("F12", "/account/{a}/extension/{e}", people),
        open("F12", "/account/{a}/extension", people),
        rule("F13", "/subscription/~?threshold=60&interval=15", None, false),
    ]
}

const COLUMNS: [&str; 13] = [
    "",
    "filter",
    "right",
    "scope missing",
    "and beside another",
    "permission missing",
    "other extension",
    "other, as administrator",
    "other, hidden",
    "other account",
    "extension of another account",
    "no good token",
    "over the socket",
];

fn expected(rule: &Rule) -> Vec<String> {
    let none = || "-".to_owned();
    let word = |scope: Scopes| scope.words().next().unwrap().to_owned();
    let is_of_one = rule.filter.contains("{e}");
    let about_one = |yes: &str| if is_of_one { yes.to_owned() } else { none() };
    let scope = |begin: &str| {
        rule.needs.map_or_else(none, |(scope, _)| format!("{begin} CMN-401 {}", word(scope)))
    };
    let permission = rule.needs.map_or_else(none, |(_, it)| {
        if rule.number == "F8" {
            return "403 SUB-412".to_owned();
        }
        format!("403 CMN-408 {}", it.words().next().unwrap())
    });
    // Whose presence the filter itself names is judged when it is made; members of lists as they come.
    let is_about_presence = matches!(rule.number, "F3" | "F4" | "F5" | "F9");
    let private = if rule.is_private { "403 CMN-404" } else { "200" };
    let hidden = if is_about_presence { "403 SUB-403" } else { private };
    let account = if rule.filter.contains("{a}") { "403 SUB-406".to_owned() } else { none() };
    vec![
        rule.number.to_owned(),
        rule.filter.to_owned(),
        "200".to_owned(),
        scope("403"),
        scope("200 without"),
        permission,
        about_one(private),
        about_one("200"),
        about_one(hidden),
        account,
        // Lists of others are nobody's business, whoever they may be.
        about_one(if rule.is_private { private } else { "403 SUB-408" }),
        "401".to_owned(),
        "200".to_owned(),
    ]
}

struct Desk {
    server: Server,
    receiver: Receiver,
}

impl Desk {
    async fn ask(&self, token: &str, filters: &[&str]) -> Reply {
        let reply = self.server.call(token, "POST", PATH, &self.receiver.body(filters)).await;
        if reply.status == 200 {
            let one = format!("{PATH}/{}", reply.json()["id"].as_str().unwrap());
            self.server.call(token, "DELETE", &one, "").await.expect(204);
        }
        reply
    }

    /// Asks for one filter about somebody; tells if it is silently not active.
    async fn one(&self, token: &str, rule: &Rule, account: &str, extension: &str) -> String {
        let filter = filter_of(rule, account, extension);
        let reply = self.ask(token, &[&filter]).await;
        if reply.status == 200 {
            let made = reply.json();
            assert_eq!(made["eventFilters"].as_array().unwrap().len(), 1, "{made}");
            assert!(made.get("disabledFilters").is_none(), "{made}");
        }
        verdict(&reply)
    }
}

fn filter_of(rule: &Rule, account: &str, extension: &str) -> String {
    format!("/restapi/v1.0{}", rule.filter.replace("{a}", account).replace("{e}", extension))
}

/// Returns what a subscription says of the one filter that it could not have.
fn disabled(made: &Value) -> String {
    let one = &made["disabledFilters"][0];
    let Some(message) = one["message"].as_str() else { return "200 with it".to_owned() };
    let name = message.split_once('[').and_then(|(_, rest)| rest.split_once(']')).unwrap().0;
    format!("200 without {} {name}", one["reason"].as_str().unwrap())
}

/// Has Ben hide or show himself.
async fn let_see(house: &House, token: &str, is_seen: bool) {
    let body = json!({ "allowSeeMyPresence": is_seen }).to_string();
    house.call(token, "PUT", &presence_of(BEN), &body).await.expect(200);
}

#[tokio::test]
async fn every_filter_is_given_to_those_who_may_and_refused_to_everybody_else_by_name() {
    let server = Server::new().await;
    let bad = Bad::new(&server.house).await;
    let desk = Desk { server, receiver: Receiver::new().await };
    let house = &desk.server.house;
    let (anna, ben, cleo) =
        (house.log_in(ANNA).await, house.log_in(BEN).await, house.log_in(CLEO).await);
    let mut client = desk.server.open_as(ANNA).await;
    let mut table = Table::new(&COLUMNS);
    let mut wrong = Vec::new();
    for rule in rules() {
        let other = BEN.to_string();
        let is_of_one = rule.filter.contains("{e}");
        let own = filter_of(&rule, "~", "~");
        let mut found = vec![rule.number.to_owned(), rule.filter.to_owned()];
        found.push(desk.one(&anna, &rule, "~", "~").await);
        if let Some((scope, permission)) = rule.needs {
            let (_, token) = without_scope(house, scope).await;
            found.push(desk.one(&token, &rule, "~", "~").await);
            let made = desk.ask(&token, &[&own, FREE]).await.expect(200).json();
            found.push(disabled(&made));
            take_from_ben(house, permission).await;
            found.push(desk.one(&ben, &rule, "~", "~").await);
            take_from_ben(house, Permissions::NONE).await;
        } else {
            found.extend(["-", "-", "-"].map(str::to_owned));
        }
        if is_of_one {
            found.push(desk.one(&anna, &rule, "~", &other).await);
            found.push(desk.one(&cleo, &rule, "~", &other).await);
            let_see(house, &ben, false).await;
            found.push(desk.one(&anna, &rule, "~", &other).await);
            let_see(house, &ben, true).await;
        } else {
            found.extend(["-", "-", "-"].map(str::to_owned));
        }
        found.push(if rule.filter.contains("{a}") {
            desk.one(&anna, &rule, &B.to_string(), &STRANGER.to_string()).await
        } else {
            "-".to_owned()
        });
        let foreign = STRANGER.to_string();
        found.push(if is_of_one {
            desk.one(&anna, &rule, "~", &foreign).await
        } else {
            "-".into()
        });
        let mut refusals = Vec::new();
        for (token, code) in &bad.each()[..3] {
            refusals.push((desk.one(token, &rule, "~", "~").await, *code));
        }
        found.push(refused(&refusals));
        let over = client.subscribe(&[&own]).await;
        assert_eq!(over[1]["eventFilters"].as_array().map(Vec::len), Some(1), "{over}");
        found.push(over[0]["status"].to_string());
        let expected = expected(&rule);
        let differ = found.iter().zip(&expected).zip(COLUMNS).filter(|((one, two), _)| one != two);
        wrong.extend(differ.map(|((found, expected), column)| {
            format!("{}, {column}: {found}, not {expected}", rule.number)
        }));
        table.row(found);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    insta::assert_snapshot!("filters", table.text());
}
