//! JWT credentials: signed by this server, good as long as the directory knows their id.

use std::collections::HashSet;

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind, Result as JwtResult};
use jsonwebtoken::signature::{self, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use lampfield_core::directory::{Credential, Proof};
use lampfield_core::{AccountId, ExtensionId, ExtensionKey, Timestamp};
use ring::hmac;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::auth::Secrets;

/// Who such a JWT is for: token endpoints of Lampfield, whatever their address.
const AUDIENCE: &str = "urn:lampfield:oauth:token";
/// The longest assertion that is looked at, in bytes.
const ASSERTION_MAX: usize = 4096;

/// What the JWT says.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    aud: String,
    sub: String,
    jti: String,
    iat: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
}

/// Who presented a JWT, as far as the JWT itself says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Presented {
    /// The credential's id.
    pub(crate) credential: Uuid,
    /// Whose it was when it was signed.
    pub(crate) key: ExtensionKey,
}

/// Writes the JWT of a credential; none if the credential is not a JWT.
///
/// The same credential always gives the same text, so that it can be shown again to whoever holds
/// the server's key.
#[must_use]
pub fn issue_jwt(secrets: &Secrets, credential: &Credential) -> Option<String> {
    let Proof::Jwt { expires_at, .. } = &credential.proof else { return None };
    install();
    let claims = Claims {
        aud: AUDIENCE.to_owned(),
        sub: credential.key.to_string(),
        jti: credential.id.to_string(),
        iat: seconds(credential.created_at),
        exp: expires_at.map(seconds),
    };
    let key = EncodingKey::from_secret(secrets.jwt_key());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).ok()
}

/// Checks signature, audience and end of a JWT. Whether the credential still lives is for the
/// directory to say.
pub(crate) fn read_jwt(secrets: &Secrets, text: &str, now: Timestamp) -> Option<Presented> {
    if text.len() > ASSERTION_MAX {
        return None;
    }
    install();
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_audience(&[AUDIENCE]);
    validation.required_spec_claims = HashSet::from(["aud".to_owned(), "sub".to_owned()]);
    // The end is compared with the house's clock below, not with the machine's.
    validation.validate_exp = false;
    let key = DecodingKey::from_secret(secrets.jwt_key());
    let claims = jsonwebtoken::decode::<Claims>(text, &key, &validation).ok()?.claims;
    if claims.exp.is_some_and(|end| seconds(now) >= end) {
        return None;
    }
    let (account, extension) = claims.sub.split_once('/')?;
    let account: AccountId = account.parse().ok()?;
    let extension: ExtensionId = extension.parse().ok()?;
    let credential = Uuid::try_parse(&claims.jti).ok()?;
    Some(Presented { credential, key: ExtensionKey { account, extension } })
}

fn seconds(at: Timestamp) -> i64 {
    at.0.div_euclid(1000)
}

/// The library asks a provider of the whole process for its cryptography; ours has HS256 and
/// nothing else, so that no header can choose another way.
fn install() {
    static PROVIDER: CryptoProvider = CryptoProvider {
        signer_factory: |algorithm, key| Ok(Box::new(Hs256::new(*algorithm, key.as_bytes())?)),
        verifier_factory: |algorithm, key| {
            Ok(Box::new(Hs256::new(*algorithm, key.try_get_as_bytes()?)?))
        },
        key_utils: KeyUtils::new_unimplemented(),
    };
    // A second call finds it installed already.
    let _installed = PROVIDER.install_default();
}

struct Hs256(hmac::Key);

impl Hs256 {
    fn new(algorithm: Algorithm, key: &[u8]) -> JwtResult<Self> {
        if algorithm != Algorithm::HS256 {
            return Err(Error::from(ErrorKind::InvalidAlgorithm));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, key)))
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(hmac::sign(&self.0, message).as_ref().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], tag: &Vec<u8>) -> Result<(), signature::Error> {
        hmac::verify(&self.0, message, tag).map_err(|_| signature::Error::new())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn credential(expires_at: Option<Timestamp>) -> Credential {
        let account = AccountId::new(1).unwrap();
        let extension = ExtensionId::new(101).unwrap();
        Credential {
            id: Uuid::from_u128(5),
            key: ExtensionKey { account, extension },
            proof: Proof::Jwt { app: None, expires_at },
            created_at: Timestamp(1_000),
        }
    }

    #[test]
    fn a_jwt_says_whose_it_is_until_its_end() {
        let secrets = Secrets::new(&[3; 32]);
        let jwt = issue_jwt(&secrets, &credential(Some(Timestamp(60_000)))).unwrap();

        let presented = read_jwt(&secrets, &jwt, Timestamp(59_000)).unwrap();
        assert_eq!(presented.credential, Uuid::from_u128(5));
        assert_eq!(presented.key, credential(None).key);
        assert_eq!(read_jwt(&secrets, &jwt, Timestamp(60_000)), None);
    }

    #[test]
    fn foreign_keys_other_algorithms_and_garbage_are_refused() {
        let secrets = Secrets::new(&[3; 32]);
        let jwt = issue_jwt(&secrets, &credential(None)).unwrap();
        assert!(read_jwt(&secrets, &jwt, Timestamp(0)).is_some());

        assert_eq!(read_jwt(&Secrets::new(&[4; 32]), &jwt, Timestamp(0)), None);
        let (_, rest) = jwt.split_once('.').unwrap();
        let (claims, tag) = rest.split_once('.').unwrap();
        for header in [r#"{"typ":"JWT","alg":"none"}"#, r#"{"typ":"JWT","alg":"HS512"}"#, "{}"] {
            let head = URL_SAFE_NO_PAD.encode(header);
            for forged in [format!("{head}.{claims}.{tag}"), format!("{head}.{claims}.")] {
                assert_eq!(read_jwt(&secrets, &forged, Timestamp(0)), None, "{header}");
            }
        }
        for bad in ["", ".", "..", "a.b.c", &"x".repeat(5000)] {
            assert_eq!(read_jwt(&secrets, bad, Timestamp(0)), None);
        }
    }
}
