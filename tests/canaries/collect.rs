//! Where the secrets of a day are seen on their way.

use secrecy::ExposeSecret;
use serde_json::Value;

use crate::support::campus::Campus;
use crate::support::canaries::Canaries;
use crate::support::proxy::{Answer, Recorded};

/// Gathers every secret that there was.
pub(super) fn collect(campus: &Campus, canaries: &mut Canaries) {
    canaries.add("client secret", campus.playground.client_secret.expose_secret());
    canaries.add("broker's secret key", campus.playground.identity.secret_access_key.expose_secret());
    canaries.add("broker's session token", campus.playground.identity.session_token.expose_secret());
    canaries.add("key file", std::fs::read(campus.folder.path().join("key")).unwrap());
    for call in campus.provider.recorded() {
        let (query, form) = (call.query(), call.form());
        for (kind, values, name) in [
            ("state", &query, "state"),
            ("nonce", &query, "nonce"),
            ("code", &form, "code"),
            ("PKCE verifier", &form, "code_verifier"),
        ] {
            if let Some(value) = values.get(name) {
                canaries.add(kind, value);
            }
        }
    }
    for token in campus.idp.issued() {
        let kind = if token.matches('.').count() == 2 { "ID token" } else { "code or access token" };
        canaries.add(kind, token);
    }
    for call in campus.sts.recorded() {
        at_sts(&call, canaries);
    }
    for call in campus.front.recorded() {
        at_broker(&call, canaries);
    }
}

/// What went to AWS and came from it. Only calls of STS have secrets in them.
pub(super) fn at_sts(call: &Recorded, canaries: &mut Canaries) {
    if let Some(external_id) = call.form().get("ExternalId") {
        canaries.add("external id", external_id);
    }
    let body = body(call);
    for (kind, tag) in [("secret key", "SecretAccessKey"), ("session token", "SessionToken")] {
        let rest = body.split_once(&format!("<{tag}>")).map(|(_, rest)| rest);
        if let Some((value, _)) = rest.and_then(|rest| rest.split_once(&format!("</{tag}>"))) {
            canaries.add(kind, value);
        }
    }
}

fn at_broker(call: &Recorded, canaries: &mut Canaries) {
    let (query, form, body) = (call.query(), call.form(), body(call));
    let seen = match call.path() {
        "/oauth/authorize" => {
            vec![("helper's state", query.get("state").cloned()), ("form token", form.get("form_token").cloned())]
        }
        "/oauth/token" => vec![
            ("our code", form.get("code").cloned()),
            ("helper's PKCE verifier", form.get("code_verifier").cloned()),
            ("helper's access token", text(&body, "access_token")),
            ("helper's refresh token", text(&body, "refresh_token")),
        ],
        _ => Vec::new(),
    };
    for (kind, value) in seen {
        if let Some(value) = value {
            canaries.add(kind, value);
        }
    }
    let head = call.answer.as_ref().map(Answer::head).unwrap_or_default();
    for (kind, name) in [("session cookie", "lodge_session"), ("sign-in cookie", "lodge_sign_in_")] {
        for (_, rest) in head.lines().filter_map(|line| line.split_once(name)) {
            let pair = rest.split(';').next().unwrap_or_default();
            let (_, value) = pair.split_once('=').unwrap_or_default();
            if !value.is_empty() {
                canaries.add(kind, value);
            }
        }
    }
}

/// A text in a JSON object.
pub(super) fn text(json: &str, name: &str) -> Option<String> {
    let value: Value = serde_json::from_str(json).ok()?;
    Some(value.get(name)?.as_str()?.to_owned())
}

fn body(call: &Recorded) -> String {
    call.answer.as_ref().map(Answer::body).unwrap_or_default()
}
