//! The pages, rendered on the server. They work without a script, and there is none.
//!
//! Everything that is shown is escaped by the template engine; nothing here writes HTML by hand.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

use crate::app::{Broker, Caller, HelperLogin, OwnSession, OwnSessionKind, PASTED_CODE_TIMEOUT, Profile};
use crate::domain::access::{Missing, OpenInvitation};
use crate::domain::claims::{Group, Groups};
use crate::domain::person::DisplayName;
use crate::wire;

/// Where the style sheet is.
pub const STYLESHEET_PATH: &str = "/assets/lodge.css";

const STYLESHEET: &str = include_str!("assets/lodge.css");

/// The style sheet's address changes with its content, so that browsers may keep it.
static STYLESHEET_URL: LazyLock<String> = LazyLock::new(|| {
    let digest = Sha256::digest(STYLESHEET.as_bytes());
    format!("{STYLESHEET_PATH}?v={}", hex::encode(&digest[..6]))
});

fn stylesheet_url() -> &'static str {
    &STYLESHEET_URL
}

/// `GET /assets/lodge.css`.
pub async fn stylesheet() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, STYLESHEET)
}

#[derive(Template)]
#[template(path = "welcome.html", config = "src/console/askama.toml")]
struct Welcome<'a> {
    sign_in: &'a str,
}

/// For somebody who is not signed in.
#[must_use]
pub fn welcome(sign_in: &str) -> Response {
    page(&Welcome { sign_in })
}

#[derive(Template)]
#[template(path = "choose.html", config = "src/console/askama.toml")]
struct Choose<'a> {
    last: Option<&'a Choice>,
    others: &'a [Choice],
}

/// Somewhere to sign in.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What people call it.
    pub title: String,
    /// Where it begins.
    pub address: String,
}

/// Where are you from? The one that was chosen last comes first.
#[must_use]
pub fn choose_connection(last: Option<&Choice>, others: &[Choice]) -> Response {
    page(&Choose { last, others })
}

/// A person as the pages show them.
struct Who<'a> {
    name: &'a str,
    id: String,
    connection: &'a str,
    signed_in_at: String,
    /// How old what is known of the groups is.
    groups_as_of: String,
}

impl<'a> Who<'a> {
    fn new(broker: &'a Broker, profile: &'a Profile, id: String) -> Self {
        Self {
            name: profile.snapshot.display_name.as_ref().map_or("Somebody without a name", DisplayName::as_str),
            id,
            connection: broker.connection_title(&profile.snapshot.evidence.connection),
            signed_in_at: for_people(profile.snapshot.evidence.groups_at),
            groups_as_of: lately(profile.snapshot.evidence.groups_at, broker.clock.now()),
        }
    }
}

struct RoleCard<'a> {
    address: String,
    profile: String,
    title: &'a str,
    cost: &'a str,
    ends_at: Option<String>,
    /// How old a sign-in may be that uses it.
    sign_in_age: String,
    needs: Option<Vec<Piece<'static>>>,
}

/// Why somebody's groups are not all there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GroupsMissing {
    /// Nothing was said of them.
    Unsaid,
    /// There are too many, and none were sent.
    TooMany,
    /// There are too many, and some were sent.
    CutOff,
}

#[derive(Template)]
#[template(path = "home.html", config = "src/console/askama.toml")]
struct Home<'a> {
    who: Who<'a>,
    broker: &'a str,
    session_expires_at: String,
    groups_missing: Option<GroupsMissing>,
    groups: Vec<&'a str>,
    roles: Vec<RoleCard<'a>>,
    standings: Vec<String>,
    /// The labs that they look after.
    looks_after: Vec<&'a str>,
    form_token: &'a str,
}

