//! The real broker, inside the test: its own router over a database of its own, with a clock that a test may move.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use lodge::ambient::{Clock, Random};
use lodge::app::{AccountSettings, Broker, Downloads, KeyFile, Lifetimes, Parts};
use lodge::domain::access::OperatorRoll;
use lodge::domain::lab::{Lab, Role};
use lodge::domain::ledger::Entry;
use lodge::domain::policy::PolicyLibrary;
use lodge::domain::role_session::SessionDuration;
use lodge::oidc::{self, Algorithm, Provider, Reach};
use lodge::playground::Seeding;
use lodge::store::{self, Address, Store};
use lodge::{aws, http};

use super::databases::{Kind, TestDatabase};
use super::ledger::attempts_in;
use super::raw;
use super::serving::{Server, Socket, wait};
use super::visitor::{Page, Visitor};

/// The role that the broker is said to run under.
const BROKER_ROLE: &str = "arn:aws:iam::999988887777:role/lodge-broker";

/// The broker's name at every provider of the tests, and its secret there.
pub(crate) const CLIENT_ID: &str = "lodge";
pub(crate) const CLIENT_SECRET: &str = "a-client-secret-for-tests-only";

/// The group that [`seed`] gives `vision/read-results`.
pub(crate) const STUDENTS: &str = "vision-students";

/// Where a helper of the tests pretends to listen.
pub(crate) const HELPER: &str = "http://127.0.0.1:49152/callback";

/// A verifier and its challenge (RFC 7636, appendix B).
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A broker that has an address and does not run yet.
pub(crate) struct Plan {
    socket: Socket,
    public_url: Option<&'static str>,
    providers: Vec<oidc::Settings>,
    sts: Option<String>,
    account: Option<(String, aws::BrokerIdentity, AccountSettings)>,
    policies: PolicyLibrary,
    database: Kind,
    clock: Clock,
}

impl Plan {
    /// A broker without providers that follows this clock.
    pub(crate) fn new(clock: Clock) -> Self {
        let socket = Socket::bind();
        Self {
            socket,
            public_url: None,
            providers: Vec::new(),
            sts: None,
            account: None,
            policies: PolicyLibrary::shipped().unwrap(),
            database: Kind::Sqlite,
            clock,
        }
    }

    /// The callback of a connection.
    pub(crate) fn callback(&self, connection: &str) -> String {
        format!("{}/auth/{connection}/callback", self.socket.url())
    }

    /// Lets it believe that it has this public address.
    pub(crate) fn public_url(mut self, url: &'static str) -> Self {
        self.public_url = Some(url);
        self
    }

    /// Registers a provider.
    pub(crate) fn connection(self, name: &str, issuer: &str, algorithm: Algorithm) -> Self {
        self.connection_with(name, issuer, algorithm, |_| {})
    }

    /// Registers a provider with other settings than the usual ones.
    pub(crate) fn connection_with(
        self,
        name: &str,
        issuer: &str,
        algorithm: Algorithm,
        change: impl FnOnce(&mut oidc::Settings),
    ) -> Self {
        let (name, secret) = (name.parse().unwrap(), CLIENT_SECRET.to_owned().into());
        let mut settings = oidc::Settings {
            scopes: vec!["profile".to_owned(), "groups".to_owned()],
            algorithms: vec![algorithm],
            // The providers of the tests are on this machine; one that is not is none of them.
            reach: Reach { insecure_origins: issuer.parse().into_iter().collect(), ..Reach::default() },
            ..oidc::Settings::new(name, issuer.parse().unwrap(), CLIENT_ID, secret)
        };
        change(&mut settings);
        self.provider(settings)
    }

    /// Registers a provider with these settings. Its title is its name in capitals.
    pub(crate) fn provider(mut self, settings: oidc::Settings) -> Self {
        self.providers.push(oidc::Settings { title: settings.name.as_str().to_uppercase(), ..settings });
        self
    }

    /// Where it finds STS.
    pub(crate) fn sts(mut self, url: &str) -> Self {
        self.sts = Some(url.to_owned());
        self
    }

