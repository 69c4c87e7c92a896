//! `lodge credential-process`: what AWS tools run to get credentials.
//!
//! The caller may be a cron job: nothing is asked, no browser is opened, nothing but one JSON object reaches stdout,
//! and a failure is one line of UTF-8 on stderr, because that line is all that botocore and the SDKs show.

use chrono::DateTime;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::wire::CredentialsResponse;

use super::Helper;
use super::arguments::CredentialProcessArguments;
use super::failure::Failure;
use super::output::Output;

/// The one object that tools read. Every field is always there: without an expiry the Rust SDK would keep the
/// credentials for ever.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ProcessCredentials<'a> {
    version: u8,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    session_token: &'a str,
    expiration: &'a str,
    account_id: &'a str,
}

pub(crate) fn run(
    helper: &Helper,
    arguments: &CredentialProcessArguments,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let person = helper.signed_in()?;

    let credentials = person
        .ask(|client, token| client.credentials(token, &arguments.role))
        .map_err(|failure| failure.about(&arguments.role))?;

    let json = process_json(&credentials).ok_or_else(|| Failure::NotABroker {
        broker: person.broker().to_string(),
        what: "its credentials are incomplete".to_owned(),
    })?;
    output.data(&json)
}

/// The line that tools read; `None` when something in it is missing or is no time.
fn process_json(credentials: &CredentialsResponse) -> Option<Zeroizing<Vec<u8>>> {
    let object = ProcessCredentials {
        version: 1,
        access_key_id: &credentials.access_key_id,
        secret_access_key: &credentials.secret_access_key,
        session_token: &credentials.session_token,
        expiration: &credentials.expiration,
        account_id: &credentials.account_id,
    };
    let complete = [object.access_key_id, object.secret_access_key, object.session_token, object.account_id]
        .iter()
        .all(|text| !text.is_empty())
        && DateTime::parse_from_rfc3339(object.expiration).is_ok();
    if !complete {
        return None;
    }
    let mut json = Zeroizing::new(Vec::with_capacity(16 * 1024));
    serde_json::to_writer(&mut *json, &object).ok()?;
    json.push(b'\n');
    Some(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(expiration: &str) -> CredentialsResponse {
        CredentialsResponse {
            access_key_id: "ASIAEXAMPLE".into(),
            secret_access_key: String::from("s\"e").into(),
            session_token: String::from("t/+=").into(),
            expiration: expiration.into(),
            account_id: "111122223333".into(),
            role_session_id: "rs-0123456789abcdef".into(),
        }
    }

    #[test]
    fn the_object_is_the_one_that_tools_read() {
        let json = process_json(&credentials("2026-11-21T13:00:00Z")).unwrap();

        assert_eq!(
            std::str::from_utf8(&json).unwrap(),
            "{\"Version\":1,\"AccessKeyId\":\"ASIAEXAMPLE\",\"SecretAccessKey\":\"s\\\"e\",\"SessionToken\":\"t/+=\",\
             \"Expiration\":\"2026-11-21T13:00:00Z\",\"AccountId\":\"111122223333\"}\n"
        );
    }

    #[test]
    fn credentials_that_would_never_expire_are_not_handed_on() {
        assert!(process_json(&credentials("")).is_none());
        assert!(process_json(&credentials("soon")).is_none());
    }
}
