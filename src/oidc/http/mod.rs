//! The one HTTP client for every URL that a provider names.
//!
//! `https` only; origins that the operator knows of; addresses on the public internet, looked at as they are connected
//! to; no redirects; no proxy from the environment; bounded time and size. Each exception is exact and in the settings
//! ([`Reach`]). It exists because a provider's metadata is a stranger's list of addresses, and the broker stands inside
//! a campus network.

mod address;
mod names;
mod origin;

use std::error::Error as _;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use url::{Host, Url};

pub use address::is_internal;
use names::{GuardedNames, Lookup, NoAddress, SystemLookup};
pub use origin::{InsecureOrigin, Origin, Reach};

/// Our own bound; metadata and key sets seen in the wild stay under 100 KiB. No compression is offered, so it is the
/// bound of what is kept as well.
const BODY_MAX_BYTES: usize = 256 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(10);

/// A request that was not sent, or an answer that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a URL that this client goes to.
    #[error("a provider's address that is {0}")]
    Forbidden(&'static str),
    /// An origin that the operator did not name.
    #[error("{0} is not among this connection's origins")]
    Origin(Origin),
    /// The transfer failed.
    #[error("the transfer failed: {0}")]
    Transfer(&'static str),
    /// The provider says that it is in trouble.
    #[error("the provider answered {0}")]
    Trouble(u16),
    /// The answer is too large.
    #[error("an answer of more than {BODY_MAX_BYTES} bytes")]
    TooLarge,
}

impl From<reqwest::Error> for Error {
    /// Keeps the kind and drops the rest: a reqwest error prints its URL.
    fn from(error: reqwest::Error) -> Self {
        let mut cause = error.source();
        while let Some(inner) = cause {
            if let Some(NoAddress(what)) = inner.downcast_ref() {
                return Self::Forbidden(what);
            }
            cause = inner.source();
        }
        Self::Transfer(if error.is_timeout() {
            "timeout"
        } else if error.is_connect() {
            "no connection"
        } else {
            "broken off"
        })
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct GuardedClient {
    inner: reqwest::Client,
    /// Where the provider's own endpoints are.
    origins: Vec<Origin>,
    reach: Reach,
}

impl GuardedClient {
    /// The client for a provider whose issuer and metadata are at these addresses.
    pub(super) fn new(own: &[&Url], reach: &Reach) -> Result<Self, Error> {
        Self::with_lookup(own, reach, Arc::new(SystemLookup))
    }

    fn with_lookup(own: &[&Url], reach: &Reach, lookup: Arc<dyn Lookup>) -> Result<Self, Error> {
        // One crypto provider in the process; a second call is refused and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let names = GuardedNames { lookup, internal: reach.internal_networks.clone() };
        let inner = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            .dns_resolver(names)
            .build()?;
        let own = own.iter().filter_map(|url| Origin::of(url));
        Ok(Self { inner, origins: own.chain(reach.endpoint_origins.iter().cloned()).collect(), reach: reach.clone() })
    }

    /// Whether this client goes there at all. A name is looked up only when it does.
    ///
    /// # Errors
    ///
    /// Why it does not.
    pub(super) fn check(&self, url: &Url) -> Result<(), Error> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::Forbidden("one with a user in it"));
        }
        let origin = Origin::of(url).ok_or(Error::Forbidden("not a web address"))?;
        if self.reach.insecure_origins.iter().any(|insecure| *insecure.origin() == origin) {
            return Ok(());
        }
        if url.scheme() != "https" {
            return Err(Error::Forbidden("not https"));
        }
        if !self.origins.contains(&origin) {
            return Err(Error::Origin(origin));
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => address.into(),
            Some(Host::Ipv6(address)) => address.into(),
            _ => return Ok(()),
        };
        address::check(literal, &self.reach.internal_networks).map_err(Error::Forbidden)
    }

    /// Sends a request. An answer that says that the provider is in trouble is none.
    pub(super) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Error> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string()).map_err(|_| Error::Forbidden("not a web address"))?;
        self.check(&url)?;
        let mut answer = self.inner.request(parts.method, url).headers(parts.headers).body(body).send().await?;
        let status = answer.status();
        if status.is_server_error() || status == http::StatusCode::TOO_MANY_REQUESTS {
            return Err(Error::Trouble(status.as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > BODY_MAX_BYTES {
                return Err(Error::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = HttpResponse::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }

    /// Fetches a document.
    pub(super) async fn get(&self, url: &Url) -> Result<HttpResponse, Error> {
        let request =
            http::Request::get(url.as_str()).header(http::header::ACCEPT, "application/json").body(Vec::new());
        self.send(request.map_err(|_| Error::Forbidden("not a web address"))?).await
    }
}

impl<'c> AsyncHttpClient<'c> for GuardedClient {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

#[cfg(test)]
mod tests;
