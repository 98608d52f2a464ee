//! `subscriptions …`: who is told, how their receivers are doing, and with what they are signed.

use serde_json::{Value, json};

use crate::run::{Running, Server, folder, program, run, wait_for};
use crate::talk::{send, token_of};

#[test]
fn subscriptions_are_listed_looked_into_and_signed() {
    let (_keep, folder) = folder();
    let server = Server::demo(&folder, &["--calls", "off"]);
    assert_eq!(server.command(&folder, &["subscriptions", "list"]).good(), "none\n");
    let mut command = program(&folder);
    command.args(["listen", "--listen", "127.0.0.1:0"]);
    let receiver = Running::start(command);
    let line = receiver.line("its address", |line| line.contains("receiving webhooks at"));
    let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let wanted = json!({
        "eventFilters": ["/restapi/v1.0/account/~/extension/~/presence"],
        "deliveryMode": {
            "transportType": "WebHook",
            "address": format!("http://{address}/?token=hush"),
            "format": "CloudEvents",
        },
    });
    let token = token_of(&server, "RC_JWT");
    let made = send(server.address, "POST", "/restapi/v1.0/subscription", &token, &wanted);
    assert_eq!(made.status, 200, "{}", String::from_utf8_lossy(&made.body));
    let id = made.json()["id"].as_str().unwrap().to_owned();
    server.command(&folder, &["set", "101", "--status", "Busy"]).good();
    let event = receiver.line("a CloudEvent", |line| line.contains("extension 6610372004"));
    assert!(event.contains("Busy, NoCall, user Busy"), "{event}");

    let health = wait_for("its delivery is noted", || {
        let said = server.command(&folder, &["subscriptions", "health", &id]).good();
        said.lines().any(|line| line == "delivered        1").then_some(said)
    });
    assert!(health.contains("state            well\n"), "{health}");
    assert!(health.lines().any(|line| line.contains("  200 ")), "the last attempts: {health}");
    let listed = server.command(&folder, &["subscriptions", "list", "--state", "well"]).good();
    assert!(listed.contains(&id) && listed.contains(&format!("http://{address}")), "{listed}");
    assert!(!listed.contains("hush") && !health.contains("hush"), "{listed}{health}");
    let suspended = ["subscription", "list", "--state", "suspended", "--transport", "webhook"];
    assert_eq!(server.command(&folder, &suspended).good(), "none\n");

    server.command(&folder, &["subscriptions", "sign", &id]).good();
    let said = server.command(&folder, &["subscriptions", "sign", &id, "--overlap", "1h"]).good();
    assert!(said.contains("\nwhsec_") && said.contains("an older one signs until 2"), "{said}");
    let signed = server.command(&folder, &["--json", "subscriptions", "list"]).good();
    let signed: Value = serde_json::from_str(&signed).unwrap();
    assert_eq!((&signed[0]["signed"], &signed[0]["format"]), (&json!(true), &json!("CloudEvents")));
    server.command(&folder, &["subscriptions", "unsign", &id]).good();
    let health = server.command(&folder, &["subscriptions", "health", &id]).good();
    assert!(health.contains("signed           no\n"), "{health}");
}

#[test]
fn subscriptions_without_a_server_say_what_to_add() {
    let (_keep, folder) = folder();
    let complained = run(&folder, ["subscriptions", "list"]).bad(2);
    assert!(complained.contains("add --server URL --key KEY"), "{complained}");
}
