//! Names that mean to mislead.

use lodge::domain::lab::Office;

use super::{EVERYWHERE, on_each};

#[test]
fn a_name_is_shown_as_text_whatever_is_in_it() {
    on_each("a_name_is_shown_as_text_whatever_is_in_it", |stage| {
        let long = "\u{1f9ea}".repeat(300);
        let names = [
            "<script>alert(1)</script>",
            "\"><img src=x onerror=alert(1)>",
            "\u{202e}drah\u{2066}",
            &long,
            "\u{1f468}\u{200d}\u{1f52c} Lab",
            "{{ shell.form_token() }}",
        ];
        for (number, name) in names.iter().enumerate() {
            stage.student(&format!("s-{number}"), name);
        }
        for (number, office) in ["<script>alert(2)</script>", "\u{202e}ip"].iter().enumerate() {
            stage.name(["pi", "manager"][number], office);
        }
        let person = stage.student("s-99", "<script>alert(3)</script>").person;
        let asked = ["appoint", "remove"].map(|page| format!("/labs/vision/people/{page}?person={person}&standing=pi"));
        let searched = "/labs/vision/people?q=%3Cscript%3Ealert(1)%3C/script%3E%E2%80%AE".to_owned();
        let typed = "/labs/vision/people/appoint?person=%22%3E%3Cscript%3E&standing=%3Cscript%3E".to_owned();

        for path in EVERYWHERE.map(str::to_owned).into_iter().chain(asked).chain([searched, typed]) {
            let page = stage.see(&stage.pi, &path);
            assert!([200, 400, 404].contains(&page.status), "{path}: {}", page.status);
            if page.header("content-type").unwrap().starts_with("text/html") {
                assert!(!page.body.contains("<script>") && !page.body.contains("<img"), "{path}: {}", page.body);
                assert!(!page.body.contains("style=") && !page.body.contains("onerror=alert(1)>"), "{path}");
            }
            if !path.contains("q=") {
                assert!(!page.body.contains(['\u{202e}', '\u{2066}', '\u{200d}']), "{path}");
            }
            assert!(!page.body.contains(&"\u{1f9ea}".repeat(121)), "{path}");
        }
        let page = stage.see(&stage.pi, "/labs/vision/people").body;
        assert!(page.contains("<bdi class=\"person\">&#60;script&#62;alert(1)&#60;/script&#62;</bdi>"), "{page}");
    });
}

#[test]
fn people_who_look_alike_are_marked_everywhere() {
    on_each("people_who_look_alike_are_marked_everywhere", |stage| {
        let ada = stage.student("ada", "Ada Marsh");
        let eve = stage.student("eve", "\u{410}d\u{430} Marsh");
        let noor = stage.student("noor", "Noor Haddad");
        stage.name("pi", "ADA MARSH");
        // Somebody of no lab is no reason to mark anybody.
        stage.somebody("nobody", "Noor Haddad", &["students"]);

        for (path, marks) in [("/labs/vision", 3 + 3 + 2), ("/labs/vision/people", 3)] {
            let page = stage.see(&stage.manager, path).body;
            assert_eq!(page.matches(">look-alike</span>").count(), marks, "{path}: {page}");
        }
        let marked = |path: &str, list: &str| -> Vec<String> {
            let answer = stage.json(&stage.manager, path);
            let all = answer.pointer(list).unwrap().as_array().unwrap();
            let alike = all.iter().filter(|one| one["looks_like_another"] == true);
            let mut ids: Vec<_> =
                alike.map(|one| one.get("person").unwrap_or(&one["id"]).as_str().unwrap().to_owned()).collect();
            ids.sort();
            ids
        };
        let mut expected = [&ada, &eve, &stage.pi].map(|one| one.person.to_string());
        expected.sort();
        assert_eq!(marked("/api/v1/labs/vision/members", "/people"), expected);
        assert_eq!(
            marked("/api/v1/labs/vision/members?q=ada", "/people"),
            [&ada, &stage.pi]
                .map(|it| it.person.to_string())
                .into_iter()
                .collect::<std::collections::BTreeSet<_>>()
                .into_iter()
                .collect::<Vec<_>>(),
            "though one is not on the page"
        );
        assert_eq!(marked("/api/v1/labs/vision/overview", "/people/people"), expected);
        assert_eq!(marked("/api/v1/labs/vision/role-sessions", "/sessions").len(), 2);

        assert_eq!(marked("/api/v1/labs/vision/people", "/people"), [stage.pi.person.to_string()]);
        assert_eq!(marked("/api/v1/labs/vision/ledger", "/people"), expected);
        // The latest six entries: three asked for something and got it.
        let page = stage.see(&stage.pi, "/labs/vision/ledger?kind=issued").body;
        assert_eq!(page.matches(">look-alike</span>").count(), 2, "{page}");

        let page = stage.see(&stage.pi, &format!("/labs/vision/people/appoint?person={}&standing=pi", eve.person)).body;
        assert!(page.contains("a name that looks the same") && page.contains(ada.person.as_str()), "{page}");
        let page =
            stage.see(&stage.pi, &format!("/labs/vision/people/appoint?person={}&standing=pi", noor.person)).body;
        assert!(!page.contains("a name that looks the same"), "{page}");

        // A member sees the PIs beside one another, and learns of nobody else.
        let page = stage.see(&noor, "/labs/vision").body;
        assert!(page.contains("ADA MARSH") && !page.contains("look-alike"), "{page}");
        let pi = stage.labs.holder(&stage.labs.a, Office::Pi, "another-pi", &[]);
        stage.name("another-pi", "Ad\u{430} Marsh");
        let page = stage.see(&noor, "/labs/vision").body;
        assert!(page.contains(pi.person.as_str()), "{page}");
        assert_eq!(page.matches(">look-alike</span>").count(), 2, "{page}");
    });
}
