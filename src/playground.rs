//! The demo's parts, put together: what `lodged demo` starts, and what the tests stand on.
//!
//! The identity provider and the AWS in [`crate::demo`] know nothing of the broker, so that they cannot share its
//! mistakes. This is where they meet it: the demo's labs in its database, its client at the provider, its role in the
//! accounts. Nothing but `lodged demo` and the tests may name this module.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};

use crate::ambient::{Clock, Random};
use crate::app::desk::{Desk, DeskError, NewLab};
use crate::app::{self, AccountSettings, Broker, Downloads, DownloadsError, KeyError, KeyFile, Lifetimes, Parts};
use crate::aws::{self, Aws};
use crate::demo::{aws as small_aws, idp, seed};
use crate::domain::access::{Operator, OperatorRoll};
use crate::domain::account::AccountState;
use crate::domain::actor::OperatorName;
use crate::domain::id::{ActId, LabName, MappingId, ParseError, PersonId};
use crate::domain::lab::{Lab, Office, Role};
use crate::domain::ledger::{Draft, Event, Thread};
use crate::domain::mapping::{Mapping, MappingTarget, MappingTerms};
use crate::domain::person::PersonKey;
use crate::domain::policy::{LibraryError, PolicyLibrary};
use crate::domain::role_session::{RoleArn, SessionDuration};
use crate::oidc::{self, Algorithm, Provider, Reach};
use crate::store::{self, AccountRow, Address, Store};

