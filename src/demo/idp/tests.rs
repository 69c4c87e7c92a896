//! The provider over HTTP: the way through, and every refusal on it.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;
use url::form_urlencoded::Serializer;

use crate::ambient::ManualClock;

use super::*;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const REDIRECT: &str = "http://127.0.0.1:9/auth/campus/callback?keep=1";

struct Campus {
    idp: SmallIdp,
    clock: ManualClock,
    base: String,
    http: reqwest::Client,
}

/// A browser at the provider: the one cookie that it keeps.
#[derive(Default)]
struct Browser(Option<String>);

impl Browser {
    async fn send(&mut self, request: reqwest::RequestBuilder) -> reqwest::Response {
        let request = match &self.0 {
            Some(cookie) => request.header(COOKIE, cookie),
            None => request,
        };
        let response = request.send().await.unwrap();
        if let Some(cookie) = response.headers().get(SET_COOKIE) {
            self.0 = Some(cookie.to_str().unwrap().split(';').next().unwrap().to_owned());
        }
        response
    }

    /// Opens the sign-in page with these parameters, and gives it.
    async fn open(&mut self, campus: &Campus, pairs: &[(&str, &str)]) -> String {
        let page = campus.http.get(format!("{}/authorize?{}", campus.base, encoded(pairs)));
        self.send(page).await.text().await.unwrap()
    }

    /// Presses a button of a page and trades the code; the ID token's claims.
    async fn press(&mut self, campus: &Campus, page: &str, name: &str, value: &str) -> Value {
        let handle = page.split("name=\"request\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let form = encoded(&[("request", handle), (name, value)]);
        let pressed = campus.http.post(format!("{}/sign-in", campus.base));
        let pressed = pressed.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
        let back = redirected(&self.send(pressed).await);
        let tokens = json(campus.post("/token", &trade(&back["code"]), None).await).await;
        let payload = tokens["id_token"].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
    }
}

type Pairs<'a> = Vec<(&'a str, &'a str)>;

fn person(username: &str, name: &str, groups: Option<Vec<String>>) -> Person {
    Person {
        subject: format!("sub-{username}"),
        username: username.to_owned(),
        name: name.to_owned(),
        title: format!("The {username}"),
        groups,
    }
}

fn settings(issuer: &str) -> Settings {
    let client = |id: &str, secret: &str| Client {
        id: id.to_owned(),
        secret: secret.to_owned(),
        redirect_uris: vec![REDIRECT.to_owned()],
        backchannel_logout_uri: None,
    };
    Settings {
        issuer: issuer.to_owned(),
        clients: vec![client("lodge", "canary: secret&"), client("other", "other-secret")],
        people: vec![
            person("student", "Ada <script>", Some(vec!["students".to_owned()])),
            person("guest", "Grace", None),
        ],
        signing_key_pkcs8: generate_signing_key(),
    }
}

async fn campus() -> Campus {
    campus_with(None).await
}

/// The provider, whose client `lodge` wants to hear of logouts there.
async fn campus_with(backchannel_logout_uri: Option<String>) -> Campus {
    // Only the client of these tests needs it: it is built with TLS, though it speaks to this machine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let clock = ManualClock::at(DateTime::from_timestamp(1_795_266_000, 0).unwrap());
    let mut settings = settings(&base);
    settings.clients[0].backchannel_logout_uri = backchannel_logout_uri;
    let idp = SmallIdp::new(settings, Clock::Manual(clock.clone()), Random::System).unwrap();
    tokio::spawn(axum::serve(listener, idp.router()).into_future());
    let http = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
    Campus { idp, clock, base, http }
}

fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER.as_bytes()))
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// The pairs with one replaced, or left out when `value` is empty.
fn with<'a>(mut pairs: Pairs<'a>, name: &'a str, value: &'a str) -> Pairs<'a> {
    pairs.retain(|(known, _)| *known != name);
    if !value.is_empty() {
        pairs.push((name, value));
    }
    pairs
}

