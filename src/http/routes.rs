//! The table of all routes, and who may call each.
//!
//! The router is made of this very table, so a route that is not in it does not exist. What it says of the callers is
//! not what lets them in (the extractors and the use cases do), but what `tests/routes.rs` holds them to, caller by
//! caller.

use axum::Router;
use axum::routing::{delete, get, patch, post, put};

use super::{api, backchannel, downloads, invitations, oauth, openapi, pages, sessions, sign_in};
use crate::app::Broker;
use crate::console;
use crate::wire;

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admits {
    /// Anybody.
    Anyone,
    /// A browser that is signed in.
    Browser,
    /// A browser of somebody who belongs to the lab in the address. One that is not signed in is sent to sign in, by every
    /// page, and refused, by every form.
    MemberPage,
    /// A browser of a manager or PI of the lab in the address.
    ManagerPage,
    /// A browser of a PI of the lab in the address.
    PiPage,
    /// A browser of somebody whom the settings name as an operator: for everybody else there is no such page.
    OperatorPage,
    /// A helper of somebody whom the settings name as an operator.
    Operator,
    /// A helper that is signed in; what it gets depends on the person.
    Helper,
    /// A helper of somebody whom a mapping gives the role in the address.
    RoleHolder,
    /// A helper of somebody who belongs to the lab in the address.
    Member,
    /// A helper of a manager or PI of the lab in the address.
    Manager,
    /// A helper of a PI of the lab in the address.
    Pi,
}

impl Admits {
    /// Whether a browser's cookie is what is looked at, and for a form, the token in it.
    #[must_use]
    pub const fn is_by_browser(self) -> bool {
        matches!(self, Self::Browser | Self::MemberPage | Self::ManagerPage | Self::PiPage | Self::OperatorPage)
    }
}

/// A route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// `GET`, `POST` and so on.
    pub method: &'static str,
    /// The address, with its parts that vary in braces.
    pub path: &'static str,
    /// Who may call it.
    pub admits: Admits,
}

macro_rules! routes {
    ($($method:ident $path:expr => $handler:expr, $admits:ident;)*) => {
        /// Every route there is.
        pub const ROUTES: &[Route] = &[
            $(Route { method: stringify!($method), path: $path, admits: Admits::$admits }),*
        ];

        /// The router of every route there is.
        pub(super) fn router() -> Router<Broker> {
            Router::new()$(.route($path, $method($handler)))*
        }
    };
}

