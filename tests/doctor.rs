//! `lodged doctor`: what it says of a broker that is well, and of each thing that can be amiss.

mod identity;

use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use axum::http::{HeaderValue, Response, header};
use axum::middleware::map_response;
use chrono::TimeDelta;
use lodge::ambient::{Clock, Random};
use lodge::demo::{aws, seed};
use lodge::playground::Playground;
use secrecy::ExposeSecret;
use serde_json::Value;

use self::identity::Container;
use crate::support::campus::Campus;
use crate::support::canaries::Canaries;
use crate::support::evil_provider::{EvilProvider, Lie};
use crate::support::process::{Ended, Process};
use crate::support::programs;
use crate::support::serving::Socket;

/// A broker's premises with nothing wrong with them, and what a test changes.
struct Premises {
    campus: Campus,
    container: Container,
    settings: String,
}

/// What the doctor said.
struct Said {
    code: i32,
    text: String,
    json: Value,
}

impl Premises {
    fn new() -> Self {
        let campus = Campus::new();
        let settings = std::fs::read_to_string(campus.settings()).unwrap();
        chmod(&campus, "client-secret", 0o600);
        let container = Container::of(&campus.playground.identity);
        Self { campus, container, settings }
    }

    /// The same at another provider.
    fn at_provider(issuer: &str) -> Self {
        let mut premises = Self::new();
        premises.settings = premises.settings.replace(&premises.campus.provider.url(), issuer);
        premises
    }

    fn command(&self) -> Command {
        std::fs::write(self.campus.settings(), &self.settings).unwrap();
        let mut command = programs::lodged();
        command.arg("doctor").arg("--config").arg(self.campus.settings());
        // That of the campus is on this machine.
        command.env("LODGE__SERVER__PUBLIC_URL", "https://lodge.example.edu");
        command
    }

    /// Asks the doctor, as whoever the AWS variables of the command say.
    fn ask_as(&self, identify: impl Fn(&mut Command)) -> Said {
        let [text, json] = [&[][..], &["--json"]].map(|extra| {
            let mut command = self.command();
            identify(command.args(extra));
            self.without_secrets(Process::run("lodged doctor", &mut command, ""))
        });
        assert_eq!(text.status.code(), json.status.code());
        let json: Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(json["ok"], text.status.success(), "{json}");
        Said { code: text.status.code().unwrap(), text: text.stdout, json }
    }

    fn ask(&self) -> Said {
        self.ask_as(|command| self.container.show_to(command))
    }

    fn without_secrets(&self, ended: Ended) -> Ended {
        let Playground { client_secret, identity, key_file, .. } = &self.campus.playground;
        let mut canaries = Canaries::default();
        canaries.add("client secret", client_secret.expose_secret());
        canaries.add("broker's secret key", identity.secret_access_key.expose_secret());
        canaries.add("broker's session token", identity.session_token.expose_secret());
        canaries.add("key file", std::fs::read(key_file).unwrap());
        for (place, text) in [("stdout", &ended.stdout), ("stderr", &ended.stderr)] {
            assert_eq!(canaries.found_in(place, text.as_bytes()), [""; 0]);
        }
        assert_eq!(ended.stderr, "", "progress is for terminals");
        ended
    }
}

impl Said {
    /// The check of this name: how it is, and the sentence.
    fn of(&self, name: &str) -> (&str, &str) {
        let check = self.json["checks"].as_array().unwrap().iter().find(|check| check["name"] == name);
        let check = check.unwrap_or_else(|| panic!("no {name} in {}", self.json));
        (check["outcome"].as_str().unwrap(), check["says"].as_str().unwrap())
    }

    /// Whatever is not ok. The disk is whatever it is where the tests run.
    fn amiss(&self) -> Vec<(&str, &str)> {
        let checks = self.json["checks"].as_array().unwrap().iter();
        let checks = checks.map(|check| (check["name"].as_str().unwrap(), check["outcome"].as_str().unwrap()));
        checks.filter(|(name, outcome)| *name != "disk" && *outcome != "ok").collect()
    }
}

