//! Suspending somebody: everything of theirs ends at the next thing they do, and nothing begins until it is lifted.

use super::{OPERATOR, Operator, acts};
use crate::support::caller;
use crate::support::campus::Campus;
use crate::support::database::Kind;
use crate::support::only_line;
use crate::support::person::Person;
use crate::support::visitor::Visitor;

const ROLE: &str = "vision/read-results";

#[test]
fn somebody_suspended_is_out_at_once_and_back_after_a_new_sign_in() {
    for kind in Kind::all("somebody_suspended_is_out_at_once_and_back_after_a_new_sign_in") {
        let campus = Campus::on(kind);
        let operator = Operator::of(&campus);
        let broker = campus.start();
        let url = campus.front.url();
        let mut student = Person::signed_in("student", &url);
        let token = student.token(&url);
        let postdoc = Person::signed_in("postdoc", &url);
        assert!(caller::ask(broker.address, &token, ROLE).received().is_some());
        assert!(student.visitor.open(&url).text().contains(ROLE), "the browser is signed in, too");
        let found = operator.json(&["person", "list", "--search", "sørensen"]);
        let id = found[0]["id"].as_str().unwrap();

        let told = operator.told(&["person", "suspend", id]);

        let config = operator.settings.display();
        assert_eq!(
            told,
            format!(
                "Kim Sørensen ({id}) is suspended. 2 sessions were ended, and none begins.\n\
                 AWS credentials that were handed out already are cut off by the broker as soon as it runs. AWS may take \
                 minutes to go by it, and they die within the hour anyway.\n\
                 To lift it: lodged person restore {id} --config {config}\n"
            )
        );
        let refused = caller::ask(broker.address, &token, ROLE);
        assert_eq!((refused.status(), refused.problem().as_deref()), (Some(401), Some("sign-in-needed")));
        let helper = student.ask_for(ROLE);
        assert_eq!((helper.status.code(), helper.stdout.as_str()), (Some(4), ""));
        assert!(only_line(&helper.stderr).contains("lodge login"), "{}", helper.stderr);
        assert!(!student.visitor.open(&url).text().contains(ROLE), "the browser is signed out");
        let page = Visitor::new().sign_in(&format!("{url}/sign-in"), "student");
        assert_eq!(page.status, 403, "{}", page.text());
        let sentence = "Whoever runs this broker has suspended you, so nothing is given to you. Please ask them.";
        assert!(page.text().contains(sentence), "{}", page.text());
        assert!(postdoc.ask_for("vision/publish").status.success(), "nobody else is touched");

        let suspended = operator.json(&["person", "list", "--search", id]);
        let list = operator.told(&["person", "list", "--search", id]);
        assert!(suspended[0]["suspended_at"].is_string() && list.lines().nth(1).unwrap().ends_with(" UTC"), "{list}");
        assert_eq!(operator.refused(&["person", "suspend", id]), format!("person {id}: suspended already"));

        let told = operator.told(&["person", "restore", id]);

        assert_eq!(told, format!("Kim Sørensen ({id}) is not suspended any more, and may sign in.\n"));
        assert_eq!(operator.refused(&["person", "restore", id]), format!("person {id}: not suspended"));
        let still = caller::ask(broker.address, &token, ROLE);
        assert_eq!(still.status(), Some(401), "a session that has ended stays so");
        let back = student.log_in(&url, "Yes, it is me");
        assert!(back.status.success(), "{}", back.stderr);
        // They were cut off as well, for about a minute.
        let asked = student.ask_for(ROLE);
        assert!(asked.status.success() || asked.stderr.contains("were cut off"), "{}", asked.stderr);
        assert_eq!(operator.json(&["person", "suspend", id])["sessions_ended"], 2);

        let people = |(_, kind): &(String, String)| kind.starts_with("person-");
        let (cut_offs, acts): (Vec<_>, Vec<_>) =
            acts(&campus.place).into_iter().filter(people).partition(|(_, kind)| kind == "person-cut-off");
        let expected = ["person-suspended", "person-restored", "person-suspended"];
        assert_eq!(acts, expected.map(|kind| (OPERATOR.to_owned(), kind.to_owned())));
        assert_eq!(cut_offs.len(), 2, "one with each suspension");
        let books = super::ledger(&campus.place).into_iter();
        let of_people = books.filter(|entry| serde_json::to_string(&entry.event).unwrap().contains("\"person-"));
        assert!(of_people.map(|entry| String::from(entry.book)).all(|book| book == "broker"));
    }
}

#[test]
fn somebody_without_a_session_is_suspended_too_and_nobody_is_not() {
    for kind in Kind::all("somebody_without_a_session_is_suspended_too_and_nobody_is_not") {
        let campus = Campus::on(kind);
        let operator = Operator::of(&campus);
        let professor = operator.json(&["person", "list"])[0]["id"].as_str().unwrap().to_owned();

        let told = operator.told(&["person", "suspend", &professor]);
        let report = operator.json(&["person", "restore", &professor]);
        let nobody = operator.refused(&["person", "suspend", "p-0000000000000000"]);

        assert!(
            told.starts_with(&format!("{professor} is suspended. There was no live session to end, and none begins"))
        );
        assert_eq!((&report["id"], &report["suspended_at"]), (&professor.into(), &serde_json::Value::Null));
        assert_eq!(
            nobody,
            "person p-0000000000000000: there is no person with that id; `lodged person list` shows them"
        );
        assert_eq!(operator.refused(&["person", "restore", "p-0000000000000000"]), nobody);
    }
}
