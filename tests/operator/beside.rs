//! One SQLite file, one broker; and the operator's commands beside it.

use super::Operator;
use crate::support::campus::Campus;
use crate::support::database::Kind;
use crate::support::only_line;
use crate::support::process::Process;

/// What a second broker says of a file.
fn second_serve(operator: &Operator<'_>, campus: &Campus, file: &str) -> String {
    let mut command = operator.command(&["serve"]);
    campus.give_identity(&mut command);
    let ended = Process::run("lodged", command.env("LODGE__DATABASE__FILE", file).env("LODGE_LOG", "error"), "");
    assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(1), ""));
    only_line(&ended.stderr).to_owned()
}

#[test]
fn a_second_broker_on_the_same_file_is_refused_until_the_first_is_gone() {
    let campus = Campus::new();
    let operator = Operator::of(&campus);
    let first = campus.start();
    let file = campus.database();
    let elsewhere = tempfile::tempdir().unwrap();
    let (linked_file, linked_folder) = (elsewhere.path().join("linked.db"), elsewhere.path().join("folder"));
    std::os::unix::fs::symlink(&file, &linked_file).unwrap();
    std::os::unix::fs::symlink(campus.folder.path(), &linked_folder).unwrap();

    for path in [file.clone(), linked_file, linked_folder.join("lodge.db")] {
        let path = path.to_str().unwrap();
        let says =
            format!("lodged: the database {path}: a broker is running on it; a SQLite file belongs to one broker");
        assert_eq!(second_serve(&operator, &campus, path), says);
    }
    let says = operator.refused(&["migrate"]);
    assert!(says.ends_with(": stop the broker first: a broker is running on it; a SQLite file belongs to one broker"));

    first.process.killer().kill();
    let _second = campus.start();
    assert!(second_serve(&operator, &campus, file.to_str().unwrap()).contains("a broker is running on it"));
}

#[test]
fn two_brokers_share_a_server() {
    if !crate::support::postgres::require("two_brokers_share_a_server") {
        return;
    }
    let campus = Campus::on(Kind::Postgres);
    let first = campus.start();
    let second = campus.start();

    assert_ne!(first.address, second.address);
    Operator::of(&campus).told(&["migrate"]);
}

#[test]
fn an_operator_works_beside_a_running_broker() {
    for kind in Kind::all("an_operator_works_beside_a_running_broker") {
        let campus = Campus::on(kind);
        let operator = Operator::of(&campus);
        let broker = campus.start();

        for command in [&["lab", "list"][..], &["lab", "show", "vision"], &["person", "list"]] {
            assert!(!operator.told(command).is_empty());
        }
        operator.told(&["backup", campus.folder.path().join("copy").to_str().unwrap()]);
        operator.told(&["lab", "archive", "language"]);
        let mut doctor = operator.command(&["doctor", "--json"]);
        campus.give_identity(&mut doctor);
        let said = Process::run("lodged", &mut doctor, "").stdout;

        let checks: serde_json::Value = serde_json::from_str(&said).unwrap();
        let checks = checks["checks"].as_array().unwrap();
        let is_ok = |name: &str| checks.iter().any(|check| check["name"] == name && check["outcome"] == "ok");
        assert!(is_ok("database") && is_ok("ledger"), "{said}");
        assert!(!broker.process.stderr().contains("ERROR"), "{}", broker.process.stderr());
    }
}
