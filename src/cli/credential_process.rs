//! `lodge credential-process`: what AWS tools run to get credentials.
//!
//! The caller may be a cron job: nothing is asked, no browser is opened, nothing but one JSON object reaches stdout,
//! and a failure is one line of UTF-8 on stderr, because that line is all that botocore and the SDKs show.

use serde::Serialize;
use zeroize::Zeroizing;

use crate::wire::timestamp;

use super::Helper;
use super::arguments::CredentialProcessArguments;
use super::credentials::{self, Credentials, LEAST};
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
    let role = &arguments.role;
    let mut warn = |line: &str| output.say(line);
    let credentials = if arguments.no_cache {
        credentials::get_new(helper, role, &mut warn)
    } else {
        credentials::get(helper, role, LEAST, &mut warn)
    }?;
    output.data(&process_json(&credentials)?)
}

/// The line that tools read.
pub(super) fn process_json(credentials: &Credentials) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let object = ProcessCredentials {
        version: 1,
        access_key_id: &credentials.access_key_id,
        secret_access_key: &credentials.secret_access_key,
        session_token: &credentials.session_token,
        expiration: &timestamp(credentials.expires_at),
        account_id: &credentials.account_id,
    };
    // Room for all of it: a buffer that grows leaves copies behind that nothing wipes.
    let mut json = Zeroizing::new(Vec::with_capacity(16 * 1024));
    serde_json::to_writer(&mut *json, &object).map_err(|error| Failure::Stdout(error.into()))?;
    json.push(b'\n');
    Ok(json)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn the_object_is_the_one_that_tools_read() {
        let credentials = Credentials {
            access_key_id: "ASIAEXAMPLE".into(),
            secret_access_key: String::from("s\"e").into(),
            session_token: String::from("t/+=").into(),
            expires_at: DateTime::parse_from_rfc3339("2026-11-21T13:00:00Z").unwrap().to_utc(),
            account_id: "111122223333".into(),
        };

        let json = process_json(&credentials).unwrap();

        assert_eq!(
            std::str::from_utf8(&json).unwrap(),
            "{\"Version\":1,\"AccessKeyId\":\"ASIAEXAMPLE\",\"SecretAccessKey\":\"s\\\"e\",\"SessionToken\":\"t/+=\",\
             \"Expiration\":\"2026-11-21T13:00:00Z\",\"AccountId\":\"111122223333\"}\n"
        );
    }
}
