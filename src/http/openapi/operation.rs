//! What a request to one address is for, takes and answers.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::http::problem::Kind;
use crate::http::routes::Admits;

/// What stands in an address, by the name it has there.
const IN_ADDRESSES: &[(&str, &str, &str)] = &[
    ("lab", "LabName", "The lab's name."),
    ("role", "RoleName", "The role's name."),
    ("mapping", "MappingId", "The mapping's id."),
    ("change", "MappingChangeId", "The id of the change that waits."),
    ("check", "AccountCheckId", "The check's id."),
    ("cut_off", "CutOffId", "The cut-off's id."),
    ("person", "PersonId", "The person's id."),
    ("connection", "ConnectionName", "The connection's name."),
    ("session", "SessionId", "The session's id."),
];

/// The schemas that operations speak of, by name.
pub(super) struct Schemas(BTreeMap<String, Value>);

impl Schemas {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub(super) fn extend(&mut self, named: Vec<(String, RefOr<Schema>)>) {
        for (name, schema) in named {
            let mut schema = serde_json::to_value(schema).unwrap_or_default();
            plain_words(&mut schema);
            let known = self.0.insert(name.clone(), schema.clone());
            debug_assert!(known.is_none_or(|known| known == schema), "two bodies are called {name}");
        }
    }

    /// Adds a type and every type in it, and refers to it.
    pub(super) fn add<T: ToSchema>(&mut self) -> Value {
        let mut all = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut all);
        self.extend(all);
        reference(&T::name())
    }

    pub(super) fn into_value(self) -> Value {
        json!(self.0)
    }
}

/// Turns the links in what is said of our own types into names.
fn plain_words(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.replace("[`", "`").replace("`]", "`"),
        Value::Array(values) => values.iter_mut().for_each(plain_words),
        Value::Object(fields) => fields.values_mut().for_each(plain_words),
        _ => {}
    }
}

/// Points at a schema.
pub(super) fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

/// A request to one address. It is described step by step; whom it admits says what it can refuse for that reason.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    name: &'static str,
    summary: &'static str,
    more: Option<&'static str>,
    admits: Admits,
    parameters: Vec<Value>,
    body: Option<Value>,
    changes: bool,
    answers: BTreeMap<u16, Value>,
    refuses: BTreeSet<(u16, Kind)>,
}

/// The version of a role as an `ETag`.
const VERSION_TAG: &str = "^\"[0-9a-f]{16}\"$";

impl Operation {
    /// A request called `name` that does what `summary` says.
    pub(super) fn new(method: &'static str, path: &'static str, name: &'static str, summary: &'static str) -> Self {
        let new = Self {
            method,
            path,
            name,
            summary,
            more: None,
            admits: Admits::Anyone,
            parameters: Vec::new(),
            body: None,
            changes: method != "get",
            answers: BTreeMap::new(),
            refuses: BTreeSet::new(),
        };
        new.refuses(&[Kind::Internal])
    }

    /// What else is to be known of it.
    pub(super) fn more(mut self, text: &'static str) -> Self {
        self.more = Some(text);
        self
    }

    /// A parameter of the query. What is not one is refused.
    pub(super) fn asks(mut self, name: &str, schema: &Value, description: &str) -> Self {
        self.parameters.push(json!({ "name": name, "in": "query", "description": description, "schema": schema }));
        self.refuses(&[Kind::MalformedRequest])
    }

    /// A page of a list: from where on, and how much.
    pub(super) fn pages(self, after: &Value, most: u32, usual: u32) -> Self {
        let limit = json!({ "type": "integer", "minimum": 1, "maximum": most, "default": usual });
        self.asks("after", after, "`next` of the page before; the first page without it.").asks(
            "limit",
            &limit,
            "How many at most.",
        )
    }

    /// A body that must be there.
    pub(super) fn takes(self, schema: &Value) -> Self {
        self.with_body(schema, true)
    }

    /// A body that may be left out.
    pub(super) fn may_take(self, schema: &Value) -> Self {
        self.with_body(schema, false)
    }

    fn with_body(mut self, schema: &Value, required: bool) -> Self {
        self.body = Some(json!({ "required": required, "content": { "application/json": { "schema": schema } } }));
        self.refuses.insert((413, Kind::MalformedRequest));
        self.refuses(&[Kind::MalformedRequest])
    }

