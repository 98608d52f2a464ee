//! Every key of the configuration: name, bounds, meaning, place. The one table from which the
//! file is read, the commented default file printed and the reference page written.

use super::Settings;
use super::literal::{Literal, written_duration};

/// A key of the configuration.
pub(crate) struct Key {
    /// Its name with its section, such as `websocket.sockets_max`.
    pub(crate) name: &'static str,
    /// What it means; whole sentences.
    pub(crate) doc: &'static str,
    /// Least and greatest size, where there are such.
    pub(crate) bounds: Option<(u64, u64)>,
    form: fn() -> &'static str,
    read: Reader,
    write: fn(&Settings) -> Option<String>,
}

/// Reads text into its place in the settings, within the bounds.
type Reader = fn(&mut Settings, &str, Option<(u64, u64)>) -> Result<(), String>;

impl Key {
    /// Returns the key of a full name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// Returns the section and the name in it.
    pub(crate) fn parts(&self) -> (&'static str, &'static str) {
        self.name.split_once('.').unwrap_or(("", self.name))
    }

    /// Returns the environment variable that sets it.
    pub(crate) fn variable(&self) -> String {
        format!("LAMPFIELD_{}", self.name.replace('.', "_").to_uppercase())
    }

    /// Returns what may be written, for people.
    pub(crate) fn form(&self) -> String {
        let form = (self.form)();
        let Some((low, high)) = self.bounds else { return form.to_owned() };
        format!("{form}, {} to {}", self.bound(low), self.bound(high))
    }

    /// Sets it in `settings` from text.
    pub(crate) fn set(&self, settings: &mut Settings, text: &str) -> Result<(), String> {
        (self.read)(settings, text, self.bounds)
    }

    /// Writes its value in `settings` as TOML; nothing when it is not set.
    pub(crate) fn value(&self, settings: &Settings) -> Option<String> {
        (self.write)(settings)
    }

    fn bound(&self, size: u64) -> String {
        if (self.form)() == <std::time::Duration as Literal>::FORM {
            written_duration(std::time::Duration::from_millis(size))
        } else {
            size.to_string()
        }
    }
}

fn bounded<T: Literal>(text: &str, bounds: Option<(u64, u64)>) -> Result<T, String> {
    let value = T::read(text)?;
    match (bounds, value.size()) {
        (Some((low, high)), Some(size)) if size < low || size > high => {
            let show = |size: u64| {
                if T::FORM == <std::time::Duration as Literal>::FORM {
                    written_duration(std::time::Duration::from_millis(size))
                } else {
                    size.to_string()
                }
            };
            Err(format!("{text} is not between {} and {}", show(low), show(high)))
        }
        _ => Ok(value),
    }
}

fn form_of<T: Literal>(_: fn(&Settings) -> &T) -> &'static str {
    T::FORM
}

macro_rules! keys {
    ($($name:literal $([$low:expr, $high:expr])?: $($field:ident).+, $doc:literal;)+) => {
        /// Every key, in the order of the file: those without a section first.
        pub(crate) const KEYS: &[Key] = &[$(Key {
            name: $name,
            doc: $doc,
            bounds: bounds!($($low, $high)?),
            form: || form_of(|settings| &settings.$($field).+),
            read: |settings, text, bounds| {
                settings.$($field).+ = bounded(text, bounds)?;
                Ok(())
            },
            write: |settings| settings.$($field).+.write(),
        }),+];
    };
}

macro_rules! bounds {
    () => {
        None
    };
    ($low:expr, $high:expr) => {
        Some(($low, $high))
    };
}

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const MIB: u64 = 1 << 20;
const MANY: u64 = 10_000_000;

