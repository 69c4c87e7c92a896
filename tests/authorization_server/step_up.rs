//! A helper that asks for a fresh sign-in, or one with a second factor, gets no other.

use chrono::TimeDelta;
use lodge::domain::mapping::{MappingTarget, MappingTerms};
use lodge::playground::Seeding;
use secrecy::SecretString;

use super::Stage;
use crate::support::broker::{HELPER, STUDENTS, code_on, helper_query, trade};
use crate::support::evil_provider::Lie;
use crate::support::raw;
use crate::support::serving::wait;
use crate::support::signed_in::{SignIn, SignedIn};
use crate::support::visitor::{Page, Visitor};

impl Stage {
    /// Somebody who showed the provider who they are so many minutes ago; `None` when it does not say.
    fn student(&self, minutes_ago: Option<i64>, mfa: bool) -> SignedIn {
        let now = self.running.broker.clock.now();
        let sign_in = SignIn { connection: "campus", subject: "s", groups: Some(&[STUDENTS]), mfa };
        sign_in.with(&self.running.broker, |claims| {
            claims.authenticated_at = minutes_ago.map(|minutes| now - TimeDelta::minutes(minutes));
        })
    }

    fn authorize(&self, cookie: Option<&str>, wanted: &[(&str, &str)]) -> Page {
        let ask = raw::get(&self.url(&format!("/oauth/authorize?{}", helper_query(wanted)))).page();
        match cookie {
            Some(cookie) => ask.header("cookie", &format!("lodge_session={cookie}")),
            None => ask,
        }
        .send()
    }

    /// Says yes on a page.
    fn say_yes(&self, page: &Page, cookie: &str, changes: &[(&str, &str)]) -> Page {
        let form = page.forms().into_iter().find(|form| form.action.path() == "/oauth/authorize").unwrap();
        let mut fields: Vec<_> = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        fields.push(("answer", "yes"));
        for (name, value) in changes {
            fields.retain(|(existing, _)| existing != name);
            fields.push((name, value));
        }
        let ask = raw::post_form(&self.url("/oauth/authorize"), &fields).page();
        ask.header("cookie", &format!("lodge_session={cookie}")).send()
    }
}

/// Which stronger sign-in a redirect asks for, which must lead back to where it came from.
fn asks_for(page: &Page, wanted: &[(&str, &str)]) -> Vec<String> {
    let to = page.location().unwrap_or_else(|| panic!("{} {}", page.status, page.text()));
    assert_eq!((page.status, to.path()), (303, "/sign-in"));
    let pairs: Vec<(String, String)> = to.query_pairs().into_owned().collect();
    assert_eq!(pairs[0], ("return_to".to_owned(), format!("/oauth/authorize?{}", helper_query(wanted))));
    pairs[1..].iter().map(|(name, value)| format!("{name}={value}")).collect()
}

#[test]
fn a_sign_in_that_is_not_what_was_asked_for_is_made_anew() {
    let stage = Stage::new();
    let (fresh, mfa) = (("max_age", "300"), ("acr_values", "mfa"));
    let [old, plain, strong, silent] =
        [(Some(60), false), (Some(0), false), (Some(0), true), (None, true)].map(|(ago, mfa)| stage.student(ago, mfa));
    for (who, wanted, missing) in [
        (None, vec![fresh], vec!["fresh=1"]),
        (None, vec![mfa], vec!["mfa=1"]),
        (None, vec![fresh, mfa], vec!["fresh=1", "mfa=1"]),
        (Some(&old), vec![fresh], vec!["fresh=1"]),
        (Some(&old), vec![fresh, mfa], vec!["fresh=1", "mfa=1"]),
        (Some(&plain), vec![mfa], vec!["mfa=1"]),
        (Some(&plain), vec![fresh, mfa], vec!["mfa=1"]),
        (Some(&silent), vec![fresh, mfa], vec!["fresh=1"]),
    ] {
        let page = stage.authorize(who.map(|who| who.cookie.as_str()), &wanted);

        assert_eq!(asks_for(&page, &wanted), missing, "{wanted:?}");
    }
    // The positive controls.
    for (who, wanted) in [
        (&old, vec![]),
        (&old, vec![("max_age", "3600")]),
        (&plain, vec![fresh]),
        (&plain, vec![("max_age", "0")]),
        (&strong, vec![fresh, mfa]),
        (&silent, vec![mfa]),
    ] {
        let page = stage.authorize(Some(&who.cookie), &wanted);

        assert_eq!(page.status, 200, "{wanted:?}");
        let page = stage.say_yes(&page, &who.cookie, &[]);
        assert_eq!(trade(&stage.running.url, &code_on(&page), &[]).status, 200, "{wanted:?}");
    }
}

