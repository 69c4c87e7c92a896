//! The client's own tests: where it goes, by address and by name.

use std::io;
use std::net::IpAddr;
use std::sync::Mutex;

use super::*;

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn client(issuer: &str, reach: &Reach) -> GuardedClient {
    GuardedClient::new(&[&url(issuer)], reach).unwrap()
}

#[test]
fn a_provider_with_tls_is_never_asked_without() {
    let client = client("https://sso.example.edu", &Reach::default());

    assert_eq!(client.check(&url("https://sso.example.edu/jwks")), Ok(()));
    assert_eq!(client.check(&url("https://sso.example.edu:443/jwks")), Ok(()));
    for bad in [
        "http://sso.example.edu/jwks",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:8081/jwks",
        "file:///etc/passwd",
        "gopher://sso.example.edu/",
        "https://good@sso.example.edu/",
        "https://sso.example.edu@evil.example/",
    ] {
        assert!(matches!(client.check(&url(bad)), Err(Error::Forbidden(_))), "{bad}");
    }
    for elsewhere in [
        "https://sso.example.edu:8443/jwks",
        "https://sso.example.edu:22/",
        "https://evil.example/jwks",
        "https://sso.example.edu.evil.example/",
        "https://sso.example.edu./jwks",
    ] {
        assert!(matches!(client.check(&url(elsewhere)), Err(Error::Origin(_))), "{elsewhere}");
    }
}

#[test]
fn an_origin_that_the_operator_names_is_open() {
    let other = "https://graph.example.edu:8443".parse().unwrap();
    let client = client("https://sso.example.edu", &Reach { endpoint_origins: vec![other], ..Reach::default() });

    assert_eq!(client.check(&url("https://graph.example.edu:8443/oidc/userinfo")), Ok(()));
    let error = client.check(&url("https://graph.example.edu/oidc/userinfo")).unwrap_err();
    assert_eq!(error.to_string(), "https://graph.example.edu is not among this connection's origins");
}

#[test]
fn an_address_in_the_url_is_looked_at_however_it_is_written() {
    for bad in [
        "https://127.0.0.1",
        "https://2130706433",
        "https://0x7f000001",
        "https://0177.0.0.1",
        "https://127.1",
        "https://0.0.0.0",
        "https://169.254.169.254",
        "https://10.0.0.1",
        "https://[::1]",
        "https://[::ffff:127.0.0.1]",
        "https://[fd00:ec2::254]",
        "https://[64:ff9b::7f00:1]",
    ] {
        let client = client(bad, &Reach::default());
        assert!(matches!(client.check(&url(bad)), Err(Error::Forbidden(_))), "{bad}");
    }
    let campus = Reach { internal_networks: vec!["10.20.0.0/16".parse().unwrap()], ..Reach::default() };
    assert_eq!(client("https://10.20.0.1", &campus).check(&url("https://10.20.0.1/jwks")), Ok(()));
}

#[test]
fn without_tls_only_the_very_origin_is_asked() {
    let insecure = vec!["http://127.0.0.1:8081".parse().unwrap()];
    let client = client("http://127.0.0.1:8081", &Reach { insecure_origins: insecure, ..Reach::default() });

    assert_eq!(client.check(&url("http://127.0.0.1:8081/token")), Ok(()));
    for bad in ["http://127.0.0.1:8082/token", "http://localhost:8081/token", "http://10.0.0.1:8081/token"] {
        assert!(client.check(&url(bad)).is_err(), "{bad}");
    }
    let unlisted = GuardedClient::new(&[&url("http://127.0.0.1:8081")], &Reach::default()).unwrap();
    assert_eq!(unlisted.check(&url("http://127.0.0.1:8081/token")), Err(Error::Forbidden("not https")));
}

/// Names whose addresses the test knows, each lookup's in turn.
struct Book(Mutex<Vec<Vec<IpAddr>>>);

impl Book {
    fn of(lookups: &[&[&str]]) -> Arc<Self> {
        let addresses = |lookup: &&[&str]| lookup.iter().map(|address| address.parse().unwrap()).collect();
        Arc::new(Self(Mutex::new(lookups.iter().rev().map(addresses).collect())))
    }

    fn unused(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl Lookup for Book {
    fn addresses(&self, _: &str) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        let found = self.0.lock().unwrap().pop();
        Box::pin(async move { found.ok_or_else(|| io::Error::other("looked up once too often")) })
    }
}

#[tokio::test]
async fn a_name_is_as_good_as_its_addresses() {
    for bad in ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "::ffff:127.0.0.1", "fd00:ec2::254", "0.0.0.0"] {
        // The second lookup would be good: nobody may ask for it.
        let book = Book::of(&[&[bad], &["8.8.8.8"]]);
        let issuer = url("https://sso.example.edu");
        let client = GuardedClient::with_lookup(&[&issuer], &Reach::default(), book.clone()).unwrap();

        let error = client.get(&issuer).await.unwrap_err();

        assert!(matches!(error, Error::Forbidden(_)), "{bad}: {error}");
        assert_eq!(book.unused(), 1, "{bad}");
    }
}

#[tokio::test]
async fn localhost_is_not_on_the_public_internet() {
    let error = client("https://localhost", &Reach::default()).get(&url("https://localhost")).await.unwrap_err();

    assert_eq!(error, Error::Forbidden("a loopback address"));
}

#[tokio::test]
async fn of_several_addresses_the_good_ones_are_kept() {
    use std::str::FromStr as _;

    use reqwest::dns::{Name, Resolve as _};

    let book = Book::of(&[&["127.0.0.1", "8.8.8.8", "10.0.0.1", "10.20.0.1"]]);
    let names = GuardedNames { lookup: book, internal: vec!["10.20.0.0/16".parse().unwrap()] };

    let found = names.resolve(Name::from_str("sso.example.edu").unwrap()).await.unwrap();

    assert_eq!(found.map(|address| address.to_string()).collect::<Vec<_>>(), ["8.8.8.8:0", "10.20.0.1:0"]);
}
