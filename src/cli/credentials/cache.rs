//! What the broker gave, kept on this machine until it is nearly over.
//!
//! A file for each broker, person, lab and role, private to its owner. A file that is damaged, or of something else than
//! its name says, counts as none: the next credentials go over it. One that others could have read is refused.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::Credentials;
use crate::ambient::Clock;
use crate::cli::Helper;
use crate::cli::broker_url::BrokerUrl;
use crate::cli::failure::Failure;
use crate::cli::home::{Closed, Home};
use crate::domain::id::RoleAddress;

const SUFFIX: &str = ".json";

/// No session that a broker gives lasts longer (STS: twelve hours at most).
const LONGEST: TimeDelta = TimeDelta::hours(12);

/// Whose credentials they are, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) broker: String,
    pub(crate) person: String,
    pub(crate) role: RoleAddress,
}

impl Key {
    /// A file name without a suffix: for people, and exact.
    pub(super) fn name(&self) -> String {
        let Self { broker, person, role } = self;
        let digest = Sha256::digest(format!("{broker}\n{person}\n{role}"));
        format!("{}_{}_{}", role.lab, role.role, hex::encode(&digest[..8]))
    }
}

/// A file of the cache.
#[derive(Serialize, Deserialize)]
struct Kept {
    broker: String,
    person: String,
    lab: String,
    role: String,
    since: DateTime<Utc>,
    access_key_id: String,
    secret_access_key: Zeroizing<String>,
    session_token: Zeroizing<String>,
    expires_at: DateTime<Utc>,
    account_id: String,
}

impl Kept {
    fn of(key: &Key, credentials: &Credentials, since: DateTime<Utc>) -> Self {
        let Credentials { access_key_id, secret_access_key, session_token, expires_at, account_id } =
            credentials.clone();
        Self {
            broker: key.broker.clone(),
            person: key.person.clone(),
            lab: key.role.lab.to_string(),
            role: key.role.role.to_string(),
            since,
            access_key_id,
            secret_access_key,
            session_token,
            expires_at,
            account_id,
        }
    }

    /// What the file holds, when it can be read.
    fn read(bytes: &[u8]) -> Option<Self> {
        let kept: Self = serde_json::from_slice(bytes).ok()?;
        let complete = [&kept.access_key_id, &*kept.secret_access_key, &*kept.session_token, &kept.account_id];
        complete.iter().all(|text| !text.is_empty()).then_some(kept)
    }

    fn is_of(&self, key: &Key) -> bool {
        self.broker == key.broker
            && self.person == key.person
            && self.lab == key.role.lab.as_str()
            && self.role == key.role.role.as_str()
    }

    /// How long it is good for yet. Nothing at all when it was kept in what is the future now: the clock was wrong then,
    /// or is now.
    fn left(&self, now: DateTime<Utc>) -> TimeDelta {
        let is_sound = self.since <= now && self.expires_at - self.since <= LONGEST;
        if is_sound { self.expires_at - now } else { TimeDelta::zero() }
    }

    fn role(&self) -> Option<RoleAddress> {
        format!("{}/{}", self.lab, self.role).parse().ok()
    }

    /// What it holds, when it is of this key and has so much time left.
    fn serve(self, key: &Key, least: TimeDelta, now: DateTime<Utc>) -> Option<Credentials> {
        (self.is_of(key) && self.left(now) >= least).then_some(Credentials {
            access_key_id: self.access_key_id,
            secret_access_key: self.secret_access_key,
            session_token: self.session_token,
            expires_at: self.expires_at,
            account_id: self.account_id,
        })
    }
}

/// What a file with these bytes would give to whom it names.
#[cfg(fuzzing)]
pub(crate) fn served(bytes: &[u8], now: DateTime<Utc>) -> Option<Credentials> {
    let kept = Kept::read(bytes)?;
    let key = Key { broker: kept.broker.clone(), person: kept.person.clone(), role: kept.role()? };
    kept.serve(&key, super::LEAST, now)
}

