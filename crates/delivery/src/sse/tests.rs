//! Streams as a client reads them.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;
use lampfield_journal::memory::MemoryJournal;
use lampfield_journal::{DirectoryChange, Journal};
use serde_json::Value;

use super::*;
use crate::alerts::AlertState;
use crate::config::DeliveryConfig;
use crate::stage::{Stage, account, epoch, extension, id, says};

#[tokio::test]
async fn a_stream_begins_with_a_picture_and_goes_on_with_changes() {
    let stage = Stage::new(DeliveryConfig::default()).await;
    stage.toggle(7).await;
    let mut reader = Reader::open(&stage, request());

    assert_eq!(reader.piece().await, "retry: 2000\n\n");
    let picture = reader.event().await;
    assert_eq!((picture.name.as_str(), picture.id.as_deref()), ("snapshot", Some("1-1")));
    assert_eq!(picture.data["position"], "1-1");
    assert_eq!(picture.data["sequence"], 1);
    assert_eq!(picture.data["more"], false);
    let records = picture.data["records"].as_array().unwrap();
    assert_eq!(records.len(), 20);
    assert_eq!(records[6]["extension"]["id"], "7");
    assert_eq!(records[6]["extension"]["number"], "107");
    assert_eq!(records[6]["extension"]["name"], "Person \"7\"");
    assert_eq!(records[6]["extension"]["groups"][0], "Sales");
    assert_eq!(records[6]["presence"]["telephonyStatus"], "Ringing");
    assert_eq!(records[6]["presence"]["sequence"], 1);
    assert_eq!(records[6]["telephonySince"], "2026-01-01T00:00:00.000Z");
    assert_eq!(records[7]["presence"]["presenceStatus"], "Available");
    assert_eq!(records[7]["presence"].get("sequence"), None);
    assert_eq!(records[7].get("presenceSince"), None);

    stage.toggle(7).await;
    let event = reader.event().await;
    assert_eq!((event.name.as_str(), event.id.as_deref()), ("presence", Some("1-2")));
    assert_eq!(event.data["event"], "/restapi/v1.0/account/~/extension/7/presence");
    assert_eq!(event.data["ownerId"], "0");
    assert_eq!(event.data["body"]["sequence"], 2);
    let more = &event.data["lampfield"];
    assert_eq!(more["position"], "1-2");
    assert_eq!((&more["number"], &more["name"]), (&"107".into(), &"Person \"7\"".into()));
    assert_eq!(more["rule"], "otherwise");
    assert_eq!(more["stale"], false);
    assert_eq!(more["message"], Value::Null);
    let changes: Vec<_> = more["changes"].as_array().unwrap().iter().collect();
    assert_eq!(changes, ["telephonyStatus", "activeCalls"]);
}

