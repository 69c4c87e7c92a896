//! A lab's account through its steward role: a look at it, and the one inline policy that is written there.
//!
//! What is not there is no error of a look: that a part is missing is what a look is for.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use aws_config::Region;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_iam::config::IdentityCache;
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;

use super::{AssumeSteward, Aws, Error, SessionCredentials};
use crate::domain::account::{AccountNames, FoundAccount, FoundPolicy, FoundRole, Part};
use crate::domain::role_session::RoleArn;

/// IAM has one endpoint for the partition `aws`, and its calls are signed for this region. Source: AWS General Reference,
/// "AWS Identity and Access Management endpoints and quotas".
const REGION: &str = "us-east-1";

/// How long one part may take, with all its pages. It is a few calls, each within a fraction of a second.
const PART_TIMEOUT: Duration = Duration::from_secs(15);

/// The broker's own hands in a lab's account, for a quarter of an hour.
pub struct Steward {
    iam: aws_sdk_iam::Client,
    session_arn: String,
}

impl fmt::Debug for Steward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Steward").field("session_arn", &self.session_arn).finish_non_exhaustive()
    }
}

/// A part of an account that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part} could not be read")]
pub struct LookError {
    /// Which.
    pub part: Part,
    /// What AWS said.
    #[source]
    pub error: Error,
}

impl Aws {
    /// Assumes a lab's steward role, and checks that the answer is the session that was asked for.
    ///
    /// # Errors
    ///
    /// When AWS says no or nothing, or gives another session.
    pub async fn assume_steward(&self, ask: &AssumeSteward<'_>, now: DateTime<Utc>) -> Result<Steward, Error> {
        let session = self.steward_session(ask, now).await?;
        let mut settings = aws_sdk_iam::config::Builder::from(&self.shared)
            .region(Region::from_static(REGION))
            .credentials_provider(provider(&session))
            // They are renewed by nobody; and what is cached for one account after the other would never go away.
            .identity_cache(IdentityCache::no_cache());
        if let Some(endpoint) = &self.iam_endpoint {
            settings = settings.endpoint_url(endpoint);
        }
        let iam = aws_sdk_iam::Client::from_conf(settings.build());
        Ok(Steward { iam, session_arn: session.session_arn })
    }
}

fn provider(session: &SessionCredentials) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Credentials::new(
        &session.access_key_id,
        session.secret_access_key.expose_secret(),
        Some(session.session_token.expose_secret().to_owned()),
        None,
        "lodge",
    ))
}

impl Steward {
    /// Everything that the account has of what the broker asks for.
    ///
    /// IAM may refuse to speak of a role that is not there: a permission for a role's ARN has its path in it, and a role
    /// that is not there has none. So a missing role can also show as one that could not be read.
    ///
    /// # Errors
    ///
    /// When a part could not be read, the first of them.
    pub async fn look(&self, names: &AccountNames) -> Result<FoundAccount, LookError> {
        Ok(FoundAccount {
            session_role: in_time(Part::SessionRole, self.role(names.session_role().name())).await?,
            permissions: in_time(Part::Permissions, self.policy(&names.permissions())).await?,
            boundary: in_time(Part::Boundary, self.policy(&names.boundary())).await?,
            steward_role: in_time(Part::StewardRole, self.role(names.steward().name())).await?,
        })
    }

    /// Writes an inline policy of a role in place of what it had of that name. AWS may take minutes to go by it.
    ///
    /// # Errors
    ///
    /// When AWS did not take it, or did not say that it has.
    pub async fn put_inline(&self, role: &RoleArn, name: &str, document: &str) -> Result<(), Error> {
        let ask = self.iam.put_role_policy().role_name(role.name()).policy_name(name).policy_document(document);
        ask.send().await.map(drop).map_err(|error| Error::from(&error))
    }

    /// Removes an inline policy of a role, if it has it.
    ///
    /// # Errors
    ///
    /// When AWS did not do it, or did not say that it has.
    pub async fn delete_inline(&self, role: &RoleArn, name: &str) -> Result<(), Error> {
        let ask = self.iam.delete_role_policy().role_name(role.name()).policy_name(name);
        there(ask.send().await).map(drop)
    }

