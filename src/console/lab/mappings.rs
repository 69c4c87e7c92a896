//! A lab's mappings: which group gets which role, what a change would do, and what became of one.

use askama::Template;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::app::{
    AuthorGain, Broker, MappingChoices, MappingHistory, MappingPreview, MappingRevision, MappingsView, WaitingChange,
};
use crate::console::page;
use crate::console::parts::{Moment, PersonTag, Verbatim};
use crate::console::shell::{LabHead, Shell, Tab};
use crate::domain::id::{ConnectionName, MappingId};
use crate::domain::lab::{Role, Standing};
use crate::domain::mapping::{
    Effect, MAPPING_MAX_DURATION_LOWEST_SECONDS, Mapping, MappingTarget, MappingTerms, Others,
};
use crate::domain::role_session::SessionDuration;

/// How many people are named under one heading.
const NAMED_MAX: usize = 50;

/// How many groups are suggested.
const SUGGESTED_MAX: usize = 100;

/// What somebody has filled in, as it stands in an address and in a form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MappingFields {
    /// Where the group is.
    pub connection: String,
    /// The group.
    pub group: String,
    /// The role.
    pub role: String,
    /// The last day, `2026-12-24`; empty for none.
    pub until: String,
    /// The longest session in seconds; empty for the role's own.
    pub longest: String,
    /// `1`: a second factor is needed.
    pub mfa: String,
    /// `1`: a PI's approval is needed.
    pub approval: String,
}

/// What is wrong with what was filled in: a sentence at each field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormErrors {
    /// At the connection.
    pub connection: Option<String>,
    /// At the group.
    pub group: Option<String>,
    /// The mapping that gives this role to this group already.
    pub same: Option<MappingId>,
    /// At the role.
    pub role: Option<String>,
    /// At the end.
    pub until: Option<String>,
    /// At the longest session.
    pub longest: Option<String>,
}

impl FormErrors {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn all(&self) -> Vec<(&'static str, &str)> {
        let fields = [
            ("connection", &self.connection),
            ("group", &self.group),
            ("role", &self.role),
            ("until", &self.until),
            ("longest", &self.longest),
        ];
        fields.into_iter().filter_map(|(field, error)| Some((field, error.as_deref()?))).collect()
    }
}

/// What was done just now, looked up in what is there.
#[derive(Clone, Debug)]
pub enum Notice {
    /// The mapping is new.
    Added(Mapping),
    /// It has other conditions.
    Edited(Mapping),
    /// It gives nothing more.
    Ended(Mapping),
    /// A change waits.
    Asked(WaitingChange),
    /// What waited was dropped.
    Declined,
}

struct NoticePart {
    sentence: &'static str,
    shown: Option<(Verbatim, String, String)>,
    /// The form that takes it back: its address, the revision it is made on, and the one that comes back.
    undo: Option<(String, i64, Option<i64>)>,
    lapses_at: Option<Moment>,
}

impl NoticePart {
    fn new(lab: &LabHead, notice: &Notice, now: DateTime<Utc>) -> Self {
        let address = |mapping: &Mapping| format!("/labs/{}/mappings/{}", lab.name, mapping.id);
        let shown = |mapping: &Mapping| {
            Some((Verbatim::new(mapping.target.group.as_str()), mapping.target.role.to_string(), address(mapping)))
        };
        match notice {
            Notice::Added(mapping) => Self {
                sentence: "Mapped. People of this group can use the role from their next request on.",
                shown: shown(mapping),
                undo: Some((format!("{}/end", address(mapping)), mapping.revision, None)),
                lapses_at: None,
            },
            Notice::Edited(mapping) | Notice::Ended(mapping) => Self {
                sentence: match notice {
                    Notice::Ended(_) => {
                        "Ended. It gives nothing from the next request on; credentials that were handed out by it live on, \
                         an hour at most, unless they are cut off."
                    }
                    _ => "Saved. The new conditions hold from the next request on.",
                },
                shown: shown(mapping),
                undo: (mapping.revision > 1)
                    .then(|| (format!("{}/back", address(mapping)), mapping.revision, Some(mapping.revision - 1))),
                lapses_at: None,
            },
            Notice::Asked(waiting) => Self {
                sentence: "This gives you more than you had, so it waits for another PI of the lab. Nothing has changed \
                           yet.",
                shown: None,
                undo: None,
                lapses_at: Some(Moment::new(waiting.change.lapses_at, now)),
            },
            Notice::Declined => {
                Self { sentence: "Declined. Nothing has changed.", shown: None, undo: None, lapses_at: None }
            }
        }
    }
}

