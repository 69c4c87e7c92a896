//! `AssumeRole`, with everything that every session of ours carries: a person's, and the broker's own in a lab's account.

use std::fmt;

use aws_sdk_sts::operation::RequestId;
use aws_sdk_sts::operation::assume_role::AssumeRoleOutput;
use aws_sdk_sts::types::Tag;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;

use super::error::Hint;
use super::{Aws, Error};
use crate::domain::account::STEWARD_SOURCE_IDENTITY;
use crate::domain::cut_off::CLOCK_BEHIND_MAX;
use crate::domain::policy::SessionPolicy;
use crate::domain::role_session::{ExternalId, RoleArn, RoleSessionName, SessionDuration, SessionTag, SourceIdentity};

/// How much longer than asked for a session may seem to live before that is not a matter of clocks. SigV4 itself bears five
/// minutes.
const CLOCK_TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// One `AssumeRole`. Every field is there on every call: there is no session without a policy, an external id, a source
/// identity.
#[derive(Debug)]
pub struct AssumeRole<'a> {
    /// The lab's session role.
    pub role: &'a RoleArn,
    /// What its trust policy asks for.
    pub external_id: &'a ExternalId,
    /// The only permissions that the session keeps.
    pub policy: &'a SessionPolicy,
    /// The role session's id.
    pub session_name: &'a RoleSessionName,
    /// The person.
    pub source_identity: &'a SourceIdentity,
    /// The role and the lab.
    pub tags: &'a [SessionTag],
    /// How long.
    pub duration: SessionDuration,
}

/// One `AssumeRole` of a lab's steward role, for the broker itself: as long as STS makes the shortest of sessions, and
/// without tags.
#[derive(Debug)]
pub struct AssumeSteward<'a> {
    /// The lab's steward role.
    pub role: &'a RoleArn,
    /// What its trust policy asks for, which is not what the session role's asks for.
    pub external_id: &'a ExternalId,
    /// The only permissions that the session keeps.
    pub policy: &'a SessionPolicy,
    /// `st-…`.
    pub session_name: &'a RoleSessionName,
}

/// What is sent in place of the external id, to see whether a role lets it in.
#[derive(Clone, Copy, Debug)]
pub enum Unproved<'a> {
    /// Another one.
    Other(&'a ExternalId),
    /// None.
    None,
}

impl<'a> Unproved<'a> {
    const fn external_id(self) -> Option<&'a ExternalId> {
        match self {
            Self::Other(external_id) => Some(external_id),
            Self::None => None,
        }
    }
}

/// A call for either role.
struct Call<'a> {
    role: &'a RoleArn,
    /// Absent only in a call that is meant to be refused.
    external_id: Option<&'a ExternalId>,
    policy: &'a SessionPolicy,
    session_name: &'a RoleSessionName,
    source_identity: String,
    tags: &'a [SessionTag],
    duration: SessionDuration,
}

impl<'a> AssumeRole<'a> {
    fn call(&self) -> Call<'a> {
        Call {
            role: self.role,
            external_id: Some(self.external_id),
            policy: self.policy,
            session_name: self.session_name,
            source_identity: self.source_identity.to_string(),
            tags: self.tags,
            duration: self.duration,
        }
    }
}

impl<'a> AssumeSteward<'a> {
    fn call(&self) -> Call<'a> {
        Call {
            role: self.role,
            external_id: Some(self.external_id),
            policy: self.policy,
            session_name: self.session_name,
            source_identity: STEWARD_SOURCE_IDENTITY.to_owned(),
            tags: &[],
            duration: SessionDuration::MIN,
        }
    }
}

/// What STS made.
pub struct SessionCredentials {
    /// Starts with `ASIA`.
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: SecretString,
    /// The token.
    pub session_token: SecretString,
    /// When they die.
    pub expires_at: DateTime<Utc>,
    /// The session's ARN.
    pub session_arn: String,
    /// AWS's name for the call.
    pub request_id: Option<String>,
}

impl fmt::Debug for SessionCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionCredentials")
            .field("access_key_id", &self.access_key_id)
            .field("expires_at", &self.expires_at)
            .field("session_arn", &self.session_arn)
            .finish_non_exhaustive()
    }
}

