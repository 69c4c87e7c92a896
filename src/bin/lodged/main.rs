//! `lodged`, the broker: reads its command line, and starts.

#[cfg(feature = "demo")]
mod demo;
mod serve;
mod server;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lodge::telemetry;

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
    Serve {
        /// The settings
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
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
        data: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            telemetry::say(&format!("lodged: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "the log's filter is wanted before any setting is read")]
    let filter = std::env::var("LODGE_LOG").ok();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match command {
        Command::Serve { config } => {
            telemetry::init(filter.as_deref())?;
            runtime.block_on(serve::run(&config))
        }
        #[cfg(feature = "demo")]
        Command::Demo { port, data } => {
            telemetry::init(Some(filter.as_deref().unwrap_or(demo::DEFAULT_LOG)))?;
            runtime.block_on(demo::run(port, data.as_deref()))
        }
    }
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
