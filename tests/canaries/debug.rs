//! Whatever holds a secret does not show it when it is printed: a log line written in haste, a failed `unwrap`.

use std::collections::BTreeMap;
use std::fmt::Debug;

use chrono::{DateTime, Utc};
use lodge::ambient::{Clock, Random};
use lodge::app::{
    Answer, AskedLogin, Begun, Completed, Handover, HelperLogin, HelperTokens, Issued, KeyFile, NewSession,
};
use lodge::aws::{self, Aws, SessionCredentials};
use lodge::demo::idp;
use lodge::domain::id::{LabId, RoleSessionId};
use lodge::domain::lab::Lab;
use lodge::http::extract::Browser;
use lodge::oidc::{self, AuthorizationRequest, Callback, Provider, StepUp};
use lodge::wire;
use secrecy::SecretString;

use crate::support::campus::Campus;
use crate::support::canaries::Canaries;

/// Prints values, and looks for the one secret that stands in all of them.
struct Printer {
    canaries: Canaries,
    found: Vec<String>,
    printed: usize,
}

impl Printer {
    fn print<T: Debug>(&mut self, value: &T) {
        let name = std::any::type_name::<T>();
        for text in [format!("{value:?}"), format!("{value:#?}")] {
            self.found.extend(self.canaries.found_in(name, text.as_bytes()));
        }
        self.printed += 1;
    }
}

#[test]
fn what_holds_a_secret_does_not_print_it() {
    let text = hex::encode([Random::System.bytes::<8>(); 4].concat());
    let mut canaries = Canaries::default();
    canaries.add("secret", &text);
    let mut printer = Printer { canaries, found: Vec::new(), printed: 0 };

    print_aws(&mut printer, &text);
    print_sessions(&mut printer, &text);
    print_providers(&mut printer, &text);
    print_bodies(&mut printer, &text);

    assert_eq!(printer.found, [""; 0]);
    assert!(printer.printed >= 20, "{}", printer.printed);
    printer.print(&BTreeMap::from([("a type that prints it", &text)]));
    assert!(!printer.found.is_empty(), "the search finds nothing at all");
}

fn print_aws(printer: &mut Printer, text: &str) {
    let secret = || SecretString::from(text.to_owned());
    let credentials = || SessionCredentials {
        access_key_id: "ASIAEXAMPLE".to_owned(),
        secret_access_key: secret(),
        session_token: secret(),
        expires_at: DateTime::UNIX_EPOCH,
        session_arn: "arn:aws:sts::111122223333:assumed-role/lodge-session/x".to_owned(),
        request_id: None,
    };
    printer.print(&credentials());
    printer.print(&Issued {
        role_session: RoleSessionId::from_entropy([0; 10]),
        account_id: "111122223333".to_owned(),
        credentials: credentials(),
    });
    let identity = aws::BrokerIdentity {
        access_key_id: "ASIAEXAMPLE".to_owned(),
        secret_access_key: secret(),
        session_token: Some(secret()),
    };
    printer.print(&identity);
    let settings = aws::Settings {
        clock: Clock::System,
        region: "us-east-1".to_owned(),
        sts_endpoint: None,
        iam_endpoint: None,
        probe_endpoint: None,
        identity: Some(identity),
    };
    printer.print(&settings);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    printer.print(&runtime.block_on(Aws::new(&settings)));
    printer.print(&Lab {
        id: LabId::from_entropy([0; 10]),
        name: "vision".parse().unwrap(),
        title: "Vision Lab".to_owned(),
        session_role: "arn:aws:iam::111122223333:role/lodge/lodge-session".parse().unwrap(),
        external_id: text.parse().unwrap(),
        created_at: DateTime::UNIX_EPOCH,
        archived_at: None,
        groups_age: None,
    });
    let url = "postgres://lodge@db.example.edu/lodge".parse().unwrap();
    printer.print(&lodge::store::Address::Postgres(lodge::store::Postgres { url, password: Some(secret()) }));
    let lab = "vision".parse().unwrap();
    printer.print(&lab_invitation(lab, secret()));
}

fn lab_invitation(name: lodge::domain::id::LabName, link: SecretString) -> lodge::app::desk::NewInvitation {
    let lab = Lab {
        id: LabId::from_entropy([0; 10]),
        name,
        title: "Vision Lab".to_owned(),
        session_role: "arn:aws:iam::111122223333:role/lodge/lodge-session".parse().unwrap(),
        external_id: "not-the-canary".parse().unwrap(),
        created_at: DateTime::UNIX_EPOCH,
        archived_at: None,
        groups_age: None,
    };
    let invitation = lodge::domain::lab::Invitation {
        id: lodge::domain::id::InvitationId::from_entropy([0; 10]),
        created_at: DateTime::UNIX_EPOCH,
        lapses_at: DateTime::UNIX_EPOCH,
    };
    lodge::app::desk::NewInvitation { lab, invitation, link }
}

