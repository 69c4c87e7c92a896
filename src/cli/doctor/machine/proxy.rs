//! The proxy: which one is used for the broker, whether it is there, and whether it stands before this machine itself.
//!
//! The choice is the one that the helper's HTTP library makes; a proxy's password is never shown.

use ureq::Proxy;

use crate::cli::surroundings::Surroundings;

use super::broker::Asked;
use super::check::{Check, Subject, unset};
use super::reach;

const PROXY: Subject = Subject { name: "proxy", title: "The proxy" };

/// In the order in which they are looked at.
const VARIABLES: [&str; 6] = ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];

/// Those that other programs use for plain http, as endpoints for credentials speak it.
const FOR_PLAIN_HTTP: [&str; 4] = ["ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"];

/// Where endpoints for credentials are: those of `lodge serve`, and of a container's host.
const ENDPOINTS: [&str; 2] = ["127.0.0.1", "169.254.170.2"];

pub(super) fn checks(surroundings: &Surroundings, asked: &Asked) -> Vec<Check> {
    let mut checks = Vec::new();
    match chosen(surroundings) {
        None if surroundings.set_of(&VARIABLES).is_empty() => return vec![PROXY.ok("none is set")],
        None => {
            let set = surroundings.set_of(&VARIABLES);
            let says = format!("{} is no address of an HTTP proxy, so none is used", set.join(" and "));
            checks.push(PROXY.not_ok(says, format!("{}, or export HTTPS_PROXY=http://HOST:PORT", unset(&set))));
        }
        Some((name, proxy)) => checks.push(judge(name, &proxy, surroundings, asked)),
    }
    checks.extend(before_endpoints(surroundings));
    checks
}

/// The first variable that names a proxy.
fn chosen(surroundings: &Surroundings) -> Option<(&'static str, Proxy)> {
    VARIABLES.into_iter().find_map(|name| Some((name, Proxy::new(surroundings.get(name)?).ok()?)))
}

fn judge(name: &'static str, proxy: &Proxy, surroundings: &Surroundings, asked: &Asked) -> Check {
    let place = format!("{}:{}", proxy.host(), proxy.port());
    if surroundings.get(name).is_some_and(|address| address.to_ascii_lowercase().starts_with("socks")) {
        let says = format!("{name} is a SOCKS proxy, which lodge does not speak");
        return PROXY.not_ok(says, format!("{}, or export {name}=http://HOST:PORT", unset(&[name])));
    }
    let url = asked.url();
    let host = url.and_then(|url| Some(url::Url::parse(url.as_str()).ok()?.host_str()?.to_owned()));
    let spared = host.as_deref().is_some_and(|host| bypasses(no_proxy(surroundings), host));
    let is_used = url.is_some_and(|url| !url.is_loopback()) && !spared;
    if is_used && asked.look.as_ref().is_some_and(|look| look.date.is_some()) {
        return PROXY.ok(format!("{name} leads to the broker by way of {place}"));
    }
    let why = match url {
        Some(url) if url.is_loopback() => "is not used for a broker on this machine",
        Some(_) if spared => "is not used for the broker, because of NO_PROXY",
        _ => "is used for a broker elsewhere",
    };
    match reach::unreachable(proxy.host(), proxy.port()) {
        None => PROXY.ok(format!("{name} is {place}, and {why}")),
        Some(error) => {
            let says = format!("{name} is {place}, where nobody answers ({error})");
            PROXY.not_ok(says, format!("{}, or export {name}=http://HOST:PORT", unset(&[name])))
        }
    }
}

fn no_proxy(surroundings: &Surroundings) -> &str {
    surroundings.get("NO_PROXY").or_else(|| surroundings.get("no_proxy")).unwrap_or_default()
}

/// Whether programs that ask for credentials on this machine would go by the proxy.
fn before_endpoints(surroundings: &Surroundings) -> Option<Check> {
    let set = surroundings.set_of(&FOR_PLAIN_HTTP);
    let before: Vec<_> = ENDPOINTS.into_iter().filter(|host| !bypasses(no_proxy(surroundings), host)).collect();
    if set.is_empty() || before.is_empty() {
        return None;
    }
    let spared = no_proxy(surroundings);
    let comma = if spared.is_empty() { "" } else { "," };
    let says = format!(
        "NO_PROXY does not name {}, so some tools ask {} for credentials that are served on this machine",
        before.join(" and "),
        set.join(" and ")
    );
    Some(PROXY.warning(says, format!("export NO_PROXY='{spared}{comma}{}'", before.join(","))))
}

/// Whether the list spares the host, as the helper's HTTP library reads it: no blanks around the commas.
fn bypasses(list: &str, host: &str) -> bool {
    list.to_ascii_lowercase().split(',').any(|entry| match entry {
        "" => false,
        "*" => true,
        entry if entry.starts_with('*') => host.ends_with(&entry[1..]),
        entry if entry.starts_with('.') => host.ends_with(entry),
        entry if entry.ends_with('*') => host.starts_with(&entry[..entry.len() - 1]),
        entry => entry == host,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_spares_what_the_library_spares() {
        for spared in ["*", "lodge.example.edu", "other,LODGE.example.edu", ".example.edu", "*.edu", "lodge.*"] {
            assert!(bypasses(spared, "lodge.example.edu"), "{spared}");
        }
        for not in ["", "example.edu", "other, lodge.example.edu", "evil-lodge.example.edu"] {
            assert!(!bypasses(not, "lodge.example.edu"), "{not}");
        }
    }
}
