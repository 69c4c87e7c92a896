//! Every statement on one lab's data, run for B with what hits A.

use chrono::TimeDelta;
use lodge::store::{Kind, Listed, all_statements};

use super::fixture::{
    ENTRIES, World, assert_every_table_has_rows, attempt, change_id, check_id, cut_off_id, ended_role, entropy,
    everywhere_id, invitation_id, key_hash, lab_id, mapping_id, now, own_role, person, shared_mapping, sign_in,
    students, written_at,
};
use super::raw_sql::{Raw, Value};
use crate::support::databases as database;
use crate::support::postgres::require;
use crate::support::serving::wait;

const A: u8 = b'a';
const B: u8 = b'b';

/// A number that nothing of the fixture has.
const FRESH: u8 = 99;

fn text<T: ToString + ?Sized>(text: &T) -> Value {
    Value::Text(text.to_string())
}

fn b() -> Value {
    text(&lab_id(B))
}

/// Values that hit rows of A wherever a statement names one, with B as the lab. `None` for a statement that nobody has
/// said this of.
fn values_for(statement: &str) -> Option<Vec<Value>> {
    let at = |minutes| Value::At(now() + TimeDelta::minutes(minutes));
    let number = Value::Number;
    let role = || text(&own_role(A));
    let of_fresh_mapping = || {
        let id = lodge::domain::id::MappingId::from_entropy(entropy(B, FRESH));
        vec![b(), text(&id), text("campus"), text(&students(A))]
    };
    let terms = || vec![Value::NoTime, number(1_800), Value::Flag(true), Value::Flag(true)];
    Some(match statement {
        "ROLES" | "ENDED_ROLES" | "HOLD_BOOK" | "NEXT_SEQ" | "OFFICE_HOLDERS" | "LAB_PEOPLE" | "LAB_NAMES"
        | "LAST_PLACE" | "LAB_GROUPS" | "HOLDS" => {
            vec![b()]
        }
        "ROLE" | "GATE_ROLE" | "GATE_MAPPINGS" | "GATE_ACCOUNT" | "MAPPINGS_OF_ROLE" => vec![b(), role()],
        "INSERT_ROLE" => {
            vec![b(), text("fresh"), text("mturk/pay"), text("{}"), number(3_600), number(7_200), at(0)]
        }
        "REVIVE_ROLE" => vec![b(), text(&ended_role(A)), text("mturk/pay"), text("{}"), number(900), number(7_200)],
        "SET_ROLE" => vec![b(), role(), text("{}"), number(900)],
        "SET_SIGN_IN_AGE" => vec![b(), role(), number(7_200)],
        "SET_GROUPS_AGE" => vec![b(), number(7_200)],
        "CHANGES" => vec![b(), at(0), at(-60 * 24 * 365), text(""), number(1_000)],
        "END_ROLE" => vec![b(), role(), at(0)],
        "SET_ARCHIVED" | "FORGET_LAPSED_CHANGES" | "OPEN_INVITATIONS" | "LIVE_MAPPINGS" | "COUNT_ROLE_SESSIONS" => {
            vec![b(), at(0)]
        }
        "BOOK" => vec![b(), number(0), number(1_000)],
        "LOOK_BACK" => {
            let places = vec![b(), number(1_000), number(1), at(-60), at(60)];
            [places, vec![text(""); 19], vec![number(1_000)]].concat()
        }
        "TIME_OF_PLACE" => vec![b(), number(1)],
        "FIRST_SINCE" => vec![b(), at(1)],
        "LAST_UNTIL" => vec![b(), at(60)],
        "APPEND" => {
            let act = lodge::domain::id::ActId::from_entropy(entropy(B, FRESH));
            vec![b(), number(ENTRIES + 1), at(0), text("lab-archived"), text(&person(A, 1)), text(&act), text("{}")]
        }
        "OPEN_ATTEMPT" => vec![b(), text(&attempt(B, FRESH)), text(&person(A, 4)), at(0)],
        "CLOSE_ATTEMPT" | "IS_OPEN" => vec![b(), text(&attempt(A, 2))],
        "OUTCOME" => vec![b(), text(&attempt(A, 1))],
        "MAPPING" => vec![b(), text(&mapping_id(A, 1))],
        "MAPPINGS" => vec![b(), text(""), number(1_000)],
        "MAPPINGS_BY_ROLE" => vec![b(), text(""), text(""), text(""), at(0), number(1_000)],
        "REVISIONS" => vec![b(), text(&mapping_id(A, 1)), number(1_000), number(1_000)],
        "GROUP_PEOPLE" => vec![b(), text("campus"), text(&students(A)), role()],
        "MAPPINGS_OF_TARGET" => vec![b(), role(), text("campus"), text(&students(A))],
        "INSERT_MAPPING" => [of_fresh_mapping(), vec![text("shared")], terms(), vec![number(1), at(0), at(0)]].concat(),
        "SET_TERMS" => [vec![b(), text(&mapping_id(A, 1)), number(1)], terms(), vec![at(0)]].concat(),
        "INSERT_REVISION" => {
            [vec![b(), text(&shared_mapping()), number(2)], terms(), vec![at(0), text(&person(A, 1))]].concat()
        }
        "INSERT_CHANGE" => {
            let change = text(&change_id(B, FRESH));
            let from = vec![b(), change, text(&mapping_id(A, 1)), number(1), text(&person(A, 1))];
            [from, of_fresh_mapping()[2..].to_vec(), vec![text("shared")], terms(), vec![at(0), at(60)]].concat()
        }
        "CHANGE" | "TAKE_CHANGE" => vec![b(), text(&change_id(A, 1)), at(0)],
        "STANDING" | "REMOVE_STANDING" | "OFFICE_HOLDER" | "COUNT_OTHER_PIS" | "GATE_STANDING" => {
            vec![b(), text(&person(A, 1))]
        }
        // Somebody who is a PI of neither, so that it is a row that comes to be.
        "PUT_STANDING" => vec![b(), text(&person(A, 4)), text("pi"), at(0)],
        "INSERT_INVITATION" => vec![b(), text(&invitation_id(B, FRESH)), text("hash-fresh"), at(0), at(60)],
        "END_INVITATION" => vec![b(), text(&invitation_id(A, 1)), at(0)],
        "DONE_REQUEST" => vec![b(), text(&person(A, 4)), text(&key_hash(A))],
        "INSERT_DONE_REQUEST" => {
            vec![b(), text(&person(A, 4)), text("key-fresh"), text("request"), text("made"), text("subject"), at(0)]
        }
        // Later than A knows them.
        "KNOW_PERSON" => vec![b(), text(&person(A, 4)), at(1)],
        "INSERT_ROLE_SESSION" => {
            let (id, mapping) = (text(&attempt(B, FRESH)), text(&shared_mapping()));
            vec![b(), id, text(&person(A, 4)), text("shared"), mapping, at(0), at(60)]
        }
        "GIVEN_TO" | "ROLES_IN_USE" => vec![b(), at(0), text(&format!("{} {}", person(A, 1), person(A, 4)))],
        "ROLE_HOLDERS" => vec![b(), at(0), at(-60)],
        "LIVE_ROLE_SESSIONS" => vec![b(), at(0), at(60), text(""), number(1_000), text(""), text("")],
        "RECENT_TROUBLE" => vec![b(), at(-60), number(500)],
        "GATE_MEMBER" => vec![text(&sign_in(A, 4)), b(), at(0), at(-60 * 24 * 30)],
        other => return values_of_account(other).or_else(|| values_of_cut_offs(other)),
    })
}

