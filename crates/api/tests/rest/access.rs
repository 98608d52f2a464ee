//! Who may what: scopes, permissions, other people, other accounts.

use axum::body::Body;
use http::Request;
use lampfield_core::ExtensionType;
use lampfield_core::directory::{Permissions, Scopes};
use lampfield_journal::DirectoryChange;

use crate::house::{
    A, ANNA, B, BEN, CLEO, House, QUEUE, Reply, STRANGER, app, extension, key, presence_of,
};

/// Everything that names an account or an extension (contract 2.3): method, path, body, the scope and
/// the permission that it needs of those who ask for themselves, and the group that it counts in.
struct Door {
    method: &'static str,
    path: String,
    body: &'static str,
    scope: &'static str,
    permission: &'static str,
    group: &'static str,
}

impl std::fmt::Display for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

const READ: (&str, &str) = ("ReadPresence", "ReadPresenceStatus");
const EDIT: (&str, &str) = ("EditPresence", "EditPresenceStatus");
const READ_SETTINGS: (&str, &str) = ("ReadPresence", "ReadPresenceSettings");
const EDIT_SETTINGS: (&str, &str) = ("EditPresence", "EditPresenceSettings");
const DIRECTORY: (&str, &str) = ("ReadAccounts", "ReadExtensions");
const COMPANY: (&str, &str) = ("ReadAccounts", "ReadCompanyInfo");
const READ_CONTACTS: (&str, &str) = ("ReadContacts", "ReadPersonalContacts");
const CONTACTS: (&str, &str) = ("Contacts", "EditPersonalContacts");

/// How many doors, the first ones, name no extension.
const OF_ACCOUNT: usize = 7;

fn doors(account: &str, extension: &str) -> Vec<Door> {
    let base = format!("/restapi/v1.0/account/{account}");
    let queue = format!("{base}/call-queues/{QUEUE}");
    let person = format!("{base}/extension/{extension}");
    let presence = format!("{person}/presence");
    let busy = r#"{"userStatus":"Busy"}"#;
    let undisturbed = r#"{"glip":{"availability":"DND"}}"#;
    let nobody = r#"{"extensions":[]}"#;
    let rows = [
        ("GET", format!("{base}/presence"), "", READ, "heavy"),
        ("GET", base.clone(), "", COMPANY, "light"),
        ("GET", format!("{base}/extension"), "", DIRECTORY, "medium"),
        ("GET", format!("{base}/call-queues"), "", DIRECTORY, "medium"),
        ("GET", queue.clone(), "", DIRECTORY, "light"),
        ("GET", format!("{queue}/presence"), "", READ, "light"),
        ("PUT", format!("{queue}/presence"), "[]", EDIT, "medium"),
        ("GET", person.clone(), "", DIRECTORY, "light"),
        ("GET", format!("{person}/features"), "", DIRECTORY, "medium"),
        ("GET", presence.clone(), "", READ, "light"),
        ("PUT", presence.clone(), busy, EDIT, "medium"),
        ("GET", format!("{presence}/line"), "", READ_SETTINGS, "light"),
        ("PUT", format!("{presence}/line"), "[]", EDIT_SETTINGS, "medium"),
        ("GET", format!("{presence}/line/1"), "", READ_SETTINGS, "light"),
        ("GET", format!("{presence}/line/presence"), "", READ, "light"),
        ("GET", format!("{presence}/permission"), "", READ_SETTINGS, "light"),
        ("PUT", format!("{presence}/permission"), nobody, EDIT_SETTINGS, "light"),
        ("GET", format!("{person}/unified-presence"), "", READ, "medium"),
        ("PATCH", format!("{person}/unified-presence"), undisturbed, EDIT, "medium"),
        ("GET", format!("{person}/call-queue-presence"), "", READ, "light"),
        ("PUT", format!("{person}/call-queue-presence"), "[]", EDIT, "medium"),
        ("GET", format!("{person}/favorite"), "", READ_CONTACTS, "light"),
        ("PUT", format!("{person}/favorite"), "[]", CONTACTS, "medium"),
    ];
    let door = |(method, path, body, (scope, permission), group)| Door {
        method,
        path,
        body,
        scope,
        permission,
        group,
    };
    rows.into_iter().map(door).collect()
}

/// Knocks at a door.
async fn knock(house: &House, token: &str, door: &Door) -> Reply {
    house.call(token, door.method, &door.path, door.body).await
}

#[tokio::test]
async fn without_a_token_or_with_one_that_is_no_good_no_door_opens() {
    let house = House::new().await;
    let over = house.log_in(ANNA).await;
    house.wait(3600);
    let revoked = house.log_in(ANNA).await;
    let form = format!("token={revoked}");
    house.form("/restapi/oauth/revoke", "app", &form).await.expect(200);
    for door in doors("~", "~").iter().chain(&doors("1000", "1001")) {
        let request = Request::builder().method(door.method).uri(&door.path);
        let refused = house.send(request.body(Body::from(door.body)).unwrap()).await;
        assert_eq!(refused.verdict(), (401, "OAU-123".to_owned()), "{door}");
        assert!(refused.headers.contains_key("www-authenticate"), "{door}");
        for (token, code) in [("nonsense", "OAU-213"), (&over, "OAU-128"), (&revoked, "OAU-211")] {
            let refused = knock(&house, token, door).await;
            assert_eq!(refused.verdict(), (401, code.to_owned()), "{door}");
        }
    }
    assert_eq!(house.state.journal.head(key(ANNA).account).position.offset, 0);
}

