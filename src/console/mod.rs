//! The pages, rendered on the server. Each works without a script; ours only makes some of them handier.
//!
//! Everything that is shown is escaped by the template engine; nothing here writes HTML by hand. A page of somebody who is
//! signed in begins with a [`Shell`], a page of a lab with a `LabHead` beside it.

mod assets;
mod cut_off;
mod downloads;
mod home;
mod lab;
pub mod operator;
mod parts;
mod problem;
mod sessions;
mod shell;
mod sign_in;
mod who;

use askama::Template;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};

pub use assets::{SCRIPT_PATH, STYLESHEET_PATH, script, stylesheet};
pub use cut_off::{own_cut_off, own_cut_off_ask};
pub use downloads::downloads;
pub use home::home;
pub use lab::{
    CutOffForm, FormErrors, LedgerForm, LimitForm, MappingFields, MappingForm, Notice, OfficeForm, PeopleNotice,
    Removal, RoleFields, RoleForm, RoleWrong, SessionsForm, SettingsForm, WrongField, account, account_history,
    account_page, appoint, cut_off, cut_off_ask, cut_offs, diagnosis, lab_for_member, ledger, live_sessions,
    mapping_end, mapping_form, mapping_page, mappings_page, overview, people, remove, role_end, role_form, roles,
    settings, shown_day,
};
pub use lab::{WhyForm, why};
pub use problem::{LookUp, problem};
pub use sessions::sessions;
pub use shell::Shell;
pub use sign_in::{Choice, ConfirmLinks, choose_connection, confirm, hand_over, invitation, paste, welcome};

/// What is shown when a page cannot be made, which would be a fault of ours.
fn page(template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// How soon a browser asks again for a page that shows something under way, in seconds.
const REFRESH: HeaderValue = HeaderValue::from_static("2");

/// A page that a browser asks for again by itself, without a script, while something is under way.
fn refreshed(page: Response, is_under_way: bool) -> Response {
    if is_under_way { ([(HeaderName::from_static("refresh"), REFRESH)], page).into_response() } else { page }
}
