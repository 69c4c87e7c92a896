//! The command line: verbs, their arguments, and their help.

use clap::{Args, Parser, Subcommand};

use crate::domain::id::RoleAddress;

use super::account::AccountVerb;
use super::completions::CompletionsArguments;
use super::configure::ConfigureArguments;
use super::doctor::DoctorArguments;
use super::exec::ExecArguments;
use super::ledger::LedgerArguments;
use super::limits::LimitsVerb;
use super::mapping::MappingVerb;
use super::people::PeopleVerb;
use super::serve::ServeArguments;
use super::shell::EnvArguments;

const EXAMPLES: &str = "\
Examples:
  lodge login https://lodge.example.edu
  lodge status
  aws configure set profile.vision-read-results.credential_process \"lodge credential-process vision/read-results\"
  aws sts get-caller-identity --profile vision-read-results

Environment:
  LODGE_BROKER  the broker to talk to; otherwise the one signed in to last
  LODGE_HOME    where sessions are kept; otherwise ~/.config/lodge
  LODGE_LOG     what to log on stderr, such as `debug`

Exit codes:
  0 done; 1 refused or failed; 2 usage; 3 the broker cannot be reached, try again; 4 sign-in needed";

const LOGIN_EXAMPLES: &str = "\
Examples:
  lodge login https://lodge.example.edu
  lodge login --remote
  lodge login --mfa";

const STATUS_EXAMPLES: &str = "\
Examples:
  lodge status
  lodge status --json | jq -r '.roles[] | .lab + \"/\" + .role'";

const CREDENTIAL_PROCESS_EXAMPLES: &str = "\
Example, in ~/.aws/config:
  [profile vision-read-results]
  credential_process = lodge credential-process vision/read-results";

const LOGOUT_EXAMPLES: &str = "\
Example:
  lodge logout";

/// Short-lived AWS credentials for your lab, through your university's sign-in
#[derive(Debug, Parser)]
#[command(name = "lodge", version, after_help = EXAMPLES, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    /// The broker to talk to; wins over `LODGE_BROKER` and the one signed in to last
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) broker: Option<String>,
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Sign in at your broker, in the browser
    ///
    /// The session lasts twelve hours, or as long as your labs allow. It is kept on
    /// this machine in a file that only you can read, and the broker looks at it
    /// again each time it is used.
    ///
    /// On a machine without a browser, such as a login node that you reach over SSH,
    /// add --remote: you sign in with any browser, and paste the code that it shows.
    #[command(verbatim_doc_comment)]
    Login(LoginArguments),
    /// Show who is signed in, until when, and which roles are open
    Status(StatusArguments),
    /// Print credentials for a role, for AWS tools to read
    ///
    /// Made for the `credential_process` setting of AWS profiles: prints one JSON
    /// object on stdout and nothing else, never asks anything and never opens a
    /// browser. What it prints is secret.
    #[command(alias = "credential_process", verbatim_doc_comment)]
    CredentialProcess(CredentialProcessArguments),
    /// Write an AWS profile for each of your roles, and keep them in step
    ///
    /// The profiles are called LAB-ROLE and stand in ~/.aws/config, or where
    /// AWS_CONFIG_FILE says. All that you may ask for gets one: what a role still
    /// needs, such as an approval, is said when the profile is used.
    ///
    /// Of the file, only sections that lodge configure wrote are changed, and of
    /// those only its two lines below the header. What you add to them, such as a
    /// region, stays, and so does a name that you give them. A profile of the same
    /// name that is somebody else's is never touched.
    ///
    /// With --prune, profiles go whose role is not open to you any more. If you
    /// added settings to one, those stay, and only its command goes. Profiles for
    /// another broker are left alone.
    #[command(verbatim_doc_comment)]
    Configure(ConfigureArguments),
    /// Run a command with credentials for a role in its environment
    Exec(ExecArguments),
    /// Print credentials for a role, for a shell to evaluate
    Env(EnvArguments),
    /// Serve credentials for a role on this machine, for jobs that outlive them
    Serve(ServeArguments),
    /// End the session here and at the broker
    ///
    /// AWS credentials that were already handed out live on until they expire,
    /// an hour at most.
    #[command(after_help = LOGOUT_EXAMPLES, verbatim_doc_comment)]
    Logout,
    /// See and change which groups get which roles of a lab
    #[command(subcommand)]
    Mapping(MappingVerb),
    /// See and change who looks after a lab
    #[command(subcommand)]
    People(PeopleVerb),
    /// See and change how old sign-ins and groups may be in a lab
    #[command(subcommand)]
    Limits(LimitsVerb),
    /// See, join and check a lab's AWS account
    #[command(subcommand)]
    Account(AccountVerb),
    /// Find out what keeps you from a role, and who can mend it
    ///
    /// Looks at the whole chain: your sign-in, your groups, the mapping, the role,
    /// the way into the lab's AWS account, what is there, and the service itself.
    /// The exit code is 0 when nothing is broken, and 1 otherwise.
    #[command(verbatim_doc_comment)]
    Doctor(DoctorArguments),
    /// Read what was asked for and done in a lab
    Ledger(LedgerArguments),
    /// Print a script that completes commands in a shell
    Completions(CompletionsArguments),
}

/// The arguments of `lodge login`.
#[derive(Debug, Args)]
#[command(after_help = LOGIN_EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line, each of which stands by itself")]
pub(crate) struct LoginArguments {
    /// The broker; otherwise the one in `LODGE_BROKER`, otherwise the one signed in to last
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Print the address to visit instead of opening a browser
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// Sign in with a browser elsewhere, and paste the code that it shows here
    #[arg(long, conflicts_with = "no_browser")]
    pub(crate) remote: bool,
    /// Show who you are again, even where the browser is signed in
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Sign in with a second factor
    #[arg(long)]
    pub(crate) mfa: bool,
}

