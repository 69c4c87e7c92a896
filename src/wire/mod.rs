//! The bodies that broker and helper both speak: what `/api/v1` and `/oauth` take and answer.
//!
//! Only shapes live here; those for whoever looks after a lab are in [`labs`]. Times are RFC 3339 in UTC with a final `Z`, to the second, which every AWS SDK reads.

pub mod accounts;
pub mod cut_offs;
pub mod labs;
pub mod ledger;
pub mod limits;
pub mod operator;
pub mod people;
pub mod roles;
pub mod sessions;
#[cfg(feature = "server")]
pub mod texts;
pub mod why;

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use zeroize::Zeroizing;

/// The OAuth client that every helper is: a public client, known to every broker.
pub const HELPER_CLIENT_ID: &str = "lodge-cli";

/// Where a broker describes its authorization server (RFC 8414, section 3).
pub const OAUTH_METADATA_PATH: &str = "/.well-known/oauth-authorization-server";

/// A time as this API writes it: `2026-11-21T13:00:00Z`.
#[must_use]
pub fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A whole number, however it is written: to JSON, `3600.0` is the number that `3600` is.
#[derive(Deserialize)]
#[serde(untagged)]
enum Whole {
    Plain(u32),
    WithPoint(f64),
}

/// Reads a whole number, or `null`.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let number = match Option::deserialize(deserializer)? {
        None => return Ok(None),
        Some(Whole::Plain(number)) => Some(number),
        Some(Whole::WithPoint(number)) if number.fract() == 0.0 => number.to_string().parse().ok(),
        Some(Whole::WithPoint(_)) => None,
    };
    number.map(Some).ok_or_else(|| Error::custom("not a whole number, or too large"))
}

/// What the authorization server says of itself (RFC 8414, section 2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OauthMetadata {
    /// The broker's public URL.
    pub issuer: String,
    /// Where a browser goes to sign in and confirm.
    pub authorization_endpoint: String,
    /// Where the helper trades its code for tokens, and a refresh token for the next ones.
    pub token_endpoint: String,
    /// Where the helper ends its session (RFC 7009).
    pub revocation_endpoint: String,
    /// Always `code`.
    pub response_types_supported: Vec<String>,
    /// Always `query`.
    #[serde(default)]
    pub response_modes_supported: Vec<String>,
    /// `authorization_code` and `refresh_token`.
    pub grant_types_supported: Vec<String>,
    /// Always `S256`.
    pub code_challenge_methods_supported: Vec<String>,
    /// Always `none`: the helper is a public client.
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// Always `none`; left out, it would mean `client_secret_basic`.
    #[serde(default)]
    pub revocation_endpoint_auth_methods_supported: Vec<String>,
    /// The levels of sign-in that can be asked for by name (RFC 9470, section 7): `mfa`.
    #[serde(default)]
    pub acr_values_supported: Vec<String>,
    /// Always true (RFC 9207).
    pub authorization_response_iss_parameter_supported: bool,
    /// The version of the helper that belongs to this broker, as `lodge --version` says it: a member of our own, which RFC
    /// 8414 allows. It is in the description of the API too, which anybody can read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lodge_helper_version: Option<String>,
}

/// The token endpoint's answer (RFC 6749, section 5.1).
#[derive(Serialize, Deserialize)]
pub struct TokenResponse {
    /// Opaque; the broker keeps only its hash.
    pub access_token: Zeroizing<String>,
    /// Always `Bearer`.
    pub token_type: String,
    /// Seconds until the token dies.
    pub expires_in: u32,
    /// Opaque, and good once: it gets the next two tokens. Brokers before this release gave none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Zeroizing<String>>,
    /// Seconds until the session ends, however often it is refreshed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token_expires_in: Option<u32>,
}

/// The token endpoint's refusal (RFC 6749, section 5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OauthError {
    /// One of the codes of RFC 6749.
    pub error: String,
    /// A sentence for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
}

/// The body of `POST /api/v1/labs/{lab}/roles/{role}/credentials`. May be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CredentialsRequest {
    /// How long the credentials should live, in seconds; the role's own maximum when absent.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(minimum = 900, maximum = 3600))]
    pub duration_seconds: Option<u32>,
}

/// Credentials for AWS.
// `Debug` shows nothing that opens anything.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct CredentialsResponse {
    /// Starts with `ASIA`. Not a secret: it is in CloudTrail and in the ledger.
    pub access_key_id: String,
    /// The secret half.
    #[cfg_attr(feature = "server", schema(value_type = String))]
    pub secret_access_key: Zeroizing<String>,
    /// Length varies: 4,096 bytes and more (AWS says it can grow).
    #[cfg_attr(feature = "server", schema(value_type = String))]
    pub session_token: Zeroizing<String>,
    /// RFC 3339, UTC.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub expiration: String,
    /// The lab's AWS account.
    #[cfg_attr(feature = "server", schema(pattern = "^[0-9]{12}$"))]
    pub account_id: String,
    /// Where to find this session in the ledger and, as the session name, in CloudTrail.
    #[cfg_attr(feature = "server", schema(value_type = texts::RoleSessionId))]
    pub role_session_id: String,
}

