//! Who answers requests in these tests: the subscription resource, as far as sockets need it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use lampfield_contract::parse_filter;
use lampfield_core::subscription::{EventFilter, Subscription, Transport};
use lampfield_core::visibility::Detail;
use lampfield_core::{SessionId, SubscriptionId};
use lampfield_journal::{BoxFuture, DirectoryChange};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::gateway::{Gateway, SocketAnswer, SocketEffect, SocketRequest};
use crate::house::House;
use crate::stage::{account, id};

/// Where subscriptions are.
pub(super) const SUBSCRIPTION: &str = "/restapi/v1.0/subscription";

#[derive(Debug)]
pub(super) struct Desk {
    pub(super) house: Arc<House>,
    pub(super) is_alive: AtomicBool,
    /// Requests to `/wait` are answered when there is a permit.
    pub(super) wait: Arc<Semaphore>,
    pub(super) seen: Mutex<Vec<SocketRequest>>,
}

impl Desk {
    pub(super) fn new(house: Arc<House>) -> Arc<Self> {
        Arc::new(Self {
            house,
            is_alive: AtomicBool::new(true),
            wait: Arc::new(Semaphore::new(0)),
            seen: Mutex::default(),
        })
    }
}

impl Gateway for Desk {
    fn call(&self, request: SocketRequest) -> BoxFuture<'static, SocketAnswer> {
        self.seen.lock().push(request.clone());
        let (house, wait) = (Arc::clone(&self.house), Arc::clone(&self.wait));
        Box::pin(async move {
            assert_ne!(request.path, "/panic");
            if request.path == "/wait" {
                wait.acquire().await.unwrap().forget();
                return answer(200, &json!({"waited": true}), SocketEffect::None);
            }
            match request.method.as_str() {
                "POST" => create(&house, &request).await,
                "PUT" => change(&house, &request).await,
                "DELETE" => remove(&house, &request).await,
                _ => answer(
                    404,
                    &json!({"errorCode": "CMN-120", "message": "x"}),
                    SocketEffect::None,
                ),
            }
        })
    }

    fn is_alive(&self, _session: SessionId) -> bool {
        self.is_alive.load(Ordering::SeqCst)
    }
}

/// Body `["account"]`, or a list of extension numbers and of filters as the contract writes them.
fn filters(body: &Bytes) -> Vec<EventFilter> {
    let wanted: Vec<Value> = serde_json::from_slice(body).unwrap();
    wanted
        .iter()
        .map(|one| match (one.as_u64(), one.as_str()) {
            (Some(number), _) => EventFilter::Extension(id(number), Detail::Plain),
            (_, Some("account")) => EventFilter::Account(Detail::Detailed),
            (_, text) => parse_filter(text.unwrap(), account(), id(1)).unwrap(),
        })
        .collect()
}

async fn create(house: &House, request: &SocketRequest) -> SocketAnswer {
    let mut changes = Vec::new();
    if let Some(before) = request.subscription {
        changes.push(DirectoryChange::RemoveSubscription(before));
    }
    let now = house.now();
    let subscription = Subscription {
        id: SubscriptionId(Uuid::new_v4()),
        account: account(),
        owner: request.session.key.extension,
        app: request.session.app.clone(),
        session: request.session.id,
        filters: filters(&request.body),
        disabled: Vec::new(),
        transport: Transport::WebSocket,
        created_at: now,
        lifetime: lampfield_core::subscription::WEBSOCKET_LIFETIME,
        expires_at: now.after(lampfield_core::subscription::WEBSOCKET_LIFETIME),
        status: lampfield_core::subscription::SubscriptionStatus::Active,
        from: house.journal.head(account()).position,
    };
    changes.push(DirectoryChange::PutSubscription(subscription.clone()));
    house.registry.apply(changes).await.unwrap();
    subscribed(subscription)
}

async fn change(house: &House, request: &SocketRequest) -> SocketAnswer {
    let id = request.path.rsplit('/').next().unwrap().parse().unwrap();
    let mut subscription = house.registry.subscription(id).unwrap().as_ref().clone();
    subscription.filters = filters(&request.body);
    let put = DirectoryChange::PutSubscription(subscription.clone());
    house.registry.apply(vec![put]).await.unwrap();
    subscribed(subscription)
}

async fn remove(house: &House, request: &SocketRequest) -> SocketAnswer {
    let id = request.path.rsplit('/').next().unwrap().parse().unwrap();
    house.registry.apply(vec![DirectoryChange::RemoveSubscription(id)]).await.unwrap();
    SocketAnswer { body: Bytes::new(), ..answer(204, &Value::Null, SocketEffect::Unsubscribed(id)) }
}

fn subscribed(subscription: Subscription) -> SocketAnswer {
    let id = subscription.id.to_string();
    let mut answer = answer(
        200,
        &json!({"id": id, "status": "Active"}),
        SocketEffect::Subscribed(Arc::new(subscription)),
    );
    answer.headers.push(("WSG-SubscriptionId".to_owned(), id));
    answer
}

fn answer(status: u16, body: &Value, effect: SocketEffect) -> SocketAnswer {
    SocketAnswer {
        status,
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: Bytes::from(body.to_string()),
        effect,
    }
}
