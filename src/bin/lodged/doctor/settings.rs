//! What is on this machine: the settings, the files with secrets, the public URL.

use std::path::Path;

use lodge::config::Config;
use lodge::private_file;
use url::{Host, Url};

use super::check::Check;
use crate::settings::{self, Findings};

/// The settings as far as they can be read, and what is to be said of them.
pub(super) fn check(file: &Path) -> (Option<Config>, Vec<Check>) {
    let Findings { config, problems, .. } = settings::look(file);
    let mut checks: Vec<_> = problems.into_iter().map(|problem| Check::failed("settings", problem)).collect();
    if checks.is_empty() {
        checks.push(Check::ok("settings", format!("{} can be used", file.display())));
    }
    if let Some(config) = &config {
        checks.extend(open_secrets(config));
        checks.push(key_file(config));
        checks.push(public_url(&config.server.public_url));
    }
    (config, checks)
}

/// A key or a password that others may read is refused. A client secret is taken, since without somebody's code it opens
/// nothing; but nobody else needs it.
fn open_secrets(config: &Config) -> impl Iterator<Item = Check> {
    config.connections.iter().map(|connection| &connection.client_secret_file).filter_map(|file| {
        let is_open = private_file::is_private(file).is_ok_and(|is_private| !is_private);
        is_open.then(|| Check::warning("settings", format!("others may read {0}; run: chmod 600 {0}", file.display())))
    })
}

fn key_file(config: &Config) -> Check {
    const NAME: &str = "key file";
    match settings::key_file(config) {
        Ok(()) => Check::ok(NAME, format!("{} is private", config.secrets.key_file.display())),
        Err(problem) => Check::failed(NAME, problem),
    }
}

fn public_url(url: &Url) -> Check {
    const NAME: &str = "public URL";
    let is_loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    };
    let shown = url.as_str().trim_end_matches('/');
    if is_loopback {
        Check::warning(NAME, format!("{shown} leads everybody to their own machine: set the address that people use"))
    } else if url.scheme() == "https" {
        Check::ok(NAME, shown)
    } else {
        Check::warning(NAME, format!("{shown} sends tokens in the clear: put a proxy with TLS in front, and set https"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Outcome;
    use super::*;

    #[test]
    fn only_an_address_for_everybody_with_tls_is_well() {
        for (url, outcome) in [
            ("https://lodge.example.edu", Outcome::Ok),
            ("http://lodge.example.edu", Outcome::Warning),
            ("http://127.0.0.1:8080", Outcome::Warning),
            ("https://[::1]", Outcome::Warning),
            ("https://localhost:8443", Outcome::Warning),
        ] {
            assert_eq!(public_url(&url.parse().unwrap()).outcome, outcome, "{url}");
        }
    }
}
