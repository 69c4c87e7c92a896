//! The ledger: what was asked for, by whom, and what came of it; and what was done to the lab. Append-only, one book for each lab.
//!
//! An entry is a canonical text ([`super::canonical`]) that never changes once written, so that a hash chain can be
//! laid over the books without rewriting them. It names people by [`PersonId`] only; what that person is called
//! stands elsewhere and can be forgotten without touching an entry. No entry holds a secret: an access key id is not
//! one, and is what joins an entry to CloudTrail.

mod event;
mod words;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

pub use event::{Asked, Event, Failure, KINDS, ReusedToken, RoleTerms, Target, Terms};
pub use words::Word;

use super::actor::Actor;
use super::canonical::{self, NotCanonical};
use super::id::{ActId, LabId, PersonId, RoleSessionId};

/// The form of an entry that belongs to an attempt. A reader refuses what it does not know.
pub const ATTEMPT_FORMAT: u32 = 1;

/// The form of an entry that stands by itself: something that somebody did to a lab or to a person.
pub const ACT_FORMAT: u32 = 2;

/// Whose book an entry stands in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Book {
    /// A lab's. Everything that concerns the lab, an operator's acts included.
    Lab(LabId),
    /// The broker's own: attempts at labs that do not exist, sign-ins that were refused, and what is done to people.
    Broker,
}

impl From<Book> for String {
    fn from(book: Book) -> Self {
        match book {
            Book::Lab(lab) => lab.into(),
            Book::Broker => "broker".to_owned(),
        }
    }
}

impl TryFrom<String> for Book {
    type Error = super::id::ParseError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == "broker" { Ok(Self::Broker) } else { text.parse().map(Self::Lab) }
    }
}

/// What an entry belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thread {
    /// An attempt of somebody's to get a credential; the id of the role session if one comes of it.
    Attempt(PersonId, RoleSessionId),
    /// Nothing else: it stands by itself.
    Act(Actor, ActId),
}

impl Thread {
    /// The id.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Attempt(_, id) => id.as_str(),
            Self::Act(_, id) => id.as_str(),
        }
    }

    /// Who acted: a person's id, `operator` or `broker`.
    #[must_use]
    pub fn who(&self) -> &str {
        match self {
            Self::Attempt(person, _) | Self::Act(Actor::Person(person), _) => person.as_str(),
            Self::Act(Actor::Operator(_), _) => "operator",
            Self::Act(Actor::Broker, _) => "broker",
        }
    }
}

/// An event and its circumstances, before it has a place in a book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// When.
    pub at: DateTime<Utc>,
    /// By whom, and what it belongs to.
    pub thread: Thread,
    /// What.
    pub event: Event,
}

/// An entry: a draft with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The book.
    pub book: Book,
    /// The place in the book: 1, 2, 3, without gaps.
    pub seq: i64,
    /// When: RFC 3339, UTC, six digits of fraction.
    pub at: String,
    /// By whom, and what it belongs to.
    pub thread: Thread,
    /// What.
    pub event: Event,
}

/// [`ATTEMPT_FORMAT`]
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct AttemptForm {
    format: u32,
    book: Book,
    seq: i64,
    at: String,
    person: PersonId,
    attempt: RoleSessionId,
    event: Event,
}

/// [`ACT_FORMAT`]
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ActForm {
    format: u32,
    book: Book,
    seq: i64,
    at: String,
    by: Actor,
    act: ActId,
    event: Event,
}

/// What tells the forms apart.
#[derive(Deserialize)]
struct AnyForm {
    format: u32,
}

/// A text that is no entry of this ledger.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// Not an entry at all, or one of a later format.
    #[error("not a ledger entry of a format up to {ACT_FORMAT}")]
    Unreadable(#[source] Option<serde_json::Error>),
    /// An entry, but not in the form it was written in: somebody touched it.
    #[error("a ledger entry that is not in its canonical form")]
    NotCanonical,
}

impl From<NotCanonical> for EntryError {
    fn from(_: NotCanonical) -> Self {
        Self::NotCanonical
    }
}

impl From<serde_json::Error> for EntryError {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable(Some(error))
    }
}

impl Entry {
    /// The draft, at its place.
    #[must_use]
    pub fn new(book: Book, seq: i64, draft: Draft) -> Self {
        Self { book, seq, at: timestamp(draft.at), thread: draft.thread, event: draft.event }
    }

