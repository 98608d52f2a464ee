//! Pictures, losses and returns of sources.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

mod house;

use std::time::Duration;

use house::{House, START, extension, key, source};
use lampfield_core::{
    Act, Claim, ExtensionId, ExtensionStatus, ExtensionType, PresenceStatus, Standing,
    TelephonyStatus,
};
use lampfield_engine::{PictureReceipt, SourcePhase, SubmitError};
use lampfield_journal::DirectoryChange;

const CONNECTED: TelephonyStatus = TelephonyStatus::CallConnected;

async fn picture(house: &House, claims: Vec<(u64, Vec<Claim>)>) -> PictureReceipt {
    let claims = claims
        .into_iter()
        .map(|(extension, claims)| (ExtensionId::new(extension).unwrap(), claims))
        .collect();
    house.intake.picture(key(1).account, source("pbx"), claims, house.now()).await.unwrap()
}

fn phase(house: &House, name: &str) -> SourcePhase {
    let reports = house.intake.sources(key(1).account);
    reports.into_iter().find(|it| it.source == source(name)).expect("it is known").phase
}

#[tokio::test(start_paused = true)]
async fn what_a_picture_does_not_repeat_is_withdrawn_account_wide() {
    let house = House::open().await;
    for extension in 1..=3 {
        house.publish(key(extension), house.call("pbx", "1", CONNECTED)).await;
    }
    house.publish(key(3), house.meeting("meet", "m", Duration::from_secs(600))).await;
    house.publish(key(101), house.call("pbx", "1", CONNECTED)).await;
    let before = house.witness.batches().len();

    let kept = house.call("pbx", "1", CONNECTED);
    let fresh = house.call("pbx", "2", TelephonyStatus::Ringing);
    let receipt = picture(&house, vec![(1, vec![kept]), (4, vec![fresh])]).await;

    assert_eq!((receipt.changed, receipt.withdrawn), (3, 2));
    assert_eq!(receipt.refused, []);
    assert_eq!(receipt.sequence.0, house.sequence(1));
    assert_eq!(house.witness.batches()[before..], [3], "one durable write");
    assert_eq!(house.document(key(2)).unwrap().presence, PresenceStatus::Available);
    assert_eq!(house.document(key(3)).unwrap().claims.len(), 1, "other sources are left alone");
    assert_eq!(house.document(key(101)).unwrap().telephony, CONNECTED, "so is the other account");
    let last = house.witness.records().pop().unwrap();
    assert_eq!(last.event.cause.act, Act::Pictured);
}

