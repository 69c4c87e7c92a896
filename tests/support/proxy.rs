//! A proxy that stands between two programs: it keeps what went through, can call back on the way and can be slow.
//!
//! It speaks as much HTTP/1.1 as the AWS clients, ureq and axum do: one request per connection, bodies by
//! `Content-Length` or chunked. The `Host` header is passed on untouched, so a SigV4 signature stays true.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::PATIENCE;

/// A listening proxy. Ends when dropped.
pub(crate) struct RecordingProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// One request, and its answer once there is one.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    /// Counts from 0, in order of arrival.
    pub(crate) number: usize,
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) answer: Option<Answer>,
}

/// What the upstream said.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Head and body as they came.
    pub(crate) raw: Vec<u8>,
}

/// Where a callback stands on the way of one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The request has arrived and the upstream has not seen it.
    BeforeUpstream,
    /// The upstream has answered and the caller has not seen it.
    BeforeAnswer,
    /// The caller has been sent the answer.
    AfterAnswer,
}

type Callback = Arc<dyn Fn(Moment, &Recorded) + Send + Sync>;
type StandIn = Arc<dyn Fn(&Recorded) -> Option<Vec<u8>> + Send + Sync>;

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    closing: AtomicBool,
}

struct State {
    upstream: SocketAddr,
    recorded: Vec<Recorded>,
    callback: Option<Callback>,
    stand_in: Option<StandIn>,
    delay: Duration,
    held: Option<Moment>,
}

impl RecordingProxy {
    /// A proxy on a free port of 127.0.0.1 in front of `upstream`.
    pub(crate) fn to(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state =
            State { upstream, recorded: Vec::new(), callback: None, stand_in: None, delay: Duration::ZERO, held: None };
        let shared =
            Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new(), closing: AtomicBool::new(false) });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for caller in listener.incoming() {
                if accepting.closing.load(Ordering::SeqCst) {
                    break;
                }
                let shared = Arc::clone(&accepting);
                // A caller or an upstream that goes away is what many tests are about.
                std::thread::spawn(move || caller.and_then(|caller| shared.exchange(caller)));
            }
        });
        Self { address, shared }
    }

    /// The same for an upstream on a port of 127.0.0.1.
    pub(crate) fn to_port(port: u16) -> Self {
        Self::to(SocketAddr::from(([127, 0, 0, 1], port)))
    }

    /// `http://127.0.0.1:PORT`, without a final slash.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that has arrived so far.
    pub(crate) fn recorded(&self) -> Vec<Recorded> {
        self.shared.state.lock().unwrap().recorded.clone()
    }

    /// Forgets everything that has arrived so far.
    pub(crate) fn forget(&self) {
        self.shared.state.lock().unwrap().recorded.clear();
    }

    /// Waits until `count` requests have arrived, answered or not.
    pub(crate) fn wait_for(&self, count: usize) -> Vec<Recorded> {
        let state = self.shared.state.lock().unwrap();
        let waited = self.shared.changed.wait_timeout_while(state, PATIENCE, |state| state.recorded.len() < count);
        let state = waited.unwrap().0;
        assert!(state.recorded.len() >= count, "{} of {count} requests arrived", state.recorded.len());
        state.recorded.clone()
    }

    /// Calls `callback` at every [`Moment`] of every exchange, on that exchange's own thread: the exchange waits for it.
    pub(crate) fn on_each(&self, callback: impl Fn(Moment, &Recorded) + Send + Sync + 'static) {
        self.shared.state.lock().unwrap().callback = Some(Arc::new(callback));
    }

    /// Puts the proxy in front of another upstream, such as a program that was started again on another port.
    pub(crate) fn lead_to(&self, upstream: SocketAddr) {
        self.shared.state.lock().unwrap().upstream = upstream;
    }

    /// Answers in the upstream's place, which never sees the request, whenever `stand_in` gives an answer: the bytes of
    /// a whole one (see [`http_answer`]), or none at all to hang up.
    pub(crate) fn answer_instead(&self, stand_in: impl Fn(&Recorded) -> Option<Vec<u8>> + Send + Sync + 'static) {
        self.shared.state.lock().unwrap().stand_in = Some(Arc::new(stand_in));
    }

    /// Makes every answer this much later.
    pub(crate) fn delay(&self, by: Duration) {
        self.shared.state.lock().unwrap().delay = by;
    }

    /// Holds every exchange at this moment until [`Self::release`].
    pub(crate) fn hold(&self, moment: Moment) {
        self.shared.state.lock().unwrap().held = Some(moment);
    }

    /// Lets everything go on.
    pub(crate) fn release(&self) {
        self.shared.state.lock().unwrap().held = None;
        self.shared.changed.notify_all();
    }
}

