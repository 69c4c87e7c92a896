//! `lodged config check`: everything that is wrong with the settings, at once, and nothing that is secret.

use std::path::PathBuf;

use lodge::ambient::Random;
use lodge::app::KeyFile;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::canaries::Canaries;
use crate::support::process::{Ended, Process};
use crate::support::programs;

const CLIENT_SECRET: &str = "a-canary-that-nobody-may-see";
const PASSWORD: &str = "a-canary-of-the-database";

/// A folder with settings and everything they name.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        KeyFile::read_or_create(&folder.path("key"), &Random::System).unwrap();
        for (name, secret) in [("client-secret", CLIENT_SECRET), ("password", PASSWORD)] {
            let mut file = lodge::private_file::create_new(&folder.path(name)).unwrap();
            std::io::Write::write_all(&mut file, secret.as_bytes()).unwrap();
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn good(&self) -> String {
        let folder = self.0.path().display();
        format!(
            r#"
            [server]
            public_url = "https://lodge.example.edu"
            [database]
            file = "{folder}/lodge.db"
            [secrets]
            key_file = "{folder}/key"
            [[connection]]
            name = "campus"
            title = "Example University"
            issuer = "https://sso.example.edu"
            client_id = "lodge"
            client_secret_file = "{folder}/client-secret"
            "#
        )
    }

    /// What is said of these settings, in both forms; no secret may be in either.
    fn check(&self, settings: &str, environment: &[(&str, &str)]) -> (Ended, Value) {
        let file = self.path("lodge.toml");
        std::fs::write(&file, settings).unwrap();
        let said = [&[][..], &["--json"]].map(|extra| {
            let mut command = programs::lodged();
            command.args(["config", "check", "--config"]).arg(&file).args(extra).envs(environment.iter().copied());
            let ended = Process::run("lodged config check", &mut command, "");
            let mut canaries = Canaries::default();
            canaries.add("client secret", CLIENT_SECRET);
            canaries.add("password", PASSWORD);
            canaries.add("key", std::fs::read(self.path("key")).unwrap());
            assert_eq!(canaries.found_in("stdout", ended.stdout.as_bytes()), [""; 0]);
            assert_eq!(canaries.found_in("stderr", ended.stderr.as_bytes()), [""; 0]);
            assert_eq!(ended.stderr, "");
            ended
        });
        let [text, json] = said;
        assert_eq!(text.status.code(), json.status.code());
        (text, serde_json::from_str(&json.stdout).unwrap())
    }
}

#[test]
fn good_settings_are_summed_up() {
    let folder = Folder::new();

    let (text, json) = folder.check(&folder.good(), &[("LODGE__SERVER__LISTEN", "127.0.0.1:9000")]);

    let database = folder.path("lodge.db").display().to_string();
    assert_eq!(text.status.code(), Some(0));
    assert_eq!(
        text.stdout,
        format!(
            "ok\n  public URL   https://lodge.example.edu\n  listens on   127.0.0.1:9000\n  \
             database     SQLite, {database}\n  connections  campus\n  operators    nobody in a browser\n  policies     5 templates\n"
        )
    );
    let settings = json!({
        "public_url": "https://lodge.example.edu", "listen": "127.0.0.1:9000", "database_kind": "SQLite",
        "database": database, "connections": ["campus"], "operators": [], "policy_templates": 5, "own_policy_templates": [],
    });
    assert_eq!(json, json!({"ok": true, "problems": [], "settings": settings}));
    assert!(!folder.path("lodge.db").exists(), "looking makes nothing");
}

#[test]
fn a_server_is_named_without_its_password() {
    let folder = Folder::new();
    let database = format!(
        "url = \"postgres://lodge@db.example.edu/lodge\"\npassword_file = '{}'",
        folder.path("password").display()
    );
    let file = format!("file = \"{}\"", folder.path("lodge.db").display());

    let (text, json) = folder.check(&folder.good().replace(&file, &database), &[]);

    assert!(
        text.stdout.contains("database     PostgreSQL, postgres://lodge@db.example.edu/lodge\n"),
        "{}",
        text.stdout
    );
    assert_eq!(json["settings"]["database_kind"], "PostgreSQL");
}

#[cfg(unix)]
#[test]
fn everything_that_is_wrong_is_said_at_once() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    std::fs::set_permissions(folder.path("key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let settings = folder
        .good()
        .replace("https://lodge", "http://lodge")
        .replace("title", "algorithms = []\ntitle")
        .replace("client-secret", "no-secret");

    let (text, json) = folder.check(&settings, &[("LODGE__LISTEN", "0.0.0.0:80")]);

    let (secret, key) = (folder.path("no-secret"), folder.path("key"));
    let problems = [
        "LODGE__LISTEN: must be LODGE__SECTION__KEY, such as LODGE__SERVER__LISTEN".to_owned(),
        "server.public_url: must be https (http is for a loopback address only)".to_owned(),
        "connection `campus`: algorithms: at least one is needed".to_owned(),
        format!("cannot read {}: No such file or directory (os error 2)", secret.display()),
        format!("{}: the key file may be read by others; run: chmod 600 on it", key.display()),
    ];
    assert_eq!((text.status.code(), text.stdout), (Some(1), format!("{}\n", problems.join("\n"))));
    assert_eq!(json, json!({"ok": false, "problems": problems, "settings": null}));
}

#[test]
fn a_key_that_is_not_known_and_a_file_that_is_not_there_are_said() {
    let folder = Folder::new();

    let (text, _) = folder.check(&folder.good().replace("public_url", "public_ulr"), &[]);
    assert_eq!(text.status.code(), Some(1));
    assert_eq!(
        text.stdout,
        "server: unknown field `public_ulr`, expected one of `listen`, `public_url`, `trusted_proxies`\n"
    );

    let ended = Process::run("lodged", programs::lodged().args(["config", "check", "--config", "/nowhere/x"]), "");
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(ended.stdout, "cannot read /nowhere/x: No such file or directory (os error 2)\n");
}
