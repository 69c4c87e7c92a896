//! Cutting off, in a lab and in all of them, and the sessions that there are to cut off.

use std::cmp::Reverse;

use ureq::http::Method;

use super::labs::{LabClient, json};
use super::{Client, Content, Failure, Request};
use crate::domain::id::{CutOffId, PersonId, RoleSessionId};
use crate::wire::cut_offs::{CutOff, CutOffEverywhere, CutOffs, NewCutOff, NewCutOffEverywhere};
use crate::wire::people::RoleSessions;

/// Few, since one that AWS does not have can bring a whole policy that somebody writes there by hand.
const CUT_OFFS_PER_PAGE: u32 = 10;

/// As many as fit into an answer when everybody has the longest of names.
const SESSIONS_PER_PAGE: u32 = 100;

/// Somebody who is cut off in all labs.
#[derive(Clone, Debug)]
pub(crate) enum Whom {
    /// Whoever asks.
    Me,
    /// Anybody, for operators.
    Person(PersonId),
}

impl Whom {
    fn path(&self) -> String {
        match self {
            Self::Me => "/api/v1/me".to_owned(),
            Self::Person(person) => format!("/api/v1/operator/people/{person}"),
        }
    }
}

impl Client {
    /// Cuts somebody off in all labs.
    pub(crate) fn cut_off_everywhere(
        &self,
        token: &str,
        whom: &Whom,
        wanted: &NewCutOffEverywhere,
    ) -> Result<CutOffEverywhere, Failure> {
        let (url, body) = (self.broker.at(&format!("{}/cut-off", whom.path())), json(wanted));
        let answer = self.send(&Request::post(&url, Content::Json(&body)).with_token(token))?;
        self.read_with(&answer, &[202])
    }

    /// How far a cut-off in all labs has got.
    pub(crate) fn look_everywhere(&self, token: &str, whom: &Whom, id: &CutOffId) -> Result<CutOffEverywhere, Failure> {
        let url = self.broker.at(&format!("{}/cut-offs/{id}", whom.path()));
        self.read(&self.send(&Request::get(&url).with_token(token))?)
    }
}

impl LabClient {
    /// Cuts off.
    pub(crate) fn cut_off(&self, wanted: &NewCutOff) -> Result<CutOff, Failure> {
        let answer = self.send(&Method::POST, "/cut-offs", None, Content::Json(&json(wanted)))?;
        self.person().client().read_with(&answer, &[202])
    }

    /// How far a cut-off has got.
    pub(crate) fn look_at_cut_off(&self, id: &CutOffId) -> Result<CutOff, Failure> {
        self.read(&format!("/cut-offs/{id}"))
    }

    /// Lets those have credentials again who were kept out.
    pub(crate) fn lift(&self, id: &CutOffId) -> Result<CutOff, Failure> {
        let answer = self.send(&Method::POST, &format!("/cut-offs/{id}/lift"), None, Content::Empty)?;
        self.person().client().read(&answer)
    }

    /// The newest cut-offs, page by page.
    pub(crate) fn cut_offs(&self, limit: u32) -> Result<CutOffs, Failure> {
        let mut all = CutOffs { cut_offs: Vec::new(), next: None };
        let mut left = limit;
        loop {
            let after = all.next.take().map(|after| format!("&after={after}")).unwrap_or_default();
            let page: CutOffs = self.read(&format!("/cut-offs?limit={}{after}", left.min(CUT_OFFS_PER_PAGE)))?;
            let count = u32::try_from(page.cut_offs.len()).unwrap_or(u32::MAX);
            all.cut_offs.extend(page.cut_offs);
            all.next = page.next.filter(|next| next.parse::<CutOffId>().is_ok());
            left = left.saturating_sub(count);
            if left == 0 || count == 0 || all.next.is_none() {
                return Ok(all);
            }
        }
    }

    /// All sessions that live, however many pages they fill.
    pub(crate) fn role_sessions(&self) -> Result<RoleSessions, Failure> {
        let mut sessions = Vec::new();
        let mut after: Option<Place> = None;
        loop {
            let from = after.as_ref().map(|(Reverse(at), id)| format!("&after={at}.{id}")).unwrap_or_default();
            let page: RoleSessions = self.read(&format!("/role-sessions?limit={SESSIONS_PER_PAGE}{from}"))?;
            sessions.extend(page.sessions);
            let Some(next) = page.next else { return Ok(RoleSessions { sessions, next: None }) };
            // A page that does not lead further back would lead round in a circle.
            let next = place(&next).filter(|next| after.as_ref().is_none_or(|after| next > after));
            let no_order = || self.person().client().not_a_broker("its pages do not follow one another");
            after = Some(next.ok_or_else(no_order)?);
        }
    }
}

/// When a session was issued, in whatever unit, and which it is: the newest come first, and those of one moment by id.
type Place = (Reverse<i64>, RoleSessionId);

fn place(text: &str) -> Option<Place> {
    let (at, id) = text.split_once('.')?;
    Some((Reverse(at.parse().ok()?), id.parse().ok()?))
}