#[test]
fn the_form_gives_no_more_than_the_page_would() {
    let stage = Stage::new();
    let (plain, strong) = (stage.student(Some(0), false), stage.student(Some(0), true));
    let page = stage.authorize(Some(&plain.cookie), &[]);
    let refused = |page: &Page| {
        assert_eq!(page.status, 400, "{}", page.text());
        assert!(page.text().contains("has meanwhile become older than was asked for"), "{}", page.text());
        assert!(!page.body.contains("code="), "{}", page.body);
    };

    refused(&stage.say_yes(&page, &plain.cookie, &[("acr_values", "mfa")]));
    let wanted = [("max_age", "300"), ("acr_values", "mfa")];
    let page = stage.authorize(Some(&strong.cookie), &wanted);
    stage.clock.advance(TimeDelta::minutes(17));
    assert_eq!(stage.say_yes(&page, &strong.cookie, &[]).status, 200, "somebody may read the page");
    stage.clock.advance(TimeDelta::microseconds(1));
    refused(&stage.say_yes(&page, &strong.cookie, &[]));
}

#[test]
fn a_wish_that_cannot_be_understood_is_refused_and_not_passed_over() {
    let stage = Stage::new();
    let student = stage.student(Some(0), true);
    for wish in [
        ("max_age", "soon"),
        ("max_age", "-1"),
        ("max_age", "99999999999"),
        ("acr_values", "phr"),
        ("acr_values", "mfa https://refeds.org/profile/mfa"),
    ] {
        for cookie in [None, Some(student.cookie.as_str())] {
            let page = stage.authorize(cookie, &[wish]);

            assert_eq!((page.status, page.header("location")), (400, None), "{wish:?}: {}", page.text());
        }
    }
}

#[test]
fn the_page_that_asks_says_what_this_sign_in_does_not_give() {
    let stage = Stage::new();
    wait(async {
        let seeding = Seeding::new(&stage.running.broker).unwrap();
        for (role, terms) in [
            ("pay", MappingTerms { needs_mfa: true, ..MappingTerms::default() }),
            ("publish", MappingTerms { needs_approval: true, ..MappingTerms::default() }),
        ] {
            let role = lodge::domain::lab::Role {
                name: role.parse().unwrap(),
                template: format!("mturk/{role}").parse().unwrap(),
                parameters: std::collections::BTreeMap::new(),
                max_duration: lodge::domain::role_session::SessionDuration::MAX,
                sign_in_age: None,
            };
            seeding.add_role(&stage.lab, &role).await.unwrap();
            let (connection, group) = ("campus".parse().unwrap(), STUDENTS.parse().unwrap());
            let target = MappingTarget { connection, group, role: role.name };
            seeding.add_mapping_on(&stage.lab, target, terms).await.unwrap();
        }
    });
    let (old, plain, strong) =
        (stage.student(Some(61), true), stage.student(Some(0), false), stage.student(Some(0), true));

    let page = stage.authorize(Some(&plain.cookie), &[]);
    let text = page.text();
    assert!(text.contains("AWS credentials for vision/read-results until its session ends"), "{text}");
    assert!(text.contains("it will not get vision/pay : that takes a second factor"), "{text}");
    assert!(text.contains("not get vision/publish before a PI has approved you"), "{text}");
    leads(&page, "Sign in again with one", "mfa");

    let page = stage.authorize(Some(&old.cookie), &[]);
    let text = page.text();
    assert!(text.contains("it will not get vision/pay : that takes a more recent one"), "{text}");
    leads(&page, "Sign in again", "fresh");

    let text = stage.authorize(Some(&strong.cookie), &[]).text();
    assert!(text.contains("AWS credentials for vision/pay , vision/read-results until"), "{text}");
    assert!(!text.contains("second factor") && !text.contains("more recent"), "{text}");
}

