//! Call queues and what their members take (contract 1.5, 2.4, 2.6).

use lampfield_core::ExtensionType;
use lampfield_core::directory::Extension;
use lampfield_journal::DirectoryChange;
use serde_json::{Value, json};

use crate::house::{
    ANNA, BEN, CLEO, House, QUEUE, STRANGER, document, extension, key, presence_of,
};

/// A queue whose members do not choose for themselves.
const FIXED: u64 = 1650;
const QUEUES: &str = "/restapi/v1.0/account/~/call-queues";

fn members_of(queue: u64) -> String {
    format!("{QUEUES}/{queue}/presence")
}

fn agent(user: u64) -> String {
    format!("/restapi/v1.0/account/~/extension/{user}/call-queue-presence")
}

/// Anna and Ben are in both queues.
async fn open() -> House {
    let house = House::new().await;
    let fixed =
        Extension { editable_member_status: false, ..extension(FIXED, ExtensionType::Department) };
    let queues = [key(QUEUE).extension, key(FIXED).extension];
    let member = |user| Extension { queues: queues.into(), ..extension(user, ExtensionType::User) };
    for one in [fixed, member(ANNA), member(BEN)] {
        house.apply(DirectoryChange::PutExtension(one)).await;
    }
    house
}

fn of_member(member: u64, accepts: bool) -> String {
    format!(
        r#"{{"member":{{"id":"{member}"}},"acceptQueueCalls":false,"acceptCurrentQueueCalls":{accepts}}}"#
    )
}

