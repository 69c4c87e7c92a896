//! Role sessions, and the seal under which a session token carries one.
//!
//! The small AWS remembers no session: the token is the session, readable but not writable without the sealing key,
//! and the secret access key follows from the access key id. So a restarted demo honours what it issued before, and
//! nothing that could leak is ever stored.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, SecondsFormat, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::principals::id;
use super::role::RoleArn;
use super::settings::{BrokerIdentity, IamRole, SettingsError};
use crate::domain::policy::{Caller, Context};

/// Bytes of an HMAC-SHA-256.
const MAC_BYTES: usize = 32;

/// Who may assume the broker's own role: whatever machine it runs on, and so nobody here.
const BROKER_TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
    "Principal":{"Service":"ec2.amazonaws.com"}}]}"#;

/// A session of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) role_arn: RoleArn,
    pub(super) role_id: String,
    pub(super) name: String,
    pub(super) source_identity: Option<String>,
    pub(super) tags: Vec<(String, String)>,
    /// The session policy, as it was passed.
    pub(super) policy: Option<String>,
    pub(super) issued_at: DateTime<Utc>,
    /// Absent for the broker, whose credentials the demo never renews.
    pub(super) expires_at: Option<DateTime<Utc>>,
}

impl Session {
    pub(super) fn arn(&self) -> String {
        self.role_arn.session_arn(&self.name)
    }

    /// `AROA…:name`.
    pub(super) fn user_id(&self) -> String {
        format!("{}:{}", self.role_id, self.name)
    }

    pub(super) fn caller(&self) -> Caller {
        Caller {
            account: self.role_arn.account().to_owned(),
            role_arn: self.role_arn.to_string(),
            session_arn: self.arn(),
        }
    }

    /// The condition keys that every call of this session carries.
    pub(super) fn context(&self, now: DateTime<Utc>, region: &str) -> Context {
        let mut context = Context::new()
            .with("aws:PrincipalArn", self.role_arn.as_str())
            .with("aws:PrincipalAccount", self.role_arn.account())
            .with("aws:PrincipalType", "AssumedRole")
            .with("aws:userid", self.user_id())
            .with("aws:TokenIssueTime", timestamp(self.issued_at))
            .with("aws:CurrentTime", timestamp(now))
            .with("aws:EpochTime", now.timestamp().to_string())
            .with("aws:RequestedRegion", region);
        if let Some(source_identity) = &self.source_identity {
            context = context.with("aws:SourceIdentity", source_identity);
        }
        for (key, value) in &self.tags {
            context = context.with(&format!("aws:PrincipalTag/{key}"), value);
        }
        context
    }
}

/// A moment as STS and IAM write it: whole seconds, UTC.
pub(super) fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// What a token holds.
#[derive(Serialize, Deserialize)]
struct Payload {
    access_key_id: String,
    role_arn: String,
    role_id: String,
    name: String,
    source_identity: Option<String>,
    tags: Vec<(String, String)>,
    policy: Option<String>,
    issued_at: i64,
    expires_at: i64,
}

/// What `AssumeRole` hands out.
pub(super) struct Credentials {
    pub(super) access_key_id: String,
    pub(super) secret_access_key: SecretString,
    pub(super) session_token: SecretString,
}

/// The key that seals tokens and makes secrets.
pub(super) struct Seal([u8; 64]);

impl Seal {
    pub(super) fn new(key: [u8; 32]) -> Self {
        // HMAC fills a short key up with zeros to its block of 64 bytes; so filled, no length can be wrong.
        let mut block = [0; 64];
        block[..32].copy_from_slice(&key);
        Self(block)
    }

    fn mac(&self, purpose: &str, data: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new(&self.0.into());
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(data);
        mac
    }

    fn secret(&self, access_key_id: &str) -> SecretString {
        let digest: [u8; MAC_BYTES] = self.mac("secret", access_key_id.as_bytes()).finalize().into_bytes().into();
        // Thirty bytes are the forty characters that AWS's secret keys have.
        STANDARD.encode(&digest[..30]).into()
    }

    /// The unique id of a role that is given none. It outlives a restart, as the sessions do that carry it.
    pub(super) fn role_id(&self, role_arn: &str) -> String {
        let digest: [u8; MAC_BYTES] = self.mac("role id", role_arn.as_bytes()).finalize().into_bytes().into();
        id("AROA", &digest[..17])
    }

    /// Credentials for a new session; `None` only if the session cannot be written down, which it can.
    pub(super) fn issue(&self, session: &Session, entropy: [u8; 16]) -> Option<Credentials> {
        let access_key_id = id("ASIA", &entropy);
        let payload = Payload {
            access_key_id: access_key_id.clone(),
            role_arn: session.role_arn.to_string(),
            role_id: session.role_id.clone(),
            name: session.name.clone(),
            source_identity: session.source_identity.clone(),
            tags: session.tags.clone(),
            policy: session.policy.clone(),
            issued_at: session.issued_at.timestamp(),
            expires_at: session.expires_at?.timestamp(),
        };
        let mut token = serde_json::to_vec(&payload).ok()?;
        let mac: [u8; MAC_BYTES] = self.mac("token", &token).finalize().into_bytes().into();
        token.extend_from_slice(&mac);
        Some(Credentials {
            secret_access_key: self.secret(&access_key_id),
            session_token: URL_SAFE_NO_PAD.encode(token).into(),
            access_key_id,
        })
    }

