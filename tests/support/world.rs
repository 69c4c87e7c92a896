//! A whole small world inside the test: the real broker over HTTP, the small identity provider and the small AWS, each
//! on a free port of 127.0.0.1, with the demo's labs and people.
//!
//! It is what `lodged demo` starts, except that the test holds its parts: every call that the small AWS heard, every
//! entry of the ledger, and what is left of a balance can be looked at. The servers run on a runtime of their own, so
//! the test itself stays a blocking story.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;

use axum::Router;
use lodge::ambient::{Clock, Random};
use lodge::app::{Broker, KeyFile, Lifetimes, Parts};
use lodge::demo::aws::{Account, BrokerIdentity, Call, Marketplace, Service, Settings, SmallAws};
use lodge::demo::{idp, seed};
use lodge::domain::lab::{Lab, Role};
use lodge::domain::policy::PolicyLibrary;
use lodge::domain::role_session::SessionDuration;
use lodge::oidc::{self, Algorithm, ClientAuthentication, Provider};
use lodge::store::{LedgerRow, Store};
use lodge::{aws, http};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The secret that the broker shows the identity provider.
const CLIENT_SECRET: &str = "the secret of this test's broker";

/// More entries than any test writes.
const ALL_ENTRIES: u32 = 100_000;

/// The world. It ends when dropped: its ports are closed then, and its database is gone.
pub(crate) struct World {
    /// The broker's address, without a final slash.
    pub(crate) url: String,
    /// The small AWS's address, without a final slash.
    pub(crate) aws_url: String,
    pub(crate) broker: Broker,
    pub(crate) aws: SmallAws,
    runtime: Option<Runtime>,
    _folder: TempDir,
}

/// What differs from the usual world.
#[derive(Default)]
pub(crate) struct Changes {
    /// Where the broker believes STS to be, given where it is: a proxy in front of it, or nothing at all.
    pub(crate) sts_endpoint: Option<Box<dyn FnOnce(SocketAddr) -> String>>,
}

impl World {
    /// The world as the demo has it.
    pub(crate) fn start() -> Self {
        Self::start_with(Changes::default())
    }

