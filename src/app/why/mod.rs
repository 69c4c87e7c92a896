//! Why AWS said no to somebody: what an error says, which policy stopped the call, which roles would allow it, whether this
//! person can have one of them, and whom to ask.
//!
//! A member is told about themselves and what every member may see of the roles; a manager or PI may ask for one of the
//! lab's people. Whether somebody may have a role is asked of the one gate, here as when it is issued. The text that was
//! pasted is not here any more: only what [`AwsError`] makes of it, and nothing of a question is kept or logged.

mod place;
mod roles;
mod words;

use chrono::{DateTime, Utc};

use super::names::{Keeper, LabNames, NamedPerson};
use super::overview::Roster;
use super::{Broker, Caller, LabError, LabPlace, Result};
use crate::domain::access::LabAccess;
use crate::domain::id::{LabName, PersonId, RoleName};
use crate::domain::lab::{Lab, Office, Role, Standing};
use crate::domain::policy::lint::names_today;
use crate::domain::policy::{Context, Document, catalog, reach};
use crate::domain::role_session::SessionTag;
use crate::domain::why::{
    AwsError, CallerArn, Facts, Finding, OurPolicy, SessionFacts, Whose, actions_of_operation, judge,
};
use crate::store::{Snapshot, Tx};

pub use roles::{Chance, RoleForAction};
pub use words::{chance_says, reach_says};

const ASSUME_ROLE: &str = "sts:AssumeRole";

/// What somebody asks.
#[derive(Clone, Debug, Default)]
pub struct WhyQuestion {
    /// The error that they saw.
    pub error: Option<AwsError>,
    /// The action that they ask about, where there is no error that names one.
    pub action: Option<String>,
    /// On what.
    pub resource: Option<String>,
    /// The role that they use, or would.
    pub role: Option<RoleName>,
    /// For whom; for themselves, when nobody is named.
    pub person: Option<PersonId>,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Why {
    /// The lab, and what the caller is there; none when the error is of none of theirs.
    pub place: Option<LabPlace>,
    /// What it comes to.
    pub finding: Finding,
    /// The error, as far as it was understood.
    pub error: Option<AwsError>,
    /// The action that this is about.
    pub action: Option<String>,
    /// On what.
    pub resource: Option<String>,
    /// The role that the call was made with, or that was named.
    pub role: Option<RoleName>,
    /// Whom this is about.
    pub subject: WhySubject,
    /// The session that the call was made with, when it is theirs.
    pub session: Option<SessionFacts>,
    /// The lab's roles that allow the action, those first that they can have.
    pub roles: Vec<RoleForAction>,
    /// Whom to ask: the lab's PIs, and for who looks after it its managers.
    pub whom: Vec<Keeper>,
    /// When this was so.
    pub now: DateTime<Utc>,
}

impl Why {
    /// What to do next, a sentence each.
    #[must_use]
    pub fn next(&self) -> Vec<String> {
        let cut_off = self.session.as_ref().and_then(|session| session.cut_off.as_ref());
        if let (Finding::CutOff, Some(cut_off)) = (self.finding, cut_off) {
            return cut_off.next(self.now);
        }
        let today = self.action.as_deref().filter(|_| self.finding == Finding::NoSuchAction).and_then(names_today);
        match today {
            Some(today) => vec![format!("What it did is done by {today} today: ask again with that.")],
            None => self.finding.next().iter().map(|next| (*next).to_owned()).collect(),
        }
    }
}

/// Whom an answer is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhySubject {
    /// Whoever asks.
    Oneself,
    /// One of the lab's people.
    Person(NamedPerson),
}

/// What is known of whom a question is about.
struct Subject {
    person: PersonId,
    named: WhySubject,
    /// None for somebody who has no sign-in (any more).
    snapshot: Option<Snapshot>,
}

impl Broker {
    /// Why AWS said no in a lab.
    ///
    /// # Errors
    ///
    /// When the caller does not belong to the lab, it has no role of the name in the question, they ask for somebody else
    /// and may not or there is nobody of that id, or the database is away.
    pub async fn why(&self, caller: &Caller, lab: &LabName, question: WhyQuestion) -> Result<Why> {
        let mut tx = self.store.read().await?;
        let admitted = self.admit(&mut tx, caller, lab).await?;
        self.why_in(&mut tx, caller, admitted.access, admitted.snapshot, question).await
    }

