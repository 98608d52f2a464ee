//! Configuration, help and exit codes.

use crate::run::{folder, outcome, program, run};

#[test]
fn a_misspelt_key_ends_with_78_line_and_suggestion() {
    let (_keep, folder) = folder();
    std::fs::write(folder.join("lampfield.toml"), "\n[websocket]\nsocket_max = 7\n").unwrap();
    for command in [&["serve"][..], &["config", "check"], &["key", "list"]] {
        let complained = run(&folder, command).bad(78);
        assert_eq!(
            complained,
            "lampfield: lampfield.toml:3: unknown key websocket.socket_max; \
             did you mean websocket.sockets_max?\n"
        );
    }
}

#[test]
fn what_is_printed_shows_what_holds_and_where_from_does_not_matter() {
    let (_keep, folder) = folder();
    std::fs::write(folder.join("other.toml"), "data = \"from-file\"\n").unwrap();
    let arguments = ["config", "print", "--config", "other.toml", "--set", "rates.light=9"];
    let output =
        program(&folder).env("LAMPFIELD_LOG_LEVEL", "debug").args(arguments).output().unwrap();
    let said = outcome(output).good();
    for line in ["data = \"from-file\"", "light = 9", "level = \"debug\"", "medium = 40"] {
        assert!(said.lines().any(|one| one == line), "{line} in {said}");
    }
    std::fs::write(folder.join("printed.toml"), &said).unwrap();
    run(&folder, ["config", "check", "--config", "printed.toml"]).good();
}

#[test]
fn the_default_file_is_good_and_says_nothing_else_than_the_defaults() {
    let (_keep, folder) = folder();
    let default = run(&folder, ["config", "print", "--default"]).good();
    std::fs::write(folder.join("lampfield.toml"), default).unwrap();
    let with_file = run(&folder, ["config", "print"]).good();
    std::fs::remove_file(folder.join("lampfield.toml")).unwrap();
    assert_eq!(with_file, run(&folder, ["config", "print"]).good());
}

#[test]
fn a_misspelt_variable_is_a_warning() {
    let (_keep, folder) = folder();
    let output =
        program(&folder).env("LAMPFIELD_LISTN", "x").args(["config", "check"]).output().unwrap();
    let checked = outcome(output);
    assert_eq!(checked.code, 0);
    assert!(checked.complained.contains("did you mean LAMPFIELD_LISTEN?"), "{checked:?}");
}

#[test]
fn wrong_usage_ends_with_2_and_a_suggestion() {
    let (_keep, folder) = folder();
    let complained = run(&folder, ["sevre"]).bad(2);
    assert!(complained.contains("'serve'"), "{complained}");
    let complained = run(&folder, ["set", "101", "--status", "Bsy"]).bad(2);
    assert!(complained.contains("'Busy'"), "{complained}");
    let complained = run(&folder, ["set", "101"]).bad(2);
    assert!(complained.contains("--status, --dnd or --message"), "{complained}");
    let complained = run(&folder, ["set", "101", "--status", "Busy", "--for", "30"]).bad(2);
    assert!(complained.contains("such as 30s or 1h30m"), "{complained}");
    let complained = run(&folder, ["tail"]).bad(2);
    assert!(complained.contains("--server URL --key KEY"), "{complained}");
    let complained = run(&folder, ["key", "list", "--server", "http://127.0.0.1:9"]).bad(2);
    assert!(complained.contains("LAMPFIELD_KEY"), "{complained}");
}

#[test]
fn a_server_that_is_not_there_ends_with_69() {
    let (_keep, folder) = folder();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    let complained = run(&folder, ["key", "list", "--server", &url, "--key", "k"]).bad(69);
    assert!(complained.contains(&format!("{url} cannot be reached")), "{complained}");
}

#[test]
fn help_documents_exit_codes_and_gives_examples() {
    let (_keep, folder) = folder();
    let help = run(&folder, ["--help"]).good();
    for part in ["Exit codes:", "78 the configuration is wrong", "Examples:", "lampfield demo"] {
        assert!(help.contains(part), "{part} in {help}");
    }
    let help = run(&folder, ["extension", "import", "--help"]).good();
    assert!(help.contains("number,name,email,type,status,groups,queues,id,admin"), "{help}");
    assert!(run(&folder, ["--version"]).good().starts_with("lampfield 0."));
}

#[test]
fn completions_know_the_commands() {
    let (_keep, folder) = folder();
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&folder, ["completions", shell]).good();
        assert!(script.contains("simulate") && script.contains("restore"), "{shell}");
    }
}