impl Drop for RecordingProxy {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        self.release();
        // Wakes the accepting thread, which then sees that it is over.
        let _ = TcpStream::connect(self.address);
    }
}

impl Recorded {
    /// The value of a header, whatever the case of its name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body, as the form that AWS's query protocol sends.
    pub(crate) fn form(&self) -> BTreeMap<String, String> {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// The values in the target's query.
    pub(crate) fn query(&self) -> BTreeMap<String, String> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    /// The target without its query.
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

impl Answer {
    /// The head: status and headers.
    pub(crate) fn head(&self) -> String {
        String::from_utf8_lossy(&self.raw[..self.body_start()]).into_owned()
    }

    /// The body, of an answer that is not sent in chunks.
    pub(crate) fn body(&self) -> String {
        String::from_utf8_lossy(&self.raw[self.body_start()..]).into_owned()
    }

    fn body_start(&self) -> usize {
        head_end(&self.raw).unwrap_or(self.raw.len())
    }
}

/// The bytes of a whole answer.
pub(crate) fn http_answer(status: &str, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n");
    format!("{head}connection: close\r\n\r\n{body}").into_bytes()
}

/// Where the body of an answer or a request begins, once its head is whole.
pub(crate) fn head_end(raw: &[u8]) -> Option<usize> {
    raw.windows(4).position(|four| four == b"\r\n\r\n").map(|end| end + 4)
}

impl Shared {
    fn exchange(&self, mut caller: TcpStream) -> std::io::Result<()> {
        caller.set_read_timeout(Some(PATIENCE))?;
        let mut from_caller = BufReader::new(caller.try_clone()?);
        let Some(mut recorded) = read_request(&mut from_caller, &mut caller)? else { return Ok(()) };
        {
            let mut state = self.state.lock().unwrap();
            recorded.number = state.recorded.len();
            state.recorded.push(recorded.clone());
        }
        self.changed.notify_all();

        self.pause_at(Moment::BeforeUpstream, &recorded);
        let (stand_in, upstream) = {
            let state = self.state.lock().unwrap();
            (state.stand_in.clone(), state.upstream)
        };
        let raw = match stand_in.and_then(|stand_in| stand_in(&recorded)) {
            Some(raw) => raw,
            None => ask(upstream, &recorded)?,
        };
        let Some(status) = status_of(&raw) else {
            return caller.shutdown(Shutdown::Both);
        };
        let answer = Answer { status, raw };
        recorded.answer = Some(answer.clone());
        if let Some(kept) = self.state.lock().unwrap().recorded.get_mut(recorded.number) {
            kept.answer = Some(answer.clone());
        }

        self.pause_at(Moment::BeforeAnswer, &recorded);
        let delay = self.state.lock().unwrap().delay;
        std::thread::sleep(delay);
        caller.write_all(&answer.raw)?;
        caller.shutdown(Shutdown::Write)?;
        self.pause_at(Moment::AfterAnswer, &recorded);
        Ok(())
    }

    fn pause_at(&self, moment: Moment, recorded: &Recorded) {
        let callback = self.state.lock().unwrap().callback.clone();
        if let Some(callback) = callback {
            callback(moment, recorded);
        }
        let until = Instant::now() + PATIENCE;
        let mut state = self.state.lock().unwrap();
        while state.held == Some(moment) && Instant::now() < until {
            state = self.changed.wait_timeout(state, Duration::from_millis(100)).unwrap().0;
        }
    }
}

/// What the upstream says to this request, up to where it hangs up.
fn ask(upstream: SocketAddr, recorded: &Recorded) -> std::io::Result<Vec<u8>> {
    let mut upstream = TcpStream::connect(upstream)?;
    upstream.set_read_timeout(Some(PATIENCE))?;
    upstream.write_all(&request_bytes(recorded))?;
    let mut raw = Vec::new();
    upstream.read_to_end(&mut raw)?;
    Ok(raw)
}

/// Reads one request; `None` when the caller only knocked.
pub(super) fn read_request(from: &mut impl BufRead, caller: &mut impl Write) -> std::io::Result<Option<Recorded>> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        from.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut recorded = Recorded { number: 0, method, target, headers, body: Vec::new(), answer: None };
    if recorded.header("expect").is_some() {
        caller.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    if recorded.header("transfer-encoding").is_some() {
        recorded.body = read_chunks(from)?;
    } else if let Some(length) = recorded.header("content-length").and_then(|length| length.parse().ok()) {
        recorded.body = vec![0; length];
        from.read_exact(&mut recorded.body)?;
    }
    Ok(Some(recorded))
}

fn read_chunks(from: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        from.read_line(&mut line)?;
        let length = usize::from_str_radix(line.trim(), 16).unwrap_or(0);
        let mut chunk = vec![0; length + 2];
        from.read_exact(&mut chunk)?;
        if length == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&chunk[..length]);
    }
}