    /// The same where only the error says which lab: by the account and the role that it names. What is of no lab of the
    /// caller's is answered like what is of no lab at all.
    ///
    /// # Errors
    ///
    /// As for [`Broker::why`].
    pub async fn why_anywhere(&self, caller: &Caller, question: WhyQuestion) -> Result<Why> {
        let mut tx = self.store.read().await?;
        let named = question.error.as_ref().and_then(|error| error.caller.clone());
        if let Some(admitted) = self.place_of(&mut tx, caller, named.as_ref()).await? {
            return self.why_in(&mut tx, caller, admitted.access, admitted.snapshot, question).await;
        }
        let whose = named.as_ref().map_or(Whose::Unsaid, |named| kind_of(named).unwrap_or(Whose::OtherAccount));
        let action = action_of(&question, &[]);
        let facts = Facts {
            error: question.error.as_ref().map(|error| (error.kind, error.reason)),
            whose,
            action_exists: action.as_deref().and_then(exists),
            assumes_role: action.as_deref() == Some(ASSUME_ROLE),
            policy: None,
        };
        Ok(Why {
            place: None,
            finding: judge(facts),
            action,
            resource: question.error.as_ref().and_then(|error| error.resource.clone()).or(question.resource),
            error: question.error,
            role: None,
            subject: WhySubject::Oneself,
            session: None,
            roles: Vec::new(),
            whom: Vec::new(),
            now: self.clock.now(),
        })
    }

    async fn why_in(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        access: LabAccess,
        snapshot: Snapshot,
        question: WhyQuestion,
    ) -> Result<Why> {
        let place = LabPlace::of(&access);
        let mut open = tx.lab(&access).await?;
        let roles = open.roles().await?;
        let whom = whom_to_ask(&mut open, place.standing).await?;
        if let Some(name) = &question.role
            && !roles.iter().any(|role| role.name == *name)
        {
            return Err(LabError::RoleNotHere.into());
        }
        let named = question.error.as_ref().and_then(|error| error.caller.as_ref());
        let session = match named {
            Some(named) => self.session_of(&mut open, &place.lab, &roles, named).await?,
            None => None,
        };
        let wanted = question.person.as_ref().or(session.as_ref().map(|session| &session.person));
        let subject = self.subject(tx, caller, &access, snapshot, wanted, question.person.is_some()).await?;
        let session = session.filter(|session| session.person == subject.person);
        let whose = named.map_or(Whose::Unsaid, |named| whose(named, &place.lab, session.is_some()));
        let role = session.as_ref().map(|session| session.role.clone()).or(question.role.clone());
        let action = action_of(&question, &self.services_of(&roles));
        let resource = question.error.as_ref().and_then(|error| error.resource.clone()).or(question.resource);
        let asked = Asked {
            lab: &place.lab,
            person: &subject.person,
            action: action.as_deref(),
            resource: resource.as_deref(),
        };
        let is_ours = matches!(whose, Whose::Theirs | Whose::Unsaid);
        let policy = role
            .as_ref()
            .filter(|_| is_ours)
            .and_then(|name| roles.iter().find(|role| role.name == *name))
            .and_then(|role| self.reach_of(role, &asked))
            .map(|reach| OurPolicy { reach, of_session: session.as_ref().map(|session| session.policy) });
        let facts = Facts {
            error: question.error.as_ref().map(|error| (error.kind, error.reason)),
            whose,
            action_exists: asked.action.and_then(exists),
            assumes_role: asked.action == Some(ASSUME_ROLE),
            policy,
        };
        let finding = judge(facts);
        let allowing = if finding.is_about_roles() {
            self.roles_for(tx, &access, &roles, &asked, &subject).await?
        } else {
            Vec::new()
        };
        Ok(Why {
            finding,
            error: question.error,
            action,
            resource,
            role,
            subject: subject.named,
            session,
            roles: allowing,
            whom,
            now: self.clock.now(),
            place: Some(place),
        })
    }

    /// Whom a question is about. A member is always asking for themselves; a session of somebody else's is then merely
    /// none of theirs.
    async fn subject(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        access: &LabAccess,
        own: Snapshot,
        wanted: Option<&PersonId>,
        is_named: bool,
    ) -> Result<Subject> {
        let oneself =
            |snapshot| Subject { person: caller.person.clone(), named: WhySubject::Oneself, snapshot: Some(snapshot) };
        let Some(wanted) = wanted.filter(|wanted| **wanted != caller.person) else { return Ok(oneself(own)) };
        let keeper = match access.clone().manager() {
            Ok(keeper) => keeper,
            Err(_) if !is_named => return Ok(oneself(own)),
            Err(denied) => return Err(denied.into()),
        };
        let roster = Roster::read(&mut tx.lab(access).await?).await?;
        let Some(person) = roster.find(wanted) else {
            return if is_named { Err(LabError::NoSuchPerson.into()) } else { Ok(oneself(own)) };
        };
        let named = NamedPerson {
            id: person.id.clone(),
            name: person.name.clone(),
            looks_like_another: roster.has_look_alike(person),
        };
        let snapshot = tx.snapshot_for(&keeper, wanted).await?;
        Ok(Subject { person: wanted.clone(), named: WhySubject::Person(named), snapshot })
    }

