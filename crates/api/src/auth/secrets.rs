//! The server's own secret, and everything that is made from it.
//!
//! Tokens are not stored: the directory keeps their SHA-256. What a token says can still be trusted
//! without a look-up, since each carries a MAC under a key that is derived from the server's key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lampfield_core::directory::SecretHash;
use lampfield_core::{SessionId, Timestamp};
use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, hmac};
use uuid::Uuid;

use crate::auth::Codes;

/// Length of a MAC, in bytes.
const MAC: usize = 32;
/// Length of what distinguishes the token pairs of one session, in bytes.
const NONCE: usize = 16;
/// Length of an access or refresh token before encoding: session, nonce, MAC.
const TOKEN: usize = 16 + NONCE + MAC;
/// Length of a token for a WebSocket before encoding: version, session, end, MAC.
const SOCKET_TOKEN: usize = 1 + 16 + 8 + MAC;
/// The only version of tokens for WebSockets so far.
const SOCKET_VERSION: u8 = 1;

/// The machine's source of chance failed.
#[derive(Debug, thiserror::Error)]
#[error("the system gave no random bytes")]
pub struct NoChance;

/// The server's key, split by purpose. Nothing of it is ever printed.
pub struct Secrets {
    access: hmac::Key,
    refresh: hmac::Key,
    next: hmac::Key,
    socket: hmac::Key,
    jwt: [u8; MAC],
    signing: [u8; MAC],
    form: hmac::Key,
    codes: Codes,
    chance: SystemRandom,
}

/// An access and a refresh token that belong together, in clear.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct TokenPair {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Secrets {
    /// Derives all keys from the server's key: 32 random bytes that outlive a restart.
    #[must_use]
    pub fn new(server_key: &[u8; 32]) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, server_key);
        let derive = |purpose: &str| hmac::sign(&root, purpose.as_bytes());
        let key = |purpose: &str| hmac::Key::new(hmac::HMAC_SHA256, derive(purpose).as_ref());
        let mut jwt = [0; MAC];
        jwt.copy_from_slice(derive("lampfield jwt 1").as_ref());
        let mut code = [0; MAC];
        code.copy_from_slice(derive("lampfield code 1").as_ref());
        let mut signing = [0; MAC];
        signing.copy_from_slice(derive("lampfield signing secrets 1").as_ref());
        Self {
            access: key("lampfield access 1"),
            refresh: key("lampfield refresh 1"),
            next: key("lampfield next pair 1"),
            socket: key("lampfield socket 1"),
            jwt,
            signing,
            form: key("lampfield log-in form 1"),
            codes: Codes::new(code),
            chance: SystemRandom::new(),
        }
    }

    /// Returns `N` random bytes.
    ///
    /// # Errors
    /// [`NoChance`] when the system gives none.
    pub fn random<const N: usize>(&self) -> Result<[u8; N], NoChance> {
        let mut bytes = [0; N];
        self.chance.fill(&mut bytes).map_err(|_| NoChance)?;
        Ok(bytes)
    }

    /// Returns a new random id.
    ///
    /// # Errors
    /// [`NoChance`] when the system gives no random bytes.
    pub fn random_id(&self) -> Result<Uuid, NoChance> {
        Ok(uuid::Builder::from_random_bytes(self.random()?).into_uuid())
    }

    /// Returns a new secret of 256 bits as URL-safe text, with the hash under which it is kept:
    /// for API keys and application secrets.
    ///
    /// # Errors
    /// [`NoChance`] when the system gives no random bytes.
    pub fn random_secret(&self) -> Result<(String, SecretHash), NoChance> {
        let text = URL_SAFE_NO_PAD.encode(self.random::<32>()?);
        let hash = hash_secret(&text);
        Ok((text, hash))
    }

    /// Makes the first pair of a session.
    pub(crate) fn first_pair(&self, session: SessionId) -> Result<TokenPair, NoChance> {
        Ok(self.pair(session, self.random()?))
    }

    /// Makes the pair that follows a refresh token. The same token is always followed by the same
    /// pair, so that a repeated refresh can be answered again without the pair having been stored.
    pub(crate) fn following_pair(&self, session: SessionId, refresh: &str) -> TokenPair {
        let tag = hmac::sign(&self.next, refresh.as_bytes());
        let mut nonce = [0; NONCE];
        nonce.copy_from_slice(&tag.as_ref()[..NONCE]);
        self.pair(session, nonce)
    }

    fn pair(&self, session: SessionId, nonce: [u8; NONCE]) -> TokenPair {
        TokenPair {
            access: seal(&self.access, session, nonce),
            refresh: seal(&self.refresh, session, nonce),
        }
    }

    /// Returns the session of an access token that this server made, whether it is still good or not.
    pub(crate) fn session_of_access(&self, token: &str) -> Option<SessionId> {
        unseal(&self.access, token)
    }

    /// Returns the session of a refresh token that this server made, whether it is still good or not.
    pub(crate) fn session_of_refresh(&self, token: &str) -> Option<SessionId> {
        unseal(&self.refresh, token)
    }

    /// Makes a token that opens WebSockets of a session until `expires_at`, any number of times.
    pub(crate) fn socket_token(&self, session: SessionId, expires_at: Timestamp) -> String {
        let mut bytes = Vec::with_capacity(SOCKET_TOKEN);
        bytes.push(SOCKET_VERSION);
        bytes.extend_from_slice(session.0.as_bytes());
        bytes.extend_from_slice(&expires_at.0.to_be_bytes());
        let tag = hmac::sign(&self.socket, &bytes);
        bytes.extend_from_slice(tag.as_ref());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Returns the session that a WebSocket token opens, if it is ours and not over.
    pub(crate) fn session_of_socket_token(&self, token: &str, now: Timestamp) -> Option<SessionId> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok().filter(|it| it.len() == SOCKET_TOKEN)?;
        let (said, tag) = bytes.split_at(SOCKET_TOKEN - MAC);
        hmac::verify(&self.socket, said, tag).ok()?;
        let (version, rest) = said.split_first()?;
        let (session, end) = rest.split_at(16);
        let end = Timestamp(i64::from_be_bytes(end.try_into().ok()?));
        let good = *version == SOCKET_VERSION && now < end;
        good.then(|| Uuid::from_slice(session).ok().map(SessionId)).flatten()
    }

    /// Returns the key under which signing secrets of webhooks are sealed.
    pub(super) const fn signing_key(&self) -> &[u8; MAC] {
        &self.signing
    }

    /// Returns what seals authorization codes.
    pub(crate) const fn codes(&self) -> &Codes {
        &self.codes
    }

    /// Signs a log-in form, so that only one that this server wrote is taken.
    pub(crate) fn sign_form(&self, text: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.form, text))
    }

    /// Tells whether a log-in form bears the signature of its text.
    pub(crate) fn is_form_signed(&self, text: &[u8], signature: &str) -> bool {
        let tag = URL_SAFE_NO_PAD.decode(signature).ok();
        tag.is_some_and(|tag| hmac::verify(&self.form, text, &tag).is_ok())
    }

    /// Returns the key under which JWT credentials are signed.
    pub(crate) const fn jwt_key(&self) -> &[u8; MAC] {
        &self.jwt
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for TokenPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenPair").finish_non_exhaustive()
    }
}

