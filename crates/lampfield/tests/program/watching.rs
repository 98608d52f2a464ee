//! `tail`, `why`, `set`, `listen` and `simulate`.

use std::net::SocketAddr;

use serde_json::Value;

use crate::run::{Running, Server, folder, program, wait_for};
use crate::talk::{ask, get, send, token_of};

fn tail(server: &Server, folder: &std::path::Path, arguments: &[&str]) -> Running {
    let mut command = program(folder);
    command.envs(&server.settings).arg("tail").args(arguments);
    Running::start(command)
}

#[test]
fn tail_begins_with_a_picture_and_shows_each_change_in_a_line() {
    let (_keep, folder) = folder();
    let server = Server::demo(&folder, &["--calls", "off"]);
    let tail = tail(&server, &folder, &[]);
    tail.line("the picture", |line| line.contains("  140 ") && line.contains("Available"));
    tail.line("all of it", |line| line.contains("  703 "));
    server.command(&folder, &["set", "101", "--status", "Busy", "--message", "Writing"]).good();
    let line = tail.line("the change", |line| line.contains("userStatus=Busy"));
    assert!(line.contains("  101 ") && line.contains("presenceStatus=Busy"), "{line}");
    assert!(line.contains("message=\"Writing\""), "{line}");
}

#[test]
fn tail_as_json_is_the_contracts_event_and_nothing_else() {
    let (_keep, folder) = folder();
    let server = Server::demo(&folder, &["--calls", "off"]);
    let tail = tail(&server, &folder, &["--json"]);
    // The stream is open when a change comes through it; until then changes may be too early.
    let line = wait_for("an event", || {
        server.command(&folder, &["set", "101", "--status", "Busy"]).good();
        server.command(&folder, &["set", "101", "--status", "Available"]).good();
        Some(tail.line("an event", |line| line.starts_with('{')))
    });
    let event: Value = serde_json::from_str(&line).unwrap();
    let members: Vec<&str> = event.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["uuid", "event", "timestamp", "subscriptionId", "ownerId", "body"]);
    assert_eq!(event["body"].as_object().unwrap().len(), 10, "{event}");
    assert_eq!(event["event"], "/restapi/v1.0/account/~/extension/6610372004/presence");
}

#[test]
fn log_lines_name_the_event_and_no_caller() {
    let (_keep, folder) = folder();
    let mut command = program(&folder);
    command.args(["demo", "--listen", "127.0.0.1:0", "--calls", "off", "--set", "log.format=json"]);
    command.args(["--set", "log.level=trace", "--env-file", "demo.env"]);
    let demo = Running::start(command);
    let env =
        wait_for("the environment file", || std::fs::read_to_string(folder.join("demo.env")).ok());
    let value = |name: &str| {
        let line = env.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.strip_prefix('=').unwrap().to_owned()
    };
    let url = value("RC_SERVER_URL");
    let address: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
    let path = format!(
        "/lampfield/v1/accounts/{}/sources/pbx/extensions/n:101/calls/1",
        value("LAMPFIELD_ACCOUNT_ID")
    );
    let call = serde_json::json!({
        "telephonyStatus": "Ringing", "direction": "Inbound", "from": "+12055550177",
    });
    let answer = send(address, "PUT", &path, &value("LAMPFIELD_ADMIN_TOKEN"), &call);
    assert_eq!(answer.status, 200, "{answer:?}");
    let line = demo.line("the event", |line| line.contains("presence changed"));
    let event: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(event["event.sequence"], 1, "{line}");
    assert_eq!(event["extension.id"], "6610372004");
    assert_eq!(event["event.changes"], "telephonyStatus,activeCalls,callerDetails");
    assert!(!line.contains("5550177"), "{line}");
}

#[test]
fn tail_comes_back_after_a_restart_and_misses_nothing() {
    let (_keep, folder) = folder();
    let data = ["--calls", "off", "--data", "store"];
    let first = Server::demo(&folder, &data);
    let address = first.address;
    let tail = tail(&first, &folder, &[]);
    tail.line("the picture", |line| line.contains("  703 "));
    first.command(&folder, &["set", "101", "--status", "Busy"]).good();
    tail.line("the change before", |line| line.contains("userStatus=Busy"));
    first.kill();

    // While it is away: a change straight in the data directory.
    let account = ["--account", "37439510", "--data", "store"];
    let mut arguments = vec!["set", "101", "--status", "Offline"];
    arguments.extend(account);
    crate::run::run(&folder, arguments).good();
    let address_text = address.to_string();
    let mut again = program(&folder);
    again.args(["demo", "--listen", &address_text]).args(data);
    let _again = Running::start(again);
    tail.line("the change meanwhile", |line| line.contains("userStatus=Offline"));
}

