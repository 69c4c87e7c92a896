//! Why AWS said no to somebody, and what would help.

use askama::Template;
use axum::response::Response;

use crate::app::{Broker, LabRoles, RoleForAction, Why as Data, WhySubject, chance_says, reach_says};
use crate::console::page;
use crate::console::parts::{Moment, PersonTag, Piece, Verbatim, pieces};
use crate::console::shell::{LabHead, Shell, Tab};
use crate::domain::lab::Standing;
use crate::domain::policy::action_words;
use crate::domain::why::PolicyOfSession;

/// What stands in the form. The text that was pasted never does.
#[derive(Clone, Debug, Default)]
pub struct WhyForm {
    /// The action.
    pub action: String,
    /// On what.
    pub resource: String,
    /// The role; any, when it is empty.
    pub role: String,
    /// For whom; for oneself, when it is empty.
    pub person: String,
    /// What is wrong with it.
    pub wrong: Option<String>,
}

#[derive(Template)]
#[template(path = "lab/why.html", config = "src/console/askama.toml")]
struct Why<'a> {
    shell: &'a Shell,
    lab: LabHead,
    form: &'a WhyForm,
    roles: Vec<(&'a str, &'a str, bool)>,
    actions: Vec<&'a str>,
    looks_after: bool,
    answer: Option<Answer<'a>>,
}

struct Answer<'a> {
    says: Vec<Piece<'a>>,
    is_not_ours: bool,
    action: Option<&'a str>,
    does: Option<&'static str>,
    resource: Option<Verbatim>,
    account: Option<&'a str>,
    called_by: Option<Verbatim>,
    named_policy: Option<&'static str>,
    code: Option<&'a str>,
    person: Option<PersonTag>,
    session: Option<Session<'a>>,
    next: Vec<String>,
    menders: String,
    roles: Option<Vec<Allowing<'a>>>,
    whom: Vec<PersonTag>,
}

impl Answer<'_> {
    fn parts(sentence: &str) -> Vec<Piece<'_>> {
        pieces(sentence)
    }
}

struct Session<'a> {
    id: &'a str,
    role: &'a str,
    issued: Moment,
    ends: Option<Moment>,
    is_over: bool,
    has_changed: bool,
}

struct Allowing<'a> {
    name: &'a str,
    title: &'a str,
    allows: &'static str,
    has: bool,
    says: String,
}

impl Allowing<'_> {
    fn pieces(&self) -> Vec<Piece<'_>> {
        pieces(&self.says)
    }
}

fn allowing(role: &RoleForAction, is_self: bool) -> Allowing<'_> {
    Allowing {
        name: role.role.as_str(),
        title: &role.title,
        allows: reach_says(role.reach),
        has: role.chance == crate::app::Chance::Has,
        says: chance_says(role, is_self),
    }
}

fn answer(data: &Data) -> Answer<'_> {
    let is_self = data.subject == WhySubject::Oneself;
    let error = data.error.as_ref();
    let caller = error.and_then(|error| error.caller.as_ref());
    let menders: Vec<String> = data.finding.menders().iter().map(ToString::to_string).collect();
    Answer {
        says: pieces(data.finding.says()),
        is_not_ours: data.finding.is_not_ours(),
        action: data.action.as_deref(),
        does: data.action.as_deref().and_then(action_words::words).map(|words| words.does),
        resource: data.resource.as_deref().map(Verbatim::new),
        account: caller.map(|caller| caller.account.as_str()),
        called_by: caller.map(|caller| Verbatim::new(caller.as_str())),
        named_policy: error.and_then(|error| error.reason?.by).map(crate::domain::why::Layer::as_str),
        code: error.and_then(|error| error.code.as_deref()),
        person: match &data.subject {
            WhySubject::Oneself => None,
            WhySubject::Person(person) => Some(PersonTag::of(person)),
        },
        session: data.session.as_ref().map(|session| Session {
            id: session.id.as_str(),
            role: session.role.as_str(),
            issued: Moment::new(session.issued_at, data.now),
            ends: session.expires_at.map(|at| Moment::new(at, data.now)),
            is_over: session.is_over(data.now),
            has_changed: session.policy == PolicyOfSession::Changed,
        }),
        next: data.next(),
        menders: menders.join(", or "),
        roles: (data.finding.is_about_roles() && data.action.is_some())
            .then(|| data.roles.iter().map(|role| allowing(role, is_self)).collect()),
        whom: data.whom.iter().map(PersonTag::of_keeper).collect(),
    }
}

/// The form, and the answer when there is one.
#[must_use]
pub fn why(broker: &Broker, shell: &Shell, roles: &LabRoles, form: &WhyForm, data: Option<&Data>) -> Response {
    let mut actions: Vec<&str> = broker.policies.iter().flat_map(|(_, template)| template.actions()).collect();
    actions.sort_unstable();
    actions.dedup();
    page(&Why {
        shell,
        lab: LabHead::new(&roles.place, Tab::Roles),
        form,
        roles: roles
            .roles
            .iter()
            .map(|view| (view.role.name.as_str(), view.title.as_str(), view.role.name.as_str() == form.role))
            .collect(),
        actions,
        looks_after: roles.place.standing >= Standing::Manager,
        answer: data.map(answer),
    })
}
