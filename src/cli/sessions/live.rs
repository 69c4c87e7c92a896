//! `lodge sessions`: the credentials that live.

use super::SessionsArguments;
use crate::cli::Helper;
use crate::cli::failure::Failure;
use crate::cli::moment::moment;
use crate::cli::output::Output;
use crate::cli::person::named;
use crate::cli::table::Table;
use crate::wire::people::RoleSession;

/// Where the cut-offs stand in the table.
const CUT_OFF_COLUMN: usize = 6;

pub(super) fn run(helper: &Helper, arguments: &SessionsArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let lab = &arguments.lab;
    let all = helper.lab(lab)?.role_sessions()?;
    if arguments.json {
        return output.json(&all);
    }
    if all.sessions.is_empty() {
        output.say(&format!("No AWS credentials of {lab} live at the moment."));
        return Ok(());
    }
    table(&all.sessions).lines().iter().try_for_each(|line| output.answer(line))?;
    output.say(&format!("To cut somebody off: lodge revoke {lab} --person PERSON-ID"));
    Ok(())
}

fn table(sessions: &[RoleSession]) -> Table<7> {
    let mut table = Table::new(["SESSION", "PERSON", "ROLE", "WHAT FOR", "ISSUED", "DIES", "CUT OFF BY"]);
    for session in sessions {
        let person = named(session.name.as_deref(), &session.person, session.looks_like_another);
        let title = Some(session.title.as_str()).filter(|title| !title.is_empty()).unwrap_or("-");
        let cut_off = session.cut_off.as_deref().unwrap_or("-");
        let (issued, dies) = (moment(&session.issued_at), moment(&session.expires_at));
        table.row([&session.id, &person, &session.role, title, &issued, &dies, cut_off]);
    }
    let is_any_cut_off = sessions.iter().any(|session| session.cut_off.is_some());
    if is_any_cut_off { table } else { table.without(CUT_OFF_COLUMN) }
}
