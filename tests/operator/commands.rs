//! Each command as text and as JSON, what it refuses, and what it says when there is nothing.

use chrono::TimeDelta;
use lodge::ambient::{Clock, Random};
use lodge::demo::aws::{Account, Marketplace};
use lodge::demo::seed;
use lodge::domain::id::PersonId;
use lodge::domain::person::{DisplayName, PersonKey};
use lodge::playground::{LabAccount, Seeding};
use serde_json::{Value, json};

use super::{OPERATOR, Operator, Premises, SESSION_ROLE, acts, migrations};
use crate::support::caller;
use crate::support::campus::Campus;
use crate::support::database::Kind;
use crate::support::process::Process;
use crate::support::serving::Socket;
use crate::support::{only_line, programs};

const CREATE: [&str; 7] =
    ["lab", "create", "robotics", "--title", "Robotics – Størmer", "--session-role", SESSION_ROLE];

/// The names of an object's keys, by name.
fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_first_set_up_leads_from_nothing_to_a_link() {
    for kind in Kind::all("a_first_set_up_leads_from_nothing_to_a_link") {
        let premises = Premises::new(kind);
        let operator = premises.operator();
        let listed = |operator: &Operator<'_>, what: &str| {
            let ended = operator.run(&[what, "list"]);
            assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(0), ""));
            assert_eq!(operator.json(&[what, "list"]), json!([]));
            ended.stderr
        };

        let made = operator.told(&["migrate"]);
        let again = operator.told(&["migrate"]);

        let database = premises.place.broker().to_string();
        let lines: Vec<_> = made.lines().collect();
        let all = migrations();
        for (number, (line, name)) in (1..).zip(lines.iter().zip(&all)) {
            assert_eq!(line, &format!("applied {number:>3}  {name}"));
        }
        assert_eq!(lines[all.len()], format!("The database {database} is up to date."));
        assert!(again.starts_with(&format!("The database {database} is up to date; there was nothing to do.\n")));
        assert_eq!(again.contains("The login `lodge` may do what a broker does"), kind == Kind::Postgres);
        assert_eq!(operator.json(&["migrate"]), json!({"database": database, "applied": []}));
        let config = operator.settings.display();
        let first = format!(
            "there is no lab yet; make one: lodged lab create NAME --title TITLE --session-role ARN --config {config}\n"
        );
        assert_eq!(listed(&operator, "lab"), first);
        assert_eq!(listed(&operator, "person"), "nobody has signed in yet\n");

        let made = operator.told(&CREATE);
        let invited = operator.run(&["lab", "invite-pi", "robotics"]);

        assert!(made.starts_with("The lab robotics is made.\n"), "{made}");
        assert!(made.contains("\n  roles           pay (mturk/pay), publish (mturk/publish), read-results (mturk/re"));
        assert!(made.contains("\n  looked after by nobody\n  invitation      none is open\n"), "{made}");
        assert!(made.contains("\"AWS\": \"<broker role ARN>\"") && made.contains("--broker-role puts it there"));
        let last = made.lines().last().unwrap();
        assert_eq!(last, format!("Next, a link for its PI: lodged lab invite-pi robotics --config {config}"));
        let link = only_line(&invited.stdout);
        assert!(link.starts_with("https://lodge.example.edu/invitations/lodge_inv_"), "{link}");
        assert!(invited.stderr.contains("It is good once, until 20"), "{}", invited.stderr);
        assert!(invited.stderr.contains("Robotics – Størmer, AWS account 777788889999"), "{}", invited.stderr);
        assert!(!invited.stderr.contains("lodge_inv_"), "the link is on standard output alone");
    }
}

#[test]
fn migrations_that_were_applied_are_named_to_programs_too() {
    for kind in Kind::all("migrations_that_were_applied_are_named_to_programs_too") {
        let report = Premises::new(kind).operator().json(&["migrate"]);

        assert_eq!(report["applied"].as_array().unwrap().len(), migrations().len());
        assert_eq!(report["applied"][5], json!({"version": 6, "name": "suspension and archive"}));
    }
}

