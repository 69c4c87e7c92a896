//! The demo's parts, put together: what `lodged demo` starts, and what the tests stand on.
//!
//! The identity provider and the AWS in [`crate::demo`] know nothing of the broker, so that they cannot share its
//! mistakes. This is where they meet it: the demo's labs in its database, its client at the provider, its role in the
//! accounts. Nothing but `lodged demo` and the tests may name this module.

use std::collections::BTreeMap;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use crate::ambient::{Clock, Random};
use crate::app::{self, Broker, KeyError, KeyFile, Lifetimes, Parts};
use crate::aws::{self, Aws};
use crate::demo::{aws as small_aws, idp, seed};
use crate::domain::id::{ConnectionName, ParseError};
use crate::domain::lab::{Lab, Role};
use crate::domain::person::PersonKey;
use crate::domain::policy::{LibraryError, PolicyLibrary};
use crate::domain::role_session::SessionDuration;
use crate::oidc::{self, Algorithm, ClientAuthentication, Provider};
use crate::store::{self, Store};

/// Where everything is, and what it knows of the rest.
#[derive(Clone, Debug)]
pub struct Playground {
    /// The broker's address, without a final slash.
    pub public_url: String,
    /// The identity provider's address, without a final slash.
    pub issuer: String,
    /// Where the broker finds STS.
    pub sts_endpoint: String,
    /// The broker's database.
    pub database: PathBuf,
    /// The broker's key file; made when it is not there.
    pub key_file: PathBuf,
    /// What the broker shows the identity provider.
    pub client_secret: SecretString,
    /// What the broker is to AWS.
    pub identity: small_aws::BrokerIdentity,
    /// The clock that all of them follow.
    pub clock: Clock,
}

/// A playground that cannot be set up.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is by what it holds")]
pub enum Error {
    #[error(transparent)]
    App(#[from] app::Error),
    #[error(transparent)]
    Aws(#[from] small_aws::SettingsError),
    #[error(transparent)]
    Idp(#[from] idp::Error),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Library(#[from] LibraryError),
    #[error(transparent)]
    Parse(#[from] ParseError),
    #[error(transparent)]
    Provider(#[from] oidc::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Url(#[from] url::ParseError),
}

impl Playground {
    /// The broker, its database open.
    ///
    /// # Errors
    ///
    /// When the database or the key file cannot be used.
    pub async fn broker(&self) -> Result<Broker, Error> {
        let provider = Provider::new(self.connection()?)?;
        let aws = Aws::new(&aws::Settings {
            region: "us-east-1".to_owned(),
            sts_endpoint: Some(self.sts_endpoint.clone()),
            identity: Some(aws::BrokerIdentity {
                access_key_id: self.identity.access_key_id.clone(),
                secret_access_key: self.identity.secret_access_key.clone(),
                session_token: Some(self.identity.session_token.clone()),
            }),
        })
        .await;
        Ok(Broker::new(Parts {
            public_url: self.public_url.parse()?,
            store: Store::open(&self.database).await?,
            aws,
            providers: BTreeMap::from([(provider.settings().name.clone(), provider)]),
            policies: PolicyLibrary::shipped()?,
            keys: KeyFile::read_or_create(&self.key_file, &Random::System)?,
            clock: self.clock.clone(),
            random: Random::System,
            lifetimes: Lifetimes::default(),
        }))
    }

    fn connection(&self) -> Result<oidc::Settings, Error> {
        Ok(oidc::Settings {
            name: seed::CONNECTION.parse()?,
            title: seed::CONNECTION_TITLE.to_owned(),
            issuer: self.issuer.parse()?,
            client_id: seed::CLIENT_ID.to_owned(),
            client_secret: self.client_secret.clone(),
            client_authentication: ClientAuthentication::Basic,
            scopes: vec!["profile".to_owned(), "groups".to_owned()],
            group_claim: "groups".parse()?,
            algorithms: vec![Algorithm::Es256],
        })
    }

    /// Puts the demo's labs into the broker's database, as far as they are not there yet, and gives the AWS accounts
    /// that belong to them.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn labs(&self, broker: &Broker) -> Result<Vec<small_aws::Account>, Error> {
        let connection: ConnectionName = seed::CONNECTION.parse()?;
        let mut accounts = Vec::new();
        for lab in seed::LABS {
            let kept = match broker.lab(&lab.name.parse()?).await? {
                Some(kept) => kept,
                None => create(broker, &connection, &lab).await?,
            };
            if let Some(subject) = lab.pi {
                let (issuer, subject) = (self.issuer.parse()?, subject.parse()?);
                let key = PersonKey { connection: connection.clone(), issuer, subject };
                broker.appoint_pi(&kept.id, &key).await?;
            }
            let (arn, external_id) = (kept.session_role.as_str(), kept.external_id.as_str());
            accounts.push(small_aws::Account {
                id: lab.account.to_owned(),
                roles: vec![seed::session_role(arn, external_id, &kept.id, &broker.policies)],
                marketplace: small_aws::Marketplace::seeded(lab.theme, self.clock.now()),
            });
        }
        Ok(accounts)
    }

    /// The identity provider, with the demo's people.
    ///
    /// # Errors
    ///
    /// When its address is none.
    pub fn idp(&self) -> Result<idp::SmallIdp, Error> {
        let client = idp::Client {
            id: seed::CLIENT_ID.to_owned(),
            secret: self.client_secret.expose_secret().to_owned(),
            redirect_uris: vec![format!("{}/auth/{}/callback", self.public_url, seed::CONNECTION)],
        };
        let settings = idp::Settings {
            issuer: self.issuer.clone(),
            clients: vec![client],
            people: seed::people(),
            signing_key_pkcs8: idp::generate_signing_key(),
        };
        Ok(idp::SmallIdp::new(settings, self.clock.clone(), Random::System)?)
    }

    /// The AWS that holds these accounts. The same sealing key keeps the sessions of an earlier one alive.
    ///
    /// # Errors
    ///
    /// When an account is not one.
    pub fn aws(&self, accounts: Vec<small_aws::Account>, sealing_key: [u8; 32]) -> Result<small_aws::SmallAws, Error> {
        let settings = small_aws::Settings { sealing_key, broker: self.identity.clone(), accounts };
        Ok(small_aws::SmallAws::new(settings, self.clock.clone(), Random::System)?)
    }
}

async fn create(broker: &Broker, connection: &ConnectionName, lab: &seed::Lab) -> Result<Lab, Error> {
    let kept = broker.create_lab(&lab.name.parse()?, lab.title, &lab.session_role().parse()?).await?;
    for (name, template, group) in lab.roles {
        let role = Role {
            name: name.parse()?,
            template: template.parse()?,
            parameters: BTreeMap::new(),
            max_duration: SessionDuration::MAX,
        };
        broker.add_role(&kept.id, &role).await?;
        broker.add_mapping(&kept.id, connection, &group.parse()?, &role.name).await?;
    }
    Ok(kept)
}
