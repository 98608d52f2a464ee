//! Errors of the OAuth endpoints (contract 4.5): OAuth's words and the contract's codes together.

use serde_json::{Value, json};

/// An error of an OAuth endpoint (contract 4.5).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error} ({code}): {description}")]
pub struct OauthError {
    /// HTTP status.
    pub status: u16,
    /// RFC 6749 word such as `invalid_grant`.
    pub error: &'static str,
    /// Code such as `OAU-140`.
    pub code: &'static str,
    /// A sentence.
    pub description: String,
    /// Seconds for `Retry-After`.
    pub retry_after: Option<u32>,
}

impl OauthError {
    /// Makes an error.
    #[must_use]
    pub fn new(
        status: u16,
        error: &'static str,
        code: &'static str,
        description: impl Into<String>,
    ) -> Self {
        Self { status, error, code, description: description.into(), retry_after: None }
    }

    /// Returns the JSON body: in OAuth's words and in the contract's.
    #[must_use]
    pub fn body(&self) -> Value {
        json!({
            "error": self.error,
            "error_description": self.description,
            "errors": [{ "errorCode": self.code, "message": self.description }],
            "errorCode": self.code,
            "message": self.description,
        })
    }

    /// 400 OAU-111: a parameter came twice.
    #[must_use]
    pub fn duplicate_parameter() -> Self {
        Self::new(400, "invalid_request", "OAU-111", "Request parameter duplication detected")
    }

    /// 400 CMN-101: a parameter is missing.
    #[must_use]
    pub fn missing_parameter(name: &str) -> Self {
        let message = format!("Parameter [{name}] value is invalid");
        Self::new(400, "invalid_request", "CMN-101", message)
    }

    /// 400 OAU-112: a grant that this server does not know.
    #[must_use]
    pub fn unsupported_grant() -> Self {
        Self::new(400, "unsupported_grant_type", "OAU-112", "Unsupported grant type")
    }

    /// 400 OAU-112: a grant that this application may not use.
    #[must_use]
    pub fn unauthorized_client() -> Self {
        let message = "The client is not authorized to use this grant type";
        Self::new(400, "unauthorized_client", "OAU-112", message)
    }

    /// 401 OAU-146: unknown application or wrong secret.
    #[must_use]
    pub fn invalid_client() -> Self {
        Self::new(401, "invalid_client", "OAU-146", "Invalid client credentials")
    }

    /// 400 OAU-140: wrong JWT, user name or password; which of them is not told.
    #[must_use]
    pub fn invalid_credentials() -> Self {
        let message = "Invalid resource owner credentials";
        Self::new(400, "invalid_grant", "OAU-140", message)
    }

    /// 400 OAU-213: a refresh token that is unknown, used or expired.
    #[must_use]
    pub fn invalid_refresh_token() -> Self {
        Self::new(400, "invalid_grant", "OAU-213", "Token not found")
    }

    /// 400 OAU-106: a code that this server did not make, was used, or is not proved to be one's own.
    #[must_use]
    pub fn invalid_code() -> Self {
        Self::new(400, "invalid_grant", "OAU-106", "Authorization code is not valid")
    }

    /// 400 OAU-108: a code that is over.
    #[must_use]
    pub fn expired_code() -> Self {
        Self::new(400, "invalid_grant", "OAU-108", "Authorization code is expired")
    }

    /// 400 OAU-109: not the address to which the code was sent.
    #[must_use]
    pub fn redirect_mismatch() -> Self {
        Self::new(400, "invalid_grant", "OAU-109", "Redirect URIs do not match")
    }

    /// 400 OAU-110: a code of another application.
    #[must_use]
    pub fn code_of_another_client() -> Self {
        let message = "Authorization code was issued to another application";
        Self::new(400, "invalid_grant", "OAU-110", message)
    }

    /// 401 OAU-151: the client proves itself in a way that this server does not take.
    #[must_use]
    pub fn unsupported_client_authentication() -> Self {
        let message = "Authorization method is not supported: client_assertion is not taken, use \
                       the client secret";
        Self::new(401, "invalid_client", "OAU-151", message)
    }

    /// 400 CMN-101: the log-in page answers with codes only.
    #[must_use]
    pub fn unsupported_response_type() -> Self {
        let message = "Parameter [response_type] value is invalid: only code is supported";
        Self::new(400, "unsupported_response_type", "CMN-101", message)
    }

    /// 400 OAU-117: nothing of what is asked for is granted to the application.
    #[must_use]
    pub fn invalid_scope() -> Self {
        let message = "None of the requested scopes is granted to the application";
        Self::new(400, "invalid_scope", "OAU-117", message)
    }

    /// 400 OAU-141: the extension may not log in in its present state.
    #[must_use]
    pub fn extension_state() -> Self {
        let message = "Extension state does not allow to log in";
        Self::new(400, "invalid_grant", "OAU-141", message)
    }

    /// 415: the body is no form.
    #[must_use]
    pub fn not_a_form() -> Self {
        let message = "Content-Type must be application/x-www-form-urlencoded";
        Self::new(415, "invalid_request", "CMN-104", message)
    }

    /// 429 CMN-301: too many attempts; try again after `retry_after` seconds.
    #[must_use]
    pub fn rate_exceeded(retry_after: u32) -> Self {
        let error = Self::new(429, "invalid_request", "CMN-301", "Request rate exceeded");
        Self { retry_after: Some(retry_after), ..error }
    }

    /// 503 CMN-201: too much to do at present; try again after `retry_after` seconds.
    #[must_use]
    pub fn overloaded(retry_after: u32) -> Self {
        let message = "Service Temporary Unavailable";
        let error = Self::new(503, "temporarily_unavailable", "CMN-201", message);
        Self { retry_after: Some(retry_after), ..error }
    }

    /// 500 CMN-203: our fault.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(500, "server_error", "CMN-203", "Internal Server Error")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_speaks_oauth_and_the_contract_at_once() {
        assert_eq!(
            OauthError::invalid_credentials().body().to_string(),
            concat!(
                r#"{"error":"invalid_grant","error_description":"Invalid resource owner credentials","#,
                r#""errors":[{"errorCode":"OAU-140","message":"Invalid resource owner credentials"}],"#,
                r#""errorCode":"OAU-140","message":"Invalid resource owner credentials"}"#
            )
        );
    }
}
