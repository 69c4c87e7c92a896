//! A lab's AWS account as people see it, on pages and through the API: what it says in each of its states, to whom, and
//! what it never says. There is no AWS behind these: how an account stands is written into the database.

use chrono::TimeDelta;
use lodge::domain::account::{AccountState, CheckReason, ProbeOutcome, Verdict};
use lodge::domain::lab::Office;
use lodge::domain::mapping::MappingTerms;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::support::accounts::{self, hostile_message};
use crate::support::databases::Kind;
use crate::support::labs::Labs;
use crate::support::raw::{self, Ask};
use crate::support::serving::wait;
use crate::support::signed_in::{SignedIn, operator, signed_in};
use crate::support::visitor::Page;

const API: &str = "/api/v1/labs/vision";
const PAGE: &str = "/labs/vision/account";

/// The lab `vision` with somebody in each standing.
struct Stage {
    labs: Labs,
    pi: SignedIn,
    manager: SignedIn,
    member: SignedIn,
}

impl Stage {
    fn on(kind: Kind) -> Self {
        let labs = Labs::on(kind);
        labs.mapping(&labs.a, "students", "read-results", MappingTerms::default());
        let pi = labs.holder(&labs.a, Office::Pi, "pi", &[]);
        let manager = labs.holder(&labs.a, Office::Manager, "manager", &[]);
        let member = signed_in(labs.broker(), "student", &["students"]);
        Self { labs, pi, manager, member }
    }

    /// Has the account stand like this, and the last check of it have found what goes with that.
    fn stands(&self, state: AccountState) {
        // Each check is later than the one before it.
        self.labs.advance(TimeDelta::seconds(1));
        let (account, now) = (self.labs.account(&self.labs.a), self.labs.now());
        let (report, verdict) = match state {
            AccountState::Joined => (accounts::well(now), Verdict::Proven),
            AccountState::Open => (accounts::ill(now), Verdict::Open),
            AccountState::Broken | AccountState::Declared => (accounts::ill(now), Verdict::Broken),
        };
        wait(account.checked(TimeDelta::seconds(20), CheckReason::Demand, report, Some(verdict)));
        wait(account.stands(state));
    }

    fn by(who: &SignedIn, ask: Ask) -> Ask {
        let ask = ask.header("accept", "text/html").header("cookie", &format!("lodge_session={}", who.cookie));
        ask.header("authorization", &format!("Bearer {}", who.token))
    }

    fn see(&self, who: &SignedIn, path: &str) -> Page {
        Self::by(who, raw::get(&self.labs.url(path))).send()
    }

    fn page(&self, who: &SignedIn, path: &str) -> Page {
        let page = self.see(who, path);
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        page
    }

    fn json(&self, who: &SignedIn, path: &str) -> Value {
        self.page(who, path).json()
    }

    fn press(&self, who: &SignedIn, path: &str) -> Page {
        let token = self.labs.broker().form_token(&SecretString::from(who.cookie.clone()));
        Self::by(who, raw::post_form(&self.labs.url(path), &[("form_token", token.expose_secret())])).send()
    }
}

fn buttons(page: &Page) -> Vec<String> {
    page.forms().into_iter().flat_map(|form| form.buttons).map(|button| button.text).collect()
}

#[test]
fn an_account_that_is_not_joined_is_joined_in_three_steps_by_a_pi() {
    let stage = Stage::on(Kind::Sqlite);
    wait(stage.labs.account(&stage.labs.a).stands(AccountState::Declared));

    let page = stage.page(&stage.pi, PAGE);
    for words in ["1. Create the stack", "2. Wait until AWS says CREATE_COMPLETE", "3. Join the account"] {
        assert!(page.text().contains(words), "{words}: {}", page.body);
    }
    assert!(page.body.contains("aws cloudformation deploy --stack-name"), "{}", page.body);
    assert!(buttons(&page).contains(&"Join the account".to_owned()), "{:?}", buttons(&page));
    let page = stage.page(&stage.manager, PAGE);
    assert!(page.text().contains("A PI of the lab does this"), "{}", page.text());
    assert!(!buttons(&page).iter().any(|button| button.contains("Join")), "{:?}", buttons(&page));
    let page = stage.page(&stage.member, PAGE);
    assert!(page.text().contains("not joined yet") && page.text().contains("Whom to ask"), "{}", page.text());
    assert!(!page.body.contains("Create the stack") && !page.body.contains("/account/stack"), "{}", page.body);

    assert_eq!(stage.press(&stage.manager, &format!("{PAGE}/join")).status, 403);
    assert_eq!(stage.press(&stage.member, &format!("{PAGE}/check")).status, 403);
    let begun = stage.press(&stage.pi, &format!("{PAGE}/join"));
    assert_eq!((begun.status, begun.location().unwrap().path()), (303, PAGE));
    let checks = stage.json(&stage.pi, &format!("{API}/account/checks"));
    assert_eq!((&checks["checks"][0]["reason"], &checks["next"]), (&json!("join"), &Value::Null));
    assert_eq!(checks["checks"][0]["by"], stage.pi.person.as_str());
    assert_eq!(checks["checks"][0]["tries_at_most"], 6);
}

