//! Whether somebody listens at an address. The name is looked up on a thread of its own: a resolver that hangs is left
//! behind.

use std::net::{TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Near enough for a proxy on the same campus.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// For the name and for a first address that does not answer.
const PATIENCE: Duration = Duration::from_secs(4);

/// Why nobody can be reached there; `None` when somebody listens.
pub(super) fn unreachable(host: &str, port: u16) -> Option<String> {
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let (sender, answer) = mpsc::channel();
    thread::spawn(move || {
        let _ = sender.send(connect(&host, port));
    });
    match answer.recv_timeout(PATIENCE) {
        Ok(answer) => answer.err(),
        Err(_) => Some("no answer in time".to_owned()),
    }
}

fn connect(host: &str, port: u16) -> Result<(), String> {
    let mut why = "its name has no address".to_owned();
    for address in (host, port).to_socket_addrs().map_err(|error| error.to_string())? {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(_) => return Ok(()),
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}
