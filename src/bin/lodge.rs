//! `lodge`, the helper: reads its command line and its environment, and hands over to [`lodge::cli`].

use std::io;
use std::process::ExitCode;

use lodge::cli::environment::Environment;
use lodge::cli::output::Output;
use lodge::cli::{self, Helper};
use lodge::telemetry;

fn main() -> ExitCode {
    let environment = Environment::read();
    if let Err(error) =
        telemetry::init_in(Some(environment.log.as_deref().unwrap_or("warn")), environment.colour.stderr)
    {
        telemetry::say(&format!("lodge: {error}"));
        return ExitCode::from(2);
    }

    let colour = environment.colour;
    let helper = Helper::on_this_machine(environment);
    let (mut stdout, mut stderr) = (io::stdout().lock(), io::stderr());
    cli::run(std::env::args_os(), &helper, &mut Output::new(&mut stdout, &mut stderr).in_colour(colour)).into()
}
