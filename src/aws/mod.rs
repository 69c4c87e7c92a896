//! AWS: the only module that names the AWS SDK.
//!
//! It is the real SDK with an endpoint that can be pointed elsewhere; tests point it at servers that speak the real
//! protocol. Never log what goes in or comes out: `AssumeRoleInput` prints its external id, and the answer is the
//! credential.

mod error;
mod iam;
mod identity;
mod probe;
mod sts;

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::time::TimeSource;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use secrecy::{ExposeSecret, SecretString};

use crate::ambient::Clock;

pub use error::{Error, Hint};
pub use iam::{LookError, Steward};
pub use identity::{AccessKey, Identity, IdentityError, IdentityProbe};
use probe::Prober;
pub use sts::{AssumeRole, AssumeSteward, SessionCredentials, Unproved};

/// STS answers in tens of milliseconds. The helper gives up after 15 seconds (and its own caller after about 20: the AWS
/// SDK for Rust bounds a `credential_process` by that), so all tries together end before, and its sentence arrives.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(4);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_ATTEMPTS: u32 = 3;

/// How to reach AWS.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The region whose STS is called. Regional tokens are valid everywhere.
    pub region: String,
    /// Another address for STS than AWS's own.
    pub sts_endpoint: Option<String>,
    /// The same for IAM.
    pub iam_endpoint: Option<String>,
    /// The same for every service that a lab's credentials are tried at.
    pub probe_endpoint: Option<String>,
    /// The broker's own identity; the SDK's default chain when absent.
    pub identity: Option<BrokerIdentity>,
    /// What requests are dated by.
    pub clock: Clock,
}

/// The broker's own credentials, when they do not come from the SDK's default chain. The demo's, in practice: a broker
/// that is deployed runs under a role and holds no key.
#[derive(Clone)]
pub struct BrokerIdentity {
    /// The access key id.
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: SecretString,
    /// Present for a role session.
    pub session_token: Option<SecretString>,
}

impl fmt::Debug for BrokerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrokerIdentity").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// The broker's clock, as the SDK asks for it.
#[derive(Debug)]
struct Dated(Clock);

impl TimeSource for Dated {
    fn now(&self) -> SystemTime {
        self.0.now().into()
    }
}

/// The way to AWS.
#[derive(Clone, Debug)]
pub struct Aws {
    sts: aws_sdk_sts::Client,
    /// What the client signs with, for a look at where it comes from.
    credentials: Option<SharedCredentialsProvider>,
    /// What the clients for labs' accounts are made of, one for each look.
    shared: SdkConfig,
    iam_endpoint: Option<String>,
    prober: Prober,
}

impl Aws {
    /// Prepares the clients. Nothing is called yet.
    pub async fn new(settings: &Settings) -> Self {
        let http =
            aws_smithy_http_client::Builder::new().tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .time_source(Dated(settings.clock.clone()))
            .region(Region::new(settings.region.clone()))
            .retry_config(RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                    .operation_timeout(OPERATION_TIMEOUT)
                    .build(),
            );
        if let Some(identity) = &settings.identity {
            loader = loader.credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                identity.access_key_id.clone(),
                identity.secret_access_key.expose_secret(),
                identity.session_token.as_ref().map(|token| token.expose_secret().to_owned()),
                None,
                "lodge",
            )));
        }
        let shared: SdkConfig = loader.load().await;
        let mut sts = aws_sdk_sts::config::Builder::from(&shared);
        if let Some(endpoint) = &settings.sts_endpoint {
            sts = sts.endpoint_url(endpoint);
        }
        Self {
            sts: aws_sdk_sts::Client::from_conf(sts.build()),
            credentials: shared.credentials_provider(),
            shared,
            iam_endpoint: settings.iam_endpoint.clone(),
            prober: Prober::new(settings.probe_endpoint.as_deref()),
        }
    }
}
