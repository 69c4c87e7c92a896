//! The weekend job, and what groups are worth when they grow old.

use chrono::{SecondsFormat, TimeDelta};
use lodge::domain::access::Refusal;
use lodge::domain::ledger::Event;

use super::*;

/// From Friday, 17:00, to Sunday, 15:00.
const WEEKEND: TimeDelta = TimeDelta::hours(46);

#[test]
fn a_job_of_friday_reads_on_sunday_and_pays_only_after_a_fresh_sign_in() {
    for kind in Kind::all("a_job_of_friday_reads_on_sunday_and_pays_only_after_a_fresh_sign_in") {
        let at = Observatory::on(kind);
        at.set("/roles/read-results/limits", &month());
        let friday = at.labs.now();
        let both = || groups(&["observers", "payers"]);
        let mut job = at.helper(&at.sign_in("job", both(), false));
        assert_eq!(job.lives_seconds, 30 * 24 * 3_600, "as long as the longest of the roles");
        assert_eq!((at.ask(&job, READ).status, at.ask(&job, PAY).status), (200, 200), "Friday");

        at.later(WEEKEND, &mut [&mut job]);

        assert_eq!(at.ask(&job, READ).status, 200, "Sunday");
        let refused = at.ask(&job, PAY);
        is(&refused, 403, "fresh-sign-in-needed");
        let challenge = "Bearer realm=\"lodge\", error=\"insufficient_user_authentication\", max_age=\"3600\"";
        assert_eq!(refused.header("www-authenticate"), Some(challenge));
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.ends_with("Sign in again: `lodge login --fresh`."), "{detail}");
        let last = at.labs.book(&at.lab).pop().unwrap();
        assert_eq!(last.event, Event::Refused { reason: Refusal::FreshSignInNeeded });
        // It was told before it ran into that, too.
        let until = |moment: chrono::DateTime<chrono::Utc>| Some(moment.to_rfc3339_opts(SecondsFormat::Secs, true));
        assert_eq!(at.told(&job, PAY), (Some("fresh-sign-in".to_owned()), None));
        assert_eq!(at.told(&job, READ), (None, until(friday + TimeDelta::days(30))));

        // A sign-in in another browser, fresh and with a second factor, makes this session no stronger.
        let elsewhere = at.sign_in("job", both(), true);
        is(&at.ask(&job, PAY), 403, "fresh-sign-in-needed");
        let mut fresh = at.helper(&elsewhere);
        assert_eq!((at.ask(&fresh, PAY).status, at.ask(&fresh, READ).status), (200, 200), "after a fresh sign-in");
        assert_eq!(at.told(&fresh, PAY), (None, until(at.labs.now() + TimeDelta::hours(1))));
        at.later(TimeDelta::hours(1), &mut [&mut job, &mut fresh]);
        is(&at.ask(&fresh, PAY), 403, "fresh-sign-in-needed");
        assert_eq!((at.ask(&fresh, READ).status, at.ask(&job, READ).status), (200, 200));

        // And after thirty days it is over.
        at.labs.advance(friday + TimeDelta::days(30) - at.labs.now());
        is(&at.ask(&job, READ), 401, "sign-in-needed");
        assert_eq!(at.try_refresh(&job).status, 400);
    }
}

#[test]
fn a_session_lives_a_working_day_unless_a_role_of_its_own_allows_more() {
    let at = Observatory::on(Kind::Sqlite);
    let lives = |names: &[&str], subject: &str| at.helper(&at.sign_in(subject, groups(names), false)).lives_seconds;
    let day = 12 * 3_600;

    assert_eq!(lives(&["observers", "payers"], "before"), day);
    at.set("/roles/read-results/limits", &json!({"sign_in_max_age_seconds": 7 * 24 * 3_600}));
    at.set("/roles/pay/limits", &json!({"sign_in_max_age_seconds": 300}));
    assert_eq!(lives(&["observers"], "observer"), 7 * 24 * 3_600);
    assert_eq!(lives(&["observers", "payers"], "both"), 7 * 24 * 3_600);
    assert_eq!((lives(&["payers"], "payer"), lives(&[], "nobody")), (day, day), "of others' roles it takes nothing");
    // What a role takes is asked again each time.
    let mut observer = at.helper(&at.sign_in("observer", groups(&["observers"]), false));
    at.later(TimeDelta::days(2), &mut [&mut observer]);
    assert_eq!(at.ask(&observer, READ).status, 200);
    at.set("/roles/read-results/limits", &json!({"sign_in_max_age_seconds": null}));
    is(&at.ask(&observer, READ), 403, "fresh-sign-in-needed");
}

