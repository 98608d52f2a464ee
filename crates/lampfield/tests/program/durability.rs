//! What was acknowledged is there after the worst end; backups bring it back.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::run::{Server, folder, program_on_a_broken_disk, run, wait_for};
use crate::talk::{get, send, try_ask};

/// Begins a house of `people` people and returns its key.
fn house(folder: &std::path::Path, people: usize) -> String {
    let arguments = ["init", "--account-name", "Harbour Ltd", "--main-number", "+12055550100"];
    let said = run(folder, arguments).good();
    let mut rows = String::from("number,name\n");
    for number in 0..people {
        let _ = writeln!(rows, "{},Person {number}", 100 + number);
    }
    std::fs::write(folder.join("people.csv"), rows).unwrap();
    run(folder, ["extension", "import", "people.csv"]).good();
    said.lines().skip_while(|line| !line.starts_with("admin key")).nth(1).unwrap().to_owned()
}

fn ring(server: std::net::SocketAddr, key: &str, number: usize, call: usize) -> Option<Value> {
    let path = format!("/lampfield/v1/accounts/~/sources/pbx/extensions/n:{number}/calls/{call}");
    let body = json!({ "telephonyStatus": "CallConnected", "direction": "Inbound" }).to_string();
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let answer = try_ask(server, "PUT", &path, &headers, &body)?;
    (answer.status == 200).then(|| answer.json())
}

#[test]
fn every_acknowledged_change_is_there_after_a_kill_and_the_sequence_goes_on() {
    let (_keep, folder) = folder();
    let writers = 4;
    let key = house(&folder, writers);
    let server = Server::serve(&folder, &[]);
    let (address, stop) = (server.address, Arc::new(AtomicBool::new(false)));
    let threads: Vec<_> = (0..writers)
        .map(|writer| {
            let (key, stop) = (key.clone(), Arc::clone(&stop));
            thread::spawn(move || {
                let mut acknowledged = Vec::new();
                // An extension takes 64 claims.
                for call in 0..60 {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let Some(answer) = ring(address, &key, 100 + writer, call) else { break };
                    acknowledged.push((call, answer["sequence"].as_u64().unwrap()));
                }
                acknowledged
            })
        })
        .collect();
    wait_for("some changes", || {
        let snapshot = get(address, "/lampfield/v1/accounts/~/snapshot", &key).json();
        (snapshot["sequence"].as_u64()? > 40).then_some(())
    });
    server.kill();
    stop.store(true, Ordering::Relaxed);
    let acknowledged: Vec<Vec<(usize, u64)>> =
        threads.into_iter().map(|thread| thread.join().unwrap()).collect();

    assert!(run(&folder, ["verify"]).good().contains("0 faults"));
    let again = Server::serve(&folder, &[]);
    let highest = acknowledged.iter().flatten().map(|(_, sequence)| *sequence).max().unwrap();
    for (writer, calls) in acknowledged.iter().enumerate() {
        let path = format!("/lampfield/v1/accounts/~/extensions/n:{}/why", 100 + writer);
        let why = get(again.address, &path, &key).json();
        let claims = why["claims"].as_array().unwrap();
        for (call, _) in calls {
            let id = call.to_string();
            assert!(claims.iter().any(|claim| claim["id"] == *id), "call {id} of {writer} is lost");
        }
    }
    let next = ring(again.address, &key, 100, 61).unwrap()["sequence"].as_u64().unwrap();
    assert!(next > highest, "{next} after {highest}");
}

