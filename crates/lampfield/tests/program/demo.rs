//! `lampfield demo`.

use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use serde_json::json;

use crate::run::{Server, folder, program, run, wait_for};
use crate::talk::{ask, get, log_in, send, token_of};

const ACCOUNT: &str = "/restapi/v1.0/account/~/presence";
const OWN: &str = "/restapi/v1.0/account/~/extension/~/presence";

#[test]
fn the_environment_file_is_complete_private_and_every_log_in_works() {
    let (_keep, folder) = folder();
    let server = Server::demo(&folder, &["--calls", "off"]);
    let file = std::fs::metadata(folder.join("demo.env")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);

    let you = token_of(&server, "RC_JWT");
    let presence = get(server.address, OWN, &you).json();
    assert_eq!(presence["extension"]["extensionNumber"], server.setting("LAMPFIELD_EXTENSION"));
    let by_password = log_in(
        &server,
        &[
            ("grant_type", "password"),
            ("username", server.setting("LAMPFIELD_USERNAME")),
            ("extension", server.setting("LAMPFIELD_EXTENSION")),
            ("password", server.setting("LAMPFIELD_PASSWORD")),
        ],
    );
    assert_eq!(by_password.status, 200, "{by_password:?}");
    let by_jwt = get(server.address, OWN, &you).json();
    let same = get(server.address, OWN, by_password.json()["access_token"].as_str().unwrap());
    assert_eq!(same.json()["extension"]["id"], by_jwt["extension"]["id"]);

    let other = token_of(&server, "LAMPFIELD_OTHER_JWT");
    let other = get(server.address, OWN, &other).json();
    assert_eq!(other["extension"]["extensionNumber"], "102");

    let stranger = token_of(&server, "LAMPFIELD_STRANGER_JWT");
    let account = server.setting("LAMPFIELD_ACCOUNT_ID");
    let path = format!("/restapi/v1.0/account/{account}/presence");
    assert_eq!(get(server.address, &path, &stranger).status, 404);
    assert_eq!(get(server.address, &path, &you).status, 200);

    let admin = server.setting("LAMPFIELD_ADMIN_TOKEN");
    assert_eq!(get(server.address, "/lampfield/v1/accounts", admin).status, 200);
    assert_eq!(server.setting("LAMPFIELD_SERVER"), server.setting("RC_SERVER_URL"));
    assert_eq!(server.setting("LAMPFIELD_KEY"), admin);
}

#[test]
fn forty_people_are_there_and_one_may_change_ones_own_presence() {
    let (_keep, folder) = folder();
    let server = Server::demo(&folder, &["--calls", "off"]);
    let you = token_of(&server, "RC_JWT");
    let all = get(server.address, &format!("{ACCOUNT}?perPage=1000"), &you).json();
    assert!(all["records"].as_array().unwrap().len() >= 40, "{all}");

    let changed = send(server.address, "PUT", OWN, &you, &json!({ "userStatus": "Busy" }));
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(changed.json()["presenceStatus"], "Busy");
    assert_eq!(get(server.address, OWN, &you).json()["userStatus"], "Busy");
}

#[test]
fn without_calls_nothing_changes_by_itself() {
    let (_keep, folder) = folder();
    let server = Server::demo(&folder, &["--calls", "off"]);
    let figures = ask(server.address, "GET", "/metrics", &[], "");
    let text = String::from_utf8(figures.body).unwrap();
    assert!(text.contains("lampfield_engine_changes_total 0\n"), "{text}");
}