/// The same for what was cut off.
fn values_of_cut_offs(statement: &str) -> Option<Vec<Value>> {
    let at = |minutes| Value::At(now() + TimeDelta::minutes(minutes));
    let number = Value::Number;
    Some(match statement {
        "INSERT_CUT_OFF" => {
            let id = lodge::domain::id::CutOffId::from_entropy(entropy(B, FRESH));
            let who = vec![b(), text(&id), text(&person(A, 4)), Value::NoText, Value::NoText];
            let what = vec![text("\"broker\""), text("asked"), Value::NoText, number(1), at(0), at(1), at(60), at(60)];
            [who, what, vec![Value::Flag(true), number(1)]].concat()
        }
        "IS_OF_LAB" => vec![b(), text(&person(A, 4))],
        "CUT_OFF" => vec![b(), text(&cut_off_id(A))],
        "CUT_OFFS" => vec![b(), at(60), text("~"), number(1_000)],
        "LIVE_CUT_OFFS" | "DENY_ENTRIES" | "NEXT_OVER" | "GATE_OVERFLOW" => vec![b(), at(0)],
        "NOTE_WRITTEN" | "NOTE_READ_BACK" => vec![b(), number(1_000), at(1)],
        "NOTE_DENIAL" => vec![b(), number(1_000), text("seen"), at(1)],
        "LIFT" => vec![b(), text(&cut_off_id(A)), at(1)],
        "DENY" => vec![b()],
        "PUT_DENY" => {
            let begin =
                vec![b(), number(9), number(9), number(9), text("sha"), at(1), at(1), number(100), at(1), number(1)];
            [begin, vec![text("other"), text("lease"), at(2)]].concat()
        }
        "SESSIONS_TO_CUT" => vec![b(), at(0), text(&person(A, 4)), text("")],
        "PEOPLE_OF_MAPPING" | "GATE_MAPPING" => vec![b(), text(&mapping_id(A, 1)), at(0)],
        "CUT_OFF_OF_EVERYWHERE" => vec![b(), text(&everywhere_id(A))],
        "GATE_BARS" => vec![b(), text(&person(A, 4)), text(&own_role(A)), at(0)],
        _ => return None,
    })
}

