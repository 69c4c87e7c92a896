//! The provider's other answers: tokens, userinfo, metadata, keys (O5, O8, O9, O11).

use lodge::domain::sign_in::SignInRefusal as Why;
use serde_json::{Value, json};

use super::id_tokens::remove;
use super::stage::Stage;
use super::{Case, STUDENT, play};
use crate::support::evil_provider::{Answer, Body, Key, Lie, Sealed, Secret, Signature};

const METADATA: &str = "/.well-known/openid-configuration";

/// The provider keeps quiet about groups in the ID token, so that userinfo is asked.
const NO_GROUPS: Lie = Lie::Claims(|claims| remove(claims, "groups"));

/// A userinfo answer that is signed as it should be.
pub(super) const SIGNED: Sealed = sealed(|_| {}, |_| {}, Signature::By(Key::P256));

pub(super) const fn sealed(header: fn(&mut Value), claims: fn(&mut Value), signature: Signature) -> Sealed {
    Sealed { header, claims, signature }
}

/// The token endpoint says something else.
fn answer(id: &'static str, what: &'static str, why: Why, change: fn(&mut Answer)) -> Case {
    Case::refused(id, what, why, [Lie::Answer("/token", change)])
}

#[rustfmt::skip]
pub(super) fn tokens() -> Vec<Case> {
    vec![
        answer("O8.1", "10 MB", Why::TokenAnswer, |a| a.say(vec![b' '; 10 * 1024 * 1024])),
        answer("O8.2", "the tokens, and 300 kB of spaces", Why::TokenAnswer, |a| a.pad_to(300_000))
            .twin("and 200 kB", [Lie::Answer("/token", |a| a.pad_to(200_000))]),
        answer("O8.3", "an answer without end", Why::TokenAnswer, |a| a.body = Body::Endless(b"{\"a\":".to_vec())),
        answer("O8.4", "the tokens as a web page", Why::TokenAnswer, |a| a.header("content-type", "text/html"))
            .twin("as JSON, with a character set", [Lie::Answer("/token", |a| a.header("content-type", "application/json; charset=utf-8"))]),
        answer("O8.5", "a web page", Why::TokenAnswer, |a| { a.header("content-type", "text/html"); a.say("<h1>evil</h1>"); }),
        answer("O8.6", "a redirect (302)", Why::TokenAnswer, |a| a.redirect(302, "/elsewhere")),
        answer("O8.7", "a redirect that keeps the method (307)", Why::TokenAnswer, |a| a.redirect(307, "/elsewhere")),
        answer("O8.8", "a redirect to another machine", Why::TokenAnswer, |a| a.redirect(308, "http://169.254.169.254/evil")),
        answer("O8.9", "token_type mac", Why::TokenAnswer, |a| a.set("token_type", json!("mac")))
            .twin("token_type bearer, in small letters", [Lie::Answer("/token", |a| a.set("token_type", json!("bearer")))]),
        answer("O8.10", "no token_type", Why::TokenAnswer, |a| a.set("token_type", Value::Null)),
        answer("O8.11", "no ID token", Why::IdTokenMissing, |a| a.set("id_token", Value::Null)),
        answer("O8.12", "an ID token that is an object", Why::TokenAnswer, |a| a.set("id_token", json!({"sub": "subject-1"}))),
        answer("O8.13", "an ID token that is a word", Why::IdTokenMalformed, |a| a.set("id_token", json!("evil"))),
        answer("O8.14", "two id_token", Why::TokenAnswer, |a| {
            let text = String::from_utf8(a.bytes().to_vec()).unwrap();
            a.say(text.replacen('{', r#"{"id_token":"evil","#, 1));
        }),
        Case::refused("O8.15", "an access token in two lines", Why::UserInfoAnswer,
            [NO_GROUPS, Lie::Answer("/token", |a| a.set("access_token", json!("a\r\nevil: 1")))])
            .twin("in one", [NO_GROUPS, Lie::Answer("/token", |a| a.set("access_token", json!("a.b-c_d~e+f/g==")))]),
        Case::refused("O8.16", "an access token with a zero in it", Why::UserInfoAnswer,
            [NO_GROUPS, Lie::Answer("/token", |a| a.set("access_token", json!("a\u{0}b")))]).twin("without groups", [NO_GROUPS]),
        Case::refused("O8.17", "an empty access token", Why::UserInfoAnswer,
            [NO_GROUPS, Lie::Answer("/token", |a| a.set("access_token", json!("")))]).twin("without groups", [NO_GROUPS]),
        answer("O8.18", "no access token", Why::TokenAnswer, |a| a.set("access_token", Value::Null)),
        answer("O8.19", "nothing", Why::TokenAnswer, |a| a.say("")),
        answer("O8.22", "its own trouble (500)", Why::ProviderAway, |a| { a.status = 500; a.say("evil"); }),
        answer("O8.23", "the tokens, with status 500", Why::ProviderAway, |a| a.status = 500),
        answer("O8.24", "the tokens, with status 201", Why::TokenAnswer, |a| a.status = 201),
        answer("O8.25", "an error with a text of its own", Why::TokenRefused, |a| {
            a.status = 401;
            a.say(r#"{"error":"invalid_client","error_description":"<b>evil</b>\r\nWARN evil","error_uri":"https://evil.example"}"#);
        }),
        answer("O8.26", "an error of an unknown code", Why::TokenRefused, |a| { a.status = 400; a.say(r#"{"error":"<b>evil</b>\n"}"#); }),
        answer("O8.27", "tokens in a list", Why::TokenAnswer, |a| {
            let text = String::from_utf8(a.bytes().to_vec()).unwrap();
            a.say(format!("[{text}]"));
        }),
        answer("O8.28", "tokens in UTF-16", Why::TokenAnswer, |a| {
            let text = String::from_utf8(a.bytes().to_vec()).unwrap();
            a.say(text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
        }),
        answer("O8.29", "lists in lists, 100,000 deep", Why::TokenAnswer, |a| a.say("[".repeat(100_000))),
        Case::harmless("O8.30", "an end of the access token's that is none: nobody reads it", STUDENT,
            [Lie::Answer("/token", |a| a.set("expires_in", json!(-1)))]),
        Case::harmless("O8.31", "an end of the access token's in words: nobody reads it", STUDENT,
            [Lie::Answer("/token", |a| a.set("expires_in", json!("soon")))]),
        Case::harmless("O8.32", "a refresh token that nobody asked for: thrown away", STUDENT,
            [Lie::Answer("/token", |a| a.set("refresh_token", json!("evil")))]),
    ]
}

/// A signed userinfo answer with a flaw.
fn signed(id: &'static str, what: &'static str, why: Why, flawed: Sealed) -> Case {
    Case::refused(id, what, why, [NO_GROUPS, Lie::SignedUserInfo(flawed)])
        .twin("signed as it should be", [NO_GROUPS, Lie::SignedUserInfo(SIGNED)])
}

/// An unsigned one.
fn info(id: &'static str, what: &'static str, why: Why, change: fn(&mut Value)) -> Case {
    Case::refused(id, what, why, [NO_GROUPS, Lie::UserInfo(change)]).twin("of the same person", [NO_GROUPS])
}

#[rustfmt::skip]
pub(super) fn user_infos() -> Vec<Case> {
    const RIGHT: Signature = Signature::By(Key::P256);
    vec![
        info("O9.1", "userinfo of somebody else", Why::UserInfoSubject, |u| u["sub"] = json!("subject-2")),
        info("O9.2", "of the same person in capitals", Why::UserInfoSubject, |u| u["sub"] = json!("SUBJECT-1")),
        info("O9.3", "of nobody", Why::UserInfoAnswer, |u| remove(u, "sub")),
        info("O9.4", "of a number", Why::UserInfoSubject, |u| u["sub"] = json!(1)),
        info("O9.5", "a list", Why::UserInfoAnswer, |u| *u = json!(["evil"])),
        Case::refused("O9.6", "two sub", Why::UserInfoAnswer, [NO_GROUPS, Lie::Answer("/userinfo", |a| {
            let text = String::from_utf8(a.bytes().to_vec()).unwrap();
            a.say(text.replacen('{', r#"{"sub":"subject-2","#, 1));
        })]).twin("one", [NO_GROUPS]),
        Case::refused("O9.7", "a web page", Why::UserInfoAnswer, [NO_GROUPS, Lie::Answer("/userinfo", |a| {
            a.header("content-type", "text/html");
            a.say("<h1>evil</h1>");
        })]).twin("JSON", [NO_GROUPS]),
        Case::refused("O9.8", "a redirect", Why::UserInfoAnswer,
            [NO_GROUPS, Lie::Answer("/userinfo", |a| a.redirect(302, "/elsewhere"))]).twin("none", [NO_GROUPS]),
        Case::refused("O9.9", "userinfo without end", Why::UserInfoAnswer,
            [NO_GROUPS, Lie::Answer("/userinfo", |a| a.body = Body::Endless(b" ".to_vec()))]).twin("one that ends", [NO_GROUPS]),
        Case::refused("O9.10", "no such token (401)", Why::UserInfoAnswer,
            [NO_GROUPS, Lie::Answer("/userinfo", |a| { a.status = 401; a.say("evil"); })]).twin("200", [NO_GROUPS]),

        signed("O9.11", "signed userinfo, alg none", Why::UserInfoAnswer,
            sealed(|h| h["alg"] = json!("none"), |_| {}, Signature::Absent)),
        signed("O9.12", "signed userinfo, HS256 with our client secret", Why::UserInfoAnswer,
            sealed(|h| h["alg"] = json!("HS256"), |_| {}, Signature::Hmac(Secret::Client))),
        signed("O9.13", "signed userinfo by another key", Why::UserInfoAnswer,
            sealed(|_| {}, |_| {}, Signature::By(Key::OtherP256))),
        signed("O9.14", "signed userinfo of another issuer", Why::UserInfoAnswer,
            sealed(|_| {}, |c| c["iss"] = json!("https://evil.example"), RIGHT)),
        signed("O9.15", "signed userinfo for another client", Why::UserInfoAnswer,
            sealed(|_| {}, |c| c["aud"] = json!("evil"), RIGHT)),
        signed("O9.16", "signed userinfo of somebody else", Why::UserInfoSubject,
            sealed(|_| {}, |c| c["sub"] = json!("subject-2"), RIGHT)),
        signed("O9.17", "signed userinfo with crit", Why::UserInfoAnswer,
            sealed(|h| h["crit"] = json!(["x"]), |_| {}, RIGHT)),
        Case::refused("O9.18", "signed userinfo that is called JSON", Why::UserInfoAnswer, [
            NO_GROUPS, Lie::SignedUserInfo(SIGNED), Lie::Answer("/userinfo", |a| a.header("content-type", "application/json")),
        ]).twin("that is called a token", [NO_GROUPS, Lie::SignedUserInfo(SIGNED)]),
        Case::refused("O9.19", "JSON that is called signed userinfo", Why::UserInfoAnswer,
            [NO_GROUPS, Lie::Answer("/userinfo", |a| a.header("content-type", "application/jwt"))])
            .twin("that is called JSON", [NO_GROUPS]),
    ]
}

fn metadata(id: &'static str, what: &'static str, why: Why, change: fn(&mut Value)) -> Case {
    Case::refused(id, what, why, [Lie::Metadata(change)]).untraded()
}

#[rustfmt::skip]
pub(super) fn discoveries() -> Vec<Case> {
    vec![
        metadata("O5.1", "the token endpoint of another provider", Why::ForbiddenAddress,
            |m| m["token_endpoint"] = json!("https://sso.example.edu/token")),
        metadata("O5.2", "the keys of another provider", Why::ForbiddenAddress,
            |m| m["jwks_uri"] = json!("https://sso.example.edu/jwks")),

        metadata("O11.1", "metadata of another issuer", Why::ProviderMetadata, |m| m["issuer"] = json!("https://evil.example")),
        metadata("O11.2", "an issuer with a slash", Why::ProviderMetadata,
            |m| m["issuer"] = json!(format!("{}/", m["issuer"].as_str().unwrap()))),
        metadata("O11.3", "no issuer", Why::ProviderMetadata, |m| remove(m, "issuer")),
        metadata("O11.4", "an issuer to be filled in, as Entra ID's for everybody", Why::ProviderMetadata,
            |m| m["issuer"] = json!("https://login.example/{tenantid}/v2.0")),
        metadata("O11.5", "an issuer in a list", Why::ProviderMetadata, |m| m["issuer"] = json!([m["issuer"].clone()])),
        metadata("O11.6", "no token endpoint", Why::ProviderMetadata, |m| remove(m, "token_endpoint")),
        metadata("O11.7", "no authorization endpoint", Why::ProviderMetadata, |m| remove(m, "authorization_endpoint")),
        metadata("O11.8", "no keys' address", Why::ProviderMetadata, |m| remove(m, "jwks_uri")),
        metadata("O11.9", "an authorization endpoint that is a script", Why::ForbiddenAddress,
            |m| m["authorization_endpoint"] = json!("javascript:alert(1)")),
        metadata("O11.10", "an authorization endpoint without TLS", Why::ForbiddenAddress,
            |m| m["authorization_endpoint"] = json!("http://sso.example.edu/authorize")),
        metadata("O11.11", "an authorization endpoint of another origin", Why::ForbiddenAddress,
            |m| m["authorization_endpoint"] = json!("https://login.example.org/authorize")),
        metadata("O11.12", "an address that is none", Why::ProviderMetadata, |m| m["token_endpoint"] = json!("not an address")),
        metadata("O11.13", "an address that is a number", Why::ProviderMetadata, |m| m["token_endpoint"] = json!(7)),
        Case::refused("O11.14", "two issuer", Why::ProviderMetadata, [Lie::Answer(METADATA, |a| {
            let text = String::from_utf8(a.bytes().to_vec()).unwrap();
            a.say(text.replacen('{', r#"{"issuer":"https://evil.example","#, 1));
        })]).untraded(),
        Case::refused("O11.15", "metadata as a list", Why::ProviderMetadata, [Lie::Metadata(|m| *m = json!([m.clone()]))]).untraded(),
        Case::refused("O11.16", "metadata elsewhere (302)", Why::ProviderMetadata, [Lie::Answer(METADATA, |a| a.redirect(302, "/elsewhere"))]).untraded(),
        Case::refused("O11.17", "no metadata (404)", Why::ProviderMetadata, [Lie::Answer(METADATA, |a| { a.status = 404; a.say("evil"); })]).untraded(),
        Case::refused("O11.18", "its own trouble (500)", Why::ProviderAway, [Lie::Answer(METADATA, |a| a.status = 500)]).untraded(),
        Case::refused("O11.19", "lists in lists, 100,000 deep", Why::ProviderMetadata, [Lie::Answer(METADATA, |a| a.say("[".repeat(100_000)))]).untraded(),

        Case::refused("O11.20", "no keys", Why::ProviderMetadata, [Lie::Keys(|set| set["keys"] = json!([]))]).untraded(),
        Case::refused("O11.21", "keys that are no list", Why::ProviderMetadata, [Lie::Keys(|set| set["keys"] = json!({"evil": 1}))]).untraded(),
        Case::refused("O11.22", "a key set without keys", Why::ProviderMetadata, [Lie::Keys(|set| *set = json!({}))]).untraded(),
        Case::refused("O11.23", "a key set in trouble (500)", Why::ProviderAway, [Lie::Answer("/jwks", |a| a.status = 500)]).untraded(),
        Case::refused("O11.24", "a key set elsewhere (302)", Why::ProviderMetadata, [Lie::Answer("/jwks", |a| a.redirect(302, "/elsewhere"))]).untraded(),
        Case::refused("O11.25", "a key set that is a page", Why::ProviderMetadata,
            [Lie::Answer("/jwks", |a| { a.header("content-type", "text/html"); a.say("<h1>evil</h1>"); })]).untraded(),
        Case::refused("O11.26", "half a key", Why::ProviderMetadata,
            [Lie::Keys(|set| set["keys"][0] = json!({"kty": "EC", "crv": "P-256", "kid": "key-1", "d": "AA"}))]).untraded(),
        Case::harmless("O11.27", "odd members that nobody reads", STUDENT, [Lie::Metadata(|m| {
            m["request_parameter_supported"] = json!("true");
            m["op_policy_uri"] = json!("");
            m["claims_supported"] = json!({"evil": 1});
            m["registration_endpoint"] = json!("file:///etc/passwd");
            m["end_session_endpoint"] = json!("http://169.254.169.254/elsewhere");
        })]),
        Case::refused("O11.28", "a promise of iss in words, and no iss", Why::WrongIssuer, [
            Lie::Metadata(|m| m["authorization_response_iss_parameter_supported"] = json!("true")),
            Lie::Callback(|answer| answer.retain(|(name, _)| name != "iss")),
        ]).untraded().twin("the promise in words, and iss",
            [Lie::Metadata(|m| m["authorization_response_iss_parameter_supported"] = json!("true"))]),
    ]
}

#[test]
fn an_answer_of_the_token_endpoint_that_is_none_signs_nobody_in() {
    play(&tokens());
}

#[test]
fn a_userinfo_answer_that_does_not_hold_signs_nobody_in() {
    play(&user_infos());
}

#[test]
fn metadata_or_keys_that_cannot_be_trusted_sign_nobody_in() {
    play(&discoveries());
}

#[test]
fn an_access_token_that_no_header_can_carry_goes_nowhere() {
    let stage = Stage::new();

    let case = Case::refused(
        "",
        "",
        Why::UserInfoAnswer,
        [NO_GROUPS, Lie::Answer("/token", |a| a.set("access_token", json!("a\nb")))],
    );

    assert_eq!(stage.flaw(&case), None);
    assert_eq!(stage.provider.asked("/userinfo"), 0);
}

#[test]
fn nothing_is_asked_to_be_packed() {
    let stage = Stage::new();

    stage.signs_in(&[NO_GROUPS]);

    let heard = stage.provider.heard();
    for path in [METADATA, "/jwks", "/token", "/userinfo"] {
        let request =
            heard.iter().find(|heard| heard.path == path).unwrap_or_else(|| panic!("{path} was not asked for"));
        assert!(!request.headers.iter().any(|(name, _)| name == "accept-encoding"), "{request:?}");
    }
}

/// Whoever can change what the provider's web server says, and has none of its keys, changes nothing that is known.
#[test]
fn keys_that_turn_false_are_not_taken_and_what_was_known_stays() {
    for (what, change) in [
        ("in trouble", (|a| a.status = 500) as fn(&mut Answer)),
        ("gone", |a| a.status = 404),
        ("elsewhere", |a| a.redirect(302, "/elsewhere")),
        ("none", |a| a.say(r#"{"keys":[]}"#)),
        ("a page", |a| a.say("<h1>evil</h1>")),
        ("without end", |a| a.body = Body::Endless(b" ".to_vec())),
        ("twice", |a| a.say(r#"{"keys":[],"keys":[]}"#)),
    ] {
        let stage = Stage::new();
        stage.signs_in(&[]);

        // A token of an unknown key has them fetched.
        stage.provider.lie(&[Lie::Header(|h| h["kid"] = json!("key-3")), Lie::Answer("/jwks", change)]);
        let page = crate::support::visitor::Visitor::new().open(&stage.url("/auth/campus/start"));
        stage.refusal(&page).unwrap_or_else(|flaw| panic!("{what}: {flaw}"));
        assert_eq!((stage.provider.asked("/jwks"), stage.provider.asked("/elsewhere")), (1, 0), "{what}");

        stage.signs_in(&[]);
        assert_eq!(stage.provider.asked("/jwks"), 0, "{what}");
    }
}

#[test]
fn a_key_that_is_not_known_is_looked_for_now_and_then() {
    let stage = Stage::new();
    stage.signs_in(&[]);

    // A provider that has just changed its key is not locked out, and its old key is not good any more.
    let rotated = [
        Lie::SignedBy(Key::OtherP256),
        Lie::Publish(Key::OtherP256),
        Lie::Keys(|set| {
            set["keys"].as_array_mut().unwrap().remove(0);
        }),
    ];
    stage.signs_in(&rotated);
    assert_eq!(stage.provider.asked("/jwks"), 1);
    let old = Case::refused("", "", Why::IdTokenKey, [rotated[1].clone(), rotated[2].clone()]);
    assert_eq!(stage.flaw(&old), None);

    // Whoever makes up keys does not make us ask for them.
    for _ in 0..5 {
        let unknown = Case::refused("", "", Why::IdTokenKey, [Lie::Header(|h| h["kid"] = json!("key-3"))]);
        assert_eq!(stage.flaw(&unknown), None);
        assert_eq!(stage.provider.asked("/jwks"), 0);
    }
}

/// A crowd that shows tokens of an unknown key does not become a crowd at the provider.
#[test]
fn many_at_once_fetch_what_they_need_once() {
    let stage = Stage::new();
    stage.provider.lie(&[]);

    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                let page = crate::support::visitor::Visitor::new().open(&stage.url("/auth/campus/start"));
                assert_eq!((page.status, page.url.path()), (200, "/"), "{}", page.text());
            });
        }
    });

    assert_eq!((stage.provider.asked(METADATA), stage.provider.asked("/jwks")), (1, 1));
    assert_eq!(stage.provider.asked("/token"), 12);
}

#[test]
fn a_provider_that_is_away_is_a_page_that_says_so() {
    let stage = Stage::new();
    let url = stage.url("/auth/campus/start");
    let Stage { provider, broker, clock } = stage;
    let issuer = provider.issuer.clone();
    drop(provider);

    let page = crate::support::visitor::Visitor::new().open(&url);

    assert_eq!((page.status, page.header("retry-after")), (503, Some("5")), "{}", page.text());
    assert!(page.text().contains("Your university's sign-in did not answer"), "{}", page.text());
    assert!(!page.body.contains(&issuer), "{}", page.body);
    drop((broker, clock));
}
