//! A subscription as it is now: what it asks for, through whose eyes, and where it is told.

use std::sync::Arc;

use bytes::Bytes;
use lampfield_contract::{notification_uuid, write_cloud_event};
use lampfield_core::directory::{App, Extension};
use lampfield_core::subscription::{FilterSet, Subscription, WebhookFormat};
use lampfield_core::visibility::Detail;
use lampfield_core::{ExtensionKey, View, Viewer};

use crate::house::House;
use crate::metrics::{Reason, Transport};
use crate::outgoing::Outgoing;
use crate::watching::{filters_of, sight_now, viewer_of};
use crate::webhook::attempt::{Parcel, Target};

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
            filters: filters_of(registry, &subscription),
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

    /// Decides whether the subscription is told of an event now, and how much.
    pub(super) fn sight(&self, house: &House, event: &Outgoing) -> Option<(Detail, View)> {
        let detail = self.filters.detail_for(event.record().event.key.extension)?;
        let view = sight_now(event, house.journal.newest(), self.viewer, detail);
        if view.is_none() {
            house.metrics.suppressed(Transport::Webhook, Reason::NothingToSee, 1);
        }
        Some((detail, view?))
    }

    /// Makes the notification of an event. The same event always has the same uuid, and the same
    /// content but for what was hidden from the subscription's owner between two attempts.
    pub(super) fn parcel(
        &self,
        house: &House,
        target: &Target,
        event: &Outgoing,
        (detail, view): (Detail, View),
    ) -> Parcel {
        let subscription = &self.subscription;
        let sequence = event.record().event.sequence;
        let uuid = notification_uuid(subscription.id, subscription.account, sequence);
        let envelope = event.envelope(detail, view, house.config.wire);
        let mut body = Vec::with_capacity(512);
        let Subscription { id, account, owner, .. } = **subscription;
        match target.format {
            WebhookFormat::Contract => envelope.splice(&mut body, uuid, id, owner),
            WebhookFormat::CloudEvents => {
                write_cloud_event(&mut body, envelope, uuid, account, id, owner);
            }
        }
        Parcel {
            offset: event.offset(),
            sequence,
            uuid,
            body: Bytes::from(body),
            committed: event.committed(),
        }
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
