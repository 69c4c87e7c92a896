//! A program that a test starts, and that never outlives the test.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::PATIENCE;

/// A running program. Killed when dropped; when the test is failing, what the program said is shown.
pub(crate) struct Process {
    name: String,
    killer: Killer,
    stdin: Option<ChildStdin>,
    heard: Arc<Heard>,
}

/// Kills the program from anywhere, such as a proxy's callback.
#[derive(Clone)]
pub(crate) struct Killer(Arc<Mutex<Child>>);

/// What a program that has ended leaves behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

#[derive(Default)]
struct Heard {
    text: Mutex<Text>,
    more: Condvar,
}

#[derive(Default)]
struct Text {
    stdout: String,
    stderr: String,
    open_pipes: usize,
}

#[derive(Clone, Copy)]
enum Pipe {
    Stdout,
    Stderr,
}

impl Process {
    /// Starts the program with all three of its pipes held by the test.
    pub(crate) fn start(name: &str, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{name} does not start: {e}"));
        let heard = Arc::new(Heard::default());
        heard.text.lock().unwrap().open_pipes = 2;
        listen(&heard, Pipe::Stdout, child.stdout.take().unwrap());
        listen(&heard, Pipe::Stderr, child.stderr.take().unwrap());
        let stdin = child.stdin.take();
        Self { name: name.to_owned(), killer: Killer(Arc::new(Mutex::new(child))), stdin, heard }
    }

    /// Runs the program to its end with `input` on its standard input.
    pub(crate) fn run(name: &str, command: &mut Command, input: &str) -> Ended {
        let mut process = Self::start(name, command);
        if let Some(mut stdin) = process.stdin.take() {
            // A program that reads nothing may have ended before this arrives.
            let _ = stdin.write_all(input.as_bytes());
        }
        process.wait()
    }

    /// Writes to its standard input.
    pub(crate) fn say(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().unwrap_or_else(|| panic!("{} has no input any more", self.name));
        stdin.write_all(text.as_bytes()).and_then(|()| stdin.flush()).unwrap();
    }

    /// The first line that contains `text`, on either pipe. Panics when the program ends, or falls silent, before it.
    pub(crate) fn wait_for_line(&self, text: &str) -> String {
        let until = Instant::now() + PATIENCE;
        let mut heard = self.heard.text.lock().unwrap();
        loop {
            let line = heard.stdout.lines().chain(heard.stderr.lines()).find(|line| line.contains(text));
            if let Some(line) = line {
                return line.to_owned();
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(heard.open_pipes > 0, "{} ended without saying {text:?}", self.name);
            assert!(!left.is_zero(), "{} did not say {text:?} in {} s", self.name, PATIENCE.as_secs());
            heard = self.heard.more.wait_timeout(heard, left).unwrap().0;
        }
    }

    /// What it has written to its standard output so far.
    pub(crate) fn stdout(&self) -> String {
        self.heard.text.lock().unwrap().stdout.clone()
    }

    /// What it has written to its standard error so far.
    pub(crate) fn stderr(&self) -> String {
        self.heard.text.lock().unwrap().stderr.clone()
    }

    /// A handle that kills it.
    pub(crate) fn killer(&self) -> Killer {
        self.killer.clone()
    }

    /// Asks it to end, as Ctrl-C (`INT`) or a service manager (`TERM`) does.
    pub(crate) fn signal(&self, signal: &str) {
        assert!(send(signal, self.killer.id()), "{} has ended already", self.name);
    }

    /// Closes its standard input and waits until it has ended.
    pub(crate) fn wait(self) -> Ended {
        self.wait_within(PATIENCE)
    }

    /// The same for a program that may take longer, or must not take as long, as others.
    pub(crate) fn wait_within(mut self, patience: Duration) -> Ended {
        drop(self.stdin.take());
        let until = Instant::now() + patience;
        loop {
            let ended = self.killer.child().try_wait().unwrap();
            if let Some(status) = ended {
                // A grandchild may hold a pipe open; what it says later is not waited for long.
                let heard = self.heard.text.lock().unwrap();
                let heard =
                    self.heard.more.wait_timeout_while(heard, Duration::from_secs(5), |text| text.open_pipes > 0);
                let heard = heard.unwrap().0;
                return Ended { status, stdout: heard.stdout.clone(), stderr: heard.stderr.clone() };
            }
            assert!(Instant::now() < until, "{} has not ended after {} s", self.name, patience.as_secs());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.killer.kill();
        if std::thread::panicking() {
            let heard = self.heard.text.lock().unwrap_or_else(PoisonError::into_inner);
            eprintln!("--- {} said:\n{}\n--- and on standard error:\n{}\n---", self.name, heard.stdout, heard.stderr);
        }
    }
}

impl Killer {
    /// SIGKILL: it gets no chance to finish anything. Returns once it is gone. Killing twice does nothing more.
    pub(crate) fn kill(&self) {
        let mut child = self.child();
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(&self) {
        super::eventually("the end of a program", || self.child().try_wait().unwrap());
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child().id()
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends a signal with the shell's own `kill`, since not every machine has the program. False when there is no such
/// process; signal `0` only asks.
fn send(signal: &str, id: u32) -> bool {
    let script = format!("kill -s {signal} {id}");
    Command::new("sh").args(["-c", &script]).stderr(Stdio::null()).status().unwrap().success()
}

fn listen(heard: &Arc<Heard>, pipe: Pipe, from: impl std::io::Read + Send + 'static) {
    let heard = Arc::clone(heard);
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let mut text = heard.text.lock().unwrap_or_else(PoisonError::into_inner);
            let into = match pipe {
                Pipe::Stdout => &mut text.stdout,
                Pipe::Stderr => &mut text.stderr,
            };
            into.push_str(&String::from_utf8_lossy(&line));
            line.clear();
            heard.more.notify_all();
        }
        heard.text.lock().unwrap_or_else(PoisonError::into_inner).open_pipes -= 1;
        heard.more.notify_all();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_line_is_found_on_either_pipe_and_the_process_ends_with_its_guard() {
        let process = Process::start("shell", &mut shell("echo one; echo two >&2; exec sleep 60"));

        assert_eq!(process.wait_for_line("tw"), "two");
        assert_eq!(process.wait_for_line("one"), "one");
        assert_eq!((process.stdout().as_str(), process.stderr().as_str()), ("one\n", "two\n"));

        let id = process.killer().id();
        assert!(send("0", id));
        drop(process);
        assert!(!send("0", id));
    }

    #[test]
    #[should_panic(expected = "shell ended without saying \"ready\"")]
    fn a_process_that_ends_early_is_not_waited_for() {
        Process::start("shell", &mut shell("echo no")).wait_for_line("ready");
    }

    #[test]
    fn a_run_has_its_input_its_output_and_its_status() {
        let ended = Process::run("shell", &mut shell("read x; echo got $x; exit 4"), "this\n");

        assert_eq!((ended.status.code(), ended.stdout.as_str(), ended.stderr.as_str()), (Some(4), "got this\n", ""));
    }

    #[test]
    fn a_signal_reaches_it() {
        let process = Process::start(
            "shell",
            &mut shell("trap 'echo asked; exit 7' TERM; echo ready; while :; do sleep 0.05; done"),
        );
        process.wait_for_line("ready");

        process.signal("TERM");

        let ended = process.wait();
        assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(7), "ready\nasked\n"));
    }
}
