//! The sessions of a lab that live at AWS: whose they are, what they can do, when they die, and which of them are cut off.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};

use super::cut_off::DeniedSessions;
use super::overview::Roster;
use super::standings::LabPlace;
use super::{Broker, Caller, Result};
use crate::domain::id::{CutOffId, LabName, ParseError, PersonId, RoleName, RoleSessionId};
use crate::store::{LabTx, LiveRoleSession};

/// How many sessions a page has, at most.
pub const ROLE_SESSIONS_PAGE_MAX: u32 = 200;

/// A session that lives.
#[derive(Clone, Debug)]
pub struct LiveSession {
    /// What is kept of it.
    pub session: LiveRoleSession,
    /// Whether another one's name looks like that of its person.
    pub looks_like_another: bool,
    /// What the role is for, in a few words.
    pub title: String,
    /// The cut-off that it is denied by.
    pub cut_off: Option<CutOffId>,
    /// Whether it is denied only because the deny of others was full.
    pub by_overflow: bool,
}

/// A place in the list of sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPlace(DateTime<Utc>, RoleSessionId);

impl fmt::Display for SessionPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0.timestamp_micros(), self.1)
    }
}

impl FromStr for SessionPlace {
    type Err = ParseError;

    fn from_str(text: &str) -> std::result::Result<Self, ParseError> {
        let place = text
            .split_once('.')
            .and_then(|(at, id)| Some(Self(DateTime::from_timestamp_micros(at.parse().ok()?)?, id.parse().ok()?)));
        // Years that no database keeps.
        place
            .filter(|Self(at, _)| (1..10_000).contains(&chrono::Datelike::year(at)))
            .ok_or(ParseError::new("place in the list", "what `next` said"))
    }
}

/// A page of the sessions that live, the newest first.
#[derive(Clone, Debug)]
pub struct SessionsPage {
    /// Them.
    pub sessions: Vec<LiveSession>,
    /// Where the next page begins, when there is one.
    pub next: Option<SessionPlace>,
}

/// Which of a lab's live sessions are wanted.
#[derive(Clone, Debug, Default)]
pub struct WantedSessions {
    /// Of this person only.
    pub person: Option<PersonId>,
    /// Of this role only.
    pub role: Option<RoleName>,
    /// After this place.
    pub after: Option<SessionPlace>,
    /// At most so many.
    pub limit: u32,
}

/// The sessions of a lab that live.
#[derive(Clone, Debug)]
pub struct LabSessions {
    /// The lab, and what the caller is there.
    pub place: LabPlace,
    /// A page of them.
    pub page: SessionsPage,
    /// The lab's roles, by name.
    pub roles: Vec<RoleName>,
    /// How many live, whichever are wanted.
    pub total: u64,
    /// When this was so.
    pub now: DateTime<Utc>,
}

impl Broker {
    /// Sessions of a lab that live, the newest first, for whoever looks after it.
    ///
    /// # Errors
    ///
    /// When the caller does not, or the database is away.
    pub async fn role_sessions(&self, caller: &Caller, lab: &LabName, wanted: &WantedSessions) -> Result<LabSessions> {
        let mut tx = self.store.read().await?;
        let access = self.admit(&mut tx, caller, lab).await?.access.manager()?;
        let mut open = tx.lab(&access).await?;
        let now = self.clock.now();
        let roster = Roster::read(&mut open).await?;
        let page = self.sessions_of(&mut open, &roster, wanted).await?;
        let roles = open.roles().await?.into_iter().map(|role| role.name).collect();
        let total = open.count_role_sessions(now).await?.into_iter().map(|(_, count)| count).sum();
        Ok(LabSessions { place: LabPlace::of(&access), page, roles, total, now })
    }

    pub(super) async fn sessions_of(
        &self,
        open: &mut LabTx<'_>,
        roster: &Roster,
        wanted: &WantedSessions,
    ) -> Result<SessionsPage> {
        let now = self.clock.now();
        let after = wanted.after.as_ref().map(|SessionPlace(at, id)| (*at, id));
        let (person, role) = (wanted.person.as_ref(), wanted.role.as_ref());
        let mut live = open.live_role_sessions(now, after, person, role, wanted.limit + 1).await?;
        let more = live.len() > wanted.limit as usize;
        live.truncate(wanted.limit as usize);
        let next = live.last().filter(|_| more).map(|last| SessionPlace(last.issued_at, last.id.clone()));
        let denied = DeniedSessions::read(open, now).await?;
        let roles: Vec<_> = open.roles().await?.into_iter().chain(open.ended_roles().await?).collect();
        let title = |name: &RoleName| {
            let role = roles.iter().find(|role| role.name == *name);
            role.map_or_else(String::new, |role| self.template_title(&role.template).to_owned())
        };
        let sessions = live.into_iter().map(|session| LiveSession {
            looks_like_another: roster.look_alikes.has(&session.person, session.name.as_ref()),
            title: title(&session.role),
            cut_off: denied.by(&session).map(|row| row.id.clone()),
            by_overflow: denied.by_overflow(&session),
            session,
        });
        Ok(SessionsPage { sessions: sessions.collect(), next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_its_own_text_and_nothing_else_is_one() {
        let at = DateTime::from_timestamp_micros(1_795_266_000_123_456).unwrap();
        let place = SessionPlace(at, RoleSessionId::from_entropy([7; 10]));
        assert_eq!(place.to_string().parse(), Ok(place.clone()));
        let far = i64::MAX.to_string();
        let far_off = [format!("{far}.{}", place.1), format!("253402300800000000.{}", place.1)];
        for wrong in ["", "5", "5.rs-x", &far_off[0], &far_off[1]] {
            assert!(wrong.parse::<SessionPlace>().is_err(), "{wrong:?}");
        }
    }
}