#[test]
fn joining_with_an_old_sign_in_leads_through_a_fresh_one_and_back() {
    let stage = Stage::on(Kind::Sqlite);
    wait(stage.labs.account(&stage.labs.a).stands(AccountState::Declared));
    for _ in 0..3 {
        stage.labs.advance(TimeDelta::minutes(21));
        stage.page(&stage.pi, PAGE);
    }

    let page = stage.page(&stage.pi, PAGE);
    assert!(!buttons(&page).iter().any(|button| button.contains("Join")), "{:?}", buttons(&page));
    let refused = stage.press(&stage.pi, &format!("{PAGE}/join"));
    assert_eq!(refused.status, 403, "{}", refused.body);
    for page in [page, refused] {
        let again = page.links().into_iter().find(|(text, _)| text == "Sign in again").unwrap().1;
        assert!(again.query_pairs().any(|(name, value)| name == "return_to" && value == PAGE), "{again}");
        assert!(again.query_pairs().any(|(name, _)| name == "fresh"), "{again}");
    }
    assert_eq!(stage.json(&stage.pi, &format!("{API}/account/checks"))["checks"], json!([]));
}

#[test]
fn a_page_looks_again_while_a_check_runs_and_only_then() {
    let stage = Stage::on(Kind::Sqlite);
    stage.stands(AccountState::Joined);
    for path in [PAGE, "/labs/vision/diagnosis"] {
        assert_eq!(stage.page(&stage.pi, path).header("refresh"), None, "{path}");
    }

    let report = accounts::halfway(stage.labs.now());
    let account = stage.labs.account(&stage.labs.a);
    let check = wait(account.checked(TimeDelta::seconds(1), CheckReason::Join, report, None));

    let page = stage.page(&stage.pi, PAGE);
    assert_eq!(page.header("refresh"), Some("2"));
    for words in ["A check is under way", "Try 2 of 6", "to come", "A harmless call for"] {
        assert!(page.text().contains(words), "{words}: {}", page.text());
    }
    assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"));
    assert_eq!(stage.page(&stage.member, PAGE).header("refresh"), None, "that is no business of members");
    assert_eq!(stage.page(&stage.member, "/labs/vision/diagnosis").header("refresh"), Some("2"));
    let diagnosis = stage.json(&stage.member, &format!("{API}/diagnosis"));
    assert_eq!(diagnosis["running"], check.as_str());
    let one = stage.json(&stage.manager, &format!("{API}/account/checks/{check}"));
    assert_eq!((&one["ended_at"], &one["verdict"], &one["tries"]), (&Value::Null, &Value::Null, &json!(2)));
    // Whoever wants one meanwhile gets that one.
    let asked = Stage::by(&stage.manager, raw::post(&stage.labs.url(&format!("{API}/account/checks")))).send();
    assert_eq!((asked.status, asked.json()["id"].as_str()), (202, Some(check.as_str())));
}

