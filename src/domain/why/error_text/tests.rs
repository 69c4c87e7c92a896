//! Errors as tools print them.
//!
//! The texts follow what people have published; keys, accounts and names are changed. Sources: aws-cli issue 6274, aws-sam-cli
//! issue 394, saleweaver/python-amazon-sp-api issue 324, aws-sdk-js issues 2213 and 4303, aws-sdk-js-v3 issue 2778,
//! aws-sdk-go-v2 issue 2859, aws-sdk-swift issue 1278, aws-sdk-ruby issue 3222, aws-toolkit-jetbrains issue 3129,
//! nccgroup/ScoutSuite issue 727, RhinoSecurityLabs/pacu pull request 420, soto-project/soto issue 380; and the IAM User
//! Guide, "Troubleshoot access denied error messages".

use proptest::prelude::*;

use super::*;

const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/lodge-session/rs-0123456789abcdef";

fn read(text: &str) -> AwsError {
    AwsError::read(text).unwrap_or_else(|| panic!("not read: {text}"))
}

fn parts(text: &str) -> (Option<String>, Option<String>, Option<String>, Option<Reason>) {
    let error = read(text);
    assert_eq!(error.kind, ErrorKind::Denied, "{text}");
    assert_eq!(read(&error.to_string()), error, "{error}");
    (error.caller.map(|caller| caller.to_string()), error.action, error.resource, error.reason)
}

#[expect(clippy::unnecessary_wraps, reason = "what is compared with it is an option")]
fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[expect(clippy::unnecessary_wraps, reason = "what is compared with it is an option")]
const fn by(layer: Layer, explicit: bool) -> Option<Reason> {
    Some(Reason { by: Some(layer), explicit })
}

#[test]
fn the_same_denial_is_read_out_of_what_each_tool_prints() {
    let said = format!(
        "User: {SESSION} is not authorized to perform: mechanicalturk:SendBonus because no session policy allows the \
         mechanicalturk:SendBonus action"
    );
    let in_json = serde_json::to_string(&format!("{{\"message\":\"{said}\"}}")).unwrap();
    let wrapped = said.replace(' ', "\n    ");
    for text in [
        format!("\nAn error occurred (AccessDeniedException) when calling the SendBonus operation: {said}\n"),
        format!(
            "Traceback (most recent call last):\n  File \"pay.py\", line 9, in <module>\n    raise error_class(parsed_response, \
             operation_name)\nbotocore.exceptions.ClientError: An error occurred (AccessDeniedException) when calling the \
             SendBonus operation: {said}"
        ),
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>{said}</Message></Error></ErrorResponse>"
        ),
        format!("{{\"__type\":\"com.amazonaws.mturk#AccessDeniedException\",\"Message\":\"{said}\"}}"),
        format!(
            "AccessDeniedException: {said}\n    at throwDefaultError (/app/node_modules/@smithy/smithy-client/dist-cjs/index.js:8:22) \
             {{\n  '$fault': 'client',\n  '$metadata': {{ httpStatusCode: 400, requestId: '7d3c1a52' }},\n  __type: 'AccessDeniedException'\n}}"
        ),
        format!(
            "Error: ServiceError(ServiceError {{ source: Unhandled(Unhandled {{ source: ErrorMetadata {{ code: \
             Some(\"AccessDeniedException\"), message: Some(\"{said}\"), extras: None }} }}) }})"
        ),
        format!(
            "panic: operation error MTurk: SendBonus, https response error StatusCode: 400, RequestID: 4b95afb3-25ab, \
             AccessDeniedException: {said}\n\ngoroutine 1 [running]:"
        ),
        format!(
            "software.amazon.awssdk.services.mturk.model.MTurkException: {said} (Service: MTurk, Status Code: 400, Request ID: 1-2)"
        ),
        format!("log {in_json} end"),
        wrapped,
        format!("first: {}\nthen: {said}", said.replace("SendBonus", "GetHIT")),
    ] {
        let expected = (some(SESSION), some("mechanicalturk:SendBonus"), None, by(Layer::SessionPolicy, false));
        assert_eq!(parts(&text), expected, "{text}");
    }
}

#[test]
fn every_kind_of_policy_is_read_by_the_names_that_aws_has_for_them() {
    for layer in Layer::ALL {
        let name = layer.as_str();
        let resource = "arn:aws:s3:::lab-results/2026/a b.csv";
        let start = format!("User: {SESSION} is not authorized to perform: s3:GetObject on resource: \"{resource}\"");
        let none = format!("{start} because no {name} allows the s3:GetObject action");
        assert_eq!(parts(&none), (some(SESSION), some("s3:GetObject"), some(resource), by(layer, false)), "{none}");
        for article in ["a", "an"] {
            let deny = format!("{start} with an explicit deny in {article} {name}");
            assert_eq!(parts(&deny).3, by(layer, true), "{deny}");
        }
    }
    // With the policy's own ARN, as since January 2026.
    let deny = "User: arn:aws:iam::111122223333:user/deploy is not authorized to perform: iam:ListRoles on resource: \
        arn:aws:iam::111122223333:role/ with an explicit deny in a service control policy: \
        arn:aws:organizations::999988887777:policy/o-1/service_control_policy/p-2";
    assert_eq!(parts(deny).3, by(Layer::ServiceControlPolicy, true));
    assert_eq!(parts(deny).2, some("arn:aws:iam::111122223333:role/"));
}

