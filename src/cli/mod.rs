//! The helper `lodge`: signs a person in at the broker and hands AWS tools credentials.
//!
//! It is a small program that starts in a millisecond: no AWS SDK, no async runtime. It shares only [`crate::wire`],
//! [`crate::domain::id`] and the reader of AWS's errors, [`crate::domain::why`], with the broker. Tokens stand in its session files, and AWS credentials in its cache until they
//! are nearly over: files that only their owner can read. Whoever asks for credentials is given them, as the one JSON object
//! of `credential-process`, as what a shell evaluates (`env`), in a command's environment (`exec`), or by an endpoint on
//! loopback (`serve`); nothing else that is printed or logged holds a secret.
//!
//! [`run`] is the whole program. Clock, randomness, environment and browser are handed in, so a test can run any verb.

pub mod environment;
pub mod exit;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod output;
pub mod surroundings;

mod account;
mod arguments;
mod authorize;
mod aws_config;
mod aws_variables;
mod broker_url;
mod callback;
mod callback_page;
mod client;
mod command;
mod completions;
mod configure;
mod credential_process;
mod credentials;
mod cut_off;
mod doctor;
mod exec;
mod failure;
mod help;
mod home;
mod http_listener;
#[cfg(feature = "keyring")]
mod keyring;
mod ledger;
mod limits;
mod login;
mod logout;
mod man;
mod mapping;
mod moment;
mod pace;
mod paste;
mod people;
mod person;
mod revoke;
mod serve;
mod session;
mod session_length;
mod sessions;
mod shell;
mod shell_language;
mod signed_in;
#[cfg(test)]
mod stand_in;
mod status;
mod summary;
mod table;
#[cfg(test)]
mod tests;
mod when;
mod why;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use clap::builder::StyledStr;
use zeroize::Zeroizing;

use crate::ambient::{Clock, Random};
use crate::domain::id::LabName;

use arguments::{Arguments, Verb};
use broker_url::BrokerUrl;
use client::LabClient;
use environment::Environment;
use exit::Exit;
use failure::Failure;
use home::{Closed, Home, Homes};
use output::Output;
use session::Sessions;
use signed_in::SignedIn;

/// Shows a URL to the person at this machine.
pub type Browser = Arc<dyn Fn(&str) -> io::Result<()> + Send + Sync>;

/// Reads one line that the person at this machine pastes, without showing it where that can be had.
pub type Paste = Arc<dyn Fn() -> io::Result<Zeroizing<String>> + Send + Sync>;

/// Reads what a tool printed, to its end; calls what it is given before it waits for somebody at a terminal.
pub type Printed = Arc<dyn Fn(&mut dyn FnMut()) -> io::Result<Zeroizing<String>> + Send + Sync>;

/// What the helper stands on: everything that it does not decide itself.
#[derive(Clone)]
pub struct Helper {
    /// What the environment says.
    pub environment: Environment,
    /// The clock.
    pub clock: Clock,
    /// The source of randomness.
    pub random: Random,
    /// How a browser is opened.
    pub browser: Browser,
    /// How something is pasted.
    pub paste: Paste,
    /// How what a tool printed is read.
    pub printed: Printed,
}

impl Helper {
    /// The helper on the real machine: its clock, its randomness, its browser.
    #[must_use]
    pub fn on_this_machine(environment: Environment) -> Self {
        Self {
            environment,
            clock: Clock::System,
            random: Random::System,
            browser: Arc::new(webbrowser::open),
            paste: Arc::new(paste::read),
            printed: Arc::new(why::read_stdin),
        }
    }

    /// The same helper, which talks to this broker.
    fn at(&self, broker: String) -> Self {
        let environment = Environment { broker: Some(broker), ..self.environment.clone() };
        Self { environment, ..self.clone() }
    }

    /// A directory of ours.
    fn home(&self, directory: PathBuf, closed: Closed) -> Home {
        Home::new(directory, closed, self.clock.clone(), self.random.clone())
    }