keys! {
    "listen": listen,
        "Address and port to listen on, plain HTTP. TLS belongs to a reverse proxy in front. Port 0 takes any free one.";
    "data": data,
        "Directory of the store. It is made when it does not exist; one server at a time uses it. A relative path begins at the working directory.";
    "public_url": api.public_url,
        "Address under which clients reach this server, such as https://presence.example.org, without a slash at the end. Unset: links in answers follow the request's Host.";
    "trust_forwarded": api.trust_forwarded,
        "Believe X-Forwarded-For, -Proto and -Host. Only behind a proxy that sets them itself.";
    "stop_within" [SECOND, MINUTE]: stop_within,
        "How long a graceful stop may take: requests end, sockets close with 1001, cursors are saved.";

    "log.format": log_format, "How log lines look on standard error.";
    "log.level": log_level, "The least important lines that are written.";

    "metrics.public": metrics_public,
        "Serve /metrics to everybody. Otherwise an API key is needed, as a bearer token; the role read is enough.";

    "policy.parked_is_busy": engine.policy.parked_is_busy,
        "A parked call makes its extension Busy (step 4 of the composition).";
    "policy.dnd_is_busy": engine.policy.dnd_is_busy,
        "DoNotAcceptAnyCalls makes Busy (step 6 of the composition).";
    "policy.administrators_see_all": delivery.administrators_see_all,
        "Users with the Admin permission see what is hidden from others.";

    "wire.account_segment": delivery.wire.account_segment,
        "How the account stands in the event property of notifications: ~ or its id.";
    "wire.extension_id": delivery.wire.extension_id,
        "How extensionId stands in notification bodies: as text (as documented) or as a number.";

    "engine.intake_max" [1, MANY]: engine.intake_max,
        "Letters that wait at most for the engine; beyond, callers wait and are then told to come back.";
    "engine.group_max" [1, 100_000]: engine.group_max,
        "Changes that share one durable write at most.";
    "engine.patience" [1, MINUTE]: engine.patience,
        "How long a caller waits for room before it gets status 503.";
    "engine.lost_grace" [0, DAY]: engine.lost_grace,
        "How long claims of a lost source are still shown, marked stale.";
    "engine.restart_grace" [0, DAY]: engine.restart_grace,
        "How long leases last at least after a restart, so that sources can show their picture.";

    "engine.sources_max" [1, MANY]: engine.sources_max,
        "Sources without claims that are remembered of an account at most.";

    "delivery.ring_max" [16, MANY]: delivery.ring_max,
        "Recent events kept in memory per watched account; readers further behind read the store.";
    "delivery.coalesce_after" [1, MANY]: delivery.coalesce_after,
        "Events between which a lagging reader still gets each one; further behind it gets the newest of each extension.";

    "stream.heartbeat" [SECOND, HOUR]: delivery.stream_heartbeat,
        "Silence on an event stream (SSE) after which a comment is sent.";
    "stream.streams_max" [1, MANY]: delivery.streams_max, "Event streams open at a time.";

    "websocket.shards" [0, 256]: delivery.websocket.shards,
        "Readiness loops that serve sockets; 0 for one a processor.";
    "websocket.sockets_max" [1, MANY]: delivery.websocket.sockets_max, "Sockets open at a time.";
    "websocket.sockets_per_session_max" [1, MANY]: delivery.websocket.sockets_per_session_max,
        "Sockets of one log-in (announced as maxConnectionsPerSession).";
    "websocket.requests_max" [1, 1000]: delivery.websocket.requests_max,
        "Requests of one socket under way (announced as maxActiveRequests).";
    "websocket.message_max" [1024, 64 * MIB]: delivery.websocket.message_max,
        "Largest message from a client, in bytes.";
    "websocket.answer_backlog_max" [1024, 1024 * MIB]: delivery.websocket.answer_backlog_max,
        "Bytes of answers that may wait for a socket that is full.";
    "websocket.recovery_timeout" [0, HOUR]: delivery.websocket.recovery_timeout,
        "How long a subscription outlives its socket (announced as recoveryTimeout).";
    "websocket.recovery_buffer" [0, MANY]: delivery.websocket.recovery_buffer,
        "Announced as recoveryBufferSize. Recovery itself reads the store and has no such limit.";
    "websocket.idle_timeout" [MINUTE, 7 * DAY]: delivery.websocket.idle_timeout,
        "Silence of a client after which its socket is closed (WSG-902).";
    "websocket.absolute_timeout" [MINUTE, 30 * DAY]: delivery.websocket.absolute_timeout,
        "Age at which a socket is closed (WSG-903).";
    "websocket.ping_every" [SECOND, HOUR]: delivery.websocket.ping_every, "Time between pings.";
    "websocket.pong_within" [SECOND, HOUR]: delivery.websocket.pong_within,
        "Within which a ping must be answered, or the socket is dropped.";
    "websocket.hold_max" [10, MINUTE]: delivery.websocket.hold_max,
        "Notifications right behind an answer are held until the client has shown that it read it, at most this long.";

    "webhook.timeout" [100, MINUTE]: delivery.webhook.timeout,
        "Connecting, TLS, request and answer of one delivery together.";
    "webhook.answer_max" [256, MIB]: delivery.webhook.answer_max,
        "Largest answer that is read from a receiver, in bytes, headers included.";
    "webhook.lookups_max" [1, 10_000]: delivery.webhook.lookups_max,
        "Names of receivers that are looked up at a time.";
    "webhook.per_host_max" [1, 10_000]: delivery.webhook.per_host_max,
        "Deliveries under way to one host.";
    "webhook.window_max" [1, 1000]: delivery.webhook.window_max,
        "Deliveries under way for one subscription; never two of one extension.";
    "webhook.allow_http" : delivery.webhook.allow_http, "Deliver to http addresses too, not only https.";
    "webhook.allow_private": delivery.webhook.allow_private,
        "Networks to which webhooks may go although they are loopback, private or otherwise local.";
    "webhook.user_agent": delivery.webhook.user_agent, "The user-agent header of deliveries.";
    "webhook.probe": delivery.webhook.probe,
        "Ask a blacklisted receiver again by itself, every 15 minutes for a day.";
    "webhook.signing_overlap" [0, 30 * DAY]: api.signing_overlap,
        "How long the old signing secret of a webhook still signs beside a new one.";

    "api.presence_body_max" [1024, 64 * MIB]: api.presence_body_max,
        "Largest body of a request about presence, in bytes.";
    "api.body_max" [1024, 1024 * MIB]: api.body_max, "Largest body of any other request, in bytes.";
    "api.body_timeout" [SECOND, HOUR]: api.body_timeout, "How long the body of a request may take to arrive.";
    "api.subscriptions_max" [1, MANY]: api.subscriptions_max,
        "Subscriptions of one user with one application at a time (SUB-505).";
    "api.filters_max" [1, MANY]: api.filters_max, "Filters of one subscription.";
    "api.login_failures_max" [0, 1_000_000]: api.login_failures_max,
        "Failed log-ins a minute of one application from one address, after which it waits; 0 for no limit.";
    "api.password_checks_max" [1, 256]: api.password_checks_max,
        "Passwords that are checked at a time; each check takes a processor and 19 MiB.";

    "connections.connections_max" [1, MANY]: server.connections_max,
        "HTTP connections at a time; more wait in the system's queue. Open WebSockets do not count.";
    "connections.first_request" [100, HOUR]: server.first_request,
        "How long the first request of a connection may take to arrive.";
    "connections.keep_alive" [SECOND, DAY]: server.keep_alive,
        "How long a connection may be idle.";
    "connections.write_stall" [SECOND, HOUR]: server.write_stall,
        "How long a client may take nothing of an answer or a stream.";
    "connections.headers_max" [10, 10_000]: server.headers_max, "Headers of a request.";
    "connections.head_max" [1024, 16 * MIB]: server.head_max, "Bytes of a request's head.";
    "connections.drain" [0, MINUTE]: server.drain,
        "How long requests under way may take to end after the server was asked to stop.";
    "connections.accept_backoff" [1, MINUTE]: server.accept_backoff,
        "How long to wait when the system has no connection to give.";

    "rates.light" [0, MANY]: api.rates.light,
        "Requests of the group Light of one user with one application in a window; 0 for no limit.";
    "rates.medium" [0, MANY]: api.rates.medium, "The same for the group Medium.";
    "rates.heavy" [0, MANY]: api.rates.heavy, "The same for the group Heavy.";
    "rates.auth" [0, MANY]: api.rates.auth, "The same for the group Auth.";
    "rates.window" [SECOND, HOUR]: api.rates.window, "The window.";
    "rates.penalty" [0, HOUR]: api.rates.penalty, "How long a caller that went too far is refused.";
    "rates.penalty_restarts": api.rates.penalty_restarts,
        "Each request inside the penalty begins it anew.";
    "rates.callers_max" [1, MANY]: api.rates.callers_max, "Callers that are counted at a time.";

    "tokens.access_max" [MINUTE, DAY]: api.tokens.access_max,
        "The longest life of an access token.";
    "tokens.refresh_max" [MINUTE, 30 * DAY]: api.tokens.refresh_max,
        "The longest life of a refresh token.";
    "tokens.grace_unused" [0, DAY]: api.tokens.grace_unused,
        "How long a used refresh token still answers with the same new pair while nobody has used that.";
    "tokens.grace_used" [0, HOUR]: api.tokens.grace_used,
        "How long it does once the new access token was used.";
    "tokens.socket_announced" [SECOND, HOUR]: api.tokens.socket_announced,
        "Announced life of a WebSocket token. Short: clients ask anew after a restart instead of dialling into nothing.";
    "tokens.socket_accepted" [SECOND, HOUR]: api.tokens.socket_accepted,
        "How long a WebSocket token is really good.";
    "tokens.sessions_max" [1, 10_000]: api.tokens.sessions_max,
        "Log-ins of one user with one application at a time; the oldest is closed beyond.";

    "store.keep_for" [HOUR, 3650 * DAY]: store.retention.age_max,
        "Age at which changes go. The newest document of every extension is always kept.";
    "store.keep_records_max" [1000, 1_000_000_000]: store.retention.records_max,
        "Changes of one account that are kept at most.";
    "store.keep_records_min" [0, 1_000_000_000]: store.retention.records_min,
        "Changes of one account that are kept whatever their age and size.";
    "store.keep_bytes_max" [MIB, 1 << 50]: store.retention.bytes_max,
        "The oldest changes go while more than this many bytes of the data file are in use.";
    "store.audit_keep_for" [DAY, 3650 * DAY]: store.audit.age_max,
        "Age at which entries of the audit trail go. The newest of every account is always kept.";
    "store.audit_entries_max" [100, 100_000_000]: store.audit.entries_max,
        "Entries of the audit trail that are kept at most, of each account and of the whole house.";
    "store.retention_every" [SECOND, DAY]: store.retention_every,
        "How often it is looked at what may go.";
    "store.trim_chunk" [1, 100_000]: store.trim_chunk, "Changes that are removed in one go.";
    "store.queue_max" [1, MANY]: store.queue_max,
        "Writes that may wait for the writer; more are refused.";
    "store.group_max" [1, 100_000]: store.group_max, "Entries that share one durable write at most.";
    "store.group_time_max" [0, SECOND]: store.group_time_max,
        "How long a group is gathered at most while more keeps coming. Nothing is waited for.";
    "store.readers" [1, 64]: store.readers, "Threads that read.";
    "store.reads_max" [1, 10_000]: store.reads_max, "Reads that are taken up at a time; more wait.";
    "store.page_max" [1, 100_000]: store.page_max, "Records that are read in one go.";
    "store.cache_bytes" [MIB, 1 << 40]: store.cache_bytes, "Memory for the writer's pages, in bytes.";
    "store.checkpoint_bytes" [MIB, 1 << 40]: store.checkpoint_bytes,
        "Size of the write-ahead log, in bytes, at which it is copied into the data file even when the writer is busy.";
    "store.idle_after" [1, MINUTE]: store.idle_after,
        "Without work for this long the writer does its housekeeping.";
    "store.file_bytes_max" [MIB, 1 << 50]: store.file_bytes_max,
        "Size of the data file, in bytes, beyond which changes are refused.";
}

