//! `deploy/nginx.conf` and `deploy/Caddyfile` as they stand, but for addresses and files: run by the real programs in front of
//! a broker, and in front of a server of the test that notes what arrives and breaks off in the middle.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use tempfile::TempDir;

use crate::support::broker_program::Premises;
use crate::support::peers::{self, Peer};
use crate::support::process::{Ended, Process};
use crate::support::{eventually, free_ports, root};

const HOST: &str = "lodge.example.edu";

/// The example with other addresses and files in it. Each must be in there as often as is said.
fn example(name: &str, changes: &[(&str, usize, &str)]) -> String {
    let mut text = std::fs::read_to_string(root().join("deploy").join(name)).unwrap();
    for (old, times, new) in changes {
        assert_eq!(text.matches(old).count(), *times, "{name}: {old}");
        text = text.replace(old, new);
    }
    text
}

/// A proxy in front of something.
struct Proxy {
    folder: TempDir,
    /// Where it speaks TLS, and where it does not.
    tls: u16,
    plain: u16,
    process: Process,
}

impl Proxy {
    fn start(peer: Peer, upstream: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        certificate(folder.path());
        let plain = free_ports(2);
        let tls = plain + 1;
        let mut command = match peer {
            Peer::Nginx => nginx(folder.path(), plain, tls, upstream),
            _ => caddy(folder.path(), plain, tls, upstream),
        };
        let process = Process::start(&format!("{peer:?}"), &mut command);
        for port in [plain, tls] {
            eventually("a proxy that listens", || TcpStream::connect(("127.0.0.1", port)).ok());
        }
        Self { folder, tls, plain, process }
    }

    /// curl, with this proxy for the host.
    fn curl(&self) -> Command {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--insecure", "--noproxy", "*", "--max-time", "60"]);
        for port in [self.plain, self.tls] {
            command.arg("--resolve").arg(format!("{HOST}:{port}:127.0.0.1"));
        }
        command
    }

    /// The lines of everything that it has logged that have this in them.
    fn logs_with(&self, secret: &str) -> Vec<String> {
        let kept = std::fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default();
        let all = [kept, self.process.stdout(), self.process.stderr()];
        all.iter().flat_map(|log| log.lines()).filter(|line| line.contains(secret)).map(str::to_owned).collect()
    }

    fn url(&self, path: &str) -> String {
        format!("https://{HOST}:{}{path}", self.tls)
    }

    /// Head and body of what is answered.
    fn ask(&self, path: &str, arguments: &[&str]) -> (String, Ended) {
        let head = self.folder.path().join("head");
        let mut command = self.curl();
        command.args(arguments).arg("--dump-header").arg(&head).arg(self.url(path));
        let ended = Process::run("curl", &mut command, "");
        (std::fs::read_to_string(head).unwrap_or_default().to_lowercase(), ended)
    }
}

fn certificate(folder: &Path) {
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
    command.args(["-subj", &format!("/CN={HOST}"), "-addext", &format!("subjectAltName=DNS:{HOST}")]);
    command.arg("-keyout").arg(folder.join("key.pem")).arg("-out").arg(folder.join("cert.pem"));
    let ended = Process::run("openssl", &mut command, "");
    assert!(ended.status.success(), "{}", ended.stderr);
}

fn nginx(folder: &Path, plain: u16, tls: u16, upstream: &str) -> Command {
    let file = |name: &str| folder.join(name).display().to_string();
    let site = example(
        "nginx.conf",
        &[
            ("server 127.0.0.1:8080;", 1, &format!("server {upstream};")),
            ("listen 80;", 1, &format!("listen 127.0.0.1:{plain};")),
            ("listen 443 ssl;", 1, &format!("listen 127.0.0.1:{tls} ssl;")),
            ("    listen [::]:80;\n", 1, ""),
            ("    listen [::]:443 ssl;\n", 1, ""),
            ("/etc/ssl/lodge/fullchain.pem", 1, &file("cert.pem")),
            ("/etc/ssl/lodge/key.pem", 1, &file("key.pem")),
            ("/var/log/nginx/lodge.log", 1, &file("error.log")),
        ],
    );
    std::fs::write(folder.join("site.conf"), site).unwrap();
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = kinds.map(|kind| format!("{kind}_temp_path {};\n", file(kind))).concat();
    let whole = format!(
        "daemon off;\nmaster_process off;\npid {};\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}include {};\n}}\n",
        file("pid"),
        file("site.conf")
    );
    std::fs::write(folder.join("nginx.conf"), whole).unwrap();
    let mut command = peers::proxy(Peer::Nginx);
    command.arg("-p").arg(folder).args(["-e", "stderr", "-c"]).arg(folder.join("nginx.conf"));
    command
}