    /// The revision that a change is made from.
    pub(super) fn if_match(self) -> Self {
        self.if_match_of("^\"[1-9][0-9]{0,17}\"$", "\"3\"")
    }

    /// The version that a change of a role is made from.
    pub(super) fn if_match_version(self) -> Self {
        self.if_match_of(VERSION_TAG, "\"5c1f0d9a3b7e2468\"")
    }

    fn if_match_of(mut self, pattern: &str, example: &str) -> Self {
        self.parameters.push(json!({
            "name": "If-Match",
            "in": "header",
            "required": true,
            "description": "The `ETag` of what the change is made from.",
            "schema": { "type": "string", "pattern": pattern, "examples": [example] },
        }));
        self.refuses(&[Kind::MalformedRequest, Kind::ChangedMeanwhile, Kind::RevisionNeeded])
    }

    /// A key by which a request that comes twice is done once.
    pub(super) fn once(self) -> Self {
        self.key("Whoever sends the same request with the same key again gets the answer of the first time.")
            .refuses(&[Kind::IdempotencyKeyReused])
    }

    fn key(mut self, description: &str) -> Self {
        self.parameters.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "description": description,
            "schema": {
                "type": "string",
                "pattern": r#"^("[!#-\[\]-~]{1,255}"|[!#-\[\]-~]{1,255})$"#,
                "examples": ["7d3c1a52-9f0e-4b86-8a55-0d2f6b1c9e47"],
            },
        }));
        self.refuses(&[Kind::MalformedRequest])
    }

    /// A `POST` that only looks.
    pub(super) fn changes_nothing(mut self) -> Self {
        self.changes = false;
        self.key("Means nothing here.")
    }

    /// An answer of JSON.
    pub(super) fn answers(self, status: StatusCode, schema: &Value, description: &str) -> Self {
        self.answers_in("application/json", status, schema, description)
    }

    /// An answer in some other form.
    pub(super) fn answers_in(
        mut self,
        content_type: &str,
        status: StatusCode,
        schema: &Value,
        description: &str,
    ) -> Self {
        let content = json!({ content_type: { "schema": schema } });
        self.answers.insert(status.as_u16(), json!({ "description": description, "content": content }));
        self
    }

    /// An answer with nothing in it.
    pub(super) fn answers_nothing(mut self, description: &str) -> Self {
        self.answers.insert(204, json!({ "description": description }));
        self
    }

    /// A header of an answer.
    pub(super) fn header(mut self, status: StatusCode, name: &str, schema: &Value, description: &str) -> Self {
        let header = json!({ "description": description, "required": true, "schema": schema });
        if let Some(answer) = self.answers.get_mut(&status.as_u16()) {
            answer["headers"][name] = header;
        }
        self
    }

    /// The revision that an answer has.
    pub(super) fn etag(self, status: StatusCode) -> Self {
        let schema = json!({ "type": "string", "pattern": "^\"[1-9][0-9]*\"$" });
        self.header(status, "ETag", &schema, "The revision; a change names it in `If-Match`.")
    }

    /// The version that a role has.
    pub(super) fn version_tag(self, status: StatusCode) -> Self {
        let schema = json!({ "type": "string", "pattern": VERSION_TAG });
        self.header(status, "ETag", &schema, "The role's version; a change names it in `If-Match`.")
    }

    /// Problems, each with the first of its statuses.
    pub(super) fn refuses(mut self, kinds: &[Kind]) -> Self {
        self.refuses.extend(kinds.iter().filter_map(|kind| Some((kind.statuses().first()?.as_u16(), *kind))));
        self
    }

    /// The same for those whom its route admits, with what it answers to everybody else.
    pub(super) fn admitting(mut self, admits: Admits) -> Self {
        self.admits = admits;
        let in_lab =
            [Kind::SignInNeeded, Kind::Unavailable, Kind::NoSuchLab, Kind::StandingNeeded, Kind::FreshSignInNeeded];
        match admits {
            Admits::Helper | Admits::RoleHolder => self.refuses(&in_lab[..2]),
            Admits::Operator => self.refuses(&in_lab[..2]).refuses(&[Kind::NoSuchPage]),
            Admits::Member => self.refuses(&in_lab[..3]),
            Admits::Manager | Admits::Pi if self.changes => self.refuses(&in_lab),
            Admits::Manager | Admits::Pi => self.refuses(&in_lab[..4]),
            // Pages are no part of the API.
            Admits::Anyone
            | Admits::Browser
            | Admits::MemberPage
            | Admits::ManagerPage
            | Admits::PiPage
            | Admits::OperatorPage => self,
        }
    }

    fn standing(&self) -> Option<&'static str> {
        match self.admits {
            Admits::Anyone => None,
            Admits::RoleHolder => Some("For whom a mapping gives the role."),
            Admits::Member => Some("For whoever belongs to the lab."),
            Admits::Manager => Some("For managers and PIs of the lab."),
            Admits::Pi => Some("For PIs of the lab."),
            Admits::Operator => Some("For operators: for everybody else there is nothing there."),
            _ => Some("For whoever is signed in."),
        }
    }

    /// As it stands in the description.
    pub(super) fn described(&self) -> Value {
        let said: Vec<_> = self.more.into_iter().chain(self.standing()).collect();
        let in_address = self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let in_address = in_address.map(|name| {
            let known = IN_ADDRESSES.iter().find(|(known, ..)| *known == name);
            let (schema, description) = known.map_or(("", ""), |(_, schema, description)| (*schema, *description));
            json!({
                "name": name, "in": "path", "required": true, "description": description, "schema": reference(schema),
            })
        });
        let mut parameters: Vec<_> = in_address.collect();
        parameters.extend(self.parameters.iter().cloned());
        let mut operation = json!({
            "operationId": self.name,
            "tags": [self.tag()],
            "summary": self.summary,
            "description": said.join(" "),
            "responses": self.responses(),
        });
        if !parameters.is_empty() {
            operation["parameters"] = json!(parameters);
        }
        if let Some(body) = &self.body {
            operation["requestBody"] = body.clone();
        }
        if self.admits != Admits::Anyone {
            operation["security"] = json!([{ "helper": [] }]);
        }
        operation
    }

    /// What the address speaks of.
    fn tag(&self) -> &'static str {
        let mut parts = self.path.split('/').skip(3);
        match (parts.next(), parts.nth(1)) {
            (Some("labs"), None) => "lab",
            (Some("labs"), Some(thing)) | (Some(thing), _) => thing,
            (None, _) => "",
        }
    }

    /// The kinds of problems that it answers with, by status.
    pub(super) fn refusals(&self) -> BTreeMap<u16, Vec<Kind>> {
        let mut by_status = BTreeMap::<u16, Vec<Kind>>::new();
        for (status, kind) in &self.refuses {
            by_status.entry(*status).or_default().push(*kind);
        }
        by_status
    }

    fn responses(&self) -> Map<String, Value> {
        let mut all: Map<_, _> =
            self.answers.iter().map(|(status, answer)| (status.to_string(), answer.clone())).collect();
        let named = |(status, kinds): (&u16, &Vec<Kind>)| {
            let refusal = format!("#/components/responses/{}", name_of_refusal(*status, kinds));
            (status.to_string(), json!({ "$ref": refusal }))
        };
        all.extend(self.refusals().iter().map(named));
        all
    }
}

