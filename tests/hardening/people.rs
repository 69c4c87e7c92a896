//! Texts that look alike, or become alike when somebody is helpful with them, name different people and different groups:
//! they are compared letter by letter, on each database.

use std::collections::BTreeSet;

use lodge::domain::mapping::MappingTerms;
use lodge::domain::person::Subject;

use crate::support::broker::ask_for;
use crate::support::databases::Kind;
use crate::support::labs::Labs;
use crate::support::signed_in::signed_in;

/// All of them look like the first one, or are it after some clean-up: case folding, NFC, NFKC, a trim, a Turkish locale.
const ALIKE: [&str; 14] = [
    "igloo-caf\u{e9}",
    "igloo-cafe\u{301}",
    "Igloo-caf\u{e9}",
    "IGLOO-CAF\u{c9}",
    "\u{131}gloo-caf\u{e9}",
    "\u{130}gloo-caf\u{e9}",
    "\u{456}gloo-caf\u{e9}",
    "\u{ff49}gloo-caf\u{e9}",
    "igloo\u{2010}caf\u{e9}",
    "igloo-\u{200b}caf\u{e9}",
    "igloo-\u{200d}caf\u{e9}",
    "igloo-caf\u{e9}\u{200e}",
    "igloo-caf\u{e9}.",
    "igloo_caf\u{e9}",
];

/// The same for what a provider calls somebody, which has no letters beyond these.
const SUBJECTS: [&str; 10] =
    ["igloo-1", "Igloo-1", "IGLOO-1", "lgloo-1", "1gloo-1", "igloo-l", "igloo_1", "igloo-1.", "igloo--1", "igloo-1@x"];

#[test]
fn subjects_that_look_alike_are_different_people() {
    for kind in Kind::all("subjects_that_look_alike_are_different_people") {
        let labs = Labs::on(kind);
        let subjects: Vec<_> = SUBJECTS.iter().chain(&ALIKE).filter(|it| it.parse::<Subject>().is_ok()).collect();
        assert!(subjects.len() >= 8, "{subjects:?}");

        let first: Vec<_> = subjects.iter().map(|subject| signed_in(labs.broker(), subject, &[]).person).collect();
        let again: Vec<_> = subjects.iter().map(|subject| signed_in(labs.broker(), subject, &[]).person).collect();

        assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), subjects.len(), "nobody is merged");
        assert_eq!(first, again, "everybody is who they were");
    }
}

#[test]
fn groups_that_look_alike_give_nothing_of_each_other() {
    for kind in Kind::all("groups_that_look_alike_give_nothing_of_each_other") {
        let labs = Labs::on(kind);
        labs.mapping(&labs.a, ALIKE[0], "read-results", MappingTerms::default());
        for (n, group) in ALIKE.iter().enumerate() {
            if group.parse::<lodge::domain::claims::Group>().is_err() {
                continue;
            }
            let who = signed_in(labs.broker(), &format!("person-{n}"), &[group]);
            let status = ask_for(&labs.running.url, &who.token, "vision/read-results", "").status;

            assert_eq!(status, if n == 0 { 200 } else { 404 }, "{group:?}");
        }
    }
}