fn caddy(folder: &Path, plain: u16, tls: u16, upstream: &str) -> Command {
    let file = |name: &str| folder.join(name).display().to_string();
    let site = format!("{HOST} {{\n\ttls {} {}\n", file("cert.pem"), file("key.pem"));
    let text = example(
        "Caddyfile",
        &[
            ("reverse_proxy 127.0.0.1:8080 {", 1, &format!("reverse_proxy {upstream} {{")),
            ("\nlodge.example.edu {\n", 1, &format!("\n{site}")),
        ],
    );
    let options = format!("\n{{\n\tadmin off\n\thttp_port {plain}\n\thttps_port {tls}\n\tdefault_bind 127.0.0.1\n");
    std::fs::write(folder.join("Caddyfile"), text.replacen("\n{\n", &options, 1)).unwrap();
    let mut command = peers::proxy(Peer::Caddy);
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(folder.join("Caddyfile"));
    command.env("HOME", folder).env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder);
    command
}

/// `2.6.2`, or `v2.8.4 h1:…`; a build of one's own may say `unknown`, and counts as new.
fn caddy_version() -> Vec<u32> {
    let said = Process::run("caddy", peers::proxy(Peer::Caddy).arg("version"), "").stdout;
    let bare = said.trim_start_matches('v').split([' ', '-', '\n']).next().unwrap();
    bare.split('.').map(|part| part.parse().unwrap_or(u32::MAX)).collect()
}

/// A server that notes the head of each request, sends a part of an answer, and the rest never.
struct Breaking {
    address: String,
    heads: Receiver<String>,
    /// Ends the answer under way.
    end: Sender<()>,
}

impl Breaking {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let ((tell, heads), (end, ended)) = (channel(), channel());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let head: Vec<_> = lines.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
                if head.is_empty() || tell.send(head.join("\n").to_lowercase()).is_err() {
                    continue;
                }
                // Version 1.0 knows no chunks: there, the end of the connection is the end of the answer.
                let answer = if head[0].ends_with("HTTP/1.0") {
                    "HTTP/1.0 200 OK\r\ncontent-type: text/csv\r\n\r\nfirst"
                } else {
                    "HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n"
                };
                stream.write_all(answer.as_bytes()).unwrap();
                let _ = ended.recv();
            }
        });
        Self { address, heads, end }
    }
}

fn serves_a_broker(peer: Peer) {
    let premises = Premises::new();
    let public = [("LODGE__SERVER__PUBLIC_URL", "https://lodge.example.edu")];
    let broker = premises.serve("http://127.0.0.1:1", "ES256", "http://127.0.0.1:1", &public);
    let proxy = Proxy::start(peer, premises.url.strip_prefix("http://").unwrap());
    let times = |head: &str, name: &str| head.lines().filter(|line| line.starts_with(&format!("{name}:"))).count();

    let (head, page) = proxy.ask("/", &["--header", "accept: text/html"]);

    assert!(head.lines().next().unwrap().contains(" 200"), "{head}{}", page.stderr);
    assert!(page.stdout.contains("Keys for an afternoon"), "{}", page.stdout);
    assert!(head.contains("strict-transport-security: max-age=31536000"), "{head}");
    for name in ["strict-transport-security", "content-security-policy", "x-content-type-options", "cache-control"] {
        assert_eq!(times(&head, name), 1, "{name}: {head}");
    }

    let large = proxy.folder.path().join("large");
    std::fs::write(&large, "x".repeat(70_000)).unwrap();
    let (head, _) = proxy.ask("/oauth/token", &["--data-binary", &format!("@{}", large.display())]);
    // The broker refuses it by its length and hangs up; Caddy, which writes on, may find that first.
    let refused: &[&str] = if peer == Peer::Nginx { &[" 413"] } else { &[" 413", " 502"] };
    assert!(refused.iter().any(|status| head.contains(status)), "{head}");
    let (head, _) = proxy.ask("/oauth/token", &["--data", "grant_type=x"]);
    assert!(head.lines().next().unwrap().contains(" 400"), "{head}");

    let mut plain = proxy.curl();
    plain.args(["--output", "/dev/null", "--write-out", "%{http_code} %{redirect_url}"]);
    plain.arg(format!("http://{HOST}:{}/sign-in?return_to=%2F", proxy.plain));
    let plain = Process::run("curl", &mut plain, "").stdout;
    assert!(plain.starts_with("308 https://lodge.example.edu"), "{plain}");
    assert!(plain.ends_with("/sign-in?return_to=%2F"), "{plain}");

    // What is said when the broker is away has it, too.
    drop(broker);
    let (head, _) = proxy.ask("/auth/campus/callback?code=a-secret", &["--cookie", "lodge_session=a-secret"]);
    assert!(head.lines().next().unwrap().contains(" 502"), "{head}");
    assert_eq!(times(&head, "strict-transport-security"), 1, "{head}");
    assert_eq!(proxy.logs_with("a-secret"), [""; 0]);
}

