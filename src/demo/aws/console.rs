//! The page that stands in for the AWS console: what is in the accounts, and a form that makes a stack in one. Plain forms,
//! no script.
//!
//! It exists so that a demo can show what the owner of an account does. It asks nobody who they are.

use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::accounts::Accounts;
use super::settings::{IamRole, ManagedPolicy};
use super::{SmallAws, StackError, locked};
use crate::demo::markup::escape;

const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5a6575; --paper: #fff; --ground: #eef1f5;
  --line: #d3d9e2; --accent: #8a4b08; --note: #fff6dc; --note-ink: #5c4700; --bad: #a01c1c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf2; --soft: #a3adbb; --paper: #1b212b; --ground: #11151c;
  --line: #343d4b; --accent: #f0b36b; --note: #3a3216; --note-ink: #f3e2ac; --bad: #ff9d9d; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 1.5rem; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 54rem; margin: 0 auto; }
section { margin: 1.5rem 0; padding: 1.25rem 1.5rem; background: var(--paper); border: 1px solid var(--line);
  border-top: .3rem solid var(--accent); border-radius: .5rem; }
h1, h2, h3 { margin: 0 0 .5rem; line-height: 1.25; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; } h3 { font-size: 1rem; }
p { margin: 0 0 1rem; }
.note { padding: .6rem .8rem; border-radius: .4rem; background: var(--note); color: var(--note-ink); }
.bad { color: var(--bad); }
.soft { color: var(--soft); font-size: .9rem; overflow-wrap: anywhere; }
summary { cursor: pointer; overflow-wrap: anywhere; }
pre { margin: .3rem 0 .8rem; padding: .6rem .8rem; overflow: auto; border: 1px solid var(--line); border-radius: .4rem;
  font-size: .85rem; }
label { display: block; margin: 1rem 0 .3rem; }
textarea { width: 100%; min-height: 9rem; padding: .6rem .8rem; border: 1px solid var(--line); border-radius: .4rem;
  background: transparent; color: inherit; font: .85rem/1.4 ui-monospace, monospace; }
button { margin-top: .6rem; padding: .6rem 1.1rem; border: 1px solid var(--accent); border-radius: .4rem;
  background: transparent; color: inherit; font: inherit; cursor: pointer; }
button:focus-visible, textarea:focus-visible, summary:focus-visible { outline: 2px solid var(--accent);
  outline-offset: 2px; }
";

/// What was done before this page.
#[derive(Default, Deserialize)]
pub(super) struct Done {
    /// The account with a new stack.
    made: Option<String>,
}

/// The accounts.
pub(super) async fn show(State(aws): State<SmallAws>, Query(done): Query<Done>) -> Response {
    page(StatusCode::OK, &accounts(&aws, done.made.as_deref(), None)).into_response()
}

/// What is sent to make a stack.
#[derive(Deserialize)]
pub(super) struct Wanted {
    account: String,
    template: String,
}

/// Makes a stack, or says why not beside what was pasted.
pub(super) async fn make(State(aws): State<SmallAws>, Form(wanted): Form<Wanted>) -> Response {
    match aws.create_stack(&wanted.account, &wanted.template) {
        // The account is one of ours, so it is twelve digits.
        Ok(()) => Redirect::to(&format!("/console?made={0}#a{0}", wanted.account)).into_response(),
        Err(error) => {
            page(StatusCode::UNPROCESSABLE_ENTITY, &accounts(&aws, None, Some((&wanted, &error)))).into_response()
        }
    }
}

fn accounts(aws: &SmallAws, made: Option<&str>, refused: Option<(&Wanted, &StackError)>) -> String {
    let ids: Vec<String> = locked(&aws.0.marketplaces).keys().cloned().collect();
    let known = aws.0.register.written();
    let elsewhere = refused.filter(|(wanted, _)| !ids.contains(&wanted.account));
    let mut body = String::from(
        "<h1>AWS accounts of the demo</h1>\n<p class=\"note\">This page stands in for the AWS console. It exists in the \
         demo only, and whoever sees it may use it.</p>\n",
    );
    body.extend(elsewhere.map(|(_, error)| format!("<p class=\"bad\" role=\"alert\">{}</p>\n", sentence(error))));
    body.extend(ids.iter().map(|id| {
        let refused = refused.filter(|(wanted, _)| wanted.account == *id);
        account(&known, id, made == Some(id), refused)
    }));
    body
}

fn account(known: &Accounts, id: &str, is_made: bool, refused: Option<(&Wanted, &StackError)>) -> String {
    let roles = known.of_account(id);
    let (verb, what) = if roles.is_empty() {
        ("Create", "<p>There is nothing in this account.</p>\n".to_owned())
    } else {
        ("Update", roles.iter().map(role).collect())
    };
    let outcome = match refused {
        Some((_, error)) => format!("<p class=\"bad\" role=\"alert\">No stack was made. {}</p>\n", sentence(error)),
        None if is_made => "<p role=\"status\">The stack is made.</p>\n".to_owned(),
        None => String::new(),
    };
    let id = escape(id);
    format!(
        "<section id=\"a{id}\">\n<h2>Account {id}</h2>\n{outcome}{what}<form method=\"post\" action=\"/console/stacks\">\n\
         <input type=\"hidden\" name=\"account\" value=\"{id}\">\n\
         <label for=\"t{id}\">CloudFormation template, as JSON</label>\n\
         <textarea id=\"t{id}\" name=\"template\" spellcheck=\"false\" required>\n{}</textarea>\n\
         <button>{verb} stack</button>\n</form>\n</section>\n",
        escape(refused.map_or("", |(wanted, _)| &wanted.template)),
    )
}

/// As a sentence: with a capital at its beginning, unless it begins with a name, and a full stop at its end.
fn sentence(error: &StackError) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    escape(&format!("{first}{}.", chars.as_str()))
}

fn role(role: &IamRole) -> String {
    let managed = |kind: &str, policy: &ManagedPolicy| {
        document(&format!("{kind} {} ({})", policy.arn, policy.version_id), &policy.document)
    };
    let documents: String = std::iter::once(document("Trust policy", &role.trust))
        .chain(role.boundary.as_ref().map(|policy| managed("Permissions boundary", policy)))
        .chain(role.attached_policies.iter().map(|policy| managed("Managed policy", policy)))
        .chain(role.inline_policies.iter().map(|(name, text)| document(&format!("Inline policy {name}"), text)))
        .collect();
    format!(
        "<h3>{}</h3>\n<p class=\"soft\">{}, sessions of up to {} seconds</p>\n{documents}",
        escape(&role.arn),
        escape(&role.role_id),
        role.max_session_seconds,
    )
}

fn document(title: &str, text: &str) -> String {
    let read: Option<serde_json::Value> = serde_json::from_str(text).ok();
    let pretty = read.and_then(|value| serde_json::to_string_pretty(&value).ok());
    let text = pretty.as_deref().unwrap_or(text);
    format!("<details><summary>{}</summary><pre>{}</pre></details>\n", escape(title), escape(text))
}

fn page(status: StatusCode, body: &str) -> impl IntoResponse + use<> {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>AWS accounts of the demo</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n\
         </html>\n"
    );
    let headers = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    (status, headers, Html(html))
}
