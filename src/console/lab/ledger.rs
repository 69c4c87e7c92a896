//! A lab's ledger.

use askama::Template;
use axum::response::Response;
use chrono::{DateTime, Utc};

use crate::app::{FoundEntry, LEDGER_CATEGORIES, LedgerCategory, LedgerPart};
use crate::console::page;
use crate::console::parts::{Moment, PersonTag, Verbatim};
use crate::console::shell::{LabHead, Shell, Tab};
use crate::domain::id::LabName;
use crate::domain::ledger::{Entry, Event, Word};

/// How much of an entry's text is shown when it is not as it was written.
const DAMAGED_MAX_CHARS: usize = 1_000;

/// What stands in the fields, as it was typed.
#[derive(Clone, Debug, Default)]
pub struct LedgerForm {
    /// Somebody's id or a part of their name.
    pub person: String,
    /// A category or a kind.
    pub kind: String,
    /// A role.
    pub role: String,
    /// The first day.
    pub from: String,
    /// The last day.
    pub to: String,
    /// A part of the text.
    pub q: String,
    /// Whether this is not the first page.
    pub is_further: bool,
}

impl LedgerForm {
    fn query(&self, after: Option<i64>) -> String {
        let fields = [
            ("person", &self.person),
            ("kind", &self.kind),
            ("role", &self.role),
            ("from", &self.from),
            ("to", &self.to),
            ("q", &self.q),
        ];
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(fields.into_iter().filter(|(_, value)| !value.is_empty()));
        query.extend_pairs(after.map(|place| ("after", place.to_string())));
        query.finish()
    }

    fn is_empty(&self) -> bool {
        self.query(None).is_empty()
    }
}

/// A field that nothing can be meant by.
#[derive(Clone, Debug)]
pub struct WrongField {
    /// Its name.
    pub field: &'static str,
    /// What to do.
    pub sentence: String,
}

#[derive(Template)]
#[template(path = "lab/ledger.html", config = "src/console/askama.toml")]
struct Ledger<'a> {
    shell: &'a Shell,
    lab: LabHead,
    form: &'a LedgerForm,
    wrong: Option<&'a WrongField>,
    categories: [LedgerCategory; 7],
    /// A kind that was asked for by its own name.
    kind_itself: Option<&'a str>,
    roles: Vec<String>,
    lines: Vec<Line>,
    /// The address of the next part.
    next: Option<String>,
    /// How far back was looked, when that was not all.
    looked_back_to: Option<Moment>,
    window: i64,
    /// The query without a place: for the exports.
    query: String,
}

/// An entry on the page.
struct Line {
    seq: i64,
    at: Moment,
    label: &'static str,
    tone: &'static str,
    words: Vec<Shown>,
    details: Vec<(&'static str, String)>,
    /// The text as it is, when it is not as it was written.
    damaged: Option<Verbatim>,
}

/// A word on the page.
enum Shown {
    Text(String),
    Person(String, PersonTag),
    /// Somebody who is not of this lab, by their id only.
    Other(String, String),
    Role(String),
    Group(Verbatim),
    Mapping(String, String),
    Moment(Moment),
}

impl Ledger<'_> {
    fn is_wrong(&self, field: &str) -> bool {
        self.wrong.is_some_and(|wrong| wrong.field == field)
    }
}

/// What was done in a lab.
#[must_use]
pub fn ledger(
    shell: &Shell,
    part: &LedgerPart,
    form: &LedgerForm,
    wrong: Option<&WrongField>,
    now: DateTime<Utc>,
) -> Response {
    let lab = &part.place.lab.name;
    let found = &part.found;
    let next = found.next.map(|place| format!("/labs/{lab}/ledger?{}", form.query(Some(place))));
    let kind = form.kind.as_str();
    page(&Ledger {
        shell,
        lab: LabHead::new(&part.place, Tab::Ledger),
        form,
        wrong,
        categories: LEDGER_CATEGORIES,
        kind_itself: Some(kind)
            .filter(|kind| !kind.is_empty() && LEDGER_CATEGORIES.iter().all(|category| category.name != *kind)),
        roles: part.roles.iter().map(|role| role.name.to_string()).collect(),
        lines: found.entries.iter().map(|entry| line(part, lab, entry, now)).collect(),
        looked_back_to: found.looked_back_to.filter(|_| next.is_some()).map(|(_, at)| Moment::new(at, now)),
        next,
        window: crate::app::LEDGER_WINDOW,
        query: form.query(None),
    })
}

