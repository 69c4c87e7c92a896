//! Where a broker's own credentials can come from, each way as AWS documents it and played by a server or a file of the
//! test: what the doctor calls it.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post, put};
use axum::{Form, Json, Router};
use chrono::{TimeDelta, Utc};
use lodge::demo::aws::BrokerIdentity;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{Premises, Said};
use crate::support::serving::{Server, Socket};

/// What a container shows where it asks for its credentials.
const CONTAINER_TOKEN: &str = "a-token-of-this-container";

const INSTANCE_TOKEN: &str = "a-token-of-this-instance";

const ROLE_ARN: &str = "arn:aws:iam::999988887777:role/lodge-broker";

/// Credentials as every one of these services writes them, with that name for the session token.
fn credentials(identity: &BrokerIdentity, token: &str) -> Value {
    #[expect(clippy::disallowed_methods, reason = "the SDK goes by this machine's clock")]
    let ends = Utc::now() + TimeDelta::hours(6);
    json!({
        "Code": "Success",
        "Type": "AWS-HMAC",
        "AccessKeyId": identity.access_key_id,
        "SecretAccessKey": identity.secret_access_key.expose_secret(),
        token: identity.session_token.expose_secret(),
        "Expiration": ends.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
    })
}

/// What an agent beside a container answers: the one of ECS, or that of EKS Pod Identity.
pub(super) struct Container {
    url: String,
    _server: Server,
}

impl Container {
    pub(super) fn of(identity: &BrokerIdentity) -> Self {
        let answer = credentials(identity, "Token");
        let socket = Socket::bind();
        let url = format!("{}/v1/credentials", socket.url());
        let give = async move |headers: HeaderMap| {
            let shown = headers.get("authorization").and_then(|value| value.to_str().ok());
            if shown == Some(CONTAINER_TOKEN) {
                Json(answer).into_response()
            } else {
                StatusCode::FORBIDDEN.into_response()
            }
        };
        Self { url, _server: socket.serve(Router::new().route("/v1/credentials", get(give))) }
    }

    /// As the agent sets it for the container.
    pub(super) fn show_to(&self, command: &mut Command) {
        command
            .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &self.url)
            .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", CONTAINER_TOKEN);
    }
}

/// The metadata service of an instance, version 2 alone, as the broker's role has it.
fn instance(identity: &BrokerIdentity) -> (String, Server) {
    let answer = credentials(identity, "Token");
    let is_shown =
        |headers: &HeaderMap| headers.get("x-aws-ec2-metadata-token").is_some_and(|token| token == INSTANCE_TOKEN);
    let token = async |headers: HeaderMap| {
        assert!(headers.contains_key("x-aws-ec2-metadata-token-ttl-seconds"));
        ([("x-aws-ec2-metadata-token-ttl-seconds", "21600")], INSTANCE_TOKEN)
    };
    let name = async move |headers: HeaderMap| {
        if is_shown(&headers) { "lodge-broker".into_response() } else { StatusCode::UNAUTHORIZED.into_response() }
    };
    let give = async move |headers: HeaderMap, Path(name): Path<String>| match name.as_str() {
        "lodge-broker" if is_shown(&headers) => Json(answer).into_response(),
        _ => StatusCode::UNAUTHORIZED.into_response(),
    };
    let folder = "/latest/meta-data/iam/security-credentials";
    let socket = Socket::bind();
    let url = socket.url();
    let router = Router::new()
        .route("/latest/api/token", put(token))
        .route(&format!("{folder}/"), get(name))
        .route(&format!("{folder}/{{name}}"), get(give));
    (url, socket.serve(router))
}

/// STS, as far as it trades a token for a session of the broker's role.
fn federation(identity: &BrokerIdentity) -> (String, Server) {
    let credentials = credentials(identity, "SessionToken");
    let trade = async move |Form(asked): Form<HashMap<String, String>>| {
        let is_known = asked["Action"] == "AssumeRoleWithWebIdentity"
            && asked["RoleArn"] == ROLE_ARN
            && asked["WebIdentityToken"] == "a.token.of-the-campus";
        if !is_known {
            return StatusCode::BAD_REQUEST.into_response();
        }
        let text = |key: &str| credentials[key].as_str().unwrap();
        format!(
            "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
             <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey>\
             <SessionToken>{}</SessionToken><Expiration>{}</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
             </AssumeRoleWithWebIdentityResponse>",
            text("AccessKeyId"),
            text("SecretAccessKey"),
            text("SessionToken"),
            text("Expiration"),
        )
        .into_response()
    };
    let socket = Socket::bind();
    (socket.url(), socket.serve(Router::new().route("/", post(trade))))
}

/// A file beside the broker's settings.
fn file(premises: &Premises, name: &str, text: &str) -> PathBuf {
    let path = premises.campus.folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// A program that prints this, as `aws_signing_helper credential-process` does.
fn process(premises: &Premises, printed: &Value) -> PathBuf {
    let program = file(premises, "signing-helper", &format!("#!/bin/sh\ncat <<'END'\n{printed}\nEND\n"));
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    file(premises, "aws-config", &format!("[default]\ncredential_process = {}\n", program.display()))
}

fn identity(premises: &Premises) -> &BrokerIdentity {
    &premises.campus.playground.identity
}

fn says(said: &Said) -> (String, String) {
    let (outcome, sentence) = said.of("AWS identity");
    (outcome.to_owned(), sentence.to_owned())
}

fn ok_from(source: &str) -> (String, String) {
    let arn = "arn:aws:sts::999988887777:assumed-role/lodge-broker/demo";
    ("ok".to_owned(), format!("{arn}, with credentials from {source}"))
}

#[test]
fn an_instances_role_is_named() {
    let premises = Premises::new();
    let (url, _server) = instance(identity(&premises));

    let said = premises.ask_as(|command| {
        command.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url).env_remove("AWS_EC2_METADATA_DISABLED");
    });

    assert_eq!(says(&said), ok_from("the instance's role"));
}