fn ask(challenge: &str) -> Pairs<'_> {
    vec![
        ("response_type", "code"),
        ("client_id", "lodge"),
        ("redirect_uri", REDIRECT),
        ("scope", "openid profile"),
        ("state", "s t"),
        ("nonce", "n"),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
        ("prompt", "login"),
        ("max_age", "0"),
    ]
}

fn trade(code: &str) -> Pairs<'_> {
    vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("client_id", "lodge"),
        ("client_secret", "canary: secret&"),
    ]
}

/// Status and query of the redirect that this response is.
fn redirected(response: &reqwest::Response) -> HashMap<String, String> {
    assert_eq!(response.status(), 303);
    let url = Url::parse(response.headers()[LOCATION].to_str().unwrap()).unwrap();
    assert!(url.as_str().starts_with(REDIRECT), "{url}");
    url.query_pairs().into_owned().collect()
}

impl Campus {
    async fn get(&self, path_and_query: &str) -> reqwest::Response {
        self.http.get(format!("{}{path_and_query}", self.base)).send().await.unwrap()
    }

    async fn authorize(&self, pairs: &[(&str, &str)]) -> reqwest::Response {
        self.get(&format!("/authorize?{}", encoded(pairs))).await
    }

    async fn post(&self, path: &str, pairs: &[(&str, &str)], authorization: Option<&str>) -> reqwest::Response {
        let mut request = self
            .http
            .post(format!("{}{path}", self.base))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(encoded(pairs));
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        request.send().await.unwrap()
    }

