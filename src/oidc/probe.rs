//! Looking at a provider without signing anybody in: what `lodged doctor` asks.
//!
//! It goes through the guarded client and reads with the readers of a sign-in, and touches nothing that a sign-in uses.

use std::time::Instant;

use http::header;
use serde_json::{Map, Value};

use super::keys::KeySet;
use super::metadata::{self, Metadata};
use super::{Algorithm, ClientAuthentication, Error, Provider, json};
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
#[expect(clippy::struct_excessive_bools, reason = "each is a fact by itself, and none of them is a state")]
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
    /// Whether it has an endpoint to ask for groups that are not in the ID token.
    pub has_user_info: bool,
    /// Whether none of the connection's words for a second factor is in the list of its levels (`acr`), where it has such
    /// a list.
    pub is_second_factor_unlisted: bool,
    /// Whether it says that it takes demands for single claims (`claims`).
    pub takes_demands: bool,
    /// Whether it says when somebody leaves (Back-Channel Logout 1.0).
    pub tells_of_logout: bool,
}

impl Provider {
    /// Fetches the provider's metadata and keys now, and compares them with the settings.
    pub async fn probe(&self) -> Probe {
        let sent = Instant::now();
        let answer = match metadata::address(&self.settings) {
            Ok(url) => self.document(&url).await,
            Err(error) => Err(error),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Probe { time: None, other_issuer: None, offer: Err(error) },
        };
        let date = answer.headers().get(header::DATE).and_then(|date| date.to_str().ok());
        let issuer = json::object(answer.body()).ok();
        let issuer: Option<Issuer> = issuer.and_then(|it| it.get("issuer")?.as_str()?.parse().ok());
        Probe {
            time: date.and_then(|date| ServerTime::read(date, sent)),
            other_issuer: issuer.filter(|issuer| *issuer != self.settings.issuer),
            offer: self.offer(answer.body()).await,
        }
    }

    async fn offer(&self, body: &[u8]) -> Result<Offer, Error> {
        let members = metadata::members(&self.settings, body)?;
        let metadata = Metadata::read(&members, &self.http)?;
        let keys = KeySet::read(self.document(&metadata.jwks_uri).await?.body()).map_err(Error::Metadata)?;
        Ok(self.compare(&members, &metadata, &keys))
    }

    fn compare(&self, members: &Map<String, Value>, metadata: &Metadata, keys: &KeySet) -> Offer {
        let settings = &self.settings;
        let listed = |name: &str| List::of(members, name);
        let algorithms = listed("id_token_signing_alg_values_supported");
        let signs_with: Vec<_> = Algorithm::ALL.into_iter().filter(|one| algorithms.has(one.name())).collect();
        let methods = listed("token_endpoint_auth_methods_supported");
        let scopes = listed("scopes_supported");
        let levels = listed("acr_values_supported");
        Offer {
            keys: keys.len(),
            algorithms: signs_with.iter().copied().filter(|one| settings.algorithms.contains(one)).collect(),
            signs_with,
            takes_authentication: match settings.client_authentication {
                // What a list that is left out stands for.
                ClientAuthentication::Basic => !methods.is_there() || methods.has("client_secret_basic"),
                ClientAuthentication::Post => methods.has("client_secret_post"),
            },
            unlisted_scopes: settings.scopes.iter().filter(|scope| scopes.lacks(scope)).cloned().collect(),
            is_claim_unlisted: listed("claims_supported").lacks(settings.group_claim.member()),
            has_user_info: metadata.userinfo_endpoint.is_some(),
            is_second_factor_unlisted: levels.is_there() && !settings.mfa.acr.iter().any(|level| levels.has(level)),
            takes_demands: is_true(members, "claims_parameter_supported"),
            tells_of_logout: is_true(members, "backchannel_logout_supported"),
        }
    }
}

fn is_true(members: &Map<String, Value>, name: &str) -> bool {
    members.get(name).is_some_and(|value| *value == Value::Bool(true) || value == "true")
}

/// A list in the metadata, which may be left out.
struct List<'m>(Option<&'m Vec<Value>>);

impl<'m> List<'m> {
    fn of(members: &'m Map<String, Value>, name: &str) -> Self {
        Self(members.get(name).and_then(Value::as_array))
    }

    const fn is_there(&self) -> bool {
        self.0.is_some()
    }

    fn has(&self, entry: &str) -> bool {
        self.0.is_some_and(|list| list.iter().any(|known| known == entry))
    }

    fn lacks(&self, entry: &str) -> bool {
        self.is_there() && !self.has(entry)
    }
}