    /// How far a role's policy allows what is asked about; nothing without an action, or when it cannot be made.
    fn reach_of(&self, role: &Role, asked: &Asked<'_>) -> Option<crate::domain::policy::Reach> {
        let policy = self.policies.get(&role.template)?.fill(&role.parameters).ok()?;
        let document = Document::parse(policy.as_str()).ok()?;
        Some(reach(&document, asked.action?, asked.resource, &asked.context(&role.name)))
    }

    /// The services that the lab's roles are for.
    fn services_of(&self, roles: &[Role]) -> Vec<String> {
        let templates = roles.iter().filter_map(|role| self.policies.get(&role.template));
        let actions = templates.flat_map(|template| template.actions());
        let mut services: Vec<String> =
            actions.filter_map(|action| Some(action.split_once(':')?.0.to_owned())).collect();
        services.sort();
        services.dedup();
        services
    }
}

/// What is asked about, of one lab.
struct Asked<'a> {
    lab: &'a Lab,
    person: &'a PersonId,
    action: Option<&'a str>,
    resource: Option<&'a str>,
}

impl Asked<'_> {
    /// The condition keys that every call of a session of ours carries, as far as they are known.
    fn context(&self, role: &RoleName) -> Context {
        let arn = &self.lab.session_role;
        let context = Context::new()
            .with("aws:PrincipalArn", arn.as_str())
            .with("aws:PrincipalAccount", arn.account().as_str())
            .with("aws:PrincipalType", "AssumedRole")
            .with("aws:SourceIdentity", self.person.as_str())
            .with("aws:SecureTransport", "true");
        [SessionTag::role(role), SessionTag::lab(&self.lab.id)]
            .iter()
            .fold(context, |context, tag| context.with(&format!("aws:PrincipalTag/{}", tag.key()), tag.value()))
    }
}

/// PIs first. Members see who answers for the lab, as everywhere; the managers, whoever looks after it.
async fn whom_to_ask(lab: &mut crate::store::LabTx<'_>, standing: Standing) -> Result<Vec<Keeper>> {
    let is_keeper = standing >= Standing::Manager;
    let mut holders = lab.office_holders().await?;
    holders.retain(|holder| is_keeper || holder.office == Office::Pi);
    let names = if is_keeper {
        LabNames::read(lab).await?
    } else {
        // Beside one another only: a member learns nothing of anybody else.
        LabNames::of(holders.iter().map(|holder| (holder.id.clone(), holder.name.clone())))
    };
    Ok(holders.into_iter().map(|holder| names.keeper(holder)).collect())
}

/// A caller that is no session of a role, whatever its account.
const fn kind_of(named: &CallerArn) -> Option<Whose> {
    use crate::domain::why::Principal;
    match named.principal {
        Principal::User => Some(Whose::User),
        Principal::Root | Principal::Other => Some(Whose::NoRole),
        Principal::Session { .. } => None,
    }
}

fn whose(named: &CallerArn, lab: &Lab, is_theirs: bool) -> Whose {
    match kind_of(named) {
        Some(whose) => whose,
        None if named.account != *lab.session_role.account() => Whose::OtherAccount,
        None if !place::is_session_role(named, lab) => Whose::OtherRole,
        None if is_theirs => Whose::Theirs,
        None => Whose::NotTheirs,
    }
}

/// The action that a question is about: the one that the error names, the one that is asked about, or the one that the
/// operation needs, if among these services only one has it.
fn action_of(question: &WhyQuestion, services: &[String]) -> Option<String> {
    let error = question.error.as_ref();
    let said = error.and_then(|error| error.action.clone()).or_else(|| question.action.clone());
    said.or_else(|| {
        let all = actions_of_operation(error?.operation.as_deref()?);
        let is_near = |action: &&&str| services.iter().any(|service| action.split(':').next() == Some(service));
        let near: Vec<&&str> = all.iter().filter(is_near).collect();
        match (near.as_slice(), all.as_slice()) {
            ([one], _) => Some((**one).to_owned()),
            ([], [one]) => Some((*one).to_owned()),
            _ => None,
        }
    })
}

/// Whether AWS has the action; nothing for a service that is not known.
fn exists(action: &str) -> Option<bool> {
    let (service, _) = action.split_once(':')?;
    catalog::actions_of(service).next()?;
    Some(catalog::action(action).is_some())
}
