//! An OpenID provider that lies when it is told to, in any single detail, and is a correct provider otherwise.
//!
//! It asks nobody anything: whoever is sent to it is signed in at once. A correct provider is the positive control: the
//! same code that refuses a lie must take the truth.

mod answer;
mod keys;
mod routes;
mod tokens;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use lodge::ambient::Clock;
use serde_json::{Value, json};

pub(crate) use answer::{Answer, Body, bomb};
pub(crate) use keys::{Key, Secret};
pub(crate) use tokens::{Sealed, Signature};

use super::broker::{CLIENT_ID, STUDENTS};
use super::serving::{Server, Socket};
use keys::Keys;

/// One thing that is not as it should be.
#[derive(Clone, Debug)]
pub(crate) enum Lie {
    /// In the metadata document.
    Metadata(fn(&mut Value)),
    /// One member of the metadata document.
    Member(&'static str, String),
    /// In the key set.
    Keys(fn(&mut Value)),
    /// Another key is published beside the one that signs.
    Publish(Key),
    /// In what is appended to our callback.
    Callback(fn(&mut Vec<(String, String)>)),
    /// Another key signs the ID token, and its header says so.
    SignedBy(Key),
    /// In the ID token's header.
    Header(fn(&mut Value)),
    /// In the text of the header, before it is signed.
    HeaderText(fn(String) -> Vec<u8>),
    /// In the ID token's claims.
    Claims(fn(&mut Value)),
    /// What one of the ID token's claims says; the groups are a list of this one.
    Text(&'static str, &'static str),
    /// In the text of the claims, before it is signed.
    Payload(fn(String) -> Vec<u8>),
    /// In the ID token's signature.
    Signature(Signature),
    /// In the ID token once it is whole.
    Token(fn(String) -> String),
    /// The nonce is that of the sign-in before.
    NonceBefore,
    /// The whole ID token is that of the sign-in before.
    TokenBefore,
    /// It takes a code without looking at what proves that it was asked for.
    NoVerifier,
    /// In the claims of the userinfo answer.
    UserInfo(fn(&mut Value)),
    /// The userinfo answer is a signed token of these claims.
    SignedUserInfo(Sealed),
    /// In what a path answers, once everything else is said.
    Answer(&'static str, fn(&mut Answer)),
}

impl Lie {
    /// Whether it is told in what the broker keeps for a while, so that only a new broker hears it.
    pub(crate) const fn is_kept(&self) -> bool {
        match self {
            Self::Metadata(_) | Self::Member(..) | Self::Keys(_) | Self::Publish(_) => true,
            Self::Answer(path, _) => !matches!(path.as_bytes(), b"/token" | b"/userinfo"),
            _ => false,
        }
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
    keys: Keys,
    clock: Clock,
    state: Mutex<Memory>,
}

/// A request that was made of it.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
}

#[derive(Default)]
struct Memory {
    lies: Vec<Lie>,
    heard: Vec<Heard>,
    /// What each code was asked for with.
    codes: HashMap<String, HashMap<String, String>>,
    /// The nonce and the ID token of the sign-in before.
    nonce_before: Option<String>,
    token_before: Option<String>,
}

impl EvilProvider {
    /// A provider that tells the truth so far, by this clock.
    pub(crate) fn start(clock: Clock) -> Self {
        let socket = Socket::bind();
        let issuer = socket.url();
        let shared = Arc::new(Shared { issuer: issuer.clone(), keys: Keys::new(), clock, state: Mutex::default() });
        let server = socket.serve(routes::router(Arc::clone(&shared)));
        Self { issuer, shared, _server: server }
    }

    /// From now on it tells these lies and no other, and remembers no request.
    pub(crate) fn lie(&self, lies: &[Lie]) {
        let mut state = self.shared.state.lock().unwrap();
        state.lies = lies.to_vec();
        state.heard.clear();
    }

    /// How often a path was asked for.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.heard().iter().filter(|heard| heard.path == path).count()
    }

    /// Every request since it was last told what to say.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.shared.state.lock().unwrap().heard.clone()
    }

    /// A token of any kind, by its own keys.
    pub(crate) fn seal(&self, header: &Value, claims: &Value, signature: Signature) -> String {
        self.shared.keys.seal(header.to_string().as_bytes(), claims.to_string().as_bytes(), signature)
    }

    /// Now, by its clock, in seconds.
    pub(crate) fn now(&self) -> i64 {
        self.shared.clock.now().timestamp()
    }
}

impl Shared {
    /// Notes the request and says which lies are told.
    fn hear(&self, heard: Heard) -> Vec<Lie> {
        let mut state = self.state.lock().unwrap();
        state.heard.push(heard);
        state.lies.clone()
    }

    /// What it says of the one person that it knows.
    fn claims(&self, nonce: Option<&String>, lies: &[Lie]) -> Vec<u8> {
        let now = self.clock.now().timestamp();
        let mut claims = json!({
            "iss": self.issuer, "aud": CLIENT_ID, "sub": "subject-1", "iat": now, "exp": now + 300,
            "nonce": nonce, "name": "Sam Student", "groups": [STUDENTS],
        });
        for lie in lies {
            match lie {
                Lie::Claims(change) => change(&mut claims),
                Lie::Text("groups", one) => claims["groups"] = json!([one]),
                Lie::Text(name, text) => claims[*name] = json!(text),
                _ => {}
            }
        }
        let text = claims.to_string();
        let changed = lies.iter().find_map(|lie| if let Lie::Payload(change) = lie { Some(*change) } else { None });
        changed.map_or_else(|| text.clone().into_bytes(), |change| change(text.clone()))
    }

    fn id_token(&self, nonce: Option<&String>, lies: &[Lie]) -> String {
        let (nonce_before, token_before) = {
            let mut state = self.state.lock().unwrap();
            (std::mem::replace(&mut state.nonce_before, nonce.cloned()), state.token_before.clone())
        };
        let told = |wanted: fn(&Lie) -> bool| lies.iter().any(wanted);
        if told(|lie| matches!(lie, Lie::TokenBefore)) {
            return token_before.expect("a sign-in before this one");
        }
        let nonce = if told(|lie| matches!(lie, Lie::NonceBefore)) { nonce_before } else { nonce.cloned() };

        let mut key = Key::P256;
        for lie in lies {
            if let Lie::SignedBy(another) = lie {
                key = *another;
            }
        }
        let mut header = json!({"alg": key.algorithm(), "kid": key.id(), "typ": "JWT"});
        let mut signature = Signature::By(key);
        for lie in lies {
            match lie {
                Lie::Header(change) => change(&mut header),
                Lie::Signature(another) => signature = *another,
                _ => {}
            }
        }
        let mut text = header.to_string().into_bytes();
        for lie in lies {
            if let Lie::HeaderText(change) = lie {
                text = change(String::from_utf8(text).unwrap());
            }
        }
        let token = self.keys.seal(&text, &self.claims(nonce.as_ref(), lies), signature);
        self.state.lock().unwrap().token_before = Some(token.clone());
        lies.iter().fold(token, |token, lie| if let Lie::Token(change) = lie { change(token) } else { token })
    }
}
