//! `lodge login`: sign in at the broker with a browser on this machine (RFC 8252), and keep the session. With `--remote`
//! the browser is on another machine, and the person carries the code.

use std::io::ErrorKind;
use std::thread;
use std::time::Duration;

use zeroize::Zeroizing;

use super::arguments::LoginArguments;
use super::authorize::{Attempt, Wish};
use super::broker_url::BrokerUrl;
use super::callback::Callback;
use super::callback_page::Page;
use super::client::{Client, CodeExchange};
use super::credentials::Cache;
use super::environment;
use super::failure::Failure;
use super::output::Output;
use super::session::Sessions;
use super::{Helper, paste, summary};
use crate::wire::Me;

/// Long enough for a second factor, short enough that a forgotten terminal stops listening.
const SIGN_IN_TIMEOUT: Duration = Duration::from_mins(5);

/// Stands for a code that is carried by hand, after the broker's address. Nothing is opened there.
const REMOTE_PATH: &str = "/oauth/remote";

/// How often something else may be pasted before the helper gives up.
const PASTE_TRIES: usize = 3;

pub(crate) fn run(helper: &Helper, arguments: &LoginArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let sessions = helper.sessions()?;
    let broker = match &arguments.url {
        Some(url) => url.parse()?,
        None => helper.broker(&sessions)?.ok_or(Failure::NoBrokerGiven)?,
    };
    let client = Client::new(&broker);

    let me = sign_in(helper, &broker, &client, &sessions, arguments, output)??;
    output.say("");
    for line in summary::after_login(&broker, &me) {
        output.say(&line);
    }
    Ok(())
}

/// Signs in and keeps the session. The inner answer is who the broker says it is.
fn sign_in(
    helper: &Helper,
    broker: &BrokerUrl,
    client: &Client,
    sessions: &Sessions,
    arguments: &LoginArguments,
    output: &mut Output<'_>,
) -> Result<Result<Me, Failure>, Failure> {
    let (metadata, endpoint) = client.metadata()?;
    let attempt = Attempt::new(&helper.random);
    let wish = Wish {
        redirect_uri: "",
        machine: &environment::machine_name(),
        account: &environment::account_name(),
        fresh: arguments.fresh,
        mfa: arguments.mfa,
    };
    let keep = |code: &str, redirect_uri: &str| {
        let exchange = CodeExchange { code, redirect_uri, verifier: &attempt.verifier };
        let tokens = client.exchange(&metadata.token_endpoint, &exchange)?;
        // The session is there whether or not the broker can say at this moment whose it is.
        let me = client.me(&tokens.access_token);
        let person = me.as_ref().ok().map(|me| me.person_id.clone());
        let session = sessions.session(broker, person, tokens, &metadata.token_endpoint, &metadata.revocation_endpoint);
        // What another person was given here, or this one on other grounds, is not handed out any more.
        if let Some(cache) = Cache::of(helper) {
            cache.clear(broker);
        }
        sessions.keep(broker, &session)?;
        Ok(me)
    };

    if arguments.remote {
        let redirect_uri = broker.at(REMOTE_PATH);
        let url = attempt.url(endpoint, &Wish { redirect_uri: &redirect_uri, ..wish });
        output.say(&format!("To sign in at {broker}, visit this address in a browser on any machine:"));
        output.say("");
        output.say(&format!("  {url}"));
        output.say("");
        let code = pasted(helper, &attempt, output)?;
        return keep(&code, &redirect_uri);
    }

    let callback = Callback::bind(&helper.random)?;
    let redirect_uri = callback.redirect_uri();
    let url = attempt.url(endpoint, &Wish { redirect_uri: &redirect_uri, ..wish });
    invite(helper, broker, url.as_str(), callback.port(), arguments.no_browser, output);
    let (code, browser) = callback.wait(&attempt.state, &metadata.issuer, SIGN_IN_TIMEOUT)?.code()?;
    let kept = keep(&code, &redirect_uri);
    browser.leave(if kept.is_ok() { Page::SignedIn } else { Page::Failed });
    kept
}

/// The code that the person brings from the page. Never an argument: those stand in the shell's history and in the list of
/// processes.
fn pasted(helper: &Helper, attempt: &Attempt, output: &mut Output<'_>) -> Result<Zeroizing<String>, Failure> {
    let hidden = if paste::shows() { "" } else { " (it does not show)" };
    output.say(&format!("In the end it shows a code. Paste that here{hidden} and press Enter; Ctrl-C stops:"));
    for _ in 0..PASTE_TRIES {
        let text = (helper.paste)().map_err(|error| match error.kind() {
            ErrorKind::Interrupted | ErrorKind::UnexpectedEof => Failure::SignIn("nothing was pasted".to_owned()),
            _ => Failure::SignIn(format!("what was pasted cannot be read ({error})")),
        })?;
        if let Some(code) = attempt.pasted(&text) {
            return Ok(code);
        }
        output.say("That is not the code of this sign-in. Paste the one on the page that this address led to:");
    }
    Err(Failure::SignIn("the code of this sign-in was not pasted; run the command again".to_owned()))
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
        output.say(&format!(
            "(From another machine, first forward the port: ssh -L {port}:127.0.0.1:{port} … Or run lodge login --remote.)"
        ));
    }
    output.say("Waiting for you to sign in, for 5 minutes at most; Ctrl-C stops.");
}
