//! The pages.

use lodge::domain::lab::Office;
use secrecy::ExposeSecret as _;

use super::{ARN, Desk};
use crate::support::databases::Kind;
use crate::support::serving::wait;
use crate::support::signed_in::{SignedIn, signed_in};
use crate::support::visitor::Page;

fn to(page: &Page) -> &str {
    assert_eq!(page.status, 303, "{}", page.text());
    page.header("location").unwrap()
}

#[test]
fn a_lab_is_made_its_pi_invited_and_the_lab_put_away_in_a_browser() {
    for kind in Kind::all("a_lab_is_made_its_pi_invited_and_the_lab_put_away_in_a_browser") {
        let desk = Desk::on(kind);
        let sam = &desk.operator;
        let fields = [("name", "robotics"), ("title", "Robotics Lab"), ("session_role", ARN), ("pack", "mturk")];
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();

        let preview = desk.page(sam, &format!("/operator/labs/new?{query}"));
        assert_eq!(preview.status, 200);
        assert!(preview.body.contains("What will be made") && preview.body.contains("444455556666"));
        assert!(!desk.page(sam, "/operator/labs").body.contains("robotics"), "looking makes nothing");

        let made = desk.post(sam, "/operator/labs/new", &fields);
        assert_eq!(to(&made), "/operator/labs/robotics?done=created");
        let lab = wait(desk.labs.seeding().lab(&"robotics".parse().unwrap())).unwrap().unwrap();
        let page = desk.page(sam, to(&made));
        let shown = page.text();
        assert!(shown.contains("The lab is made") && shown.contains(lab.external_id.as_str()), "{shown}");
        assert!(shown.contains("sts:ExternalId") && shown.contains(lab.id.as_str()), "{shown}");
        let again = desk.post(sam, "/operator/labs/new", &fields);
        assert!(
            again.status == 400 && again.text().contains("There is a lab of that name already"),
            "{}",
            again.status
        );

        // The link is on the page that answers, and nowhere else.
        let answer = desk.post(sam, "/operator/labs/robotics/invitation", &[]);
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
        let link =
            answer.text().split_whitespace().find(|word| word.contains("/invitations/lodge_inv_")).map(str::to_owned);
        let link = link.unwrap_or_else(|| panic!("{}", answer.text()));
        let page = desk.page(sam, "/operator/labs/robotics");
        assert!(page.text().contains("One is open until") && !page.body.contains("lodge_inv_"));
        let path = link.split_once("/invitations/").unwrap().1;
        let open = |token: &str| desk.page(sam, &format!("/invitations/{token}")).status;
        assert_eq!(open(path), 303);
        assert_eq!(
            to(&desk.post(sam, "/operator/labs/robotics/invitation/withdraw", &[])),
            "/operator/labs/robotics?done=withdrawn"
        );
        assert_eq!(open(path), 404, "withdrawn");

        assert!(
            desk.page(sam, "/operator/labs/robotics/archive").text().contains("not for its members, not for its PIs")
        );
        assert_eq!(
            to(&desk.post(sam, "/operator/labs/robotics/archive", &[])),
            "/operator/labs/robotics?done=archived"
        );
        assert!(desk.page(sam, "/operator/labs").text().contains("archived"));
        assert_eq!(desk.post(sam, "/operator/labs/robotics/archive", &[]).status, 409, "already");
        assert_eq!(
            to(&desk.post(sam, "/operator/labs/robotics/restore", &[])),
            "/operator/labs/robotics?done=restored"
        );

        let by = desk.operator.person.to_string();
        let acts = desk.acts(&lab);
        let kinds: Vec<_> = acts.iter().map(|(kind, _)| kind.as_str()).take(5).collect();
        assert_eq!(
            kinds,
            ["lab-restored", "lab-archived", "invitation-withdrawn", "pi-invited", "role-added"],
            "{acts:?}"
        );
        assert!(acts.iter().all(|(_, who)| *who == by), "the ledger names the person: {acts:?}");
    }
}

