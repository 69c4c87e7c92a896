//! An OpenID provider that lies when it is told to, in any single detail, and is a correct provider otherwise.
//!
//! It asks nobody anything: whoever is sent to it is signed in at once. A correct provider is the positive control: the
//! same code that refuses a lie must take the truth.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{RawForm, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use lodge::ambient::{Clock, Random};
use lodge::demo::idp::generate_signing_key;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use ring::{digest, hmac};
use serde_json::{Value, json};

use super::broker::{CLIENT_ID, CLIENT_SECRET, STUDENTS};
use super::serving::{Server, Socket};

/// One thing that is not as it should be.
#[derive(Clone, Copy)]
pub(crate) enum Lie {
    /// In the metadata document.
    Metadata(fn(&mut Value)),
    /// In the key set.
    Keys(fn(&mut Value)),
    /// In what is appended to our callback.
    Callback(fn(&mut Vec<(String, String)>)),
    /// In the ID token's header.
    Header(fn(&mut Value)),
    /// In the ID token's claims.
    Claims(fn(&mut Value)),
    /// In the text of the claims, before it is signed.
    Payload(fn(String) -> String),
    /// In the ID token's signature.
    Signature(Signature),
    /// In the answer of the token endpoint.
    Answer(fn(&mut TokenAnswer)),
    /// In the answer of the userinfo endpoint.
    UserInfo(fn(&mut Value)),
}

/// What an ID token is signed with.
#[derive(Clone, Copy)]
pub(crate) enum Signature {
    /// Nothing.
    Absent,
    /// ES256 with a key that is not in the key set.
    AnotherKey,
    /// HS256 with our own client secret.
    ClientSecret,
    /// HS256 with the public key.
    PublicKey,
    /// The right one, cut short.
    Cut,
}

/// What the token endpoint says.
pub(crate) struct TokenAnswer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) location: Option<&'static str>,
    pub(crate) body: Vec<u8>,
}

impl TokenAnswer {
    /// Changes one member of the JSON.
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        let mut body: Value = serde_json::from_slice(&self.body).unwrap();
        body[name] = value;
        self.body = body.to_string().into_bytes();
    }
}

/// A running provider.
pub(crate) struct EvilProvider {
    /// Without a final slash.
    pub(crate) issuer: String,
    shared: Arc<Shared>,
    _server: Server,
}

struct Shared {
    issuer: String,
    key: EcdsaKeyPair,
    another_key: EcdsaKeyPair,
    clock: Clock,
    state: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    lies: Vec<Lie>,
    asked: Vec<String>,
    /// What each code was asked for with.
    codes: HashMap<String, HashMap<String, String>>,
}

impl EvilProvider {
    /// A provider that tells the truth so far, by this clock.
    pub(crate) fn start(clock: Clock) -> Self {
        let socket = Socket::bind();
        let issuer = socket.url();
        let key = || {
            let pkcs8 = generate_signing_key();
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &SystemRandom::new()).unwrap()
        };
        let shared = Shared { issuer: issuer.clone(), key: key(), another_key: key(), clock, state: Mutex::default() };
        let shared = Arc::new(shared);
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/jwks", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", axum::routing::post(token))
            .route("/userinfo", get(user_info))
            .fallback(elsewhere)
            .with_state(Arc::clone(&shared));
        Self { issuer, shared, _server: socket.serve(router) }
    }

    /// From now on it tells these lies and no other, and remembers no request.
    pub(crate) fn lie(&self, lies: &[Lie]) {
        let mut state = self.shared.state.lock().unwrap();
        state.lies = lies.to_vec();
        state.asked.clear();
    }

    /// How often a path was asked for.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.shared.state.lock().unwrap().asked.iter().filter(|asked| *asked == path).count()
    }
}

impl Shared {
    /// Notes the request and says which lies are told.
    fn hear(&self, path: &str) -> Vec<Lie> {
        let mut state = self.state.lock().unwrap();
        state.asked.push(path.to_owned());
        state.lies.clone()
    }

    fn claims(&self, nonce: Option<&String>, lies: &[Lie]) -> String {
        let now = self.clock.now().timestamp();
        let mut claims = json!({
            "iss": self.issuer, "aud": CLIENT_ID, "sub": "subject-1", "iat": now, "exp": now + 300,
            "nonce": nonce, "name": "Sam Student", "groups": [STUDENTS],
        });
        for lie in lies {
            if let Lie::Claims(change) = lie {
                change(&mut claims);
            }
        }
        lies.iter()
            .fold(claims.to_string(), |text, lie| if let Lie::Payload(change) = lie { change(text) } else { text })
    }

