//! schemathesis against the description of the API, as everybody there is: no fault of ours, no answer that is not
//! described, nothing that is right refused as malformed, nothing that is wrong taken, and nothing of another lab.
//!
//! Each caller has a broker of their own with two labs in it, so that no run depends on another. What they ask is made up
//! from the description; `tests/peers/schemathesis-run.py` puts ids that exist into it, of the caller's own lab and of the
//! other.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use lodge::domain::account::{CheckReason, Verdict};
use lodge::domain::lab::{Lab, Office, Role};
use lodge::domain::mapping::MappingTerms;
use lodge::domain::role_session::SessionDuration;
use lodge::http::routes::{Admits, ROUTES, Route};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::support::accounts;
use crate::support::databases::{Kind, raw_sqlite};
use crate::support::labs::{Labs, ROLES};
use crate::support::peers::{self, Peer};
use crate::support::process::{Ended, Process};
use crate::support::serving::wait;
use crate::support::signed_in::{operator, signed_in};
use crate::support::{PATIENCE, root};

/// What the made-up requests are made of; another number, other requests.
const SEED: u32 = 5;

/// How many requests are made up for each operation, beside those that try its bounds.
const EXAMPLES: u32 = 8;

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// Without a token.
    Nobody,
    /// With a token that was made up.
    Rubbish,
    /// Signed in, and of no lab.
    Stranger,
    Member,
    Manager,
    Pi,
    /// A PI whose sign-in is two hours old.
    PiOfThisMorning,
    /// A PI of the other lab.
    OtherPi,
    /// Somebody whom the settings name as an operator, and who belongs to no lab.
    Operator,
}

impl Who {
    fn lets_in(self, admits: Admits) -> bool {
        match admits {
            Admits::Anyone => true,
            _ if matches!(self, Self::Nobody | Self::Rubbish) => false,
            Admits::Helper => true,
            Admits::Operator => self == Self::Operator,
            _ if matches!(self, Self::Stranger | Self::Operator) => false,
            Admits::RoleHolder => matches!(self, Self::Member | Self::Pi | Self::PiOfThisMorning | Self::OtherPi),
            Admits::Member => true,
            Admits::Manager => self != Self::Member,
            Admits::Pi => matches!(self, Self::Pi | Self::PiOfThisMorning | Self::OtherPi),
            _ => false,
        }
    }
}

impl Who {
    /// Whether some request to this route must have been answered with what was asked for.
    fn gets_something_from(self, route: &Route) -> bool {
        // What gives somebody more takes a newer sign-in.
        let is_too_late = self == Self::PiOfThisMorning && route.method != "get" && route.path.contains("/labs/");
        // Managers lay down their own standing alone, and with it everything else that they could ask.
        let is_theirs_alone =
            self == Self::Manager && (route.method, route.path) == ("delete", "/api/v1/labs/{lab}/people/{person}");
        // When all others were ended before, there is none left to end.
        let is_over = route.path == "/api/v1/me/sessions/{session}";
        self.lets_in(route.admits) && !is_too_late && !is_theirs_alone && !is_over
    }
}

/// Where the name of a path's part is not enough to tell what it is: the path, and the name.
const OWN_CUT_OFF: &str = "/api/v1/me/cut-offs/{cut_off} cut_off";
const PERSON_CUT_OFF: [&str; 2] = [
    "/api/v1/operator/people/{person}/cut-offs/{cut_off} person",
    "/api/v1/operator/people/{person}/cut-offs/{cut_off} cut_off",
];

/// What there is of a lab.
#[derive(Debug, Default)]
struct Things {
    /// Ids and names that stand in requests, by what they are.
    ids: BTreeMap<&'static str, Vec<String>>,
    /// What stands in no request, and in no answer to anybody but the lab's people.
    secrets: Vec<String>,
}

