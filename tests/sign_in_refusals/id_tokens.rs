//! The ID token: its signature, its header, its claims.

use serde_json::{Value, json};

use super::{Case, Stage};
use crate::support::evil_provider::{Lie, Signature};

/// Moves a time in the claims.
fn shift(claims: &mut Value, name: &str, seconds: i64) {
    let now = claims["iat"].as_i64().unwrap();
    claims[name] = json!(now + seconds);
}

fn remove(claims: &mut Value, name: &str) {
    claims.as_object_mut().unwrap().remove(name);
}

const NOT_ALLOWED: &str = "an algorithm that this connection does not allow";
const UNREADABLE: &str = "an answer that cannot be read";
const NO_SUCH_KEY: &str = "a key that the provider does not publish";
const SIGNATURE: &str = "its signature is wrong";
const AUDIENCE: &str = "another audience";
const ISSUER: &str = "it names another issuer";
const NONCE: &str = "it answers another sign-in";
const SUBJECT: &str = "its subject is malformed";

#[test]
fn a_token_whose_signature_does_not_hold_signs_nobody_in() {
    Stage::new().refuses_all(&[
        Case::traded(
            "no algorithm, no signature",
            SIGNATURE,
            &[Lie::Header(|h| h["alg"] = json!("none")), Lie::Signature(Signature::Absent)],
        ),
        Case::traded("no algorithm, the right signature", SIGNATURE, &[Lie::Header(|h| h["alg"] = json!("none"))]),
        Case::traded(
            "no algorithm, written otherwise",
            UNREADABLE,
            &[Lie::Header(|h| h["alg"] = json!("nOnE")), Lie::Signature(Signature::Absent)],
        ),
        Case::traded(
            "HMAC with our own client secret, and metadata that offers it",
            NOT_ALLOWED,
            &[Lie::Header(|h| h["alg"] = json!("HS256")), Lie::Signature(Signature::ClientSecret)],
        ),
        Case::traded(
            "HMAC with our own client secret, and no key id",
            NOT_ALLOWED,
            &[
                Lie::Header(|h| {
                    h["alg"] = json!("HS256");
                    remove(h, "kid");
                }),
                Lie::Signature(Signature::ClientSecret),
            ],
        ),
        Case::traded(
            "HMAC with the public key",
            NOT_ALLOWED,
            &[Lie::Header(|h| h["alg"] = json!("HS256")), Lie::Signature(Signature::PublicKey)],
        ),
        Case::traded("an algorithm of another family", NOT_ALLOWED, &[Lie::Header(|h| h["alg"] = json!("RS256"))]),
        Case::traded("another key", SIGNATURE, &[Lie::Signature(Signature::AnotherKey)]),
        Case::traded("no signature", SIGNATURE, &[Lie::Signature(Signature::Absent)]),
        Case::traded("half a signature", SIGNATURE, &[Lie::Signature(Signature::Cut)]),
        Case::traded(
            "a key id that leads to a file",
            NO_SUCH_KEY,
            &[Lie::Header(|h| {
                h["kid"] = json!("../../etc/passwd");
            })],
        ),
        Case::traded(
            "a key inside the token",
            SIGNATURE,
            &[
                Lie::Header(|h| h["jwk"] = json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"})),
                Lie::Signature(Signature::AnotherKey),
            ],
        ),
        Case::traded("an extension that must be understood", "malformed", &[Lie::Header(|h| h["crit"] = json!(["x"]))]),
        Case::traded("an access token", "malformed", &[Lie::Header(|h| h["typ"] = json!("at+jwt"))]),
        Case::traded("a logout token", "malformed", &[Lie::Header(|h| h["typ"] = json!("logout+jwt"))]),
    ]);
}

#[test]
fn a_token_with_wrong_claims_signs_nobody_in() {
    Stage::new().refuses_all(&[
        Case::traded("another issuer", ISSUER, &[Lie::Claims(|c| c["iss"] = json!("https://evil.example"))]),
        Case::traded(
            "the issuer with a slash",
            ISSUER,
            &[Lie::Claims(|c| {
                c["iss"] = json!(format!("{}/", c["iss"].as_str().unwrap()));
            })],
        ),
        Case::traded("the issuer in a list", UNREADABLE, &[Lie::Claims(|c| c["iss"] = json!([c["iss"].clone()]))]),
        Case::traded("no issuer", UNREADABLE, &[Lie::Claims(|c| remove(c, "iss"))]),
        Case::traded("another audience", AUDIENCE, &[Lie::Claims(|c| c["aud"] = json!("evil"))]),
        Case::traded("ours and another audience", AUDIENCE, &[Lie::Claims(|c| c["aud"] = json!(["lodge", "evil"]))]),
        Case::traded("no audience in the list", AUDIENCE, &[Lie::Claims(|c| c["aud"] = json!([]))]),
        Case::traded("no audience", AUDIENCE, &[Lie::Claims(|c| remove(c, "aud"))]),
        Case::traded("another party", "issued to another client", &[Lie::Claims(|c| c["azp"] = json!("evil"))]),
        Case::traded("expired", "it is expired", &[Lie::Claims(|c| shift(c, "exp", -61))]),
        Case::traded("without an end", UNREADABLE, &[Lie::Claims(|c| remove(c, "exp"))]),
        Case::traded("an end in words", UNREADABLE, &[Lie::Claims(|c| c["exp"] = json!("never"))]),
        Case::traded("not valid yet", "not valid yet", &[Lie::Claims(|c| shift(c, "nbf", 61))]),
        Case::traded("issued tomorrow", "issued in the future", &[Lie::Claims(|c| shift(c, "iat", 61))]),
        Case::traded("issued long ago", "issued too long ago", &[Lie::Claims(|c| shift(c, "iat", -601))]),
        Case::traded("never issued", UNREADABLE, &[Lie::Claims(|c| remove(c, "iat"))]),
        Case::traded("another sign-in's nonce", NONCE, &[Lie::Claims(|c| c["nonce"] = json!("evil"))]),
        Case::traded("no nonce", NONCE, &[Lie::Claims(|c| remove(c, "nonce"))]),
        Case::traded("an empty subject", SUBJECT, &[Lie::Claims(|c| c["sub"] = json!(""))]),
        Case::traded("a very long subject", SUBJECT, &[Lie::Claims(|c| c["sub"] = json!("s".repeat(5_000)))]),
        Case::traded("a subject in two lines", SUBJECT, &[Lie::Claims(|c| c["sub"] = json!("a\nevil"))]),
        Case::traded("a number for a subject", UNREADABLE, &[Lie::Claims(|c| c["sub"] = json!(7))]),
        Case::traded("no subject", UNREADABLE, &[Lie::Claims(|c| remove(c, "sub"))]),
        Case::traded("two subjects", UNREADABLE, &[Lie::Payload(|text| text.replacen('{', r#"{"sub":"evil","#, 1))]),
        Case::traded("something behind the claims", UNREADABLE, &[Lie::Payload(|text| text + "{}")]),
    ]);
}

#[test]
fn a_group_claim_of_another_form_signs_nobody_in() {
    Stage::new().refuses_all(&[
        Case::traded("a number", "is a number", &[Lie::Claims(|c| c["groups"] = json!(7))]),
        Case::traded("an object", "is an object", &[Lie::Claims(|c| c["groups"] = json!({"evil": true}))]),
        Case::traded("null", "is null", &[Lie::Claims(|c| c["groups"] = Value::Null)]),
        Case::traded(
            "lists in a list",
            "something else than text",
            &[Lie::Claims(|c| c["groups"] = json!([["evil"]]))],
        ),
        Case::traded(
            "a number in the list",
            "something else than text",
            &[Lie::Claims(|c| {
                c["groups"] = json!(["vision-students", 1]);
            })],
        ),
        Case::traded("a name in two lines", "not a group name", &[Lie::Claims(|c| c["groups"] = json!(["a\nevil"]))]),
        Case::traded(
            "too many",
            "1001 entries",
            &[Lie::Claims(|c| {
                c["groups"] = (0..1_001).map(|n| format!("g{n}")).collect();
            })],
        ),
    ]);
}

#[test]
fn what_is_unusual_and_true_signs_in() {
    let stage = Stage::new();

    stage.signs_in(&[Lie::Claims(|c| c["aud"] = json!(["lodge"]))]);
    stage.signs_in(&[Lie::Claims(|c| c["azp"] = json!("lodge"))]);
    stage.signs_in(&[Lie::Claims(|c| shift(c, "exp", -59))]);
    stage.signs_in(&[Lie::Claims(|c| c["groups"] = json!("vision-students"))]);
    stage.signs_in(&[Lie::Claims(|c| remove(c, "groups"))]);
}

#[test]
fn a_key_that_is_not_known_is_looked_for_once() {
    let stage = Stage::new();
    stage.signs_in(&[]);

    let unknown = [Lie::Header(|h| h["kid"] = json!("key-2"))];
    stage.refuses(&Case::traded("an unknown key", NO_SUCH_KEY, &[Lie::Header(|h| h["kid"] = json!("key-2"))]));
    // Two sign-ins: the page's, and the one that told the reason.
    assert_eq!((stage.provider.asked("/jwks"), stage.provider.asked("/token")), (2, 2));

    // A provider that has just changed its key is not locked out.
    stage.signs_in(&[unknown[0], Lie::Keys(|set| set["keys"][0]["kid"] = json!("key-2"))]);
    assert_eq!(stage.provider.asked("/jwks"), 1);
}

#[test]
fn an_address_inside_a_token_is_not_visited() {
    let stage = Stage::new();

    stage.provider.lie(&[Lie::Header(|h| {
        h["jku"] = json!("http://127.0.0.1:1/evil");
        h["x5u"] = json!("http://127.0.0.1:1/evil");
    })]);
    let reason = stage.reason();

    // The signature is good, so the token may be; the addresses are not looked at.
    assert_eq!(reason, "it was not refused");
}
