//! `simulate`: simulated people use a running server, through the own API like any source.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use http::Method;
use lampfield_core::directory::{Account, Extension, Permissions};
use lampfield_core::document::Standing;
use lampfield_core::{
    AccountId, Call, Claim, Clock, ExtensionId, ExtensionKey, ExtensionStatus, ExtensionType, Fact,
    Kind, Registration, SettingsPatch, SourceId, Timestamp,
};
use lampfield_sim::{Act, Office, Pace, Play, TimedAct};
use serde_json::{Map, Value, json};
use smol_str::SmolStr;

use super::directory::{all_extensions, cell};
use crate::cli::{Common, SimulateArgs};
use crate::clock::SystemClock;
use crate::door::{Content, Door};
use crate::exit::{Code, Failure};
use crate::screen::Screen;

/// Between two looks at the clock.
const NAP_MAX: Duration = Duration::from_secs(1);
/// How long the claims of the picture hold: it comes before the first call, so they are registrations.
const PICTURE_LEASE: Duration = Duration::from_secs(3600);
/// Claims that are reported in one request, at most.
const LINES_MAX: usize = 1000;
/// Between two lines of progress.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// Plays until the time is over or it is interrupted, and leaves everybody idle.
pub(super) async fn simulate(
    args: SimulateArgs,
    common: &Common,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let source = SourceId::new(&args.source)?;
    let pace = match args.rate {
        Some(rate) => pace_of(rate)?,
        None => Pace::default(),
    };
    let door = Door::to_server(common)?;
    let office = office_of(&door).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let alone: Vec<&str> = args.left_alone.iter().map(String::as_str).collect();
    let begun = clock.now();
    let mut play = Play::new(&office, args.seed, pace, &alone, begun);
    // What is there from the beginning is told by the picture.
    drop(play.next(begun));
    let mut stage = Stage { door: &door, source: &source, sent: 0, refused: 0 };
    stage.picture(&play).await?;
    screen.notice(&format!("{} extensions, seed {}", office.extensions.len(), args.seed));
    let mut told = begun;
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        let now = clock.now();
        stage.carry(play.next(now)).await?;
        if now.since(told) >= PROGRESS_EVERY {
            told = now;
            screen.notice(&stage.report(now.since(begun)));
        }
        if args.lasting.is_some_and(|lasting| now.since(begun) >= lasting) {
            break;
        }
        let due = play.next_at().map_or(NAP_MAX, |due| due.since(clock.now())).min(NAP_MAX);
        tokio::select! {
            _ = &mut interrupted => break,
            () = tokio::time::sleep(due.max(Duration::from_millis(1))) => {}
        }
    }
    stage.carry(play.end(clock.now())).await?;
    screen.say(&stage.report(clock.now().since(begun)))?;
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be between 0.001 and 100,000"
)]
fn pace_of(rate: f64) -> anyhow::Result<Pace> {
    if !(0.001..=100_000.0).contains(&rate) {
        let message = "--rate is between 0.001 and 100000 changes a second";
        return Err(Failure::new(Code::Usage, message).into());
    }
    Ok(Pace::per_1000_seconds((rate * 1000.0) as u64))
}

/// Reads who there is from the server.
async fn office_of(door: &Door) -> anyhow::Result<Office> {
    let everyone = all_extensions(door, None).await?;
    let account = AccountId::new(1)?;
    let extensions: anyhow::Result<Vec<Extension>> =
        everyone.iter().map(|one| extension_of(account, one)).collect();
    let account = Account {
        id: account,
        name: Box::default(),
        main_number: SmolStr::default(),
        created_at: Timestamp(0),
    };
    Ok(Office { account, extensions: extensions? })
}

