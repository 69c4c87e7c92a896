//! PostgreSQL, the real one: clusters of the tests' own, each under a watcher that ends it with the process of the
//! tests, however that process ends. A test may stop, kill or freeze a cluster of its own; the one that a process
//! shares only ever gets fresh databases.
//!
//! `LODGE_TEST_POSTGRES` is the folder with PostgreSQL's programs, and `tests/run` sets it. Without it they are looked
//! for where Debian keeps them, and on the `PATH`; a plain `cargo test` that finds none skips the tests that need it.

use std::io::{BufRead, BufReader, Write};
use std::net::Ipv4Addr;
use std::ops::Deref;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use lodge::store::{Address, Postgres};

use super::peers::variable;
use super::process::Process;
use super::{free_ports, programs};

const WATCHER: &str = include_str!("postgres-watcher.sh");

/// The oldest major version that these tests run on: the first that drops a database with sessions in it.
const OLDEST: u32 = 13;

const PROGRAMS: [&str; 5] = ["initdb", "postgres", "psql", "pg_dump", "pg_restore"];

const INSTALL: &str = "install PostgreSQL 13 or later, server and client (Debian: apt-get install postgresql)";

/// Who may log in to every cluster. The passwords have what would break in a URL, or in a file of `name=value` lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Login {
    /// May do anything: what only the one who runs the server has.
    Superuser,
    /// Owns the database and its schema, as whoever migrates it does.
    Owner,
    /// The broker's: it owns nothing, and row security binds it.
    Broker,
}

impl Login {
    const fn name(self) -> &'static str {
        match self {
            Self::Superuser => "postgres",
            Self::Owner => "lodge_owner",
            Self::Broker => "lodge",
        }
    }

    const fn password(self) -> &'static str {
        match self {
            Self::Superuser => "super: p@ss/w?rd#=%41",
            Self::Owner => "owner: p@ss/w?rd#=%41",
            Self::Broker => "broker: p@ss/w?rd#=%41",
        }
    }
}

/// True when PostgreSQL is there. False when a plain `cargo test` goes without: says loudly which test is skipped.
///
/// # Panics
///
/// When `tests/run` runs the tests, or `LODGE_TEST_POSTGRES` is set, and PostgreSQL is missing: every run is on both
/// databases, a fast one too.
#[must_use]
pub(crate) fn require(test: &str) -> bool {
    let Err(missing) = Installed::find() else { return true };
    let must = ["LODGE_TEST_POSTGRES", "LODGE_TEST_PEERS"].into_iter().any(|name| variable(name).is_some());
    assert!(!must, "{test} needs PostgreSQL: {missing}");
    // Not `eprintln!`: cargo keeps what a passing test prints to itself, and this must be seen.
    let _ = writeln!(std::io::stderr(), "skipped: {test} (needs PostgreSQL, and `tests/run` sets it up: {missing})");
    false
}

/// A running PostgreSQL server and its data, on 127.0.0.1. Gone when the last who holds it has dropped it, databases
/// included.
#[derive(Clone)]
pub(crate) struct Cluster(Arc<Held>);

/// A [`Cluster`] that one test has to itself.
pub(crate) struct OwnCluster(Cluster);

/// A fresh database. Dropped with this, if the server then runs.
pub(crate) struct Database {
    cluster: Cluster,
    name: String,
}

/// What the watcher watches.
struct Held {
    watcher: Mutex<Watcher>,
    /// Where PostgreSQL's programs are.
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    databases: AtomicU32,
}

/// The shell that runs `postgres-watcher.sh`.
struct Watcher {
    child: Child,
    /// Closing it is what ends everything.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running { server: u32 },
    Frozen { server: u32 },
    Stopped,
}