/// A mapping's conditions in words.
struct Conditions {
    until: Option<Moment>,
    has_ended: bool,
    minutes: Option<u32>,
    needs_mfa: bool,
    needs_approval: bool,
}

impl Conditions {
    fn new(terms: &MappingTerms, now: DateTime<Utc>) -> Self {
        Self {
            until: terms.ends_at.map(|at| Moment::new(at, now)),
            has_ended: !terms.is_live(now),
            minutes: terms.max_duration.map(|most| most.seconds() / 60),
            needs_mfa: terms.needs_mfa,
            needs_approval: terms.needs_approval,
        }
    }
}

struct MappingLine {
    address: String,
    group: Verbatim,
    connection: String,
    role: String,
    title: String,
    conditions: Conditions,
    is_live: bool,
}

struct ChangeLine {
    id: String,
    address: Option<String>,
    group: Verbatim,
    role: String,
    title: String,
    conditions: Conditions,
    author: Option<PersonTag>,
    asked_at: Moment,
    lapses_at: Moment,
    is_own: bool,
    may_confirm: bool,
}

#[derive(Template)]
#[template(path = "lab/mappings.html", config = "src/console/askama.toml")]
struct List<'a> {
    shell: &'a Shell,
    lab: LabHead,
    notice: Option<NoticePart>,
    key: String,
    lines: Vec<MappingLine>,
    waiting: Vec<ChangeLine>,
    ended_too: bool,
    is_first: bool,
    next: Option<String>,
    sign_in: Option<String>,
}

fn title_of(broker: &Broker, roles: &[Role], target: &MappingTarget) -> String {
    let role = roles.iter().find(|role| role.name == target.role);
    role.map_or_else(String::new, |role| broker.template_title(&role.template).to_owned())
}

/// A lab's mappings, ended ones too or not, and the changes that wait. `sign_in` leads to a fresh sign-in, for who wants to confirm one.
#[must_use]
pub fn mappings_page(
    broker: &Broker,
    shell: &Shell,
    view: &MappingsView,
    notice: Option<&Notice>,
    (ended_too, is_first): (bool, bool),
    key: String,
    sign_in: String,
) -> Response {
    let now = broker.clock.now();
    let lab = LabHead::new(&view.place, Tab::Mappings);
    let line = |mapping: &Mapping| MappingLine {
        address: format!("/labs/{}/mappings/{}", lab.name, mapping.id),
        group: Verbatim::new(mapping.target.group.as_str()),
        connection: broker.connection_title(&mapping.target.connection).to_owned(),
        role: mapping.target.role.to_string(),
        title: title_of(broker, &view.roles, &mapping.target),
        conditions: Conditions::new(&mapping.terms, now),
        is_live: mapping.terms.is_live(now),
    };
    let waiting = |WaitingChange { change, author }: &WaitingChange| {
        let is_own = change.author.to_string() == shell.id;
        ChangeLine {
            id: change.id.to_string(),
            address: change.of_revision.map(|_| format!("/labs/{}/mappings/{}", lab.name, change.mapping)),
            group: Verbatim::new(change.target.group.as_str()),
            role: change.target.role.to_string(),
            title: title_of(broker, &view.roles, &change.target),
            conditions: Conditions::new(&change.terms, now),
            author: author.as_ref().map(PersonTag::of_keeper),
            asked_at: Moment::new(change.asked_at, now),
            lapses_at: Moment::new(change.lapses_at, now),
            is_own,
            may_confirm: !is_own && view.place.standing == Standing::Pi,
        }
    };
    let more = view.mappings.last().filter(|_| view.more);
    let all = if ended_too { "&all=1" } else { "" };
    page(&List {
        shell,
        notice: notice.map(|notice| NoticePart::new(&lab, notice, now)),
        key,
        lines: view.mappings.iter().map(line).collect(),
        waiting: view.waiting.iter().map(waiting).collect(),
        ended_too,
        is_first,
        next: more.map(|last| format!("/labs/{}/mappings?after={}{all}", lab.name, last.id)),
        sign_in: (now >= view.fresh_until).then_some(sign_in),
        lab,
    })
}