fn line(part: &LedgerPart, lab: &LabName, found: &FoundEntry, now: DateTime<Utc>) -> Line {
    let (label, tone) = label(found);
    let shown = |word| shown(part, lab, word, now);
    let (words, details, damaged) = if let Some(entry) = &found.entry {
        let words = entry.sentence(found.asked_for.as_ref()).into_iter().map(shown).collect();
        (words, details(entry), None)
    } else {
        let text: String = found.text.chars().take(DAMAGED_MAX_CHARS).collect();
        (vec![Shown::Text(crate::app::DAMAGED.to_owned())], Vec::new(), Some(Verbatim::new(&text)))
    };
    Line { seq: found.seq, at: Moment::new(found.at, now), label, tone, words, details, damaged }
}

/// What the entry is, in a word, and how it looks.
fn label(found: &FoundEntry) -> (&'static str, &'static str) {
    if found.entry.is_none() {
        return ("damaged", "bad");
    }
    match found.kind.as_str() {
        "attempted" => ("asked", "plain"),
        "issued" => ("issued", "good"),
        "refused" => ("refused", "warn"),
        "failed" => ("failed", "bad"),
        kind if kind.starts_with("mapping") => ("mapping", ""),
        kind if kind.starts_with("standing") || kind.starts_with("invitation") || kind == "pi-invited" => {
            ("people", "")
        }
        kind if kind.contains("limit") => ("settings", ""),
        _ => ("lab", ""),
    }
}

fn shown(part: &LedgerPart, lab: &LabName, word: Word, now: DateTime<Utc>) -> Shown {
    match word {
        Word::Text(text) => Shown::Text(text),
        Word::Person(id) => {
            let address = format!("/labs/{lab}/ledger?person={id}");
            match part.people.get(&id) {
                Some(person) => Shown::Person(address, PersonTag::of(person)),
                None => Shown::Other(address, id.to_string()),
            }
        }
        Word::Role(role) => Shown::Role(role.to_string()),
        Word::Group(group) => Shown::Group(Verbatim::new(&group)),
        Word::Mapping(id) => Shown::Mapping(format!("/labs/{lab}/mappings/{id}"), id.to_string()),
        Word::Moment(at) => match at.parse() {
            Ok(at) => Shown::Moment(Moment::new(at, now)),
            Err(_) => Shown::Text(at),
        },
    }
}

/// What is behind the sentence, for who has to look it up elsewhere.
fn details(entry: &Entry) -> Vec<(&'static str, String)> {
    let mut details = Vec::new();
    let mut add = |what, text: Option<&str>| details.extend(text.map(|text| (what, text.to_owned())));
    if entry.event.is_of_attempt() {
        add("Session name in CloudTrail", Some(entry.thread.id()));
    } else {
        add("Act", Some(entry.thread.id()));
    }
    match &entry.event {
        Event::Issued { access_key_id, session_arn, template, policy_sha256, aws_request_id, .. } => {
            add("Access key id", Some(access_key_id));
            add("Session", Some(session_arn));
            add("AWS request id", aws_request_id.as_deref());
            add("Policy template", Some(template));
            add("SHA-256 of the policy", Some(policy_sha256));
        }
        Event::Failed { aws_code, aws_request_id, .. } => {
            add("AWS error code", aws_code.as_deref());
            add("AWS request id", aws_request_id.as_deref());
        }
        Event::LabCreated { session_role, .. } => add("Role in the AWS account", Some(session_role)),
        Event::PiInvited { invitation, .. } | Event::InvitationWithdrawn { invitation } => {
            add("Invitation", Some(invitation.as_str()));
        }
        Event::MappingChangeAsked { change, .. } | Event::MappingChangeDeclined { change, .. } => {
            add("Change", Some(change.as_str()));
        }
        _ => {}
    }
    add("Mapping", entry.event.mapping().map(crate::domain::id::MappingId::as_str));
    if let Event::MappingAdded { benefits_author: true, .. } | Event::MappingEdited { benefits_author: true, .. } =
        &entry.event
    {
        add("Note", Some("whoever asked for it gained by it"));
    }
    details
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_what_was_looked_for_and_no_more() {
        let form = LedgerForm { q: "a&b=c \u{202e}".to_owned(), kind: "issued".to_owned(), ..LedgerForm::default() };

        assert_eq!(form.query(Some(7)), "kind=issued&q=a%26b%3Dc+%E2%80%AE&after=7");
        assert!(LedgerForm::default().is_empty() && !form.is_empty());
    }
}
