//! How somebody comes to look after a lab, and stops, on pages.

use chrono::TimeDelta;
use lodge::domain::lab::Office;

use super::{API, Stage, on_each};
use crate::support::signed_in::SignedIn;
use crate::support::visitor::Page;

const PEOPLE: &str = "/labs/vision/people";

fn standing(stage: &Stage, who: &SignedIn) -> Option<String> {
    let all = stage.json(&stage.pi, &format!("{API}/members?q={}", who.person));
    all["people"][0]["standing"].as_str().map(str::to_owned)
}

/// Where a form led.
fn led_to(page: &Page) -> String {
    assert_eq!(page.status, 303, "{}", page.body);
    page.header("location").unwrap().to_owned()
}

#[test]
fn a_pi_appoints_somebody_sees_who_it_is_before_and_takes_it_back() {
    on_each("a_pi_appoints_somebody_sees_who_it_is_before_and_takes_it_back", |stage| {
        let kim = stage.student("kim", "Kim Known");
        let id = kim.person.as_str();
        let path = format!("{PEOPLE}/appoint");
        let list = stage.see(&stage.pi, PEOPLE).body;
        assert!(list.contains(&format!("href=\"{path}?person={id}\"")), "{list}");

        let page = stage.see(&stage.pi, &format!("{path}?person={id}&standing=manager")).body;
        assert!(page.contains("Make them a manager?") && page.contains("Kim Known") && page.contains(id), "{page}");
        assert_eq!(standing(stage, &kim), None, "looking changes nothing");
        let fields = [("person", id), ("standing", "manager")];
        let next = led_to(&stage.send(&stage.pi, &path, &fields));
        assert_eq!(next, format!("{PEOPLE}?done=manager&of={id}"));
        assert_eq!(standing(stage, &kim).as_deref(), Some("manager"));
        let page = stage.see(&stage.pi, &next).body;
        assert!(page.contains("is a manager of this lab now.") && page.contains(">Undo</button>"), "{page}");

        // Undone, and then the notice is true no more.
        led_to(&stage.send(&stage.pi, &format!("{PEOPLE}/remove"), &[("person", id)]));
        assert_eq!(standing(stage, &kim), None);
        assert!(!stage.see(&stage.pi, &next).body.contains("role=\"status\""));

        // To make somebody a PI again is a step of its own, never a button behind a link that anybody could have sent.
        let forged = stage.see(&stage.pi, &format!("{PEOPLE}?done=removed-pi&of={id}")).body;
        assert!(!forged.contains("name=\"standing\"") && !forged.contains(">Undo</button>"), "{forged}");
        assert!(forged.contains(&format!("{path}?person={id}&amp;standing=pi")), "{forged}");
    });
}

#[test]
fn a_manager_becomes_a_pi_and_a_pi_a_manager() {
    on_each("a_manager_becomes_a_pi_and_a_pi_a_manager", |stage| {
        let id = stage.manager.person.as_str();
        let set = |office| {
            let answer = stage.send(&stage.pi, &format!("{PEOPLE}/appoint"), &[("person", id), ("standing", office)]);
            led_to(&answer)
        };
        let up = set("pi");
        assert_eq!(up, format!("{PEOPLE}?done=raised&of={id}"));
        assert!(stage.see(&stage.pi, &up).body.contains("is a PI of this lab now."));
        let down = set("manager");
        assert_eq!(down, format!("{PEOPLE}?done=lowered&of={id}"));
        assert!(stage.see(&stage.pi, &down).body.contains("is a manager of this lab now."));
        assert!(!stage.see(&stage.pi, &up).body.contains("is a PI of this lab now."), "it is not true any more");
        let same = stage.see(&stage.pi, &format!("{PEOPLE}/appoint?person={id}&standing=manager")).body;
        assert!(same.contains("has that standing already"), "{same}");
    });
}

#[test]
fn the_only_pi_is_told_before_and_refused_after() {
    on_each("the_only_pi_is_told_before_and_refused_after", |stage| {
        let id = stage.pi.person.as_str();
        for path in [format!("{PEOPLE}/remove?person={id}"), format!("{PEOPLE}/appoint?person={id}&standing=manager")] {
            let page = stage.see(&stage.pi, &path).body;
            assert!(page.contains("only PI") && page.contains("Appoint another one first"), "{path}: {page}");
            assert!(!page.contains(">Yes"), "{path}: {page}");
        }
        assert_eq!(stage.send(&stage.pi, &format!("{PEOPLE}/remove"), &[("person", id)]).status, 409);

        let second = stage.labs.holder(&stage.labs.a, Office::Pi, "second", &[]);
        let page = stage.see(&stage.pi, &format!("{PEOPLE}/remove?person={id}")).body;
        assert!(page.contains("Yes, lay it down"), "{page}");
        assert_eq!(led_to(&stage.send(&stage.pi, &format!("{PEOPLE}/remove"), &[("person", id)])), "/");
        assert_eq!(stage.see(&stage.pi, PEOPLE).status, 404, "they are nobody here now");
        assert_eq!(stage.see(&second, PEOPLE).status, 200);
    });
}