/// A member's home: what one may use, and how.
#[must_use]
pub fn home(broker: &Broker, caller: &Caller, profile: &Profile, form_token: &str) -> Response {
    let groups = &profile.snapshot.evidence.groups;
    let roles = profile.roles.iter().map(|given| RoleCard {
        address: format!("{}/{}", given.lab, given.role),
        profile: format!("{}-{}", given.lab, given.role),
        title: broker.template_title(&given.template),
        cost: broker.policies.get(&given.template).map_or("", |template| template.cost()),
        ends_at: given.ends_at.map(for_people),
        sign_in_age: given.limits.sign_in.to_string(),
        needs: match given.missing {
            Missing::Nothing => None,
            Missing::Fresh => Some(pieces("Your sign-in is too old for it. Sign in again: `lodge login --fresh`.")),
            Missing::Mfa => Some(pieces("Sign in with a second factor to use it: `lodge login --mfa`.")),
            Missing::Approval => Some(pieces("A PI of the lab has to approve you first.")),
        },
    });
    page(&Home {
        who: Who::new(broker, profile, caller.person.to_string()),
        broker: broker.issuer(),
        session_expires_at: for_people(caller.session_expires_at),
        groups_missing: match groups {
            Groups::Absent => Some(GroupsMissing::Unsaid),
            Groups::Overage => Some(GroupsMissing::TooMany),
            Groups::Truncated(_) => Some(GroupsMissing::CutOff),
            Groups::Present(_) => None,
        },
        groups: groups.as_slice().iter().map(Group::as_str).collect(),
        roles: roles.collect(),
        standings: profile.standings.iter().map(|s| format!("{} of {}", s.standing, s.lab)).collect(),
        looks_after: profile.standings.iter().map(|s| s.lab.as_str()).collect(),
        form_token,
    })
}

/// Where the page that asks leads besides its answer.
#[derive(Clone, Debug)]
pub struct ConfirmLinks {
    /// To sign in as somebody else.
    pub as_another: String,
    /// To sign in again.
    pub fresh: String,
    /// To sign in again, with a second factor.
    pub with_mfa: String,
}

#[derive(Template)]
#[template(path = "confirm.html", config = "src/console/askama.toml")]
struct Confirm<'a> {
    who: Who<'a>,
    login: &'a HelperLogin,
    client_id: &'static str,
    asked_at: String,
    /// What the helper can fetch at once.
    now: Vec<String>,
    /// What takes a younger sign-in than this one.
    with_fresh: Vec<String>,
    /// What takes a second factor, which this sign-in was without.
    with_mfa: Vec<String>,
    /// What takes a PI's word.
    with_approval: Vec<String>,
    form_token: &'a str,
    links: &'a ConfirmLinks,
}

impl Confirm<'_> {
    fn max_age(&self) -> Option<i64> {
        self.login.wanted.max_age.map(|age| age.num_seconds())
    }
}

/// "May the helper on this machine act for you?"
#[must_use]
pub fn confirm(
    broker: &Broker,
    login: &HelperLogin,
    profile: &Profile,
    form_token: &str,
    links: &ConfirmLinks,
) -> Response {
    let that_lack = |missing: Missing| {
        let roles = profile.roles.iter().filter(move |given| given.missing == missing);
        roles.map(|given| format!("{}/{}", given.lab, given.role)).collect()
    };
    page(&Confirm {
        who: Who::new(broker, profile, String::new()),
        login,
        client_id: wire::HELPER_CLIENT_ID,
        asked_at: for_people(broker.clock.now()),
        now: that_lack(Missing::Nothing),
        with_fresh: that_lack(Missing::Fresh),
        with_mfa: that_lack(Missing::Mfa),
        with_approval: that_lack(Missing::Approval),
        form_token,
        links,
    })
}

#[derive(Template)]
#[template(path = "invitation.html", config = "src/console/askama.toml")]
struct InvitationPage<'a> {
    who: Who<'a>,
    lab_name: &'a str,
    lab_title: &'a str,
    account: &'a str,
    lapses_at: String,
    form_token: &'a str,
    sign_in_as_another: &'a str,
}

/// "Will you be this lab's PI?"
#[must_use]
pub fn invitation(
    broker: &Broker,
    open: &OpenInvitation,
    profile: &Profile,
    form_token: &str,
    sign_in_as_another: &str,
) -> Response {
    let lab = open.lab();
    page(&InvitationPage {
        who: Who::new(broker, profile, String::new()),
        lab_name: lab.name.as_str(),
        lab_title: &lab.title,
        account: lab.session_role.account().as_str(),
        lapses_at: for_people(open.invitation().lapses_at),
        form_token,
        sign_in_as_another,
    })
}

#[derive(Template)]
#[template(path = "hand_over.html", config = "src/console/askama.toml")]
struct HandOver<'a> {
    host: &'a str,
    confirmed: bool,
    url: &'a str,
}

/// Leads from our page to the helper that waits for the answer.
#[must_use]
pub fn hand_over(login: &HelperLogin, confirmed: bool, url: &str) -> Response {
    page(&HandOver { host: &login.host, confirmed, url })
}

#[derive(Template)]
#[template(path = "paste.html", config = "src/console/askama.toml")]
struct Paste<'a> {
    host: &'a str,
    account: Option<&'a str>,
    text: Option<&'a str>,
    minutes: i64,
}

