//! A small HTTP server on 127.0.0.1: for the browser that comes back with a code, and for AWS tools that ask for
//! credentials.
//!
//! Anybody on this machine may knock, and so may any page in its browser. One request is read from a connection, of
//! limited size and within a limited time, each on a thread of its own so that a silent connection cannot hold up
//! another. When too many are silent, the one that has been silent longest gives way to the next. What a request means
//! is for the caller to say, who must look at its `Host`: another name for this address means that some other page made
//! the browser come here.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

/// Larger than any real request: the code, the state and the issuer of a sign-in come to a few hundred bytes.
const MAX_HEAD_BYTES: usize = 8 * 1024;

/// More headers than any browser or AWS tool sends.
const MAX_HEADERS: usize = 64;

/// Connections that have not said what they want; fewer than the file descriptors that a process may have.
const MAX_SILENT: usize = 256;

/// How long an answer may take to leave. It fits into the buffers of the system.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// How long, and how much, is read of what a caller says after its head, so that it sees the answer and not a reset.
const LINGER: Duration = Duration::from_millis(500);
const LINGER_BYTES: u64 = 64 * 1024;

/// How long nobody is listened to when the system has no room for another connection.
const NO_ROOM_PAUSE: Duration = Duration::from_millis(50);

/// The listener, bound and not yet asked for anything.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: TcpListener,
    port: u16,
}

/// A listener at work. It stops when this is dropped.
#[derive(Debug)]
pub(crate) struct Serving {
    port: u16,
    is_over: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

/// What somebody asked.
pub(crate) enum Asked {
    /// A request with this head.
    Request(Head),
    /// More than any real request.
    TooLarge,
    /// Something that is not HTTP.
    Nonsense,
}

/// The head of a request. `Debug` shows nothing that may be secret.
pub(crate) struct Head {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: Zeroizing<String>,
    headers: Vec<(String, Zeroizing<Vec<u8>>)>,
}

/// Connections that have not said what they want, oldest first.
#[derive(Default)]
struct Silent(Mutex<VecDeque<(u64, TcpStream)>>);

impl Listener {
    /// Listens on 127.0.0.1; the system chooses a port when this one is 0.
    pub(crate) fn bind(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Hands whatever is asked within `patience` to `attend`, which answers.
    pub(crate) fn serve(
        self,
        patience: Duration,
        attend: impl Fn(Asked, TcpStream) + Send + Sync + 'static,
    ) -> Serving {
        let is_over = Arc::new(AtomicBool::new(false));
        let (port, over) = (self.port, is_over.clone());
        let accepting = thread::spawn(move || self.accept(patience, &Arc::new(attend), &over));
        Serving { port, is_over, accepting: Some(accepting) }
    }

    fn accept<F>(&self, patience: Duration, attend: &Arc<F>, is_over: &AtomicBool)
    where
        F: Fn(Asked, TcpStream) + Send + Sync + 'static,
    {
        let silent = Arc::new(Silent::default());
        for number in 0.. {
            let accepted = self.listener.accept();
            if is_over.load(Ordering::SeqCst) {
                return;
            }
            let Ok((mut caller, _)) = accepted else {
                thread::sleep(NO_ROOM_PAUSE);
                continue;
            };
            if silent.add(number, &caller).is_err() {
                continue;
            }
            let (attend, kept) = (attend.clone(), silent.clone());
            let spawned = thread::Builder::new().spawn(move || {
                let asked = read(&mut caller, patience);
                kept.remove(number);
                if let Ok(asked) = asked {
                    attend(asked, caller);
                }
            });
            if spawned.is_err() {
                silent.remove(number);
            }
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // It waits for a connection, so here is one.
        let woken = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let (Ok(_), Some(accepting)) = (woken, self.accepting.take()) {
            let _ = accepting.join();
        }
    }
}

impl Silent {
    fn add(&self, number: u64, caller: &TcpStream) -> io::Result<()> {
        let caller = caller.try_clone()?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while all.len() >= MAX_SILENT
            && let Some((_, oldest)) = all.pop_front()
        {
            // Its thread finds the connection at its end.
            let _ = oldest.shutdown(Shutdown::Both);
        }
        all.push_back((number, caller));
        Ok(())
    }

    fn remove(&self, number: u64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(other, _)| *other != number);
    }
}

impl Head {
    /// Reads a whole head, with the empty line that ends it.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        if !request.parse(bytes).ok()?.is_complete() {
            return None;
        }
        Some(Self {
            method: request.method?.to_owned(),
            target: Zeroizing::new(request.path?.to_owned()),
            headers: request
                .headers
                .iter()
                .map(|header| (header.name.to_owned(), Zeroizing::new(header.value.to_owned())))
                .collect(),
        })
    }

