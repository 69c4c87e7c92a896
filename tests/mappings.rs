//! A lab's mappings through the API, on both databases: what they give, whose word a change needs, that nobody's change
//! is overwritten unseen, and that a lab always has a PI.

mod conditions;
mod fresh;
mod groups;
mod idempotency;
mod names;
mod pages;
mod preview;
mod revisions;
mod standings;
mod story;
mod two_pis;

use lodge::domain::lab::Office;
use serde_json::{Value, json};

use crate::support::broker::ask_for;
use crate::support::databases::Kind;
use crate::support::labs::Labs;
use crate::support::raw::Ask;
use crate::support::signed_in::SignedIn;
use crate::support::visitor::Page;

const MAPPINGS: &str = "/api/v1/labs/vision/mappings";
const CHANGES: &str = "/api/v1/labs/vision/mapping-changes";
const PEOPLE: &str = "/api/v1/labs/vision/people";

/// The lab `vision` with two PIs and a manager, each in a group of their own.
struct Stage {
    labs: Labs,
    /// In `group-of-one`.
    one: SignedIn,
    /// In `group-of-two`.
    two: SignedIn,
    /// In `group-of-managers`.
    manager: SignedIn,
}

/// Tells the story on a new stage over each kind of database.
fn on_each(test: &str, tell: impl Fn(&Stage)) {
    for kind in Kind::all(test) {
        tell(&Stage::on(kind));
    }
}

impl Stage {
    fn on(kind: Kind) -> Self {
        let labs = Labs::on(kind);
        let [one, two, manager] = Self::sign_in(&labs);
        Self { labs, one, two, manager }
    }

    fn sign_in(labs: &Labs) -> [SignedIn; 3] {
        [
            labs.holder(&labs.a, Office::Pi, "one", &["group-of-one"]),
            labs.holder(&labs.a, Office::Pi, "two", &["group-of-two"]),
            labs.holder(&labs.a, Office::Manager, "manager", &["group-of-managers"]),
        ]
    }

    fn ask(&self, who: &SignedIn, method: &'static str, path: &str) -> Ask {
        who.ask(method, &self.labs.url(path))
    }

    fn get(&self, who: &SignedIn, path: &str) -> Page {
        self.ask(who, "GET", path).send()
    }

    /// Adds a mapping of a group of `campus` to a role, with more in the body.
    fn add(&self, who: &SignedIn, group: &str, role: &str, more: &Value) -> Page {
        let mut body = json!({"connection": "campus", "group": group, "role": role});
        for (field, value) in more.as_object().unwrap() {
            body[field] = value.clone();
        }
        self.ask(who, "POST", MAPPINGS).json(&body).send()
    }

    /// The same, where it holds at once; gives its id.
    fn added(&self, who: &SignedIn, group: &str, role: &str, more: &Value) -> String {
        let answer = self.add(who, group, role, more);
        assert_eq!(answer.status, 201, "{}", answer.body);
        let location = answer.header("location").unwrap().to_owned();
        let mapping = &answer.json()["mapping"];
        let id = mapping["id"].as_str().unwrap().to_owned();
        assert_eq!((location, answer.header("etag")), (format!("{MAPPINGS}/{id}"), Some("\"1\"")));
        id
    }

    fn edit(&self, who: &SignedIn, id: &str, revision: i64, change: &Value) -> Page {
        let revision = format!("\"{revision}\"");
        self.ask(who, "PATCH", &format!("{MAPPINGS}/{id}")).header("if-match", &revision).json(change).send()
    }

    fn end(&self, who: &SignedIn, id: &str, revision: i64) -> Page {
        let revision = format!("\"{revision}\"");
        self.ask(who, "POST", &format!("{MAPPINGS}/{id}/end")).header("if-match", &revision).send()
    }

    /// The mapping as it is now.
    fn mapping(&self, id: &str) -> Value {
        let answer = self.get(&self.two, &format!("{MAPPINGS}/{id}"));
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    fn confirm(&self, who: &SignedIn, change: &str) -> Page {
        self.ask(who, "POST", &format!("{CHANGES}/{change}/confirm")).send()
    }

    fn decline(&self, who: &SignedIn, change: &str) -> Page {
        self.ask(who, "POST", &format!("{CHANGES}/{change}/decline")).send()
    }

    /// The ids of the changes that wait.
    fn waiting(&self) -> Vec<String> {
        let changes = self.get(&self.two, CHANGES).json();
        changes["changes"].as_array().unwrap().iter().map(|change| change["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Asks for a credential of the lab, and says what came of it.
    fn credential(&self, who: &SignedIn, role: &str, seconds: Option<u32>) -> (u16, String) {
        let body = seconds.map_or_else(String::new, |seconds| json!({"duration_seconds": seconds}).to_string());
        let answer = ask_for(&self.labs.running.url, &who.token, &format!("vision/{role}"), &body);
        (answer.status, if answer.status == 200 { String::new() } else { problem(&answer) })
    }

    fn gives(&self, who: &SignedIn, role: &str) -> bool {
        match self.credential(who, role, None) {
            (200, _) => true,
            (404, problem) if problem == "no-such-role" => false,
            other => panic!("{other:?}"),
        }
    }

    /// What was done to the lab since this place in its ledger, and `by` whom.
    fn acts(&self, since: usize) -> Vec<Value> {
        let acts = self.labs.book(&self.labs.a).into_iter().skip(since);
        acts.filter(|entry| !entry.event.is_of_attempt())
            .map(|entry| {
                let written: Value = serde_json::from_str(&entry.canonical().unwrap()).unwrap();
                let mut act = written["event"].clone();
                act["by"] = json!(entry.thread.who());
                act
            })
            .collect()
    }

    fn entries(&self) -> usize {
        self.labs.book(&self.labs.a).len()
    }
}

/// The kind of a problem, after `urn:lodge:problem:`; nothing when it is none.
fn problem(answer: &Page) -> String {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    body["type"].as_str().and_then(|kind| kind.strip_prefix("urn:lodge:problem:")).unwrap_or_default().to_owned()
}

/// Does both at the same moment, each on a thread of its own.
fn at_once<A: Send, B: Send>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B + Send) -> (A, B) {
    let start = std::sync::Barrier::new(2);
    std::thread::scope(|threads| {
        let other = threads.spawn(|| {
            start.wait();
            other()
        });
        start.wait();
        (one(), other.join().unwrap())
    })
}
