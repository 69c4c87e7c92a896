//! The helper from the broker's own page: what is offered is what was found when the broker started, to anybody, whole or
//! not at all.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use lodge::ambient::Clock;

use crate::support::broker::Plan;
use crate::support::broker_program::Premises;
use crate::support::downloads::{self, CONTENT, NAME, SHA256};
use crate::support::process::{Ended, Process};
use crate::support::{programs, raw};

/// As many bytes as more than one part of an answer holds.
const LARGE: usize = 300_000;

fn serving(premises: &Premises, folder: &Path) -> Process {
    let folder = folder.to_str().unwrap();
    premises.serve("http://127.0.0.1:1", "ES256", "http://127.0.0.1:1", &[("LODGE__DOWNLOADS__FOLDER", folder)])
}

/// Everything that arrives before the connection ends: head and body.
fn exchange(url: &str, path: &str) -> (String, Vec<u8>) {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // A connection that is broken off ends in an error or in silence.
    let _ = stream.read_to_end(&mut answer);
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    (String::from_utf8(answer[..head].to_vec()).unwrap().to_lowercase(), answer[head + 4..].to_vec())
}

#[test]
fn anybody_may_have_the_helper_and_it_is_what_the_page_says() {
    let broker = Plan::new(Clock::System).start();
    let url = |path: &str| format!("{}{path}", broker.url);

    let page = raw::get(&url("/download")).page().send();
    let file = raw::get(&url(&downloads::address())).send();

    assert_eq!(page.status, 200);
    assert!(page.body.contains(&format!("href=\"{}\"", downloads::address())), "{}", page.body);
    assert!(
        page.body.contains(&format!("echo &#39;{SHA256}  {NAME}&#39; | sha256sum --check"))
            || page.body.contains(&format!("echo '{SHA256}  {NAME}' | sha256sum --check")),
        "{}",
        page.body
    );
    assert!(page.body.contains(&format!("curl --fail --remote-name {}", url(&format!("/download/{NAME}")))));
    assert!(!page.body.contains(&format!("{NAME}.sha256\"")), "a digest is no program");
    assert_eq!((file.status, file.body.as_str()), (200, CONTENT));
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("content-disposition", "attachment; filename=\"lodge-0.1.0-linux-x86_64\""),
        ("content-length", "3"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "public, max-age=31536000, immutable"),
        ("etag", &format!("\"{SHA256}\"")),
        ("repr-digest", "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:"),
    ] {
        assert_eq!(file.header(name), Some(value), "{name}");
    }
    let known = raw::get(&url(&downloads::address())).header("if-none-match", &format!("\"{SHA256}\"")).send();
    assert_eq!((known.status, known.body.as_str()), (304, ""));
    let by_name = raw::get(&url(&format!("/download/{NAME}"))).send();
    assert_eq!((by_name.body.as_str(), by_name.header("cache-control")), (CONTENT, Some("public, max-age=300")));
    let digest = raw::get(&url(&format!("/download/{NAME}.sha256"))).send();
    assert_eq!(digest.body, format!("{SHA256}  {NAME}\n"));
}

#[test]
fn nothing_but_what_was_found_can_be_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let offered = folder.path().join("offered");
    fs::create_dir(&offered).unwrap();
    fs::write(folder.path().join("beside"), "not for you").unwrap();
    fs::write(offered.join(NAME), CONTENT).unwrap();
    fs::write(offered.join(".hidden"), "not for you").unwrap();
    let premises = Premises::new();
    let _broker = serving(&premises, &offered);
    fs::write(offered.join("late"), "not for you").unwrap();

    for path in [
        "/download/late",
        "/download/.hidden",
        "/download/..%2Fbeside",
        "/download/../beside",
        "/download/%2e%2e%2fbeside",
        "/download/..%5cbeside",
        "/download/%2Fetc%2Fpasswd",
        "/download//etc/passwd",
        "/download/offered%2F..%2F..%2Fbeside",
        "/download/",
        "/download/lodge-0.1.0-linux-x86_64%00",
        "/download/lodge-0.1.0-linux-x86_64/",
        "/download/%ff",
        "/download/lodge-0.1.0-linux-x86_64?sha256=00",
        "/download/lodge-0.1.0-linux-x86_64?sha256=a&sha256=b",
    ] {
        let (head, body) = exchange(&premises.url, path);
        let first = head.lines().next().unwrap();
        assert!(first.contains(" 404 "), "{path}: {first}");
        assert!(!String::from_utf8_lossy(&body).contains("not for you"), "{path}");
    }
    assert_eq!(exchange(&premises.url, &downloads::address()).1, CONTENT.as_bytes());
}

#[test]
fn a_build_that_is_written_over_is_broken_off_and_one_that_is_replaced_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("lodge-one"), "1".repeat(LARGE)).unwrap();
    fs::write(path("lodge-two"), "2".repeat(LARGE)).unwrap();
    let premises = Premises::new();
    let broker = serving(&premises, folder.path());
    assert_eq!(exchange(&premises.url, "/download/lodge-one").1, "1".repeat(LARGE).into_bytes());

    let mut file = fs::OpenOptions::new().write(true).open(path("lodge-one")).unwrap();
    file.write_all(b"3").unwrap();
    fs::write(path("new"), "4".repeat(LARGE)).unwrap();
    fs::rename(path("new"), path("lodge-two")).unwrap();

    let (head, body) = exchange(&premises.url, "/download/lodge-one");
    assert!(head.contains(&format!("content-length: {LARGE}")), "{head}");
    assert!(body.len() < LARGE, "{} bytes of what nobody has vouched for", body.len());
    broker.wait_for_line("a download was written over while the broker ran");
    assert_eq!(exchange(&premises.url, "/download/lodge-two").1, "2".repeat(LARGE).into_bytes());
}

#[test]
fn a_broker_without_builds_says_what_its_operator_has_to_do() {
    let premises = Premises::new();
    let _broker = premises.serve("http://127.0.0.1:1", "ES256", "http://127.0.0.1:1", &[]);

    let page = raw::get(&format!("{}/download", premises.url)).page().send();

    assert_eq!(page.status, 200);
    assert!(page.body.contains("Nothing is offered here yet"), "{}", page.body);
    assert!(page.body.contains("deploy/build-lodge") && page.body.contains("[downloads]"));
    assert_eq!(raw::get(&format!("{}/download/lodge", premises.url)).send().status, 404);
}

#[test]
fn a_build_that_is_not_what_its_digest_says_is_found_before_anybody_has_it() {
    let folder = downloads::folder();
    fs::write(folder.path().join(NAME), "abd").unwrap();
    let premises = Premises::new();
    drop(premises.serve("http://127.0.0.1:1", "ES256", "http://127.0.0.1:1", &[]));
    let settings = premises.settings();
    let run = |arguments: &[&str]| -> Ended {
        let mut command = programs::lodged();
        command.args(arguments).arg("--config").arg(&settings).env("LODGE__DOWNLOADS__FOLDER", folder.path());
        Process::run("lodged", &mut command, "")
    };

    let says = format!("{NAME}.sha256: the file that it is the digest of has another: copy both there again");
    let checked = run(&["config", "check"]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(checked.stdout.contains("downloads.folder: ") && checked.stdout.contains(&says), "{}", checked.stdout);
    let served = run(&["serve"]);
    assert_eq!(served.status.code(), Some(1));
    assert!(served.stderr.contains(&says), "{}", served.stderr);
}
