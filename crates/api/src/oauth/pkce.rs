//! Whether a token request comes from whoever opened the log-in page (RFC 7636).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lampfield_contract::{Challenge, ChallengeMethod, is_verifier};

use crate::auth::hash_secret;

/// Tells whether a verifier meets the challenge. A verifier without a challenge meets nothing: such a
/// code was got in another way than the application believes (RFC 9700).
pub(super) fn is_met(challenge: Option<&Challenge>, verifier: Option<&str>) -> bool {
    match (challenge, verifier) {
        (None, None) => true,
        (Some(challenge), Some(verifier)) => is_verifier(verifier) && meets(challenge, verifier),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

fn meets(challenge: &Challenge, verifier: &str) -> bool {
    // Hashes are compared, so that the time tells nothing of the texts.
    let said = match challenge.method {
        ChallengeMethod::Plain => verifier.to_owned(),
        ChallengeMethod::S256 => URL_SAFE_NO_PAD.encode(hash_secret(verifier)),
    };
    hash_secret(&said) == hash_secret(&challenge.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn challenge(method: ChallengeMethod, value: &str) -> Challenge {
        Challenge { method, value: value.to_owned() }
    }

    #[test]
    fn the_verifier_of_the_standard_meets_its_challenge_and_no_other_does() {
        let hashed = challenge(ChallengeMethod::S256, CHALLENGE);
        assert!(is_met(Some(&hashed), Some(VERIFIER)));
        assert!(!is_met(Some(&hashed), Some(CHALLENGE)));
        assert!(!is_met(Some(&hashed), None));
        let plain = challenge(ChallengeMethod::Plain, VERIFIER);
        assert!(is_met(Some(&plain), Some(VERIFIER)));
        assert!(!is_met(Some(&plain), Some(CHALLENGE)));
        assert!(!is_met(Some(&challenge(ChallengeMethod::Plain, "short")), Some("short")));
    }

    #[test]
    fn a_verifier_where_none_was_announced_is_refused() {
        assert!(is_met(None, None));
        assert!(!is_met(None, Some(VERIFIER)));
    }
}
