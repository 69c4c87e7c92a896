//! The pages around signing in: the first one, where one is from, letting a helper in, becoming a PI.

use askama::Template;
use axum::response::Response;

use super::page;
use super::parts::for_people;
use super::who::Who;
use crate::app::{Broker, HelperLogin, PASTED_CODE_TIMEOUT, Profile};
use crate::domain::access::{Missing, OpenInvitation};
use crate::wire;

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
    with_account: Vec<String>,
    /// What was cut off just now, and is given again by itself.
    with_time: Vec<String>,
    /// What was cut off until somebody lifts that.
    with_lifting: Vec<String>,
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
    let that_lack = |missing: Missing| -> Vec<String> {
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
        with_account: [that_lack(Missing::AccountUpdate), that_lack(Missing::Account)].concat(),
        with_time: that_lack(Missing::Time),
        with_lifting: that_lack(Missing::Lifting),
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
