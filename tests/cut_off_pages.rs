//! Cutting off, as pages: what they say before and after, whom they let in, and what they refuse. There is no IAM behind
//! these; what a cut-off does at AWS is looked at elsewhere, and in a browser in `tests/console_walk/`.

use chrono::{DateTime, TimeDelta, Utc};
use lodge::domain::id::PersonId;
use lodge::domain::lab::Office;
use lodge::domain::mapping::MappingTerms;
use lodge::wire::timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::support::broker::ask_for;
use crate::support::databases::Kind;
use crate::support::eventually;
use crate::support::labs::Labs;
use crate::support::raw::{self, Ask};
use crate::support::signed_in::{SignedIn, operator, signed_in};
use crate::support::visitor::Page;

const SESSIONS: &str = "/labs/vision/sessions";
const CUT_OFF: &str = "/labs/vision/cut-off";
const CUT_OFFS: &str = "/labs/vision/cut-offs";

/// The lab `vision` with somebody in each standing; the member has a session that lives.
struct Stage {
    labs: Labs,
    pi: SignedIn,
    member: SignedIn,
}

impl Stage {
    fn set() -> Self {
        let labs = Labs::on(Kind::Sqlite);
        labs.mapping(&labs.a, "students", "read-results", MappingTerms::default());
        labs.name("student", "Kim <b>Vale</b>");
        let member = signed_in(labs.broker(), "student", &["students"]);
        let pi = labs.holder(&labs.a, Office::Pi, "pi", &[]);
        let stage = Self { labs, pi, member };
        assert_eq!(stage.asks(&stage.member, "vision/read-results"), 200);
        stage
    }

    fn asks(&self, who: &SignedIn, role: &str) -> u16 {
        ask_for(&self.labs.running.url, &who.token, role, "").status
    }

    fn by(who: &SignedIn, ask: Ask) -> Page {
        ask.header("accept", "text/html").header("cookie", &format!("lodge_session={}", who.cookie)).send()
    }

    fn see(&self, who: &SignedIn, path: &str) -> Page {
        Self::by(who, raw::get(&self.labs.url(path)))
    }

    fn page(&self, who: &SignedIn, path: &str) -> Page {
        let page = self.see(who, path);
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        page
    }

    fn press(&self, who: &SignedIn, path: &str, fields: &[(&str, &str)]) -> Page {
        let token = self.labs.broker().form_token(&SecretString::from(who.cookie.clone()));
        let fields: Vec<_> = [("form_token", token.expose_secret())].iter().chain(fields).copied().collect();
        Self::by(who, raw::post_form(&self.labs.url(path), &fields))
    }

    /// What was cut off, as the API has it.
    fn cut_offs(&self) -> Vec<Value> {
        let listed = self.pi.ask("GET", &self.labs.url("/api/v1/labs/vision/cut-offs")).send().json();
        listed["cut_offs"].as_array().unwrap().clone()
    }

    /// Lets an hour pass in which the PI's browser is used: their sign-in is no fresh one any more.
    fn tire(&self) {
        for _ in 0..3 {
            self.labs.advance(TimeDelta::minutes(21));
            self.page(&self.pi, SESSIONS);
        }
    }
}

/// Where an answer leads.
fn leads_to(page: &Page) -> String {
    assert_eq!(page.status, 303, "{}", page.body);
    page.location().unwrap().path().to_owned()
}

fn buttons(page: &Page) -> Vec<String> {
    page.forms().into_iter().flat_map(|form| form.buttons).map(|button| button.text).collect()
}

/// The sign-in that a page leads to leads back here.
fn leads_back_to(page: &Page, path: &str) {
    let again = page.links().into_iter().find(|(text, _)| text == "Sign in again").unwrap().1;
    assert!(again.query_pairs().any(|(name, value)| name == "return_to" && value.starts_with(path)), "{again}");
    assert!(again.query_pairs().any(|(name, _)| name == "fresh"), "{again}");
}