    /// The session that a token carries and the secret that goes with it; `None` unless both are of this seal and of
    /// each other.
    pub(super) fn open(&self, access_key_id: &str, token: Option<&str>) -> Option<(Session, SecretString)> {
        let token = URL_SAFE_NO_PAD.decode(token?).ok()?;
        let (payload, mac) = token.split_at_checked(token.len().checked_sub(MAC_BYTES)?)?;
        self.mac("token", payload).verify_slice(mac).ok()?;
        let payload: Payload = serde_json::from_slice(payload).ok()?;
        if payload.access_key_id != access_key_id {
            return None;
        }
        let session = Session {
            role_arn: RoleArn::parse(&payload.role_arn)?,
            role_id: payload.role_id,
            name: payload.name,
            source_identity: payload.source_identity,
            tags: payload.tags,
            policy: payload.policy,
            issued_at: DateTime::from_timestamp(payload.issued_at, 0)?,
            expires_at: Some(DateTime::from_timestamp(payload.expires_at, 0)?),
        };
        Some((session, self.secret(access_key_id)))
    }
}

/// The broker's own credentials, which no seal makes.
pub(super) struct Broker {
    role_arn: RoleArn,
    session_name: String,
    started_at: DateTime<Utc>,
    access_key_id: String,
    secret_access_key: SecretString,
    session_token: SecretString,
}

impl Broker {
    /// The broker and its role.
    pub(super) fn new(
        identity: BrokerIdentity,
        seal: &Seal,
        now: DateTime<Utc>,
    ) -> Result<(Self, IamRole), SettingsError> {
        let arn = RoleArn::parse(&identity.role_arn).ok_or_else(|| SettingsError::Arn(identity.role_arn.clone()))?;
        let policies = identity.policies.into_iter().enumerate();
        let role = IamRole {
            role_id: seal.role_id(&identity.role_arn),
            arn: identity.role_arn,
            trust: BROKER_TRUST.to_owned(),
            inline_policies: policies.map(|(index, policy)| (format!("broker-{}", index + 1), policy)).collect(),
            attached_policies: Vec::new(),
            boundary: None,
            max_session_seconds: 3_600,
        };
        let broker = Self {
            role_arn: arn,
            session_name: identity.session_name,
            started_at: now,
            access_key_id: identity.access_key_id,
            secret_access_key: identity.secret_access_key,
            session_token: identity.session_token,
        };
        Ok((broker, role))
    }

    /// The broker's role.
    pub(super) const fn role_arn(&self) -> &RoleArn {
        &self.role_arn
    }

    /// The secret, when these are the broker's key id and token.
    pub(super) fn secret(&self, access_key_id: &str, token: Option<&str>) -> Option<SecretString> {
        let same = bool::from(self.session_token.expose_secret().as_bytes().ct_eq(token?.as_bytes()));
        (self.access_key_id == access_key_id && same).then(|| self.secret_access_key.clone())
    }

    /// The broker's session of its role as it is now: a machine whose role is made anew gets credentials of the new one.
    pub(super) fn session(&self, role_id: &str) -> Session {
        Session {
            role_arn: self.role_arn.clone(),
            role_id: role_id.to_owned(),
            name: self.session_name.clone(),
            source_identity: None,
            tags: Vec::new(),
            policy: None,
            issued_at: self.started_at,
            expires_at: None,
        }
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker").field("role_arn", &self.role_arn).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        let issued_at = DateTime::from_timestamp(1_795_262_400, 0).unwrap();
        Session {
            role_arn: RoleArn::parse("arn:aws:iam::111122223333:role/lodge-session").unwrap(),
            role_id: "AROAVISION".into(),
            name: "rs-1".into(),
            source_identity: Some("p-1".into()),
            tags: vec![("lodge-role".into(), "pay".into())],
            policy: Some("{}".into()),
            issued_at,
            expires_at: Some(issued_at + chrono::TimeDelta::hours(1)),
        }
    }

    #[test]
    fn a_token_carries_its_session_over_a_restart() {
        let credentials = Seal::new([7; 32]).issue(&session(), [9; 16]).unwrap();

        let (opened, secret) = Seal::new([7; 32])
            .open(&credentials.access_key_id, Some(credentials.session_token.expose_secret()))
            .unwrap();
        assert_eq!(opened, session());
        assert_eq!(secret.expose_secret(), credentials.secret_access_key.expose_secret());
        assert_eq!((credentials.access_key_id.len(), secret.expose_secret().len()), (20, 40));
    }

    #[test]
    fn a_token_that_was_touched_opens_nothing() {
        let seal = Seal::new([7; 32]);
        let credentials = seal.issue(&session(), [9; 16]).unwrap();
        let token = credentials.session_token.expose_secret();

        for at in 0..token.len() {
            let mut touched = token.to_owned().into_bytes();
            touched[at] = if touched[at] == b'A' { b'B' } else { b'A' };
            let touched = String::from_utf8(touched).unwrap();
            assert_eq!(seal.open(&credentials.access_key_id, Some(&touched)).map(|_| ()), None, "at {at}");
        }
        assert!(seal.open("ASIAOTHER", Some(token)).is_none());
        assert!(seal.open(&credentials.access_key_id, None).is_none());
        assert!(seal.open(&credentials.access_key_id, Some("")).is_none());
        assert!(Seal::new([8; 32]).open(&credentials.access_key_id, Some(token)).is_none());
    }
}
