//! The ID token: its signature, its header, its claims (J1 to J13).

use lodge::domain::sign_in::SignInRefusal as Why;
use lodge::oidc::Algorithm;
use serde_json::{Value, json};

use super::{Case, play};
use crate::support::evil_provider::{Key, Lie, Secret, Signature};

/// Moves a time in the claims.
pub(super) fn shift(claims: &mut Value, name: &str, seconds: i64) {
    let now = claims["iat"].as_i64().unwrap();
    claims[name] = json!(now + seconds);
}

pub(super) fn remove(claims: &mut Value, name: &str) {
    claims.as_object_mut().unwrap().remove(name);
}

/// An ID token that is signed with HMAC, with something that anybody knows, or with our own secret.
fn hmac(id: &'static str, what: &'static str, secret: Secret) -> Case {
    let lies = [Lie::Header(|h| h["alg"] = json!("HS256")), Lie::Signature(Signature::Hmac(secret))];
    Case::refused(id, what, Why::IdTokenAlgorithm, lies)
}

/// An ID token by a key of another kind, which is good where the connection allows it.
fn another_algorithm(id: &'static str, what: &'static str, key: Key) -> Case {
    Case::refused(id, what, Why::IdTokenAlgorithm, [Lie::Publish(key), Lie::SignedBy(key)])
}

/// A header that asks for something.
fn header(id: &'static str, what: &'static str, why: Why, change: fn(&mut Value)) -> Case {
    Case::refused(id, what, why, [Lie::Header(change)])
}

fn claims(id: &'static str, what: &'static str, why: Why, change: fn(&mut Value)) -> Case {
    Case::refused(id, what, why, [Lie::Claims(change)])
}