#[test]
fn a_lab_is_listed_and_shown_in_both_forms() {
    for kind in Kind::all("a_lab_is_listed_and_shown_in_both_forms") {
        let campus = Campus::on(kind);
        let operator = Operator::of(&campus);

        let made = operator.json(&CREATE);
        let shown = operator.json(&["lab", "show", "robotics"]);
        let text = operator.told(&["lab", "show", "vision"]);

        assert_eq!(made, shown);
        let roles: Vec<_> = shown["roles"].as_array().unwrap().iter().map(|role| &role["name"]).collect();
        assert_eq!(roles, ["pay", "publish", "read-results"]);
        assert_eq!(
            keys(&shown),
            [
                "account",
                "archived_at",
                "created_at",
                "external_id",
                "id",
                "invitation",
                "looked_after_by",
                "name",
                "roles",
                "session_role",
                "title",
                "trust_policy"
            ]
        );
        assert_eq!((&shown["account"], &shown["title"]), (&json!("777788889999"), &json!("Robotics – Størmer")));
        assert_eq!((&shown["invitation"], &shown["looked_after_by"]), (&Value::Null, &json!([])));
        assert!(text.contains("\n  looked after by (no name), PI, p-"), "{text}");
        assert!(text.contains(", signs in at campus\n"), "{text}");
        operator.invite("robotics");
        let invited = operator.json(&["lab", "show", "robotics"]);
        assert_eq!(keys(&invited["invitation"]), ["created_at", "id", "lapses_at"]);

        let list = operator.told(&["lab", "list"]);
        let all = operator.json(&["lab", "list"]);

        let lines: Vec<_> = list.lines().collect();
        assert!(lines[0].starts_with("NAME      TITLE               AWS ACCOUNT   MADE   "), "{list}");
        assert!(lines[1].starts_with("language  Language Lab        444455556666  20"), "{list}");
        assert!(lines[2].starts_with("robotics  Robotics – Størmer  777788889999  20"), "{list}");
        assert!(lines[1..].iter().all(|line| line.ends_with("UTC  -")), "{list}");
        assert_eq!(all.as_array().unwrap().len(), 4);
        assert_eq!(keys(&all[1]), ["account", "archived_at", "created_at", "id", "name", "session_role", "title"]);
        assert!(!list.contains("lodge-") && !all.to_string().contains("external"), "an external id is asked for");
    }
}

#[test]
fn what_cannot_be_done_to_a_lab_is_refused_in_one_line() {
    for kind in Kind::all("what_cannot_be_done_to_a_lab_is_refused_in_one_line") {
        let premises = Premises::new(kind);
        premises.place.migrate();
        let operator = premises.operator();
        operator.told(&CREATE);

        let nobody = "lab nobody: there is no lab of that name; `lodged lab list` shows them";
        for verb in ["show", "archive", "restore", "invite-pi"] {
            assert_eq!(operator.refused(&["lab", verb, "nobody"]), nobody);
        }
        assert_eq!(operator.refused(&["lab", "invite-pi", "nobody", "--withdraw"]), nobody);
        assert_eq!(operator.refused(&CREATE), "lab robotics: there is a lab of that name already");
        let other = [&["lab", "create", "other"], &CREATE[3..], &["--pack", "braket"]].concat();
        assert_eq!(operator.refused(&other), "lab other: there is no pack of that name; there are: mturk, s3-data");
        assert_eq!(operator.refused(&["lab", "restore", "robotics"]), "lab robotics: the lab is not archived");
        let withdraw = ["lab", "invite-pi", "robotics", "--withdraw"];
        assert_eq!(operator.refused(&withdraw), "lab robotics: no invitation of the lab is open");
        operator.told(&["lab", "archive", "robotics"]);
        assert_eq!(operator.refused(&["lab", "archive", "robotics"]), "lab robotics: the lab is archived already");
        assert_eq!(
            operator.refused(&["lab", "invite-pi", "robotics"]),
            "lab robotics: the lab is archived; `lodged lab restore` brings it back"
        );

        for wrong in [
            &["lab", "show", "No Name"][..],
            &["lab", "create", "x", "--title", " ", "--session-role", SESSION_ROLE],
            &["lab", "create", "x", "--title", "one\ntwo", "--session-role", SESSION_ROLE],
            &["lab", "create", "x", "--title", "a\u{202e}b", "--session-role", SESSION_ROLE],
            &["lab", "create", "x", "--title", "X", "--session-role", "arn:aws:iam::1:role/x"],
            &["lab", "create", "x", "--title", "X"],
            &["person", "suspend", "somebody"],
            &["backup"],
        ] {
            assert_eq!(operator.run(wrong).status.code(), Some(2), "{wrong:?}");
        }
        assert_eq!(operator.json(&["lab", "list"]).as_array().unwrap().len(), 1, "nothing came of any of it");
    }
}

#[test]
fn a_lab_may_have_no_roles() {
    let premises = Premises::new(Kind::Sqlite);
    premises.place.migrate();

    let made = premises.operator().json(&[&CREATE[..], &["--pack", "none"]].concat());

    assert_eq!(made["roles"], json!([]));
    assert!(premises.operator().told(&["lab", "show", "robotics"]).contains("\n  roles           none\n"));
}

