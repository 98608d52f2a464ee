//! Errors of the REST interface: status, code and the contract's sentence (contract 2.2, 5, 6.4).

use serde_json::{Map, Value, json};

/// An error as a client sees it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status} {code}: {message}")]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// Code such as `CMN-101`.
    pub code: &'static str,
    /// A sentence.
    pub message: String,
    /// The parameter at fault, where there is one.
    pub parameter: Option<String>,
    /// Seconds for `Retry-After`.
    pub retry_after: Option<u32>,
}

impl ApiError {
    /// Makes an error without parameter.
    #[must_use]
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), parameter: None, retry_after: None }
    }

    /// Returns the error with another sentence.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// Returns the error with a parameter at fault.
    #[must_use]
    pub fn with_parameter(mut self, name: &str) -> Self {
        self.parameter = Some(name.to_owned());
        self
    }

    /// Returns the JSON body: the list of errors, and its first repeated on top for old clients.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut body = self.item();
        body.insert("errors".to_owned(), json!([self.item()]));
        if let Some(parameter) = body.shift_remove("parameterName") {
            body.insert("parameterName".to_owned(), parameter);
        }
        Value::Object(body)
    }

    fn item(&self) -> Map<String, Value> {
        let mut item = Map::new();
        item.insert("errorCode".to_owned(), json!(self.code));
        item.insert("message".to_owned(), json!(self.message));
        if let Some(parameter) = &self.parameter {
            item.insert("parameterName".to_owned(), json!(parameter));
        }
        item
    }
}

/// Common errors (CMN).
impl ApiError {
    /// 400 CMN-101: a field, query parameter or enum value is wrong.
    #[must_use]
    pub fn invalid_parameter(name: &str) -> Self {
        Self::new(400, "CMN-101", format!("Parameter [{name}] value is invalid"))
            .with_parameter(name)
    }

    /// 404 CMN-102: an id that does not exist, or not for this caller.
    #[must_use]
    pub fn not_found(name: &str) -> Self {
        Self::new(404, "CMN-102", format!("Resource for parameter [{name}] is not found"))
            .with_parameter(name)
    }

    /// 400 CMN-103: the body is not JSON, or not the JSON that is needed.
    #[must_use]
    pub fn bad_json() -> Self {
        Self::new(400, "CMN-103", "JSON can't be parsed")
    }

    /// 400 CMN-104: multipart or character encoding is broken.
    #[must_use]
    pub fn cannot_parse() -> Self {
        Self::new(400, "CMN-104", "Cannot parse request")
    }

    /// 404 CMN-120: no such path.
    #[must_use]
    pub fn no_route() -> Self {
        Self::new(404, "CMN-120", "Invalid URI")
    }

    /// 405 CMN-202: the path exists, this method of it does not.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::new(405, "CMN-202", "Operation is not supported")
    }

    /// 413 CMN-104: the body is larger than `limit` bytes.
    #[must_use]
    pub fn body_too_large(limit: usize) -> Self {
        Self::new(413, "CMN-104", format!("Request body is larger than {limit} bytes"))
    }

    /// 415 CMN-104: the body is of a type that is not read here.
    #[must_use]
    pub fn unsupported_media_type(expected: &str) -> Self {
        Self::new(415, "CMN-104", format!("Content-Type must be {expected}"))
    }

    /// 501 CMN-202: a path of the contract that this version does not have.
    #[must_use]
    pub fn unsupported() -> Self {
        Self::new(501, "CMN-202", "Operation is not supported")
    }

    /// 500 CMN-203: our fault.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(500, "CMN-203", "Internal Server Error")
    }

    /// 503 CMN-201: too much to do at present; try again after `retry_after` seconds.
    #[must_use]
    pub fn overloaded(retry_after: u32) -> Self {
        let error = Self::new(503, "CMN-201", "Service Temporary Unavailable");
        Self { retry_after: Some(retry_after), ..error }
    }

    /// 429 CMN-301: the caller's rate is over; the sentence is compared literally by clients.
    #[must_use]
    pub fn rate_exceeded(retry_after: u32) -> Self {
        let error = Self::new(429, "CMN-301", "Request rate exceeded");
        Self { retry_after: Some(retry_after), ..error }
    }

    /// 429 CMN-304: too many requests of one socket are under way.
    #[must_use]
    pub fn too_many_at_once() -> Self {
        Self::new(429, "CMN-304", "Too many concurrent requests")
    }

    /// 403 CMN-401: the application lacks a scope.
    #[must_use]
    pub fn missing_scope(name: &str) -> Self {
        let message = format!(
            "In order to call this API endpoint, application needs to have [{name}] permission"
        );
        Self::new(403, "CMN-401", message)
    }

    /// 403 CMN-402: only administrators may.
    #[must_use]
    pub fn admin_required() -> Self {
        Self::new(403, "CMN-402", "Admin permission required")
    }

    /// 403 CMN-403: extensions of this type do not have it.
    #[must_use]
    pub fn wrong_type() -> Self {
        Self::new(403, "CMN-403", "Feature is not available for this extension type")
    }

    /// 403 CMN-404: it belongs to somebody else.
    #[must_use]
    pub fn other_extension() -> Self {
        Self::new(403, "CMN-404", "Attempt to access another extension")
    }

    /// 403 CMN-408: the user lacks a permission.
    #[must_use]
    pub fn missing_permission(name: &str) -> Self {
        let message = format!(
            "In order to call this API endpoint, user needs to have [{name}] permission for requested resource."
        );
        Self::new(403, "CMN-408", message)
    }

    /// 401 CMN-405: the token is good but stands for no extension.
    #[must_use]
    pub fn login_required() -> Self {
        Self::new(401, "CMN-405", "Login to extension required")
    }
}

