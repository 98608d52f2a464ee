//! One method of one path: who may, what goes in, what comes out.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::openapi::parameters;
use crate::openapi::schema::{Schema, named, text};

/// The type of nearly every body.
pub(super) const JSON: &str = "application/json";
/// The type of forms.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// The type of pages.
pub(super) const HTML: &str = "text/html";

/// Who may.
#[derive(Debug, Clone, Copy)]
enum Access {
    /// Everybody.
    Everybody,
    /// An access token with scopes.
    Token(&'static [&'static str]),
    /// An API key of at least this role.
    Key(&'static str),
    /// An API key of at least this role, or an access token with scopes.
    KeyOrToken(&'static str, &'static [&'static str]),
    /// An application that names itself.
    Client,
}

/// An operation of the document.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    method: &'static str,
    path: String,
    id: &'static str,
    summary: &'static str,
    notes: Option<&'static str>,
    access: Access,
    query: &'static [&'static str],
    headers: &'static [&'static str],
    body: Option<Value>,
    answers: BTreeMap<u16, Value>,
    is_old: bool,
}

/// What is behind the own paths' common beginning.
pub(super) fn own(path: &str) -> String {
    format!("/lampfield/v1{path}")
}

/// What is behind the common beginning of RingCentral's paths.
pub(super) fn rest(path: &str) -> String {
    format!("/restapi/v1.0{path}")
}

macro_rules! methods {
    ($($name:ident)+) => {$(
        /// Describes this method of a path.
        pub(super) fn $name(path: impl Into<String>, id: &'static str, summary: &'static str) -> Operation {
            Operation::new(stringify!($name), path.into(), id, summary)
        }
    )+};
}

methods! { get post put patch delete }

impl Operation {
    fn new(method: &'static str, path: String, id: &'static str, summary: &'static str) -> Self {
        Self {
            method,
            path,
            id,
            summary,
            notes: None,
            access: Access::Everybody,
            query: &[],
            headers: &[],
            body: None,
            answers: BTreeMap::new(),
            is_old: false,
        }
        .refuses(&[500, 503])
    }

    /// Adds what the summary does not say.
    pub(super) fn notes(mut self, notes: &'static str) -> Self {
        self.notes = Some(notes);
        self
    }

    /// Marks what nobody should ask for.
    pub(super) fn deprecated(mut self) -> Self {
        self.is_old = true;
        self
    }

