//! Authorization codes: what the log-in page found out, sealed for the minute until the application
//! comes with it.
//!
//! A code is not stored. It names the session that it will begin: once that exists, or existed, the
//! code has been used.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lampfield_contract::{Challenge, ChallengeMethod};
use lampfield_core::directory::{Scopes, SecretHash};
use lampfield_core::{AccountId, AppId, ExtensionId, ExtensionKey, SessionId, Timestamp};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Distinguishes these from anything else that is sealed.
const PURPOSE: &[u8] = b"lampfield code 1";
/// The longest code that is looked at, in bytes.
const CODE_MAX: usize = 2048;

/// What a code stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CodeGrant {
    /// The session that it will begin.
    pub(crate) session: SessionId,
    /// Who logged in.
    pub(crate) key: ExtensionKey,
    /// Through which application.
    pub(crate) app: AppId,
    /// With which credential.
    pub(crate) credential: Uuid,
    /// What was granted.
    pub(crate) scopes: Scopes,
    /// Where the code was sent, hashed.
    pub(crate) redirect_uri: SecretHash,
    /// Whether the application had named that place; then it must name it again.
    pub(crate) redirect_named: bool,
    /// What the application must prove.
    pub(crate) challenge: Option<Challenge>,
    /// When it ends.
    pub(crate) expires_at: Timestamp,
}

/// The grant as it is sealed. Codes live a minute: the form may change with the program.
#[derive(Debug, Serialize, Deserialize)]
struct Sealed {
    s: [u8; 16],
    a: u64,
    e: u64,
    c: String,
    k: [u8; 16],
    g: Vec<String>,
    r: SecretHash,
    n: bool,
    p: Option<(bool, String)>,
    t: i64,
}

/// Seals and opens codes.
pub(crate) struct Codes([u8; 32]);

impl Codes {
    /// Takes the key of codes.
    pub(crate) const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    fn key(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, &self.0).ok().map(LessSafeKey::new)
    }

    /// Seals a grant. `nonce` must be random.
    pub(crate) fn seal(&self, grant: &CodeGrant, nonce: [u8; NONCE_LEN]) -> Option<String> {
        let mut body = serde_json::to_vec(&Sealed::of(grant)).ok()?;
        let sealed = Nonce::assume_unique_for_key(nonce);
        self.key()?.seal_in_place_append_tag(sealed, Aad::from(PURPOSE), &mut body).ok()?;
        Some(URL_SAFE_NO_PAD.encode([&nonce[..], &body].concat()))
    }

    /// Opens a code that this server made, whether it is still good or not.
    pub(crate) fn open(&self, code: &str) -> Option<CodeGrant> {
        if code.len() > CODE_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(code).ok()?;
        let (nonce, body) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = body.to_vec();
        let key = self.key()?;
        let opened = key.open_in_place(nonce, Aad::from(PURPOSE), &mut body).ok()?;
        serde_json::from_slice::<Sealed>(opened).ok()?.read()
    }
}

impl Sealed {
    fn of(it: &CodeGrant) -> Self {
        let challenge = it.challenge.as_ref();
        Self {
            s: it.session.0.into_bytes(),
            a: it.key.account.get(),
            e: it.key.extension.get(),
            c: it.app.to_string(),
            k: it.credential.into_bytes(),
            g: it.scopes.words().map(str::to_owned).collect(),
            r: it.redirect_uri,
            n: it.redirect_named,
            p: challenge.map(|it| (it.method == ChallengeMethod::S256, it.value.clone())),
            t: it.expires_at.0,
        }
    }

    fn read(self) -> Option<CodeGrant> {
        let (account, extension) = (AccountId::new(self.a).ok()?, ExtensionId::new(self.e).ok()?);
        let scopes = self.g.iter().filter_map(|word| Scopes::parse(word));
        let method = |hashed| if hashed { ChallengeMethod::S256 } else { ChallengeMethod::Plain };
        Some(CodeGrant {
            session: SessionId(Uuid::from_bytes(self.s)),
            key: ExtensionKey { account, extension },
            app: AppId::new(&self.c).ok()?,
            credential: Uuid::from_bytes(self.k),
            scopes: scopes.fold(Scopes::NONE, Scopes::with),
            redirect_uri: self.r,
            redirect_named: self.n,
            challenge: self.p.map(|(hashed, value)| Challenge { method: method(hashed), value }),
            expires_at: Timestamp(self.t),
        })
    }
}

impl std::fmt::Debug for Codes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Codes").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant() -> CodeGrant {
        let account = AccountId::new(1).unwrap();
        CodeGrant {
            session: SessionId(Uuid::from_u128(1)),
            key: ExtensionKey { account, extension: ExtensionId::new(2).unwrap() },
            app: AppId::new("board").unwrap(),
            credential: Uuid::from_u128(3),
            scopes: Scopes::READ_PRESENCE.with(Scopes::WEBSOCKET),
            redirect_uri: [4; 32],
            redirect_named: true,
            challenge: Some(Challenge { method: ChallengeMethod::S256, value: "v".repeat(43) }),
            expires_at: Timestamp(60_000),
        }
    }

    #[test]
    fn a_code_holds_what_was_put_into_it() {
        let codes = Codes::new([7; 32]);
        let plain = CodeGrant { challenge: None, redirect_named: false, ..grant() };
        for grant in [grant(), plain] {
            let code = codes.seal(&grant, [1; NONCE_LEN]).unwrap();
            assert!(code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            assert_eq!(codes.open(&code), Some(grant));
        }
    }

    #[test]
    fn a_changed_or_foreign_code_is_none() {
        let codes = Codes::new([7; 32]);
        let code = codes.seal(&grant(), [1; NONCE_LEN]).unwrap();
        assert_eq!(Codes::new([8; 32]).open(&code), None);
        for at in [0, 20, code.len() - 1] {
            let mut forged = code.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(codes.open(&String::from_utf8(forged).unwrap()), None, "{at}");
        }
        for bad in ["", "x", "ä", &"A".repeat(CODE_MAX + 1), &"A".repeat(40)] {
            assert_eq!(codes.open(bad), None);
        }
    }
}
