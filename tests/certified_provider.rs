//! Sign-in at a provider that is certified and not ours: node oidc-provider. Once against the program itself, started
//! from a settings file, and once inside the test.

use lodge::ambient::Clock;
use lodge::oidc::Algorithm;

use crate::support::broker::{CLIENT_ID, CLIENT_SECRET, Plan, STUDENTS, TestBroker, ask_for, helper_token, me, seed};
use crate::support::broker_program::Premises;
use crate::support::eventually;
use crate::support::peers::{self, OidcProvider, OidcSettings, Peer};
use crate::support::scripted_sts::{Reply, ScriptedSts};
use crate::support::visitor::Visitor;

fn provider(callback: &str, groups_in_id_token: bool) -> OidcProvider {
    OidcProvider::start(&OidcSettings {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        redirect_uri: callback,
        accounts: &[("student", Some(&[STUDENTS])), ("loner", Some(&[])), ("guest", None)],
        groups_in_id_token,
    })
}

/// The provider was asked for tokens and at userinfo so often, and no more. Its log may be a moment behind its answers.
fn was_asked(provider: &OidcProvider, tokens: usize, user_info: usize) {
    let count = |request: &str| provider.process.stdout().lines().filter(|line| *line == request).count();
    let counts = || (count("POST /token"), count("GET /me"));
    eventually("what the provider was asked", || (counts().0 >= tokens && counts().1 >= user_info).then_some(()));
    assert_eq!(counts(), (tokens, user_info));
}

#[test]
fn the_program_signs_people_in_at_the_provider_and_issues_what_their_groups_give() {
    let name = "the_program_signs_people_in_at_the_provider_and_issues_what_their_groups_give";
    if !peers::require(name, &[Peer::Node]) {
        return;
    }
    let premises = Premises::new();
    let provider = provider(&premises.callback(), false);
    let sts = ScriptedSts::start(Reply::Session(Clock::System.now()));
    let keys = [("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "for-this-test")];
    let lodged = premises.serve(&provider.issuer, "RS256", &sts.url, &keys);

    let mut student = Visitor::new();
    let token = helper_token(&mut student, &premises.url, "student");
    let first = me(&premises.url, &token).json();
    assert_eq!((&first["name"], &first["groups"]), (&"student".into(), &[STUDENTS].into()));
    was_asked(&provider, 1, 1);

    let issued = ask_for(&premises.url, &token, "vision/read-results", "");
    assert_eq!((issued.status, sts.asked().len()), (200, 1), "{}", issued.body);
    assert_eq!(sts.asked()[0]["SourceIdentity"], first["person_id"]);

    // The same person in another browser, and after a restart of the broker on the same folder, is the same person.
    lodged.signal("TERM");
    assert!(lodged.wait().status.success());
    let lodged = premises.serve(&provider.issuer, "RS256", &sts.url, &keys);
    assert_eq!(me(&premises.url, &token).status, 200, "a helper's session outlives a restart");
    let again = helper_token(&mut Visitor::new(), &premises.url, "student");
    assert_eq!(me(&premises.url, &again).json()["person_id"], first["person_id"]);

    // No group, and no word about groups, are two different refusals; neither reaches STS.
    sts.reply(Reply::Session(Clock::System.now()));
    for (person, groups, problem) in [
        ("loner", serde_json::json!([]), "urn:lodge:problem:no-such-role"),
        ("guest", serde_json::Value::Null, "urn:lodge:problem:no-group-information"),
    ] {
        let token = helper_token(&mut Visitor::new(), &premises.url, person);
        let who = me(&premises.url, &token).json();
        assert_eq!(who["groups"], groups, "{person}");
        assert_ne!(who["person_id"], first["person_id"]);

        let answer = ask_for(&premises.url, &token, "vision/read-results", "");

        assert_eq!((answer.status, answer.json()["type"].as_str()), (404, Some(problem)), "{person}: {}", answer.body);
    }
    assert_eq!(sts.asked().len(), 0);
    lodged.signal("TERM");
    assert!(lodged.wait().status.success());
    let kinds: Vec<_> = premises.ledger().iter().map(|entry| entry.event.kind()).collect();
    assert_eq!(kinds, ["attempted", "issued", "attempted", "refused", "attempted", "refused"]);
}

/// A broker inside the test that knows the provider as `campus`.
fn inside(groups_in_id_token: bool) -> (TestBroker, OidcProvider) {
    let plan = Plan::new(Clock::System);
    let provider = provider(&plan.callback("campus"), groups_in_id_token);
    let broker = plan.connection("campus", &provider.issuer, Algorithm::Rs256).start();
    seed(&broker.broker);
    (broker, provider)
}

#[test]
fn groups_in_the_id_token_need_no_second_question() {
    if !peers::require("groups_in_the_id_token_need_no_second_question", &[Peer::Node]) {
        return;
    }
    let (broker, provider) = inside(true);

    let page = Visitor::new().sign_in(&format!("{}/auth/campus/start", broker.url), "student");

    assert_eq!((page.status, page.url.path()), (200, "/"), "{}", page.text());
    assert!(page.text().contains("vision/read-results") && page.text().contains(STUDENTS), "{}", page.text());
    was_asked(&provider, 1, 0);
}

#[test]
fn the_provider_names_itself_and_its_answer_is_good_once() {
    if !peers::require("the_provider_names_itself_and_its_answer_is_good_once", &[Peer::Node]) {
        return;
    }
    let (broker, provider) = inside(false);
    let mut visitor = Visitor::new();
    let page = visitor.sign_in(&format!("{}/auth/campus/start", broker.url), "student");
    let is_callback = |url: &&url::Url| url.path() == "/auth/campus/callback";
    let callback = page.trail.iter().map(|(url, _)| url).find(is_callback).unwrap().clone();
    let issuer = callback.query_pairs().find(|(name, _)| name == "iss").map(|(_, value)| value.into_owned());
    assert_eq!(issuer.as_deref(), Some(provider.issuer.as_str()), "RFC 9207");

    let replayed = visitor.open(callback.as_str());

    assert_eq!(replayed.status, 400);
    assert!(replayed.text().contains("or it was used before"), "{}", replayed.text());
    was_asked(&provider, 1, 1);

    // The whole way again, at a provider that remembers this browser, asks it for nothing and signs in anew.
    let again = visitor.open(&format!("{}/auth/campus/start", broker.url));
    assert_eq!((again.status, again.url.path()), (200, "/"), "{}", again.text());
    was_asked(&provider, 2, 2);
}

#[test]
fn a_wrong_client_secret_is_a_refused_sign_in() {
    if !peers::require("a_wrong_client_secret_is_a_refused_sign_in", &[Peer::Node]) {
        return;
    }
    let plan = Plan::new(Clock::System);
    let provider = OidcProvider::start(&OidcSettings {
        client_id: CLIENT_ID,
        client_secret: "another-secret-than-ours",
        redirect_uri: &plan.callback("campus"),
        accounts: &[("student", None)],
        groups_in_id_token: false,
    });
    let broker = plan.connection("campus", &provider.issuer, Algorithm::Rs256).start();
    let mut visitor = Visitor::new();

    let page = visitor.sign_in(&format!("{}/auth/campus/start", broker.url), "student");

    assert_eq!((page.status, page.url.path()), (502, "/auth/campus/callback"), "{}", page.text());
    assert_eq!(visitor.cookie(&page.url, "lodge_session"), None);
    was_asked(&provider, 1, 0);
}
