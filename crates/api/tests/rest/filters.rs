//! Filters beyond presence of one or all (contract F6-F13): who may ask for them, and how they are
//! listed.

use lampfield_core::ExtensionType;
use lampfield_core::directory::{Extension, Permissions, Scopes};
use lampfield_journal::DirectoryChange;
use serde_json::json;

use crate::house::{ANNA, BEN, CLEO, House, QUEUE, SLOT, STRANGER, app, extension, presence_of};
use crate::receiver::Receiver;

const PATH: &str = "/restapi/v1.0/subscription";
const ACCOUNT: &str = "/restapi/v1.0/account/~";

/// Each filter of Anna's, and what it needs.
fn filters() -> [(String, Scopes, Permissions); 8] {
    let own = format!("{ACCOUNT}/extension/~");
    let status = Permissions::READ_PRESENCE_STATUS;
    [
        (format!("{own}/presence/line/presence"), Scopes::READ_PRESENCE, status),
        (format!("{own}/favorite/presence?sipData=true"), Scopes::READ_PRESENCE, status),
        (
            format!("{own}/presence/line"),
            Scopes::READ_PRESENCE,
            Permissions::READ_PRESENCE_SETTINGS,
        ),
        (format!("{own}/presence/dnd"), Scopes::READ_ACCOUNTS, Permissions::READ_ACCOUNTS),
        (format!("{ACCOUNT}/call-queues/{QUEUE}/presence"), Scopes::READ_PRESENCE, status),
        (format!("{own}/favorite"), Scopes::READ_CONTACTS, Permissions::READ_PERSONAL_CONTACTS),
        (own, Scopes::READ_ACCOUNTS, Permissions::READ_EXTENSIONS),
        (format!("{ACCOUNT}/extension"), Scopes::READ_ACCOUNTS, Permissions::READ_EXTENSIONS),
    ]
}

fn without(all: Scopes, missing: Scopes) -> Scopes {
    let words = all.words().filter_map(Scopes::parse).filter(|one| *one != missing);
    words.fold(Scopes::NONE, Scopes::with)
}

fn lacking(missing: Permissions) -> Permissions {
    let words = Permissions::ordinary().words().filter_map(Permissions::parse);
    words.filter(|one| *one != missing).fold(Permissions::NONE, Permissions::with)
}

#[tokio::test]
async fn each_is_active_and_listed_with_real_ids() {
    let house = House::new().await;
    let (anna, receiver) = (house.log_in(ANNA).await, Receiver::new().await);
    for (filter, ..) in filters() {
        let made = house.call(&anna, "POST", PATH, &receiver.body(&[&filter])).await;
        let listed = filter
            .replace("/account/~", "/account/1000")
            .replace("/extension/~", "/extension/1001")
            .replace("?sip", "?detailedTelephonyState=true&sip");
        let made = made.expect(200).json();
        assert_eq!(made["eventFilters"], json!([listed]));
        assert!(made.get("disabledFilters").is_none());
    }
}

#[tokio::test]
async fn each_needs_its_scope_and_its_permission() {
    let house = House::new().await;
    let receiver = Receiver::new().await;
    for (at, (filter, scope, permission)) in filters().into_iter().enumerate() {
        let poor = format!("poor-{at}");
        // EditPresence includes ReadPresence, and so on.
        let scopes = [Scopes::EDIT_PRESENCE, Scopes::EDIT_ACCOUNTS, Scopes::CONTACTS]
            .into_iter()
            .fold(without(Scopes::ALL, scope), without);
        house.apply(DirectoryChange::PutApp(app(&poor, scopes))).await;
        let token = house.log_in_through(ANNA, &poor).await;
        let refused = house.call(&token, "POST", PATH, &receiver.body(&[&filter])).await;
        assert_eq!(refused.verdict(), (403, "CMN-401".to_owned()), "{filter}");

        let weak =
            Extension { permissions: lacking(permission), ..extension(ANNA, ExtensionType::User) };
        house.apply(DirectoryChange::PutExtension(weak)).await;
        let token = house.log_in(ANNA).await;
        let code = if filter.ends_with("/presence/line") { "SUB-412" } else { "CMN-408" };
        let refused = house.call(&token, "POST", PATH, &receiver.body(&[&filter])).await;
        assert_eq!(refused.verdict(), (403, code.to_owned()), "{filter}");
        let foreign = format!("{ACCOUNT}/extension/~/message-store");
        let made = house.call(&token, "POST", PATH, &receiver.body(&[&filter, &foreign])).await;
        let made = made.expect(200).json();
        assert_eq!(made["disabledFilters"][0]["reason"], code, "{filter}");
        let whole = extension(ANNA, ExtensionType::User);
        house.apply(DirectoryChange::PutExtension(whole)).await;
    }
}

