//! What the helper says to a broker over HTTP.
//!
//! Redirects are never followed, bodies and times are capped, and a token travels only in a header marked sensitive or
//! in a body. ureq logs through the `log` crate, which nothing here connects to `tracing`: `LODGE_LOG` cannot show it.

mod cut_offs;
#[cfg(fuzzing)]
mod fuzzing;
mod labs;
mod look;
mod request;
mod why;

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use ureq::AsSendBody;
use ureq::http::header::{AUTHORIZATION, CONTENT_TYPE, DATE, IF_MATCH};
use ureq::http::request::Builder;
use ureq::http::{HeaderValue, Method, Request as Message, Response};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use crate::domain::id::RoleAddress;
use crate::wire::{
    CredentialsResponse, HELPER_CLIENT_ID, Me, OAUTH_METADATA_PATH, OauthError, OauthMetadata, Problem, TokenResponse,
};

use super::broker_url::BrokerUrl;
use super::failure::Failure;
use super::signed_in::SignedIn;

pub(crate) use cut_offs::Whom;
pub(crate) use labs::LabClient;
pub(crate) use look::Look;
use request::{Content, Request};

/// Largest body that is read. The largest real one is a page of mappings: a hundred, whose groups are 512 bytes at most.
const MAX_BODY_BYTES: u64 = 256 * 1024;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The Rust AWS SDK gives a credential process about 20 seconds: fail before it does, with a sentence.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(15);

/// Renewing a session comes before what is really asked, and both must fit into those 20 seconds.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection to one broker.
#[derive(Debug)]
pub(crate) struct Client {
    agent: ureq::Agent,
    broker: BrokerUrl,
}

/// What the helper trades for a token.
pub(crate) struct CodeExchange<'a> {
    pub(crate) code: &'a str,
    pub(crate) redirect_uri: &'a str,
    pub(crate) verifier: &'a str,
}

struct Answer {
    status: u16,
    /// What the broker's clock said, to the second.
    date: Option<DateTime<Utc>>,
    body: Zeroizing<Vec<u8>>,
}

impl Client {
    pub(crate) fn new(broker: &BrokerUrl) -> Self {
        let config = ureq::Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .user_agent(concat!("lodge/", env!("CARGO_PKG_VERSION")))
            .accept("application/json");
        let config = if broker.is_loopback() { config.proxy(None) } else { config };
        Self { agent: config.build().into(), broker: broker.clone() }
    }

    /// What the broker's authorization server says of itself, with the address for the browser. Checked: it is who we
    /// asked, and it sends us nowhere else.
    pub(crate) fn metadata(&self) -> Result<(OauthMetadata, Url), Failure> {
        self.described(&self.send(&Request::get(&self.broker.at(OAUTH_METADATA_PATH)))?)
    }

    fn described(&self, answer: &Answer) -> Result<(OauthMetadata, Url), Failure> {
        if answer.status == 404 {
            return Err(self.not_a_broker("there is no authorization server at this address"));
        }
        let metadata: OauthMetadata = self.read(answer)?;
        if metadata.issuer != self.broker.as_str() {
            return Err(self.not_a_broker("it names itself otherwise; use the address that it is known by"));
        }
        let own = |endpoint| {
            self.broker.own(endpoint).ok_or_else(|| self.not_a_broker("it sends the sign-in to another address"))
        };
        own(&metadata.token_endpoint)?;
        own(&metadata.revocation_endpoint)?;
        let authorize = own(&metadata.authorization_endpoint)?;
        Ok((metadata, authorize))
    }

    /// Trades the code for a token.
    pub(crate) fn exchange(&self, endpoint: &str, exchange: &CodeExchange<'_>) -> Result<TokenResponse, Failure> {
        let body = form(&[
            ("grant_type", "authorization_code"),
            ("code", exchange.code),
            ("redirect_uri", exchange.redirect_uri),
            ("client_id", HELPER_CLIENT_ID),
            ("code_verifier", exchange.verifier),
        ]);
        self.exchanged(&self.send(&Request::post(endpoint, Content::Form(&body)))?)
    }

