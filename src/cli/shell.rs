//! `lodge env`: credentials for a shell, as statements that it evaluates.
//!
//! The statements first unset whatever would shadow the credentials, then set them. They are secret: on a terminal they
//! are shown to nobody who did not ask for just that.

use clap::Args;
use zeroize::Zeroizing;

use crate::domain::id::RoleAddress;

use super::aws_variables::{SHADOWING, Variables};
use super::credentials::{self, LEAST};
use super::environment::LODGE_ROLE;
use super::failure::Failure;
use super::output::Output;
use super::shell_language::{Guess, Shell};
use super::{Helper, exec};

const EXAMPLES: &str = "\
Examples:
  eval \"$(lodge env vision/read-results)\"
  lodge env vision/read-results --shell fish | source
  eval \"$(lodge env --unset)\"";

/// The arguments of `lodge env`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EnvArguments {
    /// The lab and the role in it, such as vision/read-results
    #[arg(value_name = "LAB/ROLE", required_unless_present = "unset")]
    role: Option<RoleAddress>,
    /// The shell that is to evaluate it; otherwise the one in `SHELL`
    #[arg(long, value_enum)]
    shell: Option<Shell>,
    /// Show the credentials even on a terminal
    #[arg(long)]
    show: bool,
    /// Print what undoes it: no credentials are left in the shell
    #[arg(long, conflicts_with_all = ["role", "show"])]
    unset: bool,
}

pub(crate) fn run(helper: &Helper, arguments: &EnvArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let shell = chosen(helper, arguments.shell, output);
    if arguments.unset {
        return output.data(&statements(shell, &Variables(Vec::new())));
    }
    let role = arguments.role.as_ref().ok_or(Failure::NoRoleGiven)?;
    if helper.environment.shows_stdout && !arguments.show {
        return Err(Failure::WouldShow { instead: shell.evaluating(&format!("lodge env {role}")) });
    }
    let credentials = credentials::get(helper, role, LEAST, &mut |line| output.say(line))?;
    let variables = Variables::of_credentials(&credentials).ok_or_else(|| exec::odd(helper))?;
    output.data(&statements(shell, &variables))
}

/// The shell to write for; says so where that is a guess.
pub(crate) fn chosen(helper: &Helper, asked: Option<Shell>, output: &mut Output<'_>) -> Shell {
    match asked.map_or_else(|| Shell::guess(helper.environment.shell.as_deref()), Guess::Known) {
        Guess::Known(shell) => shell,
        Guess::Unsure(shell) => {
            output.say(&format!(
                "lodge: SHELL does not say which shell this is, so this is written for {shell}; for another, add --shell"
            ));
            shell
        }
    }
}