    /// The text that is kept.
    ///
    /// # Errors
    ///
    /// For an event in a thread that it cannot belong to. Never for any other with fewer than 2^53 entries before it.
    pub fn canonical(&self) -> Result<String, EntryError> {
        let (book, seq, at, event) = (self.book.clone(), self.seq, self.at.clone(), self.event.clone());
        let value = match (&self.thread, event.is_of_attempt()) {
            (Thread::Attempt(person, attempt), true) => serde_json::to_value(AttemptForm {
                format: ATTEMPT_FORMAT,
                book,
                seq,
                at,
                person: person.clone(),
                attempt: attempt.clone(),
                event,
            }),
            (Thread::Act(by, act), false) => serde_json::to_value(ActForm {
                format: ACT_FORMAT,
                book,
                seq,
                at,
                by: by.clone(),
                act: act.clone(),
                event,
            }),
            _ => return Err(EntryError::Unreadable(None)),
        }?;
        Ok(canonical::to_string(&value)?)
    }

    /// Reads a kept text back, and insists that it is byte for byte what [`Entry::canonical`] writes.
    ///
    /// # Errors
    ///
    /// When it is anything else.
    pub fn parse(text: &str) -> Result<Self, EntryError> {
        let AnyForm { format } = serde_json::from_str(text)?;
        let entry = match format {
            ATTEMPT_FORMAT => {
                let form: AttemptForm = serde_json::from_str(text)?;
                let thread = Thread::Attempt(form.person, form.attempt);
                Self { book: form.book, seq: form.seq, at: form.at, thread, event: form.event }
            }
            ACT_FORMAT => {
                let form: ActForm = serde_json::from_str(text)?;
                let thread = Thread::Act(form.by, form.act);
                Self { book: form.book, seq: form.seq, at: form.at, thread, event: form.event }
            }
            _ => return Err(EntryError::Unreadable(None)),
        };
        if entry.canonical()? == text { Ok(entry) } else { Err(EntryError::NotCanonical) }
    }
}