#[tokio::test]
async fn every_request_counts_in_its_group_and_says_so() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    for door in doors("~", "~") {
        let answer = knock(&house, &token, &door).await.expect(200);
        let limit = match door.group {
            "light" => "50",
            "medium" => "40",
            _ => "10",
        };
        let header = |name: &str| answer.headers[name].to_str().unwrap().to_owned();
        assert_eq!(header("x-rate-limit-group"), door.group, "{door}");
        assert_eq!(header("x-rate-limit-limit"), limit, "{door}");
        assert_eq!(header("x-rate-limit-window"), "60", "{door}");
        assert!(answer.headers.contains_key("x-rate-limit-remaining"), "{door}");
    }
}

#[tokio::test]
async fn presence_of_others_is_open_to_all_and_the_rest_to_administrators() {
    let house = House::new().await;
    let (anna, cleo) = (house.log_in(ANNA).await, house.log_in(CLEO).await);
    let open =
        ["", "/presence", "/presence/line/presence", "/unified-presence", "/call-queue-presence"];
    for door in doors("~", &BEN.to_string()).split_off(OF_ACCOUNT) {
        let (_, tail) = door.path.split_once(&format!("/{BEN}")).unwrap();
        let is_open = door.method == "GET" && open.contains(&tail);
        let expected = if is_open { (200, String::new()) } else { (403, "CMN-404".to_owned()) };
        assert_eq!(knock(&house, &anna, &door).await.verdict(), expected, "{door}");
        knock(&house, &cleo, &door).await.expect(200);
    }
}

#[tokio::test]
async fn another_accounts_ids_do_not_exist_anywhere_whether_they_do_or_not() {
    let house = House::new().await;
    for user in [ANNA, CLEO] {
        let token = house.log_in(user).await;
        for (theirs, nobodys) in [(B.to_string(), "3000"), ("02000".to_owned(), "x")] {
            let existing = doors(&theirs, &STRANGER.to_string());
            for (door, other) in existing.iter().zip(doors(nobodys, "3001")) {
                let there = knock(&house, &token, door).await;
                let nowhere = knock(&house, &token, &other).await;
                assert_eq!(there.verdict(), (404, "CMN-102".to_owned()), "{door}");
                assert_eq!(there.bytes, nowhere.bytes, "an account that is not looks the same");
            }
        }
        for door in doors("~", &STRANGER.to_string()).split_off(OF_ACCOUNT) {
            let there = knock(&house, &token, &door).await;
            assert_eq!(there.verdict(), (404, "CMN-102".to_owned()), "{door}");
            assert!(!String::from_utf8_lossy(&there.bytes).contains("2000"), "{door}");
        }
    }
    let record = house.state.journal.newest().get(key(STRANGER));
    assert!(record.is_none(), "nothing was changed over there");
}

#[tokio::test]
async fn ones_own_ids_and_tildes_are_the_same_in_any_mixture() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    for account in ["~".to_owned(), A.to_string(), "%7E".to_owned()] {
        for person in ["~".to_owned(), ANNA.to_string(), "%7e".to_owned()] {
            for door in doors(&account, &person) {
                knock(&house, &token, &door).await.expect(200);
            }
        }
    }
}

#[tokio::test]
async fn an_application_without_the_scope_is_told_which_one_it_lacks() {
    let house = House::new().await;
    house.apply(DirectoryChange::PutApp(app("poor", Scopes::SUBSCRIPTION_WEBHOOK))).await;
    let token = house.log_in_through(ANNA, "poor").await;
    for door in doors("~", "~") {
        let scope = door.scope;
        let refused = knock(&house, &token, &door).await;
        assert_eq!(refused.verdict(), (403, "CMN-401".to_owned()), "{door}");
        let message = refused.json()["message"].as_str().unwrap().to_owned();
        let wanted = format!(
            "In order to call this API endpoint, application needs to have [{scope}] permission"
        );
        assert_eq!(message, wanted, "{door}");
    }
}

#[tokio::test]
async fn a_user_without_the_permission_is_told_which_one_they_lack() {
    let house = House::new().await;
    let token = house.log_in(BEN).await;
    let mut ben = extension(BEN, ExtensionType::User);
    ben.permissions = Permissions::NONE;
    house.apply(DirectoryChange::PutExtension(ben)).await;
    for door in doors("~", "~") {
        let permission = door.permission;
        let refused = knock(&house, &token, &door).await;
        assert_eq!(refused.verdict(), (403, "CMN-408".to_owned()), "{door}");
        let message = refused.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(&format!("[{permission}]")), "{door}: {message}");
    }
}

#[tokio::test]
async fn a_scope_that_the_application_loses_is_lost_to_its_sessions_at_once() {
    let house = House::new().await;
    let token = house.log_in_through(ANNA, "reader").await;
    house.get(&token, &presence_of(ANNA)).await.expect(200);
    house.apply(DirectoryChange::PutApp(app("reader", Scopes::READ_ACCOUNTS))).await;

    assert_eq!(house.get(&token, &presence_of(ANNA)).await.verdict(), (403, "CMN-401".to_owned()));
    house.get(&token, "/restapi/v1.0/account/~/extension").await.expect(403);
    house.apply(DirectoryChange::RemoveApp(lampfield_core::AppId::new("reader").unwrap())).await;
    house.get(&token, &presence_of(ANNA)).await.expect(401);
}

#[tokio::test]
async fn edit_includes_read() {
    let house = House::new().await;
    house.apply(DirectoryChange::PutApp(app("reader", Scopes::EDIT_PRESENCE))).await;
    let token = house.log_in_through(ANNA, "reader").await;

    house.get(&token, &presence_of(ANNA)).await.expect(200);
}
