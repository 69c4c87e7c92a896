//! Who could be taken for somebody else is marked wherever a mapping's pages and answers name people.

use serde_json::{Value, json};

use super::{MAPPINGS, Stage, on_each};
use crate::support::signed_in::{SignedIn, signed_in};

impl Stage {
    /// Somebody of this name and these groups who is known in the lab.
    fn called(&self, subject: &str, name: &str, groups: &[&str]) -> SignedIn {
        let all: Vec<&str> = groups.iter().copied().chain(["readers"]).collect();
        let person = signed_in(self.labs.broker(), subject, &all);
        self.labs.name(subject, name);
        assert!(self.gives(&person, "read-results"));
        person
    }

    /// How often a page marks somebody.
    fn marks(&self, who: &SignedIn, path: &str) -> usize {
        let page = self.page(who, path);
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        page.body.matches(">look-alike</span>").count()
    }
}

fn marked(people: &Value) -> Vec<String> {
    let alike = people.as_array().unwrap().iter().filter(|one| one["looks_like_another"] == true);
    let mut ids: Vec<_> = alike.map(|one| one["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

#[test]
fn look_alikes_are_marked_in_previews_histories_and_what_waits() {
    on_each("look_alikes_are_marked_in_previews_histories_and_what_waits", |stage| {
        stage.added(&stage.one, "readers", "read-results", &json!({}));
        let ada = stage.called("ada", "Ada Marsh", &["students"]);
        let noor = stage.called("noor", "Noor Haddad", &["students"]);
        // In another group, in no preview of that one, and of the lab all the same.
        stage.called("eve", "\u{410}d\u{430} Marsh", &["guests"]);
        stage.labs.name("one", "ADA MARSH");
        let new = "/labs/vision/mappings/new?look=1&connection=campus&role=pay&group=";

        let students = format!("{new}students");
        assert_eq!(stage.marks(&stage.two, &students), 1);
        assert!(stage.page(&stage.two, &students).body.contains(noor.person.as_str()));
        let body = json!({"connection": "campus", "group": "students", "role": "pay"});
        let preview = stage.ask(&stage.two, "POST", &format!("{MAPPINGS}/preview")).json(&body).send().json();
        assert_eq!(marked(&preview["people"]), [ada.person.to_string()], "{preview}");
        assert_eq!(preview["people"].as_array().unwrap().len(), 2, "{preview}");

        // Made by one of them, for a group with one of them in it.
        let id = stage.added(&stage.one, "students", "pay", &json!({}));
        assert_eq!(stage.marks(&stage.two, &format!("/labs/vision/mappings/{id}")), 2);
        for page in ["end", "edit?look=1&mfa=1"] {
            assert_eq!(stage.marks(&stage.two, &format!("/labs/vision/mappings/{id}/{page}")), 1, "{page}");
        }
        let history = stage.get(&stage.two, &format!("{MAPPINGS}/{id}/revisions")).json();
        assert_eq!(history["revisions"][0]["by"]["looks_like_another"], true, "{history}");

        // What one of them has asked for.
        let asked = stage.add(&stage.one, "group-of-one", "pay", &json!({}));
        assert_eq!(asked.status, 202, "{}", asked.body);
        assert_eq!(asked.json()["change"]["author"]["looks_like_another"], true, "{}", asked.body);
        assert_eq!(stage.marks(&stage.two, "/labs/vision/mappings"), 1);
        let changes = stage.get(&stage.two, super::CHANGES).json();
        assert_eq!(changes["changes"][0]["author"]["looks_like_another"], true, "{changes}");

        stage.labs.name("one", "Kim Onur");
        assert_eq!(stage.marks(&stage.two, "/labs/vision/mappings"), 0, "the twin");
    });
}
