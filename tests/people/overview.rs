//! A lab at a glance.

use chrono::TimeDelta;
use lodge::domain::lab::Office;
use lodge::domain::mapping::MappingTerms;
use serde_json::{Value, json};

use super::{API, Stage, on_each};
use crate::support::databases::Kind;
use crate::support::labs::Labs;
use crate::support::serving::wait;
use crate::support::signed_in::signed_in;

/// What somebody has: a role, how far, and whether it is in use.
fn roles_of(overview: &Value, id: &str) -> Value {
    let people = overview["people"]["people"].as_array().unwrap();
    let one = people.iter().find(|one| one["id"] == id).unwrap();
    one["roles"].as_array().unwrap().iter().map(|it| json!([it["role"], it["state"], it["in_use"]])).collect()
}

fn kinds(overview: &Value) -> Vec<String> {
    let all = overview["attention"].as_array().unwrap().iter();
    all.map(|it| format!("{} {}", it["kind"].as_str().unwrap(), it["count"])).collect()
}

#[test]
fn what_each_has_is_told_with_what_it_takes() {
    on_each("what_each_has_is_told_with_what_it_takes", |stage| {
        let labs = &stage.labs;
        let mfa = MappingTerms { needs_mfa: true, ..MappingTerms::default() };
        let approval = MappingTerms { needs_approval: true, ..MappingTerms::default() };
        labs.mapping(&labs.a, "strict", "pay", mfa);
        labs.mapping(&labs.a, "careful", "pay", approval);
        let soon = MappingTerms { ends_at: Some(labs.now() + TimeDelta::days(2)), ..MappingTerms::default() };
        let ending = labs.mapping(&labs.a, "guests", "read-results", soon);
        let both = stage.somebody("both", "Both", &["students", "strict", "careful"]);
        let waits = stage.somebody("waits", "Waits", &["students", "careful"]);
        let guest = stage.somebody("guest", "Guest", &["guests"]);
        for one in [&both, &waits, &guest] {
            stage.asks(one, "vision/read-results");
        }

        let overview = stage.json(&stage.manager, &format!("{API}/overview"));
        let has = json!(["read-results", "has", true]);
        assert_eq!(roles_of(&overview, both.person.as_str()), json!([["pay", "with-mfa", false], has]));
        assert_eq!(roles_of(&overview, waits.person.as_str()), json!([["pay", "approval", false], has]));
        let roles: Vec<_> =
            overview["roles"].as_array().unwrap().iter().map(|it| (&it["people"], &it["sessions"])).collect();
        assert_eq!(roles, [(&json!(1), &json!(0)), (&json!(3), &json!(3))], "who waits for approval has nothing");
        let found =
            overview["attention"].as_array().unwrap().iter().find(|it| it["kind"] == "ending-mappings").unwrap();
        assert_eq!(found["subjects"], json!([ending.to_string()]));
        let page = stage.see(&stage.manager, "/labs/vision").body;
        for words in ["has it with a second factor", "waits for approval", "has it, uses it now", "ends 23 Nov"] {
            assert!(page.contains(words), "{words}: {page}");
        }
        assert!(page.contains("3</b> sessions live now") && page.contains("minutes left"), "{page}");

        // An hour later nobody has credentials; a month later the groups are too old.
        labs.advance(TimeDelta::hours(2));
        let pi = signed_in(labs.broker(), "pi", &[]);
        let overview = stage.json(&pi, &format!("{API}/overview"));
        assert_eq!(overview["sessions"], json!({"sessions": [], "next": null}));
        assert_eq!(roles_of(&overview, guest.person.as_str()), json!([["read-results", "has", false]]));
        labs.advance(TimeDelta::days(30));
        let pi = signed_in(labs.broker(), "pi", &[]);
        let overview = stage.json(&pi, &format!("{API}/overview"));
        assert_eq!(roles_of(&overview, guest.person.as_str()), json!([]), "that mapping has ended");
        assert_eq!(roles_of(&overview, waits.person.as_str())[1], json!(["read-results", "old-groups", false]));
        assert_eq!(overview["roles"][1]["people"], 0);
    });
}

