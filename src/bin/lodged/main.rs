//! `lodged`, the broker: reads its command line, and starts.

mod arguments;
mod backup;
#[cfg(feature = "demo")]
mod demo;
mod desk;
mod doctor;
mod lab;
mod migrate;
mod output;
mod person;
mod policies;
mod serve;
mod server;
mod settings;

use std::process::ExitCode;

use arguments::{Common, ConfigArgument};
use clap::{Parser, Subcommand};
use lodge::telemetry;
use tokio::runtime::Runtime;

/// Gives members of a university lab short-lived, scoped AWS credentials
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the broker
    #[command(after_help = "Every setting is in deploy/lodge.toml, with a comment. LODGE__SECTION__KEY in the \
        environment stands over the file, and LODGE_LOG chooses what is logged: error, warn, info, debug or trace.")]
    Serve(ConfigArgument),
    /// Make the database, or bring it up to date
    ///
    /// `serve` does neither. On SQLite the broker must be stopped; on PostgreSQL it may run, and this logs in as
    /// `database.owner`. Run it as the broker's user: the files that it makes must be the broker's.
    #[command(
        after_help = "With --json, an object with database, and applied: what was applied just now (version, name)."
    )]
    Migrate(Common),
    /// Copy the database, whole and of one moment, while a broker may be using it
    ///
    /// Says how to go back to the copy. Nobody but you may read it, and nothing that is there is overwritten. PostgreSQL
    /// is copied by its own `pg_dump`, which must be there, as `database.owner`.
    #[command(
        after_help = "With --json, an object with database, database_kind (SQLite or PostgreSQL), file and bytes."
    )]
    Backup(backup::Arguments),
    /// Set labs up, look at them, put them away
    #[command(subcommand)]
    Lab(lab::LabCommand),
    /// Find people, and suspend them
    #[command(subcommand)]
    Person(person::PersonCommand),
    /// Look at everything that the broker stands on, and say what to do about what is not well
    ///
    /// Looks at the settings, the database, the disk, the clock, each identity provider and the broker's own AWS identity,
    /// all at once and for 10 seconds at most. Signs nobody in. Run it as the broker's user, with the broker's environment.
    /// Ends with 1 when something does not work.
    Doctor {
        #[command(flatten)]
        settings: ConfigArgument,
        /// Answer with one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Look at the settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look at policy templates and IAM policies
    #[command(subcommand)]
    Policies(policies::PoliciesCommand),
    /// Run the broker on this machine with an identity provider and an AWS of its own, for trying it
    ///
    /// Needs no account and no set-up. The identity provider signs in anyone, so nothing but this machine can reach it.
    #[cfg(feature = "demo")]
    #[command(after_help = "The identity provider takes the next port, the small AWS the one after it.")]
    Demo {
        /// The broker's port on 127.0.0.1
        #[arg(long, default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1024..=65533))]
        port: u16,
        /// Keep what is done in this folder, and find it there again; otherwise it is gone at the end
        #[arg(long, value_name = "DIR")]
        data: Option<std::path::PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Say what is wrong with the settings, and with the files they name
    ///
    /// Reads everything that `serve` reads and talks to nobody. Ends with 0 when the broker could start on it, with 1
    /// and a line for each problem when it could not.
    Check {
        #[command(flatten)]
        settings: ConfigArgument,
        /// Answer with one JSON object
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    run(arguments.command).unwrap_or_else(|error| {
        telemetry::say(&format!("lodged: {}", output::one_line(&telemetry::chain(error.as_ref()))));
        ExitCode::FAILURE
    })
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    #[expect(clippy::disallowed_methods, reason = "the log's filter is wanted before any setting is read")]
    let filter = std::env::var("LODGE_LOG").ok();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match command {
        Command::Serve(settings) => {
            telemetry::init(filter.as_deref())?;
            runtime.block_on(serve::run(&settings)).map(|()| ExitCode::SUCCESS)
        }
        Command::Doctor { settings, json } => {
            telemetry::init(Some(filter.as_deref().unwrap_or("error")))?;
            let ended = runtime.block_on(doctor::run(&settings, json));
            // A name server that does not answer holds a thread for longer than anybody waits here.
            runtime.shutdown_background();
            ended
        }
        Command::Migrate(common) => operate(&runtime, filter.as_deref(), migrate::run(&common)),
        Command::Backup(arguments) => operate(&runtime, filter.as_deref(), backup::run(&arguments)),
        Command::Lab(command) => operate(&runtime, filter.as_deref(), lab::run(&command)),
        Command::Person(command) => operate(&runtime, filter.as_deref(), person::run(&command)),
        Command::Config(ConfigCommand::Check { settings, json }) => settings::check(&settings, json),
        Command::Policies(command) => policies::run(&command),
        #[cfg(feature = "demo")]
        Command::Demo { port, data } => {
            telemetry::init(Some(filter.as_deref().unwrap_or(demo::DEFAULT_LOG)))?;
            runtime.block_on(demo::run(port, data.as_deref())).map(|()| ExitCode::SUCCESS)
        }
    }
}

/// Runs a command of the operator's to its end. It speaks for itself: no log beside it, unless somebody asks.
fn operate(
    runtime: &Runtime,
    filter: Option<&str>,
    command: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<ExitCode> {
    telemetry::init(Some(filter.unwrap_or("error")))?;
    runtime.block_on(command).map(|()| ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }
}
