//! What holds for every route there is, whichever is added: its headers, what its forms take and from where, that looking
//! changes nothing, that no header of a request makes an address, that nobody sets more than they are asked for, and that
//! nothing that somebody writes gets into a header or a log (ASVS 5.0: 1.2.1, 1.2.9, 3.4, 3.5, 4.1.3, 8.2, 15.3.3, 16.4.1).
//!
//! Each walks [`ROUTES`] with the requests of `routes`, sent by whoever gets in. What holds for signing in alone is in
//! `sign_in_refusals`, what keeps labs apart in `routes` and `isolation`.

mod addresses;
mod forms;
mod headers;
mod people;
mod reading;
mod texts;

use lodge::http::routes::{Admits, ROUTES, Route};
use sqlx::{AssertSqlSafe, Row as _};

use crate::routes::requests::{Request, request};
use crate::routes::{Caller, Stage, Who};
use crate::support::databases::{look, raw_sqlite};
use crate::support::eventually;
use crate::support::serving::wait;

/// Somebody who gets in at this route.
fn admitted(route: &Route) -> Who {
    match route.admits {
        Admits::Operator | Admits::OperatorPage => Who::Operator,
        Admits::RoleHolder => Who::Member,
        _ => Who::Pi,
    }
}

/// A request to this route that is right, and who sends it.
fn right(stage: &Stage, route: &Route) -> (Caller, Request) {
    let caller = stage.caller(admitted(route));
    let request = request(stage, route, &caller);
    let request = request.unwrap_or_else(|| panic!("{} {}: write a request for it", route.method, route.path));
    (caller, request)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what `filter` hands over")]
fn is_get(route: &&Route) -> bool {
    route.method == "get"
}

/// The forms of our pages.
fn forms() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| route.method != "get" && route.admits.is_by_browser())
}

/// Waits until no check of an account is under way and nobody sees to a deny: a form may have begun either, and they write by
/// themselves.
fn settle(stage: &Stage) {
    wait(stage.labs.broker().enforce_due()).unwrap();
    eventually("nothing is under way", || {
        let open = "select (select count(*) from account_check where ended_at is null) \
                    + (select count(*) from lab_deny where lease is not null)";
        let open: Vec<(i64,)> = wait(look(&stage.labs.running.database.owner, open));
        (open == [(0,)]).then_some(())
    });
}

/// Every row of every table of a broker on SQLite, except when a session was last seen.
fn rows(stage: &Stage) -> Vec<String> {
    wait(async {
        let mut connection = raw_sqlite(&stage.labs.running.database.owner).await;
        let ask = "select name from sqlite_master where type = 'table' order by name";
        let tables = sqlx::query(ask).fetch_all(&mut connection).await.unwrap();
        let mut all = Vec::new();
        for table in tables {
            let table: String = table.get(0);
            let ask = format!("select name from pragma_table_info('{table}') where name <> 'seen_at' order by cid");
            let columns = sqlx::query(AssertSqlSafe(ask)).fetch_all(&mut connection).await.unwrap();
            let columns: Vec<String> =
                columns.iter().map(|row| format!("quote({})", row.get::<String, _>(0))).collect();
            let ask = format!("select '{table}: ' || {} from {table} order by 1", columns.join(" || '|' || "));
            let rows = sqlx::query(AssertSqlSafe(ask)).fetch_all(&mut connection).await.unwrap();
            all.extend(rows.iter().map(|row| row.get::<String, _>(0)));
        }
        all
    })
}

/// What is in one and not in the other.
fn difference(before: &[String], after: &[String]) -> Vec<String> {
    let gone = before.iter().filter(|row| !after.contains(row)).map(|row| format!("- {row}"));
    let come = after.iter().filter(|row| !before.contains(row)).map(|row| format!("+ {row}"));
    gone.chain(come).collect()
}