    /// The value of a header that stands there exactly once.
    pub(crate) fn header(&self, name: &str) -> Option<&[u8]> {
        let mut found = self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let (first, second) = (found.next(), found.next());
        first.filter(|_| second.is_none()).map(|(_, value)| value.as_slice())
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head").field("method", &self.method).finish_non_exhaustive()
    }
}

/// Sends an answer and closes the connection.
pub(crate) fn answer(caller: &mut TcpStream, response: &[u8]) -> io::Result<()> {
    caller.set_write_timeout(Some(SEND_TIMEOUT))?;
    caller.write_all(response)?;
    caller.flush()?;
    caller.shutdown(Shutdown::Write)?;
    caller.set_read_timeout(Some(LINGER))?;
    let until = Instant::now() + LINGER;
    let (mut chunk, mut read) = ([0; 4096], 0);
    while read < LINGER_BYTES && Instant::now() < until {
        match caller.read(&mut chunk) {
            Ok(0) | Err(_) => break,
            Ok(count) => read += count as u64,
        }
    }
    Ok(())
}

fn read(caller: &mut TcpStream, patience: Duration) -> io::Result<Asked> {
    let deadline = Instant::now() + patience;
    let mut head = Zeroizing::new(Vec::with_capacity(MAX_HEAD_BYTES + 1024));
    let mut chunk = Zeroizing::new([0; 1024]);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        caller.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        let count = caller.read(chunk.as_mut_slice())?;
        if count == 0 || left.is_zero() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        head.extend_from_slice(&chunk[..count]);
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            return Ok(Head::parse(&head[..end + 4]).map_or(Asked::Nonsense, Asked::Request));
        }
        if head.len() > MAX_HEAD_BYTES {
            return Ok(Asked::TooLarge);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen() -> (u16, Serving) {
        let listener = Listener::bind(0).unwrap();
        let port = listener.port();
        let serving = listener.serve(Duration::from_mins(1), |asked, mut caller| {
            let said = match asked {
                Asked::Request(head) => format!("{} {}", head.method, head.target.as_str()),
                Asked::TooLarge => "too large".to_owned(),
                Asked::Nonsense => "nonsense".to_owned(),
            };
            let _ = answer(&mut caller, said.as_bytes());
        });
        (port, serving)
    }

    fn connect(port: u16) -> TcpStream {
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap()
    }

    fn is_closed(mut stream: &TcpStream) -> bool {
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        match stream.read(&mut [0]) {
            Ok(count) => count == 0,
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        }
    }

    fn ask(port: u16, request: &str) -> String {
        let mut stream = connect(port);
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn one_request_is_read_and_anything_else_is_told_apart() {
        let (port, _serving) = listen();

        assert_eq!(ask(port, "GET /x?y HTTP/1.1\r\nHost: h\r\n\r\nGET /second HTTP/1.1\r\n\r\n"), "GET /x?y");
        assert_eq!(ask(port, "BREW  /pot\r\n\r\n"), "nonsense");
        assert_eq!(ask(port, &format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(MAX_HEADERS + 1))), "nonsense");
        assert_eq!(ask(port, &format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(20 * 1024))), "too large");
    }

    #[test]
    fn a_header_counts_when_it_stands_there_once() {
        let head = Head::parse(b"GET / HTTP/1.1\r\nHost: one\r\nX: a\r\nx: b\r\n\r\n").unwrap();

        assert_eq!(head.header("host"), Some(&b"one"[..]));
        assert_eq!((head.header("X"), head.header("Y")), (None, None));
        assert!(Head::parse(b"GET / HTTP/1.1\r\nHost: one\r\n").is_none());
    }

    #[test]
    fn however_many_are_silent_the_next_one_is_heard() {
        let (port, _serving) = listen();
        let silent: Vec<_> = (0..MAX_SILENT + 20).map(|_| connect(port)).collect();

        assert_eq!(ask(port, "GET / HTTP/1.1\r\n\r\n"), "GET /");

        assert!(is_closed(&silent[0]), "it gave way");
    }

    #[test]
    fn whoever_takes_too_long_is_let_go() {
        let listener = Listener::bind(0).unwrap();
        let port = listener.port();
        let _serving = listener.serve(Duration::from_millis(50), |_, _| panic!("nothing was asked"));

        let mut slow = connect(port);
        slow.write_all(b"GET / HT").unwrap();

        assert!(is_closed(&slow));
    }

    #[test]
    fn nobody_listens_any_more_once_it_is_dropped() {
        let held = Arc::new(());
        let (listener, kept) = (Listener::bind(0).unwrap(), held.clone());
        let serving = listener.serve(Duration::from_mins(1), move |_, _| drop(kept.clone()));

        drop(serving);

        assert_eq!(Arc::strong_count(&held), 1, "the thread that listened has ended");
    }

    #[test]
    fn debug_does_not_show_what_was_asked() {
        let head = Head::parse(b"GET /canary HTTP/1.1\r\nAuthorization: canary\r\n\r\n").unwrap();

        assert!(!format!("{head:?}").contains("canary"));
    }
}
