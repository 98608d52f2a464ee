//! The RingCentral wire: event and presence JSON, filters, errors, paging, WebSocket frames, OAuth
//! bodies. Pure: no socket, no clock, no state; who may see what is decided elsewhere.
//!
//! - Events out: [`SharedEnvelope`] holds what all receivers of one event share, [`write_body`] and
//!   [`write_event_path`] are its parts, [`notification_uuid`] names each notification.
//!   [`parse_envelope`] is the other end.
//! - REST: [`presence_resource`], [`account_presence`], [`parse_presence_update`], [`PageRequest`] and
//!   [`Page`], [`ApiError`].
//! - Lists and queues: [`line_resource`], [`favorite_list`], [`call_queue`], [`queue_member`],
//!   [`agent_queue`], [`unified_presence`] and their parsers.
//! - Subscriptions: [`SubscriptionRequest`], [`parse_filter`] and [`write_filter`],
//!   [`subscription_info`].
//!   [`write_cloud_event`] and [`SigningSecret`] are for webhooks beyond RingCentral's.
//! - Log-in: [`AuthorizationRequest`] and [`AuthorizationWish`], [`TokenRequest`],
//!   [`token_response`], [`OauthError`].
//! - Sockets: [`parse_client_frame`] in, [`write_connection_details`] and its neighbours out.
//!
//! Addresses in answers are absolute: each writer takes a `base_uri`, which is scheme, host and what
//! may stand before `/restapi`, without a slash at its end.

mod authorize;
mod cloud_event;
mod envelope;
mod error;
mod event;
mod favorites;
mod filter;
mod foreign;
mod json;
mod lines;
mod notices;
mod notification;
mod oauth;
mod oauth_error;
mod options;
mod paging;
mod presence;
mod query;
mod queues;
mod server_frames;
mod shared;
mod signing_secret;
mod subscription;
mod timestamp;
mod unified;
mod update;
mod websocket;

pub use authorize::{
    AuthorizationRequest, AuthorizationWish, CODE_SECONDS, Challenge, ChallengeMethod, STATE_MAX,
    is_verifier,
};
pub use cloud_event::{CLOUD_EVENT_TYPE, write_cloud_event};
pub use envelope::{Body, BodyCall, BodySip, Envelope, EnvelopeError, parse_envelope};
pub use error::ApiError;
pub use event::{BodySource, write_body, write_body_of, write_event_path};
pub use favorites::{favorite_list, parse_favorites};
pub use filter::{FILTER_MAX, FILTERS_MAX, FilterError, parse_filter, write_filter};
pub use json::{JSON_DEPTH_MAX, is_too_deep};
pub use lines::{OWN_LINES, line_resource, lines_uri, parse_lines};
pub use notification::{notice_uuid, notification_uuid, reminder_uuid};
pub use oauth::{
    ACCESS_TTL, Grant, IssuedTokens, REFRESH_TTL, REFRESH_TTL_DEFAULT, SCOPE_ALIASES, Secret,
    TokenRequest, number_digits, parse_scopes, scope_text, token_response, wstoken_response,
};
pub use oauth_error::OauthError;
pub use options::{AccountSegment, ExtensionIdForm, WireOptions};
pub use paging::{PER_PAGE_DEFAULT, PER_PAGE_MAX, Page, PageRequest};
pub use presence::{
    ResourceFlags, Subject, account_presence, extension_uri, list_resource, presence_resource,
};
pub use query::parse_query;
pub use queues::{
    Acceptance, QueueChoice, agent_queue, call_queue, parse_member_choices, parse_queue_choices,
    queue_member, queue_uri, takes_queue_calls,
};
pub use server_frames::{
    ConnectionLimits, FRAME_END, RECOVERY_NOTHING_TO_RECOVER, RECOVERY_OTHER_SESSION,
    RecoveryOutcome, Wsc, write_connection_details, write_error, write_heartbeat,
    write_notification_head, write_response,
};
pub use shared::{ENVELOPE_HEAD, ENVELOPE_OWNER, SharedEnvelope};
pub use signing_secret::{SIGNING_SECRET_MAX, SIGNING_SECRET_MIN, SigningSecret};
pub use subscription::{
    ADDRESS_MAX, SubscriptionRequest, SubscriptionUpdate, TransportRequest, VERIFICATION_TOKEN_MAX,
    subscription_info, subscription_list,
};
pub use timestamp::{format_timestamp, parse_timestamp, write_timestamp};
pub use unified::{Beholder, UnifiedUpdate, parse_unified_update, unified_presence};
pub use update::{parse_object, parse_presence_update};
pub use websocket::{ClientFrame, ClientRequest, FrameError, FrameProblem, parse_client_frame};
