//! What the templates under `policies/s3-data/` allow of every action of S3, below the prefix and outside of it, checked
//! against a table that people can read and against an evaluator that is not ours.

use std::collections::{BTreeMap, BTreeSet};

use lodge::domain::account::Permissions;
use lodge::domain::policy::{
    Access, AccessLevel, Context, Document, Layers, Money, PolicyLibrary, PolicyTemplate, Request, SessionPolicy,
    catalog, decide_access,
};
use serde_json::{Value, json};

use crate::support::peers::{self, Peer};
use crate::support::permission_table::{self, Table, all_actions, differences, simulated};

const ROLES: [&str; 2] = ["read-results", "publish"];

/// What a call is made on, and the `s3:prefix` that it carries.
struct Place {
    name: &'static str,
    /// The type of resource, as the service authorization reference calls it.
    kind: &'static str,
    resource: &'static str,
    prefix: Option<&'static str>,
}

const fn object(name: &'static str, resource: &'static str) -> Place {
    Place { name, kind: "object", resource, prefix: None }
}

const fn bucket(name: &'static str, resource: &'static str, prefix: Option<&'static str>) -> Place {
    Place { name, kind: "bucket", resource, prefix }
}

const OWN: &str = "arn:aws:s3:::vision-results";

const INSIDE: [Place; 2] = [
    object("an object", "arn:aws:s3:::vision-results/results/2026/a.csv"),
    bucket("the bucket", OWN, Some("results/2026/")),
];

const OUTSIDE: [Place; 13] = [
    object("another prefix", "arn:aws:s3:::vision-results/raw/a.csv"),
    object("above the prefix", "arn:aws:s3:::vision-results/results/a.csv"),
    object("a prefix that begins alike", "arn:aws:s3:::vision-results/results/2026-secret/a.csv"),
    object("the prefix without its slash", "arn:aws:s3:::vision-results/results/2026"),
    object("the prefix in another case", "arn:aws:s3:::vision-results/Results/2026/a.csv"),
    object("an object of another bucket", "arn:aws:s3:::other-results/results/2026/a.csv"),
    object("a bucket that begins alike", "arn:aws:s3:::vision-results-2/results/2026/a.csv"),
    bucket("no prefix", OWN, None),
    bucket("an empty prefix", OWN, Some("")),
    bucket("a list of another prefix", OWN, Some("raw/")),
    bucket("a list of what begins alike", OWN, Some("results/2026")),
    bucket("a list above the prefix", OWN, Some("results/")),
    bucket("another bucket", "arn:aws:s3:::other-results", Some("results/2026/")),
];

fn template(role: &str) -> PolicyTemplate {
    PolicyLibrary::shipped().unwrap().get(&format!("s3-data/{role}").parse().unwrap()).unwrap().clone()
}

fn filled(role: &str) -> SessionPolicy {
    let template = template(role);
    let examples: BTreeMap<_, _> =
        template.parameters().iter().map(|(name, parameter)| (name.clone(), parameter.example.clone())).collect();
    assert_eq!((&*examples["bucket"], &*examples["prefix"]), ("vision-results", "results/2026/"));
    template.fill(&examples).unwrap()
}

/// What the lab's account allows: what both roles do together.
fn account() -> Value {
    Permissions::of(&ROLES.map(filled)).unwrap().document().clone()
}

/// The checked-in table.
fn table() -> Table {
    permission_table::read("s3-actions.csv", "s3")
}

fn column(role: &str, place: &Place) -> String {
    format!("{role} on {}", place.name)
}

/// What our own evaluator says of every action at these places.
fn decided(actions: &BTreeSet<&str>, places: &[Place]) -> Table {
    let account = [Document::parse(&account().to_string()).unwrap()];
    let mut table = Table::new();
    for role in ROLES {
        let session = Document::parse(filled(role).as_str()).unwrap();
        let layers = Layers { identity: &account, boundary: Some(&account[0]), session: Some(&session), trust: None };
        for place in places {
            let context =
                place.prefix.iter().fold(Context::new(), |context, prefix| context.with("s3:prefix", *prefix));
            for action in actions {
                let request = Request { action, resource: place.resource, context: &context };
                let is_allowed = decide_access(&layers, &request) == Access::Allowed;
                table.insert(((*action).to_owned(), column(role, place)), is_allowed);
            }
        }
    }
    table
}