struct ChangedPerson {
    person: PersonTag,
    words: Vec<String>,
}

/// What a change would do, as a part of a page.
struct PreviewPart {
    gains: Vec<PersonTag>,
    gains_count: usize,
    loses: Vec<PersonTag>,
    loses_count: usize,
    changes: Vec<ChangedPerson>,
    changes_count: usize,
    keeps: Vec<PersonTag>,
    keeps_count: usize,
    others: Others,
    group: Verbatim,
    connection: String,
    role: String,
    title: String,
    description: String,
    cost: String,
    beware: Vec<String>,
    actions: Vec<String>,
    conditions: Option<Conditions>,
    waits: bool,
    gives_author: bool,
    sign_in: Option<String>,
}

impl PreviewPart {
    fn new(broker: &Broker, preview: &MappingPreview, sign_in: &str) -> Self {
        let now = broker.clock.now();
        let of = |wanted: fn(&Effect) -> bool| {
            let people = preview.people.iter().filter(move |affected| wanted(&affected.effect));
            let tag = |it: &crate::app::Affected| PersonTag::of(&it.person);
            (people.clone().take(NAMED_MAX).map(tag).collect::<Vec<_>>(), people.count())
        };
        let (gains, gains_count) = of(|effect| matches!(effect, Effect::Gains));
        let (loses, loses_count) = of(|effect| matches!(effect, Effect::Loses));
        let (keeps, keeps_count) = of(|effect| matches!(effect, Effect::Keeps));
        let changed = preview.people.iter().filter_map(|affected| match &affected.effect {
            Effect::Changes { before, after } => {
                Some(ChangedPerson { person: PersonTag::of(&affected.person), words: difference(before, after) })
            }
            _ => None,
        });
        let changes_count = changed.clone().count();
        let template = broker.policies.get(&preview.role.template);
        Self {
            gains,
            gains_count,
            loses,
            loses_count,
            changes: changed.take(NAMED_MAX).collect(),
            changes_count,
            keeps,
            keeps_count,
            others: preview.others,
            group: Verbatim::new(preview.target.group.as_str()),
            connection: broker.connection_title(&preview.target.connection).to_owned(),
            role: preview.target.role.to_string(),
            title: broker.template_title(&preview.role.template).to_owned(),
            description: template.map_or("", |template| template.description()).to_owned(),
            cost: template.map_or("", |template| template.cost()).to_owned(),
            beware: template.map(|template| template.beware().to_vec()).unwrap_or_default(),
            actions: template
                .map(|template| template.actions().into_iter().map(str::to_owned).collect())
                .unwrap_or_default(),
            conditions: preview.after.as_ref().map(|after| Conditions::new(after, now)),
            waits: preview.author == AuthorGain::Waits,
            gives_author: preview.author != AuthorGain::Nothing,
            sign_in: preview.takes_fresh_sign_in(now).then(|| sign_in.to_owned()),
        }
    }

    fn nobody(&self) -> bool {
        self.gains_count + self.loses_count + self.changes_count + self.keeps_count == 0
    }
}

/// What is different for somebody, in words.
fn difference(before: &MappingTerms, after: &MappingTerms) -> Vec<String> {
    let mut words = Vec::new();
    match (before.needs_mfa, after.needs_mfa) {
        (false, true) => words.push("needs a second factor".to_owned()),
        (true, false) => words.push("needs no second factor any more".to_owned()),
        _ => {}
    }
    match (before.needs_approval, after.needs_approval) {
        (false, true) => words.push("needs a PI's approval".to_owned()),
        (true, false) => words.push("needs no approval any more".to_owned()),
        _ => {}
    }
    if before.max_duration != after.max_duration {
        words.push(after.max_duration.map_or_else(
            || "sessions as long as the role gives".to_owned(),
            |most| format!("sessions of at most {} minutes", most.seconds() / 60),
        ));
    }
    if before.ends_at != after.ends_at {
        words.push(after.ends_at.map_or_else(
            || "without an end".to_owned(),
            |at| format!("until {}", crate::console::parts::for_people(at)),
        ));
    }
    words
}

struct RoleChoice {
    name: String,
    title: String,
    cost: String,
    spends: bool,
    is_chosen: bool,
}