    /// The directory of this person's that is on this machine alone and lasts as long as they are on.
    fn runtime(&self) -> Option<Home> {
        let runtime = self.environment.runtime.as_ref().filter(|runtime| runtime.is_dir())?;
        Some(self.home(runtime.join("lodge"), Closed::ToAll))
    }

    /// The sessions kept on this machine.
    fn sessions(&self) -> Result<Sessions, Failure> {
        let home = self.environment.home.clone().ok_or(Failure::NoHome)?;
        let homes = Homes::new(self.home(home, Closed::ToWriters), self.runtime());
        Ok(Sessions::new(homes, self.clock.clone()))
    }

    /// Whoever is signed in to the broker to talk to.
    fn signed_in(&self) -> Result<SignedIn, Failure> {
        let sessions = self.sessions()?;
        let broker = self.broker(&sessions)?.ok_or(Failure::NoBrokerKnown)?;
        SignedIn::at(broker, sessions)
    }

    /// A lab at the broker, in the name of whoever is signed in there.
    fn lab(&self, lab: &LabName) -> Result<LabClient, Failure> {
        Ok(LabClient::new(self.signed_in()?, lab.clone()))
    }

    /// The broker to talk to: the one in the environment, else the one that was signed in to last.
    fn broker(&self, sessions: &Sessions) -> Result<Option<BrokerUrl>, Failure> {
        match &self.environment.broker {
            Some(text) => Ok(Some(text.parse()?)),
            None => sessions.default_broker(),
        }
    }
}

impl fmt::Debug for Helper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Helper").field("environment", &self.environment).finish_non_exhaustive()
    }
}

/// Runs one command line; the first argument is the program's name.
pub fn run<I, T>(arguments: I, helper: &Helper, output: &mut Output<'_>) -> Exit
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let (broker, verb) = match help::parse(arguments) {
        Ok(Arguments { broker, verb: Some(verb) }) => (broker, verb),
        Ok(Arguments { verb: None, .. }) => return print(output, &help::command().render_help()),
        Err(error) if error.use_stderr() => {
            output.usage(&error.render());
            return Exit::Usage;
        }
        Err(help_or_version) => return print(output, &help_or_version.render()),
    };

    let named;
    let helper = match broker {
        Some(broker) => {
            named = helper.at(broker);
            &named
        }
        None => helper,
    };

    let done = match verb {
        Verb::Login(arguments) => login::run(helper, &arguments, output),
        Verb::Status(arguments) => status::run(helper, &arguments, output),
        Verb::CredentialProcess(arguments) => credential_process::run(helper, &arguments, output),
        Verb::Configure(arguments) => configure::run(helper, &arguments, output),
        Verb::Exec(arguments) => return ended(exec::run(helper, &arguments, output), output),
        Verb::Env(arguments) => shell::run(helper, &arguments, output),
        Verb::Serve(arguments) => return ended(serve::run(helper, &arguments, output), output),
        Verb::Completions(arguments) => completions::run(&arguments, output),
        Verb::Man(arguments) => man::run(&arguments, output),
        Verb::Logout => logout::run(helper, output),
        Verb::Mapping(verb) => mapping::run(helper, &verb, output),
        Verb::People(verb) => people::run(helper, &verb, output),
        Verb::Limits(verb) => limits::run(helper, &verb, output),
        Verb::Account(verb) => account::run(helper, &verb, output),
        Verb::Sessions(arguments) => sessions::run(helper, &arguments, output),
        Verb::Revoke(arguments) => revoke::run(helper, &arguments, output),
        Verb::Doctor(arguments) => doctor::run(helper, &arguments, output),
        Verb::Ledger(arguments) => ledger::run(helper, &arguments, output),
        Verb::Why(arguments) => why::run(helper, &arguments, output),
    };
    ended(done.map(|()| Exit::Done), output)
}

fn ended(done: Result<Exit, Failure>, output: &mut Output<'_>) -> Exit {
    done.unwrap_or_else(|failure| {
        output.failure(&failure);
        failure.exit()
    })
}

fn print(output: &mut Output<'_>, text: &StyledStr) -> Exit {
    match output.help(text) {
        Ok(()) => Exit::Done,
        Err(failure) => failure.exit(),
    }
}
