//! Who learns what of whom: members of themselves, those who look after the lab of its people, strangers nothing; and what
//! is pasted is nowhere afterwards.

use lodge::domain::lab::Office;
use serde_json::{Value, json};

use super::{Stage, finding, role};
use crate::support::joining::ACCOUNT;
use crate::support::logs;
use crate::support::serving::wait;
use crate::support::signed_in::signed_in;

#[test]
fn a_member_learns_nothing_of_another_ones_session() {
    let stage = Stage::new();
    let denied = stage.printed("SendBonus");
    let other = signed_in(stage.joining.broker(), "other", &[crate::support::joining::STUDENTS]);

    let theirs = stage.answer(&other, "/why", &json!({ "error": denied }));
    // A session that never was is answered in the same words.
    let nobodys = denied.replace(&stage.session, "rs-0000000000000000");
    let nobodys = stage.answer(&other, "/why", &json!({ "error": nobodys }));

    for answer in [&theirs, &nobodys] {
        assert_eq!((finding(answer), &answer["session"], &answer["role"]), ("not-theirs", &Value::Null, &Value::Null));
    }
    let text = theirs.to_string().replace(&stage.session, "rs-0000000000000000");
    assert_eq!(text, nobodys.to_string());
    assert!(!text.contains(stage.joining.student.person.as_str()));

    let page = stage.ask(
        &other,
        "/labs/vision/why",
        &json!({"action": "mechanicalturk:SendBonus", "for": stage.joining.student.person.as_str()}),
    );
    assert_eq!((page.status, &page.json()["type"]), (403, &json!("urn:lodge:problem:standing-needed")));
    let own = json!({"action": "mechanicalturk:SendBonus", "for": other.person.as_str()});
    assert_eq!(stage.answer(&other, "/labs/vision/why", &own)["for"], Value::Null);
}

#[test]
fn who_looks_after_the_lab_asks_for_its_people_and_for_nobody_else() {
    let stage = Stage::new();
    let denied = stage.printed("SendBonus");
    let manager = signed_in(stage.joining.broker(), "manager", &[]);
    let key = crate::support::signed_in::key("campus", "manager");
    wait(stage.joining.seeding().add_office_holder(&stage.joining.lab, &key, Office::Manager)).unwrap();
    let student = stage.joining.student.person.as_str();

    let answer = stage.answer(&manager, "/why", &json!({ "error": denied }));
    assert_eq!((finding(&answer), &answer["for"]["id"]), ("session-policy", &json!(student)));
    assert_eq!(answer["session"]["id"], stage.session);
    assert_eq!(answer["whom"].as_array().unwrap().len(), 2, "PIs and managers: {answer}");

    let of_student = json!({"action": "mechanicalturk:ListHITs", "role": "read-results", "for": student});
    let answer = stage.answer(&stage.joining.pi, "/labs/vision/why", &of_student);
    assert_eq!((finding(&answer), role(&answer, "read-results").1), ("role-allows", "has"));
    assert!(answer["roles"][0]["says"].as_str().unwrap().starts_with("They have it, through the group "), "{answer}");
    // Somebody else's session, when they ask for one person, is not that person's.
    let for_manager = json!({"error": denied, "for": manager.person.as_str()});
    assert_eq!(finding(&stage.answer(&stage.joining.pi, "/labs/vision/why", &for_manager)), "not-theirs");

    let elsewhere = signed_in(stage.joining.broker(), "elsewhere", &["other-lab"]);
    for nobody in [elsewhere.person.as_str(), "p-0000000000000000"] {
        let page = stage.ask(&stage.joining.pi, "/labs/vision/why", &json!({"action": "a:b", "for": nobody}));
        assert_eq!(page.status, 404, "{}", page.body);
    }
    wait(stage.joining.seeding().desk().suspend(&stage.joining.student.person)).unwrap();
    let answer = stage.answer(&stage.joining.pi, "/labs/vision/why", &of_student);
    assert_eq!(role(&answer, "read-results").1, "suspended");
}

