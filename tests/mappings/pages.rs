//! The pages of a lab's mappings, as a browser without a script has them.

use chrono::TimeDelta;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::{MAPPINGS, Stage, on_each};
use crate::support::databases::Kind;
use crate::support::raw;
use crate::support::signed_in::SignedIn;
use crate::support::visitor::{Form, Page};

const LIST: &str = "/labs/vision/mappings";

impl Stage {
    pub(super) fn page(&self, who: &SignedIn, path: &str) -> Page {
        raw::get(&self.labs.url(path)).header("cookie", &format!("lodge_session={}", who.cookie)).page().send()
    }

    fn post(&self, who: &SignedIn, path: &str, fields: &[(&str, &str)]) -> Page {
        let token = self.labs.broker().form_token(&SecretString::from(who.cookie.clone()));
        let fields: Vec<_> = fields.iter().copied().filter(|(name, _)| *name != "form_token").collect();
        let fields: Vec<_> = fields.into_iter().chain([("form_token", token.expose_secret())]).collect();
        let ask = raw::post_form(&self.labs.url(path), &fields);
        ask.header("cookie", &format!("lodge_session={}", who.cookie)).page().send()
    }

    /// Presses the button of this page that stands in a form to this address, with whatever the form carries.
    fn press(&self, who: &SignedIn, page: &Page, end_of_address: &str) -> Page {
        let form = form(page, end_of_address);
        let fields: Vec<_> = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = self.post(who, form.action.path(), &fields);
        let Some(location) = answer.location() else { return answer };
        assert_eq!(answer.status, 303, "{}", answer.body);
        self.page(who, &location.as_str()[self.labs.url("").len()..])
    }
}

fn form(page: &Page, end_of_address: &str) -> Form {
    let forms = page.forms();
    let found = forms.iter().find(|form| form.is_post && form.action.path().ends_with(end_of_address));
    found.cloned().unwrap_or_else(|| panic!("no form to {end_of_address}: {}", page.body))
}

