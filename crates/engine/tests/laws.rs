//! Laws of the loop, whatever is ordered: replay, order, gaps, differences.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

mod house;

use std::collections::BTreeMap;
use std::time::Duration;

use house::{House, PEOPLE, USER, busy_until, call, key};
use lampfield_core::{
    Changes, Claim, ClaimId, Command, DndStatus, Document, ExtensionKey, Fact, Kind, MeetingStatus,
    Policy, SourceId, TelephonyStatus,
};
use lampfield_engine::{EngineConfig, Order};
use lampfield_journal::Journal;
use proptest::prelude::*;
use proptest::sample::select;

/// What happens in a history.
#[derive(Debug, Clone)]
enum Happening {
    Publish { who: u64, source: &'static str, id: &'static str, fact: Fact, lease_s: u64 },
    Withdraw { who: u64, source: &'static str, id: &'static str, kind: Kind },
    Configure { who: u64, timed: bool },
    Picture { source: &'static str, named: Vec<u64> },
    Lost { source: &'static str },
    Pass { seconds: u64 },
}

fn any_person() -> impl Strategy<Value = u64> {
    prop_oneof![1..=PEOPLE, 101..=100 + PEOPLE]
}

fn any_source() -> impl Strategy<Value = &'static str> {
    select(&["pbx", "meet"][..])
}

fn any_fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        3 => select(TelephonyStatus::ALL).prop_map(|status| Fact::Call(Box::new(call(status)))),
        1 => select(MeetingStatus::ALL).prop_map(Fact::Meeting),
        1 => select(DndStatus::ALL).prop_map(Fact::Dnd),
    ]
}

fn any_happening() -> impl Strategy<Value = Happening> {
    let id = || select(&["1", "2"][..]);
    prop_oneof![
        8 => (any_person(), any_source(), id(), any_fact(), 1..300_u64).prop_map(
            |(who, source, id, fact, lease_s)| Happening::Publish { who, source, id, fact, lease_s }
        ),
        2 => (any_person(), any_source(), id(), select(Kind::ALL))
            .prop_map(|(who, source, id, kind)| Happening::Withdraw { who, source, id, kind }),
        1 => (any_person(), any::<bool>())
            .prop_map(|(who, timed)| Happening::Configure { who, timed }),
        1 => (any_source(), prop::collection::vec(1..=PEOPLE, 0..3))
            .prop_map(|(source, named)| Happening::Picture { source, named }),
        1 => any_source().prop_map(|source| Happening::Lost { source }),
        3 => (0..200_u64).prop_map(|seconds| Happening::Pass { seconds }),
    ]
}

async fn happen(house: &House, happening: Happening) {
    let claim = |source: &str, id: &str, fact, lease_s| {
        house.claim(source, id, fact, Duration::from_secs(lease_s))
    };
    match happening {
        Happening::Publish { who, source, id, fact, lease_s } => {
            house.publish(key(who), claim(source, id, fact, lease_s)).await;
        }
        Happening::Withdraw { who, source, id, kind } => {
            let (source, claim) = (SourceId::new(source).unwrap(), ClaimId::new(id).unwrap());
            let command = Command::Withdraw { source, kind, claim };
            house.order(key(who), command).await.unwrap();
        }
        Happening::Configure { who, timed } => {
            let until = timed.then(|| house.now().after(Duration::from_secs(90)));
            house.order(key(who), busy_until(until)).await.unwrap();
        }
        Happening::Picture { source, named } => {
            let fact = Fact::Call(Box::new(call(TelephonyStatus::Ringing)));
            let claims = named
                .into_iter()
                .map(|who| (key(who).extension, vec![claim(source, "1", fact.clone(), 120)]))
                .collect();
            let source = SourceId::new(source).unwrap();
            house.intake.picture(key(1).account, source, claims, house.now()).await.unwrap();
        }
        Happening::Lost { source } => {
            let source = SourceId::new(source).unwrap();
            house.intake.lose(key(1).account, source).await.unwrap();
        }
        Happening::Pass { seconds } => {
            house.clock.advance(Duration::from_secs(seconds));
            house.a_while().await;
        }
    }
}

/// Lives through a history in paused time and returns the house after it.
fn live(happenings: Vec<Happening>, config: EngineConfig, check: impl FnOnce(&House)) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let house = House::open_with(config).await;
        for happening in happenings {
            happen(&house, happening).await;
        }
        check(&house);
    });
}

