//! `[[connection]]`: the keys of one identity provider, and what of them cannot be.

use std::fmt::Display;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::Error;
use super::load::{secret, value};
use crate::domain::claims::{GroupForm, GroupFormat};
use crate::oidc::{self, Algorithm, ClientAuthentication, InsecureOrigin, MfaRequest, MfaRule, Reach};

/// `[[connection]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// What mappings call it; never changed once it is used.
    pub name: String,
    /// What people read on the sign-in page.
    pub title: String,
    /// The provider's issuer, exactly as its metadata writes it.
    pub issuer: String,
    /// Where its metadata is, when that is not `/.well-known/openid-configuration` below the issuer.
    pub discovery_url: Option<Url>,
    /// The broker's client id there.
    pub client_id: String,
    /// A file that holds the broker's client secret there.
    pub client_secret_file: PathBuf,
    /// How the secret is shown: `basic` or `post`.
    #[serde(default)]
    pub client_authentication: ClientAuthenticationKey,
    /// The scopes to ask for beside `openid`.
    #[serde(default = "default_scopes")]
    pub scopes: Vec<String>,
    /// What an ID token may be signed with: `RS256`, `PS256`, `ES256`, `ES384`, `EdDSA`.
    #[serde(default = "default_algorithms")]
    pub algorithms: Vec<AlgorithmKey>,
    /// The claim that holds the groups: a name, or a JSON Pointer that starts with `/`.
    #[serde(default = "default_group_claim")]
    pub group_claim: String,
    /// What its entries are: `plain`, `entitlement` or `guid`.
    #[serde(default)]
    pub group_format: GroupFormatKey,
    /// What stands between groups that come as one string; without it, a string is one group.
    pub group_separator: Option<String>,
    /// How many groups the provider sends at most, leaving out the others without a word.
    pub group_limit: Option<NonZeroUsize>,
    /// The claim that somebody is known by.
    #[serde(default = "default_subject_claim")]
    pub subject_claim: String,
    /// The one tenant that people may come from (Entra ID's `tid`).
    pub tenant: Option<String>,
    /// The universities that people may come from (CILogon's `idp`); all, when there are none.
    #[serde(default)]
    pub identity_providers: Vec<String>,
    /// Values of `acr` that mean a second factor.
    #[serde(default = "default_mfa_acr")]
    pub mfa_acr: Vec<String>,
    /// Entries of `amr` that mean one.
    #[serde(default = "default_mfa_amr")]
    pub mfa_amr: Vec<String>,
    /// Entries of `acrs` that mean one: Entra ID's authentication contexts.
    #[serde(default)]
    pub mfa_acrs: Vec<String>,
    /// How a second factor is asked for: `both`, `acr_values` or `claims`.
    #[serde(default)]
    pub mfa_request: MfaRequestKey,
    /// Origins, other than the issuer's, where the provider's endpoints may be.
    #[serde(default)]
    pub endpoint_origins: Vec<String>,
    /// Private networks of the campus that the provider may be in.
    #[serde(default)]
    pub internal_networks: Vec<String>,
    /// Origins on this machine that may be asked without TLS: for tests.
    #[serde(default)]
    pub insecure_origins: Vec<String>,
}

/// See [`Connection::client_authentication`].
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuthenticationKey {
    /// In the `Authorization` header.
    #[default]
    Basic,
    /// In the form.
    Post,
}

/// See [`Connection::algorithms`].
#[derive(Clone, Copy, Debug, Deserialize)]
#[expect(missing_docs, reason = "these are the names of RFC 7518")]
pub enum AlgorithmKey {
    #[serde(rename = "RS256")]
    Rs256,
    #[serde(rename = "PS256")]
    Ps256,
    #[serde(rename = "ES256")]
    Es256,
    #[serde(rename = "ES384")]
    Es384,
    #[serde(rename = "EdDSA")]
    EdDsa,
}

/// See [`Connection::group_format`].
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupFormatKey {
    /// Names.
    #[default]
    Plain,
    /// AARC entitlements.
    Entitlement,
    /// Identifiers.
    Guid,
}

/// See [`Connection::mfa_request`].
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MfaRequestKey {
    /// In both ways.
    #[default]
    Both,
    /// By `acr_values`.
    AcrValues,
    /// By an essential claim in `claims`.
    Claims,
}