#[test]
fn with_calls_the_office_is_in_full_swing_at_once_and_goes_on() {
    let (_keep, folder) = folder();
    let server = Server::demo(&folder, &["--seed", "5"]);
    let you = token_of(&server, "RC_JWT");
    let busy = || {
        let all = get(server.address, &format!("{ACCOUNT}?perPage=1000"), &you).json();
        let records = all["records"].as_array().unwrap().clone();
        records.iter().filter(|one| one["presenceStatus"] == "Busy").count()
    };
    assert!(busy() >= 5, "{} are busy", busy());
    let changes = || {
        let figures = ask(server.address, "GET", "/metrics", &[], "");
        let text = String::from_utf8(figures.body).unwrap();
        let line = text.lines().find(|line| line.starts_with("lampfield_engine_changes_total"));
        line.unwrap().rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    let before = changes();
    wait_for("three more changes", || (changes() >= before + 3).then_some(()));
    let me = get(server.address, OWN, &you).json();
    assert_eq!(
        (&me["presenceStatus"], &me["telephonyStatus"]),
        (&json!("Available"), &json!("NoCall"))
    );
}

#[test]
fn with_data_everything_outlives_a_kill() {
    let (_keep, folder) = folder();
    let arguments = ["--calls", "off", "--data", "store"];
    let first = Server::demo(&folder, &arguments);
    let token = token_of(&first, "RC_JWT");
    let busy = json!({ "userStatus": "Busy", "message": "back soon" });
    assert_eq!(send(first.address, "PUT", OWN, &token, &busy).status, 200);
    let settings = first.settings.clone();
    first.kill();

    let second = Server::demo(&folder, &arguments);
    for (name, value) in &settings {
        if !["RC_SERVER_URL", "LAMPFIELD_SERVER"].contains(&name.as_str()) {
            assert_eq!(second.setting(name), value, "{name}");
        }
    }
    let presence = get(second.address, OWN, &token).json();
    assert_eq!(presence["userStatus"], "Busy", "the old token is good, the presence is there");
    assert_eq!(presence["message"], "back soon");
    token_of(&second, "RC_JWT");
}

#[test]
fn it_stops_when_asked_while_somebody_watches() {
    let (_keep, folder) = folder();
    let server = Server::demo(&folder, &[]);
    let address = server.address;
    let key = server.setting("LAMPFIELD_KEY").to_owned();
    let path = format!("/lampfield/v1/accounts/{}/stream", server.setting("LAMPFIELD_ACCOUNT_ID"));
    let watcher = std::thread::spawn(move || get(address, &path, &key));
    wait_for("an open stream", || {
        let figures = ask(address, "GET", "/readyz", &[], "");
        (figures.status == 200 && !watcher.is_finished()).then_some(())
    });
    let begun = Instant::now();
    assert_eq!(server.terminate().code(), Some(0));
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    watcher.join().unwrap();
}

#[test]
fn a_taken_address_is_said_with_what_to_do() {
    let (_keep, folder) = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let complained = run(&folder, ["demo", "--listen", &address]).bad(74);
    assert!(complained.contains(&format!("cannot listen on {address}")), "{complained}");
    assert!(complained.contains("--listen"), "{complained}");
}

#[test]
fn a_data_directory_of_others_is_not_touched() {
    let (_keep, folder) = folder();
    run(&folder, ["init", "--account-name", "Real Ltd", "--main-number", "+12055550999"]).good();
    let complained = run(&folder, ["demo", "--listen", "127.0.0.1:0", "--data", "lampfield-data"]);
    let complained = complained.bad(1);
    assert!(complained.contains("holds accounts that are not the demo's"), "{complained}");
    let accounts = run(&folder, ["account", "list"]).good();
    assert!(accounts.contains("Real Ltd") && !accounts.contains("Demo"), "{accounts}");
}

#[test]
fn the_front_page_is_strict_and_says_where_the_doors_are() {
    let (_keep, folder) = folder();
    let server = Server::demo(&folder, &["--calls", "off"]);
    let page = ask(server.address, "GET", "/", &[], "");
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
    let text = String::from_utf8(page.body).unwrap();
    assert!(text.contains("/restapi/oauth/token") && text.contains("/stream"), "{text}");
    for asset in ["/front.js", "/front.css"] {
        assert!(text.contains(asset));
        assert_eq!(ask(server.address, "GET", asset, &[], "").status, 200);
    }
    let script = ask(server.address, "GET", "/front.js", &[], "").body;
    assert!(!String::from_utf8(script).unwrap().contains("innerHTML"));
    assert_eq!(ask(server.address, "GET", "/healthz", &[], "").json()["status"], "ok");
    assert_eq!(ask(server.address, "GET", "/readyz", &[], "").json()["status"], "ready");
}

#[test]
fn the_greeting_names_three_commands_that_work() {
    let (_keep, folder) = folder();
    let mut command = program(&folder);
    command.args(["demo", "--listen", "127.0.0.1:0", "--calls", "off"]);
    let demo = crate::run::Running::start(command);
    let export =
        demo.line("the settings", |line| line.trim().starts_with("export LAMPFIELD_SERVER"));
    let settings: Vec<(&str, &str)> =
        export.trim().split(' ').skip(1).map(|pair| pair.split_once('=').unwrap()).collect();
    for wanted in ["set 101", "why 101"] {
        let line =
            demo.line(wanted, |line| line.trim().starts_with(&format!("lampfield {wanted}")));
        let words: Vec<String> = line
            .trim()
            .replace("\"Trying Lampfield\"", "Trying")
            .split(' ')
            .skip(1)
            .map(ToOwned::to_owned)
            .collect();
        let output = program(&folder).envs(settings.iter().copied()).args(&words).output().unwrap();
        let said = crate::run::outcome(output).good();
        assert!(said.contains("Busy"), "{line}: {said}");
    }
}
