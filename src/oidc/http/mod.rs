//! The one HTTP client for every URL that a provider names.
//!
//! `https` only; no redirects; no proxy from the environment; bounded time and size. The one exception is exact: when
//! the configured issuer is itself `http` on a loopback address, that very origin may be asked without TLS.

mod origin;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use url::Url;

pub use origin::{InsecureOrigin, Origin, Reach};

/// Our own bound; metadata and key sets seen in the wild stay under 100 KiB.
const BODY_MAX_BYTES: usize = 256 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(10);

/// A request that was not sent, or an answer that was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not a URL that this client goes to.
    #[error("a provider URL that is not https")]
    Forbidden,
    /// The transfer failed.
    #[error("the transfer failed: {0}")]
    Transfer(&'static str),
    /// The answer is too large.
    #[error("an answer of more than {BODY_MAX_BYTES} bytes")]
    TooLarge,
}

impl From<reqwest::Error> for Error {
    /// Keeps the kind and drops the rest: a reqwest error prints its URL.
    fn from(error: reqwest::Error) -> Self {
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
    plain_origin: Option<url::Origin>,
}

impl GuardedClient {
    /// The client for the provider with this issuer.
    pub(super) fn new(issuer: &str) -> Result<Self, Error> {
        // One crypto provider in the process; a second call is refused and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let inner = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            .build()?;
        Ok(Self { inner, plain_origin: plain_origin(issuer) })
    }

    /// Whether this client goes there at all.
    pub(super) fn may_visit(&self, url: &str) -> bool {
        let Ok(url) = Url::parse(url) else { return false };
        let plain = self.plain_origin.as_ref().is_some_and(|origin| *origin == url.origin());
        (url.scheme() == "https" || plain) && url.username().is_empty() && url.password().is_none()
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Error> {
        let (parts, body) = request.into_parts();
        let url = parts.uri.to_string();
        if !self.may_visit(&url) {
            return Err(Error::Forbidden);
        }
        let mut answer = self.inner.request(parts.method, url).headers(parts.headers).body(body).send().await?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > BODY_MAX_BYTES {
                return Err(Error::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = HttpResponse::new(body);
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}

/// The origin of an issuer that is `http` on a loopback address.
fn plain_origin(issuer: &str) -> Option<url::Origin> {
    let url = Url::parse(issuer).ok()?;
    let loopback = match url.host()? {
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
        url::Host::Domain(_) => false,
    };
    (url.scheme() == "http" && loopback).then(|| url.origin())
}

impl<'c> AsyncHttpClient<'c> for GuardedClient {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_with_tls_is_never_asked_without() {
        let client = GuardedClient::new("https://sso.example.edu").unwrap();

        assert!(client.may_visit("https://sso.example.edu/jwks"));
        for bad in [
            "http://sso.example.edu/jwks",
            "http://169.254.169.254/latest/meta-data",
            "http://127.0.0.1:8081/jwks",
            "file:///etc/passwd",
            "https://good@evil.example/",
            "not a url",
        ] {
            assert!(!client.may_visit(bad), "{bad}");
        }
    }

    #[test]
    fn a_loopback_issuer_opens_its_own_origin_only() {
        let client = GuardedClient::new("http://127.0.0.1:8081").unwrap();

        assert!(client.may_visit("http://127.0.0.1:8081/token"));
        for bad in ["http://127.0.0.1:8082/token", "http://localhost:8081/token", "http://10.0.0.1:8081/token"] {
            assert!(!client.may_visit(bad), "{bad}");
        }
        assert!(plain_origin("http://10.0.0.1:8081").is_none());
        assert!(plain_origin("http://localhost:8081").is_none());
    }
}