    /// Opens the sign-in page and presses a button; the query that the browser comes back with.
    async fn press(&self, name: &str, value: &str) -> HashMap<String, String> {
        let page = self.authorize(&ask(&challenge())).await.text().await.unwrap();
        let handle = page.split("name=\"request\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        redirected(&self.post("/sign-in", &[("request", handle), (name, value)], None).await)
    }

    async fn code(&self) -> String {
        self.press("person", "sub-student").await["code"].clone()
    }

    /// Status and `error` of the token endpoint's answer.
    async fn refused(&self, pairs: &[(&str, &str)]) -> (u16, String) {
        let response = self.post("/token", pairs, None).await;
        let status = response.status().as_u16();
        (status, json(response).await["error"].as_str().unwrap_or_default().to_owned())
    }
}

async fn json(response: reqwest::Response) -> Value {
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

#[tokio::test]
async fn somebody_signs_in_and_the_id_token_verifies() {
    let campus = campus().await;
    let back = campus.press("person", "sub-student").await;
    assert_eq!((back["state"].as_str(), back["iss"].as_str()), ("s t", campus.base.as_str()));

    let response = campus.post("/token", &trade(&back["code"]), None).await;
    assert_eq!((response.status().as_u16(), &response.headers()["cache-control"]), (200, &"no-store".parse().unwrap()));
    let tokens = json(response).await;
    let id_token = tokens["id_token"].as_str().unwrap();

    let keys: JwkSet = serde_json::from_str(&campus.get("/jwks").await.text().await.unwrap()).unwrap();
    let key = keys.find(&jsonwebtoken::decode_header(id_token).unwrap().kid.unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&["lodge"]);
    validation.set_issuer(&[&campus.base]);
    validation.validate_exp = false;
    let claims =
        jsonwebtoken::decode::<Value>(id_token, &DecodingKey::from_jwk(key).unwrap(), &validation).unwrap().claims;
    assert_eq!(claims["sub"], "sub-student");
    assert_eq!(claims["nonce"], "n");
    assert_eq!(claims["groups"], serde_json::json!(["students"]));
    assert_eq!(claims["exp"], 1_795_266_000 + 300);
    assert_eq!(claims["auth_time"], 1_795_266_000);

    let access_token = tokens["access_token"].as_str().unwrap();
    let userinfo = campus.post("/userinfo", &[], Some(&format!("Bearer {access_token}"))).await;
    assert_eq!(json(userinfo).await["groups"], serde_json::json!(["students"]));
    assert_eq!(campus.idp.issued(), [back["code"].as_str(), id_token, access_token]);
}

#[tokio::test]
async fn basic_authentication_works_too_and_not_both() {
    let campus = campus().await;
    let basic = format!("Basic {}", STANDARD.encode("lodge:canary%3A+secret%26"));
    let code = campus.code().await;

    let both = campus.post("/token", &trade(&code), Some(&basic)).await;
    assert_eq!(json(both).await["error"], "invalid_request");

    let form = with(with(trade(&code), "client_secret", ""), "client_id", "");
    assert_eq!(campus.post("/token", &form, Some(&basic)).await.status(), 200);
}

#[tokio::test]
async fn a_person_without_groups_has_no_group_claim_at_all() {
    let campus = campus().await;
    let code = campus.press("person", "sub-guest").await["code"].clone();

    let tokens = json(campus.post("/token", &trade(&code), None).await).await;

    let payload = tokens["id_token"].as_str().unwrap().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    assert_eq!(claims["name"], "Grace");
    assert!(claims.get("groups").is_none());
}

#[tokio::test]
async fn a_wrong_client_or_redirect_shows_a_page_and_redirects_nobody() {
    let (campus, challenge) = (campus().await, challenge());
    for (name, value) in [
        ("client_id", "unknown"),
        ("client_id", ""),
        ("redirect_uri", "http://127.0.0.1:9/auth/campus/callback"),
        ("redirect_uri", "https://evil.example/"),
        ("redirect_uri", ""),
    ] {
        // A second mistake must not turn the page into a redirect.
        let pairs = with(with(ask(&challenge), name, value), "response_type", "token");
        let response = campus.authorize(&pairs).await;

        assert_eq!(response.status(), 400, "{name}={value}");
        assert!(response.headers().get(LOCATION).is_none());
    }
    let twice = [ask(&challenge), vec![("redirect_uri", "https://evil.example/")]].concat();
    assert_eq!(campus.authorize(&twice).await.status(), 400);
}

#[tokio::test]
async fn a_wrong_request_goes_back_with_its_error() {
    let (campus, challenge) = (campus().await, challenge());
    for (name, value, error) in [
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "", "invalid_request"),
        ("response_mode", "fragment", "invalid_request"),
        ("scope", "profile", "invalid_scope"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("max_age", "soon", "invalid_request"),
        ("prompt", "none", "login_required"),
        ("prompt", "none login", "invalid_request"),
        ("request", "e30", "request_not_supported"),
    ] {
        let back = redirected(&campus.authorize(&with(ask(&challenge), name, value)).await);

        assert_eq!(back["error"], error, "{name}={value}");
        assert_eq!((back["state"].as_str(), back["iss"].as_str()), ("s t", campus.base.as_str()));
    }
}

#[tokio::test]
async fn a_person_can_decline() {
    let back = campus().await.press("decline", "yes").await;

    assert_eq!(back["error"], "access_denied");
    assert!(!back.contains_key("code"));
}

#[tokio::test]
async fn the_page_escapes_names_and_runs_no_script() {
    let campus = campus().await;
    let response = campus.authorize(&ask(&challenge())).await;
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    let page = response.text().await.unwrap();

    assert!(page.contains("Ada &lt;script&gt;") && !page.contains("<script"), "{page}");
    assert!(page.contains("demo provider"), "{page}");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("form-action"), "{policy}");
}

#[tokio::test]
async fn a_code_works_once_and_its_replay_kills_the_token() {
    let campus = campus().await;
    let code = campus.code().await;
    let tokens = json(campus.post("/token", &trade(&code), None).await).await;
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());

    assert_eq!(campus.refused(&trade(&code)).await, (400, "invalid_grant".to_owned()));
    assert_eq!(campus.post("/userinfo", &[], Some(&bearer)).await.status(), 401);
}