fn says(page: &Page, words: &[&str]) {
    // Around what stands in a tag of its own there is space.
    let text = page.text().replace(" .", ".").replace(" :", ":");
    for words in words {
        assert!(text.contains(words), "{words}: {text}");
    }
    for never in ["instant", "revoked"] {
        assert!(!page.text().to_lowercase().contains(never), "{never}: {}", page.text());
    }
}

#[test]
fn what_lives_is_listed_by_person_and_role_and_marked_once_it_is_cut_off() {
    let stage = Stage::set();
    let id = stage.member.person.to_string();

    let page = stage.page(&stage.pi, SESSIONS);
    says(&page, &["Kim <b>Vale</b>", &id, "read-results", "60 minutes left", "1 session lives", "Cut off everybody…"]);
    assert!(!page.body.contains("Kim <b>"), "a name is text");
    assert!(buttons(&page).contains(&"Cut off…".to_owned()), "{:?}", buttons(&page));
    says(&stage.page(&stage.pi, &format!("{SESSIONS}?person={id}&role=read-results")), &[&id]);
    says(&stage.page(&stage.pi, &format!("{SESSIONS}?role=pay")), &["No such session lives", "1 session lives"]);
    let wrong = stage.see(&stage.pi, &format!("{SESSIONS}?person=Kim"));
    assert_eq!(wrong.status, 400);
    says(&wrong, &["An id is p- and 16 letters and digits.", &id]);

    let begun = stage.press(&stage.pi, CUT_OFF, &[("person", &id), ("reason", " a lost laptop ")]);
    let one = leads_to(&begun);
    assert!(one.starts_with(&format!("{CUT_OFFS}/cut-")), "{one}");
    let page = stage.page(&stage.pi, SESSIONS);
    assert!(page.links().iter().any(|(_, url)| url.path() == one), "{:?}", page.links());
    let page = stage.page(&stage.pi, "/labs/vision");
    assert!(page.links().iter().any(|(_, url)| url.path() == one), "the overview, too: {:?}", page.links());
    says(&stage.page(&stage.pi, CUT_OFFS), &["Kim <b>Vale</b>", "a lost laptop", "1 session", "asked for in this lab"]);

    stage.labs.advance(TimeDelta::minutes(61));
    let pi = stage.labs.holder(&stage.labs.a, Office::Pi, "pi", &[]);
    says(&stage.page(&pi, SESSIONS), &["No session lives"]);
}

#[test]
fn a_page_asks_first_and_says_what_it_does() {
    let stage = Stage::set();
    let id = stage.member.person.to_string();

    let page = stage.page(&stage.pi, &format!("{CUT_OFF}?person={id}&person={id}"));
    says(
        &page,
        &[
            "Cut this person off?",
            "1 session is cut off: all that this person has in this lab, whichever were ticked.",
            "Nothing is issued to this person in this lab from now on. From ",
            "It may take minutes until all of AWS goes by that; the sessions die anyway at the time above.",
            "Keep them out until somebody lifts it",
        ],
    );
    says(&stage.page(&stage.pi, &format!("{CUT_OFF}?role=pay")), &["0 sessions are cut off: all of this role"]);
    says(
        &stage.page(&stage.pi, &format!("{CUT_OFF}?everyone=1")),
        &["1 session is cut off: all of this lab", "yours too"],
    );
    assert_eq!(stage.cut_offs(), [] as [Value; 0], "asking does nothing");

    assert_eq!(leads_to(&stage.see(&stage.pi, CUT_OFF)), SESSIONS);
    says(&stage.see(&stage.pi, &format!("{SESSIONS}?ticked=nobody")), &["Nobody was ticked."]);
    for (query, status) in [
        ("person=p-0000000000000000", 404),
        ("person=Kim", 404),
        ("role=no-such-role", 404),
        ("role=%00", 404),
        ("everyone=1&role=pay", 400),
    ] {
        assert_eq!(stage.see(&stage.pi, &format!("{CUT_OFF}?{query}")).status, status, "{query}");
    }
}