#[tokio::test]
async fn others_lists_are_for_administrators_and_others_presence_for_all() {
    let house = House::new().await;
    let receiver = Receiver::new().await;
    let (anna, cleo) = (house.log_in(ANNA).await, house.log_in(CLEO).await);
    let of = |user: u64, tail: &str| format!("{ACCOUNT}/extension/{user}{tail}");
    for (tail, is_private) in [
        ("/presence/line/presence", false),
        ("/favorite/presence", false),
        ("/presence/line", true),
        ("/presence/dnd", false),
        ("/favorite", true),
        ("", false),
    ] {
        let body = receiver.body(&[&of(BEN, tail)]);
        let answer = house.call(&anna, "POST", PATH, &body).await;
        if is_private {
            assert_eq!(answer.verdict(), (403, "CMN-404".to_owned()), "{tail}");
        } else {
            answer.expect(200);
        }
        house.call(&cleo, "POST", PATH, &body).await.expect(200);
        for nobody in [STRANGER, 4711] {
            let body = receiver.body(&[&of(nobody, tail)]);
            let answer = house.call(&cleo, "POST", PATH, &body).await;
            assert_eq!(answer.verdict(), (403, "SUB-408".to_owned()), "{tail}");
        }
        let other = format!("/restapi/v1.0/account/2000/extension/{STRANGER}{tail}");
        let answer = house.call(&cleo, "POST", PATH, &receiver.body(&[&other])).await;
        assert_eq!(answer.verdict(), (403, "SUB-406".to_owned()), "{tail}");
    }
}

#[tokio::test]
async fn what_has_no_lists_no_members_or_hides_is_refused() {
    let house = House::new().await;
    let receiver = Receiver::new().await;
    let (anna, ben) = (house.log_in(ANNA).await, house.log_in(BEN).await);
    let hide = r#"{"allowSeeMyPresence":false}"#;
    house.call(&ben, "PUT", &presence_of(BEN), hide).await.expect(200);
    for (filter, code) in [
        (format!("{ACCOUNT}/extension/{SLOT}/presence/line/presence"), "SUB-402"),
        (format!("{ACCOUNT}/extension/{QUEUE}/presence/dnd"), "SUB-402"),
        (format!("{ACCOUNT}/extension/{BEN}/presence/dnd"), "SUB-403"),
        (format!("{ACCOUNT}/call-queues/{BEN}/presence"), "SUB-408"),
        (format!("{ACCOUNT}/call-queues/4711/presence"), "SUB-408"),
    ] {
        let answer = house.call(&anna, "POST", PATH, &receiver.body(&[&filter])).await;
        assert_eq!(answer.verdict(), (403, code.to_owned()), "{filter}");
    }
}

#[tokio::test]
async fn reminders_are_returned_verbatim_and_bad_ones_refused() {
    let house = House::new().await;
    let (anna, receiver) = (house.log_in(ANNA).await, Receiver::new().await);
    let reminder = |query: &str| format!("/restapi/v1.0/subscription/~?{query}");
    let good = reminder("threshold=60&interval=15");
    let filters = [good.as_str(), "/restapi/v1.0/account/~/presence"];
    let made = house.call(&anna, "POST", PATH, &receiver.body(&filters)).await.expect(200).json();
    assert!(made["eventFilters"].as_array().unwrap().contains(&json!(good)));

    // The receiver's subscriptions live for an hour.
    for query in
        ["", "threshold=0&interval=1", "threshold=x&interval=1", "threshold=3600&interval=60"]
    {
        let body = receiver.body(&[&reminder(query)]);
        let answer = house.call(&anna, "POST", PATH, &body).await;
        assert_eq!(answer.verdict(), (400, "SUB-516".to_owned()), "{query}");
    }
    house
        .call(&anna, "POST", PATH, &receiver.body(&[&reminder("threshold=3599&interval=60")]))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_lost_permission_ends_what_needs_it() {
    let house = House::new().await;
    let (anna, receiver) = (house.log_in(ANNA).await, Receiver::new().await);
    let filters: Vec<_> = filters().into_iter().map(|(filter, ..)| filter).collect();
    let filters: Vec<_> = filters.iter().map(String::as_str).collect();
    let made = house.call(&anna, "POST", PATH, &receiver.body(&filters)).await.expect(200).json();
    let id = made["id"].as_str().unwrap().parse().unwrap();
    let subscription = house.state.registry.subscription(id).unwrap();
    let wants = |house: &House| {
        let newest = house.state.journal.newest();
        lampfield_delivery::filters_of(&house.state.registry, newest, &subscription)
    };
    assert!(!wants(&house).is_empty());

    let weak = Extension { permissions: Permissions::NONE, ..extension(ANNA, ExtensionType::User) };
    house.apply(DirectoryChange::PutExtension(weak)).await;
    assert!(wants(&house).is_empty());
}
