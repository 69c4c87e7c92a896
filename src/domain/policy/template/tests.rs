use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::policy::SESSION_POLICY_MAX_CHARS;

fn file(document: &Value) -> Value {
    json!({
        "title": "t", "description": "d", "cost": "c", "money": "none",
        "parameters": {
            "bucket": {"type": "s3-bucket", "title": "B", "description": "b", "example": "results"},
            "folder": {"type": "s3-prefix", "title": "F", "description": "f", "example": "a/"},
        },
        "probe": {
            "action": "s3:ListBucket", "resource": "arn:aws:s3:::{{bucket}}", "with": {"s3:prefix": "{{folder}}"},
        },
        "document": document,
    })
}

fn document() -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {
            "Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": "arn:aws:s3:::{{bucket}}",
            "Condition": {"StringLike": {"s3:prefix": ["{{folder}}*"]}},
        },
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::{{bucket}}/{{folder}}*"},
    ]})
}

/// The template, with one thing of its document changed.
fn changed(pointer: &str, value: Value) -> String {
    let mut file = file(&document());
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match file.pointer_mut(parent).unwrap() {
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        parent => parent[key] = value,
    }
    file.to_string()
}

fn template() -> PolicyTemplate {
    PolicyTemplate::parse(&file(&document()).to_string()).unwrap()
}

fn values(bucket: &str, folder: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("bucket".to_owned(), bucket.to_owned()), ("folder".to_owned(), folder.to_owned())])
}

/// What is said of a file: every error of the chain.
fn said(text: &str) -> String {
    let error = PolicyTemplate::parse(text).unwrap_err();
    let source = std::error::Error::source(&error).map_or_else(String::new, |source| format!(": {source}"));
    format!("{error}{source}")
}

