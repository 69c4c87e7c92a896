//! The page that the browser is left with. Static but for one sentence, no script, nothing loaded; the one style it may
//! have is named in its policy by its hash.

use std::io;
use std::net::TcpStream;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::http_listener;

/// The colours of the broker's own pages, which lead here.
const STYLE: &str = "\
    body{margin:18vh auto 0;padding:0 1rem;max-width:34rem;font:16px/1.55 system-ui,sans-serif;\
    color:#1f2328;background:#f7f5f0}\
    h1{margin:0 0 .5rem;font-size:1.5rem;line-height:1.25}\
    @media(prefers-color-scheme:dark){body{color:#e7e5df;background:#15181b}}";

/// A page about how the sign-in ended, or about a request that was none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// The session is stored.
    SignedIn,
    /// The person said no.
    Declined,
    /// Something failed; the terminal says what.
    Failed,
    /// Nothing lives at this path.
    NotFound,
    /// The request is not one that this listener takes.
    BadRequest,
    /// The head is larger than any real one.
    TooLarge,
    /// The answer has been given already.
    AlreadyAnswered,
}

impl Page {
    const fn parts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::SignedIn => ("200 OK", "You are signed in", "You can close this page and go back to the terminal."),
            Self::Declined => ("200 OK", "You declined", "Nothing was handed out. You can close this page."),
            Self::Failed => ("200 OK", "You are not signed in", "The terminal says why. You can close this page."),
            Self::NotFound => ("404 Not Found", "Nothing here", "This address only waits for a sign-in to finish."),
            Self::BadRequest => {
                ("400 Bad Request", "Not the expected answer", "This is not the sign-in that the terminal waits for.")
            }
            Self::TooLarge => ("431 Request Header Fields Too Large", "Too large", "This request is too large."),
            Self::AlreadyAnswered => ("409 Conflict", "Already answered", "This sign-in has ended already."),
        }
    }

    fn response(self) -> String {
        let (status, title, sentence) = self.parts();
        let body = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{title} - Lodge</title>\n<style>{STYLE}</style>\n<h1>{title}</h1>\n<p>{sentence}</p>\n</html>\n"
        );
        let style = STANDARD.encode(Sha256::digest(STYLE));
        format!(
            "HTTP/1.1 {status}\r\n\
             Content-Type: text/html; charset=utf-8\r\n\
             Content-Length: {}\r\n\
             Cache-Control: no-store\r\n\
             Content-Security-Policy: default-src 'none'; style-src 'sha256-{style}'\r\n\
             Referrer-Policy: no-referrer\r\n\
             X-Content-Type-Options: nosniff\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        )
    }

    /// Sends the page and closes the connection.
    pub(crate) fn send(self, browser: &mut TcpStream) -> io::Result<()> {
        http_listener::answer(browser, self.response().as_bytes())
    }
}