/// The arguments of `lodge status`.
#[derive(Debug, Args)]
#[command(after_help = STATUS_EXAMPLES)]
pub(crate) struct StatusArguments {
    /// Print one JSON object instead, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

/// The arguments of `lodge credential-process`.
#[derive(Debug, Args)]
#[command(after_help = CREDENTIAL_PROCESS_EXAMPLES)]
pub(crate) struct CredentialProcessArguments {
    /// The lab and the role in it, such as vision/read-results
    #[arg(value_name = "LAB/ROLE")]
    pub(crate) role: RoleAddress,
    /// Ask the broker, even when good credentials are kept on this machine
    #[arg(long)]
    pub(crate) no_cache: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn help(verb: &[&str]) -> String {
        let line = [&["lodge"], verb, &["--help"]].concat();
        Arguments::try_parse_from(line).unwrap_err().render().to_string()
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn help_of_lodge() {
        insta::assert_snapshot!(help(&[]), @r#"
        Short-lived AWS credentials for your lab, through your university's sign-in

        Usage: lodge [OPTIONS] [COMMAND]

        Commands:
          login               Sign in at your broker, in the browser
          status              Show who is signed in, until when, and which roles are open
          credential-process  Print credentials for a role, for AWS tools to read
          configure           Write an AWS profile for each of your roles, and keep them in step
          exec                Run a command with credentials for a role in its environment
          env                 Print credentials for a role, for a shell to evaluate
          serve               Serve credentials for a role on this machine, for jobs that outlive them
          logout              End the session here and at the broker
          mapping             See and change which groups get which roles of a lab
          people              See and change who looks after a lab
          limits              See and change how old sign-ins and groups may be in a lab
          account             See, join and check a lab's AWS account
          doctor              Find out what keeps you from a role, and who can mend it
          ledger              Read what was asked for and done in a lab
          completions         Print a script that completes commands in a shell

        Options:
              --broker <URL>  The broker to talk to; wins over `LODGE_BROKER` and the one signed in to last
          -h, --help          Print help
          -V, --version       Print version

        Examples:
          lodge login https://lodge.example.edu
          lodge status
          aws configure set profile.vision-read-results.credential_process "lodge credential-process vision/read-results"
          aws sts get-caller-identity --profile vision-read-results

        Environment:
          LODGE_BROKER  the broker to talk to; otherwise the one signed in to last
          LODGE_HOME    where sessions are kept; otherwise ~/.config/lodge
          LODGE_LOG     what to log on stderr, such as `debug`

        Exit codes:
          0 done; 1 refused or failed; 2 usage; 3 the broker cannot be reached, try again; 4 sign-in needed
        "#);
    }

    #[test]
    fn help_of_login() {
        insta::assert_snapshot!(help(&["login"]), @"
        Sign in at your broker, in the browser

        The session lasts twelve hours, or as long as your labs allow. It is kept on
        this machine in a file that only you can read, and the broker looks at it
        again each time it is used.

        On a machine without a browser, such as a login node that you reach over SSH,
        add --remote: you sign in with any browser, and paste the code that it shows.

        Usage: lodge login [OPTIONS] [URL]

        Arguments:
          [URL]
                  The broker; otherwise the one in `LODGE_BROKER`, otherwise the one signed in to last

        Options:
              --broker <URL>
                  The broker to talk to; wins over `LODGE_BROKER` and the one signed in to last

              --no-browser
                  Print the address to visit instead of opening a browser

              --remote
                  Sign in with a browser elsewhere, and paste the code that it shows here

              --fresh
                  Show who you are again, even where the browser is signed in

              --mfa
                  Sign in with a second factor

          -h, --help
                  Print help (see a summary with '-h')

        Examples:
          lodge login https://lodge.example.edu
          lodge login --remote
          lodge login --mfa
        ");
    }

    #[test]
    fn help_of_status() {
        insta::assert_snapshot!(help(&["status"]), @r#"
        Show who is signed in, until when, and which roles are open

        Usage: lodge status [OPTIONS]

        Options:
              --broker <URL>  The broker to talk to; wins over `LODGE_BROKER` and the one signed in to last
              --json          Print one JSON object instead, for programs
          -h, --help          Print help

        Examples:
          lodge status
          lodge status --json | jq -r '.roles[] | .lab + "/" + .role'
        "#);
    }

    #[test]
    fn help_of_credential_process() {
        insta::assert_snapshot!(help(&["credential-process"]), @"
        Print credentials for a role, for AWS tools to read

        Made for the `credential_process` setting of AWS profiles: prints one JSON
        object on stdout and nothing else, never asks anything and never opens a
        browser. What it prints is secret.

        Usage: lodge credential-process [OPTIONS] <LAB/ROLE>

        Arguments:
          <LAB/ROLE>
                  The lab and the role in it, such as vision/read-results

        Options:
              --broker <URL>
                  The broker to talk to; wins over `LODGE_BROKER` and the one signed in to last

              --no-cache
                  Ask the broker, even when good credentials are kept on this machine

          -h, --help
                  Print help (see a summary with '-h')

        Example, in ~/.aws/config:
          [profile vision-read-results]
          credential_process = lodge credential-process vision/read-results
        ");
    }

    #[test]
    fn help_of_logout() {
        insta::assert_snapshot!(help(&["logout"]), @"
        End the session here and at the broker

        AWS credentials that were already handed out live on until they expire,
        an hour at most.

        Usage: lodge logout [OPTIONS]

        Options:
              --broker <URL>
                  The broker to talk to; wins over `LODGE_BROKER` and the one signed in to last

          -h, --help
                  Print help (see a summary with '-h')

        Example:
          lodge logout
        ");
    }
}