    /// The same with changes.
    pub(crate) fn start_with(changes: Changes) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (url, aws_url, broker, aws) = runtime.block_on(async {
            let [at_broker, at_idp, at_aws] = [listen().await, listen().await, listen().await];
            let [url, issuer, aws_url] = [&at_broker, &at_idp, &at_aws].map(|at| format!("http://{}", address(at)));
            let identity = seed::broker_identity(&Random::System);
            let sts_endpoint = match changes.sts_endpoint {
                Some(change) => change(address(&at_aws)),
                None => aws_url.clone(),
            };

            let broker = broker(&url, &issuer, &sts_endpoint, &identity, folder.path()).await;
            let labs = seed_labs(&broker).await;
            let aws = small_aws(labs, &broker.policies, identity);
            serve(at_broker, http::router(broker.clone()));
            serve(at_idp, small_idp(issuer, &url).router());
            serve(at_aws, aws.router());
            (url, aws_url, broker, aws)
        });
        Self { url, aws_url, broker, aws, runtime: Some(runtime), _folder: folder }
    }

    /// Waits for something asynchronous, such as a use case of the broker's.
    pub(crate) fn wait_for<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.as_ref().unwrap().block_on(future)
    }

    /// The whole ledger, oldest entry first.
    pub(crate) fn ledger(&self) -> Vec<LedgerRow> {
        self.wait_for(async { self.broker.store.read().await.unwrap().all_books(ALL_ENTRIES).await.unwrap() })
    }

    /// The calls of one service that reached the small AWS, refused ones included.
    pub(crate) fn calls_of(&self, service: Service) -> Vec<Call> {
        self.aws.calls().into_iter().filter(|call| call.service == service).collect()
    }

    /// What is left of the prepaid balance of a lab of the demo.
    pub(crate) fn balance(&self, lab: &str) -> String {
        let lab = seed::LABS.iter().find(|known| known.name == lab).unwrap();
        self.aws.balance(lab.account).unwrap().to_string()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

fn address(listener: &TcpListener) -> SocketAddr {
    listener.local_addr().unwrap()
}

fn serve(listener: TcpListener, router: Router) {
    tokio::spawn(async move { axum::serve(listener, router).await });
}

async fn broker(
    url: &str,
    issuer: &str,
    sts_endpoint: &str,
    identity: &BrokerIdentity,
    folder: &std::path::Path,
) -> Broker {
    let provider = Provider::new(oidc::Settings {
        name: seed::CONNECTION.parse().unwrap(),
        title: seed::CONNECTION_TITLE.to_owned(),
        issuer: issuer.parse().unwrap(),
        client_id: seed::CLIENT_ID.to_owned(),
        client_secret: CLIENT_SECRET.to_owned().into(),
        client_authentication: ClientAuthentication::Basic,
        scopes: vec!["profile".to_owned(), "groups".to_owned()],
        group_claim: "groups".parse().unwrap(),
        algorithms: vec![Algorithm::Es256],
    });
    let to_aws = aws::Settings {
        region: "us-east-1".to_owned(),
        sts_endpoint: Some(sts_endpoint.to_owned()),
        identity: Some(aws::BrokerIdentity {
            access_key_id: identity.access_key_id.clone(),
            secret_access_key: identity.secret_access_key.clone(),
            session_token: Some(identity.session_token.clone()),
        }),
    };
    Broker::new(Parts {
        public_url: url.parse().unwrap(),
        store: Store::open(&folder.join("lodge.db")).await.unwrap(),
        aws: aws::Aws::new(&to_aws).await,
        providers: BTreeMap::from([(seed::CONNECTION.parse().unwrap(), provider.unwrap())]),
        policies: PolicyLibrary::shipped().unwrap(),
        keys: KeyFile::read_or_create(&folder.join("key"), &Random::System).unwrap(),
        clock: Clock::System,
        random: Random::System,
        lifetimes: Lifetimes::default(),
    })
}

async fn seed_labs(broker: &Broker) -> Vec<(seed::Lab, Lab)> {
    let connection = seed::CONNECTION.parse().unwrap();
    let mut labs = Vec::new();
    for lab in seed::LABS {
        let session_role = lab.session_role().parse().unwrap();
        let kept = broker.create_lab(&lab.name.parse().unwrap(), lab.title, &session_role).await.unwrap();
        for (name, template, group) in lab.roles {
            let role = Role {
                name: name.parse().unwrap(),
                template: template.parse().unwrap(),
                parameters: BTreeMap::new(),
                max_duration: SessionDuration::MAX,
            };
            broker.add_role(&kept.id, &role).await.unwrap();
            broker.add_mapping(&kept.id, &connection, &group.parse().unwrap(), &role.name).await.unwrap();
        }
        labs.push((lab, kept));
    }
    labs
}

fn small_idp(issuer: String, broker_url: &str) -> idp::SmallIdp {
    let client = idp::Client {
        id: seed::CLIENT_ID.to_owned(),
        secret: CLIENT_SECRET.to_owned(),
        redirect_uris: vec![format!("{broker_url}/auth/{}/callback", seed::CONNECTION)],
    };
    let settings = idp::Settings {
        issuer,
        clients: vec![client],
        people: seed::people(),
        signing_key_pkcs8: idp::generate_signing_key(),
    };
    idp::SmallIdp::new(settings, Clock::System, Random::System).unwrap()
}

fn small_aws(labs: Vec<(seed::Lab, Lab)>, library: &PolicyLibrary, broker: BrokerIdentity) -> SmallAws {
    let account = |(lab, kept): (seed::Lab, Lab)| Account {
        id: lab.account.to_owned(),
        roles: vec![seed::session_role(kept.session_role.as_str(), kept.external_id.as_str(), &kept.id, library)],
        marketplace: Marketplace::seeded(lab.theme, Clock::System.now()),
    };
    let accounts = labs.into_iter().map(account).collect();
    SmallAws::new(Settings { sealing_key: Random::System.bytes(), broker, accounts }, Clock::System, Random::System)
        .unwrap()
}