/// What several operations call the same answer.
pub(super) fn name_of_refusal(status: u16, kinds: &[Kind]) -> String {
    let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
    format!("{status}.{}", names.join("."))
}

/// The answer with this status, which is a problem of one of these kinds.
pub(super) fn refusal(status: u16, kinds: &[Kind]) -> Value {
    let lines: Vec<_> = kinds.iter().map(|kind| format!("`{}`: {}", kind.name(), kind.means())).collect();
    let urns: Vec<_> = kinds.iter().map(|kind| kind.urn()).collect();
    let narrowed = json!({ "properties": { "type": { "enum": urns }, "status": { "const": status } } });
    let mut answer = json!({
        "description": lines.join("\n\n"),
        "content": { "application/problem+json": { "schema": { "allOf": [reference("Problem"), narrowed] } } },
    });
    let text = json!({ "type": "string" });
    let challenge = |required| json!({ "description": "What sign-in would do.", "required": required, "schema": text });
    if status == 401 {
        answer["headers"]["WWW-Authenticate"] = challenge(true);
    } else if kinds.iter().any(|kind| matches!(kind, Kind::FreshSignInNeeded | Kind::MfaNeeded)) {
        answer["headers"]["WWW-Authenticate"] = challenge(false);
    } else if matches!(status, 429 | 503) {
        let seconds = json!({ "type": "string", "pattern": "^[0-9]+$" });
        answer["headers"]["Retry-After"] = json!({ "description": "In seconds.", "required": true, "schema": seconds });
    }
    answer
}