fn default_scopes() -> Vec<String> {
    vec!["profile".to_owned()]
}

fn default_algorithms() -> Vec<AlgorithmKey> {
    vec![AlgorithmKey::Rs256, AlgorithmKey::Es256]
}

fn default_group_claim() -> String {
    "groups".to_owned()
}

fn default_subject_claim() -> String {
    "sub".to_owned()
}

fn default_mfa_acr() -> Vec<String> {
    MfaRule::default().acr
}

fn default_mfa_amr() -> Vec<String> {
    MfaRule::default().amr
}

/// CILogon's issuers, which sign in whoever has an account at Google, GitHub or ORCID.
const OPEN_TO_ALL: [&str; 2] = ["https://cilogon.org", "https://test.cilogon.org"];

/// What stands for a tenant in an issuer of Entra ID's, and is none.
const NO_TENANT: [&str; 4] = ["/common/", "/organizations/", "/consumers/", "/{tenantid}/"];

impl Connection {
    /// That all of it can be.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.settings(SecretString::default()).map(|_| ())
    }

    pub(super) fn client_secret(&self) -> Result<SecretString, Error> {
        secret(&self.key("client_secret_file"), &self.client_secret_file)
    }

    /// The provider, with the client secret read.
    ///
    /// # Errors
    ///
    /// When the secret cannot be read, or a value cannot be.
    pub fn provider(&self) -> Result<oidc::Settings, Error> {
        self.settings(self.client_secret()?)
    }

    fn settings(&self, client_secret: SecretString) -> Result<oidc::Settings, Error> {
        let name = self.name.parse().map_err(|error| value("connection.name", format!("{error}")))?;
        let issuer = self.parsed("issuer", &self.issuer)?;
        if self.algorithms.is_empty() {
            return Err(value(self.key("algorithms"), "at least one is needed"));
        }
        if self.scopes.iter().any(|scope| scope.is_empty() || scope.contains(char::is_whitespace)) {
            return Err(value(self.key("scopes"), "each scope stands by itself, without spaces"));
        }
        let reach = self.reach()?;
        self.check_addresses(&reach)?;
        self.check_people()?;
        Ok(oidc::Settings {
            title: self.title.clone(),
            discovery_url: self.discovery_url.clone(),
            client_authentication: match self.client_authentication {
                ClientAuthenticationKey::Basic => ClientAuthentication::Basic,
                ClientAuthenticationKey::Post => ClientAuthentication::Post,
            },
            scopes: self.scopes.clone(),
            algorithms: self.algorithms.iter().map(|key| algorithm(*key)).collect(),
            group_claim: self.parsed("group_claim", &self.group_claim)?,
            group_form: self.group_form()?,
            subject_claim: self.parsed("subject_claim", &self.subject_claim)?,
            tenant: self.tenant.clone(),
            identity_providers: self.identity_providers.clone(),
            mfa: self.mfa()?,
            reach,
            ..oidc::Settings::new(name, issuer, &self.client_id, client_secret)
        })
    }

    fn group_form(&self) -> Result<GroupForm, Error> {
        if self.group_separator.as_ref().is_some_and(|separator| separator.trim().is_empty() && separator != " ") {
            return Err(value(self.key("group_separator"), "must be a sign such as \";\", or one space"));
        }
        Ok(GroupForm {
            format: match self.group_format {
                GroupFormatKey::Plain => GroupFormat::Plain,
                GroupFormatKey::Entitlement => GroupFormat::Entitlement,
                GroupFormatKey::Guid => GroupFormat::Guid,
            },
            separator: self.group_separator.clone(),
            limit: self.group_limit,
        })
    }

    fn mfa(&self) -> Result<MfaRule, Error> {
        for (field, words) in [("mfa_acr", &self.mfa_acr), ("mfa_amr", &self.mfa_amr), ("mfa_acrs", &self.mfa_acrs)] {
            if words.iter().any(|word| word.is_empty() || word.contains(char::is_whitespace)) {
                return Err(value(self.key(field), "each value stands by itself, without spaces"));
            }
        }
        let request = match self.mfa_request {
            MfaRequestKey::Both => MfaRequest::Both,
            MfaRequestKey::AcrValues => MfaRequest::AcrValues,
            MfaRequestKey::Claims => MfaRequest::Claims,
        };
        if request == MfaRequest::AcrValues && self.mfa_acr.is_empty() {
            return Err(value(self.key("mfa_request"), "with \"acr_values\", `mfa_acr` needs a value to ask for"));
        }
        Ok(MfaRule { acr: self.mfa_acr.clone(), amr: self.mfa_amr.clone(), acrs: self.mfa_acrs.clone(), request })
    }

    fn reach(&self) -> Result<Reach, Error> {
        let network = |text: &String| {
            let form = "must be a private network, such as 10.20.0.0/16";
            let network = text.parse().ok().filter(oidc::is_internal);
            network.ok_or_else(|| value(self.key("internal_networks"), format!("`{text}` {form}")))
        };
        let endpoints = self.endpoint_origins.iter().map(|text| self.parsed("endpoint_origins", text));
        let insecure = self.insecure_origins.iter().map(|text| self.parsed("insecure_origins", text));
        Ok(Reach {
            endpoint_origins: endpoints.collect::<Result<_, _>>()?,
            internal_networks: self.internal_networks.iter().map(network).collect::<Result<_, _>>()?,
            insecure_origins: insecure.collect::<Result<_, _>>()?,
        })
    }

    /// That issuer and metadata are where the broker goes.
    fn check_addresses(&self, reach: &Reach) -> Result<(), Error> {
        if let Some(alias) = NO_TENANT.iter().find(|alias| format!("{}/", self.issuer).contains(**alias)) {
            let alias = alias.trim_matches('/');
            let problem = format!("`{alias}` stands for every tenant: write the id of your own in its place");
            return Err(value(self.key("issuer"), problem));
        }
        let issuer = Url::parse(&self.issuer).map_err(|_| value(self.key("issuer"), "is no web address"))?;
        let addresses = [("issuer", Some(&issuer)), ("discovery_url", self.discovery_url.as_ref())];
        for (field, url) in addresses.into_iter().filter_map(|(field, url)| Some((field, url?))) {
            if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
                return Err(value(self.key(field), "must have no user and no fragment"));
            }
            let origin = url.origin().ascii_serialization();
            let is_insecure = |known: &InsecureOrigin| known.origin().to_string() == origin;
            if url.scheme() == "https" || reach.insecure_origins.iter().any(is_insecure) {
                continue;
            }
            let problem = if origin.parse::<InsecureOrigin>().is_ok() {
                format!(
                    "must be https; for a provider of a test on this machine, set insecure_origins = [\"{origin}\"]"
                )
            } else {
                "must be https".to_owned()
            };
            return Err(value(self.key(field), problem));
        }
        Ok(())
    }

    /// That people can be told apart, and come from where they should.
    fn check_people(&self) -> Result<(), Error> {
        if let Some(tenant) = &self.tenant {
            let guid = GroupForm { format: GroupFormat::Guid, ..GroupForm::default() };
            if !tenant.parse().is_ok_and(|tenant| guid.normal_form(&tenant).is_ok()) {
                let problem = "must be the tenant's id, such as 3fb9b1d4-5f3a-4d0e-9f8f-0b3a1a2c4d5e";
                return Err(value(self.key("tenant"), problem));
            }
        }
        if self.subject_claim == "oid" && self.tenant.is_none() {
            return Err(value(self.key("subject_claim"), "`oid` tells people apart within one tenant: set `tenant`"));
        }
        if self.identity_providers.iter().any(|one| one.is_empty() || one.contains(char::is_whitespace)) {
            return Err(value(self.key("identity_providers"), "each is an entity id, without spaces"));
        }
        if OPEN_TO_ALL.contains(&self.issuer.trim_end_matches('/')) && self.identity_providers.is_empty() {
            let problem = "CILogon signs in whoever has an account at Google or GitHub: name the universities that people \
                           may come from";
            return Err(value(self.key("identity_providers"), problem));
        }
        Ok(())
    }

    fn parsed<T: FromStr<Err: Display>>(&self, field: &str, text: &str) -> Result<T, Error> {
        text.parse().map_err(|error: T::Err| value(self.key(field), error.to_string()))
    }

    fn key(&self, field: &str) -> String {
        format!("connection `{}`: {field}", self.name)
    }
}

