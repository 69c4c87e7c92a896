//! Sign-in at a provider that is certified and not ours: node oidc-provider. Once against the program itself, started
//! from a settings file, and once inside the test.

use std::collections::HashMap;

use chrono::TimeDelta;
use lodge::ambient::Clock;
use lodge::domain::sign_in::SignInRefusal;
use lodge::oidc::{
    self, Algorithm, AuthorizationRequest, Callback, Login, MfaRequest, MfaRule, Provider, Reach, StepUp,
};
use secrecy::SecretString;

use crate::support::broker::{CLIENT_ID, CLIENT_SECRET, Plan, STUDENTS, TestBroker, ask_for, helper_token, me, seed};
use crate::support::broker_program::Premises;
use crate::support::eventually;
use crate::support::peers::{self, OidcProvider, OidcSettings, Peer};
use crate::support::scripted_sts::{Reply, ScriptedSts};
use crate::support::serving::wait;
use crate::support::visitor::Visitor;

fn provider(callback: &str, groups_in_id_token: bool) -> OidcProvider {
    OidcProvider::start(&OidcSettings {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        redirect_uri: callback,
        accounts: &[("student", Some(&[STUDENTS])), ("loner", Some(&[])), ("guest", None)],
        groups_in_id_token,
        ..OidcSettings::default()
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
        ..OidcSettings::default()
    });
    let broker = plan.connection("campus", &provider.issuer, Algorithm::Rs256).start();
    let mut visitor = Visitor::new();

    let page = visitor.sign_in(&format!("{}/auth/campus/start", broker.url), "student");

    assert_eq!((page.status, page.url.path()), (502, "/auth/campus/callback"), "{}", page.text());
    assert_eq!(visitor.cookie(&page.url, "lodge_session"), None);
    was_asked(&provider, 1, 0);
}

/// Where nobody is: a visitor stops in front of it.
const CALLBACK: &str = "http://127.0.0.1:9/auth/campus/callback";

/// The provider, and our side of it alone.
struct Pair {
    certified: OidcProvider,
    ours: Provider,
}

/// A sign-in at the provider that has come back and was not completed yet.
struct CameBack {
    answer: HashMap<String, String>,
    step_up: StepUp,
}

impl Pair {
    fn new(settings: &OidcSettings<'_>, own: impl FnOnce(oidc::Settings) -> oidc::Settings) -> Self {
        let certified = OidcProvider::start(&OidcSettings {
            client_id: CLIENT_ID,
            client_secret: CLIENT_SECRET,
            redirect_uri: CALLBACK,
            accounts: &[("student", Some(&[STUDENTS])), ("pi", Some(&[]))],
            ..*settings
        });
        let (issuer, secret) = (certified.issuer.parse().unwrap(), CLIENT_SECRET.to_owned().into());
        let ours = oidc::Settings {
            scopes: vec!["profile".to_owned(), "groups".to_owned()],
            reach: Reach { insecure_origins: vec![certified.issuer.parse().unwrap()], ..Reach::default() },
            ..oidc::Settings::new("campus".parse().unwrap(), issuer, CLIENT_ID, secret)
        };
        Self { certified, ours: Provider::new(own(ours)).unwrap() }
    }

    /// Goes to the provider and back, to the callback and not through it.
    fn go(&self, visitor: &mut Visitor, person: &str, step_up: StepUp) -> CameBack {
        let [state, nonce, verifier] = secrets();
        let ask = AuthorizationRequest {
            redirect_uri: CALLBACK,
            state: &state,
            nonce: &nonce,
            verifier: &verifier,
            choose_account: false,
            step_up,
        };
        let url = wait(self.ours.authorization_url(&ask)).unwrap();
        visitor.stop_before(CALLBACK);
        let page = visitor.sign_in(url.as_str(), person);
        let back = page.location().unwrap_or_else(|| panic!("{} at {}", page.text(), page.url));
        CameBack { answer: back.query_pairs().into_owned().collect(), step_up }
    }

    fn complete(&self, came_back: &CameBack) -> Result<Login, oidc::Error> {
        let [_, nonce, verifier] = secrets();
        let code = came_back.answer["code"].clone().into();
        let callback = Callback {
            code: &code,
            issuer: came_back.answer.get("iss").map(String::as_str),
            redirect_uri: CALLBACK,
            nonce: &nonce,
            verifier: &verifier,
            step_up: came_back.step_up,
        };
        wait(self.ours.complete(&callback, Clock::System.now()))
    }

    fn sign_in(&self, person: &str, step_up: StepUp) -> Result<Login, oidc::Error> {
        self.complete(&self.go(&mut Visitor::new(), person, step_up))
    }

    /// Tells the provider to change its key.
    fn tell(&self, path: &str) {
        assert_eq!(Visitor::new().open(&format!("{}{path}", self.certified.issuer)).status, 200);
    }

    fn was_asked_for_keys(&self) -> usize {
        self.certified.process.stdout().lines().filter(|line| *line == "GET /jwks").count()
    }
}

