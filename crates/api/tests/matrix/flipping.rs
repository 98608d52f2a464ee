//! Settings that change while somebody watches: one masked event, silence, and a whole event when it
//! is over.

use lampfield_core::TelephonyStatus;

use crate::house::{ANNA, presence_of};
use crate::server::Server;
use crate::sight::open;
use crate::table::Table;
use crate::watcher::{CALLER, DORA, READ, TOLD, Watcher};

/// What happens to the person who is watched.
enum Act {
    Call(TelephonyStatus),
    Set(&'static str),
}

use Act::{Call, Set};

impl Act {
    async fn happen(&self, server: &Server, token: &str) -> String {
        match self {
            Call(status) => {
                server.house.report_call(ANNA, CALLER, *status).await;
                format!("the call: {status:?}")
            }
            Set(body) => {
                server.call(token, "PUT", &presence_of(ANNA), body).await.expect(200);
                (*body).to_owned()
            }
        }
    }
}

/// Each act, with what a colleague is told of it, as events and on the stream, and sees after it. The
/// stream alone tells what no event's body shows.
const ACTS: [(Act, &str, &str, &str); 10] = [
    (Call(TelephonyStatus::Ringing), "full", "full", "full"),
    (Set(r#"{"allowSeeMyPresence":false}"#), "hidden", "hidden", "hidden"),
    (Call(TelephonyStatus::CallConnected), "nothing", "nothing", "hidden"),
    (Set(r#"{"userStatus":"Busy"}"#), "nothing", "nothing", "hidden"),
    (Set(r#"{"callerIdVisibility":"None"}"#), "nothing", "nothing", "hidden"),
    (Set(r#"{"allowSeeMyPresence":true}"#), "no callers", "no callers", "no callers"),
    (Set(r#"{"callerIdVisibility":"PermittedUsers"}"#), "nothing", "nothing", "no callers"),
    (Set(r#"{"callerIdVisibility":"All"}"#), "full", "full", "full"),
    (Set(r#"{"message":"Back at three"}"#), "nothing", "full", "full"),
    (Call(TelephonyStatus::OnHold), "full", "full", "full"),
];

#[tokio::test]
async fn who_hides_is_told_masked_once_then_not_at_all_and_whole_when_seen_again() {
    let server = open(false).await;
    let anna = server.house.log_in(ANNA).await;
    let mut watcher = Watcher::new(&server, DORA).await;
    let columns: Vec<_> = ["what happens"].into_iter().chain(TOLD).chain(READ).collect();
    let mut table = Table::new(&columns);
    let mut wrong = Vec::new();
    for (act, told, streamed, seen) in ACTS {
        let name = act.happen(&server, &anna).await;
        let mut row = watcher.told(&server).await;
        row.extend(watcher.read(&server).await);
        let (told_ways, read_ways) = row.split_at(TOLD.len());
        let why = if seen == "hidden" { "403" } else { seen };
        let is_right = told_ways == [told, told, streamed]
            && read_ways[..4].iter().all(|it| it == seen)
            && read_ways[4] == why;
        if !is_right {
            wrong.push(format!("{name}: {row:?}, not {told}, {streamed} and {seen}"));
        }
        table.row([name].into_iter().chain(row).collect());
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    insta::assert_snapshot!("flipping", table.text());
}

#[tokio::test]
async fn who_comes_back_is_told_nothing_that_is_hidden_now() {
    let server = open(false).await;
    let anna = server.house.log_in(ANNA).await;
    let watcher = Watcher::new(&server, DORA).await;
    Call(TelephonyStatus::Ringing).happen(&server, &anna).await;
    let while_seen = watcher.leave(&server).await;
    Set(r#"{"allowSeeMyPresence":false}"#).happen(&server, &anna).await;
    let while_hidden = watcher.leave(&server).await;
    Call(TelephonyStatus::CallConnected).happen(&server, &anna).await;
    Set(r#"{"userStatus":"Busy"}"#).happen(&server, &anna).await;

    assert_eq!(while_seen.back(&server).await, "hidden", "that it hides, and nothing else");
    assert_eq!(while_hidden.back(&server).await, "nothing");
}