/// What is printed for the lab's AWS account is what an AWS needs, and all that it needs.
#[test]
fn the_trust_policy_lets_this_broker_in_and_only_with_the_lab_s_external_id() {
    let campus = Campus::new();
    let operator = Operator::of(&campus);
    let made = operator.json(&[&CREATE[..], &["--broker-role", seed::BROKER_ROLE]].concat());
    let broker = campus.broker(Clock::System);
    let lab = campus.block_on(async {
        let seeding = Seeding::new(&broker).unwrap();
        let lab = seeding.lab(&"robotics".parse().unwrap()).await.unwrap().unwrap();
        seeding.add_mapping(&lab, "campus", "vision-students", "read-results").await.unwrap();
        seeding.take_as_joined(&lab, None).await.unwrap();
        lab
    });
    let (_, token) = campus.signed_in("student");
    let stack = campus.block_on(Seeding::new(&broker).unwrap().stack(&lab.name)).unwrap();
    let asked = |trust: &Value| {
        let account = LabAccount {
            account: Account {
                id: "777788889999".to_owned(),
                roles: Vec::new(),
                marketplace: Marketplace::default(),
                buckets: Vec::new(),
            },
            stack: stack.clone(),
            has_stack: true,
        };
        let aws = campus.playground.aws(vec![account], Random::System.bytes()).unwrap();
        aws.change_role(SESSION_ROLE, |role| role.trust = trust.to_string()).unwrap();
        let socket = Socket::bind();
        let url = socket.url();
        let _server = socket.serve(aws.router());
        let running = campus.start_with(campus.command("warn,lodge=info").env("LODGE__AWS__STS_ENDPOINT", url));
        caller::ask(running.address, &token, "robotics/read-results").status()
    };
    let trust = &made["trust_policy"];
    let other = trust.to_string().replace(lab.external_id.as_str(), "lodge-another");

    assert_eq!(asked(trust), Some(200));
    assert_eq!(asked(&serde_json::from_str(&other).unwrap()), Some(424));
    for statement in 0..3 {
        let mut less = trust.clone();
        less["Statement"].as_array_mut().unwrap().remove(statement);
        assert_eq!(asked(&less), Some(424), "without {}", trust["Statement"][statement]["Sid"]);
    }
}

#[test]
fn people_are_listed_in_both_forms_and_found() {
    for kind in Kind::all("people_are_listed_in_both_forms_and_found") {
        let campus = Campus::on(kind);
        let operator = Operator::of(&campus);
        let many = 520;
        let store = campus.store();
        campus.block_on(async {
            let mut tx = store.write().await.unwrap();
            for number in 0..many {
                let key = PersonKey {
                    connection: "campus".parse().unwrap(),
                    issuer: "https://sso.example.edu".parse().unwrap(),
                    subject: format!("s-{number}").parse().unwrap(),
                };
                let name = DisplayName::from_claim(&format!("Person {number}% of_all"));
                let fresh = PersonId::from_entropy(Random::System.bytes());
                tx.upsert_person(&fresh, &key, name.as_ref(), Clock::System.now()).await.unwrap();
            }
            tx.commit().await.unwrap();
            store.close().await;
        });

        let all = operator.json(&["person", "list"]);
        let list = operator.told(&["person", "list"]);

        let all = all.as_array().unwrap();
        assert_eq!(all.len(), many + 4, "more than a page, with the PIs of the three labs and the demo's operator");
        let mut ids: Vec<_> = all.iter().map(|person| person["id"].as_str().unwrap()).collect();
        ids.dedup();
        assert!(ids.is_sorted() && ids.len() == many + 4);
        assert_eq!(
            keys(&all[0]),
            ["connection", "created_at", "id", "issuer", "name", "standings", "subject", "suspended_at"]
        );
        assert_eq!(list.lines().count(), many + 5);
        assert!(list.starts_with("ID                  NAME                CONNECTION  STANDINGS  "), "{list:.200}");
        let professor = list.lines().find(|line| line.contains("PI of vision")).unwrap();
        assert!(professor.contains("  -                   campus      PI of vision    -"), "{professor}");

        let found = |text: &str| operator.json(&["person", "list", "--search", text]).as_array().unwrap().clone();
        assert_eq!(found("s-17")[0]["name"], "Person 17% of_all");
        assert_eq!((found("PERSON 17%").len(), found("17% of_all").len(), found("17%of").len()), (1, 6, 0));
        assert_eq!((found("%").len(), found("_").len(), found("!").len()), (many, many, 0), "they mean themselves");
        assert_eq!(
            found(found("u-1001")[0]["id"].as_str().unwrap())[0]["standings"],
            json!([{"lab": "vision", "standing": "pi"}])
        );
        let nobody = operator.run(&["person", "list", "--search", "nobody"]);
        assert_eq!((nobody.status.code(), nobody.stdout.as_str()), (Some(0), ""));
        only_line(&nobody.stderr);
    }
}

