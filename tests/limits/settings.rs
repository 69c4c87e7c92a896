//! Setting the limits: who may, within which bounds, and what stands in the ledger.

use lodge::domain::ledger::Event;

use super::*;

const GROUPS: &str = "groups_max_age_seconds";
const SIGN_IN: &str = "sign_in_max_age_seconds";

/// What holds: of the groups, and of a sign-in for each role, in seconds, and whether the lab set it.
fn holds(limits: &Value) -> Vec<(u64, bool)> {
    let of = |it: &Value, name: &str, set: &str| (it[name].as_u64().unwrap(), it[set].as_bool().unwrap());
    let roles = limits["roles"].as_array().unwrap().iter().map(|it| of(it, SIGN_IN, "sign_in_max_age_is_set"));
    std::iter::once(of(limits, GROUPS, "groups_max_age_is_set")).chain(roles).collect()
}

#[test]
fn a_pi_sets_limits_within_bounds_and_takes_them_back() {
    for kind in Kind::all("a_pi_sets_limits_within_bounds_and_takes_them_back") {
        let at = Observatory::on(kind);
        let pi = at.holder(Office::Pi, "pi");
        let entries = at.labs.book(&at.lab).len();
        let (month, day, hour) = (2_592_000, 43_200, 3_600);

        // Roles by name: pay, publish, read-results.
        let member = at.helper(&at.sign_in("observer", groups(&["observers"]), false));
        let shown = at.get(&member, "/api/v1/labs/astronomy/limits").json();
        assert_eq!(holds(&shown), [(month, false), (hour, false), (hour, false), (day, false)]);
        let spends: Vec<_> = shown["roles"].as_array().unwrap().iter().map(|role| role["spends"] == true).collect();
        assert_eq!(spends, [true, true, false]);

        let after = at.set("/limits", &json!({GROUPS: 86_400})).json();
        assert_eq!(holds(&after)[0], (86_400, true));
        let after = at.set("/roles/pay/limits", &json!({SIGN_IN: 300})).json();
        assert_eq!(holds(&after)[1], (300, true));
        // Again the same changes nothing, and nothing is written of it.
        at.set("/roles/pay/limits", &json!({SIGN_IN: 300}));
        at.set("/roles/pay/limits", &json!({SIGN_IN: null}));
        let after = at.set("/limits", &json!({GROUPS: null})).json();
        assert_eq!(holds(&after), holds(&shown));
        assert_eq!(at.get(&member, "/api/v1/labs/astronomy/limits").json(), shown);

        let written: Vec<_> = at.labs.book(&at.lab).into_iter().skip(entries).map(|entry| entry.event).collect();
        let written: Vec<_> = written.into_iter().filter(|event| !event.kind().starts_with("standing")).collect();
        let of_pay = |before, after| Event::RoleLimitChanged { role: "pay".parse().unwrap(), before, after };
        assert_eq!(
            written,
            [
                Event::LabLimitChanged { before: None, after: Some(86_400) },
                of_pay(None, Some(300)),
                of_pay(Some(300), None),
                Event::LabLimitChanged { before: Some(86_400), after: None },
            ]
        );

        for (path, name, good, bad) in [
            ("/limits", GROUPS, [3_600, 2_592_000], [3_599, 2_592_001]),
            ("/roles/read-results/limits", SIGN_IN, [3_600, 2_592_000], [3_599, 2_592_001]),
            ("/roles/pay/limits", SIGN_IN, [300, 43_200], [299, 43_201]),
            ("/roles/publish/limits", SIGN_IN, [300, 43_200], [299, 43_201]),
        ] {
            for seconds in good {
                assert_eq!(at.patch(&pi, path, &json!({name: seconds})).status, 200, "{path} {seconds}");
            }
            let before = at.labs.book(&at.lab).len();
            for seconds in bad {
                is(&at.patch(&pi, path, &json!({name: seconds})), 400, "cannot-be");
            }
            for body in [json!({}), json!({name: "1h"}), json!({name: -1}), json!({name: 1.5}), json!([])] {
                is(&at.patch(&pi, path, &body), 400, "malformed-request");
            }
            assert_eq!(at.labs.book(&at.lab).len(), before, "{path}");
        }
        for role in ["no-such-role", "NO", "%00"] {
            is(&at.patch(&pi, &format!("/roles/{role}/limits"), &json!({SIGN_IN: null})), 404, "not-in-lab");
        }
    }
}