/// The cache.
#[derive(Debug)]
pub(crate) struct Cache {
    home: Home,
    clock: Clock,
}

impl Cache {
    /// The one on this machine.
    pub(crate) fn of(helper: &Helper) -> Option<Self> {
        let directory = helper.environment.cache.clone()?;
        Some(Self { home: helper.home(directory, Closed::ToAll), clock: helper.clock.clone() })
    }

    /// What is kept, when it has at least so much time left.
    pub(super) fn get(&self, key: &Key, least: TimeDelta) -> Result<Option<Credentials>, Failure> {
        let Some(bytes) = self.home.read(&file(key))? else { return Ok(None) };
        Ok(Kept::read(&bytes).and_then(|kept| kept.serve(key, least, self.clock.now())))
    }

    /// Keeps credentials over those that were there.
    pub(super) fn put(&self, key: &Key, credentials: &Credentials) -> Result<(), Failure> {
        // Room for all of it: a buffer that grows leaves copies behind that nothing wipes.
        let mut bytes = Zeroizing::new(Vec::with_capacity(16 * 1024));
        let path = || self.home.path(&file(key));
        serde_json::to_writer(&mut *bytes, &Kept::of(key, credentials, self.clock.now()))
            .map_err(|error| Failure::File { action: "write", path: path(), source: error.into() })?;
        self.home.write(&file(key), &bytes)
    }

    /// Which roles of this broker and person are kept, and how long they are good for, the first by name first.
    pub(crate) fn list(&self, broker: &BrokerUrl, person: &str) -> Vec<(RoleAddress, DateTime<Utc>)> {
        let now = self.clock.now();
        let live = self.files().into_iter().map(|(_, kept)| kept).filter(|kept| {
            kept.broker == broker.as_str() && kept.person == person && kept.left(now) > TimeDelta::zero()
        });
        let mut live: Vec<_> = live.filter_map(|kept| Some((kept.role()?, kept.expires_at))).collect();
        live.sort_by_key(|(role, _)| role.to_string());
        live
    }

    /// Deletes what this broker gave, and whatever is damaged. Best effort: what cannot be deleted expires.
    pub(crate) fn clear(&self, broker: &BrokerUrl) {
        let kept = self.files();
        let of_others = |name: &String| kept.iter().any(|(it, kept)| it == name && kept.broker != broker.as_str());
        for name in self.home.names().iter().filter(|name| name.ends_with(SUFFIX) && !of_others(name)) {
            if let Err(failure) = self.home.delete(name) {
                tracing::debug!(%failure, "left in the cache");
            }
        }
    }

    /// Deletes such as this broker gave this person, by the role and by when it was kept. Says which roles they were for.
    ///
    /// # Errors
    ///
    /// Whatever keeps one of them here. The others are gone.
    pub(crate) fn forget(
        &self,
        broker: &BrokerUrl,
        person: &str,
        is_one: impl Fn(&RoleAddress, DateTime<Utc>) -> bool,
    ) -> Result<Vec<RoleAddress>, Failure> {
        let is_theirs = |kept: &Kept| kept.broker == broker.as_str() && kept.person == person;
        let meant = self.files().into_iter().filter(|(_, kept)| is_theirs(kept)).filter_map(|(name, kept)| {
            let role = kept.role().filter(|role| is_one(role, kept.since))?;
            Some((name, role))
        });
        let deleted: Vec<_> = meant.map(|(name, role)| self.home.delete(&name).map(|()| role)).collect();
        deleted.into_iter().collect()
    }

    /// What can be read of it.
    fn files(&self) -> Vec<(String, Kept)> {
        let names = self.home.names().into_iter().filter(|name| name.ends_with(SUFFIX));
        let read = |name: String| Some((name.clone(), Kept::read(&self.home.read(&name).ok()??)?));
        names.filter_map(read).collect()
    }
}

fn file(key: &Key) -> String {
    format!("{}{SUFFIX}", key.name())
}
