//! What the helper keeps on this machine, changed by whatever changes files.
//!
//! A session is read or it is not, and what was read is written back as it was. Of credentials an AWS tool gets one line that
//! it can read, with time enough left and no more than AWS gives, or nothing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lodge::cli::fuzzing::{credentials, session};

/// 2026-11-21T13:00:00Z, in seconds since 1970, which the first inputs go by.
const NOW: i64 = 1_795_266_000;

fuzz_target!(|data: &[u8]| {
    if let Some(written) = session(data) {
        assert_eq!(session(&written).as_deref(), Some(&written[..]), "what was written is read otherwise");
    }
    if let Some((line, left)) = credentials(data, NOW) {
        assert!((16 * 60..=12 * 60 * 60).contains(&left), "{left} seconds are left");
        let line = String::from_utf8(line).expect("the line is UTF-8");
        assert_eq!(line.find('\n'), Some(line.len() - 1), "not one line: {line:?}");
        assert!(line.starts_with("{\"Version\":1,\"AccessKeyId\":\"") && line.ends_with("\"}\n"), "{line:?}");
        assert!(!line.contains(":\"\""), "something is empty: {line:?}");
    }
});