/// What to paste into the terminal; or, when the person said no, that there is nothing.
#[must_use]
pub fn paste(login: &HelperLogin, text: Option<&str>) -> Response {
    let minutes = PASTED_CODE_TIMEOUT.num_minutes();
    page(&Paste { host: &login.host, account: login.account.as_deref(), text, minutes })
}

#[derive(Template)]
#[template(path = "problem.html", config = "src/console/askama.toml")]
struct ProblemPage<'a> {
    title: &'a str,
    detail: Vec<Piece<'a>>,
    look_up: LookUp<'a>,
    again: Option<&'a str>,
}

/// What somebody who can look further is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct LookUp<'a> {
    /// The request, in the log.
    pub request_id: Option<&'a str>,
    /// A refused sign-in, in the log and in the ledger.
    pub reference: Option<&'a str>,
}

/// What went wrong, what to do, and perhaps where to begin again.
#[must_use]
pub fn problem(title: &str, detail: &str, look_up: LookUp<'_>, again: Option<&str>) -> Response {
    page(&ProblemPage { title, detail: pieces(detail), look_up, again })
}

/// A part of a sentence.
#[derive(Debug, PartialEq, Eq)]
struct Piece<'a> {
    text: &'a str,
    /// Something to type: it stood between backticks, which a terminal shows and a page does not.
    is_code: bool,
}

fn pieces(sentence: &str) -> Vec<Piece<'_>> {
    if sentence.matches('`').count() % 2 == 1 {
        return vec![Piece { text: sentence, is_code: false }];
    }
    sentence.split('`').enumerate().map(|(index, text)| Piece { text, is_code: index % 2 == 1 }).collect()
}

#[derive(Template)]
#[template(path = "sessions.html", config = "src/console/askama.toml")]
struct Sessions<'a> {
    who: Who<'a>,
    cards: Vec<SessionCard<'a>>,
    form_token: &'a str,
}

struct SessionCard<'a> {
    id: &'a str,
    kind: &'a OwnSessionKind,
    address: Option<&'a str>,
    created_at: String,
    seen_at: String,
    expires_at: String,
    is_this: bool,
}

/// Everywhere that somebody is signed in.
#[must_use]
pub fn sessions(
    broker: &Broker,
    caller: &Caller,
    profile: &Profile,
    sessions: &[OwnSession],
    form_token: &str,
) -> Response {
    let now = broker.clock.now();
    let cards = sessions.iter().map(|own| SessionCard {
        id: own.session.as_str(),
        kind: &own.kind,
        address: own.address.as_deref(),
        created_at: lately(own.created_at, now),
        seen_at: lately(own.seen_at, now),
        expires_at: lately(own.expires_at, now),
        is_this: own.is_this,
    });
    page(&Sessions { who: Who::new(broker, profile, caller.person.to_string()), cards: cards.collect(), form_token })
}

/// `09:12 UTC` for a moment of today, `21 November 2026, 13:00 UTC` for any other.
fn lately(at: chrono::DateTime<chrono::Utc>, now: chrono::DateTime<chrono::Utc>) -> String {
    if at.date_naive() == now.date_naive() { at.format("%H:%M UTC").to_string() } else { for_people(at) }
}

/// `21 November 2026, 13:00 UTC`.
fn for_people(at: chrono::DateTime<chrono::Utc>) -> String {
    at.format("%-d %B %Y, %H:%M UTC").to_string()
}

fn page(template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_of_today_needs_no_date() {
        let at = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        let now = at("2026-11-21T23:59:59Z");

        assert_eq!(lately(at("2026-11-21T09:12:41Z"), now), "09:12 UTC");
        assert_eq!(lately(at("2026-11-20T23:59:59Z"), now), "20 November 2026, 23:59 UTC");
        assert_eq!(lately(at("2026-11-22T00:00:00Z"), now), "22 November 2026, 00:00 UTC");
    }

    #[test]
    fn what_stands_between_backticks_is_code() {
        let code = |text| Piece { text, is_code: true };
        let plain = |text| Piece { text, is_code: false };

        assert_eq!(pieces("Run `lodge login` again."), [plain("Run "), code("lodge login"), plain(" again.")]);
        assert_eq!(pieces("Wait."), [plain("Wait.")]);
        assert_eq!(pieces("A stray ` stays."), [plain("A stray ` stays.")]);
    }
}
