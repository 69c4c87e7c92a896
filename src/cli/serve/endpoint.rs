//! Who is answered, and who is not.
//!
//! Any process of this machine can reach the port, and so can any page in its browser: so nothing is told to whoever
//! does not name this address as ours, asks otherwise than with `GET`, or has not the token. No answer allows another
//! origin to read it.

use std::fmt;
use std::net::TcpStream;
use std::sync::Arc;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::super::http_listener::{self, Asked, Head};
use super::answer::Answer;
use super::keeper::Kept;

const PATH: &str = "/credentials";

/// The endpoint.
pub(super) struct Endpoint {
    port: u16,
    token: Zeroizing<String>,
    kept: Arc<Kept>,
}

impl Endpoint {
    pub(super) fn new(port: u16, token: Zeroizing<String>, kept: Arc<Kept>) -> Self {
        Self { port, token, kept }
    }

    /// Where it is. The literal address: `localhost` might be another machine.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}{PATH}", self.port)
    }

    /// Answers whoever asks.
    pub(super) fn attend(&self, asked: &Asked, mut caller: TcpStream) {
        let answer = match asked {
            Asked::Request(head) => self.judge(head).unwrap_or_else(|refusal| refusal),
            Asked::TooLarge => {
                Answer::refusal("431 Request Header Fields Too Large", "TooLarge", "too large a request")
            }
            Asked::Nonsense => Answer::refusal("400 Bad Request", "BadRequest", "this is no HTTP request"),
        };
        if let Err(error) = http_listener::answer(&mut caller, &answer.bytes()) {
            tracing::debug!(%error, "somebody asked and did not take the answer");
        }
    }

    fn judge(&self, head: &Head) -> Result<Answer, Answer> {
        let hosts = [format!("127.0.0.1:{}", self.port), format!("localhost:{}", self.port)];
        let host = head.header("host").unwrap_or_default();
        if !hosts.iter().any(|own| host.eq_ignore_ascii_case(own.as_bytes())) {
            return Err(Answer::refusal("403 Forbidden", "WrongHost", "this is not an address of this endpoint"));
        }
        if head.method != "GET" {
            return Err(Answer::refusal("405 Method Not Allowed", "MethodNotAllowed", "ask with GET"));
        }
        let shown = head.header("authorization").unwrap_or_default();
        if !bool::from(self.token.as_bytes().ct_eq(shown)) {
            return Err(Answer::refusal(
                "401 Unauthorized",
                "WrongToken",
                "send what is in the file that AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names as Authorization",
            ));
        }
        if head.target.as_str() != PATH {
            return Err(Answer::refusal("404 Not Found", "NotFound", "credentials are at /credentials"));
        }
        self.kept.good().map(|credentials| Answer::credentials(&credentials)).map_err(|it| Answer::trouble(&it))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("port", &self.port).finish_non_exhaustive()
    }
}