/// Fills a lab: mappings, people, changes that wait, credentials that were given.
fn fill(labs: &Labs, lab: &Lab) -> Things {
    let name = lab.name.as_str();
    let mut things = Things::default();
    let mut secret = |text: String| {
        things.secrets.push(text.clone());
        text
    };
    let author = labs.appoint(lab, Office::Pi, &secret(format!("author-of-{name}")));
    labs.appoint(lab, Office::Pi, &format!("last-pi-of-{name}"));
    let mappings: Vec<_> = (0..12)
        .map(|n| {
            labs.mapping(lab, &secret(format!("{name}-secret-group-{n}")), "read-results", MappingTerms::default())
        })
        .collect();
    labs.mapping(lab, &format!("{name}-students"), "read-results", MappingTerms::default());
    let check = |n: i64| {
        let report = accounts::well(labs.now());
        wait(labs.account(lab).checked(TimeDelta::seconds(50 - n), CheckReason::Watch, report, Some(Verdict::Proven)))
    };
    let checks: Vec<_> = (0..3).map(check).collect();
    let changes = |count: usize| (0..count).map(|_| labs.change(lab, &author).to_string()).collect::<Vec<_>>();
    let people: Vec<_> =
        (0..6).map(|n| labs.appoint(lab, Office::Manager, &format!("manager-{n}-of-{name}"))).collect();
    secret(lab.id.to_string());
    secret(lab.external_id.as_str().to_owned());
    secret(author.to_string());
    things.ids.insert("lab", vec![name.to_owned()]);
    things.ids.insert("role", ROLES.map(|(role, _)| role.to_owned()).to_vec());
    // Roles that nobody has: only those can be ended.
    let spare = |n: i32| {
        let role = Role {
            name: format!("spare-{n}").parse().unwrap(),
            template: "mturk/read-results".parse().unwrap(),
            parameters: BTreeMap::new(),
            max_duration: SessionDuration::MAX,
            sign_in_age: None,
        };
        wait(labs.seeding().add_role(lab, &role)).unwrap();
        role.name.to_string()
    };
    things.ids.insert("role/end", (0..4).map(spare).collect());
    things.ids.insert("connection", vec!["campus".to_owned()]);
    things
        .ids
        .insert("group", (0..9).map(|n| format!("{name}-guests-{n}")).chain([format!("{name}-students")]).collect());
    things.ids.insert("ends_at", vec!["2099-01-31T23:00:00Z".to_owned()]);
    things.ids.insert("mapping", mappings.iter().map(ToString::to_string).collect());
    things.ids.insert("check", checks.iter().map(ToString::to_string).collect());
    for name in ["change/confirm", "change/decline"] {
        things.ids.insert(name, changes(8));
    }
    things.ids.insert("person", people.iter().map(ToString::to_string).collect());
    let cut_off = |what: &str, n: i32| {
        let person = labs.appoint(lab, Office::Manager, &format!("{what}-{n}-of-{name}"));
        labs.cut_off(lab, &person).to_string()
    };
    things.ids.insert("cut_off", (0..2).map(|n| cut_off("cut-off", n)).collect());
    things.ids.insert("cut_off/lift", (0..6).map(|n| cut_off("held", n)).collect());
    things
}

/// Gives everybody with a standing in the lab a name, and answers with the names.
fn name_people(labs: &Labs, lab: &Lab) -> Vec<String> {
    wait(async {
        let mut connection = raw_sqlite(&labs.running.database.owner).await;
        let text = "update person set display_name = 'Canary ' || id \
                    where id in (select person_id from standing where lab_id = $1)";
        sqlx::query(text).bind(lab.id.as_str()).execute(&mut connection).await.unwrap();
        let text = "select display_name from person where display_name is not null";
        sqlx::query_scalar(text).fetch_all(&mut connection).await.unwrap()
    })
}

/// Every row of a lab but those of attempts to get a credential: what a stranger tries is in the lab's ledger.
fn rows(labs: &Labs, lab: &Lab) -> Vec<String> {
    let mut all: Vec<String> = wait(async {
        let mut connection = raw_sqlite(&labs.running.database.owner).await;
        let text = "select t.name, group_concat('quote(' || c.name || ')', ' || '','' || '), \
                    max(case when c.name = 'lab_id' then 1 else 0 end) \
                    from sqlite_schema t join pragma_table_info(t.name) c where t.type = 'table' \
                    and t.name not like 'ledger%' group by t.name order by t.name";
        let tables: Vec<(String, String, bool)> = sqlx::query_as(text).fetch_all(&mut connection).await.unwrap();
        let mut all = Vec::new();
        for (table, columns, _) in tables.iter().filter(|(.., is_of_labs)| *is_of_labs) {
            let text = format!("select {columns} from {table} where lab_id = $1 order by 1");
            let rows: Vec<String> =
                sqlx::query_scalar(AssertSqlSafe(text)).bind(lab.id.as_str()).fetch_all(&mut connection).await.unwrap();
            all.extend(rows.into_iter().map(|row| format!("{table}: {row}")));
        }
        all
    });
    let acts = labs.book(lab).into_iter().filter(|entry| !entry.event.is_of_attempt());
    all.extend(acts.map(|entry| entry.canonical().unwrap()));
    all
}

/// What came of a run.
struct Outcome {
    ended: Ended,
    /// How often each operation was answered with each status.
    answers: BTreeMap<String, BTreeMap<u16, u32>>,
    labs: Labs,
}

