//! `POST /restapi/v1.0/subscription`.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use lampfield_contract::{ApiError, SubscriptionRequest, TransportRequest};
use lampfield_core::SubscriptionId;
use lampfield_core::directory::Scopes;
use lampfield_core::subscription::{SigningKeys, Subscription, SubscriptionStatus, Transport};
use lampfield_delivery::webhook::HandshakeError;
use lampfield_journal::DirectoryChange;

use crate::auth::Caller;
use crate::edge::{Answer, Base, Payload, Refusal};
use crate::over_socket::SocketContext;
use crate::state::ApiState;
use crate::subscription::filters::{Judged, judge};
use crate::subscription::find::{Show, of_caller};

/// Makes a subscription. A webhook's receiver is asked first; one on a socket takes the place of
/// the one that was there.
pub(super) async fn create(
    State(state): State<ApiState>,
    caller: Caller,
    base: Base,
    context: Option<Extension<SocketContext>>,
    Payload(body): Payload,
) -> Answer {
    let context = context.as_deref();
    let asked = SubscriptionRequest::parse(&body)?;
    let id = SubscriptionId(state.secrets.random_id()?);
    let transport = match &asked.transport {
        TransportRequest::WebHook { address, verification_token, format, signing_secret } => {
            caller.need_scope(Scopes::SUBSCRIPTION_WEBHOOK)?;
            let sealed = signing_secret.as_ref().map(|secret| state.secrets.seal(id, secret));
            Transport::WebHook {
                address: address.clone(),
                verification_token: verification_token.clone(),
                format: *format,
                signing: sealed.transpose()?.map(SigningKeys::of).unwrap_or_default(),
            }
        }
        // A socket is told on the socket: over HTTP there is none.
        TransportRequest::WebSocket if context.is_none() => {
            return Err(ApiError::invalid_parameter("deliveryMode.transportType").into());
        }
        TransportRequest::WebSocket => {
            caller.need_scope(Scopes::WEBSOCKET)?;
            Transport::WebSocket
        }
    };
    let judged = judge(&state, &caller, &asked.event_filters, asked.lifetime())?;
    let replaced =
        context.and_then(|it| it.subscription).filter(|_| transport == Transport::WebSocket);
    check_limit(&state, &caller, replaced)?;
    if let Transport::WebHook { address, .. } = &transport {
        state.delivery.webhooks().validate(address).await.map_err(|error| refused(&error))?;
    }
    let made = store(&state, &caller, id, replaced, &asked, transport, judged).await?;
    Ok(Show::new(base, context).changed(&state, made))
}

/// Tells what a receiver's refusal means to whoever wants to subscribe.
pub(super) fn refused(error: &HandshakeError) -> ApiError {
    match error {
        HandshakeError::InvalidAddress => ApiError::invalid_parameter("deliveryMode.address"),
        HandshakeError::TokenNotReturned => ApiError::validation_token_not_returned(),
        HandshakeError::NotReachable => ApiError::webhook_unreachable(),
        HandshakeError::HttpsRequired => ApiError::https_required(),
        HandshakeError::InvalidCertificate => ApiError::certificate_invalid(),
        HandshakeError::InvalidAnswer => ApiError::webhook_response_invalid(),
    }
}

fn check_limit(
    state: &ApiState,
    caller: &Caller,
    replaced: Option<SubscriptionId>,
) -> Result<(), ApiError> {
    let now = state.now();
    let counts = |one: &&Arc<Subscription>| {
        Some(one.id) != replaced && (one.is_socket() || !one.is_expired(now))
    };
    let count = of_caller(state, caller).iter().filter(counts).count();
    if count >= state.config.subscriptions_max {
        Err(ApiError::subscriptions_limit())
    } else {
        Ok(())
    }
}

async fn store(
    state: &ApiState,
    caller: &Caller,
    id: SubscriptionId,
    replaced: Option<SubscriptionId>,
    asked: &SubscriptionRequest,
    transport: Transport,
    judged: Judged,
) -> Result<Arc<Subscription>, Refusal> {
    let _checking = state.registry.checking().await;
    check_limit(state, caller, replaced)?;
    let account = caller.account();
    let now = state.now();
    let lifetime = asked.lifetime();
    let made = Subscription {
        id,
        account,
        owner: caller.key().extension,
        app: caller.session.app.clone(),
        session: caller.session.id,
        filters: judged.active,
        disabled: judged.disabled,
        transport,
        created_at: now,
        lifetime,
        expires_at: now.after(lifetime),
        status: SubscriptionStatus::Active,
        // Read before it is stored: what is committed in between is told, not lost.
        from: state.journal.head(account).position,
    };
    let removed = replaced.map(DirectoryChange::RemoveSubscription);
    let put = DirectoryChange::PutSubscription(made.clone());
    state.registry.apply(removed.into_iter().chain([put]).collect()).await?;
    if !made.is_socket() {
        state.delivery.subscription_changed(id);
    }
    Ok(Arc::new(made))
}