/// A link of this text makes a stronger sign-in that comes back.
fn leads(page: &Page, text: &str, by: &str) {
    let (_, link) = page.links().into_iter().find(|(link, _)| link == text).unwrap();
    let pairs: Vec<(String, String)> = link.query_pairs().into_owned().collect();
    assert_eq!(pairs[0].1, format!("/oauth/authorize?{}", helper_query(&[])));
    assert_eq!(pairs[1..], [(by.to_owned(), "1".to_owned())]);
}

/// All the way, at a provider that says when and how somebody showed who they are.
#[test]
fn a_stronger_sign_in_leads_back_to_the_page_that_asks_without_a_circle() {
    let stage = Stage::new();
    let mut visitor = stage.visitor();
    stage.provider.lie(&[Lie::Claims(|claims| {
        claims["auth_time"] = claims["iat"].clone();
        claims["amr"] = serde_json::json!(["pwd", "mfa"]);
    })]);
    for wanted in [vec![("max_age", "300")], vec![("max_age", "1"), ("acr_values", "mfa")]] {
        // Whatever this browser has proven is too long ago.
        stage.clock.advance(TimeDelta::minutes(8));

        let page = visitor.open(&stage.url(&format!("/oauth/authorize?{}", helper_query(&wanted))));

        assert_eq!((page.status, page.url.path()), (200, "/oauth/authorize"), "{}", page.text());
        let at_provider = page.trail.iter().filter(|(url, _)| url.as_str().starts_with(&stage.provider.issuer));
        assert_eq!(at_provider.count(), 1, "{:?}", page.trail);
        let page = visitor.press(&page, "yes");
        assert_eq!(trade(&stage.running.url, &code_on(&page), &[]).status, 200);
    }
}

/// Somebody has two browsers. What the other one proves does not strengthen this one's helper.
#[test]
fn a_code_stands_on_the_sign_in_of_the_browser_that_confirmed_it() {
    let stage = Stage::new();
    let broker = &stage.running.broker;
    let (weak, strong) = (stage.student(Some(0), false), stage.student(Some(0), true));
    let sign_in = |cookie: &str| wait(broker.browser_caller(&SecretString::from(cookie.to_owned()))).unwrap().sign_in;
    assert_ne!(sign_in(&weak.cookie), sign_in(&strong.cookie));
    for browser in [&weak, &strong] {
        let page = stage.authorize(Some(&browser.cookie), &[]);
        let code = code_on(&stage.say_yes(&page, &browser.cookie, &[]));

        let token = trade(&stage.running.url, &code, &[]).json()["access_token"].as_str().unwrap().to_owned();

        assert_eq!(wait(broker.helper_caller(&token.into())).unwrap().sign_in, sign_in(&browser.cookie));
    }
}

/// RFC 9700, section 4.12: a 307 would send a form's fields on.
#[test]
fn no_step_of_a_sign_in_repeats_a_form_elsewhere() {
    let stage = Stage::new();
    let mut visitor = Visitor::new();
    visitor.stop_before(HELPER);

    let asked = visitor.open(&stage.url(&format!("/oauth/authorize?{}", helper_query(&[]))));
    let handed_over = visitor.press(&asked, "yes");
    let home = visitor.open(&stage.url("/"));
    let out = visitor.press(&home, "Sign out");

    let trails = [asked.trail, handed_over.trail, out.trail].concat();
    let ours: Vec<u16> =
        trails.iter().filter(|(url, _)| url.as_str().starts_with(&stage.running.url)).map(|it| it.1).collect();
    assert!(ours.len() >= 6, "{trails:?}");
    assert!(ours.iter().all(|status| matches!(status, 200 | 303)), "{trails:?}");
}
