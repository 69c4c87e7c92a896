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
use super::man::ManArguments;
use super::mapping::MappingVerb;
use super::people::PeopleVerb;
use super::revoke::RevokeArguments;
use super::serve::ServeArguments;
use super::sessions::SessionsArguments;
use super::shell::EnvArguments;
use super::why::WhyArguments;

const EXAMPLES: &str = "\
Examples:
  lodge login https://lodge.example.edu
  lodge configure
  lodge status
  aws sts get-caller-identity --profile vision-read-results

Environment:
  LODGE_BROKER  the broker to talk to; otherwise the one signed in to last
  LODGE_HOME    where sessions and credentials are kept; otherwise ~/.config/lodge and ~/.cache/lodge
  LODGE_LOG     what to log on stderr, such as `debug`
  NO_COLOR      whatever its value, no colour on a terminal

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
#[command(name = "lodge", version, after_help = EXAMPLES)]
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
    ///
    /// Deletes AWS credentials that this machine keeps and that were cut off, so
    /// that the next call gets new ones.
    #[command(verbatim_doc_comment)]
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
    /// `AWS_CONFIG_FILE` says. All that you may ask for gets one: what a role still
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
    ///
    /// The command has these credentials and no others: what was inherited from
    /// elsewhere is taken away. They last an hour at most and are not renewed; a job
    /// that may take longer is for lodge serve. The exit code is the command's own,
    /// or 127 when there is no such command, and 126 when it cannot be run.
    #[command(verbatim_doc_comment)]
    Exec(ExecArguments),
    /// Print credentials for a role, for a shell to evaluate
    ///
    /// Prints statements that unset what would be used instead, and that set the
    /// credentials. They are secret, and are not shown on a terminal.
    #[command(verbatim_doc_comment)]
    Env(EnvArguments),
    /// Serve credentials for a role on this machine, for jobs that outlive them
    ///
    /// AWS tools ask on 127.0.0.1 whenever theirs run out, as they do in a container.
    /// With a command, it lasts as long as that, passes signals on, and ends with the
    /// command's own exit code. Without one, it prints statements for the shell that
    /// runs the job, and serves until Ctrl-C. New credentials are got ahead of time,
    /// for as long as you are signed in.
    #[command(verbatim_doc_comment)]
    Serve(ServeArguments),
    /// End the session here and at the broker
    ///
    /// AWS credentials that were already handed out live on until they expire,
    /// an hour at most. To have those denied, run lodge revoke --me before.
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
    /// List the AWS credentials of a lab that live, or what was cut off of late
    ///
    /// Credentials that were cut off are listed until they are dead: AWS ends no
    /// session, it denies whatever is done with one.
    #[command(verbatim_doc_comment)]
    Sessions(SessionsArguments),
    /// Cut off: have AWS deny live credentials, of a person, a role or a whole lab
    ///
    /// The broker stops issuing first. Then it has AWS deny all sessions that were
    /// issued before, and reads back that AWS has it. AWS may take some minutes to
    /// go by it everywhere. The sessions die anyway, an hour at most after they were
    /// issued. New credentials are issued again about a minute later, unless --hold
    /// keeps them back until somebody lifts that.
    ///
    /// In a lab, for those who look after it. Your own, in all labs, with --me, for
    /// anybody. Somebody's in all labs, with --everywhere, for operators.
    ///
    /// The broker goes on by itself once it has taken it. Stopping this command while
    /// it waits, such as with Ctrl-C, undoes nothing.
    ///
    /// The exit code is 0 once the broker has taken it. With --wait it is 0 once AWS
    /// has it, and 1 when something has kept AWS from it for five minutes.
    #[command(verbatim_doc_comment)]
    Revoke(RevokeArguments),
    /// Find out what is wrong, on this machine or on the way to a role
    ///
    /// Looks at this machine: keys in the environment and in files that win over
    /// lodge, AWS profiles, permissions, the disk, the proxy, the broker, the clock,
    /// and the sign-in. Each thing that is wrong comes with the command that mends it.
    ///
    /// With --lab it looks at the way to a role: your sign-in, your groups, the
    /// mapping, the role, the way into the lab's AWS account, what is there, and the
    /// service itself; and says who can mend what is broken.
    ///
    /// The exit code is 0 when nothing is broken, and 1 otherwise. Warnings do not
    /// count.
    #[command(verbatim_doc_comment)]
    Doctor(DoctorArguments),
    /// Read what was asked for and done in a lab
    Ledger(LedgerArguments),
    /// Say why AWS refused something, and what would help
    ///
    /// Reads what a tool printed, in whatever form: which policy stopped the call,
    /// which roles would allow it, whether you can have one of them, and whom to ask.
    /// Or it is asked about an action, before anything was refused.
    ///
    /// What it reads stays on this machine: the broker is sent what AWS says in it,
    /// such as the action and the name of the session, and nothing else of it.
    ///
    /// When your credentials were cut off, it deletes those that this machine keeps.
    #[command(verbatim_doc_comment)]
    Why(WhyArguments),
    /// Print a script that completes commands in a shell
    Completions(CompletionsArguments),
    /// Print the manual, or write the pages of all verbs into a folder
    Man(ManArguments),
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