/// The same for what is kept of accounts.
fn values_of_account(statement: &str) -> Option<Vec<Value>> {
    let at = |minutes| Value::At(now() + TimeDelta::minutes(minutes));
    let number = Value::Number;
    let role = || text(&own_role(A));
    Some(match statement {
        "ACCOUNT" | "ACCOUNT_ROLES" => vec![b()],
        "SET_ACCOUNT" => {
            let aroa = text("AROAFRESH");
            vec![b(), text("broken"), at(1), aroa, at(1), at(1), at(1)]
        }
        "CLAIM_ACCOUNT" => vec![b(), Value::At(written_at(A)), at(60)],
        "BRING_CHECK_FORWARD" => vec![b(), at(-1), at(1)],
        "PUT_ACCOUNT_ROLE" => vec![b(), text("shared"), text("sha"), text(""), text("{}"), at(1)],
        "SET_ACCOUNT_PROBE" => vec![b(), role(), text("{}"), at(1)],
        "INSERT_CHECK" => {
            let id = lodge::domain::id::AccountCheckId::from_entropy(entropy(B, FRESH));
            vec![b(), text(&id), text("watch"), text(&person(A, 1)), at(1), text("{}")]
        }
        "CHECK" => vec![b(), text(&check_id(A))],
        "CHECKS" => vec![b(), at(60), text("~"), number(1_000)],
        "SAVE_CHECK" => vec![b(), text(&check_id(A)), text("{}")],
        "END_CHECK" => vec![b(), text(&check_id(A)), text("{}"), at(1), text("broken")],
        _ => return None,
    })
}

/// The same statement with its lab left out: every `lab_id = $1`, under any table's name, is true; what it inserts, it
/// inserts for A.
fn without_the_lab(statement: &Listed) -> String {
    let mut text = statement.text.to_owned();
    for place in 1..=2 {
        let bound = format!(" = ${place}");
        let mut from = 0;
        while let Some(found) = text[from..].find(&bound).map(|found| from + found) {
            let start = text[..found].rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.').unwrap() + 1;
            from = found + bound.len();
            let column = text[start..found].rsplit('.').next().unwrap();
            let is_whole = !text[from..].starts_with(|c: char| c.is_ascii_digit());
            if is_whole && (matches!(column, "lab_id" | "book") || &text[start..found] == "lab.id") {
                let always = format!("${place}{bound}");
                text.replace_range(start..from, &always);
                from = start + always.len();
            }
        }
    }
    if text == statement.text {
        // The one that changes no row of a book that is there is told by the row that it makes.
        let other = if statement.name == "HOLD_BOOK" { "lab-nobodys".to_owned() } else { lab_id(A).to_string() };
        text = text.replacen("values ($1", &format!("values ('{other}'"), 1);
    }
    text
}

/// What came of a statement: its rows, B's rows after it, and everybody else's.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Outcome {
    rows: Vec<String>,
    of_b: Vec<String>,
    of_others: Vec<String>,
}

impl World {
    /// Runs a statement, looks, and takes it back.
    async fn try_out(&mut self, text: &str, values: &[Value]) -> sqlx::Result<Outcome> {
        self.raw.run("begin", &[]).await;
        let tried = look_after(&mut self.raw, &self.layout, text, values, None).await;
        self.raw.run("rollback", &[]).await;
        tried
    }