#[rustfmt::skip]
pub(super) fn algorithms() -> Vec<Case> {
    vec![
        Case::refused("J1.1", "alg none, no signature", Why::IdTokenAlgorithm,
            [Lie::Header(|h| h["alg"] = json!("none")), Lie::Signature(Signature::Absent)]),
        header("J1.2", "alg none, and the right signature", Why::IdTokenAlgorithm, |h| h["alg"] = json!("none")),
        Case::refused("J1.3", "alg None, no signature", Why::IdTokenAlgorithm,
            [Lie::Header(|h| h["alg"] = json!("None")), Lie::Signature(Signature::Absent)]),
        Case::refused("J1.4", "alg nOnE, no signature", Why::IdTokenAlgorithm,
            [Lie::Header(|h| h["alg"] = json!("nOnE")), Lie::Signature(Signature::Absent)]),
        Case::refused("J1.5", "no signature", Why::IdTokenSignature, [Lie::Signature(Signature::Absent)]),
        header("J1.6", "no alg", Why::IdTokenAlgorithm, |h| remove(h, "alg")),
        header("J1.7", "alg in small letters", Why::IdTokenAlgorithm, |h| h["alg"] = json!("es256")),
        header("J1.8", "alg in a list", Why::IdTokenAlgorithm, |h| h["alg"] = json!(["ES256"])),
        Case::refused("J1.9", "alg none, and metadata that offers nothing else", Why::IdTokenAlgorithm, [
            Lie::Metadata(|m| m["id_token_signing_alg_values_supported"] = json!(["none"])),
            Lie::Header(|h| h["alg"] = json!("none")),
            Lie::Signature(Signature::Absent),
        ]).twin("alg ES256, and metadata that offers only none",
            [Lie::Metadata(|m| m["id_token_signing_alg_values_supported"] = json!(["none"]))]),

        hmac("J2.1", "HS256 with our client secret, which metadata offers", Secret::Client),
        Case::refused("J2.2", "the same without a key id", Why::IdTokenAlgorithm, [
            Lie::Header(|h| { h["alg"] = json!("HS256"); remove(h, "kid"); }),
            Lie::Signature(Signature::Hmac(Secret::Client)),
        ]).twin("ES256 without a key id", [Lie::Header(|h| remove(h, "kid"))]),
        hmac("J2.3", "HS256 with the public key's point", Secret::Point),
        hmac("J2.4", "HS256 with the public key in PEM", Secret::Pem),
        hmac("J2.5", "HS256 with the public key in DER", Secret::Der),
        hmac("J2.6", "HS256 with the public key's x", Secret::Coordinate),
        hmac("J2.7", "HS256 with an empty secret", Secret::Empty),
        Case::refused("J2.8", "HS256 with a key of the key set that is symmetric", Why::ProviderMetadata, [
            Lie::Keys(|set| set["keys"][0] = json!({"kty": "oct", "kid": "key-1", "alg": "HS256", "k": ""})),
            Lie::Header(|h| h["alg"] = json!("HS256")),
            Lie::Signature(Signature::Hmac(Secret::Empty)),
        ]).untraded(),

        another_algorithm("J3.1", "RS256, where ES256 is allowed", Key::Rsa2048)
            .but_with("RS256, where it is allowed", |s| s.algorithms = vec![Algorithm::Rs256]),
        another_algorithm("J3.2", "ES384, where ES256 is allowed", Key::P384)
            .but_with("ES384, where it is allowed", |s| s.algorithms = vec![Algorithm::Es384]),
        another_algorithm("J3.3", "EdDSA, where ES256 is allowed", Key::Ed25519)
            .but_with("EdDSA, where it is allowed", |s| s.algorithms = vec![Algorithm::EdDsa]),
        Case::refused("J3.4", "PS256 in the header, PKCS #1 v1.5 in the signature", Why::IdTokenSignature, [
            Lie::Publish(Key::Rsa2048), Lie::SignedBy(Key::Rsa2048), Lie::Keys(|set| remove(&mut set["keys"][1], "alg")),
            Lie::Header(|h| h["alg"] = json!("PS256")),
        ]).twin("RS256 in the header", [
            Lie::Publish(Key::Rsa2048), Lie::SignedBy(Key::Rsa2048), Lie::Keys(|set| remove(&mut set["keys"][1], "alg")),
        ]).with(|s| s.algorithms = vec![Algorithm::Rs256, Algorithm::Ps256]),
        Case::refused("J3.5", "RS256, and the key is for ES256", Why::IdTokenKey,
            [Lie::Header(|h| h["alg"] = json!("RS256"))])
            .twin("ES256", []).with(|s| s.algorithms = vec![Algorithm::Rs256, Algorithm::Es256]),
        Case::refused("J3.6", "ES256, and the key is of P-384", Why::IdTokenKey, [
            Lie::Publish(Key::P384), Lie::SignedBy(Key::P384), Lie::Header(|h| h["alg"] = json!("ES256")),
        ]).twin("ES384", [Lie::Publish(Key::P384), Lie::SignedBy(Key::P384)])
            .with(|s| s.algorithms = vec![Algorithm::Es256, Algorithm::Es384]),
        Case::refused("J3.7", "a key whose use is encryption", Why::ProviderMetadata,
            [Lie::Keys(|set| set["keys"][0]["use"] = json!("enc"))]).untraded()
            .twin("a key whose use is not said", [Lie::Keys(|set| remove(&mut set["keys"][0], "use"))]),
        Case::refused("J3.8", "a key that is for another algorithm", Why::IdTokenKey,
            [Lie::Keys(|set| set["keys"][0]["alg"] = json!("ES384"))])
            .twin("a key that does not say what for", [Lie::Keys(|set| remove(&mut set["keys"][0], "alg"))]),
    ]
}

