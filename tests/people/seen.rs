//! Whom a lab sees: who has used it, and who looks after it.

use lodge::domain::lab::Office;
use lodge::domain::mapping::MappingTerms;

use super::{API, EVERYWHERE, Stage, ids, on_each};
use crate::support::databases::Kind;
use crate::support::serving::wait;

#[test]
fn who_has_not_used_the_lab_is_named_nowhere() {
    on_each("who_has_not_used_the_lab_is_named_nowhere", |stage| {
        let labs = &stage.labs;
        labs.mapping(&labs.b, "linguists", "read-results", MappingTerms::default());
        let student = stage.student("student", "Kim Known");
        let silent = stage.somebody("silent", "Sila Silent", &["students"]);
        let other = stage.somebody("other", "Otto Other", &["linguists", "students"]);
        stage.asks(&other, "language/read-results");
        labs.appoint(&labs.b, Office::Pi, "elsewhere");
        let elsewhere = stage.somebody("elsewhere", "Elsa Elsewhere", &["students"]);
        let searches = ["Si", "Sila", "Otto", "Elsa", silent.person.as_str(), other.person.as_str()];
        let searches = searches.iter().flat_map(|search| {
            [
                format!("/labs/vision/people?q={search}"),
                format!("{API}/members?q={search}"),
                format!("{API}/overview?q={search}"),
            ]
        });
        let notices = [&silent, &other].into_iter().flat_map(|it| {
            ["pi", "manager", "raised"].map(|done| format!("/labs/vision/people?done={done}&of={}", it.person))
        });

        for path in EVERYWHERE.map(str::to_owned).into_iter().chain(searches).chain(notices) {
            for who in [&stage.pi, &stage.manager] {
                let page = stage.see(who, &path);
                let expected: &[u16] = if path.ends_with("appoint") { &[200, 403] } else { &[200] };
                assert!(expected.contains(&page.status), "{path}: {}", page.body);
                for name in ["Sila", "Silent", "Otto", "Elsa", "Elsewhere"] {
                    // What was looked for is repeated.
                    let shown = page
                        .body
                        .replace(&format!("value=\"{name}\""), "")
                        .replace(&format!("<bdi>{name}</bdi> in it"), "");
                    assert!(!shown.contains(name), "{path} names {name}: {shown}");
                }
                assert!(!page.body.contains(elsewhere.person.as_str()), "{path}: {}", page.body);
            }
        }
        // Not even as a number.
        let overview = stage.json(&stage.pi, &format!("{API}/overview"));
        let read = overview["roles"].as_array().unwrap().iter().find(|role| role["name"] == "read-results").unwrap();
        assert_eq!((&read["people"], &overview["known"]), (&1.into(), &1.into()));
        let members = stage.json(&stage.manager, &format!("{API}/members"));
        let expected = [&stage.pi, &stage.manager, &student].map(|it| it.person.to_string());
        assert_eq!(ids(&members["people"]), expected);
        assert_eq!(ids(&stage.json(&stage.manager, &format!("{API}/people"))["people"]), expected[..2], "as before");

        // A PI who knows an id can appoint it, and learns no name before.
        let page =
            stage.see(&stage.pi, &format!("/labs/vision/people/appoint?person={}&standing=manager", silent.person));
        assert_eq!(page.status, 200);
        assert!(page.body.contains("They have not used this lab yet") && !page.body.contains("Sila"), "{}", page.body);
    });
}

#[test]
fn the_people_come_in_pages_that_are_complete_and_have_nobody_twice() {
    on_each("the_people_come_in_pages_that_are_complete_and_have_nobody_twice", |stage| {
        let mut expected = vec![stage.pi.person.to_string(), stage.manager.person.to_string()];
        let mut students = Vec::new();
        for number in 0..7 {
            // Two at a time at one moment.
            stage.labs.advance(chrono::TimeDelta::seconds(number % 2));
            students
                .push((number / 2 + number % 2, stage.student(&format!("s-{number}"), &format!("Student {number}"))));
        }
        let whole = ids(&stage.json(&stage.pi, &format!("{API}/members"))["people"]);
        expected.extend(students.iter().map(|(_, it)| it.person.to_string()));
        let sorted = |list: &[String]| {
            let mut list = list.to_vec();
            list.sort();
            list
        };
        assert_eq!(sorted(&whole), sorted(&expected));
        assert_eq!(whole[..2], expected[..2]);

        for limit in [1, 2, 4, 9] {
            let mut found = Vec::new();
            let mut after = String::new();
            loop {
                let page = stage.json(&stage.pi, &format!("{API}/members?limit={limit}{after}"));
                let people = ids(&page["people"]);
                assert!(people.len() <= limit && page["total"] == 9, "{page}");
                found.extend(people);
                let Some(next) = page["next"].as_str() else { break };
                after = format!("&after={next}");
                // Somebody who asks meanwhile moves to the front, and is not there a second time.
                if limit == 2 && found.len() == 4 {
                    let seen = students.iter().find(|(_, it)| it.person.as_str() == found[2]).unwrap();
                    stage.asks(&seen.1, "vision/read-results");
                }
            }
            if limit < 9 {
                assert_eq!(found.len(), 9);
            }
            assert_eq!(sorted(&found), sorted(&expected), "{limit}");
        }
    });
}

