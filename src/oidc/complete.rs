//! From what came back to our callback to who signed in.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::cache::Learned;
use super::claims::{self, Claims};
use super::exchange::Tokens;
use super::jws::{Kind, Unverified};
use super::{Error, Provider, StepUp, TokenFault};
use crate::domain::claims::{ClaimsSnapshot, Groups};
use crate::domain::person::{DisplayName, Issuer, Subject};

/// What came back to our callback.
#[derive(Debug)]
pub struct Callback<'a> {
    /// The code.
    pub code: &'a SecretString,
    /// `iss`, when the provider sent one (RFC 9207).
    pub issuer: Option<&'a str>,
    /// The callback that was asked for.
    pub redirect_uri: &'a str,
    /// What the ID token must hold.
    pub nonce: &'a SecretString,
    /// What the code was asked for with.
    pub verifier: &'a SecretString,
    /// What the sign-in was asked to prove beside who somebody is.
    pub step_up: StepUp,
}

/// Who signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The provider.
    pub issuer: Issuer,
    /// The person, at that provider.
    pub subject: Subject,
    /// What they are called.
    pub name: Option<DisplayName>,
    /// What was said of them.
    pub claims: ClaimsSnapshot,
}

impl Provider {
    /// Trades the code, verifies what comes back, and says who it is.
    ///
    /// # Errors
    ///
    /// When any of it does not hold. Nothing is sent to the provider when the answer names another issuer.
    pub async fn complete(&self, callback: &Callback<'_>, now: DateTime<Utc>) -> Result<Login, Error> {
        let learned = self.learned().await?;
        self.check_issuer(&learned, callback.issuer)?;
        let tokens = self.exchange(&learned.metadata, callback).await?;

        let (claims, learned) = self.verified(&tokens.id_token, Kind::Plain, learned).await?.map_err(Error::IdToken)?;
        let subject = claims::check_id_token(&claims, &self.settings, callback.nonce, now).map_err(Error::IdToken)?;
        let session = claims::session(&claims).map_err(Error::IdToken)?;
        claims::check_tenant(&claims, &self.settings)?;
        let mfa = claims::used_second_factor(&claims, &self.settings.mfa);
        let authenticated_at = claims::authenticated_at(&claims, now);
        claims::check_step_up(callback.step_up, authenticated_at, mfa, now)?;

        let said = self.said(claims, &subject, &tokens, &learned, now).await?;
        claims::check_university(said.get("idp"), &self.settings)?;
        Ok(Login {
            issuer: self.settings.issuer.clone(),
            name: said.get("name").and_then(Value::as_str).and_then(DisplayName::from_claim),
            claims: ClaimsSnapshot {
                groups: said.groups,
                mfa,
                authenticated_at,
                provider_subject: Some(subject.clone()),
                provider_session: session,
            },
            subject: self.known_by(&said.claims, said.info.as_ref(), subject)?,
        })
    }

    /// RFC 9207: compared whenever it is there, and missed when the provider said it would be.
    fn check_issuer(&self, learned: &Learned, issuer: Option<&str>) -> Result<(), Error> {
        match issuer {
            Some(issuer) if issuer != self.settings.issuer.as_str() => Err(Error::WrongIssuer("`iss` names another")),
            None if learned.metadata.names_itself => Err(Error::WrongIssuer("`iss` is missing")),
            _ => Ok(()),
        }
    }

    /// A token's claims, verified with keys that are fetched anew when it names one we do not know; and what is known of
    /// the provider since then.
    pub(super) async fn verified(
        &self,
        token: &SecretString,
        kind: Kind,
        learned: Learned,
    ) -> Result<Result<(Claims, Learned), TokenFault>, Error> {
        let token = match Unverified::read(token.expose_secret(), kind, &self.settings.algorithms) {
            Ok(token) => token,
            Err(fault) => return Ok(Err(fault)),
        };
        let renewed = if token.has_key(&learned.keys) { None } else { self.renewed(&learned).await? };
        let learned = renewed.unwrap_or(learned);
        Ok(token.verify(&learned.keys).map(|claims| (claims, learned)))
    }

    /// What is said of somebody: in the ID token, and at the userinfo endpoint when something that is needed is missing.
    async fn said(
        &self,
        claims: Claims,
        subject: &Subject,
        tokens: &Tokens,
        learned: &Learned,
        now: DateTime<Utc>,
    ) -> Result<Said, Error> {
        let settings = &self.settings;
        let read = |claims: &Claims| settings.group_claim.read(&Value::Object(claims.clone()), &settings.group_form);
        let groups = read(&claims)?;
        let is_missing = groups == Groups::Absent
            || !claims.contains_key(settings.subject_claim.as_str())
            || (!settings.identity_providers.is_empty() && !claims.contains_key("idp"));
        let info = if is_missing { self.user_info(tokens, subject, learned, now).await? } else { None };
        let groups = match &info {
            Some(info) if groups == Groups::Absent => read(info)?,
            _ => groups,
        };
        Ok(Said { claims, info, groups })
    }

    /// What somebody is known by: `sub`, or the claim that the settings name.
    fn known_by(&self, claims: &Claims, info: Option<&Claims>, subject: Subject) -> Result<Subject, Error> {
        let claim = &self.settings.subject_claim;
        if claim.is_sub() {
            return Ok(subject);
        }
        let name = claim.as_str();
        let value = claims.get(name).or_else(|| info?.get(name));
        let value = value.ok_or_else(|| Error::Subject(format!("the provider does not send `{name}`")))?;
        let value = value.as_str().and_then(|value| value.parse().ok());
        value.ok_or_else(|| Error::Subject(format!("`{name}` is none")))
    }
}

/// See [`Provider::said`].
struct Said {
    claims: Claims,
    info: Option<Claims>,
    groups: Groups,
}

impl Said {
    /// A claim from the ID token, or else from the userinfo answer.
    fn get(&self, name: &str) -> Option<&Value> {
        self.claims.get(name).or_else(|| self.info.as_ref()?.get(name))
    }
}
