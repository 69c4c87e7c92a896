//! `lodge revoke`, whole, against a stand-in broker. What all of it has in common is here.

mod asking;
mod following;
mod own;

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::cli::stand_in::StandIn;

const CUT: &str = "cut-0123456789abcdef";
const PERSON: &str = "p-000000000000000b";

/// What AWS may have reached: a step for each, and its words where it is still to come.
const STEPS: [(&str, &str, &str); 4] = [
    ("issuing-stopped", "nothing is issued to them any more", ""),
    ("deny-written", "AWS has taken the deny", "the deny is still to be written"),
    ("deny-read-back", "AWS gave the deny back as it was written", "the deny is still to be read back"),
    ("denial-seen", "a session of before was seen to be denied", "no denial was seen yet"),
];

/// A cut-off of a person in `vision` that has got so many steps far.
fn cut_off(reached: usize) -> Value {
    let steps = STEPS.iter().enumerate().map(|(number, (step, done, ahead))| {
        let at = (number < reached).then(|| format!("2026-11-21T13:00:0{number}Z"));
        json!({"step": step, "says": if at.is_some() { done } else { ahead }, "at": at})
    });
    json!({
        "id": CUT, "lab": "vision", "whose": {"kind": "person", "id": PERSON, "name": "Ada"},
        "by": "p-0123456789abcdef", "by_says": "Grace (p-0123456789abcdef)", "cause": "asked", "reason": "laptop stolen",
        "sessions": 2, "before": "2026-11-21T13:01:00Z", "steps": steps.collect::<Vec<_>>(), "done": reached == 4,
        "reissue_at": "2026-11-21T13:01:05Z", "held": false, "lifted_at": null, "dead_at": "2026-11-21T13:59:10Z",
        "trouble": null,
    })
}

/// The same object with other values.
fn with(mut object: Value, other: &Value) -> Value {
    for (key, value) in other.as_object().unwrap() {
        object[key] = value.clone();
    }
    object
}

fn troubled(says: &str) -> Value {
    let by_hand = "aws iam put-role-policy --role-name lodge-session --policy-name lodge-cut-off";
    let trouble = json!({"says": says, "again_at": "2026-11-21T13:00:30Z", "by_hand": by_hand});
    with(cut_off(1), &json!({"trouble": trouble}))
}

fn everywhere(labs: &[Value], complete: bool, done: bool) -> Value {
    json!({"id": CUT, "person": PERSON, "stopped_at": "2026-11-21T13:00:00Z", "complete": complete, "done": done,
        "reissue_at": "2026-11-21T13:01:05Z", "labs": labs})
}

/// A broker at which a cut-off begins like the first, goes on like the others, and stays like the last. `looked` is told
/// of each look.
fn broker_with(states: Vec<Value>, looked: impl Fn(usize) + Send + 'static) -> StandIn {
    let looks = AtomicUsize::new(1);
    StandIn::start(move |_, line| {
        let Some((method, path)) = line.split_once(" /api/v1") else { return ("404 Not Found", String::new()) };
        let is_known = ["/labs/vision/cut-offs", "/me/cut-off", "/operator/people/p-000000000000000b/cut-off"]
            .iter()
            .any(|known| path.starts_with(known));
        match method {
            _ if !is_known => ("404 Not Found", String::new()),
            "POST" if path.ends_with("/lift") => ("200 OK", states[0].to_string()),
            "POST" => ("202 Accepted", states[0].to_string()),
            _ => {
                let look = looks.fetch_add(1, Ordering::Relaxed);
                looked(look);
                match &states[look.min(states.len() - 1)] {
                    Value::Null => ("503 Service Unavailable", String::new()),
                    state => ("200 OK", state.to_string()),
                }
            }
        }
    })
}

fn broker(states: Vec<Value>) -> StandIn {
    broker_with(states, |_| {})
}

/// What was asked, without the address that all have in common.
fn lines(broker: &StandIn) -> Vec<String> {
    broker.asked().into_iter().map(|asked| asked.line.replace("/api/v1", "")).collect()
}
