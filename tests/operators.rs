//! Who runs the broker from a browser: whom the settings name, and nobody else. What they may do there, by which sign-in,
//! what stands in the ledger of it, and that none of it opens a lab.

mod api;
mod pages;
mod stronger;

use lodge::domain::lab::Lab;
use lodge::domain::ledger::{Entry, Thread};
use secrecy::{ExposeSecret as _, SecretString};

use crate::support::databases::Kind;
use crate::support::labs::Labs;
use crate::support::raw::{self, Ask};
use crate::support::signed_in::{SignedIn, operator};
use crate::support::visitor::Page;

/// A lab's session role.
const ARN: &str = "arn:aws:iam::444455556666:role/lodge/lodge-session";

/// A broker with two labs, and somebody who runs it.
struct Desk {
    labs: Labs,
    operator: SignedIn,
}

impl Desk {
    fn on(kind: Kind) -> Self {
        let labs = Labs::on(kind);
        let operator = operator(labs.broker());
        Self { labs, operator }
    }

    /// A page, by this browser.
    fn page(&self, who: &SignedIn, path: &str) -> Page {
        with_cookie(raw::get(&self.labs.url(path)).page(), who).send()
    }

    /// A form, sent by this browser with its own token.
    fn post(&self, who: &SignedIn, path: &str, fields: &[(&str, &str)]) -> Page {
        let token = self.labs.broker().form_token(&SecretString::from(who.cookie.clone()));
        let mut all = vec![("form_token", token.expose_secret())];
        all.extend_from_slice(fields);
        with_cookie(raw::post_form(&self.labs.url(path), &all).page(), who).send()
    }

    /// Who did what is in a lab's book, the last first.
    fn acts(&self, lab: &Lab) -> Vec<(String, String)> {
        let by = |entry: &Entry| match &entry.thread {
            Thread::Act(actor, _) => actor.to_string(),
            other @ Thread::Attempt(..) => format!("{other:?}"),
        };
        let book = self.labs.book(lab);
        book.iter().rev().map(|entry| (entry.event.kind().to_owned(), by(entry))).collect()
    }
}

fn with_cookie(ask: Ask, who: &SignedIn) -> Ask {
    ask.header("cookie", &format!("lodge_session={}", who.cookie))
}
