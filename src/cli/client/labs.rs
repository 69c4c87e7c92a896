//! What those who look after a lab ask a broker.

use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::Method;

use crate::domain::id::{AccountCheckId, LabName, MappingChangeId, MappingId, PersonId, RoleName};
use crate::wire::Me;
use crate::wire::accounts::{Account, AccountCheck, AccountChecks, AccountStack, Diagnosis};
use crate::wire::labs::{
    Appointment, Lab, LabPeople, LabPerson, Mapping, MappingChanges, MappingEdit, MappingOutcome, Mappings, NewMapping,
};
use crate::wire::ledger::Ledger;
use crate::wire::limits::{LabLimitsEdit, Limits, RoleLimitsEdit};

use super::{Answer, Client, Content, Failure, Request, SignedIn};

/// The most that a broker gives at once, by its own account.
const MAPPINGS_PER_PAGE: u32 = 100;

/// Few, since a check says a lot.
const CHECKS_PER_PAGE: u32 = 20;

/// One lab at a broker, in the name of whoever is signed in there.
#[derive(Debug)]
pub(crate) struct LabClient {
    person: SignedIn,
    lab: LabName,
}

impl LabClient {
    pub(crate) fn new(person: SignedIn, lab: LabName) -> Self {
        Self { person, lab }
    }

    /// The lab itself, with its roles.
    pub(crate) fn lab(&self) -> Result<Lab, Failure> {
        self.read("")
    }

    /// All its mappings, however many pages they fill.
    pub(crate) fn mappings(&self) -> Result<Mappings, Failure> {
        let mut mappings = Vec::new();
        let mut after: Option<MappingId> = None;
        loop {
            let from = after.as_ref().map(|id| format!("&after={id}")).unwrap_or_default();
            let page: Mappings = self.read(&format!("/mappings?limit={MAPPINGS_PER_PAGE}{from}"))?;
            mappings.extend(page.mappings);
            let Some(next) = page.next else { return Ok(Mappings { mappings, next: None }) };
            // The pages follow the ids, so one that does not lead on would lead round in a circle.
            let next = next.parse().ok().filter(|next| after.as_ref().is_none_or(|after| next > after));
            after = Some(next.ok_or_else(|| self.person.client().not_a_broker("its pages do not follow one another"))?);
        }
    }

    /// One mapping.
    pub(crate) fn mapping(&self, id: &MappingId) -> Result<Mapping, Failure> {
        self.read(&format!("/mappings/{id}"))
    }

    /// Makes a mapping.
    pub(crate) fn add(&self, mapping: &NewMapping) -> Result<MappingOutcome, Failure> {
        let answer = self.send(&Method::POST, "/mappings", None, Content::Json(&json(mapping)))?;
        self.person.client().read_with(&answer, &[201, 202])
    }

    /// Changes the conditions of a mapping that still has this revision.
    pub(crate) fn edit(&self, id: &MappingId, revision: i64, edit: &MappingEdit) -> Result<MappingOutcome, Failure> {
        let path = format!("/mappings/{id}");
        let answer = self.send(&Method::PATCH, &path, Some(revision), Content::Json(&json(edit)))?;
        self.not_changed_meanwhile(id, &answer)?;
        self.person.client().read_with(&answer, &[200, 202])
    }

    /// Ends a mapping that still has this revision, and cuts off whoever has a live session by it when that is wanted.
    pub(crate) fn end(&self, id: &MappingId, revision: i64, cut_off: bool) -> Result<MappingOutcome, Failure> {
        let query = if cut_off { "?cut_off=true" } else { "" };
        let answer = self.send(&Method::POST, &format!("/mappings/{id}/end{query}"), Some(revision), Content::Empty)?;
        self.not_changed_meanwhile(id, &answer)?;
        self.person.client().read(&answer)
    }

    /// All the changes that wait for a second PI.
    pub(crate) fn changes(&self) -> Result<MappingChanges, Failure> {
        let mut all: MappingChanges = self.read("/mapping-changes")?;
        while let Some(after) = all.next.take() {
            let page: MappingChanges = self.read(&format!("/mapping-changes?after={after}"))?;
            all.changes.extend(page.changes);
            all.next = page.next;
        }
        Ok(all)
    }

    /// Lets a change hold that somebody else asked for.
    pub(crate) fn confirm(&self, id: &MappingChangeId) -> Result<MappingOutcome, Failure> {
        let answer = self.send(&Method::POST, &format!("/mapping-changes/{id}/confirm"), None, Content::Empty)?;
        self.person.client().read(&answer)
    }

    /// Drops a change that waits.
    pub(crate) fn decline(&self, id: &MappingChangeId) -> Result<(), Failure> {
        let answer = self.send(&Method::POST, &format!("/mapping-changes/{id}/decline"), None, Content::Empty)?;
        self.person.client().expect(&answer, &[204])
    }

    /// Who has a standing in the lab.
    pub(crate) fn people(&self) -> Result<LabPeople, Failure> {
        self.read("/people")
    }

    /// Gives somebody a standing.
    pub(crate) fn appoint(&self, person: &PersonId, appointment: &Appointment) -> Result<LabPerson, Failure> {
        let answer = self.send(&Method::PUT, &format!("/people/{person}"), None, Content::Json(&json(appointment)))?;
        self.person.client().read(&answer)
    }

    /// Takes somebody's standing away.
    pub(crate) fn remove(&self, person: &PersonId) -> Result<(), Failure> {
        let answer = self.send(&Method::DELETE, &format!("/people/{person}"), None, Content::None)?;
        self.person.client().expect(&answer, &[204])
    }

