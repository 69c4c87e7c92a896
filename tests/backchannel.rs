//! A provider's word that somebody has left there: whose sessions end by it, whose do not, and what is kept of it. What
//! is no such word is in `sign_in_refusals`.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta};
use lodge::ambient::{Clock, ManualClock, Random};
use lodge::app::BrowserOrigin;
use lodge::demo::idp::generate_signing_key;
use lodge::domain::claims::{ClaimsSnapshot, Groups};
use lodge::domain::id::{BrowserSessionId, PersonId, RoleSessionId, SignInId};
use lodge::domain::ledger::{Book, Draft, Event, Thread};
use lodge::oidc::Algorithm;
use lodge::playground::Seeding;
use lodge::store::Session;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::broker::{CLIENT_ID, Plan, TestBroker, helper_code, me, trade};
use crate::support::databases::{Kind, look};
use crate::support::raw;
use crate::support::serving::{Server, Socket, wait};
use crate::support::signed_in::key;
use crate::support::visitor::{Page, Visitor};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const NOW: i64 = 1_795_266_000;

/// A provider that signs logout tokens and does nothing else.
struct Provider {
    issuer: String,
    key: Arc<EcdsaKeyPair>,
    _server: Server,
}

impl Provider {
    fn start() -> Self {
        let socket = Socket::bind();
        let issuer = socket.url();
        let pkcs8 = generate_signing_key();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &SystemRandom::new()).unwrap();
        let point = key.public_key().as_ref();
        let [x, y] = [&point[1..33], &point[33..]].map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate));
        let jwk = json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "key-1", "x": x, "y": y});
        let keys = json!({ "keys": [jwk] }).to_string();
        let metadata = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/jwks"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        })
        .to_string();
        let json = |text: String| get(move || async move { ([("content-type", "application/json")], text) });
        let router =
            Router::new().route("/.well-known/openid-configuration", json(metadata)).route("/jwks", json(keys));
        Self { issuer, key: Arc::new(key), _server: socket.serve(router) }
    }

    /// A good logout token, but for what is changed.
    fn token(&self, changes: &Value) -> String {
        let jti = URL_SAFE_NO_PAD.encode(Random::System.bytes::<8>());
        let mut claims = json!({
            "iss": self.issuer, "aud": CLIENT_ID, "iat": NOW, "exp": NOW + 120, "jti": jti, "events": {EVENT: {}},
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({"alg": "ES256", "kid": "key-1", "typ": "logout+jwt"});
        let text = format!("{}.{}", part(&header), part(&claims));
        let signature = self.key.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// Two connections, each with a provider of its own.
struct Stage {
    campus: Provider,
    other: Provider,
    broker: TestBroker,
    clock: ManualClock,
}

impl Stage {
    fn on(kind: Kind) -> Self {
        let clock = ManualClock::at(DateTime::from_timestamp(NOW, 0).unwrap());
        let (campus, other) = (Provider::start(), Provider::start());
        let plan = Plan::new(Clock::Manual(clock.clone())).on(kind);
        let plan = plan.connection("campus", &campus.issuer, Algorithm::Es256);
        let broker = plan.connection("other", &other.issuer, Algorithm::Es256).start();
        Self { campus, other, broker, clock }
    }

    /// Somebody signs in at a connection, in a session there; gives the browser's cookie.
    fn sign_in(&self, connection: &str, subject: &str, session: &str) -> String {
        let broker = &self.broker.broker;
        let now = broker.clock.now();
        let cookie = URL_SAFE_NO_PAD.encode(Random::System.bytes::<32>());
        wait(async {
            let mut tx = broker.store.write().await.unwrap();
            let fresh = PersonId::from_entropy(Random::System.bytes());
            let (person, _) = tx.upsert_person(&fresh, &key(connection, subject), None, now).await.unwrap();
            let sign_in = SignInId::from_entropy(Random::System.bytes());
            let claims = ClaimsSnapshot {
                provider_subject: Some(subject.parse().unwrap()),
                provider_session: Some(session.parse().unwrap()),
                ..ClaimsSnapshot::of_groups(Groups::Present(Vec::new()))
            };
            tx.insert_sign_in(&sign_in, &person, &claims, now).await.unwrap();
            let id = BrowserSessionId::from_entropy(Random::System.bytes());
            let session = Session { id, person, sign_in, expires_at: now + TimeDelta::hours(8) };
            let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(cookie.as_bytes()));
            tx.insert_browser_session(&hash, &session, &BrowserOrigin::default(), now).await.unwrap();
            tx.commit().await.unwrap();
        });
        format!("lodge_session={cookie}")
    }

    /// The token of a helper that this browser let in.
    fn helper(&self, cookie: &str) -> String {
        let mut visitor = Visitor::new();
        let (name, value) = cookie.split_once('=').unwrap();
        visitor.hold(&self.broker.url, name, value);
        let code = helper_code(&mut visitor, &self.broker.url, "nobody is asked");
        trade(&self.broker.url, &code, &[]).json()["access_token"].as_str().unwrap().to_owned()
    }

    fn is_live(&self, cookie: &str) -> bool {
        raw::get(&format!("{}/", self.broker.url)).page().header("cookie", cookie).send().text().contains("Your roles")
    }

    fn tell(&self, connection: &str, token: &str) -> Page {
        let url = format!("{}/auth/{connection}/backchannel-logout", self.broker.url);
        let answer = raw::post_form(&url, &[("logout_token", token)]).send();
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
        answer
    }

    /// How many sessions each entry in the ledger says it ended.
    fn kept(&self) -> Vec<u64> {
        let rows = wait(async { self.broker.broker.store.read().await.unwrap().all_books(1_000).await.unwrap() });
        let entries = rows.into_iter().map(|row| row.entry);
        entries
            .filter_map(|entry| match entry.event {
                Event::ProviderLogout { connection, sessions, .. } => {
                    assert_eq!((entry.book, connection.as_str()), (Book::Broker, "campus"));
                    Some(sessions)
                }
                _ => None,
            })
            .collect()
    }
}

/// Who has signed out here before may have AWS credentials still.
#[test]
fn whoever_leaves_at_the_provider_is_cut_off_also_without_a_session_here() {
    for kind in Kind::all("whoever_leaves_at_the_provider_is_cut_off_also_without_a_session_here") {
        let stage = Stage::on(kind);
        let cookie = stage.sign_in("campus", "sam", "s-1");
        let cut_offs = || {
            let text = "select count(*), count(distinct person_id) from person_cut_off";
            let found: Vec<(i64, i64)> = wait(look(&stage.broker.database.owner, text));
            found[0]
        };
        let leave = || assert_eq!(stage.tell("campus", &stage.campus.token(&json!({"sub": "sam"}))).status, 200);
        leave();
        assert_eq!((stage.is_live(&cookie), cut_offs()), (false, (1, 1)));
        leave();
        assert_eq!(cut_offs(), (1, 1), "nothing of theirs lives");

        wait(async {
            let broker = &stage.broker.broker;
            let arn = "arn:aws:iam::111122223333:role/lodge/lodge-session".parse().unwrap();
            let lab =
                Seeding::new(broker).unwrap().add_lab(&"vision".parse().unwrap(), "Vision", arn, None).await.unwrap();
            let now = broker.clock.now();
            let mut tx = broker.store.write().await.unwrap();
            let fresh = PersonId::from_entropy(Random::System.bytes());
            let (sam, _) = tx.upsert_person(&fresh, &key("campus", "sam"), None, now).await.unwrap();
            let event = Event::Attempted { lab: lab.name.clone(), role: "pay".parse().unwrap(), wanted_seconds: None };
            let thread = Thread::Attempt(sam, RoleSessionId::from_entropy([1; 10]));
            tx.append(Book::Lab(lab.id), Draft { at: now, thread, event }).await.unwrap();
            tx.commit().await.unwrap();
        });
        leave();
        assert_eq!(cut_offs(), (2, 1));
    }
}

#[test]
fn a_session_that_ended_at_the_provider_ends_here_and_no_other_does() {
    for kind in Kind::all("a_session_that_ended_at_the_provider_ends_here_and_no_other_does") {
        let stage = Stage::on(kind);
        let (one, two) = (stage.sign_in("campus", "sam", "s-1"), stage.sign_in("campus", "sam", "s-2"));
        let (kim, elsewhere) = (stage.sign_in("campus", "kim", "s-3"), stage.sign_in("other", "sam", "s-1"));
        let (helper, other_helper) = (stage.helper(&one), stage.helper(&two));

        let answer = stage.tell("campus", &stage.campus.token(&json!({"sid": "s-1", "sub": "sam"})));

        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
        let live = [&one, &two, &kim, &elsewhere].map(|cookie| stage.is_live(cookie));
        assert_eq!(live, [false, true, true, true]);
        let helpers = [&helper, &other_helper].map(|token| me(&stage.broker.url, token).status);
        assert_eq!(helpers, [401, 200], "the helper that the session let in goes with it");
        assert_eq!(stage.kept(), [2]);
    }
}

#[test]
fn a_session_may_be_named_alone_and_a_subject_stands_for_all_of_its_sessions() {
    for kind in Kind::all("a_session_may_be_named_alone_and_a_subject_stands_for_all_of_its_sessions") {
        let stage = Stage::on(kind);
        let (one, two) = (stage.sign_in("campus", "sam", "s-1"), stage.sign_in("campus", "sam", "s-2"));
        let (three, kim) = (stage.sign_in("campus", "sam", "s-3"), stage.sign_in("campus", "kim", "s-4"));
        let live = || [&one, &two, &three, &kim].map(|cookie| stage.is_live(cookie));

        assert_eq!(stage.tell("campus", &stage.campus.token(&json!({"sid": "s-1"}))).status, 200);
        assert_eq!(live(), [false, true, true, true]);
        assert_eq!(stage.tell("campus", &stage.campus.token(&json!({"sub": "sam"}))).status, 200);
        assert_eq!(live(), [false, false, false, true]);
        assert_eq!(stage.kept(), [1, 2]);
    }
}

#[test]
fn a_logout_of_nobody_here_changes_nothing() {
    let stage = Stage::on(Kind::Sqlite);
    let sam = stage.sign_in("campus", "sam", "s-1");
    for nobody in [
        json!({"sub": "nobody"}),
        json!({"sid": "s-9"}),
        // Another person's session.
        json!({"sid": "s-1", "sub": "kim"}),
    ] {
        assert_eq!(stage.tell("campus", &stage.campus.token(&nobody)).status, 200, "{nobody}");
    }
    assert!(stage.is_live(&sam) && stage.kept().is_empty());
}

#[test]
fn a_logout_token_is_taken_once_and_at_its_own_connection() {
    for kind in Kind::all("a_logout_token_is_taken_once_and_at_its_own_connection") {
        let stage = Stage::on(kind);
        let first = stage.sign_in("campus", "sam", "s-1");
        let token = stage.campus.token(&json!({"sub": "sam"}));

        assert_eq!(stage.tell("other", &token).status, 400, "of another provider");
        assert!(stage.is_live(&first));
        assert_eq!(stage.tell("campus", &token).status, 200);
        let second = stage.sign_in("campus", "sam", "s-2");
        let again = stage.tell("campus", &token);
        assert_eq!((again.status, &again.json()["error"]), (400, &"invalid_request".into()));
        assert!(!stage.is_live(&first) && stage.is_live(&second), "a replay signs nobody out");
        // The same name in a token of the other provider is another token.
        let named = |provider: &Provider| provider.token(&json!({"sub": "sam", "jti": "the-same"}));
        assert_eq!(stage.tell("campus", &named(&stage.campus)).status, 200);
        assert_eq!(stage.tell("other", &named(&stage.other)).status, 200);
        assert_eq!(stage.tell("other", &named(&stage.other)).status, 400);
    }
}

#[test]
fn what_is_no_form_or_no_token_is_refused() {
    let stage = Stage::on(Kind::Sqlite);
    let url = format!("{}/auth/campus/backchannel-logout", stage.broker.url);
    let good = stage.campus.token(&json!({"sub": "sam"}));

    assert_eq!(stage.tell("campus", "").status, 400);
    assert_eq!(stage.tell("campus", "a.b.c").status, 400);
    assert_eq!(raw::post_form(&url, &[("token", &good)]).send().status, 400);
    assert_eq!(raw::post_form(&url, &[("logout_token", &good), ("logout_token", &good)]).send().status, 400);
    assert_eq!(raw::post(&url).header("content-type", "application/json").body("{}").send().status, 400);
    assert_eq!(raw::get(&format!("{url}?logout_token={good}")).send().status, 405);
    let nowhere = format!("{}/auth/nowhere/backchannel-logout", stage.broker.url);
    assert_eq!(raw::post_form(&nowhere, &[("logout_token", &good)]).send().status, 404);
    // The positive control: none of that has used it up. And ten minutes later it is too old.
    let late = stage.campus.token(&json!({"sub": "sam", "exp": NOW + 3_600}));
    assert_eq!(stage.tell("campus", &good).status, 200);
    stage.clock.advance(TimeDelta::minutes(12));
    assert_eq!(stage.tell("campus", &late).status, 400);
}

#[test]
fn a_provider_whose_keys_cannot_be_had_is_told_to_come_again() {
    let Stage { campus, other, broker, clock } = Stage::on(Kind::Sqlite);
    let token = campus.token(&json!({"sub": "sam"}));
    let Provider { issuer, key, _server: server } = campus;
    drop(server);
    let stage =
        Stage { campus: Provider { issuer, key, _server: Socket::bind().serve(Router::new()) }, other, broker, clock };

    let answer = stage.tell("campus", &token);

    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("5")), "{}", answer.body);
}
