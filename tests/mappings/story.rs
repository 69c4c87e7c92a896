//! Every change stands in the lab's ledger, in order, with who did it.

use lodge::domain::id::PersonId;
use serde_json::json;

use super::{PEOPLE, Stage, on_each};
use crate::support::signed_in::signed_in;

#[test]
fn every_change_stands_in_the_lab_s_ledger_with_who_did_it() {
    on_each("every_change_stands_in_the_lab_s_ledger_with_who_did_it", |stage| {
        let Stage { one, two, manager, .. } = stage;
        let begun = stage.entries();
        let newcomer = signed_in(stage.labs.broker(), "newcomer", &[]);
        let place = format!("{PEOPLE}/{}", newcomer.person);
        let body = |standing: &str| json!({"standing": standing});

        let id = stage.added(manager, "students", "pay", &json!({"needs_mfa": true}));
        assert_eq!(stage.edit(one, &id, 1, &json!({"needs_mfa": false, "max_duration_seconds": 1_800})).status, 200);
        assert_eq!(stage.edit(one, &id, 2, &json!({})).status, 200, "nothing changes, and nothing is written");
        assert_eq!(stage.end(two, &id, 2).status, 200);
        assert_eq!(stage.add(one, "group-of-one", "pay", &json!({})).status, 202);
        let [asked] = &stage.waiting()[..] else { panic!() };
        assert_eq!(stage.confirm(two, asked).status, 200);
        assert_eq!(stage.add(two, "group-of-two", "pay", &json!({})).status, 202);
        let [withdrawn] = &stage.waiting()[..] else { panic!() };
        assert_eq!(stage.decline(two, withdrawn).status, 204);
        assert_eq!(stage.ask(one, "PUT", &place).json(&body("manager")).send().status, 200);
        assert_eq!(stage.ask(two, "PUT", &place).json(&body("pi")).send().status, 200);
        assert_eq!(stage.ask(&newcomer, "DELETE", &place).send().status, 204);
        // What was refused is not in it.
        assert_eq!(stage.ask(manager, "DELETE", &format!("{PEOPLE}/{}", one.person)).send().status, 403);

        let acts = stage.acts(begun);
        let told: Vec<_> =
            acts.iter().map(|act| (act["kind"].as_str().unwrap(), act["by"].as_str().unwrap())).collect();
        let [one, two, manager, newcomer] =
            [one, two, manager, &newcomer].map(|somebody| PersonId::as_str(&somebody.person));
        assert_eq!(
            told,
            [
                ("mapping-added", manager),
                ("mapping-edited", one),
                ("mapping-ended", two),
                ("mapping-change-asked", one),
                ("mapping-added", two),
                ("mapping-change-asked", two),
                ("mapping-change-declined", two),
                ("standing-given", one),
                ("standing-given", two),
                ("standing-taken", newcomer),
            ]
        );
        assert_eq!(
            (&acts[1]["before"], &acts[1]["after"]),
            (
                &json!({"needs-mfa": true, "needs-approval": false}),
                &json!({"needs-mfa": false, "needs-approval": false, "max-duration-seconds": 1_800})
            )
        );
        assert_eq!((&acts[8]["before"], &acts[8]["standing"]), (&json!("manager"), &json!("pi")));
        assert_eq!(acts[9]["before"], "pi");
        for act in &acts {
            let text = act.to_string();
            assert!(!text.contains("newcomer"), "nobody's name: {text}");
        }
        // And nothing of it in another book.
        let others = stage.labs.book(&stage.labs.b);
        assert!(others.iter().all(|entry| ["lab-created", "role-added"].contains(&entry.event.kind())));
    });
}