/// What the independent evaluator says of them. It takes no call of an action on a type of resource that the action is
/// not for, as AWS has none: of those it is not asked.
fn independently_decided(actions: &BTreeSet<&str>, places: &[Place], policies: &BTreeMap<&str, Value>) -> Table {
    let mut calls = serde_json::Map::new();
    for action in actions {
        for place in places {
            let kinds = &catalog::action(action).unwrap().resources;
            if kinds.iter().any(|kind| kind == place.kind) {
                let context = place.prefix.map_or(json!({}), |prefix| json!({"s3:prefix": prefix}));
                let call = json!({"action": action, "resource": place.resource, "context": context});
                calls.insert(format!("{action} {}", place.name), call);
            }
        }
    }
    let account = account();
    let question = json!({"rolePolicy": account, "boundary": account, "sessionPolicies": policies, "calls": calls});
    let cell = |((call, role), is_allowed): ((String, String), bool)| {
        let (action, place) = call.split_once(' ').unwrap();
        ((action.to_owned(), format!("{role} on {place}")), is_allowed)
    };
    simulated(&question).into_iter().map(cell).collect()
}

fn policies() -> BTreeMap<&'static str, Value> {
    ROLES.map(|role| (role, serde_json::from_str(filled(role).as_str()).unwrap())).into()
}

/// The cells of a table that the independent evaluator can be asked for.
fn of_right_kind(table: &Table, places: &[Place]) -> Table {
    let is_right = |action: &str, column: &str| {
        let place = places.iter().find(|place| column.ends_with(&format!(" on {}", place.name))).unwrap();
        catalog::action(action).unwrap().resources.iter().any(|kind| kind == place.kind)
    };
    table.iter().filter(|((action, column), _)| is_right(action, column)).map(|(k, v)| (k.clone(), *v)).collect()
}

/// Outside, everything is denied; but which region the bucket is in is no secret of a prefix.
fn expected_outside(actions: &BTreeSet<&str>) -> Table {
    let cell = |role, place: &Place, action: &str| {
        let is_allowed = action == "s3:GetBucketLocation" && place.resource == OWN;
        ((action.to_owned(), column(role, place)), is_allowed)
    };
    let of_role =
        |role| OUTSIDE.iter().flat_map(move |place| actions.iter().map(move |action| cell(role, place, action)));
    ROLES.into_iter().flat_map(of_role).collect()
}

#[test]
fn the_table_has_every_action_of_s3() {
    let table = table();
    let known: BTreeSet<&str> = catalog::actions_of("s3").map(|action| action.name.as_str()).collect();
    let allowed = |role: &str| -> BTreeSet<&str> {
        let of_role = table.iter().filter(|((_, column), is_allowed)| **is_allowed && column.starts_with(role));
        of_role.map(|((action, _), _)| action.as_str()).collect()
    };

    assert_eq!((all_actions(&table), known.len(), table.len()), (known, 168, 168 * 4));
    let read = ["s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket"].into();
    assert_eq!(allowed("read-results"), read);
    let more = ["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutObject"].into();
    assert_eq!(allowed("publish"), &read | &more);
}

