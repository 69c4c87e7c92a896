//! The form of a token, and the size of everything (J14 to J16).

use lodge::domain::sign_in::SignInRefusal as Why;
use lodge::oidc::{Algorithm, Settings};
use serde_json::{Value, json};

use super::id_tokens::remove;
use super::{Case, STUDENT, play};
use crate::support::evil_provider::{Body, Key, Lie, Signature, bomb};

/// The text of the claims, changed before it is signed.
fn payload(id: &'static str, what: &'static str, change: fn(String) -> Vec<u8>) -> Case {
    Case::refused(id, what, Why::IdTokenMalformed, [Lie::Payload(change)])
}

/// The text of the header.
fn header(id: &'static str, what: &'static str, change: fn(String) -> Vec<u8>) -> Case {
    Case::refused(id, what, Why::IdTokenMalformed, [Lie::HeaderText(change)])
}

/// The whole token, once it is signed.
fn token(id: &'static str, what: &'static str, why: Why, change: fn(String) -> String) -> Case {
    Case::refused(id, what, why, [Lie::Token(change)])
}

/// With another member in front.
fn before(text: &str, member: &str) -> Vec<u8> {
    text.replacen('{', &format!("{{{member},"), 1).into_bytes()
}

/// With another member at the end.
fn behind(text: &str, member: &str) -> Vec<u8> {
    format!("{},{member}}}", &text[..text.len() - 1]).into_bytes()
}

