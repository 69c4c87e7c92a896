//! A code that the person carries to a helper on another machine.

use chrono::TimeDelta;

use super::Stage;
use crate::support::broker::{HELPER, helper_query, me, pasted_from, trade};
use crate::support::raw;
use crate::support::visitor::{Page, Visitor};

impl Stage {
    fn remote(&self) -> String {
        self.url("/oauth/remote")
    }

    /// The page that asks whether a helper elsewhere may act for somebody.
    fn remote_page(&self, visitor: &mut Visitor) -> Page {
        let remote = self.remote();
        let query = helper_query(&[("redirect_uri", &remote), ("host", "login-node-7"), ("account", "ada")]);
        let page = visitor.open(&self.url(&format!("/oauth/authorize?{query}")));
        assert_eq!((page.status, page.forms().len()), (200, 1), "{}", page.text());
        page
    }

    /// A code as it is pasted.
    fn pasted_code(&self) -> String {
        let mut visitor = self.visitor();
        let page = self.remote_page(&mut visitor);
        let text = pasted_from(&visitor.press(&page, "yes"));
        let (code, state) = text.split_once('.').unwrap();
        assert_eq!((code.len(), state), (43, "a-state"), "256 bits, and whose sign-in it is");
        code.to_owned()
    }

    fn trade_remote(&self, code: &str) -> Page {
        trade(&self.running.url, code, &[("redirect_uri", &self.remote())])
    }
}

fn refuses(page: &Page) {
    assert_eq!((page.status, page.json()["error"].as_str()), (400, Some("invalid_grant")), "{}", page.body);
}

#[test]
fn the_code_stands_on_the_page_that_answers_and_in_no_address() {
    let stage = Stage::new();
    let mut visitor = stage.visitor();
    let asked = stage.remote_page(&mut visitor);

    let page = visitor.press(&asked, "yes");

    let code = pasted_from(&page).split_once('.').unwrap().0.to_owned();
    assert_eq!((page.status, page.url.as_str()), (200, stage.url("/oauth/authorize").as_str()));
    assert_eq!(page.trail.len(), 1, "{:?}", page.trail);
    assert_eq!(page.header("location"), None);
    assert!(page.links().iter().all(|(_, url)| !url.as_str().contains(&code)), "{:?}", page.links());
    assert!(page.forms().is_empty() && !page.body.contains("http-equiv"), "{}", page.body);
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
    assert!(page.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
    assert!(page.text().contains("Paste it only into a terminal that you opened yourself."), "{}", page.text());
    // There is no such page: an address with a code in it would be remembered by whatever it passes.
    for path in ["/oauth/remote", &format!("/oauth/remote?code={code}&state=a-state")] {
        assert_eq!(raw::get(&stage.url(path)).page().send().status, 404);
    }

    let answer = stage.trade_remote(&code);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(me(&stage.running.url, answer.json()["access_token"].as_str().unwrap()).status, 200);
}

#[test]
fn the_page_that_asks_says_who_asks_when_and_what_to_be_wary_of() {
    let stage = Stage::new();
    let mut visitor = stage.visitor();

    let page = stage.remote_page(&mut visitor);

    for part in [
        "login-node-7",
        "calls itself ada",
        "21 November 2026, 13:00 UTC",
        "lodge login --remote",
        "If somebody sent you here, say no",
    ] {
        assert!(page.text().contains(part), "{part}: {}", page.text());
    }
    // No is as easy as yes.
    let class = |value: &str| {
        let button = page.body.split("<button").find(|part| part.contains(&format!("value=\"{value}\""))).unwrap();
        button.split("class=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    assert_eq!(class("yes"), class("no"));
    let declined = visitor.press(&page, "no");
    assert_eq!(declined.status, 200);
    assert!(declined.text().contains("Nothing was given") && !declined.body.contains("class=\"paste\""));
}

#[test]
fn a_code_to_paste_is_good_for_two_minutes_once_and_at_its_own_address() {
    let stage = Stage::new();
    let (in_time, late, twice) = (stage.pasted_code(), stage.pasted_code(), stage.pasted_code());

    let elsewhere = trade(&stage.running.url, &in_time, &[("redirect_uri", HELPER)]);
    refuses(&elsewhere);
    assert_eq!(stage.trade_remote(&twice).status, 200);
    refuses(&stage.trade_remote(&twice));
    stage.clock.advance(TimeDelta::minutes(2));
    assert_eq!(stage.trade_remote(&in_time).status, 200);
    stage.clock.advance(TimeDelta::microseconds(1));
    refuses(&stage.trade_remote(&late));
}

#[test]
fn a_broker_shows_codes_for_its_own_address_alone() {
    let stage = Stage::with(|plan| plan.public_url("https://lodge.example.edu"));
    for (redirect, status) in [
        ("https://lodge.example.edu/oauth/remote", 303),
        ("https://lodge.example.edu/oauth/remote/", 400),
        ("https://lodge.example.edu/oauth/remote?x=1", 400),
        ("https://lodge.example.edu/oauth/remote#x", 400),
        ("https://lodge.example.edu:443/oauth/remote", 400),
        ("https://lodge.example.edu@evil.example/oauth/remote", 400),
        ("http://lodge.example.edu/oauth/remote", 400),
        ("https://evil.example/oauth/remote", 400),
    ] {
        let query = helper_query(&[("redirect_uri", redirect)]);

        let page = raw::get(&stage.url(&format!("/oauth/authorize?{query}"))).page().send();

        assert_eq!(page.status, status, "{redirect}: {}", page.text());
    }
}
