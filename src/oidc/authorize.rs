//! Sending a browser to the provider (OpenID Connect Core 1.0, section 3.1.2.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::{Error, MfaRequest, MfaRule, Provider, StepUp};

/// What the broker asks a provider's sign-in page.
#[derive(Debug)]
pub struct AuthorizationRequest<'a> {
    /// Our callback for this connection.
    pub redirect_uri: &'a str,
    /// Comes back with the answer.
    pub state: &'a SecretString,
    /// Comes back inside the ID token.
    pub nonce: &'a SecretString,
    /// Shown when the code is traded.
    pub verifier: &'a SecretString,
    /// Whether the provider should let the person choose another account.
    pub choose_account: bool,
    /// What the sign-in has to prove beside who somebody is.
    pub step_up: StepUp,
}

impl Provider {
    /// Where to send the browser.
    ///
    /// # Errors
    ///
    /// When the provider's metadata cannot be had.
    pub async fn authorization_url(&self, ask: &AuthorizationRequest<'_>) -> Result<Url, Error> {
        let mut url = self.learned().await?.metadata.authorization_endpoint.clone();
        let scopes: Vec<&str> =
            std::iter::once("openid").chain(self.settings.scopes.iter().map(String::as_str)).collect();
        // RFC 7636, section 4.2.
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(ask.verifier.expose_secret()));
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", ask.redirect_uri)
            .append_pair("scope", &scopes.join(" "))
            .append_pair("state", ask.state.expose_secret())
            .append_pair("nonce", ask.nonce.expose_secret())
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        if ask.choose_account {
            query.append_pair("prompt", "select_account");
        }
        if let Some(max_age) = ask.step_up.max_age {
            query.append_pair("max_age", &max_age.num_seconds().max(0).to_string());
        }
        if ask.step_up.mfa {
            query.extend_pairs(second_factor(&self.settings.mfa));
        }
        drop(query);
        Ok(url)
    }
}

/// How a provider is asked for a second factor: by a wish (`acr_values`), and by a demand (`claims`, section 5.5.1.1).
fn second_factor(rule: &MfaRule) -> Vec<(&'static str, String)> {
    let mut asked = Vec::new();
    if rule.request != MfaRequest::Claims && !rule.acr.is_empty() {
        asked.push(("acr_values", rule.acr.join(" ")));
    }
    if rule.request != MfaRequest::AcrValues {
        let demanded: Map<String, Value> = [("acr", &rule.acr), ("acrs", &rule.acrs)]
            .into_iter()
            .filter(|(_, words)| !words.is_empty())
            .map(|(name, words)| (name.to_owned(), essential(words)))
            .collect();
        if !demanded.is_empty() {
            asked.push(("claims", json!({ "id_token": demanded }).to_string()));
        }
    }
    asked
}

fn essential(words: &[String]) -> Value {
    match words {
        [one] => json!({"essential": true, "value": one}),
        several => json!({"essential": true, "values": several}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn a_second_factor_is_asked_for_as_the_refeds_profile_writes_it() {
        let refeds = "https://refeds.org/profile/mfa";

        let asked = second_factor(&MfaRule::default());

        let demand = json!({"id_token": {"acr": {"essential": true, "value": refeds}}});
        assert_eq!(asked, [("acr_values", refeds.to_owned()), ("claims", demand.to_string())]);
        for (request, expected) in [(MfaRequest::AcrValues, "acr_values"), (MfaRequest::Claims, "claims")] {
            let asked = second_factor(&MfaRule { request, ..MfaRule::default() });
            assert_eq!(asked.iter().map(|(name, _)| *name).collect::<Vec<_>>(), [expected]);
        }
    }

    #[test]
    fn an_authentication_context_can_only_be_demanded() {
        let entra = MfaRule { acr: vec![], acrs: words(&["c1"]), ..MfaRule::default() };

        let asked = second_factor(&entra);

        assert_eq!(asked, [("claims", r#"{"id_token":{"acrs":{"essential":true,"value":"c1"}}}"#.to_owned())]);
        let either = MfaRule { acr: words(&["a", "b"]), ..MfaRule::default() };
        assert_eq!(second_factor(&either)[0], ("acr_values", "a b".to_owned()));
        assert_eq!(second_factor(&either)[1].1, r#"{"id_token":{"acr":{"essential":true,"values":["a","b"]}}}"#);
        let by_amr = MfaRule { acr: vec![], ..MfaRule::default() };
        assert_eq!(second_factor(&by_amr), []);
    }
}
