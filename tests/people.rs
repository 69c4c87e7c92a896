//! A lab's people at the front door, as pages and through the API: whom those see who look after it, and whom nobody sees;
//! what each has; and how somebody comes to look after the lab, on both databases.

mod names;
mod offices;
mod overview;
mod seen;

use lodge::domain::lab::Office;
use lodge::domain::mapping::MappingTerms;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::support::broker::ask_for;
use crate::support::databases::Kind;
use crate::support::labs::Labs;
use crate::support::raw::{self, Ask};
use crate::support::signed_in::{SignedIn, signed_in};
use crate::support::visitor::Page;

const API: &str = "/api/v1/labs/vision";

/// Every page, and every answer of the API, that names people of the lab.
const EVERYWHERE: [&str; 8] = [
    "/labs/vision",
    "/labs/vision/people",
    "/labs/vision/people/appoint",
    "/api/v1/labs/vision/overview",
    "/api/v1/labs/vision/members",
    "/api/v1/labs/vision/role-sessions",
    "/api/v1/labs/vision/people",
    "/api/v1/labs/vision",
];

/// The lab `vision` with one PI and one manager; `read-results` is for `students`.
struct Stage {
    labs: Labs,
    pi: SignedIn,
    manager: SignedIn,
}

fn on_each(test: &str, tell: impl Fn(&Stage)) {
    for kind in Kind::all(test) {
        tell(&Stage::on(kind));
    }
}

impl Stage {
    fn on(kind: Kind) -> Self {
        let labs = Labs::on(kind);
        labs.mapping(&labs.a, "students", "read-results", MappingTerms::default());
        let pi = labs.holder(&labs.a, Office::Pi, "pi", &[]);
        let manager = labs.holder(&labs.a, Office::Manager, "manager", &[]);
        Self { labs, pi, manager }
    }

    /// Somebody of this name, signed in with these groups, who has asked for nothing.
    fn somebody(&self, subject: &str, name: &str, groups: &[&str]) -> SignedIn {
        let somebody = signed_in(self.labs.broker(), subject, groups);
        self.name(subject, name);
        somebody
    }

    fn name(&self, subject: &str, name: &str) {
        self.labs.name(subject, name);
    }

    /// The same, who has asked for `vision/read-results` and got it.
    fn student(&self, subject: &str, name: &str) -> SignedIn {
        let student = self.somebody(subject, name, &["students"]);
        self.asks(&student, "vision/read-results");
        student
    }

    fn asks(&self, who: &SignedIn, role: &str) {
        let answer = ask_for(&self.labs.running.url, &who.token, role, "");
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// What somebody sees there: with their cookie and their token, whichever counts.
    fn see(&self, who: &SignedIn, path: &str) -> Page {
        Self::by(who, raw::get(&self.labs.url(path))).send()
    }

    fn by(who: &SignedIn, ask: Ask) -> Ask {
        let ask = ask.header("accept", "text/html").header("cookie", &format!("lodge_session={}", who.cookie));
        ask.header("authorization", &format!("Bearer {}", who.token))
    }

    /// Sends a form of theirs.
    fn send(&self, who: &SignedIn, path: &str, fields: &[(&str, &str)]) -> Page {
        let cookie = SecretString::from(who.cookie.clone());
        let token = self.labs.broker().form_token(&cookie);
        let all = [&[("form_token", token.expose_secret())], fields].concat();
        Self::by(who, raw::post_form(&self.labs.url(path), &all)).send()
    }

    fn json(&self, who: &SignedIn, path: &str) -> Value {
        let answer = self.see(who, path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }
}

/// The ids of a list of people.
fn ids(people: &Value) -> Vec<String> {
    people.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}