#[test]
fn a_sign_in_that_rides_on_an_old_session_at_the_provider_does_not_pay() {
    let at = Observatory::on(Kind::Sqlite);
    let with = |authenticated_at| {
        let claims = ClaimsSnapshot { authenticated_at, ..ClaimsSnapshot::of_groups(groups(&["observers", "payers"])) };
        let helper = at.helper(&at.sign_in_with("job", &claims));
        (at.ask(&helper, READ).status, at.ask(&helper, PAY).status)
    };

    assert_eq!(with(Some(at.labs.now() - TimeDelta::minutes(59))), (200, 200));
    assert_eq!(with(Some(at.labs.now() - TimeDelta::minutes(60))), (200, 403), "this morning's");
    assert_eq!(with(None), (200, 403), "the provider does not say");
}

#[test]
fn groups_older_than_the_lab_allows_give_nothing_there() {
    for kind in Kind::all("groups_older_than_the_lab_allows_give_nothing_there") {
        let at = Observatory::on(kind);
        at.set("/roles/read-results/limits", &month());
        let mut job = at.helper(&at.sign_in("job", groups(&["observers"]), false));
        at.later(WEEKEND, &mut [&mut job]);
        let lab = "/api/v1/labs/astronomy";
        assert_eq!((at.ask(&job, READ).status, at.get(&job, lab).status), (200, 200));

        at.set("/limits", &json!({"groups_max_age_seconds": 24 * 3_600}));

        let refused = at.ask(&job, READ);
        is(&refused, 403, "sign-in-too-old");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.ends_with("Sign in again: `lodge login --fresh`."), "{detail}");
        is(&at.get(&job, lab), 404, "no-such-lab");
        assert_eq!(at.told(&job, READ), (Some("fresh-sign-in".to_owned()), None));
        // Who has no mapping there is not told that there is anything.
        let mut stranger = at.helper(&at.sign_in("stranger", groups(&["chess"]), false));
        at.later(TimeDelta::hours(11), &mut [&mut stranger, &mut job]);
        is(&at.ask(&stranger, READ), 404, "no-such-role");

        // The groups of a later sign-in elsewhere count at once, for all sessions.
        at.sign_in("job", groups(&["observers"]), false);
        assert_eq!((at.ask(&job, READ).status, at.get(&job, lab).status), (200, 200));
        at.labs.advance(TimeDelta::seconds(1));
        at.sign_in("job", groups(&["chess"]), false);
        is(&at.ask(&job, READ), 404, "no-such-role");
        is(&at.get(&job, lab), 404, "no-such-lab");
    }
}

#[test]
fn groups_that_are_absent_too_many_cut_off_or_none_are_four_answers() {
    for kind in Kind::all("groups_that_are_absent_too_many_cut_off_or_none_are_four_answers") {
        let at = Observatory::on(kind);
        for (what, groups, problem, missing, on_page) in [
            ("absent", Groups::Absent, "no-group-information", None, "said nothing about groups"),
            (
                "overage",
                Groups::Overage,
                "groups-too-many",
                Some("too-many"),
                "You are in more groups than your sign-in",
            ),
            (
                "truncated",
                Groups::Truncated(list(&["chess"])),
                "groups-cut-off",
                Some("cut-off"),
                "sends no more than these",
            ),
            ("empty", groups(&[]), "no-such-role", None, "brought no groups"),
        ] {
            let sign_in = at.sign_in(what, groups, false);
            let helper = at.helper(&sign_in);
            // A lab that does not exist gets the same answer, byte for byte.
            let answers =
                [READ, PAY, "atlantis/pay", "NO LAB/pay"].map(|role| at.ask(&helper, &role.replace(' ', "%20")));
            for answer in &answers {
                is(answer, 404, problem);
                assert_eq!(answer.body, answers[0].body, "{what}");
            }
            let me = at.get(&helper, "/api/v1/me").json();
            assert_eq!(me["groups_missing"].as_str(), missing, "{what}");
            assert_eq!(me["groups"].is_null(), matches!(what, "absent" | "overage"), "{what}");
            let page = at.home(&sign_in).text();
            assert!(page.contains(on_page), "{what}: {page}");
        }
        // What was sent counts, though there is more.
        let some = at.helper(&at.sign_in("some", Groups::Truncated(list(&["chess", "observers"])), false));
        assert_eq!(at.ask(&some, READ).status, 200);
    }
}

#[test]
fn the_home_page_says_what_a_role_takes_before_somebody_runs_into_it() {
    let at = Observatory::on(Kind::Sqlite);
    let claims = ClaimsSnapshot::of_groups(groups(&["observers", "payers"]));

    let page = at.home(&at.sign_in_with("somebody", &claims)).text();

    assert!(page.contains("Takes a sign-in that is at most 1 hour old."), "{page}");
    assert!(page.contains("Takes a sign-in that is at most 12 hours old."), "{page}");
    assert_eq!(page.matches("Your sign-in is too old for it. Sign in again:").count(), 1, "{page}");
    assert!(page.contains("lodge login --fresh"), "{page}");
}