fn chmod(campus: &Campus, file: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(campus.folder.path().join(file), std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn all_is_well() {
    let premises = Premises::new();

    let said = premises.ask();

    let issuer = premises.campus.provider.url();
    assert_eq!((said.code, said.amiss()), (0, vec![]), "{}", said.text);
    let offers = format!(
        "{issuer}, 1 key, signs with ES256, may tell of a second factor, tells of logouts if \
         https://lodge.example.edu/auth/campus/backchannel-logout is registered there"
    );
    assert_eq!(said.of("connection campus"), ("ok", offers.as_str()));
    let arn = "arn:aws:sts::999988887777:assumed-role/lodge-broker/demo, with credentials from the container's role";
    assert_eq!(said.of("AWS identity"), ("ok", arn));
    assert_eq!(said.of("clock"), ("ok", "0 s off that of campus, 0 s off that of AWS"));
    assert!(said.of("disk").1.contains(" are free"));
    let lines: Vec<_> = said.text.lines().collect();
    assert_eq!(lines.len(), said.json["checks"].as_array().unwrap().len() + 1, "{}", said.text);
    assert!(lines[0].starts_with("ok       settings         "), "{}", said.text);
    assert!(lines[lines.len() - 1].starts_with("11 checks, 0 failed, "), "{}", said.text);
    assert_eq!(premises.campus.idp.issued(), [""; 0], "nobody was signed in");
}

#[test]
fn a_provider_that_is_away_fails() {
    let said = Premises::at_provider("http://127.0.0.1:1").ask();

    assert_eq!((said.code, said.amiss()), (1, vec![("connection campus", "failed")]));
    let sentence = "http://127.0.0.1:1: the provider gave no usable answer: the transfer failed: no connection; nobody can \
        sign in until it answers: look at the network, and at the provider";
    assert_eq!(said.of("connection campus").1, sentence);
    assert_eq!(said.of("clock"), ("ok", "0 s off that of AWS"), "AWS has one too");
}

#[test]
fn a_provider_that_falls_silent_holds_nobody_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let premises = Premises::at_provider(&format!("http://{}", silent.local_addr().unwrap()));
    let started = Instant::now();

    let mut command = premises.command();
    premises.container.show_to(&mut command);
    let ended = premises.without_secrets(Process::run("lodged doctor", &mut command, ""));

    // Ten seconds, and what a machine with other things to do adds.
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stdout.contains("failed   connection campus"), "{}", ended.stdout);
    assert!(ended.stdout.contains("ok       AWS identity"), "{}", ended.stdout);
}

#[test]
fn a_provider_with_another_issuer_fails() {
    let evil = EvilProvider::start(Clock::System);
    evil.lie(&[Lie::Metadata(|metadata| metadata["issuer"] = "https://sso.example.edu/".into())]);

    let said = Premises::at_provider(&evil.issuer).ask();

    assert_eq!((said.code, said.amiss()), (1, vec![("connection campus", "failed")]));
    let sentence = format!(
        "the provider at {} calls itself https://sso.example.edu/: set `issuer` to exactly that, if it is the one that is \
         meant",
        evil.issuer
    );
    assert_eq!(said.of("connection campus").1, sentence);
    assert_eq!(said.of("clock"), ("ok", "0 s off that of campus, 0 s off that of AWS"));
}

