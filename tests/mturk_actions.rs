//! Every action of Mechanical Turk, called for real with credentials that the broker issued, against the checked-in
//! table.

use lodge::demo::aws::Service;
use serde_json::json;

use crate::support::permission_table::{Table, all_actions, differences, table};
use crate::support::person::Person;
use crate::support::signed::{Answer, Keys};
use crate::support::world::World;

/// Who holds which role in the vision lab.
const HOLDERS: [(&str, &str); 3] = [("student", "read-results"), ("postdoc", "publish"), ("postdoc", "pay")];

/// Whether the caller was let in. What was let in may still fail: it is called with nothing in it.
fn is_allowed(action: &str, answer: &Answer) -> bool {
    match answer.code() {
        "AccessDeniedException" => {
            let message = answer.body["Message"].as_str().unwrap();
            assert!(message.contains(action), "{message}");
            false
        }
        // A missing parameter, or an operation that the demo does not carry out.
        "" | "RequestError" | "ValidationException" | "ParameterValidationError" => true,
        other => panic!("{action}: {other} says nothing about permissions: {}", answer.body),
    }
}

/// What the small AWS let each role do.
fn tried(world: &World, expected: &Table) -> Table {
    let people = ["student", "postdoc"].map(|name| Person::signed_in(name, &world.url));
    let mut found = Table::new();
    for (holder, role) in HOLDERS {
        let person = people.iter().find(|person| person.name == holder).unwrap();
        let keys = Keys::printed_by(&person.ask_for(&format!("vision/{role}")));
        for action in all_actions(expected) {
            let operation = action.strip_prefix("mechanicalturk:").unwrap();
            let answer = keys.call_mturk(&world.aws_url, operation, &json!({}));
            found.insert((action.to_owned(), role.to_owned()), is_allowed(action, &answer));
        }
    }
    found
}

#[test]
fn each_role_can_do_what_the_table_says_of_all_actions() {
    let world = World::start();
    let expected = table();

    let found = tried(&world, &expected);

    let wrong = differences(&expected, &found);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(found.len(), 39 * 3);
    let heard = world.calls_of(Service::MTurk);
    assert_eq!(heard.len(), 39 * 3);
    assert!(heard.iter().all(|call| call.caller.is_some() && !call.action.is_empty()), "each was authenticated");
    assert_eq!(world.calls_of(Service::Sts).len(), 3);
    for cell in expected.keys() {
        let mut flipped = expected.clone();
        flipped.entry(cell.clone()).and_modify(|is_allowed| *is_allowed = !*is_allowed);
        assert_eq!(differences(&flipped, &found).len(), 1, "a table wrong at {cell:?} must be noticed");
    }
}