fn nested(depth: usize) -> String {
    format!(r#""deep":{}{}"#, "[".repeat(depth), "]".repeat(depth))
}

fn in_utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// One part of a token, changed.
fn part(token: &str, number: usize, change: fn(&str) -> String) -> String {
    let parts: Vec<String> = token
        .split('.')
        .enumerate()
        .map(|(at, part)| if at == number { change(part) } else { part.to_owned() })
        .collect();
    parts.join(".")
}

#[rustfmt::skip]
pub(super) fn forms() -> Vec<Case> {
    vec![
        payload("J14.1", "two sub, the evil one first", |text| before(&text, r#""sub":"evil""#))
            .twin("a member that nobody reads, first", [Lie::Payload(|text| before(&text, r#""sub2":"good""#))]),
        payload("J14.2", "two sub, the evil one last", |text| behind(&text, r#""sub":"evil""#))
            .twin("a member that nobody reads, last", [Lie::Payload(|text| behind(&text, r#""sub2":"good""#))]),
        payload("J14.3", "two groups", |text| behind(&text, r#""groups":["evil"]"#)),
        payload("J14.4", "two of a member that nobody reads", |text| behind(&text, r#""x":1,"x":1"#))
            .twin("one of it", [Lie::Payload(|text| behind(&text, r#""x":1"#))]),
        payload("J14.5", "two of a member inside another", |text| behind(&text, r#""x":{"y":[{"z":1,"z":2}]}"#))
            .twin("one of it", [Lie::Payload(|text| behind(&text, r#""x":{"y":[{"z":1}]}"#))]),
        payload("J14.6", "two sub, one of them written with an escape", |text| behind(&text, r#""s\u0075b":"evil""#)),
        header("J14.7", "two alg", |text| behind(&text, r#""alg":"none""#))
            .twin("one", [Lie::HeaderText(|text| behind(&text, r#""x":"none""#))]),
        header("J14.8", "two kid", |text| before(&text, r#""kid":"key-2""#)),
        payload("J14.9", "something behind the claims", |text| (text + "{}").into_bytes())
            .twin("a space behind the claims", [Lie::Payload(|text| (text + " ").into_bytes())]),
        payload("J14.10", "a zero behind the claims", |text| (text + "\0").into_bytes()),
        payload("J14.11", "a mark of byte order", |text| format!("\u{feff}{text}").into_bytes()),
        payload("J14.12", "UTF-16", |text| in_utf16(&text)),
        payload("J14.13", "bytes that are no UTF-8, in a member that nobody reads",
            |text| [&text.as_bytes()[..text.len() - 1], b",\"x\":\"\xff\xfe\"}"].concat())
            .twin("such as are", [Lie::Payload(|text| behind(&text, "\"x\":\"\u{e4}\""))]),
        payload("J14.14", "bytes that are no UTF-8, in sub",
            |text| { let mut bytes = text.into_bytes(); let at = bytes.windows(9).position(|w| w == b"subject-1").unwrap(); bytes[at] = 0xff; bytes }),
        payload("J14.15", "half of a pair of surrogates", |text| behind(&text, r#""x":"\ud800""#)),
        payload("J14.16", "lists in lists, 10,000 deep", |text| behind(&text, &nested(10_000)))
            .twin("8 deep", [Lie::Payload(|text| behind(&text, &nested(8)))]),
        header("J14.17", "lists in lists in the header, 5,000 deep", |text| behind(&text, &nested(5_000)))
            .twin("8 deep", [Lie::HeaderText(|text| behind(&text, &nested(8)))]),
        payload("J14.18", "a list for claims", |text| format!("[{text}]").into_bytes()),
        payload("J14.19", "no claims", |_| Vec::new()),
        payload("J14.20", "null for claims", |_| b"null".to_vec()),
        payload("J14.21", "a comment", |text| behind(&text, r#"/*"*/"x":1"#)),
        payload("J14.22", "a comma too many", |text| format!("{},}}", &text[..text.len() - 1]).into_bytes()),
        header("J14.23", "a header that is no JSON", |_| b"evil".to_vec()),
        header("J14.24", "a mark of byte order before the header", |text| format!("\u{feff}{text}").into_bytes()),
        payload("J14.25", "one quotation mark is another one", |text| text.replace('"', "'").into_bytes()),
    ]
}

/// RS256 and nothing else.
fn rs256(settings: &mut Settings) {
    settings.algorithms = vec![Algorithm::Rs256];
}

/// A token by an RSA key of another size.
fn weak(id: &'static str, what: &'static str, key: Key) -> Case {
    Case::refused(id, what, Why::IdTokenKey, [Lie::Publish(key), Lie::SignedBy(key)])
        .twin("a key of 2048 bits, with the exponent 65537", [Lie::Publish(Key::Rsa2048), Lie::SignedBy(Key::Rsa2048)])
        .with(rs256)
}

#[rustfmt::skip]
pub(super) fn signatures() -> Vec<Case> {
    vec![
        Case::refused("J16.1", "a signature that is cut short", Why::IdTokenSignature, [Lie::Signature(Signature::Cut(63))]),
        Case::refused("J16.2", "half a signature", Why::IdTokenSignature, [Lie::Signature(Signature::Cut(32))]),
        Case::refused("J16.3", "a signature with a byte behind it", Why::IdTokenSignature, [Lie::Signature(Signature::Extended)]),
        Case::refused("J16.4", "a signature as in X.509", Why::IdTokenSignature, [Lie::Signature(Signature::Der)]),
        Case::refused("J16.5", "r = s = 0", Why::IdTokenSignature, [Lie::Signature(Signature::Zeros)]),
        Case::refused("J16.6", "r = s = the order of the curve", Why::IdTokenSignature, [Lie::Signature(Signature::Order)]),
        Case::harmless("J16.7", "the larger of the two s: a signature all the same, and good for one code", STUDENT,
            [Lie::Signature(Signature::Mirrored)]),
        weak("J16.8", "an RSA key of 512 bits", Key::Rsa512),
        weak("J16.9", "an RSA key of 1024 bits", Key::Rsa1024),
        weak("J16.10", "an RSA key with the exponent 1", Key::RsaOne),
        token("J16.11", "padding behind the signature", Why::IdTokenMalformed, |token| token + "=="),
        token("J16.12", "padding behind the claims", Why::IdTokenSignature, |token| part(&token, 1, |part| part.to_owned() + "=")),
        token("J16.13", "a space in the signature", Why::IdTokenMalformed, |token| part(&token, 2, |part| format!("{} {}", &part[..9], &part[9..]))),
        token("J16.14", "a new line behind it", Why::IdTokenMalformed, |token| token + "\n"),
        token("J16.15", "a space before it", Why::IdTokenMalformed, |token| format!(" {token}")),
        Case::refused("J16.16", "a signature in the alphabet with + and /", Why::IdTokenMalformed, [Lie::Signature(Signature::OtherAlphabet)]),
        token("J16.17", "bits in the last letter that mean nothing", Why::IdTokenMalformed, |token| part(&token, 2, |part| {
            let (rest, last) = part.split_at(part.len() - 1);
            // 64 bytes are 86 letters, and 4 bits of the last one are left over: A, Q, g or w.
            let other = match last { "A" => "B", "Q" => "R", "g" => "h", "w" => "x", other => panic!("{other}") };
            format!("{rest}{other}")
        })),
        token("J16.18", "a claim changed behind the signature's back", Why::IdTokenSignature, |token| part(&token, 1, |part| {
            use base64::Engine as _;
            use base64::engine::general_purpose::URL_SAFE_NO_PAD;
            let text = String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
            URL_SAFE_NO_PAD.encode(text.replace("subject-1", "subject-2"))
        })),
        token("J16.19", "two parts", Why::IdTokenMalformed, |token| token.rsplit_once('.').unwrap().0.to_owned()),
        token("J16.20", "four parts", Why::IdTokenMalformed, |token| token + ".AA"),
        token("J16.21", "an empty header", Why::IdTokenMalformed, |token| part(&token, 0, |_| String::new())),
        token("J16.22", "letters that look the same", Why::IdTokenMalformed, |token| token.replacen('e', "\u{435}", 1)),
        token("J16.23", "a percent sign and what follows", Why::IdTokenMalformed, |token| token.replacen('.', "%2e", 1)),
    ]
}

/// Spaces in a claim until the ID token is about so long.
fn padded(claims: &mut Value, bytes: usize) {
    claims["padding"] = json!(" ".repeat(bytes / 4 * 3 - 400));
}

#[rustfmt::skip]
pub(super) fn sizes() -> Vec<Case> {
    vec![
        Case::refused("J15.1", "an ID token of 1 MB", Why::TokenAnswer, [Lie::Claims(|c| padded(c, 1_000_000))])
            .twin("one of 60 kB", [Lie::Claims(|c| padded(c, 60_000))]),
        Case::refused("J15.2", "an ID token of 100 kB", Why::IdTokenMalformed, [Lie::Claims(|c| padded(c, 100_000))])
            .twin("one of 60 kB", [Lie::Claims(|c| padded(c, 60_000))]),
        Case::refused("J15.3", "50,000 groups", Why::TokenAnswer,
            [Lie::Claims(|c| c["groups"] = (0..50_000).map(|n| format!("group-{n}")).collect())])
            .twin("1,000 groups", [Lie::Claims(|c| c["groups"] = (0..1_000).map(|n| format!("vision-students-{n}")).collect())]),
        Case::refused("J15.4", "1,001 groups", Why::Groups,
            [Lie::Claims(|c| c["groups"] = (0..1_001).map(|n| format!("group-{n}")).collect())])
            .twin("1,000 groups", [Lie::Claims(|c| c["groups"] = (0..1_000).map(|n| format!("vision-students-{n}")).collect())]),
        Case::refused("J15.5", "10,000 keys", Why::ProviderMetadata,
            [Lie::Keys(|set| many_keys(set, 10_000))]).twin("50 keys", [Lie::Keys(|set| many_keys(set, 50))]).untraded(),
        Case::refused("J15.6", "a key set of 300 kB", Why::ProviderMetadata, [Lie::Answer("/jwks", |a| a.pad_to(300_000))])
            .twin("one of 200 kB", [Lie::Answer("/jwks", |a| a.pad_to(200_000))]).untraded(),
        Case::refused("J15.7", "metadata of 300 kB", Why::ProviderMetadata,
            [Lie::Answer("/.well-known/openid-configuration", |a| a.pad_to(300_000))])
            .twin("of 200 kB", [Lie::Answer("/.well-known/openid-configuration", |a| a.pad_to(200_000))]).untraded(),
        Case::refused("J15.8", "metadata without end", Why::ProviderMetadata,
            [Lie::Answer("/.well-known/openid-configuration", |a| a.body = Body::Endless(b" {".to_vec()))]).untraded(),
        Case::refused("J15.9", "a key set without end", Why::ProviderMetadata,
            [Lie::Answer("/jwks", |a| a.body = Body::Endless(b"{\"keys\":[".to_vec()))]).untraded(),
        Case::refused("J15.10", "a key set that unpacks to 3 MB", Why::ProviderMetadata, [Lie::Answer("/jwks", |a| {
            let bomb = bomb(a.bytes(), 3_000_000);
            a.header("content-encoding", "gzip");
            a.say(bomb);
        })]).untraded(),
        Case::refused("J15.11", "tokens that unpack to 3 MB", Why::TokenAnswer, [Lie::Answer("/token", |a| {
            let bomb = bomb(a.bytes(), 3_000_000);
            a.header("content-encoding", "gzip");
            a.say(bomb);
        })]),
        Case::refused("J15.12", "an encrypted ID token", Why::IdTokenMalformed,
            [Lie::Answer("/token", |a| a.set("id_token", json!("e30.e30.e30.e30.e30")))]),
        Case::refused("J15.13", "an encrypted ID token whose key takes a billion rounds", Why::IdTokenMalformed, [Lie::Token(|_| {
            use base64::Engine as _;
            use base64::engine::general_purpose::URL_SAFE_NO_PAD;
            let header = json!({"alg": "PBES2-HS256+A128KW", "enc": "A128CBC-HS256", "p2c": 1_000_000_000, "p2s": "AAAA", "zip": "DEF"});
            format!("{}.AAAA.AAAA.AAAA.AAAA", URL_SAFE_NO_PAD.encode(header.to_string()))
        })]),
        Case::refused("J15.14", "the same in three parts", Why::IdTokenAlgorithm, [Lie::Header(|h| {
            h["alg"] = json!("PBES2-HS256+A128KW");
            h["p2c"] = json!(1_000_000_000);
        })]),
        Case::refused("J15.15", "a key whose coordinates are 20 kB", Why::ProviderMetadata,
            [Lie::Keys(|set| set["keys"][0]["x"] = json!("A".repeat(20_000)))]).untraded(),
        Case::refused("J15.16", "an RSA key of 100,000 bits", Why::IdTokenKey, [
            Lie::Publish(Key::Rsa2048), Lie::SignedBy(Key::Rsa2048),
            Lie::Keys(|set| set["keys"][1]["n"] = json!(format!("gQ{}Q", "A".repeat(16_667)))),
        ]).twin("of 2048 bits", [Lie::Publish(Key::Rsa2048), Lie::SignedBy(Key::Rsa2048)]).with(rs256),
        Case::refused("J15.17", "an RSA key whose exponent is as long as its modulus", Why::IdTokenKey, [
            Lie::Publish(Key::Rsa2048), Lie::SignedBy(Key::Rsa2048),
            Lie::Keys(|set| set["keys"][1]["e"] = set["keys"][1]["n"].clone()),
        ]).twin("of 2048 bits", [Lie::Publish(Key::Rsa2048), Lie::SignedBy(Key::Rsa2048)]).with(rs256),
        Case::refused("J15.18", "a group of 513 bytes", Why::Groups, [Lie::Claims(|c| c["groups"] = json!(["g".repeat(513)]))])
            .twin("of 512 bytes", [Lie::Claims(|c| c["groups"] = json!([format!("vision-students{}", "g".repeat(497))]))]),
    ]
}

fn many_keys(set: &mut Value, count: usize) {
    let one = set["keys"][0].clone();
    let other = |n: usize| {
        let mut key = one.clone();
        remove(&mut key, "alg");
        key["kid"] = json!(format!("other-{n}"));
        key
    };
    set["keys"].as_array_mut().unwrap().extend((0..count).map(other));
}

/// Each takes as long as the broker waits.
#[rustfmt::skip]
pub(super) fn slow() -> Vec<Case> {
    vec![
        Case::refused("J15.20", "metadata that does not come", Why::ProviderAway,
            [Lie::Answer("/.well-known/openid-configuration", |a| a.body = Body::Withheld)]).untraded(),
        Case::refused("J15.21", "metadata that drips", Why::ProviderAway,
            [Lie::Answer("/.well-known/openid-configuration", drip)]).untraded(),
        Case::refused("J15.22", "a key set that does not come", Why::ProviderAway, [Lie::Answer("/jwks", |a| a.body = Body::Withheld)]).untraded(),
        Case::refused("J15.23", "a key set that drips", Why::ProviderAway, [Lie::Answer("/jwks", drip)]).untraded(),
        Case::refused("O8.20", "tokens that do not come", Why::ProviderAway, [Lie::Answer("/token", |a| a.body = Body::Withheld)]),
        Case::refused("O8.21", "tokens that drip", Why::ProviderAway, [Lie::Answer("/token", drip)]),
        Case::refused("O9.20", "a userinfo answer that does not come", Why::ProviderAway,
            [Lie::Claims(|c| remove(c, "groups")), Lie::Answer("/userinfo", |a| a.body = Body::Withheld)])
            .twin("one that comes", [Lie::Claims(|c| remove(c, "groups"))]),
        Case::refused("O9.21", "a userinfo answer that drips", Why::ProviderAway,
            [Lie::Claims(|c| remove(c, "groups")), Lie::Answer("/userinfo", drip)])
            .twin("one that comes", [Lie::Claims(|c| remove(c, "groups"))]),
    ]
}

fn drip(answer: &mut crate::support::evil_provider::Answer) {
    answer.body = Body::Dripping(answer.bytes().to_vec());
}

#[test]
fn a_token_of_another_form_signs_nobody_in() {
    play(&forms());
}

#[test]
fn a_signature_of_another_form_signs_nobody_in() {
    play(&signatures());
}

#[test]
fn what_is_too_large_signs_nobody_in() {
    play(&sizes());
}

#[test]
fn what_is_too_slow_signs_nobody_in() {
    let cases = slow();
    let flaws: Vec<String> = std::thread::scope(|scope| {
        let all: Vec<_> = cases.iter().map(|case| scope.spawn(|| case.flaw())).collect();
        all.into_iter().filter_map(|one| one.join().unwrap()).collect()
    });
    assert!(flaws.is_empty(), "{}", flaws.join("\n"));
}
