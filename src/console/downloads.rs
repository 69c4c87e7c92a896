//! The helper, for people's machines.

use askama::Template;
use axum::response::Response;

use super::page;
use super::shell::Shell;
use crate::app::{Broker, Download};

struct Offer<'a> {
    name: &'a str,
    size: String,
    sha256: String,
}

#[derive(Template)]
#[template(path = "downloads.html", config = "src/console/askama.toml")]
struct ForAnybody<'a> {
    offers: &'a [Offer<'a>],
    broker: &'a str,
}

#[derive(Template)]
#[template(path = "downloads_signed_in.html", config = "src/console/askama.toml")]
struct ForSomebody<'a> {
    offers: &'a [Offer<'a>],
    broker: &'a str,
    shell: &'a Shell,
}

/// What there is to install, for anybody; around it, what is around every page of somebody who is signed in.
#[must_use]
pub fn downloads(broker: &Broker, shell: Option<&Shell>) -> Response {
    let offer = |it| {
        let it: &Download = it;
        Offer { name: it.name(), size: size(it.bytes()), sha256: it.sha256() }
    };
    let offers: Vec<_> = broker.downloads.programs().map(offer).collect();
    match shell {
        Some(shell) => page(&ForSomebody { offers: &offers, broker: broker.issuer(), shell }),
        None => page(&ForAnybody { offers: &offers, broker: broker.issuer() }),
    }
}

/// `7.4 MB`, as file managers count.
fn size(bytes: u64) -> String {
    let tenths = |unit: u64| (bytes + unit / 20) / (unit / 10);
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..999_950 => format!("{}.{} kB", tenths(1_000) / 10, tenths(1_000) % 10),
        _ => format!("{}.{} MB", tenths(1_000_000) / 10, tenths(1_000_000) % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (bytes, shown) in [
            (2, "2 bytes"),
            (999, "999 bytes"),
            (1_000, "1.0 kB"),
            (1_049, "1.0 kB"),
            (1_050, "1.1 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (7_412_345, "7.4 MB"),
            (123_456_789, "123.5 MB"),
        ] {
            assert_eq!(size(bytes), shown, "{bytes}");
        }
    }
}