#[test]
fn what_is_wrong_is_told_to_keepers_with_who_can_mend_it_and_to_members_only_that_it_is() {
    for kind in Kind::all("what_is_wrong_is_told_to_keepers_with_who_can_mend_it_and_to_members_only_that_it_is") {
        let stage = Stage::on(kind);
        for (state, alarm) in
            [(AccountState::Broken, "does not let anybody in"), (AccountState::Open, "open where it should not be")]
        {
            stage.stands(state);
            let details =
                ["the trust policy asks for another external id", "whoever administers", "AccessDeniedException"];

            for who in [&stage.pi, &stage.manager] {
                let page = stage.page(who, PAGE).text();
                assert!(details.iter().all(|words| page.contains(words)) && page.contains(alarm), "{state:?}: {page}");
                assert!(page.find(alarm) < page.find("The last check"), "the alarm comes first");
            }
            let account = stage.json(&stage.manager, &format!("{API}/account"));
            assert_eq!(account["state"], state.as_str());
            let trouble = &account["check"]["troubles"][0];
            assert_eq!((&trouble["link"], &trouble["severity"]), (&json!("sts"), &json!("stops")));
            assert_eq!(trouble["causes"][0]["cause"], "other-external-id");
            assert_eq!(trouble["causes"][0]["mender"]["kind"], "account-owner");

            for path in [PAGE, &format!("{API}/account")] {
                let seen = stage.page(&stage.member, path).body;
                for words in details.iter().chain(&["desrever", "Check now", "check/", "external"]) {
                    assert!(!seen.contains(words), "{path}: {words}: {seen}");
                }
                assert_eq!(seen.contains(alarm), state == AccountState::Broken, "{path}: {seen}");
            }
            let account = stage.json(&stage.member, &format!("{API}/account"));
            assert_eq!(account["check"], Value::Null);
            assert_eq!(account["state"], if state == AccountState::Broken { "broken" } else { "joined" });
        }
    }
}

#[test]
fn a_role_that_awaits_an_update_says_which_actions_and_where_the_new_template_is() {
    let stage = Stage::on(Kind::Sqlite);
    stage.stands(AccountState::Joined);
    let account = stage.labs.account(&stage.labs.a);
    wait(account.found("pay", &[], Some(accounts::answer(ProbeOutcome::Works, 200, "", ""))));
    let answer = accounts::answer(ProbeOutcome::NotLinked, 400, "RequestError", &hostile_message());
    wait(account.found("read-results", &["mechanicalturk:ListHITs"], Some(answer)));

    let page = stage.page(&stage.pi, PAGE);
    for words in ["awaits an account update", "mechanicalturk:ListHITs", "Download the new template"] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    let of = |who: &SignedIn| stage.json(who, &format!("{API}/account"))["roles"].clone();
    let roles = of(&stage.manager);
    assert_eq!((&roles[0]["ready"], &roles[1]["ready"]), (&json!("ready"), &json!("awaiting-update")));
    assert_eq!(roles[1]["uncovered"], json!(["mechanicalturk:ListHITs"]));
    assert_eq!((&roles[1]["probe"]["outcome"], &roles[1]["probe"]["status"]), (&json!("not-linked"), &json!(400)));
    let roles = of(&stage.member);
    assert_eq!((&roles[1]["ready"], &roles[1]["uncovered"]), (&json!("awaiting-update"), &Value::Null));
    let probe = &roles[1]["probe"];
    assert_eq!(
        (&probe["outcome"], &probe["message"], &probe["code"]),
        (&json!("not-linked"), &Value::Null, &Value::Null)
    );

    assert!(stage.page(&stage.member, "/labs/vision/roles").text().contains("awaits an account update"));
    let overview = stage.json(&stage.pi, &format!("{API}/overview"));
    let update = overview["attention"].as_array().unwrap().iter().find(|it| it["kind"] == "account-update").unwrap();
    assert_eq!(update["subjects"], json!(["read-results"]));
    let me = stage.json(&stage.member, "/api/v1/me");
    assert_eq!(me["roles"][0]["needs"], "account-update");
}