#[rustfmt::skip]
pub(super) fn keys() -> Vec<Case> {
    vec![
        header("J4.1", "an unknown kid", Why::IdTokenKey, |h| h["kid"] = json!("unknown")),
        header("J4.2", "a kid that leads to a file", Why::IdTokenKey, |h| h["kid"] = json!("../../etc/passwd")),
        header("J4.3", "a kid for a database", Why::IdTokenKey, |h| h["kid"] = json!("' OR 1=1 --")),
        header("J4.4", "a kid of 10 kB", Why::IdTokenKey, |h| h["kid"] = json!("k".repeat(10_000))),
        header("J4.5", "a kid with a letter that looks the same", Why::IdTokenKey, |h| h["kid"] = json!("k\u{435}y-1")),
        header("J4.6", "a kid in other letters", Why::IdTokenKey, |h| h["kid"] = json!("KEY-1")),
        header("J4.7", "a kid with a zero behind it", Why::IdTokenKey, |h| h["kid"] = json!("key-1\u{0}")),
        header("J4.8", "a kid that is a number", Why::IdTokenMalformed, |h| h["kid"] = json!(1)),
        header("J4.9", "an empty kid", Why::IdTokenKey, |h| h["kid"] = json!("")),
        Case::refused("J4.10", "two keys of one kid", Why::IdTokenKey, [Lie::Keys(|set| {
            let key = set["keys"][0].clone();
            set["keys"].as_array_mut().unwrap().push(key);
        })]).twin("two keys of two kids", [Lie::Publish(Key::OtherP256)]),
        Case::refused("J4.11", "no kid, and two keys", Why::IdTokenKey,
            [Lie::Publish(Key::OtherP256), Lie::Header(|h| remove(h, "kid"))])
            .twin("no kid, and one key", [Lie::Header(|h| remove(h, "kid"))]),
        Case::refused("J4.12", "a kid, and keys without", Why::IdTokenKey,
            [Lie::Keys(|set| remove(&mut set["keys"][0], "kid"))])
            .twin("no kid, and one key without", [
                Lie::Keys(|set| remove(&mut set["keys"][0], "kid")), Lie::Header(|h| remove(h, "kid")),
            ]),
        Case::refused("J4.13", "another key under the right kid", Why::IdTokenSignature,
            [Lie::Signature(Signature::By(Key::OtherP256))]),
        Case::refused("J4.14", "the kid of one published key, the signature of the other", Why::IdTokenSignature,
            [Lie::Publish(Key::OtherP256), Lie::Signature(Signature::By(Key::OtherP256))])
            .twin("kid and signature of the other", [Lie::Publish(Key::OtherP256), Lie::SignedBy(Key::OtherP256)]),
        Case::refused("J4.15", "a point that is not on the curve", Why::IdTokenKey,
            [Lie::Keys(|set| set["keys"][0]["y"] = set["keys"][0]["x"].clone())]),
        Case::refused("J4.16", "a published key beside one that cannot be read, and the latter's kid", Why::IdTokenKey, [
            Lie::Keys(|set| set["keys"].as_array_mut().unwrap().insert(0, json!({"kty": "PQC", "kid": "odd", "evil": [{}]}))),
            Lie::Header(|h| h["kid"] = json!("odd")),
        ]).twin("the former's kid", [
            Lie::Keys(|set| set["keys"].as_array_mut().unwrap().insert(0, json!({"kty": "PQC", "kid": "odd", "evil": [{}]}))),
        ]),

        Case::refused("J5.1", "jku and x5u that lead to an attacker's keys, and such a key", Why::IdTokenSignature, [
            Lie::Header(|h| { h["jku"] = json!("/elsewhere"); h["x5u"] = json!("/elsewhere"); }),
            Lie::Signature(Signature::By(Key::OtherP256)),
        ]),
        Case::refused("J5.2", "jwk in the header, and its signature", Why::IdTokenSignature, [
            Lie::Header(|h| h["jwk"] = json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"})),
            Lie::Signature(Signature::By(Key::OtherP256)),
        ]),
        Case::refused("J5.3", "jwk in the header, and no kid", Why::IdTokenSignature, [
            Lie::Header(|h| {
                h["jwk"] = json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"});
                remove(h, "kid");
            }),
            Lie::Signature(Signature::By(Key::OtherP256)),
        ]).twin("no kid", [Lie::Header(|h| remove(h, "kid"))]),
        Case::refused("J5.4", "x5c in the header, and its signature", Why::IdTokenSignature, [
            Lie::Header(|h| h["x5c"] = json!(["MIIBevil"])), Lie::Signature(Signature::By(Key::OtherP256)),
        ]),
        Case::harmless("J5.5", "jku, x5u, jwk and x5c, and the right signature: none is looked at", super::STUDENT,
            [Lie::Header(|h| {
                h["jku"] = json!("http://127.0.0.1:1/elsewhere");
                h["x5u"] = json!("http://127.0.0.1:1/elsewhere");
                h["x5c"] = json!(["MIIBevil"]);
                h["jwk"] = json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"});
            })]),

        header("J6.1", "crit with something unknown", Why::IdTokenType, |h| { h["crit"] = json!(["x"]); h["x"] = json!(1); }),
        header("J6.2", "crit with nothing in it", Why::IdTokenType, |h| h["crit"] = json!([])),
        header("J6.3", "crit with exp", Why::IdTokenType, |h| { h["crit"] = json!(["exp"]); h["exp"] = json!(1); }),
        header("J6.4", "crit that is null", Why::IdTokenType, |h| h["crit"] = Value::Null),
        header("J6.5", "b64 false", Why::IdTokenType, |h| h["b64"] = json!(false)),
        header("J6.6", "b64 false, and critical", Why::IdTokenType, |h| { h["b64"] = json!(false); h["crit"] = json!(["b64"]); }),
        header("J6.7", "b64 true", Why::IdTokenType, |h| h["b64"] = json!(true)),
        header("J6.8", "cty JWT: a token in a token", Why::IdTokenType, |h| h["cty"] = json!("JWT")),
        header("J6.9", "zip", Why::IdTokenType, |h| h["zip"] = json!("DEF")),
        Case::harmless("J6.10", "a member of the header that nobody knows", super::STUDENT,
            [Lie::Header(|h| h["x"] = json!({"y": [1]}))]),
    ]
}

#[rustfmt::skip]
pub(super) fn parties() -> Vec<Case> {
    vec![
        claims("J7.1", "no iss", Why::IdTokenIssuer, |c| remove(c, "iss")),
        claims("J7.2", "another provider's iss", Why::IdTokenIssuer, |c| c["iss"] = json!("https://evil.example")),
        claims("J7.3", "iss that is a number", Why::IdTokenIssuer, |c| c["iss"] = json!(7)),
        claims("J7.4", "iss in an object", Why::IdTokenIssuer, |c| c["iss"] = json!({"iss": c["iss"].clone()})),
        claims("J7.5", "iss in a list", Why::IdTokenIssuer, |c| c["iss"] = json!([c["iss"].clone()])),
        claims("J7.6", "iss in a list with another", Why::IdTokenIssuer, |c| c["iss"] = json!(["https://evil.example", c["iss"].clone()])),
        claims("J7.7", "iss that is null", Why::IdTokenIssuer, |c| c["iss"] = Value::Null),
        claims("J7.8", "iss with a slash", Why::IdTokenIssuer, |c| c["iss"] = json!(format!("{}/", c["iss"].as_str().unwrap()))),
        claims("J7.9", "iss in capitals", Why::IdTokenIssuer, |c| c["iss"] = json!(c["iss"].as_str().unwrap().to_uppercase())),
        claims("J7.10", "another realm of the same provider", Why::IdTokenIssuer,
            |c| c["iss"] = json!(format!("{}/realms/other", c["iss"].as_str().unwrap()))),
        claims("J7.11", "iss without its scheme", Why::IdTokenIssuer,
            |c| c["iss"] = json!(c["iss"].as_str().unwrap().trim_start_matches("http://"))),
        claims("J7.12", "iss with a space behind it", Why::IdTokenIssuer, |c| c["iss"] = json!(format!("{} ", c["iss"].as_str().unwrap()))),
        claims("J7.13", "iss under another name of the host", Why::IdTokenIssuer,
            |c| c["iss"] = json!(c["iss"].as_str().unwrap().replace("127.0.0.1", "localhost"))),
        claims("J7.14", "an empty iss", Why::IdTokenIssuer, |c| c["iss"] = json!("")),

        claims("J8.1", "no aud", Why::IdTokenAudience, |c| remove(c, "aud")),
        claims("J8.2", "an empty list for aud", Why::IdTokenAudience, |c| c["aud"] = json!([])),
        claims("J8.3", "aud in an object", Why::IdTokenAudience, |c| c["aud"] = json!({"lodge": true})),
        claims("J8.4", "another client's aud", Why::IdTokenAudience, |c| c["aud"] = json!("evil")),
        claims("J8.5", "ours and another aud", Why::IdTokenAudience, |c| c["aud"] = json!(["lodge", "evil"]))
            .twin("ours in a list", [Lie::Claims(|c| c["aud"] = json!(["lodge"]))]),
        claims("J8.6", "ours and another aud, and azp is ours", Why::IdTokenAudience,
            |c| { c["aud"] = json!(["lodge", "evil"]); c["azp"] = json!("lodge"); })
            .twin("azp is ours", [Lie::Claims(|c| c["azp"] = json!("lodge"))]),
        claims("J8.7", "the beginning of ours", Why::IdTokenAudience, |c| c["aud"] = json!("lodg")),
        claims("J8.8", "ours and more", Why::IdTokenAudience, |c| c["aud"] = json!("lodge-evil")),
        claims("J8.9", "ours in capitals", Why::IdTokenAudience, |c| c["aud"] = json!("LODGE")),
        claims("J8.10", "aud that is a number", Why::IdTokenAudience, |c| c["aud"] = json!(1)),
        claims("J8.11", "a list with a number in it", Why::IdTokenAudience, |c| c["aud"] = json!(["lodge", 1])),
        claims("J8.12", "ours twice", Why::IdTokenAudience, |c| c["aud"] = json!(["lodge", "lodge"])),
        claims("J8.13", "ours in a list in a list", Why::IdTokenAudience, |c| c["aud"] = json!([["lodge"]])),
        claims("J8.14", "aud that is null", Why::IdTokenAudience, |c| c["aud"] = Value::Null),

        claims("J9.1", "another client's azp", Why::IdTokenParty, |c| c["azp"] = json!("evil"))
            .twin("our azp", [Lie::Claims(|c| c["azp"] = json!("lodge"))]),
        claims("J9.2", "azp that is a list", Why::IdTokenParty, |c| c["azp"] = json!(["lodge"]))
            .twin("our azp", [Lie::Claims(|c| c["azp"] = json!("lodge"))]),
        claims("J9.3", "two aud and no azp", Why::IdTokenAudience, |c| c["aud"] = json!(["lodge", "another"])),
        claims("J9.4", "azp that is null", Why::IdTokenParty, |c| c["azp"] = Value::Null),
        claims("J9.5", "an empty azp", Why::IdTokenParty, |c| c["azp"] = json!("")),
    ]
}

#[rustfmt::skip]
pub(super) fn times() -> Vec<Case> {
    vec![
        claims("J10.1", "ended 61 s ago", Why::IdTokenExpired, |c| shift(c, "exp", -61))
            .twin("ended 59 s ago", [Lie::Claims(|c| shift(c, "exp", -59))]),
        claims("J10.2", "no exp", Why::IdTokenTime, |c| remove(c, "exp")),
        claims("J10.3", "exp in words", Why::IdTokenTime, |c| c["exp"] = json!(c["exp"].to_string())),
        claims("J10.4", "exp with a fraction", Why::IdTokenTime, |c| c["exp"] = json!(c["exp"].as_f64().unwrap() + 0.5)),
        claims("J10.5", "a negative exp", Why::IdTokenExpired, |c| c["exp"] = json!(-1)),
        claims("J10.6", "exp of 1e300", Why::IdTokenTime, |c| c["exp"] = json!(1e300)),
        Case::refused("J10.7", "exp that is not a number", Why::IdTokenMalformed, [Lie::Payload(|text| with_exp(&text, "NaN"))])
            .twin("exp that is", [Lie::Payload(|text| { let exp = exp_of(&text); with_exp(&text, &exp) })]),
        claims("J10.8", "exp in the year 9999", Why::IdTokenTime, |c| c["exp"] = json!(253_402_300_799_i64)),
        claims("J10.9", "exp after more than a day", Why::IdTokenTime, |c| shift(c, "exp", 24 * 3_600 + 61))
            .twin("exp after a day", [Lie::Claims(|c| shift(c, "exp", 24 * 3_600))]),
        claims("J10.10", "exp that is null", Why::IdTokenTime, |c| c["exp"] = Value::Null),
        Case::refused("J10.11", "exp of more digits than there are", Why::IdTokenTime,
            [Lie::Payload(|text| with_exp(&text, "9223372036854775808"))]),
        claims("J10.12", "nbf in 61 s", Why::IdTokenTime, |c| shift(c, "nbf", 61))
            .twin("nbf in 60 s", [Lie::Claims(|c| shift(c, "nbf", 60))]),
        claims("J10.13", "nbf in words", Why::IdTokenTime, |c| c["nbf"] = json!("soon"))
            .twin("nbf now", [Lie::Claims(|c| shift(c, "nbf", 0))]),
        claims("J10.14", "issued in 61 s", Why::IdTokenTime, |c| shift(c, "iat", 61))
            .twin("issued in 60 s", [Lie::Claims(|c| shift(c, "iat", 60))]),
        claims("J10.15", "issued a year ago", Why::IdTokenTime, |c| shift(c, "iat", -31_536_000)),
        claims("J10.16", "issued 601 s ago", Why::IdTokenTime, |c| shift(c, "iat", -601))
            .twin("issued 600 s ago", [Lie::Claims(|c| shift(c, "iat", -600))]),
        claims("J10.17", "never issued", Why::IdTokenTime, |c| remove(c, "iat")),
        claims("J10.18", "iat with a fraction", Why::IdTokenTime, |c| c["iat"] = json!(c["iat"].as_f64().unwrap() + 0.5)),
        claims("J10.19", "the smallest nbf that there is", Why::IdTokenTime, |c| c["nbf"] = json!(i64::MIN))
            .twin("nbf a year ago", [Lie::Claims(|c| shift(c, "nbf", -31_536_000))]),
    ]
}

fn exp_of(claims: &str) -> String {
    serde_json::from_str::<Value>(claims).unwrap()["exp"].to_string()
}

/// The text of the claims with this in the place of `exp`'s value, whatever it is.
fn with_exp(claims: &str, value: &str) -> Vec<u8> {
    let before = format!(r#""exp":{}"#, exp_of(claims));
    assert!(claims.contains(&before), "{claims}");
    claims.replacen(&before, &format!(r#""exp":{value}"#), 1).into_bytes()
}

#[rustfmt::skip]
pub(super) fn persons() -> Vec<Case> {
    vec![
        claims("J11.1", "no nonce", Why::IdTokenNonce, |c| remove(c, "nonce")),
        claims("J11.2", "another nonce", Why::IdTokenNonce, |c| c["nonce"] = json!("evil")),
        Case::refused("J11.3", "the nonce of the sign-in before", Why::IdTokenNonce, [Lie::NonceBefore]),
        Case::refused("J11.4", "the whole ID token of the sign-in before", Why::IdTokenNonce, [Lie::TokenBefore]),
        claims("J11.5", "the nonce in a list", Why::IdTokenNonce, |c| c["nonce"] = json!([c["nonce"].clone()])),
        claims("J11.6", "the nonce and more", Why::IdTokenNonce, |c| c["nonce"] = json!(format!("{}x", c["nonce"].as_str().unwrap()))),
        claims("J11.7", "the nonce but its last letter", Why::IdTokenNonce, |c| {
            let nonce = c["nonce"].as_str().unwrap();
            c["nonce"] = json!(nonce[..nonce.len() - 1]);
        }),
        claims("J11.8", "a nonce that is null", Why::IdTokenNonce, |c| c["nonce"] = Value::Null),

        claims("J12.1", "no sub", Why::Subject, |c| remove(c, "sub")),
        claims("J12.2", "an empty sub", Why::Subject, |c| c["sub"] = json!("")),
        claims("J12.3", "a sub of 5,000 letters", Why::Subject, |c| c["sub"] = json!("s".repeat(5_000)))
            .twin("a sub of 255 letters", [Lie::Claims(|c| c["sub"] = json!("s".repeat(255)))]),
        claims("J12.4", "a sub of 256 letters", Why::Subject, |c| c["sub"] = json!("s".repeat(256)))
            .twin("a sub of 255 letters", [Lie::Claims(|c| c["sub"] = json!("s".repeat(255)))]),
        claims("J12.5", "a sub that is a number", Why::Subject, |c| c["sub"] = json!(7)),
        claims("J12.6", "a sub in two lines", Why::Subject, |c| c["sub"] = json!("a\nevil")),
        claims("J12.7", "a sub with a zero in it", Why::Subject, |c| c["sub"] = json!("subject-1\u{0}")),
        claims("J12.8", "a sub with a space", Why::Subject, |c| c["sub"] = json!("subject 1")),
        claims("J12.9", "a sub with a letter that looks the same", Why::Subject, |c| c["sub"] = json!("subj\u{435}ct-1")),
        claims("J12.10", "a sub in a list", Why::Subject, |c| c["sub"] = json!(["subject-1"])),
        claims("J12.11", "a sub that is null", Why::Subject, |c| c["sub"] = Value::Null),

        header("J13.1", "an access token", Why::IdTokenType, |h| h["typ"] = json!("at+jwt"))
            .twin("typ JWT, in small letters", [Lie::Header(|h| h["typ"] = json!("jwt"))]),
        header("J13.2", "an access token, its type in full", Why::IdTokenType, |h| h["typ"] = json!("application/at+jwt"))
            .twin("typ JWT, in full", [Lie::Header(|h| h["typ"] = json!("application/JWT"))]),
        header("J13.3", "a logout token", Why::IdTokenType, |h| h["typ"] = json!("logout+jwt"))
            .twin("no typ", [Lie::Header(|h| remove(h, "typ"))]),
        header("J13.4", "a proof of possession", Why::IdTokenType, |h| h["typ"] = json!("dpop+jwt")),
        header("J13.5", "a signed userinfo answer", Why::IdTokenType, |h| h["typ"] = json!("token-introspection+jwt")),
        header("J13.6", "a security event", Why::IdTokenType, |h| h["typ"] = json!("secevent+jwt")),
        header("J13.7", "typ that is a number", Why::IdTokenType, |h| h["typ"] = json!(1)),
        header("J13.8", "an empty typ", Why::IdTokenType, |h| h["typ"] = json!("")),
        Case::refused("J13.9", "a logout token that says it is a JWT", Why::IdTokenNonce, [Lie::Claims(|c| {
            remove(c, "nonce");
            c["jti"] = json!("j");
            c["events"] = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
        })]),
        Case::refused("J13.10", "the claims of a userinfo answer", Why::IdTokenIssuer,
            [Lie::Claims(|c| *c = json!({"sub": "subject-1", "groups": ["vision-students"]}))]),
    ]
}

#[test]
fn a_token_of_another_algorithm_signs_nobody_in() {
    play(&algorithms());
}

#[test]
fn a_token_by_another_key_signs_nobody_in() {
    play(&keys());
}

#[test]
fn a_token_of_or_for_somebody_else_signs_nobody_in() {
    play(&parties());
}

#[test]
fn a_token_of_another_time_signs_nobody_in() {
    play(&times());
}

#[test]
fn a_token_of_another_sign_in_person_or_kind_signs_nobody_in() {
    play(&persons());
}
