//! Cutting off: the sessions of a lab that live, a page that asks first, and how far each cut-off has got.

use askama::Template;
use axum::response::Response;
use chrono::{DateTime, Utc};

use crate::app::{CutOffAsk, CutOffView, CutOffsPage, LabPlace, LabSessions, LiveSession, NamedPerson, ToCutOff};
use crate::console::parts::{Moment, PersonTag};
use crate::console::shell::{LabHead, Shell, Tab};
use crate::console::{page, refreshed};
use crate::domain::cut_off::{
    CutOffCause, CutOffReason, CutOffStep, CutOffStepName, CutOffSteps, DenialSeen, REASON_MAX_CHARS, Whose,
};
use crate::domain::id::{CutOffId, LabName, RoleName};

/// Which sessions are looked for, as it was typed.
#[derive(Clone, Debug, Default)]
pub struct SessionsForm {
    /// Whose.
    pub person: String,
    /// Of which role.
    pub role: String,
    /// Whether this is not the first page.
    pub is_further: bool,
    /// What is wrong with it.
    pub wrong: Option<&'static str>,
}

impl SessionsForm {
    fn query(&self, after: Option<String>) -> String {
        let fields = [("person", &self.person), ("role", &self.role)];
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(fields.into_iter().filter(|(_, value)| !value.is_empty()));
        query.extend_pairs(after.map(|place| ("after", place)));
        query.finish()
    }

    fn is_empty(&self) -> bool {
        self.person.is_empty() && self.role.is_empty()
    }
}

#[derive(Template)]
#[template(path = "lab/sessions.html", config = "src/console/askama.toml")]
struct Sessions<'a> {
    shell: &'a Shell,
    lab: LabHead,
    form: &'a SessionsForm,
    rows: Vec<SessionRow<'a>>,
    roles: Vec<&'a str>,
    total: u64,
    next: Option<String>,
}

struct SessionRow<'a> {
    id: &'a str,
    person_id: &'a str,
    person: PersonTag,
    role: &'a str,
    title: &'a str,
    since: Moment,
    until: Moment,
    left: String,
    cut_off: Option<&'a str>,
    by_overflow: bool,
}

fn session_row(live: &LiveSession, now: DateTime<Utc>) -> SessionRow<'_> {
    let session = &live.session;
    SessionRow {
        id: session.id.as_str(),
        person_id: session.person.as_str(),
        person: PersonTag::new(&session.person, session.name.as_ref(), live.looks_like_another),
        role: session.role.as_str(),
        title: &live.title,
        since: Moment::new(session.issued_at, now),
        until: Moment::new(session.expires_at, now),
        left: match (session.expires_at - now).num_minutes() {
            ..1 => "less than a minute left".to_owned(),
            1 => "1 minute left".to_owned(),
            minutes => format!("{minutes} minutes left"),
        },
        cut_off: live.cut_off.as_ref().map(CutOffId::as_str),
        by_overflow: live.by_overflow,
    }
}

/// The sessions of a lab that live.
#[must_use]
pub fn live_sessions(shell: &Shell, found: &LabSessions, form: &SessionsForm) -> Response {
    let address = |query: String| format!("/labs/{}/sessions?{query}", found.place.lab.name);
    page(&Sessions {
        shell,
        lab: LabHead::new(&found.place, Tab::Sessions),
        form,
        rows: found.page.sessions.iter().map(|live| session_row(live, found.now)).collect(),
        roles: found.roles.iter().map(RoleName::as_str).collect(),
        total: found.total,
        next: found.page.next.as_ref().map(|next| address(form.query(Some(next.to_string())))),
    })
}

/// What is filled in where it is asked whether to cut off.
#[derive(Clone, Debug, Default)]
pub struct CutOffForm {
    /// Why, as it was typed.
    pub reason: String,
    /// Whether they are to be kept out.
    pub hold: bool,
    /// What is wrong with the reason.
    pub wrong: Option<&'static str>,
    /// A fresh sign-in that leads back here, where the caller's is too old.
    pub sign_in: Option<String>,
}

#[derive(Template)]
#[template(path = "lab/cut_off_ask.html", config = "src/console/askama.toml")]
struct Ask<'a> {
    shell: &'a Shell,
    lab: LabHead,
    form: &'a CutOffForm,
    each: Vec<Asked<'a>>,
    sessions: u32,
    dead_at: Option<Moment>,
    reissue_at: Moment,
    is_joined: bool,
    longest: usize,
}

