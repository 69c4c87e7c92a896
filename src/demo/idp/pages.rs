//! The pages of the provider: a small university that does not exist. Plain forms, no script.
//!
//! The policy names no `form-action`: Chromium applies it to the redirects that follow a form, and the sign-in ends
//! with one to the application.

use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, StatusCode};
use axum::response::{Html, IntoResponse};

use chrono::{DateTime, Utc};

use super::Person;
use super::authorize::WITH_SECOND_FACTOR;
use crate::demo::markup::escape;

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5a6575; --paper: #fff; --ground: #eef1f5;
  --line: #d3d9e2; --accent: #7a1f35; --note: #fff6dc; --note-ink: #5c4700; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf2; --soft: #a3adbb; --paper: #1b212b; --ground: #11151c;
  --line: #343d4b; --accent: #e09aac; --note: #3a3216; --note-ink: #f3e2ac; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--ground);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 27rem; padding: 2rem; background: var(--paper); border: 1px solid var(--line);
  border-top: .3rem solid var(--accent); border-radius: .5rem; }
header { display: flex; gap: .8rem; align-items: center; margin-bottom: 1.5rem; }
header svg { flex: none; color: var(--accent); }
header p { margin: 0; font-family: Georgia, serif; font-size: 1.25rem; line-height: 1.2; }
header small { display: block; font: .8rem/1.4 system-ui, sans-serif; color: var(--soft); }
h1 { margin: 0 0 .25rem; font-size: 1.3rem; }
p { margin: 0 0 1rem; }
.note { padding: .6rem .8rem; border-radius: .4rem; background: var(--note); color: var(--note-ink); font-size: .9rem; }
button { width: 100%; margin: 0 0 .6rem; padding: .7rem .9rem; border: 1px solid var(--line); border-radius: .4rem;
  background: transparent; color: inherit; font: inherit; text-align: left; cursor: pointer; }
button:hover, button:focus-visible { border-color: var(--accent); }
button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
button span { display: block; font-size: .9rem; color: var(--soft); }
button code { float: right; color: var(--soft); font-size: .85rem; }
button.second { margin-top: -.4rem; padding: .3rem .9rem; border-color: transparent; color: var(--soft); font-size: .85rem; }
button.decline { margin: .6rem 0 0; border-color: transparent; text-align: center; color: var(--soft); }
";

const CREST: &str = r#"<svg width="40" height="46" viewBox="0 0 40 46" fill="none" stroke="currentColor"
 stroke-width="2" aria-hidden="true"><path d="M3 3h34v20c0 10-8 17-17 20C11 40 3 33 3 23z"/><path
 d="M9 15c4-2 8-2 11 1 3-3 7-3 11-1v13c-4-2-8-2-11 1-3-3-7-3-11-1zM20 16v13"/></svg>"#;

/// For every answer that holds a code, a token or a form: nobody keeps it, and nobody learns where it was.
pub(super) const PRIVATE: [(HeaderName, &str); 2] = [(CACHE_CONTROL, "no-store"), (REFERRER_POLICY, "no-referrer")];

/// The page that lists everybody who can be signed in, after whoever is signed in here since when.
pub(super) fn sign_in(
    client: &str,
    handle: &str,
    people: &[Person],
    here: Option<(&Person, DateTime<Utc>)>,
    wants_second_factor: bool,
) -> impl IntoResponse + use<> {
    let goes_on = here.map(|(person, since)| {
        format!(
            "<button name=\"continue\" value=\"yes\">Go on as {}<span>Signed in here since {}</span></button>\n",
            escape(&person.name),
            since.format("%Y-%m-%d %H:%M:%S UTC"),
        )
    });
    let buttons: String = goes_on.into_iter().chain(people.iter().map(button)).collect();
    let wish = if wants_second_factor { "<p>The application asks for a second factor.</p>\n" } else { "" };
    let body = format!(
        "<h1>Sign in</h1>\n<p>to continue to <strong>{}</strong></p>\n\
         <p class=\"note\">\
         This is a demo provider: it asks for no password and signs in anyone. Choose who to be.</p>\n{wish}\
         <form method=\"post\" action=\"sign-in\">\n\
         <input type=\"hidden\" name=\"request\" value=\"{}\">\n{buttons}\
         <button class=\"decline\" name=\"decline\" value=\"yes\">Do not sign in</button>\n</form>\n",
        escape(client),
        escape(handle),
    );
    page(StatusCode::OK, "Sign in", &body)
}

/// The page for a request that must not be answered with a redirect.
pub(super) fn error(sentence: &str) -> impl IntoResponse + use<> {
    let body = format!("<h1>This sign-in cannot go on</h1>\n<p>{}</p>\n", escape(sentence));
    page(StatusCode::BAD_REQUEST, "This sign-in cannot go on", &body)
}

fn button(person: &Person) -> String {
    let subject = escape(&person.subject);
    format!(
        "<button name=\"person\" value=\"{subject}\"><code>{}</code>{}<span>{}</span></button>\n\
         <button class=\"second\" name=\"second_factor\" value=\"{WITH_SECOND_FACTOR}{subject}\">with a second \
         factor</button>\n",
        escape(&person.username),
        escape(&person.name),
        escape(&person.title),
    )
}

/// The page that asks whether to leave.
pub(super) fn sign_out(name: Option<&str>) -> impl IntoResponse + use<> {
    let body = match name {
        Some(name) => format!(
            "<h1>Sign out</h1>\n<p>You are signed in here as <strong>{}</strong>.</p>\n\
             <form method=\"post\" action=\"sign-out\">\n<button name=\"leave\" value=\"yes\">Sign out</button>\n</form>\n",
            escape(name)
        ),
        None => "<h1>Sign out</h1>\n<p>Nobody is signed in here in this browser.</p>\n".to_owned(),
    };
    page(StatusCode::OK, "Sign out", &body)
}

/// The page after leaving.
pub(super) fn signed_out() -> impl IntoResponse + use<> {
    page(
        StatusCode::OK,
        "Signed out",
        "<h1>You are signed out</h1>\n<p>The applications that you used were told.</p>\n",
    )
}

fn page(status: StatusCode, title: &str, body: &str) -> impl IntoResponse + use<> {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} - Example University</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <header>{CREST}<p>Example University<small>A university that does not exist</small></p></header>\n\
         {body}</main>\n</body>\n</html>\n"
    );
    let headers = [(CONTENT_SECURITY_POLICY, POLICY), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (status, PRIVATE, headers, Html(html))
}
