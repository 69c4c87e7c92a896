//! The Mechanical Turk requester API, over JSON 1.1.
//!
//! Only calls that need no id of anything are made: without one, the service would speak of that.

use aws_sigv4::http_request::SigningSettings;
use serde::Deserialize;

use super::{Call, Raw, Service, Words};
use crate::domain::policy::Probe;

/// Source: Amazon Mechanical Turk requester API reference of 2017-01-17, and the service model that AWS's SDKs are made of.
pub(super) const SERVICE: Service = Service {
    prefix: "mechanicalturk",
    signing_name: "mturk-requester",
    region: "us-east-1",
    settings: SigningSettings::default,
    call,
    read: words,
    // It is in one region.
    moved: |_| None,
};

fn call(probe: &Probe, _: &str) -> Option<Call> {
    let (_, operation) = probe.action.split_once(':')?;
    let body = match operation {
        "GetAccountBalance" => "{}",
        "ListHITs" | "ListQualificationRequests" | "ListReviewableHITs" | "ListWorkerBlocks" => r#"{"MaxResults":1}"#,
        _ => return None,
    };
    (probe.resource == "*" && probe.with.is_empty()).then(|| Call {
        method: "POST",
        home: "https://mturk-requester.us-east-1.amazonaws.com".to_owned(),
        path: "/".to_owned(),
        path_elsewhere: "/".to_owned(),
        headers: vec![
            ("content-type", "application/x-amz-json-1.1".to_owned()),
            ("x-amz-target", format!("MTurkRequesterServiceV20170117.{operation}")),
        ],
        body,
    })
}

#[derive(Default, Deserialize)]
struct JsonError {
    #[serde(rename = "__type")]
    kind: Option<String>,
    #[serde(alias = "Message")]
    message: Option<String>,
    #[serde(rename = "TurkErrorCode")]
    turk_code: Option<String>,
}

/// What an answer of the JSON protocols says; the text itself when it is none.
fn words(raw: &Raw) -> Words {
    let is_object = || serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&raw.body).is_ok();
    let is_readable = if raw.is_cut { raw.body.starts_with(b"{") } else { is_object() };
    let error: JsonError = serde_json::from_slice(&raw.body).unwrap_or_default();
    // `com.amazonaws.mturk#RequestError`, `RequestError:http://…`.
    let code = raw.error_type.as_ref().or(error.kind.as_ref());
    let code = code.and_then(|code| code.rsplit('#').next()?.split(':').next().map(str::to_owned));
    let text = || String::from_utf8_lossy(&raw.body).into_owned();
    Words { is_readable, code, detail: error.turk_code, message: error.message.or_else(|| (!is_readable).then(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(error_type: Option<&str>, body: &str) -> [Option<String>; 3] {
        let raw = Raw {
            status: 400,
            error_type: error_type.map(str::to_owned),
            body: body.as_bytes().to_owned(),
            ..Raw::default()
        };
        let Words { code, detail, message, .. } = words(&raw);
        [code, detail, message]
    }

    #[test]
    fn the_code_of_a_json_answer_stands_in_several_places_and_forms() {
        let some = |text: &str| Some(text.to_owned());
        for (header, body, expected) in [
            (None, r#"{"__type":"RequestError","Message":"m"}"#, [some("RequestError"), None, some("m")]),
            (
                None,
                r#"{"__type":"com.amazonaws.mturk#RequestError","message":"m"}"#,
                [some("RequestError"), None, some("m")],
            ),
            (
                Some("RequestError:http://internal/"),
                r#"{"TurkErrorCode":"x"}"#,
                [some("RequestError"), some("x"), None],
            ),
            (None, "<html>a page</html>", [None, None, some("<html>a page</html>")]),
            (None, "[]", [None, None, some("[]")]),
            (None, r#"{"__type":7}"#, [None, None, None]),
            (None, "", [None, None, some("")]),
        ] {
            assert_eq!(read(header, body), expected, "{body}");
        }
    }

    #[test]
    fn no_call_is_made_that_changes_anything_or_needs_an_id_or_is_on_something() {
        for operation in ["", "CreateHIT", "SendBonus", "DeleteHIT", "GetHIT", "ListAssignmentsForHIT", "listHITs"] {
            assert!(call(&Probe::of(&format!("mechanicalturk:{operation}")), "us-east-1").is_none(), "{operation}");
        }
        let list = Probe::of("mechanicalturk:ListHITs");
        assert!(call(&list, "us-east-1").is_some());
        assert!(call(&Probe { resource: "arn:aws:x".to_owned(), ..list.clone() }, "us-east-1").is_none());
        let with = [("x:y".to_owned(), "z".to_owned())].into();
        assert!(call(&Probe { with, ..list }, "us-east-1").is_none());
    }
}
