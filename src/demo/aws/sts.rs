//! STS over the query protocol: `AssumeRole` and `GetCallerIdentity`.

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use url::form_urlencoded;

use super::assume_role::assume_role;
use super::calls::{Call, Service};
use super::fault::{Fault, Protocol, STS_NAMESPACE};
use super::session::Session;
use super::{Incoming, Inner, xml};

/// The only version of the API.
const VERSION: &str = "2011-06-15";

/// The parameters of a call, in the order they came; no name twice.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    fn parse(incoming: &Incoming) -> Result<Self, Fault> {
        let malformed = |message: &str| Fault::new(StatusCode::BAD_REQUEST, "MalformedInput", message);
        let content_type = incoming.parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = content_type.and_then(|value| value.split(';').next()).map(str::trim);
        if media_type != Some("application/x-www-form-urlencoded") {
            return Err(malformed("Content-Type must be application/x-www-form-urlencoded"));
        }
        // A query string beside the form would be a second place to look for parameters.
        if incoming.parts.uri.query().is_some() {
            return Err(malformed("Parameters must be in the body"));
        }
        let mut entries: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(&incoming.body) {
            if entries.iter().any(|(seen, _)| *seen == name) {
                return Err(malformed("A parameter is given twice"));
            }
            entries.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(entries))
    }

    /// Takes a parameter out.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let index = self.0.iter().position(|(seen, _)| seen == name)?;
        Some(self.0.remove(index).1)
    }

    /// The name of a parameter that nobody took.
    pub(super) fn left_over(&self) -> Option<&str> {
        self.0.first().map(|(name, _)| name.as_str())
    }
}

/// Answers one call.
pub(super) fn answer(aws: &Inner, incoming: &Incoming, call: &mut Call) -> Result<String, Fault> {
    let (session, region) =
        aws.authenticate(incoming, Service::Sts).map_err(|refusal| refusal.fault(Protocol::Query))?;
    call.caller = Some(session.arn());
    let mut form = Form::parse(incoming)?;
    let action = form.take("Action").unwrap_or_default();
    let version = form.take("Version").unwrap_or_default();
    call.action.clone_from(&action);
    let result = match (action.as_str(), version.as_str()) {
        ("AssumeRole", VERSION) => assume_role(aws, incoming, &session, &region, form, call)?,
        ("GetCallerIdentity", VERSION) => get_caller_identity(&session, &form)?,
        _ => {
            let message = format!("Could not find operation {action} for version {version}");
            return Err(Fault::new(StatusCode::BAD_REQUEST, "InvalidAction", message));
        }
    };
    let metadata = xml::wrap("ResponseMetadata", &xml::element("RequestId", &incoming.request_id));
    let result = xml::wrap(&format!("{action}Result"), &result);
    Ok(format!("<{action}Response xmlns=\"{STS_NAMESPACE}\">{result}{metadata}</{action}Response>"))
}

/// Needs no permission, and no deny can stop it.
fn get_caller_identity(session: &Session, form: &Form) -> Result<String, Fault> {
    if let Some(name) = form.left_over() {
        return Err(Fault::validation(format!("GetCallerIdentity has no parameter '{name}'")));
    }
    Ok([
        xml::element("Arn", &session.arn()),
        xml::element("UserId", &session.user_id()),
        xml::element("Account", session.role_arn.account()),
    ]
    .concat())
}