/// Token errors (contract 4.5).
impl ApiError {
    /// 401 OAU-123: no `Authorization` header and no `access_token`.
    #[must_use]
    pub fn token_missing() -> Self {
        Self::new(401, "OAU-123", "Authorization header is not specified")
    }

    /// 401 OAU-134: an `Authorization` header that cannot be read. Its value is not repeated.
    #[must_use]
    pub fn token_malformed() -> Self {
        Self::new(401, "OAU-134", "Authorization header is invalid")
    }

    /// 401 OAU-213.
    #[must_use]
    pub fn token_unknown() -> Self {
        Self::new(401, "OAU-213", "Token not found")
    }

    /// 401 OAU-128: clients refresh upon it.
    #[must_use]
    pub fn token_expired() -> Self {
        Self::new(401, "OAU-128", "Access token expired")
    }

    /// 401 OAU-211.
    #[must_use]
    pub fn token_revoked() -> Self {
        Self::new(401, "OAU-211", "Token revoked")
    }
}

/// Subscription errors (contract 6.4).
impl ApiError {
    /// 404 CMN-102: no such subscription, or not of this user and application.
    #[must_use]
    pub fn subscription_not_found() -> Self {
        Self::not_found("subscriptionId")
    }

    /// 403 SUB-412: the user lacks a permission that a filter needs.
    #[must_use]
    pub fn extension_permission(name: &str) -> Self {
        Self::new(403, "SUB-412", format!("Extension permission [{name}] is missing"))
    }

    /// 403 SUB-402: extensions of this type have no presence.
    #[must_use]
    pub fn presence_unavailable() -> Self {
        Self::new(403, "SUB-402", "Presence feature is disabled for this extension type")
    }

    /// 403 SUB-403: the person does not let others see their presence.
    #[must_use]
    pub fn monitoring_disallowed() -> Self {
        Self::new(403, "SUB-403", "User disallowed to monitor his presence")
    }

    /// 403 SUB-406: a filter names another account.
    #[must_use]
    pub fn other_account() -> Self {
        Self::new(403, "SUB-406", "Not allowed to subscribe for extensions of another account")
    }

    /// 403 SUB-408: a filter names an extension that does not exist.
    #[must_use]
    pub fn unknown_user() -> Self {
        Self::new(403, "SUB-408", "Not allowed to subscribe for events of unknown user")
    }

    /// 403 SUB-505: this user and application have as many as they may.
    #[must_use]
    pub fn subscriptions_limit() -> Self {
        Self::new(403, "SUB-505", "Subscriptions limit exceeded")
    }

    /// 400 SUB-508: filters that mean nothing.
    #[must_use]
    pub fn invalid_filters<'a>(filters: impl IntoIterator<Item = &'a str>) -> Self {
        let list: Vec<_> = filters.into_iter().collect();
        Self::new(400, "SUB-508", format!("Invalid event filters: [{}]", list.join(", ")))
    }

    /// 400 SUB-516: a renewal reminder with a bad threshold or interval.
    #[must_use]
    pub fn bad_reminder() -> Self {
        Self::new(400, "SUB-516", "Reminder parameters are invalid")
    }

    /// 400 SUB-520: the receiver did not give the validation token back.
    #[must_use]
    pub fn validation_token_not_returned() -> Self {
        Self::new(400, "SUB-520", "Validation Token is not returned")
    }

    /// 400 SUB-521: the receiver cannot be reached.
    #[must_use]
    pub fn webhook_unreachable() -> Self {
        Self::new(400, "SUB-521", "WebHook is not reachable")
    }

    /// 400 SUB-523: plain http is not allowed here.
    #[must_use]
    pub fn https_required() -> Self {
        Self::new(400, "SUB-523", "HTTPS is required")
    }

    /// 400 SUB-524: the receiver's certificate does not verify.
    #[must_use]
    pub fn certificate_invalid() -> Self {
        Self::new(400, "SUB-524", "HTTPS certificate is not valid")
    }

    /// 400 SUB-525: the receiver answered something else than 200 with the token, or too much.
    #[must_use]
    pub fn webhook_response_invalid() -> Self {
        Self::new(400, "SUB-525", "WebHook server response is invalid")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_repeats_its_only_error_on_top() {
        let body = ApiError::not_found("extensionId").body().to_string();

        assert_eq!(
            body,
            concat!(
                r#"{"errorCode":"CMN-102","message":"Resource for parameter [extensionId] is not found","#,
                r#""errors":[{"errorCode":"CMN-102","message":"Resource for parameter [extensionId] is not found","#,
                r#""parameterName":"extensionId"}],"parameterName":"extensionId"}"#
            )
        );
    }

    #[test]
    fn an_error_without_parameter_names_none() {
        let body = ApiError::rate_exceeded(60).body().to_string();

        assert_eq!(
            body,
            r#"{"errorCode":"CMN-301","message":"Request rate exceeded","errors":[{"errorCode":"CMN-301","message":"Request rate exceeded"}]}"#
        );
    }

    #[test]
    fn sentences_are_the_contracts() {
        assert_eq!(
            ApiError::missing_scope("ReadAccounts").message,
            "In order to call this API endpoint, application needs to have [ReadAccounts] permission"
        );
        assert_eq!(
            ApiError::invalid_parameter("dndStatus").message,
            "Parameter [dndStatus] value is invalid"
        );
        assert_eq!(
            ApiError::invalid_filters(["/a", "/b"]).message,
            "Invalid event filters: [/a, /b]"
        );
    }
}
