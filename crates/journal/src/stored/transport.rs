//! How a subscription is told, as JSON.

use lampfield_core::Timestamp;
use lampfield_core::subscription::{
    SealedSecret, SigningKey, SigningKeys, Transport, WebhookFormat,
};
use serde::{Deserialize, Serialize};

use super::hex::{hex, unhex};
use super::shapes::Read;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum StoredTransport {
    WebHook {
        address: String,
        verification_token: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        format: Option<Format>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        signing: Vec<Key>,
    },
    WebSocket,
}

/// How the content is written, if not as the contract has it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Format {
    CloudEvents,
}

/// A sealed signing secret, in hexadecimal.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    sealed: String,
    until: Option<i64>,
}

impl StoredTransport {
    pub(super) fn of(it: &Transport) -> Self {
        match it {
            Transport::WebHook { address, verification_token, format, signing } => Self::WebHook {
                address: address.clone(),
                verification_token: verification_token.clone(),
                format: match format {
                    WebhookFormat::Contract => None,
                    WebhookFormat::CloudEvents => Some(Format::CloudEvents),
                },
                signing: signing.all().iter().map(Key::of).collect(),
            },
            Transport::WebSocket => Self::WebSocket,
        }
    }

    pub(super) fn read(self) -> Read<Transport> {
        Ok(match self {
            Self::WebHook { address, verification_token, format, signing } => Transport::WebHook {
                address,
                verification_token,
                format: match format {
                    None => WebhookFormat::Contract,
                    Some(Format::CloudEvents) => WebhookFormat::CloudEvents,
                },
                signing: SigningKeys::restored(
                    signing.into_iter().map(Key::read).collect::<Read<_>>()?,
                ),
            },
            Self::WebSocket => Transport::WebSocket,
        })
    }
}

impl Key {
    fn of(it: &SigningKey) -> Self {
        Self { sealed: hex(it.secret.as_bytes()), until: it.until.map(|at| at.0) }
    }

    fn read(self) -> Read<SigningKey> {
        let secret = SealedSecret::new(unhex(&self.sealed)?);
        Ok(SigningKey { secret, until: self.until.map(Timestamp) })
    }
}