impl Cluster {
    /// The one that all tests of this process share. Started by the first who asks.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(Self::begin)
    }

    /// One for a test that stops, kills or freezes it.
    pub(crate) fn own() -> OwnCluster {
        OwnCluster(Self::begin())
    }

    /// A new database with nothing in it. It belongs to the owner's login, and so does its schema `public`, in which
    /// the broker's login may make nothing.
    pub(crate) fn database(&self) -> Database {
        let number = self.0.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("lodge_test_{number}");
        let owner = Login::Owner.name();
        // Before PostgreSQL 15 anybody may create in `public`.
        self.psql(&format!(
            "create database {name} owner {owner};\n\
             \\connect {name}\n\
             alter schema public owner to {owner};\n\
             revoke create on schema public from public;\n"
        ))
        .unwrap_or_else(|e| panic!("no new database: {e}"));
        Database { cluster: self.clone(), name }
    }

    /// What the server has said so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.0.folder.join("log")).unwrap_or_default()
    }

    /// The folder with all of its data. Gone with it.
    pub(crate) fn folder(&self) -> &Path {
        &self.0.folder
    }

    fn begin() -> Self {
        let installed = Installed::find().unwrap_or_else(|missing| panic!("no PostgreSQL: {missing}"));
        let mut watcher = Watcher::start(&installed);
        let folder = PathBuf::from(watcher.answer().expect("PostgreSQL's user can make no temporary folder"));
        let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        let started = watcher.tell(&format!("init\n{}", Login::Superuser.password())).and_then(|_| {
            // Somebody else may take a port between the look at it and the start.
            let tried = (0..5).map(|_| free_ports(1)).find(|port| watcher.begin(*port).is_ok());
            tried.ok_or_else(|| "it does not start".to_owned())
        });
        let port = started.unwrap_or_else(|e: String| panic!("PostgreSQL: {e}\n{}", log()));
        let held = Held {
            watcher: Mutex::new(watcher),
            programs: installed.programs,
            folder,
            port,
            databases: AtomicU32::new(1),
        };
        let cluster = Self(Arc::new(held));
        let roles = [Login::Owner, Login::Broker].map(|login| {
            format!("create role {} login nosuperuser nobypassrls password '{}';\n", login.name(), login.password())
        });
        cluster.psql(&roles.concat()).unwrap_or_else(|e| panic!("no logins: {e}"));
        cluster
    }

    /// Tells the server's superuser's own database, which no test uses.
    fn psql(&self, sql: &str) -> Result<String, String> {
        run_psql(self.program("psql", Login::Superuser, "postgres"), sql)
    }

    fn program(&self, name: &str, login: Login, database: &str) -> Command {
        assert!(PROGRAMS.contains(&name), "{name} is not one of {PROGRAMS:?}");
        let mut command = Command::new(self.0.programs.join(name));
        without_postgres_settings(&mut command);
        command
            .env("PGHOST", Ipv4Addr::LOCALHOST.to_string())
            .env("PGPORT", self.0.port.to_string())
            .env("PGUSER", login.name())
            .env("PGPASSWORD", login.password())
            .env("PGDATABASE", database);
        command
    }
}

/// Each waits until it is done, and panics when it cannot be, or when the cluster is in no state for it.
impl OwnCluster {
    /// Shuts the server down in the fast way: transactions are rolled back, connections closed.
    pub(crate) fn stop(&self) {
        self.end("stop");
    }

    /// Kills every process of the server at once, as the end of its machine would.
    pub(crate) fn kill(&self) {
        self.end("kill");
    }

    /// Starts the server again, on the same port and the same data.
    pub(crate) fn start(&self) {
        let mut watcher = self.watcher();
        assert_eq!(watcher.state, State::Stopped);
        watcher.begin(self.0.0.port).unwrap_or_else(|e| panic!("PostgreSQL: {e}\n{}", self.log()));
    }

    /// Has every process of the server stand still. Connections are accepted, by the kernel, and nobody answers.
    pub(crate) fn freeze(&self) {
        let mut watcher = self.watcher();
        let State::Running { server } = watcher.state else { panic!("it is {:?}", watcher.state) };
        watcher.tell("freeze").unwrap();
        watcher.state = State::Frozen { server };
    }

    /// Lets a frozen server go on.
    pub(crate) fn thaw(&self) {
        let mut watcher = self.watcher();
        let State::Frozen { server } = watcher.state else { panic!("it is {:?}", watcher.state) };
        watcher.tell("thaw").unwrap();
        watcher.state = State::Running { server };
    }

    /// The process id of the server, which is the parent of all its processes.
    pub(crate) fn server(&self) -> u32 {
        match self.watcher().state {
            State::Running { server } | State::Frozen { server } => server,
            State::Stopped => panic!("it is stopped"),
        }
    }