    /// The rows before anything.
    async fn before(&mut self) -> Outcome {
        self.try_out("select 1 where 1 = 0", &[]).await.unwrap()
    }
}

async fn look_after(
    raw: &mut Raw,
    layout: &super::raw_sql::Layout,
    text: &str,
    values: &[Value],
    entered: Option<&str>,
) -> sqlx::Result<Outcome> {
    if let Some(lab) = entered {
        raw.enter(lab).await;
    }
    let mut rows = raw.try_run(text, values).await?;
    rows.sort();
    if entered.is_some() {
        raw.enter("*").await;
    }
    let (of_b, of_others) = raw.dump(layout, lab_id(B).as_str()).await;
    Ok(Outcome { rows, of_b, of_others })
}

/// The statements that name one lab: those that can only be run in one, and those of the gate.
fn statements() -> Vec<Listed> {
    let names_one = |statement: &&Listed| {
        statement.kind == Kind::Lab || (statement.kind == Kind::Across && statement.name.starts_with("GATE_"))
    };
    all_statements().iter().filter(names_one).copied().collect()
}

/// Runs every statement in both worlds. What is wrong, a line for each.
async fn complaints(together: &mut World, alone: &mut World, statements: &[Listed]) -> Vec<String> {
    let mut found = Vec::new();
    let before = together.before().await;
    for statement in statements {
        let name = statement.name;
        let Some(values) = values_for(name) else {
            found.push(format!("{name}: say in `values_for` what would hit the other lab"));
            continue;
        };
        let (here, there) =
            (together.try_out(statement.text, &values).await, alone.try_out(statement.text, &values).await);
        let (here, there) = match (here, there) {
            (Ok(here), Ok(there)) => (here, there),
            (here, there) => {
                found.push(format!("{name}: it cannot be run: {here:?} {there:?}"));
                continue;
            }
        };
        if here.of_others != before.of_others {
            found.push(format!("{name}: it changed another lab"));
        }
        if here.rows != there.rows {
            found.push(format!("{name}: it answers {:?}, and {:?} where there is no other lab", here.rows, there.rows));
        }
        if here.of_b != there.of_b {
            found.push(format!("{name}: it does something else where there is no other lab"));
        }
        // That a statement which forgets the lab would have been seen.
        match together.try_out(&without_the_lab(statement), &values).await {
            Ok(faulty) if faulty.rows == there.rows && faulty.of_others == before.of_others => {
                found.push(format!("{name}: without its lab it does the same, so nothing was tried"));
            }
            Ok(_) => {}
            Err(error) => found.push(format!("{name}: without its lab it cannot be run: {error}")),
        }
    }
    found
}