/// The documents by replaying the records that were told, nothing else.
fn replayed(house: &House) -> BTreeMap<ExtensionKey, Document> {
    let records = house.witness.records();
    records.iter().map(|it| (it.event.key, it.event.document.clone())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replaying_the_records_gives_what_holds(
        happenings in prop::collection::vec(any_happening(), 1..40),
    ) {
        live(happenings, EngineConfig::default(), |house| {
            for (key, document) in replayed(house) {
                let newest = house.document(key).expect("it changed");
                // Leases may have moved since; nothing that anybody could see.
                assert_eq!(newest.changes_since(&document), Changes::NONE, "{key}");
                assert_eq!(newest.presence_since, document.presence_since, "{key}");
                assert_eq!(newest.rule, document.rule, "{key}");
            }
        });
    }

    #[test]
    fn every_account_counts_without_a_gap(
        happenings in prop::collection::vec(any_happening(), 1..40),
        group_max in 1..4_usize,
    ) {
        let config = EngineConfig { group_max, ..EngineConfig::default() };
        live(happenings, config, |house| {
            for account in [1, 2] {
                let own: Vec<_> = house
                    .witness
                    .records()
                    .into_iter()
                    .filter(|record| record.event.key.account.get() == account)
                    .collect();
                for (record, number) in own.iter().zip(1..) {
                    assert_eq!((record.offset, record.event.sequence.0), (number, number));
                }
                assert_eq!(house.sequence(account), own.len() as u64);
            }
        });
    }

    #[test]
    fn every_record_differs_from_the_one_before_and_says_how(
        happenings in prop::collection::vec(any_happening(), 1..40),
    ) {
        live(happenings, EngineConfig::default(), |house| {
            let mut documents = BTreeMap::new();
            for record in house.witness.records() {
                let event = &record.event;
                let before = documents.remove(&event.key).unwrap_or_else(|| {
                    Document::initial(USER, Policy::default(), event.at)
                });
                // A lease that nobody can see may have changed in between; what can be seen not.
                let changes = event.document.changes_since(&before);
                assert!(!changes.is_empty(), "{event:?}");
                assert_eq!(changes, event.changes, "{event:?}");
                documents.insert(event.key, event.document.clone());
            }
        });
    }

    #[test]
    fn expiry_adds_no_call(happenings in prop::collection::vec(any_happening(), 1..40)) {
        live(happenings, EngineConfig::default(), |house| {
            let mut calls: BTreeMap<ExtensionKey, Vec<(SourceId, ClaimId)>> = BTreeMap::new();
            for record in house.witness.records() {
                let event = &record.event;
                let now: Vec<_> = event
                    .document
                    .calls()
                    .map(|(claim, _)| (claim.source.clone(), claim.id.clone()))
                    .collect();
                let before = calls.insert(event.key, now.clone()).unwrap_or_default();
                if event.cause.act == lampfield_core::Act::Expired {
                    assert!(now.iter().all(|call| before.contains(call)), "{event:?}");
                }
            }
        });
    }

    #[test]
    fn the_order_in_which_claims_arrive_does_not_matter(
        facts in prop::collection::vec(any_fact(), 1..6),
        seed in any::<u64>(),
    ) {
        let outcome = |turned: bool| {
            let facts = facts.clone();
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap();
            runtime.block_on(async move {
                let house = House::open().await;
                let mut claims: Vec<Claim> = facts
                    .into_iter()
                    .zip(0..)
                    .map(|(fact, number)| {
                        let source = if number % 2 == 0 { "pbx" } else { "meet" };
                        house.claim(source, &number.to_string(), fact, Duration::from_secs(60))
                    })
                    .collect();
                if turned {
                    let middle = usize::try_from(seed % claims.len() as u64).unwrap();
                    claims.rotate_left(middle);
                    claims.reverse();
                }
                for claim in claims {
                    house.publish(key(1), claim).await;
                }
                house.document(key(1)).map(|document| {
                    let calls: Vec<_> =
                        document.calls().map(|(claim, call)| (claim.id.clone(), call.clone())).collect();
                    (document.presence, document.rule, document.meeting, document.dnd, calls)
                })
            })
        };
        prop_assert_eq!(outcome(false), outcome(true));
    }

    #[test]
    fn after_every_lease_has_ended_only_settings_are_left(
        happenings in prop::collection::vec(any_happening(), 1..20),
    ) {
        let mut happenings = happenings;
        happenings.push(Happening::Pass { seconds: 1_000 });
        live(happenings, EngineConfig::default(), |house| {
            for who in (1..=PEOPLE).chain(101..=100 + PEOPLE) {
                let Some(record) = house.journal.newest().get(key(who)) else { continue };
                let document = house.intake.true_leases(key(who), Some(&*record));
                let document = document.as_deref().unwrap_or(&record.event.document);
                assert_eq!(document.claims, [], "{who}");
                assert_eq!(document.telephony, TelephonyStatus::NoCall);
            }
        });
    }

    #[test]
    fn the_same_orders_in_one_letter_or_in_many_come_to_the_same(
        claims in prop::collection::vec((1..=PEOPLE, any_fact()), 1..20),
    ) {
        let runtime = || tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let orders = |house: &House| -> Vec<Order> {
            let make = |(who, fact): (u64, Fact)| {
                let claim = house.claim("pbx", "1", fact, Duration::from_secs(60));
                let command = Command::Publish(claim);
                Order { key: key(who), command, observed_at: house.now() }
            };
            claims.iter().cloned().map(make).collect()
        };
        let together = runtime().block_on(async {
            let house = House::open().await;
            house.intake.submit_all(orders(&house)).await;
            house.witness.records()
        });
        let apart = runtime().block_on(async {
            let house = House::open().await;
            for order in orders(&house) {
                house.intake.submit(order).await.unwrap();
            }
            house.witness.records()
        });
        prop_assert_eq!(together, apart);
    }
}