fn passes_on_what_is_true_at_once_and_never_the_half_for_the_whole(peer: Peer) {
    let upstream = Breaking::start();
    let proxy = Proxy::start(peer, &upstream.address);
    let mut command = proxy.curl();
    command.args(["--no-buffer", "--header", "x-forwarded-for: 203.0.113.9", "--header", "forwarded: for=203.0.113.9"]);
    command
        .arg(proxy.url("/labs/vision/ledger/export.csv?code=a-secret"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut curl = command.spawn().unwrap();

    let head = upstream.heads.recv_timeout(Duration::from_secs(20)).unwrap();
    let mut first = [0; 5];
    // The server has not ended: what comes was not waited for.
    curl.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    upstream.end.send(()).unwrap();
    let ended = curl.wait_with_output().unwrap();

    assert_eq!(&first, b"first");
    // The example says so of them.
    let is_too_old = peer == Peer::Caddy && caddy_version() < vec![2, 7, 6];
    assert_eq!(ended.status.success(), is_too_old, "half of a file passed for the whole: {ended:?}");
    let forwarded: Vec<_> = head.lines().filter(|line| line.contains("forwarded")).collect();
    let from: Vec<_> = forwarded.iter().filter(|line| line.starts_with("x-forwarded-for:")).collect();
    assert_eq!(from, [&"x-forwarded-for: 127.0.0.1"], "{head}");
    assert!(!head.contains("203.0.113.9") && !forwarded.iter().any(|line| line.starts_with("forwarded:")), "{head}");
    assert!(head.contains(&format!("host: {HOST}")), "{head}");
    assert_eq!(proxy.logs_with("a-secret"), [""; 0]);
}

#[test]
fn nginx_serves_a_broker_as_the_example_has_it() {
    if peers::require("nginx_serves_a_broker_as_the_example_has_it", &[Peer::Nginx]) {
        serves_a_broker(Peer::Nginx);
    }
}

#[test]
fn caddy_serves_a_broker_as_the_example_has_it() {
    if peers::require("caddy_serves_a_broker_as_the_example_has_it", &[Peer::Caddy]) {
        serves_a_broker(Peer::Caddy);
    }
}

#[test]
fn nginx_passes_on_what_is_true_at_once_and_never_the_half_for_the_whole() {
    let test = "nginx_passes_on_what_is_true_at_once_and_never_the_half_for_the_whole";
    if peers::require(test, &[Peer::Nginx]) {
        passes_on_what_is_true_at_once_and_never_the_half_for_the_whole(Peer::Nginx);
    }
}

#[test]
fn caddy_passes_on_what_is_true_at_once_and_never_the_half_for_the_whole() {
    let test = "caddy_passes_on_what_is_true_at_once_and_never_the_half_for_the_whole";
    if peers::require(test, &[Peer::Caddy]) {
        passes_on_what_is_true_at_once_and_never_the_half_for_the_whole(Peer::Caddy);
    }
}
