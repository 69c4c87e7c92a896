//! The identity providers: whether people can sign in there.

use std::rc::Rc;

use lodge::config::{Config, Connection};
use lodge::oidc::{self, Algorithm, ClientAuthentication, Offer, Probe, Provider};
use lodge::telemetry;

use super::check::Check;
use super::{Found, Look};

/// A look at each connection.
pub(super) fn looks(config: &Rc<Config>) -> Vec<Look> {
    if config.connections.is_empty() {
        let none = Check::warning("connections", "there is no [[connection]], so nobody can sign in: add one");
        return vec![("connections".to_owned(), Box::pin(async { vec![none].into() }))];
    }
    let look_at = |connection: &Connection| -> Look { (name(connection), Box::pin(look(connection.clone()))) };
    config.connections.iter().map(look_at).collect()
}

fn name(connection: &Connection) -> String {
    format!("connection {}", connection.name)
}

async fn look(connection: Connection) -> Found {
    let name = name(&connection);
    let Ok(settings) = connection.provider() else {
        return vec![Check::failed(name, "not looked at, since its settings cannot be used")].into();
    };
    let provider = match Provider::new(settings) {
        Ok(provider) => provider,
        Err(error) => return vec![Check::failed(name, telemetry::chain(&error))].into(),
    };
    let probe = provider.probe().await;
    Found {
        time: probe.time.map(|time| (connection.name, time)),
        checks: vec![judge(name, provider.settings(), &probe)],
    }
}

fn judge(name: String, settings: &oidc::Settings, probe: &Probe) -> Check {
    let issuer = settings.issuer.as_str();
    if let Some(other) = &probe.other_issuer {
        let other = other.as_str();
        let says = format!(
            "the provider at {issuer} calls itself {other}: set `issuer` to exactly that, if it is the one that is meant"
        );
        return Check::failed(name, says);
    }
    let offer = match &probe.offer {
        Ok(offer) => offer,
        Err(error) => {
            let what_to_do = if error.is_away() {
                "nobody can sign in until it answers: look at the network, and at the provider"
            } else {
                "nobody can sign in: compare `issuer` with what the provider's administrators say"
            };
            return Check::failed(name, format!("{issuer}: {}; {what_to_do}", telemetry::chain(error)));
        }
    };
    if offer.keys == 0 {
        return Check::failed(
            name,
            format!("{issuer} publishes no keys, so no sign-in can be verified: tell its administrators"),
        );
    }
    if offer.algorithms.is_empty() {
        let says = format!(
            "{issuer} signs with {}, and `algorithms` allows {}: allow what it signs with",
            listed(&offer.signs_with),
            listed(&settings.algorithms)
        );
        return Check::failed(name, says);
    }
    match worries(settings, offer).as_slice() {
        [] => {
            let keys = if offer.keys == 1 { "1 key".to_owned() } else { format!("{} keys", offer.keys) };
            Check::ok(name, format!("{issuer}, {keys}, signs with {}", listed(&offer.algorithms)))
        }
        worries => Check::warning(name, format!("{issuer}: {}", worries.join("; "))),
    }
}

/// What may keep a sign-in from working, or from bringing groups.
fn worries(settings: &oidc::Settings, offer: &Offer) -> Vec<String> {
    let mut worries = Vec::new();
    if !offer.takes_authentication {
        let (own, other) = match settings.client_authentication {
            ClientAuthentication::Basic => ("basic", "post"),
            ClientAuthentication::Post => ("post", "basic"),
        };
        worries.push(format!(
            "it does not say that it takes client_secret_{own}: try client_authentication = \"{other}\""
        ));
    }
    for scope in &offer.unlisted_scopes {
        worries.push(format!("it does not list the scope `{scope}`: ask its administrators what brings the groups"));
    }
    if offer.is_claim_unlisted {
        let claim = settings.group_claim.as_str();
        worries.push(format!("it does not list the claim `{claim}`: sign in once and see whether groups arrive"));
    }
    worries
}

fn listed(algorithms: &[Algorithm]) -> String {
    if algorithms.is_empty() {
        return "nothing that can be allowed".to_owned();
    }
    algorithms.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
