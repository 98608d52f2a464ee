//! Commands that administer: over HTTP and straight in the data directory.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::run::{Server, folder, outcome, program, run};
use crate::talk::get;

/// Begins a house with one account and returns its first key.
fn init(folder: &Path) -> String {
    let arguments = ["init", "--account-name", "Harbour Ltd", "--main-number", "+12055550100"];
    let said = run(folder, arguments).good();
    let key = said.lines().skip_while(|line| !line.starts_with("admin key")).nth(1);
    key.unwrap_or_else(|| panic!("no key in {said}")).to_owned()
}

#[test]
fn init_makes_a_house_that_serves_and_its_key_opens_it() {
    let (_keep, folder) = folder();
    let key = init(&folder);
    assert!(folder.join("lampfield.toml").exists());
    let complained = run(&folder, ["init"]).bad(1);
    assert!(complained.contains("is there already"), "{complained}");

    let server = Server::serve(&folder, &[]);
    let accounts = get(server.address, "/lampfield/v1/accounts", &key);
    assert_eq!(accounts.status, 200, "{accounts:?}");
    assert!(String::from_utf8(accounts.body).unwrap().contains("Harbour Ltd"));
    let figures = get(server.address, "/metrics", "nothing");
    assert_eq!(figures.status, 401, "figures are not for everybody");
    assert_eq!(get(server.address, "/metrics", &key).status, 200);

    let complained = run(&folder, ["key", "list"]).bad(1);
    assert_eq!(
        complained,
        "lampfield: the data directory is in use by a running server; add --server URL --key KEY\n"
    );
    let url = server.url();
    let listed = run(&folder, ["key", "list", "--server", &url, "--key", &key]).good();
    assert!(listed.contains("first administrator"), "{listed}");
    assert_eq!(server.terminate().code(), Some(0));
    let offline = run(&folder, ["key", "list"]).good();
    assert_eq!(offline, listed, "one code path");
}

#[test]
fn init_puts_everything_into_one_folder_when_asked() {
    let (_keep, folder) = folder();
    let said = run(&folder, ["init", "--dir", "house/of mine"]).good();
    assert!(said.contains("Now run: lampfield serve --config "), "{said}");
    let config = folder.join("house/of mine/lampfield.toml");
    assert!(config.exists() && folder.join("house/of mine/data").exists());
    assert!(!folder.join("lampfield.toml").exists());
    let key = said.lines().skip_while(|line| !line.starts_with("admin key")).nth(1).unwrap();
    let server = Server::serve(&folder, &["--config", config.to_str().unwrap()]);
    assert_eq!(get(server.address, "/lampfield/v1/accounts", key).status, 200);
}

#[test]
fn whatever_is_administered_shows_up_in_the_trail() {
    let (_keep, folder) = folder();
    init(&folder);
    run(&folder, ["extension", "add", "101", "Mia Okafor"]).good();
    let refused =
        run(&folder, ["app", "add", "Board", "--scope", "ReadAccounts", "--redirect-uri", "x"]);
    assert!(refused.bad(1).contains("redirectUris"));
    let added = ["app", "add", "Board", "--id", "board", "--scope", "ReadAccounts"];
    run(&folder, added.into_iter().chain(["--redirect-uri", "https://board.example/back"])).good();
    let changed = ["app", "update", "board", "--grant", "authorization_code"];
    assert_eq!(run(&folder, changed).good(), "changed\n");
    let apps = run(&folder, ["app", "list"]).good();
    assert!(apps.contains("https://board.example/back"), "{apps}");

    let trail = run(&folder, ["audit"]).good();
    assert!(trail.contains("extension.create") && trail.contains("name Mia Okafor"), "{trail}");
    assert!(trail.contains("account.create") && trail.contains("(this command)"), "{trail}");
    let house = run(&folder, ["audit", "--house", "--limit", "2"]).good();
    assert!(house.contains("app.update") && house.contains("app.create"), "{house}");
    assert!(!house.contains("key.create"), "two were asked for: {house}");
    let verified = run(&folder, ["verify"]).good();
    assert!(verified.contains("audit"), "{verified}");
}

#[test]
fn extensions_go_in_and_out_as_csv_and_bad_rows_are_all_reported() {
    let (_keep, folder) = folder();
    init(&folder);
    let rows = "number,name,email,type,status,groups,queues,id,admin\n\
                600,Main line,,Department,,,,,\n\
                101,\"Okafor, Mia\",mia@x.example,,,Sales;EMEA,600,,\n\
                ,Nobody,,,,,,,\n\
                102,Jürgen Weiß,,Usr,,,,,\n\
                103,Aiko Tanaka,,,,,999,,\n";
    std::fs::write(folder.join("people.csv"), rows).unwrap();

    let dry = run(&folder, ["extension", "import", "people.csv", "--dry-run"]);
    assert!(dry.said.contains("2 would be created"), "{dry:?}");
    dry.bad(1);
    assert_eq!(run(&folder, ["extension", "list"]).good(), "none\n");

    let imported = run(&folder, ["extension", "import", "people.csv"]);
    for part in ["line 4: number:", "line 5 (number 102): type:", "line 6 (number 103): queues:"] {
        assert!(imported.said.contains(part), "{part} in {imported:?}");
    }
    assert!(imported.said.contains("2 created, 0 updated, 0 unchanged, 3 rejected"));
    assert_eq!(imported.bad(1), "lampfield: 3 rows were rejected\n");

    run(&folder, ["extension", "export", "out.csv"]).good();
    let again = run(&folder, ["extension", "import", "out.csv"]).good();
    assert_eq!(again, "0 created, 0 updated, 2 unchanged, 0 rejected\n");
    let listed = run(&folder, ["extension", "list", "--query", "okafor", "--json"]).good();
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed[0]["name"], "Okafor, Mia");

    let missing = run(&folder, ["extension", "import", "no.csv"]).bad(74);
    assert!(missing.contains("no.csv cannot be read"), "{missing}");
}

