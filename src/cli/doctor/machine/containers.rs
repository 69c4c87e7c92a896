//! A container endpoint in the environment: what `lodge serve` sets, and what stays behind when it has ended.

use url::Url;

use crate::cli::broker_url::is_loopback;
use crate::cli::surroundings::Surroundings;

use super::check::{Check, Subject, unset};
use super::reach;

const ENDPOINT: Subject = Subject { name: "container-endpoint", title: "A container endpoint in the environment" };

const VARIABLES: [&str; 4] = [
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
];

pub(super) fn checks(surroundings: &Surroundings) -> Option<Check> {
    let set = surroundings.set_of(&VARIABLES);
    if set.is_empty() {
        return None;
    }
    let remedy = unset(&set);
    if surroundings.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").is_some() {
        let says = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is set, so tools without a profile ask the container host and not lodge";
        return Some(ENDPOINT.warning(says, remedy));
    }
    let Some(uri) = surroundings.get("AWS_CONTAINER_CREDENTIALS_FULL_URI") else {
        return Some(ENDPOINT.warning(format!("{} is set, and no endpoint that it is for", set.join(" and ")), remedy));
    };
    let Some((url, host, port)) = place(uri) else {
        return Some(ENDPOINT.not_ok("AWS_CONTAINER_CREDENTIALS_FULL_URI is not an address", remedy));
    };
    if !is_loopback(&url) {
        let says = format!("tools without a profile ask {host} and not lodge");
        return Some(ENDPOINT.warning(says, remedy));
    }
    if let Some(file) = surroundings.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
        && !std::path::Path::new(file).is_file()
    {
        return Some(
            ENDPOINT.not_ok(format!("the token file {file} is not there: that lodge serve has ended"), remedy),
        );
    }
    Some(match reach::unreachable(&host, port) {
        None => ENDPOINT.ok(format!("somebody serves at {host}:{port}, as lodge serve does")),
        Some(why) => ENDPOINT.not_ok(format!("nobody serves at {host}:{port} any more ({why})"), remedy),
    })
}

fn place(uri: &str) -> Option<(Url, String, u16)> {
    let url = Url::parse(uri).ok()?;
    let (host, port) = (url.host_str()?.to_owned(), url.port_or_known_default()?);
    Some((url, host, port))
}
