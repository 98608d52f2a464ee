//! The simulated people of the demo: their phones and choices enter like any source's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lampfield_core::{
    Clock, Command, DndStatus, ExtensionId, ExtensionKey, SettingsPatch, SourceId, Timestamp,
    UserStatus,
};
use lampfield_engine::{Intake, Order};
use lampfield_sim::office::{OTHER, YOU};
use lampfield_sim::{Act, Office, Pace, Play, TimedAct};
use tokio::task::JoinHandle;

use crate::assembly::House;

/// As which source the demo's phones and meetings report.
const SOURCE: &str = "demo-office";
/// The play has been going on for this long when the doors open, so that the office is alive at once.
const BEFORE: Duration = Duration::from_secs(600);
/// Between two looks at the clock, at most: the machine may have slept.
const NAP_MAX: Duration = Duration::from_secs(1);

/// Shows the picture of an office in full swing, and goes on from there.
///
/// # Errors
/// When the picture is not taken.
pub(super) async fn start(
    house: &House,
    office: &Office,
    seed: u64,
) -> anyhow::Result<JoinHandle<()>> {
    let source = SourceId::new(SOURCE)?;
    let now = house.clock.now();
    let begun = Timestamp(now.0.saturating_sub(i64::try_from(BEFORE.as_millis())?));
    let mut play = Play::new(office, seed, Pace::default(), &[YOU, OTHER], begun);
    let past = play.next(now);
    let account = office.account.id;
    let picture = play.picture(&source);
    house.intake.picture(account, source.clone(), picture, now).await?;
    let orders = choices(office, past, now);
    for result in house.intake.submit_all(orders).await {
        result?;
    }
    let driver = Driver {
        play,
        source,
        office: office.clone(),
        intake: house.intake.clone(),
        clock: Arc::clone(&house.clock),
    };
    Ok(tokio::spawn(driver.run()))
}

/// Withdraws what an earlier start with calls may have left behind.
///
/// # Errors
/// When that is not taken.
pub(super) async fn clear(house: &House, office: &Office) -> anyhow::Result<()> {
    let source = SourceId::new(SOURCE)?;
    let account = office.account.id;
    if house.intake.sources(account).iter().any(|report| report.source == source) {
        house.intake.picture(account, source, Vec::new(), house.clock.now()).await?;
    }
    Ok(())
}

/// Folds the choices of the past into one order a person: what an earlier start left behind goes,
/// what the play has come to holds.
fn choices(office: &Office, past: Vec<TimedAct>, now: Timestamp) -> Vec<Order> {
    let mut latest: BTreeMap<ExtensionId, SettingsPatch> = BTreeMap::new();
    for one in &office.extensions {
        let alone = [YOU, OTHER].contains(&one.number.as_str());
        if one.standing.kind.is_writable() && one.standing.status.is_live() && !alone {
            let fresh = SettingsPatch {
                user_status: Some(UserStatus::Available),
                dnd_status: Some(DndStatus::TakeAllCalls),
                message: Some(Box::default()),
                ..SettingsPatch::default()
            };
            latest.insert(one.key.extension, fresh);
        }
    }
    for timed in past {
        if let Act::Configure { extension, patch } = timed.act
            && let Some(held) = latest.get_mut(&extension)
        {
            held.user_status = patch.user_status.or(held.user_status);
            held.dnd_status = patch.dnd_status.or(held.dnd_status);
            held.message = patch.message.or_else(|| held.message.take());
        }
    }
    let account = office.account.id;
    let order = |(extension, patch)| Order {
        key: ExtensionKey { account, extension },
        command: Command::Configure(patch),
        observed_at: now,
    };
    latest.into_iter().map(order).collect()
}

struct Driver {
    play: Play,
    source: SourceId,
    office: Office,
    intake: Intake,
    clock: Arc<dyn Clock>,
}

impl Driver {
    async fn run(mut self) {
        loop {
            let now = self.clock.now();
            let orders = self.orders(now);
            if !orders.is_empty() {
                for result in self.intake.submit_all(orders).await {
                    if let Err(error) = result {
                        tracing::warn!(%error, "a simulated change was not taken");
                    }
                }
            }
            if !self.intake.is_open() {
                return;
            }
            let due = self.play.next_at().map_or(NAP_MAX, |due| due.since(self.clock.now()));
            tokio::time::sleep(due.clamp(Duration::from_millis(1), NAP_MAX)).await;
        }
    }

    fn orders(&mut self, now: Timestamp) -> Vec<Order> {
        let account = self.office.account.id;
        let acts = self.play.next(now);
        let order = |timed: TimedAct| Order {
            key: ExtensionKey { account, extension: timed.act.extension() },
            // After a long sleep of the machine the leases still begin now.
            command: timed.act.into_command(&self.source, now),
            observed_at: timed.at,
        };
        acts.into_iter().map(order).collect()
    }
}
