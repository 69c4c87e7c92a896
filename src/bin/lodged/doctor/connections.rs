//! The identity providers: whether people can sign in there.

use std::rc::Rc;

use lodge::config::{Config, Connection};
use lodge::oidc::{self, Algorithm, ClientAuthentication, HttpError, MfaRequest, Offer, Probe, Provider};
use lodge::telemetry;
use url::Url;

use super::check::Check;
use super::{Found, Look};

/// A look at each connection.
pub(super) fn looks(config: &Rc<Config>) -> Vec<Look> {
    if config.connections.is_empty() {
        let none = Check::warning("connections", "there is no [[connection]], so nobody can sign in: add one");
        return vec![("connections".to_owned(), Box::pin(async { vec![none].into() }))];
    }
    let look_at = |connection: &Connection| -> Look {
        (name(connection), Box::pin(look(connection.clone(), config.server.public_url.clone())))
    };
    config.connections.iter().map(look_at).collect()
}

fn name(connection: &Connection) -> String {
    format!("connection {}", connection.name)
}

async fn look(connection: Connection, public_url: Url) -> Found {
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
        checks: vec![judge(name, provider.settings(), &probe, &public_url)],
    }
}

fn judge(name: String, settings: &oidc::Settings, probe: &Probe, public_url: &Url) -> Check {
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
            let says = format!("{issuer}: {}; {}", telemetry::chain(error), what_to_do(error));
            return Check::failed(name, says);
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
        [] => Check::ok(name, format!("{issuer}, {}", offers(settings, offer, public_url).join(", "))),
        worries => Check::warning(name, format!("{issuer}: {}", worries.join("; "))),
    }
}

fn what_to_do(error: &oidc::Error) -> &'static str {
    match error {
        _ if error.is_away() => "nobody can sign in until it answers: look at the network, and at the provider",
        oidc::Error::ClosedOrigins(_) => "nobody can sign in until then",
        oidc::Error::Unreachable(HttpError::Forbidden(_)) => {
            "nobody can sign in: a provider inside the campus needs its network in `internal_networks`"
        }
        _ => "nobody can sign in: compare `issuer` with what the provider's administrators say",
    }
}

/// What there is, for whoever wants to know before people ask.
fn offers(settings: &oidc::Settings, offer: &Offer, public_url: &Url) -> Vec<String> {
    let keys = if offer.keys == 1 { "1 key".to_owned() } else { format!("{} keys", offer.keys) };
    let mut offers = vec![keys, format!("signs with {}", listed(&offer.algorithms))];
    offers.push(if offer.is_second_factor_unlisted {
        "lists none of `mfa_acr`, so a second factor may go unseen".to_owned()
    } else {
        "may tell of a second factor".to_owned()
    });
    offers.push(if offer.tells_of_logout {
        let address = format!("auth/{}/backchannel-logout", settings.name);
        let address = public_url.join(&address).map_or(address, String::from);
        format!("tells of logouts if {address} is registered there")
    } else {
        "does not tell of logouts".to_owned()
    });
    offers
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
        let elsewhere =
            if offer.has_user_info { "" } else { " in the ID token, since it has no userinfo endpoint to ask" };
        worries.push(format!(
            "it does not list the claim `{claim}`: sign in once and see whether groups arrive{elsewhere}"
        ));
    }
    if settings.mfa.request == MfaRequest::Claims && !offer.takes_demands {
        worries
            .push("it does not say that it takes the `claims` parameter: try mfa_request = \"acr_values\"".to_owned());
    }
    worries
}

fn listed(algorithms: &[Algorithm]) -> String {
    if algorithms.is_empty() {
        return "nothing that can be allowed".to_owned();
    }
    algorithms.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