    fn exchanged(&self, answer: &Answer) -> Result<TokenResponse, Failure> {
        if (400..429).contains(&answer.status)
            && let Ok(refusal) = serde_json::from_slice::<OauthError>(&answer.body)
        {
            return Err(Failure::SignIn(refusal.error_description.unwrap_or(refusal.error)));
        }
        self.tokens(answer)
    }

    /// Trades a refresh token for the next tokens. [`Failure::NotSignedIn`] when it is not good any more.
    pub(crate) fn refresh(&self, endpoint: &str, refresh_token: &str) -> Result<TokenResponse, Failure> {
        let body =
            form(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token), ("client_id", HELPER_CLIENT_ID)]);
        let request = Request::post(endpoint, Content::Form(&body)).within(REFRESH_TIMEOUT);
        let answer = self.send(&request)?;
        let refusal = serde_json::from_slice::<OauthError>(&answer.body).ok().filter(|_| answer.status == 400);
        if refusal.is_some_and(|refusal| refusal.error == "invalid_grant") {
            return Err(Failure::NotSignedIn { broker: self.broker.to_string() });
        }
        self.tokens(&answer)
    }

    fn tokens(&self, answer: &Answer) -> Result<TokenResponse, Failure> {
        let tokens: TokenResponse = self.read(answer)?;
        let all = [Some(&tokens.access_token), tokens.refresh_token.as_ref()];
        let usable = tokens.token_type.eq_ignore_ascii_case("Bearer")
            && all.into_iter().flatten().all(|it| !it.is_empty() && it.bytes().all(|b| b.is_ascii_graphic()));
        if usable { Ok(tokens) } else { Err(self.not_a_broker("its token is none that can be used")) }
    }

    /// Ends the session at the broker.
    pub(crate) fn revoke(&self, endpoint: &str, token: &str) -> Result<(), Failure> {
        let body = form(&[("token", token), ("client_id", HELPER_CLIENT_ID)]);
        let answer = self.send(&Request::post(endpoint, Content::Form(&body)))?;
        self.expect(&answer, &[200])
    }

    /// Who this session belongs to and what it opens.
    pub(crate) fn me(&self, token: &str) -> Result<Me, Failure> {
        let answer = self.send(&Request::get(&self.broker.at("/api/v1/me")).with_token(token))?;
        self.read(&answer)
    }

    /// Credentials for a role.
    pub(crate) fn credentials(&self, token: &str, role: &RoleAddress) -> Result<CredentialsResponse, Failure> {
        let url = self.broker.at(&format!("/api/v1/labs/{}/roles/{}/credentials", role.lab, role.role));
        let answer = self.send(&Request::post(&url, Content::Json("{}")).with_token(token))?;
        self.read(&answer)
    }

    fn send(&self, request: &Request<'_>) -> Result<Answer, Failure> {
        let mut message = Builder::new().method(&request.method).uri(request.url);
        if let Some(token) = request.token {
            message = message.header(AUTHORIZATION, self.bearer(token)?);
        }
        if let Some(revision) = request.revision {
            message = message.header(IF_MATCH, format!("\"{revision}\""));
        }
        if let Some(content_type) = request.content.content_type() {
            message = message.header(CONTENT_TYPE, content_type);
        }
        let sent = match request.content.text() {
            Some(text) => message.body(text).map_err(ureq::Error::Http).and_then(|it| self.run(it, request.within)),
            None => message.body(()).map_err(ureq::Error::Http).and_then(|it| self.run(it, request.within)),
        };
        self.answer(&request.method, request.url, sent)
    }

    fn run(&self, message: Message<impl AsSendBody>, within: Duration) -> Result<Response<ureq::Body>, ureq::Error> {
        self.agent.run(self.agent.configure_request(message).timeout_global(Some(within)).build())
    }

    fn bearer(&self, token: &str) -> Result<HeaderValue, Failure> {
        let text = Zeroizing::new(format!("Bearer {token}"));
        // Only a damaged session file holds a token that no header can carry.
        let mut value =
            HeaderValue::from_str(&text).map_err(|_| Failure::NotSignedIn { broker: self.broker.to_string() })?;
        value.set_sensitive(true);
        Ok(value)
    }

    fn answer(
        &self,
        method: &Method,
        url: &str,
        sent: Result<Response<ureq::Body>, ureq::Error>,
    ) -> Result<Answer, Failure> {
        let mut response = sent.map_err(|error| self.not_sent(&error))?;
        let status = response.status().as_u16();
        tracing::debug!(http.status = status, "{method} {url}");
        if (300..400).contains(&status) {
            return Err(self.not_a_broker("it redirects elsewhere; use the address that it is known by"));
        }
        let date = response.headers().get(DATE).and_then(|it| DateTime::parse_from_rfc2822(it.to_str().ok()?).ok());
        let read = response.body_mut().with_config().limit(MAX_BODY_BYTES).read_to_vec();
        let body = Zeroizing::new(read.map_err(|error| self.not_sent(&error))?);
        Ok(Answer { status, date: date.map(|date| date.to_utc()), body })
    }

    fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, Failure> {
        self.read_with(answer, &[200])
    }

    fn read_with<T: DeserializeOwned>(&self, answer: &Answer, statuses: &[u16]) -> Result<T, Failure> {
        self.expect(answer, statuses)?;
        // The parser's own words could repeat what it read.
        serde_json::from_slice(&answer.body).map_err(|_| self.not_a_broker("its answer is not the expected JSON"))
    }

    /// Whether the answer has one of the statuses that belong to what was asked.
    fn expect(&self, answer: &Answer, statuses: &[u16]) -> Result<(), Failure> {
        if statuses.contains(&answer.status) { Ok(()) } else { Err(self.failure(answer)) }
    }

    fn failure(&self, answer: &Answer) -> Failure {
        let broker = self.broker.to_string();
        let problem = serde_json::from_slice::<Problem>(&answer.body).ok();
        match answer.status {
            401 => Failure::NotSignedIn { broker },
            429 | 500..=599 => Failure::Unavailable { broker, status: answer.status, problem: problem.map(Box::new) },
            status => match problem {
                Some(problem) => Failure::Refused { detail: problem.detail },
                None => self.not_a_broker(&format!("status {status} without a reason")),
            },
        }
    }

    pub(crate) fn not_a_broker(&self, what: &str) -> Failure {
        Failure::NotABroker { broker: self.broker.to_string(), what: what.to_owned() }
    }

    fn not_sent(&self, error: &ureq::Error) -> Failure {
        let unreachable = |reason: String| Failure::Unreachable { broker: self.broker.to_string(), reason };
        match error {
            ureq::Error::BodyExceedsLimit(_) | ureq::Error::LargeResponseHeader(..) => {
                self.not_a_broker("its answer is too large")
            }
            ureq::Error::Protocol(_) | ureq::Error::Http(_) | ureq::Error::BadUri(_) => {
                self.not_a_broker("its answer is not HTTP")
            }
            ureq::Error::Io(error) => unreachable(error.to_string()),
            ureq::Error::Timeout(_) => unreachable("no answer in time".to_owned()),
            other => unreachable(other.to_string()),
        }
    }
}

/// A form body that is wiped when it is no longer needed.
fn form(fields: &[(&str, &str)]) -> Zeroizing<String> {
    let length = fields.iter().map(|(name, value)| name.len() + 3 * value.len() + 2).sum();
    let mut form = form_urlencoded::Serializer::new(String::with_capacity(length));
    Zeroizing::new(form.extend_pairs(fields).finish())
}