#[test]
fn several_people_are_cut_off_one_by_one_and_none_where_one_is_nobody_here() {
    let stage = Stage::set();
    let other = stage.labs.appoint(&stage.labs.a, Office::Manager, "manager").to_string();
    let id = stage.member.person.to_string();

    let nobody = stage.press(&stage.pi, CUT_OFF, &[("person", &id), ("person", "p-0000000000000000")]);
    assert_eq!((nobody.status, stage.cut_offs().len()), (404, 0));
    let begun = stage.press(&stage.pi, CUT_OFF, &[("person", &id), ("person", &other), ("reason", "a theft")]);
    assert_eq!(leads_to(&begun), CUT_OFFS);

    let all = stage.cut_offs();
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|it| it["reason"] == "a theft" && it["held"] == false), "{all:?}");
    assert_eq!(stage.asks(&stage.member, "vision/read-results") / 100, 4);
    assert_eq!(leads_to(&stage.press(&stage.pi, CUT_OFF, &[])), SESSIONS, "nobody is no fault");
}

#[test]
fn a_reason_that_cannot_be_kept_is_said_where_it_was_typed() {
    let stage = Stage::set();
    let (id, long) = (stage.member.person.to_string(), "x".repeat(201));

    for path in [CUT_OFF, "/sessions/cut-off"] {
        let page = stage.press(&stage.pi, path, &[("person", &id), ("reason", &long), ("hold", "on")]);
        assert_eq!(page.status, 400, "{path}: {}", page.body);
        says(&page, &["Nothing was cut off.", "A reason is one line of at most 200 characters."]);
        assert!(page.body.contains(&long), "what was typed is still there");
    }
    assert_eq!(stage.cut_offs(), [] as [Value; 0]);
}

#[test]
fn a_cut_off_is_for_those_who_look_after_the_lab() {
    let stage = Stage::set();
    let stranger = signed_in(stage.labs.broker(), "stranger", &[]);
    let person = stage.member.person.clone();
    let cut_off = stage.labs.cut_off(&stage.labs.a, &person);
    let one = format!("{CUT_OFFS}/{cut_off}");
    let ask = format!("{CUT_OFF}?person={person}");

    for (who, status) in [(&stage.member, 403), (&stranger, 404)] {
        for path in [SESSIONS, &ask, CUT_OFFS, &one] {
            assert_eq!(stage.see(who, path).status, status, "{path}");
        }
        assert_eq!(stage.press(who, CUT_OFF, &[("person", person.as_str())]).status, status);
        assert_eq!(stage.press(who, &format!("{one}/lift"), &[]).status, status);
    }
    assert_eq!(stage.see(&stage.pi, &format!("{CUT_OFFS}/cut-0000000000000000")).status, 404);
    assert_eq!(stage.see(&stage.pi, &format!("{CUT_OFFS}/nonsense")).status, 404);
    assert_eq!(stage.cut_offs().len(), 1);

    // A form that is not of a page of ours.
    for path in [CUT_OFF, "/sessions/cut-off", &format!("{one}/lift")] {
        let fields = [("form_token", "x"), ("person", person.as_str())];
        let foreign = Stage::by(&stage.pi, raw::post_form(&stage.labs.url(path), &fields));
        assert_eq!(foreign.status, 403, "{path}: {}", foreign.body);
    }
    assert_eq!((stage.cut_offs().len(), &stage.cut_offs()[0]["held"]), (1, &Value::Bool(true)));
}

