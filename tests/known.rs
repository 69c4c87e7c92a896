//! What is kept of somebody who asked for a role: who was given one is known in its lab, and the session is kept as long
//! as it lives and a little longer. Who was refused is known nowhere.

use chrono::{DateTime, TimeDelta, Utc};
use lodge::domain::id::{MappingId, PersonId};
use lodge::domain::lab::{Lab, Office};
use lodge::domain::ledger::Event;
use lodge::domain::mapping::MappingTerms;

use crate::support::broker::ask_for;
use crate::support::databases::{Kind, look};
use crate::support::labs::Labs;
use crate::support::scripted_sts::Reply;
use crate::support::serving::wait;
use crate::support::signed_in::{SignedIn, signed_in};

/// Who is known where, since when, and when they asked last.
fn known(labs: &Labs) -> Vec<(String, String, DateTime<Utc>, DateTime<Utc>)> {
    let query = "select lab_id, person_id, first_asked_at, last_asked_at from lab_person order by 1, 2";
    wait(look(&labs.running.database.owner, query))
}

/// A session: its lab, its id, whose it is, its role, its mapping, its beginning and its end.
type Kept = (String, String, String, String, String, DateTime<Utc>, DateTime<Utc>);

fn sessions(labs: &Labs) -> Vec<Kept> {
    wait(look(
        &labs.running.database.owner,
        "select lab_id, id, person_id, role, mapping_id, issued_at, expires_at from role_session \
         order by issued_at, id",
    ))
}

/// The sessions that the lab's ledger says were issued.
fn issued(labs: &Labs, lab: &Lab, person: &PersonId, mapping: &MappingId) -> Vec<Kept> {
    let entries = labs.book(lab).into_iter().filter_map(|entry| match entry.event {
        Event::Issued { expires_at, .. } => Some((
            lab.id.to_string(),
            entry.thread.id().to_owned(),
            person.to_string(),
            "read-results".to_owned(),
            mapping.to_string(),
            entry.at.parse().unwrap(),
            expires_at.parse().unwrap(),
        )),
        _ => None,
    });
    entries.collect()
}

fn asks(labs: &Labs, who: &SignedIn, role: &str) -> u16 {
    ask_for(&labs.running.url, &who.token, role, "").status
}

#[test]
fn whoever_is_given_a_role_is_known_in_its_lab_and_the_session_is_kept() {
    for kind in Kind::all("whoever_is_given_a_role_is_known_in_its_lab_and_the_session_is_kept") {
        let labs = Labs::on(kind);
        let mapping = labs.mapping(&labs.a, "students", "read-results", MappingTerms::default());
        let student = signed_in(labs.broker(), "student", &["students"]);
        let begun = labs.now();
        assert_eq!((known(&labs), sessions(&labs)), (vec![], vec![]), "who is in a mapped group is not known for that");

        assert_eq!(asks(&labs, &student, "vision/read-results"), 200);
        labs.advance(TimeDelta::minutes(10));
        assert_eq!(asks(&labs, &student, "vision/read-results"), 200);

        assert_eq!(known(&labs), [(labs.a.id.to_string(), student.person.to_string(), begun, labs.now())]);
        assert_eq!(sessions(&labs), issued(&labs, &labs.a, &student.person, &mapping));
        assert_eq!(sessions(&labs).len(), 2);
    }
}

#[test]
fn whoever_is_refused_is_not_known() {
    for kind in Kind::all("whoever_is_refused_is_not_known") {
        let labs = Labs::on(kind);
        labs.mapping(&labs.a, "students", "read-results", MappingTerms::default());
        let unapproved = MappingTerms { needs_approval: true, ..MappingTerms::default() };
        labs.mapping(&labs.a, "students", "pay", unapproved);
        let student = signed_in(labs.broker(), "student", &["students"]);
        let stranger = signed_in(labs.broker(), "stranger", &["chess"]);
        let pi = labs.holder(&labs.a, Office::Pi, "pi", &[]);

        for role in ["vision/read-results", "vision/no-such-role", "language/pay", "atlantis/pay"] {
            assert_eq!(asks(&labs, &stranger, role), 404, "{role}");
            assert_eq!(asks(&labs, &pi, role), 404, "{role}");
        }
        assert_eq!(asks(&labs, &student, "language/read-results"), 404);
        assert_eq!(asks(&labs, &student, "vision/pay"), 403, "the approval is missing");
        let body = r#"{"duration_seconds": 3601}"#;
        assert_ne!(ask_for(&labs.running.url, &student.token, "vision/read-results", body).status, 200);

        assert_eq!((known(&labs), sessions(&labs)), (vec![], vec![]));
        // That it would have been seen.
        assert_eq!(asks(&labs, &student, "vision/read-results"), 200);
        assert_eq!((known(&labs).len(), sessions(&labs).len()), (1, 1));
    }
}

#[test]
fn whoever_got_nothing_from_aws_is_known_and_has_no_session() {
    for kind in Kind::all("whoever_got_nothing_from_aws_is_known_and_has_no_session") {
        let labs = Labs::on(kind);
        labs.mapping(&labs.a, "students", "read-results", MappingTerms::default());
        let student = signed_in(labs.broker(), "student", &["students"]);
        labs.sts.reply(Reply::Error(403, "AccessDenied"));

        assert_eq!(asks(&labs, &student, "vision/read-results"), 424);

        let now = labs.now();
        assert_eq!(known(&labs), [(labs.a.id.to_string(), student.person.to_string(), now, now)]);
        assert_eq!(sessions(&labs), []);
    }
}

#[test]
fn a_session_is_forgotten_a_day_after_its_end_and_its_person_is_not() {
    for kind in Kind::all("a_session_is_forgotten_a_day_after_its_end_and_its_person_is_not") {
        let labs = Labs::on(kind);
        labs.mapping(&labs.a, "students", "read-results", MappingTerms::default());
        let student = signed_in(labs.broker(), "student", &["students"]);
        assert_eq!(asks(&labs, &student, "vision/read-results"), 200);
        let [(.., expires_at)] = sessions(&labs)[..] else { panic!() };

        labs.advance(expires_at - labs.now() + TimeDelta::days(1));
        wait(labs.broker().sweep()).unwrap();
        assert_eq!(sessions(&labs).len(), 1);
        labs.advance(TimeDelta::seconds(1));
        wait(labs.broker().sweep()).unwrap();

        assert_eq!((sessions(&labs), known(&labs).len()), (vec![], 1));
    }
}