/// The request as it goes on: its own headers, but for those that say how this one connection works.
fn request_bytes(recorded: &Recorded) -> Vec<u8> {
    use std::fmt::Write as _;

    const OURS: [&str; 4] = ["connection", "content-length", "expect", "transfer-encoding"];
    let mut head = format!("{} {} HTTP/1.1\r\n", recorded.method, recorded.target);
    for (name, value) in &recorded.headers {
        if !OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours)) {
            let _ = write!(head, "{name}: {value}\r\n");
        }
    }
    let _ = write!(head, "content-length: {}\r\nconnection: close\r\n\r\n", recorded.body.len());
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(&recorded.body);
    bytes
}

/// The status of an answer whose head has arrived; an upstream that was killed may have sent less.
fn status_of(raw: &[u8]) -> Option<u16> {
    std::str::from_utf8(&raw[..head_end(raw)?]).ok()?.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answers every request with its body, and tells which requests it has seen.
    fn echo() -> (SocketAddr, Arc<Mutex<Vec<Recorded>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&seen);
        std::thread::spawn(move || {
            for caller in listener.incoming() {
                let mut caller = caller.unwrap();
                let request = read_request(&mut BufReader::new(caller.try_clone().unwrap()), &mut caller);
                let request = request.unwrap().unwrap();
                let head = format!("HTTP/1.1 201 Created\r\ncontent-length: {}\r\n\r\n", request.body.len());
                caller.write_all(head.as_bytes()).unwrap();
                caller.write_all(&request.body).unwrap();
                notes.lock().unwrap().push(request);
            }
        });
        (address, seen)
    }

    fn post(proxy: &RecordingProxy, body: &str) -> Option<String> {
        let answer = ureq::post(format!("{}/a?b=c", proxy.url())).header("x-one", "1").send(body);
        Some(answer.ok()?.body_mut().read_to_string().unwrap())
    }

    #[test]
    fn the_proxy_passes_on_and_keeps_both_sides() {
        let (upstream, seen) = echo();
        let proxy = RecordingProxy::to(upstream);

        let answer = post(&proxy, "Action=AssumeRole&Policy=%7B%22a%22%3A+1%7D");

        assert_eq!(answer.as_deref(), Some("Action=AssumeRole&Policy=%7B%22a%22%3A+1%7D"));
        let recorded = &proxy.wait_for(1)[0];
        assert_eq!((recorded.method.as_str(), recorded.target.as_str()), ("POST", "/a?b=c"));
        assert_eq!(recorded.header("X-One"), Some("1"));
        assert_eq!(recorded.form()["Policy"], r#"{"a": 1}"#);
        assert_eq!(recorded.answer.as_ref().map(|answer| answer.status), Some(201));
        let host = proxy.url().replace("http://", "");
        assert_eq!(seen.lock().unwrap()[0].header("host"), Some(host.as_str()), "a signature covers the host");
        proxy.forget();
        assert!(proxy.recorded().is_empty());
    }

    #[test]
    fn a_callback_sees_each_moment_in_order() {
        let (upstream, seen) = echo();
        let proxy = RecordingProxy::to(upstream);
        let moments = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&moments);
        proxy.on_each(move |moment, recorded| {
            let upstream_saw = seen.lock().unwrap().len();
            notes.lock().unwrap().push((moment, upstream_saw, recorded.answer.is_some()));
        });

        post(&proxy, "x").unwrap();

        let moments = super::super::eventually("three moments", || {
            let moments = moments.lock().unwrap().clone();
            (moments.len() == 3).then_some(moments)
        });
        assert_eq!(moments[0], (Moment::BeforeUpstream, 0, false));
        assert_eq!((moments[1].0, moments[1].2), (Moment::BeforeAnswer, true));
        assert_eq!(moments[2].0, Moment::AfterAnswer);
    }

    #[test]
    fn a_held_request_waits_for_its_release() {
        let (upstream, seen) = echo();
        let proxy = RecordingProxy::to(upstream);
        proxy.hold(Moment::BeforeUpstream);

        std::thread::scope(|scope| {
            let caller = scope.spawn(|| post(&proxy, "x"));
            proxy.wait_for(1);
            std::thread::sleep(Duration::from_millis(100));
            assert!(seen.lock().unwrap().is_empty() && !caller.is_finished());

            proxy.release();
            assert_eq!(caller.join().unwrap().as_deref(), Some("x"));
        });
    }

    #[test]
    fn a_delayed_answer_is_late() {
        let (upstream, _) = echo();
        let proxy = RecordingProxy::to(upstream);
        proxy.delay(Duration::from_millis(300));
        let started = Instant::now();

        post(&proxy, "x").unwrap();

        assert!(started.elapsed() >= Duration::from_millis(300));
    }

    #[test]
    fn a_stand_in_answers_in_the_place_of_the_upstream() {
        let (upstream, seen) = echo();
        let proxy = RecordingProxy::to_port(super::super::free_port());
        proxy.lead_to(upstream);
        proxy.answer_instead(|request| match request.body.as_slice() {
            b"say" => Some(http_answer("200 OK", "text/plain", "said")),
            b"hang up" => Some(Vec::new()),
            _ => None,
        });

        assert_eq!(post(&proxy, "say").as_deref(), Some("said"));
        assert_eq!(post(&proxy, "hang up"), None);
        assert!(seen.lock().unwrap().is_empty());
        assert_eq!(post(&proxy, "else").as_deref(), Some("else"));
        let recorded = proxy.recorded();
        let answer = recorded[0].answer.as_ref().unwrap();
        assert!(answer.head().ends_with("\r\n\r\n"));
        assert_eq!(
            (recorded[0].path(), recorded[0].query()["b"].as_str(), answer.body().as_str()),
            ("/a", "c", "said")
        );
    }

    #[test]
    fn an_upstream_that_is_away_gives_no_answer() {
        let proxy = RecordingProxy::to_port(super::super::free_port());

        assert_eq!(post(&proxy, "x"), None);
        assert!(proxy.recorded()[0].answer.is_none());
    }
}