#[test]
fn a_stranger_learns_nothing() {
    let stage = Stage::new();
    let denied = stage.printed("SendBonus");
    let stranger = signed_in(stage.joining.broker(), "stranger", &["chess"]);

    let answer = stage.answer(&stranger, "/why", &json!({ "error": denied }));
    let nowhere = stage.answer(&stranger, "/why", &json!({ "error": denied.replace(ACCOUNT, "444455556666") }));

    assert_eq!((finding(&answer), &answer["lab"]), ("other-account", &Value::Null));
    assert_eq!(answer.to_string().replace(ACCOUNT, "444455556666"), nowhere.to_string());
    for question in [json!({ "error": denied }), json!({"error": "nothing"}), json!({"nonsense": 1})] {
        let here = stage.ask(&stranger, "/labs/vision/why", &question);
        let nowhere = stage.ask(&stranger, "/labs/gulls/why", &question);
        assert_eq!((here.status, &here.json()["detail"]), (404, &nowhere.json()["detail"]), "{question}");
    }
    assert_eq!(stage.ask(&stranger, "/why", &json!({"error": "nothing"})).status, 400);
}

#[test]
fn what_is_pasted_is_nowhere_afterwards() {
    logs::listen();
    let stage = Stage::new();
    let secret = "canary-8f1d5c2e7b-wJalrXUtnFEMI";
    let denied =
        format!("export AWS_SECRET_ACCESS_KEY={secret}\n{}\n\"{secret}\" <{secret}>", stage.printed("SendBonus"));
    let entries =
        || wait(async { stage.joining.broker().store.read().await.unwrap().all_books(10_000).await.unwrap() });
    let before = entries();

    for (path, question) in [
        ("/why", json!({ "error": denied })),
        ("/labs/vision/why", json!({ "error": denied })),
        ("/labs/vision/why", json!({ "error": secret })),
        ("/labs/vision/why", json!({ "error": denied, "action": secret })),
        ("/labs/vision/why", json!({ "action": secret })),
        ("/labs/vision/why", json!({ "error": denied, "role": secret, "resource": secret, "for": secret })),
        ("/labs/vision/why", json!({ secret: denied })),
    ] {
        let page = stage.ask(&stage.joining.student, path, &question);
        assert!(!page.body.contains(secret) && !format!("{:?}", page.headers).contains(secret), "{}", page.body);
    }

    assert_eq!(logs::with(secret), [""; 0]);
    assert_eq!(entries(), before, "asking leaves nothing in the ledger");
}

#[test]
fn hostile_texts_are_bounded_and_harmless() {
    let stage = Stage::new();
    let denied = stage.printed("SendBonus");
    let ask = |text: &str| stage.ask(&stage.joining.student, "/why", &json!({ "error": text }));

    assert_eq!(ask(&"x".repeat(70_000)).status, 413);
    for text in [
        "\\".repeat(20_000),
        "User: ".repeat(8_000),
        " is not authorized to perform: ".repeat(1_800),
        "\u{202e}\u{0}<script>".repeat(2_000),
    ] {
        assert_eq!(ask(&text).status, 400);
    }
    let turned = denied.replace("mechanicalturk:SendBonus", "mechanicalturk:Send\u{202e}Bonus");
    let turned = ask(&turned);
    // The operation says it as well.
    assert_eq!(turned.json()["action"], "mechanicalturk:SendBonus");
    assert!(!turned.body.contains('\u{202e}') && !turned.body.contains("202e"), "{}", turned.body);
    let marked = denied.replace("SendBonus because", "SendBonus on resource: \"arn:aws:s3:::<b>\u{1b}[31m\" because");
    assert_eq!(ask(&marked).json()["resource"], Value::Null);
    let named = denied.replace("lodge-session/rs-", "lodge-session/../rs-");
    assert_eq!(finding(&ask(&named).json()), "not-theirs");
}