/// Two labs, and who calls.
struct Run {
    labs: Labs,
    who: Who,
    told: Value,
    other_lab: Lab,
}

impl Run {
    fn of(who: Who) -> Self {
        let labs = Labs::on(Kind::Sqlite);
        let (own_lab, other_lab) = match who {
            Who::OtherPi => (labs.b.clone(), labs.a.clone()),
            _ => (labs.a.clone(), labs.b.clone()),
        };
        let (mut own, other) = (fill(&labs, &own_lab), fill(&labs, &other_lab));
        let mut canaries = other.secrets;
        canaries.extend(name_people(&labs, &other_lab));
        if who == Who::Operator {
            // Which labs there are and who looks after them is theirs to know; what is done there is not.
            canaries.retain(|canary| canary.contains("secret-group"));
            canaries.extend(own.secrets.iter().filter(|secret| secret.contains("secret-group")).cloned());
        }
        let group =
            if who.lets_in(Admits::RoleHolder) { format!("{}-students", own_lab.name) } else { "chess".to_owned() };
        let caller = match who {
            Who::Operator => operator(labs.broker()),
            _ => signed_in(labs.broker(), "caller", &[&group]),
        };
        // Sessions to end.
        (0..6).for_each(|_| drop(signed_in(labs.broker(), "caller", &[&group])));
        own.ids.insert(OWN_CUT_OFF, vec![labs.cut_off_everywhere(&caller.person).to_string()]);
        // After which they are given credentials again.
        labs.advance(TimeDelta::minutes(2));
        match who {
            Who::Manager => {
                labs.appoint(&own_lab, Office::Manager, "caller");
                // Managers drop what they asked for themselves, and one is somebody else's.
                let declined = own.ids.entry("change/decline").or_default();
                declined.truncate(1);
                declined.extend((0..8).map(|_| labs.change(&own_lab, &caller.person).to_string()));
            }
            Who::Pi | Who::PiOfThisMorning | Who::OtherPi => drop(labs.appoint(&own_lab, Office::Pi, "caller")),
            _ => {}
        }
        if who == Who::Operator {
            // One lab to put away and one to invite to; people to stop, and people who are stopped.
            own.ids.insert("lab/invitation", vec![own_lab.name.to_string()]);
            for name in ["lab/archive", "lab/restore"] {
                own.ids.insert(name, vec![other_lab.name.to_string()]);
            }
            let stopped: Vec<_> =
                (0..4).map(|n| labs.appoint(&own_lab, Office::Manager, &format!("stopped-{n}"))).collect();
            for person in &stopped {
                wait(labs.seeding().desk().suspend(person)).unwrap();
            }
            own.ids.insert("person/restore", stopped.iter().map(ToString::to_string).collect());
            let of_person = [stopped[0].to_string(), labs.cut_off_everywhere(&stopped[0]).to_string()];
            own.ids.extend(PERSON_CUT_OFF.into_iter().zip(of_person.map(|id| vec![id])));
        }
        if who == Who::PiOfThisMorning {
            labs.advance(TimeDelta::hours(2));
        }
        let token = match who {
            Who::Nobody => None,
            Who::Rubbish => Some("lodge_at_bm90IGEgdG9rZW4gb2YgYW55Ym9keSdzIGF0IGFsbA".to_owned()),
            _ => Some(caller.token),
        };
        let closed = ROUTES.iter().filter(|route| route.path.starts_with("/api/") && !who.lets_in(route.admits));
        let closed: Vec<_> = closed.map(|route| format!("{} {}", route.method, route.path)).collect();
        // Who is told the same thing whatever they ask is asked less.
        let (phases, examples) = if token.is_some() && who != Who::Rubbish {
            ("examples,coverage,fuzzing", EXAMPLES)
        } else {
            ("fuzzing", 3)
        };
        let told = json!({
            "url": labs.running.url,
            "token": token,
            "seed": SEED,
            "examples": examples,
            "phases": phases,
            "own": own.ids,
            "foreign": other.ids,
            "closed": closed,
            "canaries": canaries,
        });
        Self { labs, who, told, other_lab }
    }