#[test]
fn the_page_of_a_cut_off_looks_again_until_there_is_nothing_to_wait_for() {
    let stage = Stage::set();
    let one = format!("{CUT_OFFS}/{}", stage.labs.cut_off(&stage.labs.a, &stage.member.person));

    let page = stage.page(&stage.pi, &one);
    assert_eq!(page.header("refresh"), Some("2"));
    says(
        &page,
        &[
            "Nothing is issued to them any more.",
            "Still to come: AWS takes the deny.",
            "AWS may take minutes until all of it goes by the deny. The sessions die anyway at",
            "Kept out",
            "not before somebody lets them in again",
            "by itself every two seconds",
        ],
    );
    // To the second.
    let now = stage.labs.now().format("%H:%M:%S UTC").to_string();
    says(&page, &[&now]);

    // All of these sessions are dead.
    for _ in 0..5 {
        stage.labs.advance(TimeDelta::minutes(15));
        stage.page(&stage.pi, SESSIONS);
    }
    let page = stage.page(&stage.pi, &one);
    assert_eq!(page.header("refresh"), None);
    says(&page, &["died by itself at", "Kept out"]);
}

#[test]
fn who_is_kept_out_is_let_in_by_a_fresh_sign_in() {
    let stage = Stage::set();
    let one = leads_to(&stage.press(&stage.pi, CUT_OFF, &[("person", stage.member.person.as_str()), ("hold", "on")]));
    let lift = format!("{one}/lift");
    assert!(buttons(&stage.page(&stage.pi, &one)).contains(&"Let them in again".to_owned()));
    stage.tire();

    let page = stage.page(&stage.pi, &one);
    assert!(!buttons(&page).contains(&"Let them in again".to_owned()), "{:?}", buttons(&page));
    leads_back_to(&page, &one);
    let refused = stage.press(&stage.pi, &lift, &[]);
    assert_eq!(refused.status, 403, "{}", refused.body);
    leads_back_to(&refused, &one);
    let member = signed_in(stage.labs.broker(), "student", &["students"]);
    assert_eq!(stage.asks(&member, "vision/read-results") / 100, 4, "kept out");

    let fresh = stage.labs.holder(&stage.labs.a, Office::Pi, "pi", &[]);
    assert_eq!(leads_to(&stage.press(&fresh, &lift, &[])), one);
    says(&stage.page(&fresh, &one), &["Let in again", "are issued again since"]);
    assert_eq!(stage.asks(&member, "vision/read-results"), 200);
    assert_eq!(stage.press(&fresh, &lift, &[]).status, 409, "it keeps nobody out any more");
}

#[test]
fn a_mapping_is_ended_with_those_who_have_live_sessions_by_it_or_without() {
    let stage = Stage::set();
    let unused = stage.labs.mapping(&stage.labs.a, "nobody", "pay", MappingTerms::default());
    let page = stage.page(&stage.pi, &format!("/labs/vision/mappings/{unused}/end"));
    says(&page, &["Nobody has a live session by it."]);
    assert!(!page.body.contains("name=\"cut_off\""), "{}", page.body);

    for (subject, ticked, cut) in [("ada", false, 0), ("eve", true, 1)] {
        let used = stage.labs.mapping(&stage.labs.a, subject, "pay", MappingTerms::default());
        let person = signed_in(stage.labs.broker(), subject, &[subject]);
        assert_eq!(stage.asks(&person, "vision/pay"), 200);
        let end = format!("/labs/vision/mappings/{used}/end");
        says(&stage.page(&stage.pi, &end), &["And cut off everybody who has a live session by it: 1 person"]);

        let mut fields = vec![("revision", "1"), ("key", subject)];
        fields.extend(ticked.then_some(("cut_off", "on")));
        assert_eq!(leads_to(&stage.press(&stage.pi, &end, &fields)), "/labs/vision/mappings");

        let all = stage.cut_offs();
        assert_eq!(all.len(), cut, "{all:?}");
        assert!(all.iter().all(|it| it["whose"]["id"] == person.person.as_str() && it["cause"] == "mapping-ended"));
    }
}