#[test]
fn somebody_is_found_suspended_and_brought_back_in_a_browser() {
    for kind in Kind::all("somebody_is_found_suspended_and_brought_back_in_a_browser") {
        let desk = Desk::on(kind);
        let (sam, kim) = (&desk.operator, desk.labs.holder(&desk.labs.a, Office::Pi, "kim", &[]));
        let path = format!("/operator/people/{}", kim.person);
        let is_in = |who: &SignedIn| desk.page(who, "/sessions").status == 200;

        let found = desk.page(sam, "/operator/people?search=kim");
        assert!(
            found.body.contains(kim.person.as_str())
                && !found.body.contains(&format!("/operator/people/{}", sam.person)),
            "{}",
            found.body
        );
        assert!(found.text().contains("PI vision"), "{}", found.text());
        let shown = desk.page(sam, &path).text();
        assert!(shown.contains("1 browser and 1 helper"), "{shown}");
        assert!(desk.page(sam, &format!("{path}/suspend")).text().contains("They look after vision"));
        assert!(is_in(&kim), "asking changes nothing");

        assert_eq!(to(&desk.post(sam, &format!("{path}/suspend"), &[])), format!("{path}?done=suspended"));
        assert!(!is_in(&kim));
        assert!(desk.page(sam, &format!("{path}?done=suspended")).text().contains("Every session has ended"));
        assert!(desk.page(sam, "/operator/people?suspended=1").body.contains(kim.person.as_str()));
        assert!(desk.page(sam, "/operator").text().contains("PI suspended"));
        assert_eq!(desk.post(sam, &format!("{path}/suspend"), &[]).status, 409, "already");

        assert_eq!(to(&desk.post(sam, &format!("{path}/restore"), &[])), format!("{path}?done=restored"));
        assert!(!desk.page(sam, &format!("{path}?done=suspended")).text().contains("Every session has ended"), "a lie");
        assert!(!desk.page(sam, "/operator/people?suspended=1").body.contains(kim.person.as_str()));

        // Nobody locks themselves out.
        let own = format!("/operator/people/{}", sam.person);
        assert_eq!(desk.post(sam, &format!("{own}/suspend"), &[]).status, 409);
        assert!(desk.page(sam, &own).text().contains("This is you"));
    }
}

#[test]
fn people_and_labs_come_in_pages_of_fifty() {
    let desk = Desk::on(Kind::Sqlite);
    let sam = &desk.operator;
    for n in 0..60 {
        signed_in(desk.labs.broker(), &format!("person-{n}"), &[]);
        let name = format!("lab-{n:02}").parse().unwrap();
        wait(desk.labs.seeding().add_lab(&name, "A lab", ARN.parse().unwrap(), None)).unwrap();
    }
    for (list, all) in [("/operator/people", 61), ("/operator/labs", 62)] {
        let (mut path, mut seen) = (list.to_owned(), std::collections::BTreeSet::new());
        for page_number in 0.. {
            let page = desk.page(sam, &path);
            let links = page.links();
            let rows: Vec<_> = links.iter().filter(|(_, url)| url.path().starts_with(&format!("{list}/"))).collect();
            let own: Vec<_> =
                rows.iter().map(|(_, url)| url.path().to_owned()).filter(|it| !it.ends_with("/new")).collect();
            assert!(own.len() <= 50, "{}", own.len());
            seen.extend(own);
            let next = links.iter().find(|(text, _)| text == "Next");
            assert_eq!(links.iter().any(|(text, _)| text == "First page"), page_number > 0);
            let Some((_, next)) = next else { break };
            path = format!("{}?{}", next.path(), next.query().unwrap());
        }
        assert_eq!(seen.len(), all, "{list}");
    }
}

#[test]
fn the_form_for_a_lab_says_what_is_wrong_with_each_field_and_keeps_the_rest() {
    let desk = Desk::on(Kind::Sqlite);
    let sam = &desk.operator;
    let long = "x".repeat(10_000);
    for (field, value) in [
        ("name", "Robotics"),
        ("name", ""),
        ("name", "a\u{0}b"),
        ("name", &long),
        ("title", ""),
        ("title", "a\nb"),
        ("title", "\u{202e}x"),
        ("title", &long),
        ("session_role", "arn:aws:iam::1:role/x"),
        ("session_role", "\u{0}"),
        ("pack", "nothing"),
        ("pack", "\u{0}"),
    ] {
        let mut fields =
            vec![("name", "robotics"), ("title", "Robotics Lab"), ("session_role", ARN), ("pack", "mturk")];
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();

        let pages = [
            Some(desk.post(sam, "/operator/labs/new", &fields)),
            (query.len() < 8_000).then(|| desk.page(sam, &format!("/operator/labs/new?{query}"))),
        ];
        for page in pages.into_iter().flatten() {
            assert_eq!(page.status, 400, "{field}: {value:?}");
            let marked = format!("id=\"{field}-wrong\"");
            assert!(
                page.body.contains(&marked) && page.body.matches("aria-invalid").count() == 1,
                "{field}: {value:?}"
            );
            assert!(field == "title" || page.body.contains("value=\"Robotics Lab\""), "{field} {value:?}");
        }
    }
    assert!(!desk.page(sam, "/operator/labs").body.contains("obotics"));
}

#[test]
fn what_no_list_can_be_asked_is_no_fault_of_ours() {
    for kind in Kind::all("what_no_list_can_be_asked_is_no_fault_of_ours") {
        let desk = Desk::on(kind);
        let long = "x".repeat(6_000);
        for query in [
            "?after=%00",
            "?after=x&search=%00",
            "?search=%ff%fe",
            "?suspended=2",
            "?search=%25_!",
            &format!("?search={long}"),
        ] {
            for list in ["/operator/labs", "/operator/people", "/api/v1/operator/labs", "/api/v1/operator/people"] {
                let path = format!("{list}{query}");
                let page = if list.starts_with("/api") {
                    desk.operator.ask("GET", &desk.labs.url(&path)).send()
                } else {
                    desk.page(&desk.operator, &path)
                };
                assert!(matches!(page.status, 200 | 400), "{path}: {}", page.status);
            }
        }
        for id in ["%00", "%ff", "nobody", "p-0000000000000000", "vision-", &long] {
            for path in [
                format!("/operator/people/{id}"),
                format!("/operator/labs/{id}"),
                format!("/operator/labs/{id}/archive"),
            ] {
                assert_eq!(desk.page(&desk.operator, &path).status, 404, "{path}");
            }
        }
    }
}