const fn algorithm(key: AlgorithmKey) -> Algorithm {
    match key {
        AlgorithmKey::Rs256 => Algorithm::Rs256,
        AlgorithmKey::Ps256 => Algorithm::Ps256,
        AlgorithmKey::Es256 => Algorithm::Es256,
        AlgorithmKey::Es384 => Algorithm::Es384,
        AlgorithmKey::EdDsa => Algorithm::EdDsa,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "3fb9b1d4-5f3a-4d0e-9f8f-0b3a1a2c4d5e";

    /// A connection with these lines beside what it needs; a line that sets the issuer sets it.
    fn check(lines: &str) -> Result<(), String> {
        let issuer = if lines.contains("issuer =") { "" } else { "issuer = \"https://sso.example.edu\"\n" };
        let text = format!(
            "name = \"campus\"\ntitle = \"Campus\"\n{issuer}client_id = \"lodge\"\nclient_secret_file = \"secret\"\n{lines}"
        );
        let connection: Connection = toml::from_str(&text).map_err(|error| error.message().to_owned())?;
        connection.check().map_err(|error| error.to_string())
    }

    #[test]
    fn what_universities_need_can_be_set() {
        for good in [
            "",
            "issuer = \"http://127.0.0.1:39001\"\ninsecure_origins = [\"http://127.0.0.1:39001\"]",
            "discovery_url = \"https://shib.example.edu/idp/profile/oidc/configuration\"",
            "group_claim = \"/realm_access/roles\"\ngroup_separator = \"; \"\ngroup_limit = 100",
            "group_format = \"entitlement\"\nsubject_claim = \"voperson_id\"",
            "internal_networks = [\"10.20.0.0/16\", \"fd12::/16\"]",
            "endpoint_origins = [\"https://oauth2.googleapis.com\"]",
            "mfa_acr = []\nmfa_acrs = [\"c1\"]\nmfa_request = \"claims\"",
            &format!(
                "issuer = \"https://login.microsoftonline.com/{TENANT}/v2.0\"\nsubject_claim = \"oid\"\ntenant = \"{TENANT}\""
            ),
            "issuer = \"https://cilogon.org\"\nidentity_providers = [\"urn:mace:incommon:example.edu\"]",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_cannot_be_is_said_plainly() {
        for (bad, says) in [
            ("issuer = \"http://sso.example.edu\"", "issuer: must be https"),
            (
                "issuer = \"http://127.0.0.1:39001\"",
                "issuer: must be https; for a provider of a test on this machine, set insecure_origins = \
                 [\"http://127.0.0.1:39001\"]",
            ),
            ("issuer = \"https://login.microsoftonline.com/common/v2.0\"", "issuer: `common` stands for every tenant"),
            (
                "issuer = \"https://login.microsoftonline.com/organizations\"",
                "issuer: `organizations` stands for every",
            ),
            ("discovery_url = \"http://sso.example.edu/x\"", "discovery_url: must be https"),
            ("discovery_url = \"https://a@sso.example.edu/x\"", "discovery_url: must have no user"),
            ("scopes = [\"profile email\"]", "scopes: each scope stands by itself"),
            ("group_separator = \"\"", "group_separator: must be a sign"),
            ("subject_claim = \"email\"", "subject_claim: not a subject claim: a claim that names the same person"),
            ("subject_claim = \"oid\"", "subject_claim: `oid` tells people apart within one tenant: set `tenant`"),
            ("tenant = \"example.edu\"", "tenant: must be the tenant's id"),
            (
                "issuer = \"https://cilogon.org\"",
                "identity_providers: CILogon signs in whoever has an account at Google",
            ),
            ("mfa_acr = [\"a b\"]", "mfa_acr: each value stands by itself"),
            ("mfa_acr = []\nmfa_request = \"acr_values\"", "mfa_request: with \"acr_values\", `mfa_acr` needs a value"),
            ("endpoint_origins = [\"https://a.example/\"]", "endpoint_origins: not a web origin"),
            ("internal_networks = [\"0.0.0.0/0\"]", "internal_networks: `0.0.0.0/0` must be a private network"),
            ("internal_networks = [\"127.0.0.0/8\"]", "internal_networks: `127.0.0.0/8` must be a private network"),
            ("insecure_origins = [\"http://localhost:1\"]", "insecure_origins: not a"),
            ("mfa_request = \"always\"", "unknown variant `always`"),
        ] {
            let said = check(bad).unwrap_err();
            assert!(said.contains(says), "{says}: {said}");
        }
    }
}
