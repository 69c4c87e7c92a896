//! The page that asks the person whether a helper may act for them, and the form on it.

use super::Stage;
use crate::support::broker::{HELPER, code_on, helper_query, trade};
use crate::support::raw;
use crate::support::visitor::{Form, Page};

/// The form's fields as they are sent when somebody says yes, with some of them changed.
fn yes<'a>(form: &'a Form, changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields: Vec<_> = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    fields.push(("answer", "yes"));
    for (name, value) in changes {
        fields.retain(|(existing, _)| existing != name);
        fields.push((name, value));
    }
    fields
}

/// No way to a helper: no redirect, no link, no code.
fn gives_nothing(page: &Page, status: u16, what: &str) {
    assert_eq!(page.status, status, "{what}: {}", page.text());
    assert_eq!(page.header("location"), None, "{what}");
    assert!(!page.body.contains("code=") && !page.body.contains("evil"), "{what}: {}", page.body);
}

#[test]
fn a_request_that_is_not_a_helpers_is_an_error_page_and_goes_nowhere() {
    let stage = Stage::new();
    let mut visitor = stage.visitor();
    let (_, form) = stage.confirm_page(&mut visitor);
    let cookie = format!("lodge_session={}", stage.session(&visitor));
    for change in [
        ("redirect_uri", "https://evil.example/callback"),
        ("redirect_uri", "http://127.0.0.1@evil.example:80/callback"),
        ("redirect_uri", "http://localhost:49152/evil"),
        ("redirect_uri", "http://127.0.0.1:49152/callback?to=evil"),
        ("redirect_uri", "http://127.0.0.1:49152/callback#evil"),
        ("redirect_uri", "http://127.0.0.1:49152/evil/.."),
        ("redirect_uri", "http://2130706433:49152/evil"),
        ("redirect_uri", "javascript:evil()"),
        ("redirect_uri", ""),
        ("client_id", "evil"),
        ("client_id", ""),
        ("response_type", "token"),
        ("response_type", "code token"),
        ("code_challenge_method", "plain"),
        ("code_challenge_method", ""),
        ("code_challenge", ""),
        ("code_challenge", "evil"),
        ("state", ""),
    ] {
        let query = helper_query(&[change]);
        let asked = raw::get(&stage.url(&format!("/oauth/authorize?{query}"))).page();
        gives_nothing(&asked.send(), 400, &format!("a stranger with {change:?}"));

        let page = visitor.open(&stage.url(&format!("/oauth/authorize?{query}")));
        gives_nothing(&page, 400, &format!("somebody signed in with {change:?}"));

        let sent = raw::post_form(&stage.url("/oauth/authorize"), &yes(&form, &[change])).page();
        gives_nothing(&sent.header("cookie", &cookie).send(), 400, &format!("a form with {change:?}"));
    }
    let twice = stage.url(&format!("/oauth/authorize?{}&redirect_uri=https://evil.example", helper_query(&[])));
    gives_nothing(&visitor.open(&twice), 400, "two redirects");
}

#[test]
fn only_the_form_on_our_own_page_gives_a_code() {
    let stage = Stage::new();
    let (mut visitor, mut other) = (stage.visitor(), stage.visitor());
    let (_, form) = stage.confirm_page(&mut visitor);
    let (_, foreign) = stage.confirm_page(&mut other);
    let foreign = foreign.fields.iter().find(|(name, _)| name == "form_token").unwrap().1.clone();
    let cookie = format!("lodge_session={}", stage.session(&visitor));
    let origin = stage.running.url.clone();
    let send = |changes: &[(&str, &str)], headers: &[(&str, &str)]| {
        let mut ask = raw::post_form(&stage.url("/oauth/authorize"), &yes(&form, changes)).page();
        for (name, value) in headers {
            ask = ask.header(name, value);
        }
        ask.send()
    };
    let with_cookie = ("cookie", cookie.as_str());

    gives_nothing(&send(&[], &[]), 401, "nobody");
    for (what, token) in [("no form token", ""), ("another's form token", foreign.as_str()), ("a guess", "AAAA")] {
        gives_nothing(&send(&[("form_token", token)], &[with_cookie]), 403, what);
    }
    for (what, header) in [
        ("another site", ("sec-fetch-site", "cross-site")),
        ("a neighbour", ("sec-fetch-site", "same-site")),
        ("an evil origin", ("origin", "https://evil.example")),
        ("another port", ("origin", "http://127.0.0.1:1")),
        ("a hidden origin", ("origin", "null")),
    ] {
        gives_nothing(&send(&[], &[with_cookie, header]), 403, what);
    }
    let answer = raw::get(&stage.url(&format!("/oauth/authorize?{}&answer=yes", helper_query(&[])))).page();
    let page = answer.header("cookie", &cookie).send();
    assert!(page.status == 200 && !page.body.contains("code="), "asking with GET is not saying yes");

    // The positive controls: the same form as a browser sends it, and as one that tells nothing about itself.
    for headers in [vec![with_cookie, ("origin", &origin), ("sec-fetch-site", "same-origin")], vec![with_cookie]] {
        let page = send(&[], &headers);
        assert_eq!((page.status, page.header("location")), (200, None), "`form-action` covers redirects: {page:?}");
        assert_eq!(trade(&stage.running.url, &code_on(&page), &[]).status, 200);
    }
}

#[test]
fn the_answer_carries_state_and_issuer_and_a_no_carries_no_code() {
    let stage = Stage::new();
    let mut visitor = stage.visitor();
    let (page, _) = stage.confirm_page(&mut visitor);
    assert!(page.text().contains("laptop") && page.text().contains("Sam Student"), "{}", page.text());
    for (button, expected) in [("yes", "code"), ("no", "error")] {
        let page = visitor.press(&page, button);

        let links = page.links();
        let (_, url) = links.iter().find(|(_, url)| url.as_str().starts_with(HELPER)).unwrap();
        let names: Vec<_> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
        assert_eq!(names, [expected, "state", "iss"]);
        let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        assert_eq!((value("state"), value("iss")), ("a-state".to_owned(), stage.running.url.clone()));
        assert_eq!(page.header("referrer-policy"), Some("same-origin"), "the code is not for others' logs");
    }
}

#[test]
fn a_machine_cannot_write_on_the_page() {
    let stage = Stage::new();
    let mut visitor = stage.visitor();
    let query = helper_query(&[("host", "<script>evil()</script>"), ("state", "\"><img/src=x>")]);

    let page = visitor.open(&stage.url(&format!("/oauth/authorize?{query}")));

    assert_eq!(page.status, 200);
    assert!(!page.body.contains("<script>") && !page.body.contains("<img"), "{}", page.body);
    assert!(page.text().contains("<script>evil()</script>"), "{}", page.text());
}