#[test]
fn a_timed_choice_is_explained_with_its_end_and_the_past_is_remembered() {
    let (_keep, folder) = folder();
    let server = Server::demo(&folder, &["--calls", "off"]);
    let set = ["set", "101", "--dnd", "DoNotAcceptAnyCalls", "--for", "30m"];
    assert!(server.command(&folder, &set).good().starts_with("Busy"));
    let why = server.command(&folder, &["why", "101", "--json"]).good();
    let why: Value = serde_json::from_str(&why).unwrap();
    assert_eq!(why["rule"]["name"], "do-not-disturb");
    assert!(why["until"].is_string(), "{why}");
    let sequence = why["sequence"].to_string();
    server.command(&folder, &["set", "101", "--status", "Offline"]).good();
    let now = server.command(&folder, &["why", "101"]).good();
    assert!(now.contains("is Offline: the person chose to be invisible"), "{now}");
    let then = server.command(&folder, &["why", "101", "--sequence", &sequence]).good();
    assert!(then.contains("is Busy: do not disturb is on for all calls"), "{then}");
    assert!(then.contains("→ manual dndStatus says dnd DoNotAcceptAnyCalls"), "{then}");
}

#[test]
fn listen_shakes_hands_and_prints_deliveries() {
    let (_keep, folder) = folder();
    let server = Server::demo(&folder, &["--calls", "off"]);
    let mut command = program(&folder);
    command.args(["listen", "--listen", "127.0.0.1:0", "--verification-token", "s3cret"]);
    let receiver = Running::start(command);
    let line = receiver.line("its address", |line| line.contains("receiving webhooks at"));
    let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();

    let token = token_of(&server, "RC_JWT");
    let wanted = serde_json::json!({
        "eventFilters": ["/restapi/v1.0/account/~/extension/~/presence"],
        "deliveryMode": {
            "transportType": "WebHook",
            "address": format!("http://{address}/"),
            "verificationToken": "s3cret",
        },
    });
    let made = send(server.address, "POST", "/restapi/v1.0/subscription", &token, &wanted);
    assert_eq!(made.status, 200, "{}", String::from_utf8_lossy(&made.body));
    receiver.line("the handshake", |line| line == "handshake answered");
    server.command(&folder, &["set", "101", "--status", "Busy"]).good();
    let event = receiver.line("the event", |line| line.contains("extension 6610372004"));
    assert!(event.contains("Busy, NoCall, user Busy"), "{event}");

    let forged: SocketAddr = address.parse().unwrap();
    assert_eq!(ask(forged, "POST", "/", &[], "{}").status, 401);
    receiver.line("the refusal", |line| line.contains("without the right Verification-Token"));
}

#[test]
fn simulated_people_use_a_server_and_leave_everybody_idle() {
    let (_keep, folder) = folder();
    let server = Server::demo(&folder, &["--calls", "off"]);
    let arguments =
        ["simulate", "--seed", "4", "--rate", "40", "--for", "3s", "--leave-alone", "101"];
    let said = server.command(&folder, &arguments).good();
    assert!(said.contains(" acts in ") && !said.contains("refused"), "{said}");
    let key = server.setting("LAMPFIELD_KEY");
    let account = server.setting("LAMPFIELD_ACCOUNT_ID");
    let path = format!("/lampfield/v1/accounts/{account}/snapshot");
    let snapshot = get(server.address, &path, key).json();
    assert!(snapshot["sequence"].as_u64().unwrap() > 40, "{}", snapshot["sequence"]);
    for record in snapshot["records"].as_array().unwrap() {
        assert_eq!(record["presence"]["telephonyStatus"], "NoCall", "{record}");
        assert_eq!(record["presence"]["meetingStatus"], "Disconnected", "{record}");
    }
    let you = format!("/lampfield/v1/accounts/{account}/extensions/n:101/why");
    let you = get(server.address, &you, key).json();
    assert_eq!(you["claims"], serde_json::json!([]), "left alone");
}