    /// Where it finds all of AWS, what it is there, and how it deals with accounts.
    pub(crate) fn aws(mut self, url: &str, identity: aws::BrokerIdentity, accounts: AccountSettings) -> Self {
        self.account = Some((url.to_owned(), identity, accounts));
        self
    }

    /// Lets it know these policy templates instead of those that are shipped.
    pub(crate) fn policies(mut self, policies: PolicyLibrary) -> Self {
        self.policies = policies;
        self
    }

    /// Lets it run on a database of this kind; otherwise it is SQLite.
    pub(crate) fn on(mut self, database: Kind) -> Self {
        self.database = database;
        self
    }

    /// Starts it.
    pub(crate) fn start(self) -> TestBroker {
        let url = self.socket.url();
        let database = wait(TestDatabase::new(self.database));
        let providers = self.providers.into_iter().map(|it| (it.name.clone(), Provider::new(it).unwrap())).collect();
        // Nobody listens there: a test that forgets its AWS must not reach the real one.
        let nowhere = || Some("http://127.0.0.1:1".to_owned());
        let no_account = || {
            let identity = aws::BrokerIdentity {
                access_key_id: "AKIAEXAMPLE".to_owned(),
                secret_access_key: "a-secret-key-for-tests-only".to_owned().into(),
                session_token: None,
            };
            let broker_role = Some(BROKER_ROLE.parse().unwrap());
            (
                None,
                identity,
                AccountSettings { broker_role, waits: vec![Duration::from_millis(1); 5], ..AccountSettings::default() },
            )
        };
        let (account, identity, accounts) =
            self.account.map_or_else(no_account, |(url, identity, accounts)| (Some(url), identity, accounts));
        let settings = aws::Settings {
            clock: self.clock.clone(),
            region: "us-east-1".to_owned(),
            sts_endpoint: self.sts.or_else(|| account.clone()).or_else(nowhere),
            iam_endpoint: account.clone().or_else(nowhere),
            probe_endpoint: account.or_else(nowhere),
            identity: Some(identity),
        };
        let broker = wait(async {
            Broker::new(Parts {
                public_url: self.public_url.unwrap_or(&url).parse().unwrap(),
                store: database.serve().await,
                aws: aws::Aws::new(&settings).await,
                providers,
                policies: self.policies,
                keys: KeyFile::from_bytes([7; 32]),
                clock: self.clock,
                random: Random::System,
                lifetimes: Lifetimes::default(),
                trusted_proxies: Vec::new(),
                operators: OperatorRoll::from_settings([super::signed_in::operator_id()]),
                accounts,
                downloads: Downloads::read(super::downloads::folder().path()).unwrap(),
            })
        });
        let server = self.socket.serve(http::router(broker.clone()));
        TestBroker { broker, url, _server: server, database }
    }
}

/// A running broker.
pub(crate) struct TestBroker {
    pub(crate) broker: Broker,
    /// Without a final slash.
    pub(crate) url: String,
    _server: Server,
    pub(crate) database: TestDatabase,
}

impl TestBroker {
    /// Every entry of an attempt in the ledger.
    pub(crate) fn ledger(&self) -> Vec<Entry> {
        ledger(&self.broker)
    }
}

/// A SQLite database in this file, made and opened as a broker does it.
pub(crate) async fn sqlite(file: &Path) -> Store {
    let address = Address::Sqlite(file.to_owned());
    store::migrate(&address, &address).await.unwrap();
    Store::serve(&address).await.unwrap()
}

/// Every entry of an attempt in a broker's ledger.
pub(crate) fn ledger(broker: &Broker) -> Vec<Entry> {
    attempts_in(wait(async { broker.store.read().await.unwrap().all_books(1_000).await.unwrap() }))
}

/// The lab `vision` in the account 111122223333: its role `read-results` for the group [`STUDENTS`] at `campus`.
pub(crate) fn seed(broker: &Broker) -> Lab {
    wait(async {
        let arn = "arn:aws:iam::111122223333:role/lodge/lodge-session".parse().unwrap();
        let seeding = Seeding::new(broker).unwrap();
        let lab = seeding.add_lab(&"vision".parse().unwrap(), "Vision", arn, None).await.unwrap();
        let role = Role {
            name: "read-results".parse().unwrap(),
            template: "mturk/read-results".parse().unwrap(),
            parameters: BTreeMap::new(),
            max_duration: SessionDuration::MAX,
            sign_in_age: None,
        };
        seeding.add_role(&lab, &role).await.unwrap();
        seeding.add_mapping(&lab, "campus", STUDENTS, "read-results").await.unwrap();
        lab
    })
}