/// Names come from providers and titles from whoever made the lab, perhaps by other means than this program.
#[test]
fn what_could_mislead_a_terminal_is_not_printed() {
    let campus = Campus::new();
    let broker = campus.broker(Clock::System);
    campus.block_on(async {
        let seeding = Seeding::new(&broker).unwrap();
        let title = "Evil\u{202e}baL\u{1b}[31m\nlanguage";
        seeding.add_lab(&"evil".parse().unwrap(), title, SESSION_ROLE.parse().unwrap(), None).await.unwrap();
        broker.store.close().await;
    });
    let operator = Operator::of(&campus);

    let list = operator.told(&["lab", "list"]);
    let show = operator.told(&["lab", "show", "evil"]);

    assert_eq!(list.lines().count(), 5, "{list}");
    assert!(list.contains("Evil baL [31m language"), "{list}");
    for text in [&list, &show] {
        assert!(!text.contains(['\u{202e}', '\u{1b}']), "{text}");
    }
}

#[test]
fn who_does_something_is_their_account() {
    let premises = Premises::new(Kind::Sqlite);
    premises.place.migrate();
    let operator = premises.operator();
    let created = |name: &str, unset: &[&str], set: &[(&str, &str)]| {
        let mut command = operator.command(&["lab", "create", name, "--title", "T", "--session-role", SESSION_ROLE]);
        command.args(["--pack", "none"]).envs(set.iter().copied());
        for name in unset {
            command.env_remove(name);
        }
        assert!(Process::run("lodged", &mut command, "").status.success());
    };

    created("one", &[], &[]);
    created("two", &[], &[("USER", "x\n\u{202e}y")]);
    created("three", &["USER"], &[("LOGNAME", "grace")]);
    created("four", &[], &[("SUDO_USER", "kim")]);

    // The owner of this is who the process acts as.
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0);
    let names: Vec<_> = acts(&premises.place).into_iter().map(|(name, _)| name).collect();
    let mut expected = vec![OPERATOR, "xy", "grace", if is_root { "kim" } else { OPERATOR }];
    let mut names: Vec<_> = names.iter().map(String::as_str).collect();
    expected.sort_unstable();
    names.sort_unstable();
    assert_eq!(names, expected);
}

#[test]
fn what_an_operator_does_to_a_lab_stands_in_its_ledger() {
    for kind in Kind::all("what_an_operator_does_to_a_lab_stands_in_its_ledger") {
        let premises = Premises::new(kind);
        premises.place.migrate();
        let operator = premises.operator();
        operator.told(&CREATE);
        operator.invite("robotics");
        operator.invite("robotics");
        operator.told(&["lab", "invite-pi", "robotics", "--withdraw"]);
        operator.told(&["lab", "archive", "robotics"]);
        operator.told(&["lab", "restore", "robotics"]);

        let expected = [
            "lab-created",
            "role-added",
            "role-added",
            "role-added",
            "pi-invited",
            "pi-invited",
            "invitation-withdrawn",
            "lab-archived",
            "lab-restored",
        ];
        let lab = operator.json(&["lab", "show", "robotics"])["id"].as_str().unwrap().to_owned();
        let books: Vec<_> = super::ledger(&premises.place).into_iter().map(|it| String::from(it.book)).collect();
        assert_eq!(books, vec![lab; expected.len()]);
        assert_eq!(acts(&premises.place), expected.map(|kind| (OPERATOR.to_owned(), kind.to_owned())));
    }
}

#[test]
fn an_invitation_lasts_a_week() {
    let premises = Premises::new(Kind::Sqlite);
    premises.place.migrate();
    premises.operator().told(&CREATE);

    let made = premises.operator().json(&["lab", "invite-pi", "robotics"]);
    let withdrawn = premises.operator().json(&["lab", "invite-pi", "robotics", "--withdraw"]);

    let time = |key: &str| made["invitation"][key].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!(time("lapses_at") - time("created_at"), TimeDelta::days(7));
    assert_eq!((keys(&made), keys(&withdrawn)), (vec!["invitation", "lab", "link"], vec!["invitation", "lab"]));
    assert_eq!(made["invitation"], withdrawn["invitation"]);
}

#[test]
fn every_command_says_what_it_gives_a_program() {
    for command in [
        &["migrate"][..],
        &["backup"],
        &["lab", "create"],
        &["lab", "list"],
        &["lab", "show"],
        &["lab", "archive"],
        &["lab", "restore"],
        &["lab", "invite-pi"],
        &["person", "list"],
        &["person", "suspend"],
        &["person", "restore"],
    ] {
        let help = Process::run("lodged", programs::lodged().args(command).arg("--help"), "");
        assert!(help.stdout.contains("With --json, an "), "{command:?}: {}", help.stdout);
    }
}