/// Where everything is, and what it knows of the rest.
#[derive(Clone, Debug)]
pub struct Playground {
    /// The broker's address, without a final slash.
    pub public_url: String,
    /// The identity provider's address, without a final slash.
    pub issuer: String,
    /// Where the broker finds STS.
    pub sts_endpoint: String,
    /// Where it finds everything else of AWS: the small AWS itself.
    pub aws_endpoint: String,
    /// The broker's database: a SQLite file is made, and brought up to date, where it is needed.
    pub database: Address,
    /// The broker's key file; made when it is not there.
    pub key_file: PathBuf,
    /// What the broker shows the identity provider.
    pub client_secret: SecretString,
    /// What the broker is to AWS.
    pub identity: small_aws::BrokerIdentity,
    /// The clock that all of them follow.
    pub clock: Clock,
    /// The folder with builds of the helper, where there are some.
    pub downloads: Option<PathBuf>,
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
    Desk(#[from] DeskError),
    #[error(transparent)]
    Downloads(#[from] DownloadsError),
    #[error(transparent)]
    Idp(#[from] idp::Error),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Library(#[from] LibraryError),
    #[error(transparent)]
    Parse(#[from] ParseError),
    #[error(transparent)]
    Plan(#[from] app::PlanError),
    #[error(transparent)]
    Provider(#[from] oidc::Error),
    #[error(transparent)]
    Stack(#[from] small_aws::StackError),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Url(#[from] url::ParseError),
}

/// The AWS account of a lab of the demo.
#[derive(Clone, Debug)]
pub struct LabAccount {
    /// The account, without what the stack makes in it.
    pub account: small_aws::Account,
    /// The stack that the broker asks for.
    pub stack: String,
    /// Whether its owner has made it.
    pub has_stack: bool,
}

impl Playground {
    /// The broker, its database open and this broker's.
    ///
    /// # Errors
    ///
    /// When the database or the key file cannot be used.
    pub async fn broker(&self) -> Result<Broker, Error> {
        if matches!(self.database, Address::Sqlite(_)) {
            store::migrate(&self.database, &self.database).await?;
        }
        self.broker_on(Store::serve(&self.database).await?).await
    }

    /// The broker, over a database that is open.
    ///
    /// # Errors
    ///
    /// When the key file cannot be used.
    pub async fn broker_on(&self, store: Store) -> Result<Broker, Error> {
        let provider = Provider::new(self.connection()?)?;
        let aws = Aws::new(&aws::Settings {
            clock: self.clock.clone(),
            region: "us-east-1".to_owned(),
            sts_endpoint: Some(self.sts_endpoint.clone()),
            iam_endpoint: Some(self.aws_endpoint.clone()),
            probe_endpoint: Some(self.aws_endpoint.clone()),
            identity: Some(aws::BrokerIdentity {
                access_key_id: self.identity.access_key_id.clone(),
                secret_access_key: self.identity.secret_access_key.clone(),
                session_token: Some(self.identity.session_token.clone()),
            }),
        })
        .await;
        let operator = self.operator(&store).await?;
        Ok(Broker::new(Parts {
            public_url: self.public_url.parse()?,
            store,
            aws,
            providers: BTreeMap::from([(provider.settings().name.clone(), provider)]),
            policies: PolicyLibrary::shipped()?,
            keys: KeyFile::read_or_create(&self.key_file, &Random::System)?,
            clock: self.clock.clone(),
            random: Random::System,
            lifetimes: Lifetimes::default(),
            trusted_proxies: Vec::new(),
            operators: OperatorRoll::from_settings([operator]),
            downloads: self.downloads.as_deref().map(Downloads::read).transpose()?.unwrap_or_default(),
            accounts: AccountSettings { broker_role: Some(seed::BROKER_ROLE.parse()?), ..AccountSettings::default() },
        }))
    }

    /// The one who runs it from a browser, who need not have signed in yet.
    async fn operator(&self, store: &Store) -> Result<PersonId, Error> {
        let key = self.key(seed::OPERATOR)?;
        let fresh = PersonId::from_entropy(Random::System.bytes());
        let mut tx = store.write().await?;
        let (person, _) = tx.upsert_person(&fresh, &key, None, self.clock.now()).await?;
        tx.commit().await?;
        Ok(person)
    }

    /// What makes one of the demo's people the same person tomorrow.
    fn key(&self, subject: &str) -> Result<PersonKey, Error> {
        let (connection, issuer) = (seed::CONNECTION.parse()?, self.issuer.parse()?);
        Ok(PersonKey { connection, issuer, subject: subject.parse()? })
    }

    fn connection(&self) -> Result<oidc::Settings, Error> {
        let (name, issuer, secret) = (seed::CONNECTION.parse()?, self.issuer.parse()?, self.client_secret.clone());
        Ok(oidc::Settings {
            title: seed::CONNECTION_TITLE.to_owned(),
            scopes: vec!["profile".to_owned(), "groups".to_owned()],
            algorithms: vec![Algorithm::Es256],
            reach: Reach { insecure_origins: self.issuer.parse().into_iter().collect(), ..Reach::default() },
            ..oidc::Settings::new(name, issuer, seed::CLIENT_ID, secret)
        })
    }

    /// Puts the demo's labs into the broker's database, as far as they are not there yet, and gives the AWS accounts
    /// that belong to them.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn labs(&self, broker: &Broker) -> Result<Vec<LabAccount>, Error> {
        let seeding = Seeding::new(broker)?;
        let mut accounts = Vec::new();
        for lab in seed::LABS {
            let name = lab.name.parse()?;
            if seeding.lab(&name).await?.is_none() {
                self.create(&seeding, &lab).await?;
            }
            accounts.push(LabAccount {
                account: small_aws::Account {
                    id: lab.account.to_owned(),
                    roles: Vec::new(),
                    marketplace: lab.theme.map_or_else(small_aws::Marketplace::default, |theme| {
                        small_aws::Marketplace::seeded(theme, self.clock.now())
                    }),
                    buckets: lab.data.iter().map(seed::Data::seeded).collect(),
                },
                stack: seeding.stack(&name).await?,
                has_stack: lab.has_stack,
            });
        }
        Ok(accounts)
    }

    async fn create(&self, seeding: &Seeding, lab: &seed::Lab) -> Result<(), Error> {
        let (name, arn) = (lab.name.parse()?, lab.session_role().parse()?);
        let kept = seeding.add_declared_lab(&name, lab.title, arn, lab.pack).await?;
        if let Some(data) = &lab.data {
            let parameters = [("bucket", data.bucket), ("prefix", data.prefix)];
            for (role, template) in seed::Data::ROLES {
                let role = Role {
                    name: role.parse()?,
                    template: template.parse()?,
                    parameters: parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
                    max_duration: SessionDuration::MAX,
                    sign_in_age: None,
                };
                seeding.add_role(&kept, &role).await?;
            }
        }
        if lab.has_stack {
            // It is looked at as soon as the watch begins.
            seeding.take_as_joined(&kept, Some(self.clock.now())).await?;
        }
        for (role, group) in lab.mappings {
            seeding.add_mapping(&kept, seed::CONNECTION, group, role).await?;
        }
        if let Some(subject) = lab.pi {
            seeding.add_pi(&kept, &self.key(subject)?).await?;
        }
        Ok(())
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
            backchannel_logout_uri: Some(format!("{}/auth/{}/backchannel-logout", self.public_url, seed::CONNECTION)),
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
    pub fn aws(&self, labs: Vec<LabAccount>, sealing_key: [u8; 32]) -> Result<small_aws::SmallAws, Error> {
        let accounts = labs.iter().map(|lab| lab.account.clone()).collect();
        let settings = small_aws::Settings { sealing_key, broker: self.identity.clone(), accounts };
        let aws = small_aws::SmallAws::new(settings, self.clock.clone(), Random::System)?;
        for lab in labs.into_iter().filter(|lab| lab.has_stack) {
            aws.create_stack(&lab.account.id, &lab.stack)?;
        }
        Ok(aws)
    }
}

/// Sets up labs with everything in them, as nobody can from outside: there an operator makes a lab, and its PI the
/// mappings. What is done stands in the labs' ledgers as the operator's doing.
#[derive(Debug)]
pub struct Seeding(Desk);

impl Seeding {
    /// Over a broker's own database.
    ///
    /// # Errors
    ///
    /// When a shipped policy cannot be read.
    pub fn new(broker: &Broker) -> Result<Self, Error> {
        Ok(Self(Desk {
            operator: Operator::at_this_machine(OperatorName::from_account("demo")),
            store: broker.store.clone(),
            public_url: broker.public_url.clone(),
            policies: PolicyLibrary::shipped()?,
            clock: broker.clock.clone(),
            random: broker.random.clone(),
        }))
    }

    /// The desk it works at.
    #[must_use]
    pub const fn desk(&self) -> &Desk {
        &self.0
    }

    /// A lab, if it is there.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn lab(&self, name: &LabName) -> Result<Option<Lab>, Error> {
        match self.0.lab(name).await {
            Ok(details) => Ok(Some(details.lab)),
            Err(DeskError::NoSuchLab) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The stack of a lab's account, for this demo's broker.
    ///
    /// # Errors
    ///
    /// When there is no such lab, its roles are more than an account can be given, or the database is away.
    pub async fn stack(&self, name: &LabName) -> Result<String, Error> {
        let details = self.0.lab(name).await?;
        let broker = seed::BROKER_ROLE.parse()?;
        let plan = app::account_plan(&self.0.policies, &details.lab, &details.roles, &broker)?;
        Ok(plan.stack_template().to_string())
    }

    /// A lab with a pack's roles, or none, whose account is taken as joined: as those were that are older than the proof.
    ///
    /// # Errors
    ///
    /// When there is one of that name, or the database is away.
    pub async fn add_lab(
        &self,
        name: &LabName,
        title: &str,
        session_role: RoleArn,
        pack: Option<&str>,
    ) -> Result<Lab, Error> {
        let lab = self.add_declared_lab(name, title, session_role, pack).await?;
        self.take_as_joined(&lab, None).await?;
        Ok(lab)
    }

    /// Has the account of a lab count as joined without any proof, and be checked from this moment on, if there is one.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn take_as_joined(&self, lab: &Lab, check_due_at: Option<DateTime<Utc>>) -> Result<(), Error> {
        let mut tx = self.0.store.write().await?;
        let mut open = tx.lab_to_change(&self.0.operator.access(lab.clone())).await?;
        let account = open.account().await?;
        open.set_account(&AccountRow { state: AccountState::Joined, check_due_at, ..account }).await?;
        Ok(tx.commit().await?)
    }

    /// A lab with a pack's roles, or none, whose account has yet to prove itself.
    ///
    /// # Errors
    ///
    /// When there is one of that name, or the database is away.
    pub async fn add_declared_lab(
        &self,
        name: &LabName,
        title: &str,
        session_role: RoleArn,
        pack: Option<&str>,
    ) -> Result<Lab, Error> {
        let new = NewLab {
            name: name.clone(),
            title: title.to_owned(),
            session_role,
            pack: pack.map(str::to_owned),
            parameters: BTreeMap::new(),
        };
        Ok(self.0.create_lab(&new).await?.lab)
    }

    /// A role of any template.
    ///
    /// # Errors
    ///
    /// When the lab has one of that name, or the database is away.
    pub async fn add_role(&self, lab: &Lab, role: &Role) -> Result<(), Error> {
        let mut tx = self.0.store.write().await?;
        let access = self.0.operator.access(lab.clone());
        let mut open = tx.lab_to_change(&access).await?;
        open.insert_role(role, self.0.clock.now()).await?;
        open.append(self.act(Event::RoleAdded {
            role: role.name.clone(),
            template: role.template.to_string(),
            max_duration_seconds: role.max_duration.seconds(),
            parameters: role.parameters.clone(),
        }))
        .await?;
        Ok(tx.commit().await?)
    }

    /// Has the accounts of all labs of the demo count as joined.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn take_all_as_joined(&self) -> Result<(), Error> {
        for lab in self.0.labs().await? {
            self.take_as_joined(&lab, None).await?;
        }
        Ok(())
    }

    /// A mapping without conditions.
    ///
    /// # Errors
    ///
    /// When the lab has no such role, or the database is away.
    pub async fn add_mapping(&self, lab: &Lab, connection: &str, group: &str, role: &str) -> Result<MappingId, Error> {
        let target = MappingTarget { connection: connection.parse()?, group: group.parse()?, role: role.parse()? };
        self.add_mapping_on(lab, target, MappingTerms::default()).await
    }

    /// A mapping on any conditions.
    ///
    /// # Errors
    ///
    /// When the lab has no such role, or the database is away.
    pub async fn add_mapping_on(
        &self,
        lab: &Lab,
        target: MappingTarget,
        terms: MappingTerms,
    ) -> Result<MappingId, Error> {
        let now = self.0.clock.now();
        let id = MappingId::from_entropy(self.0.random.bytes());
        let mapping = Mapping { id, target, terms, revision: 1, created_at: now, changed_at: now };
        let mut tx = self.0.store.write().await?;
        let access = self.0.operator.access(lab.clone());
        let mut open = tx.lab_to_change(&access).await?;
        open.insert_mapping(&mapping).await?;
        open.insert_revision(&mapping, None).await?;
        open.append(self.act(Event::MappingAdded {
            mapping: mapping.id.clone(),
            target: (&mapping.target).into(),
            terms: (&mapping.terms).into(),
            benefits_author: false,
            asked: None,
        }))
        .await?;
        tx.commit().await?;
        Ok(mapping.id)
    }

    /// A PI, who need not have signed in yet.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn add_pi(&self, lab: &Lab, key: &PersonKey) -> Result<PersonId, Error> {
        self.add_office_holder(lab, key, Office::Pi).await
    }

    /// Somebody who looks after the lab, who need not have signed in yet.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn add_office_holder(&self, lab: &Lab, key: &PersonKey, office: Office) -> Result<PersonId, Error> {
        let now = self.0.clock.now();
        let fresh = PersonId::from_entropy(self.0.random.bytes());
        let mut tx = self.0.store.write().await?;
        let (person, _) = tx.upsert_person(&fresh, key, None, now).await?;
        let access = self.0.operator.access(lab.clone());
        let mut open = tx.lab_to_change(&access).await?;
        let before = open.office(&person).await?;
        open.put_office(&person, office, now).await?;
        let event = Event::StandingGiven { person: person.clone(), standing: office, before, invitation: None };
        open.append(self.act(event)).await?;
        tx.commit().await?;
        Ok(person)
    }

    fn act(&self, event: Event) -> Draft {
        let act = ActId::from_entropy(self.0.random.bytes());
        Draft { at: self.0.clock.now(), thread: Thread::Act(self.0.operator.actor(), act), event }
    }
}
