//! Who the broker itself is to AWS, and where its credentials come from: what `lodged doctor` asks.
//!
//! Nothing here holds a secret. `GetCallerIdentity` needs no permission, so that AWS refuses it means that it does not
//! know the credentials or cannot read the time on the request.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use aws_credential_types::Credentials;
use aws_credential_types::credential_feature::AwsCredentialFeature;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sts::error::BoxError;
use aws_sdk_sts::operation::RequestId;

use super::{Aws, Error};
use crate::server_time::ServerTime;

/// Where credentials come from that a program of the operator's prints.
const CREDENTIAL_PROCESS: &str = "a credential process";

/// What a look at the broker's own identity found.
#[derive(Debug)]
pub struct IdentityProbe {
    /// What AWS's clock said, when it answered at all.
    pub time: Option<ServerTime>,
    /// Who the broker is.
    pub identity: Result<Identity, IdentityError>,
}

/// Who the broker is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The ARN of its user or of its role's session.
    pub arn: String,
    /// What it proves that with.
    pub key: AccessKey,
}

/// The public half of the broker's credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey {
    /// The access key id.
    pub id: String,
    /// Where the credentials were found: `the environment`, `the instance's role`.
    pub source: &'static str,
    /// Whether it is known when they end, so that they are fetched anew before.
    pub is_renewed: bool,
}

impl Identity {
    /// Whether it is somebody who may not call `AssumeRole` at all: the root user of an account, or a federated user.
    #[must_use]
    pub fn cannot_assume(&self) -> bool {
        self.arn.ends_with(":root") || self.arn.contains(":federated-user/")
    }

    /// Whether it looks like a session of IAM Roles Anywhere: a program gave it, and it is called by the serial number of a
    /// certificate, in hexadecimal digits. Such a session has a source identity, and nobody can set another from there.
    #[must_use]
    pub fn is_like_roles_anywhere(&self) -> bool {
        let name = self.arn.rsplit('/').next().unwrap_or_default();
        let is_serial_number = name.len() >= 2 && name.bytes().all(|b| b.is_ascii_hexdigit());
        self.key.source == CREDENTIAL_PROCESS && is_serial_number
    }

    /// Whether it is a user of IAM, who has a long-term key even where a session of theirs is what is shown.
    #[must_use]
    pub fn is_user(&self) -> bool {
        self.arn.contains(":user/")
    }
}

impl AccessKey {
    /// Whether it is a user's key, which lives until somebody deletes it, and no session.
    #[must_use]
    pub fn is_long_term(&self) -> bool {
        self.id.starts_with("AKIA")
    }
}

/// The broker is nobody to AWS.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// There is nothing to sign with. What exactly went wrong can quote a credentials file, and is not kept.
    #[error("{0}")]
    NoCredentials(&'static str),
    /// AWS did not take them, or did not answer.
    #[error("{error}")]
    Unanswered {
        /// What it was asked with.
        key: AccessKey,
        /// What it said. Not a source: it is the whole message.
        error: Error,
    },
}

impl Aws {
    /// Asks STS who the broker is (`GetCallerIdentity`).
    pub async fn identity(&self) -> IdentityProbe {
        let key = match self.access_key().await {
            Ok(key) => key,
            Err(error) => return IdentityProbe { time: None, identity: Err(error) },
        };
        let listener = DateListener::default();
        let answer = self.sts.get_caller_identity().customize().interceptor(listener.clone()).send().await;
        let arn = answer.map_err(|error| Error::from(&error)).and_then(|answer| {
            answer.arn().map(str::to_owned).ok_or_else(|| Error::mismatch(answer.request_id().map(str::to_owned)))
        });
        let identity = match arn {
            Ok(arn) => Ok(Identity { arn, key }),
            Err(error) => Err(IdentityError::Unanswered { key, error }),
        };
        IdentityProbe { time: listener.time(), identity }
    }

    async fn access_key(&self) -> Result<AccessKey, IdentityError> {
        let none = IdentityError::NoCredentials;
        let provider = self.credentials.as_ref().ok_or(none("there are none"))?;
        match provider.provide_credentials().await {
            Ok(credentials) => Ok(AccessKey {
                id: credentials.access_key_id().to_owned(),
                source: source_of(&credentials),
                is_renewed: credentials.expiry().is_some(),
            }),
            Err(CredentialsError::CredentialsNotLoaded(_)) => Err(none("there are none")),
            Err(CredentialsError::ProviderTimedOut(_)) => Err(none("where they come from does not answer")),
            Err(CredentialsError::InvalidConfiguration(_)) => Err(none("the AWS settings that lead to them are wrong")),
            Err(_) => Err(none("none could be fetched")),
        }
    }
}

/// The SDK notes each step on the way to the credentials; the one that says most is named.
fn source_of(credentials: &Credentials) -> &'static str {
    use AwsCredentialFeature as Step;
    let known = [
        (Step::CredentialsEnvVarsStsWebIdToken, "a web identity token"),
        (Step::CredentialsProfileStsWebIdToken, "a web identity token"),
        (Step::CredentialsStsAssumeRoleWebId, "a web identity token"),
        (Step::CredentialsStsAssumeRole, "an assumed role"),
        (Step::CredentialsImds, "the instance's role"),
        (Step::CredentialsHttp, "the container's role"),
        (Step::CredentialsProcess, CREDENTIAL_PROCESS),
        (Step::CredentialsSso, "a person's sign-in"),
        (Step::CredentialsProfileLogin, "a person's sign-in"),
        (Step::CredentialsEnvVars, "the environment"),
        (Step::CredentialsProfile, "an AWS profile"),
    ];
    let steps = credentials.get_property::<Vec<Step>>().map(Vec::as_slice).unwrap_or_default();
    known.into_iter().find_map(|(step, source)| steps.contains(&step).then_some(source)).unwrap_or("an unknown source")
}

/// Reads the `Date` header of whatever comes back, refusals included.
#[derive(Clone, Debug, Default)]
struct DateListener(Arc<Mutex<Heard>>);

#[derive(Debug, Default)]
struct Heard {
    sent: Option<Instant>,
    time: Option<ServerTime>,
}

impl DateListener {
    fn with<T>(&self, use_it: impl FnOnce(&mut Heard) -> T) -> T {
        use_it(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn time(&self) -> Option<ServerTime> {
        self.with(|heard| heard.time)
    }
}

impl Intercept for DateListener {
    fn name(&self) -> &'static str {
        "DateListener"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.with(|heard| heard.sent = Some(Instant::now()));
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        self.with(|heard| {
            heard.time = heard.sent.zip(date).and_then(|(sent, date)| ServerTime::read(date, sent));
        });
        Ok(())
    }
}
