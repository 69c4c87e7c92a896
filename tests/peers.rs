//! The peers themselves: that each starts, does what the other tests count on, and is gone afterwards.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::support::browser;
use crate::support::peers::{self, Moto, OidcProvider, OidcSettings, Peer};
use crate::support::process::Process;
use crate::support::proxy::RecordingProxy;
use crate::support::visitor::Visitor;
use crate::support::{eventually, root};

/// A little server that answers every GET with one page.
fn serve(page: &'static str, policy: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for caller in listener.incoming() {
            let mut caller = caller.unwrap();
            let mut lines = BufReader::new(caller.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let _ = write!(
                caller,
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-security-policy: {policy}\r\n\
                 content-length: {}\r\nconnection: close\r\n\r\n{page}",
                page.len()
            );
        }
    });
    url
}

#[test]
fn the_provider_signs_in_a_person_and_ends_with_its_input() {
    if !peers::require("the_provider_signs_in_a_person_and_ends_with_its_input", &[Peer::Node]) {
        return;
    }
    let callback = "http://127.0.0.1:1/auth/campus/callback";
    let provider = OidcProvider::start(&OidcSettings {
        client_id: "lodge",
        client_secret: "for-this-test",
        redirect_uri: callback,
        accounts: &[("student", Some(&["vision-students"])), ("guest", None)],
        ..OidcSettings::default()
    });
    let mut visitor = Visitor::new();
    visitor.stop_before(callback);

    // RFC 7636, appendix B: this challenge belongs to a verifier that anybody can look up.
    let page = visitor.sign_in(
        &format!(
            "{}/auth?client_id=lodge&response_type=code&scope=openid%20groups&state=s&nonce=n&redirect_uri={callback}\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
            provider.issuer
        ),
        "student",
    );

    let location = page.location().unwrap_or_else(|| panic!("no redirect to us: {}", page.text()));
    let answer: std::collections::BTreeMap<_, _> = location.query_pairs().into_owned().collect();
    assert_eq!((answer["state"].as_str(), answer["iss"].as_str()), ("s", provider.issuer.as_str()));
    assert!(answer.contains_key("code"), "{location}");
    assert!(page.trail.len() > 3, "{:?}", page.trail);
    assert!(visitor.cookie(&page.url, "_session").is_some(), "the provider knows this browser now");
    assert!(provider.process.wait().status.success());
}

#[test]
fn moto_is_heard_through_the_proxy_by_boto3_and_by_the_aws_cli() {
    if !peers::require("moto_is_heard_through_the_proxy_by_boto3_and_by_the_aws_cli", &[Peer::Python, Peer::AwsCli]) {
        return;
    }
    let moto = Moto::start();
    let proxy = RecordingProxy::to_port(moto.port);
    let keys = [("AWS_ACCESS_KEY_ID", "testing"), ("AWS_SECRET_ACCESS_KEY", "testing")];
    let arn = "arn:aws:iam::111122223333:role/lodge-session";

    let script = "import boto3, sys\n\
                  sts = boto3.client('sts', endpoint_url=sys.argv[1])\n\
                  print(sts.assume_role(RoleArn=sys.argv[2], RoleSessionName='rs-1', ExternalId='lab-x', Policy='{}',\n\
                                        SourceIdentity='p-1', Tags=[{'Key': 'a', 'Value': 'b'}],\n\
                                        DurationSeconds=900)['AssumedRoleUser']['Arn'])\n";
    let boto = Process::run("boto3", peers::python().args(["-c", script, &proxy.url(), arn]).envs(keys), "");
    let cli = Process::run(
        "aws",
        peers::aws().args(["--endpoint-url", &proxy.url(), "sts", "get-caller-identity"]).envs(keys),
        "",
    );

    assert_eq!(boto.stdout.trim(), "arn:aws:sts::111122223333:assumed-role/lodge-session/rs-1", "{}", boto.stderr);
    let identity: Value = serde_json::from_str(&cli.stdout).unwrap_or_else(|e| panic!("{e}: {}", cli.stderr));
    assert!(identity["Arn"].is_string(), "{identity}");
    let recorded = proxy.recorded();
    assert_eq!(recorded.len(), 2);
    let form = recorded[0].form();
    let sent = ["Action", "RoleArn", "ExternalId", "SourceIdentity", "Tags.member.1.Key", "DurationSeconds"];
    assert_eq!(sent.map(|key| form[key].as_str()), ["AssumeRole", arn, "lab-x", "p-1", "a", "900"]);
    assert_eq!(recorded[1].form()["Action"], "GetCallerIdentity");
    assert!(recorded[0].header("authorization").is_some_and(|value| value.starts_with("AWS4-HMAC-SHA256")));
    let id = moto.process.killer().id();
    drop(moto);
    eventually("moto's end", || (!std::path::Path::new(&format!("/proc/{id}")).exists()).then_some(()));
}

#[test]
fn the_browser_clicks_reads_and_reports_what_a_page_must_not_do() {
    let name = "the_browser_clicks_reads_and_reports_what_a_page_must_not_do";
    if !peers::require(name, &[Peer::Node, Peer::Chromium]) {
        return;
    }
    let clean = serve(
        "<!doctype html><title>Here</title><link rel=icon href='data:,'><form><button name=go value=on>Go</button></form>",
        "default-src 'none'; img-src data:; form-action 'self'",
    );
    let dirty = serve(
        "<!doctype html><title>Bad</title><link rel=icon href='data:,'><p>Bad</p><script>1</script>\
         <img src='http://192.0.2.1/x.png'>",
        "default-src 'none'; img-src *",
    );
    let picture = peers::artefacts().join("browser.png");

    let seen = browser::run(&json!([
        { "goto": clean },
        { "expect_title": "^Here$" },
        { "click": { "role": "button", "name": "Go" } },
        { "expect_url": "\\?go=on$" },
        { "expect_status": 200 },
        { "read": { "selector": "button" } },
        { "screenshot": picture },
    ]));
    let bad = browser::run(&json!([{ "goto": dirty }, { "expect_text": "Bad" }])).complaints().join("\n");
    let failed = std::panic::catch_unwind(|| {
        browser::run_with(&json!({ "timeout_ms": 300, "steps": [{ "goto": clean }, { "expect_text": "Never" }] }))
    });

    assert_eq!((seen.texts(), seen.complaints()), (vec!["Go"], vec![]));
    assert!(seen.url().ends_with("?go=on"));
    assert!(std::fs::metadata(&picture).is_ok_and(|file| file.len() > 1_000));
    assert!(bad.contains("violations: ") && bad.contains("foreign_requests: \"http://192.0.2.1/x.png\""), "{bad}");
    assert!(failed.is_err(), "a step that fails must fail the test");
}

#[test]
fn the_lock_file_of_the_node_peers_names_no_host() {
    let lock = std::fs::read_to_string(root().join("tests/peers/package-lock.json")).unwrap();

    assert!(lock.contains("\"integrity\": \"sha512-"));
    assert!(!lock.contains("://"));
}