#[test]
fn connections_and_versions_are_shown_and_a_provider_is_asked_on_demand_only() {
    let desk = Desk::on(Kind::Sqlite);
    let sam = &desk.operator;
    desk.labs.provider.lie(&[]);

    let shown = desk.page(sam, "/operator/connections");
    let text = shown.text();
    for part in
        ["CAMPUS", "HOSPITAL", "entitlement", desk.labs.provider.issuer.as_str(), "https://refeds.org/profile/mfa"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!shown.body.contains("a-client-secret") && !shown.body.contains("a-secret-for-tests"));

    assert_eq!(desk.labs.provider.heard().len(), 0, "a look asks nobody");

    let well = desk.post(sam, "/operator/connections/campus/check", &[]);
    assert!(well.status == 200 && well.text().contains("It was asked just now"), "{}", well.text());
    let away = desk.post(sam, "/operator/connections/hospital/check", &[]).text();
    assert!(away.contains("something is wrong") && away.contains("Nobody can sign in there"), "{away}");
    assert_eq!(desk.post(sam, "/operator/connections/nowhere/check", &[]).status, 404);

    let versions = desk.page(sam, "/operator/versions").text();
    assert!(versions.contains(env!("CARGO_PKG_VERSION")) && versions.contains("SQLite 3."), "{versions}");
}

#[test]
fn an_operator_is_nobody_in_a_lab_and_the_way_is_shown_to_operators_only() {
    let desk = Desk::on(Kind::Sqlite);
    let pi = desk.labs.holder(&desk.labs.a, Office::Pi, "pi", &[]);

    assert!(desk.page(&desk.operator, "/").body.contains("href=\"/operator\""));
    assert!(!desk.page(&pi, "/").body.contains("/operator"));
    for path in ["/labs/vision", "/labs/language"] {
        assert_eq!(desk.page(&desk.operator, path).status, 404, "{path}");
    }
    // Like an address that there is not, for everybody else.
    let nothing = desk.page(&pi, "/operatr");
    for path in ["/operator", "/operator/labs", "/operator/labs/vision", "/operator/people", "/operator/labs/none"] {
        let page = desk.page(&pi, path);
        assert_eq!((page.status, &page.body), (nothing.status, &nothing.body), "{path}");
    }

    // Who belongs to a lab, too, is there what they are there.
    desk.labs.appoint(&desk.labs.a, Office::Manager, crate::support::signed_in::OPERATOR);
    assert_eq!(desk.page(&desk.operator, "/labs/vision").status, 200);
    assert_eq!(desk.page(&desk.operator, "/labs/language").status, 404);

    // One who is suspended is out at the next request.
    wait(desk.labs.seeding().desk().suspend(&desk.operator.person)).unwrap();
    assert_eq!(desk.page(&desk.operator, "/operator").status, 303);
}

#[test]
fn the_desk_at_the_machine_and_in_a_browser_are_one() {
    let desk = Desk::on(Kind::Sqlite);
    let link = wait(desk.labs.seeding().desk().invite_pi(&desk.labs.a.name)).unwrap().link;
    let page = desk.page(&desk.operator, "/operator/labs/vision");

    assert!(page.text().contains("Replace it by a new link") && !page.body.contains(link.expose_secret()));
    desk.post(&desk.operator, "/operator/labs/vision/invitation/withdraw", &[]);
    assert!(wait(desk.labs.seeding().desk().withdraw_invitation(&desk.labs.a.name)).is_err(), "it is over");
}

/// The operator sees who is listed beside whom: of everybody at the university there are too many of one name.
#[test]
fn look_alikes_are_marked_among_those_on_a_page() {
    let desk = Desk::on(Kind::Sqlite);
    let (labs, sam) = (&desk.labs, &desk.operator);
    let pis = ["one", "two"].map(|subject| labs.holder(&labs.a, Office::Pi, subject, &[]));
    let other = labs.holder(&labs.b, Office::Pi, "three", &[]);
    labs.name("one", "Ada Marsh");
    labs.name("two", "Ad\u{430} Marsh");
    labs.name("three", "Noor Haddad");
    let marks = |path: &str| {
        let page = desk.page(sam, path);
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        page.body.matches(">look-alike</span>").count()
    };
    let lab = format!("/operator/labs/{}", labs.a.name);

    for (path, expected) in [("/operator/people", 2), ("/operator/labs", 2), (lab.as_str(), 2)] {
        assert_eq!(marks(path), expected, "{path}");
    }
    assert_eq!(marks("/operator/people?search=haddad"), 0);
    for person in pis.iter().chain([&other]) {
        desk.post(sam, &format!("/operator/people/{}/suspend", person.person), &[]);
    }
    assert_eq!(marks("/operator"), 2, "among the suspended");
}
