//! `lodge doctor`: what on this machine keeps AWS tools from the credentials that they should get.
//!
//! Each subject has a file: it looks, judges, and gives a check or more. No check stops another, none waits for longer
//! than seconds, and none says more of a key than its first and last four characters. The broker is asked two things at
//! most: what it is, and what it holds open for whoever is signed in.

mod aws_files;
mod broker;
mod check;
mod clock;
mod containers;
mod environment_keys;
mod folders;
mod profiles;
mod programs;
mod proxy;
mod reach;
mod sign_in;
mod static_keys;
mod storage;
#[cfg(test)]
#[cfg(unix)]
mod tests;
mod version;

use serde::Serialize;

use super::super::Helper;
use crate::cli::failure::Failure;
use crate::cli::output::{Mark, Output};

use self::aws_files::AwsFiles;
use broker::Asked;
use check::Check;

/// What `--json` prints: stable, only ever extended.
#[derive(Serialize)]
struct Report<'a> {
    checks: &'a [Check],
    not_ok: usize,
    warnings: usize,
}

pub(super) fn run(helper: &Helper, json: bool, output: &mut Output<'_>) -> Result<(), Failure> {
    let checks = checks(helper);
    let count = |mark| checks.iter().filter(|check| check.mark == mark).count();
    let (not_ok, warnings) = (count(Mark::NotOk), count(Mark::Warning));
    if json {
        output.json(&Report { checks: &checks, not_ok, warnings })?;
    } else {
        for check in &checks {
            output.marked(check.mark, &check.line())?;
            check.remedy().iter().try_for_each(|line| output.answer(line))?;
        }
    }
    match not_ok {
        0 => Ok(()),
        1 => Err(Failure::MachineNotWell("one thing is".to_owned())),
        many => Err(Failure::MachineNotWell(format!("{many} things are"))),
    }
}

fn checks(helper: &Helper) -> Vec<Check> {
    let environment = &helper.environment;
    let surroundings = &environment.surroundings;
    let asked = Asked::of(helper);
    let files = AwsFiles::read(environment);
    let mut checks = Vec::new();
    checks.extend(programs::checks(surroundings));
    checks.extend(folders::checks(environment));
    checks.extend(storage::checks(helper));
    checks.extend(proxy::checks(surroundings, &asked));
    checks.extend(broker::checks(&asked));
    checks.extend(clock::checks(&asked));
    checks.extend(version::checks(&asked));
    checks.push(sign_in::checks(&asked));
    checks.extend(environment_keys::checks(surroundings, &files));
    checks.extend(containers::checks(surroundings));
    checks.extend(static_keys::checks(&files, helper.clock.now()));
    checks.extend(profiles::checks(helper, &files, &asked));
    checks
}