fn query(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

#[test]
fn a_group_is_mapped_looked_at_ended_and_brought_back_without_a_script() {
    on_each("a_group_is_mapped_looked_at_ended_and_brought_back_without_a_script", |stage| {
        let Stage { one, .. } = stage;
        let entries = stage.entries();
        assert!(stage.page(one, LIST).body.contains("Map the first group"));
        let fields =
            [("look", "1"), ("connection", "campus"), ("group", "students"), ("role", "pay"), ("until", "2027-01-31")];
        let preview = stage.page(one, &format!("{LIST}/new?{}", query(&fields)));
        assert_eq!(preview.status, 200, "{}", preview.body);
        assert!(preview.text().contains("What this would do") && preview.text().contains("fewer than five"));
        assert_eq!(stage.entries(), entries, "a look changes nothing");

        let added = stage.press(one, &preview, "/mappings");
        assert!(added.text().contains("Mapped. People of this group"), "{}", added.text());
        let mapping = stage.get(one, MAPPINGS).json()["mappings"][0].clone();
        assert_eq!((&mapping["group"], &mapping["ends_at"]), (&json!("students"), &json!("2027-02-01T00:00:00Z")));
        let id = mapping["id"].as_str().unwrap();

        // An edit that leaves the day as it is leaves the end as it is, to the second.
        let edit = stage.page(one, &format!("{LIST}/{id}/edit?look=1&until=2027-01-31&mfa=1&longest=1800"));
        let edited = stage.press(one, &edit, "/edit");
        assert!(edited.text().contains("Saved."), "{}", edited.text());
        let now = stage.mapping(id);
        assert_eq!(
            (&now["ends_at"], &now["needs_mfa"], &now["revision"]),
            (&json!("2027-02-01T00:00:00Z"), &json!(true), &json!(2))
        );
        // Undo gives the conditions of before back.
        let undone = stage.press(one, &edited, "/back");
        assert_eq!((&stage.mapping(id)["needs_mfa"], &stage.mapping(id)["revision"]), (&json!(false), &json!(3)));
        assert!(undone.text().contains("Saved."));

        let ended = stage.press(one, &stage.page(one, &format!("{LIST}/{id}/end")), "/end");
        assert!(
            ended.text().contains("Ended. It gives nothing") && ended.text().contains("No mapping gives anything now")
        );
        assert_eq!(stage.mapping(id)["state"], "ended");
        stage.press(one, &ended, "/back");
        assert_eq!(
            (&stage.mapping(id)["state"], &stage.mapping(id)["ends_at"]),
            (&json!("live"), &json!("2027-02-01T00:00:00Z"))
        );

        // Undo of a new mapping ends it.
        let second = stage.page(
            one,
            &format!(
                "{LIST}/new?{}",
                query(&[("look", "1"), ("connection", "campus"), ("group", "tutors"), ("role", "pay")])
            ),
        );
        let added = stage.press(one, &second, "/mappings");
        let undone = stage.press(one, &added, "/end");
        assert!(undone.text().contains("Ended."), "{}", undone.text());
        let history = stage.page(one, &format!("{LIST}/{id}"));
        for part in ["History", "Bring back", &one.person.to_string()] {
            assert!(history.body.contains(part), "{part}");
        }
        let revisions = stage.get(one, &format!("{MAPPINGS}/{id}/revisions?limit=2")).json();
        assert_eq!((&revisions["revisions"][0]["revision"], &revisions["next"]), (&json!(5), &json!("4")));
        assert_eq!(revisions["revisions"][0]["by"]["id"], json!(one.person.to_string()));
    });
}

#[test]
fn of_two_who_edit_the_second_sees_what_the_first_has_done() {
    let stage = Stage::on(Kind::Sqlite);
    let id = stage.added(&stage.one, "students", "pay", &json!({}));
    let edit = stage.page(&stage.one, &format!("{LIST}/{id}/edit?look=1&longest=1800"));
    assert_eq!(stage.edit(&stage.two, &id, 1, &json!({"needs_mfa": true})).status, 200);
    let entries = stage.entries();

    let conflict = stage.press(&stage.one, &edit, "/edit");

    assert_eq!(conflict.status, 412);
    assert!(
        conflict.text().contains("Somebody else has changed it meanwhile") && conflict.text().contains("second factor")
    );
    let end = stage.post(&stage.one, &format!("{LIST}/{id}/end"), &[("revision", "1")]);
    assert_eq!((end.status, stage.entries(), &stage.mapping(&id)["needs_mfa"]), (412, entries, &json!(true)));
}

#[test]
fn who_undoes_what_somebody_else_has_changed_meanwhile_is_told_and_changes_nothing() {
    let stage = Stage::on(Kind::Sqlite);
    let id = stage.added(&stage.one, "students", "pay", &json!({}));
    let back = format!("{LIST}/{id}/back");
    let edit = stage.page(&stage.one, &format!("{LIST}/{id}/edit?look=1&longest=1800"));
    let edited = stage.press(&stage.one, &edit, "/edit");
    assert_eq!(stage.edit(&stage.two, &id, 2, &json!({"needs_mfa": true})).status, 200);
    let entries = stage.entries();

    let undone = stage.press(&stage.one, &edited, "/back");

    assert_eq!(undone.status, 412, "{}", undone.body);
    assert!(undone.text().contains("Somebody else has changed it meanwhile"), "{}", undone.text());
    // Back to the conditions of an end, which is another way to the same mapping.
    assert_eq!(stage.end(&stage.two, &id, 3).status, 200);
    assert_eq!(stage.edit(&stage.two, &id, 4, &json!({"ends_at": null})).status, 200);
    assert_eq!(stage.edit(&stage.two, &id, 5, &json!({"needs_mfa": false})).status, 200);
    assert_eq!(stage.post(&stage.one, &back, &[("revision", "5"), ("back", "4")]).status, 412);
    assert_eq!(stage.entries(), entries + 3);
    assert_eq!((&stage.mapping(&id)["state"], &stage.mapping(&id)["revision"]), (&json!("live"), &json!(6)));
}

#[test]
fn a_button_that_is_pressed_twice_does_once_what_it_says() {
    let stage = Stage::on(Kind::Sqlite);
    let id = stage.added(&stage.one, "students", "pay", &json!({}));
    let twice = |page: &Page, button: &str| {
        let form = form(page, button);
        let fields: Vec<_> = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let entries = stage.entries();
        let [first, second] = [0, 1].map(|_| stage.post(&stage.one, form.action.path(), &fields));
        assert_eq!((first.status, second.status), (303, 303), "{button}: {}", second.body);
        assert_eq!((first.location(), stage.entries()), (second.location(), entries + 1), "{button}");
        stage.page(&stage.one, &first.location().unwrap().as_str()[stage.labs.url("").len()..])
    };

    let edited = twice(&stage.page(&stage.one, &format!("{LIST}/{id}/edit?look=1&mfa=1")), "/edit");
    twice(&edited, "/back");
    twice(&stage.page(&stage.one, &format!("{LIST}/{id}/end")), "/end");
    assert_eq!(stage.mapping(&id)["revision"], json!(4));
}

#[test]
fn a_stale_sign_in_is_told_before_the_button_and_loses_nothing_after_it() {
    let stage = Stage::on(Kind::Sqlite);
    let fields = [("look", "1"), ("connection", "campus"), ("group", "stu dents/ö"), ("role", "pay"), ("mfa", "1")];
    let address = format!("{LIST}/new?{}", query(&fields));
    let fresh = stage.page(&stage.one, &address);
    let entries = stage.entries();
    let save = form(&fresh, "/mappings");
    // The browser that is used goes on; its sign-in gets old.
    for _ in 0..3 {
        stage.labs.advance(TimeDelta::minutes(20));
        assert_eq!(stage.page(&stage.one, LIST).status, 200);
    }
    let told = stage.page(&stage.one, &address);
    assert!(told.text().contains("Saving takes a fresh sign-in"), "{}", told.text());
    assert!(told.forms().iter().all(|form| !form.action.path().ends_with("/mappings")), "no button that does nothing");

    let sent: Vec<_> = save.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let refused = stage.post(&stage.one, LIST, &sent);
    assert_eq!(refused.status, 403);
    for page in [&told, &refused] {
        let links = page.links();
        let (_, again) = links.iter().find(|(text, _)| text.trim() == "Sign in again").unwrap();
        let of: std::collections::HashMap<_, _> = again.query_pairs().into_owned().collect();
        assert_eq!((again.path(), of["fresh"].as_str()), ("/sign-in", "1"));
        let back = url::Url::parse(&stage.labs.url(&of["return_to"])).unwrap();
        let kept: std::collections::HashMap<_, _> = back.query_pairs().into_owned().collect();
        assert_eq!((kept["group"].as_str(), kept["role"].as_str(), kept["mfa"].as_str()), ("stu dents/ö", "pay", "1"));
    }
    assert_eq!(stage.entries(), entries);
}

#[test]
fn a_form_that_is_sent_twice_is_one_mapping_and_a_wrong_field_is_said_at_the_field() {
    let stage = Stage::on(Kind::Sqlite);
    let preview = stage.page(&stage.one, &format!("{LIST}/new?look=1&connection=campus&group=students&role=pay"));
    let save = form(&preview, "/mappings");
    let sent: Vec<_> = save.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let [first, second] = [0, 1].map(|_| stage.post(&stage.one, LIST, &sent));
    assert_eq!((first.status, first.location()), (303, second.location()), "{}", second.body);
    assert_eq!(stage.get(&stage.one, MAPPINGS).json()["mappings"].as_array().unwrap().len(), 1);

    for (fields, field) in [
        ("group=&role=pay", "group"),
        ("group=g&role=", "role"),
        ("group=g&role=no-such", "role"),
        ("group=g&role=pay&until=2020-01-01", "until"),
        ("group=g&role=pay&until=rubbish", "until"),
        ("group=g&role=pay&until=262142-12-31", "until"),
        ("group=g&role=pay&longest=3600", "longest"),
        ("group=g&role=pay&longest=x", "longest"),
        ("group=students&role=pay", "group"),
        ("group=a%00b&role=pay", "group"),
    ] {
        let page = stage.page(&stage.one, &format!("{LIST}/new?look=1&connection=campus&{fields}"));
        assert_eq!(page.status, 400, "{fields}");
        assert!(
            page.body.contains(&format!("id=\"{field}-wrong\"")) && page.body.contains("class=\"wrong\""),
            "{fields}: {}",
            page.body
        );
    }
    assert_eq!(stage.page(&stage.one, &format!("{LIST}/new?look=1&group=%ff&role=pay")).status, 400);
    for id in ["map-0000000000000000", "rubbish", "%00", "%ff"] {
        for more in ["", "/edit", "/end"] {
            let page = stage.page(&stage.one, &format!("{LIST}/{id}{more}"));
            assert_eq!(page.status, 404, "{id}{more}: {}", page.body);
        }
    }
    // What an address says was done is looked up, never believed.
    for lie in ["done=added&of=map-0000000000000000", "done=asked&of=%3Cb%3E", "done=%3Cscript%3E&of=x"] {
        let page = stage.page(&stage.one, &format!("{LIST}?{lie}"));
        assert!(page.status == 200 && !page.body.contains("role=\"status\""), "{lie}");
    }
}

#[test]
fn a_change_that_waits_is_confirmed_or_declined_on_the_page() {
    let stage = Stage::on(Kind::Sqlite);
    let preview = stage.page(&stage.one, &format!("{LIST}/new?look=1&connection=campus&group=group-of-one&role=pay"));
    assert!(preview.text().contains("it will wait for another PI"), "{}", preview.text());
    let asked = stage.press(&stage.one, &preview, "/mappings");
    assert!(asked.text().contains("Nothing has changed yet") && asked.body.contains("Take back"));
    assert!(!asked.body.contains("/confirm"), "nobody confirms their own");
    assert!(!stage.page(&stage.manager, LIST).body.contains("/confirm"), "and no manager any");

    let seen = stage.page(&stage.two, LIST);
    let confirmed = stage.press(&stage.two, &seen, "/confirm");
    assert!(confirmed.text().contains("Mapped."), "{}", confirmed.text());
    assert!(stage.gives(&stage.one, "pay"));
}

#[test]
fn a_groups_name_is_shown_safely_wherever_it_is_shown() {
    let stage = Stage::on(Kind::Sqlite);
    let long = "g".repeat(512);
    for group in ["<script>alert(1)</script>", "\"><img src=x>", "pay\u{202e}ers", "pay\u{200b}ers", "👩‍🔬 lab", &long]
    {
        let fields = [("look", "1"), ("connection", "campus"), ("group", group), ("role", "pay")];
        let preview = stage.page(&stage.one, &format!("{LIST}/new?{}", query(&fields)));
        assert_eq!(preview.status, 200, "{}", preview.body);
        let id = stage.added(&stage.one, group, "pay", &json!({}));
        crate::support::signed_in::signed_in(stage.labs.broker(), "two", &[group]);
        let pages = ["", "/new", &format!("/{id}"), &format!("/{id}/edit"), &format!("/{id}/end")];
        for page in pages.map(|path| stage.page(&stage.one, &format!("{LIST}{path}"))).iter().chain([&preview]) {
            assert_eq!(page.status, 200);
            assert!(!page.body.contains("<script>alert") && !page.body.contains("<img"), "{group}: {}", page.body);
            let shown = page.body.replace("value=\"pay\u{202e}ers\"", "").replace("value=\"pay\u{200b}ers\"", "");
            assert!(!shown.contains('\u{202e}') && !shown.contains('\u{200b}'), "{group:?} in {}: {shown}", page.url);
            assert!(page.body.len() < 100 * 1_024);
        }
        stage.labs.advance(TimeDelta::seconds(1));
    }
}