#[cfg(test)]
mod tests {
    use lampfield_api::{ApiConfig, RateConfig, ServerLimits, TokenConfig};
    use lampfield_delivery::{DeliveryConfig, WebhookConfig, WebsocketConfig};
    use lampfield_engine::EngineConfig;
    use lampfield_journal::AuditRetention;
    use lampfield_journal::embedded::{EmbeddedConfig, Retention};

    use super::*;

    /// Names every field of a configuration, so that this does not compile when one is added, and
    /// demands a key for each.
    macro_rules! every_field_has_a_key {
        ($($config:ident { $($field:ident $(= $name:literal)?),+ ; $($other:ident),* })+) => {$(
            let $config { $($field: _,)+ $($other: _),* } = $config::default();
            $(
                let name = [$($name,)? stringify!($field)][0];
                assert!(KEYS.iter().any(|key| key.parts().1 == name), "{name}");
            )+
        )+};
    }

    #[test]
    fn every_bound_has_a_key() {
        every_field_has_a_key! {
            EngineConfig {
                intake_max, group_max, patience, lost_grace, restart_grace, sources_max; policy
            }
            DeliveryConfig {
                administrators_see_all, ring_max, coalesce_after, stream_heartbeat = "heartbeat",
                streams_max; wire, websocket, webhook, vault
            }
            WebsocketConfig {
                shards, sockets_max, sockets_per_session_max, requests_max, message_max,
                answer_backlog_max, recovery_timeout, recovery_buffer, idle_timeout,
                absolute_timeout, ping_every, pong_within, hold_max;
            }
            WebhookConfig {
                timeout, answer_max, lookups_max, per_host_max, window_max, allow_http,
                allow_private, user_agent, probe;
            }
            ApiConfig {
                public_url, trust_forwarded, presence_body_max, body_max, body_timeout,
                subscriptions_max, filters_max, login_failures_max, password_checks_max,
                signing_overlap;
                policy, administrators_see_all, rates, tokens
            }
            RateConfig {
                light, medium, heavy, auth, window, penalty, penalty_restarts, callers_max;
            }
            TokenConfig {
                access_max, refresh_max, grace_unused, grace_used, socket_announced,
                socket_accepted, sessions_max;
            }
            ServerLimits {
                connections_max, first_request, keep_alive, write_stall, headers_max, head_max, drain,
                accept_backoff;
            }
            EmbeddedConfig {
                queue_max, group_max, group_time_max, readers, reads_max, page_max, cache_bytes,
                checkpoint_bytes, idle_after, retention_every, trim_chunk, file_bytes_max;
                retention, audit, clock, on_fatal, faults
            }
            AuditRetention {
                age_max = "audit_keep_for", entries_max = "audit_entries_max";
            }
            Retention {
                age_max = "keep_for", records_max = "keep_records_max", bytes_max = "keep_bytes_max",
                records_min = "keep_records_min";
            }
        }
    }
}
