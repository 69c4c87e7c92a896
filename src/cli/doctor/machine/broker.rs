//! The broker: whether it is there, and is one. It is asked here, once, for all checks.

use chrono::{DateTime, TimeDelta, Utc};

use super::check::{Check, Subject};
use crate::cli::Helper;
use crate::cli::broker_url::BrokerUrl;
use crate::cli::client::{Client, Look};
use crate::cli::failure::Failure;
use crate::wire::{Me, OauthMetadata};

const BROKER: Subject = Subject { name: "broker", title: "The broker" };

/// What asking came to.
#[derive(Debug)]
pub(super) struct Asked {
    /// Which broker, where that is known.
    pub(super) broker: Result<Option<BrokerUrl>, Failure>,
    /// What it said of itself; none where there was nobody to ask.
    pub(super) look: Option<Look>,
    /// By how much its clock is ahead of this machine's.
    pub(super) ahead: Option<TimeDelta>,
    /// Who is signed in there, and what that opens; none where the broker was not asked.
    pub(super) me: Option<Result<Me, Failure>>,
    /// When the session ends as it is stored here, for a broker that does not answer.
    pub(super) stored: Result<DateTime<Utc>, Failure>,
}

impl Asked {
    /// Asks the broker that this helper talks to.
    pub(super) fn of(helper: &Helper) -> Self {
        let broker = helper.sessions().and_then(|sessions| helper.broker(&sessions));
        let stored = helper.signed_in().and_then(|person| Ok(helper.sessions()?.stored(person.broker())?.expires_at));
        let Ok(Some(url)) = &broker else { return Self { broker, look: None, ahead: None, me: None, stored } };

        let before = helper.clock.now();
        let look = Client::new(url).look();
        let after = helper.clock.now();

        let ahead = look.date.map(|date| ahead(date, before, after));
        let answers = look.described.is_ok();
        let me = (answers && stored.is_ok()).then(|| helper.signed_in()?.ask(Client::me_soon));
        Self { look: Some(look), ahead, me, stored, broker }
    }

    /// What the broker says of itself.
    pub(super) fn metadata(&self) -> Option<&OauthMetadata> {
        self.look.as_ref()?.described.as_ref().ok()
    }

    /// What is open there to whoever is signed in.
    pub(super) fn me(&self) -> Option<&Me> {
        self.me.as_ref()?.as_ref().ok()
    }

    /// The broker, where one is known.
    pub(super) fn url(&self) -> Option<&BrokerUrl> {
        self.broker.as_ref().ok()?.as_ref()
    }
}

/// A clock that says a second is half through it, on the average, and was asked halfway between both moments.
fn ahead(date: DateTime<Utc>, before: DateTime<Utc>, after: DateTime<Utc>) -> TimeDelta {
    date + TimeDelta::milliseconds(500) - (before + (after - before) / 2)
}

pub(super) fn checks(asked: &Asked) -> Option<Check> {
    let (url, look) = (asked.url()?, asked.look.as_ref()?);
    Some(judge(url, &look.described))
}

fn judge(url: &BrokerUrl, described: &Result<OauthMetadata, Failure>) -> Check {
    let again = "lodge doctor";
    match described {
        Ok(_) => BROKER.ok(format!("{url} answers")),
        Err(Failure::Unreachable { reason, .. }) if reason.contains("certificate") => BROKER.not_ok(
            format!("the certificate of {url} is not to be trusted ({}): {}", reason.trim(), distrust(reason)),
            format!("curl --verbose {url}/healthz"),
        ),
        Err(failure @ Failure::Unreachable { .. }) => BROKER.failed(failure, &format!("curl --verbose {url}/healthz")),
        Err(failure @ Failure::NotABroker { .. }) => BROKER.failed(failure, "lodge login URL, with the right address"),
        Err(failure) => BROKER.failed(failure, again),
    }
}

/// What a certificate that is not trusted mostly means. The words are those of rustls.
fn distrust(reason: &str) -> &'static str {
    if reason.contains("Expired") || reason.contains("NotValidYet") {
        "it has run out, or the clock of this machine is wrong"
    } else if reason.contains("NotValidForName") {
        "it is for another name, so use the address that the broker is known by"
    } else {
        "somebody in between answers for the broker, such as a proxy or a Wi-Fi's sign-in page, or its authority is not a public one"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_a_slow_broker_is_compared_with_the_middle_of_the_wait() {
        let at = |ms: i64| DateTime::from_timestamp_millis(1_795_266_000_000 + ms).unwrap();

        assert_eq!(ahead(at(2_000), at(500), at(4_500)), TimeDelta::zero());
        assert_eq!(ahead(at(602_000), at(500), at(4_500)), TimeDelta::minutes(10));
    }

    #[test]
    fn a_certificate_that_is_not_trusted_is_told_from_a_broker_that_is_away() {
        let url: BrokerUrl = "https://lodge.example.edu".parse().unwrap();
        let say = |reason: &str| {
            let failure = Failure::Unreachable { broker: url.to_string(), reason: reason.to_owned() };
            judge(&url, &Err(failure)).line()
        };

        assert!(say("invalid peer certificate: UnknownIssuer").contains("such as a proxy"));
        assert!(say("invalid peer certificate: Expired").contains("clock of this machine"));
        assert!(say("invalid peer certificate: NotValidForName").contains("another name"));
        assert_eq!(
            say("Connection refused (os error 111)"),
            "The broker: https://lodge.example.edu cannot be reached (Connection refused (os error 111))."
        );
    }
}
