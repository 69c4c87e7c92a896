//! Somebody who asks the broker for credentials on a bare connection, and keeps whatever came before it broke.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use lodge::wire;

use super::PATIENCE;
use super::proxy::head_end;

/// What came back, whole or not.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    raw: Vec<u8>,
}

/// A credential that somebody has in hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) access_key_id: String,
    pub(crate) role_session: String,
}

/// Asks for a role, such as `vision/read-results`, and reads until the broker hangs up or breaks off.
pub(crate) fn ask(broker: SocketAddr, token: &str, role: &str) -> Reply {
    TcpStream::connect(broker).and_then(|connection| ask_over(connection, token, role, None)).unwrap_or_default()
}

/// The same, reading a few bytes at a time with a pause after each, over a connection that can hold little.
pub(crate) fn ask_slowly(broker: SocketAddr, token: &str, role: &str) -> Reply {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let connection = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(1_024)?;
        socket.connect(broker).await?.into_std()
    });
    let answer = connection.and_then(|connection| {
        connection.set_nonblocking(false)?;
        ask_over(connection, token, role, Some(Duration::from_millis(1)))
    });
    answer.unwrap_or_default()
}

/// Sends the request and returns the connection without reading from it.
pub(crate) fn begin(broker: SocketAddr, token: &str, role: &str) -> std::io::Result<TcpStream> {
    let mut connection = TcpStream::connect(broker)?;
    send(&mut connection, token, role)?;
    Ok(connection)
}

fn send(connection: &mut TcpStream, token: &str, role: &str) -> std::io::Result<()> {
    let (lab, role) = role.split_once('/').unwrap();
    let request = format!(
        "POST /api/v1/labs/{lab}/roles/{role}/credentials HTTP/1.1\r\nhost: lodge\r\nauthorization: Bearer {token}\r\n\
         content-length: 0\r\nconnection: close\r\n\r\n"
    );
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.write_all(request.as_bytes())
}

fn ask_over(mut connection: TcpStream, token: &str, role: &str, pause: Option<Duration>) -> std::io::Result<Reply> {
    send(&mut connection, token, role)?;
    let mut reply = Reply::default();
    let mut some = [0; 256];
    // A connection that breaks is an end like any other here.
    while let Ok(read @ 1..) = connection.read(&mut some) {
        reply.raw.extend_from_slice(&some[..read]);
        if let Some(pause) = pause {
            std::thread::sleep(pause);
        }
    }
    Ok(reply)
}

impl Reply {
    /// The status, if that much came.
    pub(crate) fn status(&self) -> Option<u16> {
        let head = std::str::from_utf8(&self.raw[..head_end(&self.raw)?]).ok()?;
        head.split(' ').nth(1)?.parse().ok()
    }

    /// The body, as much of it as came.
    pub(crate) fn body(&self) -> String {
        let start = head_end(&self.raw).unwrap_or(self.raw.len());
        String::from_utf8_lossy(&self.raw[start..]).into_owned()
    }

    /// The credential in it, when it is all there.
    pub(crate) fn received(&self) -> Option<Received> {
        let credentials: wire::CredentialsResponse = serde_json::from_str(&self.body()).ok()?;
        (self.status() == Some(200))
            .then_some(Received { access_key_id: credentials.access_key_id, role_session: credentials.role_session_id })
    }

    /// What kind of problem it is, after `urn:lodge:problem:`.
    pub(crate) fn problem(&self) -> Option<String> {
        let problem: wire::Problem = serde_json::from_str(&self.body()).ok()?;
        Some(problem.kind.strip_prefix("urn:lodge:problem:")?.to_owned())
    }
}