/// Unsets whatever would shadow these variables, and sets them.
pub(crate) fn statements(shell: Shell, variables: &Variables) -> Zeroizing<Vec<u8>> {
    let is_set = |name: &str| variables.0.iter().any(|(set, _)| *set == name);
    let unset: Vec<&str> = SHADOWING.into_iter().chain([LODGE_ROLE]).filter(|name| !is_set(name)).collect();
    // Room for all of it: a buffer that grows leaves copies behind that nothing wipes.
    let mut text = Zeroizing::new(Vec::with_capacity(32 * 1024));
    shell.unset(&unset, &mut text);
    for (name, value) in &variables.0 {
        shell.set(name, value, &mut text);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::exit::Exit;
    use super::super::stand_in::{Desk, StandIn};

    const ROLE: &str = "vision/read-results";

    fn broker() -> StandIn {
        let answer = r#"{"access_key_id":"ASIAEXAMPLE","secret_access_key":"canary-secret","session_token":"canary-session",
            "expiration":"2026-11-21T14:00:00Z","account_id":"111122223333","role_session_id":"rs-0123456789abcdef"}"#;
        StandIn::start(move |_, _| ("200 OK", answer.to_owned()))
    }

    #[test]
    fn a_shell_unsets_what_would_shadow_the_credentials_and_sets_them() {
        let broker = broker();
        let desk = Desk::signed_in(&broker);

        let (exit, stdout, stderr) = desk.run(&["env", ROLE, "--shell", "bash"]);

        assert_eq!((exit, stderr.as_str()), (Exit::Done, ""));
        insta::assert_snapshot!(stdout, @r"
        unset AWS_CREDENTIAL_SCOPE AWS_ACCESS_KEY AWS_SECRET_KEY AWS_SECURITY_TOKEN AWS_CREDENTIAL_FILE AWS_PROFILE AWS_DEFAULT_PROFILE AWS_ROLE_ARN AWS_ROLE_SESSION_NAME AWS_WEB_IDENTITY_TOKEN_FILE AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE AWS_BEARER_TOKEN_BEDROCK LODGE_ROLE
        export AWS_ACCESS_KEY_ID='ASIAEXAMPLE'
        export AWS_SECRET_ACCESS_KEY='canary-secret'
        export AWS_SESSION_TOKEN='canary-session'
        export AWS_CREDENTIAL_EXPIRATION='2026-11-21T14:00:00Z'
        export AWS_ACCOUNT_ID='111122223333'
        ");
    }

    #[test]
    fn on_a_terminal_nothing_secret_is_shown_unasked_nor_fetched() {
        let broker = broker();
        let mut desk = Desk::signed_in(&broker);
        desk.helper.environment.shows_stdout = true;

        let (exit, stdout, stderr) = desk.run(&["env", ROLE, "--shell", "fish"]);
        let shown = desk.run(&["env", ROLE, "--shell", "fish", "--show"]);
        let undone = desk.run(&["env", "--unset", "--shell", "fish"]);

        assert_eq!((exit, stdout.as_str()), (Exit::Usage, ""));
        assert_eq!(
            stderr,
            "lodge: these statements are secret and would show here; run: lodge env vision/read-results | source \
             (or add --show to see them)\n"
        );
        assert!(shown.1.contains("set -gx AWS_SECRET_ACCESS_KEY 'canary-secret'\n"), "{}", shown.1);
        assert!(undone.1.starts_with("set -eg AWS_ACCESS_KEY_ID ") && undone.1.lines().count() == 1, "{}", undone.1);
        assert_eq!(broker.asked().len(), 1);
    }

    #[test]
    fn a_shell_that_is_guessed_is_said() {
        let broker = broker();
        let mut desk = Desk::signed_in(&broker);

        for (variable, begins, says) in
            [("/bin/tcsh", "unset ", "for bash; for another, add --shell"), ("/usr/bin/fish", "set -eg ", "")]
        {
            desk.helper.environment.shell = Some(variable.to_owned());
            let (exit, stdout, stderr) = desk.run(&["env", "--unset"]);

            assert_eq!(exit, Exit::Done);
            assert!(stdout.starts_with(begins), "{stdout}");
            assert!(stderr.trim_end().ends_with(says) && stderr.is_empty() == says.is_empty(), "{stderr}");
        }
    }

    #[test]
    fn what_aws_never_gives_is_not_handed_to_a_shell() {
        let odd = r#"{"access_key_id":"ASIA","secret_access_key":"a\nb","session_token":"t",
            "expiration":"2026-11-21T14:00:00Z","account_id":"1","role_session_id":"rs-0123456789abcdef"}"#;
        let broker = StandIn::start(move |_, _| ("200 OK", odd.to_owned()));
        let desk = Desk::signed_in(&broker);

        let (exit, stdout, stderr) = desk.run(&["env", ROLE, "--shell", "bash"]);

        assert_eq!((exit, stdout.as_str()), (Exit::Failed, ""));
        assert!(stderr.contains(&broker.url) && stderr.contains("none of AWS's"), "{stderr}");
    }
}