    /// A part of its ledger, from the end or from where the part before it ended.
    pub(crate) fn ledger(&self, query: &str, after: Option<&str>) -> Result<Ledger, Failure> {
        let place = |text: &str| text.parse::<i64>().ok();
        let no_order = || self.person.client().not_a_broker("its pages do not follow one another");
        let after = after.map(|after| place(after).ok_or_else(no_order)).transpose()?;
        let from = after.map(|after| format!("&after={after}")).unwrap_or_default();
        let part: Ledger = self.read(&format!("/ledger?{query}{from}"))?;
        // Each part lies further back, or it would lead round in a circle.
        let next = part.next.as_deref().map(|next| place(next).ok_or_else(no_order)).transpose()?;
        if next.zip(after).is_some_and(|(next, after)| next >= after) { Err(no_order()) } else { Ok(part) }
    }

    /// How its AWS account stands.
    pub(crate) fn account(&self) -> Result<Account, Failure> {
        self.read("/account")
    }

    /// What the account should have.
    pub(crate) fn account_stack(&self) -> Result<AccountStack, Failure> {
        self.read("/account/stack")
    }

    /// Begins to join the account.
    pub(crate) fn join_account(&self) -> Result<AccountCheck, Failure> {
        let answer = self.send(&Method::POST, "/account/join", None, Content::Empty)?;
        self.person.client().read_with(&answer, &[202])
    }

    /// Begins a check of the account.
    pub(crate) fn check_account(&self) -> Result<AccountCheck, Failure> {
        let answer = self.send(&Method::POST, "/account/checks", None, Content::Empty)?;
        self.person.client().read_with(&answer, &[202])
    }

    /// One check of the account, as far as it has got.
    pub(crate) fn account_check(&self, id: &AccountCheckId) -> Result<AccountCheck, Failure> {
        self.read(&format!("/account/checks/{id}"))
    }

    /// The newest checks of the account, page by page: each can be long.
    pub(crate) fn account_checks(&self, limit: u32) -> Result<AccountChecks, Failure> {
        let mut all = AccountChecks { checks: Vec::new(), next: None };
        let mut left = limit;
        loop {
            let after = all.next.take().map(|after| format!("&after={after}")).unwrap_or_default();
            let page: AccountChecks =
                self.read(&format!("/account/checks?limit={}{after}", left.min(CHECKS_PER_PAGE)))?;
            let count = u32::try_from(page.checks.len()).unwrap_or(u32::MAX);
            all.checks.extend(page.checks);
            all.next = page.next.filter(|next| next.parse::<AccountCheckId>().is_ok());
            left = left.saturating_sub(count);
            if left == 0 || count == 0 || all.next.is_none() {
                return Ok(all);
            }
        }
    }

    /// What keeps one from a role of the lab; nothing when one does not belong to the lab.
    pub(crate) fn diagnosis(&self, role: Option<&RoleName>) -> Result<Option<Diagnosis>, Failure> {
        let query = role.map(|role| format!("?role={role}")).unwrap_or_default();
        let answer = self.send(&Method::GET, &format!("/diagnosis{query}"), None, Content::None)?;
        if answer.status == 404 { Ok(None) } else { self.person.client().read(&answer).map(Some) }
    }

    /// Who asks.
    pub(crate) fn me(&self) -> Result<Me, Failure> {
        self.person.ask(Client::me)
    }

    /// How old sign-ins and groups may be.
    pub(crate) fn limits(&self) -> Result<Limits, Failure> {
        self.read("/limits")
    }

    /// Sets how old groups may be.
    pub(crate) fn set_limits(&self, edit: &LabLimitsEdit) -> Result<Limits, Failure> {
        let answer = self.send(&Method::PATCH, "/limits", None, Content::Json(&json(edit)))?;
        self.person.client().read(&answer)
    }

    /// Sets how old a sign-in may be that uses a role.
    pub(crate) fn set_role_limits(&self, role: &RoleName, edit: &RoleLimitsEdit) -> Result<Limits, Failure> {
        let answer = self.send(&Method::PATCH, &format!("/roles/{role}/limits"), None, Content::Json(&json(edit)))?;
        self.person.client().read(&answer)
    }

    /// In whose name all is asked.
    pub(crate) fn person(&self) -> &SignedIn {
        &self.person
    }

    pub(super) fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let answer = self.send(&Method::GET, path, None, Content::None)?;
        self.person.client().read(&answer)
    }

    pub(super) fn send(
        &self,
        method: &Method,
        path: &str,
        revision: Option<i64>,
        content: Content<'_>,
    ) -> Result<Answer, Failure> {
        let url = self.person.broker().at(&format!("/api/v1/labs/{}{path}", self.lab));
        self.person.ask(|client, token| {
            let request = Request::new(method.clone(), &url, content).with_token(token);
            let answer = client.send(&Request { revision, ..request })?;
            if answer.status == 401 { Err(client.failure(&answer)) } else { Ok(answer) }
        })
    }

    fn not_changed_meanwhile(&self, id: &MappingId, answer: &Answer) -> Result<(), Failure> {
        match answer.status {
            412 => Err(Failure::ChangedMeanwhile { lab: self.lab.clone(), mapping: id.clone() }),
            _ => Ok(()),
        }
    }
}

#[expect(clippy::expect_used, reason = "plain structs of text, numbers and booleans always have a JSON")]
pub(super) fn json(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("a body of the API is JSON")
}