#[test]
fn below_the_prefix_each_role_can_do_what_the_table_says_of_all_actions() {
    let table = table();

    let found = differences(&table, &decided(&all_actions(&table), &INSIDE));

    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn outside_of_the_prefix_nothing_is_allowed() {
    let table = table();
    let expected = expected_outside(&all_actions(&table));

    let found = differences(&expected, &decided(&all_actions(&table), &OUTSIDE));

    assert!(found.is_empty(), "{}", found.join("\n"));
    assert_eq!(expected.len(), 168 * 13 * 2);
}

#[test]
fn an_independent_evaluator_agrees_inside_and_outside() {
    if !peers::require("an_independent_evaluator_agrees_inside_and_outside", &[Peer::Node]) {
        return;
    }
    let table = table();
    let actions = all_actions(&table);
    for (expected, places) in [(table.clone(), &INSIDE[..]), (expected_outside(&actions), &OUTSIDE[..])] {
        let asked = of_right_kind(&expected, places);

        let found = differences(&asked, &independently_decided(&actions, places, &policies()));

        assert!(found.is_empty(), "{}", found.join("\n"));
        assert!(asked.len() >= 188, "{}", asked.len());
    }
}

#[test]
fn the_evaluator_notices_a_condition_that_is_gone() {
    if !peers::require("the_evaluator_notices_a_condition_that_is_gone", &[Peer::Node]) {
        return;
    }
    // Of the account as well, or its own condition would do.
    let mut policies = policies();
    for policy in policies.values_mut() {
        policy["Statement"][1].as_object_mut().unwrap().remove("Condition").unwrap();
    }
    let list: BTreeSet<&str> = ["s3:ListBucket"].into();
    let places = [bucket("no prefix", OWN, None)];
    let wide = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]});
    let call = json!({"action": "s3:ListBucket", "resource": OWN});
    let question = json!({"rolePolicy": wide, "sessionPolicies": policies, "calls": {"list": call}});

    assert!(independently_decided(&list, &places, &self::policies()).values().all(|is_allowed| !is_allowed));
    assert!(simulated(&question).values().all(|is_allowed| *is_allowed), "without its condition it lists everything");
}

#[test]
fn every_template_is_explicit_sorted_small_and_opens_nothing() {
    for role in ROLES {
        let template = template(role);
        let document: Value = serde_json::from_str(filled(role).as_str()).unwrap();
        for statement in document["Statement"].as_array().unwrap() {
            let actions = statement["Action"].as_array().unwrap();
            assert!(actions.is_sorted_by(|one, next| one.as_str() < next.as_str()), "{role}: sorted, none twice");
            assert!(statement["Resource"].as_str().unwrap().starts_with(OWN), "{role}");
        }
        for action in template.actions() {
            let known = catalog::action(action).unwrap();
            assert!(!action.contains(['*', '?']) && !action.contains("Delete"), "{role}: {action}");
            assert!(!matches!(known.access, AccessLevel::Permissions | AccessLevel::Tagging), "{role}: {action}");
        }
        let longest = BTreeMap::from([
            ("bucket".to_owned(), "b".repeat(63)),
            ("prefix".to_owned(), format!("{}/", "p".repeat(199))),
        ]);
        assert!(template.fill(&longest).is_ok(), "{role}: it fits, though names are long");
        assert_eq!(template.money(), Money::None, "{role}");
        assert!(template.description().contains("personal data"), "{role}");
        assert!(template.beware().len() >= 3 && template.cost().contains("AWS charges"), "{role}");
        let shown = template.parameters().values();
        assert!(shown.into_iter().all(|parameter| !parameter.title.is_empty() && !parameter.description.is_empty()));
    }
}

#[test]
fn the_probe_of_each_template_is_allowed_by_it() {
    for role in ROLES {
        let examples =
            [("bucket".to_owned(), "vision-results".to_owned()), ("prefix".to_owned(), "results/2026/".to_owned())];
        let probe = template(role).probe_for(&examples.into()).unwrap();
        let context = probe.with.iter().fold(Context::new(), |context, (key, value)| context.with(key, value));
        let session = Document::parse(filled(role).as_str()).unwrap();

        let request = Request { action: &probe.action, resource: &probe.resource, context: &context };
        let identity = [session];
        let layers = Layers { identity: &identity, boundary: None, session: None, trust: None };
        assert_eq!(decide_access(&layers, &request), Access::Allowed, "{role}");
    }
}
