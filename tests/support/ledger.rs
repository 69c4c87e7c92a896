//! What a ledger and the credentials that people have in hand must say of each other, whatever happened to the broker.

use std::collections::{BTreeMap, BTreeSet};

use lodge::domain::ledger::{Entry, Event};
use lodge::store::LedgerRow;

use super::caller::Received;

/// Everything that must not be, a line for each.
pub(crate) fn complaints(ledger: &[Entry], received: &[Received]) -> Vec<String> {
    let mut found = Vec::new();
    let issued: BTreeMap<&str, &Entry> =
        ledger.iter().filter_map(|entry| Some((access_key_id(entry)?, entry))).collect();
    for credential in received {
        match issued.get(credential.access_key_id.as_str()) {
            None => found.push(format!("{} was received and is not in the ledger", credential.access_key_id)),
            Some(entry) if entry.thread.id() != credential.role_session => {
                found.push(format!("{} is in the ledger under another attempt", credential.access_key_id));
            }
            Some(_) => {}
        }
    }

    let (mut begun, mut ended) = (BTreeSet::new(), BTreeSet::new());
    for entry in in_order(ledger) {
        let attempt = entry.thread.id();
        if matches!(entry.event, Event::Attempted { .. }) {
            if !begun.insert(attempt) {
                found.push(format!("{attempt} began twice"));
            }
        } else {
            if !begun.contains(attempt) {
                found.push(format!("{attempt} ended before it began"));
            }
            if !ended.insert(attempt) {
                found.push(format!("{attempt} ended twice"));
            }
        }
    }
    found
}

/// What the ledger has of attempts, out of all that it has: what was done to set the labs up stands in it, too.
///
/// # Panics
///
/// When an entry is missing anywhere.
pub(crate) fn attempts_in(rows: Vec<LedgerRow>) -> Vec<Entry> {
    let all: Vec<Entry> = rows.into_iter().map(|row| row.entry).collect();
    assert_eq!(gaps(&all), [""; 0]);
    all.into_iter().filter(|entry| entry.event.is_of_attempt()).collect()
}

/// The places where entries are missing, a line for each.
fn gaps(ledger: &[Entry]) -> Vec<String> {
    let (mut found, mut places) = (Vec::new(), BTreeMap::new());
    for entry in in_order(ledger) {
        let book = String::from(entry.book.clone());
        let last = places.insert(book.clone(), entry.seq).unwrap_or(0);
        if entry.seq != last + 1 {
            found.push(format!("{book}: after {last} comes {}", entry.seq));
        }
    }
    found
}

fn in_order(ledger: &[Entry]) -> Vec<&Entry> {
    let mut in_order: Vec<&Entry> = ledger.iter().collect();
    in_order.sort_by_key(|entry| entry.seq);
    in_order
}

/// The attempts that have no outcome.
pub(crate) fn open(ledger: &[Entry]) -> BTreeSet<&str> {
    let ended: BTreeSet<&str> = ledger.iter().filter(|e| !is_attempted(e)).map(|e| e.thread.id()).collect();
    ledger.iter().map(|entry| entry.thread.id()).filter(|attempt| !ended.contains(attempt)).collect()
}

/// How many credentials the ledger says were issued.
pub(crate) fn count_issued(ledger: &[Entry]) -> usize {
    ledger.iter().filter(|entry| access_key_id(entry).is_some()).count()
}

fn is_attempted(entry: &Entry) -> bool {
    matches!(entry.event, Event::Attempted { .. })
}

fn access_key_id(entry: &Entry) -> Option<&str> {
    match &entry.event {
        Event::Issued { access_key_id, .. } => Some(access_key_id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use lodge::domain::id::{MappingId, PersonId, RoleSessionId};
    use lodge::domain::ledger::{Book, Draft, Failure, Thread};

    use super::*;

    fn entry(seq: i64, attempt: u8, event: Event) -> Entry {
        let (person, attempt) = (PersonId::from_entropy([1; 10]), RoleSessionId::from_entropy([attempt; 10]));
        Entry::new(
            Book::Broker,
            seq,
            Draft { at: DateTime::UNIX_EPOCH, thread: Thread::Attempt(person, attempt), event },
        )
    }

    fn attempted() -> Event {
        Event::Attempted { lab: "vision".parse().unwrap(), role: "pay".parse().unwrap(), wanted_seconds: None }
    }

    fn issued(access_key_id: &str) -> Event {
        Event::Issued {
            mapping: MappingId::from_entropy([1; 10]),
            access_key_id: access_key_id.to_owned(),
            session_arn: String::new(),
            expires_at: String::new(),
            template: String::new(),
            policy_sha256: String::new(),
            aws_request_id: None,
        }
    }

    fn interrupted() -> Event {
        Event::Failed { reason: Failure::Interrupted, aws_code: None, aws_request_id: None }
    }

    fn received(access_key_id: &str, attempt: u8) -> Received {
        let role_session = RoleSessionId::from_entropy([attempt; 10]).to_string();
        Received { access_key_id: access_key_id.to_owned(), role_session }
    }

    #[test]
    fn a_ledger_that_knows_every_credential_has_no_complaint() {
        let ledger = [
            entry(1, 1, attempted()),
            entry(2, 2, attempted()),
            entry(3, 1, issued("ASIAONE")),
            entry(4, 3, attempted()),
            entry(5, 3, interrupted()),
        ];

        assert_eq!(complaints(&ledger, &[received("ASIAONE", 1)]), [""; 0]);
        assert_eq!(complaints(&ledger, &[]), [""; 0], "a credential that nobody received may be in the ledger");
        assert_eq!(open(&ledger), BTreeSet::from([ledger[1].thread.id()]));
        assert_eq!(count_issued(&ledger), 1);
    }

    #[test]
    fn each_planted_fault_is_found() {
        let (begun, ended) = (entry(1, 1, attempted()), entry(2, 1, issued("ASIAONE")));
        let one = || received("ASIAONE", 1);
        let told = |ledger: &[Entry], received: &[Received]| complaints(ledger, received).join("; ");

        assert!(told(std::slice::from_ref(&begun), &[one()]).contains("ASIAONE was received and is not in the ledger"));
        assert!(told(&[], &[one()]).contains("ASIAONE was received"));
        assert!(told(&[begun.clone(), entry(2, 1, interrupted())], &[one()]).contains("ASIAONE was received"));
        assert!(told(&[begun.clone(), ended.clone()], &[received("ASIAONE", 2)]).contains("under another attempt"));
        assert!(told(&[begun.clone(), ended.clone(), entry(3, 1, interrupted())], &[]).contains("ended twice"));
        assert!(told(&[begun.clone(), entry(2, 1, attempted())], &[]).contains("began twice"));
        assert!(told(&[entry(1, 1, issued("ASIAONE"))], &[]).contains("ended before it began"));
        assert_eq!(gaps(&[begun.clone(), ended]), [""; 0]);
        assert_eq!(gaps(&[begun, entry(3, 1, issued("ASIAONE"))]), ["broker: after 1 comes 3"]);
    }
}
