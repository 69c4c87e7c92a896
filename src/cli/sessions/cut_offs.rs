//! `lodge sessions --cut-off`: what was cut off of late.

use super::SessionsArguments;
use crate::cli::Helper;
use crate::cli::cut_off::{how_far, reached, whose, why};
use crate::cli::failure::Failure;
use crate::cli::moment::moment;
use crate::cli::output::Output;
use crate::cli::table::Table;
use crate::wire::cut_offs::{CutOff, CutOffStepName};

pub(super) fn run(helper: &Helper, arguments: &SessionsArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let lab = &arguments.lab;
    let newest = helper.lab(lab)?.cut_offs(arguments.limit)?;
    if arguments.json {
        return output.json(&newest);
    }
    if newest.cut_offs.is_empty() {
        output.say(&format!("Nothing was cut off in {lab} yet."));
        return Ok(());
    }
    table(&newest.cut_offs).lines().iter().try_for_each(|line| output.answer(line))?;
    output.say(&format!("To see the steps of one: lodge revoke {lab} --show CUT-OFF-ID"));
    if newest.next.is_some() {
        let count = newest.cut_offs.len();
        output.say(&format!("These are the newest {count}. Older ones: --limit, up to 200."));
    }
    Ok(())
}

fn table(cut_offs: &[CutOff]) -> Table<7> {
    let mut table = Table::new(["CUT-OFF", "WHEN", "WHOSE", "SESSIONS", "BY", "WHY", "HOW FAR"]);
    for cut_off in cut_offs {
        let when = reached(cut_off, CutOffStepName::IssuingStopped).map_or_else(|| "-".to_owned(), moment);
        let (whose, sessions) = (whose(&cut_off.whose), cut_off.sessions.to_string());
        table.row([&cut_off.id, &when, &whose, &sessions, &cut_off.by_says, why(cut_off), &how_far(cut_off)]);
    }
    table
}
