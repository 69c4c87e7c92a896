//! What the brokers of this process log, event by event.
//!
//! All tests share one process and one log; a test finds its own events by something that nobody else's has, such as a
//! reference.

use std::io::Write;
use std::sync::{Mutex, Once, PoisonError};

use lodge::telemetry;
use tracing_subscriber::layer::SubscriberExt;

/// What is kept: warnings and worse of everybody, and from the broker everything that it says unasked.
const FILTER: &str = "warn,lodge=info";

static LISTENING: Once = Once::new();
static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Listens from now on, if nobody did.
pub(crate) fn listen() {
    LISTENING.call_once(|| {
        let layer = telemetry::layer(Some(FILTER), || Ear, false).unwrap();
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
    });
}

/// The events with this text in them, each as it was written.
pub(crate) fn with(text: &str) -> Vec<String> {
    let heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
    heard.iter().filter(|event| event.contains(text)).cloned().collect()
}

/// What is wrong with how an event is written: it is one line, and nothing in it moves a cursor or turns a line round.
pub(crate) fn flaw(event: &str) -> Option<String> {
    /// What Unicode has for turning lines round, and for ending them (UAX 9; UAX 14).
    const TURNING: [char; 11] = [
        '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}',
        '\u{2028}', '\u{2029}',
    ];
    let line = event.strip_suffix('\n')?;
    let bad = line.chars().find(|c| c.is_control() || TURNING.contains(c))?;
    Some(format!("{bad:?} in {event:?}"))
}

/// Keeps what is written: one event each time.
struct Ear;

impl Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        HEARD.lock().unwrap_or_else(PoisonError::into_inner).push(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
