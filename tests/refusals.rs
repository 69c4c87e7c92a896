//! Nobody without a mapping gets anything: one sentence that says what to do, an entry in the ledger, and no call to AWS.
//! A lab of strangers cannot be told from a lab that does not exist.

use std::collections::BTreeMap;

use lodge::demo::aws::Service;
use lodge::demo::seed;
use lodge::domain::access::Refusal;
use lodge::domain::ledger::{Book, Entry, Event};
use lodge::playground::Seeding;
use lodge::store::LedgerRow;

use crate::support::only_line;
use crate::support::person::Person;
use crate::support::world::World;

/// Who gets nothing where: a person, what the sentence says of their groups, and roles beside those that nobody has.
const WITHOUT: [(&str, &str, &[&str]); 4] = [
    ("guest", "no groups", &["vision/read-results", "vision/publish", "vision/pay"]),
    ("student", "these groups: vision-students", &["vision/publish", "vision/pay"]),
    ("postdoc", "these groups: vision-payers, vision-publishers", &["vision/read-results"]),
    ("professor", "these groups: vision-pi", &["vision/read-results", "vision/publish", "vision/pay"]),
];

/// A lab where nobody of the demo belongs, one that does not exist, and a role that does not.
const NOBODYS: [&str; 5] =
    ["language/read-results", "language/publish", "language/pay", "atlantis/pay", "vision/no-such-role"];

/// What the broker answered, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Raw {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// Asks for credentials as a program that is not the helper would.
fn ask(world: &World, token: &str, path: &str) -> Raw {
    let settings = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build();
    let request = ureq::Agent::from(settings).post(format!("{}/api/v1/labs/{path}/credentials", world.url));
    let mut answer = request.header("authorization", format!("Bearer {token}")).send_empty().unwrap();
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    Raw {
        status: answer.status().as_u16(),
        headers: answer.headers().iter().map(header).collect(),
        body: answer.body_mut().read_to_vec().unwrap(),
    }
}

/// What a stranger could tell two answers apart by. The request's own id and the time are no such thing.
fn tells(one: &Raw, other: &Raw) -> Vec<String> {
    let public = |raw: &Raw| -> Vec<_> {
        raw.headers.iter().filter(|(name, _)| !matches!(name.as_str(), "x-request-id" | "date")).cloned().collect()
    };
    let mut found = Vec::new();
    if one.status != other.status {
        found.push(format!("status: {} and {}", one.status, other.status));
    }
    if public(one) != public(other) {
        found.push(format!("headers: {:?} and {:?}", public(one), public(other)));
    }
    if one.body != other.body {
        found.push(format!("body: {:?} and {:?}", one.body.escape_ascii(), other.body.escape_ascii()));
    }
    found
}

/// The entries of each attempt, in order.
fn attempts(ledger: &[LedgerRow]) -> BTreeMap<String, Vec<Entry>> {
    let mut attempts = BTreeMap::<_, Vec<_>>::new();
    for row in ledger {
        let entry = Entry::parse(&row.text).unwrap();
        attempts.entry(entry.thread.id().to_owned()).or_default().push(entry);
    }
    attempts
}

/// The one outcome of an attempt; panics unless it has exactly one, after its beginning.
fn outcome(entries: &[Entry]) -> &Event {
    let kinds: Vec<_> = entries.iter().map(|entry| entry.event.kind()).collect();
    let [begun, ended] = entries else { panic!("an attempt with {kinds:?}") };
    assert!(matches!(begun.event, Event::Attempted { .. }), "{kinds:?}");
    assert!(!matches!(ended.event, Event::Attempted { .. }), "{kinds:?}");
    assert_eq!((&begun.book, &begun.thread), (&ended.book, &ended.thread));
    &ended.event
}

/// What a text says that names somebody of the demo.
fn names_in(text: &str) -> Vec<String> {
    let words = |person: lodge::demo::idp::Person| {
        let parts: Vec<_> = person.name.split(' ').filter(|part| part.len() > 3).map(str::to_owned).collect();
        [vec![person.name, person.username, person.subject], parts].concat()
    };
    seed::people().into_iter().flat_map(words).filter(|name| text.contains(name.as_str())).collect()
}

#[test]
fn whoever_has_no_mapping_is_refused_in_one_sentence_and_aws_hears_nothing() {
    let world = World::start();

    let mut asked = 0;
    for (name, groups, more) in WITHOUT {
        let person = Person::signed_in(name, &world.url);
        for role in NOBODYS.iter().chain(more) {
            let ended = person.ask_for(role);
            asked += 1;

            assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(1), ""), "{name}, {role}");
            assert_eq!(
                only_line(&ended.stderr),
                format!(
                    "lodge: {role}: You have no such role: your sign-in at Example University brought {groups}. `lodge status` \
                     lists what you may use; for anything else, check the spelling, or ask the lab's PI to map one of \
                     your groups to the role and then sign in again."
                ),
                "{name}"
            );
        }
    }

    assert_eq!(world.aws.calls(), [], "a refusal must not reach AWS");
    let ledger = world.ledger();
    let attempts = attempts(&ledger);
    assert_eq!(attempts.len(), asked);
    let refused = Event::Refused { reason: Refusal::NoMapping };
    assert!(attempts.values().all(|entries| *outcome(entries) == refused));
    assert_eq!(ledger.iter().filter(|row| row.entry.book == Book::Broker).count(), 2 * WITHOUT.len(), "atlantis");
    // That AWS would have been heard.
    assert!(Person::signed_in("student", &world.url).ask_for("vision/read-results").status.success());
    assert_eq!(world.calls_of(Service::Sts).len(), 1);
}