/// Somebody, or a role, that is to be cut off.
struct Asked<'a> {
    field: &'static str,
    value: &'a str,
    person: Option<PersonTag>,
    sessions: u32,
}

impl Ask<'_> {
    /// Whether it is about people who are named.
    fn is_of_people(&self) -> bool {
        self.each.iter().any(|asked| asked.person.is_some())
    }

    /// The role that it is about.
    fn role(&self) -> Option<&str> {
        self.each.iter().find(|asked| asked.field == "role").map(|asked| asked.value)
    }
}

fn asked(of: &ToCutOff) -> Asked<'_> {
    let (field, value) = match &of.whose {
        Whose::Person(person) => ("person", person.as_str()),
        Whose::Role(role) => ("role", role.as_str()),
        Whose::Everyone => ("everyone", "1"),
    };
    Asked { field, value, person: of.person.as_ref().map(PersonTag::of), sessions: of.sessions }
}

/// Whether to cut off, and what that does.
#[must_use]
pub fn cut_off_ask(shell: &Shell, ask: &CutOffAsk, form: &CutOffForm) -> Response {
    page(&Ask {
        shell,
        lab: LabHead::new(&ask.place, Tab::Sessions),
        form,
        each: ask.each.iter().map(asked).collect(),
        sessions: ask.each.iter().map(|of| of.sessions).sum(),
        dead_at: ask.each.iter().filter_map(|of| of.dead_at).max().map(|at| Moment::new(at, ask.now)),
        reissue_at: Moment::to_the_second(ask.reissue_at, ask.now),
        is_joined: ask.is_joined,
        longest: REASON_MAX_CHARS,
    })
}

/// A cut-off, as pages show it.
pub(in crate::console) struct Shown<'a> {
    pub(in crate::console) id: &'a str,
    pub(in crate::console) lab: &'a LabName,
    pub(in crate::console) whose: &'a Whose,
    pub(in crate::console) person: Option<PersonTag>,
    pub(in crate::console) stopped: Moment,
    pub(in crate::console) by: Result<(&'a str, PersonTag), String>,
    pub(in crate::console) cause: &'static str,
    pub(in crate::console) reason: Option<&'a str>,
    pub(in crate::console) sessions: u32,
    pub(in crate::console) before: Moment,
    pub(in crate::console) reissue_at: Option<Moment>,
    pub(in crate::console) can_be_issued: bool,
    pub(in crate::console) dead_at: Option<(Moment, bool)>,
    pub(in crate::console) is_held: bool,
    pub(in crate::console) lifted_at: Option<Moment>,
    pub(in crate::console) steps: Vec<Step>,
    pub(in crate::console) far: (&'static str, &'static str),
    pub(in crate::console) is_under_way: bool,
    pub(in crate::console) trouble: Option<InTheWay<'a>>,
}

/// One step of it.
pub(in crate::console) struct Step {
    pub(in crate::console) at: Option<Moment>,
    pub(in crate::console) tone: &'static str,
    pub(in crate::console) word: &'static str,
    pub(in crate::console) says: &'static str,
}

/// What keeps AWS from having it.
pub(in crate::console) struct InTheWay<'a> {
    pub(in crate::console) says: String,
    pub(in crate::console) again_at: Moment,
    /// What does it by hand. It names others who were cut off, and the lab's role.
    pub(in crate::console) by_hand: Option<&'a str>,
}

const fn cause(cause: CutOffCause) -> &'static str {
    match cause {
        CutOffCause::Asked => "asked for in this lab",
        CutOffCause::MappingEnded => "the mapping that gave the sessions was ended",
        CutOffCause::Suspended => "they were suspended",
        CutOffCause::SignedOut => "their university signed them out",
        CutOffCause::Everywhere => "asked for in all labs",
    }
}

fn step(step: &CutOffStep, denial: DenialSeen, now: DateTime<Utc>) -> Step {
    let (tone, word) = match (step.at, step.name, denial) {
        (Some(_), ..) => ("good", "done"),
        (None, CutOffStepName::DenialSeen, DenialSeen::CannotTell) => ("plain", "not tried"),
        (None, CutOffStepName::DenialSeen, DenialSeen::NotSeen) => ("warn", "not seen"),
        (None, ..) => ("plain", "to come"),
    };
    Step { at: step.at.map(|at| Moment::to_the_second(at, now)), tone, word, says: step.says }
}