routes! {
    get "/" => sign_in::home, Anyone;
    get "/sign-in" => sign_in::choose, Anyone;
    post "/sign-out" => sign_in::sign_out, Browser;
    get "/auth/{connection}/start" => sign_in::start, Anyone;
    get "/auth/{connection}/callback" => sign_in::callback, Anyone;
    post "/auth/{connection}/backchannel-logout" => backchannel::logout, Anyone;
    get "/sessions" => sessions::page, Anyone;
    post "/sessions/end" => sessions::end_by_form, Browser;
    get "/sessions/cut-off" => sessions::ask_cut_off, Anyone;
    post "/sessions/cut-off" => sessions::cut_off, Browser;
    get "/sessions/cut-offs/{cut_off}" => sessions::own_cut_off, Anyone;
    get "/download" => downloads::page, Anyone;
    get "/download/{file}" => downloads::file, Anyone;
    get "/invitations/{token}" => invitations::arrive, Anyone;
    get "/invitation" => invitations::ask, Anyone;
    post "/invitation" => invitations::accept, Browser;
    get "/labs/{lab}" => pages::lab::overview, MemberPage;
    get "/labs/{lab}/mappings" => pages::mappings::list, ManagerPage;
    post "/labs/{lab}/mappings" => pages::mappings::add, ManagerPage;
    get "/labs/{lab}/mappings/new" => pages::mappings::new, ManagerPage;
    get "/labs/{lab}/mappings/{mapping}" => pages::mappings::one, ManagerPage;
    get "/labs/{lab}/mappings/{mapping}/edit" => pages::mappings::edit, ManagerPage;
    post "/labs/{lab}/mappings/{mapping}/edit" => pages::mappings::save, ManagerPage;
    get "/labs/{lab}/mappings/{mapping}/end" => pages::mappings::end, ManagerPage;
    post "/labs/{lab}/mappings/{mapping}/end" => pages::mappings::end_now, ManagerPage;
    post "/labs/{lab}/mappings/{mapping}/back" => pages::mappings::bring_back, ManagerPage;
    post "/labs/{lab}/mapping-changes/{change}/confirm" => pages::mappings::confirm, PiPage;
    post "/labs/{lab}/mapping-changes/{change}/decline" => pages::mappings::decline, ManagerPage;
    get "/labs/{lab}/people" => pages::people::list, ManagerPage;
    get "/labs/{lab}/people/appoint" => pages::people::ask_to_appoint, PiPage;
    post "/labs/{lab}/people/appoint" => pages::people::appoint, PiPage;
    get "/labs/{lab}/people/remove" => pages::people::ask_to_remove, ManagerPage;
    post "/labs/{lab}/people/remove" => pages::people::remove, ManagerPage;
    get "/labs/{lab}/sessions" => pages::cut_offs::sessions, ManagerPage;
    get "/labs/{lab}/cut-off" => pages::cut_offs::ask, ManagerPage;
    post "/labs/{lab}/cut-off" => pages::cut_offs::begin, ManagerPage;
    get "/labs/{lab}/cut-offs" => pages::cut_offs::list, ManagerPage;
    get "/labs/{lab}/cut-offs/{cut_off}" => pages::cut_offs::one, ManagerPage;
    post "/labs/{lab}/cut-offs/{cut_off}/lift" => pages::cut_offs::lift, ManagerPage;
    get "/labs/{lab}/ledger" => pages::ledger::show, ManagerPage;
    get "/labs/{lab}/ledger/export.csv" => pages::ledger::csv, ManagerPage;
    get "/labs/{lab}/ledger/export.jsonl" => pages::ledger::json_lines, ManagerPage;
    get "/labs/{lab}/roles" => pages::roles::show, MemberPage;
    get "/labs/{lab}/roles/new" => pages::own_roles::new, ManagerPage;
    post "/labs/{lab}/roles/new" => pages::own_roles::add, PiPage;
    get "/labs/{lab}/roles/{role}/edit" => pages::own_roles::edit, ManagerPage;
    post "/labs/{lab}/roles/{role}/edit" => pages::own_roles::save, PiPage;
    get "/labs/{lab}/roles/{role}/end" => pages::own_roles::end, ManagerPage;
    post "/labs/{lab}/roles/{role}/end" => pages::own_roles::end_now, PiPage;
    get "/labs/{lab}/account" => pages::accounts::show, MemberPage;
    get "/labs/{lab}/account/stack" => pages::accounts::stack, ManagerPage;
    post "/labs/{lab}/account/join" => pages::accounts::join, PiPage;
    post "/labs/{lab}/account/check" => pages::accounts::check, ManagerPage;
    get "/labs/{lab}/account/history" => pages::accounts::history, ManagerPage;
    get "/labs/{lab}/diagnosis" => pages::accounts::diagnosis, MemberPage;
    get "/labs/{lab}/why" => pages::why::show, MemberPage;
    post "/labs/{lab}/why" => pages::why::ask, MemberPage;
    get "/labs/{lab}/settings" => pages::settings::show, MemberPage;
    post "/labs/{lab}/settings/groups-age" => pages::settings::set_groups_age, PiPage;
    post "/labs/{lab}/settings/sign-in-age/{role}" => pages::settings::set_sign_in_age, PiPage;
    get "/operator" => pages::operator::overview, OperatorPage;
    get "/operator/labs" => pages::operator::labs, OperatorPage;
    get "/operator/labs/new" => pages::operator::new_lab, OperatorPage;
    post "/operator/labs/new" => pages::operator::create_lab, OperatorPage;
    get "/operator/labs/{lab}" => pages::operator::lab, OperatorPage;
    post "/operator/labs/{lab}/invitation" => pages::operator::invite, OperatorPage;
    post "/operator/labs/{lab}/invitation/withdraw" => pages::operator::withdraw, OperatorPage;
    get "/operator/labs/{lab}/archive" => pages::operator::ask_lab, OperatorPage;
    post "/operator/labs/{lab}/archive" => pages::operator::archive, OperatorPage;
    get "/operator/labs/{lab}/restore" => pages::operator::ask_lab, OperatorPage;
    post "/operator/labs/{lab}/restore" => pages::operator::restore, OperatorPage;
    get "/operator/people" => pages::operator::people, OperatorPage;
    get "/operator/people/{person}" => pages::operator::person, OperatorPage;
    get "/operator/people/{person}/suspend" => pages::operator::ask_person, OperatorPage;
    post "/operator/people/{person}/suspend" => pages::operator::suspend, OperatorPage;
    get "/operator/people/{person}/restore" => pages::operator::ask_person, OperatorPage;
    post "/operator/people/{person}/restore" => pages::operator::lift, OperatorPage;
    get "/operator/people/{person}/cut-off" => pages::operator::ask_cut_off, OperatorPage;
    post "/operator/people/{person}/cut-off" => pages::operator::cut_off, OperatorPage;
    get "/operator/connections" => pages::operator::connections, OperatorPage;
    post "/operator/connections/{connection}/check" => pages::operator::check, OperatorPage;
    get "/operator/versions" => pages::operator::versions, OperatorPage;
    get console::STYLESHEET_PATH => console::stylesheet, Anyone;
    get console::SCRIPT_PATH => console::script, Anyone;
    get "/healthz" => api::healthz, Anyone;
    get "/readyz" => api::readyz, Anyone;
    get wire::OAUTH_METADATA_PATH => oauth::metadata, Anyone;
    get "/oauth/authorize" => oauth::authorize, Anyone;
    post "/oauth/authorize" => oauth::confirm, Browser;
    post "/oauth/token" => oauth::token, Anyone;
    post "/oauth/revoke" => oauth::revoke, Anyone;
    get "/api/v1/openapi.json" => openapi::show, Anyone;
    get "/api/v1/me" => api::me, Helper;
    get "/api/v1/me/sessions" => sessions::list, Helper;
    delete "/api/v1/me/sessions" => sessions::end_others, Helper;
    delete "/api/v1/me/sessions/{session}" => sessions::end, Helper;
    post "/api/v1/me/cut-off" => api::cut_offs::oneself, Helper;
    get "/api/v1/me/cut-offs/{cut_off}" => api::cut_offs::of_oneself, Helper;
    post "/api/v1/labs/{lab}/roles/{role}/credentials" => api::credentials, RoleHolder;
    get "/api/v1/labs/{lab}" => api::labs::lab, Member;
    get "/api/v1/labs/{lab}/mappings" => api::mappings::list, Manager;
    post "/api/v1/labs/{lab}/mappings" => api::mappings::add, Manager;
    post "/api/v1/labs/{lab}/mappings/preview" => api::mappings::preview_new, Manager;
    get "/api/v1/labs/{lab}/groups" => api::mappings::groups, Manager;
    get "/api/v1/labs/{lab}/mappings/{mapping}/revisions" => api::mappings::revisions, Manager;
    post "/api/v1/labs/{lab}/mappings/{mapping}/preview" => api::mappings::preview, Manager;
    get "/api/v1/labs/{lab}/mappings/{mapping}" => api::mappings::one, Manager;
    patch "/api/v1/labs/{lab}/mappings/{mapping}" => api::mappings::edit, Manager;
    post "/api/v1/labs/{lab}/mappings/{mapping}/end" => api::mappings::end, Manager;
    get "/api/v1/labs/{lab}/mapping-changes" => api::mappings::changes, Manager;
    post "/api/v1/labs/{lab}/mapping-changes/{change}/confirm" => api::mappings::confirm, Pi;
    post "/api/v1/labs/{lab}/mapping-changes/{change}/decline" => api::mappings::decline, Manager;
    get "/api/v1/labs/{lab}/limits" => api::limits::show, Member;
    patch "/api/v1/labs/{lab}/limits" => api::limits::set_of_lab, Pi;
    patch "/api/v1/labs/{lab}/roles/{role}/limits" => api::limits::set_of_role, Pi;
    get "/api/v1/labs/{lab}/account" => api::accounts::show, Member;
    get "/api/v1/labs/{lab}/account/stack" => api::accounts::stack, Manager;
    post "/api/v1/labs/{lab}/account/join" => api::accounts::join, Pi;
    get "/api/v1/labs/{lab}/account/checks" => api::accounts::checks, Manager;
    post "/api/v1/labs/{lab}/account/checks" => api::accounts::check, Manager;
    get "/api/v1/labs/{lab}/account/checks/{check}" => api::accounts::one_check, Manager;
    get "/api/v1/labs/{lab}/diagnosis" => api::accounts::diagnosis, Member;
    post "/api/v1/labs/{lab}/why" => api::why::in_lab, Member;
    post "/api/v1/why" => api::why::anywhere, Helper;
    get "/api/v1/labs/{lab}/ledger" => api::ledger::show, Manager;
    get "/api/v1/labs/{lab}/ledger/export.csv" => api::ledger::csv, Manager;
    get "/api/v1/labs/{lab}/ledger/export.jsonl" => api::ledger::json_lines, Manager;
    get "/api/v1/labs/{lab}/roles" => api::roles::show, Member;
    post "/api/v1/labs/{lab}/roles" => api::own_roles::add, Pi;
    post "/api/v1/labs/{lab}/roles/preview" => api::own_roles::preview_new, Manager;
    get "/api/v1/labs/{lab}/roles/{role}" => api::own_roles::one, Manager;
    patch "/api/v1/labs/{lab}/roles/{role}" => api::own_roles::edit, Pi;
    post "/api/v1/labs/{lab}/roles/{role}/preview" => api::own_roles::preview, Manager;
    post "/api/v1/labs/{lab}/roles/{role}/end" => api::own_roles::end, Pi;
    get "/api/v1/labs/{lab}/templates" => api::own_roles::templates, Manager;
    get "/api/v1/labs/{lab}/people" => api::labs::people, Manager;
    get "/api/v1/labs/{lab}/members" => api::people::members, Manager;
    get "/api/v1/labs/{lab}/overview" => api::people::overview, Manager;
    get "/api/v1/labs/{lab}/role-sessions" => api::people::role_sessions, Manager;
    get "/api/v1/labs/{lab}/cut-offs" => api::cut_offs::list, Manager;
    post "/api/v1/labs/{lab}/cut-offs" => api::cut_offs::begin, Manager;
    get "/api/v1/labs/{lab}/cut-offs/{cut_off}" => api::cut_offs::one, Manager;
    post "/api/v1/labs/{lab}/cut-offs/{cut_off}/lift" => api::cut_offs::lift, Manager;
    put "/api/v1/labs/{lab}/people/{person}" => api::labs::appoint, Pi;
    delete "/api/v1/labs/{lab}/people/{person}" => api::labs::remove, Manager;
    get "/api/v1/operator" => api::operator::overview, Operator;
    get "/api/v1/operator/labs" => api::operator::labs, Operator;
    post "/api/v1/operator/labs" => api::operator::create, Operator;
    get "/api/v1/operator/labs/{lab}" => api::operator::lab, Operator;
    post "/api/v1/operator/labs/{lab}/invitation" => api::operator::invite, Operator;
    delete "/api/v1/operator/labs/{lab}/invitation" => api::operator::withdraw, Operator;
    post "/api/v1/operator/labs/{lab}/archive" => api::operator::archive, Operator;
    post "/api/v1/operator/labs/{lab}/restore" => api::operator::restore, Operator;
    get "/api/v1/operator/people" => api::operator::people, Operator;
    get "/api/v1/operator/people/{person}" => api::operator::person, Operator;
    post "/api/v1/operator/people/{person}/suspend" => api::operator::suspend, Operator;
    post "/api/v1/operator/people/{person}/restore" => api::operator::lift, Operator;
    post "/api/v1/operator/people/{person}/cut-off" => api::cut_offs::person, Operator;
    get "/api/v1/operator/people/{person}/cut-offs/{cut_off}" => api::cut_offs::of_person, Operator;
    get "/api/v1/operator/connections" => api::operator::connections, Operator;
    post "/api/v1/operator/connections/{connection}/check" => api::operator::check, Operator;
    get "/api/v1/operator/version" => api::operator::version, Operator;
}