#[test]
fn a_group_of_the_same_name_at_another_connection_gives_nothing() {
    let world = World::start();
    let student = Person::signed_in("student", &world.url);
    world.wait_for(async {
        let seeding = Seeding::new(&world.broker).unwrap();
        let lab = seeding.lab(&"vision".parse().unwrap()).await.unwrap().unwrap();
        seeding.add_mapping(&lab, "elsewhere", "vision-students", "pay").await.unwrap();
    });

    let ended = student.ask_for("vision/pay");

    assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(1), ""));
    assert!(!student.lodge(&["status"]).stdout.contains("vision/pay"));
    assert_eq!(world.aws.calls(), []);
}

#[test]
fn a_lab_of_strangers_answers_byte_for_byte_like_one_that_does_not_exist() {
    let world = World::start();

    for name in ["guest", "student"] {
        let token = Person::signed_in(name, &world.url).token(&world.url);
        let strangers = ask(&world, &token, "language/roles/pay");

        assert_eq!(strangers.status, 404);
        for path in
            ["atlantis/roles/pay", "atlantis/roles/no-such-role", "vision/roles/no-such-role", "NO%20LAB/roles/%00"]
        {
            let found = tells(&strangers, &ask(&world, &token, path));
            assert!(found.is_empty(), "{name} can tell {path}:\n{}", found.join("\n"));
        }
    }
}

#[test]
fn answers_that_differ_are_told_apart() {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let raw = Raw {
        status: 404,
        headers: vec![header("content-type", "a/b"), header("date", "today"), header("x-request-id", "req-1")],
        body: b"the same".to_vec(),
    };
    let changed = |change: fn(&mut Raw)| {
        let mut other = raw.clone();
        change(&mut other);
        tells(&raw, &other).len()
    };

    assert_eq!(changed(|other| other.headers[1].1 = "tomorrow".into()), 0);
    assert_eq!(changed(|other| other.headers[2].1 = "req-2".into()), 0);
    assert_eq!(changed(|other| other.status = 403), 1);
    assert_eq!(changed(|other| other.headers[0].1 = "a/c".into()), 1);
    assert_eq!(changed(|other| other.headers.push(("x-lab".into(), "language".into()))), 1);
    assert_eq!(changed(|other| other.body[3] ^= 1), 1);
    assert_eq!(changed(|other| other.body.push(b' ')), 1);
}

#[test]
fn every_attempt_is_in_the_ledger_with_one_outcome_and_nobodys_name() {
    let world = World::start();
    let student = Person::signed_in("student", &world.url);
    let postdoc = Person::signed_in("postdoc", &world.url);

    let mut issued = 0;
    for (person, role) in [(&student, "vision/read-results"), (&postdoc, "vision/pay"), (&postdoc, "vision/publish")] {
        assert!(person.ask_for(role).status.success());
        issued += 1;
        assert!(!person.ask_for("language/pay").status.success());
        assert!(!person.ask_for("atlantis/pay").status.success());
    }

    let ledger = world.ledger();
    let attempts = attempts(&ledger);
    assert_eq!((attempts.len(), ledger.len()), (9, 18));
    let of_kind = |kind: &str| attempts.values().filter(|entries| outcome(entries).kind() == kind).count();
    assert_eq!((of_kind("issued"), of_kind("refused")), (issued, 6));
    for row in &ledger {
        assert_eq!(names_in(&row.text), [] as [String; 0], "{}", row.text);
    }
    let people: std::collections::BTreeSet<_> = ledger.iter().map(|row| row.entry.thread.who()).collect();
    assert_eq!(people.len(), 2);
}

#[test]
fn an_attempt_without_an_outcome_and_an_entry_with_a_name_are_noticed() {
    let world = World::start();
    assert!(!Person::signed_in("guest", &world.url).ask_for("vision/pay").status.success());
    let ledger = world.ledger();
    let entries: Vec<_> = ledger.iter().map(|row| row.entry.clone()).collect();

    assert!(std::panic::catch_unwind(|| outcome(&entries[..1]).kind()).is_err(), "no outcome");
    assert!(std::panic::catch_unwind(|| outcome(&[&entries[..], &entries[1..]].concat()).kind()).is_err(), "two");
    assert_eq!(names_in("{\"who\":\"Robin Vale\"}"), ["Robin Vale", "Robin", "Vale"]);
    assert_eq!(names_in("{\"who\":\"u-1004\"}"), ["u-1004"]);
}