#[test]
fn what_services_leave_out_is_left_out() {
    let user = "arn:aws:iam::456012345600:user/Administrator";
    for (text, expected) in [
        (
            format!(
                "An error occurred (AccessDenied) when calling the ListPolicies operation: User: {user} is not authorized to perform: iam:ListPolicies on resource: policy path /"
            ),
            (some(user), some("iam:ListPolicies"), None, None),
        ),
        (
            format!(
                "An error occurred (AccessDenied) when calling the GetPolicy operation: User: {user} is not authorized to perform: iam:GetPolicy on resource: policy arn:aws:iam::aws:policy/x because no identity-based policy allows the iam:GetPolicy action"
            ),
            (some(user), some("iam:GetPolicy"), some("arn:aws:iam::aws:policy/x"), by(Layer::IdentityPolicy, false)),
        ),
        (
            format!(
                "An error occurred (AccessDenied) when calling the ListGroups operation: User: {user} is not authorized to perform: iam:ListGroups on resource: arn:aws:iam::456012345600:group/ with an explicit deny"
            ),
            (
                some(user),
                some("iam:ListGroups"),
                some("arn:aws:iam::456012345600:group/"),
                Some(Reason { by: None, explicit: true }),
            ),
        ),
        (format!("User: {user} is not authorized to perform: null"), (some(user), None, None, None)),
        (
            "{\"Message\":\"User: anonymous is not authorized to perform: lambda:ListFunctions on resource: *\"}"
                .to_owned(),
            (None, some("lambda:ListFunctions"), None, None),
        ),
    ] {
        assert_eq!(parts(&text), expected, "{text}");
    }
}

#[test]
fn s3_says_no_and_nothing_else() {
    for (text, operation) in [
        (
            "An error occurred (AccessDenied) when calling the ListObjectsV2 operation: Access Denied",
            Some("ListObjectsV2"),
        ),
        ("An error occurred (403) when calling the HeadObject operation: Forbidden", Some("HeadObject")),
        (
            "<Error><Code>AccessDenied</Code><Message>Access Denied</Message><RequestId>7BMJ</RequestId><HostId>TW2q=</HostId></Error>",
            None,
        ),
        (
            "AccessDenied: Access Denied\n    at de_PutObjectCommandError (C:\\node_modules\\@aws-sdk\\client-s3\\x.js:5086:20)",
            Some("PutObject"),
        ),
        (
            "{ \"errorType\": \"AccessDenied\", \"Code\": \"AccessDenied\", \"stack\": [\"at null.deserializeAws_restXmlPutObjectTaggingCommandError (x)\"]}",
            Some("PutObjectTagging"),
        ),
        (
            "software.amazon.awssdk.services.s3.model.S3Exception: Access Denied (Service: S3, Status Code: 403, Request ID: G7)",
            None,
        ),
        (
            "operation error S3: GetObject, https response error StatusCode: 403, RequestID: X, HostID: Y, api error AccessDenied: Access Denied",
            Some("GetObject"),
        ),
        (
            "upload failed: ./a.csv to s3://b/a.csv An error occurred (AccessDenied) when calling the PutObject operation: Access Denied",
            Some("PutObject"),
        ),
    ] {
        let error = read(text);
        assert_eq!((error.kind, error.operation.as_deref()), (ErrorKind::Denied, operation), "{text}");
        assert_eq!((&error.caller, &error.reason), (&None, &None));
        assert_eq!(read(&error.to_string()), error, "{error}");
    }
}

