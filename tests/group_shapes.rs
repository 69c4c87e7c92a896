//! What universities really send: one fixture for each product in `tests/group_shapes/`, each with the settings that an
//! operator would write for it, signed in through the real relying party at a provider that answers like the product.
//!
//! A fixture holds cases. A case has `settings` (keys of `[[connection]]`), `metadata`, `id_token` and `userinfo` (what the
//! product says beside what every provider says; `null` takes a member away), and what `comes` of it: groups, or a refusal
//! with its word and what the log says to the operator. `doctor` is a part of what `lodged doctor` says of the connection.
//! `{issuer}` and `{origin}` stand for the provider's own.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lodge::ambient::Clock;
use lodge::config::Config;
use lodge::demo::idp::generate_signing_key;
use lodge::domain::claims::Groups;
use lodge::oidc::{self, AuthorizationRequest, Callback, Login, Provider, StepUp};
use lodge::telemetry;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::support::process::Process;
use crate::support::programs;
use crate::support::root;
use crate::support::serving::{Server, Socket, wait};

/// Every product that facts were collected of.
const PRODUCTS: [&str; 11] = [
    "Apereo CAS",
    "CILogon",
    "EGI Check-in, MyAccessID, LS-AAI",
    "Entra ID",
    "Google Workspace",
    "Keycloak",
    "LemonLDAP::NG",
    "Microsoft AD FS",
    "Okta",
    "SATOSA",
    "Shibboleth",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    product: String,
    /// What follows the origin in the issuer: `/realms/campus`.
    #[serde(default)]
    issuer_path: String,
    /// Where the metadata is, when it is not where the issuer says.
    metadata_path: Option<String>,
    /// What its metadata says beside the endpoints.
    #[serde(default)]
    metadata: Map<String, Value>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    settings: Map<String, Value>,
    #[serde(default)]
    metadata: Map<String, Value>,
    /// Beside `alg` and `kid`.
    #[serde(default)]
    header: Map<String, Value>,
    #[serde(default)]
    id_token: Map<String, Value>,
    /// `None` is a provider that fails there.
    userinfo: Option<Map<String, Value>>,
    comes: Outcome,
    doctor: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Outcome {
    /// Somebody signs in with these groups.
    Groups(Vec<String>),
    /// Somebody signs in of whom no groups are said at all.
    Absent(Whoever),
    /// Somebody signs in whose groups are elsewhere.
    Overage(Whoever),
    /// Somebody signs in with this many groups, and perhaps others.
    Truncated(usize),
    /// Somebody signs in, known by this, with or without a second factor.
    Known { by: String, mfa: bool, groups: Vec<String> },
    /// Nobody signs in.
    Refused { word: String, log: String },
    /// There can be no such connection.
    NotSet { says: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whoever {}

/// A provider that says what the fixture says.
struct Product {
    issuer: String,
    shared: Arc<Shared>,
    _server: Server,
}

struct Shared {
    origin: String,
    issuer: String,
    metadata_path: String,
    key: EcdsaKeyPair,
    says: Mutex<Says>,
}

#[derive(Clone, Default)]
struct Says {
    metadata: Map<String, Value>,
    header: Map<String, Value>,
    id_token: Map<String, Value>,
    userinfo: Option<Map<String, Value>>,
}

impl Product {
    fn start(fixture: &Fixture) -> Self {
        let socket = Socket::bind();
        let origin = socket.url();
        let issuer = format!("{origin}{}", fixture.issuer_path);
        let pkcs8 = generate_signing_key();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &SystemRandom::new()).unwrap();
        let metadata_path = fixture.metadata_path.clone().unwrap_or_else(|| {
            format!("{}/.well-known/openid-configuration", fixture.issuer_path.trim_end_matches('/'))
        });
        let shared = Shared { origin, issuer: issuer.clone(), metadata_path, key, says: Mutex::default() };
        let shared = Arc::new(shared);
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        Self { issuer, shared, _server: socket.serve(router) }
    }

    fn says(&self, fixture: &Fixture, case: &Case) {
        let mut metadata = fixture.metadata.clone();
        metadata.extend(case.metadata.clone());
        *self.shared.says.lock().unwrap() = Says {
            metadata,
            header: case.header.clone(),
            id_token: case.id_token.clone(),
            userinfo: case.userinfo.clone(),
        };
    }
}

impl Shared {
    /// What every provider says, what this one says beside it, and nothing of what it keeps to itself.
    fn with(&self, mut common: Value, more: &Map<String, Value>) -> Value {
        let members = common.as_object_mut().unwrap();
        members.extend(more.clone());
        members.retain(|_, value| !value.is_null());
        let text = common.to_string().replace("{issuer}", &self.issuer).replace("{origin}", &self.origin);
        many(serde_json::from_str(&text).unwrap())
    }

    fn metadata(&self) -> Value {
        let common = json!({
            "issuer": "{issuer}",
            "authorization_endpoint": "{origin}/authorize",
            "token_endpoint": "{origin}/token",
            "userinfo_endpoint": "{origin}/userinfo",
            "jwks_uri": "{origin}/jwks",
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        });
        self.with(common, &self.says.lock().unwrap().metadata)
    }

    fn id_token(&self) -> String {
        let now = Clock::System.now().timestamp();
        let says = self.says.lock().unwrap().clone();
        let common = json!({
            "iss": "{issuer}", "aud": "lodge", "sub": "person-1", "iat": now, "exp": now + 300, "nonce": "the-nonce",
        });
        let header = self.with(json!({"alg": "ES256", "kid": "key-1"}), &says.header);
        let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(header), encode(self.with(common, &says.id_token)));
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }

    fn keys(&self) -> Value {
        let point = self.key.public_key().as_ref();
        let [x, y] = [&point[1..33], &point[33..]].map(|part| URL_SAFE_NO_PAD.encode(part));
        json!({"keys": [{"kty": "EC", "crv": "P-256", "use": "sig", "kid": "key-1", "x": x, "y": y}]})
    }
}

/// `{"$many": 100}` is a list of so many groups.
fn many(value: Value) -> Value {
    match value {
        Value::Object(members) => match members.get("$many").and_then(Value::as_u64) {
            Some(count) => (0..count).map(|number| format!("group-{number}")).collect(),
            None => members.into_iter().map(|(name, value)| (name, many(value))).collect::<Map<_, _>>().into(),
        },
        other => other,
    }
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap) -> Response {
    let document = match uri.path() {
        path if path == shared.metadata_path => shared.metadata(),
        "/jwks" => shared.keys(),
        "/token" => json!({
            "access_token": "an-access-token", "token_type": "bearer", "id_token": shared.id_token(),
            // As some products have it.
            "expires_in": "3600", "not-before-policy": 0,
        }),
        "/userinfo" if headers.get(header::AUTHORIZATION).is_some_and(|it| it == "Bearer an-access-token") => {
            let says = shared.says.lock().unwrap().userinfo.clone();
            match says {
                Some(claims) => shared.with(json!({"sub": "person-1"}), &claims),
                None => return StatusCode::FORBIDDEN.into_response(),
            }
        }
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    ([(header::CONTENT_TYPE, "application/json")], document.to_string()).into_response()
}

/// The settings file that an operator would write for the case. Strings, lists and numbers are written alike in JSON and
/// in TOML.
fn settings_file(folder: &std::path::Path, product: &Product, case: &Case) -> std::path::PathBuf {
    let origin = &product.shared.origin;
    let mut keys = Map::from_iter([
        ("name".to_owned(), json!("campus")),
        ("title".to_owned(), json!("Campus")),
        ("issuer".to_owned(), json!(product.issuer)),
        ("client_id".to_owned(), json!("lodge")),
        ("client_secret_file".to_owned(), json!(folder.join("client-secret"))),
        ("insecure_origins".to_owned(), json!([origin])),
    ]);
    keys.extend(case.settings.clone());
    let lines: Vec<String> =
        keys.iter().map(|(name, value)| format!("{name} = {value}\n").replace("{origin}", origin)).collect();
    let text = format!(
        "[server]\npublic_url = \"https://lodge.example.edu\"\n[database]\nfile = \"/nowhere/lodge.db\"\n[secrets]\n\
         key_file = \"/nowhere/key\"\n[aws]\nsts_endpoint = \"http://127.0.0.1:1\"\n[[connection]]\n{}",
        lines.concat()
    );
    std::fs::write(folder.join("client-secret"), "a-secret-for-tests-only").unwrap();
    std::fs::write(folder.join("lodge.toml"), text).unwrap();
    folder.join("lodge.toml")
}

fn sign_in(settings: oidc::Settings) -> Result<Login, oidc::Error> {
    let provider = Provider::new(settings)?;
    let redirect_uri = "https://lodge.example.edu/auth/campus/callback";
    let [state, nonce, verifier, code] =
        ["the-state", "the-nonce", "the-verifier", "the-code"].map(|text| text.to_owned().into());
    let step_up = StepUp::default();
    wait(async {
        let ask = AuthorizationRequest {
            redirect_uri,
            state: &state,
            nonce: &nonce,
            verifier: &verifier,
            choose_account: false,
            step_up,
        };
        provider.authorization_url(&ask).await?;
        let callback =
            Callback { code: &code, issuer: None, redirect_uri, nonce: &nonce, verifier: &verifier, step_up };
        provider.complete(&callback, Clock::System.now()).await
    })
}

fn names(login: &Login) -> Vec<&str> {
    login.claims.groups.as_slice().iter().map(lodge::domain::claims::Group::as_str).collect()
}

/// What is wrong with what came of a case, if anything is.
fn flaw(expected: &Outcome, settings: Result<Vec<oidc::Settings>, String>) -> Option<String> {
    let mut settings = match (settings, expected) {
        (Err(problem), Outcome::NotSet { says }) => return (!problem.contains(says)).then_some(problem),
        (Err(problem), _) => return Some(format!("cannot be set: {problem}")),
        (Ok(_), Outcome::NotSet { .. }) => return Some("can be set".to_owned()),
        (Ok(settings), _) => settings,
    };
    let came = sign_in(settings.pop().unwrap());
    let as_expected = match (&came, expected) {
        (Ok(login), Outcome::Groups(groups)) => {
            matches!(login.claims.groups, Groups::Present(_)) && names(login) == *groups
        }
        (Ok(login), Outcome::Absent(_)) => login.claims.groups == Groups::Absent,
        (Ok(login), Outcome::Overage(_)) => login.claims.groups == Groups::Overage,
        (Ok(login), Outcome::Truncated(count)) => {
            matches!(&login.claims.groups, Groups::Truncated(groups) if groups.len() == *count)
        }
        (Ok(login), Outcome::Known { by, mfa, groups }) => {
            (login.subject.as_str(), login.claims.mfa) == (by, *mfa) && names(login) == *groups
        }
        (Err(error), Outcome::Refused { word, log }) => {
            error.refusal().as_str() == word && telemetry::chain(error).contains(log)
        }
        _ => false,
    };
    (!as_expected).then(|| match came {
        Ok(login) => format!("{} with {:?}, mfa {}", login.subject.as_str(), login.claims.groups, login.claims.mfa),
        Err(error) => format!("{}: {}", error.refusal(), telemetry::chain(&error)),
    })
}

/// What `lodged doctor` says of the connection.
fn doctor(file: &std::path::Path) -> String {
    let mut command = programs::lodged();
    command.args(["doctor", "--json", "--config"]).arg(file);
    let ended = Process::run("lodged doctor", &mut command, "");
    let said: Value = serde_json::from_str(&ended.stdout).unwrap();
    let check = said["checks"].as_array().unwrap().iter().find(|check| check["name"] == "connection campus");
    check.map_or_else(|| ended.stdout.clone(), |check| format!("{}: {}", check["outcome"], check["says"]))
}

fn fixtures() -> Vec<Fixture> {
    let folder = std::fs::read_dir(root().join("tests/group_shapes")).unwrap();
    let read = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    folder.map(|entry| read(entry.unwrap().path())).collect()
}

#[test]
fn every_product_is_there() {
    let there: BTreeSet<String> = fixtures().into_iter().map(|fixture| fixture.product).collect();

    assert_eq!(there, PRODUCTS.map(str::to_owned).into());
}

#[test]
fn every_product_signs_in_or_says_what_to_do() {
    let mut flaws = Vec::new();
    for fixture in fixtures() {
        let product = Product::start(&fixture);
        for case in &fixture.cases {
            product.says(&fixture, case);
            let folder = tempfile::tempdir().unwrap();
            let file = settings_file(folder.path(), &product, case);
            let settings = Config::load(&file).and_then(|config| config.providers()).map_err(|error| error.to_string());

            let place = format!("{}, {}", fixture.product, case.name);
            flaws.extend(flaw(&case.comes, settings).map(|flaw| format!("{place}: {flaw}")));
            if let Some(expected) = &case.doctor {
                let said = doctor(&file);
                if !said.contains(expected) {
                    flaws.push(format!("{place}: the doctor says {said}"));
                }
            }
        }
    }
    assert!(flaws.is_empty(), "{}", flaws.join("\n"));
}