#[test]
fn one_cuts_oneself_off_in_all_labs_and_sees_no_more_than_that() {
    let stage = Stage::set();
    // Somebody else is among those whom the deny names.
    stage.press(&stage.pi, CUT_OFF, &[("person", stage.pi.person.as_str())]);

    says(&stage.page(&stage.member, "/sessions"), &["Cut off my AWS credentials in all labs…"]);
    says(
        &stage.page(&stage.member, "/sessions/cut-off"),
        &["You have AWS sessions that live in vision.", "in all labs?"],
    );
    says(&stage.page(&stage.pi, "/sessions/cut-off"), &["No AWS session of yours lives"]);
    let one = leads_to(&stage.press(&stage.member, "/sessions/cut-off", &[("reason", "a lost laptop")]));
    assert!(one.starts_with("/sessions/cut-offs/cut-"), "{one}");

    // There is no IAM, so that those who look after the lab are told what to do by hand.
    let of_lab = stage.cut_offs().into_iter().find(|it| it["cause"] == "everywhere").unwrap();
    let of_lab = format!("{CUT_OFFS}/{}", of_lab["id"].as_str().unwrap());
    eventually("what to do by hand", || stage.page(&stage.pi, &of_lab).body.contains("put-role-policy").then_some(()));
    let page = stage.page(&stage.member, &one);
    says(&page, &["AWS does not have the deny yet.", "Those who look after the lab see what can be done by hand."]);
    says(&page, &["Your AWS credentials are cut off", "a lost laptop", "In vision 1 session", "AWS may take minutes"]);
    for secret in ["put-role-policy", stage.pi.person.as_str()] {
        assert!(!page.body.contains(secret), "{secret}: {}", page.body);
    }
    assert_eq!(stage.see(&stage.pi, &one).status, 404, "that is somebody else's");
    assert_eq!(stage.see(&stage.member, "/sessions/cut-offs/nonsense").status, 404);
    assert_eq!(stage.asks(&stage.member, "vision/read-results") / 100, 4);
    stage.labs.advance(TimeDelta::seconds(96));
    assert_eq!(stage.asks(&stage.member, "vision/read-results"), 200);
}

#[test]
fn an_operator_cuts_somebody_off_in_all_labs_and_by_suspending_them() {
    let stage = Stage::set();
    let desk = operator(stage.labs.broker());
    let person = |id: &PersonId| format!("/operator/people/{id}");
    let (its, ask) = (person(&stage.member.person), format!("{}/cut-off", person(&stage.member.person)));

    says(&stage.page(&desk, &its), &["They were not cut off lately.", "Cut off in all labs…"]);
    says(&stage.page(&desk, &ask), &["in all labs?", "AWS sessions of theirs live in vision."]);
    for who in [&stage.pi, &stage.member] {
        assert_eq!((stage.see(who, &ask).status, stage.press(who, &ask, &[]).status), (404, 404));
    }
    assert_eq!(stage.press(&desk, &ask, &[("reason", "two\nlines")]).status, 400);
    assert_eq!(stage.cut_offs(), [] as [Value; 0]);
    assert_eq!(leads_to(&stage.press(&desk, &ask, &[("reason", "seen abroad")])), its);
    says(&stage.page(&desk, &its), &["Cut off in all labs.", "Nothing was issued to them since", "seen abroad"]);

    says(&stage.page(&desk, &format!("{its}/suspend")), &["are cut off in all labs", "may take minutes"]);
    assert_eq!(leads_to(&stage.press(&desk, &format!("{its}/suspend"), &[])), its);
    let page = stage.page(&desk, &format!("{its}?done=suspended"));
    says(&page, &["Their AWS credentials are cut off, too.", "nothing is while they are suspended"]);

    // With a sign-in that is too weak the form leads through a stronger one, and what was typed is still there.
    for _ in 0..3 {
        stage.labs.advance(TimeDelta::minutes(21));
        stage.page(&desk, "/operator");
    }
    let refused = stage.press(&desk, &ask, &[("reason", "again")]);
    assert_eq!(refused.status, 403);
    leads_back_to(&refused, &format!("{ask}?reason=again"));
}

