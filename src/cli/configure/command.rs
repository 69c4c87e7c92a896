//! The command that AWS tools run, so that all of them take it the same way.
//!
//! botocore splits it and runs it without a shell, the JavaScript and the Rust SDK hand it to a shell, and on Windows
//! that is another one. So only characters that mean nothing to any of them are written, in double quotes where there
//! are spaces; a path with any other character is refused. Nothing is ever escaped: no escape is the same for all.

use std::path::Path;

use super::AwsConfigError;
use crate::cli::broker_url::BrokerUrl;
use crate::domain::id::RoleAddress;

/// The setting that the command belongs to.
pub(super) const KEY: &str = "credential_process";

/// The command, but for the role.
#[derive(Clone, Debug)]
pub(super) struct HelperCommand {
    beginning: String,
}

impl HelperCommand {
    /// The command that runs this program for roles of this broker.
    pub(super) fn new(program: &Path, broker: &BrokerUrl) -> Result<Self, AwsConfigError> {
        let quoted = program.to_str().filter(|_| program.is_absolute()).and_then(word);
        let program = quoted.ok_or_else(|| AwsConfigError::ProgramPath { path: program.to_owned() })?;
        let broker = word(broker.as_str()).ok_or_else(|| AwsConfigError::BrokerName { broker: broker.to_string() })?;
        Ok(Self { beginning: format!("{program} credential-process --broker {broker} ") })
    }

    /// The whole line of the setting, without its end.
    pub(super) fn line(&self, role: &RoleAddress) -> String {
        format!("{KEY} = {}{role}", self.beginning)
    }
}

/// The text as one word of a command line; `None` when a shell or an SDK could take it for anything else.
fn word(text: &str) -> Option<String> {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+@,:=".contains(c);
    let is_plain_in_quotes = |c: char| is_plain(c) || " ()[]{}~".contains(c) || (cfg!(windows) && c == '\\');
    if text.is_empty() || !text.chars().all(is_plain_in_quotes) {
        return None;
    }
    Some(if text.chars().all(is_plain) { text.to_owned() } else { format!("\"{text}\"") })
}

/// Whether somebody wrote this command by hand to have this helper, wherever it is, get credentials for the role. A
/// command that names no broker asks the one that was signed in to last.
pub(super) fn runs_helper_for(value: &str, role: &RoleAddress, broker: &BrokerUrl) -> bool {
    let Some(words) = shlex::split(value) else { return false };
    let Some((program, arguments)) = words.split_first() else { return false };
    let named = Path::new(program).file_stem().is_some_and(|name| name == "lodge");
    let (mut asked, mut others) = (Vec::new(), Vec::new());
    let mut arguments = arguments.iter().map(String::as_str);
    while let Some(argument) = arguments.next() {
        match argument.strip_prefix("--broker") {
            Some("") => asked.extend(arguments.next()),
            Some(rest) => asked.extend(rest.strip_prefix('=')),
            None => others.push(argument),
        }
    }
    let asks = asked.iter().all(|it| it.parse::<BrokerUrl>().is_ok_and(|it| it == *broker));
    let is_verb = |verb: &str| matches!(verb, "credential-process" | "credential_process");
    named && asks && matches!(others[..], [verb, address] if is_verb(verb) && address == role.to_string())
}
