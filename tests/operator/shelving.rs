//! A lab that is archived is one that does not exist, for everybody but the operator; and it comes back as it was.

use serde_json::Value;

use super::Operator;
use crate::support::campus::{Campus, Running};
use crate::support::database::Kind;
use crate::support::raw;
use crate::support::visitor::Page;

/// What anybody can ask of a lab.
const ASKED: [(&str, &str); 9] = [
    ("POST", "/api/v1/labs/LAB/roles/read-results/credentials"),
    ("POST", "/api/v1/labs/LAB/roles/no-such-role/credentials"),
    ("GET", "/api/v1/labs/LAB"),
    ("GET", "/api/v1/labs/LAB/mappings"),
    ("GET", "/api/v1/labs/LAB/mappings/map-0000000000000000"),
    ("GET", "/api/v1/labs/LAB/mapping-changes"),
    ("GET", "/api/v1/labs/LAB/people"),
    ("POST", "/api/v1/labs/LAB/mappings/map-0000000000000000/end"),
    ("POST", "/api/v1/labs/LAB/mapping-changes/chg-0000000000000000/confirm"),
];

fn ask(broker: &Running, token: &str, (method, path): (&str, &str), lab: &str) -> Page {
    let url = format!("http://{}{}", broker.address, path.replace("LAB", lab));
    let asked = if method == "GET" { raw::get(&url) } else { raw::post(&url) };
    asked.header("authorization", &format!("Bearer {token}")).header("if-match", "\"1\"").send()
}

/// Everything of an answer that does not change from request to request: status, headers, body.
type Answer = (u16, Vec<(String, String)>, String);

fn answer(page: &Page) -> Answer {
    let changes = |name: &str| matches!(name, "date" | "x-request-id");
    let headers = page.headers.iter().filter(|(name, _)| !changes(name)).cloned().collect();
    let id = page.header("x-request-id").unwrap();
    (page.status, headers, page.body.replace(id, "REQUEST"))
}

#[test]
fn an_archived_lab_is_none_to_its_members_and_its_pi_and_comes_back_whole() {
    for kind in Kind::all("an_archived_lab_is_none_to_its_members_and_its_pi_and_comes_back_whole") {
        let campus = Campus::on(kind);
        let operator = Operator::of(&campus);
        let broker = campus.start();
        let (_, student) = campus.signed_in("student");
        let (_, professor) = campus.signed_in("professor");
        let all = |lab: &str| -> Vec<_> {
            let both = [&student, &professor].into_iter();
            both.flat_map(|token| ASKED.map(|asked| answer(&ask(&broker, token, asked, lab)))).collect()
        };
        let me = |token: &str| -> Value { ask(&broker, token, ("GET", "/api/v1/me"), "").json() };
        let status = |answers: &[Answer], at: usize| answers[at].0;
        let (before, me_before) = (all("vision"), (me(&student), me(&professor)));
        assert_eq!((status(&before, 0), status(&before, ASKED.len() + 2)), (200, 200), "there is something to lose");

        let told = operator.told(&["lab", "archive", "vision"]);

        let config = operator.settings.display();
        assert!(told.ends_with(&format!("To bring it back: lodged lab restore vision --config {config}\n")), "{told}");
        let (archived, none) = (all("vision"), all("nolabs"));
        assert_eq!(archived, none);
        assert!(archived.iter().all(|(status, ..)| *status == 404), "{archived:?}");
        let (of_student, of_professor) = (me(&student), me(&professor));
        assert!(
            !of_student.to_string().contains("vision/") && !of_professor["standings"].to_string().contains("vision")
        );
        let marked = operator.json(&["lab", "show", "vision"]);
        assert!(marked["archived_at"].is_string());
        assert!(operator.told(&["lab", "show", "vision"]).contains("\n  archived        20"));
        let list = operator.told(&["lab", "list"]);
        assert!(list.lines().any(|line| line.starts_with("vision ") && line.ends_with(" UTC")), "{list}");

        operator.told(&["lab", "restore", "vision"]);

        assert_eq!((me(&student), me(&professor)), me_before);
        let after = all("vision");
        for (at, (before, after)) in before.iter().zip(&after).enumerate() {
            let is_credential = at % ASKED.len() == 0 && before.0 == 200;
            assert!(if is_credential { after.0 == 200 } else { before == after }, "{before:?} {after:?}");
        }
    }
}