/// Nobody is told that a role is theirs while the gate refuses it, and everybody when it is theirs again.
#[test]
fn whoever_was_cut_off_is_told_so_wherever_their_roles_are_listed() {
    let stage = Stage::set();
    let strict = MappingTerms { needs_mfa: true, ..MappingTerms::default() };
    stage.labs.mapping(&stage.labs.a, "students", "pay", strict);
    let me = || stage.member.ask("GET", &stage.labs.url("/api/v1/me")).send().json();
    let needs = || {
        let roles = me()["roles"].as_array().unwrap().clone();
        let of = |role: &Value, name: &str| role[name].as_str().map(str::to_owned);
        roles.iter().map(|role| (of(role, "needs"), of(role, "again_at"))).collect::<Vec<_>>()
    };
    let some = |text: &str| Some(text.to_owned());
    let (mfa, ready) = ((some("mfa"), None), (None, None));
    assert_eq!((needs(), &me()["cut_offs"]), (vec![mfa.clone(), ready.clone()], &json!([])));
    says(&stage.page(&stage.member, "/"), &["read-results", "ready"]);

    leads_to(&stage.press(&stage.pi, CUT_OFF, &[("person", stage.member.person.as_str())]));
    let cut_offs = me()["cut_offs"].clone();
    let before: DateTime<Utc> = cut_offs[0]["dead_before"].as_str().unwrap().parse().unwrap();
    let again = before + TimeDelta::seconds(5);
    assert_eq!(cut_offs, json!([{"lab": "vision", "role": null, "dead_before": timestamp(before)}]));
    let ahead = before - stage.labs.now();
    assert!(TimeDelta::seconds(30) <= ahead && ahead <= TimeDelta::seconds(90), "{ahead}");
    // Waiting alone does not help with what needs more than that.
    assert_eq!(needs(), [mfa.clone(), (some("time"), Some(timestamp(again)))]);
    says(
        &stage.page(&stage.member, "/"),
        &["cut off just now", "You get new ones from", "AWS may take minutes to deny them", "lodge status"],
    );
    says(&stage.page(&stage.member, "/labs/vision"), &["not now", "were cut off just now.", "You get new ones from"]);
    assert_eq!(stage.asks(&stage.member, "vision/read-results"), 403);

    stage.labs.advance(again - stage.labs.now());
    assert_eq!((needs(), &me()["cut_offs"]), (vec![mfa.clone(), ready.clone()], &cut_offs));
    says(&stage.page(&stage.member, "/"), &["ready", "AWS may take minutes to deny them"]);
    assert_eq!(stage.asks(&stage.member, "vision/read-results"), 200);

    let held = leads_to(&stage.press(&stage.pi, CUT_OFF, &[("role", "read-results"), ("hold", "on")]));
    let lifting = (some("lifting"), None);
    assert_eq!(needs(), [mfa.clone(), lifting.clone()]);
    assert!(me()["cut_offs"].as_array().unwrap().iter().any(|it| it["role"] == "read-results"));
    let words = "you get no new ones until somebody who looks after the lab lifts that.";
    says(&stage.page(&stage.member, "/"), &[words]);
    says(&stage.page(&stage.member, "/labs/vision"), &["not now", "looks after the lab lifts that. Ask a PI."]);
    assert_eq!(stage.asks(&stage.member, "vision/read-results"), 403);
    stage.labs.advance(TimeDelta::minutes(10));
    assert_eq!(needs(), [mfa.clone(), lifting]);
    leads_to(&stage.press(&stage.pi, &format!("{held}/lift"), &[]));
    assert_eq!(needs(), [mfa, ready]);
    assert_eq!(stage.asks(&stage.member, "vision/read-results"), 200);

    stage.labs.advance(TimeDelta::minutes(60));
    let member = signed_in(stage.labs.broker(), "student", &["students"]);
    assert_eq!(member.ask("GET", &stage.labs.url("/api/v1/me")).send().json()["cut_offs"], json!([]));
    assert!(!stage.page(&member, "/").text().contains("were cut off"), "all of it is over");
}