#[test]
fn a_containers_role_is_named() {
    let premises = Premises::new();
    let container = Container::of(identity(&premises));
    let token = file(&premises, "container-token", CONTAINER_TOKEN);

    let in_variable = premises.ask_as(|command| container.show_to(command));
    let in_file = premises.ask_as(|command| {
        container.show_to(command);
        command.env_remove("AWS_CONTAINER_AUTHORIZATION_TOKEN").env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &token);
    });
    let without = premises.ask_as(|command| {
        container.show_to(command);
        command.env_remove("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    });

    assert_eq!(says(&in_variable), ok_from("the container's role"));
    assert_eq!(says(&in_file), ok_from("the container's role"), "as EKS Pod Identity has it");
    assert_eq!((without.code, without.of("AWS identity").0), (1, "failed"));
    assert!(without.of("AWS identity").1.starts_with("no AWS credentials: none could be fetched"));
}

#[test]
fn a_web_identity_is_named() {
    let premises = Premises::new();
    let (url, _server) = federation(identity(&premises));
    let token = file(&premises, "web-identity", "a.token.of-the-campus");

    let said = premises.ask_as(|command| {
        command
            .env("AWS_WEB_IDENTITY_TOKEN_FILE", &token)
            .env("AWS_ROLE_ARN", ROLE_ARN)
            .env("AWS_ROLE_SESSION_NAME", "lodge")
            .env("AWS_ENDPOINT_URL_STS", &url);
    });

    assert_eq!(says(&said), ok_from("a web identity token"));
}

#[test]
fn a_credential_process_is_named_and_must_say_when_its_credentials_end() {
    let premises = Premises::new();
    let mut printed = credentials(identity(&premises), "SessionToken");
    printed["Version"] = json!(1);
    let config = process(&premises, &printed);
    let asked = || {
        premises.ask_as(|command| {
            command.env("AWS_CONFIG_FILE", &config);
        })
    };

    let renewed = asked();
    printed.as_object_mut().unwrap().remove("Expiration");
    process(&premises, &printed);
    let for_ever = asked();

    assert_eq!(says(&renewed), ok_from("a credential process"));
    assert_eq!((for_ever.code, for_ever.of("AWS identity").0), (0, "warning"));
    assert!(for_ever.of("AWS identity").1.contains("that nothing renews"), "{}", for_ever.text);
}

#[test]
fn the_role_that_accounts_are_to_trust_is_compared_with_the_one_that_the_broker_runs_under() {
    let premises = Premises::new();
    let with = |role: &str| {
        premises.ask_as(|command| {
            premises.container.show_to(command);
            command.env("LODGE__ACCOUNTS__BROKER_ROLE", role);
        })
    };
    let own = "arn:aws:iam::999988887777:role/university/lodge-broker";
    let said = with(own);
    assert_eq!((said.code, said.of("broker role").0), (0, "ok"), "AWS shows no path: {}", said.text);

    for other in ["arn:aws:iam::999988887777:role/lodge", "arn:aws:iam::111122223333:role/lodge-broker"] {
        let said = with(other);
        assert_eq!((said.code, said.of("broker role").0), (1, "failed"), "{}", said.text);
        assert!(said.of("broker role").1.contains(other), "{}", said.text);
    }
    let none = with("lodge-broker");
    assert_eq!((none.code, none.of("settings").0), (1, "failed"), "{}", none.text);

    let mut premises = Premises::new();
    premises.settings = premises.settings.replace("broker_role", "# broker_role");
    let unset = premises.ask();
    assert_eq!((unset.code, unset.amiss()), (0, vec![("broker role", "warning")]));
}

#[test]
fn credentials_that_somebody_pasted_are_a_warning() {
    let premises = Premises::new();
    let BrokerIdentity { access_key_id, secret_access_key, session_token, .. } = identity(&premises);
    let profile = file(
        &premises,
        "aws-credentials",
        &format!(
            "[default]\naws_access_key_id = {access_key_id}\naws_secret_access_key = {}\naws_session_token = {}\n",
            secret_access_key.expose_secret(),
            session_token.expose_secret()
        ),
    );

    let in_environment = premises.ask_as(|command| premises.campus.give_identity(command));
    let in_profile = premises.ask_as(|command| {
        command.env("AWS_SHARED_CREDENTIALS_FILE", &profile);
    });

    for (said, source) in [(in_environment, "the environment"), (in_profile, "an AWS profile")] {
        let sentence = format!(
            "arn:aws:sts::999988887777:assumed-role/lodge-broker/demo, with credentials from {source} that end within hours \
             and that nothing renews: run the broker under a role, such as that of its instance or container, instead"
        );
        assert_eq!((said.code, says(&said)), (0, ("warning".to_owned(), sentence)));
    }
}

/// What a container on an instance meets when answers to it may not travel one hop further.
#[test]
fn an_instance_that_does_not_answer_a_container_is_perhaps_a_hop_too_far() {
    let premises = Premises::new();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());

    let said = premises.ask_as(|command| {
        command.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url).env_remove("AWS_EC2_METADATA_DISABLED");
    });

    assert_eq!((said.code, said.of("AWS identity").0), (1, "failed"));
    assert!(said.of("AWS identity").1.ends_with("a metadata hop limit of 2"), "{}", said.text);
}
