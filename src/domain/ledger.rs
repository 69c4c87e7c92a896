//! The ledger: what was asked for, by whom, and what came of it. Append-only, one book for each lab.
//!
//! An entry is a canonical text ([`super::canonical`]) that never changes once written, so that a hash chain can be
//! laid over the books without rewriting them. It names people by [`PersonId`] only; what that person is called
//! stands elsewhere and can be forgotten without touching an entry. No entry holds a secret: an access key id is not
//! one, and is what joins an entry to CloudTrail.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::access::Refusal;
use super::canonical::{self, NotCanonical};
use super::id::{LabId, LabName, MappingId, PersonId, RoleName, RoleSessionId};

/// The form that this code writes. A reader refuses what it does not know.
pub const FORMAT: u32 = 1;

/// Whose book an entry stands in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Book {
    /// A lab's. Everything that concerns the lab, an operator's acts included.
    Lab(LabId),
    /// The broker's own: attempts at labs that do not exist.
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

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// Somebody asked for a role. Durable before STS is called.
    Attempted {
        /// The lab, as it was asked for.
        lab: LabName,
        /// The role, as it was asked for.
        role: RoleName,
        /// The duration asked for, in seconds, when one was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wanted_seconds: Option<u32>,
    },
    /// Credentials were made. Durable before they leave the process.
    Issued {
        /// The mapping that gave the role.
        mapping: MappingId,
        /// Joins the entry to CloudTrail. Not a secret.
        access_key_id: String,
        /// The session's ARN.
        session_arn: String,
        /// When the credentials die: RFC 3339, UTC.
        expires_at: String,
        /// The template that the policy was made of.
        template: String,
        /// SHA-256 of the session policy that was sent, in hexadecimal.
        policy_sha256: String,
        /// AWS's name for the call, when it gave one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        aws_request_id: Option<String>,
    },
    /// The broker said no; STS was not called.
    Refused {
        /// Why.
        reason: Refusal,
    },
    /// The broker said yes and no credential came of it.
    Failed {
        /// Why.
        reason: Failure,
        /// AWS's error code, when it was AWS that said no.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        aws_code: Option<String>,
        /// AWS's name for the call, when it gave one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        aws_request_id: Option<String>,
    },
}

impl Event {
    /// The kind, as it is written.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Attempted { .. } => "attempted",
            Self::Issued { .. } => "issued",
            Self::Refused { .. } => "refused",
            Self::Failed { .. } => "failed",
        }
    }
}

/// Why the broker said yes and no credential came of it, by who can mend it. The ledger keeps the word: a variant is
/// never renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// The lab's role does not let the broker in: the role, its trust policy or its external id. The lab mends it.
    #[error("the lab's AWS role refused the broker")]
    Denied,
    /// A parameter that STS would not take, such as more time than the role's maximum. The lab mends it.
    #[error("AWS did not accept the request")]
    Rejected,
    /// The session policy and tags do not fit the token. The role must be made shorter.
    #[error("the session policy is too large for AWS")]
    TooLarge,
    /// The broker's own credentials or clock. The operator mends it.
    #[error("AWS does not accept the broker's own identity")]
    Identity,
    /// Too many calls. Waiting mends it.
    #[error("AWS asked to slow down")]
    Throttled,
    /// No answer. Waiting may mend it.
    #[error("AWS could not be reached")]
    Unreachable,
    /// An answer that is not what was asked for: another account, role, session or lifetime.
    #[error("AWS's answer does not match the request")]
    Mismatch,
    /// The role's template is gone or cannot be filled.
    #[error("the role's policy cannot be made")]
    Policy,
    /// The broker was stopped between its two entries.
    #[error("the broker was stopped before there was an outcome")]
    Interrupted,
}

/// An event and its circumstances, before it has a place in a book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// When.
    pub at: DateTime<Utc>,
    /// Who acted.
    pub person: PersonId,
    /// The attempt it belongs to; the id of the role session if one comes of it.
    pub attempt: RoleSessionId,
    /// What.
    pub event: Event,
}

/// An entry: a draft with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Entry {
    /// The form; see [`FORMAT`].
    pub format: u32,
    /// The book.
    pub book: Book,
    /// The place in the book: 1, 2, 3, without gaps.
    pub seq: i64,
    /// When: RFC 3339, UTC, six digits of fraction.
    pub at: String,
    /// Who.
    pub person: PersonId,
    /// The attempt.
    pub attempt: RoleSessionId,
    /// What.
    pub event: Event,
}

