//! What a provider says of itself (OpenID Connect Discovery 1.0), as far as a sign-in needs it.
//!
//! The members that are used must be right; what the others hold does not matter, and at universities it is often odd. An
//! endpoint counts only where the operator lets the broker go.

use serde_json::{Map, Value};
use url::Url;

use super::http::{self, GuardedClient};
use super::{Error, Settings, json};

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Metadata {
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Url,
    pub(super) userinfo_endpoint: Option<Url>,
    pub(super) jwks_uri: Url,
    /// Whether it promises to name itself in its answers (RFC 9207, section 3).
    pub(super) names_itself: bool,
}

/// Where the metadata is: where the settings say, or where the issuer has it (Discovery, section 4).
pub(super) fn address(settings: &Settings) -> Result<Url, Error> {
    if let Some(url) = &settings.discovery_url {
        return Ok(url.clone());
    }
    let issuer = settings.issuer.as_str().trim_end_matches('/');
    Url::parse(&format!("{issuer}/.well-known/openid-configuration"))
        .map_err(|_| Error::Metadata("the issuer is not a web address"))
}

/// Reads the metadata's members. The issuer is the one of the settings, character by character.
pub(super) fn members(settings: &Settings, body: &[u8]) -> Result<Map<String, Value>, Error> {
    let members = json::object(body).map_err(Error::Metadata)?;
    match members.get("issuer").and_then(Value::as_str) {
        Some(issuer) if issuer == settings.issuer.as_str() => Ok(members),
        Some(_) => Err(Error::Metadata("it names another issuer")),
        None => Err(Error::Metadata("it names no issuer")),
    }
}

