//! The use cases: the only place that sequences the domain and the world. Each is called from the API and from the
//! console, and knows of neither.

mod accounts;
mod admission;
mod attention;
mod cut_off;
pub mod desk;
mod downloads;
mod error;
mod exchanges;
mod helper_login;
mod invitations;
mod issue;
mod keys;
mod ledger;
mod limits;
mod mappings;
mod names;
mod operators;
mod overview;
mod people;
mod provider_logout;
mod request_key;
mod role_sessions;
mod roles;
mod sessions;
mod sign_in;
mod standings;
mod sweep;
mod why;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use ipnet::IpNet;
use tokio::sync::watch;
use url::Url;

pub use crate::store::{
    BrowserOrigin, FoundEntries, FoundEntry, LEDGER_CHOICES_MAX, LEDGER_WINDOW, LabPerson, LiveMapping, OfficeHolder,
    SeenGroup,
};
pub use accounts::{
    AccountChecks, AccountRole, AccountSettings, AccountView, ChainReport, Diagnosis, KeeperView, PlanError, StackFile,
    account_plan, account_warning, account_words, link_title,
};
pub use attention::Attention;
pub use cut_off::{
    CutOffAsk, CutOffPace, CutOffView, CutOffWish, CutOffsPage, DeniedSessions, DenyState, EverywhereView,
    PersonCutOffWish, ToCutOff, TroubleView,
};
pub use downloads::{Download, Downloads, DownloadsError};
pub use error::{Error, LabError, Result, SignInError};
pub use exchanges::EXCHANGES_AT_ONCE;
pub use helper_login::{
    AskedLogin, Handover, HelperLogin, HelperLoginError, HelperRedirect, HelperTokens, Lacking, LoopbackRedirect,
    MFA_LEVEL, PASTED_CODE_TIMEOUT, WantedSignIn,
};
pub use issue::Issued;
pub use keys::{KeyError, KeyFile};
pub use ledger::{DAMAGED, LEDGER_CATEGORIES, LEDGER_PAGE_MAX, LedgerCategory, LedgerPart, LedgerWish};
pub use limits::{LabLimits, LabSettings, Limit, LimitChange, LimitOf, MappingCounts};
pub use mappings::{
    Affected, AuthorGain, ChangePlace, MAPPINGS_PAGE_MAX, MappingChoices, MappingHistory, MappingOutcome,
    MappingPreview, MappingRevision, MappingsView, TermsEdit, WaitingChange,
};
pub use names::{Keeper, NamedPerson};
pub use operators::{ConnectionCheck, ConnectionView, OperatorLacks, Versions};
pub use overview::{
    Held, Holding, LabFront, LabMembers, Member, MembersPage, Overview, PEOPLE_PAGE_MAX, PersonPlace, RoleColumn,
    WantedPeople,
};
pub use people::{GivenRole, Profile};
pub use request_key::RequestKey;
pub use role_sessions::{LabSessions, LiveSession, ROLE_SESSIONS_PAGE_MAX, SessionPlace, SessionsPage, WantedSessions};
pub use roles::{LabRoles, RoleAction, RoleEnding, RolePreview, RoleSpec, RoleView, Templates, Widening};
pub use sessions::{Caller, CallerSession, NewSession, OwnSession, OwnSessionKind};
pub use sign_in::{Answer, Begun, Completed, FRESH_SIGN_IN, REFUSALS_KEPT_A_MINUTE, ReturnTo, SignInWish};
pub use standings::{Appointed, LabPlace, LabView, OfficeChange, Somebody};
pub use sweep::SWEEP_INTERVAL;
pub use why::{Chance, RoleForAction, Why, WhyQuestion, WhySubject, chance_says, reach_says};

use self::exchanges::Exchanges;
use self::sign_in::RefusalRoom;
use crate::ambient::{Clock, Random};
use crate::aws::Aws;
use crate::domain::access::OperatorRoll;
use crate::domain::id::ConnectionName;
use crate::domain::policy::PolicyLibrary;
use crate::oidc::Provider;
use crate::store::Store;

/// How long sessions live.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// A browser's, at most.
    pub browser_session: TimeDelta,
    /// How long a browser's may be idle.
    pub browser_idle: TimeDelta,
    /// A helper's, from the sign-in it stands on, at least: it is longer where one of the person's roles allows more.
    pub cli_session: TimeDelta,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            browser_session: TimeDelta::hours(8),
            browser_idle: TimeDelta::minutes(30),
            cli_session: TimeDelta::hours(12),
        }
    }
}

/// Everything a broker is made of.
#[derive(Debug)]
pub struct Parts {
    /// The address that people and helpers know, without a final slash. Every absolute URL starts with it; none is made
    /// from what a request says.
    pub public_url: Url,
    /// The database.
    pub store: Store,
    /// The way to AWS.
    pub aws: Aws,
    /// The identity providers, by name.
    pub providers: BTreeMap<ConnectionName, Provider>,
    /// The policy templates.
    pub policies: PolicyLibrary,
    /// What tokens are derived from.
    pub keys: KeyFile,
    /// The clock.
    pub clock: Clock,
    /// The randomness.
    pub random: Random,
    /// How long sessions live.
    pub lifetimes: Lifetimes,
    /// The proxies in front, whose word for where a request comes from is taken.
    pub trusted_proxies: Vec<IpNet>,
    /// Who runs the broker from a browser.
    pub operators: OperatorRoll,
    /// The builds of the helper that everybody may have.
    pub downloads: Downloads,
    /// How it deals with the labs' AWS accounts.
    pub accounts: AccountSettings,
}

/// The broker. Cheap to clone: every clone is the same broker.
#[derive(Clone, Debug)]
pub struct Broker(Arc<Whole>);

/// The parts, and what the broker remembers while it runs.
#[derive(Debug)]
struct Whole {
    parts: Parts,
    refusal_room: RefusalRoom,
    last_clearing: sweep::Last,
    exchanges: Exchanges,
    /// How often somebody was cut off here: it wakes whoever waits for AWS to have a deny.
    cut_off_news: watch::Sender<u64>,
    started_at: DateTime<Utc>,
}

impl Broker {
    /// A broker of these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let exchanges = Exchanges::new(parts.providers.keys());
        let (refusal_room, last_clearing) = (RefusalRoom::default(), sweep::Last::default());
        let started_at = parts.clock.now();
        let cut_off_news = watch::Sender::new(0);
        Self(Arc::new(Whole { parts, refusal_room, last_clearing, exchanges, cut_off_news, started_at }))
    }

    /// An absolute URL of ours for a path that starts with `/`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer())
    }

    /// The public URL without a final slash: what our authorization server calls itself.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.public_url.as_str().trim_end_matches('/')
    }

    /// Whether the broker can do its work, as far as it can know without calling anybody.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn ready(&self) -> Result<()> {
        self.store.read().await?;
        Ok(())
    }

    /// What people call a connection; its name when it is not set up any more.
    #[must_use]
    pub fn connection_title<'a>(&'a self, connection: &'a ConnectionName) -> &'a str {
        self.providers.get(connection).map_or(connection.as_str(), |provider| &provider.settings().title)
    }

    fn provider(&self, connection: &ConnectionName) -> Result<&Provider> {
        self.providers.get(connection).ok_or(Error::NoSuchConnection)
    }
}

impl Deref for Broker {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}