#[tokio::test]
async fn what_is_committed_while_the_picture_is_read_follows_it_once() {
    let stage = Stage::new(DeliveryConfig::default()).await;
    stage.toggle(1).await;
    let mut reader = Reader::open(&stage, request());
    reader.piece().await;
    stage.toggle(2).await;

    let picture = reader.event().await;
    stage.toggle(3).await;
    stage.toggle(4).await;

    assert_eq!(picture.id.as_deref(), Some("1-1"));
    for expected in ["1-2", "1-3", "1-4"] {
        assert_eq!(reader.event().await.id.as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn a_large_picture_comes_in_pieces_and_only_the_last_can_be_resumed_from() {
    let stage = Stage::new(DeliveryConfig::default()).await;
    let more = (21..=1100).map(|number| DirectoryChange::PutExtension(extension(number)));
    stage.house.registry.apply(more.collect()).await.unwrap();
    stage.toggle(1000).await;
    let mut reader = Reader::open(&stage, request());
    reader.piece().await;

    let mut ids = Vec::new();
    for (count, more, place) in [(500, true, None), (500, true, None), (100, false, Some("1-1"))] {
        let piece = reader.event().await;
        let records = piece.data["records"].as_array().unwrap();
        assert_eq!((records.len(), &piece.data["more"]), (count, &Value::Bool(more)));
        assert_eq!(piece.id.as_deref(), place);
        assert_eq!(piece.data["position"], "1-1");
        ids.extend(records.iter().map(|record| record["extension"]["id"].clone()));
    }

    assert_eq!(ids.len(), 1100);
    assert_eq!(ids.first(), Some(&Value::from("1")));
    assert_eq!(ids.last(), Some(&Value::from("1100")));
}

#[tokio::test]
async fn operators_are_told_of_receivers_in_trouble_and_nobody_else() {
    let stage = Stage::new(DeliveryConfig::default()).await;
    let alert = |number, state| Alert {
        subscription: SubscriptionId(Uuid::from_u128(number)),
        account: account(),
        owner: id(1),
        app: lampfield_core::AppId::new("app").unwrap(),
        state,
        at: crate::stage::BEGINNING,
        reason: Some("no answer within 3000 ms".to_owned()),
        suspended_at: Some(crate::stage::BEGINNING),
    };
    stage.house.alert(alert(1, AlertState::Suspended));
    let mut operator = Reader::live(&stage, request()).await;
    let person = StreamRequest { viewer: Viewer::Extension(id(1)), ..request() };
    let mut person = Reader::live(&stage, person).await;

    let told = operator.event().await;
    assert_eq!((told.name.as_str(), told.id), ("subscription", None), "no place to resume from");
    assert_eq!(told.data["id"], "00000000-0000-0000-0000-000000000001");
    assert_eq!(told.data["state"], "suspended");
    assert_eq!(told.data["reason"], "no answer within 3000 ms");
    assert_eq!(told.data["at"], "2026-01-01T00:00:00.000Z");
    stage.house.alert(alert(2, AlertState::Failing));
    let told = operator.event().await;
    assert_eq!((&told.data["state"], &told.data["owner"]), (&"failing".into(), &"1".into()));
    assert_eq!(told.data["suspendedAt"], "2026-01-01T00:00:00.000Z");

    stage.toggle(7).await;
    assert_eq!(operator.event().await.name, "presence");
    assert_eq!(person.event().await.name, "presence", "the first that a person is told");
}

#[tokio::test]
async fn a_stream_resumes_exactly_after_its_place() {
    let stage = Stage::new(DeliveryConfig::default()).await;
    for extension in 1..=6 {
        stage.toggle(extension).await;
    }
    for offset in 0..=6 {
        let mut reader = Reader::open(&stage, after(1, offset));
        reader.piece().await;
        stage.toggle(20).await;

        let head = stage.journal.head(account()).position.offset;
        for expected in offset + 1..=head {
            let event = reader.event().await;
            assert_eq!(event.id.unwrap(), format!("1-{expected}"));
            assert_eq!(event.data["body"]["sequence"], expected);
        }
    }
}

#[tokio::test]
async fn without_a_picture_a_stream_begins_with_the_next_change() {
    let stage = Stage::new(DeliveryConfig::default()).await;
    stage.toggle(1).await;
    let mut reader = Reader::open(&stage, StreamRequest { snapshot: false, ..request() });
    reader.piece().await;

    stage.toggle(2).await;

    assert_eq!(reader.event().await.id.as_deref(), Some("1-2"));
}

#[tokio::test]
async fn a_place_that_is_gone_is_told_and_a_picture_follows() {
    let stage = Stage::with(DeliveryConfig::default(), MemoryJournal::with(epoch(2), 3)).await;
    for extension in 1..=9 {
        stage.toggle(extension).await;
    }
    let house = stage.again(); // with an empty ring
    for place in [after(1, 4), after(2, 2), after(2, 99)] {
        let mut reader = Reader::of(&house, place);
        reader.piece().await;

        let reset = reader.event().await;
        assert_eq!((reset.name.as_str(), reset.id), ("reset", None));
        assert_eq!(reset.data["position"], "2-9");
        let picture = reader.event().await;
        assert_eq!((picture.name.as_str(), picture.id.as_deref()), ("snapshot", Some("2-9")));
        assert_eq!(picture.data["records"].as_array().unwrap().len(), 20);
    }
}

#[tokio::test]
async fn changes_that_no_body_shows_are_told_here() {
    let stage = Stage::new(DeliveryConfig::default()).await;
    let mut reader = Reader::live(&stage, request()).await;

    stage.configure(7, says("back at \"noon\"\n")).await;

    let event = reader.event().await;
    assert_eq!(event.data["lampfield"]["message"], "back at \"noon\"\n");
    assert_eq!(event.data["lampfield"]["changes"], Value::from(vec!["message"]));
}

#[tokio::test]
async fn a_person_does_not_see_what_is_hidden_and_the_operator_does() {
    let stage = Stage::new(DeliveryConfig::default()).await;
    stage.configure(7, says("secret plans")).await;
    let person = StreamRequest { viewer: Viewer::Extension(id(1)), ..request() };
    let mut watcher = Reader::live(&stage, person).await;
    let mut operator = Reader::live(&stage, request()).await;

    stage.allow_see(7, false).await;
    stage.toggle(7).await;
    stage.configure(7, says("more secrets")).await;
    stage.toggle(8).await;

    let hiding = watcher.event().await;
    assert_eq!(hiding.data["ownerId"], "1");
    assert_eq!(hiding.data["body"]["presenceStatus"], "Offline");
    assert_eq!(hiding.data["lampfield"].get("message"), None);
    assert_eq!(hiding.data["lampfield"].get("rule"), None);
    assert_eq!(hiding.data["lampfield"]["changes"], Value::from(vec!["allowSeeMyPresence"]));
    assert_eq!(watcher.event().await.id.as_deref(), Some("1-5"));
    for expected in 2..=5 {
        assert_eq!(operator.event().await.id.unwrap(), format!("1-{expected}"));
    }
    let mut late = Reader::open(&stage, person);
    late.piece().await;
    let picture = late.piece().await;
    assert!(!picture.contains("secret"), "{picture}");
}

#[tokio::test]
async fn what_was_hidden_meanwhile_is_not_told_late() {
    let stage = Stage::new(DeliveryConfig::default()).await;
    stage.toggle(7).await;
    stage.allow_see(7, false).await;
    stage.toggle(8).await;

    let viewer = Viewer::Extension(id(1));
    let mut reader = Reader::open(&stage, StreamRequest { viewer, ..after(1, 0) });
    reader.piece().await;

    assert_eq!(reader.event().await.id.as_deref(), Some("1-2"));
    assert_eq!(reader.event().await.id.as_deref(), Some("1-3"));
}

#[tokio::test]
async fn a_picture_does_not_list_calls_that_are_over() {
    let stage = Stage::new(DeliveryConfig::default()).await;
    stage.toggle(7).await;
    stage.toggle(7).await;
    stage.toggle(8).await;
    let mut reader = Reader::open(&stage, StreamRequest { detail: Detail::Detailed, ..request() });
    reader.piece().await;

    let picture = reader.event().await;

    assert_eq!(picture.data["records"][6]["presence"]["activeCalls"], Value::Array(Vec::new()));
    assert_eq!(picture.data["records"][6]["presence"]["totalActiveCalls"], 0);
    assert_eq!(picture.data["records"][7]["presence"]["totalActiveCalls"], 1);
}

#[tokio::test]
async fn a_client_far_behind_gets_the_newest_of_each_and_the_last_can_be_resumed_from() {
    let config = DeliveryConfig { coalesce_after: 5, ..DeliveryConfig::default() };
    let stage = Stage::new(config).await;
    let mut reader = Reader::live(&stage, request()).await;
    for _ in 0..4 {
        for extension in 1..=3 {
            stage.toggle(extension).await;
        }
    }

    // What is left out before them is not got before the last.
    for (id, place) in [(None, "1-10"), (None, "1-11"), (Some("1-12"), "1-12")] {
        let event = reader.event().await;
        assert_eq!(event.id.as_deref(), id);
        assert_eq!(event.data["lampfield"]["position"], place);
        assert_eq!(event.data["lampfield"]["coalesced"], true);
    }
    stage.toggle(4).await;
    let next = reader.event().await;
    assert_eq!(next.id.as_deref(), Some("1-13"));
    assert_eq!(next.data["lampfield"].get("coalesced"), None);
    let mut again = Reader::open(&stage, after(1, 10));
    again.piece().await;
    for expected in ["1-11", "1-12", "1-13"] {
        assert_eq!(again.event().await.id.as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn silence_is_broken_by_a_comment_that_moves_the_place_on() {
    let stage = Stage::new(restless()).await;
    stage.allow_see(7, false).await;
    let viewer = Viewer::Extension(id(1));
    let mut reader = Reader::live(&stage, StreamRequest { viewer, ..request() }).await;

    let began = Instant::now();
    assert_eq!(reader.piece().await, ": keep-alive\n\n");
    assert!(began.elapsed() >= stage.house.config.stream_heartbeat / 2);
    stage.toggle(7).await; // hidden from this one
    assert_eq!(reader.piece().await, ": keep-alive\nid: 1-2\n\n");
    assert_eq!(reader.piece().await, ": keep-alive\n\n");
}

#[tokio::test]
async fn streams_are_bounded_and_end_with_the_server() {
    let config = DeliveryConfig { streams_max: 2, ..DeliveryConfig::default() };
    let stage = Stage::new(config).await;
    let streams = Streams::new(Arc::clone(&stage.house));
    let first = streams.open(request(), always()).unwrap();
    let second = streams.open(request(), always()).unwrap();
    assert!(streams.open(request(), always()).is_none());
    assert_eq!(streams.open_count(), 2);

    drop(first);
    let third = streams.open(request(), always());
    assert!(third.is_some());
    streams.stop();

    assert_eq!(second.count().await, 0);
}

#[tokio::test]
async fn a_stream_ends_soon_after_its_permission() {
    let stage = Stage::new(restless()).await;
    let is_allowed = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&is_allowed);
    let streams = Streams::new(Arc::clone(&stage.house));
    let permission = Arc::new(move || asked.load(Ordering::SeqCst));
    let mut stream = Box::pin(streams.open(request(), permission).unwrap());
    stream.next().await.unwrap();
    stream.next().await.unwrap();

    is_allowed.store(false, Ordering::SeqCst);
    let began = Instant::now();
    while stream.next().await.is_some() {}

    assert!(began.elapsed() <= PERMISSION_EVERY);
}

#[derive(Debug)]
struct Told {
    name: String,
    id: Option<String>,
    data: Value,
}

struct Reader {
    stream: Pin<Box<dyn Stream<Item = Bytes> + Send>>,
    /// Events of a piece that were not asked for yet.
    rest: Vec<Told>,
}

impl Reader {
    fn open(stage: &Stage, request: StreamRequest) -> Self {
        Self::of(&stage.house, request)
    }

    fn of(house: &Arc<House>, request: StreamRequest) -> Self {
        let streams = Streams::new(Arc::clone(house));
        let stream = streams.open(request, always()).unwrap();
        Self { stream: Box::pin(stream), rest: Vec::new() }
    }

    /// Opens one and reads its picture.
    async fn live(stage: &Stage, request: StreamRequest) -> Self {
        let mut reader = Self::open(stage, request);
        reader.piece().await;
        assert_eq!(reader.event().await.name, "snapshot");
        reader
    }

    async fn piece(&mut self) -> String {
        String::from_utf8(self.stream.next().await.unwrap().to_vec()).unwrap()
    }

    async fn event(&mut self) -> Told {
        while self.rest.is_empty() {
            let piece = self.piece().await;
            self.rest = piece.split_terminator("\n\n").map(parse).collect();
        }
        self.rest.remove(0)
    }
}

/// Reads one event as the standard says; each field at most once, which is all we send.
fn parse(text: &str) -> Told {
    let field = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(name));
        let first = lines.next().map(str::to_owned);
        assert_eq!(lines.next(), None, "{name} twice in {text}");
        first
    };
    let data = field("data: ").unwrap();
    Told {
        name: field("event: ").unwrap(),
        id: field("id: "),
        data: serde_json::from_str(&data).unwrap(),
    }
}

/// A house whose streams break their silence quickly.
fn restless() -> DeliveryConfig {
    DeliveryConfig { stream_heartbeat: Duration::from_millis(30), ..DeliveryConfig::default() }
}

fn request() -> StreamRequest {
    StreamRequest {
        account: account(),
        viewer: Viewer::Operator,
        detail: Detail::Plain,
        after: None,
        snapshot: true,
    }
}

fn after(generation: u64, offset: u64) -> StreamRequest {
    let place = Position { epoch: epoch(generation), offset };
    StreamRequest { after: Some(place), ..request() }
}

fn always() -> StreamPermission {
    Arc::new(|| true)
}
