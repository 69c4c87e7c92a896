//! What the endpoint answers: JSON, whatever was asked.

use serde::Serialize;
use zeroize::Zeroizing;

use super::super::credentials::Credentials;
use super::keeper::Trouble;
use crate::wire::timestamp;

/// An answer as it is sent.
pub(super) struct Answer {
    status: &'static str,
    body: Zeroizing<Vec<u8>>,
}

/// What AWS tools read from such an endpoint. The session token is called otherwise than everywhere else.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Served<'a> {
    access_key_id: &'a str,
    secret_access_key: &'a str,
    token: &'a str,
    expiration: &'a str,
    account_id: &'a str,
}

#[derive(Serialize)]
struct Refusal<'a> {
    code: &'a str,
    message: &'a str,
}

impl Answer {
    pub(super) fn credentials(credentials: &Credentials) -> Self {
        let served = Served {
            access_key_id: &credentials.access_key_id,
            secret_access_key: &credentials.secret_access_key,
            token: &credentials.session_token,
            expiration: &timestamp(credentials.expires_at),
            account_id: &credentials.account_id,
        };
        Self::of("200 OK", &served)
    }

    pub(super) fn trouble(trouble: &Trouble) -> Self {
        Self::refusal("503 Service Unavailable", trouble.code, &trouble.message)
    }

    pub(super) fn refusal(status: &'static str, code: &str, message: &str) -> Self {
        Self::of(status, &Refusal { code, message })
    }

    fn of(status: &'static str, object: &impl Serialize) -> Self {
        // Room for all of it: a buffer that grows leaves copies behind that nothing wipes.
        let mut body = Zeroizing::new(Vec::with_capacity(16 * 1024));
        // Nothing in these objects can fail to be written, and an empty body is an error to every tool.
        let _ = serde_json::to_writer(&mut *body, object);
        Self { status, body }
    }

    /// Head and body.
    pub(super) fn bytes(&self) -> Zeroizing<Vec<u8>> {
        let allow = if self.status.starts_with("405") { "Allow: GET\r\n" } else { "" };
        let head = format!(
            "HTTP/1.1 {}\r\n\
             Content-Type: application/json\r\n\
             Content-Length: {}\r\n\
             {allow}Cache-Control: no-store\r\n\
             X-Content-Type-Options: nosniff\r\n\
             Connection: close\r\n\r\n",
            self.status,
            self.body.len()
        );
        let mut bytes = Zeroizing::new(Vec::with_capacity(head.len() + self.body.len()));
        bytes.extend_from_slice(head.as_bytes());
        bytes.extend_from_slice(&self.body);
        bytes
    }
}
