//! `lodge`: the helper on a person's machine. Parses, runs, exits.

use std::io;
use std::process::ExitCode;

use lodge::cli::environment::Environment;
use lodge::cli::output::Output;
use lodge::cli::{self, Helper};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let environment = Environment::read();
    log_to_stderr(environment.log.as_deref());

    let helper = Helper::on_this_machine(environment);
    let (mut stdout, mut stderr) = (io::stdout().lock(), io::stderr());
    cli::run(std::env::args_os(), &helper, &mut Output::new(&mut stdout, &mut stderr)).into()
}

/// Logs go to stderr, always: stdout is data.
fn log_to_stderr(filter: Option<&str>) {
    let filter = EnvFilter::try_new(filter.unwrap_or("warn")).unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(io::stderr).init();
}
