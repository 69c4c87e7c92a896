//! A lab has a PI, whatever its people do to each other at the same moment.

use std::collections::BTreeSet;

use lodge::domain::lab::Office;
use serde_json::json;

use super::{PEOPLE, Stage, at_once, on_each, problem};
use crate::support::serving::wait;
use crate::support::signed_in::SignedIn;
use crate::support::visitor::Page;

fn leave(stage: &Stage, who: &SignedIn) -> Page {
    remove(stage, who, who)
}

fn remove(stage: &Stage, by: &SignedIn, who: &SignedIn) -> Page {
    stage.ask(by, "DELETE", &format!("{PEOPLE}/{}", who.person)).send()
}

fn make(stage: &Stage, by: &SignedIn, who: &SignedIn, standing: &str) -> Page {
    stage.ask(by, "PUT", &format!("{PEOPLE}/{}", who.person)).json(&json!({"standing": standing})).send()
}

/// The PIs that the lab's ledger leaves it with.
fn pis(stage: &Stage) -> Vec<String> {
    let mut pis = BTreeSet::new();
    for act in stage.acts(0) {
        let person = act["person"].as_str().unwrap_or_default().to_owned();
        match act["kind"].as_str().unwrap() {
            "standing-given" if act["standing"] == "pi" => pis.insert(person),
            "standing-given" | "standing-taken" => pis.remove(&person),
            _ => false,
        };
    }
    pis.into_iter().collect()
}

#[test]
fn the_only_pi_neither_leaves_nor_becomes_a_manager() {
    on_each("the_only_pi_neither_leaves_nor_becomes_a_manager", |stage| {
        assert_eq!(leave(stage, &stage.two).status, 204);
        let before = stage.entries();

        for refused in [leave(stage, &stage.one), make(stage, &stage.one, &stage.one, "manager")] {
            assert_eq!((refused.status, problem(&refused).as_str()), (409, "conflict"), "{}", refused.body);
        }
        // A PI again changes nothing, and is no entry.
        assert_eq!(make(stage, &stage.one, &stage.one, "pi").status, 200);
        assert_eq!(stage.entries(), before);
        assert_eq!(pis(stage), [stage.one.person.to_string()]);

        // Once there is another, they may.
        assert_eq!(make(stage, &stage.one, &stage.manager, "pi").status, 200);
        assert_eq!(leave(stage, &stage.one).status, 204);
        assert_eq!(pis(stage), [stage.manager.person.to_string()]);
        assert_eq!(leave(stage, &stage.one).status, 404, "who has left is a stranger");
    });
}

#[test]
fn a_pi_who_is_suspended_does_not_answer_for_the_lab() {
    on_each("a_pi_who_is_suspended_does_not_answer_for_the_lab", |stage| {
        wait(stage.labs.seeding().desk().suspend(&stage.two.person)).unwrap();

        for refused in [leave(stage, &stage.one), make(stage, &stage.one, &stage.one, "manager")] {
            assert_eq!((refused.status, problem(&refused).as_str()), (409, "conflict"));
        }
        assert_eq!(remove(stage, &stage.one, &stage.two).status, 204, "and can be removed");
    });
}

#[test]
fn who_may_appoint_and_remove_whom() {
    on_each("who_may_appoint_and_remove_whom", |stage| {
        for (by, who) in [(&stage.manager, &stage.one), (&stage.manager, &stage.manager)] {
            let refused = make(stage, by, who, "pi");
            assert_eq!((refused.status, problem(&refused).as_str()), (403, "standing-needed"));
        }
        assert_eq!(remove(stage, &stage.manager, &stage.one).status, 403);
        for nobody in ["p-0000000000000000", "nobody", "%00"] {
            let path = format!("{PEOPLE}/{nobody}");
            let put = stage.ask(&stage.one, "PUT", &path).json(&json!({"standing": "pi"})).send();
            let delete = stage.ask(&stage.one, "DELETE", &path).send();
            assert_eq!((put.status, delete.status), (404, 404), "{nobody}");
            assert_eq!((problem(&put).as_str(), problem(&delete).as_str()), ("not-in-lab", "not-in-lab"));
        }
        for standing in ["member", "PI", "", "operator"] {
            assert_eq!(make(stage, &stage.one, &stage.manager, standing).status, 400, "{standing}");
        }
        assert_eq!(leave(stage, &stage.manager).status, 204);
    });
}

/// What two PIs do to the lab at the same moment; one of them is always left.
#[test]
fn of_two_pis_who_leave_at_the_same_moment_one_stays() {
    on_each("of_two_pis_who_leave_at_the_same_moment_one_stays", |stage| {
        let Stage { one, two, .. } = stage;
        for round in 0..20 {
            for subject in ["one", "two"] {
                stage.labs.appoint(&stage.labs.a, Office::Pi, subject);
            }

            let (first, second) = match round % 4 {
                0 => at_once(|| leave(stage, one), || leave(stage, two)),
                1 => at_once(|| make(stage, one, one, "manager"), || make(stage, two, two, "manager")),
                2 => at_once(|| remove(stage, one, two), || remove(stage, two, one)),
                _ => at_once(|| make(stage, one, two, "manager"), || make(stage, two, one, "manager")),
            };

            let mut statuses = [first.status, second.status];
            statuses.sort_unstable();
            // Who was removed before they could remove is a stranger; who was made a manager is no PI.
            let expected = [[204, 409], [200, 409], [204, 404], [200, 403]][round % 4];
            assert_eq!(statuses, expected, "round {round}: {} {}", first.body, second.body);
            assert_eq!(pis(stage).len(), 1, "round {round}");
        }
    });
}