struct ConnectionChoice {
    name: String,
    title: String,
    is_chosen: bool,
}

struct Suggestion {
    group: String,
    shown: Verbatim,
    connection: Option<String>,
    people: u32,
    address: String,
}

struct LengthChoice {
    seconds: u32,
    is_chosen: bool,
}

/// What the page of a form is made of.
pub struct MappingForm<'a> {
    /// The lab and what can be chosen.
    pub choices: &'a MappingChoices,
    /// What is filled in.
    pub fields: &'a MappingFields,
    /// What is wrong with it.
    pub errors: &'a FormErrors,
    /// What it would do, once enough is filled in.
    pub preview: Option<&'a MappingPreview>,
    /// The mapping that is changed; none for a new one.
    pub mapping: Option<&'a Mapping>,
    /// What the request is known by when it comes twice.
    pub key: String,
    /// A fresh sign-in that leads back here.
    pub sign_in: String,
}

#[derive(Template)]
#[template(path = "lab/mapping_form.html", config = "src/console/askama.toml")]
struct FormPage<'a> {
    shell: &'a Shell,
    lab: LabHead,
    address: String,
    post_to: String,
    back: String,
    mapping: Option<(Verbatim, String, String)>,
    revision: Option<i64>,
    fields: &'a MappingFields,
    errors: &'a FormErrors,
    connections: Vec<ConnectionChoice>,
    roles: Vec<RoleChoice>,
    lengths: Vec<LengthChoice>,
    suggestions: Vec<Suggestion>,
    more_groups: bool,
    preview: Option<PreviewPart>,
    key: String,
    sign_in: Option<String>,
    today: String,
    brings_back: bool,
}

/// The form of a new mapping, or of another's conditions; with what it would do, when enough is filled in.
#[must_use]
pub fn mapping_form(broker: &Broker, shell: &Shell, form: MappingForm<'_>) -> Response {
    let MappingForm { choices, fields, errors, preview, mapping, key, sign_in } = form;
    let now = broker.clock.now();
    let lab = LabHead::new(&choices.place, Tab::Mappings);
    let list = format!("/labs/{}/mappings", lab.name);
    let of_mapping = mapping.map(|mapping| format!("{list}/{}", mapping.id));
    let several = broker.providers.len() > 1;
    let role = choices.roles.iter().find(|role| role.name.as_str() == fields.role);
    let most = role.map_or(SessionDuration::MAX, |role| role.max_duration).seconds();
    let suggestion = |seen: &crate::app::SeenGroup| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("connection", seen.connection.as_str()).append_pair("group", seen.group.as_str());
        Suggestion {
            group: seen.group.as_str().to_owned(),
            shown: Verbatim::new(seen.group.as_str()),
            connection: several.then(|| broker.connection_title(&seen.connection).to_owned()),
            people: seen.people,
            address: format!("{list}/new?{}", query.finish()),
        }
    };
    let connection = |name: &ConnectionName| ConnectionChoice {
        name: name.to_string(),
        title: broker.connection_title(name).to_owned(),
        is_chosen: name.as_str() == fields.connection,
    };
    let choice = |role: &Role| RoleChoice {
        name: role.name.to_string(),
        title: broker.template_title(&role.template).to_owned(),
        cost: broker.policies.get(&role.template).map_or("", |template| template.cost()).to_owned(),
        spends: broker.policies.spends(&role.template),
        is_chosen: role.name.as_str() == fields.role,
    };
    let lengths = [MAPPING_MAX_DURATION_LOWEST_SECONDS, 2_700, 3_600].into_iter().filter(|seconds| *seconds <= most);
    let mut lengths: Vec<u32> = lengths.collect();
    lengths.extend(fields.longest.parse::<u32>().ok().filter(|set| (1..=3_600).contains(set)));
    lengths.sort_unstable();
    lengths.dedup();
    page(&FormPage {
        shell,
        address: of_mapping.as_ref().map_or_else(|| format!("{list}/new"), |address| format!("{address}/edit")),
        post_to: of_mapping.as_ref().map_or_else(|| list.clone(), |address| format!("{address}/edit")),
        back: of_mapping.unwrap_or_else(|| list.clone()),
        mapping: mapping.map(|mapping| {
            let title = title_of(broker, &choices.roles, &mapping.target);
            (Verbatim::new(mapping.target.group.as_str()), mapping.target.role.to_string(), title)
        }),
        revision: mapping.map(|mapping| mapping.revision),
        fields,
        errors,
        connections: if several { broker.providers.keys().map(connection).collect() } else { Vec::new() },
        roles: choices.roles.iter().map(choice).collect(),
        lengths: lengths
            .into_iter()
            .map(|seconds| LengthChoice { seconds, is_chosen: fields.longest == seconds.to_string() })
            .collect(),
        suggestions: choices.groups.iter().take(SUGGESTED_MAX).map(suggestion).collect(),
        more_groups: choices.groups.len() > SUGGESTED_MAX,
        preview: preview.map(|preview| PreviewPart::new(broker, preview, &sign_in)),
        key,
        sign_in: (now >= choices.fresh_until).then_some(sign_in),
        today: now.format("%Y-%m-%d").to_string(),
        brings_back: mapping.is_some_and(|mapping| !mapping.terms.is_live(now)),
        lab,
    })
}

