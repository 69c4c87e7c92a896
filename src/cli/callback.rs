//! Waits on this machine for the browser to come back with a code (RFC 8252, section 7.3).
//!
//! The listener is on 127.0.0.1 only, on a port that the system chose and a path that nobody can guess. Browsers open
//! connections that they never use and ask for icons, and any page may knock: all of that is answered and forgotten.
//! Exactly one request that carries our state is taken. Its connection stays open until the token is stored: the page
//! must not say that somebody is signed in before they are.

use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::ambient::Random;

use super::authorize;
use super::callback_page::Page;
use super::failure::Failure;
use super::http_listener::{Asked, Head, Listener};

/// A browser sends its request within milliseconds; a preconnected socket that it uses later gets a new try.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(20);

/// The listener, bound and not yet asked for anything.
#[derive(Debug)]
pub(crate) struct Callback {
    listener: Listener,
    path: String,
}

/// The browser that came back.
pub(crate) struct Returned {
    answer: Result<Zeroizing<String>, Failure>,
    browser: TcpStream,
}

/// A browser that waits for its page.
pub(crate) struct Waiting(TcpStream);

struct Expected {
    path: String,
    host: String,
    state: Zeroizing<String>,
    issuer: String,
}

enum Verdict {
    Stray(Page),
    Answer(Result<Zeroizing<String>, Failure>),
}

impl Callback {
    /// Binds the listener. The browser may be opened after this.
    pub(crate) fn bind(random: &Random) -> Result<Self, Failure> {
        let listener = Listener::bind(0).map_err(Failure::Listen)?;
        Ok(Self { listener, path: format!("/callback/{}", authorize::secret(random).as_str()) })
    }

    /// The port, for somebody who must forward it.
    pub(crate) fn port(&self) -> u16 {
        self.listener.port()
    }

    /// Where the broker sends the browser. The literal address: `localhost` might be another machine.
    pub(crate) fn redirect_uri(&self) -> String {
        format!("http://127.0.0.1:{}{}", self.port(), self.path)
    }

    /// Waits for the one answer that carries `state`.
    pub(crate) fn wait(self, state: &str, issuer: &str, timeout: Duration) -> Result<Returned, Failure> {
        let expected = Expected {
            host: format!("127.0.0.1:{}", self.port()),
            path: self.path,
            state: Zeroizing::new(state.to_owned()),
            issuer: issuer.to_owned(),
        };
        let answered = AtomicBool::new(false);
        let (sender, receiver) = mpsc::channel();
        let _serving = self.listener.serve(CONNECTION_TIMEOUT, move |asked, browser| {
            if let Some(returned) = attend(&asked, browser, &expected, &answered) {
                let _ = sender.send(returned);
            }
        });
        receiver.recv_timeout(timeout).map_err(|_| Failure::NobodyCame)
    }
}

impl Returned {
    /// The code and the browser that waits for a page; or why there is no code, the browser having its page already.
    pub(crate) fn code(self) -> Result<(Zeroizing<String>, Waiting), Failure> {
        let waiting = Waiting(self.browser);
        match self.answer {
            Ok(code) => Ok((code, waiting)),
            Err(failure) => {
                waiting.leave(if matches!(failure, Failure::Declined) { Page::Declined } else { Page::Failed });
                Err(failure)
            }
        }
    }
}

impl Waiting {
    /// Leaves the browser with a page. Whether the person reads it changes nothing.
    pub(crate) fn leave(mut self, page: Page) {
        let _ = page.send(&mut self.0);
    }
}

/// Looks at one request; `Some` when it is the answer.
fn attend(asked: &Asked, mut browser: TcpStream, expected: &Expected, answered: &AtomicBool) -> Option<Returned> {
    let page = match asked {
        Asked::TooLarge => Page::TooLarge,
        Asked::Nonsense => Page::BadRequest,
        Asked::Request(head) => match judge(head, expected) {
            Verdict::Stray(page) => page,
            Verdict::Answer(answer) if !answered.swap(true, Ordering::SeqCst) => {
                return Some(Returned { answer, browser });
            }
            Verdict::Answer(_) => Page::AlreadyAnswered,
        },
    };
    let _ = page.send(&mut browser);
    None
}

fn judge(head: &Head, expected: &Expected) -> Verdict {
    // Another name for this address means that some other page made the browser come here.
    if head.method != "GET" || head.header("host") != Some(expected.host.as_bytes()) {
        return Verdict::Stray(Page::BadRequest);
    }
    let (path, query) = head.target.split_once('?').unwrap_or((&head.target, ""));
    if path != expected.path {
        return Verdict::Stray(Page::NotFound);
    }
    judge_query(query, expected)
}

