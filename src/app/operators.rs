//! Sitting down at the operator's desk in a browser or with a helper: for those whom the settings name.

use super::desk::Desk;
use super::sessions::require_live;
use super::{Broker, Caller, Error, Profile, Result};
use crate::domain::access::{Denied, Operator, OperatorRoll, SecondFactor};
use crate::domain::claims::GroupFormat;
use crate::domain::id::ConnectionName;
use crate::oidc::{MfaRule, Settings};
use crate::store::{About, Snapshot};
use crate::telemetry::chain;

/// What an operator's sign-in lacks for changing something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorLacks {
    /// It is too old.
    Fresh,
    /// It had no second factor.
    Mfa,
    /// Both.
    Both,
}

impl OperatorLacks {
    /// What a refusal says that a stronger sign-in would mend.
    #[must_use]
    pub const fn of(denied: &Denied) -> Option<Self> {
        match denied {
            Denied::FreshSignInNeeded(_) => Some(Self::Fresh),
            Denied::MfaNeeded(None) => Some(Self::Mfa),
            Denied::MfaNeeded(Some(_)) => Some(Self::Both),
            _ => None,
        }
    }
}

/// A connection, as the settings have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionView {
    /// What mappings call it.
    pub name: String,
    /// What people read.
    pub title: String,
    /// Its `iss`.
    pub issuer: String,
    /// The claim with the groups.
    pub group_claim: String,
    /// What each of them is: `plain`, `entitlement` or `guid`.
    pub group_format: &'static str,
    /// How many it sends at most.
    pub group_limit: Option<usize>,
    /// The claim that somebody is known by.
    pub subject_claim: String,
    /// Its words for a second factor: values of `acr`, entries of `amr` and of `acrs`.
    pub second_factor: Vec<String>,
}

/// What a look at a provider found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionCheck {
    /// How many keys it publishes.
    pub keys: usize,
    /// What is wrong, a sentence each.
    pub problems: Vec<String>,
}

impl ConnectionView {
    fn new(settings: &Settings) -> Self {
        let MfaRule { acr, amr, acrs, .. } = &settings.mfa;
        Self {
            name: settings.name.to_string(),
            title: settings.title.clone(),
            issuer: settings.issuer.as_str().to_owned(),
            group_claim: settings.group_claim.as_str().to_owned(),
            group_format: match settings.group_form.format {
                GroupFormat::Plain => "plain",
                GroupFormat::Entitlement => "entitlement",
                GroupFormat::Guid => "guid",
            },
            group_limit: settings.group_form.limit.map(Into::into),
            subject_claim: settings.subject_claim.as_str().to_owned(),
            second_factor: [acr.as_slice(), amr, acrs].concat(),
        }
    }
}

/// What a broker is made of, for whoever runs it.
#[derive(Clone, Debug)]
pub struct Versions {
    /// The program's.
    pub program: &'static str,
    /// The database.
    pub database: About,
    /// When this process began to serve.
    pub started_at: chrono::DateTime<chrono::Utc>,
    /// How many policy templates it has.
    pub templates: usize,
}

impl Broker {
    /// Whether the settings name the caller as an operator: for showing them the way, which lets them into nothing.
    #[must_use]
    pub fn is_operator(&self, caller: &Caller) -> bool {
        self.operators.names(&caller.person)
    }

    /// The desk, for an operator to look.
    ///
    /// # Errors
    ///
    /// [`crate::domain::access::Denied::NotAnOperator`] for everybody else, [`Error::SignInNeeded`] when the session has
    /// ended.
    pub async fn desk(&self, caller: &Caller) -> Result<Desk> {
        let snapshot = self.own_snapshot(caller).await?;
        Ok(self.desk_of(self.operators.admit(&caller.person, &snapshot.evidence)?))
    }