impl Metadata {
    /// What a sign-in needs. All origins that are not open to the broker are named at once.
    pub(super) fn read(members: &Map<String, Value>, client: &GuardedClient) -> Result<Self, Error> {
        let mut closed = Vec::new();
        let mut endpoint = |name: &str, missing: &'static str| -> Result<Url, Error> {
            let url = members.get(name).and_then(Value::as_str).and_then(|text| Url::parse(text).ok());
            let url = url.filter(|url| url.fragment().is_none()).ok_or(Error::Metadata(missing))?;
            match client.check(&url) {
                Err(http::Error::Origin(origin)) if !closed.contains(&origin) => closed.push(origin),
                Err(http::Error::Origin(_)) | Ok(()) => {}
                Err(error) => return Err(Error::Unreachable(error)),
            }
            Ok(url)
        };
        let authorization_endpoint = endpoint("authorization_endpoint", "it has no usable authorization endpoint")?;
        let token_endpoint = endpoint("token_endpoint", "it has no usable token endpoint")?;
        let jwks_uri = endpoint("jwks_uri", "it has no usable address for its keys")?;
        let userinfo_endpoint = match members.get("userinfo_endpoint") {
            None => None,
            Some(_) => Some(endpoint("userinfo_endpoint", "its userinfo endpoint is not usable")?),
        };
        if !closed.is_empty() {
            return Err(Error::ClosedOrigins(closed));
        }
        let names_itself = members.get("authorization_response_iss_parameter_supported");
        Ok(Self {
            authorization_endpoint,
            token_endpoint,
            userinfo_endpoint,
            jwks_uri,
            names_itself: names_itself.is_some_and(|says| *says == Value::Bool(true) || says == "true"),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::http::Reach;
    use super::*;
    use crate::domain::sign_in::SignInRefusal;

    const ISSUER: &str = "https://sso.example.edu";

    fn settings() -> Settings {
        Settings::new("campus".parse().unwrap(), ISSUER.parse().unwrap(), "lodge", "secret".to_owned().into())
    }

    fn read(change: &Value, reach: &Reach) -> Result<Metadata, Error> {
        let mut document = json!({
            "issuer": ISSUER,
            "authorization_endpoint": format!("{ISSUER}/authorize"),
            "token_endpoint": format!("{ISSUER}/token"),
            "jwks_uri": format!("{ISSUER}/jwks"),
        });
        for (name, value) in change.as_object().unwrap() {
            document[name] = value.clone();
        }
        let client = GuardedClient::new(&[&ISSUER.parse().unwrap()], reach).unwrap();
        Metadata::read(&members(&settings(), document.to_string().as_bytes())?, &client)
    }

    #[test]
    fn what_is_not_used_does_not_matter() {
        let odd = json!({
            "request_parameter_supported": "true", "op_policy_uri": "", "response_types_supported": 7,
            "id_token_signing_alg_values_supported": ["none", "HS256"], "scopes_supported": null,
            "end_session_endpoint": "file:///etc/passwd", "authorization_response_iss_parameter_supported": "true",
        });

        assert!(read(&odd, &Reach::default()).unwrap().names_itself);
        assert!(!read(&json!({}), &Reach::default()).unwrap().names_itself);
    }

    #[test]
    fn the_issuer_is_compared_character_by_character() {
        for other in [
            json!("https://sso.example.edu/"),
            json!("https://SSO.example.edu"),
            json!("https://evil.example"),
            json!("https://login.example.com/{tenantid}/v2.0"),
            json!([ISSUER]),
            json!(null),
        ] {
            let error = read(&json!({ "issuer": other }), &Reach::default()).unwrap_err();
            assert_eq!(error.refusal(), SignInRefusal::ProviderMetadata, "{other}");
        }
    }

    #[test]
    fn every_closed_origin_is_named_at_once() {
        let google = json!({
            "token_endpoint": "https://oauth2.example.com/token",
            "jwks_uri": "https://www.example.com/certs",
            "userinfo_endpoint": "https://www.example.com/userinfo",
        });

        let error = read(&google, &Reach::default()).unwrap_err();

        assert_eq!(error.refusal(), SignInRefusal::ForbiddenAddress);
        assert_eq!(
            error.to_string(),
            "its endpoints are at other origins than its issuer: if they are the provider's, set endpoint_origins = \
             [\"https://oauth2.example.com\", \"https://www.example.com\"]"
        );
        let origins = ["https://oauth2.example.com", "https://www.example.com"];
        let open = Reach { endpoint_origins: origins.map(|one| one.parse().unwrap()).to_vec(), ..Reach::default() };
        assert!(read(&google, &open).is_ok());
    }

    #[test]
    fn an_address_that_nobody_goes_to_is_refused_in_every_place() {
        for name in ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"] {
            for bad in [
                "http://169.254.169.254/latest/meta-data",
                "file:///etc/passwd",
                "http://sso.example.edu/x",
                "https://good@sso.example.edu/x",
            ] {
                let error = read(&json!({ name: bad }), &Reach::default()).unwrap_err();
                assert_eq!(error.refusal(), SignInRefusal::ForbiddenAddress, "{name}: {bad}");
            }
            for bad in [json!("x"), json!(7), json!(null), json!("https://sso.example.edu/x#y")] {
                let error = read(&json!({ name: bad }), &Reach::default()).unwrap_err();
                assert_eq!(error.refusal(), SignInRefusal::ProviderMetadata, "{name}: {bad}");
            }
        }
    }

    #[test]
    fn the_metadata_is_where_the_issuer_or_the_settings_say() {
        let with = |issuer: &str| Settings { issuer: issuer.parse().unwrap(), ..settings() };
        for (issuer, at) in [
            ("https://a.example", "https://a.example/.well-known/openid-configuration"),
            ("https://a.example/", "https://a.example/.well-known/openid-configuration"),
            ("https://a.example/realms/r", "https://a.example/realms/r/.well-known/openid-configuration"),
        ] {
            assert_eq!(address(&with(issuer)).unwrap().as_str(), at);
        }
        let elsewhere = Some("https://a.example/idp/profile/oidc/configuration".parse().unwrap());
        let elsewhere = Settings { discovery_url: elsewhere, ..settings() };
        assert_eq!(address(&elsewhere).unwrap().path(), "/idp/profile/oidc/configuration");
    }
}