fn print_sessions(printer: &mut Printer, text: &str) {
    let (secret, now) = (|| SecretString::from(text.to_owned()), DateTime::<Utc>::UNIX_EPOCH);
    let url = || url::Url::parse(&format!("https://sso.example.edu/authorize?state={text}&nonce={text}")).unwrap();
    let session = || NewSession { token: secret(), expires_at: now };
    printer.print(&session());
    printer.print(&Begun { url: url(), browser_token: secret(), label: "0123456789ab".to_owned() });
    printer
        .print(&Completed { session: session(), return_to: format!("/oauth/authorize?state={text}").parse().unwrap() });
    printer.print(&Answer { state: secret(), outcome: Ok(secret()), issuer: None });
    printer.print(&Browser {
        caller: lodge::app::Caller {
            person: lodge::domain::id::PersonId::from_entropy([0; 10]),
            session: lodge::app::CallerSession::Browser(lodge::domain::id::BrowserSessionId::from_entropy([0; 10])),
            sign_in: lodge::domain::id::SignInId::from_entropy([0; 10]),
            session_expires_at: now,
        },
        token: secret(),
    });
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let asked = AskedLogin {
        redirect_uri: "http://127.0.0.1:1234/c",
        state: text,
        code_challenge: challenge,
        host: "laptop",
        account: "ada",
        max_age: None,
        acr_values: None,
    };
    printer.print(&asked);
    printer.print(&HelperLogin::new(&asked, "https://lodge.example.edu/oauth/remote").unwrap());
    printer.print(&Handover::Lead(url()));
    printer.print(&Handover::Paste(secret()));
    printer.print(&HelperTokens {
        access: secret(),
        access_expires_at: now,
        refresh: secret(),
        session_expires_at: now,
    });
    let key: [u8; 32] = text.as_bytes()[..32].try_into().unwrap();
    printer.print(&KeyFile::from_bytes(key));
}

fn print_providers(printer: &mut Printer, text: &str) {
    let secret = || SecretString::from(text.to_owned());
    let issuer = "https://sso.example.edu".parse().unwrap();
    let provider = oidc::Settings::new("campus".parse().unwrap(), issuer, "lodge", secret());
    printer.print(&provider);
    printer.print(&Provider::new(provider).unwrap());
    let (state, nonce, verifier, code) = (secret(), secret(), secret(), secret());
    let redirect_uri = "https://lodge.example.edu/auth/campus/callback";
    printer.print(&AuthorizationRequest {
        redirect_uri,
        state: &state,
        nonce: &nonce,
        verifier: &verifier,
        choose_account: false,
        step_up: StepUp::default(),
    });
    printer.print(&Callback {
        code: &code,
        issuer: None,
        redirect_uri,
        nonce: &nonce,
        verifier: &verifier,
        step_up: StepUp::default(),
    });
}

fn print_bodies(printer: &mut Printer, text: &str) {
    printer.print(&wire::TokenResponse {
        access_token: text.to_owned().into(),
        token_type: "Bearer".to_owned(),
        expires_in: 1,
        refresh_token: Some(text.to_owned().into()),
        refresh_token_expires_in: Some(1),
    });
    printer.print(&wire::CredentialsResponse {
        access_key_id: "ASIAEXAMPLE".to_owned(),
        secret_access_key: text.to_owned().into(),
        session_token: text.to_owned().into(),
        expiration: String::new(),
        account_id: String::new(),
        role_session_id: String::new(),
    });
    printer.print(&idp::Client {
        id: "lodge".to_owned(),
        secret: text.to_owned(),
        redirect_uris: Vec::new(),
        backchannel_logout_uri: None,
    });
}

#[test]
fn a_whole_broker_does_not_print_its_secrets() {
    use secrecy::ExposeSecret;
    let campus = Campus::new();
    let mut canaries = Canaries::default();
    canaries.add("broker's secret key", campus.playground.identity.secret_access_key.expose_secret());
    canaries.add("broker's session token", campus.playground.identity.session_token.expose_secret());
    canaries.add("key file", std::fs::read(campus.folder.path().join("key")).unwrap());
    let mut printer = Printer { canaries, found: Vec::new(), printed: 0 };

    let broker = campus.broker(Clock::System);
    printer.print(&broker);
    printer.print(&campus.aws);
    printer.print(&campus.idp);

    assert_eq!(printer.found, [""; 0]);
    campus.block_on(broker.store.close());
}