/// A text that is no entry of this ledger.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// Not an entry at all, or one of a later format.
    #[error("not a ledger entry of format {FORMAT}")]
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

impl Entry {
    /// The draft, at its place.
    #[must_use]
    pub fn new(book: Book, seq: i64, draft: Draft) -> Self {
        Self {
            format: FORMAT,
            book,
            seq,
            at: draft.at.to_rfc3339_opts(SecondsFormat::Micros, true),
            person: draft.person,
            attempt: draft.attempt,
            event: draft.event,
        }
    }

    /// The text that is kept.
    ///
    /// # Errors
    ///
    /// Never for an entry made by [`Entry::new`] with fewer than 2^53 entries before it.
    pub fn canonical(&self) -> Result<String, EntryError> {
        let value = serde_json::to_value(self).map_err(|error| EntryError::Unreadable(Some(error)))?;
        Ok(canonical::to_string(&value)?)
    }

    /// Reads a kept text back, and insists that it is byte for byte what [`Entry::canonical`] writes.
    ///
    /// # Errors
    ///
    /// When it is anything else.
    pub fn parse(text: &str) -> Result<Self, EntryError> {
        let entry: Self = serde_json::from_str(text).map_err(|error| EntryError::Unreadable(Some(error)))?;
        if entry.format != FORMAT {
            return Err(EntryError::Unreadable(None));
        }
        if entry.canonical()? != text {
            return Err(EntryError::NotCanonical);
        }
        Ok(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(event: Event) -> Entry {
        let draft = Draft {
            at: DateTime::from_timestamp_micros(1_795_266_000_000_001).unwrap(),
            person: PersonId::from_entropy([1; 10]),
            attempt: RoleSessionId::from_entropy([2; 10]),
            event,
        };
        Entry::new(Book::Lab(LabId::from_entropy([3; 10])), 7, draft)
    }

    fn events() -> [Event; 4] {
        [
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
        ]
    }

    /// The form is a promise: a change here is a new [`FORMAT`].
    #[test]
    fn the_canonical_form_is_this_very_text() {
        insta::assert_snapshot!(entry(events()[0].clone()).canonical().unwrap(), @r#"{"at":"2026-11-21T13:00:00.000001Z","attempt":"rs-081040g2081040g2","book":"lab-0c1g60r30c1g60r3","event":{"kind":"attempted","lab":"vision","role":"pay","wanted-seconds":900},"format":1,"person":"p-040g2081040g2081","seq":7}"#);
        insta::assert_snapshot!(entry(events()[1].clone()).canonical().unwrap(), @r#"{"at":"2026-11-21T13:00:00.000001Z","attempt":"rs-081040g2081040g2","book":"lab-0c1g60r30c1g60r3","event":{"access-key-id":"ASIAEXAMPLE","expires-at":"2026-11-21T14:00:00Z","kind":"issued","mapping":"map-0g2081040g208104","policy-sha256":"0000000000000000000000000000000000000000000000000000000000000000","session-arn":"arn:aws:sts::111122223333:assumed-role/lodge-session/rs-x","template":"mturk/pay"},"format":1,"person":"p-040g2081040g2081","seq":7}"#);
    }

    #[test]
    fn every_kind_of_entry_reads_back_as_itself() {
        for event in events() {
            let entry = entry(event);
            let text = entry.canonical().unwrap();

            assert_eq!(Entry::parse(&text).unwrap(), entry);
            assert!(text.contains(&format!("\"kind\":\"{}\"", entry.event.kind())));
        }
    }

    #[test]
    fn a_touched_entry_is_noticed() {
        let text = entry(events()[2].clone()).canonical().unwrap();

        assert!(matches!(Entry::parse(&text.replace(",\"seq\"", ", \"seq\"")), Err(EntryError::NotCanonical)));
        assert!(Entry::parse(&text.replace("\"format\":1", "\"format\":2")).is_err());
        assert!(Entry::parse(&text.replace("\"seq\":7", "\"seq\":7,\"seq\":8")).is_err());
        assert!(Entry::parse(&text.replace("\"seq\":7", "\"seq\":7,\"more\":8")).is_err());
    }
}