#[test]
fn looking_after_a_lab_takes_a_sign_in_of_this_working_day() {
    let at = Observatory::on(Kind::Sqlite);
    at.set("/roles/read-results/limits", &month());
    for (office, subject) in [(Office::Pi, "second-pi"), (Office::Manager, "manager")] {
        let sign_in = at.sign_in(subject, groups(&["observers"]), true);
        at.labs.appoint(&at.lab, office, subject);
        let mut helper = at.helper(&sign_in);
        let bearer = |helper: &Helper| format!("Bearer {}", helper.access);
        let map = |helper: &Helper, group: &str| {
            let ask = raw::post(&at.labs.url("/api/v1/labs/astronomy/mappings"));
            let body = json!({"connection": "campus", "group": group, "role": "publish"});
            ask.header("authorization", &bearer(helper)).json(&body).send()
        };
        let end = |helper: &Helper, id: &str| {
            let ask = raw::post(&at.labs.url(&format!("/api/v1/labs/astronomy/mappings/{id}/end")));
            ask.header("authorization", &bearer(helper)).header("if-match", "\"1\"").send()
        };
        let added = ["first", "second"].map(|group| {
            let answer = map(&helper, &format!("{group}-{subject}"));
            assert_eq!(answer.status, 201, "{}", answer.body);
            answer.json()["mapping"]["id"].as_str().unwrap().to_owned()
        });
        at.later(TimeDelta::minutes(12 * 60 - 1), &mut [&mut helper]);
        assert_eq!(end(&helper, &added[0]).status, 200);
        let entries = at.labs.book(&at.lab).len();

        at.later(TimeDelta::minutes(1), &mut [&mut helper]);

        let refused = end(&helper, &added[1]);
        is(&refused, 403, "fresh-sign-in-needed");
        let challenge = "Bearer realm=\"lodge\", error=\"insufficient_user_authentication\", max_age=\"43200\"";
        assert_eq!(refused.header("www-authenticate"), Some(challenge));
        assert!(refused.json()["detail"].as_str().unwrap().contains("`lodge login --fresh`"), "{}", refused.body);
        assert_eq!(at.labs.book(&at.lab).len(), entries);
        // Looking is not changing, and a lab of strangers does not say which it is.
        assert_eq!(at.get(&helper, "/api/v1/labs/astronomy/mappings").status, 200);
        let stranger =
            raw::post(&at.labs.url("/api/v1/labs/vision/mappings")).header("authorization", &bearer(&helper));
        is(&stranger.json(&json!({"connection": "campus", "group": "g", "role": "pay"})).send(), 404, "no-such-lab");
        // A fresh sign-in elsewhere makes another session good for it, and not this one.
        let again = at.sign_in(subject, groups(&["observers"]), true);
        is(&map(&helper, "after"), 403, "fresh-sign-in-needed");
        assert_eq!(map(&at.helper(&again), &format!("after-{subject}")).status, 201);
    }
}

