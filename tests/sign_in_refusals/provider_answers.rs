//! The provider's other answers: metadata, keys, the token endpoint, userinfo.

use serde_json::json;

use super::{Case, Stage};
use crate::support::evil_provider::Lie;

const UNREADABLE: &str = "an answer that cannot be read";

/// The provider keeps quiet about groups in the ID token, so that userinfo is asked.
const NO_GROUPS: Lie = Lie::Claims(|claims| {
    claims.as_object_mut().unwrap().remove("groups");
});

#[test]
fn a_token_answer_that_is_none_signs_nobody_in() {
    Stage::new().refuses_all(&[
        Case::traded(
            "a redirect",
            "did not trade",
            &[Lie::Answer(|answer| {
                (answer.status, answer.location, answer.body) = (302, Some("/elsewhere"), Vec::new());
            })],
        ),
        Case::traded(
            "a page",
            UNREADABLE,
            &[Lie::Answer(|answer| {
                (answer.content_type, answer.body) = ("text/html", b"<h1>evil</h1>".to_vec());
            })],
        ),
        Case::traded(
            "ten megabytes",
            "more than 262144 bytes",
            &[Lie::Answer(|answer| {
                answer.body = vec![b' '; 10 * 1024 * 1024];
            })],
        ),
        Case::traded("no ID token", "there is none", &[Lie::Answer(|answer| answer.set("id_token", json!(null)))]),
        Case::traded(
            "an ID token of another form",
            UNREADABLE,
            &[Lie::Answer(|answer| {
                answer.set("id_token", json!("evil"));
            })],
        ),
        Case::traded(
            "an encrypted ID token",
            UNREADABLE,
            &[Lie::Answer(|answer| {
                answer.set("id_token", json!("e30.e30.e30.e30.e30"));
            })],
        ),
        Case::traded(
            "a token of another type",
            "another type than Bearer",
            &[Lie::Answer(|answer| {
                answer.set("token_type", json!("mac"));
            })],
        ),
        Case::traded(
            "an error with a text of its own",
            "invalid_client",
            &[Lie::Answer(|answer| {
                answer.status = 401;
                answer.body = br#"{"error":"invalid_client","error_description":"<b>evil</b>"}"#.to_vec();
            })],
        ),
        Case::traded(
            "an error without a known code",
            "did not trade",
            &[Lie::Answer(|answer| {
                (answer.status, answer.body) = (400, br#"{"error":"<b>evil</b>\n"}"#.to_vec());
            })],
        ),
        Case::traded("nothing", UNREADABLE, &[Lie::Answer(|answer| answer.body = Vec::new())]),
        Case::traded(
            "its own trouble",
            "did not trade",
            &[Lie::Answer(|answer| {
                (answer.status, answer.body) = (500, b"evil".to_vec());
            })],
        ),
    ]);
}

#[test]
fn a_userinfo_answer_that_does_not_hold_signs_nobody_in() {
    let stage = Stage::new();

    stage.refuses_all(&[
        Case::traded(
            "somebody else",
            "somebody else",
            &[NO_GROUPS, Lie::UserInfo(|info| info["sub"] = json!("subject-2"))],
        ),
        Case::traded(
            "nobody",
            "userinfo answer does not hold",
            &[
                NO_GROUPS,
                Lie::UserInfo(|info| {
                    info.as_object_mut().unwrap().remove("sub");
                }),
            ],
        ),
        Case::traded(
            "groups in an object",
            "is an object",
            &[NO_GROUPS, Lie::UserInfo(|info| info["groups"] = json!({"evil": 1}))],
        ),
        Case::traded("no object", "cannot be read", &[NO_GROUPS, Lie::UserInfo(|info| *info = json!(["evil"]))]),
        Case::traded(
            "an access token that breaks the line",
            "no header can carry",
            &[NO_GROUPS, Lie::Answer(|answer| answer.set("access_token", json!("a\r\nevil: 1")))],
        ),
        Case::traded(
            "an access token with a zero",
            "no header can carry",
            &[NO_GROUPS, Lie::Answer(|answer| answer.set("access_token", json!("a\u{0}b")))],
        ),
    ]);
    assert_eq!(stage.provider.asked("/userinfo"), 0, "a token that no header can carry goes nowhere");
}

/// The metadata is kept for a while, so each case meets a broker that knows nothing yet.
#[test]
fn metadata_that_cannot_be_trusted_signs_nobody_in() {
    let cases = [
        Case::traded(
            "another issuer",
            "it names another issuer",
            &[Lie::Metadata(|document| {
                document["issuer"] = json!("https://evil.example");
            })],
        )
        .untraded(),
        Case::traded(
            "an issuer with a slash",
            "it names another issuer",
            &[Lie::Metadata(|document| {
                document["issuer"] = json!(format!("{}/", document["issuer"].as_str().unwrap()));
            })],
        )
        .untraded(),
        Case::traded(
            "no token endpoint",
            "no token endpoint",
            &[Lie::Metadata(|document| {
                document.as_object_mut().unwrap().remove("token_endpoint");
            })],
        )
        .untraded(),
        Case::traded(
            "a token endpoint without TLS",
            "not https",
            &[Lie::Metadata(|document| {
                document["token_endpoint"] = json!("http://169.254.169.254/evil");
            })],
        )
        .untraded(),
        Case::traded(
            "keys in a file",
            "metadata cannot be used",
            &[Lie::Metadata(|document| {
                document["jwks_uri"] = json!("file:///etc/passwd");
            })],
        )
        .untraded(),
        Case::traded(
            "userinfo elsewhere",
            "not https",
            &[NO_GROUPS, Lie::Metadata(|document| document["userinfo_endpoint"] = json!("http://10.0.0.1/evil"))],
        ),
        Case::traded("no keys", "does not publish", &[Lie::Keys(|set| set["keys"] = json!([]))]),
        Case::traded(
            "two keys of one name",
            "signature",
            &[Lie::Keys(|set| {
                let key = set["keys"][0].clone();
                set["keys"].as_array_mut().unwrap().push(key);
            })],
        ),
    ];

    let flaws: Vec<String> = cases.iter().filter_map(|case| Stage::new().flaw(case)).collect();

    assert!(flaws.is_empty(), "{}", flaws.join("\n"));
}

#[test]
fn a_provider_that_offers_only_unsigned_tokens_is_believed_in_nothing() {
    use crate::support::evil_provider::Signature;

    let stage = Stage::new();

    stage.refuses(&Case::traded(
        "unsigned",
        "its signature is wrong",
        &[
            Lie::Metadata(|document| document["id_token_signing_alg_values_supported"] = json!(["none"])),
            Lie::Header(|header| *header = json!({"alg": "none"})),
            Lie::Signature(Signature::Absent),
        ],
    ));
}

#[test]
fn a_provider_that_is_away_is_a_page_that_says_so() {
    let stage = Stage::new();
    let url = stage.start_url();
    drop(stage.provider);

    let page = crate::support::visitor::Visitor::new().open(&url);

    assert_eq!((page.status, page.header("retry-after")), (503, Some("5")));
    assert!(page.text().contains("Your university's sign-in did not answer"), "{}", page.text());
}