#[test]
fn what_a_service_says_is_shown_as_it_is_and_does_nothing() {
    let stage = Stage::on(Kind::Sqlite);
    stage.stands(AccountState::Broken);
    let answer = accounts::answer(ProbeOutcome::Other, 418, "<b>Code</b>", &hostile_message());
    wait(stage.labs.account(&stage.labs.a).found("pay", &[], Some(answer)));

    for path in [PAGE, &format!("{PAGE}/history")] {
        let page = stage.page(&stage.pi, path).body;
        assert!(page.contains("&#60;script&#62;alert(1)&#60;/script&#62;"), "{path}: {page}");
        assert!(
            page.contains("U+202E") && page.contains("U+200B") && page.contains(&"x".repeat(260)),
            "{path}: {page}"
        );
        assert!(!page.contains("<script>alert") && !page.contains('\u{202e}') && !page.contains("<b>Code"), "{path}");
    }
    let check = &stage.json(&stage.pi, &format!("{API}/account"))["check"];
    assert_eq!(check["probes"][0]["message"], hostile_message());
    for path in ["/labs/vision/diagnosis", "/labs/vision", "/"] {
        assert!(!stage.page(&stage.member, path).body.contains("desrever"), "{path}");
    }
}

#[test]
fn an_external_id_stands_in_the_stack_and_nowhere_else() {
    let stage = Stage::on(Kind::Sqlite);
    let ids = [stage.labs.a.external_id.as_str().to_owned(), stage.labs.a.external_id.of_steward().as_str().to_owned()];
    let in_stack = stage.page(&stage.pi, &format!("{PAGE}/stack"));
    assert!(ids.iter().all(|id| in_stack.body.contains(id.as_str())), "{}", in_stack.body);
    assert_eq!(in_stack.header("content-type"), Some("application/json"));
    assert_eq!(in_stack.header("content-disposition"), Some("attachment; filename=\"lodge-vision.json\""));
    let by_api = stage.json(&stage.manager, &format!("{API}/account/stack"));
    assert_eq!((&by_api["template"], &by_api["file_name"]), (&in_stack.json(), &json!("lodge-vision.json")));
    assert_eq!(by_api["quick_create"], Value::Null);

    let paths = [
        "",
        "/account",
        "/account/history",
        "/account/checks",
        "/diagnosis",
        "/diagnosis?role=pay",
        "/roles",
        "/settings",
        "/overview",
        "/ledger",
    ];
    for state in [AccountState::Declared, AccountState::Joined, AccountState::Broken, AccountState::Open] {
        stage.stands(state);
        for who in [&stage.pi, &stage.manager, &stage.member] {
            for path in paths {
                for base in ["/labs/vision", API] {
                    let seen = stage.see(who, &format!("{base}{path}")).body;
                    assert!(!ids.iter().any(|id| seen.contains(id.as_str())), "{state:?} {base}{path}: {seen}");
                }
            }
            assert!(!ids.iter().any(|id| stage.see(who, "/api/v1/me").body.contains(id.as_str())));
        }
    }
}