#[test]
fn a_second_factor_is_asked_for_in_the_words_of_rfc_9470() {
    let at = Observatory::on(Kind::Sqlite);
    at.labs.mapping(
        &at.lab,
        "treasurers",
        "pay",
        lodge::domain::mapping::MappingTerms { needs_mfa: true, ..Default::default() },
    );
    let mut helper = at.helper(&at.sign_in("treasurer", groups(&["treasurers"]), false));
    let error = "Bearer realm=\"lodge\", error=\"insufficient_user_authentication\", acr_values=\"mfa\"";

    let refused = at.ask(&helper, PAY);
    is(&refused, 403, "mfa-needed");
    assert_eq!(refused.header("www-authenticate"), Some(error));
    assert!(refused.body.contains("`lodge login --mfa`"), "{}", refused.body);
    assert_eq!(at.told(&helper, PAY), (Some("mfa".to_owned()), None));

    at.later(TimeDelta::hours(2), &mut [&mut helper]);
    let refused = at.ask(&helper, PAY);
    is(&refused, 403, "mfa-needed");
    assert_eq!(refused.header("www-authenticate"), Some(format!("{error}, max_age=\"3600\"").as_str()));
    assert!(refused.body.contains("`lodge login --mfa --fresh`"), "{}", refused.body);

    let strong = at.helper(&at.sign_in("treasurer", groups(&["treasurers"]), true));
    assert_eq!(at.ask(&strong, PAY).status, 200);
    is(&at.ask(&helper, PAY), 403, "mfa-needed");
}

/// The settings page as this PI sees it.
fn settings(at: &Observatory, cookie: &str, query: &str) -> Page {
    let url = at.labs.url(&format!("/labs/astronomy/settings{query}"));
    raw::get(&url).header("cookie", &format!("lodge_session={cookie}")).page().send()
}

fn save(at: &Observatory, cookie: &str, path: &str, seconds: &str) -> Page {
    let secret = secrecy::SecretString::from(cookie.to_owned());
    let token = at.labs.broker().form_token(&secret);
    let fields = [("form_token", secrecy::ExposeSecret::expose_secret(&token)), ("seconds", seconds)];
    let ask = raw::post_form(&at.labs.url(&format!("/labs/astronomy/settings/{path}")), &fields);
    ask.header("cookie", &format!("lodge_session={cookie}")).header("sec-fetch-site", "same-origin").page().send()
}

#[test]
fn a_limit_is_previewed_saved_and_undone_on_the_page() {
    for kind in Kind::all("a_limit_is_previewed_saved_and_undone_on_the_page") {
        let at = Observatory::on(kind);
        let pi = at.holder(Office::Pi, "pi");
        let entries = at.labs.book(&at.lab).len();

        let preview = settings(&at, &pi.cookie, "?set=groups&count=7&unit=days");
        assert!(preview.text().contains("7 days instead of 30 days"), "{}", preview.text());
        assert!(preview.text().contains("get nothing") || preview.text().contains("gets nothing"));
        assert_eq!(at.labs.book(&at.lab).len(), entries, "looking changes nothing");
        for (query, sentence) in [
            ("?set=groups&count=59&unit=minutes", "groups may be 1 hour to 30 days old"),
            ("?set=groups&count=x&unit=days", "Type a whole number"),
            ("?set=role&role=pay&count=13&unit=hours", "5 minutes to 12 hours"),
        ] {
            let wrong = settings(&at, &pi.cookie, query);
            assert!(wrong.status == 400 && wrong.text().contains(sentence), "{query}: {}", wrong.text());
        }

        let saved = save(&at, &pi.cookie, "groups-age", "604800");
        assert_eq!(saved.status, 303, "{}", saved.body);
        let done = settings(&at, &pi.cookie, &format!("?{}", saved.location().unwrap().query().unwrap()));
        assert!(done.text().contains("How old groups may be: now 7 days, before 30 days."), "{}", done.text());
        let undo = done.forms().into_iter().find(|form| form.buttons.iter().any(|it| it.text == "Undo")).unwrap();
        assert!(undo.fields.contains(&("seconds".to_owned(), String::new())), "{undo:?}");
        assert_eq!(save(&at, &pi.cookie, "groups-age", "").status, 303);
        // What does not hold any more is not said to have been done; nor is another entry.
        for place in [entries + 1, 1, 0, 999] {
            let page = settings(&at, &pi.cookie, &format!("?done={place}"));
            assert!(page.status == 200 && !page.text().contains("Undo"), "{place}: {}", page.text());
        }
        let written: Vec<_> = at.labs.book(&at.lab).into_iter().skip(entries).map(|entry| entry.event).collect();
        assert_eq!(
            written,
            [
                Event::LabLimitChanged { before: None, after: Some(604_800) },
                Event::LabLimitChanged { before: Some(604_800), after: None },
            ]
        );
        // Who does not set limits sees them, and no form.
        let manager = at.holder(Office::Manager, "manager");
        let page = settings(&at, &manager.cookie, "?set=groups&count=7&unit=days");
        assert!(page.status == 200 && !page.body.contains("See what it does") && !page.body.contains(">Save<"));
        assert_eq!(save(&at, &manager.cookie, "groups-age", "604800").status, 403);
        assert_eq!(save(&at, &pi.cookie, "sign-in-age/no-such-role", "3600").status, 404);
        assert_eq!(save(&at, &pi.cookie, "groups-age", "1").status, 400);
    }
}

