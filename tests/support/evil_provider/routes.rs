//! The endpoints.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{RawForm, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use lodge::ambient::Random;
use ring::digest;
use serde_json::json;

use super::{Answer, Heard, Key, Lie, Shared};
use crate::support::broker::{CLIENT_ID, CLIENT_SECRET, STUDENTS};

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(metadata))
        .route("/jwks", get(keys))
        .route("/authorize", get(authorize))
        .route("/token", axum::routing::post(token))
        .route("/userinfo", get(user_info))
        .fallback(elsewhere)
        .with_state(shared)
}

impl Shared {
    fn note(&self, uri: &Uri, headers: &HeaderMap) -> Vec<Lie> {
        let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        self.hear(Heard {
            path: uri.path().to_owned(),
            headers: headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
        })
    }

    /// Whether the broker proved itself and its right to the code.
    fn is_ours(
        &self,
        headers: &HeaderMap,
        form: &HashMap<String, String>,
        lies: &[Lie],
    ) -> Option<HashMap<String, String>> {
        let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}")));
        let asked = self.state.lock().unwrap().codes.remove(form.get("code")?)?;
        if lies.iter().any(|lie| matches!(lie, Lie::NoVerifier)) {
            return Some(asked);
        }
        let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, form.get("code_verifier")?.as_bytes()));
        let fits = headers.get(header::AUTHORIZATION)? == basic.as_str()
            && form.get("redirect_uri") == asked.get("redirect_uri")
            && asked.get("code_challenge") == Some(&challenge)
            && asked.get("code_challenge_method").is_some_and(|method| method == "S256");
        fits.then_some(asked)
    }
}

/// The answer as it is sent, with what is lied about it.
async fn send(mut answer: Answer, path: &str, lies: &[Lie]) -> Response {
    for lie in lies {
        if let Lie::Answer(where_told, change) = lie
            && *where_told == path
        {
            change(&mut answer);
        }
    }
    answer.send().await
}

async fn metadata(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap) -> Response {
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
    let lies = shared.note(&uri, &headers);
    for lie in &lies {
        match lie {
            Lie::Metadata(change) => change(&mut document),
            Lie::Member(name, value) => document[*name] = json!(value),
            _ => {}
        }
    }
    send(Answer::json(&document), uri.path(), &lies).await
}

async fn keys(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap) -> Response {
    let lies = shared.note(&uri, &headers);
    let published = lies.iter().filter_map(|lie| if let Lie::Publish(key) = lie { Some(*key) } else { None });
    let jwks: Vec<_> = std::iter::once(Key::P256).chain(published).map(|key| shared.keys.jwk(key)).collect();
    let mut set = json!({ "keys": jwks });
    for lie in &lies {
        if let Lie::Keys(change) = lie {
            change(&mut set);
        }
    }
    send(Answer::json(&set), uri.path(), &lies).await
}

async fn authorize(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let lies = shared.note(&uri, &headers);
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
    let lies = shared.note(&uri, &headers);
    let Some(asked) = shared.is_ours(&headers, &pairs(&form), &lies) else {
        let mut answer = Answer::json(&json!({"error": "invalid_grant"}));
        answer.status = 400;
        return answer.send().await;
    };
    let body = json!({
        "access_token": "an-access-token", "token_type": "Bearer", "expires_in": 300,
        "id_token": shared.id_token(asked.get("nonce"), &lies),
    });
    send(Answer::json(&body), uri.path(), &lies).await
}

async fn user_info(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap) -> Response {
    let mut claims = json!({"sub": "subject-1", "name": "Sam Student", "groups": [STUDENTS]});
    let lies = shared.note(&uri, &headers);
    for lie in &lies {
        if let Lie::UserInfo(change) = lie {
            change(&mut claims);
        }
    }
    let sealed = lies.iter().find_map(|lie| if let Lie::SignedUserInfo(sealed) = lie { Some(*sealed) } else { None });
    let answer = match sealed {
        Some(sealed) => {
            Answer::text("application/jwt", shared.keys.user_info(&shared.issuer, &claims, sealed).into_bytes())
        }
        None => Answer::json(&claims),
    };
    send(answer, uri.path(), &lies).await
}

/// Whatever it names as its own and does not have: noted, so that a test sees who was lured there.
async fn elsewhere(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap) -> StatusCode {
    shared.note(&uri, &headers);
    StatusCode::NOT_FOUND
}

fn pairs(text: &[u8]) -> HashMap<String, String> {
    url::form_urlencoded::parse(text).into_owned().collect()
}
