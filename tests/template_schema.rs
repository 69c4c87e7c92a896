//! The JSON Schema of a policy template, which editors use, against the templates that are shipped and against what the
//! broker takes: an independent reader of schemas must let every shipped template pass, and nothing may fail it that the
//! broker would take.

use std::collections::BTreeSet;

use lodge::domain::policy::{ParameterKind, PolicyTemplate};
use serde_json::{Value, json};

use crate::support::peers::{self, Peer};
use crate::support::process::Process;

const SCHEMA: &str = include_str!("../policies/template.schema.json");

/// A template with everything in it.
fn whole() -> Value {
    json!({
        "$schema": "../template.schema.json",
        "title": "Read", "description": "d", "cost": "c", "money": "none", "beware": ["b"],
        "parameters": {"bucket": {"type": "s3-bucket", "title": "B", "description": "b", "example": "results"}},
        "probe": {
            "action": "s3:ListBucket", "resource": "arn:aws:s3:::{{bucket}}", "with": {"s3:prefix": "a/"},
        },
        "document": {"Version": "2012-10-17", "Statement": [{
            "Sid": "List", "Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": ["arn:aws:s3:::{{bucket}}"],
            "Condition": {"StringLike": {"s3:prefix": ["a/*"]}},
        }]},
    })
}

/// The template with one thing changed, or taken away.
fn changed(pointer: &str, value: Option<Value>) -> Value {
    let mut template = whole();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = template.pointer_mut(parent).unwrap();
    match value {
        Some(value) => parent[key] = value,
        None => drop(parent.as_object_mut().unwrap().remove(key)),
    }
    template
}

/// What the schema says of each: nothing, or what is wrong.
fn problems(documents: &[Value]) -> Vec<Option<String>> {
    let asked = json!({"schema": serde_json::from_str::<Value>(SCHEMA).unwrap(), "documents": documents});
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/json-schema.py");
    let ended = Process::run("json-schema", peers::python().arg(script), &asked.to_string());
    assert!(ended.status.success(), "{}", ended.stderr);
    let answer: Value = serde_json::from_str(&ended.stdout).unwrap();
    serde_json::from_value(answer["problems"].clone()).unwrap()
}

#[test]
fn the_schema_lets_every_shipped_template_pass_and_refuses_nothing_that_the_broker_takes() {
    if !peers::require(
        "the_schema_lets_every_shipped_template_pass_and_refuses_nothing_that_the_broker_takes",
        &[Peer::Python],
    ) {
        return;
    }
    let mut good = vec![whole()];
    let packs = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/policies")).unwrap();
    for pack in packs.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for file in std::fs::read_dir(pack).unwrap() {
            good.push(serde_json::from_str(&std::fs::read_to_string(file.unwrap().path()).unwrap()).unwrap());
        }
    }
    let bad: Vec<Value> = [
        ("/title", None),
        ("/title", Some(json!(""))),
        ("/money", None),
        ("/money", Some(json!("some"))),
        ("/spends", Some(json!(true))),
        ("/beware", Some(json!("b"))),
        ("/beware", Some(json!(vec!["b"; 11]))),
        ("/parameters/Bucket", Some(json!({}))),
        ("/parameters/bucket/type", Some(json!("text"))),
        ("/parameters/bucket/example", None),
        ("/parameters/bucket/default", Some(json!("x"))),
        ("/probe", None),
        ("/probe/action", Some(json!("ListBucket"))),
        ("/probe/body", Some(json!("x"))),
        ("/document/Id", Some(json!("x"))),
        ("/document/Version", Some(json!("2008-10-17"))),
        ("/document/Statement", Some(json!([]))),
        ("/document/Statement/0/Effect", Some(json!("Deny"))),
        ("/document/Statement/0/Action", Some(json!("s3:ListBucket"))),
        ("/document/Statement/0/Action", Some(json!(["s3:List*"]))),
        ("/document/Statement/0/NotResource", Some(json!("x"))),
        ("/document/Statement/0/Condition/StringLike", Some(json!({}))),
    ]
    .map(|(pointer, value)| changed(pointer, value))
    .into();

    let said = problems(&[good.as_slice(), &bad].concat());

    for (problem, template) in said.iter().zip(&good) {
        assert_eq!(*problem, None, "{template}");
        assert!(PolicyTemplate::parse(&template.to_string()).is_ok(), "{template}");
    }
    for (problem, template) in said[good.len()..].iter().zip(&bad) {
        assert!(problem.is_some(), "{template}");
        assert!(PolicyTemplate::parse(&template.to_string()).is_err(), "the broker takes {template}");
    }
}

#[test]
fn the_schema_knows_the_types_that_the_broker_knows() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let types = &schema["properties"]["parameters"]["additionalProperties"]["properties"]["type"]["enum"];

    let known: BTreeSet<&str> = ParameterKind::ALL.into_iter().map(ParameterKind::as_str).collect();

    assert_eq!(types.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect::<BTreeSet<_>>(), known);
}