fn of_queue(queue: u64, accepts: bool) -> String {
    format!(r#"{{"callQueue":{{"id":"{queue}"}},"acceptCalls":{accepts}}}"#)
}

/// Id, acceptQueueCalls and acceptCurrentQueueCalls of each member.
fn taken(list: &Value) -> Vec<(u64, bool, bool)> {
    let records = list["records"].as_array().unwrap().iter();
    let one = |it: &Value| {
        let id = it["member"]["id"].as_str().unwrap().parse().unwrap();
        let flag = |name: &str| it[name].as_bool().unwrap();
        (id, flag("acceptQueueCalls"), flag("acceptCurrentQueueCalls"))
    };
    records.map(one).collect()
}

/// Id and acceptCalls of each queue.
fn accepted(list: &Value) -> Vec<(u64, bool)> {
    let records = list["records"].as_array().unwrap().iter();
    let one = |it: &Value| {
        let id = it["callQueue"]["id"].as_str().unwrap().parse().unwrap();
        (id, it["acceptCalls"].as_bool().unwrap())
    };
    records.map(one).collect()
}

#[tokio::test]
async fn queues_are_listed_and_shown_with_textual_ids() {
    let house = open().await;
    let token = house.log_in(ANNA).await;
    let list = house.get(&token, QUEUES).await.expect(200).json();

    let queue = json!({
        "uri": "http://lamp.example/restapi/v1.0/account/1000/call-queues/1600",
        "id": "1600",
        "name": "Person 1600",
        "extensionNumber": "600",
        "status": "Enabled",
        "editableMemberStatus": true,
    });
    assert_eq!(list["records"][0], queue);
    assert_eq!(list["records"][1]["editableMemberStatus"], false);
    assert_eq!(list["paging"]["totalElements"], 2);
    assert_eq!(house.get(&token, &format!("{QUEUES}/{QUEUE}")).await.expect(200).json(), queue);
    let second = house.get(&token, &format!("{QUEUES}?perPage=1&page=2")).await.expect(200).json();
    assert_eq!(second["records"][0]["id"], "1650");
    let of = async |member: &str| {
        house.get(&token, &format!("{QUEUES}?memberExtensionId={member}")).await.json()
    };
    assert_eq!(of("~").await["paging"]["totalElements"], 2);
    assert_eq!(of(&CLEO.to_string()).await["paging"]["totalElements"], 0);
    assert_eq!(of(&STRANGER.to_string()).await["parameterName"], "memberExtensionId");
}

#[tokio::test]
async fn what_is_no_queue_of_the_account_does_not_exist() {
    let house = open().await;
    let token = house.log_in(CLEO).await;
    for id in [ANNA.to_string(), STRANGER.to_string(), "4711".to_owned(), "~".to_owned()] {
        for (method, path) in [
            ("GET", format!("{QUEUES}/{id}")),
            ("GET", format!("{QUEUES}/{id}/presence")),
            ("PUT", format!("{QUEUES}/{id}/presence")),
        ] {
            let refused = house.call(&token, method, &path, "[]").await;
            assert_eq!(refused.verdict(), (404, "CMN-102".to_owned()), "{method} {path}");
            assert_eq!(refused.json()["parameterName"], "groupId", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn accept_queue_calls_mirrors_do_not_disturb_in_all_queues() {
    let house = open().await;
    let token = house.log_in(ANNA).await;
    for (dnd, takes) in [
        ("DoNotAcceptDepartmentCalls", false),
        ("TakeAllCalls", true),
        ("DoNotAcceptAnyCalls", false),
    ] {
        let body = format!(r#"{{"dndStatus":"{dnd}"}}"#);
        house.call(&token, "PUT", &presence_of(ANNA), &body).await.expect(200);
        for queue in [QUEUE, FIXED] {
            let list = house.get(&token, &members_of(queue)).await.expect(200).json();
            assert_eq!(taken(&list), [(ANNA, takes, true), (BEN, true, true)], "{dnd} {queue}");
        }
        let own = house.get(&token, &agent(ANNA)).await.expect(200).json();
        assert_eq!(accepted(&own), [(QUEUE, true), (FIXED, true)], "the choice is another matter");
    }
}

#[tokio::test]
async fn a_member_chooses_for_one_queue_and_both_sides_show_it() {
    let house = open().await;
    let token = house.log_in(ANNA).await;
    let body = format!(r#"{{"records":[{}]}}"#, of_queue(QUEUE, false));
    let all = house.call(&token, "PUT", &agent(ANNA), &body).await.expect(200).json();

    assert_eq!(accepted(&all), [(QUEUE, false), (FIXED, true)], "the answer is the whole list");
    assert_eq!(
        all["records"][0]["callQueue"],
        json!({"id":"1600","name":"Person 1600","extensionNumber":"600","editableMemberStatus":true})
    );
    let list = house.get(&token, &members_of(QUEUE)).await.expect(200).json();
    assert_eq!(
        list["records"][0],
        json!({
            "member": { "id": "1001", "name": "Person 1001", "extensionNumber": "101" },
            "acceptQueueCalls": true,
            "acceptCurrentQueueCalls": false,
        })
    );
    assert_eq!(document(&house, ANNA).dnd.as_str(), "TakeAllCalls", "read-only acceptQueueCalls");
    // The other side, with one's own record changed in the whole list as it was read.
    let whole = format!("[{},{}]", of_member(ANNA, true), of_member(BEN, true));
    let list = house.call(&token, "PUT", &members_of(QUEUE), &whole).await.expect(200).json();
    assert_eq!(taken(&list), [(ANNA, true, true), (BEN, true, true)]);
    let own = house.get(&token, &agent(ANNA)).await.expect(200).json();
    assert_eq!(accepted(&own), [(QUEUE, true), (FIXED, true)]);
    let lower = r#"[{"callqueue":{"id":1600},"acceptCalls":false}]"#;
    let own = house.call(&token, "PUT", &agent(ANNA), lower).await.expect(200).json();
    assert_eq!(accepted(&own), [(QUEUE, false), (FIXED, true)]);
}

#[tokio::test]
async fn only_what_is_editable_is_chosen_by_members_and_everything_by_administrators() {
    let house = open().await;
    let (anna, cleo) = (house.log_in(ANNA).await, house.log_in(CLEO).await);
    let fixed = format!("[{}]", of_queue(FIXED, false));
    let refused = house.call(&anna, "PUT", &agent(ANNA), &fixed).await;
    assert_eq!(refused.verdict(), (403, "CMN-408".to_owned()));
    assert!(refused.json()["message"].as_str().unwrap().contains("[EditCallQueuePresence]"));
    // One bad record: none takes effect.
    let both = format!("[{},{}]", of_queue(QUEUE, false), of_queue(FIXED, false));
    house.call(&anna, "PUT", &agent(ANNA), &both).await.expect(403);
    let own = house.get(&anna, &agent(ANNA)).await.expect(200).json();
    assert_eq!(accepted(&own), [(QUEUE, true), (FIXED, true)]);
    let refused = house.call(&anna, "PUT", &agent(BEN), "[]").await;
    assert_eq!(refused.verdict(), (403, "CMN-404".to_owned()));
    let ben = format!("[{}]", of_member(BEN, false));
    let refused = house.call(&anna, "PUT", &members_of(QUEUE), &ben).await;
    assert_eq!(refused.verdict(), (403, "CMN-404".to_owned()));

    let all = house.call(&cleo, "PUT", &agent(ANNA), &both).await.expect(200).json();
    assert_eq!(accepted(&all), [(QUEUE, false), (FIXED, false)]);
    let list = house.call(&cleo, "PUT", &members_of(FIXED), &ben).await.expect(200).json();
    assert_eq!(taken(&list), [(ANNA, true, false), (BEN, true, false)], "others stay");
    let editable = house.get(&anna, &format!("{}?editableMemberStatus=True", agent(ANNA))).await;
    assert_eq!(accepted(&editable.expect(200).json()), [(QUEUE, false)]);
    let fixed = house.get(&anna, &format!("{}?editableMemberStatus=false", agent(ANNA))).await;
    assert_eq!(accepted(&fixed.expect(200).json()), [(FIXED, false)]);
    let odd = house.get(&anna, &format!("{}?editableMemberStatus=maybe", agent(ANNA))).await;
    assert_eq!(odd.verdict(), (400, "CMN-101".to_owned()));
}

#[tokio::test]
async fn bad_choices_are_refused_by_name_and_change_nothing() {
    let house = open().await;
    let cleo = house.log_in(CLEO).await;
    for (path, body, parameter) in [
        (members_of(QUEUE), of_member(CLEO, true), "member.id"),
        (members_of(QUEUE), of_member(STRANGER, true), "member.id"),
        (
            members_of(QUEUE),
            r#"{"member":{"id":"1001"},"acceptCurrentQueueCalls":"no"}"#.into(),
            "acceptCurrentQueueCalls",
        ),
        (agent(ANNA), of_queue(BEN, true), "callQueue.id"),
        (agent(CLEO), of_queue(QUEUE, true), "callQueue.id"),
        (agent(ANNA), "{}".into(), "callQueue.id"),
    ] {
        let body = format!(
            "[{},{body}]",
            if path == agent(ANNA) { of_queue(QUEUE, false) } else { body.clone() }
        );
        let refused = house.call(&cleo, "PUT", &path, &body).await.expect(400).json();
        assert_eq!(refused["parameterName"], parameter, "{body}");
    }
    assert_eq!(house.state.journal.head(key(ANNA).account).position.offset, 0);
}

#[tokio::test]
async fn two_choices_at_the_same_time_both_hold() {
    let house = open().await;
    let cleo = house.log_in(CLEO).await;
    let (one, other) = (of_queue(QUEUE, false), format!("[{}]", of_member(ANNA, false)));
    let (path, members) = (agent(ANNA), members_of(FIXED));
    let one = format!("[{one}]");
    let (first, second) = tokio::join!(
        house.call(&cleo, "PUT", &path, &one),
        house.call(&cleo, "PUT", &members, &other),
    );
    first.expect(200);
    second.expect(200);

    let all = house.get(&cleo, &path).await.expect(200).json();
    assert_eq!(accepted(&all), [(QUEUE, false), (FIXED, false)]);
}

#[tokio::test]
async fn of_two_choices_for_the_same_queue_the_last_counts() {
    let house = open().await;
    let token = house.log_in(ANNA).await;
    let there_and_back = format!("[{},{}]", of_queue(QUEUE, false), of_queue(QUEUE, true));
    let all = house.call(&token, "PUT", &agent(ANNA), &there_and_back).await.expect(200).json();
    assert_eq!(accepted(&all), [(QUEUE, true), (FIXED, true)]);
    assert_eq!(house.state.journal.head(key(ANNA).account).position.offset, 0);
}

#[tokio::test]
async fn who_hides_looks_as_if_they_had_chosen_nothing() {
    let house = open().await;
    let (anna, ben) = (house.log_in(ANNA).await, house.log_in(BEN).await);
    let body = r#"{"allowSeeMyPresence":false,"dndStatus":"DoNotAcceptAnyCalls"}"#;
    house.call(&anna, "PUT", &presence_of(ANNA), body).await.expect(200);
    let body = format!("[{}]", of_queue(QUEUE, false));
    house.call(&anna, "PUT", &agent(ANNA), &body).await.expect(200);

    let seen = house.get(&ben, &members_of(QUEUE)).await.expect(200).json();
    assert_eq!(taken(&seen), [(ANNA, true, true), (BEN, true, true)]);
    let seen = house.get(&ben, &agent(ANNA)).await.expect(200).json();
    assert_eq!(accepted(&seen), [(QUEUE, true), (FIXED, true)]);
    let real = house.get(&anna, &members_of(QUEUE)).await.expect(200).json();
    assert_eq!(taken(&real), [(ANNA, false, false), (BEN, true, true)]);
    // Sending the list back as it was seen is no attempt upon Anna, and tells nothing about her.
    let body = format!("[{},{}]", of_member(ANNA, true), of_member(BEN, false));
    house.call(&ben, "PUT", &members_of(QUEUE), &body).await.expect(200);
    let real = house.get(&anna, &members_of(QUEUE)).await.expect(200).json();
    assert_eq!(taken(&real), [(ANNA, false, false), (BEN, true, false)]);
}