#[test]
fn a_page_shows_fifty_people_and_leads_to_the_next() {
    let stage = Stage::on(Kind::Sqlite);
    for number in 0..51 {
        stage.student(&format!("s-{number}"), &format!("Student {number}"));
    }
    for (first, row) in
        [("/labs/vision", "<tr>\n<th scope=\"row\">"), ("/labs/vision/people", "<tr>\n<th scope=\"row\">")]
    {
        let page = stage.see(&stage.pi, first);
        assert_eq!(page.body.matches(row).count(), 50, "{first}");
        assert!(page.body.len() < 100 * 1024, "{first}: {}", page.body.len());
        let next =
            page.body.split("href=\"").find(|rest| rest.contains(">Next</a>") && rest.contains("after=")).unwrap();
        let next = next.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
        let next = stage.see(&stage.pi, next.split('#').next().unwrap());
        assert_eq!(next.body.matches(row).count(), 3, "{first}");
        assert!(next.body.contains("First page") && !next.body.contains(">Next<"));
    }
}

#[test]
fn no_place_and_no_limit_that_cannot_be_is_a_fault() {
    on_each("no_place_and_no_limit_that_cannot_be_is_a_fault", |stage| {
        let long = "x".repeat(6_000);
        for wrong in [
            "after=",
            "after=%00",
            "after=9",
            "after=2.5.p-x",
            "after=%ff",
            "limit=0",
            "limit=201",
            "limit=-1",
            "limit=x",
        ] {
            for path in ["members", "overview", "role-sessions"] {
                assert_eq!(stage.see(&stage.pi, &format!("{API}/{path}?{wrong}")).status, 400, "{path}?{wrong}");
            }
            for page in ["", "/people", "/people/appoint"] {
                assert_eq!(stage.see(&stage.pi, &format!("/labs/vision{page}?{wrong}")).status, 200, "{page}?{wrong}");
            }
        }
        for q in ["%00", "%ff", "%25", "_", "'", &long, "%F0%9F%A7%AA"] {
            for path in [format!("/labs/vision/people?q={q}"), format!("/labs/vision/people?done={q}&of={q}")] {
                assert_eq!(stage.see(&stage.pi, &path).status, 200, "{path}");
            }
            let answer = stage.see(&stage.pi, &format!("{API}/members?q={q}"));
            assert_eq!(answer.status, if q == long { 400 } else { 200 }, "{q}: {}", answer.body);
            for page in ["appoint", "remove"] {
                let path = format!("/labs/vision/people/{page}?person={q}");
                let status = stage.see(&stage.pi, &path).status;
                assert!([200, 400, 404].contains(&status), "{path}: {status}");
            }
        }
        assert_eq!(
            stage.json(&stage.pi, &format!("{API}/members?q=%25"))["people"],
            serde_json::json!([]),
            "no pattern"
        );
    });
}

#[test]
fn somebody_is_found_by_a_part_of_the_name_in_any_case_and_by_the_id() {
    on_each("somebody_is_found_by_a_part_of_the_name_in_any_case_and_by_the_id", |stage| {
        let (kim, zoe) = (stage.student("kim", "Kim SØRENSEN"), stage.student("zoe", "Zoë"));
        stage.student("noor", "Noor Haddad");
        for (search, found) in
            [("s%C3%B8ren", &kim), ("ZO%C3%8B", &zoe), ("%20kim%20", &kim), (zoe.person.as_str(), &zoe)]
        {
            let members = stage.json(&stage.pi, &format!("{API}/members?q={search}"));
            assert_eq!(ids(&members["people"]), [found.person.to_string()], "{search}");
        }
    });
}

#[test]
fn somebody_suspended_has_nothing_and_is_marked() {
    on_each("somebody_suspended_has_nothing_and_is_marked", |stage| {
        let student = stage.student("student", "Kim Known");
        wait(stage.labs.seeding().desk().suspend(&student.person)).unwrap();
        wait(stage.labs.seeding().desk().suspend(&stage.manager.person)).unwrap();

        let overview = stage.json(&stage.pi, &format!("{API}/overview"));
        let people = overview["people"]["people"].as_array().unwrap();
        let one = people.iter().find(|one| one["id"] == student.person.as_str()).unwrap();
        assert_eq!((&one["suspended"], &one["roles"]), (&true.into(), &serde_json::json!([])));
        let attention = overview["attention"].as_array().unwrap();
        let holders = attention.iter().find(|it| it["kind"] == "suspended-holders").unwrap();
        assert_eq!(holders["subjects"], serde_json::json!([stage.manager.person.as_str()]), "not the student");
        for path in ["/labs/vision", "/labs/vision/people"] {
            let marks = stage.see(&stage.pi, path).body.matches("<span class=\"tag bad\">suspended</span>").count();
            assert_eq!(marks, 2, "{path}");
        }
    });
}
