//! `lodge configure` on any bytes at all: what is not ours stays, a second run changes nothing, and what was written can
//! be taken out again.
//!
//! The first byte says which roles are open; the rest is the file. What is not ours is said here once more, and
//! differently from how the helper says it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lodge::cli::fuzzing::configure;

const ROLES: [&str; 4] = ["vision/pay", "vision/read-results", "a/b-c", "a-b/c"];
const OWN_MARKER: &[u8] = b"# Written by lodge configure for ";

fuzz_target!(|data: &[u8]| {
    let Some((choice, text)) = data.split_first() else { return };
    let open: Vec<&str> = (0..4).filter(|bit| choice >> bit & 1 == 1).map(|bit| ROLES[bit]).collect();
    let prune = choice & 0x10 != 0;

    let once = configure(text, &open, prune);
    assert_eq!(once, configure(&once, &open, prune), "a second run changed something");
    assert_eq!(others(text), others(&once), "a line that is not ours changed");
    let pruned = configure(&once, &[], true);
    assert_eq!(others(text), others(&pruned), "a line that is not ours was taken out");
    if !text.windows(OWN_MARKER.len()).any(|part| part == OWN_MARKER) {
        assert!(once.starts_with(text), "what was there changed");
        assert_eq!(pruned, text, "what was written was not taken out");
    }
});

/// The lines that are not ours: neither a command, nor a marker, nor the header above a marker, nor empty.
fn others(text: &[u8]) -> Vec<&[u8]> {
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    let mut lines: Vec<&[u8]> = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        // A break of two bytes is one break.
        lines.extend(line.strip_suffix(b"\r").unwrap_or(line).split(|byte| *byte == b'\r'));
    }
    let is_ours = |number: usize| {
        let line = lines[number];
        line.is_empty()
            || line.starts_with(OWN_MARKER)
            || key(line).eq_ignore_ascii_case("credential_process")
            || (line.contains(&b'[') && lines.get(number + 1).is_some_and(|below| below.starts_with(OWN_MARKER)))
    };
    (0..lines.len()).filter(|number| !is_ours(*number)).map(|number| lines[number]).collect()
}

fn key(line: &[u8]) -> String {
    let end = line.iter().position(|byte| matches!(byte, b'=' | b':')).unwrap_or(0);
    String::from_utf8_lossy(&line[..end]).trim().to_owned()
}