    fn end(&self, how: &str) {
        let mut watcher = self.watcher();
        assert_ne!(watcher.state, State::Stopped);
        watcher.tell(how).unwrap();
        watcher.state = State::Stopped;
    }

    fn watcher(&self) -> MutexGuard<'_, Watcher> {
        self.0.0.watcher()
    }
}

impl Deref for OwnCluster {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.0
    }
}

impl Drop for OwnCluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- PostgreSQL said:\n{}\n---", self.log());
        }
    }
}

impl Held {
    fn watcher(&self) -> MutexGuard<'_, Watcher> {
        self.watcher.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher {
    fn start(installed: &Installed) -> Self {
        let mut command = installed.as_its_user("sh");
        without_postgres_settings(&mut command);
        let mut child = command
            .args(["-c", WATCHER, "sh"])
            .arg(&installed.programs)
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("PostgreSQL's watcher does not start: {e}"));
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output, state: State::Stopped }
    }

    fn begin(&mut self, port: u16) -> Result<(), String> {
        let server = self.tell(&format!("start {port}"))?;
        self.state = State::Running { server: server.parse().map_err(|_| format!("{server:?} is no process"))? };
        Ok(())
    }

    fn tell(&mut self, line: &str) -> Result<String, String> {
        let input = self.input.as_mut().expect("open until it is dropped");
        writeln!(input, "{line}").map_err(|e| format!("its watcher is gone: {e}"))?;
        self.answer()
    }

    fn answer(&mut self) -> Result<String, String> {
        let mut line = String::new();
        self.output.read_line(&mut line).map_err(|e| e.to_string())?;
        line.strip_prefix("ok ")
            .map(|rest| rest.trim_end().to_owned())
            .ok_or_else(|| format!("its watcher said {line:?}"))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

impl Database {
    /// Its name, unlike that of any other database of the cluster.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The port of 127.0.0.1 that its server listens on.
    pub(crate) fn port(&self) -> u16 {
        self.cluster.0.port
    }

    /// In as the one who migrates it.
    pub(crate) fn owner(&self) -> Address {
        self.address(Login::Owner)
    }

    /// In as the broker.
    pub(crate) fn broker(&self) -> Address {
        self.address(Login::Broker)
    }

    /// In as the one who may do anything.
    pub(crate) fn superuser(&self) -> Address {
        self.address(Login::Superuser)
    }

    /// What psql prints for these statements: a line per row, columns with `|` between them.
    ///
    /// # Panics
    ///
    /// When one of them fails.
    pub(crate) fn psql(&self, sql: &str) -> String {
        self.try_psql(sql).unwrap_or_else(|e| panic!("{sql}\n{e}"))
    }

    /// The same as the owner.
    pub(crate) fn psql_as_owner(&self, sql: &str) -> String {
        self.try_psql_as_owner(sql).unwrap_or_else(|e| panic!("{sql}\n{e}"))
    }

    /// The same as the broker.
    pub(crate) fn psql_as_broker(&self, sql: &str) -> String {
        self.try_psql_as_broker(sql).unwrap_or_else(|e| panic!("{sql}\n{e}"))
    }

    /// What psql prints, or what it complains about. What came before the first error is done, as if typed.
    pub(crate) fn try_psql(&self, sql: &str) -> Result<String, String> {
        self.try_psql_as(Login::Superuser, sql)
    }

    /// The same as the owner.
    pub(crate) fn try_psql_as_owner(&self, sql: &str) -> Result<String, String> {
        self.try_psql_as(Login::Owner, sql)
    }

    /// The same as the broker.
    pub(crate) fn try_psql_as_broker(&self, sql: &str) -> Result<String, String> {
        self.try_psql_as(Login::Broker, sql)
    }

    /// Where PostgreSQL's programs are.
    pub(crate) fn programs(&self) -> &Path {
        &self.cluster.0.programs
    }

    /// `psql`, `pg_dump` or `pg_restore`, set to log in here as the superuser.
    pub(crate) fn program(&self, name: &str) -> Command {
        self.cluster.program(name, Login::Superuser, &self.name)
    }

    fn try_psql_as(&self, login: Login, sql: &str) -> Result<String, String> {
        run_psql(self.cluster.program("psql", login, &self.name), sql)
    }

    fn address(&self, login: Login) -> Address {
        let url = format!("postgres://{}@{}:{}/{}", login.name(), Ipv4Addr::LOCALHOST, self.port(), self.name);
        Address::Postgres(Postgres { url: url.parse().unwrap(), password: Some(login.password().into()) })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let is_running = matches!(self.cluster.0.watcher().state, State::Running { .. });
        if is_running {
            let _ = self.cluster.psql(&format!("drop database if exists {} with (force);", self.name));
        }
    }
}

/// PostgreSQL as this machine has it.
struct Installed {
    programs: PathBuf,
    /// Who runs it: its programs refuse to run as root, so then somebody else; otherwise whoever runs the tests.
    user: Option<User>,
}

struct User {
    name: String,
    group: String,
}

impl Installed {
    /// Where it is, or what is missing.
    fn find() -> Result<Self, String> {
        let programs = match variable("LODGE_TEST_POSTGRES") {
            Some(folder) => {
                usable(Path::new(&folder)).map_err(|e| format!("LODGE_TEST_POSTGRES is {folder}, and {e}"))?;
                // The watcher works in a folder of its own.
                std::path::absolute(&folder).map_err(|e| e.to_string())?
            }
            None => Self::folders().into_iter().find(|folder| usable(folder).is_ok()).ok_or(INSTALL)?,
        };
        // The owner of this is who the process acts as.
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        let user = if is_root { Some(User::find()?) } else { None };
        Ok(Self { programs, user })
    }

    /// Where it may be, the best first.
    fn folders() -> Vec<PathBuf> {
        let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let mut debian: Vec<_> = debian
            .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin"))))
            .collect();
        debian.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
        // The others are beside the real `postgres`, which a link on the path may lead to.
        let on_path = on_path("postgres").and_then(|program| Some(program.canonicalize().ok()?.parent()?.to_owned()));
        debian.into_iter().map(|(_, folder)| folder).chain(on_path).collect()
    }

    /// A program, run by whoever may run a server.
    fn as_its_user(&self, program: &str) -> Command {
        let Some(user) = &self.user else { return Command::new(program) };
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &user.name, "--regid", &user.group, "--clear-groups", "--", program]);
        command
    }
}