    /// Demands an access token with scopes.
    pub(super) fn token(mut self, scopes: &'static [&'static str]) -> Self {
        self.access = Access::Token(scopes);
        self.refuses(&[401, 403, 429])
    }

    /// Demands an API key of at least a role. Another token is told what it lacks, and is counted.
    pub(super) fn key(mut self, role: &'static str) -> Self {
        self.access = Access::Key(role);
        self.refuses(&[400, 401, 403, 404, 429])
    }

    /// Demands an API key of at least a role, or an access token with scopes.
    pub(super) fn key_or_token(
        mut self,
        role: &'static str,
        scopes: &'static [&'static str],
    ) -> Self {
        self.access = Access::KeyOrToken(role, scopes);
        self.refuses(&[400, 401, 403, 404, 429])
    }

    /// Demands that an application names itself, in the header or in the form.
    pub(super) fn client(mut self) -> Self {
        self.access = Access::Client;
        self
    }

    /// Takes query parameters, all optional, known by name.
    pub(super) fn query(mut self, names: &'static [&'static str]) -> Self {
        self.query = names;
        self.refuses(&[400])
    }

    /// Takes headers, all optional, known by name.
    pub(super) fn headers(mut self, names: &'static [&'static str]) -> Self {
        self.headers = names;
        self
    }

    /// Takes a JSON body of a named schema.
    pub(super) fn takes(self, name: &str) -> Self {
        self.takes_as(JSON, named(name))
    }

    /// Takes a body of another type, beside those that it takes already.
    pub(super) fn takes_as(mut self, kind: &str, schema: Schema) -> Self {
        let body = self.body.get_or_insert_with(|| json!({ "required": true, "content": {} }));
        body["content"][kind] = json!({ "schema": schema.into_value() });
        self.refuses(&[400, 408, 413])
    }

    /// Lets the body be left out.
    pub(super) fn or_nothing(mut self) -> Self {
        if let Some(body) = &mut self.body {
            body["required"] = json!(false);
        }
        self
    }

    /// Answers with JSON of a named schema.
    pub(super) fn answers(self, status: u16, sentence: &str, name: &str) -> Self {
        self.answers_as(status, sentence, JSON, named(name))
    }

    /// Answers with a body of a type, beside those that it answers with already.
    pub(super) fn answers_as(
        mut self,
        status: u16,
        sentence: &str,
        kind: &str,
        schema: Schema,
    ) -> Self {
        let headers = self.answer_headers();
        let answer = self.answers.entry(status).or_insert_with(
            || json!({ "description": sentence, "headers": headers, "content": {} }),
        );
        answer["content"][kind] = json!({ "schema": schema.into_value() });
        self
    }

    /// Answers without a body.
    pub(super) fn answers_nothing(mut self, status: u16, sentence: &str) -> Self {
        let headers = self.answer_headers();
        self.answers.insert(status, json!({ "description": sentence, "headers": headers }));
        self
    }

    /// Adds a header to an answer.
    pub(super) fn with_header(mut self, status: u16, name: &str) -> Self {
        if let Some(answer) = self.answers.get_mut(&status) {
            answer["headers"][name] = reference("headers", name);
        }
        self
    }

    /// May refuse with these statuses, in the contract's shape.
    pub(super) fn refuses(mut self, statuses: &[u16]) -> Self {
        for status in statuses {
            let refusal = reference("responses", &format!("Refusal{status}"));
            self.answers.entry(*status).or_insert(refusal);
        }
        self
    }

    /// May refuse with these statuses, in OAuth's shape.
    pub(super) fn refuses_as_oauth(mut self, statuses: &[u16]) -> Self {
        for status in statuses {
            let refusal = reference("responses", &format!("OauthRefusal{status}"));
            self.answers.insert(*status, refusal);
        }
        self
    }

    /// May refuse with these statuses, as a page for people.
    pub(super) fn refuses_as_page(self, statuses: &[u16]) -> Self {
        let page = |operation: Self, status: &u16| {
            operation.without(*status).answers_as(*status, "A page that says why.", HTML, text())
        };
        statuses.iter().fold(self, page)
    }

    fn without(mut self, status: u16) -> Self {
        self.answers.remove(&status);
        self
    }

    /// Leads from a member of the answer to other operations: `(name, operation, parameter, from)`.
    pub(super) fn leads(
        mut self,
        status: u16,
        from: &str,
        links: &[(&'static str, &'static str)],
    ) -> Self {
        if let Some(answer) = self.answers.get_mut(&status) {
            for (operation, parameter) in links {
                answer["links"][*operation] = json!({
                    "operationId": operation,
                    "parameters": { *parameter: format!("$response.body#{from}") },
                });
            }
        }
        self
    }

    fn answer_headers(&self) -> Value {
        let mut headers = Map::new();
        let mut header = |name: &str| {
            headers.insert(name.to_owned(), reference("headers", name));
        };
        header("RCRequestId");
        if matches!(self.access, Access::Token(_)) {
            for name in parameters::RATE_HEADERS {
                header(name);
            }
        }
        Value::Object(headers)
    }

    /// Returns method, in small letters, and path.
    pub(super) fn place(&self) -> (&'static str, &str) {
        (self.method, &self.path)
    }

    /// Returns the operation as it stands in the document.
    pub(super) fn into_value(self, tag: &str) -> Value {
        let mut value = Map::new();
        let mut member = |name: &str, content: Value| {
            value.insert(name.to_owned(), content);
        };
        member("operationId", json!(self.id));
        member("tags", json!([tag]));
        member("summary", json!(self.summary));
        let description: Vec<_> = self.notes.into_iter().chain(self.access.sentence()).collect();
        if !description.is_empty() {
            member("description", json!(description.join("\n\n")));
        }
        if self.is_old {
            member("deprecated", json!(true));
        }
        member("security", self.access.security());
        let in_path = parameters::in_path(&self.path);
        let in_query = self.query.iter().map(|name| parameters::in_query(name));
        let in_head = self.headers.iter().map(|name| parameters::in_head(name));
        let parameters: Vec<_> = in_path.into_iter().chain(in_query).chain(in_head).collect();
        if !parameters.is_empty() {
            member("parameters", json!(parameters));
        }
        if let Some(body) = self.body {
            member("requestBody", body);
        }
        let answers = self.answers.into_iter().map(|(status, it)| (status.to_string(), it));
        member("responses", Value::Object(answers.collect()));
        Value::Object(value)
    }
}

impl Access {
    fn security(self) -> Value {
        match self {
            Self::Everybody => json!([]),
            Self::Token(scopes) => json!([{ "oauth": scopes }]),
            Self::Key(_) => json!([{ "apiKey": [] }]),
            Self::KeyOrToken(_, scopes) => json!([{ "apiKey": [] }, { "oauth": scopes }]),
            Self::Client => json!([{ "client": [] }, {}]),
        }
    }

    fn sentence(self) -> Option<&'static str> {
        match self {
            Self::Everybody | Self::Token(_) | Self::Client => None,
            Self::Key("admin") => Some("Needs an API key of role admin."),
            Self::Key("ingest") => Some("Needs an API key of role ingest."),
            Self::Key(_) | Self::KeyOrToken("read", _) => {
                Some("Needs an API key, or an access token for the own account.")
            }
            Self::KeyOrToken(..) => {
                Some("Needs an API key of role admin, or an access token of whom it is about.")
            }
        }
    }
}

/// Returns a reference into the components.
pub(super) fn reference(part: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{part}/{name}") })
}