#[test]
fn a_backup_of_a_running_server_is_restored_with_its_log_ins_and_a_jump() {
    let (_keep, folder) = folder();
    let data = ["--calls", "off", "--data", "store"];
    let server = Server::demo(&folder, &data);
    server.command(&folder, &["set", "101", "--status", "Busy"]).good();
    let backup = run(&folder, ["backup", "copy.lampfield", "--data", "store"]).good();
    assert!(backup.contains("copy.lampfield.key"), "{backup}");
    let again = run(&folder, ["backup", "copy.lampfield", "--data", "store"]).bad(1);
    assert!(again.contains("exists already"), "{again}");
    let key = server.setting("LAMPFIELD_KEY").to_owned();
    let account = server.setting("LAMPFIELD_ACCOUNT_ID").to_owned();
    server.kill();

    let refused = run(&folder, ["restore", "copy.lampfield", "--data", "store"]).bad(1);
    assert!(refused.contains("exists already"), "{refused}");
    run(&folder, ["restore", "copy.lampfield", "--data", "other"]).good();
    let restored = Server::serve(&folder, &["--data", "other"]);
    let path = format!("/lampfield/v1/accounts/{account}/extensions/n:101/presence");
    let free = json!({ "userStatus": "Available" });
    let answer = send(restored.address, "PUT", &path, &key, &free);
    assert_eq!(answer.status, 200, "{answer:?}");
    let why = format!("/lampfield/v1/accounts/{account}/extensions/n:101/why");
    let why = get(restored.address, &why, &key).json();
    assert!(why["sequence"].as_u64().unwrap() > 1 << 20, "{why}");
}

/// A restore with a damaged key made the data directory first and failed then, so that the next try
/// was refused because it exists.
#[test]
fn a_restore_with_a_cut_key_makes_nothing() {
    let (_keep, folder) = folder();
    house(&folder, 1);
    run(&folder, ["backup", "copy.lampfield"]).good();
    let key = folder.join("copy.lampfield.key");
    std::fs::write(&key, b"cut").unwrap();

    let complained = run(&folder, ["restore", "copy.lampfield", "--data", "other"]).bad(1);
    assert!(complained.contains("3 bytes instead of 32"), "{complained}");
    assert!(!folder.join("other").exists());

    std::fs::remove_file(&key).unwrap();
    run(&folder, ["restore", "copy.lampfield", "--data", "other"]).good();
}

#[test]
fn a_disk_that_fails_ends_the_server_with_74_and_loses_nothing_acknowledged() {
    let (_keep, folder) = folder();
    let key = house(&folder, 20);
    let broken = program_on_a_broken_disk(&folder, 400);
    let server = Server::serve_by(broken, &[]);
    let address = server.address;
    let mut acknowledged = Vec::new();
    'writing: for call in 0..60 {
        for person in 0..20 {
            if ring(address, &key, 100 + person, call).is_none() {
                break 'writing;
            }
            acknowledged.push((person, call.to_string()));
        }
    }
    assert!(acknowledged.len() < 1200, "the disk never failed");
    assert_eq!(server.end().code(), Some(74));

    let again = Server::serve(&folder, &[]);
    for person in 0..20 {
        let path = format!("/lampfield/v1/accounts/~/extensions/n:{}/why", 100 + person);
        let why = get(again.address, &path, &key).json();
        let claims = why["claims"].as_array().unwrap();
        for (_, call) in acknowledged.iter().filter(|(who, _)| *who == person) {
            assert!(claims.iter().any(|claim| claim["id"] == *call), "{call} of {person} is lost");
        }
    }
}

#[test]
fn a_damaged_store_is_found_and_not_served() {
    let (_keep, folder) = folder();
    house(&folder, 2);
    run(&folder, ["set", "100", "--status", "Busy", "--message", "damage me here"]).good();
    let file = folder.join("lampfield-data/lampfield.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let text = b"damage me here";
    let mut hits = 0;
    for at in 0..bytes.len() - text.len() {
        if bytes[at..].starts_with(text) {
            bytes[at] = b'D';
            hits += 1;
        }
    }
    assert!(hits > 0, "the message is in the data file");
    std::fs::write(&file, bytes).unwrap();
    let complained = run(&folder, ["verify"]).bad(74);
    assert!(complained.contains("restore a backup"), "{complained}");
    let served = run(&folder, ["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(served.code, 78, "{served:?}");
    assert!(served.complained.contains("damaged"), "{served:?}");
}