impl User {
    /// The user that Debian's packages make for this, or else the one with the fewest rights.
    fn find() -> Result<Self, String> {
        on_path("setpriv").ok_or("root cannot run PostgreSQL, and setpriv is missing: install util-linux")?;
        let users = std::fs::read_to_string("/etc/passwd").map_err(|e| format!("/etc/passwd: {e}"))?;
        let group_of = |name: &str| {
            let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
            fields.into_iter().find(|fields| fields[0] == name)?.get(3).map(|&group| group.to_owned())
        };
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| Some(Self { name: name.to_owned(), group: group_of(name)? }))
            .ok_or_else(|| "root cannot run PostgreSQL, and there is no user `postgres` or `nobody`".to_owned())
    }
}

/// Whether the folder has every program, of a version that will do.
fn usable(folder: &Path) -> Result<(), String> {
    if let Some(missing) = PROGRAMS.into_iter().find(|name| !folder.join(name).is_file()) {
        return Err(format!("there is no {missing}: {INSTALL}"));
    }
    let said = Command::new(folder.join("postgres")).arg("--version").output().map_err(|e| e.to_string())?;
    let said = String::from_utf8_lossy(&said.stdout);
    // `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, or `17beta1`.
    let version = said.split_whitespace().nth(2).and_then(|version| {
        version.split(|c: char| !c.is_ascii_digit()).next().and_then(|major| major.parse::<u32>().ok())
    });
    match version {
        Some(major) if major >= OLDEST => Ok(()),
        _ => Err(format!("that is {:?}: {INSTALL}", said.trim_end())),
    }
}

fn run_psql(mut command: Command, sql: &str) -> Result<String, String> {
    command.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1"]);
    let ended = Process::run("psql", &mut command, sql);
    if ended.status.success() { Ok(ended.stdout.trim_end_matches('\n').to_owned()) } else { Err(ended.stderr) }
}

/// No program may find the servers, passwords or habits of whoever runs the tests.
fn without_postgres_settings(command: &mut Command) {
    programs::forget(command, "PG");
    command.env("PGPASSFILE", "/dev/null").env("PGCONNECT_TIMEOUT", "30");
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
