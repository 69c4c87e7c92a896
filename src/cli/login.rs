//! `lodge login`: sign in at the broker with a browser on this machine (RFC 8252), and keep the session.

use std::thread;
use std::time::Duration;

use chrono::TimeDelta;

use super::arguments::LoginArguments;
use super::authorize::Attempt;
use super::broker_url::BrokerUrl;
use super::callback::Callback;
use super::callback_page::Page;
use super::client::{Client, CodeExchange};
use super::environment;
use super::failure::Failure;
use super::output::Output;
use super::session::{Session, Sessions};
use super::{Helper, summary};

/// Long enough for a second factor, short enough that a forgotten terminal stops listening.
const SIGN_IN_TIMEOUT: Duration = Duration::from_mins(5);

pub(crate) fn run(helper: &Helper, arguments: &LoginArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let sessions = helper.sessions()?;
    let broker = match &arguments.url {
        Some(url) => url.parse()?,
        None => helper.broker(&sessions)?.ok_or(Failure::NoBrokerGiven)?,
    };
    let client = Client::new(&broker);

    let session = sign_in(helper, &broker, &client, &sessions, arguments.no_browser, output)?;

    let me = client.me(&session.access_token)?;
    output.say("");
    for line in summary::after_login(&broker, &me) {
        output.say(&line);
    }
    Ok(())
}

fn sign_in(
    helper: &Helper,
    broker: &BrokerUrl,
    client: &Client,
    sessions: &Sessions,
    no_browser: bool,
    output: &mut Output<'_>,
) -> Result<Session, Failure> {
    let (metadata, endpoint) = client.metadata()?;
    let attempt = Attempt::new(&helper.random);
    let callback = Callback::bind(&helper.random)?;
    let redirect_uri = callback.redirect_uri();
    let url = attempt.url(endpoint, &redirect_uri, &environment::machine_name());

    invite(helper, broker, url.as_str(), callback.port(), no_browser, output);
    let (code, browser) = callback.wait(&attempt.state, &metadata.issuer, SIGN_IN_TIMEOUT)?.code()?;

    let exchange = CodeExchange { code: &code, redirect_uri: &redirect_uri, verifier: &attempt.verifier };
    let kept = client.exchange(&metadata.token_endpoint, &exchange).and_then(|token| {
        let session = Session {
            broker: broker.to_string(),
            access_token: token.access_token,
            expires_at: helper.clock.now() + TimeDelta::seconds(token.expires_in.into()),
            revocation_endpoint: metadata.revocation_endpoint.clone(),
        };
        sessions.keep(broker, &session)?;
        Ok(session)
    });
    browser.leave(if kept.is_ok() { Page::SignedIn } else { Page::Failed });
    kept
}

/// Shows the person where to sign in. The address is printed in any case: no browser may be the one they meant.
fn invite(helper: &Helper, broker: &BrokerUrl, url: &str, port: u16, no_browser: bool, output: &mut Output<'_>) {
    if no_browser {
        output.say(&format!("To sign in at {broker}, visit this address in a browser on this machine:"));
    } else {
        output.say(&format!("Opening your browser to sign in at {broker}. If it does not open, visit:"));
        // A text browser would run here in the foreground: the listener must not wait for it.
        let (browser, url) = (helper.browser.clone(), url.to_owned());
        thread::spawn(move || {
            if let Err(error) = browser(&url) {
                tracing::debug!(%error, "no browser could be opened");
            }
        });
    }
    output.say("");
    output.say(&format!("  {url}"));
    output.say("");
    if no_browser {
        output.say(&format!("(From another machine, first forward the port: ssh -L {port}:127.0.0.1:{port} …)"));
    }
    output.say("Waiting for you to sign in, for 5 minutes at most; Ctrl-C stops.");
}