#[test]
fn loosening_a_limit_takes_a_fresh_sign_in_and_tightening_does_not() {
    let at = Observatory::on(Kind::Sqlite);
    at.set("/limits", &json!({GROUPS: 86_400}));
    let pi = at.holder(Office::Pi, "fresh-pi");
    // The browser's session would end by itself when nothing is done with it.
    for _ in 0..3 {
        at.labs.advance(TimeDelta::minutes(20));
        assert_eq!(settings(&at, &pi.cookie, "").status, 200);
    }

    let looser = settings(&at, &pi.cookie, "?set=groups&count=2&unit=days");
    assert!(looser.text().contains("Saving this takes a fresh sign-in"), "{}", looser.text());
    let again = looser.links().into_iter().find(|(text, _)| text == "Sign in again").unwrap().1;
    let back = "/labs/astronomy/settings?set=groups&count=2&unit=days";
    assert!(again.query_pairs().any(|(name, value)| name == "return_to" && value == back), "{again}");
    assert!(settings(&at, &pi.cookie, "?set=groups&count=2&unit=hours").body.contains(">Save<"));
    let entries = at.labs.book(&at.lab).len();
    // Whoever sends the form all the same is led to the same page, by a fresh sign-in.
    for (form, seconds, back) in [
        ("groups-age", "172800", back),
        ("sign-in-age/pay", "7200", "/labs/astronomy/settings?set=role&role=pay&count=2&unit=hours"),
    ] {
        let refused = save(&at, &pi.cookie, form, seconds);
        assert_eq!(refused.status, 403, "{form}: {}", refused.body);
        let again = refused.links().into_iter().find(|(text, _)| text == "Sign in again").unwrap().1;
        assert!(again.query_pairs().any(|(name, value)| name == "return_to" && value == back), "{form}: {again}");
    }
    is(&at.patch(&pi, "/limits", &json!({GROUPS: 172_800})), 403, "fresh-sign-in-needed");
    is(&at.patch(&pi, "/limits", &json!({GROUPS: null})), 403, "fresh-sign-in-needed");
    is(&at.patch(&pi, "/roles/pay/limits", &json!({SIGN_IN: 7_200})), 403, "fresh-sign-in-needed");
    assert_eq!(at.labs.book(&at.lab).len(), entries);
    assert_eq!(at.patch(&pi, "/limits", &json!({GROUPS: 7_200})).status, 200);
    assert_eq!(at.patch(&pi, "/roles/pay/limits", &json!({SIGN_IN: 300})).status, 200);
    // What is the broker's own limit already is no looser for being set.
    assert_eq!(at.patch(&pi, "/roles/publish/limits", &json!({SIGN_IN: 3_600})).status, 200);
}
