//! People who are signed in, written into a broker's database as a sign-in writes them: no provider is asked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use lodge::ambient::Random;
use lodge::app::{Broker, BrowserOrigin};
use lodge::domain::claims::{ClaimsSnapshot, Groups};
use lodge::domain::id::{BrowserSessionId, CliSessionId, PersonId, SignInId};
use lodge::domain::person::PersonKey;
use lodge::store::{HelperOrigin, Session, Tokens, Tx};
use sha2::{Digest, Sha256};

use super::raw::{self, Ask};
use super::serving::wait;

/// What somebody's latest sign-in said.
#[derive(Clone, Debug)]
pub(crate) struct SignIn<'a> {
    pub(crate) connection: &'a str,
    /// What that provider calls them.
    pub(crate) subject: &'a str,
    /// `None` when it says nothing of groups.
    pub(crate) groups: Option<&'a [&'a str]>,
    pub(crate) mfa: bool,
}

/// Somebody with a live session of each kind.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn {
    pub(crate) person: PersonId,
    /// The helper's.
    pub(crate) token: String,
    /// The browser's.
    pub(crate) cookie: String,
}

/// The subject of the person whom the settings of the tests name as an operator.
pub(crate) const OPERATOR: &str = "operator";

/// Their id, which they have from their first sign-in on.
pub(crate) fn operator_id() -> PersonId {
    PersonId::from_entropy([0x0f; 10])
}

/// The operator of the tests, with a second factor.
pub(crate) fn operator(broker: &Broker) -> SignedIn {
    SignIn { connection: "campus", subject: OPERATOR, groups: Some(&[]), mfa: true }.at(broker)
}

/// What makes somebody of this name at this connection the same person tomorrow.
pub(crate) fn key(connection: &str, subject: &str) -> PersonKey {
    PersonKey {
        connection: connection.parse().unwrap(),
        issuer: format!("https://{connection}.example.edu/").parse().unwrap(),
        subject: subject.parse().unwrap(),
    }
}

/// Somebody of `campus`, with these groups and without a second factor.
pub(crate) fn signed_in(broker: &Broker, subject: &str, groups: &[&str]) -> SignedIn {
    SignIn { connection: "campus", subject, groups: Some(groups), mfa: false }.at(broker)
}

impl SignIn<'_> {
    /// Signs them in, anew if they were before. Sessions that they have already stay as they are.
    pub(crate) fn at(&self, broker: &Broker) -> SignedIn {
        self.with(broker, |_| {})
    }

    /// The same with something else in what the sign-in says.
    pub(crate) fn with(&self, broker: &Broker, change: impl FnOnce(&mut ClaimsSnapshot)) -> SignedIn {
        let now = broker.clock.now();
        let groups = self.groups.map_or(Groups::Absent, |groups| {
            let mut names: Vec<_> = groups.iter().map(|group| group.parse().unwrap()).collect();
            names.sort();
            Groups::Present(names)
        });
        let random = || URL_SAFE_NO_PAD.encode(Random::System.bytes::<32>());
        let (token, cookie) = (format!("lodge_at_{}", random()), random());
        let person = wait(async {
            let mut tx = broker.store.write().await.unwrap();
            let fresh = PersonId::from_entropy(Random::System.bytes());
            let fresh = if self.subject == OPERATOR { operator_id() } else { fresh };
            let key = key(self.connection, self.subject);
            let (person, _) = tx.upsert_person(&fresh, &key, None, now).await.unwrap();
            let sign_in = SignInId::from_entropy(Random::System.bytes());
            let mut claims = ClaimsSnapshot { mfa: self.mfa, ..ClaimsSnapshot::of_groups(groups) };
            change(&mut claims);
            tx.insert_sign_in(&sign_in, &person, &claims, now).await.unwrap();
            let browser = Session {
                id: BrowserSessionId::from_entropy(Random::System.bytes()),
                person: person.clone(),
                sign_in: sign_in.clone(),
                expires_at: now + broker.lifetimes.browser_session,
            };
            tx.insert_browser_session(&hash(&cookie), &browser, &BrowserOrigin::default(), now).await.unwrap();
            let helper = Session {
                id: CliSessionId::from_entropy(Random::System.bytes()),
                person: person.clone(),
                sign_in,
                expires_at: now + broker.lifetimes.cli_session,
            };
            insert_helper(&mut tx, &helper, &token, now).await;
            tx.commit().await.unwrap();
            person
        });
        SignedIn { person, token, cookie }
    }
}

/// Keeps a helper's session with its first tokens: this access token, which lives as long as the session, and a refresh
/// token that nobody has.
pub(crate) async fn insert_helper(tx: &mut Tx, session: &Session<CliSessionId>, access: &str, now: DateTime<Utc>) {
    let origin = HelperOrigin { host: "a test".to_owned(), ..HelperOrigin::default() };
    tx.insert_cli_session(session, &origin, now).await.unwrap();
    let tokens = Tokens {
        refresh_hash: hash(&hex::encode(Random::System.bytes::<16>())),
        access_hash: hash(access),
        session: session.id.clone(),
        generation: 1,
        access_expires_at: session.expires_at,
        session_expires_at: session.expires_at,
        used_at: None,
    };
    tx.insert_tokens(&tokens, now).await.unwrap();
}

/// What is kept of a token.
pub(crate) fn hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes()))
}

impl SignedIn {
    /// A request of their helper's.
    pub(crate) fn ask(&self, method: &'static str, url: &str) -> Ask {
        raw::ask(method, url).header("authorization", &format!("Bearer {}", self.token))
    }
}
