//! What the templates under `policies/` allow, checked against a table that people can read and against an evaluator
//! that is not ours.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::support::peers::{self, Peer};
use crate::support::permission_table::{Table, all_actions, differences, simulated, table};
use crate::support::{files_under, root};

/// What STS takes as a session policy, in characters.
const MOST_SESSION_POLICY_CHARS: usize = 2_048;

/// The templates of the pack, by role.
fn templates() -> BTreeMap<String, Value> {
    let read = |path: std::path::PathBuf| {
        let template = serde_json::from_str(&std::fs::read_to_string(&path).unwrap());
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), template.unwrap())
    };
    files_under(&root().join("policies/mturk")).into_iter().map(read).collect()
}

fn actions(document: &Value) -> Vec<&str> {
    let list = document["Statement"][0]["Action"].as_array().unwrap();
    list.iter().map(|action| action.as_str().unwrap()).collect()
}

/// What the templates list, as a table over all actions.
fn listed(templates: &BTreeMap<String, Value>, all: &BTreeSet<&str>) -> Table {
    let mut listed = Table::new();
    for (role, template) in templates {
        let allowed = actions(&template["document"]);
        for action in all.iter().copied().chain(allowed.iter().copied()) {
            listed.insert((action.to_owned(), role.clone()), allowed.contains(&action));
        }
    }
    listed
}

/// What the independent evaluator says of a session with each template, under a role and a boundary that allow what all
/// of them together do.
fn evaluated(templates: &BTreeMap<String, Value>, all: &BTreeSet<&str>) -> Table {
    let union: BTreeSet<_> = templates.values().flat_map(|template| actions(&template["document"])).collect();
    let role = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": union, "Resource": "*"}]});
    let documents: BTreeMap<_, _> = templates.iter().map(|(role, template)| (role, &template["document"])).collect();
    let question = json!({"rolePolicy": role, "boundary": role, "sessionPolicies": documents, "actions": all});
    simulated(&question)
}

#[test]
fn the_table_places_every_action_once() {
    let table = table();
    let all = all_actions(&table);
    let allowed = |role: &str| -> BTreeSet<_> {
        all.iter().copied().filter(|action| table[&((*action).to_owned(), role.to_owned())]).collect()
    };
    let (read, publish, pay) = (allowed("read-results"), allowed("publish"), allowed("pay"));

    assert_eq!((all.len(), table.len()), (39, 39 * 3));
    assert_eq!((read.len(), publish.len(), pay.len()), (9, 26, 14));
    assert!(read.is_subset(&publish) && read.is_subset(&pay));
    let union: BTreeSet<_> = publish.union(&pay).copied().collect();
    let none: Vec<_> = all.difference(&union).map(|action| action.trim_start_matches("mechanicalturk:")).collect();
    assert_eq!(union.len(), 30);
    assert_eq!(
        none,
        [
            "CreateWorkerBlock",
            "DeleteHIT",
            "DeleteQualificationType",
            "DeleteWorkerBlock",
            "GetFileUploadURL",
            "ListWorkerBlocks",
            "NotifyWorkers",
            "SendTestEventNotification",
            "UpdateNotificationSettings",
        ]
    );
}

#[test]
fn the_templates_list_what_the_table_says() {
    let table = table();

    let found = differences(&table, &listed(&templates(), &all_actions(&table)));

    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_template_is_explicit_sorted_small_and_can_be_probed() {
    for (role, template) in templates() {
        // What is to be said before it is given, where there is something.
        let keys: Vec<_> = template
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .filter(|key| !matches!(*key, "$schema" | "beware"))
            .collect();
        assert_eq!(keys, ["cost", "description", "document", "money", "parameters", "probe", "title"], "{role}");
        assert_eq!(template["parameters"], json!({}), "{role}");

        let document = &template["document"];
        let statement = &document["Statement"][0];
        assert_eq!(document["Version"], "2012-10-17", "{role}");
        assert_eq!(document["Statement"].as_array().unwrap().len(), 1, "{role}");
        assert_eq!((&statement["Effect"], &statement["Resource"]), (&json!("Allow"), &json!("*")), "{role}");
        let actions = actions(document);
        assert!(actions.is_sorted_by(|one, next| one < next), "{role}: sorted, none twice");
        assert!(actions.iter().all(|action| !action.contains(['*', '?'])), "{role}: no wildcards");
        assert!(document.to_string().len() <= MOST_SESSION_POLICY_CHARS, "{role}");

        // What gives money away or promises it: by it a role counts as one that spends.
        let spends = [
            "ApproveAssignment",
            "CreateAdditionalAssignmentsForHIT",
            "CreateHIT",
            "CreateHITWithHITType",
            "SendBonus",
        ];
        let can_spend = actions.iter().any(|action| spends.iter().any(|word| action.ends_with(&format!(":{word}"))));
        assert_eq!(template["money"] != "none", can_spend, "{role}");

        let probe = template["probe"]["action"].as_str().unwrap();
        let operation = probe.strip_prefix("mechanicalturk:").unwrap();
        assert!(actions.contains(&probe), "{role} does not allow its own probe");
        assert!(operation.starts_with("Get") || operation.starts_with("List"), "{role}: {probe} is not a read");
    }
}

#[test]
fn the_words_of_a_template_do_not_hide_what_it_costs() {
    let templates = templates();
    let words = |role: &str| format!("{} {}", templates[role]["description"], templates[role]["cost"]);

    for role in templates.keys() {
        assert!(words(role).contains("closed on 2026-09-30"), "{role}");
    }
    assert!(words("publish").contains("automatic approval"));
    assert!(words("pay").contains("rejecting takes a worker's pay away"));
}

#[test]
fn an_independent_evaluator_agrees_with_the_table() {
    if !peers::require("an_independent_evaluator_agrees_with_the_table", &[Peer::Node]) {
        return;
    }
    let table = table();

    let evaluated = evaluated(&templates(), &all_actions(&table));

    let found = differences(&table, &evaluated);
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert_eq!(evaluated.len(), 39 * 3);
    for cell in table.keys() {
        let mut flipped = table.clone();
        flipped.entry(cell.clone()).and_modify(|is_allowed| *is_allowed = !*is_allowed);
        assert_eq!(differences(&flipped, &evaluated).len(), 1, "a table wrong at {cell:?} must be noticed");
    }
}

#[test]
fn the_evaluator_notices_a_template_with_one_action_too_many() {
    if !peers::require("the_evaluator_notices_a_template_with_one_action_too_many", &[Peer::Node]) {
        return;
    }
    let table = table();
    let mut templates = templates();
    let list = &mut templates.get_mut("read-results").unwrap()["document"]["Statement"][0]["Action"];
    list.as_array_mut().unwrap().push(json!("mechanicalturk:SendBonus"));

    let found = differences(&table, &evaluated(&templates, &all_actions(&table)));

    assert_eq!(found, ["mechanicalturk:SendBonus as read-results: allow, and the table says deny"]);
}