#[test]
fn filling_gives_minified_json_and_a_digest() {
    let policy = template().fill(&values("vision", "2026/")).unwrap();

    insta::assert_snapshot!(policy.as_str(), @r#"{"Statement":[{"Action":["s3:ListBucket"],"Condition":{"StringLike":{"s3:prefix":["2026/*"]}},"Effect":"Allow","Resource":"arn:aws:s3:::vision"},{"Action":["s3:GetObject"],"Effect":"Allow","Resource":"arn:aws:s3:::vision/2026/*"}],"Version":"2012-10-17"}"#);
    assert_eq!(policy.sha256().len(), 64);
}

#[test]
fn the_harmless_call_is_filled_as_the_policy_is() {
    let probe = template().probe_for(&values("vision", "2026/")).unwrap();

    assert_eq!(probe.resource, "arn:aws:s3:::vision");
    assert_eq!(probe.with, BTreeMap::from([("s3:prefix".to_owned(), "2026/".to_owned())]));
    assert_eq!(template().probe_for(&BTreeMap::new()), Err(FillError::Missing("bucket".into())));
}

#[test]
fn a_value_that_means_something_to_iam_or_json_is_refused_with_its_place() {
    for bad in
        ["*", "a*c", "a?c", "${aws:userid}", "{{folder}}", "a b", "", "é", "a\n", "a\u{0}", "a\"b", "a\\b", "a:b"]
    {
        let error = template().fill(&values(bad, "a/")).unwrap_err();
        assert!(matches!(error, FillError::Value { ref name, .. } if name == "bucket"), "{bad:?}: {error}");
    }
    assert_eq!(
        template().fill(&values("vision", "a/*/")).unwrap_err().to_string(),
        "the value of the parameter `folder` holds `*`, which a parameter of type `s3-prefix` may not, at character 3"
    );
}

#[test]
fn parameters_must_be_exactly_those_of_the_template() {
    let mut three = values("vision", "a/");
    three.insert("more".into(), "b".into());

    assert_eq!(template().fill(&BTreeMap::new()), Err(FillError::Missing("bucket".into())));
    assert_eq!(template().fill(&three), Err(FillError::Unknown("more".into())));
}

#[test]
fn a_policy_longer_than_sts_takes_names_the_statement_to_shorten() {
    let mut long = document();
    long["Statement"][1]["Resource"] = json!(vec!["arn:aws:s3:::{{bucket}}/{{folder}}*"; 20]);
    let template = PolicyTemplate::parse(&file(&long).to_string()).unwrap();
    let chars = |folder: &str| template.fill(&values("vision", folder)).map(|policy| policy.as_str().len());
    let short = chars("a/").unwrap();
    // The folder stands in the document 21 times.
    let most = "a".repeat((SESSION_POLICY_MAX_CHARS - short) / 21 + 1) + "/";

    assert_eq!(chars(&most).unwrap(), short + 21 * (most.len() - 2));
    let over = chars(&format!("a{most}")).unwrap_err();
    let FillError::TooLong { chars, statement, of_statement } = over else { panic!("{over}") };
    assert_eq!((statement, chars), (2, short + 21 * (most.len() - 1)));
    assert!(of_statement > 1_500 && of_statement < chars);
}

#[test]
fn a_template_that_is_longer_than_sts_takes_is_refused_when_it_is_read() {
    let long = json!(vec!["arn:aws:s3:::{{bucket}}/a/very/long/name/of/a/folder/*"; 50]);

    let said = said(&changed("/document/Statement/1/Resource", long));

    assert!(said.starts_with("/document cannot be filled with the examples of the parameters: "), "{said}");
    assert!(said.ends_with("characters and STS takes 2048: shorten statement 2, which has 2757 of them"), "{said}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "one line for each thing that cannot be")]
fn what_cannot_be_in_a_template_is_refused_with_its_place() {
    let statement = "/document/Statement/0";
    let elsewhere = "has a placeholder, which may stand in a Resource and in a value of a Condition alone";
    let no_list = "is not an Allow with a list of actions and a Resource, which is all that a template may hold";
    for (pointer, value, at, problem) in [
        ("/title", json!(" "), "/title", "has 1 characters, and can have 1 to 60"),
        ("/cost", json!("a\u{202e}b"), "/cost", "holds U+202E at character 2, which nobody sees"),
        ("/beware", json!(["a\u{200b}"]), "/beware/0", "holds U+200B at character 2, which nobody sees"),
        (
            "/parameters/bucket/example",
            json!("Results"),
            "/parameters/bucket/example",
            "holds `R`, which a parameter of type `s3-bucket` may not, at character 1",
        ),
        ("/document/Statement/0/Action/0", json!("{{bucket}}"), "/document/Statement/0/Action/0", elsewhere),
        ("/document/Statement/0/Action/0", json!("s3:{{bucket}}"), "/document/Statement/0/Action/0", elsewhere),
        ("/document/Statement/0/Effect", json!("{{bucket}}"), "/document/Statement/0/Effect", elsewhere),
        ("/document/Statement/0/Sid", json!("{{bucket}}"), "/document/Statement/0/Sid", elsewhere),
        ("/document/Version", json!("{{bucket}}"), "/document/Version", elsewhere),
        (
            "/document/Statement/0/Condition",
            json!({"{{bucket}}": {"s3:prefix": "a"}}),
            "/document/Statement/0/Condition",
            elsewhere,
        ),
        (
            "/document/Statement/0/Condition",
            json!({"StringLike": {"{{folder}}": "a"}}),
            "/document/Statement/0/Condition/StringLike",
            elsewhere,
        ),
        (
            "/document/Statement/0/Condition/StringLike/s3:prefix/0",
            json!("${aws:PrincipalTag/{{folder}}}"),
            "/document/Statement/0/Condition/StringLike/s3:prefix/0",
            "has a parameter inside a policy variable",
        ),
        (
            "/document/Statement/0/Resource",
            json!("arn:aws:s3:::{{other}}"),
            "/document/Statement/0/Resource",
            "has the placeholder `{{other}}`, and no parameter is called so",
        ),
        (
            "/document/Statement/0/Resource",
            json!("arn:aws:s3:::{{bucket"),
            "/document/Statement/0/Resource",
            "has `{{` without `}}`",
        ),
        (
            "/probe/resource",
            json!("arn:aws:s3:::{{other}}"),
            "/probe/resource",
            "has the placeholder `{{other}}`, and no parameter is called so",
        ),
        (
            "/document/Statement/0/Resource",
            json!("arn:aws:s3:::b\u{430}d"),
            "/document/Statement/0/Resource",
            "holds U+0430 at character 15: only printable ASCII may stand there",
        ),
        (
            "/document/Statement/0/Action/0",
            json!("s3:\u{405}istBucket"),
            "/document/Statement/0/Action/0",
            "holds U+0405 at character 4: only printable ASCII may stand there",
        ),
        (
            "/document/Statement/0/Action/0",
            json!("s3:List*"),
            "/document/Statement/0/Action/0",
            "names `s3:List*`, which no service that we know has: IAM takes it and allows nothing",
        ),
        (
            "/document/Statement/0/Action/0",
            json!("s3:listbucket"),
            "/document/Statement/0/Action/0",
            "names `s3:listbucket`, which no service that we know has: IAM takes it and allows nothing",
        ),
        ("/document/Statement/0/Action", json!("s3:ListBucket"), statement, no_list),
        ("/document/Statement/0/Action", json!([]), statement, no_list),
        ("/document/Statement/0/Effect", json!("Deny"), statement, no_list),
        ("/document/Statement/0/NotResource", json!("x"), statement, no_list),
        ("/document/Statement/0/Principal", json!("*"), statement, no_list),
        ("/document/Version", json!("2008-10-17"), "/document/Version", "is not 2012-10-17"),
        ("/document/Id", json!("x"), "/document", "has `Id` beside Version and Statement"),
        ("/document/Statement", json!([]), "/document/Statement", "is not a list of statements"),
        ("/document/Statement", json!({}), "/document/Statement", "is not a list of statements"),
        ("/probe/action", json!("s3:PutObject"), "/probe/action", "is `s3:PutObject`, which does not only read"),
        (
            "/probe/action",
            json!("s3:GetBucketAcl"),
            "/probe",
            "is `s3:GetBucketAcl` on arn:aws:s3:::results, which the template itself does not allow",
        ),
        (
            "/probe/with",
            json!({}),
            "/probe",
            "is `s3:ListBucket` on arn:aws:s3:::results, which the template itself does not allow",
        ),
    ] {
        // The statement about objects uses both, so that none is left over.
        assert_eq!(said(&changed(pointer, value)), format!("{at} {problem}"), "{pointer}");
    }
    let unused = json!({"type": "name", "title": "N", "description": "n", "example": "n"});
    assert_eq!(
        said(&changed("/parameters/unused", unused.clone())),
        "/parameters/unused stands nowhere in the document"
    );
    assert!(
        said(&changed("/parameters/Not-one", unused)).starts_with("/parameters has `Not-one`, which is not a name")
    );
}

#[test]
fn what_is_no_template_is_refused_with_its_line() {
    let good = serde_json::to_string_pretty(&file(&document())).unwrap();
    let twice = good.replacen("\"cost\"", "\"title\": \"u\",\n  \"cost\"", 1);
    let deep_twice = good.replacen("\"Effect\"", "\"Effect\": \"Allow\", \"Effect\"", 1);
    for (text, problem) in [
        (String::new(), "it is not a policy template: EOF while parsing a value at line 1 column 0"),
        ("[".repeat(10_000), "it is not a policy template: recursion limit exceeded at line 1 column 128"),
        ("{\"a\":".repeat(10_000), "it is not a policy template: recursion limit exceeded at line 1 column 636"),
        (twice, "it is not a policy template: the key `title` is given twice at line 53 column 9"),
        (deep_twice, "it is not a policy template: the key `Effect` is given twice at line 17 column 35"),
        ("x".repeat(1 << 20), "it has 1048576 bytes; a template has 65536 at most"),
    ] {
        assert_eq!(said(&text), problem);
    }
    for (pointer, value, problem) in [
        ("/spends", json!(true), "unknown field `spends`"),
        ("/money", json!("some"), "unknown variant `some`, expected one of `none`, `promises`, `pays`"),
        ("/parameters/bucket/type", json!("text"), "unknown variant `text`"),
        ("/parameters/bucket/default", json!("x"), "unknown field `default`"),
        ("/probe/body", json!("x"), "unknown field `body`"),
    ] {
        assert!(said(&changed(pointer, value)).contains(problem), "{pointer}");
    }
}

#[test]
fn a_template_says_what_it_does_with_money() {
    for (word, money, spends) in
        [("none", Money::None, false), ("promises", Money::Promises, true), ("pays", Money::Pays, true)]
    {
        let template = PolicyTemplate::parse(&changed("/money", json!(word))).unwrap();
        assert_eq!((template.money(), template.spends()), (money, spends));
    }
}

proptest! {
    #[test]
    fn whatever_fills_it_the_policy_keeps_its_shape(bucket in "[a-z*?${}\":.-]{1,12}", folder in "[a-z*?${}\"/.]{1,12}") {
        let Ok(policy) = template().fill(&values(&bucket, &folder)) else { return Ok(()) };
        let filled: Value = serde_json::from_str(policy.as_str()).unwrap();

        prop_assert_eq!(filled["Statement"].as_array().unwrap().len(), 2);
        for (filled, own) in filled["Statement"].as_array().unwrap().iter().zip(document()["Statement"].as_array().unwrap()) {
            prop_assert_eq!(&filled["Action"], &own["Action"]);
            prop_assert_eq!(&filled["Effect"], &own["Effect"]);
            prop_assert_eq!(filled.as_object().unwrap().len(), own.as_object().unwrap().len());
            let resource = filled["Resource"].as_str().unwrap();
            prop_assert_eq!(resource.matches(['*', '?', '$']).count(), own["Resource"].as_str().unwrap().matches('*').count());
        }
    }
}