#[test]
fn what_a_provider_does_not_offer_is_said() {
    let evil = EvilProvider::start(Clock::System);
    let premises = Premises::at_provider(&evil.issuer);
    let lies: [(Lie, &str, &str); 9] = [
        (
            Lie::Metadata(|metadata| metadata["id_token_signing_alg_values_supported"] = vec!["RS256", "none"].into()),
            "failed",
            "signs with RS256, and `algorithms` allows ES256: allow what it signs with",
        ),
        (Lie::Keys(|keys| keys["keys"] = Value::Array(Vec::new())), "failed", "publishes no keys"),
        (Lie::Metadata(|metadata| metadata["jwks_uri"] = "http://10.0.0.1/jwks".into()), "failed", "that is not https"),
        (Lie::Metadata(|metadata| metadata["token_endpoint"] = "http://10.0.0.1/".into()), "failed", "is not https"),
        (
            Lie::Metadata(|metadata| {
                metadata["token_endpoint_auth_methods_supported"] = vec!["private_key_jwt"].into();
            }),
            "warning",
            "it does not say that it takes client_secret_basic: try client_authentication = \"post\"",
        ),
        (
            Lie::Metadata(|metadata| metadata["scopes_supported"] = vec!["openid", "profile"].into()),
            "warning",
            "it does not list the scope `groups`: ask its administrators what brings the groups",
        ),
        (
            Lie::Metadata(|metadata| metadata["claims_supported"] = vec!["sub", "name"].into()),
            "warning",
            "it does not list the claim `groups`: sign in once and see whether groups arrive",
        ),
        (
            Lie::Metadata(|metadata| {
                metadata["token_endpoint"] = "https://oauth2.example.com/token".into();
                metadata["userinfo_endpoint"] = "https://graph.example.com/userinfo".into();
            }),
            "failed",
            "if they are the provider's, set endpoint_origins = [\"https://oauth2.example.com\", \
             \"https://graph.example.com\"]; nobody can sign in until then",
        ),
        (
            Lie::Metadata(|metadata| {
                metadata["acr_values_supported"] = vec!["0", "1"].into();
                metadata["claims_supported"] = Value::Null;
            }),
            "ok",
            "lists none of `mfa_acr`, so a second factor may go unseen, does not tell of logouts",
        ),
    ];
    for (lie, outcome, says) in lies {
        evil.lie(&[lie]);

        let said = premises.ask();

        let connection = said.of("connection campus");
        assert_eq!(connection.0, outcome, "{says}: {}", connection.1);
        assert!(connection.1.contains(says), "{says}: {}", connection.1);
        assert_eq!(said.code, i32::from(outcome == "failed"));
    }
}

#[test]
fn a_long_term_key_is_a_warning() {
    let mut premises = Premises::new();
    let key_id = "AKIAIOSFODNN7EXAMPLE";
    let identity =
        aws::BrokerIdentity { access_key_id: key_id.to_owned(), ..premises.campus.playground.identity.clone() };
    let broker = identity.clone();
    let settings = aws::Settings { sealing_key: [0; 32], broker, accounts: Vec::new() };
    let small_aws = aws::SmallAws::new(settings, Clock::System, Random::System).unwrap();
    let socket = Socket::bind();
    premises.settings = premises.settings.replace(&premises.campus.sts.url(), &socket.url());
    let _server = socket.serve(small_aws.router());

    let said = premises.ask_as(|command| {
        premises.campus.give_identity(command);
        command.env("AWS_ACCESS_KEY_ID", key_id);
    });

    assert_eq!((said.code, said.amiss()), (0, vec![("AWS identity", "warning")]));
    let sentence = format!(
        "arn:aws:sts::999988887777:assumed-role/{}/demo, with the long-term key {key_id} from the environment: run the \
         broker under a role, such as that of its instance or container, instead",
        seed::BROKER_ROLE.rsplit('/').next().unwrap()
    );
    assert_eq!(said.of("AWS identity").1, sentence);
}

#[test]
fn credentials_that_are_none_or_refused_fail() {
    let premises = Premises::new();
    let role = "run the broker under a role, such as that of its instance or container";

    let hops = "a container on an instance finds the latter's role only within a metadata hop limit of 2";
    let none = premises.ask_as(|_| {});
    let refused = premises.ask_as(|command| {
        premises.campus.give_identity(command);
        command.env("AWS_SECRET_ACCESS_KEY", "another");
    });
    let unknown = premises.ask_as(|command| {
        premises.campus.give_identity(command);
        command.env("AWS_ACCESS_KEY_ID", "ASIAANOTHER").env_remove("AWS_SESSION_TOKEN");
    });

    assert_eq!((none.code, none.amiss()), (1, vec![("AWS identity", "failed")]));
    assert_eq!(none.of("AWS identity").1, format!("no AWS credentials: there are none; {role}; {hops}"));
    assert_eq!(none.of("clock"), ("ok", "0 s off that of campus"), "AWS was not asked");
    let start = "AWS does not accept the broker's own identity";
    let sentence = format!(
        "{start} (SignatureDoesNotMatch), with credentials from the environment: the secret is not that of the key id, or \
         a clock is off"
    );
    assert_eq!(refused.of("AWS identity"), ("failed", sentence.as_str()));
    assert_eq!(refused.of("clock"), ("ok", "0 s off that of campus, 0 s off that of AWS"), "a refusal has a date too");
    let sentence = format!(
        "{start} (InvalidClientTokenId), with credentials from the environment: AWS does not know them; make new ones, or \
         use a role"
    );
    assert_eq!(unknown.of("AWS identity"), ("failed", sentence.as_str()));
}

