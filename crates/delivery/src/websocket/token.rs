//! The recovery token (`wsc.token`): which subscription, of which log-in, told up to where.
//!
//! It holds no secret and needs none: it is good only together with a token of the same OAuth
//! session, and says nothing that its holder does not know. URL-safe, since clients put it into an
//! address without escaping.

use std::num::NonZeroU64;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lampfield_core::{Epoch, Position, SessionId, SubscriptionId};
use uuid::Uuid;

/// Version of the layout below.
const VERSION: u8 = 1;
/// version, subscription, session, epoch, offset
const BYTES: usize = 1 + 16 + 16 + 8 + 8;
/// Characters of a token.
pub(crate) const TOKEN_LEN: usize = (BYTES * 4).div_ceil(3);

/// What a recovery token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecoveryToken {
    /// The subscription; none if the socket had none yet.
    pub(crate) subscription: Option<SubscriptionId>,
    /// The OAuth session.
    pub(crate) session: SessionId,
    /// Up to where the client was told.
    pub(crate) position: Position,
}

/// The text is not a token of this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Malformed WebSocket session context token")]
pub(crate) struct Malformed;

/// A token as text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TokenText([u8; TOKEN_LEN]);

impl TokenText {
    /// Returns the text.
    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl RecoveryToken {
    /// Writes the token.
    pub(crate) fn text(&self) -> TokenText {
        let mut bytes = [0; BYTES];
        bytes[0] = VERSION;
        bytes[1..17].copy_from_slice(self.subscription.map_or(Uuid::nil(), |it| it.0).as_bytes());
        bytes[17..33].copy_from_slice(self.session.0.as_bytes());
        bytes[33..41].copy_from_slice(&self.position.epoch.0.get().to_be_bytes());
        bytes[41..].copy_from_slice(&self.position.offset.to_be_bytes());
        let mut text = [b'A'; TOKEN_LEN];
        let written = URL_SAFE_NO_PAD.encode_slice(bytes, &mut text);
        debug_assert_eq!(written, Ok(TOKEN_LEN));
        TokenText(text)
    }

    /// Reads a token.
    ///
    /// # Errors
    /// [`Malformed`] for anything that [`RecoveryToken::text`] does not write.
    pub(crate) fn parse(text: &str) -> Result<Self, Malformed> {
        let mut bytes = [0; BYTES];
        if text.len() != TOKEN_LEN {
            return Err(Malformed);
        }
        let read = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).map_err(|_| Malformed)?;
        if read != BYTES || bytes[0] != VERSION {
            return Err(Malformed);
        }
        let uuid = |at: usize| Uuid::from_slice(&bytes[at..at + 16]).map_err(|_| Malformed);
        let number = |at: usize| {
            let number = bytes[at..at + 8].try_into().map_err(|_| Malformed)?;
            Ok(u64::from_be_bytes(number))
        };
        let epoch = Epoch(NonZeroU64::new(number(33)?).ok_or(Malformed)?);
        Ok(Self {
            subscription: Some(SubscriptionId(uuid(1)?)).filter(|id| !id.0.is_nil()),
            session: SessionId(uuid(17)?),
            position: Position { epoch, offset: number(41)? },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(subscription: Option<SubscriptionId>) -> RecoveryToken {
        let epoch = Epoch(NonZeroU64::new(u64::MAX).expect("not zero"));
        RecoveryToken {
            subscription,
            session: SessionId(Uuid::from_u128(u128::MAX - 1)),
            position: Position { epoch, offset: 81_985_529_216_486_895 },
        }
    }

    #[test]
    fn a_token_reads_what_it_writes_and_is_url_safe() {
        for subscription in [None, Some(SubscriptionId(Uuid::from_u128(7)))] {
            let token = token(subscription);
            let text = token.text();

            assert_eq!(RecoveryToken::parse(text.as_str()), Ok(token));
            let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            assert!(text.as_str().bytes().all(is_safe), "{}", text.as_str());
        }
    }

    #[test]
    fn anything_else_is_malformed() {
        let good = token(None).text().as_str().to_owned();
        let mut other_version = good.clone();
        other_version.replace_range(0..1, "_");
        let mut no_epoch = RecoveryToken::parse(&good).expect("good").text().0;
        no_epoch[44..56].fill(b'A');
        let no_epoch = String::from_utf8(no_epoch.to_vec()).expect("text");
        let long = format!("{good}A");
        for bad in ["", "x", "wsc", &good[1..], &long, &other_version, &no_epoch, &"=".repeat(66)] {
            assert_eq!(RecoveryToken::parse(bad), Err(Malformed), "{bad}");
        }
    }
}