#[test]
fn a_manager_appoints_nobody_and_lays_down_their_own() {
    on_each("a_manager_appoints_nobody_and_lays_down_their_own", |stage| {
        let kim = stage.student("kim", "Kim Known");
        let (kim, own) = (kim.person.as_str(), stage.manager.person.as_str());
        let list = stage.see(&stage.manager, PEOPLE).body;
        assert!(!list.contains("/people/appoint") && list.contains(&format!("remove?person={own}")), "{list}");
        assert_eq!(list.matches("/people/remove?").count(), 1, "{list}");
        let refused = |page: &Page| assert_eq!(page.status, 403, "{}", page.body);
        refused(&stage.see(&stage.manager, &format!("{PEOPLE}/appoint?person={kim}&standing=manager")));
        refused(&stage.send(&stage.manager, &format!("{PEOPLE}/appoint"), &[("person", own), ("standing", "pi")]));
        refused(&stage.see(&stage.manager, &format!("{PEOPLE}/remove?person={}", stage.pi.person)));
        refused(&stage.send(&stage.manager, &format!("{PEOPLE}/remove"), &[("person", stage.pi.person.as_str())]));

        assert_eq!(led_to(&stage.send(&stage.manager, &format!("{PEOPLE}/remove"), &[("person", own)])), "/");
        assert_eq!(standing(stage, &stage.manager), None);
    });
}

#[test]
fn an_id_that_is_nobodys_is_said_at_the_field() {
    on_each("an_id_that_is_nobodys_is_said_at_the_field", |stage| {
        for (id, why) in
            [("nonsense", "An id is p-"), ("p-0000000000000000", "Nobody has this id"), ("%00", "An id is p-")]
        {
            let page = stage.see(&stage.pi, &format!("{PEOPLE}/appoint?person={id}&standing=pi"));
            assert_eq!(page.status, 400, "{id}");
            assert!(page.body.contains(why) && page.body.contains("aria-invalid=\"true\""), "{id}: {}", page.body);
            assert!(page.body.contains("value=\"pi\" checked"), "what was chosen stays: {}", page.body);
            let fields = [("person", if id == "%00" { "\0" } else { id }), ("standing", "pi")];
            assert_eq!(stage.send(&stage.pi, &format!("{PEOPLE}/appoint"), &fields).status, 404, "{id}");
            assert_eq!(stage.see(&stage.pi, &format!("{PEOPLE}/remove?person={id}")).status, 404, "{id}");
        }
    });
}

#[test]
fn appointing_takes_a_fresh_sign_in_and_removing_does_not() {
    on_each("appointing_takes_a_fresh_sign_in_and_removing_does_not", |stage| {
        let kim = stage.student("kim", "Kim Known");
        let id = kim.person.as_str();
        let path = format!("{PEOPLE}/appoint?person={id}&standing=manager");
        for _ in 0..3 {
            // A browser that does nothing for half an hour is signed out.
            stage.labs.advance(TimeDelta::minutes(20));
            assert_eq!(stage.see(&stage.pi, PEOPLE).status, 200);
        }

        let page = stage.see(&stage.pi, &path).body;
        assert!(page.contains("Saving takes a fresh sign-in") && !page.contains(">Yes"), "{page}");
        let back = "/sign-in?return_to=%2Flabs%2Fvision%2Fpeople%2Fappoint%3Fperson%3D";
        assert!(page.contains(back) && page.contains("fresh=1"), "{page}");
        let refused = stage.send(&stage.pi, &format!("{PEOPLE}/appoint"), &[("person", id), ("standing", "manager")]);
        assert_eq!(refused.status, 403);
        assert!(refused.body.contains(back) && refused.body.contains("fresh=1"), "{}", refused.body);
        assert_eq!(standing(stage, &kim), None);

        let own = stage.manager.person.as_str();
        let page = stage.see(&stage.pi, &format!("{PEOPLE}/remove?person={own}")).body;
        assert!(page.contains("Yes, remove them"), "{page}");
        led_to(&stage.send(&stage.pi, &format!("{PEOPLE}/remove"), &[("person", own)]));
        assert_eq!(standing(stage, &stage.manager), None);
    });
}

#[test]
fn a_form_that_is_not_of_this_session_changes_nothing() {
    on_each("a_form_that_is_not_of_this_session_changes_nothing", |stage| {
        let kim = stage.student("kim", "Kim Known");
        let url = stage.labs.url(&format!("{PEOPLE}/appoint"));
        let fields = [("form_token", "made-up"), ("person", kim.person.as_str()), ("standing", "pi")];
        let answer = Stage::by(&stage.pi, crate::support::raw::post_form(&url, &fields)).send();
        assert_eq!(answer.status, 403, "{}", answer.body);
        assert_eq!(standing(stage, &kim), None);
    });
}