#[tokio::test(start_paused = true)]
async fn the_same_picture_again_changes_nothing() {
    let house = House::open().await;
    let claims = vec![(1, vec![house.call("pbx", "1", CONNECTED)]), (2, Vec::new())];
    assert_eq!(picture(&house, claims.clone()).await.changed, 1);

    let again = picture(&house, claims).await;

    assert_eq!((again.changed, again.withdrawn, again.sequence.0), (0, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_refused_part_harms_no_other_part_of_the_picture() {
    let house = House::open().await;
    let queue = Standing { kind: ExtensionType::Department, status: ExtensionStatus::Enabled };
    let change = DirectoryChange::PutExtension(extension(key(5), queue));
    house.registry.apply(vec![change]).await.unwrap();
    let call = house.call("pbx", "1", CONNECTED);

    let claims = [1, 5, 77].map(|extension| (extension, vec![call.clone()]));
    let receipt = picture(&house, claims.to_vec()).await;

    assert_eq!(receipt.changed, 1);
    let refused: Vec<_> = receipt.refused.iter().map(|(id, _)| id.get()).collect();
    assert_eq!(refused, [5, 77]);
    assert!(matches!(receipt.refused[0].1, SubmitError::Refused(_)));
    assert!(matches!(receipt.refused[1].1, SubmitError::UnknownExtension(_)));
}

#[tokio::test(start_paused = true)]
async fn an_extension_named_twice_has_both_parts() {
    let house = House::open().await;
    let one = house.call("pbx", "1", CONNECTED);
    let two = house.call("pbx", "2", TelephonyStatus::OnHold);

    let receipt = picture(&house, vec![(1, vec![one]), (1, vec![two])]).await;

    assert_eq!((receipt.changed, receipt.withdrawn), (1, 0));
    assert_eq!(house.document(key(1)).unwrap().claims.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn claims_of_a_lost_source_are_stale_and_end_after_the_grace() {
    let house = House::open().await;
    house.publish(key(1), house.call("pbx", "1", CONNECTED)).await;
    house.publish(key(2), house.call("other", "1", CONNECTED)).await;

    house.intake.lose(key(1).account, source("pbx")).await.unwrap();

    assert!(house.document(key(1)).unwrap().is_stale());
    assert_eq!(house.document(key(1)).unwrap().telephony, CONNECTED, "it is still shown");
    assert!(!house.document(key(2)).unwrap().is_stale());
    assert_eq!(phase(&house, "pbx"), SourcePhase::Lost(START));
    house.clock.advance(Duration::from_secs(60));
    house
        .until("the stale call is over", |house| {
            house.document(key(1)).unwrap().telephony == TelephonyStatus::NoCall
        })
        .await;
    assert_eq!(house.document(key(2)).unwrap().telephony, CONNECTED);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_comes_back_is_live_and_what_it_confirms_is_fresh() {
    let house = House::open().await;
    house.publish(key(1), house.call("pbx", "1", CONNECTED)).await;
    house.publish(key(2), house.call("pbx", "2", CONNECTED)).await;
    house.intake.lose(key(1).account, source("pbx")).await.unwrap();

    let back = house.publish(key(1), house.call("pbx", "1", CONNECTED)).await;

    assert!(back.changed, "fresh again is something to see");
    assert!(!house.document(key(1)).unwrap().is_stale());
    assert!(house.document(key(2)).unwrap().is_stale(), "not confirmed yet");
    assert_eq!(phase(&house, "pbx"), SourcePhase::Live);

    let receipt = picture(&house, vec![(1, vec![house.call("pbx", "1", CONNECTED)])]).await;
    assert_eq!((receipt.changed, receipt.withdrawn), (1, 1));
    assert_eq!(house.document(key(2)).unwrap().telephony, TelephonyStatus::NoCall);
}

#[tokio::test(start_paused = true)]
async fn losing_a_source_that_nobody_knows_does_nothing() {
    let house = House::open().await;

    house.intake.lose(key(1).account, source("ghost")).await.unwrap();

    assert!(house.intake.sources(key(1).account).is_empty());
    assert_eq!(house.sequence(1), 0);
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_a_source_is_awaited_until_its_picture() {
    let house = House::open().await;
    house.publish(key(1), house.call("pbx", "1", CONNECTED)).await;
    house.publish(key(2), house.call("pbx", "2", CONNECTED)).await;
    let house = house.reopen(Duration::from_secs(3)).await;
    assert!(matches!(phase(&house, "pbx"), SourcePhase::Awaited(_)));

    house.publish(key(1), house.call("pbx", "1", CONNECTED)).await;
    assert!(matches!(phase(&house, "pbx"), SourcePhase::Awaited(_)), "one word is no picture");
    let receipt = picture(&house, vec![(1, vec![house.call("pbx", "1", CONNECTED)])]).await;

    assert_eq!(receipt.withdrawn, 1, "what was taken up is found by source");
    assert_eq!(phase(&house, "pbx"), SourcePhase::Live);
    let report = &house.intake.sources(key(1).account)[0];
    assert_eq!((report.claims, report.last_picture), (1, Some(house.now())));
}

#[tokio::test(start_paused = true)]
async fn a_source_shows_claims_of_its_own_only() {
    let house = House::open().await;
    let foreign = house.call("other", "1", CONNECTED);

    picture(&house, vec![(1, vec![foreign])]).await;

    let claims = house.document(key(1)).unwrap().claims;
    assert_eq!(claims[0].source, source("pbx"));
    assert_eq!(picture(&house, Vec::new()).await.withdrawn, 1);
}