/// The query with which a helper asks, with some of it changed; an empty value leaves the parameter out.
pub(crate) fn helper_query(changes: &[(&str, &str)]) -> String {
    let mut fields = vec![
        ("response_type", "code"),
        ("client_id", "lodge-cli"),
        ("redirect_uri", HELPER),
        ("state", "a-state"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("host", "laptop"),
    ];
    for (name, value) in changes {
        fields.retain(|(existing, _)| existing != name);
        fields.push((name, value));
    }
    fields.retain(|(_, value)| !value.is_empty());
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// The code that a browser gets for its helper by saying yes. Signs in at `person`'s provider first where asked to.
pub(crate) fn helper_code(visitor: &mut Visitor, broker: &str, person: &str) -> String {
    let page = visitor.sign_in(&format!("{broker}/oauth/authorize?{}", helper_query(&[])), person);
    let page = visitor.press(&page, "yes");
    code_on(&page)
}

/// The code on the page that leads back to the helper.
pub(crate) fn code_on(page: &Page) -> String {
    let links = page.links();
    let on = links.iter().find(|(_, url)| url.as_str().starts_with(HELPER));
    let (_, url) = on.unwrap_or_else(|| panic!("no link to the helper: {} {}", page.status, page.text()));
    url.query_pairs().find(|(name, _)| name == "code").unwrap_or_else(|| panic!("no code: {url}")).1.into_owned()
}

/// Trades a code as the helper does, with some of the form changed; an empty value leaves the field out.
pub(crate) fn trade(broker: &str, code: &str, changes: &[(&str, &str)]) -> Page {
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("client_id", "lodge-cli"),
        ("code", code),
        ("redirect_uri", HELPER),
        ("code_verifier", VERIFIER),
    ];
    for (name, value) in changes {
        fields.retain(|(existing, _)| existing != name);
        fields.push((name, value));
    }
    fields.retain(|(_, value)| !value.is_empty());
    raw::post_form(&format!("{broker}/oauth/token"), &fields).send()
}

/// Trades a refresh token, with some of the form changed; an empty value leaves the field out.
pub(crate) fn refresh_with(broker: &str, token: &str, changes: &[(&str, &str)]) -> Page {
    let mut fields = vec![("grant_type", "refresh_token"), ("client_id", "lodge-cli"), ("refresh_token", token)];
    for (name, value) in changes {
        fields.retain(|(existing, _)| existing != name);
        fields.push((name, value));
    }
    fields.retain(|(_, value)| !value.is_empty());
    raw::post_form(&format!("{broker}/oauth/token"), &fields).send()
}

/// What the page shows to be pasted.
pub(crate) fn pasted_from(page: &Page) -> String {
    let shown = page.body.split_once("<code class=\"paste\">").and_then(|(_, rest)| rest.split_once("</code>"));
    shown.unwrap_or_else(|| panic!("nothing to paste: {} {}", page.status, page.text())).0.to_owned()
}

/// A helper's token for whoever signs in.
pub(crate) fn helper_token(visitor: &mut Visitor, broker: &str, person: &str) -> String {
    let code = helper_code(visitor, broker, person);
    let answer = trade(broker, &code, &[]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

/// Asks for a credential; the body is JSON, or empty.
pub(crate) fn ask_for(broker: &str, token: &str, address: &str, body: &str) -> Page {
    let (lab, role) = address.split_once('/').unwrap();
    raw::post(&format!("{broker}/api/v1/labs/{lab}/roles/{role}/credentials"))
        .header("authorization", &format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(body)
        .send()
}

/// What the broker says of the helper's person.
pub(crate) fn me(broker: &str, token: &str) -> Page {
    raw::get(&format!("{broker}/api/v1/me")).header("authorization", &format!("Bearer {token}")).send()
}