    fn go(self) -> Outcome {
        wait(self.labs.broker().enforce_due()).unwrap();
        let before = rows(&self.labs, &self.other_lab);
        assert!(before.len() > 40 && before.iter().any(|row| row.contains("secret-group-3")), "{before:#?}");

        let mut command = peers::python();
        command.arg(root().join("tests/peers/schemathesis-run.py"));
        let mut process = Process::start("schemathesis", &mut command);
        process.say(&self.told.to_string());
        let ended = process.wait_within(8 * PATIENCE);

        if self.who != Who::Operator {
            assert_eq!(rows(&self.labs, &self.other_lab), before, "{:?} changed something in the other lab", self.who);
        }
        let answers = ended.stdout.lines().find_map(|line| line.strip_prefix("answers "));
        let answers = answers.unwrap_or_else(|| panic!("no answers: {}{}", ended.stdout, ended.stderr));
        Outcome { answers: serde_json::from_str(answers).unwrap(), ended, labs: self.labs }
    }
}

fn run_as(who: Who, test: &str) {
    if !peers::require(test, &[Peer::Python]) {
        return;
    }
    let run = Run::of(who);

    let outcome = run.go();

    assert!(outcome.ended.status.success(), "{}\n{}", outcome.ended.stdout, outcome.ended.stderr);
    let in_vain: Vec<_> = ROUTES
        .iter()
        .filter(|route| route.path.starts_with("/api/") && route.path != "/api/v1/openapi.json")
        .filter(|route| {
            let label = format!("{} {}", route.method.to_uppercase(), route.path);
            let answers = outcome.answers.get(&label).unwrap_or_else(|| panic!("{label} was never called"));
            let got_something = answers.keys().any(|status| (200..300).contains(status));
            who.gets_something_from(route) && !got_something
        })
        .collect();
    assert!(in_vain.is_empty(), "never let in, so little was looked at: {in_vain:?}\n{:#?}", outcome.answers);
    drop(outcome.labs);
}

#[test]
fn what_must_not_be_is_noticed() {
    if !peers::require("schemathesis::what_must_not_be_is_noticed", &[Peer::Python]) {
        return;
    }
    let mut run = Run::of(Who::Pi);
    let secret = run.told["canaries"][0].clone();
    run.told["phases"] = json!("fuzzing");
    run.told["planted"] = json!({
        "GET /api/v1/me": { "status": 500 },
        "GET /api/v1/labs/{lab}/people": { "status": 206 },
        "GET /api/v1/labs/{lab}/limits": { "replace": ["\"groups_max_age_is_set\":false", "\"groups_max_age_is_set\":0"] },
        "GET /api/v1/labs/{lab}": { "replace": ["Read results", secret] },
        "PATCH /api/v1/labs/{lab}/limits": { "replace": ["{", "["] },
    });
    run.told["closed"] = json!(["get /api/v1/me/sessions"]);
    run.told["planted"]["GET /api/v1/me/sessions"] = json!({});

    let Outcome { ended, .. } = run.go();

    let said = ended.stdout;
    assert_eq!(ended.status.code(), Some(1), "{said}");
    for (operation, what) in [
        ("GET /api/v1/me", "Server error"),
        ("GET /api/v1/labs/{lab}/people", "Undocumented status code"),
        ("GET /api/v1/labs/{lab}/limits", "Response violates schema"),
        ("GET /api/v1/labs/{lab}", "which is another lab's"),
        ("PATCH /api/v1/labs/{lab}/limits", "JSON deserialization error"),
        ("GET /api/v1/me/sessions", "this caller is not let in"),
    ] {
        let heading = format!("_ {operation} _");
        let (_, about) = said.split_once(&heading).unwrap_or_else(|| panic!("nothing of {operation}: {said}"));
        let about = about.split("\n___").next().unwrap();
        assert!(about.contains(what), "{operation}: {about}");
    }
}

#[test]
fn nobody() {
    run_as(Who::Nobody, "schemathesis::nobody");
}

#[test]
fn somebody_with_a_made_up_token() {
    run_as(Who::Rubbish, "schemathesis::somebody_with_a_made_up_token");
}

#[test]
fn a_stranger() {
    run_as(Who::Stranger, "schemathesis::a_stranger");
}

#[test]
fn a_member() {
    run_as(Who::Member, "schemathesis::a_member");
}

#[test]
fn a_manager() {
    run_as(Who::Manager, "schemathesis::a_manager");
}

#[test]
fn a_pi() {
    run_as(Who::Pi, "schemathesis::a_pi");
}

#[test]
fn a_pi_who_signed_in_this_morning() {
    run_as(Who::PiOfThisMorning, "schemathesis::a_pi_who_signed_in_this_morning");
}

#[test]
fn a_pi_of_the_other_lab() {
    run_as(Who::OtherPi, "schemathesis::a_pi_of_the_other_lab");
}

#[test]
fn an_operator() {
    run_as(Who::Operator, "schemathesis::an_operator");
}