#[tokio::test]
async fn a_code_lives_sixty_seconds() {
    let campus = campus().await;
    let (young, old) = (campus.code().await, campus.code().await);

    campus.clock.advance(TimeDelta::seconds(59));
    assert_eq!(campus.post("/token", &trade(&young), None).await.status(), 200);
    campus.clock.advance(TimeDelta::seconds(1));
    assert_eq!(campus.refused(&trade(&old)).await, (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn the_token_endpoint_refuses_what_does_not_match() {
    let campus = campus().await;
    for (name, value, status, error) in [
        ("code_verifier", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", 400, "invalid_grant"),
        ("code_verifier", "", 400, "invalid_request"),
        ("redirect_uri", "http://127.0.0.1:9/", 400, "invalid_grant"),
        ("redirect_uri", "", 400, "invalid_grant"),
        ("code", "guess", 400, "invalid_grant"),
        ("code", "", 400, "invalid_request"),
        ("grant_type", "password", 400, "unsupported_grant_type"),
        ("client_secret", "wrong", 401, "invalid_client"),
        ("client_secret", "", 401, "invalid_client"),
        ("client_id", "unknown", 401, "invalid_client"),
    ] {
        let code = campus.code().await;
        let pairs = with(trade(&code), name, value);

        assert_eq!(campus.refused(&pairs).await, (status, error.to_owned()), "{name}={value}");
    }
}

#[tokio::test]
async fn a_code_of_another_client_is_refused() {
    let campus = campus().await;
    let code = campus.code().await;
    let pairs = with(with(trade(&code), "client_id", "other"), "client_secret", "other-secret");

    assert_eq!(campus.refused(&pairs).await, (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn a_stranger_learns_nothing_about_anybody() {
    let campus = campus().await;

    assert_eq!(campus.get("/userinfo").await.status(), 401);
    assert_eq!(campus.post("/userinfo", &[], Some("Bearer guess")).await.status(), 401);
    assert_eq!(campus.post("/sign-in", &[("request", "guess"), ("person", "sub-student")], None).await.status(), 400);
}

#[tokio::test]
async fn discovery_describes_what_is_there() {
    let campus = campus().await;
    let configuration = json(campus.get("/.well-known/openid-configuration").await).await;

    assert_eq!(configuration["issuer"], campus.base);
    assert_eq!(configuration["authorization_response_iss_parameter_supported"], true);
    assert_eq!(configuration["code_challenge_methods_supported"], serde_json::json!(["S256"]));
    assert_eq!(configuration["jwks_uri"], format!("{}/jwks", campus.base));
}

#[test]
fn wrong_settings_are_refused() {
    let refused = |settings| SmallIdp::new(settings, Clock::System, Random::System).unwrap_err();

    assert_eq!(refused(settings("https://idp.example.edu/")), Error::Issuer);
    assert_eq!(refused(settings("idp.example.edu")), Error::Issuer);
    let no_key = Settings { signing_key_pkcs8: vec![1, 2, 3], ..settings("https://idp.example.edu") };
    assert_eq!(refused(no_key), Error::SigningKey);
    let mut relative = settings("https://idp.example.edu");
    relative.clients[0].redirect_uris.push("/callback".to_owned());
    assert_eq!(refused(relative), Error::RedirectUri);
}

#[test]
fn debug_shows_no_secret() {
    let settings = settings("https://idp.example.edu");
    let idp = SmallIdp::new(settings.clone(), Clock::System, Random::System).unwrap();

    let shown = format!("{settings:?} {idp:?}");

    assert!(shown.contains("lodge"));
    assert!(!shown.contains("canary") && !shown.contains("pkcs8"), "{shown}");
}

#[tokio::test]
async fn a_browser_is_remembered_with_the_time_of_its_sign_in() {
    let campus = campus().await;
    let challenge = challenge();
    let ordinary = with(with(ask(&challenge), "prompt", ""), "max_age", "");
    let mut browser = Browser::default();
    let page = browser.open(&campus, &ordinary).await;
    assert!(!page.contains("name=\"continue\""));
    let first = browser.press(&campus, &page, "person", "sub-student").await;

    campus.clock.advance(TimeDelta::minutes(20));
    let page = browser.open(&campus, &ordinary).await;
    assert!(page.contains("Go on as Ada &lt;script&gt;"), "{page}");
    let second = browser.press(&campus, &page, "continue", "yes").await;

    assert_eq!((&second["auth_time"], &second["sid"]), (&first["auth_time"], &first["sid"]));
    assert_eq!(second["iat"].as_i64().unwrap() - second["auth_time"].as_i64().unwrap(), 1_200);
    // What has to be younger cannot go on, and neither can another browser, nor one whose application asks for the page.
    for (name, value) in [("max_age", "1199"), ("prompt", "login")] {
        let page = browser.open(&campus, &with(ordinary.clone(), name, value)).await;
        assert!(!page.contains("name=\"continue\""), "{name}");
    }
    assert!(browser.open(&campus, &with(ordinary.clone(), "max_age", "1200")).await.contains("name=\"continue\""));
    assert!(!Browser::default().open(&campus, &ordinary).await.contains("name=\"continue\""));
    // Whoever shows anew who they are has a session of that moment.
    let page = browser.open(&campus, &ordinary).await;
    let third = browser.press(&campus, &page, "person", "sub-student").await;
    assert_eq!(third["auth_time"], third["iat"]);
    assert_ne!(third["sid"], first["sid"]);
}

#[tokio::test]
async fn a_second_factor_is_said_when_there_was_one() {
    let campus = campus().await;
    let challenge = challenge();
    let mut browser = Browser::default();
    let asked = with(ask(&challenge), "acr_values", SECOND_FACTOR);
    let page = browser.open(&campus, &asked).await;
    assert!(page.contains("asks for a second factor"), "{page}");

    let without = browser.press(&campus, &page, "person", "sub-student").await;
    let with_one = browser.press(&campus, &page, "second_factor", "with-second-factor/sub-student").await;

    assert_eq!((&without["acr"], &without["amr"]), (&Value::Null, &serde_json::json!(["pwd"])));
    assert_eq!(with_one["acr"], SECOND_FACTOR);
    assert_eq!((&with_one["amr"], &with_one["sub"]), (&serde_json::json!(["pwd", "otp", "mfa"]), &without["sub"]));
}

#[tokio::test]
async fn signing_out_tells_the_applications() {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let uri = format!("http://{}/auth/campus/backchannel-logout", listener.local_addr().unwrap());
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let hear = async move |body: String| {
        told.send(body).unwrap();
    };
    let application = Router::new().route("/auth/campus/backchannel-logout", post(hear));
    tokio::spawn(axum::serve(listener, application).into_future());
    let campus = campus_with(Some(uri)).await;
    let challenge = challenge();
    let ordinary = with(with(ask(&challenge), "prompt", ""), "max_age", "");
    let mut browser = Browser::default();
    let page = browser.open(&campus, &ordinary).await;
    let signed_in = browser.press(&campus, &page, "person", "sub-student").await;

    let left = browser.send(campus.http.post(format!("{}/sign-out", campus.base))).await;

    assert_eq!(left.status(), 200);
    let token = heard.recv().await.unwrap().strip_prefix("logout_token=").unwrap().to_owned();
    let header = jsonwebtoken::decode_header(&token).unwrap();
    assert_eq!(header.typ.as_deref(), Some("logout+jwt"));
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(
        (&claims["sid"], &claims["sub"], &claims["aud"]),
        (&signed_in["sid"], &signed_in["sub"], &"lodge".into())
    );
    assert!(claims["events"]["http://schemas.openid.net/event/backchannel-logout"].is_object());
    assert_eq!(claims["nonce"], Value::Null);
    assert!(!browser.open(&campus, &ordinary).await.contains("name=\"continue\""), "the session is over");
    browser.send(campus.http.post(format!("{}/sign-out", campus.base))).await;
    assert!(heard.try_recv().is_err(), "nobody left");
}
