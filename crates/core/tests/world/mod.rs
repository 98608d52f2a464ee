//! Presentities, claims and histories for the laws.

use std::time::Duration;

use lampfield_core::{
    AccountId, Call, Claim, ClaimId, Command, Direction, DndStatus, Document, ExtensionId,
    ExtensionKey, ExtensionStatus, ExtensionType, Fact, Kind, MeetingStatus, Policy, Presentity,
    SettingsPatch, SourceId, Standing, TelephonyStatus, Timestamp, UserStatus,
};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// An hour in milliseconds.
pub(crate) const HOUR: i64 = 3_600_000;
/// After every moment of [`any_history`].
pub(crate) const LATER: Timestamp = Timestamp(2 * HOUR);

pub(crate) fn key() -> ExtensionKey {
    ExtensionKey {
        account: AccountId::new(1).expect("positive"),
        extension: ExtensionId::new(101).expect("positive"),
    }
}

pub(crate) fn idle_person() -> Presentity {
    let standing = Standing { kind: ExtensionType::User, status: ExtensionStatus::Enabled };
    Presentity::new(key(), Document::initial(standing, Policy::default(), Timestamp(0)))
}

pub(crate) fn call(telephony_status: TelephonyStatus) -> Call {
    Call {
        telephony_status,
        direction: Direction::Inbound,
        queue_call: false,
        from: None,
        to: None,
        from_name: None,
        to_name: None,
        start_time: None,
        session_id: "1".into(),
        telephony_session_id: None,
        party_id: None,
        sip: None,
    }
}

pub(crate) fn call_claim(source: &str, id: &str, status: TelephonyStatus, now: Timestamp) -> Claim {
    let source = SourceId::new(source).expect("a name");
    let id = ClaimId::new(id).expect("a name");
    Claim::new(source, id, Fact::Call(Box::new(call(status))), now, Duration::from_secs(14_400))
}

pub(crate) fn any_call() -> impl Strategy<Value = Call> {
    let status = select(TelephonyStatus::ALL);
    let from = option::of(select(&["+12025550100", "101"][..]));
    (status, from, any::<bool>()).prop_map(|(status, from, queue_call)| Call {
        from: from.map(Into::into),
        queue_call,
        ..call(status)
    })
}

fn any_fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        4 => any_call().prop_map(|call| Fact::Call(Box::new(call))),
        1 => select(MeetingStatus::ALL).prop_map(Fact::Meeting),
        1 => select(DndStatus::ALL).prop_map(Fact::Dnd),
        1 => select(UserStatus::ALL).prop_map(Fact::UserStatus),
    ]
}

fn any_source() -> impl Strategy<Value = SourceId> {
    select(&["pbx", "calendar"][..]).prop_map(|name| SourceId::new(name).expect("a name"))
}

fn any_id() -> impl Strategy<Value = ClaimId> {
    select(&["a", "b", "c"][..]).prop_map(|name| ClaimId::new(name).expect("a name"))
}

pub(crate) fn any_claim() -> impl Strategy<Value = Claim> {
    (any_source(), any_id(), any_fact(), 1..4 * HOUR).prop_map(|(source, id, fact, lease)| {
        let lease = Duration::from_millis(lease.unsigned_abs());
        Claim::new(source, id, fact, Timestamp(0), lease)
    })
}

fn any_patch() -> impl Strategy<Value = SettingsPatch> {
    (
        option::of(select(UserStatus::ALL)),
        option::of(select(DndStatus::ALL)),
        option::of(any::<bool>()),
        option::of(select(&["", "lunch"][..])),
        option::of(LATER.0..LATER.0 + HOUR),
    )
        .prop_map(|(user_status, dnd_status, allowed, message, until)| SettingsPatch {
            user_status,
            dnd_status,
            allow_see_my_presence: allowed,
            message: message.map(Into::into),
            until: until.map(Timestamp),
            ..SettingsPatch::default()
        })
}

pub(crate) fn any_command() -> impl Strategy<Value = Command> {
    prop_oneof![
        5 => any_claim().prop_map(Command::Publish),
        2 => (any_source(), any_id(), select(Kind::ALL))
            .prop_map(|(source, claim, kind)| Command::Withdraw { source, kind, claim }),
        1 => any_picture(),
        1 => any_source().prop_map(|source| Command::Lose {
            source,
            grace: Duration::from_secs(60),
        }),
        2 => any_patch().prop_map(Command::Configure),
        1 => select(ExtensionStatus::ALL).prop_map(|status| Command::Stand(Standing {
            kind: ExtensionType::User,
            status,
        })),
        1 => Just(Command::Expire),
    ]
}

fn any_picture() -> impl Strategy<Value = Command> {
    (any_source(), prop::collection::vec(any_claim(), 0..3)).prop_map(|(source, claims)| {
        let claims = claims.into_iter().map(|claim| Claim { source: source.clone(), ..claim });
        Command::Picture { claims: distinct(claims.collect()), source }
    })
}

/// Commands with rising times before [`LATER`].
pub(crate) fn any_history() -> impl Strategy<Value = Vec<(Command, Timestamp)>> {
    prop::collection::vec((any_command(), 0..HOUR / 16), 0..16).prop_map(|steps| {
        let mut now = 0;
        let mut history = Vec::new();
        for (command, wait) in steps {
            now += wait;
            history.push((command, Timestamp(now)));
        }
        history
    })
}

/// Keeps the first claim about each thing.
pub(crate) fn distinct(claims: Vec<Claim>) -> Vec<Claim> {
    let mut kept: Vec<Claim> = Vec::new();
    for claim in claims {
        if !kept.iter().any(|other| other.is_about_the_same_as(&claim)) {
            kept.push(claim);
        }
    }
    kept
}

/// Shuffles by a seed.
pub(crate) fn shuffle<T>(items: &mut [T], mut seed: u64) {
    for end in (1..items.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let pick = usize::try_from(seed >> 33).unwrap_or(0) % (end + 1);
        items.swap(end, pick);
    }
}
