//! Who sees how much of somebody with a call, in every way of looking (contract 1.9).

use lampfield_api::{ApiConfig, RateConfig, ServerLimits};
use lampfield_core::TelephonyStatus;

use crate::house::{ANNA, BEN, CLEO, House, STRANGER, presence_of};
use crate::keys::{READ as KEY, give_keys};
use crate::server::Server;
use crate::table::Table;
use crate::watcher::{CALLER, DORA, READ, TOLD, Watcher, open_stream, own_ways, people, told_on};

/// What somebody lets others see.
const SETTINGS: [&str; 4] = [
    r#"{"callerIdVisibility":"All"}"#,
    r#"{"callerIdVisibility":"PermittedUsers"}"#,
    r#"{"callerIdVisibility":"None"}"#,
    r#"{"allowSeeMyPresence":false}"#,
];

/// How much there is to see.
#[derive(Clone, Copy)]
enum Sight {
    Full,
    NoCallers,
    Hidden,
    /// There is no such person.
    Nobody,
}

use Sight::{Full, Hidden, NoCallers, Nobody};

impl Sight {
    /// Returns what each way shows, in the order of the columns.
    fn ways(self) -> [&'static str; 9] {
        match self {
            Full => ["full"; 9],
            NoCallers => ["no callers"; 9],
            Hidden => [
                "nothing", "nothing", "nothing", "nothing", "hidden", "hidden", "hidden", "hidden",
                "403",
            ],
            Nobody => [
                "nothing",
                "nothing",
                "nothing",
                "nothing",
                "404",
                "not there",
                "404",
                "not there",
                "404",
            ],
        }
    }
}

/// Everybody who looks, with what they see under each of the settings.
const VIEWERS: [(&str, u64, bool, [Sight; 4]); 6] = [
    ("oneself", ANNA, false, [Full, Full, Full, Full]),
    ("on the list", BEN, false, [Full, Full, NoCallers, Hidden]),
    ("colleague", DORA, false, [Full, NoCallers, NoCallers, Hidden]),
    ("administrator", CLEO, false, [Full, NoCallers, NoCallers, Hidden]),
    ("administrator who sees all", CLEO, true, [Full, Full, Full, Full]),
    ("other account", STRANGER, false, [Nobody, Nobody, Nobody, Nobody]),
];

pub(crate) async fn open(administrators_see_all: bool) -> Server {
    let config = ApiConfig {
        rates: RateConfig::off(),
        login_failures_max: 0,
        administrators_see_all,
        ..ApiConfig::default()
    };
    let server = Server::of(House::with(config).await, ServerLimits::default()).await;
    people(&server.house).await;
    give_keys(&server.house).await;
    let anna = server.house.log_in(ANNA).await;
    let list = format!(r#"{{"extensions":[{{"id":"{BEN}"}}]}}"#);
    let path = format!("{}/permission", presence_of(ANNA));
    server.call(&anna, "PUT", &path, &list).await.expect(200);
    server
}

/// Returns the row of one viewer under one setting.
async fn look(user: u64, administrators_see_all: bool, setting: &str) -> Vec<String> {
    let server = open(administrators_see_all).await;
    let anna = server.house.log_in(ANNA).await;
    server.call(&anna, "PUT", &presence_of(ANNA), setting).await.expect(200);
    server.house.report_call(ANNA, CALLER, TelephonyStatus::Ringing).await;
    let mut watcher = Watcher::new(&server, user).await;
    let away = watcher.leave(&server).await;
    server.house.report_call(ANNA, CALLER, TelephonyStatus::CallConnected).await;
    let mut row = watcher.told(&server).await;
    row.push(away.back(&server).await);
    row.extend(watcher.read(&server).await);
    row
}

/// The row of a key that may read: what it has no way for is left out.
async fn operator(setting: &str) -> Vec<String> {
    let server = open(false).await;
    let anna = server.house.log_in(ANNA).await;
    server.call(&anna, "PUT", &presence_of(ANNA), setting).await.expect(200);
    server.house.report_call(ANNA, CALLER, TelephonyStatus::Ringing).await;
    let mut stream = open_stream(&server, KEY).await;
    server.house.report_call(ANNA, CALLER, TelephonyStatus::CallConnected).await;
    let told = told_on(&server, &mut stream).await;
    let [snapshot, why] = own_ways(&server, KEY).await;
    let none = || "-".to_owned();
    vec![none(), none(), told, none(), none(), none(), none(), snapshot, why]
}

#[tokio::test]
async fn everybody_sees_what_the_settings_let_them_in_every_way_of_looking() {
    let columns: Vec<_> =
        ["viewer"].into_iter().chain(TOLD).chain(["socket, recovered"]).chain(READ).collect();
    let mut text = String::new();
    let mut wrong = Vec::new();
    for (at, setting) in SETTINGS.into_iter().enumerate() {
        let mut table = Table::new(&columns);
        for (name, user, sees_all, sights) in VIEWERS {
            let row = look(user, sees_all, setting).await;
            let expected = sights[at].ways();
            if row != expected {
                wrong.push(format!("{setting}, {name}: {row:?}, not {expected:?}"));
            }
            table.row([name.to_owned()].into_iter().chain(row).collect());
        }
        let row = operator(setting).await;
        if [&row[2], &row[7], &row[8]] != ["full"; 3] {
            wrong.push(format!("{setting}, operator: {row:?}"));
        }
        table.row(["operator (key)".to_owned()].into_iter().chain(row).collect());
        text += &[setting, "\n\n", &table.text(), "\n"].concat();
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    insta::assert_snapshot!("sight", text);
}