fn secrets() -> [SecretString; 3] {
    ["the-state", "the-nonce", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"].map(|text| text.to_owned().into())
}

fn word(refused: &Result<Login, oidc::Error>) -> SignInRefusal {
    refused.as_ref().unwrap_err().refusal()
}

#[test]
fn a_provider_may_change_its_key_at_any_moment() {
    if !peers::require("a_provider_may_change_its_key_at_any_moment", &[Peer::Node]) {
        return;
    }
    let nothing = StepUp::default();
    // Between two sign-ins, and between the sign-in page and the tokens. The keys are fetched once more, and no oftener:
    // a second change within half a minute has to wait.
    for before_token in [false, true] {
        let pair = Pair::new(&OidcSettings::default(), |own| own);
        let first = pair.sign_in("student", nothing).unwrap();
        assert_eq!(pair.was_asked_for_keys(), 1);

        if before_token {
            let came_back = pair.go(&mut Visitor::new(), "student", nothing);
            pair.tell("/test/rotate-before-token");
            assert_eq!(pair.complete(&came_back).unwrap().subject, first.subject);
        } else {
            pair.tell("/test/rotate");
            assert_eq!(pair.sign_in("student", nothing).unwrap().subject, first.subject);
        }
        assert_eq!(pair.was_asked_for_keys(), 2);
        assert!(pair.sign_in("student", nothing).is_ok());
        assert_eq!(pair.was_asked_for_keys(), 2, "the new key is known");

        pair.tell("/test/rotate");
        assert_eq!(word(&pair.sign_in("student", nothing)), SignInRefusal::IdTokenKey);
        assert_eq!(pair.was_asked_for_keys(), 2);
    }
}

#[test]
fn an_answer_without_the_providers_name_is_refused() {
    if !peers::require("an_answer_without_the_providers_name_is_refused", &[Peer::Node]) {
        return;
    }
    let pair = Pair::new(&OidcSettings::default(), |own| own);
    let mut came_back = pair.go(&mut Visitor::new(), "student", StepUp::default());
    assert_eq!(came_back.answer["iss"], pair.certified.issuer);

    let named = came_back.answer.remove("iss");
    assert_eq!(word(&pair.complete(&came_back)), SignInRefusal::WrongIssuer);
    came_back.answer.insert("iss".to_owned(), "https://evil.example".to_owned());
    assert_eq!(word(&pair.complete(&came_back)), SignInRefusal::WrongIssuer);

    // Nothing was sent, so the code is still good.
    came_back.answer.extend(named.map(|named| ("iss".to_owned(), named)));
    assert!(pair.complete(&came_back).is_ok());
}

#[test]
fn a_second_factor_is_asked_for_and_shown() {
    if !peers::require("a_second_factor_is_asked_for_and_shown", &[Peer::Node]) {
        return;
    }
    let mfa = StepUp { mfa: true, max_age: None };
    let with_one = OidcSettings { with_second_factor: &["pi"], ..OidcSettings::default() };
    // In both ways, as a wish, as a demand.
    for request in [MfaRequest::Both, MfaRequest::AcrValues, MfaRequest::Claims] {
        let pair = Pair::new(&with_one, |own| oidc::Settings { mfa: MfaRule { request, ..MfaRule::default() }, ..own });

        let signed_in = pair.sign_in("pi", mfa).unwrap();

        assert!(signed_in.claims.mfa, "{request:?}");
        assert!(!pair.sign_in("student", StepUp::default()).unwrap().claims.mfa);
        if request == MfaRequest::AcrValues {
            // A wish can be passed over; what comes back cannot.
            assert_eq!(word(&pair.sign_in("student", mfa)), SignInRefusal::NoSecondFactor);
        }
    }
}

#[test]
fn a_fresh_sign_in_is_proved_by_its_time() {
    if !peers::require("a_fresh_sign_in_is_proved_by_its_time", &[Peer::Node]) {
        return;
    }
    let fresh = StepUp { max_age: Some(TimeDelta::minutes(5)), mfa: false };
    let stale = OidcSettings { long_ago: &["pi"], ..OidcSettings::default() };
    let pair = Pair::new(&stale, |own| own);

    let signed_in = pair.sign_in("student", fresh).unwrap();
    let age = Clock::System.now() - signed_in.claims.authenticated_at.unwrap();
    assert!(age < TimeDelta::minutes(1), "{age}");

    // The provider claims to have looked, and says itself that it was an hour ago.
    assert_eq!(word(&pair.sign_in("pi", fresh)), SignInRefusal::NotFresh);
    assert!(pair.sign_in("pi", StepUp::default()).is_ok());
}

#[test]
fn a_signed_userinfo_answer_brings_the_groups() {
    if !peers::require("a_signed_userinfo_answer_brings_the_groups", &[Peer::Node]) {
        return;
    }
    for signed_user_info in [false, true] {
        let pair = Pair::new(&OidcSettings { signed_user_info, ..OidcSettings::default() }, |own| own);

        let signed_in = pair.sign_in("student", StepUp::default()).unwrap();

        assert!(signed_in.claims.groups.contains(&STUDENTS.parse().unwrap()));
        assert_eq!(signed_in.name.unwrap().as_str(), "student");
    }
}
