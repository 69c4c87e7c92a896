//! Of all the processes that want the same at the same moment, one asks the broker.
//!
//! They meet at a file. Who has it locked asks; the others wait until it is free, and take what came of it: credentials, which
//! are kept by then, or the failure, which stands in the file, so that a broker in trouble is not asked five hundred times
//! either. The lock dies with its holder: who finds neither asks next. The file is on this machine where that can be, since
//! home directories are often on a network, and holds no secret.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::cache::Key;
use crate::ambient::Random;
use crate::cli::Helper;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::home::Closed;

/// How long another process is waited for. Renewing a session and asking take 25 seconds at the very most, and the Rust
/// SDK waits about 20 for all of it: in time for a sentence.
const PATIENCE: Duration = Duration::from_secs(18);

/// Between two looks, and as much again at random, so that those who wait do not look all at once.
const INTERVAL: Duration = Duration::from_millis(15);

/// Longest file that is read: a failure is a line.
const MAX_BYTES: u64 = 8 * 1024;

/// What stands in the file.
#[derive(Default, Serialize, Deserialize)]
struct Log {
    /// Who has it, or had it last.
    pid: u32,
    /// How many have failed.
    failures: u64,
    /// How the last of them did.
    exit: Option<Exit>,
    says: String,
}

/// A meeting place for one key.
pub(super) struct Flight {
    file: File,
    random: Random,
    /// How many had failed when this one came.
    failures: u64,
    patience: Duration,
}

/// Whose turn it is.
pub(super) enum Turn<T> {
    /// Another has got it.
    Landed(T),
    /// Another has asked in vain, since this one came.
    Failed { exit: Exit, says: String },
    /// Nobody else asks. The lock is held until the pilot is dropped.
    Ours(Pilot),
    /// Another has it, and does not come to an end.
    HeldUp { pid: u32, waited: Duration },
}

impl Flight {
    /// The place for this key: the first where a file can be locked. `None` where there is none.
    pub(super) fn of(helper: &Helper, key: &Key) -> Option<Self> {
        let name = format!("{}.lock", key.name());
        let environment = &helper.environment;
        let cache = environment.cache.clone();
        let temporary = environment.temporary.as_ref().map(|folder| folder.join(format!("lodge-{}", user())));
        let others = cache.into_iter().chain(temporary).map(|directory| helper.home(directory, Closed::ToAll));
        let mut file = helper.runtime().into_iter().chain(others).find_map(|place| place.lock_file(&name))?;
        let failures = read(&mut file).failures;
        Some(Self { file, random: helper.random.clone(), failures, patience: PATIENCE })
    }

    /// The same, which waits no longer than this.
    #[cfg(test)]
    pub(super) fn within(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Waits for what `landed` finds, or for one's turn.
    pub(super) fn join<T>(mut self, landed: impl Fn() -> Result<Option<T>, Failure>) -> Result<Turn<T>, Failure> {
        let begun = Instant::now();
        loop {
            // Some network file systems know no locks: there, each asks for itself.
            if !matches!(self.file.try_lock(), Err(TryLockError::WouldBlock)) {
                // Another may have come to an end since this one looked. It is let go of as soon as that is known.
                return Ok(match self.outcome(landed)? {
                    Some(turn) => turn,
                    None => Turn::Ours(Pilot::new(self.file)),
                });
            }
            if begun.elapsed() >= self.patience {
                return Ok(Turn::HeldUp { pid: read(&mut self.file).pid, waited: begun.elapsed() });
            }
            let [jitter] = self.random.bytes::<1>();
            thread::sleep(INTERVAL + INTERVAL * u32::from(jitter) / 255);
        }
    }

    /// What others have come to, while nobody asks.
    fn outcome<T>(&mut self, landed: impl Fn() -> Result<Option<T>, Failure>) -> Result<Option<Turn<T>>, Failure> {
        if let Some(landed) = landed()? {
            return Ok(Some(Turn::Landed(landed)));
        }
        let log = read(&mut self.file);
        Ok(match log.exit {
            Some(exit) if log.failures != self.failures => Some(Turn::Failed { exit, says: log.says }),
            _ => None,
        })
    }
}

/// Who asks. Others wait as long as it lives.
pub(super) struct Pilot {
    file: File,
    failures: u64,
}

impl Pilot {
    fn new(mut file: File) -> Self {
        let failures = read(&mut file).failures;
        let mut pilot = Self { file, failures };
        pilot.write(&Log { pid: std::process::id(), failures, ..Log::default() });
        pilot
    }

    /// Leaves word for those who wait.
    pub(super) fn failed(mut self, failure: &Failure) {
        let log = Log {
            pid: std::process::id(),
            failures: self.failures + 1,
            exit: Some(failure.exit()),
            says: failure.to_string(),
        };
        self.write(&log);
    }

    /// Best effort: without it, the others ask for themselves.
    fn write(&mut self, log: &Log) {
        let written = serde_json::to_vec(log).map_err(std::io::Error::from).and_then(|bytes| {
            self.file.set_len(0)?;
            self.file.rewind()?;
            self.file.write_all(&bytes)
        });
        if let Err(error) = written {
            tracing::debug!(%error, "no word is left for others");
        }
    }
}

fn read(file: &mut File) -> Log {
    let mut bytes = Vec::new();
    let read = file.rewind().and_then(|()| file.take(MAX_BYTES).read_to_end(&mut bytes));
    read.ok().and_then(|_| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// Names this user, in a folder that all users share.
#[cfg(unix)]
fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// On Windows, each user's folder is their own.
#[cfg(not(unix))]
fn user() -> u32 {
    0
}
