//! The broker's own AWS identity: who it is, and whether what it proves that with ends by itself.

use std::rc::Rc;

use lodge::aws::{AccessKey, Error, Identity, IdentityError};
use lodge::config::Config;
use lodge::domain::ledger::Failure;

use super::Found;
use super::check::{Check, Outcome};
use crate::serve;

pub(super) const NAME: &str = "AWS identity";

/// What to have instead of a key.
const ROLE: &str = "run the broker under a role, such as that of its instance or container";

pub(super) async fn look(config: Rc<Config>) -> Found {
    let probe = serve::aws(&config).await.identity().await;
    let check = match probe.identity {
        Ok(identity) => known(&identity),
        Err(IdentityError::NoCredentials(why)) => Check::failed(NAME, format!("no AWS credentials: {why}; {ROLE}")),
        Err(IdentityError::Unanswered { key, error }) => unknown(&key, &error, &config),
    };
    Found { checks: vec![check], time: probe.time.map(|time| ("AWS".to_owned(), time)) }
}

fn known(Identity { arn, key }: &Identity) -> Check {
    let source = key.source;
    if key.is_long_term() {
        let id = &key.id;
        return Check::warning(NAME, format!("{arn}, with the long-term key {id} from {source}: {ROLE}, instead"));
    }
    Check::ok(NAME, format!("{arn}, with credentials from {source}"))
}

fn unknown(key: &AccessKey, error: &Error, config: &Config) -> Check {
    let source = key.source;
    let (outcome, what_to_do) = match error.failure {
        Failure::Identity => (
            Outcome::Failed,
            match error.code.as_deref() {
                Some("ExpiredToken" | "ExpiredTokenException") => "they have expired; let a role renew them".to_owned(),
                Some("InvalidClientTokenId") => "AWS does not know them; make new ones, or use a role".to_owned(),
                Some("SignatureDoesNotMatch") => "the secret is not that of the key id, or a clock is off".to_owned(),
                Some("RequestExpired") => "a clock is off".to_owned(),
                _ => ROLE.to_owned(),
            },
        ),
        Failure::Throttled => (Outcome::Warning, "run this again in a minute".to_owned()),
        Failure::Unreachable => {
            let sts = match &config.aws.sts_endpoint {
                Some(endpoint) => endpoint.as_str().trim_end_matches('/').to_owned(),
                None => format!("STS in {}", config.aws.region),
            };
            (Outcome::Failed, format!("let this machine reach {sts}, or set `sts_endpoint`"))
        }
        _ => (Outcome::Failed, "look at `region` and `sts_endpoint`".to_owned()),
    };
    Check::new(NAME, outcome, format!("{error}, with credentials from {source}: {what_to_do}"))
}