impl Aws {
    /// Assumes a lab's session role, and checks that the answer is the session that was asked for.
    ///
    /// # Errors
    ///
    /// When AWS says no or nothing, or gives a session of another account, role or name, or one that lives longer than
    /// was asked for.
    pub async fn assume_role(&self, ask: &AssumeRole<'_>, now: DateTime<Utc>) -> Result<SessionCredentials, Error> {
        self.session(&ask.call(), now).await
    }

    /// Asks for the same session without the right external id, and says whether AWS let it in. What it gave is dropped.
    ///
    /// # Errors
    ///
    /// When AWS neither let it in nor refused it for that, so that nothing was learnt.
    pub async fn assume_unproved(&self, ask: &AssumeRole<'_>, proof: Unproved<'_>) -> Result<bool, Error> {
        self.lets_in(&Call { external_id: proof.external_id(), ..ask.call() }).await
    }

    /// The same for a lab's steward role.
    ///
    /// # Errors
    ///
    /// When nothing was learnt.
    pub async fn assume_steward_unproved(&self, ask: &AssumeSteward<'_>, proof: Unproved<'_>) -> Result<bool, Error> {
        self.lets_in(&Call { external_id: proof.external_id(), ..ask.call() }).await
    }

    /// The broker's own session in a lab's account.
    pub(super) async fn steward_session(
        &self,
        ask: &AssumeSteward<'_>,
        now: DateTime<Utc>,
    ) -> Result<SessionCredentials, Error> {
        self.session(&ask.call(), now).await
    }

    async fn session(&self, call: &Call<'_>, now: DateTime<Utc>) -> Result<SessionCredentials, Error> {
        checked(self.send(call).await?, call, now)
    }