/// Their role is gone, and what they have of it is dead all the same.
#[test]
fn whoever_lost_a_mapping_and_was_cut_off_is_told_of_what_is_dead() {
    let stage = Stage::set();
    let mappings = stage.pi.ask("GET", &stage.labs.url("/api/v1/labs/vision/mappings")).send().json();
    let end =
        format!("/api/v1/labs/vision/mappings/{}/end?cut_off=true", mappings["mappings"][0]["id"].as_str().unwrap());
    let ended = stage.pi.ask("POST", &stage.labs.url(&end)).header("if-match", "\"1\"");
    assert_eq!(ended.send().status, 200);

    let me = stage.member.ask("GET", &stage.labs.url("/api/v1/me")).send().json();

    assert_eq!(me["roles"], json!([]));
    let cut_offs = me["cut_offs"].as_array().unwrap();
    assert_eq!((cut_offs.len(), &cut_offs[0]["lab"], &cut_offs[0]["role"]), (1, &json!("vision"), &Value::Null));
    let stranger = signed_in(stage.labs.broker(), "stranger", &["chess"]);
    let theirs = stranger.ask("GET", &stage.labs.url("/api/v1/me")).send().json();
    assert_eq!(theirs["cut_offs"], json!([]), "what was cut off of others is none of theirs");
}

#[test]
fn a_diagnosis_says_that_somebody_was_cut_off_and_what_helps() {
    let stage = Stage::set();
    let mapping = || {
        let url = stage.labs.url("/api/v1/labs/vision/diagnosis?role=read-results");
        let links = stage.member.ask("GET", &url).send().json()["links"].clone();
        links.as_array().unwrap().iter().find(|it| it["link"] == "mapping").unwrap().clone()
    };
    let menders = |link: &Value| link["menders"][0]["kind"].as_str().map(str::to_owned);
    assert_eq!(mapping()["state"], "passed");

    leads_to(&stage.press(&stage.pi, CUT_OFF, &[("person", stage.member.person.as_str())]));
    let link = mapping();
    assert_eq!((&link["state"], menders(&link)), (&json!("failed"), Some("time".to_owned())), "{link}");
    assert!(link["says"].as_str().unwrap().contains("were cut off just now"), "{link}");
    assert!(link["next"][0].as_str().unwrap().ends_with(":05 UTC, and try again."), "{link}");

    leads_to(&stage.press(&stage.pi, CUT_OFF, &[("everyone", "1"), ("hold", "on")]));
    let link = mapping();
    assert_eq!((&link["state"], menders(&link)), (&json!("failed"), Some("pi".to_owned())), "{link}");
    assert!(link["says"].as_str().unwrap().ends_with("until somebody who looks after the lab lifts that."), "{link}");
}

#[test]
fn people_with_a_live_session_have_a_way_to_be_cut_off_beside_them() {
    let stage = Stage::set();
    let links = |page: &Page| {
        let of =
            |url: &url::Url| url.path() == CUT_OFF && url.query() == Some(&format!("person={}", stage.member.person));
        page.links().iter().filter(|(_, url)| of(url)).count()
    };

    assert_eq!(links(&stage.page(&stage.pi, "/labs/vision/people")), 1);
    stage.labs.advance(TimeDelta::minutes(61));
    let pi = stage.labs.holder(&stage.labs.a, Office::Pi, "pi", &[]);
    assert_eq!(links(&stage.page(&pi, "/labs/vision/people")), 0, "nothing of theirs lives");
}