#[test]
fn the_checks_come_in_pages_newest_first() {
    for kind in Kind::all("the_checks_come_in_pages_newest_first") {
        let stage = Stage::on(kind);
        let (account, now) = (stage.labs.account(&stage.labs.a), stage.labs.now());
        let check = |n: i64| {
            let report = accounts::well(now);
            wait(account.checked(TimeDelta::minutes(n), CheckReason::Watch, report, Some(Verdict::Proven))).to_string()
        };
        let ids: Vec<_> = (1..=23).map(check).collect();

        let mut found = Vec::new();
        let mut after = String::new();
        loop {
            let page = stage.json(&stage.manager, &format!("{API}/account/checks?limit=10{after}"));
            found.extend(page["checks"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()));
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(found, ids);

        let first = stage.page(&stage.manager, &format!("{PAGE}/history"));
        let next = first.links().into_iter().find(|(text, _)| text == "Older checks").unwrap().1;
        let second = stage.page(&stage.manager, &next.as_str()[stage.labs.url("").len()..]);
        assert!(first.body.contains(&ids[19]) && !first.body.contains(&ids[20]) && second.body.contains(&ids[22]));
        assert!(!second.body.contains("Older checks"));
        for (query, status) in
            [("limit=0", 400), ("limit=101", 400), ("after=x", 400), ("after=ac-0000000000000000", 404)]
        {
            assert_eq!(stage.see(&stage.manager, &format!("{API}/account/checks?{query}")).status, status, "{query}");
        }
        let other = labs_other_check(&stage);
        assert_eq!(stage.see(&stage.manager, &format!("{API}/account/checks/{other}")).status, 404);
        assert_eq!(stage.see(&stage.manager, &format!("{API}/account/checks?after={other}")).status, 404);
    }
}

fn labs_other_check(stage: &Stage) -> String {
    let report = accounts::well(stage.labs.now());
    let other = stage.labs.account(&stage.labs.b);
    wait(other.checked(TimeDelta::minutes(1), CheckReason::Watch, report, Some(Verdict::Proven))).to_string()
}

#[test]
fn a_broken_account_is_told_to_members_before_they_meet_it_and_to_those_who_can_see_to_it() {
    let stage = Stage::on(Kind::Sqlite);
    let kinds = |who: &SignedIn| {
        let overview = stage.json(who, &format!("{API}/overview"));
        overview["attention"].as_array().unwrap()[0]["kind"].as_str().unwrap().to_owned()
    };
    let runs_it = operator(stage.labs.broker());
    let needs = || stage.json(&runs_it, "/api/v1/operator")["needy_labs"].to_string();
    let warning = "refuses the broker";
    for (state, kind, warns) in [
        (AccountState::Declared, "account-not-joined", false),
        (AccountState::Broken, "account-broken", true),
        (AccountState::Open, "account-open", false),
    ] {
        stage.stands(state);
        assert_eq!(kinds(&stage.manager), kind);
        assert!(stage.page(&stage.pi, "/labs/vision").body.contains("href=\"/labs/vision/account\""));
        assert_eq!(needs().contains(kind), state != AccountState::Declared, "{state:?}: {}", needs());
        let lab = stage.json(&runs_it, "/api/v1/operator/labs/vision");
        assert_eq!(lab["account_state"], state.as_str());
        for path in ["/", "/labs/vision", "/api/v1/me"] {
            assert_eq!(stage.page(&stage.member, path).body.contains(warning), warns, "{state:?} {path}");
        }
    }
    let page = stage.page(&runs_it, "/operator").text();
    assert!(page.contains("account open"), "{page}");
    stage.stands(AccountState::Joined);
    assert!(!kinds(&stage.manager).starts_with("account"));
    assert!(!needs().contains("account"), "{}", needs());
}

#[test]
fn a_diagnosis_names_the_first_broken_link_and_who_can_mend_it() {
    let stage = Stage::on(Kind::Sqlite);
    let diagnose = |who: &SignedIn, query: &str| stage.json(who, &format!("{API}/diagnosis{query}"));
    wait(stage.labs.account(&stage.labs.a).stands(AccountState::Declared));
    let found = diagnose(&stage.member, "");
    assert_eq!((&found["first_broken"], &found["role"]), (&json!("role"), &json!("read-results")));
    let states: Vec<_> =
        found["links"].as_array().unwrap().iter().map(|link| link["state"].as_str().unwrap().to_owned()).collect();
    assert_eq!(states, ["passed", "passed", "passed", "failed", "skipped", "skipped", "skipped"]);
    let page = stage.page(&stage.member, "/labs/vision/diagnosis").text();
    for words in ["The first link that is broken: the role", "Who can mend it", "A PI opens the lab's account page"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(page.contains("lodge doctor --lab vision --role read-results"), "{page}");

    // Nobody gives the member this one.
    assert_eq!(diagnose(&stage.member, "?role=pay")["first_broken"], "mapping");
    assert_eq!(stage.see(&stage.member, &format!("{API}/diagnosis?role=none")).status, 400);
    assert_eq!(stage.see(&stage.member, &format!("{API}/diagnosis?role=NO")).status, 400);

    stage.stands(AccountState::Broken);
    let found = diagnose(&stage.member, "");
    assert_eq!((&found["first_broken"], &found["running"]), (&json!("sts"), &Value::Null));
    let sts = found["links"].as_array().unwrap().iter().find(|link| link["link"] == "sts").unwrap();
    assert!(sts["causes"].as_array().unwrap().len() > 1 && !sts["next"].as_array().unwrap().is_empty(), "{sts}");

    stage.stands(AccountState::Joined);
    let found = diagnose(&stage.member, "");
    assert_eq!(found["first_broken"], Value::Null, "{found}");
    assert!(stage.page(&stage.member, "/labs/vision/diagnosis").text().contains("Nothing keeps you from read-results"));
}