    /// An inline policy of a role as IAM gives it back; none when it has none of that name.
    ///
    /// # Errors
    ///
    /// When AWS did not say.
    pub async fn inline_policy(&self, role: &RoleArn, name: &str) -> Result<Option<String>, Error> {
        let answer = there(self.iam.get_role_policy().role_name(role.name()).policy_name(name).send().await)?;
        Ok(answer.map(|policy| decoded(&policy.policy_document)))
    }

    /// All inline policies of a role, by name.
    ///
    /// # Errors
    ///
    /// When AWS did not say.
    pub async fn inline_policies(&self, role: &RoleArn) -> Result<BTreeMap<String, String>, Error> {
        self.inline(role.name()).await
    }

    /// IAM tells the roles of an account apart by name alone; the steward may read none of another path.
    async fn role(&self, name: &str) -> Result<Option<FoundRole>, Error> {
        let answer = there(self.iam.get_role().role_name(name).send().await)?;
        let Some(role) = answer.and_then(|answer| answer.role) else { return Ok(None) };
        Ok(Some(FoundRole {
            id: role.role_id,
            trust: decoded(&role.assume_role_policy_document.unwrap_or_default()),
            max_session_seconds: role.max_session_duration.and_then(|seconds| seconds.try_into().ok()).unwrap_or(0),
            boundary: role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn),
            attached: self.attached(name).await?,
            inline: self.inline(name).await?,
        }))
    }

    async fn attached(&self, role: &str) -> Result<Vec<String>, Error> {
        let mut pages = self.iam.list_attached_role_policies().role_name(role).into_paginator().send();
        let mut all = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| Error::from(&error))?;
            all.extend(page.attached_policies.into_iter().flatten().filter_map(|policy| policy.policy_arn));
        }
        Ok(all)
    }

    async fn inline(&self, role: &str) -> Result<BTreeMap<String, String>, Error> {
        let mut pages = self.iam.list_role_policies().role_name(role).into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            names.extend(page.map_err(|error| Error::from(&error))?.policy_names);
        }
        let mut all = BTreeMap::new();
        for name in names {
            // One that was deleted since it was listed is not there.
            if let Some(policy) = there(self.iam.get_role_policy().role_name(role).policy_name(&name).send().await)? {
                all.insert(name, decoded(&policy.policy_document));
            }
        }
        Ok(all)
    }

    async fn policy(&self, arn: &str) -> Result<Option<FoundPolicy>, Error> {
        let answer = there(self.iam.get_policy().policy_arn(arn).send().await)?;
        let default = answer.and_then(|answer| answer.policy).and_then(|policy| policy.default_version_id);
        let Some(default) = default else { return Ok(None) };
        let answer = there(self.iam.get_policy_version().policy_arn(arn).version_id(default).send().await)?;
        let document = answer.and_then(|answer| answer.policy_version).and_then(|version| version.document);
        Ok(document.map(|document| FoundPolicy { document: decoded(&document) }))
    }
}

/// What IAM answered, or none when it says that there is no such thing.
fn there<T, E: ProvideErrorMetadata>(answer: Result<T, SdkError<E>>) -> Result<Option<T>, Error> {
    match answer.map_err(|error| Error::from(&error)) {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.is_no_such_entity() => Ok(None),
        Err(error) => Err(error),
    }
}

async fn in_time<T>(part: Part, look: impl Future<Output = Result<T, Error>>) -> Result<T, LookError> {
    let answer = tokio::time::timeout(PART_TIMEOUT, look).await.unwrap_or_else(|_| Err(Error::unreachable()));
    answer.map_err(|error| LookError { part, error })
}

/// A policy document as it was written. IAM gives it percent-encoded (RFC 3986). What is not, stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let byte = after.get(..2).filter(|_| *first == b'%').and_then(|digits| {
            let mut byte = [0];
            hex::decode_to_slice(digits, &mut byte).is_ok().then_some(byte[0])
        });
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_decoded_as_in_a_path_and_not_as_in_a_form() {
        for (encoded, text) in [
            ("%7B%22a%20b%22%3A%20%22%C3%A9~%2A%2B%2F%22%7D", "{\"a b\": \"é~*+/\"}"),
            ("{\"a+b\":1}", "{\"a+b\":1}"),
            ("%", "%"),
            ("%2", "%2"),
            ("%zz%7b", "%zz{"),
            ("%FF", "%FF"),
            ("", ""),
        ] {
            assert_eq!(decoded(encoded), text);
        }
    }
}