#[test]
fn what_is_no_denial_is_told_apart() {
    use ErrorKind as Is;
    let mturk =
        |message: &str| format!("An error occurred (RequestError) when calling the ListHITs operation: {message}");
    for (text, kind) in [
        ("An error occurred (ExpiredToken) when calling the ListBuckets operation: The provided token has expired.".to_owned(), Is::Expired),
        ("An error occurred (ExpiredTokenException) when calling the ListHITs operation: The security token included in the request is expired".to_owned(), Is::Expired),
        ("An error occurred (InvalidSignatureException) when calling the ListHITs operation: Signature expired: 20261122T100000Z is now earlier than 20261122T101500Z (20261122T102000Z - 5 min.)".to_owned(), Is::Skewed),
        ("<Code>RequestTimeTooSkewed</Code><Message>The difference between the request time and the current time is too large.</Message>".to_owned(), Is::Skewed),
        ("An error occurred (ThrottlingException) when calling the ListHITs operation: Rate exceeded".to_owned(), Is::Throttled),
        ("SlowDown: Please reduce your request rate.".to_owned(), Is::Throttled),
        (mturk("To use the MTurk API, you will need an Amazon Web Services (AWS) Account. Your AWS account must be linked to your Amazon Mechanical Turk Account. Visit"), Is::NotLinked),
        (mturk("This service has been discontinued."), Is::Closed),
        (mturk("There are insufficient funds."), Is::Other),
        ("An error occurred (PermanentRedirect) when calling the ListObjects operation: The bucket you are attempting to access must be addressed".to_owned(), Is::WrongRegion),
        ("An error occurred (NoSuchBucket) when calling the ListObjectsV2 operation: The specified bucket does not exist".to_owned(), Is::NoSuchBucket),
        ("An error occurred (InvalidClientTokenId) when calling the GetCallerIdentity operation: The security token included in the request is invalid.".to_owned(), Is::BadCredentials),
        ("Unable to locate credentials. You can configure credentials by running \"aws configure\".".to_owned(), Is::NoCredentials),
        ("botocore.exceptions.CredentialRetrievalError: Error when retrieving credentials from custom-process: lodge: you are not signed in".to_owned(), Is::NoCredentials),
        ("Could not connect to the endpoint URL: \"https://mturk-requester.eu-west-1.amazonaws.com/\"".to_owned(), Is::Unreachable),
    ] {
        let error = read(&text);
        assert_eq!(error.kind, kind, "{text}");
        assert_eq!(read(&error.to_string()), error, "{error}");
    }
}

#[test]
fn what_is_no_error_of_awss_is_none() {
    for text in [
        "",
        "\u{0}\u{0}",
        "hello",
        "Error: connect ECONNREFUSED 127.0.0.1:80 { code: 'ECONNREFUSED' }",
        "permission denied",
        "git@github.com: Permission denied (publickey).",
        "the connection was closed",
        "&amp;&quot;\\\\\\",
    ] {
        assert_eq!(AwsError::read(text), None, "{text}");
    }
}

#[test]
fn nothing_secret_is_in_what_was_read() {
    let secrets =
        ["AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "IQoJb3JpZ2luX2VjEXAMPLETOKEN", "hunter2"];
    let noise = secrets.map(|secret| format!("export AWS_SECRET={secret} \"{secret}\" password: {secret}\n")).concat();
    let text = format!(
        "{noise}An error occurred (AccessDenied) when calling the SendBonus operation: User: {SESSION} is not authorized to \
         perform: mechanicalturk:SendBonus because no session policy allows the mechanicalturk:SendBonus action\n{noise}"
    );

    let error = read(&text);

    assert_eq!(error.action.as_deref(), Some("mechanicalturk:SendBonus"));
    for secret in secrets {
        assert!(!format!("{error} {error:?}").contains(secret), "{secret}");
    }
}

#[test]
fn a_text_of_any_length_is_read_no_further_than_its_bound() {
    let long = format!("{}An error occurred (AccessDenied)", "x ".repeat(PASTED_MAX_BYTES));
    assert_eq!(AwsError::read(&long), None);
    let cut = format!("AccessDenied: {}", "é".repeat(PASTED_MAX_BYTES));
    assert_eq!(read(&cut).kind, ErrorKind::Denied);
    for hostile in [
        "\\".repeat(PASTED_MAX_BYTES),
        NOT_AUTHORIZED.repeat(2_000),
        "&quot;".repeat(10_000),
        format!("User: x{NOT_AUTHORIZED}a:b on resource: \"{}", "y".repeat(60_000)),
    ] {
        let _ = AwsError::read(&hostile);
    }
}

proptest! {
    #[test]
    fn whatever_is_read_reads_the_same_again(
        words in prop::collection::vec(
            prop_oneof![
                Just("An error occurred (".to_owned()), Just("AccessDenied".to_owned()), Just(") when calling the ".to_owned()),
                Just("ListHITs operation: ".to_owned()), Just("User: ".to_owned()), Just(SESSION.to_owned()),
                Just(NOT_AUTHORIZED.to_owned()), Just("s3:GetObject".to_owned()), Just(" on resource: ".to_owned()),
                Just("arn:aws:s3:::a/b c".to_owned()), Just(" because no session policy allows".to_owned()), Just("\"".to_owned()),
                Just(" with an explicit deny".to_owned()), Just("<Code>".to_owned()), Just("ThrottlingException ".to_owned()),
                Just("Signature expired".to_owned()), Just("closed".to_owned()), Just(" in a permissions boundary".to_owned()), ".{0,12}"
            ],
            0..14,
        )
    ) {
        if let Some(error) = AwsError::read(&words.concat()) {
            prop_assert_eq!(AwsError::read(&error.to_string()), Some(error));
        }
    }
}
