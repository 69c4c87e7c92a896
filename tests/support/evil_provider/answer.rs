//! What an endpoint says, and how: at once, bit by bit, without end, or never.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::Value;

/// Longer than anybody waits.
const NEVER: Duration = Duration::from_mins(10);

/// How long it takes from one bit to the next.
const PAUSE: Duration = Duration::from_millis(500);

/// An answer that can still be changed.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body,
}

/// What comes behind the headers.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// All of it.
    Whole(Vec<u8>),
    /// The same bytes over and over, as fast as they are taken.
    Endless(Vec<u8>),
    /// A byte now and then.
    Dripping(Vec<u8>),
    /// Not even headers come.
    Withheld,
}

impl Answer {
    /// JSON.
    pub(super) fn json(value: &Value) -> Self {
        Self::text("application/json", value.to_string().into_bytes())
    }

    /// Anything, with its type.
    pub(super) fn text(content_type: &str, body: Vec<u8>) -> Self {
        Self { status: 200, headers: vec![("content-type", content_type.to_owned())], body: Body::Whole(body) }
    }

    /// Sets a header.
    pub(crate) fn header(&mut self, name: &'static str, value: &str) {
        self.headers.retain(|(existing, _)| *existing != name);
        self.headers.push((name, value.to_owned()));
    }

    /// Sends the asker elsewhere.
    pub(crate) fn redirect(&mut self, status: u16, to: &str) {
        self.status = status;
        self.header("location", to);
        self.body = Body::Whole(Vec::new());
    }

    /// Sets the body.
    pub(crate) fn say(&mut self, body: impl Into<Vec<u8>>) {
        self.body = Body::Whole(body.into());
    }

    /// The bytes of a body that is whole.
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.body {
            Body::Whole(bytes) => bytes,
            _ => panic!("changed already: {self:?}"),
        }
    }

    /// Changes one member of the JSON; null takes it out.
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        let mut body: Value = serde_json::from_slice(self.bytes()).unwrap();
        if value.is_null() {
            body.as_object_mut().unwrap().remove(name);
        } else {
            body[name] = value;
        }
        self.say(body.to_string());
    }

    /// Puts spaces behind the JSON, which mean nothing, until it is so long.
    pub(crate) fn pad_to(&mut self, bytes: usize) {
        let mut body = self.bytes().to_vec();
        body.resize(bytes, b' ');
        self.say(body);
    }

    pub(super) async fn send(self) -> Response {
        let body = match self.body {
            Body::Whole(bytes) => axum::body::Body::from(bytes),
            Body::Endless(bytes) => {
                let bytes = bytes.repeat(1_024);
                axum::body::Body::from_stream(stream::repeat_with(move || Ok::<_, std::io::Error>(bytes.clone())))
            }
            Body::Dripping(bytes) => {
                axum::body::Body::from_stream(stream::unfold(bytes.into_iter(), |mut left| async {
                    tokio::time::sleep(PAUSE).await;
                    let byte = left.next()?;
                    Some((Ok::<_, std::io::Error>(vec![byte]), left))
                }))
            }
            Body::Withheld => {
                tokio::time::sleep(NEVER).await;
                axum::body::Body::empty()
            }
        };
        let mut response = body.into_response();
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap();
        for (name, value) in self.headers {
            response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap());
        }
        response
    }
}

/// `head` and behind it `spaces` spaces, as gzip: a thousandth of what comes out of it (RFC 1951, section 3.2.6; RFC 1952).
pub(crate) fn bomb(head: &[u8], spaces: u32) -> Vec<u8> {
    let whole: Vec<u8> = head.iter().copied().chain(std::iter::repeat_n(b' ', spaces as usize)).collect();
    let mut bits = Bits::default();
    bits.put(1, 1);
    bits.put(1, 2);
    for byte in head.iter().chain(b" ") {
        bits.literal(*byte);
    }
    let left = spaces - 1;
    for _ in 0..left / 258 {
        // Length 258, and distance 1: once more what came last.
        bits.code(0b1100_0101, 8);
        bits.code(0, 5);
    }
    for _ in 0..left % 258 {
        bits.literal(b' ');
    }
    bits.code(0, 7);
    let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    gzip.extend(bits.finish());
    gzip.extend(crc32(&whole).to_le_bytes());
    gzip.extend(u32::try_from(whole.len()).unwrap().to_le_bytes());
    gzip
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    open: u8,
    filled: u8,
}

impl Bits {
    /// Bits of a number, the lowest first.
    fn put(&mut self, number: u16, count: u8) {
        for at in 0..count {
            self.open |= u8::from(number >> at & 1 == 1) << self.filled;
            self.filled += 1;
            if self.filled == 8 {
                self.bytes.push(std::mem::take(&mut self.open));
                self.filled = 0;
            }
        }
    }

    /// Bits of a code, the highest first.
    fn code(&mut self, code: u16, count: u8) {
        for at in (0..count).rev() {
            self.put(code >> at & 1, 1);
        }
    }

    fn literal(&mut self, byte: u8) {
        match byte {
            0..=143 => self.code(0b0011_0000 + u16::from(byte), 8),
            144.. => self.code(0b1_1001_0000 + u16::from(byte) - 144, 9),
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.filled > 0 {
            self.bytes.push(self.open);
        }
        self.bytes
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[test]
fn a_bomb_is_small_until_it_is_opened() {
    use std::io::Read as _;

    let bomb = bomb(b"{}\xc3\xa4", 1_000_000);

    assert!(bomb.len() < 10_000, "{}", bomb.len());
    // Opened by somebody else, where there is such a program.
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &bomb).unwrap();
    let input = std::fs::File::open(file.path()).unwrap();
    let Ok(child) =
        std::process::Command::new("gzip").arg("-dc").stdin(input).stdout(std::process::Stdio::piped()).spawn()
    else {
        return;
    };
    let mut opened = Vec::new();
    child.stdout.unwrap().read_to_end(&mut opened).unwrap();
    assert_eq!((opened.len(), &opened[..6]), (1_000_004, &b"{}\xc3\xa4  "[..]));
}