/// Returns the hash under which a random secret is kept.
#[must_use]
pub fn hash_secret(text: &str) -> SecretHash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    hash
}

/// Tells whether a secret is the one that was kept.
///
/// How long the comparison takes may tell a part of the hash; a secret of 256 bits cannot be found from
/// its hash.
#[must_use]
pub fn is_secret(text: &str, kept: &SecretHash) -> bool {
    hash_secret(text) == *kept
}

fn seal(key: &hmac::Key, session: SessionId, nonce: [u8; NONCE]) -> String {
    let mut bytes = Vec::with_capacity(TOKEN);
    bytes.extend_from_slice(session.0.as_bytes());
    bytes.extend_from_slice(&nonce);
    let tag = hmac::sign(key, &bytes);
    bytes.extend_from_slice(tag.as_ref());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn unseal(key: &hmac::Key, token: &str) -> Option<SessionId> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok().filter(|it| it.len() == TOKEN)?;
    let (said, tag) = bytes.split_at(TOKEN - MAC);
    hmac::verify(key, said, tag).ok()?;
    Uuid::from_slice(said.get(..16)?).ok().map(SessionId)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        Secrets::new(&[7; 32])
    }

    fn session(number: u128) -> SessionId {
        SessionId(Uuid::from_u128(number))
    }

    #[test]
    fn a_refresh_token_is_always_followed_by_the_same_pair() {
        let first = secrets().first_pair(session(1)).unwrap();
        let next = secrets().following_pair(session(1), &first.refresh);

        assert!(next == secrets().following_pair(session(1), &first.refresh));
        assert_ne!(next.refresh, first.refresh);
        assert_ne!(next.access, first.access);
        assert!(next != Secrets::new(&[8; 32]).following_pair(session(1), &first.refresh));
    }

    #[test]
    fn every_token_names_its_session_and_a_forged_one_names_none() {
        let pair = secrets().first_pair(session(5)).unwrap();

        assert_eq!(secrets().session_of_access(&pair.access), Some(session(5)));
        assert_eq!(secrets().session_of_refresh(&pair.refresh), Some(session(5)));
        assert_eq!(secrets().session_of_access(&pair.refresh), None, "one kind is not the other");
        let mut forged = pair.access.into_bytes();
        forged[3] = if forged[3] == b'A' { b'B' } else { b'A' };
        assert_eq!(secrets().session_of_access(&String::from_utf8(forged).unwrap()), None);
        for bad in ["", "x", "ä", "=", &"A".repeat(500)] {
            assert_eq!(secrets().session_of_access(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_socket_token_opens_until_its_end_and_is_url_safe() {
        let end = Timestamp(60_000);
        let token = secrets().socket_token(session(9), end);

        assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        let open = |now| secrets().session_of_socket_token(&token, Timestamp(now));
        assert_eq!(open(0), Some(session(9)));
        assert_eq!(open(59_999), Some(session(9)));
        assert_eq!(open(60_000), None);
        assert_eq!(Secrets::new(&[1; 32]).session_of_socket_token(&token, Timestamp(0)), None);
    }

    #[test]
    fn secrets_are_never_printed() {
        let pair = secrets().first_pair(session(1)).unwrap();
        assert_eq!(format!("{:?} {pair:?}", secrets()), "Secrets { .. } TokenPair { .. }");
    }
}
