//! Looking at a provider without signing anybody in: what `lodged doctor` asks.
//!
//! It goes through the guarded client and through the same discovery as a sign-in, and touches nothing that a sign-in
//! uses.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use openidconnect::core::{CoreClientAuthMethod, CoreJsonWebKeyUse, CoreJwsSigningAlgorithm};
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse, JsonWebKey};
use serde_json::Value;

use super::http::{self, GuardedClient};
use super::login::{self, Metadata};
use super::{Algorithm, ClientAuthentication, Error, Provider};
use crate::domain::person::Issuer;
use crate::server_time::ServerTime;

/// What a look at a provider found.
#[derive(Debug)]
pub struct Probe {
    /// What its clock said, when it answered anything at all.
    pub time: Option<ServerTime>,
    /// The issuer that its metadata names, when it is another than that of the settings.
    pub other_issuer: Option<Issuer>,
    /// What it offers, or why nobody can sign in there.
    pub offer: Result<Offer, Error>,
}

/// What a provider offers of what the settings ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// How many keys it publishes for signatures.
    pub keys: usize,
    /// What it may sign with, of what can be allowed at all.
    pub signs_with: Vec<Algorithm>,
    /// Those of them that the settings allow.
    pub algorithms: Vec<Algorithm>,
    /// Whether it takes the client secret as the settings say that it is shown.
    pub takes_authentication: bool,
    /// The scopes to ask for that it leaves out of the list of its scopes, where it has such a list. It need not be
    /// complete (OpenID Connect Discovery 1.0, section 3).
    pub unlisted_scopes: Vec<String>,
    /// Whether it leaves the claim with the groups out of the list of its claims. The same holds for that list.
    pub is_claim_unlisted: bool,
}

impl Provider {
    /// Fetches the provider's metadata and keys now, and compares them with the settings.
    pub async fn probe(&self) -> Probe {
        let client = Listening { inner: &self.http, heard: Mutex::default() };
        let fetched = login::discover(&self.settings.issuer, &client).await;
        let heard = client.heard.into_inner().unwrap_or_else(PoisonError::into_inner);
        Probe {
            time: heard.time,
            other_issuer: heard.issuer.filter(|issuer| *issuer != self.settings.issuer),
            offer: fetched.and_then(|metadata| self.compare(&metadata)),
        }
    }

    fn compare(&self, metadata: &Metadata) -> Result<Offer, Error> {
        let token_endpoint = metadata.token_endpoint().ok_or(Error::Metadata("it has no token endpoint"))?;
        if !self.http.may_visit(token_endpoint.as_str()) {
            return Err(Error::Unreachable(http::Error::Forbidden));
        }
        let keys = metadata.jwks().keys().iter();
        let listed = metadata.id_token_signing_alg_values_supported();
        let is_listed = |algorithm: &Algorithm| listed.contains(&CoreJwsSigningAlgorithm::from(*algorithm));
        let signs_with: Vec<_> = Algorithm::ALL.into_iter().filter(is_listed).collect();
        let methods = metadata.token_endpoint_auth_methods_supported();
        let scopes = metadata.scopes_supported();
        let claims = metadata.claims_supported();
        // A JSON Pointer's first part is the claim; what follows is inside of it.
        let claim = self.settings.group_claim.as_str().trim_start_matches('/').split('/').next().unwrap_or_default();
        let is_unlisted =
            |scope: &&String| scopes.is_some_and(|list| !list.iter().any(|known| known.as_str() == *scope));
        Ok(Offer {
            keys: keys.filter(|key| key.key_use() != Some(&CoreJsonWebKeyUse::Encryption)).count(),
            algorithms: signs_with.iter().copied().filter(|one| self.settings.algorithms.contains(one)).collect(),
            signs_with,
            takes_authentication: match self.settings.client_authentication {
                // What a list that is left out stands for.
                ClientAuthentication::Basic => {
                    methods.is_none_or(|list| list.contains(&CoreClientAuthMethod::ClientSecretBasic))
                }
                ClientAuthentication::Post => {
                    methods.is_some_and(|list| list.contains(&CoreClientAuthMethod::ClientSecretPost))
                }
            },
            unlisted_scopes: self.settings.scopes.iter().filter(is_unlisted).cloned().collect(),
            is_claim_unlisted: claims.is_some_and(|list| !list.iter().any(|known| known.as_str() == claim)),
        })
    }
}

/// The guarded client, with an ear for the first answer: that of the metadata.
struct Listening<'a> {
    inner: &'a GuardedClient,
    heard: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    answers: usize,
    time: Option<ServerTime>,
    issuer: Option<Issuer>,
}

impl Heard {
    fn hear(&mut self, response: &HttpResponse, sent: Instant) {
        self.answers += 1;
        if self.answers > 1 {
            return;
        }
        let date = response.headers().get("date").and_then(|date| date.to_str().ok());
        self.time = date.and_then(|date| ServerTime::read(date, sent));
        let metadata = serde_json::from_slice::<Value>(response.body()).ok();
        let issuer = metadata.as_ref().and_then(|metadata| metadata.get("issuer")).and_then(Value::as_str);
        self.issuer = issuer.and_then(|issuer| issuer.parse().ok());
    }
}

impl<'c> AsyncHttpClient<'c> for Listening<'_> {
    type Error = http::Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, http::Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let sent = Instant::now();
            let response = self.inner.call(request).await?;
            self.heard.lock().unwrap_or_else(PoisonError::into_inner).hear(&response, sent);
            Ok(response)
        })
    }
}
