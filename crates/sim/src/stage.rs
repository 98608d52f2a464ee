//! What is to be seen on the stage of a play: live claims with their leases.

use std::collections::BTreeMap;
use std::time::Duration;

use lampfield_core::{Claim, ClaimId, ExtensionId, Fact, SettingsPatch, SourceId, Timestamp};

use crate::act::{Act, TimedAct, kind_of};

/// Live claims, and the acts that have brought them there and were not yet handed out.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    props: BTreeMap<(ExtensionId, ClaimId), Prop>,
    acts: Vec<TimedAct>,
}

#[derive(Debug)]
struct Prop {
    fact: Fact,
    since: Timestamp,
    expires_at: Timestamp,
    lease: Duration,
}

impl Stage {
    /// Says something of an extension. Returns when it must be confirmed.
    pub(crate) fn publish(
        &mut self,
        at: Timestamp,
        extension: ExtensionId,
        claim: &ClaimId,
        fact: Fact,
        lease: Duration,
    ) -> Timestamp {
        let since = self.props.get(&(extension, claim.clone())).map_or(at, |prop| prop.since);
        let prop = Prop { fact: fact.clone(), since, expires_at: at.after(lease), lease };
        self.props.insert((extension, claim.clone()), prop);
        let act = Act::Publish { extension, claim: claim.clone(), fact, lease };
        self.acts.push(TimedAct { at, act });
        at.after(lease / 2)
    }

    /// Confirms a claim that still lives. Returns when it must be confirmed again.
    pub(crate) fn confirm(
        &mut self,
        at: Timestamp,
        extension: ExtensionId,
        claim: &ClaimId,
    ) -> Option<Timestamp> {
        let prop = self.props.get(&(extension, claim.clone()))?;
        let due = prop.expires_at.since(at) <= prop.lease / 2;
        if !due {
            // It was changed, and so confirmed, in the meantime; that confirmation has its own turn.
            return None;
        }
        let (fact, lease) = (prop.fact.clone(), prop.lease);
        Some(self.publish(at, extension, claim, fact, lease))
    }

    /// Takes back what was said.
    pub(crate) fn withdraw(&mut self, at: Timestamp, extension: ExtensionId, claim: &ClaimId) {
        if let Some(prop) = self.props.remove(&(extension, claim.clone())) {
            let kind = kind_of(&prop.fact);
            let act = Act::Withdraw { extension, kind, claim: claim.clone() };
            self.acts.push(TimedAct { at, act });
        }
    }

    /// Changes settings.
    pub(crate) fn configure(
        &mut self,
        at: Timestamp,
        extension: ExtensionId,
        patch: SettingsPatch,
    ) {
        self.acts.push(TimedAct { at, act: Act::Configure { extension, patch } });
    }

    /// Hands out the acts so far.
    pub(crate) fn take_acts(&mut self) -> Vec<TimedAct> {
        std::mem::take(&mut self.acts)
    }

    /// Returns everything that is claimed now, by extension.
    pub(crate) fn picture(&self, source: &SourceId) -> Vec<(ExtensionId, Vec<Claim>)> {
        let mut picture: Vec<(ExtensionId, Vec<Claim>)> = Vec::new();
        for ((extension, id), prop) in &self.props {
            let claim = Claim {
                source: source.clone(),
                id: id.clone(),
                fact: prop.fact.clone(),
                since: prop.since,
                observed_at: prop.since,
                expires_at: prop.expires_at,
                stale_since: None,
            };
            match picture.last_mut() {
                Some((last, claims)) if last == extension => claims.push(claim),
                _ => picture.push((*extension, vec![claim])),
            }
        }
        picture
    }
}
