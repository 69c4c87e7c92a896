//! A group is the very text that the provider sent. Whatever looks like it, contains it, or is its beginning is another
//! group: at issuance, on one's own page, and at the door of the lab, which ask the database in three ways.

use lodge::domain::claims::{GroupClaim, GroupForm, GroupFormat};
use serde_json::json;

use super::on_each;
use crate::support::signed_in::{SignIn, signed_in};

/// A mapped group, and groups that are not it.
const OTHERS: [(&str, &[&str]); 4] = [
    (
        "urn:mace:example.edu:group:Payers",
        &[
            "urn:mace:example.edu:group:payers",
            "URN:MACE:EXAMPLE.EDU:GROUP:PAYERS",
            "urn:mace:example.edu:group:Payers ",
            " urn:mace:example.edu:group:Payers",
            "urn:mace:example.edu:group:Payer",
            "urn:mace:example.edu:group:Payers:guests",
            "urn:mace:example.edu:group",
            "Payers",
            "urn:mace:example.edu:group:Pay\u{200b}ers",
            "urn:mace:example.edu:group:Pa\u{0443}ers",
            "urn:mace:example.edu:group:\u{ff30}ayers",
            "urn_mace:example.edu:group:Payers",
        ],
    ),
    // NFC and NFD.
    ("caf\u{e9}", &["cafe\u{301}", "cafe", "CAF\u{c9}"]),
    ("cafe\u{301}", &["caf\u{e9}"]),
    // What would match anything, were it a pattern.
    ("p%", &["payers", "p", "p_", "p%%", "P%"]),
];

#[test]
fn no_other_spelling_of_a_group_gives_its_role() {
    on_each("no_other_spelling_of_a_group_gives_its_role", |stage| {
        for (place, (mapped, others)) in OTHERS.into_iter().enumerate() {
            let id = stage.added(&stage.one, mapped, "pay", &json!({}));
            for (other, group) in others.iter().enumerate() {
                let somebody = signed_in(stage.labs.broker(), &format!("{place}-{other}"), &[group]);

                assert!(!stage.gives(&somebody, "pay"), "{group:?} is not {mapped:?}");
                assert_eq!(stage.get(&somebody, "/api/v1/me").json()["roles"], json!([]), "{group:?}");
                assert_eq!(stage.get(&somebody, "/api/v1/labs/vision").status, 404, "{group:?}");
            }
            // The very group, among all of the others.
            let all = [others, &[mapped]].concat();
            let member = signed_in(stage.labs.broker(), &format!("{place}-member"), &all);
            assert!(stage.gives(&member, "pay"), "{mapped:?}");
            assert_eq!(stage.get(&member, "/api/v1/me").json()["roles"][0]["role"], "pay");
            assert_eq!(stage.get(&member, "/api/v1/labs/vision").status, 200);
            // Listed as it was written.
            assert_eq!(stage.mapping(&id)["group"], mapped);
            assert_eq!(stage.end(&stage.one, &id, 1).status, 200);
        }
    });
}

#[test]
fn the_group_of_one_provider_is_not_that_of_another() {
    on_each("the_group_of_one_provider_is_not_that_of_another", |stage| {
        stage.added(&stage.one, "payers", "pay", &json!({"connection": "hospital"}));
        let of = |connection| {
            SignIn { connection, subject: "somebody", groups: Some(&["payers"]), mfa: false }.at(stage.labs.broker())
        };
        let (campus, hospital) = (of("campus"), of("hospital"));

        assert!(!stage.gives(&campus, "pay") && stage.gives(&hospital, "pay"));
        assert_eq!(stage.get(&campus, "/api/v1/labs/vision").status, 404);
        assert_eq!(stage.get(&hospital, "/api/v1/labs/vision").status, 200);
        assert_ne!(campus.person, hospital.person);
    });
}

/// Entitlements and groups of one mapping each, and whether the one gives the other's role (AARC-G069).
const ENTITLEMENTS: [(&str, &[&str], &[&str]); 3] = [
    (
        "URN:Geant:Example.org:group:%6Cab",
        &[
            "urn:geant:example.org:group:lab",
            "uRn:GEANT:example.ORG:group:lab",
            "urn:geant:example.org:group:lab:phd:role=member#aai.example.org",
        ],
        &[
            "urn:geant:example.org:group:lab2",
            "urn:geant:example.org:group:Lab",
            "urn:geant:example.org:group:other:lab",
            "urn:geant:example.org:sub:group:lab",
            "urn:geant:example.net:group:lab",
            "urn:geant:example.org:group:la",
        ],
    ),
    (
        "urn:geant:example.org:group:lab:phd:role=member",
        &[
            "urn:geant:example.org:group:lab:phd:role=member",
            "urn:geant:example.org:group:lab:phd:role=member#a.example",
        ],
        &[
            "urn:geant:example.org:group:lab:phd",
            "urn:geant:example.org:group:lab:phd:role=manager",
            "urn:geant:example.org:group:lab:phd:year1:role=member",
            "urn:geant:example.org:group:lab:role=member",
        ],
    ),
    (
        "urn:geant:example.org:group:lab#a.example",
        &["urn:geant:example.org:group:lab:phd#a.example"],
        &["urn:geant:example.org:group:lab", "urn:geant:example.org:group:lab#b.example"],
    ),
];

#[test]
fn an_entitlement_is_compared_by_what_it_means() {
    on_each("an_entitlement_is_compared_by_what_it_means", |stage| {
        let form = GroupForm { format: GroupFormat::Entitlement, ..GroupForm::default() };
        for (place, (mapped, good, bad)) in ENTITLEMENTS.into_iter().enumerate() {
            let id = stage.added(&stage.one, mapped, "pay", &json!({"connection": "proxy"}));
            for (is_good, entitlements) in [(true, good), (false, bad)] {
                for (number, entitlement) in entitlements.iter().enumerate() {
                    // What a sign-in keeps of it.
                    let read = GroupClaim::default().read(&json!({"groups": [entitlement]}), &form).unwrap();
                    let kept: Vec<_> = read.as_slice().iter().map(|group| group.as_str()).collect();
                    let subject = format!("{place}-{is_good}-{number}");
                    let somebody = SignIn { connection: "proxy", subject: &subject, groups: Some(&kept), mfa: false };
                    let somebody = somebody.at(stage.labs.broker());

                    assert_eq!(stage.gives(&somebody, "pay"), is_good, "{entitlement} and {mapped}");
                }
            }
            assert_eq!(stage.end(&stage.one, &id, 1).status, 200);
        }
        // Listed as it is kept; the same under another spelling is the same; what no sign-in can bring is refused.
        let spelled =
            stage.added(&stage.one, "URN:Geant:Example.org:group:%6Cab", "pay", &json!({"connection": "proxy"}));
        assert_eq!(stage.mapping(&spelled)["group"], "urn:geant:example.org:group:lab");
        let again = stage.add(&stage.one, "urn:geant:example.org:group:lab", "pay", &json!({"connection": "proxy"}));
        assert_eq!(again.status, 409, "{}", again.body);
        let broken = stage.add(&stage.one, "urn:geant:example.org:group:", "pay", &json!({"connection": "proxy"}));
        assert_eq!(
            (broken.status, broken.body.contains("This connection has no such groups")),
            (400, true),
            "{}",
            broken.body
        );
    });
}
