//! A subscription as it is now: what it asks for, through whose eyes, and where it is told.

use std::sync::Arc;

use bytes::Bytes;
use lampfield_contract::{SharedEnvelope, reminder_uuid, write_cloud_event};
use lampfield_core::directory::{App, Extension};
use lampfield_core::subscription::{FilterSet, Reminder, Subscription, WebhookFormat};
use lampfield_core::{ExtensionKey, Sequence, Timestamp, View, Viewer};
use uuid::Uuid;

use crate::house::House;
use crate::metrics::{Reason, Transport};
use crate::outgoing::Outgoing;
use crate::watching::{
    Telling, filters_of, follow_lists, rewind_lists, telling_now, tellings, viewer_of,
};
use crate::webhook::attempt::{Parcel, Target};
use crate::webhook::window::Place;

/// What of the directory decides about a subscription's deliveries, arranged for use.
#[derive(Debug)]
pub(super) struct Eyes {
    pub(super) subscription: Arc<Subscription>,
    pub(super) target: Option<Arc<Target>>,
    owner: Option<Arc<Extension>>,
    app: Option<Arc<App>>,
    filters: FilterSet,
    viewer: Viewer,
}

impl Eyes {
    pub(super) fn of(house: &House, subscription: Arc<Subscription>) -> Self {
        let registry = &house.registry;
        Self {
            target: Target::of(house.config.vault.as_ref(), &subscription).map(Arc::new),
            owner: registry.extension(owner_of(&subscription)),
            app: registry.app(&subscription.app),
            filters: filters_of(registry, house.journal.newest(), &subscription),
            viewer: viewer_of(registry, &subscription, house.config.administrators_see_all),
            subscription,
        }
    }

    /// Takes note of what has changed in the directory; `None` when the subscription is gone.
    pub(super) fn looked_up_again(self, house: &House) -> Option<Self> {
        let subscription = house.registry.subscription(self.subscription.id)?;
        let owner = house.registry.extension(owner_of(&subscription));
        let app = house.registry.app(&subscription.app);
        let is_same = Arc::ptr_eq(&subscription, &self.subscription)
            && is_same(owner.as_ref(), self.owner.as_ref())
            && is_same(app.as_ref(), self.app.as_ref());
        Some(if is_same { self } else { Self::of(house, subscription) })
    }

    /// Goes back to the lists that were followed before `events`.
    pub(super) fn rewind(&mut self, events: &[Arc<Outgoing>]) {
        if !self.filters.is_simple() {
            rewind_lists(&mut self.filters, events);
        }
    }

    /// Returns what the subscription is to be told of an event, and follows the lists that it changes.
    pub(super) fn tellings(&mut self, house: &House, event: &Outgoing) -> Vec<Telling> {
        let mut tellings = tellings(&house.registry, &self.filters, event);
        tellings.retain(|telling| self.sight(house, event, *telling).is_some());
        if !self.filters.is_simple() {
            follow_lists(&mut self.filters, event);
        }
        tellings
    }

    /// Decides how much of one notification is told now; `None` when it is not, or not wanted any
    /// more. Who was on a list then is told of, on whatever list they are now.
    pub(super) fn sight(
        &self,
        house: &House,
        event: &Outgoing,
        telling: Telling,
    ) -> Option<(Telling, View)> {
        let key = event.record().event.key;
        let telling = match telling {
            Telling::Presence(then) => match self.filters.detail_for(key.extension) {
                Some(detail) => Telling::Presence(detail),
                None if self.filters.followed().is_empty() => return None,
                None => Telling::Presence(then),
            },
            Telling::Notice(notice) => {
                let is_member = |_| true;
                let wanted = self.filters.notices(key.extension, event.changes(), is_member);
                wanted.contains(&notice).then_some(telling)?
            }
        };
        let view = telling_now(event, house.journal.newest(), self.viewer, telling);
        if view.is_none() {
            house.metrics.suppressed(Transport::Webhook, Reason::NothingToSee, 1);
        }
        Some((telling, view?))
    }

    /// Makes a reminder to renew the subscription.
    pub(super) fn reminder(
        &self,
        target: &Target,
        reminder: &Reminder,
        due_at: Timestamp,
        now: Timestamp,
    ) -> Parcel {
        let subscription = &self.subscription;
        let envelope = SharedEnvelope::of_reminder(reminder, subscription.expires_at, now);
        let uuid = reminder_uuid(subscription.id, subscription.account, due_at);
        let body = self.body(target, &envelope, uuid);
        Parcel { place: None, sequence: Sequence::default(), uuid, body, committed: None }
    }

    /// Makes the notification of an event. The same one always has the same uuid, and the same
    /// content but for what was hidden from the subscription's owner between two attempts.
    pub(super) fn parcel(
        &self,
        house: &House,
        target: &Target,
        event: &Outgoing,
        (telling, view): (Telling, View),
    ) -> Parcel {
        let envelope = event.telling(telling, view, house.config.wire);
        let uuid = telling.uuid(&self.subscription, event);
        Parcel {
            place: Some(Place { offset: event.offset(), kind: telling.kind() }),
            sequence: event.record().event.sequence,
            uuid,
            body: self.body(target, &envelope, uuid),
            committed: event.committed(),
        }
    }

    /// Writes what is sent, in the form that the subscription asks for.
    fn body(&self, target: &Target, envelope: &SharedEnvelope, uuid: Uuid) -> Bytes {
        let mut body = Vec::with_capacity(512);
        let Subscription { id, account, owner, .. } = *self.subscription;
        match target.format {
            WebhookFormat::Contract => envelope.splice(&mut body, uuid, id, owner),
            WebhookFormat::CloudEvents => {
                write_cloud_event(&mut body, envelope, uuid, account, id, owner);
            }
        }
        Bytes::from(body)
    }
}

fn owner_of(subscription: &Subscription) -> ExtensionKey {
    ExtensionKey { account: subscription.account, extension: subscription.owner }
}

fn is_same<T>(a: Option<&Arc<T>>, b: Option<&Arc<T>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}
