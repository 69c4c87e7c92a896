//! Looking up names, and keeping of what is found only what may be connected to.
//!
//! The client connects to the addresses that come from here and looks nothing up again, so a name that changes its
//! addresses in between (DNS rebinding) gains nothing.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address;

/// Who knows the addresses of a name.
pub(super) trait Lookup: Send + Sync {
    fn addresses(&self, name: &str) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
}

/// This machine's own way.
pub(super) struct SystemLookup;

impl Lookup for SystemLookup {
    fn addresses(&self, name: &str) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        let name = name.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|found| found.ip()).collect()) })
    }
}

/// A name that has addresses, none of which may be connected to.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NoAddress(pub(super) &'static str);

pub(super) struct GuardedNames {
    pub(super) lookup: Arc<dyn Lookup>,
    pub(super) internal: Vec<IpNet>,
}

impl Resolve for GuardedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let (found, internal) = (self.lookup.addresses(name.as_str()), self.internal.clone());
        Box::pin(async move {
            let found = found.await?;
            let checked = |address: &IpAddr| address::check(*address, &internal);
            let good: Vec<_> = found.iter().filter(|address| checked(address).is_ok()).copied().collect();
            if good.is_empty()
                && let Some(what) = found.iter().find_map(|address| checked(address).err())
            {
                return Err(NoAddress(what).into());
            }
            // The port is the URL's.
            let addresses: Addrs = Box::new(good.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}