/// How far it is, in a few words.
fn far(steps: &CutOffSteps, is_in_trouble: bool) -> (&'static str, &'static str) {
    match steps.denial {
        DenialSeen::At(_) => ("good", "seen to be denied"),
        _ if steps.is_at_aws() => ("good", "AWS has the deny"),
        _ if is_in_trouble => ("bad", "AWS does not have the deny"),
        _ if steps.written_at.is_some() => ("plain", "the deny is written"),
        _ => ("plain", "issuing has stopped"),
    }
}

impl<'a> Shown<'a> {
    pub(in crate::console) fn new(view: &'a CutOffView) -> Self {
        let (row, now) = (&view.row, view.now);
        let moment = |at| Moment::new(at, now);
        let named = |by: &'a NamedPerson| (by.id.as_str(), PersonTag::of(by));
        let reissue_at = view.reissue_at();
        Self {
            id: row.id.as_str(),
            lab: &view.lab,
            whose: &row.whose,
            person: view.person.as_ref().map(PersonTag::of),
            stopped: moment(row.steps.stopped_at),
            by: view.by.as_ref().map(named).ok_or_else(|| row.by.to_string()),
            cause: cause(row.cause),
            reason: row.reason.as_ref().map(CutOffReason::as_str),
            sessions: row.sessions,
            before: Moment::to_the_second(row.before.at(), now),
            can_be_issued: reissue_at.is_some_and(|at| at <= now),
            reissue_at: reissue_at.map(|at| Moment::to_the_second(at, now)),
            dead_at: row.dead_at.map(|at| (moment(at), at <= now)),
            is_held: row.held && row.lifted_at.is_none(),
            lifted_at: row.lifted_at.map(moment),
            steps: row.steps.told().iter().map(|told| step(told, row.steps.denial, now)).collect(),
            far: far(&row.steps, view.trouble.is_some()),
            is_under_way: !row.steps.is_done() && !view.is_over(),
            trouble: view.trouble.as_ref().map(|trouble| InTheWay {
                says: trouble.trouble.to_string(),
                again_at: Moment::to_the_second(trouble.again_at, now),
                by_hand: Some(&trouble.by_hand),
            }),
        }
    }

    /// For whoever was cut off.
    pub(in crate::console) fn for_oneself(view: &'a CutOffView) -> Self {
        let mut shown = Self::new(view);
        if let Some(trouble) = &mut shown.trouble {
            trouble.by_hand = None;
        }
        shown
    }
}

#[derive(Template)]
#[template(path = "lab/cut_offs.html", config = "src/console/askama.toml")]
struct CutOffs<'a> {
    shell: &'a Shell,
    lab: LabHead,
    all: Vec<Shown<'a>>,
    is_first: bool,
    next: Option<String>,
}

/// What was cut off in a lab.
#[must_use]
pub fn cut_offs(shell: &Shell, found: &CutOffsPage, is_first: bool) -> Response {
    let last = found.cut_offs.last().filter(|_| found.more);
    page(&CutOffs {
        shell,
        lab: LabHead::new(&found.place, Tab::Sessions),
        all: found.cut_offs.iter().map(Shown::new).collect(),
        is_first,
        next: last.map(|last| format!("/labs/{}/cut-offs?after={}", found.place.lab.name, last.row.id)),
    })
}

#[derive(Template)]
#[template(path = "lab/cut_off.html", config = "src/console/askama.toml")]
struct CutOff<'a> {
    shell: &'a Shell,
    lab: LabHead,
    it: Shown<'a>,
    /// A fresh sign-in that leads back here, where letting them in takes one.
    sign_in: Option<String>,
}

/// A cut-off, and how far it has got.
#[must_use]
pub fn cut_off(shell: &Shell, place: &LabPlace, view: &CutOffView, sign_in: Option<String>) -> Response {
    let it = Shown::new(view);
    let is_under_way = it.is_under_way;
    let template = CutOff { shell, lab: LabHead::new(place, Tab::Sessions), it, sign_in };
    refreshed(page(&template), is_under_way)
}