    async fn lets_in(&self, call: &Call<'_>) -> Result<bool, Error> {
        match self.send(call).await {
            Ok(_) => Ok(true),
            // An external id is a condition on assuming alone. Where AWS names another of the call's three actions, it
            // was not the external id that kept it out.
            Err(error) if matches!(error.hint, Some(Hint::TagSession | Hint::SetSourceIdentity)) => Err(error),
            Err(error) if error.is_access_denied() => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn send(&self, call: &Call<'_>) -> Result<AssumeRoleOutput, Error> {
        let mut request = self
            .sts
            .assume_role()
            .role_arn(call.role.as_str())
            .set_external_id(call.external_id.map(|external_id| external_id.as_str().to_owned()))
            .policy(call.policy.as_str())
            .role_session_name(call.session_name.to_string())
            .source_identity(&call.source_identity)
            .duration_seconds(i32::try_from(call.duration.seconds()).unwrap_or(i32::MAX));
        for tag in call.tags {
            // `build` fails on a tag without key or value, and ours have both.
            if let Ok(tag) = Tag::builder().key(tag.key()).value(tag.value()).build() {
                request = request.tags(tag);
            }
        }
        request.send().await.map_err(|error| Error::from(&error))
    }
}

fn checked(answer: AssumeRoleOutput, call: &Call<'_>, now: DateTime<Utc>) -> Result<SessionCredentials, Error> {
    let request_id = answer.request_id().map(str::to_owned);
    let mismatch = || Error::mismatch(request_id.clone());

    let session_arn = call.role.session_arn(call.session_name);
    let assumed = answer.assumed_role_user().map(aws_sdk_sts::types::AssumedRoleUser::arn);
    // Some servers that stand in for STS leave the source identity out of the answer; one that contradicts is refused.
    let source = answer.source_identity();
    if assumed != Some(session_arn.as_str()) || source.is_some_and(|source| source != call.source_identity) {
        return Err(mismatch());
    }
    let credentials = answer.credentials.ok_or_else(mismatch)?;
    let expires_at = DateTime::from_timestamp(credentials.expiration.secs(), 0).ok_or_else(mismatch)?;
    let ahead = expires_at - call.duration.as_delta() - now;
    if expires_at <= now || ahead > CLOCK_TOLERANCE {
        return Err(mismatch());
    }
    if ahead > CLOCK_BEHIND_MAX {
        // Sessions are cut off by when AWS issued them, and by our clock this one was issued in the future.
        tracing::error!(
            seconds = ahead.num_seconds(),
            "the broker's clock is behind AWS's, and what AWS gave is dropped"
        );
        return Err(Error::clock_behind(request_id));
    }
    Ok(SessionCredentials {
        access_key_id: credentials.access_key_id,
        secret_access_key: credentials.secret_access_key.into(),
        session_token: credentials.session_token.into(),
        expires_at,
        session_arn,
        request_id,
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_sts::primitives::DateTime as AwsTime;
    use aws_sdk_sts::types::{AssumedRoleUser, Credentials};

    use super::*;
    use crate::domain::id::{PersonId, RoleSessionId};
    use crate::domain::policy::PolicyTemplate;

    const NOW: i64 = 1_795_266_000;

    fn answer(arn: &str, source: Option<&str>, expires_in: i64) -> AssumeRoleOutput {
        let credentials = Credentials::builder()
            .access_key_id("ASIAEXAMPLE")
            .secret_access_key("canary-secret")
            .session_token("canary-token")
            .expiration(AwsTime::from_secs(NOW + expires_in))
            .build()
            .unwrap();
        let user = AssumedRoleUser::builder().assumed_role_id("AROAEXAMPLE:x").arn(arn).build().unwrap();
        AssumeRoleOutput::builder()
            .credentials(credentials)
            .assumed_role_user(user)
            .set_source_identity(source.map(str::to_owned))
            .build()
    }

    fn check(answer: AssumeRoleOutput) -> Result<SessionCredentials, Error> {
        let policy = PolicyTemplate::parse(include_str!("../../policies/mturk/read-results.json")).unwrap();
        let policy = policy.fill(&std::collections::BTreeMap::new()).unwrap();
        let ask = AssumeRole {
            role: &"arn:aws:iam::111122223333:role/lodge/lodge-session".parse().unwrap(),
            external_id: &"lodge-x".parse().unwrap(),
            policy: &policy,
            session_name: &RoleSessionName::from(&RoleSessionId::from_entropy([0; 10])),
            source_identity: &SourceIdentity::from(&PersonId::from_entropy([0; 10])),
            tags: &[],
            duration: SessionDuration::MAX,
        };
        checked(answer, &ask.call(), DateTime::from_timestamp(NOW, 0).unwrap())
    }

    const ARN: &str = "arn:aws:sts::111122223333:assumed-role/lodge-session/rs-0000000000000000";

    #[test]
    fn the_session_that_was_asked_for_is_taken() {
        let credentials = check(answer(ARN, Some("p-0000000000000000"), 3_600)).unwrap();

        assert_eq!(credentials.session_arn, ARN);
        assert!(!format!("{credentials:?}").contains("canary"));
    }

    #[test]
    fn any_other_session_is_refused() {
        let other_account = ARN.replace("1111", "9999");
        let other_role = ARN.replace("lodge-session", "admin");
        let other_session = ARN.replace("rs-0", "rs-1");
        for (what, answer) in [
            ("account", answer(&other_account, None, 3_600)),
            ("role", answer(&other_role, None, 3_600)),
            ("session", answer(&other_session, None, 3_600)),
            ("person", answer(ARN, Some("p-1111111111111111"), 3_600)),
            ("a longer life", answer(ARN, None, 3_600 + 301)),
            ("no life", answer(ARN, None, 0)),
            ("nothing", AssumeRoleOutput::builder().build()),
        ] {
            assert_eq!(check(answer).unwrap_err().failure, crate::domain::ledger::Failure::Mismatch, "{what}");
        }
    }

    /// Sessions are cut off by when AWS issued them.
    #[test]
    fn a_session_of_a_clock_that_is_too_far_ahead_to_be_cut_off_is_refused() {
        check(answer(ARN, None, 3_600 + 20)).unwrap();

        for ahead in [21, 300] {
            let error = check(answer(ARN, None, 3_600 + ahead)).unwrap_err();
            assert_eq!(error.failure, crate::domain::ledger::Failure::Identity, "{ahead}");
        }
    }
}