/// A time as an entry writes it.
fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::access::Refusal;
    use crate::domain::account::{CheckReason, Verdict};
    use crate::domain::cut_off::{CutOffCause, Whose};
    use crate::domain::id::{AccountCheckId, CutOffId};
    use crate::domain::id::{CliSessionId, InvitationId, MappingChangeId, MappingId, RoleName};
    use crate::domain::lab::Office;
    use crate::domain::sign_in::SignInRefusal;

    fn entry(event: Event) -> Entry {
        let draft = Draft {
            at: DateTime::from_timestamp_micros(1_795_266_000_000_001).unwrap(),
            thread: if event.is_of_attempt() {
                Thread::Attempt(PersonId::from_entropy([1; 10]), RoleSessionId::from_entropy([2; 10]))
            } else {
                Thread::Act(Actor::Person(PersonId::from_entropy([1; 10])), ActId::from_entropy([2; 10]))
            },
            event,
        };
        Entry::new(Book::Lab(LabId::from_entropy([3; 10])), 7, draft)
    }

    #[expect(clippy::too_many_lines, reason = "one of each kind")]
    fn events() -> Vec<Event> {
        let target = Target {
            connection: "campus".parse().unwrap(),
            group: "vision-payers".into(),
            role: "pay".parse().unwrap(),
        };
        let terms = Terms {
            ends_at: Some("2027-01-01T00:00:00.000000Z".into()),
            max_duration_seconds: Some(1_800),
            needs_mfa: true,
            needs_approval: false,
        };
        let (mapping, person) = (MappingId::from_entropy([4; 10]), PersonId::from_entropy([5; 10]));
        let (change, invitation) = (MappingChangeId::from_entropy([6; 10]), InvitationId::from_entropy([7; 10]));
        let lab = vec![
            Event::Attempted {
                lab: "vision".parse().unwrap(),
                role: "pay".parse().unwrap(),
                wanted_seconds: Some(900),
            },
            Event::Issued {
                mapping: MappingId::from_entropy([4; 10]),
                access_key_id: "ASIAEXAMPLE".into(),
                session_arn: "arn:aws:sts::111122223333:assumed-role/lodge-session/rs-x".into(),
                expires_at: "2026-11-21T14:00:00Z".into(),
                template: "mturk/pay".into(),
                policy_sha256: "00".repeat(32),
                aws_request_id: None,
            },
            Event::Refused { reason: Refusal::NoMapping },
            Event::Failed { reason: Failure::Denied, aws_code: Some("AccessDenied".into()), aws_request_id: None },
            Event::MappingEdited {
                mapping: mapping.clone(),
                revision: 2,
                target: target.clone(),
                before: Terms { ends_at: None, max_duration_seconds: None, needs_mfa: false, needs_approval: false },
                after: terms.clone(),
                benefits_author: true,
                asked: Some(Asked { change: change.clone(), author: person.clone() }),
            },
            Event::LabCreated {
                lab: "vision".parse().unwrap(),
                session_role: "arn:aws:iam::111122223333:role/x".into(),
            },
            Event::LabArchived,
            Event::LabRestored,
            Event::RoleAdded {
                role: "pay".parse().unwrap(),
                template: "s3-data/publish".into(),
                max_duration_seconds: 3_600,
                parameters: BTreeMap::from([("bucket".into(), "vision".into())]),
            },
            Event::RoleChanged {
                role: "pay".parse().unwrap(),
                before: RoleTerms { parameters: BTreeMap::new(), max_duration_seconds: 3_600 },
                after: RoleTerms {
                    parameters: BTreeMap::from([("bucket".into(), "vision".into())]),
                    max_duration_seconds: 900,
                },
                gives_more: true,
            },
            Event::RoleEnded { role: "pay".parse().unwrap() },
            Event::PiInvited { invitation: invitation.clone(), lapses_at: "2026-11-28T13:00:00.000000Z".into() },
            Event::InvitationWithdrawn { invitation: invitation.clone() },
            Event::StandingGiven {
                person: person.clone(),
                standing: Office::Pi,
                before: Some(Office::Manager),
                invitation: Some(invitation),
            },
            Event::StandingTaken { person: person.clone(), before: Office::Pi },
            Event::MappingAdded {
                mapping: mapping.clone(),
                target: target.clone(),
                terms: terms.clone(),
                benefits_author: false,
                asked: None,
            },
            Event::MappingEnded { mapping: mapping.clone(), revision: 3, target: target.clone() },
            Event::MappingChangeAsked { change: change.clone(), mapping: mapping.clone(), target, terms },
            Event::MappingChangeDeclined { change, mapping },
            Event::PersonSuspended { person: person.clone() },
            Event::PersonRestored { person: person.clone() },
        ];
        lab.into_iter().chain(more_events(person)).collect()
    }

    fn cut_off() -> CutOffId {
        CutOffId::from_entropy([10; 10])
    }

    fn somebody() -> PersonId {
        PersonId::from_entropy([11; 10])
    }

    fn check() -> AccountCheckId {
        AccountCheckId::from_entropy([9; 10])
    }

    fn more_events(person: PersonId) -> Vec<Event> {
        vec![
            Event::SignInRefused {
                connection: Some("campus".parse().unwrap()),
                reason: SignInRefusal::IdTokenSignature,
                person: None,
            },
            Event::TokenReused {
                person: person.clone(),
                session: CliSessionId::from_entropy([8; 10]),
                token: ReusedToken::Refresh,
            },
            Event::ProviderLogout { person, connection: "campus".parse().unwrap(), sessions: 2 },
            Event::LabLimitChanged { before: None, after: Some(86_400) },
            Event::RoleLimitChanged { role: "read-results".parse().unwrap(), before: Some(86_400), after: None },
            Event::AccountCheckBegun { check: check(), reason: CheckReason::Join },
            Event::AccountChecked { check: check(), verdict: Verdict::Proven, troubles: 2 },
            Event::AccountJoined { account: "111122223333".to_owned(), check: check() },
            Event::CutOff {
                cut_off: cut_off(),
                whose: Whose::Person(somebody()),
                before: "2026-11-21T13:01:00Z".to_owned(),
                cause: CutOffCause::Asked,
                reason: Some("a lost laptop".parse().unwrap()),
                held: true,
                sessions: 2,
            },
            Event::CutOff {
                cut_off: cut_off(),
                whose: Whose::Role("pay".parse().unwrap()),
                before: "2026-11-21T13:01:00Z".to_owned(),
                cause: CutOffCause::MappingEnded,
                reason: None,
                held: false,
                sessions: 1,
            },
            Event::CutOffLifted { cut_off: cut_off(), whose: Whose::Everyone },
            Event::DenyApplied {
                policy_sha256: Some("0".repeat(64)),
                people: 3,
                overflow: Some("2026-11-21T12:01:00Z".to_owned()),
            },
            Event::DenyApplied { policy_sha256: None, people: 0, overflow: None },
            Event::DenyRestored { found_sha256: None },
            Event::PersonCutOff {
                cut_off: cut_off(),
                person: somebody(),
                before: "2026-11-21T13:01:00Z".to_owned(),
                cause: CutOffCause::SignedOut,
                reason: None,
            },
        ]
    }

    /// The form is a promise: a change here is a new format.
    #[test]
    fn the_canonical_form_is_this_very_text() {
        insta::assert_snapshot!(entry(events()[0].clone()).canonical().unwrap(), @r#"{"at":"2026-11-21T13:00:00.000001Z","attempt":"rs-081040g2081040g2","book":"lab-0c1g60r30c1g60r3","event":{"kind":"attempted","lab":"vision","role":"pay","wanted-seconds":900},"format":1,"person":"p-040g2081040g2081","seq":7}"#);
        insta::assert_snapshot!(entry(events()[1].clone()).canonical().unwrap(), @r#"{"at":"2026-11-21T13:00:00.000001Z","attempt":"rs-081040g2081040g2","book":"lab-0c1g60r30c1g60r3","event":{"access-key-id":"ASIAEXAMPLE","expires-at":"2026-11-21T14:00:00Z","kind":"issued","mapping":"map-0g2081040g208104","policy-sha256":"0000000000000000000000000000000000000000000000000000000000000000","session-arn":"arn:aws:sts::111122223333:assumed-role/lodge-session/rs-x","template":"mturk/pay"},"format":1,"person":"p-040g2081040g2081","seq":7}"#);
        insta::assert_snapshot!(entry(events()[4].clone()).canonical().unwrap(), @r#"{"act":"act-081040g2081040g2","at":"2026-11-21T13:00:00.000001Z","book":"lab-0c1g60r30c1g60r3","by":{"person":"p-040g2081040g2081"},"event":{"after":{"ends-at":"2027-01-01T00:00:00.000000Z","max-duration-seconds":1800,"needs-approval":false,"needs-mfa":true},"asked":{"author":"p-0m2ga1850m2ga185","change":"chg-0r30c1g60r30c1g6"},"before":{"needs-approval":false,"needs-mfa":false},"benefits-author":true,"kind":"mapping-edited","mapping":"map-0g2081040g208104","revision":2,"target":{"connection":"campus","group":"vision-payers","role":"pay"}},"format":2,"seq":7}"#);
    }

    #[test]
    fn every_kind_of_entry_reads_back_as_itself() {
        let mut kinds = std::collections::BTreeSet::new();
        for event in events() {
            let entry = entry(event);
            kinds.insert(entry.event.kind());
            let text = entry.canonical().unwrap();

            assert_eq!(Entry::parse(&text).unwrap(), entry);
            assert!(text.contains(&format!("\"kind\":\"{}\"", entry.event.kind())));
        }
        assert_eq!(kinds.into_iter().collect::<Vec<_>>(), {
            let mut all = KINDS;
            all.sort_unstable();
            all
        });
    }

    /// What people read. Not a promise, but each kind has words of its own.
    #[test]
    fn every_kind_of_entry_has_a_sentence() {
        let role: RoleName = "pay".parse().unwrap();
        let said =
            |event: Event| entry(event).sentence(Some(&role)).iter().map(ToString::to_string).collect::<String>();
        let sentences: Vec<String> = events().into_iter().map(said).collect();

        insta::assert_snapshot!(sentences.join("\n"), @r#"
        p-040g2081040g2081 asked for pay for 15 minutes
        p-040g2081040g2081 got credentials for pay until 2026-11-21T14:00:00Z, by map-0g2081040g208104
        p-040g2081040g2081 was refused pay: no mapping gives this role
        p-040g2081040g2081 was to get pay, and nothing came of it: the lab's AWS role refused the broker
        p-040g2081040g2081 confirmed what another PI asked for, and changed on what conditions pay goes to the group vision-payers of campus; now until 2027-01-01T00:00:00.000000Z, for 30 minutes at a time, with a second factor
        p-040g2081040g2081 made the lab vision
        p-040g2081040g2081 archived the lab: it gives nothing any more
        p-040g2081040g2081 brought the lab back
        p-040g2081040g2081 added the role pay, made of s3-data/publish with bucket vision, for 1 hour at a time
        p-040g2081040g2081 changed the role pay: with bucket vision instead of nothing, 15 minutes at a time instead of 1 hour at a time, which gives more than before
        p-040g2081040g2081 ended the role pay
        p-040g2081040g2081 made an invitation to be a PI, good until 2026-11-28T13:00:00.000000Z
        p-040g2081040g2081 ended an invitation to be a PI
        p-040g2081040g2081 made p-0m2ga1850m2ga185 a PI, who was a manager
        p-040g2081040g2081 took the standing from p-0m2ga1850m2ga185, who was a PI
        p-040g2081040g2081 gave pay to the group vision-payers of campus, until 2027-01-01T00:00:00.000000Z, for 30 minutes at a time, with a second factor
        p-040g2081040g2081 ended pay for the group vision-payers of campus
        p-040g2081040g2081 asked for a second PI's word: pay to the group vision-payers of campus, until 2027-01-01T00:00:00.000000Z, for 30 minutes at a time, with a second factor
        p-040g2081040g2081 dropped what was asked for map-0g2081040g208104
        p-040g2081040g2081 suspended p-0m2ga1850m2ga185
        p-040g2081040g2081 lifted the suspension of p-0m2ga1850m2ga185
        p-040g2081040g2081 did not sign somebody in: id-token-signature
        p-040g2081040g2081 ended a session of p-0m2ga1850m2ga185: a token was shown a second time
        p-040g2081040g2081 ended 2 sessions of p-0m2ga1850m2ga185, who signed out at the provider
        p-040g2081040g2081 set how old groups may be to 1 day; before: the broker's own limit
        p-040g2081040g2081 set how old a sign-in may be for read-results to the broker's own limit; before: 1 day
        p-040g2081040g2081 began to join the AWS account
        p-040g2081040g2081 checked the AWS account: the account has proved itself, with 2 things to mend
        p-040g2081040g2081 joined the AWS account 111122223333
        p-040g2081040g2081 cut off 2 sessions of p-1c5gp2rb1c5gp2rb, and keeps them out until it is lifted: "a lost laptop"
        p-040g2081040g2081 cut off one session of pay, whose mapping ended
        p-040g2081040g2081 let credentials be issued again to everybody
        p-040g2081040g2081 saw that the AWS account has the deny of sessions of 3 people, and of everybody's from before 2026-11-21T12:01:00Z, for want of room
        p-040g2081040g2081 took the deny of cut-off sessions away from the AWS account: they are all dead
        p-040g2081040g2081 found the deny of cut-off sessions changed in the AWS account, and writes it again
        p-040g2081040g2081 cut off in all labs p-1c5gp2rb1c5gp2rb, who signed out at the provider
        "#);
    }

    #[test]
    fn an_event_stays_in_its_own_kind_of_thread() {
        let (mut attempt, mut act) = (entry(events()[0].clone()), entry(events()[4].clone()));
        std::mem::swap(&mut attempt.thread, &mut act.thread);

        assert!(attempt.canonical().is_err() && act.canonical().is_err());
        let text = entry(events()[6].clone()).canonical().unwrap();
        assert!(Entry::parse(&text.replace("\"format\":2", "\"format\":1")).is_err());
        let text = text.replace("lab-archived", "refused").replace("\"kind\"", "\"reason\":\"no-mapping\",\"kind\"");
        assert!(Entry::parse(&text).is_err());
    }

    #[test]
    fn a_touched_entry_is_noticed() {
        let text = entry(events()[2].clone()).canonical().unwrap();

        assert!(matches!(Entry::parse(&text.replace(",\"seq\"", ", \"seq\"")), Err(EntryError::NotCanonical)));
        assert!(Entry::parse(&text.replace("\"format\":1", "\"format\":3")).is_err());
        assert!(Entry::parse(&text.replace("\"seq\":7", "\"seq\":7,\"seq\":8")).is_err());
        assert!(Entry::parse(&text.replace("\"seq\":7", "\"seq\":7,\"more\":8")).is_err());
    }
}
