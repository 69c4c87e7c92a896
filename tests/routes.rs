//! Every route there is, called by everybody there is, and held to what the table of routes says of it
//! ([`lodge::http::routes::ROUTES`]). A route for which `requests` cannot make a request fails by name.
//!
//! A lab that somebody does not belong to answers byte for byte like one that does not exist, whatever is sent to it.

mod admission;
mod bodies;
pub(crate) mod requests;
mod strangers;

use lodge::domain::id::PersonId;
use lodge::domain::lab::Office;
use lodge::domain::mapping::MappingTerms;

use crate::support::databases::Kind;
use crate::support::labs::Labs;
use crate::support::raw::Ask;
use crate::support::serving::wait;
use crate::support::signed_in::{SignedIn, key, operator, signed_in};

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Nobody: no token and no cookie.
    Nobody,
    /// Somebody with a token and a cookie that were made up.
    Rubbish,
    /// Somebody whom an operator has suspended, with the sessions from before.
    Suspended,
    /// Somebody who is signed in and belongs to no lab.
    Stranger,
    /// Somebody whom the settings name as an operator, and who belongs to no lab.
    Operator,
    /// A PI of the other lab.
    OtherPi,
    /// Somebody with a mapping in the lab.
    Member,
    /// A manager of the lab.
    Manager,
    /// A PI of the lab.
    Pi,
    /// The same, with the browser's cookie and no token.
    PiByCookie,
    /// The same, with the helper's token and no cookie.
    PiByToken,
}

const EVERYBODY: [Who; 11] = [
    Who::Nobody,
    Who::Rubbish,
    Who::Suspended,
    Who::Stranger,
    Who::Operator,
    Who::OtherPi,
    Who::Member,
    Who::Manager,
    Who::Pi,
    Who::PiByCookie,
    Who::PiByToken,
];

/// What somebody shows.
pub(crate) struct Caller {
    who: Who,
    pub(crate) person: Option<PersonId>,
    pub(crate) token: Option<String>,
    pub(crate) cookie: Option<String>,
}

/// Two labs with people in them. All requests are for `vision`, which is [`Labs::a`].
pub(crate) struct Stage {
    pub(crate) labs: Labs,
    /// Another PI, who asks for the changes that wait.
    second_pi: PersonId,
}

impl Stage {
    pub(crate) fn on(kind: Kind) -> Self {
        let labs = Labs::on(kind);
        labs.mapping(&labs.a, "vision-students", "read-results", MappingTerms::default());
        labs.mapping(&labs.b, "language-students", "read-results", MappingTerms::default());
        let second_pi = labs.appoint(&labs.a, Office::Pi, "second-pi");
        Self { labs, second_pi }
    }

    /// The caller, with sessions that no call before this one had.
    pub(crate) fn caller(&self, who: Who) -> Caller {
        let labs = &self.labs;
        let shown = |SignedIn { person, token, cookie }| Caller {
            who,
            person: Some(person),
            token: Some(token),
            cookie: Some(cookie),
        };
        match who {
            Who::Nobody => Caller { who, person: None, token: None, cookie: None },
            Who::Rubbish => {
                let rubbish = || Some("lodge_at_bm90IGEgdG9rZW4gb2YgYW55Ym9keSdzIGF0IGFsbA".to_owned());
                Caller { who, person: None, token: rubbish(), cookie: rubbish() }
            }
            Who::Suspended => {
                let desk = labs.seeding();
                let key = key("campus", "suspended");
                // A PI once, and suspended perhaps by the call before.
                let person = wait(desk.add_pi(&labs.a, &key)).unwrap();
                let _ = wait(desk.desk().restore(&person));
                let caller = shown(signed_in(labs.broker(), "suspended", &["vision-students"]));
                wait(desk.desk().suspend(&person)).unwrap();
                caller
            }
            Who::Stranger => shown(signed_in(labs.broker(), "stranger", &["chess"])),
            Who::Operator => shown(operator(labs.broker())),
            Who::OtherPi => shown(labs.holder(&labs.b, Office::Pi, "other-pi", &["language-students"])),
            // Somebody else each time: who is cut off gets nothing for a while.
            Who::Member => shown(signed_in(labs.broker(), &labs.fresh("member"), &["vision-students"])),
            Who::Manager => shown(labs.holder(&labs.a, Office::Manager, "manager", &[])),
            Who::Pi => shown(labs.holder(&labs.a, Office::Pi, "pi", &[])),
            Who::PiByCookie => Caller { token: None, who, ..self.caller(Who::Pi) },
            Who::PiByToken => Caller { cookie: None, who, ..self.caller(Who::Pi) },
        }
    }
}

impl Caller {
    /// Shows whatever they have, and this cookie beside it where there is one.
    fn show(&self, ask: Ask, beside: Option<&str>) -> Ask {
        let session = self.cookie.as_ref().map(|cookie| format!("lodge_session={cookie}"));
        let cookies: Vec<_> = session.into_iter().chain(beside.map(str::to_owned)).collect();
        let ask = if cookies.is_empty() { ask } else { ask.header("cookie", &cookies.join("; ")) };
        match &self.token {
            Some(token) => ask.header("authorization", &format!("Bearer {token}")),
            None => ask,
        }
    }

    /// The helper's token.
    fn token(&self) -> &str {
        self.token.as_deref().unwrap()
    }

    /// Whether a helper's live session is among it.
    fn has_token(&self) -> bool {
        self.token.is_some() && !matches!(self.who, Who::Rubbish | Who::Suspended)
    }

    /// Whether a browser's live session is among it.
    fn has_cookie(&self) -> bool {
        self.cookie.is_some() && !matches!(self.who, Who::Rubbish | Who::Suspended)
    }
}

/// Or `tests/bench --case pages` would measure none, and nobody would hear of it.
#[test]
fn every_page_is_known_to_the_bench() {
    let (routes, bench) = (include_str!("../src/http/routes.rs"), include_str!("bench_pages.py"));
    let not_pages = bench.split("NOT_PAGES = [").nth(1).and_then(|rest| rest.split(']').next()).unwrap();
    let pages = routes.lines().filter_map(|line| line.trim_start().strip_prefix("get \"")?.split('"').next());
    let pages: Vec<_> = pages.filter(|path| !path.starts_with("/api/")).collect();
    let is_known =
        |path: &&str| bench.contains(&format!("    \"{path}\": [")) || not_pages.contains(&format!("\"{path}\""));

    let (known, unknown): (Vec<&str>, Vec<&str>) = pages.into_iter().partition(is_known);

    assert!(known.len() > 40, "{known:?}");
    assert_eq!(unknown, [] as [&str; 0], "an address for each belongs in tests/bench_pages.py");
}