    /// The desk, for an operator to change something: by a fresh sign-in, with a second factor unless the settings have no
    /// words for one at the connection where they signed in.
    ///
    /// # Errors
    ///
    /// As for [`Broker::desk`], and [`crate::domain::access::Denied::FreshSignInNeeded`] or
    /// [`crate::domain::access::Denied::MfaNeeded`].
    pub async fn desk_to_change(&self, caller: &Caller) -> Result<Desk> {
        let snapshot = self.own_snapshot(caller).await?;
        let (evidence, factor) = (&snapshot.evidence, self.second_factor(&snapshot));
        Ok(self.desk_of(self.operators.admit_to_change(&caller.person, evidence, factor, self.clock.now())?))
    }

    /// What the operator needs to know of the program and its database.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn versions(&self, _desk: &Desk) -> Result<Versions> {
        Ok(Versions {
            program: env!("CARGO_PKG_VERSION"),
            database: self.store.about().await?,
            started_at: self.0.started_at,
            templates: self.policies.iter().count(),
        })
    }

    /// What the caller's sign-in lacks for changing something as an operator.
    #[must_use]
    pub fn operator_lacks(&self, caller: &Caller, profile: &Profile) -> Option<OperatorLacks> {
        let (evidence, factor) = (&profile.snapshot.evidence, self.second_factor(&profile.snapshot));
        let roll: &OperatorRoll = &self.operators;
        let denied = roll.admit_to_change(&caller.person, evidence, factor, self.clock.now()).err()?;
        OperatorLacks::of(&denied)
    }

    /// The connections, by name.
    #[must_use]
    pub fn connections(&self, _desk: &Desk) -> Vec<ConnectionView> {
        self.providers.values().map(|provider| ConnectionView::new(provider.settings())).collect()
    }

    /// Asks a provider now, without signing anybody in: as `lodged doctor` does.
    ///
    /// # Errors
    ///
    /// When there is no such connection.
    pub async fn check_connection(&self, _desk: &Desk, name: &ConnectionName) -> Result<ConnectionCheck> {
        let provider = self.provider(name)?;
        let probe = provider.probe().await;
        let mut problems = Vec::new();
        if let Some(issuer) = &probe.other_issuer {
            problems.push(format!("It calls itself {}, which is not the issuer in the settings.", issuer.as_str()));
        }
        let offer = match probe.offer {
            Ok(offer) => offer,
            Err(error) => {
                problems.push(format!("Nobody can sign in there: {}.", chain(&error)));
                return Ok(ConnectionCheck { keys: 0, problems });
            }
        };
        let wrong = [
            (offer.keys == 0, "It publishes no key for signatures."),
            (offer.algorithms.is_empty(), "It signs with none of the algorithms that the settings allow."),
            (!offer.takes_authentication, "It does not take the client secret in the way that the settings show it."),
            (offer.is_second_factor_unlisted, "It lists none of the settings' words for a second factor (acr)."),
        ];
        problems.extend(wrong.into_iter().filter(|(is_so, _)| *is_so).map(|(_, says)| says.to_owned()));
        Ok(ConnectionCheck { keys: offer.keys, problems })
    }

    async fn own_snapshot(&self, caller: &Caller) -> Result<Snapshot> {
        let mut tx = self.store.read().await?;
        require_live(&mut tx, &caller.session, self.clock.now()).await?;
        tx.snapshot(&caller.person, &caller.sign_in).await?.ok_or(Error::SignInNeeded)
    }

    /// A connection that is not set up any more is taken for one that can say it.
    fn second_factor(&self, snapshot: &Snapshot) -> SecondFactor {
        let provider = self.providers.get(&snapshot.evidence.connection);
        match provider.map(|provider| &provider.settings().mfa) {
            Some(MfaRule { acr, amr, acrs, .. }) if acr.is_empty() && amr.is_empty() && acrs.is_empty() => {
                SecondFactor::Unsayable
            }
            _ => SecondFactor::Sayable,
        }
    }

    fn desk_of(&self, operator: Operator) -> Desk {
        Desk {
            operator,
            store: self.store.clone(),
            public_url: self.public_url.clone(),
            policies: self.policies.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }
}
