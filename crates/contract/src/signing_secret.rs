//! Signing secrets as people hand them on: `whsec_` and base64 (Standard Webhooks). RingCentral has
//! none.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What a signing secret begins with.
const PREFIX: &str = "whsec_";
/// The shortest secret, in bytes.
pub const SIGNING_SECRET_MIN: usize = 24;
/// The longest secret, in bytes.
pub const SIGNING_SECRET_MAX: usize = 64;

/// The key with which notifications are signed, in clear. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(Box<[u8]>);

impl SigningSecret {
    /// Reads `whsec_` and base64 of [`SIGNING_SECRET_MIN`] to [`SIGNING_SECRET_MAX`] bytes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        const TEXT_MAX: usize = PREFIX.len() + SIGNING_SECRET_MAX.div_ceil(3) * 4;
        let encoded = text.strip_prefix(PREFIX).filter(|_| text.len() <= TEXT_MAX)?;
        Self::from_bytes(STANDARD.decode(encoded).ok()?)
    }

    /// Takes over a key of [`SIGNING_SECRET_MIN`] to [`SIGNING_SECRET_MAX`] bytes.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Box<[u8]>>) -> Option<Self> {
        let bytes = bytes.into();
        (SIGNING_SECRET_MIN..=SIGNING_SECRET_MAX).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// Returns the key.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns it as it is handed on: for the one answer that shows it.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_whsec_and_base64_of_24_to_64_bytes() {
        for length in [24, 32, 64] {
            let secret = SigningSecret::from_bytes(vec![7; length]).expect("a good length");
            assert_eq!(SigningSecret::parse(&secret.to_text()), Some(secret));
        }
        let short = format!("whsec_{}", STANDARD.encode([7; 23]));
        let long = format!("whsec_{}", STANDARD.encode([7; 65]));
        let bare = STANDARD.encode([7; 32]);
        let url_safe = format!("whsec_{}", bare.replace('c', "-"));
        for bad in ["", "whsec_", "whsec_=", &short, &long, &bare, &url_safe, "whsec_pässword"] {
            assert_eq!(SigningSecret::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_secret_is_never_printed() {
        let secret = SigningSecret::from_bytes([7; 32]).expect("a good length");
        assert_eq!(format!("{secret:?}"), "SigningSecret(..)");
    }
}
