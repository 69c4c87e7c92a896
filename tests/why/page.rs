//! The same on a page.

use secrecy::{ExposeSecret as _, SecretString};

use super::Stage;
use crate::support::raw::{self, Ask};
use crate::support::signed_in::SignedIn;
use crate::support::visitor::Page;

const PAGE: &str = "/labs/vision/why";

fn by(who: &SignedIn, ask: Ask) -> Page {
    ask.header("accept", "text/html").header("cookie", &format!("lodge_session={}", who.cookie)).send()
}

fn post(stage: &Stage, who: &SignedIn, fields: &[(&str, &str)]) -> Page {
    let token = stage.joining.broker().form_token(&SecretString::from(who.cookie.clone()));
    let fields = [&[("form_token", token.expose_secret())], fields].concat();
    by(who, raw::post_form(&format!("{}{PAGE}", stage.joining.running.url), &fields))
}

#[test]
fn a_form_takes_an_error_or_an_action_and_answers() {
    let stage = Stage::new();
    let student = &stage.joining.student;

    let empty = by(student, raw::get(&format!("{}{PAGE}", stage.joining.running.url)));
    assert_eq!(empty.status, 200, "{}", empty.body);
    assert!(empty.text().contains("Paste what a tool printed") && !empty.body.contains("name=\"for\""));

    let secret = "canary-on-a-page";
    let printed = format!("{secret}\n{}", stage.printed("SendBonus"));
    let answer = post(&stage, student, &[("error", &printed)]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let text = answer.text();
    for said in [
        "The policy of the role does not allow it",
        "mechanicalturk:SendBonus",
        "Roles that allow it",
        "pay",
        &stage.session,
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(!answer.body.contains(secret), "{}", answer.body);

    let asked =
        post(&stage, student, &[("action", "mechanicalturk:ListHITs"), ("role", "read-results"), ("error", " ")]);
    assert!(asked.text().contains("The role's policy allows it"), "{}", asked.text());
    assert!(asked.body.contains("value=\"mechanicalturk:ListHITs\""), "what was chosen stands there still");
}

#[test]
fn what_cannot_be_read_is_said_and_hostile_fields_stay_text() {
    let stage = Stage::new();
    let student = &stage.joining.student;

    for fields in [vec![("error", "permission denied")], vec![], vec![("action", "\"><script>alert(1)</script>")]] {
        let page = post(&stage, student, &fields);
        assert_eq!(page.status, 400, "{}", page.body);
        assert!(page.body.contains("role=\"alert\"") && !page.body.contains("<script>alert"), "{}", page.body);
    }
    let pi = post(
        &stage,
        &stage.joining.pi,
        &[("action", "mechanicalturk:ListHITs"), ("for", stage.joining.student.person.as_str())],
    );
    assert_eq!(pi.status, 200, "{}", pi.body);
    assert!(
        pi.text().contains(stage.joining.student.person.as_str()) && pi.text().contains("They have it"),
        "{}",
        pi.text()
    );
}

#[test]
fn the_roles_and_the_diagnosis_lead_there() {
    let stage = Stage::new();
    for from in ["/labs/vision/roles", "/labs/vision/diagnosis"] {
        let page = by(&stage.joining.student, raw::get(&format!("{}{from}", stage.joining.running.url)));
        assert!(page.body.contains(&format!("href=\"{PAGE}\"")), "{from}");
    }
}
