//! STS over the query protocol: `AssumeRole` and `GetCallerIdentity`.

use axum::http::StatusCode;

use super::assume_role::assume_role;
use super::calls::{Call, Service};
use super::fault::{Fault, STS_NAMESPACE};
use super::form::Form;
use super::session::Session;
use super::{Incoming, Inner, xml};

/// The only version of the API.
const VERSION: &str = "2011-06-15";

/// Answers one call.
pub(super) fn answer(aws: &Inner, incoming: &Incoming, call: &mut Call) -> Result<String, Fault> {
    let (session, region) = aws.authenticate(incoming, Service::Sts).map_err(|refusal| refusal.fault(Service::Sts))?;
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