#[test]
fn a_large_file_is_taken_whole() {
    let (_keep, folder) = folder();
    init(&folder);
    let mut rows = String::from("number,name,email,groups\n");
    for number in 0..30_000 {
        let row = format!(
            "{},Person number {number},p{number}@example.org,Group {}\n",
            10_000 + number,
            number % 40
        );
        rows.push_str(&row);
    }
    assert!(rows.len() > 1 << 20, "larger than an ordinary request may be");
    std::fs::write(folder.join("many.csv"), rows).unwrap();
    let said = run(&folder, ["extension", "import", "many.csv"]).good();
    assert_eq!(said, "30000 created, 0 updated, 0 unchanged, 0 rejected\n");
}

#[test]
fn people_queues_and_log_ins_are_added_listed_and_removed() {
    let (_keep, folder) = folder();
    init(&folder);
    run(&folder, ["extension", "add", "600", "Main line", "--type", "Department"]).good();
    let added = ["extension", "add", "101", "Mia Okafor", "--group", "Sales", "--queue", "600"];
    assert!(run(&folder, added).good().starts_with("added extension: number 101"));
    run(&folder, ["set", "101", "--status", "Busy"]).good();
    let why = run(&folder, ["why", "101"]).good();
    assert!(why.starts_with("101 Mia Okafor is Busy: the person chose Busy\n"), "{why}");

    let app = ["app", "add", "Wallboard", "--scope", "ReadAccounts", "--id", "wall"];
    assert!(run(&folder, app).good().contains("client secret (shown once"));
    let jwt = run(&folder, ["credential", "jwt", "101", "--expires-in-days", "30"]).good();
    assert!(jwt.lines().last().unwrap().split('.').count() == 3, "{jwt}");
    let mut setting = program(&folder)
        .args(["credential", "password", "101"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    setting.stdin.take().unwrap().write_all(b"correct horse\n").unwrap();
    assert_eq!(outcome(setting.wait_with_output().unwrap()).good(), "the password is set\n");

    let listed = run(&folder, ["credential", "list", "--json"]).good();
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 2, "{listed}");
    let id = listed[0]["id"].as_str().unwrap();
    run(&folder, ["credential", "revoke", id]).good();
    run(&folder, ["app", "remove", "wall"]).good();
    assert_eq!(run(&folder, ["app", "list"]).good(), "none\n");
    run(&folder, ["extension", "remove", "101"]).good();
    let gone = run(&folder, ["why", "101"]).bad(1);
    assert!(gone.contains("extensionId"), "{gone}");
}

#[test]
fn a_key_may_do_what_its_role_says() {
    let (_keep, folder) = folder();
    let server = Server::demo(&folder, &["--calls", "off"]);
    let made = server.command(&folder, &["key", "add", "wall", "--role", "read", "--json"]).good();
    let made: Value = serde_json::from_str(&made).unwrap();
    let key = made["key"].as_str().unwrap();
    server.command(&folder, &["why", "101", "--key", key]).good();
    let refused = server.command(&folder, &["set", "101", "--status", "Busy", "--key", key]);
    refused.bad(77);
    server.command(&folder, &["key", "remove", made["id"].as_str().unwrap()]).good();
    server.command(&folder, &["why", "101", "--key", key]).bad(77);
}

#[test]
fn with_several_accounts_it_is_said_how_to_name_one() {
    let (_keep, folder) = folder();
    let mut server = Server::demo(&folder, &["--calls", "off"]);
    let account = server.settings.remove("LAMPFIELD_ACCOUNT_ID").unwrap();
    let complained = server.command(&folder, &["why", "101"]).bad(1);
    assert!(complained.contains("--account ID"), "{complained}");
    server.command(&folder, &["why", "101", "--account", &account]).good();
    let complained = server.command(&folder, &["why", "999", "--account", &account]).bad(1);
    assert!(complained.contains("`lampfield extension list`"), "{complained}");
}

#[test]
fn without_a_data_directory_it_is_said_what_to_do() {
    let (_keep, folder) = folder();
    let complained = run(&folder, ["key", "list"]).bad(1);
    assert!(complained.contains("there is no data directory lampfield-data"), "{complained}");
    assert!(complained.contains("lampfield init"), "{complained}");
}