#[derive(Template)]
#[template(path = "lab/mapping_end.html", config = "src/console/askama.toml")]
struct EndPage<'a> {
    shell: &'a Shell,
    lab: LabHead,
    address: String,
    revision: i64,
    has_ended: bool,
    preview: PreviewPart,
    /// How many people have a live session by it.
    users: usize,
    key: String,
}

/// "End it?", with who loses what.
#[must_use]
pub fn mapping_end(
    broker: &Broker,
    shell: &Shell,
    preview: &MappingPreview,
    mapping: &Mapping,
    users: usize,
    key: String,
) -> Response {
    let lab = LabHead::new(&preview.place, Tab::Mappings);
    page(&EndPage {
        shell,
        users,
        address: format!("/labs/{}/mappings/{}", lab.name, mapping.id),
        revision: mapping.revision,
        has_ended: !mapping.terms.is_live(broker.clock.now()),
        preview: PreviewPart::new(broker, preview, ""),
        key,
        lab,
    })
}

struct RevisionLine {
    number: i64,
    conditions: Conditions,
    changed_at: Moment,
    by: Option<PersonTag>,
    is_current: bool,
}

#[derive(Template)]
#[template(path = "lab/mapping.html", config = "src/console/askama.toml")]
struct MappingPage<'a> {
    shell: &'a Shell,
    lab: LabHead,
    address: String,
    id: String,
    changed_meanwhile: bool,
    is_live: bool,
    revision: i64,
    conditions: Conditions,
    created_at: Moment,
    preview: PreviewPart,
    revisions: Vec<RevisionLine>,
    next: Option<String>,
    key: String,
}

/// A mapping, whom it gives its role, and what became of it.
#[must_use]
pub fn mapping_page(
    broker: &Broker,
    shell: &Shell,
    history: &MappingHistory,
    changed_meanwhile: bool,
    key: String,
) -> Response {
    let now = broker.clock.now();
    let mapping = &history.mapping;
    let lab = LabHead::new(&history.preview.place, Tab::Mappings);
    let address = format!("/labs/{}/mappings/{}", lab.name, mapping.id);
    let line = |row: &MappingRevision| RevisionLine {
        number: row.revision,
        conditions: Conditions::new(&row.terms, now),
        changed_at: Moment::new(row.changed_at, now),
        by: row.by.as_ref().map(PersonTag::of),
        is_current: row.revision == mapping.revision,
    };
    let last = history.revisions.last().filter(|_| history.more);
    page(&MappingPage {
        shell,
        id: mapping.id.to_string(),
        changed_meanwhile,
        is_live: mapping.terms.is_live(now),
        revision: mapping.revision,
        conditions: Conditions::new(&mapping.terms, now),
        created_at: Moment::new(mapping.created_at, now),
        preview: PreviewPart::new(broker, &history.preview, ""),
        revisions: history.revisions.iter().map(line).collect(),
        next: last.map(|last| format!("{address}?before={}", last.revision)),
        key,
        address,
        lab,
    })
}

/// The last day on which something gives its role that ends at this moment.
#[must_use]
pub fn shown_day(ends_at: DateTime<Utc>) -> String {
    (ends_at - TimeDelta::microseconds(1)).format("%Y-%m-%d").to_string()
}
