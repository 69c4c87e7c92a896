//! The database: whether it is there, is this program's, and is as it should be.

use chrono::TimeDelta;
use lodge::ambient::Clock;
use lodge::config::Config;
use lodge::store::{Address, Error, Store};
use lodge::telemetry;

use super::check::Check;

const NAME: &str = "database";

/// The broker's clock and the server's write times into the same tables.
const CLOCK_MAX_DIFFERENCE: TimeDelta = TimeDelta::seconds(5);

pub(crate) async fn check(config: &Config) -> Vec<Check> {
    let address = match config.database() {
        Ok(address) => address,
        Err(error) => return vec![Check::failed(NAME, format!("not looked at: {}", telemetry::chain(&error)))],
    };
    let store = match Store::open(&address).await {
        Ok(store) => store,
        Err(error) => {
            return vec![Check::failed(NAME, format!("{address}: {}{}", telemetry::chain(&error), next(&error)))];
        }
    };
    let mut checks = examined(&store, &address).await;
    store.close().await;
    if let Address::Postgres(postgres) = &address
        && is_remote(&postgres.url)
        && !postgres.url.query().is_some_and(|query| query.contains("sslmode=verify-full"))
    {
        let says = "the server is another machine and is not made to prove itself: add ?sslmode=verify-full to the URL";
        checks.push(Check::warning("database connection", says));
    }
    checks
}

async fn examined(store: &Store, address: &Address) -> Vec<Check> {
    let before = Clock::System.now();
    let health = match store.health().await {
        Ok(health) => health,
        Err(error) => return vec![Check::failed(NAME, format!("{address}: {}", telemetry::chain(&error)))],
    };
    let mut checks = vec![Check::ok(NAME, format!("{}, {address}, its schema is this program's", health.version))];
    for finding in health.findings {
        checks.push(match finding.problem {
            None => Check::ok(finding.what, "whole"),
            Some(problem) => {
                Check::failed(finding.what, format!("{problem}: restore a backup, and keep this database"))
            }
        });
    }
    if let Some(time) = health.server_time {
        let difference = (time - before).abs();
        checks.push(if difference > CLOCK_MAX_DIFFERENCE {
            let says = format!("differs by {} s from this machine's: set both by NTP", difference.num_seconds());
            Check::warning("database clock", says)
        } else {
            Check::ok("database clock", "that of this machine")
        });
    }
    checks
}

/// What to do about a database that does not open, where its own words do not say.
const fn next(error: &Error) -> &'static str {
    match error {
        Error::NoDatabase | Error::Schema(_) | Error::Login(_) | Error::InUse => "",
        _ => ": look at its owner, its log and its disk, or restore a backup",
    }
}

/// Whether the server is on another machine. A URL of this scheme keeps an IPv4 address as a name.
fn is_remote(url: &url::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_loopback = host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    // A socket's folder is written with its slashes encoded.
    !(host.is_empty() || host == "localhost" || host.starts_with("%2F") || is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_this_machine_is_not_remote() {
        for (url, remote) in [
            ("postgres://lodge@localhost/lodge", false),
            ("postgres://lodge@127.0.0.1:5433/lodge", false),
            ("postgres://lodge@[::1]/lodge", false),
            ("postgres://lodge@%2Frun%2Fpostgresql/lodge", false),
            ("postgres://lodge@db.example.edu/lodge", true),
            ("postgres://lodge@192.0.2.7/lodge", true),
        ] {
            assert_eq!(is_remote(&url.parse().unwrap()), remote, "{url}");
        }
    }
}