fn extension_of(account: AccountId, one: &Value) -> anyhow::Result<Extension> {
    let id: ExtensionId =
        cell(&one["id"]).parse().context("the server names an extension oddly")?;
    let words = |member: &str| one[member].as_array().map_or(&[][..], Vec::as_slice);
    Ok(Extension {
        key: ExtensionKey { account, extension: id },
        number: SmolStr::new(cell(&one["number"])),
        name: cell(&one["name"]).into(),
        email: Box::default(),
        standing: Standing {
            kind: ExtensionType::parse(&cell(&one["type"])).unwrap_or(ExtensionType::Unknown),
            status: ExtensionStatus::parse(&cell(&one["status"]))
                .unwrap_or(ExtensionStatus::Enabled),
        },
        groups: words("groups").iter().map(|group| SmolStr::new(cell(group))).collect(),
        queues: words("queues").iter().filter_map(|queue| cell(queue).parse().ok()).collect(),
        editable_member_status: true,
        permissions: Permissions::NONE,
    })
}

/// Carries acts to the server.
struct Stage<'a> {
    door: &'a Door,
    source: &'a SourceId,
    sent: u64,
    refused: u64,
}

impl Stage<'_> {
    /// Shows the full picture, as every source does first.
    async fn picture(&mut self, play: &Play) -> anyhow::Result<()> {
        let extensions: Vec<Value> = play
            .picture(self.source)
            .into_iter()
            .map(|(extension, claims)| pictured(extension, &claims))
            .collect();
        let path = self.door.of_account(&format!("/sources/{}/picture", self.source));
        let lease = PICTURE_LEASE.as_secs();
        let picture = json!({ "extensions": extensions, "leaseSeconds": lease });
        self.door.json(Method::PUT, &path, Some(picture)).await?;
        Ok(())
    }

    /// Carries acts in their order: claims many at a time, choices one by one.
    async fn carry(&mut self, acts: Vec<TimedAct>) -> anyhow::Result<()> {
        let mut lines: Vec<String> = Vec::new();
        for TimedAct { act, .. } in acts {
            match act {
                Act::Configure { extension, patch } => {
                    self.report_claims(&mut lines).await?;
                    self.choose(extension, &patch).await?;
                }
                claimed => lines.extend(line_of(&claimed).map(|line| line.to_string())),
            }
            if lines.len() >= LINES_MAX {
                self.report_claims(&mut lines).await?;
            }
        }
        self.report_claims(&mut lines).await
    }

    async fn report_claims(&mut self, lines: &mut Vec<String>) -> anyhow::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let path = self.door.of_account(&format!("/sources/{}/batch", self.source));
        let content = Content::Lines(lines.join("\n"));
        let reply = self.door.ask(Method::POST, &path, content).await?;
        lines.clear();
        for line in reply.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let told: Value = serde_json::from_slice(line).context("an answer is not JSON")?;
            if told["errorCode"].is_null() {
                self.sent += 1;
            } else {
                self.refused += 1;
                tracing::warn!(message = %cell(&told["message"]), "a claim was refused");
            }
        }
        Ok(())
    }

    async fn choose(
        &mut self,
        extension: ExtensionId,
        patch: &SettingsPatch,
    ) -> anyhow::Result<()> {
        let place = self.door.of_account(&format!("/extensions/{extension}/presence"));
        match self.door.json(Method::PUT, &place, Some(patch_of(patch))).await {
            Ok(_) => self.sent += 1,
            Err(error) if crate::exit::code_of(&error) == Code::Failed => {
                self.refused += 1;
                tracing::warn!(%error, "a choice was refused");
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn report(&self, lasting: Duration) -> String {
        let seconds = lasting.as_secs().max(1);
        let (sent, rate) = (self.sent, self.sent / seconds);
        let refused = match self.refused {
            0 => String::new(),
            refused => format!(", {refused} refused"),
        };
        format!("{sent} acts in {seconds} s, {rate} a second{refused}")
    }
}

/// Returns a claim's act as a line of a batch; a choice is none.
fn line_of(act: &Act) -> Option<Value> {
    let (extension, kind, body) = match act {
        Act::Publish { extension, claim, fact, lease } => {
            let mut body = fact_of(fact);
            body.insert("id".to_owned(), json!(claim.as_str()));
            body.insert("leaseSeconds".to_owned(), json!(lease.as_secs()));
            (extension, act.kind()?, Value::Object(body))
        }
        Act::Withdraw { extension, kind, claim } => {
            (extension, *kind, json!({ "id": claim.as_str() }))
        }
        Act::Configure { .. } => return None,
    };
    let mut line = json!({ "extension": extension.to_string(), kind.as_str(): body });
    if matches!(act, Act::Withdraw { .. }) {
        line["withdraw"] = json!(true);
    }
    Some(line)
}

fn fact_of(fact: &Fact) -> Map<String, Value> {
    let value = match fact {
        Fact::Call(call) => call_of(call),
        Fact::Meeting(status) => json!({ "meetingStatus": status.as_str() }),
        Fact::Registration(registration) => {
            json!({ "registered": *registration == Registration::Registered })
        }
        Fact::Dnd(dnd) => json!({ "dndStatus": dnd.as_str() }),
        Fact::UserStatus(user) => json!({ "userStatus": user.as_str() }),
    };
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn call_of(call: &Call) -> Value {
    json!({
        "telephonyStatus": call.telephony_status.as_str(),
        "direction": call.direction.as_str(),
        "queueCall": call.queue_call,
        "from": call.from.as_deref(),
        "to": call.to.as_deref(),
        "fromName": call.from_name.as_deref(),
        "toName": call.to_name.as_deref(),
        "startTime": call.start_time.map(lampfield_contract::format_timestamp),
        "sessionId": call.session_id.as_str(),
        "telephonySessionId": call.telephony_session_id.as_deref(),
        "partyId": call.party_id.as_deref(),
    })
}

fn patch_of(patch: &SettingsPatch) -> Value {
    super::directory::without_nulls(json!({
        "userStatus": patch.user_status.map(lampfield_core::UserStatus::as_str),
        "dndStatus": patch.dnd_status.map(lampfield_core::DndStatus::as_str),
        "message": patch.message.as_deref(),
    }))
}

fn pictured(extension: ExtensionId, claims: &[Claim]) -> Value {
    let of_kind = |kind: Kind| -> Vec<Value> {
        let claims = claims.iter().filter(|claim| claim.kind() == kind);
        claims
            .map(|claim| {
                let mut body = fact_of(&claim.fact);
                body.insert("id".to_owned(), json!(claim.id.as_str()));
                Value::Object(body)
            })
            .collect()
    };
    json!({
        "extension": extension.to_string(),
        "calls": of_kind(Kind::Call),
        "meetings": of_kind(Kind::Meeting),
        "registrations": of_kind(Kind::Registration),
        "dnd": of_kind(Kind::Dnd),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_claim_becomes_a_line_that_names_one_kind() {
        let office = Office::demo(1, Timestamp(0)).unwrap();
        let mut play = Play::new(&office, 1, Pace::default(), &[], Timestamp(0));
        for timed in play.next(Timestamp(3_600_000)) {
            let Some(line) = line_of(&timed.act) else {
                assert!(matches!(timed.act, Act::Configure { .. }));
                continue;
            };
            let kinds: Vec<&str> = Kind::ALL
                .iter()
                .map(|kind| kind.as_str())
                .filter(|kind| line[*kind]["id"].is_string())
                .collect();
            assert_eq!(kinds.len(), 1, "{line}");
            match timed.act {
                Act::Publish { lease, .. } => {
                    assert_eq!(line[kinds[0]]["leaseSeconds"], lease.as_secs());
                }
                _ => assert_eq!(line["withdraw"], true),
            }
        }
    }

    #[test]
    fn a_rate_is_a_sensible_number() {
        assert!(pace_of(0.5).is_ok());
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
            assert!(pace_of(wrong).is_err(), "{wrong}");
        }
    }
}