/// The answer of `GET /api/v1/me`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Me {
    /// The opaque id that stands in the ledger and in CloudTrail.
    #[cfg_attr(feature = "server", schema(value_type = texts::PersonId))]
    pub person_id: String,
    /// What the university calls this person, when it says.
    #[cfg_attr(feature = "server", schema(required))]
    pub name: Option<String>,
    /// The connection they signed in at.
    #[cfg_attr(feature = "server", schema(value_type = texts::ConnectionName))]
    pub connection: String,
    /// What people call that connection.
    pub connection_title: String,
    /// When they signed in there.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub signed_in_at: String,
    /// When this session ends and a new sign-in is needed.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub session_expires_at: String,
    /// The groups their sign-in brought; `None` when the provider did not send any list.
    #[cfg_attr(feature = "server", schema(required))]
    pub groups: Option<Vec<String>>,
    /// Why the groups are not all there: `too-many` (the provider sent a pointer instead of a list) or `cut-off` (it sent
    /// as many as it ever sends). When they are not there and nothing is said here, it sent no group claim at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = texts::GroupsMissing, required = false))]
    pub groups_missing: Option<String>,
    /// What they may ask for now, by lab and role.
    pub roles: Vec<MyRole>,
    /// The labs they look after, by name.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(required))]
    pub standings: Vec<MyStanding>,
    /// What was cut off of theirs, for as long as there could be credentials that AWS denies because of it.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(required))]
    pub cut_offs: Vec<MyCutOff>,
}

/// Credentials of somebody's that were cut off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct MyCutOff {
    /// The lab's name; `null` for all labs.
    #[cfg_attr(feature = "server", schema(value_type = Option<texts::LabName>, required))]
    pub lab: Option<String>,
    /// The role's name; `null` for all roles.
    #[cfg_attr(feature = "server", schema(value_type = Option<texts::RoleName>, required))]
    pub role: Option<String>,
    /// Those that AWS issued before this are dead, or about to be.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub dead_before: String,
}

/// What somebody may administer in a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct MyStanding {
    /// The lab's name.
    #[cfg_attr(feature = "server", schema(value_type = texts::LabName))]
    pub lab: String,
    /// `manager` or `pi`.
    #[cfg_attr(feature = "server", schema(value_type = texts::Office))]
    pub standing: String,
}

/// One role that a person may ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct MyRole {
    /// The lab's name.
    #[cfg_attr(feature = "server", schema(value_type = texts::LabName))]
    pub lab: String,
    /// The role's name.
    #[cfg_attr(feature = "server", schema(value_type = texts::RoleName))]
    pub role: String,
    /// What it is for, in a few words.
    pub title: String,
    /// When the mapping behind it ends, if it does.
    #[cfg_attr(feature = "server", schema(format = DateTime, required))]
    pub ends_at: Option<String>,
    /// What is missing before it is given, if anything: `fresh-sign-in` (sign in anew), `mfa` (sign in with a second
    /// factor), `approval` (a PI's), `account-update` (of the stack in the lab's AWS account, which does not allow all that
    /// the role does), `account` (the lab's AWS account is not joined), `time` (their sessions were cut off just now: see
    /// `again_at`) or `lifting` (they were cut off until somebody who looks after the lab lifts it).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = texts::RoleNeeds, required = false))]
    pub needs: Option<String>,
    /// When it is given again, where waiting is all that helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(format = DateTime, nullable = false))]
    pub again_at: Option<String>,
    /// When this session stops being good for it, if nothing is missing now: it takes a newer sign-in then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(format = DateTime, nullable = false))]
    pub until: Option<String>,
    /// What to know before it is asked for: that the lab's AWS account gives no credentials that work at the moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(nullable = false))]
    pub warning: Option<String>,
}

/// An error (RFC 9457), as `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Problem {
    /// A stable name for this kind of problem: `urn:lodge:problem:…`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in a few words.
    pub title: String,
    /// The HTTP status.
    #[cfg_attr(feature = "server", schema(minimum = 400, maximum = 599))]
    pub status: u16,
    /// What happened and what to do next, in a sentence.
    pub detail: String,
    /// Names this request in the broker's log, on errors that only the operator can look into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(nullable = false))]
    pub request_id: Option<String>,
    /// What the broker's log and ledger call it, where a sign-in was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(nullable = false))]
    pub reference: Option<String>,
}

impl fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenResponse").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

impl fmt::Debug for CredentialsResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialsResponse")
            .field("access_key_id", &self.access_key_id)
            .field("expiration", &self.expiration)
            .field("role_session_id", &self.role_session_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let credentials = CredentialsResponse {
            access_key_id: "ASIAEXAMPLE".into(),
            secret_access_key: String::from("canary-secret").into(),
            session_token: String::from("canary-token").into(),
            expiration: "2026-11-21T13:00:00Z".into(),
            account_id: "111122223333".into(),
            role_session_id: "rs-0123456789abcdef".into(),
        };
        let token = TokenResponse {
            access_token: String::from("canary-access").into(),
            token_type: "Bearer".into(),
            expires_in: 1,
            refresh_token: Some(String::from("canary-refresh").into()),
            refresh_token_expires_in: Some(2),
        };

        let shown = format!("{credentials:?} {token:?}");

        assert!(shown.contains("ASIAEXAMPLE"));
        assert!(!shown.contains("canary"), "{shown}");
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_point() {
        let read = |text: &str| {
            let text = format!("{{\"duration_seconds\":{text}}}");
            serde_json::from_str::<CredentialsRequest>(&text).map(|request| request.duration_seconds).ok()
        };

        assert_eq!(
            (read("3600"), read("3600.0"), read("3.6e3")),
            (Some(Some(3_600)), Some(Some(3_600)), Some(Some(3_600)))
        );
        assert_eq!((read("null"), serde_json::from_str("{}").ok()), (Some(None), Some(CredentialsRequest::default())));
        for bad in ["3600.5", "-1", "-1.0", "4294967296", "1e300", "\"3600\"", "[]", "true"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn times_end_in_z_and_have_no_fraction() {
        let at = DateTime::from_timestamp_micros(1_795_266_000_123_456).unwrap();

        assert_eq!(timestamp(at), "2026-11-21T13:00:00Z");
    }
}