fn judge_query(query: &str, expected: &Expected) -> Verdict {
    let (mut code, mut state, mut iss, mut error, mut description) = (None, None, None, None, None);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let slot = match &*name {
            "code" => &mut code,
            "state" => &mut state,
            "iss" => &mut iss,
            "error" => &mut error,
            "error_description" => &mut description,
            _ => continue,
        };
        // RFC 6749, section 3.1: no parameter more than once.
        if slot.replace(Zeroizing::new(value.into_owned())).is_some() {
            return Verdict::Stray(Page::BadRequest);
        }
    }

    if state.as_deref() != Some(&*expected.state) {
        return Verdict::Stray(Page::BadRequest);
    }
    // RFC 9207: an answer in another server's name is an attack, not an accident.
    if iss.as_deref() != Some(&expected.issuer) {
        return Verdict::Answer(Err(Failure::SignIn("the answer does not come from this broker".to_owned())));
    }
    Verdict::Answer(match (code, error) {
        (Some(code), None) if !code.is_empty() => Ok(code),
        (None, Some(error)) if error.as_str() == "access_denied" => Err(Failure::Declined),
        (None, Some(error)) => Err(Failure::SignIn(description.unwrap_or(error).to_string())),
        _ => Err(Failure::SignIn("the answer holds no code".to_owned())),
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::Ipv4Addr;
    use std::thread;

    use super::*;

    const HOST: &str = "Host: 127.0.0.1:4000";

    fn expected() -> Expected {
        Expected {
            path: "/callback/x".into(),
            host: "127.0.0.1:4000".into(),
            state: String::from("s").into(),
            issuer: "https://lodge.example.edu".into(),
        }
    }

    fn judged(head: &str) -> String {
        let Some(head) = Head::parse(format!("{head}\r\n\r\n").as_bytes()) else { return "nonsense".to_owned() };
        match judge(&head, &expected()) {
            Verdict::Stray(page) => format!("{page:?}"),
            Verdict::Answer(Ok(code)) => format!("code {}", code.as_str()),
            Verdict::Answer(Err(failure)) => failure.to_string(),
        }
    }

    #[test]
    fn the_answer_gives_its_code() {
        let head = format!(
            "GET /callback/x?code=c%2B1&state=s&iss=https%3A%2F%2Flodge.example.edu HTTP/1.1\r\n{HOST}\r\nAccept: */*"
        );

        assert_eq!(judged(&head), "code c+1");
    }

    #[test]
    fn anything_but_the_answer_is_a_stray() {
        let query = "code=c&state=s&iss=https%3A%2F%2Flodge.example.edu";
        for (head, page) in [
            (format!("GET /favicon.ico HTTP/1.1\r\n{HOST}"), "NotFound"),
            (format!("GET /callback/y?{query} HTTP/1.1\r\n{HOST}"), "NotFound"),
            (format!("GET /callback/x/?{query} HTTP/1.1\r\n{HOST}"), "NotFound"),
            (format!("POST /callback/x?{query} HTTP/1.1\r\n{HOST}"), "BadRequest"),
            (format!("GET /callback/x?{query} HTTP/1.1\r\nHost: localhost:4000"), "BadRequest"),
            (format!("GET /callback/x?{query} HTTP/1.1\r\nHost: 127.0.0.1:4001"), "BadRequest"),
            (format!("GET /callback/x?{query} HTTP/1.1\r\n{HOST}\r\n{HOST}"), "BadRequest"),
            (format!("GET /callback/x?{query} HTTP/1.1"), "BadRequest"),
            (format!("GET /callback/x?code=c&state=t&iss=https://lodge.example.edu HTTP/1.1\r\n{HOST}"), "BadRequest"),
            (format!("GET /callback/x?code=c&iss=https://lodge.example.edu HTTP/1.1\r\n{HOST}"), "BadRequest"),
            (format!("GET /callback/x?{query}&code=d HTTP/1.1\r\n{HOST}"), "BadRequest"),
            ("nonsense".to_owned(), "nonsense"),
            (String::new(), "nonsense"),
        ] {
            assert_eq!(judged(&head), page, "{head}");
        }
    }

    #[test]
    fn an_answer_in_another_issuers_name_is_refused() {
        for iss in ["&iss=https://other.example.edu", "&iss=https://lodge.example.edu/", ""] {
            assert_eq!(
                judged(&format!("GET /callback/x?code=c&state=s{iss} HTTP/1.1\r\n{HOST}")),
                "the sign-in did not succeed: the answer does not come from this broker"
            );
        }
    }

    #[test]
    fn a_refusal_is_an_answer_too() {
        let head = |error| format!("GET /callback/x?state=s&iss=https://lodge.example.edu&{error} HTTP/1.1\r\n{HOST}");

        assert_eq!(judged(&head("error=access_denied")), Failure::Declined.to_string());
        assert_eq!(
            judged(&head("error=server_error&error_description=No+group+claim")),
            "the sign-in did not succeed: No group claim"
        );
        assert_eq!(judged(&head("error=a&code=b")), "the sign-in did not succeed: the answer holds no code");
    }

    fn knock(port: u16, request: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    }

    #[test]
    fn the_listener_survives_strays_and_takes_one_answer() {
        let callback = Callback::bind(&Random::System).unwrap();
        let (port, path) = (callback.port(), callback.path.clone());
        let browser = thread::spawn(move || {
            let silent = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
            drop(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap());
            let get = |target: &str| knock(port, &format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"));
            assert!(get("/favicon.ico").starts_with("HTTP/1.1 404 "));
            assert!(get(&format!("{path}?code=evil&state=guess&iss=i")).starts_with("HTTP/1.1 400 "));
            assert!(knock(port, &"x".repeat(9 * 1024)).starts_with("HTTP/1.1 431 "));
            let page = get(&format!("{path}?code=good&state=s&iss=i"));
            drop(silent);
            page
        });

        let returned = callback.wait("s", "i", Duration::from_secs(10)).unwrap();
        let (code, waiting) = returned.code().unwrap();
        assert_eq!(code.as_str(), "good");
        waiting.leave(Page::SignedIn);

        let page = browser.join().unwrap();
        for part in ["HTTP/1.1 200 ", "no-store", "default-src 'none'", "no-referrer", "You are signed in"] {
            assert!(page.contains(part), "{page}");
        }
    }

    #[test]
    fn nobody_comes_for_ever() {
        let callback = Callback::bind(&Random::System).unwrap();

        assert!(matches!(callback.wait("s", "i", Duration::from_millis(50)), Err(Failure::NobodyCame)));
    }
}