#[test]
fn what_needs_attention_comes_most_urgent_first() {
    on_each("what_needs_attention_comes_most_urgent_first", |stage| {
        let labs = &stage.labs;
        let overview = || stage.json(&stage.pi, &format!("{API}/overview"));
        assert_eq!(kinds(&overview()), ["unmapped-roles 1", "empty-mappings 1", "only-pi 1"]);

        labs.change(&labs.a, &stage.manager.person);
        stage.student("ada", "Ada Marsh");
        let eve = stage.student("eve", "Ad\u{430} Marsh");
        assert_eq!(crate::support::broker::ask_for(&labs.running.url, &eve.token, "vision/pay", "").status, 404);
        wait(labs.seeding().desk().suspend(&stage.manager.person)).unwrap();
        let found = overview();
        let expected = [
            "waiting-changes 1",
            "suspended-holders 1",
            "look-alikes 2",
            "unmapped-roles 1",
            "empty-mappings 1",
            "trouble 1",
            "only-pi 1",
        ];
        assert_eq!(kinds(&found), expected);
        let page = stage.see(&stage.pi, "/labs/vision").body;
        let titles = [
            "1 change waits for a second PI",
            "Somebody who is suspended looks after this lab",
            "2 names look like another one",
            "Nobody can have pay",
            "1 mapped group has nobody of this lab in it",
            "1 request was refused since yesterday",
            "The lab has one PI only",
        ];
        let places = titles.map(|title| page.find(title).unwrap_or_else(|| panic!("{title}: {page}")));
        assert!(places.is_sorted(), "{places:?}");

        labs.appoint(&labs.a, Office::Pi, "second");
        assert!(!kinds(&overview()).contains(&"only-pi 1".to_owned()));
        labs.advance(TimeDelta::days(2));
        let pi = signed_in(labs.broker(), "pi", &[]);
        let found = stage.json(&pi, &format!("{API}/overview"));
        assert!(!kinds(&found).iter().any(|kind| kind.starts_with("trouble")), "that was the day before yesterday");
    });
}

#[test]
fn the_sessions_come_in_pages_and_those_of_other_labs_never() {
    on_each("the_sessions_come_in_pages_and_those_of_other_labs_never", |stage| {
        let labs = &stage.labs;
        labs.mapping(&labs.b, "linguists", "read-results", MappingTerms::default());
        let other = stage.somebody("other", "Otto Other", &["linguists"]);
        stage.asks(&other, "language/read-results");
        let student = stage.student("a", "A");
        labs.advance(TimeDelta::seconds(5));
        for subject in ["b", "c", "d"] {
            stage.student(subject, subject);
        }
        let path = format!("{API}/role-sessions");
        let all = stage.json(&stage.manager, &path);
        let sessions = all["sessions"].as_array().unwrap();
        assert_eq!((sessions.len(), &all["next"]), (4, &Value::Null));
        assert_eq!(sessions[3]["person"], student.person.as_str(), "the oldest");
        let mut found = Vec::new();
        let mut after = String::new();
        while let Some(page) = Some(stage.json(&stage.manager, &format!("{path}?limit=1{after}"))) {
            found.extend(page["sessions"].as_array().unwrap().clone());
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(&found, sessions);
    });
}

#[test]
fn a_lab_that_nobody_has_used_says_what_to_do_first() {
    for kind in Kind::all("a_lab_that_nobody_has_used_says_what_to_do_first") {
        let labs = Labs::on(kind);
        let pi = labs.holder(&labs.a, Office::Pi, "pi", &[]);
        let manager = labs.holder(&labs.a, Office::Manager, "manager", &[]);
        let stage = Stage { labs, pi, manager };

        let page = stage.see(&stage.pi, "/labs/vision").body;
        assert!(
            page.contains("No group is mapped yet") && page.contains("href=\"/labs/vision/mappings/new\""),
            "{page}"
        );
        assert!(!page.contains("Nobody has used this lab yet") && !page.contains("Nobody can have"), "{page}");
        stage.labs.mapping(&stage.labs.a, "students", "read-results", MappingTerms::default());
        let page = stage.see(&stage.pi, "/labs/vision").body;
        assert!(page.contains("Nobody has used this lab yet") && page.contains("lodge login http"), "{page}");
        assert!(page.contains("aria-current=\"true\">vision</a>"), "the lab is marked among one's own");
    }
}

#[test]
fn a_member_sees_their_own_roles_and_whom_to_ask_and_nobody_else() {
    on_each("a_member_sees_their_own_roles_and_whom_to_ask_and_nobody_else", |stage| {
        let labs = &stage.labs;
        stage.name("pi", "Prof. Ada Marsh");
        stage.name("manager", "Manny Manager");
        let mfa = MappingTerms { needs_mfa: true, ..MappingTerms::default() };
        labs.mapping(&labs.a, "students", "pay", mfa);
        stage.student("other", "Other Student");
        let student = stage.student("student", "Kim Known");

        let page = stage.see(&student, "/labs/vision");
        assert_eq!(page.status, 200);
        for words in ["read-results", "lodge login --mfa", "Whom to ask", "Prof. Ada Marsh", "The commands to use them"]
        {
            assert!(page.body.contains(words), "{words}: {}", page.body);
        }
        for name in ["Other Student", "Manny Manager", "What needs attention", "Role sessions"] {
            assert!(!page.body.contains(name), "{name}: {}", page.body);
        }
        for path in ["overview", "members", "role-sessions"] {
            assert_eq!(stage.see(&student, &format!("{API}/{path}")).status, 403, "{path}");
        }
    });
}
