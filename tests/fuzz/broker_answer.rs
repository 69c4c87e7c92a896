//! Any answer of a broker's: the helper makes something of it, and whatever that is, what people are told are lines that
//! cannot move a cursor.
//!
//! The first two bytes say what was asked and the status of the answer; the rest is its body.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lodge::cli::fuzzing::{QUESTIONS, answer};

const STATUSES: [u16; 10] = [200, 201, 204, 302, 400, 401, 403, 404, 429, 503];

fuzz_target!(|data: &[u8]| {
    let [question, status, body @ ..] = data else { return };
    let question = QUESTIONS[usize::from(*question) % QUESTIONS.len()];
    let told = answer(question, STATUSES[usize::from(*status) % STATUSES.len()], body);
    for line in told.strip_suffix('\n').unwrap_or(&told).split('\n') {
        assert!(!line.chars().any(char::is_control), "a line that moves the cursor: {line:?}");
    }
});
