//! Who may what: scopes, permissions, other people, other accounts.

use lampfield_core::ExtensionType;
use lampfield_core::directory::{Permissions, Scopes};
use lampfield_journal::DirectoryChange;

use crate::house::{A, ANNA, B, BEN, CLEO, House, STRANGER, app, extension, presence_of};

/// Method, path and body of everything that names an account or an extension.
fn doors(account: &str, extension: &str) -> Vec<(&'static str, String, &'static str)> {
    let base = format!("/restapi/v1.0/account/{account}");
    let person = format!("{base}/extension/{extension}");
    vec![
        ("GET", format!("{base}/presence"), ""),
        ("GET", base.clone(), ""),
        ("GET", format!("{base}/extension"), ""),
        ("GET", person.clone(), ""),
        ("GET", format!("{person}/features"), ""),
        ("GET", format!("{person}/presence"), ""),
        ("PUT", format!("{person}/presence"), r#"{"userStatus":"Busy"}"#),
        ("GET", format!("{person}/presence/permission"), ""),
        ("PUT", format!("{person}/presence/permission"), r#"{"extensions":[]}"#),
    ]
}

#[tokio::test]
async fn another_accounts_ids_do_not_exist_anywhere_whether_they_do_or_not() {
    let house = House::new().await;
    for user in [ANNA, CLEO] {
        let token = house.log_in(user).await;
        for (theirs, nobodys) in [(B.to_string(), "3000"), ("02000".to_owned(), "x")] {
            let existing = doors(&theirs, &STRANGER.to_string());
            for (door, other) in existing.iter().zip(doors(nobodys, "3001")) {
                let there = house.call(&token, door.0, &door.1, door.2).await;
                let nowhere = house.call(&token, other.0, &other.1, other.2).await;
                assert_eq!(there.verdict(), (404, "CMN-102".to_owned()), "{} {}", door.0, door.1);
                assert_eq!(there.bytes, nowhere.bytes, "an account that is not looks the same");
            }
        }
        for (method, path, body) in doors("~", &STRANGER.to_string()).split_off(3) {
            let there = house.call(&token, method, &path, body).await;
            assert_eq!(there.verdict(), (404, "CMN-102".to_owned()), "{method} {path}");
            assert!(!String::from_utf8_lossy(&there.bytes).contains("2000"), "{path}");
        }
    }
    let record = house.state.journal.newest().get(crate::house::key(STRANGER));
    assert!(record.is_none(), "nothing was changed over there");
}

#[tokio::test]
async fn ones_own_ids_and_tildes_are_the_same_in_any_mixture() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    for account in ["~".to_owned(), A.to_string(), "%7E".to_owned()] {
        for person in ["~".to_owned(), ANNA.to_string(), "%7e".to_owned()] {
            for (method, path, body) in doors(&account, &person) {
                house.call(&token, method, &path, body).await.expect(200);
            }
        }
    }
}

#[tokio::test]
async fn an_application_without_the_scope_is_told_which_one_it_lacks() {
    let house = House::new().await;
    let token = house.log_in_through(ANNA, "poor").await;
    let scopes = [
        "ReadPresence",
        "ReadAccounts",
        "ReadAccounts",
        "ReadAccounts",
        "ReadAccounts",
        "ReadPresence",
        "EditPresence",
        "ReadPresence",
        "EditPresence",
    ];
    for ((method, path, body), scope) in doors("~", "~").into_iter().zip(scopes) {
        let refused = house.call(&token, method, &path, body).await;
        assert_eq!(refused.verdict(), (403, "CMN-401".to_owned()), "{method} {path}");
        let message = refused.json()["message"].as_str().unwrap().to_owned();
        let wanted = format!(
            "In order to call this API endpoint, application needs to have [{scope}] permission"
        );
        assert_eq!(message, wanted, "{method} {path}");
    }
}

#[tokio::test]
async fn a_user_without_the_permission_is_told_which_one_they_lack() {
    let house = House::new().await;
    let token = house.log_in(BEN).await;
    let mut ben = extension(BEN, ExtensionType::User);
    ben.permissions = Permissions::NONE;
    house.apply(DirectoryChange::PutExtension(ben)).await;
    let permissions = [
        "ReadPresenceStatus",
        "ReadCompanyInfo",
        "ReadExtensions",
        "ReadExtensions",
        "ReadExtensions",
        "ReadPresenceStatus",
        "EditPresenceStatus",
        "ReadPresenceSettings",
        "EditPresenceSettings",
    ];
    for ((method, path, body), permission) in doors("~", "~").into_iter().zip(permissions) {
        let refused = house.call(&token, method, &path, body).await;
        assert_eq!(refused.verdict(), (403, "CMN-408".to_owned()), "{method} {path}");
        let message = refused.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(&format!("[{permission}]")), "{method} {path}: {message}");
    }
}

#[tokio::test]
async fn others_are_changed_only_by_administrators() {
    let house = House::new().await;
    let (anna, cleo) = (house.log_in(ANNA).await, house.log_in(CLEO).await);
    let busy = r#"{"userStatus":"Busy"}"#;

    let refused = house.call(&anna, "PUT", &presence_of(BEN), busy).await;
    assert_eq!(refused.verdict(), (403, "CMN-404".to_owned()));
    house.get(&anna, &presence_of(BEN)).await.expect(200);
    let changed = house.call(&cleo, "PUT", &presence_of(BEN), busy).await.expect(200).json();
    assert_eq!(changed["userStatus"], "Busy");
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