async fn no_statement_reaches_the_other_lab(mut together: World, mut alone: World) {
    assert_every_table_has_rows(&mut together).await;
    let statements = statements();
    assert!(statements.len() > 30, "{}", statements.len());

    let found = complaints(&mut together, &mut alone, &statements).await;

    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_statement_of_a_lab_reaches_another_one() {
    for kind in database::Kind::all("no_statement_of_a_lab_reaches_another_one") {
        wait(async {
            no_statement_reaches_the_other_lab(World::new(kind, &[A, B]).await, World::new(kind, &[B]).await).await;
        });
    }
}

#[test]
fn a_statement_that_reaches_another_lab_is_noticed() {
    let listed = |name, text| Listed { name, text, kind: Kind::Lab };
    let planted = [
        // One side of a join only; the right column of the wrong table; a lab that is not the first value; a new one.
        listed("OFFICE_HOLDERS", "select lab_role.name from lab_role, standing where standing.lab_id = $1"),
        listed("ROLE", "select name from lab_role where (lab_id = $1 or 1 = 1) and name = $2"),
        listed("REMOVE_STANDING", "delete from standing where person_id = $2 and lab_id <> $1"),
        listed("SET_ARCHIVED", "update lab set archived_at = $2 where $1 = $1"),
        listed("HOLD_BOOK", "insert into ledger_book (book, entries) values ('lab-elsewhere' || $1, 0)"),
        listed("SOMETHING_NEW", "select id from mapping where lab_id = $1"),
    ];
    wait(async {
        let (mut together, mut alone) =
            (World::new(database::Kind::Sqlite, &[A, B]).await, World::new(database::Kind::Sqlite, &[B]).await);

        for statement in planted {
            let found = complaints(&mut together, &mut alone, &[statement]).await;

            assert!(found.iter().any(|line| line.starts_with(statement.name)), "{statement:?}");
        }
    });
}

#[test]
fn a_statement_without_its_lab_is_what_it_says() {
    let faulty = |text| without_the_lab(&Listed { name: "ANY", text, kind: Kind::Lab });

    assert_eq!(faulty("select id from x where lab_id = $1 and id = $2"), "select id from x where $1 = $1 and id = $2");
    assert_eq!(faulty("update lab set a = $2 where lab.id = $1"), "update lab set a = $2 where $1 = $1");
    assert_eq!(faulty("select 1 from x where book = $1 and a = $10"), "select 1 from x where $1 = $1 and a = $10");
    assert_eq!(faulty("select 1 from x where a = $1 and m.lab_id = $2"), "select 1 from x where a = $1 and $2 = $2");
    assert_eq!(
        faulty("insert into x (lab_id, id) values ($1, $2)"),
        format!("insert into x (lab_id, id) values ('{}', $2)", lab_id(A))
    );
}

/// Row security alone, behind a statement that forgot everything.
#[test]
fn what_forgets_the_lab_is_stopped_by_row_security() {
    if !require("what_forgets_the_lab_is_stopped_by_row_security") {
        return;
    }
    wait(async {
        let (mut together, mut alone) = (World::postgres(&[A, B]).await, World::postgres(&[B]).await);
        let mut broker = Raw::postgres(&together.server().broker()).await;
        let before = together.before().await;
        let mut refused = 0;
        for statement in statements().iter().filter(|statement| statement.kind == Kind::Lab) {
            let values = values_for(statement.name).unwrap();
            let there = alone.try_out(statement.text, &values).await.unwrap();

            for text in [statement.text.to_owned(), without_the_lab(statement)] {
                broker.run("begin", &[]).await;
                let tried = look_after(&mut broker, &together.layout, &text, &values, Some(lab_id(B).as_str())).await;
                broker.run("rollback", &[]).await;
                match tried {
                    Ok(outcome) => {
                        assert_eq!(outcome.of_others, before.of_others, "{text}");
                        assert_eq!(outcome.rows, there.rows, "{text}");
                    }
                    Err(error) => {
                        assert_ne!(text, statement.text, "{error}");
                        let error = error.into_database_error().unwrap();
                        // A book whose entries it does not see seems to begin with this one.
                        let expected = ["violates row-level security policy", "the ledger has no gaps"];
                        assert!(expected.iter().any(|part| error.message().contains(part)), "{text}: {error}");
                        refused += 1;
                    }
                }
            }
        }
        assert!(refused >= 8, "{refused} inserts for another lab were refused");
    });
}

/// The keys `(lab_id, …)`: a row of B that names something of A is refused.
async fn assert_references_stay_in_the_lab(mut world: World) {
    // The same row for a role, or a mapping, that the other lab has, and this one has not.
    let (role, mapping) =
        (("shared".to_owned(), own_role(A)), (shared_mapping().to_string(), mapping_id(A, 1).to_string()));
    for (name, (ours, theirs)) in [
        ("INSERT_MAPPING", &role),
        ("INSERT_CHANGE", &role),
        ("INSERT_ROLE_SESSION", &role),
        ("PUT_ACCOUNT_ROLE", &role),
        ("INSERT_ROLE_SESSION", &mapping),
        ("INSERT_REVISION", &mapping),
    ] {
        let statement = *statements().iter().find(|statement| statement.name == name).unwrap();
        let values = values_for(name).unwrap().into_iter().map(|value| match value {
            Value::Text(it) if it == *ours => text(theirs),
            other => other,
        });

        let tried = world.try_out(statement.text, &values.collect::<Vec<_>>()).await;

        let error = tried.unwrap_err().into_database_error().unwrap();
        assert!(error.is_foreign_key_violation(), "{name}, {theirs}: {error}");
    }
}

#[test]
fn no_row_refers_to_another_lab_s() {
    for kind in database::Kind::all("no_row_refers_to_another_lab_s") {
        wait(async { assert_references_stay_in_the_lab(World::new(kind, &[A, B]).await).await });
    }
}