#[test]
fn an_sts_that_is_away_fails() {
    let mut premises = Premises::new();
    premises.settings = premises.settings.replace(&premises.campus.sts.url(), "http://127.0.0.1:1");

    let said = premises.ask();

    let sentence = "AWS could not be reached, with credentials from the container's role: let this machine reach \
        http://127.0.0.1:1, or set `sts_endpoint`";
    assert_eq!(said.of("AWS identity"), ("failed", sentence));
    assert_eq!(said.code, 1);
}

/// A provider whose clock is two minutes ahead, which cannot be told from a broker's that is behind.
#[test]
fn a_clock_that_is_off_fails() {
    let socket = Socket::bind();
    let premises = Premises::at_provider(&socket.url());
    let playground = Playground { issuer: socket.url(), ..premises.campus.playground.clone() };
    let early = async |mut response: Response<axum::body::Body>| {
        let then = Clock::System.now() + TimeDelta::minutes(2);
        let date = then.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        response.headers_mut().insert(header::DATE, HeaderValue::from_str(&date).unwrap());
        response
    };
    let _server = socket.serve(playground.idp().unwrap().router().layer(map_response(early)));

    let said = premises.ask();

    assert_eq!((said.code, said.amiss()), (1, vec![("clock", "failed")]));
    let sentence = said.of("clock").1;
    // The header was rounded down, and a little time has passed.
    let off: Vec<_> = (118..=120)
        .map(|seconds| {
            format!(
                "{seconds} s behind that of campus, 0 s off that of AWS: sign-ins fail above 60 s; let NTP set this \
                 machine's clock, if it is the one that is off"
            )
        })
        .collect();
    assert!(off.contains(&sentence.to_owned()), "{sentence}");
}

#[test]
fn files_that_others_may_read_are_said() {
    let premises = Premises::new();
    chmod(&premises.campus, "key", 0o640);
    chmod(&premises.campus, "client-secret", 0o644);

    let said = premises.ask();

    let folder = premises.campus.folder.path().display();
    assert_eq!(said.code, 1);
    assert_eq!(said.amiss(), [("settings", "warning"), ("key file", "failed")]);
    let sentence = format!("{folder}/key: the key file may be read by others; run: chmod 600 on it");
    assert_eq!(said.of("key file").1, sentence);
    assert!(
        said.text.contains(&format!("others may read {0}; run: chmod 600 {0}", format_args!("{folder}/client-secret")))
    );
}

#[test]
fn an_unknown_key_fails_and_nothing_else_is_looked_at() {
    let mut premises = Premises::new();
    premises.settings = premises.settings.replace("listen", "lisden");

    let said = premises.ask();

    assert_eq!((said.code, said.amiss()), (1, vec![("settings", "failed")]));
    assert_eq!(
        said.of("settings").1,
        "server: unknown field `lisden`, expected one of `listen`, `public_url`, `trusted_proxies`"
    );
    assert_eq!(said.json["checks"].as_array().unwrap().len(), 1);
}

#[test]
fn a_database_that_is_not_there_is_left_so() {
    let mut premises = Premises::new();
    premises.settings = premises.settings.replace("lodge.db", "another.db");

    let said = premises.ask();

    assert_eq!((said.code, said.amiss()), (1, vec![("database", "failed")]));
    let file = premises.campus.folder.path().join("another.db");
    assert_eq!(
        said.of("database").1,
        format!("{}: there is no database; make it with `lodged migrate`", file.display())
    );
    assert!(!file.exists());
}

#[test]
fn an_address_on_this_machine_is_a_warning() {
    let premises = Premises::new();

    let said = premises.ask_as(|command| {
        premises.container.show_to(command);
        command.env("LODGE__SERVER__PUBLIC_URL", "http://127.0.0.1:8080");
    });

    assert_eq!((said.code, said.amiss()), (0, vec![("public URL", "warning")]));
    let sentence = "http://127.0.0.1:8080 leads everybody to their own machine: set the address that people use";
    assert_eq!(said.of("public URL").1, sentence);
}
