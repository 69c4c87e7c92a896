//! The broker's own AWS identity: who it is, and whether what it proves that with ends by itself.

use std::rc::Rc;

use lodge::aws::{AccessKey, Error, Identity, IdentityError};
use lodge::config::Config;
use lodge::domain::ledger::Failure;

use super::Found;
use super::check::{Check, Outcome};
use crate::serve;

pub(super) const NAME: &str = "AWS identity";

/// The role that the labs' accounts are to trust.
const ROLE_NAME: &str = "broker role";

/// What to have instead of a key.
const ROLE: &str = "run the broker under a role, such as that of its instance or container";

/// Why a container finds no instance's role, of all reasons the one that nothing says.
const HOPS: &str = "a container on an instance finds the latter's role only within a metadata hop limit of 2";

pub(super) async fn look(config: Rc<Config>) -> Found {
    let probe = serve::aws(&config).await.identity().await;
    let role = broker_role(&config, probe.identity.as_ref().ok());
    let check = match probe.identity {
        Ok(identity) => known(&identity),
        Err(IdentityError::NoCredentials(why)) => {
            Check::failed(NAME, format!("no AWS credentials: {why}; {ROLE}; {HOPS}"))
        }
        Err(IdentityError::Unanswered { key, error }) => unknown(&key, &error, &config),
    };
    Found {
        checks: std::iter::once(check).chain(role).collect(),
        time: probe.time.map(|time| ("AWS".to_owned(), time)),
    }
}

/// Whether the role that the labs' accounts are to trust is the one that the broker runs under. AWS shows a session without
/// its role's path, so that account and name are what can be compared.
fn broker_role(config: &Config, identity: Option<&Identity>) -> Option<Check> {
    let role = match config.accounts.broker_role() {
        Ok(Some(role)) => role,
        Ok(None) => {
            let says = "`broker_role` is not set, so that no lab's account can be joined: set the role that the broker runs \
                        under, as an ARN with its path";
            return Some(Check::warning(ROLE_NAME, says));
        }
        // The settings have been told so.
        Err(_) => return None,
    };
    let identity = identity?;
    let session = format!("arn:aws:sts::{}:assumed-role/{}/", role.account().as_str(), role.name());
    Some(if identity.arn.starts_with(&session) {
        Check::ok(ROLE_NAME, format!("{}, which the labs' accounts trust", role.as_str()))
    } else {
        let says = format!(
            "the labs' accounts are to trust {}, and the broker is {}: set `broker_role` to the role that it runs under",
            role.as_str(),
            identity.arn
        );
        Check::failed(ROLE_NAME, says)
    })
}

fn known(identity: &Identity) -> Check {
    let Identity { arn, key } = identity;
    let source = key.source;
    if identity.cannot_assume() {
        return Check::failed(NAME, format!("{arn}, with credentials from {source}, may assume no role: {ROLE}"));
    }
    if key.is_long_term() {
        let id = &key.id;
        return Check::warning(NAME, format!("{arn}, with the long-term key {id} from {source}: {ROLE}, instead"));
    }
    if identity.is_user() {
        let says =
            format!("{arn}, with credentials from {source}, is a user, who has a long-term key: {ROLE}, instead");
        return Check::warning(NAME, says);
    }
    if identity.is_like_roles_anywhere() {
        let says = format!(
            "{arn}, with credentials from {source}, is named as IAM Roles Anywhere names sessions: those have a source \
             identity of their own, so that AWS lets the broker set nobody's, and refuses every request; {ROLE}, instead"
        );
        return Check::warning(NAME, says);
    }
    if !key.is_renewed {
        let says = format!(
            "{arn}, with credentials from {source} that end within hours and that nothing renews: {ROLE}, instead"
        );
        return Check::warning(NAME, says);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(arn: &str, id: &str, is_renewed: bool) -> Check {
        let key = AccessKey { id: id.to_owned(), source: "the environment", is_renewed };
        known(&Identity { arn: arn.to_owned(), key })
    }

    #[test]
    fn a_session_of_roles_anywhere_is_recognised() {
        let of = |source, name: &str| {
            let key = AccessKey { id: "ASIAX".to_owned(), source, is_renewed: true };
            known(&Identity { arn: format!("arn:aws:sts::999988887777:assumed-role/lodge-broker/{name}"), key }).outcome
        };

        assert_eq!(of("a credential process", "1f71c5114a119fc0cc5a5a52fb3720ad"), Outcome::Warning);
        assert_eq!(of("a credential process", "lodge-1"), Outcome::Ok);
        assert_eq!(of("a web identity token", "1f71c5114a119fc0cc5a5a52fb3720ad"), Outcome::Ok);
    }

    #[test]
    fn only_a_role_that_is_renewed_is_well() {
        let role = "arn:aws:sts::999988887777:assumed-role/lodge-broker/i-0123456789abcdef0";
        let user = "arn:aws:iam::999988887777:user/broker";
        for (arn, id, is_renewed, outcome, says) in [
            (role, "ASIAX", true, Outcome::Ok, "with credentials from the environment"),
            (role, "ASIAX", false, Outcome::Warning, "that nothing renews"),
            (user, "AKIAX", false, Outcome::Warning, "with the long-term key AKIAX from the environment"),
            (user, "ASIAX", true, Outcome::Warning, "is a user, who has a long-term key"),
            ("arn:aws:iam::999988887777:root", "AKIAX", false, Outcome::Failed, "may assume no role"),
            ("arn:aws:sts::999988887777:federated-user/broker", "ASIAX", true, Outcome::Failed, "may assume no role"),
        ] {
            let check = of(arn, id, is_renewed);
            assert_eq!(check.outcome, outcome, "{arn} {id}");
            assert!(check.says.starts_with(arn) && check.says.contains(says), "{}", check.says);
        }
    }
}