    fn id_token(&self, nonce: Option<&String>, lies: &[Lie]) -> String {
        let mut header = json!({"alg": "ES256", "kid": "key-1", "typ": "JWT"});
        let mut kind = None;
        for lie in lies {
            match lie {
                Lie::Header(change) => change(&mut header),
                Lie::Signature(signature) => kind = Some(*signature),
                _ => {}
            }
        }
        let encode = |text: String| URL_SAFE_NO_PAD.encode(text);
        let signed = format!("{}.{}", encode(header.to_string()), encode(self.claims(nonce, lies)));
        let with = |key: &EcdsaKeyPair| key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap().as_ref().to_vec();
        let mac = |key: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), signed.as_bytes()).as_ref().to_vec();
        let signature = match kind {
            None => with(&self.key),
            Some(Signature::Absent) => Vec::new(),
            Some(Signature::AnotherKey) => with(&self.another_key),
            Some(Signature::ClientSecret) => mac(CLIENT_SECRET.as_bytes()),
            Some(Signature::PublicKey) => mac(self.key.public_key().as_ref()),
            Some(Signature::Cut) => with(&self.key)[..63].to_vec(),
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Whether the broker proved itself and its right to the code.
    fn is_ours(&self, headers: &HeaderMap, form: &HashMap<String, String>) -> Option<HashMap<String, String>> {
        let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}")));
        let asked = self.state.lock().unwrap().codes.remove(form.get("code")?)?;
        let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, form.get("code_verifier")?.as_bytes()));
        let fits = headers.get(header::AUTHORIZATION)? == basic.as_str()
            && form.get("redirect_uri") == asked.get("redirect_uri")
            && asked.get("code_challenge") == Some(&challenge)
            && asked.get("code_challenge_method").is_some_and(|method| method == "S256");
        fits.then_some(asked)
    }
}

async fn metadata(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    let issuer = &shared.issuer;
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        // As careless providers do: whoever believed this would take an unsigned token, or one of our own secret.
        "id_token_signing_alg_values_supported": ["none", "HS256", "ES256"],
        "authorization_response_iss_parameter_supported": true,
    });
    for lie in shared.hear(uri.path()) {
        if let Lie::Metadata(change) = lie {
            change(&mut document);
        }
    }
    json_text(&document)
}

async fn keys(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    let point = shared.key.public_key().as_ref();
    let [x, y] = [&point[1..33], &point[33..]].map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate));
    let key = json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "key-1", "x": x, "y": y});
    let mut set = json!({ "keys": [key] });
    for lie in shared.hear(uri.path()) {
        if let Lie::Keys(change) = lie {
            change(&mut set);
        }
    }
    json_text(&set)
}

async fn authorize(State(shared): State<Arc<Shared>>, uri: Uri, RawQuery(query): RawQuery) -> Response {
    let lies = shared.hear(uri.path());
    let asked = pairs(query.unwrap_or_default().as_bytes());
    let code = URL_SAFE_NO_PAD.encode(Random::System.bytes::<16>());
    let mut answer = vec![("code".to_owned(), code.clone()), ("iss".to_owned(), shared.issuer.clone())];
    answer.extend(asked.get("state").map(|state| ("state".to_owned(), state.clone())));
    for lie in lies {
        if let Lie::Callback(change) = lie {
            change(&mut answer);
        }
    }
    let answer = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(answer).finish();
    let to = format!("{}?{answer}", asked.get("redirect_uri").map_or("", String::as_str));
    shared.state.lock().unwrap().codes.insert(code, asked);
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
}

async fn token(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, RawForm(form): RawForm) -> Response {
    let lies = shared.hear(uri.path());
    let Some(asked) = shared.is_ours(&headers, &pairs(&form)) else {
        return (StatusCode::BAD_REQUEST, json_text(&json!({"error": "invalid_grant"}))).into_response();
    };
    let body = json!({
        "access_token": "an-access-token", "token_type": "Bearer", "expires_in": 300,
        "id_token": shared.id_token(asked.get("nonce"), &lies),
    });
    let mut answer = TokenAnswer {
        status: 200,
        content_type: "application/json",
        location: None,
        body: body.to_string().into_bytes(),
    };
    for lie in lies {
        if let Lie::Answer(change) = lie {
            change(&mut answer);
        }
    }
    let mut response = ([(header::CONTENT_TYPE, answer.content_type)], answer.body).into_response();
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap();
    if let Some(location) = answer.location {
        response.headers_mut().insert(header::LOCATION, location.parse().unwrap());
    }
    response
}

async fn user_info(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    let mut claims = json!({"sub": "subject-1", "name": "Sam Student", "groups": [STUDENTS]});
    for lie in shared.hear(uri.path()) {
        if let Lie::UserInfo(change) = lie {
            change(&mut claims);
        }
    }
    json_text(&claims)
}

/// Whatever it names as its own and does not have: noted, so that a test sees who was lured there.
async fn elsewhere(State(shared): State<Arc<Shared>>, uri: Uri) -> StatusCode {
    shared.hear(uri.path());
    StatusCode::NOT_FOUND
}

fn pairs(text: &[u8]) -> HashMap<String, String> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

fn json_text(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}
